//! `plugtool compose script.wac`: where its packages are, and what comes of it.

use std::collections::BTreeSet;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::stub::closed_whole;
use super::{Compose, Opened};
use crate::check;
use crate::cli::Failure;
use crate::component::{self, Component, FEATURES, Subject};
use crate::compose::script::{self, Fault, Flaw, MAX_SCRIPT, Wanted};
use crate::compose::{self, ComposeError};
use crate::config::{self, Host, Pattern};
use crate::diagnostic::{Code, Diagnostic, WitPath};
use crate::input::{self, InputError};
use crate::judge::stubs::Closed;
use crate::judge::{node, unreadable};
use crate::wiring::{self, Node, Plan};
use crate::world::{self, World};

/// A script and what it comes to.
pub(super) struct Script {
    pub parts: Vec<Component>,
    /// Digests of those that were core modules.
    pub adapted: BTreeSet<String>,
    pub plan: Plan,
    /// The result, where wac had to make it.
    pub encoded: Option<Vec<u8>>,
    /// The world that it is to target.
    pub target: Option<World>,
}

/// A file of the script's text.
struct Source<'a> {
    path: &'a str,
    text: &'a str,
}

impl Source<'_> {
    fn wrong(&self, at: Option<Range<usize>>, message: &str) -> Failure {
        Failure::usage(anyhow::anyhow!(match at {
            Some(at) => config::excerpt(self.path, self.text, at, message),
            None => format!("{}: {message}", self.path),
        }))
    }

    /// The flaw as what it is: an error of the script's, or a finding.
    fn flaw(&self, flaw: Flaw) -> Result<Diagnostic, Failure> {
        let Flaw { fault, message, at, help } = flaw;
        match fault {
            Fault::Script => {
                let message = match help {
                    Some(help) => format!("{message}; {help}"),
                    None => message,
                };
                Err(self.wrong(at, &message))
            }
            Fault::Parts(code) => {
                let mut finding = Diagnostic::error(code, message);
                if let Some(at) = at {
                    finding = finding.note(self.line(&at));
                }
                finding.help = help;
                Ok(finding)
            }
            Fault::Wac => Err(Failure::internal(anyhow::anyhow!("{}: {message}", self.path))),
        }
    }

    /// The line of a place, with what stands there.
    fn line(&self, at: &Range<usize>) -> String {
        let before = self.text.get(..at.start).unwrap_or_default();
        let line = before.matches('\n').count();
        let column = before.chars().rev().take_while(|c| *c != '\n').count();
        let text = self.text.lines().nth(line).unwrap_or_default().trim();
        format!("{}:{}:{}: {text}", self.path, line + 1, column + 1)
    }
}

impl Compose {
    /// The script among the arguments, where there is one.
    pub(super) fn script_path(&self) -> Result<Option<&str>, Failure> {
        let wrong = |what: String| Err(Failure::usage(anyhow::anyhow!(what)));
        let is_script = |argument: &&String| argument.ends_with(".wac");
        let Some(path) = self.components.iter().find(is_script) else {
            return match (&self.deps, self.dep.first()) {
                (Some(_), _) => wrong("--deps is for a script, and none is given".to_owned()),
                (_, Some(_)) => wrong("--dep is for a script, and none is given".to_owned()),
                _ => Ok(None),
            };
        };
        if self.components.len() > 1 {
            return wrong(format!(
                "{path} names its components itself, and nothing is given beside it; \
                 --dep NAME=PATH says where one is"
            ));
        }
        let beside = [
            ("--adapter", !self.adapter.is_empty()),
            ("--wire", !self.wire.is_empty()),
            ("--all-exports", self.all_exports),
            ("--emit-wac", self.emit_wac.is_some()),
        ];
        match beside.iter().find(|(_, given)| *given) {
            Some((flag, _)) => wrong(format!("{flag} has no place beside a script; write it in")),
            None => Ok(Some(path)),
        }
    }

