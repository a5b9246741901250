//! Reports are what their formats' schemas say, and nothing that a plugin wrote is read as anything but
//! text, in any of them.

#![allow(clippy::expect_used, clippy::panic, reason = "a test says what it needs by failing")]

#[path = "reports/github.rs"]
mod github;
#[path = "reports/junit.rs"]
mod junit;
#[path = "reports/sarif.rs"]
mod sarif;
#[allow(dead_code)]
mod support;
#[path = "support/xml.rs"]
mod xml;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use plugtool::diagnostic::{
    AdapterUse, AnsweredBy, CallReport, CaseReport, Code, ConfigUsed, Diagnostic, Distance,
    HostCall, HttpAnswer, HttpExchange, Place, PluginReport, Report, Sandbox, Severity, StubUse,
    StubbedFunction, StubbedImport, Summary, Timing, Tool, Usage, Verdict, Waived, WitPath,
};
use plugtool::render::text::{self, Detail};
use plugtool::render::{gitlab, is_hostile, json, markdown, ndjson};
use serde_json::Value;
use support::root;

/// A word that fills a line, so that the next one begins another.
macro_rules! long {
    () => {
        concat!(eight!(), eight!(), eight!())
    };
}

macro_rules! eight {
    () => {
        "EVILEVILEVILEVILEVILEVILEVILEVIL"
    };
}

/// What a plugin could write where anything may stand, with a word to find it again.
const HOSTILE: &[&str] = &[
    "EVIL\u{1b}[31m\u{1b}]8;;http://EVIL\u{7}\u{0}\u{8}\r",
    "EVIL\u{202e}\u{2066}\u{200b}\u{feff}\u{e0041}\u{85}\u{2028}",
    "EVIL\n::set-env name=EVIL::EVIL\n::add-mask::EVIL",
    "  ::error file=EVIL,line=1::EVIL",
    "EVIL##[add-mask]EVIL ##[error]EVIL ###[group]EVIL ##vso[task.setvariable]EVIL",
    "EVIL%0A::stop-commands::EVIL%0D%25%3A%2C",
    "EVIL,title=EVIL::EVIL:EVIL;EVIL]EVIL",
    "EVIL]]><![CDATA[EVIL]]><failure>EVIL</failure><!--EVIL-->&EVIL;&#0;\"EVIL'",
    "<script>EVIL</script><img src=x onerror=EVIL><!-- EVIL",
    "[EVIL](javascript:EVIL) ![EVIL](http://EVIL) [EVIL][EVIL] <http://EVIL> www.EVIL.example",
    "`EVIL` ``EVIL`` ```EVIL\n```\n~~~EVIL\n`````````` # EVIL",
    "```\n\n# EVIL\n\n@EVIL/EVIL @EVIL #1 GH-1 :EVIL: ~~EVIL~~",
    "EVIL|EVIL\\|EVIL\\\\|`EVIL|EVIL\\",
    "| EVIL | EVIL |\n|---|---|\n| EVIL | EVIL |",
    "{0} {EVIL} }{ {{EVIL}} \\[EVIL\\](1)",
    "$(EVIL) ${EVIL} $EVIL \\u0041 ../../EVIL /EVIL C:\\EVIL file:EVIL",
    "section_start:0:EVIL\r\u{1b}[0KEVIL",
    "\u{fffe}\u{ffff}EVIL\u{fdd0}",
    // Wrapped so that a fence stands in a line of its own, and a command at the start of one.
    concat!(long!(), " ``` ", long!(), " ::add-mask::EVIL EVIL"),
    "",
    "   ",
    "`",
];

fn diagnostic(text: &str, severity: Severity) -> Diagnostic {
    let path = WitPath::root("import", text).then("field", Some(text));
    let place = Place { file: text.to_owned(), line: 7, text: text.to_owned() };
    Diagnostic::error(Code::DeniedImport, text)
        .severity(severity)
        .at(path)
        .note(text)
        .note(text)
        .help(text)
        .decided_by(&place)
}

