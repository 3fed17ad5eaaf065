//! Blobs that are hashed as they pass by: content is what its digest says, or an error.

use std::io::{self, BufRead, ErrorKind, Read};

use sha2::{Digest, Sha256, Sha512};

use crate::error::{Error, Result};

/// Large enough that a decompressor is rarely interrupted.
const BUFFER: usize = 256 << 10;

/// The digest algorithms that the image spec registers (descriptor.md, "Registered algorithms").
#[derive(Clone, Debug)]
pub enum Hasher {
    /// `sha256:` and 64 hexadecimal digits.
    Sha256(Sha256),
    /// `sha512:` and 128 of them.
    Sha512(Sha512),
}

impl Hasher {
    /// The algorithm that `digest` names.
    ///
    /// # Errors
    /// It is no digest of a registered algorithm.
    pub fn of(digest: &str) -> std::result::Result<Self, String> {
        let (algorithm, hex) = digest.split_once(':').unwrap_or_default();
        let is_hex = |len| hex.len() == len && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        match algorithm {
            "sha256" if is_hex(64) => Ok(Hasher::Sha256(Sha256::new())),
            "sha512" if is_hex(128) => Ok(Hasher::Sha512(Sha512::new())),
            _ => Err(format!("`{digest}` is not a sha256 or sha512 digest")),
        }
    }

    /// Takes in more bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Hasher::Sha256(hasher) => hasher.update(bytes),
            Hasher::Sha512(hasher) => hasher.update(bytes),
        }
    }

    /// The digest of all bytes so far, `algorithm:hex`.
    pub fn finish(self) -> String {
        let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
        match self {
            Hasher::Sha256(hasher) => format!("sha256:{}", hex(&hasher.finalize())),
            Hasher::Sha512(hasher) => format!("sha512:{}", hex(&hasher.finalize())),
        }
    }
}

/// A blob's bytes, counted, and hashed if its digest is known.
pub struct Blob<R> {
    inner: R,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    /// Bytes read so far.
    size: u64,
    stated_size: Option<u64>,
    hash: Option<(Hasher, String)>,
    /// Reading itself failed, for this reason.
    failure: Option<String>,
}

impl<R: Read> Blob<R> {
    /// Reads nothing yet. `digest` and `size` are what the blob's descriptor says, where there is one.
    ///
    /// # Errors
    /// `digest` is of no known algorithm.
    pub fn new(inner: R, digest: Option<&str>, size: Option<u64>) -> std::result::Result<Self, String> {
        let hash = digest.map(|digest| Hasher::of(digest).map(|hasher| (hasher, digest.to_owned()))).transpose()?;
        let buffer = vec![0; BUFFER].into();
        Ok(Blob { inner, buffer, start: 0, end: 0, size: 0, stated_size: size, hash, failure: None })
    }

    /// The first `len` bytes (fewer if there are not so many) of what is still to be read.
    ///
    /// # Errors
    /// The source fails.
    pub fn peek(&mut self, len: usize) -> io::Result<&[u8]> {
        while self.end - self.start < len && self.fill()? > 0 {}
        let held = self.buffer.get(self.start..self.end).unwrap_or_default();
        Ok(held.get(..len).unwrap_or(held))
    }

    /// Reads to the end and compares with the descriptor. `what` names the blob in errors.
    ///
    /// # Errors
    /// Size or digest differ, or the source fails.
    pub fn verify(mut self, what: &str) -> Result<()> {
        while self.failure.is_none() {
            self.start = self.end;
            if matches!(self.fill(), Ok(0)) {
                break;
            }
        }
        let fault = self.failure.or_else(|| size_fault(self.size, self.stated_size));
        let fault = fault.or_else(|| self.hash.and_then(|(hasher, stated)| digest_fault(hasher, &stated)));
        match fault {
            Some(fault) => Err(Error::new(what, fault).help("fetch, pull or save the image again")),
            None => Ok(()),
        }
    }

    /// Reads once behind what is held; 0 at the end.
    fn fill(&mut self) -> io::Result<usize> {
        self.buffer.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        let mut buffer = std::mem::take(&mut self.buffer);
        let read = self.read_hashing(buffer.get_mut(self.end..).unwrap_or_default());
        self.buffer = buffer;
        self.end += *read.as_ref().unwrap_or(&0);
        read
    }

    fn read_hashing(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = loop {
            match self.inner.read(into) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.fail(error)),
                Ok(read) => break read,
            }
        };
        self.size += read as u64;
        if self.stated_size.is_some_and(|stated| self.size > stated) {
            // An endless blob must not be read endlessly.
            let stated = self.stated_size.unwrap_or_default();
            return Err(self.fail(io::Error::other(format!("it is longer than the {stated} bytes it should have"))));
        }
        if let Some((hasher, _)) = &mut self.hash {
            hasher.update(into.get(..read).unwrap_or_default());
        }
        Ok(read)
    }

    fn fail(&mut self, error: io::Error) -> io::Error {
        self.failure = Some(super::words(&error));
        error
    }
}

fn size_fault(size: u64, stated: Option<u64>) -> Option<String> {
    let stated = stated.filter(|stated| *stated != size)?;
    Some(format!("it ends after {size} of the {stated} bytes it should have"))
}

fn digest_fault(hasher: Hasher, stated: &str) -> Option<String> {
    let digest = hasher.finish();
    (digest != stated).then(|| format!("its content does not match its digest: it is {digest} instead of {stated}"))
}

impl<R: Read> BufRead for Blob<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.start == self.end {
            self.fill()?;
        }
        Ok(self.buffer.get(self.start..self.end).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        self.start = self.start.saturating_add(amount).min(self.end);
    }
}

impl<R: Read> Read for Blob<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.start == self.end && into.len() >= BUFFER {
            // Spares large reads the copy.
            return self.read_hashing(into);
        }
        let held = self.fill_buf()?;
        let len = held.len().min(into.len());
        if let (Some(to), Some(from)) = (into.get_mut(..len), held.get(..len)) {
            to.copy_from_slice(from);
        }
        self.consume(len);
        Ok(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELLO: &str = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

    #[test]
    fn digest_and_size_are_compared() {
        let verify = |bytes: &[u8], digest, size| Blob::new(bytes, digest, size).unwrap().verify("x").is_ok();
        assert!(verify(b"hello", Some(HELLO), Some(5)));
        assert!(verify(b"anything", None, None));
        assert!(!verify(b"hallo", Some(HELLO), Some(5)));
        assert!(!verify(b"hello", Some(HELLO), Some(4)));
        assert!(!verify(b"hello", Some(HELLO), Some(6)));
    }

    #[test]
    fn what_was_peeked_at_is_read_all_the_same() {
        let mut blob = Blob::new(&b"hello"[..], Some(HELLO), None).unwrap();
        assert_eq!(blob.peek(2).unwrap(), b"he");
        assert_eq!(blob.peek(9).unwrap(), b"hello");
        let mut read = Vec::new();
        blob.read_to_end(&mut read).unwrap();
        assert_eq!(read, b"hello");
        blob.verify("x").unwrap();
    }

    #[test]
    fn only_registered_algorithms() {
        for bad in ["", "sha256", "sha256:00", "md5:00", &HELLO.to_uppercase(), &HELLO.replace('2', "G")] {
            assert!(Blob::new(&b""[..], Some(bad), None).is_err(), "{bad}");
        }
        let sha512 = Hasher::of(&format!("sha512:{}", "0".repeat(128))).unwrap().finish();
        assert!(sha512.starts_with("sha512:cf83e1357eefb8bd"));
    }
}
