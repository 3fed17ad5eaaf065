//! Images by reference from a registry: one that plays by the rules, ones that do not, and the real one.

#![cfg(feature = "remote")]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod ask;
mod broken;
mod busy;
mod command;
mod interrupted;
#[allow(dead_code)]
#[path = "../sources/make.rs"]
mod make;
mod names;
mod play;
mod real;
mod several;
mod server;
mod tokens;