    /// Reads a script and its packages, and works out what it says.
    pub(super) fn load_script(
        &self,
        path: &str,
        host: Option<&Host>,
    ) -> Result<Result<Script, Vec<Diagnostic>>, Failure> {
        let text = read_text(path)?;
        let source = Source { path, text: &text };
        let wanted = match script::wanted(&text) {
            Ok(wanted) => wanted,
            Err(flaw) => return Ok(Err(vec![source.flaw(flaw)?])),
        };
        let mut packages = Vec::with_capacity(wanted.len());
        let mut adapted = BTreeSet::new();
        let mut findings = Vec::new();
        for (wanted, path) in wanted.iter().zip(self.paths(&source, &wanted)?) {
            match package(wanted, &path, host)? {
                Ok(package) => {
                    adapted.extend(package.adapted());
                    packages.push(package);
                }
                Err(found) => findings.extend(found),
            }
        }
        if !findings.is_empty() {
            return Ok(Err(findings));
        }
        let bytes: Vec<(&Wanted, &[u8])> =
            wanted.iter().zip(packages.iter().map(Package::bytes)).collect();
        let resolved = match script::resolve(&text, &bytes) {
            Ok(resolved) => resolved,
            Err(flaw) => return Ok(Err(vec![source.flaw(flaw)?])),
        };
        let mut target = None;
        if let Some(named) = resolved.targets {
            let wit = world::load_encoded(&named.world, packages[named.package].bytes());
            let world = wit.and_then(|wit| wit.world(Some(&named.world), FEATURES));
            target = Some(world.map_err(|error| source.wrong(Some(named.at), &error.to_string()))?);
        }
        let mut left: Vec<usize> = vec![0; packages.len()];
        resolved.instances.iter().for_each(|(package, _)| left[*package] += 1);
        let mut packages: Vec<Option<Package>> = packages.into_iter().map(Some).collect();
        let mut parts = Vec::with_capacity(resolved.instances.len());
        for (package, name) in resolved.instances {
            left[package] -= 1;
            // The bytes of a package are as large as its component; the last instance takes them.
            let taken = if left[package] == 0 {
                packages[package].take()
            } else {
                packages[package].clone()
            };
            let Some(Package::Component(opened)) = taken else {
                return Err(source.wrong(None, "a package that is instantiated is no component"));
            };
            let mut component = opened.component;
            component.name = name.unwrap_or_else(|| wanted[package].name.clone());
            parts.push(component);
        }
        let plan = resolved.plan;
        if resolved.encoded.is_none() {
            let nodes: Vec<Node<'_>> = parts.iter().map(node).collect();
            let sides = target.as_ref().map(|world| world::Host { world, provides: &[] });
            let findings = wiring::examine(&nodes, &plan, sides);
            if !findings.is_empty() {
                return Ok(Err(findings));
            }
        }
        Ok(Ok(Script { parts, adapted, plan, encoded: resolved.encoded, target }))
    }

    /// Where each package is: `--dep` first, then the dependency folder, as `wac compose` looks.
    fn paths(&self, source: &Source<'_>, wanted: &[Wanted]) -> Result<Vec<PathBuf>, Failure> {
        let full = |wanted: &Wanted| match &wanted.version {
            Some(version) => format!("{}@{version}", wanted.name),
            None => wanted.name.clone(),
        };
        let mut given: Vec<(&str, &str)> = Vec::new();
        for dep in &self.dep {
            let wrong = |what: String| Failure::usage(anyhow::anyhow!("--dep {dep}: {what}"));
            let (name, path) =
                dep.split_once('=').ok_or_else(|| wrong("it has the form NAME=PATH".to_owned()))?;
            if !wanted.iter().any(|wanted| full(wanted) == name) {
                let names: Vec<String> = wanted.iter().map(full).collect();
                let near = world::nearest(name, names.iter().map(String::as_str));
                let hint = match near {
                    Some(near) => format!("did you mean {near}?"),
                    None => format!("it names {}", names.join(", ")),
                };
                return Err(wrong(format!("the script names no package {name}; {hint}")));
            }
            given.push((name, path));
        }
        let beside = || Path::new(source.path).parent().unwrap_or(Path::new("")).join("deps");
        let folder = self.deps.clone().unwrap_or_else(beside);
        let mut paths = Vec::with_capacity(wanted.len());
        for wanted in wanted {
            let name = full(wanted);
            if let Some((_, path)) = given.iter().rev().find(|(given, _)| *given == name) {
                paths.push(PathBuf::from(path));
                continue;
            }
            let mut stem = folder.join(wanted.name.split(':').collect::<PathBuf>());
            if let Some(version) = &wanted.version {
                stem.push(version.to_string());
            }
            let ending = |ending: &str| {
                let mut file = stem.clone().into_os_string();
                file.push(ending);
                PathBuf::from(file)
            };
            let folder = (!wanted.instantiated).then(|| stem.clone());
            let wit = (!wanted.instantiated).then(|| ending(".wit"));
            let files = [ending(".wat"), ending(".wasm")];
            let mut candidates = files.into_iter().chain(wit).filter(|path| path.is_file());
            match folder.filter(|folder| folder.is_dir()).or_else(|| candidates.next()) {
                Some(path) => paths.push(path),
                None => {
                    let message = format!(
                        "unknown package `{name}`: there is no {}, and no --dep says where it is",
                        ending(".wasm").display()
                    );
                    return Err(source.wrong(Some(wanted.at.clone()), &message));
                }
            }
        }
        Ok(paths)
    }
}

