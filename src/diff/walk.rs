//! The old and the new side by side, down to the leaves: every difference in structure.
//!
//! A type that has a name on both sides is one definition, and what changed in it is one change,
//! wherever it is used. Whether that breaks anything depends on the uses: a type that only other
//! definitions mention harms nobody, the same type behind a call does. So such a pair is walked
//! again where it is reached with more at stake, at most twice. A type without a name belongs to
//! the place that writes it out, and so does what changed in it.
//!
//! The places are those of the comparison of worlds, down to the steps' names, and wherever it may
//! tell of a difference the walk has told of it, or taken down that it met it there.

use std::collections::{HashMap, HashSet};

use indexmap::IndexMap;

use super::found::{Breaks, Owner, Place, Record, Side, Why};
use super::shown;
use crate::diagnostic::ChangeKind;
use crate::world::{Func, Instance, Item, Shape, TypeId, World, explained, is_definition};

/// How often, in all, a pair of unnamed types is followed again inside of one parameter, result,
/// field or case. Few worlds need it at all; but a binary can nest a type in the next one twice,
/// and that one in the next, and so be a thousand times larger than it looks.
const MAX_AGAIN: usize = 1 << 16;

/// What is known of a pair of types.
#[derive(Clone, Copy, Default)]
struct Known {
    /// What was at stake so far.
    breaks: Breaks,
    /// Whether their structures differ.
    differs: bool,
    /// Whether anything was told of them where they were walked.
    told: bool,
    /// In which part they were walked last.
    part: usize,
}

pub struct Walk<'a> {
    old: &'a World,
    new: &'a World,
    /// The types that each side names.
    names: [HashSet<&'a str>; 2],
    known: HashMap<(TypeId, TypeId), Known>,
    /// The same for types that were only compared, without a word.
    compared: HashMap<(TypeId, TypeId), Known>,
    /// The part that is walked, of so many: a parameter, result, field or case.
    part: usize,
    parts: usize,
    /// How often unnamed types were followed again in the same part.
    again: usize,
    /// The changes so far.
    pub record: Record,
}

