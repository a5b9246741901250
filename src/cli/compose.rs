//! `plugtool compose`.

mod script;
mod stub;

use std::collections::BTreeSet;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::{Common, EXIT_STATUS, Failure, Format, HostArgs, write_whole};
use crate::component::Component;
use crate::config::{self, Host, Pattern};
use crate::diagnostic::{
    ComponentUsed, ComposeReport, Diagnostic, ExportFrom, Severity, WireShown,
};
use crate::judge::stubs::Closed;
use crate::judge::{self, node, tool};
use crate::render::{compose as shown, text};
use crate::wiring::search::{self, Outcome};
use crate::wiring::{self, Node, Plan, Why, Wire, Wishes};
use crate::world::ExternName;
use crate::{check, compose, input, world};
use stub::closed;

/// Make one component out of several
///
/// Every import gets the export of another component that has its name (or is on its semver track)
/// and its type; what nobody feeds is an import of the result. With a host, the host's adapters are
/// used where they are needed, and the result is checked against the host's world.
///
/// A WAC script says itself what feeds what, and stands alone. Its packages are looked for in the
/// folder `deps` beside it: `ns:name@1.2.3` is deps/ns/name/1.2.3.wasm.
#[derive(Args)]
#[command(after_help = EXIT_STATUS, after_long_help = format!("\
Examples:
  plugtool compose plugin.wasm adapter.wasm -o composed.wasm
  plugtool compose plugin.wasm --host their-host/ -o composed.wasm
  plugtool compose plugin.wasm --stub 'wasi:sockets/*' --stub 'wasi:filesystem/*' -o closed.wasm
  plugtool compose app.wasm log.wasm cache.wasm store.wasm --wire app/store=log --wire log/store=cache --plan
  plugtool compose plugin.wasm --host their-host/ --emit-wac composed.wac -o composed.wasm
  plugtool compose script.wac --dep my:app=app.wasm -o composed.wasm

{EXIT_STATUS}"))]
pub struct Compose {
    /// Components: paths or `-`, binary or text, each as PATH or NAME=PATH; or one WAC script (.wac)
    #[arg(required = true, value_name = "COMPONENT|SCRIPT")]
    components: Vec<String>,
    /// Where to write the result [default: standard output; on a terminal, only the plan]
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
    /// A component to put between others; all that are given are used
    #[arg(long, value_name = "ADAPTER")]
    adapter: Vec<PathBuf>,
    /// Which component feeds an import, where that is not plain: IMPORTER/IMPORT=EXPORTER; may be
    /// repeated
    #[arg(long, value_name = "IMPORTER/IMPORT=EXPORTER")]
    wire: Vec<String>,
    /// Close imports that match: whatever the result would still import of them is fed by a generated
    /// stub that refuses every call. A name, or a pattern as in wasi:filesystem/*; may be repeated
    #[arg(long, value_name = "PATTERN")]
    stub: Vec<String>,
    /// Export everything that feeds nobody, not only what the world demands
    #[arg(long)]
    all_exports: bool,
    /// Print how it would be wired, and why, and write nothing
    #[arg(long, conflicts_with = "output")]
    plan: bool,
    /// Write the wiring as a graph: a .dot or a .mmd (Mermaid) file
    #[arg(long, value_name = "FILE")]
    graph: Option<PathBuf>,
    /// Write a WAC script that composes to the same
    #[arg(long, value_name = "FILE")]
    emit_wac: Option<PathBuf>,
    /// The folder of a script's packages [default: deps beside the script]
    #[arg(long, value_name = "DIR")]
    deps: Option<PathBuf>,
    /// Where a package of a script is, as in my:app=app.wasm or my:app@1.2.3=app.wasm; may be
    /// repeated
    #[arg(long, value_name = "NAME=PATH")]
    dep: Vec<String>,
    #[command(flatten)]
    host: HostArgs,
    #[command(flatten)]
    common: Common,
}

