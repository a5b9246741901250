//! From an argument to bytes: a path, standard input, or WebAssembly text, read once, capped in
//! size, digested, and told apart by what the file says it is.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::{Arc, OnceLock};

use sha2::{Digest as _, Sha256};
use thiserror::Error;

/// The largest file that is read at all, in bytes. A backstop against a device or a flood on
/// standard input; a host's own limit belongs in its policy.
pub const MAX_BYTES: u64 = 512 * 1024 * 1024;

/// A submitted file, read.
#[derive(Clone, Debug)]
pub struct Input {
    /// What to call it: the name of `name=path`, or the file's stem.
    pub name: String,
    /// Where it came from, as given; `-` for standard input.
    pub path: String,
    /// WebAssembly binary, or whatever else the file holds. Text has been assembled.
    pub bytes: Vec<u8>,
    /// SHA-256 of the file as it was (of the text, where it was text).
    pub digest: Digest,
    /// SHA-256 of the bytes: the same, where they are those of the file.
    pub content: Digest,
    /// Bytes in the file as it was.
    pub size: u64,
    /// What the file says it is.
    pub kind: Kind,
}

/// A SHA-256 that is worked out once, by whoever has the time: over a large file it takes a good part
/// of what validation takes, and the two can go on side by side. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Digest(Arc<OnceLock<String>>);

impl Digest {
    /// The digest in lower-case hex, of these bytes if it was not known yet.
    pub fn of(&self, bytes: &[u8]) -> &str {
        self.0.get_or_init(|| digest(bytes))
    }

    /// The digest in lower-case hex, if it was worked out.
    pub fn known(&self) -> Option<String> {
        self.0.get().cloned()
    }
}

impl Input {
    /// SHA-256 of the file as it was, in lower-case hex.
    pub fn sha256(&self) -> &str {
        self.digest.of(&self.bytes)
    }
}

/// What a file says it is, from its first bytes. Says nothing of whether the rest is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A component, in the encoding of today.
    Component,
    /// A component in an encoding from before the format was settled.
    OldComponent,
    /// A core module.
    Module,
    /// An ELF object, as engines write for compiled code.
    Precompiled,
    /// No bytes at all.
    Empty,
    /// None of these.
    Other,
}

/// Why a file could not be read.
#[derive(Debug, Error)]
pub enum InputError {
    /// The operating system said no.
    #[error("{0}")]
    Io(String),
    /// The operating system failed, which says nothing about the file.
    #[error("the system cannot read it: {0}")]
    System(String),
    /// It is a directory.
    #[error("it is a directory")]
    Directory,
    /// It is larger than [`MAX_BYTES`].
    #[error("it is larger than {} MiB", MAX_BYTES >> 20)]
    TooLarge,
    /// It is WebAssembly text that does not assemble.
    #[error("its text does not assemble: {message}{}", at.as_ref().map_or(String::new(), |at| format!(", at {at}")))]
    Text {
        /// What the assembler says.
        message: String,
        /// Where: line and column.
        at: Option<String>,
        /// SHA-256 of the text, in hex.
        sha256: String,
        /// Bytes in the text.
        size: u64,
    },
}

/// Splits a component argument, `path` or `name=path`, into a name and a path. Without a name it
/// is the file's stem, or `stdin`.
pub fn split_name(argument: &str) -> (String, &str) {
    if let Some((name, path)) = argument.split_once('=') {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if !name.is_empty() && !path.is_empty() && name.chars().all(plain) {
            return (name.to_owned(), path);
        }
    }
    if argument == "-" {
        return ("stdin".to_owned(), argument);
    }
    let stem = Path::new(argument).file_stem().unwrap_or_default();
    (stem.to_string_lossy().into_owned(), argument)
}

/// Reads `path` (`-` is standard input) under the given name.
pub fn read(name: &str, path: &str) -> Result<Input, InputError> {
    let raw = if path == "-" { read_capped(io::stdin().lock(), 0) } else { file(Path::new(path)) }?;
    from_bytes(name, path, raw)
}

