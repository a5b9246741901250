//! Types of many worlds by their structure: two items have one number exactly when they are equal
//! down to the leaves, names and order included. Resources are another matter, and have none.

use std::collections::HashMap;
use std::fmt::Write;

use crate::world::{Func, Item, Shape, TypeId, World};

/// Numbers for structures, shared by all worlds that are asked about.
#[derive(Default)]
pub(super) struct Shapes {
    known: HashMap<String, u32>,
}

/// The numbers of one world's types: none for those that a resource is part of.
pub(super) type Memo = HashMap<TypeId, Option<u32>>;

impl Shapes {
    /// The number of an item, or none where a resource takes part in it, or where it is nothing that
    /// could be wired.
    pub fn item(&mut self, world: &World, item: &Item, memo: &mut Memo) -> Option<u32> {
        let key = match item {
            Item::Func(func) => self.func(world, func, memo)?,
            Item::Type(ty) => format!("type {}", self.ty(world, *ty, memo)?),
            Item::Instance(instance) => {
                let mut key = "instance".to_owned();
                for (name, item) in &instance.items {
                    let _ = write!(key, " {name}={}", self.item(world, item, memo)?);
                }
                key
            }
            Item::Resource(_) | Item::Module(_) | Item::Component(_) | Item::Other(_) => {
                return None;
            }
        };
        Some(self.number(key))
    }

    fn func(&mut self, world: &World, func: &Func, memo: &mut Memo) -> Option<String> {
        let mut key = if func.is_async { "async func" } else { "func" }.to_owned();
        for (name, ty) in &func.params {
            let _ = write!(key, " {name}={}", self.ty(world, *ty, memo)?);
        }
        if let Some(ty) = func.result {
            let _ = write!(key, " -> {}", self.ty(world, ty, memo)?);
        }
        Some(key)
    }

    fn ty(&mut self, world: &World, id: TypeId, memo: &mut Memo) -> Option<u32> {
        if let Some(known) = memo.get(&id) {
            return *known;
        }
        let number = self.shape(world, id, memo).map(|key| self.number(key));
        memo.insert(id, number);
        number
    }

    /// Depth is capped by validation, and each type is looked at once.
    fn shape(&mut self, world: &World, id: TypeId, memo: &mut Memo) -> Option<String> {
        let mut one = |ty: &TypeId, memo: &mut Memo| self.ty(world, *ty, memo);
        let mut or_none = |ty: &Option<TypeId>, memo: &mut Memo| match ty {
            Some(ty) => one(ty, memo).map(|n| n.to_string()),
            None => Some("_".to_owned()),
        };
        let mut key = String::new();
        match &world.ty(id).shape {
            Shape::Primitive(name) => key.push_str(name),
            Shape::Record(fields) => {
                key.push_str("record");
                for (name, ty) in fields {
                    let _ = write!(key, " {name}={}", or_none(&Some(*ty), memo)?);
                }
            }
            Shape::Variant(cases) => {
                key.push_str("variant");
                for (name, ty) in cases {
                    let _ = write!(key, " {name}={}", or_none(ty, memo)?);
                }
            }
            Shape::Enum(names) => {
                let _ = write!(key, "enum {}", names.join(" "));
            }
            Shape::Flags(names) => {
                let _ = write!(key, "flags {}", names.join(" "));
            }
            Shape::Tuple(types) => {
                key.push_str("tuple");
                for ty in types {
                    let _ = write!(key, " {}", or_none(&Some(*ty), memo)?);
                }
            }
            Shape::List(ty) => {
                let _ = write!(key, "list {}", or_none(&Some(*ty), memo)?);
            }
            Shape::FixedList(ty, n) => {
                let _ = write!(key, "list {} x {n}", or_none(&Some(*ty), memo)?);
            }
            Shape::Map(k, v) => {
                let (k, v) = (or_none(&Some(*k), memo)?, or_none(&Some(*v), memo)?);
                let _ = write!(key, "map {k} {v}");
            }
            Shape::Option(ty) => {
                let _ = write!(key, "option {}", or_none(&Some(*ty), memo)?);
            }
            Shape::Result(ok, err) => {
                let (ok, err) = (or_none(ok, memo)?, or_none(err, memo)?);
                let _ = write!(key, "result {ok} {err}");
            }
            Shape::Future(ty) => {
                let _ = write!(key, "future {}", or_none(ty, memo)?);
            }
            Shape::Stream(ty) => {
                let _ = write!(key, "stream {}", or_none(ty, memo)?);
            }
            Shape::Own(_) | Shape::Borrow(_) => return None,
        }
        Some(key)
    }

    fn number(&mut self, key: String) -> u32 {
        let next = u32::try_from(self.known.len()).unwrap_or(u32::MAX);
        *self.known.entry(key).or_insert(next)
    }
}
