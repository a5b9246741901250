//! What `inspect` says of files, beyond the cases: sizes add up, hostile files stay bounded in time and
//! output, and compiled artifacts are told apart without being loaded.

#![allow(clippy::expect_used, clippy::panic, reason = "a test says what it needs by failing")]

#[allow(dead_code)]
mod support;

use std::fs;

use plugtool::component::{self, Component, FEATURES, Subject};
use plugtool::diagnostic::{Capability, Part};
use plugtool::{input, world};
use support::{execute, plugins, section};

const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";
const MODULE: &[u8] = b"\0asm\x01\0\0\0";

fn identify(bytes: Vec<u8>) -> Result<Subject, String> {
    let input = input::from_bytes("plugin", "plugin", bytes).map_err(|error| error.to_string())?;
    component::identify(input).map_err(|finding| finding.message)
}

fn component(bytes: Vec<u8>) -> Component {
    match identify(bytes) {
        Ok(Subject::Component(component)) => *component,
        other => panic!("{other:?}"),
    }
}

#[test]
fn sizes_add_up() {
    fn check(name: &str, part: &Part) {
        if !part.parts.is_empty() {
            let sum: u64 = part.parts.iter().map(|part| part.bytes).sum();
            assert_eq!(sum, part.bytes, "{name}: {} {:?}", part.kind, part.name);
        }
        part.parts.iter().for_each(|part| check(name, part));
    }
    for (name, path) in plugins() {
        let bytes = fs::read(path).expect("a plugin");
        let sizes = component::anatomy(&bytes).expect("sizes");
        assert_eq!(sizes.bytes, bytes.len() as u64, "{name}");
        check(&name, &sizes);
    }
}

/// Sizes are read before a file is validated, so anything may be in it.
#[test]
fn broken_files_have_no_sizes_or_some() {
    let whole = fs::read(&plugins()["chatty"]).expect("a plugin");
    let mut none = 0;
    for at in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[at] ^= 1 << (at % 8);
        none += usize::from(component::anatomy(&flipped).is_none());
        none += usize::from(component::anatomy(&whole[..at]).is_none());
    }
    assert!(none > whole.len(), "a file that is cut off has no sizes");
}

/// Whatever is in a valid component, its world becomes WIT that reads back, or an error.
#[test]
fn changed_components_are_printed_or_refused() {
    let mut printed = 0;
    for name in ["chatty", "upper"] {
        let whole = fs::read(&plugins()[name]).expect("a plugin");
        for at in 0..whole.len() {
            for bit in [0, 3, 6] {
                let mut flipped = whole.clone();
                flipped[at] ^= 1 << bit;
                let Ok(Subject::Component(component)) = identify(flipped) else { continue };
                let wit = world::checked_wit(&component.world, FEATURES);
                assert!(wit.is_ok(), "{name} at {at}: {wit:?}");
                printed += 1;
            }
        }
    }
    assert!(printed > 100, "only {printed} stayed valid");
}

#[test]
fn nesting_is_bounded() {
    let mut deep = COMPONENT.to_vec();
    for _ in 0..900 {
        deep = [COMPONENT, &section(4, &deep)].concat();
    }
    let sizes = component::anatomy(&deep).expect("sizes");
    assert_eq!(sizes.bytes, deep.len() as u64);
    assert_eq!(component(deep.clone()).nested.components, 900);
    for _ in 0..101 {
        deep = [COMPONENT, &section(4, &deep)].concat();
    }
    let refused = identify(deep).expect_err("a finding");
    assert!(refused.contains("more than 1000"), "{refused}");

    let wide = section(1, MODULE).repeat(999);
    let wide = [COMPONENT, &wide, &section(4, &[COMPONENT, &wide].concat())].concat();
    let refused = identify(wide).expect_err("a finding");
    assert!(refused.contains("more than 1000"), "{refused}");
}

