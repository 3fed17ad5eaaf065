//! What runtimes, shells and loaders print, and which rules find it beforehand.

mod cluster;
mod engine;
mod general;
mod inside;

use cluster::CLUSTER;
use engine::ENGINE;
use general::GENERAL;
use inside::INSIDE;

/// A text that something prints when a container does not start.
pub struct ErrorText {
    /// All of these are in it, in lower case.
    parts: &'static [&'static str],
    /// What it means.
    pub meaning: &'static str,
    /// The rules that find it in an image.
    pub rules: &'static [&'static str],
}

/// The most telling entry for `text`.
pub fn find(text: &str) -> Option<&'static ErrorText> {
    let text = text.to_lowercase();
    all().find(|error| error.parts.iter().all(|part| text.contains(part)))
}

const fn text(parts: &'static [&'static str], meaning: &'static str, rules: &'static [&'static str]) -> ErrorText {
    ErrorText { parts, meaning, rules }
}

/// The special before the general: the first that matches is taken.
fn all() -> impl Iterator<Item = &'static ErrorText> {
    [CLUSTER, ENGINE, INSIDE, GENERAL].into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_paste() {
        for (text, rule) in [
            (
                r#"docker: Error response from daemon: failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: exec: "app": executable file not found in $PATH"#,
                "command-not-found",
            ),
            ("exec /app: no such file or directory", "interpreter-not-found"),
            ("exec /app: exec format error", "wrong-architecture"),
            ("standard_init_linux.go:228: exec user process caused: exec format error", "wrong-architecture"),
            (
                "standard_init_linux.go:228: exec user process caused: no such file or directory",
                "interpreter-not-found",
            ),
            (r#"exec: "/app": stat /app: no such file or directory: unknown"#, "path-not-found"),
            (r#"exec: "/app": permission denied: unknown"#, "not-executable"),
            ("unable to find user app: no matching entries in passwd file", "user-not-found"),
            ("env: 'python\\r': No such file or directory", "carriage-return-in-shebang"),
            (
                "/app: error while loading shared libraries: libfoo.so.1: cannot open shared object file: No such file or directory",
                "library-not-found",
            ),
            (
                "/app: /lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.99' not found (required by /app)",
                "symbol-version-not-found",
            ),
            ("exec container process `/app`: Exec format error", "wrong-architecture"),
            (
                "exec container process (missing dynamic library?) `/app`: No such file or directory",
                "interpreter-not-found",
            ),
            ("/bin/sh: 1: nope: not found", "script-command-not-found"),
            ("exec /docker-entrypoint.sh: permission denied", "not-executable"),
            ("[FATAL tini (7)] exec nope failed: No such file or directory", "command-not-found"),
            ("[dumb-init] nope: No such file or directory", "command-not-found"),
            (r#"error: exec: "nope": executable file not found in $PATH"#, "command-not-found"),
            (
                "error: failed switching to \"app\": unable to find user app: no matching entries in passwd file",
                "user-not-found",
            ),
            (
                r#"OCI runtime exec failed: exec failed: unable to start container process: exec: "curl": executable file not found in $PATH: unknown"#,
                "healthcheck-not-runnable",
            ),
            (
                "Error: unable to start container \"x\": crun: the path `/etc` is not a regular file: Operation not permitted",
                "is-a-directory",
            ),
            ("the path `/app/prog` exists but it is not executable: Operation not permitted", "not-executable"),
            (
                "Error: failed to create containerd container: mount callback failed on /tmp/m: no users found",
                "user-not-found",
            ),
            (
                "Error: container create failed: get exec user: uids and gids must be in range 0-2147483647",
                "user-not-found",
            ),
            ("chdir `/etc/passwd/x`: Not a directory", "workdir-unusable"),
            ("ctr: failed to extract layer sha256:0: link a b: no such file or directory", "refused-layer"),
            ("exec /app: input/output error", "interpreter-not-executable"),
            ("env: can't execute 'python': No such file or directory", "interpreter-not-found"),
            ("/usr/bin/env: invalid option -- 'S'", "shebang-arguments"),
            ("/bin/dash: 1: [: ok,: unexpected operator", "broken-exec-form"),
            ("/bin/bash: line 1: /opt/nope: No such file or directory", "script-command-not-found"),
            ("nohup: failed to run command '/nope': No such file or directory", "command-not-found"),
            (
                "qemu-x86_64: Could not open '/lib64/ld-linux-x86-64.so.2': No such file or directory",
                "wrong-architecture",
            ),
            ("npm error signal SIGTERM", "stops-without-telling"),
            ("Back-off restarting failed container", "interpreter-not-found"),
            ("StartError", "command-not-found"),
            ("CreateContainerError", "user-not-found"),
        ] {
            assert_eq!(find(text).and_then(|e| e.rules.first().copied()), Some(rule), "{text}");
        }
        assert!(find("hello").is_none());
    }

    #[test]
    fn rules_are_those_that_there_are() {
        for error in all() {
            for name in error.rules {
                assert!(imagelint::rules::RULES.iter().any(|rule| rule.name == *name), "{name}");
            }
        }
    }

    /// One that is never reached helps nobody: what stands above it takes all that it matches.
    #[test]
    fn none_hides_another() {
        for (at, error) in all().enumerate() {
            let taken =
                |above: &ErrorText| above.parts.iter().all(|part| error.parts.iter().any(|own| own.contains(part)));
            assert!(!all().take(at).any(taken), "{:?}", error.parts);
        }
    }

    #[test]
    fn parts_are_lower_case() {
        for error in all() {
            assert!(error.parts.iter().all(|p| p.to_lowercase() == *p), "{:?}", error.parts);
        }
    }
}
