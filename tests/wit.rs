//! `inspect --wit` round-trips: what is printed is WIT, and reads back as the same world. Over every
//! world of `testdata/worlds`, over components made for each of them, and over the plugins.

#![allow(clippy::expect_used, clippy::panic, reason = "a test says what it needs by failing")]

#[path = "support/contract.rs"]
#[allow(dead_code)]
mod contract;
#[path = "support/generate.rs"]
#[allow(dead_code)]
mod generate;
#[allow(dead_code)]
mod support;

use std::path::{Path, PathBuf};

use plugtool::component::{self, FEATURES, Subject};
use plugtool::world::{self, World};
use plugtool::{input, world::WitText};
use support::{files_below, plugins};
use wasmparser::WasmFeatures;
use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{ManglingAndAbi, Resolve, WorldId};

/// Every world of the test data, with the file and the package that it is from.
fn worlds() -> Vec<(PathBuf, Resolve, WorldId, String)> {
    let mut worlds = Vec::new();
    for path in files_below("testdata/worlds", "wit") {
        let mut resolve = Resolve::default();
        let (package, _) = resolve
            .push_path(&path)
            .unwrap_or_else(|error| panic!("{}: {error:#}", path.display()));
        for (name, id) in &resolve.packages[package].worlds {
            let full = resolve.id_of_name(package, name);
            worlds.push((path.clone(), resolve.clone(), *id, full));
        }
    }
    assert!(worlds.len() > 20, "only {} worlds were found", worlds.len());
    worlds
}

