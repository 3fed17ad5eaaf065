//! A launch that does not run, and the finding that tells of it.

use std::ops::Range;

use bstr::BString;

use super::{Subject, paste, quote, reasons, seen};
use crate::finding::{Because, Blame, Confidence, ExitCodes, Field, Finding, Fix, Place, Severity};
use crate::launch::{Cause, Closure, Engine, Launch, Role, Start, Step, StepKind};
use crate::rootfs::{Ino, Inode, View};

/// A launch that does not run, under at least one current engine, for a reason that one rule explains.
pub struct Trouble<'a> {
    /// What is judged.
    pub subject: Subject<'a>,
    /// The launch.
    pub launch: &'a Launch,
    /// The first current engine's start that shows it.
    pub start: &'a Start,
    /// Why.
    pub cause: &'a Cause,
    /// All current starts that show it.
    pub starts: Vec<&'a Start>,
}

/// What a rule adds to what is known of every trouble.
#[derive(Default)]
pub struct Explanation {
    /// One sentence: lower case, no full stop, the user's own words in backquotes.
    pub message: String,
    /// Reasons between the chain of steps and what people will see.
    pub why: Vec<Because>,
    /// What to do.
    pub help: String,
    /// Things to paste.
    pub fixes: Vec<Fix>,
    /// The place to look at first; the first word of the command if `None`.
    pub place: Option<Place>,
    /// The layer to blame, if the rule knows better than "the one of the last file found".
    pub layer: Option<usize>,
}

impl Explanation {
    /// A sentence and what to do about it.
    pub fn new(message: String, help: impl Into<String>) -> Self {
        Explanation { message, help: help.into(), ..Explanation::default() }
    }

    /// Adds a reason.
    #[must_use]
    pub fn why(mut self, message: impl Into<String>) -> Self {
        self.why.push(Because { message: message.into(), place: None });
        self
    }

    /// Adds something to paste.
    #[must_use]
    pub fn fix(self, title: impl Into<String>, text: impl Into<String>) -> Self {
        self.fixes(paste::fix(title, text))
    }

    /// Adds something to paste, if it can be written so that it is safe.
    #[must_use]
    pub fn fix_if(self, title: impl Into<String>, text: Option<String>) -> Self {
        self.fixes(text.and_then(|text| paste::fix(title, text)))
    }

    /// Adds things to paste.
    #[must_use]
    pub fn fixes(mut self, fixes: impl IntoIterator<Item = Fix>) -> Self {
        self.fixes.extend(fixes);
        self
    }

    /// Sets the place to look at first.
    #[must_use]
    pub fn at(mut self, place: Option<Place>) -> Self {
        self.place = place;
        self
    }

    /// Sets the layer to blame.
    #[must_use]
    pub fn layer(mut self, layer: Option<usize>) -> Self {
        self.layer = layer;
        self
    }
}

impl<'a> Subject<'a> {
    /// The findings of the rule `name`: what `explain` says about the trouble that it stands for, if there is one.
    pub fn explain(&self, name: &'static str, explain: impl Fn(&Trouble<'a>) -> Explanation) -> Vec<Finding> {
        self.trouble(name).map(|trouble| trouble.finding(name, explain(&trouble))).into_iter().collect()
    }
}

impl<'a> Trouble<'a> {
    /// The trouble of the subject's command that the rule `name` explains.
    pub fn find(subject: &Subject<'a>, name: &str) -> Option<Self> {
        let launch = subject.launch;
        let shows = |s: &&Start| s.outcome.cause().is_some_and(|c| c.rule(&launch.process) == name);
        let starts: Vec<&Start> = launch.current().iter().filter(shows).collect();
        let start = *starts.first()?;
        Some(Trouble { subject: *subject, launch, start, cause: start.outcome.cause()?, starts })
    }

    /// An error if no current engine runs it, a warning if some do.
    pub fn severity(&self) -> Severity {
        let runs_somewhere = self.launch.current().iter().any(|s| s.outcome.cause().is_none());
        if runs_somewhere { Severity::Warning } else { Severity::Error }
    }

