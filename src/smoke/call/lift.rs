//! Results by the canonical ABI: out of a core value, or loaded from the guest's memory. The rules are those
//! of `lift_flat` and `load` (component model, CanonicalABI.md). A list of bytes takes what it is; everything
//! else is charged for what it takes here, before it does.

use wasmtime::component::__internal::{InterfaceType, LiftContext};
use wasmtime::component::{Lift, ResourceAny};
use wasmtime::{Error, Result, ValRaw};

use super::raw::layout;
use crate::wave::Value;

/// Loads a value from the bytes that it takes in the guest's memory. Handles in it are put aside.
pub fn load(
    cx: &mut LiftContext<'_>,
    ty: InterfaceType,
    bytes: &[u8],
    found: &mut Vec<ResourceAny>,
) -> Result<Value> {
    let bytes = bytes.get(..size_of_type(cx, ty)).ok_or_else(out_of_bounds)?;
    Ok(match ty {
        InterfaceType::Bool => Value::Bool(bool::linear_lift_from_memory(cx, ty, bytes)?),
        InterfaceType::S8 => signed(i8::linear_lift_from_memory(cx, ty, bytes)?),
        InterfaceType::S16 => signed(i16::linear_lift_from_memory(cx, ty, bytes)?),
        InterfaceType::S32 => signed(i32::linear_lift_from_memory(cx, ty, bytes)?),
        InterfaceType::S64 => signed(i64::linear_lift_from_memory(cx, ty, bytes)?),
        InterfaceType::U8 => unsigned(u8::linear_lift_from_memory(cx, ty, bytes)?),
        InterfaceType::U16 => unsigned(u16::linear_lift_from_memory(cx, ty, bytes)?),
        InterfaceType::U32 => unsigned(u32::linear_lift_from_memory(cx, ty, bytes)?),
        InterfaceType::U64 => unsigned(u64::linear_lift_from_memory(cx, ty, bytes)?),
        InterfaceType::Float32 => {
            Value::Float32(f32::linear_lift_from_memory(cx, ty, bytes)?.to_bits())
        }
        InterfaceType::Float64 => {
            Value::Float64(f64::linear_lift_from_memory(cx, ty, bytes)?.to_bits())
        }
        InterfaceType::Char => Value::Char(char::linear_lift_from_memory(cx, ty, bytes)?),
        InterfaceType::String => Value::Text(String::linear_lift_from_memory(cx, ty, bytes)?),
        InterfaceType::Own(_) | InterfaceType::Borrow(_) => {
            found.push(ResourceAny::linear_lift_from_memory(cx, ty, bytes)?);
            Value::Opaque("a handle".to_owned())
        }
        InterfaceType::List(index) => {
            let number = |bytes: &[u8], at: usize| -> Result<usize> {
                let four = bytes.get(at..).and_then(<[u8]>::first_chunk::<4>);
                Ok(u32::from_le_bytes(*four.ok_or_else(out_of_bounds)?) as usize)
            };
            let (at, length) = (number(bytes, 0)?, number(bytes, 4)?);
            let element = cx.types[index].element;
            list(cx, element, at, length, found)?
        }
        InterfaceType::Record(_) | InterfaceType::Tuple(_) | InterfaceType::FixedLengthList(_) => {
            let types = charged_parts(cx, ty)?;
            let (mut values, mut next) = (Vec::with_capacity(types.len()), 0);
            for ty in types {
                let at = cx.types.canonical_abi(&ty).next_field32_size(&mut next);
                values.push(load(cx, ty, bytes.get(at..).ok_or_else(out_of_bounds)?, found)?);
            }
            joined(cx, ty, values)
        }
        InterfaceType::Flags(_) => {
            let mut set = Vec::new();
            for (i, byte) in bytes.iter().enumerate() {
                set.extend((0..8).filter(|bit| byte >> bit & 1 == 1).map(|bit| i * 8 + bit));
            }
            flags(cx, ty, &set)?
        }
        _ => {
            let (tag, offset) = layout(cx.types, ty).ok_or_else(unexpected)?;
            let mut case = [0; 8];
            case[..tag].copy_from_slice(bytes.get(..tag).ok_or_else(out_of_bounds)?);
            let case = usize::try_from(u64::from_le_bytes(case))?;
            let payload = match payload_of(cx, ty, case)? {
                None => None,
                Some(ty) => {
                    cx.consume_fuel(size_of::<Value>())?;
                    let bytes = bytes.get(offset..).ok_or_else(out_of_bounds)?;
                    Some(Box::new(load(cx, ty, bytes, found)?))
                }
            };
            with_case(cx, ty, case, payload)?
        }
    })
}

