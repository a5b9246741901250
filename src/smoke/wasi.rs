//! What of WASI is linked: 0.2 for every component, 0.3 and HTTP for those that import something of it.

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
    let parsed = ExternName::parse(name);
    let track = Track::of(&parsed)?;
    let of_wasi = parsed.package().is_some_and(|package| track.packages().contains(&package));
    of_wasi.then_some(track).or(http(name))
}

/// The same of `wasi:http`. Of what may be imported there, a handler of 0.3 is another component, and
/// nothing that is linked.
fn http(name: &str) -> Option<Track> {
    let name = ExternName::parse(name);
    let track = Track::of(&name)?;
    let known: &[&str] = match track {
        Track::P2 => &["wasi:http/types", "wasi:http/outgoing-handler"],
        Track::P3 => &["wasi:http/types", "wasi:http/client"],
    };
    known.contains(&name.base).then_some(track)
}

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
    if imports(&|name| http(name) == Some(Track::P2)) {
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(linker)?;
    }
    if imports(&|name| http(name) == Some(Track::P3)) {
        wasmtime_wasi_http::p3::add_to_linker(linker)?;
    }
    Ok(())
}
