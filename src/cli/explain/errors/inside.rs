//! What loaders, shells, interpreters and wrappers say in the container.

use super::{ErrorText, text};

/// The special before the general.
pub const INSIDE: &[ErrorText] = &[
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
        &["symbol lookup error"],
        "The dynamic loader of glibc does not find a symbol when it is first used: the library in the image is another than the one the program was built with. Every engine shows 127.",
        &["library-not-found"],
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
        &["env: ", "-- 's'"],
        "The script's `#!` line uses `env -S`, which busybox does not have. Every engine shows 1.",
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
        &["tini", "exec ", "failed"],
        "`tini` could not start the program: every engine shows 127, or 126 if it is there and cannot be executed.",
        &["command-not-found", "path-not-found", "not-executable"],
    ),
    text(
        &["dumb-init]"],
        "`dumb-init` could not start the program, or does not know the option: every engine shows 2.",
        &["command-not-found", "path-not-found", "not-executable", "wrapper-arguments"],
    ),
    text(
        &["failed to exec pid1"],
        "`catatonit` could not start the program: every engine shows 1.",
        &["command-not-found", "path-not-found"],
    ),
    text(
        &["error: failed switching to"],
        "`gosu` does not find the user in /etc/passwd, or may not become it: every engine shows 1.",
        &["user-not-found"],
    ),
    text(
        &["failed to run command"],
        "A program that starts another (`nohup`, `chroot`, `setpriv`, `time` …) did not find it, or may not execute it: every engine shows 127, or 126 if it is there and cannot be executed, and other codes by a few.",
        &["command-not-found", "path-not-found", "not-executable"],
    ),
    text(
        &["failed to execute /"],
        "A program that starts another (`nohup`, `chroot`, `setpriv`, `time` …) did not find it, or may not execute it: every engine shows 127, or 126 if it is there and cannot be executed, and other codes by a few.",
        &["command-not-found", "path-not-found", "not-executable"],
    ),
    text(
        &["cannot run /"],
        "A program that starts another (`nohup`, `chroot`, `setpriv`, `time` …) did not find it, or may not execute it: every engine shows 127, or 126 if it is there and cannot be executed, and other codes by a few.",
        &["command-not-found", "path-not-found", "not-executable"],
    ),
    text(
        &["nice: ", "no such file or directory"],
        "A program that starts another (`nice`, `timeout`, `stdbuf`, `xargs` …) did not find it: every engine shows 127, or 126 if it is there and cannot be executed.",
        &["command-not-found", "path-not-found"],
    ),
    text(
        &["timeout: ", "no such file or directory"],
        "A program that starts another (`nice`, `timeout`, `stdbuf`, `xargs` …) did not find it: every engine shows 127, or 126 if it is there and cannot be executed.",
        &["command-not-found", "path-not-found"],
    ),
    text(
        &["stdbuf: ", "no such file or directory"],
        "A program that starts another (`nice`, `timeout`, `stdbuf`, `xargs` …) did not find it: every engine shows 127, or 126 if it is there and cannot be executed.",
        &["command-not-found", "path-not-found"],
    ),
    text(
        &["xargs: ", "no such file or directory"],
        "A program that starts another (`nice`, `timeout`, `stdbuf`, `xargs` …) did not find it: every engine shows 127, or 126 if it is there and cannot be executed.",
        &["command-not-found", "path-not-found"],
    ),
    text(
        &["su-exec: ", "no such file or directory"],
        "A program that starts another (`nice`, `timeout`, `stdbuf`, `xargs` …) did not find it: every engine shows 127, or 126 if it is there and cannot be executed.",
        &["command-not-found", "path-not-found"],
    ),
    text(
        &["setpriv: ", "no such file or directory"],
        "A program that starts another (`nice`, `timeout`, `stdbuf`, `xargs` …) did not find it: every engine shows 127, or 126 if it is there and cannot be executed.",
        &["command-not-found", "path-not-found"],
    ),
    text(
        &["cannot find module"],
        "Node does not find a file that it is to run or to load: every engine shows 1. Is it copied, and is WORKDIR the directory it is looked for in?",
        &[],
    ),
    text(
        &["no module named"],
        "Python does not find a module: every engine shows 1. Is it installed for this Python, and is WORKDIR or PYTHONPATH as it was?",
        &[],
    ),
    text(
        &["can't open file"],
        "Python was given a script that is not there or that the USER may not read: every engine shows 2.",
        &[],
    ),
    text(
        &["can't open perl script"],
        "Perl was given a script that is not there or that the USER may not read: every engine shows 2.",
        &[],
    ),
    text(
        &["unable to access jarfile"],
        "Java was given an archive that is not there or that the USER may not read: every engine shows 1.",
        &[],
    ),
    text(
        &["could not find or load main class"],
        "Java does not find the class: every engine shows 1. The class path is relative to WORKDIR.",
        &[],
    ),
    text(
        &["npm err", "signal sigterm"],
        "npm was told to stop and says so; the program that it started through a shell was not told. Every engine shows 1 or 143.",
        &["stops-without-telling", "signal-not-forwarded"],
    ),
    text(
        &["command failed", "signal sigterm"],
        "npm or yarn was told to stop and says so; the program that it started through a shell was not told. Every engine shows 1 or 143.",
        &["stops-without-telling", "signal-not-forwarded"],
    ),
    text(
        &["segmentation fault"],
        "A program died of signal 11: exit code 139. A bug in native code, a shared library or a truncated program that is executed.",
        &["not-a-program"],
    ),
    text(
        &["unexpected operator"],
        "A shell runs `[` where an exec form was meant: the list in CMD or ENTRYPOINT is no JSON, most often for its quotes. Every engine shows 2.",
        &["broken-exec-form"],
    ),
    text(
        &["unary operator expected"],
        "A shell runs `[` where an exec form was meant: the list in CMD or ENTRYPOINT is no JSON, most often for its quotes. Every engine shows 2.",
        &["broken-exec-form"],
    ),
    text(
        &["can't cd to"],
        "A script enters a directory that is not there. With `set -e`, or as its last command, that ends it: 2 with dash and busybox, 1 with bash.",
        &[],
    ),
    text(
        &["cd: ", "no such file or directory"],
        "A script enters a directory that is not there. With `set -e`, or as its last command, that ends it: 2 with dash and busybox, 1 with bash.",
        &[],
    ),
    text(
        &["line ", "is a directory"],
        "A shell was asked to execute a directory. The container was started: every engine shows 126.",
        &["is-a-directory", "script-command-not-found"],
    ),
    text(
        &["cannot execute: is a directory"],
        "A shell was asked to execute a directory. The container was started: every engine shows 126.",
        &["is-a-directory", "script-command-not-found"],
    ),
];
