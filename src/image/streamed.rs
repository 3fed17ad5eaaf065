//! Archives that can only be read from front to back: compressed ones, and standard input.
//!
//! `docker save` writes `manifest.json` after the layers, so which member is a layer is known too late. Each member is
//! therefore classified by its content: JSON documents are kept, everything that is a tar archive, compressed or not,
//! is read as a layer while it passes, with both its digests. What belongs together is joined at the end.

use std::collections::BTreeSet;
use std::io::{self, Cursor, Read};
use std::sync::Arc;

use super::cache::Cache;
use super::known::Outline;
use super::layer::{self, Bounds, Expected};
use super::plan::{Plan, PlannedLayer};
use super::progress::{Counted, Progress};
use super::{Changeset, Reread, document, load};
use crate::error::{Error, Result};
use crate::source::decode::{Compression, decode};
use crate::source::places::Stream;
use crate::source::verify::{Blob, Hasher};
use crate::source::{Blobs, Input, Kind, Member, Members, Opened, Tarball, clean, is_tar, unreadable};

/// Bytes of JSON kept in all; a whole archive has some tens of KiB.
const MAX_DOCUMENTS: u64 = 4 * document::MAX_DOCUMENT;

/// Far above what any archive of images has.
const MAX_MEMBERS: usize = 1 << 18;

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
    name: String,
    digest: String,
    diff_id: String,
    size: u64,
    /// It may be no layer at all, so failing is no error yet.
    changeset: Result<Arc<Changeset>>,
}

impl Streamed {
    /// Reads the archive.
    pub fn read(input: Input, progress: &dyn Progress) -> Result<Self> {
        progress.start(None, None);
        let place = match &input {
            Input::File(_) => format!("archive {input}"),
            Input::Stdin => "the archive on standard input".to_owned(),
            Input::Stream(_) => input.to_string(),
        };
        let mut blob = whole(Counted { reader: input.raw()?, progress }, &place)?;
        let passed = decode(&mut blob).and_then(|reader| Pass::new(reader, progress).run());
        progress.finish();
        let (members, candidates) = passed.map_err(|e| unreadable(&place, &e))?;
        if members.is_empty() {
            return Err(Error::new(place, "it is empty"));
        }
        Ok(Streamed { place, input, members, candidates })
    }

    /// The changesets of the planned layers, let go unless `later` needs them, too.
    pub fn layers(&mut self, plan: &Plan, later: &[&Plan], cache: &Cache) -> Result<Vec<Arc<Changeset>>> {
        let numbers = plan.layers.iter().map(|planned| self.candidate(planned)).collect::<Result<Vec<_>>>()?;
        let later: BTreeSet<usize> =
            later.iter().flat_map(|plan| &plan.layers).filter_map(|layer| self.candidate(layer).ok()).collect();
        let bounds = Bounds::default();
        let mut changesets = Vec::new();
        for (i, (planned, number)) in plan.layers.iter().zip(&numbers).enumerate() {
            // The same blob may be a layer twice.
            let is_last_use = !numbers.iter().skip(i + 1).any(|n| n == number) && !later.contains(number);
            let changeset = self.layer(planned, *number, is_last_use)?;
            if let Some(candidate) = self.candidates.get(*number) {
                cache.keep(&candidate.digest, &changeset);
            }
            bounds.count_again(&changeset).map_err(|problem| Error::new(&planned.what, problem))?;
            changesets.push(changeset);
        }
        Ok(changesets)
    }

    fn layer(&mut self, planned: &PlannedLayer, number: usize, is_last_use: bool) -> Result<Arc<Changeset>> {
        let Some(candidate) = self.candidates.get_mut(number) else { return Err(load::absent(planned)) };
        candidate.verify(&planned.expected, &planned.what)?;
        let changeset = match is_last_use {
            true => std::mem::replace(&mut candidate.changeset, Ok(Arc::default())),
            false => candidate.changeset.clone(),
        };
        changeset.map_err(|error| error.reading_as(&planned.what))
    }

    fn candidate(&self, planned: &PlannedLayer) -> Result<usize> {
        match self.members.get(&planned.file) {
            Some(Item::Layer(number)) => Ok(*number),
            Some(_) => Err(Error::new(&planned.what, "it is not a tar archive")),
            None => Err(load::absent(planned)),
        }
    }

