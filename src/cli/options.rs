//! Options that `check` and `trace` share.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, CommandFactory, ValueEnum};
use imagelint::finding::Finding;
use imagelint::image::{self, Platform};
use imagelint::launch::Overrides;
use imagelint::lint::{self, Lint, Origin, Unbuilt, Which};
use imagelint::report::{self, Detail};
use imagelint::rule::Rule;
use imagelint::source::places::{Access, Place};
use imagelint::source::{Held, Keep, Store};

use super::output::{Color, Complaint, Result};
use super::progress::Bar;
use super::{Exit, dockerfile, fix};

/// Which images, for which platform, started how.
#[derive(Debug, Args)]
pub struct Look {
    /// A name such as `myapp:latest`, a path to an OCI layout or an archive, `docker:NAME`, `podman:NAME`,
    /// `containerd:NAME`, `registry:NAME`, `oci:DIR[:NAME]`, `oci-archive:FILE[:NAME]`, `docker-archive:FILE[:NAME]`,
    /// `rootfs:PATH`, or `-` for an archive on standard input
    #[arg(value_name = "IMAGE", required_unless_present_any = ["dockerfiles", "tracked", "context"])]
    images: Vec<String>,
    /// The platform to look at, such as linux/arm64 [default: the only one there is, else the host's]
    #[arg(long, value_name = "OS/ARCH[/VARIANT]")]
    platform: Option<Platform>,
    /// Look at every platform of an index but Windows; one that it lists and that is not there is an error
    #[arg(long, conflicts_with = "platform")]
    all_platforms: bool,
    #[command(flatten)]
    build: dockerfile::Typed,
    #[command(flatten)]
    search: Search,
    #[command(flatten)]
    pub(super) cache: Cache,
    #[command(flatten)]
    process: Process,
}

/// Where a name is looked for.
#[derive(Debug, Args)]
#[command(next_help_heading = "Where images are looked for")]
struct Search {
    /// The only place where a bare name is looked for [default: docker, podman, containerd, then the registry]
    #[arg(long, value_name = "PLACE", value_enum)]
    source: Option<Source>,
    /// Open no connection to another machine
    #[arg(long)]
    offline: bool,
    /// A registry that is spoken to without TLS (repeatable); those on loopback need not be named
    #[arg(long, value_name = "HOST[:PORT]")]
    insecure_registry: Vec<String>,
}

/// Where layers are remembered.
#[derive(Debug, Args)]
#[command(next_help_heading = "Cache")]
pub struct Cache {
    /// Where what was read of layers is kept, so that it is read once [default: $XDG_CACHE_HOME/imagelint, or
    /// ~/.cache/imagelint]
    #[arg(long, value_name = "DIR", env = "IMAGELINT_CACHE_DIR")]
    cache_dir: Option<PathBuf>,
    /// Read everything, and keep nothing for the next time
    #[arg(long)]
    no_cache: bool,
}

impl Cache {
    /// The cache, if there is to be one and a place for it.
    pub fn store(&self) -> Option<Arc<Store>> {
        let directory = self.cache_dir.clone().or_else(usual).filter(|_| !self.no_cache)?;
        Some(Arc::new(Store::new(directory)))
    }
}

/// XDG Base Directory Specification: relative paths are to be ignored. A home that is not there is not made, either.
pub fn usual() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base =
        absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME").filter(|home| home.is_dir())?.join(".cache")))?;
    Some(base.join("imagelint"))
}

/// As `--source` has it.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Source {
    Docker,
    Podman,
    Containerd,
    Registry,
}

impl Search {
    fn access(&self) -> Access {
        let place = |source| match source {
            Source::Docker => Place::Docker,
            Source::Podman => Place::Podman,
            Source::Containerd => Place::Containerd,
            Source::Registry => Place::Registry,
        };
        Access { only: self.source.map(place), offline: self.offline, insecure: self.insecure_registry.clone() }
    }
}

