//! The one model of a world, whether it was read from WIT or from a component.
//!
//! A [`World`] is an arena of types and resources with two ordered tables on top: what is imported
//! and what is exported. Types are structural and shared; a type that its interface names carries
//! the name for people to read, and the name never takes part in a comparison. Resources are the
//! other way round: they have nothing but their identity.

mod along;
mod compare;
mod core;
mod entry;
mod example;
mod exported;
mod identity;
mod linked;
mod names;
mod package;
mod place;
mod print;
mod read;
mod renamed;
mod shipped;
mod structure;
mod to_wit;
mod wit;

use std::ops::Deref;
use std::sync::Arc;

use indexmap::IndexMap;

pub use along::{Along, Uses, along};
pub use compare::{Host, Kind as MismatchKind, Mismatch, asks_nothing, fits, targets};
pub(crate) use compare::{explained, is_definition};
pub use core::CoreModule;
pub use entry::{command_entry, handler_entry};
pub use linked::{Track, linked, linked_http};
pub(crate) use names::Names;
pub use names::{ExternName, find, nearest};
pub use package::{Package, package};
pub(crate) use place::{Place, owner};
pub use read::{component_type_world, component_world};
pub use shipped::{shipped, wasi};
pub use to_wit::{
    MAX_TEXT, Signatures, ToWitError, TooLarge, WitText, checked_package_wit, checked_wit,
    differences, package_to_wit, to_wit, to_wit_without_use,
};
pub use wit::{Wit, WitError, encode, load, load_encoded};

/// A world: everything that crosses the boundary of a component.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// Its full name, `ns:pkg/name@version`, where it has one. A component's own world has none.
    pub name: Option<String>,
    /// What it needs, by import name, in the order of declaration.
    pub imports: IndexMap<String, Item>,
    /// What it gives, by export name, in the order of declaration.
    pub exports: IndexMap<String, Item>,
    types: Vec<Type>,
    /// For each type, the first one of its definition: two names of one type have the same.
    definitions: Vec<TypeId>,
    resources: Vec<Resource>,
}

/// Something that a world or an interface names.
#[derive(Clone, Debug)]
pub enum Item {
    /// A function.
    Func(Func),
    /// An instance of an interface.
    Instance(Instance),
    /// A value type.
    Type(TypeId),
    /// A resource type.
    Resource(ResourceId),
    /// A core module, which WIT cannot express.
    Module(Arc<CoreModule>),
    /// A component, which WIT cannot express: its own world.
    Component(Arc<World>),
    /// What else WIT cannot express, in the component model's words: an instance type.
    Other(&'static str),
}

impl Item {
    /// What kind of thing it is, in WIT's words.
    pub fn kind(&self) -> &'static str {
        match self {
            Item::Func(_) => "function",
            Item::Instance(_) => "interface",
            Item::Type(_) => "type",
            Item::Resource(_) => "resource",
            Item::Module(_) => "core module",
            Item::Component(_) => "component",
            Item::Other(kind) => kind,
        }
    }
}

/// An interface as it stands in a world.
#[derive(Clone, Debug, Default)]
pub struct Instance {
    /// Its functions and types by name, in the order of declaration.
    pub items: IndexMap<String, Item>,
}

/// The type of a function.
#[derive(Clone, Debug)]
pub struct Func {
    /// Whether it is an `async func`.
    pub is_async: bool,
    /// Its parameters: name and type.
    pub params: Vec<(String, TypeId)>,
    /// Its result, where it has one.
    pub result: Option<TypeId>,
}

/// A type of the world it was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TypeId(usize);

/// A resource of the world it was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ResourceId(usize);

/// A value type.
#[derive(Clone, Debug)]
pub struct Type {
    /// The name that its interface or world gives it.
    pub name: Option<String>,
    /// Its structure.
    pub shape: Shape,
    /// The type that this is another name for, as `use` and `type b = a` make them. Only for
    /// printing: two names for one structure are one type to a comparison.
    pub alias: Option<TypeId>,
}

/// The structure of a value type.
#[derive(Clone, Debug)]
pub enum Shape {
    /// `bool`, `u8`, `string` and the like, under WIT's name.
    Primitive(&'static str),
    /// Named fields in order.
    Record(Shared<(String, TypeId)>),
    /// Named cases in order, with or without a payload.
    Variant(Shared<(String, Option<TypeId>)>),
    /// Named cases without payloads.
    Enum(Shared<String>),
    /// Named bits.
    Flags(Shared<String>),
    /// Fields by position.
    Tuple(Shared<TypeId>),
    /// `list<T>`.
    List(TypeId),
    /// `list<T, N>`.
    FixedList(TypeId, u32),
    /// `map<K, V>`.
    Map(TypeId, TypeId),
    /// `option<T>`.
    Option(TypeId),
    /// `result<T, E>`.
    Result(Option<TypeId>, Option<TypeId>),
    /// An owned handle.
    Own(ResourceId),
    /// A borrowed handle.
    Borrow(ResourceId),
    /// `future<T>`.
    Future(Option<TypeId>),
    /// `stream<T>`.
    Stream(Option<TypeId>),
}

/// A list that costs nothing to copy. A type may be large and have a name in every interface.
#[derive(Clone, Debug)]
pub struct Shared<T>(Arc<[T]>);

impl<T> Deref for Shared<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T> FromIterator<T> for Shared<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Shared<T> {
        Shared(items.into_iter().collect())
    }
}

impl<'s, T> IntoIterator for &'s Shared<T> {
    type Item = &'s T;
    type IntoIter = std::slice::Iter<'s, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

/// A resource: where it comes from is all there is to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// Its name where it was first seen.
    pub name: String,
    /// Who defines it.
    pub origin: Origin,
}

/// Who defines a resource, seen from the world.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// Whoever provides this import (the interface's name, or none for a bare resource).
    Import(Option<String>),
    /// The component itself, which first exports it in this interface.
    Export(Option<String>),
    /// It has no name at the boundary.
    Hidden,
}

impl World {
    /// The type behind an id of this world.
    pub fn ty(&self, id: TypeId) -> &Type {
        &self.types[id.0]
    }

    /// The first type of the same definition: where two names for one type lead to the same.
    pub(crate) fn definition_of(&self, id: TypeId) -> TypeId {
        self.definitions[id.0]
    }

    /// The name of a type: the one that its definition has, which it may have another one for.
    pub(crate) fn defined_name(&self, id: TypeId) -> Option<&str> {
        let definition = self.ty(self.definition_of(id));
        definition.name.as_deref().or(self.ty(id).name.as_deref())
    }

    /// The resource behind an id of this world.
    pub fn resource(&self, id: ResourceId) -> &Resource {
        &self.resources[id.0]
    }
}