impl Compose {
    pub(super) fn run(self) -> Result<u8, Failure> {
        let host = if self.host.named() { Some(self.host.load()?) } else { None };
        let graph = self.graph.as_deref().map(graph_kind).transpose()?;
        let patterns = self.patterns(host.as_ref())?;
        if let Some(path) = self.script_path()? {
            return self.run_script(path, host.as_ref(), graph, &patterns);
        }
        let adapters = self.adapter.iter().map(|path| config::load_adapter(path));
        let adapters = adapters.collect::<Result<Vec<_>, _>>()?;

        let mut parts = Vec::new();
        let mut findings = Vec::new();
        let mut adapted = BTreeSet::new();
        for argument in &self.components {
            let (name, path) = input::split_name(argument);
            match open(&name, path, host.as_ref())? {
                Ok(Opened { component, adapted: was_module }) => {
                    if was_module {
                        adapted.insert(component.sha256().to_owned());
                    }
                    parts.push(component);
                }
                Err(found) => findings.extend(found),
            }
        }
        let mut report = self.report(host.as_ref());
        if !findings.is_empty() {
            return self.refuse(report, findings);
        }
        parts.extend(adapters);

        // Names first, so that nothing depends on the order of the arguments.
        parts.sort_by(|a, b| (&a.name, a.sha256()).cmp(&(&b.name, b.sha256())));
        let nodes: Vec<Node<'_>> = parts.iter().map(node).collect();
        let by_hand = self.wire.iter().map(|text| wiring::parse_wire(&nodes, text));
        let by_hand = by_hand.collect::<Result<Vec<Wire>, String>>();
        let by_hand = by_hand.map_err(|error| Failure::usage(anyhow::anyhow!(error)))?;
        let all_exports = self.all_exports;
        let wishes = Wishes { target: None, by_hand: &by_hand, all_exports, stub: &patterns };
        let planned = match plan(&nodes, host.as_ref(), wishes)? {
            Ok(planned) => planned,
            Err(findings) => return self.refuse(report, findings),
        };
        let Planned { adapters: chosen, plan, world, note } = planned;
        report.world = world;
        // What is to be closed is composed more than once.
        let given = if patterns.is_empty() { give_largest(&mut parts, &plan) } else { None };
        let pool = host.as_ref().map_or(&[][..], |host| &host.adapters);
        let mut used: Vec<&Component> =
            parts.iter().chain(chosen.into_iter().map(|index| &pool[index])).collect();
        let closed = match closed(&used, plan, &patterns, given)? {
            Ok(closed) => closed,
            Err(findings) => return self.refuse(report, findings),
        };
        let Closed { component: composed, plan, .. } = &closed;
        report.diagnostics = self.unused_patterns(&closed, &used);
        if self.common.status(&report.diagnostics) != 0 {
            let unused = std::mem::take(&mut report.diagnostics);
            return self.refuse(report, unused);
        }
        if let Some(host) = &host {
            let mut findings = check::check(composed, host).diagnostics;
            if !findings.is_empty() {
                findings.extend(note);
                return self.refuse(report, findings);
            }
        }
        used.extend(&closed.stubs);
        describe(&mut report, &used, parts.len(), &adapted, plan, composed);
        report.stubs.clone_from(&closed.table);
        if let Some(path) = &self.emit_wac {
            if !closed.stubs.is_empty() {
                return Err(Failure::usage(anyhow::anyhow!(
                    "--emit-wac {}: a script names files, and stubs have none; leave out what is to \
                     be stubbed, and stub what the script composes",
                    path.display()
                )));
            }
            write_whole(path, compose::emit(&used, plan, &adapted).as_bytes())?;
            report.script = Some(path.display().to_string());
        }
        let status = self.write(report, composed, graph);
        // This is the end of the process, and the system takes large memory back in less time.
        std::mem::forget(closed);
        status
    }

    /// Composes what a script says.
    fn run_script(
        &self,
        path: &str,
        host: Option<&Host>,
        graph: Option<Draw>,
        patterns: &[Pattern],
    ) -> Result<u8, Failure> {
        let mut report = self.report(host);
        let script = match self.load_script(path, host)? {
            Ok(script) => script,
            Err(findings) => return self.refuse(report, findings),
        };
        let mut used: Vec<&Component> = script.parts.iter().collect();
        let given = used.len();
        let done = match script.encoded {
            Some(bytes) => script::finish(bytes, &used, script.plan, patterns)?,
            None => closed(&used, script.plan, patterns, None)?,
        };
        let closed = match done {
            Ok(closed) => closed,
            Err(findings) => return self.refuse(report, findings),
        };
        let composed = &closed.component;
        let mut findings = self.unused_patterns(&closed, &used);
        findings.retain(|finding| self.common.status(std::slice::from_ref(finding)) != 0);
        if let Some(host) = host {
            let measured = check::check(composed, host);
            report.world.clone_from(&host.worlds[measured.world].name);
            findings.extend(measured.diagnostics);
        }
        if let Some(target) = &script.target {
            findings.extend(script::misses(composed, target));
            report.world = report.world.or_else(|| target.name.clone());
        }
        if !findings.is_empty() {
            return self.refuse(report, findings);
        }
        report.diagnostics = self.unused_patterns(&closed, &used);
        used.extend(&closed.stubs);
        describe(&mut report, &used, given, &script.adapted, &closed.plan, composed);
        report.stubs.clone_from(&closed.table);
        self.write(report, composed, graph)
    }