fn read(path: &Path, name: &str) -> World {
    let wit = world::load(&[path.to_owned()], &[]).unwrap_or_else(|error| panic!("{error}"));
    wit.world(Some(name), WasmFeatures::all()).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The world that a text is of, by the parser of this crate and by the newest one.
fn read_back(text: &str, name: &str) -> World {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("printed.wit");
    std::fs::write(&file, text).expect("a file");
    let mut newer = wit_parser_newer::Resolve::default();
    if let Err(error) = newer.push_path(&file) {
        panic!("{name}: {error:#}\n{text}");
    }
    read(&file, name)
}

/// A component that has exactly this world, with functions that do nothing.
fn component_of(resolve: &Resolve, id: WorldId) -> Vec<u8> {
    let mut module =
        dummy_module(resolve, id, ManglingAndAbi::Legacy(wit_parser::LiftLowerAbi::Sync));
    embed_component_metadata(&mut module, resolve, id, StringEncoding::UTF8).expect("metadata");
    let mut encoder = ComponentEncoder::default().validate(false);
    encoder = encoder.module(&module).expect("a module");
    encoder.encode().expect("a component")
}

fn decode(name: &str, bytes: Vec<u8>) -> Option<World> {
    let input = input::from_bytes(name, name, bytes).expect("bytes");
    match component::identify(input) {
        Ok(Subject::Component(component)) => Some(component.world),
        // Features that the engine does not have are refused, and that is tested elsewhere.
        Err(finding) if finding.message.contains("feature") => None,
        other => panic!("{name}: {other:?}"),
    }
}

fn print(world: &World, name: &str) -> WitText {
    world::to_wit(world).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn every_world_is_printed_and_read_back() {
    for (path, _, _, name) in worlds() {
        let world = read(&path, &name);
        let wit = print(&world, &name);
        assert!(wit.left_out.is_empty(), "{name}: {:?}", wit.left_out);
        let again = read_back(&wit.text, &name);
        let differences = world::differences(&world, &again);
        assert!(differences.is_empty(), "{name}: {differences:#?}\n{}", wit.text);
        assert_eq!(wit.text, print(&again, &name).text, "{name}: printed again it is another text");
        // The same without `use`, for worlds that cannot be said with it.
        let plain = world::to_wit_without_use(&world).expect("a text");
        let again = read_back(&plain.text, &name);
        let differences = world::differences(&world, &again);
        // Types of another interface inside a type have no names in this one then.
        let said = !plain.left_out.is_empty();
        assert!(said || differences.is_empty(), "{name}: {differences:#?}\n{}", plain.text);
    }
}

#[test]
fn every_component_s_own_world_is_printed_and_read_back() {
    let mut read = 0;
    for (_, resolve, id, name) in worlds() {
        let Some(world) = decode(&name, component_of(&resolve, id)) else { continue };
        let wit = world::checked_wit(&world, FEATURES);
        let wit = wit.unwrap_or_else(|error| {
            panic!("{name}: {error}\n{}", print(&world, &name).text);
        });
        // Of what it imports, a component keeps what it uses; what it exports is whole. Where that is
        // the same interface, WIT cannot tell the two apart.
        let full = |name: &&String| name.contains('/');
        let both = world.imports.keys().filter(full).any(|n| world.exports.contains_key(n));
        assert!(wit.left_out.is_empty() || both, "{name}: {:?}\n{}", wit.left_out, wit.text);
        let again = read_back(&wit.text, "root:component/root");
        if both {
            continue;
        }
        assert_eq!(wit.text.replace("root:component", "x:y"), {
            let text = print(&again, &name).text;
            text.replace("root:component", "x:y")
        });
        read += 1;
    }
    assert!(read > 15, "only {read} components were read");
}

/// Random contracts, with every type constructor, `use` between interfaces and packages, and
/// resources. A failure names its seed, and `PLUGTOOL_WIT_SEEDS=17..18` runs that one alone.
#[test]
fn random_worlds_are_printed_and_read_back() {
    let range = std::env::var("PLUGTOOL_WIT_SEEDS").unwrap_or_else(|_| "0..150".to_owned());
    let (from, to) = range.split_once("..").expect("a range of seeds");
    let (from, to): (u64, u64) = (from.parse().expect("a seed"), to.parse().expect("a seed"));
    let (mut printed, mut components) = (0, 0);
    for seed in from..to {
        let contract = generate::Generator::new(seed).contract();
        let text = contract.wit();
        let mut resolve = Resolve::default();
        // Some have names that their language does not take: no contracts.
        let Ok(package) = resolve.push_str("contract.wit", &text) else { continue };
        let short = &contract.world.scope.name;
        let (name, id) =
            (resolve.id_of_name(package, short), resolve.packages[package].worlds[short]);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("contract.wit");
        std::fs::write(&file, &text).expect("a file");
        let wit = world::load(&[file], &[]).unwrap_or_else(|error| panic!("{error}"));
        // `stream<char>` is WIT, and no valid type yet.
        let Ok(world) = wit.world(Some(&name), WasmFeatures::all()) else { continue };
        let wit = print(&world, &name);
        assert!(wit.left_out.is_empty(), "seed {seed}: {:?}\n{text}", wit.left_out);
        let again = read_back(&wit.text, &name);
        let differences = world::differences(&world, &again);
        assert!(differences.is_empty(), "seed {seed}: {differences:#?}\n{text}\n{}", wit.text);
        assert_eq!(wit.text, print(&again, &name).text, "seed {seed}: another text");
        printed += 1;

        let Some(world) = decode(&name, component_of(&resolve, id)) else { continue };
        let wit = world::checked_wit(&world, FEATURES);
        let wit = wit.unwrap_or_else(|error| panic!("seed {seed}: {error}\n{text}"));
        let both = world.imports.keys().any(|n| n.contains('/') && world.exports.contains_key(n));
        assert!(wit.left_out.is_empty() || both, "seed {seed}: {:?}\n{text}", wit.left_out);
        components += 1;
    }
    assert!(from + 100 > to || (printed > 50 && components > 50), "{printed}, {components}");
}

#[test]
fn every_package_is_printed_and_read_back() {
    for path in files_below("testdata/worlds", "wit") {
        let shown = path.display();
        let mut resolve = Resolve::default();
        let (package, _) = resolve.push_path(&path).expect("WIT");
        let bytes = wit_component::encode(&resolve, package).expect("an encoding");
        let input = input::from_bytes("package", "package", bytes).expect("bytes");
        let package = match component::identify(input) {
            Ok(Subject::WitPackage(package)) => package,
            Err(finding) if finding.message.contains("feature") => continue,
            other => panic!("{shown}: {other:?}"),
        };
        let wit = world::checked_package_wit(&package, FEATURES);
        let wit = wit.unwrap_or_else(|error| panic!("{shown}: {error}"));
        assert!(wit.left_out.is_empty(), "{shown}: {:?}", wit.left_out);
        let names = |list: &[World]| -> Vec<_> { list.iter().map(|w| w.name.clone()).collect() };
        let mut again = Resolve::default();
        let id = again.push_str("printed.wit", &wit.text).expect("WIT");
        assert_eq!(again.packages[id].worlds.len(), names(&package.worlds).len());
        assert_eq!(again.packages[id].interfaces.len(), names(&package.interfaces).len());
    }
}

#[test]
fn every_plugin_s_world_is_printed_and_read_back() {
    for (name, path) in plugins() {
        let bytes = std::fs::read(&path).expect("a plugin");
        let world = decode(&name, bytes).expect("a component");
        let wit = world::checked_wit(&world, FEATURES).expect("a text");
        assert!(wit.left_out.is_empty(), "{name}: {:?}", wit.left_out);
    }
}

/// Every line of every text matters: without it, the text is no WIT, or another world.
#[test]
fn a_line_that_is_missing_is_noticed() {
    let mut noticed = 0;
    for (path, _, _, name) in worlds() {
        let world = read(&path, &name);
        let text = print(&world, &name).text;
        let lines: Vec<&str> = text.lines().collect();
        for gone in 0..lines.len() {
            let line = lines[gone].trim();
            if !line.ends_with(';') && !line.ends_with(',') {
                continue;
            }
            let rest: Vec<&str> =
                lines.iter().enumerate().filter(|(i, _)| *i != gone).map(|(_, l)| *l).collect();
            let mut resolve = Resolve::default();
            let Ok(package) = resolve.push_str("changed.wit", &rest.join("\n")) else {
                noticed += 1;
                continue;
            };
            let short = name.split('/').nth(1).and_then(|n| n.split('@').next()).expect("a name");
            let changed = resolve.packages.get(package).and_then(|p| p.worlds.get(short));
            let folder = tempfile::tempdir().expect("a temporary folder");
            let file = folder.path().join("changed.wit");
            std::fs::write(&file, rest.join("\n")).expect("a file");
            // An import that something else needs comes back by itself.
            let comes_back = line.starts_with("import ") && !line.contains("func");
            let same = changed.is_some()
                && world::load(&[file], &[])
                    .and_then(|wit| wit.world(Some(&name), WasmFeatures::all()))
                    .is_ok_and(|other| world::differences(&world, &other).is_empty());
            assert!(!same || comes_back, "{name}: without `{line}` it is the same world");
            noticed += usize::from(!same);
        }
    }
    assert!(noticed > 300, "only {noticed} lines were taken out");
}
