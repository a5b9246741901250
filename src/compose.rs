//! A plan into bytes, through `wac-graph`. The only room that knows wac, which is at another
//! version of wasmparser than the rest: bytes cross, types never do.

mod boundary;
mod emit;
mod provenance;
mod roots;
pub mod script;
mod seal;
mod skeleton;
mod thin;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use thiserror::Error;
use wac_graph::types::Package;
use wac_graph::{CompositionGraph, EncodeOptions, NodeId, PackageId, Processor};

use crate::component::{self, Component, Known};
use crate::input;
use crate::wiring::{self, Plan};
use crate::world::ExternName;

pub use emit::emit;
pub use provenance::{Given, Part, Provenance, SECTION, Seam, provenance};

/// Why a plan could not be carried out. None of these is the plugin's fault: a plan was made
/// because the types fit.
#[derive(Debug, Error)]
pub enum ComposeError {
    /// wac refuses a step.
    #[error("composing failed at {step}: {reason}")]
    Refused {
        /// What was to be done.
        step: String,
        /// What wac says.
        reason: String,
    },
    /// wac cannot write the type of a function import with a borrowed handle outside an interface.
    #[error(
        "wac cannot compose {component} while its import {import}, a function outside any interface \
         that takes a borrowed handle, is left open"
    )]
    Borrow {
        /// Whose import.
        component: String,
        /// Its name.
        import: String,
    },
    /// wac panicked, which it does on some inputs.
    #[error("composing failed inside wac: {0}")]
    Panicked(String),
    /// What came out is not valid with the engine's features.
    #[error("the composed component is not valid: {0}")]
    Invalid(String),
}

/// Composes the components of a plan, and decodes what came out.
///
/// The result depends on the components and the plan, not on the order in which they were given:
/// instances are made in the order of their digests.
pub fn compose(components: &[&Component], plan: &Plan) -> Result<Component, ComposeError> {
    compose_over(components, plan, None)
}

/// As [`compose`], with the bytes of one of the components given away: the component has none any more,
/// they are here beside its index. A large component is neither copied nor held twice that way: what they
/// are in becomes the result.
pub fn compose_over(
    components: &[&Component],
    plan: &Plan,
    given: Option<(usize, Vec<u8>)>,
) -> Result<Component, ComposeError> {
    let mut given = given;
    let bytes_of = |index: usize| match &given {
        Some((other, bytes)) if *other == index => bytes.as_slice(),
        _ => components[index].bytes.as_slice(),
    };
    let framed = boundary::contained(|| frame(components, plan, &bytes_of));
    let panicked = |said| match roots::borrower(components, plan) {
        Some((component, import)) => {
            ComposeError::Borrow { component: component.to_owned(), import: import.to_owned() }
        }
        None => ComposeError::Panicked(said),
    };
    let Framed { bytes, wholes } = framed.unwrap_or_else(|said| Err(panicked(said)))?;
    let index_of = |number: usize| match wholes.get(number) {
        Some(Whole::Of(index)) => Some(*index),
        _ => None,
    };
    let origins: Vec<Option<usize>> = (0..wholes.len()).map(index_of).collect();
    let wholes = wholes.into_iter().map(|whole| match whole {
        Whole::Renamed(bytes) => Cow::Owned(bytes),
        Whole::Of(index) => match given.take_if(|(other, _)| *other == index) {
            Some((_, bytes)) => Cow::Owned(bytes),
            None => Cow::Borrowed(components[index].bytes.as_slice()),
        },
    });
    let filled = skeleton::fill(&bytes, wholes.collect()).map_err(|error| {
        ComposeError::Refused { step: "filling in".to_owned(), reason: error.to_string() }
    })?;
    let mut known = Known::of(components);
    if let Some((index, bytes)) = &given {
        known.add(bytes, &components[*index].modules);
    }
    if let Some((number, start)) = filled.moved
        && let Some(index) = origins[number]
    {
        known.add_moved(start, &components[index].modules);
    }
    decoded(filled.bytes, &known)
}

/// What wac made, with skeletons in it, and what goes in the place of each by its number.
struct Framed {
    bytes: Vec<u8>,
    wholes: Vec<Whole>,
}

enum Whole {
    /// A component as it is, by its index.
    Of(usize),
    /// A component whose types at the root were renamed.
    Renamed(Vec<u8>),
}

/// What came of a script that wac encoded, with its description, decoded; `plan` is as much of it as a
/// plan can say.
pub fn compose_encoded(
    mut bytes: Vec<u8>,
    components: &[&Component],
    plan: &Plan,
) -> Result<Component, ComposeError> {
    describe(&mut bytes, components, plan);
    decoded(bytes, &Known::of(components))
}

/// Appends what the composition says of itself.
fn describe(bytes: &mut Vec<u8>, components: &[&Component], plan: &Plan) {
    let described = provenance::describe(components, plan, &order(components, plan));
    // Names and numbers, all of them of this program's making: there is nothing to go wrong.
    let json = serde_json::to_vec(&described).unwrap_or_default();
    seal::append_custom(bytes, SECTION, &json);
}

/// Validates what was composed, with the features of the engine that is to run it.
fn decoded(bytes: Vec<u8>, known: &Known<'_>) -> Result<Component, ComposeError> {
    let name = "composed";
    let input = input::from_bytes(name, name, bytes)
        .map_err(|error| ComposeError::Invalid(error.to_string()))?;
    component::decode_composed(input, known)
        .map_err(|finding| ComposeError::Invalid(finding.message))
}

