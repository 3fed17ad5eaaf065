//! `--fix` and `--diff`: what can be mended in the files that an image is built from.

use std::path::PathBuf;

use bstr::{BString, ByteSlice};
use clap::Args;
use imagelint::lint::{Mended, Unbuilt, Wanted, Which};
use imagelint::report::counted;
use imagelint::report::escape::visible;
use similar::TextDiff;

use super::output::{self, Complaint, Result};
use super::target;

/// As typed.
#[derive(Debug, Args)]
#[command(next_help_heading = "Fixes")]
#[group(skip)]
pub struct Options {
    /// Mend the Dockerfile and the scripts it copies, where nothing but what is wrong changes by it
    #[arg(long)]
    fix: bool,
    /// Show what --fix would change, and change nothing; the exit code is 1 if there is anything
    #[arg(long, conflicts_with = "fix")]
    diff: bool,
    /// Also make changes that should be looked at: a script may do something else after them
    #[arg(long)]
    unsafe_fixes: bool,
}

impl Options {
    /// Which fixes are wanted; `None` if none are.
    pub fn which(&self) -> Option<Which> {
        (self.fix || self.diff).then_some(if self.unsafe_fixes { Which::All } else { Which::Safe })
    }

    /// Whether they are only shown.
    pub fn is_diff(&self) -> bool {
        self.diff
    }
}

/// That fixes need something else than an image.
pub fn need_files() -> Complaint {
    Complaint::new("an image cannot be mended").help("mend what it is built from: imagelint --dockerfile FILE --fix")
}

/// A file that is to change.
struct Change {
    /// Where it is; `None` of what is no regular file of a build context.
    place: Option<PathBuf>,
    /// Its path in the repository.
    path: BString,
    before: BString,
    after: BString,
}

/// What is to change for one Dockerfile after the other; files that several of them copy are changed once.
#[derive(Default)]
pub struct Changes {
    files: Vec<Change>,
    done: Vec<(&'static str, String)>,
    /// The Dockerfile came from standard input.
    is_typed: bool,
}

impl Changes {
    /// What `wanted` is to be looked at with: the files as those before it left them.
    pub fn so_far(&self, wanted: &Wanted) -> Wanted {
        let mut wanted = wanted.clone();
        if let Ok(unbuilt) = Unbuilt::open(&wanted) {
            let is_same = |change: &&Change| {
                change.place.is_some() && change.place == canonical(unbuilt.place(&wanted, change.path.as_bstr()))
            };
            let known = self.files.iter().filter(is_same).map(|change| (change.path.clone(), change.after.clone()));
            wanted.changed = known.collect();
        }
        wanted
    }

    /// Adds what came of one.
    pub fn add(&mut self, wanted: &Wanted, mended: Mended) {
        let unbuilt = if mended.files.is_empty() { None } else { Unbuilt::open(wanted).ok() };
        for (path, (before, after)) in mended.files {
            let place = canonical(unbuilt.as_ref().and_then(|unbuilt| unbuilt.place(wanted, path.as_bstr())));
            match self.files.iter_mut().find(|known| place.is_some() && known.place == place) {
                Some(known) => known.after = after,
                None => self.files.push(Change { place, path, before, after }),
            }
        }
        self.is_typed |= wanted.text.is_some();
        self.done.extend(mended.done);
    }

    /// The changes as `diff -u` shows them, by paths from the top of the repository, as git(1) takes them.
    pub fn diff(&self) -> Vec<u8> {
        let mut text = Vec::new();
        for change in &self.files {
            let (from, to) = (quoted("a/", &change.path), quoted("b/", &change.path));
            // git knows no other line ends
            let before: Vec<&[u8]> = change.before.lines_with_terminator().collect();
            let after: Vec<&[u8]> = change.after.lines_with_terminator().collect();
            let diff = TextDiff::configure().newline_terminated(true).diff_slices(&before, &after);
            text.extend(format!("--- {from}\n+++ {to}\n").into_bytes());
            // hunk by hunk they are written as bytes; a vector takes all
            diff.unified_diff().iter_hunks().for_each(|hunk| drop(hunk.to_writer(&mut text)));
        }
        text
    }

    /// Writes the changed files, each as a whole or not at all, and says what was done.
    pub fn write(&self) -> Result<()> {
        if self.files.is_empty() {
            return Ok(());
        }
        let places: Vec<(&PathBuf, &BString)> = self
            .files
            .iter()
            .map(|change| Ok((change.place.as_ref().ok_or_else(|| self.nowhere(change))?, &change.after)))
            .collect::<Result<_>>()?;
        for (place, text) in places {
            target::write_as("file", place, text)?;
        }
        for (rule, title) in &self.done {
            output::note(&format!("mended {rule}: {}", visible(title.as_bytes())));
        }
        let names: Vec<String> = self.files.iter().map(|change| visible(&change.path).to_string()).collect();
        output::note(&format!("{} changed: {}", counted(names.len(), "file"), names.join(", ")));
        Ok(())
    }

    fn nowhere(&self, change: &Change) -> Complaint {
        let why = match self.is_typed {
            true => "what comes from standard input cannot be mended there".to_owned(),
            false => {
                format!("could not write `{}`: it is no regular file of the build context", visible(&change.path))
            }
        };
        Complaint::new(why).help("see what would change with --diff")
    }
}

/// A path as git writes it in a diff: in quotes, with escapes, where it is not plain (git-config(1), core.quotePath).
fn quoted(before: &str, path: &[u8]) -> String {
    let is_plain = |byte: &u8| matches!(byte, b' '..=b'~') && !b"\"\\".contains(byte);
    if path.iter().all(is_plain) {
        return format!("{before}{}", path.to_str_lossy());
    }
    let escaped = |byte: &u8| if is_plain(byte) { char::from(*byte).to_string() } else { format!("\\{byte:03o}") };
    format!("\"{before}{}\"", path.iter().map(escaped).collect::<String>())
}

fn canonical(place: Option<PathBuf>) -> Option<PathBuf> {
    place?.canonicalize().ok()
}
