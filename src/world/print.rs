//! Types as WIT writes them, for messages.

use super::{Func, Item, ResourceId, Shape, TypeId, World};

/// How much of a definition is written out before it is cut short, in bytes.
const MAX_DEFINITION: usize = 400;

impl World {
    /// A type as it is used: its name, or its structure where it has none.
    pub fn type_name(&self, id: TypeId) -> String {
        let ty = self.ty(id);
        match &ty.name {
            Some(name) => name.clone(),
            None => self.shape(&ty.shape, 0),
        }
    }

    /// A type as it is defined: `record output { stdout: string, ... }`, cut short where long.
    pub fn definition(&self, id: TypeId) -> String {
        let ty = self.ty(id);
        let name = ty.name.as_deref();
        let keyword = self.keyword(id);
        let head = |body: String| match name {
            Some(name) => format!("{keyword} {name} {{ {body} }}"),
            None => format!("{keyword} {{ {body} }}"),
        };
        match &ty.shape {
            Shape::Record(fields) => {
                head(join(fields, |(name, ty)| format!("{name}: {}", self.type_name(*ty))))
            }
            Shape::Variant(cases) => head(join(cases, |(name, ty)| match ty {
                Some(ty) => format!("{name}({})", self.type_name(*ty)),
                None => name.clone(),
            })),
            Shape::Enum(names) | Shape::Flags(names) => head(join(names, String::clone)),
            shape => self.shape(shape, 0),
        }
    }

    /// The keyword that defines the type, or WIT's name for its structure.
    pub fn keyword(&self, id: TypeId) -> &'static str {
        match &self.ty(id).shape {
            Shape::Primitive(name) => name,
            Shape::Record(_) => "record",
            Shape::Variant(_) => "variant",
            Shape::Enum(_) => "enum",
            Shape::Flags(_) => "flags",
            Shape::Tuple(_) => "tuple",
            Shape::List(_) | Shape::FixedList(..) => "list",
            Shape::Map(..) => "map",
            Shape::Option(_) => "option",
            Shape::Result(..) => "result",
            Shape::Own(_) => "own",
            Shape::Borrow(_) => "borrow",
            Shape::Future(_) => "future",
            Shape::Stream(_) => "stream",
        }
    }

    /// A function type: `func(args: list<string>) -> result<string, string>`.
    pub fn func(&self, func: &Func) -> String {
        let params = join(&func.params, |(name, ty)| format!("{name}: {}", self.type_name(*ty)));
        let result = func.result.map(|ty| format!(" -> {}", self.type_name(ty)));
        let keyword = if func.is_async { "async func" } else { "func" };
        format!("{keyword}({params}){}", result.unwrap_or_default())
    }

    /// One line for an item of a world: its type, or how much there is in it.
    pub fn item(&self, item: &Item) -> String {
        match item {
            Item::Func(func) => self.func(func),
            Item::Type(ty) => self.definition(*ty),
            Item::Resource(_) => "resource".to_owned(),
            Item::Module(_) | Item::Component(_) | Item::Other(_) => item.kind().to_owned(),
            Item::Instance(instance) => {
                let funcs = instance.items.values().filter(|i| matches!(i, Item::Func(_))).count();
                match (funcs, instance.items.len() - funcs) {
                    (funcs, 0) => count(funcs, "function"),
                    (0, types) => count(types, "type"),
                    (funcs, types) => {
                        format!("{}, {}", count(funcs, "function"), count(types, "type"))
                    }
                }
            }
        }
    }

    fn handle(&self, id: ResourceId) -> &str {
        &self.resource(id).name
    }

    /// Structures nest as deep as validation lets them, which is far deeper than anybody reads.
    fn shape(&self, shape: &Shape, depth: usize) -> String {
        if depth > 8 {
            return "...".to_owned();
        }
        let name = |id: &TypeId| match &self.ty(*id).name {
            Some(name) => name.clone(),
            None => self.shape(&self.ty(*id).shape, depth + 1),
        };
        let or_blank = |id: &Option<TypeId>| id.as_ref().map_or("_".to_owned(), name);
        match shape {
            Shape::Primitive(keyword) => (*keyword).to_owned(),
            Shape::Record(fields) => {
                format!("record {{ {} }}", join(fields, |(n, ty)| format!("{n}: {}", name(ty))))
            }
            Shape::Variant(cases) => format!(
                "variant {{ {} }}",
                join(cases, |(n, ty)| match ty {
                    Some(ty) => format!("{n}({})", name(ty)),
                    None => n.clone(),
                })
            ),
            Shape::Enum(names) => format!("enum {{ {} }}", join(names, String::clone)),
            Shape::Flags(names) => format!("flags {{ {} }}", join(names, String::clone)),
            Shape::Tuple(types) => format!("tuple<{}>", join(types, name)),
            Shape::List(ty) => format!("list<{}>", name(ty)),
            Shape::FixedList(ty, length) => format!("list<{}, {length}>", name(ty)),
            Shape::Map(key, value) => format!("map<{}, {}>", name(key), name(value)),
            Shape::Option(ty) => format!("option<{}>", name(ty)),
            Shape::Result(None, None) => "result".to_owned(),
            Shape::Result(Some(ok), None) => format!("result<{}>", name(ok)),
            Shape::Result(ok, err) => format!("result<{}, {}>", or_blank(ok), or_blank(err)),
            Shape::Own(id) => self.handle(*id).to_owned(),
            Shape::Borrow(id) => format!("borrow<{}>", self.handle(*id)),
            Shape::Future(None) => "future".to_owned(),
            Shape::Future(Some(ty)) => format!("future<{}>", name(ty)),
            Shape::Stream(None) => "stream".to_owned(),
            Shape::Stream(Some(ty)) => format!("stream<{}>", name(ty)),
        }
    }
}

fn count(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

fn join<T>(items: &[T], mut show: impl FnMut(&T) -> String) -> String {
    let mut out = String::new();
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        if out.len() > MAX_DEFINITION {
            out.push_str("...");
            break;
        }
        out.push_str(&show(item));
    }
    out
}
