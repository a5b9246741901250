//! `plugtool worker`: the child's side of a job. Reads it from standard input, writes a line of
//! JSON for everything that happens.

use std::io::{self, Write};

use super::Failure;
use crate::sandbox;
use crate::smoke::{self, Event, Job};

pub(super) fn run() -> Result<u8, Failure> {
    let (header, body) = sandbox::receive(io::stdin().lock()).map_err(Failure::internal)?;
    let job: Job = serde_json::from_str(&header).map_err(|error| {
        Failure::usage(anyhow::Error::new(error).context("this command is for plugtool itself"))
    })?;
    let mut stdout = io::stdout().lock();
    let mut failed = None;
    smoke::run(&body, &job, &mut |event: Event| {
        let line = serde_json::to_string(&event).map_err(io::Error::other);
        let written =
            line.and_then(|line| writeln!(stdout, "{line}")).and_then(|()| stdout.flush());
        if let Err(error) = written {
            failed.get_or_insert(error);
        }
    });
    match failed {
        // Nobody is listening any more; the supervisor knows what it did.
        Some(error) => Err(Failure::internal(error)),
        None => Ok(0),
    }
}
