//! Wiring, held to worlds that are written down as WIT: what feeds what, and what is said where there
//! is no one way to do it. And the adapter search, held against trying everything.

#![allow(clippy::expect_used, clippy::panic, reason = "a test says what it needs by failing")]

use std::fmt::Write;
use std::fs;

use plugtool::component::FEATURES;
use plugtool::diagnostic::{Code, Diagnostic};
use plugtool::wiring::search::{self, Outcome};
use plugtool::wiring::{self, Node, Plan, Wishes};
use plugtool::world::{self, Host, World};

/// The worlds of a package, by name. A world stands for a component of that name.
fn worlds<'n>(wit: &str, names: &[&'n str]) -> Vec<(&'n str, World)> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("test.wit");
    fs::write(&path, wit).expect("a file");
    let wit = world::load(&[path], &[]).expect("valid WIT");
    let world = |name: &&'n str| (*name, wit.world(Some(name), FEATURES).expect("a world"));
    names.iter().map(world).collect()
}

fn nodes<'a>(worlds: &'a [(&'a str, World)]) -> Vec<Node<'a>> {
    worlds.iter().map(|(name, world)| Node { name, sha256: name, world }).collect()
}

/// What the search says of the first world: a host, then a plugin, then the pool of its adapters.
fn adapted(worlds: &[(&str, World)]) -> Outcome {
    let nodes = nodes(&worlds[1..]);
    let target = Host { world: &worlds[0].1, provides: &[] };
    let wishes = Wishes { target: Some(target), ..Wishes::default() };
    search::adapt(&nodes[..1], &nodes[1..], &wishes)
}

/// Every wire as `importer/import=exporter`, sorted.
fn wires(nodes: &[Node<'_>], plan: &Plan) -> Vec<String> {
    let mut wires: Vec<String> = plan
        .wires
        .iter()
        .map(|w| format!("{}/{}={}", nodes[w.importer].name, w.import, nodes[w.exporter].name))
        .collect();
    wires.sort();
    wires
}

/// Wires the worlds in every rotation of their order, which must make no difference.
fn wired(wit: &str, names: &[&str], by_hand: &[&str]) -> Result<Vec<String>, Vec<Diagnostic>> {
    let mut worlds = worlds(wit, names);
    let mut results = Vec::new();
    for _ in 0..names.len() {
        let nodes = nodes(&worlds);
        let by_hand: Vec<_> =
            by_hand.iter().map(|text| wiring::parse_wire(&nodes, text).expect("a wire")).collect();
        let wishes = Wishes { by_hand: &by_hand, ..Wishes::default() };
        let plan = wiring::wire(&nodes, &wishes);
        results.push(plan.map(|plan| wires(&nodes, &plan)));
        worlds.rotate_left(1);
    }
    let codes = |result: &Result<Vec<String>, Vec<Diagnostic>>| match result {
        Ok(wires) => wires.clone(),
        Err(findings) => {
            let mut codes: Vec<String> = findings.iter().map(|f| f.code.to_string()).collect();
            codes.sort();
            codes
        }
    };
    for result in &results {
        assert_eq!(codes(result), codes(&results[0]), "the order decides something");
    }
    results.swap_remove(0)
}

fn codes(result: Result<Vec<String>, Vec<Diagnostic>>) -> Vec<Code> {
    result.expect_err("findings").into_iter().map(|finding| finding.code).collect()
}

const STORE: &str = "
    package t:t;
    interface store { get: func() -> u32; }
    interface log { log: func(text: string); }
    world app { import store; export run: func(); }
    world disk { export store; }
    world memory { export store; }
    world cache { import store; export store; }
    world trace { import store; export store; }
    world count { import store; export store; }
    world left { import store; export log; }
";

#[test]
fn a_component_of_both_sides_stands_between() {
    let wires = wired(STORE, &["app", "disk", "cache"], &[]).expect("a plan");
    assert_eq!(wires, ["app/t:t/store=cache", "cache/t:t/store=disk"]);
}

#[test]
fn of_several_on_both_sides_the_order_is_asked_for_once() {
    let findings = wired(STORE, &["app", "disk", "cache", "trace"], &[]).expect_err("findings");
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert_eq!(findings[0].code, Code::AmbiguousWiring);
    assert!(findings[0].help.as_ref().is_some_and(|help| help.contains("--wire")));
}

#[test]
fn the_order_of_a_chain_follows_from_what_is_said() {
    let names = ["app", "disk", "cache", "trace"];
    let wires = wired(STORE, &names, &["trace/store=cache"]).expect("a plan");
    assert_eq!(wires, ["app/t:t/store=trace", "cache/t:t/store=disk", "trace/t:t/store=cache"]);
    let names = ["app", "disk", "cache", "trace", "count"];
    let said = ["trace/store=cache", "cache/store=count"];
    let wires = wired(STORE, &names, &said).expect("a plan");
    let expected = [
        "app/t:t/store=trace",
        "cache/t:t/store=count",
        "count/t:t/store=disk",
        "trace/t:t/store=cache",
    ];
    assert_eq!(wires, expected);
    assert_eq!(codes(wired(STORE, &names, &said[..1])), [Code::AmbiguousWiring]);
}

#[test]
fn a_chain_needs_no_end_of_its_own() {
    let wires = wired(STORE, &["app", "cache", "trace"], &["cache/store=trace"]).expect("a plan");
    assert_eq!(wires, ["app/t:t/store=cache", "cache/t:t/store=trace"]);
}

#[test]
fn two_that_could_feed_one_are_ambiguous_and_a_wire_decides() {
    assert_eq!(codes(wired(STORE, &["app", "disk", "memory"], &[])), [Code::AmbiguousWiring]);
    // The other one then has no part, and that is said.
    let findings = codes(wired(STORE, &["app", "disk", "memory"], &["app/store=disk"]));
    assert_eq!(findings, [Code::UnusedComponent]);
}

#[test]
fn what_two_import_is_one() {
    let wit = "
        package t:t;
        interface base { get: func() -> u32; }
        interface left { left: func() -> u32; }
        interface right { right: func() -> u32; }
        world app { import left; import right; export run: func(); }
        world l { import base; export left; }
        world r { import base; export right; }
        world b { export base; }
    ";
    let wires = wired(wit, &["app", "l", "r", "b"], &[]).expect("a plan");
    assert_eq!(wires, ["app/t:t/left=l", "app/t:t/right=r", "l/t:t/base=b", "r/t:t/base=b"]);
}

#[test]
fn a_circle_is_named() {
    let wit = "
        package t:t;
        interface a { f: func(); }
        interface b { f: func(); }
        world x { import a; export b; }
        world y { import b; export a; }
    ";
    let findings = wired(wit, &["x", "y"], &[]).expect_err("findings");
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].code, Code::WiringCycle);
    assert!(findings[0].message.contains("x needs y needs x"), "{}", findings[0].message);
    assert_eq!(findings[0].notes[0], "x imports t:t/a from y");
}

const BLOBS: &str = "
    package t:t;
    interface types { resource blob; make: func() -> blob; }
    interface store { use types.{blob}; save: func(b: blob); }
    world app { import types; import store; export run: func(); }
    world maker { export types; }
    world good { import types; export store; }
    world trap { export types; export store; }
    world both { export types; export store; }
";

#[test]
fn one_resource_is_shared_by_all_who_take_it_for_one() {
    let wires = wired(BLOBS, &["app", "maker", "good"], &[]).expect("a plan");
    assert_eq!(wires, ["app/t:t/store=good", "app/t:t/types=maker", "good/t:t/types=maker"]);
    // One gives both: that is the only sound way, and nobody has to say so.
    let wires = wired(BLOBS, &["app", "both"], &[]).expect("a plan");
    assert_eq!(wires, ["app/t:t/store=both", "app/t:t/types=both"]);
}

#[test]
fn a_copy_of_a_resource_is_refused_with_what_must_come_along() {
    let findings =
        wired(BLOBS, &["app", "maker", "trap"], &["app/types=maker"]).expect_err("findings");
    assert_eq!(findings.len(), 1, "{findings:#?}");
    let finding = &findings[0];
    assert_eq!(finding.code, Code::ResourceIdentity);
    assert_eq!(finding.path.to_string(), "import t:t/store / resource blob");
    let help = finding.help.as_deref().unwrap_or_default();
    assert!(help.contains("--wire app/t:t/types=trap"), "{help}");
    // Left to itself, the closure moves as a whole, and the other one has no part.
    let findings = codes(wired(BLOBS, &["app", "maker", "trap"], &[]));
    assert_eq!(findings, [Code::UnusedComponent]);
}

/// The interface stays open and its resource would come from a component.
#[test]
fn an_open_import_keeps_its_resources_outside() {
    let findings = wired(BLOBS, &["app", "maker"], &[]).expect_err("findings");
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert_eq!(findings[0].code, Code::ResourceIdentity);
    let help = findings[0].help.as_deref().unwrap_or_default();
    assert!(help.contains("t:t/store must come along"), "{help}");
}

#[test]
fn wires_are_checked_and_near_names_are_told() {
    let worlds = worlds(STORE, &["app", "disk", "cache", "left"]);
    let nodes = nodes(&worlds);
    let error = |text: &str| wiring::parse_wire(&nodes, text).expect_err("an error");
    assert!(error("app").contains("IMPORTER/IMPORT=EXPORTER"));
    assert!(error("ap/store=disk").contains("did you mean `app`?"));
    assert!(error("app/store=disc").contains("did you mean `disk`?"));
    assert!(error("app/t:t/stoer=disk").contains("did you mean `t:t/store`?"));
    assert!(error("app/store=left").contains("left has no export `t:t/store`"));
    assert!(error("cache/store=cache").contains("cannot feed itself"));
    for text in ["app/t:t/store=disk", "app/store=disk"] {
        assert_eq!(wiring::parse_wire(&nodes, text).expect("a wire").import, "t:t/store");
    }
}

/// A small generator of numbers, so that a failing case can be made again from its seed.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % (n as u64)).expect("small")
    }
}

