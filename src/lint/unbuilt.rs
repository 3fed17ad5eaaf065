//! A Dockerfile without an image: what can be known before it is built.
//!
//! Where the base image is not at hand, its shell is taken to be each of the usual ones in turn. What holds with all of them is
//! likely; what holds with one of them only is possible, and says so.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bstr::{BStr, BString, ByteSlice};

use super::Lint;
use crate::blame::Blamer;
use crate::dockerfile::{self, Assembled, Base, Build, Family, Parsed, Plan};
use crate::error::{Error, Result};
use crate::finding::{Because, Confidence, Field, Finding, Place, Position, Severity, SourceFile};
use crate::image::{Image, Platform};
use crate::launch::Overrides;
use crate::rule::Rule;
use crate::rules;
use crate::source::context::{Context, in_repository};

/// A longer Dockerfile is not read.
const MAX_LENGTH: usize = 4 << 20;

/// One of more instructions is not looked at.
const MAX_INSTRUCTIONS: usize = 10_000;
/// And none that makes more layers: engines take about 125 (moby `layer/layer_store.go`, maxLayerDepth).
const MAX_STEPS: usize = 500;

/// Scripts of a context that are looked at for others that they read, and how much of each.
const MAX_SCRIPTS: usize = 500;
const MAX_SCRIPT: u64 = 1 << 16;

/// A Dockerfile, and what it would be built with.
pub struct Unbuilt {
    pub(super) file: Arc<SourceFile>,
    pub(super) parsed: Parsed,
    pub(super) context: Option<Arc<Context>>,
    pub(super) target: Option<String>,
}

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// The Dockerfile.
    pub path: PathBuf,
    /// Its text, if it was read from standard input.
    pub text: Option<Vec<u8>>,
    /// The build context; without it no file is known that is copied.
    pub context: Option<PathBuf>,
    /// The stage; the last if none is named.
    pub target: Option<String>,
    /// Values of `--build-arg`.
    pub arguments: BTreeMap<String, String>,
    /// Texts that stand for those of the files, by their paths in the repository.
    pub changed: BTreeMap<BString, BString>,
}

impl Unbuilt {
    /// Reads a Dockerfile, and lists the files of its context.
    ///
    /// # Errors
    /// It cannot be read, or is none that can be built: line and column are named.
    pub fn open(wanted: &Wanted) -> Result<Self> {
        let path = if wanted.text.is_some() { BString::from("Dockerfile") } else { in_repository(&wanted.path) };
        let text = match (wanted.changed.get(&path), &wanted.text) {
            (Some(text), _) => text.to_vec(),
            (None, Some(text)) => text.clone(),
            (None, None) => read(&wanted.path)?,
        };
        let shown = wanted.path.display().to_string();
        if text.len() > MAX_LENGTH {
            return Err(Error::new(format!("`{shown}`"), format!("it is longer than {MAX_LENGTH} bytes")));
        }
        let parsed = Parsed { given: wanted.arguments.clone(), ..dockerfile::parse(&text) };
        let file = Arc::new(SourceFile { path, text: text.into() });
        if let Some((at, message)) = fault(&parsed) {
            let Position { line, column } = Position::of(file.text.as_bstr(), at);
            return Err(Error::new(format!("`{shown}:{line}:{column}`"), message)
                .help("mend the Dockerfile: BuildKit refuses it as well"));
        }
        if parsed.instructions.len() > MAX_INSTRUCTIONS {
            return Err(Error::new(format!("`{shown}`"), format!("it has more than {MAX_INSTRUCTIONS} instructions")));
        }
        let Some(plan) = parsed.plan(&file.text, wanted.target.as_deref(), None) else {
            let target = wanted.target.as_deref().unwrap_or_default();
            return Err(Error::new(format!("`{shown}`"), format!("it has no stage `{target}`")).help(stages(&parsed)));
        };
        if plan.steps.len() > MAX_STEPS {
            return Err(Error::new(format!("`{shown}`"), format!("it makes more than {MAX_STEPS} layers"))
                .help("no engine takes so many: put several RUN or COPY into one"));
        }
        let open = |root: &PathBuf| {
            let context = Context::open(root, &wanted.path)?;
            Ok::<_, Error>(Arc::new(context.with(&wanted.changed)))
        };
        let context = wanted.context.as_ref().map(open).transpose()?;
        Ok(Unbuilt { file, parsed, context, target: wanted.target.clone() })
    }

