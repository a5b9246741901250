//! What came back, written into a smoke file as what is expected. Only the values are touched: comments,
//! order and layout stay as they are.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::ConfigError;
use super::parse::{self, Source};
use super::smoke::{Case, Expectation, Step};
use crate::diagnostic::{CallReport, CaseReport};
use crate::wave::{Node, NodeKind};

/// A smoke file with what was recorded in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The file.
    pub path: String,
    /// What is to be in it.
    pub text: String,
    /// Files that it names for what is long or no text, with what is to be in them.
    pub files: BTreeMap<PathBuf, Vec<u8>>,
    /// How many expectations are new or were changed.
    pub expectations: usize,
    /// Calls that are expected to trap from now on.
    pub traps: Vec<String>,
    /// What was left as it is, and why.
    pub left: Vec<String>,
}

/// Puts what cases came to into the files that they are from. `ran` has the id of every plugin that passed,
/// and what came of those `cases` that are for it, in their order. `engine` counted the fuel.
///
/// # Errors
///
/// Where plugins that share a case do not do the same, and where what is to be in a file beside has no
/// place there. Nothing is written here.
pub fn record(
    cases: &[Case],
    ran: &[(&str, &[CaseReport])],
    engine: &str,
) -> Result<Vec<Recorded>, ConfigError> {
    let mut runs: Vec<Vec<(&str, &CaseReport)>> = vec![Vec::new(); cases.len()];
    for (id, reports) in ran {
        let its = cases.iter().zip(&mut runs).filter(|(case, _)| case.is_for(id));
        for ((_, runs), report) in its.zip(*reports) {
            runs.push((*id, report));
        }
    }
    // What is read is not written over.
    let inputs: Vec<PathBuf> = cases.iter().flat_map(Case::inputs).collect();
    let mut recorded: Vec<Recorded> = Vec::new();
    let all: Vec<_> = cases.iter().zip(&runs).collect();
    for of_file in all.chunk_by(|(a, _), (b, _)| a.file == b.file) {
        let new = of_one_file(of_file, &inputs, engine)?;
        let Some(new) = new else { continue };
        let files = recorded.iter().flat_map(|other| &other.files);
        for (path, bytes) in files {
            if new.files.get(path).is_some_and(|other| other != bytes) {
                return Err(two_for_one(&new.path, path));
            }
        }
        recorded.push(new);
    }
    Ok(recorded)
}

/// What cases expect is in one file, and they do not come to the same.
pub(super) fn two_for_one(path: &str, file: &Path) -> ConfigError {
    ConfigError::Invalid {
        path: path.to_owned(),
        reason: format!(
            "two cases expect what is in {}, and do not come to the same; name a file of its own in one \
             of them",
            file.display()
        ),
    }
}

/// A case, and what came of it by plugin.
type Came<'c> = (&'c Case, &'c Vec<(&'c str, &'c CaseReport)>);

