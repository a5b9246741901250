//! Smoke cases that send a request to a handler: what it answers is compared with what is expected.

use super::JudgeError;
use super::command::{Part, Ran, differences, run_streaming};
use super::trial::{Terms, Trial, advice, measured};
use crate::component::Component;
use crate::config::{Case, HttpCase};
use crate::diagnostic::{CaseReport, Code, Diagnostic, HttpAnswer, WitPath};
use crate::sandbox::{Answer, Said, Stream};
use crate::smoke::{HttpJob, Visit};

/// One request, as far as it went.
struct Session<'c> {
    case: &'c HttpCase,
    /// How much of the request's body was sent.
    sent: usize,
    /// The body of the answer.
    got: Vec<u8>,
    /// How much of it is kept, in bytes: what the limits say, and at least what is expected.
    most: usize,
    /// Whether there was more.
    flooded: bool,
}

impl Session<'_> {
    fn answer(&mut self, said: Said<'_>) -> Answer {
        match said {
            Said::Line(_) => Answer::Nothing,
            Said::Wants { max } => {
                let rest = &self.case.body[self.sent..];
                let bytes = rest[..rest.len().min(max)].to_vec();
                self.sent += bytes.len();
                Answer::Input(bytes)
            }
            Said::Wrote { stream: Stream::Output, bytes } => {
                let room = self.most - self.got.len();
                self.got.extend_from_slice(&bytes[..bytes.len().min(room)]);
                if bytes.len() > room {
                    self.flooded = true;
                    return Answer::Stop;
                }
                Answer::Taken
            }
            // What a handler writes there itself stays in the worker.
            Said::Wrote { .. } => Answer::Closed,
        }
    }

    /// Holds it against what the case expects.
    fn mismatches(&self, ran: &Ran, path: &WitPath) -> Vec<Diagnostic> {
        if self.flooded {
            let message = format!("the body of its answer has more than {} bytes", self.most);
            let finding = Diagnostic::error(Code::OutputLimit, message).at(path.clone());
            return vec![finding.help(advice(Code::OutputLimit))];
        }
        let mut findings = Vec::new();
        let mut find = |part: (&'static str, Option<&str>), message: String, notes| {
            let mut finding = Diagnostic::error(Code::SmokeMismatch, message)
                .at(path.then(part.0, part.1))
                .help(advice(Code::SmokeMismatch));
            finding.notes = notes;
            findings.push(finding);
        };
        let Some(answer) = &ran.answer else { return findings };
        if answer.status != self.case.status {
            let message =
                format!("it answered with {}; expected is {}", answer.status, self.case.status);
            let mut notes = Vec::new();
            let body = String::from_utf8_lossy(&self.got);
            if let Some(line) = body.lines().find(|line| !line.trim().is_empty()) {
                notes.push(format!("it said: {}", line.chars().take(200).collect::<String>()));
            }
            find(("status", None), message, notes);
        }
        for (name, expected) in &self.case.headers {
            let got = values(answer, name);
            let wrong = match expected {
                None => got.is_empty(),
                Some(expected) => got != *expected,
            };
            if wrong {
                let expected = expected.as_ref().map_or("any value".to_owned(), |e| quoted(e));
                let notes =
                    vec![format!("expected {expected}"), format!("got      {}", quoted(&got))];
                let message = match got.as_slice() {
                    [] => "the answer does not have this header",
                    _ => "the header has another value than expected",
                };
                find(("header", Some(name)), message.to_owned(), notes);
            }
        }
        if let Some(expected) = &self.case.expected {
            let notes = differences(expected, &self.got);
            // What broke off in the middle differs, of course.
            if !notes.is_empty() && ran.diagnostics.is_empty() {
                find(("body", None), "it has another body than expected".to_owned(), notes);
            }
        }
        findings
    }
}

/// All values of a header, in their order.
fn values<'a>(answer: &'a HttpAnswer, name: &str) -> Vec<&'a str> {
    let of_name = answer.headers.iter().filter(|(known, _)| known == name);
    of_name.map(|(_, value)| value.as_str()).collect()
}

fn quoted<T: AsRef<str>>(values: &[T]) -> String {
    const WIDTH: usize = 200;
    let shown = |value: &T| {
        let text = value.as_ref();
        match text.char_indices().nth(WIDTH) {
            Some((end, _)) => format!("{:?} ...", &text[..end]),
            None => format!("{text:?}"),
        }
    };
    match values {
        [] => "no such header".to_owned(),
        values => values.iter().map(shown).collect::<Vec<_>>().join(", "),
    }
}

