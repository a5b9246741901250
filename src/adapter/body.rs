//! The code of one function of a stub, as the canonical ABI wants it (component model,
//! CanonicalABI.md): what the arguments own is dropped, and the answer is put where it belongs.

use wasm_encoder::{BlockType, Instruction as I, MemArg, ValType};
use wit_parser::abi::WasmType;
use wit_parser::{
    Function, FutureIntrinsic, Handle, Int, ResourceIntrinsic, StreamIntrinsic, Type, TypeDefKind,
    TypeId, WasmImport, WorldKey,
};

use super::core::{Core, EVENT, GLOBAL_HEAP, GLOBAL_NEXT, SYNC};
use super::refusal::{Answer, root};

/// The function that is written.
pub struct Body<'c, 'r> {
    pub core: &'c mut Core<'r>,
    pub key: Option<&'c WorldKey>,
    pub func: &'c Function,
    /// The core types of the parameters.
    pub params: Vec<WasmType>,
    /// The types of the locals after them.
    pub locals: Vec<ValType>,
    pub code: Vec<I<'static>>,
}

/// Where a value is: in parameters from an index on, or in memory, behind the pointer in a local.
#[derive(Clone, Copy)]
enum At {
    Params(usize),
    Memory(u32, u64),
}

impl Body<'_, '_> {
    /// Drops what the arguments own, and takes their memory back. `indirect` says that they are in
    /// memory, behind one pointer.
    pub fn release(&mut self, indirect: bool) {
        let types: Vec<Type> = self.func.params.iter().map(|param| param.ty).collect();
        let at = if indirect { At::Memory(0, 0) } else { At::Params(0) };
        self.drop_all(&types, at);
        self.code.push(I::GlobalGet(GLOBAL_HEAP));
        self.code.push(I::GlobalSet(GLOBAL_NEXT));
    }

    fn drop_all(&mut self, types: &[Type], at: At) {
        let offsets = self.core.sizes.field_offsets(types);
        let mut flat = 0;
        for (offset, ty) in offsets {
            let at = match at {
                At::Params(first) => At::Params(first + flat),
                At::Memory(pointer, base) => {
                    At::Memory(pointer, base + offset.size_wasm32() as u64)
                }
            };
            self.drop_value(ty, at);
            flat += self.core.flat(ty);
        }
    }

    fn drop_value(&mut self, ty: &Type, at: At) {
        if !self.core.owns(ty) || self.core.full(self.code.len()) {
            return;
        }
        let Type::Id(id) = *ty else { return };
        let resolve = self.core.resolve;
        match &resolve.types[id].kind {
            TypeDefKind::Type(ty) => self.drop_value(ty, at),
            TypeDefKind::Record(record) => {
                let types: Vec<Type> = record.fields.iter().map(|field| field.ty).collect();
                self.drop_all(&types, at);
            }
            TypeDefKind::Tuple(tuple) => self.drop_all(&tuple.types, at),
            TypeDefKind::FixedLengthList(ty, length) => {
                self.drop_all(&vec![*ty; *length as usize], at);
            }
            TypeDefKind::Option(ty) => self.drop_case(&[None, Some(*ty)], Int::U8, at),
            TypeDefKind::Result(result) => self.drop_case(&[result.ok, result.err], Int::U8, at),
            TypeDefKind::Variant(variant) => {
                let cases: Vec<Option<Type>> = variant.cases.iter().map(|case| case.ty).collect();
                self.drop_case(&cases, variant.tag(), at);
            }
            TypeDefKind::List(ty) => self.drop_elements(&[*ty], at),
            TypeDefKind::Map(key, value) => self.drop_elements(&[*key, *value], at),
            TypeDefKind::Handle(Handle::Own(resource) | Handle::Borrow(resource)) => {
                self.load(at, 0, Int::U32);
                let drop = self.core.drop_resource(root(resolve, *resource));
                self.code.push(I::Call(drop));
            }
            TypeDefKind::Future(_) => {
                self.load(at, 0, Int::U32);
                let drop = self.future(id, FutureIntrinsic::DropReadable);
                self.code.push(I::Call(drop));
            }
            TypeDefKind::Stream(_) => {
                self.load(at, 0, Int::U32);
                let drop = self.stream(id, StreamIntrinsic::DropReadable);
                self.code.push(I::Call(drop));
            }
            _ => {}
        }
    }

