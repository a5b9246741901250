//! Our reader and writer of WAVE against the reference, `wasm-wave`: over a table of texts and types, and
//! over texts that were damaged by chance, both accept the same, and what they accept means the same.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test says what it needs by failing"
)]

#[allow(dead_code)]
mod support;

use std::fs;

use plugtool::component::FEATURES;
use plugtool::wave::{self, Expect, Expected, MAX_TEXT, Scope, Value};
use plugtool::world::{self, World};
use wasm_wave::value::Type;

/// A type in WIT and for the reference, and texts that are values of it, or nearly.
fn types() -> Vec<(&'static str, Type, Vec<&'static str>)> {
    let record = Type::record([("x", Type::U32), ("name", Type::option(Type::STRING))]);
    let variant = Type::variant([("dot", Some(Type::U32)), ("ok", None), ("dark-blue", None)]);
    let color = Type::enum_ty(["red", "dark-blue", "none"]);
    let rights = Type::flags(["read", "write", "run"]);
    vec![
        ("bool", Type::BOOL, vec!["true", "false", "%true", "1", "True"]),
        ("u8", Type::U8, vec!["0", "255", "256", "-1", "1.0", "1e1", "01", "+1", "\"1\""]),
        ("s8", Type::S8, vec!["-128", "127", "128", "-129", "-0"]),
        ("s64", Type::S64, vec!["-9223372036854775808", "9223372036854775808"]),
        ("u64", Type::U64, vec!["18446744073709551615", "18446744073709551616"]),
        ("f64", Type::F64, vec!["1", "-1.5e-3", "1E+2", "nan", "inf", "-inf", "-nan", "1.", ".5"]),
        ("f32", Type::F32, vec!["0.1", "3.4028236e38", "1e999", "-0"]),
        (
            "char",
            Type::CHAR,
            vec!["'a'", "'é'", r"'\n'", r"'\''", r"'\u{1f600}'", "''", "'ab'", "\"a\""],
        ),
        (
            "string",
            Type::STRING,
            vec![
                r#""""#,
                r#""a\tb\"c\\""#,
                r#""\u{e9}é""#,
                r#""\u{0}\u{7f}\u{301}\u{202e}""#,
                r#""\0""#,
                r#""\x""#,
                r#""\u{110000}""#,
                "\"\"\"\n  two\n    lines\n  \"\"\"",
                "\"\"\"\n\"\"\"",
                "\"\"\"one\"\"\"",
                "\"\"\"\n a\n  \"\"\"",
                "\"open",
            ],
        ),
        (
            "list<u8>",
            Type::list(Type::U8),
            vec!["[]", "[1, 2, 3]", "[1,2,]", "[,]", "[1 2]", "[256]"],
        ),
        (
            "list<string>",
            Type::list(Type::STRING),
            vec![
                "[]",
                r#"["a", "b"]"#,
                r#"["a" // comment
                , "b"]"#,
            ],
        ),
        (
            "tuple<u8, string>",
            Type::tuple([Type::U8, Type::STRING]).expect("a tuple"),
            vec![r#"(1, "a")"#, "(1)", "()", r#"(1, "a", 2)"#],
        ),
        (
            "option<u8>",
            Type::option(Type::U8),
            vec!["none", "some(1)", "1", "some", "some()", "%none"],
        ),
        (
            "option<option<u8>>",
            Type::option(Type::option(Type::U8)),
            vec!["none", "some(none)", "some(some(1))", "some(1)", "1"],
        ),
        (
            "result<u8, string>",
            Type::result(Some(Type::U8), Some(Type::STRING)),
            vec!["ok(1)", r#"err("x")"#, "1", "ok", "err", "\"x\"", "ok(\"x\")"],
        ),
        ("result", Type::result(None, None), vec!["ok", "err", "ok(1)", "ok()"]),
        (
            "a-record",
            record.expect("a record"),
            vec![
                r#"{x: 1, name: some("a")}"#,
                r#"{name: "a", x: 1}"#,
                "{x: 1}",
                "{x: 1,}",
                "{:}",
                "{}",
                "{name: none}",
                "{x: 1, x: 2}",
                "{%x: 1}",
                "{x 1}",
            ],
        ),
        (
            "a-variant",
            variant.expect("a variant"),
            vec!["dot(1)", "%dot(1)", "%ok", "ok", "dark-blue", "dot", "dark-blue(1)", "Dark-blue"],
        ),
        ("a-color", color.expect("an enum"), vec!["red", "dark-blue", "%none", "none", "blue"]),
        (
            "some-rights",
            rights.expect("flags"),
            vec!["{}", "{read}", "{run, read,}", "{read, read}", "{rite}", "{:}", "{read run}"],
        ),
    ]
}

/// A world with a function for each type, `f0`, `f1` and so on, that returns one.
fn a_world() -> World {
    let folder = tempfile::tempdir().expect("a folder");
    let mut wit = String::from(
        "package a:b;\ninterface types {\n  record a-record { x: u32, name: option<string> }\n  \
         variant a-variant { dot(u32), ok, dark-blue }\n  enum a-color { red, dark-blue, none }\n  \
         flags some-rights { read, write, run }\n",
    );
    for (i, (ty, ..)) in types().iter().enumerate() {
        wit.push_str(&format!("  f{i}: func() -> {ty};\n"));
    }
    wit.push_str("}\nworld w { export types; }\n");
    fs::write(folder.path().join("w.wit"), wit).expect("a file");
    let wit = world::load(&[folder.path().to_owned()], &[]).expect("WIT");
    wit.world(None, FEATURES).expect("a world")
}

/// What our reader makes of a text as the result of function `i`.
fn ours(world: &World, i: usize, text: &str) -> Option<Value> {
    let load = &mut |_: &str| Err("there are no files".to_owned());
    let node = wave::value(text, load).ok()?;
    let call = format!("f{i}()");
    let parsed = wave::call(&call, load).expect("a call");
    let expect = Expected::Value(&node);
    let resolved = wave::resolve(world, &parsed, &call, expect, &mut Scope::default(), &[]).ok()?;
    match resolved.expect {
        Expect::Value(value) => Some(value),
        _ => None,
    }
}

/// What the reference makes of it, as it writes it.
fn reference(ty: &Type, text: &str) -> Option<wasm_wave::value::Value> {
    wasm_wave::from_str(ty, text).ok()
}

fn agree(world: &World, i: usize, ty: &Type, text: &str) {
    let (ours, theirs) = (ours(world, i, text), reference(ty, text));
    // The reference passes over fields that the record does not have. To us they are mistakes.
    if ours.is_none() && theirs.is_some() && text.matches(':').count() > 1 {
        return;
    }
    // `%` in front of a name is no part of it, which the reference forgets in flags.
    if matches!(ours, Some(Value::Flags(_))) && theirs.is_none() && text.contains('%') {
        return;
    }
    assert_eq!(ours.is_some(), theirs.is_some(), "f{i}: {text}: {ours:?}, {theirs:?}");
    let (Some(ours), Some(theirs)) = (ours, theirs) else { return };
    // What we write, the reference reads as the same value, and so do we.
    let (written, whole) = wave::write(&ours, MAX_TEXT);
    assert!(whole);
    let again = reference(ty, &written).unwrap_or_else(|| panic!("f{i}: {text}: {written}"));
    let text_of = |value| wasm_wave::to_string(value).expect("a text");
    assert_eq!(text_of(&again), text_of(&theirs), "f{i}: {text}");
    assert_eq!(self::ours(world, i, &written), Some(ours), "f{i}: {text}: {written}");
}

#[test]
fn both_read_the_same() {
    let world = a_world();
    let mut accepted = 0;
    for (i, (_, ty, texts)) in types().iter().enumerate() {
        for text in texts {
            agree(&world, i, ty, text);
            accepted += usize::from(ours(&world, i, text).is_some());
        }
    }
    assert!(accepted > 50, "only {accepted} of the texts are values");
}

/// Texts with a few characters changed, left out or doubled. `_`, `..`, `@` and letters that WAVE has
/// not are ours to add, so the damage is done with WAVE's own signs.
#[test]
fn damaged_texts_are_read_alike() {
    let seed = std::env::var("PLUGTOOL_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    println!("PLUGTOOL_SEED={seed}");
    let mut state: u64 = seed;
    let mut random = move |below: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).expect("31 bits") % below.max(1)
    };
    let world = a_world();
    let signs: Vec<char> = "[](){},:\"'\\ 019-eax%\n".chars().collect();
    for (i, (_, ty, texts)) in types().iter().enumerate() {
        for text in texts {
            for _ in 0..40 {
                let mut chars: Vec<char> = text.chars().collect();
                for _ in 0..1 + random(3) {
                    let at = random(chars.len() + 1);
                    match random(3) {
                        0 if at < chars.len() => drop(chars.remove(at)),
                        1 if at < chars.len() => chars[at] = signs[random(signs.len())],
                        _ => chars.insert(at, signs[random(signs.len())]),
                    }
                }
                let damaged: String = chars.into_iter().collect();
                agree(&world, i, ty, &damaged);
            }
        }
    }
}
