//! The host's own interfaces, as a plugin meets them: every function asks its store's side of the host, which
//! has the rules of the case; every resource is the host's, and its handles have names.

mod built_in;
mod made;
mod mock;
mod replay;
mod side;
mod trace;

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use wasmtime::component::types::{ComponentFunc, ComponentItem};
use wasmtime::component::{
    Component, Linker, LinkerInstance, ResourceAny, ResourceDynamic, ResourceType, Type, Val,
};
use wasmtime::{AsContextMut, Engine, StoreContextMut};

use super::call::values::{lower, raise_with};
use super::store::State;
use super::wasi;
use crate::diagnostic::AnsweredBy;
use crate::wave::Value;

use mock::{Answered, Question};
pub use mock::{MockFault, Mocked, PreparedMock};
use side::{Asked, Reply};
pub use side::{HostFault, ScriptedTrap, Side};

/// The resources that are the host's: the type as the component calls it, and the name of its end,
/// `interface#[drop]session`. Their numbers are the engine's types for them.
#[derive(Default)]
struct Resources {
    /// Resources that something else defines.
    known: Vec<ResourceType>,
    own: Vec<(ResourceType, Arc<str>)>,
}

/// Defines every import of the component that WASI does not.
pub fn define(
    linker: &mut Linker<State>,
    engine: &Engine,
    component: &Component,
) -> wasmtime::Result<()> {
    let ty = component.component_type();
    let mut resources = Resources::default();
    let own = |name: &str| wasi::linked(name).is_none();
    for (name, import) in ty.imports(engine) {
        find_resources(&mut resources, engine, name, "", &import.ty, own(name));
    }
    let drops: Arc<[Arc<str>]> = resources.own.iter().map(|(_, drop)| drop.clone()).collect();
    for (name, import) in ty.imports(engine).filter(|(name, _)| own(name)) {
        item(&mut linker.root(), engine, name, "", &import.ty, &resources, &drops)?;
    }
    Ok(())
}

/// Looks for resources in the order in which they are imported: what comes first defines one, and what
/// comes later only uses it.
fn find_resources(
    resources: &mut Resources,
    engine: &Engine,
    name: &str,
    interface: &str,
    ty: &ComponentItem,
    own: bool,
) {
    match ty {
        ComponentItem::Resource(ty) if !own => resources.known.push(*ty),
        ComponentItem::Resource(ty) => {
            let known = resources.known.contains(ty);
            if !known && !resources.own.iter().any(|(other, _)| other == ty) {
                let full = full_name(interface, &format!("[drop]{name}"));
                resources.own.push((*ty, full.into()));
            }
        }
        ComponentItem::ComponentInstance(instance) => {
            for (inner, export) in instance.exports(engine) {
                find_resources(resources, engine, inner, name, &export.ty, own);
            }
        }
        _ => {}
    }
}

fn full_name(interface: &str, name: &str) -> String {
    match interface {
        "" => name.to_owned(),
        interface => format!("{interface}#{name}"),
    }
}

fn item(
    linker: &mut LinkerInstance<'_, State>,
    engine: &Engine,
    name: &str,
    interface: &str,
    ty: &ComponentItem,
    resources: &Resources,
    drops: &Arc<[Arc<str>]>,
) -> wasmtime::Result<()> {
    let full: Arc<str> = full_name(interface, name).into();
    match ty {
        ComponentItem::ComponentFunc(ty) => {
            let function = Function { name: full, drops: drops.clone() };
            function.define(linker, name, ty.async_())
        }
        ComponentItem::Resource(ty) => {
            // One that something else defines is not defined again.
            let Some(number) = resources.own.iter().position(|(other, _)| other == ty) else {
                return Ok(());
            };
            let ty = ResourceType::host_dynamic(u32::try_from(number)?);
            linker.resource_async(name, ty, |store, number| Box::new(end(store, number)))
        }
        ComponentItem::ComponentInstance(instance) => {
            let mut inner = linker.instance(name)?;
            for (inner_name, export) in instance.exports(engine) {
                item(&mut inner, engine, inner_name, name, &export.ty, resources, drops)?;
            }
            Ok(())
        }
        // Types need no definition. What else there is no WIT world can offer.
        _ => Ok(()),
    }
}

