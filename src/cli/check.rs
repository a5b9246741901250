//! `plugtool check`.

use clap::Args;

use super::{Common, EXIT_STATUS, Failure, HostArgs};
use crate::check::{today, weigh};
use crate::config::Versions;
use crate::{gate, input, judge};

/// Check components against a host's world
///
/// Nothing is run. A component passes where it targets one of the host's worlds, by itself or through
/// the host's adapters, with what the host wants stubbed closed, and the host's policy has nothing
/// against it.
#[derive(Args)]
#[command(after_help = EXIT_STATUS, after_long_help = format!("\
Examples:
  plugtool check plugin.wasm --host their-host/
  plugtool check plugin.wasm --wit wit/ --world my:cli/plugin@0.2.0 --provides wasi
  plugtool check new.wasm --wit old.wasm    does the new one do for the old one's host?

{EXIT_STATUS}"))]
pub struct Check {
    /// Components: paths or `-`, binary or text, each as PATH or NAME=PATH
    #[arg(required = true, value_name = "COMPONENT")]
    components: Vec<String>,
    #[command(flatten)]
    host: HostArgs,
    /// Want the versions of interfaces to be those of the host, to the letter
    #[arg(long)]
    exact_versions: bool,
    #[command(flatten)]
    common: Common,
}

impl Check {
    pub(super) fn run(self) -> Result<u8, Failure> {
        let mut host = self.host.load()?;
        if self.exact_versions {
            host.policy.versions = Versions::Exact;
            host.policy.versions_of.clear();
            host.policy.versions_place = None;
        }
        let today = today();
        let mut reports = Vec::new();
        for argument in &self.components {
            let (name, path) = input::split_name(argument);
            let (component, mut report) = judge::open_for(&name, path, &host);
            if let Some(component) = component {
                judge::measure(component, &host, &mut report);
            }
            weigh(&mut report, &host.policy, today);
            report.settle(self.common.fail_on());
            reports.push(report);
        }
        // Plugins that are not named here are none of this command's business.
        let listed: Vec<&str> =
            host.policy.waivers.iter().map(|waiver| waiver.plugin.as_str()).collect();
        let report = gate::report("plugtool.check/0", &host, reports, &listed, today);
        self.common.verdicts(&report)
    }
}
