//! Smoke files: whatever the reader takes, the schema takes; what one refuses for its form, so does the other.

use std::fs;
use std::path::Path;

use plugtool::config::{file_schema, read_cases};
use serde_json::Value;

use super::support::files_below;
use super::{files_of, json, keys, kind, mutations, validator};

/// Every key of a case of calls, and of what may stand above several.
const CALLS: &str = r#"
plugins = ["it"]
twice = true
host-in-order = false
host-defaults = true
mock = "mock.wat"
allowed-hosts = ["example.com"]
config = { key = "value" }
keyvalue = { store = { key = "value" } }
[[host]]
call = 'my:bot/chat#session.send'
on = "lobby"
args = '("hi", _)'
returns = ['ok(1)', 'ok(2)']
delay = "20ms"
name = "first"
[[host]]
call = 'my:bot/chat#stop'
traps = "stopped"
after = ["first"]
times = "1.."
[[host]]
call = 'my:bot/chat#leave'
forbid = true
[[http]]
method = "GET"
url = "http://example.com/*"
status = 201
headers = { accept = "text/*", x = ["1", "2"] }
body = "it"
times = 2
[[http]]
url = "http://example.com/none"
fails = "connection-refused"
[[http]]
url = "http://example.com/file"
body-file = "it.txt"
[[case]]
name = "calls"
max-fuel = 100
steps = [
  { invoke = 'run("it")', expect = 'ok(_)' },
  { invoke = 'run("no")', expect-trap = "unreachable" },
]
[case.baseline]
engine = "wasmtime 48.0.8"
compiler = "winch"
tolerance = "5%"
fuel = { it = 17 }
"#;

/// Every key of a command.
const COMMANDS: &str = r#"
[[case]]
name = "texts"
args = ["-w"]
env = { KEY = "value" }
dirs = [".::/here"]
stdin = "in"
stdout = "out"
stderr = "err"
exit-code = 3
[[case]]
name = "files"
stdin-file = "it.txt"
stdout-file = "it.txt"
stderr-file = "it.txt"
"#;

/// Every key of a request.
const REQUEST: &str = r#"
name = "asks"
request = { method = "PUT", scheme = "https", authority = "a:1", path = "/x?y", headers = { a = "b" }, body = "it" }
expect = { status = 404, headers = { a = "_" }, body-file = "it.txt" }
"#;

/// A trace of one call.
const TRACE: &str = r#"{"schema":"plugtool.host-call/0","plugin":"it","case":"again","step":1,"call":"my:bot/chat#stop","args":"()","returned":"","by":"rule"}
"#;

/// What was recorded.
const REPLAY: &str = r#"
name = "again"
steps = [{ invoke = 'run("it")' }]
replay = "trace.ndjson"
"#;

/// What the reader says of a smoke file in a folder with a text, a trace and a mock in it.
fn read(text: &str) -> Result<(), String> {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("it.txt"), "it").expect("a text");
    fs::write(folder.path().join("trace.ndjson"), TRACE).expect("a trace");
    fs::write(folder.path().join("mock.wat"), "(component)").expect("a mock");
    read_in(folder.path(), text)
}

fn read_in(folder: &Path, text: &str) -> Result<(), String> {
    let path = folder.join("smoke.toml");
    fs::write(&path, text).expect("a smoke file");
    read_cases(&path).map(drop).map_err(|error| error.to_string())
}

/// Reader and schema say the same of a file.
fn agree(text: &str, right: bool) {
    let reader = read(text);
    assert_eq!(reader.is_ok(), right, "{text}: {reader:?}");
    assert_eq!(validator("smoke").is_valid(&json(text)), right, "{text}");
}

