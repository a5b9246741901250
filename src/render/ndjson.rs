//! NDJSON: a line for every plugin, and a last line with the sum. A file without the last line is not
//! whole.

use super::json;
use crate::diagnostic::{GateEnd, GatePlugin, PluginReport, Report};

/// One plugin as a line. `position` is its place in the list of those to be judged, from 1.
///
/// # Errors
///
/// None that input could cause: whatever the serializer has to say.
pub fn plugin(position: usize, plugin: &PluginReport) -> Result<String, serde_json::Error> {
    json::line(&GatePlugin { schema: "plugtool.gate-plugin/0", position, plugin })
}

/// The last line.
///
/// # Errors
///
/// As [`plugin`].
pub fn end(report: &Report) -> Result<String, serde_json::Error> {
    json::line(&GateEnd {
        schema: "plugtool.gate-end/0",
        tool: &report.tool,
        config: report.config.as_ref(),
        partition: report.partition.as_ref(),
        worlds: &report.worlds,
        sandbox: report.sandbox.as_ref(),
        summary: report.summary,
        diagnostics: &report.diagnostics,
    })
}

/// A report line by line, without the first so many lines.
///
/// # Errors
///
/// As [`plugin`].
pub fn ndjson(report: &Report, without: usize) -> Result<String, serde_json::Error> {
    let mut out = String::new();
    for (index, item) in report.plugins.iter().enumerate().skip(without) {
        out.push_str(&plugin(index + 1, item)?);
    }
    out.push_str(&end(report)?);
    Ok(out)
}
