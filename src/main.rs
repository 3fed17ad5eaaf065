//! imagelint: predicts, without running anything, whether a container image can start.

mod cli;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    cli::run(cli::CommandLine::parse()).into()
}
