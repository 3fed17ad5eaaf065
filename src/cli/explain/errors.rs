//! What runtimes, shells and loaders print, and which rules find it beforehand.

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
    ERRORS.iter().find(|error| error.parts.iter().all(|part| text.contains(part)))
}

const fn text(parts: &'static [&'static str], meaning: &'static str, rules: &'static [&'static str]) -> ErrorText {
    ErrorText { parts, meaning, rules }
}

/// The special before the general: the first that matches is taken.
const ERRORS: &[ErrorText] = &[
    text(
        &["executable file not found in"],
        "The runtime looked for the command in every directory of PATH and did not find it, or found it without \
         execute permission. Nothing was started: docker and podman exit with 127, Kubernetes shows StartError \
         with 128.",
        &[
            "command-not-found",
            "arguments-in-one-string",
            "shell-syntax-in-exec-form",
            "not-executable",
            "shell-not-found",
        ],
    ),
    text(
        &["unable to find user"],
        "USER names someone whom the image's /etc/passwd does not have. Nothing was started: docker exits with \
         125, Kubernetes shows CreateContainerError.",
        &["user-not-found"],
    ),
    text(
        &["no users found"],
        "USER names someone whom the image's /etc/passwd does not have. Nothing was started: Kubernetes shows \
         CreateContainerError.",
        &["user-not-found"],
    ),
    text(
        &["unable to find group"],
        "USER names a group that the image's /etc/group does not have. Nothing was started: docker exits with \
         125.",
        &["user-not-found"],
    ),
    text(
        &["no matching entries in passwd file"],
        "USER names someone whom the image's /etc/passwd does not have. Nothing was started.",
        &["user-not-found"],
    ),
    text(
        &["no matching entries in group file"],
        "USER names a group that the image's /etc/group does not have. Nothing was started.",
        &["user-not-found"],
    ),
    text(
        &["no command specified"],
        "The image has neither Entrypoint nor Cmd, and none was given.",
        &["nothing-to-run"],
    ),
    text(
        &["no command or entrypoint"],
        "The image has neither Entrypoint nor Cmd, and none was given.",
        &["nothing-to-run"],
    ),
    text(
        &["relative to current directory"],
        "The command was found through an empty or relative element of PATH, which runc refuses.",
        &["command-not-found"],
    ),
    text(
        &["chdir to cwd"],
        "The working directory cannot be entered: it is a file, or closed to the USER.",
        &["workdir-unusable"],
    ),
    text(
        &["mkdir", "not a directory"],
        "The working directory, or a directory above it, is a file in the image.",
        &["workdir-unusable"],
    ),
    text(
        &["error while loading shared libraries"],
        "The dynamic loader of glibc does not find a shared library. The container was started: every engine \
         shows 127.",
        &["library-not-found"],
    ),
    text(
        &["error loading shared library"],
        "The dynamic loader of musl does not find a shared library, often because the program was built for \
         glibc. Every engine shows 127.",
        &["library-not-found", "loader-not-found"],
    ),
    text(
        &["error relocating"],
        "The dynamic loader of musl does not find a symbol: the program was built for glibc, or for a newer \
         library. Every engine shows 127.",
        &["library-not-found"],
    ),
    text(
        &["version `glibc"],
        "The program was built against a newer glibc than the image has. Every engine shows 1.",
        &["symbol-version-not-found"],
    ),
    text(
        &["version `", "not found (required by"],
        "The program was built against a newer library than the image has. Every engine shows 1.",
        &["symbol-version-not-found"],
    ),
    text(
        &["env: ", "\\r"],
        "The script has CRLF line ends: `env` looks for a program whose name ends in a carriage return.",
        &["carriage-return-in-shebang"],
    ),
    text(
        &["use -[v]s to pass options in shebang lines"],
        "Everything after the interpreter in a `#!` line is one argument: `env` looks for a program with a blank \
         in its name.",
        &["shebang-arguments"],
    ),
    text(
        &["env: ", "no such file or directory"],
        "The script's `#!` line asks `env` for a program that is in no directory of PATH. The container was \
         started: every engine shows 127.",
        &["interpreter-not-found", "shebang-arguments", "carriage-return-in-shebang"],
    ),
    text(
        &["bad interpreter"],
        "A shell says that the interpreter of a script is not there, or has a carriage return in its name (`^M`).",
        &["carriage-return-in-shebang", "interpreter-not-found"],
    ),
    text(
        &["required file not found"],
        "bash says that the interpreter of a script, or the dynamic loader of a program, is not there.",
        &["interpreter-not-found", "carriage-return-in-shebang", "loader-not-found"],
    ),
    text(
        &["missing dynamic library?"],
        "crun says that the kernel did not find the interpreter of the script or the dynamic loader of the \
         program; the file that it names is there. podman exits with 1.",
        &["interpreter-not-found", "carriage-return-in-shebang", "loader-not-found"],
    ),
    text(&["illegal option -\r"], "The script has CRLF line ends.", &["carriage-return-in-shebang"]),
    text(
        &["illegal option -"],
        "A shell does not take the option; if nothing follows the dash, the script has CRLF line ends.",
        &["carriage-return-in-shebang"],
    ),
    text(
        &["$'\\r'"],
        "The script has CRLF line ends: bash takes the carriage return for a command.",
        &["carriage-return-in-shebang"],
    ),
    text(
        &["exec format error"],
        "The kernel does not know the file as a program: built for another architecture, text without a `#!` \
         line, an empty file, or something that is no program at all. The container was started: docker and \
         Kubernetes show 255 (1 with runc before 1.2), podman 1.",
        &["wrong-architecture", "missing-shebang", "byte-order-mark", "not-a-program"],
    ),
    text(
        &["cannot execute binary file"],
        "bash says that the program is for another architecture.",
        &["wrong-architecture", "not-a-program"],
    ),
    text(
        &["accessing a corrupted shared library"],
        "The dynamic loader that the program asks for is for another architecture.",
        &["interpreter-not-executable", "wrong-architecture"],
    ),
    text(
        &["argument list too long"],
        "One argument or environment variable is longer than 128 KiB, or all are together longer than the kernel \
         takes.",
        &["argument-too-long"],
    ),
    text(
        &["too many levels of symbolic links"],
        "A link leads back to itself, or scripts interpret each other more than five deep.",
        &["path-not-found", "shebang-arguments"],
    ),
    text(
        &["is a directory"],
        "The command is a directory. Nothing was started: docker and podman exit with 126, Kubernetes shows \
         StartError with 128.",
        &["is-a-directory"],
    ),
    text(
        &["not a directory"],
        "A directory on the way to the command is a file. Nothing was started: docker exits with 125, podman with \
         126, Kubernetes shows StartError with 128.",
        &["path-not-found"],
    ),
    text(
        &["operation not permitted"],
        "The file has capabilities that the engine does not grant. docker and Kubernetes show 255 (1 with runc \
         before 1.2), podman 1.",
        &["capability-not-granted"],
    ),
    text(
        &["permission denied"],
        "The command has no execute permission, or a directory on the way to it is closed to the USER. Before the \
         start docker and podman exit with 126 and Kubernetes shows StartError with 128; from a shell inside, all \
         show 126; `exec /x: permission denied` in the log means that execve(2) failed.",
        &["not-executable", "permission-denied-for-user", "interpreter-not-executable"],
    ),
    text(
        &["stat ", "no such file or directory"],
        "The runtime did not find the command at that path. Nothing was started: docker and podman exit with 127, \
         Kubernetes shows StartError with 128.",
        &["path-not-found", "shell-not-found"],
    ),
    text(
        &["exec: \"", "no such file or directory"],
        "The runtime did not find the command at that path. Nothing was started: docker and podman exit with 127, \
         Kubernetes shows StartError with 128.",
        &["path-not-found", "shell-not-found"],
    ),
    text(
        &["executable file `", "not found"],
        "crun did not find the command. Nothing was started: podman exits with 127.",
        &["command-not-found", "path-not-found", "shell-not-found"],
    ),
    text(
        &["exec ", "no such file or directory"],
        "The container was started, then the kernel did not find what the file needs: the interpreter in its `#!` \
         line, or its dynamic loader. The file named in the message is there. docker and Kubernetes show 255 (1 \
         with runc before 1.2), podman 1.",
        &["interpreter-not-found", "carriage-return-in-shebang", "loader-not-found"],
    ),
    text(
        &["command not found"],
        "A shell inside the container did not find a command. Every engine shows 127, unless the script goes on.",
        &["script-command-not-found", "broken-exec-form"],
    ),
    text(
        &[": not found"],
        "A shell inside the container did not find a command, or the interpreter of the script that it names. \
         Every engine shows 127, unless the script goes on.",
        &[
            "script-command-not-found",
            "broken-exec-form",
            "interpreter-not-found",
            "carriage-return-in-shebang",
            "loader-not-found",
        ],
    ),
    text(
        &["syntax error"],
        "A shell does not understand the script; that it is CRLF, or not a shell script at all, is the usual \
         reason. Every engine shows 2.",
        &["shell-syntax-error", "carriage-return-in-shebang", "wrong-architecture"],
    ),
    text(
        &["cannot open", "no such file"],
        "A shell was given a script that is not in the image, or that the USER may not read. Every engine shows \
         2.",
        &["path-not-found"],
    ),
    text(
        &["duplicates of file paths not supported"],
        "A layer names the same file twice; engines that use tar-split refuse it.",
        &["refused-layer"],
    ),
    text(&["failed to register layer"], "A layer cannot be unpacked.", &["refused-layer"]),
    text(
        &["oomkilled"],
        "The process used more memory than its limit and was killed: exit code 137. No rule of an image can see \
         that; `imagelint explain 137` tells it from a lost SIGTERM.",
        &[],
    ),
];

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
        ] {
            assert_eq!(find(text).and_then(|e| e.rules.first().copied()), Some(rule), "{text}");
        }
        assert!(find("hello").is_none());
    }

    #[test]
    fn parts_are_lower_case() {
        for error in ERRORS {
            assert!(error.parts.iter().all(|p| p.to_lowercase() == *p), "{:?}", error.parts);
        }
    }
}
