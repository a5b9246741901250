//! Folders that cases grant, as digests.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::input;

/// SHA-256 of a folder in hex: of the names and kinds of all that is in it, what is in its files, and where its
/// links lead. What cannot be read is that.
pub fn digest(path: &Path) -> String {
    let mut digest = Sha256::new();
    // The folder itself may be named by a link.
    let root = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let mut open = vec![root.clone()];
    while let Some(next) = open.pop() {
        let name = next.strip_prefix(&root).unwrap_or(&next);
        let (kind, content) = match entry(&next, &mut open) {
            Ok(known) => known,
            Err(error) => ("unreadable", error.kind().to_string()),
        };
        // Each with its end, so that no two folders are one.
        for part in [&name.to_string_lossy(), kind, &content] {
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part);
        }
    }
    input::hex(&digest.finalize())
}

/// What is at a path, and what is to be known of it. What is in a folder is put on the list, in an order
/// that depends on nothing but names.
fn entry(path: &Path, open: &mut Vec<PathBuf>) -> io::Result<(&'static str, String)> {
    let kind = path.symlink_metadata()?.file_type();
    if kind.is_symlink() {
        Ok(("link", path.read_link()?.to_string_lossy().into_owned()))
    } else if kind.is_dir() {
        let inside = path.read_dir()?.map(|entry| Ok(entry?.path()));
        let mut inside = inside.collect::<io::Result<Vec<_>>>()?;
        inside.sort();
        open.append(&mut inside);
        Ok(("folder", String::new()))
    } else if kind.is_file() {
        let mut digest = Sha256::new();
        io::copy(&mut File::open(path)?, &mut digest)?;
        Ok(("file", input::hex(&digest.finalize())))
    } else {
        // Nothing that could be read to its end.
        Ok(("other", String::new()))
    }
}
