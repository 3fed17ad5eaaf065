//! Programs that are asked in place of a socket. None outlives the interest in it.

use std::fmt;
use std::io::{self, Read};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use futures_util::stream;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;
use tokio::time::timeout;

use super::trouble::shorten;
use crate::source::remote::body::Body;
use crate::source::remote::runtime;

/// Bytes of what a program says that are kept.
const MAX_SAID: usize = 8 << 10;

/// More of a short answer is not read.
const MAX_TEXT: u64 = 64 << 10;

/// As much as a pipe holds (pipe(7)).
const PIECE: usize = 64 << 10;

/// How long a program may take to end after its last byte.
const END: Duration = Duration::from_secs(10);

/// How long a program that has ended is listened to.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// How often is looked whether something has ended.
const STEP: Duration = Duration::from_millis(2);

/// A program that was started; it is killed, and waited for, when this is let go.
pub(super) struct Process {
    child: Child,
    said: Said,
    /// Who hears it.
    listener: Option<JoinHandle<()>>,
}

/// What a program has to say to people.
#[derive(Clone, Default)]
pub(super) struct Said(Arc<Mutex<Vec<u8>>>);

impl Said {
    /// So far, in one line.
    pub fn words(&self) -> String {
        shorten(&String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    /// Keeps the beginning; the rest is read all the same, or the program would wait for ever.
    fn hear(&self, bytes: &[u8]) {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = MAX_SAID.saturating_sub(said.len()).min(bytes.len());
        said.extend_from_slice(bytes.get(..room).unwrap_or_default());
    }
}

impl Process {
    /// Starts it, with what it has to say to people kept aside.
    ///
    /// # Errors
    /// It is not there, or the operating system refuses.
    pub fn start(command: &mut Command) -> io::Result<(Self, Option<ChildStdin>, ChildStdout)> {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let mut process = Process { child, said: Said::default(), listener: None };
        process.listener = stderr.map(|stderr| process.listen(stderr)).transpose()?;
        Ok((process, stdin, stdout.ok_or_else(|| io::Error::other("it has no standard output"))?))
    }

    /// The thread ends with the last descriptor that the program, or one that it has started, writes to.
    fn listen(&self, mut stderr: ChildStderr) -> io::Result<JoinHandle<()>> {
        let said = self.said();
        let listen = move || {
            let mut buffer = [0; 1024];
            while let Ok(n @ 1..) = stderr.read(&mut buffer) {
                said.hear(buffer.get(..n).unwrap_or_default());
            }
        };
        thread::Builder::new().name("stderr".to_owned()).spawn(listen)
    }

    /// What it says.
    pub fn said(&self) -> Said {
        self.said.clone()
    }

    /// Waits until all is heard that it has said, unless what it has started goes on.
    fn hear_out(&self) {
        let deadline = Instant::now() + LAST_WORDS;
        while self.listener.as_ref().is_some_and(|listener| !listener.is_finished()) && Instant::now() < deadline {
            thread::sleep(STEP);
        }
    }

    /// Waits for its end, which should be near.
    ///
    /// # Errors
    /// It does not end.
    pub fn end(&mut self) -> io::Result<ExitStatus> {
        let deadline = Instant::now() + END;
        loop {
            match self.child.try_wait()? {
                Some(status) => return Ok(status),
                None if Instant::now() > deadline => return Err(io::Error::other("it does not end")),
                None => thread::sleep(STEP),
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What a program writes, as it writes it; an end that is no success is an error.
pub(super) struct Output {
    /// In front of what it reads from, so that the program is gone before its pipe is.
    process: Process,
    body: Body,
}

impl Output {
    /// Starts it. The first byte may take as long as `first`, and each further one as long as `idle`.
    ///
    /// # Errors
    /// It is not there, or the operating system refuses.
    pub fn of(command: &mut Command, first: Duration, idle: Duration) -> io::Result<Self> {
        let (process, _, stdout) = Process::start(command.stdin(Stdio::null()))?;
        let body = runtime::block_on(async { Receiver::from_owned_fd(stdout.into()) })??;
        let pieces = stream::unfold((body, first), move |(mut body, patience)| async move {
            let piece = timeout(patience, read(&mut body)).await;
            let silence = || io::Error::other(format!("nothing has come for {} s", patience.as_secs_f64()));
            let piece = piece.unwrap_or_else(|_| Err(silence())).transpose()?;
            Some((piece, (body, idle)))
        });
        Ok(Output { process, body: Body::new(pieces)? })
    }

    /// All of it, if it is short.
    ///
    /// # Errors
    /// The program fails, or says nothing for too long.
    pub fn text(mut self) -> io::Result<String> {
        let mut text = String::new();
        (&mut self).take(MAX_TEXT).read_to_string(&mut text)?;
        Ok(text)
    }

    fn end(&mut self) -> io::Result<usize> {
        let status = self.process.end()?;
        if status.success() {
            return Ok(0);
        }
        self.process.hear_out();
        Err(io::Error::other(Failed { status, words: self.process.said().words() }))
    }
}

/// How a program failed.
#[derive(Debug)]
pub(super) struct Failed {
    pub status: ExitStatus,
    pub words: String,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = if self.words.is_empty() { "without a word" } else { &self.words };
        write!(f, "{}: {words}", self.status)
    }
}

impl std::error::Error for Failed {}

/// The next bytes, or none at the end.
async fn read(body: &mut Receiver) -> io::Result<Option<Bytes>> {
    let mut piece = BytesMut::with_capacity(PIECE);
    let read = body.read_buf(&mut piece).await?;
    Ok((read > 0).then(|| piece.freeze()))
}

impl Read for Output {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.body.read(buffer)? {
            0 if !buffer.is_empty() => self.end(),
            read => Ok(read),
        }
    }
}
