//! What stopped guest code, told apart: which limit it broke, or how it failed within them.

use wasmtime::component::ResourceTableError;
use wasmtime::{Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;
use wasmtime_wasi_http::FieldMapError;

use super::host::{HostFault, MockFault, ScriptedTrap};
use super::output::OutputLimitReached;
use super::store::LimitReached;
use super::{Fault, FaultKind, chain};
use crate::config::Limits;

/// What went wrong before any guest code ran: of this kind, unless it was the operating system that failed.
pub fn of(kind: FaultKind, error: &wasmtime::Error) -> Fault {
    let kind = if is_systems(error) { FaultKind::System } else { kind };
    Fault::new(kind, chain(error))
}

/// What went wrong while guest code ran.
pub fn fault(error: &wasmtime::Error, limits: &Limits) -> Fault {
    if let Some(MockFault(fault)) = error.downcast_ref() {
        return fault.clone();
    }
    let host = error.downcast_ref::<HostFault>();
    let mut notes = host.map(|fault| fault.notes.clone()).unwrap_or_default();
    let stack: Vec<String> = error
        .downcast_ref::<WasmBacktrace>()
        .map(|stack| {
            let named = stack.frames().iter().filter_map(|frame| frame.func_name());
            named.take(8).map(|name| format!("in {name}")).collect()
        })
        .unwrap_or_default();
    notes.extend(stack);
    let (kind, message) = match host {
        Some(fault) => (fault.kind, fault.message.clone()),
        None => kind(error, limits),
    };
    Fault { kind, message, notes }
}

fn kind(error: &wasmtime::Error, limits: &Limits) -> (FaultKind, String) {
    if let Some(reached) = error.downcast_ref::<LimitReached>() {
        let (kind, wanted, beside, limit) = match reached {
            LimitReached::Memory { wanted, beside, limit } => {
                (FaultKind::MemoryLimit, wanted, beside, limit)
            }
            LimitReached::Tables { wanted, beside, limit } => {
                (FaultKind::TableLimit, wanted, beside, limit)
            }
        };
        // Without its mock it would have had enough.
        if *beside > 0 && wanted.saturating_sub(*beside) <= *limit {
            let message = format!("{reached}, and the mock has {beside} of it");
            return (FaultKind::Mock, message);
        }
        return (kind, reached.to_string());
    }
    let cause = error.root_cause().to_string();
    if error.is::<OutputLimitReached>() {
        return (FaultKind::OutputLimit, cause);
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => {
            (FaultKind::OutOfFuel, "its budget of instructions is used up".to_owned())
        }
        Some(Trap::StackOverflow) => {
            let message =
                format!("it nested its calls deeper than {} bytes of stack", limits.stack);
            (FaultKind::StackOverflow, message)
        }
        Some(trap) => (FaultKind::Trap, trap.to_string()),
        None if error.is::<ScriptedTrap>() => (FaultKind::Trap, cause),
        None if is_systems(error) => (FaultKind::System, cause),
        None => match error.downcast_ref::<I32Exit>() {
            Some(exit) => {
                (FaultKind::Exited, format!("it ended its process with status {}", exit.0))
            }
            None => engines_own(error, &cause, limits).unwrap_or((FaultKind::Trap, cause)),
        },
    }
}

/// Whether it was the operating system that failed, and nothing that guest code did: what WASI is refused
/// is told to the guest, and no error here. The engine's own crates have several types for it, and
/// all of them end in the same words.
pub fn is_systems(error: &wasmtime::Error) -> bool {
    let cause = error.root_cause();
    let said = cause.to_string();
    let number = said.strip_suffix(')').and_then(|text| text.rsplit_once(" (os error "));
    cause.is::<std::io::Error>() || number.is_some_and(|(_, number)| number.parse::<i32>().is_ok())
}

/// Limits that the engine holds for us have no types of their own: the words decide, and a fixture for
/// each notices when they change.
fn engines_own(
    error: &wasmtime::Error,
    cause: &str,
    limits: &Limits,
) -> Option<(FaultKind, String)> {
    if let Some(rest) = cause.strip_prefix("resource limit exceeded: ") {
        let what = match rest.split(' ').next() {
            Some("memory") => "memories",
            Some("table") => "tables",
            _ => "instances",
        };
        let message = format!("it consists of more than {} {what}", limits.instances);
        return Some((FaultKind::InstanceLimit, message));
    }
    let full = matches!(error.downcast_ref(), Some(ResourceTableError::Full));
    if full || cause.ends_with("store handle limit exceeded") {
        let message = format!("it held more than {} handles at a time", limits.handles);
        return Some((FaultKind::HandleLimit, message));
    }
    if error.is::<FieldMapError>() {
        let message = format!("it made more headers than a message may have: {cause}");
        return Some((FaultKind::Trap, message));
    }
    if cause.starts_with("too much data is being copied between the host and the guest") {
        let message = format!("it handed over more than {} bytes in one call", limits.transfer);
        return Some((FaultKind::TransferLimit, message));
    }
    None
}

/// The most that a fault says in one piece, in bytes: enough for people, and little beside what a
/// hostile plugin would have its host repeat.
const MAX_WORDS: usize = 4096;

/// The same fault in words of a bearable length.
pub fn shorten(mut fault: Fault) -> Fault {
    shorten_text(&mut fault.message);
    fault.notes.iter_mut().for_each(shorten_text);
    fault
}

fn shorten_text(text: &mut String) {
    if text.len() > MAX_WORDS {
        let whole = text.len();
        let mut end = MAX_WORDS;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push_str(&format!("... ({whole} bytes)"));
    }
}
