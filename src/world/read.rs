//! From validated types to a [`World`]: the one reader for components and for encoded WIT.
//!
//! wasmparser gives every exported or imported type a new id that aliases the old one, so names
//! hang on ids and two names for one type stay apart. Resource ids are unique for the whole
//! validation, which is what makes identity readable here.

use std::collections::HashMap;
use std::sync::Arc;

use indexmap::IndexMap;
use wasmparser::component_types::{
    ComponentAnyTypeId, ComponentDefinedType, ComponentDefinedTypeId, ComponentEntityType,
    ComponentFuncTypeId, ComponentInstanceTypeId, ComponentItem, ComponentTypeId, ComponentValType,
    ResourceId as ParserResourceId,
};
use wasmparser::types::TypesRef;

use super::core::CoreModule;
use super::{Func, Instance, Item, Origin, Resource, ResourceId, Shape, Type, TypeId, World};

/// The world of a component, from its validated types and the names of its imports and exports in
/// the order in which they were declared.
pub fn component_world(types: TypesRef<'_>, imports: &[String], exports: &[String]) -> World {
    let imports = imports
        .iter()
        .filter_map(|name| types.component_item_for_import(name).map(|item| (name.as_str(), item)));
    let exports = exports
        .iter()
        .filter_map(|name| types.component_item_for_export(name).map(|item| (name.as_str(), item)));
    read(types, None, imports, exports)
}

/// The world that a component *type* describes, as WIT worlds are encoded.
pub fn component_type_world(types: TypesRef<'_>, id: ComponentTypeId, name: String) -> World {
    let ty = &types[id];
    let imports = ty.imports.iter().map(|(name, item)| (name.as_str(), item));
    let exports = ty.exports.iter().map(|(name, item)| (name.as_str(), item));
    read(types, Some(name), imports, exports)
}

fn read<'a>(
    types: TypesRef<'a>,
    name: Option<String>,
    imports: impl Iterator<Item = (&'a str, &'a ComponentItem)>,
    exports: impl Iterator<Item = (&'a str, &'a ComponentItem)>,
) -> World {
    let mut reader = Reader {
        types,
        world: World { name, ..World::default() },
        known: HashMap::new(),
        peeled: HashMap::new(),
        first: HashMap::new(),
        passed: HashMap::new(),
        primitives: HashMap::new(),
        resources: HashMap::new(),
    };
    let imports = reader.table(imports, Origin::Import);
    let exports = reader.table(exports, Origin::Export);
    World { imports, exports, ..reader.world }
}

struct Reader<'a> {
    types: TypesRef<'a>,
    world: World,
    known: HashMap<ComponentDefinedTypeId, TypeId>,
    /// For every id that was peeled, what is under all its aliases.
    peeled: HashMap<ComponentDefinedTypeId, ComponentDefinedTypeId>,
    /// The first type of each definition.
    first: HashMap<ComponentDefinedTypeId, TypeId>,
    /// Ids without a place in the world that a known type is an alias of.
    passed: HashMap<ComponentDefinedTypeId, TypeId>,
    primitives: HashMap<&'static str, TypeId>,
    resources: HashMap<ParserResourceId, ResourceId>,
}

impl<'a> Reader<'a> {
    fn table(
        &mut self,
        items: impl Iterator<Item = (&'a str, &'a ComponentItem)>,
        origin: impl Fn(Option<String>) -> Origin,
    ) -> IndexMap<String, Item> {
        items
            .map(|(name, item)| {
                let origin = match item.ty {
                    ComponentEntityType::Instance(_) => origin(Some(name.to_owned())),
                    _ => origin(None),
                };
                (name.to_owned(), self.item(name, item.ty, &origin))
            })
            .collect()
    }

