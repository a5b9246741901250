//! A handler of HTTP requests, of WASI 0.2, and a function that makes one. What it does is in the path; most of it is what no handler should.
//!
//!   /hello          a greeting
//!   /echo           what it was sent, as it comes
//!   /request        the request, in words
//!   /status?CODE    an answer with this status, and no body
//!   /fetch?URL      what it got from there, with the status of that
//!   /send?URL       the same, and passes on what it was sent
//!
//!   /silent         no answer
//!   /wait           no answer, and no end
//!   /spin           no answer, and no rest
//!   /trap           a trap, before there is an answer
//!   /refuse         an error instead of an answer
//!   /endless        a body without an end
//!   /headers?N      so many headers
//!   /trap-later     a trap, when half of the answer is sent
//!   /short          less than it said
//!   /broken         a body that is never finished
//!   /chatter        a lot to standard output

wit_bindgen::generate!({
    path: [
        "../../../wit/wasi-0.2/io.wit",
        "../../../wit/wasi-0.2/clocks.wit",
        "../../../wit/wasi-0.2/random.wit",
        "../../../wit/wasi-0.2/filesystem.wit",
        "../../../wit/wasi-0.2/sockets.wit",
        "../../../wit/wasi-0.2/cli.wit",
        "../../../wit/wasi-0.2/http.wit",
        "wit",
    ],
    world: "my:postbox/handler",
    generate_all,
});

use exports::wasi::http::incoming_handler::Guest as Handler;
use wasi::cli::stdout::get_stdout;
use wasi::clocks::monotonic_clock::subscribe_duration;
use wasi::http::outgoing_handler;
use wasi::http::types::{
    ErrorCode, Fields, IncomingBody, IncomingRequest, Method, OutgoingBody, OutgoingRequest,
    OutgoingResponse, ResponseOutparam, Scheme,
};
use wasi::io::streams::{OutputStream, StreamError};

struct Postbox;

/// How much is moved at a time.
const CHUNK: u64 = 64 << 10;

fn method(method: &Method) -> &str {
    match method {
        Method::Get => "GET",
        Method::Head => "HEAD",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Delete => "DELETE",
        Method::Connect => "CONNECT",
        Method::Options => "OPTIONS",
        Method::Trace => "TRACE",
        Method::Patch => "PATCH",
        Method::Other(name) => name,
    }
}

fn response(status: u16, headers: &[(&str, &str)]) -> OutgoingResponse {
    let entries: Vec<(String, Vec<u8>)> =
        headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    let response = OutgoingResponse::new(Fields::from_list(&entries).unwrap_or_else(|_| Fields::new()));
    let _ = response.set_status_code(status);
    response
}

/// Sends the head of an answer; returns where its body goes.
fn begin(response: OutgoingResponse, out: ResponseOutparam) -> Option<OutgoingBody> {
    let body = response.body().ok();
    ResponseOutparam::set(out, Ok(response));
    body
}

fn write(to: &OutputStream, mut bytes: &[u8]) -> bool {
    while !bytes.is_empty() {
        let now = bytes.len().min(4096);
        if to.blocking_write_and_flush(&bytes[..now]).is_err() {
            return false;
        }
        bytes = &bytes[now..];
    }
    true
}

fn finish(body: OutgoingBody) {
    let _ = OutgoingBody::finish(body, None);
}

fn answer(status: u16, headers: &[(&str, &str)], text: &[u8], out: ResponseOutparam) {
    if let Some(body) = begin(response(status, headers), out) {
        if let Ok(to) = body.write() {
            write(&to, text);
        }
        finish(body);
    }
}

/// Everything that comes, into there.
fn copy(from: &IncomingBody, to: &OutgoingBody) {
    let (Ok(from), Ok(to)) = (from.stream(), to.write()) else { return };
    loop {
        match from.blocking_read(CHUNK) {
            Ok(bytes) if !write(&to, &bytes) => return,
            Ok(_) => {}
            Err(StreamError::Closed | StreamError::LastOperationFailed(_)) => return,
        }
    }
}

fn describe(request: &IncomingRequest) -> String {
    let mut lines = vec![
        format!("{} {}", method(&request.method()), request.path_with_query().unwrap_or_default()),
        format!("authority: {}", request.authority().unwrap_or_default()),
    ];
    lines.push(match request.scheme() {
        Some(Scheme::Http) => "scheme: http".to_owned(),
        Some(Scheme::Https) => "scheme: https".to_owned(),
        _ => "scheme: another".to_owned(),
    });
    let mut headers: Vec<String> = request.headers().entries().into_iter()
        .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(&value)))
        .collect();
    headers.sort();
    lines.extend(headers);
    lines.join("\n") + "\n"
}

