//! Markdown for people on the web: a table of verdicts, then what was found, plugin by plugin.
//!
//! Nothing that a plugin wrote is ever read as Markdown or HTML, and nobody is mentioned by it: it
//! stands in code spans and code blocks, and nowhere else.

use anstream::adapter::strip_str;

use super::clean;
use super::text;
use crate::diagnostic::{PluginReport, Report, Verdict};

/// With more plugins than this, the table is of those that did not pass.
const ROWS: usize = 200;

/// A report in Markdown of at most `limit` bytes, which are more than the few hundred of its head.
/// Where something does not fit, the last line says so.
pub fn markdown(report: &Report, limit: usize) -> String {
    let s = &report.summary;
    let mut head = format!("### plugtool: {}\n\n", text::counts(s));
    let worlds: Vec<String> = report.worlds.iter().map(|world| span(world)).collect();
    let config = report.config.as_ref().map(|config| format!(" ({})", span(&config.path)));
    if !worlds.is_empty() || config.is_some() {
        head.push_str(&format!("{}{}\n\n", worlds.join(", "), config.unwrap_or_default()));
    }
    if let Some(used) = &report.partition {
        head.push_str(&format!("{}\n\n", span(&text::partition(report, used))));
    }
    let mut blocks = Vec::new();
    if !report.diagnostics.is_empty() {
        blocks.push(format!("{}\n", block(&text::diagnostics(&report.diagnostics))));
    }
    // Of very many, those that passed are only counted.
    let few = report.plugins.len() <= ROWS;
    let rows = report.plugins.iter().filter(|plugin| few || plugin.verdict != Verdict::Pass);
    let rows: Vec<String> = rows.map(row).collect();
    if !rows.is_empty() {
        blocks.push("| verdict | plugin | |\n|---|---|---|\n".to_owned());
        blocks.extend(rows);
        blocks.push("\n".to_owned());
    }
    for plugin in &report.plugins {
        if plugin.failure.is_some() || !plugin.diagnostics.is_empty() {
            let found = block(&text::findings(plugin));
            blocks.push(format!("#### {}\n\n{found}\n", span(&plugin.id)));
        }
    }
    let mut out = head;
    let end = "\nThe rest is left out: there is no room for more.\n";
    for (index, block) in blocks.iter().enumerate() {
        let last = index + 1 == blocks.len();
        if out.len() + block.len() + if last { 0 } else { end.len() } > limit {
            out.push_str(end);
            break;
        }
        out.push_str(block);
    }
    out
}

fn row(plugin: &PluginReport) -> String {
    let verdict = match plugin.verdict {
        Verdict::Pass => "pass",
        Verdict::Fail => "**FAIL**",
        Verdict::Unjudged => "**could not be judged**",
        Verdict::Skipped => "skipped",
    };
    let summary = text::summary(plugin);
    let summary = if summary.is_empty() { String::new() } else { cell(&summary) };
    format!("| {verdict} | {} | {summary} |\n", cell(&plugin.id))
}

/// A code span. The fence is longer than every run of backticks inside.
fn span(text: &str) -> String {
    let text = clean(text);
    let fence = "`".repeat(longest_run(&text) + 1);
    // A space on both sides is taken off by the reader; it keeps backticks at the ends apart. A span
    // of spaces only would not be one.
    if text.is_empty() { "` `".to_owned() } else { format!("{fence} {text} {fence}") }
}

/// A code span in a table, where a bar would end it, whatever stands before.
fn cell(text: &str) -> String {
    span(&text.replace('|', "\\u{7c}"))
}

/// A code block, its fences longer than every run of backticks inside.
fn block(text: &str) -> String {
    let text = strip_str(text).to_string();
    let fence = "`".repeat(longest_run(&text).max(2) + 1);
    format!("{fence}text\n{}\n{fence}\n", text.trim_end_matches('\n'))
}

fn longest_run(text: &str) -> usize {
    let mut longest = 0;
    let mut run = 0;
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}
