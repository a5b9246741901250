//! WASI commands behave under `plugtool run` as they do under `wasmtime run`: the same bytes on standard
//! output and standard error, and the same exit code. Where `wasmtime` is not installed, what it did is
//! known from `testdata/commands.txt`; `BLESS=1` rewrites that where both agree.

#![allow(clippy::expect_used, clippy::panic, reason = "a test says what it needs by failing")]

#[allow(dead_code)]
mod support;

use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;

use plugtool::input::digest;
use support::process::{peak_of, worker_of};
use support::random::noise;
use support::{bless, root, which};

const MIRROR: &str = "mirror";
const TALLY: &str = "tally";
/// The one that is of WASI 0.3.
const RELAY: &str = "relay";

/// One line of the table: what is run, and with what.
struct Row {
    name: &'static str,
    command: &'static str,
    args: &'static [&'static str],
    env: &'static [(&'static str, &'static str)],
    stdin: Vec<u8>,
    /// A trap is told in other words; what the guest itself had written comes first.
    traps: bool,
}

fn rows() -> Vec<Row> {
    let row = |name, command, args, stdin: &[u8]| Row {
        name,
        command,
        args,
        env: &[],
        stdin: stdin.to_vec(),
        traps: false,
    };
    let all_bytes: Vec<u8> = (0..=255).collect();
    let big = noise(100_000_000);
    let env: &[(&str, &str)] = &[("TALLY_LABEL", "in all:"), ("EMPTY", ""), ("ODD", "a=b\u{e9}\n")];
    vec![
        row("mirror, no input", MIRROR, &[], b""),
        row("mirror, text", MIRROR, &[], b"one two\nthree"),
        row("mirror, every byte", MIRROR, &[], &all_bytes),
        row("mirror, 100 MB through", MIRROR, &[], &big),
        row("mirror, 100 MB out", MIRROR, &["--fill", "100000000"], b""),
        row("mirror, to standard error", MIRROR, &["--err"], &all_bytes),
        row("mirror, much to standard error", MIRROR, &["--err", "--fill", "3000000"], b""),
        row("mirror, arguments", MIRROR, &["--args", "a b", "", "\u{e9}\u{4e16}", "--", "-x"], b""),
        Row { env, ..row("mirror, environment", MIRROR, &["--env"], b"") },
        row("mirror, no environment", MIRROR, &["--env"], b""),
        row("mirror, exit 1", MIRROR, &["--exit", "1"], b""),
        row("mirror, exit 42", MIRROR, &["--exit", "42"], b"and output"),
        row("mirror, exit 125", MIRROR, &["--exit", "125"], b""),
        row("mirror, no such option", MIRROR, &["--sideways"], b""),
        row("mirror, no such file", MIRROR, &["--from", "/etc/passwd"], b""),
        row("mirror, input that is not read", MIRROR, &["--fill", "5"], &big),
        Row { traps: true, ..row("mirror, trap", MIRROR, &["--trap"], b"before") },
        row("tally, no input", TALLY, &[], b""),
        row("tally, text", TALLY, &[], b"one two\nthree"),
        row("tally, every byte", TALLY, &["-l", "-b"], &all_bytes),
        row("tally, 100 MB", TALLY, &["-w"], &big),
        Row { env, ..row("tally, environment", TALLY, &[], b"a b") },
        row("tally, no such option", TALLY, &["-x"], b""),
        row("tally, no such file", TALLY, &["/etc/passwd", "b"], b""),
        Row { traps: true, ..row("tally, panic", TALLY, &["-p"], b"") },
        row("relay, no input", RELAY, &[], b""),
        row("relay, every byte", RELAY, &[], &all_bytes),
        row("relay, 100 MB through", RELAY, &[], &big),
        row("relay, 100 MB through, unseen", RELAY, &["--splice"], &big),
        row("relay, 100 MB out", RELAY, &["--fill", "100000000"], b""),
        row("relay, to standard error", RELAY, &["--err"], &all_bytes),
        row("relay, arguments", RELAY, &["--args", "a b", "", "\u{e9}\u{4e16}", "--", "-x"], b""),
        Row { env, ..row("relay, environment", RELAY, &["--env"], b"") },
        row("relay, no environment", RELAY, &["--env"], b""),
        row("relay, a sleep", RELAY, &["--nap", "20", "--args"], b""),
        row("relay, a question", RELAY, &["--ask"], b"ada"),
        row("relay, exit 42", RELAY, &["--exit", "42"], b"and output"),
        row("relay, an error", RELAY, &["--fail"], b"and output"),
        row("relay, no such option", RELAY, &["--sideways"], b""),
        row("relay, no such file", RELAY, &["--from", "/etc/passwd"], b""),
        row("relay, input that is not read", RELAY, &["--fill", "5"], &big),
        Row { traps: true, ..row("relay, trap", RELAY, &["--trap"], b"before") },
    ]
}

