//! What came back against what was expected, down to the first leaves that differ.

use super::{Value, in_short};

/// The most differences that are told one by one.
const MAX_TOLD: usize = 4;

/// One place where what came back is another than expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The way to the place, as in `ok.lines[3].text`; empty for the whole value.
    pub path: String,
    /// What was expected there, in short.
    pub expected: String,
    /// What is there, in short.
    pub got: String,
}

/// The places where `got` is not as expected, the first few of them, and how many there are. `files`
/// are those that the expectation names.
pub fn compare(expected: &Value, got: &Value, files: &[&[u8]]) -> (Vec<Difference>, usize) {
    let mut walk = Walk { files, exact: false, told: Vec::new(), count: 0 };
    walk.value("", expected, got);
    (walk.told, walk.count)
}

/// The same for what was recorded: the name of a handle stands for one handle, and for no other that was
/// made under it.
pub fn compare_exactly(recorded: &Value, got: &Value) -> (Vec<Difference>, usize) {
    let mut walk = Walk { files: &[], exact: true, told: Vec::new(), count: 0 };
    walk.value("", recorded, got);
    (walk.told, walk.count)
}

struct Walk<'f> {
    /// Whether handles are told apart that were made under one name.
    exact: bool,
    files: &'f [&'f [u8]],
    told: Vec<Difference>,
    count: usize,
}

impl Walk<'_> {
    fn tell(&mut self, path: &str, expected: String, got: String) {
        self.count += 1;
        if self.told.len() < MAX_TOLD {
            self.told.push(Difference { path: path.to_owned(), expected, got });
        }
    }

    fn differ(&mut self, path: &str, expected: &Value, got: &Value) {
        self.tell(path, in_short(expected), in_short(got));
    }

    fn value(&mut self, path: &str, expected: &Value, got: &Value) {
        match (expected, got) {
            (Value::Any, _) => {}
            // An empty list does not know whether it is one of bytes.
            (Value::Bytes(_) | Value::File(_, false), Value::List(items, _))
                if items.is_empty() =>
            {
                self.value(path, expected, &Value::Bytes(Vec::new()));
            }
            (Value::File(index, true), Value::Text(got)) => {
                let file = self.files.get(*index).copied().unwrap_or_default();
                match std::str::from_utf8(file) {
                    Ok(file) => self.text(path, file, got),
                    Err(_) => self.tell(path, "(a file that is no text)".to_owned(), short(got)),
                }
            }
            (Value::File(index, false), Value::Bytes(got)) => {
                let file = self.files.get(*index).copied().unwrap_or_default();
                self.bytes(path, file, got);
            }
            (Value::Text(expected), Value::Text(got)) => self.text(path, expected, got),
            (Value::Bytes(expected), Value::Bytes(got)) => self.bytes(path, expected, got),
            (Value::List(expected, more), Value::Bytes(got)) => {
                // Of a long list no more is looked at than the expectation names.
                let looked = got.iter().take(expected.len().saturating_add(1));
                let looked: Vec<Value> =
                    looked.map(|byte| Value::Unsigned(u64::from(*byte))).collect();
                let lengths = (expected.len(), got.len());
                self.list(path, expected, *more, &looked, lengths);
            }
            (Value::List(expected, more), Value::List(got, _)) => {
                self.list(path, expected, *more, got, (expected.len(), got.len()));
            }
            (Value::Tuple(expected), Value::Tuple(got)) => {
                for (i, (expected, got)) in expected.iter().zip(got).enumerate() {
                    self.value(&step(path, &i.to_string()), expected, got);
                }
            }
            (Value::Record(fields), Value::Record(got)) => {
                for (name, expected) in fields {
                    match got.iter().find(|(other, _)| other == name) {
                        Some((_, got)) => self.value(&step(path, name), expected, got),
                        None => self.tell(&step(path, name), in_short(expected), "nothing".into()),
                    }
                }
            }
            (Value::Variant(expected, inner), Value::Variant(got, found)) if expected == got => {
                self.payload(&step(path, expected), inner.as_deref(), found.as_deref());
            }
            (Value::Option(Some(expected)), Value::Option(Some(got))) => {
                self.value(&step(path, "some"), expected, got);
            }
            (Value::Result(Ok(expected)), Value::Result(Ok(got))) => {
                self.payload(&step(path, "ok"), expected.as_deref(), got.as_deref());
            }
            (Value::Result(Err(expected)), Value::Result(Err(got))) => {
                self.payload(&step(path, "err"), expected.as_deref(), got.as_deref());
            }
            (Value::Float32(a), Value::Float32(b)) => {
                let (a, b) = (f32::from_bits(*a), f32::from_bits(*b));
                if a.to_bits() != b.to_bits() && !(a.is_nan() && b.is_nan()) {
                    self.differ(path, expected, got);
                }
            }
            (Value::Float64(a), Value::Float64(b)) => {
                let (a, b) = (f64::from_bits(*a), f64::from_bits(*b));
                if a.to_bits() != b.to_bits() && !(a.is_nan() && b.is_nan()) {
                    self.differ(path, expected, got);
                }
            }
            // A name stands for all handles that were made under it; `alice#2` is one of them.
            (Value::Handle(expected), Value::Handle(got))
                if !self.exact && got.split('#').next() == Some(expected) => {}
            (expected, got) => {
                if expected != got {
                    self.differ(path, expected, got);
                }
            }
        }
    }

    fn payload(&mut self, path: &str, expected: Option<&Value>, got: Option<&Value>) {
        if let (Some(expected), Some(got)) = (expected, got) {
            self.value(path, expected, got);
        }
    }

    fn list(
        &mut self,
        path: &str,
        expected: &[Value],
        more: bool,
        got: &[Value],
        (wanted, found): (usize, usize),
    ) {
        for (i, (expected, got)) in expected.iter().zip(got).enumerate() {
            self.value(&format!("{path}[{i}]"), expected, got);
        }
        if found < wanted || (found > wanted && !more) {
            let least = if more { " or more" } else { "" };
            self.tell(path, format!("{wanted} values{least}"), format!("{found} values"));
        }
    }

    fn text(&mut self, path: &str, expected: &str, got: &str) {
        if expected == got {
            return;
        }
        let same = expected.chars().zip(got.chars()).take_while(|(a, b)| a == b).count();
        self.tell(path, around(expected, same), around(got, same));
    }

    fn bytes(&mut self, path: &str, expected: &[u8], got: &[u8]) {
        if expected == got {
            return;
        }
        let same = expected.iter().zip(got).take_while(|(a, b)| a == b).count();
        if same < 12 && expected.len().max(got.len()) < 20 {
            return self.tell(
                path,
                in_short(&Value::Bytes(expected.to_vec())),
                in_short(&Value::Bytes(got.to_vec())),
            );
        }
        let show = |bytes: &[u8]| {
            let rest = bytes.get(same..bytes.len().min(same + 8)).unwrap_or_default();
            let shown: Vec<String> = rest.iter().map(ToString::to_string).collect();
            let end = if same + 8 < bytes.len() { ", ..." } else { "" };
            format!("{}{end} from byte {same}, of {} bytes", shown.join(", "), bytes.len())
        };
        self.tell(path, show(expected), show(got));
    }
}

