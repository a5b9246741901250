//! Input made to hurt: nesting, counts and types that are far larger than their files, encodings of
//! yesterday and tomorrow, text that goes in circles. Each has one clear answer, and the operating
//! system holds the process to a gigabyte and a minute of processor time while it gives it.

#![allow(clippy::expect_used, clippy::panic, reason = "a test says what it needs by failing")]

#[allow(dead_code)]
mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use support::{on_one_line, section};

/// The preamble of a component (component model, Binary.md).
const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

/// What the process may use: KiB of address space and seconds of processor time.
const LIMITS: &str = "ulimit -v 1000000; ulimit -t 60; exec \"$@\"";

fn plugtool(folder: &Path, arguments: &[&str]) -> Output {
    let mut shell = Command::new("sh");
    shell.args(["-c", LIMITS, "sh", env!("CARGO_BIN_EXE_plugtool")]).args(arguments);
    shell.current_dir(folder).output().expect("a shell")
}

/// What it says, on one line, and how it ended.
fn said(output: &Output) -> (Option<i32>, String) {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    assert!(!text.contains(&0x1b), "an escape character on the terminal");
    let text = String::from_utf8(text).expect("text");
    (output.status.code(), on_one_line(&text))
}

/// An unsigned number, as LEB128.
fn number(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(value & 0x7f).expect("seven bits");
        value >>= 7;
        if value == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

/// The index of a type where a type may stand: LEB128 with a sign.
fn index(value: usize) -> Vec<u8> {
    let mut bytes = number(value);
    let last = bytes.len() - 1;
    if bytes[last] & 0x40 != 0 {
        bytes[last] |= 0x80;
        bytes.push(0);
    }
    bytes
}

fn component(sections: &[Vec<u8>]) -> Vec<u8> {
    [COMPONENT, &sections.concat()].concat()
}

fn types(list: &[Vec<u8>]) -> Vec<u8> {
    section(7, &[number(list.len()), list.concat()].concat())
}

/// `func(a: T) -> string`, where T is the last type of the list, imported as `f`.
fn takes_the_last(mut list: Vec<Vec<u8>>) -> Vec<u8> {
    let last = list.len() - 1;
    list.push([&b"\x40\x01\x01a"[..], &index(last), b"\x00\x73"].concat());
    let import = [&b"\x01\x00\x01f\x01"[..], &number(last + 1)].concat();
    component(&[types(&list), section(10, &import)])
}

/// A component within a component, so many times.
fn nested(depth: usize) -> Vec<u8> {
    (0..depth).fold(COMPONENT.to_vec(), |inner, _| component(&[section(4, &inner)]))
}

/// `list<list<...>>`, so deep.
fn lists(depth: usize) -> Vec<u8> {
    let first = vec![b"\x73".to_vec()];
    let rest = (1..depth).map(|i| [&b"\x70"[..], &index(i - 1)].concat());
    takes_the_last(first.into_iter().chain(rest).collect())
}

/// A tuple of two of the type before it, so many times: twice as large each time.
fn doubling(depth: usize, leaf: u8) -> Vec<u8> {
    let rest = (1..depth).map(|i| [&b"\x6f\x02"[..], &index(i - 1), &index(i - 1)].concat());
    takes_the_last(std::iter::once(vec![leaf]).chain(rest).collect())
}

#[test]
fn binaries_that_are_larger_than_they_look_or_no_longer_what_is_read() {
    let rows: &[(&str, Vec<u8>, &str)] = &[
        ("components in components", nested(20_000), "more than 1000 components and core modules"),
        (
            "components beside components",
            component(&vec![section(4, COMPONENT); 100_000]),
            "more than 1000 components and core modules",
        ),
        ("a deep type", lists(5_000), "type nesting is too deep"),
        ("a doubling type", doubling(60, 0x73), "effective type size exceeds the limit"),
        ("a count of types", component(&[section(7, &number(0xffff_ffff))]), "types count exceeds"),
        (
            "an enum",
            component(&[types(&[[&b"\x6d"[..], &number(0xff_ffff)].concat()])]),
            "enum cases size is out of bounds",
        ),
        (
            "a name of a megabyte",
            component(&[section(0, &[number(1 << 20), vec![b'a'; 1 << 20]].concat())]),
            "string size out of bounds",
        ),
        (
            "a section longer than the file",
            [COMPONENT, b"\x07\xff\xff\xff\xff\x0f\0"].concat(),
            "the file looks cut off",
        ),
        ("a section of no kind", component(&[section(0x3f, b"\0")]), "malformed section id: 63"),
        ("January 2023", b"\0asm\x0b\0\x01\0\x01\x02".to_vec(), "encoding 0x0b, from January 2023"),
        ("February 2023", b"\0asm\x0c\0\x01\0\x01\x02".to_vec(), "encoding 0x0c, from February"),
        ("tomorrow", b"\0asm\x0e\0\x01\0".to_vec(), "newer than any known here"),
        ("a magic number", b"\0asm".to_vec(), "it is no WebAssembly"),
        ("a megabyte of zeros", vec![0; 1 << 20], "it is no WebAssembly"),
    ];
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("world.wit"), "package a:b;\nworld w {}\n").expect("a file");
    for (what, bytes, expected) in rows {
        fs::write(folder.path().join("it.wasm"), bytes).expect("a file");
        for arguments in [
            &["inspect", "it.wasm"][..],
            &["check", "it.wasm", "--wit", "world.wit"],
            &["run", "it.wasm", "--invoke", "f()"],
            &["compose", "it.wasm", "-o", "out.wasm"],
        ] {
            let (exit, text) = said(&plugtool(folder.path(), arguments));
            assert_eq!(exit, Some(1), "{what}: {arguments:?}: {text}");
            assert!(text.contains(expected), "{what}: {arguments:?}: {text}");
        }
        assert!(!folder.path().join("out.wasm").exists(), "{what} was composed");
    }
}

