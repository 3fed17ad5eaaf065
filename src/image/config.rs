//! The configuration document: from JSON to [`Configuration`], diff ids and history.
//!
//! Read field by field rather than through `oci-spec`'s type, which knows neither Docker's fields (`Healthcheck`,
//! `Shell`) nor the tolerance of Go's `encoding/json` that all engines share: keys match in any case, `null` is the
//! empty value. And an error can name the field.

use std::collections::BTreeMap;

use oci_spec::image::Digest;
use serde_json::{Map, Value};

use super::{Configuration, Healthcheck, History, Platform, Record, document};
use crate::error::{Error, Result};

/// What the document says.
#[derive(Debug)]
pub(crate) struct Document {
    pub configuration: Configuration,
    pub os: String,
    pub architecture: String,
    pub variant: String,
    pub diff_ids: Vec<Digest>,
    pub history: Vec<History>,
}

impl Document {
    /// Parses it; `reading` names it in errors.
    pub fn parse(bytes: &[u8], reading: &str) -> Result<Self> {
        let value = document::value(bytes, reading)?;
        let root = Object::new(&value, "", reading)?;
        let rootfs = root.object("rootfs")?;
        Ok(Document {
            configuration: configuration(&root.object("config")?)?,
            os: root.text("os")?,
            architecture: root.text("architecture")?,
            variant: root.text("variant")?,
            diff_ids: diff_ids(&rootfs)?,
            history: history(&root)?,
        })
    }

    /// Its platform; what it leaves out is taken from `index`, the platform in the index, and then from the host, as
    /// engines do for the configurations of the time before there was a choice.
    pub fn platform(&self, index: Option<&Platform>) -> Platform {
        let host = Platform::host();
        let fallback = index.unwrap_or(&host);
        let os = if self.os.is_empty() { &fallback.os } else { &self.os };
        if self.architecture.is_empty() {
            return Platform::new(os, &fallback.architecture, fallback.variant.as_deref());
        }
        let own = Platform::new(os, &self.architecture, Some(&self.variant));
        match index {
            Some(index) if self.variant.is_empty() && index.architecture == own.architecture => {
                Platform::new(os, &own.architecture, index.variant.as_deref())
            }
            _ => own,
        }
    }

    /// The platform for which engines choose the image, and its own if that is another.
    ///
    /// Of an index Docker, Podman and containerd look at nothing else than the descriptors; when the image runs, the
    /// first two warn of a configuration that says otherwise (measured: Docker 20.10, Podman 4.3, containerd 1.6).
    pub fn platforms(&self, index: Option<&Platform>) -> (Platform, Option<Platform>) {
        let own = self.platform(index);
        match index {
            // A variant is often in one of the two only.
            Some(index) if index.variant.is_some() || !own.is_variant_of(index) => {
                (index.clone(), Some(own).filter(|own| own != index))
            }
            _ => (own, None),
        }
    }

    /// `created_by` for each of `layers` layers; none at all if the history counts otherwise.
    pub fn created_by(&self, layers: usize) -> Vec<Option<String>> {
        let told = self.history.iter().filter(|entry| !entry.is_empty_layer);
        let told = told.map(|entry| Some(entry.created_by.clone()).filter(|text| !text.is_empty()));
        let told: Vec<_> = told.collect();
        if told.len() == layers { told } else { vec![None; layers] }
    }

    /// What the image says of its making.
    pub fn record(&self, annotations: BTreeMap<String, String>) -> Record {
        let diff_ids = self.diff_ids.iter().map(ToString::to_string).collect();
        Record { history: self.history.clone(), diff_ids, annotations, provenance: None }
    }
}

/// What Go decodes a field into.
#[derive(Clone, Copy)]
enum Type {
    Text,
    Flag,
    Integer,
    Texts,
    /// `map[string]string`
    TextByName,
    /// `map[string]struct{}`
    Set,
}

