//! Registries that limit, fail or are not there.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use imagelint::source::places::Access;
use imagelint::source::remote::registry::ask_within;

use crate::play::{self, App, FAST, blobs, error, read_layer};
use crate::server::{Reply, Server};

/// A registry whose first `count` answers to requests for manifests are these.
fn first(count: usize, reply: impl Fn() -> Reply + Send + Sync + 'static) -> Server {
    let before = AtomicUsize::new(0);
    App::new().serve(move |request| {
        let is_one = request.path.contains("/manifests/") && before.fetch_add(1, Ordering::SeqCst) < count;
        is_one.then(&reply)
    })
}

#[test]
fn a_limit_that_ends_soon_is_waited_for() {
    let server = first(1, || Reply::new(429, "").with("Retry-After", "1"));
    let began = Instant::now();
    blobs(play::ask(&server));
    assert!(began.elapsed() >= Duration::from_secs(1));
    assert_eq!(server.asked_for("/manifests/").len(), 2);
}

#[test]
fn a_limit_that_does_not_is_explained() {
    let host = |server: &Server| format!("`docker login {}`", server.host());
    let server = first(usize::MAX, || Reply::new(429, "").with("Retry-After", "3600"));
    let said = error(play::ask(&server));
    assert!(said.contains("limits how often it may be asked (429)") && said.contains(&host(&server)), "{said}");
    assert_eq!(server.asked_for("/manifests/").len(), 1);
    let server = first(usize::MAX, || Reply::new(429, ""));
    assert!(error(play::ask(&server)).contains("(429)"));
    assert_eq!(server.asked_for("/manifests/").len(), 4);
}

#[test]
fn errors_of_the_server_are_tried_again_and_then_told() {
    let server = first(3, || Reply::new(503, ""));
    blobs(play::ask(&server));
    let server = first(usize::MAX, || Reply::new(500, "oops"));
    let said = error(play::ask(&server));
    assert!(said.contains("it answers 500 Internal Server Error, 4 times"), "{said}");
    let app = App::new();
    let server = app.serve_layer(|_, before| (before < 2).then(|| Reply::new(502, "")));
    assert_eq!(read_layer(&app, &server), (app.layer_bytes().clone(), None));
}

#[test]
fn a_refused_connection_says_so() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let said = error(ask_within(&format!("127.0.0.1:{port}/app"), &Access::default(), FAST));
    assert!(said.contains("connection refused"), "{said}");
}

/// RFC 6761: `invalid` is no domain.
#[test]
fn an_unknown_host_says_so() {
    let said = error(ask_within("registry.invalid/app", &Access::default(), FAST));
    assert!(said.contains("registry.invalid"), "{said}");
    assert!(said.contains("the name is not known") || said.contains("does not answer in time"), "{said}");
}

#[test]
fn strange_answers_are_told() {
    let server = first(usize::MAX, || Reply::new(418, ""));
    let said = error(play::ask(&server));
    assert!(said.contains("does not answer as a registry does: 418"), "{said}");
}
