//! SARIF 2.1.0: <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>, and what GitHub's
//! code scanning wants of it.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use serde_json::json;
use serde_sarif::sarif::{
    Artifact, ArtifactLocation, Invocation, Location, LogicalLocation, Message,
    MultiformatMessageString, Notification, PhysicalLocation, Region, ReportingDescriptor,
    ReportingDescriptorReference, Result as Finding, ResultLevel, Run, RunAutomationDetails, Sarif,
    Suppression, Tool, ToolComponent,
};

use super::clean;
use super::issue::{Issue, What, issues, local};
use crate::diagnostic::{Code, Diagnostic, Place, PluginReport, Report, Severity, Verdict};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// Results in one run that GitHub's code scanning takes. It refuses a file with more.
pub const RESULTS: usize = 25_000;

/// A report as SARIF; `here` is the working directory, which its paths are relative to. What is more
/// than [`RESULTS`] is left out, the least severe first, and the number is said in a notification.
///
/// # Errors
///
/// None that input could cause: whatever the serializer has to say.
pub fn sarif(report: &Report, here: &Path) -> Result<String, serde_json::Error> {
    let issues = issues(report, here);
    let (mut results, mut notifications) = (Vec::new(), Vec::new());
    for issue in &issues {
        match issue.what {
            What::Finding(finding) => {
                results.push((finding.severity, result(issue, finding, here)))
            }
            What::Unjudged(_) => notifications.push(notification(issue)),
        }
    }
    if results.len() > RESULTS {
        let more = results.len() - RESULTS;
        results.sort_by_key(|(severity, _)| std::cmp::Reverse(*severity));
        results.truncate(RESULTS);
        let text = format!("{more} results are left out: code scanning takes {RESULTS} of one run");
        let message = Message::builder().text(text).build();
        notifications
            .push(Notification::builder().message(message).level(json!("warning")).build());
    }
    let unjudged = report.plugins.iter().any(|plugin| plugin.verdict == Verdict::Unjudged);
    let invocation = Invocation::builder()
        .execution_successful(!unjudged)
        .tool_execution_notifications(notifications)
        .build();
    let driver = ToolComponent::builder()
        .name(&*report.tool.name)
        .version(&*report.tool.version)
        .semantic_version(&*report.tool.version)
        .full_name(format!(
            "plugtool {} on {}",
            clean(&report.tool.version),
            clean(&report.tool.engine)
        ))
        .rules(Code::ALL.iter().copied().map(rule).collect::<Vec<_>>())
        .build();
    let run = Run::builder()
        .tool(Tool::builder().driver(driver).build())
        .automation_details(RunAutomationDetails::builder().id(category(report)).build())
        .invocations(vec![invocation])
        .artifacts(artifacts(report, here))
        .results(results.into_iter().map(|(_, result)| result).collect::<Vec<_>>())
        .build();
    let log = Sarif::builder().schema(SCHEMA).version(json!("2.1.0")).runs(vec![run]).build();
    super::json::json(&log)
}

/// What GitHub tells analyses of one commit apart by: everything up to the last `/`.
fn category(report: &Report) -> String {
    let config = report.config.as_ref().map_or("", |config| &config.path);
    let part = report.partition.as_ref();
    let part = part.map(|used| format!("part-{}-of-{}/", used.index, used.total));
    format!("plugtool/{}/{}", encoded(config), part.unwrap_or_default())
}

fn rule(code: Code) -> ReportingDescriptor {
    let page = code.explanation();
    let plain = |text: &str| MultiformatMessageString::builder().text(text).build();
    ReportingDescriptor::builder()
        .id(code.name())
        .short_description(plain(code.summary()))
        .full_description(plain(what_it_means(page).unwrap_or(code.summary())))
        .help(MultiformatMessageString::builder().text(page).markdown(page).build())
        .build()
}

/// The first section of a page.
fn what_it_means(page: &str) -> Option<&str> {
    let (_, rest) = page.split_once("## What it means\n")?;
    Some(rest.split("\n## ").next()?.trim())
}

