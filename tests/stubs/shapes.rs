//! Every kind of type, and what calls leave behind: nothing.

use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use plugtool::adapter::{Does, stub};
use wasmtime::AsContextMut as _;
use wasmtime::component::{FutureConsumer, FutureReader, Resource, ResourceType, Source, Val};
use wasmtime::{StoreContextMut, StoreLimits};

use super::support::only_world_of;
use super::{FUEL, Machine, SHAPES, assert_fits, call_all, stub_all};

#[test]
fn every_kind_of_type_is_refused() {
    let world = only_world_of(SHAPES);
    let names: Vec<String> = world.imports.keys().cloned().collect();
    let stub = stub(&world, &names).expect("a stub");
    assert_fits(&stub, &world, &names);
    assert!(stub.component.world.imports.is_empty(), "{:?}", stub.component.world.imports);
    let called = call_all(&stub.component, &stub.answers);
    assert_eq!(called.len(), stub.answers.len(), "{called:#?}");
    let says = |function: &str| {
        let found = stub.answers.iter().find(|answer| answer.function == function);
        match &found.unwrap_or_else(|| panic!("no {function}")).does {
            Does::Returns(text) => text.clone(),
            other => format!("{other:?}"),
        }
    };
    for (function, answer) in [
        ("colored", "(access-denied, {})"),
        ("fails", "not-supported"),
        ("picks", "text(\"\")"),
        ("says", "err(\"not supported\")"),
        ("deep", "err(not-supported)"),
        ("where", "{x: 0, y: 0, label: \"\"}"),
        ("both", "(a new thing, a new other)"),
        ("[static]other.make", "err(a new other)"),
        ("failing", "(a closed stream, a future of err(access-denied))"),
        ("waits", "err(access-denied)"),
        ("log", "err(\"not supported\")"),
    ] {
        assert_eq!(says(function), answer, "{function}");
    }
}

#[test]
fn arguments_are_forgotten_after_each_call() {
    let world = only_world_of(
        "package t:t; interface i { f: func(a: list<u8>) -> string; } world w { import i; }",
    );
    let stub = stub_all(&world);
    let mut machine = Machine::new(&stub.component, |_| {});
    let argument = [Val::List(vec![Val::U8(7); 600_000])];
    for _ in 0..20 {
        machine.call(Some("t:t/i"), "f", &argument).expect("it fits into 16 pages every time");
    }
    // One that never fits is a trap and nothing worse.
    let argument = [Val::List(vec![Val::U8(7); 1_100_000])];
    assert!(machine.call(Some("t:t/i"), "f", &argument).is_err());
}

struct Thing;

#[test]
fn handles_of_other_interfaces_are_dropped() {
    let world = only_world_of(
        "package t:t;
         interface things { resource thing; find: func() -> thing; }
         interface uses {
           use things.{thing};
           variant joined { a(f32), b(thing), c(u64), d(list<thing>) }
           take: func(a: thing, b: list<thing>, c: joined, d: tuple<u8, joined>) -> bool;
           spill: func(a: list<tuple<u8, joined>>, b: string, c: string, d: string, e: string,
                       f: string, g: string, h: string, i: option<thing>) -> bool;
           lend: func(a: borrow<thing>, b: list<borrow<thing>>) -> bool;
           find: func() -> option<thing>;
           need: func() -> thing;
         }
         world w { import things; import uses; }",
    );
    let stub = stub(&world, &["t:t/uses".to_owned()]).expect("a stub");
    assert_fits(&stub, &world, &["t:t/uses".to_owned()]);
    assert_eq!(stub.component.world.imports.keys().collect::<Vec<_>>(), ["t:t/things"]);
    let dropped = Arc::new(AtomicU32::new(0));
    let count = dropped.clone();
    let mut machine = Machine::new(&stub.component, |linker| {
        let mut instance = linker.instance("t:t/things").expect("an interface");
        let drop = move |_: StoreContextMut<'_, StoreLimits>, _| {
            count.fetch_add(1, Ordering::Relaxed);
            Ok(())
        };
        instance.resource("thing", ResourceType::host::<Thing>(), drop).expect("a resource");
    });
    let uses = Some("t:t/uses");
    let thing = |machine: &mut Machine| {
        let own = Resource::<Thing>::new_own(7);
        Val::Resource(own.try_into_resource_any(&mut machine.store).expect("a handle"))
    };
    let b = |value| Val::Variant("b".to_owned(), Some(Box::new(value)));
    let d = |values| Val::Variant("d".to_owned(), Some(Box::new(Val::List(values))));
    let things: Vec<Val> = (0..7).map(|_| thing(&mut machine)).collect();
    let [t0, t1, t2, t3, t4, t5, t6] = <[Val; 7]>::try_from(things).expect("seven");
    let params =
        [t0, Val::List(vec![t1, t2]), b(t3), Val::Tuple(vec![Val::U8(1), d(vec![t4, t5, t6])])];
    assert_eq!(machine.call(uses, "take", &params).expect("a call"), Some(Val::Bool(false)));
    assert_eq!(dropped.load(Ordering::Relaxed), 7);

    let joined = Val::Tuple(vec![Val::U8(1), b(thing(&mut machine))]);
    let several = Val::Tuple(vec![Val::U8(1), d(vec![thing(&mut machine), thing(&mut machine)])]);
    let number = Val::Variant("c".to_owned(), Some(Box::new(Val::U64(u64::MAX))));
    let none = Val::Tuple(vec![Val::U8(1), number]);
    let mut params = vec![Val::List(vec![joined, none, several])];
    params.extend(std::iter::repeat_n(Val::String("text".to_owned()), 7));
    params.push(Val::Option(Some(Box::new(thing(&mut machine)))));
    machine.call(uses, "spill", &params).expect("a call");
    assert_eq!(dropped.load(Ordering::Relaxed), 11);

    // A borrowed handle that is kept would be a trap; the owner keeps what it lent.
    let own = thing(&mut machine);
    let params = [own.clone(), Val::List(vec![own.clone(), own])];
    machine.call(uses, "lend", &params).expect("a call");
    assert_eq!(dropped.load(Ordering::Relaxed), 11);
    assert_eq!(machine.call(uses, "find", &[]).expect("a call"), Some(Val::Option(None)));
    assert!(machine.call(uses, "need", &[]).is_err());
}