/// A value that is one core value, or none.
pub fn flat(
    cx: &mut LiftContext<'_>,
    ty: InterfaceType,
    src: &ValRaw,
    found: &mut Vec<ResourceAny>,
) -> Result<Value> {
    Ok(match ty {
        InterfaceType::Bool => Value::Bool(bool::linear_lift_from_flat(cx, ty, src)?),
        InterfaceType::S8 => signed(i8::linear_lift_from_flat(cx, ty, src)?),
        InterfaceType::S16 => signed(i16::linear_lift_from_flat(cx, ty, src)?),
        InterfaceType::S32 => signed(i32::linear_lift_from_flat(cx, ty, src)?),
        InterfaceType::S64 => signed(i64::linear_lift_from_flat(cx, ty, src)?),
        InterfaceType::U8 => unsigned(u8::linear_lift_from_flat(cx, ty, src)?),
        InterfaceType::U16 => unsigned(u16::linear_lift_from_flat(cx, ty, src)?),
        InterfaceType::U32 => unsigned(u32::linear_lift_from_flat(cx, ty, src)?),
        InterfaceType::U64 => unsigned(u64::linear_lift_from_flat(cx, ty, src)?),
        InterfaceType::Float32 => {
            Value::Float32(f32::linear_lift_from_flat(cx, ty, src)?.to_bits())
        }
        InterfaceType::Float64 => {
            Value::Float64(f64::linear_lift_from_flat(cx, ty, src)?.to_bits())
        }
        InterfaceType::Char => Value::Char(char::linear_lift_from_flat(cx, ty, src)?),
        InterfaceType::Own(_) | InterfaceType::Borrow(_) => {
            found.push(ResourceAny::linear_lift_from_flat(cx, ty, src)?);
            Value::Opaque("a handle".to_owned())
        }
        InterfaceType::Record(_) | InterfaceType::Tuple(_) | InterfaceType::FixedLengthList(_) => {
            let types = charged_parts(cx, ty)?;
            let mut values = Vec::with_capacity(types.len());
            for ty in types {
                // One part of them is the core value; there are no parts that are none.
                values.push(flat(cx, ty, src, found)?);
            }
            joined(cx, ty, values)
        }
        InterfaceType::Flags(_) => {
            let bits = u32::linear_lift_from_flat(cx, InterfaceType::U32, src)?;
            let set: Vec<usize> = (0..32).filter(|bit| bits >> bit & 1 == 1).collect();
            flags(cx, ty, &set)?
        }
        InterfaceType::Variant(_)
        | InterfaceType::Enum(_)
        | InterfaceType::Option(_)
        | InterfaceType::Result(_) => {
            let case = u32::linear_lift_from_flat(cx, InterfaceType::U32, src)? as usize;
            match payload_of(cx, ty, case)? {
                None => with_case(cx, ty, case, None)?,
                // What carries something is at least two.
                Some(_) => return Err(unexpected()),
            }
        }
        _ => return Err(unexpected()),
    })
}

fn list(
    cx: &mut LiftContext<'_>,
    element: InterfaceType,
    at: usize,
    length: usize,
    found: &mut Vec<ResourceAny>,
) -> Result<Value> {
    let abi = cx.types.canonical_abi(&element);
    let (size, align) = (abi.size32 as usize, abi.align32 as usize);
    let memory = cx.memory();
    let all = length.checked_mul(size).and_then(|all| memory.get(at..)?.get(..all));
    let all = all.ok_or_else(|| Error::msg("list pointer/length out of bounds of memory"))?;
    if !at.is_multiple_of(align) {
        return Err(Error::msg("list pointer is not aligned"));
    }
    if matches!(element, InterfaceType::U8) {
        cx.consume_fuel(length)?;
        return Ok(Value::Bytes(all.to_vec()));
    }
    cx.consume_fuel_array(length, size_of::<Value>())?;
    let mut items = Vec::with_capacity(length);
    for bytes in all.chunks_exact(size) {
        items.push(load(cx, element, bytes, found)?);
    }
    Ok(Value::List(items, false))
}

