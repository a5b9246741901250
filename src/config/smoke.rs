//! Smoke files: cases with their steps, read and checked as far as that goes without a component.

mod baseline;
mod deciding;
mod table;

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::Spanned;

use super::ConfigError;
use super::Limits;
use super::command::{CommandCase, CommandKeys};
use super::files::{read_text, show};
use super::host::{HostKeys, HostScript, HostSide};
use super::http::{self, HttpCase, HttpKeys, Outside};
use super::parse::{self, Source};
use super::written::Written;
use crate::diagnostic::Place;
use crate::input;
use crate::wave::{self, Call, Expected, Invocation, Node, Part, Scope, WaveError};
use crate::world::World;

pub use baseline::Baseline;
pub(super) use table::CaseTable;
use table::StepTable;

/// Scripted calls with expected results.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Case {
    /// Its name in reports.
    pub name: String,
    /// The file that it is from; empty for calls from the command line.
    pub file: String,
    /// Which plugins it is for: ids or glob patterns; none means every plugin.
    pub plugins: Vec<String>,
    /// The calls, made one after the other in one instance.
    pub steps: Vec<Step>,
    /// A run of a command instead of calls.
    pub command: Option<CommandCase>,
    /// What the host answers meanwhile.
    pub host: HostSide,
    /// A request to a handler instead of calls.
    pub http: Option<HttpCase>,
    /// What answers the requests that the plugin itself makes.
    pub outside: Outside,
    /// The files that the calls name.
    pub files: Vec<CaseFile>,
    /// The most fuel that all of it may use, and the line that says so.
    pub max_fuel: Option<(u64, Place)>,
    /// What it used when that was recorded.
    pub baseline: Option<Baseline>,
    /// Whether it runs twice and must do the same both times.
    pub twice: bool,
    /// Where its `steps` begin in its file, with the comment above them, in bytes; none where it is not
    /// from a file.
    pub head: Option<usize>,
    /// What is in its file.
    text: Arc<str>,
}

/// A file that a call names with `@`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseFile {
    /// As it is written.
    pub path: String,
    /// What is in it.
    pub bytes: Arc<[u8]>,
}

/// One call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The call as it is written.
    pub invoke: Written,
    /// The same, parsed.
    pub call: Call,
    /// What it must come to.
    pub expect: Expectation,
    /// Whether it is an inline table, `{ invoke = ... }`.
    pub inline: bool,
}

/// What a step must come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// It returns.
    Return,
    /// It returns this.
    Value(Written, Node),
    /// It traps with this in the message.
    Trap(Written),
}

impl Case {
    /// A case of calls from the command line. Files are relative to the working directory.
    ///
    /// # Errors
    ///
    /// A call that does not parse, or names a file that cannot be read.
    pub fn of_calls(calls: &[String]) -> Result<Case, ConfigError> {
        let mut case = Case::default();
        for call in calls {
            let invoke = Written::argument(call);
            let call = parsed(&invoke, Path::new(""), &mut case.files, wave::call)?;
            let expect = Expectation::Return;
            case.steps.push(Step { invoke, call, expect, inline: true });
        }
        Ok(case)
    }

    /// Whether the case is for the plugin of this id.
    pub fn is_for(&self, id: &str) -> bool {
        self.plugins.is_empty()
            || self.plugins.iter().any(|pattern| {
                glob::Pattern::new(pattern).map_or(pattern == id, |glob| glob.matches(id))
            })
    }

    /// The files that it reads.
    pub(super) fn inputs(&self) -> Vec<PathBuf> {
        let folder = Path::new(&self.file).parent().unwrap_or(Path::new(""));
        let named = self.files.iter().map(|file| folder.join(&file.path));
        named
            .chain(self.host.replay.as_ref().map(|trace| trace.path.clone()))
            .chain(self.host.mock.as_ref().map(|mock| mock.path.clone()))
            .chain(self.command.as_ref().and_then(|command| command.places.stdin.clone()))
            .collect()
    }

    /// The file that it is from; none for calls from the command line.
    pub(super) fn source(&self) -> Option<Source<'_>> {
        (!self.file.is_empty()).then_some(Source { path: &self.file, text: &self.text })
    }

    /// Finds the functions of all calls among the exports of a world, and fits arguments and
    /// expectations to them.
    ///
    /// # Errors
    ///
    /// What does not fit, with its place.
    pub fn resolve(&self, world: &World) -> Result<Vec<Invocation>, ConfigError> {
        let files: Vec<&[u8]> = self.files.iter().map(|file| &*file.bytes).collect();
        let mut scope = Scope::default();
        let resolve = |step: &Step| {
            let expect = match &step.expect {
                Expectation::Return => Expected::Return,
                Expectation::Value(_, node) => Expected::Value(node),
                Expectation::Trap(written) => Expected::Trap(&written.text),
            };
            let text = &step.invoke.text;
            wave::resolve(world, &step.call, text, expect, &mut scope, &files)
                .map_err(|error| step.error(error))
        };
        self.steps.iter().map(resolve).collect()
    }

    /// The host's side against what the component of this id imports, to run it with. Where that is `all`
    /// that is known of the host, a rule for another function is an error.
    ///
    /// # Errors
    ///
    /// What does not fit, with its place.
    pub fn resolve_host(
        &self,
        world: &World,
        limits: &Limits,
        all: bool,
        id: &str,
    ) -> Result<HostScript, ConfigError> {
        self.host.resolve(&[world], limits, all, Some(id))
    }
}

