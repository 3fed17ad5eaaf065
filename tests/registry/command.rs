//! Logins as the command line finds them: files and helpers named by the environment of a process of its own.

use std::fs;
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::play::App;
use crate::server::{Reply, Request, Server};
use crate::tokens::{has, unauthorized};

const USER: &str = "jane";
const PASSWORD: &str = "s3cr3t-pa55";
/// base64 of `jane:s3cr3t-pa55`.
const AUTH: &str = "amFuZTpzM2NyM3QtcGE1NQ==";

/// A home of its own.
struct Home(TempDir);

impl Home {
    fn new() -> Self {
        Home(TempDir::new().unwrap())
    }

    fn write(&self, path: &str, value: &Value) -> &Self {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, value.to_string()).unwrap();
        self
    }

    /// A credential helper that does this.
    fn helper(&self, name: &str, script: &str) -> &Self {
        let path = self.0.path().join(format!("bin/docker-credential-{name}"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        // Written by another process: a file that a child of this one still has open is not executed (ETXTBSY).
        let write = "printf '#!/bin/sh\\n%s\\n' \"$1\" >\"$2\" && chmod 755 \"$2\"";
        assert!(Command::new("sh").args(["-c", write, "sh", script]).arg(path).status().unwrap().success());
        self
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_imagelint"));
        let path = format!("{}:/usr/bin:/bin", self.0.path().join("bin").display());
        command.env_clear().env("HOME", self.0.path()).env("PATH", path);
        command
    }

    fn check(&self, server: &Server) -> Output {
        self.command().arg(format!("registry:{}/app", server.host())).output().unwrap()
    }
}

/// Lets in who has the password; others are told of it.
fn basic(app: &App) -> Server {
    app.serve(|request| {
        let is_in = request.header("authorization") == Some(&format!("Basic {AUTH}"));
        (!is_in).then(|| Reply::new(401, "").with("WWW-Authenticate", "Basic realm=\"test\""))
    })
}

fn said(output: &Output) -> String {
    // Lines are broken and framed for the terminal.
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(!text.contains(PASSWORD) && !text.contains(AUTH), "{text}");
    text.replace('│', " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The image was read, whatever is found in it.
fn assert_read(output: &Output) {
    assert!(matches!(output.status.code(), Some(0 | 1)), "{}", said(output));
}

fn assert_failed(output: &Output, words: &[&str]) {
    let said = said(output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    words.iter().for_each(|words| assert!(said.contains(words), "{words}: {said}"));
}

fn auths(key: &str) -> Value {
    json!({"auths": {key: {"auth": AUTH}}})
}

#[test]
fn dockers_file() {
    let (app, home) = (App::new(), Home::new());
    let server = basic(&app);
    assert_failed(&home.check(&server), &["wants a login (401)", "docker login 127.0.0.1"]);
    assert_read(&home.write(".docker/config.json", &auths(&server.host())).check(&server));
    assert!(server.asked_for("/v2/").iter().any(|request| request.header("authorization").is_some()));
    let other = Home::new();
    other.write("elsewhere/config.json", &auths(&format!("http://{}/v2/", server.host())));
    let mut command = other.command();
    command.env("DOCKER_CONFIG", other.0.path().join("elsewhere")).arg(format!("registry:{}/app", server.host()));
    assert_read(&command.output().unwrap());
}

#[test]
fn podmans_files_and_the_most_specific_entry() {
    let app = App::new();
    let server = basic(&app);
    let host = server.host();
    let wrong = json!({"auth": "amFuZTpub3BlCg=="});
    let entries = json!({"auths": {&host: wrong, format!("{host}/app"): {"auth": AUTH}, format!("{host}/ap"): wrong}});
    for (file, variable, value) in [
        (".config/containers/auth.json", "X", ""),
        ("run/containers/auth.json", "XDG_RUNTIME_DIR", "run"),
        ("mine.json", "REGISTRY_AUTH_FILE", "mine.json"),
    ] {
        let home = Home::new();
        home.write(file, &entries);
        let mut command = home.command();
        command.env(variable, home.0.path().join(value)).arg(format!("registry:{host}/app"));
        assert_read(&command.output().unwrap());
    }
}

#[test]
fn a_wrong_password_is_told_and_not_shown() {
    let (app, home) = (App::new(), Home::new());
    let server = app.serve(|_| Some(Reply::new(401, AUTH).with("WWW-Authenticate", "Basic realm=\"test\"")));
    let output = home.write(".docker/config.json", &auths(&server.host())).check(&server);
    assert_failed(&output, &["does not accept the login that is in", "config.json (401)", "log in again"]);
}

#[test]
fn helpers_and_stores() {
    let app = App::new();
    let server = basic(&app);
    let host = server.host();
    let found = format!(
        "read server; echo \"$server\" >>\"$HOME/asked\"; echo '{{\"Username\":\"{USER}\",\"Secret\":\"{PASSWORD}\"}}'"
    );
    for config in [json!({"credHelpers": {&host: "test"}}), json!({"credsStore": "test", "auths": {&host: {}}})] {
        let home = Home::new();
        home.write(".docker/config.json", &config).helper("test", &found);
        assert_read(&home.check(&server));
        assert_eq!(fs::read_to_string(home.0.path().join("asked")).unwrap(), format!("{host}\n"));
    }
}

#[test]
fn helpers_that_fail_are_told_only_if_it_matters() {
    let config = json!({"credsStore": "test"});
    let fails = format!("read server; echo {PASSWORD}; echo {PASSWORD} >&2; exit 1");
    let (open, closed) = (App::new().serve(|_| None), basic(&App::new()));
    let home = Home::new();
    home.write(".docker/config.json", &config).helper("test", &fails);
    assert_read(&home.check(&open));
    assert_failed(&home.check(&closed), &["wants a login", "`docker-credential-test get` fails"]);
    let home = Home::new();
    home.write(".docker/config.json", &json!({"credsStore": "none"}));
    assert_read(&home.check(&open));
    assert_failed(&home.check(&closed), &["its credential helper (docker-credential-…) cannot be run"]);
    let home = Home::new();
    home.write(".docker/config.json", &config)
        .helper("test", "read server; echo credentials not found in native keychain; exit 1");
    let output = home.check(&closed);
    assert!(!said(&output).contains("docker-credential-test"), "{}", said(&output));
}

#[test]
fn identity_tokens_are_told_of() {
    let (app, home) = (App::new(), Home::new());
    let server = basic(&app);
    home.write(".docker/config.json", &json!({"auths": {server.host(): {"identitytoken": PASSWORD, "auth": AUTH}}}));
    assert_failed(&home.check(&server), &["wants a login", "is an identity token, which is not supported"]);
    assert!(server.asked().iter().all(|request| request.header("authorization").is_none()));
}

/// As in Docker, the token service that the registry names gets the login, wherever it is; storage does not.
#[test]
fn a_login_goes_to_the_token_service_and_nowhere_else() {
    let app = App::new();
    let stored = app.clone();
    let storage = Server::start(move |request| stored.answer(request));
    let service = Server::start(|request: &Request| match request.header("authorization") {
        Some(auth) if auth == format!("Basic {AUTH}") => Reply::ok(r#"{"token":"t1"}"#),
        _ => Reply::new(401, ""),
    });
    let (realm, to) = (format!("http://{}/token", service.host()), format!("http://{}", storage.host()));
    let server = app.serve(move |request| match request.path.contains("/blobs/") {
        _ if !has(request, "t1") => Some(unauthorized(&realm)),
        true => Some(Reply::new(307, "").with("Location", format!("{to}{}", request.path))),
        false => None,
    });
    let home = Home::new();
    assert_read(&home.write(".docker/config.json", &auths(&server.host())).check(&server));
    assert_eq!(service.asked().len(), 1);
    assert!(storage.asked().iter().all(|request| request.header("authorization").is_none()));
    let basic = |request: &Request| request.header("authorization").is_some_and(|auth| auth.starts_with("Basic"));
    assert!(!server.asked().iter().any(basic));
}

/// A token service that redirects does not get the login carried on.
#[test]
fn a_login_does_not_follow_a_redirect() {
    let thief = Server::start(|_| Reply::ok(r#"{"token":"t1"}"#));
    let to = format!("http://{}/token", thief.host());
    let service = Server::start(move |_| Reply::new(307, "").with("Location", to.clone()));
    let realm = format!("http://{}/token", service.host());
    let server = App::new().serve(move |request| (!has(request, "t1")).then(|| unauthorized(&realm)));
    let home = Home::new();
    home.write(".docker/config.json", &auths(&server.host())).check(&server);
    assert_eq!(service.asked()[0].header("authorization"), Some(format!("Basic {AUTH}").as_str()));
    assert!(!thief.asked().is_empty());
    assert!(thief.asked().iter().all(|request| request.header("authorization").is_none()));
}

/// Logins for one registry are not shown to another.
#[test]
fn other_registries_do_not_get_it() {
    let (app, home) = (App::new(), Home::new());
    let (server, other) = (basic(&app), basic(&app));
    assert_failed(&home.write(".docker/config.json", &auths(&other.host())).check(&server), &["wants a login"]);
    assert!(server.asked().iter().all(|request| request.header("authorization").is_none()));
}

/// Nobody asked who it is.
#[test]
fn an_open_registry_is_not_told_who_asks() {
    let (server, home) = (App::new().serve(|_| None), Home::new());
    assert_read(&home.write(".docker/config.json", &auths(&server.host())).check(&server));
    assert!(server.asked().iter().all(|request| request.header("authorization").is_none()));
}

/// What would go out without TLS would come to the proxy.
#[test]
fn without_tls_only_where_it_is_allowed() {
    let (app, home) = (App::new(), Home::new());
    let proxy = Server::start(move |request| app.answer(request));
    let mut command = home.command();
    let address = format!("http://{}", proxy.host());
    command.env("HTTP_PROXY", &address).env("HTTPS_PROXY", &address);
    let output = command.args(["--insecure-registry", "other.test", "registry:registry.test/app"]).output().unwrap();
    assert_failed(&output, &["registry.test", "proxy"]);
    let asked: Vec<String> = proxy.asked().into_iter().map(|request| request.path).collect();
    assert!(!asked.is_empty() && asked.iter().all(|path| path == "registry.test:443"), "{asked:?}");
}

#[test]
fn proxies_serve_what_is_not_on_this_machine() {
    let app = App::new();
    let server = app.serve(|_| None);
    let proxied = app.clone();
    let proxy = Server::start(move |request| {
        let path = request.path.strip_prefix("http://registry.test").unwrap_or_default().to_owned();
        let mut request = request.clone();
        request.path = path;
        proxied.answer(&request)
    });
    for variable in ["HTTP_PROXY", "http_proxy"] {
        let home = Home::new();
        let mut command = home.command();
        command.env(variable, format!("http://{}", proxy.host()));
        let output =
            command.args(["--insecure-registry", "registry.test", "registry:registry.test/app"]).output().unwrap();
        assert_read(&output);
        assert!(!proxy.asked().is_empty());
        let before = proxy.asked().len();
        let mut command = home.command();
        command.env(variable, format!("http://{}", proxy.host()));
        assert_read(&command.arg(format!("registry:{}/app", server.host())).output().unwrap());
        assert_eq!(proxy.asked().len(), before, "loopback goes through no proxy");
    }
    let home = Home::new();
    let mut command = home.command();
    command.env("HTTP_PROXY", format!("http://{}", proxy.host())).env("no_proxy", "registry.test");
    let output = command.args(["--insecure-registry", "registry.test", "registry:registry.test/app"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
}