/// What a program did.
#[derive(PartialEq)]
struct Did {
    exit: i32,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

fn run(program: &Path, options: &[String], row: &Row) -> Did {
    let file = format!("testdata/plugins/{0}/{0}.wasm", row.command);
    let mut command = Command::new(program);
    command.arg("run").args(options).current_dir(root()).env_clear();
    for (name, value) in row.env {
        command.args(["--env", &format!("{name}={value}")]);
    }
    command.arg(file);
    if options.iter().any(|option| option == "--fuel") && !row.args.is_empty() {
        command.arg("--");
    }
    command.args(row.args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    let mut errors = child.stderr.take().expect("a pipe");
    thread::scope(|scope| {
        // A guest that does not read its input does not mind that nobody writes it.
        scope.spawn(move || drop(stdin.write_all(&row.stdin)));
        let stderr = scope.spawn(move || {
            let mut stderr = Vec::new();
            errors.read_to_end(&mut stderr).expect("standard error");
            stderr
        });
        let ended = child.wait_with_output().expect("the program ends");
        let exit = ended.status.code().expect("an exit code");
        Did { exit, stdout: ended.stdout, stderr: stderr.join().expect("a thread") }
    })
}

/// What the guest itself wrote before the program told of a trap.
fn cut(did: Did, row: &Row, words: &str) -> Did {
    if !row.traps {
        return did;
    }
    let text = String::from_utf8_lossy(&did.stderr).into_owned();
    let at =
        text.find(words).unwrap_or_else(|| panic!("{}: no word of the trap: {text}", row.name));
    Did { stderr: text.as_bytes()[..at].to_vec(), ..did }
}

/// A stream as it is recorded.
fn shown(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.len() < 100 => format!("{text:?}"),
        _ => format!("{} bytes, sha256 {}", bytes.len(), digest(bytes)),
    }
}

#[test]
fn commands_do_the_same_as_under_wasmtime() {
    let plugtool = Path::new(env!("CARGO_BIN_EXE_plugtool"));
    // Time is what the machine has, and a loaded one has little.
    let options = ["--fuel", "1000000000000", "--timeout", "10m"].map(str::to_owned);
    let peer = which("wasmtime");
    let modern = peer.as_deref().is_some_and(knows_wasi_0_3);
    let mut record = String::from(
        "# What the commands of testdata/plugins do under `wasmtime run` and under `plugtool run`, for the\n\
         # table in tests/commands.rs.\n",
    );
    for row in rows() {
        let ours = cut(run(plugtool, &options, &row), &row, "error[trap]");
        if let Some(wasmtime) = peer.as_ref().filter(|_| modern || row.command != RELAY) {
            let theirs = cut(run(wasmtime, &[], &row), &row, "Error: failed to run");
            assert_eq!(ours.exit, theirs.exit, "{}: the exit code", row.name);
            assert!(ours.stdout == theirs.stdout, "{}: standard output", row.name);
            assert!(ours.stderr == theirs.stderr, "{}: standard error", row.name);
        }
        let _ = writeln!(record, "\n[{}]\nexit {}", row.name, ours.exit);
        let _ = writeln!(record, "stdout {}\nstderr {}", shown(&ours.stdout), shown(&ours.stderr));
    }
    let file = root().join("testdata/commands.txt");
    if bless() && modern {
        fs::write(&file, &record).expect("the record");
    }
    let known = fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(
        known, record,
        "BLESS=1 rewrites testdata/commands.txt, where wasmtime is installed, with WASI 0.3"
    );
}

/// Whether this `wasmtime` was built with what WASI 0.3 is made of.
fn knows_wasi_0_3(wasmtime: &Path) -> bool {
    let file = format!("testdata/plugins/{RELAY}/{RELAY}.wasm");
    let tried = Command::new(wasmtime)
        .args(["run", &file, "--args"])
        .current_dir(root())
        .output()
        .expect("the program starts");
    let knows = tried.status.success();
    assert!(
        knows || std::env::var_os("PLUGTOOL_TEST_ALL").is_none(),
        "wasmtime is there without its feature component-model-async: {}",
        String::from_utf8_lossy(&tried.stderr)
    );
    knows
}

/// The functions of a plugin of WASI 0.3 return the same under `wasmtime run --invoke`, which takes one
/// call at a time.
#[test]
fn async_functions_do_the_same_as_under_wasmtime() {
    let calls = [
        ("nap(20)", "20"),
        ("join([\"a\", \"b\", \"\"], \"-\")", "ok(\"a-b-\")"),
        ("join([], \"-\")", "err(\"no parts\")"),
        ("echo([0, 1, 255])", "[0, 1, 255]"),
    ];
    let peer = which("wasmtime").filter(|wasmtime| knows_wasi_0_3(wasmtime));
    let plugtool = Path::new(env!("CARGO_BIN_EXE_plugtool"));
    for (call, result) in calls {
        let told = |program: &Path| {
            let told = Command::new(program)
                .args(["run", "--invoke", call, "testdata/plugins/almanac/almanac.wasm"])
                .current_dir(root())
                .output()
                .expect("the program starts");
            assert!(told.status.success(), "{call}: {}", String::from_utf8_lossy(&told.stderr));
            String::from_utf8(told.stdout).expect("text")
        };
        assert_eq!(told(plugtool).trim_end(), result, "{call}");
        if let Some(wasmtime) = &peer {
            assert_eq!(told(wasmtime).trim_end(), result, "{call}, under wasmtime");
        }
    }
}

/// Starts plugtool with both ends of its streams in the hands of the test.
fn talk(args: &[&str]) -> (Child, ChildStdin, ChildStdout) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_plugtool"))
        .args(args)
        .current_dir(root())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let stdin = child.stdin.take().expect("a pipe");
    let stdout = child.stdout.take().expect("a pipe");
    (child, stdin, stdout)
}