    /// Writes what was asked for, where it was asked to be.
    fn write(
        &self,
        mut report: ComposeReport,
        composed: &Component,
        graph: Option<Draw>,
    ) -> Result<u8, Failure> {
        if self.common.format == Format::Text {
            let said = text::diagnostics(&report.diagnostics);
            let _ = write!(anstream::stderr(), "{said}");
        }
        if let (Some(path), Some(draw)) = (&self.graph, graph) {
            write_whole(path, draw(&report).as_bytes())?;
        }
        if self.plan {
            report.sha256 = Some(composed.sha256().to_owned());
            self.common.print(&report, shown::plan)?;
            return Ok(0);
        }
        if let Some(path) = &self.output {
            std::thread::scope(|scope| {
                if self.tells_digest() {
                    // Either takes as long as the other.
                    scope.spawn(|| composed.sha256());
                }
                write_whole(path, &composed.bytes)
            })?;
            report.output = Some(path.display().to_string());
        }
        report.sha256 = self.tells_digest().then(|| composed.sha256().to_owned());
        match (&self.output, self.common.format) {
            (None, Format::Text) if !io::stdout().is_terminal() => {
                let mut stdout = io::stdout().lock();
                let written = stdout.write_all(&composed.bytes).and_then(|()| stdout.flush());
                written.map_err(Failure::internal)?;
            }
            (Some(_), Format::Text) if self.common.quiet => {}
            _ => self.common.print(&report, shown::text)?,
        }
        Ok(0)
    }

    /// Whether anybody is told the digest of the result: of a large one it takes a while.
    fn tells_digest(&self) -> bool {
        self.common.format == Format::Json
    }

    fn report(&self, host: Option<&Host>) -> ComposeReport {
        ComposeReport {
            schema: "plugtool.compose/0",
            tool: tool(),
            config: host.and_then(|host| host.config.clone()),
            world: None,
            output: None,
            sha256: None,
            size: None,
            script: None,
            components: Vec::new(),
            wires: Vec::new(),
            exports: Vec::new(),
            imports: Vec::new(),
            stubs: Vec::new(),
            diagnostics: Vec::new(),
        }
    }

    /// Nothing is written. Text goes to standard error, because standard output is for the result.
    fn refuse(&self, mut report: ComposeReport, findings: Vec<Diagnostic>) -> Result<u8, Failure> {
        report.diagnostics = findings;
        match self.common.format {
            Format::Json => self.common.print(&report, shown::text)?,
            Format::Text => {
                let _ =
                    write!(anstream::stderr(), "{}", shown::text(&report, self.common.detail()));
            }
        }
        // Without a result there is nothing to pass, whatever the findings weigh.
        Ok(1)
    }
}

/// A component that was given.
#[derive(Clone)]
struct Opened {
    component: Component,
    /// Whether it was a core module.
    adapted: bool,
}

/// Opens a component; a core module becomes one where the host wants that.
fn open(
    name: &str,
    path: &str,
    host: Option<&Host>,
) -> Result<Result<Opened, Vec<Diagnostic>>, Failure> {
    let (component, report) = match host {
        Some(host) => judge::open_for(name, path, host),
        None => judge::open(name, path, None),
    };
    // What the host's policy says of a file's size is for `check` and `gate`.
    match (component, report.failure) {
        (Some(component), _) => Ok(Ok(Opened { component, adapted: report.adapted })),
        (None, Some(failure)) => Err(Failure::internal(anyhow::anyhow!("{path}: {failure}"))),
        (None, None) => Ok(Err(report.diagnostics)),
    }
}

/// Takes the bytes of the largest part that takes part, and says which that is.
fn give_largest(parts: &mut [Component], plan: &Plan) -> Option<(usize, Vec<u8>)> {
    let used = plan.used.iter().copied().filter(|&index| index < parts.len());
    let largest = used.max_by_key(|&index| parts[index].bytes.len())?;
    Some((largest, parts[largest].give_bytes()))
}

/// What is to be composed.
struct Planned {
    /// Indices into the host's adapters.
    adapters: Vec<usize>,
    /// Over the parts, and the adapters behind them.
    plan: Plan,
    /// The world that it targets.
    world: Option<String>,
    /// What to say beside, should it not target the world after all.
    note: Option<Diagnostic>,
}

