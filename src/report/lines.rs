//! Lines that all texts for people share: what was read, and which layer it was.

use super::Style;
use super::escape::{sentence, shorten};
use crate::finding::Finding;
use crate::image::Image;

/// What was really read: source, reference, digest, platform.
pub fn heading(image: &Image, style: &Style) -> String {
    let none = if image.is_built() { "no digest" } else { "not built yet" };
    let digest = image.digest.as_deref().unwrap_or(none);
    // `rootfs:DIR` would name its source twice.
    let reference = image.reference.strip_prefix(image.source).and_then(|rest| rest.strip_prefix(':'));
    let reference = style.bold(&sentence(reference.unwrap_or(&image.reference)));
    let by = match image.tables {
        0 => String::new(),
        tables => format!(", {tables} of {} layers from their tables of contents", image.layers.len()),
    };
    let upon = image.upon.as_deref().map(|base| format!(" on {}", sentence(base))).unwrap_or_default();
    let platform = sentence(image.platform.to_string());
    format!("{} {reference}, {}{upon}, {platform}{by}\n", image.source, sentence(digest))
}

/// Which layer of how many, and what made it.
pub(super) fn layer(index: usize, image: &Image) -> Option<String> {
    let layer = image.layers.get(index)?;
    let made_by = layer.created_by.as_deref().map(|text| format!(", {}", instruction(text))).unwrap_or_default();
    let digest = match layer.digest.as_str() {
        "" => String::new(),
        digest => format!(" ({})", shorten_digest(digest)),
    };
    Some(format!("{} of {}{digest}{made_by}", index + 1, image.layers.len()))
}

/// `sha256:` and twelve digits, as docker shows digests.
fn shorten_digest(digest: &str) -> String {
    match digest.split_once(':') {
        Some((algorithm, hex)) => format!("{}:{}", sentence(algorithm), sentence(shorten_to(hex, 12))),
        None => sentence(shorten_to(digest, 12)),
    }
}

fn shorten_to(text: &str, max: usize) -> &str {
    text.char_indices().nth(max).and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}

/// The same of a finding, and whether the base image brings it.
pub(super) fn layer_of(finding: &Finding, image: &Image) -> Option<String> {
    // before a build there are none
    image.is_built().then_some(())?;
    let base = if finding.blame.layer_inherited == Some(true) { ", from the base image" } else { "" };
    Some(layer(finding.layer?, image)? + base)
}

/// The Dockerfile's words out of `created_by`, which both builders wrap in theirs.
fn instruction(created_by: &str) -> String {
    let text = created_by.trim();
    let text = text.strip_suffix("# buildkit").unwrap_or(text).trim_end();
    let text = match text.strip_prefix("/bin/sh -c ") {
        Some(nop) if nop.starts_with("#(nop)") => nop.trim_start_matches("#(nop)").trim_start().to_owned(),
        Some(run) => format!("RUN {run}"),
        None => text.replacen("RUN /bin/sh -c ", "RUN ", 1),
    };
    shorten(&sentence(text), 120)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn created_by_is_reduced_to_the_instruction() {
        for (created_by, shown) in [
            ("/bin/sh -c #(nop) COPY file:1234 in /app ", "COPY file:1234 in /app"),
            ("/bin/sh -c apk add curl", "RUN apk add curl"),
            ("RUN /bin/sh -c apk add curl # buildkit", "RUN apk add curl"),
            ("COPY app /app # buildkit", "COPY app /app"),
            ("evil \x1b[2J", "evil ␛[2J"),
        ] {
            assert_eq!(instruction(created_by), shown);
        }
        assert!(instruction(&"x ".repeat(500)).chars().count() <= 120);
    }

    #[test]
    fn digests_are_shortened_as_docker_does() {
        assert_eq!(shorten_digest("sha256:0123456789abcdef"), "sha256:0123456789ab");
        assert_eq!(shorten_digest("é"), "é");
    }
}
