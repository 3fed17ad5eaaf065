//! The line itself: reference, image, root file system, launch, rules.

use crate::error::Result;
use crate::finding::Finding;
use crate::image::{self, Image};
use crate::launch::{self, Launch, Overrides};
use crate::reference::Reference;
use crate::rootfs::Rootfs;
use crate::rule::{Rule, Subject};

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
        let mut image = image::open(reference, options)?;
        let rootfs = Rootfs::build(&mut image)?;
        let launch = launch::follow(&image, &rootfs, overrides);
        let healthcheck = launch::follow_healthcheck(&image, &rootfs, overrides);
        let mut lint = Lint { image, rootfs, launch, healthcheck, findings: Vec::new() };
        lint.findings = rules.into_iter().flat_map(|rule| (rule.check)(&lint.subject())).collect();
        lint.findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        Ok(lint)
    }

    /// What rules judge and reports show.
    pub fn subject(&self) -> Subject<'_> {
        let Lint { image, rootfs, launch, healthcheck, .. } = self;
        Subject { image, rootfs, launch, healthcheck: healthcheck.as_ref() }
    }
}
