//! A plan into bytes, through `wac-graph`. The only room that knows wac, which is at another
//! version of wasmparser than the rest: bytes cross, types never do.

mod provenance;
mod seal;

use std::collections::{BTreeSet, HashMap};
use std::panic::{self, AssertUnwindSafe};

use thiserror::Error;
use wac_graph::types::Package;
use wac_graph::{CompositionGraph, EncodeOptions, NodeId, PackageId, Processor};

use crate::component::{self, Component};
use crate::input;
use crate::wiring::Plan;

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
    let bytes = panic::catch_unwind(AssertUnwindSafe(|| encode(components, plan))).unwrap_or_else(
        |panic| {
            let said = panic.downcast_ref::<String>().map(String::as_str);
            let said = said.or_else(|| panic.downcast_ref::<&str>().copied());
            Err(ComposeError::Panicked(said.unwrap_or("no message").to_owned()))
        },
    )?;
    let name = "composed";
    let input = input::from_bytes(name, name, bytes)
        .map_err(|error| ComposeError::Invalid(error.to_string()))?;
    component::decode(input).map_err(|finding| ComposeError::Invalid(finding.message))
}

fn encode(components: &[&Component], plan: &Plan) -> Result<Vec<u8>, ComposeError> {
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
    let mut order = plan.used.clone();
    order.sort_by_key(|&index| (&components[index].sha256, &components[index].name, index));
    let roots = order.iter().flat_map(|&index| components[index].world.imports.keys());
    let taken: HashMap<String, usize> = roots.cloned().enumerate().map(|(i, n)| (n, i)).collect();
    let mut sealed: BTreeSet<String> = BTreeSet::new();
    let mut packages: HashMap<&String, PackageId> = HashMap::new();
    for (position, &index) in order.iter().enumerate() {
        let component = components[index];
        let step = || format!("reading {}", component.name);
        let inner = seal::inner_types(&component.world, index, plan);
        // The same bytes are in the result once, and are instantiated as often as they are used.
        if let (Some(&package), true) = (packages.get(&component.sha256), inner.is_empty()) {
            instances.insert(index, graph.instantiate(package));
            continue;
        }
        let bytes = if inner.is_empty() {
            component.bytes.clone()
        } else {
            let names = seal::free_names(&inner, position, &taken);
            sealed.extend(names.values().cloned());
            seal::rename(&component.bytes, &names).map_err(|error| refused(step(), &error))?
        };
        let name = format!("plugtool:component{position}");
        let package = Package::from_bytes(&name, None, bytes, graph.types_mut())
            .map_err(|error| refused(step(), error.as_ref()))?;
        let package = graph.register_package(package).map_err(|error| refused(step(), &error))?;
        if inner.is_empty() {
            packages.insert(&component.sha256, package);
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
    // Validation happens in `decode`, with the features of the engine that is to run it.
    let processor = Processor { name: "plugtool", version: env!("CARGO_PKG_VERSION") };
    let options =
        EncodeOptions { validate: false, processor: Some(processor), ..EncodeOptions::default() };
    let failed = |error: &dyn std::error::Error| refused("encoding".to_owned(), error);
    let mut bytes = graph.encode(options).map_err(|error| failed(&error))?;
    if !sealed.is_empty() {
        bytes = seal::define(&bytes, &sealed).map_err(|error| failed(&error))?;
    }
    let described = provenance::describe(components, plan, &order);
    let json = serde_json::to_vec(&described).map_err(|error| failed(&error))?;
    seal::append_custom(&mut bytes, SECTION, &json);
    Ok(bytes)
}