/// Interfaces `i0` to `i5`, a host that offers some and demands one, a plugin, and adapters between.
fn random_pool(seed: u64) -> (String, usize) {
    let mut random = Random(seed);
    let adapters = 1 + random.below(6);
    let mut wit = String::from("package t:t;\n");
    for i in 0..6 {
        let _ = writeln!(wit, "interface i{i} {{ f{i}: func(); }}");
    }
    let _ = writeln!(wit, "world host {{ import i4; import i5; export i0; }}");
    let (import, export) = (3 + random.below(3), random.below(4));
    let _ = writeln!(wit, "world plugin {{ import i{import}; export i{export}; }}");
    for adapter in 0..adapters {
        let _ = write!(wit, "world a{adapter} {{ export i{};", random.below(4));
        let mut imported = Vec::new();
        for _ in 0..random.below(3) {
            let i = random.below(6);
            if !imported.contains(&i) {
                imported.push(i);
                let _ = write!(wit, " import i{i};");
            }
        }
        wit.push_str(" }\n");
    }
    (wit, adapters)
}

/// Whether these components, all of them, can be wired so that they target the host: tries every
/// source of every import. The reference, written without any cleverness.
fn possible(nodes: &[Node<'_>], given: usize, host: &World) -> bool {
    fn cyclic(wires: &[(usize, usize)], nodes: usize) -> bool {
        let mut left: Vec<usize> = (0..nodes).collect();
        loop {
            let before = left.len();
            let free: Vec<usize> = left
                .iter()
                .copied()
                .filter(|n| !wires.iter().any(|(i, e)| i == n && left.contains(e)))
                .collect();
            left.retain(|n| !free.contains(n));
            if left.is_empty() {
                return false;
            }
            if left.len() == before {
                return true;
            }
        }
    }
    let goals: Vec<(Option<usize>, &String)> =
        host.exports
            .keys()
            .map(|name| (None, name))
            .chain(
                nodes.iter().enumerate().flat_map(|(i, node)| {
                    node.world.imports.keys().map(move |name| (Some(i), name))
                }),
            )
            .collect();
    fn try_all(
        goals: &[(Option<usize>, &String)],
        nodes: &[Node<'_>],
        host: &World,
        wires: &mut Vec<(usize, usize)>,
        roots: &mut Vec<usize>,
    ) -> bool {
        let Some(((importer, name), rest)) = goals.split_first() else {
            let mut used = roots.clone();
            let mut at = 0;
            while at < used.len() {
                let next: Vec<usize> =
                    wires.iter().filter(|(i, _)| *i == used[at]).map(|(_, e)| *e).collect();
                for n in next {
                    if !used.contains(&n) {
                        used.push(n);
                    }
                }
                at += 1;
            }
            return used.len() == nodes.len() && !cyclic(wires, nodes.len());
        };
        if importer.is_some()
            && host.imports.contains_key(*name)
            && try_all(rest, nodes, host, wires, roots)
        {
            return true;
        }
        for (exporter, node) in nodes.iter().enumerate() {
            if Some(exporter) == *importer || !node.world.exports.contains_key(*name) {
                continue;
            }
            match importer {
                Some(importer) => wires.push((*importer, exporter)),
                None => roots.push(exporter),
            }
            let found = try_all(rest, nodes, host, wires, roots);
            match importer {
                Some(_) => drop(wires.pop()),
                None => drop(roots.pop()),
            }
            if found {
                return true;
            }
        }
        false
    }
    let _ = given;
    try_all(&goals, nodes, host, &mut Vec::new(), &mut Vec::new())
}

#[test]
fn the_search_is_complete_and_minimal() {
    let mut sizes = [0; 8];
    for seed in 0..400 {
        let (wit, adapters) = random_pool(seed);
        let names: Vec<String> = (0..adapters).map(|i| format!("a{i}")).collect();
        let mut all = vec!["host", "plugin"];
        all.extend(names.iter().map(String::as_str));
        let worlds = worlds(&wit, &all);
        let host = &worlds[0].1;
        let nodes = nodes(&worlds[1..]);
        let (given, pool) = nodes.split_at(1);
        let target = Host { world: host, provides: &[] };
        let wishes = Wishes { target: Some(target), ..Wishes::default() };
        let least = (0..1usize << adapters)
            .filter(|set| {
                let chosen = (0..adapters).filter(|i| set & (1 << i) != 0).map(|i| pool[i]);
                let parts: Vec<Node<'_>> = given.iter().copied().chain(chosen).collect();
                possible(&parts, 1, host)
            })
            .map(|set| set.count_ones() as usize)
            .min();
        let outcome = search::adapt(given, pool, &wishes);
        let found = match &outcome {
            Outcome::Way(way) => Some(way.adapters.len()),
            Outcome::NoWay(_) => None,
            Outcome::OutOfBudget => panic!("seed {seed}: out of budget"),
        };
        assert_eq!(found, least, "seed {seed}:\n{wit}\n{outcome:#?}");
        sizes[least.map_or(7, |least| least)] += 1;
        // The order of the pool decides nothing.
        let mut turned = pool.to_vec();
        turned.reverse();
        let names = |outcome: &Outcome, pool: &[Node<'_>]| match outcome {
            Outcome::Way(way) => {
                way.adapters.iter().map(|&i| pool[i].name.to_owned()).collect::<Vec<_>>()
            }
            _ => Vec::new(),
        };
        let other = search::adapt(given, &turned, &wishes);
        assert_eq!(names(&outcome, pool), names(&other, &turned), "seed {seed}");
    }
    assert!(sizes[1] > 5 && sizes[2] > 5 && sizes[7] > 5, "the pools show all: {sizes:?}");
}

/// From the first contract to the last by every adapter between them, in a pool of 200.
#[test]
fn a_long_chain_out_of_a_large_pool() {
    let mut wit = String::from("package t:t;\n");
    for i in 0..=20 {
        let _ = writeln!(wit, "interface v{i} {{ run: func(a: u32) -> result<string, string>; }}");
    }
    wit.push_str("world host { export v20; }\nworld plugin { export v0; }\n");
    let mut names = vec!["host".to_owned(), "plugin".to_owned()];
    for i in 0..20 {
        for copy in 0..10 {
            let _ = writeln!(wit, "world a{i}-c{copy} {{ import v{i}; export v{}; }}", i + 1);
            names.push(format!("a{i}-c{copy}"));
        }
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let worlds = worlds(&wit, &names);
    let outcome = adapted(&worlds);
    let Outcome::Way(way) = outcome else { panic!("{outcome:?}") };
    assert_eq!(way.adapters.len(), 20);
    let first: Vec<&str> = way.adapters.iter().map(|&i| worlds[2 + i].0).collect();
    assert!(first.iter().all(|name| name.ends_with("-c0")), "{first:?}");
}

/// What has no end is seen at once; what has too many ways is given up.
#[test]
fn pools_without_a_way_end() {
    let mut wit = String::from(
        "package t:t;\ninterface x { f: func(); }\ninterface y { g: func(); }\n\
         world host { export x; }\nworld plugin { export y; }\n",
    );
    let mut names = vec!["host".to_owned(), "plugin".to_owned()];
    for i in 0..60 {
        let _ = writeln!(wit, "world a{i} {{ import x; export x; }}");
        names.push(format!("a{i}"));
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let worlds = worlds(&wit, &names);
    let outcome = adapted(&worlds);
    assert!(matches!(outcome, Outcome::NoWay(_)), "{outcome:?}");
}

/// No way, and the attempt that comes nearest says what is missing.
#[test]
fn the_nearest_attempt_is_told() {
    let wit = "
        package t:t;
        interface v1 { run: func(); }
        interface v2 { run: func(); }
        interface v3 { run: func(); }
        world host { export v3; }
        world plugin { export v1; }
        world two-to-three { import v2; export v3; }
    ";
    let worlds = worlds(wit, &["host", "plugin", "two-to-three"]);
    let outcome = adapted(&worlds);
    let Outcome::NoWay(Some(attempt)) = outcome else { panic!("{outcome:?}") };
    assert_eq!(attempt.adapters, ["two-to-three"]);
    assert_eq!(attempt.lacking, ["t:t/v2, which two-to-three imports"]);
}
