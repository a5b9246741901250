//! Changes as they are found: where, what they are about, and through which place they break
//! what they break. The same change, met again, is told once.

use std::collections::{HashMap, HashSet};

use indexmap::IndexSet;

use crate::diagnostic::{ChangeKind, Segment, WitPath};
use crate::world::{self, Item, TypeId};

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

    /// Everybody.
    pub const ALL: Breaks = Breaks { old: true, new: true };

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
    /// A core module or a component, which cannot stand in for the other.
    Substitute,
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
#[derive(Clone, Copy)]
pub struct Place<'p> {
    /// The place as the comparison of worlds names it for an old plugin on the new host, and for a
    /// new plugin on the old host: where names differ, it is the host's names that it goes by.
    at: [world::Place<'p>; 2],
    pub side: Side,
    pub breaks: Breaks,
    /// The innermost definition on the way.
    pub named: Option<Named<'p>>,
}

/// A type that has a name on both sides.
#[derive(Clone, Copy)]
pub struct Named<'p> {
    pub name: &'p str,
    pub old: TypeId,
    pub new: TypeId,
    /// How many steps of the path lead to it.
    pub depth: usize,
}

impl<'p> Place<'p> {
    /// An import or export, or whatever else a world has.
    pub fn root(kind: &'static str, name: &'p str, side: Side, breaks: Breaks) -> Place<'p> {
        Place { at: [world::Place::root(kind, name); 2], side, breaks, named: None }
    }

    /// This place with one more step.
    pub fn then(&'p self, kind: &'static str, name: Option<&'p str>) -> Place<'p> {
        Place { at: self.at.each_ref().map(|place| place.then(kind, name)), ..*self }
    }

    /// The step into an interface, to an item that both worlds have, or only one of them. The
    /// comparison goes by the plugin's item where it is imported, and by the host's where it is exported.
    pub fn into(&'p self, name: &'p str, [old, new]: [&Item; 2]) -> Place<'p> {
        let items = if self.side == Side::Import { [old, new] } else { [new, old] };
        let [a, b] = &self.at;
        Place { at: [a.into(name, items[0]), b.into(name, items[1])], ..*self }
    }

    /// The step into a type by its keyword, under the name that it has for either host.
    pub fn then_type(&'p self, keyword: &'static str, names: [Option<&'p str>; 2]) -> Place<'p> {
        let [a, b] = &self.at;
        Place { at: [a.then_type(keyword, names[0]), b.then_type(keyword, names[1])], ..*self }
    }

    /// The step into a type that has a name, and no keyword.
    pub fn then_named(&'p self, names: [Option<&'p str>; 2]) -> Place<'p> {
        let [a, b] = &self.at;
        Place { at: [a.then_named(names[0]), b.then_named(names[1])], ..*self }
    }

    /// The same place, inside of a definition that both worlds name, where there is one.
    pub fn inside(self, name: Option<&'p str>, (old, new): (TypeId, TypeId)) -> Place<'p> {
        let depth = self.at[0].depth();
        Place { named: name.map(|name| Named { name, old, new, depth }).or(self.named), ..self }
    }

    /// The steps for people: under the names of the new world.
    pub fn path(&self) -> WitPath {
        self.at[0].path()
    }
}

/// Places, of those that an old plugin meets on the new host, and of those that a new plugin meets on
/// the old host.
#[derive(Default)]
pub struct Places {
    old: HashSet<Vec<Segment>>,
    new: HashSet<Vec<Segment>>,
}

impl Places {
    /// Takes down a place for those whom it breaks.
    fn insert(&mut self, place: &Place<'_>, breaks: Breaks) {
        let [for_old, for_new] = &place.at;
        if breaks.old {
            self.old.insert(for_old.path().0);
        }
        if breaks.new {
            self.new.insert(for_new.path().0);
        }
    }

