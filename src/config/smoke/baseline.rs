//! What a case cost when it was recorded.

use std::collections::BTreeMap;
use std::ops::Range;

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use crate::config::ConfigError;
use crate::config::parse::Source;
use crate::config::schema::Percent;
use crate::diagnostic::{CompiledBy, Place};

/// The fuel that a case used when it was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Baseline {
    /// The engine that counted, with its version: another one counts otherwise.
    pub engine: String,
    /// The compiler of all code that was measured; none where they were several.
    pub compiler: Option<CompiledBy>,
    /// By how many percent a plugin may be above before that is a finding.
    pub tolerance: u64,
    /// The same as it is written, where it is.
    pub written: Option<String>,
    /// The fuel by plugin.
    pub fuel: BTreeMap<String, u64>,
    /// Where it stands.
    pub place: Place,
    /// Where it stands in its file, in bytes.
    pub span: Range<usize>,
}

/// What a case used when it was recorded.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "Baseline")]
pub struct BaselineTable {
    /// The engine that counted, with its version: another one counts otherwise.
    engine: String,
    /// The compiler of all code that was measured.
    compiler: Option<CompiledBy>,
    /// By how much a plugin may be above; 10% where nothing is said.
    #[schemars(with = "Option<Percent>")]
    tolerance: Option<Spanned<String>>,
    /// The fuel, by the ids of plugins.
    fuel: BTreeMap<String, u64>,
}

/// How far above its baseline a plugin may be where the file does not say.
const TOLERANCE: u64 = 10;

/// The baseline as it is written.
///
/// # Errors
///
/// Its tolerance is no percentage.
pub fn settle(
    baseline: Spanned<BaselineTable>,
    source: &Source<'_>,
) -> Result<Baseline, ConfigError> {
    let span = baseline.span();
    let table = baseline.into_inner();
    let tolerance = match &table.tolerance {
        None => TOLERANCE,
        Some(text) => {
            let percent = text.get_ref().strip_suffix('%').and_then(|n| n.trim().parse().ok());
            percent.ok_or_else(|| {
                source.error(text.span(), "a tolerance is in percent, as in \"10%\"")
            })?
        }
    };
    let place = source.place(span.clone());
    let BaselineTable { engine, compiler, fuel, tolerance: written } = table;
    let written = written.map(Spanned::into_inner);
    Ok(Baseline { engine, compiler, tolerance, written, fuel, place, span })
}
