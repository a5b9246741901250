//! The first host folder for a world: what `plugtool init` writes. It passes as it stands, and says
//! in comments what else can be in it.

use std::fs;
use std::path::{Path, PathBuf};

use super::ConfigError;
use super::files::show;
use super::schema::{FILE_SCHEMAS, file_schema};
use crate::world;

/// How deep folders of WIT are followed: `wit/deps/package` is three.
const DEPTH: usize = 4;

/// A file of a folder that is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFile {
    /// Where it goes, relative to the folder.
    pub path: PathBuf,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// The files of a first host folder for a world out of `wit`: the WIT itself, `plugtool.toml`, a
/// list of plugins, and an example of a plugin.
///
/// # Errors
///
/// The WIT cannot be read, or has no such world.
pub fn first_host(
    wit: &Path,
    name: Option<&str>,
    features: &[String],
) -> Result<Vec<NewFile>, ConfigError> {
    let failed = |error| ConfigError::Wit { from: String::new(), error };
    let resolved = world::load(&[wit.to_owned()], features).map_err(failed)?;
    let (name, example) = resolved.example(name).map_err(failed)?;
    let mut files = Vec::new();
    let place = if wit.is_dir() {
        copy(wit, Path::new("wit"), DEPTH, &mut files)?;
        "wit".to_owned()
    } else {
        let file = wit.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let path = Path::new("wit").join(&file);
        files.push(NewFile { path, bytes: read(wit)? });
        format!("wit/{file}")
    };
    let text = |path: &str, text: String| NewFile { path: path.into(), bytes: text.into_bytes() };
    files.push(text("plugtool.toml", configuration(&place, &name, features)));
    files.push(text("plugin.toml", PLUGINS.to_owned()));
    files.push(NewFile { path: "plugins/example.wasm".into(), bytes: example });
    // Beside the files, so that an editor finds them with no network.
    for name in FILE_SCHEMAS {
        let schema = file_schema(name).unwrap_or_default();
        files.push(text(&format!("schema/{name}.json"), format!("{schema:#}\n")));
    }
    Ok(files)
}

/// The WIT below a folder, file by file, sorted.
fn copy(from: &Path, to: &Path, depth: usize, files: &mut Vec<NewFile>) -> Result<(), ConfigError> {
    let unreadable = |error: std::io::Error| ConfigError::Unreadable {
        path: show(from),
        reason: error.to_string(),
    };
    let mut entries = Vec::new();
    for entry in fs::read_dir(from).map_err(unreadable)? {
        entries.push(entry.map_err(unreadable)?.path());
    }
    entries.sort();
    for path in entries {
        let Some(name) = path.file_name() else { continue };
        if path.is_dir() && depth > 0 {
            copy(&path, &to.join(name), depth - 1, files)?;
        } else if path.extension().is_some_and(|end| end == "wit" || end == "wasm" || end == "wat")
        {
            files.push(NewFile { path: to.join(name), bytes: read(&path)? });
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>, ConfigError> {
    fs::read(path)
        .map_err(|error| ConfigError::Unreadable { path: show(path), reason: error.to_string() })
}

fn configuration(wit: &str, world: &str, features: &[String]) -> String {
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let features = if features.is_empty() {
        "# Items of the WIT that are `@unstable` are part of it where their feature is named.\n\
         # features = [\"next\"]"
            .to_owned()
    } else {
        let names: Vec<String> = features.iter().map(|name| quoted(name)).collect();
        format!(
            "# The features whose `@unstable` items are part of the WIT.\nfeatures = [{}]",
            names.join(", ")
        )
    };
    TEMPLATE
        .replace("@WIT@", &quoted(wit))
        .replace("@WORLD@", &quoted(world))
        .replace("@FEATURES@", &features)
}

const TEMPLATE: &str = r#"#:schema ./schema/host.json
# What plugins of this host are judged by:
#
#     plugtool gate --host .          every plugin of the list, as CI runs it
#     plugtool check my.wasm --host . one plugin, as its author runs it

[host]
# What plugin authors build against: folders, files, or WIT packages encoded as wasm.
wit = [@WIT@]
# A plugin must target one of these worlds. The first is the preferred one.
worlds = [@WORLD@]
@FEATURES@
# What the host links beside its world. Most language runtimes need WASI; without this line a plugin
# that imports it is refused.
provides = ["wasi"]
# Components that may be put between a plugin and the world, as few as possible: how plugins of an
# older contract stay alive. Files or folders.
# adapters = ["adapters"]
# Core modules are made components on the way in. Otherwise they are refused, with the remedy.
# adapt-modules = true
# The plugins that are judged; `--plugins` replaces them.
plugins = ["plugin.toml"]
# Calls that a plugin must answer before it is let in. A case in smoke/greet.toml:
#     #:schema ../schema/smoke.json
#     name = "greets"
#     steps = [{ invoke = 'greet("you")', expect = '"hello you"' }]
#     # What the host's own functions answer meanwhile; a call that has no answer is a finding.
#     [[host]]
#     call = 'my:pkg/api#log'
# smoke = ["smoke/*.toml"]

[policy]
# Imports that are let in, where not all are; imports that are refused.
# allow-imports = ["wasi:cli/*", "wasi:clocks/*"]
# deny-imports = ["wasi:sockets/*"]
# max-bytes = "64MiB"

# What findings weigh: "error", "warning", "note" or "off". `plugtool explain` lists them.
# [severity]
# newer-than-host = "error"

# What one run of one plugin may use.
[limits]
memory = "256MiB"
timeout = "10s"
"#;

const PLUGINS: &str = r#"#:schema ./schema/plugins.json
# The plugins that are judged. A submission can bring a list of its own: `plugtool gate --plugins`.

# The example has everything that the world demands, and each of its functions traps when it is called.
# Put a real plugin in its place.
[[plugins]]
id = "example"
path = "plugins/example.wasm"
"#;
