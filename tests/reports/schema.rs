//! The schema of SARIF 2.1.0, from the package of a crate that has it.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::Value;

/// Where it says that it is.
const ID: &str = "https://raw.githubusercontent.com/oasis-tcs/sarif-spec/master/Schemata/sarif-schema-2.1.0.json";

/// What is wrong with `log`, by the schema.
pub fn faults(log: &Value) -> Vec<String> {
    static COMPILED: OnceLock<(Schemas, SchemaIndex)> = OnceLock::new();
    let (schemas, index) = COMPILED.get_or_init(compiled);
    schemas.validate(log, *index).err().map(|error| error.to_string()).into_iter().collect()
}

fn compiled() -> (Schemas, SchemaIndex) {
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path()).unwrap()).unwrap();
    assert_eq!(schema["$id"], ID, "the schema is another than it was");
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    compiler.enable_format_assertions();
    compiler.add_resource(ID, schema).unwrap();
    let index = compiler.compile(ID, &mut schemas).unwrap();
    (schemas, index)
}

/// The crate is there, since it is compiled; cargo knows where. Asked for the host alone, it needs no other package.
fn path() -> PathBuf {
    let cargo = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO"));
        let output = command.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let version = cargo(&["-vV"]);
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let metadata = ["metadata", "--locked", "--offline", "--format-version", "1", "--filter-platform", host];
    let metadata: Value = serde_json::from_str(&cargo(&metadata)).unwrap();
    let package = metadata["packages"].as_array().unwrap().iter().find(|package| package["name"] == "serde-sarif");
    let manifest = PathBuf::from(package.unwrap()["manifest_path"].as_str().unwrap());
    manifest.with_file_name("src").join("schema.json")
}

/// A schema that nothing offends would prove nothing.
#[test]
fn the_schema_finds_fault() {
    let sound = serde_json::json!({ "version": "2.1.0", "runs": [{ "tool": { "driver": { "name": "x" } } }] });
    assert!(faults(&sound).is_empty(), "{:?}", faults(&sound));
    let mut changes: Vec<Value> = vec![sound.clone(); 5];
    changes[0]["version"] = "2.0.0".into();
    changes[1]["runs"][0]["tool"]["driver"]["nmae"] = "x".into();
    changes[2]["runs"][0]["columnKind"] = "bytes".into();
    changes[3]["runs"][0]["results"] = serde_json::json!([{ "message": { "text": "x" }, "locations": [
        { "physicalLocation": { "artifactLocation": { "uri": "x" }, "region": { "startLine": 0 } } }] }]);
    changes[4]["runs"][0]["results"] = serde_json::json!([{ "message": { "text": "x" }, "locations": [
        { "physicalLocation": { "artifactLocation": { "uri": "a b" } } }] }]);
    for changed in changes {
        assert!(!faults(&changed).is_empty(), "{changed}");
    }
}
