//! Changes as they are found: where, what they are about, and through which place they break
//! what they break. The same change, met again, is told once.

use std::collections::HashMap;

use indexmap::IndexSet;

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
    /// Through what old plugins on the new host meet it: an import, an export, or an item of one.
    pub old_plugins: Option<WitPath>,
    /// Through what new plugins on the old host meet it.
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
    found: Vec<Found>,
    /// Those that may be met again.
    index: HashMap<Key, usize>,
    /// How often anything was told.
    pub told: usize,
    /// What the differences break that were met since the caller last cleared it.
    pub met: Breaks,
}

impl Record {
    /// Whom the changes that were found break.
    pub fn breaks(&self) -> Breaks {
        self.found.iter().fold(Breaks::NONE, |so_far, found| {
            let (old, new) = (found.old_plugins.is_some(), found.new_plugins.is_some());
            so_far.or(Breaks { old, new })
        })
    }

    pub fn into_found(self) -> Vec<Found> {
        self.found
    }

    /// Takes a change down, or, inside of a definition, what is new about one that is known.
    pub fn note(
        &mut self,
        place: &Place,
        owner: Option<Owner>,
        (kind, why): (ChangeKind, Why),
        texts: [Option<String>; 2],
        breaks: Breaks,
    ) {
        let key = owner.map(|owner| Key {
            kind,
            steps: place.path.0.iter().skip(owner.depth).cloned().collect(),
            owner: Some((owner.name, owner.definitions)),
            texts: texts.clone(),
        });
        self.take(key, (kind, why), place.path.clone(), place, texts, breaks);
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
        let kind = ChangeKind::Version;
        let path = WitPath::root("package", package);
        let key = Key { kind, owner: None, steps: path.0.clone(), texts: texts.clone() };
        let what = (kind, Why::Version(same_track));
        self.take(Some(key), what, path, place, texts, place.breaks);
    }

    /// Takes down that a resource is another one here: one change for all places that use it.
    pub fn resource(&mut self, place: &Place, texts: [Option<String>; 2]) {
        let kind = ChangeKind::Identity;
        let key = Key { kind, owner: None, steps: Vec::new(), texts: texts.clone() };
        let what = (kind, Why::Identity);
        self.take(Some(key), what, place.path.clone(), place, texts, place.breaks);
    }

    fn take(
        &mut self,
        key: Option<Key>,
        (kind, why): (ChangeKind, Why),
        path: WitPath,
        place: &Place,
        [before, after]: [Option<String>; 2],
        breaks: Breaks,
    ) {
        self.met = self.met.or(breaks);
        self.told += 1;
        let next = self.found.len();
        let index = key.map_or(next, |key| *self.index.entry(key).or_insert(next));
        if index == next {
            let (old_plugins, new_plugins, side) = (None, None, place.side);
            let also = IndexSet::new();
            let found =
                Found { kind, path, before, after, side, why, old_plugins, new_plugins, also };
            self.found.push(found);
        }
        let found = &mut self.found[index];
        if found.path != place.path {
            found.also.insert(place.path.clone());
        }
        let user = || WitPath(place.path.0.iter().take(2).cloned().collect());
        if breaks.old {
            found.old_plugins.get_or_insert_with(user);
        }
        if breaks.new {
            found.new_plugins.get_or_insert_with(user);
        }
    }
}
