//! Imports that are left over. An interface that stays open may use a plain type of one that is fed, and
//! then wac imports the fed one as well, whole: functions that nobody calls would be asked of the host.
//! They go; the types stay, and ask for nothing.

use std::collections::HashSet;

use wasm_encoder::Encode;
use wasmparser::{
    BinaryReader, BinaryReaderError, ComponentTypeRef, ComponentTypeSectionReader,
    InstanceTypeDeclaration, Parser, Payload,
};

use super::seal::sections;

/// The id of a component's type section (component model, Binary.md).
const TYPES: u8 = 7;
/// How an instance type begins.
const INSTANCE: u8 = 0x42;

/// The component with the instances that it imports under these names without functions. No index
/// changes: functions in the type of an instance have none.
pub(super) fn thin(
    bytes: &[u8],
    left_over: impl Fn(&str) -> bool,
) -> Result<Vec<u8>, BinaryReaderError> {
    let (types, places) = imported(bytes, left_over)?;
    if types.is_empty() {
        return Ok(bytes.to_vec());
    }
    let wanted: HashSet<usize> =
        types.iter().filter_map(|index| *places.get(*index as usize)?).collect();
    let mut out = bytes[..bytes.len().min(8)].to_vec();
    for section in sections(bytes) {
        let section = section?;
        if section.id != TYPES {
            out.extend_from_slice(section.whole);
            continue;
        }
        let reader = BinaryReader::new(section.contents, section.offset);
        let mut starts = Vec::new();
        for item in ComponentTypeSectionReader::new(reader)?.into_iter_with_offsets() {
            starts.push(item?.0);
        }
        let mut contents = Vec::new();
        starts.len().encode(&mut contents);
        for (position, start) in starts.iter().enumerate() {
            let end = section.offset + section.contents.len();
            let end = starts.get(position + 1).copied().unwrap_or(end);
            let raw = &section.contents[start - section.offset..end - section.offset];
            if wanted.contains(start) {
                without_functions(raw, &mut contents)?;
            } else {
                contents.extend_from_slice(raw);
            }
        }
        out.push(TYPES);
        contents.encode(&mut out);
    }
    Ok(out)
}

/// Where in the file each type of a component is defined; none where it comes from elsewhere.
type Places = Vec<Option<usize>>;

/// The indices of the types of instances that are imported under these names, and where all types are.
fn imported(
    bytes: &[u8],
    left_over: impl Fn(&str) -> bool,
) -> Result<(Vec<u32>, Places), BinaryReaderError> {
    let mut types = Vec::new();
    let mut places = Places::new();
    let mut depth = 0usize;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload? {
            Payload::ComponentSection { .. } | Payload::ModuleSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            _ if depth > 0 => {}
            Payload::ComponentTypeSection(reader) => {
                for item in reader.into_iter_with_offsets() {
                    places.push(Some(item?.0));
                }
            }
            Payload::ComponentImportSection(reader) => {
                for import in reader {
                    let import = import?;
                    match import.ty {
                        ComponentTypeRef::Type(_) => places.push(None),
                        ComponentTypeRef::Instance(index) if left_over(import.name.name) => {
                            types.push(index);
                        }
                        _ => {}
                    }
                }
            }
            Payload::ComponentAliasSection(reader) => {
                for alias in reader {
                    use wasmparser::ComponentOuterAliasKind as O;
                    use wasmparser::{ComponentAlias as A, ComponentExternalKind as K};
                    let is_type = matches!(
                        alias?,
                        A::InstanceExport { kind: K::Type, .. } | A::Outer { kind: O::Type, .. }
                    );
                    if is_type {
                        places.push(None);
                    }
                }
            }
            Payload::ComponentExportSection(reader) => {
                for export in reader {
                    if export?.kind == wasmparser::ComponentExternalKind::Type {
                        places.push(None);
                    }
                }
            }
            _ => {}
        }
    }
    Ok((types, places))
}

fn without_functions(raw: &[u8], out: &mut Vec<u8>) -> Result<(), BinaryReaderError> {
    let mut reader = BinaryReader::new(raw, 0);
    let kind: u8 = reader.read_u8()?;
    if kind != INSTANCE {
        out.extend_from_slice(raw);
        return Ok(());
    }
    let count = reader.read_var_u32()?;
    let mut kept = Vec::new();
    let mut left = 0u32;
    for _ in 0..count {
        let start = reader.original_position();
        let declaration: InstanceTypeDeclaration<'_> = reader.read()?;
        let is_function = matches!(
            declaration,
            InstanceTypeDeclaration::Export { ty: ComponentTypeRef::Func(_), .. }
        );
        if !is_function {
            kept.extend_from_slice(&raw[start..reader.original_position()]);
            left += 1;
        }
    }
    out.push(INSTANCE);
    left.encode(out);
    out.extend(kept);
    Ok(())
}
