//! One case in the engine: a fresh instance, its calls one after the other, what they came to.

use std::cell::Cell;

use wasmtime::component::{Instance, ResourceAny};

use super::call::{Call, Handles, Returned};
use super::host::{HostFault, Mocked, Side};
use super::http::Desk;
use super::store::{self, PluginStore};
use super::{Event, Fault, FaultKind, Meter, Prepared, Script, Used, within};
use crate::config::{Limits, MockScript};
use crate::diagnostic::HostCall;
use crate::wave::{Difference, Expect, MAX_TEXT, Value, compare, in_short, write};

/// A case, ready to run.
pub struct Case<'c> {
    pub prepared: &'c Prepared,
    pub script: &'c Script,
    pub calls: &'c [Call],
    /// The files that the calls name.
    pub files: &'c [&'c [u8]],
    pub limits: &'c Limits,
    /// Bytes of text that the whole job may still say about what came back.
    pub budget: &'c Cell<usize>,
}

/// What a run of a case came to: two runs that did the same are equal.
#[derive(Debug, Default, PartialEq)]
pub struct Outcome {
    /// What each call returned; none for a function without a result.
    values: Vec<Option<Value>>,
    /// The engine's message where the last call trapped, as it was expected to.
    trap: Option<String>,
    /// Fuel of instantiation, of each call, and of dropping what is left.
    fuel: Vec<u64>,
    /// The most linear memory that was held, in bytes.
    memory: u64,
    /// What was written to standard output and to standard error.
    output: [Vec<u8>; 2],
    /// What was asked of the host, as far as it is told, and how often.
    asked: (Vec<HostCall>, u64),
}

