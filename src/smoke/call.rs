//! A call in WAVE: finding its function, reading its arguments, making it, comparing the result.

use indexmap::IndexMap;
use wasm_wave::parser::ParserError;
use wasm_wave::untyped::UntypedFuncCall;
use wasmtime::Engine;
use wasmtime::component::types::{ComponentFunc, ComponentItem};
use wasmtime::component::{Component, ComponentExportIndex, Instance, Val};

use super::store::PluginStore;
use super::{Fault, FaultKind};
use crate::config::Step;
use crate::world::{find, nearest};

/// A call that fits its function.
pub struct Call {
    function: ComponentExportIndex,
    params: Vec<Val>,
    /// Whether the function returns anything.
    returns: bool,
    expect: Option<Option<Val>>,
}

impl Call {
    /// Reads a step against the component. The error says what does not fit, in one line.
    pub fn read(engine: &Engine, component: &Component, step: &Step) -> Result<Call, String> {
        let text = step.invoke.trim();
        let say = |reason: String| format!("`{text}`: {reason}");
        let open = text.find('(').ok_or_else(|| {
            say("a call has arguments in parentheses, as in run(\"a\", [1, 2])".to_owned())
        })?;
        let (name, arguments) = text.split_at(open);
        let (function, ty) = lookup(engine, component, name.trim()).map_err(say)?;

        // WAVE's own names are plain words, and a method's is not; the arguments are the same.
        let call = format!("f{arguments}");
        // Back from a place in `f(...)` to the place in what was written.
        let wave = |error: ParserError| {
            say(place(&error, text, open + error.span().start.saturating_sub(1)))
        };
        let call = UntypedFuncCall::parse(&call).map_err(wave)?;
        let types: Vec<_> = ty.params().map(|(_, ty)| ty).collect();
        let params = call.to_wasm_params::<Val>(&types).map_err(|error| {
            let params: Vec<&str> = ty.params().map(|(name, _)| name).collect();
            format!("{}; its parameters are ({})", wave(error), params.join(", "))
        })?;

        let result = ty.results().next();
        let expect = match (&step.expect, &result) {
            (None, _) => None,
            (Some(expect), Some(ty)) => {
                let value = wasm_wave::from_str::<Val>(ty, expect.trim());
                Some(Some(value.map_err(|error| {
                    let expect = expect.trim();
                    let reason = place(&error, expect, error.span().start);
                    say(format!("the expectation `{expect}` does not fit: {reason}"))
                })?))
            }
            (Some(expect), None) if expect.trim().is_empty() => Some(None),
            (Some(_), None) => return Err(say("it returns nothing to compare".to_owned())),
        };
        Ok(Call { function, params, returns: result.is_some(), expect })
    }

    /// Makes the call.
    pub async fn make(
        &self,
        store: &mut PluginStore,
        instance: &Instance,
    ) -> wasmtime::Result<Option<Val>> {
        let function = instance
            .get_func(&mut *store, self.function)
            .ok_or_else(|| wasmtime::Error::msg("the instance lacks the function"))?;
        let mut results = vec![Val::Bool(false); usize::from(self.returns)];
        function.call_async(&mut *store, &self.params, &mut results).await?;
        Ok(results.pop())
    }

    /// Whether it returned what was expected.
    pub fn compare(&self, value: &Option<Val>) -> Result<(), Fault> {
        match &self.expect {
            Some(expected) if expected != value => Err(Fault {
                kind: FaultKind::Mismatch,
                message: "it returned something else than expected".to_owned(),
                notes: vec![
                    format!("expected {}", text(expected)),
                    format!("returned {}", text(value)),
                ],
            }),
            _ => Ok(()),
        }
    }
}

/// A result in WAVE.
pub fn text(value: &Option<Val>) -> String {
    const UNWRITABLE: &str = "(a value that WAVE cannot write)";
    match value {
        None => String::new(),
        Some(value) if has_handle(value) => UNWRITABLE.to_owned(),
        Some(value) => wasm_wave::to_string(value).unwrap_or_else(|_| UNWRITABLE.to_owned()),
    }
}

