//! Everything that there is to say, one by one and each with a file and a line, for the formats that
//! want those.

use std::collections::HashMap;
use std::path::Path;

use super::clean;
use crate::diagnostic::{Diagnostic, PluginReport, Report, Severity};
use crate::input;

/// The name, beside the codes, of what has none: a plugin that could not be judged.
pub(super) const UNJUDGED: &str = "could-not-judge";

/// One finding, or one plugin that could not be judged.
pub(super) struct Issue<'a> {
    /// The plugin; none for the host's configuration.
    pub plugin: Option<&'a PluginReport>,
    /// What it is about.
    pub what: What<'a>,
    /// The file, relative to the working directory where it is below it, with `/` between names.
    pub path: String,
    /// The line in it, from 1. A plugin is one binary, and all of it is its first line.
    pub line: usize,
    /// Tells it from others, from run to run, whatever words it is put into: hex digits out of its
    /// code, its plugin and its place.
    pub fingerprint: String,
    /// Which of those with that fingerprint it is, from 1.
    pub occurrence: usize,
}

#[derive(Clone, Copy)]
pub(super) enum What<'a> {
    Finding(&'a Diagnostic),
    Unjudged(&'a str),
}

impl Issue<'_> {
    pub(super) fn code(&self) -> &'static str {
        match self.what {
            What::Finding(finding) => finding.code.name(),
            What::Unjudged(_) => UNJUDGED,
        }
    }

    pub(super) fn severity(&self) -> Severity {
        match self.what {
            What::Finding(finding) => finding.severity,
            What::Unjudged(_) => Severity::Error,
        }
    }

    /// Code and plugin, cleaned.
    pub(super) fn title(&self) -> String {
        match self.plugin {
            Some(plugin) => format!("{}: {}", clean(&plugin.id), self.code()),
            None => self.code().to_owned(),
        }
    }

    /// All that is said of it, in lines, cleaned.
    pub(super) fn text(&self) -> String {
        match self.what {
            What::Finding(finding) => text(finding),
            What::Unjudged(failure) => format!("could not be judged: {}", clean(failure)),
        }
    }
}

/// All that is said of a finding, in lines, cleaned: place and message, notes, the line of the
/// configuration that decided, and the remedy.
pub(super) fn text(finding: &Diagnostic) -> String {
    let mut lines = vec![headline(finding)];
    lines.extend(finding.notes.iter().map(|note| format!("- {}", clean(note))));
    if let Some(place) = &finding.decided_by {
        lines.push(format!(
            "policy: {}:{}: {}",
            clean(&place.file),
            place.line,
            clean(&place.text)
        ));
    }
    lines.extend(finding.help.iter().map(|help| format!("help: {}", clean(help))));
    lines.join("\n")
}

/// Place and message in one line, cleaned.
pub(super) fn headline(finding: &Diagnostic) -> String {
    if finding.path.is_empty() {
        clean(&finding.message)
    } else {
        format!("{}: {}", clean(&finding.path.to_string()), clean(&finding.message))
    }
}

/// Everything in a report, in its order: the configuration first, as people should read it first.
pub(super) fn issues<'a>(report: &'a Report, here: &Path) -> Vec<Issue<'a>> {
    let mut issues = Vec::new();
    let mut seen = HashMap::new();
    let mut add = |plugin: Option<&'a PluginReport>, what, path, line| {
        let fingerprint = fingerprint(plugin, what);
        let occurrence = seen.entry(fingerprint.clone()).or_insert(0);
        *occurrence += 1;
        let occurrence = *occurrence;
        issues.push(Issue { plugin, what, path, line, fingerprint, occurrence });
    };
    for finding in &report.diagnostics {
        let place = finding.decided_by.as_ref().map(|place| (place.file.as_str(), place.line));
        let config = report.config.as_ref().map(|config| (config.path.as_str(), 1));
        let (file, line) = place.or(config).unwrap_or(("plugtool.toml", 1));
        add(None, What::Finding(finding), local(file, here), line.max(1));
    }
    for plugin in &report.plugins {
        let path = local(&plugin.path, here);
        if let Some(failure) = &plugin.failure {
            add(Some(plugin), What::Unjudged(failure), path.clone(), 1);
        }
        for finding in &plugin.diagnostics {
            add(Some(plugin), What::Finding(finding), path.clone(), 1);
        }
    }
    issues
}

/// A path relative to `here` where it is below it.
pub(super) fn local(path: &str, here: &Path) -> String {
    let path = Path::new(path);
    let path = path.strip_prefix(here).unwrap_or(path);
    let text = path.to_string_lossy();
    let text = if cfg!(windows) { text.replace('\\', "/") } else { text.into_owned() };
    text.strip_prefix("./").map(str::to_owned).unwrap_or(text)
}

/// Lengths stand before the parts, so that no two lists of parts look the same.
fn fingerprint(plugin: Option<&PluginReport>, what: What<'_>) -> String {
    let mut text = String::from("plugtool/1");
    let mut part = |part: &str| text.push_str(&format!(" {}:{part}", part.len()));
    part(plugin.map_or("", |plugin| &plugin.id));
    match what {
        What::Unjudged(_) => part(UNJUDGED),
        What::Finding(finding) => {
            part(finding.code.name());
            // Where the file lies differs from checkout to checkout; the plugin's id does not.
            for step in finding.path.0.iter().filter(|step| step.kind != "file") {
                part(&step.kind);
                part(step.name.as_deref().unwrap_or_default());
            }
        }
    }
    let mut digest = input::digest(text.as_bytes());
    digest.truncate(32);
    digest
}
