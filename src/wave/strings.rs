//! Texts and characters of WAVE: what stands between the quotes, and what it means.

use std::ops::Range;

use super::WaveError;

/// The character of `'c'`; `inner` is what is between the quotes, which starts at `at`.
pub fn char(inner: &str, at: usize) -> Result<char, WaveError> {
    let text = unescape(inner, at)?;
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) => Ok(c),
        _ => Err(WaveError::new(
            at.saturating_sub(1)..at + inner.len() + 1,
            "one character stands in single quotes; a text stands in double quotes",
        )),
    }
}

/// A text of one line.
pub fn unescape(inner: &str, at: usize) -> Result<String, WaveError> {
    let mut out = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(start) = rest.find('\\') {
        out.push_str(&rest[..start]);
        let place = at + inner.len() - rest.len() + start;
        let (c, length) = escape(&rest[start..]).ok_or_else(|| {
            WaveError::new(
                place..place + 1,
                "no such escape; there are \\n, \\r, \\t, \\\\, \\\", \\' and \\u{...}",
            )
        })?;
        out.push(c);
        rest = &rest[start + length..];
    }
    out.push_str(rest);
    Ok(out)
}

/// A text over several lines: it begins on the line after the opening quotes, and the indentation of
/// the closing ones is taken off every line.
pub fn lines(inner: &str, span: Range<usize>) -> Result<String, WaveError> {
    let wrong = |message: &str| Err(WaveError::new(span.clone(), message));
    let inner_at = span.start + 3;
    let body = inner.strip_prefix('\r').unwrap_or(inner);
    let Some(body) = body.strip_prefix('\n') else {
        return wrong("a text between `\"\"\"` begins on a line of its own");
    };
    let skipped = inner.len() - body.len();
    let (body, indent) = body.rsplit_once('\n').unwrap_or(("", body));
    if indent.contains(|c| c != ' ') {
        return wrong("the closing `\"\"\"` stands on a line of its own");
    }
    let mut out = String::new();
    let mut at = inner_at + skipped;
    if inner.matches('\n').count() < 2 {
        return Ok(out);
    }
    for (i, line) in body.split('\n').enumerate() {
        let Some(text) = line.strip_prefix(indent) else {
            return wrong("every line is indented at least as much as the closing `\"\"\"`");
        };
        if i > 0 {
            out.push('\n');
        }
        out.push_str(&unescape(text, at + indent.len())?);
        at += line.len() + 1;
    }
    Ok(out)
}

/// The character that an escape means, and the escape's length.
fn escape(text: &str) -> Option<(char, usize)> {
    let mut chars = text.chars().skip(1);
    Some(match chars.next()? {
        c @ ('"' | '\'' | '\\') => (c, 2),
        't' => ('\t', 2),
        'n' => ('\n', 2),
        'r' => ('\r', 2),
        'u' => {
            let digits = text.strip_prefix("\\u{")?.split('}').next()?;
            let hex = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit());
            let closed = text[3 + digits.len()..].starts_with('}');
            if !hex || digits.len() > 6 || !closed {
                return None;
            }
            (char::from_u32(u32::from_str_radix(digits, 16).ok()?)?, digits.len() + 4)
        }
        _ => return None,
    })
}
