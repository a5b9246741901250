//! Stubs refuse as they say they do: for all of WASI 0.2, and for interfaces with every kind of type,
//! each function is called in the engine and held against the table in the report.

#![allow(clippy::expect_used, clippy::panic, reason = "a test says what it needs by failing")]

#[path = "stubs/shapes.rs"]
mod shapes;
#[allow(dead_code)]
mod support;

use std::collections::BTreeMap;
use std::fs;

use plugtool::adapter::{Does, Stub, StubError, adapt_module, stub};
use plugtool::component::{self, Component, FEATURES};
use plugtool::compose::compose;
use plugtool::input;
use plugtool::wiring;
use plugtool::world::{self, Item, World};
use support::only_world_of;
use wasmtime::component::types::{ComponentItem, Type};
use wasmtime::component::{Component as Compiled, ComponentExportIndex, Instance, Linker, Val};
use wasmtime::{Config, Engine, Store, StoreLimits, StoreLimitsBuilder};

/// The world of this name in WIT text.
/// The imports of a world that have functions in them.
fn interfaces(world: &World) -> Vec<String> {
    world.imports.keys().filter(|name| !world::asks_nothing(world, name)).cloned().collect()
}

fn stub_all(world: &World) -> Stub {
    stub(world, &interfaces(world)).expect("a stub")
}

/// Everything that the stub exports is what the world imports.
fn assert_fits(stub: &Stub, world: &World, names: &[String]) {
    for name in names {
        let mismatches = world::fits(&stub.component.world, name, world, name);
        assert_eq!(mismatches, [], "{name}");
    }
}

/// More than any test uses.
const FUEL: u64 = 1 << 40;

struct Machine {
    store: Store<StoreLimits>,
    instance: Instance,
    compiled: Compiled,
    runtime: tokio::runtime::Runtime,
    /// Handles that functions returned and none took yet.
    pool: Vec<(Type, Val)>,
}

fn engine() -> Engine {
    let mut config = Config::new();
    config.wasm_component_model_async(true);
    config.consume_fuel(true);
    Engine::new(&config).expect("an engine")
}

impl Machine {
    /// An instance that has 16 pages of memory and no more.
    fn new(component: &Component, link: impl FnOnce(&mut Linker<StoreLimits>)) -> Machine {
        let engine = engine();
        let compiled = Compiled::new(&engine, &component.bytes).expect("it compiles");
        let mut linker = Linker::new(&engine);
        link(&mut linker);
        let limits = StoreLimitsBuilder::new().memory_size(16 << 16).build();
        let mut store = Store::new(&engine, limits);
        store.limiter(|limits| limits);
        store.set_fuel(FUEL).expect("fuel");
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let instance = runtime
            .block_on(linker.instantiate_async(&mut store, &compiled))
            .expect("it instantiates");
        Machine { store, instance, compiled, runtime, pool: Vec::new() }
    }

    fn index(&self, interface: Option<&str>, function: &str) -> ComponentExportIndex {
        let outer = interface
            .map(|name| self.compiled.get_export_index(None, name).expect("the interface"));
        self.compiled.get_export_index(outer.as_ref(), function).expect("the function")
    }

    fn call(
        &mut self,
        interface: Option<&str>,
        function: &str,
        params: &[Val],
    ) -> wasmtime::Result<Option<Val>> {
        let index = self.index(interface, function);
        let func = self.instance.get_func(&mut self.store, index).expect("a function");
        let ty = func.ty(&self.store);
        let mut results = vec![Val::Bool(true); ty.results().len()];
        self.runtime.block_on(func.call_async(&mut self.store, params, &mut results))?;
        for (ty, value) in ty.results().zip(&results) {
            collect(&ty, value, &mut self.pool);
        }
        Ok(results.pop())
    }

    /// Arguments of the types of a function; none where it takes a handle that nobody gave out yet.
    fn arguments(&mut self, interface: Option<&str>, function: &str) -> Option<Vec<Val>> {
        let index = self.index(interface, function);
        let func = self.instance.get_func(&mut self.store, index).expect("a function");
        let types: Vec<Type> = func.ty(&self.store).params().map(|(_, ty)| ty).collect();
        types.iter().map(|ty| sample(ty, &mut self.pool)).collect()
    }
}

