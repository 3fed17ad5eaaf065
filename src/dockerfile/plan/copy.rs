//! COPY and ADD: where from, where to, and what stands in the Dockerfile itself.

use std::sync::Arc;

use bstr::ByteSlice;

use super::super::go::lossy;
use super::super::here;
use super::super::instruction::{Heredoc, Instruction, Keyword};
use super::super::stage::Value;
use super::{Build, Copy, Document, Origin, joined};

/// Directories that nearly all images have (Filesystem Hierarchy Standard).
const USUAL: [&str; 24] = [
    "/",
    "/bin",
    "/etc",
    "/home",
    "/lib",
    "/media",
    "/mnt",
    "/opt",
    "/root",
    "/run",
    "/sbin",
    "/srv",
    "/tmp",
    "/usr",
    "/usr/bin",
    "/usr/lib",
    "/usr/local",
    "/usr/local/bin",
    "/usr/local/lib",
    "/usr/local/sbin",
    "/usr/sbin",
    "/usr/share",
    "/var",
    "/var/lib",
];

impl Build<'_> {
    /// What a COPY or ADD comes to.
    pub(super) fn copy(&self, at: usize, instruction: &Instruction) -> Copy {
        let mut paths: Vec<Option<String>> = Vec::new();
        let documents = |name: &[u8]| instruction.heredocs.iter().find(|here| here.name == name);
        let mut bodies = Vec::new();
        let (to, sources) = instruction.words().split_last().map_or((None, &[][..]), |(to, from)| (Some(to), from));
        for source in sources {
            let announced = here::document(&lossy(&source.text)).ok().flatten();
            match announced.and_then(|announced| documents(&announced.name)) {
                Some(here) => bodies.push(Arc::new(self.document(here))),
                None => paths.push(self.expand(&source.text)),
            }
        }
        let flag = |name: &str| instruction.flag(name).map(|value| self.expand(value));
        let mode = flag("chmod");
        let octal = |text: &String| u16::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o7777);
        Copy {
            instruction: at,
            origin: if instruction.has_flag("from") { Origin::Elsewhere } else { Origin::Context },
            sources: paths,
            to: to.and_then(|to| self.expand(&to.text)).map(|to| self.destination(&to)),
            mode: mode.as_ref().and_then(|mode| mode.as_ref().and_then(octal)),
            is_mode_unknown: mode.is_some_and(|mode| mode.as_ref().and_then(octal).is_none()),
            owner: flag("chown").map(Option::unwrap_or_default),
            documents: bodies,
            is_add: instruction.is(Keyword::Add),
            keeps_parents: instruction.has_flag("parents"),
        }
    }

    /// BuildKit `instructions/parse.go` (`parseSourcesAndDest`) and `parser.go` (`ChompHeredocContent`).
    fn document(&self, here: &Heredoc) -> Document {
        let body = self.file.get(here.body.clone()).unwrap_or_default();
        let chomped = |line: &[u8]| line.trim_start_with(|c| c == '\t').to_vec();
        let text: Vec<u8> =
            if here.chomp { body.lines_with_terminator().flat_map(chomped).collect() } else { body.to_vec() };
        let expanded = || match self.plan.variables.expand_document(&text) {
            Value::Known(text) => Some(text.into()),
            Value::Unknown => None,
        };
        let text = if here.expand { expanded() } else { Some(text.into()) };
        Document { name: here.name.clone(), body: here.body.clone(), text }
    }

    fn destination(&self, to: &str) -> String {
        let whole = joined(&self.plan.configuration.working_dir, to);
        // What is there already is not known; a name without a slash at the end may be that of a directory all the same.
        let is_usual = USUAL.contains(&whole.as_str()) || self.directories.contains(&whole);
        let is_directory = to.ends_with('/') || to == "." || to.ends_with("/.") || is_usual;
        if is_directory && !whole.ends_with('/') { whole + "/" } else { whole }
    }
}

/// The directories that there are once a file or a directory of that name is.
pub(super) fn directories(to: &str) -> impl Iterator<Item = String> {
    let ends = to.match_indices('/').map(|(at, _)| at).filter(|at| *at > 0);
    ends.map(|at| to.get(..at).unwrap_or_default().to_owned())
}
