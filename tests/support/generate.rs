//! Random contracts. The same seed gives the same contract, on every machine.

use crate::contract::{
    Body, Contract, Def, Entry, Func, FuncKind, Member, Package, Resource, Ty, TypeDecl, Use, World,
};
use crate::support::random::Rng;

/// What a name of a scope stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Value,
    /// A value with a borrowed handle in it: a parameter only.
    Borrowing,
    Resource,
}

/// What a body can mention, in the order in which it is there.
pub type Scope = Vec<(String, Kind)>;

pub struct Generator {
    pub rng: Rng,
    names: usize,
}

const PRIMITIVES: &[&str] =
    &["bool", "u8", "u16", "u32", "u64", "s8", "s16", "s32", "s64", "f32", "f64", "char", "string"];

impl Generator {
    pub fn new(seed: u64) -> Generator {
        Generator { rng: Rng(seed), names: 0 }
    }

    /// A name that nothing else has.
    pub fn name(&mut self, of: &str) -> String {
        self.names += 1;
        match self.rng.below(4) {
            0 => format!("{of}-n{}", self.names),
            1 => format!("{of}{}-{}", self.names, "part"),
            _ => format!("{of}{}", self.names),
        }
    }

    pub fn version(&mut self) -> Option<String> {
        let (minor, patch) = (self.rng.below(4), self.rng.below(12));
        match self.rng.below(8) {
            0 => None,
            1 => Some(format!("0.0.{patch}")),
            2 => Some(format!("0.1.{patch}")),
            3 | 4 => Some(format!("0.2.{patch}")),
            5 | 6 => Some(format!("1.{minor}.{patch}")),
            _ => Some(format!("{minor}.1.0-rc.{patch}")),
        }
    }

    pub fn contract(&mut self) -> Contract {
        let mut packages: Vec<Package> = Vec::new();
        for _ in 0..1 + self.rng.below(3) {
            let (space, name) = (self.name("ns"), self.name("pkg"));
            let mut package = Package {
                name: format!("{space}:{name}"),
                version: self.version(),
                interfaces: Vec::new(),
            };
            for _ in 0..1 + self.rng.below(3) {
                let known: Vec<&Body> = packages
                    .iter()
                    .flat_map(|p| &p.interfaces)
                    .chain(&package.interfaces)
                    .collect();
                let known: Vec<Body> = known.into_iter().cloned().collect();
                let body = self.body("face", &known, true);
                package.interfaces.push(body);
            }
            packages.push(package);
        }
        let known: Vec<Body> = packages.iter().flat_map(|p| &p.interfaces).cloned().collect();
        let (mut imports, mut exports) = (Vec::new(), Vec::new());
        for body in &known {
            let way = self.rng.below(20);
            if way < 13 {
                imports.push(Entry::Named(body.name.clone()));
            }
            if (9..18).contains(&way) {
                exports.push(Entry::Named(body.name.clone()));
            }
        }
        if self.rng.percent(25) {
            imports.push(Entry::Inline(self.body("inline", &known, true)));
        }
        if self.rng.percent(25) {
            exports.push(Entry::Inline(self.body("inline", &known, true)));
        }
        export_between(&known, &mut exports);
        let bare = self.rng.percent(40);
        let mut scope = if bare {
            self.body("world", &known, false)
        } else {
            Body { name: self.name("world"), ..Body::default() }
        };
        let names = scope_of(&scope, &known);
        let mut given = Body { name: self.name("given"), ..Body::default() };
        if bare {
            scope.funcs =
                (0..self.rng.below(3)).map(|_| self.func(FuncKind::Free, &names)).collect();
            given.funcs =
                (0..self.rng.below(3)).map(|_| self.func(FuncKind::Free, &names)).collect();
        }
        let world = World { scope, given, imports, exports };
        Contract { packages, world, twins: Vec::new() }
    }

