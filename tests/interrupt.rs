//! A gate that is interrupted says what it knows, and passes nothing that it does not. Whoever ends it, and
//! however, no worker is left behind.

#![cfg(target_os = "linux")]
#![allow(clippy::expect_used, clippy::panic, reason = "a test says what it needs by failing")]

#[path = "support/spinning.rs"]
mod spinning;
#[allow(dead_code)]
mod support;

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Output};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde_json::Value;
use spinning::{Spinning, wait_for};

fn pid(child: &Child) -> Pid {
    Pid::from_raw(i32::try_from(child.id()).expect("a process id")).expect("a process id")
}

/// As a terminal sends it: to everybody in the group.
fn interrupt(child: &Child) {
    kill_process_group(pid(child), Signal::INT).expect("an interrupt");
}

fn end(child: Child) -> Output {
    child.wait_with_output().expect("its end")
}

fn verdicts(report: &Value) -> Vec<(&str, &str, &str)> {
    let plugins = report["plugins"].as_array().expect("plugins");
    plugins
        .iter()
        .map(|plugin| {
            let text = |key: &str| plugin[key].as_str().unwrap_or_default();
            (text("id"), text("verdict"), text("failure"))
        })
        .collect()
}

#[test]
fn what_is_known_is_reported_and_nothing_else_passes() {
    for (signal, to_all) in [(Signal::INT, true), (Signal::TERM, false), (Signal::HUP, false)] {
        let host = Spinning::new();
        let formats = ["json", "ndjson", "sarif", "junit", "github", "gitlab", "markdown", "text"];
        let reports: String =
            formats.iter().map(|format| format!(" --report {format}=out.{format}")).collect();
        let gate = host.start(&format!("gate --no-cache --jobs 1 {reports}"));
        host.wait_until_it_spins();
        let asked = Instant::now();
        if to_all {
            kill_process_group(pid(&gate), signal).expect("a signal");
        } else {
            kill_process(pid(&gate), signal).expect("a signal");
        }
        let ended = end(gate);
        assert!(asked.elapsed() < Duration::from_secs(20), "it took {:?}", asked.elapsed());
        assert_eq!(ended.status.code(), Some(3), "{ended:?}");
        assert_eq!(host.workers(), Vec::<u32>::new());
        let read = |format: &str| {
            fs::read_to_string(host.path().join(format!("out.{format}"))).expect("a report")
        };
        let report: Value = serde_json::from_str(&read("json")).expect("JSON");
        assert_eq!(
            verdicts(&report),
            [
                ("first", "pass", ""),
                ("spin", "unjudged", "interrupted"),
                ("last", "unjudged", "interrupted"),
            ]
        );
        // A plugin that was being run died of nothing: it has no finding.
        assert_eq!(report["plugins"][1]["diagnostics"], serde_json::json!([]));
        assert_eq!(read("ndjson").lines().count(), 4);
        let sarif: Value = serde_json::from_str(&read("sarif")).expect("JSON");
        assert_eq!(sarif["runs"][0]["invocations"][0]["executionSuccessful"], false);
        assert_eq!(read("junit").matches("<error").count(), 2);
        assert_eq!(read("github").matches("::error").count(), 2);
        assert_eq!(read("gitlab").matches("blocker").count(), 2);
        for format in ["markdown", "text"] {
            assert!(read(format).contains("1 passed, 0 failed, 2 could not be judged"), "{format}");
        }
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(said.starts_with("interrupted: what is known will be reported"), "{said}");
    }
}

/// With one thread for each plugin, those that need not wait for the one that spins have their verdicts.
#[test]
fn what_was_judged_meanwhile_keeps_its_verdict() {
    let host = Spinning::new();
    let gate = host.start("gate --no-cache --jobs 3 --report ndjson=- --report json=out.json");
    host.wait_until_it_spins();
    // The others are done when only one worker is left.
    wait_for("one worker that is left", || (host.workers().len() == 1).then_some(()));
    std::thread::sleep(Duration::from_millis(300));
    interrupt(&gate);
    let ended = end(gate);
    assert_eq!(ended.status.code(), Some(3), "{ended:?}");
    let report = fs::read_to_string(host.path().join("out.json")).expect("a report");
    let report: Value = serde_json::from_str(&report).expect("JSON");
    let judged: Vec<&str> = verdicts(&report).into_iter().map(|(_, verdict, _)| verdict).collect();
    assert_eq!(judged, ["pass", "unjudged", "pass"]);
    let lines = String::from_utf8_lossy(&ended.stdout);
    assert_eq!(lines.lines().count(), 4, "{lines}");
    assert_eq!(host.workers(), Vec::<u32>::new());
}

/// Here the gate has something to do that takes for ever: it writes to a pipe that nobody opens.
#[test]
fn asked_twice_it_ends_at_once() {
    let host = Spinning::new();
    let pipe = host.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
    let mut gate = host.start("gate --no-cache --jobs 1 --report json=pipe");
    host.wait_until_it_spins();
    interrupt(&gate);
    host.wait_until_nobody_works();
    std::thread::sleep(Duration::from_millis(300));
    assert!(gate.try_wait().expect("its status").is_none(), "it waits for a reader");
    interrupt(&gate);
    let ended = end(gate);
    assert_eq!(ended.status.code(), Some(130), "{ended:?}");
}

/// What `nohup` asks for holds: a terminal that goes away does not matter.
#[test]
fn what_is_to_be_ignored_is_ignored() {
    let host = Spinning::new();
    let line = "trap '' HUP; exec \"$0\" gate --no-cache --jobs 1 --report json=out.json";
    let mut command = Command::new("sh");
    command.args(["-c", line]).arg(host.program()).current_dir(host.path());
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let mut gate = command.spawn().expect("a shell");
    host.wait_until_it_spins();
    kill_process(pid(&gate), Signal::HUP).expect("a signal");
    std::thread::sleep(Duration::from_millis(500));
    assert!(gate.try_wait().expect("its status").is_none(), "it goes on");
    assert_eq!(host.workers().len(), 1);
    kill_process(pid(&gate), Signal::TERM).expect("a signal");
    assert_eq!(gate.wait().expect("its end").code(), Some(3));
    assert!(host.path().join("out.json").exists());
}

/// `run` behaves like the program, which an interrupt would have ended.
#[test]
fn run_ends_by_the_signal() {
    for more in ["", "--format json"] {
        let host = Spinning::new();
        let run = host.start(&format!(
            "run testdata/plugins/spin/spin.wasm --invoke 'run(\"spin\", [])' --timeout 1000s \
             --fuel 1000000000000000 {more}"
        ));
        host.wait_until_it_spins();
        interrupt(&run);
        let ended = end(run);
        assert_eq!(ended.status.signal(), Some(Signal::INT.as_raw()), "{ended:?}");
        assert!(ended.stdout.is_empty(), "{ended:?}");
        host.wait_until_nobody_works();
    }
}

/// A gate that is killed takes its workers with it, at whatever moment: while they start, compile, run.
#[test]
fn no_worker_outlives_its_gate() {
    let host = Spinning::new();
    let kill = |after: Option<Duration>| {
        let mut gate = host.start("gate --no-cache --jobs 3");
        match after {
            Some(after) => std::thread::sleep(after),
            None => host.wait_until_it_spins(),
        }
        gate.kill().expect("it is killed");
        gate.wait().expect("its end");
        host.wait_until_nobody_works();
    };
    kill(None);
    for step in 0..40 {
        kill(Some(Duration::from_millis(step * 5)));
    }
}
