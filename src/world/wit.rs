//! Worlds out of WIT: directories with their `deps`, single files, and encoded packages.
//!
//! A world is encoded as a component type and read back through the same reader as a component, so
//! that both sides of a comparison come out of one code path.

use std::path::{Path, PathBuf};

use thiserror::Error;
use wasmparser::Validator;
use wasmparser::component_types::{ComponentAnyTypeId, ComponentEntityType};
use wit_component::DecodedWasm;
use wit_parser::{PackageId, ParseError, Resolve, ResolveError, WorldId};

use super::{World, component_type_world, nearest};
use crate::diagnostic::fit;
use crate::input;

/// What is wrong with a host's WIT.
#[derive(Debug, Error)]
pub enum WitError {
    /// It could not be read or resolved; the text has the source line where there is one.
    #[error("{path}: the WIT does not resolve: {text}")]
    Resolve {
        /// The path that was to be read.
        path: String,
        /// What the parser says.
        text: String,
    },
    /// There is no such world.
    #[error("there is no world `{wanted}`; {hint}")]
    NoSuchWorld {
        /// The name asked for.
        wanted: String,
        /// The worlds that there are, or the nearest one.
        hint: String,
    },
    /// The name fits several worlds, or none was asked for and there are several.
    #[error("{asked}; say which: {}", worlds.join(", "))]
    Ambiguous {
        /// What was asked for.
        asked: String,
        /// The worlds that it could be.
        worlds: Vec<String>,
    },
    /// The world does not validate with the engine's feature set.
    #[error("the world `{world}` uses what the engine does not support: {text}")]
    Unsupported {
        /// The world.
        world: String,
        /// What the validator says.
        text: String,
    },
}

/// Packages of WIT, resolved.
pub struct Wit {
    pub(super) resolve: Resolve,
    /// Worlds of the packages that were named, then those of their dependencies.
    worlds: Vec<(String, WorldId, bool)>,
}

/// Reads and resolves WIT: each path a directory with an optional `deps`, a `.wit` file, or a WIT
/// package encoded as wasm, binary or text. Items that are `@unstable` are part of it where their
/// feature is named (component model, WIT.md, "Feature gates").
pub fn load(paths: &[PathBuf], features: &[String]) -> Result<Wit, WitError> {
    let mut resolve = Resolve::default();
    resolve.features.extend(features.iter().cloned());
    let mut roots = Vec::new();
    for path in paths {
        let failed = |text: String| WitError::Resolve { path: path.display().to_string(), text };
        let package = if path.is_file() && path.extension().is_none_or(|e| e != "wit") {
            let shown = path.to_string_lossy();
            let read = input::read(&shown, &shown).map_err(|error| failed(error.to_string()))?;
            encoded_package(&mut resolve, &read.bytes).map_err(failed)?
        } else {
            match resolve.push_path(path) {
                Ok((package, _)) => package,
                Err(error) => return Err(failed(render(&resolve, &error))),
            }
        };
        roots.push(package);
    }
    Ok(Wit::of(resolve, &roots))
}

/// Resolves one package of WIT, a directory or a `.wit` file, and encodes it as wasm.
pub fn encode(path: &Path) -> Result<Vec<u8>, WitError> {
    let failed = |text: String| WitError::Resolve { path: path.display().to_string(), text };
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path(path).map_err(|error| failed(render(&resolve, &error)))?;
    wit_component::encode(&resolve, package).map_err(|error| failed(format!("{error:#}")))
}

/// A package of WIT that is encoded as wasm; `path` is how it is shown.
pub fn load_encoded(path: &str, bytes: &[u8]) -> Result<Wit, WitError> {
    let mut resolve = Resolve::default();
    let root = encoded_package(&mut resolve, bytes)
        .map_err(|text| WitError::Resolve { path: path.to_owned(), text })?;
    Ok(Wit::of(resolve, &[root]))
}

fn encoded_package(resolve: &mut Resolve, bytes: &[u8]) -> Result<PackageId, String> {
    match wit_component::decode(bytes).map_err(|error| format!("{error:#}"))? {
        DecodedWasm::WitPackage(decoded, package) => {
            let merged = resolve.merge(decoded).map_err(|error| format!("{error:#}"))?;
            Ok(merged.packages[package.index()])
        }
        DecodedWasm::Component(..) => Err("it is no WIT package".to_owned()),
    }
}

/// The error with its source line. Where the parser knows the line, the layers around it say only
/// which folders it went through.
fn render(resolve: &Resolve, error: &anyhow::Error) -> String {
    let full = resolve.render_error(error);
    let knows_line = |layer: &(dyn std::error::Error + 'static)| {
        layer.is::<ParseError>() || layer.is::<ResolveError>()
    };
    match error.chain().position(knows_line) {
        Some(position) => {
            let layers = error.chain().take(position);
            let before: usize = layers.map(|layer| layer.to_string().len() + ": ".len()).sum();
            let text = full.get(before..).unwrap_or(&full);
            fit(&plain_escapes(text))
        }
        None => error.root_cause().to_string(),
    }
}

