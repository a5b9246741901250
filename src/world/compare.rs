//! Does one world fit another? Every mismatch in one run, each with the path to its place.
//!
//! The comparison is an equality of structure, down to names and order, because that is what the
//! engine and composition demand of function types (wasmparser's `SubtypeCx::component_func_type`
//! says why). Width is allowed at two places only: an instance may have more than what is asked
//! of it, and a plain type that the other side does not name asks for nothing. Resources are
//! compared by identity (`identity`).

use std::collections::HashSet;

use super::identity::{Identities, each_resource, is_alias, lacks};
use super::names::{Likeness, Names};
use super::place::{Place, owner};
use super::structure::Types;
use super::{ExternName, Instance, Item, Origin, ResourceId, World, find};
use crate::diagnostic::WitPath;

/// What a host offers and demands.
#[derive(Clone, Copy, Debug)]
pub struct Host<'a> {
    /// The world that plugins must target.
    pub world: &'a World,
    /// Worlds whose imports the host links beside those of its own world.
    pub provides: &'a [World],
}

/// One place where the left side (a plugin, an exporter) does not fit the right side (a host, an
/// importer).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// What is wrong.
    pub kind: Kind,
    /// Where.
    pub path: WitPath,
    /// What the right side has there.
    pub expected: String,
    /// What the left side has there.
    pub found: String,
    /// A name on the right that looks like the one on the left, or the other way round.
    pub near: Option<String>,
}

/// What a mismatch is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The right side demands an export that the left side does not have.
    MissingExport,
    /// The left side imports what the right side does not offer.
    UnknownImport,
    /// Both have the item, with different types.
    Type,
    /// Both have a resource there, but not the same one.
    Resource,
}

/// How many mismatches are told. A component that misses its target at more places than anybody
/// reads must not cost the memory for all of them.
const MOST: usize = 10_000;

/// Compares a plugin's world with what a host offers and demands. Empty means: it targets.
pub fn targets(plugin: &World, host: Host<'_>) -> Vec<Mismatch> {
    let worlds: Vec<&World> = std::iter::once(host.world).chain(host.provides).collect();
    let mut walk = Walk::new(plugin, host.world, Identities::of_offers(&worlds));
    walk.supposes = true;

    // Imports first: they say which of the plugin's resources are which of the host's.
    let offers = Offers::of(&worlds);
    let mut pairs = Vec::new();
    for (name, item) in &plugin.imports {
        let offered = offers.find(name);
        for Offer { world, item: theirs } in &offered {
            each_resource(item, theirs, &mut |ours, theirs| {
                walk.identities.import(ours, world, theirs);
            });
        }
        if !offered.is_empty() {
            pairs.push((name, item, offered));
        } else if !asks_nothing(plugin, name) && !methods_of_missing(name, &plugin.imports, &offers)
        {
            walk.unknown_import(name, item, &offers);
        }
    }
    // Plain types of the world itself come last: what is wrong with one is told where it is used.
    let (types, asked): (Vec<_>, Vec<_>) =
        pairs.into_iter().partition(|(_, item, _)| matches!(item, Item::Type(_)));
    for (name, item, offered) in asked {
        walk.asked(&Place::root("import", name), item, &offered);
    }

    walk.right = host.world;
    let exports = Names::of(&plugin.exports);
    let mut pairs = Vec::new();
    for (name, demanded) in &host.world.exports {
        let Some((_, item)) = exports.find(name) else {
            walk.missing_export(name, demanded);
            continue;
        };
        each_resource(item, demanded, &mut |ours, theirs| {
            let is_import = matches!(host.world.resource(theirs).origin, Origin::Import(_));
            if !is_import && !walk.identities.wants(theirs) {
                walk.identities.want(theirs, plugin, ours);
            }
        });
        pairs.push((name, item, demanded));
    }
    for (name, item, demanded) in pairs {
        walk.given(&Place::root("export", name), item, demanded);
    }
    for (name, item, offered) in types {
        walk.asked(&Place::root("import", name), item, &offered);
    }
    walk.finish()
}

