//! The type of a core module: what it imports and exports.

use wasm_encoder as to;
use wasmparser::{
    ExternalKind, FuncType, GlobalType, MemoryType, Parser, Payload, RefType, TableType, TypeRef,
    ValType,
};

/// What there is to export, in the order of the index spaces.
#[derive(Default)]
struct Spaces {
    functions: Vec<u32>,
    tables: Vec<TableType>,
    memories: Vec<MemoryType>,
    globals: Vec<GlobalType>,
    tags: Vec<u32>,
}

/// The type of a valid core module. Nothing where it has types that are not those of the first
/// standard with vectors and references: those would have to be compared by more than their shape.
pub fn of(module: &[u8]) -> Option<to::ModuleType> {
    let mut ty = to::ModuleType::new();
    let mut spaces = Spaces::default();
    let mut parser = Parser::new(0);
    let mut rest = module;
    loop {
        let (consumed, payload) = match parser.parse(rest, true).ok()? {
            wasmparser::Chunk::Parsed { consumed, payload } => (consumed, payload),
            wasmparser::Chunk::NeedMoreData(_) => return None,
        };
        match payload {
            Payload::TypeSection(types) => {
                for function in types.into_iter_err_on_gc_types() {
                    let function = function.ok()?;
                    let (params, results) = signature(&function)?;
                    ty.ty().function(params, results);
                }
            }
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    let import = import.ok()?;
                    let entity = spaces.define(import.ty)?;
                    ty.import(import.module, import.name, entity);
                }
            }
            Payload::FunctionSection(functions) => {
                for index in functions {
                    spaces.functions.push(index.ok()?);
                }
            }
            Payload::TableSection(tables) => {
                for table in tables {
                    spaces.tables.push(table.ok()?.ty);
                }
            }
            Payload::MemorySection(memories) => {
                for memory in memories {
                    spaces.memories.push(memory.ok()?);
                }
            }
            Payload::GlobalSection(globals) => {
                for global in globals {
                    spaces.globals.push(global.ok()?.ty);
                }
            }
            Payload::TagSection(tags) => {
                for tag in tags {
                    spaces.tags.push(tag.ok()?.func_type_idx);
                }
            }
            Payload::ExportSection(exports) => {
                for export in exports {
                    let export = export.ok()?;
                    let entity = spaces.entity(export.kind, export.index)?;
                    ty.export(export.name, entity);
                }
            }
            // Nothing of a type comes behind the exports.
            Payload::CodeSectionStart { .. } | Payload::End(_) => return Some(ty),
            _ => {}
        }
        rest = rest.get(consumed..)?;
    }
}

impl Spaces {
    fn define(&mut self, ty: TypeRef) -> Option<to::EntityType> {
        match ty {
            TypeRef::Func(index) => self.functions.push(index),
            TypeRef::Table(table) => self.tables.push(table),
            TypeRef::Memory(memory) => self.memories.push(memory),
            TypeRef::Global(global) => self.globals.push(global),
            TypeRef::Tag(tag) => self.tags.push(tag.func_type_idx),
            TypeRef::FuncExact(_) => return None,
        }
        entity(ty)
    }

    fn entity(&self, kind: ExternalKind, index: u32) -> Option<to::EntityType> {
        let index = usize::try_from(index).ok()?;
        match kind {
            ExternalKind::Func => Some(to::EntityType::Function(*self.functions.get(index)?)),
            ExternalKind::Table => entity(TypeRef::Table(*self.tables.get(index)?)),
            ExternalKind::Memory => entity(TypeRef::Memory(*self.memories.get(index)?)),
            ExternalKind::Global => entity(TypeRef::Global(*self.globals.get(index)?)),
            ExternalKind::Tag => Some(tag(*self.tags.get(index)?)),
            ExternalKind::FuncExact => None,
        }
    }
}

fn entity(ty: TypeRef) -> Option<to::EntityType> {
    Some(match ty {
        TypeRef::Func(index) => to::EntityType::Function(index),
        TypeRef::Table(table) => to::EntityType::Table(to::TableType {
            element_type: reference(table.element_type)?,
            table64: table.table64,
            minimum: table.initial,
            maximum: table.maximum,
            shared: table.shared,
        }),
        TypeRef::Memory(memory) => to::EntityType::Memory(to::MemoryType {
            minimum: memory.initial,
            maximum: memory.maximum,
            memory64: memory.memory64,
            shared: memory.shared,
            page_size_log2: memory.page_size_log2,
        }),
        TypeRef::Global(global) => to::EntityType::Global(to::GlobalType {
            val_type: value(global.content_type)?,
            mutable: global.mutable,
            shared: global.shared,
        }),
        TypeRef::Tag(of) => tag(of.func_type_idx),
        TypeRef::FuncExact(_) => return None,
    })
}

fn tag(func_type_idx: u32) -> to::EntityType {
    to::EntityType::Tag(to::TagType { kind: to::TagKind::Exception, func_type_idx })
}

fn signature(function: &FuncType) -> Option<(Vec<to::ValType>, Vec<to::ValType>)> {
    let all = |types: &[ValType]| types.iter().map(|ty| value(*ty)).collect::<Option<Vec<_>>>();
    Some((all(function.params())?, all(function.results())?))
}

fn value(ty: ValType) -> Option<to::ValType> {
    Some(match ty {
        ValType::I32 => to::ValType::I32,
        ValType::I64 => to::ValType::I64,
        ValType::F32 => to::ValType::F32,
        ValType::F64 => to::ValType::F64,
        ValType::V128 => to::ValType::V128,
        ValType::Ref(ty) => to::ValType::Ref(reference(ty)?),
    })
}

fn reference(ty: RefType) -> Option<to::RefType> {
    if ty == RefType::FUNCREF {
        Some(to::RefType::FUNCREF)
    } else if ty == RefType::EXTERNREF {
        Some(to::RefType::EXTERNREF)
    } else {
        None
    }
}