/// The types of the parts, which are charged for.
fn charged_parts(cx: &mut LiftContext<'_>, ty: InterfaceType) -> Result<Vec<InterfaceType>> {
    let types: Vec<InterfaceType> = match ty {
        InterfaceType::Record(index) => {
            let fields = &cx.types[index].fields;
            let names = fields.iter().map(|field| size_of::<String>() + field.name.len()).sum();
            let types = fields.iter().map(|field| field.ty).collect();
            cx.consume_fuel(names)?;
            types
        }
        InterfaceType::Tuple(index) => cx.types[index].types.to_vec(),
        InterfaceType::FixedLengthList(index) => {
            let list = &cx.types[index];
            let (element, length) = (list.element, list.size as usize);
            cx.consume_fuel_array(length, size_of::<Value>())?;
            return Ok(vec![element; length]);
        }
        _ => return Err(unexpected()),
    };
    cx.consume_fuel_array(types.len(), size_of::<Value>())?;
    Ok(types)
}

/// The parts as one value.
fn joined(cx: &LiftContext<'_>, ty: InterfaceType, values: Vec<Value>) -> Value {
    match ty {
        InterfaceType::Record(index) => {
            let names = cx.types[index].fields.iter().map(|field| field.name.clone());
            Value::Record(names.zip(values).collect())
        }
        InterfaceType::FixedLengthList(_) => Value::List(values, false),
        _ => Value::Tuple(values),
    }
}

/// The flags at these places; places beyond those of the type say nothing.
fn flags(cx: &mut LiftContext<'_>, ty: InterfaceType, set: &[usize]) -> Result<Value> {
    let InterfaceType::Flags(index) = ty else { return Err(unexpected()) };
    let all = &cx.types[index].names;
    let names: Vec<String> =
        set.iter().filter_map(|place| all.iter().nth(*place)).cloned().collect();
    cx.consume_fuel(names.iter().map(|name| size_of::<String>() + name.len()).sum())?;
    Ok(Value::Flags(names))
}

/// What a case carries.
fn payload_of(
    cx: &LiftContext<'_>,
    ty: InterfaceType,
    case: usize,
) -> Result<Option<InterfaceType>> {
    let (found, cases) = match ty {
        InterfaceType::Variant(index) => {
            let cases = &cx.types[index].cases;
            (cases.get_index(case).map(|(_, ty)| *ty), cases.len())
        }
        InterfaceType::Enum(index) => {
            let names = &cx.types[index].names;
            (names.iter().nth(case).map(|_| None), names.len())
        }
        InterfaceType::Option(index) => {
            let types = [None, Some(cx.types[index].ty)];
            (types.get(case).copied(), types.len())
        }
        InterfaceType::Result(index) => {
            let types = [cx.types[index].ok, cx.types[index].err];
            (types.get(case).copied(), types.len())
        }
        _ => return Err(unexpected()),
    };
    found.ok_or_else(|| Error::msg(format!("discriminant {case} out of range [0..{cases})")))
}

fn with_case(
    cx: &mut LiftContext<'_>,
    ty: InterfaceType,
    case: usize,
    payload: Option<Box<Value>>,
) -> Result<Value> {
    let name = match ty {
        InterfaceType::Variant(index) => {
            cx.types[index].cases.get_index(case).map(|(name, _)| name.clone())
        }
        InterfaceType::Enum(index) => cx.types[index].names.iter().nth(case).cloned(),
        InterfaceType::Option(_) => return Ok(Value::Option(payload)),
        InterfaceType::Result(_) if case == 0 => return Ok(Value::Result(Ok(payload))),
        InterfaceType::Result(_) => return Ok(Value::Result(Err(payload))),
        _ => None,
    };
    let name = name.ok_or_else(unexpected)?;
    cx.consume_fuel(name.len())?;
    Ok(match ty {
        InterfaceType::Enum(_) => Value::Enum(name),
        _ => Value::Variant(name, payload),
    })
}

fn size_of_type(cx: &LiftContext<'_>, ty: InterfaceType) -> usize {
    cx.types.canonical_abi(&ty).size32 as usize
}

fn signed(n: impl Into<i64>) -> Value {
    Value::Signed(n.into())
}

fn unsigned(n: impl Into<u64>) -> Value {
    Value::Unsigned(n.into())
}

fn out_of_bounds() -> Error {
    Error::msg("a result is out of bounds of memory")
}

/// Nobody chose this way for such a type.
fn unexpected() -> Error {
    Error::msg("a result is of a type that cannot be here")
}