/// Keeps the handles of a result.
fn collect(ty: &Type, value: &Val, pool: &mut Vec<(Type, Val)>) {
    match (ty, value) {
        (Type::Own(_) | Type::Stream(_) | Type::Future(_), value) => {
            pool.push((ty.clone(), value.clone()));
        }
        (Type::Tuple(tuple), Val::Tuple(values)) => {
            for (ty, value) in tuple.types().zip(values) {
                collect(&ty, value, pool);
            }
        }
        (Type::Result(result), Val::Result(Ok(Some(value)))) => {
            collect(&result.ok().expect("a type"), value, pool);
        }
        _ => {}
    }
}

/// A value of a type that is not what a stub answers, and has as much in it as can be.
fn sample(ty: &Type, pool: &mut Vec<(Type, Val)>) -> Option<Val> {
    let mut some = |ty: Option<Type>| match ty {
        Some(ty) => sample(&ty, pool).map(|value| Some(Box::new(value))),
        None => Some(None),
    };
    Some(match ty {
        Type::Bool => Val::Bool(true),
        Type::S8 => Val::S8(-1),
        Type::U8 => Val::U8(1),
        Type::S16 => Val::S16(-1),
        Type::U16 => Val::U16(1),
        Type::S32 => Val::S32(-1),
        Type::U32 => Val::U32(1),
        Type::S64 => Val::S64(-1),
        Type::U64 => Val::U64(1),
        Type::Float32 => Val::Float32(1.5),
        Type::Float64 => Val::Float64(1.5),
        Type::Char => Val::Char('x'),
        Type::String => Val::String("text of some length".to_owned()),
        Type::List(list) => {
            let first = sample(&list.ty(), pool)?;
            let second = sample(&list.ty(), pool);
            Val::List(std::iter::once(first).chain(second).collect())
        }
        Type::Record(record) => {
            let fields = record
                .fields()
                .map(|field| sample(&field.ty, pool).map(|value| (field.name.to_owned(), value)));
            Val::Record(fields.collect::<Option<_>>()?)
        }
        Type::Tuple(tuple) => {
            Val::Tuple(tuple.types().map(|ty| sample(&ty, pool)).collect::<Option<_>>()?)
        }
        Type::Variant(variant) => {
            let case = variant.cases().last()?;
            Val::Variant(case.name.to_owned(), some(case.ty)?)
        }
        Type::Enum(cases) => Val::Enum(cases.names().last()?.to_owned()),
        Type::Option(option) => Val::Option(Some(Box::new(sample(&option.ty(), pool)?))),
        Type::Result(result) => Val::Result(Ok(some(result.ok())?)),
        Type::Flags(flags) => Val::Flags(flags.names().map(str::to_owned).collect()),
        Type::Own(wanted) => {
            let is = |(ty, _): &(Type, Val)| matches!(ty, Type::Own(ty) if ty == wanted);
            let at = pool.iter().position(is)?;
            pool.remove(at).1
        }
        Type::Borrow(wanted) => {
            let is = |(ty, _): &&(Type, Val)| matches!(ty, Type::Own(ty) if ty == wanted);
            pool.iter().find(is)?.1.clone()
        }
        Type::Future(_) | Type::Stream(_) => {
            let at = pool.iter().position(|(known, _)| known == ty)?;
            pool.remove(at).1
        }
        _ => return None,
    })
}

