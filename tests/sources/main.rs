//! Every way in gives the same image, and everything that is wrong ends in an error that names what was read.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

#[allow(dead_code)]
#[path = "../support/dynamic.rs"]
mod dynamic;
mod make;
mod merged;
mod forms;
mod choice;
mod hostile;
mod directories;
mod platforms;
mod cached;
