//! TOML into typed tables, with errors that show the line.

use std::ops::Range;

use serde::de::DeserializeOwned;

use super::ConfigError;
use crate::diagnostic::{Place, fit};
use crate::world::nearest;

/// Parses `text`, the contents of the file shown as `path`. An unknown key is an error that names
/// it, its line and the nearest known key.
pub fn toml<T: DeserializeOwned>(path: &str, text: &str) -> Result<T, ConfigError> {
    toml::from_str(text).map_err(|error| ConfigError::Syntax(render(path, text, &error)))
}

/// A file whose values know where they stand.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    /// The file, as it is shown.
    pub path: &'a str,
    /// What is in it.
    pub text: &'a str,
}

impl Source<'_> {
    /// The line that a span starts on.
    pub fn place(&self, span: Range<usize>) -> Place {
        let before = self.text.get(..span.start).unwrap_or_default();
        let line = before.matches('\n').count();
        let text = self.text.lines().nth(line).unwrap_or_default();
        // A comment behind the value is not what decided.
        let text = text.split(" #").next().unwrap_or_default().trim().to_owned();
        Place { file: self.path.to_owned(), line: line + 1, text }
    }

    /// An error about the value at a span, shown like one of syntax.
    pub fn error(&self, span: Range<usize>, message: &str) -> ConfigError {
        ConfigError::Syntax(excerpt(self.path, self.text, span, message))
    }
}

fn render(path: &str, text: &str, error: &toml::de::Error) -> String {
    let message = reword(error.message());
    match error.span() {
        Some(span) => excerpt(path, text, span, &message),
        None => format!("{path}: {message}"),
    }
}

/// An error about a place in a file, with the line and a caret: `path` is how the file is shown, `text`
/// what is in it, `span` where, in bytes.
pub fn excerpt(path: &str, text: &str, span: Range<usize>, message: &str) -> String {
    let start = span.start.min(text.len());
    let before = text.get(..start).unwrap_or_default();
    let line = before.matches('\n').count();
    let column = before.chars().rev().take_while(|c| *c != '\n').count();
    let source = text.lines().nth(line).unwrap_or_default();
    let rest = source.chars().count().saturating_sub(column).max(1);
    let spanned = text.get(start..span.end.min(text.len())).unwrap_or_default();
    let width = spanned.chars().count().clamp(1, rest);
    let number = (line + 1).to_string();
    let gutter = " ".repeat(number.len());
    fit(&format!(
        "{path}:{number}:{}: {message}\n{gutter} |\n{number} | {source}\n{gutter} | {}{}",
        column + 1,
        " ".repeat(column),
        "^".repeat(width),
    ))
}

/// An error about a part of an argument of the command line.
pub fn show_argument(text: &str, span: Range<usize>, message: &str) -> String {
    let start = span.start.min(text.len());
    let column = text.get(..start).unwrap_or_default().chars().count();
    let spanned = text.get(start..span.end.min(text.len())).unwrap_or_default();
    let width = spanned.chars().count().max(1);
    format!("{message}\n  |\n  | {text}\n  | {}{}", " ".repeat(column), "^".repeat(width))
}

/// serde's message for an unknown key lists every key there is; the nearest is more use.
fn reword(message: &str) -> String {
    if !message.starts_with("unknown field") {
        return message.trim_end().to_owned();
    }
    let names: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    match names.split_first() {
        Some((unknown, known)) => match nearest(unknown, known.iter().copied()) {
            Some(near) => format!("unknown key `{unknown}`; did you mean `{near}`?"),
            None => format!("unknown key `{unknown}`; the keys here are {}", known.join(", ")),
        },
        None => message.to_owned(),
    }
}
