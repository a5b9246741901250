//! A worker is sent out with a job on a host's terms.

use std::path::PathBuf;
use std::time::Duration;

use super::{Terms, how};
use crate::diagnostic::Sandbox;
use crate::judge::JudgeError;
use crate::judge::code::Parts;
use crate::sandbox::{Answer, Ending, Grants, Order, Said, supervise};

/// What a worker says in lines, in bytes at most: what calls returned, of which it says 16 MiB, as JSON
/// in which a character may take two, and a few lines for every case.
const MAX_ANSWER: u64 = 48 << 20;

/// Time for what is neither compiling nor running.
const SLACK: Duration = Duration::from_secs(5);

/// A job for a worker.
#[derive(Clone, Copy, Debug, Default)]
pub struct Errand<'e> {
    /// What to do, in one line.
    pub header: &'e str,
    /// The component, and whatever else the job needs, one after the other.
    pub body: &'e [&'e [u8]],
    /// How many runs it is, each of which has all the time that one may take.
    pub runs: u32,
    /// Folders that may be read.
    pub read: &'e [PathBuf],
    /// Folders that may be changed.
    pub write: &'e [PathBuf],
    /// Code that the worker gets open, to read; it may open nothing.
    pub code: Option<&'e Parts>,
}

/// How a worker is confined here that is granted no folder. It is asked, and given nothing to do.
///
/// # Errors
///
/// [`JudgeError::Internal`] where there is no worker to be had.
pub fn confinement(terms: Terms<'_>) -> Result<Sandbox, JudgeError> {
    // No job: the worker says so, and ends.
    let errand = Errand { header: "null", runs: 1, ..Errand::default() };
    let terms = Terms { require_sandbox: false, ..terms };
    dispatch(terms, &errand, &mut |_| Answer::Stop).map(|(_, sandbox)| sandbox)
}

/// Sends a worker out, and returns how it ended and how it was confined.
///
/// # Errors
///
/// [`JudgeError::Internal`] where there is no worker to be had, or none that is confined as the terms
/// demand.
pub fn dispatch(
    terms: Terms<'_>,
    errand: &Errand<'_>,
    on_said: &mut dyn FnMut(Said<'_>) -> Answer,
) -> Result<(Ending, Sandbox), JudgeError> {
    let limits = terms.limits;
    let running = limits.timeout.saturating_mul(errand.runs).saturating_add(SLACK);
    let threads = std::thread::available_parallelism()
        .map_or(1, |n| u32::try_from(n.get()).unwrap_or(u32::MAX));
    let about = match errand.code {
        Some(parts) => serde_json::to_string(&parts.given)
            .map_err(|error| JudgeError::Internal(error.to_string()))?,
        None => String::new(),
    };
    let grants = Grants {
        read: errand.read.to_vec(),
        write: errand.write.to_vec(),
        open: errand.code.map(|parts| parts.files.clone()).unwrap_or_default(),
        about,
        memory: limits.memory,
        processor: limits.compile_timeout.saturating_mul(threads).saturating_add(running),
        required: terms.require_sandbox,
    };
    let order = Order {
        program: terms.worker,
        grants: &grants,
        header: errand.header,
        body: errand.body,
        first: limits.compile_timeout,
        total: limits.compile_timeout.saturating_add(running),
        answer: MAX_ANSWER,
    };
    let ended = supervise(&order, on_said);
    let ended = ended.map_err(|error| JudgeError::Internal(error.to_string()))?;
    match ended.sandbox {
        Some(sandbox) => Ok((ended.ending, sandbox)),
        // It has not seen the plugin, so this is nothing that the plugin did.
        None => Err(JudgeError::Internal(format!(
            "the worker process did not get ready: {}",
            how(&ended.ending)
        ))),
    }
}
