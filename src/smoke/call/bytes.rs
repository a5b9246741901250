//! Calls that move bytes. A `list<u8>` in the engine's untyped form takes about 40 bytes an element
//! and is charged for them, so that four megabytes are too many; as `Vec<u8>` it takes what it is.
//! The engine's typed functions want types that are known when this program is compiled, so this is a
//! table: of the parameters and the results that functions over bytes have.

use wasmtime::component::types::ComponentFunc;
use wasmtime::component::{ComponentNamedList, Func, Lift, Lower, ResourceAny, Type};

use super::values::{file, text};
use super::{Handles, PluginStore};
use crate::wave::Value;

/// Expands to an enum of shapes with the test whether a list of types is of the shape.
macro_rules! shapes {
    ($(#[$doc:meta])* $name:ident: $($shape:ident [$($ty:pat),*])*) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        enum $name { $($shape,)* }

        impl $name {
            fn of(types: &[Plain]) -> Option<$name> {
                match types {
                    $([$($ty),*] => Some($name::$shape),)*
                    _ => None,
                }
            }
        }
    };
}

/// A type that the table knows.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Plain {
    Bytes,
    Text,
    U32,
    U64,
    Handle,
    Option(Box<Plain>),
    List(Box<Plain>),
    Result(Option<Box<Plain>>, Option<Box<Plain>>),
}

shapes! {
    /// Parameters.
    Params:
    None []
    Text [Plain::Text]
    U32 [Plain::U32]
    U64 [Plain::U64]
    Handle [Plain::Handle]
    HandleU64 [Plain::Handle, Plain::U64]
    Bytes [Plain::Bytes]
    TextBytes [Plain::Text, Plain::Bytes]
    HandleBytes [Plain::Handle, Plain::Bytes]
}

/// Results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Results {
    None,
    U32,
    U64,
    Text,
    Bytes,
    OptionBytes,
    ListBytes,
    ResultBytes,
    ResultBytesText,
    ResultNoneText,
    ResultTextText,
}

impl Results {
    fn of(ty: Option<&Plain>) -> Option<Results> {
        let is = |ty: &Option<Box<Plain>>, plain: Plain| ty.as_deref() == Some(&plain);
        Some(match ty {
            None => Results::None,
            Some(Plain::U32) => Results::U32,
            Some(Plain::U64) => Results::U64,
            Some(Plain::Text) => Results::Text,
            Some(Plain::Bytes) => Results::Bytes,
            Some(Plain::Option(ty)) if **ty == Plain::Bytes => Results::OptionBytes,
            Some(Plain::List(ty)) if **ty == Plain::Bytes => Results::ListBytes,
            Some(Plain::Result(ok, None)) if is(ok, Plain::Bytes) => Results::ResultBytes,
            Some(Plain::Result(None, err)) if is(err, Plain::Text) => Results::ResultNoneText,
            Some(Plain::Result(ok, err)) if is(err, Plain::Text) => match ok.as_deref() {
                Some(Plain::Bytes) => Results::ResultBytesText,
                Some(Plain::Text) => Results::ResultTextText,
                _ => return None,
            },
            Some(_) => return None,
        })
    }

    fn has_bytes(self) -> bool {
        matches!(
            self,
            Results::Bytes
                | Results::OptionBytes
                | Results::ListBytes
                | Results::ResultBytes
                | Results::ResultBytesText
        )
    }
}

/// A call that the table has.
pub struct Shape {
    params: Params,
    results: Results,
}

fn plain(ty: &Type) -> Option<Plain> {
    let boxed = |ty: Type| plain(&ty).map(Box::new);
    Some(match ty {
        Type::U32 => Plain::U32,
        Type::U64 => Plain::U64,
        Type::String => Plain::Text,
        Type::Borrow(_) => Plain::Handle,
        Type::List(list) => match list.ty() {
            Type::U8 => Plain::Bytes,
            ty => Plain::List(boxed(ty)?),
        },
        Type::Option(option) => Plain::Option(boxed(option.ty())?),
        Type::Result(result) => {
            let ok = result.ok().map(|ty| boxed(ty).ok_or(())).transpose().ok()?;
            let err = result.err().map(|ty| boxed(ty).ok_or(())).transpose().ok()?;
            Plain::Result(ok, err)
        }
        _ => return None,
    })
}

/// The entry of the table for a function, where it has one and there are bytes to move.
pub fn shape(ty: &ComponentFunc, args: &[Value]) -> Option<Shape> {
    let params: Vec<Plain> = ty.params().map(|(_, ty)| plain(&ty)).collect::<Option<_>>()?;
    let results = match ty.results().next() {
        None => None,
        Some(ty) => Some(plain(&ty)?),
    };
    let shape = Shape { params: Params::of(&params)?, results: Results::of(results.as_ref())? };
    let moves = shape.results.has_bytes() || params.contains(&Plain::Bytes);
    (moves && args.len() == params.len()).then_some(shape)
}

