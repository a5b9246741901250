//! Composition, held against the validator and against `wit_component::targets`: components out of
//! dummy modules, wired, composed, decoded, and measured against the world that they are for.

#![allow(clippy::expect_used, clippy::panic, reason = "a test says what it needs by failing")]

use std::fs;

use plugtool::component::{self, Component, FEATURES};
use plugtool::compose::{compose, provenance};
use plugtool::diagnostic::Code;
use plugtool::input;
use plugtool::wiring::search::{self, Outcome};
use plugtool::wiring::{self, Node, Wishes};
use plugtool::world::{self, Host, World};
use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_component_newer as newer;
use wit_parser::{ManglingAndAbi, Resolve};

/// A component of this world that does nothing but trap.
fn dummy(wit: &str, world: &str, name: &str) -> Component {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("test.wit", wit).expect("valid WIT");
    let id = resolve.select_world(&[package], Some(world)).expect("the world");
    let mut module = dummy_module(&resolve, id, ManglingAndAbi::Standard32);
    embed_component_metadata(&mut module, &resolve, id, StringEncoding::UTF8).expect("metadata");
    let bytes = ComponentEncoder::default().module(&module).expect("a module").encode();
    let input = input::from_bytes(name, name, bytes.expect("a component")).expect("bytes");
    component::decode(input).expect("a valid component")
}

fn world_of(wit: &str, name: &str) -> World {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("test.wit");
    fs::write(&path, wit).expect("a file");
    let wit = world::load(&[path], &[]).expect("valid WIT");
    wit.world(Some(name), FEATURES).expect("a world")
}

/// What wit-component says of bytes and a world.
fn targets(wit: &str, world: &str, bytes: &[u8]) -> Result<(), String> {
    let mut resolve = wit_parser_newer::Resolve::default();
    let package = resolve.push_str("test.wit", wit).expect("valid WIT");
    let id = resolve.select_world(&[package], Some(world)).expect("the world");
    newer::targets(&resolve, id, bytes, true).map_err(|error| format!("{error:#}"))
}

fn node(component: &Component) -> Node<'_> {
    Node { name: &component.name, sha256: &component.sha256, world: &component.world }
}

/// Composes in every rotation of the order, and expects the same bytes.
fn composed(components: &[Component], by_hand: &[&str]) -> Component {
    let mut parts: Vec<&Component> = components.iter().collect();
    let mut results: Vec<Component> = Vec::new();
    for _ in 0..parts.len() {
        let nodes: Vec<Node<'_>> = parts.iter().map(|part| node(part)).collect();
        let by_hand: Vec<_> =
            by_hand.iter().map(|text| wiring::parse_wire(&nodes, text).expect("a wire")).collect();
        let wishes = Wishes { by_hand: &by_hand, ..Wishes::default() };
        let plan = wiring::wire(&nodes, &wishes).expect("a plan");
        results.push(compose(&parts, &plan).expect("a composition"));
        parts.rotate_left(1);
    }
    for result in &results[1..] {
        assert!(result.bytes == results[0].bytes, "the order of the components is in the bytes");
    }
    results.swap_remove(0)
}

/// Three contracts of bare functions, each with its own `output`; the adapters between call the older
/// one `old-output`, both of them.
const BARE: &str = "
    package my:cli@0.3.0;
    world one {
        record output { text: string }
        export run: func(command: string) -> output;
    }
    world two {
        record output { text: string, code: u32 }
        export run: func(command: string) -> output;
    }
    world three {
        record output { text: string, code: u32, level: level }
        enum level { low, high }
        import log: func(level: level);
        export run: func(command: string) -> output;
    }
    world one-to-two {
        record old-output { text: string }
        record output { text: string, code: u32 }
        import run: func(command: string) -> old-output;
        export run: func(command: string) -> output;
    }
    world two-to-three {
        record old-output { text: string, code: u32 }
        record output { text: string, code: u32, level: level }
        enum level { low, high }
        import log: func(level: level);
        import run: func(command: string) -> old-output;
        export run: func(command: string) -> output;
    }
";

