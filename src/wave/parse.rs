//! Text into nodes. What a node is worth only its type can say: that is `fit`'s.

use std::ops::Range;

use super::token::{Token, tokens};
use super::{WaveError, strings};

/// How deep values may nest. WAVE's own parser has the same limit.
const MAX_DEPTH: usize = 100;

/// A value as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What it is.
    pub kind: NodeKind,
    /// Where it stands.
    pub span: Range<usize>,
}

/// What stands at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// A number as it is written, `inf`, `-inf` and `nan` included.
    Number(String),
    /// `true` or `false`.
    Bool(bool),
    /// A character.
    Char(char),
    /// A text.
    Text(String),
    /// What is in a file: its index among the files of the case.
    File(usize),
    /// `_`.
    Any,
    /// `(a, b)`.
    Tuple(Vec<Node>),
    /// `[a, b]`, and whether `..` stands at its end.
    List(Vec<Node>, bool),
    /// `{a: 1}`, and whether `..` stands at its end.
    Record(Vec<(String, Node)>, bool),
    /// `{a, b}`, with their places.
    Flags(Vec<(String, Range<usize>)>),
    /// A case of a variant or enum, a flag, or the name of a variable.
    Label(String, Option<Box<Node>>),
    /// `some`, `none`, `ok` or `err`.
    Keyword(&'static str, Option<Box<Node>>),
}

/// A call as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The variable in `let s = ...`, with its place.
    pub bind: Option<(String, Range<usize>)>,
    /// What is called: `run`, `interface#run`, `s.feed`, `session`.
    pub target: String,
    /// Where that stands.
    pub target_span: Range<usize>,
    /// The arguments.
    pub args: Vec<Node>,
    /// The parentheses with the arguments.
    pub args_span: Range<usize>,
}

/// Reads a file that is named in a call, and returns its index among the files of the case. The error
/// says why it cannot be read.
pub type Load<'l> = dyn FnMut(&str) -> Result<usize, String> + 'l;

/// Parses a call: `run("a", [1])`, `let s = session("x")`.
pub fn call(text: &str, load: &mut Load<'_>) -> Result<Call, WaveError> {
    let whole = trimmed(text);
    let Some(open) = text.find('(') else {
        return Err(WaveError::new(
            whole,
            "a call has its arguments in parentheses, as in run(\"a\", [1, 2])",
        ));
    };
    let mut head = whole.start..open;
    let mut bind = None;
    if let Some(equals) = text[head.clone()].find('=').map(|at| head.start + at) {
        let before = &text[head.start..equals];
        let name = before.strip_prefix("let").filter(|rest| rest.starts_with([' ', '\t']));
        let Some(name) = name.map(str::trim).filter(|name| is_variable(name)) else {
            return Err(WaveError::new(
                head.start..equals,
                "a variable is a word in lower case after `let`, as in let s = session(\"x\")",
            ));
        };
        let at = head.start + before.find(name).unwrap_or(0).max(4);
        bind = Some((name.to_owned(), at..at + name.len()));
        head.start = equals + 1;
    }
    let target = text[head.clone()].trim();
    let start = head.start + text[head.clone()].len() - text[head].trim_start().len();
    let target_span = start..start + target.len();
    if target.is_empty() || target.contains(char::is_whitespace) {
        return Err(WaveError::new(
            if target.is_empty() { open..open + 1 } else { target_span },
            "a call starts with the name of its function: FUNCTION(...) or INTERFACE#FUNCTION(...)",
        ));
    }
    let mut parser = Parser { text, tokens: tokens(text, open)?, next: 0, depth: 0, load };
    let args_start = parser.span();
    parser.next += 1;
    let (args, more) = parser.items(')')?;
    if let Some(span) = more {
        return Err(WaveError::new(span, "`..` stands in expectations only"));
    }
    let args_span = args_start.start..parser.before().end;
    parser.finish()?;
    Ok(Call { bind, target: target.to_owned(), target_span, args, args_span })
}

