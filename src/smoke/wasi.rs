//! Links WASI: 0.2 for every component, 0.3 and HTTP for those that import something of it.

use wasmtime::Engine;
use wasmtime::component::{Component, Linker};

use super::store::State;
use crate::world::linked_http;
pub use crate::world::{Track, linked};

/// Links what of WASI the component may import.
pub fn link(
    linker: &mut Linker<State>,
    engine: &Engine,
    component: &Component,
) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)?;
    let ty = component.component_type();
    let imports = |what: &dyn Fn(&str) -> bool| ty.imports(engine).any(|(name, _)| what(name));
    if imports(&|name| linked(name) == Some(Track::P3)) {
        wasmtime_wasi::p3::add_to_linker(linker)?;
    }
    if imports(&|name| linked_http(name) == Some(Track::P2)) {
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(linker)?;
    }
    if imports(&|name| linked_http(name) == Some(Track::P3)) {
        wasmtime_wasi_http::p3::add_to_linker(linker)?;
    }
    Ok(())
}
