//! A part of a world as WIT text: the interfaces that a stub exports, and of the others the
//! resources that they use. The text is parsed again at once, and is read by nobody else.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use indexmap::IndexMap;

use crate::world::{ExternName, Func, Instance, Item, Origin, ResourceId, Shape, TypeId, World};

/// The name of the world in the text.
pub const WORLD: &str = "stub";

/// The most text that one interface may come to, in bytes: types share parts, and text does not.
const MAX: usize = 1 << 23;

/// Writes a world that exports these imports of `world`.
///
/// Value types are written out where they are used, so that they ask nothing of another interface;
/// resources are used from the interface that defines them, so that their identity holds.
///
/// # Errors
///
/// What it is that WIT cannot express, in words.
pub fn wit(world: &World, names: &[String]) -> Result<String, String> {
    let mut text = Text { world, packages: BTreeMap::new(), foreign: IndexMap::new() };
    let mut exports = String::new();
    let mut root = Scope::new(None, None, &Instance::default());
    for name in names {
        match world.imports.get(name) {
            Some(Item::Instance(instance)) => {
                let body = text.interface(name, instance)?;
                match package_of(name) {
                    Some((package, interface)) => {
                        let body = format!("interface %{interface} {{\n{body}}}\n");
                        text.packages.entry(package).or_default().push_str(&body);
                        let _ = writeln!(exports, "  export {};", path(name));
                    }
                    None => {
                        let _ = writeln!(exports, "  export %{name}: interface {{\n{body}}}");
                    }
                }
            }
            Some(Item::Func(_)) if name.starts_with('[') => {
                return Err(format!("{name} belongs to a resource that comes from no interface"));
            }
            Some(Item::Func(func)) => {
                let ty = text.func(&mut root, func, Style::Function)?;
                let _ = writeln!(exports, "  export %{name}: {ty};");
            }
            Some(item) => return Err(format!("{name} is a {}", item.kind())),
            None => return Err(format!("there is no import {name}")),
        }
    }
    let mut foreign: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (owner, resource) in text.foreign.keys() {
        if !names.contains(owner) {
            foreign.entry(owner).or_default().insert(resource);
        }
    }
    for (owner, resources) in foreign {
        let Some((package, interface)) = package_of(owner) else {
            return Err(format!("it uses a resource of {owner}, which has no package"));
        };
        let resources: String = resources.iter().map(|name| format!("resource %{name};")).collect();
        let body = format!("interface %{interface} {{ {resources} }}\n");
        text.packages.entry(package).or_default().push_str(&body);
    }
    let mut out = "package plugtool:stub;\n".to_owned();
    for (package, body) in &text.packages {
        let _ = writeln!(out, "package {package} {{\n{body}}}");
    }
    let _ = writeln!(out, "world {WORLD} {{\n{}{exports}}}", root.head);
    Ok(out)
}

struct Text<'a> {
    world: &'a World,
    /// Packages with their version, and what is in them.
    packages: BTreeMap<String, String>,
    /// Resources that are used: interface and name.
    foreign: IndexMap<(String, String), ()>,
}

/// What an interface, or the world itself, has named so far.
struct Scope {
    /// Its name in the world; none for the world itself.
    name: Option<String>,
    package: Option<String>,
    types: IndexMap<TypeId, String>,
    resources: IndexMap<ResourceId, String>,
    taken: BTreeSet<String>,
    /// Definitions.
    head: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    Function,
    Method,
    Constructor,
}

impl Scope {
    fn new(name: Option<&str>, package: Option<String>, instance: &Instance) -> Scope {
        let mut scope = Scope {
            name: name.map(str::to_owned),
            package,
            types: IndexMap::new(),
            resources: IndexMap::new(),
            taken: instance.items.keys().cloned().collect(),
            head: String::new(),
        };
        for (name, item) in &instance.items {
            match item {
                Item::Type(id) => {
                    scope.types.entry(*id).or_insert_with(|| name.clone());
                }
                Item::Resource(id) => {
                    scope.resources.entry(*id).or_insert_with(|| name.clone());
                }
                _ => {}
            }
        }
        scope
    }

    /// A name that nothing in the scope has.
    fn fresh(&mut self, wish: &str) -> String {
        let mut name = wish.to_owned();
        let mut next = 2;
        while !self.taken.insert(name.clone()) {
            name = format!("{wish}-n{next}");
            next += 1;
        }
        name
    }
}

