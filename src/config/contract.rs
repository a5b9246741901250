//! The WIT that a host names, resolved once, and the worlds out of it.

use std::path::{Path, PathBuf};

use super::ConfigError;
use super::files::show;
use crate::component::{self, FEATURES};
use crate::input::{self, Kind};
use crate::world::{self, World};

/// What a host's worlds are taken from.
pub struct Contract {
    source: Source,
    /// Who names it, for errors: a file as `file: `, or nothing where that is the command line.
    from: String,
}

enum Source {
    Wit(Box<world::Wit>),
    /// None is named, which is enough where the world is one of those that plugtool ships.
    Nothing,
    /// The world of a component that stands for a contract.
    Component(Box<World>),
}

impl Contract {
    /// Reads and resolves WIT. A single file that is a component stands for its own world.
    pub fn read(
        paths: &[PathBuf],
        features: &[String],
        from: String,
    ) -> Result<Contract, ConfigError> {
        if let Some(missing) = paths.iter().find(|path| !path.exists()) {
            let reason = "no such file or directory".to_owned();
            return Err(ConfigError::Unreadable { path: show(missing), reason });
        }
        if let [path] = paths
            && let Some(world) = of_component(path)?
        {
            return Ok(Contract { source: Source::Component(Box::new(world)), from });
        }
        if paths.is_empty() {
            return Ok(Contract { source: Source::Nothing, from });
        }
        match world::load(paths, features) {
            Ok(wit) => Ok(Contract { source: Source::Wit(Box::new(wit)), from }),
            Err(error) => Err(ConfigError::Wit { from, error }),
        }
    }

    /// The world of this name; without a name, the only one that there is.
    pub fn world(&self, name: Option<&str>) -> Result<World, ConfigError> {
        let wrong = |error| ConfigError::Wit { from: self.from.clone(), error };
        let error = match (&self.source, name) {
            (Source::Component(world), None) => return Ok(World::clone(world)),
            (Source::Component(world), Some(name)) => world::WitError::NoSuchWorld {
                wanted: name.to_owned(),
                hint: format!(
                    "{} is a component: its world has no name, and is meant where none is given",
                    world.name.as_deref().unwrap_or_default()
                ),
            },
            (Source::Wit(wit), name) => match wit.world(name, FEATURES) {
                Ok(world) => return Ok(world),
                Err(error) => error,
            },
            (Source::Nothing, name) => {
                match world::load(&[], &[]).and_then(|wit| wit.world(name, FEATURES)) {
                    Ok(world) => return Ok(world),
                    Err(error) => error,
                }
            }
        };
        // A world of WASI need not be written out.
        if let Some(name) = name.filter(|name| name.starts_with("wasi:")) {
            match world::shipped(name, FEATURES) {
                Ok(world) => return Ok(world),
                Err(error) if matches!(self.source, Source::Nothing) => return Err(wrong(error)),
                Err(_) => {}
            }
        }
        Err(wrong(error))
    }

    /// What a host links beside its world: `wasi`, or worlds by name, out of the host's own WIT or out of
    /// what plugtool ships. `from` is who says so.
    pub fn provided(&self, names: &[String], from: &str) -> Result<Vec<World>, ConfigError> {
        let wrong = |error| ConfigError::Wit { from: format!("{from}: "), error };
        let mut worlds = Vec::new();
        for name in names {
            if name == "wasi" {
                worlds.extend(world::wasi(FEATURES).map_err(wrong)?);
                continue;
            }
            if !name.contains('/') {
                return Err(ConfigError::Invalid {
                    path: from.to_owned(),
                    reason: format!(
                        "nothing is known of `{name}` to provide; write \"wasi\", or the name of a \
                         world, as in \"wasi:clocks/imports@0.2.12\""
                    ),
                });
            }
            let own = match &self.source {
                Source::Wit(wit) => wit.world(Some(name), FEATURES).map_err(Some),
                Source::Component(_) | Source::Nothing => Err(None),
            };
            let shipped = |error: Option<world::WitError>| {
                let wasi = name.starts_with("wasi:");
                let shipped = world::shipped(name, FEATURES);
                shipped.map_err(|other| if wasi { other } else { error.unwrap_or(other) })
            };
            worlds.push(own.or_else(shipped).map_err(wrong)?);
        }
        Ok(worlds)
    }
}

/// The world of a component; none where the path is WIT.
fn of_component(path: &Path) -> Result<Option<World>, ConfigError> {
    if !path.is_file() || path.extension().is_some_and(|extension| extension == "wit") {
        return Ok(None);
    }
    let shown = show(path);
    let read = input::read(&shown, &shown).map_err(|error| ConfigError::Unreadable {
        path: shown.clone(),
        reason: error.to_string(),
    })?;
    if read.kind != Kind::Component || component::is_wit_package(&read.bytes) {
        return Ok(None);
    }
    let mut component = component::decode(read).map_err(|finding| ConfigError::Invalid {
        path: shown.clone(),
        reason: finding.message.clone(),
    })?;
    component.world.name = Some(shown);
    Ok(Some(component.world))
}
