//! The supervisor's side: starts a worker, feeds it, listens, and kills it at its deadline.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use super::converse::{Answer, Head, MAX_FRAME, Said, Stream, head};
use super::{Grants, SandboxError, WORKER_ARGUMENT, interrupted};
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
    /// What it is to do it with, one after the other.
    pub body: &'a [&'a [u8]],
    /// How long it has, once it is ready, until it says something that sets the deadline anew.
    pub first: Duration,
    /// How long it has in all from then on, whatever it says.
    pub total: Duration,
    /// How much it may answer, in bytes, beside what a guest writes.
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
    /// It was killed because the supervisor had heard enough.
    Stopped,
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

/// How often it is noticed, in the middle of waiting, that this process is to end.
const LOOK_UP: Duration = Duration::from_millis(50);

/// What the thread that listens hands on.
enum Heard {
    Line(String),
    /// What the guest wrote, in so many frames.
    Wrote(Stream, Vec<u8>, usize),
    Wants(usize),
    TooMuch,
}

/// Starts a worker, hands it its grants, a header line and a body, and hears what it says.
///
/// `on_said` is called for everything that it says after it is confined. What it answers may set the
/// deadline anew, within `total`; the time that it takes to answer is not the worker's, and counts
/// towards no deadline. The worker inherits no environment, no descriptors but its pipes, and no standard
/// error but a pipe of its own.
///
/// # Errors
///
/// Where no worker can be started, or where it must be confined and cannot be; where this process has been
/// asked to end.
pub fn supervise(
    order: &Order<'_>,
    on_said: &mut dyn FnMut(Said<'_>) -> Answer,
) -> Result<Ended, SandboxError> {
    let start = |error: io::Error| SandboxError::Start(error.to_string());
    let grants = serde_json::to_string(order.grants)
        .map_err(|error| SandboxError::Start(error.to_string()))?;
    if interrupted() {
        return Err(SandboxError::Interrupted);
    }
    let mut command = Command::new(order.program);
    command
        .arg(WORKER_ARGUMENT)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    // What the terminal sends to this process's group is not for the worker: it ends with its
    // supervisor, and must not look as if it had died by itself.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command.spawn().map_err(start)?;
    let (Some(mut stdin), Some(stdout), Some(stderr)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(SandboxError::Start("its pipes are missing".to_owned()));
    };
    thread::scope(|scope| {
        let (replies, to_write) = mpsc::channel::<Vec<u8>>();
        scope.spawn(move || {
            // A worker that is gone does not read; how it ended says why.
            let size: usize = order.body.iter().map(|part| part.len()).sum();
            let sent = writeln!(stdin, "{grants}\n{size} {}", order.header)
                .and_then(|()| order.body.iter().try_for_each(|part| stdin.write_all(part)));
            let mut open = sent.is_ok();
            for reply in to_write {
                open = open && stdin.write_all(&reply).is_ok();
            }
        });
        // A few lines at a time: what nobody has looked at yet takes no more memory than that.
        let (lines, answers) = mpsc::sync_channel(4);
        scope.spawn(move || {
            let mut stdout = BufReader::with_capacity(2 * MAX_FRAME, stdout);
            listen(&mut stdout, order.answer, &mut |heard| lines.send(heard).is_ok());
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
            if interrupted() {
                break Some(Ending::Stopped);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match answers.recv_timeout(left.min(LOOK_UP)) {
                Ok(Heard::Line(line)) if sandbox.is_none() => {
                    sandbox = serde_json::from_str(&line).ok();
                    if sandbox.is_none() {
                        break None;
                    }
                    last = Instant::now() + order.total;
                    deadline = (Instant::now() + order.first).min(last);
                }
                Ok(Heard::TooMuch) => break Some(Ending::Flooded),
                Ok(heard) => {
                    let asked = Instant::now();
                    let answer = match &heard {
                        Heard::Line(line) => on_said(Said::Line(line)),
                        Heard::Wrote(stream, bytes, _) => {
                            on_said(Said::Wrote { stream: *stream, bytes })
                        }
                        Heard::Wants(max) => on_said(Said::Wants { max: *max }),
                        Heard::TooMuch => Answer::Nothing,
                    };
                    (deadline, last) = (deadline + asked.elapsed(), last + asked.elapsed());
                    match answer {
                        Answer::Deadline(next) => deadline = (Instant::now() + next).min(last),
                        Answer::Stop => break Some(Ending::Stopped),
                        _ => {}
                    }
                    let frames = if let Heard::Wrote(_, _, frames) = heard { frames } else { 1 };
                    let reply = answer.frame().repeat(frames);
                    if !reply.is_empty() {
                        // Where the worker is gone, that is the next thing that is heard.
                        let _ = replies.send(reply);
                    }
                }
                Err(RecvTimeoutError::Timeout) if left > LOOK_UP => {}
                Err(RecvTimeoutError::Timeout) => break Some(Ending::Killed),
                Err(RecvTimeoutError::Disconnected) => break None,
            }
        };
        drop((answers, replies));
        let ending = end(&mut child, cut_short, || complaint.join().unwrap_or_default());
        match &sandbox {
            // Whatever was heard of it, nobody knows what it would have done.
            _ if interrupted() => Err(SandboxError::Interrupted),
            Some(sandbox) if order.grants.required && !sandbox.complete => {
                Err(SandboxError::Incomplete(sandbox.missing.join("; ")))
            }
            _ => Ok(Ended { ending, sandbox }),
        }
    })
}

/// Hands on one thing after the other until there is none, nobody wants them, or there is too much.
fn listen(from: &mut BufReader<impl Read>, mut room: u64, hand_on: &mut dyn FnMut(Heard) -> bool) {
    loop {
        let mut line = Vec::new();
        let read = Read::by_ref(from).take(room.saturating_add(1)).read_until(b'\n', &mut line);
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
        let heard = match head(&line) {
            Ok(None) => Heard::Line(line),
            Ok(Some(Head::Wants(max))) => Heard::Wants(max),
            Ok(Some(Head::Wrote(stream, size))) => {
                let mut bytes = vec![0; size];
                if from.read_exact(&mut bytes).is_err() {
                    return;
                }
                let more = gather(from, stream, &mut bytes);
                Heard::Wrote(stream, bytes, 1 + more)
            }
            Err(_) => return,
        };
        if !hand_on(heard) {
            return;
        }
    }
}

/// Adds the frames of the same stream that have arrived already, as far as all is no larger than one may
/// be: a guest that writes little at a time wakes nobody for each. Returns how many they were.
fn gather(from: &mut BufReader<impl Read>, stream: Stream, into: &mut Vec<u8>) -> usize {
    let mut frames = 0;
    loop {
        let arrived = from.buffer();
        let Some(end) = arrived.iter().take(16).position(|byte| *byte == b'\n') else {
            return frames;
        };
        let line = std::str::from_utf8(&arrived[..end]).unwrap_or_default();
        let Ok(Some(Head::Wrote(of, size))) = head(line) else { return frames };
        let Some(bytes) = arrived.get(end + 1..end + 1 + size) else { return frames };
        if of != stream || into.len() + size > MAX_FRAME {
            return frames;
        }
        into.extend_from_slice(bytes);
        from.consume(end + 1 + size);
        frames += 1;
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
        listen(&mut BufReader::new(answer.as_bytes()), room, &mut |what| {
            heard.push(match what {
                Heard::Line(line) => Some(line),
                Heard::Wrote(_, bytes, frames) => {
                    Some(format!("{} in {frames}", String::from_utf8_lossy(&bytes)))
                }
                Heard::Wants(max) => Some(max.to_string()),
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
        // What a guest writes is not part of the answer, and waits where nobody takes it.
        assert_eq!(heard(">1 4\na\nb\nab\n", 8), [line("a\nb\n in 1"), line("ab")]);
        assert_eq!(heard(">1 1\na>1 2\nbc>2 1\nd", 99), [line("abc in 2"), line("d in 1")]);
        assert_eq!(heard("<0 7\n>2 70000\n", 99), [line("7")]);
    }
}
