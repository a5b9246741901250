//! HTTP in reports: what a handler answered, and what a plugin asked of others.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a handler answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HttpAnswer {
    /// The status.
    pub status: u16,
    /// Names and values in their order; what is no text in a value is replaced.
    pub headers: Vec<(String, String)>,
    /// Bytes of its body, as far as it was read.
    pub body_size: u64,
}

/// A request that a plugin made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HttpExchange {
    /// The method.
    pub method: String,
    /// The URL.
    pub url: String,
    /// Names and values in their order; what is no text in a value is replaced.
    pub headers: Vec<(String, String)>,
    /// Bytes of the body that it sent; none where it did not come to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_size: Option<u64>,
    /// Whether it was refused because the host is not one that may be talked to.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub refused: bool,
    /// The status that it was answered with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// How it failed, where it did: in the words of `wasi:http`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The rule that decided: file and line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}
