//! Out of all that could feed an import, the one that does.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::resources;
use super::seams::{Feed, Seams};
use super::{Node, Plan, Why, Wire, findings};
use crate::diagnostic::Diagnostic;
use crate::world::{ExternName, find};

/// What was chosen.
pub(super) struct Chosen {
    pub wires: Vec<Wire>,
    pub problems: Vec<Diagnostic>,
    /// Imports that are without an exporter because there are too many: not to be told twice.
    pub held: HashSet<(usize, String)>,
}

/// What may feed an import, as far as is known.
enum Narrowed {
    /// Nothing that would not close a circle: it stays open.
    Open,
    One(Feed, Why),
    /// What is left, for now.
    Several(Vec<Feed>),
}

/// Chooses an exporter for every import that has one. Decides first what is plain, and what follows
/// from that; what is left at the end is ambiguous.
pub(super) fn choose(nodes: &[Node<'_>], seams: &Seams, by_hand: &[Wire]) -> Chosen {
    let mut wires: Vec<Wire> = by_hand.to_vec();
    let given = |wires: &[Wire], importer: usize, import: &str| {
        wires.iter().any(|wire| wire.importer == importer && wire.import == import)
    };
    let mut pending: Vec<(usize, usize)> = Vec::new();
    for (importer, imports) in seams.imports.iter().enumerate() {
        for (position, import) in imports.iter().enumerate() {
            if !import.feeds.is_empty() && !given(&wires, importer, &import.name) {
                pending.push((importer, position));
            }
        }
    }
    loop {
        let before = pending.len();
        let open: HashSet<(usize, usize)> = pending.iter().copied().collect();
        let mut still = Vec::new();
        for (importer, position) in pending {
            let question =
                Question { nodes, seams, wires: &wires, open: &open, importer, position };
            match question.narrow() {
                Narrowed::Open => {}
                Narrowed::One(feed, why) => {
                    wires.push(question_wire(seams, importer, position, feed, why));
                }
                Narrowed::Several(_) => still.push((importer, position)),
            }
        }
        pending = still;
        if pending.len() < before {
            continue;
        }
        // Nothing more follows. One exporter may be the only one with the resources that are meant.
        let open: HashSet<(usize, usize)> = pending.iter().copied().collect();
        let decided = pending.iter().enumerate().find_map(|(at, &(importer, position))| {
            let question =
                Question { nodes, seams, wires: &wires, open: &open, importer, position };
            let Narrowed::Several(feeds) = question.narrow() else { return None };
            let feed = question.with_its_resources(feeds)?;
            Some((at, question_wire(seams, importer, position, feed, Why::Resources)))
        });
        match decided {
            Some((at, wire)) => {
                pending.remove(at);
                wires.push(wire);
            }
            None => break,
        }
    }
    let open: HashSet<(usize, usize)> = pending.iter().copied().collect();
    let mut unclear: BTreeMap<(usize, String), Vec<usize>> = BTreeMap::new();
    for &(importer, position) in &pending {
        let question = Question { nodes, seams, wires: &wires, open: &open, importer, position };
        if let Narrowed::Several(feeds) = question.narrow() {
            let exporters = feeds.iter().map(|feed| feed.exporter).collect();
            unclear.insert((importer, question.import().to_owned()), exporters);
        }
    }
    let held = unclear.keys().cloned().collect();
    Chosen { problems: findings::ambiguous(nodes, &unclear), wires, held }
}

fn question_wire(seams: &Seams, importer: usize, position: usize, feed: Feed, why: Why) -> Wire {
    let import = seams.imports[importer][position].name.clone();
    Wire { importer, import, exporter: feed.exporter, export: feed.export, why }
}

/// One import, with what is decided so far.
struct Question<'a> {
    nodes: &'a [Node<'a>],
    seams: &'a Seams,
    wires: &'a [Wire],
    /// Imports that are not decided yet: component and position.
    open: &'a HashSet<(usize, usize)>,
    importer: usize,
    position: usize,
}

