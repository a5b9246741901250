//! Compiled code: made by a worker that runs nothing, kept by the supervisor, and loaded by the workers that
//! run plugins, which look at every byte of it first.
//!
//! A piece of code is a file: what the engine made, and behind it a [`TRAILER`] with the key that it was
//! made for and a digest of its content. The worker opens it before it is confined, and only to read;
//! nothing that runs in there can change it.

#[cfg(target_os = "linux")]
mod mapped;

use std::fs::File;
use std::hash::{Hash, Hasher};
use std::io::{self, Seek, SeekFrom, Write};
use std::ops::Range;
use std::panic::{self, AssertUnwindSafe};
use std::thread;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use wasmtime::component::Component;
use wasmtime::{Engine, Module};

use super::engine::{self, Compiled};
use super::{ENGINE, Event, Fault, FaultKind, breach, chain};
use crate::config::{Compiler, Limits};
use crate::diagnostic::CompiledBy;
#[cfg(not(target_os = "linux"))]
use elsewhere::{executable, map};
#[cfg(target_os = "linux")]
use mapped::{executable, map};

/// What a worker is to do with one core module, or with what is left of a component: compile it, and hand
/// over the code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompileJob {
    /// With which compiler.
    pub compile: CompiledBy,
    /// Whether that is only right where the sandbox is complete.
    pub if_confined: bool,
    /// Whether it is a component, and not a core module.
    pub component: bool,
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

/// What is said to a worker of the code that it is given: a file for each piece, and the one of the rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    /// The compiler that made it.
    pub by: CompiledBy,
    /// Whether that is only right where the sandbox is complete.
    pub if_confined: bool,
    /// What the rest imports.
    pub pieces: Vec<Piece>,
    /// The key of the code of the component without those pieces.
    pub rest: String,
    /// The limits of the runs.
    pub limits: Limits,
}

/// What a worker makes a component from: code that was kept, or its bytes.
pub struct Origin(Option<Result<Compiled, Fault>>);

/// What every piece of code begins its trailer with.
const MAGIC: &str = "plugtool-code/2";

/// Bytes of a trailer: the magic, the key and a digest, a line each.
pub const TRAILER: usize = MAGIC.len() + 2 * 64 + 3;

/// What stands behind a piece of code of this digest. The last line is about the key as well: a piece that got
/// under another's key is found out.
pub fn trailer(key: &str, digest: &str) -> String {
    let both = hex(&Sha256::digest(format!("{key} {digest}")));
    format!("{MAGIC}\n{key}\n{both}\n")
}

