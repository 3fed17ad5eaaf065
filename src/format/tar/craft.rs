//! Writes archives for tests, wrong ones too: every field can be set as it comes.

/// An archive in the making.
#[derive(Clone, Default)]
pub(crate) struct Craft(pub(crate) Vec<u8>);

/// A ustar header block with a right checksum.
pub(crate) fn header(typeflag: u8, name: &str, size: usize) -> [u8; 512] {
    let mut block = [0; 512];
    put(&mut block, 0, name.as_bytes());
    put(&mut block, 100, b"0000644\0");
    put(&mut block, 108, b"0000000\0");
    put(&mut block, 116, b"0000000\0");
    put(&mut block, 124, format!("{size:011o}\0").as_bytes());
    put(&mut block, 136, b"00000000000\0");
    put(&mut block, 156, &[typeflag]);
    put(&mut block, 257, b"ustar\x0000");
    checksum(&mut block);
    block
}

/// Overwrites a field; the checksum is then wrong until [`checksum`].
pub(crate) fn put(block: &mut [u8; 512], at: usize, bytes: &[u8]) {
    block[at..at + bytes.len()].copy_from_slice(bytes);
}

/// Makes the checksum right.
pub(crate) fn checksum(block: &mut [u8; 512]) {
    put(block, 148, b"        ");
    let sum: u32 = block.iter().map(|&b| u32::from(b)).sum();
    put(block, 148, format!("{sum:06o}\0 ").as_bytes());
}

/// A record of an extended header, its length in front.
pub(crate) fn record(key: &str, value: &str) -> String {
    let rest = format!(" {key}={value}\n");
    let len = (1..).find(|n: &usize| n.to_string().len() + rest.len() == *n).unwrap_or_default();
    format!("{len}{rest}")
}

impl Craft {
    /// A block that is already complete.
    pub(crate) fn block(mut self, block: [u8; 512]) -> Self {
        self.0.extend_from_slice(&block);
        self
    }

    /// A header with some fields overwritten, and the checksum set right.
    pub(crate) fn with(self, mut block: [u8; 512], fields: &[(usize, &[u8])]) -> Self {
        for (at, bytes) in fields {
            put(&mut block, *at, bytes);
        }
        checksum(&mut block);
        self.block(block)
    }

    /// A body and its padding.
    pub(crate) fn body(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    /// A header and a body that fits it.
    pub(crate) fn entry(self, typeflag: u8, name: &str, bytes: &[u8]) -> Self {
        self.block(header(typeflag, name, bytes.len())).body(bytes)
    }

    /// A regular file of some mode.
    pub(crate) fn file(self, mode: u16, name: &str, bytes: &[u8]) -> Self {
        let mode = format!("{mode:07o}\0");
        self.with(header(b'0', name, bytes.len()), &[(100, mode.as_bytes())]).body(bytes)
    }

    /// An extended header.
    pub(crate) fn pax(self, records: &[(&str, &str)]) -> Self {
        let text: String = records.iter().map(|(key, value)| record(key, value)).collect();
        self.entry(b'x', "PaxHeaders/x", text.as_bytes())
    }

    /// The two zero blocks.
    pub(crate) fn end(mut self) -> Vec<u8> {
        self.0.resize(self.0.len() + 1024, 0);
        self.0
    }
}
