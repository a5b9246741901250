//! Types as WIT text, in full: what [`super::super::print`] cuts short for messages is written out
//! here, up to a limit on the bytes.

use std::collections::HashMap;

use thiserror::Error;

use super::super::{Func, Item, ResourceId, Shape, TypeId, World};

/// The text would be larger than it may be. Types that are shared in a component are written out
/// at every place that uses them, so a small component can ask for a text of any size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("as text it would be larger than {} MiB", super::MAX_TEXT >> 20)]
pub struct TooLarge;

/// How much text may still be written, in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget(pub(super) usize);

impl Budget {
    /// Takes text that was written out of what may be written.
    pub(super) fn spend(&mut self, bytes: usize) -> Result<(), TooLarge> {
        self.0 = self.0.checked_sub(bytes).ok_or(TooLarge)?;
        Ok(())
    }
}

/// What types and resources are called at the place that is being written. A type without a name
/// there is written as its structure.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    pub(super) types: HashMap<TypeId, String>,
    pub(super) resources: HashMap<ResourceId, String>,
}

/// Writes types with the names of one place.
pub(super) struct Types<'a> {
    pub(super) world: &'a World,
    pub(super) names: &'a Names,
    pub(super) budget: &'a mut Budget,
}

type Written = Result<(), TooLarge>;