    /// Whether a path leads to one of the places, or into one.
    pub fn lead_to(&self, path: &WitPath, breaks: Breaks) -> bool {
        let known = |places: &HashSet<Vec<Segment>>| {
            (1..=path.0.len()).any(|steps| places.contains(&path.0[..steps]))
        };
        (breaks.old && known(&self.old)) || (breaks.new && known(&self.new))
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
    /// Where the walk met a difference that breaks somebody, whether it was told there or elsewhere.
    pub met: Places,
    /// Places that the walk leaves to the comparison.
    open: Places,
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

    /// Takes down that a difference is here which is told elsewhere.
    pub fn meet(&mut self, place: &Place<'_>, breaks: Breaks) {
        self.met.insert(place, breaks);
    }

    /// Takes a change down, or, inside of a definition, what is new about one that is known.
    pub fn note(
        &mut self,
        place: &Place<'_>,
        owner: Option<Owner>,
        (kind, why): (ChangeKind, Why),
        texts: [Option<String>; 2],
        breaks: Breaks,
    ) {
        self.meet(place, breaks);
        let path = place.path();
        let key = owner.map(|owner| Key {
            kind,
            steps: path.0.iter().skip(owner.depth).cloned().collect(),
            owner: Some((owner.name, owner.definitions)),
            texts: texts.clone(),
        });
        self.take(key, (kind, why), [path.clone(), path], place.side, texts, breaks);
    }

    /// Takes down that an interface is there at another version: one change for all interfaces of
    /// the package that moved together.
    pub fn version(
        &mut self,
        package: &str,
        place: &Place<'_>,
        same_track: bool,
        texts: [Option<String>; 2],
    ) {
        let kind = ChangeKind::Version;
        let path = WitPath::root("package", package);
        let key = Key { kind, owner: None, steps: path.0.clone(), texts: texts.clone() };
        let what = (kind, Why::Version(same_track));
        self.take(Some(key), what, [path, place.path()], place.side, texts, place.breaks);
    }

    /// Takes down that a resource is another one here: one change for all places that use it.
    pub fn resource(
        &mut self,
        path: WitPath,
        side: Side,
        breaks: Breaks,
        texts: [Option<String>; 2],
    ) {
        let kind = ChangeKind::Identity;
        let key = Key { kind, owner: None, steps: Vec::new(), texts: texts.clone() };
        self.take(Some(key), (kind, Why::Identity), [path.clone(), path], side, texts, breaks);
    }

    /// Takes down that only the comparison knows of what is here.
    pub fn leave_open(&mut self, place: &Place<'_>) {
        self.open.insert(place, Breaks::ALL);
    }

    /// Takes down what only the comparison knows.
    pub fn mismatch(
        &mut self,
        path: WitPath,
        side: Side,
        breaks: Breaks,
        texts: [Option<String>; 2],
    ) {
        let open = self.open.lead_to(&path, breaks);
        let what = (ChangeKind::Changed, if open { Why::Substitute } else { Why::Mismatch });
        // Both directions may tell of one change.
        let key = Key { kind: what.0, owner: None, steps: path.0.clone(), texts: texts.clone() };
        self.take(Some(key), what, [path.clone(), path], side, texts, breaks);
    }

    fn take(
        &mut self,
        key: Option<Key>,
        (kind, why): (ChangeKind, Why),
        [path, place]: [WitPath; 2],
        side: Side,
        [before, after]: [Option<String>; 2],
        breaks: Breaks,
    ) {
        self.told += 1;
        let next = self.found.len();
        let index = key.map_or(next, |key| *self.index.entry(key).or_insert(next));
        if index == next {
            let (old_plugins, new_plugins) = (None, None);
            let also = IndexSet::new();
            let found =
                Found { kind, path, before, after, side, why, old_plugins, new_plugins, also };
            self.found.push(found);
        }
        let found = &mut self.found[index];
        let user = || WitPath(place.0.iter().take(2).cloned().collect());
        if breaks.old {
            found.old_plugins.get_or_insert_with(user);
        }
        if breaks.new {
            found.new_plugins.get_or_insert_with(user);
        }
        if found.path != place {
            found.also.insert(place);
        }
    }
}