impl Step {
    fn error(&self, error: WaveError) -> ConfigError {
        match (&self.expect, error.part) {
            (Expectation::Value(written, _), Part::Expectation) => {
                written.error(error.span, &error.message)
            }
            _ => self.invoke.error(error.span, &error.message),
        }
    }
}

/// Reads the cases of a smoke file.
///
/// # Errors
///
/// Anything wrong with the file that shows without a component, with its place.
pub fn read_cases(path: &Path) -> Result<Vec<Case>, ConfigError> {
    let shown = show(path);
    let text: Arc<str> = read_text(path)?.into();
    let mut parsed: CaseTable = parse::toml(&shown, &text)?;
    let invalid =
        |reason: &str| ConfigError::Invalid { path: shown.clone(), reason: reason.to_owned() };
    let reader = Reader { path: &shown, text: text.clone(), folder: path.parent() };
    let cases = std::mem::take(&mut parsed.case);
    if cases.is_empty() {
        let (command, http, host) = (parsed.command(), parsed.http(), parsed.host());
        let first = command.first().or(http.first());
        if parsed.steps.is_empty() && parsed.name.is_none() && first.is_none() {
            return Err(invalid("it has no case"));
        }
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let name = parsed.name.take().unwrap_or(stem);
        return Ok(vec![reader.case(
            name,
            parsed,
            (command, http, host),
            (&HttpKeys::default(), &HostKeys::default()),
        )?]);
    }
    if !parsed.steps.is_empty() || parsed.name.is_some() {
        return Err(invalid("it has `steps` of its own and `[[case]]` too; use one of them"));
    }
    let misplaced = parsed.max_fuel.as_ref().map(Spanned::span);
    let misplaced = misplaced.or(parsed.baseline.as_ref().map(Spanned::span));
    let shared = parsed.http();
    if let Some(span) = misplaced.or(parsed.command().first()).or(shared.first()) {
        return Err(reader.source().error(span, "this belongs to one `[[case]]`"));
    }
    let host = parsed.host();
    let case = |table: Spanned<CaseTable>| {
        let span = table.span();
        let mut case = table.into_inner();
        if let Some(inner) = case.case.first() {
            return Err(reader.source().error(inner.span(), "a case has no cases of its own"));
        }
        let Some(name) = case.name.take() else {
            return Err(reader.source().error(span.clone(), "missing field `name`"));
        };
        // What stands at the top of the file is the default for its cases.
        if case.plugins.is_empty() {
            case.plugins.clone_from(&parsed.plugins);
        }
        case.twice = case.twice.or(parsed.twice);
        let mut keys = (case.command(), case.http(), case.host());
        keys.0.inline = text.get(span).is_some_and(|text| text.starts_with('{'));
        reader.case(name, case, keys, (&shared, &host))
    };
    cases.into_iter().map(case).collect()
}

pub(super) struct Reader<'r> {
    path: &'r str,
    text: Arc<str>,
    folder: Option<&'r Path>,
}

