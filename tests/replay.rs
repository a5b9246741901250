//! What a plugin asked of its host is recorded, and replayed as what the host answers: the same calls in
//! the same order, and nothing that is not exactly so passes. And a mock that changes changes the verdict.

#![allow(clippy::expect_used, clippy::panic, reason = "a test says what it needs by failing")]

#[allow(dead_code)]
mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use support::workspace;

fn plugtool(folder: &Path, line: &str) -> Output {
    let words = shell_words::split(line).expect("a command line");
    let mut command = Command::new(env!("CARGO_BIN_EXE_plugtool"));
    command.args(words).current_dir(folder).output().expect("plugtool starts")
}

fn passes(output: &Output) {
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{text}{}", String::from_utf8_lossy(&output.stderr));
}

/// The platform's cases that have rules, with the trace in place of the rules.
fn replaying(folder: &Path, case: &str) {
    let text = fs::read_to_string(folder.join(format!("compositions/platform/smoke/{case}.toml")));
    let text = text.expect("a case of the platform");
    let (steps, _) = text.split_once("[[host]]").expect("it has rules");
    let steps = steps.replace("host-in-order = true\n", "");
    let text = steps.replacen("steps = [", "replay = \"calls.ndjson\"\nsteps = [", 1);
    fs::write(folder.join(format!("{case}.toml")), text).expect("a smoke file");
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn text(lines: &[Value]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

#[test]
fn what_is_recorded_of_the_platform_is_replayed() {
    let workspace = workspace();
    let folder = workspace.path();
    let gate = "gate --host compositions/platform --no-cache --trace calls.ndjson";
    passes(&plugtool(folder, gate));
    let recorded = fs::read_to_string(folder.join("calls.ndjson")).expect("a trace");

    // The same host, with cases that answer from the trace.
    for case in ["greeter", "counter", "dice"] {
        replaying(folder, case);
    }
    let config = fs::read_to_string(folder.join("compositions/platform/plugtool.toml"));
    let config = config.expect("a host");
    let config = config
        .replace("\"wit\"", "\"compositions/platform/wit\"")
        .replace("../../testdata", "testdata")
        .replace("\"plugin.toml\"", "\"compositions/platform/plugin.toml\"")
        .replace("smoke/*.toml", "[cdg]*er.toml\", \"dice.toml");
    fs::write(folder.join("plugtool.toml"), config).expect("a host");
    let again = plugtool(folder, "gate --no-cache --trace again.ndjson");
    passes(&again);
    assert!(String::from_utf8_lossy(&again.stdout).contains("3 passed, 0 failed"));

    // What was asked and answered is the same, but for who answered.
    let again = fs::read_to_string(folder.join("again.ndjson")).expect("a trace");
    let without = |text: &str| {
        let mut lines = lines(text);
        for line in &mut lines {
            let line = line.as_object_mut().expect("an object");
            // A case that asked nothing has a line that says so.
            if line.contains_key("call") {
                line.remove("by").expect("who answered");
            }
            line.remove("rule");
        }
        lines
    };
    let mut answered = lines(&again);
    answered.retain(|line| line.get("call").is_some());
    assert!(answered.iter().all(|line| line["by"] == "replay"), "{again}");
    // The cases that a mock answers are not among those that replay.
    let mut recorded = without(&recorded);
    recorded.retain(|line| lines(&again).iter().any(|again| again["case"] == line["case"]));
    assert!(recorded.len() > 30, "{recorded:?}");
    assert_eq!(recorded, without(&again));
}

#[test]
fn a_trace_in_which_anything_is_changed_does_not_pass() {
    let workspace = workspace();
    let folder = workspace.path();
    let run = |smoke: &str| {
        plugtool(folder, &format!("run testdata/plugins/counter/counter.wasm --smoke {smoke}"))
    };
    passes(&run("compositions/platform/smoke/counter.toml --trace calls.ndjson"));
    replaying(folder, "counter");
    passes(&run("counter.toml"));

    let trace = folder.join("calls.ndjson");
    let recorded = lines(&fs::read_to_string(&trace).expect("a trace"));
    assert!(recorded.len() > 10);
    let fails = |changed: &str, what: &str| {
        fs::write(&trace, changed).expect("a trace");
        let output = run("counter.toml");
        let code = output.status.code().expect("an exit status");
        assert!(code == 1 || code == 2, "{what}: {code}\n{changed}");
        code
    };
    let mut findings = 0;
    for (i, line) in recorded.iter().enumerate() {
        let changed = |change: &dyn Fn(&mut Vec<Value>)| {
            let mut lines = recorded.clone();
            change(&mut lines);
            text(&lines)
        };
        let at = |what: &str| format!("{what} of line {}", i + 1);
        let mut cases = vec![
            (changed(&|all| drop(all.remove(i))), at("loss")),
            (changed(&|all| all.insert(i, all[i].clone())), at("repetition")),
            (
                changed(&|all| all[i]["step"] = (line["step"].as_u64().unwrap_or(0) + 1).into()),
                at("step"),
            ),
            (changed(&|all| all[i]["plugin"] = "another".into()), at("plugin")),
            (changed(&|all| all[i]["case"] = "another".into()), at("case")),
        ];
        if i + 1 < recorded.len() {
            cases.push((changed(&|all| all.swap(i, i + 1)), at("order")));
        }
        if line.get("on").is_some() {
            cases.push((changed(&|all| all[i]["on"] = "another".into()), at("handle")));
        }
        let args = line["args"].as_str().expect("arguments");
        if let Some(args) = args.strip_suffix("\")") {
            let other = format!("{args}!\")");
            cases.push((changed(&|all| all[i]["args"] = other.as_str().into()), at("argument")));
        }
        for (text, what) in cases {
            findings += usize::from(fails(&text, &what) == 1);
        }
    }
    assert!(findings > recorded.len() * 3, "{findings} findings");

    // Not whole, not one, and not there.
    let whole = text(&recorded);
    assert_eq!(fails(&whole[..whole.len() - 1], "the last line end"), 2);
    assert_eq!(fails(&whole[..whole.len() / 2], "half of it"), 2);
    assert_eq!(fails("", "nothing"), 2);
    assert_eq!(fails("{}\n", "an empty object"), 2);
    assert_eq!(fails(&whole.replace("host-call/0", "host-call/1"), "another schema"), 2);
}

#[test]
fn a_verdict_that_is_known_is_of_the_trace_as_it_was() {
    let workspace = workspace();
    let folder = workspace.path();
    let host = |smoke: &str| {
        let text = format!(
            "[host]\nwit = [\"testdata/scripted/wit\"]\nworlds = [\"my:bot/bot\"]\n\
             smoke = [\"{smoke}\"]\n"
        );
        fs::write(folder.join("plugtool.toml"), text).expect("a host");
    };
    let gate = |more: &str| {
        let plugin = "--plugins testdata/scripted/bot.wat --cache-dir known";
        plugtool(folder, &format!("gate {plugin} {more}"))
    };
    host("testdata/scripted/smoke/scenario.toml");
    passes(&gate("--trace calls.ndjson"));
    let text =
        fs::read_to_string(folder.join("testdata/scripted/smoke/scenario.toml")).expect("a case");
    let (steps, _) = text.split_once("[[host]]").expect("rules");
    let steps = steps.replace("host-in-order = true", "replay = \"calls.ndjson\"");
    fs::write(folder.join("smoke.toml"), steps).expect("a smoke file");
    host("smoke.toml");
    passes(&gate(""));
    let known = gate("--format json");
    passes(&known);
    let known = String::from_utf8_lossy(&known.stdout).into_owned();
    assert!(known.contains("\"cached\""), "nothing was known: {known}");

    let trace = folder.join("calls.ndjson");
    let calls = fs::read_to_string(&trace).expect("a trace");
    fs::write(&trace, calls.replace("is anybody there?", "is anyone there?")).expect("a trace");
    let changed = gate("");
    let text = String::from_utf8_lossy(&changed.stdout);
    assert_eq!(changed.status.code(), Some(1), "{text}");
    assert!(text.contains("host-call-argument"), "{text}");
    fs::write(&trace, calls).expect("a trace");
    passes(&gate(""));
}

#[test]
fn a_verdict_that_is_known_is_of_the_mock_as_it_was() {
    let workspace = workspace();
    let folder = workspace.path();
    let smoke = "mock = \"mock.wat\"\nsteps = [{ invoke = 'recall(\"x\")', expect = 'none' }]\n";
    fs::write(folder.join("smoke.toml"), smoke).expect("a smoke file");
    let host = "[host]\nwit = [\"testdata/scripted/wit\"]\nworlds = [\"my:bot/bot\"]\n\
                smoke = [\"smoke.toml\"]\n";
    fs::write(folder.join("plugtool.toml"), host).expect("a host");
    // `get` returns what is at 8: none, or some text that is empty.
    let mock = |first: &str| {
        let text = format!(
            r#"(component
              (core module $m
                (memory (export "memory") 1)
                (data (i32.const 8) "{first}")
                (func (export "realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
                (func (export "get") (param i32 i32) (result i32) i32.const 8)
                (func (export "set") (param i32 i32 i32 i32)))
              (core instance $i (instantiate $m))
              (func $get (param "key" string) (result (option string))
                (canon lift (core func $i "get") (memory $i "memory") (realloc (func $i "realloc"))))
              (func $set (param "key" string) (param "value" string)
                (canon lift (core func $i "set") (memory $i "memory") (realloc (func $i "realloc"))))
              (instance (export "my:bot/store@1.0.0")
                (export "get" (func $get)) (export "set" (func $set))))"#
        );
        fs::write(folder.join("mock.wat"), text).expect("a mock");
    };
    let gate = |more: &str| {
        let plugin = "--plugins testdata/scripted/bot.wat --cache-dir known";
        plugtool(folder, &format!("gate {plugin} {more}"))
    };
    mock("\\00");
    passes(&gate(""));
    let known = gate("--format json");
    passes(&known);
    let known = String::from_utf8_lossy(&known.stdout).into_owned();
    assert!(known.contains("\"cached\""), "nothing was known: {known}");
    mock("\\01");
    let changed = gate("");
    let text = String::from_utf8_lossy(&changed.stdout);
    assert_eq!(changed.status.code(), Some(1), "{text}");
    assert!(text.contains("smoke-mismatch"), "{text}");
    mock("\\00");
    passes(&gate(""));
}
