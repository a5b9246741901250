//! What wac is given in place of a component: the component without function bodies, data and custom
//! sections. Its types are the same, and its place in the result can be told; the component itself is
//! put there afterwards. wac copies what it is given several times over, and components are large.

use wasm_encoder::Encode;
use wasmparser::{BinaryReader, BinaryReaderError};

use super::seal::{self, PREAMBLE, Section, sections};

// Ids of sections: of a component (component model, Binary.md), and of a core module.
const CORE_MODULE: u8 = 1;
const COMPONENT: u8 = 4;
const CODE: u8 = 10;
const DATA: u8 = 11;
const DATA_COUNT: u8 = 12;
const CUSTOM: u8 = 0;

/// The body of a function that fits every type: its size, no locals, `unreachable`, `end`.
const BODY: [u8; 4] = [3, 0, 0x00, 0x0b];

/// The custom section that says which component a skeleton is of.
const MARK: &str = "plugtool-part";

/// The skeleton of a valid component, with a number to know it by.
pub(super) fn skeleton(bytes: &[u8], number: usize) -> Result<Vec<u8>, BinaryReaderError> {
    let mut out = component(bytes)?;
    seal::append_custom(&mut out, MARK, &number.to_le_bytes());
    Ok(out)
}

/// The component with what `whole` gives for its number in the place of each skeleton. `whole` is asked
/// twice, and must give the same.
pub(super) fn fill<'a>(
    bytes: &[u8],
    whole: impl Fn(usize) -> Option<&'a [u8]>,
) -> Result<Vec<u8>, BinaryReaderError> {
    let part = |section: &Section<'_>| {
        if section.id != COMPONENT {
            return None;
        }
        let mark = seal::custom(section.contents, MARK)?;
        whole(usize::from_le_bytes(mark.try_into().ok()?))
    };
    // The one large copy: it is made once, and at its size.
    let mut size = bytes.len();
    for section in sections(bytes) {
        size += part(&section?).map_or(0, |whole| whole.len() + 10);
    }
    let mut out = Vec::with_capacity(size);
    out.extend_from_slice(&bytes[..PREAMBLE.min(bytes.len())]);
    for section in sections(bytes) {
        let section = section?;
        match part(&section) {
            Some(whole) => {
                out.push(COMPONENT);
                whole.encode(&mut out);
            }
            None => out.extend_from_slice(section.whole),
        }
    }
    Ok(out)
}

/// Depth is capped by validation.
fn component(bytes: &[u8]) -> Result<Vec<u8>, BinaryReaderError> {
    let mut out = bytes[..PREAMBLE.min(bytes.len())].to_vec();
    for section in sections(bytes) {
        let section = section?;
        match section.id {
            CUSTOM => {}
            CORE_MODULE => put(&mut out, section.id, &module(section.contents)?),
            COMPONENT => put(&mut out, section.id, &component(section.contents)?),
            _ => out.extend_from_slice(section.whole),
        }
    }
    Ok(out)
}

fn module(bytes: &[u8]) -> Result<Vec<u8>, BinaryReaderError> {
    let mut out = bytes[..PREAMBLE.min(bytes.len())].to_vec();
    for section in sections(bytes) {
        let section = section?;
        match section.id {
            CUSTOM | DATA | DATA_COUNT => {}
            CODE => {
                let count = BinaryReader::new(section.contents, section.offset).read_var_u32()?;
                let mut bodies = Vec::new();
                count.encode(&mut bodies);
                (0..count).for_each(|_| bodies.extend_from_slice(&BODY));
                put(&mut out, CODE, &bodies);
            }
            _ => out.extend_from_slice(section.whole),
        }
    }
    Ok(out)
}

fn put(out: &mut Vec<u8>, id: u8, contents: &[u8]) {
    out.push(id);
    contents.encode(out);
}
