//! The cache of verdicts around a gate: opened before, closed after, and what was odd about it told.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use super::Common;
use crate::config::Host;
use crate::judge::cache::{Cache, fingerprint};
use crate::render::clean;

/// A cache that is being opened.
pub(super) struct Opening {
    folder: PathBuf,
    /// Digesting the program takes about as long as reading the host.
    program: JoinHandle<io::Result<String>>,
}

/// Begins to open the cache of a folder, for the program that workers are started from.
pub(super) fn begin(folder: Option<PathBuf>, worker: &Path) -> Option<Opening> {
    let worker = worker.to_owned();
    let program = || thread::spawn(move || fingerprint(&worker));
    folder.map(|folder| Opening { folder: folder.join("verdicts"), program: program() })
}

impl Opening {
    /// The cache. Where it cannot be used, everything is found out anew, and standard error says why.
    pub(super) fn open(self, host: &Host, common: &Common) -> Option<Arc<Cache>> {
        let digest = match self.program.join() {
            Ok(digest) => digest.map_err(|error| format!("the program cannot be read: {error}")),
            Err(_) => Err("the program's digest was not worked out".to_owned()),
        };
        match digest.and_then(|digest| Cache::open(&self.folder, digest, host)) {
            Ok(cache) => Some(Arc::new(cache)),
            Err(why) => {
                warn(common, &format!("{} is not used: {why}", self.folder.display()));
                None
            }
        }
    }
}

/// Makes room in a cache, and says what was odd about it: none of it changes a verdict.
pub(super) fn close(cache: &Cache, common: &Common) {
    let odd = cache.close();
    if let Some(why) = odd.unwritable {
        warn(common, &format!("it cannot be written to: {why}"));
    }
    for entry in odd.broken.iter().filter(|_| common.verbose) {
        warn(common, &format!("found out anew: {entry}"));
    }
}

fn warn(common: &Common, text: &str) {
    if !common.quiet {
        let _ = writeln!(anstream::stderr(), "cache: {}", clean(text));
    }
}
