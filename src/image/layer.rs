//! Reads a layer's blob into a [`Changeset`]: one pass, nothing written to disk, nothing held but what is kept.
//!
//! ```text
//! blob -> hash -> decompress -> hash -> tar -> changeset
//!         digest                diff id
//! ```
//!
//! # What is kept of files' contents
//! Only what a launch may need, so that a second look at the layer is rare:
//!
//! * a regular file with any x bit: of ELF files the header, the program headers and the interpreter's name, with
//!   pieces elsewhere than in the first 4 KiB up to 4 KiB each; if class, byte order and machine do not belong
//!   together, and of all other files, the first 4 KiB;
//! * a file that begins with `#!`, whatever its mode: the first 4 KiB;
//! * of ELF files with a PT_DYNAMIC segment, whatever their mode, what a dynamic loader reads of them
//!   ([`Object`](crate::format::elf::Object), some 250 bytes), if linkers put it where it is in nearly all files: before
//!   the code (12 MiB at most; 1 MiB where code and the rest are one segment), or at the dynamic section and behind it;
//! * a file that is called like a library (`.so`) and is no ELF file: the first 64 bytes;
//! * `etc/passwd`, `etc/group`, `etc/ld.so.cache`, `etc/ld.so.conf` and the like: all of it up to 1 MiB;
//! * of sparse files nothing.
//!
//! # Bounds
//! All layers are hostile. An image may have [`Bounds::ENTRIES`] entries, and [`Bounds::TEXT`] bytes of names, links and
//! attributes beyond the [`Bounds::ORDINARY`] that any entry may have; a layer may decompress to [`Bounds::DECODED`]
//! bytes; more is an error. When [`Bounds::KEPT`] bytes of contents are kept, no more are, which costs second looks and
//! nothing else. What is too long for Linux is kept as far as it takes to tell, and refused when it is applied.
//!
//! # What is an error and what is a fault of the image
//! An archive that archive/tar or the engines' unpackers refuse is a [`BadArchive`], provided the blob is what its
//! digest says. A blob that is not, or that cannot be read or decompressed, is an [`Error`].

mod again;
mod bounds;

pub use again::reread;
pub use bounds::Bounds;

use std::io::{self, Read};
use std::sync::Arc;

use bstr::{BStr, BString};

use super::changeset::{BadArchive, Changeset, Content, Entry, FileType, STORED_MAX};
use super::keep::Keeper;
use crate::error::{Error, Result};
use crate::format::tar::{self, Header};
use crate::source::decode::decode;
use crate::source::verify::{Blob, Hasher};
use crate::source::words;

/// What is known of a layer before it is read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Expected {
    /// Digest of the blob, from its descriptor.
    pub digest: Option<String>,
    /// Digest of the archive inside, from the configuration's `rootfs.diff_ids`. Verified if given; that costs time,
    /// and gains nothing if the blob's own digest is verified.
    pub diff_id: Option<String>,
    /// Length of the blob, from its descriptor.
    pub size: Option<u64>,
}

/// Why a layer is not read to its end.
enum Stop {
    /// The bytes cannot be had.
    Io(io::Error),
    /// A bound is reached, or the archive is another than the configuration says.
    Other(String),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Stop::Io(error)
    }
}

/// Reads a layer. `what` names it in errors: `layer 3 (sha256:…)`.
///
/// # Errors
/// The blob cannot be read, is not what `expected` says, does not decompress or exceeds a bound. An archive that engines
/// refuse is no error, see [`Changeset::bad_archive`].
pub fn read(blob: impl Read, expected: &Expected, what: &str, bounds: &Bounds) -> Result<Changeset> {
    let blob = Blob::new(blob, expected.digest.as_deref(), expected.size);
    let mut blob = blob.map_err(|problem| Error::new(what, problem))?;
    match read_archive(&mut blob, expected.diff_id.as_deref(), bounds) {
        Ok(changeset) => blob.verify(what).map(|()| changeset),
        Err(Stop::Other(problem)) => Err(Error::new(what, problem)),
        Err(Stop::Io(error)) => {
            // A blob that is not what its digest says is the better explanation.
            blob.verify(what)?;
            Err(undecodable(what, &error, expected.digest.is_some()))
        }
    }
}

