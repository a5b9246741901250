//! The host folder: `plugtool.toml` with the WIT, adapters and smoke cases beside it, read into a
//! [`Host`]. Everything in it is the host's own word, so anything wrong with it is an error and
//! never a finding about a plugin.

mod command;
mod first;
mod host;
mod parse;
mod policy;
mod record;
mod smoke;
mod values;
mod written;

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Component as PathPart, Path, PathBuf};

use serde::Deserialize;
use thiserror::Error;
use toml::Spanned;

use crate::component::{self, Component, FEATURES};
use crate::diagnostic::ConfigUsed;
use crate::input::{self, Kind};
use crate::world::{self, World};

pub use command::CommandCase;
pub use first::{NewFile, first_host};
pub use host::{Answer, CONFIG, HostRule, HostScript, HostSide, KEYVALUE, LOGGING};
pub use parse::excerpt;
pub use policy::{Level, Pattern, Policy, Rule, Versions, Waiver};
pub use record::{Recorded, record};
pub use smoke::{Baseline, Case, CaseFile, Expectation, Step, read_cases};
pub use values::{Limits, parse_bytes, parse_duration};
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

/// One line of a plugin list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plugin {
    /// Its name in reports and smoke cases.
    pub id: String,
    /// Where it is, relative to the working directory.
    pub path: String,
    /// Whether it is judged at all.
    pub enabled: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    host: HostTable,
    #[serde(default)]
    limits: values::LimitsTable,
    #[serde(default)]
    policy: policy::PolicyTable,
    #[serde(default)]
    severity: BTreeMap<Spanned<String>, Spanned<String>>,
    #[serde(default)]
    waiver: Vec<Spanned<policy::WaiverTable>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct HostTable {
    wit: Vec<String>,
    worlds: Vec<String>,
    #[serde(default)]
    features: Vec<String>,
    #[serde(default)]
    provides: Vec<String>,
    #[serde(default)]
    adapters: Vec<String>,
    #[serde(default)]
    adapt_modules: bool,
    #[serde(default)]
    plugins: Vec<String>,
    #[serde(default)]
    smoke: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct PluginFile {
    plugins: Vec<PluginTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct PluginTable {
    id: String,
    path: String,
    #[serde(default = "yes")]
    enabled: bool,
}

fn yes() -> bool {
    true
}

/// Where the WIT is, and which features' `@unstable` items are part of it.
struct Wit {
    paths: Vec<PathBuf>,
    features: Vec<String>,
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
    let wit = Wit {
        paths: parsed.host.wit.iter().map(beside).collect(),
        features: parsed.host.features.clone(),
    };
    let worlds = parsed.host.worlds.iter().map(|name| load_world(&wit, Some(name), &shown));
    let worlds: Vec<World> = worlds.collect::<Result<_, _>>()?;
    let provides = provided(&parsed.host.provides, &wit, &shown)?;

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
        self.cases.clear();
        for file in files {
            self.cases.extend(read_cases(file)?);
        }
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
        let offered: Vec<&World> = std::iter::once(world).chain(provides).collect();
        match case.resolve(world).map(|_| case.host.resolve(&offered, limits, true)) {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(error)) => answers = answers.or(Some(error)),
            Err(error) => calls = calls.or(Some(error)),
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
    let wit = Wit { paths: wit.to_vec(), features: features.to_vec() };
    let worlds = if names.is_empty() {
        vec![load_world(&wit, None, "")?]
    } else {
        let worlds = names.iter().map(|name| load_world(&wit, Some(name), ""));
        worlds.collect::<Result<_, _>>()?
    };
    Ok(Host {
        config: None,
        worlds,
        provides: provided(provides, &wit, "--provides")?,
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

/// Reads lists of plugins: each a `.toml` file with `[[plugins]]`, a component, or a pattern of
/// components, which get their file's stem as id.
pub fn plugin_list(sources: &[String]) -> Result<Vec<Plugin>, ConfigError> {
    let mut plugins = Vec::new();
    for source in sources {
        if source.ends_with(".toml") {
            let path = Path::new(source);
            let list: PluginFile = parse::toml(source, &read_text(path)?)?;
            let folder = path.parent().unwrap_or(Path::new(""));
            plugins.extend(list.plugins.into_iter().map(|plugin| Plugin {
                id: plugin.id,
                path: show(&folder.join(plugin.path)),
                enabled: plugin.enabled,
            }));
        } else {
            plugins.extend(expand(source)?.into_iter().map(|path| Plugin {
                id: input::split_name(&path).0,
                path,
                enabled: true,
            }));
        }
    }
    let mut seen = HashSet::new();
    match plugins.iter().find(|plugin| !seen.insert(&plugin.id)) {
        None => Ok(plugins),
        Some(twice) => Err(ConfigError::Invalid {
            path: sources.join(", "),
            reason: format!("two plugins have the id `{}`; ids must be unique", twice.id),
        }),
    }
}

/// The world of this name out of WIT sources, or the world of the component that is named instead.
fn load_world(wit: &Wit, name: Option<&str>, from: &str) -> Result<World, ConfigError> {
    if let Some(missing) = wit.paths.iter().find(|path| !path.exists()) {
        let reason = "no such file or directory".to_owned();
        return Err(ConfigError::Unreadable { path: show(missing), reason });
    }
    if let ([path], None) = (wit.paths.as_slice(), name)
        && path.is_file()
        && path.extension().is_none_or(|extension| extension != "wit")
    {
        let shown = show(path);
        let read = input::read(&shown, &shown).map_err(|error| ConfigError::Unreadable {
            path: shown.clone(),
            reason: error.to_string(),
        })?;
        if read.kind == Kind::Component && !component::is_wit_package(&read.bytes) {
            let mut component = component::decode(read).map_err(|finding| {
                ConfigError::Invalid { path: shown.clone(), reason: finding.message.clone() }
            })?;
            component.world.name = Some(shown);
            return Ok(component.world);
        }
    }
    let from = if from.is_empty() { String::new() } else { format!("{from}: ") };
    world::load(&wit.paths, &wit.features)
        .and_then(|wit| wit.world(name, FEATURES))
        .map_err(|error| ConfigError::Wit { from, error })
}

/// What a host links beside its world: `wasi`, or worlds by name, out of the host's own WIT or out of
/// what plugtool ships.
fn provided(names: &[String], wit: &Wit, from: &str) -> Result<Vec<World>, ConfigError> {
    let mut worlds = Vec::new();
    for name in names {
        let from = from.to_owned();
        let prefix = || format!("{from}: ");
        if name == "wasi" {
            let wasi = world::wasi(FEATURES);
            worlds.extend(wasi.map_err(|error| ConfigError::Wit { from: prefix(), error })?);
            continue;
        }
        if !name.contains('/') {
            return Err(ConfigError::Invalid {
                path: from,
                reason: format!(
                    "nothing is known of `{name}` to provide; write \"wasi\", or the name of a \
                     world, as in \"wasi:clocks/imports@0.2.12\""
                ),
            });
        }
        let own =
            world::load(&wit.paths, &wit.features).and_then(|wit| wit.world(Some(name), FEATURES));
        let shipped = |error| {
            let wasi = name.starts_with("wasi:");
            world::shipped(name, FEATURES).map_err(|other| if wasi { other } else { error })
        };
        let found = own.or_else(shipped);
        worlds.push(found.map_err(|error| ConfigError::Wit { from: prefix(), error })?);
    }
    Ok(worlds)
}

/// An adapter path is a file, or a folder whose `.wasm` and `.wat` files are meant.
fn adapter_files(path: &Path) -> Result<Vec<PathBuf>, ConfigError> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let unreadable = |error: std::io::Error| ConfigError::Unreadable {
        path: show(path),
        reason: error.to_string(),
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(unreadable)? {
        let file = entry.map_err(unreadable)?.path();
        if file.extension().is_some_and(|extension| extension == "wasm" || extension == "wat") {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

/// The files of a pattern, sorted; the path itself where it is no pattern, there or not. A pattern
/// that matches nothing is an error: a gate that judged nothing must not look like a pass.
fn expand(pattern: &str) -> Result<Vec<String>, ConfigError> {
    if !pattern.contains(['*', '?', '[']) {
        return Ok(vec![pattern.to_owned()]);
    }
    let invalid = |reason: String| ConfigError::Invalid { path: pattern.to_owned(), reason };
    let paths = glob::glob(pattern).map_err(|error| invalid(error.msg.to_owned()))?;
    let mut files = Vec::new();
    for path in paths {
        files.push(show(&path.map_err(|error| invalid(error.to_string()))?));
    }
    files.sort();
    if files.is_empty() {
        return Err(invalid("the pattern matches no file".to_owned()));
    }
    Ok(files)
}

fn read_text(path: &Path) -> Result<String, ConfigError> {
    let unreadable = |reason: String| ConfigError::Unreadable { path: show(path), reason };
    let bytes = match input::read("", &path.to_string_lossy()) {
        Ok(input) => input.bytes,
        Err(error) => return Err(unreadable(error.to_string())),
    };
    String::from_utf8(bytes).map_err(|_| unreadable("it is not UTF-8 text".to_owned()))
}

/// A path as people write it: `a/../b` is `b`. Only folders that were written out are folded away,
/// so what it names can differ only behind a symbolic link that the configuration itself names.
fn show(path: &Path) -> String {
    let mut parts: Vec<PathPart<'_>> = Vec::new();
    for part in path.components() {
        match (part, parts.last()) {
            (PathPart::CurDir, _) if path.components().count() > 1 => {}
            (PathPart::ParentDir, Some(PathPart::Normal(_))) => {
                parts.pop();
            }
            (part, _) => parts.push(part),
        }
    }
    parts.iter().collect::<PathBuf>().to_string_lossy().into_owned()
}
