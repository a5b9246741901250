//! What the commands write under `--format json` is what their schemas say.

#![allow(clippy::expect_used, clippy::panic, reason = "a test says what it needs by failing")]

#[allow(dead_code)]
mod support;

use std::fs;

use plugtool::diagnostic::{SCHEMAS, schema};
use serde_json::Value;
use support::{Case, files_below};

fn schema_of(command: &str) -> Value {
    serde_json::to_value(schema(command).expect("a schema")).expect("JSON")
}

/// The JSON answers in all cases: their schema field, and the answer.
fn answers() -> Vec<(String, Value)> {
    let mut answers = Vec::new();
    for path in
        [files_below("testdata/cli", "case"), files_below("testdata/codes", "case")].concat()
    {
        let case = Case::parse(&fs::read_to_string(&path).expect("a case")).expect("a case");
        for (line, outcome) in case.commands() {
            // NDJSON is several answers, a line each.
            let texts: Vec<&str> = if line.contains("ndjson=-") || line.contains("--trace -") {
                outcome.stdout.lines().collect()
            } else if line.contains("--format json") || line.contains(" json=-") {
                vec![&outcome.stdout]
            } else {
                continue;
            };
            for text in texts.into_iter().filter(|text| !text.is_empty()) {
                let json: Value = serde_json::from_str(text)
                    .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                let name = json["schema"].as_str().expect("a schema field").to_owned();
                answers.push((name, json));
            }
        }
    }
    answers
}

#[test]
fn every_answer_in_the_cases_is_as_its_schema_says() {
    let answers = answers();
    for command in SCHEMAS {
        let schema = schema_of(command);
        let validator = jsonschema::validator_for(&schema).expect("a valid schema");
        let name = format!("plugtool.{command}/0");
        let of_command: Vec<&Value> =
            answers.iter().filter(|(schema, _)| *schema == name).map(|(_, json)| json).collect();
        assert!(!of_command.is_empty(), "no case shows the JSON of {command}");
        for answer in of_command {
            if let Err(error) = validator.validate(answer) {
                panic!("{command}: {error} at {}", error.instance_path);
            }
        }
    }
}

/// The schemas are tight enough to notice: an answer without any one of its top-level fields that
/// are always there is refused.
#[test]
fn a_missing_field_is_noticed() {
    let answers = answers();
    for command in SCHEMAS {
        let schema = schema_of(command);
        let validator = jsonschema::validator_for(&schema).expect("a valid schema");
        let name = format!("plugtool.{command}/0");
        let (_, answer) = answers.iter().find(|(schema, _)| *schema == name).expect("an answer");
        let required = schema["required"].as_array().expect("required fields");
        assert!(required.len() >= 3, "{command}: {required:?}");
        for field in required {
            let mut broken = answer.clone();
            broken.as_object_mut().expect("an object").remove(field.as_str().expect("a name"));
            assert!(!validator.is_valid(&broken), "{command} without {field}");
        }
    }
}

/// Every field is described: the schema is documentation too.
#[test]
fn every_field_is_described() {
    fn walk(at: &str, schema: &Value) {
        if let Some(fields) = schema["properties"].as_object() {
            for (name, field) in fields {
                let described = field["description"].is_string() || field["$ref"].is_string();
                assert!(described, "{at}.{name} has no description");
                walk(&format!("{at}.{name}"), field);
            }
        }
        if let Some(definitions) = schema["$defs"].as_object() {
            for (name, definition) in definitions {
                walk(name, definition);
            }
        }
    }
    for command in SCHEMAS {
        walk(command, &schema_of(command));
    }
}
