//! WASI commands: compiled once, run as often as wanted, each time in an instance of its own.

mod entry;
mod job;
mod streams;

use std::io::Cursor;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use wasmtime::Engine;
use wasmtime_wasi::{FsPerms, I32Exit};

use super::engine::Compiled;
use super::output::Kept;
use super::store::{self, PluginStore};
use super::{Fault, FaultKind, Meter, Origin, Used, breach, linger, runtime};
use crate::adapter;
use crate::config::{Compiler, Limits};
use crate::diagnostic::CompiledBy;
use crate::input;
use entry::Entry;

pub use entry::export;
pub use job::{CommandJob, Streams, run_command};
pub use streams::{Sink, Source};

/// A compiled WASI command: a component that exports `wasi:cli/run@0.2.x` or `@0.3.x`, or a core module
/// for WASI preview 1 with a `_start`.
///
/// It runs **in this process**, for components that the caller trusts: the engine keeps a guest in its
/// memory, but a component can hold the compiler for minutes, and no clock stops one that runs. For
/// anybody else's, there is `plugtool run`, which does the same in a confined process that it kills.
///
/// A guest reaches nothing but what its [`Launch`] says. Its time is virtual and its randomness is
/// the same in every run, so the same launch gives the same [`Output`].
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use plugtool::smoke::{Command, Launch};
///
/// let file = std::fs::read("testdata/plugins/tally/tally.wasm")?;
/// let tally = Command::compile(&file)?;
///
/// // Whatever converts into bytes is its standard input.
/// let output = tally.run("two words\n")?;
/// assert_eq!(output.exit_code, 0);
/// assert_eq!(output.stdout, b"1 2 10\n");
///
/// // Arguments, environment and folders go beside it; every call is in a fresh instance.
/// let words = Launch { args: vec!["-w".to_owned()], ..Launch::from(b"a b\xff c") };
/// assert_eq!(tally.run(words)?.stdout, b"3\n");
/// # Ok(())
/// # }
/// ```
pub struct Command {
    engine: Engine,
    entry: Entry,
    limits: Limits,
    by: CompiledBy,
}

/// What one run of a command gets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launch {
    /// What it is called: its argument zero.
    pub name: String,
    /// Its arguments, without its name.
    pub args: Vec<String>,
    /// Its environment; nothing else is in it.
    pub env: Vec<(String, String)>,
    /// Folders that it may use.
    pub folders: Vec<Folder>,
    /// Its standard input.
    #[serde(skip)]
    pub stdin: Vec<u8>,
}

/// A folder that is granted to a command, with everything in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Folder {
    /// Where it is.
    pub host: PathBuf,
    /// What it is called in the guest.
    pub guest: String,
    /// Whether the guest may change what is in it.
    pub writable: bool,
}

/// What came of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// The exit code; 1 where it only said that it failed.
    pub exit_code: u8,
    /// What it wrote to its standard output.
    pub stdout: Vec<u8>,
    /// What it wrote to its standard error.
    pub stderr: Vec<u8>,
    /// Fuel that it used, in the engine's units, instantiation included.
    pub fuel: u64,
    /// The most linear memory that it held, in bytes.
    pub memory: u64,
}

/// Why there is no output.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CommandError {
    /// It cannot be run: it is no command, or the engine refuses it, or nobody has what it imports.
    #[error("{}", .0.message)]
    Unusable(Fault),
    /// It trapped, or went beyond its bounds.
    #[error("{}", .fault.message)]
    Failed {
        /// What went wrong.
        fault: Fault,
        /// What it had written to its standard output.
        stdout: Vec<u8>,
        /// What it had written to its standard error.
        stderr: Vec<u8>,
    },
}

impl<T: Into<Vec<u8>>> From<T> for Launch {
    /// A launch with this standard input.
    fn from(stdin: T) -> Launch {
        Launch { stdin: stdin.into(), ..Launch::default() }
    }
}

