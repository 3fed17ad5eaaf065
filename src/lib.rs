//! imagelint predicts, without running anything, whether a container image can start.
//!
//! ```text
//! reference -> source -> image -> rootfs -> launch -> rules -> blame    -> report
//!   a name     bytes     config   merged    argv to   judge    the line    text, json,
//!                        layers   files     execve             to mend     sarif, ...
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
pub mod fingerprint;
pub mod launch;
pub mod dockerfile;
pub mod rule;
pub mod rules;
pub mod blame;
pub mod config;
pub mod report;
pub mod lint;

pub use error::{Error, Result};
