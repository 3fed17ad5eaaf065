//! A finding is known again in the next build.

use std::collections::BTreeSet;
use std::sync::Arc;

use imagelint::finding::{Blame, Finding, Source, SourceFile};
use imagelint::fingerprint::{self, line_hashes};
use imagelint::image::Image;
use imagelint::lint::Lint;

use crate::sarif::log;
use crate::{built, each, support::repository};

/// An image whose script starts its program without `exec`, with `above` in it, before the line in question.
fn image(above: &str, layers: &str) -> (Lint, String) {
    let script = format!("#!/bin/busybox ash\n{above}/bin/sleep 86400\n");
    let dockerfile = format!(
        "FROM scratch\n{layers}COPY --from=programs busybox /bin/busybox\nCOPY --from=programs busybox /bin/sleep\n\
         COPY --chmod=0755 <<'EOF' /entrypoint.sh\n{script}EOF\nENTRYPOINT [\"/entrypoint.sh\"]\n"
    );
    (built(&dockerfile, &repository("fixtures")), script)
}

/// The finding, and what its line is in the repository's script.
fn found(linted: &Lint, script: &str) -> Finding {
    let finding = linted.findings.iter().find(|finding| finding.rule == "missing-exec").expect("missing-exec").clone();
    let start = script.rfind("/bin/sleep").unwrap();
    let file = Arc::new(SourceFile { path: "entrypoint.sh".into(), text: script.into() });
    let source = Some(Source { file, span: start..start + 16 });
    Finding { blame: Blame { source, ..Blame::default() }, ..finding }
}

fn keys(above: &str, layers: &str) -> [String; 2] {
    let (linted, script) = image(above, layers);
    let finding = found(&linted, &script);
    let ours = fingerprint::v1(&finding, &linted.image);
    let log = log(&linted, &[finding]);
    let prints = &log["runs"][0]["results"][0]["partialFingerprints"];
    assert_eq!(prints["imagelint/v1"], ours.as_str());
    [prints["primaryLocationLineHash"].as_str().unwrap().to_owned(), ours]
}

#[test]
fn a_finding_keeps_its_keys_when_unrelated_lines_are_added_above_it() {
    let before = keys("", "");
    let more = "# what this is for\n\nset -e\nx=1\n";
    assert_eq!(before, keys(more, ""));
    assert_eq!(before, keys(&more.repeat(20), "COPY --from=programs ok /first\nCOPY --from=programs ok /second\n"));
}

#[test]
fn another_image_or_platform_is_another_finding() {
    let (linted, script) = image("", "");
    let finding = found(&linted, &script);
    let (key, image) = (fingerprint::v1(&finding, &linted.image), linted.image);
    let renamed = Image { reference: "other:1".into(), ..image };
    let other = fingerprint::v1(&finding, &renamed);
    assert_ne!(key, other);
    let retagged = Image { reference: "registry:other:2@sha256:00".into(), digest: None, ..renamed };
    assert_eq!(fingerprint::v1(&finding, &retagged), other);
    let platform = "linux/arm64".parse().unwrap();
    assert_ne!(fingerprint::v1(&finding, &Image { platform, ..retagged }), other);
}

#[test]
fn no_two_findings_of_an_image_have_one_key() {
    each(|linted| {
        let keys: BTreeSet<String> = linted.findings.iter().map(|f| fingerprint::v1(f, &linted.image)).collect();
        if keys.len() == linted.findings.len() { Vec::new() } else { vec!["a key twice".to_owned()] }
    });
}

/// A text of many lines takes as long as it is long.
#[test]
fn long_texts_are_hashed_in_time() {
    let text = b"x\n\r\xff ".repeat(1 << 19);
    let begun = std::time::Instant::now();
    assert_eq!(line_hashes(&text).len(), (1 << 20) + 1);
    assert!(fingerprint::line_hash(&text, 1 << 20).is_some());
    assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
}