#[test]
fn each_change_of_a_value_is_judged_as_by_the_reader() {
    let validator = validator("smoke");
    let mut said = String::new();
    for (text, least) in [(CALLS, 80), (COMMANDS, 20), (REQUEST, 15), (REPLAY, 6)] {
        assert_eq!(read(text), Ok(()), "{text}");
        let value = json(text);
        said.push_str(&value.to_string());
        let mut refused = 0;
        for (what, changed) in mutations(&value).into_iter().filter(|(_, it)| it.is_object()) {
            let text = toml::to_string(&changed).expect("TOML");
            let reader = read(&text);
            assert_eq!(validator.is_valid(&changed), reader.is_ok(), "{what}: {reader:?}\n{text}");
            refused += usize::from(reader.is_err());
        }
        assert!(refused >= least, "{refused} are refused");
    }
    for key in keys(&file_schema("smoke").expect("a schema")) {
        assert!(said.contains(&format!("{key:?}:")), "{key} is not tried");
    }
}

#[test]
fn which_keys_go_together_is_as_the_reader_says() {
    let steps = "steps = [{ invoke = 'run()' }]";
    let rule = "[[host]]\ncall = 'a:b/c#d'";
    for (text, right) in [
        (String::new(), false),
        ("name = \"none\"".to_owned(), false),
        ("steps = []".to_owned(), false),
        ("max-fuel = 1".to_owned(), false),
        (steps.to_owned(), true),
        (format!("{steps}\nargs = []"), false),
        (format!("{steps}\nrequest = {{ path = \"/\" }}"), false),
        (format!("{steps}\nexpect = {{ status = 200 }}"), false),
        ("args = []\nrequest = { path = \"/\" }".to_owned(), false),
        ("expect = { status = 200 }".to_owned(), false),
        // The host's side is for calls alone; requests of a command are always refused.
        (format!("{steps}\n{rule}"), true),
        (format!("args = []\n{rule}"), false),
        (format!("{steps}\nmock = \"mock.wat\"\n{rule}"), true),
        ("args = []\nmock = \"mock.wat\"".to_owned(), false),
        (format!("{steps}\nreplay = \"trace.ndjson\""), true),
        ("args = []\nreplay = \"trace.ndjson\"".to_owned(), false),
        (format!("{steps}\nreplay = \"trace.ndjson\"\nhost-defaults = true"), false),
        (format!("{steps}\nreplay = \"trace.ndjson\"\nmock = \"mock.wat\""), false),
        (format!("{steps}\nreplay = \"trace.ndjson\"\n{rule}"), false),
        (format!("request = {{ path = \"/\" }}\n{rule}"), false),
        ("args = []\nhost-defaults = true".to_owned(), false),
        ("args = []\nallowed-hosts = [\"a\"]".to_owned(), false),
        ("request = { path = \"/\" }\nallowed-hosts = [\"a\"]".to_owned(), true),
        // A trace is all that the host answers.
        (format!("{steps}\nreplay = \"trace.ndjson\""), true),
        (format!("{steps}\nreplay = \"trace.ndjson\"\n{rule}"), false),
        (format!("{steps}\nreplay = \"trace.ndjson\"\nhost-defaults = true"), false),
        ("args = []\nreplay = \"trace.ndjson\"".to_owned(), false),
        // One text or one file.
        ("stdin = \"\"\nstdin-file = \"it.txt\"".to_owned(), false),
        ("stdout = \"\"\nstdout-file = \"it.txt\"".to_owned(), false),
        ("stderr = \"\"\nstderr-file = \"it.txt\"".to_owned(), false),
        ("request = { path = \"/\", body = \"\", body-file = \"it.txt\" }".to_owned(), false),
        ("steps = [{ invoke = 'a()', expect = '1', expect-trap = \"it\" }]".to_owned(), false),
        ("steps = [{ expect = '1' }]".to_owned(), false),
        // One answer.
        (format!("{steps}\n{rule}\nreturns = '1'\ntraps = \"it\""), false),
        (format!("{steps}\n{rule}\nreturns = []"), false),
        (format!("{steps}\n{rule}\nforbid = true\nreturns = '1'"), false),
        (format!("{steps}\n{rule}\nforbid = true\ntimes = 1"), false),
        (format!("{steps}\n{rule}\nforbid = false\nreturns = '1'"), true),
        (format!("{steps}\n[[http]]\nurl = \"http://*\"\nstatus = 200"), true),
        (format!("{steps}\n[[http]]\nurl = \"http://*\"\nfails = \"no-such-way\""), false),
        (
            format!("{steps}\n[[http]]\nurl = \"http://*\"\nfails = \"dns-timeout\"\nstatus = 200"),
            false,
        ),
        // One case or several, which have names and no cases of their own.
        (format!("[[case]]\nname = \"a\"\n{steps}"), true),
        (format!("[[case]]\n{steps}"), false),
        (format!("name = \"a\"\n[[case]]\nname = \"a\"\n{steps}"), false),
        (format!("{steps}\n[[case]]\nname = \"a\"\n{steps}"), false),
        (format!("args = []\n[[case]]\nname = \"a\"\n{steps}"), false),
        (format!("max-fuel = 1\n[[case]]\nname = \"a\"\n{steps}"), false),
        (format!("{rule}\n[[case]]\nname = \"a\"\n{steps}"), true),
        ("[[case]]\nname = \"a\"".to_owned(), false),
        (format!("[[case]]\nname = \"a\"\n{steps}\n[[case.case]]\nname = \"b\"\n{steps}"), false),
    ] {
        agree(&text, right);
    }
}

