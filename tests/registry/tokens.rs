//! Registries that want to know who asks: anonymous tokens here, logins in `command`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::make;
use crate::play::{self, App, absent, blobs, error, read};
use crate::server::{Body, Reply, Request, Server};

/// The challenge of a registry whose token service is at `realm`.
pub fn unauthorized(realm: &str) -> Reply {
    let challenge = format!("Bearer realm=\"{realm}\",service=\"test\"");
    Reply::new(401, r#"{"errors":[{"code":"UNAUTHORIZED"}]}"#).with("WWW-Authenticate", challenge)
}

/// Whether the request has this token.
pub fn has(request: &Request, token: &str) -> bool {
    request.header("authorization") == Some(&format!("Bearer {token}"))
}

fn guarded(app: &App, realm: String) -> Server {
    app.serve(move |request| (!has(request, "t1")).then(|| unauthorized(&realm)))
}

#[test]
fn anonymous_tokens_of_another_host() {
    let service = Server::start(|_| Reply::ok(r#"{"token":"t1","expires_in":300}"#));
    let app = App::new();
    let server = guarded(&app, format!("http://{}/token", service.host()));
    let image = make::open(&format!("registry:{}/app", server.host())).unwrap();
    assert_eq!(image.digest.as_deref(), Some(app.digest()));
    let asked = service.asked();
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert!(asked[0].path.contains("scope=repository%3Aapp%3Apull") && asked[0].path.contains("service=test"));
    assert!(asked[0].header("authorization").is_none());
}

#[test]
fn anonymous_tokens_of_the_same_host() {
    let app = App::new();
    let port = Arc::new(AtomicUsize::new(0));
    let of_server = Arc::clone(&port);
    let server = app.serve(move |request| match request.path.starts_with("/token") {
        true => Some(Reply::ok(r#"{"access_token":"t1"}"#)),
        false => (!has(request, "t1"))
            .then(|| unauthorized(&format!("http://127.0.0.1:{}/token", of_server.load(Ordering::SeqCst)))),
    });
    port.store(server.port.into(), Ordering::SeqCst);
    blobs(play::ask(&server));
    assert_eq!(server.asked_for("/token").len(), 1);
}

#[test]
fn a_token_that_runs_out_is_renewed() {
    let count = AtomicUsize::new(0);
    let service =
        Server::start(move |_| Reply::ok(format!(r#"{{"token":"t{}"}}"#, 1 + count.fetch_add(1, Ordering::SeqCst))));
    let app = App::new();
    let realm = format!("http://{}/token", service.host());
    let server = app.serve(move |request| {
        let token = if request.path.contains("/blobs/") { "t2" } else { "t1" };
        (!has(request, token)).then(|| unauthorized(&realm))
    });
    let (bytes, error) = read(blobs(play::ask(&server)).as_ref(), &app.layer());
    assert_eq!((&bytes, error), (app.layer_bytes(), None));
    assert_eq!(service.asked().len(), 2);
}

/// So Docker Hub answers for what is not there.
#[test]
fn a_token_that_does_not_suffice_leaves_open_whether_it_is_there() {
    let service = Server::start(|_| Reply::ok(r#"{"token":"t1"}"#));
    let realm = format!("http://{}/token", service.host());
    let server = App::new().serve(move |_| Some(unauthorized(&realm)));
    let why = absent(play::ask(&server));
    assert!(why.contains("or it is private (log in: docker login 127.0.0.1:"), "{why}");
    assert!(server.asked_for("/manifests/").len() <= 2);
}

/// So ghcr.io does.
#[test]
fn no_token_for_strangers() {
    let service = Server::start(|_| Reply::new(403, r#"{"errors":[{"code":"DENIED","message":"denied"}]}"#));
    let server = guarded(&App::new(), format!("http://{}/token", service.host()));
    assert!(absent(play::ask(&server)).contains("or it is private"));
    assert_eq!(service.asked().len(), 1);
}

#[test]
fn a_login_is_wanted() {
    let basic = |_: &Request| Some(Reply::new(401, "").with("WWW-Authenticate", "Basic realm=\"x\""));
    let server = App::new().serve(basic);
    let said = error(play::ask(&server));
    let host = server.host();
    assert!(said.contains("wants a login (401)") && said.contains(&format!("log in: docker login {host}")), "{said}");
}

#[test]
fn a_token_service_that_is_not_there_is_told_apart_from_the_registry() {
    let service = Server::start(|_| Reply::ok(""));
    let realm = format!("http://{}/token", service.host());
    drop(service);
    let said = error(play::ask(&guarded(&App::new(), realm)));
    assert!(said.contains("the token service of registry 127.0.0.1:") && said.contains("does not answer"), "{said}");
}

#[test]
fn a_storage_that_refuses_is_told_apart_from_the_registry() {
    let storage = Server::start(|_| Reply::new(403, "").with("WWW-Authenticate", "Basic"));
    let to = format!("http://localhost:{}/x?secret", storage.port);
    let app = App::new();
    let server = app.serve_layer(move |_, _| Some(Reply::new(307, "").with("Location", to.clone())));
    let (_, error) = play::read_layer(&app, &server);
    let error = error.unwrap();
    assert!(error.contains("leads to localhost, which answers 403") && !error.contains("secret"), "{error}");
}

#[test]
fn token_services_that_fail() {
    for (reply, words) in [
        (Reply::new(500, "oops"), "gives no token, 4 times"),
        (Reply::new(429, r#"{"errors":[{"code":"TOOMANYREQUESTS"}]}"#), "limits how often"),
        (Reply::ok("[]"), "something else than a token"),
        (Reply::of(Body::Endless(vec![b' '; 64 << 10])), "answers with more than a token"),
        (Reply::of(Body::Silent(Vec::new(), 9)), "does not answer: nothing comes any more"),
    ] {
        let service = Server::start(move |_| reply.clone());
        let server = guarded(&App::new(), format!("http://{}/token", service.host()));
        let said = error(play::ask(&server));
        assert!(said.contains(words), "{words}: {said}");
        assert!(service.sent() < 256 << 20, "{} bytes were taken", service.sent());
    }
}

/// What a storage elsewhere is sent is for it to see.
#[test]
fn no_token_goes_where_a_redirect_leads() {
    let app = App::new();
    let stored = app.clone();
    let storage = Server::start(move |request| stored.answer(request));
    let service = Server::start(|_| Reply::ok(r#"{"token":"t1"}"#));
    let (realm, to) = (format!("http://{}/token", service.host()), format!("http://{}", storage.host()));
    let server = app.serve(move |request| match request.path.contains("/blobs/") {
        _ if !has(request, "t1") => Some(unauthorized(&realm)),
        true => Some(Reply::new(307, "").with("Location", format!("{to}{}", request.path))),
        false => None,
    });
    make::open(&format!("registry:{}/app", server.host())).unwrap();
    assert_eq!(storage.asked().len(), 3);
    assert!(storage.asked().iter().all(|request| request.header("authorization").is_none()));
    assert!(server.asked_for("/blobs/").iter().all(|request| has(request, "t1")));
}