impl Types<'_> {
    fn push(&mut self, out: &mut String, text: &str) -> Written {
        self.budget.spend(text.len())?;
        out.push_str(text);
        Ok(())
    }

    /// A type as it is used: its name, or its structure where it has none.
    pub(super) fn used(&mut self, out: &mut String, id: TypeId) -> Written {
        match self.names.types.get(&id) {
            Some(name) => self.push(out, &escape(name)),
            None => self.shape(out, id, false),
        }
    }

    /// What a name stands for: `type NAME = ...` with anything but the keyword types behind it.
    pub(super) fn aliased(&mut self, out: &mut String, id: TypeId) -> Written {
        self.shape(out, id, true)
    }

    fn optional(&mut self, out: &mut String, id: Option<TypeId>) -> Written {
        match id {
            Some(id) => self.used(out, id),
            None => self.push(out, "_"),
        }
    }

    fn resource(&mut self, out: &mut String, id: ResourceId) -> Written {
        let name = self.names.resources.get(&id).unwrap_or(&self.world.resource(id).name);
        let name = escape(name);
        self.push(out, &name)
    }

    /// Validation caps how deep types nest, so this recursion ends.
    fn shape(&mut self, out: &mut String, id: TypeId, defining: bool) -> Written {
        let world = self.world;
        match &world.ty(id).shape {
            Shape::Primitive(keyword) => self.push(out, keyword),
            Shape::Record(_) | Shape::Variant(_) | Shape::Enum(_) | Shape::Flags(_) => {
                let keyword = world.keyword(id);
                self.push(out, keyword)?;
                self.push(out, " { ")?;
                self.body(out, id, ", ")?;
                self.push(out, " }")
            }
            Shape::Tuple(types) => {
                self.push(out, "tuple<")?;
                for (i, ty) in types.iter().enumerate() {
                    if i > 0 {
                        self.push(out, ", ")?;
                    }
                    self.used(out, *ty)?;
                }
                self.push(out, ">")
            }
            Shape::List(ty) => self.wrapped(out, "list", Some(*ty)),
            Shape::FixedList(ty, length) => {
                self.push(out, "list<")?;
                self.used(out, *ty)?;
                self.push(out, &format!(", {length}>"))
            }
            Shape::Map(key, value) => {
                self.push(out, "map<")?;
                self.used(out, *key)?;
                self.push(out, ", ")?;
                self.used(out, *value)?;
                self.push(out, ">")
            }
            Shape::Option(ty) => self.wrapped(out, "option", Some(*ty)),
            Shape::Result(None, None) => self.push(out, "result"),
            Shape::Result(Some(ok), None) => self.wrapped(out, "result", Some(*ok)),
            Shape::Result(ok, err) => {
                self.push(out, "result<")?;
                self.optional(out, *ok)?;
                self.push(out, ", ")?;
                self.optional(out, *err)?;
                self.push(out, ">")
            }
            // Where a type is named, the bare name of a resource means the resource itself.
            Shape::Own(id) if !defining => self.resource(out, *id),
            Shape::Own(id) => self.handle(out, "own<", *id),
            Shape::Borrow(id) => self.handle(out, "borrow<", *id),
            Shape::Future(ty) => self.wrapped(out, "future", *ty),
            Shape::Stream(ty) => self.wrapped(out, "stream", *ty),
        }
    }

    fn handle(&mut self, out: &mut String, open: &str, id: ResourceId) -> Written {
        self.push(out, open)?;
        self.resource(out, id)?;
        self.push(out, ">")
    }

    fn wrapped(&mut self, out: &mut String, keyword: &str, ty: Option<TypeId>) -> Written {
        self.push(out, keyword)?;
        match ty {
            Some(ty) => {
                self.push(out, "<")?;
                self.used(out, ty)?;
                self.push(out, ">")
            }
            None => Ok(()),
        }
    }

    /// The fields, cases or flags of a type, with `between` between them. Nothing for other types.
    pub(super) fn body(&mut self, out: &mut String, id: TypeId, between: &str) -> Written {
        let world = self.world;
        let mut first = true;
        let mut separate = |this: &mut Self, out: &mut String| {
            if std::mem::take(&mut first) { Ok(()) } else { this.push(out, between) }
        };
        match &world.ty(id).shape {
            Shape::Record(fields) => {
                for (name, ty) in fields {
                    separate(self, out)?;
                    self.push(out, &escape(name))?;
                    self.push(out, ": ")?;
                    self.used(out, *ty)?;
                }
            }
            Shape::Variant(cases) => {
                for (name, ty) in cases {
                    separate(self, out)?;
                    self.push(out, &escape(name))?;
                    if let Some(ty) = ty {
                        self.push(out, "(")?;
                        self.used(out, *ty)?;
                        self.push(out, ")")?;
                    }
                }
            }
            Shape::Enum(names) | Shape::Flags(names) => {
                for name in names {
                    separate(self, out)?;
                    self.push(out, &escape(name))?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// `(a: u32) -> string`, the first `skipped` parameters left out.
    pub(super) fn signature(&mut self, out: &mut String, func: &Func, skipped: usize) -> Written {
        self.listed(out, func, skipped)?;
        if let Some(ty) = func.result {
            self.push(out, " -> ")?;
            self.used(out, ty)?;
        }
        Ok(())
    }

    /// `(a: u32)`.
    pub(super) fn params(&mut self, out: &mut String, func: &Func) -> Written {
        self.listed(out, func, 0)
    }

    fn listed(&mut self, out: &mut String, func: &Func, skipped: usize) -> Written {
        self.push(out, "(")?;
        for (i, (name, ty)) in func.params.iter().skip(skipped).enumerate() {
            if i > 0 {
                self.push(out, ", ")?;
            }
            self.push(out, &escape(name))?;
            self.push(out, ": ")?;
            self.used(out, *ty)?;
        }
        self.push(out, ")")
    }
}

/// The items of a world, one line each and none cut short: for programs.
pub struct Signatures<'w> {
    world: &'w World,
    names: Names,
    budget: Budget,
}

impl<'w> Signatures<'w> {
    /// For a world; all its lines together may have `limit` bytes.
    pub fn new(world: &'w World, limit: usize) -> Signatures<'w> {
        let named = |(i, ty): (usize, &super::super::Type)| Some((TypeId(i), ty.name.clone()?));
        let names = Names {
            types: world.types.iter().enumerate().filter_map(named).collect(),
            resources: HashMap::new(),
        };
        Signatures { world, names, budget: Budget(limit) }
    }

    /// How many bytes of the limit are left.
    pub fn left(&self) -> usize {
        self.budget.0
    }

    /// The type of an item; three dots once the limit is reached.
    pub fn item(&mut self, item: &Item) -> String {
        self.in_full(item).unwrap_or_else(|TooLarge| "...".to_owned())
    }

    fn in_full(&mut self, item: &Item) -> Result<String, TooLarge> {
        let world = self.world;
        let mut types = Types { world, names: &self.names, budget: &mut self.budget };
        let mut out = String::new();
        match item {
            Item::Func(func) => {
                types.push(&mut out, if func.is_async { "async func" } else { "func" })?;
                types.signature(&mut out, func, 0)?;
            }
            Item::Type(id) => match &world.ty(*id).shape {
                Shape::Record(_) | Shape::Variant(_) | Shape::Enum(_) | Shape::Flags(_) => {
                    types.push(&mut out, world.keyword(*id))?;
                    if let Some(name) = &world.ty(*id).name {
                        types.push(&mut out, " ")?;
                        types.push(&mut out, &escape(name))?;
                    }
                    types.push(&mut out, " { ")?;
                    types.body(&mut out, *id, ", ")?;
                    types.push(&mut out, " }")?;
                }
                _ => types.aliased(&mut out, *id)?,
            },
            item => types.push(&mut out, &world.item(item))?,
        }
        Ok(out)
    }
}

/// A name as WIT writes it: with a `%` where it is a keyword (wit-parser, `ast/lex.rs`).
pub(super) fn escape(name: &str) -> String {
    const KEYWORDS: &[&str] = &[
        "as",
        "async",
        "bool",
        "borrow",
        "char",
        "constructor",
        "enum",
        "error-context",
        "export",
        "f32",
        "f64",
        "flags",
        "float32",
        "float64",
        "from",
        "func",
        "future",
        "import",
        "include",
        "interface",
        "list",
        "map",
        "option",
        "own",
        "package",
        "record",
        "resource",
        "result",
        "s16",
        "s32",
        "s64",
        "s8",
        "static",
        "stream",
        "string",
        "tuple",
        "type",
        "u16",
        "u32",
        "u64",
        "u8",
        "use",
        "variant",
        "with",
        "world",
    ];
    if KEYWORDS.binary_search(&name).is_ok() { format!("%{name}") } else { name.to_owned() }
}
