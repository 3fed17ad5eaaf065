//! The line itself: reference, image, root file system, launch, rules.

mod built;
mod mending;
mod unbuilt;

use std::sync::Arc;

use crate::error::Result;
use crate::finding::{ExitCodes, Finding, Severity, SourceFile};
use crate::image::{self, Content, Image, Platform};
use crate::launch::{self, Launch, Overrides};
use crate::reference::Reference;
use crate::rootfs::{Kind, Rootfs};
use crate::rule::{Rule, Subject};

pub use built::Origin;
pub use mending::{Mended, Which, mend};
pub use unbuilt::{Unbuilt, Wanted};

/// As [`image::Other::executed`].
type Executed = Vec<(u64, Arc<Content>)>;

/// Everything that is known of one image.
pub struct Lint {
    /// The image.
    pub image: Image,
    /// Its files.
    pub rootfs: Rootfs,
    /// How its command starts.
    pub launch: Launch,
    /// How its health check starts, if it has one.
    pub healthcheck: Option<Launch>,
    /// What the rules say, the worst first.
    pub findings: Vec<Finding>,
    /// The Dockerfile that it is, or will be, built from, if that is at hand.
    pub dockerfile: Option<Arc<SourceFile>>,
}

impl Lint {
    /// Follows the line from `reference` to the findings of `rules`.
    ///
    /// # Errors
    /// The image could not be looked at.
    pub fn new<'r>(
        reference: &Reference,
        options: &image::Options<'_>,
        overrides: &Overrides,
        rules: impl IntoIterator<Item = &'r Rule>,
    ) -> Result<Self> {
        Lint::of(image::open(reference, options)?, overrides, rules)
    }

    /// The same for every platform of the image, one after the other; layers that they share are read once.
    ///
    /// # Errors
    /// Nothing could be looked at. What concerns one platform is an error in the list.
    pub fn all<'r>(
        reference: &Reference,
        options: &image::Options<'r>,
        overrides: &'r Overrides,
        rules: &'r [&'r Rule],
    ) -> Result<impl Iterator<Item = Result<Self>> + use<'r>> {
        let mut seen: Vec<(Platform, Executed)> = Vec::new();
        let look = move |image: Result<Image>| {
            let mut image = image?;
            for other in &mut image.others {
                let known = seen.iter().find(|(platform, _)| *platform == other.platform);
                other.executed = known.map(|(_, executed)| executed.clone()).unwrap_or_default();
            }
            let platform = image.platform.clone();
            let lint = Lint::of(image, overrides, rules.iter().copied()).map_err(|e| e.of_platform(&platform))?;
            seen.push((platform, lint.executed()));
            Ok(lint)
        };
        Ok(image::open_all(reference, options)?.map(look))
    }

    fn of<'r>(mut image: Image, overrides: &Overrides, rules: impl IntoIterator<Item = &'r Rule>) -> Result<Self> {
        let rootfs = Rootfs::build(&mut image)?;
        let launch = launch::follow(&image, &rootfs, overrides);
        let healthcheck = launch::follow_healthcheck(&image, &rootfs, overrides);
        let mut lint = Lint { image, rootfs, launch, healthcheck, findings: Vec::new(), dockerfile: None };
        lint.findings = rules.into_iter().flat_map(|rule| (rule.check)(&lint.subject())).collect();
        lint.findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        Ok(lint)
    }

    /// What `rules` say about the programs in the directories of PATH, as notes: nobody said that they are used.
    pub fn deep<'r>(&self, overrides: &Overrides, rules: impl IntoIterator<Item = &'r Rule> + Clone) -> Vec<Finding> {
        let note = |finding| Finding { severity: Severity::Note, exit_codes: ExitCodes::default(), ..finding };
        let launches = launch::follow_path(&self.image, &self.rootfs, overrides);
        let of = |launch: &Launch| {
            let subject = Subject { launch, healthcheck: None, ..self.subject() };
            // What is wrong with the image as a whole is no program's.
            let mut rules = rules.clone().into_iter().filter(|rule| subject.trouble(rule.name).is_some());
            rules.find_map(|rule| (rule.check)(&subject).into_iter().next()).map(note)
        };
        launches.iter().filter_map(of).collect()
    }

    /// The files on the way of the command, by which other platforms tell whether they have the same.
    fn executed(&self) -> Executed {
        let steps = self.launch.current().first().map(|start| start.steps.as_slice()).unwrap_or_default();
        let file = |ino| match self.rootfs.get(ino)?.kind {
            Kind::Regular { size, kept: Some(kept) } => Some((size, kept.content().cloned()?)),
            _ => None,
        };
        steps.iter().filter_map(|step| file(step.ino?)).collect()
    }

    /// What rules judge and reports show.
    pub fn subject(&self) -> Subject<'_> {
        let Lint { image, rootfs, launch, healthcheck, .. } = self;
        Subject { image, rootfs, launch, healthcheck: healthcheck.as_ref() }
    }
}
