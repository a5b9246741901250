//! Edits of functions and of types.

use crate::contract::{Body, Contract, Def, Func, FuncKind, Member, Ty, TypeDecl};

/// Where a type is written, in a body.
#[derive(Clone, Debug, PartialEq)]
pub enum Spot {
    Member { ty: String, member: String },
    Alias { ty: String },
    Param { owner: Option<String>, func: String, param: String },
    Result { owner: Option<String>, func: String },
}

/// What of a function is edited.
#[derive(Clone, Debug, PartialEq)]
pub enum FuncEdit {
    Add(Func),
    Remove,
    Rename(String),
    AddParam(usize, String, Ty),
    RemoveParam(String),
    RenameParam(String, String),
    SwapParams(usize, usize),
    ToggleAsync,
    ToggleStatic,
    /// A result where there was none, or none where there was one.
    SetResult(Option<Ty>),
}

/// What of a named type is edited.
#[derive(Clone, Debug, PartialEq)]
pub enum TypeEdit {
    Add(TypeDecl),
    Remove,
    Rename(String),
    /// Another kind of type under the same name.
    Redefine(Def),
    /// An alias is written out wherever it is used, and gone.
    Inline,
    AddMember(usize, Member),
    RemoveMember(String),
    RenameMember(String, String),
    SwapMembers(usize, usize),
    /// A case gets a payload or loses it.
    SetPayload(String, Option<Ty>),
}

/// Renames a name of a body, and everything that comes to it by `use`.
pub fn rename(contract: &mut Contract, body: &str, from: &str, to: &str) {
    for (user, local) in contract.reach(body, from) {
        let Some(place) = contract.body_mut(&user) else { continue };
        if user == body {
            place.rename(from, to);
        } else if local == from {
            // What was used under its own name follows; aliases stay.
            place.rename(from, to);
        }
    }
    let reached = contract.reach(body, from);
    let renamed: Vec<String> =
        reached.iter().filter(|(_, local)| local == from).map(|(user, _)| user.clone()).collect();
    for user in contract.bodies_mut() {
        for used in user.uses.iter_mut().filter(|u| u.name == from && renamed.contains(&u.from)) {
            to.clone_into(&mut used.name);
        }
    }
}

pub fn type_at<'a>(body: &'a mut Body, spot: &Spot) -> Option<&'a mut Ty> {
    match spot {
        Spot::Member { ty, member } => {
            let members = body.type_mut(ty)?.def.members_mut()?;
            members.iter_mut().find(|m| m.name == *member)?.ty.as_mut()
        }
        Spot::Alias { ty } => match &mut body.type_mut(ty)?.def {
            Def::Alias(ty) => Some(ty),
            _ => None,
        },
        Spot::Param { owner, func, param } => {
            let func = body.func_mut(owner.as_deref(), func)?;
            func.params.iter_mut().find(|(name, _)| name == param).map(|(_, ty)| ty)
        }
        Spot::Result { owner, func } => body.func_mut(owner.as_deref(), func)?.result.as_mut(),
    }
}

pub fn edit_func(funcs: &mut Vec<Func>, name: &str, edit: &FuncEdit) -> Option<()> {
    if let FuncEdit::Add(func) = edit {
        funcs.push(func.clone());
        return Some(());
    }
    let at = funcs.iter().position(|func| func.name == name)?;
    let func = &mut funcs[at];
    let param = |func: &Func, name: &str| func.params.iter().position(|(param, _)| param == name);
    match edit {
        FuncEdit::Add(_) => {}
        FuncEdit::Remove => {
            funcs.remove(at);
        }
        FuncEdit::Rename(to) => func.name.clone_from(to),
        FuncEdit::AddParam(at, name, ty) => {
            func.params.insert(*at.min(&func.params.len()), (name.clone(), ty.clone()));
        }
        FuncEdit::RemoveParam(name) => {
            func.params.remove(param(func, name)?);
        }
        FuncEdit::RenameParam(from, to) => {
            let at = param(func, from)?;
            func.params[at].0.clone_from(to);
        }
        FuncEdit::SwapParams(a, b) => {
            if func.params.len() <= *a.max(b) {
                return None;
            }
            func.params.swap(*a, *b);
        }
        FuncEdit::ToggleAsync => func.is_async = !func.is_async,
        FuncEdit::ToggleStatic => {
            func.kind = match func.kind {
                FuncKind::Method => FuncKind::Static,
                FuncKind::Static => FuncKind::Method,
                _ => return None,
            };
        }
        FuncEdit::SetResult(result) => func.result.clone_from(result),
    }
    Some(())
}

pub fn edit_type(contract: &mut Contract, body: &str, name: &str, edit: &TypeEdit) -> Option<()> {
    if let TypeEdit::Rename(to) = edit {
        rename(contract, body, name, to);
        contract.body_mut(body)?.type_mut(name)?.name.clone_from(to);
        return Some(());
    }
    let body = contract.body_mut(body)?;
    if let TypeEdit::Add(decl) = edit {
        body.types.push(decl.clone());
        return Some(());
    }
    let at = body.types.iter().position(|ty| ty.name == name)?;
    let decl = &mut body.types[at];
    let position = |members: &[Member], name: &str| members.iter().position(|m| m.name == name);
    match edit {
        TypeEdit::Add(_) | TypeEdit::Rename(_) => {}
        TypeEdit::Remove => {
            body.types.remove(at);
        }
        TypeEdit::Redefine(def) => decl.def = def.clone(),
        TypeEdit::Inline => {
            let Def::Alias(ty) = body.types.remove(at).def else { return None };
            body.each_ty(&mut |place| {
                if *place == Ty::Named(name.to_owned()) {
                    *place = ty.clone();
                }
            });
        }
        TypeEdit::AddMember(at, member) => {
            let members = decl.def.members_mut()?;
            members.insert(*at.min(&members.len()), member.clone());
        }
        TypeEdit::RemoveMember(name) => {
            let members = decl.def.members_mut()?;
            members.remove(position(members, name)?);
        }
        TypeEdit::RenameMember(from, to) => {
            let members = decl.def.members_mut()?;
            let at = position(members, from)?;
            members[at].name.clone_from(to);
        }
        TypeEdit::SwapMembers(a, b) => {
            let members = decl.def.members_mut()?;
            if members.len() <= *a.max(b) {
                return None;
            }
            members.swap(*a, *b);
        }
        TypeEdit::SetPayload(name, ty) => {
            let members = decl.def.members_mut()?;
            let at = position(members, name)?;
            members[at].ty.clone_from(ty);
        }
    }
    Some(())
}
