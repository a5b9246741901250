//! Entries on disk: one file each, which carries its key and the digest of what is in it. What is not whole,
//! not about what was asked, or not an entry at all counts as not there.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::input;
#[cfg(target_os = "linux")]
use crate::sandbox::user;

/// What an entry begins with; the number changes with the layout of entries.
const MAGIC: &str = "plugtool-verdict 1";

/// What the entry of one fact may have, in bytes. What is larger is found out anew each time.
const MAX_ENTRY: u64 = 256 << 10;

/// What the entries of one subfolder may have together, in bytes. Keys are digests, and spread evenly:
/// 256 subfolders make it 256 MiB in all.
const MAX_SUBFOLDER: u64 = 1 << 20;

/// What an entry takes on disk at least, in bytes.
const BLOCK: u64 = 4096;

/// An entry is marked as used where it was not for so long: often enough to tell old from new.
const MARKED: Duration = Duration::from_secs(24 * 60 * 60);

/// A file that is being written for longer than this belongs to nobody any more.
const ABANDONED: Duration = Duration::from_secs(60 * 60);

/// The beginning of the name of a file that is being written.
const WRITING: &str = ".writing-";

/// A folder of entries. Several processes may use one at a time.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Subfolders that something was written to, in order.
    written: std::collections::BTreeSet<String>,
    /// Entries that were not used, and why.
    broken: Vec<String>,
    /// Why something could not be written, the first time.
    unwritable: Option<String>,
}

/// What was odd about a store, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Oddities {
    /// Entries that were not used, and why; what they were about was found out anew.
    pub broken: Vec<String>,
    /// Why something could not be written.
    pub unwritable: Option<String>,
}

impl Store {
    /// Opens a folder of entries, and makes it where it is not there: for its owner only, because whoever
    /// can write to it decides verdicts.
    ///
    /// # Errors
    ///
    /// Why it cannot be used.
    pub fn open(folder: &Path) -> Result<Store, String> {
        private(folder)?;
        Ok(Store { folder: folder.to_owned(), state: Mutex::default() })
    }

    /// What is known under a key.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        let (_, path) = self.place(key)?;
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    self.broken(&path, &error.to_string());
                }
                return None;
            }
        };
        match read(&mut file, key) {
            Ok(value) => {
                mark(&file);
                Some(value)
            }
            Err(why) => {
                self.broken(&path, &why);
                None
            }
        }
    }

    /// Makes something known under a key, whole or not at all. What cannot be written is not known the
    /// next time, and [`Store::close`] says why.
    pub fn put<T: Serialize>(&self, key: &str, value: &T) {
        let Some((subfolder, path)) = self.place(key) else { return };
        let Ok(body) = serde_json::to_vec(value) else { return };
        let head = format!("{MAGIC} {key} {}\n", input::digest(&body));
        if (head.len() + body.len()) as u64 > MAX_ENTRY {
            return;
        }
        let write = || -> io::Result<()> {
            let folder = self.folder.join(&subfolder);
            make_folder(&folder)?;
            let mut file = tempfile::Builder::new().prefix(WRITING).tempfile_in(&folder)?;
            file.write_all(head.as_bytes())?;
            file.write_all(&body)?;
            // Not synchronised to the disk: what a machine loses with its power is found out by the digest.
            file.persist(&path).map_err(|error| error.error)?;
            Ok(())
        };
        let written = write();
        let Ok(mut state) = self.state.lock() else { return };
        match written {
            Ok(()) => {
                state.written.insert(subfolder);
            }
            Err(error) => {
                // The name of the temporary file would say nothing to anybody.
                let text = error.to_string();
                let text = text.split(" at path ").next().unwrap_or(&text).to_owned();
                state.unwritable.get_or_insert(text);
            }
        }
    }

    /// Takes the oldest entries out of the subfolders that have grown too large, and says what was odd.
    pub fn close(&self) -> Oddities {
        let Ok(mut state) = self.state.lock() else { return Oddities::default() };
        let state = std::mem::take(&mut *state);
        for subfolder in &state.written {
            // Where this fails there is more on disk than there should be, and nothing worse.
            let _ = evict(&self.folder.join(subfolder));
        }
        let mut broken = state.broken;
        broken.sort();
        Oddities { broken, unwritable: state.unwritable }
    }

    /// The subfolder of a key, and the path of its entry.
    fn place(&self, key: &str) -> Option<(String, PathBuf)> {
        let (subfolder, name) = key.split_at_checked(2)?;
        Some((subfolder.to_owned(), self.folder.join(subfolder).join(name)))
    }

    fn broken(&self, path: &Path, why: &str) {
        if let Ok(mut state) = self.state.lock() {
            state.broken.push(format!("{}: {why}", path.display()));
        }
    }
}

