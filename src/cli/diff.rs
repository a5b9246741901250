//! `plugtool diff`.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{Common, EXIT_STATUS, Failure};
use crate::component::{self, FEATURES};
use crate::diagnostic::{DiffReport, DiffSide};
use crate::input::{self, Kind};
use crate::judge::tool;
use crate::render;
use crate::world::{self, WitError, World};

/// Say what changed between two worlds, and whom it breaks
///
/// Each change comes with whether it breaks old plugins on the new host or new plugins on the old
/// host, and the changes of each package with the version step that they need. A declared version
/// that does not honour its changes is a finding.
#[derive(Args)]
#[command(after_help = EXIT_STATUS, after_long_help = format!("\
Examples:
  plugtool diff published/wit wit
  plugtool diff published/wit wit --world my:cli/plugin
  plugtool diff old.wasm new.wasm           the worlds of two components

{EXIT_STATUS}"))]
pub struct Diff {
    /// The world before: a directory of WIT, a .wit file, an encoded package, or a component
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The world after
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// The world to compare, on both sides; may be left out where one side has only one. A version
    /// that a side does not have is looked past
    #[arg(long, value_name = "NAME")]
    world: Option<String>,
    /// A feature whose @unstable items are part of the WIT, on both sides; may be repeated
    #[arg(long, value_name = "NAME")]
    feature: Vec<String>,
    #[command(flatten)]
    common: Common,
}

impl Diff {
    pub(super) fn run(self) -> Result<u8, Failure> {
        let [(old, before), (new, after)] = self.worlds()?;
        let diff = crate::diff::diff(&before, &after);
        let report = DiffReport {
            schema: "plugtool.diff/0",
            tool: tool(),
            old,
            new,
            breaks_old_plugins: diff.changes.iter().any(|change| change.breaks_old_plugins),
            breaks_new_plugins: diff.changes.iter().any(|change| change.breaks_new_plugins),
            changes: diff.changes,
            packages: diff.packages,
            diagnostics: diff.diagnostics,
        };
        self.common.print(&report, render::diff::diff)?;
        Ok(self.common.status(&report.diagnostics))
    }

    /// The two worlds. Where no name is given and only one side has several worlds, the other side's
    /// name decides.
    fn worlds(&self) -> Result<[(DiffSide, World); 2], Failure> {
        if let Some(name) = &self.world {
            return Ok([self.read(&self.old, Some(name))?, self.read(&self.new, Some(name))?]);
        }
        Ok(match (self.read(&self.old, None), self.read(&self.new, None)) {
            (Err(Unread::Several(_)), Ok(new)) => {
                let name = new.1.name.clone();
                [self.read(&self.old, name.as_deref())?, new]
            }
            (Ok(old), Err(Unread::Several(_))) => {
                let name = old.1.name.clone();
                let new = self.read(&self.new, name.as_deref())?;
                [old, new]
            }
            (old, new) => [old?, new?],
        })
    }

    /// The world of this name, with or without its version; or the world of a component, which has one.
    fn read(&self, path: &Path, name: Option<&str>) -> Result<(DiffSide, World), Unread> {
        let shown = path.display().to_string();
        let wrong = |reason: &dyn std::fmt::Display| {
            Unread::Other(Failure::usage(anyhow::anyhow!("{shown}: {reason}")))
        };
        if !path.exists() {
            return Err(wrong(&"no such file or directory"));
        }
        let mut sha256 = None;
        if path.is_file() && path.extension().is_none_or(|extension| extension != "wit") {
            let input = input::read(&shown, &shown).map_err(|error| wrong(&error))?;
            sha256 = Some(input.sha256().to_owned());
            if input.kind != Kind::Component || !component::is_wit_package(&input.bytes) {
                let component =
                    component::decode(input).map_err(|finding| wrong(&finding.message))?;
                return Ok((DiffSide { path: shown, sha256, world: None }, component.world));
            }
        }
        let failed = |error: WitError| {
            let several = name.is_none() && matches!(error, WitError::Ambiguous { .. });
            let failure = Failure::usage(anyhow::anyhow!("{shown}: {error}"));
            if several { Unread::Several(failure) } else { Unread::Other(failure) }
        };
        let wit = world::load(&[path.to_owned()], &self.feature)
            .map_err(|error| Unread::Other(Failure::usage(error)))?;
        let world = match (wit.world(name, FEATURES), name.and_then(|name| name.split_once('@'))) {
            (Err(WitError::NoSuchWorld { .. }), Some((bare, _))) => wit.world(Some(bare), FEATURES),
            (world, _) => world,
        };
        let world = world.map_err(failed)?;
        Ok((DiffSide { path: shown, sha256, world: world.name.clone() }, world))
    }
}

/// Why there is no world.
enum Unread {
    /// No name was given, and there are several.
    Several(Failure),
    Other(Failure),
}

impl From<Unread> for Failure {
    fn from(unread: Unread) -> Failure {
        match unread {
            Unread::Several(failure) | Unread::Other(failure) => failure,
        }
    }
}
