//! One edit of a contract: what it is, how it is made, what names it by.

#[path = "change/edit.rs"]
mod edit;

use crate::contract::{Contract, Def, Entry, Resource, Ty, TypeDecl, Use};

pub use edit::{FuncEdit, Spot, TypeEdit, type_at};
use edit::{edit_func, edit_type, rename};

#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// The type at a place inside a type becomes another one.
    Retype {
        body: String,
        spot: Spot,
        path: Vec<usize>,
        to: Ty,
        kind: &'static str,
    },
    /// The type at a place gets a name.
    Name {
        body: String,
        spot: Spot,
        path: Vec<usize>,
        name: String,
    },
    Func {
        body: String,
        owner: Option<String>,
        func: String,
        edit: FuncEdit,
    },
    Type {
        body: String,
        ty: String,
        edit: TypeEdit,
    },
    AddResource {
        body: String,
        resource: Resource,
    },
    RemoveResource {
        body: String,
        resource: String,
    },
    RenameResource {
        body: String,
        from: String,
        to: String,
    },
    /// A resource that was used from another interface becomes the interface's own.
    OwnResource {
        body: String,
        used: String,
    },
    /// A resource of the interface's own becomes one that is used from another interface.
    UsedResource {
        body: String,
        resource: String,
        used: Use,
    },
    /// The same local name means something else.
    UseOther {
        body: String,
        local: String,
        from: String,
        name: String,
    },
    UseAlias {
        body: String,
        local: String,
        alias: String,
    },
    /// The order in which everything in the body is declared.
    Reorder {
        body: String,
        seed: u64,
    },
    DropImport(String),
    DropExport(String),
    AddImport(Entry),
    AddExport(Entry),
    RenameInterface {
        from: String,
        to: String,
    },
    ReorderWorld {
        seed: u64,
    },
    SetVersion {
        package: String,
        version: Option<String>,
        kind: &'static str,
    },
    AddTwin {
        package: String,
        version: String,
    },
}

