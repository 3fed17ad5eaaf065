//! Archives that can only be read from front to back: compressed ones, and standard input.
//!
//! `docker save` writes `manifest.json` after the layers, so which member is a layer is known too late. Each member is
//! therefore classified by its content: JSON documents are kept, everything that is a tar archive, compressed or not,
//! is read as a layer while it passes, with both its digests. What belongs together is joined at the end.

use std::io::{self, Cursor, Read};

use oci_spec::image::DigestAlgorithm;
use sha2::digest::DynDigest;

use super::layer::{self, Bounds, Expected};
use super::plan::{Plan, PlannedLayer};
use super::progress::{Counted, Progress};
use super::{Changeset, Reread, document, load};
use crate::error::{Error, Result};
use crate::source::decode::{self, Compression};
use crate::source::{Blob, Blobs, Input, Kind, Member, Members, Tarball, clean, is_tar, unreadable};

/// Bytes of JSON kept in all; a whole archive has some tens of KiB.
const MAX_DOCUMENTS: u64 = 4 * document::MAX_DOCUMENT;

/// Members in all, and entries in all layers: bounds of memory, far above what images have.
const MAX_MEMBERS: usize = 1 << 18;
const MAX_ENTRIES: usize = 8 << 20;

/// An archive after its one pass.
pub(crate) struct Streamed {
    place: String,
    input: Input,
    members: Members<Item>,
    candidates: Vec<Candidate>,
}

#[derive(Clone)]
enum Item {
    Document(Vec<u8>),
    Layer(usize),
    Other,
}

/// A member that may be a layer.
struct Candidate {
    /// Which member of the archive it is, counted from 0.
    number: u64,
    digest: String,
    diff_id: String,
    size: u64,
    /// It may be no layer at all, so failing is no error yet.
    changeset: Option<Result<Changeset>>,
}

impl Streamed {
    /// Reads the archive.
    pub fn read(input: Input, progress: &dyn Progress) -> Result<Self> {
        progress.start(None, None);
        let place = format!("archive {input}");
        let raw = Counted { reader: input.raw()?, progress };
        let (_, reader) = decode::decoder(raw).map_err(|e| unreadable(&place, &e))?;
        let mut pass = Pass { tarball: Tarball::new(reader), members: Members::default(), candidates: Vec::new() };
        let passed = pass.run().map_err(|e| unreadable(&place, &e));
        progress.finish();
        passed?;
        if pass.members.is_empty() {
            return Err(Error::new(place, "it is empty"));
        }
        let Pass { members, candidates, .. } = pass;
        Ok(Streamed { place, input, members, candidates })
    }

    /// The changesets of the planned layers.
    pub fn layers(&mut self, plan: &Plan) -> Result<Vec<Changeset>> {
        plan.layers.iter().map(|planned| self.layer(planned)).collect()
    }

    fn layer(&mut self, planned: &PlannedLayer) -> Result<Changeset> {
        let number = self.candidate(planned)?;
        let Some(candidate) = self.candidates.get_mut(number) else { return Err(load::absent(planned)) };
        candidate.verify(&planned.expected, &planned.what)?;
        match candidate.changeset.take() {
            Some(Ok(changeset)) => {
                // The same blob may be a layer twice.
                candidate.changeset = Some(Ok(changeset.clone()));
                Ok(changeset)
            }
            Some(Err(error)) => Err(error.reading_as(&planned.what)),
            None => Err(load::absent(planned)),
        }
    }

    fn candidate(&self, planned: &PlannedLayer) -> Result<usize> {
        match self.members.get(&planned.file) {
            Some(Item::Layer(number)) => Ok(*number),
            Some(_) => Err(Error::new(&planned.what, "it is not a tar archive")),
            None => Err(load::absent(planned)),
        }
    }

    /// The second look, for which a file is read from its start and standard input not at all.
    pub fn again(&self, plan: Plan) -> Again {
        let number = |planned: &PlannedLayer| {
            let candidate = self.candidate(planned).ok().and_then(|i| self.candidates.get(i));
            candidate.map_or(u64::MAX, |c| c.number)
        };
        Again { input: self.input.clone(), layers: plan.layers.iter().map(|l| (number(l), l.what.clone())).collect() }
    }
}

impl Blobs for Streamed {
    /// Only documents can still be opened.
    fn open(&self, name: &str) -> Result<Option<Blob>> {
        match self.members.get(name) {
            None => Ok(None),
            Some(Item::Document(bytes)) => {
                Ok(Some(Blob { size: bytes.len() as u64, reader: Box::new(Cursor::new(bytes.clone())) }))
            }
            Some(_) => Err(Error::new(format!("`{name}` of {}", self.place), "it is not a JSON document")),
        }
    }

    fn place(&self) -> &str {
        &self.place
    }
}

impl Candidate {
    fn verify(&self, expected: &Expected, what: &str) -> Result<()> {
        if let Some(size) = expected.size {
            document::verify_size(size, self.size, what)?;
        }
        let pairs = [(&expected.digest, &self.digest), (&expected.diff_id, &self.diff_id)];
        for (expected, found) in pairs {
            if let Some(expected) = expected.as_ref().filter(|expected| *expected != found) {
                return Err(document::mismatch(what, expected, found));
            }
        }
        Ok(())
    }
}

/// The pass itself.
struct Pass<R> {
    tarball: Tarball<R>,
    members: Members<Item>,
    candidates: Vec<Candidate>,
}

