//! A component that answers in place of the host: read, and held against what a world imports. What does
//! not fit is an error before anything runs.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::is_the_engines;
use crate::component::{self, Component};
use crate::config::ConfigError;
use crate::config::files::show;
use crate::config::smoke::Reader;
use crate::config::written::Written;
use crate::input;
use crate::world::{self, Item, Mismatch, World, asks_nothing, nearest};

/// A mock, as a case names it.
#[derive(Clone, Debug)]
pub struct Mock {
    /// The key that names it.
    key: Written,
    /// Its file, as it is shown.
    shown: String,
    /// Where it lies.
    pub(in crate::config) path: PathBuf,
    component: Arc<Component>,
}

impl PartialEq for Mock {
    fn eq(&self, other: &Mock) -> bool {
        self.deciding() == other.deciding()
    }
}

impl Eq for Mock {}

/// A mock as a worker is given it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MockScript {
    /// Its file, for messages.
    pub name: String,
    /// Which of the mocks of its job it is.
    pub index: usize,
    /// What it answers for: interfaces and bare functions, under their names in the component that runs,
    /// with the mock's own exports.
    pub answers: BTreeMap<String, String>,
}

impl MockScript {
    /// The mock's export that has a function of the host, `interface#function` or a bare one.
    pub fn export(&self, function: &str) -> Option<&str> {
        let import = function.split_once('#').map_or(function, |(interface, _)| interface);
        self.answers.get(import).map(String::as_str)
    }

    /// Puts a component's names in place of the host's for what it imports: each gets what is answered under
    /// its very name, or else under the highest version on its track.
    pub fn rename(&mut self, component: &World) {
        let answers: IndexMap<String, String> =
            std::mem::take(&mut self.answers).into_iter().collect();
        let named = component.imports.keys().filter_map(|import| {
            let (_, export) = world::find(&answers, import)?;
            Some((import.clone(), export.clone()))
        });
        self.answers = named.collect();
    }
}

impl Mock {
    /// Reads the component.
    ///
    /// # Errors
    ///
    /// It cannot be read, is none, or needs more than WASI has.
    pub(super) fn read(key: &Spanned<String>, reader: &Reader<'_>) -> Result<Mock, ConfigError> {
        let path = reader.folder().join(key.get_ref());
        let shown = show(&path);
        let wrong = |message: &str| reader.source().error(key.span(), message);
        let read = input::file(&path)
            .and_then(|bytes| input::from_bytes(&shown, &shown, bytes))
            .map_err(|error| wrong(&format!("the mock {shown} cannot be read: {error}")))?;
        let component = component::decode(read).map_err(|finding| {
            wrong(&format!("the mock {shown} cannot be used: {}", finding.message))
        })?;
        let world = &component.world;
        let needs = |name: &&String| !asks_nothing(world, name) && !is_the_engines(name);
        if let Some(import) = world.imports.keys().find(needs) {
            let message =
                format!("the mock {shown} imports {import}: a mock gets nothing but what WASI has");
            return Err(wrong(&message));
        }
        let key = reader.written(key);
        Ok(Mock { key, shown, path, component: Arc::new(component) })
    }

    /// Its file, for messages.
    pub fn name(&self) -> &str {
        &self.shown
    }

    /// What is in the file, as a binary.
    pub fn bytes(&self) -> &[u8] {
        &self.component.bytes
    }

    /// The digest of the file.
    pub fn sha256(&self) -> &str {
        self.component.sha256()
    }

    /// What decides of it: its bytes, and what errors call it.
    pub fn deciding(&self) -> String {
        format!("{:?}", (&self.shown, self.sha256()))
    }

    /// Whether it exports this interface, or this bare function, of a world.
    pub fn has(&self, import: &str) -> bool {
        world::find(&self.component.world.exports, import).is_some()
    }

    /// Holds what it exports against what worlds import. Where they are the host's (`all`), an export that
    /// none of them imports is an error; else it answers nothing.
    ///
    /// # Errors
    ///
    /// What does not fit, with the way to it.
    pub fn resolve(&self, worlds: &[&World], all: bool) -> Result<MockScript, ConfigError> {
        let own = &self.component.world;
        let wrong = |message: &str| {
            let message = format!("the mock {} {message}", self.shown);
            Err(self.key.error(0..self.key.text.len(), &message))
        };
        let mut answers = BTreeMap::new();
        // What a world imports decides: of several versions that the mock has, only its own has to fit.
        for world in worlds {
            for import in world.imports.keys() {
                let Some((export, item)) = world::find(&own.exports, import) else { continue };
                if is_the_engines(import) && has_functions(item) {
                    return wrong(&format!("exports {export}, and WASI answers this itself"));
                }
                let mismatches = world::fits(own, export, world, import);
                if let Some(first) = mismatches.first() {
                    return wrong(&told(first, mismatches.len()));
                }
                answers.insert(import.clone(), export.to_owned());
            }
        }
        for (export, item) in &own.exports {
            let found = worlds.iter().any(|world| world::find(&world.imports, export).is_some());
            if !found && all && has_functions(item) {
                let offered = worlds.iter().flat_map(|world| world.imports.keys());
                let hint = match nearest(export, offered.map(String::as_str)) {
                    Some(near) => format!("; did you mean {near}?"),
                    None => String::new(),
                };
                return wrong(&format!("exports {export}, which the host does not offer{hint}"));
            }
        }
        if answers.is_empty() && all {
            return wrong("exports nothing that the host offers");
        }
        Ok(MockScript { name: self.shown.clone(), index: 0, answers })
    }
}

/// Whether there is something in it that could be called.
fn has_functions(item: &Item) -> bool {
    match item {
        Item::Func(_) => true,
        Item::Instance(instance) => {
            instance.items.values().any(|item| !matches!(item, Item::Type(_)))
        }
        _ => false,
    }
}

/// The first place where a mock does not fit, in words.
fn told(mismatch: &Mismatch, count: usize) -> String {
    let Mismatch { path, expected, found, .. } = mismatch;
    let more = match count {
        0 | 1 => String::new(),
        n => format!(" (and {} more)", n - 1),
    };
    format!("does not fit: {path}: the host offers {expected}, the mock has {found}{more}")
}
