//! What a gate found out before is not found out again, and nothing else: whatever a verdict depends on
//! is part of the key, a policy is applied each time, and what is broken in the cache costs time and
//! nothing more.

#![allow(clippy::expect_used, clippy::panic, reason = "a test says what it needs by failing")]

#[allow(dead_code)]
mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use plugtool::config::{self, Plugin};
use plugtool::diagnostic::{Known, Verdict};
use plugtool::judge::cache::{Cache, fingerprint};
use plugtool::judge::{Options, judge};
use serde_json::Value;
use support::process::PLUGTOOL;

/// A host's contract, and a plugin that fits it.
const WIT: &str = "package my:tiny;\nworld plugin {\n  import clock: func() -> u32;\n  \
                   import log: func(text: string);\n  export answer: func() -> u32;\n}\n";

fn plugin(answer: &str) -> String {
    format!(
        r#"(component
          (import "clock" (func $clock (result u32)))
          (core func $now (canon lower (func $clock)))
          (core module $m
            (import "" "now" (func $now (result i32)))
            (func (export "f") (result i32) {answer}))
          (core instance $i (instantiate $m (with "" (instance (export "now" (func $now))))))
          (func (export "answer") (result u32) (canon lift (core func $i "f"))))"#
    )
}

/// A host folder of its own, with a cache beside it.
struct Bench {
    folder: tempfile::TempDir,
}

/// What a gate said.
#[derive(Clone, Debug, PartialEq)]
struct Said {
    exit: i32,
    report: Value,
    stderr: String,
}

impl Said {
    /// What was known of the plugin `it`.
    fn cached(&self) -> Vec<&str> {
        let plugins = self.report["plugins"].as_array().expect("plugins");
        let first = plugins.first().expect("a plugin");
        let stages = first.get("cached").and_then(Value::as_array);
        stages.into_iter().flatten().map(|stage| stage.as_str().expect("a stage")).collect()
    }

    fn verdict(&self) -> &str {
        self.report["plugins"][0]["verdict"].as_str().expect("a verdict")
    }

    /// The report without what says that it was known.
    fn verdicts(&self) -> Value {
        without_cached(&self.report)
    }
}

fn without_cached(report: &Value) -> Value {
    let mut report = report.clone();
    for plugin in report["plugins"].as_array_mut().expect("plugins") {
        let plugin = plugin.as_object_mut().expect("a plugin");
        plugin.remove("cached");
    }
    report
}

const ALL: [&str; 2] = ["contract", "cases"];

impl Bench {
    fn new() -> Bench {
        let bench = Bench { folder: tempfile::tempdir().expect("a temporary folder") };
        bench.write("host/plugtool.toml", bench.config(""));
        bench.write("host/wit/world.wit", WIT);
        bench.write("host/list.toml", "[[plugins]]\nid = \"it\"\npath = \"it.wat\"\n");
        bench.write("host/it.wat", plugin("i32.const 42"));
        bench.write("host/answer.txt", "42");
        bench.write(
            "host/smoke/answers.toml",
            "steps = [{ invoke = \"answer()\", expect = \"42\" }]\n",
        );
        bench
    }

    fn config(&self, more: &str) -> String {
        format!(
            "[host]\nwit = [\"wit\"]\nworlds = [\"my:tiny/plugin\"]\nplugins = [\"list.toml\"]\n\
             smoke = [\"smoke/*.toml\"]\n{more}"
        )
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.folder.path()).env_clear().stdin(Stdio::null());
        command
    }

    fn gate_with(&self, program: &Path, arguments: &[&str]) -> Said {
        let mut command = self.command(program);
        command.args(["gate", "--host", "host", "--format", "json", "-v"]).args(arguments);
        let output = command.output().expect("plugtool starts");
        let stderr = String::from_utf8(output.stderr).expect("text");
        let text = support::without_times(&String::from_utf8_lossy(&output.stdout));
        let report = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{stderr}"));
        Said { exit: output.status.code().expect("an exit status"), report, stderr }
    }

    /// A gate that uses the cache.
    fn gate(&self) -> Said {
        self.gate_with(Path::new(PLUGTOOL), &["--cache-dir", "cache"])
    }

    /// A gate that uses the cache when all is known.
    fn warm(&self) -> Said {
        self.gate();
        let warm = self.gate();
        assert_eq!(warm.cached(), ALL, "{warm:#?}");
        warm
    }

    /// Every entry of the cache.
    fn entries(&self) -> Vec<PathBuf> {
        let folder = |path: &Path| -> Vec<PathBuf> {
            let entries = fs::read_dir(path).into_iter().flatten();
            let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
            paths.sort();
            paths
        };
        folder(&self.path("cache/verdicts")).iter().flat_map(|path| folder(path)).collect()
    }
}

