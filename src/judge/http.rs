//! Smoke cases that send a request to a handler: what it answers is compared with what is expected.

use super::JudgeError;
use super::command::{Part, Ran, Told, differences, run_streaming, settle};
use super::trial::{Source, Terms, Trial, advice, entry};
use crate::component::Component;
use crate::config::{Case, HttpCase};
use crate::diagnostic::{Code, Diagnostic, HttpAnswer, HttpExchange, WitPath};
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
}

impl Told for Session<'_> {
    fn mismatches(&self, ran: &Ran, path: &WitPath, _: Terms<'_>) -> Vec<Diagnostic> {
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

    fn unlike(&self, ran: &Ran, again: &Self, second: &Ran) -> Vec<String> {
        let mut notes = differences(&self.got, &again.got);
        if ran.answer != second.answer {
            let shown = |answer: &Option<HttpAnswer>| match answer {
                Some(answer) => {
                    let headers = answer.headers.iter().take(10);
                    let headers: Vec<String> =
                        headers.map(|(name, value)| format!("{name}: {value}")).collect();
                    format!("{} {headers:?}", answer.status)
                }
                None => "no answer".to_owned(),
            };
            notes.push(format!("head: {}", shown(&ran.answer)));
            notes.push(format!("then: {}", shown(&second.answer)));
        }
        if !are_alike(&ran.requests, &second.requests) {
            notes.push("it made other requests".to_owned());
        }
        notes
    }
}

/// Whether two runs sent the same requests, as far as they are told: of a later run that may be less.
fn are_alike(first: &(Vec<HttpExchange>, u64), second: &(Vec<HttpExchange>, u64)) -> bool {
    let all = |(told, more): &(Vec<HttpExchange>, u64)| told.len() as u64 + more;
    all(first) == all(second) && first.0.iter().zip(&second.0).all(|(a, b)| a == b)
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
/// What breaks is the trial's failure.
///
/// # Errors
///
/// [`JudgeError`] where the cases cannot be made in the component, before anything runs.
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
    let entry = entry(component, cases.first().map(|(case, _)| *case), terms)?;
    let order = |first: usize| {
        let (entry, visits) = (entry.clone(), visits[first..].to_vec());
        let job = HttpJob { entry, visits, limits: terms.limits.clone() };
        let files = runs[first..].iter().flat_map(|case| &case.files).map(|file| &file.bytes[..]);
        let (read, write) = (Vec::new(), Vec::new());
        Ok(Part { header: serde_json::to_string(&job)?, files: files.collect(), read, write })
    };
    let source = Source::of_calls(terms);
    let streamed = run_streaming(component, source, runs.len(), &order, terms, &mut |run, said| {
        sessions.get_mut(run).map_or(Answer::Stop, |session| session.answer(said))
    });

    let cases: Vec<&Case> = cases.iter().map(|(case, _)| *case).collect();
    Ok(settle(&cases, streamed, &sessions, terms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_run_of_which_less_is_told_is_alike() {
        let exchange = |status| HttpExchange { status: Some(status), ..HttpExchange::default() };
        let first = (vec![exchange(200), exchange(404)], 1);
        assert!(are_alike(&first, &first));
        assert!(are_alike(&first, &(vec![exchange(200)], 2)));
        assert!(!are_alike(&first, &(vec![exchange(201)], 2)));
        assert!(!are_alike(&first, &(vec![exchange(200)], 1)));
    }
}
