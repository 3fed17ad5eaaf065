//! Engines that answer oddly, or are not there: no real one is needed for that.

mod containerd;
mod docker;
mod fake;
mod podman;
mod where_docker_is;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::machine::{Limits, Machine};
use super::*;
use crate::error::Error;
use crate::source::places::{Found, Stream};

/// Long enough for a busy machine, and far below what a test would wait for if nothing were bounded.
const SOON: Limits = Limits {
    connect: Duration::from_secs(5),
    answer: Duration::from_millis(1500),
    prepare: Duration::from_millis(1500),
    idle: Duration::from_millis(1500),
};

/// For what does come, however busy the machine is.
const LATER: Limits = Limits {
    connect: Duration::from_secs(60),
    answer: Duration::from_secs(60),
    prepare: Duration::from_secs(60),
    idle: Duration::from_secs(60),
};

fn machine(root: &Path, variables: &[(&str, &str)], limits: Limits) -> Machine {
    Machine::new(root.to_owned(), variables, limits)
}

/// The same, with a program that does `script`. Another process writes it: what has a writer cannot be started (execve(2),
/// ETXTBSY), and all that these tests start has, for a moment, what they have open.
fn with_program(root: &Path, name: &str, script: &str, variables: &[(&str, &str)], limits: Limits) -> Machine {
    let write = r#"printf '#!/bin/sh\n%s\n' "$2" >"$1.new"; chmod 755 "$1.new"; mv "$1.new" "$1""#;
    let status = Command::new("sh").args(["-ec", write, "sh"]).arg(root.join(name)).arg(script).status();
    assert!(status.unwrap().success());
    let path = root.display().to_string();
    machine(root, &[&[("PATH", path.as_str())], variables].concat(), limits)
}

fn ask_for(machine: &Machine, place: Place, name: &str) -> Result<Answer> {
    ask_on(machine, place, name, &Access::default())
}

fn absent(answer: Result<Answer>) -> String {
    match answer {
        Ok(Answer::Absent(why) | Answer::Closed(why)) => why,
        Ok(Answer::Found(_)) => panic!("it is found"),
        Err(error) => panic!("{error}"),
    }
}

/// The message, and the help.
fn error(answer: Result<Answer>) -> String {
    match answer {
        Ok(Answer::Absent(why) | Answer::Closed(why)) => panic!("absent: {why}"),
        Ok(Answer::Found(_)) => panic!("it is found"),
        Err(error) => words(&error),
    }
}

fn words(error: &Error) -> String {
    let help = miette::Diagnostic::help(error).map(|help| format!("\n{help}")).unwrap_or_default();
    format!("{error}{help}")
}

fn archive(answer: Result<Answer>) -> Stream {
    match answer {
        Ok(Answer::Found(Found::Archive(stream))) => stream,
        Ok(Answer::Found(Found::Blobs(_))) => panic!("it is found as blobs"),
        Ok(Answer::Absent(why) | Answer::Closed(why)) => panic!("absent: {why}"),
        Err(error) => panic!("{error}"),
    }
}

/// All of an archive, or what was wrong at its end.
fn read(stream: &Stream) -> (Vec<u8>, Option<String>) {
    let mut bytes = Vec::new();
    match stream.open() {
        Ok(mut reader) => {
            let end = std::io::Read::read_to_end(&mut reader, &mut bytes);
            (bytes, end.err().map(|error| error.to_string()))
        }
        Err(error) => (bytes, Some(words(&error))),
    }
}

#[test]
fn what_can_be_no_name_is_nowhere() {
    let root = tempfile::TempDir::new().unwrap();
    for place in [Place::Docker, Place::Podman, Place::Containerd] {
        for name in ["a b", "../x", "-v", "a?b=c", ""] {
            let why = absent(ask_for(&machine(root.path(), &[], SOON), place, name));
            assert_eq!(why, format!("`{name}` cannot be the name of an image"));
        }
    }
}
