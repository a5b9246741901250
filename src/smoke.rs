//! Runs a component in the engine: compile, instantiate, call. The only room that knows Wasmtime.
//!
//! This side runs inside the worker process. It says what happens as [`Event`]s while it happens,
//! so that the supervisor knows the last step of a worker that it had to kill.

mod breach;
mod call;
mod code;
mod command;
mod engine;
mod fault;
mod host;
mod http;
mod outcome;
mod output;
mod script;
mod store;
mod wasi;

use std::cell::Cell;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use wasmtime::Engine;
use wasmtime::component::InstancePre;

use crate::config::{HostScript, Limits, Outside};
use crate::diagnostic::{CompiledBy, HostCall, HttpAnswer, HttpExchange};
use crate::wave::Invocation;
use call::Call;
use engine::Compiled;
use host::PreparedMock;
use store::{PluginStore, State};

pub use code::{CompileJob, Digester, Given, Origin, Piece, compile_code, keys, trailer};
pub use command::{
    Command, CommandError, CommandJob, Folder, Launch, Output, Streams, run_command,
};
pub use fault::{Fault, FaultKind};
pub use http::{HttpJob, Visit, run_http};

/// The engine, with its version, for reports. A test holds it to `Cargo.lock`.
pub const ENGINE: &str = "wasmtime 48.0.8";

/// The most that a job says about what its calls returned and about what was asked meanwhile, in bytes: a
/// supervisor reads no more than so much of an answer.
const MAX_SAID: usize = 16 << 20;

/// How long, by the guest's own clock, it goes on in the background when everything that it was asked for
/// is there. Nobody waits for that: the clock is virtual.
const SETTLE: Duration = Duration::from_secs(10);

/// Lets a guest do what it left for later: a function of WASI 0.3 may go on when it has returned, and any
/// function may have begun something that does.
async fn linger(store: &mut PluginStore) -> wasmtime::Result<()> {
    store.run_concurrent(async |_| tokio::time::sleep(SETTLE).await).await
}

/// What a worker is to do with one component: for each case, make a fresh instance and call it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// What each case does.
    pub cases: Vec<Script>,
    /// The components that answer for the host, which cases name by their index: what they are called, and
    /// their lengths. They follow the files of the cases, in this order.
    #[serde(default)]
    pub mocks: Vec<(String, usize)>,
    /// What each case may use.
    pub limits: Limits,
    /// Whether imports that this process does not have are there all the same, and trap when they
    /// are called: the host has them, by its contract, and nothing says what they would answer.
    pub unscripted: bool,
}

/// The calls of one case, made one after the other in one instance.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Script {
    /// The calls. A case without calls is instantiated and no more.
    pub calls: Vec<Invocation>,
    /// What answers the requests that the plugin makes meanwhile.
    pub outside: Outside,
    /// The lengths of the files that calls and answers name. The files themselves follow the component,
    /// case by case, in this order.
    pub files: Vec<usize>,
    /// Whether the case runs a second time, to see whether it does the same again.
    pub twice: bool,
    /// Whether it goes on where a call returns something else than expected, which is then recorded.
    pub record: bool,
    /// What the host answers meanwhile.
    #[serde(default)]
    pub host: HostScript,
}

/// What happened in the worker, as it happens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// The component is compiled, by this compiler.
    CompiledBy(CompiledBy),
    /// The component is compiled and links; the wall clock for running starts now.
    Compiled,
    /// A case begins.
    Case {
        /// Its index in the job.
        index: usize,
    },
    /// The instance of the case has come to life.
    Instantiated,
    /// A call returned.
    Returned {
        /// What it returned, in WAVE; empty for a function without a result, and where nobody asks.
        value: String,
        /// Whether that is all of it. What is very long is cut.
        whole: bool,
        /// Whether WAVE can write it: there is no handle, future or stream in it.
        writable: bool,
        /// Fuel that the call used.
        fuel: u64,
    },
    /// A command ended by itself.
    Exited {
        /// Its exit code.
        code: u8,
    },
    /// The last call returned something else than was expected, and is recorded.
    Differs,
    /// A call trapped, as it was expected to.
    Trapped {
        /// What the engine says.
        message: String,
        /// Fuel that the call used.
        fuel: u64,
    },
    /// Calls that the last step made of its host.
    HostCalls {
        /// The calls, as far as they are told.
        calls: Vec<HostCall>,
        /// How many calls of the host the case has made so far, told or not.
        count: u64,
    },
    /// The steps are made; what is left is whether the host was asked what it must be.
    Settling,
    /// A handler answered, all of it or in part.
    Answered(HttpAnswer),
    /// The guest sent a request to somebody.
    Asked(HttpExchange),
    /// The guest sent so many requests more.
    AskedMore(u64),
    /// The calls are made; the handle of a variable is dropped.
    Dropping {
        /// The variable.
        variable: String,
    },
    /// The case passed and begins a second time.
    Again,
    /// What the case has used, said before how it ended.
    Used(Used),
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

