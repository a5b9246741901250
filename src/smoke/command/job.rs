//! The worker's side: a command is run with streams that lead to the supervisor.

use std::io::{Read, Write};

use serde::{Deserialize, Serialize};

use super::streams::{Sink, Source};
use super::{Command, Launch};
use crate::config::Limits;
use crate::smoke::{Event, Fault, Origin, breach, end, runtime};

/// What a worker is to do with one command: run it some times, each in a fresh instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandJob {
    /// The export that is run, under its very name; the newest `wasi:cli/run` where it is left out.
    #[serde(default)]
    pub entry: Option<String>,
    /// What each run gets. Its input is not in here: it comes over the streams.
    pub runs: Vec<Launch>,
    /// What each run may use.
    pub limits: Limits,
    /// Whether the guest is told that its input, output and error are a terminal.
    pub terminals: [bool; 3],
    /// Whether what it does in the background after its end counts: nobody who runs a program waits for that,
    /// and a judge does.
    pub watched: bool,
}

/// The streams of one run.
pub struct Streams {
    /// Standard input.
    pub stdin: Box<dyn Read + Send>,
    /// Standard output. A broken pipe is a closed stream to the guest.
    pub stdout: Box<dyn Write + Send>,
    /// Standard error.
    pub stderr: Box<dyn Write + Send>,
}

/// Does a job, and says what happens. Runs guest code in this process: call it in a worker.
///
/// `streams` gives those of each run. Time is virtual, as it is for [`super::super::run`].
pub fn run_command(
    bytes: &[u8],
    job: &CommandJob,
    origin: Origin,
    streams: &mut dyn FnMut() -> Streams,
    emit: &mut dyn FnMut(Event),
) {
    let outcome = work(bytes, job, origin, streams, emit);
    end(outcome, emit);
}

fn work(
    bytes: &[u8],
    job: &CommandJob,
    origin: Origin,
    streams: &mut dyn FnMut() -> Streams,
    emit: &mut dyn FnMut(Event),
) -> Result<(), Fault> {
    let entry = job.entry.as_deref();
    let command = Command::made(origin, bytes, entry, job.limits.clone())?;
    emit(Event::CompiledBy(command.by));
    emit(Event::Compiled);
    let [stdin, stdout, stderr] = job.terminals;
    for (index, launch) in job.runs.iter().enumerate() {
        // What the run before wrote has arrived by then, before this one is told of.
        let streams = streams();
        emit(Event::Case { index });
        let outputs = [Sink::new(streams.stdout, stdout), Sink::new(streams.stderr, stderr)];
        let source = Source::new(streams.stdin, stdin);
        let mut begun = || emit(Event::Instantiated);
        let run = command.start(launch, source, outputs, job.watched, &mut begun);
        let (used, ended) = runtime()?.block_on(run);
        emit(Event::Used(used));
        match ended {
            Ok(code) => {
                emit(Event::Exited { code });
                emit(Event::Passed { fuel: used.total_fuel, memory: used.memory });
            }
            Err(fault) => emit(Event::Failed(breach::shorten(fault))),
        }
    }
    Ok(())
}