/// 100 MB through a command take no more memory than 1 MB, in the supervisor and in its worker.
#[cfg(target_os = "linux")]
#[test]
fn streams_take_no_memory() {
    let peaks = |command: &str, size: usize| -> [u64; 2] {
        let (mut child, mut stdin, mut stdout) = talk(&["run", command, "--timeout", "10m"]);
        let process = child.id();
        let peaks = thread::scope(|scope| {
            let block = noise(1 << 20);
            // The end of the input is held back until the figures are taken.
            let _held = scope.spawn(move || {
                for _ in 0..size >> 20 {
                    stdin.write_all(&block).expect("it reads its input");
                }
                stdin
            });
            let mut read = vec![0; 1 << 20];
            for _ in 0..size >> 20 {
                stdout.read_exact(&mut read).expect("it writes its output");
            }
            let worker = worker_of(process).expect("a worker");
            [peak_of(process).expect("a figure"), peak_of(worker).expect("a figure")]
        });
        assert!(child.wait().expect("it ends").success());
        peaks
    };
    for command in [MIRROR, RELAY] {
        let file = format!("testdata/plugins/{command}/{command}.wasm");
        let (small, large) = (peaks(&file, 1 << 20), peaks(&file, 100 << 20));
        for (small, large) in small.iter().zip(large) {
            let told = format!("{command}: {small} KiB for 1 MB, {large} KiB for 100 MB");
            assert!(large < small + 8 * 1024, "{told}");
        }
    }
}