/// How much of its limits a case has used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    /// Fuel that instantiation used.
    pub init_fuel: u64,
    /// Fuel of the call that used most.
    pub fuel: u64,
    /// Fuel of all calls and of instantiation together.
    pub total_fuel: u64,
    /// The most linear memory that was held, in bytes.
    pub memory: u64,
    /// The most elements that all tables had.
    pub table_elements: u64,
    /// Bytes that went to standard output, to standard error or into the body of an answer, whichever got
    /// most.
    pub output: u64,
}

/// Does a job, and says what happens. Runs guest code in this process: call it in a worker.
///
/// Time is virtual: a guest that sleeps wakes at once, and its clocks have moved on.
pub fn run(bytes: &[u8], job: &Job, origin: Origin, emit: &mut dyn FnMut(Event)) {
    let outcome = runtime().map(|runtime| runtime.block_on(work(bytes, job, origin, emit)));
    end(outcome.flatten(), emit);
}

/// Says that a job is done, and where it was not, why.
fn end(outcome: Result<(), Fault>, emit: &mut dyn FnMut(Event)) {
    if let Err(fault) = outcome {
        emit(Event::Failed(breach::shorten(fault)));
    }
    emit(Event::Done);
}

/// A runtime whose time moves only while everybody sleeps.
fn runtime() -> Result<tokio::runtime::Runtime, Fault> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_time().start_paused(true).build().map_err(|error| {
        Fault::new(FaultKind::System, format!("there is no runtime to run it in: {error}"))
    })
}

async fn work(
    bytes: &[u8],
    job: &Job,
    origin: Origin,
    emit: &mut dyn FnMut(Event),
) -> Result<(), Fault> {
    let (component, mut files) = split(bytes, job)?;
    let mocks = files.split_off(files.len() - job.mocks.len().min(files.len()));
    let prepared = prepare(component, &mocks, job, origin)?;
    emit(Event::CompiledBy(prepared.by));
    emit(Event::Compiled);
    let budget = Cell::new(MAX_SAID);
    for (index, calls) in prepared.calls.iter().enumerate() {
        let script = &job.cases[index];
        let rest = files.split_off(script.files.len().min(files.len()));
        let case = script::Case {
            prepared: &prepared,
            script,
            calls,
            files: &files,
            limits: &job.limits,
            budget: &budget,
        };
        emit(Event::Case { index });
        let (used, outcome) = case.judge(emit).await;
        emit(Event::Used(used));
        emit(match outcome {
            Ok(()) => Event::Passed { fuel: used.total_fuel, memory: used.memory },
            Err(fault) => Event::Failed(breach::shorten(fault)),
        });
        files = rest;
    }
    Ok(())
}

/// The component and the files of all cases, which follow it, and the mocks, which follow those.
fn split<'b>(bytes: &'b [u8], job: &Job) -> Result<(&'b [u8], Vec<&'b [u8]>), Fault> {
    let files = job.cases.iter().flat_map(|script| &script.files).copied();
    let lengths: Vec<usize> = files.chain(job.mocks.iter().map(|(_, length)| *length)).collect();
    cut(bytes, &lengths)
}

/// What the supervisor sent: a component, and files of these lengths behind it.
fn cut<'b>(bytes: &'b [u8], lengths: &[usize]) -> Result<(&'b [u8], Vec<&'b [u8]>), Fault> {
    let all = lengths.iter().fold(0_usize, |sum, length| sum.saturating_add(*length));
    let broken = || Fault::new(FaultKind::BadCall, "the job is shorter than it says");
    let cut = bytes.len().checked_sub(all).ok_or_else(broken)?;
    let (component, mut rest) = bytes.split_at(cut);
    let mut files = Vec::new();
    for length in lengths {
        let (file, after) = rest.split_at_checked(*length).ok_or_else(broken)?;
        files.push(file);
        rest = after;
    }
    Ok((component, files))
}