impl Reader<'_> {
    pub fn source(&self) -> Source<'_> {
        Source { path: self.path, text: &self.text }
    }

    /// Where the files are that it names.
    pub fn folder(&self) -> &Path {
        self.folder.unwrap_or(Path::new(""))
    }

    pub fn written(&self, value: &Spanned<String>) -> Written {
        Written::at(value, self.path, &self.text)
    }

    fn case(
        &self,
        name: String,
        table: CaseTable,
        (command, mut http, host): (CommandKeys, HttpKeys, HostKeys),
        (shared, shared_host): (&HttpKeys, &HostKeys),
    ) -> Result<Case, ConfigError> {
        let folder = self.folder();
        let reader = http::Reader { source: self.source(), folder };
        let first = command.first().or(http.first());
        if let (Some(_), Some(span)) = (&first, host.first()) {
            let message = "only a case with `steps` has functions of the host";
            return Err(self.source().error(span, message));
        }
        if let (Some(_), Some(span)) =
            (command.first(), http.first_rule().or_else(|| shared.first_rule()))
        {
            let message = "the requests of a command are always refused: no rule can answer them";
            return Err(self.source().error(span, message));
        }
        let (command, http_case) = match (command.first(), http.first(), table.steps.first()) {
            (None, None, Some(_)) => (None, None),
            (Some(_), None, None) => (Some(command.settle(&self.source(), folder)?), None),
            (None, Some(_), None) => (None, http.case(&reader)?),
            (Some(span), None, Some(_)) => {
                let message = "a case has `steps`, or runs a command, and not both";
                return Err(self.source().error(span, message));
            }
            (_, Some(span), _) => {
                let message = "a case with a `request` has no `steps`, and runs no command";
                return Err(self.source().error(span, message));
            }
            (None, None, None) => {
                return Err(ConfigError::Invalid {
                    path: self.path.to_owned(),
                    reason: format!("the case `{name}` has no steps, and runs no command"),
                });
            }
        };
        let mut files = Vec::new();
        let outside = http.outside(shared, &reader, &mut files)?;
        let host = host.settle(shared_host, &name, self)?;
        let mut case = Case {
            name,
            file: self.path.to_owned(),
            plugins: table.plugins,
            command,
            http: http_case,
            outside,
            host,
            files,
            max_fuel: table
                .max_fuel
                .map(|fuel| (*fuel.get_ref(), self.source().place(fuel.span()))),
            baseline: table
                .baseline
                .map(|table| baseline::settle(table, &self.source()))
                .transpose()?,
            twice: table.twice.unwrap_or_default(),
            head: first.or(table.steps.first().map(Spanned::span)).and_then(|at| self.head(at)),
            text: self.text.clone(),
            ..Case::default()
        };
        let last = table.steps.len().saturating_sub(1);
        for (i, step) in table.steps.into_iter().enumerate() {
            let step = self.step(step, &mut case.files, i == last)?;
            case.steps.push(step);
        }
        Ok(case)
    }

    /// The start of the line that the steps of a case begin on, `steps = [` or `[[steps]]`, or its first
    /// key for a command; or of the comment above it. `first` is the place of the first step or value.
    fn head(&self, first: Range<usize>) -> Option<usize> {
        let line_at = |at: usize| Some(self.text.get(..at)?.rfind('\n').map_or(0, |at| at + 1));
        let mut start = line_at(first.start)?;
        let is_key = |line: &str| {
            let key = line.trim_start().strip_prefix("steps").map(str::trim_start);
            key.is_some_and(|rest| rest.starts_with('='))
        };
        if self.text.get(first)?.starts_with('{') {
            // A step of an array may be lines below its key.
            while !is_key(self.text.get(start..)?) {
                start = line_at(start.checked_sub(1)?)?;
            }
        }
        // What is said of the steps stays with them.
        while let Some(above) = self.text.get(..start)?.strip_suffix('\n') {
            let line = above.rfind('\n').map_or(0, |at| at + 1);
            if !above[line..].starts_with('#') {
                break;
            }
            start = line;
        }
        Some(start)
    }

    fn step(
        &self,
        step: Spanned<StepTable>,
        files: &mut Vec<CaseFile>,
        last: bool,
    ) -> Result<Step, ConfigError> {
        let inline = self.text.get(step.span()).is_some_and(|text| text.starts_with('{'));
        let table = step.into_inner();
        let folder = self.folder();
        let invoke = self.written(&table.invoke);
        let call = parsed(&invoke, folder, files, wave::call)?;
        let expect = match (table.expect, table.expect_trap) {
            (None, None) => Expectation::Return,
            (Some(expect), None) => {
                let written = self.written(&expect);
                let node = parsed(&written, folder, files, wave::value)?;
                Expectation::Value(written, node)
            }
            (None, Some(trap)) if !last => {
                let message = "nothing can be called after a trap: this step must be the last one";
                return Err(self.source().error(trap.span(), message));
            }
            (None, Some(trap)) => Expectation::Trap(self.written(&trap)),
            (Some(_), Some(trap)) => {
                let message = "a step expects a value or a trap, and not both";
                return Err(self.source().error(trap.span(), message));
            }
        };
        Ok(Step { invoke, call, expect, inline })
    }
}

/// Parses a text, and reads the files that it names.
pub(super) fn parsed<T>(
    written: &Written,
    folder: &Path,
    files: &mut Vec<CaseFile>,
    parse: impl Fn(&str, &mut wave::Load<'_>) -> Result<T, WaveError>,
) -> Result<T, ConfigError> {
    let mut load = |path: &str| {
        if let Some(index) = files.iter().position(|file| file.path == path) {
            return Ok(index);
        }
        let bytes = input::file(&folder.join(path)).map_err(|error| error.to_string())?;
        files.push(CaseFile { path: path.to_owned(), bytes: bytes.into() });
        Ok(files.len() - 1)
    };
    parse(&written.text, &mut load).map_err(|error| written.error(error.span, &error.message))
}
