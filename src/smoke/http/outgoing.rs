//! Requests that a guest makes: answered by rules, or refused. Nothing ever leaves this process, which has
//! no HTTP client in it and may not open a socket.

use std::cell::Cell;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use super::body::headers;
use crate::config::{HttpFailure, HttpReply, HttpRule, Outside};
use crate::diagnostic::HttpExchange;
use crate::smoke::{Event, Fault, FaultKind, spend};

/// Exchanges that are told; what is more is counted.
const MAX_TOLD: usize = 1000;

/// The most that is told of the head of a request, in bytes.
const MAX_HEAD: usize = 16 << 10;

/// How much a guest writes at a time, in bytes.
const CHUNK: usize = 64 << 10;

/// Where requests arrive. Its copies are the same desk.
#[derive(Clone, Default)]
pub struct Desk(Arc<Mutex<Inside>>);

#[derive(Default)]
struct Inside {
    outside: Outside,
    /// The bodies of the rules' answers.
    bodies: Vec<Bytes>,
    /// How often each rule has answered.
    used: Vec<u64>,
    told: Vec<HttpExchange>,
    /// How many exchanges were handed over before the first of these.
    handed: usize,
    left_out: u64,
    /// The first request that no rule answered.
    unscripted: Option<Fault>,
}

/// What becomes of a request.
enum Decision {
    Refuse,
    Unscripted,
    Answer(HttpReply),
}

impl Desk {
    /// With these rules; `files` are the bodies that they name.
    pub fn new(outside: &Outside, files: &[&[u8]]) -> Desk {
        Desk(Arc::new(Mutex::new(Inside {
            outside: outside.clone(),
            bodies: files.iter().map(|file| Bytes::copy_from_slice(file)).collect(),
            used: vec![0; outside.rules.len()],
            ..Inside::default()
        })))
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        // Whoever panicked while he held it left plain data.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request that was made, and that nobody answers for.
    pub fn unscripted(&self) -> Option<Fault> {
        self.lock().unscripted.clone()
    }

    /// A rule that did not answer as often as it must.
    pub fn missing(&self) -> Option<Fault> {
        let inside = self.lock();
        let rules = inside.outside.rules.iter().zip(&inside.used);
        let lacking = rules.filter_map(|(rule, used)| {
            let times = rule.times.filter(|times| used < times)?;
            let method = rule.method.as_deref().unwrap_or("any method");
            Some(format!("{}: {method} {}, {used} of {times} times", rule.place, rule.url))
        });
        let notes: Vec<String> = lacking.collect();
        (!notes.is_empty()).then(|| Fault {
            kind: FaultKind::NotAsked,
            message: "it did not make the requests that the case demands".to_owned(),
            notes,
        })
    }

    /// Says what was asked since the last time, as far as the budget goes: what it does not take is counted,
    /// and so is all that comes behind it.
    pub fn tell(&self, budget: &Cell<usize>, emit: &mut dyn FnMut(Event)) {
        let mut inside = self.lock();
        inside.handed += inside.told.len();
        let mut left_out = std::mem::take(&mut inside.left_out);
        for exchange in inside.told.drain(..) {
            if spend(budget, &exchange) {
                emit(Event::Asked(exchange));
            } else {
                left_out += 1;
            }
        }
        if left_out > 0 {
            emit(Event::AskedMore(left_out));
        }
    }

    /// What was sent and is not told yet, and how many requests more.
    pub fn sent(&self) -> (Vec<HttpExchange>, u64) {
        let inside = self.lock();
        (inside.told.clone(), inside.left_out)
    }

    /// Completes an exchange that was not handed over yet.
    fn note(&self, index: Option<usize>, note: impl FnOnce(&mut HttpExchange)) {
        let mut inside = self.lock();
        let index = index.and_then(|index| index.checked_sub(inside.handed));
        if let Some(exchange) = index.and_then(|index| inside.told.get_mut(index)) {
            note(exchange);
        }
    }
}

impl Inside {
    fn decide(&mut self, request: &http::Request<WasiBody>) -> (Decision, Option<usize>) {
        let (method, uri) = (request.method().as_str(), request.uri());
        let url = shown(uri);
        let https = uri.scheme_str() == Some("https");
        let mut exchange = HttpExchange {
            method: shorten(method),
            url: shorten(&url),
            headers: told_headers(request.headers()),
            ..HttpExchange::default()
        };
        let allowed = self.outside.allows(https, uri.host().unwrap_or_default(), uri.port_u16());
        let decision = if allowed {
            let open = |(rule, used): (&HttpRule, &u64)| {
                rule.times.is_none_or(|times| *used < times) && rule.is_for(method, &url)
            };
            match self.outside.rules.iter().zip(&self.used).position(open) {
                Some(index) => {
                    self.used[index] += 1;
                    let rule = &self.outside.rules[index];
                    exchange.rule = Some(rule.place.clone());
                    Decision::Answer(rule.reply.clone())
                }
                None => {
                    exchange.error = Some("no rule answers it".to_owned());
                    let fault = self.nobody(method, &url);
                    self.unscripted.get_or_insert(fault);
                    Decision::Unscripted
                }
            }
        } else {
            exchange.refused = true;
            exchange.error = Some("HTTP-request-denied".to_owned());
            Decision::Refuse
        };
        if self.handed + self.told.len() >= MAX_TOLD {
            self.left_out += 1;
            return (decision, None);
        }
        self.told.push(exchange);
        (decision, Some(self.handed + self.told.len() - 1))
    }

