//! SARIF 2.1.0, as its schema says and as code scanning takes it.

use std::collections::BTreeSet;

use plugtool::diagnostic::{Code, Diagnostic, Report, Severity, Verdict};
use plugtool::render::sarif;
use serde_json::Value;

use super::{
    assert_clean, assert_no_commands, file, here, hostile_reports, plugin, report, strings,
};

#[test]
fn sarif_is_as_its_schema_says_and_all_text_is_plain() {
    let schema: Value = serde_json::from_str(&file("sarif-schema-2.1.0.json")).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    for report in hostile_reports() {
        let text = sarif::sarif(&report, here()).expect("SARIF");
        assert_clean(&text, "sarif");
        assert_no_commands(&text, "sarif");
        let log: Value = serde_json::from_str(&text).expect("JSON");
        if let Err(error) = validator.validate(&log) {
            panic!("{error} at {}", error.instance_path);
        }
        assert!(!validator.is_valid(&serde_json::json!({"version": "2.1.0"})), "it refuses things");
        let run = &log["runs"][0];
        assert_eq!(run["invocations"][0]["executionSuccessful"], false);
        let results = run["results"].as_array().expect("results");
        // One of the configuration, one of each plugin but the skipped one, four more of the failed.
        assert_eq!(results.len(), 1 + 3 + 4);
        for result in results {
            let index = format!("/tool/driver/rules/{}", result["ruleIndex"]);
            let rule = run.pointer(&index).expect("a rule");
            assert_eq!(rule["id"], result["ruleId"]);
            assert_eq!(result["locations"].as_array().expect("locations").len(), 1);
        }
        let suppressed = results.iter().filter(|result| !result["suppressions"].is_null());
        assert_eq!(suppressed.count(), 1);
        let unjudged = &run["invocations"][0]["toolExecutionNotifications"];
        assert_eq!(unjudged.as_array().expect("notifications").len(), 1);
        strings(&log["runs"][0]["results"], &mut |key, string| {
            assert_clean(&string.replace('\n', ""), key);
            match key {
                "uri" => assert_uri(string),
                "text" => {
                    assert!(!string.contains("]("), "a link: {string}");
                    let rest = string.replace("{{", "").replace("}}", "");
                    assert!(!rest.contains(['{', '}']), "a placeholder: {string}");
                }
                _ => {}
            }
        });
    }
}

fn assert_uri(uri: &str) {
    let path = uri.strip_prefix("file://").unwrap_or(uri);
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._~/@%".contains(c);
    assert!(path.chars().all(allowed), "{uri}");
    assert!(!uri.starts_with("//"), "{uri} names a host");
}

#[test]
fn sarif_keeps_to_what_code_scanning_takes() {
    let mut many = plugin("many", Verdict::Fail);
    let more = sarif::RESULTS + 3;
    many.diagnostics = (0..more)
        .map(|_| Diagnostic::error(Code::DebugBuild, "").severity(Severity::Note))
        .collect();
    many.diagnostics.push(Diagnostic::error(Code::Trap, "last and worst"));
    let mut report = report(vec![many], "host");
    report.diagnostics = Vec::new();
    let log: Value =
        serde_json::from_str(&sarif::sarif(&report, here()).expect("SARIF")).expect("JSON");
    let results = log["runs"][0]["results"].as_array().expect("results");
    assert_eq!(results.len(), sarif::RESULTS);
    assert_eq!(results[0]["ruleId"], "trap");
    let said =
        &log["runs"][0]["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"];
    assert!(said.as_str().expect("text").starts_with("4 results are left out"), "{said}");
}

#[test]
fn fingerprints_outlive_words_and_tell_findings_apart() {
    let prints = |report: &Report| -> Vec<String> {
        let log: Value =
            serde_json::from_str(&sarif::sarif(report, here()).expect("SARIF")).expect("JSON");
        let results = log["runs"][0]["results"].as_array().expect("results").clone();
        let of = |result: &Value| result["partialFingerprints"]["plugtoolFinding/v1"].to_string();
        results.iter().map(of).collect()
    };
    let before = report(vec![plugin("a", Verdict::Fail), plugin("b", Verdict::Fail)], "host");
    let mut after = before.clone();
    for finding in after.plugins.iter_mut().flat_map(|plugin| &mut plugin.diagnostics) {
        finding.message = "it is put in other words now".to_owned();
        finding.notes.clear();
        finding.help = None;
        finding.severity = Severity::Error;
    }
    // Where the file lies is no part of it either.
    after.plugins[0].path = "elsewhere/a.wasm".to_owned();
    assert_eq!(prints(&before), prints(&after));
    let all: BTreeSet<String> = prints(&before).into_iter().collect();
    assert_eq!(all.len(), prints(&before).len(), "one fingerprint twice");
}
