//! What the changes ask of versions, and whether the declared ones honour it.
//!
//! Semantic versioning as the component model reads it (`world::names`): what breaks old plugins
//! must leave the semver track, so that they no longer match; what only adds must be a higher
//! version. From 1.0.0 on that is a major and a minor step, below it a minor and a patch step;
//! every 0.0.x is a track of its own, and so is every prerelease.

use std::cmp::Ordering;

use indexmap::IndexMap;
use semver::{BuildMetadata, Prerelease, Version};

use super::found::{Found, Why};
use super::pairs::Pair;
use crate::diagnostic::{Bump, Code, Diagnostic, PackageChange, Severity, WitPath};
use crate::world::{ExternName, World};

/// How many of the changes that need a step are named with the finding.
const NAMED: usize = 8;

/// What changes do to those who rely on a package.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Effect {
    /// There are none.
    #[default]
    None,
    /// Old plugins run on the new host and new plugins on the old one.
    Harmless,
    /// Old plugins run on the new host, new plugins not on the old one.
    Addition,
    /// Old plugins do not run on the new host.
    Breaking,
}

/// A package, with the versions that both sides declare.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Package {
    name: Option<String>,
    old: Option<Version>,
    new: Option<Version>,
    /// Whether it has the same name on both sides.
    same: bool,
}

/// What happened to a package: the worst of it, and the places that did it.
#[derive(Default)]
struct Account<'f> {
    effect: Effect,
    places: Vec<&'f WitPath>,
}

impl<'f> Account<'f> {
    fn add(&mut self, found: &'f Found) {
        let effect = match (&found.old_plugins, &found.new_plugins) {
            (Some(_), _) => Effect::Breaking,
            (None, Some(_)) => Effect::Addition,
            (None, None) => Effect::Harmless,
        };
        if effect > self.effect {
            self.effect = effect;
            self.places.clear();
        }
        if effect == self.effect {
            self.places.push(&found.path);
        }
    }
}

/// Every package whose interfaces changed or moved, the world's own first, and a finding for each
/// whose declared versions do not honour the changes.
pub fn judge<'a>(
    old: &World,
    new: &World,
    pairs: impl Iterator<Item = &'a Pair<'a>>,
    found: &[Found],
) -> (Vec<PackageChange>, Vec<Diagnostic>) {
    let own = own_package(old, new);
    let mut accounts: IndexMap<Package, Account<'_>> = IndexMap::new();
    accounts.insert(own.clone(), Account::default());
    let interfaces = interfaces(pairs);
    for package in interfaces.values().filter(|package| package.old != package.new) {
        accounts.entry(package.clone()).or_default();
    }
    for found in found {
        let inside = || std::iter::once(&found.path).chain(&found.also);
        // The world is what its interfaces are: every change is one of its own package, too, but
        // for the step that this very package took.
        let moved = matches!(found.why, Why::Version(_));
        if !moved || inside().any(|path| of(&interfaces, path).is_some_and(|p| *p != own)) {
            accounts.entry(own.clone()).or_default().add(found);
        }
        let mut told = Vec::new();
        for package in inside().filter(|path| path.0.len() > 1).filter_map(|p| of(&interfaces, p)) {
            if *package != own && !told.contains(&package) {
                told.push(package);
                accounts.entry(package.clone()).or_default().add(found);
            }
        }
    }
    let mut rows = Vec::new();
    let mut findings = Vec::new();
    for (package, account) in &accounts {
        if package.name.is_none() && account.effect == Effect::None {
            continue;
        }
        let row = row(package, account.effect);
        findings.extend(finding(package, account, &row));
        rows.push(row);
    }
    (rows, findings)
}

/// The package of the world itself.
fn own_package(old: &World, new: &World) -> Package {
    let parse = |world: &World| {
        let name = ExternName::parse(world.name.as_deref()?);
        Some((name.package().unwrap_or(name.base).to_owned(), name.version.clone()))
    };
    let (old, new) = (parse(old), parse(new));
    let same = match (&old, &new) {
        (Some((old, _)), Some((new, _))) => old == new,
        _ => true,
    };
    Package {
        name: new.clone().or_else(|| old.clone()).map(|(name, _)| name),
        old: old.and_then(|(_, version)| version),
        new: new.and_then(|(_, version)| version),
        same,
    }
}