    /// A finding of this trouble.
    pub fn finding(&self, rule: &'static str, explanation: Explanation) -> Finding {
        let Explanation { message, why, help, fixes, place, layer } = explanation;
        let of_place = match &place {
            Some(Place::File { layer, .. }) => *layer,
            _ => None,
        };
        let layer = layer.or(of_place).or_else(|| self.last_file().and_then(|step| step.layer));
        let mut because = reasons::chain(self);
        because.extend(why);
        because.extend(seen::sentences(self).into_iter().map(|message| Because { message, place: None }));
        Finding {
            rule,
            severity: self.severity(),
            confidence: Confidence::Certain,
            message,
            help,
            exit_codes: self.exit_codes(),
            place: place.unwrap_or_else(|| self.word(0)),
            because,
            layer,
            fixes,
            blame: Blame::default(),
            suppression: None,
        }
    }

    /// What the three engines show.
    fn exit_codes(&self) -> ExitCodes {
        let code = |engine| self.starts.iter().find(|s| s.runtime.engine == engine).and_then(|s| s.seen()?.exit_code);
        match self.is_health_check() || self.is_extra() {
            true => ExitCodes::default(),
            false => ExitCodes {
                docker: code(Engine::Docker),
                podman: code(Engine::Podman),
                kubernetes: code(Engine::Containerd),
            },
        }
    }

    /// The place of word `index` of argv in the configuration.
    pub fn word(&self, index: usize) -> Place {
        match self.launch.process.origins.get(index).copied().flatten() {
            Some((field, index)) => Place::Config { field, index: Some(index) },
            None => Place::Config { field: self.field(), index: None },
        }
    }

    /// The field that the command comes from.
    fn field(&self) -> Field {
        self.launch.process.origins.iter().flatten().map(|(field, _)| *field).next().unwrap_or(Field::Cmd)
    }

    /// Whether the command is that of HEALTHCHECK.
    pub fn is_health_check(&self) -> bool {
        self.field() == Field::Healthcheck
    }

    /// Whether the command is none of the configuration's: a program that merely lies in a directory of PATH.
    pub fn is_extra(&self) -> bool {
        self.field() == Field::Env
    }

