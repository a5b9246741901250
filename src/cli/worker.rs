//! `plugtool worker`: the child's side of a job. Reads it from standard input, writes a line of
//! JSON for everything that happens.

use std::io::{self, BufReader, Read, Stdin, Stdout, Write};

use serde::Deserialize;

use super::Failure;
use crate::sandbox::{self, MAX_FRAME, Stream, Wire};
use crate::smoke::{self, CommandJob, Event, Job, Streams};

/// What a worker can be asked to do.
#[derive(Deserialize)]
#[serde(untagged)]
enum Work {
    Command(CommandJob),
    Calls(Job),
}

type Pipes = Wire<BufReader<Stdin>, Stdout>;

pub(super) fn run() -> Result<u8, Failure> {
    let mut stdin = BufReader::with_capacity(MAX_FRAME, io::stdin());
    let (header, body) = sandbox::receive(&mut stdin).map_err(Failure::internal)?;
    let work: Work = serde_json::from_str(&header).map_err(|error| {
        Failure::usage(anyhow::Error::new(error).context("this command is for plugtool itself"))
    })?;
    let wire: Pipes = Wire::new(stdin, io::stdout());
    let mut failed = None;
    let mut emit = |event: Event| {
        let line = serde_json::to_string(&event).map_err(io::Error::other);
        if let Err(error) = line.and_then(|line| wire.line(&line)) {
            failed.get_or_insert(error);
        }
    };
    match work {
        Work::Calls(job) => smoke::run(&body, &job, &mut emit),
        Work::Command(job) => {
            let mut begin = || {
                // Where the supervisor is gone, so is the first line that it should hear.
                let _ = wire.begin();
                streams(&wire)
            };
            smoke::run_command(&body, &job, &mut begin, &mut emit);
        }
    }
    match failed {
        // Nobody is listening any more; the supervisor knows what it did.
        Some(error) => Err(Failure::internal(error)),
        None => Ok(0),
    }
}

fn streams(wire: &Pipes) -> Streams {
    let output = |stream| Box::new(ToSupervisor { wire: wire.clone(), stream });
    Streams {
        stdin: Box::new(FromSupervisor { wire: wire.clone(), bytes: Vec::new(), at: 0 }),
        stdout: output(Stream::Output),
        stderr: output(Stream::Error),
    }
}

struct FromSupervisor {
    wire: Pipes,
    bytes: Vec<u8>,
    at: usize,
}

impl Read for FromSupervisor {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.at == self.bytes.len() {
            // As much as there is: asking costs more than keeping.
            self.bytes = self.wire.read(MAX_FRAME)?;
            self.at = 0;
        }
        let read = Read::read(&mut &self.bytes[self.at..], into)?;
        self.at += read;
        Ok(read)
    }
}

struct ToSupervisor {
    wire: Pipes,
    stream: Stream,
}

impl Write for ToSupervisor {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.wire.write(self.stream, bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
