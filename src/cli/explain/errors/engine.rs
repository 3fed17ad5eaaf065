//! What engines and runtimes say before the process gets control.

use super::{ErrorText, text};

/// The special before the general.
pub const ENGINE: &[ErrorText] = &[
    text(
        &["error: exec: \"", "executable file not found in"],
        "`gosu` did not find the program that it is to start. The container was started: every engine shows 1.",
        &["command-not-found", "path-not-found"],
    ),
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
        &["cannot find `", "` in $path"],
        "crun looked for the command in every directory of PATH; it is empty. Nothing was started: podman exits with 127.",
        &["command-not-found"],
    ),
    text(
        &["' not found in $path"],
        "youki did not find the command in any directory of PATH. Nothing was started.",
        &[
            "command-not-found",
            "arguments-in-one-string",
            "shell-syntax-in-exec-form",
            "not-executable",
            "shell-not-found",
        ],
    ),
    text(
        &["executable for container process not found in path"],
        "youki did not find the command in any directory of PATH. Nothing was started.",
        &[
            "command-not-found",
            "arguments-in-one-string",
            "shell-syntax-in-exec-form",
            "not-executable",
            "shell-not-found",
        ],
    ),
    text(
        &["does not have correct permissions"],
        "youki found the command, and it is a directory or has no execute permission. Nothing was started.",
        &["not-executable", "permission-denied-for-user", "is-a-directory"],
    ),
    text(
        &["exists but it is not executable"],
        "crun found the command without execute permission. Nothing was started: podman exits with 126.",
        &["not-executable", "permission-denied-for-user"],
    ),
    text(
        &["is not a regular file"],
        "The command is a directory, or something else that is no file. Nothing was started: podman exits with 126.",
        &["is-a-directory"],
    ),
    text(
        &["open executable", "operation not permitted"],
        "The command is a directory, says an older crun. Nothing was started: podman exits with 126.",
        &["is-a-directory"],
    ),
    text(
        &["file name too long"],
        "The command, or one name of its path, is longer than Linux takes: 4095 bytes in all, 255 a name. Nothing was started: docker exits with 125, podman with 126, Kubernetes shows StartError with 128.",
        &["path-not-found", "arguments-in-one-string"],
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
        &["openat etc/passwd"],
        "USER is a name, and the image has no /etc/passwd. Nothing was started: Kubernetes shows CreateContainerError.",
        &["user-not-found"],
    ),
    text(
        &["mount callback failed", "no such file or directory"],
        "USER is a name, and the image has no /etc/passwd. Nothing was started: Kubernetes shows CreateContainerError.",
        &["user-not-found"],
    ),
    text(
        &["uid out of range"],
        "USER, or its number, is nothing that the runtime accepts: a number is 0 to 2147483647. Nothing was started.",
        &["user-not-found"],
    ),
    text(
        &["uids and gids must be in range"],
        "USER, or its number, is nothing that the runtime accepts: a number is 0 to 2147483647. Nothing was started.",
        &["user-not-found"],
    ),
    text(
        &["invalid user value"],
        "USER, or its number, is nothing that the runtime accepts: a number is 0 to 2147483647. Nothing was started.",
        &["user-not-found"],
    ),
    text(
        &["invalid environment variable"],
        "An entry of Env has no `=` in it. runc refuses it; Docker, Podman and Kubernetes leave such entries out before it comes to that.",
        &[],
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
        &["cwd must be an absolute path"],
        "WORKDIR is relative, and the runtime takes only absolute ones. Nothing was started.",
        &["workdir-unusable"],
    ),
    text(
        &["mkdir", "not a directory"],
        "The working directory, or a directory above it, is a file in the image.",
        &["workdir-unusable"],
    ),
    text(
        &["chdir", "not a directory"],
        "The working directory, or a directory above it, is a file in the image.",
        &["workdir-unusable"],
    ),
    text(
        &["workdir \"", "is not a directory"],
        "The working directory is a file in the image. Nothing was started: podman exits with 126.",
        &["workdir-unusable"],
    ),
    text(
        &["error response from daemon: lstat", "not a directory"],
        "The working directory, or a directory above it, is a file in the image. docker exits with 125.",
        &["workdir-unusable"],
    ),
    text(
        &["chdir", "no such file or directory"],
        "The working directory is a link that leads nowhere. Nothing was started: podman exits with 127.",
        &["workdir-unusable"],
    ),
    text(
        &["failed to chdir"],
        "youki could not enter the working directory: it is a file, or not there. Nothing was started.",
        &["workdir-unusable"],
    ),
    text(
        &["mkdir", "file exists"],
        "The working directory is a link that leads nowhere. Nothing was started: Kubernetes shows StartError with 128.",
        &["workdir-unusable"],
    ),
    text(
        &["executable file `", "not found"],
        "crun did not find the command. Nothing was started: podman exits with 127.",
        &["command-not-found", "path-not-found", "shell-not-found"],
    ),
    text(
        &["missing dynamic library?"],
        "crun says that the kernel did not find the interpreter of the script or the dynamic loader of the \
         program; the file that it names is there. podman exits with 1.",
        &["interpreter-not-found", "carriage-return-in-shebang", "loader-not-found"],
    ),
    text(
        &["failed to execvp", "enoent"],
        "The container was started, then the kernel did not find what the file needs: the interpreter in its `#!` line, or its dynamic loader. youki shows 255.",
        &["interpreter-not-found", "carriage-return-in-shebang", "loader-not-found"],
    ),
    text(
        &["failed to execvp", "eloop"],
        "A link leads back to itself, or scripts interpret each other more than five deep.",
        &["path-not-found", "shebang-arguments"],
    ),
    text(
        &["failed to execvp", "eio"],
        "The dynamic loader that the program asks for is empty or cut off.",
        &["interpreter-not-executable"],
    ),
    text(
        &["exec", "input/output error"],
        "The dynamic loader that the program asks for is empty or cut off, or a script. The container was started: docker and Kubernetes show 255 (1 with runc before 1.2), podman 1. On another file: the disk.",
        &["interpreter-not-executable"],
    ),
    text(
        &["qemu-", "could not open"],
        "Under emulation the dynamic loader of the program is absent: a program for another architecture in an image without the libraries for it.",
        &["wrong-architecture", "loader-not-found"],
    ),
    text(
        &["rosetta error"],
        "Under emulation on a Mac the program or its dynamic loader is not found or not for the architecture of the image.",
        &["wrong-architecture", "loader-not-found"],
    ),
    text(
        &["standard_init_linux.go", "permission denied"],
        "The container was started, then execve(2) failed: the interpreter of the script, or the program itself, is not executable for the USER. docker and Kubernetes show 1 with such an old runc.",
        &["interpreter-not-executable", "permission-denied-for-user", "not-executable"],
    ),
];
