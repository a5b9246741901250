//! Arguments in, report out. The only room that prints or decides an exit status.

mod adapt;
mod cache;
mod check;
mod completions;
mod compose;
mod diff;
mod explain;
mod gate;
mod init;
mod inspect;
mod merge;
mod progress;
mod record;
mod reports;
mod run;
mod stream;
mod verdicts;
mod whole;
mod worker;

use std::io::{self, Write};
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};
use serde::Serialize;

use crate::config::{self, ConfigError, Host};
use crate::diagnostic::{Diagnostic, Report, Severity, Verdict};
use crate::render::json;
use crate::render::text::{self, Detail};
use crate::sandbox::WORKER_ARGUMENT;
use whole::write_whole;
use worker::Worker;

/// What every command's help says of its exit status.
const EXIT_STATUS: &str = "\
Exit status:
  0  judged, and nothing weighs as much as --fail-on
  1  judged, with findings; a file that is missing, broken or misbehaves is a finding
  2  wrong usage or configuration
  3  could not judge: something broke; nothing that was not judged ever passes";

/// Says what WebAssembly plugins are, whether they fit a host, and whether they run.
#[derive(Parser)]
#[command(name = "plugtool", version, max_term_width = 100, after_help = EXIT_STATUS)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Say what files are: kind, size, digest, imports, exports, toolchain
    Inspect(inspect::Inspect),
    /// Check components against a host's world
    Check(check::Check),
    /// Make one component out of several
    Compose(compose::Compose),
    /// Say what changed between two worlds, and whom it breaks
    Diff(diff::Diff),
    /// Make a component out of a core module
    Adapt(adapt::Adapt),
    /// Run a command, call functions or run smoke cases, in a worker process with limits
    Run(run::Run),
    /// Judge every plugin of a list: check, adapt, compose, run the smoke cases
    Gate(gate::Gate),
    /// Join the JSON reports of partitions into the report of the whole
    Merge(merge::Merge),
    /// Write a first host folder for a world
    Init(init::Init),
    /// Explain a diagnostic code, or list them all
    Explain(explain::Explain),
    /// Write what completes commands in a shell
    Completions(completions::Completions),
    #[command(name = WORKER_ARGUMENT, hide = true)]
    Worker(Worker),
}

/// What every command takes.
#[derive(Args)]
struct Common {
    /// How to write the answer
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
    /// The least severity that makes the exit status 1
    #[arg(long, value_name = "SEVERITY", default_value = "error")]
    fail_on: FailOn,
    /// Say nothing but findings
    #[arg(short, long, conflicts_with = "verbose")]
    quiet: bool,
    /// Say more: digests, costs, signatures
    #[arg(short, long)]
    verbose: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For programs; each has a schema field
    Json,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FailOn {
    Error,
    Warning,
}

impl Common {
    fn detail(&self) -> Detail {
        match (self.quiet, self.verbose) {
            (true, _) => Detail::Quiet,
            (_, true) => Detail::Verbose,
            _ => Detail::Normal,
        }
    }

    fn fail_on(&self) -> Severity {
        match self.fail_on {
            FailOn::Error => Severity::Error,
            FailOn::Warning => Severity::Warning,
        }
    }

    /// Prints a report: as text by `text`, or as JSON.
    fn print<T: Serialize>(
        &self,
        report: &T,
        text: impl FnOnce(&T, Detail) -> String,
    ) -> Result<(), Failure> {
        let rendered = match self.format {
            Format::Text => text(report, self.detail()),
            Format::Json => json::json(report).map_err(Failure::internal)?,
        };
        print(&rendered)
    }

    /// The exit status for findings that stand on their own.
    fn status(&self, findings: &[Diagnostic]) -> u8 {
        u8::from(findings.iter().any(|finding| finding.severity >= self.fail_on()))
    }

    /// Prints the report of `check` or `gate`, and returns its exit status.
    fn verdicts(&self, report: &Report) -> Result<u8, Failure> {
        self.print(report, text::report)?;
        Ok(status_of(report, self.fail_on()))
    }
}

/// The exit status for the findings and verdicts of a report.
fn status_of(report: &Report, fail_on: Severity) -> u8 {
    let any = |verdict| report.plugins.iter().any(|plugin| plugin.verdict == verdict);
    if any(Verdict::Unjudged) {
        3
    } else {
        let found = report.diagnostics.iter().any(|finding| finding.severity >= fail_on);
        u8::from(any(Verdict::Fail) || found)
    }
}

/// Where the host is.
#[derive(Args)]
struct HostArgs {
    /// The host folder, or its plugtool.toml [default: plugtool.toml here]
    #[arg(long, value_name = "DIR|FILE", conflicts_with_all = ["wit", "world", "feature", "provides"])]
    host: Option<PathBuf>,
    /// WIT instead of a host folder: a directory, a .wit file, an encoded package, or a component
    #[arg(long, value_name = "WIT")]
    wit: Vec<PathBuf>,
    /// The world to target out of --wit; one of them where several are named; may be left out
    /// where there is only one
    #[arg(long, value_name = "NAME", requires = "wit")]
    world: Vec<String>,
    /// A feature whose @unstable items are part of --wit; may be repeated
    #[arg(long, value_name = "NAME", requires = "wit")]
    feature: Vec<String>,
    /// What the host links beside the world of --wit: wasi, or the name of a world whose imports it
    /// links, as in wasi:clocks/imports@0.2.12
    #[arg(long, value_name = "PACKAGE", requires = "wit")]
    provides: Vec<String>,
}

impl HostArgs {
    fn named(&self) -> bool {
        self.host.is_some() || !self.wit.is_empty()
    }

