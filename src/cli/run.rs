//! `plugtool run`.

mod calls;
mod cases;
mod program;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{ArgGroup, Args};

use super::cache::CacheArguments;
use super::{Common, EXIT_STATUS, Failure, Format};
use crate::config::{Compiler, Limits, parse_bytes, parse_compiler, parse_duration};
use crate::judge::{JudgeError, Terms};

/// Run a WASI command, or call a component's functions, in a worker process with limits
///
/// Alone, the component is run as the program that it is: a component that exports wasi:cli/run, or a
/// core module for WASI preview 1. Standard input, what stands behind `--`, the variables and folders
/// that are named go in; standard output, standard error and the exit code come out as they are.
///
/// With --invoke, all calls are made one after the other in one fresh instance. What each call
/// returned is printed, a line each, in WAVE. With --smoke, the cases of a smoke file are run, each in an
/// instance of its own, and compared with what they expect.
///
/// With --host, the component is first made what the host would run, as `gate` does it: adapted, composed
/// with the host's adapters, its imports closed. Then come the calls of --invoke, the cases of --smoke, or
/// else the host's own cases, within the host's limits. No other flag reads a host's configuration, and
/// none is looked for.
///
/// A guest has WASI 0.2 and 0.3 but no network, no environment and no files but those that are granted. Its
/// clock moves only when it is looked at, a sleep takes no time, and its random numbers are the same in
/// every run. While it waits for its input, or for somebody to read its output, its time stands still.
#[derive(Args)]
#[command(group = ArgGroup::new("scripted").args(["invoke", "smoke", "host"]).multiple(true))]
#[command(after_help = EXIT_STATUS, after_long_help = format!("\
Examples:
  plugtool run wc.wasm --stdin notes.txt -- -l
  plugtool run tool.wasm --env LANG=C --dir docs::/docs --dir-rw out::/out < list.txt | head
  plugtool run plugin.wasm --invoke 'run([\"a\", \"b\"])'
  plugtool run plugin.wasm --invoke 'my:pkg/api#add(1, 2)' --fuel 1000000 --timeout 2s
  plugtool run plugin.wasm --invoke 'let s = session(@notes.txt)' --invoke 's.lines()'
  plugtool run plugin.wasm --smoke smoke.toml
  plugtool run plugin.wasm --smoke smoke.toml --record
  plugtool run plugin.wasm --host compositions/cli-host
  plugtool run plugin.wasm --host compositions/cli-host --invoke 'commands()'

{EXIT_STATUS}

A command that is run alone, without --format json, exits with its own code, and otherwise with:
  124  it ran out of time, or broke another limit
  125  it could not be run
  134  it trapped"))]
