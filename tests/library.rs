//! The command runner as a library. That it leaks nothing is in `leaks.rs`.

#![allow(clippy::expect_used, clippy::panic, reason = "a test says what it needs by failing")]

#[allow(dead_code)]
mod support;

use std::fs;

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
