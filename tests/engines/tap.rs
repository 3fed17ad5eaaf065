//! Engines whose requests are counted: real ones that are listened in on, and made-up ones.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;

use tempfile::TempDir;

use crate::lint::Surroundings;

/// A socket that answers, and knows what it was asked.
pub struct Tap {
    pub directory: TempDir,
    socket: PathBuf,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Tap {
    /// In front of the engine that listens on `engine`.
    pub fn of(engine: &Path) -> Self {
        let engine = engine.to_owned();
        Tap::new(move |head, wire| {
            let mut behind = UnixStream::connect(&engine).unwrap();
            behind.write_all(head).unwrap();
            let (mut from, mut to) = (wire.try_clone().unwrap(), behind.try_clone().unwrap());
            thread::spawn(move || io::copy(&mut from, &mut to));
            // Whoever has enough hangs up.
            drop(io::copy(&mut behind, wire));
            drop(wire.shutdown(std::net::Shutdown::Both));
        })
    }

    /// An engine that has these images by name, each with its ID and what it sends.
    pub fn having(images: &[(&str, &str, Vec<u8>)]) -> Self {
        Tap::by("Docker/0 (linux)", images)
    }

    /// The same, by the name of the engine.
    pub fn by(engine: &str, images: &[(&str, &str, Vec<u8>)]) -> Self {
        let engine = engine.to_owned();
        let answer = |name: &str, end: &str, body: Vec<u8>| (format!("GET /images/{name}/{end} HTTP/1.1"), body);
        let answers: BTreeMap<String, Vec<u8>> = images
            .iter()
            .flat_map(|(name, id, archive)| {
                let inspected = format!(r#"{{"Id": "{id}"}}"#).into_bytes();
                [answer(name, "json", inspected), answer(id, "get", archive.clone())]
            })
            .collect();
        Tap::new(move |head, wire| {
            let line = String::from_utf8_lossy(head).lines().next().unwrap_or_default().to_owned();
            let (status, body) = answers.get(&line).map_or((404, b"{}".as_slice()), |body| (200, body));
            let head = format!("HTTP/1.1 {status} X\r\nServer: {engine}\r\nContent-Length: {}\r\n\r\n", body.len());
            drop(wire.write_all(head.as_bytes()).and_then(|()| wire.write_all(body)));
        })
    }

    fn new(answer: impl Fn(&[u8], &mut UnixStream) + Send + Sync + 'static) -> Self {
        let directory = TempDir::new().unwrap();
        let socket = directory.path().join("tap.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let (seen, answer) = (Arc::clone(&requests), Arc::new(answer));
        thread::spawn(move || {
            for mut wire in listener.incoming().flatten() {
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                thread::spawn(move || {
                    let head = head(&wire);
                    let line = String::from_utf8_lossy(&head).lines().next().unwrap_or_default().to_owned();
                    seen.lock().unwrap().push(line);
                    answer(&head, &mut wire);
                });
            }
        });
        Tap { directory, socket, requests }
    }

    /// What a program needs to find it under `variable`.
    pub fn surroundings(&self, variable: &'static str) -> Surroundings {
        Surroundings(vec![(variable, format!("unix://{}", self.socket.display()))])
    }

    /// How many archives were asked for since the last time; and that anything was.
    pub fn sent(&self) -> usize {
        let requests = std::mem::take(&mut *self.requests.lock().unwrap());
        assert!(requests.iter().any(|line| line.contains("/json ")), "{requests:?}");
        requests.iter().filter(|line| line.contains("/get ")).count()
    }
}

fn head(mut wire: &UnixStream) -> Vec<u8> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && matches!(wire.read(&mut byte), Ok(1)) {
        head.push(byte[0]);
    }
    head
}