/// Calls every function that can be called, until no more can be, and compares what each does with
/// what the table says. Returns the functions that were called.
fn call_all(component: &Component, answers: &[plugtool::adapter::Refusal]) -> Vec<String> {
    let mut machine = Machine::new(component, |_| {});
    let mut called = BTreeMap::new();
    for round in 0..3 {
        if round > 0 {
            // Enough handles for everything that takes some.
            for answer in answers.iter().filter(|answer| answer.function == "[constructor]thing") {
                for _ in 0..60 {
                    let params = [Val::U32(1)];
                    let made = machine.call(answer.interface.as_deref(), &answer.function, &params);
                    made.expect("a handle");
                }
            }
        }
        for answer in answers {
            let (interface, function) = (answer.interface.as_deref(), answer.function.as_str());
            let name = format!("{}#{function}", interface.unwrap_or_default());
            if let Does::Traps(_) = answer.does {
                // A trap ends the instance, so it gets one of its own.
                let mut other = Machine::new(component, |_| {});
                if let Some(params) = other.arguments(interface, function) {
                    assert!(other.call(interface, function, &params).is_err(), "{name}");
                    called.insert(name, ());
                }
                continue;
            }
            let Some(params) = machine.arguments(interface, function) else { continue };
            let result = machine.call(interface, function, &params);
            let result = result.unwrap_or_else(|error| panic!("{name}: {error:?}"));
            match (&answer.does, result) {
                (Does::Ignored, None) => {}
                (Does::Returns(text), Some(value)) => {
                    // Handles have words in the table, and no text in WAVE.
                    if has_handles(&value) {
                        let words = ["a new ", "a closed ", "a future"];
                        assert!(words.iter().any(|word| text.contains(word)), "{name}: {text}");
                    } else {
                        let shown = wasm_wave::to_string(&value).expect("WAVE");
                        assert_eq!(&shown, text, "{name}");
                    }
                }
                (does, result) => panic!("{name}: {does:?} and {result:?}"),
            }
            called.insert(name, ());
        }
    }
    called.into_keys().collect()
}

fn has_handles(value: &Val) -> bool {
    match value {
        Val::Resource(_) | Val::Future(_) | Val::Stream(_) => true,
        Val::Tuple(values) => values.iter().any(has_handles),
        Val::Result(Ok(Some(value)) | Err(Some(value))) => has_handles(value),
        _ => false,
    }
}

#[test]
fn all_of_wasi_is_refused() {
    let wasi = world::shipped("wasi:cli/imports@0.2.12", FEATURES).expect("the shipped WIT");
    let names = interfaces(&wasi);
    let whole = stub_all(&wasi);
    assert!(whole.component.world.imports.is_empty(), "{:?}", whole.component.world.imports);
    assert_fits(&whole, &wasi, &names);
    let called = call_all(&whole.component, &whole.answers);
    assert!(called.len() > 40, "{called:?}");

    let does = |interface: &str, function: &str| {
        let mut found = whole.answers.iter().filter(|answer| {
            answer.interface.as_ref().is_some_and(|name| name.starts_with(interface))
                && answer.function == function
        });
        found.next().unwrap_or_else(|| panic!("no {interface}#{function}")).does.clone()
    };
    let returns = |text: &str| Does::Returns(text.to_owned());
    assert_eq!(does("wasi:filesystem/preopens", "get-directories"), returns("[]"));
    assert_eq!(
        does("wasi:filesystem/types", "[method]descriptor.open-at"),
        returns("err(not-permitted)")
    );
    assert_eq!(
        does("wasi:sockets/tcp-create-socket", "create-tcp-socket"),
        returns("err(access-denied)")
    );
    assert_eq!(does("wasi:io/streams", "[method]input-stream.read"), returns("err(closed)"));
    assert_eq!(does("wasi:cli/stdout", "get-stdout"), returns("a new output-stream"));
    assert_eq!(does("wasi:cli/exit", "exit"), Does::Ignored);
    assert!(matches!(does("wasi:random/random", "get-random-u64"), Does::Traps(_)));
}

#[test]
fn each_interface_of_wasi_can_be_refused_alone() {
    let wasi = world::shipped("wasi:cli/imports@0.2.12", FEATURES).expect("the shipped WIT");
    for name in interfaces(&wasi) {
        let names = [name];
        let alone = stub(&wasi, &names).unwrap_or_else(|error| panic!("{names:?}: {error}"));
        assert_fits(&alone, &wasi, &names);
        // What is left is resources of others, and no function of them.
        for (import, item) in &alone.component.world.imports {
            assert!(wasi.imports.contains_key(import), "{import}");
            let Item::Instance(instance) = item else { panic!("{import}") };
            let function = instance.items.values().find(|item| matches!(item, Item::Func(_)));
            assert!(function.is_none(), "{names:?} imports functions of {import}");
        }
    }
    let alone = stub(&wasi, &["wasi:cli/stdout@0.2.12".to_owned()]).expect("a stub");
    assert_eq!(
        alone.answers[0].does,
        Does::Traps("only the interface that defines output-stream can make one".to_owned())
    );
}

