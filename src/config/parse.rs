//! TOML into typed tables, with errors that show the line.

use serde::de::DeserializeOwned;

use super::ConfigError;
use crate::world::nearest;

/// Parses `text`, the contents of the file shown as `path`. An unknown key is an error that names
/// it, its line and the nearest known key.
pub fn toml<T: DeserializeOwned>(path: &str, text: &str) -> Result<T, ConfigError> {
    toml::from_str(text).map_err(|error| ConfigError::Syntax(render(path, text, &error)))
}

fn render(path: &str, text: &str, error: &toml::de::Error) -> String {
    let message = reword(error.message());
    let Some(span) = error.span() else {
        return format!("{path}: {message}");
    };
    let start = span.start.min(text.len());
    let before = &text[..start];
    let line = before.matches('\n').count();
    let column = before.chars().rev().take_while(|c| *c != '\n').count();
    let source = text.lines().nth(line).unwrap_or_default();
    let rest = source.chars().count().saturating_sub(column).max(1);
    let width = text[start..span.end.min(text.len())].chars().count().clamp(1, rest);
    let number = (line + 1).to_string();
    let gutter = " ".repeat(number.len());
    format!(
        "{path}:{number}:{}: {message}\n{gutter} |\n{number} | {source}\n{gutter} | {}{}",
        column + 1,
        " ".repeat(column),
        "^".repeat(width),
    )
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
