//! Parts that are judged apart and merged are the whole: the same report to the byte, times apart. A part that is
//! missing is never made up for.

#![allow(clippy::expect_used, clippy::panic, reason = "a test says what it needs by failing")]

#[allow(dead_code)]
mod support;
#[path = "partitions/systems.rs"]
mod systems;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use plugtool::diagnostic::Method;
use plugtool::gate::partition::part_of;
use serde_json::Value;
use support::{plugins, without_times, workspace};

fn plugtool(folder: &Path, line: &str, variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plugtool"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let words = shell_words::split(line).expect("a command line");
    let command = command.args(words).current_dir(folder).env_clear().env("PATH", path);
    command.envs(variables.iter().copied()).output().expect("plugtool starts")
}

fn exit(output: &Output) -> i32 {
    output.status.code().expect("an exit status")
}

/// A host with all that its configuration could be found idle in: waivers that are used, unused, expired
/// and for nobody; imports to stub that are there and that are not. With a plugin whose file is not
/// there, nothing is known of those.
fn host(folder: &Path, all_there: bool) {
    let digest =
        |name: &str| plugtool::input::digest(&fs::read(&plugins()[name]).expect("a plugin"));
    let waiver = |plugin: &str, sha256: &str, code: &str, expires: &str| {
        format!(
            "[[waiver]]\nplugin = \"{plugin}\"\nsha256 = \"{sha256}\"\ncode = \"{code}\"\n\
             reason = \"it is a test\"\nexpires = {expires}\n"
        )
    };
    let nothing = "0".repeat(64);
    let waivers = [
        waiver("nobody", &nothing, "too-large", "9999-01-01"),
        waiver("spin", &nothing, "too-large", "2020-01-01"),
        waiver("greet", &digest("greet"), "too-large", "9999-01-01"),
        waiver("chatty", &digest("chatty"), "denied-import", "9999-01-01"),
        waiver("trap", &nothing, "too-large", "9999-01-01"),
    ];
    let text = format!(
        "[host]\nwit = [\"../compositions/cli-host/wit/v0.2\"]\nworlds = [\"my:cli/plugin@0.2.0\"]\n\
         provides = [\"wasi\"]\nplugins = [\"list.toml\"]\n\
         smoke = [\"../compositions/cli-host/smoke/*.toml\"]\n\
         [policy]\nmax-bytes = \"10KiB\"\nstub-imports = [\"wasi:nothing/*\", \"my:chat/*\"]\n\
         [limits]\nfuel = 200_000_000\nmemory = \"64MiB\"\n{}",
        waivers.concat()
    );
    let mut list = String::new();
    for (id, name) in [
        ("greet", "greet"),
        ("chatty", "chatty"),
        ("another", if all_there { "trap" } else { "there-is-none" }),
        ("spin", "spin"),
        ("trap", "trap"),
        ("signed-exit", "signed-exit"),
        ("\\u001b[31m\\n::error::", "no-commands"),
    ] {
        let path = format!("../testdata/plugins/{name}/{name}.wasm");
        list.push_str(&format!("[[plugins]]\nid = \"{id}\"\npath = \"{path}\"\n"));
    }
    list.push_str("[[plugins]]\nid = \"off\"\npath = \"x\"\nenabled = false\n");
    fs::create_dir(folder.join("host")).expect("a folder");
    fs::write(folder.join("host/plugtool.toml"), text).expect("a file");
    fs::write(folder.join("host/list.toml"), list).expect("a file");
}

/// Judges the parts into `1.json` and so on.
fn judge_parts(folder: &Path, method: &str, total: usize, more: &str) -> Vec<String> {
    let files: Vec<String> = (1..=total).map(|index| format!("{method}-{index}.json")).collect();
    for (index, file) in files.iter().enumerate() {
        let part = format!("{method}:{}/{total}", index + 1);
        let line =
            format!("gate --host host {more} --partition {part} --report json={file} -q --jobs 1");
        let output = plugtool(folder, &line, &[]);
        assert!(exit(&output) <= 1, "{output:?}");
    }
    files
}

