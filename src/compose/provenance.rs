//! What a composition says of itself: of what it was made, by whom, and how. It is written into the
//! result, and anybody's to write: a claim, not a proof.

use serde::{Deserialize, Serialize};

use super::seal;
use crate::component::Component;
use crate::wiring::{Plan, Why};

/// The custom section that holds it, as JSON.
pub const SECTION: &str = "plugtool-composition";

/// A composition, described.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// `plugtool.composition/0`.
    pub schema: String,
    /// Who composed it: name and version.
    pub tool: (String, String),
    /// What it is made of, in the order of the digests.
    pub components: Vec<Part>,
    /// What feeds what.
    pub wires: Vec<Seam>,
    /// What it exports.
    pub exports: Vec<Given>,
}

/// One component of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// What it was called.
    pub name: String,
    /// SHA-256 of its file, in hex.
    pub sha256: String,
    /// Whether it was generated to close imports.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stub: bool,
}

/// One export that feeds one import; components are indices.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Seam {
    /// Whose import.
    pub importer: usize,
    /// Its name.
    pub import: String,
    /// Whose export.
    pub exporter: usize,
    /// Its name.
    pub export: String,
}

/// One export of the whole; the component is an index.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Given {
    /// Its name.
    pub name: String,
    /// Whose.
    pub from: usize,
    /// Its name there.
    pub export: String,
}

/// What a component says of how it was composed, where it says anything that can be read.
pub fn provenance(bytes: &[u8]) -> Option<Provenance> {
    serde_json::from_slice(seal::custom(bytes, SECTION)?).ok()
}

/// The description of a plan; `order` is that of the components in the result.
pub(super) fn describe(components: &[&Component], plan: &Plan, order: &[usize]) -> Provenance {
    let place = |index: usize| order.iter().position(|&other| other == index).unwrap_or(index);
    let taking_part = |index: &usize| order.contains(index);
    let part = |&index: &usize| Part {
        name: components[index].name.clone(),
        sha256: components[index].sha256().to_owned(),
        stub: plan.wires.iter().any(|wire| wire.exporter == index && wire.why == Why::Stub),
    };
    let wires = plan.wires.iter().filter(|wire| taking_part(&wire.importer));
    let mut wires: Vec<Seam> = wires
        .map(|wire| Seam {
            importer: place(wire.importer),
            import: wire.import.clone(),
            exporter: place(wire.exporter),
            export: wire.export.clone(),
        })
        .collect();
    wires.sort();
    let given = |outlet: &crate::wiring::Outlet| Given {
        name: outlet.name.clone(),
        from: place(outlet.exporter),
        export: outlet.export.clone(),
    };
    let mut exports: Vec<Given> = plan.outlets.iter().map(given).collect();
    exports.sort();
    Provenance {
        schema: "plugtool.composition/0".to_owned(),
        tool: ("plugtool".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
        components: order.iter().map(part).collect(),
        wires,
        exports,
    }
}
