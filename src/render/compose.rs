//! Compositions: as text, as a tree with reasons, and as graphs.

use std::collections::HashSet;
use std::fmt::Write;

use super::clean;
use super::stubs::stubs;
use super::text::{BOLD, DIM, Detail, GOOD, diagnostics, line, size};
use crate::diagnostic::{ComponentUsed, ComposeReport};

/// How a composition is wired, or why there is none.
pub fn text(report: &ComposeReport, detail: Detail) -> String {
    if report.size.is_none() {
        return diagnostics(&report.diagnostics);
    }
    let mut out = String::new();
    let names: Vec<String> = report.components.iter().map(|c| clean(&c.name)).collect();
    let target = report.world.as_ref().map(|world| format!(" targets {}", clean(world)));
    let size = report.size.map(size).unwrap_or_default();
    line(
        &mut out,
        format!(
            "{GOOD}composed{GOOD:#} {}{}, {size}",
            names.join(" + "),
            target.unwrap_or_default(),
        ),
    );
    if detail == Detail::Verbose {
        for component in &report.components {
            line(
                &mut out,
                format!("  {DIM}{} sha256 {}{DIM:#}", clean(&component.name), component.sha256),
            );
        }
    }
    for wire in &report.wires {
        line(
            &mut out,
            format!(
                "  {} / {} {DIM}<-{DIM:#} {} / {}",
                clean(&wire.importer),
                clean(&wire.import),
                clean(&wire.exporter),
                clean(&wire.export),
            ),
        );
    }
    for export in &report.exports {
        line(
            &mut out,
            format!("  export {} {DIM}<-{DIM:#} {}", clean(&export.name), clean(&export.from)),
        );
    }
    for import in &report.imports {
        line(&mut out, format!("  import {}", clean(import)));
    }
    stubs(&mut out, &report.stubs, 2, detail == Detail::Verbose);
    out
}

/// The wiring as a tree, from what the result exports down to what feeds it, with the reason for each
/// wire and each adapter. A component that several need is written out once.
pub fn plan(report: &ComposeReport, detail: Detail) -> String {
    if report.size.is_none() {
        return diagnostics(&report.diagnostics);
    }
    let mut out = String::new();
    let world = report.world.as_ref().map_or(String::new(), |w| format!(" for {}", clean(w)));
    line(&mut out, format!("{BOLD}plan{BOLD:#}{world}"));
    let mut told = HashSet::new();
    let mut roots: Vec<usize> = Vec::new();
    for export in &report.exports {
        if !roots.contains(&export.component) {
            roots.push(export.component);
        }
    }
    for root in roots {
        let given: Vec<String> = report
            .exports
            .iter()
            .filter(|export| export.component == root)
            .map(|export| clean(&export.name))
            .collect();
        let component = &report.components[root];
        line(&mut out, format!("{}{}", clean(&component.name), role(component)));
        line(&mut out, format!("  {DIM}gives the result{DIM:#} {}", given.join(", ")));
        branch(&mut out, report, root, 1, &mut told);
    }
    for component in report.components.iter().filter(|component| component.adapter) {
        for why in &component.why {
            line(&mut out, format!("{}: {}", clean(&component.name), clean(why)));
        }
    }
    for import in &report.imports {
        line(&mut out, format!("{DIM}left to the host:{DIM:#} {}", clean(import)));
    }
    stubs(&mut out, &report.stubs, 0, detail == Detail::Verbose);
    out
}

fn role(component: &ComponentUsed) -> String {
    match (component.adapter, component.stub) {
        (true, _) => format!(" {GOOD}(adapter){GOOD:#}"),
        // Its name says what it is.
        _ => String::new(),
    }
}

fn branch(
    out: &mut String,
    report: &ComposeReport,
    importer: usize,
    depth: usize,
    told: &mut HashSet<usize>,
) {
    if !told.insert(importer) {
        return;
    }
    let indent = "  ".repeat(depth.min(20));
    for wire in report.wires.iter().filter(|wire| wire.from.0 == importer) {
        let exporter = wire.from.1;
        let component = &report.components[exporter];
        let again =
            told.contains(&exporter) && report.wires.iter().any(|other| other.from.0 == exporter);
        let above = if again { " (see above)" } else { "" };
        let version = if wire.export == wire.import {
            String::new()
        } else {
            format!(" as {}", clean(&wire.export))
        };
        line(
            out,
            format!(
                "{indent}{} {DIM}<-{DIM:#} {}{}{version}{DIM}: {}{above}{DIM:#}",
                clean(&wire.import),
                clean(&component.name),
                role(component),
                wire.why,
            ),
        );
        branch(out, report, exporter, depth + 1, told);
    }
}

/// The wiring as a graph in DOT. Adapters are hexagons, stubs octagons, the host is a box with a dashed line.
pub fn dot(report: &ComposeReport) -> String {
    let quote = |text: &str| clean(text).replace('\\', "\\\\").replace('"', "\\\"");
    let mut out =
        String::from("digraph composition {\n  rankdir=LR;\n  host [shape=box, style=dashed];\n");
    for (index, component) in report.components.iter().enumerate() {
        let shape = match (component.adapter, component.stub) {
            (true, _) => "hexagon",
            (_, true) => "octagon",
            _ => "box",
        };
        let _ = writeln!(out, "  c{index} [label=\"{}\", shape={shape}];", quote(&component.name));
    }
    for wire in &report.wires {
        let (importer, exporter) = wire.from;
        let _ = writeln!(out, "  c{importer} -> c{exporter} [label=\"{}\"];", quote(&wire.import));
    }
    for export in &report.exports {
        let _ =
            writeln!(out, "  host -> c{} [label=\"{}\"];", export.component, quote(&export.name));
    }
    out.push_str("}\n");
    out
}

/// The same in Mermaid; stubs are trapezoids.
pub fn mermaid(report: &ComposeReport) -> String {
    let quote = |text: &str| clean(text).replace('#', "#35;").replace('"', "#quot;");
    let mut out = String::from("flowchart LR\n  host([host])\n");
    for (index, component) in report.components.iter().enumerate() {
        let name = quote(&component.name);
        let _ = match (component.adapter, component.stub) {
            (true, _) => writeln!(out, "  c{index}{{{{\"{name}\"}}}}"),
            (_, true) => writeln!(out, "  c{index}[/\"{name}\"\\]"),
            _ => writeln!(out, "  c{index}[\"{name}\"]"),
        };
    }
    for wire in &report.wires {
        let (importer, exporter) = wire.from;
        let _ = writeln!(out, "  c{importer} -->|\"{}\"| c{exporter}", quote(&wire.import));
    }
    for export in &report.exports {
        let _ = writeln!(out, "  host -->|\"{}\"| c{}", quote(&export.name), export.component);
    }
    out
}
