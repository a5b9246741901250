//! Seals world-level types. A component whose world has bare functions imports their records as types
//! at its root, under names without a version. In a composition of two contracts those names are
//! taken twice, and types of seams that are closed are left over as imports of the whole.
//!
//! A type at the root that no open import and no export of the whole mentions is nobody's business
//! outside. It goes through the composition under a name of its own, and then its import becomes a
//! definition: an alias of the type that it was to be equal to. No index moves, and nothing but the
//! import section changes.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use wasm_encoder::{
    Alias, ComponentAliasSection, ComponentOuterAliasKind, ComponentSection, CustomSection, Encode,
};
use wasmparser::{
    BinaryReader, BinaryReaderError, ComponentImportSectionReader, ComponentTypeRef, TypeBounds,
};

use crate::wiring::Plan;
use crate::world::{Func, Item, Shape, TypeId, World};

/// The id of a component's import section (component model, Binary.md).
const IMPORTS: u8 = 10;
/// The id of a custom section.
const CUSTOM: u8 = 0;
/// Magic, version and layer.
const PREAMBLE: usize = 8;

/// The types at the root of a component that stay inside: those that nothing which crosses the
/// boundary of the whole mentions.
pub(super) fn inner_types(world: &World, index: usize, plan: &Plan) -> BTreeSet<String> {
    let fed = |import: &str| {
        plan.wires.iter().any(|wire| wire.importer == index && wire.import == import)
    };
    let mut outer = Mentioned { world, types: BTreeSet::new() };
    for (name, item) in &world.imports {
        if let Item::Func(func) = item
            && !fed(name)
        {
            outer.func(func);
        }
    }
    for outlet in plan.outlets.iter().filter(|outlet| outlet.exporter == index) {
        if let Some(Item::Func(func)) = world.exports.get(&outlet.export) {
            outer.func(func);
        }
    }
    let types = world.imports.iter().filter(|(_, item)| match item {
        Item::Type(ty) => !outer.types.contains(ty),
        _ => false,
    });
    types.map(|(name, _)| name.clone()).collect()
}

/// The types that functions mention, directly or inside others.
struct Mentioned<'a> {
    world: &'a World,
    types: BTreeSet<TypeId>,
}

impl Mentioned<'_> {
    fn func(&mut self, func: &Func) {
        func.params.iter().for_each(|(_, ty)| self.ty(*ty));
        func.result.iter().for_each(|ty| self.ty(*ty));
    }

    fn ty(&mut self, id: TypeId) {
        if !self.types.insert(id) {
            return;
        }
        let world = self.world;
        match &world.ty(id).shape {
            Shape::Record(fields) => fields.iter().for_each(|(_, ty)| self.ty(*ty)),
            Shape::Variant(cases) => {
                cases.iter().filter_map(|(_, ty)| *ty).for_each(|ty| self.ty(ty));
            }
            Shape::Tuple(types) => types.iter().for_each(|ty| self.ty(*ty)),
            Shape::List(ty) | Shape::FixedList(ty, _) | Shape::Option(ty) => self.ty(*ty),
            Shape::Map(key, value) => [key, value].into_iter().for_each(|ty| self.ty(*ty)),
            Shape::Result(ok, err) => [ok, err].into_iter().flatten().for_each(|ty| self.ty(*ty)),
            Shape::Future(ty) | Shape::Stream(ty) => ty.iter().for_each(|ty| self.ty(*ty)),
            Shape::Primitive(_)
            | Shape::Enum(_)
            | Shape::Flags(_)
            | Shape::Own(_)
            | Shape::Borrow(_) => {}
        }
    }
}

/// The component with the imports of these types under other names. No index changes.
pub(super) fn rename(
    bytes: &[u8],
    names: &BTreeMap<String, String>,
) -> Result<Vec<u8>, BinaryReaderError> {
    rewrite(bytes, |name, _| names.get(name).map(|name| Change::Rename(name.clone())))
}

/// The component with the imports of these types turned into aliases of what they are equal to.
pub(super) fn define(bytes: &[u8], names: &BTreeSet<String>) -> Result<Vec<u8>, BinaryReaderError> {
    rewrite(bytes, |name, ty| match ty {
        ComponentTypeRef::Type(TypeBounds::Eq(index)) if names.contains(name) => {
            Some(Change::Define(index))
        }
        _ => None,
    })
}

enum Change {
    Rename(String),
    Define(u32),
}