    /// The base image of the target, if it has one and its name is known.
    pub fn base(&self) -> Option<String> {
        match self.parsed.base_of(self.target.as_deref())? {
            Base::Image(name) => Some(name),
            Base::Scratch | Base::Unknown => None,
        }
    }

    /// Lints it on `base`, or on what a base is taken for.
    ///
    /// # Errors
    /// The base's layers cannot be merged.
    pub fn lint(&self, base: Option<Image>, overrides: &Overrides, rules: &[&Rule]) -> Result<Lint> {
        let configuration = base.as_ref().map(|image| image.configuration.clone());
        let plan = self.parsed.plan(&self.file.text, self.target.as_deref(), configuration.as_ref());
        let plan = plan.ok_or_else(|| Error::new("the Dockerfile", "it has no such stage"))?;
        let build =
            Build { file: Arc::clone(&self.file), parsed: &self.parsed, plan: &plan, context: self.context.clone() };
        if let Base::Image(name) = &plan.base
            && is_windows(name)
        {
            let mut lint = Lint::of(build.assumed(Family::Debian, Platform::host()).image, overrides, [])?;
            lint.launch.leave_open("its base is an image for Windows, and of those nothing is known");
            lint.dockerfile = Some(Arc::clone(&self.file));
            return Ok(lint);
        }
        let is_base_known = base.is_some();
        let one = |assembled: Assembled| self.judge(&build, assembled, is_base_known, overrides, rules);
        if let Some(image) = base {
            return one(build.on(image));
        }
        let families: Vec<Family> = match &plan.base {
            Base::Scratch => vec![Family::Alpine],
            Base::Image(name) => Family::of(name).map_or(Family::ALL.to_vec(), |family| vec![family]),
            Base::Unknown => Family::ALL.to_vec(),
        };
        let lints = families.iter().map(|family| one(build.assumed(*family, Platform::host())));
        let mut lints = lints.collect::<Result<Vec<_>>>()?.into_iter();
        let Some(mut first) = lints.next() else { return Err(Error::new("the Dockerfile", "nothing was assumed")) };
        let others: Vec<_> = lints.map(|lint| lint.findings).collect();
        first.findings = together(std::mem::take(&mut first.findings), &others, &families);
        Ok(first)
    }

