//! Plugins in five languages do the same: each answers the calls of `compositions/languages/smoke.toml` as
//! the others do. Those in Rust, C and Go are committed; those in Python and JavaScript are built here.

#![allow(clippy::expect_used, clippy::panic, reason = "a test says what it needs by failing")]

#[allow(dead_code)]
mod support;

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use support::large::large_plugins_are_built;
use support::{execute, root, workspace};

const HOST: &str = "plugtool gate --host compositions/languages --format json";

/// What came back, by case and call.
type Answers = BTreeMap<(String, usize), String>;

/// The answers of every plugin of a list, all of which pass.
fn answers(gate: &str) -> BTreeMap<String, Answers> {
    let outcome = execute(gate, root());
    assert_eq!(outcome.exit, "0", "{outcome:#?}");
    let report: Value = serde_json::from_str(&outcome.stdout).expect("a report");
    let list = |value: &Value| value.as_array().cloned().expect("a list");
    let mut answers = BTreeMap::new();
    for plugin in list(&report["plugins"]) {
        let mine: &mut Answers = answers.entry(text(&plugin["id"])).or_default();
        for case in list(&plugin["cases"]) {
            for (step, call) in list(&case["calls"]).iter().enumerate() {
                mine.insert((text(&case["name"]), step), text(&call["got"]));
            }
        }
    }
    answers
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is a text")).to_owned()
}

/// Every plugin of one contract, `reverse-*` or `greet-*`, answers as the one in Rust does.
fn assert_alike(all: &BTreeMap<String, Answers>, contract: &str, languages: &[&str]) {
    let rust = &all[&format!("{contract}-rust")];
    assert!(rust.len() >= 5, "few calls: {rust:?}");
    for language in languages {
        assert_eq!(&all[&format!("{contract}-{language}")], rust, "{contract} in {language}");
    }
}

#[test]
fn rust_c_and_go_answer_alike() {
    assert_alike(&answers(HOST), "reverse", &["c", "go"]);
}

#[test]
fn python_and_javascript_answer_as_they_do() {
    if !large_plugins_are_built() {
        return;
    }
    let mut all = answers(HOST);
    all.extend(answers(&format!("{HOST} --plugins compositions/languages/large.toml")));
    assert_eq!(all.len(), 8, "{:?}", all.keys());
    assert_alike(&all, "reverse", &["c", "go", "python", "javascript"]);
    assert_alike(&all, "greet", &["python", "javascript"]);
}

#[test]
fn inspect_names_their_languages() {
    if !large_plugins_are_built() {
        return;
    }
    for (file, language) in [("greet-py", "Python"), ("greet-js", "JavaScript")] {
        let outcome = execute(&format!("plugtool inspect target/testdata/{file}.wasm"), root());
        assert!(outcome.stdout.contains(language), "{outcome:#?}");
    }
}

/// The cases can fail: one wrong letter in what they expect, and no plugin passes.
#[test]
fn a_wrong_letter_is_seen_in_every_language() {
    let folder = workspace();
    let file = |name: &str| {
        let path = root().join("compositions/languages").join(name);
        fs::read_to_string(path).expect("a file of the host")
    };
    let twin = folder.path().join("twin");
    fs::create_dir(&twin).expect("a folder");
    let here = |text: String| text.replace("\"../", "\"../compositions/languages/../");
    fs::write(twin.join("plugtool.toml"), here(file("plugtool.toml"))).expect("a file");
    fs::write(twin.join("plugin.toml"), file("plugin.toml").replace("../../", "../"))
        .expect("a file");
    let wrong = file("smoke.toml").replace("y🦀 x 世é", "y🦀 x é世").replace("HELLO É", "HELLO é");
    fs::write(twin.join("smoke.toml"), wrong).expect("a file");
    let outcome = execute("plugtool gate --host twin", folder.path());
    assert_eq!(outcome.exit, "1", "{outcome:#?}");
    for plugin in ["reverse-rust", "reverse-c", "reverse-go", "greet-rust"] {
        assert!(outcome.stdout.contains(&format!("FAIL  {plugin} ")), "{}", outcome.stdout);
    }
    assert_eq!(outcome.stdout.matches("error[smoke-mismatch]").count(), 4, "{}", outcome.stdout);
}
