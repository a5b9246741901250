//! A component against a host: mismatches put into words, with advice.

mod advice;
mod policy;

use crate::component::Component;
use crate::config::Host;
use crate::diagnostic::{Code, Diagnostic, Distance, WitPath};
use crate::world::{self, ExternName, Mismatch, MismatchKind};

use advice::{Producers, unwanted_wasi};
pub use policy::{
    Surface, idle_stubs, idle_waivers, policy, surface, today, too_large, unused_stub, weigh,
};

/// How a component stands to a host.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Index, in the host's worlds, of the world that it targets or comes nearest to.
    pub world: usize,
    /// How far it is from each world, where there are several and it targets none.
    pub distances: Vec<Distance>,
    /// Every mismatch with that world, in words. Empty exactly where the component targets it.
    pub diagnostics: Vec<Diagnostic>,
}

/// Compares a component with every world of the host. The first that it targets decides; where it
/// targets none, the one with the fewest mismatches does, the preferred one on a tie.
pub fn check(plugin: &Component, host: &Host) -> Finding {
    let measured: Vec<Vec<Mismatch>> = host
        .worlds
        .iter()
        .map(|world| world::targets(&plugin.world, world::Host { world, provides: &host.provides }))
        .collect();
    let nearest = (0..measured.len()).min_by_key(|&index| measured[index].len());
    // A host has at least one world: its configuration is refused otherwise.
    let nearest = nearest.unwrap_or(0);
    let mismatches = measured.get(nearest).map_or(&[][..], Vec::as_slice);
    let distances = if mismatches.is_empty() || measured.len() < 2 {
        Vec::new()
    } else {
        let name = |index: usize| host.worlds[index].name.clone().unwrap_or_default();
        measured
            .iter()
            .enumerate()
            .map(|(index, found)| Distance { world: name(index), mismatches: found.len() })
            .collect()
    };
    // What the engine refuses can be run by no host.
    let mut diagnostics = plugin.refused.clone();
    diagnostics.extend(explain(mismatches, &plugin.producers));
    Finding { world: nearest, distances, diagnostics }
}

/// Compares a component with one world, and puts every mismatch into words.
pub fn against(plugin: &Component, target: world::Host<'_>) -> Vec<Diagnostic> {
    explain(&world::targets(&plugin.world, target), &plugin.producers)
}

/// Words for mismatches. Imports of one package that the host does not have are one finding, and all
/// of WASI is one package here: one toolchain added them for one reason.
fn explain(mismatches: &[Mismatch], producers: &Producers) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    let mut told: Vec<&str> = Vec::new();
    for mismatch in mismatches {
        if let Some(package) = missing_package(mismatch) {
            if told.contains(&package) {
                continue;
            }
            let of_package: Vec<&Mismatch> =
                mismatches.iter().filter(|m| missing_package(m) == Some(package)).collect();
            if of_package.len() > 1 {
                told.push(package);
                diagnostics.push(missing(package, &of_package, producers));
                continue;
            }
        }
        diagnostics.push(word(mismatch, producers));
    }
    diagnostics
}

/// The package of an import that is missing as a whole, at any version.
fn missing_package(mismatch: &Mismatch) -> Option<&str> {
    match (mismatch.kind, mismatch.path.0.as_slice()) {
        (MismatchKind::UnknownImport, [root]) if other_version(mismatch).is_none() => {
            let package = ExternName::parse(root.name.as_deref()?).package()?;
            Some(if package.starts_with("wasi:") { "wasi" } else { package })
        }
        _ => None,
    }
}

/// The same interface on the other side, at a version that does not match.
fn other_version(mismatch: &Mismatch) -> Option<&str> {
    let [root] = mismatch.path.0.as_slice() else { return None };
    let (name, near) = (root.name.as_deref()?, mismatch.near.as_deref()?);
    (ExternName::parse(name).base == ExternName::parse(near).base).then_some(near)
}

fn missing(package: &str, imports: &[&Mismatch], producers: &Producers) -> Diagnostic {
    let what = if package == "wasi" { "WASI" } else { package };
    let message = format!(
        "the plugin imports {} interfaces of {what} that the host does not offer",
        imports.len()
    );
    let finding =
        Diagnostic::error(Code::UnknownImport, message).at(WitPath::root("imports of", package));
    let finding = imports.iter().fold(finding, |finding, mismatch| {
        finding.note(mismatch.path.0[0].name.clone().unwrap_or_default())
    });
    finding.help(advice(package, imports[0].near.as_deref(), producers))
}

fn advice(package: &str, near: Option<&str>, producers: &Producers) -> String {
    match near {
        _ if package == "wasi" || package.starts_with("wasi:") => unwanted_wasi(producers),
        Some(near) => format!("the host offers {near}; is that meant?"),
        None => "do without it, or ask the host to offer it".to_owned(),
    }
}

fn word(mismatch: &Mismatch, producers: &Producers) -> Diagnostic {
    let Mismatch { kind, path, expected, found, near } = mismatch;
    let near = near.as_deref();
    let name = path.0.last().and_then(|step| step.name.as_deref()).unwrap_or_default();
    let whole = path.0.len() == 1;
    if let Some(other) = other_version(mismatch) {
        let (ours, theirs, verb) = match kind {
            MismatchKind::MissingExport => (other, name, "demands"),
            _ => (name, other, "offers"),
        };
        let message =
            format!("the plugin has {ours}, the host {verb} {theirs}: no semver track in common");
        return Diagnostic::error(Code::IncompatibleVersion, message)
            .at(path.clone())
            .help(format!("build the plugin against {theirs}, or put an adapter between"));
    }
    let finding = match kind {
        MismatchKind::MissingExport => {
            let finding = Diagnostic::error(
                Code::MissingExport,
                format!("the host demands {expected}, the plugin has {found}"),
            );
            match near {
                Some(near) => finding.help(format!("the plugin exports {near}; is that meant?")),
                None => finding.help(format!("export {name} with this type")),
            }
        }
        MismatchKind::UnknownImport if whole => {
            let package = ExternName::parse(name).package().unwrap_or_default();
            Diagnostic::error(
                Code::UnknownImport,
                format!("the plugin imports it ({found}), the host offers {expected}"),
            )
            .help(advice(package, near, producers))
        }
        MismatchKind::UnknownImport => {
            let finding = Diagnostic::error(
                Code::UnknownImport,
                format!("the plugin imports {found}, the host offers {expected} there"),
            );
            match near {
                Some(near) => finding.help(format!("the host has {near}; is that meant?")),
                None => finding.help("the host's version of this interface may be older"),
            }
        }
        MismatchKind::Type => {
            let finding = Diagnostic::error(
                Code::TypeMismatch,
                format!("the host expects {expected}, the plugin has {found}"),
            );
            match near {
                Some(near) => finding.help(format!("the plugin has {near}; is that meant?")),
                None => finding.help("build the plugin against the host's WIT"),
            }
        }
        MismatchKind::Resource => Diagnostic::error(
            Code::ResourceIdentity,
            format!("the host expects {expected}, the plugin has {found}"),
        )
        .help("two resources of one name are two types; use the one that the host names"),
    };
    finding.at(path.clone())
}