/// The package of every interface that both worlds have, under both of its names.
fn interfaces<'a>(pairs: impl Iterator<Item = &'a Pair<'a>>) -> IndexMap<&'a str, Package> {
    let mut packages = IndexMap::new();
    for pair in pairs {
        let (Some((was, _)), Some((is, _))) = (pair.old, pair.new) else { continue };
        let (before, after) = (ExternName::parse(was), ExternName::parse(is));
        if let Some(package) = after.package() {
            let package = Package {
                name: Some(package.to_owned()),
                old: before.version,
                new: after.version,
                same: true,
            };
            packages.insert(was, package.clone());
            packages.insert(is, package);
        }
    }
    packages
}

fn of<'p>(interfaces: &'p IndexMap<&str, Package>, path: &WitPath) -> Option<&'p Package> {
    interfaces.get(path.0.first()?.name.as_deref()?)
}

fn row(package: &Package, effect: Effect) -> PackageChange {
    let (required, at_least) = required(package.old.as_ref(), effect);
    let honoured = match (&package.old, &package.new) {
        _ if !package.same => true, // Nobody takes one package for another.
        (Some(old), Some(new)) => match old.cmp_precedence(new) {
            Ordering::Greater => false,
            Ordering::Equal => effect == Effect::None,
            // A prerelease of a version is a step to that version.
            Ordering::Less => at_least.as_ref().is_none_or(|least| numbers(new) >= numbers(least)),
        },
        // What had no version and has one now has a name that no old plugin knows.
        (None, Some(_)) => true,
        (_, None) => effect <= Effect::Harmless,
    };
    let declared = match (&package.old, &package.new) {
        (Some(old), Some(new)) if package.same => step(old, new),
        _ => None,
    };
    let at_least = at_least.filter(|_| package.same);
    PackageChange {
        package: package.name.clone(),
        old: package.old.as_ref().map(ToString::to_string),
        new: package.new.as_ref().map(ToString::to_string),
        required,
        declared,
        at_least: at_least.map(|version| version.to_string()),
        honoured,
    }
}

fn numbers(version: &Version) -> (u64, u64, u64) {
    (version.major, version.minor, version.patch)
}

/// The step that an effect needs from this version, and where it leads. Without a version to start
/// from, the step is the one that semantic versioning would ask of a released package.
fn required(old: Option<&Version>, effect: Effect) -> (Bump, Option<Version>) {
    let bump = match (effect, old) {
        (Effect::None, _) => Bump::None,
        (_, Some(old)) if !old.pre.is_empty() => Bump::Prerelease,
        (Effect::Harmless, _) => Bump::Patch,
        (Effect::Addition, Some(old)) if old.major == 0 => Bump::Patch,
        (Effect::Addition, _) => Bump::Minor,
        (Effect::Breaking, Some(old)) if old.major == 0 && old.minor == 0 => Bump::Patch,
        (Effect::Breaking, Some(old)) if old.major == 0 => Bump::Minor,
        (Effect::Breaking, _) => Bump::Major,
    };
    let at_least = old.map(|old| match bump {
        Bump::None => old.clone(),
        Bump::Prerelease => next_prerelease(old),
        Bump::Patch => Version::new(old.major, old.minor, old.patch.saturating_add(1)),
        Bump::Minor => Version::new(old.major, old.minor.saturating_add(1), 0),
        Bump::Major => Version::new(old.major.saturating_add(1), 0, 0),
    });
    (bump, at_least.filter(|_| bump != Bump::None))
}