    /// What it was read from, if an engine has sent it.
    pub fn stream(&self) -> Option<&Stream> {
        match &self.input {
            Input::Stream(stream) => Some(stream),
            Input::File(_) | Input::Stdin => None,
        }
    }

    /// What is to be kept of it, so that the plans that lead here can be made again.
    pub fn outline(&self) -> Outline {
        let mut outline = Outline::default();
        for (name, item) in self.members.iter() {
            match item {
                Item::Document(bytes) => drop(outline.documents.insert(name.to_owned(), bytes.clone())),
                Item::Layer(number) => {
                    let candidate = self.candidates.get(*number).map(|candidate| candidate.name.clone());
                    outline.layers.insert(name.to_owned(), candidate.unwrap_or_default());
                }
                Item::Other => {}
            }
        }
        outline
    }

    /// The second look, for which a file is read from its start and standard input not at all.
    pub fn again(&self, plan: &Plan) -> Again {
        let seen = |planned: &PlannedLayer| {
            let candidate = self.candidate(planned).ok().and_then(|i| self.candidates.get(i));
            Seen {
                member: Which::Number(candidate.map_or(u64::MAX, |c| c.number)),
                expected: Expected { digest: candidate.map(|c| c.digest.clone()), ..Expected::default() },
                what: planned.what.clone(),
            }
        };
        Again { input: self.input.clone(), layers: plan.layers.iter().map(seen).collect() }
    }
}

impl Blobs for Streamed {
    /// Only documents can still be opened.
    fn open(&self, name: &str) -> Result<Option<Opened>> {
        match self.members.get(name) {
            None => Ok(None),
            Some(Item::Document(bytes)) => {
                Ok(Some(Opened { size: bytes.len() as u64, reader: Box::new(Cursor::new(bytes.clone())) }))
            }
            Some(_) => Err(Error::new(format!("`{name}` of {}", self.place), "it is not a JSON document")),
        }
    }

    fn place(&self) -> &str {
        &self.place
    }
}

impl Candidate {
    /// Compares with what the documents say, in the words of [`crate::source::verify`].
    fn verify(&self, expected: &Expected, what: &str) -> Result<()> {
        let size = expected.size.filter(|size| *size != self.size);
        let size = size.map(|size| format!("it has {} bytes instead of {size}", self.size));
        let digest = expected.digest.as_ref().filter(|digest| **digest != self.digest);
        let digest =
            digest.map(|d| format!("its content does not match its digest: it is {} instead of {d}", self.digest));
        let diff_id = expected.diff_id.as_ref().filter(|diff_id| **diff_id != self.diff_id);
        let diff_id =
            diff_id.map(|d| format!("its archive does not match its diff id: it is {} instead of {d}", self.diff_id));
        match size.or(digest).or(diff_id) {
            Some(fault) => Err(Error::new(what, fault).help("fetch, pull or save the image again")),
            None => Ok(()),
        }
    }
}

/// The pass itself.
struct Pass<'a, R> {
    tarball: Tarball<R>,
    members: Members<Item>,
    candidates: Vec<Candidate>,
    /// An archive may be as large as an image may.
    bounds: Bounds,
    progress: &'a dyn Progress,
}

impl<'a, R: Read> Pass<'a, R> {
    fn new(reader: R, progress: &'a dyn Progress) -> Self {
        let (members, candidates, bounds) = Default::default();
        Pass { tarball: Tarball::new(reader), members, candidates, bounds, progress }
    }

    fn run(mut self) -> io::Result<(Members<Item>, Vec<Candidate>)> {
        let (mut kept, mut number) = (0, 0);
        while let Some(member) = self.tarball.next_member()? {
            match &member.kind {
                Kind::Symlink(target) => self.members.symlink(&member.name, target),
                Kind::Hardlink(target) => self.members.hardlink(&member.name, target),
                Kind::Other => {}
                Kind::File => {
                    let item = self.file(&member, number)?;
                    kept += if let Item::Document(bytes) = &item { bytes.len() as u64 } else { 0 };
                    self.members.insert(&member.name, item);
                }
            }
            if kept > MAX_DOCUMENTS || self.members.len() > MAX_MEMBERS {
                return Err(io::Error::other("it holds more than any archive of images does"));
            }
            number += 1;
        }
        self.tarball.finish()?;
        Ok((self.members, self.candidates))
    }

