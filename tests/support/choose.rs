//! Chooses one random edit of a contract.

use crate::change::{Change, FuncEdit, Spot, TypeEdit, type_at};
use crate::contract::{Body, Contract, Def, Entry, Func, FuncKind, Member, Resource, Ty, Use};
use crate::generate::{Generator, Kind, Scope, scope_of};

/// An edit that the contract has a place for.
pub fn change(contract: &Contract, generator: &mut Generator) -> Option<Change> {
    let bodies: Vec<Body> = contract.bodies().into_iter().cloned().collect();
    for _ in 0..40 {
        let body = generator.rng.pick(&bodies)?.clone();
        let scope = scope_of(&body, &bodies);
        let chosen = match generator.rng.below(24) {
            0..=5 => retype(&body, &scope, generator),
            6..=10 => func(&body, &scope, contract, generator),
            11..=15 => ty(&body, &scope, &bodies, generator),
            16..=18 => resource(&body, &scope, &bodies, generator),
            19..=21 => world(contract, &body, &bodies, generator),
            22 => version(contract, generator),
            _ => name(&body, generator),
        };
        if chosen.is_some() {
            return chosen;
        }
    }
    None
}

/// Every place in a body where a type is written.
fn spots(body: &Body) -> Vec<Spot> {
    let mut spots = Vec::new();
    for decl in &body.types {
        if let Def::Alias(_) = decl.def {
            spots.push(Spot::Alias { ty: decl.name.clone() });
        }
        spots.extend(
            decl.def
                .members()
                .iter()
                .filter(|m| m.ty.is_some())
                .map(|member| Spot::Member { ty: decl.name.clone(), member: member.name.clone() }),
        );
    }
    for (owner, func) in body.all_funcs() {
        let owner = owner.map(str::to_owned);
        spots.extend(func.params.iter().map(|(param, _)| Spot::Param {
            owner: owner.clone(),
            func: func.name.clone(),
            param: param.clone(),
        }));
        if func.result.is_some() && func.kind != FuncKind::Constructor {
            spots.push(Spot::Result { owner, func: func.name.clone() });
        }
    }
    spots
}

/// A random place in a random type of the body.
fn somewhere(body: &Body, generator: &mut Generator) -> Option<(Spot, Vec<usize>, Ty)> {
    let spot = generator.rng.pick(&spots(body))?.clone();
    let whole = type_at(&mut body.clone(), &spot)?.clone();
    let path = generator.rng.pick(&whole.paths())?.clone();
    let ty = whole.at(&path)?.clone();
    Some((spot, path, ty))
}

fn retype(body: &Body, scope: &Scope, generator: &mut Generator) -> Option<Change> {
    let (spot, path, ty) = somewhere(body, generator)?;
    let boxed = |ty: &Ty| Box::new(ty.clone());
    let spare = Box::new(Ty::Prim(generator.primitive()));
    let is_resource = |name: &String| scope.contains(&(name.clone(), Kind::Resource));
    let (kind, to) = match generator.rng.below(9) {
        0 | 1 => ("other primitive", Ty::Prim(generator.primitive())),
        2 => ("wrap in option", Ty::Option(boxed(&ty))),
        3 => ("wrap in list", Ty::List(boxed(&ty))),
        4 => ("unwrap", ty.children().first().map(|ty| (*ty).clone())?),
        5 => match &ty {
            Ty::Named(name) if is_resource(name) => ("own to borrow", Ty::Borrow(name.clone())),
            Ty::Borrow(name) => ("borrow to own", Ty::Named(name.clone())),
            _ => return None,
        },
        6 => match &ty {
            Ty::Result(None, err) => ("result form", Ty::Result(Some(spare), err.clone())),
            Ty::Result(Some(_), None) => ("result form", Ty::Result(None, Some(spare))),
            Ty::Result(ok, Some(_)) => ("result form", Ty::Result(ok.clone(), None)),
            Ty::Future(None) => ("payload form", Ty::Future(Some(spare))),
            Ty::Future(Some(_)) => ("payload form", Ty::Future(None)),
            Ty::Stream(None) => ("payload form", Ty::Stream(Some(Box::new(Ty::Prim("u8"))))),
            Ty::Stream(Some(ty)) => ("payload form", Ty::Future(Some(ty.clone()))),
            _ => return None,
        },
        7 => match &ty {
            Ty::Tuple(types) if types.len() > 1 && generator.rng.percent(50) => {
                let mut types = types.clone();
                types.remove(generator.rng.below(types.len()));
                ("tuple length", Ty::Tuple(types))
            }
            Ty::Tuple(types) => {
                let mut types = types.clone();
                types.insert(generator.rng.below(types.len() + 1), *spare);
                ("tuple length", Ty::Tuple(types))
            }
            _ => return None,
        },
        _ => {
            let (name, kind) = generator.rng.pick(scope)?;
            let mentioned = |decl: &String| matches!(&spot, Spot::Member { ty, .. } | Spot::Alias { ty } if ty == decl);
            if *kind == Kind::Borrowing || mentioned(name) {
                return None;
            }
            ("other named type", Ty::Named(name.clone()))
        }
    };
    (to != ty).then(|| Change::Retype { body: body.name.clone(), spot, path, to, kind })
}

