//! What fits what, worked out once for a set of components: every import with all that could feed
//! it, best first, and every export that a target demands with all that could give it. What is
//! decided afterwards only looks things up.

use std::collections::HashMap;

use indexmap::IndexMap;
use semver::Version;

use super::shapes::{Memo, Shapes};
use super::{Node, Wishes};
use crate::config::Pattern;
use crate::world::{
    self, ExternName, Host, Item, MismatchKind, Uses, World, asks_nothing, find, fits,
};

/// An import and all that could feed it.
pub(super) struct Import {
    /// Its name.
    pub name: String,
    /// Exports of other components with its name or track and its type, best first.
    pub feeds: Vec<Feed>,
    /// Whether it may stay open: the target offers it, a stub closes it, or there is no target.
    pub offered: bool,
    /// Whether the target has nothing of that name at all.
    pub absent: bool,
}

/// An export that could feed an import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Feed {
    /// Whose.
    pub exporter: usize,
    /// Its name.
    pub export: String,
    /// Whether it has the very name.
    pub exact: bool,
    /// Its version.
    pub version: Option<Version>,
}

/// An export that the target demands.
pub(super) struct Demand {
    /// Its name.
    pub name: String,
    /// Who exports it with its type.
    pub feeds: Vec<Feed>,
    /// Who exports something of that name with another type.
    pub mismatching: Vec<Feed>,
}

pub(super) struct Seams {
    /// The imports of each component.
    pub imports: Vec<Vec<Import>>,
    /// The exports that the target demands; none without a target.
    pub demands: Vec<Demand>,
}

