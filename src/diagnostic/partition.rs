//! What a report says of the part of the plugins that it is about.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Diagnostic, Severity};

/// How plugins are dealt out to partitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// By the digest of the plugin's id: where a plugin goes does not depend on the other plugins.
    Hash,
    /// By the place in the list, one to each in turn: parts of the same size.
    Slice,
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Method::Hash => "hash",
            Method::Slice => "slice",
        })
    }
}

/// The part of the plugins that a report is about, with what `plugtool merge` needs to tell that all
/// parts are there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PartitionUsed {
    /// How plugins are dealt out.
    pub method: Method,
    /// Which part it is, from 1.
    pub index: usize,
    /// How many parts there are.
    pub total: usize,
    /// What said so: `--partition`, `Bazel`, `GitLab` or `Kubernetes`.
    pub source: Cow<'static, str>,
    /// The least severity that failed a plugin.
    pub fail_on: Severity,
    /// What decided beside the configuration's file, and its SHA-256 in hex: `worlds`, `adapters`, `cases`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub inputs: BTreeMap<String, String>,
    /// The plugins of all parts together, in their order.
    pub items: Vec<PartitionItem>,
    /// Findings about the configuration that hold where every part has them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub idle: Vec<Diagnostic>,
}

/// A plugin of one of the parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PartitionItem {
    /// Its id.
    pub id: String,
    /// Where it is read from.
    pub path: String,
}
