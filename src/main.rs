//! imagelint: predicts, without running anything, whether a container image can start.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run().into()
}
