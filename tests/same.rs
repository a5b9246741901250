//! The same gate says the same, to the byte: on one thread and on many, today and tomorrow. Times apart,
//! which stand in fields of their own.

#![allow(clippy::expect_used, clippy::panic, reason = "a test says what it needs by failing")]

#[allow(dead_code)]
mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;
use support::process::gate;
use support::{files_below, without_times, workspace};

const FORMATS: [&str; 9] =
    ["text", "json", "ndjson", "sarif", "junit", "github", "github-summary", "gitlab", "markdown"];

/// Every plugin of the test data, by a host that has adapters and cases.
fn host(folder: &Path) {
    let mut list = String::new();
    for file in files_below("testdata/plugins", "wasm") {
        let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
        let file = file.display().to_string();
        list.push_str(&format!("[[plugins]]\nid = {name:?}\npath = {file:?}\n"));
    }
    list.push_str("[[plugins]]\nid = \"missing\"\npath = \"nowhere\"\n");
    list.push_str("[[plugins]]\nid = \"off\"\npath = \"nowhere\"\nenabled = false\n");
    fs::write(folder.join("list.toml"), list).expect("a list");
}

/// All that a gate says, by format; what it prints under the name of its flags.
fn said(folder: &Path, jobs: &str) -> BTreeMap<String, String> {
    let mut said = BTreeMap::new();
    let run = |flags: &[&str], reports: bool| {
        let formats = if reports { FORMATS.as_slice() } else { &[] };
        let mut command = gate(folder, "list.toml", "out", formats);
        command.args(["--jobs", jobs]).args(flags);
        let output = command.output().expect("plugtool starts");
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        String::from_utf8(output.stdout).expect("text")
    };
    said.insert("-v".to_owned(), run(&["-v"], true));
    said.insert("ndjson=-".to_owned(), run(&["--report", "ndjson=-"], false));
    for format in FORMATS {
        let path = folder.join(format!("out.{format}"));
        said.insert(format.to_owned(), fs::read_to_string(&path).expect("a report"));
        // A summary is added to what is there.
        fs::remove_file(&path).expect("a report");
    }
    said
}

#[test]
fn one_thread_and_many_say_the_same() {
    let folder = workspace();
    let folder = folder.path();
    host(folder);
    let alone = said(folder, "1");
    assert!(alone["json"].contains("\"timing\"") && alone["junit"].contains(" time=\""));
    for jobs in ["1", "8"] {
        let together = said(folder, jobs);
        for (what, text) in &alone {
            assert!(
                without_times(&together[what]) == without_times(text),
                "{what} on {jobs} threads:\n{}\non one:\n{text}",
                together[what]
            );
        }
    }
}

/// Takes the time out of a plugin or a case.
fn milliseconds(of: &mut Value) -> Option<u64> {
    let timing = of.as_object_mut().expect("a table").remove("timing")?;
    let fields: Vec<&String> = timing.as_object().expect("times").keys().collect();
    assert_eq!(fields, ["milliseconds"]);
    timing["milliseconds"].as_u64()
}

/// What is taken out before they are compared is the times and nothing else.
#[test]
fn times_stand_in_fields_of_their_own() {
    let folder = workspace();
    let folder = folder.path();
    host(folder);
    let said = said(folder, "2");
    let mut whole: Value = serde_json::from_str(&said["json"]).expect("JSON");
    let (mut timed, mut cases) = (0, 0);
    for plugin in whole["plugins"].as_array_mut().expect("plugins") {
        let Some(total) = milliseconds(plugin) else { continue };
        timed += 1;
        let mut parts = 0;
        for case in plugin.get_mut("cases").and_then(Value::as_array_mut).into_iter().flatten() {
            parts += milliseconds(case).expect("a case that was run has a time");
            cases += 1;
        }
        assert!(parts <= total, "{plugin}: {parts} of {total}");
    }
    assert!(timed > 10 && cases > 5, "{timed} plugins, {cases} cases");
    let stripped: Value = serde_json::from_str(&without_times(&said["json"])).expect("JSON");
    assert!(stripped == whole, "{stripped:#}\n{whole:#}");
    assert!(!without_times(&said["junit"]).contains(" time="));
    for format in ["text", "sarif", "github", "github-summary", "gitlab", "markdown", "-v"] {
        assert_eq!(without_times(&said[format]), said[format], "{format}");
    }
}