    fn item(&mut self, name: &str, ty: ComponentEntityType, origin: &Origin) -> Item {
        match ty {
            ComponentEntityType::Func(id) => Item::Func(self.func(id)),
            ComponentEntityType::Instance(id) => Item::Instance(self.instance(id, origin)),
            ComponentEntityType::Type { created, referenced } => match created {
                ComponentAnyTypeId::Defined(id) => Item::Type(self.named(id, referenced, name)),
                ComponentAnyTypeId::Resource(id) => {
                    Item::Resource(self.resource(id.resource(), name, origin))
                }
                ComponentAnyTypeId::Func(_) => Item::Other("function type"),
                ComponentAnyTypeId::Instance(_) => Item::Other("instance type"),
                ComponentAnyTypeId::Component(_) => Item::Other("component type"),
            },
            ComponentEntityType::Module(id) => {
                Item::Module(Arc::new(CoreModule::read(self.types, id)))
            }
            ComponentEntityType::Component(id) => {
                Item::Component(Arc::new(component_type_world(self.types, id, name.to_owned())))
            }
            ComponentEntityType::Value(_) => Item::Other("value"),
        }
    }

    fn instance(&mut self, id: ComponentInstanceTypeId, origin: &Origin) -> Instance {
        let types = self.types;
        let items = types[id]
            .exports
            .iter()
            .map(|(name, item)| (name.clone(), self.item(name, item.ty, origin)))
            .collect();
        Instance { items }
    }

    fn func(&mut self, id: ComponentFuncTypeId) -> Func {
        let types = self.types;
        let ty = &types[id];
        let params = ty.params.iter().map(|(name, ty)| (name.to_string(), self.val(ty))).collect();
        Func { is_async: ty.async_, params, result: ty.result.as_ref().map(|ty| self.val(ty)) }
    }

    /// A resource is named by the first place that it is seen at.
    fn resource(&mut self, id: ParserResourceId, name: &str, origin: &Origin) -> ResourceId {
        let next = ResourceId(self.world.resources.len());
        let resource = *self.resources.entry(id).or_insert(next);
        if resource == next {
            let resource = Resource { name: name.to_owned(), origin: origin.clone() };
            self.world.resources.push(resource);
        }
        resource
    }

    fn handle(&mut self, id: ParserResourceId) -> ResourceId {
        self.resource(id, "resource", &Origin::Hidden)
    }

    fn named(
        &mut self,
        id: ComponentDefinedTypeId,
        referenced: ComponentAnyTypeId,
        name: &str,
    ) -> TypeId {
        let ty = self.defined(id);
        let known = &mut self.world.types[ty.0];
        if known.name.is_none() {
            known.name = Some(name.to_owned());
            // An export says what it stands for, which outlives the substitutions of instantiation.
            if let (None, ComponentAnyTypeId::Defined(other)) = (known.alias, referenced)
                && other != id
            {
                let alias = self.known.get(&other).or(self.passed.get(&other)).copied();
                let alias = alias.or_else(|| self.alias(other, ty));
                self.world.types[ty.0].alias = alias.filter(|alias| *alias != ty);
            }
        }
        ty
    }

    fn val(&mut self, ty: &ComponentValType) -> TypeId {
        match ty {
            ComponentValType::Primitive(primitive) => self.primitive(primitive_name(*primitive)),
            ComponentValType::Type(id) => self.defined(*id),
        }
    }

    fn primitive(&mut self, name: &'static str) -> TypeId {
        if let Some(id) = self.primitives.get(name) {
            return *id;
        }
        let id = self.push(Shape::Primitive(name));
        self.primitives.insert(name, id);
        id
    }

    fn push(&mut self, shape: Shape) -> TypeId {
        let id = TypeId(self.world.types.len());
        self.world.types.push(Type { name: None, shape, alias: None });
        self.world.definitions.push(id);
        id
    }

    /// A type by its id, of which every name that it was given has one of its own. The names share
    /// what they name: a large type with many names must not cost its size for each of them.
    fn defined(&mut self, id: ComponentDefinedTypeId) -> TypeId {
        if let Some(known) = self.known.get(&id) {
            return *known;
        }
        let definition = self.peel(id);
        let first = self.first.get(&definition).copied();
        let shape = match first {
            Some(first) => self.world.ty(first).shape.clone(),
            None => self.shape(id),
        };
        let ty = self.push(shape);
        self.world.definitions[ty.0] = *self.first.entry(definition).or_insert(ty);
        self.known.insert(id, ty);
        self.world.types[ty.0].alias = self.alias(id, ty);
        ty
    }

