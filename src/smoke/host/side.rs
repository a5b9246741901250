//! Who answers a call of the host: the rules of the case, held against what they are asked. Pure: values
//! in, an answer out. What is counted here is of one instance.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use thiserror::Error;

use super::built_in::BuiltIn;
use super::replay::Replay;
use super::trace::Trace;
use crate::config::{Answer, HostRule, HostScript};
use crate::diagnostic::AnsweredBy;
use crate::smoke::FaultKind;
use crate::smoke::outcome::said;
use crate::wave::{Value, compare, write};
use crate::world::nearest;

/// What a plugin asks of its host.
#[derive(Clone, Debug)]
pub struct Asked<'a> {
    /// The function, under its name in the component: `interface#[method]session.feed`.
    pub function: &'a str,
    /// The handle whose method it is.
    pub on: Option<&'a str>,
    /// The names of the parameters, without a method's own handle.
    pub params: &'a [&'a str],
    /// The arguments.
    pub args: &'a [Value],
}

impl Asked<'_> {
    /// The call as rules write it.
    pub fn shown(&self) -> String {
        let args = write(&Value::Tuple(self.args.to_vec()), 200).0;
        let on = self.on.map(|on| format!(" on {on}")).unwrap_or_default();
        format!("{}{args}{on}", plain(self.function))
    }
}

/// The name of a function without the component model's brackets.
pub fn plain(function: &str) -> String {
    let (interface, name) = match function.split_once('#') {
        Some((interface, name)) => (format!("{interface}#"), name),
        None => (String::new(), function),
    };
    let name = match name.strip_prefix("[drop]") {
        Some(resource) => format!("{resource}.drop"),
        None => name.split_once(']').map_or(name, |(_, name)| name).to_owned(),
    };
    interface + &name
}

/// What is answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// Nothing, where the function returns nothing.
    Nothing,
    /// This value, in which handles are named that are to be made.
    Value(Value),
    /// A trap with this message.
    Trap(String),
    /// Whatever the mock says.
    Mock,
    /// Whatever plugtool itself has for it.
    BuiltIn,
    /// What can be made from the type.
    Default,
}

/// An answer, and who gives it.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// The answer.
    pub reply: Reply,
    /// How long it takes, in the guest's time.
    pub delay: Duration,
    /// Where the rule stands that gives or counts it.
    pub rule: Option<String>,
    /// Who gives it.
    pub by: AnsweredBy,
}

/// The plugin asked what the case does not let it ask, or did not ask what it should.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{message}")]
pub struct HostFault {
    /// What kind of fault it is.
    pub kind: FaultKind,
    /// What it did.
    pub message: String,
    /// Which rule came nearest, and why it did not answer.
    pub notes: Vec<String>,
}

/// A message that the script traps with.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{0}")]
pub struct ScriptedTrap(pub String);

/// A handle that the host made and that did not end yet.
#[derive(Clone, Debug)]
struct Held {
    name: String,
    /// The function that stands for its end.
    drop: String,
}

/// The host's side of one run.
#[derive(Debug, Default)]
pub struct Side {
    script: HostScript,
    /// The rules of each function, in their order.
    rules: HashMap<String, Vec<usize>>,
    /// How often each rule has answered.
    used: Vec<u64>,
    /// With `in_order`, the rule that answered last.
    turn: usize,
    held: BTreeMap<u32, Held>,
    last: u32,
    /// How many handles were made under each name.
    made: HashMap<String, u64>,
    /// A trace that answers, in place of everything else.
    replay: Option<Replay>,
    /// What plugtool itself answers.
    pub built_in: BuiltIn,
    /// What was asked and answered.
    pub trace: Trace,
}