/// The key of a piece of code: of what it was made of (`module` or `component`, and its digest), the compiler, the version and all settings of the engine
/// that made it, and what of the processor it makes use of.
///
/// # Errors
///
/// Where the engine does not have that compiler here.
pub fn keys(by: CompiledBy) -> Result<impl Fn(&str) -> String, String> {
    let engine = engine::engine(&Limits::default(), by, 0).map_err(|error| chain(&error))?;
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

/// Does a job, and says what happens; the code goes to `to`. Nothing of it is run.
pub fn compile_code(
    bytes: &[u8],
    job: &CompileJob,
    confined: bool,
    to: &mut dyn Write,
    emit: &mut dyn FnMut(Event),
) {
    let compile = || -> wasmtime::Result<Vec<u8>> {
        let engine = engine::engine(&job.limits, job.compile, bytes.len())?;
        match job.component {
            true => Component::from_binary(&engine, bytes)?.serialize(),
            false => Module::from_binary(&engine, bytes)?.serialize(),
        }
    };
    let made = if job.if_confined && !confined {
        Err(Fault::new(FaultKind::OtherCompiler, "the sandbox is not complete"))
    } else {
        match panic::catch_unwind(AssertUnwindSafe(compile)) {
            Ok(made) => made.map_err(|error| breach::of(FaultKind::Refused, &error)),
            // Over these bytes, or because it had no threads: nothing to keep.
            Err(_) => Err(Fault::new(FaultKind::OtherCompiler, "the compiler panicked")),
        }
    };
    let handed_over = made.and_then(|code| {
        to.write_all(&code).map_err(|error| Fault::new(FaultKind::System, error.to_string()))
    });
    emit(match handed_over {
        Ok(()) => Event::Compiled,
        Err(fault) => Event::Failed(breach::shorten(fault)),
    });
    emit(Event::Done);
}

impl Origin {
    /// The component's bytes.
    pub fn bytes() -> Origin {
        Origin(None)
    }

    /// Code from these files, of which `given` is a [`Given`] in JSON; the component's bytes where that is
    /// empty. Every byte of the files is looked at. `confined` is whether the sandbox that this happens in is
    /// complete. What is wrong with the files is said when the component is wanted.
    pub fn of(given: &str, files: Vec<File>, confined: bool) -> Origin {
        if given.is_empty() {
            return Origin::bytes();
        }
        let given = serde_json::from_str(given)
            .map_err(|error| Fault::new(FaultKind::System, error.to_string()));
        Origin(Some(given.and_then(|given| load(&given, &files, confined))))
    }

    /// The component as a compiler made it, then or now; `wanted` is by which, where it is made now.
    ///
    /// # Errors
    ///
    /// [`FaultKind::BadCode`] where a file is not as it was written, its first note being the file's index;
    /// [`FaultKind::OtherCompiler`] where the compiler that made it is not to be trusted here; where the
    /// engine refuses the component, or the system fails.
    pub fn compiled(
        self,
        bytes: &[u8],
        limits: &Limits,
        wanted: Compiler,
    ) -> Result<Compiled, Fault> {
        match self.0 {
            Some(kept) => kept,
            None => engine::compile(bytes, limits, wanted)
                .map_err(|error| breach::of(FaultKind::Refused, &error)),
        }
    }
}

fn load(given: &Given, files: &[File], confined: bool) -> Result<Compiled, Fault> {
    if given.if_confined && !confined {
        return Err(Fault::new(FaultKind::OtherCompiler, "the sandbox is not complete"));
    }
    let engine = engine::for_kept(&given.limits, given.by, executable())
        .map_err(|error| Fault::new(FaultKind::System, chain(&error)))?;
    let verified = |index: usize, key: &str| -> Result<(&File, usize), Fault> {
        let bad = |message: String| bad_code(index, message);
        let file = files.get(index).ok_or_else(|| bad("it could not be opened".to_owned()))?;
        Ok((file, verified(file, key).map_err(bad)?))
    };
    let mut modules = Vec::new();
    for (index, piece) in given.pieces.iter().enumerate() {
        let (file, size) = verified(index, &piece.key)?;
        let module = believe_module(&engine, file, size);
        let module = module.map_err(|error| bad_code(index, chain(&error)))?;
        modules.push((piece.import.clone(), module));
    }
    let index = given.pieces.len();
    let (file, size) = verified(index, &given.rest)?;
    let component = believe_component(&engine, file, size);
    let component = component.map_err(|error| bad_code(index, chain(&error)))?;
    Ok(Compiled { engine, component, modules, by: given.by })
}

fn bad_code(index: usize, message: String) -> Fault {
    Fault { notes: vec![index.to_string()], ..Fault::new(FaultKind::BadCode, message) }
}

#[allow(unsafe_code, reason = "the engine must believe its own code")]
fn believe_module(engine: &Engine, file: &File, size: usize) -> wasmtime::Result<Module> {
    // SAFETY: the file's bytes are what this version of the engine made with these settings: the supervisor
    // wrote them as they came from a worker that had run nothing, and `verified` has found every one as it
    // was written. The file is never written to again: it gets its name when it is whole, and whoever makes it
    // anew makes another one. Nobody else has the folder (`judge::store::private`). What is mapped stays so.
    unsafe {
        match map(file, size).map(|code| Module::deserialize_raw(engine, code)) {
            Some(Ok(module)) => Ok(module),
            // Code cannot be mapped from everywhere: not from a file system without executables.
            _ => Module::deserialize(engine, content(file, size)?),
        }
    }
}

#[allow(unsafe_code, reason = "the engine must believe its own code")]
fn believe_component(engine: &Engine, file: &File, size: usize) -> wasmtime::Result<Component> {
    // SAFETY: as of modules, above.
    unsafe {
        match map(file, size).map(|code| Component::deserialize_raw(engine, code)) {
            Some(Ok(component)) => Ok(component),
            _ => Component::deserialize(engine, content(file, size)?),
        }
    }
}

/// Where nothing is mapped, everything is copied, and the engine makes it executable by itself.
#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use std::fs::File;
    use std::ptr::NonNull;
    use std::sync::Arc;

    pub fn map(_: &File, _: usize) -> Option<NonNull<[u8]>> {
        None
    }

    pub fn executable() -> Option<Arc<dyn wasmtime::CustomCodeMemory>> {
        None
    }
}