/// Sends the requests of cases to a component, each to a fresh instance, in worker processes.
///
/// # Errors
///
/// As [`super::run_command`].
pub fn run_http_cases(
    component: &Component,
    cases: &[(&Case, &HttpCase)],
    terms: Terms<'_>,
) -> Result<Trial, JudgeError> {
    let mut sessions: Vec<Session<'_>> = Vec::new();
    let mut runs: Vec<&Case> = Vec::new();
    let mut visits = Vec::new();
    for (case, http) in cases {
        // One that is to run twice does so in a row.
        for _ in 0..=usize::from(case.twice) {
            let limit = usize::try_from(terms.limits.output).unwrap_or(usize::MAX);
            let most = http.expected.as_ref().map_or(0, |bytes| bytes.len()).max(limit);
            sessions.push(Session { case: http, sent: 0, got: Vec::new(), most, flooded: false });
            runs.push(case);
            visits.push(Visit {
                request: http.request.clone(),
                outside: case.outside.clone(),
                files: case.files.iter().map(|file| file.bytes.len()).collect(),
            });
        }
    }
    let order = |first: usize| {
        let job = HttpJob { visits: visits[first..].to_vec(), limits: terms.limits.clone() };
        let files = runs[first..].iter().flat_map(|case| &case.files).map(|file| &file.bytes[..]);
        let body = std::iter::once(component.bytes.as_slice()).chain(files).collect();
        let (read, write) = (Vec::new(), Vec::new());
        Ok(Part { header: serde_json::to_string(&job)?, body, read, write })
    };
    let (ran, sandbox) = run_streaming(runs.len(), &order, terms, &mut |run, said| {
        sessions.get_mut(run).map_or(Answer::Stop, |session| session.answer(said))
    })?;

    let mut trial = Trial { sandbox, ..Trial::default() };
    let mut done = ran.into_iter().zip(&sessions);
    for (case, _) in cases {
        let Some((ran, session)) = done.next() else { break };
        let path = WitPath::root("smoke case", &case.name);
        let mut findings: Vec<Diagnostic> =
            ran.diagnostics.iter().cloned().map(|finding| finding.at(path.clone())).collect();
        findings.extend(session.mismatches(&ran, &path));
        if case.twice
            && let Some((again, second)) = done.next()
            && findings.is_empty()
        {
            let notes = unlike((&ran, session), (&again, second));
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
        let (requests, requests_left_out) = ran.requests;
        trial.cases.push(CaseReport {
            name: case.name.clone(),
            passed: findings.iter().all(|finding| finding.code == Code::StaleBaseline),
            steps: usize::from(ran.fuel.is_some()),
            fuel,
            memory: ran.memory.unwrap_or(0),
            compiler: ran.compiler,
            limits: ran.limits,
            calls: Vec::new(),
            host_calls: Vec::new(),
            host_calls_left_out: 0,
            answer: ran.answer,
            requests,
            requests_left_out,
            wrote: None,
        });
        trial.diagnostics.extend(findings);
    }
    Ok(trial)
}

/// What is not the same in two runs.
fn unlike(first: (&Ran, &Session<'_>), second: (&Ran, &Session<'_>)) -> Vec<String> {
    let mut notes = differences(&first.1.got, &second.1.got);
    if first.0.answer != second.0.answer {
        let shown = |answer: &Option<HttpAnswer>| match answer {
            Some(answer) => {
                let headers = answer.headers.iter().map(|(name, value)| format!("{name}: {value}"));
                let headers: Vec<String> = headers.take(10).collect();
                format!("{} {:?}", answer.status, headers)
            }
            None => "no answer".to_owned(),
        };
        notes.push(format!("head: {}", shown(&first.0.answer)));
        notes.push(format!("then: {}", shown(&second.0.answer)));
    }
    if first.0.requests != second.0.requests {
        notes.push("it made other requests".to_owned());
    }
    let figures =
        [("fuel", first.0.fuel, second.0.fuel), ("memory", first.0.memory, second.0.memory)];
    for (what, first, second) in figures {
        if first != second {
            let shown = |figure: Option<u64>| figure.map_or("none".to_owned(), |f| f.to_string());
            notes.push(format!("{what}: {}, then {}", shown(first), shown(second)));
        }
    }
    notes.extend(second.0.diagnostics.iter().map(|finding| finding.message.clone()));
    notes
}
