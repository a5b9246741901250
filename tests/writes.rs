//! What is written is there whole, or not at all: a full disk, a limit, a process that is killed in the
//! middle, a device in the place of a file.

#![cfg(unix)]
#![allow(clippy::expect_used, clippy::panic, reason = "a test says what it needs by failing")]

use std::fs;
use std::os::unix::fs::{FileTypeExt, symlink};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const PLUGTOOL: &str = env!("CARGO_BIN_EXE_plugtool");

/// What is composed: 17 KiB.
fn arguments(out: &Path) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/plugins");
    let plugin = |name: &str| root.join(name).join(format!("{name}.wasm")).display().to_string();
    let out = out.display().to_string();
    vec!["compose".into(), plugin("upper"), plugin("cli-v1-to-v2"), "-o".into(), out]
}

/// Composes in a shell that does something first.
fn after(prelude: &str, out: &Path) -> Output {
    Command::new("sh")
        .args(["-c", &format!("{prelude}; exec \"$0\" \"$@\""), PLUGTOOL])
        .args(arguments(out))
        .output()
        .expect("a shell")
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn a_file_that_cannot_be_written_to_its_end_stays_as_it_was() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out.wasm");
    fs::write(&out, "what was there").expect("a file");
    // No file may have more than 4 KiB: a write fails as it does on a full disk.
    let ended = after("trap '' XFSZ; ulimit -f 8", &out);
    assert_eq!(ended.status.code(), Some(3), "{ended:?}");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(said.contains("out.wasm cannot be written: File too large"), "{said}");
    assert_eq!(fs::read_to_string(&out).expect("the file"), "what was there");
    assert_eq!(names(folder.path()), ["out.wasm"]);
}

#[test]
fn a_killed_process_leaves_the_old_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out.wasm");
    fs::write(&out, "what was there").expect("a file");
    // The same limit, and nobody asked to be told: the system kills the process inside its write.
    let ended = after("ulimit -c 0; ulimit -f 8", &out);
    assert!(ended.status.signal().is_some(), "{ended:?}");
    assert_eq!(fs::read_to_string(&out).expect("the file"), "what was there");
}

#[test]
fn a_full_device_is_no_result() {
    let full = Path::new("/dev/full");
    if !full.exists() {
        return;
    }
    // By a link, so that it is the link that a mistake would replace.
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out.wasm");
    symlink(full, &out).expect("a link");
    let ended = after("true", &out);
    assert_eq!(ended.status.code(), Some(3), "{ended:?}");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(said.contains("out.wasm cannot be written: No space left on device"), "{said}");
    assert!(fs::symlink_metadata(&out).expect("the link").is_symlink());
    // The result to standard output, which is full.
    let mut arguments = arguments(&out);
    arguments.truncate(3);
    let stdout = fs::OpenOptions::new().write(true).open(full).expect("the device");
    let ended = Command::new(PLUGTOOL)
        .args(arguments)
        .stdout(Stdio::from(stdout))
        .output()
        .expect("plugtool");
    assert_eq!(ended.status.code(), Some(3), "{ended:?}");
}

#[test]
fn a_pipe_and_a_link_stay_what_they_are() {
    let folder = tempfile::tempdir().expect("a folder");
    let pipe = folder.path().join("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status().expect("mkfifo");
    assert!(made.success());
    let read = std::thread::spawn({
        let pipe = pipe.clone();
        move || fs::read(pipe).expect("what comes through the pipe")
    });
    let ended = after("true", &pipe);
    assert!(ended.status.success(), "{ended:?}");
    assert!(fs::metadata(&pipe).expect("the pipe").file_type().is_fifo());
    let piped = read.join().expect("a reader");
    let (file, link) = (folder.path().join("file.wasm"), folder.path().join("link.wasm"));
    fs::write(&file, "what was there").expect("a file");
    symlink("file.wasm", &link).expect("a link");
    assert!(after("true", &link).status.success());
    assert!(fs::symlink_metadata(&link).expect("the link").is_symlink());
    assert!(fs::read(&file).expect("the file") == piped);
}