fn json(folder: &Path, file: &str) -> Value {
    let text = fs::read_to_string(folder.join(file)).expect("a report");
    serde_json::from_str(&text).expect("JSON")
}

fn ids(report: &Value) -> Vec<String> {
    let plugins = report["plugins"].as_array().expect("plugins");
    plugins.iter().map(|plugin| plugin["id"].as_str().expect("an id").to_owned()).collect()
}

#[test]
fn parts_together_are_the_whole_to_the_byte() {
    whole_and_parts(
        true,
        &["unused-waiver", "expired-waiver", "unused-waiver", "unused-waiver", "unused-stub"],
    );
}

#[test]
fn parts_together_know_no_more_than_the_whole() {
    whole_and_parts(false, &["unused-waiver", "expired-waiver", "unused-waiver", "unused-waiver"]);
}

fn whole_and_parts(all_there: bool, idle: &[&str]) {
    let folder = workspace();
    let folder = folder.path();
    host(folder, all_there);
    let formats = ["json", "ndjson", "sarif", "junit", "github", "gitlab", "markdown", "text"];
    let reports = |name: &str| -> String {
        formats.iter().map(|format| format!(" --report {format}={name}.{format}")).collect()
    };
    let whole = plugtool(folder, &format!("gate --host host {}", reports("whole")), &[]);
    assert_eq!(exit(&whole), 1, "{whole:?}");
    let codes: Vec<String> = json(folder, "whole.json")["diagnostics"]
        .as_array()
        .expect("findings about the configuration")
        .iter()
        .map(|finding| finding["code"].as_str().expect("a code").to_owned())
        .collect();
    assert_eq!(codes, idle);
    for (method, total) in [("hash", 1), ("hash", 2), ("hash", 5), ("slice", 3), ("slice", 9)] {
        let files = judge_parts(folder, method, total, "");
        let mut times: BTreeMap<String, usize> = BTreeMap::new();
        for file in &files {
            ids(&json(folder, file)).into_iter().for_each(|id| *times.entry(id).or_default() += 1);
        }
        assert!(times.len() == 8 && times.values().all(|count| *count == 1), "{times:?}");
        // The order of the files does not matter.
        let files: Vec<&str> = files.iter().rev().map(String::as_str).collect();
        let line = format!("merge {} {}", files.join(" "), reports("merged"));
        let merged = plugtool(folder, &line, &[]);
        assert_eq!(exit(&merged), 1, "{merged:?}");
        assert_eq!(merged.stdout, whole.stdout, "{method} {total}");
        for format in formats {
            let read = |name: &str| {
                let text = fs::read_to_string(folder.join(format!("{name}.{format}")));
                without_times(&text.expect("a report"))
            };
            let (merged, whole) = (read("merged"), read("whole"));
            assert!(merged == whole, "{method} {total}: {format}");
        }
    }
}

#[test]
fn a_missing_part_is_named_and_nothing_passes() {
    let folder = workspace();
    let folder = folder.path();
    host(folder, true);
    // Only what passes: nothing else could fail.
    let files = judge_parts(folder, "slice", 3, "--only greet --only chatty --only off");
    let all = plugtool(folder, &format!("merge {}", files.join(" ")), &[]);
    assert_eq!(exit(&all), 0, "{all:?}");
    for (missing, id) in [(0, "greet"), (1, "chatty"), (2, "off")] {
        let others: Vec<&str> =
            (0..3).filter(|i| *i != missing).map(|i| files[i].as_str()).collect();
        let line = format!("merge {} --report json=merged.json", others.join(" "));
        let output = plugtool(folder, &line, &[]);
        assert_eq!(exit(&output), 3, "{output:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        let wanted = format!("part {} of 3 is missing: no verdict on {id}", missing + 1);
        assert!(said.contains(&wanted), "{said}");
        let merged = json(folder, "merged.json");
        assert_eq!(merged["summary"]["unjudged"], 1);
        assert_eq!(ids(&merged), ["greet", "chatty", "off"]);
    }
    // A part with nothing in it is missed too.
    let files = judge_parts(folder, "slice", 4, "--only greet --only chatty --only off");
    let output = plugtool(folder, &format!("merge {}", files[..3].join(" ")), &[]);
    assert_eq!(exit(&output), 3);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("part 4 of 4 is missing; none of the plugins is in it"), "{said}");
}

