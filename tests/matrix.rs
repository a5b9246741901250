//! One golden table: every plugin of the test data against every code, judged by the demo host. A
//! change of any verdict shows up here, wanted or not. `BLESS=1` rewrites it.

#![allow(clippy::expect_used, clippy::panic, reason = "a test says what it needs by failing")]

#[allow(dead_code)]
mod support;

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use plugtool::config::{self, Plugin};
use plugtool::diagnostic::Code;
use plugtool::judge::judge;
use support::process::{PLUGTOOL, options};
use support::{bless, plugins, root};

#[test]
fn every_fixture_against_every_code() {
    let host = config::load(&root().join("compositions/cli-host")).expect("the demo host");
    let options = options(PLUGTOOL);
    let reports: Vec<_> = plugins()
        .into_iter()
        .map(|(id, path)| {
            let path = path.to_string_lossy().into_owned();
            judge(&Plugin { id, path, enabled: true }, &host, &options)
        })
        .collect();

    let found: BTreeSet<Code> =
        reports.iter().flat_map(|report| &report.diagnostics).map(|d| d.code).collect();
    let mut table = String::from(
        "# Every plugin under testdata/plugins, judged by compositions/cli-host: its verdict, and how many\n\
         # findings it has of each code. Codes that no plugin has are left out.\n\n",
    );
    let mut columns = vec!["plugin".to_owned(), "verdict".to_owned()];
    columns.extend(found.iter().map(|code| code.name().to_owned()));
    let mut rows = vec![columns];
    for report in &reports {
        let verdict = format!("{:?}", report.verdict).to_lowercase();
        let mut row = vec![report.id.clone(), verdict];
        row.extend(found.iter().map(|code| {
            match report.diagnostics.iter().filter(|d| d.code == *code).count() {
                0 => ".".to_owned(),
                n => n.to_string(),
            }
        }));
        rows.push(row);
    }
    let width = |i: usize| rows.iter().map(|row| row[i].len()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..rows[0].len()).map(width).collect();
    for row in &rows {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        let _ = writeln!(table, "{}", cells.join("  ").trim_end());
    }
    golden(&root().join("testdata/matrix.txt"), &table);
}

fn golden(path: &Path, text: &str) {
    if bless() {
        fs::write(path, text).expect("the golden file");
        return;
    }
    let known = fs::read_to_string(path).unwrap_or_default();
    assert_eq!(known, text, "BLESS=1 rewrites {}", path.display());
}
