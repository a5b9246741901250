//! The functions that a world imports, as a script of the host names them: `interface#function`,
//! `interface#session` for a constructor, `interface#session.feed` for a method, and
//! `interface#session.drop` for the end of a handle.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::fit::{Fit, Use};
use super::parse::{Node, NodeKind};
use super::resolve::{Exported, functions};
use super::{Value, WaveError};
use crate::world::{ExternName, Func, Item, Origin, World, linked, nearest};

/// The end of a handle, as the host sees it: no function of WIT.
const DROP: &str = "[drop]";

/// A function of the host, or the end of its handles, as a rule means it.
#[derive(Clone, Debug)]
pub struct Imported<'w> {
    world: &'w World,
    /// Its names in the world, `interface#[method]session.feed` or a bare one; several where several
    /// versions of the interface are imported.
    pub names: Vec<String>,
    /// Its name for people.
    pub shown: String,
    /// Its interface; none for a function of the world itself.
    pub interface: Option<String>,
    /// Its type; none for the end of a handle.
    func: Option<&'w Func>,
    method: bool,
}

struct Candidate<'w> {
    interface: Option<&'w str>,
    name: String,
    plain: String,
    func: Option<&'w Func>,
}

impl Candidate<'_> {
    fn shown(&self) -> String {
        match self.interface {
            Some(interface) => format!("{interface}#{}", self.plain),
            None => self.plain.clone(),
        }
    }

    fn full(&self) -> String {
        match self.interface {
            Some(interface) => format!("{interface}#{}", self.name),
            None => self.name.clone(),
        }
    }
}

fn candidates(world: &World) -> Vec<Candidate<'_>> {
    let functions = functions(&world.imports);
    let candidate =
        |function: &Exported<'_>| (function.plain().to_owned(), function.name.to_owned());
    let mut all: Vec<Candidate<'_>> = functions
        .iter()
        .map(|function| {
            let (plain, name) = candidate(function);
            Candidate { interface: function.interface, name, plain, func: Some(function.func) }
        })
        .collect();
    for (interface, item) in &world.imports {
        let Item::Instance(instance) = item else { continue };
        for (name, item) in &instance.items {
            let Item::Resource(id) = item else { continue };
            let here = Origin::Import(Some(interface.clone()));
            let plain = format!("{name}.drop");
            // A method of that name goes before.
            let taken = all.iter().any(|c| c.interface == Some(interface) && c.plain == plain);
            if world.resource(*id).origin == here && !taken {
                let name = format!("{DROP}{name}");
                all.push(Candidate { interface: Some(interface), name, plain, func: None });
            }
        }
    }
    all
}

/// The names by which rules call what worlds import.
fn imported_functions(worlds: &[&World]) -> Vec<String> {
    let mut names = Vec::new();
    for world in worlds {
        names.extend(candidates(world).iter().map(Candidate::shown));
    }
    names
}