/// The fields that decide nothing here: moby `api/types/container/config.go`, which has those of the image
/// specification among them. A wrong type in any fails the whole document.
const CONFIG: [(&str, Type); 18] = [
    ("Hostname", Type::Text),
    ("Domainname", Type::Text),
    ("AttachStdin", Type::Flag),
    ("AttachStdout", Type::Flag),
    ("AttachStderr", Type::Flag),
    ("ExposedPorts", Type::Set),
    ("Tty", Type::Flag),
    ("OpenStdin", Type::Flag),
    ("StdinOnce", Type::Flag),
    ("ArgsEscaped", Type::Flag),
    ("Image", Type::Text),
    ("Volumes", Type::Set),
    ("NetworkDisabled", Type::Flag),
    ("MacAddress", Type::Text),
    ("OnBuild", Type::Texts),
    ("Labels", Type::TextByName),
    ("StopTimeout", Type::Integer),
    ("Shell", Type::Texts),
];
const HEALTHCHECK: [(&str, Type); 5] = [
    ("Interval", Type::Integer),
    ("Timeout", Type::Integer),
    ("StartPeriod", Type::Integer),
    ("StartInterval", Type::Integer),
    ("Retries", Type::Integer),
];

fn configuration(config: &Object<'_>) -> Result<Configuration> {
    config.check(&CONFIG)?;
    config.object("Healthcheck")?.check(&HEALTHCHECK)?;
    let stop_signal = config.text("StopSignal")?;
    Ok(Configuration {
        entrypoint: config.texts("Entrypoint")?,
        cmd: config.texts("Cmd")?,
        env: config.texts("Env")?,
        user: config.text("User")?,
        working_dir: config.text("WorkingDir")?,
        stop_signal: Some(stop_signal).filter(|s| !s.is_empty()),
        shell: config.texts("Shell")?,
        healthcheck: healthcheck(&config.object("Healthcheck")?.texts("Test")?),
        volumes: config.object("Volumes")?.keys(),
        labels: config.object("Labels")?.texts_by_name(),
        on_build: config.texts("OnBuild")?,
    })
}

/// docker/docker-image-spec v1.2, *Healthcheck*: an empty test inherits, which in an image means there is none.
fn healthcheck(test: &[String]) -> Option<Healthcheck> {
    match test.split_first()? {
        (kind, _) if kind == "NONE" => Some(Healthcheck::None),
        (kind, argv) if kind == "CMD" => Some(Healthcheck::Exec(argv.to_vec())),
        (kind, [text, ..]) if kind == "CMD-SHELL" => Some(Healthcheck::Shell(text.clone())),
        _ => None,
    }
}

fn diff_ids(rootfs: &Object<'_>) -> Result<Vec<Digest>> {
    let parse = |text: &String| {
        text.parse().map_err(|_| Error::new(rootfs.reading, format!("`{text}` in `rootfs.diff_ids` is not a digest")))
    };
    rootfs.texts("diff_ids")?.iter().map(parse).collect()
}

fn history(root: &Object<'_>) -> Result<Vec<History>> {
    let entry = |entry: &Value| {
        let entry = Object::new(entry, "history[].", root.reading)?;
        Ok(History {
            created_by: entry.text("created_by")?,
            author: entry.text("author")?,
            comment: entry.text("comment")?,
            is_empty_layer: entry.flag("empty_layer")?,
        })
    };
    root.array("history")?.iter().map(entry).collect()
}

/// A JSON object read as Go's `encoding/json` reads it into a structure.
struct Object<'a> {
    fields: Option<&'a Map<String, Value>>,
    /// Where it is, ending in a dot unless at the root: `config.`.
    path: String,
    reading: &'a str,
}

impl<'a> Object<'a> {
    fn new(value: &'a Value, path: &str, reading: &'a str) -> Result<Self> {
        let fields = match value {
            Value::Null => None,
            Value::Object(fields) => Some(fields),
            other => return Err(wrong(reading, path.trim_end_matches('.'), "an object", other)),
        };
        Ok(Object { fields, path: path.to_owned(), reading })
    }

