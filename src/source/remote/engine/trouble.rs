//! What goes wrong between this program and an engine, told apart by what it means for the search.

use std::error::Error as StdError;
use std::io;

use bollard::errors::Error as ApiError;

/// More of a message is not shown.
const MAX_WORDS: usize = 400;

/// Why an engine did not give what it was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// It has no such image.
    NoImage,
    /// There can be no image of that name, in the engine's words.
    NoName(String),
    /// There is no socket.
    NoSocket,
    /// There is one, and nobody behind it.
    Refused,
    /// It may not be opened.
    Denied,
    /// Anything else.
    Other(String),
}

impl Trouble {
    /// What the operating system says to a connection.
    pub fn of_connection(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Trouble::NoSocket,
            io::ErrorKind::ConnectionRefused => Trouble::Refused,
            io::ErrorKind::PermissionDenied => Trouble::Denied,
            _ => Trouble::Other(error.to_string()),
        }
    }

    /// In words, where there is nothing else to say.
    pub fn words(&self) -> &str {
        match self {
            Trouble::NoImage => "there is no such image",
            Trouble::NoSocket => "the socket is not there any more",
            Trouble::Refused => "nothing listens on the socket any more",
            Trouble::Denied => "permission denied on the socket",
            Trouble::NoName(words) | Trouble::Other(words) => words,
        }
    }
}

impl From<ApiError> for Trouble {
    fn from(error: ApiError) -> Self {
        match error {
            ApiError::IOError { err } => Trouble::of_connection(&err),
            ApiError::DockerResponseServerError { status_code: 404, .. } => Trouble::NoImage,
            // Docker says so with 400, Podman with 500.
            ApiError::DockerResponseServerError { status_code: 400 | 500, message } if is_about_the_name(&message) => {
                Trouble::NoName(shorten(&message))
            }
            ApiError::DockerResponseServerError { status_code, message } if message.is_empty() => {
                Trouble::Other(format!("it answers with status {status_code}"))
            }
            ApiError::DockerResponseServerError { status_code, message } => {
                Trouble::Other(format!("it answers with status {status_code}: {}", shorten(&message)))
            }
            error @ (ApiError::JsonDataError { .. } | ApiError::JsonSerdeError { .. }) => {
                Trouble::Other(format!("its answer is not as specified: {}", whole(&error)))
            }
            error => Trouble::Other(whole(&error)),
        }
    }
}

/// What distribution/reference, which all engines take names apart with, says of capitals in a repository and the like.
pub(super) fn is_about_the_name(message: &str) -> bool {
    message.contains("invalid reference format") || message.contains("repository name must be")
}

/// An error with all its causes, each once.
pub(super) fn whole(error: &dyn StdError) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !words.contains(&more) {
            words = format!("{words}: {more}");
        }
        cause = error.source();
    }
    shorten(&words)
}

/// Another's words, in one line of bearable length.
pub(super) fn shorten(words: &str) -> String {
    let line = words.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MAX_WORDS) {
        Some((at, _)) => format!("{}…", line.get(..at).unwrap_or_default()),
        None => line,
    }
}
