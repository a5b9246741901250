//! Compiled code that components share: large core modules are taken out of a component, compiled once
//! each, by a worker that runs nothing, and kept in a folder.
//!
//! Only this side writes to the folder. A worker that runs a plugin gets the files open, to read, and looks
//! at every byte before it believes them; what it finds wrong is thrown away here and compiled again.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::JudgeError;
use super::trial::{Errand, Terms, dispatch, refused_by_the_system};
use crate::component::{Component, import_name, split};
use crate::config::Compiler;
use crate::diagnostic::CompiledBy;
use crate::input;
use crate::sandbox::{Answer, Ending, Said, Stream};
use crate::smoke::{CompileJob, Digester, Event, FaultKind, Given, Piece, keys, trailer};

/// From how many bytes of code on a core module is compiled by itself and kept. Below, a file and a
/// process cost as much as they save.
const LEAST: usize = 128 << 10;

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
    /// What is left of it, and the code of the modules that it imports.
    Split(Box<Parts>),
    /// Nothing: this is how the worker ended that should have compiled it.
    Lost(Ending),
}

/// A component in parts.
pub(super) struct Parts {
    /// The component without its large modules.
    pub rest: Vec<u8>,
    /// What is said of the code.
    pub given: Given,
    /// Where it is.
    pub files: Vec<PathBuf>,
}

/// What there is of one module.
enum Kept {
    Here(PathBuf),
    /// The compiler does not take it.
    Refused,
    /// The folder cannot be used.
    Nowhere,
    Lost(Ending),
}

impl CodeCache {
    /// In this folder, which is made when there is something to keep.
    pub fn new(folder: PathBuf) -> CodeCache {
        CodeCache::for_modules_from(folder, LEAST)
    }

    /// As [`CodeCache::new`], for modules of at least so many bytes of code.
    pub fn for_modules_from(folder: PathBuf, least: usize) -> CodeCache {
        CodeCache { folder, least, state: Mutex::default(), done: Condvar::new() }
    }

    /// What was odd about it, and how it was made good.
    pub fn remarks(&self) -> Vec<String> {
        self.lock().remarks.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has everything at hand that a component is run from. `without_winch`: not by that compiler, which
    /// was found not to take what is left of the component.
    ///
    /// # Errors
    ///
    /// Where there is no worker to be had.
    pub(super) fn prepare(
        &self,
        component: &Component,
        terms: Terms<'_>,
        without_winch: bool,
    ) -> Result<Prepared, JudgeError> {
        if component.modules.iter().all(|module| module.len() < self.least)
            || self.lock().unwritable
        {
            return Ok(Prepared::Whole);
        }
        let Some(split) = split(&component.bytes, self.least) else { return Ok(Prepared::Whole) };
        let modules: Vec<&[u8]> =
            split.modules.iter().map(|module| &component.bytes[module.clone()]).collect();
        let digests: Vec<String> = modules.iter().map(|module| input::digest(module)).collect();
        let choice: &[(CompiledBy, bool)] = match terms.limits.compiler {
            Compiler::Auto if !without_winch => {
                &[(CompiledBy::Winch, true), (CompiledBy::Cranelift, false)]
            }
            Compiler::Auto | Compiler::Cranelift => &[(CompiledBy::Cranelift, false)],
            Compiler::Winch => &[(CompiledBy::Winch, false)],
        };
        'compilers: for &(by, if_confined) in choice {
            // Not on this kind of machine.
            let Ok(key) = keys(by) else { continue };
            let job = CompileJob { compile: by, if_confined, limits: terms.limits.clone() };
            let (mut pieces, mut files) = (Vec::new(), Vec::new());
            for (index, module) in modules.iter().enumerate() {
                let key = key(&digests[index]);
                match self.code(&key, module, &job, terms)? {
                    Kept::Here(path) => files.push(path),
                    Kept::Refused => continue 'compilers,
                    Kept::Nowhere => return Ok(Prepared::Whole),
                    Kept::Lost(ending) => return Ok(Prepared::Lost(ending)),
                }
                pieces.push(Piece { import: import_name(index), key });
            }
            let given = Given { by, if_confined, pieces };
            return Ok(Prepared::Split(Box::new(Parts { rest: split.rest, given, files })));
        }
        // The whole of it is refused in better words.
        Ok(Prepared::Whole)
    }

