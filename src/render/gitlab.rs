//! GitLab's code quality report: a JSON array of issues, of the fields that GitLab reads.
//! <https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format>

use std::path::Path;

use serde::Serialize;

use super::issue::{Issue, What, issues};
use super::{clean, json};
use crate::diagnostic::{Report, Severity};

#[derive(Serialize)]
struct Shown {
    description: String,
    check_name: &'static str,
    fingerprint: String,
    severity: &'static str,
    location: Location,
}

#[derive(Serialize)]
struct Location {
    path: String,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: usize,
}

/// The report for GitLab; `here` is the working directory, which GitLab's paths are relative to.
///
/// # Errors
///
/// None that input could cause: whatever the serializer has to say.
pub fn gitlab(report: &Report, here: &Path) -> Result<String, serde_json::Error> {
    let shown: Vec<Shown> = issues(report, here).iter().map(shown).collect();
    json::json(&shown)
}

fn shown(issue: &Issue<'_>) -> Shown {
    let about = issue.plugin.map(|plugin| format!("{}: ", clean(&plugin.id))).unwrap_or_default();
    Shown {
        description: format!("{about}{}", issue.text()),
        check_name: issue.code(),
        // Of several with one fingerprint, GitLab shows the first only.
        fingerprint: format!("{}-{}", issue.fingerprint, issue.occurrence),
        severity: match (issue.what, issue.severity()) {
            (What::Unjudged(_), _) => "blocker",
            (_, Severity::Error) => "critical",
            (_, Severity::Warning) => "minor",
            (_, Severity::Note) => "info",
        },
        location: Location { path: clean(&issue.path), lines: Lines { begin: issue.line } },
    }
}