/// What the script calls by a package's name.
#[derive(Clone)]
enum Package {
    Component(Box<Opened>),
    /// Types only, encoded.
    Wit(Vec<u8>),
}

impl Package {
    fn bytes(&self) -> &[u8] {
        match self {
            Package::Component(opened) => &opened.component.bytes,
            Package::Wit(bytes) => bytes,
        }
    }

    /// The digest of a core module.
    fn adapted(&self) -> Option<String> {
        match self {
            Package::Component(opened) if opened.adapted => {
                Some(opened.component.sha256().to_owned())
            }
            _ => None,
        }
    }
}

/// Reads one package. What is wrong with a component is a finding, with WIT an error.
fn package(
    wanted: &Wanted,
    path: &Path,
    host: Option<&Host>,
) -> Result<Result<Package, Vec<Diagnostic>>, Failure> {
    let shown = path.display().to_string();
    if wanted.instantiated {
        let opened = super::open(&wanted.name, &shown, host)?;
        return Ok(opened.map(|opened| Package::Component(Box::new(opened))));
    }
    if path.is_dir() || path.extension().is_some_and(|ending| ending == "wit") {
        return Ok(Ok(Package::Wit(world::encode(path).map_err(Failure::usage)?)));
    }
    let file = |finding: Diagnostic| vec![finding.at(WitPath::root("file", &shown))];
    let read = match input::read(&wanted.name, &shown) {
        Ok(read) => read,
        Err(error @ InputError::System(_)) => {
            return Err(Failure::internal(anyhow::anyhow!("{shown}: {error}")));
        }
        Err(error) => return Ok(Err(file(unreadable(&error)))),
    };
    let bytes = read.bytes.clone();
    Ok(match component::identify(read) {
        Ok(Subject::WitPackage(_) | Subject::Component(_)) => Ok(Package::Wit(bytes)),
        Ok(Subject::Module(_) | Subject::Precompiled(_)) => Err(file(Diagnostic::error(
            Code::NotAComponent,
            "it is no component and no WIT package",
        ))),
        Err(finding) => Err(file(*finding)),
    })
}

/// What a script that wac had to encode came to, with what is to be closed closed; findings where it is
/// not valid, or cannot be closed.
pub(super) fn finish(
    bytes: Vec<u8>,
    parts: &[&Component],
    plan: Plan,
    patterns: &[Pattern],
) -> Result<Result<Closed, Vec<Diagnostic>>, Failure> {
    match compose::compose_encoded(bytes, parts, &plan) {
        Ok(composed) => closed_whole(composed, plan, patterns),
        // wac compares resources by name; that two are not one is seen here.
        Err(ComposeError::Invalid(reason)) => Ok(Err(vec![
            Diagnostic::error(
                Code::InvalidComponent,
                format!("what the script puts together is not valid: {reason}"),
            )
            .help("take interfaces that share a resource from one and the same instance"),
        ])),
        Err(error) => Err(Failure::internal(error)),
    }
}

/// What keeps a result from the world that its script targets.
pub(super) fn misses(composed: &Component, target: &World) -> Vec<Diagnostic> {
    check::against(composed, world::Host { world: target, provides: &[] })
}

fn read_text(path: &str) -> Result<String, Failure> {
    let wrong = |what: String| Failure::usage(anyhow::anyhow!("{path}: {what}"));
    let bytes = fs::read(path).map_err(|error| wrong(error.to_string()))?;
    if bytes.len() > MAX_SCRIPT {
        return Err(wrong(format!("a script may have {} MiB", MAX_SCRIPT >> 20)));
    }
    String::from_utf8(bytes).map_err(|_| wrong("it is no UTF-8 text".to_owned()))
}
