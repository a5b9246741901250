//! `plugtool inspect`.

use std::io::Write;

use clap::Args;
use indexmap::IndexMap;

use super::{Common, EXIT_STATUS, Failure, Format, print};
use crate::component::{self, Component, FEATURES, Subject};
use crate::compose::{self, Provenance};
use crate::diagnostic::{
    AdapterUse, Code, CompositionShown, Diagnostic, InspectReport, Inspection, ItemShown,
    PackageShown, Severity, WireSaid, WitPath, WorldShown,
};
use crate::input::{self, InputError, Kind};
use crate::judge::{tool, unreadable};
use crate::render::text::diagnostics;
use crate::render::{clean, inspect as text};
use crate::world::{
    Item, MAX_TEXT, Package, Signatures, ToWitError, WitText, World, checked_package_wit,
    checked_wit,
};

/// Say what files are: kind, size, what they ask for, who made them, imports, exports
///
/// Several files make a table of what each asks for. WIT packages, core modules and compiled
/// artifacts are recognised and named; nothing is run.
#[derive(Args)]
#[command(after_help = EXIT_STATUS, after_long_help = format!("\
Examples:
  plugtool inspect plugin.wasm
  plugtool inspect -v plugin.wasm           every function, and where the bytes go
  plugtool inspect --wit plugin.wasm        its world as WIT
  plugtool inspect *.wasm                   what each of them asks for
  plugtool inspect --format json *.wasm

{EXIT_STATUS}"))]
pub struct Inspect {
    /// Files to look at: paths or `-`, binary or text, each as PATH or NAME=PATH
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    /// Print the world of a component, or a WIT package, as WIT; with JSON, add it to the report
    #[arg(long)]
    wit: bool,
    #[command(flatten)]
    common: Common,
}

impl Inspect {
    pub(super) fn run(self) -> Result<u8, Failure> {
        if self.wit && self.common.format == Format::Text && self.files.len() > 1 {
            return Err(Failure::usage(anyhow::anyhow!(
                "--wit prints the WIT of one file; name one, or use --format json"
            )));
        }
        let mut files = Vec::new();
        for argument in &self.files {
            files.push(inspect(argument, self.wit));
        }
        let found = files.iter().map(|file| self.common.status(&file.diagnostics)).max();
        let failed = files.iter().any(|file| file.failure.is_some());
        if self.wit && self.common.format == Format::Text {
            for file in &files {
                let mut said = diagnostics(&file.diagnostics);
                if let Some(failure) = &file.failure {
                    said.push_str(&format!("error: {}: {}\n", clean(&file.path), clean(failure)));
                }
                let _ = write!(anstream::stderr(), "{said}");
                print(&file.wit.as_deref().map(text::wit).unwrap_or_default())?;
            }
        } else {
            let report = InspectReport { schema: "plugtool.inspect/0", tool: tool(), files };
            self.common.print(&report, text::inspect)?;
        }
        Ok(if failed { 3 } else { found.unwrap_or(0) })
    }
}

fn inspect(argument: &str, wit: bool) -> Inspection {
    let (name, path) = input::split_name(argument);
    let mut seen =
        Inspection { name: name.clone(), path: path.to_owned(), ..Inspection::default() };
    let at = |finding: Diagnostic| finding.at(WitPath::root("file", path));
    let input = match input::read(&name, path) {
        Ok(input) => input,
        Err(error @ InputError::System(_)) => {
            seen.failure = Some(error.to_string());
            return seen;
        }
        Err(error) => {
            if let InputError::Text { sha256, size, .. } = &error {
                seen.sha256 = Some(sha256.clone());
                seen.size = Some(*size);
            }
            seen.diagnostics.push(at(unreadable(&error)));
            return seen;
        }
    };
    let digest = input.digest.clone();
    seen.size = Some(input.size);
    if input.kind == Kind::OldComponent {
        seen.kind = Some("component in another encoding");
    }
    let sizes = match input.kind {
        Kind::Component | Kind::Module => component::anatomy(&input.bytes),
        _ => None,
    };
    let subject = component::identify(input);
    seen.sha256 = digest.known();
    let subject = match subject {
        Ok(subject) => subject,
        Err(finding) => {
            seen.diagnostics.push(at(*finding));
            return seen;
        }
    };
    if let Some(sizes) = &sizes {
        seen.toolchain = component::toolchain(sizes);
        let info = component::debug_info(sizes);
        seen.debug = (info != Default::default()).then_some(info);
        seen.diagnostics.extend(component::debug_build(&info, sizes.bytes).map(at));
    }
    let mut text = None;
    match subject {
        Subject::Component(component) => {
            if wit {
                text = Some(checked_wit(&component.world, FEATURES));
            }
            of_component(&mut seen, *component);
        }
        Subject::Module(module) => {
            seen.kind = Some("core module");
            seen.details = module.roles(sizes.as_ref());
            seen.capabilities = Some(component::module_requests(&module));
            seen.imports = module.imports_shown();
            seen.exports = module.exports_shown();
            seen.memories = module.memories;
            seen.producers = module.producers;
            seen.functions = module.functions;
        }
        Subject::WitPackage(package) => {
            seen.kind = Some("WIT package");
            seen.package = Some(of_package(&package));
            if wit {
                text = Some(checked_package_wit(&package, FEATURES));
            }
        }
        Subject::Precompiled(artifact) => {
            if artifact.wasmtime {
                seen.kind = Some("precompiled artifact");
                seen.details.push(artifact.words());
            } else {
                seen.kind = Some("ELF object");
                seen.details.push("perhaps what another engine compiled in advance".to_owned());
            }
        }
    }
    seen.sizes = sizes;
    if wit {
        // Notes are for those who read about the file, not for those who read its WIT.
        seen.diagnostics.retain(|finding| finding.severity > Severity::Note);
        match text {
            Some(text) => add_wit(&mut seen, text),
            None => seen.diagnostics.push(at(no_world(seen.kind))),
        }
    }
    seen
}