    /// The instruction that names the command.
    pub fn instruction(&self) -> &'static str {
        match self.launch.process.origins.first() {
            Some(None) if !self.is_health_check() => "the command line",
            _ => match self.field() {
                Field::Entrypoint => "ENTRYPOINT",
                Field::Healthcheck => "HEALTHCHECK",
                Field::Env => "PATH",
                _ => "CMD",
            },
        }
    }

    /// Who asks for the program that fails, and how: `ENTRYPOINT names`, or `` `tini` is to execute ``.
    pub fn who(&self) -> String {
        let wrapper = || self.start.steps.iter().rev().find(|step| step.kind == StepKind::Wrapper)?.argv.first();
        let role = match self.cause {
            Cause::Exec { role, .. } | Cause::NotInPath { role, .. } => Some(*role),
            _ => None,
        };
        match (role, wrapper(), self.script()) {
            (Some(Role::Wrapped { .. }), Some(name), _) => format!("{} is to execute", quote(name)),
            (Some(Role::ShellCommand { line, sourced: false }), _, Some(script)) => {
                format!("line {line} of {} names", quote(&script.path))
            }
            _ => format!("{} names", self.instruction()),
        }
    }

    /// Whether it is a program that another program is to execute.
    fn is_wrapped(&self) -> bool {
        matches!(
            self.cause,
            Cause::Exec { role: Role::Wrapped { .. }, .. } | Cause::NotInPath { role: Role::Wrapped { .. }, .. }
        )
    }

    /// argv\[0\].
    pub fn command(&self) -> &'a str {
        self.launch.process.argv.first().map_or("", String::as_str)
    }

    /// The command's words after the first.
    pub fn arguments(&self) -> &'a [String] {
        self.launch.process.argv.get(1..).unwrap_or_default()
    }

    /// The instruction that gives the command the words `argv`, as one can paste it.
    pub fn instruction_with<S: AsRef<str>>(&self, argv: &[S]) -> String {
        match self.instruction() {
            "the command line" => format!("CMD {}", super::json_array(argv)),
            "HEALTHCHECK" => format!("HEALTHCHECK CMD {}", super::json_array(argv)),
            other => {
                let own = |i: &usize| {
                    self.launch
                        .process
                        .origins
                        .get(*i)
                        .copied()
                        .flatten()
                        .is_none_or(|(field, _)| field == self.field())
                };
                let from_cmd = (1..self.launch.process.argv.len()).filter(|i| !own(i)).count();
                let (own, _) = argv.split_at(argv.len().saturating_sub(from_cmd).max(1).min(argv.len()));
                format!("{other} {}", super::json_array(own))
            }
        }
    }

    /// The last file on the way that is really there.
    pub fn last_file(&self) -> Option<&'a Step> {
        self.start.steps.iter().rev().find(|step| step.ino.is_some())
    }

    /// The file that is there and cannot be executed, under the path asked for or found in PATH.
    pub fn candidate(&self) -> Option<(BString, Ino)> {
        match self.cause {
            Cause::Exec { path, problem, .. } => Some((path.clone(), problem.ino()?)),
            Cause::NotInPath { tried, .. } => tried.iter().find_map(|t| Some((t.path.clone(), t.problem.ino()?))),
            _ => None,
        }
    }

    /// The last script on the way: the one whose first line is to blame.
    pub fn script(&self) -> Option<&'a Step> {
        self.start.steps.iter().rev().find(|step| step.kind == StepKind::Script)
    }

    /// The last program that is not a script: the one whose loader is to blame.
    pub fn program(&self) -> Option<&'a Step> {
        self.start.steps.iter().rev().find(|step| step.kind != StepKind::Loader && step.ino.is_some())
    }

    /// What the dynamic loader mapped before it gave up.
    pub fn closure(&self) -> Option<&'a Closure> {
        match self.cause {
            Cause::Link(closure) => Some(closure),
            _ => None,
        }
    }

    /// The first 256 bytes of a file: what the kernel reads of it. Empty if they cannot be had.
    pub fn head(&self, ino: Ino) -> Vec<u8> {
        match self.inode(ino) {
            Some(_) => View::new(self.subject.image, self.subject.rootfs).read(ino, 0, 256).unwrap_or_default(),
            None => Vec::new(),
        }
    }

    /// The first line of a file, without the line feed.
    pub fn first_line(&self, ino: Ino) -> Vec<u8> {
        let head = self.head(ino);
        head.split(|b| *b == b'\n').next().unwrap_or_default().to_vec()
    }

    /// An inode of the image; `None` for what the runtime makes, such as `/dev/null`.
    pub fn inode(&self, ino: Ino) -> Option<Inode<'a>> {
        self.subject.rootfs.get(ino)
    }

    /// The layer that an inode comes from.
    pub fn layer_of(&self, ino: Ino) -> Option<usize> {
        self.inode(ino)?.layer.map(usize::from)
    }

    /// Mode and owner of a file, as a reason: ``mode 0700 and belongs to 0:0``.
    pub fn mode(&self, ino: Ino) -> String {
        match self.inode(ino) {
            Some(i) => format!("has mode {:04o} and belongs to {}:{}", i.mode, i.uid, i.gid),
            None => "is made by the runtime".to_owned(),
        }
    }

    /// The script's path, or the command if there is no script.
    pub fn script_path(&self) -> String {
        self.script().map_or_else(|| self.command().to_owned(), |step| step.path.to_string())
    }

    /// The COPY that brought `path`, with `flag` (`--chmod=0755`); the instruction of `layer` where it is one.
    pub fn copy_with(&self, flag: &str, layer: Option<usize>, path: &str) -> Option<String> {
        let layer = layer.and_then(|layer| self.subject.image.layers.get(layer));
        let text = layer.and_then(|l| l.created_by.as_deref()).map(instruction_text).unwrap_or_default();
        let own = text.strip_prefix("COPY ").filter(|_| paste::is_plain(path)).and_then(|rest| copied(flag, rest));
        own.or_else(|| paste::copy(flag, path.rsplit('/').next().unwrap_or(path), path))
    }

    /// Whether there is a shell to propose.
    pub fn has_shell(&self) -> bool {
        super::at(&self.subject, b"/bin/sh").is_some()
    }

    /// The command with another program in front of its arguments, as an instruction; empty if a wrapper names the
    /// program elsewhere than among the words of that instruction.
    pub fn instead<S: AsRef<str>>(&self, words: &[S]) -> String {
        let process = &self.launch.process;
        let at = match self.cause {
            Cause::Exec { path: name, .. } | Cause::NotInPath { name, .. } if self.is_wrapped() => {
                process.argv.iter().rposition(|word| word.as_bytes() == name.as_slice())
            }
            _ => Some(0),
        };
        let field = |index: usize| process.origins.get(index).copied().flatten().map(|(field, _)| field);
        let Some(at) = at.filter(|at| field(*at) == field(0)) else { return String::new() };
        let (before, after) = process.argv.split_at(at.min(process.argv.len()));
        let own = words.iter().map(AsRef::as_ref);
        let argv: Vec<&str> =
            before.iter().map(String::as_str).chain(own).chain(after.iter().skip(1).map(String::as_str)).collect();
        self.instruction_with(&argv)
    }

    /// The place of the first line of the script in step `step`.
    pub fn first_line_of(&self, step: &Step) -> Option<Place> {
        let ino = step.ino?;
        Some(self.file(&step.path, ino, Some(0..self.first_line(ino).len())))
    }

    /// A file as a place; its head is shown if it is text.
    pub fn file(&self, path: &[u8], ino: Ino, span: Option<Range<usize>>) -> Place {
        let head = self.head(ino);
        let text = is_text(&head);
        let layer = self.layer_of(ino);
        let head = BString::from(if text { head } else { Vec::new() });
        Place::File { path: path.into(), layer, head, span: span.filter(|s| text && !s.is_empty()) }
    }

    /// A layer as people know it: by its instruction, and by its number once there are layers.
    pub fn layer_name(&self, layer: usize) -> String {
        let layers = &self.subject.image.layers;
        let number = format!("layer {} of {}", layer + 1, layers.len());
        let text = layers.get(layer).and_then(|l| l.created_by.as_deref()).map(instruction_text).unwrap_or_default();
        match (text, self.subject.image.is_built()) {
            ("", true) => number,
            ("", false) => "what the build finds".to_owned(),
            (text, true) => format!("{number} ({})", quote(text)),
            (text, false) => quote(text),
        }
    }
}

