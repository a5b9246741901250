//! Whatever a verdict depends on is part of the key, and nothing else.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::support::process::PLUGTOOL;
use super::{ALL, Bench, WIT, plugin, support};

/// What a case calls is looked up in the host's world. Where that says something else, the same bytes with
/// the same case are another run.
#[test]
fn which_export_is_meant_is_part_of_the_key() {
    let bench = Bench::new();
    let plugin = r#"(component
        (core module $m
          (func (export "right") (result i32) (i32.const 42))
          (func (export "wrong") (result i32) (i32.const 41)))
        (core instance $i (instantiate $m))
        (func $right (result u32) (canon lift (core func $i "right")))
        (func $wrong (result u32) (canon lift (core func $i "wrong")))
        (instance $answers (export "answer" (func $wrong)))
        (export "answer" (func $right))
        (export "my:tiny/answers" (instance $answers)))"#;
    bench.write("host/it.wat", plugin);
    let bare = "package my:tiny;\nworld plugin {\n  export answer: func() -> u32;\n}\n";
    let interface = "package my:tiny;\ninterface answers {\n  answer: func() -> u32;\n}\n\
                     world plugin {\n  export answers;\n}\n";
    for (wit, verdict) in [(bare, "pass"), (interface, "fail")] {
        bench.write("host/wit/world.wit", wit);
        let cold = bench.gate();
        assert_eq!((cold.verdict(), cold.cached().len()), (verdict, 0), "{cold:#?}");
        let warm = bench.gate();
        assert_eq!((warm.verdict(), warm.cached()), (verdict, ALL.to_vec()), "{warm:#?}");
    }
}

/// What the plugin imports of what a rule is about is no other thing by another name.
#[test]
fn which_import_is_answered_is_part_of_the_key() {
    let bench = Bench::new();
    let world = |first: &str| {
        format!(
            "package my:tiny;\ninterface a {{\n  now: func() -> u32;\n}}\ninterface b {{\n  \
             now: func() -> u32;\n}}\nworld plugin {{\n  {first}\n  import a;\n  \
             export answer: func() -> u32;\n}}\n"
        )
    };
    let plugin = plugin("call $now").replace(
        r#"(import "clock" (func $clock (result u32)))"#,
        r#"(import "my:tiny/a" (instance $a (export "now" (func (result u32)))))
           (alias export $a "now" (func $clock))"#,
    );
    bench.write("host/it.wat", plugin);
    bench.write(
        "host/smoke/answers.toml",
        "steps = [{ invoke = 'answer()', expect = '42' }]\n[[host]]\ncall = 'now'\n\
         returns = '42'\n",
    );
    // A bare function of that name goes before one of an interface.
    for (more, verdict) in [("", "pass"), ("import now: func() -> u32;", "fail")] {
        bench.write("host/wit/world.wit", world(more));
        let cold = bench.gate();
        assert_eq!((cold.verdict(), cold.cached().len()), (verdict, 0), "{cold:#?}");
    }
}

/// What a plugin asked of its host is as much its own as what it returned, and the same every time.
#[test]
fn what_is_wrong_with_calls_of_the_host_is_kept() {
    let bench = Bench::new();
    bench.write(
        "host/wit/world.wit",
        "package my:tiny;\nworld plugin {\n  import tick: func(n: u32);\n  import tock: func();\n  \
         export answer: func() -> u32;\n}\n",
    );
    bench.write(
        "host/it.wat",
        r#"(component
             (import "tick" (func $tick (param "n" u32)))
             (core func $tick (canon lower (func $tick)))
             (core module $m
               (import "" "tick" (func $tick (param i32)))
               (func (export "f") (result i32)
                 (call $tick (i32.const 1)) (call $tick (i32.const 1)) (i32.const 42)))
             (core instance $i (instantiate $m (with "" (instance (export "tick" (func $tick))))))
             (func (export "answer") (result u32) (canon lift (core func $i "f"))))"#,
    );
    for (code, rules) in [
        ("unexpected-host-call", ""),
        ("host-call-argument", "[[host]]\ncall = 'tick'\nargs = '(2)'\n"),
        ("extra-host-call", "[[host]]\ncall = 'tick'\ntimes = 1\n"),
        (
            "host-call-order",
            "[[host]]\nname = 'first'\ncall = 'tock'\n[[host]]\ncall = 'tick'\nafter = ['first']\n",
        ),
        ("forbidden-host-call", "[[host]]\ncall = 'tick'\nforbid = true\n"),
        ("missing-host-call", "[[host]]\ncall = 'tick'\n[[host]]\ncall = 'tock'\ntimes = 1\n"),
    ] {
        let steps = "steps = [{ invoke = 'answer()', expect = '42' }]\n";
        bench.write("host/smoke/answers.toml", format!("{steps}{rules}"));
        bench.gate();
        let warm = bench.gate();
        assert_eq!(warm.report["plugins"][0]["diagnostics"][0]["code"], code, "{warm:#?}");
        assert_eq!((warm.verdict(), warm.cached()), ("fail", ALL.to_vec()), "{code}");
    }
}

