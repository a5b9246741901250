//! What a case comes to in a component. What it names is looked up in the host's world that the component
//! targets, and only then among what the component has: what that has beside its target is nobody's to call.

use std::collections::BTreeSet;

use super::{Terms, Trial, unbegun};
use crate::component::Component;
use crate::config::{Case, Misfit, Resolved};
use crate::diagnostic::{Code, Diagnostic, WitPath};
use crate::judge::JudgeError;
use crate::wave::{Invocation, imported_as};
use crate::world::{Item, find};

/// The calls of a case, what its host answers, and where it begins, under the component's own names.
///
/// # Errors
///
/// [`JudgeError::Case`] where it cannot be made in the world that decides, [`JudgeError::Internal`] where
/// the component has not what its target demands, which was compared before.
pub fn resolve(
    case: &Case,
    component: &Component,
    terms: Terms<'_>,
) -> Result<Resolved, JudgeError> {
    let wrong = |error: crate::config::ConfigError| JudgeError::Case(error.to_string());
    let Some(target) = terms.target else {
        let own = &component.world;
        let calls = case.resolve(own).map_err(wrong)?;
        let host =
            case.resolve_host(own, terms.limits, !terms.unscripted, terms.id).map_err(wrong)?;
        return Ok(Resolved { calls, host, entry: None });
    };
    let resolved = case.resolve_for(target, terms.limits, Some(terms.id));
    let Resolved { mut calls, mut host, entry } =
        resolved.map_err(Misfit::into_error).map_err(wrong)?;
    for call in &mut calls {
        rename(call, component)?;
    }
    let rules = host.rules.iter_mut().map(|rule| &mut rule.functions);
    let replayed = host.replay.iter_mut().flatten().map(|call| &mut call.functions);
    for functions in rules.chain(replayed) {
        let names: BTreeSet<String> =
            functions.iter().flat_map(|name| imported_as(&component.world, name)).collect();
        *functions = names.into_iter().collect();
    }
    if let Some(mock) = &mut host.mock {
        mock.rename(&component.world);
    }
    let entry = entry.map(|entry| export(component, &entry).map(|(name, _)| name.to_owned()));
    Ok(Resolved { calls, host, entry: entry.transpose()? })
}

/// The export by which cases of one kind begin, of which this is one; the newest where none is said.
pub fn entry(
    component: &Component,
    case: Option<&Case>,
    terms: Terms<'_>,
) -> Result<Option<String>, JudgeError> {
    let resolved = case.map(|case| resolve(case, component, terms)).transpose()?;
    Ok(resolved.and_then(|resolved| resolved.entry))
}

/// Puts the component's names for what the host calls into a call.
fn rename(call: &mut Invocation, component: &Component) -> Result<(), JudgeError> {
    let Some(interface) = &mut call.interface else {
        export(component, &call.function)?;
        return Ok(());
    };
    let (name, item) = export(component, interface)?;
    let function = match item {
        Item::Instance(instance) => find(&instance.items, &call.function),
        _ => None,
    };
    let (function, _) = function.ok_or_else(|| lacks(&format!("{name}#{}", call.function)))?;
    name.clone_into(interface);
    function.clone_into(&mut call.function);
    Ok(())
}

/// What the component exports for what a host's world demands: the very name, or the highest version on its
/// track, as where the two were compared.
fn export<'c>(component: &'c Component, name: &str) -> Result<(&'c str, &'c Item), JudgeError> {
    find(&component.world.exports, name).ok_or_else(|| lacks(name))
}

fn lacks(name: &str) -> JudgeError {
    JudgeError::Internal(format!("the component lacks {name}, which its target demands"))
}

/// Cases that are made for another world of the host than the plugin targets: none of them has passed.
pub fn foreign(cases: &[&Case], why: &str, terms: Terms<'_>) -> Trial {
    let world = terms.target.and_then(|target| target.world.name.as_deref());
    let world = world.unwrap_or("the world");
    let finding = |case: &&Case| {
        let (what, path, advice) = match case.name.as_str() {
            "" => ("this", WitPath::default(), "target a world that has it"),
            name => (
                "it",
                WitPath::root("smoke case", name),
                "target a world that has it, or have the host name the `plugins` that it is for",
            ),
        };
        let message = format!("{what} cannot be called in {world}, which the plugin targets");
        let finding = Diagnostic::error(Code::MissingExport, message).at(path);
        finding.note(why.lines().next().unwrap_or_default()).help(advice)
    };
    Trial {
        cases: cases.iter().map(|case| unbegun(case, terms.limits)).collect(),
        diagnostics: cases.iter().map(finding).collect(),
        ..Trial::default()
    }
}
