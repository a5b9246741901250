//! What is wrong with a wiring, in words.

use std::collections::{BTreeMap, HashSet};

use super::outlets::Disputed;
use super::resources::{Identity, Split};
use super::seams::Seams;
use super::{Node, Plan, Wire};
use crate::diagnostic::{Code, Diagnostic, WitPath};
use crate::world::{
    ExternName, Host, Item, Mismatch, MismatchKind, Origin, World, find, fits, nearest,
};

/// Wires of the caller whose types do not fit.
pub(super) fn by_hand(nodes: &[Node<'_>], wires: &[Wire]) -> Vec<Diagnostic> {
    let mismatches = wires.iter().flat_map(|wire| {
        let (importer, exporter) = (nodes[wire.importer].world, nodes[wire.exporter].world);
        let found = fits(exporter, &wire.export, importer, &wire.import);
        found.into_iter().map(|m| mismatch(nodes, wire.importer, &wire.import, wire.exporter, m))
    });
    mismatches.collect()
}

/// Imports that several could feed. Components that all import and export the same interface are
/// one question, not one each.
pub(super) fn ambiguous(
    nodes: &[Node<'_>],
    unclear: &BTreeMap<(usize, String), Vec<usize>>,
) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    let mut told: HashSet<String> = HashSet::new();
    for ((importer, import), exporters) in unclear {
        let class = ExternName::parse(import).canonical();
        let both = |node: &Node<'_>| {
            let named = |name: &String| ExternName::parse(name).canonical() == class;
            node.world.imports.keys().any(named) && node.world.exports.keys().any(named)
        };
        let chain: Vec<&str> = nodes.iter().filter(|n| both(n)).map(|n| n.name).collect();
        let name = nodes[*importer].name;
        if chain.len() > 1 && exporters.iter().any(|&exporter| both(&nodes[exporter])) {
            if told.insert(class.clone()) {
                findings.push(
                    Diagnostic::error(
                        Code::AmbiguousWiring,
                        format!(
                            "{} all import and export it, and nothing says which stands in front \
                             of which",
                            chain.join(" and ")
                        ),
                    )
                    .at(WitPath::root("import", import))
                    .help(format!(
                        "say the order, from the front: --wire {}/{import}={}",
                        chain[0], chain[1]
                    )),
                );
            }
            continue;
        }
        let names: Vec<&str> = exporters.iter().map(|&i| nodes[i].name).collect();
        findings.push(
            Diagnostic::error(
                Code::AmbiguousWiring,
                format!("{name} could be fed by {}", names.join(" or by ")),
            )
            .at(WitPath::root("import", import))
            .help(format!(
                "leave out all but one of them, or say which: --wire {name}/{import}={}",
                names[0]
            )),
        );
    }
    findings
}

/// Imports that nothing feeds, though something has the name, or though the target does not offer
/// them either.
pub(super) fn unfed(
    nodes: &[Node<'_>],
    seams: &Seams,
    target: Option<Host<'_>>,
    wires: &[Wire],
    held: &HashSet<(usize, String)>,
) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    for (importer, imports) in seams.imports.iter().enumerate() {
        let mut missing: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for import in imports {
            let name = import.name.as_str();
            let fed = wires.iter().any(|w| w.importer == importer && w.import == name);
            if fed || held.contains(&(importer, name.to_owned())) || !import.feeds.is_empty() {
                continue;
            }
            if target.is_none() || !import.offered {
                let near = near_misses(nodes, importer, name);
                if !near.is_empty() {
                    findings.extend(near);
                    continue;
                }
            }
            // A component alone is measured against the host as it is.
            if import.absent && nodes.len() > 1 {
                let package = ExternName::parse(name).package().unwrap_or(name);
                let package = if package.starts_with("wasi:") { "wasi" } else { package };
                missing.entry(package).or_default().push(name);
            }
        }
        findings.extend(
            missing
                .iter()
                .map(|(package, names)| unsatisfied(nodes, importer, package, names, target)),
        );
    }
    findings
}

