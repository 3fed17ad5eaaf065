//! Files that `--report` names.
//!
//! A regular file is replaced whole or not at all: a new file is written beside it and takes its name. What else has
//! a name - a device, a FIFO, what standard output leads to - is opened and written to, for it must stay what it is.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};

use super::output::{self, Complaint, Result};

/// What tells files apart, whatever their names.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Identity {
    /// One that is there: device and inode.
    There(u64, u64),
    /// One that is to be made: its path, links resolved as far as there is something.
    New(PathBuf),
}

impl Identity {
    fn of(path: &Path) -> Self {
        match path.metadata() {
            Ok(metadata) => Identity::there(&metadata),
            Err(_) => Identity::New(resolved(path)),
        }
    }

    fn there(metadata: &Metadata) -> Self {
        Identity::There(metadata.dev(), metadata.ino())
    }

    /// Of an open stream.
    fn of_stream(stream: impl AsFd) -> Option<Self> {
        let file = File::from(stream.as_fd().try_clone_to_owned().ok()?);
        Some(Identity::there(&file.metadata().ok()?))
    }
}

/// The path behind symbolic links, also of a file that is not there yet.
fn resolved(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    // path_resolution(7): the kernel gives up after 40 links, too.
    for _ in 0..40 {
        match fs::read_link(&path) {
            Ok(target) => path = path.parent().unwrap_or(Path::new("")).join(target),
            Err(_) => break,
        }
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match (parent.canonicalize(), path.file_name()) {
        (Ok(parent), Some(name)) => parent.join(name),
        _ => path,
    }
}

/// Complains of a report that would overwrite an image that is to be read, or another report.
pub fn check<'p>(reports: impl Iterator<Item = &'p Path>, images: &[String]) -> Result<()> {
    let mut seen: Vec<(Identity, &Path)> = Vec::new();
    for path in reports {
        let identity = Identity::of(path);
        if let Some(image) = images.iter().find(|image| files(image).contains(&identity)) {
            let what = format!("the report `{}` would overwrite the image `{image}`", path.display());
            return Err(Complaint::new(what).help("give the report another name"));
        }
        if let Some((_, other)) = seen.iter().find(|(seen, _)| *seen == identity) {
            let what = format!("two reports go to one file: `{}` and `{}`", other.display(), path.display());
            return Err(Complaint::new(what).help("give each report a name of its own"));
        }
        seen.push((identity, path));
    }
    Ok(())
}

/// The files that a reference may mean: all of it, or what stands before a colon, after its transport or with it.
fn files(image: &str) -> Vec<Identity> {
    if image == "-" {
        return Identity::of_stream(io::stdin()).into_iter().collect();
    }
    let starts = [Some(image), image.split_once(':').map(|(_, rest)| rest)];
    let names = starts.into_iter().flatten().flat_map(|text| {
        let ends = text.match_indices(':').map(|(end, _)| end).chain([text.len()]);
        ends.filter_map(move |end| text.get(..end))
    });
    names.filter_map(|name| Path::new(name).metadata().ok()).map(|metadata| Identity::there(&metadata)).collect()
}

/// Writes the report `text` to the file that `path` names.
pub fn write(path: &Path, text: &str) -> Result<()> {
    write_as("report", path, text.as_bytes())
}

/// The same of another text, which a complaint calls `what`.
pub fn write_as(what: &str, path: &Path, text: &[u8]) -> Result<()> {
    let identity = Some(Identity::of(path));
    if identity == Identity::of_stream(io::stdout()) {
        return output::print(&String::from_utf8_lossy(text));
    }
    let written = match path.metadata() {
        _ if identity == Identity::of_stream(io::stderr()) => io::stderr().lock().write_all(text),
        Ok(metadata) if metadata.is_file() => {
            path.canonicalize().and_then(|file| replace(&file, text, Some(&metadata)))
        }
        Ok(_) => OpenOptions::new().write(true).open(path).and_then(|mut file| file.write_all(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => replace(&resolved(path), text, None),
        Err(error) => Err(error),
    };
    match written {
        // A reader that has gone away is no error, as for standard output.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Complaint::new(format!("could not write the {what} `{}`: {error}", path.display())))
        }
        _ => Ok(()),
    }
}

/// Writes a new file beside `path`, which then takes its name, and the mode and, where that may be given, the owner of the
/// file that had it.
fn replace(path: &Path, text: &[u8], old: Option<&Metadata>) -> io::Result<()> {
    let temporary = beside(path);
    let mut file = OpenOptions::new().write(true).create_new(true).open(&temporary)?;
    // chown(2) clears set-id bits: the mode comes after it
    let _ = old.map(|old| chown(&temporary, Some(old.uid()), Some(old.gid())));
    let kept = old.map_or(Ok(()), |old| file.set_permissions(old.permissions()));
    let renamed = kept.and_then(|()| file.write_all(text)).and_then(|()| fs::rename(&temporary, path));
    if renamed.is_err() {
        // It is ours, and of no use.
        let _ = fs::remove_file(&temporary);
    }
    renamed
}

fn beside(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.tmp", std::process::id()));
    path.with_file_name(name)
}
