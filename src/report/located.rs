//! Where a finding is, for formats that name a file, lines and columns: in the repository if it is known where there,
//! else in the image, under a path that is the same for every build of it.

use bstr::{BStr, BString, ByteSlice};

use super::escape::visible;
use super::snippet::Snippet;
use crate::finding::{Finding, Place, Position, Source};
use crate::fingerprint;
use crate::image::Image;
use crate::rule::Subject;

/// A file and a part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// Its path, relative, not empty; in the repository if `is_source`.
    pub path: BString,
    /// Whether it is a file of the repository.
    pub is_source: bool,
    /// Where it begins.
    pub start: Position,
    /// The first character behind it.
    pub end: Position,
    /// What is there, where it is no file that anybody could open.
    pub text: Option<String>,
}

/// The first character of a file: something is to be marked where nothing better is known.
const FIRST: (Position, Position) = (Position { line: 1, column: 1 }, Position { line: 1, column: 2 });

impl Located {
    /// The best place there is for `finding`.
    pub fn of(finding: &Finding, subject: &Subject<'_>) -> Self {
        match &finding.blame.source {
            Some(source) => Located::source(source),
            None => Located::place(&finding.place, subject),
        }
    }

    /// A part of a file in the repository.
    pub fn source(source: &Source) -> Self {
        let (start, end) = seen(source.region());
        Located { path: relative(source.file.path.as_ref()), is_source: true, start, end, text: None }
    }

    /// A place in the image: `<name of the image>/<path in it>`.
    pub fn place(place: &Place, subject: &Subject<'_>) -> Self {
        let (within, region, text) = match place {
            Place::Config { .. } => {
                let snippet = Snippet::of(place, subject);
                let region = snippet.as_ref().map(|s| region(s.text.as_bytes(), s.span.start, s.span.end));
                ("configuration".into(), region, snippet.map(|s| s.marked().to_owned()))
            }
            Place::File { path, head, span, .. } => {
                let span = span.as_ref().filter(|span| span.end <= head.len());
                let text = span.and_then(|_| Some(Snippet::of(place, subject)?.marked().to_owned()));
                (path.clone(), span.map(|span| region(head, span.start, span.end)), text)
            }
            Place::Layer { .. } => ("layers".into(), None, None),
        };
        let (start, end) = region.unwrap_or(FIRST);
        Located { path: within_image(subject.image, within.as_ref()), is_source: false, start, end, text }
    }

    /// The path, fit to be shown.
    pub fn shown(&self) -> String {
        visible(&self.path)
    }

    /// `Dockerfile:7:12`.
    pub fn point(&self) -> String {
        format!("{}:{}:{}", super::escape::sentence(&self.path), self.start.line, self.start.column)
    }

    /// The path as a relative reference (RFC 3986, section 4.2): no scheme, no query, whatever is in a name.
    pub fn uri(&self) -> String {
        uri(self.path.as_ref())
    }
}

fn region(text: &[u8], start: usize, end: usize) -> (Position, Position) {
    seen([start, end].map(|at| Position::of(text.as_bstr(), at)).into())
}

/// A region of no width would not be shown.
fn seen((start, end): (Position, Position)) -> (Position, Position) {
    (start, end.max(Position { column: start.column + 1, ..start }))
}

/// What an image is called in paths and categories.
pub fn image_name(image: &Image) -> String {
    short_name(&fingerprint::image_name(image), image.source)
}

/// The same from what was typed.
pub fn typed_name(reference: &str) -> String {
    short_name(&fingerprint::image_name_of(reference), "image")
}

fn short_name(name: &str, otherwise: &str) -> String {
    match resolved(name.as_bytes().as_bstr()).as_slice() {
        b"-" => "stdin".to_owned(),
        b"" => otherwise.to_owned(),
        name => visible(name),
    }
}

fn within_image(image: &Image, path: &BStr) -> BString {
    let within = resolved(path);
    let separator = if within.is_empty() { "" } else { "/" };
    [image_name(image).as_bytes(), separator.as_bytes(), &within].concat().into()
}

/// Names between slashes, with `..` carried out.
fn resolved(path: &BStr) -> BString {
    let mut names: Vec<&[u8]> = Vec::new();
    for name in path.split_str("/") {
        match name {
            b"" | b"." => {}
            b".." => drop(names.pop()),
            name => names.push(name),
        }
    }
    bstr::join("/", names).into()
}

/// A path of the repository without what says nothing.
fn relative(path: &BStr) -> BString {
    let names: Vec<&[u8]> = path.split_str("/").filter(|name| !matches!(*name, b"" | b".")).collect();
    if names.is_empty() { "unknown".into() } else { bstr::join("/", names).into() }
}

fn uri(path: &BStr) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_relative_and_never_empty() {
        for (path, clean) in [("/app/./x//y", "app/x/y"), ("../../etc", "etc"), ("a/../b", "b"), ("/..", ""), ("", "")]
        {
            assert_eq!(resolved(path.into()), clean);
        }
        for (path, clean) in [("./Dockerfile", "Dockerfile"), ("/abs", "abs"), ("", "unknown"), ("../x", "../x")] {
            assert_eq!(relative(path.into()), clean);
        }
    }

    #[test]
    fn names_say_neither_tag_nor_transport() {
        for (typed, name) in [
            ("registry.example:5000/a/app:1", "registry.example:5000/a/app"),
            ("-", "stdin"),
            ("rootfs:/", "image"),
            ("oci:./build/layout:v1", "build/layout"),
            ("/tmp/x/image.tar", "image.tar"),
            ("../..", "image"),
        ] {
            assert_eq!(typed_name(typed), name);
        }
    }

    #[test]
    fn uris_have_no_scheme_and_nothing_that_means_more_than_itself() {
        assert_eq!(uri(b"docker://x:1/a b?c#d%e\xff\n".as_bstr()), "docker%3A//x%3A1/a%20b%3Fc%23d%25e%FF%0A");
        assert_eq!(uri("bin/é.sh".into()), "bin/%C3%A9.sh");
    }
}
