//! plugtool as a process: gates, and the workers that they start.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use plugtool::diagnostic::Severity;
use plugtool::judge::Options;

/// The program under test.
pub const PLUGTOOL: &str = env!("CARGO_BIN_EXE_plugtool");

/// How plugins are judged one at a time, on a day like any other, and nothing is kept.
pub fn options(worker: impl Into<PathBuf>) -> Options {
    Options {
        jobs: std::num::NonZero::<usize>::MIN,
        worker: worker.into(),
        fail_on: Severity::Error,
        today: (2026, 1, 1),
        record: false,
        code: None,
        cache: None,
    }
}

/// A gate over a list, by a host that has adapters and cases, in a folder where the repository is. It
/// writes a report of each of these formats into a file named `{name}.{format}`.
pub fn gate(folder: &Path, list: &str, name: &str, formats: &[&str]) -> Command {
    let mut command = Command::new(PLUGTOOL);
    command.args(["gate", "--no-cache", "--host", "compositions/cli-host", "--plugins", list]);
    for format in formats {
        command.arg("--report").arg(format!("{format}={name}.{format}"));
    }
    command.current_dir(folder);
    command
}

/// The most memory that a process held so far, in KiB.
#[cfg(target_os = "linux")]
pub fn peak_of(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// A worker that a process has started, any of its threads.
#[cfg(target_os = "linux")]
pub fn worker_of(process: u32) -> Option<u32> {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).ok()?;
    let child = tasks.flatten().find_map(|task| {
        let children = fs::read_to_string(task.path().join("children")).ok()?;
        children.split_whitespace().next()?.parse().ok()
    })?;
    // Until it has become the worker, it is a copy of who started it.
    let arguments = fs::read(format!("/proc/{child}/cmdline")).ok()?;
    arguments.split(|byte| *byte == 0).any(|argument| argument == b"worker").then_some(child)
}

/// The processor time that a process has taken, in the system's ticks; none where it has ended.
#[cfg(target_os = "linux")]
pub fn ticks_of(process: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // Behind the name, which may have spaces in it: the state, and 11 further on the 14th field of all.
    let mut fields = stat.rsplit_once(") ")?.1.split_whitespace();
    (fields.next()? != "Z").then(|| fields.nth(10)?.parse().ok())?
}
