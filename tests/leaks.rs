//! One compiled command, called from many threads. Alone in its process, whose memory and descriptors are
//! counted.

#![allow(clippy::expect_used, clippy::panic, reason = "a test says what it needs by failing")]

#[allow(dead_code)]
mod support;

use std::fs;
use std::thread;

use plugtool::smoke::{Command, Folder, Launch};
use support::root;

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
    let file = root().join("testdata/plugins/mirror/mirror.wasm");
    let mirror = Command::compile(fs::read(file).expect("the command")).expect("it compiles");
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
