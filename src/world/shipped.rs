//! The WIT that plugtool ships: what the engine's own crates link (see `wit/README.md`).

use wasmparser::WasmFeatures;
use wit_parser::{Resolve, SourceMap, UnresolvedPackageGroup};

use super::names::ExternName;
use super::wit::{Wit, WitError};
use super::{World, nearest};

/// Packages that are resolved together: the folder, and for each package its name and its files.
struct Set {
    folder: &'static str,
    packages: &'static [(&'static str, &'static [(&'static str, &'static str)])],
}

macro_rules! files {
    ($folder:literal: $($file:literal)+) => {
        &[$(($file, include_str!(concat!("../../wit/", $folder, "/", $file)))),+]
    };
}

/// Uses the others, and none of them uses it: it is read only where it is asked for.
const HTTP: &str = "wasi:http";

const WASI_0_2: Set = Set {
    folder: "wasi-0.2",
    packages: &[
        ("wasi:cli", files!("wasi-0.2": "cli.wit")),
        ("wasi:clocks", files!("wasi-0.2": "clocks.wit")),
        ("wasi:filesystem", files!("wasi-0.2": "filesystem.wit")),
        (HTTP, files!("wasi-0.2": "http.wit")),
        ("wasi:io", files!("wasi-0.2": "io.wit")),
        ("wasi:random", files!("wasi-0.2": "random.wit")),
        ("wasi:sockets", files!("wasi-0.2": "sockets.wit")),
    ],
};

const WASI_0_3: Set = Set {
    folder: "wasi-0.3",
    packages: &[
        ("wasi:cli", files!("wasi-0.3": "cli.wit")),
        ("wasi:clocks", files!("wasi-0.3": "clocks.wit")),
        ("wasi:filesystem", files!("wasi-0.3": "filesystem.wit")),
        (HTTP, files!("wasi-0.3": "http.wit")),
        ("wasi:random", files!("wasi-0.3": "random.wit")),
        ("wasi:sockets", files!("wasi-0.3": "sockets.wit")),
    ],
};

const CONFIG: Set = Set {
    folder: "wasi-config",
    packages: &[("wasi:config", files!("wasi-config": "store.wit" "world.wit"))],
};

const KEYVALUE: Set = Set {
    folder: "wasi-keyvalue",
    packages: &[(
        "wasi:keyvalue",
        files!("wasi-keyvalue": "atomic.wit" "batch.wit" "store.wit" "watch.wit" "world.wit"),
    )],
};

const LOGGING: Set = Set {
    folder: "wasi-logging",
    packages: &[("wasi:logging", files!("wasi-logging": "logging.wit" "world.wit"))],
};

const SETS: &[Set] = &[WASI_0_2, WASI_0_3, CONFIG, KEYVALUE, LOGGING];

/// What a host that provides `wasi` links: everything that `wasi:cli/imports` imports, in 0.2 and in
/// 0.3.
pub fn wasi(features: WasmFeatures) -> Result<Vec<World>, WitError> {
    [&WASI_0_2, &WASI_0_3]
        .into_iter()
        .map(|set| load(set, "wasi:cli")?.world(Some("wasi:cli/imports"), features))
        .collect()
}

/// The world of this name among the packages that plugtool ships; without a version, of the lowest
/// that it has.
///
/// # Errors
///
/// There is none of that name.
pub fn shipped(name: &str, features: WasmFeatures) -> Result<World, WitError> {
    let mut names = Vec::new();
    for set in SETS {
        let package = ExternName::parse(name).package();
        let Some((package, _)) = set.packages.iter().find(|(known, _)| Some(*known) == package)
        else {
            continue;
        };
        let wit = load(set, package)?;
        if let Ok(world) = wit.world(Some(name), features) {
            return Ok(world);
        }
        for known in wit.names() {
            if !names.contains(known) {
                names.push(known.clone());
            }
        }
    }
    // The name may be right and only the version another.
    let base = ExternName::parse(name).base;
    let same: Vec<&str> =
        names.iter().map(String::as_str).filter(|n| ExternName::parse(n).base == base).collect();
    let hint = match nearest(name, names.iter().map(String::as_str)) {
        _ if !same.is_empty() => format!("plugtool has {}", same.join(" and ")),
        Some(near) => format!("did you mean `{near}`?"),
        None if names.is_empty() => {
            let packages = "wasi:cli, clocks, config, filesystem, http, io, keyvalue, logging, random, \
                 sockets";
            format!("plugtool knows the worlds of {packages}")
        }
        None => format!("there are: {}", names.join(", ")),
    };
    Err(WitError::NoSuchWorld { wanted: name.to_owned(), hint })
}

/// A package of a set, with those that it may use.
fn load(set: &Set, main: &str) -> Result<Wit, WitError> {
    let failed =
        |text: String| WitError::Resolve { path: format!("shipped wit/{}", set.folder), text };
    let mut first = None;
    let mut groups = Vec::new();
    for (name, files) in set.packages.iter().filter(|(name, _)| *name == main || *name != HTTP) {
        let mut map = SourceMap::default();
        for (file, source) in *files {
            map.push_str(file, *source);
        }
        let group: UnresolvedPackageGroup =
            map.parse().map_err(|(map, error)| failed(error.render(&map)))?;
        if *name == main {
            first = Some(group);
        } else {
            groups.push(group);
        }
    }
    let first = first.ok_or_else(|| failed(format!("it has no package {main}")))?;
    let mut resolve = Resolve::default();
    let package = resolve
        .push_groups(first, groups)
        .map_err(|error| failed(resolve.render_error(&error.into())))?;
    Ok(Wit::of(resolve, &[package]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::component::FEATURES;

    #[test]
    fn everything_that_is_shipped_resolves() {
        for (name, import) in [
            ("wasi:cli/imports", "wasi:cli/environment@0.2.12"),
            ("wasi:cli/imports@0.3.0", "wasi:cli/environment@0.3.0"),
            ("wasi:http/proxy@0.2.12", "wasi:http/outgoing-handler@0.2.12"),
            ("wasi:http/service@0.3.0", "wasi:http/client@0.3.0"),
            ("wasi:config/imports@0.2.0-rc.1", "wasi:config/store@0.2.0-rc.1"),
            ("wasi:keyvalue/imports@0.2.0-draft", "wasi:keyvalue/store@0.2.0-draft"),
            ("wasi:logging/imports@0.1.0-draft", "wasi:logging/logging@0.1.0-draft"),
        ] {
            let world = shipped(name, FEATURES);
            let world = world.unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(world.imports.contains_key(import), "{name}: {:?}", world.imports.keys());
        }
    }
}
