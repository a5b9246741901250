//! Two worlds, and every change from the old one to the new one.
//!
//! What changed and where, a walk over both worlds finds. What a change breaks, [`world::targets`]
//! decides, asked once for each direction: does a plugin of the old world target a host of the new
//! one, and the other way round? Both go by the same places. Where the comparison has nothing against
//! any of them nobody breaks, and what it is against at a place where the walk met nothing is a change
//! of its own. So the changes break something exactly where the comparison of worlds says so.
//!
//! An interface that moved to another semver track no longer matches, whatever is in it. That is a
//! change of its own; the changes inside are judged as if the names matched, because they are what
//! the new version is for.

mod found;
mod pairs;
mod reason;
mod shown;
mod verdict;
mod version;
mod walk;

use std::collections::HashMap;

use indexmap::IndexMap;

use crate::diagnostic::{Change, ChangeKind, Diagnostic, PackageChange};
use crate::world::{self, ExternName, Item, MismatchKind, Names, World};
use found::{Breaks, Found, Place, Side, Why};
use pairs::{Pair, Pairs};
use verdict::{Judged, Roots, Verdict, root_of};
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
    let sides = Sides::of(old, new);
    let verdict = Verdict::of([old, new], [new, old]);
    let [imports, exports] = sides.moved();
    let aligned = if imports.is_empty() && exports.is_empty() {
        None
    } else {
        let aligned = new.renamed(&imports, &exports);
        Some(Verdict::of([old, &aligned], [&aligned, old]))
    };

    let mut walk = Walk::new(old, new);
    world_name(&mut walk, old, new);
    sides.walk(&mut walk, &verdict.roots());
    for mismatch in aligned.as_ref().unwrap_or(&verdict).mismatches() {
        accounted(&mut walk, &sides, mismatch, true);
    }
    // What the names as they are stand in the way of, if nothing else does.
    let so_far = walk.record.breaks();
    for mismatch in verdict.mismatches() {
        if (mismatch.breaks.old && !so_far.old) || (mismatch.breaks.new && !so_far.new) {
            accounted(&mut walk, &sides, mismatch, false);
        }
    }
    let mut found = walk.record.into_found();
    verdict.settle(&mut found);
    let pairs = sides.imports.list.iter().chain(&sides.exports.list);
    let (packages, diagnostics) = version::judge(old, new, pairs, &found);
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

/// A plugin carries no name of a world, so a new one breaks nobody; a new version is no change of
/// its name at all.
fn world_name(walk: &mut Walk<'_>, old: &World, new: &World) {
    let (Some(was), Some(is)) = (&old.name, &new.name) else { return };
    if ExternName::parse(was).base != ExternName::parse(is).base {
        let place = Place::root("world", is, Side::Import, Breaks::NONE);
        let what = (ChangeKind::Renamed, Why::WorldName);
        walk.note(&place, what, [Some(was.clone()), Some(is.clone())], Breaks::NONE);
    }
}

/// The imports and exports of both worlds.
struct Sides<'a> {
    old: &'a World,
    new: &'a World,
    imports: Pairs<'a>,
    exports: Pairs<'a>,
    /// The names of the new world for those of the old one that it has under others: of imports, and of
    /// exports.
    renamed: [HashMap<&'a str, &'a str>; 2],
    /// The imports of the new world that moved to another track, and who asks for them.
    asked: HashMap<&'a str, Breaks>,
}

