//! JSON Schemas of the files that a host writes, for editors: generated from the tables that they are read
//! into, so that they know no other keys than the reader.

mod smoke;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value};

use super::File;
use super::plugins::PluginFile;
use super::smoke::CaseTable;
use crate::diagnostic::Code;

/// The files that have a schema: `host` is `plugtool.toml`, `plugins` a list of plugins, `smoke` cases.
pub const FILE_SCHEMAS: &[&str] = &["host", "plugins", "smoke"];

/// The JSON Schema of a file of [`FILE_SCHEMAS`], in draft 7, which editors know; none for any other name.
pub fn file_schema(file: &str) -> Option<Value> {
    let generator = || SchemaSettings::draft07().into_generator();
    let (schema, title) = match file {
        "host" => (generator().into_root_schema_for::<File>(), "plugtool.toml: a host of plugins"),
        "plugins" => (generator().into_root_schema_for::<PluginFile>(), "a list of plugins"),
        "smoke" => (generator().into_root_schema_for::<CaseTable>(), "smoke cases"),
        _ => return None,
    };
    let mut schema = without_null(schema.to_value());
    if file == "smoke" {
        schema = smoke::one_or_several(schema);
    }
    schema["title"] = title.into();
    Some(schema)
}

/// The same without `null`, which TOML does not have: what is optional is left out.
fn without_null(schema: Value) -> Value {
    match schema {
        Value::Array(items) => Value::Array(items.into_iter().map(without_null).collect()),
        Value::Object(fields) => {
            let field = |(key, value): (String, Value)| {
                let value = match (key.as_str(), value) {
                    ("type", Value::Array(mut types)) => {
                        types.retain(|kind| kind != "null");
                        if types.len() == 1 { types.remove(0) } else { Value::Array(types) }
                    }
                    ("enum", Value::Array(mut values)) => {
                        values.retain(|value| !value.is_null());
                        Value::Array(values)
                    }
                    ("anyOf", Value::Array(mut choices)) => {
                        choices.retain(|choice| choice["type"] != "null");
                        without_null(Value::Array(choices))
                    }
                    (_, value) => without_null(value),
                };
                (key, value)
            };
            let kept =
                fields.into_iter().filter(|(key, value)| key != "default" || !value.is_null());
            Value::Object(kept.map(field).collect::<Map<_, _>>())
        }
        plain => plain,
    }
}

/// Keys that do not stand beside others, as the `dependencies` of a table: each with the others.
pub fn apart(keys: &[(&str, &[&str])]) -> Value {
    let keys = keys.iter().map(|(key, others)| ((*key).to_owned(), without(others)));
    Value::Object(keys.collect())
}

/// A table in which these keys are not.
fn without(keys: &[&str]) -> Value {
    let keys = keys.iter().map(|key| ((*key).to_owned(), Value::Bool(false)));
    serde_json::json!({ "properties": Map::from_iter(keys) })
}

/// A value of a form.
macro_rules! forms {
    ($($name:ident $form:tt)*) => {
        $(
            /// Stands for a value of this form in the tables.
            pub enum $name {}

            impl JsonSchema for $name {
                fn inline_schema() -> bool {
                    true
                }

                fn schema_name() -> std::borrow::Cow<'static, str> {
                    stringify!($name).into()
                }

                fn json_schema(_: &mut SchemaGenerator) -> Schema {
                    json_schema!($form)
                }
            }
        )*
    };
}

forms! {
    Size {
        "type": "string",
        "pattern": "^[0-9]+\\s*(B|KiB|MiB|GiB|page|pages)?\\s*$",
        "examples": ["64KiB", "256MiB", "5 pages"],
    }
    Time {
        "type": "string",
        "pattern": "^[0-9]+\\s*(ms|s|m)\\s*$",
        "examples": ["500ms", "10s", "2m"],
    }
    Imports {
        "type": "string",
        "pattern": "^[A-Za-z0-9_.:/@+*?\\[\\]!=<>,-]+$",
        "examples": ["wasi:sockets/*", "wasi:cli/environment", "my:host/log@1.0.0"],
    }
    VersionRule { "type": "string", "enum": ["compatible", "exact"] }
    Sha256 { "type": "string", "pattern": "^[0-9a-f]{64}$" }
    Percent { "type": "string", "pattern": "^[0-9]+\\s*%$", "examples": ["10%"] }
    Method { "type": "string", "pattern": "^[^a-z\\s]+$", "examples": ["GET", "POST"] }
    Scheme { "type": "string", "enum": ["http", "https"] }
    Status { "type": "integer", "minimum": 200, "maximum": 999 }
    OneOrMore {
        "anyOf": [
            { "type": "string" },
            { "type": "array", "items": { "type": "string" }, "minItems": 1 },
        ],
    }
    TimesOrRange {
        "anyOf": [
            { "type": "integer", "minimum": 0 },
            {
                "type": "string",
                "pattern": "^\\s*[0-9]*\\s*\\.\\.\\s*[0-9]*\\s*$",
                "examples": ["1..", "..2", "1..3"],
            },
        ],
    }
    Date { "type": "string", "format": "date", "examples": ["2027-01-31"] }
}

/// A code whose findings may be weighed and waived.
pub enum Negotiable {}

impl JsonSchema for Negotiable {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Negotiable".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let codes = Code::ALL.iter().filter(|code| code.is_negotiable());
        json_schema!({ "type": "string", "enum": codes.map(|code| code.name()).collect::<Vec<_>>() })
    }
}

/// What findings weigh, by code. Those that contract and safety rest on can only be errors.
pub enum Weights {}

impl JsonSchema for Weights {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Weights".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let mut properties = Map::new();
        for code in Code::ALL {
            let weights: &[&str] = if code.is_negotiable() {
                &["error", "warning", "note", "off"]
            } else {
                &["error"]
            };
            let weight = serde_json::json!({
                "description": code.summary(),
                "type": "string",
                "enum": weights,
            });
            properties.insert(code.name().to_owned(), weight);
        }
        json_schema!({ "type": "object", "properties": properties, "additionalProperties": false })
    }
}
