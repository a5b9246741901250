//! WIT that was written is read again, and only what reads back as the same world is handed out.

use thiserror::Error;
use wasmparser::{Validator, WasmFeatures};
use wit_parser::Resolve;

use super::super::wit::encoded_world;
use super::super::{Host, Instance, Item, Package, World, package, targets};
use super::{TooLarge, WitText, package_to_wit, to_wit, to_wit_without_use};

/// Why there is no text.
#[derive(Debug, Error)]
pub enum ToWitError {
    /// It would be larger than it may be.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// What was written is not the same world, or no WIT at all. Names that WIT's own parser
    /// refuses can do that; so can interfaces that need imports and exports of one interface.
    #[error("there is no WIT for it that reads back as the same: {0}")]
    NotTheSame(String),
}

/// A world as WIT text. The text was read again: it is WIT, and, but for what is left out, the
/// same world.
pub fn checked_wit(world: &World, features: WasmFeatures) -> Result<WitText, ToWitError> {
    let reads_back = |wit: WitText| -> Result<WitText, ToWitError> {
        let (resolve, id) = parse(&wit.text)?;
        let mut worlds = resolve.packages[id].worlds.values();
        let read = match worlds.next() {
            Some(id) => encoded_world(&resolve, *id, "read back", features),
            None => return Err(ToWitError::NotTheSame("it has no world".to_owned())),
        };
        let read = read.map_err(|error| ToWitError::NotTheSame(error.to_string()))?;
        match differences(world, &read).into_iter().next() {
            Some(difference) if wit.left_out.is_empty() => Err(ToWitError::NotTheSame(difference)),
            _ => Ok(wit),
        }
    };
    match to_wit(world).map_err(ToWitError::from).and_then(reads_back) {
        Ok(wit) => Ok(wit),
        Err(first) => to_wit_without_use(world)
            .map_err(ToWitError::from)
            .and_then(reads_back)
            .map_err(|_| first),
    }
}

/// A package as WIT text, read again in the same way.
pub fn checked_package_wit(wit: &Package, features: WasmFeatures) -> Result<WitText, ToWitError> {
    let text = package_to_wit(wit)?;
    let not_the_same = |why: String| ToWitError::NotTheSame(why);
    let (resolve, id) = parse(&text.text)?;
    let bytes =
        wit_component::encode(&resolve, id).map_err(|error| not_the_same(format!("{error:#}")))?;
    let types = Validator::new_with_features(features)
        .validate_all(&bytes)
        .map_err(|error| not_the_same(error.message().to_owned()))?;
    let package_ = &resolve.packages[id];
    let names: Vec<String> =
        package_.interfaces.keys().chain(package_.worlds.keys()).cloned().collect();
    let read = package(types.as_ref(), &names);
    let pairs = [(&wit.interfaces, &read.interfaces), (&wit.worlds, &read.worlds)];
    for (ours, theirs) in pairs {
        for world in ours {
            let Some(read) = theirs.iter().find(|read| read.name == world.name) else {
                let name = world.name.as_deref().unwrap_or("?");
                return Err(not_the_same(format!("{} is not there", name.escape_debug())));
            };
            if let Some(difference) = differences(world, read).into_iter().next()
                && text.left_out.is_empty()
            {
                return Err(not_the_same(difference));
            }
        }
    }
    Ok(text)
}

fn parse(text: &str) -> Result<(Resolve, wit_parser::PackageId), ToWitError> {
    let mut resolve = Resolve::default();
    match resolve.push_str("written.wit", text) {
        Ok(id) => Ok((resolve, id)),
        Err(error) => Err(ToWitError::NotTheSame(error.root_cause().to_string())),
    }
}

/// Where two worlds differ, in words: the names and kinds of items, and their types both ways.
pub fn differences(ours: &World, theirs: &World) -> Vec<String> {
    let mut found = Vec::new();
    let tables =
        [("import", &ours.imports, &theirs.imports), ("export", &ours.exports, &theirs.exports)];
    for (side, ours, theirs) in tables {
        let (ours, theirs) = (Instance { items: ours.clone() }, Instance { items: theirs.clone() });
        same_items(side, &ours, &theirs, &mut found);
    }
    for (left, right) in [(ours, theirs), (theirs, ours)] {
        let mismatches = targets(left, Host { world: right, provides: &[] });
        found.extend(
            mismatches
                .into_iter()
                .map(|m| format!("{}: {} is not {}", m.path, m.found, m.expected)),
        );
    }
    found
}

fn same_items(place: &str, ours: &Instance, theirs: &Instance, found: &mut Vec<String>) {
    for (name, item) in &ours.items {
        let place = format!("{place} {}", name.escape_debug());
        match (item, theirs.items.get(name)) {
            (_, None) => found.push(format!("{place} is gone")),
            (Item::Instance(ours), Some(Item::Instance(theirs))) => {
                same_items(&place, ours, theirs, found);
            }
            (ours, Some(theirs)) if ours.kind() != theirs.kind() => {
                found.push(format!("{place} was a {} and is a {}", ours.kind(), theirs.kind()));
            }
            _ => {}
        }
    }
    for name in theirs.items.keys().filter(|name| !ours.items.contains_key(*name)) {
        found.push(format!("{place} {} is new", name.escape_debug()));
    }
}
