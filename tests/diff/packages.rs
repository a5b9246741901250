//! Random packages of WIT, and random edits of them. Deterministic: a seed is a pair.

#[path = "packages/text.rs"]
mod text;

use std::fmt::Write;

use text::{definition, function};

use super::support::random::Rng;

/// A type where it is used, as WIT writes it.
type Ty = String;

#[derive(Clone, Debug)]
pub struct Func {
    name: String,
    is_async: bool,
    params: Vec<(String, Ty)>,
    result: Option<Ty>,
}

#[derive(Clone, Debug)]
enum Def {
    Record(Vec<(String, Ty)>),
    Variant(Vec<(String, Option<Ty>)>),
    /// `enum` or `flags`.
    Names(&'static str, Vec<String>),
    Alias(Ty),
    Resource(Vec<Func>),
}

#[derive(Clone, Debug)]
struct Interface {
    name: String,
    /// Types of interfaces before this one: which interface, and the type's name.
    uses: Vec<(usize, String)>,
    types: Vec<(String, Def)>,
    funcs: Vec<Func>,
}

/// A package with one world, `w`.
#[derive(Clone, Debug)]
pub struct Package {
    version: String,
    interfaces: Vec<Interface>,
    imports: Vec<usize>,
    exports: Vec<usize>,
    /// Functions of the world itself: whether they are imported.
    bare: Vec<(bool, Func)>,
    /// The next name is made of this: no two things have the same one.
    next: usize,
}

/// An edit that was made.
#[derive(Clone, Debug)]
pub struct Edit {
    /// What was done.
    pub what: &'static str,
    /// The name of what it was done to, or, inside of something, of the nearest thing with a name.
    pub name: String,
    /// The item that this is in: a function, a type, an interface.
    pub owner: String,
    /// The interface that it is in; none where it is the world's.
    pub interface: Option<String>,
}

const PRIMITIVES: &[&str] = &["bool", "u8", "s16", "u32", "s64", "f32", "f64", "char", "string"];

impl Package {
    pub fn random(random: &mut Rng) -> Package {
        let mut package = Package {
            version: "0.1.0".to_owned(),
            interfaces: Vec::new(),
            imports: Vec::new(),
            exports: Vec::new(),
            bare: Vec::new(),
            next: 0,
        };
        for index in 0..1 + random.below(4) {
            package.interface(random, index);
            if random.percent(60) {
                package.imports.push(index);
            }
            if random.percent(50) {
                package.exports.push(index);
            }
        }
        for _ in 0..random.below(3) {
            let func = package.func(random, None);
            package.bare.push((random.percent(50), func));
        }
        package
    }

    fn name(&mut self, letter: char) -> String {
        self.next += 1;
        format!("{letter}n{}", self.next)
    }

    fn interface(&mut self, random: &mut Rng, index: usize) {
        let name = self.name('i');
        let mut uses = Vec::new();
        for (other, interface) in self.interfaces.iter().enumerate() {
            for (name, _) in &interface.types {
                if random.percent(30) {
                    uses.push((other, name.clone()));
                }
            }
        }
        let interface = Interface { name, uses, types: Vec::new(), funcs: Vec::new() };
        self.interfaces.push(interface);
        for _ in 0..random.below(5) {
            self.definition(random, index);
        }
        for _ in 0..random.below(4) {
            let func = self.func(random, Some(index));
            self.interfaces[index].funcs.push(func);
        }
    }

    fn definition(&mut self, random: &mut Rng, index: usize) -> String {
        let def = match random.below(6) {
            0 => Def::Record(self.fields(random, index)),
            1 => Def::Variant(
                (0..1 + random.below(3))
                    .map(|_| {
                        let payload = random.percent(60).then(|| self.ty(random, Some(index), 2));
                        (self.name('c'), payload)
                    })
                    .collect(),
            ),
            2 => Def::Names("enum", (0..1 + random.below(3)).map(|_| self.name('c')).collect()),
            3 => Def::Names("flags", (0..1 + random.below(3)).map(|_| self.name('b')).collect()),
            4 => Def::Alias(self.ty(random, Some(index), 2)),
            _ => Def::Resource(
                (0..random.below(3)).map(|_| self.func(random, Some(index))).collect(),
            ),
        };
        let name = self.name('t');
        self.interfaces[index].types.push((name.clone(), def));
        name
    }

