//! `imagelint check`: lint images.

use std::path::Path;

use clap::{Args, ValueEnum};
use imagelint::config;
use imagelint::finding::{Finding, Severity};
use imagelint::report::{Report, Style};
use imagelint::rule::Rule;
use imagelint::rules::RULES;

use super::directory::{self, OutputDir};
use super::options::{Findings, Look, Looked, ReportFile, Show, Unread};
use super::output::{self, Result};
use super::project::{self, Project};
use super::{Exit, fix, near, target};

/// As typed.
#[derive(Debug, Args)]
#[group(skip)]
pub struct Typed {
    #[command(flatten)]
    look: Look,
    #[command(flatten)]
    choice: Choice,
    #[command(flatten)]
    fix: fix::Options,
    #[command(flatten)]
    project: project::Options,
    #[command(flatten)]
    pub(super) show: Show<Findings>,
    /// A report for each image in a file of its own, named after it; SARIF unless another format is given. What is
    /// there under the same names is replaced
    #[arg(long, value_name = "[FORMAT=]DIR", value_parser = directory::parse, help_heading = "Report")]
    output_dir: Option<OutputDir>,
}

/// Which rules, and which findings count.
#[derive(Debug, Args)]
#[command(next_help_heading = "Rules")]
struct Choice {
    /// Only these rules (repeatable, or with commas)
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    select: Vec<String>,
    /// All but these rules (repeatable, or with commas)
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    ignore: Vec<String>,
    /// Look at every program in the directories of PATH too; what cannot start is a note
    #[arg(long)]
    deep: bool,
    /// The mildest finding that makes the exit code 1 [default: what imagelint.toml says, else warning]
    #[arg(long, value_name = "SEVERITY")]
    fail_on: Option<FailOn>,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum FailOn {
    Error,
    #[default]
    Warning,
    Note,
    Never,
}

impl From<config::FailOn> for FailOn {
    fn from(configured: config::FailOn) -> Self {
        match configured {
            config::FailOn::Error => FailOn::Error,
            config::FailOn::Warning => FailOn::Warning,
            config::FailOn::Note => FailOn::Note,
            config::FailOn::Never => FailOn::Never,
        }
    }
}

impl FailOn {
    fn is_met(self, findings: &[Finding]) -> bool {
        let least = match self {
            FailOn::Error => Severity::Error,
            FailOn::Warning => Severity::Warning,
            FailOn::Note => Severity::Note,
            FailOn::Never => return false,
        };
        let counts = |finding: &&Finding| finding.suppression.is_none();
        findings.iter().filter(counts).any(|finding| finding.severity >= least)
    }
}

/// The reports on their way.
struct Reports {
    stdout: Report,
    /// Of `--report`.
    files: Vec<(ReportFile<Findings>, Report, String)>,
    directory: Option<directory::Reports>,
}

impl Reports {
    fn new(
        show: &Show<Findings>,
        output_dir: Option<OutputDir>,
        images: &[String],
        baseline: Option<&Path>,
    ) -> Result<Self> {
        let detail = show.detail();
        let plain = Style { detail, ..Style::PLAIN };
        let file = |file: &ReportFile<Findings>| (file.clone(), Report::new(file.format.into(), plain), String::new());
        let directory = output_dir.map(|directory| directory.reports(images, plain)).transpose()?;
        let paths = show.report.iter().map(|file| file.path.as_path()).chain(baseline);
        target::check(paths.chain(directory.iter().flat_map(|reports| reports.paths())), images)?;
        let stdout = Report::new(show.format.into(), output::style(show.color, detail));
        Ok(Reports { stdout, files: show.report.iter().map(file).collect(), directory })
    }

    /// Adds to all of them; what `write` gives for standard output is printed.
    fn add(&mut self, image: &str, write: impl Fn(&mut Report) -> String) -> Result<()> {
        output::print(&write(&mut self.stdout))?;
        for (_, report, text) in &mut self.files {
            text.push_str(&write(report));
        }
        self.directory.as_mut().map_or(Ok(()), |reports| reports.add(image, write))
    }

