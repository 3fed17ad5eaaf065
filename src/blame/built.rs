//! An image and the Dockerfile that it was built from: which instruction, and which file of the repository, is to blame.
//!
//! Where history and Dockerfile do not fit together, nothing is guessed: what is left is certain by itself, a value of the
//! configuration that an instruction gives, and a file that has the same bytes as one of the context.

mod found;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use bstr::{BStr, BString, ByteSlice};

use super::Blamer;
use super::align::{Maker, Unaligned, align};
use super::content::Same;
use crate::dockerfile::{Arguments, Base, Build, Form, From, Performed};
use crate::finding::{Because, Blame, Field, Finding, Place, Source, SourceFile};
use crate::image::{Configuration, Image};
use crate::launch::Process;
use crate::rootfs::View;
use crate::rule::{Subject, quote};

/// An image and what it was built from.
pub struct Built<'a> {
    blamer: Blamer<'a>,
    image: &'a Image,
    view: View<'a>,
    /// What really starts, with what the command line changes.
    process: &'a Process,
    /// Who made which layer, if history and Dockerfile fit together.
    makers: Result<Vec<Maker>, Unaligned>,
    /// How many layers are the base's, by their digests.
    below: Option<usize>,
    /// What the base image has by itself.
    base: Option<&'a Configuration>,
    /// See [`Built::all_brought`].
    brought: RefCell<BTreeMap<usize, Rc<BTreeMap<BString, From>>>>,
}

impl<'a> Built<'a> {
    /// `base` is the base image, if it is at hand.
    pub fn new(build: &'a Build<'a>, subject: &Subject<'a>, base: Option<&'a Image>) -> Self {
        let image = subject.image;
        let is_buildah = image.configuration.labels.contains_key("io.buildah.version");
        let makers = align(&image.record, image.layers.len(), &build.file.text, build.parsed, build.plan, is_buildah);
        let base = base.filter(|base| image.record.begins_with(&base.record));
        let view = View::new(image, subject.rootfs);
        let below = base.map(|base| base.layers.len());
        let base = base.map(|base| &base.configuration);
        Built {
            blamer: Blamer { build, made: &[] },
            image,
            view,
            process: &subject.launch.process,
            makers,
            below,
            base,
            brought: RefCell::default(),
        }
    }

    /// Whether several instructions made one layer together.
    pub fn is_squashed(&self) -> bool {
        let is_one = |maker: &Maker| match maker {
            Maker::Base => false,
            Maker::Own(own) => own.len() > 1,
            Maker::Mixed(_) => true,
        };
        self.makers.as_ref().is_ok_and(|makers| makers.iter().any(is_one))
    }

    /// Why it is not known which instruction made which layer.
    pub fn trouble(&self) -> Option<String> {
        let file = &self.blamer.build.file.path;
        Some(match self.makers.as_ref().err()? {
            Unaligned::None => "it has no history".to_owned(),
            Unaligned::Layers(told, layers) => {
                format!("its history tells of {told} layers, and it has {layers}")
            }
            Unaligned::Other(at, said) => {
                let line = self.blamer.instruction(*at).map_or(0, |instruction| instruction.lines.0);
                let Some(said) = said.as_deref().map(str::trim) else {
                    return Some(format!(
                        "its history does not reach back to line {line} of `{file}`: it was squashed, or built from something else"
                    ));
                };
                let there = match said {
                    "" => "an entry that names no instruction".to_owned(),
                    said => format!("`{}`", said.chars().take(120).collect::<String>()),
                };
                format!(
                    "in place of line {line} of `{file}` its history has {there}: it was built from something else, or changed after"
                )
            }
            Unaligned::More(more) => {
                format!("`{file}` begins with `FROM scratch`, and its history with {more} other instructions")
            }
        })
    }

    /// Blames a finding, tells how that is known, and puts edits to its fixes.
    pub fn blame(&self, finding: &mut Finding) {
        finding.blame = match finding.place.clone() {
            Place::Config { field, index } => self.field(field, index),
            Place::Layer { index } => self.layer(index),
            Place::File { path, layer, .. } => self.file(finding, path.as_bstr(), layer),
        };
        let layer = finding.layer.and_then(|layer| self.maker(layer));
        finding.blame.layer_inherited = layer.and_then(|maker| match maker {
            Maker::Base => Some(true),
            Maker::Own(_) => Some(false),
            Maker::Mixed(_) => None,
        });
        // what the base brings cannot be mended here
        if finding.blame.inherited != Some(true) {
            self.blamer.mend(finding);
        }
    }

    fn is_aligned(&self) -> bool {
        self.makers.is_ok()
    }

