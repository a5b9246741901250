//! `plugtool worker`: the child's side of a job. Confines itself before anything else, reads the job
//! from standard input, writes a line of JSON for everything that happens.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;

use super::Failure;
use crate::sandbox::{self, Errand};
use crate::smoke::{self, Event, Job};

/// Do one job from standard input; started by plugtool itself
#[derive(Args)]
pub struct Worker {
    /// Instead of a job, try everything that a worker must not be able to do
    #[arg(long)]
    probe: bool,
}

impl Worker {
    pub(super) fn run(self) -> Result<u8, Failure> {
        let mut stdout = io::stdout().lock();
        let errand = sandbox::enter(io::stdin().lock(), &mut stdout).map_err(|error| {
            Failure::usage(anyhow::Error::new(error).context("this command is for plugtool itself"))
        })?;
        let Some(errand) = errand else { return Ok(0) };
        let done = match self.probe {
            true => probe(&errand, &mut stdout),
            false => work(&errand, &mut stdout),
        };
        // Where nobody is listening any more, the supervisor knows what it did.
        done.map(|()| 0).map_err(Failure::internal)
    }
}

fn work(errand: &Errand, stdout: &mut impl Write) -> io::Result<()> {
    let job: Job = serde_json::from_str(&errand.header)?;
    let mut failed = Ok(());
    smoke::run(&errand.body, &job, &mut |event: Event| {
        if failed.is_ok() {
            failed = say(&event, stdout);
        }
    });
    failed
}

/// The header is a list of folders to try.
fn probe(errand: &Errand, stdout: &mut impl Write) -> io::Result<()> {
    let paths: Vec<PathBuf> = serde_json::from_str(&errand.header)?;
    for attempt in sandbox::probe(&paths) {
        say(&attempt, stdout)?;
    }
    Ok(())
}

fn say(what: &impl serde::Serialize, stdout: &mut impl Write) -> io::Result<()> {
    writeln!(stdout, "{}", serde_json::to_string(what)?)?;
    stdout.flush()
}
