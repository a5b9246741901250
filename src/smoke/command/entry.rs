//! Where a command begins: `wasi:cli/run`, which is a plain function in WASI 0.2 and an asynchronous
//! one in 0.3. The engine's own bindings find it by a version of their own; here it is the export that is
//! meant.

use wasmtime::Engine;
use wasmtime::component::{Component, ComponentExportIndex, InstancePre, TypedFunc};

use crate::smoke::store::{PluginStore, State};
use crate::world::command_entry;

/// The entry of a command that links.
pub struct Entry {
    instance: InstancePre<State>,
    run: ComponentExportIndex,
}

/// The entry in an instance.
pub struct Instance {
    run: TypedFunc<(), (Result<(), ()>,)>,
}

/// The function that is run: that of the export of this very name, or else of the newest there is.
pub fn find(
    engine: &Engine,
    component: &Component,
    entry: Option<&str>,
) -> Option<ComponentExportIndex> {
    export(engine, component, entry, command_entry, "run").map(|(_, run)| run)
}

/// The function of this name in the export of this very name, or else in the one that is chosen among all,
/// with the name of the export.
pub fn export(
    engine: &Engine,
    component: &Component,
    entry: Option<&str>,
    choose: for<'n> fn(&[&'n str]) -> Option<&'n str>,
    function: &str,
) -> Option<(String, ComponentExportIndex)> {
    let ty = component.component_type();
    let names: Vec<&str> = ty.exports(engine).map(|(name, _)| name).collect();
    let entry = match entry {
        Some(entry) => names.into_iter().find(|name| *name == entry),
        None => choose(&names),
    };
    let entry = entry?;
    let interface = component.get_export_index(None, entry)?;
    let function = component.get_export_index(Some(&interface), function)?;
    Some((entry.to_owned(), function))
}

impl Entry {
    /// The entry of what links.
    pub fn of(instance: InstancePre<State>, run: ComponentExportIndex) -> Entry {
        Entry { instance, run }
    }

    /// A fresh instance.
    pub async fn instantiate(&self, store: &mut PluginStore) -> wasmtime::Result<Instance> {
        let instance = self.instance.instantiate_async(&mut *store).await?;
        Ok(Instance { run: instance.get_typed_func(store, self.run)? })
    }
}

impl Instance {
    /// Runs it. One that waits for what can never come is a trap.
    pub async fn run(&self, store: &mut PluginStore) -> wasmtime::Result<Result<(), ()>> {
        let (ended,) = self.run.call_async(store, ()).await?;
        Ok(ended)
    }
}