/// The wiring of the parts, with those of the host's adapters that they need.
fn plan(
    nodes: &[Node<'_>],
    host: Option<&Host>,
    wishes: Wishes<'_>,
) -> Result<Result<Planned, Vec<Diagnostic>>, Failure> {
    let Some(host) = host else {
        let plan = wiring::wire(nodes, &wishes);
        return Ok(plan.map(|plan| Planned {
            adapters: Vec::new(),
            plan,
            world: None,
            note: None,
        }));
    };
    let pool: Vec<Node<'_>> = host.adapters.iter().map(node).collect();
    let mut near = None;
    for target in &host.worlds {
        let sides = world::Host { world: target, provides: &host.provides };
        let wishes = Wishes { target: Some(sides), ..wishes };
        match search::adapt(nodes, &pool, &wishes) {
            Outcome::Way(way) => {
                return Ok(Ok(Planned {
                    adapters: way.adapters,
                    plan: way.plan,
                    world: target.name.clone(),
                    note: None,
                }));
            }
            Outcome::NoWay(attempt) => {
                near = near.or(attempt.map(|attempt| (attempt, target.name.clone())));
            }
            Outcome::OutOfBudget => {
                return Err(Failure::internal(anyhow::anyhow!(search::out_of_budget())));
            }
        }
    }
    // Nothing fits: what is wrong with the parts alone is the most useful thing to say.
    let sides = world::Host { world: &host.worlds[0], provides: &host.provides };
    let wishes = Wishes { target: Some(sides), ..wishes };
    let near = near.map(|(attempt, world)| {
        let world = world.unwrap_or_default();
        wiring::no_adapter_path(&attempt, &world).severity(Severity::Note)
    });
    Ok(match wiring::wire(nodes, &wishes) {
        Ok(plan) => {
            let world = host.worlds[0].name.clone();
            Ok(Planned { adapters: Vec::new(), plan, world, note: near })
        }
        Err(mut findings) => {
            findings.extend(near);
            Err(findings)
        }
    })
}

/// Why an adapter is there: what it gives, to whom, and what the given components have instead.
fn reasons(used: &[&Component], given: usize, plan: &Plan, adapter: usize) -> Vec<String> {
    let instead = |name: &str| {
        let base = ExternName::parse(name).base;
        let having = used[..given].iter().find_map(|component| {
            let exports = &component.world.exports;
            let same = world::find(exports, name).map(|(name, _)| (component, name, true));
            let other = exports.keys().find(|other| ExternName::parse(other).base == base);
            same.or(other.map(|name| (component, name.as_str(), false)))
        });
        match having {
            Some((component, _, true)) => format!("{} has another type there", component.name),
            Some((component, other, false)) => format!("{} has {other}", component.name),
            None => "no given component has it".to_owned(),
        }
    };
    let to_host = plan.outlets.iter().filter(|outlet| outlet.exporter == adapter).map(|outlet| {
        format!("gives {}, which the world demands; {}", outlet.name, instead(&outlet.name))
    });
    let to_others = plan.wires.iter().filter(|wire| wire.exporter == adapter).map(|wire| {
        let importer = &used[wire.importer].name;
        format!("gives {}, which {importer} imports; {}", wire.import, instead(&wire.import))
    });
    to_host.chain(to_others).collect()
}

/// What draws a graph.
type Draw = fn(&ComposeReport) -> String;

/// What draws the file that is asked for, by its ending.
fn graph_kind(path: &Path) -> Result<Draw, Failure> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("dot") => Ok(shown::dot),
        Some("mmd") => Ok(shown::mermaid),
        _ => Err(Failure::usage(anyhow::anyhow!(
            "--graph {}: the file must end in .dot or .mmd",
            path.display()
        ))),
    }
}

fn describe(
    report: &mut ComposeReport,
    used: &[&Component],
    given: usize,
    adapted: &BTreeSet<String>,
    plan: &Plan,
    composed: &Component,
) {
    let place = |index: usize| plan.used.iter().position(|&other| other == index).unwrap_or(0);
    let name = |index: usize| used[index].name.clone();
    let stub = |index: usize| {
        plan.wires.iter().any(|wire| wire.exporter == index && wire.why == Why::Stub)
    };
    report.components = plan
        .used
        .iter()
        .map(|&i| ComponentUsed {
            name: name(i),
            sha256: used[i].sha256().to_owned(),
            adapter: i >= given && !stub(i),
            stub: stub(i),
            adapted: adapted.contains(used[i].sha256()),
            why: if i >= given && !stub(i) { reasons(used, given, plan, i) } else { Vec::new() },
        })
        .collect();
    report.wires = plan
        .wires
        .iter()
        .map(|wire| WireShown {
            importer: name(wire.importer),
            import: wire.import.clone(),
            exporter: name(wire.exporter),
            export: wire.export.clone(),
            why: wire.why.text(),
            from: (place(wire.importer), place(wire.exporter)),
        })
        .collect();
    report.exports = plan
        .outlets
        .iter()
        .map(|outlet| ExportFrom {
            name: outlet.name.clone(),
            from: name(outlet.exporter),
            component: place(outlet.exporter),
        })
        .collect();
    report.imports = composed.world.imports.keys().cloned().collect();
    report.size = Some(composed.size);
}
