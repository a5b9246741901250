//! Smoke cases that run a command: its bytes compared with those that are expected.

use super::settle::{Told, settle};
use super::{Ran, differences, run_command};
use crate::component::Component;
use crate::config::{Case, CommandCase};
use crate::diagnostic::{Code, Diagnostic, WitPath, Wrote};
use crate::judge::JudgeError;
use crate::judge::trial::{Terms, Trial, advice, entry};
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
}

impl Told for Session<'_> {
    /// What is to be recorded may be anything.
    fn mismatches(&self, ran: &Ran, path: &WitPath, terms: Terms<'_>) -> Vec<Diagnostic> {
        if let Some(index) = self.flooded {
            let message =
                format!("it wrote more than {} bytes to {}", self.most[index], STREAMS[index]);
            let finding = Diagnostic::error(Code::OutputLimit, message).at(path.clone());
            return vec![finding.help(advice(Code::OutputLimit))];
        }
        let mut findings = Vec::new();
        if terms.record {
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

    fn unlike(&self, _: &Ran, again: &Self, _: &Ran) -> Vec<String> {
        let streams = self.wrote.iter().zip(&again.wrote);
        streams.flat_map(|(first, then)| differences(first, then)).collect()
    }

    fn wrote(&self, ran: &Ran) -> Option<Wrote> {
        ran.exit_code.map(|exit_code| Wrote { exit_code, streams: self.wrote.clone() })
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
    let entry = entry(component, cases.first().map(|(case, _)| *case), terms)?;
    let (limits, terminals) = (terms.limits.clone(), [false; 3]);
    let job = CommandJob { entry, runs, limits, terminals, watched: true };
    let (ran, sandbox) = run_command(component, &job, terms, &mut |run, said| {
        sessions.get_mut(run).map_or(Answer::Stop, |session| session.answer(said))
    })?;

    let cases: Vec<&Case> = cases.iter().map(|(case, _)| *case).collect();
    Ok(settle(&cases, ran, &sessions, sandbox, terms))
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
