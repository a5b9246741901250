//! A job whose guest has streams: the worker says what happened, hands over what the guest wrote, and
//! asks for input, all over its two pipes. The worker holds none of this process's descriptors.
//!
//! From the worker come lines of text, and two kinds of frame between them: `>1 N` or `>2 N` before
//! N bytes of the guest's standard output or error, and `<0 N` for at most N bytes of its input. Each
//! frame is answered, in order: `ok`, `closed`, or `N` before N bytes, none at the end of the input.

use std::collections::VecDeque;
use std::io::{self, BufRead, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The most bytes of a guest's output or input in one frame.
pub const MAX_FRAME: usize = 64 << 10;

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
    /// There is no need to go on: the worker is killed.
    Stop,
}

/// The worker's side of the conversation. Cheap to clone; all clones speak over the same pipes.
pub struct Wire<R, W>(Arc<Mutex<Ends<R, W>>>);

struct Ends<R, W> {
    from: R,
    to: W,
    /// Frames written that are not answered yet, oldest first.
    unanswered: VecDeque<Stream>,
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
        let ends = Ends { from, to, unanswered: VecDeque::new(), closed: [false; 2] };
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

impl Answer {
    /// As it is written to the worker; nothing where there is nothing to answer.
    pub(super) fn frame(self) -> Vec<u8> {
        match self {
            Answer::Nothing | Answer::Deadline(_) | Answer::Stop => Vec::new(),
            Answer::Taken => b"ok\n".to_vec(),
            Answer::Closed => b"closed\n".to_vec(),
            Answer::Input(bytes) => {
                let mut frame = format!("{}\n", bytes.len()).into_bytes();
                frame.extend(bytes);
                frame
            }
        }
    }
}

/// What a line announces, where it is the head of a frame.
pub(super) enum Head {
    /// So many bytes of what the guest wrote follow.
    Wrote(Stream, usize),
    /// The guest wants so many bytes.
    Wants(usize),
}

/// Whether a line is the head of a frame. One that is and makes no sense is an error.
pub(super) fn head(line: &str) -> io::Result<Option<Head>> {
    let (mark, size) = line.split_once(' ').unwrap_or((line, ""));
    let head = match mark {
        ">1" => |size| Head::Wrote(Stream::Output, size),
        ">2" => |size| Head::Wrote(Stream::Error, size),
        "<0" => Head::Wants,
        _ => return Ok(None),
    };
    match size.parse() {
        Ok(size) if size <= MAX_FRAME => Ok(Some(head(size))),
        _ => Err(io::ErrorKind::InvalidData.into()),
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
