//! Runs every case file under `testdata/`: one test each. `BLESS=1` rewrites what they expect.

#![allow(clippy::expect_used, clippy::panic, reason = "a test says what it needs by failing")]

#[allow(dead_code)]
mod support;

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use similar::TextDiff;
use support::{Case, bless, files_below, root};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let files = [files_below("testdata/cli", "case"), files_below("testdata/codes", "case")];
    // A gate sets this, so that a tool that is missing there cannot pass for a case that passed.
    let all_tools = std::env::var_os("PLUGTOOL_TEST_ALL").is_some();
    let trials = files.concat().into_iter().map(|path| {
        let name = path.strip_prefix(root().join("testdata")).expect("below testdata");
        let name = name.with_extension("").display().to_string();
        let text = fs::read_to_string(&path).expect("a case file");
        let case = Case::parse(&text).map_err(|error| format!("{}: {error}", path.display()));
        let missing = match &case {
            Ok(case) => case.missing_tools().join(", "),
            Err(_) => String::new(),
        };
        let ignored = !missing.is_empty() && !all_tools;
        Trial::test(name, move || check(&path, &text, case?)).with_ignored_flag(ignored)
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

fn check(path: &Path, text: &str, case: Case) -> Result<(), Failed> {
    let (after, complaints) = case.run();
    if let Some(complaint) = complaints.first() {
        return Err(complaint.into());
    }
    let after = after.text();
    if after == text {
        return Ok(());
    }
    if bless() {
        return fs::write(path, after).map_err(Failed::from);
    }
    let diff = TextDiff::from_lines(text, &after);
    let diff = diff.unified_diff().header("expected", "actual").to_string();
    Err(format!("{diff}\nBLESS=1 rewrites {}", path.display()).into())
}
