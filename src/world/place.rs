//! The place that a comparison has come to. It lives on the stack and becomes a path only where
//! there is something to say: most places fit. Whoever walks two worlds side by side names its places
//! with this, so that they are the same ones.

use super::Item;
use crate::diagnostic::{Segment, WitPath};

/// One step, and the steps before it.
#[derive(Clone, Copy)]
pub(crate) struct Place<'p> {
    before: Option<&'p Place<'p>>,
    kind: &'static str,
    name: Option<&'p str>,
}

impl<'p> Place<'p> {
    pub(crate) fn root(kind: &'static str, name: &'p str) -> Place<'p> {
        Place { before: None, kind, name: Some(name) }
    }

    pub(crate) fn then(&'p self, kind: &'static str, name: Option<&'p str>) -> Place<'p> {
        Place { before: Some(self), kind, name }
    }

    /// The step into an interface: `func send`, `type level`.
    pub(crate) fn into(&'p self, name: &'p str, item: &Item) -> Place<'p> {
        let kind = match item {
            Item::Func(_) => "func",
            Item::Type(_) => "type",
            Item::Resource(_) => "resource",
            Item::Instance(_) => "interface",
            Item::Module(_) | Item::Component(_) | Item::Other(_) => item.kind(),
        };
        self.then(kind, Some(name))
    }

    /// The step into a type, by the keyword that defines it. A path that ends in the type's name is
    /// there already.
    pub(crate) fn then_type(&'p self, keyword: &'static str, name: Option<&'p str>) -> Place<'p> {
        match (name, self.name) {
            (Some(name), Some(last)) if last == name => *self,
            _ => self.then(keyword, name),
        }
    }

    /// The step into a type whose structure has no keyword: only a name is a step.
    pub(crate) fn then_named(&'p self, name: Option<&'p str>) -> Place<'p> {
        if name.is_some() { self.then_type("type", name) } else { *self }
    }

    /// How many steps it is.
    pub(crate) fn depth(&self) -> usize {
        1 + self.before.map_or(0, Place::depth)
    }

    /// The first step: an import or an export, and its name.
    pub(crate) fn start(&self) -> (&'static str, &'p str) {
        match self.before {
            Some(before) => before.start(),
            None => (self.kind, self.name.unwrap_or_default()),
        }
    }

    /// The steps for people. Below the first, which is a name that others look up, the functions of a
    /// resource go by WIT's words.
    pub(crate) fn path(&self) -> WitPath {
        let Some(before) = self.before else {
            return WitPath::root(self.kind, self.name.unwrap_or_default());
        };
        let mut path = before.path();
        let (kind, name) = match (self.kind, self.name) {
            ("func", Some(name)) => func_words(name),
            (kind, name) => (kind, name),
        };
        path.0.push(Segment { kind: kind.into(), name: name.map(str::to_owned) });
        path
    }
}

/// `method session.feed` for `[method]session.feed` (component model, Explainer.md, "Import and
/// export definitions").
fn func_words(name: &str) -> (&'static str, Option<&str>) {
    for kind in ["constructor", "method", "static"] {
        let rest = name.strip_prefix('[').and_then(|rest| rest.strip_prefix(kind));
        if let Some(name) = rest.and_then(|rest| rest.strip_prefix(']')) {
            return (kind, Some(name));
        }
    }
    ("func", Some(name))
}

/// The resource that a function belongs to, by the function's name.
pub(crate) fn owner(name: &str) -> Option<&str> {
    match func_words(name) {
        ("func", _) => None,
        (_, name) => name.map(|name| name.split('.').next().unwrap_or(name)),
    }
}