/// Finds the function that a rule means in what all of these worlds import; its types are those of the first
/// that has it. The version may be left out, and the interface where only one has a function of the name. What
/// the engine has of WASI is meant only where nothing else can be.
///
/// # Errors
///
/// Several interfaces have it, or several versions of one that no plugin can take for each other. Where none
/// has it, that is no error: see [`unknown`].
pub fn imported<'w>(
    worlds: &[&'w World],
    target: &str,
    span: Range<usize>,
) -> Result<Option<Imported<'w>>, WaveError> {
    let mut found: Vec<(&'w World, Candidate<'w>)> = Vec::new();
    for world in worlds {
        found.extend(in_world(world, target).into_iter().map(|candidate| (*world, candidate)));
    }
    let is_bare = |candidate: &Candidate<'_>| candidate.interface.is_none();
    if !target.contains('#') && found.iter().any(|(_, candidate)| is_bare(candidate)) {
        found.retain(|(_, candidate)| is_bare(candidate));
    }
    let is_the_engines = |candidate: &Candidate<'_>| candidate.interface.and_then(linked).is_some();
    if found.iter().any(|(_, candidate)| !is_the_engines(candidate)) {
        found.retain(|(_, candidate)| !is_the_engines(candidate));
    }
    let canonical = |candidate: &Candidate<'_>| {
        candidate.interface.map(|name| ExternName::parse(name).canonical())
    };
    let mut several: BTreeMap<Option<String>, String> = BTreeMap::new();
    for (_, candidate) in &found {
        several.entry(canonical(candidate)).or_insert_with(|| candidate.shown());
    }
    if several.len() > 1 {
        let plain = target.split_once('#').map_or(target, |(_, plain)| plain);
        let names: Vec<String> = several.into_values().collect();
        let message = format!("several functions are called {plain}; write {}", names.join(" or "));
        return Err(WaveError::new(span, message));
    }
    let names: BTreeSet<String> = found.iter().map(|(_, candidate)| candidate.full()).collect();
    let Some((world, first)) = found.into_iter().next() else { return Ok(None) };
    Ok(Some(Imported {
        world,
        names: names.into_iter().collect(),
        shown: first.shown(),
        interface: first.interface.map(str::to_owned),
        func: first.func,
        method: first.name.starts_with("[method]"),
    }))
}

fn in_world<'w>(world: &'w World, target: &str) -> Vec<Candidate<'w>> {
    let (interface, plain) = match target.split_once('#') {
        None => (None, target),
        Some((interface, plain)) => (Some(ExternName::parse(interface)), plain),
    };
    candidates(world)
        .into_iter()
        .filter(|candidate| candidate.plain == plain || candidate.name == plain)
        .filter(|candidate| match (&interface, candidate.interface) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(wanted), Some(name)) => {
                let name = ExternName::parse(name);
                let any = wanted.version.is_none() && wanted.base == name.base;
                any || wanted.canonical() == name.canonical()
            }
        })
        .collect()
}

/// What a component calls a function of its host, by the host's full name for it: `interface#name`, or a bare
/// one. Several names where the component imports several versions of the interface, none where it does not
/// import it.
pub fn imported_as(component: &World, name: &str) -> Vec<String> {
    let (interface, name) = match name.split_once('#') {
        None => (None, name),
        Some((interface, name)) => (Some(ExternName::parse(interface).canonical()), name),
    };
    let all = candidates(component).into_iter();
    let found = all.filter(|candidate| {
        let canonical = candidate.interface.map(|name| ExternName::parse(name).canonical());
        candidate.name == name && canonical == interface
    });
    found.map(|candidate| candidate.full()).collect()
}

/// That no world imports the function, with the nearest one that is imported.
pub fn unknown(worlds: &[&World], target: &str, span: Range<usize>) -> WaveError {
    let mut names = imported_functions(worlds);
    if !target.contains('@') {
        names.iter_mut().for_each(|name| *name = without_version(name));
    }
    let bare = names.iter().map(|name| name.rsplit('#').next().unwrap_or(name).to_owned());
    let bare: Vec<String> = if target.contains('#') { Vec::new() } else { bare.collect() };
    let all = names.iter().chain(&bare).map(String::as_str);
    let hint = match nearest(target, all) {
        Some(near) => format!("did you mean {near}?"),
        None if names.is_empty() => "it offers none".to_owned(),
        None => {
            let mut shown: Vec<&str> = names.iter().take(12).map(String::as_str).collect();
            let more = format!("and {} more", names.len().saturating_sub(shown.len()));
            if names.len() > shown.len() {
                shown.push(&more);
            }
            format!("there are {}", shown.join(", "))
        }
    };
    WaveError::new(span, format!("the host offers no function {target}; {hint}"))
}

/// `a:b/c#d` for `a:b/c@1.0.0#d`.
fn without_version(name: &str) -> String {
    match name.split_once('#') {
        Some((interface, function)) => {
            format!("{}#{function}", interface.split('@').next().unwrap_or_default())
        }
        None => name.to_owned(),
    }
}