impl Case<'_> {
    /// Runs the case, and once more where it is to run twice. Returns what the first run used too.
    pub async fn judge(&self, emit: &mut dyn FnMut(Event)) -> (Used, Result<(), Fault>) {
        let (used, first) = self.run(emit).await;
        match first {
            Ok(first) if self.script.twice => (used, self.again(&first, emit).await),
            first => (used, first.map(|_| ())),
        }
    }

    async fn again(&self, first: &Outcome, emit: &mut dyn FnMut(Event)) -> Result<(), Fault> {
        emit(Event::Again);
        // What the second run does is told only where it differs.
        let (_, second) = self.run(&mut |_| {}).await;
        let second = second.map_err(|fault| Fault {
            kind: FaultKind::Nondeterministic,
            message: "it passed once, and failed when it was run again".to_owned(),
            notes: std::iter::once(fault.message).chain(fault.notes).collect(),
        })?;
        let notes = differences(first, &second);
        if !notes.is_empty() {
            return Err(Fault {
                kind: FaultKind::Nondeterministic,
                message: "the same calls came to something else when they were made again"
                    .to_owned(),
                notes,
            });
        }
        Ok(())
    }

    async fn run(&self, emit: &mut dyn FnMut(Event)) -> (Used, Result<Outcome, Fault>) {
        let desk = Desk::new(&self.script.outside, self.files);
        let mut store = store::open(&self.prepared.engine, self.limits, desk.clone());
        store.data_mut().side = Side::new(&self.script.host);
        let mut meter = Meter::new(self.limits);
        let outcome = self.play(&mut store, &mut meter, emit).await;
        self.tell(&mut store, emit);
        let outcome = outcome.and_then(|outcome| match desk.missing() {
            Some(fault) => Err(fault),
            None => Ok(outcome),
        });
        desk.tell(emit);
        (meter.read(&store), outcome)
    }

    async fn play(
        &self,
        store: &mut PluginStore,
        meter: &mut Meter<'_>,
        emit: &mut dyn FnMut(Event),
    ) -> Result<Outcome, Fault> {
        let mut outcome = Outcome::default();
        if let Some(script) = &self.script.host.mock {
            store.data_mut().mocked = Some(self.mock(script, store).await?);
        }
        meter.fill(store, self.limits.init_fuel)?;
        let instance = self.prepared.instance.instantiate_async(&mut *store).await;
        outcome.fuel.push(meter.instantiated(store));
        let instance = within(instance, store, self.limits)?;
        emit(Event::Instantiated);
        let mut handles = Handles::default();
        for (index, call) in self.calls.iter().enumerate() {
            self.tell(store, emit);
            store.data_mut().side.trace.step = index + 1;
            self.step(call, store, meter, &instance, &mut handles, &mut outcome, emit).await?;
        }
        self.tell(store, emit);
        store.data_mut().side.trace.step = self.calls.len() + 1;
        if outcome.trap.is_none() {
            self.drop_all(store, meter, &mut handles, &mut outcome, emit).await?;
        }
        emit(Event::Settling);
        if let Some(HostFault { kind, message, notes }) = store.data().side.missing() {
            return Err(Fault { kind, message, notes });
        }
        outcome.memory = store.data().peak_memory();
        outcome.output = store.data().written();
        let trace = &store.data().side.trace;
        outcome.asked = (trace.calls().to_vec(), trace.count());
        Ok(outcome)
    }

    /// Brings the case's mock to life.
    async fn mock(&self, script: &MockScript, store: &PluginStore) -> Result<Mocked, Fault> {
        let Some(mock) = self.prepared.mocks.get(script.index) else {
            return Err(Fault {
                kind: FaultKind::Mock,
                message: format!("the mock {} is not there", script.name),
                notes: Vec::new(),
            });
        };
        mock.start(script, self.limits, store).await
    }

    /// Tells what was asked of the host since it was told last.
    fn tell(&self, store: &mut PluginStore, emit: &mut dyn FnMut(Event)) {
        let trace = &mut store.data_mut().side.trace;
        let count = trace.count();
        let mut calls = trace.news().to_vec();
        // What a job says in all has an end, and the cases share it.
        let size = |call: &HostCall| {
            call.call.len() + call.args.len() + call.returned.as_ref().map_or(0, String::len)
        };
        let mut left = self.budget.get();
        calls.retain(|call| {
            let fits = size(call) <= left;
            left -= if fits { size(call) } else { left };
            fits
        });
        self.budget.set(left);
        if count > 0 {
            emit(Event::HostCalls { calls, count });
        }
    }

    #[allow(clippy::too_many_arguments, reason = "they are what one case is made of")]
    async fn step(
        &self,
        call: &Call,
        store: &mut PluginStore,
        meter: &mut Meter<'_>,
        instance: &Instance,
        handles: &mut Handles,
        outcome: &mut Outcome,
        emit: &mut dyn FnMut(Event),
    ) -> Result<(), Fault> {
        meter.fill(store, self.limits.fuel)?;
        let made = call.make(store, instance, handles, self.files).await;
        let returned = match within(made, store, self.limits) {
            Ok(returned) => returned,
            Err(fault) => {
                let fuel = meter.called(store);
                return self.trapped(call, fault, fuel, outcome, emit);
            }
        };
        let Returned { value, handles: mut fresh } = returned;
        let bound = match &call.invocation.bind {
            Some(name) if fresh.len() == 1 => fresh.pop().and_then(|h| handles.bind(name, h)),
            _ => None,
        };
        // A variable that was bound anew lets go of what it held.
        let left = drop_handles(store, self.limits, bound.into_iter().chain(fresh)).await;
        let fuel = meter.called(store);
        left.map_err(|mut fault| {
            fault.notes.push("when a handle that nobody keeps was dropped".to_owned());
            fault
        })?;
        outcome.fuel.push(fuel);
        emit(self.returned(value.as_ref(), fuel));
        let verdict = self.verdict(call, value.as_ref());
        outcome.values.push(value);
        match verdict {
            Err(fault)
                if self.script.record
                    && [FaultKind::Mismatch, FaultKind::NoTrap].contains(&fault.kind) =>
            {
                emit(Event::Differs);
                Ok(())
            }
            verdict => verdict,
        }
    }

    /// A call did not return: whether that is what was expected, or is to be. Only the last call of a case can
    /// be expected to trap, for nothing can be called after it.
    fn trapped(
        &self,
        call: &Call,
        fault: Fault,
        fuel: u64,
        outcome: &mut Outcome,
        emit: &mut dyn FnMut(Event),
    ) -> Result<(), Fault> {
        let wanted = match &call.invocation.expect {
            Expect::Trap(wanted) => Some(wanted),
            _ => None,
        };
        let last = self.calls.last().is_some_and(|last| std::ptr::eq(last, call));
        let record = self.script.record && last;
        if fault.kind != FaultKind::Trap || wanted.is_none() && !record {
            return Err(fault);
        }
        outcome.fuel.push(fuel);
        emit(Event::Trapped { message: fault.message.clone(), fuel });
        let expected = wanted.is_some_and(|wanted| fault.message.contains(wanted.as_str()));
        if !expected && record {
            emit(Event::Differs);
        } else if let (false, Some(wanted)) = (expected, wanted) {
            return Err(Fault {
                kind: FaultKind::WrongTrap,
                message: "it trapped, and not with the message that was expected".to_owned(),
                notes: vec![
                    format!("expected a message with {wanted:?} in it"),
                    format!("got      {:?}", fault.message),
                ],
            });
        }
        outcome.trap = Some(fault.message);
        Ok(())
    }

    fn returned(&self, value: Option<&Value>, fuel: u64) -> Event {
        /// What is said of a value even where the budget is spent.
        const LEAST: usize = 1 << 10;
        let most = self.budget.get().clamp(LEAST, MAX_TEXT);
        let (text, whole) = value.map_or((String::new(), true), |value| write(value, most));
        self.budget.set(self.budget.get().saturating_sub(text.len()));
        let writable = !value.is_some_and(Value::is_opaque);
        Event::Returned { value: text, whole, writable, fuel }
    }

    fn verdict(&self, call: &Call, value: Option<&Value>) -> Result<(), Fault> {
        match (&call.invocation.expect, value) {
            (Expect::Trap(wanted), _) => {
                return Err(Fault {
                    kind: FaultKind::NoTrap,
                    message: format!(
                        "it returned, where a trap with {wanted:?} in its message was expected"
                    ),
                    notes: Vec::new(),
                });
            }
            (Expect::Value(expected), Some(value)) => {
                let (told, count) = compare(expected, value, self.files);
                if count > 0 {
                    return Err(Fault {
                        kind: FaultKind::Mismatch,
                        message: "it returned something else than expected".to_owned(),
                        notes: said(&told, count, "expected", "got"),
                    });
                }
            }
            _ => {}
        }
        match (&call.invocation.bind, value) {
            (Some(name), Some(value @ (Value::Result(Err(_)) | Value::Option(None)))) => {
                Err(Fault {
                    kind: FaultKind::NoHandle,
                    message: format!("it returned {}, and no handle for `{name}`", in_short(value)),
                    notes: Vec::new(),
                })
            }
            _ => Ok(()),
        }
    }

    /// Drops what the variables hold, the last one first.
    async fn drop_all(
        &self,
        store: &mut PluginStore,
        meter: &mut Meter<'_>,
        handles: &mut Handles,
        outcome: &mut Outcome,
        emit: &mut dyn FnMut(Event),
    ) -> Result<(), Fault> {
        while let Some((variable, handle)) = handles.last() {
            emit(Event::Dropping { variable });
            meter.fill(store, self.limits.fuel)?;
            let dropped = drop_handles(store, self.limits, std::iter::once(handle)).await;
            outcome.fuel.push(meter.called(store));
            dropped?;
        }
        Ok(())
    }
}

