//! Smoke cases through workers, and what came of them. A case that kills its worker costs that
//! case; the ones after it get a new worker.

mod dispatch;
mod findings;
mod measured;
mod resolve;
mod settled;
mod source;
mod usage;

use std::path::Path;
use std::time::{Duration, Instant};

use super::JudgeError;
use super::code::CodeCache;
use crate::component::Component;
use crate::config::{Case, Expectation, HostSide, Limits, Mock, Resolved};
use crate::diagnostic::{CallReport, CaseReport, CompiledBy, Diagnostic, Sandbox, Timing, WitPath};
use crate::sandbox::{Answer, Ending, Said};
use crate::smoke::{Event, Fault, FaultKind, Job, Script};
use crate::world;

pub(super) use dispatch::{Errand, confinement, dispatch};
pub(super) use findings::{
    advice, died, finding, how, lost_compiling, refused_by_the_system, replayed, timed_out,
    unsettled,
};
pub(super) use measured::measured;
pub(super) use resolve::{entry, foreign, resolve};
pub(super) use settled::{open, passes, settle};
pub(super) use source::Source;
pub(super) use usage::of as usage_of;

/// What came of running a component.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trial {
    /// Every case that was begun, and not broken off by what is nobody's fault here.
    pub cases: Vec<CaseReport>,
    /// What went wrong.
    pub diagnostics: Vec<Diagnostic>,
    /// How the workers were confined.
    pub sandbox: Option<Sandbox>,
    /// Why it was not run to its end, where it was not. The cases are those that were settled before.
    pub failure: Option<JudgeError>,
}

/// On what terms a component is run.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'t> {
    /// The plugin's id, which baselines go by.
    pub id: &'t str,
    /// The host's world that the component targets, with what the host links beside it: what cases name is
    /// looked up there. None where the component's own world is all there is.
    pub target: Option<world::Host<'t>>,
    /// What one case may use.
    pub limits: &'t Limits,
    /// Whether imports that the engine does not have are there all the same, and trap when called.
    pub unscripted: bool,
    /// Whether what calls return is recorded: it need not be what is expected.
    pub record: bool,
    /// The program to start workers from.
    pub worker: &'t Path,
    /// Compiled code that is kept; none where everything is compiled anew.
    pub code: Option<&'t CodeCache>,
    /// Whether nothing is run where the operating system cannot confine the worker.
    pub require_sandbox: bool,
}

/// Runs smoke cases against a component, each in a fresh instance, in worker processes. Without a
/// case it is instantiated all the same: what does not come to life is of no use to a host.
///
/// Where there is no worker to be had, or none that is confined as the terms demand, or a mock breaks, that is
/// the trial's failure: what was found before stays.
///
/// # Errors
///
/// [`JudgeError::Case`] where a call of a case cannot be made, before anything runs.
pub fn run_cases(
    component: &Component,
    cases: &[&Case],
    terms: Terms<'_>,
) -> Result<Trial, JudgeError> {
    let Terms { unscripted, record, .. } = terms;
    let nothing = Case::default();
    let all: Vec<&Case> = if cases.is_empty() { vec![&nothing] } else { cases.to_vec() };
    let script = |case: &&Case| {
        let Resolved { calls, host, entry: _ } = resolve(case, component, terms)?;
        let files = case.files.iter().map(|file| file.bytes.len()).collect();
        let outside = case.outside.clone();
        Ok(Script { calls, outside, files, twice: case.twice, record, host })
    };
    // Where a case says what the host answers, the host's functions are there.
    let unscripted = unscripted || all.iter().any(|case| case.host != HostSide::default());
    let scripts: Vec<Script> = all.iter().map(script).collect::<Result<_, _>>()?;
    let mut trial = Trial::default();
    trial.failure =
        run_scripts(component, &all, scripts, Terms { unscripted, ..terms }, &mut trial).err();
    if trial.failure.is_some() {
        // What was broken off has neither passed nor failed.
        let Trial { cases, diagnostics, .. } = &mut trial;
        cases.retain(|case| case.passed || diagnostics.iter().any(|it| it.is_about(case)));
    }
    if cases.is_empty() {
        // That it came to life is not a case of anybody's.
        trial.cases.clear();
    }
    Ok(trial)
}

