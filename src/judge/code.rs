//! Compiled code that components share: large core modules are taken out of a component, compiled once
//! each, by a worker that runs nothing, and kept in a folder; so is what is left of the component.
//!
//! Only this side writes to the folder. A worker that runs a plugin gets the files open, to read, and looks
//! at every byte before it believes them; what it finds wrong is thrown away here and compiled again.
//! Whoever else can write to the folder decides verdicts: `store::private` refuses such a one.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::JudgeError;
use super::store::{self, Store};
use super::trial::{Errand, Terms, dispatch, refused_by_the_system};
use crate::component::{Component, FEATURES, SPLIT, import_name, split};
use crate::config::Limits;
use crate::diagnostic::CompiledBy;
use crate::input::{self, Input, Kind};
use crate::sandbox::{Answer, Ending, Said, Stream};
use crate::smoke::{CompileJob, Digester, ENGINE, Event, FaultKind, Given, Piece, keys, trailer};

/// From how many bytes of code on a core module is compiled by itself and kept. Below, a file and a
/// process cost as much as they save.
const LEAST: usize = 128 << 10;

/// From how many bytes on it is kept that a file is valid.
const LARGE: u64 = 256 << 10;

/// What is kept at most beside what was written last, in bytes.
const ROOM: u64 = 4 << 30;

/// How the names of files begin that are being written.
const HALF: &[u8] = b".new-";

/// After this long without a change, nobody writes a file any more.
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);

/// The most bytes of code that are taken from one worker.
const MOST: u64 = 1 << 30;

/// Compiled code, kept in a folder. One for all threads; several processes may share the folder.
#[derive(Debug)]
pub struct CodeCache {
    folder: PathBuf,
    /// From how many bytes of code on a module is kept.
    least: usize,
    /// What is known of components; none where the folder cannot be used. Opened when it is first asked.
    known: OnceLock<Option<Store>>,
    state: Mutex<State>,
    done: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Keys of what is being compiled.
    busy: BTreeSet<String>,
    remarks: Vec<String>,
    /// Whether the folder could not be written to: then nobody tries again.
    unwritable: bool,
}

/// What is sent to the worker that runs a component.
pub(super) enum Prepared {
    /// All of it.
    Whole,
    /// Code.
    Kept(Box<Parts>),
    /// Nothing: this is how the worker ended that should have compiled it.
    Lost(Ending),
}

/// The code of a component.
#[derive(Debug)]
pub(super) struct Parts {
    /// What is said of it.
    pub given: Given,
    /// Where it is.
    pub files: Vec<PathBuf>,
}

/// Which code a component is made of: the keys of its large modules, in the order of their imports, and of the
/// rest.
#[derive(Serialize, Deserialize)]
struct Recipe {
    modules: Vec<String>,
    rest: String,
}

/// What there is of one piece.
enum Piecemeal {
    Here,
    /// The compiler does not take it.
    Refused,
    /// The folder cannot be used.
    Nowhere,
    Lost(Ending),
}

/// A compiler, and whether its code is only to be run where the sandbox is complete.
pub(super) type Choice = (CompiledBy, bool);

impl CodeCache {
    /// In this folder, which is made when there is something to keep.
    pub fn new(folder: PathBuf) -> CodeCache {
        CodeCache::for_modules_from(folder, LEAST)
    }

    /// As [`CodeCache::new`], for modules of at least so many bytes of code.
    pub fn for_modules_from(folder: PathBuf, least: usize) -> CodeCache {
        let (known, state) = (OnceLock::new(), Mutex::default());
        CodeCache { folder, least, known, state, done: Condvar::new() }
    }

