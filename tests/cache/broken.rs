//! What is broken in the cache, on its way there or on its way out, costs time and nothing more; and a plugin
//! that is read cannot bring that about.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use plugtool::diagnostic::{Known, Verdict};
use serde_json::Value;

use super::support::process::PLUGTOOL;
use super::{ALL, Bench, judge_here, plugin};

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

/// What a gate that was killed in the middle has found out is whole, and the next one goes on from there.
#[test]
fn killed_at_any_moment_it_leaves_no_broken_entry() {
    let bench = Bench::new();
    bench.eight();
    let whole = bench.gate_with(Path::new(PLUGTOOL), &["--no-cache"]);
    let mut kept = std::collections::BTreeSet::new();
    // Some time after so many entries are there; once more where that was the same moment each time.
    for wanted in (0..16).cycle().take(160) {
        if wanted == 0 && kept.len() > 3 {
            return;
        }
        let mut command = bench.command(Path::new(PLUGTOOL));
        command.args(["gate", "--host", "host", "--cache-dir", "cache", "-q"]);
        let mut gate = command.stdout(Stdio::null()).spawn().expect("plugtool starts");
        while bench.entries().len() < wanted && gate.try_wait().expect("its status").is_none() {
            std::thread::sleep(Duration::from_micros(100));
        }
        std::thread::sleep(Duration::from_micros(150 * wanted as u64));
        let _ = gate.kill();
        gate.wait().expect("its end");
        kept.insert(bench.entries().len());
        let said = bench.gate();
        assert_eq!(said.verdicts(), whole.report, "after {wanted}: {}", said.stderr);
        assert_eq!(said.stderr, "", "after {wanted}");
        fs::remove_dir_all(bench.path("cache")).expect("a cache");
    }
    panic!("every moment was the same one: {kept:?}");
}

#[test]
fn several_gates_use_one_cache_at_a_time() {
    let bench = Bench::new();
    bench.eight();
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
