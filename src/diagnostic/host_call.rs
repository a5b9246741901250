//! What a plugin asked of its host, call by call.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A call that a plugin made of its host, or the end of a handle that the host had made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HostCall {
    /// During which step of the case, from 1; 0 while the instance came to life, and one more than there
    /// are steps while what was left was dropped.
    pub step: usize,
    /// The function: `my:chat/api#send`, `my:chat/api#session.feed`, or `my:chat/api#session.drop` for
    /// the end of a handle.
    pub call: String,
    /// The handle whose method it is, or that ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<String>,
    /// The arguments in WAVE, as a tuple.
    pub args: String,
    /// What it returned, in WAVE; empty for a function without a result, and none where it trapped or
    /// was not answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returned: Option<String>,
    /// The message that it trapped with, where the script says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trapped: Option<String>,
    /// Who answered.
    pub by: AnsweredBy,
    /// The rule that answered, or the line of the trace, as `file:line`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// How long that took in the guest's time, in milliseconds.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub delay: u64,
    /// Whether arguments or result are only how they begin.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
}

/// Who answered a call of the host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AnsweredBy {
    /// A rule of the case.
    Rule,
    /// An answer that was made from the function's type.
    Default,
    /// What plugtool itself has of `wasi:config`, `wasi:keyvalue` and `wasi:logging`.
    BuiltIn,
    /// A trace that is replayed.
    Replay,
    /// The case's mock.
    Mock,
    /// Nobody: the case failed there, or there was nothing to answer.
    #[default]
    Nobody,
}

/// The schema of a [`TraceLine`].
pub const TRACE_SCHEMA: &str = "plugtool.host-call/0";

/// One line of what `--trace FILE` writes: a call with the plugin and the case that made it, or that a case
/// made none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TraceLine<'t> {
    /// [`TRACE_SCHEMA`].
    pub schema: &'static str,
    /// The plugin's id.
    pub plugin: &'t str,
    /// The case's name.
    pub case: &'t str,
    /// How many more calls the case made behind this one, where not all of them are told.
    #[serde(skip_serializing_if = "is_zero")]
    pub left_out: u64,
    /// The call; none where the case made none, and that line is the only one of it.
    #[serde(flatten)]
    pub call: Option<&'t HostCall>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over like this")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}
