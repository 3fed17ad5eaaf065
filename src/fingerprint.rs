//! What a finding is known by when the image is built again.

use sha2::{Digest, Sha256};

use crate::finding::{Finding, Place};
use crate::image::Image;
use crate::reference::Reference;

/// What stays the same when the image is built again: neither digests nor layers are in it.
pub fn v1(finding: &Finding, image: &Image) -> String {
    let (platform, place) = (image.platform.to_string(), &finding.place);
    let (kind, at): (_, &[u8]) = match place {
        Place::Config { field, .. } => ("config", field.as_str().as_bytes()),
        Place::File { path, .. } => ("file", path),
        Place::Layer { .. } => ("layer", b""),
    };
    let mut hash = Sha256::new();
    for part in [finding.rule.as_bytes(), name(&image.reference).as_bytes(), platform.as_bytes(), kind.as_bytes(), at] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// A reference without its transport, tag and digest.
pub(crate) fn name(reference: &str) -> String {
    let name = match reference.parse() {
        Ok(Reference::Stdin) | Err(_) => reference.to_owned(),
        Ok(typed) => untyped(&typed).to_owned(),
    };
    let name = name.split_once('@').map_or(name.as_str(), |(name, _)| name);
    match name.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => name.to_owned(),
        _ => name.to_owned(),
    }
}

fn untyped(reference: &Reference) -> &str {
    match reference {
        Reference::Stdin => "-",
        Reference::OciLayout(rest)
        | Reference::OciArchive(rest)
        | Reference::DockerArchive(rest)
        | Reference::Rootfs(rest)
        | Reference::Docker(rest)
        | Reference::Podman(rest)
        | Reference::Containerd(rest)
        | Reference::Registry(rest)
        | Reference::Untyped(rest) => rest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_forget_tags_and_digests() {
        for (typed, bare) in [
            ("myapp:latest", "myapp"),
            ("registry.example:5000/app", "registry.example:5000/app"),
            ("registry.example:5000/a/app:1@sha256:00", "registry.example:5000/a/app"),
            ("oci:dir:tag", "dir"),
            ("oci:dir", "dir"),
            ("./app.tar", "./app.tar"),
            ("-", "-"),
        ] {
            assert_eq!(name(typed), bare);
        }
    }
}
