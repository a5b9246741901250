//! Takes large core modules out of a component: each becomes an import of a module, as `wasm-tools
//! component unbundle` makes them, so that it can be compiled once for all components that have it.
//!
//! What is left is the same component to whoever has the modules: an import takes the very place of its
//! module, and nothing else moves. Where that cannot be had, the component stays whole.

mod module_type;

use std::ops::Range;

use wasm_encoder::{
    Alias, ComponentAliasSection, ComponentImportSection, ComponentOuterAliasKind,
    ComponentSection, ComponentTypeRef, CoreTypeSection, Encode,
};
use wasmparser::{
    BinaryReader, ComponentAlias, ComponentAliasSectionReader, ComponentExternalKind,
    ComponentOuterAliasKind as Outer, Validator,
};

use super::FEATURES;

/// A component without its large core modules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// The component with imports in the places of its modules: of [`import_name`] 0, 1, ...
    pub rest: Vec<u8>,
    /// Where the modules are in the component, in the order of their imports.
    pub modules: Vec<Range<usize>>,
}

/// Which way of taking components apart this is: to be counted up where it changes, since what came of it is
/// kept.
pub const SPLIT: u32 = 1;

/// What the module of this index is imported as.
pub fn import_name(index: usize) -> String {
    format!("{PREFIX}{index}")
}

const PREFIX: &str = "plugtool-module-";

/// Takes every module out of a valid component that has at least `least` bytes of code. Nothing where
/// there is none, or where what is left would not be the same component.
pub fn split(bytes: &[u8], least: usize) -> Option<Split> {
    let root = sections(bytes, 0..bytes.len())?;
    let mut taken = Taken { bytes, least, at: Vec::new(), types: Vec::new() };
    let mut rest = Vec::with_capacity(bytes.len() / 2);
    let own = root.iter().any(|section| section.id == MODULE && taken.wants(section));
    if own {
        taken.of_root(&root, &mut rest)?
    } else {
        taken.of_nested(&root, &mut rest)?
    }
    // A name of its own, or an engine that wants something else: then it is compiled as it is.
    Validator::new_with_features(FEATURES).validate_all(&rest).ok()?;
    Some(Split { rest, modules: taken.at })
}

/// Sections of a component, by number (component model, Binary.md).
const MODULE: u8 = 1;
const CORE_TYPE: u8 = 3;
const COMPONENT: u8 = 4;
const ALIAS: u8 = 6;

/// The number of the code section of a core module.
const CODE: u8 = 10;

/// Bytes of the preamble.
const PREAMBLE: usize = 8;

/// A section, as it stands in the file.
struct Section {
    id: u8,
    /// With its number and size.
    whole: Range<usize>,
    body: Range<usize>,
}

fn sections(bytes: &[u8], within: Range<usize>) -> Option<Vec<Section>> {
    let mut sections = Vec::new();
    let mut at = within.start.checked_add(PREAMBLE)?;
    while at < within.end {
        let mut reader = BinaryReader::new(bytes.get(at..within.end)?, at);
        let id = reader.read_u8().ok()?;
        let size = usize::try_from(reader.read_var_u32().ok()?).ok()?;
        let body = reader.original_position()..reader.original_position().checked_add(size)?;
        if body.end > within.end {
            return None;
        }
        sections.push(Section { id, whole: at..body.end, body: body.clone() });
        at = body.end;
    }
    Some(sections)
}

/// What was taken out so far.
struct Taken<'b> {
    bytes: &'b [u8],
    least: usize,
    at: Vec<Range<usize>>,
    /// The type of each.
    types: Vec<wasm_encoder::ModuleType>,
}

