//! Comments beside the place, in all files that are known: those that findings name, and the scripts of the launch.

use std::collections::BTreeMap;

use bstr::{BStr, BString, ByteSlice};

use super::comment::{self, Comment, Language};
use super::ignores::{Notice, Uses};
use crate::finding::{Finding, Place, Position, Source, SourceFile};
use crate::launch::{Step, StepKind};
use crate::rootfs::{Kind, View};
use crate::rule::{Subject, at};

/// The longest beginning of a file of an image that is searched.
const LONGEST: u64 = 256 << 10;

/// A file: its path, and the image that it is in, if it is not one of the repository.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Name {
    path: BString,
    image: Option<String>,
}

/// What is known of a comment.
#[derive(Debug)]
struct Known {
    comment: Comment,
    position: Position,
    uses: Uses,
    /// It stands in a file of an image that was copied there from the repository, where it is told.
    is_copy: bool,
}

/// The comments, by file and place, and which of them were of use.
#[derive(Debug, Default)]
pub(super) struct Comments(BTreeMap<(Name, usize), Known>);

impl Comments {
    /// Finds the comments that may be about findings of this image, which was looked at with these rules.
    pub fn look(&mut self, subject: &Subject<'_>, findings: &[Finding], rules: &[&'static str]) {
        let sources: Vec<_> = findings.iter().flat_map(sources).collect();
        for (source, language) in &sources {
            self.learn_source(&source.file, *language, rules);
        }
        for (path, text) in texts(subject, findings) {
            let is_copy = sources.iter().any(|(source, _)| source.file.text == text);
            let name = Name { path, image: Some(subject.image.reference.clone()) };
            self.learn(&name, &text, Language::Script, is_copy, rules);
        }
    }

    /// The same for a file of the repository in which nothing may be found.
    pub fn learn_source(&mut self, file: &SourceFile, language: Language, rules: &[&'static str]) {
        self.learn(&Name::of_source(file), &file.text, language, false, rules);
    }

    fn learn(&mut self, name: &Name, text: &[u8], language: Language, is_copy: bool, rules: &[&'static str]) {
        for comment in comment::find(text, language) {
            let new = |comment: Comment| {
                let position = Position::of(text.as_bstr(), comment.at);
                Known { comment, position, uses: Uses::default(), is_copy }
            };
            let known = self.0.entry((name.clone(), comment.at)).or_insert_with(|| new(comment));
            known.uses.tried(known.comment.words.rules.iter().filter(|rule| rules.contains(rule)));
        }
    }

    /// Why the finding is not to be told.
    pub fn reason(&mut self, finding: &Finding, subject: &Subject<'_>) -> Option<String> {
        let place = match &finding.place {
            Place::File { path, span, .. } => {
                let name =
                    Name { path: path_of_step(subject, path.as_bstr()), image: Some(subject.image.reference.clone()) };
                self.asked(finding.rule, &name, span.as_ref().map(|span| span.start))
            }
            Place::Config { .. } | Place::Layer { .. } => None,
        };
        self.reason_in_sources(finding).or(place)
    }

    fn reason_in_sources(&mut self, finding: &Finding) -> Option<String> {
        let ask = |(source, _): (&Source, _)| {
            self.asked(finding.rule, &Name::of_source(&source.file), Some(source.span.start))
        };
        sources(finding).filter_map(ask).reduce(|first, _| first)
    }

    /// The reason of the first comment that is about the rule and the place; all such are of use.
    fn asked(&mut self, rule: &'static str, name: &Name, start: Option<usize>) -> Option<String> {
        let mut reason = None;
        let of_file = self.0.range_mut((name.clone(), 0)..=(name.clone(), usize::MAX)).map(|(_, known)| known);
        let says = |Known { comment, .. }: &&mut Known| comment.words.rules.contains(&rule) && comment.covers(start);
        for known in of_file.filter(says) {
            known.uses.used(rule);
            reason.get_or_insert_with(|| known.comment.words.reason.clone());
        }
        reason
    }

    /// What is broken or of no use.
    pub fn notices(&self) -> impl Iterator<Item = Notice> {
        let told = self.0.iter().filter(|(_, known)| !known.is_copy);
        told.flat_map(|((name, _), Known { comment, position, uses, .. })| {
            let place = name.with(*position);
            let unused = uses
                .unused()
                .map(|rule| Notice::new(&place, &format!("the ignore of `{rule}` matches nothing")).help("remove it"));
            comment.words.notices(&place).chain(unused).collect::<Vec<_>>()
        })
    }
}

impl Name {
    fn of_source(file: &SourceFile) -> Self {
        Name { path: file.path.clone(), image: None }
    }

    fn with(&self, Position { line, column }: Position) -> String {
        let place = format!("{}:{line}:{column}", self.path);
        self.image.as_ref().map_or(place.clone(), |image| format!("{place} in {image}"))
    }
}

/// Where the finding is to be mended. What has no instruction beside it is one itself.
fn sources(finding: &Finding) -> impl Iterator<Item = (&Source, Language)> {
    let (source, instruction) = (finding.blame.source.as_ref(), finding.blame.instruction.as_ref());
    let language = if instruction.is_some() { Language::Script } else { Language::Dockerfile };
    let source = source.map(|source| (source, language));
    source.into_iter().chain(instruction.map(|instruction| (instruction, Language::Dockerfile)))
}

/// What is executed on the way, in the container's command and in its health check.
fn steps<'a>(subject: &Subject<'a>) -> impl Iterator<Item = &'a Step> + use<'a> {
    let launches = std::iter::once(subject.launch).chain(subject.healthcheck);
    launches.flat_map(|launch| launch.current()).flat_map(|start| &start.steps)
}

