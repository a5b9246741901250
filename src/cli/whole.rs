//! Files are written whole or not at all, and what a killed process left behind is cleared away.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::Path;

use tempfile::{Builder, NamedTempFile};

use super::Failure;

/// How the name of a temporary file begins, and ends.
const NAME: (&str, &str) = (".plugtool-", ".tmp");

/// Writes a file whole or not at all: to a temporary file beside it, then renamed. A device or a pipe is
/// written to as it is, and a link keeps leading to where it leads.
///
/// A process that is killed leaves its temporary file. Whoever next writes into the same folder removes it.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let failed = |error: io::Error| {
        // The temporary file's name would say nothing to anybody, and differ from run to run.
        let text = error.to_string();
        let reason = text.split(" at path ").next().unwrap_or(&text);
        Failure::internal(anyhow::anyhow!("{} cannot be written: {reason}", path.display()))
    };
    let mut target = path.to_owned();
    if let Ok(there) = fs::metadata(path) {
        if !there.is_file() && !there.is_dir() {
            return fs::write(path, bytes).map_err(failed);
        }
        target = fs::canonicalize(path).map_err(failed)?;
    }
    let folder = match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    clear(folder);
    let write = || -> io::Result<()> {
        let mut file = temporary(folder)?;
        file.write_all(bytes)?;
        // Not synchronised to the disk: the rename is what keeps a killed process from leaving half a
        // file, and what a machine loses with its power can be made again.
        file.persist(&target).map_err(|error| error.error)?;
        Ok(())
    };
    write().map_err(failed)
}

/// A temporary file in a folder. It is locked for as long as somebody writes it.
fn temporary(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = Builder::new();
    builder.prefix(NAME.0).suffix(NAME.1);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // What a plain write would have asked for; the umask takes its part.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    loop {
        let file = builder.tempfile_in(folder)?;
        match file.as_file().try_lock() {
            // Somebody took it for abandoned before it was locked, and is about to remove it.
            Err(TryLockError::WouldBlock) => {}
            Ok(()) if !file.path().exists() => {}
            // Where files cannot be locked, nobody removes any.
            Ok(()) | Err(TryLockError::Error(_)) => return Ok(file),
        }
    }
}

/// Removes the temporary files of processes that are gone: those that nobody has locked. What cannot be
/// removed stays; it is in nobody's way.
fn clear(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        // Only a file is opened: a pipe would keep whoever opens it waiting.
        let is_file = || entry.file_type().is_ok_and(|kind| kind.is_file());
        if !name.starts_with(NAME.0) || !name.ends_with(NAME.1) || !is_file() {
            continue;
        }
        let path = entry.path();
        if let Ok(file) = File::open(&path)
            && file.try_lock().is_ok()
        {
            let _ = fs::remove_file(&path);
        }
    }
}
