//! Resource closures. Who takes an import from somewhere else has its resources from there, and so
//! whatever mentions them must come along: an interface that uses them is about other handles
//! otherwise.

use indexmap::IndexMap;

use super::{Func, Item, Origin, ResourceId, Shape, TypeId, World};

/// A resource that something uses, and the import that it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uses {
    /// The resource.
    pub resource: String,
    /// The import that defines it.
    pub of: String,
}

/// What moves together.
#[derive(Clone, Debug, Default)]
pub struct Along {
    /// The functions and interfaces that were picked, and those that come along because of what they
    /// use, in the order of the world.
    pub imports: IndexMap<String, Option<Uses>>,
    /// What uses their resources and cannot come along, because it is no function or interface that is
    /// imported: `export` or `import`, and its name.
    pub stays: Vec<(&'static str, String, Uses)>,
    /// The imports in groups: those of different groups have no resource in common.
    pub groups: Vec<Vec<String>>,
}

/// Picks imports of a world, functions and interfaces, and everything that has to come along.
pub fn along(world: &World, picks: impl Fn(&str) -> bool) -> Along {
    let users = Users::of(world);
    let mut walk = Walk {
        world,
        users: &users,
        marked: vec![false; world.types.len()],
        why: vec![None; users.places.len()],
        groups: (0..users.places.len() + world.types.len() + world.resources.len()).collect(),
        todo: Vec::new(),
    };
    let mut picked = vec![false; users.places.len()];
    for (place, (name, item)) in world.imports.iter().enumerate() {
        if matches!(item, Item::Func(_) | Item::Instance(_)) && picks(name) {
            picked[place] = true;
            walk.todo.push(place);
        }
    }
    let homes = homes(world);
    while let Some(place) = walk.todo.pop() {
        for resource in homes.get(place).into_iter().flatten() {
            walk.spread(*resource, &mut picked);
        }
    }
    let mut found = Along::default();
    let mut groups: IndexMap<usize, Vec<String>> = IndexMap::new();
    for (place, (kind, name)) in users.places.iter().enumerate() {
        if picked[place] {
            found.imports.insert((*name).clone(), walk.why[place].clone());
            groups.entry(walk.group(place)).or_default().push((*name).clone());
        } else if let Some(why) = walk.why[place].clone() {
            found.stays.push((kind, (*name).clone(), why));
        }
    }
    found.groups = groups.into_values().collect();
    found
}

/// The resources that each import defines, by its position.
fn homes(world: &World) -> Vec<Vec<ResourceId>> {
    let mut homes = vec![Vec::new(); world.imports.len()];
    for (index, resource) in world.resources.iter().enumerate() {
        if let Origin::Import(Some(home)) = &resource.origin
            && let Some(place) = world.imports.get_index_of(home)
        {
            homes[place].push(ResourceId(index));
        }
    }
    homes
}

/// A thing that mentions another.
#[derive(Clone, Copy)]
enum User {
    Type(TypeId),
    /// An import or an export, by its position: exports follow the imports.
    Place(usize),
}

/// Who mentions each type and each resource directly.
struct Users<'w> {
    places: Vec<(&'static str, &'w String)>,
    of_type: Vec<Vec<User>>,
    of_resource: Vec<Vec<User>>,
}

impl<'w> Users<'w> {
    fn of(world: &'w World) -> Users<'w> {
        let mut users = Users {
            places: Vec::new(),
            of_type: vec![Vec::new(); world.types.len()],
            of_resource: vec![Vec::new(); world.resources.len()],
        };
        for (index, ty) in world.types.iter().enumerate() {
            users.shape(&ty.shape, User::Type(TypeId(index)));
        }
        let imports = world.imports.iter().map(|named| ("import", named));
        let exports = world.exports.iter().map(|named| ("export", named));
        for (place, (kind, (name, item))) in imports.chain(exports).enumerate() {
            users.places.push((kind, name));
            users.item(item, User::Place(place));
        }
        users
    }

    fn item(&mut self, item: &Item, user: User) {
        match item {
            Item::Func(Func { params, result, .. }) => {
                params.iter().for_each(|(_, ty)| self.ty(*ty, user));
                self.maybe(*result, user);
            }
            Item::Instance(instance) => {
                instance.items.values().for_each(|item| self.item(item, user));
            }
            Item::Type(ty) => self.ty(*ty, user),
            Item::Resource(resource) => self.of_resource[resource.0].push(user),
            Item::Module(_) | Item::Component(_) | Item::Other(_) => {}
        }
    }

    fn ty(&mut self, ty: TypeId, user: User) {
        self.of_type[ty.0].push(user);
    }

    fn maybe(&mut self, ty: Option<TypeId>, user: User) {
        if let Some(ty) = ty {
            self.ty(ty, user);
        }
    }

    fn shape(&mut self, shape: &Shape, user: User) {
        match shape {
            Shape::Primitive(_) | Shape::Enum(_) | Shape::Flags(_) => {}
            Shape::Record(fields) => fields.iter().for_each(|(_, ty)| self.ty(*ty, user)),
            Shape::Variant(cases) => cases.iter().for_each(|(_, ty)| self.maybe(*ty, user)),
            Shape::Tuple(types) => types.iter().for_each(|ty| self.ty(*ty, user)),
            Shape::List(ty) | Shape::FixedList(ty, _) | Shape::Option(ty) => self.ty(*ty, user),
            Shape::Map(key, value) => {
                self.ty(*key, user);
                self.ty(*value, user);
            }
            Shape::Result(ok, err) => {
                self.maybe(*ok, user);
                self.maybe(*err, user);
            }
            Shape::Future(ty) | Shape::Stream(ty) => self.maybe(*ty, user),
            Shape::Own(resource) | Shape::Borrow(resource) => {
                self.of_resource[resource.0].push(user);
            }
        }
    }
}

/// From resources to all that mentions them: each type is gone through once, whatever the number of
/// imports.
struct Walk<'w> {
    world: &'w World,
    users: &'w Users<'w>,
    marked: Vec<bool>,
    why: Vec<Option<Uses>>,
    /// What is of one group, as a forest: places, then types, then resources.
    groups: Vec<usize>,
    /// Imports whose resources are still to be followed.
    todo: Vec<usize>,
}

