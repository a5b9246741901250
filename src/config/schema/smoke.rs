//! What the tables of a smoke file do not say: which of its keys go together.

use serde_json::{Map, Value, json};

/// The keys of one case alone, which do not stand above several.
const OF_ONE: &[&str] = &["name", "max-fuel", "baseline", "request", "expect"];

/// The keys of a command.
const COMMAND: &[&str] = &[
    "args",
    "env",
    "dirs",
    "stdin",
    "stdin-file",
    "stdout",
    "stdout-file",
    "stderr",
    "stderr-file",
    "exit-code",
];

/// The keys of the host's side that are no lists.
const HOST: &[&str] = &["host-in-order", "host-defaults", "config", "keyvalue", "mock", "replay"];

/// The schema of a file whose cases have cases of their own, as the one table of both says: a file is one
/// case or has several, and each case makes calls, runs a command or sends a request.
pub fn one_or_several(mut file: Value) -> Value {
    let mut case = Map::new();
    for key in ["type", "additionalProperties", "dependencies", "properties"] {
        case.insert(key.to_owned(), file[key].clone());
    }
    if let Some(properties) = case.get_mut("properties").and_then(Value::as_object_mut) {
        properties.remove("case");
    }
    case.insert("description".to_owned(), "One of several cases.".into());
    case.insert("required".to_owned(), json!(["name"]));
    case.extend(kinds());
    file["definitions"]["Case"] = Value::Object(case);
    file["properties"]["case"]["items"] = json!({ "$ref": "#/definitions/Case" });
    file["if"] = json!({ "required": ["case"], "properties": { "case": { "minItems": 1 } } });
    file["then"] = absent(&[OF_ONE, COMMAND], &["steps"]);
    file["else"] = Value::Object(kinds());
    if let Some(rule) = file["definitions"]["HostRule"].as_object_mut() {
        rule.insert(
            "if".to_owned(),
            json!({ "required": ["forbid"], "properties": { "forbid": { "const": true } } }),
        );
        rule.insert("then".to_owned(), absent(&[&["returns", "traps", "delay", "times"]], &[]));
    }
    file
}

/// What a case of each kind cannot have, and that it is of one.
fn kinds() -> Map<String, Value> {
    let any = |keys: &[&str]| {
        let each: Vec<Value> = keys.iter().map(|key| json!({ "required": [key] })).collect();
        json!({ "anyOf": each })
    };
    let (_, beside_replay) = HOST.split_last().unwrap_or((&"", HOST));
    let calls = json!({
        "required": ["steps"],
        "properties": { "steps": { "minItems": 1 }, "expect": false },
        // A trace answers every call of the host.
        "if": { "required": ["replay"] },
        "then": absent(&[beside_replay], &["host"]),
    });
    let request = json!({
        "if": any(&["request"]),
        "then": absent(&[HOST], &["steps", "host"]),
        "else": calls,
    });
    let command =
        absent(&[HOST, &["request", "expect"]], &["steps", "host", "http", "allowed-hosts"]);
    [("if", any(COMMAND)), ("then", command), ("else", request)]
        .map(|(key, schema)| (key.to_owned(), schema))
        .into_iter()
        .collect()
}

/// A table without these keys, and with nothing in these lists.
fn absent(keys: &[&[&str]], lists: &[&str]) -> Value {
    let keys = keys.iter().copied().flatten().map(|key| ((*key).to_owned(), Value::Bool(false)));
    let lists = lists.iter().map(|key| ((*key).to_owned(), json!({ "maxItems": 0 })));
    json!({ "properties": keys.chain(lists).collect::<Map<_, _>>() })
}