/// The end of a handle: the rules hear of it, and the mock where it is its own.
async fn end(mut store: StoreContextMut<'_, State>, number: u32) -> wasmtime::Result<()> {
    let state = store.data_mut();
    let mocked = state.side.name(number).zip(state.mocked.as_mut());
    let own = mocked.and_then(|(name, mocked)| mocked.handles.remove(name));
    state.side.end(number, own.is_some())?;
    if let Some((mocked, handle)) = state.mocked.as_ref().zip(own) {
        mocked.end(handle).await?;
    }
    Ok(())
}

/// A call of the host of which it is decided who answers.
struct Pending {
    on: Option<String>,
    args: Vec<Value>,
    /// Which call of the trace it is.
    call: Option<usize>,
    by: AnsweredBy,
    delay: Duration,
    /// The answer; none where there is nothing to answer, or the mock is asked first.
    value: Option<Value>,
    /// What the mock is asked.
    question: Option<Question>,
}

/// A function of the host.
#[derive(Clone)]
struct Function {
    /// Its name in the component: `interface#[method]session.feed`.
    name: Arc<str>,
    /// By the number of a resource, the name of its end.
    drops: Arc<[Arc<str>]>,
}

impl Function {
    fn define(
        self,
        linker: &mut LinkerInstance<'_, State>,
        name: &str,
        is_async: bool,
    ) -> wasmtime::Result<()> {
        if is_async {
            return linker.func_new_concurrent(name, move |accessor, ty, params, results| {
                let function = self.clone();
                Box::pin(async move {
                    let mut pending = accessor
                        .with(|mut access| function.ask(access.as_context_mut(), &ty, params))?;
                    let mut answered = None;
                    if let Some(question) = pending.question.take() {
                        let asked =
                            accessor.with(|mut access| mock(access.data_mut(), question))?;
                        answered = Some(asked.await?);
                    }
                    let delay = accessor.with(|mut access| {
                        function.answer(access.as_context_mut(), &ty, pending, answered, results)
                    })?;
                    sleep(delay).await;
                    Ok(())
                })
                    as Pin<Box<dyn Future<Output = wasmtime::Result<()>> + Send + '_>>
            });
        }
        linker.func_new_async(name, move |mut store, ty, params, results| {
            let function = self.clone();
            Box::new(async move {
                let mut pending = function.ask(store.as_context_mut(), &ty, params)?;
                let mut answered = None;
                if let Some(question) = pending.question.take() {
                    answered = Some(mock(store.data(), question)?.await?);
                }
                let delay = function.answer(store, &ty, pending, answered, results)?;
                sleep(delay).await;
                Ok(())
            })
        })
    }

    /// Takes in a call, and decides who answers.
    fn ask(
        &self,
        mut store: StoreContextMut<'_, State>,
        ty: &ComponentFunc,
        params: &[Val],
    ) -> wasmtime::Result<Pending> {
        let mut handles = BTreeMap::new();
        let raised = params.iter().map(|param| {
            raise_with(param, &mut |handle| self.name_of(&mut store, handle, &mut handles))
        });
        let mut args: Vec<Value> = raised.collect();
        let mut names: Vec<&str> = ty.params().map(|(name, _)| name).collect();
        let mut on = None;
        if self.name.split_once('#').map_or(&*self.name, |(_, name)| name).starts_with("[method]")
            && let Some(Value::Handle(_)) = args.first()
            && let Value::Handle(handle) = args.remove(0)
        {
            names.remove(0);
            on = Some(handle);
        }
        let asked = Asked { function: &self.name, on: on.as_deref(), params: &names, args: &args };
        let side = &mut store.data_mut().side;
        let decided = side.decide(&asked);
        let call = side.trace.call(&asked);
        let decision = decided?;
        if let Some(call) = side.trace.at(call) {
            call.by = decision.by;
            call.rule = decision.rule;
            call.delay = u64::try_from(decision.delay.as_millis()).unwrap_or(u64::MAX);
        }
        let mut question = None;
        let value = match decision.reply {
            Reply::Nothing => None,
            Reply::Value(value) => Some(value),
            Reply::Trap(message) => {
                side.trace.trapped(call, &message);
                return Err(ScriptedTrap(message).into());
            }
            Reply::BuiltIn => side.built_in.answer(&asked),
            Reply::Mock => {
                question = side.mocks(&self.name).map(|export| {
                    let this = on.clone().map(Value::Handle);
                    let args = this.into_iter().chain(args.iter().cloned()).collect();
                    let (interface, function) = match self.name.split_once('#') {
                        Some((_, function)) => (Some(export.to_owned()), function),
                        None => (None, export),
                    };
                    Question { interface, function: function.to_owned(), args, handles }
                });
                None
            }
            Reply::Default => match ty.results().next() {
                None => None,
                Some(ty) => Some(made::default(&ty, &|ty| self.label(ty)).map_err(|what| {
                    let mut fault = side.unscripted(&asked);
                    fault.notes.push(format!("no answer can be made from its type: {what}"));
                    fault
                })?),
            },
        };
        let (by, delay) = (decision.by, decision.delay);
        Ok(Pending { on, args, call, by, delay, value, question })
    }

