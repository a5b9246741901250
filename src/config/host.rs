//! What the host answers while a smoke case runs: its rules as they are written, and what a worker is
//! given of them.

mod deciding;
mod keys;
mod mock;
mod replay;
mod resolve;

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::smoke::CaseFile;
use super::written::Written;
use crate::wave::{Node, Value};
use crate::world::linked;

pub use keys::{HostKeys, RuleTable};
pub use mock::{Mock, MockScript};
pub use replay::Replay;

/// The host's side of a case, as it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostSide {
    /// The rules: the case's own, and then those that all cases of its file share.
    pub rules: Vec<Rule>,
    /// Whether the case's own rules answer in the order in which they stand.
    pub in_order: bool,
    /// Whether a function without a rule gets an answer that is made from its type.
    pub defaults: bool,
    /// What `wasi:config/store` has; none where it is not answered.
    pub config: Option<BTreeMap<String, String>>,
    /// What `wasi:keyvalue` has at first, by store and key; none where it is not answered.
    pub keyvalue: Option<BTreeMap<String, BTreeMap<String, String>>>,
    /// The files that rules name.
    pub files: Vec<CaseFile>,
    /// The component that answers what no rule does.
    pub mock: Option<Mock>,
    /// The trace that answers in place of all of this.
    pub replay: Option<Replay>,
}

/// One rule, as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The function.
    pub call: Written,
    /// The handle whose method is meant.
    pub on: Option<String>,
    /// Its arguments.
    pub args: Option<(Written, Node)>,
    /// What it answers, one after the other; where it is one, again and again.
    pub returns: Vec<(Written, Node)>,
    /// The message that it traps with instead.
    pub traps: Option<String>,
    /// How long it takes, in the guest's time, and where that stands.
    pub delay: Option<(Duration, Range<usize>)>,
    /// How often it is to answer: at least and, where there is an end, at most.
    pub times: (u64, Option<u64>),
    /// Whether the call must not be made.
    pub forbid: bool,
    /// Whether all cases of the file share it.
    pub shared: bool,
    /// Indices of the rules that must have answered before.
    pub after: Vec<usize>,
    /// The line that it stands on, `file:line`.
    pub place: String,
}

/// The host's side of a case as a worker is given it: every value fits its function.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HostScript {
    /// The rules, in the order in which they are tried.
    pub rules: Vec<HostRule>,
    /// Whether the case's own rules answer in the order in which they stand.
    pub in_order: bool,
    /// Whether a function without a rule gets an answer that is made from its type.
    pub defaults: bool,
    /// What `wasi:config/store` has; none where it is not answered.
    pub config: Option<BTreeMap<String, String>>,
    /// What `wasi:keyvalue` has at first, by store and key; none where it is not answered.
    pub keyvalue: Option<BTreeMap<String, BTreeMap<String, String>>>,
    /// The calls that are to be made, one after the other, and no others; none where rules answer.
    #[serde(default)]
    pub replay: Option<Vec<RecordedCall>>,
    /// Why nothing can be replayed, and no run passes: nobody recorded this plugin.
    #[serde(default)]
    pub unrecorded: Option<String>,
    /// The component that answers what no rule does.
    #[serde(default)]
    pub mock: Option<MockScript>,
}

/// A call that was recorded, and is to be made again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordedCall {
    /// The function, under its names in the component; none where the component does not import it.
    pub functions: Vec<String>,
    /// The function as it is recorded.
    pub call: String,
    /// During which step: see `HostCall::step`.
    pub step: usize,
    /// The handle whose method it is, or that ends, by the name that it gets again.
    pub on: Option<String>,
    /// The arguments, as a tuple: these, and nothing else.
    pub args: Value,
    /// What it answered.
    pub answer: Answer,
    /// How long that took, in the guest's time.
    pub delay: Duration,
    /// Where it stands: `file:line`.
    pub place: String,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HostRule {
    /// The functions that it is about, under their names in the component; none where the component
    /// imports none of them.
    pub functions: Vec<String>,
    /// The function as it is written.
    pub call: String,
    /// What it wants, for people: the call as it is written, with handle and arguments.
    pub shown: String,
    /// Where it stands: `file:line`.
    pub place: String,
    /// The handle whose method is meant; any where that is left out.
    pub on: Option<String>,
    /// The arguments that it wants, as a tuple; any where that is left out.
    pub args: Option<Value>,
    /// What it answers.
    pub answer: Answer,
    /// How long that takes, in the guest's time.
    pub delay: Duration,
    /// How often it must answer.
    pub least: u64,
    /// How often it answers; without an end where there is none.
    pub most: Option<u64>,
    /// Whether the call must not be made.
    pub forbid: bool,
    /// Whether all cases of the file share it.
    pub shared: bool,
    /// Indices of the rules that must have answered before.
    pub after: Vec<usize>,
}

/// What a rule answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Answer {
    /// The function returns nothing, and this returns.
    Nothing,
    /// These values one after the other; where it is one, again and again.
    Values(Vec<Value>),
    /// A trap with this message.
    Trap(String),
    /// The rule only counts: the mock answers, or what plugtool itself has.
    Elsewhere,
}

/// The interface of `wasi:config` that plugtool answers.
pub const CONFIG: &str = "wasi:config/store@0.2.0-rc.1";

/// The interfaces of `wasi:keyvalue` that plugtool answers.
pub const KEYVALUE: [&str; 3] = [
    "wasi:keyvalue/store@0.2.0-draft",
    "wasi:keyvalue/atomics@0.2.0-draft",
    "wasi:keyvalue/batch@0.2.0-draft",
];

/// The interface of `wasi:logging` that plugtool answers: what is logged is in the trace.
pub const LOGGING: &str = "wasi:logging/logging@0.1.0-draft";

impl HostScript {
    /// Whether the mock answers for a function.
    pub fn mocks(&self, function: &str) -> bool {
        self.mock.as_ref().is_some_and(|mock| mock.export(function).is_some())
    }

    /// Whether plugtool itself answers for the functions of an interface.
    pub fn has(&self, interface: &str) -> bool {
        answers(interface, self.config.is_some(), self.keyvalue.is_some())
    }
}

fn answers(interface: &str, config: bool, keyvalue: bool) -> bool {
    interface == LOGGING
        || (config && interface == CONFIG)
        || (keyvalue && KEYVALUE.contains(&interface))
}

/// Whether an interface is one of WASI that the engine links, and no script answers for.
fn is_the_engines(interface: &str) -> bool {
    linked(interface).is_some()
}
