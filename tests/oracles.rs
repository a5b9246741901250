//! Held against the field's own code: what plugtool accepts, they accept; what it rejects, they
//! reject; and a component is never at odds with its own world.

#![allow(clippy::expect_used, clippy::panic, reason = "a test says what it needs by failing")]

#[allow(dead_code)]
mod support;

use std::path::Path;

use plugtool::check::check;
use plugtool::component::{self, Component};
use plugtool::compose::compose;
use plugtool::config::{self, Host};
use plugtool::wiring::search::{self, Outcome, Way};
use plugtool::wiring::{self, Node, Wishes};
use plugtool::{input, world};
use support::{plugins, root};
use wit_component_newer as wit_component;
use wit_parser_newer as wit_parser;

fn read(path: &Path) -> Component {
    let (name, path) = (path.file_stem().expect("a name"), path.to_string_lossy());
    let input = input::read(&name.to_string_lossy(), &path).expect("a readable file");
    component::decode(input).expect("a valid component")
}

fn node(component: &Component) -> Node<'_> {
    Node { name: &component.name, sha256: component.sha256(), world: &component.world }
}

fn demo_host() -> Host {
    config::load(&root().join("compositions/cli-host")).expect("the demo host")
}

/// Whether wit-component finds the component to target a world: it instantiates the component against
/// the encoded world, and the validator decides.
fn targets(folder: &str, world: &str, provides_wasi: bool, bytes: &[u8]) -> Result<(), String> {
    let mut resolve = wit_parser::Resolve::default();
    let (package, _) = resolve.push_path(root().join(folder)).expect("the contract");
    let mut id = resolve.select_world(&[package], Some(world)).expect("the world");
    if provides_wasi {
        let dependencies = root().join("wit/wasi-0.2");
        let mut main = None;
        let mut others = Vec::new();
        for entry in std::fs::read_dir(dependencies).expect("the shipped WIT") {
            let path = entry.expect("an entry").path();
            let text = std::fs::read_to_string(&path).expect("a WIT file");
            let mut map = wit_parser::SourceMap::default();
            map.push_str(&path.to_string_lossy(), text);
            let group = map.parse().map_err(|(_, error)| error).expect("valid WIT");
            if path.file_stem().is_some_and(|stem| stem == "cli") {
                main = Some(group);
            } else {
                others.push(group);
            }
        }
        let cli = resolve.push_groups(main.expect("cli.wit"), others).expect("valid WIT");
        let wasi = resolve.packages[cli].worlds["imports"];
        resolve
            .merge_worlds(wasi, id, &mut wit_parser::CloneMaps::default())
            .expect("worlds that merge");
        id = resolve.select_world(&[package], Some(world)).expect("the world");
    }
    wit_component::targets(&resolve, id, bytes, true).map_err(|error| format!("{error:#}"))
}

#[test]
fn a_component_has_no_quarrel_with_its_own_world() {
    for path in plugins().values() {
        let component = read(path);
        let own = world::Host { world: &component.world, provides: &[] };
        let mismatches = world::targets(&component.world, own);
        assert!(mismatches.is_empty(), "{}: {mismatches:#?}", path.display());
    }
}

#[test]
fn the_verdict_on_every_plugin_is_the_validator_s() {
    let host = demo_host();
    let mut verdicts = (0, 0);
    for path in plugins().values() {
        let component = read(path);
        let ours = check(&component, &host).diagnostics;
        let theirs = targets("compositions/cli-host/wit/v0.2", "plugin", true, &component.bytes);
        assert_eq!(ours.is_empty(), theirs.is_ok(), "{}: {ours:#?}\n{theirs:?}", path.display());
        if ours.is_empty() {
            verdicts.0 += 1;
        } else {
            verdicts.1 += 1;
        }
    }
    assert!(verdicts.0 >= 2 && verdicts.1 >= 5, "the fixtures show both: {verdicts:?}");
}

#[test]
fn what_is_composed_validates_and_targets_the_world() {
    let host = demo_host();
    let target = world::Host { world: &host.worlds[0], provides: &host.provides };
    let pool: Vec<Node<'_>> = host.adapters.iter().map(node).collect();
    for name in ["upper", "wordcount", "reverse"] {
        let plugin = read(&plugins()[name]);
        let wishes = Wishes { target: Some(target), ..Wishes::default() };
        let outcome = search::adapt(&[node(&plugin)], &pool, &wishes);
        let Outcome::Way(Way { adapters, plan }) = outcome else { panic!("{name}: {outcome:?}") };
        assert_eq!(adapters, [0], "{name}: one adapter is enough");
        let parts = [&plugin, &host.adapters[0]];
        let composed = compose(&parts, &plan).expect("a composition");
        wasmparser::Validator::new_with_features(component::FEATURES)
            .validate_all(&composed.bytes)
            .expect("it validates");
        let theirs = targets("compositions/cli-host/wit/v0.2", "plugin", true, &composed.bytes);
        assert!(theirs.is_ok(), "{name}: {theirs:?}");
    }
}

/// Composition is a function of what is composed, not of the order in which it was named.
#[test]
fn the_order_of_arguments_does_not_change_the_bytes() {
    let (plugin, adapter) = (read(&plugins()["upper"]), read(&plugins()["cli-v1-to-v2"]));
    let mut results = Vec::new();
    for parts in [[&plugin, &adapter], [&adapter, &plugin]] {
        let nodes: Vec<Node<'_>> = parts.iter().map(|part| node(part)).collect();
        let plan = wiring::wire(&nodes, &Wishes::default()).expect("a plan");
        results.push(compose(&parts, &plan).expect("a composition").bytes);
    }
    assert_eq!(results[0], results[1]);
}

/// Bytes that were changed or cut off somewhere give a finding or a verdict, never a panic; and what
/// lost an export on the way does not pass for what it was.
#[test]
fn broken_bytes_are_judged() {
    let whole = read(&plugins()["upper"]);
    let own = world::Host { world: &whole.world, provides: &[] };
    let judge = |bytes: Vec<u8>| {
        let input = input::from_bytes("broken", "broken", bytes).expect("bytes");
        let Ok(component) = component::decode(input) else { return };
        let mismatches = world::targets(&component.world, own);
        let exports = component.world.exports.len();
        assert!(exports == whole.world.exports.len() || !mismatches.is_empty());
    };
    for at in 0..whole.bytes.len() {
        let mut flipped = whole.bytes.clone();
        flipped[at] ^= 1 << (at % 8);
        judge(flipped);
        judge(whole.bytes[..at].to_vec());
    }
}
