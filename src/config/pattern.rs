//! Patterns of paths and of image names: `*` and `?` stay within a name, `**` does not, `{a,b}` and `[a-z]` as usual.

use bstr::ByteSlice;
use globset::{GlobBuilder, GlobSet};

use crate::fingerprint;

/// The longest pattern; what one costs grows with it.
const LONGEST: usize = 1024;

/// A pattern, ready to match.
#[derive(Clone, Debug)]
pub struct Pattern(GlobSet);

impl Pattern {
    /// Parses it.
    ///
    /// # Errors
    /// Why it is no pattern.
    pub fn new(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("an empty pattern matches nothing".to_owned());
        }
        if text.len() > LONGEST {
            return Err(format!("a pattern may have {LONGEST} bytes, and this one has {}", text.len()));
        }
        // A set of one: a matcher of its own would panic where the regular expression that it comes to is refused.
        let glob = GlobBuilder::new(text).literal_separator(true).build();
        let set = glob.and_then(|glob| GlobSet::builder().add(glob).build());
        set.map(Pattern).map_err(|error| format!("`{text}`: {}", error.kind()))
    }

    /// Whether a path is like it.
    pub fn matches_path(&self, path: &[u8]) -> bool {
        path.to_path().is_ok_and(|path| self.0.is_match(path))
    }

    /// Whether an image is that was asked for as `reference`: tag and digest do not count, nor does `docker.io` or
    /// `docker.io/library` in front. An image in a file has the name that was chosen there, too.
    pub fn matches_image(&self, reference: &str) -> bool {
        let name = fingerprint::image_name_of(reference);
        let chosen = name.split_once(':').map(|(_, chosen)| chosen);
        [Some(name.as_str()), chosen].into_iter().flatten().any(|name| {
            let hub = name.strip_prefix("docker.io/");
            let library = hub.and_then(|name| name.strip_prefix("library/"));
            [Some(name), hub, library].into_iter().flatten().any(|name| self.0.is_match(name))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn names_of_images() {
        for (pattern, reference, matches) in [
            ("myapp", "myapp:latest", true),
            ("myapp*", "docker:myapp-web:1@sha256:00", true),
            ("myapp", "myapp2", false),
            ("nginx", "docker.io/library/nginx:1", true),
            ("team/*", "registry:docker.io/team/app", true),
            ("registry.example/team/*", "registry.example/team/app:1", true),
            ("registry.example/team/*", "registry.example/team/a/b:1", false),
            ("registry.example/team/**", "registry.example/team/a/b:1", true),
            ("registry.example:5000/*", "registry.example:5000/app", true),
            ("myapp", "registry.example/myapp", false),
            ("**/myapp", "registry.example/myapp", true),
            ("app", "docker-archive:x.tar:docker.io/library/app:1", true),
            ("*.tar", "./x.tar", true),
            ("{x,y}", "y", true),
            ("-", "-", true),
        ] {
            let found = Pattern::new(pattern).unwrap().matches_image(reference);
            assert_eq!(found, matches, "{pattern} {reference}");
        }
    }

    #[test]
    fn paths() {
        for (pattern, path, matches) in [
            ("/opt/vendor/**", &b"/opt/vendor/a/b.sh"[..], true),
            ("/opt/*", b"/opt/a/b", false),
            ("/opt/?.sh", b"/opt/\xff.sh", true),
            ("**/*.sh", b"docker/entrypoint.sh", true),
            ("*.sh", b"docker/entrypoint.sh", false),
        ] {
            assert_eq!(Pattern::new(pattern).unwrap().matches_path(path), matches, "{pattern}");
        }
    }

    #[test]
    fn what_is_no_pattern() {
        for text in ["", "a[", "{a", "[z-a]", &"{".repeat(1024), &"x".repeat(1025), "a\\"] {
            assert!(Pattern::new(text).is_err(), "{text}");
        }
        let nested = format!("{}x{}", "{".repeat(500), "}".repeat(500));
        let wide = "{a,b}*".repeat(170);
        for text in [nested, wide] {
            let _ = Pattern::new(&text).map(|pattern| pattern.matches_path(&b"ab".repeat(500)));
        }
    }
}
