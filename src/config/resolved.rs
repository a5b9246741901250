//! A case in a host's world: which of its exports are called, and which of its imports are answered for. What
//! a plugin has beside that world decides nothing.

use super::host::HostScript;
use super::smoke::Case;
use super::{ConfigError, Limits};
use crate::wave::Invocation;
use crate::world::{self, World, command_entry, handler_entry};

/// What a case comes to, under the names of the world that it was resolved in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resolved {
    /// The calls.
    pub calls: Vec<Invocation>,
    /// What the host answers meanwhile.
    pub host: HostScript,
    /// The interface by which a command or a handler begins. None for calls, and where nobody has said what
    /// a host demands: then it is the newest that there is.
    pub entry: Option<String>,
}

/// Why a case cannot be made in a host's world.
#[derive(Debug)]
pub enum Misfit {
    /// What it calls is not there, or is of another type.
    Calls(ConfigError),
    /// What it answers is not there, or is of another type.
    Answers(ConfigError),
}

impl Misfit {
    /// The error itself.
    pub fn into_error(self) -> ConfigError {
        match self {
            Misfit::Calls(error) | Misfit::Answers(error) => error,
        }
    }
}

impl Case {
    /// Finds what the case calls among the exports of a host's world, and what it answers for among what the
    /// host offers, and fits all values: for the plugin of this id, or for all where there is none. What the
    /// host does not offer in this world is an error for all, and nothing that is asked of one plugin.
    ///
    /// # Errors
    ///
    /// What does not fit, with its place.
    pub fn resolve_for(
        &self,
        host: world::Host<'_>,
        limits: &Limits,
        id: Option<&str>,
    ) -> Result<Resolved, Misfit> {
        let calls = self.resolve(host.world).map_err(Misfit::Calls)?;
        let entry = self.entry(host.world).map_err(Misfit::Calls)?;
        let offered: Vec<&World> = std::iter::once(host.world).chain(host.provides).collect();
        // A plugin's world may lack what another of the host's has: that there is one was seen when the host
        // was read, for all plugins.
        let all = id.is_none();
        let answers = self.host.resolve(&offered, limits, all, id).map_err(Misfit::Answers)?;
        Ok(Resolved { calls, host: answers, entry })
    }

    fn entry(&self, world: &World) -> Result<Option<String>, ConfigError> {
        let exports: Vec<&str> = world.exports.keys().map(String::as_str).collect();
        let (found, does, lacks) = if self.command.is_some() {
            (command_entry(&exports), "runs a command", "wasi:cli/run@0.2 or @0.3")
        } else if self.http.is_some() {
            let lacks = "wasi:http/incoming-handler@0.2 or wasi:http/handler@0.3";
            (handler_entry(&exports), "sends a request", lacks)
        } else {
            return Ok(None);
        };
        let name = world.name.as_deref().unwrap_or("the host's world");
        found.map(|found| Some(found.to_owned())).ok_or_else(|| ConfigError::Invalid {
            path: self.file.clone(),
            reason: format!("case `{}` {does}, and {name} exports no {lacks}", self.name),
        })
    }
}
