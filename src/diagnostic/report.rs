//! The reports that the commands return: what their JSON is made of.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    CompiledBy, Diagnostic, HostCall, HttpAnswer, HttpExchange, Known, PartitionUsed, Sandbox,
    Severity, StubUse, Timing, Usage,
};

/// What was found out about one component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Judged, and nothing weighs as much as `--fail-on`.
    Pass,
    /// Judged, with findings.
    Fail,
    /// Could not be judged; never counts as a pass.
    Unjudged,
    /// Listed as not enabled; not looked at.
    Skipped,
}

/// One smoke case as it went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CaseReport {
    /// The case's name.
    pub name: String,
    /// Whether every step gave what it should.
    pub passed: bool,
    /// How many steps were run to their end.
    pub steps: usize,
    /// Fuel used by all steps together, in the engine's units (about one a wasm instruction).
    pub fuel: u64,
    /// The most linear memory that the instance held, in bytes.
    pub memory: u64,
    /// The compiler that made its code; none where that was not done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compiler: Option<CompiledBy>,
    /// How long it took, instantiation and a second run included. None where it was known from an earlier
    /// gate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timing: Option<Timing>,
    /// The limits that it ran under, and how much of each it used.
    pub limits: Vec<Usage>,
    /// Its calls in their order, those that were not reached included.
    pub calls: Vec<CallReport>,
    /// What the plugin asked of its host meanwhile, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub host_calls: Vec<HostCall>,
    /// How many more calls of the host it made than are told.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub host_calls_left_out: u64,
    /// What it answered, where the case sent it a request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<HttpAnswer>,
    /// The requests that it made itself, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requests: Vec<HttpExchange>,
    /// How many more it made than are told.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub requests_left_out: u64,
    /// What a command wrote, where that is to be recorded.
    #[serde(skip)]
    pub wrote: Option<Wrote>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over like this")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// What came of a run of a command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wrote {
    /// Its exit code.
    pub exit_code: u8,
    /// What it wrote to standard output, and to standard error.
    pub streams: [Vec<u8>; 2],
}

/// One call of a smoke case as it went.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CallReport {
    /// The call, as it is written.
    pub call: String,
    /// Whether it was made and came to what it should.
    pub passed: bool,
    /// What it should return, as it is written; none where nothing is compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What it returned, in WAVE; empty for a function without a result, and
    /// none where it was not reached or did not return.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub got: Option<String>,
    /// What should be in the message of its trap, where it should trap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected_trap: Option<String>,
    /// The message of its trap, where it trapped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trap: Option<String>,
    /// Fuel that it used, in the engine's units; none where it did not come to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fuel: Option<u64>,
    /// Whether `got` is only how it begins.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
    /// Whether `got` is all of it and can be written, so that it can be recorded.
    #[serde(skip)]
    pub recordable: bool,
}

/// A component that was composed around the plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AdapterUse {
    /// The adapter's name.
    pub name: String,
    /// Its digest: SHA-256 of the file, in hex.
    pub sha256: String,
}

/// Everything that is known about one submitted component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PluginReport {
    /// Its name: the `id` of the plugin list, or the name on the command line.
    pub id: String,
    /// Where it was read from.
    pub path: String,
    /// SHA-256 of the file as submitted, in hex; none where it could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Bytes in the file; none where it could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// The verdict.
    pub verdict: Verdict,
    /// The host world that it targets, or comes nearest to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub world: Option<String>,
    /// How far it is from each world of the host, where there are several and it targets none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub distances: Vec<Distance>,
    /// Whether it was submitted as a core module, and made a component before it was judged.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub adapted: bool,
    /// What had to be composed around it, outermost last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub adapters: Vec<AdapterUse>,
    /// Generated adapters that close imports which the host wants closed, with what they answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stubs: Vec<StubUse>,
    /// The smoke cases that were run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cases: Vec<CaseReport>,
    /// How long it took: what differs from run to run. None where nobody looked at a clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timing: Option<Timing>,
    /// Every finding.
    pub diagnostics: Vec<Diagnostic>,
    /// What was known from an earlier gate: the only field that differs where a verdict is reached anew.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cached: Vec<Known>,
    /// Waivers of the host that excused a finding: indices into its policy.
    #[serde(skip)]
    pub waived_by: Vec<usize>,
    /// How the process was confined that ran it; the report over all plugins has it once.
    #[serde(skip)]
    pub sandbox: Option<Sandbox>,
    /// Patterns of the host's `stub-imports` that matched an import: indices into its policy. None
    /// where it was not looked for.
    #[serde(skip)]
    pub stubbed_by: Option<Vec<usize>>,
    /// Why it could not be judged, where it could not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

