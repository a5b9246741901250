//! Compiled core modules: made by a worker that runs nothing, kept by the supervisor, and loaded by the
//! workers that run plugins, which look at every byte of them first.
//!
//! A piece of code is a file: what the engine made, and behind it a [`TRAILER`] with the key that it was
//! made for and a digest of its content. The worker that loads it opens it before it is confined, and
//! only to read; nothing that runs in there can change it.

use std::fs::File;
use std::hash::{Hash, Hasher};
use std::io::{self, Seek, SeekFrom, Write};
use std::panic::{self, AssertUnwindSafe};
use std::thread;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use wasmtime::component::Linker;
use wasmtime::{Engine, Module};

use super::engine::{self, Compiled};
use super::store::State;
use super::{ENGINE, Event, Fault, FaultKind, breach, chain};
use crate::config::{Compiler, Limits};
use crate::diagnostic::CompiledBy;

/// What a worker is to do with one core module: compile it, and hand over the code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompileJob {
    /// With which compiler.
    pub compile: CompiledBy,
    /// Whether that is only right where the sandbox is complete.
    pub if_confined: bool,
    /// The limits of the runs that the code is for.
    pub limits: Limits,
}

/// A core module that a component imports, and whose code is at hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// What it is imported as.
    pub import: String,
    /// The key of its code.
    pub key: String,
}

/// What is said to a worker of the code that it is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    /// The compiler that made it, and has to make the rest.
    pub by: CompiledBy,
    /// Whether that is only right where the sandbox is complete.
    pub if_confined: bool,
    /// What the component imports.
    pub pieces: Vec<Piece>,
}

/// The code that a job was given.
#[derive(Clone, Copy, Debug)]
pub struct Code<'c> {
    pub given: &'c Given,
    /// The files that it is in, one for each piece.
    pub files: &'c [File],
    pub confined: bool,
}

/// What every piece of code begins its trailer with.
const MAGIC: &str = "plugtool-code/1";

/// Bytes of a trailer: the magic, the key and the digest, a line each.
pub const TRAILER: usize = MAGIC.len() + 2 * 64 + 3;

/// What stands behind a piece of code.
pub fn trailer(key: &str, digest: &str) -> String {
    format!("{MAGIC}\n{key}\n{digest}\n")
}

/// The key of a module's code: of its own digest, the compiler, the version and all settings of the engine
/// that made it, and what of the processor it makes use of.
///
/// # Errors
///
/// Where the engine does not have that compiler here.
pub fn keys(by: CompiledBy) -> Result<impl Fn(&str) -> String, String> {
    let engine = engine::engine(&Limits::default(), by).map_err(|error| chain(&error))?;
    let mut common = Feed(Sha256::new());
    (MAGIC, ENGINE, by.name()).hash(&mut common);
    engine.precompile_compatibility_hash().hash(&mut common);
    Ok(move |module: &str| {
        let mut hasher = common.0.clone();
        hasher.update(module);
        hex(&hasher.finalize())
    })
}

/// Feeds what is hashed to SHA-256: the key of a file must be the same in every process.
struct Feed(Sha256);

impl Hasher for Feed {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        0 // Nobody asks.
    }
}

/// Digests of content are taken of blocks of so many bytes, and of their digests: the blocks can be
/// looked at side by side.
const BLOCK: usize = 1 << 20;

/// The digest of some content, taken while it comes in.
#[derive(Default)]
pub struct Digester {
    blocks: Sha256,
    block: Sha256,
    filled: usize,
}

impl Digester {
    /// Takes in what comes next.
    pub fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(BLOCK - self.filled));
            self.block.update(now);
            self.filled += now.len();
            bytes = later;
            if self.filled == BLOCK {
                self.turn();
            }
        }
    }

    fn turn(&mut self) {
        self.blocks.update(self.block.finalize_reset());
        self.filled = 0;
    }

    /// The digest in lower-case hex.
    pub fn finish(mut self) -> String {
        if self.filled > 0 {
            self.turn();
        }
        hex(&self.blocks.finalize())
    }
}