/// Compares one export of `exporter` with one import of `importer` that it is to feed.
/// Empty means: it fits.
pub fn fits(exporter: &World, export: &str, importer: &World, import: &str) -> Vec<Mismatch> {
    let (Some(given), Some(wanted)) = (exporter.exports.get(export), importer.imports.get(import))
    else {
        return vec![Mismatch {
            kind: Kind::MissingExport,
            path: WitPath::root("export", export),
            expected: format!("an export for `{import}`"),
            found: "none".to_owned(),
            near: None,
        }];
    };
    let mut walk = Walk::new(exporter, importer, Identities::default());
    for item in exporter.imports.values() {
        each_resource(item, item, &mut |ours, _| {
            walk.identities.number(ours);
        });
    }
    // The importer's resources are what feeds them: this export, others of the same exporter, or
    // what both import from elsewhere. Whether the rest of the wiring agrees is seen when the
    // result is validated.
    for (name, item) in &importer.imports {
        let here = name == import;
        let sources = if here {
            [Some(given), None]
        } else {
            let same = |table| find(table, name).map(|(_, item)| item);
            [same(&exporter.exports), same(&exporter.imports)]
        };
        let brings = |id: ResourceId| match &importer.resource(id).origin {
            Origin::Import(interface) => interface.as_ref().is_none_or(|from| from == name),
            Origin::Export(_) | Origin::Hidden => false,
        };
        for source in sources.into_iter().flatten() {
            each_resource(source, item, &mut |ours, theirs| {
                if brings(theirs) {
                    walk.identities.want(theirs, exporter, ours);
                }
            });
        }
    }
    walk.given(&Place::root("export", export), given, wanted);
    walk.finish()
}

/// Whether an import of the world needs nothing from a host: plain types are definitions, and so is
/// another name for a resource that came in before.
pub fn asks_nothing(world: &World, import: &str) -> bool {
    match world.imports.get(import) {
        Some(Item::Instance(instance)) => defines_only(world, import, instance),
        Some(item) => is_definition(world, import, None, item),
        None => true,
    }
}

fn defines_only(world: &World, import: &str, instance: &Instance) -> bool {
    instance.items.iter().all(|(name, item)| is_definition(world, import, Some(name), item))
}

/// The same of one item: the import itself, or what it has under a name.
pub(crate) fn is_definition(world: &World, import: &str, name: Option<&str>, item: &Item) -> bool {
    match item {
        Item::Type(_) => true,
        Item::Resource(id) => is_alias(world, *id, import, name),
        Item::Instance(instance) => defines_only(world, import, instance),
        Item::Func(_) | Item::Module(_) | Item::Component(_) | Item::Other(_) => false,
    }
}

/// Whether a bare function belongs to a resource of the world that the host does not have either:
/// then that is what there is to say.
fn methods_of_missing(
    name: &str,
    imports: &indexmap::IndexMap<String, Item>,
    offers: &Offers<'_>,
) -> bool {
    owner(name)
        .is_some_and(|resource| imports.contains_key(resource) && offers.find(resource).is_empty())
}

/// The imports of several worlds, each found by its exact name in any of them, else at the highest
/// version on its track.
struct Offers<'a>(Vec<(&'a World, Names<'a, Item>)>);

/// What one world has under a name.
#[derive(Clone, Copy)]
struct Offer<'a> {
    world: &'a World,
    item: &'a Item,
}

