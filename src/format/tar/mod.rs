//! tar archives, read exactly as Go's archive/tar reads them.
//!
//! Docker, containerd, podman and BuildKit unpack layers with that package, so what a layer *is* is what it answers:
//! which of two names wins, which sizes are forced to 0, what is refused. The reference is `reader.go`, `common.go`
//! and `strconv.go` of Go 1.25; function names in the comments of this module are theirs.
//!
//! The reader pulls: [`Reader::next_header`], then [`Reader::data`] until it is out of bytes (or not at all), and so
//! on. Memory is bounded by the buffer and by 1 MiB for the metadata of one entry.

#[cfg(test)]
pub(crate) mod craft;
mod header;
mod input;
mod number;
mod pax;
mod sparse;

pub use header::Header;

use std::io::{self, Read};

use header::{Block, Format};
use input::Input;
use pax::Pax;

/// Why reading stops.
#[derive(Debug)]
pub enum Error {
    /// The bytes could not be had.
    Io(io::Error),
    /// The bytes are there, and archive/tar refuses them; what is wrong, in a few words.
    Refused(&'static str),
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Error::Io(error)
    }
}

type Result<T> = std::result::Result<T, Error>;

const BLOCK: usize = 512;

/// The most a long name, a PAX extended header or a sparse map may take (`maxSpecialFileSize`).
const MAX_SPECIAL: u64 = 1 << 20;

/// Reads an archive front to back.
pub struct Reader<R> {
    input: Input<R>,
    /// Bytes of the current entry's body that are still to come.
    left: u64,
    /// Bytes that fill the body's last block.
    padding: u64,
    /// What is wrong with the current body; said when the body has been read, as archive/tar does.
    fault: Option<&'static str>,
    /// The end has been reached, or a fault: nothing more is said.
    done: bool,
}

impl<R: Read> Reader<R> {
    /// Reads nothing yet.
    pub fn new(inner: R) -> Self {
        Reader { input: Input::new(inner), left: 0, padding: 0, fault: None, done: false }
    }

    /// The next entry; global extended headers (`g`) are entries, as in archive/tar. `None` at the end.
    ///
    /// # Errors
    /// [`Error::Refused`] for what archive/tar refuses; then, as after the end, nothing more comes.
    pub fn next_header(&mut self) -> Result<Option<Header>> {
        if self.done {
            return Ok(None);
        }
        let found = self.advance();
        self.done = !matches!(found, Ok(Some(_)));
        found
    }

    /// The next bytes of the current entry's body as stored, `None` after the last. A sparse file's body has no holes.
    ///
    /// # Errors
    /// The archive ends inside the body, or the body does not fit its sparse map.
    pub fn data(&mut self) -> Result<Option<&[u8]>> {
        if self.left == 0 {
            return match self.fault.take() {
                Some(fault) => self.refuse(fault),
                None => Ok(None),
            };
        }
        if self.input.is_at_end()? {
            return self.refuse("the archive ends inside a file");
        }
        let chunk = self.input.buffered(self.left);
        self.left -= chunk.len() as u64;
        Ok(Some(chunk))
    }

    /// Reads what follows the end of the archive.
    ///
    /// # Errors
    /// The bytes cannot be had.
    pub fn drain(&mut self) -> io::Result<()> {
        self.done = true;
        while !self.input.is_at_end()? {
            self.input.buffered(u64::MAX);
        }
        Ok(())
    }

    /// What the reader was made of.
    pub fn into_inner(self) -> R {
        self.input.into_inner()
    }

    fn refuse<T>(&mut self, problem: &'static str) -> Result<T> {
        self.done = true;
        self.left = 0;
        Err(Error::Refused(problem))
    }

    /// `Reader.next`: headers that describe the next one are taken in until a real entry comes.
    fn advance(&mut self) -> Result<Option<Header>> {
        let (mut pax, mut long_name, mut long_link) = (Pax::default(), Vec::new(), Vec::new());
        loop {
            if !self.skip_body()? {
                return Ok(None);
            }
            let Some(block) = self.next_block()? else { return Ok(None) };
            let mut header = block.header()?;
            self.set_body(&header)?;
            match header.typeflag {
                // A later extended header replaces an earlier one as a whole.
                b'x' => pax = Pax::parse(&self.special()?)?,
                b'g' => {
                    let global = Pax::parse(&self.special()?)?;
                    return Ok(Some(Header::global(header, global)));
                }
                b'L' => long_name = number::until_nul(&self.special()?).to_vec(),
                b'K' => long_link = number::until_nul(&self.special()?).to_vec(),
                _ => {
                    pax.merge(&mut header)?;
                    header.override_names(long_name, long_link);
                    self.set_body(&header)?;
                    self.sparse(&mut header, &pax, &block)?;
                    header.close();
                    return Ok(Some(header));
                }
            }
        }
    }

    /// `false` if the archive ends in the padding, which is an ordinary end.
    fn skip_body(&mut self) -> Result<bool> {
        while self.data()?.is_some() {}
        while self.padding > 0 {
            if self.input.is_at_end()? {
                return Ok(false);
            }
            self.padding -= self.input.buffered(self.padding).len() as u64;
        }
        Ok(true)
    }

    /// `readHeader`: two zero blocks, one zero block or none at all end an archive; a zero block before anything else
    /// is a fault.
    fn next_block(&mut self) -> Result<Option<Block>> {
        let Some(block) = self.input.block()? else { return Ok(None) };
        if !block.is_zero() {
            return Ok(Some(block));
        }
        match self.input.block()? {
            Some(second) if !second.is_zero() => Err(Error::Refused("a zero block is followed by more data")),
            _ => Ok(None),
        }
    }

    /// `handleRegularFile`.
    fn set_body(&mut self, header: &Header) -> Result<()> {
        let size = if header.is_header_only() { 0 } else { header.stored };
        self.left = u64::try_from(size).map_err(|_| Error::Refused("a header has a negative size"))?;
        self.padding = self.left.wrapping_neg() % BLOCK as u64;
        Ok(())
    }

    /// `readSpecialFile`: the body of an entry that describes the next one.
    fn special(&mut self) -> Result<Vec<u8>> {
        if self.left > MAX_SPECIAL {
            return Err(Error::Refused("a long name or extended header is larger than 1 MiB"));
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = self.data()? {
            bytes.extend_from_slice(chunk);
        }
        Ok(bytes)
    }

    /// `handleSparseFile`.
    fn sparse(&mut self, header: &mut Header, pax: &Pax, block: &Block) -> Result<()> {
        let stored = if header.typeflag == b'S' {
            if block.format() != Some(Format::Gnu) {
                return Err(Error::Refused("a sparse file in an archive that is not GNU's"));
            }
            Some(sparse::old_gnu(block, &mut self.input, header)?)
        } else if let Some(version) = pax.sparse_version() {
            pax.merge_sparse(header)?;
            Some(match version {
                pax::SparseVersion::InHeader => sparse::in_header(pax, header.size)?,
                pax::SparseVersion::InBody => sparse::in_body(&mut self.input, &mut self.left, header.size)?,
            })
        } else {
            None
        };
        let Some(stored) = stored else { return Ok(()) };
        if header.is_header_only() {
            return Err(Error::Refused("a sparse file that is not a regular file"));
        }
        header.sparse = true;
        if stored > self.left {
            self.fault = Some("a sparse file has less data than its map says");
        } else if stored < self.left {
            self.fault = Some("a sparse file has more data than its map says");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
