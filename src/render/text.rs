//! Text for people: the important thing first, aligned, within 100 columns. Styles are ANSI codes;
//! whoever prints takes them out where there is no terminal.

mod asked;

use std::fmt::Write;

use anstyle::{AnsiColor, Style};

use super::clean;
use super::stubs::stubs;
use crate::diagnostic::{
    AdaptReport, AdapterUse, CaseReport, CompiledBy, Diagnostic, Distance, InitReport, Known,
    PartitionUsed, PluginReport, Report, Sandbox, Severity, StubUse, Summary, Usage, Verdict,
};

pub(super) const WIDTH: usize = 100;
pub(super) const BOLD: Style = Style::new().bold();
pub(super) const DIM: Style = Style::new().dimmed();
pub(super) const GOOD: Style = AnsiColor::Green.on_default().bold();
pub(super) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(super) const WARN: Style = AnsiColor::Yellow.on_default().bold();
pub(super) const INFO: Style = AnsiColor::Cyan.on_default().bold();

/// How much to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// Findings only.
    Quiet,
    /// What people want to know.
    Normal,
    /// Digests, costs and signatures too.
    Verbose,
}

/// The verdicts of `check` and `gate`.
pub fn report(report: &Report, detail: Detail) -> String {
    let mut out = String::new();
    if detail > Detail::Quiet {
        let by = report.config.as_ref().map(|c| format!("  {DIM}({}){DIM:#}", clean(&c.path)));
        let worlds = report.worlds.join(", ");
        line(&mut out, format!("{BOLD}{}{BOLD:#}{}", clean(&worlds), by.unwrap_or_default()));
        if let (Detail::Verbose, Some(config)) = (detail, &report.config) {
            let (sha256, engine) = (clean(&config.sha256), clean(&report.tool.engine));
            line(&mut out, format!("{DIM}sha256 {sha256}, {engine}{DIM:#}"));
        }
        if let Some(used) = &report.partition {
            wrapped(&mut out, &partition(report, used), 0, DIM, 0);
        }
        sandbox(&mut out, report.sandbox.as_ref(), detail);
        out.push('\n');
    }
    let shown = |plugin: &&PluginReport| {
        detail > Detail::Quiet || !matches!(plugin.verdict, Verdict::Pass | Verdict::Skipped)
    };
    let width = report.plugins.iter().map(|p| clean(&p.id).chars().count()).max().unwrap_or(0);
    // What failed comes first, and otherwise the order is that of the list.
    let failed =
        |plugin: &&PluginReport| !matches!(plugin.verdict, Verdict::Fail | Verdict::Unjudged);
    let mut plugins: Vec<&PluginReport> = report.plugins.iter().filter(shown).collect();
    plugins.sort_by_key(failed);
    for item in plugins {
        plugin(&mut out, item, width.min(32), detail);
    }
    for finding in &report.diagnostics {
        diagnostic(&mut out, finding, 0);
    }
    if detail > Detail::Quiet {
        let s = &report.summary;
        let style = if s.failed + s.unjudged > 0 { BAD } else { GOOD };
        if !out.ends_with("\n\n") {
            out.push('\n');
        }
        let known = report.plugins.iter().filter(|plugin| is_known(plugin)).count();
        let known = if known > 0 { format!(" ({known} cached)") } else { String::new() };
        line(&mut out, format!("{style}{}{style:#}{known}", counts(s)));
    }
    out
}

/// Whether nothing had to be found out about a plugin. Where its contract is known and its cases are not,
/// it is looked at anew.
fn is_known(plugin: &PluginReport) -> bool {
    plugin.cached.contains(&Known::Contract)
}

/// Which part of the plugins a report is about, in words.
pub(super) fn partition(report: &Report, used: &PartitionUsed) -> String {
    let (index, total) = (used.index, used.total);
    let part = format!("part {index} of {total} by {} ({})", used.method, clean(&used.source));
    match (report.plugins.len(), count(used.items.len(), "plugin")) {
        (0, all) => format!("{part}: none of {all}; there is nothing to judge in it"),
        (some, all) => format!("{part}: {some} of {all}"),
    }
}

/// How many of each verdict, in words.
pub(super) fn counts(s: &Summary) -> String {
    let mut parts = vec![format!("{} passed", s.passed), format!("{} failed", s.failed)];
    if s.unjudged > 0 {
        parts.push(format!("{} could not be judged", s.unjudged));
    }
    if s.skipped > 0 {
        parts.push(format!("{} skipped", s.skipped));
    }
    parts.join(", ")
}