impl Change {
    /// What to count it as.
    pub fn kind(&self) -> &'static str {
        match self {
            Change::Retype { kind, .. } | Change::SetVersion { kind, .. } => kind,
            Change::Name { .. } => "name a type",
            Change::Func { edit, .. } => match edit {
                FuncEdit::Add(_) => "add function",
                FuncEdit::Remove => "remove function",
                FuncEdit::Rename(_) => "rename function",
                FuncEdit::AddParam(..) => "add parameter",
                FuncEdit::RemoveParam(_) => "remove parameter",
                FuncEdit::RenameParam(..) => "rename parameter",
                FuncEdit::SwapParams(..) => "swap parameters",
                FuncEdit::ToggleAsync => "toggle async",
                FuncEdit::ToggleStatic => "toggle static",
                FuncEdit::SetResult(_) => "toggle result",
            },
            Change::Type { edit, .. } => match edit {
                TypeEdit::Add(_) => "add type",
                TypeEdit::Remove => "remove type",
                TypeEdit::Rename(_) => "rename type",
                TypeEdit::Redefine(_) => "redefine type",
                TypeEdit::Inline => "inline alias",
                TypeEdit::AddMember(..) => "add member",
                TypeEdit::RemoveMember(_) => "remove member",
                TypeEdit::RenameMember(..) => "rename member",
                TypeEdit::SwapMembers(..) => "swap members",
                TypeEdit::SetPayload(..) => "toggle payload",
            },
            Change::AddResource { .. } => "add resource",
            Change::RemoveResource { .. } => "remove resource",
            Change::RenameResource { .. } => "rename resource",
            Change::OwnResource { .. } => "own resource",
            Change::UsedResource { .. } => "used resource",
            Change::UseOther { .. } => "use other",
            Change::UseAlias { .. } => "use alias",
            Change::Reorder { .. } => "reorder interface",
            Change::DropImport(_) => "drop import",
            Change::DropExport(_) => "drop export",
            Change::AddImport(_) => "add import",
            Change::AddExport(_) => "add export",
            Change::RenameInterface { .. } => "rename interface",
            Change::ReorderWorld { .. } => "reorder world",
            Change::AddTwin { .. } => "add twin",
        }
    }

    /// The item that it is about: two changes of different items do not touch each other. An empty
    /// second part means all of the body, an empty first part all of the world.
    pub fn place(&self) -> (String, String) {
        let func = |owner: &Option<String>, func: &String| owner.as_ref().unwrap_or(func).clone();
        match self {
            Change::Retype { body, spot, .. } | Change::Name { body, spot, .. } => {
                let item = match spot {
                    Spot::Member { ty, .. } | Spot::Alias { ty } => ty.clone(),
                    Spot::Param { owner, func: name, .. } | Spot::Result { owner, func: name } => {
                        func(owner, name)
                    }
                };
                (body.clone(), item)
            }
            Change::Func { body, owner, func: name, .. } => (body.clone(), func(owner, name)),
            Change::Type { body, ty, .. } => (body.clone(), ty.clone()),
            Change::AddResource { body, resource } => (body.clone(), resource.name.clone()),
            Change::RemoveResource { body, resource }
            | Change::UsedResource { body, resource, .. } => (body.clone(), resource.clone()),
            Change::RenameResource { body, from, .. } => (body.clone(), from.clone()),
            Change::OwnResource { body, used } => (body.clone(), used.clone()),
            Change::UseOther { body, local, .. } | Change::UseAlias { body, local, .. } => {
                (body.clone(), local.clone())
            }
            Change::Reorder { body, .. } => (body.clone(), String::new()),
            Change::DropImport(name)
            | Change::DropExport(name)
            | Change::RenameInterface { from: name, .. } => (name.clone(), String::new()),
            Change::AddImport(entry) | Change::AddExport(entry) => {
                (entry.name().to_owned(), String::new())
            }
            Change::ReorderWorld { .. } | Change::SetVersion { .. } | Change::AddTwin { .. } => {
                (String::new(), String::new())
            }
        }
    }

    /// What a diagnostic must name where this change is why a plugin is rejected: one of each group.
    /// `before` is the contract that is changed.
    pub fn names(&self, before: &Contract) -> Vec<Vec<String>> {
        let one = |name: &String| vec![name.clone()];
        let body = |body: &String| {
            let own = [&before.world.scope.name, &before.world.given.name].contains(&body);
            if own { Vec::new() } else { vec![before.dependents(body)] }
        };
        let func = |owner: &Option<String>, func: &String| -> Vec<Vec<String>> {
            owner.iter().chain([func]).map(one).collect()
        };
        let with = |place: &String, mut more: Vec<Vec<String>>| {
            more.extend(body(place));
            more
        };
        match self {
            Change::Name { body, name, .. } => with(body, vec![one(name)]),
            Change::Retype { body, spot, .. } => {
                let mut more = match spot {
                    Spot::Member { ty, member } => vec![one(ty), one(member)],
                    Spot::Alias { ty } => vec![one(ty)],
                    Spot::Param { owner, func: name, .. } | Spot::Result { owner, func: name } => {
                        func(owner, name)
                    }
                };
                match spot {
                    Spot::Param { param, .. } => more.push(one(param)),
                    Spot::Result { .. } => more.push(vec!["result".to_owned()]),
                    _ => {}
                }
                with(body, more)
            }
            Change::Func { body, owner, func: name, edit } => {
                let mut more: Vec<Vec<String>> = owner.iter().map(one).collect();
                match edit {
                    FuncEdit::Rename(to) => more.push(vec![name.clone(), to.clone()]),
                    _ => more.push(one(name)),
                }
                match edit {
                    FuncEdit::AddParam(_, param, _) | FuncEdit::RemoveParam(param) => {
                        more.push(one(param));
                    }
                    FuncEdit::RenameParam(from, to) => {
                        more.push(vec![from.clone(), to.clone()]);
                    }
                    FuncEdit::SetResult(_) => more.push(vec!["result".to_owned()]),
                    FuncEdit::ToggleAsync => more.push(vec!["async".to_owned()]),
                    _ => {}
                }
                with(body, more)
            }
            Change::Type { body, ty, edit } => {
                let more = match edit {
                    TypeEdit::Rename(to) => vec![vec![ty.clone(), to.clone()]],
                    TypeEdit::AddMember(_, member) => vec![one(ty), one(&member.name)],
                    TypeEdit::RemoveMember(member) | TypeEdit::SetPayload(member, _) => {
                        vec![one(ty), one(member)]
                    }
                    TypeEdit::RenameMember(from, to) => {
                        vec![one(ty), vec![from.clone(), to.clone()]]
                    }
                    _ => vec![one(ty)],
                };
                with(body, more)
            }
            Change::AddResource { body, resource } => with(body, vec![one(&resource.name)]),
            Change::RemoveResource { body, resource } => with(body, vec![one(resource)]),
            Change::RenameResource { body, from, to } => {
                with(body, vec![vec![from.clone(), to.clone()]])
            }
            // What is not used any more need not be there any more, and what is used must be.
            Change::OwnResource { body, used: local }
            | Change::UsedResource { body, resource: local, .. }
            | Change::UseOther { body, local, .. } => {
                let mut names = vec![local.clone()];
                names.extend(before.dependencies(body).into_iter().skip(1));
                if let Change::UsedResource { used: Use { from, .. }, .. }
                | Change::UseOther { from, .. } = self
                {
                    names.extend(before.dependencies(from));
                }
                vec![names]
            }
            Change::UseAlias { body, local, alias } => {
                with(body, vec![vec![local.clone(), alias.clone()]])
            }
            Change::Reorder { body, .. } => with(body, Vec::new()),
            // What it used is imported for its sake.
            Change::DropImport(name) | Change::DropExport(name) => {
                vec![before.dependencies(name)]
            }
            Change::AddImport(entry) | Change::AddExport(entry) => {
                let mut names = before.dependencies(entry.name());
                names.push(entry.name().to_owned());
                vec![names]
            }
            Change::RenameInterface { from, to } => vec![vec![from.clone(), to.clone()]],
            Change::ReorderWorld { .. } => Vec::new(),
            Change::SetVersion { package, .. } | Change::AddTwin { package, .. } => {
                vec![one(package)]
            }
        }
    }

    /// The name that it gives to a type.
    pub fn defines(&self) -> Option<&String> {
        match self {
            Change::Name { name, .. } => Some(name),
            Change::Type { ty, edit: TypeEdit::Add(_), .. } => Some(ty),
            Change::Type { edit: TypeEdit::Rename(to), .. } => Some(to),
            Change::UseAlias { alias, .. } => Some(alias),
            _ => None,
        }
    }

    /// Whether it changes which interfaces matter at all, and so may hide other changes.
    pub fn is_coarse(&self) -> bool {
        let uses = matches!(
            self,
            Change::OwnResource { .. } | Change::UsedResource { .. } | Change::UseOther { .. }
        );
        uses || self.place().1.is_empty()
    }

    /// Makes the change. None where there is nothing to change.
    pub fn apply(&self, contract: &mut Contract) -> Option<()> {
        match self {
            Change::Retype { body, spot, path, to, .. } => {
                *type_at(contract.body_mut(body)?, spot)?.at_mut(path)? = to.clone();
            }
            Change::Name { body, spot, path, name } => {
                let body = contract.body_mut(body)?;
                let place = type_at(body, spot)?.at_mut(path)?;
                let ty = std::mem::replace(place, Ty::Named(name.clone()));
                body.types.push(TypeDecl { name: name.clone(), def: Def::Alias(ty) });
            }
            Change::Func { body, owner, func, edit } => {
                let funcs = contract.body_mut(body)?.funcs_of(owner.as_deref())?;
                edit_func(funcs, func, edit)?;
            }
            Change::Type { body, ty, edit } => edit_type(contract, body, ty, edit)?,
            Change::AddResource { body, resource } => {
                contract.body_mut(body)?.resources.push(resource.clone());
            }
            Change::RemoveResource { body, resource } => {
                let resources = &mut contract.body_mut(body)?.resources;
                resources.remove(resources.iter().position(|r| r.name == *resource)?);
            }
            Change::RenameResource { body, from, to } => {
                rename(contract, body, from, to);
                let resources = &mut contract.body_mut(body)?.resources;
                resources.iter_mut().find(|r| r.name == *from)?.name.clone_from(to);
            }
            Change::OwnResource { body, used } => {
                let body = contract.body_mut(body)?;
                body.uses.remove(body.uses.iter().position(|u| u.local() == used)?);
                body.resources.push(Resource { name: used.clone(), funcs: Vec::new() });
            }
            Change::UsedResource { body, resource, used } => {
                let body = contract.body_mut(body)?;
                let at = body.resources.iter().position(|r| r.name == *resource)?;
                body.resources.remove(at);
                body.uses.push(used.clone());
            }
            Change::UseOther { body, local, from, name } => {
                let body = contract.body_mut(body)?;
                let used = body.uses.iter_mut().find(|used| used.local() == local)?;
                let alias = (name != local).then(|| local.clone());
                *used = Use { from: from.clone(), name: name.clone(), alias };
            }
            Change::UseAlias { body, local, alias } => {
                rename(contract, body, local, alias);
                let uses = &mut contract.body_mut(body)?.uses;
                let used = uses.iter_mut().find(|used| used.local() == local)?;
                used.alias = Some(alias.clone());
            }
            Change::Reorder { body, seed } => {
                let mut rng = crate::support::random::Rng(*seed);
                let body = contract.body_mut(body)?;
                rng.shuffle(&mut body.uses);
                rng.shuffle(&mut body.types);
                rng.shuffle(&mut body.resources);
                rng.shuffle(&mut body.funcs);
                body.resources.iter_mut().for_each(|resource| rng.shuffle(&mut resource.funcs));
            }
            Change::DropImport(name) => {
                let imports = &mut contract.world.imports;
                imports.remove(imports.iter().position(|entry| entry.name() == name)?);
            }
            Change::DropExport(name) => {
                let exports = &mut contract.world.exports;
                exports.remove(exports.iter().position(|entry| entry.name() == name)?);
            }
            Change::AddImport(entry) => contract.world.imports.push(entry.clone()),
            Change::AddExport(entry) => contract.world.exports.push(entry.clone()),
            Change::RenameInterface { from, to } => {
                contract.body_mut(from)?.name.clone_from(to);
                for body in contract.bodies_mut() {
                    body.uses.iter_mut().filter(|u| u.from == *from).for_each(|u| {
                        u.from.clone_from(to);
                    });
                }
                let world = &mut contract.world;
                for entry in world.imports.iter_mut().chain(&mut world.exports) {
                    match entry {
                        Entry::Named(name) if name == from => name.clone_from(to),
                        _ => {}
                    }
                }
            }
            Change::ReorderWorld { seed } => {
                let mut rng = crate::support::random::Rng(*seed);
                rng.shuffle(&mut contract.world.imports);
                rng.shuffle(&mut contract.world.exports);
                for package in &mut contract.packages {
                    rng.shuffle(&mut package.interfaces);
                }
            }
            Change::SetVersion { package, version, .. } => {
                let package = contract.packages.iter_mut().find(|p| p.name == *package)?;
                package.version.clone_from(version);
            }
            Change::AddTwin { package, version } => {
                let original = contract.packages.iter().find(|p| p.name == *package)?;
                let mut twin = original.clone();
                twin.version = Some(version.clone());
                contract.twins.push(twin);
            }
        }
        Some(())
    }

    /// Whether it only names or unnames plain types at a place where nobody is given them by the
    /// plugin: what an import defines and the other side does not name asks for nothing.
    pub fn only_defines(&self, on_plugin: bool, host: &Contract, plugin: &Contract) -> bool {
        let exported = |body: &String, name: &String| {
            host.reach(body, name)
                .iter()
                .chain(&plugin.reach(body, name))
                .any(|(body, _)| host.exports(body))
        };
        // The same, under this very name.
        let exported_so = |body: &String, name: &String| {
            host.reach(body, name)
                .iter()
                .chain(&plugin.reach(body, name))
                .any(|(body, local)| local == name && host.exports(body))
        };
        let bare = |name: &String| {
            let body = host.body(name).or_else(|| plugin.body(name));
            body.is_none_or(|body| body.funcs.is_empty() && body.resources.is_empty())
        };
        let unneeded = |name: &String| {
            let in_world = |contract: &Contract| {
                contract.dependents(name).iter().any(|user| {
                    contract.imports(user)
                        || contract.exports(user)
                        || *user == contract.world.scope.name
                })
            };
            !host.exports(name) && (bare(name) || !(in_world(host) || in_world(plugin)))
        };
        match self {
            Change::RenameInterface { from, to } => unneeded(from) && unneeded(to),
            Change::SetVersion { package, .. } => {
                let packages = host.packages.iter().chain(&plugin.packages);
                packages
                    .filter(|p| p.name == *package)
                    .all(|p| p.interfaces.iter().all(|body| unneeded(&body.name)))
            }
            Change::DropImport(name) => !on_plugin && bare(name),
            Change::AddImport(entry) => on_plugin && bare(&entry.name().to_owned()),
            Change::Name { body, name, .. } => on_plugin || !exported(body, name),
            Change::Type { body, ty, edit } => match edit {
                TypeEdit::Add(_) => on_plugin || !exported(body, ty),
                TypeEdit::Remove | TypeEdit::Inline => !on_plugin || !exported(body, ty),
                TypeEdit::Rename(to) => !exported_so(body, ty) && !exported_so(body, to),
                _ => false,
            },
            Change::UseAlias { body, local, alias } => {
                !exported_so(body, local) && !exported_so(body, alias)
            }
            _ => false,
        }
    }
}
