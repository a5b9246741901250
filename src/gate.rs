//! The pipeline over many plugins.

pub mod inputs;
pub mod merge;
pub mod partition;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use crate::check;
use crate::config::{Host, Plugin};
use crate::diagnostic::{PluginReport, Report, Summary, Timing, Verdict};
use crate::judge::{Options, judge, tool};

/// What is told while plugins are judged.
#[derive(Clone, Copy, Debug)]
pub enum Step<'a> {
    /// Work on a plugin begins.
    Begun(&'a Plugin),
    /// A plugin has its verdict; so many have theirs now.
    Done(&'a PluginReport, usize),
}

/// Judges plugins, several at a time, and reports them in their order, whichever was done first.
/// `listed` are the ids of all plugins that there are, of which these may be a selection. `progress`
/// is told as it goes, from the thread that does the work.
/// A plugin that cannot be judged has that as its verdict.
pub fn gate(
    plugins: &[Plugin],
    listed: &[&str],
    host: &Host,
    options: &Options,
    progress: &(dyn Fn(Step<'_>) + Sync),
) -> Report {
    let reports = judge_all(plugins, host, options, progress);
    report("plugtool.gate/0", host, reports, listed, options.today)
}

/// One report for each plugin, in their order.
fn judge_all(
    plugins: &[Plugin],
    host: &Host,
    options: &Options,
    progress: &(dyn Fn(Step<'_>) + Sync),
) -> Vec<PluginReport> {
    let next = AtomicUsize::new(0);
    let done = AtomicUsize::new(0);
    let work = || {
        let mut results = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(plugin) = plugins.get(index) else { break };
            progress(Step::Begun(plugin));
            let begun = Instant::now();
            let mut report = judge(plugin, host, options);
            if report.verdict != Verdict::Skipped {
                report.timing = Some(Timing::since(begun));
            }
            progress(Step::Done(&report, done.fetch_add(1, Ordering::Relaxed) + 1));
            results.push((index, report));
        }
        results
    };
    let threads = options.jobs.get().min(plugins.len()).max(1);
    let mut results = thread::scope(|scope| {
        // Where the system has no more threads, those that there are do it all.
        let thread = || thread::Builder::new().spawn_scoped(scope, work).ok();
        let others: Vec<_> = (1..threads).map_while(|_| thread()).collect();
        let mut results = work();
        for other in others {
            match other.join() {
                Ok(more) => results.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        results
    });
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, report)| report).collect()
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
        schema: schema.into(),
        tool: tool(),
        config: host.config.clone(),
        partition: None,
        worlds: host.worlds.iter().filter_map(|world| world.name.clone()).collect(),
        sandbox: plugins.iter().find_map(|plugin| plugin.sandbox.clone()),
        summary: Summary::of(&plugins),
        diagnostics: check::idle_waivers(&plugins, listed, &host.policy, today),
        plugins,
    }
}
