//! `plugtool explain`.

use clap::Args;
use clap::builder::PossibleValuesParser;
use serde::Serialize;

use super::{EXIT_STATUS, Failure, Format, print};
use crate::config::{FILE_SCHEMAS, file_schema};
use crate::diagnostic::{Code, SCHEMAS, schema};
use crate::render::json;
use crate::world::nearest;

/// Explain a diagnostic code, or list them all
#[derive(Args)]
#[command(after_help = EXIT_STATUS, after_long_help = format!("\
Examples:
  plugtool explain
  plugtool explain type-mismatch
  plugtool explain --schema check
  plugtool explain --schema host

{EXIT_STATUS}"))]
pub struct Explain {
    /// The code, as it stands in brackets behind `error`
    #[arg(value_name = "CODE")]
    code: Option<String>,
    /// Print the JSON Schema of what a command writes under --format json, or of a file that a host
    /// writes: host is plugtool.toml, plugins a list of plugins, smoke a file of smoke cases
    #[arg(long, value_name = "COMMAND|FILE", conflicts_with = "code",
        value_parser = PossibleValuesParser::new(FILE_SCHEMAS.iter().chain(SCHEMAS)))]
    schema: Option<String>,
    /// How to write the answer
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

#[derive(Serialize)]
struct Explained {
    schema: &'static str,
    codes: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    code: Code,
    summary: &'static str,
    explanation: &'static str,
}

impl Explain {
    pub(super) fn run(self) -> Result<u8, Failure> {
        if let Some(name) = self.schema.as_deref() {
            let schema = match file_schema(name) {
                Some(schema) => json::json(&schema),
                None => json::json(&schema(name)),
            };
            print(&schema.map_err(Failure::internal)?)?;
            return Ok(0);
        }
        let codes = match &self.code {
            None => Code::ALL.to_vec(),
            Some(name) => vec![Code::from_name(name).ok_or_else(|| unknown(name))?],
        };
        let text = match (self.format, &self.code) {
            (Format::Json, _) => {
                let entry = |code: &Code| Entry {
                    code: *code,
                    summary: code.summary(),
                    explanation: code.explanation(),
                };
                let codes = codes.iter().map(entry).collect();
                json::json(&Explained { schema: "plugtool.explain/0", codes })
                    .map_err(Failure::internal)?
            }
            (Format::Text, Some(_)) => codes[0].explanation().to_owned(),
            (Format::Text, None) => {
                let width = codes.iter().map(|code| code.name().len()).max().unwrap_or(0);
                codes
                    .iter()
                    .map(|code| format!("{:width$}  {}\n", code.name(), code.summary()))
                    .collect()
            }
        };
        print(&text)?;
        Ok(0)
    }
}

fn unknown(name: &str) -> Failure {
    let near = nearest(name, Code::ALL.iter().map(|code| code.name()));
    Failure::usage(match near {
        Some(near) => anyhow::anyhow!("there is no code `{name}`; did you mean `{near}`?"),
        None => anyhow::anyhow!("there is no code `{name}`; `plugtool explain` lists them"),
    })
}
