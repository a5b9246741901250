//! The worker's side: a handler is sent requests whose bodies lead to the supervisor.

use std::cell::Cell;

use serde::{Deserialize, Serialize};

use super::{Desk, Handler};
use crate::config::{HttpRequest, Limits, Outside};
use crate::smoke::command::{Sink, Source};
use crate::smoke::{Event, Fault, MAX_SAID, Origin, Streams, breach, cut, end, runtime};

/// What a worker is to do with one handler: send it some requests, each to a fresh instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpJob {
    /// The export that answers them, under its very name; the newest handler where it is left out.
    #[serde(default)]
    pub entry: Option<String>,
    /// The requests.
    pub visits: Vec<Visit>,
    /// What each of them may take.
    pub limits: Limits,
}

/// One request to a handler. Its body is not in here: it comes over the streams, as what is answered
/// goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visit {
    /// The request.
    pub request: HttpRequest,
    /// What answers the requests that the handler makes.
    pub outside: Outside,
    /// The lengths of the files that those answers are made of. The files themselves follow the
    /// component, visit by visit, in this order.
    pub files: Vec<usize>,
}

/// Does a job, and says what happens. Runs guest code in this process: call it in a worker.
///
/// `streams` gives those of each visit: the bodies of the request and of the answer. Time is virtual, as
/// it is for [`super::super::run`].
pub fn run_http(
    bytes: &[u8],
    job: &HttpJob,
    origin: Origin,
    streams: &mut dyn FnMut() -> Streams,
    emit: &mut dyn FnMut(Event),
) {
    let outcome = work(bytes, job, origin, streams, emit);
    end(outcome, emit);
}

fn work(
    bytes: &[u8],
    job: &HttpJob,
    origin: Origin,
    streams: &mut dyn FnMut() -> Streams,
    emit: &mut dyn FnMut(Event),
) -> Result<(), Fault> {
    let lengths: Vec<usize> = job.visits.iter().flat_map(|visit| &visit.files).copied().collect();
    let (component, mut files) = cut(bytes, &lengths)?;
    let handler = Handler::made(origin, component, job.entry.as_deref(), &job.limits)?;
    emit(Event::CompiledBy(handler.by));
    emit(Event::Compiled);
    let budget = Cell::new(MAX_SAID);
    for (index, visit) in job.visits.iter().enumerate() {
        let rest = files.split_off(visit.files.len().min(files.len()));
        // What the visit before was answered has arrived by then, before this one is told of.
        let streams = streams();
        emit(Event::Case { index });
        let desk = Desk::new(&visit.outside, &files);
        let request = Source::new(streams.stdin, false);
        let response = Sink::new(streams.stdout, false);
        let visit = handler.visit(visit, desk, (request, response), &budget, emit);
        let (used, ended) = runtime()?.block_on(visit);
        emit(Event::Used(used));
        emit(match ended {
            Ok(()) => Event::Passed { fuel: used.total_fuel, memory: used.memory },
            Err(fault) => Event::Failed(breach::shorten(fault)),
        });
        files = rest;
    }
    Ok(())
}
