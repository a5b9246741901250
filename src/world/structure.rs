//! Two structures side by side: functions and value types, down to the leaves.

use std::collections::{HashMap, HashSet};

use super::compare::{Kind, Mismatch, Walk};
use super::place::Place;
use super::{Func, Shape, TypeId, World};
use crate::diagnostic::Segment;

/// A parameter, field, case or flag: its name, and its type where it has one.
type Member<'m> = (&'m str, Option<TypeId>);

/// A type of the left side, and one of this world on the right.
type Pair = (TypeId, *const World, TypeId);

/// A mismatch inside a type: the steps from there, and what both sides have.
type Finding = (Vec<Segment>, String, String);

/// What is known of types that were compared.
#[derive(Default)]
pub(super) struct Types {
    equal: HashSet<Pair>,
    /// What differs, with what it was told as a part of; 0 where it has a name of its own.
    told: HashSet<(usize, Pair)>,
    /// What was told of each named type of the right side.
    findings: HashMap<(*const World, TypeId), Vec<Vec<Finding>>>,
    /// The function or named type that is compared.
    within: usize,
    count: usize,
}

impl Types {
    fn next(&mut self) -> usize {
        self.count += 1;
        self.count
    }
}

impl Walk<'_> {
    pub(super) fn func(&mut self, place: &Place<'_>, left: &Func, right: &Func) {
        self.types.within = self.types.next();
        if left.is_async != right.is_async {
            let say = |func: &Func| if func.is_async { "an async func" } else { "a func" };
            self.differ(place, say(right).to_owned(), say(left).to_owned());
        }
        self.members(place, "param", &typed(&left.params), &typed(&right.params));
        self.optional(&place.then("result", None), left.result, right.result, "no result");
    }

    fn optional(
        &mut self,
        place: &Place<'_>,
        left: Option<TypeId>,
        right: Option<TypeId>,
        none: &str,
    ) {
        match (left, right) {
            (Some(left), Some(right)) => self.ty(place, left, right),
            (None, None) => {}
            (left, right) => {
                let expected = right.map_or(none.to_owned(), |ty| self.right.type_name(ty));
                let found = left.map_or(none.to_owned(), |ty| self.left.type_name(ty));
                self.differ(place, expected, found);
            }
        }
    }

    /// Two types. What was found equal is not looked at again; what differs is told once where it has
    /// a name, and else once for each function or named type that it is part of.
    pub(super) fn ty(&mut self, place: &Place<'_>, left: TypeId, right: TypeId) {
        let (ours, theirs) = (self.left, self.right);
        let definitions = (ours.definition_of(left), theirs.definition_of(right));
        let pair = (definitions.0, std::ptr::from_ref(theirs), definitions.1);
        let named = theirs.ty(definitions.1).name.is_some();
        let part_of = if named { 0 } else { self.types.within };
        // Two parameters of one primitive type are two places, though the type is one.
        let is_leaf = matches!(theirs.ty(right).shape, Shape::Primitive(_)) && !named;
        let told = !is_leaf && self.types.told.contains(&(part_of, pair));
        if self.more || told || self.types.equal.contains(&pair) {
            return;
        }
        let (start, outside) = (self.mismatches.len(), self.types.within);
        if named {
            self.types.within = self.types.next();
        }
        let inside = self.shapes(place, left, right);
        self.types.within = outside;
        if self.mismatches.len() == start {
            self.types.equal.insert(pair);
            return;
        }
        self.types.told.insert((part_of, pair));
        if named {
            // The plugin may have copies of what the host has once.
            let found: Vec<Finding> = self.mismatches[start..]
                .iter()
                .map(|m| (m.path.0[inside..].to_vec(), m.expected.clone(), m.found.clone()))
                .collect();
            let known = self.types.findings.entry((pair.1, pair.2)).or_default();
            if known.contains(&found) {
                self.mismatches.truncate(start);
            } else {
                known.push(found);
            }
        }
    }

    /// Compares shapes. Returns how many steps lead to what is inside of the type.
    fn shapes(&mut self, place: &Place<'_>, left: TypeId, right: TypeId) -> usize {
        let (ours, theirs) = (self.left, self.right);
        // Steps carry the name of the type that they go through: as it is defined, and as the right
        // side calls it.
        let name = theirs.defined_name(right).or_else(|| ours.defined_name(left));
        let at = |keyword| place.then_type(keyword, name);
        let here = place.then_named(name);
        match (&ours.ty(left).shape, &theirs.ty(right).shape) {
            (Shape::Primitive(a), Shape::Primitive(b)) => {
                if a != b {
                    self.differ(&here, (*b).to_owned(), (*a).to_owned());
                }
            }
            (Shape::Record(a), Shape::Record(b)) => {
                self.members(&at("record"), "field", &typed(a), &typed(b));
            }
            (Shape::Variant(a), Shape::Variant(b)) => {
                self.members(&at("variant"), "case", &optionally(a), &optionally(b));
            }
            (Shape::Enum(a), Shape::Enum(b)) => {
                self.members(&at("enum"), "case", &bare(a), &bare(b));
            }
            (Shape::Flags(a), Shape::Flags(b)) => {
                self.members(&at("flags"), "flag", &bare(a), &bare(b));
            }
            (Shape::Tuple(a), Shape::Tuple(b)) if a.len() == b.len() => {
                let place = at("tuple");
                for (i, (a, b)) in a.iter().zip(b).enumerate() {
                    self.ty(&place.then("element", Some(&i.to_string())), *a, *b);
                }
            }
            (Shape::List(a), Shape::List(b)) => {
                self.ty(&here.then("list element", None), *a, *b);
            }
            (Shape::FixedList(a, n), Shape::FixedList(b, m)) if n == m => {
                self.ty(&here.then("list element", None), *a, *b);
            }
            (Shape::Map(a, x), Shape::Map(b, y)) => {
                self.ty(&here.then("map key", None), *a, *b);
                self.ty(&here.then("map value", None), *x, *y);
            }
            (Shape::Option(a), Shape::Option(b)) => self.ty(&here.then("some", None), *a, *b),
            (Shape::Result(a, x), Shape::Result(b, y)) => {
                self.optional(&here.then("ok", None), *a, *b, "no value");
                self.optional(&here.then("err", None), *x, *y, "no value");
            }
            (Shape::Own(a), Shape::Own(b)) | (Shape::Borrow(a), Shape::Borrow(b)) => {
                self.resource(&here, *a, *b);
            }
            (Shape::Future(a), Shape::Future(b)) => {
                self.optional(&here.then("future value", None), *a, *b, "no value");
            }
            (Shape::Stream(a), Shape::Stream(b)) => {
                self.optional(&here.then("stream element", None), *a, *b, "no value");
            }
            _ => self.differ(&here, theirs.definition(right), ours.definition(left)),
        }
        here.depth()
    }

    /// Parameters, fields, cases and flags: same names, same order, same types.
    fn members(
        &mut self,
        place: &Place<'_>,
        kind: &'static str,
        left: &[Member<'_>],
        right: &[Member<'_>],
    ) {
        if left.iter().map(|(name, _)| name).eq(right.iter().map(|(name, _)| name)) {
            for ((name, ours), (_, theirs)) in left.iter().zip(right) {
                self.optional(&place.then(kind, Some(name)), *ours, *theirs, "no payload");
            }
            return;
        }
        let ours: HashMap<&str, Option<TypeId>> = left.iter().copied().collect();
        let theirs: HashMap<&str, Option<TypeId>> = right.iter().copied().collect();
        let none = || format!("no such {kind}");
        for (name, ty) in right {
            let place = place.then(kind, Some(name));
            match ours.get(name) {
                Some(other) => self.optional(&place, *other, *ty, "no payload"),
                None => {
                    let added = left.iter().map(|(n, _)| *n).filter(|n| !theirs.contains_key(n));
                    let near = self.likeness.nearest(name, added).map(str::to_owned);
                    let expected = ty.map_or("it".to_owned(), |ty| self.right.type_name(ty));
                    self.tell(|| Mismatch {
                        kind: Kind::Type,
                        path: place.path(),
                        expected,
                        found: none(),
                        near,
                    });
                }
            }
        }
        for (name, ty) in left.iter().filter(|(name, _)| !theirs.contains_key(name)) {
            let found = ty.map_or("it".to_owned(), |ty| self.left.type_name(ty));
            self.differ(&place.then(kind, Some(name)), none(), found);
        }
        let shared = |members: &[Member<'_>], other: &HashMap<&str, Option<TypeId>>| {
            let names = members.iter().map(|(name, _)| (*name).to_owned());
            names.filter(|name| other.contains_key(name.as_str())).collect::<Vec<_>>()
        };
        let (found, expected) = (shared(left, &theirs), shared(right, &ours));
        if found != expected {
            self.differ(place, order(&expected, &found), order(&found, &expected));
        }
    }

    pub(super) fn differ(&mut self, place: &Place<'_>, expected: String, found: String) {
        self.tell(|| Mismatch {
            kind: Kind::Type,
            path: place.path(),
            expected,
            found,
            near: None,
        });
    }
}

/// The order of names, from the first that is out of place where there are many.
fn order(names: &[String], other: &[String]) -> String {
    const MANY: usize = 20;
    let start = names.iter().zip(other).take_while(|(a, b)| a == b).count();
    let skipped = if names.len() > MANY { start } else { 0 };
    let shown: Vec<&str> = names.iter().skip(skipped).take(MANY).map(String::as_str).collect();
    let more = if names.len() > skipped + MANY { ", ..." } else { "" };
    format!("the order {}{more}", shown.join(", "))
}

fn typed(members: &[(String, TypeId)]) -> Vec<Member<'_>> {
    members.iter().map(|(name, ty)| (name.as_str(), Some(*ty))).collect()
}

fn optionally(members: &[(String, Option<TypeId>)]) -> Vec<Member<'_>> {
    members.iter().map(|(name, ty)| (name.as_str(), *ty)).collect()
}

fn bare(names: &[String]) -> Vec<Member<'_>> {
    names.iter().map(|name| (name.as_str(), None)).collect()
}
