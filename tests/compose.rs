//! Composition, held against the validator and against `wit_component::targets`: components out of
//! dummy modules, wired, composed, decoded, and measured against the world that they are for.

#![allow(clippy::expect_used, clippy::panic, reason = "a test says what it needs by failing")]

#[path = "compose/roots.rs"]
mod roots;
#[allow(dead_code)]
mod support;

use std::fs;

use plugtool::component::{self, Component, Known};
use plugtool::compose::{compose, compose_over, emit, provenance, script};
use plugtool::diagnostic::Code;
use plugtool::input;
use plugtool::wiring::{self, Node, Wishes};
use roots::BARE;
use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_component_newer as newer;
use wit_parser::{ManglingAndAbi, Resolve};

/// The composition, made within the bytes of the first part.
fn over_the_first(parts: &[&Component], plan: &wiring::Plan) -> Component {
    let mut first = parts[0].clone();
    let bytes = first.give_bytes();
    let mut rest = parts.to_vec();
    rest[0] = &first;
    compose_over(&rest, plan, Some((0, bytes))).expect("a composition")
}

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

/// What wit-component says of bytes and a world.
fn targets(wit: &str, world: &str, bytes: &[u8]) -> Result<(), String> {
    let mut resolve = wit_parser_newer::Resolve::default();
    let package = resolve.push_str("test.wit", wit).expect("valid WIT");
    let id = resolve.select_world(&[package], Some(world)).expect("the world");
    newer::targets(&resolve, id, bytes, true).map_err(|error| format!("{error:#}"))
}

fn node(component: &Component) -> Node<'_> {
    Node { name: &component.name, sha256: component.sha256(), world: &component.world }
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
        results.push(over_the_first(&parts, &plan));
        parts.rotate_left(1);
    }
    for result in &results[1..] {
        assert!(result.bytes == results[0].bytes, "the order of the components is in the bytes");
    }
    results.swap_remove(0)
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
    let mut digests: Vec<&str> = parts.iter().map(Component::sha256).collect();
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

/// A socket with forty imports, and what feeds each of them.
fn forty() -> Vec<Component> {
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
    parts
}

/// Forty plugs on one socket, and the twin with one of them missing: its import is left open.
#[test]
fn forty_plugs_on_one_socket() {
    let mut parts = forty();
    assert!(composed(&parts, &[]).world.imports.is_empty());
    parts.pop();
    assert_eq!(composed(&parts, &[]).world.imports.len(), 1);
}