/// Whether there is a resource, future, stream or the like in a value, at which WAVE's writer panics.
fn has_handle(value: &Val) -> bool {
    match value {
        Val::Resource(_) | Val::Future(_) | Val::Stream(_) | Val::ErrorContext(_) | Val::Map(_) => {
            true
        }
        Val::List(values) | Val::Tuple(values) | Val::FixedLengthList(values) => {
            values.iter().any(has_handle)
        }
        Val::Record(fields) => fields.iter().any(|(_, value)| has_handle(value)),
        Val::Variant(_, Some(value)) | Val::Option(Some(value)) => has_handle(value),
        Val::Result(Ok(Some(value)) | Err(Some(value))) => has_handle(value),
        _ => false,
    }
}

/// What the parser says, with what stands at the place and its column.
fn place(error: &ParserError, text: &str, at: usize) -> String {
    let what = match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    };
    let column = text.get(..at).map_or(at, |before| before.chars().count()) + 1;
    match text.get(at..).and_then(|rest| rest.split([',', ')', ']', '}']).next()) {
        Some(token) if !token.is_empty() => format!("{what}, at `{token}` in column {column}"),
        _ => format!("{what}, in column {column}"),
    }
}

/// Finds `function` or `interface#function`. The interface may leave out its version, and a
/// function without an interface may be one of an interface where only one has it.
fn lookup(
    engine: &Engine,
    component: &Component,
    name: &str,
) -> Result<(ComponentExportIndex, ComponentFunc), String> {
    let mut functions: IndexMap<String, Vec<(ComponentExportIndex, ComponentFunc)>> =
        IndexMap::new();
    let mut interfaces: IndexMap<String, ()> = IndexMap::new();
    let ty = component.component_type();
    for (export, item) in ty.exports(engine) {
        match item.ty {
            ComponentItem::ComponentFunc(ty) => {
                let Some(index) = component.get_export_index(None, export) else {
                    continue;
                };
                functions.entry(export.to_owned()).or_default().insert(0, (index, ty));
            }
            ComponentItem::ComponentInstance(instance) => {
                interfaces.insert(export.to_owned(), ());
                let Some(outer) = component.get_export_index(None, export) else {
                    continue;
                };
                for (inner, item) in instance.exports(engine) {
                    let ComponentItem::ComponentFunc(ty) = item.ty else {
                        continue;
                    };
                    let Some(index) = component.get_export_index(Some(&outer), inner) else {
                        continue;
                    };
                    let entry = (index, ty);
                    functions.entry(format!("{export}#{inner}")).or_default().push(entry.clone());
                    functions.entry(inner.to_owned()).or_default().push(entry);
                }
            }
            _ => {}
        }
    }
    let full = match name.split_once('#') {
        None => name.to_owned(),
        Some((interface, function)) => {
            let without_version = |export: &&String| {
                !interface.contains('@') && export.split('@').next() == Some(interface)
            };
            let export = find(&interfaces, interface)
                .map(|(export, ())| export)
                .or_else(|| interfaces.keys().find(without_version).map(String::as_str));
            format!("{}#{function}", export.unwrap_or(interface))
        }
    };
    match functions.get(&full).map(Vec::as_slice) {
        Some([one]) => Ok(one.clone()),
        Some(_) => Err(format!("several interfaces export {full}; write interface#{full}")),
        None => {
            let hint = match nearest(&full, functions.keys().map(String::as_str)) {
                Some(near) => format!("did you mean {near}?"),
                None => {
                    let names: Vec<&str> = functions.keys().map(String::as_str).collect();
                    format!("there are {}", names.join(", "))
                }
            };
            Err(format!("the component exports no function {full}; {hint}"))
        }
    }
}
