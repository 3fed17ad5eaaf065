//! Names of images as containerd stores them: whole, with registry and tag.

use oci_client::Reference;

/// How `name` may be stored, the likeliest first: as it was typed (containerd takes any text for a name), as engines
/// write it, and, if it can be an ID, as Kubernetes stores those.
pub(super) fn spellings(name: &str) -> Vec<String> {
    let mut all = vec![name.to_owned()];
    all.extend(name.parse::<Reference>().ok().map(|reference| reference.whole()));
    if name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        all.push(format!("sha256:{name}"));
    }
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_are_those_of_docker_hub() {
        for (typed, stored) in [
            ("alpine", "docker.io/library/alpine:latest"),
            ("alpine:3", "docker.io/library/alpine:3"),
            ("me/app", "docker.io/me/app:latest"),
            ("docker.io/alpine:3", "docker.io/library/alpine:3"),
            ("localhost/app", "localhost/app:latest"),
            ("registry.example:5000/a/b:1", "registry.example:5000/a/b:1"),
        ] {
            assert_eq!(spellings(typed).last().map(String::as_str), Some(stored));
            assert_eq!(spellings(typed).first().map(String::as_str), Some(typed));
        }
        let digest = format!("sha256:{}", "0a".repeat(32));
        let stored = format!("docker.io/library/app@{digest}");
        assert_eq!(spellings(&format!("app@{digest}")).last(), Some(&stored));
        assert_eq!(spellings(&"0a".repeat(32)).last(), Some(&digest));
        assert_eq!(spellings("App"), ["App"]);
    }
}