    /// What was odd about it, and how it was made good. To be asked at the end.
    pub fn remarks(&self) -> Vec<String> {
        let mut remarks = self.lock().remarks.clone();
        if let Some(store) = self.known.get().and_then(Option::as_ref) {
            let oddities = store.close();
            remarks
                .extend(oddities.broken.iter().map(|broken| format!("found out again: {broken}")));
            remarks.extend(oddities.unwritable);
        }
        remarks
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of components. None, with a remark, where the folder cannot be used.
    fn known(&self) -> Option<&Store> {
        let open = || {
            let usable =
                store::private(&self.folder).and_then(|()| Store::open(&self.folder.join(KNOWN)));
            usable
                .map_err(|why| {
                    let folder = self.folder.display();
                    let mut state = self.lock();
                    state.remarks.push(format!("{folder} is not used: {why}"));
                    state.unwritable = true;
                })
                .ok()
        };
        self.known.get_or_init(open).as_ref()
    }

    /// The places of core modules in a file, where it is known that it is a valid component. Nothing where
    /// finding that out again takes no time.
    pub(super) fn valid(&self, input: &Input) -> Option<Vec<Range<usize>>> {
        if input.kind != Kind::Component || input.size < LARGE {
            return None;
        }
        self.known()?.get(&valid_key(input.content.of(&input.bytes)))
    }

    /// Takes note that a component is valid.
    pub(super) fn keep_valid(&self, component: &Component) {
        if component.bytes.len() as u64 >= LARGE
            && let Some(known) = self.known()
        {
            known.put(&valid_key(component.content_sha256()), &component.modules);
        }
    }

    /// Has the code at hand that a component is run from, by the first of these compilers that takes it.
    ///
    /// # Errors
    ///
    /// Where there is no worker to be had.
    pub(super) fn prepare(
        &self,
        component: &Component,
        terms: Terms<'_>,
        choice: &[Choice],
    ) -> Result<Prepared, JudgeError> {
        if component.modules.iter().all(|module| module.len() < self.least) {
            return Ok(Prepared::Whole);
        }
        let Some(known) = self.known() else { return Ok(Prepared::Whole) };
        let mut taken_apart = None;
        // All pieces together have the time that the whole would have.
        let mut left = terms.limits.compile_timeout;
        'compilers: for &(by, if_confined) in choice {
            // Not on this kind of machine.
            let Ok(key) = keys(by) else { continue };
            let version = env!("CARGO_PKG_VERSION");
            let of = (version, SPLIT, self.least);
            let recipe_key = key(&format!("recipe {of:?} {}", component.content_sha256()));
            let parts = |recipe: &Recipe| self.parts(recipe, by, if_confined, terms);
            if let Some(recipe) = known.get::<Recipe>(&recipe_key) {
                let parts = parts(&recipe);
                if parts.files.iter().all(|file| file.exists()) {
                    return Ok(Prepared::Kept(Box::new(parts)));
                }
            }
            let split = taken_apart.get_or_insert_with(|| split(&component.bytes, self.least));
            let Some(split) = split else { return Ok(Prepared::Whole) };
            let modules = split.modules.iter().map(|module| &component.bytes[module.clone()]);
            let pieces: Vec<&[u8]> = modules.chain([&split.rest[..]]).collect();
            let mut made = Vec::new();
            for (index, piece) in pieces.iter().enumerate() {
                let of_component = index + 1 == pieces.len();
                let kind = if of_component { "component" } else { "module" };
                let key = key(&format!("{kind} {}", input::digest(piece)));
                let limits = terms.limits.clone();
                let job = CompileJob { compile: by, if_confined, component: of_component, limits };
                match self.code(&key, piece, &job, terms, &mut left)? {
                    Piecemeal::Here => made.push(key),
                    Piecemeal::Refused => continue 'compilers,
                    Piecemeal::Nowhere => return Ok(Prepared::Whole),
                    Piecemeal::Lost(ending) => return Ok(Prepared::Lost(ending)),
                }
            }
            let Some(rest) = made.pop() else { continue };
            let recipe = Recipe { modules: made, rest };
            known.put(&recipe_key, &recipe);
            return Ok(Prepared::Kept(Box::new(parts(&recipe))));
        }
        // The whole of it is refused in better words.
        Ok(Prepared::Whole)
    }