impl Seams {
    pub fn new(nodes: &[Node<'_>], wishes: &Wishes<'_>) -> Seams {
        let target = wishes.target;
        let mut fitting = Fitting::new(nodes);
        let mut imports = Vec::with_capacity(nodes.len());
        for (index, node) in nodes.iter().enumerate() {
            let refused = target.map(|target| refused(node.world, target)).unwrap_or_default();
            let wired = node
                .world
                .imports
                .iter()
                .filter(|(_, item)| matches!(item, Item::Func(_) | Item::Instance(_)));
            let stubbed = stubbed(node.world, wishes.stub);
            let wired = wired.map(|(name, _)| {
                let closed = stubbed.contains_key(name);
                Import {
                    feeds: fitting.feeds(nodes, index, name),
                    offered: closed
                        || asks_nothing(node.world, name)
                        || !refused.contains_key(name),
                    absent: !closed && refused.get(name) == Some(&true),
                    name: name.clone(),
                }
            });
            imports.push(wired.collect());
        }
        let demands = target.map(|target| demands(nodes, target)).unwrap_or_default();
        Seams { imports, demands }
    }
}

/// The imports of a world that the target does not offer, and whether it has nothing of the name.
fn refused(world: &World, target: Host<'_>) -> HashMap<String, bool> {
    let mut refused: HashMap<String, bool> = HashMap::new();
    let mut note = |world: &World| {
        let before = refused.len();
        for mismatch in world::targets(world, target) {
            let root = &mismatch.path.0[0];
            if let ("import", Some(name)) = (&*root.kind, &root.name) {
                let absent =
                    mismatch.kind == MismatchKind::UnknownImport && mismatch.path.0.len() == 1;
                *refused.entry(name.clone()).or_insert(absent) &= absent;
            }
        }
        refused.len() > before
    };
    if !note(world) {
        return refused;
    }
    // A mismatch inside a shared type is reported at the first place that uses it only. Whatever is
    // clean now is asked again in the first place.
    for position in 1..world.imports.len() {
        let mut first = world.clone();
        first.imports.move_index(position, 0);
        note(&first);
    }
    refused
}

/// The imports that a stub closes where they are left open.
fn stubbed(world: &World, patterns: &[Pattern]) -> IndexMap<String, Option<Uses>> {
    if patterns.is_empty() {
        return IndexMap::new();
    }
    world::along(world, |name| patterns.iter().any(|pattern| pattern.matches(name))).imports
}

fn demands(nodes: &[Node<'_>], target: Host<'_>) -> Vec<Demand> {
    let names: Vec<&String> = target.world.exports.keys().collect();
    let mut demands: Vec<Demand> = names
        .iter()
        .map(|name| Demand { name: (*name).clone(), feeds: Vec::new(), mismatching: Vec::new() })
        .collect();
    for (exporter, node) in nodes.iter().enumerate() {
        let relevant: Vec<(usize, String)> = names
            .iter()
            .enumerate()
            .filter_map(|(i, name)| Some((i, find(&node.world.exports, name)?.0.to_owned())))
            .collect();
        if relevant.is_empty() {
            continue;
        }
        let all = world::targets(node.world, target);
        let bad_import = |mismatch: &world::Mismatch| mismatch.path.0[0].kind == "import";
        // The same: what an import has reported already is not reported again at an export.
        let mut world = None;
        if all.iter().any(bad_import) {
            let mut without = node.world.clone();
            without.imports.retain(|name, _| {
                !all.iter().any(|m| bad_import(m) && m.path.0[0].name.as_deref() == Some(name))
            });
            world = Some(without);
        }
        let world = world.as_ref().unwrap_or(node.world);
        let whole = world::targets(world, target);
        for (i, export) in relevant {
            let name = names[i].as_str();
            let at = |m: &world::Mismatch| {
                m.path.0[0].kind == "export" && m.path.0[0].name.as_deref() == Some(name)
            };
            let mut clean = !whole.iter().any(at);
            if clean && !whole.is_empty() {
                let mut first = target.world.clone();
                first.exports.move_index(i, 0);
                clean = !world::targets(world, Host { world: &first, ..target }).iter().any(at);
            }
            let feed = feed(exporter, &export, name);
            let list = if clean { &mut demands[i].feeds } else { &mut demands[i].mismatching };
            list.push(feed);
        }
    }
    demands.iter_mut().for_each(|demand| sort(&mut demand.feeds));
    demands
}

fn feed(exporter: usize, export: &str, wanted: &str) -> Feed {
    Feed {
        exporter,
        export: export.to_owned(),
        exact: export == wanted,
        version: ExternName::parse(export).version,
    }
}

/// The very name first, then the highest version, then the order of the components.
fn sort(feeds: &mut [Feed]) {
    feeds.sort_by(|a, b| {
        (b.exact, &b.version).cmp(&(a.exact, &a.version)).then(a.exporter.cmp(&b.exporter))
    });
}

/// Comparisons of exports with imports, none of them made twice for structures that are equal.
struct Fitting {
    /// Who exports something on a track, by its canonical name.
    exporters: HashMap<String, Vec<usize>>,
    shapes: Shapes,
    memos: Vec<Memo>,
    known: HashMap<(u32, u32), bool>,
}

impl Fitting {
    fn new(nodes: &[Node<'_>]) -> Fitting {
        let mut exporters: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, node) in nodes.iter().enumerate() {
            for name in node.world.exports.keys() {
                let having = exporters.entry(ExternName::parse(name).canonical()).or_default();
                if having.last() != Some(&index) {
                    having.push(index);
                }
            }
        }
        let memos = nodes.iter().map(|_| Memo::new()).collect();
        Fitting { exporters, shapes: Shapes::default(), memos, known: HashMap::new() }
    }

    fn feeds(&mut self, nodes: &[Node<'_>], importer: usize, import: &str) -> Vec<Feed> {
        let canonical = ExternName::parse(import).canonical();
        let having = self.exporters.get(&canonical).cloned().unwrap_or_default();
        let mut feeds = Vec::new();
        for exporter in having.into_iter().filter(|&index| index != importer) {
            let Some((export, _)) = find(&nodes[exporter].world.exports, import) else { continue };
            if self.fits(nodes, exporter, export, importer, import) {
                feeds.push(feed(exporter, export, import));
            }
        }
        sort(&mut feeds);
        feeds
    }

    fn fits(
        &mut self,
        nodes: &[Node<'_>],
        exporter: usize,
        export: &str,
        importer: usize,
        import: &str,
    ) -> bool {
        let (giver, taker) = (nodes[exporter].world, nodes[importer].world);
        let whole = || fits(giver, export, taker, import).is_empty();
        let (Some(given), Some(wanted)) = (giver.exports.get(export), taker.imports.get(import))
        else {
            return false;
        };
        let given = self.shapes.item(giver, given, &mut self.memos[exporter]);
        let wanted = self.shapes.item(taker, wanted, &mut self.memos[importer]);
        match (given, wanted) {
            (Some(a), Some(b)) => *self.known.entry((a, b)).or_insert_with(whole),
            // Where there are resources, the rest of both worlds decides with them.
            _ => whole(),
        }
    }
}