    /// The name of the base image, or all of FROM; of the stage that begins with it.
    fn from(&self) -> Option<Source> {
        let parsed = self.blamer.build.parsed;
        let stages = parsed.stages();
        let from = stages.get(*self.blamer.build.plan.stages.first()?)?.from;
        Some(self.blamer.in_dockerfile(from.words().first().map_or(from.span.clone(), |word| word.span.clone())))
    }

    fn inherited(&self) -> Blame {
        Blame { source: self.from(), instruction: None, inherited: Some(true), ..Blame::default() }
    }

    /// Where nothing sets it: the base image does, or nobody.
    fn unset(&self, field: Field) -> Blame {
        let (own, base) = (&self.image.configuration, self.base);
        match (self.is_aligned(), &self.blamer.build.plan.base) {
            (false, _) if base.is_some_and(|base| is_same(field, base, own)) => self.inherited(),
            (false, _) => Blame::default(),
            (true, Base::Scratch) => {
                Blame { source: self.from(), instruction: None, inherited: Some(false), ..Blame::default() }
            }
            (true, _) => self.inherited(),
        }
    }

    /// Whether the command line says it, and not the image.
    fn is_overridden(&self, field: Field, index: Option<usize>) -> bool {
        let (process, image) = (self.process, &self.image.configuration);
        match field {
            Field::Entrypoint | Field::Cmd => index.is_none() && process.origins.iter().any(Option::is_none),
            Field::User => process.user != image.user,
            Field::WorkingDir => process.working_dir != image.working_dir,
            Field::Env => index.is_some_and(|index| index >= image.env.len()),
            Field::Healthcheck | Field::StopSignal | Field::Architecture => false,
        }
    }

    fn field(&self, field: Field, index: Option<usize>) -> Blame {
        let plan = self.blamer.build.plan;
        if self.is_overridden(field, index) {
            return Blame::default();
        }
        match field {
            Field::Architecture => return Blame::default(),
            Field::Env => return self.variable(index),
            _ => {}
        }
        match plan.instruction_of(field) {
            None => self.unset(field),
            Some(at) if self.is_value(field, at) => self.blamer.field(field, index),
            Some(_) => Blame::default(),
        }
    }

    /// Whether the image has the value that the instruction gives.
    fn is_value(&self, field: Field, at: usize) -> bool {
        let (own, image) = (&self.blamer.build.plan.configuration, &self.image.configuration);
        // of a variable the value may not be known; its place in the history tells enough
        let text = |own: &str, image: &str| own == image || (own.is_empty() && self.is_aligned());
        match field {
            Field::Entrypoint => self.is_command(&own.entrypoint, &image.entrypoint, at),
            Field::Cmd => self.is_command(&own.cmd, &image.cmd, at),
            Field::User => text(&own.user, &image.user),
            Field::WorkingDir => text(&own.working_dir, &image.working_dir),
            Field::StopSignal => {
                text(own.stop_signal.as_deref().unwrap_or_default(), image.stop_signal.as_deref().unwrap_or_default())
            }
            Field::Healthcheck => own.healthcheck == image.healthcheck,
            Field::Env | Field::Architecture => self.is_aligned(),
        }
    }

    /// The shell of a shell form may be the base's.
    fn is_command(&self, own: &[String], image: &[String], at: usize) -> bool {
        let form = self.blamer.instruction(at).map(|instruction| instruction.form());
        own == image || (form == Some(Form::Shell) && !own.is_empty() && image.len() > 1 && own.last() == image.last())
    }

    /// ENV of the variable; one that none sets is inherited.
    fn variable(&self, index: Option<usize>) -> Blame {
        let Some(entry) = index.and_then(|index| self.image.configuration.env.get(index)) else {
            return if self.is_aligned() { self.blamer.field(Field::Env, None) } else { Blame::default() };
        };
        let name = entry.split('=').next().unwrap_or_default().as_bytes();
        let plan = self.blamer.build.plan;
        let sets = |at: &usize| match self.blamer.instruction(*at).map(|instruction| &instruction.arguments) {
            Some(Arguments::Pairs(pairs)) => pairs.iter().any(|pair| pair.name.text == name),
            _ => false,
        };
        let all = plan.set.iter().rev().filter(|(field, _)| *field == Field::Env).map(|(_, at)| *at);
        match all.into_iter().find(sets) {
            Some(at) if self.is_aligned() || plan.configuration.env.contains(entry) => {
                Blame { source: self.blamer.whole(at), instruction: None, inherited: Some(false), ..Blame::default() }
            }
            Some(_) => Blame::default(),
            // PATH is there without any base
            None if plan.base == Base::Scratch => Blame::default(),
            None => self.unset(Field::Env),
        }
    }

