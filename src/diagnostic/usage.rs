//! What a run had to live with: the confinement of its process, the compiler of its code, and each limit
//! with what was used of it.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How far the process was confined that compiled and ran plugins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sandbox {
    /// Whether every promise holds: no file but what was granted, no network, no other program, no
    /// privileges, no more memory and processor time than allowed. Several measures may stand
    /// behind one promise.
    pub complete: bool,
    /// The measures in force.
    pub measures: Vec<String>,
    /// The measures that the operating system does not offer, with its reasons.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
}

/// One limit of a smoke case, and how much of it was used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Usage {
    /// Which limit: the key under `[limits]`.
    pub limit: Cow<'static, str>,
    /// In what it is counted: `fuel`, `bytes`, `ms`, `elements`, `instances` or `handles`.
    pub unit: Cow<'static, str>,
    /// How much was used; for `fuel`, by the call that used most. None where that is not known: the
    /// engine does not count it, or the process was killed, or it differs from run to run, as time does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub used: Option<u64>,
    /// How much may be used.
    pub allowed: u64,
}

/// The compiler that made a plugin's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CompiledBy {
    /// One pass over the code: quick to compile, slower to run.
    Winch,
    /// The engine's optimising compiler.
    Cranelift,
}

impl CompiledBy {
    /// Its name, as the configuration has it.
    pub fn name(self) -> &'static str {
        match self {
            CompiledBy::Winch => "winch",
            CompiledBy::Cranelift => "cranelift",
        }
    }
}
