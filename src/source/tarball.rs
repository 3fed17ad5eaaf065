//! The members of an *outer* archive, one after the other: what `docker save` or `skopeo copy` wrote.
//!
//! Headers are decoded by the `tar` crate; the walk from one to the next is here, because the crate's own reads long
//! names and PAX records of any length into memory. Layers are another matter: there every detail of Go's reader
//! counts, see `image::layer`.

use std::io::{self, Read};

const BLOCK: usize = 512;

/// The longest PAX record or long name that is believed (Go's archive/tar has the same limit, `maxSpecialFileSize`).
const MAX_RECORD: u64 = 1 << 20;

/// What a member is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A symbolic link to the path.
    Symlink(String),
    /// A hard link to the path.
    Hardlink(String),
    /// A directory, device or anything else without bytes of interest.
    Other,
}

/// One member; its bytes are read from the [`Tarball`] before the next is asked for.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its name, as the archive has it; bytes that are not UTF-8 are replaced.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// How many bytes follow.
    pub size: u64,
    /// Where they begin.
    pub offset: u64,
}

/// A way over bytes that are of no interest: reading or seeking.
type Skip<R> = fn(&mut R, u64) -> io::Result<()>;

/// A walk along the members of a tar archive. As [`Read`] it gives the current member's bytes.
pub struct Tarball<R> {
    reader: R,
    skip: Skip<R>,
    position: u64,
    /// Bytes of the current member not yet read, and its padding.
    left: u64,
    padding: u64,
}

/// Records that describe the member after them.
#[derive(Default)]
struct Extension {
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
}

impl<R: Read> Tarball<R> {
    /// Walks a stream.
    pub fn new(reader: R) -> Self {
        Self::with_skip(reader, skip_by_reading)
    }

    /// Walks with another way to get over bytes.
    pub fn with_skip(reader: R, skip: Skip<R>) -> Self {
        Tarball { reader, skip, position: 0, left: 0, padding: 0 }
    }

    /// Goes to the next member; `None` at the end of the archive.
    ///
    /// # Errors
    /// The archive is damaged, or the reader fails.
    pub fn next_member(&mut self) -> io::Result<Option<Member>> {
        let mut extension = Extension::default();
        loop {
            self.leave()?;
            let mut block = [0; BLOCK];
            if !self.block(&mut block)? || block.iter().all(|b| *b == 0) {
                return Ok(None);
            }
            let header = tar::Header::from_byte_slice(&block);
            verify(&block, header)?;
            let kind = header.entry_type();
            let size = size(header)?;
            self.enter(size)?;
            match kind {
                tar::EntryType::GNULongName => extension.name = Some(self.record(true)?),
                tar::EntryType::GNULongLink => extension.link = Some(self.record(true)?),
                tar::EntryType::XHeader => self.pax(&mut extension)?,
                tar::EntryType::XGlobalHeader => {}
                _ => return self.member(header, extension).map(Some),
            }
        }
    }

    /// Reads what stands behind the archive: there a decompressor says whether all was right, and who writes into a
    /// pipe can write all of it.
    ///
    /// # Errors
    /// The reader fails.
    pub fn finish(mut self) -> io::Result<()> {
        io::copy(&mut self.reader, &mut io::sink()).map(drop)
    }

    fn member(&mut self, header: &tar::Header, extension: Extension) -> io::Result<Member> {
        if let Some(size) = extension.size {
            self.enter(size)?;
        }
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let link = || {
            let own = header.link_name_bytes().unwrap_or_default();
            text(extension.link.as_deref().unwrap_or(&own))
        };
        let kind = match header.entry_type() {
            // 'S' is GNU's sparse file: what follows is not what it holds.
            kind if kind.is_file() || kind.is_contiguous() => Kind::File,
            kind if kind.is_symlink() => Kind::Symlink(link()),
            kind if kind.is_hard_link() => Kind::Hardlink(link()),
            _ => Kind::Other,
        };
        // Links and directories have no bytes, whatever their header says (Go's archive/tar, `isHeaderOnlyType`).
        if matches!(kind, Kind::Symlink(_) | Kind::Hardlink(_)) || header.entry_type().is_dir() {
            self.enter(0)?;
        }
        let name = extension.name.as_deref().map_or_else(|| text(&header.path_bytes()), text);
        Ok(Member { name, kind, size: self.left, offset: self.position })
    }

