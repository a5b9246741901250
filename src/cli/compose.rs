//! `plugtool compose`.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use clap::Args;

use super::{Common, EXIT_STATUS, Failure, Format, HostArgs, write_whole};
use crate::component::Component;
use crate::config::{self, Host, Policy};
use crate::diagnostic::{AdapterUse, ComposeReport, Diagnostic, ExportFrom, WireShown};
use crate::judge::{self, node, tool};
use crate::render::text;
use crate::wiring::{self, Node, Plan};
use crate::{check, compose, input, world};

/// Make one component out of several
///
/// Every import gets the export of another component that has its name (or is on its semver track)
/// and its type; what nobody feeds is an import of the result. With a host, the host's adapters are
/// used where they are needed, and the result is checked against the host's world.
#[derive(Args)]
#[command(after_help = EXIT_STATUS, after_long_help = format!("\
Examples:
  plugtool compose plugin.wasm adapter.wasm -o composed.wasm
  plugtool compose plugin.wasm --host their-host/ -o composed.wasm

{EXIT_STATUS}"))]
pub struct Compose {
    /// Components: paths or `-`, binary or text, each as PATH or NAME=PATH
    #[arg(required = true, value_name = "COMPONENT")]
    components: Vec<String>,
    /// Where to write the result [default: standard output; on a terminal, only the plan]
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
    /// A component to put between others; all that are given are used
    #[arg(long, value_name = "ADAPTER")]
    adapter: Vec<PathBuf>,
    #[command(flatten)]
    host: HostArgs,
    #[command(flatten)]
    common: Common,
}

impl Compose {
    pub(super) fn run(self) -> Result<u8, Failure> {
        let host = if self.host.named() { Some(self.host.load()?) } else { None };
        let adapters = self.adapter.iter().map(|path| config::load_adapter(path));
        let adapters = adapters.collect::<Result<Vec<_>, _>>()?;

        let mut parts = Vec::new();
        let mut findings = Vec::new();
        for argument in &self.components {
            let (name, path) = input::split_name(argument);
            let (component, report) = judge::open(&name, path, &Policy::default());
            parts.extend(component);
            findings.extend(report.diagnostics);
        }
        let mut report = self.report(host.as_ref());
        if !findings.is_empty() {
            return self.refuse(report, findings);
        }
        parts.extend(adapters);

        let (chosen, plan) = match plan(&parts, host.as_ref()) {
            Ok((chosen, plan, world)) => {
                report.world = world;
                (chosen, plan)
            }
            Err(findings) => return self.refuse(report, findings),
        };
        let pool = host.as_ref().map_or(&[][..], |host| &host.adapters);
        let used: Vec<&Component> =
            parts.iter().chain(chosen.into_iter().map(|index| &pool[index])).collect();
        let composed = compose::compose(&used, &plan).map_err(Failure::internal)?;
        if let Some(host) = &host {
            let finding = check::check(&composed, host);
            if !finding.diagnostics.is_empty() {
                return self.refuse(report, finding.diagnostics);
            }
        }
        describe(&mut report, &used, &plan, &composed);
        if let Some(path) = &self.output {
            write_whole(path, &composed.bytes)?;
            report.output = Some(path.display().to_string());
        }
        match (&self.output, self.common.format) {
            (None, Format::Text) if !io::stdout().is_terminal() => {
                let mut stdout = io::stdout().lock();
                let written = stdout.write_all(&composed.bytes).and_then(|()| stdout.flush());
                written.map_err(Failure::internal)?;
            }
            (Some(_), Format::Text) if self.common.quiet => {}
            _ => self.common.print(&report, text::compose)?,
        }
        Ok(0)
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
            components: Vec::new(),
            wires: Vec::new(),
            exports: Vec::new(),
            imports: Vec::new(),
            diagnostics: Vec::new(),
        }
    }

    /// Nothing is written. Text goes to standard error, because standard output is for the result.
    fn refuse(&self, mut report: ComposeReport, findings: Vec<Diagnostic>) -> Result<u8, Failure> {
        report.diagnostics = findings;
        match self.common.format {
            Format::Json => self.common.print(&report, text::compose)?,
            Format::Text => {
                let _ =
                    write!(anstream::stderr(), "{}", text::compose(&report, self.common.detail()));
            }
        }
        // Without a result there is nothing to pass, whatever the findings weigh.
        Ok(1)
    }
}

/// The wiring of the parts, with those of the host's adapters that they need: indices into the
/// host's adapters, the plan over parts and adapters, and the world that it targets.
fn plan(
    parts: &[Component],
    host: Option<&Host>,
) -> Result<(Vec<usize>, Plan, Option<String>), Vec<Diagnostic>> {
    let nodes: Vec<Node<'_>> = parts.iter().map(node).collect();
    let Some(host) = host else {
        return Ok((Vec::new(), wiring::wire(&nodes, None)?, None));
    };
    let pool: Vec<Node<'_>> = host.adapters.iter().map(node).collect();
    for target in &host.worlds {
        let sides = world::Host { world: target, provides: &host.provides };
        if let Some((chosen, plan)) = wiring::adapt(&nodes, &pool, sides) {
            return Ok((chosen, plan, target.name.clone()));
        }
    }
    // Nothing fits: what is wrong with the parts alone is the most useful thing to say.
    let sides = world::Host { world: &host.worlds[0], provides: &host.provides };
    let plan = wiring::wire(&nodes, Some(sides))?;
    Ok((Vec::new(), plan, host.worlds[0].name.clone()))
}

fn describe(report: &mut ComposeReport, used: &[&Component], plan: &Plan, composed: &Component) {
    let name = |index: usize| used[index].name.clone();
    report.components = plan
        .used
        .iter()
        .map(|&i| AdapterUse { name: name(i), sha256: used[i].sha256.clone() })
        .collect();
    report.wires = plan
        .wires
        .iter()
        .map(|wire| WireShown {
            importer: name(wire.importer),
            import: wire.import.clone(),
            exporter: name(wire.exporter),
            export: wire.export.clone(),
        })
        .collect();
    report.exports = plan
        .outlets
        .iter()
        .map(|outlet| ExportFrom { name: outlet.name.clone(), from: name(outlet.exporter) })
        .collect();
    report.imports = composed.world.imports.keys().cloned().collect();
    report.sha256 = Some(composed.sha256.clone());
    report.size = Some(composed.size);
}