impl<'a> Offers<'a> {
    fn of(worlds: &[&'a World]) -> Offers<'a> {
        Offers(worlds.iter().map(|world| (*world, Names::of(&world.imports))).collect())
    }

    /// Every world that has the name, in order: what the first lacks of an interface, the others
    /// may have.
    fn find(&self, name: &str) -> Vec<Offer<'a>> {
        let best = self
            .0
            .iter()
            .filter_map(|(_, names)| names.find(name).map(|(key, _)| key))
            .max_by_key(|key| (*key == name, ExternName::parse(key).version));
        let Some(best) = best else { return Vec::new() };
        self.0
            .iter()
            .filter_map(|(world, _)| Some(Offer { world, item: world.imports.get(best)? }))
            .collect()
    }

    fn names(&self) -> impl Iterator<Item = &'a str> + Clone + '_ {
        self.0.iter().flat_map(|(world, _)| world.imports.keys().map(String::as_str))
    }
}

pub(super) struct Walk<'a> {
    pub(super) left: &'a World,
    pub(super) right: &'a World,
    identities: Identities,
    /// Whether what is missing on one side is told at its own place, and so not where it is used.
    supposes: bool,
    /// What was not told because something else explains it.
    supposed: Option<Mismatch>,
    /// Pairs of resources that were told, by the import or export where they met.
    told: HashSet<(String, ResourceId, ResourceId)>,
    pub(super) types: Types,
    pub(super) mismatches: Vec<Mismatch>,
    /// Whether there are more than are told. Then nothing more is looked for.
    pub(super) more: bool,
    pub(super) likeness: Likeness,
}