    fn fields(&mut self, random: &mut Rng, index: usize) -> Vec<(String, Ty)> {
        let many = 1 + random.below(3);
        (0..many).map(|_| (self.name('d'), self.ty(random, Some(index), 2))).collect()
    }

    fn func(&mut self, random: &mut Rng, interface: Option<usize>) -> Func {
        let mut params = Vec::new();
        for _ in 0..random.below(4) {
            let ty = self.param(random, interface);
            params.push((self.name('p'), ty));
        }
        let result = random.percent(60).then(|| self.ty(random, interface, 2));
        Func { name: self.name('f'), is_async: random.percent(15), params, result }
    }

    /// The type of a parameter, which may borrow.
    fn param(&mut self, random: &mut Rng, interface: Option<usize>) -> Ty {
        let resources = self.named(interface, true);
        if !resources.is_empty() && random.percent(30) {
            return format!("borrow<{}>", random.pick(&resources).expect("some"));
        }
        self.ty(random, interface, 2)
    }

    fn ty(&mut self, random: &mut Rng, interface: Option<usize>, depth: usize) -> Ty {
        let named = self.named(interface, false);
        if !named.is_empty() && random.percent(40) {
            return random.pick(&named).expect("some").clone();
        }
        if depth == 0 || random.percent(50) {
            return (*random.pick(PRIMITIVES).expect("some")).to_owned();
        }
        let mut inner = || self.ty(random, interface, depth - 1);
        let (a, b) = (inner(), inner());
        match random.below(9) {
            0 => format!("list<{a}>"),
            1 => format!("option<{a}>"),
            2 => format!("tuple<{a}, {b}>"),
            3 => format!("result<{a}, {b}>"),
            4 => format!("result<_, {a}>"),
            5 => format!("result<{a}>"),
            6 => "result".to_owned(),
            // A stream of characters is not valid yet.
            7 => format!("stream<{}>", random.pick(&["u8", "u32", "string"]).expect("some")),
            _ => format!("future<{a}>"),
        }
    }

    /// The types that have a name inside an interface: resources, or all others with them.
    fn named(&self, interface: Option<usize>, only_resources: bool) -> Vec<String> {
        let Some(index) = interface else { return Vec::new() };
        let interface = &self.interfaces[index];
        let own = interface.types.iter().map(|(name, def)| (name, def));
        let used = interface.uses.iter().filter_map(|(other, name)| {
            let types = &self.interfaces[*other].types;
            types.iter().find(|(known, _)| known == name).map(|(name, def)| (name, def))
        });
        own.chain(used)
            .filter(|(_, def)| !only_resources || matches!(def, Def::Resource(_)))
            .map(|(name, _)| name.clone())
            .collect()
    }

    /// The package as WIT.
    pub fn wit(&self) -> String {
        let mut out = format!("package a:b@{};\n", self.version);
        for interface in &self.interfaces {
            let _ = writeln!(out, "interface {} {{", interface.name);
            for (other, name) in &interface.uses {
                let _ = writeln!(out, "  use {}.{{{name}}};", self.interfaces[*other].name);
            }
            for (name, def) in &interface.types {
                let _ = writeln!(out, "  {}", definition(name, def));
            }
            for func in &interface.funcs {
                let _ = writeln!(out, "  {}", function(func));
            }
            out.push_str("}\n");
        }
        out.push_str("world w {\n");
        for (keyword, list) in [("import", &self.imports), ("export", &self.exports)] {
            for index in list {
                let _ = writeln!(out, "  {keyword} {};", self.interfaces[*index].name);
            }
        }
        for (imported, func) in &self.bare {
            let keyword = if *imported { "import" } else { "export" };
            let _ = writeln!(out, "  {keyword} {}", function(func));
        }
        out.push_str("}\n");
        out
    }