async fn drop_handles(
    store: &mut PluginStore,
    limits: &Limits,
    handles: impl Iterator<Item = ResourceAny>,
) -> Result<(), Fault> {
    for handle in handles {
        let dropped = handle.resource_drop_async(&mut *store).await;
        within(dropped, store, limits)?;
    }
    Ok(())
}

/// Differences as lines, what stands for one place aligned.
pub fn said(told: &[Difference], count: usize, expected: &str, got: &str) -> Vec<String> {
    let width = expected.len().max(got.len());
    let mut lines = Vec::new();
    for difference in told {
        let path = match difference.path.as_str() {
            "" => String::new(),
            path => format!("{path}: "),
        };
        lines.push(format!("{path}{expected:width$} {}", difference.expected));
        lines.push(format!("{path}{got:width$} {}", difference.got));
    }
    if count > told.len() {
        lines.push(format!("and {} more", count - told.len()));
    }
    lines
}

/// What is not the same in two runs, a line each; nothing where they are alike.
fn differences(first: &Outcome, second: &Outcome) -> Vec<String> {
    let mut lines = Vec::new();
    for (i, (a, b)) in first.values.iter().zip(&second.values).enumerate() {
        if let (Some(a), Some(b)) = (a, b) {
            let (told, count) = compare(a, b, &[]);
            let told = said(&told, count, "first", "then");
            lines.extend(told.into_iter().map(|line| format!("call {}: {line}", i + 1)));
        }
    }
    if first.trap != second.trap {
        lines.push(format!("trap: first {:?}", first.trap.as_deref().unwrap_or_default()));
        lines.push(format!("trap: then  {:?}", second.trap.as_deref().unwrap_or_default()));
    }
    let streams = ["standard output", "standard error"];
    for (stream, (a, b)) in streams.iter().zip(first.output.iter().zip(&second.output)) {
        let text = |bytes: &[u8]| Value::Text(String::from_utf8_lossy(bytes).into_owned());
        if a != b {
            let (told, count) = compare(&text(a), &text(b), &[]);
            let told = said(&told, count, "first", "then");
            lines.extend(told.into_iter().map(|line| format!("{stream}: {line}")));
            if count == 0 {
                lines.push(format!("{stream}: bytes that are no text differ"));
            }
        }
    }
    for (i, (a, b)) in first.asked.0.iter().zip(&second.asked.0).enumerate() {
        if a != b {
            let shown = |call: &HostCall| {
                let on = call.on.as_ref().map(|on| format!(" on {on}")).unwrap_or_default();
                format!("{}{}{on}", call.call, call.args)
            };
            lines.push(format!("host call {}: first {}, then {}", i + 1, shown(a), shown(b)));
        }
    }
    if first.asked.1 != second.asked.1 {
        lines.push(format!("{} host calls, then {}", first.asked.1, second.asked.1));
    }
    for (i, (a, b)) in first.fuel.iter().zip(&second.fuel).enumerate() {
        if a != b {
            let what = match i {
                0 => "instantiation".to_owned(),
                n if n <= first.values.len() + usize::from(first.trap.is_some()) => {
                    format!("call {n}")
                }
                _ => "dropping what was left".to_owned(),
            };
            lines.push(format!("{what}: {a} fuel, then {b}"));
        }
    }
    if first.memory != second.memory {
        lines.push(format!("{} bytes of memory, then {}", first.memory, second.memory));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(value: u64, fuel: &[u64]) -> Outcome {
        let values = vec![Some(Value::Unsigned(value)), None];
        let output = [b"hello\n".to_vec(), Vec::new()];
        Outcome { values, fuel: fuel.to_vec(), memory: 65536, output, ..Outcome::default() }
    }

    #[test]
    fn runs_that_did_the_same_have_no_differences() {
        assert!(differences(&outcome(1, &[5, 6, 7]), &outcome(1, &[5, 6, 7])).is_empty());
    }

    #[test]
    fn every_difference_is_told_with_its_place() {
        let mut second = outcome(2, &[5, 8, 7]);
        second.memory = 0;
        second.output = [b"hallo\n".to_vec(), vec![0xff]];
        assert_eq!(
            differences(&outcome(1, &[5, 6, 7]), &second),
            [
                "call 1: first 1",
                "call 1: then  2",
                r#"standard output: first "hello\n""#,
                r#"standard output: then  "hallo\n""#,
                r#"standard error: first """#,
                "standard error: then  \"\u{fffd}\"",
                "call 1: 6 fuel, then 8",
                "65536 bytes of memory, then 0",
            ]
        );
        let trapped = Outcome { trap: Some("unreachable".to_owned()), ..outcome(1, &[5, 6, 7]) };
        assert_eq!(differences(&outcome(1, &[5, 6, 7]), &trapped).len(), 2);
    }
}
