//! Blobs and documents that break, lie, stall or never end.

use std::io::Read;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use imagelint::source::remote::registry::{Patience, ask_within};

use crate::make;
use crate::play::{self, App, FAST, blobs, error, part, read, read_layer};
use crate::server::{Body, Reply, Server};

#[test]
fn a_blob_that_breaks_comes_on_from_there() {
    let app = App::new();
    let bytes = app.layer_bytes().clone();
    let server = app.serve_layer(move |request, before| match before {
        0 => Some(Reply::of(Body::Cut(bytes[..50].to_vec(), bytes.len()))),
        1 => Some(Reply { body: Body::Cut(bytes[50..70].to_vec(), bytes.len() - 50), ..part(&bytes, request) }),
        _ => None,
    });
    assert_eq!(read_layer(&app, &server), (app.layer_bytes().clone(), None));
    let ranges: Vec<_> = server.asked_for(&app.layer()).iter().map(|r| r.from()).collect();
    assert_eq!(ranges, [None, Some(50), Some(70)]);
}

#[test]
fn a_registry_that_is_gone_for_a_moment() {
    let app = App::new();
    let bytes = app.layer_bytes().clone();
    let server = app.serve_layer(move |_, _| Some(Reply::of(Body::Cut(bytes[..50].to_vec(), bytes.len()))));
    let patience = Patience { pause: Duration::from_millis(500), ..FAST };
    let blobs = blobs(ask_within(&format!("{}/app", server.host()), &Default::default(), patience));
    let mut reader = blobs.open(&play::name(&app.layer())).unwrap().unwrap().reader;
    let mut read = vec![0; 50];
    reader.read_exact(&mut read).unwrap();
    let address = server.address.to_string();
    drop(server);
    let back = app.clone();
    let back = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(700));
        Server::start_at(&address, move |request| back.answer(request))
    });
    reader.read_to_end(&mut read).unwrap();
    assert_eq!(read, *app.layer_bytes());
    assert_eq!(back.join().unwrap().asked_for(&app.layer())[0].from(), Some(50));
}

#[test]
fn a_registry_that_knows_no_ranges_begins_anew_and_what_is_had_is_skipped() {
    let app = App::new();
    let bytes = app.layer_bytes().clone();
    let server = app.serve_layer(move |_, before| match before {
        0 => Some(Reply::of(Body::Cut(bytes[..50].to_vec(), bytes.len()))),
        // It even breaks before it is where it was.
        1 => Some(Reply::of(Body::Cut(bytes[..20].to_vec(), bytes.len()))),
        _ => Some(Reply::ok(bytes.clone())),
    });
    assert_eq!(read_layer(&app, &server), (app.layer_bytes().clone(), None));
    assert_eq!(server.asked_for(&app.layer()).len(), 3);
}

#[test]
fn silence_ends_and_the_rest_is_asked_for() {
    let app = App::new();
    let bytes = app.layer_bytes().clone();
    let server = app.serve_layer(move |_, before| {
        (before == 0).then(|| Reply::of(Body::Silent(bytes[..50].to_vec(), bytes.len())))
    });
    assert_eq!(read_layer(&app, &server), (app.layer_bytes().clone(), None));
    assert_eq!(server.asked_for(&app.layer())[1].from(), Some(50));
}

#[test]
fn silence_without_end_is_an_error_in_time() {
    let app = App::new();
    let bytes = app.layer_bytes().clone();
    let server = app.serve_layer(move |_, _| Some(Reply::of(Body::Silent(bytes[..50].to_vec(), bytes.len()))));
    let began = Instant::now();
    let patience = Patience { attempts: 2, idle: Duration::from_millis(300), ..FAST };
    let answer = ask_within(&format!("{}/app", server.host()), &Default::default(), patience);
    let (read, error) = read(blobs(answer).as_ref(), &app.layer());
    assert_eq!(read, app.layer_bytes()[..50]);
    let error = error.unwrap();
    assert!(error.contains("breaks after 50 of") && error.contains("nothing comes any more"), "{error}");
    assert!(began.elapsed() < Duration::from_secs(9), "{:?}", began.elapsed());
}