impl Imported<'_> {
    /// Whether it is the end of a handle, which has no arguments and no answer.
    pub fn is_drop(&self) -> bool {
        self.func.is_none()
    }

    /// Whether it is about one handle: a method, or the end of it.
    pub fn has_self(&self) -> bool {
        self.method || self.is_drop()
    }

    /// What it returns, for people; none where it returns nothing.
    pub fn result(&self) -> Option<String> {
        let result = self.func.and_then(|func| func.result)?;
        Some(self.world.type_name(result))
    }

    /// The arguments that a rule wants, as a tuple; a method's own handle is not among them.
    ///
    /// # Errors
    ///
    /// They do not fit the function.
    pub fn pattern(&self, node: &Node, files: &[&[u8]]) -> Result<Value, WaveError> {
        self.args(node, files, &mut Use::Pattern)
    }

    /// The arguments that a trace has, as a tuple; a method's own handle is not among them.
    ///
    /// # Errors
    ///
    /// They do not fit the function.
    pub fn recorded_args(&self, node: &Node) -> Result<Value, WaveError> {
        self.args(node, &[], &mut Use::Recorded)
    }

    fn args(
        &self,
        node: &Node,
        files: &[&[u8]],
        purpose: &mut Use<'_>,
    ) -> Result<Value, WaveError> {
        let own = usize::from(self.method);
        let params = self.func.map_or(&[][..], |func| &func.params[own.min(func.params.len())..]);
        let NodeKind::Tuple(items) = &node.kind else {
            let message = "arguments stand in parentheses, as in (\"a\", _)";
            return Err(WaveError::new(node.span.clone(), message));
        };
        if items.len() != params.len() {
            let params: Vec<String> = params
                .iter()
                .map(|(name, ty)| format!("{name}: {}", self.world.type_name(*ty)))
                .collect();
            let message = format!(
                "{} takes {} arguments, ({}); this has {}",
                self.shown,
                params.len(),
                params.join(", "),
                items.len()
            );
            return Err(WaveError::new(node.span.clone(), message));
        }
        let fit = Fit { world: self.world, files };
        let items = items.iter().zip(params).map(|(node, (param, ty))| {
            fit.value(node, *ty, purpose).map_err(|error| WaveError {
                message: format!("`{param}`: {}", error.message),
                ..error
            })
        });
        let mut values: Vec<Value> = items.collect::<Result<_, _>>()?;
        values.iter_mut().for_each(|value| inline(value, files));
        Ok(Value::Tuple(values))
    }

    /// What it answers.
    ///
    /// # Errors
    ///
    /// It does not fit the function.
    pub fn answer(&self, node: &Node, files: &[&[u8]]) -> Result<Value, WaveError> {
        self.result_value(node, files, &mut Use::Answer)
    }

    /// What a trace says that it answered.
    ///
    /// # Errors
    ///
    /// It does not fit the function.
    pub fn recorded_answer(&self, node: &Node) -> Result<Value, WaveError> {
        self.result_value(node, &[], &mut Use::Recorded)
    }

    fn result_value(
        &self,
        node: &Node,
        files: &[&[u8]],
        purpose: &mut Use<'_>,
    ) -> Result<Value, WaveError> {
        let Some(ty) = self.func.and_then(|func| func.result) else {
            let message = format!("{} returns nothing", self.shown);
            return Err(WaveError::new(node.span.clone(), message));
        };
        let mut value = Fit { world: self.world, files }.value(node, ty, purpose)?;
        inline(&mut value, files);
        Ok(value)
    }
}

/// Puts what is in files where they are named.
fn inline(value: &mut Value, files: &[&[u8]]) {
    if let Value::File(index, text) = value {
        let bytes = files.get(*index).copied().unwrap_or_default();
        *value = match *text {
            true => Value::Text(String::from_utf8_lossy(bytes).into_owned()),
            false => Value::Bytes(bytes.to_vec()),
        };
    }
    value.parts_mut().for_each(|part| inline(part, files));
}
