//! One world, taken apart into blocks: what each of its interfaces is in WIT, and what the world
//! itself has.

use std::collections::HashSet;

use indexmap::IndexMap;

use super::super::{Func, Item, Origin, ResourceId, Shape, TypeId, World};
use super::block::{Block, Form, path};
use super::homes::{Homes, Side, User, aliases, is_label};
use super::text::{Budget, Names, TooLarge, Types, escape};

/// How many things are named that WIT cannot say, before the rest is only counted.
const MAX_LEFT_OUT: usize = 50;

/// What WIT cannot say, in words.
#[derive(Clone, Debug, Default)]
pub(super) struct LeftOut {
    pub(super) named: Vec<String>,
    more: usize,
}

impl LeftOut {
    pub(super) fn push(&mut self, what: String) {
        if self.named.contains(&what) {
            return;
        }
        if self.named.len() < MAX_LEFT_OUT {
            self.named.push(what);
        } else {
            self.more += 1;
        }
    }

    pub(super) fn into_lines(mut self) -> Vec<String> {
        if self.more > 0 {
            self.named.push(format!("and {} more", self.more));
        }
        self.named
    }
}

/// A place while it is written.
pub(super) struct Scope<'p> {
    pub(super) user: User<'p>,
    /// Who defines what is the place's own.
    pub(super) own: Origin,
    /// What its types and resources are called there.
    names: Names,
    taken: HashSet<String>,
    /// What was given a name there because it has none.
    added: Vec<(String, Form)>,
}

impl<'p> Scope<'p> {
    pub(super) fn new(user: User<'p>, name: Option<&str>) -> Scope<'p> {
        let name = name.map(str::to_owned);
        let own = match user.side {
            Side::Import => Origin::Import(name),
            Side::Export => Origin::Export(name),
        };
        let (names, taken, added) = (Names::default(), HashSet::new(), Vec::new());
        Scope { user, own, names, taken, added }
    }

    /// For messages: `import a:b/c`, or the world.
    fn place(&self) -> String {
        match &self.own {
            Origin::Import(Some(name)) => format!("import {name}"),
            Origin::Export(Some(name)) => format!("export {name}"),
            _ => "the world".to_owned(),
        }
    }

    /// What was given a name since this was last asked for.
    pub(super) fn take_added(&mut self) -> Vec<(String, Form)> {
        std::mem::take(&mut self.added)
    }

    /// A name that nothing else has at the place.
    fn free(&mut self, wanted: &str) -> String {
        let wanted = if is_label(wanted) { wanted } else { "unnamed" };
        let mut name = wanted.to_owned();
        let mut n = 1;
        while !self.taken.insert(name.to_ascii_lowercase()) {
            n += 1;
            name = format!("{wanted}-{n}");
        }
        name
    }
}

/// Writes the parts of one world.
pub(super) struct Printer<'w> {
    pub(super) world: &'w World,
    pub(super) homes: Homes<'w>,
    pub(super) budget: &'w mut Budget,
    pub(super) left_out: &'w mut LeftOut,
    /// Whether value types are written out where they are used, instead of `use`d.
    pub(super) structural: bool,
}

