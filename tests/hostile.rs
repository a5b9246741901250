//! The hostile set: plugins that mean harm, by name, each with what must come of it. Every one is judged in
//! a gate with an honest plugin behind it, which must pass all the same.

#![allow(clippy::expect_used, clippy::panic, reason = "a test says what it needs by failing")]

#[cfg(target_os = "linux")]
#[path = "hostile/confined.rs"]
mod confined;
#[allow(dead_code)]
mod support;

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use support::process::{peak_of, ticks_of, worker_of};
use support::root;

/// What `testdata/hostile/plugtool.toml` allows a case, and the engine for compiling.
const TIMEOUT: Duration = Duration::from_secs(2);
const COMPILE: Duration = Duration::from_secs(3);

/// The fixtures of `testdata/hostile`, and those that are too large to be kept and are made here: the code of
/// its one finding or none where it does no harm, and the limit that it runs into.
const SET: &[(&str, Option<&str>, Duration)] = &[
    ("loop-in-start", Some("out-of-fuel"), TIMEOUT),
    ("loop-in-initialisation", Some("out-of-fuel"), TIMEOUT),
    ("loop-in-call", Some("out-of-fuel"), TIMEOUT),
    ("loop-in-host", Some("timed-out"), TIMEOUT),
    ("sleep-in-host-call", None, TIMEOUT),
    ("sleep-for-ever", None, TIMEOUT),
    ("memory", Some("memory-limit"), TIMEOUT),
    ("memories", Some("memory-limit"), TIMEOUT),
    ("tables", Some("table-limit"), TIMEOUT),
    ("instances", Some("instance-limit"), TIMEOUT),
    ("handles", Some("handle-limit"), TIMEOUT),
    ("stack", Some("stack-overflow"), TIMEOUT),
    ("output", Some("output-limit"), TIMEOUT),
    ("return", Some("transfer-limit"), TIMEOUT),
    ("types", Some("invalid-component"), TIMEOUT),
    ("exit", Some("exited"), TIMEOUT),
    ("post-return", Some("trap"), TIMEOUT),
    ("compile-bomb", Some("compile-timed-out"), COMPILE),
    ("honest", None, TIMEOUT),
];

/// The hosts, which are alike but for their compilers. What takes one of them minutes is nothing to the other.
const HOSTS: [&str; 2] = ["plugtool.toml", "cranelift.toml"];
const ONLY_IN_CRANELIFT: &str = "compile-bomb";

/// Memory that the supervisor may use on any of them, in KiB. It holds itself, the plugin's bytes and its
/// report; none of them has a part in what the plugin does.
#[cfg(target_os = "linux")]
const FLAT: u64 = 96 << 10;

struct Workshop {
    folder: tempfile::TempDir,
}

