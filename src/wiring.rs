//! Which export feeds which import. Pure: worlds in, a plan out, no bytes.

use std::collections::BTreeMap;

use crate::diagnostic::{Code, Diagnostic, WitPath};
use crate::world::{self, ExternName, Host, Item, Mismatch, MismatchKind, World, find, fits};

/// A component as wiring sees it.
#[derive(Clone, Copy, Debug)]
pub struct Node<'a> {
    /// What to call it in messages.
    pub name: &'a str,
    /// Its world.
    pub world: &'a World,
}

/// One export that feeds one import. Components are named by their index in the input.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wire {
    /// Whose import.
    pub importer: usize,
    /// Its name there.
    pub import: String,
    /// Whose export.
    pub exporter: usize,
    /// Its name there.
    pub export: String,
}

/// One export of the whole.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
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

/// Wires components together, whatever their order. Every import gets the one exporter among the
/// others whose export has its name (or is on its semver track) and its type. With a target, the
/// whole exports what the target's world demands; without one, whatever nobody consumes.
///
/// # Errors
///
/// Every reason why there is no one way to do it.
pub fn wire(nodes: &[Node<'_>], target: Option<Host<'_>>) -> Result<Plan, Vec<Diagnostic>> {
    let mut problems = Vec::new();
    let mut wires = Vec::new();
    for (importer, node) in nodes.iter().enumerate() {
        for (import, item) in &node.world.imports {
            if !matches!(item, Item::Func(_) | Item::Instance(_)) {
                continue;
            }
            let exporters = exporters(nodes, importer, import);
            match exporters.as_slice() {
                // With a target, an import that stays open is measured against what it offers.
                [] if target.is_none() => problems.extend(near_misses(nodes, importer, import)),
                [] => {}
                [(exporter, export)] => wires.push(Wire {
                    importer,
                    import: import.clone(),
                    exporter: *exporter,
                    export: (*export).to_owned(),
                }),
                several => {
                    let names = several.iter().map(|(i, _)| nodes[*i].name).collect::<Vec<_>>();
                    problems.push(
                        Diagnostic::error(
                            Code::AmbiguousWiring,
                            format!("{} could be fed by {}", node.name, names.join(" or by ")),
                        )
                        .at(WitPath::root("import", import))
                        .help("leave out all but one of them"),
                    );
                }
            }
        }
    }
    let ambiguous = !problems.is_empty();
    if let Some(cycle) = cycle(nodes.len(), &wires) {
        let names: Vec<&str> = cycle.iter().map(|i| nodes[*i].name).collect();
        problems.push(
            Diagnostic::error(
                Code::WiringCycle,
                format!("{} needs itself: {}", names[0], names.join(" needs ")),
            )
            .help("leave out one of them, or break the circle by an adapter that needs neither"),
        );
    }
    let mut disputed = Vec::new();
    let outlets = match target {
        Some(host) => demanded(nodes, &wires, host, &mut disputed),
        None => unconsumed(nodes, &wires, &mut disputed),
    };
    // A component that could not be wired to its importer still stands at the end of its chain.
    if !ambiguous {
        problems.extend(disputed.iter().map(|(name, several)| conflict(name, several, nodes)));
    }
    let used = reachable(&wires, &outlets);
    // Whatever else is wrong may be why a component has no part; that it has none says nothing then.
    if problems.is_empty() {
        for (index, node) in nodes.iter().enumerate() {
            let linked = |wire: &Wire| wire.importer == index || wire.exporter == index;
            let alone = nodes.len() > 1 && target.is_none() && !wires.iter().any(linked);
            if alone || !used.contains(&index) {
                problems.push(unused(node));
            }
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    wires.sort();
    Ok(Plan { used, wires, outlets })
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
            match root.kind {
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

/// Finds the fewest adapters out of `pool` with which `given` components together target the
/// host's world, and how they are wired: the given ones come first, the adapters follow in the
/// order of the result. Among as many, the first in the order of the pool.
pub fn adapt(given: &[Node<'_>], pool: &[Node<'_>], host: Host<'_>) -> Option<(Vec<usize>, Plan)> {
    /// More than two contracts apart is not searched for.
    const MOST: usize = 2;
    for size in 0..=MOST.min(pool.len()) {
        let mut chosen: Vec<usize> = (0..size).collect();
        loop {
            let nodes: Vec<Node<'_>> =
                given.iter().copied().chain(chosen.iter().map(|&i| pool[i])).collect();
            if let Ok(plan) = wire(&nodes, Some(host))
                && plan.outlets.len() == host.world.exports.len()
                && shortfall(&nodes, &plan, host).is_empty()
            {
                return Some((chosen, plan));
            }
            if !next_combination(&mut chosen, pool.len()) {
                break;
            }
        }
    }
    None
}

/// The next set of indices below `n` in lexicographic order.
fn next_combination(chosen: &mut [usize], n: usize) -> bool {
    let k = chosen.len();
    for i in (0..k).rev() {
        if chosen[i] < n - k + i {
            chosen[i] += 1;
            for j in i + 1..k {
                chosen[j] = chosen[j - 1] + 1;
            }
            return true;
        }
    }
    false
}

/// Who can feed an import: never the component itself, and only with a type that fits.
fn exporters<'a>(nodes: &[Node<'a>], importer: usize, import: &str) -> Vec<(usize, &'a str)> {
    let others = nodes.iter().enumerate().filter(|(index, _)| *index != importer);
    others
        .filter_map(|(index, node)| {
            let (export, _) = find(&node.world.exports, import)?;
            let mismatches = fits(node.world, export, nodes[importer].world, import);
            mismatches.is_empty().then_some((index, export))
        })
        .collect()
}

/// The exports that the target demands, each from the one component that has it with its type.
fn demanded(
    nodes: &[Node<'_>],
    wires: &[Wire],
    target: Host<'_>,
    disputed: &mut Vec<(String, Vec<usize>)>,
) -> Vec<Outlet> {
    let mut outlets = Vec::new();
    let mismatches: Vec<Vec<Mismatch>> =
        nodes.iter().map(|node| world::targets(node.world, target)).collect();
    for name in target.world.exports.keys() {
        let clean = |index: usize| {
            !mismatches[index].iter().any(|mismatch| {
                let root = &mismatch.path.0[0];
                root.kind == "export" && root.name.as_deref() == Some(name)
            })
        };
        let having = |fit: bool| -> Vec<(usize, String)> {
            let nodes = nodes.iter().enumerate().filter(|(index, _)| !fit || clean(*index));
            nodes
                .filter_map(|(index, node)| {
                    Some((index, find(&node.world.exports, name)?.0.to_owned()))
                })
                .collect()
        };
        // What nobody consumes stands at the end of its chain. Where nothing has the type, what
        // has the name is the most useful thing to report on.
        let mut found = having(true);
        if found.is_empty() {
            found = having(false);
        }
        let consumed = |index: usize| wires.iter().any(|wire| wire.exporter == index);
        if found.len() > 1 {
            found.retain(|(index, _)| !consumed(*index));
        }
        match found.as_slice() {
            [] => {}
            [(exporter, export)] => outlets.push(Outlet {
                name: name.clone(),
                exporter: *exporter,
                export: export.clone(),
            }),
            several => {
                disputed.push((name.clone(), several.iter().map(|(index, _)| *index).collect()));
            }
        }
    }
    outlets
}

/// The exports of the components that nobody consumes.
fn unconsumed(
    nodes: &[Node<'_>],
    wires: &[Wire],
    disputed: &mut Vec<(String, Vec<usize>)>,
) -> Vec<Outlet> {
    let mut givers: BTreeMap<&String, Vec<usize>> = BTreeMap::new();
    for (exporter, node) in nodes.iter().enumerate() {
        if wires.iter().any(|wire| wire.exporter == exporter) {
            continue;
        }
        for (name, item) in &node.world.exports {
            if matches!(item, Item::Func(_) | Item::Instance(_)) {
                givers.entry(name).or_default().push(exporter);
            }
        }
    }
    let mut outlets = Vec::new();
    for (name, givers) in givers {
        match givers.as_slice() {
            [exporter] => outlets.push(Outlet {
                name: name.clone(),
                exporter: *exporter,
                export: name.clone(),
            }),
            _ => disputed.push((name.clone(), givers)),
        }
    }
    outlets
}

fn conflict(name: &str, several: &[usize], nodes: &[Node<'_>]) -> Diagnostic {
    let names: Vec<&str> = several.iter().map(|index| nodes[*index].name).collect();
    Diagnostic::error(
        Code::ExportConflict,
        format!("{} would each give the result this export", names.join(" and ")),
    )
    .at(WitPath::root("export", name))
    .help("leave out all but one of them")
}

fn unused(node: &Node<'_>) -> Diagnostic {
    let exports: Vec<&str> =
        node.world.exports.keys().map(|name| ExternName::parse(name).base).collect();
    Diagnostic::error(Code::UnusedComponent, format!("{} has no part in the result", node.name))
        .help(match exports.as_slice() {
            [] => "it exports nothing that another could import; leave it out".to_owned(),
            names => format!("nobody needs its {}; leave it out", names.join(", ")),
        })
}

/// Exports that have an import's name and not its type: what somebody who gave both must be told.
fn near_misses(nodes: &[Node<'_>], importer: usize, import: &str) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    for (_, node) in nodes.iter().enumerate().filter(|(index, _)| *index != importer) {
        let Some((export, _)) = find(&node.world.exports, import) else { continue };
        for mismatch in fits(node.world, export, nodes[importer].world, import) {
            let code = match mismatch.kind {
                MismatchKind::Resource => Code::ResourceIdentity,
                _ => Code::TypeMismatch,
            };
            let importer = nodes[importer].name;
            findings.push(
                Diagnostic::error(
                    code,
                    format!(
                        "{importer} imports {import} and expects {} there, {} has {}",
                        mismatch.expected, node.name, mismatch.found
                    ),
                )
                .at(mismatch.path)
                .help(format!("{} cannot feed {importer}", node.name)),
            );
        }
    }
    findings
}

/// The components that the outlets need, directly or through others.
fn reachable(wires: &[Wire], outlets: &[Outlet]) -> Vec<usize> {
    let mut todo: Vec<usize> = outlets.iter().map(|outlet| outlet.exporter).collect();
    let mut used = Vec::new();
    while let Some(index) = todo.pop() {
        if !used.contains(&index) {
            used.push(index);
            let feeds = wires.iter().filter(|wire| wire.importer == index);
            todo.extend(feeds.map(|wire| wire.exporter));
        }
    }
    used.sort_unstable();
    used
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
