//! The image that a build would make, as far as it can be known before: the base, and on it a layer for each COPY and ADD
//! of files that are at hand. What else may be there is said to be unseen ([`Unseen`]).

mod assumed;
mod run;

use std::collections::BTreeMap;
use std::sync::Arc;

use bstr::{BStr, BString, ByteSlice};

pub use assumed::Family;

use super::instruction::Keyword;
use super::parse::Parsed;
use super::plan::{Base, Copy, Document, Origin, Plan, Step};
use crate::error::{Error, Result};
use crate::finding::SourceFile;
use crate::image::{Changeset, DOCKERFILE, Entry, FileType, Image, Layer, Platform, Reread, Unseen};
use crate::source::context::{Context, Kind, Listed, cleaned};

/// Longer files of the context are not read as a whole.
const MAX_LENGTH: u64 = 1 << 20;
/// The user that `USER name` is taken for where no passwd(5) tells.
const ASSUMED_ID: u32 = 1000;

/// Where a file of the image comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum From {
    /// A file of the context.
    Context(BString),
    /// A here-document.
    Document(Arc<Document>),
    /// Nobody has seen it.
    Assumed,
}

/// A layer, and where what is in it comes from.
#[derive(Clone, Debug, Default)]
pub struct Made {
    /// The instruction that makes it, counted from 0.
    pub instruction: Option<usize>,
    /// Its files, by their paths in the image, without the first `/`.
    pub files: BTreeMap<BString, From>,
}

/// A Dockerfile and what it is built from.
pub struct Build<'a> {
    /// The file.
    pub file: Arc<SourceFile>,
    /// What was read of it.
    pub parsed: &'a Parsed,
    /// What its target comes to.
    pub plan: &'a Plan,
    /// The files that it may copy.
    pub context: Option<Arc<Context>>,
}

/// The image, and where its layers come from.
pub struct Assembled {
    /// The image.
    pub image: Image,
    /// One for each layer.
    pub made: Vec<Made>,
}

/// A file on its way into a layer.
struct Placed {
    from: From,
    kind: Kind,
    mode: u16,
    owner: Owner,
    size: u64,
    link: BString,
}

/// Who a file belongs to, or a process runs as.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    Id(u32),
    /// Only passwd(5) of the image tells.
    Name,
}

impl Owner {
    /// Of `USER`, or `--chown`.
    fn of(text: &str) -> Self {
        match text.split(':').next().unwrap_or_default() {
            "" | "root" => Owner::Id(0),
            user => user.parse().map_or(Owner::Name, Owner::Id),
        }
    }

    fn id(self) -> u32 {
        match self {
            Owner::Id(id) => id,
            Owner::Name => ASSUMED_ID,
        }
    }
}

