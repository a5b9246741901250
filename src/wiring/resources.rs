//! Resource closures move together. An interface may use a resource of another one; whoever imports
//! both takes the two for the same type, and so they must come out of the same place.

use std::collections::HashSet;

use super::{Node, Plan, Wire};
use crate::world::{ExternName, Func, Host, Item, Origin, ResourceId, Shape, TypeId, World, find};

/// What a resource is in the whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Identity {
    /// It comes from outside, in this interface (on its semver track), under this name.
    Outside(String, String),
    /// This component defines it.
    Own(usize, ResourceId),
}

/// A resource that an importer takes for one and that would be two.
#[derive(Debug)]
pub(super) struct Split {
    /// Who takes them for one; none where it is the target.
    pub importer: Option<usize>,
    /// The import (the target: the export) that would bring the other one.
    pub import: String,
    /// Who feeds it; none where it is open.
    pub exporter: Option<usize>,
    /// The resource's name.
    pub resource: String,
    /// The interface that it belongs to, for the importer.
    pub home: String,
    /// What it is for the importer.
    pub meant: Identity,
    /// What would come instead.
    pub brought: Identity,
}

/// Every resource that a plan tears in two. The plan must have no circle.
pub(super) fn splits(nodes: &[Node<'_>], plan: &Plan, target: Option<Host<'_>>) -> Vec<Split> {
    let whole = Whole { nodes, wires: &plan.wires };
    let mut splits = Vec::new();
    for &importer in &plan.used {
        let world = nodes[importer].world;
        for (import, item) in &world.imports {
            let wire = whole.wire(importer, import);
            let mut note = |ours: ResourceId, brought: Identity| {
                let Origin::Import(Some(home)) = &world.resource(ours).origin else { return };
                let meant = whole.identity(importer, ours);
                if home != import && meant != brought {
                    splits.push(Split {
                        importer: Some(importer),
                        import: import.clone(),
                        exporter: wire.map(|wire| wire.exporter),
                        resource: world.resource(ours).name.clone(),
                        home: home.clone(),
                        meant,
                        brought,
                    });
                }
            };
            match wire {
                Some(wire) => {
                    let giver = nodes[wire.exporter].world;
                    let Some(given) = giver.exports.get(&wire.export) else { continue };
                    pairs(world, item, giver, given, &mut |ours, theirs| {
                        note(ours, whole.identity(wire.exporter, theirs));
                    });
                }
                // It goes where its interface goes.
                None if brought(world, import)
                    .is_some_and(|(home, _)| whole.wire(importer, &home).is_some()) => {}
                None => pairs(world, item, world, item, &mut |ours, _| {
                    let resource = world.resource(ours);
                    if let Origin::Import(Some(home)) = &resource.origin {
                        note(ours, outside(home, &resource.name));
                    }
                }),
            }
        }
    }
    if let Some(target) = target {
        demanded(&whole, plan, target.world, &mut splits);
    }
    // One resource of one import is one finding, however often the interface mentions it.
    let mut seen = HashSet::new();
    splits.retain(|s| {
        seen.insert((s.importer, s.import.clone(), s.home.clone(), s.resource.clone()))
    });
    splits
}

/// The interface and the name in it that a type at the root is another name for, where a resource is
/// part of it: `use store.{item}` in a world. It must come out of the same place as the interface.
pub fn brought(world: &World, import: &str) -> Option<(String, String)> {
    let wanted = world.imports.get(import)?;
    if !matches!(wanted, Item::Resource(_) | Item::Type(_)) {
        return None;
    }
    let mut holds = false;
    pairs(world, wanted, world, wanted, &mut |_, _| holds = true);
    let same = |item: &Item| match (wanted, item) {
        (Item::Resource(a), Item::Resource(b)) => a == b,
        (Item::Type(a), Item::Type(b)) => {
            holds && world.definition_of(*a) == world.definition_of(*b)
        }
        _ => false,
    };
    world.imports.iter().find_map(|(home, item)| {
        let Item::Instance(instance) = item else { return None };
        let (name, _) = instance.items.iter().find(|(_, item)| same(item))?;
        Some((home.clone(), name.clone()))
    })
}

/// The target takes resources for one, too: those of its imports, and those of other exports.
fn demanded(whole: &Whole<'_>, plan: &Plan, target: &World, splits: &mut Vec<Split>) {
    for outlet in &plan.outlets {
        let Some((_, wanted)) = find(&target.exports, &outlet.name) else { continue };
        let giver = whole.nodes[outlet.exporter].world;
        let Some(given) = giver.exports.get(&outlet.export) else { continue };
        pairs(target, wanted, giver, given, &mut |theirs, ours| {
            let resource = target.resource(theirs);
            let (home, meant) = match &resource.origin {
                Origin::Import(Some(home)) => (home, outside(home, &resource.name)),
                Origin::Export(Some(home)) if *home != outlet.name => {
                    let Some(other) = plan.outlets.iter().find(|o| o.name == *home) else { return };
                    let world = whole.nodes[other.exporter].world;
                    let Some(Item::Instance(instance)) = world.exports.get(&other.export) else {
                        return;
                    };
                    let Some(Item::Resource(id)) = instance.items.get(&resource.name) else {
                        return;
                    };
                    (home, whole.identity(other.exporter, *id))
                }
                _ => return,
            };
            let brought = whole.identity(outlet.exporter, ours);
            if meant != brought {
                splits.push(Split {
                    importer: None,
                    import: outlet.name.clone(),
                    exporter: Some(outlet.exporter),
                    resource: resource.name.clone(),
                    home: home.clone(),
                    meant,
                    brought,
                });
            }
        });
    }
}

fn outside(interface: &str, name: &str) -> Identity {
    Identity::Outside(ExternName::parse(interface).canonical(), name.to_owned())
}

struct Whole<'a> {
    nodes: &'a [Node<'a>],
    wires: &'a [Wire],
}