/// Parses a value.
pub fn value(text: &str, load: &mut Load<'_>) -> Result<Node, WaveError> {
    let mut parser = Parser { text, tokens: tokens(text, 0)?, next: 0, depth: 0, load };
    let node = parser.node()?;
    parser.finish()?;
    Ok(node)
}

fn is_variable(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !matches!(name, "true" | "false" | "some" | "none" | "ok" | "err" | "inf" | "nan")
}

fn trimmed(text: &str) -> Range<usize> {
    let start = text.len() - text.trim_start().len();
    start..(start + text.trim().len()).max(start)
}

struct Parser<'p> {
    text: &'p str,
    tokens: Vec<(Token, Range<usize>)>,
    next: usize,
    depth: usize,
    load: &'p mut Load<'p>,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next).map(|(token, _)| token)
    }

    /// The place of the next token, or of the end.
    fn span(&self) -> Range<usize> {
        let end = self.text.trim_end().len();
        self.tokens.get(self.next).map_or(end..end, |(_, span)| span.clone())
    }

    /// The place of the last token.
    fn before(&self) -> Range<usize> {
        let at = self.next.saturating_sub(1);
        self.tokens.get(at).map_or(0..0, |(_, span)| span.clone())
    }

    fn is(&self, sign: char) -> bool {
        self.peek() == Some(&Token::Sign(sign))
    }

    fn take(&mut self, sign: char) -> bool {
        let found = self.is(sign);
        self.next += usize::from(found);
        found
    }

    fn wanted(&self, what: &str) -> WaveError {
        let message = match self.peek() {
            None => format!("it ends where {what} should be"),
            Some(_) => format!("{what} should be here"),
        };
        WaveError::new(self.span(), message)
    }

    fn finish(&self) -> Result<(), WaveError> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(WaveError::new(self.span(), "there is more behind the end")),
        }
    }

    fn node(&mut self) -> Result<Node, WaveError> {
        if self.depth >= MAX_DEPTH {
            let message = format!("values nest no deeper than {MAX_DEPTH} levels");
            return Err(WaveError::new(self.span(), message));
        }
        self.depth += 1;
        let node = self.bare_node();
        self.depth -= 1;
        node
    }

    fn bare_node(&mut self) -> Result<Node, WaveError> {
        let Some(token) = self.peek().cloned() else { return Err(self.wanted("a value")) };
        let span = self.span();
        self.next += 1;
        let slice = &self.text[span.clone()];
        let inner = |quotes: usize| slice.get(quotes..slice.len() - quotes).unwrap_or_default();
        let kind = match token {
            Token::Number => NodeKind::Number(slice.to_owned()),
            Token::Char => NodeKind::Char(strings::char(inner(1), span.start + 1)?),
            Token::Text => NodeKind::Text(strings::unescape(inner(1), span.start + 1)?),
            Token::Lines => NodeKind::Text(strings::lines(inner(3), span.clone())?),
            Token::Any => NodeKind::Any,
            Token::File => self.file(slice, &span)?,
            Token::Word => self.word(slice)?,
            Token::Sign('(') => {
                let (items, more) = self.items(')')?;
                if let Some(span) = more {
                    return Err(WaveError::new(span, "a tuple has all its values"));
                }
                NodeKind::Tuple(items)
            }
            Token::Sign('[') => {
                let (items, more) = self.items(']')?;
                NodeKind::List(items, more.is_some())
            }
            Token::Sign('{') => self.braces()?,
            Token::Sign(_) | Token::Rest => {
                self.next -= 1;
                return Err(self.wanted("a value"));
            }
        };
        Ok(Node { kind, span: span.start..self.before().end })
    }

    fn file(&mut self, slice: &str, span: &Range<usize>) -> Result<NodeKind, WaveError> {
        let path = &slice[1..];
        let path = match path.strip_prefix('"') {
            Some(quoted) => strings::unescape(quoted.trim_end_matches('"'), span.start + 2)?,
            None => path.to_owned(),
        };
        let index = (self.load)(&path).map_err(|reason| {
            WaveError::new(span.clone(), format!("the file {path} cannot be read: {reason}"))
        })?;
        Ok(NodeKind::File(index))
    }

    fn word(&mut self, slice: &str) -> Result<NodeKind, WaveError> {
        Ok(match slice {
            "true" => NodeKind::Bool(true),
            "false" => NodeKind::Bool(false),
            "inf" | "nan" => NodeKind::Number(slice.to_owned()),
            "none" => NodeKind::Keyword("none", None),
            "some" => match self.payload()? {
                None => return Err(self.wanted("a value in parentheses, as in some(1),")),
                payload => NodeKind::Keyword("some", payload),
            },
            "ok" => NodeKind::Keyword("ok", self.payload()?),
            "err" => NodeKind::Keyword("err", self.payload()?),
            label => NodeKind::Label(label.trim_start_matches('%').to_owned(), self.payload()?),
        })
    }

    fn payload(&mut self) -> Result<Option<Box<Node>>, WaveError> {
        if !self.take('(') {
            return Ok(None);
        }
        let node = self.node()?;
        match self.take(')') {
            true => Ok(Some(Box::new(node))),
            false => Err(self.wanted("`)`")),
        }
    }

    /// Values up to a closing sign, and the place of `..` where it stands at the end.
    fn items(&mut self, close: char) -> Result<(Vec<Node>, Option<Range<usize>>), WaveError> {
        let mut items = Vec::new();
        let mut more = None;
        while !self.take(close) {
            if self.peek() == Some(&Token::Rest) {
                more = Some(self.span());
                self.next += 1;
            } else {
                items.push(self.node()?);
            }
            let comma = self.take(',');
            if !self.is(close) && (!comma || more.is_some()) {
                return Err(
                    self.wanted(&format!("`{close}`{}", if comma { "" } else { " or `,`" }))
                );
            }
        }
        Ok((items, more))
    }

    /// A record or flags.
    fn braces(&mut self) -> Result<NodeKind, WaveError> {
        if self.take('}') {
            return Ok(NodeKind::Flags(Vec::new()));
        }
        if self.take(':') {
            return match self.take('}') {
                true => Ok(NodeKind::Record(Vec::new(), false)),
                false => Err(self.wanted("`}`")),
            };
        }
        let colon = matches!(self.tokens.get(self.next + 1), Some((Token::Sign(':'), _)));
        let is_flags = !colon && self.peek() == Some(&Token::Word);
        let mut fields: Vec<(String, Node)> = Vec::new();
        let mut flags: Vec<(String, Range<usize>)> = Vec::new();
        let mut more = false;
        while !self.take('}') {
            let span = self.span();
            if self.peek() == Some(&Token::Rest) && !is_flags {
                self.next += 1;
                more = true;
            } else {
                if self.peek() != Some(&Token::Word) {
                    return Err(self.wanted("`}` or a name"));
                }
                let name = self.text[span.clone()].trim_start_matches('%').to_owned();
                self.next += 1;
                let known = fields.iter().map(|(name, _)| name);
                if known.chain(flags.iter().map(|(name, _)| name)).any(|other| *other == name) {
                    return Err(WaveError::new(span, format!("`{name}` stands here twice")));
                }
                if is_flags {
                    flags.push((name, span));
                } else if self.take(':') {
                    fields.push((name, self.node()?));
                } else {
                    return Err(self.wanted("`:` and the field's value"));
                }
            }
            // As in the reference, a comma between them may be missing.
            self.take(',');
            if more && !self.is('}') {
                return Err(self.wanted("`}`"));
            }
        }
        Ok(if is_flags { NodeKind::Flags(flags) } else { NodeKind::Record(fields, more) })
    }
}
