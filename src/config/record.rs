//! What came back, written into a smoke file as what is expected. Only the values are touched: comments,
//! order and layout stay as they are.

use std::collections::BTreeMap;
use std::ops::Range;

use super::ConfigError;
use super::parse::{self, Source};
use super::smoke::{Case, Expectation, Step};
use crate::diagnostic::CaseReport;
use crate::wave::{Node, NodeKind};

/// A smoke file with what was recorded in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The file.
    pub path: String,
    /// What is to be in it.
    pub text: String,
    /// How many expectations are new or were changed.
    pub expectations: usize,
    /// What was left as it is, and why.
    pub left: Vec<String>,
}

/// Puts what cases came to into the file that they are from. `runs` has a case and what it came to, for
/// every plugin that it was run with and by the plugin's id. `engine` counted the fuel.
///
/// # Errors
///
/// Where plugins that share a case do not return the same.
pub fn record(
    cases: &[&Case],
    runs: &[(usize, &str, &CaseReport)],
    engine: &str,
) -> Result<Option<Recorded>, ConfigError> {
    let Some(source) = cases.iter().find_map(|case| case.source()) else { return Ok(None) };
    let mut edits = Edits::default();
    for (index, case) in cases.iter().enumerate() {
        let of_case = runs.iter().filter(|(of, ..)| *of == index);
        let of_case: Vec<(&str, &CaseReport)> =
            of_case.map(|(_, id, report)| (*id, *report)).collect();
        for (i, step) in case.steps.iter().enumerate() {
            edits.step(step, i, &of_case, source)?;
        }
        if !of_case.is_empty() {
            edits.baseline(case, &of_case, engine, source);
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
        expectations: edits.expectations,
        left: edits.left,
    }))
}

#[derive(Default)]
struct Edits {
    list: Vec<(Range<usize>, String)>,
    expectations: usize,
    left: Vec<String>,
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
        let calls: Vec<_> = calls.filter(|(_, call)| call.got.is_some()).collect();
        let Some((first, call)) = calls.first().copied() else { return Ok(()) };
        if calls.iter().all(|(_, call)| call.passed) && step.expect != Expectation::Return {
            return Ok(());
        }
        if let Some((other, _)) = calls.iter().find(|(_, other)| other.got != call.got) {
            let message = format!(
                "`{first}` and `{other}` do not return the same here; give each a case of its own, \
                 or an `expect` with `_` for what differs"
            );
            return Err(source.error(step.invoke.span.clone(), &message));
        }
        let got = call.got.as_deref().unwrap_or_default();
        if got.is_empty() {
            return Ok(());
        }
        let mut leave = |why: &str| {
            let line = source.place(step.invoke.span.clone()).line;
            self.left.push(format!("{}:{line}: `{}`: {why}", source.path, call.call));
        };
        if !call.recordable {
            leave("what it returned has no text, or a very long one");
            return Ok(());
        }
        match &step.expect {
            Expectation::Trap(_) => return Ok(()),
            Expectation::Value(_, node) if names_a_file(node) => {
                leave("it expects what is in a file; write that file anew");
                return Ok(());
            }
            Expectation::Value(written, _) => {
                self.list.push((written.span.clone(), literal(got)));
            }
            Expectation::Return => {
                let end = step.invoke.span.end;
                let separator = if step.inline { ", " } else { "\n" };
                self.list.push((end..end, format!("{separator}expect = {}", literal(got))));
            }
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
fn literal(text: &str) -> String {
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
