//! The README tells the truth: every command in it runs, and prints what the README shows; the
//! configuration in it is accepted.

#![allow(clippy::expect_used, clippy::panic, reason = "a test says what it needs by failing")]

#[allow(dead_code)]
mod support;

use std::fs;

use plugtool::config;
use support::{execute, link, root, workspace};

/// The contents of the fenced blocks of a language.
fn blocks(language: &str) -> Vec<String> {
    let readme = fs::read_to_string(root().join("README.md")).expect("the README");
    let fence = format!("```{language}\n");
    let blocks = readme.split(&fence).skip(1);
    blocks.map(|rest| rest.split("```").next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn every_command_runs_and_prints_what_is_shown() {
    let folder = workspace();
    let mut ran = 0;
    for block in blocks("console") {
        for command in block.split("$ ").skip(1) {
            let (line, shown) = command.split_once('\n').expect("a line");
            // The program under test is built already; the tests do not run themselves.
            let line = line.replace("cargo run --release -- ", "plugtool ");
            if line == "cargo test --release" {
                continue;
            }
            let outcome = execute(&line, folder.path());
            let failing = line.contains("rejected.toml");
            assert_eq!(outcome.exit, if failing { "1" } else { "0" }, "{line}: {outcome:?}");
            // A long answer may be shown by how it begins.
            assert!(outcome.stdout.starts_with(shown), "{line}:\n{}", outcome.stdout);
            ran += 1;
        }
    }
    assert!(ran >= 8, "only {ran} commands were found");
}

/// What a workflow runs, and the files that it takes up afterwards.
#[test]
fn every_workflow_runs_and_writes_what_it_takes_up() {
    let mut ran = 0;
    for block in blocks("yaml") {
        let folder = workspace();
        for line in block.lines() {
            let item = line.trim().trim_start_matches("- ").trim_start_matches("run: ");
            if item.starts_with("plugtool ") {
                let outcome = execute(item, folder.path());
                assert_eq!(outcome.exit, "0", "{item}: {outcome:?}");
                ran += 1;
            } else if let Some((_, file)) = item.split_once(": ")
                && [".sarif", ".xml", ".json"].iter().any(|end| file.ends_with(end))
            {
                assert!(folder.path().join(file).is_file(), "{file} is not written");
                ran += 1;
            }
        }
    }
    assert!(ran >= 5, "only {ran} commands and files were found");
}

#[test]
fn every_flag_that_it_names_is_one() {
    let readme = fs::read_to_string(root().join("README.md")).expect("the README");
    let mut help = String::new();
    for command in ["inspect", "check", "compose", "diff", "run", "gate", "merge", "explain"] {
        help.push_str(&execute(&format!("plugtool {command} --help"), root()).stdout);
    }
    let prose = readme.split('`').skip(1).step_by(2);
    for flag in prose.flat_map(str::split_whitespace).filter(|word| word.starts_with("--")) {
        let flag = flag.trim_end_matches([',', '.']);
        let known = help.contains(flag) || ["--large", "--path", "--release"].contains(&flag);
        assert!(known, "{flag} is no flag");
    }
}

#[test]
fn its_host_folder_is_accepted() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let blocks = blocks("toml");
    let [host, plugins, smoke, rules, command, http] = blocks.as_slice() else {
        panic!("six blocks of TOML")
    };
    let at = folder.path();
    // Beside the files that the demo host has.
    for name in ["wit", "adapters"] {
        link(&root().join("compositions/cli-host").join(name), &at.join(name));
    }
    fs::create_dir(at.join("smoke")).expect("a folder");
    fs::write(at.join("plugtool.toml"), host).expect("a file");
    fs::write(at.join("plugin.toml"), plugins).expect("a file");
    fs::write(at.join("smoke/greet.toml"), smoke).expect("a file");
    let host = config::load(at).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(host.cases.len(), 1);
    assert!(host.cases[0].is_for("greet") && !host.cases[0].is_for("upper"));
    let list = config::plugin_list(&host.plugins).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(list[0].id, "greet");

    // Commands and handlers are for hosts that start them.
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = &folder.path().join("smoke");
    fs::create_dir_all(folder.path().join("wit")).expect("a folder");
    fs::create_dir(at).expect("a folder");
    let host = "[host]\nwit = []\nworlds = [\"wasi:cli/command\", \"wasi:http/proxy\"]\n\
                smoke = [\"*-case.toml\"]\n";
    fs::write(at.join("plugtool.toml"), host).expect("a file");
    fs::write(at.join("1-case.toml"), command).expect("a file");
    fs::write(at.join("2-case.toml"), http).expect("a file");
    let host = config::load(at).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(host.cases.len(), 2);
    assert!(host.cases[0].command.as_ref().is_some_and(|command| command.args == ["-w"]));
    assert!(host.cases[1].http.is_some() && host.cases[1].outside.rules.len() == 1);

    // The rules are for another host, which has what they answer for.
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path();
    link(&root().join("testdata/scripted/wit"), &at.join("wit"));
    let host = "[host]\nwit = [\"wit\"]\nworlds = [\"my:bot/bot\"]\nsmoke = [\"smoke.toml\"]\n";
    fs::write(at.join("plugtool.toml"), host).expect("a file");
    let steps = "steps = [{ invoke = 'leave()' }]\n";
    fs::write(at.join("smoke.toml"), format!("{steps}{rules}")).expect("a file");
    let host = config::load(at).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(host.cases[0].host.rules.len(), 2);
}
