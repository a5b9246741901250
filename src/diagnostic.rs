//! What plugtool says: codes, severities, paths into a world, diagnostics, and the report that
//! carries them. Plain data; the words are chosen by the rooms above, the layout by `render`.

mod cached;
mod code;
mod diff;
mod excerpt;
mod host_call;
mod http;
mod inspection;
mod partition;
mod report;
mod run;
mod schema;
mod stubs;
mod timing;
mod usage;

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use cached::Known;
pub use code::Code;
pub use diff::{Bump, Change, ChangeKind, DiffReport, DiffSide, PackageChange};
pub use excerpt::fit;
pub use host_call::{AnsweredBy, HostCall, TRACE_SCHEMA, TraceLine};
pub use http::{HttpAnswer, HttpExchange};
pub use inspection::{
    Capability, CompositionShown, DebugInfo, InspectReport, Inspection, ItemShown, MemoryShown,
    PackageShown, Part, Producers, Request, WireSaid, WorldShown,
};
pub use partition::{Method, PartitionItem, PartitionUsed};
pub use report::{
    AdaptReport, AdapterUse, CallReport, CaseReport, ComponentUsed, ComposeReport, ConfigUsed,
    Distance, ExportFrom, GateEnd, GatePlugin, InitReport, PluginReport, Report, Summary, Tool,
    Verdict, WireShown, Wrote,
};
pub use run::{Captured, CommandReport, RunReport};
pub use schema::{SCHEMAS, schema};
pub use stubs::{StubUse, StubbedFunction, StubbedImport};
pub use timing::Timing;
pub use usage::{CompiledBy, Sandbox, Usage};

/// How much a finding weighs. Ordered: `Note < Warning < Error`.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Worth knowing; never decides a verdict.
    Note,
    /// Decides the verdict only under `--fail-on warning`.
    Warning,
    /// Decides the verdict.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        })
    }
}

/// One step on the way to a place in a world: `export run`, `record output`, `field exit-code`,
/// or a place without a name, such as `result` and `ok`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Segment {
    /// What the step is, in WIT's words.
    pub kind: Cow<'static, str>,
    /// Its name, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// The place in a world that a finding is about, from the import or export down to the leaf.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct WitPath(pub Vec<Segment>);

impl WitPath {
    /// A path of one named step.
    pub fn root(kind: &'static str, name: &str) -> WitPath {
        WitPath::default().then(kind, Some(name))
    }

    /// This path with one more step.
    pub fn then(&self, kind: &'static str, name: Option<&str>) -> WitPath {
        let mut segments = self.0.clone();
        segments.push(Segment { kind: kind.into(), name: name.map(str::to_owned) });
        WitPath(segments)
    }

    /// Whether the finding is about the component as a whole.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for WitPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, segment) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(" / ")?;
            }
            f.write_str(&segment.kind)?;
            if let Some(name) = &segment.name {
                write!(f, " {name}")?;
            }
        }
        Ok(())
    }
}

/// How a [`WitPath`] is written: the text for people and the steps for programs.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "WitPath")]
struct PathShown<'a> {
    /// `export run / result / ok / record output / field exit-code`
    text: String,
    /// The same step by step.
    steps: &'a [Segment],
}

impl Serialize for WitPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        PathShown { text: self.to_string(), steps: &self.0 }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for WitPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<WitPath, D::Error> {
        /// The text follows from the steps.
        #[derive(Deserialize)]
        struct Steps {
            steps: Vec<Segment>,
        }
        Steps::deserialize(deserializer).map(|path| WitPath(path.steps))
    }
}

impl JsonSchema for WitPath {
    fn schema_name() -> Cow<'static, str> {
        "WitPath".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        PathShown::json_schema(generator)
    }
}

/// One finding about one component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Diagnostic {
    /// What kind of finding it is.
    pub code: Code,
    /// How much it weighs.
    pub severity: Severity,
    /// Where in the component's world, where it has such a place.
    #[serde(default, skip_serializing_if = "WitPath::is_empty")]
    pub path: WitPath,
    /// What the plugin has and what the host wants.
    pub message: String,
    /// Further facts, a line each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// The line of the host's configuration that decided it, where one did: policy, not contract.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<Place>,
    /// The host's waiver that excused it, where one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waived: Option<Waived>,
}

/// A finding is excused by a waiver of the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Waived {
    /// The last day that it is excused: `2027-01-31`.
    pub until: String,
    /// Why, in the host's words.
    pub reason: String,
}

/// A line of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Place {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What stands there.
    pub text: String,
}

impl Diagnostic {
    /// An error about the component as a whole.
    pub fn error(code: Code, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            code,
            severity: Severity::Error,
            path: WitPath::default(),
            message: message.into(),
            notes: Vec::new(),
            help: None,
            decided_by: None,
            waived: None,
        }
    }

    /// Whether it is about this smoke case, which it names in its path.
    pub fn is_about(&self, case: &CaseReport) -> bool {
        let first = self.path.0.first();
        first
            .is_some_and(|step| step.kind == "smoke case" && step.name.as_ref() == Some(&case.name))
    }

    /// The same finding at a place.
    pub fn at(mut self, path: WitPath) -> Diagnostic {
        self.path = path;
        self
    }

    /// The same finding with one more fact.
    pub fn note(mut self, note: impl Into<String>) -> Diagnostic {
        self.notes.push(note.into());
        self
    }

    /// The same finding with advice.
    pub fn help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help = Some(help.into());
        self
    }

    /// The same finding as the outcome of a line of configuration.
    pub fn decided_by(mut self, place: &Place) -> Diagnostic {
        self.decided_by = Some(place.clone());
        self
    }

    /// The same finding with another weight.
    pub fn severity(mut self, severity: Severity) -> Diagnostic {
        self.severity = severity;
        self
    }
}