    fn judge(
        &self,
        build: &Build<'_>,
        made: Assembled,
        is_base_known: bool,
        overrides: &Overrides,
        rules: &[&Rule],
    ) -> Result<Lint> {
        let Assembled { image, made } = made;
        let is_open = image.unseen.is_some();
        // an unknown base may have a command
        let may_be_there = !is_base_known && build.plan.base != Base::Scratch && !build.plan.sets(Field::Entrypoint);
        let is_wide = image.unseen.as_ref().is_some_and(|unseen| unseen.covers(b"/"));
        let known = |rule: &&&Rule| {
            let is_of_parts = rules::OF_PARTS.contains(&rule.name);
            let holds = !is_open || is_of_parts || !is_wide && rules::OF_MOST.contains(&rule.name);
            holds && !(may_be_there && rule.name == "nothing-to-run")
        };
        let mut lint = Lint::of(image, overrides, rules.iter().filter(known).copied())?;
        if may_be_there && lint.launch.process.argv.is_empty() {
            lint.launch.leave_open("what the base image runs is not known");
        }
        // What the base has for an entrypoint gets the words of CMD, and does with them what it will.
        let is_entrypoint_known =
            is_base_known || build.plan.base == Base::Scratch || build.plan.sets(Field::Entrypoint);
        if rules.iter().any(|rule| rule.name == "dead-instruction") {
            lint.findings.extend(rules::dead_instructions(build));
        }
        let is_asked = |name: &str| rules.iter().any(|rule| rule.name == name);
        if is_asked("path-not-found") && lint.findings.iter().all(|finding| finding.rule != "path-not-found") {
            lint.findings.extend(rules::path_not_copied(build));
        }
        let told = |findings: &[Finding], field: Field| {
            let is_it =
                |finding: &Finding| matches!(finding.place, Place::Config { field: other, .. } if other == field);
            findings.iter().any(|finding| finding.rule != "shell-form-command" && is_it(finding))
        };
        if is_asked("broken-exec-form") {
            for broken in rules::broken_exec_forms(build) {
                let Place::Config { field, .. } = broken.place else { continue };
                if !told(&lint.findings, field) {
                    // the shell that stays is the smaller trouble
                    lint.findings.retain(|finding| finding.rule != "shell-form-command" || field == Field::Healthcheck);
                    lint.findings.push(broken);
                }
            }
        }
        if is_open && is_asked("shell-form-command") && lint.findings.iter().all(|f| f.severity == Severity::Note) {
            lint.findings.extend(
                rules::possible_shell_form(&lint.subject())
                    .filter(|possible| lint.findings.iter().all(|finding| finding.rule != possible.rule)),
            );
        }
        lint.dockerfile = Some(Arc::clone(&self.file));
        let blamer = Blamer { build, made: &made };
        let is_overridden = lint.launch.process.origins.iter().any(Option::is_none);
        let is_typed = |finding: &Finding| {
            is_overridden && matches!(finding.place, Place::Config { field: Field::Entrypoint | Field::Cmd, .. })
        };
        for finding in &mut lint.findings {
            // there is no configuration yet that could be shown
            let of_config = |because: &&mut Because| matches!(because.place, Some(Place::Config { .. }));
            finding.because.iter_mut().filter(of_config).for_each(|because| because.place = None);
            if finding.blame.source.is_none() && !is_typed(finding) {
                finding.blame = blamer.blame(finding);
                blamer.mend(finding);
            }
            if finding.rule == "nothing-to-run" {
                finding.severity = Severity::Note; // it may be meant for others to build on
            }
            let is_of_text = finding.rule == "dead-instruction";
            if is_open && !is_of_text && (finding.severity < Severity::Error || !is_entrypoint_known) {
                finding.confidence = finding.confidence.min(Confidence::Likely);
                finding.severity = finding.severity.min(Severity::Warning);
            }
        }
        // What the base brings is the base's: nobody can mend it here. What is typed is the command line's.
        lint.findings.retain(|finding| finding.blame.source.is_some() || is_typed(finding));
        Ok(lint)
    }

    /// Where a file lies that findings name; `None` of what is no regular file of the context.
    pub fn place(&self, wanted: &Wanted, source: &BStr) -> Option<PathBuf> {
        let context = self.context.as_ref();
        let place = match context.and_then(|context| Some((context, context.inside(source)?))) {
            _ if *source == self.file.path => wanted.path.clone(),
            Some((context, inside)) => context.place(inside.as_bstr())?,
            None => return None,
        };
        std::fs::symlink_metadata(&place).is_ok_and(|metadata| metadata.is_file()).then_some(place)
    }

    /// Whether a script of the context is read by another (`. FILE`): what it does is not all that is done.
    pub fn is_read_by_another(&self, source: &BStr) -> bool {
        let Some(context) = &self.context else { return false };
        let name = source.rsplit_str("/").next().unwrap_or_default();
        let is_script =
            |path: &BStr| path.ends_with(b".sh") || !path.rsplit_str("/").next().unwrap_or_default().contains(&b'.');
        let reads = |text: &[u8]| {
            text.lines().any(|line| {
                let mut words =
                    line.split(|byte| byte.is_ascii_whitespace() || b";&|\"'".contains(byte)).filter(|w| !w.is_empty());
                let is_reading = words.any(|word| word == b"." || word == b"source");
                is_reading && words.next().is_some_and(|file| file.ends_with(name) || file.contains(&b'$'))
            })
        };
        let others = context
            .files()
            .filter(|(path, _)| is_script(path.as_bstr()) && context.source_path(path.as_bstr()) != source);
        let texts = others.take(MAX_SCRIPTS).filter_map(|(path, _)| context.read(path.as_bstr(), MAX_SCRIPT).ok());
        texts.into_iter().any(|text| reads(&text))
    }