/// The COPY of a history with `flag` in place of another of its name. Builders note paths without their quotes, so
/// that several words before what is no directory may be one name with blanks; and `file:…` is the old builder's.
fn copied(flag: &str, rest: &str) -> Option<String> {
    let name = flag.split('=').next().unwrap_or(flag);
    let (flags, paths): (Vec<&str>, Vec<&str>) =
        rest.split_whitespace().filter(|word| !word.starts_with(name)).partition(|word| word.starts_with("--"));
    let plain = paths.iter().all(|path| paste::is_plain(path) && !path.contains(':'));
    let flags_plain = flags.iter().all(|flag| paste::is_plain(flag.trim_start_matches('-')));
    let into = paths.last().is_some_and(|to| to.ends_with('/'));
    let clear = plain && flags_plain && (paths.len() == 2 || paths.len() > 2 && into);
    clear.then(|| [&["COPY", flag], flags.as_slice(), paths.as_slice()].concat().join(" "))
}

/// Whether it is text, in UTF-8 or in an older encoding: then most of it is ASCII.
pub(super) fn is_text(head: &[u8]) -> bool {
    let odd = head.iter().filter(|byte| !byte.is_ascii_graphic() && !byte.is_ascii_whitespace()).count();
    let is_whole = std::str::from_utf8(head).err().is_none_or(|e| e.error_len().is_none());
    !head.is_empty() && !head.contains(&0) && (is_whole || odd * 8 <= head.len())
}

/// `created_by` without what builders put around the instruction.
fn instruction_text(created_by: &str) -> &str {
    let text = created_by.trim();
    let text = text.strip_prefix("/bin/sh -c #(nop)").unwrap_or(text);
    text.strip_suffix("# buildkit").unwrap_or(text).trim()
}
