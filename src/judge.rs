//! One plugin, from file to verdict: read, decode, check, adapt, compose, check again, run.

mod trial;

use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;

use thiserror::Error;

use crate::check::check;
use crate::component::{self, Component};
use crate::compose::compose;
use crate::config::{Case, Host, Plugin};
use crate::diagnostic::{
    AdapterUse, Code, Diagnostic, PluginReport, Severity, Tool, Verdict, WitPath,
};
use crate::input::{self, Input, InputError};
use crate::smoke::ENGINE;
use crate::wiring::{self, Node};
use crate::world;

pub use trial::{Trial, run_cases};

/// Why judging stopped. Neither is about the plugin.
#[derive(Debug, Error)]
pub enum JudgeError {
    /// A smoke case makes a call that cannot be made.
    #[error("{0}")]
    Case(String),
    /// Something broke.
    #[error("{0}")]
    Internal(String),
}

/// This program, for reports.
pub fn tool() -> Tool {
    Tool { name: "plugtool", version: env!("CARGO_PKG_VERSION"), engine: ENGINE }
}

/// What is to be done with a plugin beyond checking it.
#[derive(Clone, Debug)]
pub struct Options {
    /// The program to start workers from.
    pub worker: PathBuf,
    /// The least severity that fails a plugin.
    pub fail_on: Severity,
}

/// Reads a submitted file and decodes it. What is wrong with it is a finding.
pub fn open(name: &str, path: &str) -> (Option<Component>, PluginReport) {
    let mut report = PluginReport::new(name, path);
    match input::read(name, path) {
        Ok(input) => decode(input, report),
        Err(error) => {
            if let InputError::Text { sha256, size, .. } = &error {
                report.sha256 = Some(sha256.clone());
                report.size = Some(*size);
            }
            report.diagnostics.push(unreadable(&error).at(WitPath::root("file", path)));
            (None, report)
        }
    }
}

fn decode(input: Input, mut report: PluginReport) -> (Option<Component>, PluginReport) {
    report.sha256 = Some(input.sha256.clone());
    report.size = Some(input.size);
    match component::decode(input) {
        Ok(component) => (Some(component), report),
        Err(finding) => {
            report.diagnostics.push(finding.at(WitPath::root("file", &report.path)));
            (None, report)
        }
    }
}

/// A file that cannot be read, as a finding.
pub fn unreadable(error: &InputError) -> Diagnostic {
    match error {
        InputError::Text { .. } => Diagnostic::error(Code::InvalidComponent, error.to_string())
            .help("the place is line:column of the text"),
        _ => Diagnostic::error(Code::Unreadable, error.to_string())
            .help("check the path, and the build step that writes the file"),
    }
}

/// Judges one plugin of a list, its smoke cases included.
///
/// # Errors
///
/// A smoke case that cannot be run for any plugin, which is the host's mistake. Whatever else
/// breaks makes the verdict `unjudged`, and the plugins after it are judged all the same.
pub fn judge(plugin: &Plugin, host: &Host, options: &Options) -> Result<PluginReport, JudgeError> {
    if !plugin.enabled {
        let mut report = PluginReport::new(&plugin.id, &plugin.path);
        report.verdict = Verdict::Skipped;
        return Ok(report);
    }
    let judged = panic::catch_unwind(AssertUnwindSafe(|| pipeline(plugin, host, options)));
    let mut report = match judged {
        Ok(report) => report?,
        Err(_) => {
            let mut report = PluginReport::new(&plugin.id, &plugin.path);
            report.failure = Some("plugtool itself panicked while judging it".to_owned());
            report
        }
    };
    report.settle(options.fail_on);
    Ok(report)
}

fn pipeline(plugin: &Plugin, host: &Host, options: &Options) -> Result<PluginReport, JudgeError> {
    let (component, mut report) = open(&plugin.id, &plugin.path);
    let Some(component) = component else {
        return Ok(report);
    };
    let fitted = match fit(component, host, &mut report) {
        Ok(Some(fitted)) => fitted,
        Ok(None) => return Ok(report),
        Err(error) => {
            report.failure = Some(error.to_string());
            return Ok(report);
        }
    };
    let cases: Vec<&Case> = host.cases.iter().filter(|case| case.is_for(&plugin.id)).collect();
    match run_cases(&fitted.bytes, &cases, &host.limits, &options.worker) {
        Ok(trial) => {
            report.cases = trial.cases;
            report.diagnostics.extend(trial.diagnostics);
        }
        Err(error @ JudgeError::Case(_)) => return Err(error),
        Err(error) => report.failure = Some(error.to_string()),
    }
    Ok(report)
}

/// The component itself where it targets one of the host's worlds, or what comes of composing it
/// with the host's adapters. None, and the reasons in the report, where neither will do.
fn fit(
    component: Component,
    host: &Host,
    report: &mut PluginReport,
) -> Result<Option<Component>, JudgeError> {
    let finding = check(&component.world, host);
    report.world.clone_from(&host.worlds[finding.world].name);
    if finding.diagnostics.is_empty() {
        return Ok(Some(component));
    }
    let pool: Vec<Node<'_>> = host.adapters.iter().map(node).collect();
    for (index, world) in host.worlds.iter().enumerate() {
        let target = world::Host { world, provides: &host.provides };
        let Some((chosen, plan)) = wiring::adapt(&[node(&component)], &pool, target) else {
            continue;
        };
        let adapters: Vec<&Component> = chosen.iter().map(|&i| &host.adapters[i]).collect();
        let parts: Vec<&Component> =
            std::iter::once(&component).chain(adapters.iter().copied()).collect();
        let composed =
            compose(&parts, &plan).map_err(|error| JudgeError::Internal(error.to_string()))?;
        let again = world::targets(&composed.world, target);
        if let Some(mismatch) = again.first() {
            return Err(JudgeError::Internal(format!(
                "what was composed does not target {} after all: {}",
                world.name.as_deref().unwrap_or("the world"),
                mismatch.path
            )));
        }
        report.world.clone_from(&host.worlds[index].name);
        report.adapters = adapters
            .iter()
            .map(|a| AdapterUse { name: a.name.clone(), sha256: a.sha256.clone() })
            .collect();
        return Ok(Some(composed));
    }
    report.diagnostics.extend(finding.diagnostics);
    Ok(None)
}

/// A component as wiring sees it.
pub fn node(component: &Component) -> Node<'_> {
    Node { name: &component.name, world: &component.world }
}