#[test]
fn the_second_gate_finds_out_nothing() {
    let bench = Bench::new();
    let cold = bench.gate();
    assert_eq!((cold.exit, cold.verdict(), cold.cached().len()), (0, "pass", 0), "{cold:#?}");
    assert_eq!(bench.entries().len(), 2);
    let warm = bench.gate();
    assert_eq!((warm.exit, warm.verdict()), (0, "pass"));
    assert_eq!(warm.cached(), ALL);
    // The same to the byte, but for the field that says so.
    assert_eq!(warm.verdicts().to_string(), cold.report.to_string());
    assert_eq!((warm.stderr.as_str(), cold.stderr.as_str()), ("", ""));
    assert_eq!(bench.entries().len(), 2);
}

/// A plugin takes time each time; a case that was not run took none.
#[test]
fn what_was_known_has_no_time() {
    let bench = Bench::new();
    let times = || {
        let mut command = bench.command(Path::new(PLUGTOOL));
        let arguments = ["gate", "--host", "host", "--cache-dir", "cache", "--format", "json"];
        let output = command.args(arguments).output().expect("plugtool starts");
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let plugin = &report["plugins"][0];
        [plugin, &plugin["cases"][0]].map(|it| it["timing"]["milliseconds"].is_u64())
    };
    assert_eq!([times(), times()], [[true, true], [true, false]]);
}

#[test]
fn the_text_says_what_was_known() {
    let bench = Bench::new();
    let text = || {
        let mut command = bench.command(Path::new(PLUGTOOL));
        let arguments = ["gate", "--host", "host", "--cache-dir", "cache"];
        let output = command.args(arguments).output().expect("plugtool starts");
        let text = String::from_utf8(output.stdout).expect("text");
        text.lines().skip_while(|line| !line.starts_with("pass")).collect::<Vec<_>>().join("\n")
    };
    let line = "pass  it  targets my:tiny/plugin; 1 smoke case passed";
    assert_eq!(text(), format!("{line}\n\n1 passed, 0 failed"));
    assert_eq!(text(), format!("{line} (cached)\n\n1 passed, 0 failed (1 cached)"));
    bench.write("host/wit/world.wit", WIT.replace("clock", "clock: func() -> u32; import clock2"));
    assert_eq!(text(), format!("{line} (its run cached)\n\n1 passed, 0 failed"));
}

