//! Changes a component's own import section, and reads and writes its custom sections: what no encoder
//! needs to decode a component for. No index moves, and what is nested is copied as it is.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

use wasm_encoder::{
    Alias, ComponentAliasSection, ComponentOuterAliasKind, ComponentSection, CustomSection, Encode,
};
use wasmparser::{
    BinaryReader, BinaryReaderError, ComponentAlias, ComponentAliasSectionReader,
    ComponentExportSectionReader, ComponentExternalKind, ComponentImportSectionReader,
    ComponentOuterAliasKind as OuterAlias, ComponentTypeRef, ComponentTypeSectionReader,
    TypeBounds,
};

use super::roots::Fate;

// Ids of sections of a component (component model, Binary.md).
const CUSTOM: u8 = 0;
const ALIASES: u8 = 6;
const TYPES: u8 = 7;
const IMPORTS: u8 = 10;
const EXPORTS: u8 = 11;
/// Magic, version and layer.
pub(super) const PREAMBLE: usize = 8;

/// The component with the imports of these types under other names. No index changes.
pub(super) fn rename(
    bytes: &[u8],
    names: &BTreeMap<String, String>,
) -> Result<Vec<u8>, BinaryReaderError> {
    rewrite(bytes, |name, _, _| names.get(name).map(|name| Change::Rename(name.clone())))
}

/// The component with the imports of these types as it was decided: turned into aliases of what they are
/// equal to, or of the first one that they are joined with.
pub(super) fn settle(
    bytes: &[u8],
    fates: &BTreeMap<String, Fate>,
) -> Result<Vec<u8>, BinaryReaderError> {
    let mut joined: HashMap<&str, u32> = HashMap::new();
    rewrite(bytes, |name, ty, types| match (fates.get(name)?, ty) {
        (Fate::Sealed, ComponentTypeRef::Type(TypeBounds::Eq(index))) => {
            Some(Change::Define(index))
        }
        (Fate::Sealed, _) => None,
        (Fate::Joined(name), _) => match joined.entry(name) {
            Entry::Occupied(first) => Some(Change::Define(*first.get())),
            Entry::Vacant(free) => {
                free.insert(types);
                Some(Change::Rename(name.clone()))
            }
        },
    })
}

enum Change {
    Rename(String),
    Define(u32),
}

/// Changes imports; `change` is given the name, what is imported, and the index that it gets if it is a
/// type.
fn rewrite(
    bytes: &[u8],
    mut change: impl FnMut(&str, ComponentTypeRef, u32) -> Option<Change>,
) -> Result<Vec<u8>, BinaryReaderError> {
    let mut out = Vec::with_capacity(bytes.len());
    out.extend_from_slice(&bytes[..PREAMBLE.min(bytes.len())]);
    let mut types = 0;
    for section in sections(bytes) {
        let section = section?;
        if section.id != IMPORTS {
            types += types_in(&section)?;
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
            match change(import.name.name, import.ty, types) {
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
            types += u32::from(matches!(import.ty, ComponentTypeRef::Type(_)));
        }
        flush(&mut out, &mut pending);
    }
    Ok(out)
}

/// How many types a section other than that of imports adds (component model, Binary.md).
fn types_in(section: &Section<'_>) -> Result<u32, BinaryReaderError> {
    let reader = BinaryReader::new(section.contents, section.offset);
    let mut types = 0;
    match section.id {
        TYPES => types = ComponentTypeSectionReader::new(reader)?.count(),
        ALIASES => {
            for alias in ComponentAliasSectionReader::new(reader)? {
                types += u32::from(matches!(
                    alias?,
                    ComponentAlias::InstanceExport { kind: ComponentExternalKind::Type, .. }
                        | ComponentAlias::Outer { kind: OuterAlias::Type, .. }
                ));
            }
        }
        EXPORTS => {
            for export in ComponentExportSectionReader::new(reader)? {
                types += u32::from(export?.kind == ComponentExternalKind::Type);
            }
        }
        _ => {}
    }
    Ok(types)
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

/// A section of a component, or of a core module: the two are written alike.
pub(super) struct Section<'a> {
    pub id: u8,
    /// Header and contents.
    pub whole: &'a [u8],
    pub contents: &'a [u8],
    /// Where the contents start in the file.
    pub offset: usize,
}

/// The sections of a component, its own and not those of what is nested in it.
pub(super) fn sections(
    bytes: &[u8],
) -> impl Iterator<Item = Result<Section<'_>, BinaryReaderError>> {
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
