//! Arguments by the canonical ABI: as core values, or stored in the guest's memory. The rules are those of
//! `lower_flat` and `store` (component model, CanonicalABI.md); sizes and places are the engine's own.

use std::collections::BTreeMap;

use wasmtime::component::__internal::{InterfaceType, LowerContext};
use wasmtime::component::{Lower, ResourceAny};
use wasmtime::{Result, ValRaw};

use super::raw::{core_values, layout};
use super::values::{file, misfit};
use crate::wave::Value;

/// What arguments may name.
pub struct Named<'a> {
    /// The handles of the variables.
    pub handles: &'a BTreeMap<String, ResourceAny>,
    /// The files of the case.
    pub files: &'a [&'a [u8]],
}

/// A case of something with cases: its number, and what it carries.
type Case<'v> = (usize, Option<(&'v Value, InterfaceType)>);

impl Named<'_> {
    /// A value as core values.
    pub fn flat<T>(
        &self,
        cx: &mut LowerContext<'_, T>,
        ty: InterfaceType,
        value: &Value,
        out: &mut Vec<ValRaw>,
    ) -> Result<()> {
        let types = cx.types;
        if let Some(bits) = scalar(ty, value)? {
            out.push(match ty {
                // What is shorter than a core value keeps its sign.
                InterfaceType::S8 | InterfaceType::S16 | InterfaceType::S32 => {
                    ValRaw::i32(i32::try_from(bits.cast_signed())?)
                }
                InterfaceType::S64 | InterfaceType::U64 | InterfaceType::Float64 => {
                    ValRaw::u64(bits)
                }
                _ => ValRaw::u32(u32::try_from(bits)?),
            });
            return Ok(());
        }
        match ty {
            InterfaceType::String => {
                let text = self.text(value)?;
                out.extend(core_values::<str, 2, T>(text, cx, ty)?);
            }
            InterfaceType::Own(_) | InterfaceType::Borrow(_) => {
                out.extend(core_values::<ResourceAny, 1, T>(self.handle(value)?, cx, ty)?);
            }
            InterfaceType::List(_) => {
                let (at, length) = self.list(cx, ty, value)?;
                out.extend([ValRaw::u64(at as u64), ValRaw::u64(length as u64)]);
            }
            InterfaceType::Record(_)
            | InterfaceType::Tuple(_)
            | InterfaceType::FixedLengthList(_) => {
                for (value, ty) in parts(cx, ty, value)? {
                    self.flat(cx, ty, value, out)?;
                }
            }
            InterfaceType::Flags(index) => {
                let words = types.canonical_abi(&ty).flat_count(usize::MAX).unwrap_or(0);
                let mut bits = vec![0_u32; words];
                for place in set_flags(value, |name| types[index].names.get_index_of(name))? {
                    bits[place / 32] |= 1 << (place % 32);
                }
                out.extend(bits.into_iter().map(ValRaw::u32));
            }
            _ => {
                let (case, payload) = case_of(cx, ty, value)?;
                let end = types.canonical_abi(&ty).flat_count(usize::MAX).unwrap_or(0) + out.len();
                out.push(ValRaw::u32(u32::try_from(case)?));
                if let Some((value, ty)) = payload {
                    self.flat(cx, ty, value, out)?;
                }
                // Other cases may take more.
                while out.len() < end {
                    out.push(ValRaw::u64(0));
                }
            }
        }
        Ok(())
    }

    /// Stores a value in the guest's memory, where there is room for it.
    fn store<T>(
        &self,
        cx: &mut LowerContext<'_, T>,
        ty: InterfaceType,
        value: &Value,
        at: usize,
    ) -> Result<()> {
        let types = cx.types;
        let size = types.canonical_abi(&ty).size32 as usize;
        if let Some(bits) = scalar(ty, value)? {
            return put(cx, at, bits, size);
        }
        match ty {
            InterfaceType::String => self.text(value)?.linear_lower_to_memory(cx, ty, at),
            InterfaceType::Own(_) | InterfaceType::Borrow(_) => {
                self.handle(value)?.linear_lower_to_memory(cx, ty, at)
            }
            InterfaceType::List(_) => {
                let (start, length) = self.list(cx, ty, value)?;
                put(cx, at, start as u64, 4)?;
                put(cx, at + 4, length as u64, 4)
            }
            InterfaceType::Record(_)
            | InterfaceType::Tuple(_)
            | InterfaceType::FixedLengthList(_) => {
                let mut next = at;
                for (value, ty) in parts(cx, ty, value)? {
                    let at = types.canonical_abi(&ty).next_field32_size(&mut next);
                    self.store(cx, ty, value, at)?;
                }
                Ok(())
            }
            InterfaceType::Flags(index) => {
                let mut bits = vec![0_u8; size];
                for place in set_flags(value, |name| types[index].names.get_index_of(name))? {
                    bits[place / 8] |= 1 << (place % 8);
                }
                bytes_at(cx, at, size)?.copy_from_slice(&bits);
                Ok(())
            }
            _ => {
                let (case, payload) = case_of(cx, ty, value)?;
                let (tag, offset) = layout(types, ty).ok_or_else(|| misfit(value))?;
                put(cx, at, case as u64, tag)?;
                match payload {
                    Some((value, ty)) => self.store(cx, ty, value, at + offset),
                    None => Ok(()),
                }
            }
        }
    }

    /// Stores the elements of a list; says where, and how many there are.
    fn list<T>(
        &self,
        cx: &mut LowerContext<'_, T>,
        ty: InterfaceType,
        value: &Value,
    ) -> Result<(usize, usize)> {
        let InterfaceType::List(index) = ty else { return Err(misfit(value)) };
        let element = cx.types[index].element;
        let abi = cx.types.canonical_abi(&element);
        let (size, align) = (abi.size32 as usize, abi.align32);
        let bytes = match value {
            Value::Bytes(bytes) => Some(bytes.as_slice()),
            Value::File(index, false) => Some(file(*index, self.files)?),
            _ => None,
        };
        if let Some(bytes) = bytes {
            if !matches!(element, InterfaceType::U8) {
                return Err(misfit(value));
            }
            let at = cx.realloc(0, 0, align, bytes.len())?;
            bytes_at(cx, at, bytes.len())?.copy_from_slice(bytes);
            return Ok((at, bytes.len()));
        }
        let Value::List(items, _) = value else { return Err(misfit(value)) };
        let all = items.len().checked_mul(size).ok_or_else(|| misfit(value))?;
        let at = cx.realloc(0, 0, align, all)?;
        for (i, item) in items.iter().enumerate() {
            self.store(cx, element, item, at + i * size)?;
        }
        Ok((at, items.len()))
    }

    fn text<'v>(&'v self, value: &'v Value) -> Result<&'v str> {
        match value {
            Value::Text(text) => Ok(text),
            Value::File(index, true) => {
                std::str::from_utf8(file(*index, self.files)?).map_err(|_| misfit(value))
            }
            _ => Err(misfit(value)),
        }
    }

    fn handle(&self, value: &Value) -> Result<&ResourceAny> {
        match value {
            Value::Handle(name) => self.handles.get(name).ok_or_else(|| misfit(value)),
            _ => Err(misfit(value)),
        }
    }
}

