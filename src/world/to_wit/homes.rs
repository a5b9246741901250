//! Where types and resources have their names, and from where they may be `use`d.
//!
//! WIT shares a type between interfaces by `use`, and only from an interface with a full name. A
//! `use` brings the interface that it names into the world, and neither interfaces nor packages
//! may need each other in a circle; so one is written only where it changes nothing.

use std::collections::{HashMap, HashSet};

use indexmap::IndexMap;

use super::super::{Instance, Item, ResourceId, TypeId, World};

/// How many aliases are followed from a type to the one that it is another name for.
const MAX_ALIASES: usize = 64;

/// How many pairs of packages are told apart, one of which uses types of the other. Beyond that,
/// types are written where they are used.
const MAX_PACKAGE_EDGES: usize = 10_000;

/// Whether something is imported or exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Side {
    Import,
    Export,
}

impl Side {
    pub(super) fn keyword(self) -> &'static str {
        match self {
            Side::Import => "import",
            Side::Export => "export",
        }
    }
}

/// An interface with a full name, as the world imports and exports it.
#[derive(Clone, Debug)]
pub(super) struct Interface<'w> {
    /// Its package with the version: `wasi:io@0.2.3`.
    pub(super) package: String,
    /// Its own name: `streams`.
    pub(super) name: &'w str,
    import: Option<&'w Instance>,
    export: Option<&'w Instance>,
}

impl<'w> Interface<'w> {
    pub(super) fn side(&self, side: Side) -> Option<&'w Instance> {
        match side {
            Side::Import => self.import,
            Side::Export => self.export,
        }
    }

    /// What an item on this side means by the interface: for an export the exported one, where
    /// there is one (component model, WIT.md).
    fn meant_by(&self, side: Side) -> Option<&'w Instance> {
        match side {
            Side::Import => self.import,
            Side::Export => self.export.or(self.import),
        }
    }
}

/// A place whose items may `use` types.
#[derive(Clone, Copy, Debug)]
pub(super) struct User<'a> {
    /// The package that it is in.
    pub(super) package: &'a str,
    /// Which interface with a full name it is, counted as in the world; none for an inline
    /// interface or the world itself, which nothing can use types of.
    pub(super) interface: Option<usize>,
    pub(super) side: Side,
}

/// The interfaces of a world, and where its types and resources have names in them.
pub(super) struct Homes<'w> {
    pub(super) interfaces: IndexMap<&'w str, Interface<'w>>,
    types: HashMap<TypeId, (usize, &'w str)>,
    resources: HashMap<ResourceId, Vec<(usize, &'w str)>>,
    packages: HashMap<String, HashSet<String>>,
    edges: usize,
}

impl<'w> Homes<'w> {
    pub(super) fn of(world: &'w World) -> Homes<'w> {
        let mut interfaces: IndexMap<&'w str, Interface<'w>> = IndexMap::new();
        let sides = [(Side::Import, &world.imports), (Side::Export, &world.exports)];
        for (side, table) in sides {
            for (full, item) in table {
                let (Item::Instance(instance), Some((package, name))) = (item, split(full)) else {
                    continue;
                };
                let interface = interfaces.entry(full).or_insert(Interface {
                    package,
                    name,
                    import: None,
                    export: None,
                });
                match side {
                    Side::Import => interface.import = Some(instance),
                    Side::Export => interface.export = Some(instance),
                }
            }
        }
        let mut types = HashMap::new();
        let mut resources: HashMap<_, Vec<_>> = HashMap::new();
        for side in [Side::Import, Side::Export] {
            for (i, interface) in interfaces.values().enumerate() {
                for (name, item) in interface.side(side).into_iter().flat_map(|i| &i.items) {
                    match item {
                        Item::Type(id) => {
                            types.entry(*id).or_insert((i, name.as_str()));
                        }
                        Item::Resource(id) => {
                            resources.entry(*id).or_default().push((i, name.as_str()));
                        }
                        _ => {}
                    }
                }
            }
        }
        Homes { interfaces, types, resources, packages: HashMap::new(), edges: 0 }
    }

    /// The interface and the name there that a type can be used from.
    pub(super) fn of_type(
        &mut self,
        world: &World,
        user: User<'_>,
        id: TypeId,
    ) -> Option<(usize, &'w str)> {
        aliases(world, id).find_map(|id| {
            let (home, name) = *self.types.get(&id)?;
            let there = self.interfaces[home].meant_by(user.side)?.items.contains_key(name);
            (there && self.may_use(user, home)).then_some((home, name))
        })
    }

    /// The interface and the name there that a resource can be used from.
    pub(super) fn of_resource(
        &mut self,
        user: User<'_>,
        id: ResourceId,
    ) -> Option<(usize, &'w str)> {
        let homes = self.resources.get(&id)?.clone();
        homes.into_iter().find(|(home, name)| {
            let there = self.interfaces[*home].meant_by(user.side);
            let same = there.and_then(|there| there.items.get(*name));
            let same = matches!(same, Some(Item::Resource(there)) if *there == id);
            same && self.may_use(user, *home)
        })
    }

    /// Whether a `use` of the interface changes nothing about the world and closes no circle. What
    /// is used comes first in the world, so circles are possible between packages only.
    fn may_use(&mut self, user: User<'_>, home: usize) -> bool {
        if user.interface.is_some_and(|interface| interface <= home) {
            return false;
        }
        let target = self.interfaces[home].package.clone();
        self.connect(user.package, &target)
    }

    /// Notes that a package needs another; false where that would close a circle.
    pub(super) fn connect(&mut self, from: &str, to: &str) -> bool {
        if from == to || self.packages.get(from).is_some_and(|targets| targets.contains(to)) {
            return true;
        }
        let mut seen = HashSet::from([to]);
        let mut open = vec![to];
        while let Some(package) = open.pop() {
            for next in self.packages.get(package).into_iter().flatten() {
                if next == from {
                    return false;
                }
                if seen.insert(next) {
                    open.push(next);
                }
            }
        }
        if self.edges >= MAX_PACKAGE_EDGES {
            return false;
        }
        self.edges += 1;
        self.packages.entry(from.to_owned()).or_default().insert(to.to_owned());
        true
    }
}

/// A type and what it is another name for, nearest first.
pub(super) fn aliases(world: &World, id: TypeId) -> impl Iterator<Item = TypeId> + '_ {
    std::iter::successors(Some(id), |id| world.ty(*id).alias).take(MAX_ALIASES)
}

/// The package with its version and the interface of a full name: `wasi:io@0.2.3` and `streams`.
pub(super) fn split(full: &str) -> Option<(String, &str)> {
    let (base, version) = match full.split_once('@') {
        Some((base, version)) => (base, Some(version)),
        None => (full, None),
    };
    let (package, name) = base.split_once('/')?;
    let (namespace, short) = package.split_once(':')?;
    if ![namespace, short, name].into_iter().all(is_label) {
        return None;
    }
    let package = match version {
        Some(version) => format!("{package}@{version}"),
        None => package.to_owned(),
    };
    Some((package, name))
}

/// Whether a name is a plain one, with no structure in it.
pub(super) fn is_label(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}
