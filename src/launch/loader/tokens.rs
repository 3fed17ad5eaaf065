//! Dynamic string tokens: `$ORIGIN`, `$LIB`, `$PLATFORM` (ld.so(8)), as glibc's elf/dl-load.c expands them.

use bstr::{BStr, BString, ByteSlice};

/// What the tokens stand for.
#[derive(Clone, Copy)]
pub struct Tokens<'a> {
    /// The directory of the object.
    pub origin: Option<&'a BStr>,
    /// `lib64`, `lib/x86_64-linux-gnu` and the like.
    pub lib: Option<&'a BStr>,
    /// AT_PLATFORM, or what the loader puts in its place.
    pub platform: Option<&'static str>,
    /// AT_SECURE: `$ORIGIN` only at the start, and only if `trusted` says yes to the result.
    pub secure: bool,
    /// The object is the program, whose place its caller may choose.
    pub is_program: bool,
}

impl Tokens<'_> {
    /// `_dl_dst_substitute`: `None` where a token has no value, which voids the text.
    pub fn expand(&self, text: &[u8], trusted: impl Fn(&[u8]) -> bool) -> Option<BString> {
        let (mut out, mut rest, mut check) = (BString::default(), text, false);
        while let Some(at) = rest.find_byte(b'$') {
            let (before, token) = rest.split_at(at);
            out.extend_from_slice(before);
            let is_first = text.len() == rest.len() && at == 0;
            let token = token.get(1..).unwrap_or_default();
            rest = token;
            let Some((kind, len)) = self.token(token) else {
                out.push(b'$');
                continue;
            };
            rest = token.get(len..).unwrap_or_default();
            if kind == Kind::Origin && self.secure {
                if !is_first || !matches!(rest.first(), None | Some(b'/')) {
                    return None;
                }
                check |= self.is_program;
            }
            out.extend_from_slice(self.value(kind)?);
        }
        out.extend_from_slice(rest);
        (!check || trusted(&out)).then_some(out)
    }

    fn value(&self, kind: Kind) -> Option<&[u8]> {
        match kind {
            Kind::Origin => self.origin.map(|o| o.as_bytes()),
            Kind::Lib => self.lib.map(|l| l.as_bytes()),
            Kind::Platform => self.platform.map(str::as_bytes),
        }
    }

    /// A token after its `$`, with or without braces, and its length.
    fn token(&self, text: &[u8]) -> Option<(Kind, usize)> {
        [(Kind::Origin, "ORIGIN"), (Kind::Platform, "PLATFORM"), (Kind::Lib, "LIB")].into_iter().find_map(
            |(kind, name)| {
                let name = name.as_bytes();
                match text.strip_prefix(b"{") {
                    Some(text) => text.strip_prefix(name)?.starts_with(b"}").then_some((kind, name.len() + 2)),
                    None => {
                        let rest = text.strip_prefix(name)?;
                        let goes_on = rest.first().is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
                        (!goes_on).then_some((kind, name.len()))
                    }
                }
            },
        )
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Origin,
    Lib,
    Platform,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens() -> Tokens<'static> {
        let (origin, lib) = (Some("/opt/bin".into()), Some("lib64".into()));
        Tokens { origin, lib, platform: None, secure: false, is_program: true }
    }

    fn expand(tokens: &Tokens<'_>, text: &str) -> Option<String> {
        tokens.expand(text.as_bytes(), |path| path.starts_with(b"/usr/lib/")).map(|t| t.to_string())
    }

    #[test]
    fn tokens_are_expanded() {
        for (text, expected) in [
            ("$ORIGIN/../lib", "/opt/bin/../lib"),
            ("${ORIGIN}/../$LIB", "/opt/bin/../lib64"),
            ("/x$LIB/y", "/xlib64/y"),
            ("$ORIGINAL", "$ORIGINAL"),
            ("$LIB_x", "$LIB_x"),
            ("$OTHER/$", "$OTHER/$"),
            ("/plain", "/plain"),
        ] {
            assert_eq!(expand(&tokens(), text).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(expand(&tokens(), "/a/$PLATFORM"), None);
    }

    #[test]
    fn a_privileged_program_trusts_few_origins() {
        let secure = Tokens { secure: true, ..tokens() };
        assert_eq!(expand(&secure, "$ORIGIN/../lib"), None);
        assert_eq!(expand(&secure, "/x/$ORIGIN"), None);
        assert_eq!(expand(&secure, "/x/$LIB").as_deref(), Some("/x/lib64"));
        let trusted = Tokens { origin: Some("/usr/lib/app".into()), ..secure };
        assert_eq!(expand(&trusted, "$ORIGIN/x").as_deref(), Some("/usr/lib/app/x"));
        assert_eq!(expand(&trusted, "$ORIGINx").as_deref(), Some("$ORIGINx"));
        let library = Tokens { is_program: false, ..secure };
        assert_eq!(expand(&library, "$ORIGIN/x").as_deref(), Some("/opt/bin/x"));
    }
}