    fn parts(&self, recipe: &Recipe, by: CompiledBy, if_confined: bool, terms: Terms<'_>) -> Parts {
        let piece =
            |(index, key): (usize, &String)| Piece { import: import_name(index), key: key.clone() };
        let pieces = recipe.modules.iter().enumerate().map(piece).collect();
        let (rest, limits) = (recipe.rest.clone(), terms.limits.clone());
        let files = recipe.modules.iter().chain([&recipe.rest]).map(|key| self.folder.join(key));
        Parts { files: files.collect(), given: Given { by, if_confined, pieces, rest, limits } }
    }

    /// Throws away what a worker found wrong.
    pub(super) fn discard(&self, file: &Path, why: &str) {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        self.lock().remarks.push(format!("compiled again: {name}: {why}"));
        // Where that fails it will be found wrong again, and the component is compiled whole.
        let _ = fs::remove_file(file);
    }

    /// The code of a piece: from the folder, or compiled now. Whoever wants what another thread is
    /// compiling waits for it.
    fn code(
        &self,
        key: &str,
        module: &[u8],
        job: &CompileJob,
        terms: Terms<'_>,
        left: &mut Duration,
    ) -> Result<Piecemeal, JudgeError> {
        let path = self.folder.join(key);
        let mut state = self.lock();
        while !state.busy.insert(key.to_owned()) {
            state = self.done.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        drop(state);
        let _turn = Turn { cache: self, key };
        match kept(&path, key) {
            Some(kept) => Ok(kept),
            None => self.compile(&path, key, module, job, terms, left),
        }
    }

    fn compile(
        &self,
        path: &Path,
        key: &str,
        module: &[u8],
        job: &CompileJob,
        terms: Terms<'_>,
        left: &mut Duration,
    ) -> Result<Piecemeal, JudgeError> {
        if self.lock().unwritable {
            return Ok(Piecemeal::Nowhere);
        }
        let mut file = match self.new_file() {
            Ok(file) => file,
            Err(error) => return Ok(self.unusable(&error)),
        };
        let header =
            serde_json::to_string(job).map_err(|error| JudgeError::Internal(error.to_string()))?;
        let errand = Errand { header: &header, body: &[module], ..Errand::default() };
        let mut taken = Taken::default();
        if left.is_zero() {
            return Ok(Piecemeal::Lost(Ending::Killed));
        }
        let limits = Limits { compile_timeout: *left, ..terms.limits.clone() };
        let begun = Instant::now();
        let terms = Terms { limits: &limits, ..terms };
        let (ending, _) = dispatch(terms, &errand, &mut |said| match said {
            Said::Line(line) => {
                match serde_json::from_str(line) {
                    Ok(Event::Compiled) => taken.compiled = true,
                    Ok(Event::Failed(fault)) => taken.failed = Some(fault),
                    _ => {}
                }
                Answer::Nothing
            }
            Said::Wrote { stream: Stream::Output, bytes } => taken.take(bytes, file.as_file_mut()),
            Said::Wrote { .. } => Answer::Closed,
            Said::Wants { .. } => Answer::Input(Vec::new()),
        })?;
        *left = left.saturating_sub(begun.elapsed());
        if let Some(error) = taken.unwritable {
            return Ok(self.unusable(&error));
        }
        if let Some(fault) = taken.failed {
            if fault.kind == FaultKind::System {
                return Err(JudgeError::Internal(refused_by_the_system(&fault)));
            }
            // That a sandbox is incomplete says nothing about the piece, and is another kind of fault.
            if job.if_confined && fault.kind == FaultKind::Refused {
                self.keep(file, &refusal(key), path);
            }
            return Ok(Piecemeal::Refused);
        }
        match ending {
            Ending::Finished if taken.compiled => {
                match self.keep(file, &trailer(key, &taken.digest.finish()), path) {
                    true => Ok(Piecemeal::Here),
                    false => Ok(Piecemeal::Nowhere),
                }
            }
            // What brings the quick compiler down may be nothing to the other one.
            Ending::Died(_) | Ending::Flooded | Ending::Stopped if job.if_confined => {
                Ok(Piecemeal::Refused)
            }
            ending => Ok(Piecemeal::Lost(ending)),
        }
    }

    fn new_file(&self) -> io::Result<tempfile::NamedTempFile> {
        tempfile::Builder::new().prefix(".new-").tempfile_in(&self.folder)
    }

    /// Writes the end of a file and gives it its name: whole, or not at all.
    fn keep(&self, mut file: tempfile::NamedTempFile, end: &str, path: &Path) -> bool {
        let written = file.write_all(end.as_bytes()).and_then(|()| {
            file.persist(path)?;
            Ok(())
        });
        let kept = written.map_err(|error| self.unusable(&error)).is_ok();
        if kept {
            // Where it cannot be made smaller now, the next one tries.
            let _ = self.make_room(path);
        }
        kept
    }

    /// Throws away what is oldest where there is too much, and what writers left behind that are gone; not
    /// what was just written.
    fn make_room(&self, new: &Path) -> io::Result<()> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            // Somebody else may have been quicker.
            let Ok(about) = fs::metadata(&path) else { continue };
            if about.is_dir() {
                continue;
            }
            let written = about.modified()?;
            let half =
                path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(HALF));
            if half && written.elapsed().is_ok_and(|age| age > ABANDONED) {
                let _ = fs::remove_file(&path);
            } else if !half && path != new {
                files.push((written, about.len(), path));
            }
        }
        files.sort();
        let mut size: u64 = files.iter().map(|(_, size, _)| size).sum();
        for (_, its, path) in files {
            if size <= ROOM {
                break;
            }
            // A worker that has it open keeps it; whoever comes next compiles it again.
            let _ = fs::remove_file(path);
            size -= its;
        }
        Ok(())
    }

    fn unusable(&self, error: &io::Error) -> Piecemeal {
        let mut state = self.lock();
        if !state.unwritable {
            let folder = self.folder.display();
            state.remarks.push(format!("{folder} cannot be written to: {error}"));
        }
        state.unwritable = true;
        Piecemeal::Nowhere
    }
}

