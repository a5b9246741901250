//! A trace that was written with `--trace`, as what the host answers: read line by line, and fitted to what
//! a world imports. What could not be made again exactly is an error, and never left out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use serde::de::IgnoredAny;
use toml::Spanned;

use super::{Answer, RecordedCall, is_the_engines};
use crate::config::files::show;
use crate::config::parse::show_argument;
use crate::config::smoke::Reader;
use crate::config::{ConfigError, Limits};
use crate::diagnostic::{AnsweredBy, TRACE_SCHEMA, fit};
use crate::input;
use crate::wave::{self, Imported, Node, Value, WaveError};
use crate::world::{World, nearest};

/// What a trace has of one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    /// The trace, as it is shown.
    shown: String,
    /// Where it lies.
    pub(in crate::config) path: PathBuf,
    /// The digest of what is in it.
    sha256: String,
    /// The calls of each plugin, in their order; none where it is recorded that there were none.
    plugins: BTreeMap<String, Vec<Call>>,
    /// Whether the trace is of one plugin in all: then whoever is judged is that one.
    only: bool,
}

/// A call as it is recorded, its values parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Call {
    line: usize,
    step: usize,
    call: String,
    on: Option<String>,
    args: (String, Node),
    answer: Recorded,
    delay: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Recorded {
    Nothing,
    Value(String, Node),
    Trap(String),
}

/// A line of a trace: see `diagnostic::TraceLine`. A key that is not known here may decide.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    #[serde(rename = "schema")]
    _schema: String,
    plugin: String,
    case: String,
    #[serde(default)]
    left_out: u64,
    step: usize,
    call: String,
    on: Option<String>,
    args: String,
    returned: Option<String>,
    trapped: Option<String>,
    by: AnsweredBy,
    #[serde(rename = "rule")]
    _rule: Option<String>,
    #[serde(default)]
    delay: u64,
    #[serde(default)]
    cut: bool,
}

/// A line that says that a case made no call.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Silent {
    #[serde(rename = "schema")]
    _schema: String,
    plugin: String,
    case: String,
    #[serde(default)]
    left_out: u64,
}

/// Which schema a line has and whether it is of a call, whatever else is in it.
#[derive(Deserialize)]
struct Kind {
    schema: Option<String>,
    call: Option<IgnoredAny>,
}

/// One or the other.
enum Said {
    Call(Line),
    Silence(Silent),
}

