//! Smoke cases that run a command: its bytes compared with those that are expected.

use super::{Ran, differences, run_command};
use crate::component::Component;
use crate::config::{Case, CommandCase};
use crate::diagnostic::{CaseReport, Code, Diagnostic, WitPath, Wrote};
use crate::judge::JudgeError;
use crate::judge::trial::{Terms, Trial, advice, measured};
use crate::sandbox::{Answer, Said, Stream};
use crate::smoke::{CommandJob, Folder, Launch};

/// One run, as far as it went.
struct Session<'c> {
    case: &'c CommandCase,
    read: usize,
    /// What it wrote to standard output and to standard error.
    wrote: [Vec<u8>; 2],
    /// How much of each is kept, in bytes: what the limits say, and at least what is expected.
    most: [usize; 2],
    /// The stream that got more than that.
    flooded: Option<usize>,
}

/// The streams, for people.
const STREAMS: [&str; 2] = ["standard output", "standard error"];

impl Session<'_> {
    fn answer(&mut self, said: Said<'_>) -> Answer {
        match said {
            Said::Line(_) => Answer::Nothing,
            Said::Wants { max } => {
                let rest = &self.case.stdin[self.read..];
                let bytes = rest[..rest.len().min(max)].to_vec();
                self.read += bytes.len();
                Answer::Input(bytes)
            }
            Said::Wrote { stream, bytes } => {
                let index = usize::from(stream == Stream::Error);
                let room = self.most[index] - self.wrote[index].len();
                self.wrote[index].extend_from_slice(&bytes[..bytes.len().min(room)]);
                if bytes.len() > room {
                    self.flooded = Some(index);
                    return Answer::Stop;
                }
                Answer::Taken
            }
        }
    }

    /// Holds it against what the case expects; what is to be recorded may be anything.
    fn mismatches(&self, ran: &Ran, path: &WitPath, record: bool) -> Vec<Diagnostic> {
        if let Some(index) = self.flooded {
            let message =
                format!("it wrote more than {} bytes to {}", self.most[index], STREAMS[index]);
            let finding = Diagnostic::error(Code::OutputLimit, message).at(path.clone());
            return vec![finding.help(advice(Code::OutputLimit))];
        }
        let mut findings = Vec::new();
        if record {
            return findings;
        }
        let mut find = |part, message: String, notes| {
            let mut finding = Diagnostic::error(Code::SmokeMismatch, message)
                .at(path.then(part, None))
                .help(advice(Code::SmokeMismatch));
            finding.notes = notes;
            findings.push(finding);
        };
        if let Some(code) = ran.exit_code.filter(|code| *code != self.case.exit_code) {
            let mut notes = Vec::new();
            if let Some(said) = String::from_utf8_lossy(&self.wrote[1]).lines().next_back() {
                notes.push(format!("it said: {}", said.chars().take(200).collect::<String>()));
            }
            let message = format!("it exited with {code}; expected is {}", self.case.exit_code);
            find("exit code", message, notes);
        }
        let expected = [&self.case.stdout, &self.case.stderr];
        for ((part, expected), wrote) in STREAMS.into_iter().zip(expected).zip(&self.wrote) {
            let Some(expected) = expected else { continue };
            let notes = differences(expected, wrote);
            if !notes.is_empty() {
                find(part, "it wrote something else than expected".to_owned(), notes);
            }
        }
        findings
    }
}

/// Runs cases of commands against a component, each in a fresh instance, in worker processes.
///
/// # Errors
///
/// As [`run_command`].
pub fn run_command_cases(
    component: &Component,
    cases: &[(&Case, &CommandCase)],
    terms: Terms<'_>,
) -> Result<Trial, JudgeError> {
    let mut sessions: Vec<Session<'_>> = Vec::new();
    let mut runs = Vec::new();
    for (case, command) in cases {
        // One that is to run twice does so in a row.
        for _ in 0..=usize::from(case.twice) {
            let limit = usize::try_from(terms.limits.output).unwrap_or(usize::MAX);
            let most = [&command.stdout, &command.stderr]
                .map(|expected| expected.as_ref().map_or(0, |bytes| bytes.len()).max(limit));
            let wrote = Default::default();
            sessions.push(Session { case: command, read: 0, wrote, most, flooded: None });
            runs.push(launch(terms.id, command));
        }
    }
    let job = CommandJob { runs, limits: terms.limits.clone(), terminals: [false; 3] };
    let (ran, sandbox) = run_command(&component.bytes, &job, terms, &mut |run, said| {
        sessions.get_mut(run).map_or(Answer::Stop, |session| session.answer(said))
    })?;

    let mut trial = Trial { sandbox, ..Trial::default() };
    let mut done = ran.into_iter().zip(&sessions);
    for (case, _) in cases {
        let Some((ran, session)) = done.next() else { break };
        let path = WitPath::root("smoke case", &case.name);
        let mut findings: Vec<Diagnostic> =
            ran.diagnostics.iter().cloned().map(|finding| finding.at(path.clone())).collect();
        findings.extend(session.mismatches(&ran, &path, terms.record));
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
        trial.cases.push(CaseReport {
            name: case.name.clone(),
            passed: findings.iter().all(|finding| finding.code == Code::StaleBaseline),
            steps: usize::from(ran.exit_code.is_some()),
            fuel,
            memory: ran.memory.unwrap_or(0),
            compiler: ran.compiler,
            limits: ran.limits,
            calls: Vec::new(),
            host_calls: Vec::new(),
            host_calls_left_out: 0,
            answer: None,
            requests: Vec::new(),
            requests_left_out: 0,
            wrote: ran
                .exit_code
                .filter(|_| terms.record)
                .map(|exit_code| Wrote { exit_code, streams: session.wrote.clone() }),
        });
        trial.diagnostics.extend(findings);
    }
    Ok(trial)
}

fn launch(name: &str, case: &CommandCase) -> Launch {
    let folders = case.dirs.iter().map(|(host, guest)| Folder {
        host: host.clone(),
        guest: guest.clone(),
        writable: false,
    });
    Launch {
        name: name.to_owned(),
        args: case.args.clone(),
        env: case.env.clone(),
        folders: folders.collect(),
        stdin: Vec::new(),
    }
}

/// What is not the same in two runs.
fn unlike(first: (&Ran, &Session<'_>), second: (&Ran, &Session<'_>)) -> Vec<String> {
    let mut notes = Vec::new();
    for index in 0..2 {
        notes.extend(differences(&first.1.wrote[index], &second.1.wrote[index]));
    }
    let figures = [
        ("exit code", first.0.exit_code.map(u64::from), second.0.exit_code.map(u64::from)),
        ("fuel", first.0.fuel, second.0.fuel),
        ("memory", first.0.memory, second.0.memory),
    ];
    for (what, first, second) in figures {
        if first != second {
            let shown = |figure: Option<u64>| figure.map_or("none".to_owned(), |f| f.to_string());
            notes.push(format!("{what}: {}, then {}", shown(first), shown(second)));
        }
    }
    notes.extend(second.0.diagnostics.iter().map(|finding| finding.message.clone()));
    notes
}