#[test]
fn a_chain_of_bare_functions_targets_its_world() {
    let plugin = dummy(BARE, "one", "plugin");
    let pool =
        [dummy(BARE, "two-to-three", "two-to-three"), dummy(BARE, "one-to-two", "one-to-two")];
    let world = world_of(BARE, "three");
    let target = Host { world: &world, provides: &[] };
    let wishes = Wishes { target: Some(target), ..Wishes::default() };
    let nodes: Vec<Node<'_>> = pool.iter().map(node).collect();
    let Outcome::Way(way) = search::adapt(&[node(&plugin)], &nodes, &wishes) else {
        panic!("no way");
    };
    assert_eq!(way.adapters.len(), 2);
    let parts: Vec<&Component> =
        std::iter::once(&plugin).chain(way.adapters.iter().map(|&index| &pool[index])).collect();
    let whole = compose(&parts, &way.plan).expect("a composition");
    assert_eq!(world::targets(&whole.world, target), []);
    assert_eq!(targets(BARE, "three", &whole.bytes), Ok(()));
    let mut imports: Vec<&str> = whole.world.imports.keys().map(String::as_str).collect();
    imports.sort_unstable();
    assert_eq!(imports, ["level", "log", "output"], "only what the world has is left");
    // Without one of the adapters there is no way, and the search says so.
    let outcome = search::adapt(&[node(&plugin)], &nodes[..1], &wishes);
    assert!(matches!(outcome, Outcome::NoWay(_)), "{outcome:?}");
}

const STORE: &str = "
    package t:t;
    interface store {
        resource item { constructor(name: string); read: func() -> list<u8>; }
        open: func(name: string) -> item;
    }
    interface index { use store.{item}; add: func(i: item); find: func(name: string) -> item; }
    interface view { use store.{item}; show: func(i: borrow<item>) -> string; }
    world app { import store; import index; import view; export run: func() -> string; }
    world disk { export store; }
    world table { import store; export index; }
    world page { import store; import index; export view; }
    world copy { export store; export index; }
";

#[test]
fn one_resource_goes_through_all_of_them() {
    let parts = ["app", "disk", "table", "page"].map(|name| dummy(STORE, name, name));
    let whole = composed(&parts, &[]);
    assert!(whole.world.imports.is_empty(), "{:?}", whole.world.imports.keys());
    assert_eq!(whole.world.exports.len(), 1);
}

/// The failing twin: another component gives the index, with items of its own.
#[test]
fn a_copy_of_the_resource_is_refused() {
    let parts = ["app", "disk", "copy", "page"].map(|name| dummy(STORE, name, name));
    let nodes: Vec<Node<'_>> = parts.iter().map(node).collect();
    let by_hand = ["app/store=disk", "page/store=disk"]
        .map(|text| wiring::parse_wire(&nodes, text).expect("a wire"));
    let wishes = Wishes { by_hand: &by_hand, ..Wishes::default() };
    let findings = wiring::wire(&nodes, &wishes).expect_err("findings");
    assert!(findings.iter().all(|finding| finding.code == Code::ResourceIdentity), "{findings:#?}");
}

#[test]
fn middleware_three_deep_and_the_same_component_twice() {
    let wit = "
        package t:t;
        interface http { record request { path: string } handle: func(r: request) -> string; }
        world app { import http; export run: func() -> string; }
        world server { export http; }
        world middle { import http; export http; }
    ";
    let mut parts = vec![dummy(wit, "app", "app"), dummy(wit, "server", "server")];
    parts.extend(["a", "b", "c"].map(|name| dummy(wit, "middle", name)));
    let whole = composed(&parts, &["a/http=b", "b/http=c"]);
    // The three are one file, which is in the result once.
    let inside = |part: &Component| 1 + part.nested.components;
    assert_eq!(whole.nested.components, parts[..3].iter().map(inside).sum::<usize>());
    let told = provenance(&whole.bytes).expect("a description");
    let mut wires: Vec<(&str, &str)> = told
        .wires
        .iter()
        .map(|w| {
            let name = |index: usize| told.components[index].name.as_str();
            (name(w.importer), name(w.exporter))
        })
        .collect();
    wires.sort_unstable();
    assert_eq!(wires, [("a", "b"), ("app", "a"), ("b", "c"), ("c", "server")]);
}

