//! A component against a host: mismatches put into words, with advice.

use crate::config::Host;
use crate::diagnostic::{Code, Diagnostic, WitPath};
use crate::world::{self, ExternName, Mismatch, MismatchKind, World};

/// How a component stands to a host.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Index, in the host's worlds, of the world that it targets or comes nearest to.
    pub world: usize,
    /// Every mismatch with that world, in the raw.
    pub mismatches: Vec<Mismatch>,
    /// The same in words. Empty exactly where the component targets the world.
    pub diagnostics: Vec<Diagnostic>,
}

/// Compares a component's world with every world of the host. The first that it targets decides;
/// where it targets none, the one with the fewest mismatches does, the preferred one on a tie.
pub fn check(plugin: &World, host: &Host) -> Finding {
    let mut nearest: Option<Finding> = None;
    for (index, world) in host.worlds.iter().enumerate() {
        let sides = world::Host { world, provides: &host.provides };
        let mismatches = world::targets(plugin, sides);
        if nearest.as_ref().is_none_or(|known| mismatches.len() < known.mismatches.len()) {
            nearest = Some(Finding { world: index, mismatches, diagnostics: Vec::new() });
        }
    }
    // A host has at least one world: its configuration is refused otherwise.
    let mut finding =
        nearest.unwrap_or(Finding { world: 0, mismatches: Vec::new(), diagnostics: Vec::new() });
    finding.diagnostics = explain(&finding.mismatches);
    finding
}

/// Words for mismatches. Imports of one package that the host does not have are one finding.
fn explain(mismatches: &[Mismatch]) -> Vec<Diagnostic> {
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
                diagnostics.push(missing(package, &of_package));
                continue;
            }
        }
        diagnostics.push(word(mismatch));
    }
    diagnostics
}

/// The package of an import that is missing as a whole.
fn missing_package(mismatch: &Mismatch) -> Option<&str> {
    match (mismatch.kind, mismatch.path.0.as_slice()) {
        (MismatchKind::UnknownImport, [root]) => {
            let name = root.name.as_deref()?;
            ExternName::parse(name).package()
        }
        _ => None,
    }
}

fn missing(package: &str, imports: &[&Mismatch]) -> Diagnostic {
    let message = format!(
        "the plugin imports {} interfaces of {package} that the host does not offer",
        imports.len()
    );
    let finding =
        Diagnostic::error(Code::UnknownImport, message).at(WitPath::root("imports of", package));
    let finding = imports.iter().fold(finding, |finding, mismatch| {
        finding.note(mismatch.path.0[0].name.clone().unwrap_or_default())
    });
    finding.help(advice(package, imports[0].near.as_deref()))
}

fn advice(package: &str, near: Option<&str>) -> String {
    match near {
        Some(near) => format!("the host offers {near}; build against that"),
        None if package.starts_with("wasi:") => {
            "a host that wants WASI plugins says provides = [\"wasi\"]; otherwise build the plugin \
             without WASI"
                .to_owned()
        }
        None => "do without it, or ask the host to offer it".to_owned(),
    }
}

fn word(mismatch: &Mismatch) -> Diagnostic {
    let Mismatch { kind, path, expected, found, near } = mismatch;
    let near = near.as_deref();
    let name = path.0.last().and_then(|step| step.name.as_deref()).unwrap_or_default();
    let whole = path.0.len() == 1;
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
            .help(advice(package, near))
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
