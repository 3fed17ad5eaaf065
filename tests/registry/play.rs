//! A registry that plays by the rules, for one image named `app`.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use imagelint::source::Blobs;
use imagelint::source::places::{Access, Answer, Found};
use imagelint::source::remote::registry::{Patience, ask_within};
use serde_json::Value;

use crate::make::{self, Store};
use crate::server::{Reply, Request, Server};

/// Short, so that tests are; long enough for a busy machine.
pub const FAST: Patience = Patience {
    connect: Duration::from_secs(5),
    idle: Duration::from_millis(900),
    total: Duration::from_secs(10),
    pause: Duration::from_millis(5),
    attempts: 4,
    retry_after: Duration::from_secs(2),
    helper: Duration::from_secs(5),
};

/// The image, and what its registry answers.
#[derive(Clone)]
pub struct App {
    pub store: Store,
    /// The descriptor of its manifest or index.
    pub top: Value,
}

impl App {
    pub fn new() -> Self {
        let mut store = Store::default();
        let top = make::add_image(&mut store, "amd64", "/bin/sh");
        App { store, top }
    }

    pub fn digest(&self) -> &str {
        self.top["digest"].as_str().unwrap()
    }

    pub fn bytes(&self, digest: &str) -> Option<&Vec<u8>> {
        self.store.files.get(&name(digest))
    }

    /// The digest of its first layer.
    pub fn layer(&self) -> String {
        let manifest: Value = serde_json::from_slice(self.bytes(self.digest()).unwrap()).unwrap();
        manifest["layers"][0]["digest"].as_str().unwrap().to_owned()
    }

    pub fn layer_bytes(&self) -> &Vec<u8> {
        self.bytes(&self.layer()).unwrap()
    }

    /// Manifests by tag and digest, blobs by digest and from where they are asked for.
    pub fn answer(&self, request: &Request) -> Reply {
        let is_latest = request.path == "/v2/app/manifests/latest";
        let document =
            request.path.strip_prefix("/v2/app/manifests/").map(|r| if is_latest { self.digest() } else { r });
        if request.path == "/v2/" {
            return Reply::ok("{}");
        }
        if let Some(bytes) = document.and_then(|digest| self.bytes(digest)) {
            let value: Value = serde_json::from_slice(bytes).unwrap();
            let kind = if value.get("manifests").is_some() { make::OCI_INDEX } else { make::OCI_MANIFEST };
            return Reply::ok(bytes.clone()).with("Content-Type", kind);
        }
        match request.path.strip_prefix("/v2/app/blobs/").and_then(|digest| self.bytes(digest)) {
            Some(bytes) => part(bytes, request),
            None => Reply::new(404, r#"{"errors":[{"code":"NOT_FOUND"}]}"#),
        }
    }

    /// The registry, but for what `other` answers.
    pub fn serve(&self, other: impl Fn(&Request) -> Option<Reply> + Send + Sync + 'static) -> Server {
        let app = self.clone();
        Server::start(move |request| other(request).unwrap_or_else(|| app.answer(request)))
    }

    /// The same for requests of the first layer only; told how many there were before.
    pub fn serve_layer(&self, other: impl Fn(&Request, usize) -> Option<Reply> + Send + Sync + 'static) -> Server {
        let (layer, count) = (self.layer(), std::sync::atomic::AtomicUsize::new(0));
        self.serve(move |request| {
            let is_layer = request.path.ends_with(&format!("blobs/{layer}"));
            is_layer.then(|| other(request, count.fetch_add(1, std::sync::atomic::Ordering::SeqCst))).flatten()
        })
    }
}

/// The bytes from where they are asked for (RFC 9110, 14).
pub fn part(bytes: &[u8], request: &Request) -> Reply {
    match request.from() {
        None => Reply::ok(bytes),
        Some(from) if from >= bytes.len() => Reply::new(416, ""),
        Some(from) => Reply::new(206, &bytes[from..])
            .with("Content-Range", format!("bytes {from}-{}/{}", bytes.len() - 1, bytes.len())),
    }
}

/// The file of a blob in an image layout.
pub fn name(digest: &str) -> String {
    format!("blobs/{}", digest.replace(':', "/"))
}

pub fn ask(server: &Server) -> imagelint::Result<Answer> {
    ask_for(server, "app")
}

pub fn ask_for(server: &Server, image: &str) -> imagelint::Result<Answer> {
    ask_within(&format!("{}/{image}", server.host()), &Access::default(), FAST)
}

pub fn blobs(answer: imagelint::Result<Answer>) -> Arc<dyn Blobs> {
    match answer {
        Ok(Answer::Found(Found::Blobs(blobs))) => blobs,
        Ok(Answer::Found(Found::Archive(_))) => panic!("a registry has no archives"),
        Ok(Answer::Absent(why) | Answer::Closed(why)) => panic!("absent: {why}"),
        Err(error) => panic!("{error}"),
    }
}

pub fn absent(answer: imagelint::Result<Answer>) -> String {
    match answer {
        Ok(Answer::Absent(why) | Answer::Closed(why)) => why,
        Ok(Answer::Found(_)) => panic!("it is there"),
        Err(error) => panic!("{error}"),
    }
}

/// The message, and the help below it.
pub fn error(answer: imagelint::Result<Answer>) -> String {
    use miette::Diagnostic;
    match answer {
        Ok(Answer::Found(_)) => panic!("it is there"),
        Ok(Answer::Absent(why) | Answer::Closed(why)) => panic!("absent: {why}"),
        Err(error) => format!("{error}\n{}", Diagnostic::help(&error).map(|help| help.to_string()).unwrap_or_default()),
    }
}

/// What comes of a blob, and the error at the end.
pub fn read(blobs: &dyn Blobs, digest: &str) -> (Vec<u8>, Option<String>) {
    let mut bytes = Vec::new();
    let mut reader = blobs.open(&name(digest)).unwrap().expect("the blob is there").reader;
    let error = reader.read_to_end(&mut bytes).err().map(|error| error.to_string());
    (bytes, error)
}

/// Reads the first layer from a registry that answers for it as `other` does.
pub fn read_layer(app: &App, server: &Server) -> (Vec<u8>, Option<String>) {
    read(blobs(ask(server)).as_ref(), &app.layer())
}
