//! What `inspect` found, as text: for one file everything that matters about it, for several a
//! table of what each asks for.

use std::collections::HashMap;

use anstyle::Style;
use indexmap::IndexMap;

use super::clean;
use super::text::{BOLD, DIM, Detail, WIDTH, count, diagnostic, line, size, wrapped};
use crate::diagnostic::{
    Capability, DebugInfo, InspectReport, Inspection, ItemShown, MemoryShown, Part, Request,
    Severity,
};

/// How much of a name or a type is shown, in characters, and how much with `-v`. JSON has it all.
const SHORT: usize = 160;
const LONG: usize = 1_000;

/// What `inspect` found.
pub fn inspect(report: &InspectReport, detail: Detail) -> String {
    let mut out = String::new();
    match report.files.as_slice() {
        [file] => one(&mut out, file, detail),
        files => {
            if detail > Detail::Quiet {
                matrix(&mut out, files);
            }
            for file in files {
                match detail {
                    Detail::Verbose => {
                        out.push('\n');
                        one(&mut out, file, detail);
                    }
                    _ => findings(&mut out, &brief(file), 0),
                }
            }
        }
    }
    out
}

/// A file of which the notes say no more than a line: next to a table, and to many of their kind.
fn brief(file: &Inspection) -> Inspection {
    let mut file = file.clone();
    for finding in file.diagnostics.iter_mut().filter(|f| f.severity == Severity::Note) {
        finding.notes.clear();
        finding.help = None;
    }
    file
}

/// WIT that was read out of a plugin.
pub fn wit(text: &str) -> String {
    text.lines().map(|line| clean(line) + "\n").collect()
}

fn findings(out: &mut String, file: &Inspection, indent: usize) {
    for finding in &file.diagnostics {
        diagnostic(out, finding, indent);
    }
    if let Some(failure) = &file.failure {
        let text = format!("{}: {}", clean(&file.path), clean(failure));
        wrapped(out, &text, indent, Style::new(), 0);
    }
}

/// The kind of a file as a report has it, or why it has none.
fn kind(file: &Inspection) -> &'static str {
    file.kind.unwrap_or(match file.size {
        None => "unreadable",
        Some(_) => "not valid",
    })
}

fn one(out: &mut String, file: &Inspection, detail: Detail) {
    if detail == Detail::Quiet {
        findings(out, file, 0);
        return;
    }
    let verbose = detail == Detail::Verbose;
    let bytes = file.size.map_or(String::new(), |bytes| format!(", {}", size(bytes)));
    let head = format!("{BOLD}{}{BOLD:#}  {}{bytes}", clean(&file.path), kind(file));
    line(out, head);
    findings(out, file, 2);

    let mut rows: Vec<(&str, String)> = Vec::new();
    if !file.details.is_empty() {
        rows.push(("kind", clean(&file.details.join("; "))));
    }
    if let Some(requests) = &file.capabilities {
        rows.push(("asks for", asks_for(requests)));
    }
    if let Some(toolchain) = &file.toolchain {
        rows.push(("made with", short(toolchain, detail)));
    }
    if let Some(said) = &file.composition {
        let names: Vec<&str> = said.components.iter().map(|part| part.name.as_str()).collect();
        let text = format!("{}, composed by {}, as it says itself", names.join(" + "), said.tool);
        rows.push(("made of", short(&text, detail)));
    }
    if let Some(package) = &file.package {
        let name = package.name.as_deref().unwrap_or("nothing but types");
        rows.push(("package", short(name, detail)));
    }
    for memory in &file.memories {
        rows.push(("memory", memory_words(memory)));
    }
    if file.components + file.modules > 0 {
        let (components, modules) = (file.components, file.modules);
        let mut parts = Vec::new();
        if components > 0 {
            parts.push(count(components, "component"));
        }
        parts.push(count(modules, "core module"));
        parts.push(count(file.functions, "function"));
        rows.push(("inside", parts.join(", ")));
    } else if file.functions > 0 {
        rows.push(("inside", count(file.functions, "function")));
    }
    if let Some(sizes) = &file.sizes {
        rows.push(("size", size_words(sizes, file.debug.as_ref())));
    }
    if let Some(sha256) = &file.sha256 {
        rows.push(("sha256", sha256.clone()));
    }
    let width = rows.iter().map(|(label, _)| label.len()).max().unwrap_or(0);
    for (label, value) in rows {
        labelled(out, label, width, &value);
    }
    if verbose {
        composition(out, file);
        producers(out, file);
    }

    let asked = asked_by(file.capabilities.as_deref().unwrap_or_default());
    if file.kind == Some("core module") {
        items(out, "imports", &file.imports, &asked, detail);
        items(out, "exports", &file.exports, &asked, detail);
    } else {
        items(out, "exports", &file.exports, &HashMap::new(), detail);
        items(out, "imports", &file.imports, &asked, detail);
    }
    if let Some(package) = &file.package {
        items(out, "interfaces", &package.interfaces, &HashMap::new(), detail);
        for world in &package.worlds {
            let name = short(&world.name, detail);
            items(out, &format!("world {name} imports"), &world.imports, &HashMap::new(), detail);
            items(out, &format!("world {name} exports"), &world.exports, &HashMap::new(), detail);
        }
    }
    if let (true, Some(sizes)) = (verbose, &file.sizes) {
        line(out, format!("  {BOLD}size{BOLD:#}"));
        tree(out, sizes, sizes.bytes, 0);
    }
}

