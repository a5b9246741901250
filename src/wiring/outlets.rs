//! What the whole exports.

use std::collections::BTreeMap;

use super::seams::{Feed, Seams};
use super::{Node, Outlet, Wire, Wishes};
use crate::world::{ExternName, Item};

/// Several components that would each give the result one export.
pub(super) struct Disputed {
    pub name: String,
    pub components: Vec<usize>,
}

/// With a target the exports that it demands; without one those of the components that nobody
/// consumes; with `all_exports` everything beside that feeds nobody and whose name is free.
pub(super) fn outlets(
    nodes: &[Node<'_>],
    seams: &Seams,
    wires: &[Wire],
    wishes: &Wishes<'_>,
) -> (Vec<Outlet>, Vec<Disputed>) {
    let mut disputed = Vec::new();
    let mut outlets = match wishes.target {
        Some(_) => demanded(seams, wires, &mut disputed),
        None => {
            let consumed = |index: usize| wires.iter().any(|wire| wire.exporter == index);
            free(nodes, |exporter, _| !consumed(exporter), &mut disputed)
        }
    };
    if wishes.all_exports {
        rest(nodes, wires, &mut outlets, &mut disputed);
    }
    outlets.sort();
    (outlets, disputed)
}

/// Adds every export that feeds nobody and whose name is free.
pub(super) fn rest(
    nodes: &[Node<'_>],
    wires: &[Wire],
    outlets: &mut Vec<Outlet>,
    disputed: &mut Vec<Disputed>,
) {
    let track = |name: &str| ExternName::parse(name).canonical();
    let taken: Vec<String> = outlets.iter().map(|outlet| track(&outlet.name)).collect();
    let feeds = |exporter: usize, name: &str| {
        wires.iter().any(|wire| wire.exporter == exporter && wire.export == name)
    };
    let rest = free(
        nodes,
        |exporter, name| !feeds(exporter, name) && !taken.contains(&track(name)),
        disputed,
    );
    outlets.extend(rest);
}

/// The exports that the target demands, each from the one component that has it with its type.
fn demanded(seams: &Seams, wires: &[Wire], disputed: &mut Vec<Disputed>) -> Vec<Outlet> {
    let consumed =
        |feed: &Feed| wires.iter().any(|w| w.exporter == feed.exporter && w.export == feed.export);
    let mut outlets = Vec::new();
    for demand in &seams.demands {
        // What nobody consumes stands at the end of its chain. Where nothing has the type, what has
        // the name is the most useful thing to report on.
        let mut found = demand.feeds.clone();
        if found.is_empty() {
            found = demand.mismatching.clone();
        }
        let best = found.first().map(|feed| (feed.exact, feed.version.clone()));
        found.retain(|feed| best.as_ref() == Some(&(feed.exact, feed.version.clone())));
        if found.len() > 1 {
            let free: Vec<Feed> = found.iter().filter(|feed| !consumed(feed)).cloned().collect();
            found = if free.is_empty() { found } else { free };
        }
        match found.as_slice() {
            [] => {}
            [feed] => outlets.push(Outlet {
                name: demand.name.clone(),
                exporter: feed.exporter,
                export: feed.export.clone(),
            }),
            several => disputed.push(Disputed {
                name: demand.name.clone(),
                components: several.iter().map(|feed| feed.exporter).collect(),
            }),
        }
    }
    outlets
}

/// The functions and interfaces that pass, by name, each from the only component that has it.
fn free(
    nodes: &[Node<'_>],
    passes: impl Fn(usize, &str) -> bool,
    disputed: &mut Vec<Disputed>,
) -> Vec<Outlet> {
    let mut givers: BTreeMap<&String, Vec<usize>> = BTreeMap::new();
    for (exporter, node) in nodes.iter().enumerate() {
        for (name, item) in &node.world.exports {
            if matches!(item, Item::Func(_) | Item::Instance(_)) && passes(exporter, name) {
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
            _ => disputed.push(Disputed { name: name.clone(), components: givers }),
        }
    }
    outlets
}
