//! HTTP handlers: compiled once, sent one request at a time, each to an instance of its own.

mod body;
mod job;
mod outgoing;

use std::cell::Cell;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use wasmtime::Engine;
use wasmtime::component::{Component, ComponentExportIndex, InstancePre, Resource, TypedFunc};
use wasmtime_wasi_http::p2::types::{HostIncomingRequest, HostResponseOutparam};
use wasmtime_wasi_http::p3::bindings::http::types::ErrorCode;
use wasmtime_wasi_http::{WasiHttpView, p2, p3};

use super::command::{Sink, Source, export};
use super::engine::Compiled;
use super::store::{self, PluginStore, State};
use super::wasi::Track;
use super::{Event, Fault, FaultKind, Meter, Origin, SETTLE, Used, breach, linger, within};
use crate::config::{HttpRequest, Limits};
use crate::diagnostic::{CompiledBy, HttpAnswer};
use crate::world::{ExternName, handler_entry};

pub use job::{HttpJob, Visit, run_http};
pub use outgoing::Desk;

/// By its own clock, nobody waits that long: what does, waits for what never comes. Nobody else waits
/// either, since that clock is virtual.
const FOR_EVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// A handler that links.
struct Handler {
    engine: Engine,
    limits: Limits,
    entry: Entry,
    by: CompiledBy,
}

/// What links, and its function that answers. The engine's own bindings find that by a version of their own;
/// here it is the export that is meant.
enum Entry {
    P2(InstancePre<State>, ComponentExportIndex),
    P3(InstancePre<State>, ComponentExportIndex),
}

/// `handle` of `wasi:http/incoming-handler`, in WASI 0.2.
type HandleP2 = TypedFunc<(Resource<HostIncomingRequest>, Resource<HostResponseOutparam>), ()>;

/// `handle` of `wasi:http/handler`, in WASI 0.3.
type HandleP3 = TypedFunc<(Resource<p3::Request>,), (Result<Resource<p3::Response>, ErrorCode>,)>;

/// What is known of an answer so far; it outlives the instance that gives it.
#[derive(Clone, Default)]
struct Answer(Arc<Mutex<Option<HttpAnswer>>>);

/// How an exchange ended, where the guest did not trap.
enum Ended {
    /// All of the answer is there.
    Whole,
    /// There is none.
    Silent,
    /// There is an error instead.
    Refused(String),
    /// The body ended in the middle.
    Broken(String),
}

impl Handler {
    /// Of a component: its bytes, or its code. `entry` is the export that answers; the newest handler where
    /// it is left out.
    fn made(
        origin: Origin,
        bytes: &[u8],
        entry: Option<&str>,
        limits: &Limits,
    ) -> Result<Handler, Fault> {
        let compiled = origin.compiled(bytes, limits, limits.compiler)?;
        let handle =
            Entry::find(&compiled.engine, &compiled.component, entry).ok_or_else(|| {
                Fault::new(
                    FaultKind::NotAHandler,
                    "it answers no requests: it exports no wasi:http/incoming-handler@0.2 and no \
                 wasi:http/handler@0.3",
                )
            })?;
        let linker = compiled.linker().map_err(|error| breach::of(FaultKind::Refused, &error))?;
        let Compiled { engine, component, by, .. } = compiled;
        let entry = linker.instantiate_pre(&component).map(|pre| Entry::of(pre, handle));
        let entry = entry.map_err(|error| breach::of(FaultKind::Link, &error))?;
        Ok(Handler { engine, limits: limits.clone(), entry, by })
    }

