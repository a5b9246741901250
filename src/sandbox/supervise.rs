//! The supervisor's side: starts a worker, feeds it, listens, and kills it at its deadline.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use super::{Grants, SandboxError, WORKER_ARGUMENT};
use crate::diagnostic::Sandbox;

/// A job for a worker.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// The program to start.
    pub program: &'a Path,
    /// What it may have.
    pub grants: &'a Grants,
    /// What it is to do, in one line.
    pub header: &'a str,
    /// What it is to do it with.
    pub body: &'a [u8],
    /// How long it has, once it is ready, until it says something that sets the deadline anew.
    pub first: Duration,
    /// How long it has in all from then on, whatever it says.
    pub total: Duration,
    /// How much it may answer, in bytes.
    pub answer: u64,
}

/// How a worker ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It said all it had to say and exited.
    Finished,
    /// It was killed at its deadline.
    Killed,
    /// It was killed for answering more than it may.
    Flooded,
    /// It went away by itself, in the words of the system.
    Died(String),
}

/// What came of a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// How it ended.
    pub ending: Ending,
    /// How it was confined; none where it ended before it could say.
    pub sandbox: Option<Sandbox>,
}

/// How long a worker has to get ready. It takes milliseconds, on a machine that has time for it.
const READY: Duration = Duration::from_secs(30);

/// What the thread that listens hands on.
enum Heard {
    Line(String),
    TooMuch,
}

/// Starts a worker, hands it its grants, a header line and a body, and reads its lines.
///
/// `on_line` is called for every line that it writes after it is confined. What it returns sets the
/// deadline anew, within `total`. The worker inherits no environment, no descriptors but its pipes, and
/// no standard error but a pipe of its own.
///
/// # Errors
///
/// Where no worker can be started, or where it must be confined and cannot be.
pub fn supervise(
    order: &Order<'_>,
    on_line: &mut dyn FnMut(&str) -> Option<Duration>,
) -> Result<Ended, SandboxError> {
    let start = |error: io::Error| SandboxError::Start(error.to_string());
    let grants = serde_json::to_string(order.grants)
        .map_err(|error| SandboxError::Start(error.to_string()))?;
    let mut child = Command::new(order.program)
        .arg(WORKER_ARGUMENT)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(start)?;
    let (Some(mut stdin), Some(stdout), Some(stderr)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(SandboxError::Start("its pipes are missing".to_owned()));
    };
    thread::scope(|scope| {
        scope.spawn(move || {
            // A worker that is gone does not read; how it ended says why.
            let _ = writeln!(stdin, "{grants}\n{}", order.header);
            let _ = stdin.write_all(order.body);
        });
        // A few lines at a time: what nobody has looked at yet takes no more memory than that.
        let (lines, answers) = mpsc::sync_channel(4);
        scope.spawn(move || {
            listen(BufReader::new(stdout), order.answer, &mut |heard| lines.send(heard).is_ok());
        });
        let complaint = scope.spawn(move || {
            let mut text = Vec::new();
            let mut stderr = stderr;
            let _ = Read::by_ref(&mut stderr).take(4096).read_to_end(&mut text);
            let _ = io::copy(&mut stderr, &mut io::sink());
            String::from_utf8_lossy(&text).into_owned()
        });
        let mut deadline = Instant::now() + READY;
        let mut last = deadline;
        let mut sandbox: Option<Sandbox> = None;
        let cut_short = loop {
            match answers.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(Heard::Line(line)) if sandbox.is_none() => {
                    sandbox = serde_json::from_str(&line).ok();
                    if sandbox.is_none() {
                        break None;
                    }
                    last = Instant::now() + order.total;
                    deadline = (Instant::now() + order.first).min(last);
                }
                Ok(Heard::Line(line)) => {
                    if let Some(next) = on_line(&line) {
                        deadline = (Instant::now() + next).min(last);
                    }
                }
                Ok(Heard::TooMuch) => break Some(Ending::Flooded),
                Err(RecvTimeoutError::Timeout) => break Some(Ending::Killed),
                Err(RecvTimeoutError::Disconnected) => break None,
            }
        };
        drop(answers);
        let ending = end(&mut child, cut_short, || complaint.join().unwrap_or_default());
        match &sandbox {
            Some(sandbox) if order.grants.required && !sandbox.complete => {
                Err(SandboxError::Incomplete(sandbox.missing.join("; ")))
            }
            _ => Ok(Ended { ending, sandbox }),
        }
    })
}

/// Hands on line after line until there are none, nobody wants them, or there is too much.
fn listen(mut from: impl BufRead, mut room: u64, hand_on: &mut dyn FnMut(Heard) -> bool) {
    loop {
        let mut line = Vec::new();
        let read =
            Read::by_ref(&mut from).take(room.saturating_add(1)).read_until(b'\n', &mut line);
        match read {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        room = match room.checked_sub(line.len() as u64) {
            Some(left) => left,
            None => {
                hand_on(Heard::TooMuch);
                return;
            }
        };
        if line.last() == Some(&b'\n') {
            line.pop();
        }
        let Ok(line) = String::from_utf8(line) else { return };
        if !hand_on(Heard::Line(line)) {
            return;
        }
    }
}

fn end(child: &mut Child, cut_short: Option<Ending>, complaint: impl FnOnce() -> String) -> Ending {
    /// A worker that has closed its standard output has nothing left to do but to exit.
    const GRACE: Duration = Duration::from_secs(2);
    let until = Instant::now() + GRACE;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break Some(status),
            Ok(None) if cut_short.is_none() && Instant::now() < until => {
                thread::sleep(Duration::from_micros(200));
            }
            _ => break None,
        }
    };
    if status.is_none() {
        // It may be gone by now; then there is nothing to kill and the wait returns at once.
        let _ = child.kill();
        let _ = child.wait();
    }
    match (cut_short, status) {
        (Some(ending), _) => ending,
        (None, Some(status)) if status.success() => Ending::Finished,
        (None, Some(status)) => {
            let complaint = complaint();
            let said = complaint.lines().find(|line| !line.trim().is_empty());
            Ending::Died(match said {
                Some(line) => format!("{status}: {line}"),
                None => status.to_string(),
            })
        }
        (None, None) => Ending::Died("it stopped answering and did not exit".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(answer: &str, room: u64) -> Vec<Option<String>> {
        let mut heard = Vec::new();
        listen(answer.as_bytes(), room, &mut |what| {
            heard.push(match what {
                Heard::Line(line) => Some(line),
                Heard::TooMuch => None,
            });
            true
        });
        heard
    }

    #[test]
    fn lines_are_heard_up_to_the_limit_and_what_is_more_is_noticed() {
        let line = |text: &str| Some(text.to_owned());
        assert_eq!(heard("ab\ncd\n", 6), [line("ab"), line("cd")]);
        assert_eq!(heard("ab\ncd", 5), [line("ab"), line("cd")]);
        assert_eq!(heard("ab\ncd\n", 5), [line("ab"), None]);
        assert_eq!(heard("abcdefgh", 5), [None]);
        assert_eq!(heard("", 5), []);
    }
}