/// Runs cases for which there are scripts. What comes of it is in the trial, whatever breaks.
fn run_scripts(
    component: &Component,
    all: &[&Case],
    mut scripts: Vec<Script>,
    terms: Terms<'_>,
    trial: &mut Trial,
) -> Result<(), JudgeError> {
    let Terms { limits, unscripted, .. } = terms;
    let mocks = mocks_of(all, &mut scripts);
    let mut begin = 0;
    let mut source = Source::of_calls(terms);
    while begin < all.len() {
        let rest = &all[begin..];
        if let Some(ending) = source.prepare(component, terms)? {
            trial.diagnostics.push(lost_compiling(limits, &ending));
            break;
        }
        let job = Job {
            cases: scripts[begin..].to_vec(),
            mocks: mocks.iter().map(|mock| (mock.name().to_owned(), mock.bytes().len())).collect(),
            limits: limits.clone(),
            unscripted,
        };
        let header =
            serde_json::to_string(&job).map_err(|error| JudgeError::Internal(error.to_string()))?;
        let files = rest.iter().flat_map(|case| &case.files).map(|file| &file.bytes[..]);
        let files = files.chain(mocks.iter().map(|mock| mock.bytes()));
        let body: Vec<&[u8]> = std::iter::once(source.bytes(component)).chain(files).collect();
        let runs = rest.iter().map(|case| 1 + u32::from(case.twice)).sum();
        let mut run = Run {
            cases: rest,
            terms,
            trial: &mut *trial,
            at: At::Compiling,
            settled: 0,
            begun: None,
            compiler: None,
            again: None,
            bad: None,
        };
        let errand =
            Errand { header: &header, body: &body, runs, code: source.code(), ..Errand::default() };
        let (ending, sandbox) = dispatch(terms, &errand, &mut |said| match said {
            Said::Line(line) => serde_json::from_str(line)
                .ok()
                .and_then(|event| run.on(event))
                .map_or(Answer::Nothing, Answer::Deadline),
            // Calls have no streams.
            Said::Wrote { .. } => Answer::Closed,
            Said::Wants { .. } => Answer::Input(Vec::new()),
        })?;
        if let Some(message) = run.bad.take() {
            run.trial.sandbox.get_or_insert(sandbox);
            return Err(JudgeError::Internal(message));
        }
        if let Some(fault) = run.again.take() {
            source.turn_down(&fault);
            continue;
        }
        run.trial.sandbox.get_or_insert(sandbox);
        let settled = run.settled;
        match (run.at.clone(), ending) {
            (At::Done, _) if settled == rest.len() => break,
            (At::Done, _) => return Err(unsettled()),
            (At::Compiling, ending) => {
                trial.diagnostics.push(lost_compiling(limits, &ending));
                break;
            }
            (at @ At::Case { index, .. }, ending) => {
                let finding = run.lost(&at, &ending);
                run.stop();
                if let Some(case) = run.trial.cases.last_mut() {
                    case.passed = false;
                }
                trial.diagnostics.push(finding);
                begin += index + 1;
            }
        }
    }
    Ok(())
}

/// The mocks that cases name, each once; their scripts learn which is theirs.
fn mocks_of<'c>(cases: &[&'c Case], scripts: &mut [Script]) -> Vec<&'c Mock> {
    let mut mocks: Vec<&Mock> = Vec::new();
    for (case, script) in cases.iter().zip(scripts) {
        let (Some(mock), Some(script)) = (&case.host.mock, &mut script.host.mock) else { continue };
        script.index = mocks.iter().position(|other| *other == mock).unwrap_or(mocks.len());
        if script.index == mocks.len() {
            mocks.push(mock);
        }
    }
    mocks
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
    /// At whether the host was asked what it must be.
    Host,
    SecondRun,
}

struct Run<'a> {
    cases: &'a [&'a Case],
    terms: Terms<'a>,
    trial: &'a mut Trial,
    at: At,
    /// Of how many cases it is known what became of them.
    settled: usize,
    /// When the last case was.
    begun: Option<Instant>,
    compiler: Option<CompiledBy>,
    /// Why it has to be begun again from other code.
    again: Option<Fault>,
    bad: Option<String>,
}

