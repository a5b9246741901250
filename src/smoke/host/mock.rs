//! A component that answers in place of the host. It has a store of its own, so that nothing but values
//! passes between it and the plugin, and the plugin's limits: as much fuel for a step as the plugin has, and
//! memory and tables together with it. What goes wrong in it is no fault of the plugin's, and nothing that
//! anybody could pass with.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use thiserror::Error;
use tokio::sync::{Mutex, OwnedMutexGuard};
use wasmtime::component::{Component, Instance, InstancePre, ResourceAny, ResourceType};

use super::side::plain;
use crate::config::{Limits, MockScript};
use crate::smoke::call::{Call, Handles};
use crate::smoke::engine;
use crate::smoke::http::Desk;
use crate::smoke::store::{self, PluginStore, State};
use crate::smoke::{Fault, FaultKind, breach, within};
use crate::wave::{Expect, Invocation, Value};

/// A mock that is compiled, for all cases of a job that name it.
pub struct PreparedMock {
    component: Component,
    instance: InstancePre<State>,
}

/// A mock that lives as long as one run of a case. One call at a time: they wait for each other, in the
/// order in which they came.
type Living = Arc<Mutex<Mock>>;

/// One turn at it.
type Turn = OwnedMutexGuard<Mock>;

/// The instance behind it.
pub struct Mock {
    name: String,
    component: Component,
    store: PluginStore,
    instance: Instance,
    /// What its resources are called.
    resources: Vec<(ResourceType, String)>,
    limits: Limits,
}

/// A mock as the plugin's store knows it.
pub struct Mocked {
    name: Arc<str>,
    living: Living,
    /// Its handles that the plugin holds, by their names.
    pub handles: BTreeMap<String, ResourceAny>,
    /// What fuel it has left for this step.
    fuel: Arc<AtomicU64>,
}

impl Mocked {
    /// Gives it so much fuel for what comes.
    pub fn fill(&self, fuel: u64) {
        self.fuel.store(fuel, Ordering::Relaxed);
    }

    /// Asks it, when its turn comes, and waits for its answer.
    pub fn ask(
        &self,
        question: Question,
    ) -> impl Future<Output = Result<Answered, MockFault>> + Send + use<> {
        self.in_turn(|mut mock, left| async move { mock.answer(question, &left).await })
    }

    /// Ends one of its handles, when its turn comes.
    pub fn end(
        &self,
        handle: ResourceAny,
    ) -> impl Future<Output = Result<(), MockFault>> + Send + use<> {
        self.in_turn(move |mut mock, left| async move { mock.end(handle, &left).await })
    }

    /// Does something in a task of its own: the engine does not run one store in the middle of another. It
    /// waits for its turn there too: a future of the plugin's store may go on only when a call has returned
    /// that the plugin waits for, and that call may stand in line behind it. Turns come in the order in
    /// which they are asked for. What nobody waits for any more when its turn comes is not done.
    fn in_turn<T, F, W>(
        &self,
        work: W,
    ) -> impl Future<Output = Result<T, MockFault>> + Send + use<T, F, W>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, MockFault>> + Send + 'static,
        W: FnOnce(Turn, Arc<AtomicU64>) -> F + Send + 'static,
    {
        let (name, living, fuel) = (self.name.clone(), self.living.clone(), self.fuel.clone());
        let waits = Arc::new(());
        let waiting = Arc::downgrade(&waits);
        let task = tokio::spawn(async move {
            let turn = living.lock_owned().await;
            match waiting.strong_count() {
                0 => None,
                _ => Some(work(turn, fuel).await),
            }
        });
        async move {
            let done = task.await;
            drop(waits);
            match done {
                Ok(Some(done)) => done,
                Ok(None) => Err(broken(&name, "it was not asked")),
                Err(error) => Err(broken(&name, &error.to_string())),
            }
        }
    }
}

/// What a mock is asked.
pub struct Question {
    /// The instance that it exports the function from; none for a bare function.
    pub interface: Option<String>,
    /// The function, under its name in the component.
    pub function: String,
    /// The arguments, a method's own handle included.
    pub args: Vec<Value>,
    /// The mock's own handles of the names in them.
    pub handles: BTreeMap<String, ResourceAny>,
}

/// What it answers, and what that took.
pub struct Answered {
    /// The value, in which new handles are called what their resource is called.
    pub value: Option<Value>,
    /// The new handles, in their order in the value.
    pub handles: Vec<ResourceAny>,
}

/// Something went wrong in a mock.
#[derive(Clone, Debug, Error)]
#[error("{}", .0.message)]
pub struct MockFault(pub Fault);

impl PreparedMock {
    /// Compiles and links a mock.
    pub fn new(name: &str, bytes: &[u8], limits: &Limits) -> Result<PreparedMock, Fault> {
        let fault =
            |error: wasmtime::Error| of(name, "cannot be set up", breach::fault(&error, limits));
        let compiled = engine::compile(bytes, limits, limits.compiler).map_err(fault)?;
        let linked = compiled.linker();
        let instance = linked.and_then(|linker| linker.instantiate_pre(&compiled.component));
        let instance = instance.map_err(fault)?;
        Ok(PreparedMock { component: compiled.component, instance })
    }

