//! Runs a component in the engine: compile, instantiate, call. The only room that knows Wasmtime.
//!
//! This side runs inside the worker process. It says what happens as [`Event`]s while it happens,
//! so that the supervisor knows the last step of a worker that it had to kill.

mod call;
mod host;
mod store;

use serde::{Deserialize, Serialize};
use wasmtime::component::{Component, InstancePre, Linker};
use wasmtime::{Config, Engine, Store, Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

use crate::config::{Limits, Step};
use call::Call;
use host::Unscripted;
use store::{MemoryLimitReached, State};

/// The engine, with its version, for reports. A test holds it to `Cargo.lock`.
pub const ENGINE: &str = "wasmtime 48.0.8";

/// What a worker is to do with one component: for each case, make a fresh instance and call it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// The calls of each case. A case without calls is instantiated and no more.
    pub cases: Vec<Vec<Step>>,
    /// What each case may use.
    pub limits: Limits,
    /// Whether imports that this process does not have are there all the same, and trap when they
    /// are called: the host has them, by its contract, and nothing says what they would answer.
    pub unscripted: bool,
}

/// What happened in the worker, as it happens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// The component is compiled and links; the wall clock for running starts now.
    Compiled,
    /// A case begins.
    Case {
        /// Its index in the job.
        index: usize,
    },
    /// The instance of the case has come to life.
    Instantiated,
    /// A call returned, with what was expected where anything was.
    Returned {
        /// What it returned, in WAVE; empty for a function without a result.
        value: String,
    },
    /// A case is over and every step gave what it should.
    Passed {
        /// Fuel that all calls of the case used, instantiation included.
        fuel: u64,
        /// The most linear memory that the case held, in bytes.
        memory: u64,
    },
    /// A case is over, or the whole job where no case had begun.
    Failed(Fault),
    /// The job is over.
    Done,
}

/// Why something went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// What kind of fault it is.
    pub kind: FaultKind,
    /// What happened.
    pub message: String,
    /// Further facts: the guest's stack, the values that differ.
    pub notes: Vec<String>,
}

/// What kind of fault a job ran into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// A call that cannot be made: it does not parse, or does not fit the function.
    BadCall,
    /// The engine refuses the component.
    Refused,
    /// An import is not there, or has another type than the component wants.
    Link,
    /// It trapped.
    Trap,
    /// It used up its fuel.
    OutOfFuel,
    /// It asked for more memory than it may have.
    MemoryLimit,
    /// A call returned something else than was expected.
    Mismatch,
    /// It called a function of the host that no case answers for.
    HostCall,
}

/// Does a job, and says what happens. Runs guest code in this process: call it in a worker.
///
/// Time is virtual: a guest that sleeps wakes at once, and its clocks have moved on.
pub fn run(bytes: &[u8], job: &Job, emit: &mut dyn FnMut(Event)) {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let outcome = match runtime.enable_time().start_paused(true).build() {
        Ok(runtime) => runtime.block_on(work(bytes, job, emit)),
        Err(error) => Err(Fault {
            kind: FaultKind::Refused,
            message: format!("the worker has no runtime: {error}"),
            notes: Vec::new(),
        }),
    };
    if let Err(fault) = outcome {
        emit(Event::Failed(fault));
    }
    emit(Event::Done);
}

async fn work(bytes: &[u8], job: &Job, emit: &mut dyn FnMut(Event)) -> Result<(), Fault> {
    let prepared = prepare(bytes, job)?;
    emit(Event::Compiled);
    for (index, calls) in prepared.calls.iter().enumerate() {
        emit(Event::Case { index });
        match run_case(&prepared, calls, &job.limits, emit).await {
            Ok(passed) => emit(passed),
            Err(fault) => emit(Event::Failed(fault)),
        }
    }
    Ok(())
}

struct Prepared {
    engine: Engine,
    instance: InstancePre<State>,
    calls: Vec<Vec<Call>>,
}

/// The engine as plugins meet it here. What it accepts is `component::FEATURES`.
fn engine() -> wasmtime::Result<Engine> {
    let mut config = Config::new();
    config.consume_fuel(true);
    config.cranelift_nan_canonicalization(true);
    Engine::new(&config)
}

/// Everything that needs no instance: compiles, links, and reads every call of every case, so that
/// a mistake in the last one is told before the first one runs.
fn prepare(bytes: &[u8], job: &Job) -> Result<Prepared, Fault> {
    let fault =
        |kind, error: wasmtime::Error| Fault { kind, message: chain(&error), notes: Vec::new() };
    let refused = |error| fault(FaultKind::Refused, error);
    let engine = engine().map_err(refused)?;
    let component = Component::from_binary(&engine, bytes).map_err(refused)?;
    let mut linker = Linker::new(&engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker).map_err(refused)?;
    if job.unscripted {
        host::define(&mut linker, &engine, &component).map_err(refused)?;
    }
    let instance =
        linker.instantiate_pre(&component).map_err(|error| fault(FaultKind::Link, error))?;
    let calls = job
        .cases
        .iter()
        .map(|steps| steps.iter().map(|step| Call::read(&engine, &component, step)).collect())
        .collect::<Result<_, String>>()
        .map_err(|message| Fault { kind: FaultKind::BadCall, message, notes: Vec::new() })?;
    Ok(Prepared { engine, instance, calls })
}

