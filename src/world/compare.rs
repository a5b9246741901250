//! Does one world fit another? Every mismatch in one run, each with the path to its place.
//!
//! The comparison is an equality of structure, down to names and order, because that is what the
//! engine and composition demand of function types (wasmparser's `SubtypeCx::component_func_type`
//! says why). Width is allowed at two places only: an instance may have more than what is asked
//! of it, and a plain type that nobody uses asks for nothing. Resources are compared by identity:
//! a resource of the left world is the same as one of the right world only where both came out of
//! the same place of a matched import or export.

use std::collections::{HashMap, HashSet};

use super::{ExternName, Instance, Item, Origin, ResourceId, TypeId, World, find, nearest};
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

/// Compares a plugin's world with what a host offers and demands. Empty means: it targets.
pub fn targets(plugin: &World, host: Host<'_>) -> Vec<Mismatch> {
    let offers: Vec<&World> = std::iter::once(host.world).chain(host.provides).collect();
    let mut walk = Walk::new(plugin);

    // Imports first: they say which of the plugin's resources are which of the host's.
    let mut pairs = Vec::new();
    for (name, item) in &plugin.imports {
        if asks_nothing(item) {
            continue;
        }
        match offers.iter().find_map(|world| Some((*world, find(&world.imports, name)?))) {
            Some((world, (_, offered))) => {
                walk.bind_imports(item, offered, world);
                pairs.push((WitPath::root("import", name), item, offered, world));
            }
            None => {
                let known = offers.iter().flat_map(|world| world.imports.keys());
                walk.unknown_import(name, item, known.map(String::as_str));
            }
        }
    }
    for (path, item, offered, world) in pairs {
        walk.right = world;
        walk.asked(&path, item, offered);
    }

    let mut pairs = Vec::new();
    walk.right = host.world;
    for (name, demanded) in &host.world.exports {
        match find(&plugin.exports, name) {
            Some((_, item)) => {
                let demands = |r| !matches!(host.world.resource(r).origin, Origin::Import(_));
                walk.bind_exports(item, demanded, demands);
                pairs.push((WitPath::root("export", name), item, demanded));
            }
            None => walk.missing_export(name, demanded),
        }
    }
    for (path, item, demanded) in pairs {
        walk.given(&path, item, demanded);
    }
    walk.mismatches
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
    let mut walk = Walk::new(exporter);
    walk.right = importer;
    walk.all_reported = false;
    // What both import from elsewhere is the same resource where it comes from the same place, and
    // what the exporter gives beside this item is what the importer means by it. Whether the rest
    // of the wiring agrees is seen when the result is validated.
    for (name, item) in &exporter.imports {
        if let Some((_, same)) = find(&importer.imports, name) {
            walk.bind_imports(item, same, importer);
        }
    }
    for (name, item) in &importer.imports {
        if let Some((_, same)) = find(&exporter.exports, name) {
            walk.bind_exports(same, item, |_| true);
        }
    }
    walk.bind_exports(given, wanted, |_| true);
    walk.given(&WitPath::root("export", export), given, wanted);
    walk.mismatches
}

/// An import of a plain type needs nothing from a host: it is a definition, not a request.
pub fn asks_nothing(item: &Item) -> bool {
    match item {
        Item::Type(_) => true,
        Item::Instance(instance) => instance.items.values().all(asks_nothing),
        Item::Func(_) | Item::Resource(_) | Item::Other(_) => false,
    }
}

pub(super) struct Walk<'a> {
    pub(super) left: &'a World,
    pub(super) right: &'a World,
    /// What each resource that the left side imports is on the right side: the interface that it
    /// comes from, on its semver track, and its name. The same for every world of a host.
    imported: HashMap<ResourceId, String>,
    /// What each resource that the right side wants defined is on the left side.
    defined: HashMap<ResourceId, ResourceId>,
    /// Whether a resource without a binding has been reported already, with the item it is from.
    all_reported: bool,
    /// Pairs of types that were compared already, with the world of the right one. A mismatch
    /// inside a shared type is reported at the first place that uses it.
    pub(super) seen: HashSet<(TypeId, *const World, TypeId)>,
    pub(super) mismatches: Vec<Mismatch>,
}

impl<'a> Walk<'a> {
    fn new(left: &'a World) -> Walk<'a> {
        Walk {
            left,
            right: left,
            imported: HashMap::new(),
            defined: HashMap::new(),
            all_reported: true,
            seen: HashSet::new(),
            mismatches: Vec::new(),
        }
    }

    /// Binds the resources that an import of the left side brings in.
    fn bind_imports(&mut self, item: &Item, offered: &Item, world: &World) {
        each_resource(item, offered, &mut |ours, theirs| {
            if let Some(identity) = imported_as(world, theirs) {
                self.imported.entry(ours).or_insert(identity);
            }
        });
    }

    /// Binds the resources that the right side wants defined to those that the left side gives.
    fn bind_exports(
        &mut self,
        item: &Item,
        demanded: &Item,
        wants_defined: impl Fn(ResourceId) -> bool,
    ) {
        each_resource(item, demanded, &mut |ours, theirs| {
            if wants_defined(theirs) {
                self.defined.entry(theirs).or_insert(ours);
            }
        });
    }

    fn unknown_import<'n>(
        &mut self,
        name: &str,
        item: &Item,
        known: impl Iterator<Item = &'n str> + Clone,
    ) {
        // The same interface at another version explains more than a name that looks alike.
        let base = ExternName::parse(name).base;
        let versions = known.clone().find(|other| ExternName::parse(other).base == base);
        let near = versions.or_else(|| nearest(name, known)).map(str::to_owned);
        self.mismatches.push(Mismatch {
            kind: Kind::UnknownImport,
            path: WitPath::root("import", name),
            expected: "nothing of that name".to_owned(),
            found: self.left.item(item),
            near,
        });
    }