/// A plugin with one text in every field.
fn plugin(text: &str, verdict: Verdict) -> PluginReport {
    let mut plugin = PluginReport::new(text, text);
    plugin.verdict = verdict;
    plugin.sha256 = Some("0".repeat(64));
    plugin.size = Some(1);
    plugin.timing = Some(Timing { milliseconds: 1234 });
    plugin.world = Some(text.to_owned());
    plugin.distances = vec![Distance { world: text.to_owned(), mismatches: 2 }];
    plugin.adapters = vec![AdapterUse { name: text.to_owned(), sha256: "1".repeat(64) }];
    let case = |name: &str, passed| CaseReport {
        name: name.to_owned(),
        passed,
        steps: 1,
        fuel: 2,
        memory: 3,
        compiler: None,
        timing: Some(Timing { milliseconds: 234 }),
        answer: Some(HttpAnswer {
            status: 200,
            headers: vec![(text.to_owned(), text.to_owned())],
            body_size: 4,
        }),
        requests: vec![HttpExchange {
            method: text.to_owned(),
            url: text.to_owned(),
            headers: vec![(text.to_owned(), text.to_owned())],
            error: Some(text.to_owned()),
            rule: Some(text.to_owned()),
            ..HttpExchange::default()
        }],
        requests_left_out: 1,
        limits: vec![Usage {
            limit: "fuel".into(),
            unit: "fuel".into(),
            used: Some(1),
            allowed: 2,
        }],
        host_calls: vec![HostCall {
            step: 1,
            call: text.to_owned(),
            on: Some(text.to_owned()),
            args: text.to_owned(),
            returned: Some(text.to_owned()),
            trapped: Some(text.to_owned()),
            by: AnsweredBy::Rule,
            rule: Some(text.to_owned()),
            delay: 1,
            cut: true,
        }],
        host_calls_left_out: 1,
        wrote: None,
        calls: vec![CallReport {
            call: text.to_owned(),
            passed,
            expected: Some(text.to_owned()),
            got: Some(text.to_owned()),
            expected_trap: Some(text.to_owned()),
            trap: (!passed).then(|| text.to_owned()),
            fuel: Some(2),
            cut: false,
            recordable: false,
        }],
    };
    if verdict != Verdict::Skipped {
        plugin.cases = vec![case(text, verdict == Verdict::Pass), case("another", true)];
        plugin.diagnostics = vec![diagnostic(text, Severity::Note)];
        let function = |ignored| StubbedFunction {
            function: text.to_owned(),
            returns: Some(text.to_owned()),
            ignored,
            traps: Some(text.to_owned()),
        };
        let import = StubbedImport {
            name: text.to_owned(),
            because: Some(text.to_owned()),
            functions: vec![function(true), function(false)],
        };
        let sha256 = "3".repeat(64);
        plugin.stubs = vec![StubUse { name: text.to_owned(), sha256, imports: vec![import] }];
    }
    if verdict == Verdict::Fail {
        let call = WitPath::root("smoke case", text).then("call", Some(text));
        plugin.diagnostics.push(Diagnostic::error(Code::Trap, text).at(call));
        plugin.diagnostics.push(diagnostic(text, Severity::Warning));
        plugin.diagnostics.push(diagnostic(text, Severity::Error));
        let mut waived = diagnostic(text, Severity::Note);
        waived.waived = Some(Waived { until: text.to_owned(), reason: text.to_owned() });
        plugin.diagnostics.push(waived);
    }
    if verdict == Verdict::Unjudged {
        plugin.failure = Some(text.to_owned());
    }
    plugin
}

fn report(plugins: Vec<PluginReport>, text: &str) -> Report {
    Report {
        schema: "plugtool.gate/0".into(),
        tool: Tool { name: "plugtool".into(), version: "1.2.3".into(), engine: "engine 4".into() },
        config: Some(ConfigUsed { path: text.to_owned(), sha256: "2".repeat(64) }),
        partition: None,
        worlds: vec![text.to_owned()],
        sandbox: Some(Sandbox {
            complete: false,
            measures: vec![text.to_owned()],
            missing: vec![text.to_owned()],
        }),
        summary: Summary::of(&plugins),
        diagnostics: vec![diagnostic(text, Severity::Warning)],
        plugins,
    }
}

/// Every hostile text in every field, once with each verdict.
fn hostile_reports() -> Vec<Report> {
    let verdicts = [Verdict::Pass, Verdict::Fail, Verdict::Unjudged, Verdict::Skipped];
    let of = |text: &&str| report(verdicts.map(|verdict| plugin(text, verdict)).to_vec(), text);
    HOSTILE.iter().map(of).collect()
}

