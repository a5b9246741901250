//! Stubs: what they close, and what each function answers, those with the same answer together.

use indexmap::IndexMap;

use super::clean;
use super::text::{BOLD, DIM, line, wrapped};
use crate::diagnostic::{StubUse, StubbedFunction};

/// How many functions of one answer are named where not all of them are wanted.
const SOME: usize = 3;

/// The table of stubs, so far in. All functions are named, or the first few of each answer.
pub(super) fn stubs(out: &mut String, stubs: &[StubUse], indent: usize, all: bool) {
    let pad = " ".repeat(indent);
    for stub in stubs {
        line(out, format!("{pad}{BOLD}{}{BOLD:#} {DIM}answers for{DIM:#}", clean(&stub.name)));
        for import in &stub.imports {
            let because = import.because.as_deref().map(|why| format!(" (too: {})", clean(why)));
            let name = format!("{}{}", clean(&import.name), because.unwrap_or_default());
            wrapped(out, &name, indent + 2, anstyle::Style::new(), 0);
            let mut answers: IndexMap<String, Vec<String>> = IndexMap::new();
            for function in &import.functions {
                answers.entry(answer(function)).or_default().push(short(&function.function));
            }
            if answers.is_empty() {
                line(out, format!("{pad}    {DIM}nothing: it has only types{DIM:#}"));
            }
            for (answer, mut functions) in answers {
                let more = functions.len().saturating_sub(SOME);
                if more > 1 && !all {
                    functions.truncate(SOME);
                    functions.push(format!("and {more} more"));
                }
                let text = format!("{answer}: {}", functions.join(", "));
                wrapped(out, &text, indent + 4, DIM, answer.len() + 1);
            }
        }
    }
}

fn answer(function: &StubbedFunction) -> String {
    match (&function.returns, &function.traps) {
        (Some(value), _) => clean(value),
        (None, Some(reason)) => format!("a trap ({})", clean(reason)),
        (None, None) => "ignored".to_owned(),
    }
}

/// `descriptor.read` for `[method]descriptor.read`; WIT's words for the others that belong to a
/// resource.
fn short(function: &str) -> String {
    let name = clean(function);
    if let Some(method) = name.strip_prefix("[method]") {
        return method.to_owned();
    }
    match name.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((kind, name)) => format!("{kind} {name}"),
        None => name,
    }
}
