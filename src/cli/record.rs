//! `--record`, of `gate` and of `run`.

use std::io::Write;
use std::path::Path;

use super::{Failure, write_whole};
use crate::config::{self, Case};
use crate::diagnostic::CaseReport;
use crate::render::clean;

/// Writes what cases came to into the smoke files that they are from, and says so. `ran` has every plugin
/// that passed, by its id, with what came of those `cases` that are for it, in their order. `engine` counted
/// the fuel.
pub(super) fn record(
    cases: &[Case],
    ran: &[(&str, &[CaseReport])],
    engine: &str,
) -> Result<(), Failure> {
    let mut say = anstream::stderr();
    for recorded in config::record(cases, ran, engine)? {
        for line in &recorded.left {
            let _ = writeln!(say, "not recorded: {}", clean(line));
        }
        for line in &recorded.traps {
            let _ = writeln!(say, "recorded as a trap: {}", clean(line));
        }
        for (path, bytes) in &recorded.files {
            write_whole(path, bytes)?;
            let _ = writeln!(say, "wrote {}", clean(&path.display().to_string()));
        }
        write_whole(Path::new(&recorded.path), recorded.text.as_bytes())?;
        let n = recorded.expectations;
        let what = if n == 1 { "1 expectation".to_owned() } else { format!("{n} expectations") };
        let _ = writeln!(say, "recorded {what} in {}", clean(&recorded.path));
    }
    Ok(())
}
