//! The JSON Schemas of the files that a host writes: they are current, every file in the repository is as they
//! say, and what the reader refuses for its form they refuse too.

#![allow(clippy::expect_used, clippy::panic, reason = "a test says what it needs by failing")]

#[path = "config_schema/smoke.rs"]
mod smoke;
#[allow(dead_code)]
mod support;

use std::fs;
use std::path::{Path, PathBuf};

use jsonschema::Validator;
use plugtool::config::{self, FILE_SCHEMAS, file_schema};
use plugtool::diagnostic::Code;
use serde_json::Value;
use support::{bless, execute, files_below, root};

fn validator(name: &str) -> Validator {
    jsonschema::validator_for(&file_schema(name).expect("a schema")).expect("a valid schema")
}

/// TOML as JSON, in the way of TOML's language servers: dates are text.
fn json(text: &str) -> Value {
    fn of(value: toml::Value) -> Value {
        match value {
            toml::Value::Datetime(date) => Value::String(date.to_string()),
            toml::Value::Array(items) => Value::Array(items.into_iter().map(of).collect()),
            toml::Value::Table(table) => {
                Value::Object(table.into_iter().map(|(key, value)| (key, of(value))).collect())
            }
            plain => serde_json::to_value(plain).expect("a value"),
        }
    }
    of(toml::Value::Table(toml::from_str(text).expect("TOML")))
}

/// The files of a case, with what is in them.
fn files_of(case: &str) -> Vec<(&str, String)> {
    let files = case.split("\nfile: ").skip(1).map(|block| {
        let (name, rest) = block.split_once('\n').unwrap_or((block, ""));
        let lines = rest.lines().take_while(|line| line.starts_with("    ") || line.is_empty());
        let lines: Vec<&str> = lines.map(|line| line.strip_prefix("    ").unwrap_or("")).collect();
        (name, lines.join("\n"))
    });
    files.collect()
}

/// The schema that a file is to be as; none where it is none of those that have one.
fn kind(text: &str) -> Option<&'static str> {
    let table: toml::Table = toml::from_str(text).ok()?;
    let host = table.get("host").is_some_and(|host| host.get("wit").is_some());
    let list = table.get("plugins").and_then(|it| it.as_array()).and_then(|it| it.first());
    let list = list.is_some_and(toml::Value::is_table);
    let smoke = ["steps", "case", "args", "request"].iter().any(|key| table.contains_key(*key));
    [(host, "host"), (list, "plugins"), (smoke, "smoke")]
        .iter()
        .find_map(|(is, name)| is.then_some(*name))
}

/// Every file in the repository that has a schema, and those that stand in cases.
fn files() -> Vec<(&'static str, PathBuf, String)> {
    let mut texts: Vec<(PathBuf, String)> = Vec::new();
    for path in [files_below("compositions", "toml"), files_below("testdata", "toml")].concat() {
        let text = fs::read_to_string(&path).expect("a file");
        texts.push((path, text));
    }
    // Of each case, the files that are right: those that a command does not refuse.
    for path in files_below("testdata/codes", "case") {
        let text = fs::read_to_string(&path).expect("a case");
        let files = files_of(&text).into_iter().filter(|(name, _)| name.ends_with(".toml"));
        texts.extend(files.map(|(name, text)| (path.join(name), text)));
    }
    let kinds = texts.into_iter().filter_map(|(path, text)| Some((kind(&text)?, path, text)));
    kinds.collect()
}

#[test]
fn the_committed_schemas_are_current() {
    for name in FILE_SCHEMAS {
        let path = root().join(format!("src/config/schema/{name}.json"));
        let current = format!("{:#}\n", file_schema(name).expect("a schema"));
        if bless() {
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(&path, &current).expect("a schema");
        }
        let committed = fs::read_to_string(&path).unwrap_or_default();
        assert!(committed == current, "{} is not current; BLESS=1 rewrites it", path.display());
        let printed = execute(&format!("plugtool explain --schema {name}"), root());
        assert_eq!(printed.exit, "0", "{}", printed.stderr);
        assert!(printed.stdout == current, "{name}: explain prints another one");
    }
}

