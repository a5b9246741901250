//! Texts of configuration that know where they stand.

use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;

use super::ConfigError;
use super::parse::{self, Source};

/// A text that knows where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The text itself.
    pub text: String,
    /// Where its literal stands in the source, quotes included.
    pub span: Range<usize>,
    file: String,
    source: Arc<str>,
}

impl Written {
    /// A text from the command line.
    pub fn argument(text: &str) -> Written {
        Written { text: text.to_owned(), span: 0..0, file: String::new(), source: "".into() }
    }

    /// A text of a file.
    pub fn at(value: &Spanned<String>, file: &str, source: &Arc<str>) -> Written {
        Written {
            text: value.get_ref().clone(),
            span: value.span(),
            file: file.to_owned(),
            source: source.clone(),
        }
    }

    /// An error about a part of the text, shown with its place.
    pub fn error(&self, span: Range<usize>, message: &str) -> ConfigError {
        if self.file.is_empty() {
            return ConfigError::Syntax(parse::show_argument(&self.text, span, message));
        }
        let literal = self.source.get(self.span.clone()).unwrap_or_default();
        // Where the literal has escapes in it, places inside of it are not those of the text.
        let place = match literal.find(&self.text).filter(|_| !self.text.is_empty()) {
            Some(at) => self.span.start + at + span.start..self.span.start + at + span.end,
            None => self.span.clone(),
        };
        Source { path: &self.file, text: &self.source }.error(place, message)
    }
}
