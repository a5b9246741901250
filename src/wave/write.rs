//! Values as text.

use std::fmt::Write;

use super::Value;

/// The longest text that a value gets, in bytes; what is longer is cut, and says so.
pub const MAX_TEXT: usize = 1 << 20;

/// A value in WAVE, and whether that is all of it. What is longer than `most` bytes is cut off at
/// an element, with `...` in its place.
pub fn write(value: &Value, most: usize) -> (String, bool) {
    let mut writer = Writer { out: String::new(), most, cut: false };
    writer.value(value);
    (writer.out, !writer.cut)
}

/// A value in a few words, for a line of a message.
pub fn in_short(value: &Value) -> String {
    write(value, 60).0
}

struct Writer {
    out: String,
    most: usize,
    cut: bool,
}

impl Writer {
    fn value(&mut self, value: &Value) {
        match value {
            Value::Any => self.push("_"),
            Value::Bool(value) => self.show(value),
            Value::Signed(value) => self.show(value),
            Value::Unsigned(value) => self.show(value),
            Value::Float32(bits) => match f32::from_bits(*bits) {
                value if value.is_nan() => self.push("nan"),
                value => self.show(value),
            },
            Value::Float64(bits) => match f64::from_bits(*bits) {
                value if value.is_nan() => self.push("nan"),
                value => self.show(value),
            },
            Value::Char(c) => {
                self.push("'");
                self.char(*c, '\'');
                self.push("'");
            }
            Value::Text(text) => self.text(text),
            Value::Bytes(bytes) => self.sequence('[', ']', bytes.iter(), false, |writer, byte| {
                writer.show(byte);
            }),
            Value::List(items, more) => {
                self.sequence('[', ']', items.iter(), *more, Writer::value);
            }
            Value::Tuple(items) => self.sequence('(', ')', items.iter(), false, Writer::value),
            Value::Record(fields) if fields.is_empty() => self.push("{:}"),
            Value::Record(fields) => {
                self.sequence('{', '}', fields.iter(), false, |writer, (name, value)| {
                    writer.push(name);
                    writer.push(": ");
                    writer.value(value);
                });
            }
            Value::Flags(names) => {
                self.sequence('{', '}', names.iter(), false, |writer, name| writer.push(name));
            }
            Value::Enum(name) => self.case(name, None),
            Value::Variant(name, payload) => self.case(name, payload.as_deref()),
            Value::Option(None) => self.push("none"),
            Value::Option(Some(value)) => self.with("some", Some(value)),
            Value::Result(Ok(payload)) => self.with("ok", payload.as_deref()),
            Value::Result(Err(payload)) => self.with("err", payload.as_deref()),
            Value::File(..) => self.push("@..."),
            Value::Handle(name) => self.push(name),
            Value::Opaque(what) => {
                let _ = write!(self.out, "({what})");
            }
        }
    }

    /// Whether there is room for more; says so in the text where there is not.
    fn room(&mut self) -> bool {
        if self.out.len() < self.most {
            return true;
        }
        if !self.cut {
            self.out.push_str("...");
        }
        self.cut = true;
        false
    }

    fn push(&mut self, text: &str) {
        self.out.push_str(text);
    }

    fn show(&mut self, value: impl std::fmt::Display) {
        let _ = write!(self.out, "{value}");
    }

    fn sequence<T>(
        &mut self,
        open: char,
        close: char,
        items: impl Iterator<Item = T>,
        more: bool,
        mut each: impl FnMut(&mut Writer, T),
    ) {
        self.out.push(open);
        let mut empty = true;
        for item in items {
            if !empty {
                self.push(", ");
            }
            empty = false;
            if !self.room() {
                break;
            }
            each(self, item);
        }
        if more {
            self.push(if empty { ".." } else { ", .." });
        }
        self.out.push(close);
    }

    fn case(&mut self, name: &str, payload: Option<&Value>) {
        let keyword = ["true", "false", "some", "none", "ok", "err", "inf", "nan"];
        if keyword.contains(&name) {
            self.push("%");
        }
        self.with(name, payload);
    }

    fn with(&mut self, name: &str, payload: Option<&Value>) {
        self.push(name);
        if let Some(value) = payload {
            self.push("(");
            self.value(value);
            self.push(")");
        }
    }

    fn text(&mut self, text: &str) {
        self.push("\"");
        for c in text.chars() {
            if !self.room() {
                break;
            }
            self.char(c, '"');
        }
        self.push("\"");
    }

    /// Escapes as WAVE has them.
    fn char(&mut self, c: char, quote: char) {
        match c {
            '\\' => self.push("\\\\"),
            '\n' => self.push("\\n"),
            '\r' => self.push("\\r"),
            '\t' => self.push("\\t"),
            c if c == quote => {
                self.out.push('\\');
                self.out.push(c);
            }
            '"' | '\'' => self.out.push(c),
            // Rust has escapes that WAVE has not.
            c if c.is_control() => self.show(c.escape_unicode()),
            c => self.show(c.escape_debug()),
        }
    }
}