/// The parser writes characters that it does not want to print with Rust's debug format.
fn plain_escapes(text: &str) -> String {
    let mut parts = text.split("EscapeUnicode(EscapeIterInner('");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push('\'');
        out.push_str(&part.replacen("'))", "'", 1));
    }
    out
}

impl Wit {
    pub(super) fn of(resolve: Resolve, roots: &[PackageId]) -> Wit {
        let worlds = resolve.worlds.iter().filter_map(|(id, world)| {
            let package = world.package?;
            let name = resolve.id_of_name(package, &world.name);
            Some((name, id, roots.contains(&package)))
        });
        Wit { worlds: worlds.collect(), resolve }
    }

    /// The names of all worlds, in full.
    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        self.worlds.iter().map(|(name, ..)| name)
    }

    /// The world of this name: in full, without the version where only one is there, or bare where
    /// that is unambiguous; without a name, the only world of the packages that were read.
    pub fn world(
        &self,
        name: Option<&str>,
        features: wasmparser::WasmFeatures,
    ) -> Result<World, WitError> {
        let (name, id) = self.select(name)?;
        encoded_world(&self.resolve, id, name, features)
    }

    pub(super) fn select(&self, wanted: Option<&str>) -> Result<(&str, WorldId), WitError> {
        let all = || self.worlds.iter();
        let Some(wanted) = wanted else {
            let own: Vec<_> = all().filter(|(.., root)| *root).collect();
            return match own.as_slice() {
                [(name, id, _)] => Ok((name, *id)),
                _ => Err(ambiguous("no world was named".to_owned(), &own)),
            };
        };
        let without_version = |name: &str| name.split('@').next().unwrap_or(name).to_owned();
        let bare = |name: &str| {
            let name = without_version(name);
            name.rsplit('/').next().map(str::to_owned).unwrap_or(name)
        };
        let mut found: Vec<_> = all().filter(|(name, ..)| name == wanted).collect();
        if found.is_empty() {
            found = all().filter(|(name, ..)| without_version(name) == wanted).collect();
        }
        if found.is_empty() {
            found = all().filter(|(name, _, root)| *root && bare(name) == wanted).collect();
        }
        match found.as_slice() {
            [(name, id, _)] => Ok((name, *id)),
            [] => {
                let names = || self.worlds.iter().map(|(name, ..)| name.as_str());
                let hint = match nearest(wanted, names()) {
                    Some(name) => format!("did you mean `{name}`?"),
                    None => format!("there are: {}", names().collect::<Vec<_>>().join(", ")),
                };
                Err(WitError::NoSuchWorld { wanted: wanted.to_owned(), hint })
            }
            _ => Err(ambiguous(format!("the world `{wanted}` is there more than once"), &found)),
        }
    }
}

fn ambiguous(asked: String, found: &[&(String, WorldId, bool)]) -> WitError {
    if found.is_empty() {
        return WitError::NoSuchWorld {
            wanted: "(any)".to_owned(),
            hint: "the WIT defines no world".to_owned(),
        };
    }
    let worlds = found.iter().map(|(name, ..)| name.clone()).collect();
    WitError::Ambiguous { asked, worlds }
}

pub(super) fn encoded_world(
    resolve: &Resolve,
    id: WorldId,
    name: &str,
    features: wasmparser::WasmFeatures,
) -> Result<World, WitError> {
    let unsupported = |text: String| WitError::Unsupported { world: name.to_owned(), text };
    let Some(package) = resolve.worlds[id].package else {
        return Err(unsupported("it belongs to no package".to_owned()));
    };
    // Only this world matters. Its types get ids of their own where an interface is both imported
    // and exported: the encoder takes a type that it met among the imports for the exported one.
    let mut resolve = resolve.clone();
    resolve.generate_nominal_type_ids(id);
    let wanted = resolve.worlds[id].name.clone();
    resolve.packages[package].interfaces.clear();
    resolve.packages[package].worlds.retain(|name, _| *name == wanted);
    let bytes = wit_component::encode(&resolve, package)
        .map_err(|error| unsupported(format!("{error:#}")))?;
    let types = Validator::new_with_features(features)
        .validate_all(&bytes)
        .map_err(|error| unsupported(error.message().to_owned()))?;
    let types = types.as_ref();
    // The package exports each world as a component type that exports the world itself, under its
    // full name, as a component (component model, WIT.md, "Package format").
    let world = types
        .component_item_for_export(&wanted)
        .and_then(|item| match item.ty {
            ComponentEntityType::Type { created: ComponentAnyTypeId::Component(id), .. } => {
                types[id].exports.values().next()
            }
            _ => None,
        })
        .and_then(|item| match item.ty {
            ComponentEntityType::Component(id) => Some(id),
            _ => None,
        });
    match world {
        Some(id) => Ok(component_type_world(types, id, name.to_owned())),
        None => Err(unsupported("its encoding has no such world".to_owned())),
    }
}