fn hex(digest: &[u8]) -> String {
    use std::fmt::Write;
    digest.iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Does a job, and says what happens; the code goes to `to`. Nothing of the module is run.
pub fn compile_module(
    bytes: &[u8],
    job: &CompileJob,
    confined: bool,
    to: &mut dyn Write,
    emit: &mut dyn FnMut(Event),
) {
    let compile = || -> wasmtime::Result<Vec<u8>> {
        if job.if_confined && !confined {
            wasmtime::bail!("the sandbox is not complete");
        }
        let engine = engine::engine(&job.limits, job.compile)?;
        Module::from_binary(&engine, bytes)?.serialize()
    };
    let refused =
        |message| Event::Failed(Fault { kind: FaultKind::Refused, message, notes: Vec::new() });
    emit(match panic::catch_unwind(AssertUnwindSafe(compile)) {
        Ok(Ok(code)) => match to.write_all(&code) {
            Ok(()) => Event::Compiled,
            Err(error) => refused(error.to_string()),
        },
        Ok(Err(error)) => {
            let fault = Fault {
                kind: if breach::is_systems(&error) {
                    FaultKind::System
                } else {
                    FaultKind::Refused
                },
                message: chain(&error),
                notes: Vec::new(),
            };
            Event::Failed(breach::shorten(fault))
        }
        Err(_) => refused("the compiler panicked".to_owned()),
    });
    emit(Event::Done);
}

impl Code<'_> {
    /// Compiles what is left of the component.
    pub fn compile(&self, bytes: &[u8], limits: &Limits) -> Result<Compiled, Fault> {
        let other =
            |message| Err(Fault { kind: FaultKind::OtherCompiler, message, notes: Vec::new() });
        if self.given.if_confined && !self.confined {
            return other("the sandbox is not complete".to_owned());
        }
        let wanted = match self.given.by {
            CompiledBy::Winch => Compiler::Winch,
            CompiledBy::Cranelift => Compiler::Cranelift,
        };
        match engine::compile(bytes, limits, wanted) {
            Ok(compiled) => Ok(compiled),
            Err(error) if breach::is_systems(&error) => {
                let message = chain(&error);
                Err(Fault { kind: FaultKind::System, message, notes: Vec::new() })
            }
            Err(error) => other(chain(&error)),
        }
    }

    /// Loads every piece and gives it to the linker.
    pub fn link(&self, engine: &Engine, linker: &mut Linker<State>) -> Result<(), Fault> {
        for (index, piece) in self.given.pieces.iter().enumerate() {
            let bad = |message: String| Fault {
                kind: FaultKind::BadCode,
                message,
                notes: vec![index.to_string()],
            };
            let file = self.files.get(index).ok_or_else(|| bad("it could not be opened".into()))?;
            let module = load(engine, file, &piece.key).map_err(bad)?;
            linker.root().module(&piece.import, &module).map_err(|error| bad(chain(&error)))?;
        }
        Ok(())
    }
}

/// Loads a piece of code, every byte of which has been looked at.
fn load(engine: &Engine, file: &File, key: &str) -> Result<Module, String> {
    let code = verified(file, key)?;
    believe(engine, &code).map_err(|error| chain(&error))
}

#[allow(unsafe_code, reason = "the engine must believe its own code")]
fn believe(engine: &Engine, code: &[u8]) -> wasmtime::Result<Module> {
    // SAFETY: these bytes are what this version of the engine made with these settings: the supervisor
    // wrote them as they came from a worker that had run nothing, and `verified` has found every one as it
    // was written. They are in this process's memory by now, where nothing else changes them. A stranger's
    // artifact never gets here: it has no key.
    unsafe { Module::deserialize(engine, code) }
}

/// The code of this key, where the file has it as it was written.
fn verified(mut file: &File, key: &str) -> Result<Vec<u8>, String> {
    let say = |error: io::Error| error.to_string();
    // Not by its metadata: a confined process cannot ask for that.
    let size = usize::try_from(file.seek(SeekFrom::End(0)).map_err(say)?).unwrap_or(0);
    let size = size.checked_sub(TRAILER).ok_or("it is cut off")?;
    let mut end = [0; TRAILER];
    read_at(file, &mut end, size as u64).map_err(say)?;
    let end = std::str::from_utf8(&end).map_err(|_| "it does not end as code does")?;
    let mut lines = end.lines();
    if lines.next() != Some(MAGIC) {
        return Err("it does not end as code does".into());
    }
    if lines.next() != Some(key) {
        return Err("it is the code of something else".into());
    }
    let mut code = vec![0; size];
    let digest = fill(file, &mut code).map_err(say)?;
    if lines.next() != Some(digest.as_str()) {
        return Err("its content is not what was written".into());
    }
    Ok(code)
}

