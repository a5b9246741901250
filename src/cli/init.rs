//! `plugtool init`.

use std::fs;
use std::path::PathBuf;

use clap::Args;

use super::{Common, EXIT_STATUS, Failure, write_whole};
use crate::config;
use crate::diagnostic::InitReport;
use crate::judge::tool;
use crate::render::text;

/// Write a first host folder for a world
///
/// The WIT, a commented plugtool.toml, a list of plugins, and an example of a plugin that has what the
/// world demands and does nothing. `plugtool gate` passes it as it stands.
#[derive(Args)]
#[command(after_help = EXIT_STATUS, after_long_help = format!("\
Examples:
  plugtool init --wit wit --world my:cli/plugin my-host
  plugtool gate --host my-host

{EXIT_STATUS}"))]
pub struct Init {
    /// The folder to write [default: here]
    #[arg(value_name = "DIR", default_value = ".", hide_default_value = true)]
    folder: PathBuf,
    /// The WIT of the world: a directory, a .wit file, or an encoded package
    #[arg(long, value_name = "WIT")]
    wit: PathBuf,
    /// The world that plugins target; may be left out where there is only one
    #[arg(long, value_name = "NAME")]
    world: Option<String>,
    /// A feature whose @unstable items are part of the WIT; may be repeated
    #[arg(long, value_name = "NAME")]
    feature: Vec<String>,
    #[command(flatten)]
    common: Common,
}

impl Init {
    pub(super) fn run(self) -> Result<u8, Failure> {
        let files = config::first_host(&self.wit, self.world.as_deref(), &self.feature)?;
        // All or nothing: what is there is somebody's work.
        if let Some(there) =
            files.iter().map(|file| self.folder.join(&file.path)).find(|p| p.exists())
        {
            return Err(Failure::usage(anyhow::anyhow!(
                "{} is there already; nothing was written. Name another folder",
                there.display()
            )));
        }
        for file in &files {
            let path = self.folder.join(&file.path);
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder).map_err(|error| {
                    Failure::internal(anyhow::anyhow!("{}: {error}", folder.display()))
                })?;
            }
            write_whole(&path, &file.bytes)?;
        }
        let report = InitReport {
            schema: "plugtool.init/0",
            tool: tool(),
            folder: self.folder.display().to_string(),
            files: files.iter().map(|file| file.path.display().to_string()).collect(),
        };
        self.common.print(&report, text::init)?;
        Ok(0)
    }
}