pub struct Run {
    /// The component: a path or `-`, binary or text; `NAME=PATH` gives it the name that smoke cases go by
    #[arg(value_name = "COMPONENT")]
    component: String,
    /// A call: FUNCTION(ARGUMENTS) or INTERFACE#FUNCTION(ARGUMENTS), in WAVE; may be repeated
    ///
    /// `@FILE` is what is in a file, as bytes or a string. `let s = session("x")` names the handle that a
    /// constructor or function returns, `s.feed(1)` calls a method of it. Handles are dropped at the end.
    #[arg(
        long,
        value_name = "CALL",
        conflicts_with_all = ["smoke", "stdin", "env", "dir", "dir_rw", "args"]
    )]
    invoke: Vec<String>,
    /// Run the cases of a smoke file that are for the component; may be repeated
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["stdin", "env", "dir", "dir_rw", "args"]
    )]
    smoke: Vec<PathBuf>,
    /// Run it as this host would: a host folder, or its plugtool.toml
    #[arg(
        long,
        value_name = "DIR|FILE",
        conflicts_with_all = ["stdin", "env", "dir", "dir_rw", "args"]
    )]
    host: Option<PathBuf>,
    /// Run it all once more in a fresh instance; whatever differs is a finding
    #[arg(long, requires = "scripted")]
    twice: bool,
    /// Write what came back into the files of --smoke as what is expected, and the fuel that was used
    /// beside it; nothing where there is another finding
    #[arg(long, requires = "smoke", conflicts_with = "invoke")]
    record: bool,
    /// Write what the component asks of its host in smoke cases, and what it is answered, as NDJSON: a
    /// line for each call, which a case can `replay`
    #[arg(long, value_name = "FILE", requires = "scripted", conflicts_with = "invoke")]
    trace: Option<PathBuf>,
    /// A file as the command's standard input
    #[arg(long, value_name = "FILE")]
    stdin: Option<PathBuf>,
    /// A variable of the command's environment
    #[arg(long, value_name = "K=V", value_parser = program::variable)]
    env: Vec<(String, String)>,
    /// A folder that the command may read, and its name in the command
    #[arg(long, value_name = "HOST::GUEST", value_parser = program::folder)]
    dir: Vec<(PathBuf, String)>,
    /// A folder that the command may change
    #[arg(long, value_name = "HOST::GUEST", value_parser = program::folder)]
    dir_rw: Vec<(PathBuf, String)>,
    /// Linear memory, for all instances together [default: 256MiB, or the host's]
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes)]
    memory: Option<u64>,
    /// Fuel for each call, about one unit a wasm instruction [default: 1000000000, or the host's]; a
    /// command that is run alone has as much as it can use in its time where nothing is said
    #[arg(long, value_name = "N")]
    fuel: Option<u64>,
    /// Fuel for instantiation [default: 1000000000, or the host's]
    #[arg(long, value_name = "N")]
    init_fuel: Option<u64>,
    /// Wall clock for everything after compilation [default: 10s, or the host's]
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    timeout: Option<Duration>,
    /// Wall clock for compilation [default: 60s, or the host's]
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    compile_timeout: Option<Duration>,
    /// Which compiler: auto, winch or cranelift [default: auto, or the host's]. `auto` is Winch for calls,
    /// which is quick, where it knows all that the component uses; otherwise and for commands Cranelift
    #[arg(long, value_name = "NAME", value_parser = parse_compiler)]
    compiler: Option<Compiler>,
    /// What calls may write to standard output, and as much to standard error; the same for a command
    /// whose output is kept for --format json [default: 64KiB, or the host's]. A command's own output is
    /// not cut off where nothing is said
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes)]
    output: Option<u64>,
    /// The command's arguments
    #[arg(value_name = "ARGS", last = true)]
    args: Vec<String>,
    #[command(flatten)]
    cache: CacheArguments,
    #[command(flatten)]
    common: Common,
}

impl Run {
    pub(super) fn run(self) -> Result<u8, Failure> {
        let format = self.common.format;
        match &self.host {
            Some(host) => self.on_terms_of(host),
            None if !self.smoke.is_empty() => self.cases(),
            None if !self.invoke.is_empty() => self.calls(),
            None if format == Format::Json => self.report(),
            None => self.program(),
        }
    }

    /// These limits, but for those that flags name.
    fn limits(&self, of: Limits) -> Limits {
        Limits {
            memory: self.memory.unwrap_or(of.memory),
            init_fuel: self.init_fuel.unwrap_or(of.init_fuel),
            fuel: self.fuel.unwrap_or(of.fuel),
            timeout: self.timeout.unwrap_or(of.timeout),
            compile_timeout: self.compile_timeout.unwrap_or(of.compile_timeout),
            output: self.output.unwrap_or(of.output),
            compiler: self.compiler.unwrap_or(of.compiler),
            ..of
        }
    }
}

/// On which a component is run that was named on the command line.
fn terms<'t>(id: &'t str, limits: &'t Limits, worker: &'t Path) -> Terms<'t> {
    // As it is, it is nobody's plugin.
    let (target, code) = (None, None);
    Terms {
        id,
        target,
        limits,
        unscripted: false,
        record: false,
        worker,
        code,
        require_sandbox: false,
    }
}

/// What a trial broke off for, as its report has it: what was found before is told beside it. What is wrong with
/// a case is its author's to mend first.
fn broken(error: Option<JudgeError>) -> Result<Option<String>, Failure> {
    match error {
        Some(error @ JudgeError::Case(_)) => Err(failure(error)),
        error => Ok(error.map(|error| error.to_string())),
    }
}

fn failure(error: JudgeError) -> Failure {
    match error {
        JudgeError::Case(_) => Failure::usage(error),
        JudgeError::Internal(_) => Failure::internal(error),
    }
}