    /// What is under all aliases. Every id on the way is gone through once.
    fn peel(&mut self, id: ComponentDefinedTypeId) -> ComponentDefinedTypeId {
        let mut passed = vec![id];
        let definition = loop {
            let last = passed[passed.len() - 1];
            if let Some(definition) = self.peeled.get(&last) {
                break *definition;
            }
            match self.types.peel_alias(last) {
                Some(next) => passed.push(next),
                None => break last,
            }
        };
        self.peeled.extend(passed.into_iter().map(|id| (id, definition)));
        definition
    }

    /// Types are acyclic and validation capped their depth, so this recursion ends.
    fn shape(&mut self, id: ComponentDefinedTypeId) -> Shape {
        let types = self.types;
        match &types[id] {
            ComponentDefinedType::Primitive(primitive) => {
                Shape::Primitive(primitive_name(*primitive))
            }
            ComponentDefinedType::Record(record) => Shape::Record(
                record.fields.iter().map(|(name, ty)| (name.to_string(), self.val(ty))).collect(),
            ),
            ComponentDefinedType::Variant(variant) => Shape::Variant(
                variant
                    .cases
                    .iter()
                    .map(|(name, case)| (name.to_string(), case.ty.as_ref().map(|ty| self.val(ty))))
                    .collect(),
            ),
            ComponentDefinedType::Enum(names) => {
                Shape::Enum(names.iter().map(ToString::to_string).collect())
            }
            ComponentDefinedType::Flags(names) => {
                Shape::Flags(names.iter().map(ToString::to_string).collect())
            }
            ComponentDefinedType::Tuple(tuple) => {
                Shape::Tuple(tuple.types.iter().map(|ty| self.val(ty)).collect())
            }
            ComponentDefinedType::List { element, .. } => Shape::List(self.val(element)),
            ComponentDefinedType::FixedLengthList { element, length, .. } => {
                Shape::FixedList(self.val(element), *length)
            }
            ComponentDefinedType::Map { key, value, .. } => {
                Shape::Map(self.val(key), self.val(value))
            }
            ComponentDefinedType::Option { ty, .. } => Shape::Option(self.val(ty)),
            ComponentDefinedType::Result { ok, err, .. } => Shape::Result(
                ok.as_ref().map(|ty| self.val(ty)),
                err.as_ref().map(|ty| self.val(ty)),
            ),
            ComponentDefinedType::Own(id) => Shape::Own(self.handle(id.resource())),
            ComponentDefinedType::Borrow(id) => Shape::Borrow(self.handle(id.resource())),
            ComponentDefinedType::Future { ty, .. } => {
                Shape::Future(ty.as_ref().map(|ty| self.val(ty)))
            }
            ComponentDefinedType::Stream { ty, .. } => {
                Shape::Stream(ty.as_ref().map(|ty| self.val(ty)))
            }
        }
    }

    /// The type that `id` is another name for, where the world has it. Every id on the way is
    /// gone through once, however many aliases lead there.
    fn alias(&mut self, mut id: ComponentDefinedTypeId, ty: TypeId) -> Option<TypeId> {
        while let Some(next) = self.types.peel_alias(id) {
            if let Some(known) = self.known.get(&next).or(self.passed.get(&next)) {
                return Some(*known);
            }
            self.passed.insert(next, ty);
            id = next;
        }
        None
    }
}

fn primitive_name(ty: wasmparser::PrimitiveValType) -> &'static str {
    use wasmparser::PrimitiveValType as P;
    match ty {
        P::Bool => "bool",
        P::S8 => "s8",
        P::U8 => "u8",
        P::S16 => "s16",
        P::U16 => "u16",
        P::S32 => "s32",
        P::U32 => "u32",
        P::S64 => "s64",
        P::U64 => "u64",
        P::F32 => "f32",
        P::F64 => "f64",
        P::Char => "char",
        P::String => "string",
        P::ErrorContext => "error-context",
    }
}
