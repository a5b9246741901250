//! A call: finding its function in the component, making it in an instance, and what came back.

mod bytes;
mod lift;
mod lower;
mod raw;
pub mod values;

use std::collections::BTreeMap;

use wasmtime::component::{Component, ComponentExportIndex, Func, Instance, ResourceAny, Type};

use super::store::PluginStore;
use crate::wave::{Invocation, Value};

/// A call whose function is known.
pub struct Call {
    function: ComponentExportIndex,
    /// What to call it with, and what it is to come to.
    pub invocation: Invocation,
}

/// The handles that the variables of a script hold.
#[derive(Default)]
pub struct Handles {
    held: BTreeMap<String, ResourceAny>,
    /// The variables in the order in which they were bound.
    order: Vec<String>,
}

/// What came back, and the handles in it.
pub struct Returned {
    /// The value; none for a function without a result.
    pub value: Option<Value>,
    /// Handles that came with it, which must be dropped.
    pub handles: Vec<ResourceAny>,
}

impl Call {
    /// Finds the function. The supervisor has read the component before and knows that it is there.
    pub fn find(component: &Component, invocation: &Invocation) -> Option<Call> {
        let interface = match &invocation.interface {
            None => None,
            Some(name) => Some(component.get_export_index(None, name)?),
        };
        let function = component.get_export_index(interface.as_ref(), &invocation.function)?;
        Some(Call { function, invocation: invocation.clone() })
    }

    /// Makes the call. A handle that it gives away is no variable's any more.
    pub async fn make(
        &self,
        store: &mut PluginStore,
        instance: &Instance,
        handles: &mut Handles,
        files: &[&[u8]],
    ) -> wasmtime::Result<Returned> {
        let function: Func = instance
            .get_func(&mut *store, self.function)
            .ok_or_else(|| wasmtime::Error::msg("the instance lacks the function"))?;
        let ty = function.ty(&*store);
        let args = &self.invocation.args;
        if bytes::moves(&ty)
            && let Some(returned) = bytes::make(store, &function, args, handles, files).await?
        {
            return Ok(returned);
        }
        let mut params = Vec::with_capacity(args.len());
        for (arg, (_, ty)) in args.iter().zip(ty.params()) {
            let mut find = |name: &str, ty: &Type| handles.pass(name, ty);
            params.push(values::lower(arg, &ty, &mut find, files)?);
        }
        let mut results = vec![wasmtime::component::Val::Bool(false); ty.results().len()];
        function.call_async(&mut *store, &params, &mut results).await?;
        let mut found = Vec::new();
        let value = results.pop().map(|value| values::raise(&value, &mut found));
        Ok(Returned { value, handles: found })
    }
}

impl Handles {
    /// Gives a handle to a variable.
    pub fn bind(&mut self, name: &str, handle: ResourceAny) -> Option<ResourceAny> {
        self.order.retain(|other| other != name);
        self.order.push(name.to_owned());
        self.held.insert(name.to_owned(), handle)
    }

    /// The handle of a variable, for a parameter of this type: lent, or given away.
    fn pass(&mut self, name: &str, ty: &Type) -> wasmtime::Result<ResourceAny> {
        let handle = match ty {
            Type::Own(_) => self.held.remove(name),
            _ => self.held.get(name).copied(),
        };
        handle.ok_or_else(|| wasmtime::Error::msg(format!("the variable `{name}` holds no handle")))
    }

    /// The variable that was bound last, with its handle; none where all are dropped.
    pub fn last(&mut self) -> Option<(String, ResourceAny)> {
        while let Some(name) = self.order.pop() {
            if let Some(handle) = self.held.remove(&name) {
                return Some((name, handle));
            }
        }
        None
    }
}