impl Text<'_> {
    fn interface(&mut self, name: &str, instance: &Instance) -> Result<String, String> {
        let package = package_of(name).map(|(package, _)| package);
        let mut scope = Scope::new(Some(name), package, instance);
        let mut body = String::new();
        let mut methods: IndexMap<&str, String> = IndexMap::new();
        for (item_name, item) in &instance.items {
            if body.len() + scope.head.len() > MAX {
                return Err(format!("the types of {name} are too large to write out"));
            }
            let Item::Func(func) = item else { continue };
            let (style, resource, last) = take_apart(item_name);
            let ty = self.func(&mut scope, func, style)?;
            match resource {
                None => {
                    let _ = writeln!(body, "%{last}: {ty};");
                }
                Some(resource) => {
                    let fixed = if item_name.starts_with("[static]") { "static " } else { "" };
                    let line = match style {
                        Style::Constructor => format!("{ty};"),
                        _ => format!("%{last}: {fixed}{ty};"),
                    };
                    methods.entry(resource).or_default().push_str(&line);
                }
            }
        }
        for (item_name, item) in &instance.items {
            match item {
                Item::Type(id) => {
                    let line = self.define(&mut scope, item_name, *id)?;
                    scope.head.push_str(&line);
                }
                Item::Resource(id) => {
                    let known = &scope.resources[id];
                    let line = if known != item_name {
                        format!("type %{item_name} = %{known};\n")
                    } else {
                        match self.owner(*id)? {
                            (owner, _) if owner == name => {
                                let methods = methods.get(item_name.as_str());
                                let methods = methods.map_or("", String::as_str);
                                format!("resource %{item_name} {{ {methods} }}\n")
                            }
                            (owner, there) => self.using(&scope, &owner, &there, item_name),
                        }
                    };
                    scope.head.push_str(&line);
                }
                Item::Func(_) => {}
                other => return Err(format!("{name} has a {} in it", other.kind())),
            }
        }
        Ok(scope.head + &body)
    }

    /// The interface that a resource comes from, and its name there.
    fn owner(&self, id: ResourceId) -> Result<(String, String), String> {
        let resource = self.world.resource(id);
        match &resource.origin {
            Origin::Import(Some(interface)) => Ok((interface.clone(), resource.name.clone())),
            _ => Err(format!("the resource {} comes from no interface", resource.name)),
        }
    }

    fn using(&mut self, scope: &Scope, owner: &str, there: &str, here: &str) -> String {
        self.foreign.insert((owner.to_owned(), there.to_owned()), ());
        let from = match package_of(owner) {
            Some((package, interface)) if scope.package.as_ref() == Some(&package) => {
                format!("%{interface}")
            }
            _ => path(owner),
        };
        format!("use {from}.{{%{there} as %{here}}};\n")
    }

    fn resource(&mut self, scope: &mut Scope, id: ResourceId) -> Result<String, String> {
        if let Some(name) = scope.resources.get(&id) {
            return Ok(format!("%{name}"));
        }
        let (owner, there) = self.owner(id)?;
        if scope.name.as_deref() == Some(&owner) {
            return Err(format!("the resource {there} has no name in {owner}"));
        }
        let here = scope.fresh(&there);
        let line = self.using(scope, &owner, &there, &here);
        scope.head.push_str(&line);
        scope.resources.insert(id, here.clone());
        Ok(format!("%{here}"))
    }

    fn func(&mut self, scope: &mut Scope, func: &Func, style: Style) -> Result<String, String> {
        let implied = usize::from(style == Style::Method);
        let mut params = Vec::new();
        for (name, ty) in func.params.iter().skip(implied) {
            params.push(format!("%{name}: {}", self.ty(scope, *ty)?));
        }
        let result = match func.result {
            Some(ty) if style == Style::Constructor => match &self.world.ty(ty).shape {
                Shape::Own(_) => None,
                _ => Some(ty),
            },
            result => result,
        };
        let result = match result {
            Some(ty) => format!(" -> {}", self.ty(scope, ty)?),
            None => String::new(),
        };
        let keyword = match (style, func.is_async) {
            (Style::Constructor, _) => "constructor",
            (_, true) => "async func",
            (_, false) => "func",
        };
        Ok(format!("{keyword}({}){result}", params.join(", ")))
    }

    /// A type where it is used: by its name in the scope, or by its structure. What must have a
    /// name gets one.
    fn ty(&mut self, scope: &mut Scope, id: TypeId) -> Result<String, String> {
        if let Some(name) = scope.types.get(&id) {
            return Ok(format!("%{name}"));
        }
        let world = self.world;
        match &world.ty(id).shape {
            Shape::Record(_) | Shape::Variant(_) | Shape::Enum(_) | Shape::Flags(_) => {
                let wish = world.ty(id).name.as_deref().unwrap_or("unnamed");
                let name = scope.fresh(wish);
                let line = self.define(scope, &name, id)?;
                scope.head.push_str(&line);
                scope.types.insert(id, name.clone());
                Ok(format!("%{name}"))
            }
            shape => self.shape(scope, shape),
        }
    }

    fn shape(&mut self, scope: &mut Scope, shape: &Shape) -> Result<String, String> {
        let mut of = |id: &TypeId| self.ty(scope, *id);
        Ok(match shape {
            Shape::Primitive(name) => (*name).to_owned(),
            Shape::Tuple(types) => {
                let types = types.iter().map(of).collect::<Result<Vec<_>, _>>()?;
                format!("tuple<{}>", types.join(", "))
            }
            Shape::List(ty) => format!("list<{}>", of(ty)?),
            Shape::FixedList(ty, length) => format!("list<{}, {length}>", of(ty)?),
            Shape::Map(key, value) => format!("map<{}, {}>", of(key)?, of(value)?),
            Shape::Option(ty) => format!("option<{}>", of(ty)?),
            Shape::Result(None, None) => "result".to_owned(),
            Shape::Result(Some(ok), None) => format!("result<{}>", of(ok)?),
            Shape::Result(None, Some(err)) => format!("result<_, {}>", of(err)?),
            Shape::Result(Some(ok), Some(err)) => format!("result<{}, {}>", of(ok)?, of(err)?),
            Shape::Own(id) => self.resource(scope, *id)?,
            Shape::Borrow(id) => format!("borrow<{}>", self.resource(scope, *id)?),
            Shape::Future(None) => "future".to_owned(),
            Shape::Future(Some(ty)) => format!("future<{}>", of(ty)?),
            Shape::Stream(None) => "stream".to_owned(),
            Shape::Stream(Some(ty)) => format!("stream<{}>", of(ty)?),
            Shape::Record(_) | Shape::Variant(_) | Shape::Enum(_) | Shape::Flags(_) => {
                return Err("a type without a name".to_owned());
            }
        })
    }

    fn define(&mut self, scope: &mut Scope, name: &str, id: TypeId) -> Result<String, String> {
        let world = self.world;
        let mut members = Vec::new();
        let keyword = match &world.ty(id).shape {
            Shape::Record(fields) => {
                for (field, ty) in fields {
                    members.push(format!("%{field}: {}", self.ty(scope, *ty)?));
                }
                "record"
            }
            Shape::Variant(cases) => {
                for (case, ty) in cases {
                    members.push(match ty {
                        Some(ty) => format!("%{case}({})", self.ty(scope, *ty)?),
                        None => format!("%{case}"),
                    });
                }
                "variant"
            }
            Shape::Enum(names) => {
                members.extend(names.iter().map(|name| format!("%{name}")));
                "enum"
            }
            Shape::Flags(names) => {
                members.extend(names.iter().map(|name| format!("%{name}")));
                "flags"
            }
            shape => return Ok(format!("type %{name} = {};\n", self.shape(scope, shape)?)),
        };
        Ok(format!("{keyword} %{name} {{ {} }}\n", members.join(", ")))
    }
}