fn name(body: &Body, generator: &mut Generator) -> Option<Change> {
    let (spot, path, ty) = somewhere(body, generator)?;
    if matches!(ty, Ty::Named(_) | Ty::Borrow(_)) {
        return None;
    }
    let name = generator.name("named");
    Some(Change::Name { body: body.name.clone(), spot, path, name })
}

fn func(
    body: &Body,
    scope: &Scope,
    contract: &Contract,
    generator: &mut Generator,
) -> Option<Change> {
    let change = |owner: Option<String>, func: String, edit| Change::Func {
        body: body.name.clone(),
        owner,
        func,
        edit,
    };
    if generator.rng.percent(15) {
        let resources: Vec<&Resource> = body.resources.iter().collect();
        let (owner, kind) = match generator.rng.pick(&resources) {
            Some(resource) if generator.rng.percent(50) => {
                let kind = [FuncKind::Method, FuncKind::Static][generator.rng.below(2)];
                (Some(resource.name.clone()), kind)
            }
            _ => (None, FuncKind::Free),
        };
        // Bare functions see the names of the world.
        let bodies: Vec<Body> = contract.bodies().into_iter().cloned().collect();
        let world = scope_of(&contract.world.scope, &bodies);
        let scope = if body.name == contract.world.given.name { &world } else { scope };
        let func = generator.func(kind, scope);
        return Some(change(owner, func.name.clone(), FuncEdit::Add(func)));
    }
    let funcs = body.all_funcs();
    let (owner, func) = generator.rng.pick(&funcs)?;
    let Func { name, kind, params, result, .. } = (*func).clone();
    let owner = owner.map(str::to_owned);
    let constructor = kind == FuncKind::Constructor;
    let edit = match generator.rng.below(9) {
        0 => FuncEdit::Remove,
        1 if !constructor => FuncEdit::Rename(generator.name("func")),
        2 => {
            let at = generator.rng.below(params.len() + 1);
            FuncEdit::AddParam(at, generator.name("param"), generator.ty(scope, 1, true))
        }
        3 => FuncEdit::RemoveParam(generator.rng.pick(&params)?.0.clone()),
        4 => FuncEdit::RenameParam(generator.rng.pick(&params)?.0.clone(), generator.name("param")),
        5 if params.len() > 1 => {
            let a = generator.rng.below(params.len() - 1);
            FuncEdit::SwapParams(a, a + 1)
        }
        6 if !constructor => FuncEdit::ToggleAsync,
        7 if matches!(kind, FuncKind::Method | FuncKind::Static) => FuncEdit::ToggleStatic,
        8 if !constructor => FuncEdit::SetResult(match result {
            Some(_) => None,
            None => Some(generator.ty(scope, 1, false)),
        }),
        _ => return None,
    };
    Some(change(owner, name, edit))
}

