//! One case in the engine: a fresh instance, its calls one after the other, what they came to.

use std::cell::Cell;

use wasmtime::component::{Instance, ResourceAny};

use super::call::{Call, Handles, Returned};
use super::host::{HostFault, Mocked, Side};
use super::http::Desk;
use super::outcome::{Outcome, differences, said};
use super::store::{self, PluginStore};
use super::{Event, Fault, FaultKind, Meter, Prepared, Script, Used, linger, spend, within};
use crate::config::{Limits, MockScript};
use crate::wave::{Expect, MAX_TEXT, Value, compare, in_short, write};

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
        // What the second run does is told only where it differs, and so costs nothing of the budget.
        let nothing = Cell::new(0);
        let case = Case { budget: &nothing, ..*self };
        let (_, second) = case.run(&mut |_| {}).await;
        let second = second.map_err(|fault| match fault.kind {
            // No fault of the plugin's.
            FaultKind::System | FaultKind::Mock | FaultKind::BadCall => fault,
            _ => Fault {
                kind: FaultKind::Nondeterministic,
                message: "it passed once, and failed when it was run again".to_owned(),
                notes: std::iter::once(fault.message).chain(fault.notes).collect(),
            },
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
        self.tell(&mut store, true, emit);
        let outcome = outcome.and_then(|outcome| match desk.missing() {
            Some(fault) => Err(fault),
            None => Ok(outcome),
        });
        desk.tell(self.budget, emit);
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
            let to_trap = matches!(call.invocation.expect, Expect::Trap(_));
            if index > 0 && (to_trap || self.script.record && index + 1 == self.calls.len()) {
                // What the calls before left for later is no trap of this one.
                self.settle(store, meter, &mut outcome).await?;
            }
            self.tell(store, false, emit);
            store.data_mut().side.trace.step = index + 1;
            self.step(call, store, meter, &instance, &mut handles, &mut outcome, emit).await?;
        }
        if outcome.trap.is_none() {
            self.settle(store, meter, &mut outcome).await?;
            self.tell(store, false, emit);
            store.data_mut().side.trace.step = self.calls.len() + 1;
            if self.drop_all(store, meter, &mut handles, &mut outcome, emit).await? {
                self.settle(store, meter, &mut outcome).await?;
            }
        }
        emit(Event::Settling);
        if let Some(HostFault { kind, message, notes }) = store.data().side.missing() {
            return Err(Fault { kind, message, notes });
        }
        if self.script.twice {
            let state = store.data();
            outcome.memory = state.peak_memory();
            outcome.output = state.written();
            outcome.asked = (state.side.trace.calls().to_vec(), state.side.trace.count());
            outcome.sent = state.desk().sent();
        }
        Ok(outcome)
    }

    /// Brings the case's mock to life.
    async fn mock(&self, script: &MockScript, store: &PluginStore) -> Result<Mocked, Fault> {
        let Some(mock) = self.prepared.mocks.get(script.index) else {
            let message = format!("the mock {} is not there", script.name);
            return Err(Fault::new(FaultKind::Mock, message));
        };
        mock.start(script, self.limits, store).await
    }

    /// Tells what was asked of the host since it was told last, and that is `over` where it is all there will
    /// be.
    fn tell(&self, store: &mut PluginStore, over: bool, emit: &mut dyn FnMut(Event)) {
        let trace = &mut store.data_mut().side.trace;
        let count = trace.count();
        let mut calls = trace.news(over).to_vec();
        // What a job says in all has an end, and the cases share it.
        calls.retain(|call| spend(self.budget, call));
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
        if self.script.twice {
            outcome.returned(value);
        }
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
                let message = format!(
                    "it returned, where a trap with {wanted:?} in its message was expected"
                );
                return Err(Fault::new(FaultKind::NoTrap, message));
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
                let message =
                    format!("it returned {}, and no handle for `{name}`", in_short(value));
                Err(Fault::new(FaultKind::NoHandle, message))
            }
            _ => Ok(()),
        }
    }

    /// Lets it do what it left for later.
    async fn settle(
        &self,
        store: &mut PluginStore,
        meter: &mut Meter<'_>,
        outcome: &mut Outcome,
    ) -> Result<(), Fault> {
        meter.fill(store, self.limits.fuel)?;
        let later = linger(store).await;
        outcome.later += meter.called(store);
        within(later, store, self.limits).map_err(|mut fault| {
            fault.notes.push("in the background, when its calls had returned".to_owned());
            fault
        })
    }

    /// Drops what the variables hold, the last one first; says whether there was anything.
    async fn drop_all(
        &self,
        store: &mut PluginStore,
        meter: &mut Meter<'_>,
        handles: &mut Handles,
        outcome: &mut Outcome,
        emit: &mut dyn FnMut(Event),
    ) -> Result<bool, Fault> {
        let mut any = false;
        while let Some((variable, handle)) = handles.last() {
            emit(Event::Dropping { variable });
            meter.fill(store, self.limits.fuel)?;
            let dropped = drop_handles(store, self.limits, std::iter::once(handle)).await;
            outcome.fuel.push(meter.called(store));
            dropped?;
            any = true;
        }
        Ok(any)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smoke::{Job, Origin};
    use crate::wave::Invocation;

    /// Two cases that return six times a million letters, and run twice: the second says as much as the
    /// first, for what nobody hears costs nothing.
    #[test]
    fn a_second_run_leaves_the_others_what_they_may_say() {
        let component = wat::parse_str(
            r#"(component
              (core module $m
                (memory (export "memory") 16)
                (func (export "f") (result i32)
                  (memory.fill (i32.const 8) (i32.const 97) (i32.const 1000000))
                  (i32.store (i32.const 0) (i32.const 8))
                  (i32.store (i32.const 4) (i32.const 1000000))
                  (i32.const 0)))
              (core instance $i (instantiate $m))
              (func (export "f") (result string)
                (canon lift (core func $i "f") (memory $i "memory"))))"#,
        );
        let call = Invocation {
            interface: None,
            function: "f".to_owned(),
            args: Vec::new(),
            bind: None,
            expect: Expect::Return,
        };
        let script = Script { calls: vec![call; 6], twice: true, ..Script::default() };
        let limits = Limits::default();
        let job = Job { cases: vec![script; 2], limits, unscripted: false, mocks: Vec::new() };
        let mut told = Vec::new();
        crate::smoke::run(&component.expect("WAT"), &job, Origin::bytes(), &mut |event| {
            if let Event::Returned { whole, .. } = event {
                told.push(whole);
            }
        });
        assert_eq!(told, [true; 12]);
    }
}
