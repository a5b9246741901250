//! Names at the root of a component, which carry no version: functions, types, and resources that they use.

use plugtool::component::Component;
use plugtool::compose::{compose, emit};
use plugtool::diagnostic::Code;
use plugtool::wiring::search::Outcome;
use plugtool::wiring::{Node, Wishes, search};
use plugtool::world::Host;
use plugtool::{wiring, world};

use super::support::world_of;
use super::{composed, dummy, node, plan_of, targets};

/// Three contracts of bare functions, each with its own `output`; the adapters between call the older
/// one `old-output`, both of them.
pub const BARE: &str = "
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