/// Reports that were cut off or tampered with are not a way to a pass.
#[test]
fn a_report_that_lacks_a_verdict_is_noticed() {
    let folder = workspace();
    let folder = folder.path();
    host(folder, true);
    let files = judge_parts(folder, "slice", 2, "--only greet --only chatty --only off");
    let whole = fs::read_to_string(folder.join(&files[0])).expect("a report");
    let merge = |text: &str| {
        fs::write(folder.join(&files[0]), text).expect("a file");
        plugtool(folder, &format!("merge {}", files.join(" ")), &[])
    };
    for cut in [0, 1, whole.len() / 2, whole.len() - 3] {
        assert_eq!(exit(&merge(&whole[..cut])), 3, "cut at {cut}");
    }
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut report: Value = serde_json::from_str(&whole).expect("JSON");
        change(&mut report);
        merge(&report.to_string())
    };
    assert_eq!(exit(&changed(&|_| {})), 0);
    let lacking = changed(&|report| {
        report["plugins"].as_array_mut().expect("plugins").remove(0);
    });
    assert_eq!(exit(&lacking), 3, "{lacking:?}");
    assert!(String::from_utf8_lossy(&lacking.stderr).contains("no verdict on greet"));
    // A verdict is what follows from the findings, whatever is written there.
    let failed = changed(&|report| {
        report["plugins"][0]["diagnostics"] = serde_json::json!([
            {"code": "trap", "severity": "error", "message": "it trapped"}
        ]);
    });
    assert_eq!(exit(&failed), 1, "{failed:?}");
    let unjudged = changed(&|report| report["plugins"][0]["failure"] = "it broke".into());
    assert_eq!(exit(&unjudged), 3, "{unjudged:?}");
    for (field, value) in [
        ("/tool/version", "0.0.0"),
        ("/config/sha256", "0"),
        ("/schema", "plugtool.gate/1"),
        ("/worlds/0", "my:cli/plugin@0.1.0"),
        ("/partition/items/1/id", "another"),
        ("/plugins/0/id", "chatty"),
        ("/plugins/1/id", "greet"),
    ] {
        let output = changed(&|report| *report.pointer_mut(field).expect(field) = value.into());
        assert_eq!(exit(&output), 2, "{field}: {output:?}");
    }
    let twice = changed(&|report| {
        let first = report["plugins"][0].clone();
        report["plugins"].as_array_mut().expect("plugins").push(first);
    });
    assert_eq!(exit(&twice), 2, "{twice:?}");
}