    /// Who made a layer; `None` if that is not known.
    fn maker(&self, layer: usize) -> Option<Maker> {
        if self.below.is_some_and(|below| layer < below) {
            return Some(Maker::Base);
        }
        match &self.makers {
            Ok(makers) => makers.get(layer).cloned(),
            Err(_) => self.below.map(|_| Maker::Own(Vec::new())),
        }
    }

    fn layer(&self, index: usize) -> Blame {
        match self.maker(index) {
            Some(Maker::Base) => self.inherited(),
            Some(Maker::Own(own)) => {
                let source = single(&own).and_then(|performed| self.blamer.whole(performed.instruction));
                Blame { source, instruction: None, inherited: Some(false), ..Blame::default() }
            }
            Some(Maker::Mixed(_)) | None => Blame::default(),
        }
    }

    /// The file that a file of the image was copied from, and the instruction that copied it. Where it is not about what
    /// is in the file, the instruction comes first.
    fn file(&self, finding: &mut Finding, path: &BStr, layer: Option<usize>) -> Blame {
        let maker = layer.and_then(|layer| self.maker(layer));
        if maker == Some(Maker::Base) {
            return self.inherited();
        }
        let (own, blame) = match (&maker, layer) {
            (Some(Maker::Own(own) | Maker::Mixed(own)), Some(layer)) => (own.clone(), self.layer(layer)),
            _ => (Vec::new(), Blame::default()),
        };
        let Some(found) = self.found(path, layer, &own) else {
            finding.because.extend(self.changed(path, &own));
            return blame;
        };
        if found.same == Same::ToCrlf && finding.rule.starts_with("carriage-return") {
            finding.because.extend(self.converted(&found.from));
        }
        let only = single(&own).map(|performed| performed.instruction);
        let instruction = only.or(found.copied).and_then(|at| self.blamer.whole(at));
        let about = match &finding.place {
            Place::File { head, span: Some(span), .. } => self.blamer.source(&found.from, head.as_bstr(), span.clone()),
            _ => None,
        };
        match (about, instruction) {
            (Some(source), instruction) => {
                Blame { source: Some(source), instruction, inherited: Some(false), ..Blame::default() }
            }
            (None, Some(instruction)) => {
                Blame { source: Some(instruction), instruction: None, inherited: Some(false), ..Blame::default() }
            }
            (None, None) => Blame {
                source: self.first_line(&found.from),
                instruction: None,
                inherited: Some(false),
                ..Blame::default()
            },
        }
    }

    /// That the file which the instruction copies is another than that in the image.
    fn changed(&self, path: &BStr, own: &[Performed]) -> Option<Because> {
        let at = self.is_aligned().then(|| single(own)).flatten()?.instruction;
        let source = self.source_of(at, path.strip_prefix(b"/").unwrap_or(path).as_bstr())?;
        let message = format!(
            "`{source}` of the repository is another file than {} of the image: one of them was changed since",
            quote(path)
        );
        Some(Because { message, place: None })
    }

    /// That the checkout has changed the line ends.
    fn converted(&self, from: &From) -> Option<Because> {
        let From::Context(path) = from else { return None };
        let path = self.blamer.build.context.as_ref()?.source_path(path.as_bstr());
        let message = format!(
            "`{path}` has LF line ends in the repository: the checkout that the image was built from has made CRLF of them \
             (core.autocrlf, or eol in .gitattributes)"
        );
        Some(Because { message, place: None })
    }

    fn first_line(&self, from: &From) -> Option<Source> {
        let (From::Context(path), context) = (from, self.blamer.build.context.as_ref()?) else { return None };
        let text = BString::from(self.blamer.build.bytes(from)?);
        let end = text.lines().next().map_or(0, <[u8]>::len);
        let file = SourceFile { path: context.source_path(path.as_bstr()), text };
        Some(Source { file: Arc::new(file), span: 0..end })
    }
}

/// Whether two images have the same value; of variables each is on its own.
fn is_same(field: Field, a: &Configuration, b: &Configuration) -> bool {
    match field {
        Field::Entrypoint => a.entrypoint == b.entrypoint,
        Field::Cmd => a.cmd == b.cmd,
        Field::User => a.user == b.user,
        Field::WorkingDir => a.working_dir == b.working_dir,
        Field::Healthcheck => a.healthcheck == b.healthcheck,
        Field::StopSignal => a.stop_signal == b.stop_signal,
        Field::Env | Field::Architecture => false,
    }
}

/// The one, if there is one only.
fn single(own: &[Performed]) -> Option<Performed> {
    match own {
        [one] => Some(*one),
        _ => None,
    }
}