/// What one run of a command may use where nothing else is said: [`Limits::default`], with 256 MiB of
/// each output and a hundred times the fuel. There is no other end to a loop than fuel.
fn limits() -> Limits {
    let limits = Limits::default();
    Limits { output: 256 << 20, fuel: limits.fuel.saturating_mul(100), ..limits }
}

impl Command {
    /// Compiles a component or a preview 1 command, binary or text.
    ///
    /// # Errors
    ///
    /// [`CommandError::Unusable`] where it is not valid, no command, or imports what is not of WASI.
    pub fn compile(bytes: impl AsRef<[u8]>) -> Result<Command, CommandError> {
        Command::compile_within(bytes, limits())
    }

    /// As [`Command::compile`], for runs within other limits. Those of time are not held: that takes a
    /// process that can be killed.
    ///
    /// # Errors
    ///
    /// As [`Command::compile`].
    pub fn compile_within(
        bytes: impl AsRef<[u8]>,
        limits: Limits,
    ) -> Result<Command, CommandError> {
        let unusable = |kind, message: String| CommandError::Unusable(Fault::new(kind, message));
        let input = input::from_bytes("command", "", bytes.as_ref().to_vec())
            .map_err(|error| unusable(FaultKind::Refused, error.to_string()))?;
        if input.kind != input::Kind::Module {
            return Command::made(Origin::bytes(), &input.bytes, None, limits)
                .map_err(CommandError::Unusable);
        }
        let adapted = adapter::adapt_program(&input)
            .map_err(|error| unusable(FaultKind::NotACommand, error.to_string()))?;
        Command::made(Origin::bytes(), &adapted.bytes, None, limits).map_err(CommandError::Unusable)
    }

    /// Runs it once, in a fresh instance. May be called from many threads at once, and waits for the
    /// end of the run: inside an asynchronous runtime it is a blocking call like any other.
    ///
    /// # Errors
    ///
    /// [`CommandError::Unusable`] where a folder cannot be opened, [`CommandError::Failed`] where it
    /// traps or goes beyond its bounds. An exit code is no error.
    pub fn run(&self, launch: impl Into<Launch>) -> Result<Output, CommandError> {
        let mut launch = launch.into();
        let stdin = Cursor::new(std::mem::take(&mut launch.stdin));
        let most = usize::try_from(self.limits.output).unwrap_or(usize::MAX);
        let (stdout, stderr) = (Kept::new(most), Kept::new(most));
        let streams = [Sink::new(stdout.clone(), false), Sink::new(stderr.clone(), false)];
        let ended = on_a_thread_without_runtime(|| {
            let stdin = Source::new(stdin, false);
            let (used, ended) =
                runtime()?.block_on(self.start(&launch, stdin, streams, false, &mut || {}));
            match stdout.is_cut().or(stderr.is_cut()) {
                Some(cut) => Err(breach::fault(&cut.into(), &self.limits)),
                None => ended.map(|exit_code| (exit_code, used)),
            }
        });
        match ended {
            Ok((exit_code, used)) => Ok(Output {
                exit_code,
                stdout: stdout.take(),
                stderr: stderr.take(),
                fuel: used.total_fuel,
                memory: used.memory,
            }),
            Err(fault) if [FaultKind::Folder, FaultKind::System].contains(&fault.kind) => {
                Err(CommandError::Unusable(fault))
            }
            Err(fault) => {
                let (stdout, stderr) = (stdout.take(), stderr.take());
                Err(CommandError::Failed { fault, stdout, stderr })
            }
        }
    }