fn rewrite(
    bytes: &[u8],
    change: impl Fn(&str, ComponentTypeRef) -> Option<Change>,
) -> Result<Vec<u8>, BinaryReaderError> {
    let mut out = bytes[..PREAMBLE.min(bytes.len())].to_vec();
    for section in sections(bytes) {
        let section = section?;
        if section.id != IMPORTS {
            out.extend_from_slice(section.whole);
            continue;
        }
        let reader = BinaryReader::new(section.contents, section.offset);
        let mut pending = Vec::new();
        let mut items = Vec::new();
        for item in ComponentImportSectionReader::new(reader)?.into_iter_with_offsets() {
            items.push(item?);
        }
        let end = section.offset + section.contents.len();
        for (position, (start, import)) in items.iter().enumerate() {
            let next = items.get(position + 1).map_or(end, |(offset, _)| *offset);
            let raw = &section.contents[start - section.offset..next - section.offset];
            match change(import.name.name, import.ty) {
                None => pending.push(raw.to_vec()),
                Some(Change::Rename(name)) => {
                    // The type is all that follows the name, and its last bytes stay as they are.
                    let mut renamed = vec![0];
                    name.encode(&mut renamed);
                    renamed.extend_from_slice(behind_name(raw)?);
                    pending.push(renamed);
                }
                Some(Change::Define(index)) => {
                    flush(&mut out, &mut pending);
                    let mut aliases = ComponentAliasSection::new();
                    let kind = ComponentOuterAliasKind::Type;
                    aliases.alias(Alias::Outer { count: 0, kind, index });
                    aliases.append_to_component(&mut out);
                }
            }
        }
        flush(&mut out, &mut pending);
    }
    Ok(out)
}

/// What follows the plain name of an import.
fn behind_name(raw: &[u8]) -> Result<&[u8], BinaryReaderError> {
    let mut reader = BinaryReader::new(raw, 0);
    let _: wasmparser::ComponentExternName<'_> = reader.read()?;
    Ok(&raw[reader.original_position()..])
}

fn flush(out: &mut Vec<u8>, imports: &mut Vec<Vec<u8>>) {
    if imports.is_empty() {
        return;
    }
    let mut contents = Vec::new();
    imports.len().encode(&mut contents);
    contents.extend(imports.drain(..).flatten());
    out.push(IMPORTS);
    contents.encode(out);
}

struct Section<'a> {
    id: u8,
    /// Header and contents.
    whole: &'a [u8],
    contents: &'a [u8],
    /// Where the contents start in the file.
    offset: usize,
}

/// The sections of a component, its own and not those of what is nested in it.
fn sections(bytes: &[u8]) -> impl Iterator<Item = Result<Section<'_>, BinaryReaderError>> {
    let rest = bytes.get(PREAMBLE..).unwrap_or_default();
    let mut reader = BinaryReader::new(rest, PREAMBLE);
    std::iter::from_fn(move || {
        if reader.eof() {
            return None;
        }
        let start = reader.original_position();
        let mut section = || {
            let id = reader.read_u8()?;
            let size = reader.read_var_u32()? as usize;
            let offset = reader.original_position();
            let contents = reader.read_bytes(size)?;
            Ok(Section { id, whole: &bytes[start..offset + size], contents, offset })
        };
        let read = section();
        if read.is_err() {
            // What follows a broken section is none.
            let left = reader.bytes_remaining();
            let _ = reader.read_bytes(left);
        }
        Some(read)
    })
}

/// Appends a custom section.
pub(super) fn append_custom(bytes: &mut Vec<u8>, name: &str, data: &[u8]) {
    CustomSection { name: name.into(), data: data.into() }.append_to_component(bytes);
}

/// The contents of the first custom section of this name that is the component's own.
pub(super) fn custom<'a>(bytes: &'a [u8], name: &str) -> Option<&'a [u8]> {
    sections(bytes).map_while(Result::ok).filter(|section| section.id == CUSTOM).find_map(|s| {
        let mut reader = BinaryReader::new(s.contents, 0);
        let found = reader.read_string().ok()? == name;
        found.then(|| &s.contents[reader.original_position()..])
    })
}

/// Names that are free: `sealed0-output` for `output` of the first component, and so on.
pub(super) fn free_names(
    inner: &BTreeSet<String>,
    position: usize,
    taken: &HashMap<String, usize>,
) -> BTreeMap<String, String> {
    let free = |name: &String| {
        let mut new = format!("sealed{position}-{name}");
        while taken.contains_key(&new) {
            new.insert(0, 'x');
        }
        (name.clone(), new)
    };
    inner.iter().map(free).collect()
}
