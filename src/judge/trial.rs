//! Smoke cases through workers, and what came of them. A case that kills its worker costs that
//! case; the ones after it get a new worker.

use std::path::Path;

use super::JudgeError;
use crate::config::{Case, Limits, Step};
use crate::diagnostic::{CaseReport, Code, Diagnostic, WitPath};
use crate::sandbox::{Ending, supervise};
use crate::smoke::{Event, Fault, FaultKind, Job};

/// What came of running a component.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trial {
    /// Every case that was begun.
    pub cases: Vec<CaseReport>,
    /// What each call returned, in WAVE, case by case.
    pub values: Vec<Vec<String>>,
    /// What went wrong.
    pub diagnostics: Vec<Diagnostic>,
}

/// Runs smoke cases against a component, each in a fresh instance, in worker processes. Without a
/// case it is instantiated all the same: what does not come to life is of no use to a host.
///
/// # Errors
///
/// [`JudgeError::Case`] where a call of a case cannot be made, [`JudgeError::Internal`] where there
/// is no worker to be had.
pub fn run_cases(
    bytes: &[u8],
    cases: &[&Case],
    limits: &Limits,
    unscripted: bool,
    worker: &Path,
) -> Result<Trial, JudgeError> {
    let nothing =
        Case { name: String::new(), file: String::new(), plugins: Vec::new(), steps: Vec::new() };
    let all: Vec<&Case> = if cases.is_empty() { vec![&nothing] } else { cases.to_vec() };
    let mut trial = Trial::default();
    let mut rest = all.as_slice();
    while !rest.is_empty() {
        let steps: Vec<Vec<Step>> = rest.iter().map(|case| case.steps.clone()).collect();
        let job = Job { cases: steps, limits: limits.clone(), unscripted };
        let header =
            serde_json::to_string(&job).map_err(|error| JudgeError::Internal(error.to_string()))?;
        let mut run = Run { cases: rest, limits, trial: &mut trial, at: At::Compiling, bad: None };
        let ending = supervise(worker, &header, bytes, limits.compile_timeout, &mut |line| {
            serde_json::from_str(line).ok().and_then(|event| run.on(event))
        })
        .map_err(|error| JudgeError::Internal(error.to_string()))?;
        let (at, bad) = (run.at, run.bad.take());
        if let Some(message) = bad {
            return Err(JudgeError::Case(message));
        }
        match (at, ending) {
            (At::Done, _) => break,
            (At::Case { index, step }, ending) => {
                let finding = run.lost(index, step, &ending);
                trial.diagnostics.push(finding);
                rest = &rest[index + 1..];
            }
            (At::Compiling, ending) => {
                trial.diagnostics.push(lost_compiling(limits, &ending));
                break;
            }
        }
    }
    if cases.is_empty() {
        // That it came to life is not a case of anybody's.
        trial.cases.clear();
    }
    Ok(trial)
}

/// The last that was heard of a worker.
#[derive(Clone, Copy, Debug)]
enum At {
    Compiling,
    Case { index: usize, step: Option<usize> },
    Done,
}

struct Run<'a> {
    cases: &'a [&'a Case],
    limits: &'a Limits,
    trial: &'a mut Trial,
    at: At,
    bad: Option<String>,
}