/// Everything that a verdict depends on. Each change is made to a host of which all is known.
#[test]
fn what_a_verdict_depends_on_is_part_of_the_key() {
    type Change = (&'static str, fn(&Bench), &'static [&'static str], &'static str);
    const CASE: &str = "host/smoke/answers.toml";
    const CONFIG: &str = "host/plugtool.toml";
    const RUN: &[&str] = &["cases"];
    let changes: &[Change] = &[
        ("nothing", |_| {}, &ALL, "pass"),
        // The plugin.
        ("its bytes", |b| b.write("host/it.wat", plugin("i32.const 41")), &[], "fail"),
        (
            "a comment in its text",
            |b| b.write("host/it.wat", plugin(";;\n i32.const 42")),
            RUN,
            "pass",
        ),
        (
            "its name",
            |b| b.write("host/list.toml", "[[plugins]]\nid = \"its\"\npath = \"it.wat\"\n"),
            &[],
            "pass",
        ),
        (
            "its place",
            |b| {
                fs::rename(b.path("host/it.wat"), b.path("host/its.wat")).expect("a file");
                b.write("host/list.toml", "[[plugins]]\nid = \"it\"\npath = \"its.wat\"\n");
            },
            RUN,
            "pass",
        ),
        // The contract. What would be run stays the same, and so does what came of it.
        (
            "another import of the world",
            |b| b.write("host/wit/world.wit", WIT.replace("import log", "import other")),
            RUN,
            "pass",
        ),
        (
            "a demand of the world",
            |b| {
                b.write(
                    "host/wit/world.wit",
                    WIT.replace(
                        "export answer: func() -> u32;",
                        "export answer: func() -> u32; export more: func();",
                    ),
                )
            },
            &[],
            "fail",
        ),
        (
            "a type of the world",
            |b| b.write("host/wit/world.wit", WIT.replace("-> u32", "-> u64")),
            &[],
            "fail",
        ),
        (
            "an import that is gone",
            |b| b.write("host/wit/world.wit", WIT.replace("import clock", "import clock2")),
            &[],
            "fail",
        ),
        (
            "what is linked beside the world",
            |b| b.write(CONFIG, b.config("provides = [\"wasi\"]\n")),
            RUN,
            "pass",
        ),
        (
            "an adapter",
            |b| {
                b.write("host/adapters/it.wat", "(component)");
                b.write(CONFIG, b.config("adapters = [\"adapters\"]\n"));
            },
            RUN,
            "pass",
        ),
        (
            "modules are adapted",
            |b| b.write(CONFIG, b.config("adapt-modules = true\n")),
            RUN,
            "pass",
        ),
        (
            "what is stubbed, and not there",
            |b| b.write(CONFIG, b.config("[policy]\nstub-imports = [\"log\"]\n")),
            RUN,
            "pass",
        ),
        (
            "what is stubbed",
            |b| b.write(CONFIG, b.config("[policy]\nstub-imports = [\"clock\"]\n")),
            &[],
            "pass",
        ),
        // What is run.
        (
            "what a case expects",
            |b| b.write(CASE, "steps = [{ invoke = 'answer()', expect = '43' }]\n"),
            &[],
            "fail",
        ),
        (
            "what a case calls",
            |b| b.write(CASE, "steps = [{ invoke = 'answer( )', expect = '42' }]\n"),
            &[],
            "pass",
        ),
        (
            "how often",
            |b| {
                b.write(
                    CASE,
                    "steps = [{ invoke = 'answer()', expect = '42' }, { invoke = 'answer()' }]\n",
                )
            },
            &[],
            "pass",
        ),
        (
            "twice",
            |b| b.write(CASE, "twice = true\nsteps = [{ invoke = 'answer()', expect = '42' }]\n"),
            &[],
            "pass",
        ),
        (
            "a case's name",
            |b| b.write(CASE, "name = 'other'\nsteps = [{ invoke = 'answer()', expect = '42' }]\n"),
            &[],
            "pass",
        ),
        (
            "a case's budget",
            |b| b.write(CASE, "max-fuel = 1\nsteps = [{ invoke = 'answer()', expect = '42' }]\n"),
            &[],
            "fail",
        ),
        (
            "another case",
            |b| b.write("host/smoke/more.toml", "steps = [{ invoke = 'answer()' }]\n"),
            &[],
            "pass",
        ),
        (
            "no case",
            |b| {
                b.write(
                    CONFIG,
                    b.config("")
                        .replace("smoke/*", "nothing.txt")
                        .replace("smoke = [\"nothing.txt.toml\"]", ""),
                )
            },
            &[],
            "pass",
        ),
        (
            "a case for others",
            |b| {
                b.write(
                    "host/smoke/more.toml",
                    "plugins = ['other']\nsteps = [{ invoke = 'answer()' }]\n",
                )
            },
            &ALL,
            "pass",
        ),
        (
            "a comment in a case",
            |b| b.write(CASE, "# here\nsteps = [{ invoke = \"answer()\", expect = \"42\" }]\n"),
            &ALL,
            "pass",
        ),
        ("a limit", |b| b.write(CONFIG, b.config("[limits]\nfuel = 1\n")), &[], "fail"),
        ("another limit", |b| b.write(CONFIG, b.config("[limits]\ntimeout = '9s'\n")), &[], "pass"),
        // What is applied to what is known.
        (
            "an import that is denied",
            |b| b.write(CONFIG, b.config("[policy]\ndeny-imports = ['clock']\n")),
            &["contract"],
            "fail",
        ),
        (
            "imports that are allowed",
            |b| b.write(CONFIG, b.config("[policy]\nallow-imports = []\n")),
            &["contract"],
            "fail",
        ),
        (
            "the most bytes",
            |b| b.write(CONFIG, b.config("[policy]\nmax-bytes = '1B'\n")),
            &["contract"],
            "fail",
        ),
        (
            "a comment in the WIT",
            |b| b.write("host/wit/world.wit", format!("// here\n{WIT}")),
            &ALL,
            "pass",
        ),
        ("a comment in the configuration", |b| b.write(CONFIG, b.config("# here\n")), &ALL, "pass"),
    ];
    for (what, change, cached, verdict) in changes {
        let bench = Bench::new();
        bench.warm();
        change(&bench);
        let said = bench.gate();
        assert_eq!(
            (said.verdict(), said.cached().as_slice()),
            (*verdict, *cached),
            "{what}: {said:#?}"
        );
        let anew = bench.gate_with(Path::new(PLUGTOOL), &["--no-cache"]);
        assert_eq!(said.verdicts(), anew.report, "{what}");
        // What was found out anew is known from then on.
        let again = bench.gate();
        assert_eq!(again.verdicts(), anew.report, "{what}");
        let ran = again.report.get("sandbox").is_some();
        assert_eq!(again.cached(), ALL[..if ran { 2 } else { 1 }], "{what}");
    }
}

/// The files that a case names are part of it. What is in a folder that it grants is not, and so what
/// came of it is not kept.
#[test]
fn files_of_cases_are_part_of_the_key_and_folders_are_not_kept() {
    const CASE: &str = "stdin-file = 'in.txt'\nstdout-file = 'out.txt'\n";
    let bench = Bench::new();
    let runner = support::root().join("compositions/command-runner");
    bench.write(
        "host/plugtool.toml",
        format!(
            "[host]\nwit = [{:?}]\nworlds = [\"runner:tools/tool@1.0.0\"]\nprovides = [\"wasi\"]\n\
             adapt-modules = true\nplugins = [\"list.toml\"]\nsmoke = [\"case.toml\"]\n",
            runner.join("wit")
        ),
    );
    let mirror = support::root().join("testdata/plugins/mirror/mirror.wasm");
    bench.write("host/list.toml", format!("[[plugins]]\nid = \"it\"\npath = {mirror:?}\n"));
    bench.write("host/case.toml", CASE);
    bench.write("host/in.txt", "one");
    bench.write("host/out.txt", "one");
    assert_eq!(bench.warm().verdict(), "pass");
    for (file, text, verdict) in [
        ("in.txt", "two", "fail"),
        ("out.txt", "two", "pass"),
        ("case.toml", "stdin-file = 'in.txt'\nstdout-file = 'out.txt'\nexit-code = 1\n", "fail"),
        ("case.toml", "stdin-file = 'in.txt'\nargs = ['--err']\n", "pass"),
        ("case.toml", "stdin-file = 'in.txt'\nenv = { A = 'b' }\n", "pass"),
        ("case.toml", CASE, "pass"),
    ] {
        bench.write(&format!("host/{file}"), text);
        let said = bench.gate();
        let known = file == "case.toml" && text == CASE;
        assert_eq!(said.verdict(), verdict, "{file}: {said:#?}");
        assert_eq!(said.cached().len(), if known { 2 } else { 0 }, "{file}, {text}");
    }
    bench.write("host/data/x.txt", "x");
    bench.write("host/case.toml", "stdin = ''\ndirs = ['data::/data']\n");
    for _ in 0..2 {
        let said = bench.gate();
        assert_eq!((said.verdict(), said.cached().len()), ("pass", 0), "{said:#?}");
    }
}

/// That a large file is valid depends on its bytes alone: another contract does not make it be looked at
/// again, and another byte does.
#[test]
fn that_a_large_file_is_valid_is_known_to_every_host() {
    let bench = Bench::new();
    let large = |body: &str| {
        let data = format!("(memory 8) (data (i32.const 0) \"{}\")", "x".repeat(300 << 10));
        let text =
            plugin(body).replace("(func (export \"f\")", &format!("{data}(func (export \"f\")"));
        wat::parse_str(text).expect("valid text")
    };
    bench.write("host/it.wat", large("i32.const 42"));
    assert_eq!(bench.warm().verdict(), "pass");
    bench.write("host/wit/world.wit", WIT.replace("import log", "import other"));
    let said = bench.gate();
    assert_eq!((said.verdict(), said.cached()), ("pass", vec!["file", "cases"]));
    bench.write("host/wit/world.wit", WIT.replace("-> u32", "-> u64"));
    let said = bench.gate();
    assert_eq!((said.verdict(), said.cached()), ("fail", vec!["file"]));
    assert_eq!(said.verdicts(), bench.gate_with(Path::new(PLUGTOOL), &["--no-cache"]).report);
    // A byte of its code.
    let mut bytes = large("i32.const 42");
    let at = bytes.windows(3).rposition(|bytes| bytes == [0x41, 42, 0x0b]).expect("its code");
    bytes[at] = 0x45;
    bench.write("host/it.wat", bytes);
    let said = bench.gate();
    assert_eq!((said.verdict(), said.cached().len()), ("fail", 0));
    let found = &said.report["plugins"][0]["diagnostics"][0]["code"];
    assert_eq!(found, "invalid-component", "{said:#?}");
}

/// Another program may judge otherwise, though it calls itself by the same version.
#[test]
fn another_program_believes_nothing_of_this_one() {
    let bench = Bench::new();
    bench.warm();
    let other = bench.path("plugtool");
    let mut bytes = fs::read(PLUGTOOL).expect("the program");
    bytes.push(0);
    // Written by a process of its own: one that another thread's child still holds open cannot be started.
    fs::write(bench.path("bytes"), bytes).expect("a file");
    let copied = Command::new("cp").arg(bench.path("bytes")).arg(&other).status().expect("cp");
    assert!(copied.success());
    let made = Command::new("chmod").arg("755").arg(&other).status().expect("chmod");
    assert!(made.success());
    let said = bench.gate_with(&other, &["--cache-dir", "cache"]);
    assert_eq!((said.verdict(), said.cached().len()), ("pass", 0));
    let said = bench.gate_with(&other, &["--cache-dir", "cache"]);
    assert_eq!(said.cached(), ALL);
    assert_eq!(bench.gate().cached(), ALL);
}

/// Waivers, weights and today's date are applied to what is known, each time.
#[test]
fn policy_is_applied_each_time() {
    let bench = Bench::new();
    let denied = "[policy]\ndeny-imports = ['clock']\n";
    bench.write("host/plugtool.toml", bench.config(denied));
    let said = bench.gate();
    assert_eq!((said.exit, said.verdict()), (1, "fail"));
    let sha256 = said.report["plugins"][0]["sha256"].as_str().expect("a digest").to_owned();
    let waiver = |expires: &str| {
        format!(
            "{denied}[[waiver]]\nplugin = 'it'\nsha256 = '{sha256}'\ncode = 'denied-import'\n\
             reason = 'a test'\nexpires = {expires}\n"
        )
    };
    let gate = |more: &str| {
        bench.write("host/plugtool.toml", bench.config(more));
        bench.gate()
    };
    // Only now is it run.
    assert_eq!(
        (gate(&waiver("9999-01-01")).exit, gate(&waiver("9999-01-01")).cached()),
        (0, ALL.to_vec())
    );
    let said = gate(&waiver("2020-01-01"));
    assert_eq!((said.exit, said.cached()), (1, vec!["contract"]));
    let codes: Vec<&Value> = said.report["diagnostics"]
        .as_array()
        .expect("findings")
        .iter()
        .map(|f| &f["code"])
        .collect();
    assert_eq!(codes, ["expired-waiver"]);
    let said = gate("[severity]\ndenied-import = 'warning'\n[policy]\ndeny-imports = ['clock']\n");
    assert_eq!((said.exit, said.cached()), (0, ALL.to_vec()));
    assert_eq!(said.report["plugins"][0]["diagnostics"][0]["severity"], "warning");
    let said = gate("");
    assert_eq!((said.exit, said.cached()), (0, ALL.to_vec()));
    assert_eq!(said.report["plugins"][0]["diagnostics"].as_array().map(Vec::len), Some(0));

    // The day after.
    bench.write("host/plugtool.toml", bench.config(&waiver("2026-05-05")));
    let judged = |today| judge_here(&bench, today).verdict;
    assert_eq!(judged((2026, 5, 5)), Verdict::Pass);
    assert_eq!(judged((2026, 5, 6)), Verdict::Fail);
}

fn judge_here(bench: &Bench, today: (u16, u8, u8)) -> plugtool::diagnostic::PluginReport {
    let host = config::load(&bench.path("host")).expect("a host");
    let program = fingerprint(Path::new(PLUGTOOL)).expect("a digest");
    let cache = Cache::open(&bench.path("cache/verdicts"), program, &host).expect("a cache");
    let cache = Some(Arc::new(cache));
    let options = Options { today, cache, ..support::process::options(PLUGTOOL) };
    let path = bench.path("host/it.wat").to_string_lossy().into_owned();
    let plugin = Plugin { id: "it".to_owned(), path, enabled: true };
    judge(&plugin, &host, &options).expect("a judgement")
}

/// Whatever happens to an entry, it is noticed, and found out anew.
#[test]
fn a_broken_entry_is_found_out_anew() {
    let bench = Bench::new();
    bench.write(
        "host/list.toml",
        "[[plugins]]\nid = \"it\"\npath = \"it.wat\"\n[[plugins]]\nid = \"other\"\npath = \"other.wat\"\n",
    );
    bench.write("host/other.wat", plugin("unreachable"));
    let said = bench.warm();
    assert_eq!((said.verdict(), &said.report["plugins"][1]["verdict"]), ("pass", &"fail".into()));
    let expected = said.verdicts();
    let entries = bench.entries();
    assert_eq!(entries.len(), 4);
    let whole: Vec<Vec<u8>> =
        entries.iter().map(|path| fs::read(path).expect("an entry")).collect();
    for (index, path) in entries.iter().enumerate() {
        let bytes = &whole[index];
        let line = bytes.iter().position(|byte| *byte == b'\n').expect("a first line");
        let mut broken: Vec<(String, Vec<u8>)> = Vec::new();
        for length in [0, 1, line, line + 1, bytes.len() / 2, bytes.len() - 1] {
            broken.push((format!("cut at {length}"), bytes[..length].to_vec()));
        }
        for at in [0, 20, line - 1, line, line + 1, bytes.len() - 2] {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            broken.push((format!("byte {at} flipped"), flipped));
        }
        broken.push(("longer".to_owned(), [bytes, &b" "[..]].concat()));
        broken.push(("foreign".to_owned(), b"#!/bin/sh\necho pass\n".to_vec()));
        broken.push(("zeroes".to_owned(), vec![0; bytes.len()]));
        broken.push(("huge".to_owned(), vec![b'x'; 1 << 20]));
        for (other, theirs) in whole.iter().enumerate().filter(|(other, _)| *other != index) {
            broken.push((format!("entry {other} under its name"), theirs.clone()));
        }
        for (what, bytes) in broken {
            fs::write(path, bytes).expect("an entry");
            let said = bench.gate();
            assert_eq!(said.verdicts(), expected, "{what}");
            assert!(said.stderr.contains("cache: found out anew: "), "{what}: {}", said.stderr);
            assert_eq!(fs::read(path).expect("an entry"), whole[index], "{what}");
        }
    }
    // What cannot be opened as a file is no entry either.
    fs::remove_file(&entries[0]).expect("an entry");
    fs::create_dir(&entries[0]).expect("a folder");
    assert_eq!(bench.gate().verdicts(), expected);
}

/// Time, luck and the machine have a part in these: the next gate looks again.
#[test]
fn what_may_be_otherwise_tomorrow_is_not_kept() {
    let spin = "(loop $again (br $again)) unreachable";
    let deep = "(call $deep)) (func $deep (result i32) (call $deep)";
    for (what, code, answer, more) in [
        (
            "time ran out",
            "timed-out",
            spin,
            "[limits]\nfuel = 1_000_000_000_000_000\ntimeout = '200ms'\n",
        ),
        ("the stack ran out", "stack-overflow", deep, ""),
    ] {
        let bench = Bench::new();
        bench.write("host/it.wat", plugin(answer));
        bench.write("host/plugtool.toml", bench.config(more));
        for _ in 0..2 {
            let said = bench.gate();
            assert_eq!((said.exit, said.cached().len()), (1, 0), "{what}: {said:#?}");
            let found = said.report["plugins"][0]["diagnostics"][0]["code"].as_str();
            assert_eq!(found, Some(code), "{what}");
        }
    }
    // Fuel is the same on every day.
    let bench = Bench::new();
    bench.write("host/it.wat", plugin(spin));
    bench.write("host/plugtool.toml", bench.config("[limits]\nfuel = 1_000_000\n"));
    let said = bench.warm();
    assert_eq!(
        (said.exit, &said.report["plugins"][0]["diagnostics"][0]["code"]),
        (1, &"out-of-fuel".into())
    );
}

/// What could not be judged, and what could not be read, is not known.
#[test]
fn what_was_not_judged_is_not_kept() {
    let bench = Bench::new();
    fs::remove_file(bench.path("host/it.wat")).expect("a file");
    let said = bench.gate();
    assert_eq!((said.exit, bench.entries().len()), (1, 0));
    bench.write("host/it.wat", plugin("i32.const 42"));
    assert_eq!(bench.gate().verdict(), "pass");
    // A case that cannot be made is the host's mistake, known or not.
    bench.write("host/smoke/answers.toml", "steps = [{ invoke = 'question()' }]\n");
    let mut command = bench.command(Path::new(PLUGTOOL));
    let arguments = ["gate", "--host", "host", "--cache-dir", "cache"];
    assert_eq!(command.args(arguments).output().expect("plugtool starts").status.code(), Some(2));
}

/// What calls return is recorded anew, whatever is known.
#[test]
fn recording_runs_anew() {
    let bench = Bench::new();
    bench.warm();
    let said = bench.gate_with(Path::new(PLUGTOOL), &["--cache-dir", "cache", "--record"]);
    assert_eq!((said.exit, said.cached().len()), (0, 0));
    assert!(said.stderr.contains("recorded"), "{}", said.stderr);
}

/// What a gate that was killed in the middle has found out is whole, and the next one goes on from there.
#[test]
fn killed_at_any_moment_it_leaves_no_broken_entry() {
    let bench = Bench::new();
    let mut list = String::new();
    for index in 0..8 {
        list.push_str(&format!("[[plugins]]\nid = \"p{index}\"\npath = \"p{index}.wat\"\n"));
        bench.write(&format!("host/p{index}.wat"), plugin(&format!("i32.const {}", 38 + index)));
    }
    bench.write("host/list.toml", &list);
    let whole = bench.gate_with(Path::new(PLUGTOOL), &["--no-cache"]);
    let mut kept = std::collections::BTreeSet::new();
    for wanted in 0..16 {
        let mut command = bench.command(Path::new(PLUGTOOL));
        command.args(["gate", "--host", "host", "--cache-dir", "cache", "-q"]);
        let mut gate = command.stdout(Stdio::null()).spawn().expect("plugtool starts");
        // Some time after so many entries are there.
        while bench.entries().len() < wanted && gate.try_wait().expect("its status").is_none() {
            std::thread::sleep(Duration::from_micros(100));
        }
        std::thread::sleep(Duration::from_micros(150 * wanted as u64));
        let _ = gate.kill();
        gate.wait().expect("its end");
        kept.insert(bench.entries().len());
        let said = bench.gate();
        assert_eq!(said.verdicts(), whole.report, "after {wanted}");
        assert_eq!(said.stderr, "", "after {wanted}");
        fs::remove_dir_all(bench.path("cache")).expect("a cache");
    }
    assert!(kept.len() > 3, "every moment was the same one: {kept:?}");
}

#[test]
fn several_gates_use_one_cache_at_a_time() {
    let bench = Bench::new();
    let mut list = String::new();
    for index in 0..8 {
        list.push_str(&format!("[[plugins]]\nid = \"p{index}\"\npath = \"p{index}.wat\"\n"));
        bench.write(&format!("host/p{index}.wat"), plugin(&format!("i32.const {}", 38 + index)));
    }
    bench.write("host/list.toml", &list);
    let whole = bench.gate_with(Path::new(PLUGTOOL), &["--no-cache"]);
    std::thread::scope(|scope| {
        let gates: Vec<_> = (0..4).map(|_| scope.spawn(|| bench.gate())).collect();
        for gate in gates {
            let said = gate.join().expect("a gate");
            assert_eq!((said.verdicts(), said.stderr.as_str()), (whole.report.clone(), ""));
        }
    });
    assert_eq!(bench.entries().len(), 16);
    let known = bench.gate();
    assert_eq!((known.verdicts(), known.stderr.as_str()), (whole.report, ""));
    let plugins = known.report["plugins"].as_array().expect("plugins");
    assert!(plugins.iter().all(|plugin| plugin["cached"] == serde_json::json!(ALL)), "{known:#?}");
}

/// Parts that were known, and parts that were not, are the whole when they are merged.
#[test]
fn what_is_known_of_parts_is_known_of_the_whole() {
    let bench = Bench::new();
    let mut list = String::new();
    for index in 0..5 {
        list.push_str(&format!("[[plugins]]\nid = \"p{index}\"\npath = \"it.wat\"\n"));
    }
    bench.write("host/list.toml", &list);
    bench.gate();
    let whole = bench.gate();
    for (part, file) in [("slice:1/2", "json=1.json"), ("slice:2/2", "json=2.json")] {
        let arguments =
            ["--cache-dir", "cache", "--partition", part, "--format", "text", "--report", file];
        let mut command = bench.command(Path::new(PLUGTOOL));
        let output = command.args(["gate", "--host", "host"]).args(arguments).output();
        assert_eq!(output.expect("plugtool starts").status.code(), Some(0));
    }
    let mut merge = bench.command(Path::new(PLUGTOOL));
    let merged = merge.args(["merge", "1.json", "2.json", "--format", "json"]).output();
    let merged = merged.expect("plugtool starts").stdout;
    let merged = support::without_times(&String::from_utf8_lossy(&merged));
    let merged: Value = serde_json::from_str(&merged).expect("JSON");
    assert_eq!(merged.to_string(), whole.report.to_string());
}

/// No other format says what was known: they are the same to the byte.
#[test]
fn reports_for_ci_do_not_differ() {
    let bench = Bench::new();
    bench.write("host/it.wat", plugin("i32.const 41"));
    let formats = ["sarif", "junit", "github", "gitlab", "markdown", "github-summary"];
    let reports = || -> Vec<String> {
        let mut command = bench.command(Path::new(PLUGTOOL));
        command.args(["gate", "--host", "host", "--cache-dir", "cache"]);
        for format in formats {
            let _ = fs::remove_file(bench.path(format));
            command.arg("--report").arg(format!("{format}={format}"));
        }
        assert_eq!(command.output().expect("plugtool starts").status.code(), Some(1));
        formats.map(|format| settled(&bench.path(format))).to_vec()
    };
    let cold = reports();
    let warm = reports();
    assert_eq!(bench.gate().cached(), ALL);
    assert_eq!(cold, warm);
}

/// A report without its UUID, which is another one each time, and without times.
fn settled(path: &Path) -> String {
    let text = support::without_times(&fs::read_to_string(path).expect("a report"));
    match text.split_once("uuid=\"") {
        Some((before, after)) => {
            format!("{before}{}", after.split_once('"').expect("its end").1)
        }
        None => text,
    }
}

#[test]
fn without_the_cache_nothing_is_read_and_nothing_is_kept() {
    let bench = Bench::new();
    bench.warm();
    let entries = bench.entries();
    let gate = |arguments: &[&str], variables: &[(&str, &Path)]| {
        let mut command = bench.command(Path::new(PLUGTOOL));
        command.args(["gate", "--host", "host", "--format", "json", "-v"]).args(arguments);
        let output = command.envs(variables.iter().copied()).output().expect("plugtool starts");
        let report = serde_json::from_slice(&output.stdout).expect("a report");
        let stderr = String::from_utf8(output.stderr).expect("text");
        Said { exit: output.status.code().expect("an exit status"), report, stderr }
    };
    let (cache, home) = (bench.path("xdg"), bench.path("home"));
    let variables = [("XDG_CACHE_HOME", cache.as_path()), ("HOME", home.as_path())];
    let said = gate(&["--no-cache"], &variables);
    assert_eq!((said.exit, said.cached().len(), said.stderr.as_str()), (0, 0, ""));
    assert!(!cache.exists() && !home.exists());
    assert_eq!(bench.entries(), entries);
    // Without a home there is no place for one.
    let said = gate(&[], &[]);
    assert_eq!((said.exit, said.cached().len(), said.stderr.as_str()), (0, 0, ""));
    // A relative folder counts as none (XDG Base Directory Specification).
    let said = gate(&[], &[("XDG_CACHE_HOME", Path::new("relative"))]);
    assert_eq!((said.exit, said.cached().len()), (0, 0));
    assert!(!bench.path("relative").exists());
    // By default it is in the home, and for its owner only.
    for (variables, folder) in
        [(&variables[1..], home.join(".cache/plugtool")), (&variables[..1], cache.join("plugtool"))]
    {
        let said = gate(&[], variables);
        assert_eq!((said.exit, said.cached().len()), (0, 0));
        assert_eq!(gate(&[], variables).cached(), ALL);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode =
                fs::metadata(folder.join("verdicts")).expect("a folder").permissions().mode();
            assert_eq!(mode & 0o777, 0o700);
        }
    }
}

