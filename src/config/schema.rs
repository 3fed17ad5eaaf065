//! The JSON schema of `imagelint.toml`, made of its structures; `docs/imagelint.schema.json` must be what is made here.

use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use super::file::{File, Level};
use super::initial::SCHEMA_URL;
use crate::rules::RULES;

/// The names of rules, each with a level.
pub(super) fn levels(generator: &mut SchemaGenerator) -> Schema {
    let level = generator.subschema_for::<Level>();
    let properties: Map<String, Value> = RULES.iter().map(|rule| (rule.name.to_owned(), json!(level))).collect();
    json_schema!({ "type": "object", "properties": properties, "additionalProperties": false })
}

/// The name of a rule.
pub(super) fn rule(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "enum": RULES.iter().map(|rule| rule.name).collect::<Vec<_>>() })
}

/// A local date of TOML, as editors see it.
pub(super) fn date(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "format": "date" })
}

fn text() -> String {
    // Of the drafts that editors for TOML know, the newest.
    let mut schema = SchemaSettings::draft07().into_generator().into_root_schema_for::<File>();
    schema.insert("$id".to_owned(), json!(SCHEMA_URL));
    serde_json::to_string_pretty(&schema).unwrap() + "\n"
}

#[test]
fn the_file_is_what_the_structures_say() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/imagelint.schema.json");
    if std::env::var_os("IMAGELINT_WRITE").is_some() {
        std::fs::write(path, text()).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(written == text(), "{path} differs: run the test with IMAGELINT_WRITE=1");
}

/// The keys that the parser knows, table by table, as its own errors list them.
#[test]
fn the_schema_has_the_keys_that_are_read() {
    let schema: Value = serde_json::from_str(&text()).unwrap();
    for (table, keys) in [
        ("", &schema["properties"]),
        ("[[ignore]]\n", &schema["definitions"]["Ignore"]["properties"]),
        ("[[image]]\n", &schema["definitions"]["Section"]["properties"]),
    ] {
        let error = toml::from_str::<File>(&format!("{table}x = 1")).unwrap_err();
        let mut read: Vec<_> = error.message().split('`').skip(3).step_by(2).collect();
        read.sort_unstable();
        let keys: Vec<_> = keys.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, read, "{table}");
    }
    assert_eq!(schema["definitions"]["Ignore"]["required"], json!(["rule", "reason"]));
}
