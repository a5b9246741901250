//! The keys of the host's side, read and checked as far as that goes without a world.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::time::Duration;

use schemars::JsonSchema;
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use toml::Spanned;

use super::{HostSide, Mock, Replay, Rule};
use crate::config::ConfigError;
use crate::config::parse::Source;
use crate::config::schema::{OneOrMore, Time, TimesOrRange, apart};
use crate::config::smoke::{Reader, parsed};
use crate::config::values::parse_duration;
use crate::wave::{self, NodeKind};
use crate::world::nearest;

/// What a function of the host answers.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "HostRule", extend("dependencies" = apart(&[("traps", &["returns"])])))]
pub struct RuleTable {
    /// The function: `my:pkg/api#add`, a method `my:pkg/api#session.feed`, a constructor
    /// `my:pkg/api#session`, or the end of a handle `my:pkg/api#session.drop`. The version may be left out.
    #[schemars(with = "String")]
    call: Spanned<String>,
    /// The handle whose method it is; any where it is left out.
    #[schemars(with = "Option<String>")]
    on: Option<Spanned<String>>,
    /// The arguments that it wants, in WAVE as a tuple: `("x", _)`, where `_` is anything; any where it is
    /// left out.
    #[schemars(with = "Option<String>")]
    args: Option<Spanned<String>>,
    /// What it answers, in WAVE, again and again; or several values, each for one call. For a handle, the
    /// name that it gets.
    #[schemars(with = "Option<OneOrMore>")]
    returns: Option<Spanned<Texts>>,
    /// The message that it traps with instead.
    #[schemars(with = "Option<String>")]
    traps: Option<Spanned<String>>,
    /// How long it takes by the plugin's clock, and no time at all by yours.
    #[schemars(with = "Option<Time>")]
    delay: Option<Spanned<String>>,
    /// How often it answers, which is checked: a number, or a range with both ends included.
    #[schemars(with = "Option<TimesOrRange>")]
    times: Option<Spanned<Times>>,
    /// Whether the call must not be made.
    #[serde(default)]
    forbid: bool,
    /// Its name, for `after` of other rules.
    #[schemars(with = "Option<String>")]
    name: Option<Spanned<String>>,
    /// The names of rules that must have answered before.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    after: Vec<Spanned<String>>,
}

