//! Changes as they are found: where, what they are about, and through which place they break
//! what they break. The same change, met again, is told once.

use indexmap::{IndexMap, IndexSet};

use crate::diagnostic::{ChangeKind, Segment, WitPath};
use crate::world::TypeId;

/// Which plugins a change breaks: old ones on the new host, new ones on the old host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Breaks {
    /// Old plugins on the new host.
    pub old: bool,
    /// New plugins on the old host.
    pub new: bool,
}

impl Breaks {
    /// Nobody.
    pub const NONE: Breaks = Breaks { old: false, new: false };

    /// Both of them.
    pub fn or(self, other: Breaks) -> Breaks {
        Breaks { old: self.old || other.old, new: self.new || other.new }
    }
}

/// From which side of the world something is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The host offers it.
    Import,
    /// The host demands it.
    Export,
}

/// What a change is about, for its reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Something that can be called or held came or went.
    Item,
    /// A definition of a plain type came or went.
    Definition,
    /// The parts of a type.
    Structure,
    /// The name of a type, which is not part of it.
    TypeName,
    /// Where a resource comes from.
    Identity,
    /// The version of an interface: whether both are on one semver track.
    Version(bool),
    /// The name of the world.
    WorldName,
    /// What only the comparison of worlds can tell: it refuses this.
    Mismatch,
    /// What only the comparison of worlds can tell: it lets this pass.
    NoMismatch,
}

/// A change as it is found: with the place through which it breaks what it breaks.
#[derive(Clone, Debug)]
pub struct Found {
    pub kind: ChangeKind,
    pub path: WitPath,
    pub before: Option<String>,
    pub after: Option<String>,
    pub side: Side,
    pub why: Why,
    /// Where old plugins on the new host meet it.
    pub old_plugins: Option<WitPath>,
    /// Where new plugins on the old host meet it.
    pub new_plugins: Option<WitPath>,
    /// Other places where the same change is seen.
    pub also: IndexSet<WitPath>,
}

/// Where the walk is, and what a difference there would break.
#[derive(Clone, Debug)]
pub struct Place {
    pub path: WitPath,
    pub side: Side,
    pub breaks: Breaks,
    /// The innermost definition on the way.
    pub named: Option<Named>,
}

/// A type that has a name on both sides.
#[derive(Clone, Debug)]
pub struct Named {
    pub name: String,
    pub old: TypeId,
    pub new: TypeId,
    /// How many steps of the path lead to it.
    pub depth: usize,
}

impl Place {
    /// A place that no definition leads to.
    pub fn new(path: WitPath, side: Side, breaks: Breaks) -> Place {
        Place { path, side, breaks, named: None }
    }

    /// This place with one more step.
    pub fn then(&self, kind: &'static str, name: Option<&str>) -> Place {
        Place { path: self.path.then(kind, name), ..self.clone() }
    }
}

/// The definition that a change is in.
pub struct Owner {
    pub name: String,
    /// Before and after.
    pub definitions: [String; 2],
    /// How many steps of the change's path lead to it.
    pub depth: usize,
}

/// What makes two findings the same change: one type that several interfaces use is one type to
/// whoever edits it, though each of them has it under an id of its own.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    kind: ChangeKind,
    /// The innermost named type, with its old and its new definition.
    owner: Option<(String, [String; 2])>,
    /// The way from there, or from the root.
    steps: Vec<Segment>,
    /// Before and after.
    texts: [Option<String>; 2],
}

/// The changes so far.
#[derive(Default)]
pub struct Record {
    found: IndexMap<Key, Found>,
    /// How often anything was told.
    pub told: usize,
    /// What the differences break that were met since the caller last cleared it.
    pub met: Breaks,
}

impl Record {
    /// Whom the changes that were found break.
    pub fn breaks(&self) -> Breaks {
        let each = self.found.values();
        each.fold(Breaks::NONE, |so_far, found| {
            let (old, new) = (found.old_plugins.is_some(), found.new_plugins.is_some());
            so_far.or(Breaks { old, new })
        })
    }

    pub fn into_found(self) -> impl Iterator<Item = Found> {
        self.found.into_values()
    }

    /// Takes a change down, or what is new about one that is known.
    pub fn note(
        &mut self,
        place: &Place,
        owner: Option<Owner>,
        (kind, why): (ChangeKind, Why),
        texts: [Option<String>; 2],
        breaks: Breaks,
    ) {
        let depth = owner.as_ref().map_or(0, |owner| owner.depth);
        let steps = place.path.0.iter().skip(depth).cloned().collect();
        let owner = owner.map(|owner| (owner.name, owner.definitions));
        let key = Key { kind, owner, steps, texts };
        self.take(key, place.path.clone(), place, why, breaks);
    }

    /// Takes down that an interface is there at another version: one change for all interfaces of
    /// the package that moved together.
    pub fn version(
        &mut self,
        package: &str,
        place: &Place,
        same_track: bool,
        texts: [Option<String>; 2],
    ) {
        let path = WitPath::root("package", package);
        let steps = path.0.clone();
        let key = Key { kind: ChangeKind::Version, owner: None, steps, texts };
        self.take(key, path, place, Why::Version(same_track), place.breaks);
    }

    /// Takes down that a resource is another one here: one change for all places that use it.
    pub fn resource(
        &mut self,
        path: WitPath,
        side: Side,
        texts: [Option<String>; 2],
        breaks: Breaks,
    ) {
        let key = Key { kind: ChangeKind::Identity, owner: None, steps: Vec::new(), texts };
        let place = Place::new(path.clone(), side, breaks);
        self.take(key, path, &place, Why::Identity, breaks);
    }

    fn take(&mut self, key: Key, path: WitPath, place: &Place, why: Why, breaks: Breaks) {
        self.met = self.met.or(breaks);
        self.told += 1;
        let found = self.found.entry(key).or_insert_with_key(|key| Found {
            kind: key.kind,
            path,
            before: key.texts[0].clone(),
            after: key.texts[1].clone(),
            side: place.side,
            why,
            old_plugins: None,
            new_plugins: None,
            also: IndexSet::new(),
        });
        if found.path != place.path {
            found.also.insert(place.path.clone());
        }
        if breaks.old {
            found.old_plugins.get_or_insert_with(|| place.path.clone());
        }
        if breaks.new {
            found.new_plugins.get_or_insert_with(|| place.path.clone());
        }
    }
}
