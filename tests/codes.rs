//! Every diagnostic code has its page and its cases: a hit that shows it, and a near miss that is as
//! like the hit as can be and is not one.

#![allow(clippy::expect_used, clippy::panic, reason = "a test says what it needs by failing")]

#[allow(dead_code)]
mod support;

use std::fs;

use plugtool::diagnostic::Code;
use support::{Case, files_below, root};

#[test]
fn every_code_has_a_page_with_the_same_parts() {
    for code in Code::ALL {
        let page = code.explanation();
        let mut lines = page.lines();
        assert_eq!(lines.next(), Some(format!("# {code}").as_str()), "{code}: the first line");
        let headings: Vec<&str> = page.lines().filter(|line| line.starts_with("## ")).collect();
        let parts = ["## What it means", "## Why it matters", "## How to fix it", "## Example"];
        assert_eq!(headings, parts, "{code}: the headings");
        for line in page.lines() {
            assert!(line.chars().count() <= 100, "{code}: a line is too long: {line}");
        }
    }
}

#[test]
fn every_code_has_a_hit_and_a_near_miss() {
    for code in Code::ALL {
        let folder = format!("testdata/codes/{code}");
        assert!(root().join(&folder).is_dir(), "{folder} is missing");
        let (mut hits, mut misses) = (0, 0);
        for path in files_below(&folder, "case") {
            let text = fs::read_to_string(&path).expect("a case");
            let case = Case::parse(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            let said = case.commands().any(|(_, outcome)| {
                let label = format!("[{code}]");
                outcome.stdout.contains(&label) || outcome.stderr.contains(&label)
            });
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            if name.starts_with("hit") {
                assert!(said, "{}: the code is not in what it expects", path.display());
                hits += 1;
            } else {
                assert!(name.starts_with("near-miss"), "{}: neither", path.display());
                assert!(!said, "{}: the code is in what it expects", path.display());
                misses += 1;
            }
        }
        assert!(hits > 0, "{folder} has no hit*.case");
        assert!(misses > 0, "{folder} has no near-miss*.case");
    }
}

#[test]
fn every_folder_of_cases_is_of_a_code() {
    for entry in fs::read_dir(root().join("testdata/codes")).expect("the folder") {
        let name = entry.expect("an entry").file_name().to_string_lossy().into_owned();
        assert!(Code::from_name(&name).is_some(), "testdata/codes/{name}: there is no such code");
    }
}