/// A text, or several.
#[derive(Clone, Debug)]
enum Texts {
    One(String),
    Several(Vec<Spanned<String>>),
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Texts, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Texts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value in WAVE, or an array of them, which are used one by one")
            }

            fn visit_str<E>(self, text: &str) -> Result<Texts, E> {
                Ok(Texts::One(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Texts, A::Error> {
                let mut all = Vec::new();
                while let Some(item) = items.next_element()? {
                    all.push(item);
                }
                Ok(Texts::Several(all))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// How often: a number, or a range such as `1..3`, both ends included.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "write a number, or a range as in \"1..3\", \"1..\" or \"..2\"")]
enum Times {
    Exactly(u64),
    Range(String),
}

impl Times {
    fn settle(&self) -> Option<(u64, Option<u64>)> {
        match self {
            Times::Exactly(n) => Some((*n, Some(*n))),
            Times::Range(text) => {
                let (least, most) = text.split_once("..")?;
                let number = |text: &str| match text.trim() {
                    "" => Some(None),
                    text => text.parse::<u64>().ok().map(Some),
                };
                let (least, most) = (number(least)?.unwrap_or(0), number(most)?);
                most.is_none_or(|most| least <= most).then_some((least, most))
            }
        }
    }
}

/// The keys of a case, or of a file for all its cases, that are about the host.
#[derive(Clone, Debug, Default)]
pub struct HostKeys {
    /// `[[host]]`
    pub rules: Vec<Spanned<RuleTable>>,
    /// `host-in-order`
    pub in_order: Option<Spanned<bool>>,
    /// `host-defaults`
    pub defaults: Option<Spanned<bool>>,
    /// `config`
    pub config: Option<Spanned<BTreeMap<String, String>>>,
    /// `keyvalue`
    pub keyvalue: Option<Spanned<BTreeMap<String, BTreeMap<String, String>>>>,
    /// `mock`
    pub mock: Option<Spanned<String>>,
    /// `replay`
    pub replay: Option<Spanned<String>>,
}

impl HostKeys {
    /// Where the first of them stands; none where none of them is there.
    pub fn first(&self) -> Option<Range<usize>> {
        let replay = self.replay.as_ref().map(Spanned::span);
        replay.into_iter().chain(self.first_answer()).min_by_key(|span| span.start)
    }

    /// Where the first of them stands that says what the host answers, but for `replay`.
    fn first_answer(&self) -> Option<Range<usize>> {
        let spans = [
            self.rules.first().map(Spanned::span),
            self.in_order.as_ref().map(Spanned::span),
            self.defaults.as_ref().map(Spanned::span),
            self.config.as_ref().map(Spanned::span),
            self.keyvalue.as_ref().map(Spanned::span),
            self.mock.as_ref().map(Spanned::span),
        ];
        spans.into_iter().flatten().min_by_key(|span| span.start)
    }

    /// The host's side of a case of this name: its own keys, and behind them those of its file.
    ///
    /// # Errors
    ///
    /// What makes no sense, with its place.
    pub fn settle(
        self,
        file: &HostKeys,
        name: &str,
        reader: &Reader<'_>,
    ) -> Result<HostSide, ConfigError> {
        if let Some(replay) = self.replay.as_ref().or(file.replay.as_ref()) {
            if let Some(span) = self.first_answer().or_else(|| file.first_answer()) {
                let message = "`replay` answers every call of the host: nothing beside it would";
                return Err(reader.source().error(span, message));
            }
            let replay = Some(Replay::read(replay, name, reader)?);
            return Ok(HostSide { replay, ..HostSide::default() });
        }
        let mock = self.mock.as_ref().or(file.mock.as_ref());
        let mut side = HostSide {
            mock: mock.map(|mock| Mock::read(mock, reader)).transpose()?,
            in_order: self.in_order.or(file.in_order.clone()).is_some_and(Spanned::into_inner),
            defaults: self.defaults.or(file.defaults.clone()).is_some_and(Spanned::into_inner),
            config: self.config.or(file.config.clone()).map(Spanned::into_inner),
            keyvalue: self.keyvalue.or(file.keyvalue.clone()).map(Spanned::into_inner),
            ..HostSide::default()
        };
        let own = self.rules.into_iter().map(|rule| (rule, false));
        let tables: Vec<_> = own.chain(file.rules.iter().cloned().map(|r| (r, true))).collect();
        let names = names(&tables, &reader.source())?;
        for (table, shared) in tables {
            let rule = rule(table, shared, &names, reader, &mut side)?;
            side.rules.push(rule);
        }
        Ok(side)
    }
}

/// The names that rules have, with their indices.
fn names(
    tables: &[(Spanned<RuleTable>, bool)],
    source: &Source<'_>,
) -> Result<BTreeMap<String, usize>, ConfigError> {
    let mut names = BTreeMap::new();
    for (index, (table, _)) in tables.iter().enumerate() {
        let Some(name) = &table.get_ref().name else { continue };
        if names.insert(name.get_ref().clone(), index).is_some() {
            let message = format!("two rules have the name `{}`", name.get_ref());
            return Err(source.error(name.span(), &message));
        }
    }
    Ok(names)
}

fn rule(
    table: Spanned<RuleTable>,
    shared: bool,
    names: &BTreeMap<String, usize>,
    reader: &Reader<'_>,
    side: &mut HostSide,
) -> Result<Rule, ConfigError> {
    let source = reader.source();
    let wrong = |span: Range<usize>, message: &str| Err(source.error(span, message));
    let table = table.into_inner();
    let folder = reader.folder();
    let call = reader.written(&table.call);
    let place = source.place(table.call.span());
    if table.forbid {
        let spans = [
            table.returns.as_ref().map(Spanned::span),
            table.traps.as_ref().map(Spanned::span),
            table.delay.as_ref().map(Spanned::span),
            table.times.as_ref().map(Spanned::span),
        ];
        if let Some(span) = spans.into_iter().flatten().next() {
            return wrong(span, "a call that is forbidden has no answer");
        }
    }
    let on = match &table.on {
        None => None,
        Some(on) => {
            let (written, mut files) = (reader.written(on), Vec::new());
            match parsed(&written, folder, &mut files, wave::value)?.kind {
                NodeKind::Label(name, None) => Some(name),
                _ => {
                    return wrong(on.span(), "this is no name of a handle, as in `on = \"alice\"`");
                }
            }
        }
    };
    let args = match &table.args {
        None => None,
        Some(args) => {
            let written = reader.written(args);
            let node = parsed(&written, folder, &mut side.files, wave::value)?;
            Some((written, node))
        }
    };
    let (texts, several) = match table.returns {
        None => (Vec::new(), None),
        Some(texts) => {
            let span = texts.span();
            match texts.into_inner() {
                Texts::One(text) => (vec![Spanned::new(span, text)], None),
                Texts::Several(texts) if texts.is_empty() => {
                    return wrong(span, "there is no answer in it");
                }
                Texts::Several(texts) => {
                    let count = texts.len() as u64;
                    (texts, Some(count))
                }
            }
        }
    };
    if let Some(traps) = table.traps.as_ref().filter(|_| !texts.is_empty()) {
        return wrong(traps.span(), "a rule returns or traps, and not both");
    }
    let mut returns = Vec::new();
    for text in &texts {
        let written = reader.written(text);
        let node = parsed(&written, folder, &mut side.files, wave::value)?;
        returns.push((written, node));
    }
    let times = match &table.times {
        None => (0, several),
        Some(times) => {
            let Some((least, most)) = times.get_ref().settle() else {
                let message = "this is no range; write \"1..3\", \"1..\" or \"..2\"";
                return wrong(times.span(), message);
            };
            if let Some(count) = several.filter(|count| most.unwrap_or(least) > *count) {
                let message = format!(
                    "it has {count} answers, each for one call; `returns` with one value answers \
                     again and again"
                );
                return wrong(times.span(), &message);
            }
            (least, most.or(several))
        }
    };
    let delay = match &table.delay {
        None => None,
        Some(delay) => match parse_duration(delay.get_ref()) {
            Ok(time) => Some((time, delay.span())),
            Err(message) => return wrong(delay.span(), &message),
        },
    };
    let mut after = Vec::new();
    for name in &table.after {
        match names.get(name.get_ref()) {
            Some(index) => after.push(*index),
            None => {
                let hint = match nearest(name.get_ref(), names.keys().map(String::as_str)) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "`name = \"...\"` gives a rule one".to_owned(),
                };
                let message = format!("no rule has the name `{}`; {hint}", name.get_ref());
                return wrong(name.span(), &message);
            }
        }
    }
    Ok(Rule {
        call,
        on,
        args,
        returns,
        traps: table.traps.map(Spanned::into_inner),
        delay: delay.filter(|(time, _)| *time > Duration::ZERO),
        times,
        forbid: table.forbid,
        shared,
        after,
        place: format!("{}:{}", place.file, place.line),
    })
}
