//! What may be asked for when an image is opened.

use std::sync::Arc;

use super::{Platform, Progress};
use crate::source::Keep;
use crate::source::places::Access;

/// What is asked for besides the reference.
#[derive(Clone)]
pub struct Options<'a> {
    /// The platform; without it the only one there is, else the host's.
    pub platform: Option<Platform>,
    /// Where a name is looked for.
    pub access: Access,
    /// Layers that were read before.
    pub store: Option<Arc<dyn Keep>>,
    /// Is told how far reading has come.
    pub progress: &'a dyn Progress,
    /// What its builder attests of it is wanted, too.
    pub attested: bool,
    /// Its layers are wanted, not what they come to: others will be put on top.
    pub whole: bool,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Options { platform: None, access: Access::default(), store: None, progress: &(), attested: false, whole: false }
    }
}