/// A request to another server, and its body.
fn request(url: &str, method: Method) -> Option<(OutgoingRequest, OutgoingBody)> {
    let (scheme, rest) = match url.split_once("://") {
        Some(("http", rest)) => (Scheme::Http, rest),
        Some(("https", rest)) => (Scheme::Https, rest),
        _ => return None,
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let request = OutgoingRequest::new(
        Fields::from_list(&[("x-from".into(), b"postbox".to_vec())]).unwrap_or_else(|_| Fields::new()),
    );
    let _ = request.set_scheme(Some(&scheme));
    let _ = request.set_authority(Some(authority));
    let _ = request.set_path_with_query(Some(if path.is_empty() { "/" } else { path }));
    let _ = request.set_method(&method);
    let body = request.body().ok()?;
    Some((request, body))
}

/// Asks another server; what went wrong is an answer too.
fn fetch(url: &str, what: Option<&IncomingRequest>, out: ResponseOutparam) {
    let method = if what.is_some() { Method::Post } else { Method::Get };
    let Some((request, body)) = request(url, method) else {
        return answer(400, &[], b"that is no URL\n", out);
    };
    let failed = |error: ErrorCode| format!("{error:?}\n").into_bytes();
    let future = match outgoing_handler::handle(request, None) {
        Ok(future) => future,
        Err(error) => return answer(502, &[], &failed(error), out),
    };
    if let Some(what) = what.and_then(|what| what.consume().ok()) {
        copy(&what, &body);
    }
    finish(body);
    future.subscribe().block();
    match future.get() {
        Some(Ok(Ok(got))) => {
            let kind = got.headers().get("content-type").into_iter().next().unwrap_or_default();
            let kind = String::from_utf8_lossy(&kind).into_owned();
            let kind: &[_] = if kind.is_empty() { &[] } else { &[("content-type", kind.as_str())] };
            if let (Some(to), Ok(from)) = (begin(response(got.status(), kind), out), got.consume()) {
                copy(&from, &to);
                finish(to);
            }
        }
        Some(Ok(Err(error))) => answer(502, &[], &failed(error), out),
        _ => answer(502, &[], b"no answer\n", out),
    }
}

impl Guest for Postbox {
    fn ask(url: String) -> Result<u16, String> {
        let (request, body) = request(&url, Method::Get).ok_or("that is no URL")?;
        let future = outgoing_handler::handle(request, None).map_err(|error| format!("{error:?}"))?;
        finish(body);
        future.subscribe().block();
        match future.get() {
            Some(Ok(Ok(got))) => Ok(got.status()),
            Some(Ok(Err(error))) => Err(format!("{error:?}")),
            _ => Err("no answer".to_owned()),
        }
    }
}

impl Handler for Postbox {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let target = request.path_with_query().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        match path {
            "/hello" => answer(200, &[("content-type", "text/plain")], b"hello\n", out),
            "/echo" => {
                let (Ok(from), Some(to)) = (request.consume(), begin(response(200, &[]), out)) else {
                    return;
                };
                copy(&from, &to);
                finish(to);
            }
            "/request" => answer(200, &[], describe(&request).as_bytes(), out),
            "/status" => answer(query.parse().unwrap_or(500), &[], b"", out),
            "/fetch" => fetch(query, None, out),
            "/send" => fetch(query, Some(&request), out),
            "/silent" => {}
            "/wait" => loop {
                subscribe_duration(u64::MAX / 4).block();
            },
            "/spin" => loop {
                core::hint::black_box(());
            },
            "/trap" => core::arch::wasm32::unreachable(),
            "/refuse" => {
                ResponseOutparam::set(out, Err(ErrorCode::InternalError(Some("out of order".into()))));
            }
            "/endless" => {
                if let Some(body) = begin(response(200, &[]), out) {
                    if let Ok(to) = body.write() {
                        while write(&to, &[b'x'; 4096]) {}
                    }
                    finish(body);
                }
            }
            "/headers" => {
                let fields = Fields::new();
                for n in 0..query.parse().unwrap_or(100_000) {
                    if fields.append(&format!("x-{n}"), b"1").is_err() {
                        break;
                    }
                }
                let response = OutgoingResponse::new(fields);
                if let Some(body) = begin(response, out) {
                    finish(body);
                }
            }
            "/trap-later" => {
                if let Some(body) = begin(response(200, &[("content-type", "text/plain")]), out) {
                    if let Ok(to) = body.write() {
                        write(&to, b"it is all ");
                    }
                    core::arch::wasm32::unreachable();
                }
            }
            "/short" => {
                if let Some(body) = begin(response(200, &[("content-length", "10")]), out) {
                    if let Ok(to) = body.write() {
                        write(&to, b"five\n");
                    }
                    finish(body);
                }
            }
            "/broken" => {
                if let Some(body) = begin(response(200, &[]), out)
                    && let Ok(to) = body.write()
                {
                    write(&to, b"five\n");
                }
            }
            "/chatter" => {
                let to = get_stdout();
                for _ in 0..32 {
                    write(&to, &[b'.'; 4096]);
                }
                answer(200, &[], b"", out);
            }
            _ => answer(404, &[("content-type", "text/plain")], b"there is nothing of that name\n", out),
        }
    }
}

export!(Postbox);