    /// What a build of it comes to on a base of which nothing is known.
    pub fn plan(&self) -> Option<Plan> {
        self.parsed.plan(&self.file.text, self.target.as_deref(), None)
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    use std::io::Read;
    let what = || format!("`{}`", path.display());
    let absent = "name the Dockerfile with --dockerfile FILE";
    let is_opened = path.starts_with("/dev") || path.starts_with("/proc"); // as a shell's `<(…)` is
    if !is_opened && std::fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        return Err(Error::new(what(), "it is no regular file").help(absent));
    }
    let file = std::fs::File::open(path).map_err(|e| Error::new(what(), e).help(absent))?;
    let mut bytes = Vec::new();
    let read = file.take(MAX_LENGTH as u64 + 1).read_to_end(&mut bytes);
    read.map_err(|e| Error::new(what(), e).help(absent))?;
    Ok(bytes)
}

/// Whether an image of that name is for Windows: Microsoft's own, and the variants of official images that are built on these.
fn is_windows(image: &str) -> bool {
    let name = image.to_lowercase();
    ["/windows/", "/windows:", "nanoserver", "windowsservercore", "/dotnet/framework/"]
        .iter()
        .any(|part| name.contains(part))
}

/// The first fault: where, and what.
fn fault(parsed: &Parsed) -> Option<(usize, String)> {
    let own = parsed.instructions.iter().filter_map(|instruction| instruction.fault.as_ref());
    let first = parsed.faults.iter().chain(own).min_by_key(|fault| fault.span.start);
    let outside = || {
        let first = parsed.instructions.iter().find(|i| !i.is(dockerfile::Keyword::Arg))?;
        (!first.is(dockerfile::Keyword::From))
            .then(|| (first.span.start, "no build stage has begun: the first instruction is FROM".to_owned()))
    };
    let fault = first.map(|fault| (fault.span.start, fault.message.clone()));
    fault.or_else(outside).or_else(|| {
        let none = parsed.stages().is_empty();
        none.then(|| (0, "it has no FROM".to_owned()))
    })
}

fn stages(parsed: &Parsed) -> String {
    let names: Vec<String> = parsed.stages().iter().filter_map(dockerfile::Stage::name).collect();
    if names.is_empty() { "no stage of it has a name".to_owned() } else { format!("it has {}", names.join(", ")) }
}

/// The findings with each of the assumed bases as one list.
fn together(first: Vec<Finding>, others: &[Vec<Finding>], families: &[Family]) -> Vec<Finding> {
    let same = |a: &Finding, b: &Finding| a.rule == b.rule && a.place == b.place && a.blame.source == b.blame.source;
    let mut all: Vec<(Finding, Vec<Family>)> = Vec::new();
    for (family, findings) in families.iter().zip(std::iter::once(&first).chain(others)) {
        for finding in findings {
            match all.iter_mut().find(|(known, _)| same(known, finding)) {
                Some((_, with)) => with.push(*family),
                None => all.push((finding.clone(), vec![*family])),
            }
        }
    }
    let told = |(finding, with): (Finding, Vec<Family>)| {
        if with.len() == families.len() {
            return finding;
        }
        let shells: Vec<&str> = with.iter().map(|family| family.shell()).collect();
        let message = format!("{}, if its shell is {}", finding.message, shells.join(" or "));
        Finding { message, severity: Severity::Note, confidence: Confidence::Possible, ..finding }
    };
    let mut findings: Vec<Finding> = all.into_iter().map(told).collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    findings
}
