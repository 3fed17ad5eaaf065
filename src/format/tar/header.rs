//! A header block, and what an entry says once its extended headers are merged.

use bstr::BString;

use super::number::{numeric, octal, until_nul};
use super::pax::Pax;
use super::{BLOCK, Error, Result};

/// An entry of an archive.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// What kind of entry, as POSIX ustar numbers them: `b'0'` a regular file, `b'5'` a directory, …
    pub typeflag: u8,
    /// Its name, not cleaned.
    pub name: BString,
    /// Target of a symbolic or hard link, not cleaned.
    pub link: BString,
    /// Length of the file; of a sparse file with its holes.
    pub size: u64,
    /// Mode bits.
    pub mode: i64,
    /// Owner.
    pub uid: i64,
    /// Group.
    pub gid: i64,
    /// The extended attribute `security.capability`, if it is there.
    pub capability: Option<Vec<u8>>,
    /// Whether the body has holes that are not stored.
    pub sparse: bool,
    /// Bytes of body that follow, as the headers say.
    pub(in crate::format) stored: i64,
}

impl Header {
    /// Links, devices, directories and FIFOs have no body, whatever their size says (`isHeaderOnlyType`).
    pub(super) fn is_header_only(&self) -> bool {
        matches!(self.typeflag, b'1'..=b'6')
    }

    /// A global header keeps its name only; like archive/tar, a path among its records renames it.
    pub(super) fn global(header: Header, pax: Pax) -> Header {
        let name = if pax.path.is_empty() { header.name } else { pax.path.into() };
        Header { typeflag: b'g', name, ..Header::default() }
    }

    /// GNU's long names win over PAX ones; an empty one is none. Then a name that ends in a slash makes a directory of
    /// an entry of the oldest kind.
    pub(super) fn override_names(&mut self, name: Vec<u8>, link: Vec<u8>) {
        if !name.is_empty() {
            self.name = name.into();
        }
        if !link.is_empty() {
            self.link = link.into();
        }
        if self.typeflag == 0 {
            self.typeflag = if self.name.ends_with(b"/") { b'5' } else { b'0' };
        }
    }

    /// Settles the size of what is not sparse.
    pub(super) fn close(&mut self) {
        if !self.sparse {
            let size = if self.is_header_only() { 0 } else { self.stored };
            self.size = u64::try_from(size).unwrap_or(0);
        }
    }
}

/// The variants of the header block (`format.go`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    V7,
    Ustar,
    Star,
    Gnu,
}

#[derive(Clone)]
pub(super) struct Block([u8; BLOCK]);

impl Block {
    pub(super) fn new(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Block)
    }

    pub(super) fn is_zero(&self) -> bool {
        self.0.iter().all(|&b| b == 0)
    }

    pub(super) fn field(&self, from: usize, len: usize) -> &[u8] {
        self.0.get(from..from + len).unwrap_or_default()
    }

    fn text(&self, from: usize, len: usize) -> BString {
        until_nul(self.field(from, len)).into()
    }

    fn number(&self, from: usize, len: usize) -> Result<i64> {
        numeric(self.field(from, len)).ok_or(Error::Refused("a header has a field that is not a number"))
    }

    /// `getFormat`: `None` if the checksum is wrong.
    pub(super) fn format(&self) -> Option<Format> {
        let stated = octal(self.field(148, 8))?;
        if stated != self.checksum() && stated != self.signed_checksum() {
            return None;
        }
        Some(match (self.field(257, 6), self.field(263, 2), self.field(508, 4)) {
            (b"ustar\0", _, b"tar\0") => Format::Star,
            (b"ustar\0", ..) => Format::Ustar,
            (b"ustar ", b" \0", _) => Format::Gnu,
            _ => Format::V7,
        })
    }

    /// Sum of all bytes, those of the checksum itself as blanks.
    fn checksum(&self) -> i64 {
        let sum = |bytes: &[u8]| bytes.iter().map(|&b| u32::from(b)).sum::<u32>();
        i64::from(sum(&self.0) - sum(self.field(148, 8)) + 8 * u32::from(b' '))
    }

    /// The same of signed bytes, which Sun's tar wrote.
    fn signed_checksum(&self) -> i64 {
        let high = |bytes: &[u8]| bytes.iter().filter(|&&b| b >= 0x80).count() as i64;
        self.checksum() - 256 * (high(&self.0) - high(self.field(148, 8)))
    }

    /// `readHeader`, as far as this program asks; numbers that it does not ask for must be numbers all the same.
    pub(super) fn header(&self) -> Result<Header> {
        let format = self.format().ok_or(Error::Refused("a header's checksum does not match"))?;
        let mut header = Header {
            typeflag: self.0.get(156).copied().unwrap_or_default(),
            name: self.text(0, 100),
            link: self.text(157, 100),
            stored: self.number(124, 12)?,
            mode: self.number(100, 8)?,
            uid: self.number(108, 8)?,
            gid: self.number(116, 8)?,
            ..Header::default()
        };
        self.number(136, 12)?;
        let prefix = self.prefix(format)?;
        if !prefix.is_empty() {
            header.name = [prefix.as_slice(), b"/", header.name.as_slice()].concat().into();
        }
        Ok(header)
    }

    fn prefix(&self, format: Format) -> Result<BString> {
        if format == Format::V7 {
            return Ok(BString::default());
        }
        self.number(329, 8)?;
        self.number(337, 8)?;
        Ok(match format {
            Format::V7 => BString::default(),
            Format::Ustar => self.text(345, 155),
            Format::Star => {
                self.number(476, 12)?;
                self.number(488, 12)?;
                self.text(345, 131)
            }
            Format::Gnu => self.gnu_prefix(),
        })
    }

    /// GNU has times where ustar has the prefix; writers in Go before 1.8 put a prefix there all the same
    /// (golang.org/issue/21005), which shows by the times not being numbers.
    fn gnu_prefix(&self) -> BString {
        let is_time = |from| {
            let field = self.field(from, 12);
            field.first() == Some(&0) || numeric(field).is_some()
        };
        if is_time(345) && is_time(357) {
            return BString::default();
        }
        let prefix = self.text(345, 155);
        if prefix.is_ascii() { prefix } else { BString::default() }
    }
}