/// What the components import and nothing feeds, by name and track.
fn open_imports(components: &[&Component], plan: &Plan) -> HashSet<String> {
    let fed: HashSet<(usize, &str)> =
        plan.wires.iter().map(|wire| (wire.importer, wire.import.as_str())).collect();
    let imports = plan.used.iter().flat_map(|&index| {
        components[index].world.imports.keys().map(move |name| (index, name.as_str()))
    });
    let open = imports.filter(|import| !fed.contains(import));
    open.map(|(_, name)| ExternName::parse(name).canonical()).collect()
}

/// The components that take part, in the order of their digests.
fn order(components: &[&Component], plan: &Plan) -> Vec<usize> {
    let mut order = plan.used.clone();
    order.sort_by_key(|&index| (components[index].sha256(), &components[index].name, index));
    order
}

fn frame<'b>(
    components: &[&Component],
    plan: &Plan,
    bytes_of: &dyn Fn(usize) -> &'b [u8],
) -> Result<Framed, ComposeError> {
    let refused = |step: String, error: &dyn std::error::Error| {
        let mut reason = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            reason = format!("{reason}: {error}");
            cause = error.source();
        }
        ComposeError::Refused { step, reason }
    };
    let mut graph = CompositionGraph::new();
    let mut instances: HashMap<usize, NodeId> = HashMap::new();
    let order = order(components, plan);
    let roots = roots::settle(components, plan, &order);
    let mut packages: HashMap<&str, PackageId> = HashMap::new();
    // What is put in the place of the skeletons that wac gets.
    let mut wholes = Vec::new();
    for (position, &index) in order.iter().enumerate() {
        let component = components[index];
        let step = || format!("reading {}", component.name);
        let names = roots.renames.get(&index);
        // The same bytes are in the result once, and are instantiated as often as they are used.
        if let (Some(&package), None) = (packages.get(component.sha256()), names) {
            instances.insert(index, graph.instantiate(package));
            continue;
        }
        let whole = match names {
            None => Whole::Of(index),
            Some(names) => Whole::Renamed(
                seal::rename(bytes_of(index), names).map_err(|error| refused(step(), &error))?,
            ),
        };
        let bytes = match &whole {
            Whole::Of(index) => bytes_of(*index),
            Whole::Renamed(bytes) => bytes,
        };
        let skeleton =
            skeleton::skeleton(bytes, wholes.len()).map_err(|error| refused(step(), &error))?;
        wholes.push(whole);
        let name = format!("plugtool:component{position}");
        let package = Package::from_bytes(&name, None, skeleton, graph.types_mut())
            .map_err(|error| refused(step(), error.as_ref()))?;
        let package = graph.register_package(package).map_err(|error| refused(step(), &error))?;
        if names.is_none() {
            packages.insert(component.sha256(), package);
        }
        instances.insert(index, graph.instantiate(package));
    }
    // wac numbers what it is told in the order of telling; that must not be the arguments'.
    let digest = |index: usize| order.iter().position(|&other| other == index);
    let mut wires: Vec<_> = plan.wires.iter().collect();
    wires.sort_by_key(|w| (digest(w.importer), &w.import, digest(w.exporter), &w.export));
    for wire in wires {
        let (Some(&importer), Some(&exporter)) =
            (instances.get(&wire.importer), instances.get(&wire.exporter))
        else {
            continue; // A wire between components that the result does not need.
        };
        let step = || {
            format!(
                "feeding {} of {} from {} of {}",
                wire.import,
                components[wire.importer].name,
                wire.export,
                components[wire.exporter].name
            )
        };
        let export = graph
            .alias_instance_export(exporter, &wire.export)
            .map_err(|error| refused(step(), &error))?;
        graph
            .set_instantiation_argument(importer, &wire.import, export)
            .map_err(|error| refused(step(), &error))?;
        // Types at the root that are other names for resources of this interface go with it.
        let world = &components[wire.importer].world;
        for root in world.imports.keys().filter(|name| **name != wire.import) {
            let Some((home, name)) = wiring::brought(world, root) else { continue };
            if home == wire.import {
                let ty = graph
                    .alias_instance_export(export, &name)
                    .map_err(|error| refused(step(), &error))?;
                graph
                    .set_instantiation_argument(importer, root, ty)
                    .map_err(|error| refused(step(), &error))?;
            }
        }
    }
    for outlet in &plan.outlets {
        let step = || format!("exporting {}", outlet.name);
        let Some(&exporter) = instances.get(&outlet.exporter) else {
            continue;
        };
        let export = graph
            .alias_instance_export(exporter, &outlet.export)
            .map_err(|error| refused(step(), &error))?;
        graph.export(export, &outlet.name).map_err(|error| refused(step(), &error))?;
    }
    // Validation happens when it is decoded.
    let processor = Processor { name: "plugtool", version: env!("CARGO_PKG_VERSION") };
    let options =
        EncodeOptions { validate: false, processor: Some(processor), ..EncodeOptions::default() };
    let failed = |error: &dyn std::error::Error| refused("encoding".to_owned(), error);
    let mut bytes = graph.encode(options).map_err(|error| failed(&error))?;
    drop(graph);
    if !roots.fates.is_empty() {
        bytes = seal::settle(&bytes, &roots.fates).map_err(|error| failed(&error))?;
    }
    let open = open_imports(components, plan);
    bytes = thin::thin(&bytes, |name| !open.contains(&ExternName::parse(name).canonical()))
        .map_err(|error| failed(&error))?;
    describe(&mut bytes, components, plan);
    Ok(Framed { bytes, wholes })
}
