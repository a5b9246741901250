//! The reports of all partitions into the report of the whole.

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

use super::partition::{MOST, part_of};
use crate::diagnostic::{
    Diagnostic, PartitionUsed, PluginReport, Report, Sandbox, Severity, Summary,
};
use crate::judge::tool;

/// A report of one partition, and the file that it was read from.
#[derive(Clone, Debug)]
pub struct Part {
    /// The file.
    pub file: String,
    /// What is in it.
    pub report: Report,
}

/// Why reports do not belong together. Nothing about a plugin follows from them.
#[derive(Debug, Error)]
pub enum MergeError {
    /// A file is something else.
    #[error("{file}: {what}")]
    NotAPart {
        /// The file.
        file: String,
        /// What is wrong with it.
        what: String,
    },
    /// Two reports are of different gates.
    #[error("{a} and {b} are not of one gate: {what}")]
    Different {
        /// One.
        a: String,
        /// The other.
        b: String,
        /// What differs.
        what: String,
    },
    /// Two reports are of the same part.
    #[error("{a} and {b} are both of part {index} of {total}")]
    Twice {
        /// One.
        a: String,
        /// The other.
        b: String,
        /// The part.
        index: usize,
        /// How many there are.
        total: usize,
    },
}

/// What came of merging.
#[derive(Clone, Debug)]
pub struct Merged {
    /// The report of the whole. Plugins without a verdict could not be judged.
    pub report: Report,
    /// The least severity that fails a plugin: the strictest that any part was judged by.
    pub fail_on: Severity,
    /// What is not there, a line for each part; empty where the report is complete.
    pub missing: Vec<String>,
}

/// Joins the reports of partitions into what one gate over all plugins would have reported.
///
/// # Errors
///
/// Where they are not of one gate: another program, configuration, list or way of dealing out.
pub fn merge(parts: Vec<Part>, fail_on: Severity) -> Result<Merged, MergeError> {
    let mut given: BTreeMap<usize, (Part, PartitionUsed)> = BTreeMap::new();
    for mut part in parts {
        let Some(used) = part.report.partition.take() else {
            let what = "it is not of a partition: there is nothing to merge it with";
            return Err(not_a_part(&part, what));
        };
        check(&part, &used)?;
        if let Some((other, other_used)) = given.get(&used.index) {
            let (a, b) = (other.file.clone(), part.file);
            return Err(match difference((&other.report, other_used), (&part.report, &used)) {
                Some(what) => MergeError::Different { a, b, what },
                None => MergeError::Twice { a, b, index: used.index, total: used.total },
            });
        }
        if let Some((first, first_used)) = given.values().next()
            && let Some(what) = difference((&first.report, first_used), (&part.report, &used))
        {
            return Err(MergeError::Different { a: first.file.clone(), b: part.file, what });
        }
        given.insert(used.index, (part, used));
    }
    let Some((first, used)) = given.values().next() else {
        let what = "there are no reports".to_owned();
        return Err(MergeError::NotAPart { file: "merge".to_owned(), what });
    };
    let fail_on = given.values().map(|(_, used)| used.fail_on).fold(fail_on, Severity::min);

    let mut judged: BTreeMap<&str, &PluginReport> = BTreeMap::new();
    for (part, _) in given.values() {
        judged.extend(part.report.plugins.iter().map(|plugin| (plugin.id.as_str(), plugin)));
    }
    let absent = (1..=used.total).filter(|index| !given.contains_key(index));
    let mut lost: BTreeMap<usize, Vec<&str>> = absent.map(|index| (index, Vec::new())).collect();
    let mut plugins = Vec::with_capacity(used.items.len());
    for (place, item) in used.items.iter().enumerate() {
        let mut plugin = match judged.get(item.id.as_str()) {
            Some(plugin) => (*plugin).clone(),
            None => {
                let index = part_of(used.method, used.total, place, &item.id);
                lost.entry(index).or_default().push(&item.id);
                let mut plugin = PluginReport::new(&item.id, &item.path);
                plugin.failure = Some(match given.get(&index) {
                    Some((part, _)) => format!("{} has no verdict on it", part.file),
                    None => format!("there is no report of part {index} of {}", used.total),
                });
                plugin
            }
        };
        plugin.settle(fail_on);
        plugins.push(plugin);
    }
    let missing = lost.iter().map(|(index, ids)| missing(*index, used.total, ids)).collect();
    let report = Report {
        schema: first.report.schema.clone(),
        tool: first.report.tool.clone(),
        config: first.report.config.clone(),
        partition: None,
        worlds: first.report.worlds.clone(),
        sandbox: sandbox(given.values().filter_map(|(part, _)| part.report.sandbox.as_ref())),
        summary: Summary::of(&plugins),
        diagnostics: diagnostics(given.values()),
        plugins,
    };
    Ok(Merged { report, fail_on, missing })
}

