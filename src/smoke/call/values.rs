//! Values into the engine's, by the function's types, and back.

use wasmtime::component::{ResourceAny, Type, Val};

use crate::wave::{Value, in_short};

/// Finds the handle of a name, for a place of this type: owned or borrowed.
pub type Find<'f> = dyn FnMut(&str, &Type) -> wasmtime::Result<ResourceAny> + 'f;

/// A value that is not of its parameter's type, which was looked at before.
pub fn misfit(value: &Value) -> wasmtime::Error {
    wasmtime::Error::msg(format!("{} does not fit the component's own type", in_short(value)))
}

/// A file of the case.
pub fn file<'f>(index: usize, files: &[&'f [u8]]) -> wasmtime::Result<&'f [u8]> {
    files.get(index).copied().ok_or_else(|| wasmtime::Error::msg("a file of the case is missing"))
}

/// A file of the case as text.
pub fn text(index: usize, files: &[&[u8]]) -> wasmtime::Result<String> {
    let bytes = file(index, files)?;
    String::from_utf8(bytes.to_vec())
        .map_err(|_| wasmtime::Error::msg("a file that is passed as a string is not UTF-8"))
}

/// A value as the engine takes it; `find` has its handles.
pub fn lower(
    value: &Value,
    ty: &Type,
    find: &mut Find<'_>,
    files: &[&[u8]],
) -> wasmtime::Result<Val> {
    let wrong = || misfit(value);
    let mut inner = |value: &Value, ty: &Type| lower(value, ty, find, files);
    Ok(match (ty, value) {
        (Type::Bool, Value::Bool(value)) => Val::Bool(*value),
        (Type::S8, Value::Signed(n)) => Val::S8(i8::try_from(*n).map_err(|_| wrong())?),
        (Type::S16, Value::Signed(n)) => Val::S16(i16::try_from(*n).map_err(|_| wrong())?),
        (Type::S32, Value::Signed(n)) => Val::S32(i32::try_from(*n).map_err(|_| wrong())?),
        (Type::S64, Value::Signed(n)) => Val::S64(*n),
        (Type::U8, Value::Unsigned(n)) => Val::U8(u8::try_from(*n).map_err(|_| wrong())?),
        (Type::U16, Value::Unsigned(n)) => Val::U16(u16::try_from(*n).map_err(|_| wrong())?),
        (Type::U32, Value::Unsigned(n)) => Val::U32(u32::try_from(*n).map_err(|_| wrong())?),
        (Type::U64, Value::Unsigned(n)) => Val::U64(*n),
        (Type::Float32, Value::Float32(bits)) => Val::Float32(f32::from_bits(*bits)),
        (Type::Float64, Value::Float64(bits)) => Val::Float64(f64::from_bits(*bits)),
        (Type::Char, Value::Char(c)) => Val::Char(*c),
        (Type::String, Value::Text(text)) => Val::String(text.clone()),
        (Type::String, Value::File(index, true)) => Val::String(text(*index, files)?),
        (Type::List(_), Value::Bytes(bytes)) => {
            Val::List(bytes.iter().map(|byte| Val::U8(*byte)).collect())
        }
        (Type::List(_), Value::File(index, false)) => {
            Val::List(file(*index, files)?.iter().map(|byte| Val::U8(*byte)).collect())
        }
        (Type::List(list), Value::List(items, _)) => {
            let ty = list.ty();
            Val::List(items.iter().map(|item| inner(item, &ty)).collect::<Result<_, _>>()?)
        }
        (Type::FixedLengthList(list), Value::List(items, _)) => {
            let ty = list.ty();
            let items = items.iter().map(|item| inner(item, &ty));
            Val::FixedLengthList(items.collect::<Result<_, _>>()?)
        }
        (Type::Map(map), Value::List(entries, _)) => {
            let (key, value) = (map.key(), map.value());
            let mut pairs = Vec::with_capacity(entries.len());
            for entry in entries {
                let Value::Tuple(pair) = entry else { return Err(wrong()) };
                let [k, v] = pair.as_slice() else { return Err(wrong()) };
                pairs.push((inner(k, &key)?, inner(v, &value)?));
            }
            Val::Map(pairs)
        }
        (Type::Tuple(tuple), Value::Tuple(items)) => {
            let items = items.iter().zip(tuple.types()).map(|(item, ty)| inner(item, &ty));
            Val::Tuple(items.collect::<Result<_, _>>()?)
        }
        (Type::Record(record), Value::Record(fields)) => {
            let mut values = Vec::with_capacity(fields.len());
            for ((name, value), field) in fields.iter().zip(record.fields()) {
                values.push((name.clone(), inner(value, &field.ty)?));
            }
            Val::Record(values)
        }
        (Type::Flags(_), Value::Flags(names)) => Val::Flags(names.clone()),
        (Type::Enum(_), Value::Enum(name)) => Val::Enum(name.clone()),
        (Type::Variant(variant), Value::Variant(name, payload)) => {
            let case = variant.cases().find(|case| case.name == name).ok_or_else(wrong)?;
            let payload = match (payload, &case.ty) {
                (Some(value), Some(ty)) => Some(Box::new(inner(value, ty)?)),
                (None, None) => None,
                _ => return Err(wrong()),
            };
            Val::Variant(name.clone(), payload)
        }
        (Type::Option(_), Value::Option(None)) => Val::Option(None),
        (Type::Option(option), Value::Option(Some(value))) => {
            Val::Option(Some(Box::new(inner(value, &option.ty())?)))
        }
        (Type::Result(result), Value::Result(value)) => {
            let mut payload = |value: &Option<Box<Value>>, ty: Option<Type>| match (value, ty) {
                (Some(value), Some(ty)) => Ok(Some(Box::new(inner(value, &ty)?))),
                (None, None) => Ok(None),
                _ => Err(wrong()),
            };
            Val::Result(match value {
                Ok(value) => Ok(payload(value, result.ok())?),
                Err(value) => Err(payload(value, result.err())?),
            })
        }
        (Type::Own(_) | Type::Borrow(_), Value::Handle(name)) => Val::Resource(find(name, ty)?),
        _ => return Err(wrong()),
    })
}