fn ty(body: &Body, scope: &Scope, bodies: &[Body], generator: &mut Generator) -> Option<Change> {
    let change = |ty: String, edit| Change::Type { body: body.name.clone(), ty, edit };
    if generator.rng.percent(15) {
        let decl = generator.decl(scope);
        return Some(change(decl.name.clone(), TypeEdit::Add(decl)));
    }
    let decl = generator.rng.pick(&body.types)?.clone();
    let used = bodies.iter().any(|other| {
        other.uses.iter().any(|used| used.from == body.name && used.name == decl.name)
    });
    let members = decl.def.members();
    let some = |generator: &mut Generator| generator.rng.pick(members).map(|m| m.name.clone());
    let edit = match (generator.rng.below(9), &decl.def) {
        (0, _) if !used && !body.mentions(&decl.name) => TypeEdit::Remove,
        (1, _) => TypeEdit::Rename(generator.name("other")),
        (2, Def::Enum(_)) => TypeEdit::Redefine(Def::Variant(members.to_vec())),
        (2, Def::Flags(_)) => TypeEdit::Redefine(Def::Enum(members.to_vec())),
        (2, Def::Record(_)) => TypeEdit::Redefine(Def::Alias(Ty::Tuple(
            members.iter().filter_map(|member| member.ty.clone()).collect(),
        ))),
        (3, Def::Alias(_)) if !used => TypeEdit::Inline,
        (4 | 5, Def::Alias(_)) | (_, Def::Alias(_)) => return None,
        (3, def) => {
            let at = generator.rng.below(members.len() + 1);
            let ty = match def {
                Def::Record(_) => Some(Ty::Prim(generator.primitive())),
                Def::Variant(_) if generator.rng.percent(50) => Some(Ty::Prim("u8")),
                _ => None,
            };
            TypeEdit::AddMember(at, Member { name: generator.name("member"), ty })
        }
        (4, _) if members.len() > 1 => TypeEdit::RemoveMember(some(generator)?),
        (5 | 6, _) => TypeEdit::RenameMember(some(generator)?, generator.name("member")),
        (7, _) if members.len() > 1 => {
            let a = generator.rng.below(members.len() - 1);
            TypeEdit::SwapMembers(a, a + 1)
        }
        (8, Def::Variant(_)) => {
            let member = generator.rng.pick(members)?;
            let ty = if member.ty.is_some() { None } else { Some(Ty::Prim("u16")) };
            TypeEdit::SetPayload(member.name.clone(), ty)
        }
        _ => return None,
    };
    Some(change(decl.name, edit))
}

fn resource(
    body: &Body,
    scope: &Scope,
    bodies: &[Body],
    generator: &mut Generator,
) -> Option<Change> {
    let place = body.name.clone();
    let is = |scope: &Scope, name: &str, kind| scope.iter().any(|(n, k)| n == name && *k == kind);
    let used_elsewhere = |name: &str| {
        bodies
            .iter()
            .any(|other| other.uses.iter().any(|used| used.from == body.name && used.name == name))
    };
    let before = bodies.iter().take_while(|other| other.name != body.name);
    let foreign: Vec<(String, String)> = before
        .flat_map(|other| {
            let names = scope_of(other, bodies);
            let resources = names.into_iter().filter(|(_, kind)| *kind == Kind::Resource);
            resources.map(|(name, _)| (other.name.clone(), name)).collect::<Vec<_>>()
        })
        .collect();
    match generator.rng.below(8) {
        0 => {
            let mut resource = Resource { name: generator.name("res"), funcs: Vec::new() };
            if generator.rng.percent(50) {
                resource.funcs.push(generator.func(FuncKind::Method, scope));
            }
            Some(Change::AddResource { body: place, resource })
        }
        1 => {
            let unused = body
                .resources
                .iter()
                .find(|r| !body.mentions(&r.name) && !used_elsewhere(&r.name))?;
            Some(Change::RemoveResource { body: place, resource: unused.name.clone() })
        }
        2 => {
            let from = generator.rng.pick(&body.resources)?.name.clone();
            Some(Change::RenameResource { body: place, from, to: generator.name("res") })
        }
        3 | 4 => {
            let own = |used: &&Use| is(scope, used.local(), Kind::Resource);
            let used: Vec<&Use> = body.uses.iter().filter(own).collect();
            let used = generator.rng.pick(&used)?.local().to_owned();
            Some(Change::OwnResource { body: place, used })
        }
        5 => {
            let bare: Vec<&Resource> =
                body.resources.iter().filter(|r| r.funcs.is_empty()).collect();
            let resource = generator.rng.pick(&bare)?.name.clone();
            let (from, name) = generator.rng.pick(&foreign)?.clone();
            let used = Use { from, name, alias: Some(resource.clone()) };
            Some(Change::UsedResource { body: place, resource, used })
        }
        6 => {
            let used = generator.rng.pick(&body.uses)?;
            let (from, name) = generator.rng.pick(&foreign)?.clone();
            let local = used.local().to_owned();
            let same = from == used.from && name == used.name;
            (!same && is(scope, &local, Kind::Resource)).then_some(Change::UseOther {
                body: place,
                local,
                from,
                name,
            })
        }
        _ => {
            let local = generator.rng.pick(&body.uses)?.local().to_owned();
            Some(Change::UseAlias { body: place, local, alias: generator.name("alias") })
        }
    }
}

