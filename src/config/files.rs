//! The files that a configuration names.

use std::fs;
use std::path::{Component as PathPart, Path, PathBuf};

use super::ConfigError;
use crate::input;

/// An adapter path is a file, or a folder whose `.wasm` and `.wat` files are meant.
pub fn adapter_files(path: &Path) -> Result<Vec<PathBuf>, ConfigError> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let unreadable = |error: std::io::Error| ConfigError::Unreadable {
        path: show(path),
        reason: error.to_string(),
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(unreadable)? {
        let file = entry.map_err(unreadable)?.path();
        if file.extension().is_some_and(|extension| extension == "wasm" || extension == "wat") {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

/// The files of a pattern, sorted; the path itself where it is no pattern, there or not. A pattern
/// that matches nothing is an error: a gate that judged nothing must not look like a pass.
pub fn expand(pattern: &str) -> Result<Vec<String>, ConfigError> {
    if !pattern.contains(['*', '?', '[']) {
        return Ok(vec![pattern.to_owned()]);
    }
    let invalid = |reason: String| ConfigError::Invalid { path: pattern.to_owned(), reason };
    let paths = glob::glob(pattern).map_err(|error| invalid(error.msg.to_owned()))?;
    let mut files = Vec::new();
    for path in paths {
        files.push(show(&path.map_err(|error| invalid(error.to_string()))?));
    }
    files.sort();
    if files.is_empty() {
        return Err(invalid("the pattern matches no file".to_owned()));
    }
    Ok(files)
}

/// The text of a file.
pub fn read_text(path: &Path) -> Result<String, ConfigError> {
    let unreadable = |reason: String| ConfigError::Unreadable { path: show(path), reason };
    let bytes = match input::read("", &path.to_string_lossy()) {
        Ok(input) => input.bytes,
        Err(error) => return Err(unreadable(error.to_string())),
    };
    String::from_utf8(bytes).map_err(|_| unreadable("it is not UTF-8 text".to_owned()))
}

/// A path as people write it: `a/../b` is `b`. Only folders that were written out are folded away,
/// so what it names can differ only behind a symbolic link that the configuration itself names.
pub fn show(path: &Path) -> String {
    let mut parts: Vec<PathPart<'_>> = Vec::new();
    for part in path.components() {
        match (part, parts.last()) {
            (PathPart::CurDir, _) if path.components().count() > 1 => {}
            (PathPart::ParentDir, Some(PathPart::Normal(_))) => {
                parts.pop();
            }
            (part, _) => parts.push(part),
        }
    }
    parts.iter().collect::<PathBuf>().to_string_lossy().into_owned()
}
