//! `plugtool adapt`.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use clap::Args;

use super::{Common, EXIT_STATUS, Failure, Format, write_whole};
use crate::adapter::{self, AdaptError};
use crate::component::{self, Component};
use crate::diagnostic::{AdaptReport, Diagnostic, WitPath};
use crate::input::{self, Input, InputError, Kind};
use crate::judge::{tool, unreadable};
use crate::render::text;
use crate::world;

/// Make a component out of a core module
///
/// A module that uses WASI preview 1 gets the adapter of the engine's version: the command adapter where
/// it exports `_start`, otherwise the reactor adapter. Component types that a binding generator embedded
/// decide what else it imports and exports. A component is written as it is.
#[derive(Args)]
#[command(after_help = EXIT_STATUS, after_long_help = format!("\
Examples:
  plugtool adapt module.wasm -o plugin.wasm
  GOOS=wasip1 GOARCH=wasm go build -o main.wasm && plugtool adapt main.wasm -o plugin.wasm

{EXIT_STATUS}"))]
pub struct Adapt {
    /// The core module: a path or `-`, binary or text
    #[arg(value_name = "MODULE")]
    module: String,
    /// Where to write the component [default: standard output; on a terminal, only the report]
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

impl Adapt {
    pub(super) fn run(self) -> Result<u8, Failure> {
        let (name, path) = input::split_name(&self.module);
        let mut report = AdaptReport {
            schema: "plugtool.adapt/0",
            tool: tool(),
            path: path.to_owned(),
            source_sha256: None,
            unchanged: false,
            preview1: None,
            output: None,
            sha256: None,
            size: None,
            imports: Vec::new(),
            exports: Vec::new(),
            diagnostics: Vec::new(),
        };
        let read = match input::read(&name, path) {
            Ok(read) => read,
            Err(error @ InputError::System(_)) => {
                return Err(Failure::internal(anyhow::anyhow!("{path}: {error}")));
            }
            Err(error) => {
                return self.refuse(report, unreadable(&error).at(WitPath::root("file", path)));
            }
        };
        let component = match adapt(read, &mut report) {
            Ok(component) => component,
            Err(AdaptError::Refused(finding)) => {
                return self.refuse(report, finding.at(WitPath::root("file", path)));
            }
            Err(error) => return Err(Failure::internal(error)),
        };
        report.imports = used(&component.world);
        report.exports = component.world.exports.keys().cloned().collect();
        report.sha256 = Some(input::digest(&component.bytes));
        report.size = Some(component.bytes.len() as u64);
        if let Some(path) = &self.output {
            write_whole(path, &component.bytes)?;
            report.output = Some(path.display().to_string());
        }
        match (&self.output, self.common.format) {
            (None, Format::Text) if !io::stdout().is_terminal() => {
                let mut stdout = io::stdout().lock();
                let written = stdout.write_all(&component.bytes).and_then(|()| stdout.flush());
                written.map_err(Failure::internal)?;
            }
            (Some(_), Format::Text) if self.common.quiet => {}
            _ => self.common.print(&report, text::adapt)?,
        }
        Ok(0)
    }

    /// Nothing is written. Text goes to standard error, because standard output is for the result.
    fn refuse(&self, mut report: AdaptReport, finding: Diagnostic) -> Result<u8, Failure> {
        report.diagnostics.push(finding);
        match self.common.format {
            Format::Json => self.common.print(&report, text::adapt)?,
            Format::Text => {
                let _ =
                    write!(anstream::stderr(), "{}", text::adapt(&report, self.common.detail()));
            }
        }
        Ok(1)
    }
}

fn adapt(read: Input, report: &mut AdaptReport) -> Result<Component, AdaptError> {
    report.source_sha256 = Some(read.sha256().to_owned());
    let component = if read.kind == Kind::Module {
        let adapted = adapter::adapt_module(&read)?;
        report.preview1 = adapted.preview1.map(|adapter| adapter.name());
        adapted.into_input(read)
    } else {
        report.unchanged = true;
        read
    };
    component::decode(component).map_err(AdaptError::Refused)
}

/// The imports that ask something of a host, in their order.
fn used(world: &world::World) -> Vec<String> {
    let asked = world.imports.keys().filter(|name| !world::asks_nothing(world, name));
    asked.cloned().collect()
}