fn unsatisfied(
    nodes: &[Node<'_>],
    importer: usize,
    package: &str,
    names: &[&str],
    target: Option<Host<'_>>,
) -> Diagnostic {
    let who = nodes[importer].name;
    if let [name] = names {
        let exports = nodes.iter().enumerate().filter(|(index, _)| *index != importer);
        let exports = exports.flat_map(|(_, node)| node.world.exports.keys());
        let offers = target.iter().flat_map(|target| target.world.imports.keys());
        let base = ExternName::parse(name).base;
        let known: Vec<&str> = exports.chain(offers).map(String::as_str).collect();
        let versions = known.iter().copied().find(|other| ExternName::parse(other).base == base);
        let help = match versions.or_else(|| nearest(name, known.iter().copied())) {
            Some(near) => format!("there is {near}; is that meant?"),
            None => "add a component or an adapter that exports it".to_owned(),
        };
        return Diagnostic::error(
            Code::ImportUnsatisfied,
            format!("{who} needs it; no component exports it, and the host does not offer it"),
        )
        .at(WitPath::root("import", name))
        .help(help);
    }
    let finding = Diagnostic::error(
        Code::ImportUnsatisfied,
        format!(
            "{who} needs {} interfaces that no component exports and the host does not offer",
            names.len()
        ),
    )
    .at(WitPath::root("imports of", package));
    let finding = names.iter().fold(finding, |finding, name| finding.note(*name));
    finding.help("add components or adapters that export them, or a host that offers them")
}

/// Exports that have an import's name and not its type: what somebody who gave both must be told.
fn near_misses(nodes: &[Node<'_>], importer: usize, import: &str) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    for (exporter, node) in nodes.iter().enumerate().filter(|(index, _)| *index != importer) {
        let Some((export, _)) = find(&node.world.exports, import) else { continue };
        let found = fits(node.world, export, nodes[importer].world, import);
        findings.extend(found.into_iter().map(|m| mismatch(nodes, importer, import, exporter, m)));
    }
    findings
}

fn mismatch(
    nodes: &[Node<'_>],
    importer: usize,
    import: &str,
    exporter: usize,
    mismatch: Mismatch,
) -> Diagnostic {
    let code = match mismatch.kind {
        MismatchKind::Resource => Code::ResourceIdentity,
        _ => Code::TypeMismatch,
    };
    let home = homes(nodes[importer].world, import, &mismatch);
    let (importer, exporter) = (nodes[importer].name, nodes[exporter].name);
    let help = match home {
        Some((home, resource)) => format!(
            "{home} must come along: {exporter} has to import it, so that both share one {resource}, \
             or to export it too; as it is, it cannot feed {importer}"
        ),
        None => format!("{exporter} cannot feed {importer}"),
    };
    Diagnostic::error(
        code,
        format!(
            "{importer} imports {import} and expects {} there, {exporter} has {}",
            mismatch.expected, mismatch.found
        ),
    )
    .at(mismatch.path)
    .help(help)
}

/// The interface that a resource at odds belongs to for the importer, and the resource's name, where it
/// comes in by another import than this one.
fn homes(world: &World, import: &str, mismatch: &Mismatch) -> Option<(String, String)> {
    if mismatch.kind != MismatchKind::Resource {
        return None;
    }
    let named = mismatch.path.0.iter().rev().find_map(|step| step.name.as_deref())?;
    let mut homes =
        world.imports.iter().filter(|(home, _)| *home != import).filter_map(|(home, item)| {
            let Item::Instance(instance) = item else { return None };
            instance.items.values().find_map(|item| {
                let Item::Resource(id) = item else { return None };
                let resource = world.resource(*id);
                let here = resource.origin == Origin::Import(Some(home.clone()));
                (here && resource.name == named).then(|| (home.clone(), resource.name.clone()))
            })
        });
    let home = homes.next()?;
    homes.next().is_none().then_some(home)
}

pub(super) fn cycle(nodes: &[Node<'_>], cycle: &[usize], wires: &[Wire]) -> Diagnostic {
    let names: Vec<&str> = cycle.iter().map(|i| nodes[*i].name).collect();
    let finding = Diagnostic::error(
        Code::WiringCycle,
        format!("{} needs itself: {}", names[0], names.join(" needs ")),
    );
    let steps = cycle.windows(2).filter_map(|pair| {
        let wire = wires.iter().find(|w| w.importer == pair[0] && w.exporter == pair[1])?;
        let (importer, exporter) = (nodes[pair[0]].name, nodes[pair[1]].name);
        Some(format!("{importer} imports {} from {exporter}", wire.import))
    });
    steps
        .fold(finding, Diagnostic::note)
        .help("leave out one of them, or break the circle by an adapter that needs neither")
}

/// Exports that the target demands and that no component has, not even with another type.
pub(super) fn undemanded(nodes: &[Node<'_>], seams: &Seams, plan: &Plan) -> Vec<Diagnostic> {
    let lacking = seams
        .demands
        .iter()
        .filter(|demand| !plan.outlets.iter().any(|outlet| outlet.name == demand.name));
    let exports = || nodes.iter().flat_map(|node| node.world.exports.keys()).map(String::as_str);
    let finding = |name: &str| {
        let base = ExternName::parse(name).base;
        let other = exports().find(|other| ExternName::parse(other).base == base);
        let help = match other.or_else(|| nearest(name, exports())) {
            Some(near) => {
                format!("there is {near}; an adapter could make the one out of the other")
            }
            None => "add a component that exports it".to_owned(),
        };
        Diagnostic::error(Code::MissingExport, "the host demands it, and no component exports it")
            .at(WitPath::root("export", name))
            .help(help)
    };
    lacking.map(|demand| finding(&demand.name)).collect()
}

pub(super) fn conflict(disputed: &Disputed, nodes: &[Node<'_>]) -> Diagnostic {
    let names: Vec<&str> = disputed.components.iter().map(|index| nodes[*index].name).collect();
    Diagnostic::error(
        Code::ExportConflict,
        format!("{} would each give the result this export", names.join(" and ")),
    )
    .at(WitPath::root("export", &disputed.name))
    .help("leave out all but one of them")
}

pub(super) fn unused(
    nodes: &[Node<'_>],
    index: usize,
    wires: &[Wire],
    node: &Node<'_>,
) -> Diagnostic {
    let exports: Vec<&str> =
        node.world.exports.keys().map(|name| ExternName::parse(name).base).collect();
    let mut finding = Diagnostic::error(
        Code::UnusedComponent,
        format!("{} has no part in the result", node.name),
    );
    for (importer, other) in nodes.iter().enumerate().filter(|(i, _)| *i != index) {
        for import in other.world.imports.keys() {
            let Some((export, _)) = find(&node.world.exports, import) else { continue };
            let fed = wires.iter().find(|w| w.importer == importer && w.import == *import);
            let note = match (fits(node.world, export, other.world, import).first(), fed) {
                (Some(mismatch), _) => format!(
                    "{} imports {import}, but at {} it expects {}, {} has {}",
                    other.name, mismatch.path, mismatch.expected, node.name, mismatch.found
                ),
                (None, Some(wire)) => format!(
                    "{} takes {import} from {}; --wire {}/{import}={} would take it from here",
                    other.name, nodes[wire.exporter].name, other.name, node.name
                ),
                (None, None) => continue,
            };
            finding = finding.note(note);
        }
    }
    finding.help(match exports.as_slice() {
        [] => "it exports nothing that another could import; leave it out".to_owned(),
        names => format!("nobody needs its {}; leave it out", names.join(", ")),
    })
}

/// A resource that would be torn in two: the cause, and what must come along.
pub(super) fn split(nodes: &[Node<'_>], plan: &Plan, split: &Split) -> Diagnostic {
    let Split { importer, import, exporter, resource, home, meant, brought } = split;
    let whose = |identity: &Identity| match identity {
        Identity::Outside(interface, _) if interface.is_empty() => "one from outside".to_owned(),
        Identity::Outside(interface, _) => format!("that of {interface} from outside"),
        Identity::Own(component, _) => format!("one that {} defines", nodes[*component].name),
    };
    let taker = importer.map_or("the host", |importer| nodes[importer].name);
    let giver = exporter.map_or("the outside", |exporter| nodes[exporter].name);
    let kind = if importer.is_some() { "import" } else { "export" };
    let finding = Diagnostic::error(
        Code::ResourceIdentity,
        format!(
            "{taker} takes the {resource} in it for that of {home}, which is {}; what {giver} gives \
             is {}",
            whose(meant),
            whose(brought)
        ),
    )
    .at(WitPath::root(kind, import).then("resource", Some(resource)));
    let having = |component: usize| find(&nodes[component].world.exports, home).is_some();
    let help = match (importer, exporter) {
        (Some(importer), Some(exporter)) if having(*exporter) => format!(
            "{home} must come along from the same component: --wire {}/{home}={giver}",
            nodes[*importer].name
        ),
        (_, Some(exporter)) if nodes[*exporter].world.imports.contains_key(home) => {
            format!("give {giver} its {home} from where {taker} has it")
        }
        (_, Some(_)) => format!(
            "{home} must come along: {giver} has to import it, so that both share one {resource}, \
             or to export it too"
        ),
        (_, None) => {
            let from =
                plan.wires.iter().find(|w| Some(w.importer) == *importer && w.import == *home);
            let from = from.map_or("it", |wire| nodes[wire.exporter].name);
            format!("{import} must come along: {from} has to export it too, or {home} stay open")
        }
    };
    finding.help(help)
}
