//! Where a finding is to be mended: the instruction of the Dockerfile, or the file of the repository, that caused it.
//!
//! A field of the configuration leads to the instruction that set it, a file of the image to the file that it was copied
//! from, a layer to the instruction that made it. What neither this Dockerfile nor its context made is inherited.

mod align;
mod built;
mod content;
mod mend;
mod said;

use std::ops::Range;
use std::sync::Arc;

use bstr::{BStr, BString, ByteSlice};

use crate::dockerfile::{Build, Form, From, Instruction, Made};
use crate::finding::{Blame, Field, Finding, Place, Source, SourceFile};

pub use built::Built;

/// A build, and where the layers of its image come from.
pub struct Blamer<'a> {
    /// The build.
    pub build: &'a Build<'a>,
    /// One for each layer of the image.
    pub made: &'a [Made],
}

impl Blamer<'_> {
    /// What the repository has of a finding.
    pub fn blame(&self, finding: &Finding) -> Blame {
        let blame = match &finding.place {
            Place::Config { field: Field::Entrypoint, index: None }
                if finding.rule == "nothing-to-run" && !self.build.plan.sets(Field::Entrypoint) =>
            {
                self.missing()
            }
            Place::Config { field, index } => self.field(*field, *index),
            Place::Layer { index } => self.layer(*index),
            Place::File { path, layer, head, span } => {
                self.copied(path.as_bstr(), *layer, head.as_bstr(), span.clone()).unwrap_or_default()
            }
        };
        let layer = finding.layer.and_then(|layer| self.made.get(layer));
        Blame { layer_inherited: layer.map(|made| made.instruction.is_none()), ..blame }
    }

    fn instruction(&self, at: usize) -> Option<&Instruction> {
        self.build.parsed.instructions.get(at)
    }

    fn in_dockerfile(&self, span: Range<usize>) -> Source {
        Source { file: Arc::clone(&self.build.file), span }
    }

    fn whole(&self, at: usize) -> Option<Source> {
        Some(self.in_dockerfile(self.instruction(at)?.span.clone()))
    }

    /// Where an instruction is wanted and there is none: FROM of the target.
    fn missing(&self) -> Blame {
        let stages = self.build.parsed.stages();
        let from = self.build.plan.stages.last().and_then(|last| stages.get(*last));
        let source = from.map(|stage| self.in_dockerfile(stage.from.span.clone()));
        Blame { source, instruction: None, inherited: Some(false), ..Blame::default() }
    }

    /// The instruction that set a field; of arrays the element.
    fn field(&self, field: Field, index: Option<usize>) -> Blame {
        let Some(at) = self.build.plan.instruction_of(field) else {
            return Blame { inherited: Some(true), ..Blame::default() };
        };
        let source = match (self.instruction(at), index) {
            (Some(instruction), Some(index)) => self.element(instruction, field, index).or_else(|| self.whole(at)),
            _ => self.whole(at),
        };
        Blame { source, instruction: None, inherited: Some(false), ..Blame::default() }
    }

    /// The word of a command, by its place in the configuration.
    fn element(&self, instruction: &Instruction, field: Field, index: usize) -> Option<Source> {
        let words = instruction.words();
        let word = match (instruction.form(), field) {
            (Form::Exec, Field::Healthcheck) => words.get(index.checked_sub(1)?),
            (Form::Exec, Field::Entrypoint | Field::Cmd) => words.get(index),
            // the shell's own words stand nowhere; its text is the last
            (Form::Shell, Field::Entrypoint | Field::Cmd | Field::Healthcheck) => words.first(),
            _ => None,
        };
        Some(self.in_dockerfile(word?.span.clone())).filter(|source| !source.span.is_empty())
    }

    fn layer(&self, index: usize) -> Blame {
        let made = self.made.get(index);
        let source = made.and_then(|made| self.whole(made.instruction?));
        let inherited = made.map(|made| made.instruction.is_none());
        Blame { source, instruction: None, inherited, ..Blame::default() }
    }

    /// The file that a file of the image was copied from, and the instruction that copied it. Where it is not about what is
    /// in the file, the instruction comes first.
    fn copied(&self, path: &BStr, layer: Option<usize>, head: &BStr, span: Option<Range<usize>>) -> Option<Blame> {
        let name = path.strip_prefix(b"/").unwrap_or(path).as_bstr();
        let made = match layer {
            Some(layer) => self.made.get(layer)?,
            None => self.made.iter().rev().find(|made| made.files.contains_key(name))?,
        };
        let Some(from) = made.files.get(name) else { return Some(Blame { source: None, ..self.layer(layer?) }) };
        let instruction = made.instruction.and_then(|at| self.whole(at));
        let source = span.and_then(|span| self.source(from, head, span));
        Some(match source {
            Some(source) => Blame { source: Some(source), instruction, inherited: Some(false), ..Blame::default() },
            None => Blame {
                source: instruction,
                instruction: None,
                inherited: Some(made.instruction.is_none()),
                ..Blame::default()
            },
        })
    }

    /// Bytes of a file of the image in the file that it comes from.
    fn source(&self, from: &From, head: &BStr, span: Range<usize>) -> Option<Source> {
        match from {
            From::Context(path) => {
                let context = self.build.context.as_ref()?;
                let text = BString::from(self.build.bytes(from)?);
                let span = moved(head, text.as_bstr(), span)?;
                let file = SourceFile { path: context.source_path(path.as_bstr()), text };
                Some(Source { file: Arc::new(file), span })
            }
            From::Document(document) => {
                let start = document.body.start;
                let body = self.build.file.text.get(document.body.clone())?;
                let span = moved(head, body.as_bstr(), span)?;
                Some(self.in_dockerfile(start + span.start..start + span.end))
            }
            From::Assumed => None,
        }
    }
}

/// Where bytes of `head` stand in `text`, which may have other line ends, and tabs before its lines.
fn moved(head: &BStr, text: &BStr, span: Range<usize>) -> Option<Range<usize>> {
    if text.starts_with(head.get(..span.end.min(head.len()))?) {
        return (span.end <= text.len()).then_some(span);
    }
    let lines = |text: &BStr, at: usize| text.get(..at).map(|before| before.find_iter(b"\n").count());
    let (line, column) =
        (lines(head, span.start)?, span.start - head.get(..span.start)?.rfind(b"\n").map_or(0, |at| at + 1));
    let start: usize = text.lines_with_terminator().take(line).map(<[u8]>::len).sum();
    let tabs = text.get(start..)?.iter().take_while(|byte| **byte == b'\t').count();
    // the carriage return itself may be what is not there
    let wanted = head.get(span.clone())?.lines().next()?;
    let wanted = wanted.strip_suffix(b"\r").unwrap_or(wanted);
    let stands = |at: &usize| text.get(*at..).is_some_and(|own| own.starts_with(wanted));
    let at = [start + column, start + tabs + column].into_iter().find(stands)?;
    Some(at..at + wanted.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_move_with_line_ends() {
        let head = BStr::new("#!/bin/sh\necho a\napp b\n");
        assert_eq!(moved(head, head, 17..22), Some(17..22));
        let text = BStr::new("#!/bin/sh\r\necho a\r\napp b\r\n");
        assert_eq!(moved(head, text, 17..22), Some(19..24));
        assert_eq!(moved(head, BStr::new("#!/bin/sh\r\nother\r\n"), 17..22), None);
        assert_eq!(moved(text, head, 0..10), Some(0..9));
        let text = BStr::new("\t#!/bin/sh\n\t\techo a\n\tapp b\n");
        assert_eq!(moved(head, text, 17..22), Some(21..26));
    }
}