    fn drop_case(&mut self, cases: &[Option<Type>], tag: Int, at: At) {
        let payload = self.core.sizes.payload_offset(tag, cases.iter().map(Option::as_ref));
        for (index, ty) in cases.iter().enumerate() {
            let Some(ty) = ty.filter(|ty| self.core.owns(ty)) else { continue };
            self.load(at, 0, tag);
            self.code.push(I::I32Const(i32::try_from(index).unwrap_or(i32::MAX)));
            self.code.push(I::I32Eq);
            self.code.push(I::If(BlockType::Empty));
            let inner = match at {
                At::Params(first) => At::Params(first + 1),
                At::Memory(pointer, base) => {
                    At::Memory(pointer, base + payload.size_wasm32() as u64)
                }
            };
            self.drop_value(&ty, inner);
            self.code.push(I::End);
        }
    }

    /// The elements of a list: a pointer and a length, then one element after the other.
    fn drop_elements(&mut self, element: &[Type], at: At) {
        let (pointer, left) = (self.local(ValType::I32), self.local(ValType::I32));
        let size = self.core.sizes.record(element).size.size_wasm32();
        self.load(at, 0, Int::U32);
        self.code.push(I::LocalSet(pointer));
        self.load(at, 1, Int::U32);
        self.code.push(I::LocalSet(left));
        self.code.extend([
            I::Block(BlockType::Empty),
            I::Loop(BlockType::Empty),
            I::LocalGet(left),
            I::I32Eqz,
            I::BrIf(1),
        ]);
        self.drop_all(element, At::Memory(pointer, 0));
        self.code.extend([
            I::LocalGet(pointer),
            I::I32Const(i32::try_from(size).unwrap_or(i32::MAX)),
            I::I32Add,
            I::LocalSet(pointer),
            I::LocalGet(left),
            I::I32Const(1),
            I::I32Sub,
            I::LocalSet(left),
            I::Br(0),
            I::End,
            I::End,
        ]);
    }

    /// Puts the 32-bit word `index` of a value on the stack; less of it where `width` is less.
    fn load(&mut self, at: At, index: u32, width: Int) {
        match at {
            At::Params(first) => {
                let local = first + index as usize;
                self.code.push(I::LocalGet(u32::try_from(local).unwrap_or(u32::MAX)));
                // Where the cases of a variant share a parameter, it is as wide as the widest.
                if matches!(self.params.get(local), Some(WasmType::I64 | WasmType::PointerOrI64)) {
                    self.code.push(I::I32WrapI64);
                }
            }
            At::Memory(pointer, base) => {
                let place =
                    MemArg { offset: base + u64::from(index) * 4, align: 0, memory_index: 0 };
                self.code.push(I::LocalGet(pointer));
                self.code.push(match width {
                    Int::U8 => I::I32Load8U(place),
                    Int::U16 => I::I32Load16U(place),
                    Int::U32 | Int::U64 => I::I32Load(place),
                });
            }
        }
    }

    /// Puts the answer on the stack: itself where it is one core value, or the place where it is.
    pub fn answer(&mut self, ty: &Type, answer: &Answer, results: &[WasmType], pointer: bool) {
        if pointer {
            let place = self.core.area(ty);
            self.store(ty, answer, place);
            self.code.push(I::I32Const(i32::try_from(place).unwrap_or(i32::MAX)));
        } else {
            self.value(answer, results.first().copied().unwrap_or(WasmType::I32));
        }
    }

