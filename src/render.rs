//! Reports into what people and programs read: one file a format. Nothing here decides anything.

mod captured;
pub mod compose;
pub mod inspect;
pub mod json;
pub mod text;

pub use captured::captured;

/// Neutralises text that a plugin wrote: control characters, escape sequences and the characters
/// that reorder or hide what stands around them become visible escapes. Every renderer puts
/// everything through here that did not come from plugtool itself.
pub fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hostile(c) {
            out.push_str(&format!("\\u{{{:x}}}", c as u32));
        } else {
            out.push(c);
        }
    }
    out
}

/// Control characters (C0, C1, DEL), bidirectional controls, and invisible formatting characters
/// (Unicode TR 36, "Unicode Security Considerations").
pub fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{061c}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::clean;

    #[test]
    fn escapes_and_bidi_controls_become_visible() {
        assert_eq!(clean("a\u{1b}[31mb"), "a\\u{1b}[31mb");
        assert_eq!(clean("a\u{202e}b\n"), "a\\u{202e}b\\u{a}");
        assert_eq!(clean("h\u{e9}llo \u{4e16}"), "h\u{e9}llo \u{4e16}");
    }
}