impl Replay {
    /// Reads the trace, and takes out what is of the case of this name: everything where it is of one case
    /// only.
    ///
    /// # Errors
    ///
    /// It cannot be read, is no trace, or not a whole one; or it has nothing of the case.
    pub(super) fn read(
        key: &Spanned<String>,
        case: &str,
        reader: &Reader<'_>,
    ) -> Result<Replay, ConfigError> {
        let path = reader.folder().join(key.get_ref());
        let shown = show(&path);
        let wrong = |message: &str| reader.source().error(key.span(), message);
        let bytes = input::file(&path)
            .map_err(|error| wrong(&format!("the trace {shown} cannot be read: {error}")))?;
        let sha256 = input::digest(&bytes);
        let mut cases: BTreeMap<String, BTreeMap<String, Vec<Call>>> = BTreeMap::new();
        let mut number = 0;
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            number += 1;
            let end = rest.iter().position(|byte| *byte == b'\n');
            let line = read_line(&rest[..end.unwrap_or(rest.len())])
                .and_then(|line| match end {
                    Some(_) => Ok(line),
                    None => Err("the file ends here, before the end of its line".to_owned()),
                })
                .map_err(|message| ConfigError::Syntax(format!("{shown}:{number}: {message}")))?;
            let (case, plugin) = line.of();
            let known = cases.entry(case).or_default();
            let before = known.get(&plugin).map(Vec::len);
            match line {
                Said::Call(line) if before != Some(0) => {
                    known.entry(plugin).or_default().push(line.parse(&shown, number)?);
                }
                Said::Silence(_) if before.is_none() => drop(known.insert(plugin, Vec::new())),
                _ => {
                    return Err(ConfigError::Syntax(format!(
                        "{shown}:{number}: a line without a call says that the case made none, and \
                         there are more lines of it"
                    )));
                }
            }
            rest = end.and_then(|end| rest.get(end + 1..)).unwrap_or_default();
        }
        let ids: BTreeSet<&String> = cases.values().flat_map(BTreeMap::keys).collect();
        let only = ids.len() == 1;
        let plugins = match cases.len() {
            0 => return Err(wrong(&format!("there is nothing in the trace {shown}"))),
            1 => cases.pop_first().map(|(_, plugins)| plugins),
            _ => cases.remove(case),
        };
        match plugins {
            Some(plugins) => Ok(Replay { shown, path, sha256, plugins, only }),
            None => {
                let hint = match nearest(case, cases.keys().map(String::as_str)) {
                    Some(near) => format!("; did you mean `{near}`?"),
                    None => format!("; it has {}", listed(cases.keys())),
                };
                let message = format!("the trace {shown} has no case `{case}`{hint}");
                Err(wrong(&message))
            }
        }
    }

    /// What decides of it.
    pub fn deciding(&self) -> String {
        // Findings name its place. What is in it says which calls they are, by the name of the case.
        format!("{:?}", (&self.shown, &self.sha256))
    }

    /// What is in it, wherever it lies.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The calls of the plugin of this id, or of the only plugin that it is of; where there is no id, those
    /// of all are looked at and none is returned. What `worlds` and `all` mean, see
    /// `HostSide::resolve`.
    pub fn resolve(
        &self,
        worlds: &[&World],
        limits: &Limits,
        all: bool,
        id: Option<&str>,
    ) -> Result<Vec<RecordedCall>, ConfigError> {
        let Some(id) = id else {
            for calls in self.plugins.values() {
                self.fitted(calls, worlds, limits, all)?;
            }
            return Ok(Vec::new());
        };
        // Of a plugin that it lacks nothing is known: see `lacks`.
        let calls = self.of(id).map_or(&[][..], Vec::as_slice);
        self.fitted(calls, worlds, limits, all)
    }

    /// Why nothing of the plugin of this id can be replayed, where it is of several and not of this one. That
    /// there are no calls of it does not say that it may make none.
    pub fn lacks(&self, id: &str) -> Option<String> {
        self.of(id).is_none().then(|| {
            let (shown, ids) = (&self.shown, listed(self.plugins.keys()));
            format!(
                "the trace {shown} has nothing of the plugin `{id}` in this case: it is of {ids}"
            )
        })
    }

    /// The calls of the plugin of this id, or else of the only one.
    fn of(&self, id: &str) -> Option<&Vec<Call>> {
        let only = self.plugins.values().next().filter(|_| self.only);
        self.plugins.get(id).or(only)
    }

    fn fitted(
        &self,
        calls: &[Call],
        worlds: &[&World],
        limits: &Limits,
        all: bool,
    ) -> Result<Vec<RecordedCall>, ConfigError> {
        let mut made = BTreeSet::new();
        let one = |call: &Call| self.call(call, worlds, limits, all, &mut made);
        calls.iter().map(one).collect()
    }

    fn call(
        &self,
        call: &Call,
        worlds: &[&World],
        limits: &Limits,
        all: bool,
        made: &mut BTreeSet<String>,
    ) -> Result<RecordedCall, ConfigError> {
        let place = format!("{}:{}", self.shown, call.line);
        let wrong = |message: String| Err(ConfigError::Syntax(format!("{place}: {message}")));
        let delay = Duration::from_millis(call.delay);
        if delay > limits.timeout {
            let most = limits.timeout.as_millis();
            return wrong(format!(
                "its `delay` of {} ms is more than a case may take: {most} ms",
                call.delay
            ));
        }
        let mut recorded = RecordedCall {
            functions: Vec::new(),
            call: call.call.clone(),
            step: call.step,
            on: call.on.clone(),
            args: Value::Tuple(Vec::new()),
            answer: Answer::Nothing,
            delay,
            place: place.clone(),
        };
        let here = 0..call.call.len();
        let function = match wave::imported(worlds, &call.call, here.clone()) {
            Ok(Some(function)) => function,
            Ok(None) if !all => return Ok(recorded),
            Ok(None) => return wrong(wave::unknown_import(worlds, &call.call, here).message),
            Err(error) => return wrong(error.message),
        };
        if function.interface.as_deref().is_some_and(is_the_engines) {
            return wrong("WASI answers this itself, and no trace has it".to_owned());
        }
        let shown = &function.shown;
        match (&call.on, function.has_self()) {
            (None, true) => return wrong(format!("{shown} is of a handle, and `on` is missing")),
            (Some(_), false) => return wrong(format!("{shown} is of no handle, and it has `on`")),
            _ => {}
        }
        if function.is_drop() && call.delay > 0 {
            return wrong("the end of a handle takes no time, and it has a `delay`".to_owned());
        }
        recorded.functions.clone_from(&function.names);
        let unknown = |name: &str| format!("no call before this one made a handle `{name}`");
        if let Some(on) = call.on.as_ref().filter(|on| !made.contains(*on)) {
            return wrong(unknown(on));
        }
        let (text, node) = &call.args;
        recorded.args = function
            .recorded_args(node)
            .map_err(|error| bad_value(&place, "args", text, &error))?;
        if let Some(name) = recorded.args.handles().iter().find(|name| !made.contains(**name)) {
            return wrong(unknown(name));
        }
        recorded.answer = answer(call, &function, &place)?;
        if let Answer::Values(values) = &recorded.answer {
            for name in values.iter().flat_map(Value::handles) {
                if !made.insert(name.to_owned()) {
                    return wrong(format!("a handle `{name}` was made before"));
                }
            }
        }
        Ok(recorded)
    }
}