    fn missing_export(&mut self, name: &str, demanded: &Item) {
        let base = ExternName::parse(name).base;
        let exports = || self.left.exports.keys().map(String::as_str);
        let versions = exports().find(|other| ExternName::parse(other).base == base);
        let near = versions.or_else(|| nearest(name, exports())).map(str::to_owned);
        self.mismatches.push(Mismatch {
            kind: Kind::MissingExport,
            path: WitPath::root("export", name),
            expected: self.right.item(demanded),
            found: "no such export".to_owned(),
            near,
        });
    }

    /// What the left side asks for must be there on the right.
    fn asked(&mut self, path: &WitPath, item: &Item, offered: &Item) {
        match (item, offered) {
            (Item::Instance(wanted), Item::Instance(offered)) => {
                for (name, item) in &wanted.items {
                    if matches!(item, Item::Type(_)) && !offered.items.contains_key(name) {
                        continue; // A definition; where it matters, a function uses it.
                    }
                    let path = step(path, name, item);
                    match offered.items.get(name) {
                        Some(offered) => self.asked(&path, item, offered),
                        None => self.absent(Kind::UnknownImport, path, item, offered),
                    }
                }
            }
            _ => self.item(path, item, offered),
        }
    }

    /// What the right side demands must be there on the left.
    fn given(&mut self, path: &WitPath, item: &Item, demanded: &Item) {
        match (item, demanded) {
            (Item::Instance(given), Item::Instance(demanded)) => {
                for (name, demanded) in &demanded.items {
                    let path = step(path, name, demanded);
                    match given.items.get(name) {
                        Some(item) => self.given(&path, item, demanded),
                        None => self.lacking(path, given, name, demanded),
                    }
                }
            }
            _ => self.item(path, item, demanded),
        }
    }

    fn absent(&mut self, kind: Kind, path: WitPath, item: &Item, offered: &Instance) {
        let name = path.0.last().and_then(|segment| segment.name.clone()).unwrap_or_default();
        self.mismatches.push(Mismatch {
            kind,
            path,
            expected: "nothing of that name".to_owned(),
            found: self.left.item(item),
            near: nearest(&name, offered.items.keys().map(String::as_str)).map(str::to_owned),
        });
    }

    fn lacking(&mut self, path: WitPath, given: &Instance, name: &str, demanded: &Item) {
        self.mismatches.push(Mismatch {
            kind: Kind::MissingExport,
            path,
            expected: self.right.item(demanded),
            found: "no such item".to_owned(),
            near: nearest(name, given.items.keys().map(String::as_str)).map(str::to_owned),
        });
    }

    /// Two items that are no interfaces.
    fn item(&mut self, path: &WitPath, left: &Item, right: &Item) {
        match (left, right) {
            (Item::Func(left), Item::Func(right)) => self.func(path, left, right),
            (Item::Type(left), Item::Type(right)) => self.ty(path, *left, *right),
            (Item::Resource(left), Item::Resource(right)) => self.resource(path, *left, *right),
            _ => {
                let describe = |world: &World, item: &Item| match item {
                    Item::Instance(_) => "an interface".to_owned(),
                    item => world.item(item),
                };
                let expected = describe(self.right, right);
                let found = describe(self.left, left);
                self.differ(path.clone(), expected, found);
            }
        }
    }

    pub(super) fn resource(&mut self, path: &WitPath, left: ResourceId, right: ResourceId) {
        let defined = self.defined.get(&right);
        let theirs = imported_as(self.right, right);
        let ours = self.imported.get(&left);
        if defined == Some(&left) || (theirs.is_some() && ours == theirs.as_ref()) {
            return;
        }
        let imported = matches!(self.left.resource(left).origin, Origin::Import(_));
        let unbound = (imported && ours.is_none()) || (theirs.is_none() && defined.is_none());
        if self.all_reported && unbound {
            return;
        }
        self.mismatches.push(Mismatch {
            kind: Kind::Resource,
            path: path.clone(),
            expected: origin(self.right, right),
            found: origin(self.left, left),
            near: None,
        });
    }
}

/// Calls `each` for every resource that both items export under the same name.
fn each_resource(left: &Item, right: &Item, each: &mut impl FnMut(ResourceId, ResourceId)) {
    match (left, right) {
        (Item::Resource(left), Item::Resource(right)) => each(*left, *right),
        (Item::Instance(left), Item::Instance(right)) => {
            for (name, item) in &left.items {
                if let Some(other) = right.items.get(name) {
                    each_resource(item, other, each);
                }
            }
        }
        _ => {}
    }
}

/// Where an imported resource comes from: what makes it the same in every world of a host.
fn imported_as(world: &World, id: ResourceId) -> Option<String> {
    let resource = world.resource(id);
    match &resource.origin {
        Origin::Import(Some(interface)) => {
            let interface = ExternName::parse(interface).canonical();
            Some(format!("{interface}/{}", resource.name))
        }
        Origin::Import(None) => Some(resource.name.clone()),
        Origin::Export(_) | Origin::Hidden => None,
    }
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

/// The step into an interface: `func send`, `method feed of session`, `type level`.
fn step(path: &WitPath, name: &str, item: &Item) -> WitPath {
    match item {
        Item::Func(_) => path.then("func", Some(name)),
        Item::Type(_) => path.then("type", Some(name)),
        Item::Resource(_) => path.then("resource", Some(name)),
        Item::Instance(_) => path.then("interface", Some(name)),
        Item::Other(kind) => path.then(kind, Some(name)),
    }
}
