//! Bodies on their way: from the supervisor to a guest, and back.

use std::io::{self, Write};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use tokio::io::{AsyncRead, ReadBuf};
use wasmtime_wasi::cli::StdinStream;
use wasmtime_wasi_http::WasiBody;

use super::{Answer, Ended};
use crate::smoke::command::{Sink, Source};

/// How much is moved at a time.
const CHUNK: usize = 64 << 10;

/// The body of a request; nothing of it is read before the guest asks for it.
pub struct Incoming {
    from: Pin<Box<dyn AsyncRead + Send + Sync>>,
}

impl Incoming {
    pub fn new(from: Source) -> Incoming {
        Incoming { from: Box::into_pin(from.async_stream()) }
    }
}

impl Body for Incoming {
    type Data = Bytes;
    type Error = wasmtime_wasi_http::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let mut bytes = vec![0; CHUNK];
        let mut buffer = ReadBuf::new(&mut bytes);
        let read = ready!(self.from.as_mut().poll_read(context, &mut buffer));
        let size = buffer.filled().len();
        bytes.truncate(size);
        Poll::Ready(match read {
            Ok(()) if size == 0 => None,
            Ok(()) => Some(Ok(Frame::data(bytes.into()))),
            Err(_) => Some(Err(wasmtime_wasi_http::Error::ConnectionTerminated)),
        })
    }
}

/// Passes on an answer as it comes.
pub async fn pass_on(
    got: http::Response<WasiBody>,
    mut to: Sink,
    answer: &Answer,
) -> io::Result<Ended> {
    let (head, mut body) = got.into_parts();
    answer.begin(&head);
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => {
                if let Ok(bytes) = frame.into_data() {
                    answer.add(bytes.len());
                    to.write_all(&bytes)?;
                }
            }
            Err(error) => return Ok(Ended::Broken(error.to_string())),
        }
    }
    Ok(Ended::Whole)
}

/// Headers as text.
pub fn headers(map: &http::HeaderMap) -> Vec<(String, String)> {
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    map.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
}