impl<'a> Walk<'a> {
    pub fn new(old: &'a World, new: &'a World) -> Walk<'a> {
        Walk {
            old,
            new,
            names: [type_names(old), type_names(new)],
            known: HashMap::new(),
            compared: HashMap::new(),
            part: 0,
            parts: 0,
            again: 0,
            record: Record::default(),
        }
    }

    /// Takes a change down, or what is new about one that is known.
    pub fn note(
        &mut self,
        place: &Place<'_>,
        what: (ChangeKind, Why),
        texts: [Option<String>; 2],
        breaks: Breaks,
    ) {
        let owner = place.named.as_ref().map(|named| Owner {
            name: named.name.to_owned(),
            definitions: [self.old.definition(named.old), self.new.definition(named.new)],
            depth: named.depth,
        });
        self.record.note(place, owner, what, texts, breaks);
    }

    fn changed(&mut self, place: &Place<'_>, before: String, after: String) -> bool {
        let what = (ChangeKind::Changed, Why::Structure);
        self.note(place, what, [Some(before), Some(after)], place.breaks);
        true
    }

    /// Two items of the same name, in the import or export of these names.
    pub fn item(
        &mut self,
        place: &Place<'_>,
        roots: [&str; 2],
        name: &str,
        [old, new]: [&Item; 2],
    ) {
        match (old, new) {
            (Item::Func(old), Item::Func(new)) => self.func(place, old, new),
            (Item::Instance(old), Item::Instance(new)) => self.instance(place, roots, old, new),
            (Item::Type(old), Item::Type(new)) => {
                self.ty(place, *old, *new);
            }
            // Whether it is the same resource is a question of the whole world.
            (Item::Resource(_), Item::Resource(_)) => {}
            // What one of these may be in the place of the other depends on the direction.
            (Item::Module(_), Item::Module(_)) | (Item::Component(_), Item::Component(_)) => {
                self.record.leave_open(place);
            }
            (Item::Other(old), Item::Other(new)) if old == new => {}
            (old, new) => {
                let before = shown::item(self.old, name, old, &IndexMap::new());
                let after = shown::item(self.new, name, new, &IndexMap::new());
                self.changed(place, before, after);
            }
        }
    }

    fn instance(&mut self, place: &Place<'_>, roots: [&str; 2], old: &Instance, new: &Instance) {
        for (name, item) in &old.items {
            match new.items.get(name) {
                Some(other) => {
                    self.item(&place.into(name, [item, other]), roots, name, [item, other]);
                }
                // It goes with its resource, which says it all.
                None if explained(name, old, new) => {}
                None => {
                    let defines = is_definition(self.old, roots[0], Some(name), item);
                    let (why, breaks) = match place.side {
                        Side::Import if defines => (Why::Definition, Breaks::NONE),
                        Side::Import => (Why::Item, Breaks { new: false, ..place.breaks }),
                        Side::Export => (Why::Item, Breaks { old: false, ..place.breaks }),
                    };
                    let before = shown::item(self.old, name, item, &old.items);
                    let what = (ChangeKind::Removed, why);
                    self.note(&place.into(name, [item; 2]), what, [Some(before), None], breaks);
                }
            }
        }
        for (name, item) in new.items.iter().filter(|(name, _)| !old.items.contains_key(*name)) {
            if explained(name, new, old) {
                continue;
            }
            let defines = is_definition(self.new, roots[1], Some(name), item);
            let (why, breaks) = match place.side {
                Side::Import if defines => (Why::Definition, Breaks::NONE),
                Side::Import => (Why::Item, Breaks { old: false, ..place.breaks }),
                Side::Export => (Why::Item, Breaks { new: false, ..place.breaks }),
            };
            let after = shown::item(self.new, name, item, &new.items);
            let what = (ChangeKind::Added, why);
            self.note(&place.into(name, [item; 2]), what, [None, Some(after)], breaks);
        }
    }

    fn func(&mut self, place: &Place<'_>, old: &Func, new: &Func) {
        let keyword = |func: &Func| if func.is_async { "async func" } else { "func" }.to_owned();
        if old.is_async != new.is_async {
            self.changed(place, keyword(old), keyword(new));
        }
        let params = |func: &Func| -> Vec<_> {
            func.params.iter().map(|(name, ty)| (name.clone(), Some(*ty))).collect()
        };
        self.parts(place, "param", &params(old), &params(new));
        let at = place.then("result", None);
        match (old.result, new.result) {
            (Some(old), Some(new)) => {
                self.part(&at, old, new);
            }
            (None, None) => {}
            (old, new) => {
                let kind = if new.is_some() { ChangeKind::Added } else { ChangeKind::Removed };
                let before = old.map(|ty| self.old.type_name(ty));
                let after = new.map(|ty| self.new.type_name(ty));
                self.note(&at, (kind, Why::Structure), [before, after], place.breaks);
            }
        }
    }

    /// Two types at one place. Says whether their structures differ.
    fn ty(&mut self, place: &Place<'_>, old: TypeId, new: TypeId) -> bool {
        let (was, is) = (&self.old.ty(old).name, &self.new.ty(new).name);
        let there = |name: &Option<String>, names: &HashSet<&str>| {
            name.as_ref().is_none_or(|name| names.contains(name.as_str()))
        };
        // A type that was renamed everywhere has come and gone as a definition. Where it has not,
        // the place names another type now.
        if was == is || !(there(was, &self.names[1]) || there(is, &self.names[0])) {
            return self.structure(place, old, new);
        }
        let (before, after) = (self.old, self.new);
        if !self.is_definition(old, new) {
            let differs = self.structure(place, old, new);
            if !differs {
                let texts = [Some(before.type_name(old)), Some(after.type_name(new))];
                self.note(place, (ChangeKind::Changed, Why::TypeName), texts, Breaks::NONE);
            }
            return differs;
        }
        // Two definitions: neither of them has changed into the other.
        let record = std::mem::take(&mut self.record);
        std::mem::swap(&mut self.known, &mut self.compared);
        let differs = self.structure(place, old, new);
        std::mem::swap(&mut self.known, &mut self.compared);
        self.record = record;
        if differs {
            return self.changed(place, before.definition(old), after.definition(new));
        }
        let texts = [Some(before.type_name(old)), Some(after.type_name(new))];
        self.note(place, (ChangeKind::Changed, Why::TypeName), texts, Breaks::NONE);
        false
    }

    fn structure(&mut self, place: &Place<'_>, old: TypeId, new: TypeId) -> bool {
        if let (Shape::Primitive(a), Shape::Primitive(b)) =
            (&self.old.ty(old).shape, &self.new.ty(new).shape)
            && self.old.ty(old).name.is_none()
            && self.new.ty(new).name.is_none()
        {
            return a != b && self.changed(place, (*a).to_owned(), (*b).to_owned());
        }
        let seen = self.known.get(&(old, new)).copied();
        let known = seen.unwrap_or_default();
        let breaks = known.breaks.or(place.breaks);
        if seen.is_some() {
            let more_at_stake = known.differs && breaks != known.breaks;
            let of_the_place = known.told && !self.is_definition(old, new);
            let again = of_the_place && known.part == self.part;
            self.again += usize::from(again);
            if !more_at_stake && (!of_the_place || (again && self.again > MAX_AGAIN)) {
                if known.differs {
                    self.record.meet(place, place.breaks);
                }
                return known.differs;
            }
        }
        let told = self.record.told;
        let differs = self.shapes(place, old, new);
        let told = known.told || self.record.told > told;
        self.known.insert((old, new), Known { breaks, differs, told, part: self.part });
        differs
    }

    /// Walks two types that stand on their own at a place: a parameter, a result, a field.
    fn part(&mut self, place: &Place<'_>, old: TypeId, new: TypeId) -> bool {
        let outer = self.part;
        self.parts += 1;
        self.part = self.parts;
        let differs = self.ty(place, old, new);
        self.part = outer;
        differs
    }

    fn is_definition(&self, old: TypeId, new: TypeId) -> bool {
        self.old.ty(old).name.is_some() && self.new.ty(new).name.is_some()
    }

    fn shapes(&mut self, place: &Place<'_>, old: TypeId, new: TypeId) -> bool {
        let (before, after) = (self.old, self.new);
        let (was, is) = (before.defined_name(old), after.defined_name(new));
        let names = [is.or(was), was.or(is)];
        let definition = names[0].filter(|_| self.is_definition(old, new));
        let ids = (before.definition_of(old), after.definition_of(new));
        let at = |keyword| place.then_type(keyword, names).inside(definition, ids);
        let here = place.then_named(names).inside(definition, ids);
        let then = |kind| here.then(kind, None);
        match (&before.ty(old).shape, &after.ty(new).shape) {
            (Shape::Primitive(a), Shape::Primitive(b)) if a == b => false,
            (Shape::Record(a), Shape::Record(b)) => {
                let fields = |fields: &[(String, TypeId)]| -> Vec<_> {
                    fields.iter().map(|(name, ty)| (name.clone(), Some(*ty))).collect()
                };
                self.parts(&at("record"), "field", &fields(a), &fields(b))
            }
            (Shape::Variant(a), Shape::Variant(b)) => self.parts(&at("variant"), "case", a, b),
            (Shape::Enum(a), Shape::Enum(b)) => self.parts(&at("enum"), "case", &bare(a), &bare(b)),
            (Shape::Flags(a), Shape::Flags(b)) => {
                self.parts(&at("flags"), "flag", &bare(a), &bare(b))
            }
            (Shape::Tuple(a), Shape::Tuple(b)) if a.len() == b.len() => {
                let tuple = at("tuple");
                let mut differs = false;
                for (i, (a, b)) in a.iter().zip(b).enumerate() {
                    differs |= self.ty(&tuple.then("element", Some(&i.to_string())), *a, *b);
                }
                differs
            }
            (Shape::List(a), Shape::List(b)) => self.ty(&then("list element"), *a, *b),
            (Shape::FixedList(a, n), Shape::FixedList(b, m)) if n == m => {
                self.ty(&then("list element"), *a, *b)
            }
            (Shape::Map(a, x), Shape::Map(b, y)) => {
                let key = self.ty(&then("map key"), *a, *b);
                self.ty(&then("map value"), *x, *y) || key
            }
            (Shape::Option(a), Shape::Option(b)) => self.ty(&then("some"), *a, *b),
            (Shape::Result(a, x), Shape::Result(b, y)) => {
                let ok = self.payload(&then("ok"), *a, *b);
                self.payload(&then("err"), *x, *y) || ok
            }
            (Shape::Own(_), Shape::Own(_)) | (Shape::Borrow(_), Shape::Borrow(_)) => false,
            (Shape::Future(a), Shape::Future(b)) => self.payload(&then("future value"), *a, *b),
            (Shape::Stream(a), Shape::Stream(b)) => self.payload(&then("stream element"), *a, *b),
            _ => self.changed(&here, before.definition(ids.0), after.definition(ids.1)),
        }
    }

    /// What `ok`, `err`, a future or a stream carries, or the `_` where that is nothing.
    fn payload(&mut self, place: &Place<'_>, old: Option<TypeId>, new: Option<TypeId>) -> bool {
        match (old, new) {
            (Some(old), Some(new)) => self.ty(place, old, new),
            (None, None) => false,
            (old, new) => {
                let none = || "_".to_owned();
                let before = old.map_or_else(none, |ty| self.old.type_name(ty));
                let after = new.map_or_else(none, |ty| self.new.type_name(ty));
                self.changed(place, before, after)
            }
        }
    }

    /// Parameters, fields, cases and flags: their names, order and types.
    fn parts(
        &mut self,
        place: &Place<'_>,
        kind: &'static str,
        old: &[(String, Option<TypeId>)],
        new: &[(String, Option<TypeId>)],
    ) -> bool {
        let (before, after) = (by_name(old), by_name(new));
        let mut renamed = HashSet::new();
        let mut differs = false;
        for (i, (name, ty)) in old.iter().enumerate() {
            let at = place.then(kind, Some(name));
            let was = || shown::part(self.old, kind, name, *ty);
            if let Some(other) = after.get(name.as_str()) {
                differs |= match (*ty, *other) {
                    (Some(ty), Some(other)) => self.part(&at, ty, other),
                    (None, None) => false,
                    _ => {
                        let (was, is) = (was(), shown::part(self.new, kind, name, *other));
                        self.changed(&at, was, is)
                    }
                };
                continue;
            }
            differs = true;
            // The same type at the same place under a new name was renamed.
            if let (Some(ty), Some((other, Some(theirs)))) = (*ty, new.get(i))
                && !before.contains_key(other.as_str())
                && self.old.type_name(ty) == self.new.type_name(*theirs)
            {
                let at = place.then(kind, Some(other));
                let texts = [
                    Some(shown::named_part(self.old, kind, name, ty)),
                    Some(shown::named_part(self.new, kind, other, *theirs)),
                ];
                let what = (ChangeKind::Renamed, Why::Structure);
                self.note(&at, what, texts, place.breaks);
                self.record.meet(&place.then(kind, Some(name)), place.breaks);
                self.part(&at, ty, *theirs);
                renamed.insert(other.as_str());
                continue;
            }
            let what = (ChangeKind::Removed, Why::Structure);
            self.note(&at, what, [Some(was()), None], place.breaks);
        }
        for (name, ty) in new {
            if !before.contains_key(name.as_str()) && !renamed.contains(name.as_str()) {
                differs = true;
                let is = shown::part(self.new, kind, name, *ty);
                let what = (ChangeKind::Added, Why::Structure);
                self.note(&place.then(kind, Some(name)), what, [None, Some(is)], place.breaks);
            }
        }
        let order = |parts: &[(String, Option<TypeId>)], other: &HashMap<&str, _>| {
            let shared = parts.iter().map(|(name, _)| name.as_str());
            shared.filter(|name| other.contains_key(name)).collect::<Vec<_>>().join(", ")
        };
        let (was, is) = (order(old, &after), order(new, &before));
        if was != is {
            differs = true;
            let what = (ChangeKind::Reordered, Why::Structure);
            self.note(place, what, [Some(was), Some(is)], place.breaks);
        }
        differs
    }
}

fn type_names(world: &World) -> HashSet<&str> {
    let mut names = HashSet::new();
    for (name, item) in world.imports.iter().chain(&world.exports) {
        match item {
            Item::Type(_) => {
                names.insert(name.as_str());
            }
            Item::Instance(instance) => {
                let types = instance.items.iter().filter(|(_, item)| matches!(item, Item::Type(_)));
                names.extend(types.map(|(name, _)| name.as_str()));
            }
            _ => {}
        }
    }
    names
}

fn by_name(parts: &[(String, Option<TypeId>)]) -> HashMap<&str, Option<TypeId>> {
    parts.iter().map(|(name, ty)| (name.as_str(), *ty)).collect()
}

fn bare(names: &[String]) -> Vec<(String, Option<TypeId>)> {
    names.iter().map(|name| (name.clone(), None)).collect()
}
