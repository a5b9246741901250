//! The house rules that a machine can hold: imports go down the list of rooms, and what only one room
//! may know stays there. See ARCHITECTURE.md.

#![allow(clippy::expect_used, clippy::panic, reason = "a test says what it needs by failing")]

#[allow(dead_code)]
mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use support::{files_below, root};

/// The rooms from the top down. A room may use those on lines below its own; rooms on one line may
/// use each other only where `NEIGHBOURS` says so.
const LAYERS: &[&[&str]] = &[
    &["main"],
    &["cli"],
    &["gate"],
    &["judge"],
    &["render"],
    &["check", "compose", "diff", "smoke", "sandbox", "wiring", "adapter"],
    &["config"],
    &["component"],
    &["wave"],
    &["world"],
    &["input"],
    &["diagnostic"],
];

/// Who may use whom on one line: one is plainly the other's ground.
const NEIGHBOURS: &[(&str, &str)] = &[("compose", "wiring"), ("smoke", "adapter")];

/// What only one room may name.
const OWNED: &[(&str, &str)] = &[
    ("wac_graph", "compose"),
    ("wac_parser", "compose"),
    ("wasi_preview1", "adapter"),
    ("wasmtime::", "smoke"),
    ("wasmtime_", "smoke"),
    ("Command::new", "sandbox"),
    ("ctrlc::", "sandbox"),
    ("landlock::", "sandbox"),
    ("rustix::", "sandbox"),
    ("seccompiler::", "sandbox"),
    ("println!", "cli"),
    ("stdout()", "cli"),
    ("ExitCode", "cli"),
    ("process::exit", "cli"),
    ("anyhow::anyhow!", "cli"),
    ("anyhow::bail!", "cli"),
    ("anyhow::Context", "cli"),
];

/// The only files with unsafe code outside of `sandbox`: where bytes cross to the engine, and where code
/// that was compiled before is mapped and handed to it.
const UNSAFE: &[&str] = &["src/smoke/call/raw.rs", "src/smoke/code.rs", "src/smoke/code/mapped.rs"];

/// The only file that names what is another room's, and which.
const EXCEPTION: (&str, &str) = ("src/smoke/code/mapped.rs", "rustix::");

fn room_of(path: &Path) -> String {
    let inside = path.strip_prefix(root().join("src")).expect("below src");
    let first = inside.components().next().expect("a name").as_os_str().to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

/// The code of a file without its comments and its tests.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).expect("a source file");
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    text.lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n")
}

/// The rooms that a piece of code names as `crate::room` or in `use crate::{room, ...}`.
fn rooms_used(code: &str) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    for part in code.split("crate::").skip(1) {
        let names: Vec<&str> = match part.strip_prefix('{') {
            Some(list) => list.split('}').next().unwrap_or_default().split(',').collect(),
            None => vec![part],
        };
        for name in names {
            let name = name.trim();
            let end = name.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(name.len());
            used.insert(name[..end].to_owned());
        }
    }
    used
}

fn layer(room: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&room))
}

#[test]
fn every_room_has_its_layer() {
    for path in files_below("src", "rs") {
        let room = room_of(&path);
        assert!(room == "lib" || layer(&room).is_some(), "the room `{room}` is on no layer");
    }
}

#[test]
fn imports_go_down() {
    for path in files_below("src", "rs") {
        let room = room_of(&path);
        let Some(from) = layer(&room) else { continue };
        for used in rooms_used(&code(&path)) {
            let Some(to) = layer(&used) else { continue };
            let neighbours = NEIGHBOURS.contains(&(room.as_str(), used.as_str()));
            assert!(
                used == room || to > from || neighbours,
                "{}: `{room}` uses `{used}`, which is not below it",
                path.display()
            );
        }
    }
}

#[test]
fn what_one_room_owns_stays_there() {
    for path in files_below("src", "rs") {
        let room = room_of(&path);
        let code = code(&path);
        for (name, owner) in OWNED {
            let excepted = path.ends_with(EXCEPTION.0) && *name == EXCEPTION.1;
            let allowed = room == *owner || (*owner == "cli" && room == "main") || excepted;
            let named = code.contains(name);
            assert!(allowed || !named, "{}: only `{owner}` may name {name}", path.display());
        }
    }
}

#[test]
fn unsafe_code_is_where_it_has_a_reason() {
    for path in files_below("src", "rs") {
        let inside = path.strip_prefix(root()).expect("below the root").to_string_lossy();
        let allowed = room_of(&path) == "sandbox" || UNSAFE.contains(&&*inside);
        assert!(allowed || !code(&path).contains("unsafe_code"), "{inside} allows unsafe code");
    }
}

#[test]
fn no_room_is_too_large_for_one_job() {
    for path in files_below("src", "rs") {
        let lines = fs::read_to_string(&path).expect("a source file").lines().count();
        assert!(lines <= 500, "{} has {lines} lines; it is asking to be two", path.display());
    }
}