async fn run_case(
    prepared: &Prepared,
    calls: &[Call],
    limits: &Limits,
    emit: &mut dyn FnMut(Event),
) -> Result<Event, Fault> {
    let mut store = Store::new(&prepared.engine, State::new(limits.memory));
    store.limiter(State::limiter);
    let mut total = 0;
    refuel(&mut store, limits.init_fuel)?;
    let instance = prepared.instance.instantiate_async(&mut store).await;
    let instance = instance.map_err(|error| guest_fault(&error))?;
    total += used(&store, limits.init_fuel);
    emit(Event::Instantiated);
    for call in calls {
        refuel(&mut store, limits.fuel)?;
        let value = call.make(&mut store, &instance).await;
        let value = value.map_err(|error| guest_fault(&error))?;
        total += used(&store, limits.fuel);
        call.compare(&value)?;
        emit(Event::Returned { value: call::text(&value) });
    }
    Ok(Event::Passed { fuel: total, memory: store.data().peak_memory() })
}

fn refuel(store: &mut Store<State>, fuel: u64) -> Result<(), Fault> {
    store.set_fuel(fuel).map_err(|error| guest_fault(&error))
}

fn used(store: &Store<State>, budget: u64) -> u64 {
    budget - store.get_fuel().unwrap_or(0)
}

/// What went wrong while guest code ran.
fn guest_fault(error: &wasmtime::Error) -> Fault {
    let notes = error
        .downcast_ref::<WasmBacktrace>()
        .map(|stack| {
            let named = stack.frames().iter().filter_map(|frame| frame.func_name());
            named.take(8).map(|name| format!("in {name}")).collect()
        })
        .unwrap_or_default();
    if error.downcast_ref::<MemoryLimitReached>().is_some() {
        let message = error.root_cause().to_string();
        return Fault { kind: FaultKind::MemoryLimit, message, notes };
    }
    let (kind, message) = match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => {
            (FaultKind::OutOfFuel, "its budget of instructions is used up".to_owned())
        }
        Some(trap) => (FaultKind::Trap, trap.to_string()),
        None if error.is::<Unscripted>() => (FaultKind::HostCall, error.root_cause().to_string()),
        None => match error.downcast_ref::<I32Exit>() {
            Some(exit) => (FaultKind::Trap, format!("it ended its process with status {}", exit.0)),
            None => (FaultKind::Trap, error.root_cause().to_string()),
        },
    };
    Fault { kind, message, notes }
}

/// An error with its causes, on one line.
fn chain(error: &wasmtime::Error) -> String {
    error.chain().map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::component::FEATURES;

    #[test]
    fn the_engine_version_is_the_one_that_is_linked() {
        let lock = include_str!("../Cargo.lock");
        let (_, entry) = lock.split_once("name = \"wasmtime\"\n").expect("wasmtime is locked");
        let version = entry.lines().next().and_then(|line| line.split('"').nth(1));
        assert_eq!(format!("wasmtime {}", version.expect("a version")), ENGINE);
    }

    /// For every feature that wasmparser knows by a small component that needs it: the validator
    /// with our constant and the engine agree.
    #[test]
    fn the_feature_set_is_the_engine_s() {
        let engine = engine().expect("the engine starts");
        let samples = [
            ("simd", "(func (result v128) v128.const i64x2 0 0)"),
            (
                "relaxed simd",
                "(func (param v128 v128) (result v128)
                   local.get 0 local.get 1 i8x16.relaxed_swizzle)",
            ),
            ("multi memory", "(memory 1) (memory 1)"),
            ("memory64", "(memory i64 1)"),
            ("threads", "(memory 1 1 shared)"),
            ("tail calls", "(func $f return_call $f)"),
            ("exceptions", "(tag $t) (func throw $t)"),
            ("gc", "(type (struct (field i32)))"),
            ("typed function references", "(type $f (func)) (func (param (ref $f)))"),
            ("custom page sizes", "(memory 1 (pagesize 1))"),
            (
                "wide arithmetic",
                "(func (param i64 i64 i64 i64) (result i64 i64)
               local.get 0 local.get 1 local.get 2 local.get 3 i64.add128)",
            ),
            ("stack switching", "(type $f (func)) (type $c (cont $f))"),
            ("legacy exceptions", "(func try catch_all end)"),
            ("shared everything", "(global (shared mut i32) (i32.const 0))"),
        ];
        let modules =
            samples.iter().map(|(name, body)| (*name, format!("(component (core module {body}))")));
        let types = [
            ("async functions", "(type (func async))"),
            ("streams", "(type (stream u8))"),
            ("error context", "(type error-context)"),
            ("fixed-length lists", "(type (list u8 4))"),
            ("maps", "(type (map string u8))"),
            ("values", "(import \"v\" (value u8))"),
        ]
        .iter()
        .map(|(name, body)| (*name, format!("(component {body})")));
        for (name, text) in modules.chain(types) {
            let bytes = wat::parse_str(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
            let ours = wasmparser::Validator::new_with_features(FEATURES).validate_all(&bytes);
            let engines = Component::from_binary(&engine, &bytes);
            assert_eq!(
                ours.is_ok(),
                engines.is_ok(),
                "{name}: validator {:?}, engine {:?}",
                ours.err(),
                engines.err()
            );
        }
    }
}