/// Reads the beginning of a file, and takes its digest on the way, on as many threads as there are.
fn fill(file: &File, into: &mut [u8]) -> io::Result<String> {
    let threads = thread::available_parallelism().map_or(1, |n| n.get()).clamp(1, 8);
    let share = into.len().div_ceil(BLOCK).div_ceil(threads).max(1) * BLOCK;
    let parts: Vec<io::Result<Vec<u8>>> = thread::scope(|scope| {
        let mut shares = into.chunks_mut(share).enumerate();
        let mine = shares.next();
        let others: Vec<_> = shares
            .map(|(index, part)| scope.spawn(move || digests(file, part, index * share)))
            .collect();
        let mut parts = vec![mine.map_or(Ok(Vec::new()), |(_, part)| digests(file, part, 0))];
        for other in others {
            let panicked = || Err(io::Error::other("a thread panicked"));
            parts.push(other.join().unwrap_or_else(|_| panicked()));
        }
        parts
    });
    let mut all = Sha256::new();
    for part in parts {
        all.update(part?);
    }
    Ok(hex(&all.finalize()))
}

/// Reads a part of a file, and returns the digests of its blocks, one after the other.
fn digests(file: &File, into: &mut [u8], from: usize) -> io::Result<Vec<u8>> {
    let mut digests = Vec::new();
    for (index, block) in into.chunks_mut(BLOCK).enumerate() {
        read_at(file, block, (from + index * BLOCK) as u64)?;
        digests.extend_from_slice(&Sha256::digest(&*block));
    }
    Ok(digests)
}

#[cfg(unix)]
fn read_at(file: &File, into: &mut [u8], at: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, into, at)
}

#[cfg(not(unix))]
fn read_at(mut file: &File, into: &mut [u8], at: u64) -> io::Result<()> {
    use std::io::Read;
    // One position for all: whoever reads at the same time reads something else, and that is noticed.
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(into)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_the_same_however_the_content_comes() {
        let content: Vec<u8> = (0..=250).cycle().take(3 * BLOCK + 17).collect();
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(&content).expect("it is written");
        for size in [0, 1, BLOCK, BLOCK + 1, content.len()] {
            let mut digester = Digester::default();
            for chunk in content[..size].chunks(64 << 10) {
                digester.update(chunk);
            }
            let mut read = vec![0; size];
            assert_eq!(digester.finish(), fill(&file, &mut read).expect("it is read"), "{size}");
            assert!(read == content[..size], "{size}");
        }
    }

    #[test]
    fn what_is_not_as_it_was_written_is_not_loaded() {
        let key = "k".repeat(64);
        let digest = |content: &[u8]| {
            let mut digester = Digester::default();
            digester.update(content);
            digester.finish()
        };
        let file = |content: &[u8], end: &str| {
            let mut file = tempfile::tempfile().expect("a file");
            file.write_all(content).and_then(|()| file.write_all(end.as_bytes())).expect("written");
            file
        };
        let end = trailer(&key, &digest(b"code"));
        assert_eq!(verified(&file(b"code", &end), &key), Ok(b"code".to_vec()));
        let refused = |file: &File| verified(file, &key).expect_err("it is refused");
        assert_eq!(refused(&file(b"cude", &end)), "its content is not what was written");
        assert_eq!(refused(&file(b"cod", &end)), "its content is not what was written");
        assert_eq!(refused(&file(b"code", &end[..TRAILER - 9])), "it is cut off");
        assert_eq!(
            refused(&file(b"codecode", &end[..TRAILER - 1])),
            "it does not end as code does"
        );
        assert_eq!(refused(&file(b"", "")), "it is cut off");
        let other = trailer(&"x".repeat(64), &digest(b"code"));
        assert_eq!(refused(&file(b"code", &other)), "it is the code of something else");
    }
}