    /// The exact key, or else one that differs in case only.
    fn get(&self, key: &str) -> &'a Value {
        let fold = |fields: &'a Map<String, Value>| fields.iter().find(|(k, _)| k.eq_ignore_ascii_case(key));
        let found = self.fields.and_then(|fields| fields.get(key).or_else(|| fold(fields).map(|(_, value)| value)));
        found.unwrap_or(&Value::Null)
    }

    fn wrong(&self, key: &str, expected: &str, found: &Value) -> Error {
        wrong(self.reading, &format!("{}{key}", self.path), expected, found)
    }

    fn object(&self, key: &str) -> Result<Object<'a>> {
        Object::new(self.get(key), &format!("{}{key}.", self.path), self.reading)
    }

    fn text(&self, key: &str) -> Result<String> {
        match self.get(key) {
            Value::Null => Ok(String::new()),
            Value::String(text) => Ok(text.clone()),
            other => Err(self.wrong(key, "a string", other)),
        }
    }

    fn flag(&self, key: &str) -> Result<bool> {
        match self.get(key) {
            Value::Null => Ok(false),
            Value::Bool(flag) => Ok(*flag),
            other => Err(self.wrong(key, "true or false", other)),
        }
    }

    fn check(&self, types: &[(&str, Type)]) -> Result<()> {
        types.iter().try_for_each(|(key, expected)| match expected {
            Type::Text => self.text(key).map(drop),
            Type::Flag => self.flag(key).map(drop),
            Type::Texts => self.texts(key).map(drop),
            Type::Integer => self.integer(key),
            Type::TextByName => self.values(key, "an object of strings", Value::is_string),
            Type::Set => self.values(key, "an object of empty objects", Value::is_object),
        })
    }

    /// Go takes neither fractions nor exponents for an `int64`, and serde_json neither.
    fn integer(&self, key: &str) -> Result<()> {
        match self.get(key) {
            Value::Null => Ok(()),
            Value::Number(number) if number.is_i64() => Ok(()),
            other => Err(self.wrong(key, "an integer of 64 bits", other)),
        }
    }

    fn values(&self, key: &str, expected: &str, is_right: fn(&Value) -> bool) -> Result<()> {
        let fields = self.object(key)?.fields;
        let wrong = fields.and_then(|fields| fields.values().find(|value| !value.is_null() && !is_right(value)));
        wrong.map_or(Ok(()), |wrong| Err(self.wrong(key, expected, wrong)))
    }

    fn array(&self, key: &str) -> Result<&'a [Value]> {
        match self.get(key) {
            Value::Null => Ok(&[]),
            Value::Array(items) => Ok(items),
            other => Err(self.wrong(key, "an array", other)),
        }
    }

    fn texts(&self, key: &str) -> Result<Vec<String>> {
        let text = |item: &Value| match item {
            Value::Null => Ok(String::new()),
            Value::String(text) => Ok(text.clone()),
            other => Err(self.wrong(key, "an array of strings", other)),
        };
        match self.get(key) {
            Value::Null => Ok(Vec::new()),
            Value::Array(items) => items.iter().map(text).collect(),
            other => Err(self.wrong(key, "an array of strings", other)),
        }
    }

    /// The values that are strings; `null` is the empty one.
    fn texts_by_name(&self) -> BTreeMap<String, String> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        self.fields.into_iter().flatten().map(|(name, value)| (name.clone(), text(value))).collect()
    }

    fn keys(&self) -> Vec<String> {
        self.fields.map(|fields| fields.keys().cloned().collect()).unwrap_or_default()
    }
}

