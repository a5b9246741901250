//! What a stub answers: of all values that a type has, the one that refuses most gracefully.

use std::cell::Cell;

use wit_parser::{Handle, Resolve, Type, TypeDefKind, TypeId};

/// Names of cases that refuse, the plainest first. They are looked for whole, then as parts of names.
const REFUSALS: &[&str] = &[
    "access-denied",
    "not-permitted",
    "permission-denied",
    "forbidden",
    "denied",
    "not-supported",
    "unsupported",
    "unavailable",
    "access",
    "closed",
];

/// What an error that is only text says.
const TEXT: &str = "not supported";

/// The longest list of fixed length that is made up, in elements.
const MAX_LENGTH: u32 = 1024;

/// A value, as far as it is not all zeros.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// `false`, 0, the character 0, no flags.
    Zero,
    /// Text; empty as a value, and words where it is an error.
    Text(&'static str),
    /// A list or map without elements.
    Empty,
    /// A record, a tuple, or a list of fixed length.
    Fields(Vec<Answer>),
    /// A case of a variant, an enum, an option or a result.
    Case(usize, Option<Box<Answer>>),
    /// A new handle to a resource of the stub.
    Handle(TypeId),
    /// A stream that is closed.
    Stream(TypeId),
    /// A future that has its value.
    Future(TypeId, Option<Box<Answer>>),
}

/// The answer of a type, or why it has none. `mine` says which resources the stub defines; what is
/// looked at is taken off the budget, and nothing is when there is none left.
pub fn answer(
    resolve: &Resolve,
    ty: &Type,
    mine: &dyn Fn(TypeId) -> bool,
    budget: &Cell<usize>,
) -> Result<Answer, String> {
    Chooser { resolve, mine, budget }.of(ty, false)
}

struct Chooser<'a> {
    resolve: &'a Resolve,
    mine: &'a dyn Fn(TypeId) -> bool,
    budget: &'a Cell<usize>,
}

impl Chooser<'_> {
    fn of(&self, ty: &Type, error: bool) -> Result<Answer, String> {
        let Some(left) = self.budget.get().checked_sub(1) else {
            return Err("its types are too large".to_owned());
        };
        self.budget.set(left);
        let Type::Id(id) = *ty else {
            return match ty {
                Type::String => Ok(Answer::Text(if error { TEXT } else { "" })),
                Type::ErrorContext => Err("an error context cannot be made up".to_owned()),
                _ => Ok(Answer::Zero),
            };
        };
        let optional = |ty: &Option<Type>| match ty {
            Some(ty) => self.of(ty, error).map(|answer| Some(Box::new(answer))),
            None => Ok(None),
        };
        match &self.resolve.types[id].kind {
            TypeDefKind::Type(ty) => self.of(ty, error),
            TypeDefKind::Flags(_) => Ok(Answer::Zero),
            TypeDefKind::List(_) | TypeDefKind::Map(..) => Ok(Answer::Empty),
            TypeDefKind::Option(_) => Ok(Answer::Case(0, None)),
            TypeDefKind::Record(record) => {
                self.fields(record.fields.iter().map(|field| &field.ty), error)
            }
            TypeDefKind::Tuple(tuple) => self.fields(tuple.types.iter(), error),
            TypeDefKind::FixedLengthList(ty, length) if *length <= MAX_LENGTH => {
                self.fields(std::iter::repeat_n(ty, *length as usize), error)
            }
            TypeDefKind::Enum(cases) => {
                let names: Vec<&str> = cases.cases.iter().map(|case| case.name.as_str()).collect();
                Ok(Answer::Case(order(&names, error).first().copied().unwrap_or(0), None))
            }
            TypeDefKind::Variant(variant) => {
                let names: Vec<&str> = variant.cases.iter().map(|c| c.name.as_str()).collect();
                let named = order(&names, error);
                let plain = (0..names.len()).filter(|&i| variant.cases[i].ty.is_none());
                let mut reason = "it has no case that could be made up".to_owned();
                for index in named.into_iter().chain(plain).chain(0..names.len()) {
                    match optional(&variant.cases[index].ty) {
                        Ok(payload) => return Ok(Answer::Case(index, payload)),
                        Err(why) => reason = why,
                    }
                }
                Err(reason)
            }
            TypeDefKind::Result(result) => {
                let refused = match &result.err {
                    Some(ty) => self.of(ty, true).map(|answer| Some(Box::new(answer))),
                    None => Ok(None),
                };
                match refused {
                    Ok(payload) => Ok(Answer::Case(1, payload)),
                    Err(why) => match optional(&result.ok) {
                        Ok(payload) => Ok(Answer::Case(0, payload)),
                        Err(_) => Err(why),
                    },
                }
            }
            TypeDefKind::Handle(Handle::Own(resource)) => {
                let resource = root(self.resolve, *resource);
                if (self.mine)(resource) {
                    return Ok(Answer::Handle(resource));
                }
                let name = self.resolve.types[resource].name.as_deref().unwrap_or("resource");
                Err(format!("only the interface that defines {name} can make one"))
            }
            TypeDefKind::Stream(_) => Ok(Answer::Stream(id)),
            TypeDefKind::Future(ty) => {
                let value = optional(ty)?;
                // Its value waits in memory until it is read, which may be after the next call.
                match value.as_deref().is_some_and(has_handles) {
                    true => Err("a future of a handle cannot be made up".to_owned()),
                    false => Ok(Answer::Future(id, value)),
                }
            }
            kind => Err(format!("a {} cannot be made up", kind.as_str())),
        }
    }

    fn fields<'t>(
        &self,
        types: impl Iterator<Item = &'t Type>,
        error: bool,
    ) -> Result<Answer, String> {
        types.map(|ty| self.of(ty, error)).collect::<Result<_, _>>().map(Answer::Fields)
    }
}