fn world(
    contract: &Contract,
    body: &Body,
    bodies: &[Body],
    generator: &mut Generator,
) -> Option<Change> {
    let world = &contract.world;
    let entry = |generator: &mut Generator, entries: &[Entry]| {
        generator.rng.pick(entries).map(|entry| entry.name().to_owned())
    };
    let main = contract.packages.last()?;
    let named = main.interfaces.iter().any(|other| other.name == body.name);
    match generator.rng.below(10) {
        0 | 1 => Some(Change::DropImport(entry(generator, &world.imports)?)),
        2 | 3 => Some(Change::DropExport(entry(generator, &world.exports)?)),
        4 => (named && !contract.imports(&body.name))
            .then(|| Change::AddImport(Entry::Named(body.name.clone()))),
        5 => (named && !contract.exports(&body.name))
            .then(|| Change::AddExport(Entry::Named(body.name.clone()))),
        6 => {
            let mut inline = Body { name: generator.name("inline"), ..Body::default() };
            let scope = scope_of(&inline, bodies);
            for _ in 0..1 + generator.rng.below(2) {
                inline.types.push(generator.decl(&scope));
            }
            let import = generator.rng.percent(70);
            if generator.rng.percent(60) {
                inline.funcs.push(generator.func(FuncKind::Free, &scope));
            }
            let entry = Entry::Inline(inline);
            Some(if import { Change::AddImport(entry) } else { Change::AddExport(entry) })
        }
        7 => {
            let from = generator.rng.pick(bodies)?.name.clone();
            let own = [&world.scope.name, &world.given.name].contains(&&from);
            (!own).then(|| Change::RenameInterface { from, to: generator.name("face") })
        }
        8 => Some(Change::Reorder { body: body.name.clone(), seed: generator.rng.next() }),
        _ => Some(Change::ReorderWorld { seed: generator.rng.next() }),
    }
}

fn version(contract: &Contract, generator: &mut Generator) -> Option<Change> {
    let package = generator.rng.pick(&contract.packages)?;
    let name = package.name.clone();
    let is_main = contract.packages.last().is_some_and(|main| main.name == name);
    let old = package.version.as_ref().map(|version| semver(version));
    let patch = u64::try_from(generator.rng.below(14)).ok()?;
    let (kind, to) = match (generator.rng.below(5), old) {
        (0, _) => ("version: another", generator.version()),
        (_, None) => ("version: one", generator.version()),
        (1, Some((0, minor, _))) => {
            ("version: next track", Some(format!("0.{}.{patch}", minor + 1)))
        }
        (1, Some((major, ..))) => ("version: next track", Some(format!("{}.0.0", major + 1))),
        (2, Some((major, minor, _))) => {
            ("version: prerelease", Some(format!("{major}.{minor}.{patch}-rc.1")))
        }
        (3, Some((major, minor, _))) if !is_main && contract.twins.is_empty() => {
            let version = format!("{major}.{minor}.{patch}");
            return (package.version.as_ref() != Some(&version))
                .then_some(Change::AddTwin { package: name, version });
        }
        (_, Some((major, minor, _))) => {
            ("version: patch", Some(format!("{major}.{minor}.{patch}")))
        }
    };
    let clash = contract.twins.iter().any(|twin| twin.name == name && twin.version == to);
    (to != package.version && !clash).then_some(Change::SetVersion {
        package: name,
        version: to,
        kind,
    })
}

/// The three numbers of a version.
fn semver(version: &str) -> (u64, u64, u64) {
    let core = version.split('-').next().unwrap_or_default();
    let mut parts = core.split('.').map(|part| part.parse().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    (next(), next(), next())
}
