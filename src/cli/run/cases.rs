//! Smoke cases, and what a host would run of a component.

use std::io::Write;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::calls::called;
use super::{Run, broken, failure, terms};
use crate::check::today;
use crate::cli::cache::tell;
use crate::cli::{Failure, Format, load_host, print, record, write_whole};
use crate::config::{Case, Limits, Plugin, read_cases};
use crate::diagnostic::{CaseReport, RunReport};
use crate::judge::{self, Options, run_all, tool};
use crate::render::{run, trace};
use crate::smoke::ENGINE;
use crate::{input, sandbox};

impl Run {
    /// Runs smoke cases against the component as it is; what they call must be in it.
    pub(super) fn cases(&self) -> Result<u8, Failure> {
        let (name, path) = input::split_name(&self.component);
        let mut cases = Vec::new();
        for file in self.smoke_files() {
            cases.extend(read_cases(&file)?);
        }
        self.settle(&mut cases, &name)?;
        let chosen: Vec<&Case> = cases.iter().filter(|case| case.is_for(&name)).collect();
        let code = self.cache.code();
        // What is run as a program keeps its exit codes.
        let (component, opened) = if chosen.iter().any(|case| case.command.is_some()) {
            judge::open_program(&name, path, code.as_ref())
        } else {
            judge::open(&name, path, code.as_ref())
        };
        let mut report = RunReport::of(tool(), opened);
        let mut ran = Vec::new();
        if let Some(component) = component {
            let limits = self.limits(Limits::default());
            let worker = sandbox::this_program().map_err(Failure::internal)?;
            let (record, terms) = (self.record, terms(&name, &limits, &worker));
            let terms = judge::Terms { record, code: code.as_ref(), ..terms };
            let trial = run_all(&component, &chosen, terms).map_err(failure)?;
            code.iter().for_each(|code| tell(code, &self.common));
            ran = trial.cases;
            report.sandbox = trial.sandbox;
            report.failure = broken(trial.failure)?;
            report.diagnostics.extend(trial.diagnostics);
        }
        report.cases = Some(ran);
        self.answer_cases(&report, &name, &cases)
    }

    /// Judges the component by a host, as `gate` does, with these calls or cases, or the host's own.
    pub(super) fn on_terms_of(&self, folder: &Path) -> Result<u8, Failure> {
        let (name, path) = input::split_name(&self.component);
        let mut host = load_host(Some(folder), "")?;
        host.limits = self.limits(host.limits.clone());
        let calls = !self.invoke.is_empty();
        if calls {
            host.take_cases(vec![Case::of_calls(&self.invoke)?])?;
        } else if !self.smoke.is_empty() {
            host.replace_cases(&self.smoke_files())?;
        }
        self.settle(&mut host.cases, &name)?;
        let options = Options {
            worker: sandbox::this_program().map_err(Failure::internal)?,
            fail_on: self.common.fail_on(),
            jobs: NonZero::<usize>::MIN,
            today: today(),
            record: self.record,
            code: self.cache.code().map(Arc::new),
            // An author who runs one plugin wants to see it run.
            cache: None,
        };
        let plugin = Plugin { id: name.clone(), path: path.to_owned(), enabled: true };
        let mut judged = judge::judge(&plugin, &host, &options);
        options.code.iter().for_each(|code| tell(code, &self.common));
        let ran = std::mem::take(&mut judged.cases);
        let mut report = RunReport::of(tool(), judged);
        report.config.clone_from(&host.config);
        if calls {
            called(&mut report, ran);
            return self.answer_calls(&report);
        }
        report.cases = Some(ran);
        self.answer_cases(&report, &name, &host.cases)
    }

    /// The smoke files, each once.
    fn smoke_files(&self) -> Vec<PathBuf> {
        let real = |file: &Path| file.canonicalize().unwrap_or_else(|_| file.to_owned());
        let mut files: Vec<PathBuf> = Vec::new();
        for file in &self.smoke {
            if !files.iter().any(|other| real(other) == real(file)) {
                files.push(file.clone());
            }
        }
        files
    }

    /// What flags say of all cases. Cases that were named and are for nobody here are a mistake: what runs
    /// none of them must not look like a pass.
    fn settle(&self, cases: &mut [Case], name: &str) -> Result<(), Failure> {
        let to_stdout = self.trace.as_ref().is_some_and(|path| path.as_os_str() == "-");
        if to_stdout && self.common.format == Format::Json {
            return Err(Failure::usage(anyhow::anyhow!(
                "--trace and --format json cannot both go to standard output; leave out --format"
            )));
        }
        for case in cases.iter_mut() {
            case.twice |= self.twice;
        }
        if self.smoke.is_empty() || cases.iter().any(|case| case.is_for(name)) {
            return Ok(());
        }
        let files: Vec<String> = self.smoke.iter().map(|file| file.display().to_string()).collect();
        let mut wanted: Vec<&str> =
            cases.iter().flat_map(|case| &case.plugins).map(String::as_str).collect();
        wanted.sort_unstable();
        wanted.dedup();
        Err(Failure::usage(anyhow::anyhow!(
            "{}: no case is for `{name}`: they are for {}; NAME={} gives the component another name",
            files.join(", "),
            wanted.join(", "),
            input::split_name(&self.component).1
        )))
    }

    fn answer_cases(&self, report: &RunReport, name: &str, cases: &[Case]) -> Result<u8, Failure> {
        match &self.trace {
            None => self.common.print(report, run::cases)?,
            Some(path) => {
                let ran = report.cases.iter().flatten().map(|case| (name, case));
                let lines = trace::trace(ran).map_err(Failure::internal)?;
                if path.as_os_str() == "-" {
                    let text = run::cases(report, self.common.detail());
                    let _ = anstream::stderr().write_all(text.as_bytes());
                    print(&lines)?;
                } else {
                    self.common.print(report, run::cases)?;
                    write_whole(path, lines.as_bytes())?;
                }
            }
        }
        let status = self.status(report);
        if self.record {
            let ran: &[CaseReport] = report.cases.as_deref().unwrap_or_default();
            if status == 0 {
                record::record(cases, &[(name, ran)], ENGINE)?;
            } else {
                let _ = writeln!(anstream::stderr(), "nothing was recorded: it did not pass");
            }
        }
        Ok(status)
    }
}
