//! The keys of a smoke case that runs a WASI command.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::Spanned;

use super::parse::Source;
use super::{ConfigError, folder};
use crate::input;

/// A run of a WASI command, with what must come of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommandCase {
    /// Its arguments, without its name.
    pub args: Vec<String>,
    /// Its environment.
    pub env: Vec<(String, String)>,
    /// The folders that it may read: where they are, and what they are called in the guest.
    pub dirs: Vec<(PathBuf, String)>,
    /// Its standard input.
    pub stdin: Arc<[u8]>,
    /// What it must write to standard output; anything where that is left out.
    pub stdout: Option<Arc<[u8]>>,
    /// What it must write to standard error; anything where that is left out.
    pub stderr: Option<Arc<[u8]>>,
    /// The code that it must exit with.
    pub exit_code: u8,
    /// Where that stands in its file.
    pub places: Places,
}

/// Where the expectations of a case stand in its file, in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// What is expected of standard output, and of standard error.
    pub streams: [Stream; 2],
    /// The value of `exit-code`.
    pub exit_code: Option<Range<usize>>,
    /// The file that is its standard input.
    pub stdin: Option<PathBuf>,
    /// Behind the last key that is a plain value; none where there is no such key.
    pub end: Option<usize>,
    /// Whether the case is an inline table, `{ ... }`.
    pub inline: bool,
}

/// How a case says what a stream must have got.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Stream {
    /// Not at all.
    #[default]
    Open,
    /// As a text.
    Text(Range<usize>),
    /// By a file beside it: where its name stands, and where it is.
    File(Range<usize>, PathBuf),
}

impl CommandCase {
    /// All that decides what comes of running it, as text; none where folders of the host take part.
    pub(super) fn deciding(&self) -> Option<String> {
        let CommandCase { args, env, dirs, stdin, stdout, stderr, exit_code, places: _ } = self;
        let digest = |bytes: &Arc<[u8]>| input::digest(bytes);
        let expected = [stdout, stderr].map(|bytes| bytes.as_ref().map(digest));
        dirs.is_empty().then(|| format!("{:?}", (args, env, digest(stdin), expected, exit_code)))
    }

    /// What is in the files and folders that it names, as text.
    pub(super) fn beside(&self) -> String {
        let CommandCase { args: _, env: _, dirs, stdin, stdout, stderr, exit_code: _, places: _ } =
            self;
        let bytes = [Some(stdin), stdout.as_ref(), stderr.as_ref()];
        let bytes = bytes.map(|bytes| bytes.map(|bytes| input::digest(bytes)));
        let dirs: Vec<String> = dirs.iter().map(|(host, _)| folder::digest(host)).collect();
        format!("{:?}", (bytes, dirs))
    }
}

/// The keys as they are written.
#[derive(Debug, Default)]
pub struct CommandKeys {
    pub args: Option<Spanned<Vec<String>>>,
    pub env: Option<Spanned<BTreeMap<String, String>>>,
    pub dirs: Option<Spanned<Vec<Spanned<String>>>>,
    pub stdin: Option<Spanned<String>>,
    pub stdin_file: Option<Spanned<String>>,
    pub stdout: Option<Spanned<String>>,
    pub stdout_file: Option<Spanned<String>>,
    pub stderr: Option<Spanned<String>>,
    pub stderr_file: Option<Spanned<String>>,
    pub exit_code: Option<Spanned<u8>>,
    /// Whether they are in an inline table, `{ ... }`.
    pub inline: bool,
}

impl CommandKeys {
    /// Where the first of them stands; none where none of them is there.
    pub fn first(&self) -> Option<Range<usize>> {
        let texts = [&self.stdin, &self.stdin_file, &self.stdout, &self.stdout_file];
        let texts = texts.into_iter().chain([&self.stderr, &self.stderr_file]);
        let spans = texts.map(|text| text.as_ref().map(Spanned::span)).chain([
            self.args.as_ref().map(Spanned::span),
            self.env.as_ref().map(Spanned::span),
            self.dirs.as_ref().map(Spanned::span),
            self.exit_code.as_ref().map(Spanned::span),
        ]);
        spans.flatten().min_by_key(|span| span.start)
    }

    /// The case, with the files that it names, which are beside its own.
    pub fn settle(self, source: &Source<'_>, folder: &Path) -> Result<CommandCase, ConfigError> {
        let places = self.places(folder);
        type Text = Option<Spanned<String>>;
        let bytes = |name: &str, text: Text, file: Text| match (text, file) {
            (None, None) => Ok(None),
            (Some(text), None) => Ok(Some(Arc::from(text.into_inner().into_bytes()))),
            (Some(_), Some(file)) => {
                let message = format!("`{name}` is there already; use one of them");
                Err(source.error(file.span(), &message))
            }
            (None, Some(file)) => input::file(&folder.join(file.get_ref()))
                .map(|bytes| Some(Arc::from(bytes)))
                .map_err(|error| source.error(file.span(), &error.to_string())),
        };
        let dirs = self.dirs.map(Spanned::into_inner).unwrap_or_default().into_iter().map(|dir| {
            let granted = match dir.get_ref().split_once("::") {
                Some((host, guest)) if !host.is_empty() && !guest.is_empty() => {
                    let host = folder.join(host);
                    host.is_dir().then(|| (host, guest.to_owned())).ok_or("there is no such folder")
                }
                _ => Err("write \"HOST::GUEST\": a folder, and what it is called in the guest"),
            };
            granted.map_err(|message| source.error(dir.span(), message))
        });
        Ok(CommandCase {
            args: self.args.map(Spanned::into_inner).unwrap_or_default(),
            env: self.env.into_iter().flat_map(Spanned::into_inner).collect(),
            dirs: dirs.collect::<Result<_, _>>()?,
            stdin: bytes("stdin", self.stdin, self.stdin_file)?.unwrap_or_default(),
            stdout: bytes("stdout", self.stdout, self.stdout_file)?,
            stderr: bytes("stderr", self.stderr, self.stderr_file)?,
            exit_code: self.exit_code.map_or(0, Spanned::into_inner),
            places,
        })
    }

    fn places(&self, folder: &Path) -> Places {
        type Text = Option<Spanned<String>>;
        let stream = |text: &Text, file: &Text| match (text, file) {
            (Some(text), _) => Stream::Text(text.span()),
            (None, Some(file)) => Stream::File(file.span(), folder.join(file.get_ref())),
            (None, None) => Stream::Open,
        };
        let texts = [&self.stdin, &self.stdin_file, &self.stdout, &self.stdout_file];
        let texts = texts.into_iter().chain([&self.stderr, &self.stderr_file]);
        // An environment may be a table of its own, behind which the case does not go on.
        let ends = texts.map(|text| text.as_ref().map(Spanned::span)).chain([
            self.args.as_ref().map(Spanned::span),
            self.dirs.as_ref().map(Spanned::span),
            self.exit_code.as_ref().map(Spanned::span),
        ]);
        Places {
            streams: [
                stream(&self.stdout, &self.stdout_file),
                stream(&self.stderr, &self.stderr_file),
            ],
            exit_code: self.exit_code.as_ref().map(Spanned::span),
            stdin: self.stdin_file.as_ref().map(|file| folder.join(file.get_ref())),
            end: ends.flatten().map(|span| span.end).max(),
            inline: self.inline,
        }
    }
}
