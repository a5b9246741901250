//! Calls and values in WAVE, with what a script needs beyond it: files as values (`@path`), handles by
//! name (`let s = session("x")`), and in expectations `_` for anything and `..` for the rest.
//!
//! The way is: text, `parse`d into nodes that know their place; nodes, `resolve`d against a world
//! into an [`Invocation`] of plain [`Value`]s, which crosses to the worker; and what came back,
//! [`compare`]d and [`write()`]n. Nothing here knows an engine, and nothing here runs anything.
//!
//! WAVE: <https://github.com/bytecodealliance/wasm-tools/tree/main/crates/wasm-wave>.

mod compare;
mod fit;
mod imported;
mod parse;
mod resolve;
mod strings;
mod token;
mod write;

use std::ops::Range;

use serde::{Deserialize, Serialize};

pub use compare::{Difference, compare, compare_exactly};
pub use imported::{Imported, imported, imported_as, unknown as unknown_import};
pub use parse::{Call, Load, Node, NodeKind, call, value};
pub use resolve::{Expected, Scope, exported_functions, resolve};
pub use write::{MAX_TEXT, in_short, write};

/// What is wrong with a call or a value, and where in its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaveError {
    /// What is wrong, and what to write instead.
    pub message: String,
    /// The bytes of the text that it is about.
    pub span: Range<usize>,
    /// Which text it is in.
    pub part: Part,
}

/// One of the texts of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The call.
    Call,
    /// What is expected of it.
    Expectation,
}

impl WaveError {
    fn new(span: Range<usize>, message: impl Into<String>) -> WaveError {
        WaveError { message: message.into(), span, part: Part::Call }
    }
}

/// A value: an argument, an expectation, or what came back.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize)]
pub enum Value {
    /// `_`: whatever it is. Only in expectations.
    Any,
    /// `bool`.
    Bool(bool),
    /// `s8` to `s64`.
    Signed(i64),
    /// `u8` to `u64`.
    Unsigned(u64),
    /// `f32` by its bits: JSON has neither NaN nor infinity.
    Float32(u32),
    /// `f64` by its bits.
    Float64(u64),
    /// `char`.
    Char(char),
    /// `string`.
    Text(String),
    /// `list<u8>`, where every element is known.
    Bytes(Vec<u8>),
    /// What is in a file of the case, as `string` (true) or `list<u8>`: its index.
    File(usize, bool),
    /// `list<T>`, and whether more may follow (`..`, only in expectations).
    List(Vec<Value>, bool),
    /// `tuple<...>`.
    Tuple(Vec<Value>),
    /// A record. An expectation may leave fields out.
    Record(Vec<(String, Value)>),
    /// `flags`: those that are set, in the order of the type.
    Flags(Vec<String>),
    /// `enum`.
    Enum(String),
    /// `variant`.
    Variant(String, Option<Box<Value>>),
    /// `option<T>`.
    Option(Option<Box<Value>>),
    /// `result<T, E>`.
    Result(Result<Option<Box<Value>>, Option<Box<Value>>>),
    /// A handle by its name: in arguments, the one that a variable of the script holds; in what a host
    /// is asked and answers, one that the host made.
    Handle(String),
    /// What has no text: a handle, a future, a stream. Only in what came back; says which of them.
    Opaque(String),
}

/// What a step is to come to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Expect {
    /// It returns.
    #[default]
    Return,
    /// It returns this.
    Value(Value),
    /// It traps, and the engine's message has this in it.
    Trap(String),
}

/// A call that fits its function, ready to be made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Invocation {
    /// The exported instance that has the function; none for a function of the world itself.
    pub interface: Option<String>,
    /// The function, under its name in the component.
    pub function: String,
    /// A value for each parameter.
    pub args: Vec<Value>,
    /// The variable that gets the handle that is returned.
    pub bind: Option<String>,
    /// What it is to come to.
    pub expect: Expect,
}

impl Value {
    /// The values that it is made of, in their order; none where it has no parts.
    pub fn parts(&self) -> Box<dyn Iterator<Item = &Value> + '_> {
        match self {
            Value::List(items, _) | Value::Tuple(items) => Box::new(items.iter()),
            Value::Record(fields) => Box::new(fields.iter().map(|(_, value)| value)),
            Value::Variant(_, value) | Value::Option(value) => {
                Box::new(value.as_deref().into_iter())
            }
            Value::Result(Ok(value) | Err(value)) => Box::new(value.as_deref().into_iter()),
            _ => Box::new(std::iter::empty()),
        }
    }

    /// The same, to be changed.
    pub fn parts_mut(&mut self) -> Box<dyn Iterator<Item = &mut Value> + '_> {
        match self {
            Value::List(items, _) | Value::Tuple(items) => Box::new(items.iter_mut()),
            Value::Record(fields) => Box::new(fields.iter_mut().map(|(_, value)| value)),
            Value::Variant(_, value) | Value::Option(value) => {
                Box::new(value.as_deref_mut().into_iter())
            }
            Value::Result(Ok(value) | Err(value)) => Box::new(value.as_deref_mut().into_iter()),
            _ => Box::new(std::iter::empty()),
        }
    }

    /// The handles that are named in it, in their order.
    pub fn handles(&self) -> Vec<&str> {
        match self {
            Value::Handle(name) => vec![name],
            value => value.parts().flat_map(Value::handles).collect(),
        }
    }

    /// Whether there is something in it that has no text: a handle, a future, a stream.
    pub fn is_opaque(&self) -> bool {
        matches!(self, Value::Opaque(_)) || self.parts().any(Value::is_opaque)
    }

    /// How much it takes in memory, in bytes, nearly.
    pub fn size(&self) -> usize {
        let payload = |value: &Option<Box<Value>>| value.as_ref().map_or(0, |value| value.size());
        let inside = match self {
            Value::Text(text) | Value::Enum(text) | Value::Handle(text) | Value::Opaque(text) => {
                text.len()
            }
            Value::Bytes(bytes) => bytes.len(),
            Value::List(items, _) | Value::Tuple(items) => items.iter().map(Value::size).sum(),
            Value::Record(fields) => fields
                .iter()
                .map(|(name, value)| size_of::<String>() + name.len() + value.size())
                .sum(),
            Value::Flags(names) => names.iter().map(|name| size_of::<String>() + name.len()).sum(),
            Value::Variant(name, value) => name.len() + payload(value),
            Value::Option(value) | Value::Result(Ok(value) | Err(value)) => payload(value),
            Value::Any
            | Value::Bool(_)
            | Value::Signed(_)
            | Value::Unsigned(_)
            | Value::Float32(_)
            | Value::Float64(_)
            | Value::Char(_)
            | Value::File(..) => 0,
        };
        size_of::<Value>() + inside
    }
}