/// Never silent for long, and yet without end.
#[test]
fn a_trickle_is_given_up() {
    let app = App::new();
    let (layer, document) = (app.layer_bytes().clone(), app.bytes(app.digest()).unwrap().clone());
    let patience = Patience { total: Duration::from_secs(3), ..FAST };
    let slowly = |bytes: &Vec<u8>| Reply::of(Body::Trickle(bytes.clone(), Duration::from_millis(60)));
    let server = app.serve_layer(move |_, _| Some(slowly(&layer)));
    let began = Instant::now();
    let answer = ask_within(&format!("{}/app", server.host()), &Default::default(), patience);
    let (_, failure) = read(blobs(answer).as_ref(), &app.layer());
    assert!(failure.is_some_and(|failure| failure.contains("is too slow")));
    let server = app.serve(move |request| request.path.contains("/manifests/").then(|| slowly(&document)));
    let said = error(ask_within(&format!("{}/app", server.host()), &Default::default(), patience));
    assert!(said.contains("does not answer in time"), "{said}");
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

#[test]
fn a_silent_registry_is_an_error_in_time() {
    let server = App::new().serve(|_| Some(Reply::of(Body::Silent(Vec::new(), 9))));
    let began = Instant::now();
    let patience = Patience { idle: Duration::from_millis(300), total: Duration::from_secs(2), ..FAST };
    let said = error(ask_within(&format!("{}/app", server.host()), &Default::default(), patience));
    assert!(said.contains("does not answer in time") || said.contains("nothing comes any more"), "{said}");
    assert!(began.elapsed() < Duration::from_secs(12), "{:?}", began.elapsed());
}

#[test]
fn a_blob_that_always_breaks_is_given_up() {
    let app = App::new();
    let bytes = app.layer_bytes().clone();
    let server = app.serve_layer(move |_, _| Some(Reply::of(Body::Cut(bytes[..50].to_vec(), bytes.len()))));
    let (read, error) = read_layer(&app, &server);
    assert_eq!(read, app.layer_bytes()[..50]);
    let size = app.layer_bytes().len();
    let error = error.unwrap();
    assert!(error.contains(&format!("breaks after 50 of {size} bytes, again and again")), "{error}");
    assert_eq!(server.asked_for(&app.layer()).len(), 4);
}

#[test]
fn a_short_blob_is_an_error_that_says_so() {
    let app = App::new();
    let (short, size) = (app.layer_bytes()[..50].to_vec(), app.layer_bytes().len());
    let with_length = short.clone();
    let with_length = app.serve_layer(move |request, _| Some(part(&with_length, request)));
    let without = app.serve_layer(move |request, before| match before {
        0 => Some(Reply::of(Body::Unsized(short.clone()))),
        _ => Some(part(&short, request)),
    });
    for server in [with_length, without] {
        let error = make::error(make::open(&format!("registry:{}/app", server.host())));
        assert!(error.contains(&format!("it ends after 50 of the {size} bytes it should have")), "{error}");
    }
}

#[test]
fn an_endless_blob_is_read_to_its_size_and_no_further() {
    let app = App::new();
    let server = app.serve_layer(|_, _| Some(Reply::of(Body::Endless(vec![b'x'; 64 << 10]))));
    let (read, error) = read_layer(&app, &server);
    assert_eq!((read.len(), error), (app.layer_bytes().len(), None));
    std::thread::sleep(Duration::from_millis(200));
    assert!(server.sent() < 16 << 20, "{} bytes were taken", server.sent());
    let error = make::error(make::open(&format!("registry:{}/app", server.host())));
    assert!(error.contains("does not match its digest") && error.contains(&app.layer()), "{error}");
}

#[test]
fn other_bytes_than_the_digest_says_are_an_error_that_names_it() {
    let app = App::new();
    let mut bytes = app.layer_bytes().clone();
    *bytes.last_mut().unwrap() ^= 1;
    let server = app.serve_layer(move |_, _| Some(Reply::ok(bytes.clone())));
    let error = make::error(make::open(&format!("registry:{}/app", server.host())));
    assert!(error.contains("does not match its digest") && error.contains(&app.layer()), "{error}");
}

#[test]
fn huge_manifests_are_refused_unread() {
    let piece = || vec![b' '; 64 << 10];
    let serve = |body: Body| App::new().serve(move |r| r.path.contains("/manifests/").then(|| Reply::of(body.clone())));
    let announced = serve(Body::Cut(piece(), 5 << 20));
    let endless = serve(Body::Endless(piece()));
    for server in [announced, endless] {
        let said = error(play::ask(&server));
        assert!(said.contains("its manifest is larger than 4 MiB"), "{said}");
        assert!(server.sent() < 32 << 20, "{} bytes were taken", server.sent());
    }
}

#[test]
fn a_manifest_that_breaks_is_asked_for_again() {
    let app = App::new();
    let bytes = app.bytes(app.digest()).unwrap().clone();
    let count = std::sync::atomic::AtomicUsize::new(0);
    let server = app.serve(move |request| {
        let is_first = request.path.contains("/manifests/") && count.fetch_add(1, Ordering::SeqCst) == 0;
        is_first.then(|| Reply::of(Body::Cut(bytes[..50].to_vec(), bytes.len())))
    });
    assert_eq!(make::open(&format!("registry:{}/app", server.host())).unwrap().digest.as_deref(), Some(app.digest()));
}

#[test]
fn endless_error_pages_and_web_pages() {
    let page = || Reply { status: 500, ..Reply::of(Body::Endless(vec![b' '; 64 << 10])) };
    let server = App::new().serve(move |r| r.path.contains("/manifests/").then(page));
    assert!(error(play::ask(&server)).contains("500"));
    assert!(server.sent() < 64 << 20, "{} bytes were taken", server.sent());
    let html = || Reply::ok("<html>log in</html>").with("Content-Type", "text/html; charset=utf-8");
    let server = App::new().serve(move |_| Some(html()));
    assert!(error(play::ask(&server)).contains("answers with a web page"));
}

#[test]
fn what_is_no_manifest_is_an_error_and_no_panic() {
    for body in [
        "",
        "[]",
        "{",
        "null",
        r#"{"manifests":3}"#,
        r#"{"manifests":[{"digest":"sha256:../../x","size":-1}]}"#,
        "\u{0}",
    ] {
        let server = App::new().serve(move |r| r.path.contains("/manifests/").then(|| Reply::ok(body)));
        let error = make::error(make::open(&format!("registry:{}/app", server.host())));
        assert!(error.contains("could not read"), "{body}: {error}");
    }
}

#[test]
fn redirects_that_go_round() {
    let server = App::new()
        .serve(|r| r.path.contains("/manifests/").then(|| Reply::new(302, "").with("Location", r.path.clone())));
    assert!(error(play::ask(&server)).contains("redirects too often"));
    assert!(server.asked_for("/manifests/").len() < 10);
}
