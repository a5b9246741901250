//! One plugin, from file to verdict: read, decode, check, adapt, compose, check again, run.

pub mod cache;
pub mod code;
mod command;
mod fit;
mod http;
mod runs;
mod stage;
mod store;
pub mod stubs;
mod trial;

use std::num::NonZero;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;

use crate::adapter::{self, AdaptError};
use crate::check::{policy, too_large, weigh};
use crate::component::{self, Component};
use crate::config::{Case, Host, Plugin, Policy};
use crate::diagnostic::{Code, Diagnostic, Known, PluginReport, Severity, Tool, Verdict, WitPath};
use crate::input::{self, Input, InputError, Kind};
use crate::sandbox::{SandboxError, interrupted};
use crate::smoke::ENGINE;
use crate::wiring::Node;
use crate::world::{self, ExternName, Item, World};

use cache::{Cache, Contract};
use code::CodeCache;
pub use command::{Ran, run_command, run_command_cases};
pub use fit::{Fitted, fit, measure};
pub use http::run_http_cases;
pub use runs::run_all;
use stage::{Stage, begin, guarded};
pub use trial::{Terms, Trial, run_cases};

/// Why cases were not run to their end. Neither is about the plugin.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum JudgeError {
    /// A smoke case makes a call that cannot be made, or grants a folder that cannot be opened.
    #[error("{0}")]
    Case(String),
    /// Something broke.
    #[error("{0}")]
    Internal(String),
}

/// This program, for reports.
pub fn tool() -> Tool {
    Tool {
        name: "plugtool".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        engine: ENGINE.into(),
    }
}

/// What is to be done with a plugin beyond checking it.
#[derive(Clone, Debug)]
pub struct Options {
    /// The program to start workers from.
    pub worker: PathBuf,
    /// The least severity that fails a plugin.
    pub fail_on: Severity,
    /// How many plugins may be judged at a time.
    pub jobs: NonZero<usize>,
    /// Today's date, which waivers are measured by: year, month, day.
    pub today: (u16, u8, u8),
    /// Whether what the calls of smoke cases return is recorded: it need not be what is expected.
    pub record: bool,
    /// Compiled code that is kept; none where everything is compiled anew.
    pub code: Option<Arc<CodeCache>>,
    /// What is known from before; none where everything is found out anew.
    pub cache: Option<Arc<Cache>>,
}

/// Reads a submitted file and decodes it. What is wrong with it is a finding. What is known to be valid is not
/// validated again.
pub fn open(name: &str, path: &str, code: Option<&CodeCache>) -> (Option<Component>, PluginReport) {
    read(name, path, &Policy::default(), Modules::AreFindings, code)
}

/// As [`open`], on a host's terms: a core module becomes a component where the host wants that, and
/// the report says so.
pub fn open_for(name: &str, path: &str, host: &Host) -> (Option<Component>, PluginReport) {
    read(name, path, &host.policy, Modules::of(host), None)
}

/// Whether a command can tell the host its exit code, whichever world it targets: `exit-with-code` came
/// with WASI 0.2.12, and before that, there were only success and failure.
fn takes_exit_codes(host: &Host) -> bool {
    let takes = |world: &World| {
        world.imports.iter().any(|(name, item)| {
            let name = ExternName::parse(name);
            name.base == "wasi:cli/exit"
                && name.track().as_deref() == Some("0.2")
                && matches!(item, Item::Instance(exit) if exit.items.contains_key("exit-with-code"))
        })
    };
    host.provides.iter().any(takes) || host.worlds.iter().all(takes)
}

/// As [`open`], for a file that is to be run as a command: a core module becomes a component that
/// keeps its exit codes.
pub fn open_program(
    name: &str,
    path: &str,
    code: Option<&CodeCache>,
) -> (Option<Component>, PluginReport) {
    read(name, path, &Policy::default(), Modules::BecomePrograms, code)
}

/// What is done with a core module.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Modules {
    AreFindings,
    BecomeComponents,
    BecomePrograms,
}

impl Modules {
    fn of(host: &Host) -> Modules {
        match host.adapt_modules {
            false => Modules::AreFindings,
            true if takes_exit_codes(host) => Modules::BecomePrograms,
            true => Modules::BecomeComponents,
        }
    }
}

fn read(
    name: &str,
    path: &str,
    policy: &Policy,
    modules: Modules,
    code: Option<&CodeCache>,
) -> (Option<Component>, PluginReport) {
    let (input, mut report) = bytes(name, path, policy);
    let component = input.and_then(|input| known_or_decoded(input, &mut report, modules, code));
    (component, report)
}

