//! `plugtool gate`.

use std::env;
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::available_parallelism;

use clap::Args;

use super::cache::{CacheArguments, tell};
use super::progress::Progress;
use super::record::record;
use super::reports::Reports;
use super::stream::Stream;
use super::{Common, EXIT_STATUS, Failure, load_host, verdicts};
use crate::check::{idle_stubs, today};
use crate::config::{self, Host, Plugin};
use crate::diagnostic::{Diagnostic, PartitionItem, PartitionUsed, Report, Severity, Verdict};
use crate::gate::inputs::inputs;
use crate::gate::partition::{Partition, PartitionError};
use crate::judge::Options;
use crate::{gate, sandbox};

/// Judge every plugin of a list: check, adapt, compose, run the smoke cases
///
/// A plugin that does not target the host's world is composed with the host's adapters where that
/// makes it fit, and imports that the host wants stubbed are closed. Smoke cases run in worker processes with the host's limits.
///
/// What was found out before, about the same bytes and on the same terms, is not found out again; the
/// host's policy is applied each time.
///
/// An interrupt or a request to terminate ends it with what is known: every report is written, and what has
/// no verdict could not be judged. Asked again, it ends at once.
#[derive(Args)]
#[command(after_help = EXIT_STATUS, after_long_help = format!("\
Examples:
  plugtool gate --host compositions/cli-host
  plugtool gate --host compositions/cli-host --plugins submitted.toml
  plugtool gate --host compositions/cli-host --plugins 'submitted/*.wasm' --format json
  plugtool gate --host compositions/cli-host --report sarif=out.sarif --report junit=out.xml
  plugtool gate --host compositions/cli-host --partition hash:1/2 --report json=part-1.json
  plugtool gate --host compositions/cli-host --only greet --record
  plugtool gate --host compositions/cli-host --no-cache

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
    /// Judge a part of the plugins: hash:M/N or slice:M/N is the Mth of N, none is all of them
    /// [default: what GitLab's, Bazel's or Kubernetes' variables say, by hash; a Kubernetes Job has to pass on
    /// its `completions` as JOB_COMPLETIONS]
    #[arg(long, value_name = "PARTITION", value_parser = Part::parse)]
    partition: Option<Part>,
    /// How many plugins to judge at a time [default: the number of processors]
    #[arg(long, value_name = "N")]
    jobs: Option<NonZero<usize>>,
    /// Run every smoke case once more in a fresh instance; whatever differs is a finding
    #[arg(long)]
    twice: bool,
    /// Write what the calls of the smoke cases return into the smoke files, as what is expected, and
    /// the fuel that was used beside it; nothing where a plugin fails
    #[arg(long)]
    record: bool,
    /// Write what plugins asked of the host in smoke cases, and what it answered, as NDJSON: a line for
    /// each call, which a case can `replay`
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    #[command(flatten)]
    cache: CacheArguments,
    #[command(flatten)]
    reports: Reports,
    #[command(flatten)]
    common: Common,
}

/// The variable in which Bazel names a file whose presence says that sharding is understood.
const TEST_SHARD_STATUS_FILE: &str = "TEST_SHARD_STATUS_FILE";

/// `--partition`.
#[derive(Clone)]
enum Part {
    /// `none`
    All,
    One(Partition),
}

impl Part {
    fn parse(text: &str) -> Result<Part, PartitionError> {
        if text == "none" { Ok(Part::All) } else { text.parse().map(Part::One) }
    }
}

