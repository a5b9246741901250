//! A call and the world that it is made in: which function it means, and whether it fits.

use std::collections::BTreeMap;
use std::ops::Range;

use indexmap::IndexMap;

use super::fit::{Fit, Use};
use super::parse::{Call, Node};
use super::{Expect, Invocation, Part, Value, WaveError};
use crate::world::{Func, Item, ResourceId, Shape, World, find, nearest};

/// The most that the arguments of one call may weigh in the engine, in bytes; long lists weigh about
/// 40 bytes an element there, unless they are bytes.
const MAX_ARGUMENTS: u64 = 128 << 20;

/// The variables of a script, as far as it has come.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    variables: BTreeMap<String, Variable>,
}

#[derive(Clone, Debug)]
struct Variable {
    resource: ResourceId,
    /// The call that took it away.
    gone: Option<String>,
    /// The call that is read at present.
    borrowed: bool,
}

impl Scope {
    /// Passes a variable's handle to a parameter.
    pub(super) fn pass(
        &mut self,
        world: &World,
        name: &str,
        wanted: ResourceId,
        own: bool,
        span: &Range<usize>,
    ) -> Result<(), WaveError> {
        let error = |message: String| Err(WaveError::new(span.clone(), message));
        let known: Vec<&str> = self.variables.keys().map(String::as_str).collect();
        let hint = match nearest(name, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if known.is_empty() => {
                "`let s = ...` in a step before gives a handle a name".to_owned()
            }
            None => format!("there are {}", known.join(", ")),
        };
        let Some(variable) = self.variables.get_mut(name) else {
            return error(format!("there is no variable `{name}`; {hint}"));
        };
        if let Some(call) = &variable.gone {
            return error(format!("`{name}` was given away by {call}"));
        }
        if variable.resource != wanted {
            return error(format!(
                "`{name}` is a {}; a {} should be here",
                world.resource(variable.resource).name,
                world.resource(wanted).name
            ));
        }
        if own && variable.borrowed {
            return error(format!("`{name}` is lent to this very call"));
        }
        match own {
            true => variable.gone = Some("this call".to_owned()),
            false => variable.borrowed = true,
        }
        Ok(())
    }

    /// The call is read: what it borrowed is back, what it took is gone.
    fn settle(&mut self, call: &str) {
        for variable in self.variables.values_mut() {
            variable.borrowed = false;
            if variable.gone.as_deref() == Some("this call") {
                variable.gone = Some(format!("`{call}`"));
            }
        }
    }
}

/// A function that a component exports or imports, and what a script calls it.
pub(super) struct Exported<'w> {
    /// Its interface; none for a function of the world itself.
    pub interface: Option<&'w str>,
    /// Its name in the component.
    pub name: &'w str,
    /// Its type.
    pub func: &'w Func,
}

impl Exported<'_> {
    /// The name without the component model's brackets: `session` for a constructor,
    /// `session.open` for a static function or a method.
    pub fn plain(&self) -> &str {
        self.name.split_once(']').map_or(self.name, |(_, name)| name)
    }

    pub fn shown(&self) -> String {
        match self.interface {
            Some(interface) => format!("{interface}#{}", self.plain()),
            None => self.plain().to_owned(),
        }
    }
}

fn exported(world: &World) -> Vec<Exported<'_>> {
    functions(&world.exports)
}

/// The functions of what a world exports or imports.
pub(super) fn functions(items: &IndexMap<String, Item>) -> Vec<Exported<'_>> {
    let mut functions = Vec::new();
    for (name, item) in items {
        match item {
            Item::Func(func) => functions.push(Exported { interface: None, name, func }),
            Item::Instance(instance) => {
                for (inner, item) in &instance.items {
                    if let Item::Func(func) = item {
                        functions.push(Exported { interface: Some(name), name: inner, func });
                    }
                }
            }
            _ => {}
        }
    }
    functions
}

/// The names by which scripts call what a world exports.
pub fn exported_functions(world: &World) -> Vec<String> {
    exported(world).iter().map(Exported::shown).collect()
}

