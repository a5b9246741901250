//! `plugtool gate`.

use std::path::PathBuf;

use clap::Args;

use super::{Common, EXIT_STATUS, Failure, load_host, progress};
use crate::check::today;
use crate::config::{self, Plugin};
use crate::judge::{JudgeError, Options};
use crate::{gate, sandbox};

/// Judge every plugin of a list: check, adapt, compose, run the smoke cases
///
/// A plugin that does not target the host's world is composed with the host's adapters where that
/// makes it fit. Smoke cases run in worker processes with the host's limits.
#[derive(Args)]
#[command(after_help = EXIT_STATUS, after_long_help = format!("\
Examples:
  plugtool gate --host compositions/cli-host
  plugtool gate --host compositions/cli-host --plugins submitted.toml
  plugtool gate --host compositions/cli-host --plugins 'submitted/*.wasm' --format json

{EXIT_STATUS}"))]
pub struct Gate {
    /// The host folder, or its plugtool.toml [default: plugtool.toml here]
    #[arg(long, value_name = "DIR|FILE")]
    host: Option<PathBuf>,
    /// Lists of plugins (.toml), components, or patterns of them, instead of the host's own list
    #[arg(long, value_name = "FILE|GLOB")]
    plugins: Vec<String>,
    /// Judge only the plugin with this id; may be repeated
    #[arg(long, value_name = "ID")]
    only: Vec<String>,
    #[command(flatten)]
    common: Common,
}

impl Gate {
    pub(super) fn run(self) -> Result<u8, Failure> {
        let host = load_host(self.host.as_deref(), "")?;
        let sources = if self.plugins.is_empty() { &host.plugins } else { &self.plugins };
        let all = config::plugin_list(sources)?;
        let listed: Vec<&str> = all.iter().map(|plugin| plugin.id.as_str()).collect();
        let plugins = select(all.clone(), &self.only)?;
        if plugins.is_empty() {
            return Err(Failure::usage(anyhow::anyhow!(
                "there is nothing to judge: no plugin is listed; name some with --plugins, or with \
                 `plugins` under [host]"
            )));
        }
        let options = Options {
            worker: sandbox::this_program().map_err(Failure::internal)?,
            fail_on: self.common.fail_on(),
            today: today(),
        };
        let total = plugins.len();
        let mut on_plugin = |index: usize, plugin: &Plugin| {
            if !self.common.quiet {
                progress(&format!("[{}/{total}] {}", index + 1, plugin.id));
            }
        };
        let report = gate::gate(&plugins, &listed, &host, &options, &mut on_plugin);
        if !self.common.quiet {
            progress("");
        }
        let report = report.map_err(|error| match error {
            JudgeError::Case(_) => Failure::usage(error),
            JudgeError::Internal(_) => Failure::internal(error),
        })?;
        self.common.verdicts(&report)
    }
}

/// The plugins with these ids, in the order of the list; all of them where no id is given.
fn select(plugins: Vec<Plugin>, only: &[String]) -> Result<Vec<Plugin>, Failure> {
    if only.is_empty() {
        return Ok(plugins);
    }
    if let Some(id) = only.iter().find(|id| !plugins.iter().any(|plugin| plugin.id == **id)) {
        let ids: Vec<&str> = plugins.iter().map(|plugin| plugin.id.as_str()).collect();
        return Err(Failure::usage(anyhow::anyhow!(
            "--only {id}: no such plugin; there are {}",
            ids.join(", ")
        )));
    }
    Ok(plugins.into_iter().filter(|plugin| only.contains(&plugin.id)).collect())
}