/// `[method]r.f` and its like taken apart: how it is written, its resource, its last name.
fn take_apart(name: &str) -> (Style, Option<&str>, &str) {
    if let Some(resource) = name.strip_prefix("[constructor]") {
        return (Style::Constructor, Some(resource), resource);
    }
    for (prefix, style) in [("[method]", Style::Method), ("[static]", Style::Function)] {
        if let Some((resource, last)) = name.strip_prefix(prefix).and_then(|n| n.split_once('.')) {
            return (style, Some(resource), last);
        }
    }
    (Style::Function, None, name)
}

/// `ns:pkg@1.0.0` as a package is declared, and the interface, of `ns:pkg/interface@1.0.0`.
fn package_of(name: &str) -> Option<(String, String)> {
    let parsed = ExternName::parse(name);
    let (package, interface) = parsed.base.split_once('/')?;
    let (namespace, package) = package.split_once(':')?;
    let version = parsed.version.map_or(String::new(), |version| format!("@{version}"));
    Some((format!("%{namespace}:%{package}{version}"), interface.to_owned()))
}

/// The name of an interface as WIT writes it.
fn path(name: &str) -> String {
    match package_of(name) {
        Some((package, interface)) => match package.split_once('@') {
            Some((package, version)) => format!("{package}/%{interface}@{version}"),
            None => format!("{package}/%{interface}"),
        },
        None => format!("%{name}"),
    }
}
