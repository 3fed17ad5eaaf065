//! What a rule is, and what it judges.
//!
//! A rule recognises one outcome of the launch and explains it. Everything that explanations have in common - the
//! chain of steps, what people will see, the layer to blame, near names - is here, so that a rule is a document and
//! a short function.

mod line;
mod near;
mod once;
pub mod packages;
pub mod paste;
mod reasons;
mod seen;
mod shelled;
mod stop;
mod trouble;
mod words;

pub use near::{at, files, namesakes, similar};
pub use seen::UNHEALTHY;
pub use shelled::{IDIOM, Parented, behind_assignments, running};
pub use stop::KILLED;
pub use trouble::{Explanation, Trouble};
pub use words::{json_array, list, quote, shell_words};

use crate::finding::Finding;
use crate::image::Image;
use crate::launch::Launch;
use crate::rootfs::Rootfs;

/// What rules judge: an image, its merged files, and how its commands start.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// The image.
    pub image: &'a Image,
    /// Its files.
    pub rootfs: &'a Rootfs,
    /// The container's own command.
    pub launch: &'a Launch,
    /// The health check's command, if there is one.
    pub healthcheck: Option<&'a Launch>,
}

/// A rule: a document and a function.
pub struct Rule {
    /// Its name in kebab case: the bad pattern.
    pub name: &'static str,
    /// Its document, `rules/<name>.md`.
    pub document: &'static str,
    /// Recognises one outcome and explains it.
    pub check: fn(&Subject<'_>) -> Vec<Finding>,
}

impl<'a> Subject<'a> {
    /// The trouble that the rule `name` explains, if the container's own command ends in it under any current engine.
    pub fn trouble(&self, name: &str) -> Option<Trouble<'a>> {
        Trouble::find(self, name)
    }
}
