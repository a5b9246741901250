//! A job whose guest has streams: the worker says what happened, hands over what the guest wrote, and
//! asks for input, all over its two pipes. The worker holds none of this process's descriptors.
//!
//! From the worker come lines of text, and two kinds of frame between them: `>1 N` or `>2 N` before
//! N bytes of the guest's standard output or error, and `<0 N` for at most N bytes of its input. Each
//! frame is answered, in order: `ok`, `closed`, or `N` before N bytes, none at the end of the input.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::{Ending, SandboxError, ending, listen, start};

/// The most bytes of a guest's output or input in one frame.
pub const MAX_FRAME: usize = 64 << 10;

/// The longest line that a worker may say, in bytes.
const MAX_LINE: u64 = 16 << 20;

/// Frames that a worker may send before it waits for the answer to the first.
const WINDOW: usize = 32;

/// One of the guest's output streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Output,
    /// Standard error.
    Error,
}

/// What a worker says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said<'a> {
    /// A line of text.
    Line(&'a str),
    /// What the guest wrote. Answered with [`Answer::Taken`] or [`Answer::Closed`].
    Wrote {
        /// Where to.
        stream: Stream,
        /// What.
        bytes: &'a [u8],
    },
    /// The guest wants input. Answered with [`Answer::Input`].
    Wants {
        /// The most bytes that it takes.
        max: usize,
    },
}

/// What is answered to a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Nothing is to be done.
    Nothing,
    /// The deadline is this far from now.
    Deadline(Duration),
    /// What the guest wrote has been taken.
    Taken,
    /// Nobody reads what the guest writes there.
    Closed,
    /// The guest's next input; empty at its end.
    Input(Vec<u8>),
}

enum Message {
    Line(String),
    Wrote(Stream, Vec<u8>),
    Wants(usize),
}

/// As [`super::supervise`], with the guest's streams. The time that `on_said` takes is not the
/// worker's: it does not count towards the deadline.
pub fn converse(
    program: &Path,
    header: &str,
    body: &[u8],
    first: Duration,
    on_said: &mut dyn FnMut(Said<'_>) -> Answer,
) -> Result<Ending, SandboxError> {
    let mut worker = start(program)?;
    let (mut stdin, stdout, stderr) = (worker.stdin, worker.stdout, worker.stderr);
    thread::scope(|scope| {
        let (answers, to_write) = mpsc::channel::<Vec<u8>>();
        scope.spawn(move || {
            // A worker that is gone does not read; how it ended says why.
            let sent = writeln!(stdin, "{} {header}", body.len())
                .and_then(|()| stdin.write_all(body))
                .and_then(|()| stdin.flush());
            if sent.is_ok() {
                for answer in to_write {
                    if stdin.write_all(&answer).and_then(|()| stdin.flush()).is_err() {
                        break;
                    }
                }
            }
        });
        // Bounded, so that a flood waits in the worker and not in here.
        let (messages, said) = mpsc::sync_channel(8);
        scope.spawn(move || {
            let mut stdout = BufReader::with_capacity(MAX_FRAME, stdout);
            while let Ok(Some(message)) = read_message(&mut stdout) {
                if messages.send(message).is_err() {
                    break;
                }
            }
        });
        let complaint = scope.spawn(move || listen(stderr));
        let mut deadline = Instant::now() + first;
        let killed = loop {
            let message =
                match said.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                    Ok(message) => message,
                    Err(RecvTimeoutError::Timeout) => break true,
                    Err(RecvTimeoutError::Disconnected) => break false,
                };
            let asked = Instant::now();
            let answer = match &message {
                Message::Line(line) => on_said(Said::Line(line)),
                Message::Wrote(stream, bytes) => on_said(Said::Wrote { stream: *stream, bytes }),
                Message::Wants(max) => on_said(Said::Wants { max: *max }),
            };
            deadline += asked.elapsed();
            // Nothing is lost where the worker is gone: its end is the next thing that is heard.
            let _ = match answer {
                Answer::Nothing => Ok(()),
                Answer::Deadline(next) => {
                    deadline = Instant::now() + next;
                    Ok(())
                }
                Answer::Taken => answers.send(b"ok\n".to_vec()),
                Answer::Closed => answers.send(b"closed\n".to_vec()),
                Answer::Input(bytes) => {
                    let mut answer = format!("{}\n", bytes.len()).into_bytes();
                    answer.extend(bytes);
                    answers.send(answer)
                }
            };
        };
        drop((said, answers));
        Ok(ending(&mut worker.child, killed, || complaint.join().unwrap_or_default()))
    })
}

