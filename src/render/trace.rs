//! What plugins asked of their host, as NDJSON: a line for each call, and one for a case without.

use super::json;
use crate::diagnostic::{CaseReport, TRACE_SCHEMA, TraceLine};

/// The host calls of cases, each with the id of its plugin. A case that passed and made none has a line that
/// says so: what has no line is not known.
///
/// # Errors
///
/// What cannot be JSON, of which there is nothing.
pub fn trace<'c>(
    cases: impl Iterator<Item = (&'c str, &'c CaseReport)>,
) -> serde_json::Result<String> {
    let mut text = String::new();
    for (plugin, case) in cases {
        let (schema, name) = (TRACE_SCHEMA, &*case.name);
        let left_out = case.host_calls_left_out;
        if case.host_calls.is_empty() && (case.passed || left_out > 0) {
            let line = TraceLine { schema, plugin, case: name, left_out, call: None };
            text.push_str(&json::line(&line)?);
        }
        for (index, call) in case.host_calls.iter().enumerate() {
            let last = index + 1 == case.host_calls.len();
            let left_out = if last { left_out } else { 0 };
            let line = TraceLine { schema, plugin, case: name, left_out, call: Some(call) };
            text.push_str(&json::line(&line)?);
        }
    }
    Ok(text)
}