/// `1.0.0-rc.2` after `1.0.0-rc.1`; the release where the last part is no number.
fn next_prerelease(version: &Version) -> Version {
    let (front, last) = version.pre.rsplit_once('.').unwrap_or(("", &version.pre));
    let next = last.parse::<u64>().ok().and_then(|number| number.checked_add(1));
    let pre = next.and_then(|number| {
        let dot = if front.is_empty() { "" } else { "." };
        Prerelease::new(&format!("{front}{dot}{number}")).ok()
    });
    Version {
        pre: pre.unwrap_or(Prerelease::EMPTY),
        build: BuildMetadata::EMPTY,
        ..version.clone()
    }
}

/// The step from one version to another. None where it leads backwards.
fn step(old: &Version, new: &Version) -> Option<Bump> {
    match old.cmp_precedence(new) {
        Ordering::Greater => None,
        Ordering::Equal => Some(Bump::None),
        Ordering::Less if old.major != new.major => Some(Bump::Major),
        Ordering::Less if old.minor != new.minor => Some(Bump::Minor),
        Ordering::Less if old.patch != new.patch => Some(Bump::Patch),
        Ordering::Less => Some(Bump::Prerelease),
    }
}

fn finding(package: &Package, account: &Account<'_>, row: &PackageChange) -> Option<Diagnostic> {
    if row.honoured {
        return None;
    }
    let backwards = row.declared.is_none() && package.new.is_some();
    // A version that was forgotten where nobody could tell the difference is worth a warning only,
    // and so is an addition where no version was ever declared.
    let weight = match (account.effect, &package.new) {
        (Effect::Breaking, _) => Severity::Error,
        (Effect::Addition, Some(_)) => Severity::Error,
        _ if backwards => Severity::Error,
        _ => Severity::Warning,
    };
    let effect = match account.effect {
        Effect::Breaking => "the changes break old plugins on the new host",
        Effect::Addition => "new plugins may need what the old host does not have",
        Effect::Harmless => "it has changed, though no plugin breaks",
        Effect::None => "nothing has changed",
    };
    let versions = match (&row.old, &row.new, row.declared) {
        (_, None, _) if package.name.is_none() => "a component declares no version".to_owned(),
        (_, None, _) => "it declares no version".to_owned(),
        (Some(old), Some(new), None) => format!("its version goes backwards, from {old} to {new}"),
        (_, Some(new), Some(Bump::None)) => format!("its version is still {new}"),
        (Some(old), Some(new), Some(step)) => format!("{old} to {new} is a {step} step"),
        (None, Some(new), _) => format!("its version is {new}"),
    };
    let help = match (&row.at_least, &package.name) {
        (Some(least), Some(name)) => {
            format!("declare {name}@{least} or higher ({} step), or undo the changes", row.required)
        }
        (None, Some(name)) if backwards => format!("declare a version of {name} that is no lower"),
        (None, Some(name)) => format!("give {name} a version, so that a change can be told"),
        (_, None) => "compare WIT worlds with versions where versions are to say so".to_owned(),
    };
    let path = package.name.as_ref().map(|name| WitPath::root("package", name));
    let finding = Diagnostic::error(Code::VersionNotHonoured, format!("{effect}; {versions}"))
        .severity(weight)
        .at(path.unwrap_or_default())
        .help(help);
    let named = account.places.iter().take(NAMED).map(ToString::to_string);
    let mut finding = named.fold(finding, Diagnostic::note);
    if let Some(more) = account.places.len().checked_sub(NAMED).filter(|more| *more > 0) {
        finding = finding.note(format!("and {more} more"));
    }
    Some(finding)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(old: Option<&str>, new: Option<&str>) -> Package {
        let parse = |version: &str| Version::parse(version).expect("a version");
        let name = Some("a:b".to_owned());
        Package { name, old: old.map(parse), new: new.map(parse), same: true }
    }

    /// Effect, old and new version; the step that is needed and whether this one honours it.
    const TABLE: &[(Effect, &str, &str, Bump, bool)] = &[
        (Effect::None, "1.2.3", "1.2.3", Bump::None, true),
        (Effect::None, "1.2.3", "2.0.0", Bump::None, true),
        (Effect::None, "1.2.3", "1.2.2", Bump::None, false),
        (Effect::Harmless, "1.2.3", "1.2.3", Bump::Patch, false),
        (Effect::Harmless, "1.2.3", "1.2.4", Bump::Patch, true),
        (Effect::Addition, "1.2.3", "1.2.4", Bump::Minor, false),
        (Effect::Addition, "1.2.3", "1.3.0", Bump::Minor, true),
        (Effect::Addition, "1.2.3", "1.3.0-rc.1", Bump::Minor, true),
        (Effect::Breaking, "1.2.3", "1.9.0", Bump::Major, false),
        (Effect::Breaking, "1.2.3", "2.0.0", Bump::Major, true),
        (Effect::Breaking, "1.2.3", "2.0.0-alpha", Bump::Major, true),
        (Effect::Breaking, "1.2.3", "0.9.0", Bump::Major, false),
        (Effect::Addition, "0.2.0", "0.2.0", Bump::Patch, false),
        (Effect::Addition, "0.2.0", "0.2.1", Bump::Patch, true),
        (Effect::Breaking, "0.2.0", "0.2.1", Bump::Minor, false),
        (Effect::Breaking, "0.2.0", "0.3.0", Bump::Minor, true),
        (Effect::Breaking, "0.2.0", "1.0.0", Bump::Minor, true),
        (Effect::Addition, "0.0.3", "0.0.4", Bump::Patch, true),
        (Effect::Breaking, "0.0.3", "0.0.4", Bump::Patch, true),
        (Effect::Breaking, "0.0.3", "0.0.3", Bump::Patch, false),
        (Effect::Breaking, "1.0.0-rc.1", "1.0.0-rc.1", Bump::Prerelease, false),
        (Effect::Breaking, "1.0.0-rc.1", "1.0.0-rc.2", Bump::Prerelease, true),
        (Effect::Breaking, "1.0.0-rc.1", "1.0.0", Bump::Prerelease, true),
        (Effect::Breaking, "1.0.0+one", "1.0.0+two", Bump::Major, false),
    ];

    #[test]
    fn each_effect_needs_its_step() {
        for (effect, old, new, bump, honoured) in TABLE {
            let row = row(&package(Some(old), Some(new)), *effect);
            assert_eq!((row.required, row.honoured), (*bump, *honoured), "{effect:?} {old} {new}");
        }
    }

    /// The point of it all: where a breaking change is honoured, old names no longer match.
    #[test]
    fn an_honoured_break_leaves_the_track() {
        for (effect, old, new, _, honoured) in TABLE {
            if *effect == Effect::Breaking && *honoured {
                let names = [format!("a:b/c@{old}"), format!("a:b/c@{new}")];
                let [old, new] = names.each_ref().map(|name| ExternName::parse(name).canonical());
                assert_ne!(old, new);
            }
        }
    }

    #[test]
    fn the_lowest_version_that_will_do_does() {
        for (effect, old, ..) in TABLE.iter().filter(|(effect, ..)| *effect != Effect::None) {
            let least = row(&package(Some(old), Some(old)), *effect).at_least.expect("a bump");
            assert!(row(&package(Some(old), Some(&least)), *effect).honoured, "{old} {least}");
        }
        let rc = row(&package(Some("1.0.0-rc.1"), None), Effect::Breaking);
        assert_eq!(rc.at_least.as_deref(), Some("1.0.0-rc.2"));
        let alpha = row(&package(Some("1.0.0-alpha"), None), Effect::Breaking);
        assert_eq!(alpha.at_least.as_deref(), Some("1.0.0"));
    }

    #[test]
    fn without_versions_nothing_is_announced() {
        let none = package(None, None);
        assert!(!row(&none, Effect::Breaking).honoured);
        assert!(!row(&none, Effect::Addition).honoured);
        assert!(row(&none, Effect::Harmless).honoured);
        assert!(row(&package(None, Some("0.1.0")), Effect::Breaking).honoured);
        assert!(!row(&package(Some("0.1.0"), None), Effect::Breaking).honoured);
    }
}