/// A label and its value, the lines after the first under the value.
fn labelled(out: &mut String, label: &str, width: usize, value: &str) {
    let indent = width + 4;
    let lines = textwrap::wrap(
        value,
        textwrap::Options::new(WIDTH.saturating_sub(indent))
            .word_splitter(textwrap::WordSplitter::NoHyphenation)
            .break_words(false),
    );
    for (i, text) in lines.iter().enumerate() {
        let label = if i == 0 { label } else { "" };
        let head = format!("  {DIM}{label:width$}{DIM:#}  {text}");
        line(out, head.trim_end().to_owned());
    }
}

fn asks_for(requests: &[Request]) -> String {
    if requests.is_empty() {
        return "nothing".to_owned();
    }
    requests.iter().map(|request| request.capability.words()).collect::<Vec<_>>().join(", ")
}

/// What each import asks for.
fn asked_by(requests: &[Request]) -> HashMap<&str, Capability> {
    let pairs = requests.iter().flat_map(|r| r.by.iter().map(|by| (by.as_str(), r.capability)));
    pairs.collect()
}

fn memory_words(memory: &MemoryShown) -> String {
    let mut words = match (memory.initial, memory.maximum) {
        (initial, None) => format!("{}, grows without a limit of its own", size(initial)),
        (initial, Some(maximum)) if initial == maximum => size(initial),
        (initial, Some(maximum)) => format!("{}, grows up to {}", size(initial), size(maximum)),
    };
    let notes = [
        (memory.imported, "imported"),
        (memory.memory64, "64-bit"),
        (memory.shared, "shared between threads"),
    ];
    for (_, note) in notes.into_iter().filter(|(holds, _)| *holds) {
        words.push_str(", ");
        words.push_str(note);
    }
    words
}

/// What it says it was composed of, and how.
fn composition(out: &mut String, file: &Inspection) {
    let Some(said) = &file.composition else { return };
    line(out, format!("  {BOLD}composition{BOLD:#}"));
    let word = |text: &str| short(text, Detail::Normal);
    for part in &said.components {
        let text = format!("{}  sha256 {}", word(&part.name), word(&part.sha256));
        wrapped(out, &text, 4, Style::new(), 0);
    }
    for wire in &said.wires {
        let (to, from) = (word(&wire.importer), word(&wire.exporter));
        let (import, export) = (word(&wire.import), word(&wire.export));
        wrapped(out, &format!("{to} / {import} <- {from} / {export}"), 4, Style::new(), 0);
    }
}

/// The producers sections in full, for those who want to know more than the summary.
fn producers(out: &mut String, file: &Inspection) {
    let field = |field: &str| short(field, Detail::Normal);
    let width = file.producers.keys().map(|name| field(name).chars().count()).max().unwrap_or(0);
    if !file.producers.is_empty() {
        line(out, format!("  {BOLD}producers{BOLD:#}"));
    }
    for (name, values) in &file.producers {
        let shown =
            values.iter().map(|(name, version)| format!("{name} {version}").trim().to_owned());
        let shown = short(&shown.collect::<Vec<_>>().join(", "), Detail::Verbose);
        wrapped(out, &format!("{:width$}  {shown}", field(name)), 4, Style::new(), 0);
    }
}