/// A reader that goes away ends a command that writes without end, as it does everywhere else.
#[test]
fn a_reader_that_goes_away_is_noticed() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_plugtool"))
        .args(["run", "testdata/plugins/mirror/mirror.wasm", "--timeout", "10m"])
        .args(["--", "--fill", "1000000000"])
        .current_dir(root())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdout = child.stdout.take().expect("a pipe");
    stdout.read_exact(&mut [0; 10]).expect("ten bytes");
    drop(stdout);
    let ended = child.wait_with_output().expect("the program ends");
    assert_eq!(String::from_utf8_lossy(&ended.stderr), "mirror: nobody reads it\n");
    assert_eq!(ended.status.code(), Some(3));
}

/// What waits for its input is not out of time.
#[test]
fn waiting_for_input_takes_no_time() {
    let (mut child, mut stdin, mut stdout) =
        talk(&["run", "testdata/plugins/mirror/mirror.wasm", "--timeout", "1s"]);
    let mut answer = [0; 5];
    for _ in 0..2 {
        // Each line comes back before the next one is written: nothing is held back either.
        stdin.write_all(b"line\n").expect("it reads its input");
        stdout.read_exact(&mut answer).expect("it writes its output");
        assert_eq!(&answer, b"line\n");
        thread::sleep(std::time::Duration::from_millis(1200));
    }
    drop(stdin);
    assert!(child.wait().expect("it ends").success());
}

/// What a command of WASI 0.3 writes while it waits for its input is there before it gets any.
#[test]
fn a_question_is_asked_before_its_answer_is_waited_for() {
    let (mut child, mut stdin, mut stdout) =
        talk(&["run", "testdata/plugins/relay/relay.wasm", "--timeout", "10m", "--", "--ask"]);
    let mut question = [0; 6];
    stdout.read_exact(&mut question).expect("it asks");
    assert_eq!(&question, b"name? ");
    stdin.write_all(b"ada").expect("it reads its input");
    let mut answer = String::new();
    stdout.read_to_string(&mut answer).expect("it answers");
    assert_eq!(answer, "hello ada");
    assert!(child.wait().expect("it ends").success());
}

/// In the library's runner too, commands of WASI 0.3 are commands, and their limits hold although nobody
/// can stop them at the byte that is one too many.
#[test]
fn the_library_runs_commands_of_wasi_0_3() {
    use plugtool::config::Limits;
    use plugtool::smoke::{Command, CommandError, FaultKind, Launch};

    let file = fs::read(root().join("testdata/plugins/relay/relay.wasm")).expect("a plugin");
    let limits = Limits { output: 1000, ..Limits::default() };
    let relay = Command::compile_within(&file, limits).expect("a command");
    let args = |args: &[&str]| args.iter().map(|arg| (*arg).to_owned()).collect();

    let output = relay.run("a b\n").expect("an output");
    assert_eq!((output.exit_code, output.stdout.as_slice()), (0, "a b\n".as_bytes()));
    let launch = Launch { args: args(&["--err", "--exit", "9"]), ..Launch::from("x") };
    let output = relay.run(launch).expect("an output");
    assert_eq!((output.exit_code, output.stderr.as_slice()), (9, b"x".as_slice()));

    let all = Launch { args: args(&["--fill", "1000"]), ..Launch::default() };
    assert_eq!(relay.run(all).expect("an output").stdout.len(), 1000);
    let more = Launch { args: args(&["--fill", "1001"]), ..Launch::default() };
    let Err(CommandError::Failed { fault, stdout, .. }) = relay.run(more) else {
        panic!("it wrote more than it may")
    };
    assert_eq!((fault.kind, stdout.len()), (FaultKind::OutputLimit, 1000));
}