    /// Throws away what a worker found wrong.
    pub(super) fn discard(&self, file: &Path, why: &str) {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        self.lock().remarks.push(format!("compiled again: {name}: {why}"));
        // Where that fails it will be found wrong again, and the component is compiled whole.
        let _ = fs::remove_file(file);
    }

    /// The code of a module: from the folder, or compiled now. Whoever wants what another thread is
    /// compiling waits for it.
    fn code(
        &self,
        key: &str,
        module: &[u8],
        job: &CompileJob,
        terms: Terms<'_>,
    ) -> Result<Kept, JudgeError> {
        let path = self.folder.join(key);
        let mut state = self.lock();
        while !state.busy.insert(key.to_owned()) {
            state = self.done.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        drop(state);
        let _turn = Turn { cache: self, key };
        match kept(&path, key) {
            Some(kept) => Ok(kept),
            None => self.compile(&path, key, module, job, terms),
        }
    }

    fn compile(
        &self,
        path: &Path,
        key: &str,
        module: &[u8],
        job: &CompileJob,
        terms: Terms<'_>,
    ) -> Result<Kept, JudgeError> {
        let mut file = match self.new_file() {
            Ok(file) => file,
            Err(error) => return Ok(self.unusable(&error)),
        };
        let header =
            serde_json::to_string(job).map_err(|error| JudgeError::Internal(error.to_string()))?;
        let errand = Errand { header: &header, body: &[module], ..Errand::default() };
        let mut taken = Taken::default();
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
        if let Some(error) = taken.unwritable {
            return Ok(self.unusable(&error));
        }
        if let Some(fault) = taken.failed {
            if fault.kind == FaultKind::System {
                return Err(JudgeError::Internal(refused_by_the_system(&fault)));
            }
            // That a sandbox is incomplete says nothing about the module.
            if job.if_confined && fault.kind == FaultKind::Refused {
                self.keep(file, &refusal(key), path);
            }
            return Ok(Kept::Refused);
        }
        match ending {
            Ending::Finished if taken.compiled => {
                match self.keep(file, &trailer(key, &taken.digest.finish()), path) {
                    true => Ok(Kept::Here(path.to_owned())),
                    false => Ok(Kept::Nowhere),
                }
            }
            // What brings the quick compiler down may be nothing to the other one.
            Ending::Died(_) | Ending::Flooded | Ending::Stopped if job.if_confined => {
                Ok(Kept::Refused)
            }
            ending => Ok(Kept::Lost(ending)),
        }
    }

    fn new_file(&self) -> io::Result<tempfile::NamedTempFile> {
        fs::create_dir_all(&self.folder)?;
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

    fn unusable(&self, error: &io::Error) -> Kept {
        let mut state = self.lock();
        if !state.unwritable {
            let folder = self.folder.display();
            state.remarks.push(format!("{folder} cannot be written to: {error}"));
        }
        state.unwritable = true;
        Kept::Nowhere
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

/// What is kept where a compiler does not take a module.
fn refusal(key: &str) -> String {
    format!("plugtool-code/1 refused\n{key}\n")
}

/// What is in the folder. That code is as it was written is for the worker to find out that loads it.
fn kept(path: &Path, key: &str) -> Option<Kept> {
    let refusal = refusal(key);
    if fs::metadata(path).ok()?.len() != refusal.len() as u64 {
        return Some(Kept::Here(path.to_owned()));
    }
    // Anything else of that length is no code either.
    (fs::read_to_string(path).ok()? == refusal).then_some(Kept::Refused)
}
