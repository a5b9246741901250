//! The worker process: one job in, lines out, killed at its deadline. Nothing that a plugin does
//! in there reaches further than its pipe.

mod converse;

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use thiserror::Error;

pub use converse::{Answer, MAX_FRAME, Said, Stream, Wire, converse};

/// The argument that makes `plugtool` a worker.
pub const WORKER_ARGUMENT: &str = "worker";

/// The most that a worker may answer, in bytes.
const MAX_ANSWER: u64 = 64 << 20;

/// Why a worker could not be used at all. Says nothing about the plugin.
#[derive(Debug, Error)]
pub enum SandboxError {
    /// The program could not be found or started.
    #[error("the worker process could not be started: {0}")]
    Start(String),
}

/// How a worker ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It said all it had to say and exited.
    Finished,
    /// It was killed at its deadline.
    Killed,
    /// It went away by itself, in the words of the system.
    Died(String),
}

/// The program to start workers from: the one that is running.
pub fn this_program() -> Result<PathBuf, SandboxError> {
    std::env::current_exe().map_err(|error| SandboxError::Start(error.to_string()))
}

/// Starts `program` as a worker, hands it a header line and a body, and reads its lines.
///
/// `on_line` is called for every line that it writes. What it returns sets the deadline anew;
/// `first` is how long the worker has for the first. The worker inherits no environment, no
/// descriptors but its pipes, and no standard error but a pipe of its own.
pub fn supervise(
    program: &Path,
    header: &str,
    body: &[u8],
    first: Duration,
    on_line: &mut dyn FnMut(&str) -> Option<Duration>,
) -> Result<Ending, SandboxError> {
    let Worker { mut child, mut stdin, stdout, stderr } = start(program)?;
    thread::scope(|scope| {
        scope.spawn(move || {
            // A worker that is gone does not read; how it ended says why.
            let _ = writeln!(stdin, "{} {header}", body.len());
            let _ = stdin.write_all(body);
        });
        let (lines, answers) = mpsc::channel();
        scope.spawn(move || {
            for line in BufReader::new(stdout.take(MAX_ANSWER)).lines() {
                let Ok(line) = line else { break };
                if lines.send(line).is_err() {
                    break;
                }
            }
        });
        let complaint = scope.spawn(move || listen(stderr));
        let mut deadline = Instant::now() + first;
        let killed = loop {
            match answers.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    if let Some(next) = on_line(&line) {
                        deadline = Instant::now() + next;
                    }
                }
                Err(RecvTimeoutError::Timeout) => break true,
                Err(RecvTimeoutError::Disconnected) => break false,
            }
        };
        drop(answers);
        Ok(ending(&mut child, killed, || complaint.join().unwrap_or_default()))
    })
}

/// A worker that was started, and this side of its pipes.
struct Worker {
    child: Child,
    stdin: ChildStdin,
    stdout: ChildStdout,
    stderr: ChildStderr,
}

fn start(program: &Path) -> Result<Worker, SandboxError> {
    let start = |error: io::Error| SandboxError::Start(error.to_string());
    let mut child = Command::new(program)
        .arg(WORKER_ARGUMENT)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(start)?;
    match (child.stdin.take(), child.stdout.take(), child.stderr.take()) {
        (Some(stdin), Some(stdout), Some(stderr)) => Ok(Worker { child, stdin, stdout, stderr }),
        _ => Err(SandboxError::Start("its pipes are missing".to_owned())),
    }
}

/// What a worker complains of, as far as anybody wants to know, until it is gone.
fn listen(mut stderr: ChildStderr) -> String {
    let mut text = Vec::new();
    let _ = Read::by_ref(&mut stderr).take(4096).read_to_end(&mut text);
    let _ = io::copy(&mut stderr, &mut io::sink());
    String::from_utf8_lossy(&text).into_owned()
}

fn ending(child: &mut Child, killed: bool, complaint: impl FnOnce() -> String) -> Ending {
    /// A worker that has closed its standard output has nothing left to do but to exit.
    const GRACE: Duration = Duration::from_secs(2);
    let until = Instant::now() + GRACE;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break Some(status),
            Ok(None) if !killed && Instant::now() < until => {
                thread::sleep(Duration::from_millis(1));
            }
            _ => break None,
        }
    };
    if status.is_none() {
        // It may be gone by now; then there is nothing to kill and the wait returns at once.
        let _ = child.kill();
        let _ = child.wait();
    }
    match status {
        _ if killed => Ending::Killed,
        Some(status) if status.success() => Ending::Finished,
        Some(status) => {
            let complaint = complaint();
            let said = complaint.lines().find(|line| !line.trim().is_empty());
            Ending::Died(match said {
                Some(line) => format!("{status}: {line}"),
                None => status.to_string(),
            })
        }
        None => Ending::Died("it stopped answering and did not exit".to_owned()),
    }
}

/// The worker's side: the header line and the body that the supervisor sent. What comes after the
/// body is the rest of a conversation.
pub fn receive(from: &mut impl BufRead) -> io::Result<(String, Vec<u8>)> {
    let mut header = String::new();
    from.read_line(&mut header)?;
    let wrong = || io::Error::from(io::ErrorKind::InvalidData);
    let (size, header) = header.split_once(' ').ok_or_else(wrong)?;
    let size: usize = size.parse().map_err(|_| wrong())?;
    let mut body = Vec::new();
    from.take(size as u64).read_to_end(&mut body)?;
    if body.len() < size {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok((header.to_owned(), body))
}
