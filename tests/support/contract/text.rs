//! Items as WIT writes them.

use super::{Def, Func, FuncKind, Member, Package, Ty, TypeDecl};

pub fn with_version(name: &str, package: &Package) -> String {
    match &package.version {
        Some(version) => format!("{name}@{version}"),
        None => name.to_owned(),
    }
}

pub fn decl_text(decl: &TypeDecl) -> String {
    let list = |keyword: &str, members: &[Member], payload: fn(&str) -> String| {
        let members = members.iter().map(|member| match &member.ty {
            Some(ty) => format!("{}{}", member.name, payload(&ty_text(ty))),
            None => member.name.clone(),
        });
        let members = members.collect::<Vec<_>>().join(", ");
        format!("{keyword} {} {{ {members} }}", decl.name)
    };
    match &decl.def {
        Def::Record(members) => list("record", members, |ty| format!(": {ty}")),
        Def::Variant(members) => list("variant", members, |ty| format!("({ty})")),
        Def::Enum(members) => list("enum", members, |_| String::new()),
        Def::Flags(members) => list("flags", members, |_| String::new()),
        Def::Alias(ty) => format!("type {} = {};", decl.name, ty_text(ty)),
    }
}

pub fn func_text(func: &Func) -> String {
    let params = func.params.iter().map(|(name, ty)| format!("{name}: {}", ty_text(ty)));
    let params = params.collect::<Vec<_>>().join(", ");
    let result = func.result.as_ref().map(|ty| format!(" -> {}", ty_text(ty))).unwrap_or_default();
    let keyword = match (func.kind, func.is_async) {
        (FuncKind::Constructor, _) => return format!("constructor({params}){result};"),
        (FuncKind::Static, false) => "static func",
        (FuncKind::Static, true) => "static async func",
        (_, false) => "func",
        (_, true) => "async func",
    };
    format!("{}: {keyword}({params}){result};", func.name)
}

pub fn ty_text(ty: &Ty) -> String {
    let or_blank = |ty: &Option<Box<Ty>>| ty.as_ref().map_or("_".to_owned(), |ty| ty_text(ty));
    match ty {
        Ty::Prim(name) => (*name).to_owned(),
        Ty::Named(name) => name.clone(),
        Ty::Borrow(name) => format!("borrow<{name}>"),
        Ty::List(ty) => format!("list<{}>", ty_text(ty)),
        Ty::Option(ty) => format!("option<{}>", ty_text(ty)),
        Ty::Result(None, None) => "result".to_owned(),
        Ty::Result(Some(ok), None) => format!("result<{}>", ty_text(ok)),
        Ty::Result(ok, err) => format!("result<{}, {}>", or_blank(ok), or_blank(err)),
        Ty::Tuple(types) => {
            format!("tuple<{}>", types.iter().map(ty_text).collect::<Vec<_>>().join(", "))
        }
        Ty::Future(None) => "future".to_owned(),
        Ty::Future(Some(ty)) => format!("future<{}>", ty_text(ty)),
        Ty::Stream(None) => "stream".to_owned(),
        Ty::Stream(Some(ty)) => format!("stream<{}>", ty_text(ty)),
    }
}