/// Cases whose names refuse, the best first. Where it is no error that is asked for, `closed` and
/// `access` may mean a door.
fn order(names: &[&str], error: bool) -> Vec<usize> {
    let words = &REFUSALS[..REFUSALS.len() - if error { 0 } else { 2 }];
    let mut found = Vec::new();
    let find = |test: &dyn Fn(&str, &str) -> bool, found: &mut Vec<usize>| {
        for word in words {
            for (index, name) in names.iter().enumerate() {
                if test(&name.to_ascii_lowercase(), word) && !found.contains(&index) {
                    found.push(index);
                }
            }
        }
    };
    find(&|name, word| name == word, &mut found);
    find(&|name, word| name.ends_with(&format!("-{word}")), &mut found);
    found
}

fn has_handles(answer: &Answer) -> bool {
    match answer {
        Answer::Zero | Answer::Text(_) | Answer::Empty => false,
        Answer::Fields(fields) => fields.iter().any(has_handles),
        Answer::Case(_, payload) => payload.as_deref().is_some_and(has_handles),
        Answer::Handle(_) | Answer::Stream(_) | Answer::Future(..) => true,
    }
}

/// The resource behind the names that it goes by.
pub fn root(resolve: &Resolve, mut id: TypeId) -> TypeId {
    while let TypeDefKind::Type(Type::Id(next)) = resolve.types[id].kind {
        id = next;
    }
    id
}

/// An answer in WAVE, with words where WAVE has no values: for people.
pub fn show(resolve: &Resolve, ty: &Type, answer: &Answer) -> String {
    let kind = match ty {
        Type::Id(id) => Some(&resolve.types[*id].kind),
        _ => None,
    };
    if let Some(TypeDefKind::Type(ty)) = kind {
        return show(resolve, ty, answer);
    }
    let payload = |name: &str, ty: Option<&Type>, answer: Option<&Answer>| match (ty, answer) {
        (Some(ty), Some(answer)) => format!("{name}({})", show(resolve, ty, answer)),
        _ => name.to_owned(),
    };
    match (answer, kind) {
        (Answer::Text(text), _) => format!("{text:?}"),
        (Answer::Empty, _) => "[]".to_owned(),
        (Answer::Case(index, value), Some(kind)) => {
            let value = value.as_deref();
            match kind {
                TypeDefKind::Option(_) => "none".to_owned(),
                TypeDefKind::Enum(cases) => cases.cases[*index].name.clone(),
                TypeDefKind::Variant(variant) => {
                    let case = &variant.cases[*index];
                    payload(&case.name, case.ty.as_ref(), value)
                }
                TypeDefKind::Result(result) if *index == 0 => {
                    payload("ok", result.ok.as_ref(), value)
                }
                TypeDefKind::Result(result) => payload("err", result.err.as_ref(), value),
                _ => String::new(),
            }
        }
        (Answer::Fields(fields), Some(TypeDefKind::Record(record))) => {
            let shown = record.fields.iter().zip(fields);
            let shown =
                shown.map(|(f, answer)| format!("{}: {}", f.name, show(resolve, &f.ty, answer)));
            format!("{{{}}}", shown.collect::<Vec<_>>().join(", "))
        }
        (Answer::Fields(fields), Some(TypeDefKind::Tuple(tuple))) => {
            let shown = tuple.types.iter().zip(fields).map(|(ty, a)| show(resolve, ty, a));
            format!("({})", shown.collect::<Vec<_>>().join(", "))
        }
        (Answer::Fields(fields), _) => format!("{} times the same", fields.len()),
        (Answer::Handle(id), _) => {
            format!("a new {}", resolve.types[*id].name.as_deref().unwrap_or("handle"))
        }
        (Answer::Stream(_), _) => "a closed stream".to_owned(),
        (Answer::Future(_, Some(value)), Some(TypeDefKind::Future(Some(ty)))) => {
            format!("a future of {}", show(resolve, ty, value))
        }
        (Answer::Zero, Some(TypeDefKind::Flags(_))) => "{}".to_owned(),
        (Answer::Zero, _) if *ty == Type::Bool => "false".to_owned(),
        (Answer::Zero, _) if *ty == Type::Char => "'\\u{0}'".to_owned(),
        (Answer::Zero, _) => "0".to_owned(),
        _ => "a future".to_owned(),
    }
}