/// The bits of a value of a type without parts; none for other types. What is signed is extended.
fn scalar(ty: InterfaceType, value: &Value) -> Result<Option<u64>> {
    let unsigned = |most: u64| match value {
        Value::Unsigned(n) if *n <= most => Ok(Some(*n)),
        _ => Err(misfit(value)),
    };
    let signed = |least: i64, most: i64| match value {
        Value::Signed(n) if (least..=most).contains(n) => Ok(Some(n.cast_unsigned())),
        _ => Err(misfit(value)),
    };
    match (ty, value) {
        (InterfaceType::Bool, Value::Bool(value)) => Ok(Some(u64::from(*value))),
        (InterfaceType::U8, _) => unsigned(u8::MAX.into()),
        (InterfaceType::U16, _) => unsigned(u16::MAX.into()),
        (InterfaceType::U32, _) => unsigned(u32::MAX.into()),
        (InterfaceType::U64, _) => unsigned(u64::MAX),
        (InterfaceType::S8, _) => signed(i8::MIN.into(), i8::MAX.into()),
        (InterfaceType::S16, _) => signed(i16::MIN.into(), i16::MAX.into()),
        (InterfaceType::S32, _) => signed(i32::MIN.into(), i32::MAX.into()),
        (InterfaceType::S64, _) => signed(i64::MIN, i64::MAX),
        (InterfaceType::Float32, Value::Float32(bits)) => Ok(Some(u64::from(*bits))),
        (InterfaceType::Float64, Value::Float64(bits)) => Ok(Some(*bits)),
        (InterfaceType::Char, Value::Char(c)) => Ok(Some(u64::from(u32::from(*c)))),
        (
            InterfaceType::Bool
            | InterfaceType::Float32
            | InterfaceType::Float64
            | InterfaceType::Char,
            _,
        ) => Err(misfit(value)),
        _ => Ok(None),
    }
}

