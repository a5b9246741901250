//! `--report FORMAT=PATH`: one judgement in as many formats as are wanted.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anstream::adapter::strip_str;
use clap::Args;

use super::{Common, Failure, Format, print, status_of, write_whole};
use crate::diagnostic::{Report, Severity};
use crate::render::text::{self, Detail};
use crate::render::{clean, github, gitlab, json, junit, markdown, ndjson, sarif, trace};
use crate::world::nearest;

/// The variable in which GitHub names the file for the summary of a step.
const GITHUB_STEP_SUMMARY: &str = "GITHUB_STEP_SUMMARY";

/// Reports beside the answer.
#[derive(Args)]
pub(super) struct Reports {
    /// Write a report to a file too, or to standard output where PATH is -, which moves the text to
    /// standard error; may be repeated. FORMAT is text, json, ndjson, sarif, junit, github,
    /// github-summary, gitlab or markdown. github is for standard output, and adds a summary to the
    /// file that $GITHUB_STEP_SUMMARY names
    #[arg(long = "report", value_name = "FORMAT=PATH")]
    wanted: Vec<Wanted>,
}

/// One of them.
#[derive(Clone)]
struct Wanted {
    kind: Kind,
    path: PathBuf,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Json,
    Ndjson,
    Sarif,
    Junit,
    Github,
    GithubSummary,
    Gitlab,
    Markdown,
    /// `--trace`
    Trace,
}

const KINDS: &[(&str, Kind)] = &[
    ("text", Kind::Text),
    ("json", Kind::Json),
    ("ndjson", Kind::Ndjson),
    ("sarif", Kind::Sarif),
    ("junit", Kind::Junit),
    ("github", Kind::Github),
    ("github-summary", Kind::GithubSummary),
    ("gitlab", Kind::Gitlab),
    ("markdown", Kind::Markdown),
];

impl FromStr for Wanted {
    type Err = String;

    fn from_str(word: &str) -> Result<Wanted, String> {
        let names = || KINDS.iter().map(|(name, _)| *name);
        let (format, path) = word.split_once('=').unwrap_or((word, ""));
        let Some((_, kind)) = KINDS.iter().find(|(name, _)| *name == format) else {
            return Err(match nearest(format, names()) {
                Some(near) => format!("there is no format `{format}`; did you mean `{near}`?"),
                None => {
                    let all: Vec<&str> = names().collect();
                    format!("there is no format `{format}`; there are {}", all.join(", "))
                }
            });
        };
        if path.is_empty() {
            return Err(format!(
                "where to? write `{format}=PATH`, or `{format}=-` for standard output"
            ));
        }
        Ok(Wanted { kind: *kind, path: path.into() })
    }
}

impl Wanted {
    fn is_stdout(&self) -> bool {
        self.path.as_os_str() == "-"
    }
}

impl Reports {
    /// Adds what `--trace` asks for.
    pub(super) fn trace_to(&mut self, path: Option<PathBuf>) {
        self.wanted.extend(path.map(|path| Wanted { kind: Kind::Trace, path }));
    }

    /// Whether they can all be written as they are asked for, as far as that can be known before
    /// anything is judged.
    pub(super) fn check(&self, common: &Common) -> Result<(), Failure> {
        let usage = |text: String| Err(Failure::usage(anyhow::anyhow!(text)));
        for (index, wanted) in self.wanted.iter().enumerate() {
            let path = wanted.path.display();
            if self.wanted[..index].iter().any(|other| other.path == wanted.path) {
                return usage(format!("--report: two reports cannot both go to {path}"));
            }
            if wanted.is_stdout() && common.format == Format::Json {
                return usage(
                    "--report: a report and --format json cannot both go to standard output; \
                     leave out --format"
                        .to_owned(),
                );
            }
        }
        Ok(())
    }

    /// Whether NDJSON goes to standard output, where it may go as it comes.
    pub(super) fn streams(&self) -> bool {
        self.wanted.iter().any(|wanted| wanted.kind == Kind::Ndjson && wanted.is_stdout())
    }