impl Build<'_> {
    /// Puts the image together on a base that is at hand.
    pub fn on(&self, mut image: Image) -> Assembled {
        let made = vec![Made::default(); image.layers.len()];
        let digest = image.digest.take().map(|digest| format!(", {digest}")).unwrap_or_default();
        let name = image.reference.strip_prefix(image.source).and_then(|rest| rest.strip_prefix(':'));
        image.upon = Some(format!("{} {}{digest}", image.source, name.unwrap_or(&image.reference)));
        let reference = self.file.path.to_string();
        let again = std::mem::replace(&mut image.again, Box::new(Nothing));
        let mut assembled = self.layers(image, made, again);
        assembled.image.source = DOCKERFILE;
        assembled.image.reference = reference;
        assembled.image.tree = None;
        assembled
    }

    /// Puts the image together on a base of which nothing is known but what kind of shell it has, or on none.
    pub fn assumed(&self, family: Family, platform: Platform) -> Assembled {
        let image = Image {
            source: DOCKERFILE,
            reference: self.file.path.to_string(),
            digest: None,
            platform,
            configured: None,
            others: Vec::new(),
            configuration: Default::default(),
            record: Default::default(),
            layers: Vec::new(),
            tree: None,
            tables: 0,
            unseen: None,
            upon: None,
            again: Box::new(Nothing),
        };
        self.layers(image, Vec::new(), Box::new(Nothing)).assume(self, family)
    }

    fn layers(&self, mut image: Image, mut made: Vec<Made>, base: Box<dyn Reread>) -> Assembled {
        let mut below: Vec<BString> = Vec::new();
        let read = |from: &From| self.bytes(from);
        let mut run = run::Run::new(&read);
        let mut layers: Vec<(Made, BTreeMap<BString, Placed>)> = Vec::new();
        for step in &self.plan.steps {
            match step {
                Step::Copy(copy) => {
                    let (files, unseen) = self.copied(copy);
                    below.extend(unseen);
                    let made = Made { instruction: Some(copy.instruction), files: BTreeMap::new() };
                    layers.push((made, files));
                }
                Step::Run(_, text) => {
                    below.push("/".into());
                    run.command(text.as_bstr(), &mut layers);
                }
            }
        }
        if matches!(self.plan.base, Base::Image(_) | Base::Unknown) && made.is_empty() {
            below.push("/".into());
        }
        let first = made.len();
        let mut taken = Vec::new();
        for (mut own, mut files) in layers {
            files.values_mut().for_each(|placed| self.open(placed));
            let (changeset, places) = packed(&files);
            own.files = files.into_iter().map(|(path, placed)| (path, placed.from)).collect();
            let created_by = own.instruction.and_then(|at| self.text_of(at));
            image.layers.push(Layer { digest: String::new(), created_by, changeset: Arc::new(changeset) });
            taken.push(places);
            made.push(own);
        }
        let is_file = |path: &str| made.iter().any(|made| made.files.contains_key(BStr::new(path)));
        image.layers.push(self.working_directory(is_file));
        taken.push(Vec::new());
        made.push(Made::default());
        image.configuration = self.plan.configuration.clone();
        below.sort();
        below.dedup();
        image.unseen = (!below.is_empty()).then_some(Unseen {
            below,
            why: "which the build may bring",
            program: assumed::Platformed(&image.platform).program("assumed").unwrap_or_default(),
            assumed: None,
        });
        image.again = Box::new(Taken { base, first, taken, context: self.context.clone() });
        Assembled { image, made }
    }

    /// Gives to all what the container's user may have: who it is to the files is not known of names, and its groups are not
    /// known at all.
    fn open(&self, placed: &mut Placed) {
        let user = Owner::of(&self.plan.configuration.user);
        if user == Owner::Id(0) {
            return;
        }
        placed.mode |= placed.mode >> 3 & 7;
        if placed.owner != Owner::Id(0) && (placed.owner == Owner::Name || user == Owner::Name) {
            placed.mode |= placed.mode >> 6 & 7;
        }
    }

    /// An instruction in one line.
    fn text_of(&self, at: usize) -> Option<String> {
        let bytes = self.file.text.get(self.parsed.instructions.get(at)?.span.clone())?;
        Some(bytes.to_str_lossy().split_whitespace().collect::<Vec<_>>().join(" "))
    }

    /// WORKDIR makes its directory, unless a file stands there.
    fn working_directory(&self, is_file: impl Fn(&str) -> bool) -> Layer {
        let mut changeset = Changeset::default();
        let path = self.plan.configuration.working_dir.trim_start_matches('/').to_owned();
        if !path.is_empty() && !is_file(&path) {
            changeset.push(b"", &entry(path.as_bytes().as_bstr(), FileType::Directory, 0o755));
        }
        Layer { digest: String::new(), created_by: None, changeset: Arc::new(changeset) }
    }

    /// What COPY or ADD brings: its files, and the directories of which not all is known.
    fn copied(&self, copy: &Copy) -> (BTreeMap<BString, Placed>, Vec<BString>) {
        let (mut files, mut unseen) = (BTreeMap::new(), Vec::new());
        let Some(to) = &copy.to else { return (files, vec!["/".into()]) };
        let to_directory = to.ends_with('/') || copy.sources.len() + copy.documents.len() > 1;
        let target = |name: &[u8]| -> BString {
            let to = to.trim_start_matches('/');
            if to_directory {
                [to.trim_end_matches('/').as_bytes(), b"/", name].concat().trim_start_with(|c| c == '/').into()
            } else {
                to.into()
            }
        };
        for document in &copy.documents {
            let size = document.text.as_ref().map_or(document.body.len(), |text| text.len()) as u64;
            let from = From::Document(Arc::clone(document));
            files.insert(target(&document.name), Placed { from, ..self.placed(copy, Kind::Regular, 0o644, size) });
        }
        for source in &copy.sources {
            let known = match (&copy.origin, source, &self.context) {
                (Origin::Context, Some(source), Some(context)) if !copy.keeps_parents => {
                    self.listed_by(copy, context, source, &target, &mut files, &mut unseen)
                }
                _ => false,
            };
            if !known {
                unseen.push(to.trim_end_matches('/').into());
            }
        }
        (files, unseen)
    }

    /// Files that a source names in the context; whether there is anything.
    fn listed_by(
        &self,
        copy: &Copy,
        context: &Context,
        source: &str,
        target: &dyn Fn(&[u8]) -> BString,
        files: &mut BTreeMap<BString, Placed>,
        unseen: &mut Vec<BString>,
    ) -> bool {
        if copy.is_add && (source.contains("://") || source.starts_with("git@") || is_archive(source)) {
            return false;
        }
        let clean = cleaned(source).unwrap_or_default();
        let named = if clean.contains(['*', '?', '[']) { context.matching(&clean) } else { vec![clean.into()] };
        let mut found = false;
        for path in named {
            let name = path.rsplit_str("/").next().unwrap_or_default();
            let Some(file) = context.leads(path.as_bstr()) else { continue };
            if let Some(listed) = context.regular(file.as_bstr()) {
                files.insert(target(name), self.of_context(copy, context, file.as_bstr(), &listed));
                found = true;
            } else if context.is_directory(file.as_bstr()) {
                let to: BString = copy.to.as_deref().unwrap_or_default().trim_matches('/').into();
                if context.is_partial() {
                    unseen.push([b"/", to.as_bytes()].concat().into());
                }
                let skip = if file.is_empty() { 0 } else { file.len() + 1 };
                for (file, listed) in context.below(file.as_bstr()) {
                    let inside = file.get(skip..).unwrap_or_default();
                    let to = bstr::join("/", [to.as_bytes(), inside].into_iter().filter(|part| !part.is_empty()));
                    files.insert(to.into(), self.of_context(copy, context, file.as_bstr(), listed));
                }
                found = true;
            }
        }
        found
    }

    fn of_context(&self, copy: &Copy, context: &Context, path: &BStr, listed: &Listed) -> Placed {
        let link = (listed.kind == Kind::Symlink).then(|| context.link(path)).flatten();
        let size = context.size(path);
        let placed = self.placed(copy, listed.kind, listed.mode, size);
        Placed { from: From::Context(path.into()), link: link.unwrap_or_default(), ..placed }
    }

    fn placed(&self, copy: &Copy, kind: Kind, mode: u16, size: u64) -> Placed {
        let mode = if copy.is_mode_unknown { mode | 0o111 } else { copy.mode.unwrap_or(mode) };
        let owner = Owner::of(copy.owner.as_deref().unwrap_or_default());
        Placed { from: From::Assumed, kind, mode, owner, size, link: BString::default() }
    }

    /// The files that a COPY or ADD brings, by their paths in the image without the first `/`, as far as they are at hand.
    pub fn brought(&self, copy: &Copy) -> BTreeMap<BString, From> {
        self.copied(copy).0.into_iter().map(|(path, placed)| (path, placed.from)).collect()
    }

    /// The bytes of a file, if they are at hand.
    pub fn bytes(&self, from: &From) -> Option<Vec<u8>> {
        match from {
            From::Context(path) => self.context.as_ref()?.read(path.as_bstr(), MAX_LENGTH).ok(),
            From::Document(document) => document.text.as_ref().map(|text| text.to_vec()),
            From::Assumed => None,
        }
    }

    /// Whether the target runs anything while it is built.
    pub fn runs(&self) -> bool {
        self.plan.steps.iter().any(|step| matches!(step, Step::Run(..)))
            || self.parsed.instructions.iter().any(|i| i.is(Keyword::Onbuild) && i.fault.is_some())
    }
}

