//! What tells findings apart from one build to the next: our own key, for reports and baselines, and GitHub's hash of
//! a line of a file.

mod lines;

use bstr::{BStr, ByteSlice};
use sha2::{Digest, Sha256};

pub use lines::{line_hash, line_hashes};

use crate::finding::{Field, Finding, Place, Source};
use crate::image::{self, Healthcheck, Image};
use crate::reference::Reference;

/// The name of the key that [`v1`] gives, where a report has room for several.
pub const V1: &str = "imagelint/v1";

/// The key `imagelint/v1`: what stays the same when the image is built again, and when lines are added above.
///
/// It is made of the rule, the image's name and platform, and the place as its own text has it. Tags, digests, numbers
/// of layers and lines are not in it, nor is what the repository has of a finding: an image gives the same keys with
/// its Dockerfile at hand and without. (A Dockerfile that is linted alone has no other place.)
pub fn v1(finding: &Finding, image: &Image) -> String {
    let mut key = Key::default();
    key.add(V1).add(finding.rule).add(image_name(image)).add(image.platform.to_string());
    place(&mut key, &finding.place, image);
    for word in quoted(&finding.message) {
        key.add(word);
    }
    if let Some(source) = finding.blame.source.as_ref().filter(|_| !image.is_built()) {
        of_source(&mut key, source);
    }
    key.finish()
}

/// A hash of parts that are told apart by their lengths.
#[derive(Default)]
struct Key(Sha256);

impl Key {
    fn add(&mut self, part: impl AsRef<[u8]>) -> &mut Self {
        let part = part.as_ref();
        self.0.update((part.len() as u64).to_le_bytes());
        self.0.update(part);
        self
    }

    fn finish(self) -> String {
        self.0.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }
}

fn place(key: &mut Key, place: &Place, image: &Image) {
    match place {
        Place::Config { field, index } => {
            let word = index.and_then(|index| element(image, *field, index));
            key.add("config").add(field.as_str()).add(word.unwrap_or_default());
        }
        Place::File { path, head, span, .. } => {
            key.add("file").add(path);
            if let Some(span) = span.as_ref().filter(|span| span.end <= head.len()) {
                context(key, head.as_bstr(), span.start, span.end);
            }
        }
        // Its number is not to be in the key, and its instruction may name a digest.
        Place::Layer { .. } => {
            key.add("layer");
        }
    }
}

/// A word rather than its number, which changes with those before it.
fn element(image: &Image, field: Field, index: usize) -> Option<&str> {
    let configuration = &image.configuration;
    let words = match (field, &configuration.healthcheck) {
        (Field::Entrypoint, _) => &configuration.entrypoint,
        (Field::Cmd, _) => &configuration.cmd,
        (Field::Env, _) => &configuration.env,
        (Field::Healthcheck, Some(Healthcheck::Exec(words))) => return word(words, index.checked_sub(1)?),
        _ => return None,
    };
    word(words, index)
}

fn word(words: &[String], index: usize) -> Option<&str> {
    words.get(index).map(String::as_str)
}

fn of_source(key: &mut Key, source: &Source) {
    key.add("source").add(&source.file.path);
    context(key, source.file.text.as_bstr(), source.span.start, source.span.end);
}

/// Bytes of a text by what they are and the line they stand in; of several such by which of them it is.
fn context(key: &mut Key, text: &BStr, start: usize, end: usize) {
    let (before, rest) = text.split_at(start.min(text.len()));
    let marked = rest.get(..end.saturating_sub(start)).unwrap_or(rest);
    let begin = before.rfind_byte(b'\n').map_or(0, |at| at + 1);
    let (above, left) = before.split_at(begin);
    let line = text.get(begin..).unwrap_or_default().lines().next().unwrap_or_default().trim_ascii();
    let same_lines = above.lines().filter(|other| other.trim_ascii() == line).count();
    let same_words = if marked.is_empty() { 0 } else { left.find_iter(marked).count() };
    key.add(line).add(marked).add(same_lines.to_string()).add(same_words.to_string());
}

/// What a message has in backquotes: the user's own words. In parentheses stands the instruction of a layer, which may
/// name a digest.
fn quoted(message: &str) -> impl Iterator<Item = &str> {
    let mut before = "";
    message.split('`').enumerate().filter_map(move |(i, piece)| {
        let is_aside = std::mem::replace(&mut before, piece).ends_with('(');
        (i % 2 == 1 && !is_aside).then_some(piece)
    })
}

/// What an image is called, whatever its tag, its digest, and the directory that it was built in.
pub fn image_name(image: &Image) -> String {
    match image.source {
        image::DOCKERFILE => path(&image.reference).to_owned(),
        _ => image_name_of(&image.reference),
    }
}

/// The same from what was typed.
pub fn image_name_of(typed: &str) -> String {
    path(&name(typed)).to_owned()
}

/// A reference without its transport, tag and digest.
pub fn name(typed: &str) -> String {
    let name = match typed.parse() {
        Ok(Reference::Stdin) | Err(_) => typed.to_owned(),
        Ok(typed) => untyped(&typed).trim_start_matches("//").to_owned(),
    };
    let name = name.split_once('@').map_or(name.as_str(), |(name, _)| name);
    match name.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => name.to_owned(),
        _ => name.to_owned(),
    }
}

/// A relative path as it stands, of an absolute one the last name: where a build happens to have put an image is
/// not what it is called.
fn path(name: &str) -> &str {
    let bare = name.trim_end_matches('/');
    let short = match bare.strip_prefix('/') {
        Some(_) => bare.rsplit('/').next().unwrap_or(bare),
        None => bare.trim_start_matches("./"),
    };
    if short.is_empty() { name } else { short }
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
mod tests;
