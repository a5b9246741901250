//! The JSON that the commands write, described: generated from the report types, so that it cannot say
//! anything else than they do.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};

use super::{
    AdaptReport, ComposeReport, DiffReport, GateEnd, GatePlugin, InitReport, InspectReport, Report,
    RunReport, TraceLine,
};

/// The commands whose JSON has a schema, and the lines of NDJSON that are written.
pub const SCHEMAS: &[&str] = &[
    "adapt",
    "check",
    "compose",
    "diff",
    "gate",
    "gate-end",
    "gate-plugin",
    "host-call",
    "init",
    "inspect",
    "run",
];

/// The JSON Schema (2020-12) of what a command writes under `--format json`; none for a command that is
/// not in [`SCHEMAS`].
pub fn schema(command: &str) -> Option<Schema> {
    match command {
        "check" | "gate" => Some(of::<Report>()),
        "adapt" => Some(of::<AdaptReport>()),
        "gate-end" => Some(of::<GateEnd<'_>>()),
        "gate-plugin" => Some(of::<GatePlugin<'_>>()),
        "host-call" => Some(of::<TraceLine<'_>>()),
        "compose" => Some(of::<ComposeReport>()),
        "diff" => Some(of::<DiffReport>()),
        "init" => Some(of::<InitReport>()),
        "inspect" => Some(of::<InspectReport>()),
        "run" => Some(of::<RunReport>()),
        _ => None,
    }
}

fn of<T: JsonSchema>() -> Schema {
    // What is written, as opposed to what would be accepted: fields that are never left out are required.
    SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>()
}
