//! What the comparison of worlds says of two of them, in either direction.

use std::collections::HashSet;

use super::found::{Breaks, Found, Side, Why};
use crate::world::{self, Host, Mismatch, World};

/// What the comparison of worlds has against either direction.
pub struct Verdict {
    old_plugins: Vec<Mismatch>,
    new_plugins: Vec<Mismatch>,
}

/// A mismatch in one of the directions, with what the old world has there and what the new one has.
#[derive(Clone, Copy)]
pub struct Judged<'v> {
    pub mismatch: &'v Mismatch,
    pub before: &'v str,
    pub after: &'v str,
    pub breaks: Breaks,
}

impl Verdict {
    /// Each direction as a plugin's world and a host's.
    pub fn of(old_plugins: [&World; 2], new_plugins: [&World; 2]) -> Verdict {
        let targets = |[plugin, host]: [&World; 2]| {
            world::targets(plugin, Host { world: host, provides: &[] })
        };
        Verdict { old_plugins: targets(old_plugins), new_plugins: targets(new_plugins) }
    }

    /// Those of old plugins, then those of new ones.
    pub fn mismatches(&self) -> impl Iterator<Item = Judged<'_>> {
        let old = self.old_plugins.iter().map(|mismatch| Judged {
            mismatch,
            before: &mismatch.found,
            after: &mismatch.expected,
            breaks: Breaks { old: true, new: false },
        });
        let new = self.new_plugins.iter().map(|mismatch| Judged {
            mismatch,
            before: &mismatch.expected,
            after: &mismatch.found,
            breaks: Breaks { old: false, new: true },
        });
        old.chain(new)
    }

    /// Every import and export that it is against.
    pub fn roots(&self) -> Roots<'_> {
        let mut roots = Roots::default();
        for Judged { mismatch, breaks, .. } in self.mismatches() {
            let Some(root) = root_of(mismatch) else { continue };
            if breaks.old {
                roots.old_plugins.insert(root);
            }
            if breaks.new {
                roots.new_plugins.insert(root);
            }
        }
        roots
    }

    /// Has the last word: a change breaks nobody whom the worlds as they are let pass.
    pub fn settle(&self, found: &mut [Found]) {
        for change in found {
            let wrongly = (self.old_plugins.is_empty() && change.old_plugins.take().is_some())
                | (self.new_plugins.is_empty() && change.new_plugins.take().is_some());
            if wrongly {
                change.why = Why::NoMismatch;
            }
        }
    }
}

/// Imports and exports, and which plugins have trouble there.
#[derive(Default)]
pub struct Roots<'a> {
    old_plugins: HashSet<(Side, &'a str)>,
    new_plugins: HashSet<(Side, &'a str)>,
}

impl Roots<'_> {
    /// Who has trouble at one of them.
    pub fn at(&self, root: (Side, &str)) -> Breaks {
        Breaks { old: self.old_plugins.contains(&root), new: self.new_plugins.contains(&root) }
    }
}

/// The import or export that a mismatch is about.
pub fn root_of(mismatch: &Mismatch) -> Option<(Side, &str)> {
    let root = mismatch.path.0.first()?;
    let side = if root.kind == "import" { Side::Import } else { Side::Export };
    Some((side, root.name.as_deref()?))
}
