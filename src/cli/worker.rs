//! `plugtool worker`: the child's side of a job. Confines itself before anything else, reads the job
//! from standard input, writes a line of JSON for everything that happens.

use std::io::{self, BufReader, Read, Stdin, Write};
use std::path::PathBuf;

use clap::Args;
use serde::Deserialize;

use super::Failure;
use crate::config::Compiler;
use crate::sandbox::{self, Errand, MAX_FRAME, Stream, Wire};
use crate::smoke::{self, CommandJob, CompileJob, Event, HttpJob, Job, Origin, Streams};

/// What a worker can be asked to do.
#[derive(Deserialize)]
#[serde(untagged)]
enum Work {
    Command(CommandJob),
    Compile(CompileJob),
    Http(HttpJob),
    Calls(Job),
}

type Pipes = Wire<BufReader<Stdin>, Box<dyn Write + Send>>;

/// Do one job from standard input; started by plugtool itself
#[derive(Args, Default)]
pub struct Worker {
    /// Instead of a job, try everything that a worker must not be able to do
    #[arg(long)]
    probe: bool,
}

impl Worker {
    pub(super) fn run(self) -> Result<u8, Failure> {
        let mut stdin = BufReader::with_capacity(MAX_FRAME, io::stdin());
        let mut stdout = io::stdout();
        let errand = sandbox::enter(&mut stdin, &mut stdout).map_err(|error| {
            Failure::usage(anyhow::Error::new(error).context("this command is for plugtool itself"))
        })?;
        let Some(errand) = errand else { return Ok(0) };
        let done = match self.probe {
            true => probe(&errand, &mut stdout),
            false => work(errand, &Wire::new(stdin, unbuffered()?)),
        };
        // Where nobody is listening any more, the supervisor knows what it did.
        done.map(|()| 0).map_err(Failure::internal)
    }
}

/// Standard output without the buffer that looks for line feeds: every message is whole.
fn unbuffered() -> Result<Box<dyn Write + Send>, Failure> {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd;
        let descriptor = io::stdout().as_fd().try_clone_to_owned();
        Ok(Box::new(std::fs::File::from(descriptor.map_err(Failure::internal)?)))
    }
    #[cfg(not(unix))]
    Ok(Box::new(io::stdout()))
}

fn work(errand: Errand, wire: &Pipes) -> io::Result<()> {
    let Errand { header, body, confined, files, about } = errand;
    let mut work: Work = serde_json::from_str(&header)?;
    let origin = Origin::of(&about, files, confined);
    if let Work::Calls(Job { limits, .. })
    | Work::Command(CommandJob { limits, .. })
    | Work::Http(HttpJob { limits, .. }) = &mut work
        && limits.compiler == Compiler::Auto
        && !confined
    {
        // Winch is the younger of the two: what it gets wrong must stay in here.
        limits.compiler = Compiler::Cranelift;
    }
    let mut failed = Ok(());
    let mut emit = |event: Event| {
        if failed.is_ok() {
            failed = serde_json::to_string(&event)
                .map_err(io::Error::other)
                .and_then(|line| wire.line(&line));
        }
    };
    match work {
        Work::Calls(job) => smoke::run(&body, &job, origin, &mut emit),
        Work::Compile(job) => {
            let mut code = ToSupervisor { wire: wire.clone(), stream: Stream::Output };
            smoke::compile_code(&body, &job, confined, &mut code, &mut emit);
        }
        Work::Command(job) => {
            let mut begin = || {
                // Where the supervisor is gone, the first line that it should hear says so.
                let _ = wire.begin();
                streams(wire)
            };
            smoke::run_command(&body, &job, origin, &mut begin, &mut emit);
        }
        Work::Http(job) => {
            let mut begin = || {
                let _ = wire.begin();
                streams(wire)
            };
            smoke::run_http(&body, &job, origin, &mut begin, &mut emit);
        }
    }
    failed
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

/// The header is a list of folders to try.
fn probe(errand: &Errand, stdout: &mut impl Write) -> io::Result<()> {
    let paths: Vec<PathBuf> = serde_json::from_str(&errand.header)?;
    for attempt in sandbox::probe(&paths, &errand.files) {
        say(&attempt, stdout)?;
    }
    Ok(())
}

fn say(what: &impl serde::Serialize, stdout: &mut impl Write) -> io::Result<()> {
    writeln!(stdout, "{}", serde_json::to_string(what)?)?;
    stdout.flush()
}
