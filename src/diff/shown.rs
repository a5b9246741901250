//! Items and members as WIT writes them, whole: what stands before and after a change.

use indexmap::IndexMap;

use crate::world::{Func, Item, Shape, TypeId, World};

/// A function of a resource, out of its name in an interface: `[method]session.feed`
/// (component model, Explainer.md, "Import and Export Definitions").
pub struct Member<'a> {
    /// `constructor`, `method` or `static`.
    pub kind: &'static str,
    /// The resource.
    pub resource: &'a str,
    /// The function; none for a constructor.
    pub name: Option<&'a str>,
}

/// Takes the name of a function of a resource apart. None where it is a function of its own.
pub fn member(name: &str) -> Option<Member<'_>> {
    if let Some(resource) = name.strip_prefix("[constructor]") {
        return Some(Member { kind: "constructor", resource, name: None });
    }
    let (kind, rest) = match name.strip_prefix("[method]") {
        Some(rest) => ("method", rest),
        None => ("static", name.strip_prefix("[static]")?),
    };
    let (resource, name) = rest.split_once('.')?;
    Some(Member { kind, resource, name: Some(name) })
}

/// An item of a world or an interface: its type, or everything that is in it. A resource is shown with
/// its functions, which stand among the other items.
pub fn item(world: &World, name: &str, item: &Item, among: &IndexMap<String, Item>) -> String {
    match item {
        Item::Func(func) => function(world, name, func),
        Item::Resource(_) => resource(world, name, among),
        Item::Instance(instance) => {
            let mut parts = Vec::new();
            for (name, item) in &instance.items {
                match item {
                    Item::Func(func) if member(name).is_none() => {
                        parts.push(format!("{name}: {};", function(world, name, func)));
                    }
                    Item::Func(_) => {} // With its resource.
                    item => parts.push(self::item(world, name, item, &instance.items)),
                }
            }
            block("interface", &parts)
        }
        Item::Type(ty) => {
            let definition = world.definition(*ty);
            let keyword = world.keyword(*ty);
            let defines = matches!(keyword, "record" | "variant" | "enum" | "flags");
            if defines { definition } else { format!("type {name} = {definition}") }
        }
        Item::Module(_) | Item::Component(_) | Item::Other(_) => item.kind().to_owned(),
    }
}

fn resource(world: &World, name: &str, among: &IndexMap<String, Item>) -> String {
    let parts: Vec<String> = among
        .iter()
        .filter_map(|(full, item)| match (item, member(full)) {
            (Item::Func(func), Some(member)) if member.resource == name => {
                let ty = function(world, full, func);
                Some(member.name.map_or(format!("{ty};"), |name| format!("{name}: {ty};")))
            }
            _ => None,
        })
        .collect();
    if parts.is_empty() {
        return format!("resource {name}");
    }
    block(&format!("resource {name}"), &parts)
}

fn block(head: &str, parts: &[String]) -> String {
    if parts.is_empty() {
        format!("{head} {{}}")
    } else {
        format!("{head} {{ {} }}", parts.join(" "))
    }
}

/// The type of a function. As in WIT, the `self` of a method goes without saying, and so does what
/// a constructor makes.
fn function(world: &World, name: &str, func: &Func) -> String {
    let kind = member(name).map(|member| member.kind);
    let own = |ty: TypeId| matches!(world.ty(ty).shape, Shape::Own(_));
    match (kind, func.params.split_first()) {
        (Some("method"), Some(((first, _), rest))) if first == "self" => {
            world.func(&Func { params: rest.to_vec(), ..func.clone() })
        }
        (Some("static"), _) => format!("static {}", world.func(func)),
        (Some("constructor"), _) => {
            let result = func.result.filter(|ty| !own(*ty));
            let text = world.func(&Func { result, ..func.clone() });
            format!("constructor{}", text.trim_start_matches("func"))
        }
        _ => world.func(func),
    }
}

/// What a parameter, field, case or flag is, at a place that has its name already.
pub fn part(world: &World, kind: &str, name: &str, ty: Option<TypeId>) -> String {
    match ty {
        Some(ty) if kind == "case" => named_part(world, kind, name, ty),
        Some(ty) => world.type_name(ty),
        None => name.to_owned(),
    }
}

/// The same under its name.
pub fn named_part(world: &World, kind: &str, name: &str, ty: TypeId) -> String {
    let ty = world.type_name(ty);
    if kind == "case" { format!("{name}({ty})") } else { format!("{name}: {ty}") }
}
