//! The calls of `--invoke`.

use std::io::Write;

use super::{Run, broken, failure, terms};
use crate::cli::cache::tell;
use crate::cli::{Failure, Format};
use crate::config::{Case, Limits};
use crate::diagnostic::{CaseReport, RunReport};
use crate::judge::{self, run_cases, tool};
use crate::render::{clean, run, text};
use crate::{input, sandbox};

impl Run {
    /// Makes the calls on the component as it is.
    pub(super) fn calls(&self) -> Result<u8, Failure> {
        let mut case = Case::of_calls(&self.invoke)?;
        case.twice = self.twice;
        let (name, path) = input::split_name(&self.component);
        let code = self.cache.code();
        let (component, opened) = judge::open(&name, path, code.as_ref());
        let mut report = RunReport::of(tool(), opened);
        if let Some(component) = component {
            let limits = self.limits(Limits::default());
            let worker = sandbox::this_program().map_err(Failure::internal)?;
            let terms = judge::Terms { code: code.as_ref(), ..terms(&name, &limits, &worker) };
            let trial = run_cases(&component, &[&case], terms).map_err(failure)?;
            code.iter().for_each(|code| tell(code, &self.common));
            called(&mut report, trial.cases);
            report.sandbox = trial.sandbox;
            report.failure = broken(trial.failure)?;
            report.diagnostics.extend(trial.diagnostics);
        }
        self.answer_calls(&report)
    }

    /// Prints what calls returned: values go to standard output, findings do not, so that one may be piped
    /// without the other.
    pub(super) fn answer_calls(&self, report: &RunReport) -> Result<u8, Failure> {
        self.common.print(report, run::calls)?;
        if self.common.format == Format::Text {
            for call in report.calls.iter().filter(|call| call.cut) {
                let shown = call.got.as_ref().map_or(0, String::len);
                let call = clean(&call.call);
                let _ = writeln!(
                    anstream::stderr(),
                    "what {call} returned is longer; this is how it begins, {shown} bytes of text"
                );
            }
            let _ = write!(anstream::stderr(), "{}", run::unfit(report));
            let _ = write!(anstream::stderr(), "{}", text::diagnostics(&report.diagnostics));
        }
        Ok(self.status(report))
    }

    /// The exit status of a report.
    pub(super) fn status(&self, report: &RunReport) -> u8 {
        if report.failure.is_some() { 3 } else { self.common.status(&report.diagnostics) }
    }
}

/// Puts the one case that `--invoke` is into a report.
pub(super) fn called(report: &mut RunReport, cases: Vec<CaseReport>) {
    for case in cases {
        report.values.extend(case.calls.iter().filter_map(|call| call.got.clone()));
        if case.passed {
            report.fuel = Some(case.fuel);
            report.memory = Some(case.memory);
        }
        report.calls.extend(case.calls);
        report.compiler = case.compiler;
        report.limits = case.limits;
    }
}
