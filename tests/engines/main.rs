//! Engines, for real: each is started on a socket of its own, is given images, and has them linted. What is found must be
//! what is found in the same image as a file.
//!
//! Needs root and the engines' programs; without them nothing is checked, which is said, and with
//! `IMAGELINT_REQUIRE_SERVERS` in the environment is a failure.

#![cfg(feature = "remote")]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

#[allow(dead_code)]
#[path = "../sources/make.rs"]
mod make;
mod lint;
mod samples;
mod server;

mod containerd;
mod docker;
mod podman;
mod tap;
mod tls;
mod warm;
