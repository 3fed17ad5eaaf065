//! Engines of other machines, as the docker CLI reaches them: its own command there carries the bytes
//! (docker/cli `cli/connhelper`).

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::process::{Command, Stdio};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::unix::pipe;

use super::machine::Limits;
use super::process::{Process, Said};

/// Where ssh goes, and the engine's socket there.
pub(super) struct Destination<'a> {
    pub user: Option<&'a str>,
    pub host: &'a str,
    pub port: Option<u16>,
    pub path: Option<&'a str>,
}

/// A connection that is carried by ssh.
pub(super) struct Ssh {
    output: pipe::Receiver,
    input: pipe::Sender,
    process: Process,
}

impl Ssh {
    /// Starts it.
    ///
    /// # Errors
    /// The operating system refuses.
    pub fn start(program: &Path, destination: &Destination<'_>, limits: Limits) -> io::Result<Self> {
        let (process, stdin, stdout) = Process::start(&mut command(program, destination, limits))?;
        let stdin = stdin.ok_or_else(|| io::Error::other("ssh has no standard input"))?;
        let (output, input) =
            (pipe::Receiver::from_owned_fd(stdout.into())?, pipe::Sender::from_owned_fd(stdin.into())?);
        Ok(Ssh { output, input, process })
    }

    /// What ssh says.
    pub fn said(&self) -> Said {
        self.process.said()
    }
}

fn command(program: &Path, destination: &Destination<'_>, limits: Limits) -> Command {
    let Destination { user, host, port, path } = destination;
    let mut command = Command::new(program);
    // Nobody is asked for a password while the program seems to hang.
    command.arg("-T").args(["-o", "BatchMode=yes"]);
    command.arg("-o").arg(format!("ConnectTimeout={}", limits.connect.as_secs().max(1)));
    command.args(user.iter().flat_map(|user| ["-l", user]));
    command.args(port.iter().flat_map(|port| ["-p".to_owned(), port.to_string()]));
    command.args(["--", host, "docker"]);
    command.args(path.iter().flat_map(|path| ["--host".to_owned(), quoted(&format!("unix://{path}"))]));
    command.args(["system", "dial-stdio"]).stdin(Stdio::piped());
    command
}

/// The shell on the other machine takes the words apart once more.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

impl AsyncRead for Ssh {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.output).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Ssh {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.input).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.input).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.input).poll_shutdown(cx)
    }
}
