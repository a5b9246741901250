//! WASI commands through workers: what each run did, with its streams in the caller's hands.

mod cases;
mod diff;
mod settle;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::JudgeError;
use super::trial::{
    Errand, Source, Terms, died, dispatch, finding, lost_compiling, refused_by_the_system,
    timed_out, unsettled, usage_of,
};
use crate::component::Component;
use crate::config::Limits;
use crate::diagnostic::{CompiledBy, Diagnostic, HttpAnswer, HttpExchange, Sandbox, Timing, Usage};
use crate::sandbox::{Answer, Ending, Said};
use crate::smoke::{CommandJob, Event, Fault, FaultKind, Folder};

pub use cases::run_command_cases;
pub(super) use diff::differences;
pub(super) use settle::{Told, settle};

/// What came of one run of a command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ran {
    /// Its exit code; none where it did not end by itself.
    pub exit_code: Option<u8>,
    /// Fuel that it used, where it ended by itself.
    pub fuel: Option<u64>,
    /// The most linear memory that it held, in bytes, where it ended by itself.
    pub memory: Option<u64>,
    /// The compiler that made its code; none where that was not done.
    pub compiler: Option<CompiledBy>,
    /// How long it took; none where it was not begun.
    pub timing: Option<Timing>,
    /// The limits that it ran under, and how much of each it used.
    pub limits: Vec<Usage>,
    /// What it answered, where it was sent a request.
    pub answer: Option<HttpAnswer>,
    /// The requests that it made itself, and how many more it made than are told.
    pub requests: (Vec<HttpExchange>, u64),
    /// What went wrong.
    pub diagnostics: Vec<Diagnostic>,
}

/// Runs a component that is a command as often as the job says, in worker processes, and says how they were confined.
/// `streams` is told which run it is about, what the guest wrote and that it wants input; see
/// [`Answer`] for what it returns.
///
/// A run that kills its worker costs that run, and so does one that is stopped; the ones after it get a
/// new worker. Where the command cannot be run at all, only the first run is returned, with the reason.
///
/// # Errors
///
/// [`JudgeError::Case`] where a granted folder cannot be opened, [`JudgeError::Internal`] where there
/// is no worker to be had, or none that is confined as the terms demand.
pub fn run_command(
    component: &Component,
    job: &CommandJob,
    terms: Terms<'_>,
    streams: &mut dyn FnMut(usize, Said<'_>) -> Answer,
) -> Result<(Vec<Ran>, Option<Sandbox>), JudgeError> {
    let Streamed { ran, sandbox, failure } = run_launches(component, job, terms, streams);
    failure.map_or(Ok((ran, sandbox)), Err)
}

/// As [`run_command`], with what was known before something broke.
fn run_launches(
    component: &Component,
    job: &CommandJob,
    terms: Terms<'_>,
    streams: &mut dyn FnMut(usize, Said<'_>) -> Answer,
) -> Streamed {
    let order = |first: usize| {
        let rest = CommandJob { runs: job.runs[first..].to_vec(), ..job.clone() };
        let folders = |wanted: bool| -> Vec<PathBuf> {
            let folders = rest.runs.iter().flat_map(|run| &run.folders);
            let granted = folders.filter(|folder: &&Folder| folder.writable == wanted);
            granted.map(|folder| folder.host.clone()).collect()
        };
        let (read, write) = (folders(false), folders(true));
        Ok(Part { header: serde_json::to_string(&rest)?, files: Vec::new(), read, write })
    };
    run_streaming(component, Source::of_command(terms), job.runs.len(), &order, terms, streams)
}

/// What came of runs that had streams.
#[derive(Default)]
pub(super) struct Streamed {
    /// Every run of which it is known what became of it.
    pub ran: Vec<Ran>,
    /// How the workers were confined.
    pub sandbox: Option<Sandbox>,
    /// Why there are no more, where something broke.
    pub failure: Option<JudgeError>,
}

/// What a worker gets that does the runs that are left.
pub(super) struct Part<'p> {
    /// What to do, in one line.
    pub header: String,
    /// What it needs beside the component.
    pub files: Vec<&'p [u8]>,
    /// Folders that may be read.
    pub read: Vec<PathBuf>,
    /// Folders that may be changed.
    pub write: Vec<PathBuf>,
}

/// As [`run_launches`], for whatever has streams. `order` makes the job of the runs from a first one on.
pub(super) fn run_streaming<'p>(
    component: &Component,
    source: Source<'_>,
    runs: usize,
    order: &dyn Fn(usize) -> serde_json::Result<Part<'p>>,
    terms: Terms<'_>,
    streams: &mut dyn FnMut(usize, Said<'_>) -> Answer,
) -> Streamed {
    let mut done = Streamed::default();
    done.failure = stream(component, source, runs, order, terms, streams, &mut done).err();
    done
}

fn stream<'p>(
    component: &Component,
    mut source: Source<'_>,
    runs: usize,
    order: &dyn Fn(usize) -> serde_json::Result<Part<'p>>,
    terms: Terms<'_>,
    streams: &mut dyn FnMut(usize, Said<'_>) -> Answer,
    Streamed { ran: all, sandbox: confined, .. }: &mut Streamed,
) -> Result<(), JudgeError> {
    while all.len() < runs {
        let first = all.len();
        if let Some(ending) = source.prepare(component, terms)? {
            let lost = lost_compiling(terms.limits, &ending);
            all.push(Ran { diagnostics: vec![lost], ..Ran::default() });
            break;
        }
        let part = order(first).map_err(|error| JudgeError::Internal(error.to_string()))?;
        let body: Vec<&[u8]> = std::iter::once(source.bytes(component)).chain(part.files).collect();
        let errand = Errand {
            header: &part.header,
            body: &body,
            runs: u32::try_from(runs - first).unwrap_or(u32::MAX),
            read: &part.read,
            write: &part.write,
            code: source.code(),
        };
        let mut watch = Watch {
            limits: terms.limits,
            runs: runs - first,
            ran: Vec::new(),
            begun: None,
            compiler: None,
            compiled: false,
            done: false,
            again: None,
            bad: None,
        };
        let (ending, sandbox) = dispatch(terms, &errand, &mut |said| match said {
            Said::Line(line) => match serde_json::from_str(line) {
                Ok(event) => watch.on(event).map_or(Answer::Nothing, Answer::Deadline),
                Err(_) => Answer::Nothing,
            },
            said => streams(first + watch.ran.len().saturating_sub(1), said),
        })?;
        if let Some(error) = watch.bad.take() {
            confined.get_or_insert(sandbox);
            all.extend(watch.settled());
            return Err(error);
        }
        if let Some(fault) = watch.again {
            source.turn_down(&fault);
            continue;
        }
        confined.get_or_insert(sandbox);
        if !watch.done {
            watch.lost(&ending);
        } else if !watch.is_settled() {
            all.extend(watch.settled());
            return Err(unsettled());
        }
        all.append(&mut watch.ran);
        if !watch.compiled {
            break;
        }
    }
    Ok(())
}

/// Whether it is known what became of a run.
fn is_told(ran: &Ran) -> bool {
    ran.fuel.is_some() || !ran.diagnostics.is_empty()
}

/// What was heard of a worker.
struct Watch<'a> {
    limits: &'a Limits,
    runs: usize,
    ran: Vec<Ran>,
    /// When the last run was.
    begun: Option<Instant>,
    compiler: Option<CompiledBy>,
    compiled: bool,
    done: bool,
    /// Why it has to be begun again from other code.
    again: Option<Fault>,
    bad: Option<JudgeError>,
}