/// It costs time, and no verdict.
#[test]
fn a_cache_that_cannot_be_used_is_said_and_changes_nothing() {
    let bench = Bench::new();
    let expected = bench.gate_with(Path::new(PLUGTOOL), &["--no-cache"]).report;
    let gate = |folder: &str| {
        let said = bench.gate_with(Path::new(PLUGTOOL), &["--cache-dir", folder]);
        assert_eq!((said.exit, &said.report), (0, &expected), "{folder}");
        said.stderr
    };
    // A folder that cannot be made.
    bench.write("file", "");
    assert!(gate("file/cache").contains("cache: file/cache/verdicts is not used: "));
    // One that cannot be written to, for whoever is asked.
    for subfolder in 0..=255 {
        bench.write(&format!("full/verdicts/{subfolder:02x}"), "");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &str, mode| {
            let mode = fs::Permissions::from_mode(mode);
            fs::set_permissions(bench.path(path), mode).expect("a folder");
        };
        mode("full/verdicts", 0o700);
        let said = gate("full");
        assert!(said.contains("cache: it cannot be written to: "), "{said}");
        // One that others can write to.
        gate("shared");
        mode("shared/verdicts", 0o777);
        assert!(gate("shared").contains("others than its owner can write to it"));
        mode("shared/verdicts", 0o500);
        let said = bench.gate_with(Path::new(PLUGTOOL), &["--cache-dir", "shared"]);
        assert_eq!((said.cached(), said.stderr.as_str()), (ALL.to_vec(), ""), "it can be read");
        mode("shared/verdicts", 0o700);
    }
    let mut quiet = bench.command(Path::new(PLUGTOOL));
    quiet.args(["gate", "--host", "host", "-q", "--cache-dir", "file/cache"]);
    let output = quiet.output().expect("plugtool starts");
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
}

