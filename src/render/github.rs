//! GitHub: findings as workflow commands, which its runner makes annotations of.
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>

use std::path::Path;

use super::clean;
use super::issue::{Issue, issues};
use super::text::count;
use crate::diagnostic::{Report, Severity, Verdict};

/// Annotations of one kind that GitHub shows for a step. What is beyond that it drops without a word.
pub const SHOWN: usize = 10;

/// Bytes that the summary of a step may have: with more, GitHub shows none of it.
pub const SUMMARY_BYTES: usize = 1 << 20;

/// The findings as workflow commands, a line each: as many as GitHub shows of each kind. The rest is
/// counted in the last line. `here` is the working directory.
pub fn github(report: &Report, here: &Path) -> String {
    let issues = issues(report, here);
    let mut out = String::new();
    let mut left_out = Vec::new();
    let kinds = [
        (Severity::Error, "error", SHOWN),
        (Severity::Warning, "warning", SHOWN),
        // One is kept for the count.
        (Severity::Note, "notice", SHOWN - 1),
    ];
    for (severity, command, shown) in kinds {
        let of_kind: Vec<&Issue<'_>> =
            issues.iter().filter(|issue| issue.severity() == severity).collect();
        for issue in of_kind.iter().take(shown) {
            let properties = [
                ("file", clean(&issue.path)),
                ("line", issue.line.to_string()),
                ("title", issue.title()),
            ];
            out.push_str(&workflow_command(command, &properties, &issue.text()));
        }
        if let rest @ 1.. = of_kind.len().saturating_sub(shown) {
            left_out.push(count(rest, &format!("more {command}")));
        }
    }
    if !left_out.is_empty() {
        let unjudged = report.plugins.iter().any(|p| p.verdict == Verdict::Unjudged);
        let unjudged = if unjudged { "; some plugins could not be judged" } else { "" };
        let text = format!(
            "{} not shown here, which is as much as GitHub shows of one step: see the log or the \
             summary{unjudged}",
            left_out.join(", "),
        );
        out.push_str(&workflow_command("notice", &[("title", "plugtool".to_owned())], &text));
    }
    out
}

/// One command with a line feed.
fn workflow_command(name: &str, properties: &[(&str, String)], data: &str) -> String {
    let properties: Vec<String> =
        properties.iter().map(|(name, value)| format!("{name}={}", property(value))).collect();
    format!("::{name} {}::{}\n", properties.join(","), escape(data))
}

/// What the runner reads as data; it takes the escapes back in the same order.
fn escape(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// What the runner reads as the value of a property.
fn property(text: &str) -> String {
    escape(text).replace(':', "%3A").replace(',', "%2C")
}
