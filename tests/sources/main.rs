//! Every way in gives the same image, and everything that is wrong ends in an error that names what was read.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod make;
mod forms;
mod choice;
mod hostile;
mod directories;
mod platforms;