    fn finish(self) -> Result<()> {
        output::print(&self.stdout.finish())?;
        for (file, report, text) in self.files {
            target::write(&file.path, &(text + &report.finish()))?;
        }
        self.directory.map_or(Ok(()), |reports| reports.write())
    }
}

/// Lints every image and writes the reports.
pub fn run(typed: Typed) -> Result<Exit> {
    let Typed { look, choice, fix, project, show, output_dir } = typed;
    let mut reports = Reports::new(&show, output_dir, &look.images()?, project.written())?;
    let rules = rules(&choice)?;
    if let Some(which) = fix.which() {
        let mut first = Project::open(project.clone(), choice.select.clone(), &show)?;
        let mended = look.mended(&rules, which, |lint| first.judge(lint, &rules, None).findings)?;
        if fix.is_diff() {
            let text = mended.diff();
            output::print_bytes(&text)?;
            return Ok(if text.is_empty() { Exit::Clean } else { Exit::Findings });
        }
        mended.write()?;
    }
    let mut project = Project::open(project, choice.select.clone(), &show)?;
    let exit = look.each(&rules, &show, |looked| {
        let Looked { name, lint } = match looked {
            Ok(looked) => looked,
            Err(Unread { name, platform, complaint }) => {
                let (message, help) = complaint.parts();
                reports.add(name, |report| {
                    report.unread(name, platform, message, help);
                    String::new()
                })?;
                return Ok(Exit::CouldNotLook);
            }
        };
        let judged = project.judge(lint, &rules, choice.deep.then(|| look.overrides()));
        let fail_on = choice.fail_on.or(judged.fail_on.map(FailOn::from)).unwrap_or_default();
        reports.add(name, |report| report.add(&lint.subject(), &judged.findings))?;
        Ok(if fail_on.is_met(&judged.findings) { Exit::Findings } else { Exit::Clean })
    })?;
    reports.finish()?;
    project.close(exit)?;
    Ok(exit)
}

/// The rules that are to be asked.
fn rules(choice: &Choice) -> Result<Vec<&'static Rule>> {
    for name in choice.select.iter().chain(&choice.ignore) {
        near::rule(name)?;
    }
    let named = |list: &[String], rule: &Rule| list.iter().any(|name| name == rule.name);
    let chosen = |rule: &Rule| choice.select.is_empty() || named(&choice.select, rule);
    Ok(RULES.iter().filter(|rule| chosen(rule) && !named(&choice.ignore, rule)).collect())
}

#[cfg(test)]
mod tests {
    use imagelint::finding::{Blame, Confidence, ExitCodes, Place, Suppression, Suppressor};

    use super::*;

    fn finding(severity: Severity, suppressed: bool) -> Finding {
        let reason = || Suppression { by: Suppressor::Baseline, reason: String::new() };
        Finding {
            rule: "missing-exec",
            severity,
            confidence: Confidence::Certain,
            message: String::new(),
            help: String::new(),
            exit_codes: ExitCodes::default(),
            place: Place::Layer { index: 0 },
            because: Vec::new(),
            layer: None,
            fixes: Vec::new(),
            blame: Blame::default(),
            suppression: suppressed.then(reason),
        }
    }

    #[test]
    fn what_is_suppressed_does_not_count() {
        let error = finding(Severity::Error, true);
        let note = finding(Severity::Note, false);
        for fail_on in [FailOn::Error, FailOn::Warning, FailOn::Note, FailOn::Never] {
            assert!(!fail_on.is_met(std::slice::from_ref(&error)), "{fail_on:?}");
        }
        assert!(FailOn::Note.is_met(&[error.clone(), note.clone()]));
        assert!(!FailOn::Warning.is_met(&[error, note]));
        assert!(FailOn::Warning.is_met(&[finding(Severity::Warning, false)]));
    }
}