fn of_one_file(
    cases: &[Came<'_>],
    inputs: &[PathBuf],
    engine: &str,
) -> Result<Option<Recorded>, ConfigError> {
    let Some(source) = cases.iter().find_map(|(case, _)| case.source()) else { return Ok(None) };
    let mut edits = Edits::default();
    for (case, runs) in cases {
        for (i, step) in case.steps.iter().enumerate() {
            edits.step(step, i, runs, source)?;
        }
        if let Some(command) = &case.command {
            edits.command(case, command, runs, inputs, source)?;
        }
        if !runs.is_empty() {
            edits.baseline(case, runs, engine, source);
        }
    }
    let mut text = source.text.to_owned();
    edits.list.sort_by_key(|(span, _)| std::cmp::Reverse(span.start));
    for (span, new) in edits.list {
        text.replace_range(span, &new);
    }
    // What was wrong with an edit must not reach the file.
    parse::toml::<toml::Table>(source.path, &text).map_err(|error| ConfigError::Invalid {
        path: source.path.to_owned(),
        reason: format!("it cannot be recorded without breaking it: {error}"),
    })?;
    Ok(Some(Recorded {
        path: source.path.to_owned(),
        text,
        files: edits.files,
        expectations: edits.expectations,
        traps: edits.traps,
        left: edits.left,
    }))
}

/// What is to be changed in a file.
#[derive(Default)]
pub(super) struct Edits {
    /// What stands where, and what is to stand there.
    pub list: Vec<(Range<usize>, String)>,
    pub files: BTreeMap<PathBuf, Vec<u8>>,
    pub expectations: usize,
    pub traps: Vec<String>,
    pub left: Vec<String>,
}

impl Edits {
    fn step(
        &mut self,
        step: &Step,
        index: usize,
        runs: &[(&str, &CaseReport)],
        source: Source<'_>,
    ) -> Result<(), ConfigError> {
        let calls = runs.iter().filter_map(|(id, run)| Some((*id, run.calls.get(index)?)));
        let calls: Vec<_> =
            calls.filter(|(_, call)| call.got.is_some() || call.trap.is_some()).collect();
        let Some((first, call)) = calls.first().copied() else { return Ok(()) };
        if calls.iter().all(|(_, call)| call.passed) && step.expect != Expectation::Return {
            return Ok(());
        }
        let came_to = |call: &CallReport| (call.got.clone(), call.trap.clone());
        if let Some((other, _)) = calls.iter().find(|(_, other)| came_to(other) != came_to(call)) {
            let message = format!(
                "`{first}` and `{other}` do not return the same here; give each a case of its own, \
                 or an `expect` with `_` for what differs"
            );
            return Err(source.error(step.invoke.span.clone(), &message));
        }
        let line = source.place(step.invoke.span.clone()).line;
        let said = |why: &str| format!("{}:{line}: `{}`: {why}", source.path, call.call);
        let (key, value) = match (&call.trap, call.got.as_deref().unwrap_or_default()) {
            (Some(message), _) => ("expect-trap", message.as_str()),
            (None, "") if matches!(step.expect, Expectation::Trap(_)) => {
                self.left.push(said("it returns nothing now; take its `expect-trap` out"));
                return Ok(());
            }
            (None, "") => return Ok(()),
            (None, _) if !call.recordable => {
                self.left.push(said("what it returned has no text, or a very long one"));
                return Ok(());
            }
            (None, got) => ("expect", got),
        };
        let before = match &step.expect {
            Expectation::Value(_, node) if names_a_file(node) => {
                self.left.push(said("it expects what is in a file; write that file anew"));
                return Ok(());
            }
            Expectation::Value(written, _) => Some(("expect", written)),
            Expectation::Trap(written) => Some(("expect-trap", written)),
            Expectation::Return => None,
        };
        match before {
            Some((old, written)) if old == key => {
                self.list.push((written.span.clone(), literal(value)));
            }
            Some((old, written)) => match key_before(source, &written.span, old) {
                Some(span) => self.list.push((span, format!("{key} = {}", literal(value)))),
                None => {
                    self.left.push(said("write its key bare to have another in its place"));
                    return Ok(());
                }
            },
            None => {
                let end = step.invoke.span.end;
                let separator = if step.inline { ", " } else { "\n" };
                self.list.push((end..end, format!("{separator}{key} = {}", literal(value))));
            }
        }
        if call.trap.is_some() {
            self.traps.push(said(value));
        }
        self.expectations += 1;
        Ok(())
    }

    /// Writes what each plugin used. Plugins that were not run keep what they had, unless another
    /// engine counted it.
    fn baseline(
        &mut self,
        case: &Case,
        runs: &[(&str, &CaseReport)],
        engine: &str,
        source: Source<'_>,
    ) {
        let known = case.baseline.as_ref().filter(|baseline| baseline.engine == engine);
        let mut fuel: BTreeMap<&str, u64> = BTreeMap::new();
        if let Some(known) = known {
            fuel.extend(known.fuel.iter().map(|(id, fuel)| (id.as_str(), *fuel)));
        }
        fuel.extend(runs.iter().map(|(id, run)| (*id, run.fuel)));
        // The one compiler of all, those that are known from before included.
        let mut compilers = runs.iter().map(|(_, run)| run.compiler);
        let first = compilers.next().flatten();
        let before = known.is_none_or(|known| known.compiler == first);
        let compiler = first.filter(|first| before && compilers.all(|by| by == Some(*first)));
        let compiler =
            compiler.map(|by| format!(", compiler = {}", literal(by.name()))).unwrap_or_default();
        let fuel: Vec<String> =
            fuel.iter().map(|(id, fuel)| format!("{} = {fuel}", key(id))).collect();
        let tolerance = case.baseline.as_ref().and_then(|baseline| baseline.written.as_deref());
        let tolerance = tolerance.map(|text| format!(", tolerance = {}", literal(text)));
        let table = format!(
            "{{ engine = {}{compiler}{}, fuel = {{ {} }} }}",
            literal(engine),
            tolerance.unwrap_or_default(),
            fuel.join(", ")
        );
        match &case.baseline {
            Some(old) if source.text.get(old.span.clone()).is_some_and(|t| t.starts_with('{')) => {
                self.list.push((old.span.clone(), table));
            }
            Some(old) => self.left.push(format!(
                "{}:{}: a baseline is recorded where it is an inline table, {{ ... }}",
                source.path, old.place.line
            )),
            None => {
                // Before the steps: behind them may be tables of their own.
                match case.head {
                    Some(at) => self.list.push((at..at, format!("baseline = {table}\n"))),
                    None => self.left.push(format!(
                        "{}: {}: nobody knows where its fuel should be written",
                        source.path, case.name
                    )),
                }
            }
        }
    }
}

/// Where a key and its value stand: `span` is the value's.
pub(super) fn key_before(
    source: Source<'_>,
    span: &Range<usize>,
    key: &str,
) -> Option<Range<usize>> {
    let before = source.text.get(..span.start)?.trim_end();
    let before = before.strip_suffix('=')?.trim_end().strip_suffix(key)?;
    // Not the end of another key.
    let ends = |c: char| c.is_ascii_alphanumeric() || "-_.\"'".contains(c);
    (!before.ends_with(ends)).then_some(before.len()..span.end)
}

fn names_a_file(node: &Node) -> bool {
    match &node.kind {
        NodeKind::File(_) => true,
        NodeKind::Tuple(items) | NodeKind::List(items, _) => items.iter().any(names_a_file),
        NodeKind::Record(fields, _) => fields.iter().any(|(_, node)| names_a_file(node)),
        NodeKind::Label(_, Some(node)) | NodeKind::Keyword(_, Some(node)) => names_a_file(node),
        _ => false,
    }
}

/// A TOML string: as it is where that can be, and else with escapes.
pub(super) fn literal(text: &str) -> String {
    let control = |c: char| c.is_control() && c != '\t';
    if !text.contains('\'') && !text.contains(control) {
        return format!("'{text}'");
    }
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A TOML key: bare where that can be.
fn key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !name.is_empty() && name.chars().all(bare) { name.to_owned() } else { literal(name) }
}
