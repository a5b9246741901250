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
    let mut files: Vec<&str> = cases.iter().map(|case| case.file.as_str()).collect();
    files.dedup();
    let mut changed = Vec::new();
    for file in files {
        let of_file: Vec<&Case> = cases.iter().filter(|case| case.file == file).collect();
        let mut runs = Vec::new();
        for (id, reports) in ran {
            let its = cases.iter().filter(|case| case.is_for(id));
            for (case, report) in its.zip(*reports) {
                if let Some(index) = of_file.iter().position(|other| std::ptr::eq(*other, case)) {
                    runs.push((index, *id, report));
                }
            }
        }
        changed.extend(config::record(&of_file, &runs, engine)?);
    }
    for recorded in changed {
        for line in &recorded.left {
            let _ = writeln!(say, "not recorded: {}", clean(line));
        }
        write_whole(Path::new(&recorded.path), recorded.text.as_bytes())?;
        let n = recorded.expectations;
        let what = if n == 1 { "1 expectation".to_owned() } else { format!("{n} expectations") };
        let _ = writeln!(say, "recorded {what} in {}", clean(&recorded.path));
    }
    Ok(())
}