fn here() -> &'static Path {
    Path::new("/here")
}

fn file(name: &str) -> String {
    fs::read_to_string(root().join("testdata/reports").join(name)).expect("a file of the test data")
}

fn without_styles(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

/// Name, properties and data.
type Parsed = (String, Vec<(String, String)>, String);

/// A line as the runner of GitHub reads it: `::name key=value,...::data` at its start, or
/// `##[name key=value;...]data` anywhere. After `ActionCommand.cs` of actions/runner.
fn command(line: &str) -> Option<Parsed> {
    let unescape = |text: &str, also: &[(&str, &str)]| {
        let all = [("%0D", "\r"), ("%0A", "\n")];
        let text =
            all.iter().chain(also).fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
        text.replace("%25", "%")
    };
    if let Some(rest) = line.trim_start().strip_prefix("::") {
        let (info, data) = rest.split_once("::")?;
        let (name, properties) = info.split_once(' ').unwrap_or((info, ""));
        let properties = properties.split(',').filter_map(|pair| pair.split_once('='));
        let properties = properties
            .map(|(key, value)| (key.to_owned(), unescape(value, &[("%3A", ":"), ("%2C", ",")])));
        return Some((name.to_owned(), properties.collect(), unescape(data, &[])));
    }
    let (_, rest) = line.split_once("##[")?;
    let (info, data) = rest.split_once(']')?;
    Some((info.to_owned(), Vec::new(), data.to_owned()))
}

/// Complaints about text that goes into a log.
fn assert_no_commands(text: &str, format: &str) {
    for line in text.lines() {
        assert_eq!(command(line), None, "{format}: {line}");
        assert!(!line.contains("##vso["), "{format}: {line}");
        assert!(!line.contains("##["), "{format}: {line}");
    }
}

fn assert_clean(text: &str, format: &str) {
    let hostile = text.chars().find(|c| *c != '\n' && is_hostile(*c));
    assert_eq!(hostile, None, "{format}: {text}");
}

/// Calls with every string, and the key that it stands under.
fn strings(value: &Value, each: &mut dyn FnMut(&str, &str)) {
    fn walk(key: &str, value: &Value, each: &mut dyn FnMut(&str, &str)) {
        match value {
            Value::String(string) => each(key, string),
            Value::Array(items) => items.iter().for_each(|item| walk(key, item, each)),
            Value::Object(fields) => fields.iter().for_each(|(key, item)| walk(key, item, each)),
            _ => {}
        }
    }
    walk("", value, each);
}

#[test]
fn text_holds_no_commands_and_no_escapes() {
    for report in hostile_reports() {
        for detail in [Detail::Quiet, Detail::Normal, Detail::Verbose] {
            let text = without_styles(&text::report(&report, detail));
            assert_clean(&text, "text");
            assert_no_commands(&text, "text");
        }
    }
}

#[test]
fn json_gives_back_what_was_written() {
    for report in hostile_reports() {
        let lines = ndjson::ndjson(&report, 0).expect("NDJSON");
        let whole = json::json(&report).expect("JSON");
        for text in [&lines, &whole] {
            assert_clean(text, "json");
            assert_no_commands(text, "json");
        }
        let again: Report = serde_json::from_str(&whole).expect("a report");
        assert_eq!(again, report);
        assert_eq!(lines.lines().count(), report.plugins.len() + 1);
        for (line, plugin) in lines.lines().zip(&report.plugins) {
            let line: Value = serde_json::from_str(line).expect("a line of JSON");
            assert_eq!(line["schema"], "plugtool.gate-plugin/0");
            let again: PluginReport = serde_json::from_value(line["plugin"].clone()).expect("one");
            assert_eq!(again, *plugin);
        }
        let last: Value =
            serde_json::from_str(lines.lines().last().expect("a line")).expect("JSON");
        assert_eq!(last["schema"], "plugtool.gate-end/0");
        assert_eq!(last["summary"]["unjudged"], 1);
    }
}

/// What is left out where there is nothing to say is nothing again.
#[test]
fn json_of_little_is_read_too() {
    let mut report = report(vec![PluginReport::new("a", "b")], "host");
    report.config = None;
    report.sandbox = None;
    report.diagnostics = vec![Diagnostic::error(Code::Trap, "m")];
    let again: Report =
        serde_json::from_str(&json::json(&report).expect("JSON")).expect("a report");
    assert_eq!(again, report);
}

#[test]
fn gitlab_gets_what_it_documents() {
    let schema: Value = serde_json::from_str(&file("gitlab-code-quality.json")).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    for mut report in hostile_reports() {
        // An empty path is no place; nothing else is taken out.
        for plugin in &mut report.plugins {
            plugin.path.push('x');
        }
        for finding in &mut report.diagnostics {
            finding.decided_by.as_mut().expect("a place").file.push('x');
        }
        let text = gitlab::gitlab(&report, here()).expect("JSON");
        assert_clean(&text, "gitlab");
        assert_no_commands(&text, "gitlab");
        let issues: Value = serde_json::from_str(&text).expect("JSON");
        if let Err(error) = validator.validate(&issues) {
            panic!("{error} at {}: {text}", error.instance_path);
        }
        let issues = issues.as_array().expect("issues");
        assert_eq!(issues.len(), 1 + 1 + 5 + 2);
        let fingerprints: BTreeSet<&str> =
            issues.iter().map(|issue| issue["fingerprint"].as_str().expect("text")).collect();
        assert_eq!(fingerprints.len(), issues.len(), "one fingerprint twice");
        strings(&Value::Array(issues.clone()), &mut |key, string| {
            assert_clean(&string.replace('\n', ""), key);
        });
    }
}

/// Markdown without its code: fenced blocks, and spans by CommonMark's rule that a run of backticks
/// ends with the next run of the same length.
fn outside_code(text: &str) -> String {
    let mut out = String::new();
    let mut fence = 0;
    for line in text.lines() {
        // A fence may be indented by up to three spaces.
        let unindented = line.trim_start_matches(' ');
        let unindented = if line.len() - unindented.len() <= 3 { unindented } else { line };
        let ticks = unindented.len() - unindented.trim_start_matches('`').len();
        let info = &unindented[ticks..];
        if fence > 0 {
            if ticks >= fence && info.trim().is_empty() {
                fence = 0;
            }
            continue;
        }
        if ticks >= 3 && !info.contains('`') {
            fence = ticks;
            continue;
        }
        let mut rest = line;
        while let Some(at) = rest.find('`') {
            out.push_str(&rest[..at]);
            let ticks = rest[at..].len() - rest[at..].trim_start_matches('`').len();
            let after = &rest[at + ticks..];
            let mut from = 0;
            let end = loop {
                let Some(next) = after[from..].find('`').map(|next| from + next) else {
                    break None;
                };
                let run = after[next..].len() - after[next..].trim_start_matches('`').len();
                if run == ticks {
                    break Some(next + run);
                }
                from = next + run;
            };
            match end {
                Some(end) => rest = &after[end..],
                None => {
                    // No span: the backticks are text, and so is what follows.
                    out.push_str(&rest[at..at + ticks]);
                    rest = after;
                }
            }
        }
        out.push_str(rest);
        out.push('\n');
    }
    assert_eq!(fence, 0, "a block has no end: {text}");
    out
}

#[test]
fn markdown_shows_what_plugins_wrote_as_code_only() {
    for report in hostile_reports() {
        let text = markdown::markdown(&report, usize::MAX);
        assert_clean(&text, "markdown");
        assert_no_commands(&text, "markdown");
        let own = outside_code(&text);
        assert!(!own.contains("EVIL"), "{own}\n{text}");
        let allowed = |c: char| c.is_ascii_alphanumeric() || "# *|-:,.()\n".contains(c);
        assert!(own.chars().all(allowed), "{own}\n{text}");
        // No cell ends before it should: a bar that is in a code span ends it all the same.
        let rows = text.lines().filter(|line| line.starts_with("| ") && line.ends_with(" |"));
        let rows: Vec<&str> = rows.collect();
        assert_eq!(rows.len(), 5, "{text}");
        for row in rows {
            assert_eq!(row.matches('|').count(), 4, "{row}");
        }
    }
}
