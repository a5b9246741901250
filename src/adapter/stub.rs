//! Stubs: a component that exports what another one imports, and refuses.

use std::panic::{self, AssertUnwindSafe};

use thiserror::Error;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::{Function, Resolve, WorldId, WorldItem, WorldKey};

use super::core::Core;
use super::refusal::{answer, show};
use super::text;
use crate::component::{self, Component};
use crate::input;
use crate::world::World;

/// A component that refuses.
#[derive(Clone, Debug)]
pub struct Stub {
    /// The component, valid with the engine's features.
    pub component: Component,
    /// What each of its functions answers, in the order of the interfaces asked for.
    pub answers: Vec<Refusal>,
}

/// What a function of a stub does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The interface; none for a function on its own.
    pub interface: Option<String>,
    /// The function, as the component model names it: `[method]descriptor.read`.
    pub function: String,
    /// What comes of calling it.
    pub does: Does,
}

/// What comes of calling a function of a stub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Does {
    /// It returns this value, in WAVE, with words for handles.
    Returns(String),
    /// It has no result, so nobody is told that it does nothing.
    Ignored,
    /// It traps, for this reason.
    Traps(String),
}

/// Why there is no stub.
#[derive(Debug, Error)]
pub enum StubError {
    /// What is asked for cannot be stubbed.
    #[error("{0}")]
    Unsupported(String),
    /// Written out, it would be too large.
    #[error("its types are too large to write a stub for")]
    TooLarge,
    /// What was generated is wrong, which is a mistake in this program.
    #[error("the stub that was generated is wrong: {0}")]
    Internal(String),
}

/// Makes one component that exports these imports of `world`: interfaces, or functions on their own.
///
/// Each of its functions drops the handles that it is given, forgets its arguments, and returns the value
/// of its type that refuses most gracefully; see [`Does`]. Handles to resources that the stub defines
/// are minted. It imports nothing but the resources that its functions mention and that are defined in
/// interfaces which are not stubbed: those must be the ones that the rest of the composition has, and
/// a function that would have to return such a handle traps. All of `wasi:random` traps too: a value made
/// up would pass for a random one.
///
/// Several interfaces are one component, so that a resource which one of them defines and another one
/// returns is the same. Interfaces that share no resource may be stubbed apart.
///
/// # Errors
///
/// Where `world` does not import one of the names, or where it is nothing that WIT can express.
pub fn stub(world: &World, names: &[String]) -> Result<Stub, StubError> {
    let made = panic::catch_unwind(AssertUnwindSafe(|| generate(world, names)));
    let made = made.unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<String>().map(String::as_str);
        let said = said.or_else(|| panic.downcast_ref::<&str>().copied());
        Err(StubError::Internal(said.unwrap_or("a panic without a message").to_owned()))
    });
    let (bytes, answers) = made?;
    let internal = |text: String| StubError::Internal(text);
    let read = input::from_bytes("stub", "stub", bytes).map_err(|e| internal(e.to_string()))?;
    let component = component::decode(read).map_err(|finding| internal(finding.message))?;
    Ok(Stub { component, answers })
}

fn generate(world: &World, names: &[String]) -> Result<(Vec<u8>, Vec<Refusal>), StubError> {
    let internal = |error: anyhow::Error| StubError::Internal(format!("{error:#}"));
    let text = text::wit(world, names).map_err(StubError::Unsupported)?;
    let mut resolve = Resolve::default();
    let package = resolve
        .push_str("stub.wit", &text)
        .map_err(|error| StubError::Internal(resolve.render_error(&error)))?;
    let id = resolve.select_world(&[package], Some(text::WORLD)).map_err(internal)?;
    let (mut module, answers) = core_module(&resolve, id)?;
    embed_component_metadata(&mut module, &resolve, id, StringEncoding::UTF8).map_err(internal)?;
    let encoder = ComponentEncoder::default().module(&module).map_err(internal)?;
    Ok((encoder.validate(false).encode().map_err(internal)?, answers))
}

fn core_module(resolve: &Resolve, id: WorldId) -> Result<(Vec<u8>, Vec<Refusal>), StubError> {
    let mut core = Core::new(resolve, id);
    let mut answers = Vec::new();
    for (key, item) in &resolve.worlds[id].exports {
        match item {
            WorldItem::Interface { id, .. } => {
                let name = resolve.name_world_key(key);
                for func in resolve.interfaces[*id].functions.values() {
                    answers.push(add(&mut core, Some((key, &name)), func));
                    if core.full(0) {
                        return Err(StubError::TooLarge);
                    }
                }
            }
            WorldItem::Function(func) => answers.push(add(&mut core, None, func)),
            WorldItem::Type { .. } => {}
        }
        if core.full(0) {
            return Err(StubError::TooLarge);
        }
    }
    Ok((core.finish(), answers))
}

fn add(core: &mut Core<'_>, interface: Option<(&WorldKey, &str)>, func: &Function) -> Refusal {
    let key = interface.map(|(key, _)| key);
    let resolve = core.resolve;
    let does = match &func.result {
        _ if interface.is_some_and(|(_, name)| name.starts_with("wasi:random/")) => {
            core.add_trap(key, func);
            Does::Traps("a value made up would pass for a random one".to_owned())
        }
        None => {
            core.add(key, func, None);
            Does::Ignored
        }
        Some(ty) => {
            let chosen = answer(resolve, ty, &|resource| core.mine(resource), &core.budget);
            core.add(key, func, chosen.as_ref().ok());
            match chosen {
                Ok(answer) => Does::Returns(show(resolve, ty, &answer)),
                Err(reason) => Does::Traps(reason),
            }
        }
    };
    Refusal {
        interface: interface.map(|(_, name)| name.to_owned()),
        function: func.name.clone(),
        does,
    }
}
