//! What a guest wrote, kept up to a limit.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use thiserror::Error;

/// A guest wrote more than is kept of its output.
#[derive(Debug, Error)]
#[error("it wrote more than {limit} bytes to one stream")]
pub struct OutputLimitReached {
    limit: usize,
}

/// Keeps what is written, up to a limit. Its copies keep the same.
#[derive(Clone)]
pub struct Kept {
    limit: usize,
    so_far: Arc<Mutex<SoFar>>,
}

#[derive(Default)]
struct SoFar {
    bytes: Vec<u8>,
    /// Whether more was written.
    over: bool,
}

impl Kept {
    /// Nothing yet; so many bytes at most.
    pub fn new(limit: usize) -> Kept {
        Kept { limit, so_far: Arc::default() }
    }

    fn so_far(&self) -> MutexGuard<'_, SoFar> {
        // Whoever panicked while he held it left plain bytes.
        self.so_far.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why it is not all that was written; none where it is. A guest of WASI 0.3 was told of an error and
    /// may have gone on all the same.
    pub fn is_cut(&self) -> Option<OutputLimitReached> {
        self.so_far().over.then_some(OutputLimitReached { limit: self.limit })
    }

    /// How many bytes are kept.
    pub fn len(&self) -> u64 {
        self.so_far().bytes.len() as u64
    }

    /// What is kept.
    pub fn bytes(&self) -> Vec<u8> {
        self.so_far().bytes.clone()
    }

    /// What was written since the last time.
    pub fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.so_far().bytes)
    }

    /// What it begins with: enough to recognise it by.
    pub fn beginning(&self) -> String {
        const CHARACTERS: usize = 60;
        let kept = self.so_far();
        let bytes = &kept.bytes[..kept.bytes.len().min(4 * CHARACTERS)];
        String::from_utf8_lossy(bytes).chars().take(CHARACTERS).collect()
    }
}

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut kept = self.so_far();
        let room = self.limit.saturating_sub(kept.bytes.len());
        if room < bytes.len() {
            kept.bytes.extend_from_slice(&bytes[..room]);
            kept.over = true;
            return Err(io::Error::other(OutputLimitReached { limit: self.limit }));
        }
        kept.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