impl Question<'_> {
    fn import(&self) -> &str {
        &self.seams.imports[self.importer][self.position].name
    }

    fn narrow(&self) -> Narrowed {
        let all = &self.seams.imports[self.importer][self.position].feeds;
        // The feeds are in order: those as good as the first are the candidates.
        let best = |feed: &&Feed| (feed.exact, &feed.version) == (all[0].exact, &all[0].version);
        let mut feeds: Vec<Feed> = all.iter().filter(best).cloned().collect();
        let why = match (all.len(), all[0].exact) {
            (1, _) => Why::Only,
            (_, true) => Why::Exact,
            (_, false) => Why::Highest,
        };
        let class = ExternName::parse(self.import()).canonical();
        if find(&self.nodes[self.importer].world.exports, self.import()).is_some() {
            return self.inside_a_chain(&class, feeds, why);
        }
        if feeds.iter().any(|feed| is_middleware(self.nodes, feed.exporter, &class)) {
            feeds.retain(|feed| is_middleware(self.nodes, feed.exporter, &class));
            if feeds.len() > 1 {
                // Whoever feeds another of them is not in front; who that is must be known.
                let known = !feeds.iter().any(|feed| self.is_open(feed.exporter, &class));
                if known {
                    feeds.retain(|feed| !self.feeds_middleware(feed.exporter, &class));
                }
            }
            return one_or(feeds, Why::Front);
        }
        if feeds.len() > 1 {
            let acyclic = |feed: &&Feed| !reaches(self.wires, feed.exporter, self.importer);
            let kept: Vec<Feed> = feeds.iter().filter(acyclic).cloned().collect();
            if !kept.is_empty() {
                feeds = kept;
            }
        }
        one_or(feeds, why)
    }

    /// The importer exports the interface too. What is behind it must not need it; another one of
    /// its kind whose place is not known yet may be on either side.
    fn inside_a_chain(&self, class: &str, mut feeds: Vec<Feed>, why: Why) -> Narrowed {
        feeds.retain(|feed| {
            let consumed = is_middleware(self.nodes, feed.exporter, class)
                && self.feeds_middleware(feed.exporter, class);
            !consumed && !reaches(self.wires, feed.exporter, self.importer)
        });
        let middle = |feed: &Feed| is_middleware(self.nodes, feed.exporter, class);
        // Another whose place is open, too, may come before this one or after it.
        let either_side = feeds.iter().any(middle)
            && (0..self.nodes.len()).any(|other| {
                other != self.importer
                    && self.is_open(other, class)
                    && self.could_precede(other, class)
            });
        if either_side {
            return Narrowed::Several(feeds);
        }
        if feeds.iter().any(middle) {
            feeds.retain(middle);
        }
        one_or(feeds, why)
    }

    /// Whether the component's own import of this interface is undecided.
    fn is_open(&self, component: usize, class: &str) -> bool {
        let imports = self.seams.imports[component].iter().enumerate();
        imports
            .filter(|(_, import)| ExternName::parse(&import.name).canonical() == class)
            .any(|(position, _)| self.open.contains(&(component, position)))
    }

    /// Whether the importer, or one that stands in front of it, could feed this other component.
    fn could_precede(&self, other: usize, class: &str) -> bool {
        self.seams.imports[other]
            .iter()
            .filter(|import| ExternName::parse(&import.name).canonical() == class)
            .flat_map(|import| &import.feeds)
            .any(|feed| reaches(self.wires, feed.exporter, self.importer))
    }

    fn feeds_middleware(&self, exporter: usize, class: &str) -> bool {
        self.wires.iter().any(|wire| {
            wire.exporter == exporter
                && ExternName::parse(&wire.export).canonical() == class
                && is_middleware(self.nodes, wire.importer, class)
        })
    }

    /// The one of these with which no resource is torn in two, where there is one.
    fn with_its_resources(&self, feeds: Vec<Feed>) -> Option<Feed> {
        let mut sound = feeds.into_iter().filter(|feed| {
            let mut wires = self.wires.to_vec();
            wires.push(question_wire(
                self.seams,
                self.importer,
                self.position,
                feed.clone(),
                Why::Resources,
            ));
            let used = (0..self.nodes.len()).collect();
            let plan = Plan { used, wires, outlets: Vec::new() };
            // An import that is not decided yet tears nothing.
            resources::splits(self.nodes, &plan, None)
                .iter()
                .all(|split| split.importer != Some(self.importer) || split.exporter.is_none())
        });
        match (sound.next(), sound.next()) {
            (Some(one), None) => Some(one),
            _ => None,
        }
    }
}

fn one_or(mut feeds: Vec<Feed>, why: Why) -> Narrowed {
    match (feeds.pop(), feeds.is_empty()) {
        (None, _) => Narrowed::Open,
        (Some(feed), true) => Narrowed::One(feed, why),
        (Some(feed), false) => {
            feeds.push(feed);
            Narrowed::Several(feeds)
        }
    }
}

/// Whether a component imports the interface that it also exports.
fn is_middleware(nodes: &[Node<'_>], component: usize, class: &str) -> bool {
    let named = |name: &String| ExternName::parse(name).canonical() == class;
    nodes[component].world.imports.keys().any(named)
        && nodes[component].world.exports.keys().any(named)
}

/// Whether one component needs another, directly or through others.
pub(super) fn reaches(wires: &[Wire], from: usize, to: usize) -> bool {
    let mut todo = vec![from];
    let mut seen = BTreeSet::new();
    while let Some(at) = todo.pop() {
        if at == to {
            return true;
        }
        if seen.insert(at) {
            todo.extend(wires.iter().filter(|w| w.importer == at).map(|w| w.exporter));
        }
    }
    false
}