fn undecodable(what: &str, error: &io::Error, is_verified: bool) -> Error {
    let help = if is_verified {
        "its digest is right, so fetching it again will not help; see whether a container engine can unpack it"
    } else {
        "fetch, pull or save the image again"
    };
    Error::new(what, format!("it does not decompress: {}", words(error))).help(help)
}

fn read_archive<R: Read>(
    blob: &mut Blob<R>,
    diff_id: Option<&str>,
    bounds: &Bounds,
) -> std::result::Result<Changeset, Stop> {
    let hasher = diff_id.map(Hasher::of).transpose().map_err(Stop::Other)?;
    let mut tar = tar::Reader::new(Decoded { inner: decode(blob)?, size: 0, most: bounds.decoded, hasher });
    // Engines hash to the end of the blob, whatever stands behind the archive, and after a fault too here.
    let changeset = Scan::new(bounds).run(&mut tar).and_then(|set| Ok(tar.drain().map(|()| set)?));
    let decoded = tar.into_inner();
    if decoded.is_over() {
        return Err(Stop::Other(bounds.too_large()));
    }
    let changeset = changeset?;
    match decoded.hasher.map(Hasher::finish) {
        Some(digest) if Some(digest.as_str()) != diff_id => Err(Stop::Other(format!(
            "its archive does not match its diff id: it is {digest} instead of {}",
            diff_id.unwrap_or_default()
        ))),
        _ => Ok(changeset),
    }
}

/// What a blob decompresses to, counted, and hashed if asked for.
struct Decoded<D> {
    inner: D,
    size: u64,
    most: u64,
    hasher: Option<Hasher>,
}

impl<D> Decoded<D> {
    fn is_over(&self) -> bool {
        self.size > self.most
    }
}

impl<D: Read> Read for Decoded<D> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(into)?;
        self.size += read as u64;
        if self.is_over() {
            return Err(io::Error::other("too large"));
        }
        if let Some(hasher) = &mut self.hasher {
            hasher.update(into.get(..read).unwrap_or_default());
        }
        Ok(read)
    }
}

/// The most that is shown of a name, which may be a mebibyte long.
const SHOWN: usize = 255;

/// A walk over an archive.
struct Scan<'a> {
    bounds: &'a Bounds,
    keeper: Keeper,
    changeset: Changeset,
    /// Name of the last entry.
    previous: BString,
}

impl<'a> Scan<'a> {
    fn new(bounds: &'a Bounds) -> Self {
        Scan { bounds, keeper: Keeper::new(), changeset: Changeset::default(), previous: BString::default() }
    }

    fn run(mut self, tar: &mut tar::Reader<impl Read>) -> std::result::Result<Changeset, Stop> {
        loop {
            match self.step(tar) {
                Ok(true) => {}
                Ok(false) => return Ok(self.changeset),
                Err(Fault::Stop(stop)) => return Err(stop),
                Err(Fault::Refused(problem)) => return Ok(self.refuse(problem)),
            }
        }
    }

    /// One entry; `false` after the last.
    fn step(&mut self, tar: &mut tar::Reader<impl Read>) -> std::result::Result<bool, Fault> {
        let Some(mut header) = tar.next_header()? else { return Ok(false) };
        if header.typeflag == b'g' {
            return Ok(true);
        }
        let file_type = file_type(header.typeflag).ok_or_else(|| Fault::Refused(unhandled(&header)))?;
        count(&mut header, &self.previous, self.bounds).map_err(Stop::Other)?;
        let content = self.content(&header, tar)?;
        self.push(header, file_type, content.as_ref());
        Ok(true)
    }

    /// Bodies are read to their end, as unpacking does: that is where a truncated archive shows.
    fn content(
        &mut self,
        header: &Header,
        tar: &mut tar::Reader<impl Read>,
    ) -> std::result::Result<Option<Arc<Content>>, Fault> {
        let (mut wanted, mut position) = (self.keeper.start(header), 0);
        while let Some(bytes) = tar.data()? {
            let end = position + bytes.len() as u64;
            if wanted.is_some_and(|offset| offset < end) {
                wanted = self.keeper.feed(position, bytes);
            }
            position = end;
        }
        let Some(content) = self.keeper.finish() else { return Ok(None) };
        let kept = self.bounds.keep(content);
        if kept.is_none() {
            self.changeset.leave_out();
        }
        Ok(kept)
    }