/// Parts of one list that were judged by different contracts, adapters or cases are not of one gate, though
/// their `plugtool.toml` is the same to the byte.
#[test]
fn parts_that_were_judged_by_something_else_are_not_merged() {
    let folder = workspace();
    let folder = folder.path();
    let host = folder.join("host");
    let demo = folder.join("compositions/cli-host");
    let copy = |from: &str, to: &str| {
        let to = host.join(to);
        fs::create_dir_all(to.parent().expect("a folder")).expect("a folder");
        fs::copy(demo.join(from), to).expect("a copy");
    };
    let wit = fs::read_dir(demo.join("wit/v0.2")).expect("WIT").flatten();
    let wit: Vec<String> = wit
        .filter(|entry| entry.path().is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    let anew = || {
        let _ = fs::remove_dir_all(&host);
        wit.iter().for_each(|name| copy(&format!("wit/v0.2/{name}"), &format!("wit/{name}")));
        fs::create_dir_all(host.join("adapters")).expect("a folder");
        fs::write(
            host.join("smoke.toml"),
            "plugins = [\"greet\"]\nsteps = [{ invoke = 'run(\"greet\", [@note.txt])' }]\n",
        )
        .expect("a case");
        fs::write(host.join("note.txt"), "ada").expect("a note");
        fs::write(
            host.join("plugtool.toml"),
            "[host]\nwit = [\"wit\"]\nworlds = [\"my:cli/plugin@0.2.0\"]\nprovides = [\"wasi\"]\n\
             adapters = [\"adapters\"]\nsmoke = [\"smoke.toml\"]\n",
        )
        .expect("a host");
    };
    let judge = |part: usize, more: &str| {
        let plugins =
            "--plugins testdata/plugins/greet/greet.wasm --plugins testdata/plugins/trap/trap.wasm";
        let line = format!(
            "gate --host host {plugins} --partition slice:{part}/2 {more} --report json={part}.json"
        );
        let output = plugtool(folder, &line, &[]);
        assert_eq!(exit(&output), 0, "{output:?}");
    };
    let merge = || plugtool(folder, "merge 1.json 2.json", &[]);
    anew();
    judge(1, "");
    judge(2, "");
    assert_eq!(exit(&merge()), 0);
    // Words that decide nothing make no difference.
    let world = host.join("wit").join(&wit[0]);
    let text = fs::read_to_string(&world).expect("WIT");
    fs::write(&world, format!("// A comment.\n{text}")).expect("WIT");
    judge(2, "");
    assert_eq!(exit(&merge()), 0);
    let changes: [(&str, &dyn Fn()); 4] = [
        ("worlds", &|| {
            let more = text.replacen("world plugin {", "world plugin {\n  import more: func();", 1);
            assert_ne!(more, text);
            fs::write(&world, more).expect("WIT");
        }),
        ("adapters", &|| {
            let adapter = &plugins()["cli-v1-to-v2"];
            fs::copy(adapter, host.join("adapters/it.wasm")).expect("an adapter");
        }),
        ("cases", &|| {
            let file = host.join("smoke.toml");
            let text = fs::read_to_string(&file).expect("a case");
            fs::write(&file, format!("max-fuel = 100_000_000\n{text}")).expect("a case");
        }),
        ("cases", &|| fs::write(host.join("note.txt"), "bob").expect("a note")),
    ];
    for (what, change) in changes {
        anew();
        change();
        judge(2, "");
        let output = merge();
        assert_eq!(exit(&output), 2, "{what}: {output:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            said.contains(&format!("the host's {what} differ beside the same configuration")),
            "{said}"
        );
    }
    anew();
    judge(2, "--twice");
    assert_eq!(exit(&merge()), 2, "each case ran twice in one part only");
}

/// What the cases of a host are, as parts must agree on it.
fn cases(host: &Path) -> String {
    let host = plugtool::config::load(host).unwrap_or_else(|error| panic!("{error}"));
    plugtool::gate::inputs::inputs(&host)["cases"].clone()
}

/// All that decides what comes of a case and is not in its file.
#[test]
fn what_lies_beside_a_case_is_part_of_what_parts_agree_on() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("a file");
    };
    write(
        "wit.wit",
        "package a:b; world bot { import ask: func() -> string; export run: func(); }",
    );
    write(
        "plugtool.toml",
        "[host]\nwit = [\"wit.wit\"]\nworlds = [\"bot\", \"wasi:cli/command\", \"wasi:http/proxy\"]\n\
         smoke = [\"*-case.toml\"]\n",
    );
    write(
        "1-case.toml",
        "steps = [{ invoke = 'run()' }]\n[[host]]\ncall = 'ask'\nreturns = '@answer'\n",
    );
    write(
        "2-case.toml",
        "stdin-file = 'in'\nstdout-file = 'out'\nstderr-file = 'err'\ndirs = ['folder::/']\n",
    );
    write(
        "3-case.toml",
        "request = { method = 'POST', path = '/', body-file = 'asked' }\nexpect = { body-file = 'answered' }\n\
         allowed-hosts = ['*']\n[[http]]\nurl = 'http://a/'\nbody-file = 'fetched'\n",
    );
    let files =
        ["answer", "in", "out", "err", "asked", "answered", "fetched", "folder/a", "folder/b/c"];
    for name in files {
        write(name, "before");
    }
    let before = cases(folder.path());
    assert_eq!(cases(folder.path()), before);
    for name in files {
        write(name, "after");
        assert_ne!(cases(folder.path()), before, "{name}");
        write(name, "before");
    }
    let path = |name: &str| folder.path().join(name);
    fs::rename(path("folder/a"), path("folder/d")).expect("a file");
    assert_ne!(cases(folder.path()), before, "another name");
    fs::rename(path("folder/d"), path("folder/a")).expect("a file");
    fs::create_dir(path("folder/e")).expect("a folder");
    assert_ne!(cases(folder.path()), before, "an empty folder");
    fs::remove_dir(path("folder/e")).expect("a folder");
    assert_eq!(cases(folder.path()), before);
}