/// Finds the function that a call means and fits its arguments and its expectation to it. `files` are
/// those that the case names.
pub fn resolve(
    world: &World,
    call: &Call,
    text: &str,
    expect: Expected<'_>,
    scope: &mut Scope,
    files: &[&[u8]],
) -> Result<Invocation, WaveError> {
    let functions = exported(world);
    let types = Fit { world, files };
    let (function, this) = lookup(world, &functions, call, scope)?;
    let mut args = Vec::new();
    let mut params = function.func.params.iter();
    if let Some(name) = this {
        if let Some((_, ty)) = params.next()
            && let Shape::Borrow(resource) | Shape::Own(resource) = world.ty(*ty).shape
        {
            let own = matches!(world.ty(*ty).shape, Shape::Own(_));
            scope.pass(world, name, resource, own, &call.target_span)?;
        }
        args.push(Value::Handle(name.to_owned()));
    }
    let mut given = call.args.iter();
    for (param, ty) in params {
        match given.next() {
            Some(node) => {
                args.push(types.value(node, *ty, &mut Use::Argument(scope)).map_err(|error| {
                    WaveError { message: format!("`{param}`: {}", error.message), ..error }
                })?)
            }
            // As in WAVE, options at the end may be left out.
            None if matches!(world.ty(*ty).shape, Shape::Option(_)) => {
                args.push(Value::Option(None));
            }
            None => {
                let end = call.args_span.end;
                return Err(arity(world, &function, call, end.saturating_sub(1)..end));
            }
        }
    }
    if let Some(extra) = given.next() {
        return Err(arity(world, &function, call, extra.span.clone()));
    }
    let weight: u64 = args.iter().map(|value| weight(value, files)).sum();
    if weight > MAX_ARGUMENTS {
        let message = format!(
            "these arguments would take {} MiB in the engine, which is more than {} MiB; only \
             list<u8> and string travel as they are",
            weight >> 20,
            MAX_ARGUMENTS >> 20
        );
        return Err(WaveError::new(call.args_span.clone(), message));
    }
    scope.settle(text.trim());
    if let Some((name, span)) = &call.bind {
        let resource = bound(world, &function).ok_or_else(|| {
            let result = function.func.result.map(|ty| world.type_name(ty));
            let result = result.map_or("nothing".to_owned(), |name| format!("a {name}"));
            let message =
                format!("`{name}` can name a handle; {} returns {result}", function.shown());
            WaveError::new(span.clone(), message)
        })?;
        scope.variables.insert(name.clone(), Variable { resource, gone: None, borrowed: false });
    }
    let expect = match (expect, function.func.result) {
        (Expected::Return, _) => Expect::Return,
        (Expected::Trap(text), _) => Expect::Trap(text.to_owned()),
        (Expected::Value(node), Some(ty)) => {
            let value = types.value(node, ty, &mut Use::Expectation);
            Expect::Value(value.map_err(|error| WaveError { part: Part::Expectation, ..error })?)
        }
        (Expected::Value(node), None) => {
            let message = format!("{} returns nothing to compare", function.shown());
            let error = WaveError::new(node.span.clone(), message);
            return Err(WaveError { part: Part::Expectation, ..error });
        }
    };
    Ok(Invocation {
        interface: function.interface.map(str::to_owned),
        function: function.name.to_owned(),
        args,
        bind: call.bind.as_ref().map(|(name, _)| name.clone()),
        expect,
    })
}

