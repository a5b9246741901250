//! The worker process: it confines itself, does one job, says lines, and is killed at its deadline.
//! Nothing that a plugin does in there reaches further than its pipe and what the job grants.
//!
//! The supervisor's side is [`supervise()`], the worker's [`enter()`]. What the operating system does not
//! offer is told in a [`Sandbox`](crate::diagnostic::Sandbox), before the worker has looked at
//! anything that a stranger wrote.

#[cfg(target_os = "linux")]
mod confine;
mod converse;
mod enter;
mod interrupt;
mod probe;
mod supervise;
#[cfg(target_os = "linux")]
mod syscalls;

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use converse::{Answer, MAX_FRAME, Said, Stream, Wire};
pub use enter::{Errand, enter};
pub use interrupt::{heed_interrupts, interrupted};
pub use probe::{Attempt, probe};
pub use supervise::{Ended, Ending, Order, supervise};

#[cfg(not(target_os = "linux"))]
use elsewhere as confine;

/// The argument that makes `plugtool` a worker.
pub const WORKER_ARGUMENT: &str = "worker";

/// What a worker may have. Whatever is not said here is refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grants {
    /// Folders and files that may be read.
    pub read: Vec<PathBuf>,
    /// Folders and files that may be read and written.
    pub write: Vec<PathBuf>,
    /// Files that are opened to be read before anything else, and that it has from then on; it cannot
    /// open them itself.
    #[serde(default)]
    pub open: Vec<PathBuf>,
    /// What is said of those files, to whoever takes them in.
    #[serde(default)]
    pub about: String,
    /// Private memory, in bytes, beside [`OVERHEAD`].
    pub memory: u64,
    /// Processor time of all threads together; the deadline is what counts, and this stands behind it.
    pub processor: Duration,
    /// Whether the worker stops before it has looked at the plugin where the system cannot confine it.
    pub required: bool,
}

/// What the engine may need on top of the plugin's own memory, in bytes: compiling 18 MB of a
/// language runtime takes about half a gigabyte, and a plugin that wants more than this is not compiled.
pub const OVERHEAD: u64 = 2 << 30;

/// Why a worker could not be used at all. Says nothing about the plugin.
#[derive(Debug, Error)]
pub enum SandboxError {
    /// The program could not be found or started.
    #[error("the worker process could not be started: {0}")]
    Start(String),
    /// The system cannot confine it, and the host demands that.
    #[error("the operating system does not offer the sandbox that `require-sandbox` demands: {0}")]
    Incomplete(String),
    /// This process was asked to end.
    #[error("interrupted")]
    Interrupted,
}

/// The program to start workers from: the one that is running.
pub fn this_program() -> Result<PathBuf, SandboxError> {
    std::env::current_exe().map_err(|error| SandboxError::Start(error.to_string()))
}

/// Who this process acts as: what files it makes belong to.
#[cfg(target_os = "linux")]
pub fn user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Where there is no confinement, that is what is said.
#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use std::fs::File;

    use super::Grants;
    use crate::diagnostic::Sandbox;

    pub fn confine(grants: &Grants) -> (Sandbox, Vec<File>) {
        let missing = vec!["confinement: plugtool knows only that of Linux".to_owned()];
        let sandbox = Sandbox { complete: false, measures: Vec::new(), missing };
        (sandbox, grants.open.iter().map_while(|path| File::open(path).ok()).collect())
    }
}
