//! What an exported interface means by the interfaces that it uses.
//!
//! In WIT it is the exported one of each, where the world exports it, and the imported one otherwise
//! (component model, WIT.md, "Worlds"). wit-component's encoding of a world, up to 0.263 at least,
//! has the imported one wherever an import of the world uses it too, so that a world which imports
//! and exports both `plain` and its user `user` would demand a `user` of the wrong resources.

use std::collections::HashMap;

use super::{Func, Instance, Item, Origin, ResourceId, Shape, TypeId, World};

/// Makes the exported interfaces of a world out of WIT take what they use from each other.
pub(super) fn use_each_other(world: &mut World) {
    let meant = meant(world);
    if meant.is_empty() {
        return;
    }
    let mut exports = std::mem::take(&mut world.exports);
    let mut rewrite = Rewrite { world, meant, known: HashMap::new() };
    for item in exports.values_mut() {
        if let Item::Instance(instance) = item {
            rewrite.instance(instance);
        }
    }
    world.exports = exports;
}

/// For every resource that an import defines and an export of the same interface defines anew: the
/// one that exports mean.
fn meant(world: &World) -> HashMap<ResourceId, ResourceId> {
    let mut meant = HashMap::new();
    for (name, item) in &world.imports {
        let (Item::Instance(imported), Some(Item::Instance(exported))) =
            (item, world.exports.get(name))
        else {
            continue;
        };
        for (resource, item) in &imported.items {
            if let (Item::Resource(ours), Some(Item::Resource(theirs))) =
                (item, exported.items.get(resource))
                && ours != theirs
                && world.resource(*ours).origin == Origin::Import(Some(name.clone()))
                && world.resource(*theirs).origin == Origin::Export(Some(name.clone()))
            {
                meant.insert(*ours, *theirs);
            }
        }
    }
    meant
}

struct Rewrite<'w> {
    world: &'w mut World,
    meant: HashMap<ResourceId, ResourceId>,
    /// What each type was rewritten to; itself where nothing in it changes.
    known: HashMap<TypeId, TypeId>,
}

impl Rewrite<'_> {
    fn instance(&mut self, instance: &mut Instance) {
        for item in instance.items.values_mut() {
            match item {
                Item::Func(func) => self.func(func),
                Item::Instance(inner) => self.instance(inner),
                Item::Type(id) => *id = self.ty(*id),
                Item::Resource(id) => *id = self.resource(*id),
                Item::Other(_) => {}
            }
        }
    }

    fn func(&mut self, func: &mut Func) {
        for (_, ty) in &mut func.params {
            *ty = self.ty(*ty);
        }
        func.result = func.result.map(|ty| self.ty(ty));
    }

    fn resource(&self, id: ResourceId) -> ResourceId {
        *self.meant.get(&id).unwrap_or(&id)
    }

    /// Types are acyclic and validation capped their depth, so this recursion ends.
    fn ty(&mut self, id: TypeId) -> TypeId {
        if let Some(known) = self.known.get(&id) {
            return *known;
        }
        let mut ty = self.world.ty(id).clone();
        let changed = match &mut ty.shape {
            Shape::Primitive(_) | Shape::Enum(_) | Shape::Flags(_) => false,
            Shape::Record(fields) => self.all(fields.iter_mut().map(|(_, ty)| ty)),
            Shape::Variant(cases) => self.all(cases.iter_mut().filter_map(|(_, ty)| ty.as_mut())),
            Shape::Tuple(types) => self.all(types.iter_mut()),
            Shape::List(ty) | Shape::FixedList(ty, _) | Shape::Option(ty) => self.all([ty]),
            Shape::Map(key, value) => self.all([key, value]),
            Shape::Result(ok, err) => self.all(ok.iter_mut().chain(err)),
            Shape::Future(ty) | Shape::Stream(ty) => self.all(ty.iter_mut()),
            Shape::Own(resource) | Shape::Borrow(resource) => {
                let other = self.resource(*resource);
                let changed = other != *resource;
                *resource = other;
                changed
            }
        };
        let rewritten = if changed {
            self.world.types.push(ty);
            TypeId(self.world.types.len() - 1)
        } else {
            id
        };
        self.known.insert(id, rewritten);
        rewritten
    }

    fn all<'t>(&mut self, types: impl IntoIterator<Item = &'t mut TypeId>) -> bool {
        let mut changed = false;
        for ty in types {
            let other = self.ty(*ty);
            changed |= other != *ty;
            *ty = other;
        }
        changed
    }
}
