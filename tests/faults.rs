//! Fail closed: whatever breaks from outside, at whichever stage, the gate says that it could not judge. It
//! never passes because something broke. Faults of the stages that only compute are in `judge::stage`.

#![cfg(target_os = "linux")]
#![allow(clippy::expect_used, clippy::panic, reason = "a test says what it needs by failing")]

#[allow(dead_code)]
mod support;

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use plugtool::config::{self, Plugin};
use plugtool::diagnostic::{PluginReport, Verdict};
use plugtool::judge::judge;
use serde_json::Value;
use support::process::{PLUGTOOL, options};
use support::{link, plugins, root, without_times, workspace};

/// A gate over one plugin that passes and has cases, in a shell that does something first.
fn gate_after(folder: &Path, prelude: &str, arguments: &str) -> Output {
    let line = format!(
        "{prelude}; exec {PLUGTOOL} gate --no-cache --host compositions/cli-host --jobs 1 {arguments}"
    );
    Command::new("sh").args(["-c", &line]).current_dir(folder).output().expect("a shell")
}

fn exit(output: &Output) -> Option<i32> {
    output.status.code()
}

/// A device that fails: the memory of a process reads as an input/output error where there is none.
const FAILS: &str = "/proc/self/mem";

#[test]
fn a_file_that_the_system_cannot_read_has_no_verdict() {
    let folder = workspace();
    let folder = folder.path();
    fs::write(
        folder.join("list.toml"),
        format!(
            "[[plugins]]\nid = \"broken\"\npath = \"{FAILS}\"\n\
             [[plugins]]\nid = \"greet\"\npath = \"testdata/plugins/greet/greet.wasm\"\n"
        ),
    )
    .expect("a list");
    let run = |line: &str| {
        let words = shell_words::split(line).expect("a command line");
        Command::new(PLUGTOOL).args(words).current_dir(folder).output().expect("plugtool starts")
    };
    let gate =
        run("gate --no-cache --host compositions/cli-host --plugins list.toml --format json");
    assert_eq!(exit(&gate), Some(3), "{gate:?}");
    let report: Value = serde_json::from_slice(&gate.stdout).expect("a report");
    assert_eq!(report["plugins"][0]["verdict"], "unjudged");
    let why = report["plugins"][0]["failure"].as_str().expect("why");
    assert!(why.starts_with("the system cannot read it: "), "{why}");
    assert_eq!(report["plugins"][1]["verdict"], "pass");
    for line in [
        "check @ --host compositions/cli-host",
        "inspect @",
        "adapt @ -o out.wasm",
        "compose @ -o out.wasm",
        "run @ --invoke 'f()'",
    ] {
        let output = run(&line.replace('@', FAILS));
        assert_eq!(exit(&output), Some(3), "{line}: {output:?}");
        let said = [output.stdout, output.stderr].concat();
        assert!(String::from_utf8_lossy(&said).contains("the system cannot read it"), "{line}");
    }
    assert_eq!(exit(&run(&format!("run {FAILS}"))), Some(125));
}

/// What the host's folder names must be there and readable, to the last smoke file.
#[test]
fn a_host_that_the_system_cannot_read_judges_nothing() {
    let folder = workspace();
    let folder = folder.path();
    let host = |wit: &str, more: &str| {
        format!(
            "[host]\nwit = [\"{wit}\"]\nworlds = [\"my:cli/plugin@0.2.0\"]\nprovides = [\"wasi\"]\nplugins = [\"testdata/plugins/greet/greet.wasm\"]\n{more}\n"
        )
    };
    let wit = "compositions/cli-host/wit/v0.2";
    let judge = |text: &str| {
        fs::write(folder.join("plugtool.toml"), text).expect("a host");
        let output =
            Command::new(PLUGTOOL).args(["gate", "--no-cache"]).current_dir(folder).output();
        let output = output.expect("plugtool starts");
        (exit(&output), output.stdout.is_empty())
    };
    assert_eq!(judge(&host(wit, "")), (Some(0), false));
    for broken in [
        host(FAILS, ""),
        host(wit, &format!("adapters = [\"{FAILS}\"]")),
        host(wit, &format!("smoke = [\"{FAILS}\"]")),
        host(wit, "").replace("testdata/plugins/greet/greet.wasm", "list.toml"),
    ] {
        symlink(FAILS, folder.join("list.toml")).ok();
        assert_eq!(judge(&broken), (Some(2), true), "{broken}");
    }
    fs::remove_file(folder.join("plugtool.toml")).expect("a host");
    symlink(FAILS, folder.join("plugtool.toml")).expect("a link");
    let output = Command::new(PLUGTOOL).args(["gate", "--no-cache"]).current_dir(folder).output();
    let output = output.expect("plugtool starts");
    assert_eq!((exit(&output), output.stdout.is_empty()), (Some(2), true));
}

