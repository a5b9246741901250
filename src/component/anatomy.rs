//! What the bytes of a file are spent on: every section, and everything nested, with its size, its
//! name and who made it. Reads headers only, never what is in a function.

use std::collections::HashMap;

use indexmap::IndexMap;
use wasmparser::{
    Chunk, ComponentExternalKind, ComponentName, ComponentOuterAliasKind, ComponentTypeRef,
    KnownCustom, Name, Parser, Payload,
};

use super::read_producers;
use crate::diagnostic::Part;

/// How deep nesting is followed. What is nested deeper is one part.
const MAX_DEPTH: usize = 20;

/// How many parts are told apart. Of what comes after that, only the size is added up.
const MAX_PARTS: usize = 10_000;

/// The number of the section that holds a core module (component model, Binary.md).
const MODULE_SECTION: u8 = 1;

/// Takes a component or a core module apart. The bytes need not be valid; none where they cannot be
/// followed to the end.
pub fn anatomy(bytes: &[u8]) -> Option<Part> {
    let mut parser = Parser::new(0);
    let mut offset = 0;
    let mut open: Vec<Open> = Vec::new();
    let mut current = Open::new("component", 0);
    let mut parts = 0;
    loop {
        let Ok(Chunk::Parsed { consumed, payload }) = parser.parse(bytes.get(offset..)?, true)
        else {
            return None;
        };
        offset += consumed;
        let section = payload.as_section();
        match payload {
            Payload::Version { encoding, .. } => {
                if encoding == wasmparser::Encoding::Module {
                    current.part.kind = "core module";
                }
                current.take("header", None, offset, &mut parts);
            }
            Payload::ModuleSection { parser: inner, unchecked_range: range }
            | Payload::ComponentSection { parser: inner, unchecked_range: range } => {
                let (one, many, counter) = match section {
                    Some((MODULE_SECTION, _)) => {
                        ("core module", "core modules", &mut current.modules)
                    }
                    _ => ("component", "components", &mut current.components),
                };
                let index = *counter;
                *counter += 1;
                if open.len() >= MAX_DEPTH || parts >= MAX_PARTS {
                    current.take(many, None, range.end, &mut parts);
                    offset = range.end;
                    continue;
                }
                parts += 1;
                let mut nested = Open::new(one, current.end);
                nested.index = index;
                nested.parser = Some(std::mem::replace(&mut parser, inner));
                current.end = range.end;
                open.push(std::mem::replace(&mut current, nested));
            }
            Payload::CodeSectionStart { range, .. } => {
                parser.skip_section();
                offset = range.end;
                current.take("code", None, range.end, &mut parts);
            }
            Payload::CustomSection(section) => {
                current.custom(&section.as_known());
                let name = section.name().to_owned();
                current.take("custom section", Some(name), section.range().end, &mut parts);
            }
            Payload::End(_) => {
                let finished = current.finish(offset);
                let Some(outer) = open.pop() else { return Some(finished.part) };
                current = outer;
                if let Some(outer) = finished.parser {
                    parser = outer;
                }
                current.nested.push((finished.index, finished.part));
            }
            payload => {
                current.count(&payload);
                if let Some((id, range)) = section {
                    let kind = section_kind(current.part.kind, id);
                    current.take(kind, None, range.end, &mut parts);
                }
            }
        }
    }
}

/// How many components and core modules are nested in a component, at any depth; counted up to one
/// more than `limit`, and up to where the bytes cannot be followed any further.
pub(super) fn count_nested(bytes: &[u8], limit: usize) -> usize {
    let mut parser = Parser::new(0);
    let mut open = Vec::new();
    let (mut offset, mut nested) = (0, 0);
    while let Some(rest) = bytes.get(offset..)
        && let Ok(Chunk::Parsed { consumed, payload }) = parser.parse(rest, true)
        && nested <= limit
    {
        offset += consumed;
        match payload {
            Payload::ModuleSection { unchecked_range: range, .. } => {
                nested += 1;
                offset = range.end;
            }
            Payload::ComponentSection { parser: inner, .. } => {
                nested += 1;
                open.push(std::mem::replace(&mut parser, inner));
            }
            Payload::CodeSectionStart { range, .. } => {
                parser.skip_section();
                offset = range.end;
            }
            Payload::End(_) => match open.pop() {
                Some(outer) => parser = outer,
                None => break,
            },
            _ => {}
        }
    }
    nested
}

/// A module or component whose end was not reached yet.
struct Open {
    part: Part,
    /// The parser of what it is nested in.
    parser: Option<Parser>,
    /// Where it begins, its own header included.
    start: usize,
    /// Up to where its bytes are accounted for.
    end: usize,
    /// Its place in the index space of what it is nested in.
    index: usize,
    sections: IndexMap<(&'static str, Option<String>), u64>,
    /// What is nested in it, with its index.
    nested: Vec<(usize, Part)>,
    /// How many modules and components there were so far, imported ones included.
    modules: usize,
    components: usize,
    module_names: HashMap<usize, String>,
    component_names: HashMap<usize, String>,
}

/// Something that was read to its end.
struct Finished {
    part: Part,
    parser: Option<Parser>,
    index: usize,
}

impl Open {
    fn new(kind: &'static str, start: usize) -> Open {
        Open {
            part: Part { kind, ..Part::default() },
            parser: None,
            start,
            end: start,
            index: 0,
            sections: IndexMap::new(),
            nested: Vec::new(),
            modules: 0,
            components: 0,
            module_names: HashMap::new(),
            component_names: HashMap::new(),
        }
    }

