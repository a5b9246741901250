//! What a command wrote, and its exit code, as what is expected of it. A short text goes into the smoke file;
//! what is long or no text goes into a file beside it, which the smoke file names.

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::ConfigError;
use super::command::{CommandCase, Stream};
use super::parse::Source;
use super::record::{Edits, key_before, literal, two_for_one};
use super::smoke::Case;
use crate::diagnostic::{CaseReport, Wrote};

/// The longest text that is written into a smoke file, in bytes.
const INLINE: usize = 2048;

/// The keys of the streams.
const KEYS: [&str; 2] = ["stdout", "stderr"];

impl Edits {
    /// Puts what a command came to into its case.
    pub(super) fn command(
        &mut self,
        case: &Case,
        command: &CommandCase,
        runs: &[(&str, &CaseReport)],
        inputs: &[PathBuf],
        source: Source<'_>,
    ) -> Result<(), ConfigError> {
        let wrote = runs.iter().filter_map(|(id, run)| Some((*id, run.wrote.as_ref()?)));
        let wrote: Vec<(&str, &Wrote)> = wrote.collect();
        let Some((first, ran)) = wrote.first().copied() else { return Ok(()) };
        let first_key = command.places.end.or(case.head).unwrap_or_default();
        let mut new: Vec<(String, String)> = Vec::new();

        if let Some((other, _)) = wrote.iter().find(|(_, other)| other.exit_code != ran.exit_code) {
            return Err(differ(source, first_key, first, other, "exit with the same code"));
        }
        let code = ran.exit_code;
        if code != command.exit_code {
            match &command.places.exit_code {
                Some(span) => self.list.push((span.clone(), code.to_string())),
                None => new.push(("exit-code".to_owned(), code.to_string())),
            }
            self.expectations += 1;
        }
        let expected = [&command.stdout, &command.stderr];
        for (index, key) in KEYS.into_iter().enumerate() {
            let bytes = &ran.streams[index];
            let holds = |wrote: &Wrote| {
                expected[index].as_ref().is_some_and(|expected| **expected == wrote.streams[index])
            };
            if wrote.iter().all(|(_, wrote)| holds(wrote)) {
                continue;
            }
            let same = |wrote: &Wrote| wrote.streams[index] == *bytes;
            if let Some((other, _)) = wrote.iter().find(|(_, wrote)| !same(wrote)) {
                let what = format!("write the same to {key}");
                return Err(differ(source, first_key, first, other, &what));
            }
            let place = &command.places.streams[index];
            let text = inline(bytes);
            let (span, old) = match (place, &text) {
                (Stream::File(span, path), _) if is_among(path, inputs) => {
                    let line = source.place(span.clone()).line;
                    let shown = path.display();
                    self.left.push(format!(
                        "{}:{line}: a case reads {shown}; name another file for what is expected",
                        source.path
                    ));
                    continue;
                }
                (Stream::File(_, path), _) => {
                    self.file(path.clone(), bytes, source, true)?;
                    self.expectations += 1;
                    continue;
                }
                (Stream::Text(span), Some(text)) => {
                    self.list.push((span.clone(), text.clone()));
                    self.expectations += 1;
                    continue;
                }
                (Stream::Text(span), None) => (Some(span), Some(key)),
                (Stream::Open, _) => (None, None),
            };
            let (key, value) = match text {
                Some(text) => (key.to_owned(), text),
                None => {
                    let name = beside(source, case, key);
                    let folder = Path::new(source.path).parent().unwrap_or(Path::new(""));
                    self.file(folder.join(&name), bytes, source, false)?;
                    (format!("{key}-file"), literal(&name))
                }
            };
            match (span, old) {
                (Some(span), Some(old)) => match key_before(source, span, old) {
                    Some(span) => self.list.push((span, format!("{key} = {value}"))),
                    None => return Err(source.error(span.clone(), "write its key bare")),
                },
                _ => new.push((key, value)),
            }
            self.expectations += 1;
        }
        self.insert(case, command, &new, source);
        Ok(())
    }