    /// Of a component: its bytes, or its code. `entry` is the export that is run; the newest where it is left
    /// out.
    fn made(
        origin: Origin,
        bytes: &[u8],
        entry: Option<&str>,
        limits: Limits,
    ) -> Result<Command, Fault> {
        // A command may run for long, and is compiled for that where nobody says otherwise.
        let wanted = match limits.compiler {
            Compiler::Auto => Compiler::Cranelift,
            named => named,
        };
        let compiled = origin.compiled(bytes, &limits, wanted)?;
        let run = entry::find(&compiled.engine, &compiled.component, entry).ok_or_else(|| {
            Fault::new(
                FaultKind::NotACommand,
                "it is no command: it exports no wasi:cli/run@0.2 or @0.3",
            )
        })?;
        let linker = compiled.linker().map_err(|error| breach::of(FaultKind::Refused, &error))?;
        let Compiled { engine, component, by, .. } = compiled;
        let entry = linker
            .instantiate_pre(&component)
            .map(|instance| Entry::of(instance, run))
            .map_err(|error| breach::of(FaultKind::Link, &error))?;
        Ok(Command { engine, entry, limits, by })
    }

    /// One run, over these streams, with what it used and its exit code. `begun` is told when the
    /// instance has come to life. To be polled in a runtime whose time is virtual.
    async fn start(
        &self,
        launch: &Launch,
        stdin: Source,
        [stdout, stderr]: [Sink; 2],
        watched: bool,
        begun: &mut dyn FnMut(),
    ) -> (Used, Result<u8, Fault>) {
        let mut wasi = store::wasi();
        wasi.stdin(stdin).stdout(stdout.clone()).stderr(stderr.clone());
        wasi.arg(&launch.name).args(&launch.args).envs(&launch.env);
        wasi.allow_blocking_current_thread(true);
        for folder in &launch.folders {
            let access = if folder.writable { FsPerms::ReadWrite } else { FsPerms::ReadOnly };
            if let Err(error) = wasi.preopened_dir(&folder.host, &folder.guest, access) {
                let message = format!("{} cannot be opened: {error}", folder.host.display());
                let fault = Fault::new(FaultKind::Folder, message);
                return (Used::default(), Err(fault));
            }
        }
        let mut store = store::open_command(&self.engine, &self.limits, wasi.build());
        let mut meter = Meter::new(&self.limits);
        let ended = self.play(&mut store, &mut meter, watched, begun).await;
        // Its streams are its own, and the store knows nothing of them.
        let output = stdout.written().max(stderr.written());
        (Used { output, ..meter.read(&store) }, ended)
    }

    async fn play(
        &self,
        store: &mut PluginStore,
        meter: &mut Meter<'_>,
        watched: bool,
        begun: &mut dyn FnMut(),
    ) -> Result<u8, Fault> {
        meter.fill(store, self.limits.init_fuel)?;
        let instance = self.entry.instantiate(store).await;
        meter.instantiated(store);
        let instance = match instance {
            Ok(instance) => instance,
            Err(error) => return exit_code(&error, &self.limits),
        };
        begun();
        meter.fill(store, self.limits.fuel)?;
        let mut ended = instance.run(store).await;
        if watched && ended.is_ok() {
            // With what fuel it has left.
            ended = linger(store).await.and(ended);
        }
        meter.called(store);
        match ended {
            Ok(Ok(())) => Ok(0),
            Ok(Err(())) => Ok(1),
            Err(error) => exit_code(&error, &self.limits),
        }
    }
}

/// The code that a guest exited with in the middle, or else what went wrong. Of a code that is too
/// large, what a system would leave of it.
fn exit_code(error: &wasmtime::Error, limits: &Limits) -> Result<u8, Fault> {
    match error.downcast_ref::<I32Exit>() {
        Some(exit) => Ok(exit.0.to_le_bytes()[0]),
        None => Err(breach::fault(error, limits)),
    }
}

/// A runtime cannot be entered from within another; then the work is done on a thread of its own.
fn on_a_thread_without_runtime<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    if tokio::runtime::Handle::try_current().is_err() {
        return work();
    }
    std::thread::scope(|scope| match scope.spawn(work).join() {
        Ok(done) => done,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}
