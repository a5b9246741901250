//! Two structures side by side: functions and value types, down to the leaves.

use std::collections::HashMap;

use super::compare::{Kind, Mismatch, Walk};
use super::{Func, Shape, TypeId, nearest};
use crate::diagnostic::WitPath;

impl Walk<'_> {
    pub(super) fn func(&mut self, path: &WitPath, left: &Func, right: &Func) {
        let say = |func: &Func| if func.is_async { "an async func" } else { "a func" }.to_owned();
        if left.is_async != right.is_async {
            self.differ(path.clone(), say(right), say(left));
        }
        let params = |func: &Func| -> Vec<_> {
            func.params.iter().map(|(name, ty)| (name.clone(), Some(*ty))).collect()
        };
        self.members(path, "param", &params(left), &params(right));
        self.optional(&path.then("result", None), left.result, right.result, "no result");
    }

    fn optional(
        &mut self,
        path: &WitPath,
        left: Option<TypeId>,
        right: Option<TypeId>,
        none: &str,
    ) {
        match (left, right) {
            (Some(left), Some(right)) => self.ty(path, left, right),
            (None, None) => {}
            (left, right) => {
                let expected = right.map_or(none.to_owned(), |ty| self.right.type_name(ty));
                let found = left.map_or(none.to_owned(), |ty| self.left.type_name(ty));
                self.differ(path.clone(), expected, found);
            }
        }
    }

    pub(super) fn ty(&mut self, path: &WitPath, left: TypeId, right: TypeId) {
        if !self.seen.insert((left, std::ptr::from_ref(self.right), right)) {
            return;
        }
        let (ours, theirs) = (self.left, self.right);
        // Steps carry the name of the type that they go through, as the right side calls it.
        let name = theirs.ty(right).name.as_deref().or(ours.ty(left).name.as_deref());
        let at = |keyword| match (name, path.0.last()) {
            (Some(name), Some(last)) if last.name.as_deref() == Some(name) => path.clone(),
            _ => path.then(keyword, name),
        };
        match (&ours.ty(left).shape, &theirs.ty(right).shape) {
            (Shape::Primitive(a), Shape::Primitive(b)) => {
                if a != b {
                    self.differ(path.clone(), (*b).to_owned(), (*a).to_owned());
                }
            }
            (Shape::Record(a), Shape::Record(b)) => {
                let wrap = |fields: &[(String, TypeId)]| -> Vec<_> {
                    fields.iter().map(|(name, ty)| (name.clone(), Some(*ty))).collect()
                };
                self.members(&at("record"), "field", &wrap(a), &wrap(b));
            }
            (Shape::Variant(a), Shape::Variant(b)) => self.members(&at("variant"), "case", a, b),
            (Shape::Enum(a), Shape::Enum(b)) => {
                self.members(&at("enum"), "case", &bare(a), &bare(b));
            }
            (Shape::Flags(a), Shape::Flags(b)) => {
                self.members(&at("flags"), "flag", &bare(a), &bare(b));
            }
            (Shape::Tuple(a), Shape::Tuple(b)) if a.len() == b.len() => {
                let path = at("tuple");
                for (i, (a, b)) in a.iter().zip(b).enumerate() {
                    self.ty(&path.then("element", Some(&i.to_string())), *a, *b);
                }
            }
            (Shape::List(a), Shape::List(b)) => {
                self.ty(&path.then("list element", None), *a, *b);
            }
            (Shape::FixedList(a, n), Shape::FixedList(b, m)) if n == m => {
                self.ty(&path.then("list element", None), *a, *b);
            }
            (Shape::Map(a, x), Shape::Map(b, y)) => {
                self.ty(&path.then("map key", None), *a, *b);
                self.ty(&path.then("map value", None), *x, *y);
            }
            (Shape::Option(a), Shape::Option(b)) => self.ty(&path.then("some", None), *a, *b),
            (Shape::Result(a, x), Shape::Result(b, y)) => {
                self.optional(&path.then("ok", None), *a, *b, "no value");
                self.optional(&path.then("err", None), *x, *y, "no value");
            }
            (Shape::Own(a), Shape::Own(b)) | (Shape::Borrow(a), Shape::Borrow(b)) => {
                self.resource(path, *a, *b);
            }
            (Shape::Future(a), Shape::Future(b)) => {
                self.optional(&path.then("future value", None), *a, *b, "no value");
            }
            (Shape::Stream(a), Shape::Stream(b)) => {
                self.optional(&path.then("stream element", None), *a, *b, "no value");
            }
            _ => {
                self.differ(path.clone(), theirs.definition(right), ours.definition(left));
            }
        }
    }

    /// Parameters, fields, cases and flags: same names, same order, same types.
    fn members(
        &mut self,
        path: &WitPath,
        kind: &'static str,
        left: &[(String, Option<TypeId>)],
        right: &[(String, Option<TypeId>)],
    ) {
        let ours: HashMap<&str, Option<TypeId>> = by_name(left);
        let theirs: HashMap<&str, Option<TypeId>> = by_name(right);
        let none = format!("no such {kind}");
        for (name, ty) in right {
            let path = path.then(kind, Some(name));
            match ours.get(name.as_str()) {
                Some(other) => self.optional(&path, *other, *ty, "no payload"),
                None => {
                    let added = left.iter().map(|(n, _)| n.as_str());
                    let near = nearest(name, added.filter(|n| !theirs.contains_key(n)));
                    let near = near.map(str::to_owned);
                    let expected = ty.map_or("it".to_owned(), |ty| self.right.type_name(ty));
                    self.differ_near(path, expected, none.clone(), near);
                }
            }
        }
        for (name, ty) in left.iter().filter(|(name, _)| !theirs.contains_key(name.as_str())) {
            let found = ty.map_or("it".to_owned(), |ty| self.left.type_name(ty));
            self.differ(path.then(kind, Some(name)), none.clone(), found);
        }
        let order = |names: &[(String, Option<TypeId>)], other: &HashMap<&str, _>| {
            let shared = names.iter().map(|(name, _)| name.as_str());
            shared.filter(|name| other.contains_key(name)).collect::<Vec<_>>().join(", ")
        };
        let (found, expected) = (order(left, &theirs), order(right, &ours));
        if found != expected {
            self.differ(
                path.clone(),
                format!("the order {expected}"),
                format!("the order {found}"),
            );
        }
    }

    pub(super) fn differ(&mut self, path: WitPath, expected: String, found: String) {
        self.differ_near(path, expected, found, None);
    }

    fn differ_near(
        &mut self,
        path: WitPath,
        expected: String,
        found: String,
        near: Option<String>,
    ) {
        self.mismatches.push(Mismatch { kind: Kind::Type, path, expected, found, near });
    }
}

fn bare(names: &[String]) -> Vec<(String, Option<TypeId>)> {
    names.iter().map(|name| (name.clone(), None)).collect()
}

fn by_name(members: &[(String, Option<TypeId>)]) -> HashMap<&str, Option<TypeId>> {
    members.iter().map(|(name, ty)| (name.as_str(), *ty)).collect()
}