/// ADD unpacks what is called so; whether it is one, only its bytes tell.
fn is_archive(source: &str) -> bool {
    let endings = [".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst"];
    endings.iter().any(|ending| source.ends_with(ending))
}

fn entry(path: &BStr, file_type: FileType, mode: u16) -> Entry<'_> {
    Entry {
        ordinal: 0,
        path,
        file_type,
        mode,
        uid: 0,
        gid: 0,
        size: 0,
        link: BStr::new(b""),
        content: None,
        capability: None,
    }
}

/// A layer of these files, and where each of its entries comes from.
fn packed(files: &BTreeMap<BString, Placed>) -> (Changeset, Vec<From>) {
    let (mut changeset, mut places, mut previous) = (Changeset::default(), Vec::new(), BString::default());
    for (path, placed) in files {
        let file_type = if placed.kind == Kind::Symlink { FileType::Symlink } else { FileType::Regular };
        let size = if placed.kind == Kind::Symlink { 0 } else { placed.size };
        let owned = Entry {
            uid: placed.owner.id(),
            gid: placed.owner.id(),
            size,
            ..entry(path.as_bstr(), file_type, placed.mode)
        };
        changeset.push(&previous, &Entry { link: placed.link.as_bstr(), ..owned });
        previous.clone_from(path);
        places.push(placed.from.clone());
    }
    (changeset, places)
}

