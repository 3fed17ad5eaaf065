//! What keys forget and what they keep.

use std::ops::Range;
use std::sync::Arc;

use super::*;
use crate::error::Result;
use crate::finding::{Blame, Confidence, ExitCodes, Severity, SourceFile};
use crate::image::{Configuration, Platform, Reread};

struct Nothing;

impl Reread for Nothing {
    fn reread(&self, _: usize, _: u32, _: u64, _: usize) -> Result<Vec<u8>> {
        Ok(Vec::new())
    }
}

fn image(reference: &str) -> Image {
    Image {
        source: "oci-layout",
        reference: reference.to_owned(),
        digest: Some(format!("sha256:{}", reference.len())),
        platform: Platform::new("linux", "amd64", None),
        configured: None,
        others: Vec::new(),
        configuration: Configuration {
            entrypoint: vec!["/a".into(), "/b".into()],
            healthcheck: Some(Healthcheck::Exec(vec!["curl".into()])),
            ..Configuration::default()
        },
        record: Default::default(),
        layers: Vec::new(),
        tree: None,
        tables: 0,
        unseen: None,
        upon: None,
        again: Box::new(Nothing),
    }
}

fn finding(message: &str, place: Place) -> Finding {
    Finding {
        rule: "missing-exec",
        severity: Severity::Warning,
        confidence: Confidence::Certain,
        message: message.to_owned(),
        help: String::new(),
        exit_codes: ExitCodes::default(),
        place,
        because: Vec::new(),
        layer: Some(1),
        fixes: Vec::new(),
        blame: Blame::default(),
        suppression: None,
    }
}

/// A finding at the last `word` of `text`.
fn at(text: &str, word: &str, layer: usize) -> Finding {
    let start = text.rfind(word).unwrap();
    let (head, span) = (text.into(), Some(start..start + word.len()));
    let line = text[..start].matches('\n').count() + 1;
    let place = Place::File { path: "/ep.sh".into(), layer: Some(layer), head, span };
    finding(&format!("`/ep.sh` runs `{word}` at line {line}"), place)
}

fn key(finding: &Finding) -> String {
    v1(finding, &image("app:1"))
}

#[test]
fn names_forget_tags_digests_and_directories() {
    for (typed, bare) in [
        ("myapp:latest", "myapp"),
        ("registry.example:5000/app", "registry.example:5000/app"),
        ("registry.example:5000/a/app:1@sha256:00", "registry.example:5000/a/app"),
        ("docker://registry.example/app:1", "registry.example/app"),
        ("oci:dir:tag", "dir"),
        ("oci:dir", "dir"),
        ("./app.tar", "app.tar"),
        ("docker-archive:build/app.tar", "build/app.tar"),
        ("/tmp/build-1234/app.tar", "app.tar"),
        ("rootfs:/", "/"),
        ("-", "-"),
    ] {
        assert_eq!(image_name_of(typed), bare);
    }
    assert_eq!([name("./app.tar:1"), name("oci:/a/b:v1")], ["./app.tar", "/a/b"]);
    let dockerfile = Image { source: crate::image::DOCKERFILE, ..image("./services/api/Dockerfile:1") };
    assert_eq!(image_name(&dockerfile), "services/api/Dockerfile:1");
}

#[test]
fn a_finding_keeps_its_keys_when_unrelated_lines_are_added_above_it() {
    let (short, long) = ("#!/bin/sh\napp \"$@\"\n", "#!/bin/sh\n\n# why\nset -e\n  app \"$@\"\nmore\n");
    assert_eq!(key(&at(short, "app", 1)), key(&at(long, "app", 7)));
    assert_eq!(v1(&at(short, "app", 1), &image("app:1")), v1(&at(long, "app", 2), &image("app:22@sha256:00")));
    assert_eq!(line_hash(short.as_bytes(), 2), line_hash("#!/bin/sh\n\n# why\n  app \"$@\"\n".as_bytes(), 4));
}

#[test]
fn findings_at_different_places_of_a_file_differ() {
    let text = "a\nif x; then app; app; fi\nb\napp\napp\n";
    let places = [text, "a\nb; app\nc", "a\nif x; then app; app", "a\nif x; then app", "app\n"];
    let mut keys: Vec<_> = places.iter().map(|text| key(&at(text, "app", 0))).collect();
    keys.push(key(&at("other\n", "other", 0)));
    keys.push(key(&Finding { rule: "no-reaper", ..at("other\n", "other", 0) }));
    keys.push(v1(&at("other\n", "other", 0), &image("other")));
    let count = keys.len();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), count);
}

#[test]
fn words_of_the_configuration_count_and_their_numbers_do_not() {
    let of = |field, index| key(&finding("x", Place::Config { field, index }));
    assert_ne!(of(Field::Entrypoint, Some(0)), of(Field::Entrypoint, Some(1)));
    assert_ne!(of(Field::Entrypoint, None), of(Field::Cmd, None));
    assert_ne!(of(Field::Healthcheck, Some(1)), of(Field::Healthcheck, None));
    assert_eq!(of(Field::Entrypoint, Some(9)), of(Field::Entrypoint, None));
    let layer = |index, message| key(&finding(message, Place::Layer { index }));
    let (one, other) = ("layer 2 (`COPY file:0a in /`) is damaged near `/x`", "layer 4 is damaged near `/x`");
    assert_eq!(layer(1, one), layer(3, other));
    assert_ne!(layer(1, "damaged near `/x`"), layer(1, "damaged near `/y`"));
}

#[test]
fn the_repository_counts_only_where_there_is_no_image() {
    let blamed = |text: &str, start: usize| {
        let file = Arc::new(SourceFile { path: "Dockerfile".into(), text: text.into() });
        let blame = Blame { source: Some(Source { file, span: start..start + 5 }), ..Blame::default() };
        Finding { blame, ..finding("x", Place::Config { field: Field::Cmd, index: None }) }
    };
    let (first, second) = (blamed("CMD a\nUSER b\nCMD b\n", 0), blamed("CMD a\nUSER b\nCMD b\n", 13));
    assert_eq!(key(&first), key(&second));
    let dockerfile = Image { source: crate::image::DOCKERFILE, ..image("Dockerfile") };
    assert_ne!(v1(&first, &dockerfile), v1(&second, &dockerfile));
    assert_eq!(v1(&first, &dockerfile), v1(&blamed("# x\n\nCMD a\n", 5), &dockerfile));
    // A span that is none is no reason to fall.
    let broken = Source { span: Range { start: 90, end: 80 }, ..first.blame.source.clone().unwrap() };
    assert_eq!(
        v1(&Finding { blame: Blame { source: Some(broken), ..Blame::default() }, ..first }, &dockerfile).len(),
        32
    );
}
