//! Errors of the kernel by their names, whoever prints them.

use super::{ErrorText, text};

/// The special before the general.
pub const GENERAL: &[ErrorText] = &[
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
        &["line ", ": no such file or directory"],
        "bash did not find the program, or the interpreter of the script, that it names: every engine shows 127, unless the script goes on.",
        &["script-command-not-found", "interpreter-not-found", "loader-not-found"],
    ),
    text(
        &["sh: ", ": no such file or directory"],
        "bash was given a script that is not in the image: every engine shows 127.",
        &["script-command-not-found", "path-not-found"],
    ),
];