fn plugin(out: &mut String, plugin: &PluginReport, width: usize, detail: Detail) {
    let (word, style) = match plugin.verdict {
        Verdict::Pass => ("pass", GOOD),
        Verdict::Fail => ("FAIL", BAD),
        Verdict::Unjudged => ("????", BAD),
        Verdict::Skipped => ("skip", DIM),
    };
    let id = clean(&plugin.id);
    // What does not fit behind the name goes on below itself.
    let before = 8 + width.max(id.chars().count());
    let room = textwrap::Options::new(WIDTH.saturating_sub(before))
        .word_splitter(textwrap::WordSplitter::NoHyphenation)
        .break_words(false);
    let mut summary = summary(plugin);
    if is_known(plugin) {
        summary += " (cached)";
    } else if plugin.cached.contains(&Known::Cases) {
        summary += " (its run cached)";
    }
    let summary = textwrap::wrap(summary.trim_start(), room).join(&format!("\n{:before$}", ""));
    let head = format!("{style}{word}{style:#}  {BOLD}{id:width$}{BOLD:#}  {summary}");
    line(out, head.trim_end().to_owned());
    if detail == Detail::Verbose {
        if let (Some(sha256), Some(size)) = (&plugin.sha256, plugin.size) {
            let text = format!("{}, {size} bytes, sha256 {sha256}", clean(&plugin.path));
            wrapped(out, &text, 6, DIM, 0);
        }
        for adapter in &plugin.adapters {
            let text = format!("adapter {}, sha256 {}", clean(&adapter.name), adapter.sha256);
            wrapped(out, &text, 6, DIM, 0);
        }
        stubs(out, &plugin.stubs, 6, true);
        let mut cases: Vec<&CaseReport> = plugin.cases.iter().collect();
        cases.sort_by_key(|case| case.passed);
        for case in cases {
            smoke_case(out, case);
        }
    }
    findings_at(out, plugin, 6);
}

/// What was found about one plugin, and why it could not be judged.
pub(super) fn findings(plugin: &PluginReport) -> String {
    let mut out = String::new();
    findings_at(&mut out, plugin, 0);
    out
}

fn findings_at(out: &mut String, plugin: &PluginReport, indent: usize) {
    if let Some(failure) = &plugin.failure {
        wrapped(out, &format!("could not be judged: {}", clean(failure)), indent, BAD, 0);
    }
    distances(out, plugin.world.as_deref(), &plugin.distances, indent);
    for finding in &plugin.diagnostics {
        diagnostic(out, finding, indent);
    }
}

/// How far it is from each of several worlds.
pub(super) fn distances(
    out: &mut String,
    nearest: Option<&str>,
    worlds: &[Distance],
    indent: usize,
) {
    if worlds.is_empty() {
        return;
    }
    let far = |world: &Distance| {
        format!("{} ({})", clean(&world.world), count(world.mismatches, "mismatch"))
    };
    let distances: Vec<String> = worlds.iter().map(far).collect();
    let nearest = nearest.map(clean).unwrap_or_default();
    let text = format!("nearest is {nearest}, of {}", distances.join(", "));
    wrapped(out, &text, indent, DIM, 0);
}

/// A smoke case and its calls, with what they came to and cost.
fn smoke_case(out: &mut String, case: &CaseReport) {
    let verdict = if case.passed { "passed" } else { "failed" };
    let calls = count(case.steps, "call");
    let costs = format!("{} fuel, {} of memory", thousands(case.fuel), size(case.memory));
    let name = clean(&case.name);
    wrapped(out, &format!("smoke case {name}: {verdict}, {calls}, {costs}"), 6, DIM, 0);
    calls_made(out, case);
}

/// The limits of a smoke case, and its calls with what they came to and cost.
pub(super) fn calls_made(out: &mut String, case: &CaseReport) {
    limits(out, &case.limits, case.compiler, 8);
    asked::during(out, case, 0);
    for (index, call) in case.calls.iter().enumerate() {
        let what = match (&call.got, &call.trap) {
            (_, Some(trap)) => format!(" traps: {}", clean(trap)),
            (Some(got), None) if got.is_empty() => String::new(),
            (Some(got), None) => format!(" = {}", clean(got)),
            (None, None) => " was not made".to_owned(),
        };
        let fuel = call.fuel.map(|fuel| format!("  {} fuel", thousands(fuel))).unwrap_or_default();
        let room = WIDTH.saturating_sub(8 + fuel.len());
        let text = format!("{}{what}", clean(&call.call));
        let text = match text.char_indices().nth(room) {
            Some(_) => {
                format!("{}...", text.chars().take(room.saturating_sub(3)).collect::<String>())
            }
            None => text,
        };
        line(out, format!("        {DIM}{text}{fuel}{DIM:#}"));
        asked::during(out, case, index + 1);
    }
    asked::during(out, case, case.calls.len() + 1);
    asked::left_out(out, case);
}