    /// Adds keys to a case: behind those that it has.
    fn insert(
        &mut self,
        case: &Case,
        command: &CommandCase,
        new: &[(String, String)],
        source: Source<'_>,
    ) {
        let keys = new.iter().map(|(key, value)| format!("{key} = {value}"));
        let keys: Vec<String> = keys.collect();
        if keys.is_empty() {
            return;
        }
        let place = match (command.places.end, case.head) {
            (Some(end), _) if command.places.inline => {
                Some((end..end, format!(", {}", keys.join(", "))))
            }
            (Some(end), _) => {
                // Behind a comment that is about the last one.
                let rest = source.text.get(end..).unwrap_or_default();
                let at = end + rest.find('\n').unwrap_or(rest.len());
                Some((at..at, format!("\n{}", keys.join("\n"))))
            }
            (None, Some(head)) if !command.places.inline => {
                Some((head..head, format!("{}\n", keys.join("\n"))))
            }
            _ => None,
        };
        match place {
            Some(edit) => self.list.push(edit),
            None => self.left.push(format!(
                "{}: {}: nobody knows where it should be written",
                source.path, case.name
            )),
        }
    }

    /// Takes note of a file that is to be written; of one that is there, only where the case named it.
    fn file(
        &mut self,
        path: PathBuf,
        bytes: &[u8],
        source: Source<'_>,
        named: bool,
    ) -> Result<(), ConfigError> {
        let refused = |reason: String| ConfigError::Invalid { path: source.path.into(), reason };
        let shown = path.display().to_string();
        if !named && path.exists() {
            return Err(refused(format!(
                "what is to be recorded needs a file of its own, and {shown} is there already; move \
                 it, or name a file in the case"
            )));
        }
        match self.files.get(&path) {
            Some(other) if other != bytes => Err(two_for_one(source.path, &path)),
            _ => {
                self.files.insert(path, bytes.to_vec());
                Ok(())
            }
        }
    }
}

/// Whether a file is one of these, whatever they are called.
fn is_among(path: &Path, files: &[PathBuf]) -> bool {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    files.iter().any(|file| real(file) == real(path))
}

fn differ(source: Source<'_>, at: usize, first: &str, other: &str, what: &str) -> ConfigError {
    let span: Range<usize> = at.saturating_sub(1)..at;
    let message =
        format!("`{first}` and `{other}` do not {what} here; give each a case of its own");
    source.error(span, &message)
}

/// The file for what a case expects of a stream: `smoke.counts-words.stdout` beside `smoke.toml`.
fn beside(source: Source<'_>, case: &Case, key: &str) -> String {
    let stem = Path::new(source.path).file_stem().unwrap_or_default().to_string_lossy();
    let plain = |c: char| if c.is_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let name: String = case.name.chars().map(plain).take(60).collect();
    let words: Vec<&str> = name.split('-').filter(|word| !word.is_empty()).collect();
    format!("{stem}.{}.{key}", words.join("-"))
}

/// Bytes as a TOML string, where they are a text that people would read there.
fn inline(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok().filter(|text| text.len() <= INLINE)?;
    let plain = |c: char| !c.is_control() || c == '\n' || c == '\t';
    if !text.chars().all(plain) {
        return None;
    }
    if text.trim_end_matches('\n').contains('\n') {
        // A line each, as it was written; only quotes that could end it are escaped.
        let mut escaped = text.replace('\\', "\\\\");
        if escaped.contains("\"\"") || escaped.ends_with('"') {
            escaped = escaped.replace('"', "\\\"");
        }
        return Some(format!("\"\"\"\n{escaped}\"\"\""));
    }
    Some(text_literal(text))
}

/// A TOML string with the escapes that people write.
fn text_literal(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", escaped.replace('\n', "\\n").replace('\t', "\\t"))
}
