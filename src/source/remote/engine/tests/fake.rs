//! A server on a socket that answers as it is told.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;

use tempfile::TempDir;

/// One answer.
#[derive(Clone)]
pub enum Say {
    /// These bytes, and then the end.
    Bytes(Vec<u8>),
    /// These, and then nothing.
    Silence(Vec<u8>),
    /// These, and then others without end.
    Endless(Vec<u8>, u8),
}

impl Say {
    pub fn status(status: u16, body: &str) -> Self {
        let length = body.len();
        Say::Bytes(format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n\r\n{body}").into_bytes())
    }
}

pub struct Fake {
    pub directory: TempDir,
    pub socket: PathBuf,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Fake {
    /// `answer` gets the first line of the request. The thread ends with the tests.
    pub fn new(answer: impl Fn(&str) -> Say + Send + Sync + 'static) -> Self {
        let directory = TempDir::new().unwrap();
        let socket = directory.path().join("s");
        let listener = UnixListener::bind(&socket).unwrap();
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let (seen, answer) = (Arc::clone(&requests), Arc::new(answer));
        thread::spawn(move || {
            for wire in listener.incoming().flatten() {
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                thread::spawn(move || {
                    let request = request(&wire);
                    seen.lock().unwrap().push(request.clone());
                    speak(wire, answer(&request));
                });
            }
        });
        Fake { directory, socket, requests }
    }

    pub fn address(&self) -> String {
        format!("unix://{}", self.socket.display())
    }

    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

fn request(mut wire: &UnixStream) -> String {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && matches!(wire.read(&mut byte), Ok(1)) {
        head.push(byte[0]);
    }
    String::from_utf8_lossy(&head).lines().next().unwrap_or_default().to_owned()
}

fn speak(mut wire: UnixStream, say: Say) {
    match say {
        Say::Bytes(bytes) => drop(wire.write_all(&bytes)),
        Say::Silence(bytes) => {
            drop(wire.write_all(&bytes));
            // Until the other side has had enough.
            drop(wire.read_to_end(&mut Vec::new()));
        }
        Say::Endless(bytes, byte) => {
            let more = [byte; 1 << 16];
            let mut sent = wire.write_all(&bytes);
            while sent.is_ok() {
                sent = wire.write_all(&more);
            }
        }
    }
}