impl<'a> Walk<'a> {
    fn new(left: &'a World, right: &'a World, identities: Identities) -> Walk<'a> {
        Walk {
            left,
            right,
            identities,
            supposes: false,
            supposed: None,
            told: HashSet::new(),
            types: Types::default(),
            mismatches: Vec::new(),
            more: false,
            likeness: Likeness::default(),
        }
    }

    fn finish(mut self) -> Vec<Mismatch> {
        if self.mismatches.is_empty() {
            // Nothing explains it after all.
            self.mismatches.extend(self.supposed);
        }
        if let (true, Some(last)) = (self.more, self.mismatches.last_mut()) {
            last.found.push_str(" (there are more mismatches than are told)");
        }
        self.mismatches
    }

    pub(super) fn tell(&mut self, mismatch: impl FnOnce() -> Mismatch) {
        if self.mismatches.len() < MOST {
            self.mismatches.push(mismatch());
        } else {
            self.more = true;
        }
    }

    fn unknown_import(&mut self, name: &str, item: &Item, offers: &Offers<'_>) {
        let near = self.other_version(name, offers.names());
        let found = self.left.item(item);
        self.tell(|| Mismatch {
            kind: Kind::UnknownImport,
            path: WitPath::root("import", name),
            expected: "nothing of that name".to_owned(),
            found,
            near,
        });
    }

    fn missing_export(&mut self, name: &str, demanded: &Item) {
        let left = self.left;
        let near = self.other_version(name, left.exports.keys().map(String::as_str));
        let expected = self.right.item(demanded);
        self.tell(|| Mismatch {
            kind: Kind::MissingExport,
            path: WitPath::root("export", name),
            expected,
            found: "no such export".to_owned(),
            near,
        });
    }

    /// The same interface at another version explains more than a name that looks alike.
    fn other_version<'n>(
        &mut self,
        name: &str,
        known: impl Iterator<Item = &'n str> + Clone,
    ) -> Option<String> {
        let base = ExternName::parse(name).base;
        let versions = known.clone().find(|other| ExternName::parse(other).base == base);
        versions.or_else(|| self.likeness.nearest(name, known)).map(str::to_owned)
    }

    /// What the left side asks for must be there on the right, in one of the worlds that have this
    /// import.
    fn asked(&mut self, place: &Place<'_>, item: &Item, offered: &[Offer<'a>]) {
        let Some(first) = offered.first() else { return };
        let (Item::Instance(wanted), Item::Instance(instance)) = (item, first.item) else {
            self.right = first.world;
            return self.item(place, item, first.item);
        };
        let import = place.start().1;
        for (name, item) in types_first(wanted) {
            let place = place.into(name, item);
            let inside = |offer: &Offer<'a>| match offer.item {
                Item::Instance(instance) => {
                    let item = find(&instance.items, name)?.1;
                    Some(Offer { world: offer.world, item })
                }
                _ => None,
            };
            let offered: Vec<Offer<'a>> = offered.iter().filter_map(inside).collect();
            if !offered.is_empty() {
                self.asked(&place, item, &offered);
            } else if !is_definition(self.left, import, Some(name), item)
                && !explained(name, wanted, instance)
            {
                let found = self.left.item(item);
                let known = instance.items.keys().map(String::as_str);
                let near = self.likeness.nearest(name, known).map(str::to_owned);
                self.tell(|| Mismatch {
                    kind: Kind::UnknownImport,
                    path: place.path(),
                    expected: "nothing of that name".to_owned(),
                    found,
                    near,
                });
            }
        }
    }

    /// What the right side demands must be there on the left.
    fn given(&mut self, place: &Place<'_>, item: &Item, demanded: &Item) {
        let (Item::Instance(given), Item::Instance(demanded)) = (item, demanded) else {
            return self.item(place, item, demanded);
        };
        for (name, demanded_item) in types_first(demanded) {
            let place = place.into(name, demanded_item);
            match find(&given.items, name) {
                Some((_, item)) => self.given(&place, item, demanded_item),
                None if explained(name, demanded, given) => {}
                None => {
                    let expected = self.right.item(demanded_item);
                    let known = given.items.keys().map(String::as_str);
                    let near = self.likeness.nearest(name, known).map(str::to_owned);
                    self.tell(|| Mismatch {
                        kind: Kind::MissingExport,
                        path: place.path(),
                        expected,
                        found: "no such item".to_owned(),
                        near,
                    });
                }
            }
        }
    }

    /// Two items that are not both interfaces.
    fn item(&mut self, place: &Place<'_>, left: &Item, right: &Item) {
        match (left, right) {
            (Item::Func(left), Item::Func(right)) => self.func(place, left, right),
            (Item::Type(left), Item::Type(right)) => self.ty(place, *left, *right),
            (Item::Resource(left), Item::Resource(right)) => self.resource(place, *left, *right),
            (Item::Module(left), Item::Module(right)) => self.module(place, left, right),
            (Item::Component(left), Item::Component(right)) => self.component(place, left, right),
            // No call goes through a type alone.
            (Item::Other(left), Item::Other(right)) if left == right => {}
            _ => {
                let describe = |world: &World, item: &Item| match item {
                    Item::Instance(_) => "an interface".to_owned(),
                    item => world.item(item),
                };
                let expected = describe(self.right, right);
                let found = describe(self.left, left);
                self.differ(place, expected, found);
            }
        }
    }

    pub(super) fn resource(&mut self, place: &Place<'_>, left: ResourceId, right: ResourceId) {
        if self.identities.same(self.left, left, self.right, right) {
            return;
        }
        // Two resources that are taken for one are one finding in each interface.
        let (kind, name) = place.start();
        if !self.told.insert((format!("{kind} {name}"), left, right)) {
            return;
        }
        let mismatch = || Mismatch {
            kind: Kind::Resource,
            path: place.path(),
            expected: origin(self.right, right),
            found: origin(self.left, left),
            near: None,
        };
        if self.supposes && self.identities.suppose(self.left, left, self.right, right) {
            if self.supposed.is_none() {
                self.supposed = Some(mismatch());
            }
            return;
        }
        let mismatch = mismatch();
        self.tell(|| mismatch);
    }
}

/// Types before functions: what is wrong with a type is told where it is defined.
fn types_first(instance: &Instance) -> impl Iterator<Item = (&str, &Item)> {
    let is_func = |item: &Item| matches!(item, Item::Func(_));
    let items = || instance.items.iter().map(|(name, item)| (name.as_str(), item));
    items().filter(move |(_, i)| !is_func(i)).chain(items().filter(move |(_, i)| is_func(i)))
}

/// Whether a function that is missing belongs to a resource that is missing too.
pub(crate) fn explained(name: &str, here: &Instance, there: &Instance) -> bool {
    owner(name).is_some_and(|resource| !lacks(here, resource) && lacks(there, resource))
}

fn origin(world: &World, id: ResourceId) -> String {
    let resource = world.resource(id);
    let name = &resource.name;
    match &resource.origin {
        Origin::Import(Some(interface)) => format!("resource {name} of {interface}"),
        Origin::Import(None) => format!("the imported resource {name}"),
        Origin::Export(Some(interface)) => format!("a resource {name} that {interface} defines"),
        Origin::Export(None) => format!("a resource {name} of the component's own"),
        Origin::Hidden => "a resource without a name".to_owned(),
    }
}