    /// The same package at another version.
    pub fn at(&self, version: &str) -> Package {
        Package { version: version.to_owned(), ..self.clone() }
    }

    /// Makes one random edit, where the one that was drawn can be made.
    pub fn edit(&mut self, random: &mut Rng) -> Option<Edit> {
        let index = random.below(self.interfaces.len());
        let kind = random.below(10);
        let (owner, what, name) = match kind {
            0 => self.edit_world(random, index),
            1 => self.edit_bare(random)?,
            2 => {
                let func = self.func(random, Some(index));
                let name = func.name.clone();
                self.interfaces[index].funcs.push(func);
                (name.clone(), "add a function", name)
            }
            3 => {
                let name = self.definition(random, index);
                (name.clone(), "add a type", name)
            }
            4..7 => {
                let mut funcs = self.interfaces[index].funcs.clone();
                let edited = self.edit_funcs(random, Some(index), &mut funcs)?;
                self.interfaces[index].funcs = funcs;
                edited
            }
            _ => self.edit_types(random, index)?,
        };
        let interface = (kind > 1).then(|| self.interfaces[index].name.clone());
        Some(Edit { what, name, owner, interface })
    }

    fn edit_world(&mut self, random: &mut Rng, index: usize) -> (String, &'static str, String) {
        let imports = random.percent(50);
        let list = if imports { &mut self.imports } else { &mut self.exports };
        let what = match list.iter().position(|other| *other == index) {
            Some(at) => {
                list.remove(at);
                if imports { "import no longer" } else { "export no longer" }
            }
            None => {
                list.push(index);
                if imports { "import" } else { "export" }
            }
        };
        let name = self.interfaces[index].name.clone();
        (name.clone(), what, name)
    }

    fn edit_bare(&mut self, random: &mut Rng) -> Option<(String, &'static str, String)> {
        if self.bare.is_empty() || random.percent(30) {
            let func = self.func(random, None);
            let name = func.name.clone();
            self.bare.push((random.percent(50), func));
            return Some((name.clone(), "add a function", name));
        }
        let at = random.below(self.bare.len());
        let (imported, func) = self.bare.remove(at);
        let mut funcs = vec![func];
        let edited = self.edit_funcs(random, None, &mut funcs);
        self.bare.extend(funcs.into_iter().map(|func| (imported, func)));
        edited
    }

    /// Removes a function, or edits one.
    fn edit_funcs(
        &mut self,
        random: &mut Rng,
        interface: Option<usize>,
        funcs: &mut Vec<Func>,
    ) -> Option<(String, &'static str, String)> {
        if funcs.is_empty() {
            return None;
        }
        let at = random.below(funcs.len());
        let owner = funcs[at].name.clone();
        if random.percent(20) {
            let name = funcs.remove(at).name;
            return Some((owner, "remove a function", name));
        }
        let (what, name) = self.edit_func(random, interface, &mut funcs[at])?;
        Some((owner, what, name))
    }

    fn edit_func(
        &mut self,
        random: &mut Rng,
        interface: Option<usize>,
        func: &mut Func,
    ) -> Option<(&'static str, String)> {
        let many = func.params.len();
        Some(match random.below(7) {
            0 => {
                func.is_async = !func.is_async;
                ("change async", func.name.clone())
            }
            1 => {
                let param = (self.name('p'), self.param(random, interface));
                func.params.insert(random.below(many + 1), param.clone());
                ("add a parameter", param.0)
            }
            2 if many > 0 => ("remove a parameter", func.params.remove(random.below(many)).0),
            3 if many > 0 => {
                let (name, ty) = &mut func.params[random.below(many)];
                *ty = other(ty);
                ("change a parameter", name.clone())
            }
            4 if many > 0 => {
                let at = random.below(many);
                func.params[at].0 = self.name('p');
                ("rename a parameter", func.params[at].0.clone())
            }
            5 if many > 1 => {
                let at = random.below(many - 1);
                func.params.swap(at, at + 1);
                ("reorder parameters", func.name.clone())
            }
            6 => {
                func.result = match &func.result {
                    Some(_) if random.percent(30) => None,
                    Some(ty) => Some(other(ty)),
                    None => Some(self.ty(random, interface, 2)),
                };
                ("change a result", func.name.clone())
            }
            _ => return None,
        })
    }