/// An image, or a Dockerfile, that was looked at.
pub struct Looked<'a> {
    /// As typed.
    pub name: &'a str,
    /// What is known of it.
    pub lint: &'a Lint,
}

/// An image that could not be looked at.
pub struct Unread<'a> {
    /// As typed.
    pub name: &'a str,
    /// Which of its platforms, where it is one of several.
    pub platform: Option<&'a str>,
    /// Why.
    pub complaint: &'a Complaint,
}

/// What `docker run` would change.
#[derive(Debug, Args)]
#[command(next_help_heading = "As `docker run` would override")]
struct Process {
    /// User or user:group
    #[arg(long)]
    user: Option<String>,
    /// Entrypoint; the image's Cmd is dropped
    #[arg(long, value_name = "COMMAND")]
    entrypoint: Option<String>,
    /// A variable of the environment (repeatable)
    #[arg(long, value_name = "NAME=VALUE", value_parser = variable)]
    env: Vec<String>,
    /// Working directory
    #[arg(long, value_name = "DIR")]
    workdir: Option<String>,
    /// Arguments instead of the image's Cmd
    #[arg(last = true, value_name = "ARGS")]
    args: Vec<String>,
}

fn variable(typed: &str) -> std::result::Result<String, String> {
    match typed.find('=') {
        Some(1..) => Ok(typed.to_owned()),
        _ => Err("write NAME=VALUE; variables of this shell are not taken over".to_owned()),
    }
}

impl Look {
    /// Looks at one image after the other and hands it to `then`, or why it could not be looked at; says that, too.
    pub fn each<F: Kind>(
        &self,
        rules: &[&Rule],
        show: &Show<F>,
        mut then: impl FnMut(std::result::Result<Looked<'_>, Unread<'_>>) -> Result<Exit>,
    ) -> Result<Exit> {
        let (mut exit, silent) = (Exit::Clean, show.quiet || show.no_progress);
        let store = self.cache.store();
        let keep = self.keep(store.clone());
        if self.images.is_empty() {
            self.unbuilt(rules, keep.clone(), silent, |name, lint| {
                exit = exit.max(told(name, lint, show, &mut then)?);
                Ok(())
            })?;
        }
        let origin = self.origin(keep.clone(), silent).unwrap_or_else(|complaint| {
            // the images can be looked at all the same
            complaint.say(None, show.color);
            exit = Exit::CouldNotLook;
            None
        });
        for name in &self.images {
            self.lint(name, rules, keep.clone(), silent, |lint| {
                let lint = lint.map(|lint| dockerfile::blamed(lint, origin.as_ref(), show.color));
                exit = exit.max(told(name, lint, show, &mut then)?);
                Ok(())
            })?;
        }
        if let Some((store, trouble)) = store.and_then(|store| store.trouble().map(|trouble| (store, trouble))) {
            let what = format!("the cache `{}` cannot be written: {trouble}", store.directory().display());
            let help = "nothing was kept for the next time; name another directory with --cache-dir, or use --no-cache";
            Complaint::new(what).help(help).warn(show.color);
        }
        Ok(exit)
    }

    /// What was typed for the images, or for the Dockerfiles where there are none.
    pub fn images(&self) -> Result<Vec<String>> {
        if self.images.is_empty() { self.build.names() } else { Ok(self.images.clone()) }
    }

    /// What several images have in common is read once in any case.
    fn keep(&self, store: Option<Arc<Store>>) -> Option<Arc<dyn Keep>> {
        match store {
            Some(store) => Some(store),
            None if self.images.len() > 1 => Some(Arc::new(Held::default())),
            None => None,
        }
    }

