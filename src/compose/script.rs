//! WAC scripts. wac-parser reads a script and works out what it means; a script that says nothing but
//! what feeds what is a plan like any other, and is carried out like one. One that says more, such as
//! imports of its own, is encoded by wac.
//!
//! A script is its writer's word: what is wrong with it by itself, or with a name in it, is the script's
//! error. What does not fit, of types that are all there, is a finding about the components.

mod flaw;

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use indexmap::IndexMap;
use semver::Version;
use wac_graph::types::{BorrowedPackageKey, ItemKind};
use wac_graph::{CompositionGraph, EncodeOptions, NodeId, NodeKind, Processor};
use wac_parser::lexer::{Lexer, Token};
use wac_parser::{Document, ExportOptions, Statement};

use super::{boundary, skeleton};
use crate::wiring::{Outlet, Plan, Why, Wire};
use crate::world::ExternName;

pub use flaw::{Fault, Flaw};

/// How deep brackets of a script may nest. wac reads them by recursion, and a stack has an end.
const MAX_DEPTH: usize = 100;

/// The largest script that is read, in bytes.
pub const MAX_SCRIPT: usize = 1 << 20;

/// A package that a script names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Its name, `ns:name`.
    pub name: String,
    /// Its version, where the script says one.
    pub version: Option<Version>,
    /// Where it is named first, in bytes of the script.
    pub at: Range<usize>,
    /// Whether it is instantiated, and so must be a component; else it may be WIT.
    pub instantiated: bool,
}

/// What a script comes to.
#[derive(Debug)]
pub struct Scripted {
    /// The instances that it makes: index of the package among the given ones, and its name in the
    /// script where it has one.
    pub instances: Vec<(usize, Option<String>)>,
    /// How they are wired; components are indices of instances.
    pub plan: Plan,
    /// The result, where the script says more than the plan does.
    pub encoded: Option<Vec<u8>>,
    /// The world that it is to target, as the script names it: package, its index, and path.
    pub targets: Option<Target>,
}

/// The world that a script is to target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Index of its package among the given ones.
    pub package: usize,
    /// Its full name.
    pub world: String,
    /// Where the script says so, in bytes.
    pub at: Range<usize>,
}

/// The packages that a script names, in its order.
///
/// # Errors
///
/// What is wrong with the script's syntax.
pub fn wanted(text: &str) -> Result<Vec<Wanted>, Flaw> {
    contained(|| {
        bounded(text)?;
        let document = Document::parse(text).map_err(Flaw::of_syntax)?;
        let own = document.directive.package.name;
        let mut found: IndexMap<(String, Option<Version>), Wanted> = IndexMap::new();
        for (token, at) in tokens(text) {
            let source = &text[at.clone()];
            let (path, version) = source.split_once('@').unwrap_or((source, ""));
            let name = path.split('/').next().unwrap_or(path);
            let instantiated = token == Token::PackageName;
            if name == own || !matches!(token, Token::PackageName | Token::PackagePath) {
                continue;
            }
            let version = Version::parse(version).ok();
            let at = at.start..at.start + if instantiated { source.len() } else { name.len() };
            let entry = found.entry((name.to_owned(), version.clone())).or_insert_with(|| Wanted {
                name: name.to_owned(),
                version,
                at,
                instantiated,
            });
            entry.instantiated |= instantiated;
        }
        Ok(found.into_values().collect())
    })
}

/// Works a script out over its packages: each of `wanted`, with its bytes.
///
/// # Errors
///
/// What is wrong with the script, what in it does not fit, or that wac broke down over it.
pub fn resolve(text: &str, packages: &[(&Wanted, &[u8])]) -> Result<Scripted, Flaw> {
    contained(|| {
        bounded(text)?;
        let document = Document::parse(text).map_err(Flaw::of_syntax)?;
        let mut keys = IndexMap::new();
        for (number, (wanted, bytes)) in packages.iter().enumerate() {
            let version = wanted.version.as_ref();
            let key = BorrowedPackageKey::from_name_and_version(&wanted.name, version);
            keys.insert(key, skeleton::skeleton(bytes, number).map_err(Flaw::of_bytes)?);
        }
        let resolution = document.resolve(keys).map_err(Flaw::of_meaning)?;
        let (mut scripted, plain) = read(&document, resolution.graph(), packages);
        if !plain {
            let processor = Processor { name: "plugtool", version: env!("CARGO_PKG_VERSION") };
            let options = EncodeOptions {
                validate: false,
                processor: Some(processor),
                ..EncodeOptions::default()
            };
            let encoded = boundary::contained(|| resolution.encode(options).map_err(Box::new));
            let encoded =
                encoded.map_err(|said| of_imports(&document, resolution.graph(), &said))?;
            let encoded = encoded.map_err(|error| Flaw::of_meaning(*error))?;
            let wholes = packages.iter().map(|(_, bytes)| Cow::Borrowed(*bytes)).collect();
            let filled = skeleton::fill(&encoded, wholes).map_err(Flaw::of_bytes)?;
            scripted.encoded = Some(filled.bytes);
        }
        scripted.targets = document.directive.targets.as_ref().and_then(|path| {
            let package = packages.iter().position(|(wanted, _)| {
                wanted.name == path.name && wanted.version == path.version
            })?;
            let at = path.span.offset()..path.span.offset() + path.span.len();
            Some(Target { package, world: path.string.to_owned(), at })
        });
        Ok(scripted)
    })
}