/// There is nothing to look at again.
struct Nothing;

impl Reread for Nothing {
    fn reread(&self, _layer: usize, _ordinal: u32, _offset: u64, _len: usize) -> Result<Vec<u8>> {
        Err(Error::new("a file of the image", "nobody has seen it"))
    }
}

/// Files as they are read when they are asked for.
struct Taken {
    base: Box<dyn Reread>,
    /// The first layer that is not the base's.
    first: usize,
    taken: Vec<Vec<From>>,
    context: Option<Arc<Context>>,
}

impl Reread for Taken {
    fn reread(&self, layer: usize, ordinal: u32, offset: u64, len: usize) -> Result<Vec<u8>> {
        let Some(own) = layer.checked_sub(self.first) else { return self.base.reread(layer, ordinal, offset, len) };
        let from = self.taken.get(own).and_then(|places| places.get(ordinal as usize));
        let part = |bytes: &[u8]| {
            let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
            bytes.get(start..start.saturating_add(len).min(bytes.len())).unwrap_or_default().to_vec()
        };
        match (from, &self.context) {
            (Some(From::Document(document)), _) => {
                let unknown = || Error::new("a here-document", "it has variables that are not known before the build");
                Ok(part(document.text.as_ref().ok_or_else(unknown)?))
            }
            (Some(From::Context(path)), Some(context)) => {
                Ok(part(&context.read(path.as_bstr(), offset.saturating_add(len as u64))?))
            }
            _ => Err(Error::new("a file of the image", "nobody has seen it")),
        }
    }

    fn content(&self, layer: usize, ordinal: u32) -> Result<Option<crate::image::Content>> {
        if layer < self.first { self.base.content(layer, ordinal) } else { Ok(None) }
    }
}
