//! What becomes of types at the root. A component whose world has bare functions imports their records
//! as types at its root, under names without a version. In a composition of two contracts those
//! names are taken twice, and types of seams that are closed are left over as imports of the whole.
//!
//! A type at the root that nothing which crosses the boundary of the whole mentions is nobody's business
//! outside. It is *sealed*: it goes through the composition under a name of its own, and then its
//! import becomes a definition, an alias of the type that it was to be equal to.
//!
//! Of the others, those with one name and one structure are one import of the whole. Where two have one
//! name and differ, what the exports of the whole mention keeps it, else the first by digest; the
//! other is imported under a name beside it. A plain type asks nothing of a host, and what it is
//! called decides nothing. wac would take two imports of one name for one, and forget that functions
//! mention both; so each goes through it under a name of its own, and is *joined* with its like after.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::component::Component;
use crate::wiring::{Plan, brought};
use crate::world::{ExternName, Func, Item, Origin, ResourceId, Shape, TypeId, World};

/// What becomes of the types at the roots.
#[derive(Debug, Default)]
pub(super) struct Roots {
    /// The names under which imports of types go through wac: component to old name to new name.
    pub renames: HashMap<usize, BTreeMap<String, String>>,
    /// What is to become of them behind it.
    pub fates: BTreeMap<String, Fate>,
}

/// What becomes of an import of a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is defined instead.
    Sealed,
    /// The first one of this fate is imported under this name, the others are that one.
    Joined(String),
}

/// Settles the names of all types at the roots; `order` is that of the components in the result.
pub(super) fn settle(components: &[&Component], plan: &Plan, order: &[usize]) -> Roots {
    let mut taken: HashSet<String> = HashSet::new();
    for &index in order {
        taken.extend(components[index].world.imports.keys().cloned());
    }
    let mut roots = Roots::default();
    let mut claims = Vec::new();
    let mut held: BTreeMap<&str, Vec<Held<'_>>> = BTreeMap::new();
    for (position, &index) in order.iter().enumerate() {
        let world = &components[index].world;
        let crossing = Crossing::of(world, index, plan);
        for (name, item) in &world.imports {
            if crossing.fed.contains(name.as_str()) {
                continue;
            }
            let Item::Type(ty) = item else {
                // A function or a resource is what it is called.
                held.entry(name).or_default().push(Held { name: name.clone(), ty: None });
                continue;
            };
            let definition = world.definition_of(*ty);
            if crossing.given.contains(&definition) {
                claims.push((0, position, index, name, *ty));
            } else if crossing.taken.contains(&definition) {
                claims.push((1, position, index, name, *ty));
            } else {
                let new = free(format!("sealed{position}-{name}"), &mut taken);
                roots.fates.insert(new.clone(), Fate::Sealed);
                roots.renames.entry(index).or_default().insert(name.clone(), new);
            }
        }
    }
    claims.sort_by_key(|&(rank, position, ..)| (rank, position));
    let mut often: HashMap<&str, usize> = HashMap::new();
    claims.iter().for_each(|(_, _, _, name, _)| *often.entry(name).or_default() += 1);
    for (_, position, index, name, ty) in claims {
        let world = &components[index].world;
        let holders = held.entry(name).or_default();
        let same = |held: &&Held<'_>| {
            held.ty.is_some_and(|(theirs, other)| Pairs::default().ty(world, ty, theirs, other))
        };
        let last = match holders.iter().find(same) {
            Some(held) => held.name.clone(),
            None if holders.is_empty() => name.clone(),
            None => {
                let names: BTreeSet<&str> = holders.iter().map(|held| held.name.as_str()).collect();
                free(format!("{name}{}", names.len() + 1), &mut taken)
            }
        };
        if last != *name || often.get(name.as_str()).is_some_and(|&times| times > 1) {
            let new = free(format!("root{position}-{name}"), &mut taken);
            roots.fates.insert(new.clone(), Fate::Joined(last.clone()));
            roots.renames.entry(index).or_default().insert(name.clone(), new);
        }
        holders.push(Held { name: last, ty: Some((world, ty)) });
    }
    roots
}

