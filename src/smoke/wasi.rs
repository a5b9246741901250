//! What of WASI is linked: 0.2 for every component, 0.3 for those that import something of it.

use wasmtime::Engine;
use wasmtime::component::{Component, Linker};

use super::store::State;
use crate::world::ExternName;

/// A version of WASI that the engine has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Track {
    /// 0.2.x
    P2,
    /// 0.3.x
    P3,
}

impl Track {
    /// That of an interface of WASI; none where it is of another version, or nobody's.
    pub fn of(name: &ExternName) -> Option<Track> {
        match name.track().as_deref() {
            Some("0.2") => Some(Track::P2),
            Some("0.3") => Some(Track::P3),
            _ => None,
        }
    }

    /// The packages of it that the engine links.
    fn packages(self) -> &'static [&'static str] {
        match self {
            Track::P2 => &[
                "wasi:cli",
                "wasi:clocks",
                "wasi:filesystem",
                "wasi:io",
                "wasi:random",
                "wasi:sockets",
            ],
            Track::P3 => {
                &["wasi:cli", "wasi:clocks", "wasi:filesystem", "wasi:random", "wasi:sockets"]
            }
        }
    }
}

/// Of which WASI an import is that [`link`] links; none where it links nothing of that name.
pub fn linked(name: &str) -> Option<Track> {
    let name = ExternName::parse(name);
    let track = Track::of(&name)?;
    name.package().is_some_and(|package| track.packages().contains(&package)).then_some(track)
}

/// Links what of WASI the component may import.
pub fn link(
    linker: &mut Linker<State>,
    engine: &Engine,
    component: &Component,
) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)?;
    let ty = component.component_type();
    if ty.imports(engine).any(|(name, _)| linked(name) == Some(Track::P3)) {
        wasmtime_wasi::p3::add_to_linker(linker)?;
    }
    Ok(())
}
