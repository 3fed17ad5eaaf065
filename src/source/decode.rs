//! STAND-IN until the layer reader's own lands.

use std::io::{self, BufReader, Read};

/// How bytes are compressed, told by the first of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip.
    Gzip,
    /// zstd.
    Zstd,
    /// xz.
    Xz,
}

/// By magic number.
pub fn detect(head: &[u8]) -> Compression {
    match head {
        [0x1f, 0x8b, ..] => Compression::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Compression::Zstd,
        [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Compression::Zstd,
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Compression::Xz,
        _ => Compression::None,
    }
}

/// The decompressed bytes.
pub fn decoder<'a>(mut reader: impl Read + Send + 'a) -> io::Result<(Compression, Box<dyn Read + Send + 'a>)> {
    let mut head = Vec::new();
    reader.by_ref().take(6).read_to_end(&mut head)?;
    let compression = detect(&head);
    let reader = BufReader::with_capacity(1 << 18, io::Cursor::new(head).chain(reader));
    Ok((
        compression,
        match compression {
            Compression::None => Box::new(reader),
            Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(reader)),
            Compression::Zstd => Box::new(
                structured_zstd::decoding::StreamingDecoder::new(reader),
            ),
            Compression::Xz => Box::new(lzma_rust2::XzReader::new_mem_limit(reader, true, 128 << 10)),
        },
    ))
}
