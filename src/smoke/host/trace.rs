//! What was asked of the host and answered, kept as text up to a limit: a plugin that calls its host a
//! million times fills neither memory nor the report.

use super::side::{Asked, plain};
use crate::diagnostic::HostCall;
use crate::wave::{Value, write};

/// The most calls of one case that are told.
pub const MAX_CALLS: usize = 1000;

/// The most that is told of one case, in bytes of text.
const MAX_TEXT: usize = 1 << 20;

/// The most that is told of the arguments or the result of one call, in bytes of text.
const MAX_VALUE: usize = 64 << 10;

/// The calls of one run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// The step that is made: see [`HostCall::step`].
    pub step: usize,
    calls: Vec<HostCall>,
    /// How many of them were handed over already.
    told: usize,
    bytes: usize,
    count: u64,
}

impl Trace {
    /// Takes note of a call; returns which one it is where it is told.
    pub fn call(&mut self, asked: &Asked<'_>) -> Option<usize> {
        self.count += 1;
        if self.calls.len() >= MAX_CALLS || self.bytes >= MAX_TEXT {
            return None;
        }
        let most = MAX_VALUE.min(MAX_TEXT - self.bytes);
        let (args, whole) = write(&Value::Tuple(asked.args.to_vec()), most);
        self.bytes += args.len() + asked.function.len();
        self.calls.push(HostCall {
            step: self.step,
            call: plain(asked.function),
            on: asked.on.map(str::to_owned),
            args,
            cut: !whole,
            ..HostCall::default()
        });
        Some(self.calls.len() - 1)
    }

    /// A call that is told, to be completed.
    pub fn at(&mut self, call: Option<usize>) -> Option<&mut HostCall> {
        self.calls.get_mut(call?)
    }

    /// Completes a call by what it returned.
    pub fn returned(&mut self, call: Option<usize>, value: Option<&Value>) {
        if call.is_none() {
            return;
        }
        let most = MAX_VALUE.min(MAX_TEXT.saturating_sub(self.bytes)).max(1);
        let (text, whole) = value.map_or((String::new(), true), |value| write(value, most));
        self.bytes += text.len();
        if let Some(call) = self.at(call) {
            call.returned = Some(text);
            call.cut |= !whole;
        }
    }

    /// Completes a call by the message that it trapped with.
    pub fn trapped(&mut self, call: Option<usize>, message: &str) {
        if let Some(call) = self.at(call) {
            call.trapped = Some(message.to_owned());
        }
    }

    /// What was not handed over yet: up to the first call that waits for its answer, or all of it where no
    /// answer is to come.
    pub fn news(&mut self, over: bool) -> &[HostCall] {
        let from = self.told;
        let waits = |call: &HostCall| call.returned.is_none() && call.trapped.is_none();
        let waiting = self.calls[from..].iter().position(waits).filter(|_| !over);
        self.told = waiting.map_or(self.calls.len(), |waiting| from + waiting);
        &self.calls[from..self.told]
    }

    /// How many calls were made.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The calls that are told.
    pub fn calls(&self) -> &[HostCall] {
        &self.calls
    }
}
