//! The command runner as a library: one compiled command, called from many threads.

#![allow(clippy::expect_used, clippy::panic, reason = "a test says what it needs by failing")]

#[allow(dead_code)]
mod support;

use std::fs;
use std::thread;

use plugtool::config::Limits;
use plugtool::smoke::{Command, CommandError, FaultKind, Folder, Launch};
use support::root;

fn file(name: &str) -> Vec<u8> {
    let file = root().join(format!("testdata/plugins/{name}/{name}.wasm"));
    fs::read(file).expect("the command")
}

fn command(name: &str) -> Command {
    Command::compile(file(name)).expect("it compiles")
}

fn within(name: &str, limits: Limits) -> Command {
    Command::compile_within(file(name), limits).expect("it compiles")
}

fn launch(args: &[&str], stdin: impl Into<Vec<u8>>) -> Launch {
    Launch { args: args.iter().map(|arg| (*arg).to_owned()).collect(), ..Launch::from(stdin) }
}

/// Resident memory in KiB, and open descriptors.
#[cfg(target_os = "linux")]
fn held() -> (u64, usize) {
    let status = fs::read_to_string("/proc/self/status").expect("the status");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a line");
    let memory = line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok());
    let descriptors = fs::read_dir("/proc/self/fd").expect("the descriptors").count();
    (memory.expect("a number"), descriptors)
}

/// Eight threads make a thousand calls of one command, each with an input and arguments of its own and
/// a folder. None sees anything of another's, and nothing is left over.
#[test]
fn a_thousand_calls_from_eight_threads_neither_interfere_nor_leak() {
    const THREADS: usize = 8;
    const CALLS: usize = 125;
    let mirror = command("mirror");
    let folder = tempfile::tempdir().expect("a folder");
    let round = |calls: usize| {
        thread::scope(|scope| {
            for thread in 0..THREADS {
                let (mirror, folder) = (&mirror, folder.path());
                scope.spawn(move || {
                    for call in 0..calls {
                        let input = format!("{thread} {call} ").repeat(2000 + call);
                        let file = format!("/{thread}/{call}");
                        let mut write = launch(&["--to", &file, "--exit", "7"], input.as_str());
                        if call % 5 == 0 {
                            fs::create_dir_all(folder.join(thread.to_string())).expect("a folder");
                            write.folders.push(Folder {
                                host: folder.to_owned(),
                                guest: "/".to_owned(),
                                writable: true,
                            });
                            let output = mirror.run(write).expect("it runs");
                            assert_eq!((output.exit_code, output.stdout.len()), (7, 0));
                            let kept = fs::read_to_string(folder.join(&file[1..])).expect("a file");
                            assert_eq!(kept, input);
                        } else {
                            let output = mirror.run(input.as_str()).expect("it runs");
                            assert_eq!(output.exit_code, 0);
                            assert!(output.stdout == input.as_bytes(), "{thread} {call}");
                            assert_eq!(output.stderr, b"");
                        }
                    }
                });
            }
        });
    };
    round(10); // What is made once, by the engine and by the allocator, is there now.
    #[cfg(target_os = "linux")]
    let before = held();
    round(CALLS);
    #[cfg(target_os = "linux")]
    {
        let after = held();
        // An instance that was kept would be a megabyte, and its input as much again.
        assert!(after.0 < before.0 + 48 * 1024, "{} KiB, then {} KiB", before.0, after.0);
        assert_eq!(before.1, after.1, "descriptors");
    }
}

#[test]
fn bytes_go_in_and_come_out_as_they_are() {
    let mirror = command("mirror");
    let all: Vec<u8> = (0..=255).collect();
    assert_eq!(mirror.run(all.clone()).expect("it runs").stdout, all);
    assert_eq!(mirror.run(launch(&["--err"], all.clone())).expect("it runs").stderr, all);
    assert_eq!(mirror.run("").expect("it runs").stdout, b"");
    let named = Launch {
        name: "m".to_owned(),
        env: vec![("A".to_owned(), "b".to_owned())],
        ..launch(&["--args", "x"], "")
    };
    assert_eq!(mirror.run(named.clone()).expect("it runs").stdout, b"m\n--args\nx\n");
    let named = Launch { args: vec!["--env".to_owned()], ..named };
    assert_eq!(mirror.run(named).expect("it runs").stdout, b"A=b\n");
}

/// The same call gives the same answer to the last unit of fuel.
#[test]
fn calls_are_deterministic() {
    let tally = command("tally");
    let once = tally.run("a b\nc").expect("it runs");
    assert_eq!(once, tally.run("a b\nc").expect("it runs"));
    assert!(once.fuel > 0 && once.memory > 0);
}

#[test]
fn what_goes_wrong_is_told_with_what_was_written_until_then() {
    let failed = |error| match error {
        CommandError::Failed { fault, stdout, stderr } => (fault, stdout, stderr),
        CommandError::Unusable(fault) => panic!("{}", fault.message),
    };
    let tally = command("tally");
    let (fault, stdout, stderr) = failed(tally.run(launch(&["-p"], "")).expect_err("it panics"));
    assert_eq!((fault.kind, stdout.len()), (FaultKind::Trap, 0));
    assert!(String::from_utf8_lossy(&stderr).contains("told to"), "{stderr:?}");

    let mirror = within("mirror", Limits { output: 100, ..Limits::default() });
    let (fault, stdout, _) = failed(mirror.run(vec![b'x'; 101]).expect_err("it is too much"));
    assert_eq!((fault.kind, stdout.len()), (FaultKind::OutputLimit, 100));
    assert_eq!(mirror.run(vec![b'x'; 100]).expect("it runs").stdout.len(), 100);

    let mirror = within("mirror", Limits { fuel: 1000, ..Limits::default() });
    let (fault, ..) = failed(mirror.run(vec![b'x'; 9999]).expect_err("it is too much"));
    assert_eq!(fault.kind, FaultKind::OutOfFuel);
}

#[test]
fn what_is_no_command_is_refused() {
    let unusable = |bytes: &[u8]| match Command::compile(bytes) {
        Err(CommandError::Unusable(fault)) => fault.kind,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it compiled"),
    };
    assert_eq!(unusable(b"(component)"), FaultKind::NotACommand);
    assert_eq!(unusable(b"(module)"), FaultKind::NotACommand);
    assert_eq!(unusable(b"(module"), FaultKind::Refused);
    assert_eq!(unusable(b""), FaultKind::Refused);
    let nowhere = Folder { host: "nowhere".into(), guest: "/".to_owned(), writable: false };
    let launch = Launch { folders: vec![nowhere], ..Launch::default() };
    let error = command("mirror").run(launch).expect_err("there is no such folder");
    assert!(matches!(&error, CommandError::Unusable(fault) if fault.kind == FaultKind::Folder));
    assert!(error.to_string().starts_with("nowhere cannot be opened: "), "{error}");
}

/// A caller that is inside an asynchronous runtime is not told to go away.
#[test]
fn it_runs_inside_a_runtime_too() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let output = runtime.block_on(async { command("mirror").run("inside") });
    assert_eq!(output.expect("it runs").stdout, b"inside");
}