fn result(issue: &Issue<'_>, finding: &Diagnostic, here: &Path) -> Finding {
    let about = issue.plugin.map(|plugin| format!("{}: ", clean(&plugin.id))).unwrap_or_default();
    let fingerprint = format!("{}:{}", issue.fingerprint, issue.occurrence);
    let fingerprints = BTreeMap::from([
        // The one that code scanning goes by.
        ("primaryLocationLineHash".to_owned(), fingerprint.clone()),
        ("plugtoolFinding/v1".to_owned(), fingerprint),
    ]);
    let mut result = Finding::builder()
        .rule_id(finding.code.name())
        .rule_index(index(finding.code))
        .level(match finding.severity {
            Severity::Error => ResultLevel::Error,
            Severity::Warning => ResultLevel::Warning,
            Severity::Note => ResultLevel::Note,
        })
        .message(message(&format!("{about}{}", issue.text())))
        .locations(vec![location(issue)])
        .partial_fingerprints(fingerprints)
        .build();
    if let Some(place) = &finding.decided_by {
        result.related_locations = Some(vec![policy(place, here)]);
    }
    if let Some(waived) = &finding.waived {
        let reason = format!("{} (until {})", clean(&waived.reason), clean(&waived.until));
        let suppression = Suppression::builder().kind(json!("external")).status(json!("accepted"));
        result.suppressions = Some(vec![suppression.justification(reason).build()]);
    }
    result
}

fn location(issue: &Issue<'_>) -> Location {
    let mut location =
        Location::builder().physical_location(physical(&issue.path, issue.line)).build();
    if let What::Finding(finding) = issue.what
        && let Some(last) = finding.path.0.last()
        && last.kind != "file"
    {
        let logical = LogicalLocation::builder()
            .fully_qualified_name(clean(&finding.path.to_string()))
            .name(clean(last.name.as_deref().unwrap_or(&last.kind)))
            .kind(clean(&last.kind));
        location.logical_locations = Some(vec![logical.build()]);
    }
    location
}

/// The line of the configuration that decided.
fn policy(place: &Place, here: &Path) -> Location {
    Location::builder()
        .id(1)
        .message(message(&format!("policy: {}", clean(&place.text))))
        .physical_location(physical(&local(&place.file, here), place.line.max(1)))
        .build()
}

fn physical(path: &str, line: usize) -> PhysicalLocation {
    let line = i64::try_from(line).unwrap_or(1);
    PhysicalLocation::builder()
        .artifact_location(ArtifactLocation::builder().uri(uri(path)).build())
        .region(Region::builder().start_line(line).build())
        .build()
}

/// The files that were judged, each once: one may be listed under several ids.
fn artifacts(report: &Report, here: &Path) -> Vec<Artifact> {
    let mut seen = HashSet::new();
    let files = report.plugins.iter().filter(|plugin| seen.insert(local(&plugin.path, here)));
    files.map(|plugin| artifact(plugin, here)).collect()
}

fn artifact(plugin: &PluginReport, here: &Path) -> Artifact {
    let location = ArtifactLocation::builder().uri(uri(&local(&plugin.path, here))).build();
    let mut artifact =
        Artifact::builder().location(location).roles(vec![json!("analysisTarget")]).build();
    artifact.length = plugin.size.and_then(|size| i64::try_from(size).ok());
    artifact.hashes = plugin
        .sha256
        .as_ref()
        .map(|sha256| BTreeMap::from([("sha-256".to_owned(), sha256.clone())]));
    artifact
}

/// A plugin that could not be judged: nothing about the plugin, but about the run.
fn notification(issue: &Issue<'_>) -> Notification {
    let about = issue.plugin.map(|plugin| format!("{}: ", clean(&plugin.id))).unwrap_or_default();
    Notification::builder()
        .descriptor(ReportingDescriptorReference::builder().id(issue.code()).build())
        .level(json!("error"))
        .message(message(&format!("{about}{}", issue.text())))
        .locations(vec![location(issue)])
        .build()
}

fn index(code: Code) -> i64 {
    let index = Code::ALL.iter().position(|other| *other == code);
    index.and_then(|index| i64::try_from(index).ok()).unwrap_or(-1)
}

/// A message out of clean text: its braces are no placeholders (3.11.5), and nothing in it is a link
/// (3.11.6).
fn message(text: &str) -> Message {
    let text = text.replace("](", "]\\u{28}").replace('{', "{{").replace('}', "}}");
    Message::builder().text(text).build()
}

/// A path as a URI reference (RFC 3986). What was no UTF-8 is gone already.
fn uri(path: &str) -> String {
    let path = encoded(path);
    if path.starts_with('/') { format!("file://{path}") } else { path }
}

/// Everything but what may stand in a path of a URI reference. A colon may not stand in its first name,
/// where it would end a scheme.
fn encoded(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/@".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
