//! Imports that are closed: stubs for what a composition would leave open, composed with the rest.

use std::collections::{BTreeSet, HashSet};

use indexmap::IndexMap;
use thiserror::Error;

use crate::adapter::{self, Does, Stub, StubError};
use crate::component::Component;
use crate::compose::{ComposeError, compose};
use crate::config::Pattern;
use crate::diagnostic::{Code, Diagnostic, StubUse, StubbedFunction, StubbedImport, WitPath};
use crate::wiring::{self, Outlet, Plan, Why, Wire};
use crate::world::{self, Along, ExternName, Item, World};

/// A composition without the imports that were to be closed.
#[derive(Clone, Debug)]
pub struct Closed {
    /// What came out, decoded again.
    pub component: Component,
    /// The stubs in it.
    pub stubs: Vec<Component>,
    /// How it is wired: the stubs stand behind the parts.
    pub plan: Plan,
    /// What each function of a stub answers.
    pub table: Vec<StubUse>,
    /// Indices of the patterns that matched an import.
    pub matched: Vec<usize>,
}

impl Closed {
    /// A composition in which there was nothing to close.
    pub fn nothing(component: Component, plan: Plan) -> Closed {
        Closed { component, stubs: Vec::new(), plan, table: Vec::new(), matched: Vec::new() }
    }
}

/// Why imports are not closed.
#[derive(Debug, Error)]
pub enum NotClosed {
    /// They cannot be.
    #[error("what is to be stubbed cannot be")]
    Findings(Vec<Diagnostic>),
    /// Something broke.
    #[error("{0}")]
    Broke(String),
}

impl From<ComposeError> for NotClosed {
    fn from(error: ComposeError) -> NotClosed {
        NotClosed::Broke(error.to_string())
    }
}

/// A component on its own, with all its functions and interfaces, as a plan.
pub fn alone(component: &Component) -> Plan {
    let exports = component.world.exports.iter();
    let exports = exports.filter(|(_, item)| matches!(item, Item::Func(_) | Item::Instance(_)));
    let outlets =
        exports.map(|(name, _)| Outlet { name: name.clone(), exporter: 0, export: name.clone() });
    Plan { used: vec![0], wires: Vec::new(), outlets: outlets.collect() }
}

/// Carries out a plan, and closes what it leaves open and one of the patterns matches: by stubs, which
/// are made from what the whole imports, so that several parts have one resource in common. What uses a
/// resource of a closed interface is closed too. Nothing is done where no pattern matches.
///
/// The result is decoded again, and nothing of what was closed is among its imports, but for plain
/// types that something else uses.
///
/// # Errors
///
/// See [`NotClosed`].
pub fn close(
    parts: &[&Component],
    plan: &Plan,
    patterns: &[Pattern],
) -> Result<Option<Closed>, NotClosed> {
    // Plain types ask for nothing, and exports may need them.
    let asks = |(index, name): &(usize, &String)| !world::asks_nothing(&parts[*index].world, name);
    let open: Vec<(usize, &String)> = open_imports(parts, plan).into_iter().filter(asks).collect();
    let matched: Vec<usize> = (0..patterns.len())
        .filter(|&index| open.iter().any(|(_, name)| patterns[index].matches(name)))
        .collect();
    if matched.is_empty() {
        return Ok(None);
    }
    // One version of an interface on the track stands for all of them in the whole.
    let wanted: HashSet<String> = open
        .iter()
        .filter(|(_, name)| patterns.iter().any(|pattern| pattern.matches(name)))
        .map(|(_, name)| ExternName::parse(name).canonical())
        .collect();
    let whole = whole(parts, plan)?;
    let along = world::along(&whole, |name| {
        let matches = wanted.contains(&ExternName::parse(name).canonical())
            || patterns.iter().any(|pattern| pattern.matches(name));
        matches && !world::asks_nothing(&whole, name)
    });
    let mut findings = impossible(&whole, patterns);
    // A type at the root that is another name for one of an interface goes where the interface goes.
    let stays = along.stays.iter().filter(|(kind, name, uses)| {
        *kind == "export" || wiring::brought(&whole, name).is_none_or(|(home, _)| home != uses.of)
    });
    findings.extend(stays.map(|(kind, name, uses)| torn(kind, name, uses)));
    let mut stubs = Vec::new();
    for group in &along.groups {
        // WIT has no way to say that a function of a world uses a resource which the world exports.
        let bare = |name: &&String| matches!(whole.imports.get(*name), Some(Item::Func(_)));
        let bare = group.iter().filter(bare).filter(|_| group.len() > 1);
        let before = findings.len();
        findings.extend(bare.map(|name| {
            let reason = "it uses a resource of what is closed, and stands outside any interface";
            cannot(std::slice::from_ref(name), reason)
        }));
        if findings.len() > before {
            continue;
        }
        match adapter::stub(&whole, group) {
            Ok(stub) => stubs.push(stub),
            Err(StubError::Internal(reason)) => return Err(NotClosed::Broke(reason)),
            Err(error) => findings.push(cannot(group, &error.to_string())),
        }
    }
    if !findings.is_empty() {
        return Err(NotClosed::Findings(findings));
    }
    if stubs.is_empty() {
        // Plain types at the root, which ask for nothing.
        return Ok(None);
    }
    let mut titles: Vec<String> = Vec::new();
    for (stub, group) in stubs.iter_mut().zip(&along.groups) {
        let name = title(group, &titles);
        titles.push(name.clone());
        stub.component.name = name;
    }
    let table = stubs.iter().zip(&along.groups).map(|(stub, group)| describe(stub, group, &along));
    let table = table.collect();
    let stubs: Vec<Component> = stubs.into_iter().map(|stub| stub.component).collect();
    let plan = wired(parts, &stubs, plan, &along);
    let all: Vec<&Component> = parts.iter().copied().chain(&stubs).collect();
    let component = match compose(&all, &plan) {
        // The parts are valid, and so is the whole that asks for everything.
        Err(ComposeError::Invalid(reason)) if reason.contains("not valid to be used as") => {
            return Err(NotClosed::Findings(vec![nameless(&along, &reason)]));
        }
        composed => composed?,
    };
    let closed = |name: &str| {
        let canonical = ExternName::parse(name).canonical();
        along.imports.keys().any(|known| ExternName::parse(known).canonical() == canonical)
    };
    // What stays and uses a plain type of what was closed still says where the type is from.
    let asks = |name: &&String| !world::asks_nothing(&component.world, name);
    let left: Vec<&String> =
        component.world.imports.keys().filter(asks).filter(|name| closed(name)).collect();
    if let Some(name) = left.iter().find(|name| has_functions(&component.world, name)) {
        return Err(NotClosed::Broke(format!("{name} was to be closed, and is still imported")));
    }
    if !left.is_empty() {
        let findings = left.into_iter().map(|name| {
            let reason = "what stays uses a type of it, or of what uses its resources";
            cannot(std::slice::from_ref(name), reason)
        });
        return Err(NotClosed::Findings(findings.collect()));
    }
    Ok(Some(Closed { component, stubs, plan, table, matched }))
}

