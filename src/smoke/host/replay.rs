//! A trace that answers: the calls that were recorded are made again, one after the other and with the same
//! arguments, or it is said which was made instead. Pure, like the rules.

use super::side::{Asked, Decision, HostFault, Reply, called};
use crate::config::{Answer, RecordedCall};
use crate::diagnostic::AnsweredBy;
use crate::smoke::FaultKind;
use crate::smoke::outcome::said;
use crate::wave::{Value, compare_exactly, write};

/// The most calls that are told which were not made.
const MAX_TOLD: usize = 4;

/// A trace that is being replayed.
#[derive(Clone, Debug)]
pub struct Replay {
    calls: Vec<RecordedCall>,
    /// Why there are none to go by.
    unrecorded: Option<String>,
    /// The call that is to be made next.
    next: usize,
}

impl Replay {
    /// One of which nothing was asked yet.
    pub fn new(calls: Vec<RecordedCall>, unrecorded: Option<String>) -> Replay {
        Replay { calls, unrecorded, next: 0 }
    }

    /// What was answered to the call that is next, where it is this one and is made in its step.
    ///
    /// # Errors
    ///
    /// It is another.
    pub fn answer(&mut self, asked: &Asked<'_>, step: usize) -> Result<Decision, HostFault> {
        let Some(call) = self.calls.get(self.next) else {
            return Err(self.otherwise(asked, step));
        };
        if !is_of(call, asked) || !differences(call, asked).is_empty() {
            return Err(self.otherwise(asked, step));
        }
        if call.step != step {
            return Err(HostFault {
                kind: FaultKind::HostOrder,
                message: format!(
                    "{} {}, which was recorded {}",
                    called(step),
                    asked.shown(),
                    in_step(call.step)
                ),
                notes: vec![format!("{} is {}", call.place, shown(call))],
            });
        }
        self.next += 1;
        let reply = match &call.answer {
            Answer::Values(values) => {
                values.first().map_or(Reply::Nothing, |value| Reply::Value(value.clone()))
            }
            Answer::Trap(message) => Reply::Trap(message.clone()),
            Answer::Nothing | Answer::Elsewhere => Reply::Nothing,
        };
        let rule = Some(call.place.clone());
        Ok(Decision { reply, delay: call.delay, rule, by: AnsweredBy::Replay })
    }

    /// Why a call is not the one that is next.
    fn otherwise(&self, asked: &Asked<'_>, step: usize) -> HostFault {
        let same = |call: &RecordedCall| is_of(call, asked) && differences(call, asked).is_empty();
        let (before, rest) = self.calls.split_at(self.next);
        let next = rest.first();
        let coming = rest.iter().find(|call| same(call));
        let mut notes = Vec::new();
        let (kind, message) = match next {
            Some(next) if coming.is_none() && is_of(next, asked) => {
                notes.push(format!("{} is {}", next.place, shown(next)));
                notes.extend(differences(next, asked));
                (FaultKind::HostArgument, "which is not as it was recorded")
            }
            _ => {
                let (kind, message) = if coming.is_some() {
                    (FaultKind::HostOrder, "which is too early")
                } else if rest.iter().any(|call| is_of(call, asked)) {
                    (FaultKind::HostOrder, "which is not its turn")
                } else if before.iter().any(|call| is_of(call, asked)) {
                    (FaultKind::HostTooOften, "once more than was recorded")
                } else {
                    (FaultKind::HostCall, "which was not recorded")
                };
                notes.push(match next {
                    Some(next) => {
                        let when = in_step(next.step);
                        format!("{} is next: {}, {when}", next.place, shown(next))
                    }
                    None => match self.calls.len() {
                        0 => match &self.unrecorded {
                            Some(why) => why.clone(),
                            None => "it was recorded that it made no call".to_owned(),
                        },
                        n => format!("all {n} calls that were recorded have been made"),
                    },
                });
                if let Some(call) = coming {
                    let when = in_step(call.step);
                    notes.push(format!("{} is {}, {when}", call.place, shown(call)));
                }
                (kind, message)
            }
        };
        let message = format!("{} {}, {message}", called(step), asked.shown());
        HostFault { kind, message, notes }
    }

    /// The calls that were recorded and not made. Where nobody recorded any, none can be enough.
    pub fn missing(&self) -> Option<HostFault> {
        if let Some(why) = &self.unrecorded {
            return Some(HostFault {
                kind: FaultKind::HostMissing,
                message: "it is not known which calls it must make".to_owned(),
                notes: vec![
                    why.clone(),
                    "record this one too, or name the `plugins` that the case is for".to_owned(),
                ],
            });
        }
        let left = self.calls.get(self.next..).filter(|left| !left.is_empty())?;
        let told = left.iter().take(MAX_TOLD);
        let told =
            told.map(|call| format!("{}: {}, {}", call.place, shown(call), in_step(call.step)));
        let mut notes: Vec<String> = told.collect();
        if left.len() > MAX_TOLD {
            notes.push(format!("and {} more", left.len() - MAX_TOLD));
        }
        let message = match left.len() {
            1 => "it did not make a call that was recorded".to_owned(),
            n => format!("it did not make {n} calls that were recorded"),
        };
        Some(HostFault { kind: FaultKind::HostMissing, message, notes })
    }
}

/// Whether the functions are one.
fn is_of(call: &RecordedCall, asked: &Asked<'_>) -> bool {
    call.functions.iter().any(|function| function == asked.function)
}

/// What is another than in the call that was recorded, which is of the same function.
fn differences(call: &RecordedCall, asked: &Asked<'_>) -> Vec<String> {
    let mut notes = Vec::new();
    let mut differ = |name: &str, recorded: &Value, got: &Value| {
        let (told, count) = compare_exactly(recorded, got);
        let lines = said(&told, count, "recorded", "got");
        notes.extend(lines.into_iter().map(|line| format!("{name}: {line}")));
    };
    let handle = |name: &str| Value::Handle(name.to_owned());
    match (call.on.as_deref(), asked.on) {
        (Some(on), Some(got)) => differ("on", &handle(on), &handle(got)),
        (Some(on), None) => differ("on", &handle(on), &Value::Any),
        (None, Some(got)) => differ("on", &Value::Opaque("none".to_owned()), &handle(got)),
        (None, None) => {}
    }
    let Value::Tuple(args) = &call.args else { return notes };
    let names = asked.params.iter().chain(std::iter::repeat(&"argument"));
    for ((recorded, got), name) in args.iter().zip(asked.args).zip(names) {
        differ(name, recorded, got);
    }
    if args.len() != asked.args.len() {
        notes.push(format!("recorded {} arguments, got {}", args.len(), asked.args.len()));
    }
    notes
}

fn shown(call: &RecordedCall) -> String {
    let args = write(&call.args, 200).0;
    let on = call.on.as_ref().map(|on| format!(" on {on}")).unwrap_or_default();
    format!("{}{args}{on}", call.call)
}

fn in_step(step: usize) -> String {
    match step {
        0 => "while it came to life".to_owned(),
        step => format!("in step {step}"),
    }
}