/// The file is read once: its digest, its verdict and what is kept are of the same bytes.
#[test]
fn a_plugin_that_is_replaced_while_it_is_read_is_judged_as_it_was_read() {
    let bench = Bench::new();
    let path = bench.path("host/it.wat");
    let texts = [plugin("i32.const 42"), plugin("i32.const 41")];
    let verdicts: BTreeMap<String, Verdict> =
        [(&texts[0], Verdict::Pass), (&texts[1], Verdict::Fail)]
            .map(|(text, verdict)| (plugtool::input::digest(text.as_bytes()), verdict))
            .into();
    let stop = AtomicBool::new(false);
    let mut seen: BTreeMap<(String, bool), usize> = BTreeMap::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for text in texts.iter().cycle() {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let other = bench.path("next.wat");
                fs::write(&other, text).expect("a file");
                fs::rename(&other, &path).expect("a file");
                std::thread::sleep(Duration::from_millis(3));
            }
        });
        for _ in 0..60 {
            let report = judge_here(&bench, (2026, 1, 1));
            let sha256 = report.sha256.as_ref().expect("a digest");
            assert_eq!(report.verdict, verdicts[sha256], "{report:#?}");
            let known = report.cached == [Known::Contract, Known::Cases];
            *seen.entry((format!("{:?}", report.verdict), known)).or_default() += 1;
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert!(seen.len() == 4, "both, and known from some time on: {seen:?}");
}