    /// Hands the platforms of an image to `then`, each let go before the next is read.
    fn lint(
        &self,
        name: &str,
        rules: &[&Rule],
        store: Option<Arc<dyn Keep>>,
        silent: bool,
        mut then: impl FnMut(imagelint::Result<Lint>) -> Result<()>,
    ) -> Result<()> {
        let bar = Bar::new(name, silent);
        let options = self.options(&bar, store);
        let (reference, overrides) = (name.parse(), self.overrides());
        if !self.all_platforms {
            let lint =
                reference.and_then(|reference| Lint::new(&reference, &options, &overrides, rules.iter().copied()));
            return then(lint.map_err(|error| mistaken(name, error)));
        }
        match reference.and_then(|reference| Lint::all(&reference, &options, &overrides, rules)) {
            Ok(mut all) => all.try_for_each(then),
            Err(error) => then(Err(error)),
        }
    }

    /// Hands the Dockerfiles to `then`, judged before they are built.
    fn unbuilt(
        &self,
        rules: &[&Rule],
        store: Option<Arc<dyn Keep>>,
        silent: bool,
        mut then: impl FnMut(&str, imagelint::Result<Lint>) -> Result<()>,
    ) -> Result<()> {
        for wanted in self.build.wanted()? {
            let name = wanted.path.display().to_string();
            let bar = Bar::new(&name, silent);
            let options = self.options(&bar, store.clone());
            let unbuilt = match Unbuilt::open(&wanted) {
                Ok(unbuilt) => unbuilt,
                Err(error) => {
                    then(&name, Err(error))?;
                    continue;
                }
            };
            let base = self.build.base(unbuilt.base().as_deref(), &options)?;
            then(&name, unbuilt.lint(base, &self.overrides(), rules))?;
        }
        Ok(())
    }

    /// What can be mended of the Dockerfiles; `judge` gives the findings as the project wants them.
    pub fn mended(
        &self,
        rules: &[&Rule],
        which: Which,
        mut judge: impl FnMut(&Lint) -> Vec<Finding>,
    ) -> Result<fix::Changes> {
        if !self.images.is_empty() {
            return Err(fix::need_files());
        }
        let store = self.cache.store().map(|store| store as Arc<dyn Keep>);
        let mut all = fix::Changes::default();
        for wanted in self.build.wanted()? {
            let wanted = all.so_far(&wanted);
            let options = image::Options {
                platform: self.platform.clone(),
                access: self.search.access(),
                store: store.clone(),
                ..image::Options::default()
            };
            let mended = lint::mend(&wanted, which, |unbuilt| {
                let base = self.build.base(unbuilt.base().as_deref(), &options);
                let base = base.map_err(|c| imagelint::Error::new("the base image", c.parts().0))?;
                let lint = unbuilt.lint(base, &self.overrides(), rules)?;
                let findings = judge(&lint);
                Ok((lint, findings))
            });
            // Why a file cannot be read is told when it is linted.
            if let Ok((mended, ..)) = mended {
                all.add(&wanted, mended);
            }
        }
        Ok(all)
    }

    /// What the images were built from.
    fn origin(&self, store: Option<Arc<dyn Keep>>, silent: bool) -> Result<Option<Origin>> {
        if self.images.is_empty() {
            Ok(None)
        } else {
            self.build.origin(silent, |bar| self.options(bar, store.clone()))
        }
    }

    fn options<'b>(&self, bar: &'b Bar, store: Option<Arc<dyn Keep>>) -> image::Options<'b> {
        let (platform, access) = (self.platform.clone(), self.search.access());
        let attested = self.build.is_typed();
        image::Options { platform, access, store, progress: bar, attested, whole: false }
    }

    /// What the command line changes.
    pub fn overrides(&self) -> Overrides {
        let Process { user, entrypoint, env, workdir, args } = &self.process;
        Overrides {
            entrypoint: entrypoint.clone(),
            args: args.clone(),
            env: env.clone(),
            user: user.clone(),
            workdir: workdir.clone(),
        }
    }
}

/// An image that cannot be had may have been meant as a command, which comes first of all words.
fn mistaken(name: &str, error: imagelint::Error) -> imagelint::Error {
    match super::CommandLine::command().find_subcommand(name) {
        Some(_) => error.and_help(format!("`{name}` is a command as well, if it comes first: imagelint {name}")),
        None => error,
    }
}