impl<'a> Sides<'a> {
    fn of(old: &'a World, new: &'a World) -> Sides<'a> {
        let imports = Pairs::of(&old.imports, &new.imports);
        let exports = Pairs::of(&old.exports, &new.exports);
        let renamed = [&imports, &exports].map(|pairs| {
            let both = pairs.list.iter().filter_map(|pair| Some((pair.old?.0, pair.new?.0)));
            both.filter(|(old, new)| old != new).collect()
        });
        let mut sides = Sides { old, new, imports, exports, renamed, asked: HashMap::new() };
        let moved =
            sides.imports.list.iter().filter(|pair| pair.old.is_some() && !pair.same_track());
        let asked = moved.filter_map(|pair| Some((pair.new?.0, sides.asked(pair)))).collect();
        sides.asked = asked;
        sides
    }

    /// The names under which the new world has what the old one has under others, to the old names: of
    /// imports, and of exports.
    fn moved(&self) -> [HashMap<&'a str, &'a str>; 2] {
        self.renamed.each_ref().map(|names| names.iter().map(|(old, new)| (*new, *old)).collect())
    }

    /// Who meets an import of the new world, though it may have moved: those who ask for it.
    fn meets(&self, import: &str) -> Breaks {
        self.asked.get(import).copied().unwrap_or(Breaks::ALL)
    }

    /// Who asks for an import.
    fn asked(&self, pair: &Pair<'_>) -> Breaks {
        let asks = |world: &World, item: Option<(&str, &Item)>| {
            item.is_some_and(|(name, _)| !world::asks_nothing(world, name))
        };
        Breaks { old: asks(self.old, pair.old), new: asks(self.new, pair.new) }
    }

    /// Whom a difference at an import or export can break: those who ask for it and those of whom it
    /// is demanded.
    fn at_stake(&self, side: Side, pair: &Pair<'_>, refused: &Roots<'_>) -> Breaks {
        // Where another version on the same track stands in for what is missing, only the comparison
        // can tell whether it will do.
        let missing = |there: &Names<'_, Item>, name: &str| {
            let stands_in = there.find(name).is_some();
            let trouble = refused.at((side, name));
            Breaks { old: !stands_in || trouble.old, new: !stands_in || trouble.new }
        };
        match (side, pair.old, pair.new) {
            (Side::Import, Some((name, _)), None) => Breaks {
                old: self.asked(pair).old && missing(&self.imports.new, name).old,
                new: false,
            },
            (Side::Import, None, Some((name, _))) => Breaks {
                old: false,
                new: self.asked(pair).new && missing(&self.imports.old, name).new,
            },
            (Side::Export, Some((name, _)), None) => {
                Breaks { old: false, new: missing(&self.exports.new, name).new }
            }
            (Side::Export, None, Some((name, _))) => {
                Breaks { old: missing(&self.exports.old, name).old, new: false }
            }
            // What has another name now is missed by those only who ask for it.
            (Side::Import, ..) if !pair.same_track() => self.asked(pair),
            _ => Breaks::ALL,
        }
    }

    /// The walk over all of them. Plain types of the world itself break nobody at first: what is wrong
    /// with one is told where it is used. What is left of them breaks by itself.
    fn walk(&self, walk: &mut Walk<'a>, refused: &Roots<'_>) {
        for (side, pairs) in [(Side::Import, &self.imports), (Side::Export, &self.exports)] {
            for pair in &pairs.list {
                self.version_change(walk, side, pair, refused);
                let breaks = match is_type(side, pair) {
                    true => Breaks::NONE,
                    false => self.at_stake(side, pair, refused),
                };
                self.root(walk, side, pair, breaks);
            }
        }
        for pair in self.imports.list.iter().filter(|pair| is_type(Side::Import, pair)) {
            if pair.old.is_some() && pair.new.is_some() {
                self.root(walk, Side::Import, pair, Breaks::ALL);
            }
        }
    }

    /// An interface at another version. All interfaces of a package that moved together are one
    /// change.
    fn version_change(
        &self,
        walk: &mut Walk<'_>,
        side: Side,
        pair: &Pair<'_>,
        refused: &Roots<'_>,
    ) {
        let (Some((was, _)), Some((is, _))) = (pair.old, pair.new) else { return };
        if was == is {
            return;
        }
        let (before, after) = (ExternName::parse(was), ExternName::parse(is));
        let same_track = pair.same_track();
        // No other version stands in for one that moved: then they would not be a pair.
        let breaks = if same_track { Breaks::NONE } else { self.at_stake(side, pair, refused) };
        let version = |name: &ExternName<'_>| {
            Some(name.version.as_ref().map_or("no version".to_owned(), ToString::to_string))
        };
        let kind = if side == Side::Import { "import" } else { "export" };
        let package = after.package().unwrap_or(after.base);
        let place = Place::root(kind, is, side, breaks);
        walk.record.version(package, &place, same_track, [version(&before), version(&after)]);
    }

    /// One import or export, or what was one.
    fn root(&self, walk: &mut Walk<'a>, side: Side, pair: &Pair<'a>, breaks: Breaks) {
        let place = |name: &'a str, item: &Item| Place::root(kind(side, item), name, side, breaks);
        let why = |world: &World, name: &str| match side {
            Side::Import if world::asks_nothing(world, name) => Why::Definition,
            _ => Why::Item,
        };
        let table = |world: &'a World| match side {
            Side::Import => &world.imports,
            Side::Export => &world.exports,
        };
        match (pair.old, pair.new) {
            (Some((was, before)), Some((name, after))) => {
                walk.item(&place(name, after), [was, name], name, [before, after]);
            }
            // It goes with its resource, which says it all.
            (Some((name, _)), None) if goes_along(name, table(self.old), table(self.new)) => {}
            (None, Some((name, _))) if goes_along(name, table(self.new), table(self.old)) => {}
            (Some((name, item)), None) => {
                let before = shown::item(self.old, name, item, table(self.old));
                let what = (ChangeKind::Removed, why(self.old, name));
                walk.note(&place(name, item), what, [Some(before), None], breaks);
            }
            (None, Some((name, item))) => {
                let after = shown::item(self.new, name, item, table(self.new));
                let what = (ChangeKind::Added, why(self.new, name));
                walk.note(&place(name, item), what, [None, Some(after)], breaks);
            }
            (None, None) => {}
        }
    }
}

