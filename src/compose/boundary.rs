//! The boundary that wac's panics stop at. It panics on some inputs; here that is an answer like any
//! other, and nothing to print a backtrace for.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    /// Whether a panic of this thread is awaited.
    static AWAITED: Cell<bool> = const { Cell::new(false) };
}

/// Puts itself before the hook that is there, once for the process.
static HOOK: Once = Once::new();

/// Does some work. Where it panics, what it says.
pub(super) fn contained<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if !AWAITED.get() {
                before(panic);
            }
        }));
    });
    let outer = AWAITED.replace(true);
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    AWAITED.set(outer);
    done.map_err(|panic| {
        let said = panic.downcast_ref::<String>().map(String::as_str);
        let said = said.or_else(|| panic.downcast_ref::<&str>().copied());
        // What follows the first line is the causes and the trace of a developer's error.
        let first = said.unwrap_or_default().lines().next().unwrap_or("no message");
        first.chars().take(300).collect()
    })
}