const SHAPES: &str = "
package t:t@1.0.0;
interface base {
  resource thing { constructor(n: u32); name: func() -> string; join: static func(a: thing, b: borrow<thing>) -> thing; }
  record point { x: s32, y: f64, label: string }
  enum color { red, green }
}
interface shapes {
  use base.{thing, point};
  enum fault { io, access-denied, other }
  flags perms { read, write }
  variant failure { io(string), code(u8), not-supported }
  variant only { text(string), number(u64) }
  variant joined { a(f32), b(thing), c(u64), d(list<thing>) }
  record holder { a: option<thing>, p: point, j: joined }
  resource other { make: static func() -> result<other, other>; }
  no-result: func(a: string);
  yes: func() -> bool;
  small: func(a: s8, b: u8, c: s16, d: u16) -> u8;
  big: func() -> s64;
  single: func() -> f32;
  double: func() -> f64;
  letter: func(a: char) -> char;
  text: func(a: string) -> string;
  numbers: func(a: list<u64>) -> list<u64>;
  where: func(a: point) -> point;
  pair: func() -> tuple<u8, bool>;
  maybe: func() -> option<point>;
  colored: func() -> tuple<fault, perms>;
  fails: func() -> failure;
  picks: func() -> only;
  errors: func() -> result<u32, fault>;
  says: func() -> result<u32, string>;
  plain: func() -> result;
  deep: func() -> result<option<thing>, failure>;
  made: func() -> thing;
  both: func() -> tuple<thing, other>;
  give: func(a: thing, b: list<thing>, c: option<thing>) -> u32;
  joins: func(a: joined, b: joined) -> bool;
  nested: func(a: list<list<tuple<u8, thing>>>) -> bool;
  holds: func(a: holder, b: holder, c: holder, d: holder) -> bool;
  many: func(a: u64, b: u64, c: u64, d: u64, e: u64, f: u64, g: u64, h: u64, i: u64, j: string,
             k: string, l: string, m: string, n: thing) -> string;
  lends: func(a: borrow<thing>, b: list<borrow<thing>>) -> bool;
  later: func() -> future<u32>;
  failing: func() -> tuple<stream<u8>, future<result<string, fault>>>;
  when: func() -> future;
  takes: func(a: stream<u8>, b: future<u32>, c: option<future>) -> bool;
  waits: async func(a: string) -> result<string, fault>;
}
world w { import base; import shapes; import log: func(level: u8, text: string) -> result<_, string>; }
";

#[test]
fn a_plugin_composed_with_stubs_lost_the_capability() {
    let module = wat::parse_str(
        r#"(module
          (import "wasi_snapshot_preview1" "path_open"
            (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_prestat_get"
            (func $prestat (param i32 i32) (result i32)))
          (memory (export "memory") 1)
          (data (i32.const 0) "secret")
          (func (export "_start")
            ;; No directory is there to begin with, and none can be opened.
            (if (i32.eqz (call $prestat (i32.const 3) (i32.const 64))) (then unreachable))
            (if (i32.eqz (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 6)
                  (i32.const 0) (i64.const 0) (i64.const 0) (i32.const 0) (i32.const 96)))
              (then unreachable))))"#,
    )
    .expect("valid text");
    let read = input::from_bytes("plugin", "plugin", module).expect("bytes");
    let adapted = adapt_module(&read).expect("adapted").into_input(read);
    let plugin = component::decode(adapted).expect("a component");
    let of = |prefix: &str| -> Vec<String> {
        interfaces(&plugin.world).into_iter().filter(|name| name.starts_with(prefix)).collect()
    };
    let names = of("wasi:filesystem/");
    assert_eq!(names.len(), 2, "{names:?}");
    let stub = stub(&plugin.world, &names).expect("a stub").component;
    let nodes = [&plugin, &stub].map(plugtool::judge::node);
    let plan = wiring::wire(&nodes, &wiring::Wishes::default()).expect("a plan");
    let composed = compose(&[&plugin, &stub], &plan).expect("composed");
    assert!(
        !interfaces(&composed.world).iter().any(|name| name.starts_with("wasi:filesystem/")),
        "{:?}",
        interfaces(&composed.world)
    );
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("c.wasm"), &composed.bytes).expect("a file");
    let line = "plugtool run c.wasm --invoke wasi:cli/run@0.2.12#run()";
    let outcome = support::execute(line, folder.path());
    assert_eq!((outcome.exit.as_str(), outcome.stdout.as_str()), ("0", "ok\n"), "{outcome:?}");
}