#[test]
fn values_have_the_forms_of_the_reader() {
    let rule = |more: &str| {
        format!("steps = [{{ invoke = 'run()' }}]\n[[host]]\ncall = 'a:b/c#d'\n{more}")
    };
    let baseline = |more: &str| {
        format!(
            "steps = [{{ invoke = 'run()' }}]\nbaseline = {{ engine = \"e\", fuel = {{}}, {more} }}"
        )
    };
    let request = |more: &str| format!("request = {{ path = \"/\", {more} }}");
    for (text, right) in [
        (rule("times = 0"), true),
        (rule("times = -1"), false),
        (rule("times = \"1..\""), true),
        (rule("times = \"..2\""), true),
        (rule("times = \"1-2\""), false),
        (rule("delay = \"1s\""), true),
        (rule("delay = \"1\""), false),
        (baseline("tolerance = \"10%\""), true),
        (baseline("tolerance = \"10\""), false),
        (baseline("compiler = \"gcc\""), false),
        (request("method = \"PATCH\""), true),
        (request("method = \"get\""), false),
        (request("scheme = \"ftp\""), false),
        ("request = { path = \"x\" }".to_owned(), false),
        ("args = []\nexit-code = 255".to_owned(), true),
        ("args = []\nexit-code = 256".to_owned(), false),
        ("args = []\ndirs = [\"here\"]".to_owned(), false),
        (format!("{}\nexpect = {{ status = 99 }}", request("")), false),
        (format!("{}\nexpect = {{ status = 999 }}", request("")), true),
        (format!("{}\nexpect = {{ status = 1000 }}", request("")), false),
    ] {
        agree(&text, right);
    }
}

/// The schema is never stricter than the reader: an editor does not mark what is right.
#[test]
fn what_the_reader_takes_of_cases_the_schema_takes() {
    let validator = validator("smoke");
    let mut seen = 0;
    for path in files_below("testdata", "case") {
        let case = fs::read_to_string(&path).expect("a case");
        let folder = tempfile::tempdir().expect("a folder");
        let files = files_of(&case);
        for (name, text) in &files {
            let place = folder.path().join(name);
            fs::create_dir_all(place.parent().expect("a folder")).expect("a folder");
            fs::write(place, text).expect("a file");
        }
        for (name, text) in files.iter().filter(|(_, text)| kind(text) == Some("smoke")) {
            if read_cases(&folder.path().join(name)).is_ok() {
                seen += 1;
                let value: Value = json(text);
                if let Err(error) = validator.validate(&value) {
                    panic!("{}: {name}: {error} at {}", path.display(), error.instance_path);
                }
            }
        }
    }
    assert!(seen >= 50, "{seen} smoke files");
}