/// The types that a world defines are encoded as imports; nobody would call them that.
fn kind(side: Side, item: &Item) -> &'static str {
    match (side, item) {
        (Side::Import, Item::Type(_)) => "type",
        (Side::Import, _) => "import",
        (Side::Export, _) => "export",
    }
}

fn is_type(side: Side, pair: &Pair<'_>) -> bool {
    let items = [pair.old, pair.new].into_iter().flatten();
    side == Side::Import && items.map(|(_, item)| item).all(|item| matches!(item, Item::Type(_)))
}

/// Whether a bare function comes or goes with its resource.
fn goes_along(name: &str, here: &IndexMap<String, Item>, there: &IndexMap<String, Item>) -> bool {
    world::owner(name)
        .is_some_and(|resource| here.contains_key(resource) && !there.contains_key(resource))
}

/// What the comparison is against: a change of its own, unless the walk met it.
///
/// Which resources are the same is a question of the whole world, and the walk leaves it to the
/// comparison. Both directions tell of one change, at every place where the resource is used.
///
/// Where the comparison was of aligned names, what nobody asks for under its own name breaks nobody.
fn accounted(walk: &mut Walk<'_>, sides: &Sides<'_>, judged: Judged<'_>, aligned: bool) {
    let Judged { mismatch, before, after, mut breaks } = judged;
    let side = root_of(mismatch).map_or(Side::Import, |(side, _)| side);
    // The new side may have been compared under the old names.
    let mut path = mismatch.path.clone();
    let [imports, exports] = &sides.renamed;
    if let Some(root) = path.0.first_mut()
        && let Some(name) = &mut root.name
    {
        let renamed = if side == Side::Import { imports } else { exports };
        if let Some(new) = renamed.get(name.as_str()) {
            *name = (*new).to_owned();
        }
        if let Some(item) = sides.new.imports.get(name.as_str()).filter(|_| side == Side::Import) {
            root.kind = kind(side, item).into();
        }
        if aligned && side == Side::Import {
            let meets = sides.meets(name);
            breaks = Breaks { old: breaks.old && meets.old, new: breaks.new && meets.new };
        }
    }
    if mismatch.kind == MismatchKind::Resource {
        let new_name = |word| *imports.get(word).or(exports.get(word)).unwrap_or(&word);
        let after: Vec<&str> = after.split(' ').map(new_name).collect();
        let texts = [Some(before.to_owned()), Some(after.join(" "))];
        walk.record.resource(path, side, breaks, texts);
    } else if breaks != Breaks::NONE && !walk.record.met.lead_to(&path, breaks) {
        let texts = [Some(before.to_owned()), Some(after.to_owned())];
        walk.record.mismatch(path, side, breaks, texts);
    }
}