/// The code in a file, without its end.
fn content(file: &File, size: usize) -> io::Result<Vec<u8>> {
    let mut code = vec![0; size];
    read_at(file, &mut code, 0)?;
    Ok(code)
}

/// How many bytes of code of this key are in a file, where it has them as they were written.
fn verified(mut file: &File, key: &str) -> Result<usize, String> {
    let say = |error: io::Error| error.to_string();
    let size = file.seek(SeekFrom::End(0)).map_err(say)?;
    let size = size.checked_sub(TRAILER as u64).ok_or("it is cut off")?;
    let mut end = [0; TRAILER];
    read_at(file, &mut end, size).map_err(say)?;
    let end = std::str::from_utf8(&end).map_err(|_| "it does not end as code does")?;
    let mut lines = end.lines();
    if lines.next() != Some(MAGIC) {
        return Err("it does not end as code does".into());
    }
    if lines.next() != Some(key) {
        return Err("it is the code of something else".into());
    }
    if end != trailer(key, &digest(file, size).map_err(say)?) {
        return Err("its content is not what was written".into());
    }
    usize::try_from(size).map_err(|error| error.to_string())
}

/// The digest of the beginning of a file, taken on as many threads as there are.
fn digest(file: &File, size: u64) -> io::Result<String> {
    // Elsewhere a file has one position for all who read it.
    let most = if cfg!(unix) { 8 } else { 1 };
    let threads = thread::available_parallelism().map_or(1, |n| n.get()).clamp(1, most) as u64;
    let share = size.div_ceil(BLOCK as u64).div_ceil(threads).max(1) * BLOCK as u64;
    let part = |from: u64| digests(file, from..(from + share).min(size));
    let parts: Vec<io::Result<Vec<u8>>> = thread::scope(|scope| {
        let others = (1..threads).map(|index| index * share).take_while(|from| *from < size);
        let others: Vec<_> = others
            .map(|from| (from, thread::Builder::new().spawn_scoped(scope, move || part(from))))
            .collect();
        let mut parts = vec![part(0)];
        for (from, other) in others {
            let panicked = || Err(io::Error::other("a thread panicked"));
            parts.push(match other {
                Ok(other) => other.join().unwrap_or_else(|_| panicked()),
                // A process may have no more threads.
                Err(_) => part(from),
            });
        }
        parts
    });
    let mut all = Sha256::new();
    for part in parts {
        all.update(part?);
    }
    Ok(hex(&all.finalize()))
}

/// The digests of the blocks of a part of a file, one after the other.
fn digests(file: &File, of: Range<u64>) -> io::Result<Vec<u8>> {
    let mut digests = Vec::new();
    let mut block = vec![0; BLOCK];
    for from in of.clone().step_by(BLOCK) {
        // Both are at most the size of a block.
        let length = usize::try_from(of.end - from).unwrap_or(BLOCK).min(BLOCK);
        read_at(file, &mut block[..length], from)?;
        digests.extend_from_slice(&Sha256::digest(&block[..length]));
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
            assert_eq!(
                digester.finish(),
                digest(&file, size as u64).expect("it is read"),
                "{size}"
            );
        }
    }

    #[test]
    fn what_is_not_as_it_was_written_is_not_loaded() {
        let key = "k".repeat(64);
        let written = |content: &[u8]| {
            let mut digester = Digester::default();
            digester.update(content);
            digester.finish()
        };
        let file = |content: &[u8], end: &str| {
            let mut file = tempfile::tempfile().expect("a file");
            file.write_all(content).and_then(|()| file.write_all(end.as_bytes())).expect("written");
            file
        };
        let end = trailer(&key, &written(b"code"));
        assert_eq!(verified(&file(b"code", &end), &key), Ok(4));
        let refused = |file: &File| verified(file, &key).expect_err("it is refused");
        assert_eq!(refused(&file(b"cude", &end)), "its content is not what was written");
        assert_eq!(refused(&file(b"cod", &end)), "its content is not what was written");
        assert_eq!(refused(&file(b"code", &end[..TRAILER - 9])), "it is cut off");
        assert_eq!(
            refused(&file(b"codecode", &end[..TRAILER - 1])),
            "it does not end as code does"
        );
        assert_eq!(refused(&file(b"", "")), "it is cut off");
        let other = trailer(&"x".repeat(64), &written(b"code"));
        assert_eq!(refused(&file(b"code", &other)), "it is the code of something else");
    }
}
