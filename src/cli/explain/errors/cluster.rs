//! What Kubernetes says, and what engines say that has nothing to do with the command.

use super::{ErrorText, text};

/// The special before the general.
pub const CLUSTER: &[ErrorText] = &[
    text(
        &["oomkilled"],
        "The process used more memory than its limit and was killed: exit code 137. No rule of an image can see that; `imagelint explain 137` tells it from a lost SIGTERM.",
        &[],
    ),
    text(
        &["runasnonroot", "non-numeric user"],
        "The pod demands runAsNonRoot, and USER is a name, which the kubelet cannot judge: CreateContainerConfigError. Write a number into USER, or runAsUser into the pod.",
        &[],
    ),
    text(
        &["runasnonroot"],
        "The pod demands runAsNonRoot, and the image runs as root: CreateContainerConfigError. Set USER to a number other than 0.",
        &[],
    ),
    text(
        &["does not match the detected host platform"],
        "The image is for another architecture than this machine: what it contains ends in `exec format error`, or runs slowly under emulation. Build or pull with --platform.",
        &["wrong-architecture"],
    ),
    text(
        &["no matching manifest for"],
        "The index of the image does not list the platform of this machine. `imagelint IMAGE` lists those that there are.",
        &[],
    ),
    text(
        &["are you trying to mount a directory onto a file"],
        "A mount does not fit: one end is a file, the other a directory; often the file was absent on the host and the engine made a directory of that name. The image is not to blame.",
        &[],
    ),
    text(
        &["oci runtime exec failed"],
        "This is not the start of the container: `docker exec`, `kubectl exec`, a health check or a probe names a command that the image does not have, or that cannot be executed.",
        &["healthcheck-not-runnable", "command-not-found"],
    ),
    text(
        &["did not receive an exit event"],
        "The engine killed the container and was not told of its end: the process hangs in the kernel, or the engine is ill. The image is not to blame.",
        &[],
    ),
    text(
        &["duplicates of file paths not supported"],
        "A layer names the same file twice; engines that use tar-split refuse it.",
        &["refused-layer"],
    ),
    text(&["failed to register layer"], "A layer cannot be unpacked.", &["refused-layer"]),
    text(
        &["failed to extract layer"],
        "A layer cannot be unpacked: a hard link without its target, a name twice, a path that leads outside. The container is never created.",
        &["refused-layer"],
    ),
    text(
        &["apply layer error"],
        "A layer cannot be unpacked: a hard link without its target, a name twice, a path that leads outside. The container is never created.",
        &["refused-layer"],
    ),
    text(
        &["writing blob: adding layer"],
        "A layer cannot be unpacked: a hard link without its target, a name twice, a path that leads outside. The container is never created.",
        &["refused-layer"],
    ),
    text(
        &["processing tar file"],
        "A layer cannot be unpacked: a hard link without its target, a name twice, a path that leads outside. The container is never created.",
        &["refused-layer"],
    ),
    text(
        &["crashloopbackoff"],
        "The container was started, ended, and is started again after ever longer pauses. Why it ended stands in `kubectl logs POD --previous`, the exit code in `kubectl describe pod POD` below `Last State`: ask for that code next.",
        &["interpreter-not-found", "background-main-process", "library-not-found"],
    ),
    text(
        &["back-off restarting failed container"],
        "The container was started, ended, and is started again after ever longer pauses. Why it ended stands in `kubectl logs POD --previous`, the exit code in `kubectl describe pod POD` below `Last State`: ask for that code next.",
        &["interpreter-not-found", "background-main-process", "library-not-found"],
    ),
    text(
        &["createcontainerconfigerror"],
        "The kubelet could not make the configuration of the container: a ConfigMap or a Secret is absent, or runAsNonRoot and USER contradict each other. The message in `kubectl describe pod POD` says which.",
        &[],
    ),
    text(
        &["createcontainererror"],
        "The runtime could not create the container: USER is not in the image, there is no command at all, or, with CRI-O, the command is not found or not executable.",
        &["user-not-found", "nothing-to-run", "command-not-found", "path-not-found", "not-executable"],
    ),
    text(
        &["runcontainererror"],
        "The runtime could not start the container: the command is not found or not executable, or the working directory is a file. The container's last state is StartError with 128.",
        &["command-not-found", "path-not-found", "not-executable", "permission-denied-for-user", "workdir-unusable"],
    ),
    text(
        &["starterror"],
        "containerd could not start the container: the command is not found or not executable, or the working directory is a file. The exit code is 128 whatever the reason; the message says which.",
        &["command-not-found", "path-not-found", "not-executable", "permission-denied-for-user", "workdir-unusable"],
    ),
    text(
        &["containercannotrun"],
        "Docker below Kubernetes could not start the container: the command is not found or not executable, or the working directory is a file. The message says which.",
        &["command-not-found", "path-not-found", "not-executable", "permission-denied-for-user", "workdir-unusable"],
    ),
];