    /// Accounts for the bytes up to `end`: a section with its header.
    fn take(&mut self, kind: &'static str, name: Option<String>, end: usize, parts: &mut usize) {
        let bytes = end.saturating_sub(self.end) as u64;
        self.end = end;
        let key = (kind, name);
        if let Some(known) = self.sections.get_mut(&key) {
            *known += bytes;
            return;
        }
        // Custom sections can have any number of names; the kinds of sections are few.
        let key = if *parts < MAX_PARTS { key } else { (kind, None) };
        *parts += 1;
        *self.sections.entry(key).or_default() += bytes;
    }

    /// What custom sections say of names and producers. A broken one says nothing.
    fn custom(&mut self, section: &KnownCustom<'_>) {
        match section {
            KnownCustom::Producers(reader) => {
                let _ = read_producers(reader.clone(), &mut self.part.producers);
            }
            KnownCustom::Name(reader) => {
                for name in reader.clone() {
                    match name {
                        Ok(Name::Module { name, .. }) => self.part.name = Some(name.to_owned()),
                        Ok(_) => {}
                        Err(_) => break,
                    }
                }
            }
            KnownCustom::ComponentName(reader) => {
                for name in reader.clone() {
                    match name {
                        Ok(ComponentName::Component { name, .. }) => {
                            self.part.name = Some(name.to_owned());
                        }
                        Ok(ComponentName::CoreModules(names)) => {
                            read_names(names, &mut self.module_names);
                        }
                        Ok(ComponentName::Components(names)) => {
                            read_names(names, &mut self.component_names);
                        }
                        Ok(_) => {}
                        Err(_) => break,
                    }
                }
            }
            _ => {}
        }
    }

    /// Counts the modules and components that a component takes from elsewhere: they have indices
    /// too.
    fn count(&mut self, payload: &Payload<'_>) {
        match payload {
            Payload::ComponentImportSection(section) => {
                for import in section.clone().into_iter().flatten() {
                    match import.ty {
                        ComponentTypeRef::Module(_) => self.modules += 1,
                        ComponentTypeRef::Component(_) => self.components += 1,
                        _ => {}
                    }
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section.clone().into_iter().flatten() {
                    self.count_kind(export.kind);
                }
            }
            Payload::ComponentAliasSection(section) => {
                use wasmparser::ComponentAlias as Alias;
                for alias in section.clone().into_iter().flatten() {
                    match alias {
                        Alias::InstanceExport { kind, .. } => self.count_kind(kind),
                        Alias::Outer { kind: ComponentOuterAliasKind::CoreModule, .. } => {
                            self.modules += 1;
                        }
                        Alias::Outer { kind: ComponentOuterAliasKind::Component, .. } => {
                            self.components += 1;
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }

    fn count_kind(&mut self, kind: ComponentExternalKind) {
        match kind {
            ComponentExternalKind::Module => self.modules += 1,
            ComponentExternalKind::Component => self.components += 1,
            _ => {}
        }
    }

    fn finish(mut self, end: usize) -> Finished {
        self.part.bytes = end.saturating_sub(self.start) as u64;
        for (index, mut nested) in self.nested {
            if nested.name.is_none() {
                let names = match nested.kind {
                    "component" => &mut self.component_names,
                    _ => &mut self.module_names,
                };
                nested.name = names.remove(&index);
            }
            self.part.parts.push(nested);
        }
        let sections = self.sections.into_iter();
        let mut sections: Vec<Part> = sections
            .map(|((kind, name), bytes)| Part { kind, name, bytes, ..Part::default() })
            .collect();
        sections.sort_by_key(|part| std::cmp::Reverse(part.bytes));
        self.part.parts.extend(sections);
        Finished { part: self.part, parser: self.parser, index: self.index }
    }
}

fn read_names(names: wasmparser::NameMap<'_>, into: &mut HashMap<usize, String>) {
    for name in names.into_iter().map_while(Result::ok).take(MAX_PARTS) {
        into.insert(name.index as usize, name.name.to_owned());
    }
}

/// What a section holds, by its number (WebAssembly, "Modules"; component model, Binary.md).
fn section_kind(inside: &str, id: u8) -> &'static str {
    match (inside, id) {
        ("core module", 1) => "types",
        ("core module", 2) => "imports",
        ("core module", 3) => "functions",
        ("core module", 4) => "tables",
        ("core module", 5) => "memories",
        ("core module", 6) => "globals",
        ("core module", 7) => "exports",
        ("core module", 8) => "start",
        ("core module", 9) => "elements",
        ("core module", 11) => "data",
        ("core module", 12) => "data count",
        ("core module", 13) => "tags",
        ("component", 2) => "core instances",
        ("component", 3) => "core types",
        ("component", 5) => "instances",
        ("component", 6) => "aliases",
        ("component", 7) => "types",
        ("component", 8) => "canonical functions",
        ("component", 9) => "start",
        ("component", 10) => "imports",
        ("component", 11) => "exports",
        _ => "other sections",
    }
}