    /// Sends one request to a fresh instance, and passes on what it answers. The budget is what the whole job
    /// may still tell. To be polled in a runtime whose time is virtual.
    async fn visit(
        &self,
        visit: &Visit,
        desk: Desk,
        (request, response): (Source, Sink),
        budget: &Cell<usize>,
        emit: &mut dyn FnMut(Event),
    ) -> (Used, Result<(), Fault>) {
        let mut store = store::open(&self.engine, &self.limits, desk);
        let mut meter = Meter::new(&self.limits);
        let answer = Answer::default();
        let exchange = (&visit.request, request, response, &answer);
        let ended = self.exchange(&mut store, &mut meter, exchange, emit).await;
        store.data().desk().tell(budget, emit);
        let mut used = meter.read(&store);
        if let Some(answer) = answer.take() {
            used.output = used.output.max(answer.body_size);
            emit(Event::Answered(answer));
        }
        let ended = ended.and_then(|()| match store.data().desk().missing() {
            Some(fault) => Err(fault),
            None => Ok(()),
        });
        (used, ended)
    }

    async fn exchange(
        &self,
        store: &mut PluginStore,
        meter: &mut Meter<'_>,
        (head, request, response, answer): (&HttpRequest, Source, Sink, &Answer),
        emit: &mut dyn FnMut(Event),
    ) -> Result<(), Fault> {
        let request = head_of(head)
            .and_then(|builder| builder.body(body::Incoming::new(request)))
            .map_err(|error| {
                Fault::new(FaultKind::BadCall, format!("the request cannot be made: {error}"))
            })?;
        meter.fill(store, self.limits.init_fuel)?;
        let ended = match &self.entry {
            Entry::P2(pre, handle) => {
                let instance = pre.instantiate_async(&mut *store).await;
                meter.instantiated(store);
                let instance = within(instance, store, &self.limits)?;
                let handle = instance.get_typed_func(&mut *store, handle);
                let handle = within(handle, store, &self.limits)?;
                emit(Event::Instantiated);
                meter.fill(store, self.limits.fuel)?;
                let handled = handle_p2(handle, store, request, response, answer);
                tokio::time::timeout(FOR_EVER, handled).await
            }
            Entry::P3(pre, handle) => {
                let instance = pre.instantiate_async(&mut *store).await;
                meter.instantiated(store);
                let instance = within(instance, store, &self.limits)?;
                let handle = instance.get_typed_func(&mut *store, handle);
                let handle = within(handle, store, &self.limits)?;
                emit(Event::Instantiated);
                meter.fill(store, self.limits.fuel)?;
                let handled = handle_p3(handle, store, request, response, answer);
                tokio::time::timeout(FOR_EVER, handled).await
            }
        };
        meter.called(store);
        let ended = match ended {
            Ok(ended) => within(ended, store, &self.limits)?,
            Err(_) => {
                within(Ok(()), store, &self.limits)?;
                let message = match answer.is_begun() {
                    true => "it does not end its answer: it waits for what never comes",
                    false => "it does not answer: it waits for what never comes",
                };
                return Err(Fault {
                    kind: FaultKind::NoAnswer,
                    message: message.to_owned(),
                    notes: vec![
                        "a year went by on its own clock, on which a sleep takes no time".into(),
                    ],
                });
            }
        };
        let (kind, message) = match ended {
            Ended::Whole => return Ok(()),
            Ended::Silent => (FaultKind::NoAnswer, "it returned without an answer".to_owned()),
            Ended::Refused(error) => {
                (FaultKind::NoAnswer, format!("it answered with an error: {error}"))
            }
            Ended::Broken(error) => {
                (FaultKind::NoAnswer, format!("it broke its answer off in the middle: {error}"))
            }
        };
        Err(Fault::new(kind, message))
    }
}

impl Entry {
    /// The function that answers: that of the export of this very name, or else of the newest there is.
    fn find(
        engine: &Engine,
        component: &Component,
        entry: Option<&str>,
    ) -> Option<(Track, ComponentExportIndex)> {
        let (name, handle) = export(engine, component, entry, handler_entry, "handle")?;
        Some((Track::of(&ExternName::parse(&name))?, handle))
    }

    fn of(instance: InstancePre<State>, (track, handle): (Track, ComponentExportIndex)) -> Entry {
        match track {
            Track::P2 => Entry::P2(instance, handle),
            Track::P3 => Entry::P3(instance, handle),
        }
    }
}