/// The parts of a record, a tuple or a list of fixed length, with their types.
fn parts<'v, T>(
    cx: &LowerContext<'_, T>,
    ty: InterfaceType,
    value: &'v Value,
) -> Result<Vec<(&'v Value, InterfaceType)>> {
    let types = cx.types;
    match (ty, value) {
        (InterfaceType::Record(index), Value::Record(fields)) => {
            let wanted = &types[index].fields;
            if fields.len() != wanted.len() {
                return Err(misfit(value));
            }
            let parts = fields.iter().zip(wanted).map(|((name, value), field)| {
                if *name == field.name { Ok((value, field.ty)) } else { Err(misfit(value)) }
            });
            parts.collect()
        }
        (InterfaceType::Tuple(index), Value::Tuple(items))
            if items.len() == types[index].types.len() =>
        {
            Ok(items.iter().zip(types[index].types.iter().copied()).collect())
        }
        (InterfaceType::FixedLengthList(index), Value::List(items, _))
            if items.len() == types[index].size as usize =>
        {
            Ok(items.iter().map(|item| (item, types[index].element)).collect())
        }
        _ => Err(misfit(value)),
    }
}

/// Which case a value is of a variant, an enum, an option or a result.
fn case_of<'v, T>(
    cx: &LowerContext<'_, T>,
    ty: InterfaceType,
    value: &'v Value,
) -> Result<Case<'v>> {
    let types = cx.types;
    let (case, payload, wanted) = match (ty, value) {
        (InterfaceType::Variant(index), Value::Variant(name, payload)) => {
            let case = types[index].cases.get_full(name).ok_or_else(|| misfit(value))?;
            (case.0, payload.as_deref(), *case.2)
        }
        (InterfaceType::Enum(index), Value::Enum(name)) => {
            let case = types[index].names.get_index_of(name).ok_or_else(|| misfit(value))?;
            (case, None, None)
        }
        (InterfaceType::Option(_), Value::Option(None)) => (0, None, None),
        (InterfaceType::Option(index), Value::Option(Some(value))) => {
            (1, Some(&**value), Some(types[index].ty))
        }
        (InterfaceType::Result(index), Value::Result(Ok(payload))) => {
            (0, payload.as_deref(), types[index].ok)
        }
        (InterfaceType::Result(index), Value::Result(Err(payload))) => {
            (1, payload.as_deref(), types[index].err)
        }
        _ => return Err(misfit(value)),
    };
    match (payload, wanted) {
        (None, None) => Ok((case, None)),
        (Some(value), Some(ty)) => Ok((case, Some((value, ty)))),
        _ => Err(misfit(value)),
    }
}

/// The places of the flags that are set.
fn set_flags(value: &Value, place: impl Fn(&str) -> Option<usize>) -> Result<Vec<usize>> {
    let Value::Flags(names) = value else { return Err(misfit(value)) };
    names.iter().map(|name| place(name).ok_or_else(|| misfit(value))).collect()
}

/// Stores the lowest bytes of a number.
fn put<T>(cx: &mut LowerContext<'_, T>, at: usize, bits: u64, size: usize) -> Result<()> {
    let bytes = bits.to_le_bytes();
    let bytes = bytes.get(..size).ok_or_else(out_of_bounds)?;
    bytes_at(cx, at, size)?.copy_from_slice(bytes);
    Ok(())
}

/// So many bytes of the guest's memory.
fn bytes_at<'c, T>(
    cx: &'c mut LowerContext<'_, T>,
    at: usize,
    size: usize,
) -> Result<&'c mut [u8]> {
    let memory = cx.as_slice_mut();
    memory.get_mut(at..).and_then(|rest| rest.get_mut(..size)).ok_or_else(out_of_bounds)
}

fn out_of_bounds() -> wasmtime::Error {
    wasmtime::Error::msg("an argument does not fit into the component's memory")
}
