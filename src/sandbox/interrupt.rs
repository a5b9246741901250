//! Signals that ask this process to end. Who heeds them stops starting workers, kills those that run, and
//! says what is known; everything else ends as any program does, and its workers with it.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether this process has been asked to end. Signals are sent to a process and not to a piece of
/// work, so this is the one thing that all of it shares.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Whether this process has been asked to end.
pub fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}

/// Heeds requests to end from now on: an interrupt from the terminal, a request to terminate, a terminal
/// that goes away. Workers that run are killed at the first of them, and no more are started. `asked` is
/// called for each, with whether it is not the first, on a thread of its own.
///
/// What this process was told to ignore, as `nohup` does, stays ignored.
///
/// # Errors
///
/// Where the system does not let it.
pub fn heed_interrupts(mut asked: impl FnMut(bool) + Send + 'static) -> io::Result<()> {
    #[cfg(unix)]
    let ignored = unix::ignored();
    let heard = move || asked(INTERRUPTED.swap(true, Ordering::SeqCst));
    ctrlc::set_handler(heard).map_err(io::Error::other)?;
    #[cfg(unix)]
    unix::ignore(&ignored);
    Ok(())
}

#[cfg(unix)]
#[allow(unsafe_code, reason = "there is no safe function that ignores a signal")]
mod unix {
    use std::ffi::c_int;

    /// `SIGHUP`, `SIGINT` and `SIGTERM`, of POSIX.
    const ASKING: [c_int; 3] = [1, 2, 15];
    /// `SIG_IGN`.
    const IGNORE: usize = 1;

    unsafe extern "C" {
        /// Of the C library. Returns what was in force before.
        fn signal(signal: c_int, handler: usize) -> usize;
    }

    /// Which of the signals that ask to end are ignored.
    pub fn ignored() -> Vec<c_int> {
        let is_ignored = |number: &c_int| {
            // SAFETY: it is the system's own handler.
            let before = unsafe { signal(*number, IGNORE) };
            // SAFETY: it is the handler that was in force a moment ago.
            unsafe { signal(*number, before) };
            before == IGNORE
        };
        ASKING.into_iter().filter(is_ignored).collect()
    }

    /// Ignores these signals.
    pub fn ignore(signals: &[c_int]) {
        for number in signals {
            // SAFETY: the handler is the system's own.
            unsafe { signal(*number, IGNORE) };
        }
    }
}