impl Workshop {
    fn new() -> Workshop {
        Workshop { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    /// The file of a fixture.
    fn fixture(&self, name: &str) -> PathBuf {
        let kept = root().join("testdata/hostile").join(format!("{name}.wat"));
        if kept.exists() {
            return kept;
        }
        let text = match name {
            "compile-bomb" => compile_bomb(),
            other => panic!("{other} is neither kept nor made"),
        };
        let path = self.folder.path().join(format!("{name}.wasm"));
        let bytes = wat::parse_str(&text).expect("a fixture in text");
        fs::write(&path, bytes).expect("a fixture");
        path
    }

    /// A gate over the fixture and the honest plugin behind it.
    fn gate(&self, name: &str, host: &str) -> Child {
        let list = self.folder.path().join(format!("{name}.toml"));
        let mut text = String::new();
        let last = root().join("testdata/hostile/honest.wat");
        for (id, path) in [(name, self.fixture(name)), ("last", last)] {
            let _ = writeln!(text, "[[plugins]]\nid = {id:?}\npath = {path:?}");
        }
        fs::write(&list, text).expect("a list of plugins");
        Command::new(env!("CARGO_BIN_EXE_plugtool"))
            .args(["gate", "--no-cache", "--jobs", "1", "--format", "json", "--host"])
            .arg(root().join("testdata/hostile").join(host))
            .arg("--plugins")
            .arg(list)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("plugtool starts")
    }
}

/// A component of a few hundred kilobytes, on which the engine's compiler takes minutes: one function with
/// thousands of values that are all alive until its end, through as many branches.
fn compile_bomb() -> String {
    const VALUES: usize = 20_000;
    let mut body = String::new();
    for index in 0..VALUES {
        let _ = writeln!(
            body,
            "(if (i32.and (local.get {index}) (i32.const 1)) (then (local.set {} (i32.mul (local.get {}) \
             (local.get {index})))))",
            (index * 7919) % VALUES,
            (index * 104_729) % VALUES,
        );
    }
    format!(
        "(component
           (core module $m
             (memory (export \"memory\") 1)
             (func (export \"run\") (result i32) (local {}) (loop $again {body} (br_if $again (local.get 0))) (i32.const 0)))
           (core instance $i (instantiate $m))
           (func (export \"run\") (result string)
             (canon lift (core func $i \"run\") (memory $i \"memory\"))))",
        "i32 ".repeat(VALUES)
    )
}

/// Waits for a gate. Returns its report, how long it took, and the most memory that it held, in KiB.
fn wait(mut gate: Child) -> (Value, Duration, u64) {
    let begun = Instant::now();
    let mut stdout = gate.stdout.take().expect("a pipe");
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        std::io::Read::read_to_string(&mut stdout, &mut text).expect("its report");
        text
    });
    let mut peak = 0;
    let status = loop {
        peak = peak.max(peak_of(gate.id()).unwrap_or(0));
        match gate.try_wait().expect("its status") {
            Some(status) => break status,
            None => std::thread::sleep(Duration::from_millis(2)),
        }
    };
    let took = begun.elapsed();
    let text = reader.join().expect("its report");
    assert!(status.code().is_some_and(|code| code < 2), "{status}: {text}");
    (serde_json::from_str(&text).expect("a report in JSON"), took, peak)
}

fn codes(plugin: &Value) -> Vec<&str> {
    let findings = plugin["diagnostics"].as_array().expect("findings");
    findings.iter().map(|finding| finding["code"].as_str().expect("a code")).collect()
}

#[test]
fn each_ends_within_its_limit_with_its_own_code_and_the_next_one_is_judged() {
    let workshop = Workshop::new();
    // What a gate takes that has nothing to wait for, on this machine as busy as it is.
    let (_, plain, _) = wait(workshop.gate("honest", HOSTS[0]));
    let mut wrong = String::new();
    for ((name, code, limit), host) in SET.iter().flat_map(|line| HOSTS.map(|host| (line, host))) {
        let (report, took, peak) = wait(workshop.gate(name, host));
        let code = code.filter(|_| *name != ONLY_IN_CRANELIFT || host == "cranelift.toml");
        let (plugin, last) = (&report["plugins"][0], &report["plugins"][1]);
        let codes = codes(plugin);
        if codes != Vec::from_iter(code) {
            let _ = writeln!(wrong, "{name}: {codes:?} instead of {code:?}: {plugin:#}");
        }
        if last["verdict"] != "pass" {
            let _ = writeln!(wrong, "{name}: the plugin after it: {last:#}");
        }
        if took > *limit + Duration::from_secs(1) + 3 * plain {
            let _ = writeln!(wrong, "{name}: it took {took:?}, and its limit is {limit:?}");
        }
        #[cfg(target_os = "linux")]
        if peak > FLAT {
            let _ = writeln!(wrong, "{name}: the supervisor held {peak} KiB");
        }
        let _ = peak;
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Every fixture has its line.
#[test]
fn no_fixture_is_forgotten() {
    for path in support::files_below("testdata/hostile", "wat") {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        assert!(SET.iter().any(|(known, ..)| *known == name), "{name} is not in the set");
    }
}

/// Every limit is in the report of a case, and what was used of it where the engine counts it.
#[test]
fn a_report_has_every_limit_with_what_was_used_of_it() {
    let (report, ..) = wait(Workshop::new().gate("honest", HOSTS[0]));
    let limits = report["plugins"][0]["cases"][0]["limits"].as_array().expect("limits").clone();
    let names: Vec<&str> = limits.iter().filter_map(|limit| limit["limit"].as_str()).collect();
    let all = [
        "init-fuel",
        "fuel",
        "compile-timeout",
        "timeout",
        "memory",
        "table-elements",
        "instances",
        "handles",
        "transfer",
        "stack",
        "output",
    ];
    assert_eq!(names, all);
    let of = |name: &str| limits.iter().find(|limit| limit["limit"] == name).expect("a limit");
    assert_eq!(of("memory")["used"], 65536);
    assert_eq!(of("memory")["allowed"], 512 << 20);
    assert!(of("fuel")["used"].as_u64().is_some_and(|fuel| fuel > 0 && fuel < 100));
    assert_eq!(of("output")["used"], 0);
}

/// The worker of a gate, once it has burnt so much time that it must be in its call; none where it went
/// away before.
#[cfg(target_os = "linux")]
fn worker_in_its_call(gate: &Child) -> Option<u32> {
    let mut worker = None;
    loop {
        ticks_of(gate.id())?;
        worker = worker.or_else(|| worker_of(gate.id()));
        match worker.map(ticks_of) {
            Some(ticks) if ticks? >= 30 => return worker,
            _ => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}

/// A worker that is killed in the middle of a call costs that plugin its verdict, and no other's.
#[cfg(target_os = "linux")]
#[test]
fn the_abort_of_a_worker_is_a_finding_with_its_signal_and_last_step() {
    use rustix::process::{Pid, Signal, kill_process};
    for (signal, name) in [(Signal::ABORT, "SIGABRT"), (Signal::KILL, "SIGKILL")] {
        let workshop = Workshop::new();
        let (gate, worker) = loop {
            let gate = workshop.gate("loop-in-host", HOSTS[0]);
            match worker_in_its_call(&gate) {
                Some(worker) => break (gate, worker),
                // On a busy machine its time may be over before it has come that far.
                None => drop(wait(gate)),
            }
        };
        let worker = i32::try_from(worker).ok().and_then(Pid::from_raw).expect("a process");
        kill_process(worker, signal).expect("a signal");
        let (report, ..) = wait(gate);
        let plugin = &report["plugins"][0];
        assert_eq!(codes(plugin), ["worker-died"], "{plugin:#}");
        let finding = &plugin["diagnostics"][0];
        assert!(finding["message"].as_str().is_some_and(|text| text.contains(name)), "{finding:#}");
        assert_eq!(finding["path"]["text"], "smoke case runs / call run()");
        assert_eq!(report["plugins"][1]["verdict"], "pass");
    }
}

/// A worker that says less than it was asked for: whatever the reason, what nobody vouches for is no
/// pass. It stands in for one that lost its mind, or a line on the way.
#[cfg(unix)]
#[test]
fn a_worker_that_leaves_out_what_became_of_a_case_is_not_believed() {
    use plugtool::config::{Case, CommandCase, Limits};
    use plugtool::judge::{JudgeError, Terms, run_cases, run_command_cases};
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().expect("a temporary folder");
    let program = folder.path().join("worker");
    let input = plugtool::input::from_bytes("it", "it.wat", b"(component)".to_vec());
    let component = plugtool::component::decode(input.expect("text")).expect("a component");
    let limits = Limits::default();
    let terms = Terms {
        id: "it",
        target: None,
        limits: &limits,
        unscripted: true,
        record: false,
        code: None,
        worker: &program,
        require_sandbox: true,
    };
    let case = Case::default();
    let command = CommandCase::default();
    let begun = r#"{"case":{"index":0}}"#;
    let passed = r#"{"passed":{"fuel":1,"memory":0}}"#;
    for (said, believed) in [
        (vec![r#""compiled""#, begun, passed, r#""done""#], true),
        (vec![r#""compiled""#, begun, r#""done""#], false),
        (vec![r#""compiled""#, begun, "{\"failed\":", r#""done""#], false),
        (vec![r#""compiled""#, r#""done""#], false),
        (vec![r#""done""#], false),
    ] {
        let ready = r#"{"complete":true,"measures":[]}"#;
        let lines: String =
            std::iter::once(&ready).chain(&said).map(|line| format!("echo '{line}'\n")).collect();
        fs::write(&program, format!("#!/bin/sh\ncat > /dev/null &\n{lines}")).expect("a worker");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("a program");
        for trial in [
            run_cases(&component, &[&case], terms),
            run_command_cases(&component, &[(&case, &command)], terms),
        ] {
            let trial = trial.expect("a case that can be called");
            match &trial.failure {
                None => {
                    assert!(believed, "{said:?}: {trial:?}");
                    assert!(trial.cases[0].passed && trial.diagnostics.is_empty(), "{trial:?}");
                }
                Some(JudgeError::Internal(_)) => {
                    assert!(!believed, "{said:?}");
                    assert!(trial.cases.iter().all(|case| !case.passed), "{said:?}: {trial:?}");
                }
                Some(error) => panic!("{said:?}: {error}"),
            }
        }
    }
}