fn add_wit(seen: &mut Inspection, text: Result<WitText, ToWitError>) {
    match text {
        Ok(text) => {
            seen.wit = Some(text.text);
            seen.wit_left_out = text.left_out;
        }
        Err(error) => seen.failure = Some(error.to_string()),
    }
}

fn no_world(kind: Option<&str>) -> Diagnostic {
    let kind = kind.unwrap_or("no component");
    Diagnostic::error(Code::NotAComponent, format!("it has no world to print: it is a {kind}"))
        .help("`plugtool inspect` without --wit says what is in it")
}

fn of_component(seen: &mut Inspection, component: Component) {
    let world = &component.world;
    let mut signatures = Signatures::new(world, MAX_TEXT);
    seen.kind = Some("component");
    seen.composition = compose::provenance(&component.bytes).map(composition);
    seen.capabilities = Some(component::requests(world));
    seen.imports = shown(world, &world.imports, &mut signatures);
    seen.exports = shown(world, &world.exports, &mut signatures);
    seen.producers = component.producers;
    seen.components = component.nested.components;
    seen.modules = component.nested.modules;
    seen.functions = component.nested.functions;
}

/// What a component says of how it was composed. It may say anything: indices that lead nowhere are
/// left out.
fn composition(said: Provenance) -> CompositionShown {
    let name = |index: usize| said.components.get(index).map(|part| part.name.clone());
    let wire = |seam: &compose::Seam| {
        Some(WireSaid {
            importer: name(seam.importer)?,
            import: seam.import.clone(),
            exporter: name(seam.exporter)?,
            export: seam.export.clone(),
        })
    };
    CompositionShown {
        tool: format!("{} {}", said.tool.0, said.tool.1),
        wires: said.wires.iter().filter_map(wire).collect(),
        components: said
            .components
            .iter()
            .map(|part| AdapterUse { name: part.name.clone(), sha256: part.sha256.clone() })
            .collect(),
    }
}

fn of_package(package: &Package) -> PackageShown {
    let mut left = MAX_TEXT;
    let mut with = |world: &World, table: &IndexMap<String, Item>| {
        let mut signatures = Signatures::new(world, left);
        let rows = shown(world, table, &mut signatures);
        left = signatures.left();
        rows
    };
    PackageShown {
        name: package.name(),
        interfaces: package
            .interfaces
            .iter()
            .flat_map(|world| with(world, &world.exports))
            .collect(),
        worlds: package
            .worlds
            .iter()
            .map(|world| WorldShown {
                name: world.name.clone().unwrap_or_default(),
                imports: with(world, &world.imports),
                exports: with(world, &world.exports),
            })
            .collect(),
    }
}

fn shown(
    world: &World,
    items: &IndexMap<String, Item>,
    signatures: &mut Signatures<'_>,
) -> Vec<ItemShown> {
    let row = |(name, item): (&String, &Item)| ItemShown {
        name: name.clone(),
        kind: item.kind(),
        ty: match item {
            Item::Instance(_) => world.item(item),
            item => signatures.item(item),
        },
        items: match item {
            Item::Instance(instance) => instance
                .items
                .iter()
                .map(|(name, item)| (name.clone(), signatures.item(item)))
                .collect(),
            _ => IndexMap::new(),
        },
    };
    items.iter().map(row).collect()
}