/// Imports or exports: those of one package under its name, with what each asks for.
fn items(
    out: &mut String,
    title: &str,
    items: &[ItemShown],
    asked: &HashMap<&str, Capability>,
    detail: Detail,
) {
    if items.is_empty() {
        return;
    }
    line(out, format!("  {BOLD}{title}{BOLD:#}"));
    let mut groups: IndexMap<Option<String>, Vec<(String, &ItemShown)>> = IndexMap::new();
    for item in items {
        let (package, name) = split(item);
        groups.entry(package).or_default().push((name, item));
    }
    // What stands alone comes first, as it does in WIT.
    groups.sort_by(|a, _, b, _| a.is_some().cmp(&b.is_some()));
    let cells = |name: &str, item: &ItemShown| (short(name, detail), short(&item.ty, detail));
    let width = |nth: fn(&(String, String)) -> usize, cap: usize| {
        let all = groups.values().flatten();
        let widths = all.map(|(name, item)| nth(&cells(name, item))).filter(|width| *width <= cap);
        widths.max().unwrap_or(0)
    };
    let (names, types) = (width(|c| c.0.chars().count(), 40), width(|c| c.1.chars().count(), 32));
    for (package, members) in &groups {
        let indent = if let Some(package) = package {
            line(out, format!("    {DIM}{}{DIM:#}", short(package, detail)));
            6
        } else {
            4
        };
        // Both kinds of names have their types in one column.
        let names = if package.is_none() && groups.len() > 1 { names + 2 } else { names };
        for (name, item) in members {
            let (name, ty) = cells(name, item);
            let asks = asked.get(item.name.as_str()).map_or("", |capability| capability.words());
            let text = match asks {
                "" => format!("{name:names$}  {ty}"),
                asks => format!("{name:names$}  {ty:types$}  {asks}"),
            };
            wrapped(out, text.trim_end(), indent, Style::new(), 0);
            if detail == Detail::Verbose {
                for (func, ty) in &item.items {
                    let asks = asked.get(format!("{} {func}", item.name).as_str());
                    let asks = asks.map_or(String::new(), |asks| format!("  ({})", asks.words()));
                    let text = format!("{}: {}{asks}", short(func, detail), short(ty, detail));
                    wrapped(out, &text, indent + 2, DIM, 0);
                }
            }
        }
    }
}

/// The package with its version, and the name in it: `wasi:io@0.2.3` and `streams`.
fn split(item: &ItemShown) -> (Option<String>, String) {
    let whole = || (None, item.name.clone());
    if item.kind != "interface" {
        return whole();
    }
    let (base, version) = match item.name.split_once('@') {
        Some((base, version)) => (base, format!("@{version}")),
        None => (item.name.as_str(), String::new()),
    };
    match base.split_once('/') {
        Some((package, name)) => (Some(format!("{package}{version}")), name.to_owned()),
        None => whole(),
    }
}

/// A name or a type that a plugin chose: clean, and cut short.
fn short(text: &str, detail: Detail) -> String {
    let most = if detail == Detail::Verbose { LONG } else { SHORT };
    let mut shown: String = text.chars().take(most).collect();
    if shown.len() < text.len() {
        shown.push_str("...");
    }
    clean(&shown)
}

/// What most of the bytes are: `61 % code, 22 % names, 9 % data`.
fn size_words(sizes: &Part, debug: Option<&DebugInfo>) -> String {
    let (mut code, mut data, mut custom) = (0, 0, 0);
    sizes.each(&mut |part| match part.kind {
        "code" => code += part.bytes,
        "data" => data += part.bytes,
        "custom section" => custom += part.bytes,
        _ => {}
    });
    let names = debug.map_or(0, |debug| debug.names);
    let debug = debug.map_or(0, |debug| debug.dwarf + debug.source_maps);
    let rest = sizes.bytes.saturating_sub(code + data + custom);
    let mut kinds = [
        (code, "code"),
        (data, "data"),
        (debug, "debug information"),
        (names, "names"),
        (custom.saturating_sub(debug + names), "other custom sections"),
        (rest, "types and wiring"),
    ];
    kinds.sort_by_key(|(bytes, _)| std::cmp::Reverse(*bytes));
    let shown = kinds.iter().filter(|(bytes, _)| *bytes > 0);
    let shown = shown.map(|(bytes, what)| format!("{} {what}", share(*bytes, sizes.bytes)));
    shown.collect::<Vec<_>>().join(", ")
}