    /// No rule answers, although one might be meant to.
    fn nobody(&self, method: &str, url: &str) -> Fault {
        let mut notes = Vec::new();
        for (rule, used) in self.outside.rules.iter().zip(&self.used) {
            if rule.is_for(method, url) {
                notes.push(format!(
                    "{}: that rule has answered {used} times, and no more",
                    rule.place
                ));
            } else if rule.is_for(rule.method.as_deref().unwrap_or_default(), url) {
                let own = rule.method.as_deref().unwrap_or_default();
                notes.push(format!("{}: that rule answers {own}", rule.place));
            }
        }
        Fault {
            kind: FaultKind::HostCall,
            message: format!("it sent {} {}, which no rule answers", shorten(method), shorten(url)),
            notes,
        }
    }
}

/// A URL as rules and reports have it: without who is asking, in lower case where that means nothing.
fn shown(uri: &http::Uri) -> String {
    let scheme = uri.scheme_str().unwrap_or("https");
    let host = uri.host().unwrap_or_default().to_ascii_lowercase();
    let port = uri.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    format!("{scheme}://{host}{port}{path}")
}

fn shorten(text: &str) -> String {
    const MOST: usize = 2048;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

fn told_headers(map: &http::HeaderMap) -> Vec<(String, String)> {
    let mut room = MAX_HEAD;
    let mut told = headers(map);
    let fits = told.iter().take_while(|(name, value)| {
        let size = name.len() + value.len();
        let fits = size <= room;
        room = room.saturating_sub(size);
        fits
    });
    let fits = fits.count();
    told.truncate(fits);
    told
}

type Io = Box<dyn Future<Output = Result<(), Error>> + Send>;

impl WasiHttpHooks for Desk {
    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        _: Option<RequestOptions>,
        _: Io,
    ) -> Box<dyn Future<Output = Result<(http::Response<WasiBody>, Io), Error>> + Send> {
        let (decision, index) = self.lock().decide(&request);
        let desk = self.clone();
        Box::new(async move {
            let reply = match decision {
                Decision::Refuse => return Err(Error::HttpRequestDenied),
                Decision::Unscripted => {
                    return Err(Error::InternalError(Some("no rule answers it".to_owned())));
                }
                Decision::Answer(reply) => reply,
            };
            let size = drain(request.into_body()).await.inspect_err(|error| {
                desk.note(index, |told| told.error = Some(error.to_string()));
            })?;
            match reply {
                HttpReply::Failure(failure) => {
                    let error = error_of(failure);
                    desk.note(index, |told| {
                        told.body_size = Some(size);
                        told.error = Some(error.to_string());
                    });
                    Err(error)
                }
                HttpReply::Response { status, headers, body } => {
                    desk.note(index, |told| {
                        told.body_size = Some(size);
                        told.status = Some(status);
                    });
                    let body = body.and_then(|file| desk.lock().bodies.get(file).cloned());
                    let body = Full::new(body.unwrap_or_default());
                    let mut response = http::Response::builder().status(status);
                    for (name, value) in headers {
                        response = response.header(name, value);
                    }
                    let response = response
                        .body(body.map_err(|never| match never {}).boxed_unsync())
                        .map_err(|error| Error::InternalError(Some(error.to_string())))?;
                    let io: Io = Box::new(async { Ok(()) });
                    Ok((response, io))
                }
            }
        })
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        CHUNK
    }

    fn p3_outgoing_body_chunk_size(&mut self) -> usize {
        CHUNK
    }
}

/// Reads a body to its end; returns how long it was.
async fn drain(mut body: WasiBody) -> Result<u64, Error> {
    let mut size = 0;
    while let Some(frame) = body.frame().await {
        if let Ok(bytes) = frame?.into_data() {
            size += bytes.len() as u64;
        }
    }
    Ok(size)
}

fn error_of(failure: HttpFailure) -> Error {
    match failure {
        HttpFailure::DnsTimeout => Error::DnsTimeout,
        HttpFailure::DestinationNotFound => Error::DestinationNotFound,
        HttpFailure::DestinationUnavailable => Error::DestinationUnavailable,
        HttpFailure::ConnectionRefused => Error::ConnectionRefused,
        HttpFailure::ConnectionTerminated => Error::ConnectionTerminated,
        HttpFailure::ConnectionTimeout => Error::ConnectionTimeout,
        HttpFailure::ConnectionReadTimeout => Error::ConnectionReadTimeout,
        HttpFailure::TlsProtocolError => Error::TlsProtocolError,
        HttpFailure::TlsCertificateError => Error::TlsCertificateError,
        HttpFailure::HttpResponseIncomplete => Error::HttpResponseIncomplete,
        HttpFailure::HttpResponseTimeout => Error::HttpResponseTimeout,
        HttpFailure::HttpProtocolError => Error::HttpProtocolError,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(header: usize) -> http::Request<WasiBody> {
        let body = Full::new(Bytes::new()).map_err(|never| match never {}).boxed_unsync();
        let request =
            http::Request::get("https://example.com/").header("x-long", "x".repeat(header));
        request.body(body).expect("a request")
    }

    fn told(desk: &Desk, budget: &Cell<usize>) -> (usize, u64) {
        let (mut told, mut more) = (0, 0);
        desk.tell(budget, &mut |event| match event {
            Event::Asked(_) => told += 1,
            Event::AskedMore(count) => more += count,
            event => panic!("{event:?}"),
        });
        (told, more)
    }

    /// What cases tell of their requests comes out of what the whole job may say.
    #[test]
    fn requests_are_told_as_far_as_the_budget_goes() {
        let budget = Cell::new(50_000);
        let desk = Desk::default();
        // The last is small enough, but what is told has no gaps.
        for header in [10_000, 10_000, 10_000, 15_000, 15_000, 10] {
            desk.lock().decide(&request(header));
        }
        assert_eq!(told(&desk, &budget), (4, 2));
        let next = Desk::default();
        next.lock().decide(&request(10));
        assert_eq!(told(&next, &budget), (0, 1));
    }
}
