//! A gate that is killed, at whatever moment, leaves every file whole: as it was, or as it should be. The
//! next one finds the same, and clears away what was left. A plugin that is replaced while it is read is
//! judged by the bytes that were read.

#![cfg(unix)]
#![allow(clippy::expect_used, clippy::panic, reason = "a test says what it needs by failing")]

#[allow(dead_code)]
mod support;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;
use support::process;
use support::process::PLUGTOOL;
use support::{plugins, without_times, workspace};

const FORMATS: [&str; 7] = ["json", "ndjson", "sarif", "junit", "gitlab", "markdown", "text"];

/// A gate with every report, without a word.
fn gate(folder: &Path, list: &str) -> Command {
    let mut command = process::gate(folder, list, "out", &FORMATS);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// The reports of a gate that ran to its end.
fn judged(folder: &Path, list: &str) -> BTreeMap<&'static str, String> {
    assert_eq!(gate(folder, list).status().expect("a gate").code(), Some(1));
    let reports = reports(folder);
    assert_eq!(reports.len(), FORMATS.len());
    reports
}

/// Two plugins that are run, and few that are not there in one list, many in another that make the reports
/// long: writing takes its time too.
fn old_and_new(folder: &Path) {
    list(folder, "old.toml", 1);
    list(folder, "new.toml", 1000);
}

/// A list with a plugin that passes, one that fails, and so many that are not there.
fn list(folder: &Path, name: &str, missing: usize) {
    let mut text = String::new();
    for plugin in ["greet", "no-commands"] {
        let path = format!("testdata/plugins/{plugin}/{plugin}.wasm");
        let _ = writeln!(text, "[[plugins]]\nid = \"{plugin}\"\npath = \"{path}\"");
    }
    for number in 0..missing {
        let _ = writeln!(text, "[[plugins]]\nid = \"missing-{number}\"\npath = \"nowhere\"");
    }
    fs::write(folder.join(name), text).expect("a list");
}

/// Every report that is there, without times.
fn reports(folder: &Path) -> BTreeMap<&'static str, String> {
    let read = |format: &&'static str| {
        let text = fs::read_to_string(folder.join(format!("out.{format}"))).ok()?;
        // What is cut off has no end, and is no report without times either.
        Some((*format, without_times(&text)))
    };
    FORMATS.iter().filter_map(read).collect()
}

/// Temporary files.
fn left_over(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).expect("a folder").flatten();
    entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(".plugtool-")).count()
}

#[test]
fn every_report_is_the_old_one_or_the_new_one() {
    let folder = workspace();
    let folder = folder.path();
    old_and_new(folder);
    let begun = Instant::now();
    let new = judged(folder, "new.toml");
    let whole = begun.elapsed();
    let old = judged(folder, "old.toml");

    // All of the way in steps, and moments that nobody chose.
    let seed =
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a clock").as_nanos();
    let mut state = u64::try_from(seed & u128::from(u64::MAX)).expect("64 bits") | 1;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % 1000
    };
    let moments: Vec<u64> =
        (0..20).map(|step| step * 50).chain((0..20).map(|_| random())).collect();
    for thousandths in moments {
        let moment =
            whole.mul_f64(f64::from(u32::try_from(thousandths).expect("a number")) / 1000.0);
        let mut child = gate(folder, "new.toml").spawn().expect("a gate");
        std::thread::sleep(moment);
        child.kill().expect("it is killed");
        let status = child.wait().expect("its end");
        let now = reports(folder);
        let at = format!("killed after {thousandths} thousandths, seed {seed}: {status}");
        let mut replaced = 0;
        for format in FORMATS {
            let bytes = now.get(format).unwrap_or_else(|| panic!("{at}: {format} is gone"));
            let is_new = *bytes == new[format];
            assert!(is_new || *bytes == old[format], "{at}: {format} is neither");
            replaced += usize::from(is_new);
        }
        if replaced > 0 {
            for (format, bytes) in &old {
                fs::write(folder.join(format!("out.{format}")), bytes).expect("a report");
            }
        }
    }
    // The next run says the same as if nothing had been, and nothing is left over.
    assert_eq!(judged(folder, "new.toml"), new, "seed {seed}");
    assert_eq!(left_over(folder), 0, "seed {seed}");
}

