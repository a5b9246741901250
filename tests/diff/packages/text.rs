//! Definitions and functions as WIT writes them.

use super::{Def, Func, Ty};

pub fn function(func: &Func) -> String {
    let params: Vec<String> = func.params.iter().map(|(n, ty)| format!("{n}: {ty}")).collect();
    let keyword = if func.is_async { "async func" } else { "func" };
    let result = func.result.as_ref().map_or(String::new(), |ty| format!(" -> {ty}"));
    format!("{}: {keyword}({}){result};", func.name, params.join(", "))
}

pub fn definition(name: &str, def: &Def) -> String {
    let fields = |fields: &[(String, Ty)]| -> Vec<String> {
        fields.iter().map(|(name, ty)| format!("{name}: {ty}")).collect()
    };
    match def {
        Def::Record(parts) => format!("record {name} {{ {} }}", fields(parts).join(", ")),
        Def::Variant(cases) => {
            let case = |(name, ty): &(String, Option<Ty>)| match ty {
                Some(ty) => format!("{name}({ty})"),
                None => name.clone(),
            };
            let cases: Vec<String> = cases.iter().map(case).collect();
            format!("variant {name} {{ {} }}", cases.join(", "))
        }
        Def::Names(keyword, names) => format!("{keyword} {name} {{ {} }}", names.join(", ")),
        Def::Alias(ty) => format!("type {name} = {ty};"),
        Def::Resource(funcs) => {
            let funcs: Vec<String> = funcs.iter().map(function).collect();
            format!("resource {name} {{ {} }}", funcs.join(" "))
        }
    }
}