/// Whose turn it is to compile something; over when it is dropped.
struct Turn<'c> {
    cache: &'c CodeCache,
    key: &'c str,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.cache.lock().busy.remove(self.key);
        self.cache.done.notify_all();
    }
}

/// What a worker has handed over.
#[derive(Default)]
struct Taken {
    digest: Digester,
    size: u64,
    compiled: bool,
    failed: Option<crate::smoke::Fault>,
    unwritable: Option<io::Error>,
}

impl Taken {
    fn take(&mut self, bytes: &[u8], to: &mut fs::File) -> Answer {
        self.size += bytes.len() as u64;
        if self.size > MOST {
            return Answer::Stop;
        }
        self.digest.update(bytes);
        match to.write_all(bytes) {
            Ok(()) => Answer::Taken,
            Err(error) => {
                self.unwritable = Some(error);
                Answer::Stop
            }
        }
    }
}

/// The folder in it of what is known of components.
const KNOWN: &str = "known";

/// The key of the fact that a file is valid: of its digest, and of what it was validated by.
fn valid_key(sha256: &str) -> String {
    let by = (env!("CARGO_PKG_VERSION"), ENGINE, FEATURES.bits());
    input::digest(format!("valid {by:?} {sha256}").as_bytes())
}

/// What is kept where a compiler does not take a piece.
fn refusal(key: &str) -> String {
    format!("plugtool-code/2 refused\n{key}\n")
}

/// What is in the folder. That code is as it was written is for the worker to find out that loads it.
fn kept(path: &Path, key: &str) -> Option<Piecemeal> {
    let refusal = refusal(key);
    if fs::metadata(path).ok()?.len() != refusal.len() as u64 {
        return Some(Piecemeal::Here);
    }
    // Anything else of that length is no code either.
    (fs::read_to_string(path).ok()? == refusal).then_some(Piecemeal::Refused)
}
