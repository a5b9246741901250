//! WASI commands through workers: what each run did, with its streams in the caller's hands.

mod cases;
mod diff;

use std::path::Path;
use std::time::Duration;

use super::JudgeError;
use super::trial::{died, finding, lost_compiling, timed_out};
use crate::config::Limits;
use crate::diagnostic::Diagnostic;
use crate::sandbox::{Answer, Ending, Said, converse};
use crate::smoke::{CommandJob, Event, FaultKind};

pub use cases::run_command_cases;
pub(super) use diff::differences;

/// What came of one run of a command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ran {
    /// Its exit code; none where it did not end by itself.
    pub exit_code: Option<u8>,
    /// Fuel that it used, where it ended by itself.
    pub fuel: Option<u64>,
    /// The most linear memory that it held, in bytes, where it ended by itself.
    pub memory: Option<u64>,
    /// What went wrong.
    pub diagnostics: Vec<Diagnostic>,
}

/// Runs a command as often as the job says, in worker processes. `streams` is told which run it is
/// about, what the guest wrote and that it wants input; see [`Answer`] for what it returns.
///
/// A run that kills its worker costs that run; the ones after it get a new worker. Where the command
/// cannot be run at all, only the first run is returned, with the reason.
///
/// # Errors
///
/// [`JudgeError::Case`] where a granted folder cannot be opened, [`JudgeError::Internal`] where there
/// is no worker to be had.
pub fn run_command(
    bytes: &[u8],
    job: &CommandJob,
    worker: &Path,
    streams: &mut dyn FnMut(usize, Said<'_>) -> Answer,
) -> Result<Vec<Ran>, JudgeError> {
    let mut all: Vec<Ran> = Vec::new();
    while all.len() < job.runs.len() {
        let first = all.len();
        let rest = CommandJob { runs: job.runs[first..].to_vec(), ..job.clone() };
        let header = serde_json::to_string(&rest)
            .map_err(|error| JudgeError::Internal(error.to_string()))?;
        let mut watch = Watch {
            limits: &job.limits,
            runs: rest.runs.len(),
            ran: Vec::new(),
            compiled: false,
            done: false,
            bad: None,
        };
        let ending =
            converse(worker, &header, bytes, job.limits.compile_timeout, &mut |said| match said {
                Said::Line(line) => match serde_json::from_str(line) {
                    Ok(event) => watch.on(event).map_or(Answer::Nothing, Answer::Deadline),
                    Err(_) => Answer::Nothing,
                },
                said => streams(first + watch.ran.len().saturating_sub(1), said),
            })
            .map_err(|error| JudgeError::Internal(error.to_string()))?;
        if let Some(message) = watch.bad {
            return Err(JudgeError::Case(message));
        }
        let compiled = watch.compiled;
        if !watch.done {
            watch.lost(&ending);
        }
        all.append(&mut watch.ran);
        if !compiled {
            break;
        }
    }
    Ok(all)
}

/// What was heard of a worker.
struct Watch<'a> {
    limits: &'a Limits,
    runs: usize,
    ran: Vec<Ran>,
    compiled: bool,
    done: bool,
    bad: Option<String>,
}

impl Watch<'_> {
    /// Takes in one event; returns the new deadline where it starts the clock anew.
    fn on(&mut self, event: Event) -> Option<Duration> {
        match event {
            Event::Compiled => {
                self.compiled = true;
                return Some(self.limits.timeout);
            }
            // No worker that is itself begins more runs than it was given.
            Event::Case { .. } if self.ran.len() < self.runs => {
                self.ran.push(Ran::default());
                return Some(self.limits.timeout);
            }
            Event::Exited { code } => self.last().exit_code = Some(code),
            Event::Passed { fuel, memory } => {
                let last = self.last();
                (last.fuel, last.memory) = (Some(fuel), Some(memory));
            }
            Event::Failed(fault) if fault.kind == FaultKind::Folder => {
                self.bad = Some(fault.message);
            }
            Event::Failed(fault) => self.last().diagnostics.push(finding(fault)),
            Event::Done => self.done = true,
            // Calls are not its job.
            _ => {}
        }
        None
    }

    /// The run that is going on; the first where none was begun.
    fn last(&mut self) -> &mut Ran {
        if self.ran.is_empty() {
            self.ran.push(Ran::default());
        }
        let last = self.ran.len() - 1;
        &mut self.ran[last]
    }

    /// The worker went away in the middle.
    fn lost(&mut self, ending: &Ending) {
        let finding = match ending {
            _ if self.ran.is_empty() => lost_compiling(self.limits, ending),
            Ending::Killed => timed_out(self.limits),
            ending => died(ending),
        };
        self.last().diagnostics.push(finding);
    }
}
