//! `imagelint check`: lint images.

use clap::{Args, ValueEnum};
use imagelint::config;
use imagelint::finding::{Finding, Severity};
use imagelint::report::{Report, Style};
use imagelint::rule::Rule;
use imagelint::rules::RULES;

use super::options::{Look, ReportFile, Show, Unread};
use super::output::{self, Result};
use super::project::{self, Project};
use super::{Exit, near, target};

/// As typed.
#[derive(Debug, Args)]
#[group(skip)]
pub struct Typed {
    #[command(flatten)]
    look: Look,
    #[command(flatten)]
    choice: Choice,
    #[command(flatten)]
    project: project::Options,
    #[command(flatten)]
    pub(super) show: Show,
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
        findings.iter().any(|finding| finding.suppression.is_none() && finding.severity >= least)
    }
}

/// Lints every image and writes the reports.
pub fn run(typed: Typed) -> Result<Exit> {
    let Typed { look, choice, project, show } = typed;
    let detail = show.detail();
    let mut report = Report::new(show.format.into(), output::style(show.color, detail));
    let plain = Style { detail, ..Style::PLAIN };
    let file = |file: &ReportFile| (Report::new(file.format.into(), plain), String::new());
    let mut files: Vec<_> = show.report.iter().map(file).collect();
    let rules = rules(&choice)?;
    let written = show.report.iter().map(|file| file.path.as_path()).chain(project.written());
    target::check(written, look.images())?;
    let mut project = Project::open(project, choice.select.clone(), &show)?;
    let exit = look.each(&rules, &show, |looked| {
        let lint = match looked {
            Ok(lint) => lint,
            Err(Unread { name, platform, complaint }) => {
                let reports = files.iter_mut().map(|(report, _)| report).chain([&mut report]);
                let (message, help) = complaint.parts();
                reports.for_each(|report| report.unread(name, platform, message, help));
                return Ok(Exit::CouldNotLook);
            }
        };
        let judged = project.judge(lint, &rules, choice.deep.then(|| look.overrides()));
        let fail_on = choice.fail_on.or(judged.fail_on.map(FailOn::from)).unwrap_or_default();
        // Reports do not tell yet what is suppressed.
        let told = |finding: &&Finding| finding.suppression.is_none();
        let findings: Vec<_> = judged.findings.iter().filter(told).cloned().collect();
        output::print(&report.add(&lint.subject(), &findings))?;
        for (report, text) in &mut files {
            text.push_str(&report.add(&lint.subject(), &findings));
        }
        Ok(if fail_on.is_met(&findings) { Exit::Findings } else { Exit::Clean })
    })?;
    output::print(&report.finish())?;
    for (file, (report, text)) in show.report.iter().zip(files) {
        target::write(&file.path, &(text + &report.finish()))?;
    }
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