/// Hands it on, or says why it could not be looked at.
fn told<F: Kind>(
    name: &str,
    lint: imagelint::Result<Lint>,
    show: &Show<F>,
    then: &mut impl FnMut(std::result::Result<Looked<'_>, Unread<'_>>) -> Result<Exit>,
) -> Result<Exit> {
    let error = match lint {
        Ok(lint) => return then(Ok(Looked { name, lint: &lint })),
        Err(error) => error,
    };
    let platform = error.platform().map(str::to_owned);
    let complaint = Complaint::from(error);
    complaint.say(Some(name), show.color);
    let unread = Unread { name, platform: platform.as_deref(), complaint: &complaint };
    Ok(then(Err(unread))?.max(Exit::CouldNotLook))
}

/// Where reports go and how they look.
#[derive(Debug, Args)]
#[command(next_help_heading = "Report")]
pub struct Show<F: Kind> {
    /// What is written to standard output
    #[arg(long, value_enum, default_value = "text")]
    pub format: F,
    /// A further report, written to a file (repeatable)
    #[arg(long, value_name = "FORMAT=FILE", value_parser = file::<F>)]
    pub report: Vec<ReportFile<F>>,
    /// Whether to colour what people read
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub color: Color,
    /// Say less: one line a finding and nothing of clean images; of a launch, how it ends under each engine
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say more: the launch too, under every runtime
    #[arg(short, long)]
    pub verbose: bool,
    /// Never show how far reading has come
    #[arg(long)]
    pub no_progress: bool,
}

impl<F: Kind> Show<F> {
    /// How much a text says.
    pub fn detail(&self) -> Detail {
        match (self.quiet, self.verbose) {
            (true, _) => Detail::Brief,
            (_, true) => Detail::Everything,
            _ => Detail::Full,
        }
    }
}

/// Formats to choose from.
pub trait Kind: ValueEnum + Send + Sync + 'static {}

impl<F: ValueEnum + Send + Sync + 'static> Kind for F {}

/// What a list or a launch can be written as.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// For programs
    Json,
}

/// What findings can be written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Findings {
    /// For people
    Text,
    /// For programs
    Json,
    /// SARIF 2.1.0, for GitHub code scanning
    Sarif,
    /// JUnit's XML, as CI systems show results of tests
    Junit,
    /// Annotations of GitHub Actions
    Github,
    /// GitLab's code quality report
    Gitlab,
    /// Markdown, for the summary of a job
    Markdown,
}

impl From<Findings> for report::Format {
    fn from(format: Findings) -> Self {
        match format {
            Findings::Text => report::Format::Text,
            Findings::Json => report::Format::Json,
            Findings::Sarif => report::Format::Sarif,
            Findings::Junit => report::Format::Junit,
            Findings::Github => report::Format::Github,
            Findings::Gitlab => report::Format::Gitlab,
            Findings::Markdown => report::Format::Markdown,
        }
    }
}

/// `FORMAT=FILE`.
#[derive(Clone, Debug)]
pub struct ReportFile<F> {
    /// What it is written as.
    pub format: F,
    /// Where.
    pub path: PathBuf,
}

fn file<F: Kind>(typed: &str) -> std::result::Result<ReportFile<F>, String> {
    let wrong = || "write FORMAT=FILE, such as json=report.json".to_owned();
    let (format, path) = typed.split_once('=').ok_or_else(wrong)?;
    let format = F::from_str(format, false).map_err(|_| format!("`{format}` is not {}", names::<F>()))?;
    if path.is_empty() || path == "-" { Err(wrong()) } else { Ok(ReportFile { format, path: path.into() }) }
}

/// `text or json`.
fn names<F: Kind>() -> String {
    let values: Vec<_> = F::value_variants().iter().filter_map(ValueEnum::to_possible_value).collect();
    let names: Vec<_> = values.iter().map(|value| value.get_name()).collect();
    match names.as_slice() {
        [most @ .., last] if !most.is_empty() => format!("{} or {last}", most.join(", ")),
        names => names.concat(),
    }
}
