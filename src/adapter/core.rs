//! The core module of a stub: a function for each function, a memory with the answers in it, and an
//! allocator that forgets a call's arguments when the call is over.

use std::cell::Cell;

use indexmap::IndexMap;
use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, DataSection, ExportKind, ExportSection,
    Function as CoreFunc, FunctionSection, GlobalSection, GlobalType, ImportSection,
    Instruction as I, MemorySection, MemoryType, Module, TypeSection, ValType,
};
use wit_parser::abi::{AbiVariant, WasmType};
use wit_parser::{
    Function, Handle, Int, LiftLowerAbi, ManglingAndAbi, Resolve, ResourceIntrinsic, SizeAlign,
    Type, TypeDefKind, TypeId, TypeOwner, WasmExport, WasmExportKind, WasmImport, WorldId,
    WorldItem, WorldKey,
};

use super::body::Body;
use super::refusal::{Answer, root};

/// Every function is lifted without `async`, those of asynchronous types too: none of them waits.
pub const SYNC: ManglingAndAbi = ManglingAndAbi::Legacy(LiftLowerAbi::Sync);

/// Where an event is put, in memory: two words.
pub const EVENT: i32 = 16;

/// The global that says where the next allocation goes.
pub const GLOBAL_NEXT: u32 = 0;
/// The global that says where allocations begin.
pub const GLOBAL_HEAP: u32 = 1;

/// Where the answers begin. What is below is left alone, as a null pointer points there.
const STATIC: usize = 32;
/// The most code and data that a stub may come to, in instructions and bytes. Types can be nested so
/// that writing them out would not end.
const MAX: usize = 1 << 22;

/// A core module that is being written.
pub struct Core<'r> {
    pub resolve: &'r Resolve,
    pub sizes: SizeAlign,
    world: WorldId,
    imports: IndexMap<(String, String), (Vec<ValType>, Vec<ValType>)>,
    functions: Vec<Written>,
    globals: u32,
    data: Vec<u8>,
    size: usize,
    /// By index of the type: whether it owns anything, and how many core values it is. Types share
    /// parts, and going through all of them again and again would not end.
    facts: Vec<(bool, usize)>,
    /// How much may still be said in answers, in nodes.
    pub budget: Cell<usize>,
}

struct Written {
    name: String,
    params: Vec<ValType>,
    results: Vec<ValType>,
    locals: Vec<ValType>,
    code: Vec<I<'static>>,
}

