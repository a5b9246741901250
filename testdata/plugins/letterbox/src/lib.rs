//! A handler of HTTP requests, of WASI 0.3. What it does is in the path; most of it is what no handler should.
//!
//!   /hello          a greeting
//!   /echo           what it was sent, as it comes
//!   /fetch?URL      what it got from there, with the status of that
//!   /send?URL       the same, and passes on what it was sent
//!   /nap            an answer after an hour
//!
//!   /never          no answer, since it waits for itself
//!   /wait           no answer, and no end
//!   /trap           a trap, before there is an answer
//!   /refuse         an error instead of an answer
//!   /endless        a body without an end
//!   /stuck          a body whose end it does not find
//!   /headers?N      so many headers
//!   /trap-later     a trap, when half of the answer is sent
//!   /trap-last      a trap, when all of the answer is sent
//!   /short          less than it said

wit_bindgen::generate!({
    path: [
        "../../../wit/wasi-0.3/clocks.wit",
        "../../../wit/wasi-0.3/filesystem.wit",
        "../../../wit/wasi-0.3/random.wit",
        "../../../wit/wasi-0.3/sockets.wit",
        "../../../wit/wasi-0.3/cli.wit",
        "../../../wit/wasi-0.3/http.wit",
        "wit",
    ],
    world: "my:letterbox/handler",
    generate_all,
});

use exports::wasi::http::handler::Guest;
use wasi::clocks::monotonic_clock::wait_for;
use wasi::http::client;
use wasi::http::types::{ErrorCode, Fields, Method, Request, Response, Scheme};
use wit_bindgen::{StreamReader, StreamResult, StreamWriter, spawn_local};

struct Letterbox;

/// How much is moved at a time.
const CHUNK: usize = 64 << 10;

/// An answer with this body.
fn answer(status: u16, headers: &[(&str, &str)], body: Option<StreamReader<u8>>) -> Response {
    let entries: Vec<(String, Vec<u8>)> =
        headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    let fields = Fields::from_list(&entries).unwrap_or_else(|_| Fields::new());
    let (_, trailers) = wit_future::new(|| Ok(None));
    let (response, _) = Response::new(fields, body, trailers);
    let _ = response.set_status_code(status);
    response
}

/// An answer with this text.
fn say(status: u16, text: impl Into<Vec<u8>>) -> Response {
    let (mut to, body) = wit_stream::new();
    let text = text.into();
    spawn_local(async move {
        to.write_all(text).await;
    });
    answer(status, &[("content-type", "text/plain")], Some(body))
}

fn contents(request: Request) -> StreamReader<u8> {
    let (_, unread) = wit_future::new(|| Ok(()));
    Request::consume_body(request, unread).0
}

/// Everything that a stream has, as it comes.
async fn copy(mut from: StreamReader<u8>, mut to: StreamWriter<u8>) {
    let mut buffer = Vec::with_capacity(CHUNK);
    loop {
        buffer.clear();
        let (result, read) = from.read(buffer).await;
        let left = to.write_all(read).await;
        if !left.is_empty() || !matches!(result, StreamResult::Complete(_)) {
            return;
        }
        buffer = left;
    }
}

/// Asks another server; what went wrong is an answer too.
async fn fetch(url: &str, what: Option<Request>) -> Response {
    let (scheme, rest) = match url.split_once("://") {
        Some(("http", rest)) => (Scheme::Http, rest),
        Some(("https", rest)) => (Scheme::Https, rest),
        _ => return say(400, "that is no URL\n"),
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let fields = Fields::from_list(&[("x-from".into(), b"letterbox".to_vec())]);
    let (_, trailers) = wit_future::new(|| Ok(None));
    let method = if what.is_some() { Method::Post } else { Method::Get };
    let body = what.map(|what| {
        let (to, body) = wit_stream::new();
        spawn_local(copy(contents(what), to));
        body
    });
    let (request, _) = Request::new(fields.unwrap_or_else(|_| Fields::new()), body, trailers, None);
    let _ = request.set_method(&method);
    let _ = request.set_scheme(Some(&scheme));
    let _ = request.set_authority(Some(authority));
    let _ = request.set_path_with_query(Some(if path.is_empty() { "/" } else { path }));
    match client::send(request).await {
        Ok(got) => {
            let status = got.get_status_code();
            let kind = got.get_headers().get("content-type").into_iter().next().unwrap_or_default();
            let kind = String::from_utf8_lossy(&kind).into_owned();
            let kind: &[_] = if kind.is_empty() { &[] } else { &[("content-type", kind.as_str())] };
            let (_, unread) = wit_future::new(|| Ok(()));
            let (from, _) = Response::consume_body(got, unread);
            let (to, body) = wit_stream::new();
            spawn_local(copy(from, to));
            answer(status, kind, Some(body))
        }
        Err(error) => say(502, format!("{error:?}\n")),
    }
}

impl Guest for Letterbox {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let target = request.get_path_with_query().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        Ok(match path {
            "/hello" => say(200, "hello\n"),
            "/echo" => {
                let (to, body) = wit_stream::new();
                spawn_local(copy(contents(request), to));
                answer(200, &[], Some(body))
            }
            "/fetch" => fetch(query, None).await,
            "/send" => fetch(query, Some(request)).await,
            "/nap" => {
                wait_for(3_600_000_000_000).await;
                say(200, "good morning\n")
            }
            "/never" => {
                let (writer, mut reader) = wit_stream::new::<u8>();
                reader.next().await;
                drop(writer);
                say(200, "never\n")
            }
            "/wait" => loop {
                wait_for(u64::MAX / 4).await;
            },
            "/trap" => core::arch::wasm32::unreachable(),
            "/refuse" => return Err(ErrorCode::InternalError(Some("out of order".into()))),
            "/endless" => {
                let (mut to, body) = wit_stream::new();
                spawn_local(async move { while to.write_all(vec![b'x'; CHUNK]).await.is_empty() {} });
                answer(200, &[], Some(body))
            }
            "/stuck" => {
                let (mut to, body) = wit_stream::new();
                spawn_local(async move {
                    to.write_all(b"and then ".to_vec()).await;
                    let (writer, mut reader) = wit_stream::new::<u8>();
                    reader.next().await;
                    drop((writer, to));
                });
                answer(200, &[], Some(body))
            }
            "/headers" => {
                let count = query.parse().unwrap_or(100_000);
                let entries: Vec<(String, Vec<u8>)> =
                    (0..count).map(|n| (format!("x-{n}"), b"1".to_vec())).collect();
                let fields = match Fields::from_list(&entries) {
                    Ok(fields) => fields,
                    Err(error) => return Ok(say(500, format!("{error:?}\n"))),
                };
                let (_, trailers) = wit_future::new(|| Ok(None));
                Response::new(fields, None, trailers).0
            }
            "/trap-later" | "/trap-last" => {
                let (mut to, body) = wit_stream::new();
                let last = path == "/trap-last";
                spawn_local(async move {
                    to.write_all(b"it is all ".to_vec()).await;
                    if last {
                        drop(to);
                        wait_for(1).await;
                    }
                    core::arch::wasm32::unreachable();
                });
                answer(200, &[], Some(body))
            }
            "/short" => {
                let (mut to, body) = wit_stream::new();
                spawn_local(async move {
                    to.write_all(b"five\n".to_vec()).await;
                });
                answer(200, &[("content-length", "10")], Some(body))
            }
            _ => say(404, "there is nothing of that name\n"),
        })
    }
}

export!(Letterbox);