fn missing(index: usize, total: usize, ids: &[&str]) -> String {
    match ids {
        [] => format!("part {index} of {total} is missing; none of the plugins is in it"),
        ids => format!("part {index} of {total} is missing: no verdict on {}", ids.join(", ")),
    }
}

fn not_a_part(part: &Part, what: impl Into<String>) -> MergeError {
    MergeError::NotAPart { file: part.file.clone(), what: what.into() }
}

/// What can be said of one report without the others.
fn check(part: &Part, used: &PartitionUsed) -> Result<(), MergeError> {
    let report = &part.report;
    if report.schema != "plugtool.gate/0" {
        return Err(not_a_part(part, "it is no report of `plugtool gate`"));
    }
    let (theirs, ours) = (&report.tool, tool());
    if *theirs != ours {
        let what = format!(
            "it was written by {} {} with {}; this is {} {} with {}",
            theirs.name, theirs.version, theirs.engine, ours.name, ours.version, ours.engine
        );
        return Err(not_a_part(part, what));
    }
    if used.total > MOST {
        let what = format!("it is of {} parts; there are {MOST} at most", used.total);
        return Err(not_a_part(part, what));
    }
    if !(1..=used.total).contains(&used.index) {
        let what = format!("there is no part {} of {}", used.index, used.total);
        return Err(not_a_part(part, what));
    }
    let mut places = BTreeMap::new();
    for (place, item) in used.items.iter().enumerate() {
        if places.insert(item.id.as_str(), place).is_some() {
            return Err(not_a_part(part, format!("it lists `{}` twice", item.id)));
        }
    }
    let mut seen = BTreeSet::new();
    for plugin in &report.plugins {
        let place = places.get(plugin.id.as_str());
        let index = place.map(|place| part_of(used.method, used.total, *place, &plugin.id));
        if index != Some(used.index) {
            let what = format!(
                "it has a verdict on `{}`, which is not in part {} of {}",
                plugin.id, used.index, used.total
            );
            return Err(not_a_part(part, what));
        }
        if !seen.insert(&plugin.id) {
            return Err(not_a_part(part, format!("it has two verdicts on `{}`", plugin.id)));
        }
    }
    Ok(())
}

fn difference(a: (&Report, &PartitionUsed), b: (&Report, &PartitionUsed)) -> Option<String> {
    let digest = |report: &Report| report.config.as_ref().map(|config| config.sha256.clone());
    let differs = if digest(a.0) != digest(b.0) {
        "the configuration differs"
    } else if let Some(name) = input(&a.1.inputs, &b.1.inputs) {
        return Some(format!("the host's {name} differ beside the same configuration"));
    } else if a.0.worlds != b.0.worlds {
        "the host's worlds differ"
    } else if a.1.items != b.1.items {
        "the list of plugins differs"
    } else if (a.1.method, a.1.total) != (b.1.method, b.1.total) {
        "the plugins were dealt out in different ways"
    } else {
        return None;
    };
    Some(differs.to_owned())
}

/// The first input that is not the same in both.
fn input<'a>(
    a: &'a BTreeMap<String, String>,
    b: &'a BTreeMap<String, String>,
) -> Option<&'a String> {
    a.keys().chain(b.keys()).find(|name| a.get(*name) != b.get(*name))
}

/// How all of them were confined: as the least confined was, where they differ.
fn sandbox<'a>(parts: impl Iterator<Item = &'a Sandbox> + Clone) -> Option<Sandbox> {
    let weakest = parts.clone().find(|sandbox| !sandbox.complete);
    weakest.or(parts.clone().next()).cloned()
}

/// Findings about the configuration: what any part found, each once, and what all of them suspect.
fn diagnostics<'a>(
    parts: impl Iterator<Item = &'a (Part, PartitionUsed)> + Clone,
) -> Vec<Diagnostic> {
    let mut found: Vec<Diagnostic> = Vec::new();
    for finding in parts.clone().flat_map(|(part, _)| &part.report.diagnostics) {
        if !found.contains(finding) {
            found.push(finding.clone());
        }
    }
    // In the order of the configuration, as one gate tells them.
    found.sort_by_key(|finding| finding.decided_by.as_ref().map(|place| place.line));
    let idle = parts.clone().next().map(|(_, used)| used.idle.as_slice()).unwrap_or_default();
    let all = |finding: &&Diagnostic| parts.clone().all(|(_, used)| used.idle.contains(finding));
    found.extend(idle.iter().filter(all).cloned());
    found
}
