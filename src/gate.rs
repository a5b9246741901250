//! The pipeline over many plugins.

use crate::check;
use crate::config::{Host, Plugin};
use crate::diagnostic::{PluginReport, Report, Summary};
use crate::judge::{JudgeError, Options, judge, tool};

/// Judges plugins, in their order. `listed` are the ids of all plugins that there are, of which these
/// may be a selection. `progress` is told of each before it is begun, with its index.
///
/// # Errors
///
/// Only for the host's own mistakes; a plugin that cannot be judged has that as its verdict.
pub fn gate(
    plugins: &[Plugin],
    listed: &[&str],
    host: &Host,
    options: &Options,
    progress: &mut dyn FnMut(usize, &Plugin),
) -> Result<Report, JudgeError> {
    let mut reports = Vec::with_capacity(plugins.len());
    for (index, plugin) in plugins.iter().enumerate() {
        progress(index, plugin);
        reports.push(judge(plugin, host, options)?);
    }
    Ok(report("plugtool.gate/0", host, reports, listed, options.today))
}

/// A report over plugins that have their verdicts. `listed` are the ids of all plugins that there are,
/// judged this time or not.
pub fn report(
    schema: &'static str,
    host: &Host,
    plugins: Vec<PluginReport>,
    listed: &[&str],
    today: (u16, u8, u8),
) -> Report {
    Report {
        schema,
        tool: tool(),
        config: host.config.clone(),
        worlds: host.worlds.iter().filter_map(|world| world.name.clone()).collect(),
        sandbox: plugins.iter().find_map(|plugin| plugin.sandbox.clone()),
        summary: Summary::of(&plugins),
        diagnostics: check::idle_waivers(&plugins, listed, &host.policy, today),
        plugins,
    }
}
