//! Which export feeds which import. Pure: worlds in, a plan out, no bytes.
//!
//! An import gets the export of its very name, else the highest on its semver track, out of those
//! whose type fits. A component that imports and exports one interface is middleware: it stands
//! between the others and whoever gives the interface. Where there is one of these, that is its
//! place; of several on one interface, nothing says which is in front of which, and the caller has
//! to (`Wishes::by_hand`). Nothing is decided by the order of the components.

mod choose;
mod clashes;
mod findings;
mod outlets;
mod resources;
mod seams;
pub mod search;
mod shapes;

use std::collections::BTreeSet;

use crate::config::Pattern;
use crate::diagnostic::{Code, Diagnostic};
use crate::world::{self, Host, Item, Mismatch, World};
use seams::Seams;

pub use clashes::clashes;
pub use resources::brought;

/// A component as wiring sees it.
#[derive(Clone, Copy, Debug)]
pub struct Node<'a> {
    /// What to call it in messages.
    pub name: &'a str,
    /// SHA-256 of its file, in hex: what decides between two that are equal otherwise.
    pub sha256: &'a str,
    /// Its world.
    pub world: &'a World,
}

/// Why an import is fed by this export and no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    /// Nothing else has its name and type.
    Only,
    /// It has the very name, others only its semver track.
    Exact,
    /// It has the highest version on the track.
    Highest,
    /// It is the front of a chain of components that all import and export the interface.
    Front,
    /// The others bring other resources than those that the importer means.
    Resources,
    /// The caller said so.
    ByHand,
    /// The fewest adapters do it this way.
    Search,
    /// It is to be closed by a stub, and nothing else feeds it.
    Stub,
    /// A WAC script says so.
    Script,
}

impl Why {
    /// The reason in words.
    pub fn text(self) -> &'static str {
        match self {
            Why::Only => "nothing else has its name and type",
            Why::Exact => "the very version",
            Why::Highest => "the highest version on the track",
            Why::Front => "the front of the chain",
            Why::Resources => "the only one with the resources that are meant",
            Why::ByHand => "by --wire",
            Why::Search => "the fewest adapters do it so",
            Why::Stub => "it is to be stubbed",
            Why::Script => "by the script",
        }
    }
}

/// One export that feeds one import. Components are named by their index in the input.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wire {
    /// Whose import.
    pub importer: usize,
    /// Its name there.
    pub import: String,
    /// Whose export.
    pub exporter: usize,
    /// Its name there.
    pub export: String,
    /// Why this one.
    pub why: Why,
}

/// One export of the whole.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Outlet {
    /// Its name on the outside.
    pub name: String,
    /// Whose export it is.
    pub exporter: usize,
    /// Its name there.
    pub export: String,
}

/// How components are put together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The components that take part, in the order of the input.
    pub used: Vec<usize>,
    /// What feeds what.
    pub wires: Vec<Wire>,
    /// What the whole exports.
    pub outlets: Vec<Outlet>,
}

/// What is asked of a wiring.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wishes<'a> {
    /// The host whose world the whole is to target.
    pub target: Option<Host<'a>>,
    /// Wires that are decided already. Their names must be those of the worlds.
    pub by_hand: &'a [Wire],
    /// Whether the whole exports everything that feeds nobody, not only what is asked for.
    pub all_exports: bool,
    /// Imports that may stay open for a stub to close them, and so need not be the host's. What a
    /// component gives goes before the stub, and the stub before an adapter of the pool.
    pub stub: &'a [Pattern],
}