/// Decodes a file, and takes note that it is valid; what is known to be is not validated again.
fn known_or_decoded(
    input: Input,
    report: &mut PluginReport,
    modules: Modules,
    code: Option<&CodeCache>,
) -> Option<Component> {
    let digest = input.digest.clone();
    let valid = code.and_then(|code| code.valid(&input));
    let component = decode(input, report, modules, valid.as_deref());
    report.sha256 = digest.known();
    if valid.is_some() {
        report.cached.push(Known::File);
    } else if let Some((code, component)) = code.zip(component.as_ref()) {
        code.keep_valid(component);
    }
    component
}

/// Reads a submitted file, and looks at nothing but its size.
fn bytes(name: &str, path: &str, policy: &Policy) -> (Option<Input>, PluginReport) {
    let mut report = PluginReport::new(name, path);
    begin(Stage::Read);
    match input::read(name, path) {
        Ok(input) => {
            begin(Stage::Decode);
            report.size = Some(input.size);
            if let Some(finding) = too_large(input.size, policy) {
                report.diagnostics.push(finding.at(WitPath::root("file", path)));
            }
            (Some(input), report)
        }
        Err(error @ InputError::System(_)) => {
            report.failure = Some(error.to_string());
            (None, report)
        }
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

/// Decodes a file; `valid` are the places of core modules in it that were validated before.
fn decode(
    input: Input,
    report: &mut PluginReport,
    modules: Modules,
    valid: Option<&[Range<usize>]>,
) -> Option<Component> {
    let module = input.kind == Kind::Module;
    let adapt = modules != Modules::AreFindings;
    let decoded = if module && adapt {
        let adapted = match modules {
            Modules::BecomePrograms => adapter::adapt_program(&input),
            _ => adapter::adapt_module(&input),
        };
        match adapted {
            Ok(adapted) => {
                report.adapted = true;
                component::decode(adapted.into_input(input))
            }
            Err(AdaptError::Refused(finding)) => Err(finding),
            Err(error) => {
                report.failure = Some(error.to_string());
                return None;
            }
        }
    } else if let Some(valid) = valid {
        let mut known = component::Known::default();
        known.add_moved(0, valid);
        component::decode_composed(input, &known)
    } else {
        component::decode(input)
    };
    match decoded {
        Ok(component) => Some(component),
        Err(mut finding) => {
            if module && !adapt && finding.code == Code::NotAComponent {
                finding.help = Some(
                    "make it a component with `plugtool adapt`; `adapt-modules = true` under \
                     [host] makes it part of judging"
                        .to_owned(),
                );
            }
            report.diagnostics.push(finding.at(WitPath::root("file", &report.path)));
            None
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

/// Judges one plugin of a list, its smoke cases included. Whatever breaks makes its verdict `unjudged`:
/// there is nothing about one plugin that keeps those after it from being judged.
pub fn judge(plugin: &Plugin, host: &Host, options: &Options) -> PluginReport {
    if !plugin.enabled {
        let mut report = PluginReport::new(&plugin.id, &plugin.path);
        report.verdict = Verdict::Skipped;
        return report;
    }
    if interrupted() {
        let mut report = PluginReport::new(&plugin.id, &plugin.path);
        report.failure = Some(SandboxError::Interrupted.to_string());
        report.settle(options.fail_on);
        return report;
    }
    let judged = guarded(|| Ok(pipeline(plugin, host, options)));
    let mut report = judged.unwrap_or_else(|error| {
        let mut report = PluginReport::new(&plugin.id, &plugin.path);
        report.failure = Some(error.to_string());
        report
    });
    report.settle(options.fail_on);
    report
}

fn pipeline(plugin: &Plugin, host: &Host, options: &Options) -> PluginReport {
    let (input, mut report) = bytes(&plugin.id, &plugin.path, &host.policy);
    let Some(input) = input else {
        weigh(&mut report, &host.policy, options.today);
        return report;
    };
    let Some(cache) = &options.cache else {
        return judge_input(input, report, plugin, host, options).0;
    };
    // What was read is what is looked up: nothing is read twice.
    report.sha256 = Some(input.sha256().to_owned());
    let key = cache.contract_key(plugin, input.sha256());
    if let Some(contract) = cache.contract(&key)
        && let Some(report) = known(contract, report.clone(), cache, plugin, host, options)
    {
        return report;
    }
    let (report, contract) = judge_input(input, report, plugin, host, options);
    if let Some(contract) = contract {
        cache.keep_contract(&key, &contract);
    }
    report
}

/// The verdict on a plugin of which everything is known; none where there is something left to find out.
fn known(
    contract: Contract,
    mut report: PluginReport,
    cache: &Cache,
    plugin: &Plugin,
    host: &Host,
    options: &Options,
) -> Option<PluginReport> {
    let (surface, fitted) = (contract.surface.clone(), contract.fitted.clone());
    let target = contract.target;
    contract.put_into(&mut report);
    report.cached.push(Known::Contract);
    begin(Stage::Weigh);
    report.diagnostics.extend(surface.iter().flat_map(|surface| policy(surface, &host.policy)));
    weigh(&mut report, &host.policy, options.today);
    let Some(fitted) = fitted.filter(|_| !is_refused(&report)) else { return Some(report) };
    let cases = cases_of(plugin, host);
    let terms = terms(plugin, host, target?, options)?;
    let key = cache.cases_key(&fitted, &cases, terms)?;
    finish(&mut report, cache.trial(&key)?, host, options);
    report.cached.push(Known::Cases);
    Some(report)
}

/// Judges what was read, and says what may be kept of it, beside what came of running it.
fn judge_input(
    input: Input,
    mut report: PluginReport,
    plugin: &Plugin,
    host: &Host,
    options: &Options,
) -> (PluginReport, Option<Contract>) {
    let about_size = std::mem::take(&mut report.diagnostics);
    let cache = options.cache.as_deref();
    let code = options.code.as_deref();
    let component = known_or_decoded(input, &mut report, Modules::of(host), code);
    let fitted = match component {
        Some(component) => fit(component, host, &mut report),
        None => Ok(Fitted::default()),
    };
    let Fitted { component, surface, target } = match fitted {
        Ok(fitted) => fitted,
        Err(error) => {
            report.failure = Some(error.to_string());
            Fitted::default()
        }
    };
    let sha256 = component.as_ref().filter(|_| cache.is_some());
    let sha256 = sha256.map(|it| it.content_sha256().to_owned());
    // What could not be judged is not known.
    let contract = report.failure.is_none();
    let contract = contract.then(|| {
        let fitted = target.zip(sha256.clone());
        Contract::of(&report, surface.clone(), fitted)
    });
    report.diagnostics.splice(0..0, about_size);
    begin(Stage::Weigh);
    report.diagnostics.extend(surface.iter().flat_map(|surface| policy(surface, &host.policy)));
    weigh(&mut report, &host.policy, options.today);
    // What is refused already is not run as well.
    let Some(component) = component.filter(|_| !is_refused(&report)) else {
        return (report, contract);
    };
    let cases = cases_of(plugin, host);
    let Some(terms) = target.and_then(|target| terms(plugin, host, target, options)) else {
        report.failure = Some("nothing says which world the plugin targets".to_owned());
        return (report, None);
    };
    let key = cache.zip(sha256).and_then(|(cache, sha256)| cache.cases_key(&sha256, &cases, terms));
    if let Some((cache, key)) = cache.zip(key.as_ref())
        && let Some(trial) = cache.trial(key)
    {
        finish(&mut report, trial, host, options);
        report.cached.push(Known::Cases);
        return (report, contract);
    }
    begin(Stage::Run);
    match run_all(&component, &cases, terms) {
        Ok(trial) => {
            if let Some((cache, key)) = cache.zip(key) {
                cache.keep_trial(&key, &trial);
            }
            finish(&mut report, trial, host, options);
        }
        Err(error) => report.failure = Some(error.to_string()),
    }
    (report, contract)
}

fn is_refused(report: &PluginReport) -> bool {
    report.diagnostics.iter().any(|finding| finding.severity == Severity::Error)
}

fn cases_of<'h>(plugin: &Plugin, host: &'h Host) -> Vec<&'h Case> {
    host.cases.iter().filter(|case| case.is_for(&plugin.id)).collect()
}

/// On what terms a plugin is run that targets the world of this index; none where the host has no such world.
fn terms<'t>(
    plugin: &'t Plugin,
    host: &'t Host,
    target: usize,
    options: &'t Options,
) -> Option<Terms<'t>> {
    let world = host.worlds.get(target)?;
    Some(Terms {
        id: &plugin.id,
        target: Some(world::Host { world, provides: &host.provides }),
        limits: &host.limits,
        unscripted: true,
        record: options.record,
        worker: &options.worker,
        code: options.code.as_deref(),
        require_sandbox: host.policy.require_sandbox,
    })
}

/// Puts what came of running a plugin into its report.
fn finish(report: &mut PluginReport, trial: Trial, host: &Host, options: &Options) {
    let open = trial::open(&trial);
    report.cases = trial.cases;
    report.sandbox = trial.sandbox;
    report.failure = trial.failure.map(|error| error.to_string());
    let before = std::mem::replace(&mut report.diagnostics, trial.diagnostics);
    weigh(report, &host.policy, options.today);
    trial::settle(&mut report.cases, &open, &report.diagnostics);
    report.diagnostics.splice(0..0, before);
}

/// A component as wiring sees it.
pub fn node(component: &Component) -> Node<'_> {
    Node { name: &component.name, sha256: component.sha256(), world: &component.world }
}
