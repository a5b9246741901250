//! GitHub's annotations and step summaries: no more of them than it shows, and nothing else.

use std::fs;
use std::path::Path;
use std::process::Command;

use plugtool::diagnostic::{Code, PluginReport, Severity, Verdict};
use plugtool::render::{github, markdown};

use super::{
    assert_clean, command, diagnostic, here, hostile_reports, outside_code, plugin, report, support,
};

#[test]
fn github_reads_annotations_and_nothing_else() {
    for report in hostile_reports() {
        let text = github::github(&report, here());
        assert_clean(&text, "github");
        let mut kinds = Vec::new();
        for line in text.lines() {
            let (name, properties, data) = command(line).unwrap_or_else(|| panic!("{line}"));
            assert!(!line.contains("##["), "{line}");
            let keys: Vec<&str> = properties.iter().map(|(key, _)| key.as_str()).collect();
            assert_eq!(keys, ["file", "line", "title"], "{line}");
            assert!(["1", "7"].contains(&properties[1].1.as_str()), "{line}");
            // What comes out is what went in, made visible, and nothing went into other places.
            let id = &report.plugins[0].id;
            let said = plugtool::render::clean(id);
            assert!(data.contains(&said), "{line}");
            let title = &properties[2].1;
            let (plugin, code) = title.rsplit_once(": ").unwrap_or(("", title));
            assert!(plugin == said || plugin.is_empty(), "{line}");
            assert!(Code::from_name(code).is_some() || code == "could-not-judge", "{line}");
            kinds.push(name);
        }
        let count = |kind: &str| kinds.iter().filter(|name| *name == kind).count();
        assert_eq!((count("error"), count("warning"), count("notice")), (3, 2, 4));
        assert_eq!(kinds.len(), 9);
    }
}

#[test]
fn github_gets_no_more_annotations_than_it_shows() {
    let mut of = plugin("many", Verdict::Fail);
    of.diagnostics = Vec::new();
    for (severity, count) in [(Severity::Error, 14), (Severity::Warning, 10), (Severity::Note, 10)]
    {
        of.diagnostics.extend((0..count).map(|_| diagnostic("it", severity)));
    }
    let mut report = report(vec![of], "host");
    report.diagnostics = Vec::new();
    let text = github::github(&report, here());
    let count = |kind: &str| text.lines().filter(|line| line.starts_with(kind)).count();
    assert_eq!((count("::error "), count("::warning "), count("::notice ")), (10, 10, 10));
    let last = text.lines().last().expect("a line");
    assert!(last.contains("4 more errors, 1 more notice not shown here"), "{last}");
}

#[test]
fn a_summary_keeps_to_its_limit() {
    let plugins: Vec<PluginReport> =
        (0..300).map(|n| plugin(&format!("plugin {n}"), Verdict::Fail)).collect();
    let report = report(plugins, "host");
    let whole = markdown::markdown(&report, usize::MAX);
    assert!(!whole.contains("left out"));
    for limit in [1_000, 20_000, whole.len() - 1, whole.len()] {
        let text = markdown::markdown(&report, limit);
        assert!(text.len() <= limit, "{} of {limit}", text.len());
        assert_eq!(text.contains("The rest is left out"), limit < whole.len(), "{limit}");
        outside_code(&text);
    }
}

/// A summary is added to what the step has said already, and keeps to what is left of the limit.
#[test]
fn a_step_summary_is_added_to() {
    let folder = support::workspace();
    let summary = folder.path().join("summary.md");
    let gate = |report: &str, summary: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plugtool"));
        let path = std::env::var_os("PATH").unwrap_or_default();
        command.args(["gate", "--host", "compositions/cli-host", "--only", "greet", "--report"]);
        command.arg(report).current_dir(folder.path()).env_clear().env("PATH", path);
        let output = command.env("GITHUB_STEP_SUMMARY", summary).output().expect("it starts");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let lines = |before: &str| {
        fs::write(&summary, before).expect("a file");
        assert_eq!(gate("github=-", &summary).0, Some(0));
        fs::read_to_string(&summary).expect("a summary")
    };
    let text = lines("");
    assert!(text.starts_with("### plugtool: 1 passed, 0 failed\n"), "{text}");
    assert_eq!(lines("before\n"), format!("before\n{text}"));
    let full = "x".repeat(github::SUMMARY_BYTES - 10);
    assert_eq!(lines(&full), full, "it would be too long");
    assert!(gate("github=-", &summary).1.contains("no summary was added"));
    let just = "x".repeat(github::SUMMARY_BYTES - text.len());
    assert_eq!(lines(&just).len(), github::SUMMARY_BYTES);
    // Only with that format, and only once.
    fs::write(&summary, "").expect("a file");
    assert_eq!(gate("github-summary=other.md", &summary).0, Some(0));
    assert_eq!(fs::read_to_string(&summary).expect("a summary"), "");
    assert_eq!(fs::read_to_string(folder.path().join("other.md")).expect("a summary"), text);
    assert_eq!(gate("github=-", &folder.path().join("nowhere/summary.md")).0, Some(3));
}
