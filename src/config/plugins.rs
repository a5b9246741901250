//! Lists of plugins.

use std::collections::HashSet;
use std::path::Path;

use schemars::JsonSchema;
use serde::Deserialize;

use super::files::{expand, read_text, show};
use super::{ConfigError, parse};
use crate::input;

/// One line of a plugin list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plugin {
    /// Its name in reports and smoke cases.
    pub id: String,
    /// Where it is, relative to the working directory.
    pub path: String,
    /// Whether it is judged at all.
    pub enabled: bool,
}

/// Plugins to be judged, in this order.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PluginFile {
    /// One of them each.
    plugins: Vec<PluginTable>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct PluginTable {
    /// Its name in reports and smoke cases; no other plugin has it.
    id: String,
    /// Its file, relative to this one.
    path: String,
    /// Whether it is judged at all; otherwise it is listed as skipped.
    #[serde(default = "yes")]
    enabled: bool,
}

fn yes() -> bool {
    true
}

/// Reads lists of plugins: each a `.toml` file with `[[plugins]]`, a component, or a pattern of
/// components, which get their file's stem as id.
pub fn plugin_list(sources: &[String]) -> Result<Vec<Plugin>, ConfigError> {
    let mut plugins = Vec::new();
    for source in sources {
        if source.ends_with(".toml") {
            let path = Path::new(source);
            let list: PluginFile = parse::toml(source, &read_text(path)?)?;
            let folder = path.parent().unwrap_or(Path::new(""));
            plugins.extend(list.plugins.into_iter().map(|plugin| Plugin {
                id: plugin.id,
                path: show(&folder.join(plugin.path)),
                enabled: plugin.enabled,
            }));
        } else {
            plugins.extend(expand(source)?.into_iter().map(|path| Plugin {
                id: input::split_name(&path).0,
                path,
                enabled: true,
            }));
        }
    }
    let mut seen = HashSet::new();
    match plugins.iter().find(|plugin| !seen.insert(&plugin.id)) {
        None => Ok(plugins),
        Some(twice) => Err(ConfigError::Invalid {
            path: sources.join(", "),
            reason: format!("two plugins have the id `{}`; ids must be unique", twice.id),
        }),
    }
}
