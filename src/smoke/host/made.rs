//! Answers that are made from a type: zero, empty, none, the first case.

use wasmtime::component::{ResourceType, Type};

use crate::wave::Value;

/// The most values that an answer is made of.
const MAX_VALUES: usize = 10_000;

/// What a handle of a resource is called.
pub type Label<'l> = dyn Fn(&ResourceType) -> Option<String> + 'l;

/// The answer of a type; a handle is a new one. Where there is none, what has none.
pub fn default(ty: &Type, label: &Label<'_>) -> Result<Value, &'static str> {
    let mut left = MAX_VALUES;
    make(ty, label, &mut left)
}

fn make(ty: &Type, label: &Label<'_>, left: &mut usize) -> Result<Value, &'static str> {
    *left = left.checked_sub(1).ok_or("it is too large")?;
    let mut made = |ty: &Type| make(ty, label, left);
    Ok(match ty {
        Type::Bool => Value::Bool(false),
        Type::S8 | Type::S16 | Type::S32 | Type::S64 => Value::Signed(0),
        Type::U8 | Type::U16 | Type::U32 | Type::U64 => Value::Unsigned(0),
        Type::Float32 => Value::Float32(0),
        Type::Float64 => Value::Float64(0),
        Type::Char => Value::Char('\0'),
        Type::String => Value::Text(String::new()),
        Type::List(_) | Type::Map(_) => Value::List(Vec::new(), false),
        Type::FixedLengthList(list) => {
            let items = (0..list.len()).map(|_| made(&list.ty()));
            Value::List(items.collect::<Result<_, _>>()?, false)
        }
        Type::Record(record) => {
            let fields = record.fields();
            let fields = fields.map(|field| Ok((field.name.to_owned(), made(&field.ty)?)));
            Value::Record(fields.collect::<Result<_, &'static str>>()?)
        }
        Type::Tuple(tuple) => {
            Value::Tuple(tuple.types().map(|ty| made(&ty)).collect::<Result<_, _>>()?)
        }
        Type::Variant(variant) => {
            let first = variant.cases().next().ok_or("a variant without a case")?;
            let payload = first.ty.map(|ty| made(&ty)).transpose()?;
            Value::Variant(first.name.to_owned(), payload.map(Box::new))
        }
        Type::Enum(cases) => {
            let first = cases.names().next().ok_or("an enum without a case")?;
            Value::Enum(first.to_owned())
        }
        Type::Option(_) => Value::Option(None),
        Type::Result(result) => {
            let ok = result.ok().map(|ty| made(&ty)).transpose()?;
            Value::Result(Ok(ok.map(Box::new)))
        }
        Type::Flags(_) => Value::Flags(Vec::new()),
        Type::Own(ty) => Value::Handle(label(ty).ok_or("a handle of another's resource")?),
        Type::Borrow(_) => return Err("a borrowed handle"),
        Type::Future(_) => return Err("a future"),
        Type::Stream(_) => return Err("a stream"),
        Type::ErrorContext => return Err("an error context"),
    })
}