/// Takes the value of a future.
struct Taker(Arc<Mutex<Option<u32>>>);

impl FutureConsumer<StoreLimits> for Taker {
    type Item = u32;

    fn poll_consume(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        store: StoreContextMut<'_, StoreLimits>,
        mut source: Source<'_, u32>,
        _: bool,
    ) -> Poll<wasmtime::Result<()>> {
        let mut value = None;
        source.read(store, &mut value)?;
        *self.0.lock().expect("a lock") = value;
        Poll::Ready(Ok(()))
    }
}

/// Calls `f`, and says what it cost in fuel.
fn future(machine: &mut Machine) -> (FutureReader<u32>, u64) {
    machine.store.set_fuel(FUEL).expect("fuel");
    let Some(Val::Future(future)) = machine.call(Some("t:t/i"), "f", &[]).expect("a call") else {
        panic!("no future")
    };
    let cost = FUEL - machine.store.get_fuel().expect("fuel");
    (future.try_into_future_reader().expect("a future of u32"), cost)
}

fn read(machine: &mut Machine, reader: FutureReader<u32>) -> Option<u32> {
    let value = Arc::new(Mutex::new(None));
    reader.pipe(&mut machine.store, Taker(value.clone())).expect("a pipe");
    let taken = || *value.lock().expect("a lock");
    machine
        .runtime
        .block_on(machine.store.as_context_mut().run_concurrent(async |_| {
            for _ in 0..100 {
                if taken().is_some() {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }))
        .expect("the event loop");
    taken()
}

#[test]
fn futures_have_their_values_and_leave_nothing_behind() {
    let wit = "package t:t; interface i { f: func() -> future<u32>; } world w { import i; }";
    let stub = stub_all(&only_world_of(wit));
    let mut machine = Machine::new(&stub.component, |_| {});
    let (first, _) = future(&mut machine);
    let (second, idle) = future(&mut machine);
    assert_eq!(read(&mut machine, first), Some(0));
    assert_eq!(read(&mut machine, second), Some(0));
    // The writing ends of both are dropped by the next call, once: that is what it costs more.
    let (third, busy) = future(&mut machine);
    let (fourth, after) = future(&mut machine);
    assert!(busy > idle, "{busy} > {idle}");
    assert_eq!(after, idle);
    assert_eq!(read(&mut machine, fourth), Some(0));
    let (_, one) = future(&mut machine);
    assert_eq!((busy - idle) / 2, one - idle);
    assert_eq!(read(&mut machine, third), Some(0));
    for _ in 0..1000 {
        let (reader, _) = future(&mut machine);
        assert_eq!(read(&mut machine, reader), Some(0));
    }
}
