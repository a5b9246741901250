//! Composition, held against the validator and against `wit_component::targets`: components out of
//! dummy modules, wired, composed, decoded, and measured against the world that they are for.

#![allow(clippy::expect_used, clippy::panic, reason = "a test says what it needs by failing")]

#[allow(dead_code)]
mod support;

use std::fs;

use plugtool::component::{self, Component, Known};
use plugtool::compose::{compose, compose_over, emit, provenance, script};
use plugtool::diagnostic::Code;
use plugtool::input;
use plugtool::wiring::search::{self, Outcome};
use plugtool::wiring::{self, Node, Wishes};
use plugtool::world::{self, Host};
use support::world_of;
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

/// Parts whose worlds are of bare functions, each with a type of one name. Those that mean the same
/// share it, another is imported beside it, and what is fed stays inside.
#[test]
fn open_types_of_one_name_stay_apart() {
    let wit = "
        package t:t;
        world one {
            record entry { text: string }
            import log: func(e: entry);
            export run: func(e: entry);
        }
        world two {
            record entry { code: u32, level: u32 }
            import trace: func(e: entry);
            import run: func(e: before);
            record before { text: string }
            export start: func(e: entry) -> entry;
        }
        world three {
            record entry { text: string }
            import write: func(e: entry);
            import start: func(e: other) -> other;
            record other { code: u32, level: u32 }
            export finish: func() -> entry;
        }
    ";
    let parts = ["one", "two", "three"].map(|name| dummy(wit, name, name));
    let world = composed(&parts, &[]).world;
    let mut imports: Vec<String> =
        world.imports.iter().map(|(name, item)| format!("{name}: {}", world.item(item))).collect();
    imports.sort_unstable();
    assert_eq!(
        imports,
        [
            "entry2: record entry2 { code: u32, level: u32 }",
            "entry: record entry { text: string }",
            "log: func(e: entry)",
            "trace: func(e: entry2)",
            "write: func(e: entry)",
        ]
    );
}

/// Open imports that no one import could be: both are named, with the place.
#[test]
fn open_imports_at_odds_are_told() {
    let wit = "
        package t:t@1.0.0;
        interface log { record line { text: string, at: u32 } log: func(l: line); }
        world one { import log; export run: func(); }
    ";
    let newer = wit.replace("1.0.0", "1.1.0").replace("at: u32", "at: u64");
    let two = newer.replace("world one", "world two").replace("export run", "export walk");
    let parts = [dummy(wit, "one", "one"), dummy(&two, "two", "two")];
    let nodes: Vec<Node<'_>> = parts.iter().map(node).collect();
    let outlets = [("run", 0), ("walk", 1)].map(|(name, exporter)| wiring::Outlet {
        name: name.to_owned(),
        exporter,
        export: name.to_owned(),
    });
    let plan = wiring::Plan { used: vec![0, 1], wires: Vec::new(), outlets: outlets.to_vec() };
    compose(&[&parts[0], &parts[1]], &plan).expect_err("no composition");
    let findings = wiring::clashes(&nodes, &plan);
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert_eq!(findings[0].code, Code::TypeMismatch);
    assert_eq!(findings[0].path.to_string(), "import t:t/log@1.0.0 / type line / field at");
    // The near miss: they have different functions of the interface, and agree in what both have.
    let more = wit.replace("log: func(l: line);", "flush: func();").replace("1.0.0", "1.1.0");
    let more = more.replace("world one", "world two").replace("export run", "export walk");
    let parts = [dummy(wit, "one", "one"), dummy(&more, "two", "two")];
    let whole = compose(&[&parts[0], &parts[1]], &plan).expect("a composition");
    let names: Vec<&String> = whole.world.imports.keys().collect();
    assert_eq!(names, ["t:t/log@1.1.0"]);
}

/// A world that uses a resource at its root: the type goes where its interface goes.
#[test]
fn a_resource_used_at_the_root_goes_with_its_interface() {
    let wit = "
        package t:t;
        interface store {
            resource item { constructor(name: string); }
            record pair { left: u32 }
            open: func(name: string) -> item;
        }
        interface types { record rec { a: u32 } }
        interface api { use types.{rec}; f: func(p: rec); }
        world app { use store.{item, pair}; import f: func(i: item, p: pair); export run: func(); }
        world disk { export store; }
        world other-f { use store.{item, pair}; export f: func(i: item, p: pair); }
        world part { import types; import api; export run: func(); }
        world gives-types { export types; }
    ";
    // The function takes items of the disk, and comes from a component that has them from there.
    let parts = ["app", "disk", "other-f"].map(|name| dummy(wit, name, name));
    let whole = composed(&parts, &[]);
    assert!(whole.world.imports.is_empty(), "{:?}", whole.world.imports.keys());
    let script = emit(&parts.iter().collect::<Vec<_>>(), &plan_of(&parts, &[]), &[].into());
    assert!(script.contains(r#""item": disk["t:t/store"]["item"]"#), "{script}");
    // Nobody outside could have an item of the disk's, and so the function cannot stay open.
    let parts = ["app", "disk"].map(|name| dummy(wit, name, name));
    let nodes: Vec<Node<'_>> = parts.iter().map(node).collect();
    let findings = wiring::wire(&nodes, &Wishes::default()).expect_err("findings");
    assert!(findings.iter().all(|f| f.code == Code::ResourceIdentity), "{findings:#?}");
    // Plain types are nobody's: one interface may be fed while another that uses it stays open.
    let parts = ["part", "gives-types"].map(|name| dummy(wit, name, name));
    let whole = composed(&parts, &[]);
    assert!(whole.world.imports.contains_key("t:t/api"));
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