#[test]
fn valid_types_at_the_edge_are_judged() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, bytes: &[u8]| {
        fs::write(folder.path().join(name), bytes).expect("a file");
    };
    // 65,536 strings in a type of 17 lines.
    write("strings.wasm", &doubling(17, 0x73));
    write("numbers.wasm", &doubling(17, 0x79));
    write("deep.wasm", &lists(95));
    for (name, other, exit, expected) in [
        ("strings.wasm", "strings.wasm", 0, "1 passed"),
        (
            "strings.wasm",
            "numbers.wasm",
            1,
            "element 0: the host expects u32, the plugin has string",
        ),
        ("deep.wasm", "deep.wasm", 0, "1 passed"),
        ("deep.wasm", "strings.wasm", 1, "the host expects tuple<tuple<"),
    ] {
        let (code, text) = said(&plugtool(folder.path(), &["check", name, "--wit", other]));
        assert_eq!(code, Some(exit), "{name} against {other}: {text}");
        assert!(text.contains(expected), "{name} against {other}: {text}");
        assert!(text.len() < 10_000, "{name} against {other}: {} bytes", text.len());
    }
}

/// An interface of ten thousand functions is checked like any other, and each that differs is told.
#[test]
fn an_interface_of_ten_thousand_functions() {
    let interface = |parameter: u8| {
        let function = [&b"\x01\x40\x01\x01a"[..], &[parameter], b"\x00\x73"].concat();
        let mut declarations = function;
        for i in 0..10_000 {
            let name = format!("f{i}");
            declarations.extend([&b"\x04\x00"[..], &number(name.len())].concat());
            declarations.extend([name.as_bytes(), b"\x01\x00"].concat());
        }
        let instance = [&b"\x42"[..], &number(10_001), &declarations].concat();
        component(&[types(&[instance]), section(10, b"\x01\x00\x05a:b/c\x05\x00")])
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("strings.wasm"), interface(0x73)).expect("a file");
    fs::write(folder.path().join("numbers.wasm"), interface(0x79)).expect("a file");
    let check =
        |plugin: &str| said(&plugtool(folder.path(), &["check", plugin, "--wit", "strings.wasm"]));
    assert_eq!(check("strings.wasm").0, Some(0));
    let (exit, text) = check("numbers.wasm");
    assert_eq!(exit, Some(1));
    for function in ["f0", "f4711", "f9999"] {
        assert!(text.contains(&format!("func {function} / param a")), "{function} is not named");
    }
}

#[test]
fn text_that_nests_or_goes_in_circles() {
    let deep = |open: &str, close: &str| [open.repeat(100_000), close.repeat(100_000)].concat();
    let wit = |rest: &str| format!("package a:b;\n{rest}\n");
    let rows: &[(&str, String, &str)] = &[
        (
            "it.wit",
            wit("interface x { use y.{t}; type u = t; }\ninterface y { use x.{u}; type t = u; }"),
            "`y` depends on itself --> it.wit:3:11",
        ),
        (
            "it.wit",
            wit("interface x { type a = b; type b = a; }"),
            "type `b` depends on itself --> it.wit:2:24",
        ),
        (
            "it.wit",
            wit("interface x { record r { f: option<r> } }"),
            "type `r` depends on itself --> it.wit:2:36",
        ),
        (
            "it.wit",
            wit("world w { include v; }\nworld v { include w; }"),
            "`v` depends on itself --> it.wit:3:7",
        ),
        (
            "it.wit",
            wit(&format!(
                "world w {{ import f: func(a: {}u8{}); }}",
                "list<".repeat(100_000),
                ">".repeat(100_000)
            )),
            "type nesting too deep",
        ),
        (
            "it.wit",
            wit("world w { import f: func(a: \u{202e}u8); }"),
            "bidirectional override codepoint '\\u{202e}'",
        ),
        ("plugtool.toml", format!("a = {}", deep("[", "]")), "max recursion depth"),
        ("it.wat", deep("(component ", ")"), "item nesting too deep, at 1:1102"),
        ("it.wat", "(component \x1b[31m)".to_owned(), "unexpected character '\\u{1b}', at 1:12"),
        ("it.wat", "(component (import \"a\u{202e}b\" (func)))".to_owned(), "\\u{202e}"),
    ];
    for (name, text, expected) in rows {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join(name), text).expect("a file");
        fs::write(folder.path().join("empty.wat"), "(component)").expect("a file");
        let (arguments, exit) = match *name {
            "it.wit" => (vec!["check", "empty.wat", "--wit", "it.wit"], 2),
            "plugtool.toml" => (vec!["gate"], 2),
            _ => (vec!["inspect", "it.wat"], 1),
        };
        let output = plugtool(folder.path(), &arguments);
        let (code, said) = said(&output);
        assert_eq!(code, Some(exit), "{expected}: {said}");
        assert!(said.contains(expected), "{expected}: {said}");
        let lines = [output.stdout, output.stderr].concat();
        let lines = String::from_utf8(lines).expect("text");
        let longest = lines.lines().map(|line| line.chars().count()).max().unwrap_or_default();
        assert!(longest <= 110, "{expected}: a line of {longest} characters");
    }
}