impl Walk<'_> {
    fn spread(&mut self, resource: ResourceId, picked: &mut [bool]) {
        let world = self.world;
        let types = self.users.places.len();
        let known = world.resource(resource);
        let Origin::Import(Some(home)) = &known.origin else { return };
        let users = self.users;
        let mut todo: Vec<(usize, &[User])> =
            vec![(types + world.types.len() + resource.0, &users.of_resource[resource.0])];
        while let Some((from, users_here)) = todo.pop() {
            for user in users_here {
                match *user {
                    User::Type(ty) => {
                        self.join(from, types + ty.0);
                        if !std::mem::replace(&mut self.marked[ty.0], true) {
                            todo.push((types + ty.0, &users.of_type[ty.0]));
                        }
                    }
                    User::Place(place) => {
                        let item = world.imports.get_index(place).map(|(_, item)| item);
                        if matches!(item, Some(Item::Func(_) | Item::Instance(_))) {
                            self.join(from, place);
                            if !std::mem::replace(&mut picked[place], true) {
                                self.why[place] = Some(uses(&known.name, home));
                                self.todo.push(place);
                            }
                        } else if self.why[place].is_none() {
                            self.why[place] = Some(uses(&known.name, home));
                        }
                    }
                }
            }
        }
    }

    fn group(&mut self, mut at: usize) -> usize {
        while self.groups[at] != at {
            self.groups[at] = self.groups[self.groups[at]];
            at = self.groups[at];
        }
        at
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.group(a), self.group(b));
        // The lower one stands for both, so that groups come in the order of the world.
        self.groups[a.max(b)] = a.min(b);
    }
}

fn uses(resource: &str, of: &str) -> Uses {
    Uses { resource: resource.to_owned(), of: of.to_owned() }
}

#[cfg(test)]
#[allow(clippy::expect_used, reason = "a test says what it needs by failing")]
mod tests {
    use super::*;
    use crate::component::FEATURES;
    use crate::world::load;

    fn world_of(wit: &str) -> World {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("test.wit");
        std::fs::write(&path, wit).expect("a file");
        load(&[path], &[]).expect("WIT").world(None, FEATURES).expect("a world")
    }

    const WIT: &str = "
        package a:b;
        interface base { resource r; resource q; }
        interface maker { use base.{r}; record box { inner: option<r> } make: func() -> list<box>; }
        interface other { use base.{q}; f: func(q: borrow<q>); }
        interface apart { resource z; f: func(z: z); g: func() -> u32; }
        interface plain { f: func() -> list<u32>; }
        world w {
          import base; import maker; import other; import apart; import plain;
          import loose: func(m: u32);
          use base.{r};
          import takes: func(r: r);
          export give: func() -> r;
        }";

    #[test]
    fn what_uses_a_resource_comes_along() {
        let world = world_of(WIT);
        let found = along(&world, |name| name == "a:b/base");
        let names: Vec<&str> = found.imports.keys().map(String::as_str).collect();
        assert_eq!(names, ["a:b/base", "a:b/maker", "a:b/other", "takes"]);
        assert_eq!(found.imports["a:b/base"], None);
        assert_eq!(found.imports["a:b/maker"], Some(uses("r", "a:b/base")));
        assert_eq!(found.groups.len(), 1);
        let stays: Vec<(&str, &str)> =
            found.stays.iter().map(|(kind, name, _)| (*kind, name.as_str())).collect();
        assert_eq!(stays, [("import", "r"), ("export", "give")]);
    }

    #[test]
    fn what_is_only_used_stays() {
        let world = world_of(WIT);
        let found = along(&world, |name| name == "a:b/maker" || name == "loose");
        let names: Vec<&str> = found.imports.keys().map(String::as_str).collect();
        assert_eq!(names, ["a:b/maker", "loose"]);
        assert_eq!(found.groups, [["a:b/maker"], ["loose"]]);
        assert!(found.stays.is_empty());
    }

    #[test]
    fn groups_share_no_resource() {
        let found = along(&world_of(WIT), |_| true);
        let groups: Vec<Vec<&str>> =
            found.groups.iter().map(|group| group.iter().map(String::as_str).collect()).collect();
        let first = vec!["a:b/base", "a:b/maker", "a:b/other", "takes"];
        assert!(groups.contains(&first), "{groups:?}");
        assert!(groups.contains(&vec!["a:b/apart"]), "{groups:?}");
        assert!(groups.contains(&vec!["a:b/plain"]), "{groups:?}");
        assert_eq!(groups.len(), 4, "{groups:?}");
    }
}