    /// An interface, or with `funcs` off the types of a world.
    fn body(&mut self, of: &str, known: &[Body], funcs: bool) -> Body {
        let mut body = Body { name: self.name(of), ..Body::default() };
        for _ in 0..self.rng.below(3) {
            let Some(from) = self.rng.pick(known) else { break };
            for (name, _) in scope_of(from, known) {
                let taken = body.uses.iter().any(|used| used.local() == name);
                if self.rng.percent(40) && !taken {
                    let alias = if self.rng.percent(20) { Some(self.name("alias")) } else { None };
                    body.uses.push(Use { from: from.name.clone(), name, alias });
                }
            }
        }
        let resources = if self.rng.percent(45) { 1 + self.rng.below(2) } else { 0 };
        for _ in 0..resources {
            body.resources.push(Resource { name: self.name("res"), funcs: Vec::new() });
        }
        for _ in 0..self.rng.below(4) {
            let scope = scope_of(&body, known);
            let decl = self.decl(&scope);
            body.types.push(decl);
        }
        let scope = scope_of(&body, known);
        for i in 0..body.resources.len() {
            body.resources[i].funcs = self.methods(&scope);
        }
        if funcs && !self.rng.percent(8) {
            for _ in 0..1 + self.rng.below(3) {
                let func = self.func(FuncKind::Free, &scope);
                body.funcs.push(func);
            }
        }
        body
    }

    fn methods(&mut self, scope: &Scope) -> Vec<Func> {
        let mut funcs = Vec::new();
        if self.rng.percent(50) {
            funcs.push(self.func(FuncKind::Constructor, scope));
        }
        for _ in 0..self.rng.below(3) {
            let kind = if self.rng.percent(70) { FuncKind::Method } else { FuncKind::Static };
            funcs.push(self.func(kind, scope));
        }
        funcs
    }

    pub fn func(&mut self, kind: FuncKind, scope: &Scope) -> Func {
        let constructor = kind == FuncKind::Constructor;
        let params =
            (0..self.rng.below(4)).map(|_| (self.name("param"), self.ty(scope, 3, true))).collect();
        Func {
            name: if constructor { "constructor".to_owned() } else { self.name("func") },
            kind,
            is_async: !constructor && self.rng.percent(12),
            params,
            result: (!constructor && self.rng.percent(65)).then(|| self.ty(scope, 3, false)),
        }
    }

    pub fn decl(&mut self, scope: &Scope) -> TypeDecl {
        let borrow = self.rng.percent(15);
        let member = |generator: &mut Generator, of, always: bool| Member {
            name: generator.name(of),
            ty: (always || generator.rng.percent(50)).then(|| generator.ty(scope, 2, borrow)),
        };
        let count = 1 + self.rng.below(4);
        let bare = |generator: &mut Generator, of| Member { name: generator.name(of), ty: None };
        match self.rng.below(6) {
            0 | 1 => {
                let fields = (0..count).map(|_| member(self, "field", true)).collect();
                TypeDecl { name: self.name("rec"), def: Def::Record(fields) }
            }
            2 => {
                let cases = (0..count).map(|_| member(self, "case", false)).collect();
                TypeDecl { name: self.name("var"), def: Def::Variant(cases) }
            }
            3 => {
                let cases = (0..count).map(|_| bare(self, "item")).collect();
                TypeDecl { name: self.name("choice"), def: Def::Enum(cases) }
            }
            4 => {
                let flags = (0..count).map(|_| bare(self, "flag")).collect();
                TypeDecl { name: self.name("bits"), def: Def::Flags(flags) }
            }
            _ => {
                let ty = self.ty(scope, 2, borrow);
                TypeDecl { name: self.name("also"), def: Def::Alias(ty) }
            }
        }
    }