/// Here it is the system that kills it, inside of a write: a limit that the file is too large for.
#[test]
fn what_a_killed_gate_left_is_cleared_away() {
    let folder = workspace();
    let folder = folder.path();
    old_and_new(folder);
    let old = judged(folder, "old.toml");
    for blocks in [64, 256] {
        let line = format!("ulimit -c 0; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        let plain = gate(folder, "new.toml");
        let mut command = Command::new("sh");
        command.args(["-c", &line, PLUGTOOL]).args(plain.get_args()).current_dir(folder);
        let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status().expect("a shell");
        assert!(status.signal().is_some(), "{blocks}: {status}");
        assert_eq!(reports(folder), old, "{blocks}");
        assert_eq!(left_over(folder), 1, "{blocks}: what is left of the first report");
        assert_eq!(judged(folder, "old.toml"), old, "{blocks}");
        assert_eq!(left_over(folder), 0, "{blocks}");
    }
}

/// Several gates write into one folder: none removes what another one is writing.
#[test]
fn gates_beside_each_other_leave_each_other_alone() {
    let folder = workspace();
    let folder = folder.path();
    list(folder, "list.toml", 50);
    let gates: Vec<_> = (0..8)
        .map(|number| {
            let mut command = process::gate(folder, "list.toml", &number.to_string(), &FORMATS);
            command.stdout(Stdio::null()).stderr(Stdio::piped());
            command.spawn().expect("a gate")
        })
        .collect();
    for gate in gates {
        let ended = gate.wait_with_output().expect("its end");
        assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    }
    for number in 0..8 {
        for format in FORMATS {
            assert!(folder.join(format!("{number}.{format}")).exists(), "{number}.{format}");
        }
    }
    assert_eq!(left_over(folder), 0);
}

#[test]
fn a_plugin_that_is_replaced_meanwhile_is_judged_by_what_was_read() {
    const IDS: usize = 20;
    let folder = workspace();
    let folder = folder.path();
    let read = |name: &str| fs::read(&plugins()[name]).expect("a plugin");
    let (good, bad) = (read("greet"), read("no-commands"));
    let digest = |bytes: &[u8]| plugtool::input::digest(bytes);
    let file = folder.join("it.wasm");
    fs::write(&file, &good).expect("a plugin");
    let mut text = String::new();
    for number in 0..IDS {
        let _ = writeln!(text, "[[plugins]]\nid = \"greet-{number}\"\npath = \"it.wasm\"");
    }
    fs::write(folder.join("list.toml"), text).expect("a list");
    let done = AtomicBool::new(false);
    let reports: Vec<Value> = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                for bytes in [&good, &bad] {
                    // In place, so that a reader may see any part of it.
                    fs::write(&file, bytes).expect("a plugin");
                    std::thread::sleep(Duration::from_millis(3));
                }
            }
        });
        let reports = (0..3)
            .map(|_| {
                let output = Command::new(PLUGTOOL)
                    .args([
                        "gate",
                        "--no-cache",
                        "--host",
                        "compositions/cli-host",
                        "--plugins",
                        "list.toml",
                    ])
                    .args(["--format", "json"])
                    .current_dir(folder)
                    .output()
                    .expect("a gate");
                serde_json::from_slice(&output.stdout).expect("a report")
            })
            .collect();
        done.store(true, Ordering::Relaxed);
        reports
    });
    let mut seen = BTreeMap::new();
    for plugin in reports.iter().flat_map(|report| report["plugins"].as_array().expect("plugins")) {
        let sha256 = plugin["sha256"].as_str().expect("a digest");
        let verdict = plugin["verdict"].as_str().expect("a verdict");
        let which = if sha256 == digest(&good) {
            "the good one"
        } else if sha256 == digest(&bad) {
            "the bad one"
        } else {
            "neither"
        };
        *seen.entry((which, verdict.to_owned())).or_insert(0) += 1;
    }
    for (which, verdict) in seen.keys() {
        let passes = *which == "the good one";
        assert_eq!(verdict, if passes { "pass" } else { "fail" }, "{which}: {seen:?}");
    }
    assert!(seen.len() >= 2, "it was never replaced: {seen:?}");
}