struct Prepared {
    engine: Engine,
    instance: InstancePre<State>,
    calls: Vec<Vec<Call>>,
    mocks: Vec<PreparedMock>,
    by: CompiledBy,
}

/// Everything that needs no instance: compiles, links, and finds the function of every call.
fn prepare(bytes: &[u8], mocks: &[&[u8]], job: &Job, origin: Origin) -> Result<Prepared, Fault> {
    let refused = |error| breach::of(FaultKind::Refused, &error);
    let compiled = origin.compiled(bytes, &job.limits, job.limits.compiler)?;
    let mut linker = compiled.linker().map_err(refused)?;
    let Compiled { engine, component, by, .. } = compiled;
    if job.unscripted {
        host::define(&mut linker, &engine, &component).map_err(refused)?;
    }
    let instance =
        linker.instantiate_pre(&component).map_err(|error| breach::of(FaultKind::Link, &error))?;
    let find = |invocation: &Invocation| {
        Call::find(&component, invocation).ok_or_else(|| Fault {
            kind: FaultKind::BadCall,
            message: format!("the engine finds no function {}", invocation.function),
            notes: Vec::new(),
        })
    };
    let calls = job.cases.iter().map(|script| script.calls.iter().map(find).collect());
    let calls = calls.collect::<Result<_, _>>()?;
    let mocks = job.mocks.iter().zip(mocks);
    let mocks = mocks.map(|((name, _), bytes)| PreparedMock::new(name, bytes, &job.limits));
    let mocks = mocks.collect::<Result<_, _>>()?;
    Ok(Prepared { engine, instance, calls, mocks, by })
}

/// Takes what this takes as a line out of what a job may still say. Where that is too much nothing is left,
/// so that what is told has no gaps.
fn spend(budget: &Cell<usize>, what: &impl Serialize) -> bool {
    let size = serde_json::to_vec(what).map_or(usize::MAX, |line| line.len());
    let left = budget.get().checked_sub(size);
    budget.set(left.unwrap_or(0));
    left.is_some()
}

/// What guest code returned, unless it failed or wrote too much on the way.
fn within<T>(
    outcome: wasmtime::Result<T>,
    store: &PluginStore,
    limits: &Limits,
) -> Result<T, Fault> {
    // First, since whatever else it did is a consequence.
    if let Some((stream, kept)) = store.data().flooded() {
        return Err(Fault {
            kind: FaultKind::OutputLimit,
            message: format!("it wrote more than {} bytes to {stream}", limits.output),
            notes: vec![format!("the rest is cut off; it begins with {:?}", kept.beginning())],
        });
    }
    if let Some(fault) = store.data().desk().unscripted() {
        return Err(fault);
    }
    outcome.map_err(|error| breach::fault(&error, limits))
}

/// Measures what a case uses.
struct Meter<'a> {
    limits: &'a Limits,
    used: Used,
}

impl<'a> Meter<'a> {
    fn new(limits: &'a Limits) -> Meter<'a> {
        Meter { limits, used: Used::default() }
    }

    /// Gives the plugin so much fuel, and its mock as much for itself.
    fn fill(&self, store: &mut PluginStore, fuel: u64) -> Result<(), Fault> {
        if let Some(mocked) = &store.data().mocked {
            mocked.fill(fuel);
        }
        store.set_fuel(fuel).map_err(|error| breach::fault(&error, self.limits))
    }

    /// What instantiation used of its fuel.
    fn instantiated(&mut self, store: &PluginStore) -> u64 {
        let spent = self.limits.init_fuel - store.get_fuel().unwrap_or(0);
        self.used.init_fuel = spent;
        self.used.total_fuel += spent;
        spent
    }

    /// What a call used of its fuel.
    fn called(&mut self, store: &PluginStore) -> u64 {
        let spent = self.limits.fuel - store.get_fuel().unwrap_or(0);
        self.used.fuel = self.used.fuel.max(spent);
        self.used.total_fuel += spent;
        spent
    }

    fn read(self, store: &PluginStore) -> Used {
        let state = store.data();
        Used {
            memory: state.peak_memory(),
            table_elements: state.peak_table_elements(),
            output: state.output(),
            ..self.used
        }
    }
}

/// An error with its causes, on one line.
fn chain(error: &wasmtime::Error) -> String {
    error.chain().map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use wasmtime::component::Component;

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
        let engine = engine::engine(&Limits::default(), CompiledBy::Cranelift, 0)
            .expect("the engine starts");
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