impl Watch<'_> {
    /// Takes in one event; returns the new deadline where it starts the clock anew.
    fn on(&mut self, event: Event) -> Option<Duration> {
        match event {
            Event::CompiledBy(compiler) => self.compiler = Some(compiler),
            Event::Compiled => {
                self.compiled = true;
                return Some(self.limits.timeout);
            }
            // No worker that is itself begins more runs than it was given.
            Event::Case { .. } if self.ran.len() < self.runs => {
                self.ran.push(self.fresh());
                self.begun = Some(Instant::now());
                return Some(self.limits.timeout);
            }
            Event::Exited { code } => self.last().exit_code = Some(code),
            Event::Passed { fuel, memory } => {
                let last = self.last();
                (last.fuel, last.memory) = (Some(fuel), Some(memory));
                self.stop();
            }
            Event::Answered(answer) => self.last().answer = Some(answer),
            Event::Asked(exchange) => self.last().requests.0.push(exchange),
            Event::AskedMore(count) => self.last().requests.1 = count,
            Event::Used(used) => self.last().limits = usage_of(self.limits, Some(&used)),
            Event::Failed(fault) if fault.kind == FaultKind::Folder => {
                self.bad = Some(JudgeError::Case(fault.message));
            }
            Event::Failed(fault) if fault.kind == FaultKind::System => {
                self.bad = Some(JudgeError::Internal(refused_by_the_system(&fault)));
            }
            Event::Failed(fault)
                if [FaultKind::BadCode, FaultKind::OtherCompiler].contains(&fault.kind) =>
            {
                self.again = Some(fault);
            }
            Event::Failed(fault) => {
                self.last().diagnostics.push(finding(fault));
                self.stop();
            }
            Event::Done => self.done = true,
            // Calls are not its job.
            _ => {}
        }
        None
    }

    /// Whether it is known of every run what became of it. What cannot be run at all is told once.
    fn is_settled(&self) -> bool {
        let runs = if self.compiled { self.runs } else { 1 };
        self.ran.len() == runs && self.ran.iter().all(is_told)
    }

    /// The runs of which it is known what became of them, up to the first of which it is not.
    fn settled(self) -> impl Iterator<Item = Ran> {
        self.ran.into_iter().take_while(is_told)
    }

    fn fresh(&self) -> Ran {
        let limits = usage_of(self.limits, None);
        Ran { limits, compiler: self.compiler, ..Ran::default() }
    }

    /// The run that is going on; the first where none was begun.
    fn last(&mut self) -> &mut Ran {
        if self.ran.is_empty() {
            self.ran.push(self.fresh());
        }
        let last = self.ran.len() - 1;
        &mut self.ran[last]
    }

    /// The last run is over.
    fn stop(&mut self) {
        self.last().timing = self.begun.map(Timing::since);
    }

    /// The worker went away in the middle.
    fn lost(&mut self, ending: &Ending) {
        let finding = match ending {
            _ if self.ran.is_empty() => lost_compiling(self.limits, ending),
            Ending::Killed => timed_out(self.limits),
            // Whoever stopped it knows why.
            Ending::Stopped => return self.stop(),
            ending => died(ending),
        };
        self.last().diagnostics.push(finding);
        self.stop();
    }
}
