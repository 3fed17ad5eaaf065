//! What users type as an image's name, as far as it must be known to pass it on.

/// Longer than any name with a digest (distribution/reference allows 255 characters of a repository).
const MAX_NAME: usize = 1024;

/// Whether an engine may be asked for it: names become parts of URLs and arguments of programs, and what is neither
/// name nor ID must not become another path or an option. The engine knows the rest of the grammar.
pub(super) fn may_name_an_image(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-+:@/".contains(c);
    let component = |part: &str| !part.is_empty() && part != "." && part != "..";
    name.len() <= MAX_NAME
        && name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && name.chars().all(plain)
        && name.split('/').all(component)
}

/// Whether it is an ID as engines give it: a digest, or (Podman) its digits alone.
pub(super) fn is_id(id: &str) -> bool {
    let digits = id.strip_prefix("sha256:").unwrap_or(id);
    digits.len() == 64 && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// The digest that an ID is.
pub(super) fn digest(id: &str) -> String {
    format!("sha256:{}", id.strip_prefix("sha256:").unwrap_or(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_be_something_else_are_refused() {
        for name in ["app", "app:1", "registry.example:5000/a/b_c@sha256:00", "0123456789ab", "localhost/x", "A.B"] {
            assert!(may_name_an_image(name), "{name}");
        }
        for name in ["", "-v", "a b", "a/../b", "../x", "a//b", "/a", "a/", "a?b", "a#b", "a%2fb", "a/./b", "a\nb", "é"]
        {
            assert!(!may_name_an_image(name), "{name}");
        }
        assert!(!may_name_an_image(&"a".repeat(MAX_NAME + 1)));
    }

    #[test]
    fn ids_are_whole_digests() {
        let digits = "0123456789abcdef".repeat(4);
        assert!(is_id(&digits) && is_id(&format!("sha256:{digits}")));
        for id in ["", "sha256:", "sha256:00", &digits.to_uppercase(), &format!("sha512:{digits}")] {
            assert!(!is_id(id), "{id}");
        }
    }
}