impl Side {
    /// One that was asked nothing yet.
    pub fn new(script: &HostScript) -> Side {
        let mut rules: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, rule) in script.rules.iter().enumerate() {
            for function in &rule.functions {
                rules.entry(function.clone()).or_default().push(index);
            }
        }
        let used = vec![0; script.rules.len()];
        let built_in = BuiltIn::new(script);
        let replay = script.replay.clone();
        let replay = replay.map(|calls| Replay::new(calls, script.unrecorded.clone()));
        Side { script: script.clone(), rules, used, replay, built_in, ..Side::default() }
    }

    /// Who answers.
    ///
    /// # Errors
    ///
    /// Nobody does, or the call must not be made, or not now, or not so.
    pub fn decide(&mut self, asked: &Asked<'_>) -> Result<Decision, HostFault> {
        if let Some(replay) = &mut self.replay {
            return replay.answer(asked, self.trace.step);
        }
        let about = self.rules.get(asked.function).cloned().unwrap_or_default();
        let interface = asked.function.split_once('#').map_or("", |(interface, _)| interface);
        let elsewhere = if self.script.mocks(asked.function) {
            Some((Reply::Mock, AnsweredBy::Mock))
        } else if self.script.has(interface) {
            Some((Reply::BuiltIn, AnsweredBy::BuiltIn))
        } else {
            None
        };
        let (mut early, mut spent) = (None, None);
        let mut nearest: Option<(usize, Vec<String>, usize)> = None;
        let mut ready = None;
        for index in about {
            let rule = &self.script.rules[index];
            let (notes, count) = differences(rule, asked);
            if count > 0 {
                if nearest.as_ref().is_none_or(|(.., least)| count < *least) {
                    nearest = Some((index, notes, count));
                }
                continue;
            }
            if rule.forbid {
                return Err(self.forbidden(rule, asked));
            }
            if ready.is_some() {
                continue;
            }
            if rule.most.is_some_and(|most| self.used[index] >= most) {
                spent.get_or_insert(index);
            } else if let Some(before) = self.out_of_turn(index) {
                early.get_or_insert((index, before));
            } else {
                ready = Some(index);
            }
        }
        if let Some(index) = ready {
            return Ok(self.by_rule(index, elsewhere));
        }
        match (early, spent) {
            (Some((index, before)), ..) => return Err(self.disordered(asked, index, before)),
            (None, Some(index)) => return Err(self.too_often(asked, index)),
            (None, None) => {}
        }
        if let Some((reply, by)) = elsewhere {
            return Ok(Decision { reply, delay: Duration::ZERO, rule: None, by });
        }
        match nearest {
            Some((index, notes, _)) => Err(self.otherwise(asked, index, notes)),
            None if self.script.defaults => Ok(Decision {
                reply: Reply::Default,
                delay: Duration::ZERO,
                rule: None,
                by: AnsweredBy::Default,
            }),
            None => Err(self.unscripted(asked)),
        }
    }

    fn by_rule(&mut self, index: usize, elsewhere: Option<(Reply, AnsweredBy)>) -> Decision {
        let nth = usize::try_from(self.used[index]).unwrap_or(usize::MAX);
        self.used[index] += 1;
        let rule = &self.script.rules[index];
        if !rule.shared {
            self.turn = self.turn.max(index);
        }
        let (reply, by) = match &rule.answer {
            Answer::Nothing => (Reply::Nothing, AnsweredBy::Rule),
            Answer::Values(values) => match values.get(nth).or(values.last()) {
                Some(value) => (Reply::Value(value.clone()), AnsweredBy::Rule),
                None => (Reply::Nothing, AnsweredBy::Rule),
            },
            Answer::Trap(message) => (Reply::Trap(message.clone()), AnsweredBy::Rule),
            Answer::Elsewhere => elsewhere.unwrap_or((Reply::Default, AnsweredBy::Default)),
        };
        Decision { reply, delay: rule.delay, rule: Some(rule.place.clone()), by }
    }

    /// The rule that must have answered before this one may, or that has answered behind it.
    fn out_of_turn(&self, index: usize) -> Option<usize> {
        let rule = &self.script.rules[index];
        let first = |other: &&usize| self.used[**other] < self.script.rules[**other].least.max(1);
        if let Some(other) = rule.after.iter().find(first) {
            return Some(*other);
        }
        if !self.script.in_order || rule.shared {
            return None;
        }
        if index < self.turn {
            return Some(self.turn);
        }
        let lacks = |other: &usize| {
            let rule = &self.script.rules[*other];
            !rule.shared && self.used[*other] < rule.least
        };
        (self.turn..index).find(lacks)
    }

    fn forbidden(&self, rule: &HostRule, asked: &Asked<'_>) -> HostFault {
        HostFault {
            kind: FaultKind::HostForbidden,
            message: format!("{} {}, which the case forbids", self.called(), asked.shown()),
            notes: vec![format!("{} forbids {}", rule.place, rule.shown)],
        }
    }

    fn disordered(&self, asked: &Asked<'_>, index: usize, before: usize) -> HostFault {
        let (rule, other) = (&self.script.rules[index], &self.script.rules[before]);
        let (message, why) = if before > index && !rule.after.contains(&before) {
            ("which is too late", "has had its turn before")
        } else {
            ("which is too early", "must answer first")
        };
        HostFault {
            kind: FaultKind::HostOrder,
            message: format!("{} {}, {message}", self.called(), asked.shown()),
            notes: vec![
                format!("the rule at {} is {}", rule.place, rule.shown),
                format!("the rule at {} {why}: {}", other.place, other.shown),
            ],
        }
    }

    fn too_often(&self, asked: &Asked<'_>, index: usize) -> HostFault {
        let rule = &self.script.rules[index];
        let times = match rule.most {
            Some(0) | None => "is never to answer".to_owned(),
            Some(1) => "has answered once, and that is all".to_owned(),
            Some(n) => format!("has answered {n} times, and that is all"),
        };
        HostFault {
            kind: FaultKind::HostTooOften,
            message: format!("{} {} once too often", self.called(), asked.shown()),
            notes: vec![format!("the rule at {} {times}: {}", rule.place, rule.shown)],
        }
    }

    fn otherwise(&self, asked: &Asked<'_>, index: usize, mut notes: Vec<String>) -> HostFault {
        let rule = &self.script.rules[index];
        notes.insert(0, format!("the nearest rule, at {}, is {}", rule.place, rule.shown));
        HostFault {
            kind: FaultKind::HostArgument,
            message: format!("{} {}, which no rule for it expects", self.called(), asked.shown()),
            notes,
        }
    }

    /// When it called.
    fn called(&self) -> String {
        called(self.trace.step)
    }

    /// Nothing says what would be answered.
    pub fn unscripted(&self, asked: &Asked<'_>) -> HostFault {
        let called = plain(asked.function);
        let rules = || self.script.rules.iter().filter(|rule| !rule.forbid);
        let near = nearest(&called, rules().map(|rule| rule.call.as_str()));
        let near = near.and_then(|near| rules().find(|rule| rule.call == near));
        let base = |call: &str| {
            let (interface, _) = call.split_once('#')?;
            Some(interface.split('@').next().unwrap_or_default().to_owned())
        };
        // Or else, one for the same interface.
        let near = near.or_else(|| {
            rules().find(|rule| base(&called).is_some() && base(&rule.call) == base(&called))
        });
        let notes = match near {
            Some(rule) => {
                let shown = &rule.shown;
                vec![format!(
                    "the nearest rule, at {}, is for another function: {shown}",
                    rule.place
                )]
            }
            None => Vec::new(),
        };
        HostFault {
            kind: FaultKind::HostCall,
            message: format!("{} {}, for which nothing is scripted", self.called(), asked.shown()),
            notes,
        }
    }

    /// What the plugin should have asked, and did not.
    pub fn missing(&self) -> Option<HostFault> {
        if let Some(replay) = &self.replay {
            return replay.missing();
        }
        let mut notes = Vec::new();
        for (rule, used) in self.script.rules.iter().zip(&self.used) {
            if *used < rule.least {
                let times = |n: u64| match n {
                    0 => "never".to_owned(),
                    1 => "once".to_owned(),
                    n => format!("{n} times"),
                };
                let exactly = if rule.most == Some(rule.least) { "" } else { "at least " };
                notes.push(format!(
                    "{}: {} is to be called {exactly}{}, and was called {}",
                    rule.place,
                    rule.shown,
                    times(rule.least),
                    times(*used)
                ));
            }
        }
        if notes.is_empty() {
            return None;
        }
        let message = match notes.len() {
            1 => "it did not make a call that it must make".to_owned(),
            n => format!("it did not make the calls of {n} rules that it must make"),
        };
        Some(HostFault { kind: FaultKind::HostMissing, message, notes })
    }

    /// Makes the handles that an answer names: they get names of their own, `alice`, `alice#2`; or those
    /// that they had when they were recorded.
    pub fn make_handles(&mut self, value: &mut Value) {
        if let Value::Handle(name) = value {
            if self.replay.is_none() {
                let label = name.split('#').next().unwrap_or_default().to_owned();
                let made = self.made.entry(label.clone()).or_default();
                *made += 1;
                *name = if *made == 1 { label } else { format!("{label}#{made}") };
            }
            self.last += 1;
            let held = Held { name: name.clone(), drop: String::new() };
            self.held.insert(self.last, held);
        }
        value.parts_mut().for_each(|part| self.make_handles(part));
    }

    /// The number of a handle that was made, which is of this resource: `interface#[drop]session`
    /// stands for its end.
    pub fn number(&mut self, name: &str, drop: &str) -> Option<u32> {
        // It is one of the last.
        let (number, held) = self.held.iter_mut().rev().find(|(_, held)| held.name == name)?;
        drop.clone_into(&mut held.drop);
        Some(*number)
    }

    /// The name of a handle.
    pub fn name(&self, number: u32) -> Option<&str> {
        self.held.get(&number).map(|held| held.name.as_str())
    }

    /// A handle was given back to the host, which lets go of it.
    pub fn take_back(&mut self, number: u32) {
        if let Some(held) = self.held.remove(&number) {
            self.built_in.closed(&held.name);
        }
    }

    /// The mock's export that has a function of the host.
    pub fn mocks(&self, function: &str) -> Option<&str> {
        self.script.mock.as_ref()?.export(function)
    }

    /// A handle came to its end, the mock's own or not. The rules count that, and may forbid it.
    ///
    /// # Errors
    ///
    /// It must not end, or not now.
    pub fn end(&mut self, number: u32, of_mock: bool) -> Result<(), HostFault> {
        let Some(Held { name, drop }) = self.held.remove(&number) else { return Ok(()) };
        self.built_in.closed(&name);
        let asked = Asked { function: &drop, on: Some(&name), params: &[], args: &[] };
        let ruled = self.replay.is_some() || self.rules.contains_key(&drop);
        let decided = match ruled.then(|| self.decide(&asked)) {
            // A rule about another handle says nothing about this one.
            Some(Err(fault)) if fault.kind == FaultKind::HostArgument && self.replay.is_none() => {
                Ok(None)
            }
            Some(decided) => decided.map(Some),
            None => Ok(None),
        };
        let told = self.trace.call(&asked);
        if let Some(call) = self.trace.at(told) {
            call.returned = decided.is_ok().then(String::new);
            let decision = decided.as_ref().ok().and_then(Option::as_ref);
            call.rule = decision.and_then(|decision| decision.rule.clone());
            call.by = match decision.map(|decision| decision.by) {
                Some(AnsweredBy::Replay) => AnsweredBy::Replay,
                _ if call.rule.is_some() => AnsweredBy::Rule,
                _ if of_mock && decided.is_ok() => AnsweredBy::Mock,
                _ => AnsweredBy::Nobody,
            };
        }
        decided.map(|_| ())
    }
}