    fn file(&mut self, member: &Member, number: u64) -> io::Result<Item> {
        let mut head = Vec::new();
        self.tarball.by_ref().take(512).read_to_end(&mut head)?;
        if is_layer(&head) {
            let candidate = self.layer(head, member, number)?;
            self.candidates.push(candidate);
            self.progress.layer();
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
        let bytes = Cursor::new(head).chain(&mut self.tarball);
        let mut stored = Hashing { reader: bytes, hasher: hasher(&member.name) };
        let (changeset, decoded) = decode_layer(&mut stored, &what, &self.bounds);
        io::copy(&mut stored, &mut io::sink())?;
        let digest = stored.hasher.finish();
        let diff_id = decoded.unwrap_or_else(|| digest.clone());
        Ok(Candidate {
            number,
            name: clean(&member.name),
            digest,
            diff_id,
            size: member.size,
            changeset: changeset.map(Arc::new),
        })
    }
}

/// The changeset, and the digest of the decompressed bytes unless they are the stored ones.
fn decode_layer(stored: &mut dyn Read, what: &str, bounds: &Bounds) -> (Result<Changeset>, Option<String>) {
    let read = |reader: &mut dyn Read| layer::read(reader, &Expected::default(), what, bounds);
    let failed = |e: io::Error| (Err(unreadable(what, &e)), Some("unknown".to_owned()));
    let mut blob = match whole(stored, what) {
        Ok(blob) => blob,
        Err(error) => return (Err(error), None),
    };
    match blob.peek(10).map(Compression::of) {
        Err(e) => failed(e),
        Ok(Compression::None) => (read(&mut blob), None),
        Ok(_) => match decode(&mut blob) {
            Err(e) => failed(e),
            Ok(reader) => {
                let mut decoded = Hashing { reader, hasher: hasher("") };
                let changeset = read(&mut decoded);
                (changeset, Some(decoded.hasher.finish()))
            }
        },
    }
}

fn whole<R: Read>(reader: R, what: &str) -> Result<Blob<R>> {
    Blob::new(reader, None, None).map_err(|problem| Error::new(what, problem))
}

/// A tar archive, or anything compressed that may be one. An empty file is an empty layer in old archives.
fn is_layer(head: &[u8]) -> bool {
    head.is_empty() || is_tar(head) || Compression::of(head) != Compression::None
}

fn is_json(head: &[u8]) -> bool {
    let first = head.iter().find(|b| !b.is_ascii_whitespace());
    matches!(first, Some(b'{' | b'['))
}

/// A blob is named by its digest, so the name says which algorithm it will be verified by.
fn hasher(name: &str) -> Hasher {
    if clean(name).starts_with("blobs/sha512/") {
        Hasher::Sha512(Default::default())
    } else {
        Hasher::Sha256(Default::default())
    }
}

/// A reader that computes the digest of what it reads.
struct Hashing<R> {
    reader: R,
    hasher: Hasher,
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
    pub input: Input,
    pub layers: Vec<Seen>,
}

/// A layer, where it was the first time.
pub(crate) struct Seen {
    pub member: Which,
    /// The digest that it had.
    pub expected: Expected,
    /// How messages call it.
    pub what: String,
}

/// A member of an archive.
#[derive(Debug)]
pub(crate) enum Which {
    /// Counted from 0: of an archive that stays what it is.
    Number(u64),
    /// Of one that is made anew.
    Name(String),
}

impl Which {
    fn is(&self, number: u64, member: &Member) -> bool {
        match self {
            Which::Number(wanted) => *wanted == number,
            Which::Name(wanted) => member.kind == Kind::File && *wanted == clean(&member.name),
        }
    }
}

impl Reread for Again {
    fn reread(&self, layer: usize, ordinal: u32, offset: u64, len: usize) -> Result<Vec<u8>> {
        let Some(Seen { member, expected, what }) = self.layers.get(layer) else {
            return Err(load::no_such_layer(layer));
        };
        if !self.input.comes_again() {
            return Err(Error::new(what, format!("{} cannot be read twice", self.input))
                .help("save it to a file, and name that"));
        }
        let mut blob = whole(self.input.raw()?, what)?;
        let mut tarball = Tarball::new(decode(&mut blob).map_err(|e| unreadable(what, &e))?);
        for number in 0.. {
            let next = tarball.next_member().map_err(|e| unreadable(what, &e))?;
            let next = next.ok_or_else(|| Error::new(what, "the archive has changed since it was first read"))?;
            if member.is(number, &next) {
                break;
            }
        }
        layer::reread(tarball, expected, ordinal, offset, len, what)
    }
}