    /// Prints a report, writes it in all formats, and returns its exit status. `streamed` lines of
    /// NDJSON stand on standard output already.
    ///
    /// # Errors
    ///
    /// What could not be written, after all the others were.
    pub(super) fn verdicts(
        &self,
        common: &Common,
        report: &Report,
        fail_on: Severity,
        streamed: Result<usize, Failure>,
    ) -> Result<u8, Failure> {
        let mut failures = Vec::new();
        let streamed = match streamed {
            Ok(streamed) => Some(streamed),
            Err(failure) => {
                failures.push(failure);
                None
            }
        };
        if self.wanted.iter().any(Wanted::is_stdout) {
            let text = text::report(report, common.detail());
            let _ = anstream::stderr().write_all(text.as_bytes());
        } else if let Err(failure) = common.print(report, text::report) {
            failures.push(failure);
        }
        for wanted in &self.wanted {
            let streamed = match (wanted.kind == Kind::Ndjson && wanted.is_stdout(), streamed) {
                (true, None) => continue,
                (true, Some(streamed)) => streamed,
                (false, _) => 0,
            };
            if let Err(failure) = wanted.write(report, fail_on, streamed) {
                failures.push(failure);
            }
        }
        let summary = self.wanted.iter().any(|wanted| wanted.kind == Kind::GithubSummary);
        let github = self.wanted.iter().any(|wanted| wanted.kind == Kind::Github);
        if let (true, false, Some(path)) = (github, summary, std::env::var_os(GITHUB_STEP_SUMMARY))
            && !path.is_empty()
            && let Err(failure) = add_summary(Path::new(&path), report)
        {
            failures.push(failure);
        }
        let mut errors = failures.into_iter().map(|failure| failure.error.to_string());
        match errors.next() {
            None => Ok(status_of(report, fail_on)),
            Some(first) => {
                let all = errors.fold(first, |all, error| format!("{all}\n{error}"));
                Err(Failure::internal(anyhow::anyhow!(all)))
            }
        }
    }
}

impl Wanted {
    fn write(&self, report: &Report, fail_on: Severity, streamed: usize) -> Result<(), Failure> {
        if self.kind == Kind::GithubSummary && !self.is_stdout() {
            return add_summary(&self.path, report);
        }
        let text = self.text(report, fail_on, streamed)?;
        if self.is_stdout() {
            return print(&text);
        }
        write_whole(&self.path, text.as_bytes())
    }

    fn text(&self, report: &Report, fail_on: Severity, streamed: usize) -> Result<String, Failure> {
        let here = std::env::current_dir().unwrap_or_default();
        match self.kind {
            Kind::Text => Ok(strip_str(&text::report(report, Detail::Normal)).to_string()),
            Kind::Json => json::json(report).map_err(Failure::internal),
            Kind::Ndjson => ndjson::ndjson(report, streamed).map_err(Failure::internal),
            Kind::Sarif => sarif::sarif(report, &here).map_err(Failure::internal),
            Kind::Junit => junit::junit(report, fail_on).map_err(Failure::internal),
            Kind::Github => Ok(github::github(report, &here)),
            Kind::GithubSummary => Ok(markdown::markdown(report, github::SUMMARY_BYTES)),
            Kind::Gitlab => gitlab::gitlab(report, &here).map_err(Failure::internal),
            Kind::Markdown => Ok(markdown::markdown(report, usize::MAX)),
            Kind::Trace => {
                let plugins = report.plugins.iter();
                let cases = plugins.flat_map(|p| p.cases.iter().map(|case| (p.id.as_str(), case)));
                trace::trace(cases).map_err(Failure::internal)
            }
        }
    }
}

/// Adds a summary to what the file has already, of other commands of the same step: whole, or where
/// that fails, not at all. Together they keep to GitHub's limit, beyond which it would show nothing of
/// them; where there is no room left, standard error says so.
fn add_summary(path: &Path, report: &Report) -> Result<(), Failure> {
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new().append(true).create(true).open(path)?;
        let before = file.metadata()?.len();
        let used = usize::try_from(before).unwrap_or(usize::MAX);
        let room = github::SUMMARY_BYTES.saturating_sub(used);
        let text = markdown::markdown(report, room);
        if text.len() > room {
            let path = clean(&path.to_string_lossy());
            let said = format!("{path}: no summary was added: it is as long as GitHub allows\n");
            let _ = anstream::stderr().write_all(said.as_bytes());
            return Ok(());
        }
        let added = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
        if added.is_err() {
            let _ = file.set_len(before);
        }
        added
    };
    write().map_err(|error| {
        Failure::internal(anyhow::anyhow!("{} cannot be added to: {error}", path.display()))
    })
}