/// Wires components together, whatever their order. Every import gets the best exporter among the
/// others. With a target, the whole exports what the target's world demands; without one, what the
/// components export that nobody consumes.
///
/// # Errors
///
/// Every reason why there is no one way to do it.
pub fn wire(nodes: &[Node<'_>], wishes: &Wishes<'_>) -> Result<Plan, Vec<Diagnostic>> {
    let seams = Seams::new(nodes, wishes);
    wire_seams(nodes, wishes, &seams)
}

fn wire_seams(
    nodes: &[Node<'_>],
    wishes: &Wishes<'_>,
    seams: &Seams,
) -> Result<Plan, Vec<Diagnostic>> {
    let mut problems = findings::by_hand(nodes, wishes.by_hand);
    let chosen = choose::choose(nodes, seams, wishes.by_hand);
    let wires = chosen.wires;
    problems.extend(chosen.problems);
    problems.extend(findings::unfed(nodes, seams, wishes.target, &wires, &chosen.held));
    let unclear = !problems.is_empty();
    if let Some(cycle) = cycle(nodes.len(), &wires) {
        problems.push(findings::cycle(nodes, &cycle, &wires));
        return Err(problems);
    }
    let (outlets, disputed) = outlets::outlets(nodes, seams, &wires, wishes);
    // A component that could not be wired to its importer still stands at the end of its chain.
    // With a target they are at odds over what fits, and that is all there is to say.
    let fit = wishes.target.is_some() && chosen.held.is_empty() && !disputed.is_empty();
    if fit {
        problems.clear();
    }
    if !unclear || fit {
        problems.extend(disputed.iter().map(|d| findings::conflict(d, nodes)));
    }
    let used = reachable(&wires, &outlets);
    let mut plan = Plan { used, wires, outlets };
    plan.wires.sort();
    if !unclear {
        let splits = resources::splits(nodes, &plan, wishes.target);
        problems.extend(splits.iter().map(|split| findings::split(nodes, &plan, split)));
    }
    // Whatever else is wrong may be why a component has no part; that it has none says nothing then.
    if problems.is_empty() && plan.used.len() < nodes.len() {
        problems.extend(findings::undemanded(nodes, seams, &plan));
    }
    if problems.is_empty() {
        for (index, node) in nodes.iter().enumerate() {
            let linked = |wire: &Wire| wire.importer == index || wire.exporter == index;
            let alone =
                nodes.len() > 1 && wishes.target.is_none() && !plan.wires.iter().any(linked);
            if alone || !plan.used.contains(&index) {
                problems.push(findings::unused(nodes, index, &plan.wires, node));
            }
        }
    }
    if problems.is_empty() { Ok(plan) } else { Err(problems) }
}

/// What is wrong with a plan that somebody made by hand: types that do not fit, and resources that would
/// be torn in two. The plan must have no circle.
pub fn examine(nodes: &[Node<'_>], plan: &Plan, target: Option<Host<'_>>) -> Vec<Diagnostic> {
    let mut problems = findings::by_hand(nodes, &plan.wires);
    if problems.is_empty() {
        let splits = resources::splits(nodes, plan, target);
        problems.extend(splits.iter().map(|split| findings::split(nodes, plan, split)));
    }
    problems
}

/// What stands between the planned whole and its target, without making it: the mismatches of
/// each component at those imports that stay open and those exports that become the whole's.
pub fn shortfall(nodes: &[Node<'_>], plan: &Plan, target: Host<'_>) -> Vec<Mismatch> {
    let mut left = Vec::new();
    for &index in &plan.used {
        let fed = |name: &str| {
            plan.wires.iter().any(|wire| wire.importer == index && wire.import == name)
        };
        left.extend(world::targets(nodes[index].world, target).into_iter().filter(|mismatch| {
            let root = &mismatch.path.0[0];
            let name = root.name.as_deref().unwrap_or_default();
            match &*root.kind {
                // A plain type asks nothing of the host: what uses it is measured by itself.
                "import" => {
                    let item = nodes[index].world.imports.get(name);
                    !fed(name) && !matches!(item, Some(Item::Type(_)))
                }
                _ => plan.outlets.iter().any(|o| o.exporter == index && o.name == name),
            }
        }));
    }
    left
}

/// A wish of the command line, `IMPORTER/IMPORT=EXPORTER`, as a wire. The import may be named
/// without its version, or without its package where one import only has that name.
///
/// # Errors
///
/// What is wrong with it, with the name that was probably meant.
pub fn parse_wire(nodes: &[Node<'_>], text: &str) -> Result<Wire, String> {
    let wrong = |what: String| format!("--wire {text}: {what}");
    let (left, exporter) = text
        .rsplit_once('=')
        .ok_or_else(|| wrong("it has the form IMPORTER/IMPORT=EXPORTER".to_owned()))?;
    let (importer, import) = left
        .split_once('/')
        .ok_or_else(|| wrong("it has the form IMPORTER/IMPORT=EXPORTER".to_owned()))?;
    let component = |name: &str| {
        let found: Vec<usize> = (0..nodes.len()).filter(|&i| nodes[i].name == name).collect();
        match found.as_slice() {
            [one] => Ok(*one),
            [] => Err(wrong(format!(
                "there is no component `{name}`; {}",
                near(name, nodes.iter().map(|node| node.name))
            ))),
            _ => Err(wrong(format!(
                "{} components are called `{name}`; give each a name of its own, as in {name}1=PATH",
                found.len()
            ))),
        }
    };
    let (importer, exporter) = (component(importer)?, component(exporter)?);
    if importer == exporter {
        return Err(wrong("a component cannot feed itself".to_owned()));
    }
    let imports = &nodes[importer].world.imports;
    let named: Vec<&String> = imports.keys().filter(|name| means(import, name)).collect();
    let import = match (world::find(imports, import), named.as_slice()) {
        (Some((name, _)), _) => name.to_owned(),
        (None, [one]) => (*one).clone(),
        (None, []) => {
            let hint = near(import, imports.keys().map(String::as_str));
            return Err(wrong(format!(
                "{} has no import `{import}`; {hint}",
                nodes[importer].name
            )));
        }
        (None, several) => {
            let names: Vec<&str> = several.iter().map(|name| name.as_str()).collect();
            return Err(wrong(format!("`{import}` could be {}", names.join(" or "))));
        }
    };
    let exports = &nodes[exporter].world.exports;
    let Some((export, _)) = world::find(exports, &import) else {
        let hint = near(&import, exports.keys().map(String::as_str));
        return Err(wrong(format!("{} has no export `{import}`; {hint}", nodes[exporter].name)));
    };
    Ok(Wire { importer, import, exporter, export: export.to_owned(), why: Why::ByHand })
}

/// Whether a name that a person wrote means this import: without the version, or the last part.
fn means(written: &str, name: &str) -> bool {
    let base = world::ExternName::parse(name).base;
    base == written || base.rsplit_once('/').is_some_and(|(_, last)| last == written)
}

fn near<'n>(name: &str, candidates: impl Iterator<Item = &'n str> + Clone) -> String {
    match world::nearest(name, candidates.clone()) {
        Some(name) => format!("did you mean `{name}`?"),
        None => {
            let all: Vec<&str> = candidates.take(12).collect();
            if all.is_empty() {
                "it has none".to_owned()
            } else {
                format!("there are: {}", all.join(", "))
            }
        }
    }
}

/// The components that the outlets need, directly or through others, in the order of the input.
fn reachable(wires: &[Wire], outlets: &[Outlet]) -> Vec<usize> {
    let mut todo: Vec<usize> = outlets.iter().map(|outlet| outlet.exporter).collect();
    let mut used = BTreeSet::new();
    while let Some(index) = todo.pop() {
        if used.insert(index) {
            let feeds = wires.iter().filter(|wire| wire.importer == index);
            todo.extend(feeds.map(|wire| wire.exporter));
        }
    }
    used.into_iter().collect()
}

/// A circle of components that import from each other, the first one repeated at the end.
fn cycle(nodes: usize, wires: &[Wire]) -> Option<Vec<usize>> {
    fn visit(at: usize, wires: &[Wire], path: &mut Vec<usize>, done: &mut [bool]) -> bool {
        if let Some(start) = path.iter().position(|&index| index == at) {
            path.drain(..start);
            path.push(at);
            return true;
        }
        if done[at] {
            return false;
        }
        path.push(at);
        for wire in wires.iter().filter(|wire| wire.importer == at) {
            if visit(wire.exporter, wires, path, done) {
                return true;
            }
        }
        path.pop();
        done[at] = true;
        false
    }
    let mut done = vec![false; nodes];
    let mut path = Vec::new();
    (0..nodes).any(|start| visit(start, wires, &mut path, &mut done)).then_some(path)
}

/// What the best attempt of the adapter search came to, as a finding: how near, and what lacks.
pub fn no_adapter_path(attempt: &search::Attempt, world: &str) -> Diagnostic {
    let finding = Diagnostic::error(
        Code::NoAdapterPath,
        format!(
            "no adapters lead to {world}; the nearest way goes through {}, and lacks what follows",
            attempt.adapters.join(" and ")
        ),
    );
    let finding = attempt.lacking.iter().fold(finding, |finding, what| finding.note(what));
    finding.help("add an adapter that gives it, or build the plugin against a newer contract")
}
