//! A node and the type that it must have: the value that it means, or what does not fit and where.

use super::parse::{Node, NodeKind};
use super::resolve::Scope;
use super::{Value, WaveError};
use crate::world::{ResourceId, Shape, TypeId, World, nearest};

/// What a value is for.
pub enum Use<'u> {
    /// An argument, which may name the script's variables.
    Argument(&'u mut Scope),
    /// An expectation, which may leave things open.
    Expectation,
    /// The arguments that a host expects: they may leave things open, and name handles that it made.
    Pattern,
    /// What a host answers, which may name a handle that is made for it.
    Answer,
    /// Arguments or an answer that a trace has, which names handles that the host made.
    Recorded,
}

/// Fits nodes to the types of a world.
pub struct Fit<'w> {
    pub world: &'w World,
    /// The files of the case.
    pub files: &'w [&'w [u8]],
}

impl Fit<'_> {
    /// The value that a node means as this type.
    pub fn value(
        &self,
        node: &Node,
        ty: TypeId,
        purpose: &mut Use<'_>,
    ) -> Result<Value, WaveError> {
        let wrong = || self.wrong(node, ty);
        let shape = &self.world.ty(ty).shape;
        if matches!(node.kind, NodeKind::Any) {
            return match purpose {
                Use::Expectation | Use::Pattern => Ok(Value::Any),
                Use::Argument(_) => Err(WaveError::new(
                    node.span.clone(),
                    "`_` stands for anything in expectations; an argument is a value",
                )),
                Use::Answer => Err(WaveError::new(
                    node.span.clone(),
                    "`_` stands for anything in `args`; an answer is a value",
                )),
                Use::Recorded => Err(WaveError::new(
                    node.span.clone(),
                    "`_` stands for anything in a rule; what is recorded is a value",
                )),
            };
        }
        match shape {
            Shape::Primitive(name) => self.primitive(node, name, ty),
            Shape::Own(resource) | Shape::Borrow(resource) => {
                self.handle(node, *resource, matches!(shape, Shape::Own(_)), ty, purpose)
            }
            Shape::Future(_) | Shape::Stream(_) => {
                let message = format!(
                    "{} cannot be written; in an expectation, `_` stands for it",
                    self.world.type_name(ty)
                );
                Err(WaveError::new(node.span.clone(), message))
            }
            Shape::List(element) => self.list(node, ty, *element, None, purpose),
            Shape::FixedList(element, n) => self.list(node, ty, *element, Some(*n), purpose),
            Shape::Map(key, value) => {
                let NodeKind::List(entries, more) = &node.kind else { return Err(wrong()) };
                let entry = |entry: &Node, purpose: &mut Use<'_>| match &entry.kind {
                    NodeKind::Tuple(pair) if pair.len() == 2 => {
                        let key = self.value(&pair[0], *key, purpose)?;
                        Ok(Value::Tuple(vec![key, self.value(&pair[1], *value, purpose)?]))
                    }
                    _ => Err(WaveError::new(
                        entry.span.clone(),
                        "an entry of a map is a pair, as in (key, value)",
                    )),
                };
                self.open(*more, node, purpose)?;
                let entries = entries.iter().map(|node| entry(node, purpose));
                Ok(Value::List(entries.collect::<Result<_, _>>()?, *more))
            }
            Shape::Tuple(types) => {
                let NodeKind::Tuple(items) = &node.kind else { return Err(wrong()) };
                if items.len() != types.len() {
                    let message =
                        format!("it has {} values; the type has {}", items.len(), types.len());
                    return Err(WaveError::new(node.span.clone(), message));
                }
                let items =
                    items.iter().zip(types).map(|(node, ty)| self.value(node, *ty, purpose));
                Ok(Value::Tuple(items.collect::<Result<_, _>>()?))
            }
            Shape::Record(fields) => self.record(node, ty, fields, purpose),
            Shape::Flags(names) => {
                let NodeKind::Flags(set) = &node.kind else { return Err(wrong()) };
                for (flag, span) in set {
                    if !names.contains(flag) {
                        return Err(unknown("flag", flag, span.clone(), names.iter()));
                    }
                }
                let set = names.iter().filter(|name| set.iter().any(|(flag, _)| flag == *name));
                Ok(Value::Flags(set.cloned().collect()))
            }
            Shape::Enum(names) => match &node.kind {
                NodeKind::Label(name, None) if names.contains(name) => {
                    Ok(Value::Enum(name.clone()))
                }
                NodeKind::Label(name, None) => {
                    Err(unknown("case", name, node.span.clone(), names.iter()))
                }
                _ => Err(wrong()),
            },
            Shape::Variant(cases) => {
                let (name, payload) = match &node.kind {
                    NodeKind::Label(name, payload) => (name.as_str(), payload),
                    _ => return Err(wrong()),
                };
                let Some((_, ty)) = cases.iter().find(|(case, _)| case == name) else {
                    let names = cases.iter().map(|(name, _)| name);
                    return Err(unknown("case", name, node.span.clone(), names));
                };
                let payload = self.payload(node, name, payload.as_deref(), *ty, purpose)?;
                Ok(Value::Variant(name.to_owned(), payload))
            }
            Shape::Option(some) => match &node.kind {
                NodeKind::Keyword("none", _) => Ok(Value::Option(None)),
                NodeKind::Keyword("some", Some(payload)) => {
                    Ok(Value::Option(Some(Box::new(self.value(payload, *some, purpose)?))))
                }
                // As in WAVE, what is not an option itself needs no `some`.
                _ if self.plain(*some) => {
                    Ok(Value::Option(Some(Box::new(self.value(node, *some, purpose)?))))
                }
                _ => Err(wrong()),
            },
            Shape::Result(ok, err) => match &node.kind {
                NodeKind::Keyword("ok", payload) => {
                    let payload = self.payload(node, "ok", payload.as_deref(), *ok, purpose)?;
                    Ok(Value::Result(Ok(payload)))
                }
                NodeKind::Keyword("err", payload) => {
                    let payload = self.payload(node, "err", payload.as_deref(), *err, purpose)?;
                    Ok(Value::Result(Err(payload)))
                }
                NodeKind::Keyword(..) => Err(wrong()),
                _ => match ok {
                    Some(ok) if self.plain(*ok) => {
                        let value = self.value(node, *ok, purpose)?;
                        Ok(Value::Result(Ok(Some(Box::new(value)))))
                    }
                    _ => Err(wrong()),
                },
            },
        }
    }

    fn plain(&self, ty: TypeId) -> bool {
        !matches!(self.world.ty(ty).shape, Shape::Option(_) | Shape::Result(..))
    }

    fn payload(
        &self,
        node: &Node,
        case: &str,
        payload: Option<&Node>,
        ty: Option<TypeId>,
        purpose: &mut Use<'_>,
    ) -> Result<Option<Box<Value>>, WaveError> {
        match (payload, ty) {
            (None, None) => Ok(None),
            (Some(payload), Some(ty)) => Ok(Some(Box::new(self.value(payload, ty, purpose)?))),
            (None, Some(ty)) => {
                let message =
                    format!("`{case}` has a value, as in {case}(...): {}", self.about(ty));
                Err(WaveError::new(node.span.clone(), message))
            }
            (Some(payload), None) => {
                let message = format!("`{case}` has no value");
                Err(WaveError::new(payload.span.clone(), message))
            }
        }
    }

    fn record(
        &self,
        node: &Node,
        ty: TypeId,
        types: &[(String, TypeId)],
        purpose: &mut Use<'_>,
    ) -> Result<Value, WaveError> {
        let NodeKind::Record(fields, more) = &node.kind else { return Err(self.wrong(node, ty)) };
        self.open(*more, node, purpose)?;
        for (name, value) in fields {
            if !types.iter().any(|(field, _)| field == name) {
                let start = value.span.start.saturating_sub(name.len() + 2).max(node.span.start);
                let names = types.iter().map(|(name, _)| name);
                return Err(unknown("field", name, start..value.span.start, names));
            }
        }
        let mut values = Vec::with_capacity(types.len());
        for (name, field) in types {
            match fields.iter().find(|(other, _)| other == name) {
                Some((_, node)) => values.push((name.clone(), self.value(node, *field, purpose)?)),
                None if *more => {}
                None if matches!(self.world.ty(*field).shape, Shape::Option(_)) => {
                    values.push((name.clone(), Value::Option(None)));
                }
                None => {
                    let hint = match purpose {
                        Use::Expectation | Use::Pattern => {
                            "; `..` at the end leaves the other fields open"
                        }
                        Use::Argument(_) | Use::Answer | Use::Recorded => "",
                    };
                    let message = format!("the field `{name}` is missing{hint}");
                    return Err(WaveError::new(node.span.clone(), message));
                }
            }
        }
        Ok(Value::Record(values))
    }

    fn list(
        &self,
        node: &Node,
        ty: TypeId,
        element: TypeId,
        length: Option<u32>,
        purpose: &mut Use<'_>,
    ) -> Result<Value, WaveError> {
        let bytes = matches!(self.world.ty(element).shape, Shape::Primitive("u8"));
        match &node.kind {
            NodeKind::File(index) if bytes && length.is_none() => Ok(Value::File(*index, false)),
            NodeKind::List(items, more) => {
                self.open(*more, node, purpose)?;
                if let Some(length) = length.filter(|n| *n as usize != items.len() && !more) {
                    let message = format!("it has {} values; the type has {length}", items.len());
                    return Err(WaveError::new(node.span.clone(), message));
                }
                let items = items.iter().map(|node| self.value(node, element, purpose));
                let items: Vec<Value> = items.collect::<Result<_, _>>()?;
                if !bytes || *more || length.is_some() {
                    return Ok(Value::List(items, *more));
                }
                let byte = |value: &Value| match value {
                    Value::Unsigned(byte) => u8::try_from(*byte).ok(),
                    _ => None,
                };
                Ok(match items.iter().map(byte).collect::<Option<Vec<u8>>>() {
                    Some(bytes) => Value::Bytes(bytes),
                    None => Value::List(items, false),
                })
            }
            _ => Err(self.wrong(node, ty)),
        }
    }

    fn open(&self, more: bool, node: &Node, purpose: &Use<'_>) -> Result<(), WaveError> {
        match purpose {
            Use::Argument(_) if more => Err(WaveError::new(
                node.span.end.saturating_sub(3)..node.span.end.saturating_sub(1),
                "`..` leaves things open in expectations; an argument has all its values",
            )),
            Use::Answer if more => Err(WaveError::new(
                node.span.end.saturating_sub(3)..node.span.end.saturating_sub(1),
                "`..` leaves things open in `args`; an answer has all its values",
            )),
            Use::Recorded if more => Err(WaveError::new(
                node.span.end.saturating_sub(3)..node.span.end.saturating_sub(1),
                "`..` leaves things open in a rule; what is recorded has all its values",
            )),
            _ => Ok(()),
        }
    }

    fn primitive(&self, node: &Node, name: &str, ty: TypeId) -> Result<Value, WaveError> {
        let range = |low: i128, high: i128| -> Result<i128, WaveError> {
            let NodeKind::Number(text) = &node.kind else { return Err(self.wrong(node, ty)) };
            match text.parse::<i128>() {
                // There is no unsigned -0.
                Ok(number)
                    if (low..=high).contains(&number) && !(low == 0 && text.starts_with('-')) =>
                {
                    Ok(number)
                }
                _ => {
                    let message =
                        format!("{text} is no {name}: a whole number from {low} to {high}");
                    Err(WaveError::new(node.span.clone(), message))
                }
            }
        };
        let signed = |low: i64, high: i64| {
            let number = range(low.into(), high.into())?;
            Ok(Value::Signed(i64::try_from(number).unwrap_or(low)))
        };
        let unsigned = |high: u64| {
            let number = range(0, high.into())?;
            Ok(Value::Unsigned(u64::try_from(number).unwrap_or(high)))
        };
        match (name, &node.kind) {
            ("bool", NodeKind::Bool(value)) => Ok(Value::Bool(*value)),
            ("char", NodeKind::Char(value)) => Ok(Value::Char(*value)),
            ("string", NodeKind::Text(value)) => Ok(Value::Text(value.clone())),
            ("string", NodeKind::File(index)) => {
                let file = self.files.get(*index).copied().unwrap_or_default();
                match std::str::from_utf8(file) {
                    Ok(_) => Ok(Value::File(*index, true)),
                    Err(_) => Err(WaveError::new(
                        node.span.clone(),
                        "the file is not UTF-8, which a string is",
                    )),
                }
            }
            ("s8", _) => signed(i8::MIN.into(), i8::MAX.into()),
            ("s16", _) => signed(i16::MIN.into(), i16::MAX.into()),
            ("s32", _) => signed(i32::MIN.into(), i32::MAX.into()),
            ("s64", _) => signed(i64::MIN, i64::MAX),
            ("u8", _) => unsigned(u8::MAX.into()),
            ("u16", _) => unsigned(u16::MAX.into()),
            ("u32", _) => unsigned(u32::MAX.into()),
            ("u64", _) => unsigned(u64::MAX),
            ("f32", NodeKind::Number(text)) => text
                .parse::<f32>()
                .map(|value| Value::Float32(value.to_bits()))
                .map_err(|_| self.wrong(node, ty)),
            ("f64", NodeKind::Number(text)) => text
                .parse::<f64>()
                .map(|value| Value::Float64(value.to_bits()))
                .map_err(|_| self.wrong(node, ty)),
            _ => Err(self.wrong(node, ty)),
        }
    }

    fn handle(
        &self,
        node: &Node,
        resource: ResourceId,
        own: bool,
        ty: TypeId,
        purpose: &mut Use<'_>,
    ) -> Result<Value, WaveError> {
        let name = match &node.kind {
            _ if matches!(purpose, Use::Expectation) => {
                return Err(WaveError::new(
                    node.span.clone(),
                    "a handle cannot be written; `_` stands for it, and `let` gives it a name",
                ));
            }
            NodeKind::Label(name, None) => name,
            _ if matches!(purpose, Use::Pattern | Use::Answer | Use::Recorded) => {
                let message = format!(
                    "{} should be here: the name of a handle that the host makes, as in alice",
                    self.about(ty)
                );
                return Err(WaveError::new(node.span.clone(), message));
            }
            _ => return Err(self.wrong(node, ty)),
        };
        if let Use::Argument(scope) = purpose {
            scope.pass(self.world, name, resource, own, &node.span)?;
        }
        Ok(Value::Handle(name.clone()))
    }

    /// A type as messages call it: its name, and what it is where the name does not say.
    fn about(&self, ty: TypeId) -> String {
        let name = self.world.type_name(ty);
        match &self.world.ty(ty).name {
            Some(_) => self.world.definition(ty),
            None => name,
        }
    }

    fn wrong(&self, node: &Node, ty: TypeId) -> WaveError {
        let found = match &node.kind {
            NodeKind::Number(_) => "a number",
            NodeKind::Bool(_) => "a bool",
            NodeKind::Char(_) => "a character",
            NodeKind::Text(_) => "a text",
            NodeKind::File(_) => "a file, which is a string or a list<u8>",
            NodeKind::Any => "`_`",
            NodeKind::Tuple(_) => "a tuple",
            NodeKind::List(..) => "a list",
            NodeKind::Record(..) => "a record",
            NodeKind::Flags(_) => "flags",
            NodeKind::Label(..) => "a name",
            NodeKind::Keyword(keyword, _) => keyword,
        };
        let message = format!("{} should be here; this is {found}", self.about(ty));
        WaveError::new(node.span.clone(), message)
    }
}

fn unknown<'n>(
    kind: &str,
    name: &str,
    span: std::ops::Range<usize>,
    known: impl Iterator<Item = &'n String> + Clone,
) -> WaveError {
    let hint = match nearest(name, known.clone().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            let names: Vec<String> = known.map(|name| format!("`{name}`")).collect();
            format!("there are {}", names.join(", "))
        }
    };
    WaveError::new(span, format!("there is no {kind} `{name}`; {hint}"))
}