#[test]
fn whatever_real_plugins_import_can_be_refused() {
    for (name, path) in support::plugins() {
        let read = input::read(&name, &path.to_string_lossy()).expect("a file");
        let plugin = component::decode(read).expect("a component");
        let names = interfaces(&plugin.world);
        assert_fits(&stub_all(&plugin.world), &plugin.world, &names);
        for one in names {
            let one = [one];
            let alone =
                stub(&plugin.world, &one).unwrap_or_else(|e| panic!("{name}, {one:?}: {e}"));
            assert_fits(&alone, &plugin.world, &one);
        }
    }
}

#[test]
fn names_may_be_keywords_and_versions_anything() {
    let world = only_world_of(
        "package plugtool:stub@1.0.0-rc.1+build.7;
         interface %interface {
           resource %record { %func: func(%type: u8) -> result<%enum, %enum>; }
           enum %enum { %use, %ACCESS-denied }
           %world: func() -> %enum;
         }
         interface %use { use %interface.{%record as %resource}; %from: func(r: %resource) -> bool; }
         world w { import %interface; import %use; import %stream: interface { f: func() -> u8; } }",
    );
    let names = interfaces(&world);
    assert_eq!(names.len(), 3);
    let stub = stub(&world, &names).expect("a stub");
    assert_fits(&stub, &world, &names);
    assert!(stub.component.world.imports.is_empty());
    call_all(&stub.component, &stub.answers);
}

#[test]
fn the_largest_types_that_are_valid_are_written_out() {
    // 2^13 handles in one value, in and out of each function: near the validator's own limit.
    let mut wit = "package t:t; interface i { resource r; record r0 { a: r, b: r }\n".to_owned();
    for level in 1..13 {
        let below = level - 1;
        wit += &format!("record r{level} {{ a: r{below}, b: r{below} }}\n");
    }
    for function in 0..10 {
        wit += &format!("call{function}: func(a: list<r12>) -> r12;\n");
    }
    let world = only_world_of(&(wit + "} world w { import i; }"));
    let names = ["t:t/i".to_owned()];
    assert_fits(&stub(&world, &names).expect("a stub"), &world, &names);
}

#[test]
fn what_cannot_be_stubbed_is_said() {
    let world = only_world_of("package t:t; interface i { f: func(); } world w { import i; }");
    let refused = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        match stub(&world, &names) {
            Err(StubError::Unsupported(reason)) => reason,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(refused(&["t:t/j"]), "there is no import t:t/j");
}

#[test]
fn the_same_names_give_the_same_bytes() {
    let world = only_world_of(SHAPES);
    assert_eq!(stub_all(&world).component.bytes, stub_all(&world).component.bytes);
}

#[test]
fn the_engine_sees_what_was_asked_for() {
    let world = only_world_of(SHAPES);
    let stub = stub(&world, &["t:t/base@1.0.0".to_owned()]).expect("a stub");
    let engine = engine();
    let compiled = Compiled::new(&engine, &stub.component.bytes).expect("it compiles");
    let ty = compiled.component_type();
    let exports: Vec<&str> = ty.exports(&engine).map(|(name, _)| name).collect();
    assert_eq!(exports, ["t:t/base@1.0.0"]);
    assert!(matches!(
        ty.get_export(&engine, "t:t/base@1.0.0").map(|item| item.ty),
        Some(ComponentItem::ComponentInstance(_))
    ));
}
