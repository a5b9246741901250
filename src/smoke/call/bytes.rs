//! Calls that move bytes. A `list<u8>` in the engine's untyped form takes about 40 bytes an element and is
//! charged for them, so that four megabytes are too many; here it takes what it is, wherever in the
//! parameters or the result it stands. That is so of what the plugin exports: functions of its host are
//! untyped still, and what they are passed counts that much.

use std::collections::BTreeMap;

use wasmtime::component::types::ComponentFunc;
use wasmtime::component::{Func, ResourceAny, Type};

use super::lower::Named;
use super::raw::{Arguments, Flat, Stored};
use super::{Handles, PluginStore, Returned};
use crate::wave::Value;

/// Whether a function moves bytes, and in a way that is known here: not asynchronously, and with no
/// stream, future or map.
pub fn moves(ty: &ComponentFunc) -> bool {
    let mut bytes = false;
    let mut known = !ty.async_();
    for ty in ty.params().map(|(_, ty)| ty).chain(ty.results()) {
        known &= is_known(&ty, &mut bytes);
    }
    known && bytes
}

/// Whether everything in a type is known; takes note of bytes.
fn is_known(ty: &Type, bytes: &mut bool) -> bool {
    let mut each = |ty: Type| is_known(&ty, bytes);
    match ty {
        Type::List(list) => match list.ty() {
            Type::U8 => {
                *bytes = true;
                true
            }
            element => each(element),
        },
        Type::FixedLengthList(list) => each(list.ty()),
        Type::Record(record) => record.fields().all(|field| each(field.ty)),
        Type::Tuple(tuple) => tuple.types().all(each),
        Type::Variant(variant) => variant.cases().all(|case| case.ty.is_none_or(&mut each)),
        Type::Option(option) => each(option.ty()),
        Type::Result(result) => {
            result.ok().is_none_or(&mut each) && result.err().is_none_or(&mut each)
        }
        Type::Map(_) | Type::Future(_) | Type::Stream(_) | Type::ErrorContext => false,
        _ => true,
    }
}

/// Makes a call that moves bytes; none where its parameters are more core values than are passed as such,
/// and nothing has been called.
pub async fn make(
    store: &mut PluginStore,
    function: &Func,
    args: &[Value],
    handles: &mut Handles,
    files: &[&[u8]],
) -> wasmtime::Result<Option<Returned>> {
    let stored = function.typed::<Arguments<'_>, Stored>(&*store);
    let flat = function.typed::<Arguments<'_>, Flat>(&*store);
    if stored.is_err() && flat.is_err() {
        return Ok(None);
    }
    let mut held = BTreeMap::new();
    for ((_, ty), arg) in function.ty(&*store).params().zip(args) {
        take(&ty, arg, handles, &mut held)?;
    }
    let arguments = Arguments { values: args, named: Named { handles: &held, files } };
    let (value, handles) = match (stored, flat) {
        (Ok(function), _) => {
            let Stored(value, handles) = function.call_async(store, arguments).await?;
            (value, handles)
        }
        (_, Ok(function)) => {
            let Flat(value, handles) = function.call_async(store, arguments).await?;
            (value, handles)
        }
        (Err(error), _) => return Err(error),
    };
    Ok(Some(Returned { value, handles }))
}

/// Takes the handles that are in an argument, by the names of their variables, which lose those that are
/// given away.
fn take(
    ty: &Type,
    arg: &Value,
    handles: &mut Handles,
    held: &mut BTreeMap<String, ResourceAny>,
) -> wasmtime::Result<()> {
    let mut each = |ty: Type, arg: &Value| take(&ty, arg, handles, held);
    match (ty, arg) {
        (Type::Own(_) | Type::Borrow(_), Value::Handle(name)) => {
            held.insert(name.clone(), handles.pass(name, ty)?);
            Ok(())
        }
        (Type::List(list), Value::List(items, _)) => {
            items.iter().try_for_each(|item| each(list.ty(), item))
        }
        (Type::FixedLengthList(list), Value::List(items, _)) => {
            items.iter().try_for_each(|item| each(list.ty(), item))
        }
        (Type::Record(record), Value::Record(fields)) => {
            record.fields().zip(fields).try_for_each(|(field, (_, value))| each(field.ty, value))
        }
        (Type::Tuple(tuple), Value::Tuple(items)) => {
            tuple.types().zip(items).try_for_each(|(ty, item)| each(ty, item))
        }
        (Type::Variant(variant), Value::Variant(name, Some(value))) => {
            match variant.cases().find(|case| case.name == name).and_then(|case| case.ty) {
                Some(ty) => each(ty, value),
                None => Ok(()),
            }
        }
        (Type::Option(option), Value::Option(Some(value))) => each(option.ty(), value),
        (Type::Result(result), Value::Result(Ok(Some(value)))) => {
            result.ok().map_or(Ok(()), |ty| each(ty, value))
        }
        (Type::Result(result), Value::Result(Err(Some(value)))) => {
            result.err().map_or(Ok(()), |ty| each(ty, value))
        }
        _ => Ok(()),
    }
}
