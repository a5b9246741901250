//! Two worlds, and every change from the old one to the new one.
//!
//! What changed and where, a walk over both worlds finds. What a change breaks, [`world::targets`]
//! decides, asked once for each direction: does a plugin of the old world target a host of the new
//! one, and the other way round? An import or export that it has nothing against breaks nobody,
//! and what it is against without a change to show for it is a change of its own. So the changes
//! break something exactly where the comparison of worlds says so.
//!
//! An interface that moved to another semver track no longer matches, whatever is in it. That is a
//! change of its own; the changes inside are judged as if the names matched, because they are what
//! the new version is for.

mod found;
mod pairs;
mod reason;
mod shown;
mod version;
mod walk;

use std::collections::{HashMap, HashSet};

use crate::diagnostic::{Change, ChangeKind, Diagnostic, PackageChange, WitPath};
use crate::world::{self, ExternName, Host, Item, Mismatch, MismatchKind, World};
use found::{Breaks, Found, Place, Side, Why};
use indexmap::IndexMap;
use pairs::{Pair, asks_nothing, moved, pairs};
use walk::Walk;

/// What became of a world.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff {
    /// Every change: imports, exports, then resources, each in the order of the old world.
    pub changes: Vec<Change>,
    /// What the changes ask of each package's version.
    pub packages: Vec<PackageChange>,
    /// Where a declared version does not say what the changes do.
    pub diagnostics: Vec<Diagnostic>,
}

/// Compares two worlds, each as a plugin's and as a host's.
pub fn diff(old: &World, new: &World) -> Diff {
    let imports = pairs(&old.imports, &new.imports);
    let exports = pairs(&old.exports, &new.exports);
    let moved = [moved(&imports), moved(&exports)];
    let verdict = Verdict::of(old, new);
    let aligned = if moved.iter().all(HashMap::is_empty) {
        None
    } else {
        Some(Verdict::of(old, &new.renamed(&moved[0], &moved[1])))
    };
    let inside = aligned.as_ref().unwrap_or(&verdict);

    let mut walk = Walk::new(old, new);
    world_name(&mut walk, old, new);
    let refused = verdict.roots();
    let mut explained = Roots::default();
    let tables = [(Side::Import, &imports), (Side::Export, &exports)];
    for (side, pairs) in tables {
        for pair in pairs {
            version_change(&mut walk, side, pair, &refused);
            walk.record.met = Breaks::NONE;
            root(&mut walk, [old, new], side, pair, at_stake([old, new], side, pair, &refused));
            explained.insert((side, pair.name()), walk.record.met);
        }
    }
    identities(&mut walk, inside, &moved);
    unexplained(&mut walk, inside, |root| root.map_or(Breaks::NONE, |root| explained.at(root)));
    let so_far = walk.record.breaks();
    unexplained(&mut walk, &verdict, |_| so_far);

    let mut found = walk.record.into_found();
    verdict.settle(&mut found);
    let (packages, diagnostics) = version::judge(old, new, imports.iter().chain(&exports), &found);
    Diff { changes: found.into_iter().map(change).collect(), packages, diagnostics }
}

fn change(found: Found) -> Change {
    Change {
        reason: reason::reason(&found),
        kind: found.kind,
        path: found.path,
        before: found.before,
        after: found.after,
        breaks_old_plugins: found.old_plugins.is_some(),
        breaks_new_plugins: found.new_plugins.is_some(),
        also: found.also.into_iter().collect(),
    }
}

/// What the comparison of worlds has against either direction.
struct Verdict {
    old_plugins: Vec<Mismatch>,
    new_plugins: Vec<Mismatch>,
}

impl Verdict {
    fn of(old: &World, new: &World) -> Verdict {
        Verdict {
            old_plugins: world::targets(old, Host { world: new, provides: &[] }),
            new_plugins: world::targets(new, Host { world: old, provides: &[] }),
        }
    }

    /// Every mismatch, with what the old world has there and what the new one has, and whom it
    /// breaks.
    fn mismatches(&self) -> impl Iterator<Item = (&Mismatch, [&String; 2], Breaks)> {
        let old = self.old_plugins.iter();
        let new = self.new_plugins.iter();
        old.map(|m| (m, [&m.found, &m.expected], Breaks { old: true, new: false }))
            .chain(new.map(|m| (m, [&m.expected, &m.found], Breaks { old: false, new: true })))
    }

