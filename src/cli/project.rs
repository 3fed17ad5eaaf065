//! What the project says of the findings: which file says it, and what is told of it in the end.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Args;
use imagelint::config::{self, Baseline, Config, Date, Entry, FailOn, Ignores, Settings};
use imagelint::finding::{Finding, Suppressor};
use imagelint::launch::Overrides;
use imagelint::lint::Lint;
use imagelint::report;
use imagelint::report::escape::visible;
use imagelint::rule::Rule;

use super::Exit;
use super::options::{Kind, Show};
use super::output::{Color, Complaint, Result};
use super::target;

/// How many words of no use are told one by one: they may be those of a hostile image.
const NOTICES: usize = 20;

/// As typed.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Project")]
pub struct Options {
    #[command(flatten)]
    file: File,
    /// Tell only what is not in this file, which --write-baseline has written
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Write all findings that would be told to a file, for --baseline, and fail on none of them
    #[arg(long, value_name = "FILE")]
    write_baseline: Option<PathBuf>,
    /// Tell everything: no ignore of imagelint.toml, of comments, labels and the baseline counts, and no rule is off or
    /// milder than it is by itself
    #[arg(long, conflicts_with = "write_baseline")]
    no_ignores: bool,
}

/// Which configuration.
#[derive(Clone, Debug, Args)]
pub struct File {
    /// The configuration [default: imagelint.toml here or above, up to the root of the repository or the home directory]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Read no configuration
    #[arg(long, conflicts_with = "config")]
    no_config: bool,
}

impl File {
    /// The file that is in force, and how messages name it.
    pub fn path(&self) -> Option<(PathBuf, String)> {
        if let Some(path) = &self.config {
            return Some((path.clone(), shown(path)));
        }
        // A working directory that is gone has nothing in it.
        let here = std::env::current_dir().ok().filter(|_| !self.no_config)?;
        let path = config::find(&here, std::env::var_os("HOME").as_deref())?;
        let name = shown(path.strip_prefix(&here).unwrap_or(&path));
        Some((path, name))
    }

    /// What it says.
    pub fn read(&self) -> Result<Option<Config>> {
        let Some((path, name)) = self.path() else { return Ok(None) };
        let read = if self.config.is_some() { Config::read } else { Config::found };
        Ok(Some(read(&path, &name)?))
    }
}

impl Options {
    /// The file that is to be written.
    pub fn written(&self) -> Option<&Path> {
        self.write_baseline.as_deref()
    }
}

/// The findings of an image, as the project wants them.
pub struct Judged {
    /// All, also those that are not to be told.
    pub findings: Vec<Finding>,
    /// What the configuration says of the exit code.
    pub fail_on: Option<FailOn>,
}

/// What the project says, and what came of it.
pub struct Project {
    options: Options,
    config: Option<Config>,
    ignores: Ignores,
    /// Rules that the command line asks for by name.
    selected: Vec<String>,
    present: BTreeSet<Entry>,
    color: Color,
    quiet: bool,
}

impl Project {
    /// Reads what there is to be read.
    pub fn open<F: Kind>(options: Options, selected: Vec<String>, show: &Show<F>) -> Result<Self> {
        let config = options.file.read()?;
        let baseline = options.baseline.as_ref().map(|path| Baseline::read(path, &shown(path))).transpose()?;
        let ignores = Ignores::new(config.as_ref(), baseline, Date::today());
        let (color, quiet) = (show.color, show.quiet);
        Ok(Project { options, config, ignores, selected, present: BTreeSet::new(), color, quiet })
    }

    fn settings(&self, reference: &str) -> Settings {
        let settings = self.config.as_ref().map(|config| config.settings(reference)).unwrap_or_default();
        if self.options.no_ignores { settings.hardened() } else { settings }
    }

    /// What is to be told of an image, with the programs in PATH started as `deep` says.
    pub fn judge(&mut self, lint: &Lint, rules: &[&'static Rule], deep: Option<Overrides>) -> Judged {
        let settings = self.settings(&lint.image.reference);
        // The command line has the last word.
        let is_on = |rule: &str| self.selected.iter().any(|name| name == rule) || !settings.is_off(rule);
        let rules: Vec<_> = rules.iter().copied().filter(|rule| is_on(rule.name)).collect();
        let mut findings: Vec<_> = lint.findings.iter().filter(|finding| is_on(finding.rule)).cloned().collect();
        settings.weigh(&mut findings);
        if let Some(overrides) = deep {
            findings.extend(lint.deep(&overrides, rules.iter().copied()));
        }
        if !self.options.no_ignores {
            let names: Vec<_> = rules.iter().map(|rule| rule.name).collect();
            self.ignores.mark(&lint.subject(), &names, &mut findings);
            if let Some(file) = &lint.dockerfile {
                self.ignores.know_dockerfile(file, &names);
            }
        }
        if self.options.write_baseline.is_some() {
            self.take_down(lint, &mut findings);
        }
        Judged { findings, fail_on: settings.fail_on() }
    }

    /// Takes down for the baseline what would be told without one; it is not to be told from now on.
    fn take_down(&mut self, lint: &Lint, findings: &mut [Finding]) {
        let name = self.options.written().map(shown).unwrap_or_default();
        let is_open =
            |finding: &&mut Finding| finding.suppression.as_ref().is_none_or(|s| s.by == Suppressor::Baseline);
        for finding in findings.iter_mut().filter(is_open) {
            self.present.insert(Entry::of(finding, &lint.image));
            finding.suppression = Some(config::in_baseline(&name));
        }
    }

    /// Writes the baseline, and tells what was said and is of no use.
    pub fn close(self, exit: Exit) -> Result<()> {
        let complete = exit != Exit::CouldNotLook;
        if let Some(path) = self.options.written() {
            if complete {
                target::write_as("baseline", path, self.ignores.baseline().rewritten(&self.present).as_bytes())?;
                if !self.quiet {
                    eprintln!("note: wrote {} to `{}`", report::counted(self.present.len(), "finding"), shown(path));
                }
            } else {
                let what =
                    format!("the baseline `{}` was not written, since not every image could be read", shown(path));
                Complaint::new(what).warn(self.color);
            }
        }
        if self.options.no_ignores {
            return Ok(());
        }
        let stale = self.ignores.baseline().notice().filter(|_| complete && self.options.written().is_none());
        let notices: Vec<_> = self.ignores.notices(complete).into_iter().chain(stale).collect();
        for notice in notices.iter().take(NOTICES) {
            let complaint = Complaint::new(format!("{}: {}", notice.place, notice.message));
            complaint.help(notice.help.as_str()).warn(self.color);
        }
        if let Some(more @ 1..) = notices.len().checked_sub(NOTICES) {
            Complaint::new(format!("{more} more ignores are of no use")).warn(self.color);
        }
        Ok(())
    }
}

fn shown(path: &Path) -> String {
    visible(path.as_os_str().as_encoded_bytes())
}