impl Run<'_> {
    /// Takes in one event; returns the new deadline where it starts the clock anew.
    fn on(&mut self, event: Event) -> Option<Duration> {
        match (event, self.at.clone()) {
            (Event::CompiledBy(compiler), _) => self.compiler = Some(compiler),
            (Event::Compiled, _) => {
                self.at = At::Case { index: 0, part: Part::Instantiation };
                return Some(self.terms.limits.timeout);
            }
            (Event::Case { index }, _) if index < self.cases.len() => {
                self.at = At::Case { index, part: Part::Instantiation };
                let case = unbegun(self.cases[index], self.terms.limits);
                self.trial.cases.push(CaseReport { compiler: self.compiler, ..case });
                self.begun = Some(Instant::now());
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
                    call.cut = !whole;
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
            (Event::HostCalls { calls, count }, _) => {
                if let Some(case) = self.trial.cases.last_mut() {
                    case.host_calls.extend(calls);
                    case.host_calls_left_out = count - count.min(case.host_calls.len() as u64);
                }
            }
            (Event::Settling, At::Case { index, part }) if !matches!(part, Part::SecondRun) => {
                self.at = At::Case { index, part: Part::Host };
            }
            (Event::Dropping { variable }, At::Case { index, .. }) => {
                self.at = At::Case { index, part: Part::Drop(variable) };
            }
            (Event::Asked(exchange), _) => {
                if let Some(case) = self.trial.cases.last_mut() {
                    case.requests.push(exchange);
                }
            }
            (Event::AskedMore(count), _) => {
                if let Some(case) = self.trial.cases.last_mut() {
                    case.requests_left_out = count;
                }
            }
            (Event::Used(used), _) => {
                if let Some(case) = self.trial.cases.last_mut() {
                    case.fuel = used.total_fuel;
                    case.memory = used.memory;
                    case.limits = usage::of(self.terms.limits, Some(&used));
                }
            }
            (Event::Passed { fuel, memory }, At::Case { index, .. }) => {
                if let Some(case) = self.trial.cases.last_mut() {
                    *case = CaseReport { passed: true, fuel, memory, ..case.clone() };
                }
                self.settled += 1;
                self.stop();
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
        if [FaultKind::BadCode, FaultKind::OtherCompiler].contains(&fault.kind) {
            self.again = Some(fault);
            return;
        }
        if fault.kind == FaultKind::Mock {
            let place = match at {
                At::Case { index, part } => format!("{}: ", self.place(*index, part)),
                _ => String::new(),
            };
            let said: Vec<String> = std::iter::once(fault.message).chain(fault.notes).collect();
            self.bad = Some(format!("{place}{}", said.join("; ")));
            return;
        }
        if fault.kind == FaultKind::System {
            self.bad = Some(refused_by_the_system(&fault));
            return;
        }
        self.stop();
        // What fails before the first case settles them all.
        self.settled = match at {
            At::Compiling => self.cases.len(),
            _ => self.settled + 1,
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
        let mut finding = finding(fault);
        if let At::Case { index, part } = &at {
            finding.path = self.place(*index, part);
            if self.cases[*index].host.replay.is_some() {
                replayed(&mut finding);
            }
        }
        self.trial.diagnostics.push(finding);
    }

    /// The last case is over, where one was begun.
    fn stop(&mut self) {
        if let Some(case) = self.trial.cases.last_mut()
            && let Some(begun) = self.begun
        {
            case.timing = Some(Timing::since(begun));
        }
    }

    fn measure(&mut self, index: usize, fuel: u64) {
        let findings = measured(self.cases[index], self.terms, fuel, self.compiler);
        if let Some(case) = self.trial.cases.last_mut() {
            case.passed &= passes(&findings);
        }
        self.trial.diagnostics.extend(findings);
    }

    fn place(&self, index: usize, part: &Part) -> WitPath {
        let case = &self.cases[index];
        let mut path = WitPath::default();
        if !case.name.is_empty() {
            path = path.then("smoke case", Some(&case.name));
        }
        match part {
            Part::Instantiation => path.then("instantiation", None),
            Part::Host => path,
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
            Ending::Killed => timed_out(self.terms.limits),
            ending => died(ending),
        };
        match at {
            At::Case { index, part } => {
                let finding = finding.at(self.place(*index, part));
                match &self.cases[*index].host.mock {
                    Some(mock) => finding.note(format!(
                        "the mock {} ran in the same process, and it may be its fault",
                        mock.name()
                    )),
                    None => finding,
                }
            }
            _ => finding,
        }
    }
}

/// The report of a case of which nothing has run.
fn unbegun(case: &Case, limits: &Limits) -> CaseReport {
    let call = |step: &crate::config::Step| {
        let mut report =
            CallReport { call: step.invoke.text.trim().to_owned(), ..CallReport::default() };
        match &step.expect {
            Expectation::Return => {}
            Expectation::Value(written, _) => report.expected = Some(written.text.clone()),
            Expectation::Trap(written) => report.expected_trap = Some(written.text.clone()),
        }
        report
    };
    CaseReport {
        name: case.name.clone(),
        passed: false,
        steps: 0,
        fuel: 0,
        memory: 0,
        compiler: None,
        timing: None,
        limits: usage::of(limits, None),
        calls: case.steps.iter().map(call).collect(),
        host_calls: Vec::new(),
        host_calls_left_out: 0,
        answer: None,
        requests: Vec::new(),
        requests_left_out: 0,
        wrote: None,
    }
}