    fn value(&mut self, answer: &Answer, core: WasmType) {
        match answer {
            Answer::Fields(fields) if fields.len() == 1 => self.value(&fields[0], core),
            Answer::Case(index, _) => {
                self.code.push(I::I32Const(i32::try_from(*index).unwrap_or(i32::MAX)));
            }
            Answer::Handle(_) | Answer::Stream(_) | Answer::Future(..) => self.mint(answer),
            _ => self.code.push(match core {
                WasmType::I64 | WasmType::PointerOrI64 => I::I64Const(0),
                WasmType::F32 => I::F32Const(0.0.into()),
                WasmType::F64 => I::F64Const(0.0.into()),
                _ => I::I32Const(0),
            }),
        }
    }

    /// Writes the answer to memory: what is always the same once, handles on every call.
    fn store(&mut self, ty: &Type, answer: &Answer, place: usize) {
        let resolve = self.core.resolve;
        let kind = match ty {
            Type::Id(id) => Some(&resolve.types[*id].kind),
            _ => None,
        };
        if let Some(TypeDefKind::Type(ty)) = kind {
            return self.store(ty, answer, place);
        }
        match (answer, kind) {
            (Answer::Text(text), _) if !text.is_empty() => self.core.text(text, place),
            (Answer::Fields(fields), Some(kind)) => {
                let types: Vec<Type> = match kind {
                    TypeDefKind::Record(record) => record.fields.iter().map(|f| f.ty).collect(),
                    TypeDefKind::Tuple(tuple) => tuple.types.clone(),
                    TypeDefKind::FixedLengthList(ty, length) => vec![*ty; *length as usize],
                    _ => Vec::new(),
                };
                let offsets = self.core.sizes.field_offsets(&types);
                let offsets: Vec<usize> = offsets.iter().map(|(o, _)| o.size_wasm32()).collect();
                for ((ty, answer), offset) in types.iter().zip(fields).zip(offsets) {
                    self.store(ty, answer, place + offset);
                }
            }
            (Answer::Case(index, payload), Some(kind)) => {
                let (tag, cases): (Int, Vec<Option<Type>>) = match kind {
                    TypeDefKind::Option(ty) => (Int::U8, vec![None, Some(*ty)]),
                    TypeDefKind::Result(result) => (Int::U8, vec![result.ok, result.err]),
                    TypeDefKind::Enum(cases) => (cases.tag(), vec![None; cases.cases.len()]),
                    TypeDefKind::Variant(variant) => {
                        (variant.tag(), variant.cases.iter().map(|case| case.ty).collect())
                    }
                    _ => return,
                };
                self.core.poke(place, *index, tag);
                if let (Some(answer), Some(Some(ty))) = (payload, cases.get(*index)) {
                    let offset =
                        self.core.sizes.payload_offset(tag, cases.iter().map(Option::as_ref));
                    self.store(ty, answer, place + offset.size_wasm32());
                }
            }
            (Answer::Handle(_) | Answer::Stream(_) | Answer::Future(..), _) => {
                self.code.push(I::I32Const(i32::try_from(place).unwrap_or(i32::MAX)));
                self.mint(answer);
                self.code.push(I::I32Store(MemArg { offset: 0, align: 2, memory_index: 0 }));
            }
            _ => {}
        }
    }

    /// Puts a new handle on the stack.
    fn mint(&mut self, answer: &Answer) {
        match answer {
            Answer::Handle(resource) => {
                let new = self.core.resource(*resource, ResourceIntrinsic::ExportedNew);
                self.code.push(I::I32Const(0));
                self.code.push(I::Call(new));
            }
            Answer::Stream(id) => {
                let new = self.stream(*id, StreamIntrinsic::New);
                let close = self.stream(*id, StreamIntrinsic::DropWritable);
                let (both, _) = self.ends(new);
                self.code.extend([
                    I::LocalGet(both),
                    I::I64Const(32),
                    I::I64ShrU,
                    I::I32WrapI64,
                    I::Call(close),
                    I::LocalGet(both),
                    I::I32WrapI64,
                ]);
            }
            Answer::Future(id, value) => {
                let set = self.core.global();
                self.collect(*id, set);
                let new = self.future(*id, FutureIntrinsic::New);
                let write = self.future(*id, FutureIntrinsic::Write);
                let join = self.core.root("[waitable-join]", &[ValType::I32; 2], &[]);
                let (both, writer) = self.ends(new);
                let mut place = 0;
                let resolve = self.core.resolve;
                if let (Some(value), TypeDefKind::Future(Some(ty))) =
                    (value, &resolve.types[*id].kind)
                {
                    place = self.core.area(ty);
                    self.store(ty, value, place);
                }
                self.code.extend([
                    I::LocalGet(both),
                    I::I64Const(32),
                    I::I64ShrU,
                    I::I32WrapI64,
                    I::LocalTee(writer),
                    I::I32Const(i32::try_from(place).unwrap_or(i32::MAX)),
                    I::Call(write),
                    I::Drop,
                    I::LocalGet(writer),
                    I::GlobalGet(set),
                    I::Call(join),
                    I::LocalGet(both),
                    I::I32WrapI64,
                ]);
            }
            _ => {}
        }
    }

