//! Smoke cases through workers, and what came of them. A case that kills its worker costs that
//! case; the ones after it get a new worker.

use std::path::Path;
use std::time::Duration;

use super::JudgeError;
use crate::component::Component;
use crate::config::{Case, Expectation, Limits};
use crate::diagnostic::{CallReport, CaseReport, Code, Diagnostic, Severity, WitPath};
use crate::sandbox::{Ending, supervise};
use crate::smoke::{ENGINE, Event, Fault, FaultKind, Job, Script};

/// What came of running a component.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trial {
    /// Every case that was begun.
    pub cases: Vec<CaseReport>,
    /// What went wrong.
    pub diagnostics: Vec<Diagnostic>,
}

/// On what terms a component is run.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'t> {
    /// The plugin's id, which baselines go by.
    pub id: &'t str,
    /// What one case may use.
    pub limits: &'t Limits,
    /// Whether imports that the engine does not have are there all the same, and trap when called.
    pub unscripted: bool,
    /// Whether what calls return is recorded: it need not be what is expected.
    pub record: bool,
    /// The program to start workers from.
    pub worker: &'t Path,
}

/// Runs smoke cases against a component, each in a fresh instance, in worker processes. Without a
/// case it is instantiated all the same: what does not come to life is of no use to a host.
///
/// # Errors
///
/// [`JudgeError::Case`] where a call of a case cannot be made, before anything runs;
/// [`JudgeError::Internal`] where there is no worker to be had.
pub fn run_cases(
    component: &Component,
    cases: &[&Case],
    terms: Terms<'_>,
) -> Result<Trial, JudgeError> {
    let Terms { limits, unscripted, record, worker, .. } = terms;
    let nothing = Case::default();
    let all: Vec<&Case> = if cases.is_empty() { vec![&nothing] } else { cases.to_vec() };
    let script = |case: &&Case| {
        let calls = case.resolve(&component.world).map_err(|e| JudgeError::Case(e.to_string()))?;
        let files = case.files.iter().map(|file| file.bytes.len()).collect();
        Ok(Script { calls, files, twice: case.twice, record })
    };
    let scripts: Vec<Script> = all.iter().map(script).collect::<Result<_, _>>()?;
    let mut trial = Trial::default();
    let mut begin = 0;
    while begin < all.len() {
        let rest = &all[begin..];
        let job = Job { cases: scripts[begin..].to_vec(), limits: limits.clone(), unscripted };
        let header =
            serde_json::to_string(&job).map_err(|error| JudgeError::Internal(error.to_string()))?;
        let mut body = component.bytes.clone();
        for file in rest.iter().flat_map(|case| &case.files) {
            body.extend_from_slice(&file.bytes);
        }
        let mut run = Run { cases: rest, terms, trial: &mut trial, at: At::Compiling, bad: None };
        let ending = supervise(worker, &header, &body, limits.compile_timeout, &mut |line| {
            serde_json::from_str(line).ok().and_then(|event| run.on(event))
        })
        .map_err(|error| JudgeError::Internal(error.to_string()))?;
        if let Some(message) = run.bad.take() {
            return Err(JudgeError::Internal(message));
        }
        match (run.at.clone(), ending) {
            (At::Done, _) => break,
            (At::Compiling, ending) => {
                trial.diagnostics.push(lost_compiling(limits, &ending));
                break;
            }
            (at @ At::Case { index, .. }, ending) => {
                let finding = run.lost(&at, &ending);
                if let Some(case) = run.trial.cases.last_mut() {
                    case.passed = false;
                }
                trial.diagnostics.push(finding);
                begin += index + 1;
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
#[derive(Clone, Debug)]
enum At {
    Compiling,
    Case { index: usize, part: Part },
    Done,
}

/// Where a case is.
#[derive(Clone, Debug)]
enum Part {
    Instantiation,
    /// In the call of this index, or behind the last.
    Call(usize),
    /// At dropping what this variable holds.
    Drop(String),
    SecondRun,
}

struct Run<'a> {
    cases: &'a [&'a Case],
    terms: Terms<'a>,
    trial: &'a mut Trial,
    at: At,
    bad: Option<String>,
}

impl Run<'_> {
    /// Takes in one event; returns the new deadline where it starts the clock anew.
    fn on(&mut self, event: Event) -> Option<Duration> {
        match (event, self.at.clone()) {
            (Event::Compiled, _) => {
                self.at = At::Case { index: 0, part: Part::Instantiation };
                return Some(self.terms.limits.timeout);
            }
            (Event::Case { index }, _) if index < self.cases.len() => {
                self.at = At::Case { index, part: Part::Instantiation };
                self.trial.cases.push(unbegun(self.cases[index]));
                return Some(self.terms.limits.timeout);
            }
            (Event::Again, At::Case { index, .. }) => {
                self.at = At::Case { index, part: Part::SecondRun };
                return Some(self.terms.limits.timeout);
            }
            (Event::Instantiated, At::Case { index, .. }) => {
                self.at = At::Case { index, part: Part::Call(0) };
            }
            (Event::Returned { value, whole, writable, fuel }, At::Case { index, part }) => {
                self.step(index, &part, |call| {
                    call.passed = true;
                    call.recordable = whole && writable;
                    call.got = Some(value);
                    call.fuel = Some(fuel);
                });
            }
            (Event::Differs, At::Case { part: Part::Call(step), .. }) => {
                let case = self.trial.cases.last_mut();
                if let Some(call) = case.and_then(|case| case.calls.get_mut(step.wrapping_sub(1))) {
                    call.passed = false;
                }
            }
            (Event::Trapped { message, fuel }, At::Case { index, part }) => {
                self.step(index, &part, |call| {
                    call.passed = true;
                    call.trap = Some(message);
                    call.fuel = Some(fuel);
                });
            }
            (Event::Dropping { variable }, At::Case { index, .. }) => {
                self.at = At::Case { index, part: Part::Drop(variable) };
            }
            (Event::Passed { fuel, memory }, At::Case { index, .. }) => {
                if let Some(case) = self.trial.cases.last_mut() {
                    *case = CaseReport { passed: true, fuel, memory, ..case.clone() };
                }
                self.measure(index, fuel);
            }
            (Event::Failed(fault), at) => self.fail(fault, &at),
            (Event::Done, _) => self.at = At::Done,
            _ => {}
        }
        None
    }

    /// A call came to its end.
    fn step(&mut self, index: usize, part: &Part, change: impl FnOnce(&mut CallReport)) {
        let Part::Call(step) = part else { return };
        self.at = At::Case { index, part: Part::Call(step + 1) };
        if let Some(case) = self.trial.cases.last_mut() {
            case.steps += 1;
            if let Some(call) = case.calls.get_mut(*step) {
                change(call);
            }
        }
    }

    fn fail(&mut self, fault: Fault, at: &At) {
        if fault.kind == FaultKind::BadCall {
            self.bad = Some(fault.message);
            return;
        }
        let code = match fault.kind {
            FaultKind::Refused => Code::InvalidComponent,
            FaultKind::Link => Code::LinkFailed,
            FaultKind::Trap | FaultKind::BadCall => Code::Trap,
            FaultKind::OutOfFuel => Code::OutOfFuel,
            FaultKind::MemoryLimit => Code::MemoryLimit,
            FaultKind::Mismatch
            | FaultKind::WrongTrap
            | FaultKind::NoTrap
            | FaultKind::NoHandle => Code::SmokeMismatch,
            FaultKind::HostCall => Code::UnexpectedHostCall,
            FaultKind::Nondeterministic => Code::Nondeterministic,
        };
        let mut at = at.clone();
        if let At::Case { part: Part::Call(step), .. } = &mut at {
            let over =
                [FaultKind::Mismatch, FaultKind::NoTrap, FaultKind::NoHandle, FaultKind::WrongTrap];
            if over.contains(&fault.kind) {
                // It had come to its end before it was compared.
                *step = step.saturating_sub(1);
            }
            let case = self.trial.cases.last_mut();
            if let Some(call) = case.and_then(|case| case.calls.get_mut(*step)) {
                call.passed = false;
                if fault.kind == FaultKind::Trap {
                    call.trap = Some(fault.message.clone());
                }
            }
        }
        let mut finding = Diagnostic::error(code, fault.message).help(advice(code));
        finding.notes = fault.notes;
        if let At::Case { index, part } = &at {
            finding.path = self.place(*index, part);
        }
        self.trial.diagnostics.push(finding);
    }

    /// Holds the fuel of a case that passed against what it may use and what it used before.
    fn measure(&mut self, index: usize, fuel: u64) {
        let case = self.cases[index];
        // What is recorded is not compared with what was.
        let baseline = case.baseline.as_ref().filter(|_| !self.terms.record);
        let path = WitPath::root("smoke case", &case.name);
        if let Some((most, place)) = case.max_fuel.as_ref().filter(|(most, _)| fuel > *most) {
            let message = format!("it took {fuel} fuel; {most} is the most");
            let finding = Diagnostic::error(Code::OverBudget, message).at(path.clone());
            self.trial.diagnostics.push(finding.help(advice(Code::OverBudget)).decided_by(place));
            if let Some(case) = self.trial.cases.last_mut() {
                case.passed = false;
            }
        }
        let Some(baseline) = baseline else { return };
        let Some(before) = baseline.fuel.get(self.terms.id).copied() else { return };
        let finding = if baseline.engine != ENGINE {
            let message = format!(
                "its fuel was recorded with {}, and {ENGINE} counts otherwise: it is not compared",
                baseline.engine
            );
            Diagnostic::error(Code::StaleBaseline, message).severity(Severity::Note)
        } else {
            let most = u128::from(before) * u128::from(100 + baseline.tolerance) / 100;
            if u128::from(fuel) <= most {
                return;
            }
            // Rounded down, so that what is told is never more than what is.
            let percent = (u128::from(fuel) - u128::from(before)) * 100 / u128::from(before.max(1));
            let message = format!(
                "it took {fuel} fuel, {percent} % more than the {before} that were recorded; {} % \
                 are tolerated",
                baseline.tolerance
            );
            Diagnostic::error(Code::FuelRegression, message)
        };
        let advice = advice(finding.code);
        let finding = finding.at(path).help(advice).decided_by(&baseline.place);
        self.trial.diagnostics.push(finding);
    }

    fn place(&self, index: usize, part: &Part) -> WitPath {
        let case = &self.cases[index];
        let mut path = WitPath::default();
        if !case.name.is_empty() {
            path = path.then("smoke case", Some(&case.name));
        }
        match part {
            Part::Instantiation => path.then("instantiation", None),
            Part::SecondRun => path.then("second run", None),
            Part::Drop(variable) => path.then("drop of", Some(variable)),
            Part::Call(step) => match case.steps.get(*step) {
                Some(step) => path.then("call", Some(step.invoke.text.trim())),
                None => path,
            },
        }
    }

    /// The finding about a worker that was killed or died in the middle of a case.
    fn lost(&self, at: &At, ending: &Ending) -> Diagnostic {
        let finding = match ending {
            Ending::Killed => Diagnostic::error(
                Code::TimedOut,
                format!("it ran longer than {}", seconds(self.terms.limits.timeout)),
            )
            .help(advice(Code::TimedOut)),
            ending => died(ending),
        };
        match at {
            At::Case { index, part } => finding.at(self.place(*index, part)),
            _ => finding,
        }
    }
}

/// The report of a case of which nothing has run.
fn unbegun(case: &Case) -> CaseReport {
    let call = |step: &crate::config::Step| {
        let mut report =
            CallReport { call: step.invoke.text.trim().to_owned(), ..CallReport::default() };
        match &step.expect {
            Expectation::Return => {}
            Expectation::Value(written, _) => report.expected = Some(written.text.clone()),
            Expectation::Trap(text) => report.expected_trap = Some(text.clone()),
        }
        report
    };
    CaseReport {
        name: case.name.clone(),
        passed: false,
        steps: 0,
        fuel: 0,
        memory: 0,
        calls: case.steps.iter().map(call).collect(),
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
        Code::OverBudget => "make it do less, or raise the case's `max-fuel`",
        Code::FuelRegression => "make it do less, or record the case anew with --record",
        Code::StaleBaseline => "record the case anew with --record",
        Code::Nondeterministic => {
            "what a plugin does must follow from what it is given; look for what is left over or \
             read from elsewhere"
        }
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