    fn push(&mut self, header: Header, file_type: FileType, content: Option<&Arc<Content>>) {
        let entry = Entry::of(&header, file_type, content);
        self.changeset.push(&self.previous, &entry);
        self.previous = header.name;
    }

    fn refuse(mut self, problem: String) -> Changeset {
        self.previous.truncate(SHOWN);
        let ordinal = self.changeset.len() as u32;
        self.changeset.set_bad_archive(BadArchive { ordinal, after: self.previous, problem });
        self.changeset
    }
}

enum Fault {
    Stop(Stop),
    Refused(String),
}

impl From<Stop> for Fault {
    fn from(stop: Stop) -> Self {
        Fault::Stop(stop)
    }
}

impl From<tar::Error> for Fault {
    fn from(error: tar::Error) -> Self {
        match error {
            tar::Error::Io(error) => Fault::Stop(Stop::Io(error)),
            tar::Error::Refused(problem) => Fault::Refused(problem.to_owned()),
        }
    }
}

/// Cuts a header to what is stored of it, and counts it.
fn count(header: &mut Header, previous: &[u8], bounds: &Bounds) -> std::result::Result<(), String> {
    shorten(header);
    let rest = header.link.len() + header.capability.as_ref().map_or(0, Vec::len);
    bounds.count(previous, &header.name, rest)
}

/// The same for an entry of a table of contents; what it makes.
///
/// # Errors
/// A bound is reached, or it is an entry that engines refuse.
pub(super) fn prepare(header: &mut Header, previous: &[u8], bounds: &Bounds) -> std::result::Result<FileType, String> {
    let file_type = file_type(header.typeflag).ok_or_else(|| unhandled(header))?;
    count(header, previous, bounds)?;
    Ok(file_type)
}

/// The longest `security.capability` is 24 bytes long (capability.h, `XATTR_CAPS_SZ_3`); one more tells the others.
const CAPABILITY: usize = 25;

/// Cuts what is longer than Linux takes to a length that is still too long. Names lose their dots first, as they do
/// when they are unpacked (Go's `filepath.Clean`).
fn shorten(header: &mut Header) {
    if header.name.len() > STORED_MAX {
        header.name = shortest(&header.name);
    }
    if header.link.len() > STORED_MAX && header.typeflag == b'1' {
        header.link = shortest(&header.link);
    }
    header.link.truncate(STORED_MAX);
    if let Some(value) = &mut header.capability {
        value.truncate(CAPABILITY);
    }
}

fn shortest(name: &[u8]) -> BString {
    let mut components: Vec<&[u8]> = Vec::new();
    for component in name.split(|b| *b == b'/') {
        match component {
            b"" | b"." => {}
            b".." => drop(components.pop()),
            other => components.push(other),
        }
    }
    let mut name = components.join(&b'/');
    name.truncate(STORED_MAX);
    name.shrink_to_fit();
    name.into()
}

/// The types that engines unpack: `createTarFile` of moby `pkg/archive/archive.go` and of containerd
/// `pkg/archive/tar.go`, `extractTarFileEntry` of containers/storage `pkg/archive/archive.go`. They agree.
fn file_type(typeflag: u8) -> Option<FileType> {
    Some(match typeflag {
        b'0' => FileType::Regular,
        b'1' => FileType::Hardlink,
        b'2' => FileType::Symlink,
        b'3' => FileType::CharDevice,
        b'4' => FileType::BlockDevice,
        b'5' => FileType::Directory,
        b'6' => FileType::Fifo,
        _ => return None,
    })
}

fn unhandled(header: &Header) -> String {
    let (flag, name) = (header.typeflag, BStr::new(header.name.get(..SHOWN).unwrap_or(&header.name)));
    format!(
        "`{name}` is an entry of type `{}`, at which engines stop with \"unhandled tar header type {flag}\"",
        flag.escape_ascii()
    )
}

#[cfg(test)]
mod tests;