/// This name, or one that is free.
fn free(mut name: String, taken: &mut HashSet<String>) -> String {
    while !taken.insert(name.clone()) {
        name.insert(0, 'x');
    }
    name
}

/// Who has a name at the root of the whole.
struct Held<'a> {
    /// What it is called there.
    name: String,
    /// The type; none where it is no type.
    ty: Option<(&'a World, TypeId)>,
}

/// What of a component crosses the boundary of the whole.
struct Crossing<'a> {
    /// Imports that another component feeds.
    fed: HashSet<&'a str>,
    /// Definitions that exports of the whole mention.
    given: HashSet<TypeId>,
    /// Definitions that open imports mention.
    taken: HashSet<TypeId>,
}

impl<'a> Crossing<'a> {
    fn of(world: &'a World, index: usize, plan: &'a Plan) -> Crossing<'a> {
        let feeding = plan.wires.iter().filter(|wire| wire.importer == index);
        let mut fed: HashSet<&str> = feeding.map(|wire| wire.import.as_str()).collect();
        let with_home = |name: &&String| {
            brought(world, name).is_some_and(|(home, _)| fed.contains(home.as_str()))
        };
        let along: Vec<&String> = world.imports.keys().filter(with_home).collect();
        fed.extend(along.into_iter().map(String::as_str));
        let mut given = Mentioned { world, types: HashSet::new() };
        for outlet in plan.outlets.iter().filter(|outlet| outlet.exporter == index) {
            world.exports.get(&outlet.export).into_iter().for_each(|item| given.item(item));
        }
        let mut taken = Mentioned { world, types: HashSet::new() };
        for (name, item) in &world.imports {
            if !fed.contains(name.as_str()) && !matches!(item, Item::Type(_)) {
                taken.item(item);
            }
        }
        Crossing { given: given.types, taken: taken.types, fed }
    }
}

/// The definitions of types that items mention, directly or inside others.
struct Mentioned<'a> {
    world: &'a World,
    types: HashSet<TypeId>,
}

impl Mentioned<'_> {
    fn item(&mut self, item: &Item) {
        match item {
            Item::Func(func) => self.func(func),
            Item::Instance(instance) => instance.items.values().for_each(|item| self.item(item)),
            Item::Type(ty) => self.ty(*ty),
            Item::Resource(_) | Item::Module(_) | Item::Component(_) | Item::Other(_) => {}
        }
    }

    fn func(&mut self, func: &Func) {
        func.params.iter().for_each(|(_, ty)| self.ty(*ty));
        func.result.iter().for_each(|ty| self.ty(*ty));
    }

    fn ty(&mut self, id: TypeId) {
        let world = self.world;
        if self.types.insert(world.definition_of(id)) {
            each_inside(world, id, &mut |ty| self.ty(ty));
        }
    }
}

/// An open function at the root that takes a borrowed handle: component and import. wac has no way to
/// write its type.
pub(super) fn borrower<'a>(
    components: &[&'a Component],
    plan: &Plan,
) -> Option<(&'a str, &'a str)> {
    plan.used.iter().find_map(|&index| {
        let component = components[index];
        let world = &component.world;
        let borrows = |func: &Func| {
            let mut mentioned = Mentioned { world, types: HashSet::new() };
            mentioned.func(func);
            mentioned.types.iter().any(|ty| matches!(world.ty(*ty).shape, Shape::Borrow(_)))
        };
        let fed = |name: &String| {
            plan.wires.iter().any(|wire| wire.importer == index && wire.import == *name)
        };
        let (name, _) = world.imports.iter().find(|(name, item)| match item {
            Item::Func(func) => !fed(name) && borrows(func),
            _ => false,
        })?;
        Some((component.name.as_str(), name.as_str()))
    })
}

