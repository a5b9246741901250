//! NDJSON on standard output while plugins are judged: a line as soon as a plugin and all before it have
//! their verdicts, so that the order is that of the list whichever is done first.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

use super::{Failure, print};
use crate::config::Plugin;
use crate::gate::Step;
use crate::render::ndjson;

/// What has been written, and what waits.
pub(super) struct Stream<'a> {
    /// Where each plugin stands in the list, by its id.
    positions: HashMap<&'a str, usize>,
    now: Mutex<Now>,
}

#[derive(Default)]
struct Now {
    /// How many lines have been written.
    written: usize,
    /// Lines that wait for those before them.
    waiting: BTreeMap<usize, String>,
    failure: Option<Failure>,
}

impl<'a> Stream<'a> {
    pub(super) fn new(plugins: &'a [Plugin]) -> Stream<'a> {
        let ids = plugins.iter().enumerate().map(|(index, plugin)| (plugin.id.as_str(), index));
        Stream { positions: ids.collect(), now: Mutex::default() }
    }

    /// Takes in a step.
    pub(super) fn tell(&self, step: Step<'_>) {
        let Step::Done(report, _) = step else { return };
        let (Some(&index), Ok(mut now)) = (self.positions.get(report.id.as_str()), self.now.lock())
        else {
            return;
        };
        match ndjson::plugin(index + 1, report) {
            Ok(line) => now.waiting.insert(index, line),
            Err(error) => {
                now.failure = Some(Failure::internal(error));
                return;
            }
        };
        let mut lines = String::new();
        let mut next = now.written;
        while let Some(line) = now.waiting.remove(&next) {
            lines.push_str(&line);
            next += 1;
        }
        now.written = next;
        if let Err(failure) = print(&lines) {
            now.failure = Some(failure);
        }
    }

    /// How many lines have been written.
    ///
    /// # Errors
    ///
    /// What kept one from being written.
    pub(super) fn end(self) -> Result<usize, Failure> {
        match self.now.into_inner() {
            Ok(Now { failure: None, written, .. }) => Ok(written),
            Ok(Now { failure: Some(failure), .. }) => Err(failure),
            Err(_) => {
                Err(Failure::internal(anyhow::anyhow!("writing to standard output broke off")))
            }
        }
    }
}
