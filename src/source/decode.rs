//! Decompression of layers: gzip, zstd, xz or none, told by the first bytes as engines do.
//!
//! The media type is only a hint: Docker (moby `pkg/archive`, `DetectCompression`) and containerd look at the bytes.
//! What does not decompress is an error for Go's readers and so for this one, trailing bytes behind the last gzip
//! member included (Go `compress/gzip`: "gzip: invalid header").

use std::io::{self, ErrorKind, Read};

use flate2::bufread::MultiGzDecoder;
use lzma_rust2::XzReader;
use structured_zstd::decoding::{FrameDecoder, StreamingDecoder};

use super::verify::Blob;

/// The largest zstd window, which is the memory a frame needs: what `zstd -d` allows without being told more.
const ZSTD_WINDOW: u64 = 128 << 20;

/// Memory for xz in KiB: a dictionary of 128 MiB and what goes with it; `xz -9` needs half of that.
const XZ_MEMORY: u32 = 144 << 10;

/// How a blob is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all. An empty blob is an empty archive.
    None,
    /// RFC 1952, of one or more members.
    Gzip,
    /// RFC 8878, of one or more frames.
    Zstd,
    /// Tukaani's, of one or more streams.
    Xz,
    /// Docker reads it, nobody writes it; imagelint only names it.
    Bzip2,
}

impl Compression {
    /// Told by the first bytes; ten are enough.
    pub fn of(start: &[u8]) -> Self {
        match start {
            [0x1f, 0x8b, 0x08, ..] => Compression::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Compression::Zstd,
            // a skippable frame: its magic and its length
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, _, _, _, _, ..] => Compression::Zstd,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Compression::Xz,
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, 0x53, 0x59, ..] => Compression::Bzip2,
            _ => Compression::None,
        }
    }
}

/// A reader of what `blob` decompresses to. Give it large buffers.
///
/// # Errors
/// The blob cannot be read, or its compression is not known here.
pub fn decode<'a, R: Read>(blob: &'a mut Blob<R>) -> io::Result<Box<dyn Read + 'a>> {
    Ok(match Compression::of(blob.peek(10)?) {
        Compression::None => Box::new(blob),
        Compression::Gzip => Box::new(MultiGzDecoder::new(blob)),
        Compression::Zstd => {
            let mut decoder = FrameDecoder::new();
            decoder.set_max_window_size(ZSTD_WINDOW).map_err(io::Error::other)?;
            Box::new(StreamingDecoder::new_with_decoder(blob, decoder))
        }
        Compression::Xz => Box::new(XzReader::new_mem_limit(blob, true, XZ_MEMORY)),
        Compression::Bzip2 => return Err(io::Error::new(ErrorKind::Unsupported, "bzip2 is not supported")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_bytes_tell() {
        for (start, compression) in [
            (&b""[..], Compression::None),
            (b"\x1f\x8b", Compression::None),
            (b"\x1f\x8b\x08", Compression::Gzip),
            (b"\x28\xb5\x2f\xfd", Compression::Zstd),
            (b"\x5a\x2a\x4d\x18\0\0\0\0", Compression::Zstd),
            (b"\x5a\x2a\x4d\x18", Compression::None),
            (b"\xfd7zXZ\0", Compression::Xz),
            (b"BZh91AY&SY", Compression::Bzip2),
            (b"BZhello.tx", Compression::None),
        ] {
            assert_eq!(Compression::of(start), compression, "{start:?}");
        }
    }
}
