//! What wac is given in place of a component: the component without function bodies, data and custom
//! sections. Its types are the same, and its place in the result can be told; the component itself is
//! put there afterwards. wac copies what it is given several times over, and components are large.

use std::borrow::Cow;

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

/// The component with what `whole` gives for the number of each skeleton in its place.
///
/// The largest one that is given away is not copied: it moves over within its buffer, and the rest is
/// written around it.
pub(super) fn fill(
    bytes: &[u8],
    mut wholes: Vec<Cow<'_, [u8]>>,
) -> Result<Filled, BinaryReaderError> {
    let owned = wholes.iter().enumerate().filter(|(_, whole)| matches!(whole, Cow::Owned(_)));
    let largest = owned.max_by_key(|(_, whole)| whole.len()).map(|(number, _)| number);
    let number = |section: &Section<'_>| {
        if section.id != COMPONENT {
            return None;
        }
        let mark = seal::custom(section.contents, MARK)?;
        let number = usize::from_le_bytes(mark.try_into().ok()?);
        (number < wholes.len()).then_some(number)
    };
    let mut places = Vec::new();
    for section in sections(bytes) {
        let section = section?;
        places.push((section.whole, number(&section)));
    }
    let here = |place: &(&[u8], Option<usize>)| place.1.is_some() && place.1 == largest;
    let split = places.iter().position(here).unwrap_or(places.len());
    let write = |out: &mut Vec<u8>, places: &[(&[u8], Option<usize>)]| {
        let size = |(raw, number): &(&[u8], Option<usize>)| match number {
            Some(number) => wholes[*number].len() + 10,
            None => raw.len(),
        };
        out.reserve_exact(places.iter().map(size).sum());
        for (raw, number) in places {
            match number {
                Some(number) => {
                    out.push(COMPONENT);
                    wholes[*number].as_ref().encode(out);
                }
                None => out.extend_from_slice(raw),
            }
        }
    };
    let mut head = bytes[..PREAMBLE.min(bytes.len())].to_vec();
    write(&mut head, &places[..split]);
    let Some(largest) = largest.filter(|_| split < places.len()) else {
        return Ok(Filled { bytes: head, moved: None });
    };
    let mut tail = Vec::new();
    write(&mut tail, &places[split + 1..]);
    let mut whole = std::mem::take(&mut wholes[largest]).into_owned();
    head.push(COMPONENT);
    whole.len().encode(&mut head);
    whole.reserve_exact(head.len() + tail.len());
    whole.extend_from_slice(&tail);
    whole.splice(..0, head.iter().copied());
    Ok(Filled { bytes: whole, moved: Some((largest, head.len())) })
}

/// What [`fill`] made.
pub(super) struct Filled {
    /// The component.
    pub bytes: Vec<u8>,
    /// The number of what was moved and not copied, and where it begins.
    pub moved: Option<(usize, usize)>,
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