fn judged_by(worker: &Path) -> PluginReport {
    let host = config::load(&root().join("compositions/cli-host")).expect("a host");
    let path = plugins()["greet"].display().to_string();
    let plugin = Plugin { id: "greet".to_owned(), path, enabled: true };
    judge(&plugin, &host, &options(worker))
}

/// What stands where the worker should: what says nothing of its confinement has not seen the plugin, and says
/// nothing about it.
#[test]
fn without_a_worker_there_is_no_verdict() {
    assert_eq!(judged_by(Path::new(PLUGTOOL)).verdict, Verdict::Pass);
    let folder = tempfile::tempdir().expect("a folder");
    let script = |name: &str, text: &str, mode: u32| -> PathBuf {
        let path = folder.path().join(name);
        fs::write(&path, text).expect("a program");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("its mode");
        path
    };
    let ready = "echo '{\"complete\":true,\"measures\":[]}'";
    let open = "echo '{\"complete\":false,\"measures\":[],\"missing\":[\"a wall\"]}'";
    for (worker, why) in [
        (folder.path().join("nowhere"), "could not be started"),
        (folder.path().to_owned(), "could not be started"),
        (script("plain", "#!/bin/sh\n", 0o644), "could not be started"),
        (script("text", "nothing\n", 0o755), "could not be started"),
        (PathBuf::from("/bin/true"), "did not get ready"),
        (PathBuf::from("/bin/false"), "did not get ready"),
        (script("mad", "#!/bin/sh\necho hello\n", 0o755), "did not get ready"),
        (script("killed", "#!/bin/sh\nkill -9 $$\n", 0o755), "did not get ready"),
        (script("open", &format!("#!/bin/sh\n{open}\n"), 0o755), "require-sandbox"),
        (
            script("short", &format!("#!/bin/sh\n{ready}\necho '\"done\"'\n"), 0o755),
            "did not say what became",
        ),
        (
            script(
                "refused",
                &format!(
                    "#!/bin/sh\n{ready}\necho '{{\"failed\":{{\"kind\":\"system\",\"message\":\"no memory\",\"notes\":[]}}}}'\necho '\"done\"'\n"
                ),
                0o755,
            ),
            "refused the engine",
        ),
    ] {
        let report = judged_by(&worker);
        assert_eq!(report.verdict, Verdict::Unjudged, "{}: {report:#?}", worker.display());
        let failure = report.failure.expect("why");
        assert!(failure.contains(why), "{}: {failure}", worker.display());
    }
    // One that goes away in the middle has seen the plugin, which may have done it.
    for (name, said) in
        [("early", ""), ("late", "echo '\"compiled\"'\necho '{\"case\":{\"index\":0}}'\n")]
    {
        let worker = script(name, &format!("#!/bin/sh\n{ready}\n{said}"), 0o755);
        assert_eq!(judged_by(&worker).verdict, Verdict::Fail);
    }
}

/// The program is gone when the gate wants to start its workers from it.
#[test]
fn a_program_that_is_deleted_meanwhile_passes_nothing() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let folder = folder.path();
    for name in ["compositions", "testdata"] {
        link(&root().join(name), &folder.join(name));
    }
    let program = folder.join("plugtool");
    fs::hard_link(PLUGTOOL, &program).expect("a second name");
    let pipe = folder.join("list.toml");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
    let gate = Command::new(&program)
        .args(["gate", "--no-cache", "--host", "compositions/cli-host", "--plugins", "list.toml"])
        .args(["--report", "json=out.json"])
        .current_dir(folder)
        .stdout(Stdio::null())
        .spawn()
        .expect("plugtool starts");
    // It waits for its list.
    let mut list = fs::OpenOptions::new().write(true).open(&pipe).expect("it reads its list");
    fs::remove_file(&program).expect("it is deleted");
    let text = "[[plugins]]\nid = \"greet\"\npath = \"testdata/plugins/greet/greet.wasm\"\n";
    list.write_all(text.as_bytes()).expect("its list");
    drop(list);
    let ended = gate.wait_with_output().expect("its end");
    assert_eq!(exit(&ended), Some(3), "{ended:?}");
    let report = fs::read_to_string(folder.join("out.json")).expect("a report");
    let report: Value = serde_json::from_str(&report).expect("JSON");
    assert_eq!(report["plugins"][0]["verdict"], "unjudged");
}

