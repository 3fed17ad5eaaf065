//! Tables of contents that some tools put into layers, so that single files can be fetched.
//!
//! *eStargz* (containerd/stargz-snapshotter, docs/estargz.md) and *zstd:chunked* (containers/storage,
//! `pkg/chunked/internal/compression.go`) share the entries: one for each entry of the archive, in its order, and one more
//! for each further piece of a long file. A piece is compressed by itself.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use std::collections::BTreeMap;

use super::tar::Header;

/// A whole table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// One for each entry of the archive, in its order.
    pub members: Vec<Member>,
}

/// An entry of the archive.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Member {
    /// As the archive has it, as far as it matters.
    pub header: Header,
    /// The pieces of a regular file, in order and without gaps.
    pub pieces: Vec<Piece>,
}

/// A part of a file that is compressed by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Where it begins in the file.
    pub offset: u64,
    /// How many bytes of the file it has.
    pub len: u64,
    /// Where its compressed bytes lie in the blob.
    pub start: u64,
    /// Where they end.
    pub end: u64,
    /// Where it begins in what these decompress to.
    pub inner: u64,
    /// Digest of its bytes.
    pub digest: String,
}

#[derive(Deserialize)]
struct Document {
    version: u32,
    entries: Vec<Entry>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Entry {
    #[serde(rename = "type")]
    kind: String,
    name: String,
    link_name: String,
    mode: i64,
    size: u64,
    uid: i64,
    gid: i64,
    xattrs: BTreeMap<String, String>,
    digest: String,
    offset: u64,
    end_offset: u64,
    chunk_size: u64,
    chunk_offset: u64,
    chunk_digest: String,
    inner_offset: u64,
}

impl Table {
    /// Reads a table. `end` is where the last file's bytes end in the blob.
    ///
    /// # Errors
    /// It is no table of version 1, or contradicts itself.
    pub fn parse(json: &[u8], end: u64) -> Result<Self, String> {
        let document: Document = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        if document.version != 1 {
            return Err(format!("its version is {} instead of 1", document.version));
        }
        let mut ends: Vec<u64> = document.entries.iter().filter(|e| e.has_bytes()).map(|e| e.offset).collect();
        ends.sort_unstable();
        let mut members: Vec<Member> = Vec::new();
        for entry in document.entries {
            let next = ends.get(ends.partition_point(|at| *at <= entry.offset)).copied().unwrap_or(end);
            match entry.kind.as_str() {
                "chunk" => {
                    let of = members.last_mut().filter(|of| of.header.name == entry.name.as_bytes());
                    let of = of.ok_or_else(|| format!("a piece of `{}` stands alone", entry.name))?;
                    of.pieces.push(entry.piece(next, of.header.size));
                }
                _ => members.push(entry.member(next)?),
            }
        }
        members.iter().try_for_each(Member::check)?;
        Ok(Table { members })
    }
}

impl Entry {
    fn has_bytes(&self) -> bool {
        self.kind == "chunk" || (self.kind == "reg" && self.size > 0)
    }

    fn member(self, next: u64) -> Result<Member, String> {
        let typeflag = match self.kind.as_str() {
            "reg" => b'0',
            "hardlink" => b'1',
            "symlink" => b'2',
            "char" => b'3',
            "block" => b'4',
            "dir" => b'5',
            "fifo" => b'6',
            other => return Err(format!("`{}` is of the unknown type `{other}`", self.name)),
        };
        let pieces = if self.has_bytes() { vec![self.piece(next, self.size)] } else { Vec::new() };
        let capability = self.xattrs.get("security.capability").map(|value| BASE64_STANDARD.decode(value));
        let header = Header {
            typeflag,
            name: self.name.into(),
            link: self.link_name.into(),
            size: if typeflag == b'0' { self.size } else { 0 },
            mode: self.mode,
            uid: self.uid,
            gid: self.gid,
            capability: capability.transpose().map_err(|error| format!("security.capability: {error}"))?,
            ..Header::default()
        };
        Ok(Member { header, pieces })
    }

