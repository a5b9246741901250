//! What a run of a case came to, and in what two runs of it differ.

use std::hash::{Hash, Hasher};

use sha2::{Digest, Sha256};

use crate::diagnostic::{HostCall, HttpExchange};
use crate::wave::{Difference, Value, compare};

/// The most that is kept of what the calls of a run returned, in bytes; of what is more, digests.
const MAX_KEPT: usize = 64 << 20;

/// What a run of a case came to: two runs that did the same are equal.
#[derive(Debug, Default, PartialEq)]
pub struct Outcome {
    /// What each call returned, where somebody will ask.
    values: Vec<Seen>,
    /// How much the values take that are kept, in bytes.
    kept: usize,
    /// The engine's message where the last call trapped, as it was expected to.
    pub trap: Option<String>,
    /// Fuel of instantiation, of each call, and of dropping what is left.
    pub fuel: Vec<u64>,
    /// Fuel of what it did in the background when its calls had returned.
    pub later: u64,
    /// The most linear memory that was held, in bytes.
    pub memory: u64,
    /// What was written to standard output and to standard error.
    pub output: [Vec<u8>; 2],
    /// What was asked of the host, as far as it is told, and how often.
    pub asked: (Vec<HostCall>, u64),
    /// The requests that were sent, as far as they are told, and how many more.
    pub sent: (Vec<HttpExchange>, u64),
}

/// What a call returned.
#[derive(Debug, PartialEq)]
enum Seen {
    /// All of it; none for a function without a result.
    Whole(Option<Value>),
    /// The digest of what is too large to be kept.
    Digest([u8; 32]),
}

impl Outcome {
    /// Takes note of what a call returned.
    pub fn returned(&mut self, value: Option<Value>) {
        let size = value.as_ref().map_or(0, Value::size);
        if self.kept.saturating_add(size) <= MAX_KEPT {
            self.kept += size;
            self.values.push(Seen::Whole(value));
        } else {
            let mut digester = Digester(Sha256::new());
            value.hash(&mut digester);
            self.values.push(Seen::Digest(digester.0.finalize().into()));
        }
    }
}

/// Takes the bytes of what is hashed, and all of them count: a plugin chooses what it returns.
struct Digester(Sha256);

impl Hasher for Digester {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let digest = self.0.clone().finalize();
        digest.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
    }
}

/// Differences as lines, what stands for one place aligned.
pub fn said(told: &[Difference], count: usize, expected: &str, got: &str) -> Vec<String> {
    let width = expected.len().max(got.len());
    let mut lines = Vec::new();
    for difference in told {
        let path = match difference.path.as_str() {
            "" => String::new(),
            path => format!("{path}: "),
        };
        lines.push(format!("{path}{expected:width$} {}", difference.expected));
        lines.push(format!("{path}{got:width$} {}", difference.got));
    }
    if count > told.len() {
        lines.push(format!("and {} more", count - told.len()));
    }
    lines
}

/// What is not the same in two runs, a line each; nothing where they are alike.
pub fn differences(first: &Outcome, second: &Outcome) -> Vec<String> {
    let mut lines = Vec::new();
    for (i, pair) in first.values.iter().zip(&second.values).enumerate() {
        match pair {
            (Seen::Whole(Some(a)), Seen::Whole(Some(b))) => {
                let (told, count) = compare(a, b, &[]);
                let told = said(&told, count, "first", "then");
                lines.extend(told.into_iter().map(|line| format!("call {}: {line}", i + 1)));
            }
            (a, b) if a == b => {}
            _ => lines.push(format!("call {}: it returned something else", i + 1)),
        }
    }
    if first.trap != second.trap {
        lines.push(format!("trap: first {:?}", first.trap.as_deref().unwrap_or_default()));
        lines.push(format!("trap: then  {:?}", second.trap.as_deref().unwrap_or_default()));
    }
    let streams = ["standard output", "standard error"];
    for (stream, (a, b)) in streams.iter().zip(first.output.iter().zip(&second.output)) {
        let text = |bytes: &[u8]| Value::Text(String::from_utf8_lossy(bytes).into_owned());
        if a != b {
            let (told, count) = compare(&text(a), &text(b), &[]);
            let told = said(&told, count, "first", "then");
            lines.extend(told.into_iter().map(|line| format!("{stream}: {line}")));
            if count == 0 {
                lines.push(format!("{stream}: bytes that are no text differ"));
            }
        }
    }
    lines.extend(asked_otherwise(first, second));
    for (i, (a, b)) in first.fuel.iter().zip(&second.fuel).enumerate() {
        if a != b {
            let what = match i {
                0 => "instantiation".to_owned(),
                n if n <= first.values.len() + usize::from(first.trap.is_some()) => {
                    format!("call {n}")
                }
                _ => "dropping what was left".to_owned(),
            };
            lines.push(format!("{what}: {a} fuel, then {b}"));
        }
    }
    if first.later != second.later {
        lines.push(format!("in the background: {} fuel, then {}", first.later, second.later));
    }
    if first.memory != second.memory {
        lines.push(format!("{} bytes of memory, then {}", first.memory, second.memory));
    }
    lines
}