    /// Makes a pair of ends, and puts it into a local; with a second local for one of them.
    fn ends(&mut self, new: u32) -> (u32, u32) {
        let (both, one) = (self.local(ValType::I64), self.local(ValType::I32));
        self.code.extend([I::Call(new), I::LocalSet(both)]);
        (both, one)
    }

    /// A future can be written before anybody reads it, and its writing end can be dropped only after
    /// that: earlier calls' ends are, here, where they were read since.
    fn collect(&mut self, id: TypeId, set: u32) {
        let new = self.core.root("[waitable-set-new]", &[], &[ValType::I32]);
        let poll = self.core.root("[waitable-set-poll]", &[ValType::I32; 2], &[ValType::I32]);
        let join = self.core.root("[waitable-join]", &[ValType::I32; 2], &[]);
        let drop = self.future(id, FutureIntrinsic::DropWritable);
        let writer = self.local(ValType::I32);
        self.code.extend([
            I::GlobalGet(set),
            I::I32Eqz,
            I::If(BlockType::Empty),
            I::Call(new),
            I::GlobalSet(set),
            I::End,
            I::Block(BlockType::Empty),
            I::Loop(BlockType::Empty),
            I::GlobalGet(set),
            I::I32Const(EVENT),
            I::Call(poll),
            I::I32Eqz,
            I::BrIf(1),
            I::I32Const(EVENT),
            I::I32Load(MemArg { offset: 0, align: 2, memory_index: 0 }),
            I::LocalTee(writer),
            I::I32Const(0),
            I::Call(join),
            I::LocalGet(writer),
            I::Call(drop),
            I::Br(0),
            I::End,
            I::End,
        ]);
    }

    fn local(&mut self, ty: ValType) -> u32 {
        self.locals.push(ty);
        u32::try_from(self.params.len() + self.locals.len() - 1).unwrap_or(u32::MAX)
    }

    fn future(&mut self, id: TypeId, intrinsic: FutureIntrinsic) -> u32 {
        let (params, results): (&[ValType], &[ValType]) = match intrinsic {
            FutureIntrinsic::New => (&[], &[ValType::I64]),
            FutureIntrinsic::Write => (&[ValType::I32; 2], &[ValType::I32]),
            _ => (&[ValType::I32], &[]),
        };
        let import = WasmImport::FutureIntrinsic {
            interface: self.key,
            func: self.func,
            ty: Some(id),
            async_: matches!(intrinsic, FutureIntrinsic::Write),
            intrinsic,
            exported: true,
        };
        let name = self.core.resolve.wasm_import_name(SYNC, import);
        self.core.import(name, params, results)
    }

    fn stream(&mut self, id: TypeId, intrinsic: StreamIntrinsic) -> u32 {
        let (params, results): (&[ValType], &[ValType]) = match intrinsic {
            StreamIntrinsic::New => (&[], &[ValType::I64]),
            _ => (&[ValType::I32], &[]),
        };
        let import = WasmImport::StreamIntrinsic {
            interface: self.key,
            func: self.func,
            ty: Some(id),
            intrinsic,
            exported: true,
            async_: false,
        };
        let name = self.core.resolve.wasm_import_name(SYNC, import);
        self.core.import(name, params, results)
    }
}
