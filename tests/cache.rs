//! What a gate found out before is not found out again, and nothing else: whatever a verdict depends on
//! is part of the key, a policy is applied each time, and what is broken in the cache costs time and
//! nothing more.

#![allow(clippy::expect_used, clippy::panic, reason = "a test says what it needs by failing")]

#[path = "cache/broken.rs"]
mod broken;
#[path = "cache/key.rs"]
mod key;
#[allow(dead_code)]
mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use plugtool::config::{self, Plugin};
use plugtool::diagnostic::Verdict;
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

    /// Eight plugins, of which one passes.
    fn eight(&self) {
        let mut list = String::new();
        for index in 0..8 {
            list.push_str(&format!("[[plugins]]\nid = \"p{index}\"\npath = \"p{index}.wat\"\n"));
            self.write(&format!("host/p{index}.wat"), plugin(&format!("i32.const {}", 38 + index)));
        }
        self.write("host/list.toml", &list);
        // How busy the machine is decides nothing.
        let limits = "[limits]\ntimeout = \"10m\"\ncompile-timeout = \"10m\"\n";
        self.write("host/plugtool.toml", self.config(limits));
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
    judge(&plugin, &host, &options)
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
