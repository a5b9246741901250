//! Byte lists travel as what they are, wherever they stand in a parameter or a result: 20 MB of them each
//! way, in every shape, and a refusal with its limit where it is too much.

#![allow(clippy::expect_used, clippy::panic, reason = "a test says what it needs by failing")]

#[allow(dead_code)]
mod support;

use std::fs;
use std::sync::LazyLock;

use support::{Outcome, execute, on_one_line, workspace};

/// 20 MB in which no two places are alike.
fn twenty_megabytes() -> &'static [u8] {
    static BYTES: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let numbers = (0..2_500_000_u64).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        numbers.flat_map(u64::to_le_bytes).collect()
    });
    &BYTES
}

/// Runs one case with these steps: the call, and what it is to return.
fn run(steps: &[(&str, &str)]) -> Outcome {
    let folder = workspace();
    fs::write(folder.path().join("big"), twenty_megabytes()).expect("a file");
    let mut text = "name = \"echo\"\nsteps = [\n".to_owned();
    for (invoke, expect) in steps {
        text.push_str(&format!("  {{ invoke = '''{invoke}''', expect = '''{expect}''' }},\n"));
    }
    fs::write(folder.path().join("smoke.toml"), text + "]\n").expect("a smoke file");
    execute("plugtool run testdata/calls/echo.wat --smoke smoke.toml", folder.path())
}

