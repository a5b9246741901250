//! Where two outputs differ, in lines for people.

use std::fmt::Write;

/// How many places are shown.
const SHOWN: usize = 5;
/// How much of a line is shown, in characters.
const WIDTH: usize = 60;

/// What differs, a line each; nothing where they are the same. Text is compared line by line, anything
/// else byte by byte.
pub fn differences(expected: &[u8], got: &[u8]) -> Vec<String> {
    if expected == got {
        return Vec::new();
    }
    match (std::str::from_utf8(expected), std::str::from_utf8(got)) {
        (Ok(expected), Ok(got)) => of_text(expected, got),
        _ => of_bytes(expected, got),
    }
}

fn of_text(expected: &str, got: &str) -> Vec<String> {
    let mut notes = Vec::new();
    let (mut wanted, mut had) = (expected.split_inclusive('\n'), got.split_inclusive('\n'));
    let (mut number, mut different) = (0, 0);
    loop {
        let pair = (wanted.next(), had.next());
        if pair == (None, None) {
            break;
        }
        number += 1;
        if pair.0 == pair.1 {
            continue;
        }
        different += 1;
        if different <= SHOWN {
            let from = first_difference(pair.0.unwrap_or_default(), pair.1.unwrap_or_default());
            notes.push(format!("line {number}: expected {}", quoted(pair.0, from)));
            notes.push(format!("line {number}: got      {}", quoted(pair.1, from)));
        }
    }
    if different > SHOWN {
        notes.push(format!("and {} more lines", different - SHOWN));
    }
    notes
}

/// The first character that two lines do not share.
fn first_difference(a: &str, b: &str) -> usize {
    a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count()
}

/// A line with what cannot be seen escaped; of a long one, what is around the difference.
fn quoted(line: Option<&str>, difference: usize) -> String {
    let Some(line) = line else { return "no such line".to_owned() };
    let length = line.chars().count();
    let start = if length <= WIDTH { 0 } else { difference.saturating_sub(WIDTH / 3) };
    let shown: String = line.chars().skip(start).take(WIDTH).collect();
    let before = if start > 0 { "... " } else { "" };
    let after = if start + WIDTH < length { " ..." } else { "" };
    format!("{before}{shown:?}{after}")
}

fn of_bytes(expected: &[u8], got: &[u8]) -> Vec<String> {
    let at = expected.iter().zip(got).take_while(|(a, b)| a == b).count();
    let hex = |bytes: &[u8]| {
        let mut shown = String::new();
        for byte in bytes.iter().skip(at).take(16) {
            let _ = write!(shown, " {byte:02x}");
        }
        if shown.is_empty() { " the end".to_owned() } else { shown }
    };
    let sizes = if expected.len() == got.len() {
        format!("{} bytes each", got.len())
    } else {
        format!("expected {} bytes, got {}", expected.len(), got.len())
    };
    vec![
        format!("byte {at}: expected{}", hex(expected)),
        format!("byte {at}: got     {}", hex(got)),
        sizes,
    ]
}

#[cfg(test)]
mod tests {
    use super::differences;

    #[test]
    fn what_is_the_same_has_no_differences() {
        assert!(differences(b"", b"").is_empty());
        assert!(differences(b"a\n\xff", b"a\n\xff").is_empty());
    }

    #[test]
    fn text_is_compared_by_lines_to_the_last_line_feed() {
        assert_eq!(
            differences(b"a\nb\nc", b"a\nB\nc\n"),
            [
                r#"line 2: expected "b\n""#,
                r#"line 2: got      "B\n""#,
                r#"line 3: expected "c""#,
                r#"line 3: got      "c\n""#,
            ]
        );
        assert_eq!(
            differences(b"", b"a\n"),
            ["line 1: expected no such line", r#"line 1: got      "a\n""#]
        );
        let many = differences("a\n".repeat(9).as_bytes(), "b\n".repeat(9).as_bytes());
        assert_eq!((many.len(), many[10].as_str()), (11, "and 4 more lines"));
    }

    #[test]
    fn of_a_long_line_the_difference_is_shown() {
        let (a, b) = ("x".repeat(200) + "a", "x".repeat(200) + "b");
        let shown = differences(a.as_bytes(), b.as_bytes());
        assert_eq!(shown[0], format!("line 1: expected ... {:?}", "x".repeat(20) + "a"));
    }

    #[test]
    fn bytes_are_shown_from_the_first_that_differs() {
        assert_eq!(
            differences(b"\xff\x00\x01", b"\xff\x00"),
            ["byte 2: expected 01", "byte 2: got      the end", "expected 3 bytes, got 2"]
        );
    }
}