/// What runs a plugin opens no file, wherever it is.
#[cfg(target_os = "linux")]
#[test]
fn a_worker_cannot_write_into_the_cache() {
    use std::io::Write as _;
    let bench = Bench::new();
    bench.warm();
    let folder = bench.path("cache/verdicts");
    let entry = bench.entries()[0].clone();
    let inside = entry.parent().expect("a folder").to_owned();
    let grants =
        r#"{"read":[],"write":[],"memory":0,"processor":{"secs":10,"nanos":0},"required":false}"#;
    let mut command = bench.command(Path::new(PLUGTOOL));
    let command = command.args(["worker", "--probe"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut worker = command.spawn().expect("a worker");
    let mut stdin = worker.stdin.take().expect("a pipe");
    writeln!(stdin, "{grants}\n0 {}", serde_json::json!([folder, inside, entry]))
        .expect("it listens");
    drop(stdin);
    let output = worker.wait_with_output().expect("it ends");
    let text = String::from_utf8(output.stdout).expect("text");
    let attempts: Vec<Value> =
        text.lines().skip(1).map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let there = folder.to_string_lossy().into_owned();
    let about: Vec<&Value> = attempts
        .iter()
        .filter(|a| a["what"].as_str().is_some_and(|w| w.contains(&there)))
        .collect();
    assert_eq!(about.len(), 12, "{attempts:#?}");
    for attempt in about {
        assert!(attempt["refused"].is_string(), "{attempt}");
    }
}
