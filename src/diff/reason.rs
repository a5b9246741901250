//! Why a change breaks what it breaks, in one sentence.

use super::found::{Found, Side, Why};
use crate::diagnostic::ChangeKind;

/// One sentence, without a full stop.
pub fn reason(found: &Found) -> String {
    let (old, new) = (found.old_plugins.is_some(), found.new_plugins.is_some());
    let text = match found.why {
        Why::Item => match (found.side, found.kind, old || new) {
            (Side::Import, ChangeKind::Added, true) => {
                "new plugins may import it, and the old host does not offer it"
            }
            (Side::Import, ChangeKind::Removed, true) => {
                "old plugins may import it, and the new host no longer offers it"
            }
            (Side::Export, ChangeKind::Added, true) => {
                "the new host demands it, and old plugins do not have it"
            }
            (Side::Export, ChangeKind::Removed, true) => {
                "the old host demands it, and new plugins need not have it"
            }
            (_, _, true) => "a plugin must have there what the host has",
            (_, _, false) => "another version on its semver track stands in for it",
        },
        Why::Definition => "a definition of plain types asks nothing of a host",
        Why::TypeName => {
            "what a type is called does not cross the boundary; its structure is the same"
        }
        Why::WorldName => "a plugin does not carry the name of its world",
        Why::Identity => "a resource is its origin: whatever comes from elsewhere is another type",
        Why::Version(true) => "both versions are on one semver track, so each matches the other",
        Why::Version(false) if old || new => {
            "versions on different semver tracks do not match each other"
        }
        Why::Version(false) => "a definition of plain types asks nothing of a host",
        Why::Substitute => "what stands in for it may need less and give more, and nothing else",
        Why::Mismatch => "the comparison of the two worlds does not find them the same",
        Why::NoMismatch => "the comparison of the two worlds has nothing against it",
        Why::Structure => return structure(found, old, new),
    };
    text.to_owned()
}

/// Types are neither wide nor narrow: both sides of a call have the same one, or there is no call.
fn structure(found: &Found, old: bool, new: bool) -> String {
    let last = found.path.0.last().map_or("", |step| &*step.kind);
    let same = match (found.kind, last) {
        (ChangeKind::Renamed, _) => "names",
        (ChangeKind::Reordered, _) => "order",
        (ChangeKind::Added | ChangeKind::Removed, "param") => "parameters",
        (ChangeKind::Added | ChangeKind::Removed, "field") => "fields",
        (ChangeKind::Added | ChangeKind::Removed, "case") => "cases",
        (ChangeKind::Added | ChangeKind::Removed, "flag") => "flags",
        _ => "type",
    };
    let text = match (old, new) {
        (true, true) if is_definition(found) && same == "type" => {
            "a type that both worlds name must be the same in both".to_owned()
        }
        (true, true) if is_definition(found) => {
            format!("a type that both worlds name must have the same {same} in both")
        }
        (true, true) => format!("both sides of a call must have the same {same}"),
        (true, false) => {
            "old plugins ask for the old type, and the new host has the new".to_owned()
        }
        (false, true) => {
            "new plugins ask for the new type, and the old host has the old".to_owned()
        }
        (false, false) => return "nothing that crosses the boundary uses it".to_owned(),
    };
    // Where the path leads to a definition, say who uses it.
    let user = found.old_plugins.as_ref().or(found.new_plugins.as_ref());
    match user.filter(|user| !found.path.0.starts_with(&user.0)) {
        Some(user) => format!("{text}, and {user} uses it"),
        None => text,
    }
}

/// Whether nothing is known of a use: it is enough that both worlds name the type.
fn is_definition(found: &Found) -> bool {
    let users = found.old_plugins.iter().chain(&found.new_plugins);
    users.filter_map(|user| user.0.last()).all(|step| step.kind == "type" || step.kind == "import")
}