/// What stands behind the name: how it fits and what was run, or what kind of file it is.
pub(super) fn summary(plugin: &PluginReport) -> String {
    let passed = plugin.cases.iter().filter(|case| case.passed).count();
    let total = plugin.cases.len();
    let mut parts = Vec::new();
    match plugin.verdict {
        Verdict::Skipped => parts.push("not enabled".to_owned()),
        Verdict::Pass | Verdict::Fail => {
            let about_file = |finding: &Diagnostic| {
                finding.path.0.first().is_some_and(|step| step.kind == "file")
            };
            if plugin.verdict == Verdict::Fail && total == 0 {
                if !plugin.diagnostics.iter().any(about_file) {
                    parts.push(clean(&plugin.path));
                }
            } else if let (Verdict::Pass, Some(world)) = (plugin.verdict, &plugin.world) {
                parts.push(targets(world, &plugin.adapters, &plugin.stubs));
            }
            if plugin.adapted {
                parts.push("adapted from a core module".to_owned());
            }
            match total {
                0 => {}
                total => parts.push(cases_passed(passed, total)),
            }
        }
        Verdict::Unjudged => {}
    }
    parts.join("; ")
}

/// How many smoke cases passed, of at least one.
pub(super) fn cases_passed(passed: usize, total: usize) -> String {
    match total {
        1 if passed == 1 => "1 smoke case passed".to_owned(),
        _ if passed == total => format!("{total} smoke cases passed"),
        _ => format!("{passed} of {total} smoke cases passed"),
    }
}

/// The world that it targets, and what is composed around it for that.
pub(super) fn targets(world: &str, adapters: &[AdapterUse], stubs: &[StubUse]) -> String {
    let names = |names: &mut dyn Iterator<Item = &String>| {
        names.map(|name| clean(name)).collect::<Vec<_>>().join(" and ")
    };
    let mut text = format!("targets {}", clean(world));
    if !adapters.is_empty() {
        text += " through ";
        text += &names(&mut adapters.iter().map(|adapter| &adapter.name));
    }
    if !stubs.is_empty() {
        text += " with ";
        text += &names(&mut stubs.iter().map(|stub| &stub.name));
    }
    text
}

/// Findings on their own, for commands whose output is something else.
pub fn diagnostics(findings: &[Diagnostic]) -> String {
    let mut out = String::new();
    for finding in findings {
        diagnostic(&mut out, finding, 0);
    }
    out
}

pub(super) fn diagnostic(out: &mut String, finding: &Diagnostic, indent: usize) {
    let style = match finding.severity {
        Severity::Error => BAD,
        Severity::Warning => WARN,
        Severity::Note => INFO,
    };
    let label = format!("{}[{}]: ", finding.severity, finding.code);
    let place = if finding.path.is_empty() {
        String::new()
    } else {
        format!("{}: ", clean(&finding.path.to_string()))
    };
    let text = format!("{label}{place}{}", clean(&finding.message));
    wrapped(out, &text, indent, style, label.len() - 2);
    for note in &finding.notes {
        wrapped(out, &format!("- {}", clean(note)), indent + 2, DIM, 1);
    }
    if let Some(place) = &finding.decided_by {
        let text = format!("policy: {}:{}: {}", clean(&place.file), place.line, clean(&place.text));
        wrapped(out, &text, indent + 2, INFO, 7);
    }
    if let Some(help) = &finding.help {
        wrapped(out, &format!("help: {}", clean(help)), indent + 2, INFO, 5);
    }
}

/// The folder that was written.
pub fn init(report: &InitReport, _: Detail) -> String {
    let mut out = String::new();
    let folder = clean(&report.folder);
    line(&mut out, format!("{GOOD}wrote{GOOD:#} a host folder to {folder}"));
    for file in &report.files {
        line(&mut out, format!("  {}", clean(file)));
    }
    line(&mut out, format!("next: plugtool gate --host {folder}"));
    out
}