impl PluginReport {
    /// A report with nothing found yet.
    pub fn new(id: &str, path: &str) -> PluginReport {
        PluginReport {
            id: id.to_owned(),
            path: path.to_owned(),
            sha256: None,
            size: None,
            verdict: Verdict::Pass,
            world: None,
            distances: Vec::new(),
            adapted: false,
            adapters: Vec::new(),
            stubs: Vec::new(),
            cases: Vec::new(),
            timing: None,
            diagnostics: Vec::new(),
            cached: Vec::new(),
            waived_by: Vec::new(),
            sandbox: None,
            stubbed_by: None,
            failure: None,
        }
    }

    /// Settles the verdict: unjudged wins, then any finding at or above `fail_on` fails.
    pub fn settle(&mut self, fail_on: Severity) {
        self.verdict = if self.verdict == Verdict::Skipped {
            Verdict::Skipped
        } else if self.failure.is_some() {
            Verdict::Unjudged
        } else if self.diagnostics.iter().any(|finding| finding.severity >= fail_on) {
            Verdict::Fail
        } else {
            Verdict::Pass
        };
    }
}

/// How far a component is from a world.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Distance {
    /// The world.
    pub world: String,
    /// In how many places they differ.
    pub mismatches: usize,
}

/// The program that judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    /// `plugtool`.
    pub name: Cow<'static, str>,
    /// Its version.
    pub version: Cow<'static, str>,
    /// The engine that ran the plugins, with its version.
    pub engine: Cow<'static, str>,
}

/// The configuration that decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConfigUsed {
    /// Path of the file.
    pub path: String,
    /// SHA-256 of its bytes, in hex.
    pub sha256: String,
}

/// What `check` and `gate` return: a verdict for every component, in the order given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// `plugtool.check/0` or `plugtool.gate/0`.
    pub schema: Cow<'static, str>,
    /// Who judged.
    pub tool: Tool,
    /// By which configuration; none for one-off checks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config: Option<ConfigUsed>,
    /// Which part of the plugins it is about, where it is about a part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition: Option<PartitionUsed>,
    /// The host's worlds, the preferred one first.
    pub worlds: Vec<String>,
    /// How the processes were confined that ran plugins; none where none was run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<Sandbox>,
    /// How many of each verdict.
    pub summary: Summary,
    /// Findings about the configuration itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diagnostics: Vec<Diagnostic>,
    /// The verdicts.
    pub plugins: Vec<PluginReport>,
}

/// How many components got which verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// Passed.
    pub passed: usize,
    /// Failed.
    pub failed: usize,
    /// Not judged.
    pub unjudged: usize,
    /// Skipped.
    pub skipped: usize,
}

impl Summary {
    /// Counts the verdicts.
    pub fn of(plugins: &[PluginReport]) -> Summary {
        let mut summary = Summary::default();
        for plugin in plugins {
            match plugin.verdict {
                Verdict::Pass => summary.passed += 1,
                Verdict::Fail => summary.failed += 1,
                Verdict::Unjudged => summary.unjudged += 1,
                Verdict::Skipped => summary.skipped += 1,
            }
        }
        summary
    }
}