#[test]
fn every_file_is_as_its_schema_says() {
    for name in FILE_SCHEMAS {
        let validator = validator(name);
        let mut seen = 0;
        for (_, path, text) in files().iter().filter(|(kind, ..)| kind == name) {
            seen += 1;
            if let Err(error) = validator.validate(&json(text)) {
                panic!("{}: {error} at {}", path.display(), error.instance_path);
            }
        }
        assert!(seen >= 8, "{name}: {seen} files");
    }
}

/// Every table and every value of a host in which everything is said.
const FULL: &str = r#"
[host]
wit = ["wit"]
worlds = ["my:cli/plugin@0.2.0"]
features = ["next"]
provides = ["wasi"]
adapters = ["adapters"]
adapt-modules = true
plugins = ["plugin.toml"]
smoke = ["smoke/*.toml"]
[policy]
allow-imports = ["wasi:*"]
deny-imports = ["wasi:sockets/*"]
stub-imports = ["wasi:filesystem/*"]
max-bytes = "8MiB"
versions = "compatible"
require-sandbox = true
[policy.versions-of]
"wasi:*" = "exact"
[severity]
newer-than-host = "error"
[[waiver]]
plugin = "legacy"
sha256 = "49b1663bb7fb90792f35745ae1a6ea3336484da61ea64f8d62e29284b32b99d0"
code = "denied-import"
item = "wasi:sockets/tcp"
reason = "kept until the 2.0 host"
expires = 2027-01-31
[limits]
memory = "5 pages"
init-fuel = 1
fuel = 1
timeout = "500ms"
compile-timeout = "1m"
output = "64KiB"
table-elements = 1
instances = 1
handles = 1
transfer = "1"
stack = "512KiB"
compiler = "auto"
"#;

const LIST: &str = "[[plugins]]\nid = \"it\"\npath = \"it.wasm\"\nenabled = false\n";

/// Every way to change one value: another type, an unknown key beside it, its absence where `required`.
fn mutations(value: &Value) -> Vec<(String, Value)> {
    fn walk(at: &str, value: &Value, all: &Value, found: &mut Vec<(String, Value)>) {
        let mut put = |what: &str, new: Value| {
            let mut changed = all.clone();
            *changed.pointer_mut(at).expect("a place") = new;
            found.push((format!("{at}: {what}"), changed));
        };
        match value {
            Value::Object(fields) => {
                let mut more = fields.clone();
                more.insert("no-such-key".to_owned(), 1.into());
                put("an unknown key", Value::Object(more));
                put("a text for a table", "text".into());
                for (key, field) in fields {
                    let key = key.replace('~', "~0").replace('/', "~1");
                    walk(&format!("{at}/{key}"), field, all, found);
                }
            }
            Value::Array(items) => {
                put("a text for a list", "text".into());
                put("a number in a list", serde_json::json!([17]));
                for (index, item) in items.iter().enumerate().filter(|(_, item)| item.is_object()) {
                    walk(&format!("{at}/{index}"), item, all, found);
                }
            }
            Value::String(_) => put("a number for a text", 17.into()),
            _ => put("a text for something else", "text".into()),
        }
    }
    let mut found = Vec::new();
    walk("", value, value, &mut found);
    found
}

#[test]
fn what_is_wrong_is_refused() {
    for (name, text, least) in [("host", FULL, 55), ("plugins", LIST, 6)] {
        let validator = validator(name);
        let value = json(text);
        assert!(validator.is_valid(&value), "{name}");
        let mutations = mutations(&value);
        assert!(mutations.len() >= least, "{name}: {}", mutations.len());
        for (what, changed) in mutations {
            assert!(!validator.is_valid(&changed), "{name}: {what} is let through");
        }
        // Nothing that the schema knows was left out of that text.
        let said = value.to_string();
        for key in keys(&file_schema(name).expect("a schema")) {
            assert!(said.contains(&format!("{key:?}:")), "{name}: {key} is not tried");
        }
        let mut without = value.clone();
        let required: &[&str] = if name == "host" {
            &["/host/wit", "/host/worlds"]
        } else {
            &["/plugins/0/id", "/plugins/0/path"]
        };
        for place in required {
            let (parent, key) = place.rsplit_once('/').expect("a parent");
            let table = without.pointer_mut(parent).and_then(Value::as_object_mut);
            let taken = table.expect("a table").remove(key).expect("a key");
            assert!(!validator.is_valid(&without), "{name} without {place}");
            let table = without.pointer_mut(parent).and_then(Value::as_object_mut);
            table.expect("a table").insert(key.to_owned(), taken);
        }
    }
}

