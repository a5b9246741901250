//! Core modules that need not be validated again.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::Component;

/// Core modules that were validated before.
#[derive(Default)]
pub struct Known<'a> {
    /// By their length.
    equal: HashMap<usize, Vec<&'a [u8]>>,
    /// By their place in what is to be validated.
    moved: HashSet<Range<usize>>,
}

impl<'a> Known<'a> {
    /// Those of valid components.
    pub fn of(components: &[&'a Component]) -> Known<'a> {
        let mut known = Known::default();
        for component in components {
            known.add(&component.bytes, &component.modules);
        }
        known
    }

    /// Adds those that stand at these places in the bytes of a valid component.
    pub fn add(&mut self, bytes: &'a [u8], modules: &[Range<usize>]) {
        for module in modules.iter().filter_map(|at| bytes.get(at.clone())) {
            self.equal.entry(module.len()).or_default().push(module);
        }
    }

    /// Adds those that stood at these places in the bytes of a valid component, which as a whole have
    /// become part of what is to be validated, and begin there at `start`.
    pub fn add_moved(&mut self, start: usize, modules: &[Range<usize>]) {
        self.moved.extend(modules.iter().map(|at| start + at.start..start + at.end));
    }

    /// Whether the module at this place in these bytes is one of them.
    pub(super) fn has(&self, at: &Range<usize>, bytes: &[u8]) -> bool {
        let module = bytes.get(at.clone());
        self.moved.contains(at)
            || module.is_some_and(|module| {
                self.equal.get(&module.len()).is_some_and(|known| known.contains(&module))
            })
    }
}