impl Whole<'_> {
    fn wire(&self, importer: usize, import: &str) -> Option<&Wire> {
        self.wires.iter().find(|wire| wire.importer == importer && wire.import == import)
    }

    /// Follows a resource through the wires to whoever defines it. Ends: every hop goes to a
    /// component that the last one needs, and there are no more hops than components.
    fn identity(&self, component: usize, resource: ResourceId) -> Identity {
        let (mut component, mut resource) = (component, resource);
        for _ in 0..=self.nodes.len() {
            let world = self.nodes[component].world;
            let known = world.resource(resource);
            let interface = match &known.origin {
                Origin::Import(Some(interface)) => interface,
                Origin::Import(None) => {
                    return Identity::Outside(String::new(), known.name.clone());
                }
                Origin::Export(_) | Origin::Hidden => break,
            };
            let Some(wire) = self.wire(component, interface) else {
                return outside(interface, &known.name);
            };
            let exports = &self.nodes[wire.exporter].world.exports;
            let Some(Item::Instance(instance)) = exports.get(&wire.export) else { break };
            let Some(Item::Resource(next)) = instance.items.get(&known.name) else { break };
            (component, resource) = (wire.exporter, *next);
        }
        Identity::Own(component, resource)
    }
}

/// Calls `each` for every two resources that stand at the same place of two items that fit.
fn pairs(
    left: &World,
    a: &Item,
    right: &World,
    b: &Item,
    each: &mut impl FnMut(ResourceId, ResourceId),
) {
    let mut walk = Pairs { left, right, seen: HashSet::new(), each };
    walk.item(a, b);
}

struct Pairs<'a, F> {
    left: &'a World,
    right: &'a World,
    seen: HashSet<(TypeId, TypeId)>,
    each: &'a mut F,
}

impl<F: FnMut(ResourceId, ResourceId)> Pairs<'_, F> {
    fn item(&mut self, a: &Item, b: &Item) {
        match (a, b) {
            (Item::Resource(a), Item::Resource(b)) => (self.each)(*a, *b),
            (Item::Instance(a), Item::Instance(b)) => {
                for (name, item) in &a.items {
                    if let Some(other) = b.items.get(name) {
                        self.item(item, other);
                    }
                }
            }
            (Item::Func(a), Item::Func(b)) => self.func(a, b),
            (Item::Type(a), Item::Type(b)) => self.ty(*a, *b),
            _ => {}
        }
    }

    fn func(&mut self, a: &Func, b: &Func) {
        for ((_, a), (_, b)) in a.params.iter().zip(&b.params) {
            self.ty(*a, *b);
        }
        self.maybe(a.result, b.result);
    }

    fn maybe(&mut self, a: Option<TypeId>, b: Option<TypeId>) {
        if let (Some(a), Some(b)) = (a, b) {
            self.ty(a, b);
        }
    }

    fn ty(&mut self, a: TypeId, b: TypeId) {
        if !self.seen.insert((a, b)) {
            return;
        }
        let (left, right) = (self.left, self.right);
        match (&left.ty(a).shape, &right.ty(b).shape) {
            (Shape::Own(a) | Shape::Borrow(a), Shape::Own(b) | Shape::Borrow(b)) => {
                (self.each)(*a, *b);
            }
            (Shape::Record(a), Shape::Record(b)) => {
                a.iter().zip(b).for_each(|((_, a), (_, b))| self.ty(*a, *b));
            }
            (Shape::Variant(a), Shape::Variant(b)) => {
                a.iter().zip(b).for_each(|((_, a), (_, b))| self.maybe(*a, *b));
            }
            (Shape::Tuple(a), Shape::Tuple(b)) => {
                a.iter().zip(b).for_each(|(a, b)| self.ty(*a, *b));
            }
            (Shape::List(a), Shape::List(b))
            | (Shape::Option(a), Shape::Option(b))
            | (Shape::FixedList(a, _), Shape::FixedList(b, _)) => self.ty(*a, *b),
            (Shape::Map(a, x), Shape::Map(b, y)) => {
                self.ty(*a, *b);
                self.ty(*x, *y);
            }
            (Shape::Result(a, x), Shape::Result(b, y)) => {
                self.maybe(*a, *b);
                self.maybe(*x, *y);
            }
            (Shape::Future(a), Shape::Future(b)) | (Shape::Stream(a), Shape::Stream(b)) => {
                self.maybe(*a, *b);
            }
            _ => {}
        }
    }
}