fn step(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn short(text: &str) -> String {
    in_short(&Value::Text(text.to_owned()))
}

/// A text around the first character that differs, so that the difference is in what is shown.
fn around(text: &str, same: usize) -> String {
    const BEFORE: usize = 20;
    if same <= 2 * BEFORE {
        return short(text);
    }
    let tail: String = text.chars().skip(same - BEFORE).take(80).collect();
    format!("...{}", short(&tail))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str) -> Value {
        Value::Text(value.to_owned())
    }

    fn told(expected: &Value, got: &Value) -> Vec<String> {
        let (told, _) = compare(expected, got, &[]);
        told.into_iter().map(|d| format!("{}: {} / {}", d.path, d.expected, d.got)).collect()
    }

    #[test]
    fn the_way_to_a_difference_is_told() {
        let record = |lines: Vec<Value>, code: u64| {
            let fields = vec![
                ("lines".to_owned(), Value::List(lines, false)),
                ("code".to_owned(), Value::Unsigned(code)),
            ];
            Value::Result(Ok(Some(Box::new(Value::Record(fields)))))
        };
        let expected = record(vec![text("a"), text("b")], 0);
        assert_eq!(told(&expected, &expected), Vec::<String>::new());
        let got = record(vec![text("a"), text("c"), text("d")], 1);
        assert_eq!(
            told(&expected, &got),
            [r#"ok.lines[1]: "b" / "c""#, "ok.lines: 2 values / 3 values", "ok.code: 0 / 1",]
        );
        let failed = Value::Result(Err(None));
        assert_eq!(told(&failed, &Value::Result(Ok(None))), [": err / ok"]);
    }

    #[test]
    fn what_is_left_open_is_not_looked_at() {
        let open = Value::List(vec![Value::Unsigned(1), Value::Any], true);
        assert_eq!(told(&open, &Value::Bytes(vec![1, 2, 3])), Vec::<String>::new());
        assert_eq!(told(&open, &Value::Bytes(vec![1])), [": 2 values or more / 1 values"]);
        let closed = Value::List(vec![Value::Unsigned(1), Value::Any], false);
        assert_eq!(told(&closed, &Value::Bytes(vec![1, 2, 3])), [": 2 values / 3 values"]);
    }

    #[test]
    fn zeros_have_a_sign_and_nans_are_equal() {
        let float = |value: f64| Value::Float64(value.to_bits());
        assert_eq!(told(&float(0.0), &float(-0.0)), [": 0 / -0"]);
        assert_eq!(told(&float(f64::NAN), &float(-f64::NAN)), Vec::<String>::new());
    }

    #[test]
    fn a_long_text_is_shown_where_it_differs() {
        let (a, b) = ("x".repeat(300) + "A", "x".repeat(300) + "B");
        let told = told(&text(&a), &text(&b));
        assert!(told[0].contains(r#"xA" / ..."xxx"#), "{told:?}");
        assert!(told[0].len() < 100, "{told:?}");
    }
}