fn has_functions(world: &World, import: &str) -> bool {
    match world.imports.get(import) {
        Some(Item::Instance(instance)) => {
            instance.items.values().any(|item| matches!(item, Item::Func(_)))
        }
        Some(item) => !matches!(item, Item::Type(_) | Item::Resource(_)),
        None => false,
    }
}

/// The imports that a plan leaves open, of all the parts that it uses, without plain types.
fn open_imports<'p>(parts: &[&'p Component], plan: &Plan) -> Vec<(usize, &'p String)> {
    let mut open = Vec::new();
    for &index in &plan.used {
        let fed: HashSet<&str> = plan
            .wires
            .iter()
            .filter(|wire| wire.importer == index)
            .map(|wire| wire.import.as_str())
            .collect();
        let imports = parts[index].world.imports.iter();
        let asked = imports
            .filter(|(name, item)| !matches!(item, Item::Type(_)) && !fed.contains(name.as_str()));
        open.extend(asked.map(|(name, _)| (index, name)));
    }
    open
}

/// The world of the whole without stubs.
fn whole(parts: &[&Component], plan: &Plan) -> Result<World, ComposeError> {
    let ([part], [_], []) = (parts, plan.used.as_slice(), plan.wires.as_slice()) else {
        return Ok(compose(parts, plan)?.world);
    };
    let mut world = part.world.clone();
    world.exports.retain(|name, _| plan.outlets.iter().any(|outlet| outlet.export == *name));
    Ok(world)
}

/// The plan with the stubs behind its parts, and wires from them to everything that is open.
fn wired(parts: &[&Component], stubs: &[Component], plan: &Plan, along: &Along) -> Plan {
    let mut givers: IndexMap<String, usize> = IndexMap::new();
    for (position, group) in along.groups.iter().enumerate() {
        givers.extend(group.iter().map(|name| (name.clone(), parts.len() + position)));
    }
    let wires = open_imports(parts, plan).into_iter().filter_map(|(importer, import)| {
        let (export, exporter) = world::find(&givers, import)?;
        Some(Wire {
            importer,
            import: import.clone(),
            exporter: *exporter,
            export: export.to_owned(),
            why: Why::Stub,
        })
    });
    let mut closed = plan.clone();
    closed.wires.extend(wires);
    closed.wires.sort();
    closed.used.extend(parts.len()..parts.len() + stubs.len());
    closed
}

