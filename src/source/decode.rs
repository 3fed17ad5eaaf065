//! Decompression of layers: gzip, zstd, xz or none, told by the first bytes as engines do.
//!
//! The media type is only a hint: Docker (moby `pkg/archive`, `DetectCompression`) and containerd look at the bytes.
//! What does not decompress is an error for Go's readers and so for this one. Bytes behind the last gzip member are
//! one to Go's `compress/gzip` ("gzip: invalid header"), with which podman and skopeo read; containerd and Docker run
//! `unpigz` or `igzip` where there is one (containerd `archive/compression`, `gzipCmd`), and these leave such bytes
//! alone. What some engines take is no error here.

use std::io::{self, ErrorKind, Read};

use flate2::bufread::GzDecoder;
use lzma_rust2::XzReader;
use structured_zstd::decoding::errors::FrameDecoderError;
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
        Compression::Gzip => Box::new(Gzip { member: Some(GzDecoder::new(blob)) }),
        Compression::Zstd => {
            let mut decoder = FrameDecoder::new();
            decoder.set_max_window_size(ZSTD_WINDOW).map_err(io::Error::other)?;
            Box::new(Zstd { frames: StreamingDecoder::new_with_decoder(blob, decoder) })
        }
        Compression::Xz => Box::new(XzReader::new_mem_limit(blob, true, XZ_MEMORY)),
        Compression::Bzip2 => return Err(io::Error::new(ErrorKind::Unsupported, "bzip2 is not supported")),
    })
}

/// Members one after the other, up to bytes that are none.
struct Gzip<'a, R> {
    member: Option<GzDecoder<&'a mut Blob<R>>>,
}

impl<R: Read> Read for Gzip<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let read = member.read(into)?;
            if read > 0 || into.is_empty() {
                return Ok(read);
            }
            self.member =
                self.member.take().map(GzDecoder::into_inner).and_then(|blob| next(blob).transpose()).transpose()?;
        }
        Ok(0)
    }
}

/// Frames, with errors in plain words: the decoder's own are those of its source, in Rust.
struct Zstd<D> {
    frames: D,
}

impl<D: Read> Read for Zstd<D> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.frames.read(into).map_err(|error| plain(&error))
    }
}

fn plain(error: &io::Error) -> io::Error {
    let mut cause = error.get_ref().map(|e| e as &(dyn std::error::Error + 'static));
    if cause.is_none() {
        return error.kind().into();
    }
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return io::Error::new(error.kind(), error.to_string());
        }
        if let Some(FrameDecoderError::WindowSizeTooBig { .. }) = error.downcast_ref() {
            let mib = ZSTD_WINDOW >> 20;
            return io::Error::other(format!("its zstd window is larger than {mib} MiB, the most that is read"));
        }
        cause = error.source();
    }
    io::Error::new(ErrorKind::InvalidData, "its zstd data is damaged")
}

fn next<R: Read>(blob: &mut Blob<R>) -> io::Result<Option<GzDecoder<&mut Blob<R>>>> {
    let is_member = blob.peek(2)? == [0x1f, 0x8b];
    Ok(is_member.then(|| GzDecoder::new(blob)))
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
