//! Where a command begins: `wasi:cli/run`, which is a plain function in WASI 0.2 and an asynchronous
//! one in 0.3.

use wasmtime::Engine;
use wasmtime::component::{Component, InstancePre};
use wasmtime_wasi::{p2, p3};

use crate::smoke::store::{PluginStore, State};
use crate::smoke::wasi::Track;
use crate::world::ExternName;

/// The entry of a command that links.
pub enum Entry {
    P2(p2::bindings::CommandPre<State>),
    P3(p3::bindings::CommandPre<State>),
}

/// The entry in an instance.
pub enum Instance {
    P2(p2::bindings::Command),
    P3(p3::bindings::Command),
}

/// Of which WASI the component is a command; the newer where it is one of both, as `wasmtime run` has it.
pub fn track(engine: &Engine, component: &Component) -> Option<Track> {
    let ty = component.component_type();
    let tracks = ty.exports(engine).filter_map(|(name, _)| {
        let name = ExternName::parse(name);
        (name.base == "wasi:cli/run").then(|| Track::of(&name)).flatten()
    });
    tracks.max()
}

impl Entry {
    /// Finds it in what links.
    pub fn find(track: Track, instance: InstancePre<State>) -> wasmtime::Result<Entry> {
        Ok(match track {
            Track::P2 => Entry::P2(p2::bindings::CommandPre::new(instance)?),
            Track::P3 => Entry::P3(p3::bindings::CommandPre::new(instance)?),
        })
    }

    /// A fresh instance.
    pub async fn instantiate(&self, store: &mut PluginStore) -> wasmtime::Result<Instance> {
        Ok(match self {
            Entry::P2(command) => Instance::P2(command.instantiate_async(store).await?),
            Entry::P3(command) => Instance::P3(command.instantiate_async(store).await?),
        })
    }
}

impl Instance {
    /// Runs it. One that waits for what can never come is a trap.
    pub async fn run(&self, store: &mut PluginStore) -> wasmtime::Result<Result<(), ()>> {
        match self {
            Instance::P2(command) => command.wasi_cli_run().call_run(store).await,
            Instance::P3(command) => {
                let (ended,) = command.wasi_cli_run().func_run().call_async(store, ()).await?;
                Ok(ended)
            }
        }
    }
}