/// An input out of bytes that are at hand already.
pub fn from_bytes(name: &str, path: &str, raw: Vec<u8>) -> Result<Input, InputError> {
    let (digest, mut content) = (Digest::default(), None);
    let size = raw.len() as u64;
    let bytes = if is_text(&raw) {
        content = Some(Digest::default());
        // Of the text, and not of what it is assembled to.
        let sha256 = digest.of(&raw);
        match wat::parse_bytes(&raw) {
            Ok(binary) => binary.into_owned(),
            Err(error) => return Err(text_error(&error.to_string(), sha256.to_owned(), size)),
        }
    } else {
        raw
    };
    let kind = kind_of(&bytes);
    let content = content.unwrap_or_else(|| digest.clone());
    Ok(Input { name: name.to_owned(), path: path.to_owned(), bytes, digest, content, size, kind })
}

/// SHA-256 in lower-case hex.
pub fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Bytes in lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// What is in a file, whatever that is.
pub fn file(path: &Path) -> Result<Vec<u8>, InputError> {
    let file = File::open(path).map_err(plain)?;
    // A directory opens like a file on Linux, and only reading it fails.
    let metadata = file.metadata().map_err(plain)?;
    if metadata.is_dir() {
        return Err(InputError::Directory);
    }
    read_capped(file, metadata.len().min(MAX_BYTES))
}

/// Reads to the end. `expected` is how many bytes there seem to be, to have the room at once.
fn read_capped(source: impl Read, expected: u64) -> Result<Vec<u8>, InputError> {
    let mut bytes = Vec::with_capacity(usize::try_from(expected).unwrap_or(0).saturating_add(1));
    source.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(plain)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(InputError::TooLarge);
    }
    Ok(bytes)
}

/// The assembler shows the place over several lines: the message, then `--> file:line:column`.
fn text_error(shown: &str, sha256: String, size: u64) -> InputError {
    let mut lines = shown.lines();
    let message = lines.next().unwrap_or_default().trim_end();
    // Some of its messages have the place at their end instead.
    if let Some((message, place)) = message.split_once(" at <anon>:") {
        let at = Some(place.to_owned());
        return InputError::Text { message: message.to_owned(), at, sha256, size };
    }
    let message = message.to_owned();
    let at = lines
        .find_map(|line| line.trim_start().strip_prefix("--> "))
        .map(|place| place.trim_start_matches("<anon>:").to_owned());
    InputError::Text { message, at, sha256, size }
}

/// The system's message in lower case and without Rust's `(os error 2)`.
fn plain(error: io::Error) -> InputError {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text).to_lowercase();
    if is_of_the_system(&error) { InputError::System(text) } else { InputError::Io(text) }
}

/// Whether the error would be another one on another day: a device that fails, a system that has run out
/// of memory or descriptors, a server that is gone.
fn is_of_the_system(error: &io::Error) -> bool {
    use io::ErrorKind::{OutOfMemory, StaleNetworkFileHandle, TimedOut};
    /// `EIO`, `ENOMEM`, `ENFILE` and `EMFILE`, which are these on every Unix.
    const FAILURES: [i32; 4] = [5, 12, 23, 24];
    let failure = |code: i32| cfg!(unix) && FAILURES.contains(&code);
    matches!(error.kind(), OutOfMemory | StaleNetworkFileHandle | TimedOut)
        || error.raw_os_error().is_some_and(failure)
}

/// WebAssembly text opens with a parenthesis, after white space and comments.
fn is_text(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    loop {
        rest = rest.trim_ascii_start();
        if rest.starts_with(b";;") {
            let Some(end) = rest.iter().position(|&byte| byte == b'\n') else {
                return false;
            };
            rest = &rest[end..];
        } else {
            return rest.starts_with(b"(module")
                || rest.starts_with(b"(component")
                || rest.starts_with(b"(;");
        }
    }
}

/// Reads the preamble: magic, version, layer (component model, Binary.md).
fn kind_of(bytes: &[u8]) -> Kind {
    match bytes {
        [] => Kind::Empty,
        [0, b'a', b's', b'm', 1, 0, 0, 0, ..] => Kind::Module,
        [0, b'a', b's', b'm', 0x0d, 0, 1, 0, ..] => Kind::Component,
        [0, b'a', b's', b'm', _, 0, 1, 0, ..] => Kind::OldComponent,
        [0x7f, b'E', b'L', b'F', ..] => Kind::Precompiled,
        _ => Kind::Other,
    }
}
