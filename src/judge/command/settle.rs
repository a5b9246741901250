//! Runs that had streams, of commands and of handlers, into the reports of their cases.

use super::{Ran, Streamed};
use crate::config::Case;
use crate::diagnostic::{CaseReport, Code, Diagnostic, Timing, WitPath, Wrote};
use crate::judge::trial::{Terms, Trial, advice, measured, passes};

/// What passed through the streams of a run, held against what its case expects.
pub trait Told {
    /// What is not as it is expected.
    fn mismatches(&self, ran: &Ran, path: &WitPath, terms: Terms<'_>) -> Vec<Diagnostic>;

    /// What a second run did in another way, beside its figures.
    fn unlike(&self, ran: &Ran, again: &Self, second: &Ran) -> Vec<String>;

    /// What was written, where that is to be recorded.
    fn wrote(&self, _: &Ran) -> Option<Wrote> {
        None
    }
}

/// The report of each case that was begun. One that is to run twice has two runs.
pub fn settle<T: Told>(cases: &[&Case], streamed: Streamed, told: &[T], terms: Terms<'_>) -> Trial {
    let Streamed { ran, sandbox, failure } = streamed;
    let mut trial = Trial { sandbox, failure, ..Trial::default() };
    let mut done = ran.into_iter().zip(told).peekable();
    for case in cases {
        let Some((ran, told)) = done.next() else { break };
        let path = WitPath::root("smoke case", &case.name);
        let mut findings: Vec<Diagnostic> =
            ran.diagnostics.iter().cloned().map(|finding| finding.at(path.clone())).collect();
        findings.extend(told.mismatches(&ran, &path, terms));
        let second = done.next_if(|_| case.twice);
        if case.twice && second.is_none() && findings.is_empty() {
            // Something broke in between, and one run is not what the case asks for.
            break;
        }
        let timings = [ran.timing, second.as_ref().and_then(|(second, _)| second.timing)];
        if let Some((second, again)) = &second
            && findings.is_empty()
        {
            let mut notes = told.unlike(&ran, again, second);
            notes.extend(figures(&ran, second));
            if !notes.is_empty() {
                let message = "its second run went another way than the first".to_owned();
                let mut finding = Diagnostic::error(Code::Nondeterministic, message)
                    .at(path.clone())
                    .help(advice(Code::Nondeterministic));
                finding.notes = notes;
                findings.push(finding);
            }
        }
        let fuel = ran.fuel.unwrap_or(0);
        if findings.is_empty() {
            findings.extend(measured(case, terms, fuel, ran.compiler));
        }
        let (requests, requests_left_out) = ran.requests.clone();
        trial.cases.push(CaseReport {
            name: case.name.clone(),
            passed: passes(&findings),
            steps: usize::from(ran.fuel.is_some()),
            fuel,
            memory: ran.memory.unwrap_or(0),
            compiler: ran.compiler,
            timing: timings.into_iter().flatten().reduce(Timing::and),
            wrote: told.wrote(&ran).filter(|_| terms.record),
            limits: ran.limits,
            answer: ran.answer,
            requests,
            requests_left_out,
            calls: Vec::new(),
            host_calls: Vec::new(),
            host_calls_left_out: 0,
        });
        trial.diagnostics.extend(findings);
    }
    trial
}

/// Figures in which two runs differ, and what went wrong in the second alone.
fn figures(first: &Ran, second: &Ran) -> Vec<String> {
    let pairs = [
        ("exit code", first.exit_code.map(u64::from), second.exit_code.map(u64::from)),
        ("fuel", first.fuel, second.fuel),
        ("memory", first.memory, second.memory),
    ];
    let shown = |figure: Option<u64>| figure.map_or("none".to_owned(), |f| f.to_string());
    let mut notes: Vec<String> = pairs
        .into_iter()
        .filter(|(_, first, second)| first != second)
        .map(|(what, first, second)| format!("{what}: {}, then {}", shown(first), shown(second)))
        .collect();
    notes.extend(second.diagnostics.iter().map(|finding| finding.message.clone()));
    notes
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Limits;
    use crate::judge::JudgeError;

    struct Nothing;

    impl Told for Nothing {
        fn mismatches(&self, _: &Ran, _: &WitPath, _: Terms<'_>) -> Vec<Diagnostic> {
            Vec::new()
        }

        fn unlike(&self, _: &Ran, _: &Self, _: &Ran) -> Vec<String> {
            Vec::new()
        }
    }

    fn settled(ran: Vec<Ran>) -> Trial {
        let case = |name: &str| {
            let mut case = Case::default();
            name.clone_into(&mut case.name);
            case.twice = name == "b";
            case
        };
        let cases = [case("a"), case("b")];
        let limits = Limits::default();
        let worker = Path::new("");
        let terms = Terms {
            id: "x",
            target: None,
            limits: &limits,
            unscripted: false,
            record: false,
            worker,
            code: None,
            require_sandbox: false,
        };
        let failure = Some(JudgeError::Internal("it broke".to_owned()));
        let streamed = Streamed { ran, sandbox: None, failure };
        settle(&cases.each_ref(), streamed, &[Nothing, Nothing, Nothing], terms)
    }

    /// What broke in the middle is told beside what was known before, and a case that is to run twice has not
    /// passed by one run.
    #[test]
    fn what_was_known_stays_and_half_a_case_is_none() {
        let ended = || Ran { fuel: Some(1), ..Ran::default() };
        let finding = Diagnostic::error(Code::Trap, "it trapped".to_owned());
        let trapped = || Ran { diagnostics: vec![finding.clone()], ..Ran::default() };
        let passed = |trial: &Trial| trial.cases.iter().map(|case| case.passed).collect::<Vec<_>>();

        let trial = settled(vec![trapped(), ended()]);
        assert_eq!(passed(&trial), [false]);
        assert_eq!(trial.diagnostics.len(), 1);
        assert!(trial.failure.is_some());
        assert_eq!(passed(&settled(vec![ended(), trapped()])), [true, false]);
        assert_eq!(passed(&settled(vec![ended(), ended(), ended()])), [true, true]);
    }
}
