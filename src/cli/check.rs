//! `plugtool check`.

use clap::Args;

use super::{Common, EXIT_STATUS, Failure, HostArgs};
use crate::check::check;
use crate::{gate, input, judge};

/// Check components against a host's world
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
    #[command(flatten)]
    common: Common,
}

impl Check {
    pub(super) fn run(self) -> Result<u8, Failure> {
        let host = self.host.load()?;
        let mut reports = Vec::new();
        for argument in &self.components {
            let (name, path) = input::split_name(argument);
            let (component, mut report) = judge::open(&name, path);
            if let Some(component) = component {
                let finding = check(&component.world, &host);
                report.world.clone_from(&host.worlds[finding.world].name);
                report.diagnostics.extend(finding.diagnostics);
            }
            report.settle(self.common.fail_on());
            reports.push(report);
        }
        self.common.verdicts(&gate::report("plugtool.check/0", &host, reports))
    }
}