    fn load(&self) -> Result<Host, Failure> {
        if self.wit.is_empty() {
            return load_host(self.host.as_deref(), ", or a world with --wit and --world");
        }
        Ok(config::from_world(&self.wit, &self.feature, &self.world, &self.provides)?)
    }
}

/// The host of this folder or file; `plugtool.toml` here where none is named. Never one from a
/// folder above, nor from beside a plugin: those could be anybody's.
fn load_host(named: Option<&Path>, or_else: &str) -> Result<Host, Failure> {
    let here = Path::new("plugtool.toml");
    match named {
        Some(path) => Ok(config::load(path)?),
        None if here.is_file() => Ok(config::load(here)?),
        None => Err(Failure::usage(anyhow::anyhow!(
            "no host: there is no plugtool.toml here; name a host folder with --host{or_else}"
        ))),
    }
}

/// Why there is no report: the exit status, and what to say on standard error.
struct Failure {
    status: u8,
    error: anyhow::Error,
}

impl Failure {
    fn usage(error: impl Into<anyhow::Error>) -> Failure {
        Failure { status: 2, error: error.into() }
    }

    fn internal(error: impl Into<anyhow::Error>) -> Failure {
        Failure { status: 3, error: error.into() }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Failure {
        Failure::usage(error)
    }
}

/// The program: reads the arguments of the process, prints, and returns the exit status.
pub fn main() -> ExitCode {
    // What a panic says may quote a submitted file.
    panic::set_hook(Box::new(|panic| {
        let said = crate::render::clean(&panic.to_string());
        let _ = writeln!(anstream::stderr(), "internal error: {said}");
    }));
    let command = Command::of_process();
    match contained(|| run(command)) {
        Ok(status) => ExitCode::from(status),
        Err(Failure { status, error }) => {
            // Configuration may quote a submitted file; line breaks are this program's own.
            let text = format!("{error:#}");
            let lines: Vec<String> = text.lines().map(crate::render::clean).collect();
            let _ = writeln!(anstream::stderr(), "error: {}", lines.join("\n"));
            ExitCode::from(status)
        }
    }
}

impl Command {
    /// What the arguments of this process say. A worker is started for every job, and by nobody but this
    /// program: what all the others have in options need not be described first.
    fn of_process() -> Command {
        let mut arguments = std::env::args_os().skip(1);
        match (arguments.next(), arguments.next()) {
            (Some(first), None) if first == WORKER_ARGUMENT => Command::Worker(Worker::default()),
            _ => Cli::parse().command,
        }
    }
}

/// A panic that got as far as this is one more way of not being able to judge.
fn contained(work: impl FnOnce() -> Result<u8, Failure>) -> Result<u8, Failure> {
    panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        Err(Failure::internal(anyhow::anyhow!("plugtool itself panicked; nothing was decided")))
    })
}

fn run(command: Command) -> Result<u8, Failure> {
    match command {
        Command::Inspect(command) => command.run(),
        Command::Check(command) => command.run(),
        Command::Compose(command) => command.run(),
        Command::Diff(command) => command.run(),
        Command::Adapt(command) => command.run(),
        Command::Run(command) => command.run(),
        Command::Gate(command) => command.run(),
        Command::Merge(command) => command.run(),
        Command::Init(command) => command.run(),
        Command::Completions(command) => command.run(),
        Command::Explain(command) => command.run(),
        Command::Worker(command) => command.run(),
    }
}

/// Writes to standard output. A reader that has gone away is no failure: it has seen enough.
fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = anstream::stdout();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => {
            Err(Failure::internal(anyhow::Error::new(error).context("writing to standard output")))
        }
        Ok(()) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Failure, contained};

    #[test]
    fn a_panic_is_no_verdict() {
        let status = |work: fn() -> Result<u8, Failure>| match contained(work) {
            Ok(status) | Err(Failure { status, .. }) => status,
        };
        assert_eq!(status(|| Ok(1)), 1);
        assert_eq!(status(|| panic!("it broke")), 3);
    }
}