    /// Brings it to life, beside a plugin's store.
    pub async fn start(
        &self,
        script: &MockScript,
        limits: &Limits,
        beside: &PluginStore,
    ) -> Result<Mocked, Fault> {
        let name = script.name.clone();
        let fault = |fault| of(&name, "did not come to life", fault);
        let engine = self.component.engine();
        let mut store = store::open_beside(engine, limits, Desk::default(), beside.data());
        let filled = store.set_fuel(limits.init_fuel);
        filled.map_err(|error| fault(breach::fault(&error, limits)))?;
        let instance = self.instance.instantiate_async(&mut store).await;
        let instance = within(instance, &store, limits).map_err(fault)?;
        let resources = resources(&self.component, &instance, &mut store);
        let component = self.component.clone();
        let limits = limits.clone();
        let mock = Mock { name, component, store, instance, resources, limits };
        let living = Arc::new(Mutex::new(mock));
        let name = script.name.as_str().into();
        Ok(Mocked { name, living, handles: BTreeMap::new(), fuel: Arc::default() })
    }
}

/// The resources that it exports, with their names.
fn resources(
    component: &Component,
    instance: &Instance,
    store: &mut PluginStore,
) -> Vec<(ResourceType, String)> {
    use wasmtime::component::types::ComponentItem;
    let mut found = Vec::new();
    let ty = component.component_type();
    for (interface, export) in ty.exports(component.engine()) {
        let ComponentItem::ComponentInstance(inner) = &export.ty else { continue };
        let Some(index) = instance.get_export_index(&mut *store, None, interface) else { continue };
        for (name, item) in inner.exports(component.engine()) {
            if matches!(item.ty, ComponentItem::Resource(_))
                && let Some(place) = instance.get_export_index(&mut *store, Some(&index), name)
                && let Some(ty) = instance.get_resource(&mut *store, place)
            {
                found.push((ty, name.to_owned()));
            }
        }
    }
    found
}

fn broken(name: &str, why: &str) -> MockFault {
    MockFault(of(name, "broke", Fault::new(FaultKind::Mock, why)))
}

/// A fault of a mock. What the operating system did stays the system's.
fn of(name: &str, what: &str, fault: Fault) -> Fault {
    let kind = match fault.kind {
        FaultKind::System => FaultKind::System,
        _ => FaultKind::Mock,
    };
    let Fault { message, notes, .. } = fault;
    Fault { kind, message: format!("the mock {name} {what}: {message}"), notes }
}

impl Mock {
    async fn answer(
        &mut self,
        question: Question,
        left: &AtomicU64,
    ) -> Result<Answered, MockFault> {
        let Question { interface, function, args, handles } = question;
        let call = match &interface {
            Some(interface) => plain(&format!("{interface}#{function}")),
            None => function.clone(),
        };
        let wrong = |name: &str, fault| MockFault(of(name, &format!("failed in {call}"), fault));
        let bad = |name: &str, message: &str| wrong(name, Fault::new(FaultKind::Mock, message));
        let (bind, expect) = (None, Expect::Return);
        let invocation = Invocation { interface, function, args, bind, expect };
        let Some(made) = Call::find(&self.component, &invocation) else {
            return Err(bad(&self.name, "it has no such function"));
        };
        let named = invocation.args.iter().flat_map(Value::handles);
        if let Some(other) = named.into_iter().find(|name| !handles.contains_key(*name)) {
            return Err(bad(&self.name, &format!("the handle `{other}` is not one of its own")));
        }
        let mut given = Handles::default();
        for (name, handle) in handles {
            given.bind(&name, handle);
        }
        let fuel = left.load(Ordering::Relaxed);
        let set = self.store.set_fuel(fuel);
        set.map_err(|error| wrong(&self.name, breach::fault(&error, &self.limits)))?;
        let returned = made.make(&mut self.store, &self.instance, &mut given, &[]).await;
        let returned = within(returned, &self.store, &self.limits);
        let returned = returned.map_err(|fault| wrong(&self.name, fault))?;
        let mut value = returned.value;
        let mut labels = returned.handles.iter().map(|handle| self.label(handle));
        if let Some(value) = &mut value
            && !name_handles(value, &mut labels)
        {
            return Err(bad(&self.name, "a stream or a future cannot be handed to the plugin"));
        }
        self.spend(fuel, left);
        Ok(Answered { value, handles: returned.handles })
    }

    async fn end(&mut self, handle: ResourceAny, left: &AtomicU64) -> Result<(), MockFault> {
        let call = format!("the end of a {}", self.label(&handle));
        let wrong = |name: &str, fault| MockFault(of(name, &format!("failed in {call}"), fault));
        let fuel = left.load(Ordering::Relaxed);
        let set = self.store.set_fuel(fuel);
        set.map_err(|error| wrong(&self.name, breach::fault(&error, &self.limits)))?;
        let ended = handle.resource_drop_async(&mut self.store).await;
        within(ended, &self.store, &self.limits).map_err(|fault| wrong(&self.name, fault))?;
        self.spend(fuel, left);
        Ok(())
    }

    /// Takes off what it used of so much fuel. It may have been given more meanwhile.
    fn spend(&self, fuel: u64, left: &AtomicU64) {
        let used = fuel - self.store.get_fuel().unwrap_or(0).min(fuel);
        let less = |left: u64| Some(left.saturating_sub(used));
        let _ = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    /// What a handle is called for which nothing has a name: as its resource.
    fn label(&self, handle: &ResourceAny) -> String {
        let mut known = self.resources.iter();
        let known = known.find(|(ty, _)| *ty == handle.ty());
        known.map_or_else(|| "handle".to_owned(), |(_, name)| name.clone())
    }
}

/// Gives the handles in a value their names, in their order; says whether all that has no text has one.
fn name_handles(value: &mut Value, names: &mut dyn Iterator<Item = String>) -> bool {
    match value {
        Value::Opaque(what) if what == "a handle" => match names.next() {
            Some(name) => {
                *value = Value::Handle(name);
                true
            }
            None => false,
        },
        Value::Opaque(_) => false,
        value => value.parts_mut().all(|part| name_handles(part, names)),
    }
}
