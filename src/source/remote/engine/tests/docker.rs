//! Docker's API, spoken badly.

use std::os::unix::net::UnixListener;
use std::time::Instant;

use super::fake::{Fake, Say};
use super::*;

const ID: &str = "sha256:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

fn ask(fake: &Fake, limits: Limits) -> Result<Answer> {
    let machine = machine(fake.directory.path(), &[("DOCKER_HOST", &fake.address())], limits);
    ask_for(&machine, Place::Docker, "app:1")
}

/// An engine that has the image, and says `archive` when it is to save it.
fn having(archive: Say) -> Fake {
    Fake::new(move |request| match request.contains("/json ") {
        true => Say::status(200, &format!(r#"{{"Id": "{ID}"}}"#)),
        false => archive.clone(),
    })
}

#[test]
fn an_archive_comes_as_often_as_it_is_asked_for() {
    let fake = having(Say::Bytes(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n".into(),
    ));
    let stream = archive(ask(&fake, LATER));
    assert_eq!(stream.place(), "image `app:1` of Docker");
    for _ in 0..2 {
        assert_eq!(read(&stream), (b"abcde".to_vec(), None));
    }
    // Without a version, and by ID: a name may stand for several images.
    let get = format!("GET /images/{ID}/get HTTP/1.1");
    assert_eq!(fake.requests(), ["GET /images/app:1/json HTTP/1.1", &get, &get]);
}

#[test]
fn an_archive_that_breaks_off_is_an_error() {
    for head in ["Transfer-Encoding: chunked\r\n\r\nff\r\nabc", "Content-Length: 9\r\n\r\nabc"] {
        let fake = having(Say::Bytes(format!("HTTP/1.1 200 OK\r\n{head}").into()));
        let (bytes, end) = read(&archive(ask(&fake, LATER)));
        assert_eq!(bytes, b"abc");
        assert!(end.is_some(), "{head}");
    }
}

#[test]
fn an_archive_that_stops_coming_is_an_error() {
    let fake = having(Say::Silence(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc".into()));
    let (bytes, end) = read(&archive(ask(&fake, SOON)));
    assert_eq!((bytes.as_slice(), end.as_deref()), (b"abc".as_slice(), Some("nothing has come for 1.5 s")));
    let fake = having(Say::Silence(Vec::new()));
    let (_, end) = read(&archive(ask(&fake, SOON)));
    assert!(end.as_deref().is_some_and(|end| end.contains("it has not answered for 1.5 s")), "{end:?}");
}

#[test]
fn an_archive_that_is_refused_says_why() {
    let fake = having(Say::status(500, r#"{"message": "no space left on device"}"#));
    let (_, end) = read(&archive(ask(&fake, LATER)));
    let end = end.unwrap();
    assert!(end.contains("could not read image `app:1` of Docker") && end.contains("no space left on device"), "{end}");
    // One that does not end is not kept in memory.
    let fake = having(Say::Endless(b"HTTP/1.1 500 X\r\n\r\n".into(), b'x'));
    let (_, end) = read(&archive(ask(&fake, LATER)));
    assert!(end.as_deref().is_some_and(|end| end.contains("the answer is too long")), "{end:?}");
}

#[test]
fn a_large_archive_is_no_answer_that_is_too_long() {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", 40 << 20);
    let fake = having(Say::Endless(head.into(), b'x'));
    let stream = archive(ask(&fake, LATER));
    assert_eq!(std::io::copy(&mut stream.open().unwrap(), &mut std::io::sink()).unwrap(), 40 << 20);
}

#[test]
fn odd_answers_are_errors() {
    let bytes = |bytes: &[u8]| Say::Bytes(bytes.to_vec());
    for (say, expected) in [
        (Say::status(500, r#"{"message": "boom"}"#), "it answers with status 500: boom"),
        (Say::status(503, ""), "it answers with status 503"),
        (Say::status(400, "client version is too new"), "it answers with status 400: client version is too new"),
        (Say::status(200, "[]"), "its answer is not as specified"),
        (Say::status(200, "{}"), "it gives no ID of the image"),
        (Say::status(200, r#"{"Id": "../../x"}"#), "it gives no ID of the image"),
        (Say::status(200, r#"{"Id": 1}"#), "its answer is not as specified"),
        (bytes(b"\x00\x01\x02 garbage\r\n\r\n"), "Docker at /"),
        (bytes(b""), "connection closed before message completed"),
        (bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"), "Docker at /"),
        (Say::Endless(b"HTTP/1.1 200 OK\r\n\r\n{".into(), b' '), "the answer is too long"),
        (Say::Endless(b"HTTP/1.1 200 OK\r\nX: ".into(), b'x'), "Docker at /"),
    ] {
        let said = error(ask(&Fake::new(move |_| say.clone()), LATER));
        assert!(said.contains("could not read image `app:1` of Docker: ") && said.contains(expected), "{said}");
    }
}

#[test]
fn silence_ends() {
    for say in [Say::Silence(Vec::new()), Say::Silence(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{".into())] {
        let begun = Instant::now();
        let said = error(ask(&Fake::new(move |_| say.clone()), SOON));
        assert!(said.contains("it has not answered for 1.5 s"), "{said}");
        assert!(begun.elapsed() < Duration::from_secs(30));
    }
}

#[test]
fn what_is_not_there_is_absent() {
    let fake = Fake::new(|_| Say::status(404, r#"{"message": "No such image: app:1"}"#));
    assert_eq!(absent(ask(&fake, LATER)), "Docker has no image app:1");
    let fake = Fake::new(|_| Say::status(400, r#"{"message": "invalid reference format"}"#));
    assert_eq!(absent(ask(&fake, LATER)), "Docker says: invalid reference format");
    let root = tempfile::TempDir::new().unwrap();
    let why = absent(ask_for(&machine(root.path(), &[], SOON), Place::Docker, "app"));
    assert_eq!(why, format!("{}/var/run/docker.sock is not there", root.path().display()));
}

#[test]
fn a_socket_without_a_daemon_is_an_error_with_help() {
    let root = tempfile::TempDir::new().unwrap();
    let socket = root.path().join("s");
    drop(UnixListener::bind(&socket).unwrap());
    let address = format!("unix://{}", socket.display());
    let said = error(ask_for(&machine(root.path(), &[("DOCKER_HOST", &address)], SOON), Place::Docker, "app"));
    let expected = format!("image `app` of Docker: nothing listens on {} (DOCKER_HOST)", socket.display());
    assert!(said.contains(&expected) && said.contains("systemctl start docker"), "{said}");
}

/// Root may open everything, so the refusal is made up.
#[test]
fn a_socket_that_may_not_be_opened_is_an_error_with_help() {
    let trouble = trouble::Trouble::of_connection(&std::io::ErrorKind::PermissionDenied.into());
    let endpoint = endpoint::Endpoint::Unix("/var/run/docker.sock".into());
    let service = api::Service { title: "Docker", endpoint, from: None, limits: SOON, ssh: None };
    let said = words(&service.error("image `app` of Docker", trouble));
    assert!(
        said.starts_with("could not read image `app` of Docker: permission denied on /var/run/docker.sock\n"),
        "{said}"
    );
    assert!(said.contains("sudo") && said.contains("group docker"), "{said}");
}