    /// Gives the plugin its answer, and says how long that takes.
    fn answer(
        &self,
        mut store: StoreContextMut<'_, State>,
        ty: &ComponentFunc,
        pending: Pending,
        answered: Option<Answered>,
        results: &mut [Val],
    ) -> wasmtime::Result<Duration> {
        let Pending { on, args, call, by, delay, value, .. } = pending;
        let (mut value, new) = match answered {
            Some(answered) => (answered.value, answered.handles),
            None => (value, Vec::new()),
        };
        let State { side, mocked, .. } = store.data_mut();
        if let Some(value) = &mut value {
            side.make_handles(value);
            if by == AnsweredBy::BuiltIn {
                let (function, on) = (&*self.name, on.as_deref());
                side.built_in.opened(&Asked { function, on, params: &[], args: &args }, value);
            }
            if let Some(mocked) = mocked {
                let names = value.handles().into_iter().map(str::to_owned);
                mocked.handles.extend(names.zip(new));
            }
        }
        side.trace.returned(call, value.as_ref());
        if let (Some(value), Some(ty), Some(result)) =
            (value, ty.results().next(), results.first_mut())
        {
            let mut find = |name: &str, ty: &Type| self.handle(&mut store, name, ty);
            *result = lower(&value, &ty, &mut find, &[])?;
        }
        Ok(delay)
    }

    /// What a handle is called that the plugin passes. One that it gives away ends here. Where it is the
    /// mock's, that goes to `handles`.
    fn name_of(
        &self,
        store: &mut StoreContextMut<'_, State>,
        handle: ResourceAny,
        handles: &mut BTreeMap<String, ResourceAny>,
    ) -> Value {
        let opaque = || Value::Opaque("a handle".to_owned());
        let Ok(handle) = handle.try_into_resource_dynamic(&mut *store) else { return opaque() };
        let State { side, mocked, .. } = store.data_mut();
        let name = side.name(handle.rep()).map(str::to_owned);
        if let (Some(name), Some(mocked)) = (&name, mocked) {
            let own = match handle.owned() {
                true => mocked.handles.remove(name),
                false => mocked.handles.get(name).copied(),
            };
            handles.extend(own.map(|own| (name.clone(), own)));
        }
        if handle.owned() {
            side.take_back(handle.rep());
        }
        name.map_or_else(opaque, Value::Handle)
    }

    /// The number of a resource, and the name of its end.
    fn resource(&self, ty: &ResourceType) -> Option<(u32, &Arc<str>)> {
        let mut numbered = (0..).zip(self.drops.iter());
        numbered.find(|(number, _)| ResourceType::host_dynamic(*number) == *ty)
    }

    /// What a handle is called for which nothing has a name: as its resource.
    fn label(&self, ty: &ResourceType) -> Option<String> {
        let (_, drop) = self.resource(ty)?;
        drop.rsplit_once(']').map(|(_, name)| name.to_owned())
    }

    /// A handle of this name that was made for the plugin.
    fn handle(
        &self,
        store: &mut StoreContextMut<'_, State>,
        name: &str,
        ty: &Type,
    ) -> wasmtime::Result<ResourceAny> {
        let wrong = || wasmtime::Error::msg(format!("the host cannot make a handle `{name}`"));
        let Type::Own(ty) = ty else { return Err(wrong()) };
        let (resource, drop) = self.resource(ty).ok_or_else(wrong)?;
        let number = store.data_mut().side.number(name, drop).ok_or_else(wrong)?;
        ResourceDynamic::new_own(number, resource).try_into_resource_any(&mut *store)
    }
}

/// Asks the mock of the case.
fn mock(
    state: &State,
    question: Question,
) -> wasmtime::Result<impl Future<Output = Result<Answered, MockFault>> + Send + use<>> {
    let missing = || wasmtime::Error::msg("the case has no mock");
    state.mocked.as_ref().map(|mocked| mocked.ask(question)).ok_or_else(missing)
}

/// Takes time, which is the guest's: nobody waits.
async fn sleep(delay: Duration) {
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
}