/// More parts than anybody has jobs are no parts: neither the memory nor the report for them is asked for.
#[test]
fn there_are_not_more_parts_than_a_limit() {
    let folder = workspace();
    let folder = folder.path();
    host(folder, true);
    let line = |part: &str| {
        format!("gate --host host --only trap --partition {part} --report json=part.json -q")
    };
    let refused = |output: &Output, words: &str| {
        assert_eq!(exit(output), 2, "{output:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(words), "{said}");
    };
    refused(
        &plugtool(folder, &line("hash:1/10001"), &[]),
        "10001 parts are too many: 10000 at most",
    );
    let job = [("JOB_COMPLETION_INDEX", "0"), ("JOB_COMPLETIONS", "300000000")];
    refused(
        &plugtool(folder, "gate --host host --only trap", &job),
        "JOB_COMPLETIONS is `300000000`, which is more than there may be parts",
    );
    assert!(exit(&plugtool(folder, &line("slice:1/10000"), &[])) <= 1);
    let whole = plugtool(folder, "merge part.json", &[]);
    assert_eq!(exit(&whole), 3, "{whole:?}");
    let mut report = json(folder, "part.json");
    assert_eq!(report["partition"]["total"], 10_000);
    report["partition"]["total"] = 300_000_000.into();
    fs::write(folder.join("part.json"), report.to_string()).expect("a report");
    refused(
        &plugtool(folder, "merge part.json", &[]),
        "it is of 300000000 parts; there are 10000 at most",
    );
}

/// The strictest that any part was judged by is what the whole is judged by.
#[test]
fn warnings_that_failed_a_part_fail_the_whole() {
    let folder = workspace();
    let folder = folder.path();
    host(folder, true);
    let only = "--only greet --only chatty";
    for (index, fail_on) in [(1, "error"), (2, "warning")] {
        let line = format!(
            "gate --host host {only} --partition slice:{index}/2 --fail-on {fail_on} --report json={index}.json"
        );
        plugtool(folder, &line, &[]);
    }
    // The unused waivers are warnings.
    assert_eq!(exit(&plugtool(folder, "merge 1.json 2.json", &[])), 1);
}

#[test]
fn a_part_is_where_it_always_was() {
    let hash = |id| part_of(Method::Hash, 3, 0, id);
    let parts: Vec<usize> = ["greet", "wordcount", "upper", "reverse", "spin"].map(hash).to_vec();
    assert_eq!(parts, [3, 2, 1, 3, 1]);
    // SHA-256 of nothing begins with e3b0c44298fc1c1.
    assert_eq!(part_of(Method::Hash, 1_000_003, 9, ""), 1 + 0xe3b_0c44_298f_c1c1 % 1_000_003);
    let slice: Vec<usize> = (0..5).map(|place| part_of(Method::Slice, 2, place, "x")).collect();
    assert_eq!(slice, [1, 2, 1, 2, 1]);
}
