//! PAX extended headers: records `"%d %s=%s\n"` about the next entry.

use super::header::Header;
use super::number::{decimal, is_time};
use super::{Error, Result};

/// The records that matter. An empty value is as good as none: it leaves what the header says (`mergePAX`).
#[derive(Debug, Default)]
pub(super) struct Pax {
    pub(super) path: Vec<u8>,
    link: Vec<u8>,
    uid: Vec<u8>,
    gid: Vec<u8>,
    size: Vec<u8>,
    times: [Vec<u8>; 3],
    capability: Vec<u8>,
    sparse: Sparse,
}

#[derive(Debug, Default)]
struct Sparse {
    major: Vec<u8>,
    minor: Vec<u8>,
    name: Vec<u8>,
    size: Vec<u8>,
    real_size: Vec<u8>,
    blocks: Vec<u8>,
    map: Vec<u8>,
}

/// Where the map of a sparse file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SparseVersion {
    /// 0.0 and 0.1: in the extended header.
    InHeader,
    /// 1.0: at the start of the body.
    InBody,
}

impl Pax {
    /// `parsePAX`.
    pub(super) fn parse(mut records: &[u8]) -> Result<Pax> {
        let (mut pax, mut map) = (Pax::default(), SparseMap::default());
        while !records.is_empty() {
            let (key, value, rest) =
                record(records).ok_or(Error::Refused("an extended header has a malformed record"))?;
            records = rest;
            if map.take(key, value)? {
                continue;
            }
            if let Some(slot) = pax.slot(key) {
                slot.clear();
                slot.extend_from_slice(value);
            }
        }
        if map.numbers > 0 {
            pax.sparse.map = map.joined;
        }
        Ok(pax)
    }

    fn slot(&mut self, key: &[u8]) -> Option<&mut Vec<u8>> {
        let [atime, mtime, ctime] = &mut self.times;
        Some(match key {
            b"path" => &mut self.path,
            b"linkpath" => &mut self.link,
            b"uid" => &mut self.uid,
            b"gid" => &mut self.gid,
            b"size" => &mut self.size,
            b"atime" => atime,
            b"mtime" => mtime,
            b"ctime" => ctime,
            b"SCHILY.xattr.security.capability" => &mut self.capability,
            b"GNU.sparse.major" => &mut self.sparse.major,
            b"GNU.sparse.minor" => &mut self.sparse.minor,
            b"GNU.sparse.name" => &mut self.sparse.name,
            b"GNU.sparse.size" => &mut self.sparse.size,
            b"GNU.sparse.realsize" => &mut self.sparse.real_size,
            b"GNU.sparse.numblocks" => &mut self.sparse.blocks,
            b"GNU.sparse.map" => &mut self.sparse.map,
            _ => return None,
        })
    }

    /// `mergePAX`.
    pub(super) fn merge(&mut self, header: &mut Header) -> Result<()> {
        if !self.path.is_empty() {
            header.name = std::mem::take(&mut self.path).into();
        }
        if !self.link.is_empty() {
            header.link = std::mem::take(&mut self.link).into();
        }
        if !self.capability.is_empty() {
            header.capability = Some(std::mem::take(&mut self.capability));
        }
        for (value, field) in
            [(&self.uid, &mut header.uid), (&self.gid, &mut header.gid), (&self.size, &mut header.stored)]
        {
            if !value.is_empty() {
                *field = number(value)?;
            }
        }
        if self.times.iter().any(|time| !time.is_empty() && !is_time(time)) {
            return Err(Error::Refused("an extended header has a time that is not a number"));
        }
        Ok(())
    }

    /// `readGNUSparsePAXHeaders`, its first half; unknown versions are no sparse files.
    pub(super) fn sparse_version(&self) -> Option<SparseVersion> {
        match (self.sparse.major.as_slice(), self.sparse.minor.as_slice()) {
            (b"0", b"0" | b"1") => Some(SparseVersion::InHeader),
            (b"1", b"0") => Some(SparseVersion::InBody),
            (b"", b"") if !self.sparse.map.is_empty() => Some(SparseVersion::InHeader),
            _ => None,
        }
    }

    /// Its second half: the name and length of the file with its holes.
    pub(super) fn merge_sparse(&self, header: &mut Header) -> Result<()> {
        if !self.sparse.name.is_empty() {
            header.name = self.sparse.name.as_slice().into();
        }
        let size = [&self.sparse.size, &self.sparse.real_size].into_iter().find(|s| !s.is_empty());
        let size = size.map_or(Ok(header.stored), |s| number(s))?;
        header.size = u64::try_from(size).map_err(|_| Error::Refused("a sparse file has a negative size"))?;
        Ok(())
    }

    /// `GNU.sparse.numblocks`.
    pub(super) fn sparse_blocks(&self) -> Option<i64> {
        decimal(&self.sparse.blocks)
    }

    /// `GNU.sparse.map`: offsets and lengths by turns.
    pub(super) fn sparse_map(&self) -> impl Iterator<Item = &[u8]> {
        let none = if self.sparse.map.is_empty() { 0 } else { usize::MAX };
        self.sparse.map.split(|&b| b == b',').take(none)
    }
}

fn number(value: &[u8]) -> Result<i64> {
    decimal(value).ok_or(Error::Refused("an extended header has a number that is none"))
}

/// `parsePAXRecord`: key, value, rest.
fn record(records: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let blank = records.iter().position(|&b| b == b' ')?;
    let len = usize::try_from(decimal(records.get(..blank)?)?).ok()?;
    if len < 5 {
        return None;
    }
    let (record, rest) = records.split_at_checked(len)?;
    let record = record.get(blank + 1..)?.strip_suffix(b"\n")?;
    let equals = record.iter().position(|&b| b == b'=')?;
    let (key, value) = (record.get(..equals)?, record.get(equals + 1..)?);
    is_valid(key, value).then_some((key, value, rest))
}

/// `validPAXRecord`: no NUL in keys, nor in the values that are header fields.
fn is_valid(key: &[u8], value: &[u8]) -> bool {
    let text = match key {
        b"path" | b"linkpath" | b"uname" | b"gname" => value,
        _ => key,
    };
    !key.is_empty() && !text.contains(&0)
}

/// Sparse format 0.0 has a record for each number, which POSIX does not allow; joined they are format 0.1.
#[derive(Default)]
struct SparseMap {
    joined: Vec<u8>,
    numbers: usize,
}

impl SparseMap {
    /// Whether the record is part of the map.
    fn take(&mut self, key: &[u8], value: &[u8]) -> Result<bool> {
        let wanted = match key {
            b"GNU.sparse.offset" => 0,
            b"GNU.sparse.numbytes" => 1,
            _ => return Ok(false),
        };
        if self.numbers % 2 != wanted || value.contains(&b',') {
            return Err(Error::Refused("an extended header has a malformed sparse map"));
        }
        if self.numbers > 0 {
            self.joined.push(b',');
        }
        self.joined.extend_from_slice(value);
        self.numbers += 1;
        Ok(true)
    }
}