/// Limits of the system from none at all to enough: up to where there is enough there is no pass, and every
/// report is whole or not there.
#[test]
fn with_too_little_of_anything_nothing_passes() {
    let folder = workspace();
    let folder = folder.path();
    let out = folder.join("out.json");
    let gate = |prelude: &str| {
        let _ = fs::remove_file(&out);
        let output = gate_after(folder, prelude, "--only greet --report json=out.json");
        let report = fs::read_to_string(&out).ok();
        let report = report.map(|text| -> Value {
            serde_json::from_str(&without_times(&text)).expect("it is whole")
        });
        (output, report)
    };
    let (plain, sound) = gate("true");
    assert_eq!(exit(&plain), Some(0), "{plain:?}");
    let sound = sound.expect("a report");
    let mut passed = 0;
    let mut none = 0;
    let preludes = (3..30)
        .map(|descriptors| format!("ulimit -n {descriptors}"))
        .chain(
            [1, 4, 10, 20, 30, 40, 60, 100, 200, 4000]
                .map(|mib| format!("ulimit -v {}", mib << 10)),
        )
        .chain(
            [0, 1, 2, 4, 8, 16, 64, 4096].map(|blocks| format!("trap '' XFSZ; ulimit -f {blocks}")),
        )
        .chain([0, 8].map(|blocks| format!("ulimit -c 0; ulimit -f {blocks}")))
        .chain([100, 1000, 100_000].map(|kib| format!("ulimit -d {kib}")))
        .chain([16, 128].map(|kib| format!("ulimit -s {kib}")));
    for prelude in preludes {
        let (output, report) = gate(&prelude);
        if output.status.success() {
            passed += 1;
            let verdict = |report: &Value| report["plugins"][0].clone();
            assert_eq!(
                report.as_ref().map(verdict),
                Some(verdict(&sound)),
                "{prelude}: {output:?}"
            );
        } else {
            none += 1;
            assert_ne!(exit(&output), Some(101), "{prelude}: a panic: {output:?}");
            if let Some(report) = report {
                let verdict = &report["plugins"][0]["verdict"];
                assert!(verdict != "pass" || exit(&output) == Some(3), "{prelude}: {output:?}");
            }
        }
    }
    assert!(passed >= 3 && none >= 10, "{passed} passed, {none} did not");
}

/// Every format, to a disk that is full, one by one: the others are written all the same.
#[test]
fn a_report_that_cannot_be_written_is_no_pass() {
    let folder = workspace();
    let folder = folder.path();
    for format in [
        "text",
        "json",
        "ndjson",
        "sarif",
        "junit",
        "github",
        "github-summary",
        "gitlab",
        "markdown",
    ] {
        let full = folder.join(format!("{format}.full"));
        symlink("/dev/full", &full).expect("a link");
        // A plugin that passes has no annotations, and what is not written cannot fail.
        let rejected = "--plugins compositions/cli-host/rejected.toml --only no-commands";
        let (which, counts) =
            if format == "github" { (rejected, "1 failed") } else { ("--only greet", "1 passed") };
        let reports = format!("{which} --report {format}={format}.full --report markdown=other.md");
        let output = gate_after(folder, "true", &reports);
        assert_eq!(exit(&output), Some(3), "{format}: {output:?}");
        let other = folder.join("other.md");
        assert!(fs::read_to_string(&other).expect("the other").contains(counts), "{format}");
        fs::remove_file(&other).expect("the other");
        // To standard output, which is full.
        let stdout = fs::OpenOptions::new().write(true).open("/dev/full").expect("the device");
        let ended = Command::new(PLUGTOOL)
            .args(["gate", "--no-cache", "--host", "compositions/cli-host", "--report"])
            .args([&format!("{format}=-"), "--report", "markdown=other.md"])
            .args(which.split(' '))
            .current_dir(folder)
            .stdout(Stdio::from(stdout))
            .output()
            .expect("plugtool");
        assert_eq!(exit(&ended), Some(3), "{format} to standard output: {ended:?}");
        assert!(other.exists(), "{format}");
    }
    for flags in ["", "--format json", "-v"] {
        let output = gate_after(folder, "exec > /dev/full", &format!("--only greet {flags}"));
        assert_eq!(exit(&output), Some(3), "{flags}: {output:?}");
    }
}

/// Workers are fed and heard by threads. Where none can be started, nothing is judged.
#[test]
fn without_threads_there_is_no_pass() {
    let folder = workspace();
    let output = gate_after(
        folder.path(),
        "export RUST_MIN_STACK=70368744177664",
        "--only greet --format json",
    );
    assert_eq!(exit(&output), Some(3), "{output:?}");
}