/// The types that a type is made of, in order.
fn each_inside(world: &World, id: TypeId, each: &mut impl FnMut(TypeId)) {
    match &world.ty(id).shape {
        Shape::Record(fields) => fields.iter().for_each(|(_, ty)| each(*ty)),
        Shape::Variant(cases) => cases.iter().filter_map(|(_, ty)| *ty).for_each(each),
        Shape::Tuple(types) => types.iter().for_each(|ty| each(*ty)),
        Shape::List(ty) | Shape::FixedList(ty, _) | Shape::Option(ty) => each(*ty),
        Shape::Map(key, value) => [key, value].into_iter().for_each(|ty| each(*ty)),
        Shape::Result(ok, err) => [ok, err].into_iter().flatten().for_each(|ty| each(*ty)),
        Shape::Future(ty) | Shape::Stream(ty) => ty.iter().for_each(|ty| each(*ty)),
        Shape::Primitive(_)
        | Shape::Enum(_)
        | Shape::Flags(_)
        | Shape::Own(_)
        | Shape::Borrow(_) => {}
    }
}

/// Pairs of types of two worlds that were found equal, or are being compared: types have no circles.
#[derive(Default)]
struct Pairs(HashSet<(TypeId, TypeId)>);

impl Pairs {
    fn ty(&mut self, left: &World, a: TypeId, right: &World, b: TypeId) -> bool {
        if !self.0.insert((left.definition_of(a), right.definition_of(b))) {
            return true;
        }
        heads_agree(left, a, right, b) && {
            let (mut ours, mut theirs) = (Vec::new(), Vec::new());
            each_inside(left, a, &mut |ty| ours.push(ty));
            each_inside(right, b, &mut |ty| theirs.push(ty));
            ours.len() == theirs.len()
                && ours.into_iter().zip(theirs).all(|(a, b)| self.ty(left, a, right, b))
        }
    }
}

/// Whether two types are alike but for the types inside them.
fn heads_agree(left: &World, a: TypeId, right: &World, b: TypeId) -> bool {
    let resources = |a: ResourceId, b: ResourceId| {
        let (a, b) = (left.resource(a), right.resource(b));
        match (&a.origin, &b.origin) {
            (Origin::Import(Some(home)), Origin::Import(Some(other))) => {
                let track = |name| ExternName::parse(name).canonical();
                track(home) == track(other) && a.name == b.name
            }
            (Origin::Import(None), Origin::Import(None)) => a.name == b.name,
            _ => false,
        }
    };
    match (&left.ty(a).shape, &right.ty(b).shape) {
        (Shape::Primitive(a), Shape::Primitive(b)) => a == b,
        (Shape::Record(a), Shape::Record(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|((a, _), (b, _))| a == b)
        }
        (Shape::Variant(a), Shape::Variant(b)) => {
            let case = |(name, ty): &(String, Option<TypeId>)| (name.clone(), ty.is_some());
            a.iter().map(case).eq(b.iter().map(case))
        }
        (Shape::Enum(a), Shape::Enum(b)) | (Shape::Flags(a), Shape::Flags(b)) => {
            a.iter().eq(b.iter())
        }
        (Shape::FixedList(_, n), Shape::FixedList(_, m)) => n == m,
        (Shape::Result(a, x), Shape::Result(b, y)) => {
            a.is_some() == b.is_some() && x.is_some() == y.is_some()
        }
        (Shape::Own(a), Shape::Own(b)) | (Shape::Borrow(a), Shape::Borrow(b)) => resources(*a, *b),
        // What is inside says the rest.
        (Shape::Tuple(_), Shape::Tuple(_))
        | (Shape::List(_), Shape::List(_))
        | (Shape::Map(..), Shape::Map(..))
        | (Shape::Option(_), Shape::Option(_))
        | (Shape::Future(_), Shape::Future(_))
        | (Shape::Stream(_), Shape::Stream(_)) => true,
        _ => false,
    }
}
