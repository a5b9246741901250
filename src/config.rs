//! The host folder: `plugtool.toml` with the WIT, adapters and smoke cases beside it, read into a
//! [`Host`]. Everything in it is the host's own word, so anything wrong with it is an error and
//! never a finding about a plugin.

mod command;
mod contract;
mod files;
mod first;
mod folder;
mod host;
mod http;
mod parse;
mod plugins;
mod policy;
mod record;
mod record_command;
mod resolved;
mod schema;
mod smoke;
mod values;
mod written;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;
use thiserror::Error;
use toml::Spanned;

use crate::component::{self, Component};
use crate::diagnostic::ConfigUsed;
use crate::input;
use crate::world::{self, World};

use contract::Contract;
use files::{adapter_files, expand, read_text, show};

pub use command::CommandCase;
pub use first::{NewFile, first_host};
pub use host::{
    Answer, CONFIG, HostRule, HostScript, HostSide, KEYVALUE, LOGGING, Mock, MockScript,
    RecordedCall,
};
pub use http::{HostPattern, HttpCase, HttpFailure, HttpReply, HttpRequest, HttpRule, Outside};
pub use parse::excerpt;
pub use plugins::{Plugin, plugin_list};
pub use policy::{Level, Pattern, Policy, Rule, Versions, Waiver};
pub use record::{Recorded, record};
pub use resolved::{Misfit, Resolved};
pub use schema::{FILE_SCHEMAS, file_schema};
pub use smoke::{Baseline, Case, CaseFile, Expectation, Step, read_cases};
pub use values::{Compiler, Limits, parse_bytes, parse_compiler, parse_duration};
pub use written::Written;

/// What is wrong with a configuration file, or with what it names.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// A file could not be read.
    #[error("{path}: {reason}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system says.
        reason: String,
    },
    /// A file does not parse; the text has the line and a caret.
    #[error("{0}")]
    Syntax(String),
    /// A file parses and makes no sense.
    #[error("{path}: {reason}")]
    Invalid {
        /// The file.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// The WIT that it names is wrong.
    #[error("{from}{error}")]
    Wit {
        /// The file that names it, as `file: `; empty where that is the command line.
        from: String,
        /// What is wrong.
        error: world::WitError,
    },
}

/// A host, ready to judge by.
#[derive(Debug)]
pub struct Host {
    /// The file that decides, with its digest; none where flags stand in for it.
    pub config: Option<ConfigUsed>,
    /// The worlds of which a plugin must target one, the preferred one first.
    pub worlds: Vec<World>,
    /// What the host links beside its own world.
    pub provides: Vec<World>,
    /// Components that may be composed around a plugin.
    pub adapters: Vec<Component>,
    /// Whether core modules are made components on the way in; otherwise they are a finding.
    pub adapt_modules: bool,
    /// The default list of plugins: files and patterns, relative to the working directory.
    pub plugins: Vec<String>,
    /// The smoke cases.
    pub cases: Vec<Case>,
    /// What one run of one plugin may use.
    pub limits: Limits,
    /// What the host wants beyond its contract.
    pub policy: Policy,
}

/// What the plugins of a host are judged by.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    /// The contract, and what is judged by it. Paths are relative to this file.
    host: HostTable,
    /// What one run of one plugin may use.
    #[serde(default)]
    limits: values::LimitsTable,
    /// What the host wants beyond its contract.
    #[serde(default)]
    policy: policy::PolicyTable,
    /// What findings weigh, by code.
    #[serde(default)]
    #[schemars(with = "schema::Weights")]
    severity: BTreeMap<Spanned<String>, Spanned<String>>,
    /// Findings that are excused for a while. One that excuses nothing is a finding itself.
    #[serde(default)]
    #[schemars(with = "Vec<policy::WaiverTable>")]
    waiver: Vec<Spanned<policy::WaiverTable>>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct HostTable {
    /// What plugin authors build against: folders, files, or WIT packages encoded as wasm.
    wit: Vec<String>,
    /// Worlds, of which a plugin must target one; the first is the preferred one.
    #[schemars(length(min = 1))]
    worlds: Vec<String>,
    /// Features whose `@unstable` items are part of the WIT.
    #[serde(default)]
    features: Vec<String>,
    /// What the host links beside its world: `wasi`, or worlds by name, as in `wasi:http/imports@0.2.12`.
    #[serde(default)]
    provides: Vec<String>,
    /// Components that may be composed around a plugin, as few as possible: files or folders.
    #[serde(default)]
    adapters: Vec<String>,
    /// Whether core modules become components on the way in; otherwise they are a finding.
    #[serde(default)]
    adapt_modules: bool,
    /// The plugins that are judged: lists (.toml), components, and patterns of them; `--plugins` replaces them.
    #[serde(default)]
    plugins: Vec<String>,
    /// Files of calls that plugins must answer, and patterns of them.
    #[serde(default)]
    smoke: Vec<String>,
}

