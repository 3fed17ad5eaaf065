//! imagelint predicts, without running anything, whether a container image can start.
//!
//! ```text
//! reference -> source -> image -> rootfs -> launch -> rules -> report
//!   a name     bytes     config   merged    argv to   judge    text, json
//!                        layers   files     execve
//! ```
//!
//! The modules stand in that order, and each imports only what stands above it.

pub mod error;
pub mod format;
pub mod reference;
pub mod source;
pub mod image;
pub mod rootfs;
pub mod finding;
pub mod launch;
pub mod rule;
pub mod rules;
pub mod report;
pub mod lint;

pub use error::{Error, Result};