    fn enter(&mut self, size: u64) -> io::Result<()> {
        let block = BLOCK as u64;
        let padded = size.div_ceil(block).checked_mul(block).filter(|end| *end < i64::MAX as u64);
        self.padding = padded.ok_or_else(|| bad("a member is larger than any file can be"))? - size;
        self.left = size;
        Ok(())
    }

    fn leave(&mut self) -> io::Result<()> {
        let rest = self.left + self.padding;
        (self.left, self.padding) = (0, 0);
        if rest > 0 {
            (self.skip)(&mut self.reader, rest)?;
            self.position += rest;
        }
        Ok(())
    }

    /// Reads a block; `false` at the end of the input. Archives without the closing zero blocks are common.
    fn block(&mut self, block: &mut [u8; BLOCK]) -> io::Result<bool> {
        let mut filled = 0;
        while let Some(rest) = block.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.reader.read(rest) {
                Ok(0) if filled == 0 => return Ok(false),
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(n) => filled += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        self.position += BLOCK as u64;
        Ok(true)
    }

    fn record(&mut self, cut_at_nul: bool) -> io::Result<Vec<u8>> {
        if self.left > MAX_RECORD {
            return Err(bad("a long name or PAX record is longer than 1 MiB"));
        }
        let mut bytes = vec![0; self.left as usize];
        self.read_exact(&mut bytes)?;
        if cut_at_nul && let Some(end) = bytes.iter().position(|b| *b == 0) {
            bytes.truncate(end);
        }
        Ok(bytes)
    }

    fn pax(&mut self, extension: &mut Extension) -> io::Result<()> {
        let bytes = self.record(false)?;
        for record in tar::PaxExtensions::new(&bytes) {
            let record = record?;
            let value = record.value_bytes();
            match record.key_bytes() {
                b"path" => extension.name = Some(value.to_owned()),
                b"linkpath" => extension.link = Some(value.to_owned()),
                b"size" => {
                    let size = std::str::from_utf8(value).ok().and_then(|v| v.parse().ok());
                    extension.size = Some(size.ok_or_else(|| bad("the size in a PAX record is not a number"))?);
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl<R: Read> Read for Tarball<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let Some(part) = buffer.get_mut(..most).filter(|part| !part.is_empty()) else { return Ok(0) };
        match self.reader.read(part)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            n => {
                self.left -= n as u64;
                self.position += n as u64;
                Ok(n)
            }
        }
    }
}

fn skip_by_reading<R: Read>(reader: &mut R, count: u64) -> io::Result<()> {
    let skipped = io::copy(&mut reader.take(count), &mut io::sink())?;
    if skipped == count { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// A blank size is 0 to Go's archive/tar (`parseNumeric`), and links are written so.
fn size(header: &tar::Header) -> io::Result<u64> {
    let is_blank = header.as_old().size.iter().all(|b| matches!(b, 0 | b' '));
    if is_blank { Ok(0) } else { header.entry_size() }
}

fn verify(block: &[u8; BLOCK], header: &tar::Header) -> io::Result<()> {
    let stored = header.cksum().map_err(|_| bad("it is not a tar archive, or is damaged"))?;
    if checksum(block) == stored { Ok(()) } else { Err(bad("it is not a tar archive, or is damaged")) }
}

/// The sum of all bytes, those of the checksum itself taken as blanks.
fn checksum(block: &[u8; BLOCK]) -> u32 {
    let byte = |(at, byte): (usize, &u8)| if (148..156).contains(&at) { u32::from(b' ') } else { u32::from(*byte) };
    block.iter().enumerate().map(byte).sum()
}

/// Whether a file that begins with these bytes may be a tar archive: a header whose checksum is right, or the zero
/// block that ends an empty archive.
pub(crate) fn is_tar(head: &[u8]) -> bool {
    let Some(block) = head.first_chunk::<BLOCK>() else { return false };
    block.iter().all(|b| *b == 0) || verify(block, tar::Header::from_byte_slice(block)).is_ok()
}

fn bad(problem: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem)
}
