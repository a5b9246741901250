//! Core modules become components: real ones, run, and held against the field's own encoder.

#![allow(clippy::expect_used, clippy::panic, reason = "a test says what it needs by failing")]

#[allow(dead_code)]
mod support;

use std::fs;

use plugtool::adapter::{AdaptError, Preview1, adapt_module};
use plugtool::component::{self, Component};
use plugtool::input;
use support::{execute, plugins, root};
use wasi_preview1_component_adapter_provider as preview1;
use wasmparser::{Parser, Payload};

fn adapt(bytes: &[u8]) -> Result<(Component, Option<Preview1>), AdaptError> {
    let read = input::from_bytes("module", "module.wasm", bytes.to_vec()).expect("bytes");
    let adapted = adapt_module(&read)?;
    let preview1 = adapted.preview1;
    Ok((component::decode(adapted.into_input(read)).expect("a valid component"), preview1))
}

/// What `plugtool run` prints.
fn run(component: &Component, call: &str) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("c.wasm"), &component.bytes).expect("a file");
    let outcome = execute(&format!("plugtool run c.wasm --invoke {call}"), folder.path());
    assert_eq!(outcome.exit, "0", "{}", outcome.stderr);
    outcome.stdout.trim_end().to_owned()
}

/// The module with the component types of a world embedded, as binding generators leave it.
fn embed(mut module: Vec<u8>, wit: &str, world: &str) -> Vec<u8> {
    let mut resolve = wit_parser::Resolve::default();
    let package = resolve.push_str("test.wit", wit).expect("valid WIT");
    let world = resolve.select_world(&[package], Some(world)).expect("the world");
    let encoding = wit_component::StringEncoding::UTF8;
    wit_component::embed_component_metadata(&mut module, &resolve, world, encoding)
        .expect("types that can be embedded");
    module
}

/// The largest core module inside a component: the plugin, beside the adapter's and the shims.
fn core_module(component: &[u8]) -> Vec<u8> {
    let modules = Parser::new(0).parse_all(component).filter_map(|payload| match payload {
        Ok(Payload::ModuleSection { unchecked_range, .. }) => Some(unchecked_range),
        _ => None,
    });
    let largest = modules.max_by_key(|range| range.end - range.start).expect("a core module");
    component[largest].to_vec()
}

#[test]
fn embedded_types_make_a_reactor_a_component() {
    let module = |body: &str| {
        let text = format!(
            r#"(module
              (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
              (memory (export "memory") 1)
              (func (export "add") (param i32 i32) (result i32) {body}))"#
        );
        wat::parse_str(text).expect("valid text")
    };
    let wit = "package a:b; world w { export add: func(a: u32, b: u32) -> u32; }";
    let sum = module("(drop (call $yield)) (i32.add (local.get 0) (local.get 1))");
    let (component, adapter) = adapt(&embed(sum, wit, "w")).expect("adapted");
    assert_eq!(adapter, Some(Preview1::Reactor));
    assert_eq!(component.world.exports.keys().collect::<Vec<_>>(), ["add"]);
    assert_eq!(run(&component, "'add(20, 22)'"), "42");

    // The same module without the types, and with types that are not its own, is refused.
    let product = module("(i32.mul (local.get 0) (local.get 1))");
    assert!(matches!(adapt(&product), Err(AdaptError::Refused(_))));
    let other = "package a:b; world w { export add: func(a: u32, b: u32) -> u64; }";
    assert!(matches!(adapt(&embed(product, other, "w")), Err(AdaptError::Refused(_))));
}

#[test]
fn the_core_modules_of_real_plugins_become_components_again() {
    let wit = fs::read_to_string(root().join("compositions/cli-host/wit/v0.1/cli.wit"))
        .expect("the contract");
    let plugins = plugins();
    // C without WASI, Rust on preview 1, and Go, whose runtime must be up before it allocates.
    for (plugin, adapter, call, answer) in [
        ("upper", None, r#"'run(["ab", "c"])'"#, r#"ok("AB C")"#),
        ("wordcount", Some(Preview1::Reactor), r#"'run(["a b", "c"])'"#, ""),
        ("reverse", Some(Preview1::Reactor), r#"'run(["ab", "c"])'"#, ""),
    ] {
        let whole = fs::read(&plugins[plugin]).expect("a plugin");
        let module = embed(core_module(&whole), &wit, "plugin");
        let (component, found) = adapt(&module).expect(plugin);
        assert_eq!(found, adapter, "{plugin}");
        let answered = run(&component, call);
        let read = input::from_bytes(plugin, plugin, whole).expect("bytes");
        let built = component::decode(read).expect("a component");
        assert_eq!(answered, run(&built, call), "{plugin}");
        assert!(answer.is_empty() || answered == answer, "{plugin}: {answered}");
    }
}

#[test]
fn a_newer_encoder_makes_a_component_with_the_same_world() {
    let text = r#"(module
      (import "wasi_snapshot_preview1" "fd_write"
        (func $write (param i32 i32 i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "sock_send"
        (func $send (param i32 i32 i32 i32 i32) (result i32)))
      (memory (export "memory") 1)
      (func (export "_start")
        (drop (call $write (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0)))
        (drop (call $send (i32.const 9) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)))))"#;
    let module = wat::parse_str(text).expect("valid text");
    let (ours, adapter) = adapt(&module).expect("adapted");
    assert_eq!(adapter, Some(Preview1::Command));
    let theirs = wit_component_newer::ComponentEncoder::default()
        .module(&module)
        .and_then(|encoder| {
            encoder.adapter(
                preview1::WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME,
                preview1::WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER,
            )
        })
        .and_then(|encoder| encoder.validate(true).encode())
        .expect("the newer encoder");
    let read = input::from_bytes("theirs", "theirs.wasm", theirs).expect("bytes");
    let theirs = component::decode(read).expect("a valid component");
    let names = |component: &Component| {
        let world = &component.world;
        let shown = world.imports.iter().chain(&world.exports);
        shown.map(|(name, item)| format!("{name} {}", world.item(item))).collect::<Vec<_>>()
    };
    assert_eq!(names(&ours), names(&theirs));
    assert!(ours.world.exports.contains_key("wasi:cli/run@0.2.12"));
}