/// The next message; none at the end. What is no message is an error: the worker is not itself.
fn read_message(from: &mut impl BufRead) -> io::Result<Option<Message>> {
    let mut line = Vec::new();
    from.take(MAX_LINE).read_until(b'\n', &mut line)?;
    if line.pop() != Some(b'\n') {
        return Ok(None);
    }
    let wrong = || io::Error::from(io::ErrorKind::InvalidData);
    let line = String::from_utf8(line).map_err(|_| wrong())?;
    let size =
        |text: &str| text.parse().ok().filter(|size: &usize| *size <= MAX_FRAME).ok_or_else(wrong);
    let (mark, rest) = line.split_once(' ').unwrap_or((&line, ""));
    let stream = match mark {
        ">1" => Stream::Output,
        ">2" => Stream::Error,
        "<0" => return Ok(Some(Message::Wants(size(rest)?))),
        _ => return Ok(Some(Message::Line(line))),
    };
    let mut bytes = vec![0; size(rest)?];
    from.read_exact(&mut bytes)?;
    Ok(Some(Message::Wrote(stream, bytes)))
}

/// The worker's side of the conversation. Cheap to clone; all clones speak over the same pipes.
pub struct Wire<R, W>(Arc<Mutex<Ends<R, W>>>);

struct Ends<R, W> {
    from: R,
    to: W,
    /// Frames written that are not answered yet, oldest first.
    unanswered: std::collections::VecDeque<Stream>,
    /// Whether nobody reads the guest's standard output, and its standard error.
    closed: [bool; 2],
}

impl<R, W> Clone for Wire<R, W> {
    fn clone(&self) -> Self {
        Wire(Arc::clone(&self.0))
    }
}

impl<R: BufRead, W: Write> Wire<R, W> {
    /// Over these pipes, from which the job has been read.
    pub fn new(from: R, to: W) -> Wire<R, W> {
        let ends =
            Ends { from, to, unanswered: std::collections::VecDeque::new(), closed: [false; 2] };
        Wire(Arc::new(Mutex::new(ends)))
    }

    /// Says a line.
    pub fn line(&self, line: &str) -> io::Result<()> {
        let mut ends = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ends.to.write_all(format!("{line}\n").as_bytes())?;
        ends.to.flush()
    }

    /// Begins another run: what nobody read of the one before says nothing about this one.
    pub fn begin(&self) -> io::Result<()> {
        let mut ends = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while !ends.unanswered.is_empty() {
            ends.hear()?;
        }
        ends.closed = [false; 2];
        Ok(())
    }

    /// Hands over what the guest wrote; at most [`MAX_FRAME`] bytes of it, and returns how many.
    ///
    /// # Errors
    ///
    /// A broken pipe where nobody reads the stream. It is noticed some frames late.
    pub fn write(&self, stream: Stream, bytes: &[u8]) -> io::Result<usize> {
        let mut ends = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = &bytes[..bytes.len().min(MAX_FRAME)];
        if bytes.is_empty() {
            return Ok(0);
        }
        while ends.unanswered.len() >= WINDOW {
            ends.hear()?;
        }
        if ends.closed[stream.index()] {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let mut frame = format!(">{} {}\n", stream.index() + 1, bytes.len()).into_bytes();
        frame.extend_from_slice(bytes);
        ends.to.write_all(&frame)?;
        ends.to.flush()?;
        ends.unanswered.push_back(stream);
        Ok(bytes.len())
    }

    /// The guest's next input, at most so many bytes; none at its end. Waits for it.
    pub fn read(&self, max: usize) -> io::Result<Vec<u8>> {
        let mut ends = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let max = max.min(MAX_FRAME);
        ends.to.write_all(format!("<0 {max}\n").as_bytes())?;
        ends.to.flush()?;
        while !ends.unanswered.is_empty() {
            ends.hear()?;
        }
        let size = ends.answer()?;
        let size: usize = size.parse().map_err(|_| io::ErrorKind::InvalidData)?;
        let mut bytes = vec![0; size.min(max)];
        ends.from.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

impl<R: BufRead, W> Ends<R, W> {
    /// Takes in the answer to the oldest frame.
    fn hear(&mut self) -> io::Result<()> {
        let closed = self.answer()? == "closed";
        if let Some(stream) = self.unanswered.pop_front() {
            self.closed[stream.index()] |= closed;
        }
        Ok(())
    }

    fn answer(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.from.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }
}

impl Stream {
    fn index(self) -> usize {
        match self {
            Stream::Output => 0,
            Stream::Error => 1,
        }
    }
}
