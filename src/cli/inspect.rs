//! `plugtool inspect`.

use clap::Args;

use super::{Common, EXIT_STATUS, Failure};
use crate::component::{self, Subject};
use crate::diagnostic::{InspectReport, Inspection, ItemShown, WitPath};
use crate::input::{self, InputError};
use crate::judge::{tool, unreadable};
use crate::render::text;
use crate::world::{Item, World};

/// Say what files are: kind, size, digest, imports, exports, toolchain
#[derive(Args)]
#[command(after_help = EXIT_STATUS, after_long_help = format!("\
Examples:
  plugtool inspect plugin.wasm
  plugtool inspect -v plugin.wasm           every function of every interface
  plugtool inspect --format json *.wasm

{EXIT_STATUS}"))]
pub struct Inspect {
    /// Files to look at: paths or `-`, binary or text, each as PATH or NAME=PATH
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    #[command(flatten)]
    common: Common,
}

impl Inspect {
    pub(super) fn run(self) -> Result<u8, Failure> {
        let files: Vec<Inspection> = self.files.iter().map(|file| inspect(file)).collect();
        let status = files.iter().map(|file| self.common.status(&file.diagnostics)).max();
        let report = InspectReport { schema: "plugtool.inspect/0", tool: tool(), files };
        self.common.print(&report, text::inspect)?;
        Ok(status.unwrap_or(0))
    }
}

fn inspect(argument: &str) -> Inspection {
    let (name, path) = input::split_name(argument);
    let mut seen = Inspection {
        name: name.clone(),
        path: path.to_owned(),
        kind: None,
        sha256: None,
        size: None,
        imports: Vec::new(),
        exports: Vec::new(),
        producers: indexmap::IndexMap::new(),
        components: 0,
        modules: 0,
        functions: 0,
        diagnostics: Vec::new(),
    };
    let input = match input::read(&name, path) {
        Ok(input) => input,
        Err(error) => {
            if let InputError::Text { sha256, size, .. } = &error {
                seen.sha256 = Some(sha256.clone());
                seen.size = Some(*size);
            }
            seen.diagnostics.push(unreadable(&error).at(WitPath::root("file", path)));
            return seen;
        }
    };
    seen.sha256 = Some(input.sha256.clone());
    seen.size = Some(input.size);
    match component::identify(input) {
        Ok(Subject::Component(component)) => {
            seen.kind = Some("component");
            seen.imports = shown(&component.world, component.world.imports.iter());
            seen.exports = shown(&component.world, component.world.exports.iter());
            seen.producers = component.producers;
            seen.components = component.nested.components;
            seen.modules = component.nested.modules;
            seen.functions = component.nested.functions;
        }
        Ok(Subject::Module(module)) => {
            seen.kind = Some("core module");
            let item = |name: String| ItemShown {
                name,
                kind: "core item",
                ty: String::new(),
                items: indexmap::IndexMap::new(),
            };
            seen.imports =
                module.imports.into_iter().map(|(m, n)| item(format!("{m} {n}"))).collect();
            seen.exports = module.exports.into_iter().map(item).collect();
            seen.producers = module.producers;
            seen.functions = module.functions;
        }
        Ok(Subject::WitPackage) => seen.kind = Some("WIT package"),
        Ok(Subject::Precompiled) => seen.kind = Some("precompiled artifact"),
        Err(finding) => seen.diagnostics.push(finding.at(WitPath::root("file", path))),
    }
    seen
}

fn shown<'a>(world: &World, items: impl Iterator<Item = (&'a String, &'a Item)>) -> Vec<ItemShown> {
    items
        .map(|(name, item)| ItemShown {
            name: name.clone(),
            kind: item.kind(),
            ty: world.item(item),
            items: match item {
                Item::Instance(instance) => instance
                    .items
                    .iter()
                    .map(|(name, item)| (name.clone(), world.item(item)))
                    .collect(),
                _ => indexmap::IndexMap::new(),
            },
        })
        .collect()
}
