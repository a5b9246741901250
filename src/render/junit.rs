//! JUnit XML in the dialect of Jenkins: a suite for the host; for every plugin a test case `check`, and
//! one for each of its smoke cases, under the plugin's id as class name.
//!
//! A plugin that could not be judged is an error, one with findings a failure. Each smoke case has its time,
//! and `check` what is left of the plugin's: together they are the suite's.

use std::time::Duration;

use quick_junit::{NonSuccessKind, SerializeError, TestCase, TestCaseStatus, TestSuite};

use super::clean;
use super::issue::{UNJUDGED, headline, text};
use crate::diagnostic::{
    CaseReport, Diagnostic, PartitionUsed, PluginReport, Report, Severity, Timing, Verdict,
};

/// A report as JUnit XML. `fail_on` is the least severity of a finding that makes a failure.
///
/// # Errors
///
/// None that input could cause: whatever the serializer has to say.
pub fn junit(report: &Report, fail_on: Severity) -> Result<String, SerializeError> {
    let worlds: Vec<String> = report.worlds.iter().map(|world| clean(world)).collect();
    let mut suite = TestSuite::new(worlds.join(", "));
    if let Some(PartitionUsed { method, index, total, .. }) = &report.partition {
        let part = format!("{method}:{index}/{total}");
        suite.add_property(("partition", part.as_str()));
    }
    let times = report.plugins.iter().filter_map(|plugin| time(plugin.timing));
    if times.clone().next().is_some() {
        suite.set_time(times.sum());
    }
    for plugin in &report.plugins {
        suite.add_test_case(check(plugin, fail_on));
        for case in &plugin.cases {
            suite.add_test_case(smoke(plugin, case, fail_on));
        }
    }
    for finding in &report.diagnostics {
        let place = clean(&finding.path.to_string());
        let name = format!("{} {place}", finding.code);
        let mut case = TestCase::new(name.trim_end(), status(&[finding], fail_on));
        case.set_classname("configuration");
        suite.add_test_case(mention(case, &[finding]));
    }
    let mut whole = quick_junit::Report::new("plugtool");
    whole.add_test_suite(suite);
    let skipped = format!(" skipped=\"{}\"", whole.skipped);
    // The schema of Jenkins has the attribute for a suite, and not for all suites together.
    Ok(whole.to_string()?.replacen(&skipped, "", 1))
}

/// Everything about a plugin but its smoke cases.
fn check(plugin: &PluginReport, fail_on: Severity) -> TestCase {
    let of_case = |finding: &&Diagnostic| {
        plugin.cases.iter().any(|case| !case.passed && finding.is_about(case))
    };
    let own: Vec<&Diagnostic> = plugin.diagnostics.iter().filter(|f| !of_case(f)).collect();
    let status = match (plugin.verdict, &plugin.failure) {
        (Verdict::Skipped, _) => {
            let mut status = TestCaseStatus::skipped();
            status.set_description("not enabled");
            status
        }
        (Verdict::Unjudged, failure) => {
            let failure = failure.as_deref().unwrap_or("could not be judged");
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_type(UNJUDGED).set_message(clean(failure)).set_description(said(&own));
            status
        }
        (Verdict::Pass | Verdict::Fail, _) => status(&own, fail_on),
    };
    let mut case = TestCase::new("check", status);
    case.set_classname(clean(&plugin.id));
    if let Some(whole) = time(plugin.timing) {
        let cases = plugin.cases.iter().filter_map(|case| time(case.timing));
        case.set_time(whole.saturating_sub(cases.sum()));
    }
    mention(case, &own)
}

fn time(timing: Option<Timing>) -> Option<Duration> {
    timing.map(|timing| Duration::from_millis(timing.milliseconds))
}

fn smoke(plugin: &PluginReport, case: &CaseReport, fail_on: Severity) -> TestCase {
    let own = plugin.diagnostics.iter().filter(|finding| finding.is_about(case));
    let own: Vec<&Diagnostic> = if case.passed { Vec::new() } else { own.collect() };
    let lost = !case.passed && plugin.verdict != Verdict::Pass;
    let status = match (lost, status(&own, fail_on)) {
        (true, TestCaseStatus::Success { .. }) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message("it did not pass").set_description(said(&own));
            status
        }
        (_, status) => status,
    };
    let mut test = TestCase::new(format!("smoke case {}", clean(&case.name)), status);
    test.set_classname(clean(&plugin.id));
    if let Some(time) = time(case.timing) {
        test.set_time(time);
    }
    test
}

/// A failure where a finding weighs that much, told by the first that does.
fn status(findings: &[&Diagnostic], fail_on: Severity) -> TestCaseStatus {
    let Some(first) = findings.iter().find(|finding| finding.severity >= fail_on) else {
        return TestCaseStatus::success();
    };
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_type(first.code.name()).set_message(headline(first)).set_description(said(findings));
    status
}

/// The findings of a test case that succeeded, which has no other place for them.
fn mention(mut case: TestCase, findings: &[&Diagnostic]) -> TestCase {
    if matches!(case.status, TestCaseStatus::Success { .. }) && !findings.is_empty() {
        case.set_system_out(said(findings));
    }
    case
}

fn said(findings: &[&Diagnostic]) -> String {
    let each = |finding: &&Diagnostic| {
        format!("{}[{}]: {}", finding.severity, finding.code, text(finding))
    };
    findings.iter().map(each).collect::<Vec<_>>().join("\n")
}