impl<'r> Core<'r> {
    /// A module for the exports of this world, with nothing in it yet.
    pub fn new(resolve: &'r Resolve, world: WorldId) -> Core<'r> {
        let mut sizes = SizeAlign::default();
        sizes.fill(resolve);
        let mut core = Core {
            resolve,
            sizes,
            world,
            imports: IndexMap::new(),
            functions: Vec::new(),
            globals: 2,
            data: Vec::new(),
            size: 0,
            facts: Vec::with_capacity(resolve.types.len()),
            budget: Cell::new(MAX),
        };
        // A type stands behind those that it is made of.
        for (_, ty) in resolve.types.iter() {
            let fact = core.fact(&ty.kind);
            core.facts.push(fact);
        }
        core
    }

    /// Whether a value of this type holds anything that has to be dropped.
    pub fn owns(&self, ty: &Type) -> bool {
        match ty {
            Type::Id(id) => self.facts.get(id.index()).is_some_and(|fact| fact.0),
            _ => false,
        }
    }

    /// How many core values a value of this type is flattened to.
    pub fn flat(&self, ty: &Type) -> usize {
        match ty {
            Type::Id(id) => self.facts.get(id.index()).map_or(0, |fact| fact.1),
            Type::String => 2,
            _ => 1,
        }
    }

    fn fact(&self, kind: &TypeDefKind) -> (bool, usize) {
        let all = |types: &mut dyn Iterator<Item = &Type>| {
            types.fold((false, 0usize), |(owns, flat), ty| {
                (owns || self.owns(ty), flat.saturating_add(self.flat(ty)))
            })
        };
        let one_of = |cases: &mut dyn Iterator<Item = &Option<Type>>| {
            let (owns, flat) = cases.flatten().fold((false, 0), |(owns, flat), ty| {
                (owns || self.owns(ty), self.flat(ty).max(flat))
            });
            (owns, flat.saturating_add(1))
        };
        match kind {
            TypeDefKind::Record(record) => all(&mut record.fields.iter().map(|field| &field.ty)),
            TypeDefKind::Tuple(tuple) => all(&mut tuple.types.iter()),
            TypeDefKind::Variant(variant) => one_of(&mut variant.cases.iter().map(|case| &case.ty)),
            TypeDefKind::Result(result) => one_of(&mut [&result.ok, &result.err].into_iter()),
            TypeDefKind::Option(ty) => one_of(&mut [&Some(*ty)].into_iter()),
            TypeDefKind::Type(ty) => (self.owns(ty), self.flat(ty)),
            TypeDefKind::List(ty) => (self.owns(ty), 2),
            TypeDefKind::Map(key, value) => (self.owns(key) || self.owns(value), 2),
            TypeDefKind::FixedLengthList(ty, length) => {
                (self.owns(ty), self.flat(ty).saturating_mul(*length as usize))
            }
            TypeDefKind::Flags(flags) => (false, flags.repr().count()),
            TypeDefKind::Handle(Handle::Own(_))
            | TypeDefKind::Future(_)
            | TypeDefKind::Stream(_) => (true, 1),
            // A borrowed handle to a resource of the stub is no handle but its representation.
            TypeDefKind::Handle(Handle::Borrow(id)) => (!self.mine(root(self.resolve, *id)), 1),
            _ => (false, 1),
        }
    }

    /// Adds a function that gives this answer, or traps where it has none.
    pub fn add(&mut self, key: Option<&WorldKey>, func: &Function, answer: Option<&Answer>) {
        let signature = self.resolve.wasm_signature(AbiVariant::GuestExport, func);
        let kind = WasmExportKind::Normal;
        let export = WasmExport::Func { interface: key, func, kind };
        let name = self.resolve.wasm_export_name(SYNC, export);
        let mut body = Body {
            core: self,
            key,
            func,
            params: signature.params.clone(),
            locals: Vec::new(),
            code: Vec::new(),
        };
        match (answer, &func.result) {
            (None, Some(_)) => body.code.push(I::Unreachable),
            (Some(answer), Some(ty)) => {
                body.release(signature.indirect_params);
                body.answer(ty, answer, &signature.results, signature.retptr);
            }
            (_, None) => body.release(signature.indirect_params),
        }
        let Body { locals, code, .. } = body;
        self.size += code.len();
        self.functions.push(Written {
            name,
            params: signature.params.iter().map(core_type).collect(),
            results: signature.results.iter().map(core_type).collect(),
            locals,
            code,
        });
    }

    /// Adds a function that traps.
    pub fn add_trap(&mut self, key: Option<&WorldKey>, func: &Function) {
        self.add(key, func, None);
        if let Some(written) = self.functions.last_mut() {
            written.code = vec![I::Unreachable];
            written.locals.clear();
        }
    }

    /// Whether it has grown too large, with so many instructions more.
    pub fn full(&self, more: usize) -> bool {
        self.budget.get() == 0 || self.size + self.data.len() + more > MAX
    }

    /// Whether the stub defines this resource.
    pub fn mine(&self, resource: TypeId) -> bool {
        self.owner(resource).1
    }

    /// The name of the interface that defines a resource, and whether the stub exports it.
    fn owner(&self, resource: TypeId) -> (Option<&'r WorldKey>, bool) {
        let world = &self.resolve.worlds[self.world];
        let TypeOwner::Interface(owner) = self.resolve.types[resource].owner else {
            return (None, false);
        };
        let is = |(_, item): &(&WorldKey, &WorldItem)| matches!(item, WorldItem::Interface { id, .. } if *id == owner);
        if let Some((key, _)) = world.exports.iter().find(is) {
            return (Some(key), true);
        }
        (world.imports.iter().find(is).map(|(key, _)| key), false)
    }

    /// The import that makes a handle to a resource or drops one.
    pub fn resource(&mut self, resource: TypeId, intrinsic: ResourceIntrinsic) -> u32 {
        let results: &[ValType] = match intrinsic {
            ResourceIntrinsic::ExportedNew => &[ValType::I32],
            _ => &[],
        };
        let (interface, _) = self.owner(resource);
        let import = WasmImport::ResourceIntrinsic { interface, resource, intrinsic };
        let name = self.resolve.wasm_import_name(SYNC, import);
        self.import(name, &[ValType::I32], results)
    }

    /// The import that drops a handle to a resource.
    pub fn drop_resource(&mut self, resource: TypeId) -> u32 {
        let mine = self.mine(resource);
        let intrinsic =
            if mine { ResourceIntrinsic::ExportedDrop } else { ResourceIntrinsic::ImportedDrop };
        self.resource(resource, intrinsic)
    }

    /// An import that belongs to no interface.
    pub fn root(&mut self, name: &str, params: &[ValType], results: &[ValType]) -> u32 {
        self.import(("$root".to_owned(), name.to_owned()), params, results)
    }

    /// The index of an imported function.
    pub fn import(
        &mut self,
        name: (String, String),
        params: &[ValType],
        results: &[ValType],
    ) -> u32 {
        let next = self.imports.len();
        let entry = self.imports.entry(name);
        let index = match &entry {
            indexmap::map::Entry::Occupied(known) => known.index(),
            indexmap::map::Entry::Vacant(_) => next,
        };
        entry.or_insert_with(|| (params.to_vec(), results.to_vec()));
        u32::try_from(index).unwrap_or(u32::MAX)
    }

    /// A global of its own: a word, 0 at first.
    pub fn global(&mut self) -> u32 {
        self.globals += 1;
        self.globals - 1
    }

    /// Room for a value of this type, all zeros: its address.
    pub fn area(&mut self, ty: &Type) -> usize {
        let size = self.sizes.size(ty).size_wasm32();
        self.room(size, self.sizes.align(ty).align_wasm32())
    }

    fn room(&mut self, size: usize, align: usize) -> usize {
        let start = (STATIC + self.data.len()).next_multiple_of(align.max(1));
        let end = (start - STATIC).saturating_add(size);
        if end <= MAX {
            self.data.resize(end, 0);
        } else {
            self.size = MAX + 1;
        }
        start
    }

    /// Writes a discriminant.
    pub fn poke(&mut self, place: usize, value: usize, width: Int) {
        let width = match width {
            Int::U8 => 1,
            Int::U16 => 2,
            Int::U32 | Int::U64 => 4,
        };
        let start = place - STATIC;
        if let Some(bytes) = self.data.get_mut(start..start + width) {
            bytes.copy_from_slice(&value.to_le_bytes()[..width]);
        }
    }

    /// Writes text, and its address and length to `place`.
    pub fn text(&mut self, text: &str, place: usize) {
        let start = self.room(text.len(), 1);
        if let Some(bytes) = self.data.get_mut(start - STATIC..start - STATIC + text.len()) {
            bytes.copy_from_slice(text.as_bytes());
        }
        self.poke(place, start, Int::U32);
        self.poke(place + 4, text.len(), Int::U32);
    }

    /// The module.
    pub fn finish(self) -> Vec<u8> {
        let heap = (STATIC + self.data.len()).next_multiple_of(16);
        let zero = ConstExpr::i32_const(0);
        let heap_word = ConstExpr::i32_const(i32::try_from(heap).unwrap_or(i32::MAX));
        let mut types = TypeSection::new();
        let mut imports = ImportSection::new();
        let mut functions = FunctionSection::new();
        let mut exports = ExportSection::new();
        let mut code = CodeSection::new();
        for ((module, name), (params, results)) in &self.imports {
            imports.import(module, name, wasm_encoder::EntityType::Function(types.len()));
            types.ty().function(params.iter().copied(), results.iter().copied());
        }
        let mut next = imports.len();
        for written in &self.functions {
            functions.function(types.len());
            types.ty().function(written.params.iter().copied(), written.results.iter().copied());
            exports.export(&written.name, ExportKind::Func, next);
            next += 1;
            let mut body = CoreFunc::new(written.locals.iter().map(|ty| (1, *ty)));
            for instruction in &written.code {
                body.instruction(instruction);
            }
            body.instruction(&I::End);
            code.function(&body);
        }
        functions.function(types.len());
        types.ty().function([ValType::I32; 4], [ValType::I32]);
        exports.export("cabi_realloc", ExportKind::Func, next);
        code.function(&realloc());

        let mut memories = MemorySection::new();
        memories.memory(MemoryType {
            minimum: heap.div_ceil(1 << 16) as u64,
            maximum: None,
            memory64: false,
            shared: false,
            page_size_log2: None,
        });
        exports.export("memory", ExportKind::Memory, 0);
        let mut globals = GlobalSection::new();
        for index in 0..self.globals {
            let ty =
                GlobalType { val_type: ValType::I32, mutable: index != GLOBAL_HEAP, shared: false };
            let heap = index == GLOBAL_NEXT || index == GLOBAL_HEAP;
            globals.global(ty, if heap { &heap_word } else { &zero });
        }
        let mut data = DataSection::new();
        let start = ConstExpr::i32_const(i32::try_from(STATIC).unwrap_or(i32::MAX));
        data.active(0, &start, self.data.iter().copied());

        let mut module = Module::new();
        module
            .section(&types)
            .section(&imports)
            .section(&functions)
            .section(&memories)
            .section(&globals)
            .section(&exports)
            .section(&code)
            .section(&data);
        module.finish()
    }
}

/// `cabi_realloc(old, old-size, align, new-size)`: takes memory from one end, grows it where there is
/// too little, and traps where it cannot grow. Sums are of 64 bits, so that they cannot wrap.
fn realloc() -> CoreFunc {
    const OLD: u32 = 0;
    const OLD_SIZE: u32 = 1;
    const ALIGN: u32 = 2;
    const SIZE: u32 = 3;
    const START: u32 = 4;
    const END: u32 = 5;
    const HAVE: u32 = 6;
    let mut body = CoreFunc::new([(3, ValType::I64)]);
    let code = [
        // start = (next + align - 1) & -align
        I::GlobalGet(GLOBAL_NEXT),
        I::I64ExtendI32U,
        I::LocalGet(ALIGN),
        I::I64ExtendI32U,
        I::I64Add,
        I::I64Const(1),
        I::I64Sub,
        I::I64Const(0),
        I::LocalGet(ALIGN),
        I::I64ExtendI32U,
        I::I64Sub,
        I::I64And,
        I::LocalTee(START),
        // end = start + size
        I::LocalGet(SIZE),
        I::I64ExtendI32U,
        I::I64Add,
        I::LocalTee(END),
        // The last byte of what 32 bits can address is never given out, so that `next` does not wrap.
        I::I64Const(0xffff_ffff),
        I::I64GtU,
        I::If(BlockType::Empty),
        I::Unreachable,
        I::End,
        I::LocalGet(END),
        I::MemorySize(0),
        I::I64ExtendI32U,
        I::I64Const(16),
        I::I64Shl,
        I::LocalTee(HAVE),
        I::I64GtU,
        I::If(BlockType::Empty),
        I::LocalGet(END),
        I::LocalGet(HAVE),
        I::I64Sub,
        I::I64Const(0xffff),
        I::I64Add,
        I::I64Const(16),
        I::I64ShrU,
        I::I32WrapI64,
        I::MemoryGrow(0),
        I::I32Const(-1),
        I::I32Eq,
        I::If(BlockType::Empty),
        I::Unreachable,
        I::End,
        I::End,
        I::LocalGet(END),
        I::I32WrapI64,
        I::GlobalSet(GLOBAL_NEXT),
        // What was there moves along, as much of it as there is room for.
        I::LocalGet(START),
        I::I32WrapI64,
        I::LocalGet(OLD),
        I::LocalGet(OLD_SIZE),
        I::LocalGet(SIZE),
        I::LocalGet(OLD_SIZE),
        I::LocalGet(SIZE),
        I::I32LtU,
        I::Select,
        I::MemoryCopy { src_mem: 0, dst_mem: 0 },
        I::LocalGet(START),
        I::I32WrapI64,
        I::End,
    ];
    for instruction in &code {
        body.instruction(instruction);
    }
    body
}

fn core_type(ty: &WasmType) -> ValType {
    match ty {
        WasmType::I32 | WasmType::Pointer | WasmType::Length => ValType::I32,
        WasmType::I64 | WasmType::PointerOrI64 => ValType::I64,
        WasmType::F32 => ValType::F32,
        WasmType::F64 => ValType::F64,
    }
}
