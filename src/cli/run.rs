//! `plugtool run`.

use std::io::Write;
use std::time::Duration;

use clap::Args;

use super::{Common, EXIT_STATUS, Failure, Format};
use crate::config::{Case, Limits, Policy, parse_bytes, parse_duration};
use crate::diagnostic::RunReport;
use crate::judge::{self, JudgeError, Terms, run_cases, tool};
use crate::render::text;
use crate::{input, sandbox};

/// Call a component's functions in a worker process with limits
///
/// All calls are made one after the other in one fresh instance, which has WASI 0.2 but no files, no
/// network, no environment, and a clock that moves only when it is looked at. What each call
/// returned is printed, a line each, in WAVE.
#[derive(Args)]
#[command(after_help = EXIT_STATUS, after_long_help = format!("\
Examples:
  plugtool run plugin.wasm --invoke 'run([\"a\", \"b\"])'
  plugtool run plugin.wasm --invoke 'my:pkg/api#add(1, 2)' --fuel 1000000 --timeout 2s
  plugtool run plugin.wasm --invoke 'let s = session(@notes.txt)' --invoke 's.lines()'

{EXIT_STATUS}"))]
pub struct Run {
    /// The component: a path or `-`, binary or text
    #[arg(value_name = "COMPONENT")]
    component: String,
    /// A call: FUNCTION(ARGUMENTS) or INTERFACE#FUNCTION(ARGUMENTS), in WAVE; may be repeated
    ///
    /// `@FILE` is what is in a file, as list<u8> or string. `let s = session(\"x\")` names the handle that a
    /// constructor or function returns, `s.feed(1)` calls a method of it. Handles are dropped at the end.
    #[arg(long, value_name = "CALL", required = true)]
    invoke: Vec<String>,
    /// Make the calls once more in a fresh instance; whatever differs is a finding
    #[arg(long)]
    twice: bool,
    /// Linear memory, for all instances together
    #[arg(long, value_name = "SIZE", default_value = "256MiB", value_parser = parse_bytes)]
    memory: u64,
    /// Fuel for each call, about one unit a wasm instruction
    #[arg(long, value_name = "N", default_value_t = Limits::default().fuel)]
    fuel: u64,
    /// Fuel for instantiation
    #[arg(long, value_name = "N", default_value_t = Limits::default().init_fuel)]
    init_fuel: u64,
    /// Wall clock for everything after compilation
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_duration)]
    timeout: Duration,
    /// Wall clock for compilation
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = parse_duration)]
    compile_timeout: Duration,
    #[command(flatten)]
    common: Common,
}

impl Run {
    pub(super) fn run(self) -> Result<u8, Failure> {
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
            calls: Vec::new(),
            fuel: None,
            memory: None,
            diagnostics: opened.diagnostics,
        };
        if let Some(component) = component {
            let limits = Limits {
                memory: self.memory,
                init_fuel: self.init_fuel,
                fuel: self.fuel,
                timeout: self.timeout,
                compile_timeout: self.compile_timeout,
            };
            let worker = sandbox::this_program().map_err(Failure::internal)?;
            let terms = Terms {
                id: &name,
                limits: &limits,
                unscripted: false,
                record: false,
                worker: &worker,
            };
            let trial = run_cases(&component, &[&case], terms).map_err(|error| match error {
                JudgeError::Case(_) => Failure::usage(error),
                JudgeError::Internal(_) => Failure::internal(error),
            })?;
            for case in trial.cases {
                report.values.extend(case.calls.iter().filter_map(|call| call.got.clone()));
                if case.passed {
                    report.fuel = Some(case.fuel);
                    report.memory = Some(case.memory);
                }
                report.calls.extend(case.calls);
            }
            report.diagnostics.extend(trial.diagnostics);
        }
        self.common.print(&report, text::run)?;
        if self.common.format == Format::Text {
            // Values go to standard output, findings do not: one may be piped without the other.
            let _ = write!(anstream::stderr(), "{}", text::diagnostics(&report.diagnostics));
        }
        Ok(self.common.status(&report.diagnostics))
    }
}
