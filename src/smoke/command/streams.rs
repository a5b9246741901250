//! Plain readers and writers as the streams of a guest. A guest that reads waits here, and so does
//! everything in its store: in WASI 0.2 there is nothing else in there that could go on, and in 0.3 what
//! could has had its turn before. Nothing is read before the guest asks for it.

use std::io::{self, ErrorKind, Read, Write};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use wasmtime_wasi::async_trait;
use wasmtime_wasi::cli::{IsTerminal, StdinStream, StdoutStream};
use wasmtime_wasi::p2::{InputStream, OutputStream, Pollable, StreamError, StreamResult};

use crate::smoke::output::OutputLimitReached;

/// The most bytes that one read or write moves.
const MAX_CHUNK: usize = 64 << 10;

/// A guest's standard input.
#[derive(Clone)]
pub struct Source {
    from: Arc<Mutex<dyn Read + Send>>,
    terminal: bool,
}

/// A guest's standard output or error.
#[derive(Clone)]
pub struct Sink {
    to: Arc<Mutex<dyn Write + Send>>,
    written: Arc<AtomicU64>,
    terminal: bool,
}

impl Source {
    /// Over this reader; `terminal` is what the guest is told of it.
    pub fn new(from: impl Read + Send + 'static, terminal: bool) -> Source {
        Source { from: Arc::new(Mutex::new(from)), terminal }
    }

    fn read_some(&self, into: &mut [u8]) -> io::Result<usize> {
        let mut from = self.from.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match from.read(into) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => break read,
            }
        }
    }
}

impl Sink {
    /// Over this writer; `terminal` is what the guest is told of it.
    pub fn new(to: impl Write + Send + 'static, terminal: bool) -> Sink {
        Sink { to: Arc::new(Mutex::new(to)), written: Arc::default(), terminal }
    }

    /// How many bytes were written, by all copies of it.
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, dyn Write + Send + 'static> {
        self.to.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a guest sees of an error: a closed stream where nobody reads any more. One that is told of a
/// limit could go on; that is a trap.
fn stream_error(error: io::Error) -> StreamError {
    if error.kind() == ErrorKind::BrokenPipe {
        return StreamError::Closed;
    }
    match error.downcast::<OutputLimitReached>() {
        Ok(limit) => StreamError::Trap(limit.into()),
        Err(error) => StreamError::LastOperationFailed(error.into()),
    }
}

impl InputStream for Source {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        if size == 0 {
            return Ok(Bytes::new());
        }
        let mut bytes = vec![0; size.min(MAX_CHUNK)];
        match self.read_some(&mut bytes).map_err(stream_error)? {
            0 => Err(StreamError::Closed),
            read => {
                bytes.truncate(read);
                Ok(Bytes::from(bytes))
            }
        }
    }
}

impl OutputStream for Sink {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.write_all(&bytes).map_err(stream_error)
    }

    fn flush(&mut self) -> StreamResult<()> {
        self.lock().flush().map_err(stream_error)
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(MAX_CHUNK)
    }
}

#[async_trait]
impl Pollable for Source {
    async fn ready(&mut self) {}
}

#[async_trait]
impl Pollable for Sink {
    async fn ready(&mut self) {}
}

/// A [`Source`] as WASI 0.3 reads it.
struct Turn {
    from: Source,
    /// Over when everybody else who could go on has done so: what a guest writes while it waits for its
    /// input, a question perhaps, is written before anybody waits here.
    others: Option<Pin<Box<dyn Future<Output = ()> + Send + Sync>>>,
}

impl AsyncRead for Turn {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let others = self.others.get_or_insert_with(|| Box::pin(tokio::task::yield_now()));
        ready!(others.as_mut().poll(context));
        self.others = None;
        let read = self.from.read_some(into.initialize_unfilled());
        Poll::Ready(read.map(|read| into.advance(read)))
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.lock().write(bytes)?;
        self.written.fetch_add(written as u64, Ordering::Relaxed);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.lock().flush()
    }
}

impl AsyncWrite for Sink {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Write::write(&mut *self, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.lock().flush())
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl StdinStream for Source {
    fn async_stream(&self) -> Box<dyn AsyncRead + Send + Sync> {
        Box::new(Turn { from: self.clone(), others: None })
    }

    fn p2_stream(&self) -> Box<dyn InputStream> {
        Box::new(self.clone())
    }
}

impl StdoutStream for Sink {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl IsTerminal for Source {
    fn is_terminal(&self) -> bool {
        self.terminal
    }
}

impl IsTerminal for Sink {
    fn is_terminal(&self) -> bool {
        self.terminal
    }
}
