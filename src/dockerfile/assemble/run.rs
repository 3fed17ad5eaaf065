//! What RUN may do to the files that were copied before it.

use std::collections::BTreeMap;

use bstr::{BStr, BString, ByteSlice};

use super::Placed;

/// Programs that change what is in a file that they name.
const EDITORS: [&str; 9] = ["sed", "perl", "awk", "dos2unix", "envsubst", "patch", "tee", "truncate", "tr"];
/// Programs after which a file is no more where it was.
const MOVERS: [&str; 3] = ["mv", "rm", "unlink"];

/// Takes into account what a command does: files that it makes executable; those that it changes or removes are no longer
/// known.
pub fn changes(text: &BStr, files: &mut BTreeMap<BString, Placed>) {
    let words = words(text);
    let names = |programs: &[&str]| words.iter().any(|word| programs.iter().any(|p| *word == p.as_bytes()));
    let chmod = names(&["chmod", "install", "chown"]);
    let (edits, moves) = (names(&EDITORS), names(&MOVERS));
    if !(chmod || edits || moves || text.contains(&b'>')) {
        return;
    }
    files.retain(|path, placed| {
        let mention = mention(&words, path.as_bstr());
        if chmod && mention != Mention::None {
            placed.mode |= 0o111;
        }
        !(mention == Mention::Itself && (edits || moves || is_written(&words, path.as_bstr())))
    });
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mention {
    None,
    /// A directory above it, or a pattern, or what is not known.
    Around,
    Itself,
}

fn words(text: &BStr) -> Vec<&[u8]> {
    let separates = |b: u8| b.is_ascii_whitespace() || b";&|()\"'`{}=,".contains(&b);
    text.split(|b| separates(*b)).filter(|word| !word.is_empty()).collect()
}

/// How a command speaks of a file.
fn mention(words: &[&[u8]], path: &BStr) -> Mention {
    let name = path.rsplit_str("/").next().unwrap_or_default();
    let itself = |word: &&[u8]| {
        let last = word.rsplit_str("/").next().unwrap_or_default();
        last == name || (last.contains(&b'*') && like(last, name))
    };
    if words.iter().any(itself) {
        return Mention::Itself;
    }
    let around = |word: &&[u8]| {
        let directory = word.trim_with(|c| c == '/');
        let above = word.starts_with(b"/")
            && (directory.is_empty() || path.strip_prefix(directory).is_some_and(|rest| rest.starts_with(b"/")));
        above || word.starts_with(b"$") || *word == b"." || *word == b"*" || *word == b"-R" || *word == b"find"
    };
    if words.iter().any(around) { Mention::Around } else { Mention::None }
}

/// Whether `name` begins and ends as a pattern with one `*` does.
fn like(pattern: &[u8], name: &[u8]) -> bool {
    let (start, end) = pattern.split_once_str("*").unwrap_or((pattern, b""));
    name.starts_with(start) && name.ends_with(end.rsplit_str("*").next().unwrap_or_default())
}

/// `> file`.
fn is_written(words: &[&[u8]], path: &BStr) -> bool {
    let name = path.rsplit_str("/").next().unwrap_or_default();
    let ends = |word: &[u8]| word.rsplit_str("/").next() == Some(name);
    let mut pairs = words.windows(2);
    pairs.any(|pair| matches!(pair, [b">" | b">>", file] if ends(file)))
        || words.iter().any(|word| word.starts_with(b">") && ends(word.trim_start_with(|c| c == '>')))
}
