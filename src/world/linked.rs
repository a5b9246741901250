//! What of WASI the engine has: the one place that says so. Whoever writes rules for a host asks here, and so does
//! the room that links it.

use super::ExternName;

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

/// Of which WASI an import is that the engine links; none where it links nothing of that name.
pub fn linked(name: &str) -> Option<Track> {
    let parsed = ExternName::parse(name);
    let track = Track::of(&parsed)?;
    let of_wasi = parsed.package().is_some_and(|package| track.packages().contains(&package));
    of_wasi.then_some(track).or(linked_http(name))
}

/// The same of `wasi:http`. Of what may be imported there, a handler is another component, and nothing that
/// is linked.
pub fn linked_http(name: &str) -> Option<Track> {
    let name = ExternName::parse(name);
    let track = Track::of(&name)?;
    let known: &[&str] = match track {
        Track::P2 => &["wasi:http/types", "wasi:http/outgoing-handler"],
        Track::P3 => &["wasi:http/types", "wasi:http/client"],
    };
    known.contains(&name.base).then_some(track)
}
