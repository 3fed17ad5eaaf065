//! `--dockerfile` and `--context`: what an image is built from.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use imagelint::image::{self, Image};
use imagelint::lint::{Lint, Origin, Unbuilt, Wanted};

use super::output::{Color, Complaint, Result};
use super::progress::Bar;
use super::tracked;

/// Names that builders look for in a directory (docker-build(1), podman-build(1)).
const USUAL: [&str; 3] = ["Dockerfile", "Containerfile", "dockerfile"];

/// What is typed of Dockerfiles.
#[derive(Debug, Args)]
#[command(next_help_heading = "What it is built from")]
#[group(skip)]
pub struct Typed {
    /// A Dockerfile, a directory that has one, or `-` for standard input: without IMAGE it is judged before it is built, with one
    /// it is told which line is to blame (repeatable without IMAGE)
    #[arg(short = 'f', long = "dockerfile", value_name = "FILE")]
    dockerfiles: Vec<PathBuf>,
    /// All Dockerfiles here and below that git tracks, each built in its own directory unless --context names another; with
    /// a pathspec of git only those that it names (repeatable), as `--tracked=':!tests/'` does for all but some
    #[arg(
        long,
        value_name = "PATHSPEC",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = ".",
        conflicts_with_all = ["images", "dockerfiles", "target"]
    )]
    tracked: Vec<String>,
    /// The directory that it is built in [default: that of the Dockerfile]
    #[arg(long, value_name = "DIR")]
    context: Option<PathBuf>,
    /// The stage that is built [default: the last]
    #[arg(long, value_name = "STAGE")]
    target: Option<String>,
    /// A build argument that is known (repeatable)
    #[arg(long, value_name = "NAME=VALUE", value_parser = argument)]
    build_arg: Vec<(String, String)>,
    /// The base image, which tells what is there before the first instruction [default: that of FROM, if Docker has it and
    /// its layers are in the cache]
    #[arg(long, value_name = "IMAGE")]
    base: Option<String>,
}

impl Typed {
    /// Whether anything is said of what an image was built from.
    pub fn is_typed(&self) -> bool {
        !self.dockerfiles.is_empty() || self.context.is_some()
    }

    /// How they are named in messages and files.
    pub fn names(&self) -> Result<Vec<String>> {
        Ok(self.paths()?.iter().map(|path| path.display().to_string()).collect())
    }

    /// The Dockerfiles, or the directories that have them.
    fn paths(&self) -> Result<Vec<PathBuf>> {
        match (self.dockerfiles.as_slice(), &self.context) {
            _ if !self.tracked.is_empty() => tracked::dockerfiles(&self.tracked),
            ([], Some(context)) => Ok(vec![context.clone()]),
            (typed, _) => Ok(typed.to_vec()),
        }
    }

    /// The Dockerfiles, each with its context.
    pub fn wanted(&self) -> Result<Vec<Wanted>> {
        let paths = self.paths()?;
        if paths.is_empty() && !self.tracked.is_empty() {
            eprintln!("note: git tracks no Dockerfile here, so there was nothing to look at");
        }
        paths.iter().map(|path| self.one(path)).collect()
    }

    fn one(&self, typed: &Path) -> Result<Wanted> {
        let (target, arguments) = (self.target.clone(), self.build_arg.iter().cloned().collect());
        if typed.as_os_str() == "-" {
            let mut text = Vec::new();
            std::io::stdin()
                .read_to_end(&mut text)
                .map_err(|e| Complaint::new(format!("could not read standard input: {e}")))?;
            return Ok(Wanted {
                path: "-".into(),
                text: Some(text),
                context: self.context.clone(),
                target,
                arguments,
                ..Wanted::default()
            });
        }
        let path = if typed.is_dir() { usual(typed)? } else { typed.to_path_buf() };
        let own = path.parent().map(|parent| if parent.as_os_str().is_empty() { Path::new(".") } else { parent });
        let context = self.context.clone().or_else(|| own.map(Path::to_path_buf));
        Ok(Wanted { path, context, target, arguments, ..Wanted::default() })
    }

    /// The base image: the one that was named, or the one that `usual` names, if it is remembered.
    pub fn base(&self, usual: Option<&str>, options: &image::Options<'_>) -> Result<Option<Image>> {
        let Some(name) = &self.base else {
            let options = image::Options { whole: true, ..options.clone() };
            return Ok(usual.and_then(|name| image::at_hand(name, &options)));
        };
        let reference = name.parse().map_err(Complaint::from)?;
        Ok(Some(image::open(&reference, &image::Options { whole: true, ..options.clone() }).map_err(Complaint::from)?))
    }

    /// What an image was built from; `None` if nothing of it is typed.
    pub fn origin(
        &self,
        silent: bool,
        options: impl for<'b> Fn(&'b Bar) -> image::Options<'b>,
    ) -> Result<Option<Origin>> {
        let wanted = self.wanted()?;
        if let [first, second, ..] = wanted.as_slice() {
            let (first, second) = (first.path.display(), second.path.display());
            return Err(Complaint::new(format!(
                "an image is built from one Dockerfile, and not from `{first}` and `{second}`"
            ))
            .help("give one --dockerfile with an image, or none of the images"));
        }
        let dockerfile = wanted.first().map(Unbuilt::open).transpose().map_err(Complaint::from)?;
        let bar = Bar::new(self.base.as_deref().unwrap_or_default(), silent);
        let base = self.base(None, &options(&bar))?;
        Ok((dockerfile.is_some() || base.is_some()).then_some(Origin { dockerfile, base }))
    }
}

/// The findings on the lines that they come from; says what keeps that from being known.
pub fn blamed(mut lint: Lint, origin: Option<&Origin>, color: Color) -> Lint {
    let Some(origin) = origin else { return lint };
    match lint.blame(origin) {
        Ok(told) => told.into_iter().for_each(|text| Complaint::new(text).warn(color)),
        Err(error) => Complaint::from(error).warn(color),
    }
    lint
}

/// As `docker build` takes it.
fn argument(typed: &str) -> std::result::Result<(String, String), String> {
    let (name, value) = typed.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn usual(directory: &Path) -> Result<PathBuf> {
    let mut there = USUAL.iter().map(|name| directory.join(name)).filter(|path| path.is_file());
    there.next().ok_or_else(|| {
        Complaint::new(format!("the directory `{}` has no Dockerfile", directory.display()))
            .help("name the file with --dockerfile FILE")
    })
}
