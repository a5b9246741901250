//! Core modules and components as they stand in a world, which WIT cannot express: by the types of
//! what they import and export.

use std::collections::BTreeMap;

use wasmparser::types::{CoreTypeId, EntityType, TypesRef};
use wasmparser::{CompositeInnerType, RefType, ValType};

use super::World;
use super::compare::{Host, Walk, targets};
use super::place::Place;

/// What a core module that crosses the boundary needs and gives: names to types in words. Where a
/// type cannot be said without the module around it, there is none, and it fits nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CoreModule {
    /// By module and name.
    pub imports: BTreeMap<(String, String), Option<String>>,
    /// By name.
    pub exports: BTreeMap<String, Option<String>>,
}

impl CoreModule {
    pub(super) fn read(
        types: TypesRef<'_>,
        id: wasmparser::component_types::ComponentCoreModuleTypeId,
    ) -> CoreModule {
        let ty = &types[id];
        CoreModule {
            imports: ty.imports.iter().map(|(name, ty)| (name.clone(), text(types, *ty))).collect(),
            exports: ty.exports.iter().map(|(name, ty)| (name.clone(), text(types, *ty))).collect(),
        }
    }

    /// The first way in which this module is not one of `wanted`'s type: it may need less and give
    /// more (component model, Subtyping.md). The place, what is wanted there, and what there is.
    pub(super) fn mismatch(&self, wanted: &CoreModule) -> Option<(String, String, String)> {
        let nothing = || "nothing of that name".to_owned();
        let shown =
            |ty: &Option<String>| ty.clone().unwrap_or_else(|| "a type of its own".to_owned());
        let same = |a: &Option<String>, b: &Option<String>| a.is_some() && a == b;
        let exports = wanted.exports.iter().find_map(|(name, ty)| match self.exports.get(name) {
            Some(own) if same(own, ty) => None,
            own => Some((format!("export {name}"), shown(ty), own.map_or_else(nothing, shown))),
        });
        exports.or_else(|| {
            self.imports.iter().find_map(|(key, ty)| match wanted.imports.get(key) {
                Some(given) if same(given, ty) => None,
                given => {
                    let place = format!("import {} {}", key.0, key.1);
                    Some((place, given.map_or_else(nothing, shown), shown(ty)))
                }
            })
        })
    }
}

impl Walk<'_> {
    /// A module that is asked for must be one of the type that is offered, and the other way round.
    pub(super) fn module(&mut self, place: &Place<'_>, left: &CoreModule, right: &CoreModule) {
        let (kind, _) = place.start();
        let mismatch = if kind == "import" {
            right.mismatch(left).map(|(at, wanted, given)| (at, given, wanted))
        } else {
            left.mismatch(right)
        };
        if let Some((at, expected, found)) = mismatch {
            let in_module = |text: String| format!("core module with {at}: {text}");
            self.differ(place, in_module(expected), in_module(found));
        }
    }

    /// As for modules; the reasons within are told as one.
    pub(super) fn component(&mut self, place: &Place<'_>, left: &World, right: &World) {
        let (kind, _) = place.start();
        let (given, wanted) = if kind == "import" { (right, left) } else { (left, right) };
        let host = Host { world: wanted, provides: &[] };
        if let Some(first) = targets(given, host).into_iter().next() {
            let (wanted, given) = (
                format!("component with {}: {}", first.path, first.expected),
                format!("component with {}: {}", first.path, first.found),
            );
            match kind {
                "import" => self.differ(place, given, wanted),
                _ => self.differ(place, wanted, given),
            }
        }
    }
}

fn text(types: TypesRef<'_>, ty: EntityType) -> Option<String> {
    Some(match ty {
        EntityType::Func(id) | EntityType::FuncExact(id) => format!("func{}", func(types, id)?),
        EntityType::Tag(id) => format!("tag{}", func(types, id)?),
        EntityType::Global(global) => {
            let mutable = if global.mutable { "mut " } else { "" };
            let shared = if global.shared { "shared " } else { "" };
            format!("global {shared}{mutable}{}", value(global.content_type)?)
        }
        EntityType::Memory(memory) => format!("{memory:?}"),
        EntityType::Table(table) => {
            let element = value(ValType::Ref(table.element_type))?;
            format!(
                "table of {element}, {}..{:?}, 64 bits: {}, shared: {}",
                table.initial, table.maximum, table.table64, table.shared
            )
        }
    })
}

fn func(types: TypesRef<'_>, id: CoreTypeId) -> Option<String> {
    let CompositeInnerType::Func(func) = &types[id].composite_type.inner else { return None };
    let list = |values: &[ValType]| -> Option<String> {
        Some(values.iter().map(|ty| value(*ty)).collect::<Option<Vec<_>>>()?.join(", "))
    };
    Some(format!("({}) -> ({})", list(func.params())?, list(func.results())?))
}

/// A type that is defined in the module is another one in each.
fn value(ty: ValType) -> Option<String> {
    match ty {
        ValType::Ref(ty) if is_defined(ty) => None,
        ty => Some(ty.to_string()),
    }
}

fn is_defined(ty: RefType) -> bool {
    ty.is_concrete_type_ref() || ty.type_index().is_some()
}
