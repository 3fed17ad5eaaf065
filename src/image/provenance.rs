//! What a builder attests of a build: BuildKit's provenance, an in-toto statement beside the image in its index (BuildKit
//! docs/attestations/attestation-storage.md and slsa-definitions.md).
//!
//! Nobody has signed it here: it tells no more than the history does, but tells it better. What cannot be read of it is left out.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use oci_spec::image::{Descriptor, ImageManifest};
use serde_json::Value;

use super::document;
use crate::source::Blobs;

/// Files that are taken from one statement at most.
const MAX_FILES: usize = 16;

/// What is attested of a build.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provenance {
    /// The files that it was described by: names, and texts. Only `mode=max` has them.
    pub files: Vec<(String, Vec<u8>)>,
    /// The stage that was built, if one was asked for.
    pub target: Option<String>,
    /// `--build-arg`.
    pub arguments: BTreeMap<String, String>,
}

impl Provenance {
    /// That of the image whose manifest has the digest `image`, if one of `attestations` is about it.
    pub(super) fn of(blobs: &dyn Blobs, attestations: &[Descriptor], image: &str) -> Option<Self> {
        let is_about = |descriptor: &&Descriptor| {
            let annotations = descriptor.annotations().as_ref();
            annotations.and_then(|a| a.get("vnd.docker.reference.digest")).is_some_and(|digest| digest == image)
        };
        let manifest = attestations.iter().find(is_about)?;
        let bytes = document::described(blobs, manifest, "attestation manifest").ok()??;
        let manifest: ImageManifest = serde_json::from_slice(&bytes).ok()?;
        let is_provenance = |layer: &&Descriptor| {
            let kind = layer.annotations().as_ref().and_then(|a| a.get("in-toto.io/predicate-type"));
            kind.is_some_and(|kind| kind.starts_with("https://slsa.dev/provenance/"))
        };
        let statement = manifest.layers().iter().find(is_provenance)?;
        let bytes = document::described(blobs, statement, "provenance").ok()??;
        Some(Provenance::parse(&serde_json::from_slice(&bytes).ok()?))
    }

    /// A statement with a predicate of SLSA 0.2 or 1.
    fn parse(statement: &Value) -> Self {
        let at = |paths: [&str; 2]| paths.into_iter().find_map(|path| statement.pointer(path));
        let arguments =
            at(["/predicate/buildDefinition/externalParameters/request/args", "/predicate/invocation/parameters/args"]);
        let infos = at([
            "/predicate/runDetails/metadata/buildkit_metadata/source/infos",
            "/predicate/metadata/https:~1~1mobyproject.org~1buildkit@v1#metadata/source/infos",
        ]);
        let texts = arguments.and_then(Value::as_object).into_iter().flatten();
        let texts: BTreeMap<&str, &str> =
            texts.filter_map(|(key, value)| Some((key.as_str(), value.as_str()?))).collect();
        let file = |info: &Value| {
            let data = STANDARD.decode(info.get("data")?.as_str()?).ok()?;
            Some((info.get("filename")?.as_str()?.to_owned(), data))
        };
        let given =
            |(key, value): (&&str, &&str)| Some((key.strip_prefix("build-arg:")?.to_owned(), (*value).to_owned()));
        Provenance {
            files: infos.and_then(Value::as_array).into_iter().flatten().take(MAX_FILES).filter_map(file).collect(),
            target: texts.get("target").map(|target| (*target).to_owned()),
            arguments: texts.iter().filter_map(given).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn both_versions_of_the_predicate() {
        let args = json!({"target": "release", "build-arg:V": "2", "label:a": "b"});
        let source =
            json!({"infos": [{"filename": "Dockerfile", "data": STANDARD.encode("FROM scratch\n")}, {"filename": 1}]});
        let first = json!({"predicate": {
            "invocation": {"parameters": {"args": args}},
            "metadata": {"https://mobyproject.org/buildkit@v1#metadata": {"source": source}},
        }});
        let second = json!({"predicate": {
            "buildDefinition": {"externalParameters": {"request": {"args": args}}},
            "runDetails": {"metadata": {"buildkit_metadata": {"source": source}}},
        }});
        for statement in [first, second] {
            let found = Provenance::parse(&statement);
            assert_eq!(found.files, [("Dockerfile".to_owned(), b"FROM scratch\n".to_vec())]);
            assert_eq!(found.target.as_deref(), Some("release"));
            assert_eq!(found.arguments, [("V".to_owned(), "2".to_owned())].into());
        }
        for other in
            [json!(null), json!({"predicate": []}), json!({"predicate": {"invocation": {"parameters": {"args": 1}}}})]
        {
            assert_eq!(Provenance::parse(&other), Provenance::default());
        }
    }
}