/// wac breaks down over imports of a script that are on one semver track and differ.
fn of_imports(document: &Document<'_>, graph: &CompositionGraph, said: &str) -> Flaw {
    let names = graph.node_ids().filter_map(|id| graph.get_import_name(id));
    let mut tracks: HashMap<String, &str> = HashMap::new();
    for name in names {
        let Some(other) = tracks.insert(ExternName::parse(name).canonical(), name) else {
            continue;
        };
        let at = document.statements.iter().find_map(|statement| match statement {
            Statement::Import(import) => match &import.name {
                Some(written) if written.as_str() == name => Some(written.span()),
                _ => None,
            },
            _ => None,
        });
        let message = format!(
            "the imports {other} and {name} are one for every host, and their types differ"
        );
        let at = at.map(|span| span.offset()..span.offset() + span.len());
        return Flaw::of_script(message, at);
    }
    Flaw::of_panic(said)
}

/// The graph as a plan, and whether the plan is all that there is in it.
fn read(
    document: &Document<'_>,
    graph: &CompositionGraph,
    packages: &[(&Wanted, &[u8])],
) -> (Scripted, bool) {
    // A node knows one of the names that it is exported under, and the graph does not list them.
    let mut exports: BTreeSet<String> = BTreeSet::new();
    for statement in &document.statements {
        if let Statement::Export(statement) = statement
            && let ExportOptions::Rename(name) = &statement.options
        {
            exports.insert(name.as_str().to_owned());
        }
    }
    let mut instances = Vec::new();
    let mut places: HashMap<NodeId, usize> = HashMap::new();
    let mut plain = true;
    for id in graph.node_ids() {
        let node = &graph[id];
        exports.extend(node.export_name().map(str::to_owned));
        exports.extend(graph.get_alias_source(id).map(|(_, name)| name.to_owned()));
        match node.kind() {
            NodeKind::Instantiation(_) => {
                let package = node.package().and_then(|package| {
                    let package = &graph[package];
                    packages.iter().position(|(wanted, _)| {
                        wanted.name == package.name()
                            && wanted.version.as_ref() == package.version()
                    })
                });
                places.insert(id, instances.len());
                instances.push((package.unwrap_or_default(), node.name().map(str::to_owned)));
            }
            NodeKind::Alias => {}
            NodeKind::Import(_) | NodeKind::Definition => plain = false,
        }
    }
    // The export of an instance, where it is one that a plan has words for.
    let export = |id: NodeId| {
        let (source, name) = graph.get_alias_source(id)?;
        Some((*places.get(&source)?, name.to_owned()))
    };
    let mut plan = Plan { used: (0..instances.len()).collect(), ..Plan::default() };
    for id in graph.node_ids() {
        if let Some(&importer) = places.get(&id) {
            for (import, argument) in graph.get_instantiation_arguments(id) {
                let Some((exporter, export)) = export(argument) else {
                    // A type of an interface that is fed goes with it by itself.
                    let with_it = graph.get_alias_source(argument).is_some_and(|(home, _)| {
                        let mut fed = graph.get_instantiation_arguments(id);
                        fed.any(|(_, other)| other == home)
                    });
                    let is_type = matches!(graph[argument].item_kind(), ItemKind::Type(_));
                    plain &= is_type && with_it;
                    continue;
                };
                let import = import.to_owned();
                plan.wires.push(Wire { importer, import, exporter, export, why: Why::Script });
            }
        }
    }
    for name in exports {
        match graph.get_export(&name).map(export) {
            Some(Some((exporter, export))) => plan.outlets.push(Outlet { name, exporter, export }),
            Some(None) => plain = false,
            None => {}
        }
    }
    plan.wires.sort();
    plan.outlets.sort();
    (Scripted { instances, plan, encoded: None, targets: None }, plain)
}

/// Refuses what wac would recurse into without an end.
fn bounded(text: &str) -> Result<(), Flaw> {
    let mut depth = 0_usize;
    for (token, at) in tokens(text) {
        match token {
            Token::OpenParen | Token::OpenBrace | Token::OpenBracket | Token::OpenAngle => {
                depth += 1;
            }
            Token::CloseParen | Token::CloseBrace | Token::CloseBracket | Token::CloseAngle => {
                depth = depth.saturating_sub(1);
            }
            _ => {}
        }
        if depth > MAX_DEPTH {
            let message = format!("brackets are nested more than {MAX_DEPTH} deep");
            return Err(Flaw::of_script(message, Some(at)));
        }
    }
    Ok(())
}

/// The tokens of a script with their places, up to the first that is none.
fn tokens(text: &str) -> impl Iterator<Item = (Token, Range<usize>)> {
    let mut lexer = Lexer::new(text).ok();
    std::iter::from_fn(move || {
        let (token, span) = lexer.as_mut()?.next()?;
        Some((token.ok()?, span.offset()..span.offset() + span.len()))
    })
}

/// wac panics over some scripts; that is no reason to go down with it.
fn contained<T>(work: impl FnOnce() -> Result<T, Flaw>) -> Result<T, Flaw> {
    boundary::contained(work).unwrap_or_else(|said| Err(Flaw::of_panic(&said)))
}
