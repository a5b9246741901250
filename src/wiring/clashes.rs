//! Imports that stay open in several components. They are one import of the whole, and so must agree in
//! what they have in common.

use std::collections::BTreeMap;

use super::{Node, Plan};
use crate::diagnostic::{Code, Diagnostic};
use crate::world::{ExternName, Item, World, fits};

/// Open imports of one name, or on one semver track, that no one import of the whole could be.
///
/// Plain types are not among them: what they are called decides nothing.
pub fn clashes(nodes: &[Node<'_>], plan: &Plan) -> Vec<Diagnostic> {
    let mut open: BTreeMap<String, Vec<(usize, &str)>> = BTreeMap::new();
    for &index in &plan.used {
        for (name, item) in &nodes[index].world.imports {
            let fed = plan.wires.iter().any(|wire| wire.importer == index && wire.import == *name);
            if !fed && !matches!(item, Item::Type(_)) {
                open.entry(ExternName::parse(name).canonical()).or_default().push((index, name));
            }
        }
    }
    let mut findings = Vec::new();
    for importers in open.values() {
        for (at, &(one, name)) in importers.iter().enumerate() {
            let other = importers[at + 1..].iter().find_map(|&(other, wanted)| {
                let found = disagreements(nodes[one].world, name, nodes[other].world, wanted);
                (!found.is_empty()).then_some((other, found))
            });
            let Some((other, found)) = other else { continue };
            let (ours, theirs) = (nodes[one].name, nodes[other].name);
            findings.extend(found.into_iter().map(|mut mismatch| {
                if let Some(root) = mismatch.path.0.first_mut() {
                    root.kind = "import".into();
                }
                let message = format!(
                    "{ours} imports it with {}, {theirs} with {}; the result has one import of this \
                     name",
                    mismatch.found, mismatch.expected
                );
                Diagnostic::error(Code::TypeMismatch, message).at(mismatch.path).help(format!(
                    "feed one of the two from a component, or build {ours} and {theirs} against the \
                     same WIT"
                ))
            }));
            break;
        }
    }
    findings
}

/// Where two imports differ in what both have.
fn disagreements(
    left: &World,
    name: &str,
    right: &World,
    wanted: &str,
) -> Vec<crate::world::Mismatch> {
    // A comparison is of what is given with what is wanted: one import stands in for the giver.
    let mut giver = left.clone();
    giver.exports = left.imports.clone();
    let mut taker = right.clone();
    if let (Some(Item::Instance(given)), Some(Item::Instance(instance))) =
        (left.imports.get(name), taker.imports.get_mut(wanted))
    {
        instance.items.retain(|item, _| given.items.contains_key(item));
    }
    fits(&giver, name, &taker, wanted)
}
