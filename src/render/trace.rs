//! What plugins asked of their host, as NDJSON: a line for each call.

use super::json;
use crate::diagnostic::{CaseReport, TRACE_SCHEMA, TraceLine};

/// The host calls of cases, each with the id of its plugin.
///
/// # Errors
///
/// What cannot be JSON, of which there is nothing.
pub fn trace<'c>(
    cases: impl Iterator<Item = (&'c str, &'c CaseReport)>,
) -> serde_json::Result<String> {
    let mut text = String::new();
    for (plugin, case) in cases {
        for (index, call) in case.host_calls.iter().enumerate() {
            let last = index + 1 == case.host_calls.len();
            let line = TraceLine {
                schema: TRACE_SCHEMA,
                plugin,
                case: &case.name,
                left_out: if last { case.host_calls_left_out } else { 0 },
                call,
            };
            text.push_str(&json::line(&line)?);
        }
    }
    Ok(text)
}