fn wrong(reading: &str, field: &str, expected: &str, found: &Value) -> Error {
    let found = match found {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    };
    let field = if field.is_empty() { "the document".to_owned() } else { format!("`{field}`") };
    Error::new(reading, format!("{field} must be {expected}, and holds {found}"))
        .help("engines refuse this image: build it again, or correct what wrote its configuration")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<Document> {
        Document::parse(json.as_bytes(), "configuration")
    }

    #[test]
    fn null_absent_and_other_case_are_as_in_go() {
        let json = r#"{"os":"linux","architecture":"arm64","config":{"Entrypoint":null,"cmd":["a",null],
            "Volumes":{"/v":{},"/w":null},"Labels":{"a":null,"b":""},"ArgsEscaped":null,
            "Healthcheck":{"Test":["CMD-SHELL","x"],"Retries":3,"Interval":-1,"StartInterval":null},"Shell":["/bin/ash","-c"]}}"#;
        let c = parse(json).map(|d| d.configuration).unwrap_or_default();
        assert_eq!(c.entrypoint, Vec::<String>::new());
        assert_eq!(c.cmd, ["a", ""]);
        assert_eq!(c.volumes, ["/v", "/w"]);
        assert_eq!(c.healthcheck, Some(Healthcheck::Shell("x".into())));
        assert_eq!(c.shell, ["/bin/ash", "-c"]);
        assert_eq!(c.labels, [("a", ""), ("b", "")].map(|(k, v)| (k.to_owned(), v.to_owned())).into());
    }

    #[test]
    fn wrong_types_are_named() {
        for (json, field) in [
            (r#"{"config":{"Cmd":"a"}}"#, "config.Cmd"),
            (r#"{"config":{"Env":[1]}}"#, "config.Env"),
            (r#"{"config":[]}"#, "config"),
            (r#"{"config":{"User":0}}"#, "config.User"),
            (r#"{"config":{"Healthcheck":{"Test":{}}}}"#, "config.Healthcheck.Test"),
            (r#"{"rootfs":{"diff_ids":["sha256:../../etc"]}}"#, "rootfs.diff_ids"),
            (r#"{"os":1}"#, "os"),
            (r#"{"config":{"Labels":5}}"#, "config.Labels"),
            (r#"{"config":{"Labels":{"a":1}}}"#, "config.Labels"),
            (r#"{"config":{"ExposedPorts":[1]}}"#, "config.ExposedPorts"),
            (r#"{"config":{"Volumes":{"/v":5}}}"#, "config.Volumes"),
            (r#"{"config":{"OnBuild":"RUN x"}}"#, "config.OnBuild"),
            (r#"{"config":{"ArgsEscaped":"yes"}}"#, "config.ArgsEscaped"),
            (r#"{"config":{"Hostname":1}}"#, "config.Hostname"),
            (r#"{"config":{"Domainname":[]}}"#, "config.Domainname"),
            (r#"{"config":{"StopTimeout":"10"}}"#, "config.StopTimeout"),
            (r#"{"config":{"Healthcheck":{"Interval":1e30}}}"#, "config.Healthcheck.Interval"),
            (r#"{"config":{"Healthcheck":{"Retries":1.5}}}"#, "config.Healthcheck.Retries"),
            (r#"{"history":[{"empty_layer":"yes"}]}"#, "history[].empty_layer"),
            ("[]", "the document"),
            ("", "not valid JSON"),
        ] {
            let message = parse(json).err().map(|e| e.to_string()).unwrap_or_default();
            assert!(message.contains(field), "{json}: {message}");
        }
    }

    #[test]
    fn deep_nesting_ends_in_an_error() {
        assert!(parse(&"[".repeat(1 << 20)).is_err());
    }

    #[test]
    fn history_without_empty_layers_is_aligned() {
        let json = r#"{"history":[{"created_by":"FROM"},{"created_by":"ENV","empty_layer":true},{}]}"#;
        let document = parse(json).ok();
        let created_by = |layers| document.as_ref().map(|d| d.created_by(layers));
        assert_eq!(created_by(2), Some(vec![Some("FROM".into()), None]));
        assert_eq!(created_by(3), Some(vec![None, None, None]));
    }

    #[test]
    fn the_index_completes_the_platform() {
        let arm = Platform::new("linux", "arm", Some("v6"));
        let document = parse(r#"{"os":"linux","architecture":"arm"}"#).ok();
        assert_eq!(document.map(|d| d.platform(Some(&arm)).to_string()).as_deref(), Some("linux/arm/v6"));
    }
}