/// Makes a folder that nobody else can write to, where it is not there.
///
/// # Errors
///
/// Why there can be none, or that the one there is somebody else's or can be written to by others: whoever
/// writes to it decides verdicts.
pub fn private(folder: &Path) -> Result<(), String> {
    let text = |error: io::Error| error.to_string();
    make_folder(folder).map_err(text)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let about = fs::metadata(folder).map_err(text)?;
        if about.mode() & 0o022 != 0 {
            return Err("others than its owner can write to it, and so decide verdicts; make it \
                        `chmod go-w`"
                .to_owned());
        }
        #[cfg(target_os = "linux")]
        if about.uid() != user() {
            return Err(format!(
                "it belongs to somebody else (user {}), who could decide verdicts; name another \
                 folder",
                about.uid()
            ));
        }
    }
    Ok(())
}

/// Reads what an entry says of a key.
fn read<T: DeserializeOwned>(file: &mut File, key: &str) -> Result<T, String> {
    let mut bytes = Vec::new();
    file.take(MAX_ENTRY + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    let line = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let (head, body) = bytes.split_at(line);
    let head = std::str::from_utf8(head).unwrap_or_default();
    let words = head.strip_prefix(MAGIC).and_then(|rest| rest.strip_prefix(' '));
    let Some((of, digest)) = words.and_then(|words| words.split_once(' ')) else {
        return Err("it is no entry of this cache".to_owned());
    };
    if of != key {
        return Err("it is about something else".to_owned());
    }
    let body = body.get(1..).unwrap_or_default();
    if input::digest(body) != digest {
        return Err("it is damaged".to_owned());
    }
    serde_json::from_slice(body).map_err(|error| format!("it cannot be read: {error}"))
}

/// Marks an entry as used. A folder that cannot be changed keeps its old marks.
fn mark(file: &File) {
    let now = SystemTime::now();
    let modified = file.metadata().and_then(|metadata| metadata.modified());
    let old = modified.is_ok_and(|at| now.duration_since(at).is_ok_and(|age| age > MARKED));
    if old {
        let _ = file.set_modified(now);
    }
}

fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(folder)
}

/// Takes out what was used longest ago, until there is room for some more. What another process takes out
/// at the same time is gone all the same.
fn evict(folder: &Path) -> io::Result<()> {
    let now = SystemTime::now();
    let mut entries = Vec::new();
    let mut all = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Ok(metadata) = entry.metadata() else { continue };
        let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        if entry.file_name().to_string_lossy().starts_with(WRITING) {
            if now.duration_since(used).is_ok_and(|age| age > ABANDONED) {
                let _ = fs::remove_file(entry.path());
            }
            continue;
        }
        let size = metadata.len().next_multiple_of(BLOCK);
        all += size;
        entries.push((used, entry.path(), size));
    }
    if all <= MAX_SUBFOLDER {
        return Ok(());
    }
    entries.sort();
    for (_, path, size) in entries {
        if all <= MAX_SUBFOLDER / 4 * 3 {
            break;
        }
        let _ = fs::remove_file(path);
        all -= size;
    }
    Ok(())
}
