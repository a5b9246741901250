//! What an exported interface means by the interfaces that it uses, in a package that was encoded.
//!
//! In WIT it is the exported one of each, where the world exports it, and the imported one otherwise
//! (component model, WIT.md, "Worlds"). wit-component's encoding of a world, up to 0.263 at least,
//! has the imported one wherever an import of the world uses it too, so that a world which imports
//! and exports both `plain` and its user `user` would demand a `user` of the wrong resources.

use std::collections::HashMap;

use super::{Func, Instance, Item, Origin, ResourceId, Shape, Type, TypeId, World};

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
    /// What each type was rewritten to.
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
                Item::Module(_) | Item::Component(_) | Item::Other(_) => {}
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
        let ty = self.world.ty(id).clone();
        let shape = match &ty.shape {
            Shape::Primitive(_) | Shape::Enum(_) | Shape::Flags(_) => ty.shape.clone(),
            Shape::Record(fields) => Shape::Record(
                fields.iter().map(|(name, ty)| (name.clone(), self.ty(*ty))).collect(),
            ),
            Shape::Variant(cases) => Shape::Variant(
                cases.iter().map(|(name, ty)| (name.clone(), ty.map(|ty| self.ty(ty)))).collect(),
            ),
            Shape::Tuple(types) => Shape::Tuple(types.iter().map(|ty| self.ty(*ty)).collect()),
            Shape::List(ty) => Shape::List(self.ty(*ty)),
            Shape::FixedList(ty, length) => Shape::FixedList(self.ty(*ty), *length),
            Shape::Map(key, value) => Shape::Map(self.ty(*key), self.ty(*value)),
            Shape::Option(ty) => Shape::Option(self.ty(*ty)),
            Shape::Result(ok, err) => {
                Shape::Result(ok.map(|ty| self.ty(ty)), err.map(|ty| self.ty(ty)))
            }
            Shape::Own(id) => Shape::Own(self.resource(*id)),
            Shape::Borrow(id) => Shape::Borrow(self.resource(*id)),
            Shape::Future(ty) => Shape::Future(ty.map(|ty| self.ty(ty))),
            Shape::Stream(ty) => Shape::Stream(ty.map(|ty| self.ty(ty))),
        };
        let rewritten = TypeId(self.world.types.len());
        self.world.types.push(Type { shape, ..ty });
        self.world.definitions.push(rewritten);
        self.known.insert(id, rewritten);
        rewritten
    }
}