#[test]
fn what_was_composed_says_of_what() {
    let parts = ["app", "disk", "table", "page"].map(|name| dummy(STORE, name, name));
    let whole = composed(&parts, &[]);
    let told = provenance(&whole.bytes).expect("a description");
    let mut digests: Vec<&str> = parts.iter().map(|part| part.sha256.as_str()).collect();
    digests.sort_unstable();
    let listed: Vec<&str> = told.components.iter().map(|part| part.sha256.as_str()).collect();
    assert_eq!(listed, digests);
    let processed = &whole.producers["processed-by"];
    assert_eq!(processed["plugtool"], env!("CARGO_PKG_VERSION"));
    assert_eq!(provenance(&parts[0].bytes), None);
    // A description that is cut off or that is none is no description, and no panic.
    for length in 0..whole.bytes.len() {
        let _ = provenance(&whole.bytes[..length]);
    }
}

/// Forty plugs on one socket, and the twin with one of them missing: its import is left open.
#[test]
fn forty_plugs_on_one_socket() {
    let mut wit = String::from("package t:t;\n");
    let mut socket = String::from("world socket { export run: func();");
    for i in 0..40 {
        wit += &format!("interface p{i} {{ f: func(a: list<string>) -> u32; }}\n");
        wit += &format!("world plug{i} {{ export p{i}; }}\n");
        socket += &format!(" import p{i};");
    }
    wit += &socket;
    wit += " }";
    let mut parts = vec![dummy(&wit, "socket", "socket")];
    parts.extend((0..40).map(|i| {
        let name = format!("plug{i}");
        dummy(&wit, &name, &name)
    }));
    assert!(composed(&parts, &[]).world.imports.is_empty());
    parts.pop();
    assert_eq!(composed(&parts, &[]).world.imports.len(), 1);
}

#[test]
fn async_functions_and_streams_cross_a_seam() {
    let wit = "
        package t:t;
        interface feed { read: async func(n: u32) -> stream<u8>; done: func() -> future<string>; }
        interface other { read: func(n: u32) -> stream<u8>; done: func() -> future<string>; }
        world app { import feed; export run: async func(); }
        world source { export feed; }
    ";
    let parts = ["app", "source"].map(|name| dummy(wit, name, name));
    assert!(composed(&parts, &[]).world.imports.is_empty());
    // The same without `async` is another type.
    let sync = wit.replace("read: async func", "read: func");
    let parts = [dummy(wit, "app", "app"), dummy(&sync, "source", "source")];
    let nodes: Vec<Node<'_>> = parts.iter().map(node).collect();
    let findings = wiring::wire(&nodes, &Wishes::default()).expect_err("findings");
    assert_eq!(findings[0].code, Code::TypeMismatch);
}

#[test]
fn two_versions_on_one_track() {
    let one = "
        package t:t@1.0.0;
        interface store { get: func() -> u32; }
        world app { import store; export run: func(); }
        world old { export store; }
    ";
    let two = "
        package t:t@1.2.0;
        interface store { get: func() -> u32; put: func(n: u32); }
        world new { export store; }
        world user { import store; export put: func(); }
    ";
    let parts = [dummy(one, "app", "app"), dummy(two, "new", "new"), dummy(two, "user", "user")];
    let whole = composed(&parts, &[]);
    assert!(whole.world.imports.is_empty(), "{:?}", whole.world.imports.keys());
    // The very version goes first, and each gets its own.
    let parts = [
        dummy(one, "app", "app"),
        dummy(one, "old", "old"),
        dummy(two, "new", "new"),
        dummy(two, "user", "user"),
    ];
    let told = provenance(&composed(&parts, &[]).bytes).expect("a description");
    let app = told.components.iter().position(|part| part.name == "app").expect("the app");
    let wire = told.wires.iter().find(|wire| wire.importer == app).expect("a wire");
    assert_eq!(told.components[wire.exporter].name, "old");
    // An older one lacks what the newer import asks for.
    let parts = [dummy(one, "old", "old"), dummy(two, "user", "user")];
    let nodes: Vec<Node<'_>> = parts.iter().map(node).collect();
    let findings = wiring::wire(&nodes, &Wishes::default()).expect_err("findings");
    assert_eq!(findings[0].code, Code::TypeMismatch);
}