fn answer(call: &Call, function: &Imported<'_>, place: &str) -> Result<Answer, ConfigError> {
    match (&call.answer, function.result()) {
        (Recorded::Trap(_), _) if function.is_drop() => {
            Err(ConfigError::Syntax(format!("{place}: the end of a handle has no answer")))
        }
        (Recorded::Trap(message), _) => Ok(Answer::Trap(message.clone())),
        (Recorded::Nothing, None) => Ok(Answer::Nothing),
        (Recorded::Nothing, Some(result)) => {
            let shown = &function.shown;
            let message = format!("{place}: `returned` is empty, and {shown} returns {result}");
            Err(ConfigError::Syntax(message))
        }
        (Recorded::Value(text, node), _) => match function.recorded_answer(node) {
            Ok(value) => Ok(Answer::Values(vec![value])),
            Err(error) => Err(bad_value(place, "returned", text, &error)),
        },
    }
}

/// A line that a trace may have, and that can be made again.
fn read_line(bytes: &[u8]) -> Result<Said, String> {
    let no_trace = "this is no trace of host calls, as `--trace` writes them";
    let text = std::str::from_utf8(bytes).map_err(|_| format!("{no_trace}: it is not UTF-8"))?;
    let kind: Kind = serde_json::from_str(text).map_err(|error| format!("{no_trace}: {error}"))?;
    match kind.schema.as_deref() {
        Some(TRACE_SCHEMA) => {}
        Some(other) => {
            return Err(format!("{no_trace}: its schema is {other:?}, and not {TRACE_SCHEMA:?}"));
        }
        None => return Err(format!("{no_trace}: it has no `schema`")),
    }
    let bad = |error: serde_json::Error| format!("{no_trace}: {error}");
    let more = |left_out: u64| match left_out {
        0 => Ok(()),
        n => {
            Err(format!("{n} more calls were made than are recorded: they are too many to replay"))
        }
    };
    if kind.call.is_none() {
        let line: Silent = serde_json::from_str(text).map_err(bad)?;
        more(line.left_out)?;
        return Ok(Said::Silence(line));
    }
    let line: Line = serde_json::from_str(text).map_err(bad)?;
    if line.cut {
        return Err("of this call only a part is recorded: it is too large to replay".to_owned());
    }
    more(line.left_out)?;
    let answered = line.returned.is_some() || line.trapped.is_some();
    let nobody = line.by == AnsweredBy::Nobody;
    if !answered || nobody && line.returned.as_deref() != Some("") {
        return Err("nobody answered this call: the case did not pass".to_owned());
    }
    if line.returned.is_some() && line.trapped.is_some() {
        return Err("a call returned or trapped, and not both".to_owned());
    }
    Ok(Said::Call(line))
}

impl Said {
    /// The case and the plugin.
    fn of(&self) -> (String, String) {
        let (case, plugin) = match self {
            Said::Call(line) => (&line.case, &line.plugin),
            Said::Silence(line) => (&line.case, &line.plugin),
        };
        (case.clone(), plugin.clone())
    }
}

impl Line {
    fn parse(self, shown: &str, number: usize) -> Result<Call, ConfigError> {
        let parse = |key: &str, text: String| {
            let node = wave::value(&text, &mut |_| Err("a trace names no files".to_owned()));
            match node {
                Ok(node) => Ok((text, node)),
                Err(error) => Err(bad_value(&format!("{shown}:{number}"), key, &text, &error)),
            }
        };
        let answer = match (self.returned, self.trapped) {
            (Some(text), _) if text.is_empty() => Recorded::Nothing,
            (Some(text), _) => {
                let (text, node) = parse("returned", text)?;
                Recorded::Value(text, node)
            }
            (None, message) => Recorded::Trap(message.unwrap_or_default()),
        };
        Ok(Call {
            line: number,
            step: self.step,
            call: self.call,
            on: self.on,
            args: parse("args", self.args)?,
            answer,
            delay: self.delay,
        })
    }
}

fn bad_value(place: &str, key: &str, text: &str, error: &WaveError) -> ConfigError {
    let message = format!("{place}: `{key}`: {}", error.message);
    ConfigError::Syntax(fit(&show_argument(text, error.span.clone(), &message)))
}

/// Some names, for a message.
fn listed<'n>(names: impl ExactSizeIterator<Item = &'n String>) -> String {
    let all = names.len();
    let mut shown: Vec<String> = names.take(4).map(|name| format!("`{name}`")).collect();
    if all > shown.len() {
        shown.push(format!("{} more", all - shown.len()));
    }
    shown.join(", ")
}
