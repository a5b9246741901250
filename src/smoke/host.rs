//! The host's own interfaces, as far as they must be there for a plugin to link: every function
//! traps and says that nothing is scripted for it.

use thiserror::Error;
use wasmtime::Engine;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, Linker, LinkerInstance, ResourceType};

use super::store::State;
use super::wasi;

/// The plugin called a function that no case answers for.
#[derive(Debug, Error)]
#[error("it called {0}, for which nothing is scripted")]
pub struct Unscripted(String);

/// All resources of the host are of one type here. What a plugin may confuse is decided by the
/// contract check; here nothing can be done with a handle but to drop it.
struct Handle;

/// Defines every import of the component that WASI does not.
pub fn define(
    linker: &mut Linker<State>,
    engine: &Engine,
    component: &Component,
) -> wasmtime::Result<()> {
    for (name, import) in component.component_type().imports(engine) {
        if wasi::linked(name).is_some() {
            continue;
        }
        item(&mut linker.root(), engine, name, "", &import.ty)?;
    }
    Ok(())
}

fn item(
    linker: &mut LinkerInstance<'_, State>,
    engine: &Engine,
    name: &str,
    interface: &str,
    ty: &ComponentItem,
) -> wasmtime::Result<()> {
    let full = match interface {
        "" => name.to_owned(),
        interface => format!("{interface}#{name}"),
    };
    match ty {
        ComponentItem::ComponentFunc(ty) if ty.async_() => {
            linker.func_new_concurrent(name, move |_, _, _, _| {
                let error = Unscripted(full.clone());
                Box::pin(async move { Err(error.into()) })
            })
        }
        ComponentItem::ComponentFunc(_) => {
            linker.func_new(name, move |_, _, _, _| Err(Unscripted(full.clone()).into()))
        }
        ComponentItem::Resource(_) => {
            linker.resource(name, ResourceType::host::<Handle>(), |_, _| Ok(()))
        }
        ComponentItem::ComponentInstance(instance) => {
            let mut inner = linker.instance(name)?;
            for (name, export) in instance.exports(engine) {
                item(&mut inner, engine, name, &full, &export.ty)?;
            }
            Ok(())
        }
        // Types need no definition. What else there is no WIT world can offer.
        _ => Ok(()),
    }
}
