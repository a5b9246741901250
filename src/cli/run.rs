//! `plugtool run`.

use std::io::Write;
use std::time::Duration;

use clap::Args;

use super::{Common, EXIT_STATUS, Failure, Format};
use crate::config::{Case, Limits, Policy, Step, parse_bytes, parse_duration};
use crate::diagnostic::RunReport;
use crate::judge::{self, JudgeError, run_cases, tool};
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

{EXIT_STATUS}"))]
pub struct Run {
    /// The component: a path or `-`, binary or text
    #[arg(value_name = "COMPONENT")]
    component: String,
    /// A call: FUNCTION(ARGUMENTS) or INTERFACE#FUNCTION(ARGUMENTS), in WAVE
    #[arg(long, value_name = "CALL", required = true)]
    invoke: Vec<String>,
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
        let (name, path) = input::split_name(&self.component);
        let (component, opened) = judge::open(&name, path, &Policy::default());
        let mut report = RunReport {
            schema: "plugtool.run/0",
            tool: tool(),
            path: opened.path,
            sha256: opened.sha256,
            values: Vec::new(),
            fuel: None,
            memory: None,
            diagnostics: opened.diagnostics,
        };
        if let Some(component) = component {
            let steps =
                self.invoke.iter().map(|invoke| Step { invoke: invoke.clone(), expect: None });
            let case = Case {
                name: String::new(),
                file: String::new(),
                plugins: Vec::new(),
                steps: steps.collect(),
            };
            let limits = Limits {
                memory: self.memory,
                init_fuel: self.init_fuel,
                fuel: self.fuel,
                timeout: self.timeout,
                compile_timeout: self.compile_timeout,
            };
            let worker = sandbox::this_program().map_err(Failure::internal)?;
            let trial = run_cases(&component.bytes, &[&case], &limits, false, &worker).map_err(
                |error| match error {
                    JudgeError::Case(_) => Failure::usage(error),
                    JudgeError::Internal(_) => Failure::internal(error),
                },
            )?;
            report.values = trial.values.concat();
            if let Some(case) = trial.cases.iter().find(|case| case.passed) {
                report.fuel = Some(case.fuel);
                report.memory = Some(case.memory);
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