impl Printer<'_> {
    /// The items of one interface, or those of the world itself that are no interfaces.
    pub(super) fn block<'i>(
        &mut self,
        scope: &mut Scope<'_>,
        items: impl Iterator<Item = (&'i String, &'i Item)> + Clone,
    ) -> Result<Block, TooLarge> {
        let types = || items.clone().filter(|(name, _)| is_label(name));
        for (name, item) in items.clone() {
            scope.taken.insert(name.to_ascii_lowercase());
            if !is_label(name) {
                continue;
            }
            match item {
                Item::Type(id) => {
                    scope.names.types.entry(*id).or_insert_with(|| name.clone());
                }
                Item::Resource(id) => {
                    scope.names.resources.entry(*id).or_insert_with(|| name.clone());
                }
                _ => {}
            }
        }
        // What a type here is another name for has that name here too.
        for (name, item) in types() {
            if let Item::Type(id) = item {
                for id in aliases(self.world, *id) {
                    scope.names.types.entry(id).or_insert_with(|| name.clone());
                }
            }
        }
        let mut block = Block::default();
        for (name, item) in types() {
            let form = match item {
                Item::Type(id) => self.named_type(scope, name, *id)?,
                Item::Resource(id) => self.named_resource(scope, name, *id),
                _ => continue,
            };
            block.0.insert(name.clone(), form);
        }
        for (name, item) in items {
            match item {
                Item::Func(func) => self.func(scope, &mut block, name, func)?,
                Item::Type(_) | Item::Resource(_) if is_label(name) => {}
                item => {
                    self.leave_out(scope, format!("{} is {}", quoted(name), article(item.kind())));
                }
            }
        }
        block.0.extend(scope.take_added());
        Ok(block)
    }

    fn leave_out(&mut self, scope: &Scope<'_>, what: String) {
        self.left_out.push(format!("{}: {what}", scope.place()));
    }

    fn used(&mut self, user: User<'_>, home: usize, name: &str) -> Form {
        let interface = &self.homes.interfaces[home];
        let from = path(user.package, &interface.package, interface.name);
        Form::Use { from, name: name.to_owned() }
    }

    fn named_type(
        &mut self,
        scope: &mut Scope<'_>,
        name: &str,
        id: TypeId,
    ) -> Result<Form, TooLarge> {
        if self.structural {
            return self.definition(scope, name, id);
        }
        if let Some((home, there)) = self.homes.of_type(self.world, scope.user, id) {
            return Ok(self.used(scope.user, home, there));
        }
        let local = |id| scope.names.types.get(&id).filter(|other| *other != name);
        match aliases(self.world, id).find_map(local) {
            Some(other) => Ok(Form::Type(format!("type {} = {};", escape(name), escape(other)))),
            None => self.definition(scope, name, id),
        }
    }

    fn definition(
        &mut self,
        scope: &mut Scope<'_>,
        name: &str,
        id: TypeId,
    ) -> Result<Form, TooLarge> {
        self.name_parts(scope, parts(self.world, id))?;
        self.budget.spend(name.len())?;
        let mut types = Types { world: self.world, names: &scope.names, budget: self.budget };
        let mut text = String::new();
        Ok(Form::Type(match &self.world.ty(id).shape {
            Shape::Record(_) | Shape::Variant(_) | Shape::Enum(_) | Shape::Flags(_) => {
                types.body(&mut text, id, ",\n  ")?;
                format!("{} {} {{\n  {text},\n}}", self.world.keyword(id), escape(name))
            }
            _ => {
                types.aliased(&mut text, id)?;
                format!("type {} = {text};", escape(name))
            }
        }))
    }

    fn named_resource(&mut self, scope: &mut Scope<'_>, name: &str, id: ResourceId) -> Form {
        match scope.names.resources.get(&id) {
            Some(other) if other != name => {
                return Form::Type(format!("type {} = {};", escape(name), escape(other)));
            }
            _ => {}
        }
        if let Some((home, there)) = self.homes.of_resource(scope.user, id) {
            return self.used(scope.user, home, there);
        }
        let origin = &self.world.resource(id).origin;
        if *origin != scope.own {
            let elsewhere = match origin {
                Origin::Import(Some(place)) => format!("of the import {}", quoted(place)),
                Origin::Export(Some(place)) => format!("of the export {}", quoted(place)),
                _ => "of another place".to_owned(),
            };
            self.leave_out(scope, format!("the resource {name} is the one {elsewhere}"));
        }
        Form::Resource(IndexMap::new())
    }

    fn func(
        &mut self,
        scope: &mut Scope<'_>,
        block: &mut Block,
        name: &str,
        func: &Func,
    ) -> Result<(), TooLarge> {
        let Some((resource, text)) = self.func_text(scope, name, func)? else {
            self.leave_out(scope, format!("{} is no name that WIT has", quoted(name)));
            return Ok(());
        };
        match resource.map(|resource| block.0.get_mut(&resource)) {
            None => {
                block.0.insert(name.to_owned(), Form::Func(text));
            }
            Some(Some(Form::Resource(funcs))) => {
                funcs.insert(name.to_owned(), text);
            }
            Some(_) => {
                self.leave_out(
                    scope,
                    format!("{} is of a resource of another place", quoted(name)),
                );
            }
        }
        Ok(())
    }

    /// A function as a line, with the resource that it belongs to. None where WIT has no such name.
    pub(super) fn func_text(
        &mut self,
        scope: &mut Scope<'_>,
        name: &str,
        func: &Func,
    ) -> Result<Option<(Option<String>, String)>, TooLarge> {
        let used = func.params.iter().map(|(_, ty)| *ty).chain(func.result);
        self.name_parts(scope, used.map(Part::Type).collect())?;
        self.budget.spend(name.len())?;
        let mut types = Types { world: self.world, names: &scope.names, budget: self.budget };
        let word = if func.is_async { "async func" } else { "func" };
        let mut text = String::new();
        let of = |rest: &str| {
            let (resource, method) = rest.split_once('.')?;
            Some((Some(resource.to_owned()), escape(method)))
        };
        if let Some((resource, method)) = name.strip_prefix("[method]").and_then(of) {
            types.signature(&mut text, func, 1)?;
            return Ok(Some((resource, format!("{method}: {word}{text};"))));
        }
        if let Some((resource, method)) = name.strip_prefix("[static]").and_then(of) {
            types.signature(&mut text, func, 0)?;
            return Ok(Some((resource, format!("{method}: static {word}{text};"))));
        }
        if let Some(resource) = name.strip_prefix("[constructor]") {
            types.params(&mut text, func)?;
            // The result is the resource, or a `result` of it, where WIT wants the resource's own
            // name and nothing that stands for it.
            if let Some(Shape::Result(_, err)) = func.result.map(|ty| &self.world.ty(ty).shape) {
                text.push_str(&format!(" -> result<{}", escape(resource)));
                if let Some(err) = err {
                    text.push_str(", ");
                    types.used(&mut text, *err)?;
                }
                text.push('>');
            }
            return Ok(Some((Some(resource.to_owned()), format!("constructor{text};"))));
        }
        if !is_label(name) {
            return Ok(None);
        }
        types.signature(&mut text, func, 0)?;
        Ok(Some((None, format!("{}: {word}{text};", escape(name)))))
    }

    /// Gives everything inside a type that WIT cannot write without a name one at this place.
    fn name_parts(&mut self, scope: &mut Scope<'_>, mut open: Vec<Part>) -> Result<(), TooLarge> {
        let world = self.world;
        let mut seen = HashSet::new();
        while let Some(part) = open.pop() {
            match part {
                Part::Type(id) if scope.names.types.contains_key(&id) || !seen.insert(id) => {}
                Part::Type(id) => match &world.ty(id).shape {
                    Shape::Record(_) | Shape::Variant(_) | Shape::Enum(_) | Shape::Flags(_) => {
                        self.add_type(scope, id)?;
                    }
                    _ => open.extend(parts(world, id)),
                },
                Part::Resource(id) if scope.names.resources.contains_key(&id) => {}
                Part::Resource(id) => self.add_resource(scope, id),
            }
        }
        Ok(())
    }

    fn add_type(&mut self, scope: &mut Scope<'_>, id: TypeId) -> Result<(), TooLarge> {
        let wanted = self.world.ty(id).name.as_deref().unwrap_or("unnamed");
        let name = scope.free(wanted);
        scope.names.types.insert(id, name.clone());
        let form = match self.homes.of_type(self.world, scope.user, id) {
            Some((home, there)) if !self.structural => self.used(scope.user, home, there),
            _ => self.definition(scope, &name, id)?,
        };
        self.leave_out(scope, format!("the type {name} has no name of its own there"));
        scope.added.push((name, form));
        Ok(())
    }

    fn add_resource(&mut self, scope: &mut Scope<'_>, id: ResourceId) {
        let name = scope.free(&self.world.resource(id).name);
        scope.names.resources.insert(id, name.clone());
        let form = match self.homes.of_resource(scope.user, id) {
            Some((home, there)) => self.used(scope.user, home, there),
            None => Form::Resource(IndexMap::new()),
        };
        self.leave_out(scope, format!("the resource {name} has no name of its own there"));
        scope.added.push((name, form));
    }
}