impl<R: Read + Send> Pass<R> {
    fn run(&mut self) -> io::Result<()> {
        let (mut kept, mut entries, mut number) = (0, 0, 0);
        while let Some(member) = self.tarball.next_member()? {
            match &member.kind {
                Kind::Symlink(target) => self.members.symlink(&member.name, target),
                Kind::Hardlink(target) => self.members.hardlink(&member.name, target),
                Kind::Other => {}
                Kind::File => {
                    let item = self.file(&member, number)?;
                    if let Item::Document(bytes) = &item {
                        kept += bytes.len() as u64;
                    }
                    if let Some(Ok(changeset)) = self.candidates.last().and_then(|c| c.changeset.as_ref()) {
                        entries += if matches!(item, Item::Layer(_)) { changeset.len() } else { 0 };
                    }
                    self.members.insert(&member.name, item);
                }
            }
            if kept > MAX_DOCUMENTS || entries > MAX_ENTRIES || self.members.len() > MAX_MEMBERS {
                return Err(io::Error::other("it holds more than any archive of images does"));
            }
            number += 1;
        }
        Ok(())
    }

    fn file(&mut self, member: &Member, number: u64) -> io::Result<Item> {
        let mut head = Vec::new();
        self.tarball.by_ref().take(512).read_to_end(&mut head)?;
        if is_layer(&head) {
            let candidate = self.layer(head, member, number)?;
            self.candidates.push(candidate);
            return Ok(Item::Layer(self.candidates.len() - 1));
        }
        if !is_json(&head) || member.size > document::MAX_DOCUMENT {
            return Ok(Item::Other);
        }
        self.tarball.read_to_end(&mut head)?;
        Ok(Item::Document(head))
    }

    fn layer(&mut self, head: Vec<u8>, member: &Member, number: u64) -> io::Result<Candidate> {
        let what = format!("member `{}`", member.name);
        let mut stored = Hashing::new(algorithm(&member.name), Cursor::new(head).chain(&mut self.tarball));
        let (changeset, decoded) = decode_layer(&mut stored, &what);
        io::copy(&mut stored, &mut io::sink())?;
        let digest = stored.finish();
        let diff_id = decoded.unwrap_or_else(|| digest.clone());
        Ok(Candidate { number, digest, diff_id, size: member.size, changeset: Some(changeset) })
    }
}

/// The changeset, and the digest of the decompressed bytes unless they are the stored ones.
fn decode_layer(stored: &mut (dyn Read + Send), what: &str) -> (Result<Changeset>, Option<String>) {
    let bounds = Bounds::default();
    match decode::decoder(stored) {
        Err(e) => (Err(unreadable(what, &e)), Some(String::new())),
        Ok((Compression::None, mut reader)) => (layer::read(&mut reader, &Expected::default(), what, &bounds), None),
        Ok((_, reader)) => {
            let mut decoded = Hashing::new(DigestAlgorithm::Sha256, reader);
            let changeset = layer::read(&mut decoded, &Expected::default(), what, &bounds);
            let rest = io::copy(&mut decoded, &mut io::sink()).map_err(|e| unreadable(what, &e));
            (changeset.and_then(|set| rest.map(|_| set)), Some(decoded.finish()))
        }
    }
}

/// A tar archive, or anything compressed that may be one. An empty file is an empty layer in old archives.
fn is_layer(head: &[u8]) -> bool {
    head.is_empty() || is_tar(head) || decode::detect(head) != Compression::None
}

fn is_json(head: &[u8]) -> bool {
    let first = head.iter().find(|b| !b.is_ascii_whitespace());
    matches!(first, Some(b'{' | b'['))
}

/// A blob is named by its digest, so the name says which algorithm it will be verified by.
fn algorithm(name: &str) -> DigestAlgorithm {
    if clean(name).starts_with("blobs/sha512/") { DigestAlgorithm::Sha512 } else { DigestAlgorithm::Sha256 }
}

/// A reader that computes the digest of what it reads.
struct Hashing<R> {
    reader: R,
    hasher: Box<dyn DynDigest + Send>,
    algorithm: DigestAlgorithm,
}

impl<R: Read> Hashing<R> {
    fn new(algorithm: DigestAlgorithm, reader: R) -> Self {
        let hasher: Box<dyn DynDigest + Send> = match algorithm {
            DigestAlgorithm::Sha512 => Box::new(sha2::Sha512::default()),
            _ => Box::new(sha2::Sha256::default()),
        };
        Hashing { reader, hasher, algorithm }
    }

    fn finish(self) -> String {
        format!("{}:{}", self.algorithm, document::hex(&self.hasher.finalize()))
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.reader.read(buffer)?;
        self.hasher.update(buffer.get(..n).unwrap_or_default());
        Ok(n)
    }
}

/// The second look at layers of such an archive.
pub(crate) struct Again {
    input: Input,
    /// The number of the member, and how messages call the layer.
    layers: Vec<(u64, String)>,
}

impl Reread for Again {
    fn reread(&self, layer: usize, ordinal: u32, offset: u64, len: usize) -> Result<Vec<u8>> {
        let Some((number, what)) = self.layers.get(layer) else { return Err(load::no_such_layer(layer)) };
        if !self.input.is_regular() {
            return Err(Error::new(what, format!("{} cannot be read twice", self.input))
                .help("save it to a file, and name that"));
        }
        let mut tarball = Tarball::new(self.input.decoded()?);
        for _ in 0..=*number {
            let member = tarball.next_member().map_err(|e| unreadable(what, &e))?;
            member.ok_or_else(|| Error::new(what, "the archive has changed since it was first read"))?;
        }
        layer::reread(tarball, ordinal, offset, len, what)
    }
}
