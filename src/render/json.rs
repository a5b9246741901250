//! JSON for programs: indented, in the order of the fields, with hostile characters escaped so
//! that it can be looked at in a terminal.

use serde::Serialize;

use super::is_hostile;

/// A report as JSON, with a line feed at the end.
pub fn json<T: Serialize>(report: &T) -> Result<String, serde_json::Error> {
    let plain = serde_json::to_string_pretty(report)?;
    let mut out = String::with_capacity(plain.len() + 1);
    for c in plain.chars() {
        // Outside of strings, JSON has no such characters but line feeds.
        if c != '\n' && is_hostile(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(c);
        }
    }
    out.push('\n');
    Ok(out)
}