/// The keys of all tables but that of severities, which are codes.
fn keys(schema: &Value) -> Vec<String> {
    let definitions = schema["definitions"].as_object().into_iter().flatten();
    let tables = definitions.filter(|(name, _)| *name != "Weights").map(|(_, table)| table);
    let tables = tables.chain([schema]);
    tables
        .flat_map(|it| it["properties"].as_object().into_iter().flatten())
        .map(|(key, _)| key.clone())
        .collect()
}

/// Texts of the wrong form, each of which the reader refuses too.
#[test]
fn forms_and_names_are_those_of_the_reader() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("wit")).expect("a folder");
    let wit = "package my:host@1.0.0;\nworld plugin {}\n";
    fs::write(folder.path().join("wit/world.wit"), wit).expect("WIT");
    let validator = validator("host");
    let agree = |more: &str, right: bool| {
        let text = format!("[host]\nwit = [\"wit\"]\nworlds = [\"my:host/plugin\"]\n{more}\n");
        let path = folder.path().join("plugtool.toml");
        fs::write(&path, &text).expect("a host");
        let read = config::load(Path::new(&path)).map(drop).map_err(|error| error.to_string());
        assert_eq!(read.is_ok(), right, "{more}: {read:?}");
        assert_eq!(validator.is_valid(&json(&text)), right, "{more}");
    };
    let waiver = |sha256: &str, code: &str, expires: &str| {
        format!(
            "[[waiver]]\nplugin = \"a\"\nsha256 = \"{sha256}\"\ncode = \"{code}\"\nreason = \"r\"\nexpires = {expires}"
        )
    };
    let digest = "a".repeat(64);
    for (more, right) in [
        ("[limits]\nmemory = \"5 pages\"", true),
        ("[limits]\nmemory = \"1\"", true),
        ("[limits]\nmemory = \"64 megs\"", false),
        ("[limits]\nmemory = \"MiB\"", false),
        ("[limits]\nmemory = 64", false),
        ("[limits]\nfuel = -1", false),
        ("[limits]\ntimeout = \"2m\"", true),
        ("[limits]\ntimeout = \"10\"", false),
        ("[limits]\ntimeout = \"1h\"", false),
        ("[limits]\ncompiler = \"winch\"", true),
        ("[limits]\ncompiler = \"gcc\"", false),
        ("[policy]\nversions = \"exact\"", true),
        ("[policy]\nversions = \"loose\"", false),
        ("[policy.versions-of]\n\"wasi:*\" = \"loose\"", false),
        ("[policy]\ndeny-imports = [\"wasi:sockets/*\"]", true),
        ("[policy]\ndeny-imports = [\"\"]", false),
        ("[policy]\ndeny-imports = [\"wasi sockets\"]", false),
        ("[severity]\nnewer-than-host = \"off\"", true),
        ("[severity]\nnewer-than-host = \"fatal\"", false),
        ("[severity]\nno-such-code = \"error\"", false),
        ("[severity]\ntrap = \"note\"", false),
        ("[severity]\ntrap = \"error\"", true),
    ] {
        agree(more, right);
    }
    agree(&waiver(&digest, "denied-import", "2027-01-31"), true);
    agree(&waiver("abc", "denied-import", "2027-01-31"), false);
    agree(&waiver(&digest, "trap", "2027-01-31"), false);
    agree(&waiver(&digest, "denied-import", "17"), false);
    for code in Code::ALL {
        agree(&format!("[severity]\n{code} = \"warning\""), code.is_negotiable());
    }
}

#[test]
fn every_key_is_described() {
    fn walk(at: &str, schema: &Value) {
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            let whole = field.to_string();
            assert!(whole.contains("\"description\"") || field["$ref"].is_string(), "{at}.{name}");
        }
        for (name, definition) in schema["definitions"].as_object().into_iter().flatten() {
            walk(name, definition);
        }
    }
    for name in FILE_SCHEMAS {
        let schema = file_schema(name).expect("a schema");
        walk(name, &schema);
        assert!(!schema.to_string().contains("null"), "{name}: TOML has no null");
    }
}
