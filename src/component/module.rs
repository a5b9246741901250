//! Core modules: what they import and export, their memories, and what they are meant for.

use indexmap::IndexMap;
use wasmparser::CompositeInnerType;
use wasmparser::types::{EntityType, TypesRef};

use crate::diagnostic::{ItemShown, MemoryShown, Part, Producers};

/// Bytes in a page of linear memory, where a memory does not say otherwise.
const PAGE: u64 = 65_536;

/// How much text the types of one module may need, in bytes. Many items can share one large type.
const MAX_TEXT: usize = 8 << 20;

/// A valid core module, as far as to say what it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Module {
    /// What it imports: by module, each with the kind and type of every item.
    pub imports: IndexMap<String, Vec<CoreItem>>,
    /// What it exports.
    pub exports: Vec<CoreItem>,
    /// Its linear memories.
    pub memories: Vec<MemoryShown>,
    /// Who made it, as for a component.
    pub producers: Producers,
    /// Function bodies.
    pub functions: usize,
}

/// An import or an export of a core module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoreItem {
    /// Its name; of an import without the module.
    pub name: String,
    /// `function`, `table`, `memory`, `global` or `tag`.
    pub kind: &'static str,
    /// Its type: `func(i32, i32) -> i32`, `memory of 1 MiB`.
    pub ty: String,
}

/// Reads a module from its validated types. Of a component there is nothing to read.
pub(super) fn read(types: TypesRef<'_>) -> Module {
    let mut module = Module::default();
    let mut imported = 0;
    let mut left = MAX_TEXT;
    let Some(imports) = types.core_imports() else { return module };
    for (from, name, ty) in imports {
        imported += usize::from(matches!(ty, EntityType::Memory(_)));
        let items = module.imports.entry(from.to_owned()).or_default();
        items.push(item(types, name, ty, &mut left));
    }
    for (name, ty) in types.core_exports().into_iter().flatten() {
        module.exports.push(item(types, name, ty, &mut left));
    }
    for index in 0..types.memory_count() {
        let memory = types.memory_at(index);
        let page =
            memory.page_size_log2.map_or(PAGE, |log2| 1u64.checked_shl(log2).unwrap_or(PAGE));
        module.memories.push(MemoryShown {
            imported: (index as usize) < imported,
            initial: memory.initial.saturating_mul(page),
            maximum: memory.maximum.map(|pages| pages.saturating_mul(page)),
            memory64: memory.memory64,
            shared: memory.shared,
        });
    }
    module
}

fn item(types: TypesRef<'_>, name: &str, ty: EntityType, left: &mut usize) -> CoreItem {
    let (kind, ty) = match ty {
        EntityType::Func(id) | EntityType::FuncExact(id) => {
            let inner = &types[id].composite_type.inner;
            let text = match inner {
                CompositeInnerType::Func(func) if *left > 0 => {
                    let params = list(func.params());
                    match func.results() {
                        [] => format!("func({params})"),
                        [one] => format!("func({params}) -> {one}"),
                        results => format!("func({params}) -> ({})", list(results)),
                    }
                }
                _ => "func".to_owned(),
            };
            *left = left.saturating_sub(text.len());
            ("function", text)
        }
        EntityType::Table(table) => ("table", format!("table of {}", table.element_type)),
        EntityType::Memory(_) => ("memory", "memory".to_owned()),
        EntityType::Global(global) => {
            let mutable = if global.mutable { "mutable " } else { "" };
            ("global", format!("{mutable}global {}", global.content_type))
        }
        EntityType::Tag(_) => ("tag", "tag".to_owned()),
    };
    CoreItem { name: name.to_owned(), kind, ty }
}

fn list(types: &[wasmparser::ValType]) -> String {
    types.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// The modules that WASI preview 1 and the snapshot before it are imported from.
pub(super) const PREVIEW_1: &[&str] = &["wasi_snapshot_preview1", "wasi_unstable"];

/// The module that functions of the Extism kernel are imported from, and the one that those of its
/// host are (Extism, "Plugin development kit").
pub(super) const EXTISM: (&str, &str) = ("extism:host/env", "extism:host/user");

impl Module {
    /// What the module is meant for, in words, as its imports, exports and custom sections say.
    pub fn roles(&self, anatomy: Option<&Part>) -> Vec<String> {
        let mut roles = Vec::new();
        let custom = |name: &str| {
            let parts = anatomy.map_or(&[][..], |part| &part.parts);
            parts.iter().any(|part| {
                part.kind == "custom section"
                    && part.name.as_deref().is_some_and(|other| other.starts_with(name))
            })
        };
        let exports = |name: &str| self.exports.iter().any(|item| item.name == name);
        let imports = |module: &str| self.imports.contains_key(module);
        let old_extism = self
            .imports
            .get("env")
            .is_some_and(|items| items.iter().any(|item| item.name.starts_with("extism_")));
        if imports(EXTISM.0) || imports(EXTISM.1) || old_extism {
            roles.push("Extism plugin".to_owned());
        }
        if PREVIEW_1.iter().any(|module| imports(module)) {
            let kind = if exports("_start") { "command" } else { "reactor" };
            roles.push(format!("WASI preview 1 {kind}"));
        }
        if custom("dylink.0") {
            roles.push("shared library".to_owned());
        }
        if custom("component-type") {
            roles.push("ready to become a component: its world is embedded".to_owned());
        }
        roles
    }

    /// Its imports as a report has them: a row for each module.
    pub fn imports_shown(&self) -> Vec<ItemShown> {
        let row = |(module, items): (&String, &Vec<CoreItem>)| ItemShown {
            name: module.clone(),
            kind: "imports",
            ty: count(items),
            items: by_name(items),
        };
        self.imports.iter().map(row).collect()
    }

    /// Its exports as a report has them.
    pub fn exports_shown(&self) -> Vec<ItemShown> {
        let row = |item: &CoreItem| ItemShown {
            name: item.name.clone(),
            kind: item.kind,
            ty: item.ty.clone(),
            items: IndexMap::new(),
        };
        self.exports.iter().map(row).collect()
    }
}

/// A module may import one name several times, with different types.
fn by_name(items: &[CoreItem]) -> IndexMap<String, String> {
    /// How long the list of types may get, in bytes.
    const MAX_TYPES: usize = 400;
    let mut shown: IndexMap<String, String> = IndexMap::new();
    for item in items {
        match shown.get_mut(&item.name) {
            None => {
                shown.insert(item.name.clone(), item.ty.clone());
            }
            Some(known) if known.len() > MAX_TYPES => {}
            Some(known) if known.split(", or ").any(|ty| ty == item.ty) => {}
            Some(known) => {
                known.push_str(", or ");
                known.push_str(&item.ty);
            }
        }
    }
    shown
}

fn count(items: &[CoreItem]) -> String {
    let mut kinds: IndexMap<&str, usize> = IndexMap::new();
    for item in items {
        *kinds.entry(item.kind).or_default() += 1;
    }
    let plural = |kind: &str| if kind == "memory" { "memories".into() } else { format!("{kind}s") };
    let parts: Vec<String> = kinds
        .into_iter()
        .map(|(kind, n)| if n == 1 { format!("1 {kind}") } else { format!("{n} {}", plural(kind)) })
        .collect();
    parts.join(", ")
}
