//! What `run` says, for people.

use super::clean;
use super::text::{
    BAD, BOLD, DIM, Detail, GOOD, calls_made, cases_passed, count, diagnostic, distances, limits,
    line, sandbox, size, targets, thousands, wrapped,
};
use crate::diagnostic::{CaseReport, RunReport};

/// What calls returned.
pub fn calls(report: &RunReport, detail: Detail) -> String {
    let mut out = String::new();
    for value in &report.values {
        line(&mut out, clean(value));
    }
    if let (Detail::Verbose, Some(fuel), Some(memory)) = (detail, report.fuel, report.memory) {
        line(&mut out, format!("{DIM}{} fuel, {} of memory{DIM:#}", thousands(fuel), size(memory)));
    }
    if detail == Detail::Verbose {
        fitted(&mut out, report);
        limits(&mut out, &report.limits, report.compiler, 0);
    }
    sandbox(&mut out, report.sandbox.as_ref(), detail);
    out
}

/// Why calls were not made on what a host would run.
pub fn unfit(report: &RunReport) -> String {
    let mut out = String::new();
    if let Some(failure) = &report.failure {
        wrapped(&mut out, &format!("could not be judged: {}", clean(failure)), 0, BAD, 0);
    }
    distances(&mut out, report.world.as_deref(), &report.distances, 0);
    out
}

/// What smoke cases came to.
pub fn cases(report: &RunReport, detail: Detail) -> String {
    let mut out = String::new();
    let all: &[CaseReport] = report.cases.as_deref().unwrap_or_default();
    if detail > Detail::Quiet {
        fitted(&mut out, report);
        sandbox(&mut out, report.sandbox.as_ref(), detail);
        if !out.is_empty() {
            out.push('\n');
        }
    }
    let width = all.iter().map(|case| clean(&case.name).chars().count()).max().unwrap_or(0).min(48);
    for case in all.iter().filter(|case| detail > Detail::Quiet || !case.passed) {
        let (word, style) = if case.passed { ("pass", GOOD) } else { ("FAIL", BAD) };
        let name = clean(&case.name);
        let calls = match case.calls.len() {
            0 => String::new(),
            _ => format!("{}, ", count(case.steps, "call")),
        };
        let costs =
            format!("{calls}{} fuel, {} of memory", thousands(case.fuel), size(case.memory));
        // What failed has its costs told where it is told in full.
        line(
            &mut out,
            match case.passed {
                true => format!("{style}{word}{style:#}  {BOLD}{name:width$}{BOLD:#}  {costs}"),
                false => format!("{style}{word}{style:#}  {BOLD}{name}{BOLD:#}"),
            },
        );
        if detail == Detail::Verbose {
            calls_made(&mut out, case);
        }
    }
    out.push_str(&unfit(report));
    for finding in &report.diagnostics {
        diagnostic(&mut out, finding, 0);
    }
    if detail > Detail::Quiet {
        let passed = all.iter().filter(|case| case.passed).count();
        let good = passed == all.len() && report.diagnostics.is_empty() && report.failure.is_none();
        let text = match all.len() {
            0 if good => "no smoke case is for it; it came to life".to_owned(),
            0 => "no smoke case was run".to_owned(),
            total => cases_passed(passed, total),
        };
        if !out.is_empty() && !out.ends_with("\n\n") {
            out.push('\n');
        }
        let style = if good { GOOD } else { BAD };
        line(&mut out, format!("{style}{text}{style:#}"));
    }
    out
}

/// Which host it was fitted to, and how.
fn fitted(out: &mut String, report: &RunReport) {
    let Some(config) = &report.config else { return };
    let path = clean(&config.path);
    let ran = !report.calls.is_empty() || report.cases.as_ref().is_some_and(|all| !all.is_empty());
    let mut text = match &report.world {
        Some(world) if ran || report.diagnostics.is_empty() && report.failure.is_none() => {
            targets(world, &report.adapters, &report.stubs)
        }
        world => world.as_deref().map(clean).unwrap_or_default(),
    };
    if report.adapted {
        text += "; adapted from a core module";
    }
    wrapped(out, &format!("{text}  ({path})"), 0, DIM, 0);
}