impl Run<'_> {
    /// Takes in one event; returns the new deadline where it starts the clock anew.
    fn on(&mut self, event: Event) -> Option<std::time::Duration> {
        match (event, self.at) {
            (Event::Compiled, _) => {
                self.at = At::Case { index: 0, step: None };
                Some(self.limits.timeout)
            }
            (Event::Case { index }, _) if index < self.cases.len() => {
                self.at = At::Case { index, step: None };
                let name = self.cases[index].name.clone();
                let case = CaseReport { name, passed: false, steps: 0, fuel: 0, memory: 0 };
                self.trial.cases.push(case);
                self.trial.values.push(Vec::new());
                Some(self.limits.timeout)
            }
            (Event::Instantiated, At::Case { index, .. }) => {
                self.at = At::Case { index, step: Some(0) };
                None
            }
            (Event::Returned { value }, At::Case { index, step }) => {
                self.at = At::Case { index, step: step.map(|step| step + 1) };
                if let (Some(case), Some(values)) =
                    (self.trial.cases.last_mut(), self.trial.values.last_mut())
                {
                    case.steps += 1;
                    values.push(value);
                }
                None
            }
            (Event::Passed { fuel, memory }, _) => {
                if let Some(case) = self.trial.cases.last_mut() {
                    *case = CaseReport { passed: true, fuel, memory, ..case.clone() };
                }
                None
            }
            (Event::Failed(fault), at) => {
                self.fail(fault, at);
                None
            }
            (Event::Done, _) => {
                self.at = At::Done;
                None
            }
            _ => None,
        }
    }

    fn fail(&mut self, fault: Fault, at: At) {
        if fault.kind == FaultKind::BadCall {
            // The cases of one job may come from several files; the call itself names which.
            let file = self.cases.iter().find(|case| {
                case.steps.iter().any(|step| fault.message.contains(step.invoke.trim()))
            });
            let file = file.map_or("", |case| case.file.as_str());
            let prefix = if file.is_empty() { String::new() } else { format!("{file}: ") };
            self.bad = Some(format!("{prefix}{}", fault.message));
            return;
        }
        let code = match fault.kind {
            FaultKind::Refused => Code::InvalidComponent,
            FaultKind::Link => Code::LinkFailed,
            FaultKind::Trap | FaultKind::BadCall => Code::Trap,
            FaultKind::OutOfFuel => Code::OutOfFuel,
            FaultKind::MemoryLimit => Code::MemoryLimit,
            FaultKind::Mismatch => Code::SmokeMismatch,
            FaultKind::HostCall => Code::UnexpectedHostCall,
        };
        let mut finding = Diagnostic::error(code, fault.message).help(advice(code));
        finding.notes = fault.notes;
        if let At::Case { index, step } = at {
            finding.path = self.place(index, step);
        }
        self.trial.diagnostics.push(finding);
    }

    fn place(&self, index: usize, step: Option<usize>) -> WitPath {
        let case = &self.cases[index];
        let mut path = WitPath::default();
        if !case.name.is_empty() {
            path = path.then("smoke case", Some(&case.name));
        }
        let Some(step) = step else { return path.then("instantiation", None) };
        match case.steps.get(step) {
            Some(step) => path.then("call", Some(step.invoke.trim())),
            None => path,
        }
    }

    /// The finding about a worker that was killed or died in the middle of a case.
    fn lost(&self, index: usize, step: Option<usize>, ending: &Ending) -> Diagnostic {
        let finding = match ending {
            Ending::Killed => Diagnostic::error(
                Code::TimedOut,
                format!("it ran longer than {}", seconds(self.limits.timeout)),
            )
            .help(advice(Code::TimedOut)),
            ending => died(ending),
        };
        finding.at(self.place(index, step))
    }
}

fn lost_compiling(limits: &Limits, ending: &Ending) -> Diagnostic {
    match ending {
        Ending::Killed => Diagnostic::error(
            Code::CompileTimedOut,
            format!("the engine did not compile it within {}", seconds(limits.compile_timeout)),
        )
        .help(advice(Code::CompileTimedOut)),
        ending => died(ending),
    }
}

fn died(ending: &Ending) -> Diagnostic {
    let how = match ending {
        Ending::Died(how) => how.as_str(),
        Ending::Killed | Ending::Finished => "it ended without an answer",
    };
    Diagnostic::error(Code::WorkerDied, format!("the process that ran it ended: {how}"))
        .help(advice(Code::WorkerDied))
}

fn advice(code: Code) -> &'static str {
    match code {
        Code::Trap => "the plugin must not trap; return an error where its contract has one",
        Code::OutOfFuel => {
            "make it do less, or raise the limit: `fuel` for a call, `init-fuel` before"
        }
        Code::MemoryLimit => "make it need less, or raise the limit: `memory`",
        Code::TimedOut => "make it return sooner, or raise the limit: `timeout`",
        Code::CompileTimedOut => "make it smaller, or raise the limit: `compile-timeout`",
        Code::UnexpectedHostCall => "the host offers it, but the case has no answer for it",
        Code::SmokeMismatch => "the plugin is wrong, or the case is",
        Code::WorkerDied => "a plugin that can do this to its host must not be let in",
        Code::LinkFailed => {
            "plugtool links WASI 0.2; other imports must be fed by composing, or be the host's"
        }
        _ => "rebuild it with tools of today",
    }
}

fn seconds(duration: std::time::Duration) -> String {
    match duration.as_millis() {
        millis if millis % 1000 == 0 => format!("{} s", millis / 1000),
        millis => format!("{millis} ms"),
    }
}
