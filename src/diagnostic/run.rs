//! What `run` returns: what its JSON is made of.

use schemars::JsonSchema;
use serde::Serialize;

use super::report::{AdapterUse, CallReport, CaseReport, ConfigUsed, Distance, PluginReport, Tool};
use super::{CompiledBy, Diagnostic, Sandbox, StubUse, Usage};

/// What `run` returns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RunReport {
    /// `plugtool.run/0`.
    pub schema: &'static str,
    /// Who ran it.
    pub tool: Tool,
    /// The component.
    pub path: String,
    /// SHA-256 of the file, in hex; none where it could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// By which configuration it was fitted and limited, where `--host` names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config: Option<ConfigUsed>,
    /// The host's world that it targets, or comes nearest to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub world: Option<String>,
    /// How far it is from each world of the host, where there are several and it targets none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub distances: Vec<Distance>,
    /// Whether it is a core module that was made a component for the host.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub adapted: bool,
    /// The host's adapters that were composed around it, outermost last.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub adapters: Vec<AdapterUse>,
    /// Generated adapters that close imports which the host wants closed, with what they answer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stubs: Vec<StubUse>,
    /// What each call of `--invoke` returned, in WAVE, up to the first that did not return.
    pub values: Vec<String>,
    /// How a command ended, where it was run as one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<CommandReport>,
    /// The calls of `--invoke` in their order, those that were not reached included.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<CallReport>,
    /// The smoke cases that were run; none where other things were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cases: Option<Vec<CaseReport>>,
    /// Fuel that all calls used together; none where a call did not return.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fuel: Option<u64>,
    /// The most linear memory that was held, in bytes; none where a call did not return.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// The compiler that made its code; none where that was not done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compiler: Option<CompiledBy>,
    /// The limits that it ran under, and how much of each it used; each smoke case has its own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<Usage>,
    /// How the process was confined that ran it; none where nothing was run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<Sandbox>,
    /// What went wrong.
    pub diagnostics: Vec<Diagnostic>,
    /// Why it could not be judged by the host, where it could not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

impl RunReport {
    /// What is known of a plugin before it has run: all that its report has but its cases.
    pub fn of(tool: Tool, plugin: PluginReport) -> RunReport {
        RunReport {
            schema: "plugtool.run/0",
            tool,
            path: plugin.path,
            sha256: plugin.sha256,
            config: None,
            world: plugin.world,
            distances: plugin.distances,
            adapted: plugin.adapted,
            adapters: plugin.adapters,
            stubs: plugin.stubs,
            values: Vec::new(),
            command: None,
            calls: Vec::new(),
            cases: None,
            fuel: None,
            memory: None,
            compiler: None,
            limits: Vec::new(),
            sandbox: plugin.sandbox,
            diagnostics: plugin.diagnostics,
            failure: plugin.failure,
        }
    }
}

/// A WASI command as it went.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CommandReport {
    /// Its exit code; none where it did not end by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<u8>,
    /// What it wrote to its standard output.
    pub stdout: Captured,
    /// What it wrote to its standard error.
    pub stderr: Captured,
}

/// What a command wrote to one stream: as text where it is UTF-8, otherwise as Base64.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Captured {
    /// The text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The bytes in Base64 (RFC 4648, with padding).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base64: Option<String>,
    /// How many bytes it wrote.
    pub size: u64,
    /// Whether that is more than was kept.
    pub truncated: bool,
}