/// Reads a host folder: the folder, or its `plugtool.toml`.
pub fn load(path: &Path) -> Result<Host, ConfigError> {
    let file = if path.is_dir() { path.join("plugtool.toml") } else { path.to_owned() };
    let shown = show(&file);
    let text = read_text(&file)?;
    let parsed: File = parse::toml(&shown, &text)?;
    let source = parse::Source { path: &shown, text: &text };
    let invalid = |reason: String| ConfigError::Invalid { path: shown.clone(), reason };
    let folder = file.parent().unwrap_or(Path::new(""));
    let beside = |relative: &String| folder.join(relative);

    if parsed.host.worlds.is_empty() {
        return Err(invalid("`worlds` is empty: a plugin could target none".to_owned()));
    }
    let wit: Vec<PathBuf> = parsed.host.wit.iter().map(beside).collect();
    let contract = Contract::read(&wit, &parsed.host.features, format!("{shown}: "))?;
    let worlds = parsed.host.worlds.iter().map(|name| contract.world(Some(name)));
    let worlds: Vec<World> = worlds.collect::<Result<_, _>>()?;
    let provides = contract.provided(&parsed.host.provides, &shown)?;

    let mut adapters: Vec<Component> = Vec::new();
    for adapter in &parsed.host.adapters {
        for path in adapter_files(&beside(adapter))? {
            adapters.push(load_adapter(&path)?);
        }
    }
    adapters.sort_by(|a, b| a.name.cmp(&b.name).then_with(|| a.sha256().cmp(b.sha256())));

    let mut cases = Vec::new();
    for pattern in &parsed.host.smoke {
        for path in expand(&show(&beside(pattern)))? {
            cases.extend(read_cases(Path::new(&path))?);
        }
    }
    let limits = parsed.limits.settle().map_err(invalid)?;
    for case in &cases {
        fits_a_world(case, &worlds, &provides, &limits)?;
    }
    Ok(Host {
        config: Some(ConfigUsed { path: shown.clone(), sha256: input::digest(text.as_bytes()) }),
        worlds,
        provides,
        adapters,
        adapt_modules: parsed.host.adapt_modules,
        plugins: parsed.host.plugins.iter().map(|plugin| show(&beside(plugin))).collect(),
        cases,
        limits,
        policy: policy::settle(parsed.policy, parsed.severity, parsed.waiver, &source)?,
    })
}

impl Host {
    /// Takes the cases of these smoke files in place of its own.
    ///
    /// # Errors
    ///
    /// Anything wrong with the files, or with what they call in the host's worlds.
    pub fn replace_cases(&mut self, files: &[PathBuf]) -> Result<(), ConfigError> {
        let mut cases = Vec::new();
        for file in files {
            cases.extend(read_cases(file)?);
        }
        self.take_cases(cases)
    }

    /// Takes these cases in place of its own.
    ///
    /// # Errors
    ///
    /// What they call that is in none of the host's worlds.
    pub fn take_cases(&mut self, cases: Vec<Case>) -> Result<(), ConfigError> {
        self.cases = cases;
        let Host { cases, worlds, provides, limits, .. } = self;
        cases.iter().try_for_each(|case| fits_a_world(case, worlds, provides, limits))
    }
}

/// What a case calls must be in one of the host's worlds, and fit it: a host calls nothing else. What
/// it answers must be for what that world imports, or for what the host has beside it.
fn fits_a_world(
    case: &Case,
    worlds: &[World],
    provides: &[World],
    limits: &Limits,
) -> Result<(), ConfigError> {
    let (mut calls, mut answers) = (None, None);
    for world in worlds {
        match case.resolve_for(world::Host { world, provides }, limits, None) {
            Ok(_) => return Ok(()),
            Err(Misfit::Answers(error)) => answers = answers.or(Some(error)),
            Err(Misfit::Calls(error)) => calls = calls.or(Some(error)),
        }
    }
    answers.or(calls).map_or(Ok(()), Err)
}

/// A host that is only worlds, for one-off use: `--wit` and `--world`.
pub fn from_world(
    wit: &[PathBuf],
    features: &[String],
    names: &[String],
    provides: &[String],
) -> Result<Host, ConfigError> {
    let contract = Contract::read(wit, features, String::new())?;
    let worlds = if names.is_empty() {
        vec![contract.world(None)?]
    } else {
        names.iter().map(|name| contract.world(Some(name))).collect::<Result<_, _>>()?
    };
    Ok(Host {
        config: None,
        worlds,
        provides: contract.provided(provides, "--provides")?,
        adapters: Vec::new(),
        adapt_modules: false,
        plugins: Vec::new(),
        cases: Vec::new(),
        limits: Limits::default(),
        policy: Policy::default(),
    })
}

/// A component that stands between two others. The host's own, so it must be valid.
pub fn load_adapter(path: &Path) -> Result<Component, ConfigError> {
    let shown = show(path);
    let (name, _) = input::split_name(&shown);
    let read = input::read(&name, &shown).map_err(|error| ConfigError::Unreadable {
        path: shown.clone(),
        reason: error.to_string(),
    })?;
    component::decode(read).map_err(|finding| ConfigError::Invalid {
        path: shown.clone(),
        reason: format!("this adapter cannot be used: {}", finding.message),
    })
}