impl Taken<'_> {
    /// Whether it is a module with enough code.
    fn wants(&self, section: &Section) -> bool {
        section.id == MODULE
            && section.body.len() >= self.least
            && sections(self.bytes, section.body.clone()).is_some_and(|inner| {
                inner.iter().any(|part| part.id == CODE && part.body.len() >= self.least)
            })
    }

    /// Takes note of a module; the index of its import.
    fn take(&mut self, section: &Section) -> Option<usize> {
        self.types.push(module_type::of(&self.bytes[section.body.clone()])?);
        self.at.push(section.body.clone());
        Some(self.at.len() - 1)
    }

    /// The root has large modules itself: an import stands where each was.
    fn of_root(&mut self, root: &[Section], rest: &mut Vec<u8>) -> Option<()> {
        // The imports bring core types with them, and would move those that are there.
        if root.iter().any(|section| section.id == CORE_TYPE || self.aliases(section, is_type)) {
            return None;
        }
        rest.extend_from_slice(self.bytes.get(..PREAMBLE)?);
        for section in root {
            if self.wants(section) {
                let index = self.take(section)?;
                import(index, &self.types[index], rest)?;
            } else {
                rest.extend_from_slice(&self.bytes[section.whole.clone()]);
            }
        }
        Some(())
    }

    /// Components within the root have them, as in what was composed: the root imports, and an outer alias
    /// stands where each was. The root must have no modules of its own, which would move.
    fn of_nested(&mut self, root: &[Section], rest: &mut Vec<u8>) -> Option<()> {
        let moves =
            |section: &Section| self.aliases(section, is_type) || self.aliases(section, is_module);
        if root.iter().any(|section| [MODULE, CORE_TYPE].contains(&section.id) || moves(section)) {
            return None;
        }
        let mut inner = Vec::new();
        for section in root {
            self.rewrite(section, 1, &mut inner)?;
        }
        if self.at.is_empty() {
            return None;
        }
        rest.extend_from_slice(self.bytes.get(..PREAMBLE)?);
        for (index, ty) in self.types.iter().enumerate() {
            import(index, ty, rest)?;
        }
        rest.append(&mut inner);
        Some(())
    }

    /// Copies a section of a component; what is in a nested component, `depth` levels below the root,
    /// without its large modules.
    fn rewrite(&mut self, section: &Section, depth: u32, to: &mut Vec<u8>) -> Option<()> {
        if section.id != COMPONENT {
            to.extend_from_slice(&self.bytes[section.whole.clone()]);
            return Some(());
        }
        let inner = sections(self.bytes, section.body.clone())?;
        let mut body = self.bytes.get(section.body.start..section.body.start + PREAMBLE)?.to_vec();
        for part in &inner {
            if self.wants(part) {
                let index = u32::try_from(self.take(part)?).ok()?;
                let mut aliases = ComponentAliasSection::new();
                let kind = ComponentOuterAliasKind::CoreModule;
                aliases.alias(Alias::Outer { kind, count: depth, index });
                aliases.append_to_component(&mut body);
            } else {
                self.rewrite(part, depth + 1, &mut body)?;
            }
        }
        to.push(COMPONENT);
        u32::try_from(body.len()).ok()?.encode(to);
        to.append(&mut body);
        Some(())
    }

    /// Whether a section has an alias of this kind, or cannot be read.
    fn aliases(&self, section: &Section, kind: fn(&ComponentAlias<'_>) -> bool) -> bool {
        if section.id != ALIAS {
            return false;
        }
        let body = BinaryReader::new(&self.bytes[section.body.clone()], section.body.start);
        let Ok(reader) = ComponentAliasSectionReader::new(body) else { return true };
        reader.into_iter().any(|alias| alias.map_or(true, |alias| kind(&alias)))
    }
}

fn is_type(alias: &ComponentAlias<'_>) -> bool {
    matches!(alias, ComponentAlias::Outer { kind: Outer::CoreType, .. })
}

fn is_module(alias: &ComponentAlias<'_>) -> bool {
    matches!(
        alias,
        ComponentAlias::Outer { kind: Outer::CoreModule, .. }
            | ComponentAlias::InstanceExport { kind: ComponentExternalKind::Module, .. }
    )
}

/// Writes an import of a module, and its type before it. There are no other core types: both have
/// the same index.
fn import(index: usize, ty: &wasm_encoder::ModuleType, to: &mut Vec<u8>) -> Option<()> {
    let mut types = CoreTypeSection::new();
    types.ty().module(ty);
    types.append_to_component(to);
    let mut imports = ComponentImportSection::new();
    let type_index = u32::try_from(index).ok()?;
    imports.import(import_name(index).as_str(), ComponentTypeRef::Module(type_index));
    imports.append_to_component(to);
    Some(())
}
