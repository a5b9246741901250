//! Which resource of one side is which of the other.
//!
//! A resource is nothing but its identity, so two worlds have one in common only where both get it
//! from the same place: what the plugin imports is what the host has under that name, and what the
//! host wants defined is what the plugin has there. Everything else follows from these two, as in
//! wasmparser's `SubtypeCx::open_instance_type` and in Wasmtime's `TypeChecker::definition`
//! (`component/matching.rs`).

use std::collections::{HashMap, HashSet};

use super::{Instance, Item, Origin, ResourceId, World, find};

/// A resource, as both sides can name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Who {
    /// One that is there before either: the host's, by its number among those that are offered.
    Offered(usize),
    /// One that the left side defines.
    Left(ResourceId),
}

/// What is known of both sides' resources.
#[derive(Default)]
pub(super) struct Identities {
    /// The resources of the worlds on the right that come from their imports.
    offered: HashMap<(*const World, ResourceId), usize>,
    /// What the resources are that the left side imports.
    imported: HashMap<ResourceId, usize>,
    /// What the resources are that the right side wants defined, or takes from its own imports:
    /// any of these will do.
    wanted: HashMap<ResourceId, Vec<Who>>,
    /// What something on the other side is known to be.
    taken: HashSet<Who>,
    count: usize,
}

impl Identities {
    /// Numbers what the worlds of a host offer. Where two of them import one interface it is the
    /// same interface, with the same resources; within one world, two are always two.
    pub(super) fn of_offers(worlds: &[&World]) -> Identities {
        let mut known = Identities::default();
        for (index, world) in worlds.iter().enumerate() {
            for (position, resource) in world.resources.iter().enumerate() {
                let Origin::Import(interface) = &resource.origin else { continue };
                let earlier = worlds[..index].iter().find_map(|other| {
                    let id = same_place(other, interface.as_deref(), &resource.name)?;
                    known.offered.get(&(std::ptr::from_ref(*other), id)).copied()
                });
                let number = earlier.unwrap_or_else(|| known.fresh());
                let key = (std::ptr::from_ref(*world), ResourceId(position));
                known.offered.insert(key, number);
            }
        }
        known
    }

    fn fresh(&mut self) -> usize {
        self.count += 1;
        self.count
    }

    /// The left side imports `ours`, and gets the right side's `theirs` for it. The first place
    /// where it is imported decides; what comes after is compared with that.
    pub(super) fn import(&mut self, ours: ResourceId, world: &World, theirs: ResourceId) {
        if let Some(number) = self.offered.get(&(std::ptr::from_ref(world), theirs)) {
            self.imported.entry(ours).or_insert(*number);
            self.taken.insert(Who::Offered(*number));
        }
    }

    /// A resource of the left side is imported from somewhere, under this number.
    pub(super) fn number(&mut self, ours: ResourceId) -> usize {
        let fresh = self.fresh();
        *self.imported.entry(ours).or_insert(fresh)
    }

    /// The right side's `theirs` is the left side's `ours`, or one of several that will do.
    pub(super) fn want(&mut self, theirs: ResourceId, left: &World, ours: ResourceId) {
        if let Some(who) = self.ours(left, ours) {
            let will_do = self.wanted.entry(theirs).or_default();
            if !will_do.contains(&who) {
                will_do.push(who);
            }
            self.taken.insert(who);
        }
    }

    pub(super) fn wants(&self, theirs: ResourceId) -> bool {
        self.wanted.contains_key(&theirs)
    }

    /// Who a resource of the left side is. None: it is imported from what the right side lacks.
    fn ours(&self, left: &World, ours: ResourceId) -> Option<Who> {
        match self.imported.get(&ours) {
            Some(number) => Some(Who::Offered(*number)),
            None if matches!(left.resource(ours).origin, Origin::Import(_)) => None,
            None => Some(Who::Left(ours)),
        }
    }

    /// Who a resource of the right side is; none: the left side lacks it.
    fn theirs(&self, right: &World, theirs: ResourceId) -> Vec<Who> {
        let offered = self.offered.get(&(std::ptr::from_ref(right), theirs));
        let wanted = self.wanted.get(&theirs).into_iter().flatten().copied();
        offered.map(|number| Who::Offered(*number)).into_iter().chain(wanted).collect()
    }

    /// Whether both are the same resource.
    pub(super) fn same(
        &self,
        left: &World,
        ours: ResourceId,
        right: &World,
        theirs: ResourceId,
    ) -> bool {
        let who = self.ours(left, ours);
        who.is_some_and(|who| self.theirs(right, theirs).contains(&who))
    }

    /// Takes both for the same where one of them is missing on the other side, and nothing says
    /// that the other is something else: a resource that was renamed is missing once, not wherever
    /// it is used. Says whether it did.
    pub(super) fn suppose(
        &mut self,
        left: &World,
        ours: ResourceId,
        right: &World,
        theirs: ResourceId,
    ) -> bool {
        let (who, will_do) = (self.ours(left, ours), self.theirs(right, theirs));
        let free = |who: &Who| !self.taken.contains(who);
        let number = match (who, will_do.first()) {
            (Some(who), None) if free(&who) => {
                self.wanted.insert(theirs, vec![who]);
                self.taken.insert(who);
                return true;
            }
            (None, None) => {
                let fresh = self.fresh();
                self.wanted.insert(theirs, vec![Who::Offered(fresh)]);
                fresh
            }
            (None, Some(who @ Who::Offered(number))) if free(who) => *number,
            _ => return false,
        };
        self.imported.insert(ours, number);
        self.taken.insert(Who::Offered(number));
        true
    }
}

/// The resource of this name that a world gets from the same import.
fn same_place(world: &World, interface: Option<&str>, name: &str) -> Option<ResourceId> {
    let item = match interface {
        None => world.imports.get(name),
        Some(interface) => match find(&world.imports, interface) {
            Some((_, Item::Instance(instance))) => instance.items.get(name),
            _ => None,
        },
    };
    match item {
        Some(Item::Resource(id)) => Some(*id),
        _ => None,
    }
}

/// Calls `each` for every resource that both items have under the same name.
pub(super) fn each_resource(
    left: &Item,
    right: &Item,
    each: &mut impl FnMut(ResourceId, ResourceId),
) {
    match (left, right) {
        (Item::Resource(left), Item::Resource(right)) => each(*left, *right),
        (Item::Instance(left), Item::Instance(right)) => {
            for (name, item) in &left.items {
                if let Some((_, other)) = find(&right.items, name) {
                    each_resource(item, other, each);
                }
            }
        }
        _ => {}
    }
}

/// Whether a resource is another name here for one that came in before: it then is a plain type,
/// and nobody has to provide it.
pub(super) fn is_alias(world: &World, id: ResourceId, import: &str, name: Option<&str>) -> bool {
    let resource = world.resource(id);
    match (&resource.origin, name) {
        (Origin::Import(None), None) => resource.name != import,
        (Origin::Import(Some(interface)), Some(name)) => {
            interface != import || resource.name != name
        }
        _ => true,
    }
}

/// Whether an instance lacks the resource that a function belongs to.
pub(super) fn lacks(instance: &Instance, resource: &str) -> bool {
    !matches!(instance.items.get(resource), Some(Item::Resource(_)))
}