/// The path under which the launch has the file: a finding may name a link to it.
fn path_of_step(subject: &Subject<'_>, path: &BStr) -> BString {
    let ino = at(subject, path);
    let same = steps(subject).find(|step| ino.is_some() && step.ino == ino);
    same.map_or_else(|| path.to_owned(), |step| step.path.clone())
}

/// Texts of the image: of the files that findings name, and of the scripts of the launch.
fn texts(subject: &Subject<'_>, findings: &[Finding]) -> BTreeMap<BString, BString> {
    let scripts = steps(subject).filter(|step| step.kind == StepKind::Script);
    let mut texts: BTreeMap<_, _> =
        scripts.filter_map(|step| Some((step.path.clone(), text(subject, step.path.as_bstr())?))).collect();
    for finding in findings {
        let Place::File { path, head, .. } = &finding.place else { continue };
        let name = path_of_step(subject, path.as_bstr());
        texts.entry(name).or_insert_with(|| text(subject, path.as_bstr()).unwrap_or_else(|| head.clone()));
    }
    texts
}

/// What was kept of the beginning of a file, if that is text.
fn text(subject: &Subject<'_>, path: &BStr) -> Option<BString> {
    let view = View::new(subject.image, subject.rootfs);
    let ino = at(subject, path)?;
    let Kind::Regular { size, .. } = view.inode(ino).kind else { return None };
    let text = view.content(ino)?.get(0, size.min(LONGEST) as usize)?;
    (!text.contains(&0)).then(|| text.into())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::config::ignores::tests::finding;
    use crate::finding::Blame;

    fn file(path: &str, text: &str) -> Arc<SourceFile> {
        Arc::new(SourceFile { path: path.into(), text: text.into() })
    }

    fn at(file: &Arc<SourceFile>, what: &str) -> Source {
        let start = file.text.find(what).unwrap();
        Source { file: file.clone(), span: start..start + what.len() }
    }

    /// What the project says of a finding with this blame, and what is of no use in the end.
    fn told(files: &[&Arc<SourceFile>], blame: Blame) -> (Option<String>, Vec<String>) {
        let (mut comments, rules) = (Comments::default(), ["missing-exec", "no-reaper"]);
        for file in files {
            let script = file.path.ends_with(b".sh");
            comments.learn_source(file, if script { Language::Script } else { Language::Dockerfile }, &rules);
        }
        let reason = comments.reason_in_sources(&Finding { blame, ..finding("missing-exec") });
        (reason, comments.notices().map(|notice| format!("{}: {}", notice.place, notice.message)).collect())
    }

    #[test]
    fn of_an_instruction_in_the_dockerfile() {
        let dockerfile = file("Dockerfile", "FROM x\n# imagelint: ignore[missing-exec,no-reaper] why\nCMD y\nUSER z\n");
        let instruction = |what| Blame { source: Some(at(&dockerfile, what)), ..Blame::default() };
        let no_reaper = "Dockerfile:2:1: the ignore of `no-reaper` matches nothing".to_owned();
        let missing_exec = "Dockerfile:2:1: the ignore of `missing-exec` matches nothing".to_owned();
        assert_eq!(told(&[&dockerfile], instruction("CMD")), (Some("why".to_owned()), vec![no_reaper.clone()]));
        assert_eq!(told(&[&dockerfile], instruction("USER")), (None, vec![missing_exec, no_reaper]));
    }

    #[test]
    fn of_a_copied_file_and_of_the_instruction_that_copies_it() {
        let of_script = "# imagelint: ignore[missing-exec] line\n";
        let of_copy = "# imagelint: ignore[missing-exec] copy\n";
        for (above_line, above_copy, reason) in [
            (of_script, "", Some("line")),
            ("", of_copy, Some("copy")),
            (of_script, of_copy, Some("line")),
            ("", "", None),
        ] {
            let script = file("docker/entry.sh", &format!("#!/bin/sh\n{above_line}app\n"));
            let dockerfile = file("Dockerfile", &format!("FROM x\n{above_copy}COPY docker/entry.sh /\n"));
            let (source, instruction) = (Some(at(&script, "app")), Some(at(&dockerfile, "COPY")));
            let blame = Blame { source, instruction, ..Blame::default() };
            let (said, notices) = told(&[&script, &dockerfile], blame);
            assert_eq!((said.as_deref(), notices.len()), (reason, 0), "{notices:?}");
        }
    }
}