/// What was asked of the host, or of others, in one run and not in the other.
fn asked_otherwise(first: &Outcome, second: &Outcome) -> Vec<String> {
    let mut lines = Vec::new();
    for (i, (a, b)) in first.asked.0.iter().zip(&second.asked.0).enumerate() {
        if a != b {
            let shown = |call: &HostCall| {
                let on = call.on.as_ref().map(|on| format!(" on {on}")).unwrap_or_default();
                format!("{}{}{on}", call.call, call.args)
            };
            lines.push(format!("host call {}: first {}, then {}", i + 1, shown(a), shown(b)));
        }
    }
    if first.asked.1 != second.asked.1 {
        lines.push(format!("{} host calls, then {}", first.asked.1, second.asked.1));
    }
    for (i, (a, b)) in first.sent.0.iter().zip(&second.sent.0).enumerate() {
        let [one, other] = [a, b].map(|exchange| format!("{} {}", exchange.method, exchange.url));
        if one != other {
            lines.push(format!("request {}: first {one}, then {other}", i + 1));
        } else if a != b {
            let what = "was not the same, or was not answered the same";
            lines.push(format!("request {}: {one} {what}", i + 1));
        }
    }
    let all = |outcome: &Outcome| outcome.sent.0.len() as u64 + outcome.sent.1;
    if all(first) != all(second) {
        lines.push(format!("{} requests, then {}", all(first), all(second)));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(value: u64, fuel: &[u64]) -> Outcome {
        let output = [b"hello\n".to_vec(), Vec::new()];
        let mut outcome =
            Outcome { fuel: fuel.to_vec(), memory: 65536, output, ..Outcome::default() };
        outcome.returned(Some(Value::Unsigned(value)));
        outcome.returned(None);
        outcome
    }

    #[test]
    fn runs_that_did_the_same_have_no_differences() {
        assert!(differences(&outcome(1, &[5, 6, 7]), &outcome(1, &[5, 6, 7])).is_empty());
    }

    #[test]
    fn every_difference_is_told_with_its_place() {
        let mut second = outcome(2, &[5, 8, 7]);
        second.memory = 0;
        second.later = 3;
        second.output = [b"hallo\n".to_vec(), vec![0xff]];
        assert_eq!(
            differences(&outcome(1, &[5, 6, 7]), &second),
            [
                "call 1: first 1",
                "call 1: then  2",
                r#"standard output: first "hello\n""#,
                r#"standard output: then  "hallo\n""#,
                r#"standard error: first """#,
                "standard error: then  \"\u{fffd}\"",
                "call 1: 6 fuel, then 8",
                "in the background: 0 fuel, then 3",
                "65536 bytes of memory, then 0",
            ]
        );
        let trapped = Outcome { trap: Some("unreachable".to_owned()), ..outcome(1, &[5, 6, 7]) };
        assert_eq!(differences(&outcome(1, &[5, 6, 7]), &trapped).len(), 2);
    }

    #[test]
    fn requests_are_compared_too() {
        let sent = |urls: &[&str], left_out| {
            let exchange = |url: &&str| HttpExchange {
                method: "GET".to_owned(),
                url: (*url).to_owned(),
                ..HttpExchange::default()
            };
            Outcome {
                sent: (urls.iter().map(exchange).collect(), left_out),
                ..outcome(1, &[5, 6, 7])
            }
        };
        let (a, b) = ("https://example.com/a", "https://example.com/b");
        assert!(differences(&sent(&[a, b], 1), &sent(&[a, b], 1)).is_empty());
        assert_eq!(
            differences(&sent(&[a, b], 1), &sent(&[a, a], 2)),
            [
                "request 2: first GET https://example.com/b, then GET https://example.com/a",
                "3 requests, then 4",
            ]
        );
        let mut answered = sent(&[a], 0);
        answered.sent.0[0].status = Some(204);
        assert_eq!(
            differences(&sent(&[a], 0), &answered),
            ["request 1: GET https://example.com/a was not the same, or was not answered the same"]
        );
    }

    /// Where there is too much to keep, what differs is seen all the same.
    #[test]
    fn what_is_not_kept_is_compared() {
        let large = |last: u8| {
            let mut outcome = Outcome::default();
            for end in [0, last, 0] {
                let mut bytes = vec![7; 40 << 20];
                bytes.push(end);
                outcome.returned(Some(Value::Bytes(bytes)));
            }
            outcome
        };
        let first = large(1);
        assert!(first.kept <= MAX_KEPT);
        assert!(differences(&first, &large(1)).is_empty());
        assert_eq!(differences(&first, &large(2)), ["call 2: it returned something else"]);
    }
}