    /// Every import and export that it is against.
    fn roots(&self) -> Roots<'_> {
        let mut roots = Roots::default();
        for (mismatch, _, breaks) in self.mismatches() {
            if let Some(root) = root_of(mismatch) {
                roots.insert(root, breaks);
            }
        }
        roots
    }

    /// Has the last word: a change breaks nobody whom the worlds as they are let pass.
    fn settle(&self, found: &mut [Found]) {
        for change in found {
            let wrongly = (self.old_plugins.is_empty() && change.old_plugins.take().is_some())
                | (self.new_plugins.is_empty() && change.new_plugins.take().is_some());
            if wrongly {
                change.why = Why::NoMismatch;
            }
        }
    }
}

/// Imports and exports, and which plugins have trouble there.
#[derive(Default)]
struct Roots<'a> {
    old_plugins: HashSet<(Side, &'a str)>,
    new_plugins: HashSet<(Side, &'a str)>,
}

impl<'a> Roots<'a> {
    fn insert(&mut self, root: (Side, &'a str), breaks: Breaks) {
        if breaks.old {
            self.old_plugins.insert(root);
        }
        if breaks.new {
            self.new_plugins.insert(root);
        }
    }

    fn at(&self, root: (Side, &str)) -> Breaks {
        Breaks { old: self.old_plugins.contains(&root), new: self.new_plugins.contains(&root) }
    }
}

/// The import or export that a mismatch is about.
fn root_of(mismatch: &Mismatch) -> Option<(Side, &str)> {
    let root = mismatch.path.0.first()?;
    let side = if root.kind == "import" { Side::Import } else { Side::Export };
    Some((side, root.name.as_deref()?))
}

/// A plugin carries no name of a world, so a new one breaks nobody; a new version is no change of
/// its name at all.
fn world_name(walk: &mut Walk<'_>, old: &World, new: &World) {
    let (Some(was), Some(is)) = (&old.name, &new.name) else { return };
    if ExternName::parse(was).base != ExternName::parse(is).base {
        let place = Place::new(WitPath::root("world", is), Side::Import, Breaks::NONE);
        let what = (ChangeKind::Renamed, Why::WorldName);
        walk.note(&place, what, [Some(was.clone()), Some(is.clone())], Breaks::NONE);
    }
}

/// An interface at another version. All interfaces of a package that moved together are one change.
fn version_change(walk: &mut Walk<'_>, side: Side, pair: &Pair<'_>, refused: &Roots<'_>) {
    let (Some((was, _)), Some((is, _))) = (pair.old, pair.new) else { return };
    if was == is {
        return;
    }
    let trouble = |name: Option<&str>| name.map(|name| refused.at((side, name)));
    let (before, after) = (ExternName::parse(was), ExternName::parse(is));
    let same_track = before.canonical() == after.canonical();
    let breaks = Breaks {
        old: !same_track && trouble(pair.seen_by_old_plugins(side)).is_some_and(|b| b.old),
        new: !same_track && trouble(pair.seen_by_new_plugins(side)).is_some_and(|b| b.new),
    };
    let version = |name: &ExternName<'_>| {
        Some(name.version.as_ref().map_or("no version".to_owned(), ToString::to_string))
    };
    let kind = if side == Side::Import { "import" } else { "export" };
    let place = Place::new(WitPath::root(kind, is), side, breaks);
    let package = after.package().unwrap_or(after.base);
    walk.record.version(package, &place, same_track, [version(&before), version(&after)]);
}

/// Whom a difference at an import or export can break: those who ask for it and those of whom it
/// is demanded.
fn at_stake([old, new]: [&World; 2], side: Side, pair: &Pair<'_>, refused: &Roots<'_>) -> Breaks {
    // Where another version on the same track stands in for what is missing, only the comparison
    // can tell whether it will do.
    let missing = |there: &IndexMap<String, Item>, name: &str| {
        let stands_in = world::find(there, name).is_some();
        let trouble = refused.at((side, name));
        Breaks { old: !stands_in || trouble.old, new: !stands_in || trouble.new }
    };
    let asks = |item: Option<(&str, &Item)>| item.is_some_and(|(_, item)| !asks_nothing(item));
    let asked = Breaks { old: asks(pair.old), new: asks(pair.new) };
    match (side, pair.old, pair.new) {
        (Side::Import, Some((name, _)), None) => {
            Breaks { old: asked.old && missing(&new.imports, name).old, new: false }
        }
        (Side::Import, None, Some((name, _))) => {
            Breaks { old: false, new: asked.new && missing(&old.imports, name).new }
        }
        (Side::Export, Some((name, _)), None) => {
            Breaks { old: false, new: missing(&new.exports, name).new }
        }
        (Side::Export, None, Some((name, _))) => {
            Breaks { old: missing(&old.exports, name).old, new: false }
        }
        (Side::Import, ..) => asked,
        (Side::Export, ..) => Breaks { old: true, new: true },
    }
}

/// One import or export, or what was one.
fn root<'a>(
    walk: &mut Walk<'a>,
    [old, new]: [&'a World; 2],
    side: Side,
    pair: &Pair<'a>,
    breaks: Breaks,
) {
    let place = |name: &str, item: &Item| {
        let kind = match (side, item) {
            // The types that a world defines are encoded as imports; nobody would call them that.
            (Side::Import, Item::Type(_)) => "type",
            (Side::Import, _) => "import",
            (Side::Export, _) => "export",
        };
        Place::new(shown::root(kind, name), side, breaks)
    };
    let why = |item: &Item| match side {
        Side::Import if asks_nothing(item) => Why::Definition,
        _ => Why::Item,
    };
    match (pair.old, pair.new) {
        (Some((_, before)), Some((name, after))) => {
            walk.item(&place(name, after), name, before, after);
        }
        (Some((name, item)), None) => {
            let before = shown::item(old, name, item, None);
            let what = (ChangeKind::Removed, why(item));
            walk.note(&place(name, item), what, [Some(before), None], breaks);
        }
        (None, Some((name, item))) => {
            let after = shown::item(new, name, item, None);
            let what = (ChangeKind::Added, why(item));
            walk.note(&place(name, item), what, [None, Some(after)], breaks);
        }
        (None, None) => {}
    }
}

/// Resources that came to be others: only the comparison knows which of them are the same, because
/// that is a question of the whole world. Both directions tell of one change, at every place where
/// the resource is used.
fn identities(walk: &mut Walk<'_>, verdict: &Verdict, moved: &[HashMap<&str, &str>; 2]) {
    let old_to_new: HashMap<&str, &str> =
        moved.iter().flatten().map(|(new, old)| (*old, *new)).collect();
    let new_name = |name: &str| old_to_new.get(name).copied().unwrap_or(name).to_owned();
    for (mismatch, [before, after], breaks) in verdict.mismatches() {
        if mismatch.kind != MismatchKind::Resource {
            continue;
        }
        let side = root_of(mismatch).map_or(Side::Import, |(side, _)| side);
        let mut path = mismatch.path.clone();
        if let Some(name) = path.0.first_mut().and_then(|root| root.name.as_mut()) {
            *name = new_name(name);
        }
        // Both sides were compared under the old names.
        let after: Vec<String> = after.split(' ').map(new_name).collect();
        let texts = [Some(before.clone()), Some(after.join(" "))];
        walk.record.resource(&Place::new(path, side, breaks), texts);
    }
}

/// What the comparison is against though no change accounts for it.
fn unexplained(
    walk: &mut Walk<'_>,
    verdict: &Verdict,
    accounts: impl Fn(Option<(Side, &str)>) -> Breaks,
) {
    for (mismatch, [before, after], breaks) in verdict.mismatches() {
        let root = root_of(mismatch);
        let known = accounts(root);
        let accounted = (known.old && breaks.old) || (known.new && breaks.new);
        if mismatch.kind != MismatchKind::Resource && !accounted {
            let side = root.map_or(Side::Import, |(side, _)| side);
            let place = Place::new(mismatch.path.clone(), side, breaks);
            let what = (ChangeKind::Changed, Why::Mismatch);
            walk.note(&place, what, [Some(before.clone()), Some(after.clone())], breaks);
        }
    }
}
