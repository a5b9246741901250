//! How far long work is, on standard error: one line that is written over where a person looks, and a
//! plain line for each step where a log is kept.

use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;

use crate::diagnostic::Verdict;
use crate::gate::Step;
use crate::render::clean;

/// Columns of the line on a terminal.
const WIDTH: usize = 78;

/// How far a gate is.
pub struct Progress {
    total: usize,
    kind: Kind,
    now: Mutex<Now>,
}

#[derive(Default)]
struct Now {
    /// How many have their verdict.
    done: usize,
    /// Ids of the plugins that are worked on.
    at: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Quiet,
    Terminal,
    Log,
}

impl Progress {
    /// Progress over so many plugins. A log gets lines only where there are many: for a handful the
    /// report is there soon enough.
    pub fn new(total: usize, quiet: bool) -> Progress {
        /// From how many plugins on a log has a line for each.
        const MANY: usize = 20;
        let kind = if quiet {
            Kind::Quiet
        } else if io::stderr().is_terminal() {
            Kind::Terminal
        } else if total >= MANY {
            Kind::Log
        } else {
            Kind::Quiet
        };
        Progress { total, kind, now: Mutex::default() }
    }

    /// Takes in a step.
    pub fn tell(&self, step: Step<'_>) {
        if self.kind == Kind::Quiet {
            return;
        }
        let Ok(mut now) = self.now.lock() else { return };
        match step {
            Step::Begun(plugin) => now.at.push(plugin.id.clone()),
            Step::Done(report, done) => {
                now.at.retain(|id| *id != report.id);
                now.done = done.max(now.done);
            }
        }
        match (self.kind, step) {
            (Kind::Terminal, _) => {
                let text = format!("[{}/{}] {}", now.done, self.total, clean(&now.at.join(", ")));
                let text: String = text.chars().take(WIDTH).collect();
                let _ = write!(io::stderr().lock(), "\r\x1b[2K{text}");
            }
            (Kind::Log, Step::Done(report, done)) => {
                let verdict = match report.verdict {
                    Verdict::Pass => "pass",
                    Verdict::Fail => "FAIL",
                    Verdict::Unjudged => "could not judge",
                    Verdict::Skipped => "skipped",
                };
                let id = clean(&report.id);
                let _ = writeln!(io::stderr().lock(), "[{done}/{}] {verdict} {id}", self.total);
            }
            _ => {}
        }
    }

    /// Takes the line away, before the report is written.
    pub fn clear(&self) {
        if self.kind == Kind::Terminal {
            let _ = write!(io::stderr().lock(), "\r\x1b[2K");
        }
    }
}