#[test]
fn twenty_megabytes_go_in_and_come_out_in_every_shape() {
    let calls = [
        ("resize(@big, 2, 3)", "ok(@big)"),
        ("resize(@big, 0, 3)", "err(bad-format)"),
        ("pack(@big, 7)", r#"{name: "img", data: @big, width: 7}"#),
        (r#"unpack({name: "x", data: @big, width: 1})"#, "@big"),
        ("maybe(some(@big))", "some(@big)"),
        ("maybe(none)", "none"),
        ("pair((@big, 18446744073709551615))", "(18446744073709551615, @big)"),
        ("either(raw(@big))", "raw(@big)"),
        ("either(small(18446744073709551615))", "small(18446744073709551615)"),
        ("either(nothing)", "nothing"),
        ("chunks([(1, @big), (2, []), (3, [9])])", "[(1, @big), (2, []), (3, [9])]"),
        ("count(some(@big))", "20000000"),
    ];
    let outcome = run(&calls);
    assert_eq!(outcome.exit, "0", "{outcome:?}");
}

/// What came back is compared, and not kept: a case may return in all what is more than a worker may have.
#[test]
fn what_a_case_returns_is_not_kept() {
    let folder = workspace();
    let large = r#"(component
      (core module $m
        (memory (export "memory") 1910)
        (func (export "f") (result i32)
          (i32.store (i32.const 4) (i32.const 125000000)) ;; from 0, so long
          (i32.const 0)))
      (core instance $i (instantiate $m))
      (func (export "f") (result (list u8)) (canon lift (core func $i "f") (memory $i "memory"))))"#;
    fs::write(folder.path().join("large.wat"), large).expect("a component");
    let steps = "{ invoke = 'f()' }, ".repeat(18);
    let smoke = format!("twice = true\nsteps = [{steps}]\n");
    fs::write(folder.path().join("smoke.toml"), smoke).expect("a smoke file");
    let outcome = execute("plugtool run large.wat --smoke smoke.toml --timeout 60s", folder.path());
    assert_eq!(outcome.exit, "0", "{outcome:?}");
}

#[test]
fn a_value_of_everything_comes_back_as_it_went() {
    for value in [
        r"{on: {a, c}, small: -128, letter: '\u{10ffff}', single: -0.5, double: 1e300, why: bad-format, data: [0, 255], short: -32768}",
        "{on: {}, small: 127, letter: 'a', single: nan, double: inf, why: too-large, data: [], short: 32767}",
    ] {
        let outcome = run(&[(&format!("everything({value})"), value)]);
        assert_eq!(outcome.exit, "0", "{value}: {outcome:?}");
    }
}

#[test]
fn what_is_compared_really_is() {
    let outcome = run(&[("resize([1, 2, 3], 2, 3)", "ok([1, 2, 4])")]);
    assert_eq!(outcome.exit, "1", "{outcome:?}");
    assert!(outcome.stdout.contains("- ok: got      [1, 2, 3]\n"), "{outcome:?}");
}

#[test]
fn handles_and_bytes_go_together() {
    let outcome = run(&[
        ("let b = blob(@big)", "_"),
        ("let c = blob([1, 2, 3])", "_"),
        ("c.rest(1)", "ok([2, 3])"),
        ("b.rest(0)", "ok(@big)"),
        ("c.rest(4)", "err(too-large)"),
    ]);
    assert_eq!(outcome.exit, "0", "{outcome:?}");
}

#[test]
fn handles_inside_of_other_values_and_bytes_go_together() {
    let outcome = run(&[
        ("let b = blob(@big)", "_"),
        ("let c = blob([1, 2, 3])", "_"),
        ("last([b, c])", "ok([1, 2, 3])"),
        ("last([c, c, b])", "ok(@big)"),
        ("b.rest(19999999)", "_"),
        ("take(some(b))", "ok(@big)"),
        ("c.rest(2)", "ok([3])"),
    ]);
    assert_eq!(outcome.exit, "0", "{outcome:?}");
}

#[test]
fn too_much_is_refused_with_the_limit() {
    // Bytes are charged as what they are: 128 MiB less a megabyte go through.
    let outcome = run(&[("flood(133000000, 0)", "_")]);
    assert_eq!(outcome.exit, "0", "{outcome:?}");
    for call in ["flood(135000000, 0)", "flood(20000000, 5000000)"] {
        let outcome = run(&[(call, "_")]);
        assert_eq!(outcome.exit, "1", "{outcome:?}");
        let text = on_one_line(&outcome.stdout);
        assert!(text.contains("error[transfer-limit]"), "{outcome:?}");
        assert!(text.contains("it handed over more than 134217728 bytes in one call"), "{text}");
    }
}

#[test]
fn a_result_that_lies_where_it_must_not_is_a_trap() {
    for (call, said) in [
        ("stray(4294967290, 20)", "out of bounds of memory"),
        ("stray(0, 4294967295)", "out of bounds of memory"),
        ("askew([])", "return pointer not aligned"),
        ("beyond([])", "out of bounds of memory"),
        ("no-case([])", "discriminant 7 out of range [0..3)"),
    ] {
        let outcome = run(&[(call, "_")]);
        assert_eq!(outcome.exit, "1", "{call}: {outcome:?}");
        let text = on_one_line(&outcome.stdout);
        assert!(text.contains("error[trap]") && text.contains(said), "{call}: {outcome:?}");
    }
}

/// What a plugin passes to a function of its host goes through the engine's untyped values, which are 40
/// times as large: three megabytes are within the limit, and four are not. Wherever they stand.
#[test]
fn bytes_to_the_host_count_forty_times() {
    let folder = workspace();
    let sender = r#"(component
      (type $types (instance
        (type $file' (record (field "name" string) (field "data" (list u8))))
        (export "file" (type $file (eq $file')))
        (export "take" (func (param "data" (list u8)) (result u32)))
        (export "keep" (func (param "file" $file) (result u32)))))
      (import "my:files/host" (instance $host (type $types)))
      (core module $memory (memory (export "memory") 100))
      (core instance $mem (instantiate $memory))
      (alias core export $mem "memory" (core memory $at))
      (core func $take (canon lower (func $host "take") (memory $at)))
      (core func $keep (canon lower (func $host "keep") (memory $at)))
      (core module $m
        (import "mem" "memory" (memory 100))
        (import "host" "take" (func $take (param i32 i32) (result i32)))
        (import "host" "keep" (func $keep (param i32 i32 i32 i32) (result i32)))
        (func (export "take") (param i32) (result i32)
          (call $take (i32.const 0) (local.get 0)))
        (func (export "keep") (param i32) (result i32)
          (call $keep (i32.const 0) (i32.const 0) (i32.const 0) (local.get 0))))
      (core instance $i (instantiate $m
        (with "mem" (instance $mem))
        (with "host" (instance (export "take" (func $take)) (export "keep" (func $keep))))))
      (func (export "take") (param "size" u32) (result u32) (canon lift (core func $i "take")))
      (func (export "keep") (param "size" u32) (result u32) (canon lift (core func $i "keep"))))"#;
    fs::write(folder.path().join("sender.wat"), sender).expect("a component");
    fs::write(folder.path().join("big"), vec![0; 3_000_000]).expect("a file");
    for (function, args) in [("take", "(@big)"), ("keep", r#"({name: "", data: @big})"#)] {
        for (size, exit) in [(3_000_000, "0"), (4_000_000, "1")] {
            let smoke = format!(
                "steps = [{{ invoke = '{function}({size})', expect = '7' }}]\n\
                 [[host]]\ncall = 'my:files/host#{function}'\nargs = '{args}'\nreturns = '7'\n"
            );
            fs::write(folder.path().join("smoke.toml"), smoke).expect("a smoke file");
            let outcome = execute("plugtool run sender.wat --smoke smoke.toml", folder.path());
            assert_eq!(outcome.exit, exit, "{function}({size}): {outcome:?}");
            assert_eq!(outcome.stdout.contains("error[transfer-limit]"), exit == "1");
        }
    }
}
