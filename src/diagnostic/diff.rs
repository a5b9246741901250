//! What `diff` returns: the changes between two worlds, and what they ask of their versions.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use super::{Diagnostic, Tool, WitPath};

/// What `diff` returns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DiffReport {
    /// `plugtool.diff/0`.
    pub schema: &'static str,
    /// Who compared.
    pub tool: Tool,
    /// The world before.
    pub old: DiffSide,
    /// The world after.
    pub new: DiffSide,
    /// Whether any change breaks old plugins on the new host.
    pub breaks_old_plugins: bool,
    /// Whether any change breaks new plugins on the old host.
    pub breaks_new_plugins: bool,
    /// Every change, in the order of the worlds.
    pub changes: Vec<Change>,
    /// What the changes ask of each package's version: the world's own package first.
    pub packages: Vec<PackageChange>,
    /// Where a declared version does not say what the changes do.
    pub diagnostics: Vec<Diagnostic>,
}

/// One of the two worlds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DiffSide {
    /// Where it was read from.
    pub path: String,
    /// SHA-256 of the file, in hex; none where it was read from WIT text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// The world's full name; none for a component's own world.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub world: Option<String>,
}

/// One change between two worlds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Change {
    /// What was done.
    pub kind: ChangeKind,
    /// Where: under the names of the new world, but for what only the old one has.
    pub path: WitPath,
    /// What was there, in WIT; none where it was added.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// What is there now, in WIT; none where it was removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Whether a plugin of the old world does not target the new one because of it.
    pub breaks_old_plugins: bool,
    /// Whether a plugin of the new world does not target the old one because of it.
    pub breaks_new_plugins: bool,
    /// Why it breaks what it breaks, or why it breaks nothing: one sentence.
    pub reason: String,
    /// Other places where the same change is seen, as that of a type which several interfaces use.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<WitPath>,
}

/// What was done to something in a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// Only the new world has it.
    Added,
    /// Only the old world has it.
    Removed,
    /// Both have it, with different types.
    Changed,
    /// Both have it at the same place with the same type, under another name.
    Renamed,
    /// Both have the same members, in another order.
    Reordered,
    /// A resource that is another one now, though its name may be the same.
    Identity,
    /// The interfaces of a package are there at another version.
    Version,
}

/// What the changes ask of the version of one package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PackageChange {
    /// Its name without a version; none where a component's own world has no name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// The version that the old side declares.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<String>,
    /// The version that the new side declares.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<String>,
    /// The step that the changes need.
    pub required: Bump,
    /// The step from the old version to the new one; none where one is not declared, and where the
    /// version goes backwards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub declared: Option<Bump>,
    /// The lowest version that is high enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_least: Option<String>,
    /// Whether the declared versions say what the changes do.
    pub honoured: bool,
}

/// A step from one semantic version to another. Ordered by size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Bump {
    /// The same version.
    None,
    /// From one prerelease to the next, or to its release.
    Prerelease,
    /// The third number.
    Patch,
    /// The second number.
    Minor,
    /// The first number.
    Major,
}

impl fmt::Display for Bump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Bump::None => "none",
            Bump::Prerelease => "prerelease",
            Bump::Patch => "patch",
            Bump::Minor => "minor",
            Bump::Major => "major",
        })
    }
}