    fn edit_types(
        &mut self,
        random: &mut Rng,
        index: usize,
    ) -> Option<(String, &'static str, String)> {
        let uses = self.interfaces[index].uses.len();
        if uses > 0 && random.percent(20) {
            return self.redefine(random, index);
        }
        let types = self.interfaces[index].types.len();
        if types == 0 {
            return None;
        }
        let at = random.below(types);
        let (name, mut def) = self.interfaces[index].types[at].clone();
        let owner = name.clone();
        let (what, name) = match &mut def {
            Def::Record(fields) => match random.below(4) {
                0 => {
                    let field =
                        (self.name('d'), (*random.pick(PRIMITIVES).expect("some")).to_owned());
                    fields.insert(random.below(fields.len() + 1), field.clone());
                    ("add a field", field.0)
                }
                1 if fields.len() > 1 => {
                    ("remove a field", fields.remove(random.below(fields.len())).0)
                }
                2 if fields.len() > 1 => {
                    fields.swap(0, 1);
                    ("reorder fields", name)
                }
                _ => {
                    let (name, ty) = &mut fields[0];
                    *ty = other(ty);
                    ("change a field", name.clone())
                }
            },
            Def::Variant(cases) => match random.below(3) {
                0 => {
                    let case = self.name('c');
                    cases.insert(random.below(cases.len() + 1), (case.clone(), None));
                    ("add a case", case)
                }
                1 if cases.len() > 1 => {
                    ("remove a case", cases.remove(random.below(cases.len())).0)
                }
                _ => {
                    let (name, payload) = &mut cases[0];
                    *payload = payload.is_none().then(|| "u8".to_owned());
                    ("change a case", name.clone())
                }
            },
            Def::Names(_, names) => match random.below(3) {
                0 => {
                    let case = self.name('c');
                    names.insert(random.below(names.len() + 1), case.clone());
                    ("add a name", case)
                }
                1 if names.len() > 1 => ("remove a name", names.remove(random.below(names.len()))),
                _ if names.len() > 1 => {
                    names.swap(0, 1);
                    ("reorder names", name)
                }
                _ => return None,
            },
            Def::Alias(ty) => {
                *ty = other(ty);
                ("change an alias", name)
            }
            Def::Resource(funcs) if funcs.is_empty() || random.percent(30) => {
                let func = self.func(random, None);
                funcs.push(func.clone());
                ("add a method", func.name)
            }
            Def::Resource(funcs) if random.percent(30) => ("remove a method", funcs.remove(0).name),
            Def::Resource(funcs) => self.edit_func(random, None, &mut funcs[0])?,
        };
        self.interfaces[index].types[at].1 = def;
        Some((owner, what, name))
    }

    /// An interface that used a resource of another defines one of the same name.
    fn redefine(
        &mut self,
        random: &mut Rng,
        index: usize,
    ) -> Option<(String, &'static str, String)> {
        let at = random.below(self.interfaces[index].uses.len());
        let (other, name) = self.interfaces[index].uses[at].clone();
        let types = &self.interfaces[other].types;
        let is_resource =
            |(known, def): &(String, Def)| *known == name && matches!(def, Def::Resource(_));
        // Whoever uses it through this interface would have to be edited, too.
        let passed_on = self.interfaces.iter().any(|i| i.uses.contains(&(index, name.clone())));
        if passed_on || !types.iter().any(is_resource) {
            return None;
        }
        let interface = &mut self.interfaces[index];
        interface.uses.remove(at);
        interface.types.insert(0, (name.clone(), Def::Resource(Vec::new())));
        Some((name.clone(), "define a resource anew", name))
    }
}

/// A type that is surely another one.
fn other(ty: &str) -> Ty {
    if ty == "u64" { "s8" } else { "u64" }.to_owned()
}
