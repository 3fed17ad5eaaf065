//! A small HTTP server that answers as it is told to, and remembers what it was asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What was asked.
#[derive(Clone, Debug)]
pub struct Request {
    /// With the query.
    pub path: String,
    headers: Vec<(String, String)>,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The first byte of the range that is asked for.
    pub fn from(&self) -> Option<usize> {
        self.header("range")?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
    }
}

/// How a body is sent.
#[derive(Clone)]
pub enum Body {
    Whole(Vec<u8>),
    /// These bytes of so many that are announced; then the connection ends.
    Cut(Vec<u8>, usize),
    /// These bytes of so many; then nothing more comes, for as long as the server lives.
    Silent(Vec<u8>, usize),
    /// These bytes, one by one, with so much time between.
    Trickle(Vec<u8>, Duration),
    /// These bytes, without a length.
    Unsized(Vec<u8>),
    /// These bytes again and again.
    Endless(Vec<u8>),
}

#[derive(Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Body,
}

impl Reply {
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Reply { status, headers: Vec::new(), body: Body::Whole(body.into()) }
    }

    pub fn ok(body: impl Into<Vec<u8>>) -> Self {
        Reply::new(200, body)
    }

    pub fn of(body: Body) -> Self {
        Reply { status: 200, headers: Vec::new(), body }
    }

    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

type Answer = dyn Fn(&Request) -> Reply + Send + Sync;

/// A server on a port of its own; it ends when it is dropped.
pub struct Server {
    pub address: SocketAddr,
    pub port: u16,
    asked: Arc<Mutex<Vec<Request>>>,
    sent: Arc<Mutex<u64>>,
    is_over: Arc<AtomicBool>,
}

impl Server {
    pub fn start(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Server::start_at("127.0.0.1:0", answer)
    }

    pub fn start_at(address: &str, answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let server = Server {
            address: listener.local_addr().unwrap(),
            port: listener.local_addr().unwrap().port(),
            asked: Arc::default(),
            sent: Arc::default(),
            is_over: Arc::default(),
        };
        let (asked, sent, is_over) = (Arc::clone(&server.asked), Arc::clone(&server.sent), Arc::clone(&server.is_over));
        let answer: Arc<Answer> = Arc::new(answer);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if is_over.load(Ordering::Relaxed) {
                    break;
                }
                let (asked, sent, is_over, answer) =
                    (Arc::clone(&asked), Arc::clone(&sent), Arc::clone(&is_over), Arc::clone(&answer));
                thread::spawn(move || serve(stream, &asked, &sent, &is_over, answer.as_ref()));
            }
        });
        server
    }

    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub fn asked(&self) -> Vec<Request> {
        self.asked.lock().unwrap().clone()
    }

    /// The requests for a path that has `part` in it.
    pub fn asked_for(&self, part: &str) -> Vec<Request> {
        self.asked().into_iter().filter(|request| request.path.contains(part)).collect()
    }

    /// Bytes of bodies that were sent.
    pub fn sent(&self) -> u64 {
        *self.sent.lock().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        drop(TcpStream::connect(self.address));
    }
}

/// One request a connection. What is no HTTP, as the begin of a TLS handshake, ends it.
fn serve(stream: TcpStream, asked: &Mutex<Vec<Request>>, sent: &Mutex<u64>, is_over: &AtomicBool, answer: &Answer) {
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut first = [0];
    if !matches!(stream.peek(&mut first), Ok(1)) || !first[0].is_ascii_uppercase() {
        return;
    }
    let Some(request) = read(&stream) else { return };
    asked.lock().unwrap().push(request.clone());
    let _ = write(&stream, answer(&request), sent, is_over);
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut lines = BufReader::new(stream.take(64 << 10)).lines().map_while(Result::ok);
    let path = lines.next()?.split(' ').nth(1)?.to_owned();
    let header = |line: String| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned()));
    let headers = lines.take_while(|line| !line.is_empty()).filter_map(header).collect();
    Some(Request { path, headers })
}

fn write(mut stream: &TcpStream, reply: Reply, sent: &Mutex<u64>, is_over: &AtomicBool) -> std::io::Result<()> {
    let mut head = format!("HTTP/1.1 {} x\r\nConnection: close\r\n", reply.status);
    for (name, value) in &reply.headers {
        head += &format!("{name}: {value}\r\n");
    }
    let (bytes, length) = match &reply.body {
        Body::Whole(bytes) | Body::Trickle(bytes, _) => (bytes, Some(bytes.len())),
        Body::Cut(bytes, length) | Body::Silent(bytes, length) => (bytes, Some(*length)),
        Body::Unsized(bytes) | Body::Endless(bytes) => (bytes, None),
    };
    head += &length.map(|length| format!("Content-Length: {length}\r\n")).unwrap_or_default();
    stream.write_all(format!("{head}\r\n").as_bytes())?;
    if let Body::Trickle(bytes, pause) = &reply.body {
        return bytes.iter().try_for_each(|byte| {
            thread::sleep(*pause);
            stream.write_all(&[*byte])
        });
    }
    loop {
        stream.write_all(bytes)?;
        *sent.lock().unwrap() += bytes.len() as u64;
        if !matches!(reply.body, Body::Endless(_)) || is_over.load(Ordering::Relaxed) {
            break;
        }
    }
    while matches!(reply.body, Body::Silent(..)) && !is_over.load(Ordering::Relaxed) {
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}
