//! What plugtool says: codes, severities, paths into a world, diagnostics, and the report that
//! carries them. Plain data; the words are chosen by the rooms above, the layout by `render`.

mod code;
mod diff;
mod report;

use std::fmt;

use serde::{Serialize, Serializer};

pub use code::Code;
pub use diff::{Bump, Change, ChangeKind, DiffReport, DiffSide, PackageChange};
pub use report::{
    AdapterUse, CaseReport, ComposeReport, ConfigUsed, ExportFrom, InspectReport, Inspection,
    ItemShown, PluginReport, Report, RunReport, Summary, Tool, Verdict, WireShown,
};

/// How much a finding weighs. Ordered: `Note < Warning < Error`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Segment {
    /// What the step is, in WIT's words.
    pub kind: &'static str,
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
        segments.push(Segment { kind, name: name.map(str::to_owned) });
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
            f.write_str(segment.kind)?;
            if let Some(name) = &segment.name {
                write!(f, " {name}")?;
            }
        }
        Ok(())
    }
}

impl Serialize for WitPath {
    /// The text for people and the steps for programs.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut path = serializer.serialize_struct("WitPath", 2)?;
        path.serialize_field("text", &self.to_string())?;
        path.serialize_field("steps", &self.0)?;
        path.end()
    }
}

/// One finding about one component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// What kind of finding it is.
    pub code: Code,
    /// How much it weighs.
    pub severity: Severity,
    /// Where in the component's world, where it has such a place.
    #[serde(skip_serializing_if = "WitPath::is_empty")]
    pub path: WitPath,
    /// What the plugin has and what the host wants.
    pub message: String,
    /// Further facts, a line each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
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
        }
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

    /// The same finding with another weight.
    pub fn severity(mut self, severity: Severity) -> Diagnostic {
        self.severity = severity;
        self
    }
}
