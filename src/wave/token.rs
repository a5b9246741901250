//! WAVE's tokens, and those of scripts.

use std::ops::Range;

use super::WaveError;

/// A token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// One of `{}()[]:,`.
    Sign(char),
    /// A number, `-inf` included; `inf` and `nan` are words.
    Number,
    /// A label or keyword, with its `%` where it has one.
    Word,
    /// `'c'`.
    Char,
    /// `"..."`.
    Text,
    /// A text over several lines, between three quotes.
    Lines,
    /// `_`.
    Any,
    /// `..`.
    Rest,
    /// `@path` or `@"path"`.
    File,
}

/// The tokens of a text with their places. Comments and white space are left out.
pub fn tokens(text: &str, from: usize) -> Result<Vec<(Token, Range<usize>)>, WaveError> {
    let mut tokens = Vec::new();
    let mut at = from;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let blank = rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
        if blank > 0 {
            at += blank;
            continue;
        }
        if rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
            continue;
        }
        let (token, length) = token(rest, at)?;
        tokens.push((token, at..at + length));
        at += length;
    }
    Ok(tokens)
}

fn token(rest: &str, at: usize) -> Result<(Token, usize), WaveError> {
    let error = |length: usize, message: &str| Err(WaveError::new(at..at + length, message));
    let first = rest.chars().next().unwrap_or_default();
    Ok(match first {
        '{' | '}' | '(' | ')' | '[' | ']' | ':' | ',' => (Token::Sign(first), 1),
        '"' if rest.starts_with("\"\"\"") => match rest[3..].find("\"\"\"") {
            Some(end) => (Token::Lines, end + 6),
            None => return error(3, "the text that starts here does not end: `\"\"\"` is missing"),
        },
        '"' => match closing(rest, '"') {
            Some(length) => (Token::Text, length),
            None => return error(1, "the text that starts here does not end: `\"` is missing"),
        },
        '\'' => match closing(rest, '\'') {
            Some(length) => (Token::Char, length),
            None => return error(1, "the character that starts here does not end: `'` is missing"),
        },
        '@' if rest[1..].starts_with('"') => match closing(&rest[1..], '"') {
            Some(length) => (Token::File, length + 1),
            None => return error(2, "the path that starts here does not end: `\"` is missing"),
        },
        '@' => {
            let end = |c: char| c.is_whitespace() || matches!(c, ',' | ')' | ']' | '}');
            match rest[1..].find(end).unwrap_or(rest.len() - 1) {
                0 => return error(1, "`@` is followed by the path of a file, as in @data.bin"),
                length => (Token::File, length + 1),
            }
        }
        '.' if rest.starts_with("..") => (Token::Rest, 2),
        '_' => (Token::Any, 1),
        '-' if rest.starts_with("-inf") => (Token::Number, 4),
        '-' | '0'..='9' => match number(rest) {
            Some(length) => (Token::Number, length),
            None => return error(1, "this is no number"),
        },
        '%' | 'a'..='z' | 'A'..='Z' => {
            let end = |c: char| !c.is_ascii_alphanumeric() && c != '-';
            let name = rest[1..].find(end).map_or(rest.len(), |end| end + 1);
            let length = name + number_sign(&rest[name..]);
            if !is_label(rest[..name].trim_start_matches('%')) {
                return error(
                    length,
                    "this is no name: words of letters and digits, with `-` between",
                );
            }
            (Token::Word, length)
        }
        other => {
            return error(
                other.len_utf8(),
                "this belongs to no value; texts stand in double quotes, as in \"a\"",
            );
        }
    })
}

/// The length of what a quote encloses, quotes included. It must end on its line.
fn closing(rest: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            '\n' => return None,
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// The length of the number that a text starts with.
fn number(rest: &str) -> Option<usize> {
    let digits = |at: usize| {
        let tail = rest.get(at..).unwrap_or_default();
        tail.find(|c: char| !c.is_ascii_digit()).unwrap_or(tail.len())
    };
    let mut at = usize::from(rest.starts_with('-'));
    let whole = digits(at);
    if whole == 0 || (whole > 1 && rest[at..].starts_with('0')) {
        return None;
    }
    at += whole;
    if rest[at..].starts_with('.') && digits(at + 1) > 0 {
        at += 1 + digits(at + 1);
    }
    if rest[at..].starts_with(['e', 'E']) {
        let sign = usize::from(rest[at + 1..].starts_with(['+', '-']));
        let power = digits(at + 1 + sign);
        if power > 0 {
            at += 1 + sign + power;
        }
    }
    Some(at)
}

/// The length of what tells handles of one name apart, as in `alice#2`; 0 where it is not there.
fn number_sign(rest: &str) -> usize {
    let Some(digits) = rest.strip_prefix('#') else { return 0 };
    match digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len()) {
        0 => 0,
        length => length + 1,
    }
}

/// Whether this is a name of the component model: words of one case each, with `-` between.
fn is_label(name: &str) -> bool {
    name.split('-').enumerate().all(|(i, word)| {
        let lower = word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        let upper = word.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        let begins = i > 0 || word.starts_with(|c: char| c.is_ascii_alphabetic());
        !word.is_empty() && (lower || upper) && begins
    })
}