/// Everything that a verdict depends on. Each change is made to a host of which all is known.
#[test]
fn what_a_verdict_depends_on_is_part_of_the_key() {
    type Change = (&'static str, fn(&Bench), &'static [&'static str], &'static str);
    const CASE: &str = "host/smoke/answers.toml";
    const CONFIG: &str = "host/plugtool.toml";
    const RUN: &[&str] = &["cases"];
    let changes: &[Change] = &[
        ("nothing", |_| {}, &ALL, "pass"),
        // The plugin.
        ("its bytes", |b| b.write("host/it.wat", plugin("i32.const 41")), &[], "fail"),
        (
            "a comment in its text",
            |b| b.write("host/it.wat", plugin(";;\n i32.const 42")),
            RUN,
            "pass",
        ),
        (
            "its name",
            |b| b.write("host/list.toml", "[[plugins]]\nid = \"its\"\npath = \"it.wat\"\n"),
            &[],
            "pass",
        ),
        (
            "its place",
            |b| {
                fs::rename(b.path("host/it.wat"), b.path("host/its.wat")).expect("a file");
                b.write("host/list.toml", "[[plugins]]\nid = \"it\"\npath = \"its.wat\"\n");
            },
            RUN,
            "pass",
        ),
        // The contract. What would be run stays the same, and so does what came of it.
        (
            "another import of the world",
            |b| b.write("host/wit/world.wit", WIT.replace("import log", "import other")),
            RUN,
            "pass",
        ),
        (
            "a demand of the world",
            |b| {
                b.write(
                    "host/wit/world.wit",
                    WIT.replace(
                        "export answer: func() -> u32;",
                        "export answer: func() -> u32; export more: func();",
                    ),
                )
            },
            &[],
            "fail",
        ),
        (
            "a type of the world",
            |b| b.write("host/wit/world.wit", WIT.replace("-> u32", "-> u64")),
            &[],
            "fail",
        ),
        (
            "an import that is gone",
            |b| b.write("host/wit/world.wit", WIT.replace("import clock", "import clock2")),
            &[],
            "fail",
        ),
        (
            "what is linked beside the world",
            |b| b.write(CONFIG, b.config("provides = [\"wasi\"]\n")),
            RUN,
            "pass",
        ),
        (
            "an adapter",
            |b| {
                b.write("host/adapters/it.wat", "(component)");
                b.write(CONFIG, b.config("adapters = [\"adapters\"]\n"));
            },
            RUN,
            "pass",
        ),
        (
            "modules are adapted",
            |b| b.write(CONFIG, b.config("adapt-modules = true\n")),
            RUN,
            "pass",
        ),
        (
            "what is stubbed, and not there",
            |b| b.write(CONFIG, b.config("[policy]\nstub-imports = [\"log\"]\n")),
            RUN,
            "pass",
        ),
        (
            "what is stubbed",
            |b| b.write(CONFIG, b.config("[policy]\nstub-imports = [\"clock\"]\n")),
            &[],
            "pass",
        ),
        // What is run.
        (
            "what a case expects",
            |b| b.write(CASE, "steps = [{ invoke = 'answer()', expect = '43' }]\n"),
            &[],
            "fail",
        ),
        (
            "what a case calls",
            |b| b.write(CASE, "steps = [{ invoke = 'answer( )', expect = '42' }]\n"),
            &[],
            "pass",
        ),
        (
            "how often",
            |b| {
                b.write(
                    CASE,
                    "steps = [{ invoke = 'answer()', expect = '42' }, { invoke = 'answer()' }]\n",
                )
            },
            &[],
            "pass",
        ),
        (
            "twice",
            |b| b.write(CASE, "twice = true\nsteps = [{ invoke = 'answer()', expect = '42' }]\n"),
            &[],
            "pass",
        ),
        (
            "a case's name",
            |b| b.write(CASE, "name = 'other'\nsteps = [{ invoke = 'answer()', expect = '42' }]\n"),
            &[],
            "pass",
        ),
        (
            "a case's budget",
            |b| b.write(CASE, "max-fuel = 1\nsteps = [{ invoke = 'answer()', expect = '42' }]\n"),
            &[],
            "fail",
        ),
        (
            "another case",
            |b| b.write("host/smoke/more.toml", "steps = [{ invoke = 'answer()' }]\n"),
            &[],
            "pass",
        ),
        (
            "no case",
            |b| {
                b.write(
                    CONFIG,
                    b.config("")
                        .replace("smoke/*", "nothing.txt")
                        .replace("smoke = [\"nothing.txt.toml\"]", ""),
                )
            },
            &[],
            "pass",
        ),
        (
            "a case for others",
            |b| {
                b.write(
                    "host/smoke/more.toml",
                    "plugins = ['other']\nsteps = [{ invoke = 'answer()' }]\n",
                )
            },
            &ALL,
            "pass",
        ),
        (
            "a comment in a case",
            |b| b.write(CASE, "# here\nsteps = [{ invoke = \"answer()\", expect = \"42\" }]\n"),
            &ALL,
            "pass",
        ),
        ("a limit", |b| b.write(CONFIG, b.config("[limits]\nfuel = 1\n")), &[], "fail"),
        ("another limit", |b| b.write(CONFIG, b.config("[limits]\ntimeout = '9s'\n")), &[], "pass"),
        // What is applied to what is known.
        (
            "an import that is denied",
            |b| b.write(CONFIG, b.config("[policy]\ndeny-imports = ['clock']\n")),
            &["contract"],
            "fail",
        ),
        (
            "imports that are allowed",
            |b| b.write(CONFIG, b.config("[policy]\nallow-imports = []\n")),
            &["contract"],
            "fail",
        ),
        (
            "the most bytes",
            |b| b.write(CONFIG, b.config("[policy]\nmax-bytes = '1B'\n")),
            &["contract"],
            "fail",
        ),
        (
            "a comment in the WIT",
            |b| b.write("host/wit/world.wit", format!("// here\n{WIT}")),
            &ALL,
            "pass",
        ),
        ("a comment in the configuration", |b| b.write(CONFIG, b.config("# here\n")), &ALL, "pass"),
    ];
    for (what, change, cached, verdict) in changes {
        let bench = Bench::new();
        bench.warm();
        change(&bench);
        let said = bench.gate();
        assert_eq!(
            (said.verdict(), said.cached().as_slice()),
            (*verdict, *cached),
            "{what}: {said:#?}"
        );
        let anew = bench.gate_with(Path::new(PLUGTOOL), &["--no-cache"]);
        assert_eq!(said.verdicts(), anew.report, "{what}");
        // What was found out anew is known from then on.
        let again = bench.gate();
        assert_eq!(again.verdicts(), anew.report, "{what}");
        let ran = again.report.get("sandbox").is_some();
        assert_eq!(again.cached(), ALL[..if ran { 2 } else { 1 }], "{what}");
    }
}

/// The files that a case names are part of it. What is in a folder that it grants is not, and so what
/// came of it is not kept.
#[test]
fn files_of_cases_are_part_of_the_key_and_folders_are_not_kept() {
    const CASE: &str = "stdin-file = 'in.txt'\nstdout-file = 'out.txt'\n";
    let bench = Bench::new();
    let runner = support::root().join("compositions/command-runner");
    bench.write(
        "host/plugtool.toml",
        format!(
            "[host]\nwit = [{:?}]\nworlds = [\"runner:tools/tool@1.0.0\"]\nprovides = [\"wasi\"]\n\
             adapt-modules = true\nplugins = [\"list.toml\"]\nsmoke = [\"case.toml\"]\n",
            runner.join("wit")
        ),
    );
    let mirror = support::root().join("testdata/plugins/mirror/mirror.wasm");
    bench.write("host/list.toml", format!("[[plugins]]\nid = \"it\"\npath = {mirror:?}\n"));
    bench.write("host/case.toml", CASE);
    bench.write("host/in.txt", "one");
    bench.write("host/out.txt", "one");
    assert_eq!(bench.warm().verdict(), "pass");
    for (file, text, verdict) in [
        ("in.txt", "two", "fail"),
        ("out.txt", "two", "pass"),
        ("case.toml", "stdin-file = 'in.txt'\nstdout-file = 'out.txt'\nexit-code = 1\n", "fail"),
        ("case.toml", "stdin-file = 'in.txt'\nargs = ['--err']\n", "pass"),
        ("case.toml", "stdin-file = 'in.txt'\nenv = { A = 'b' }\n", "pass"),
        ("case.toml", CASE, "pass"),
    ] {
        bench.write(&format!("host/{file}"), text);
        let said = bench.gate();
        let known = file == "case.toml" && text == CASE;
        assert_eq!(said.verdict(), verdict, "{file}: {said:#?}");
        assert_eq!(said.cached().len(), if known { 2 } else { 0 }, "{file}, {text}");
    }
    bench.write("host/data/x.txt", "x");
    bench.write("host/case.toml", "stdin = ''\ndirs = ['data::/data']\n");
    for _ in 0..2 {
        let said = bench.gate();
        assert_eq!((said.verdict(), said.cached().len()), ("pass", 0), "{said:#?}");
    }
}

/// That a large file is valid depends on its bytes alone: another contract does not make it be looked at
/// again, and another byte does.
#[test]
fn that_a_large_file_is_valid_is_known_to_every_host() {
    let bench = Bench::new();
    let large = |body: &str| {
        let data = format!("(memory 8) (data (i32.const 0) \"{}\")", "x".repeat(300 << 10));
        let text =
            plugin(body).replace("(func (export \"f\")", &format!("{data}(func (export \"f\")"));
        wat::parse_str(text).expect("valid text")
    };
    bench.write("host/it.wat", large("i32.const 42"));
    assert_eq!(bench.warm().verdict(), "pass");
    bench.write("host/wit/world.wit", WIT.replace("import log", "import other"));
    let said = bench.gate();
    assert_eq!((said.verdict(), said.cached()), ("pass", vec!["file", "cases"]));
    bench.write("host/wit/world.wit", WIT.replace("-> u32", "-> u64"));
    let said = bench.gate();
    assert_eq!((said.verdict(), said.cached()), ("fail", vec!["file"]));
    assert_eq!(said.verdicts(), bench.gate_with(Path::new(PLUGTOOL), &["--no-cache"]).report);
    // A byte of its code.
    let mut bytes = large("i32.const 42");
    let at = bytes.windows(3).rposition(|bytes| bytes == [0x41, 42, 0x0b]).expect("its code");
    bytes[at] = 0x45;
    bench.write("host/it.wat", bytes);
    let said = bench.gate();
    assert_eq!((said.verdict(), said.cached().len()), ("fail", 0));
    let found = &said.report["plugins"][0]["diagnostics"][0]["code"];
    assert_eq!(found, "invalid-component", "{said:#?}");
}

/// Another program may judge otherwise, though it calls itself by the same version.
#[test]
fn another_program_believes_nothing_of_this_one() {
    let bench = Bench::new();
    bench.warm();
    let other = bench.path("plugtool");
    let mut bytes = fs::read(PLUGTOOL).expect("the program");
    bytes.push(0);
    // Written by a process of its own: one that another thread's child still holds open cannot be started.
    fs::write(bench.path("bytes"), bytes).expect("a file");
    let copied = Command::new("cp").arg(bench.path("bytes")).arg(&other).status().expect("cp");
    assert!(copied.success());
    let made = Command::new("chmod").arg("755").arg(&other).status().expect("chmod");
    assert!(made.success());
    let said = bench.gate_with(&other, &["--cache-dir", "cache"]);
    assert_eq!((said.verdict(), said.cached().len()), ("pass", 0));
    let said = bench.gate_with(&other, &["--cache-dir", "cache"]);
    assert_eq!(said.cached(), ALL);
    assert_eq!(bench.gate().cached(), ALL);
}