/// What is expected of a call, as it is written.
#[derive(Clone, Copy, Debug)]
pub enum Expected<'e> {
    /// That it returns.
    Return,
    /// This value.
    Value(&'e Node),
    /// A trap with this in its message.
    Trap(&'e str),
}

/// The resource that `let` would name: an owned handle, by itself or in `ok` or `some`.
fn bound(world: &World, function: &Exported<'_>) -> Option<ResourceId> {
    let shape = |ty| &world.ty(ty).shape;
    match shape(function.func.result?) {
        Shape::Own(resource) => Some(*resource),
        Shape::Option(ty) | Shape::Result(Some(ty), _) => match shape(*ty) {
            Shape::Own(resource) => Some(*resource),
            _ => None,
        },
        _ => None,
    }
}

fn arity(world: &World, function: &Exported<'_>, call: &Call, span: Range<usize>) -> WaveError {
    let this = usize::from(function.name.starts_with("[method]") && !call.target.contains('['));
    let params: Vec<String> = function.func.params[this.min(function.func.params.len())..]
        .iter()
        .map(|(name, ty)| format!("{name}: {}", world.type_name(*ty)))
        .collect();
    let count = |n: usize| if n == 1 { "1 argument".to_owned() } else { format!("{n} arguments") };
    let message = format!(
        "{} takes {}, ({}); this has {}",
        function.shown(),
        count(params.len()),
        params.join(", "),
        call.args.len()
    );
    WaveError::new(span, message)
}

/// Finds the function, and the variable that is its first argument where it is a method of one.
fn lookup<'w, 'c>(
    world: &World,
    functions: &'w [Exported<'w>],
    call: &'c Call,
    scope: &Scope,
) -> Result<(Exported<'w>, Option<&'c str>), WaveError> {
    let error = |message: String| Err(WaveError::new(call.target_span.clone(), message));
    let copy = |function: &Exported<'w>| Exported { ..*function };
    let target = call.target.as_str();
    if let Some((name, method)) = target.split_once('.')
        && let Some(variable) = scope.variables.get(name)
    {
        let resource = &world.resource(variable.resource).name;
        let of_resource = |function: &&Exported<'_>| {
            function.name.starts_with("[method]")
                && function.func.params.first().is_some_and(|(_, ty)| {
                    matches!(world.ty(*ty).shape, Shape::Borrow(id) if id == variable.resource)
                })
        };
        let last = |function: &Exported<'w>| {
            function.plain().rsplit('.').next().unwrap_or_default().to_owned()
        };
        if let Some(function) = functions.iter().filter(of_resource).find(|f| last(f) == method) {
            return Ok((copy(function), Some(name)));
        }
        let methods: Vec<String> = functions.iter().filter(of_resource).map(last).collect();
        let hint = hint(method, methods.iter().map(String::as_str), "it has no method");
        return error(format!("{resource} has no method {method}; {hint}"));
    }
    let (interface, plain) = match target.split_once('#') {
        None => (None, target),
        Some((interface, plain)) => (Some(full(world, interface)), plain),
    };
    let named = |function: &&Exported<'_>| {
        function.name == plain || (function.plain() == plain && function.name != function.plain())
    };
    let found: Vec<&Exported<'_>> = match &interface {
        Some(interface) => functions
            .iter()
            .filter(|function| function.interface == Some(interface))
            .filter(named)
            .collect(),
        None => {
            let own: Vec<_> =
                functions.iter().filter(|f| f.interface.is_none()).filter(named).collect();
            if own.is_empty() { functions.iter().filter(named).collect() } else { own }
        }
    };
    match found.as_slice() {
        [one] => Ok((copy(one), None)),
        [] => {
            let full =
                interface.map_or(plain.to_owned(), |interface| format!("{interface}#{plain}"));
            let mut names: Vec<String> = functions.iter().map(Exported::shown).collect();
            // A bare name may be near the bare name of a function in an interface.
            let bare = functions.iter().map(|f| f.plain().to_owned());
            let near = if target.contains('#') { Vec::new() } else { bare.collect() };
            names.retain(|name| !near.contains(name));
            let all: Vec<&str> = names.iter().chain(&near).map(String::as_str).collect();
            let hint = match nearest(&full, all.iter().copied()) {
                Some(near) => format!("did you mean {near}?"),
                None => hint(
                    "",
                    exported_functions(world).iter().map(String::as_str),
                    "it exports no function",
                ),
            };
            error(format!("no function {full} is exported; {hint}"))
        }
        several => {
            let names: Vec<String> = several.iter().map(|f| f.shown()).collect();
            error(format!("several functions are called {plain}; write {}", names.join(" or ")))
        }
    }
}

fn hint<'n>(name: &str, known: impl Iterator<Item = &'n str> + Clone, none: &str) -> String {
    match nearest(name, known.clone()) {
        Some(near) => format!("did you mean {near}?"),
        None => match known.clone().count() {
            0 => none.to_owned(),
            n => {
                let names: Vec<&str> = known.take(12).collect();
                let more = if n > names.len() {
                    format!(" and {} more", n - names.len())
                } else {
                    String::new()
                };
                format!("there are {}{more}", names.join(", "))
            }
        },
    }
}

/// The interface that is meant: by its name, on its semver track, or by its name without a version.
fn full(world: &World, interface: &str) -> String {
    let instances: IndexMap<String, ()> = world
        .exports
        .iter()
        .filter(|(_, item)| matches!(item, Item::Instance(_)))
        .map(|(name, _)| (name.clone(), ()))
        .collect();
    let without_version =
        |export: &&String| !interface.contains('@') && export.split('@').next() == Some(interface);
    let found = find(&instances, interface).map(|(export, ())| export);
    let found = found.or_else(|| instances.keys().find(without_version).map(String::as_str));
    found.unwrap_or(interface).to_owned()
}

/// What a value takes in the engine, roughly, in bytes.
fn weight(value: &Value, files: &[&[u8]]) -> u64 {
    const ELEMENT: u64 = 40;
    let own = match value {
        Value::Text(text) => text.len() as u64,
        Value::Bytes(bytes) => bytes.len() as u64,
        Value::File(index, _) => files.get(*index).map_or(0, |file| file.len() as u64),
        _ => 0,
    };
    ELEMENT + own + value.parts().map(|part| weight(part, files)).sum::<u64>()
}
