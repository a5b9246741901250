//! Smoke cases through workers, and what came of them. A case that kills its worker costs that
//! case; the ones after it get a new worker.

mod usage;

use std::path::Path;
use std::time::Duration;

use super::JudgeError;
use crate::config::{Case, Limits, Step};
use crate::diagnostic::{CaseReport, Code, Diagnostic, Sandbox, WitPath};
use crate::sandbox::{Ended, Ending, Grants, Order, supervise};
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
    /// How the workers were confined.
    pub sandbox: Option<Sandbox>,
}

/// On what terms a component is run.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// The program to start workers from.
    pub worker: &'a Path,
    /// What each case may use.
    pub limits: &'a Limits,
    /// Whether imports that nobody has are there all the same, and trap when they are called.
    pub unscripted: bool,
    /// Whether what calls return is told, or only compared.
    pub tell: bool,
    /// Whether nothing is run where the operating system cannot confine the worker.
    pub require_sandbox: bool,
}

/// The most that is told of what calls return, in bytes of text: 20 MB of bytes, in WAVE, take 100.
const MOST_TOLD: u64 = 128 << 20;

/// What a worker says beside that, in bytes: a few lines for every case.
const REMARKS: u64 = 16 << 20;

/// Runs smoke cases against a component, each in a fresh instance, in worker processes. Without a
/// case it is instantiated all the same: what does not come to life is of no use to a host.
///
/// # Errors
///
/// [`JudgeError::Case`] where a call of a case cannot be made, [`JudgeError::Internal`] where there
/// is no worker to be had, or none that is confined as the terms demand.
pub fn run_cases(bytes: &[u8], cases: &[&Case], terms: &Terms<'_>) -> Result<Trial, JudgeError> {
    let nothing =
        Case { name: String::new(), file: String::new(), plugins: Vec::new(), steps: Vec::new() };
    let all: Vec<&Case> = if cases.is_empty() { vec![&nothing] } else { cases.to_vec() };
    let mut trial = Trial::default();
    let mut rest = all.as_slice();
    while !rest.is_empty() {
        let mut run = Run { cases: rest, terms, trial: &mut trial, at: At::Compiling, bad: None };
        let ended = run.send(bytes)?;
        let (at, bad) = (run.at, run.bad.take());
        if let Some(error) = bad {
            return Err(error);
        }
        let Some(sandbox) = ended.sandbox else {
            // It has not seen the plugin, so this is nothing that the plugin did.
            return Err(JudgeError::Internal(format!(
                "the worker process did not get ready: {}",
                how(&ended.ending)
            )));
        };
        match (at, &ended.ending) {
            (At::Done, _) => rest = &[],
            (At::Case { index, step }, ending) => {
                let finding = run.lost(index, step, ending);
                trial.diagnostics.push(finding);
                rest = &rest[index + 1..];
            }
            (At::Compiling, ending) => {
                trial.diagnostics.push(lost_compiling(terms.limits, ending));
                rest = &[];
            }
        }
        trial.sandbox.get_or_insert(sandbox);
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
    terms: &'a Terms<'a>,
    trial: &'a mut Trial,
    at: At,
    bad: Option<JudgeError>,
}

impl Run<'_> {
    /// Sends a worker out with all cases, and takes in what it says.
    fn send(&mut self, bytes: &[u8]) -> Result<Ended, JudgeError> {
        /// Time for what is neither compiling nor running, such as getting ready.
        const SLACK: Duration = Duration::from_secs(5);
        let internal = |error: &dyn std::fmt::Display| JudgeError::Internal(error.to_string());
        let Terms { worker, limits, unscripted, tell, require_sandbox } = *self.terms;
        let tell = tell.then_some(MOST_TOLD);
        let cases: Vec<Vec<Step>> = self.cases.iter().map(|case| case.steps.clone()).collect();
        let count = u32::try_from(cases.len()).unwrap_or(u32::MAX);
        let job = Job { cases, limits: limits.clone(), unscripted, tell };
        let header = serde_json::to_string(&job).map_err(|error| internal(&error))?;
        let running = limits.timeout.saturating_mul(count).saturating_add(SLACK);
        let threads = std::thread::available_parallelism()
            .map_or(1, |n| u32::try_from(n.get()).unwrap_or(u32::MAX));
        let grants = Grants {
            memory: limits.memory,
            processor: limits.compile_timeout.saturating_mul(threads).saturating_add(running),
            required: require_sandbox,
            ..Grants::default()
        };
        let order = Order {
            program: worker,
            grants: &grants,
            header: &header,
            body: bytes,
            first: limits.compile_timeout,
            total: limits.compile_timeout.saturating_add(running),
            // As JSON, each character may take two bytes.
            answer: REMARKS + 2 * tell.unwrap_or(0),
        };
        supervise(&order, &mut |line| {
            serde_json::from_str(line).ok().and_then(|event| self.on(event))
        })
        .map_err(|error| internal(&error))
    }

    /// Takes in one event; returns the new deadline where it starts the clock anew.
    fn on(&mut self, event: Event) -> Option<std::time::Duration> {
        match (event, self.at) {
            (Event::Compiled, _) => {
                self.at = At::Case { index: 0, step: None };
                Some(self.terms.limits.timeout)
            }
            (Event::Case { index }, _) if index < self.cases.len() => {
                self.at = At::Case { index, step: None };
                let name = self.cases[index].name.clone();
                let limits = usage::of(self.terms.limits, None);
                let case = CaseReport { name, passed: false, steps: 0, fuel: 0, memory: 0, limits };
                self.trial.cases.push(case);
                self.trial.values.push(Vec::new());
                Some(self.terms.limits.timeout)
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
            (Event::Used(used), _) => {
                if let Some(case) = self.trial.cases.last_mut() {
                    case.fuel = used.total_fuel;
                    case.memory = used.memory;
                    case.limits = usage::of(self.terms.limits, Some(&used));
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
            self.bad = Some(JudgeError::Case(format!("{prefix}{}", fault.message)));
            return;
        }
        if fault.kind == FaultKind::System {
            let message = format!("the operating system refused the engine: {}", fault.message);
            self.bad = Some(JudgeError::Internal(message));
            return;
        }
        let code = match fault.kind {
            FaultKind::Refused => Code::InvalidComponent,
            FaultKind::Link => Code::LinkFailed,
            FaultKind::Trap | FaultKind::BadCall | FaultKind::System => Code::Trap,
            FaultKind::OutOfFuel => Code::OutOfFuel,
            FaultKind::MemoryLimit => Code::MemoryLimit,
            FaultKind::StackOverflow => Code::StackOverflow,
            FaultKind::TableLimit => Code::TableLimit,
            FaultKind::InstanceLimit => Code::InstanceLimit,
            FaultKind::HandleLimit => Code::HandleLimit,
            FaultKind::TransferLimit => Code::TransferLimit,
            FaultKind::OutputLimit => Code::OutputLimit,
            FaultKind::Exited => Code::Exited,
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
                format!("it ran longer than {}", seconds(self.terms.limits.timeout)),
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
    let message = match ending {
        Ending::Flooded => format!("the process that ran it was killed: {}", how(ending)),
        _ => format!("the process that ran it ended: {}", how(ending)),
    };
    Diagnostic::error(Code::WorkerDied, message).help(advice(Code::WorkerDied))
}

fn how(ending: &Ending) -> &str {
    match ending {
        Ending::Died(how) => how,
        Ending::Flooded => "it answered more than a worker may",
        Ending::Killed => "it was killed at its deadline",
        Ending::Finished => "it ended without an answer",
    }
}

fn advice(code: Code) -> &'static str {
    match code {
        Code::Trap => "the plugin must not trap; return an error where its contract has one",
        Code::OutOfFuel => {
            "make it do less, or raise the limit: `fuel` for a call, `init-fuel` before"
        }
        Code::MemoryLimit => "make it need less, or raise the limit: `memory`",
        Code::StackOverflow => "look for a recursion without end, or raise the limit: `stack`",
        Code::TableLimit => "make its tables smaller, or raise the limit: `table-elements`",
        Code::InstanceLimit => "build it of fewer parts, or raise the limit: `instances`",
        Code::HandleLimit => "make it drop what it no longer needs, or raise the limit: `handles`",
        Code::TransferLimit => "make it return less at a time, or raise the limit: `transfer`",
        Code::OutputLimit => "make it write less, or raise the limit: `output`",
        Code::Exited => "a plugin must return; only a command may end its process",
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
