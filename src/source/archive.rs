//! A tar archive on disk that is not compressed: its members are found once and then read in any order.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::PathBuf;

use super::input::{self, Pipes};
use super::{Blobs, Kind, Members, Opened, Tarball, unreadable};
use crate::error::{Error, Result};

/// Far above what any archive of images has; it bounds the memory for the index.
const MAX_MEMBERS: usize = 1 << 20;

/// The archive and where each of its members lies.
#[derive(Debug)]
pub struct Archive {
    path: PathBuf,
    place: String,
    members: Members<Range>,
}

#[derive(Clone, Copy, Debug)]
struct Range {
    offset: u64,
    size: u64,
}

impl Archive {
    /// Walks along the headers; the members' bytes are skipped.
    ///
    /// # Errors
    /// The file cannot be read, is no tar archive, or ends before a member does.
    pub fn open(path: PathBuf) -> Result<Self> {
        let place = format!("archive `{}`", path.display());
        let (file, len) = input::open(&path, &place, Pipes::Refused)?;
        let members = index(file, len).map_err(|e| unreadable(&place, &e))?;
        if members.is_empty() {
            return Err(Error::new(place, if len == 0 { "it is empty" } else { "it has no members" }));
        }
        Ok(Archive { path, place, members })
    }
}

fn index(file: File, len: u64) -> std::io::Result<Members<Range>> {
    let mut members = Members::default();
    let mut tarball = Tarball::with_skip(BufReader::with_capacity(4096, file), |reader, count| {
        reader.seek_relative(i64::try_from(count).unwrap_or(i64::MAX))
    });
    while let Some(member) = tarball.next_member()? {
        // Seeking beyond the end succeeds, so it has to be looked for.
        if member.offset.checked_add(member.size).is_none_or(|end| end > len) {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        match &member.kind {
            Kind::File => members.insert(&member.name, Range { offset: member.offset, size: member.size }),
            Kind::Symlink(target) => members.symlink(&member.name, target),
            Kind::Hardlink(target) => members.hardlink(&member.name, target),
            Kind::Other => {}
        }
        if members.len() > MAX_MEMBERS {
            return Err(std::io::Error::other("it has more than a million members, so it is no archive of images"));
        }
    }
    Ok(members)
}

impl Blobs for Archive {
    /// Each blob has its own file handle, so that layers can be read side by side.
    fn open(&self, name: &str) -> Result<Option<Opened>> {
        let Some(Range { offset, size }) = self.members.get(name).copied() else { return Ok(None) };
        let (mut file, _) = input::open(&self.path, &self.place, Pipes::Refused)?;
        file.seek(SeekFrom::Start(offset)).map_err(|e| unreadable(&self.place, &e))?;
        Ok(Some(Opened { reader: Box::new(file.take(size)), size }))
    }

    fn place(&self) -> &str {
        &self.place
    }
}