/// The same with functions that answer: the socket adds up what forty plugs give.
#[test]
fn forty_plugs_answer() {
    let plug = |n: usize| {
        format!(
            "(component
              (core module $m (func (export \"f\") (result i32) (i32.const {n})))
              (core instance $i (instantiate $m))
              (func $f (result u32) (canon lift (core func $i \"f\")))
              (instance (export \"t:t/p{n}\") (export \"f\" (func $f))))"
        )
    };
    let all = |part: &dyn Fn(usize) -> String| (0..40).map(part).collect::<String>();
    let socket = format!(
        "(component {} {}
          (core module $m {} (func (export \"run\") (result i32) (i32.const 0) {}))
          (core instance $i (instantiate $m (with \"in\" (instance {}))))
          (func (export \"run\") (result u32) (canon lift (core func $i \"run\"))))",
        all(&|n| format!(
            "(import \"t:t/p{n}\" (instance $p{n} (export \"f\" (func (result u32)))))"
        )),
        all(&|n| format!("(core func $f{n} (canon lower (func $p{n} \"f\")))")),
        all(&|n| format!("(import \"in\" \"f{n}\" (func $f{n} (result i32)))")),
        all(&|n| format!("(i32.add (call $f{n}))")),
        all(&|n| format!("(export \"f{n}\" (func $f{n}))")),
    );
    let part = |name: &str, text: String| {
        let input = input::from_bytes(name, name, text.into_bytes()).expect("text");
        component::decode(input).expect("a valid component")
    };
    let mut parts = vec![part("socket", socket)];
    parts.extend((0..40).map(|n| part(&format!("plug{n}"), plug(n))));
    let whole = composed(&parts, &[]);
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("out.wasm"), &whole.bytes).expect("a file");
    let ran = support::execute("plugtool run out.wasm --invoke run()", folder.path());
    assert_eq!((ran.exit.as_str(), ran.stdout.as_str()), ("0", "780\n"), "{ran:?}");
    parts.pop();
    fs::write(folder.path().join("out.wasm"), &composed(&parts, &[]).bytes).expect("a file");
    let ran = support::execute("plugtool run out.wasm --invoke run()", folder.path());
    assert_eq!(ran.exit, "1");
    assert!(ran.stderr.contains("t:t/p39"), "{ran:?}");
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

fn plan_of(components: &[Component], by_hand: &[&str]) -> wiring::Plan {
    let nodes: Vec<Node<'_>> = components.iter().map(node).collect();
    let by_hand: Vec<_> =
        by_hand.iter().map(|text| wiring::parse_wire(&nodes, text).expect("a wire")).collect();
    wiring::wire(&nodes, &Wishes { by_hand: &by_hand, ..Wishes::default() }).expect("a plan")
}

/// What a script that was written by `emit` composes to: the same bytes.
fn assert_same_by_script(parts: &[Component], by_hand: &[&str]) {
    let plan = plan_of(parts, by_hand);
    let used: Vec<&Component> = parts.iter().collect();
    let whole = compose(&used, &plan).expect("a composition");
    let text = emit(&used, &plan, &[].into());
    let wanted = script::wanted(&text).expect("a script");
    let file = |wanted: &script::Wanted| {
        let name = wanted.name.strip_prefix("part:").expect("a part");
        parts.iter().find(|part| part.name == name).expect("a component of the name")
    };
    let packages: Vec<(&script::Wanted, &[u8])> =
        wanted.iter().map(|wanted| (wanted, file(wanted).bytes.as_slice())).collect();
    let resolved = script::resolve(&text, &packages).expect("it resolves");
    assert!(resolved.encoded.is_none(), "it is a plan\n{text}");
    let instances: Vec<Component> = resolved
        .instances
        .iter()
        .map(|(package, name)| Component {
            name: name.clone().expect("a name"),
            ..file(&wanted[*package]).clone()
        })
        .collect();
    let used: Vec<&Component> = instances.iter().collect();
    let again = compose(&used, &resolved.plan).expect("a composition");
    assert!(again.bytes == whole.bytes, "{text}");
}

#[test]
fn a_script_that_was_emitted_composes_to_the_same() {
    let mut found = 0;
    // Every shape with components that go together, as the cases have them.
    let folders =
        ["testdata/composed/chain", "testdata/composed/versions", "compositions/shelf/deps/shop"];
    for folder in folders {
        let mut parts = Vec::new();
        for path in support::files_below(folder, "wat") {
            let shown = path.display().to_string();
            let (name, _) = input::split_name(&shown);
            // The part that makes the shape fail has no place in it.
            if name != "text" {
                let input = input::read(&name, &shown).expect("a file");
                parts.push(component::decode(input).expect("a valid component"));
            }
        }
        assert_same_by_script(&parts, &[]);
        found += parts.len();
    }
    assert_eq!(found, 12);
    let parts = ["app", "disk", "table", "page"].map(|name| dummy(STORE, name, name));
    assert_same_by_script(&parts, &[]);
    let wit = "
        package t:t;
        interface http { handle: func(r: string) -> string; }
        world app { import http; export run: func() -> string; }
        world server { export http; }
        world middle { import http; export http; }
    ";
    let mut parts = vec![dummy(wit, "app", "app"), dummy(wit, "server", "server")];
    parts.extend(["a", "b", "c"].map(|name| dummy(wit, "middle", name)));
    assert_same_by_script(&parts, &["a/http=b", "b/http=c"]);
    let bare = ["one", "one-to-two"].map(|name| dummy(BARE, name, name));
    assert_same_by_script(&bare, &[]);
    assert_same_by_script(&forty(), &[]);
}

/// Bodies that were validated in a part are not validated again in the whole. That must never show:
/// whatever byte of the whole is another, it is refused or accepted as if nothing had been known.
#[test]
fn what_is_known_of_the_parts_hides_nothing() {
    let text = r#"(component
        (core module $m (func (export "f") (result i32) (i32.add (i32.const 1) (i32.const 2)))
                        (func (export "g") (param i64) (drop (local.get 0))))
        (core module $n (func (export "h") (block (br 0))))
        (core instance $i (instantiate $m))
        (core instance (instantiate $n))
        (func (export "run") (result u32) (canon lift (core func $i "f"))))"#;
    let bytes = wat::parse_str(text).expect("text that assembles");
    let decode = |bytes: &[u8], parts: &[&Component]| {
        let input = input::from_bytes("it", "it", bytes.to_vec()).expect("bytes");
        component::decode_composed(input, &Known::of(parts))
    };
    let part = decode(&bytes, &[]).expect("a valid component");
    assert_eq!(part.modules.len(), 2);
    let again = decode(&bytes, &[&part]).expect("the same component");
    assert_eq!(again.nested, part.nested);
    let mut refused = 0;
    for place in 0..bytes.len() {
        for value in [0x00, 0x0b, 0x41, 0x7e, 0xff] {
            let mut other = bytes.clone();
            other[place] = value;
            let (plain, known) = (decode(&other, &[]), decode(&other, &[&part]));
            assert_eq!(plain.is_ok(), known.is_ok(), "byte {place} as {value:#x}");
            refused += usize::from(plain.is_err());
        }
    }
    assert!(refused > 100, "{refused}");
}
