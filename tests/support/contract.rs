//! A contract as data: packages of interfaces and one world over them, written out as WIT. Every
//! name in it is there only once, so that a name says which item is meant.

#[path = "contract/text.rs"]
mod text;

use std::fmt::Write as _;

use text::{decl_text, func_text, with_version};

/// Packages and a world. The last package holds the world.
#[derive(Clone, Debug, PartialEq)]
pub struct Contract {
    pub packages: Vec<Package>,
    pub world: World,
    /// The same packages once more, at other versions; the world imports their interfaces too.
    pub twins: Vec<Package>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Package {
    /// `ns:name`.
    pub name: String,
    pub version: Option<String>,
    pub interfaces: Vec<Body>,
}

/// What is between the braces of an interface, or of a world as far as it is the same.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Body {
    pub name: String,
    pub uses: Vec<Use>,
    pub types: Vec<TypeDecl>,
    pub resources: Vec<Resource>,
    pub funcs: Vec<Func>,
}

/// `use from.{name as alias}`.
#[derive(Clone, Debug, PartialEq)]
pub struct Use {
    pub from: String,
    pub name: String,
    pub alias: Option<String>,
}

impl Use {
    /// What it is called where it is used.
    pub fn local(&self) -> &str {
        self.alias.as_ref().unwrap_or(&self.name)
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct TypeDecl {
    pub name: String,
    pub def: Def,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Def {
    Record(Vec<Member>),
    Variant(Vec<Member>),
    Enum(Vec<Member>),
    Flags(Vec<Member>),
    Alias(Ty),
}

/// A field, a case or a flag, with its type where it has one.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    pub name: String,
    pub ty: Option<Ty>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    pub name: String,
    pub funcs: Vec<Func>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FuncKind {
    Free,
    Method,
    Static,
    Constructor,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Func {
    pub name: String,
    pub kind: FuncKind,
    pub is_async: bool,
    pub params: Vec<(String, Ty)>,
    pub result: Option<Ty>,
}

/// A type where it is used. A resource by its name is an owned handle.
#[derive(Clone, Debug, PartialEq)]
pub enum Ty {
    Prim(&'static str),
    Named(String),
    Borrow(String),
    List(Box<Ty>),
    Option(Box<Ty>),
    Result(Option<Box<Ty>>, Option<Box<Ty>>),
    Tuple(Vec<Ty>),
    Future(Option<Box<Ty>>),
    Stream(Option<Box<Ty>>),
}

#[derive(Clone, Debug, PartialEq)]
pub struct World {
    /// Types and resources of the world's own, and the bare functions that it imports.
    pub scope: Body,
    /// The bare functions that it exports.
    pub given: Body,
    pub imports: Vec<Entry>,
    pub exports: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// An interface of a package.
    Named(String),
    /// An interface that the world itself spells out.
    Inline(Body),
}

impl Entry {
    pub fn name(&self) -> &str {
        match self {
            Entry::Named(name) => name,
            Entry::Inline(body) => &body.name,
        }
    }
}

impl Ty {
    /// The types right inside this one.
    pub fn children(&self) -> Vec<&Ty> {
        match self {
            Ty::Prim(_) | Ty::Named(_) | Ty::Borrow(_) => Vec::new(),
            Ty::List(ty) | Ty::Option(ty) => vec![ty],
            Ty::Result(ok, err) => ok.iter().chain(err).map(|ty| &**ty).collect(),
            Ty::Tuple(types) => types.iter().collect(),
            Ty::Future(ty) | Ty::Stream(ty) => ty.iter().map(|ty| &**ty).collect(),
        }
    }

    pub fn children_mut(&mut self) -> Vec<&mut Ty> {
        match self {
            Ty::Prim(_) | Ty::Named(_) | Ty::Borrow(_) => Vec::new(),
            Ty::List(ty) | Ty::Option(ty) => vec![ty],
            Ty::Result(ok, err) => ok.iter_mut().chain(err).map(|ty| &mut **ty).collect(),
            Ty::Tuple(types) => types.iter_mut().collect(),
            Ty::Future(ty) | Ty::Stream(ty) => ty.iter_mut().map(|ty| &mut **ty).collect(),
        }
    }

    /// The type at the end of a path of positions, the type itself at the end of an empty one.
    pub fn at_mut(&mut self, path: &[usize]) -> Option<&mut Ty> {
        match path {
            [] => Some(self),
            [first, rest @ ..] => {
                self.children_mut().into_iter().nth(*first).and_then(|ty| ty.at_mut(rest))
            }
        }
    }

    pub fn at(&self, path: &[usize]) -> Option<&Ty> {
        match path {
            [] => Some(self),
            [first, rest @ ..] => self.children().get(*first).and_then(|ty| ty.at(rest)),
        }
    }

    /// Every path into the type, its own empty one first.
    pub fn paths(&self) -> Vec<Vec<usize>> {
        let mut paths = vec![Vec::new()];
        for (i, child) in self.children().into_iter().enumerate() {
            paths.extend(child.paths().into_iter().map(|mut path| {
                path.insert(0, i);
                path
            }));
        }
        paths
    }

    fn each_mut(&mut self, each: &mut impl FnMut(&mut Ty)) {
        each(self);
        for child in self.children_mut() {
            child.each_mut(each);
        }
    }
}

impl Def {
    pub fn members(&self) -> &[Member] {
        match self {
            Def::Record(m) | Def::Variant(m) | Def::Enum(m) | Def::Flags(m) => m,
            Def::Alias(_) => &[],
        }
    }

    pub fn members_mut(&mut self) -> Option<&mut Vec<Member>> {
        match self {
            Def::Record(m) | Def::Variant(m) | Def::Enum(m) | Def::Flags(m) => Some(m),
            Def::Alias(_) => None,
        }
    }
}

impl Body {
    /// Every function with the resource that it belongs to.
    pub fn all_funcs(&self) -> Vec<(Option<&str>, &Func)> {
        let free = self.funcs.iter().map(|func| (None, func));
        let owned = self.resources.iter().flat_map(|resource| {
            resource.funcs.iter().map(|func| (Some(resource.name.as_str()), func))
        });
        free.chain(owned).collect()
    }

    pub fn funcs_of(&mut self, owner: Option<&str>) -> Option<&mut Vec<Func>> {
        match owner {
            None => Some(&mut self.funcs),
            Some(owner) => {
                self.resources.iter_mut().find(|r| r.name == owner).map(|r| &mut r.funcs)
            }
        }
    }

    pub fn func_mut(&mut self, owner: Option<&str>, name: &str) -> Option<&mut Func> {
        self.funcs_of(owner)?.iter_mut().find(|func| func.name == name)
    }

    pub fn type_mut(&mut self, name: &str) -> Option<&mut TypeDecl> {
        self.types.iter_mut().find(|ty| ty.name == name)
    }

    /// Calls `each` for every type that is written in the body, at any depth.
    pub fn each_ty(&mut self, each: &mut impl FnMut(&mut Ty)) {
        for decl in &mut self.types {
            if let Def::Alias(ty) = &mut decl.def {
                ty.each_mut(each);
            } else if let Some(members) = decl.def.members_mut() {
                members.iter_mut().filter_map(|m| m.ty.as_mut()).for_each(|ty| ty.each_mut(each));
            }
        }
        let owned = self.resources.iter_mut().flat_map(|resource| &mut resource.funcs);
        for func in self.funcs.iter_mut().chain(owned) {
            func.params.iter_mut().for_each(|(_, ty)| ty.each_mut(each));
            func.result.iter_mut().for_each(|ty| ty.each_mut(each));
        }
    }

    /// Whether the body mentions this name of its scope anywhere.
    pub fn mentions(&self, name: &str) -> bool {
        let mut found = false;
        self.clone().each_ty(&mut |ty| match ty {
            Ty::Named(n) | Ty::Borrow(n) => found |= n == name,
            _ => {}
        });
        found
    }

    /// Renames what the body's types mention.
    pub fn rename(&mut self, from: &str, to: &str) {
        self.each_ty(&mut |ty| match ty {
            Ty::Named(name) | Ty::Borrow(name) if name == from => to.clone_into(name),
            _ => {}
        });
    }
}

impl Contract {
    /// Every body: interfaces of packages, those that the world spells out, and the world's own
    /// two. Twins are left out.
    pub fn bodies(&self) -> Vec<&Body> {
        let inline =
            self.world.imports.iter().chain(&self.world.exports).filter_map(|entry| match entry {
                Entry::Inline(body) => Some(body),
                Entry::Named(_) => None,
            });
        let packages = self.packages.iter().flat_map(|package| &package.interfaces);
        packages.chain(inline).chain([&self.world.scope, &self.world.given]).collect()
    }

    pub fn bodies_mut(&mut self) -> Vec<&mut Body> {
        let World { scope, given, imports, exports } = &mut self.world;
        let inline = imports.iter_mut().chain(exports).filter_map(|entry| match entry {
            Entry::Inline(body) => Some(body),
            Entry::Named(_) => None,
        });
        let packages = self.packages.iter_mut().flat_map(|package| &mut package.interfaces);
        packages.chain(inline).chain([scope, given]).collect()
    }

    pub fn body(&self, name: &str) -> Option<&Body> {
        self.bodies().into_iter().find(|body| body.name == name)
    }

    pub fn body_mut(&mut self, name: &str) -> Option<&mut Body> {
        self.bodies_mut().into_iter().find(|body| body.name == name)
    }

    pub fn package_of(&self, interface: &str) -> Option<&Package> {
        self.packages.iter().find(|p| p.interfaces.iter().any(|body| body.name == interface))
    }

    /// The bodies in which a type of `body` goes by a name of its own: its own, and those that use
    /// it, directly or through others.
    pub fn reach(&self, body: &str, name: &str) -> Vec<(String, String)> {
        let mut reached = vec![(body.to_owned(), name.to_owned())];
        let mut next = 0;
        while let Some((from, name)) = reached.get(next).cloned() {
            next += 1;
            for user in self.bodies() {
                for used in user.uses.iter().filter(|u| u.from == from && u.name == name) {
                    let place = (user.name.clone(), used.local().to_owned());
                    if !reached.contains(&place) {
                        reached.push(place);
                    }
                }
            }
        }
        reached
    }

    /// The bodies whose items can mean an item of `body`: itself and all that use from it.
    pub fn dependents(&self, body: &str) -> Vec<String> {
        let mut reached = vec![body.to_owned()];
        let mut next = 0;
        while let Some(from) = reached.get(next).cloned() {
            next += 1;
            for user in self.bodies() {
                if user.uses.iter().any(|u| u.from == from) && !reached.contains(&user.name) {
                    reached.push(user.name.clone());
                }
            }
        }
        reached
    }

    /// A body and all that it uses from.
    pub fn dependencies(&self, body: &str) -> Vec<String> {
        let mut reached = vec![body.to_owned()];
        let mut next = 0;
        while let Some(user) = reached.get(next).cloned() {
            next += 1;
            for used in self.body(&user).into_iter().flat_map(|body| &body.uses) {
                if !reached.contains(&used.from) {
                    reached.push(used.from.clone());
                }
            }
        }
        reached
    }

    /// The contract as WIT: the package with the world, the others inside it.
    pub fn wit(&self) -> String {
        let mut out = String::new();
        let Some((main, others)) = self.packages.split_last() else { return out };
        let _ = writeln!(out, "package {};\n", with_version(&main.name, main));
        for body in &main.interfaces {
            let _ = writeln!(out, "interface {} {{\n{}}}\n", body.name, self.inside(body, main, 1));
        }
        let world = &self.world;
        let _ = write!(out, "world {} {{\n{}", world.scope.name, self.head(&world.scope, main, 1));
        for func in &world.scope.funcs {
            let _ = writeln!(out, "  import {}", func_text(func));
        }
        for (verb, entries) in [("import", &world.imports), ("export", &world.exports)] {
            for entry in entries {
                let _ = match entry {
                    Entry::Named(name) => writeln!(out, "  {verb} {};", self.path(name, main)),
                    Entry::Inline(body) => writeln!(
                        out,
                        "  {verb} {}: interface {{\n{}  }}",
                        body.name,
                        self.inside(body, main, 2)
                    ),
                };
            }
        }
        for twin in &self.twins {
            for body in twin.interfaces.iter().filter(|body| self.imports(&body.name)) {
                let path = format!("{}/{}", twin.name, body.name);
                let _ = writeln!(out, "  import {};", with_version(&path, twin));
            }
        }
        for func in &world.given.funcs {
            let _ = writeln!(out, "  export {}", func_text(func));
        }
        out.push_str("}\n");
        for package in others.iter().chain(&self.twins) {
            let _ = writeln!(out, "\npackage {} {{", with_version(&package.name, package));
            for body in &package.interfaces {
                let inside = self.inside(body, package, 2);
                let _ = writeln!(out, "  interface {} {{\n{inside}  }}", body.name);
            }
            out.push_str("}\n");
        }
        out
    }

    pub fn imports(&self, interface: &str) -> bool {
        self.world.imports.iter().any(|entry| entry.name() == interface)
    }

    pub fn exports(&self, interface: &str) -> bool {
        self.world.exports.iter().any(|entry| entry.name() == interface)
    }

    /// How an interface is named from inside a package.
    fn path(&self, interface: &str, from: &Package) -> String {
        match self.package_of(interface) {
            Some(package) if package.name != from.name => {
                with_version(&format!("{}/{interface}", package.name), package)
            }
            _ => interface.to_owned(),
        }
    }

    fn inside(&self, body: &Body, package: &Package, depth: usize) -> String {
        let mut out = self.head(body, package, depth);
        for func in &body.funcs {
            let _ = writeln!(out, "{}{}", "  ".repeat(depth), func_text(func));
        }
        out
    }

    /// Uses, types and resources.
    fn head(&self, body: &Body, package: &Package, depth: usize) -> String {
        let indent = "  ".repeat(depth);
        let mut out = String::new();
        for used in &body.uses {
            let alias = used.alias.as_ref().map(|alias| format!(" as {alias}"));
            let (path, alias) = (self.path(&used.from, package), alias.unwrap_or_default());
            let _ = writeln!(out, "{indent}use {path}.{{{}{alias}}};", used.name);
        }
        for decl in &body.types {
            let _ = writeln!(out, "{indent}{}", decl_text(decl));
        }
        for resource in &body.resources {
            let _ = writeln!(out, "{indent}resource {} {{", resource.name);
            for func in &resource.funcs {
                let _ = writeln!(out, "{indent}  {}", func_text(func));
            }
            let _ = writeln!(out, "{indent}}}");
        }
        out
    }
}