/// Makes a call of the table.
pub async fn make(
    store: &mut PluginStore,
    function: &Func,
    shape: &Shape,
    args: &[Value],
    handles: &Handles,
    files: &[&[u8]],
) -> wasmtime::Result<Option<Value>> {
    let results = shape.results;
    let lacking = || wasmtime::Error::msg("an argument does not fit the component's own type");
    let arg = |index: usize| args.get(index).ok_or_else(lacking);
    let bytes = |index: usize| -> wasmtime::Result<Vec<u8>> {
        match arg(index)? {
            Value::Bytes(bytes) => Ok(bytes.clone()),
            Value::File(index, false) => file(*index, files).map(<[u8]>::to_vec),
            _ => Err(lacking()),
        }
    };
    let string = |index: usize| match arg(index)? {
        Value::Text(text) => Ok(text.clone()),
        Value::File(index, true) => text(*index, files),
        _ => Err(lacking()),
    };
    let number = |index: usize| match arg(index)? {
        Value::Unsigned(n) => Ok(*n),
        _ => Err(lacking()),
    };
    let small = |index: usize| number(index).and_then(|n| u32::try_from(n).map_err(|_| lacking()));
    let handle = |index: usize| -> wasmtime::Result<ResourceAny> {
        match arg(index)? {
            Value::Handle(name) => handles.lend(name),
            _ => Err(lacking()),
        }
    };
    match shape.params {
        Params::None => raising(store, function, (), results).await,
        Params::Text => raising(store, function, (string(0)?,), results).await,
        Params::U32 => raising(store, function, (small(0)?,), results).await,
        Params::U64 => raising(store, function, (number(0)?,), results).await,
        Params::Handle => raising(store, function, (handle(0)?,), results).await,
        Params::HandleU64 => raising(store, function, (handle(0)?, number(1)?), results).await,
        Params::Bytes => any(store, function, (bytes(0)?,), results).await,
        Params::TextBytes => any(store, function, (string(0)?, bytes(1)?), results).await,
        Params::HandleBytes => any(store, function, (handle(0)?, bytes(1)?), results).await,
    }
}

/// Calls a function that returns bytes.
async fn raising<P>(
    store: &mut PluginStore,
    function: &Func,
    params: P,
    results: Results,
) -> wasmtime::Result<Option<Value>>
where
    P: ComponentNamedList + Lower + Send + Sync + 'static,
{
    match results {
        Results::Bytes => call::<P, Vec<u8>>(store, function, params).await,
        Results::OptionBytes => call::<P, Option<Vec<u8>>>(store, function, params).await,
        Results::ListBytes => call::<P, Vec<Vec<u8>>>(store, function, params).await,
        Results::ResultBytes => call::<P, Result<Vec<u8>, ()>>(store, function, params).await,
        Results::ResultBytesText => {
            call::<P, Result<Vec<u8>, String>>(store, function, params).await
        }
        _ => Err(wasmtime::Error::msg("the call moves no bytes")),
    }
}

/// Calls a function that takes bytes.
async fn any<P>(
    store: &mut PluginStore,
    function: &Func,
    params: P,
    results: Results,
) -> wasmtime::Result<Option<Value>>
where
    P: ComponentNamedList + Lower + Send + Sync + 'static,
{
    match results {
        Results::None => {
            function.typed::<P, ()>(&*store)?.call_async(store, params).await?;
            Ok(None)
        }
        Results::U32 => call::<P, u32>(store, function, params).await,
        Results::U64 => call::<P, u64>(store, function, params).await,
        Results::Text => call::<P, String>(store, function, params).await,
        Results::ResultNoneText => call::<P, Result<(), String>>(store, function, params).await,
        Results::ResultTextText => call::<P, Result<String, String>>(store, function, params).await,
        _ => raising(store, function, params, results).await,
    }
}

async fn call<P, R>(
    store: &mut PluginStore,
    function: &Func,
    params: P,
) -> wasmtime::Result<Option<Value>>
where
    P: ComponentNamedList + Lower + Send + Sync + 'static,
    R: Lift + Raise + Send + Sync + 'static,
{
    let function = function.typed::<P, (R,)>(&*store)?;
    let (value,) = function.call_async(store, params).await?;
    Ok(value.raise())
}

/// What a typed function returned, as a value.
trait Raise {
    /// None for the unit type, which stands for no value at all.
    fn raise(self) -> Option<Value>;
}

impl Raise for () {
    fn raise(self) -> Option<Value> {
        None
    }
}

impl Raise for u32 {
    fn raise(self) -> Option<Value> {
        Some(Value::Unsigned(self.into()))
    }
}

impl Raise for u64 {
    fn raise(self) -> Option<Value> {
        Some(Value::Unsigned(self))
    }
}

impl Raise for String {
    fn raise(self) -> Option<Value> {
        Some(Value::Text(self))
    }
}

impl Raise for Vec<u8> {
    fn raise(self) -> Option<Value> {
        Some(Value::Bytes(self))
    }
}

impl Raise for Vec<Vec<u8>> {
    fn raise(self) -> Option<Value> {
        Some(Value::List(self.into_iter().map(Value::Bytes).collect(), false))
    }
}

impl<T: Raise> Raise for Option<T> {
    fn raise(self) -> Option<Value> {
        Some(Value::Option(self.and_then(Raise::raise).map(Box::new)))
    }
}

impl<T: Raise, E: Raise> Raise for Result<T, E> {
    fn raise(self) -> Option<Value> {
        Some(Value::Result(match self {
            Ok(value) => Ok(value.raise().map(Box::new)),
            Err(value) => Err(value.raise().map(Box::new)),
        }))
    }
}