    /// A type of at most this depth; borrowed handles only where they may be.
    pub fn ty(&mut self, scope: &Scope, depth: usize, borrow: bool) -> Ty {
        let named: Vec<&(String, Kind)> =
            scope.iter().filter(|(_, kind)| borrow || *kind != Kind::Borrowing).collect();
        if !named.is_empty() && self.rng.percent(45) {
            return match self.rng.pick(&named) {
                Some((name, Kind::Resource)) if borrow && self.rng.percent(50) => {
                    Ty::Borrow(name.clone())
                }
                Some((name, _)) => Ty::Named(name.clone()),
                None => Ty::Prim("u32"),
            };
        }
        if depth == 0 || self.rng.percent(45) {
            return Ty::Prim(self.primitive());
        }
        let depth = depth - 1;
        let optional = |generator: &mut Generator, borrow| {
            generator.rng.percent(60).then(|| Box::new(generator.ty(scope, depth, borrow)))
        };
        match self.rng.below(12) {
            0..=2 => Ty::List(Box::new(self.ty(scope, depth, borrow))),
            3 | 4 => Ty::Option(Box::new(self.ty(scope, depth, borrow))),
            5..=7 => Ty::Result(optional(self, borrow), optional(self, borrow)),
            8 | 9 => {
                let count = 1 + self.rng.below(3);
                Ty::Tuple((0..count).map(|_| self.ty(scope, depth, borrow)).collect())
            }
            10 => Ty::Future(optional(self, false)),
            // A stream of characters is not valid.
            _ => Ty::Stream(optional(self, false).filter(|ty| **ty != Ty::Prim("char"))),
        }
    }

    pub fn primitive(&mut self) -> &'static str {
        PRIMITIVES[self.rng.below(PRIMITIVES.len())]
    }
}

/// What stands between two exported interfaces must be exported too: WIT does not let one of them
/// use the other's import.
fn export_between(known: &[Body], exports: &mut Vec<Entry>) {
    let below = |body: &Body| -> Vec<usize> {
        let mut found: Vec<usize> = Vec::new();
        let mut todo: Vec<&Body> = vec![body];
        while let Some(body) = todo.pop() {
            for used in &body.uses {
                let at = known.iter().position(|other| other.name == used.from);
                if let Some(at) = at.filter(|at| !found.contains(at)) {
                    found.push(at);
                    todo.push(&known[at]);
                }
            }
        }
        found
    };
    let is_exported =
        |exports: &[Entry], body: &Body| exports.iter().any(|entry| entry.name() == body.name);
    for at in (0..known.len()).rev() {
        let middle = &known[at];
        let above = known.iter().filter(|body| is_exported(exports, body)).cloned();
        let inline = exports.iter().filter_map(|entry| match entry {
            Entry::Inline(body) => Some(body.clone()),
            Entry::Named(_) => None,
        });
        let above: Vec<Body> = above.chain(inline).collect();
        if !is_exported(exports, middle)
            && above.iter().any(|body| below(body).contains(&at))
            && below(middle).iter().any(|&at| is_exported(exports, &known[at]))
        {
            exports.push(Entry::Named(middle.name.clone()));
        }
    }
}

/// What the types and functions of a body can mention.
pub fn scope_of(body: &Body, known: &[Body]) -> Scope {
    let mut scope = Scope::new();
    for used in &body.uses {
        let from = known.iter().find(|other| other.name == used.from);
        let there = from.map(|from| scope_of(from, known)).unwrap_or_default();
        if let Some((_, kind)) = there.iter().find(|(name, _)| *name == used.name) {
            scope.push((used.local().to_owned(), *kind));
        }
    }
    scope.extend(body.resources.iter().map(|r| (r.name.clone(), Kind::Resource)));
    for decl in &body.types {
        let kind = match &decl.def {
            Def::Alias(ty @ Ty::Named(_)) => kind_of(ty, &scope),
            Def::Alias(ty) => borrowing(kind_of(ty, &scope) == Kind::Borrowing),
            def => borrowing(
                def.members()
                    .iter()
                    .filter_map(|member| member.ty.as_ref())
                    .any(|ty| kind_of(ty, &scope) == Kind::Borrowing),
            ),
        };
        scope.push((decl.name.clone(), kind));
    }
    scope
}

fn borrowing(yes: bool) -> Kind {
    if yes { Kind::Borrowing } else { Kind::Value }
}

fn kind_of(ty: &Ty, scope: &Scope) -> Kind {
    match ty {
        Ty::Borrow(_) => Kind::Borrowing,
        Ty::Named(name) => {
            scope.iter().find(|(known, _)| known == name).map_or(Kind::Value, |(_, kind)| *kind)
        }
        ty => borrowing(ty.children().iter().any(|ty| kind_of(ty, scope) == Kind::Borrowing)),
    }
}