/// What a core module became, or why it became nothing.
pub fn adapt(report: &AdaptReport, _: Detail) -> String {
    let mut out = diagnostics(&report.diagnostics);
    if !report.diagnostics.is_empty() {
        return out;
    }
    let path = clean(&report.path);
    let size = report.size.map(size).unwrap_or_default();
    line(
        &mut out,
        match report.preview1 {
            _ if report.unchanged => format!("{path} is a component already, {size}"),
            Some(adapter) => {
                format!("{GOOD}adapted{GOOD:#} {path} with the preview 1 {adapter} adapter, {size}")
            }
            None => format!("{GOOD}adapted{GOOD:#} {path}, {size}"),
        },
    );
    for export in &report.exports {
        line(&mut out, format!("  export {}", clean(export)));
    }
    for import in &report.imports {
        line(&mut out, format!("  import {}", clean(import)));
    }
    out
}

/// How the worker was confined: to those who ask, and to everybody where something is missing.
pub(super) fn sandbox(out: &mut String, sandbox: Option<&Sandbox>, detail: Detail) {
    let Some(sandbox) = sandbox else { return };
    if detail == Detail::Verbose {
        let measures = match sandbox.measures.as_slice() {
            [] => "nothing".to_owned(),
            measures => measures.join(", "),
        };
        wrapped(out, &format!("sandbox: {}", clean(&measures)), 0, DIM, 0);
        for missing in &sandbox.missing {
            wrapped(out, &format!("sandbox, missing: {}", clean(missing)), 0, DIM, 0);
        }
    } else if !sandbox.complete && detail > Detail::Quiet {
        let missing = clean(&sandbox.missing.join("; "));
        wrapped(out, &format!("warning: the sandbox is not complete: {missing}"), 0, WARN, 7);
    }
}

/// The limits of which it is known how much was used, and which compiler made the code.
pub(super) fn limits(
    out: &mut String,
    limits: &[Usage],
    compiler: Option<CompiledBy>,
    indent: usize,
) {
    let shown = |usage: &Usage| {
        let amount = |n: u64| if usage.unit == "bytes" { size(n) } else { thousands(n) };
        let used = usage.used?;
        Some(format!("{} {} of {}", usage.limit, amount(used), amount(usage.allowed)))
    };
    let shown: Vec<String> = limits.iter().filter_map(shown).collect();
    if !shown.is_empty() {
        wrapped(out, &format!("used: {}", shown.join("; ")), indent, DIM, 0);
    }
    if let Some(compiler) = compiler {
        line(out, format!("{:indent$}{DIM}compiled by {}{DIM:#}", "", compiler.name()));
    }
}

pub(super) fn line(out: &mut String, text: String) {
    out.push_str(&text);
    out.push('\n');
}

/// Writes words within the width, the lines after the first one deeper in; the first `styled`
/// bytes in the style, or everything where that is 0.
pub(super) fn wrapped(out: &mut String, text: &str, indent: usize, style: Style, styled: usize) {
    let first = " ".repeat(indent);
    let next = " ".repeat(indent + 2);
    let options = textwrap::Options::new(WIDTH)
        .initial_indent(&first)
        .subsequent_indent(&next)
        .word_splitter(textwrap::WordSplitter::NoHyphenation)
        .break_words(false);
    for (i, wrapped) in textwrap::wrap(text, options).into_iter().enumerate() {
        let body = wrapped.trim_start();
        let pad = &wrapped[..wrapped.len() - body.len()];
        let cut = if styled == 0 {
            body.len()
        } else if i == 0 {
            styled.min(body.len())
        } else {
            0
        };
        let (head, tail) = body.split_at_checked(cut).unwrap_or((body, ""));
        let _ = if head.is_empty() {
            writeln!(out, "{pad}{tail}")
        } else {
            writeln!(out, "{pad}{style}{head}{style:#}{tail}")
        };
    }
}

pub(super) fn count(n: usize, noun: &str) -> String {
    match (n, noun.ends_with("ch")) {
        (1, _) => format!("1 {noun}"),
        (_, true) => format!("{n} {noun}es"),
        (_, false) => format!("{n} {noun}s"),
    }
}

pub(super) fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Bytes in the unit that people would use.
pub(super) fn size(bytes: u64) -> String {
    let scaled = |unit: u64| {
        let tenths = bytes as u128 * 10 / u128::from(unit);
        format!("{}.{}", tenths / 10, tenths % 10)
    };
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{} KiB", scaled(1 << 10)),
        _ => format!("{} MiB", scaled(1 << 20)),
    }
}
