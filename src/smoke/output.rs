//! Standard output and standard error of a guest: kept up to a limit, and a trap beyond it.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use thiserror::Error;
use tokio::io::AsyncWrite;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError};

/// The guest wrote more than it may.
#[derive(Debug, Error)]
#[error("the limit of its output is reached")]
pub struct OutputLimitReached;

/// One stream. Its copies are the same stream.
#[derive(Clone)]
pub struct Sink {
    name: &'static str,
    limit: usize,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    bytes: Vec<u8>,
    over: bool,
}

impl Sink {
    /// A stream of this name that takes so many bytes.
    pub fn new(name: &'static str, limit: usize) -> Sink {
        Sink { name, limit, kept: Arc::default() }
    }

    /// Its name, for people.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Bytes that were written, as far as they were kept.
    pub fn len(&self) -> u64 {
        self.kept().bytes.len() as u64
    }

    /// Whether more was written than may be.
    pub fn is_over(&self) -> bool {
        self.kept().over
    }

    /// What was written, as far as it was kept.
    pub fn bytes(&self) -> Vec<u8> {
        self.kept().bytes.clone()
    }

    /// What it begins with: enough to recognise it by.
    pub fn beginning(&self) -> String {
        const CHARACTERS: usize = 60;
        let kept = self.kept();
        let bytes = &kept.bytes[..kept.bytes.len().min(4 * CHARACTERS)];
        String::from_utf8_lossy(bytes).chars().take(CHARACTERS).collect()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Whoever panicked while he held it left plain bytes.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps what fits.
    fn take(&self, bytes: &[u8]) -> Result<(), OutputLimitReached> {
        let mut kept = self.kept();
        let fits = bytes.len().min(self.limit - kept.bytes.len());
        kept.bytes.extend_from_slice(&bytes[..fits]);
        kept.over |= fits < bytes.len();
        if kept.over { Err(OutputLimitReached) } else { Ok(()) }
    }
}

impl IsTerminal for Sink {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Sink {
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }

    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }
}

impl OutputStream for Sink {
    fn write(&mut self, bytes: Bytes) -> Result<(), StreamError> {
        self.take(&bytes).map_err(|error| StreamError::Trap(error.into()))
    }

    fn flush(&mut self) -> Result<(), StreamError> {
        Ok(())
    }

    fn check_write(&mut self) -> Result<usize, StreamError> {
        /// Bytes at a time.
        const PERMIT: usize = 64 << 10;
        Ok(PERMIT)
    }
}

#[async_trait]
impl Pollable for Sink {
    async fn ready(&mut self) {}
}

impl AsyncWrite for Sink {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(self.take(bytes).map(|()| bytes.len()).map_err(io::Error::other))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
