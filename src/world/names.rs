//! Names at the boundary of a component, and when two of them mean the same thing.
//!
//! The rule is Wasmtime's (`wasmtime-environ`, `component/names.rs`), which is the component
//! model's: exactly equal, or the same interface on the same semver track.

use std::collections::HashMap;

use indexmap::IndexMap;
use semver::Version;

/// An import or export name taken apart: `wasi:io/streams@0.2.3` or a plain `run`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternName<'a> {
    /// Everything before the `@`.
    pub base: &'a str,
    /// What follows the `@`, where it is a semantic version.
    pub version: Option<Version>,
}

impl<'a> ExternName<'a> {
    /// Takes a name apart. A name whose version is no semantic version has none.
    pub fn parse(name: &'a str) -> ExternName<'a> {
        if let Some((base, version)) = name.split_once('@')
            && let Ok(version) = Version::parse(version)
        {
            return ExternName { base, version: Some(version) };
        }
        ExternName { base: name, version: None }
    }

    /// The package of an interface name, without its version: `wasi:io` of `wasi:io/streams@0.2.3`.
    pub fn package(&self) -> Option<&'a str> {
        self.base.split_once('/').map(|(package, _)| package)
    }

    /// The semver track: `1` for 1.x, `0.2` for 0.2.x; none for 0.0.x, prereleases and names
    /// without a version, which match only themselves.
    pub fn track(&self) -> Option<String> {
        let version = self.version.as_ref()?;
        match version {
            v if !v.pre.is_empty() => None,
            v if v.major > 0 => Some(v.major.to_string()),
            v if v.minor > 0 => Some(format!("0.{}", v.minor)),
            _ => None,
        }
    }

    /// The name with its version cut down to the track: equal for two names exactly when they
    /// match each other.
    pub fn canonical(&self) -> String {
        match (self.track(), &self.version) {
            (Some(track), _) => format!("{}@{track}", self.base),
            (None, Some(version)) => format!("{}@{version}", self.base),
            (None, None) => self.base.to_owned(),
        }
    }
}

/// Finds `name` in a table of names: the very name, or the highest version on its track.
pub fn find<'t, T>(table: &'t IndexMap<String, T>, name: &str) -> Option<(&'t str, &'t T)> {
    if let Some((key, value)) = table.get_key_value(name) {
        return Some((key, value));
    }
    let wanted = ExternName::parse(name);
    let track = wanted.track()?;
    table
        .iter()
        .map(|(key, value)| (ExternName::parse(key), key, value))
        .filter(|(name, ..)| name.base == wanted.base && name.track().as_ref() == Some(&track))
        .max_by(|(a, ..), (b, ..)| a.version.cmp(&b.version))
        .map(|(_, key, value)| (key.as_str(), value))
}

/// A table of names, made to be looked up in many times: [`find`], with an index.
pub(crate) struct Names<'t, T> {
    table: &'t IndexMap<String, T>,
    /// For each name with its version cut down to the track, the highest version there is.
    highest: HashMap<String, (Version, &'t str)>,
}

impl<'t, T> Names<'t, T> {
    pub(crate) fn of(table: &'t IndexMap<String, T>) -> Names<'t, T> {
        let mut highest: HashMap<String, (Version, &str)> = HashMap::new();
        for key in table.keys() {
            let name = ExternName::parse(key);
            if let (Some(_), canonical, Some(version)) =
                (name.track(), name.canonical(), name.version)
            {
                let known = highest.entry(canonical).or_insert((version.clone(), key));
                if version > known.0 {
                    *known = (version, key);
                }
            }
        }
        Names { table, highest }
    }

    pub(crate) fn find(&self, name: &str) -> Option<(&'t str, &'t T)> {
        let exact = self.table.get_key_value(name);
        let found = exact.or_else(|| {
            let wanted = ExternName::parse(name);
            wanted.track()?;
            let (_, key) = self.highest.get(&wanted.canonical())?;
            self.table.get_key_value(*key)
        });
        found.map(|(key, value)| (key.as_str(), value))
    }
}

/// Looks for names that look alike, with an end: what a plugin lacks and what it has instead may
/// both be long lists of long names.
pub(super) struct Likeness {
    /// How many pairs of names are still compared.
    budget: usize,
}

impl Default for Likeness {
    fn default() -> Likeness {
        Likeness { budget: 200_000 }
    }
}

impl Likeness {
    /// [`nearest`], where there is budget left for it and the names are not absurdly long.
    pub(super) fn nearest<'c>(
        &mut self,
        name: &str,
        candidates: impl IntoIterator<Item = &'c str>,
    ) -> Option<&'c str> {
        const LONG: usize = 200;
        if name.len() > LONG {
            return None;
        }
        let budget = self.budget;
        let mut compared = 0;
        let candidates = candidates.into_iter().take(budget).inspect(|_| compared += 1);
        let nearest = nearest(name, candidates.filter(|other| other.len() <= LONG));
        self.budget -= compared;
        nearest
    }
}

/// The candidate that looks most like `name`, where one does: for "did you mean". What names have in
/// common by convention, a package or the resource of a method, must be the same or nearly so, and
/// counts for nothing more: it is their last part that people misspell.
pub fn nearest<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    fn parts(name: &str) -> (&str, &str) {
        let base = ExternName::parse(name).base;
        let end = base.rfind(['/', '.', '#', ']']).map_or(0, |at| at + 1);
        base.split_at(end)
    }
    let (prefix, last) = parts(name);
    candidates
        .into_iter()
        .filter_map(|candidate| {
            let (other_prefix, other_last) = parts(candidate);
            let alike = |a: &str, b: &str| strsim::jaro_winkler(a, b);
            let last = alike(last, other_last);
            let prefix = if prefix == other_prefix { 1.0 } else { alike(prefix, other_prefix) };
            (last > 0.8 && prefix > 0.9).then_some((last + prefix, candidate))
        })
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(names: &[&str]) -> IndexMap<String, ()> {
        names.iter().map(|name| ((*name).to_owned(), ())).collect()
    }

    #[test]
    fn versions_match_on_their_track_and_nowhere_else() {
        let offered = table(&["a:b/c@0.2.3", "a:b/d@1.4.0", "a:b/e@0.0.3", "a:b/f@1.0.0-rc.1"]);
        let found = |name| find(&offered, name).map(|(key, ())| key.to_owned());
        assert_eq!(found("a:b/c@0.2.12").as_deref(), Some("a:b/c@0.2.3"));
        assert_eq!(found("a:b/d@1.1.0").as_deref(), Some("a:b/d@1.4.0"));
        assert_eq!(found("a:b/c@0.3.0"), None);
        assert_eq!(found("a:b/d@2.0.0"), None);
        assert_eq!(found("a:b/e@0.0.4"), None);
        assert_eq!(found("a:b/f@1.0.0"), None);
        assert_eq!(found("a:b/f@1.0.0-rc.1").as_deref(), Some("a:b/f@1.0.0-rc.1"));
    }

    #[test]
    fn an_exact_version_wins_then_the_highest() {
        let offered = table(&["a:b/c@0.2.9", "a:b/c@0.2.10", "a:b/c@0.2.1"]);
        assert_eq!(find(&offered, "a:b/c@0.2.1").map(|f| f.0), Some("a:b/c@0.2.1"));
        assert_eq!(find(&offered, "a:b/c@0.2.4").map(|f| f.0), Some("a:b/c@0.2.10"));
    }
}