/// When something was called.
pub fn called(step: usize) -> String {
    match step {
        0 => "while it came to life, it called".to_owned(),
        step => format!("in step {step}, it called"),
    }
}

/// As how many differences another handle counts.
const ANOTHER_HANDLE: usize = 1000;

/// Why a rule does not want this: the first differences as lines, and how many there are.
fn differences(rule: &HostRule, asked: &Asked<'_>) -> (Vec<String>, usize) {
    let (mut notes, mut all) = (Vec::new(), 0);
    if let (Some(wanted), Some(on)) = (&rule.on, asked.on) {
        let wanted = Value::Handle(wanted.clone());
        let (told, count) = compare(&wanted, &Value::Handle(on.to_owned()), &[]);
        notes.extend(said(&told, count, "expected", "got").into_iter().map(|l| format!("on: {l}")));
        // A rule for another handle is further away than one for other arguments.
        all += count * ANOTHER_HANDLE;
    }
    let Some(Value::Tuple(args)) = &rule.args else { return (notes, all) };
    for ((wanted, got), param) in args.iter().zip(asked.args).zip(asked.params) {
        let (told, count) = compare(wanted, got, &[]);
        let lines = said(&told, count, "expected", "got");
        notes.extend(lines.into_iter().map(|line| format!("{param}: {line}")));
        all += count;
    }
    (notes, all)
}
