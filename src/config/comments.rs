//! Comments beside the place, in all files that are known: those that findings name, and the scripts of the launch.

use std::collections::BTreeMap;

use bstr::{BStr, ByteSlice};

use super::comment::{self, Comment, Language};
use super::ignores::{Notice, Uses};
use crate::finding::{Finding, Place, Position, Source};
use crate::launch::StepKind;
use crate::rootfs::{Kind, View};
use crate::rule::{Subject, at};

/// The longest beginning of a file of an image that is searched.
const LONGEST: u64 = 256 << 10;

/// A file: its path, and the image that it is in, if it is not one of the repository.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Name {
    path: Vec<u8>,
    image: Option<String>,
}

/// What is known of a comment.
#[derive(Debug)]
struct Known {
    comment: Comment,
    position: Position,
    uses: Uses,
}

/// The comments, by file and place, and which of them were of use.
#[derive(Debug, Default)]
pub(super) struct Comments(BTreeMap<(Name, usize), Known>);

impl Comments {
    /// Finds the comments that may be about findings of this image, which was looked at with these rules.
    pub fn look(&mut self, subject: &Subject<'_>, findings: &[Finding], rules: &[&'static str]) {
        let sources = findings.iter().flat_map(sources);
        let mut texts: BTreeMap<Name, (Vec<u8>, Language)> = sources
            .map(|(source, language)| (Name::of_source(source), (source.file.text.to_vec(), language)))
            .collect();
        for (path, text) in in_image(subject, findings) {
            // A comment in a file that the image has from the repository is one, not two.
            if !texts.values().any(|(other, _)| *other == text) {
                texts.insert(Name::in_image(&path, subject), (text, Language::Script));
            }
        }
        for (name, (text, language)) in &texts {
            for comment in comment::find(text, *language) {
                let Known { comment, uses, .. } = self.add(name, text, comment);
                uses.tried(comment.words.rules.iter().filter(|rule| rules.contains(rule)));
            }
        }
    }

    fn add(&mut self, name: &Name, text: &[u8], comment: Comment) -> &mut Known {
        self.0.entry((name.clone(), comment.at)).or_insert_with(|| {
            let position = Position::of(text.as_bstr(), comment.at);
            Known { comment, position, uses: Uses::default() }
        })
    }

    /// Why the finding is not to be told.
    pub fn reason(&mut self, finding: &Finding, subject: &Subject<'_>) -> Option<String> {
        let mut reason = None;
        let mut ask = |name: Name, start: Option<usize>| {
            let of_file = self.0.range_mut((name.clone(), 0)..=(name, usize::MAX)).map(|(_, known)| known);
            let says = |known: &&mut Known| known.comment.words.rules.contains(&finding.rule);
            for known in of_file.filter(says).filter(|known| known.comment.covers(start)) {
                known.uses.used(finding.rule);
                reason.get_or_insert_with(|| known.comment.words.reason.clone());
            }
        };
        for (source, _) in sources(finding) {
            ask(Name::of_source(source), Some(source.span.start));
        }
        if let Place::File { path, span, .. } = &finding.place {
            ask(Name::in_image(path, subject), span.as_ref().map(|span| span.start));
        }
        reason
    }

    /// What is broken or of no use.
    pub fn notices(&self) -> impl Iterator<Item = Notice> {
        self.0.iter().flat_map(|((name, _), Known { comment, position, uses })| {
            let place = name.with(*position);
            let unused = uses
                .unused()
                .map(|rule| Notice::new(&place, &format!("the ignore of `{rule}` matches nothing")).help("remove it"));
            comment.words.notices(&place).chain(unused).collect::<Vec<_>>()
        })
    }
}

impl Name {
    fn of_source(source: &Source) -> Self {
        Name { path: source.file.path.to_vec(), image: None }
    }

    fn in_image(path: &[u8], subject: &Subject<'_>) -> Self {
        Name { path: path.to_vec(), image: Some(subject.image.reference.clone()) }
    }

    fn with(&self, Position { line, column }: Position) -> String {
        let place = format!("{}:{line}:{column}", BStr::new(&self.path));
        self.image.as_ref().map_or(place.clone(), |image| format!("{place} in {image}"))
    }
}

/// Where the finding is to be mended; without another place for the instruction that is one itself.
fn sources(finding: &Finding) -> impl Iterator<Item = (&Source, Language)> {
    let (source, instruction) = (finding.blame.source.as_ref(), finding.blame.instruction.as_ref());
    let language = if instruction.is_some() { Language::Script } else { Language::Dockerfile };
    let source = source.map(|source| (source, language));
    source.into_iter().chain(instruction.map(|instruction| (instruction, Language::Dockerfile)))
}

/// Texts of the image: of the files that findings name, and of the scripts of the launch.
fn in_image(subject: &Subject<'_>, findings: &[Finding]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let places = findings.iter().filter_map(|finding| match &finding.place {
        Place::File { path, head, .. } => Some((path.to_vec(), text(subject, path).unwrap_or_else(|| head.to_vec()))),
        Place::Config { .. } | Place::Layer { .. } => None,
    });
    let launches = std::iter::once(subject.launch).chain(subject.healthcheck);
    let steps = launches.flat_map(|launch| launch.current()).flat_map(|start| &start.steps);
    let scripts = steps.filter(|step| step.kind == StepKind::Script);
    let scripts = scripts.filter_map(|step| Some((step.path.to_vec(), text(subject, &step.path)?)));
    places.chain(scripts).collect()
}

/// What was kept of the beginning of a file, if that is text.
fn text(subject: &Subject<'_>, path: &[u8]) -> Option<Vec<u8>> {
    let view = View::new(subject.image, subject.rootfs);
    let ino = at(subject, path)?;
    let Kind::Regular { size, .. } = view.inode(ino).kind else { return None };
    let text = view.content(ino)?.get(0, size.min(LONGEST) as usize)?;
    (!text.contains(&0)).then(|| text.to_vec())
}