/// What came back, with the handles in it put aside.
pub fn raise(value: &Val, found: &mut Vec<ResourceAny>) -> Value {
    raise_with(value, &mut |handle| {
        found.push(handle);
        Value::Opaque("a handle".to_owned())
    })
}

/// What came back; `name` says what stands for a handle in it. Bytes take 40 times as much in the engine as
/// here, and so nothing is copied as it is there.
pub fn raise_with(value: &Val, name: &mut dyn FnMut(ResourceAny) -> Value) -> Value {
    let mut all =
        |values: &[Val]| values.iter().map(|value| raise_with(value, name)).collect::<Vec<_>>();
    match value {
        Val::Bool(value) => Value::Bool(*value),
        Val::S8(n) => Value::Signed((*n).into()),
        Val::S16(n) => Value::Signed((*n).into()),
        Val::S32(n) => Value::Signed((*n).into()),
        Val::S64(n) => Value::Signed(*n),
        Val::U8(n) => Value::Unsigned((*n).into()),
        Val::U16(n) => Value::Unsigned((*n).into()),
        Val::U32(n) => Value::Unsigned((*n).into()),
        Val::U64(n) => Value::Unsigned(*n),
        Val::Float32(value) => Value::Float32(value.to_bits()),
        Val::Float64(value) => Value::Float64(value.to_bits()),
        Val::Char(c) => Value::Char(*c),
        Val::String(text) => Value::Text(text.clone()),
        Val::List(items) => match bytes(items) {
            Some(bytes) => Value::Bytes(bytes),
            None => Value::List(all(items), false),
        },
        Val::FixedLengthList(items) => Value::List(all(items), false),
        Val::Map(entries) => {
            let pair = |(key, value): &(Val, Val)| {
                Value::Tuple(vec![raise_with(key, name), raise_with(value, name)])
            };
            Value::List(entries.iter().map(pair).collect(), false)
        }
        Val::Tuple(items) => Value::Tuple(all(items)),
        Val::Record(fields) => {
            let field = |(field, value): &(String, Val)| (field.clone(), raise_with(value, name));
            Value::Record(fields.iter().map(field).collect())
        }
        Val::Flags(names) => Value::Flags(names.clone()),
        Val::Enum(case) => Value::Enum(case.clone()),
        Val::Variant(case, payload) => Value::Variant(case.clone(), boxed(payload, name)),
        Val::Option(value) => Value::Option(boxed(value, name)),
        Val::Result(Ok(value)) => Value::Result(Ok(boxed(value, name))),
        Val::Result(Err(value)) => Value::Result(Err(boxed(value, name))),
        Val::Resource(handle) => name(*handle),
        Val::Future(_) => Value::Opaque("a future".to_owned()),
        Val::Stream(_) => Value::Opaque("a stream".to_owned()),
        Val::ErrorContext(_) => Value::Opaque("an error-context".to_owned()),
    }
}

/// The elements of a list of bytes, which is not empty.
fn bytes(items: &[Val]) -> Option<Vec<u8>> {
    let Some(Val::U8(_)) = items.first() else { return None };
    let byte = |item: &Val| match item {
        Val::U8(byte) => Some(*byte),
        _ => None,
    };
    items.iter().map(byte).collect()
}

fn boxed(
    value: &Option<Box<Val>>,
    name: &mut dyn FnMut(ResourceAny) -> Value,
) -> Option<Box<Value>> {
    value.as_ref().map(|value| Box::new(raise_with(value, name)))
}