/// Imports that match and are nothing that a stub could give.
fn impossible(whole: &World, patterns: &[Pattern]) -> Vec<Diagnostic> {
    let matching = |name: &str| patterns.iter().any(|pattern| pattern.matches(name));
    let mut findings = Vec::new();
    for (name, item) in whole.imports.iter().filter(|(name, _)| matching(name)) {
        let definition = world::asks_nothing(whole, name);
        if !definition && !matches!(item, Item::Func(_) | Item::Instance(_)) {
            let reason = format!("it is a {}, and stubs have functions", item.kind());
            findings.push(cannot(std::slice::from_ref(name), &reason));
        }
    }
    findings
}

fn cannot(group: &[String], reason: &str) -> Diagnostic {
    let name = group.first().map(String::as_str).unwrap_or_default();
    let finding = Diagnostic::error(
        Code::CannotStub,
        format!("it is to be closed by a stub, and cannot be: {reason}"),
    );
    let finding = finding.at(WitPath::root("import", name));
    let finding = group.iter().skip(1).fold(finding, |finding, name| {
        finding.note(format!("together with {name}, which has resources in common"))
    });
    finding.help("leave it out of what is stubbed, or do without it")
}

/// What the result exports uses types of what would be closed, which are named nowhere else.
fn nameless(along: &Along, reason: &str) -> Diagnostic {
    let names: Vec<String> = along.imports.keys().cloned().collect();
    let finding = cannot(
        &names[..names.len().min(1)],
        "an export or what stays uses its types, which would have no name without the import",
    );
    names.iter().skip(1).fold(finding.note(reason), |finding, name| {
        finding.note(format!("or those of {name}, which is to be closed too"))
    })
}

/// A resource that would be the stub's on one side and another one's on the other.
fn torn(kind: &'static str, name: &str, uses: &world::Uses) -> Diagnostic {
    let world::Uses { resource, of } = uses;
    let side = match kind {
        "export" => "whoever calls it has the host's",
        _ => "it is no interface, and cannot come along",
    };
    let message = format!(
        "it uses {resource} of {of}, which is to be stubbed: it would be the stub's, and {side}"
    );
    Diagnostic::error(Code::ResourceIdentity, message)
        .at(WitPath::root(kind, name).then("resource", Some(resource)))
        .help(format!("leave {of} out of what is stubbed, and whatever else uses its {resource}"))
}

/// What a stub is called: by the packages that it closes, or by their namespaces where those are many,
/// and with a number where another is called so.
fn title(group: &[String], taken: &[String]) -> String {
    fn of<'n>(group: &'n [String], part: impl Fn(&'n str) -> &'n str) -> Option<String> {
        let parts: BTreeSet<&str> = group.iter().map(|name| part(name)).collect();
        (parts.len() < 3).then(|| parts.into_iter().collect::<Vec<_>>().join("+"))
    }
    fn package(name: &str) -> &str {
        let name = ExternName::parse(name);
        name.package().unwrap_or(name.base)
    }
    let namespace = |name| package(name).split(':').next().unwrap_or(name);
    let name = match of(group, package).or_else(|| of(group, namespace)) {
        Some(packages) => format!("stub({packages})"),
        None => "stub".to_owned(),
    };
    let numbered = |number: usize| match number {
        1 => name.clone(),
        _ => format!("{name}-{number}"),
    };
    let free = (1..=taken.len() + 1).map(numbered).find(|name| !taken.contains(name));
    free.unwrap_or_else(|| numbered(1))
}

fn describe(stub: &Stub, group: &[String], along: &Along) -> StubUse {
    let imports = group.iter().map(|name| {
        let uses = along.imports.get(name).cloned().flatten();
        let of_import = |answer: &&adapter::Refusal| match &answer.interface {
            Some(interface) => interface == name,
            None => answer.function == *name,
        };
        let functions = stub.answers.iter().filter(of_import).map(|answer| {
            let (returns, traps) = match &answer.does {
                Does::Returns(value) => (Some(value.clone()), None),
                Does::Ignored => (None, None),
                Does::Traps(reason) => (None, Some(reason.clone())),
            };
            StubbedFunction {
                function: answer.function.clone(),
                ignored: returns.is_none() && traps.is_none(),
                returns,
                traps,
            }
        });
        StubbedImport {
            name: name.clone(),
            because: uses.map(|uses| format!("it uses {} of {}", uses.resource, uses.of)),
            functions: functions.collect(),
        }
    });
    let imports = imports.collect();
    StubUse {
        name: stub.component.name.clone(),
        sha256: stub.component.sha256().to_owned(),
        imports,
    }
}
