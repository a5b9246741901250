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

/// Whether a function moves bytes, and in a way that is known here: not asynchronously, with no stream,
/// future or map, and with handles among the parameters only as they are.
pub fn moves(ty: &ComponentFunc) -> bool {
    let mut bytes = false;
    let mut known = !ty.async_();
    for (_, ty) in ty.params() {
        known &= matches!(ty, Type::Own(_) | Type::Borrow(_)) || is_known(&ty, false, &mut bytes);
    }
    for ty in ty.results() {
        known &= is_known(&ty, true, &mut bytes);
    }
    known && bytes
}

/// Whether everything in a type is known, handles included or not; takes note of bytes.
fn is_known(ty: &Type, handles: bool, bytes: &mut bool) -> bool {
    let mut each = |ty: Type| is_known(&ty, handles, bytes);
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
        Type::Own(_) | Type::Borrow(_) => handles,
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
    let held = taken(&function.ty(&*store), args, handles)?;
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

/// The handles that are arguments, by the names of their variables, which lose those that are given away.
fn taken(
    ty: &ComponentFunc,
    args: &[Value],
    handles: &mut Handles,
) -> wasmtime::Result<BTreeMap<String, ResourceAny>> {
    let mut held = BTreeMap::new();
    for ((_, ty), arg) in ty.params().zip(args) {
        let Value::Handle(name) = arg else { continue };
        let handle = match ty {
            Type::Own(_) => handles.give(name)?,
            _ => handles.lend(name)?,
        };
        held.insert(name.clone(), handle);
    }
    Ok(held)
}