fn head_of(head: &HttpRequest) -> Result<http::request::Builder, http::Error> {
    let uri: http::Uri = head.url().parse()?;
    let mut builder = http::Request::builder().method(head.method.as_str()).uri(uri);
    for (name, value) in &head.headers {
        builder = builder.header(name, value);
    }
    Ok(builder)
}

/// WASI 0.2: the guest says where its answer begins, and goes on until all of it is written.
async fn handle_p2(
    handle: HandleP2,
    store: &mut PluginStore,
    request: http::Request<body::Incoming>,
    response: Sink,
    answer: &Answer,
) -> wasmtime::Result<Ended> {
    let scheme = match request.uri().scheme_str() {
        Some("https") => p2::bindings::http::types::Scheme::Https,
        _ => p2::bindings::http::types::Scheme::Http,
    };
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let mut view = store.data_mut().http();
    let request = view.new_incoming_request(scheme, request)?;
    let out = view.new_response_outparam(sender)?;
    // It reads on while the guest writes.
    let answer = answer.clone();
    let reader = tokio::task::spawn(async move {
        match receiver.await {
            Ok(Ok(got)) => body::pass_on(got, response, &answer).await,
            Ok(Err(error)) => Ok(Ended::Refused(format!("{error:?}"))),
            Err(_) => Ok(Ended::Silent),
        }
    });
    let abort = Abort(reader.abort_handle());
    handle.call_async(&mut *store, (request, out)).await?;
    let ended = reader.await?;
    drop(abort);
    linger(store).await?;
    Ok(ended?)
}

/// A task that ends with its owner.
struct Abort(tokio::task::AbortHandle);

impl Drop for Abort {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// WASI 0.3: the guest returns its answer, and goes on in the background until all of it is written.
async fn handle_p3(
    handle: HandleP3,
    store: &mut PluginStore,
    request: http::Request<body::Incoming>,
    response: Sink,
    answer: &Answer,
) -> wasmtime::Result<Ended> {
    let (request, sent) = p3::Request::from_http(store.data_mut().http().hooks, request);
    let sent = tokio::task::spawn(sent);
    let _abort = Abort(sent.abort_handle());
    store
        .run_concurrent(async |accessor| -> wasmtime::Result<Ended> {
            let request = accessor.with(|mut store| store.get().http().table.push(request))?;
            let (got,) = handle.call_concurrent(accessor, (request,)).await?;
            let got = match got {
                Ok(got) => accessor.with(|mut store| store.get().http().table.delete(got))?,
                Err(error) => return Ok(Ended::Refused(format!("{error:?}"))),
            };
            let (passed, arrived) = tokio::sync::oneshot::channel::<()>();
            let done = async {
                let _ = arrived.await;
                Ok(())
            };
            let got = accessor.with(|store| got.into_http(store, done))?;
            let ended = body::pass_on(got, response, answer).await?;
            let _ = passed.send(());
            // What it still does in the background may go wrong.
            tokio::time::sleep(SETTLE).await;
            Ok(ended)
        })
        .await?
}

impl Answer {
    fn lock(&self) -> std::sync::MutexGuard<'_, Option<HttpAnswer>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, head: &http::response::Parts) {
        let headers = body::headers(&head.headers);
        *self.lock() = Some(HttpAnswer { status: head.status.as_u16(), headers, body_size: 0 });
    }

    fn add(&self, bytes: usize) {
        if let Some(answer) = &mut *self.lock() {
            answer.body_size += bytes as u64;
        }
    }

    fn is_begun(&self) -> bool {
        self.lock().is_some()
    }

    fn take(&self) -> Option<HttpAnswer> {
        self.lock().take()
    }
}

/// The supervisor is gone, or wants no more; there is nobody to tell.
impl From<io::Error> for Ended {
    fn from(error: io::Error) -> Ended {
        Ended::Broken(error.to_string())
    }
}