/// What `gate --report ndjson=PATH` writes of each plugin: one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct GatePlugin<'a> {
    /// `plugtool.gate-plugin/0`.
    pub schema: &'static str,
    /// Its place in the list of those to be judged, from 1.
    pub position: usize,
    /// The verdict, and what it rests on.
    pub plugin: &'a PluginReport,
}

/// The last line that `gate --report ndjson=PATH` writes: all of the report but the plugins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct GateEnd<'a> {
    /// `plugtool.gate-end/0`.
    pub schema: &'static str,
    /// Who judged.
    pub tool: &'a Tool,
    /// By which configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config: Option<&'a ConfigUsed>,
    /// Which part of the plugins it was about, where it was about a part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition: Option<&'a PartitionUsed>,
    /// The host's worlds, the preferred one first.
    pub worlds: &'a [String],
    /// How the processes were confined that ran plugins; none where none was run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<&'a Sandbox>,
    /// How many of each verdict.
    pub summary: Summary,
    /// Findings about the configuration itself.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub diagnostics: &'a [Diagnostic],
}

/// What `compose` returns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ComposeReport {
    /// `plugtool.compose/0`.
    pub schema: &'static str,
    /// Who composed.
    pub tool: Tool,
    /// By which configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config: Option<ConfigUsed>,
    /// The world that the result targets, where one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub world: Option<String>,
    /// Where the result was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// SHA-256 of the result, in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Bytes in the result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// The WAC script that says the same, where one was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub script: Option<String>,
    /// The components that it is made of.
    pub components: Vec<ComponentUsed>,
    /// What feeds what.
    pub wires: Vec<WireShown>,
    /// What the result exports.
    pub exports: Vec<ExportFrom>,
    /// What the result still imports.
    pub imports: Vec<String>,
    /// Generated adapters that close imports, with what they answer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stubs: Vec<StubUse>,
    /// Why nothing was composed, or what is odd about what was.
    pub diagnostics: Vec<Diagnostic>,
}

/// One export that feeds one import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct WireShown {
    /// The component that imports.
    pub importer: String,
    /// What it imports.
    pub import: String,
    /// The component that feeds it.
    pub exporter: String,
    /// With which of its exports.
    pub export: String,
    /// Why this one.
    pub why: &'static str,
    /// Importer and exporter as indices into the components, which may share a name.
    #[serde(skip)]
    pub from: (usize, usize),
}

/// One component of a composition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ComponentUsed {
    /// Its name.
    pub name: String,
    /// SHA-256 of the file, in hex.
    pub sha256: String,
    /// Whether it came out of the host's adapters, and was not named.
    pub adapter: bool,
    /// Whether it is a stub, generated to close imports.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub stub: bool,
    /// Whether it was a core module, and made a component before it was composed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub adapted: bool,
    /// Why an adapter is there: a line for everything that it gives.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub why: Vec<String>,
}

/// One export of a composition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ExportFrom {
    /// Its name.
    pub name: String,
    /// The component that it comes from.
    pub from: String,
    /// The same as an index into the components.
    #[serde(skip)]
    pub component: usize,
}

/// What `init` returns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct InitReport {
    /// `plugtool.init/0`.
    pub schema: &'static str,
    /// Who wrote it.
    pub tool: Tool,
    /// The folder.
    pub folder: String,
    /// What was written into it.
    pub files: Vec<String>,
}

/// What `adapt` returns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AdaptReport {
    /// `plugtool.adapt/0`.
    pub schema: &'static str,
    /// Who adapted.
    pub tool: Tool,
    /// The file.
    pub path: String,
    /// SHA-256 of the file, in hex; none where it could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_sha256: Option<String>,
    /// Whether it was a component before.
    pub unchanged: bool,
    /// The preview 1 adapter that is in the result: `command` or `reactor`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preview1: Option<&'static str>,
    /// Where the result was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// SHA-256 of the result, in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Bytes in the result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// What the result imports.
    pub imports: Vec<String>,
    /// What the result exports.
    pub exports: Vec<String>,
    /// Why nothing was written.
    pub diagnostics: Vec<Diagnostic>,
}