impl Gate {
    pub(super) fn run(mut self) -> Result<u8, Failure> {
        self.reports.trace_to(self.trace.take());
        self.reports.check(&self.common)?;
        let worker = sandbox::this_program().map_err(Failure::internal)?;
        let cache = verdicts::begin(self.cache.folder(), &worker);
        let mut host = load_host(self.host.as_deref(), "")?;
        for case in &mut host.cases {
            case.twice |= self.twice;
        }
        let sources = if self.plugins.is_empty() { &host.plugins } else { &self.plugins };
        let all = config::plugin_list(sources)?;
        let listed: Vec<&str> = all.iter().map(|plugin| plugin.id.as_str()).collect();
        let selected = select(all.clone(), &self.only)?;
        if selected.is_empty() {
            return Err(Failure::usage(anyhow::anyhow!(
                "there is nothing to judge: no plugin is listed; name some with --plugins, or with \
                 `plugins` under [host]"
            )));
        }
        let partition = self.partition()?;
        let plugins = match &partition {
            Some(part) => {
                let numbered = selected.iter().enumerate();
                let own = numbered.filter(|(place, plugin)| part.has(*place, &plugin.id));
                own.map(|(_, plugin)| plugin.clone()).collect()
            }
            None => selected.clone(),
        };
        let options = Options {
            worker,
            fail_on: self.common.fail_on(),
            jobs: self
                .jobs
                .unwrap_or_else(|| available_parallelism().unwrap_or(NonZero::<usize>::MIN)),
            today: today(),
            record: self.record,
            code: self.cache.code().map(Arc::new),
            cache: cache.and_then(|cache| cache.open(&host, &self.common)),
        };
        sandbox::heed_interrupts(asked_to_end).map_err(|error| {
            Failure::internal(anyhow::Error::new(error).context("signals cannot be heeded"))
        })?;
        let progress = Progress::new(plugins.len(), self.common.quiet);
        let stream = self.reports.streams().then(|| Stream::new(&plugins));
        let mut report = gate::gate(&plugins, &listed, &host, &options, &|step| {
            progress.tell(step);
            stream.iter().for_each(|stream| stream.tell(step));
        });
        progress.clear();
        options.code.iter().for_each(|code| tell(code, &self.common));
        options.cache.iter().for_each(|cache| verdicts::close(cache, &self.common));
        // Other lists, and parts of the host's, say nothing about what its plugins need.
        let idle = if self.plugins.is_empty() && selected.len() == all.len() {
            idle_stubs(&report.plugins, &host.policy)
        } else {
            Vec::new()
        };
        match partition {
            Some(part) => {
                report.partition = Some(used(part, &host, &selected, options.fail_on, idle))
            }
            None => report.diagnostics.extend(idle),
        }
        let streamed = stream.map_or(Ok(0), Stream::end);
        let status = self.reports.verdicts(&self.common, &report, options.fail_on, streamed)?;
        if self.record {
            record_all(&report, &host)?;
        }
        Ok(status)
    }
}

impl Gate {
    /// The part that is to be judged: what the flag says, or else what the environment says.
    fn partition(&self) -> Result<Option<Partition>, Failure> {
        match &self.partition {
            Some(Part::All) => return Ok(None),
            Some(Part::One(partition)) => return Ok(Some(partition.clone())),
            None => {}
        }
        let variable =
            |name: &str| env::var_os(name).map(|value| value.to_string_lossy().into_owned());
        let partition = Partition::of_environment(&variable).map_err(Failure::usage)?;
        if partition.as_ref().is_some_and(|partition| partition.source == "Bazel")
            && let Some(path) = env::var_os(TEST_SHARD_STATUS_FILE)
        {
            let path = PathBuf::from(path);
            File::create(&path).map_err(|error| {
                Failure::internal(anyhow::anyhow!("{} cannot be written: {error}", path.display()))
            })?;
        }
        Ok(partition)
    }
}

/// The exit status of what was interrupted a second time: as a shell has it, of a program that an
/// interrupt ended.
const INTERRUPTED: i32 = 130;

/// The first request to end lets the gate report what it knows. Whoever asks again wants no report.
fn asked_to_end(again: bool) {
    if again {
        std::process::exit(INTERRUPTED);
    }
    // A terminal has written `^C` into the line.
    let line_feed = if io::stderr().is_terminal() { "\n" } else { "" };
    let text = "interrupted: what is known will be reported; once more ends it at once";
    let _ = writeln!(anstream::stderr(), "{line_feed}{text}");
}

/// What a report says of its part.
fn used(
    part: Partition,
    host: &Host,
    selected: &[Plugin],
    fail_on: Severity,
    idle: Vec<Diagnostic>,
) -> PartitionUsed {
    let item = |plugin: &Plugin| PartitionItem { id: plugin.id.clone(), path: plugin.path.clone() };
    PartitionUsed {
        method: part.method,
        index: part.index,
        total: part.total,
        source: part.source,
        fail_on,
        inputs: inputs(host),
        items: selected.iter().map(item).collect(),
        idle,
    }
}

/// Writes what was recorded into the smoke files: all of them, or where a plugin failed, none.
fn record_all(report: &Report, host: &Host) -> Result<(), Failure> {
    if report.plugins.iter().any(|p| matches!(p.verdict, Verdict::Fail | Verdict::Unjudged)) {
        let mut say = anstream::stderr();
        let _ = writeln!(say, "nothing was recorded: there are plugins that did not pass");
        return Ok(());
    }
    let passed = report.plugins.iter().filter(|plugin| plugin.verdict == Verdict::Pass);
    let ran: Vec<_> = passed.map(|plugin| (plugin.id.as_str(), &plugin.cases[..])).collect();
    record(&host.cases, &ran, &report.tool.engine)
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
