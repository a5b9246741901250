//! `plugtool merge`.

use std::path::{Path, PathBuf};

use clap::Args;

use super::reports::Reports;
use super::{Common, EXIT_STATUS, Failure};
use crate::diagnostic::Report;
use crate::gate::merge::{Part, merge};
use crate::input;

/// Join the JSON reports of partitions into the report of the whole
///
/// Every part must be there, and all must be of one gate: the same program, configuration and list of
/// plugins. What has no verdict could not be judged.
#[derive(Args)]
#[command(after_help = EXIT_STATUS, after_long_help = format!("\
Examples:
  plugtool merge part-1.json part-2.json
  plugtool merge part-1.json part-2.json --report junit=out.xml --report sarif=out.sarif

{EXIT_STATUS}"))]
pub struct Merge {
    /// JSON reports of `plugtool gate --partition`, in any order
    #[arg(value_name = "REPORT", required = true)]
    parts: Vec<PathBuf>,
    #[command(flatten)]
    reports: Reports,
    #[command(flatten)]
    common: Common,
}

impl Merge {
    pub(super) fn run(self) -> Result<u8, Failure> {
        self.reports.check(&self.common)?;
        // What cannot be read is as good as missing; what can be is reported all the same.
        let (mut parts, mut wrong) = (Vec::new(), Vec::new());
        for path in &self.parts {
            match read(path) {
                Ok(part) => parts.push(part),
                Err(error) => wrong.push(error),
            }
        }
        if parts.is_empty() {
            return Err(Failure::internal(anyhow::anyhow!(wrong.join("\n"))));
        }
        let merged = merge(parts, self.common.fail_on()).map_err(Failure::usage)?;
        let status = self.reports.verdicts(&self.common, &merged.report, merged.fail_on, Ok(0))?;
        wrong.extend(merged.missing);
        if wrong.is_empty() {
            Ok(status)
        } else {
            Err(Failure::internal(anyhow::anyhow!(wrong.join("\n"))))
        }
    }
}

fn read(path: &Path) -> Result<Part, String> {
    let file = path.to_string_lossy().into_owned();
    let input = input::read("", &file).map_err(|error| format!("{file}: {error}"))?;
    let report: Report = serde_json::from_slice(&input.bytes).map_err(|error| {
        format!("{file}: it is no whole JSON report of `plugtool gate`: {error}")
    })?;
    Ok(Part { file, report })
}
