//! `plugtool run`.

mod program;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::{Common, EXIT_STATUS, Failure, Format};
use crate::config::{Case, Compiler, Limits, Policy, parse_bytes, parse_compiler, parse_duration};
use crate::diagnostic::RunReport;
use crate::judge::{self, JudgeError, Terms, run_cases, tool};
use crate::render::{clean, text};
use crate::{input, sandbox};

/// Run a WASI command, or call a component's functions, in a worker process with limits
///
/// Without --invoke, the component is run as the program that it is: a component that exports
/// wasi:cli/run, or a core module for WASI preview 1. Standard input, what stands behind `--`, the
/// variables and folders that are named go in; standard output, standard error and the exit code come
/// out as they are.
///
/// With --invoke, all calls are made one after the other in one fresh instance. What each call
/// returned is printed, a line each, in WAVE.
///
/// A guest has WASI 0.2 but no network, no environment and no files but those that are granted. Its
/// clock moves only when it is looked at, a sleep takes no time, and its random numbers are the same in
/// every run. While it waits for its input, or for somebody to read its output, its time stands still.
#[derive(Args)]
#[command(after_help = EXIT_STATUS, after_long_help = format!("\
Examples:
  plugtool run wc.wasm --stdin notes.txt -- -l
  plugtool run tool.wasm --env LANG=C --dir docs::/docs --dir-rw out::/out < list.txt | head
  plugtool run plugin.wasm --invoke 'run([\"a\", \"b\"])'
  plugtool run plugin.wasm --invoke 'my:pkg/api#add(1, 2)' --fuel 1000000 --timeout 2s
  plugtool run plugin.wasm --invoke 'let s = session(@notes.txt)' --invoke 's.lines()'

{EXIT_STATUS}

A command, without --format json, exits with its own code, and otherwise with:
  124  it ran out of time, or broke another limit
  125  it could not be run
  134  it trapped"))]
pub struct Run {
    /// The component: a path or `-`, binary or text
    #[arg(value_name = "COMPONENT")]
    component: String,
    /// A call: FUNCTION(ARGUMENTS) or INTERFACE#FUNCTION(ARGUMENTS), in WAVE; may be repeated
    ///
    /// `@FILE` is what is in a file, as bytes or a string. `let s = session(\"x\")` names the handle that a
    /// constructor or function returns, `s.feed(1)` calls a method of it. Handles are dropped at the end.
    #[arg(
        long,
        value_name = "CALL",
        conflicts_with_all = ["stdin", "env", "dir", "dir_rw", "args"]
    )]
    invoke: Vec<String>,
    /// Make the calls once more in a fresh instance; whatever differs is a finding
    #[arg(long, requires = "invoke")]
    twice: bool,
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
    /// Linear memory, for all instances together
    #[arg(long, value_name = "SIZE", default_value = "256MiB", value_parser = parse_bytes)]
    memory: u64,
    /// Fuel for each call, about one unit a wasm instruction [default: 1000000000]; a command has as much
    /// as it can use in its time where nothing is said
    #[arg(long, value_name = "N")]
    fuel: Option<u64>,
    /// Fuel for instantiation
    #[arg(long, value_name = "N", default_value_t = Limits::default().init_fuel)]
    init_fuel: u64,
    /// Wall clock for everything after compilation
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_duration)]
    timeout: Duration,
    /// Wall clock for compilation
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = parse_duration)]
    compile_timeout: Duration,
    /// Which compiler: auto, winch or cranelift. `auto` is Winch for calls, which is quick, where it knows
    /// all that the component uses, and Cranelift otherwise and for commands
    #[arg(long, value_name = "NAME", default_value = "auto", value_parser = parse_compiler)]
    compiler: Compiler,
    /// What calls may write to standard output, and as much to standard error; the same for a command
    /// whose output is kept for --format json [default: 64KiB]. A command's own output is not cut off
    /// where nothing is said
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes)]
    output: Option<u64>,
    /// The command's arguments
    #[arg(value_name = "ARGS", last = true)]
    args: Vec<String>,
    #[command(flatten)]
    common: Common,
}

impl Run {
    pub(super) fn run(self) -> Result<u8, Failure> {
        match (self.invoke.is_empty(), self.common.format) {
            (false, _) => self.calls(),
            (true, Format::Json) => self.report(),
            (true, Format::Text) => self.program(),
        }
    }

    /// The limits that are named; `fuel` where none is.
    fn limits(&self, fuel: u64) -> Limits {
        let limits = Limits::default();
        Limits {
            memory: self.memory,
            init_fuel: self.init_fuel,
            fuel: self.fuel.unwrap_or(fuel),
            timeout: self.timeout,
            compile_timeout: self.compile_timeout,
            output: self.output.unwrap_or(limits.output),
            compiler: self.compiler,
            ..limits
        }
    }

    fn calls(self) -> Result<u8, Failure> {
        let mut case = Case::of_calls(&self.invoke)?;
        case.twice = self.twice;
        let (name, path) = input::split_name(&self.component);
        let (component, opened) = judge::open(&name, path, &Policy::default());
        let mut report = RunReport {
            schema: "plugtool.run/0",
            tool: tool(),
            path: opened.path,
            sha256: opened.sha256,
            values: Vec::new(),
            command: None,
            calls: Vec::new(),
            fuel: None,
            memory: None,
            compiler: None,
            limits: Vec::new(),
            sandbox: None,
            diagnostics: opened.diagnostics,
        };
        if let Some(component) = component {
            let limits = self.limits(Limits::default().fuel);
            let worker = sandbox::this_program().map_err(Failure::internal)?;
            let terms = terms(&name, &limits, &worker);
            let trial = run_cases(&component, &[&case], terms).map_err(failure)?;
            for case in trial.cases {
                report.values.extend(case.calls.iter().filter_map(|call| call.got.clone()));
                if case.passed {
                    report.fuel = Some(case.fuel);
                    report.memory = Some(case.memory);
                }
                report.calls.extend(case.calls);
                report.compiler = case.compiler;
                report.limits = case.limits;
            }
            report.sandbox = trial.sandbox;
            report.diagnostics.extend(trial.diagnostics);
        }
        self.common.print(&report, text::run)?;
        if self.common.format == Format::Text {
            // Values go to standard output, findings do not: one may be piped without the other.
            for call in report.calls.iter().filter(|call| call.cut) {
                let shown = call.got.as_ref().map_or(0, String::len);
                let call = clean(&call.call);
                let _ = writeln!(
                    anstream::stderr(),
                    "what {call} returned is longer; this is how it begins, {shown} bytes of text"
                );
            }
            let _ = write!(anstream::stderr(), "{}", text::diagnostics(&report.diagnostics));
        }
        Ok(self.common.status(&report.diagnostics))
    }
}

/// On which a component is run that was named on the command line.
fn terms<'t>(id: &'t str, limits: &'t Limits, worker: &'t Path) -> Terms<'t> {
    Terms { id, limits, unscripted: false, record: false, worker, require_sandbox: false }
}

fn failure(error: JudgeError) -> Failure {
    match error {
        JudgeError::Case(_) => Failure::usage(error),
        JudgeError::Internal(_) => Failure::internal(error),
    }
}
