//! Reports into what people and programs read: one file a format. Nothing here decides anything.

mod captured;
pub mod compose;
pub mod diff;
pub mod github;
pub mod gitlab;
pub mod inspect;
mod issue;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod ndjson;
pub mod run;
pub mod sarif;
mod stubs;
pub mod text;
pub mod trace;

pub use captured::captured;

/// Neutralises text that a plugin wrote: control characters, escape sequences and the characters
/// that reorder or hide what stands around them become visible escapes, and so does what the log of
/// a CI system would take for a command. Every renderer puts everything through here that did not
/// come from plugtool itself.
pub fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    // Whatever begins a text, or a word of it, may come to stand at the beginning of a line.
    let mut before = ' ';
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let next = chars.peek().copied();
        // `::add-mask::` at the start of a line, in GitHub's log.
        let command = c == ':' && before.is_whitespace() && next == Some(':');
        if is_hostile(c) || command || is_command(before, c, next) {
            out.push_str(&format!("\\u{{{:x}}}", c as u32));
        } else {
            out.push(c);
        }
        before = c;
    }
    out
}

/// Whether the character makes a command of a log out of what stands around it, anywhere in a line:
/// `##[add-mask]` on GitHub and Azure, `##vso[...]` on Azure, `##teamcity[...]`.
fn is_command(before: char, c: char, next: Option<char>) -> bool {
    let name = |c: char| c == '[' || c.is_ascii_alphabetic();
    c == '#' && before == '#' && next.is_some_and(name)
}

/// Control characters (C0, C1, DEL), bidirectional controls, invisible formatting characters
/// (Unicode TR 36, "Unicode Security Considerations"), and noncharacters, which XML does not know.
pub fn is_hostile(c: char) -> bool {
    c.is_control()
        || c as u32 & 0xfffe == 0xfffe
        || matches!(c,
            '\u{061c}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fdd0}'..='\u{fdef}'
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

    #[test]
    fn commands_of_logs_become_text() {
        assert_eq!(clean("::set-env name=a::b"), "\\u{3a}:set-env name=a::b");
        assert_eq!(clean("a :::error::b"), "a \\u{3a}::error::b");
        assert_eq!(clean("a##[add-mask]b ###[x]"), "a#\\u{23}[add-mask]b ##\\u{23}[x]");
        assert_eq!(clean("##vso[task.setvariable]"), "#\\u{23}vso[task.setvariable]");
        assert_eq!(clean("std::string, a: b, # c, ## d"), "std::string, a: b, # c, ## d");
    }
}