fn share(bytes: u64, whole: u64) -> String {
    match (u128::from(bytes) * 100).checked_div(u128::from(whole)) {
        Some(0) if bytes > 0 => "<1 %".to_owned(),
        Some(percent) => format!("{percent} %"),
        None => "0 %".to_owned(),
    }
}

/// Every part with its bytes and its share of the whole, the largest first. What is less than a
/// hundredth is only added up.
fn tree(out: &mut String, part: &Part, whole: u64, depth: usize) {
    let mut row = |bytes: u64, depth: usize, what: &str| {
        let figures = format!("{:>10}  {:>5}", size(bytes), share(bytes, whole));
        wrapped(out, &format!("{figures}  {}{what}", "  ".repeat(depth)), 4, Style::new(), 0);
    };
    let name = part
        .name
        .as_deref()
        .map_or(String::new(), |name| format!(": {}", short(name, Detail::Normal)));
    row(part.bytes, depth, &format!("{}{name}", part.kind));
    let mut parts: Vec<&Part> = part.parts.iter().collect();
    parts.sort_by_key(|part| std::cmp::Reverse(part.bytes));
    let large = parts.partition_point(|part| part.bytes > 0 && part.bytes >= whole / 100);
    let (shown, rest) = parts.split_at(large);
    for part in shown {
        tree(out, part, whole, depth + 1);
    }
    if !rest.is_empty() && !shown.is_empty() {
        let bytes = rest.iter().map(|part| part.bytes).sum();
        let figures = format!("{:>10}  {:>5}", size(bytes), share(bytes, whole));
        line(out, format!("    {figures}  {}{} smaller", "  ".repeat(depth + 1), rest.len()));
    }
}

/// A row for each file, a column for each capability that any of them asks for.
fn matrix(out: &mut String, files: &[Inspection]) {
    let asked = |file: &Inspection, capability: Capability| {
        let requests = file.capabilities.as_deref().unwrap_or_default();
        requests.iter().any(|request| request.capability == capability)
    };
    let columns: Vec<Capability> = Capability::ALL
        .iter()
        .copied()
        .filter(|capability| files.iter().any(|file| asked(file, *capability)))
        .collect();
    let used: usize = columns.iter().map(|capability| capability.short().len() + 2).sum();
    let kinds = files.iter().map(|file| kind(file).len()).max().unwrap_or(0);
    // Names get what is left, after the kind of file where there is room for both.
    let room = WIDTH.saturating_sub(used);
    let labels = labels(files);
    let widest = labels.iter().map(|label| label.chars().count()).max().unwrap_or(0);
    let with_kind = room >= widest.min(24) + 2 + kinds;
    let width = widest.min(if with_kind { room - kinds - 2 } else { room });

    let mut head = format!("{:width$}", "");
    if with_kind {
        head.push_str(&format!("  {:kinds$}", ""));
    }
    for capability in &columns {
        head.push_str(&format!("  {}", capability.short()));
    }
    if columns.is_empty() {
        head.push_str("  asks for nothing");
    }
    line(out, format!("{BOLD}{}{BOLD:#}", head.trim_end()));
    for (file, label) in files.iter().zip(&labels) {
        let label = cut_front(label, width);
        let mut row = format!("{label:width$}");
        if with_kind {
            row.push_str(&format!("  {:kinds$}", kind(file)));
        }
        for capability in &columns {
            let cell = match (&file.capabilities, asked(file, *capability)) {
                (None, _) => "",
                (_, true) => "x",
                (_, false) => ".",
            };
            row.push_str(&format!("  {cell:^0$}", capability.short().len()));
        }
        line(out, row.trim_end().to_owned());
    }
}

/// What each file is called in the table: its name, or its path where several have the name.
fn labels(files: &[Inspection]) -> Vec<String> {
    let mut names: HashMap<&str, usize> = HashMap::new();
    for file in files {
        *names.entry(&file.name).or_default() += 1;
    }
    let label = |file: &Inspection| match names.get(file.name.as_str()) {
        Some(1) => clean(&file.name),
        _ => clean(&file.path),
    };
    files.iter().map(label).collect()
}

/// The end of a text that is too long: what tells paths apart is at their end.
fn cut_front(text: &str, width: usize) -> String {
    let length = text.chars().count();
    if length <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().skip(length - width.saturating_sub(3)).collect();
    format!("...{kept}")
}