/// A type that doubles with every line is small in a file, and large wherever it is written out.
#[test]
fn shared_types_stay_bounded() {
    let bomb = |doublings: usize, functions: usize| {
        let mut text = String::from("(component (type $t0 (tuple u8 u8))\n");
        for i in 1..=doublings {
            text.push_str(&format!("(type $t{i} (tuple $t{0} $t{0}))\n", i - 1));
        }
        for i in 0..functions {
            text.push_str(&format!("(import \"f{i}\" (func (param \"a\" $t{doublings})))\n"));
        }
        text + ")"
    };
    // One of them is written out in full, for programs and as WIT.
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("bomb.wat"), bomb(11, 2)).expect("a file");
    let json = execute("plugtool inspect --format json bomb.wat", folder.path());
    assert_eq!(json.exit, "0");
    assert!(json.stdout.len() > 30_000, "{} bytes", json.stdout.len());
    let wit = execute("plugtool inspect --wit bomb.wat", folder.path());
    assert_eq!(wit.exit, "0", "{}", wit.stderr);
    // For people it is cut short, and so is all of it where it is too much.
    fs::write(folder.path().join("bomb.wat"), bomb(11, 100)).expect("a file");
    for arguments in ["", "-v"] {
        let text = execute(&format!("plugtool inspect {arguments} bomb.wat"), folder.path());
        assert_eq!(text.exit, "0");
        assert!(text.stdout.len() < 300_000, "{arguments}: {} bytes", text.stdout.len());
        assert!(text.stdout.contains("..."));
    }
    // A long name that is used everywhere is the other way to the same end.
    let name = "n".repeat(50_000);
    let mut text = format!(
        "(component (type $r' (record (field \"x\" u8)))\n(import \"{name}\" (type $r (eq $r')))\n"
    );
    text.push_str(&format!("(type $t (tuple {}))\n", "$r ".repeat(5_000)));
    text.push_str("(import \"f\" (func (param \"a\" $t))))");
    fs::write(folder.path().join("bomb.wat"), text).expect("a file");
    let wit = execute("plugtool inspect --wit bomb.wat", folder.path());
    assert_eq!(wit.exit, "3");
    assert!(wit.stderr.contains("larger than 8 MiB"), "{}", wit.stderr);
    let json = execute("plugtool inspect --format json bomb.wat", folder.path());
    assert_eq!(json.exit, "0");
    assert!(json.stdout.len() < 1_000_000, "{} bytes", json.stdout.len());
}

#[test]
fn what_wasmtime_compiled_is_told_from_other_objects() {
    let engine = wasmtime::Engine::default();
    let folder = tempfile::tempdir().expect("a folder");
    let said = |name: &str, bytes: &[u8]| {
        fs::write(folder.path().join(name), bytes).expect("a file");
        execute(&format!("plugtool inspect {name}"), folder.path()).stdout
    };
    let component = engine.precompile_component(COMPONENT).expect("compiled code");
    let text = said("component.cwasm", &component);
    assert!(text.contains("precompiled artifact"), "{text}");
    // By default the engine writes its major version only.
    let version = plugtool::smoke::ENGINE
        .trim_start_matches("wasmtime ")
        .split('.')
        .next()
        .expect("a version");
    let what = format!("a component that Wasmtime {version} compiled in advance");
    assert!(text.contains(&what), "{text}");

    let module = engine.precompile_module(MODULE).expect("compiled code");
    assert!(said("module.cwasm", &module).contains("a core module that Wasmtime"));

    // Neither the name of the section nor the mark in the header: it could be anything.
    let mut other = module.clone();
    let at = other.windows(16).position(|w| w == b".wasmtime.engine").expect("the section");
    other[at] = b'x';
    assert!(component::artifact(&other).wasmtime, "the header still says so");
    other[7] = 0;
    assert!(!component::artifact(&other).wasmtime);
    assert!(said("other.o", &other).contains("ELF object"));

    // Headers that lie are not followed out of the file.
    for length in 0..module.len().min(400) {
        component::artifact(&module[..length]);
    }
    for at in 0..64 {
        for bit in 0..8 {
            let mut changed = module.clone();
            changed[at] ^= 1 << bit;
            component::artifact(&changed);
        }
    }
}

/// The plugins of the test data, by what each asks for.
#[test]
fn plugins_ask_for_what_their_toolchains_need() {
    use Capability as C;
    let asks = |name: &str| -> Vec<C> {
        let component = component(fs::read(&plugins()[name]).expect("a plugin"));
        component::requests(&component.world).iter().map(|request| request.capability).collect()
    };
    assert_eq!(asks("greet"), []);
    assert_eq!(asks("chatty"), [C::Host]);
    let go = [C::Files, C::Environment, C::Stdio, C::Clocks, C::Randomness, C::Exit];
    assert_eq!(asks("reverse"), go);
}
