//! Text that means harm, in every place where somebody may write some, through a whole gate and into every
//! report: none of it is read as anything but text.

#![allow(clippy::expect_used, clippy::panic, reason = "a test says what it needs by failing")]

#[allow(dead_code)]
mod support;
#[path = "support/xml.rs"]
mod xml;

use std::fs;
use std::process::Command;

use plugtool::render::is_hostile;
use serde_json::Value;
use support::{root, workspace};

/// A line feed and a workflow command, its escapes, the ends of XML's and HTML's and Markdown's quotations,
/// escape sequences of terminals, and characters that turn text around.
const EVIL: &str = "EVIL\n::error::EVIL\n%0A::add-mask::EVIL]]><script>EVIL</script>|`EVIL`|\u{202e}\u{1b}[31mEVIL##[group]";

/// TOML's way to write any text.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// WebAssembly text's way.
fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("\\{byte:02x}")).collect()
}

const FORMATS: [&str; 9] =
    ["text", "json", "ndjson", "sarif", "junit", "github", "github-summary", "gitlab", "markdown"];

#[test]
fn text_is_text_in_every_format() {
    let folder = workspace();
    let folder = folder.path();
    // A component whose export is no name of WIT, one that traps with what a custom section says, one that
    // says it in what it returns, one that is no component at all, under a name that is a file's too.
    let evil = escaped(EVIL);
    let file = |name: &str, text: &str| fs::write(folder.join(name), text).expect("a file");
    file(
        "section.wat",
        &format!(
            "(component (@custom \"producers\" \"\\01\\04evil{evil}\") (import \"missing\" (func)))"
        ),
    );
    file(
        "import.wat",
        "(component (import \"my:evil/evil@1.0.0\" (instance (export \"evil\" (func)))))",
    );
    file(
        "name.wat",
        &format!(
            "(component (core module $m (func (export \"{evil}\")) (import \"{evil}\" \"{evil}\" (func))))"
        ),
    );
    let says = format!(
        "(component
           (core module $m
             (memory (export \"memory\") 1)
             (data (i32.const 64) \"{evil}\")
             (func (export \"run\") (result i32)
               (i32.store (i32.const 0) (i32.const 64))
               (i32.store (i32.const 4) (i32.const {}))
               (i32.const 0)))
           (core instance $i (instantiate $m))
           (func (export \"run\") (result string)
             (canon lift (core func $i \"run\") (memory $i \"memory\"))))",
        EVIL.len()
    );
    file("says.wat", &says);
    file(EVIL.replace('/', "_").as_str(), "no component");
    let mut list = String::new();
    for name in ["section.wat", "import.wat", "name.wat", "says.wat", "nowhere\n::error::EVIL"] {
        let id = quoted(&format!("{EVIL} {name}"));
        list.push_str(&format!("[[plugins]]\nid = {id}\npath = {}\n", quoted(name)));
    }
    let path = quoted(&EVIL.replace('/', "_"));
    list.push_str(&format!("[[plugins]]\nid = {}\npath = {path}\n", quoted(EVIL)));
    file("list.toml", &list);
    file("world.wit", "package my:host@1.0.0;\nworld plugin { export run: func() -> string; }\n");
    file(
        "smoke.toml",
        &format!(
            "name = {}\nplugins = [\"*says.wat\"]\nsteps = [{{ invoke = \"run()\", expect = '\"other\"' }}]\n",
            quoted(EVIL)
        ),
    );
    file(
        "plugtool.toml",
        &format!(
            "[host]\nwit = [\"world.wit\"]\nworlds = [\"my:host/plugin\"]\nplugins = [\"list.toml\"]\n\
             smoke = [\"smoke.toml\"]\n[[waiver]]\nplugin = {0}\nsha256 = \"{1}\"\n\
             code = \"denied-import\"\nitem = {0}\nreason = {0}\nexpires = 2099-01-31\n",
            quoted(EVIL),
            "0".repeat(64)
        ),
    );
    let mut command = Command::new(env!("CARGO_BIN_EXE_plugtool"));
    command.args(["gate", "--no-cache", "-v"]).current_dir(folder);
    for format in FORMATS {
        command.arg("--report").arg(format!("{format}=out.{format}"));
    }
    let output = command.output().expect("plugtool starts");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let mut said = vec![
        ("standard output".to_owned(), String::from_utf8(output.stdout).expect("text")),
        ("standard error".to_owned(), String::from_utf8(output.stderr).expect("text")),
    ];
    for format in FORMATS {
        let text = fs::read_to_string(folder.join(format!("out.{format}"))).expect("a report");
        said.push((format.to_owned(), text));
    }
    for (what, text) in &said {
        let raw: Vec<char> = text.chars().filter(|c| *c != '\n' && is_hostile(*c)).collect();
        assert!(raw.is_empty(), "{what} has {raw:?}: {text}");
        for line in text.lines() {
            let command = line.trim_start().starts_with("::");
            assert!(!command || what == "github", "{what}: {line}");
            assert!(!line.contains("##[") && !line.contains("##vso["), "{what}: {line}");
        }
    }
    let of = |format: &str| -> &str {
        said.iter().find(|(what, _)| what == format).map(|(_, text)| text.as_str()).expect("it")
    };
    // Each plugin and each case is there, and was found fault with.
    let report: Value = serde_json::from_str(of("json")).expect("JSON");
    let plugins = report["plugins"].as_array().expect("plugins");
    assert_eq!(plugins.len(), 6);
    assert!(plugins.iter().all(|plugin| plugin["verdict"] == "fail"), "{report:#}");
    assert_eq!(plugins[5]["id"], EVIL);
    assert_eq!(plugins[3]["cases"][0]["name"], EVIL, "{report:#}");
    assert!(plugins[3].to_string().contains("smoke-mismatch"), "{report:#}");
    let got = plugins[3]["cases"][0]["calls"][0]["got"].as_str().expect("what it returned");
    assert!(got.contains("<script>EVIL"), "{got}");
    for line in of("ndjson").lines() {
        let _: Value = serde_json::from_str(line).expect("JSON");
    }
    // The runner's own reading: every line is one command that this program meant.
    for line in of("github").lines() {
        let (head, data) = line
            .strip_prefix("::")
            .and_then(|rest| rest.split_once("::"))
            .unwrap_or_else(|| panic!("no command: {line}"));
        let (name, properties) = head.split_once(' ').expect("properties");
        assert!(["error", "warning", "notice"].contains(&name), "{line}");
        for property in properties.split(',') {
            let (key, value) = property.split_once('=').expect("a property");
            assert!(["file", "line", "title"].contains(&key), "{line}");
            assert!(!value.contains([':', '\r', '\n']), "{line}");
        }
        assert!(!data.contains(['\r', '\n']), "{line}");
        let escapes = [head, data].concat();
        for (at, _) in escapes.match_indices('%') {
            let code = escapes.get(at + 1..at + 3).unwrap_or_default();
            assert!(["25", "0A", "0D", "3A", "2C"].contains(&code), "{line}");
        }
    }
    let errors = of("github").lines().filter(|line| line.starts_with("::error")).count();
    assert!((6..=10).contains(&errors), "{errors} annotations");
    let schema = |name: &str| -> String {
        fs::read_to_string(root().join("testdata/reports").join(name)).expect("a schema")
    };
    for (format, name) in
        [("sarif", "sarif-schema-2.1.0.json"), ("gitlab", "gitlab-code-quality.json")]
    {
        let schema: Value = serde_json::from_str(&schema(name)).expect("JSON");
        let validator = jsonschema::validator_for(&schema).expect("a schema");
        let value: Value = serde_json::from_str(of(format)).expect("JSON");
        if let Err(error) = validator.validate(&value) {
            panic!("{format}: {error} at {}", error.instance_path);
        }
    }
    let xsd = xml::parse(&schema("jenkins-junit.xsd")).expect("a schema");
    let junit = xml::parse(of("junit")).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(xml::complaints(&junit, &xsd), Vec::<String>::new());
    assert_eq!(junit.all().iter().filter(|element| element.name == "script").count(), 0);
    for format in ["markdown", "github-summary"] {
        let text = of(format);
        // Rows of the table: as many bars as columns have.
        let rows = text.lines().filter(|line| line.starts_with("| **FAIL**"));
        let rows: Vec<&str> = rows.collect();
        assert_eq!(rows.len(), 6, "{text}");
        assert!(rows.iter().all(|row| row.matches('|').count() == 4), "{rows:?}");
        assert!(text.len() < 1 << 20);
    }
}
