//! `--fix` and `--diff`: what can be mended in the files that an image is built from.

use std::path::PathBuf;

use bstr::{BStr, BString, ByteSlice};
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

/// The changes as `diff -u` shows them.
pub fn diff(mended: &Mended) -> String {
    let one = |(path, (before, after)): (&BString, &(BString, BString))| {
        let (before, after) = (before.to_str_lossy(), after.to_str_lossy());
        let path = visible(path);
        TextDiff::from_lines(before.as_ref(), after.as_ref())
            .unified_diff()
            .header(&format!("a/{path}"), &format!("b/{path}"))
            .to_string()
    };
    mended.files.iter().map(one).collect()
}

/// Writes the changed files, each as a whole or not at all, and says what was done.
pub fn write(wanted: &Wanted, mended: &Mended) -> Result<()> {
    if mended.files.is_empty() {
        return Ok(());
    }
    let unbuilt = Unbuilt::open(wanted)?;
    let places: Vec<(PathBuf, &BString)> = mended
        .files
        .iter()
        .map(|(path, (_, after))| Ok((place(&unbuilt, wanted, path.as_bstr())?, after)))
        .collect::<Result<_>>()?;
    for (place, text) in places {
        target::write_as("file", &place, text)?;
    }
    for (rule, title) in &mended.done {
        output::note(&format!("mended {rule}: {}", visible(title.as_bytes())));
    }
    let files = counted(mended.files.len(), "file");
    output::note(&format!("{files} changed: {}", listed(mended)));
    Ok(())
}

fn place(unbuilt: &Unbuilt, wanted: &Wanted, path: &BStr) -> Result<PathBuf> {
    let none = || {
        Complaint::new(format!("could not write `{}`: it is no regular file of the build context", visible(path)))
            .help("see what would change with --diff")
    };
    if wanted.text.is_some() {
        return Err(Complaint::new("what comes from standard input cannot be mended there").help("use --diff"));
    }
    unbuilt.place(wanted, path).ok_or_else(none)
}

fn listed(mended: &Mended) -> String {
    mended.files.keys().map(|path| visible(path).to_string()).collect::<Vec<_>>().join(", ")
}
