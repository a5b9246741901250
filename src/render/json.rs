//! JSON for programs: in the order of the fields, with hostile characters escaped so that it can be
//! looked at in a terminal, and printed into the log of a CI system.

use serde::Serialize;

use super::{is_command, is_hostile};

/// A report as JSON, indented, with a line feed at the end.
pub fn json<T: Serialize>(report: &T) -> Result<String, serde_json::Error> {
    Ok(escaped(&serde_json::to_string_pretty(report)?))
}

/// A value as JSON in one line, with a line feed at the end.
pub fn line<T: Serialize>(value: &T) -> Result<String, serde_json::Error> {
    Ok(escaped(&serde_json::to_string(value)?))
}

fn escaped(plain: &str) -> String {
    let mut out = String::with_capacity(plain.len() + 1);
    let mut before = ' ';
    let mut chars = plain.chars().peekable();
    while let Some(c) = chars.next() {
        // Outside of strings, JSON has no such characters but line feeds.
        if c != '\n' && (is_hostile(c) || is_command(before, c, chars.peek().copied())) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(c);
        }
        before = c;
    }
    out.push('\n');
    out
}