    /// A piece without a length of its own reaches to the end of the file, and then its digest is the file's.
    fn piece(&self, next: u64, size: u64) -> Piece {
        let is_whole = self.chunk_size == 0;
        let digest = if self.chunk_digest.is_empty() { &self.digest } else { &self.chunk_digest };
        Piece {
            offset: self.chunk_offset,
            len: if is_whole { size.saturating_sub(self.chunk_offset) } else { self.chunk_size },
            start: self.offset,
            end: if self.end_offset > 0 { self.end_offset.min(next) } else { next },
            inner: self.inner_offset,
            digest: digest.clone(),
        }
    }
}

impl Member {
    /// The pieces cover the file, and lie somewhere.
    fn check(&self) -> Result<(), String> {
        let mut at = 0;
        for piece in &self.pieces {
            if piece.offset != at || piece.len == 0 || piece.end <= piece.start {
                return Err(format!("the pieces of `{}` do not fit together", self.header.name));
            }
            at = at.saturating_add(piece.len);
        }
        if at == self.header.size { Ok(()) } else { Err(format!("pieces of `{}` are missing", self.header.name)) }
    }
}

/// Where an eStargz blob has its table, by its footer: the last 51 bytes, an empty gzip member with a field of its own
/// (docs/estargz.md, *Footer*).
pub fn estargz_offset(footer: &[u8]) -> Option<u64> {
    let field = footer.get(12..)?.strip_prefix(b"SG\x16\0")?;
    let (hex, rest) = field.split_at_checked(16)?;
    if footer.len() != FOOTER || !footer.starts_with(&[0x1f, 0x8b, 8, 4]) || !rest.starts_with(b"STARGZ") {
        return None;
    }
    u64::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok()
}

/// Length of that footer.
pub const FOOTER: usize = 51;

/// The name of the archive's entry that is the table of an eStargz blob.
pub const ESTARGZ: &[u8] = b"stargz.index.json";

/// `OFFSET:LENGTH:LENGTH:TYPE`, the annotation that says where a zstd:chunked blob has its table: where, how long, how
/// long decompressed, and of what type; only type 1 is known.
pub fn zstd_chunked_position(annotation: &str) -> Option<(u64, u64, u64)> {
    let mut parts = annotation.split(':').map(|part| part.parse::<u64>().ok());
    let position = (parts.next()??, parts.next()??, parts.next()??);
    (parts.next()?? == 1 && parts.next().is_none()).then_some(position)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(entries: &str) -> Result<Table, String> {
        Table::parse(format!(r#"{{"version":1,"entries":[{entries}]}}"#).as_bytes(), 1000)
    }

    #[test]
    fn entries_and_their_pieces() {
        let table = table(
            r#"{"type":"dir","name":"bin/","mode":493},
               {"type":"reg","name":"bin/a","mode":493,"size":30,"offset":100,"chunkSize":10,"chunkDigest":"sha256:a"},
               {"type":"chunk","name":"bin/a","offset":150,"chunkOffset":10,"chunkDigest":"sha256:b"},
               {"type":"symlink","name":"bin/b","linkName":"a"},
               {"type":"reg","name":"bin/c","size":5,"offset":200,"endOffset":220,"digest":"sha256:c","uid":7,
                "xattrs":{"security.capability":"AQID"}},
               {"type":"reg","name":"bin/empty","size":0}"#,
        )
        .unwrap();
        let pieces: Vec<Vec<_>> = table
            .members
            .iter()
            .map(|m| m.pieces.iter().map(|p| (p.offset, p.len, p.start, p.end, p.digest.as_str())).collect())
            .collect();
        let a = vec![(0, 10, 100, 150, "sha256:a"), (10, 20, 150, 200, "sha256:b")];
        assert_eq!(pieces, [vec![], a, vec![], vec![(0, 5, 200, 220, "sha256:c")], vec![]]);
        let c = &table.members[3].header;
        assert_eq!((c.uid, c.capability.as_deref(), c.typeflag), (7, Some([1, 2, 3].as_slice()), b'0'));
        assert_eq!(table.members[2].header.link, "a");
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        for entries in [
            r#"{"type":"chunk","name":"a","offset":1}"#,
            r#"{"type":"reg","name":"a","size":30,"offset":100,"chunkSize":10}"#,
            r#"{"type":"reg","name":"a","size":5,"offset":100,"chunkSize":10}"#,
            r#"{"type":"reg","name":"a","size":5,"offset":1000}"#,
            r#"{"type":"what","name":"a"}"#,
            r#"{"type":"reg","name":"a","size":-1}"#,
            r#"{"type":"dir","name":"a","xattrs":{"security.capability":"?"}}"#,
        ] {
            assert!(table(entries).is_err(), "{entries}");
        }
        assert!(Table::parse(br#"{"version":2,"entries":[]}"#, 0).is_err());
    }

    #[test]
    fn footers_and_positions() {
        let mut footer = b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x1a\0SG\x16\x000000000000001234STARGZ".to_vec();
        footer.extend([1, 0, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!((footer.len(), estargz_offset(&footer)), (FOOTER, Some(0x1234)));
        assert_eq!(estargz_offset(&footer[1..]), None);
        footer[17] = b'x';
        assert_eq!(estargz_offset(&footer), None);
        assert_eq!(zstd_chunked_position("12:34:56:1"), Some((12, 34, 56)));
        for wrong in ["12:34:56:2", "12:34:56", "12:34:56:1:1", "a:1:1:1", ""] {
            assert_eq!(zstd_chunked_position(wrong), None, "{wrong}");
        }
    }
}