/// What a type is made of, one step down.
enum Part {
    Type(TypeId),
    Resource(ResourceId),
}

fn parts(world: &World, id: TypeId) -> Vec<Part> {
    let some = |ids: [Option<TypeId>; 2]| ids.into_iter().flatten().map(Part::Type).collect();
    match &world.ty(id).shape {
        Shape::Primitive(_) | Shape::Enum(_) | Shape::Flags(_) => Vec::new(),
        Shape::Record(fields) => fields.iter().map(|(_, ty)| Part::Type(*ty)).collect(),
        Shape::Variant(cases) => cases.iter().filter_map(|(_, ty)| ty.map(Part::Type)).collect(),
        Shape::Tuple(types) => types.iter().copied().map(Part::Type).collect(),
        Shape::List(ty) | Shape::FixedList(ty, _) | Shape::Option(ty) => some([Some(*ty), None]),
        Shape::Map(key, value) => some([Some(*key), Some(*value)]),
        Shape::Result(ok, err) => some([*ok, *err]),
        Shape::Future(ty) | Shape::Stream(ty) => some([*ty, None]),
        Shape::Own(id) | Shape::Borrow(id) => vec![Part::Resource(*id)],
    }
}

/// A name in a comment, whatever it consists of.
pub(super) fn quoted(name: &str) -> String {
    format!("`{}`", name.escape_debug())
}

fn article(kind: &str) -> String {
    let article = if kind.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {kind}")
}
