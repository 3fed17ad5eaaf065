//! The runtimes whose behaviour is predicted, and what tells them apart.
//!
//! Every value was measured on the version named (Linux 6.18, x86-64); "source" marks what was read in the source
//! only.

/// Who talks to the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// dockerd above runc.
    Docker,
    /// Podman above crun.
    Podman,
    /// The kubelet above containerd's CRI above runc.
    Containerd,
    /// The kubelet above CRI-O above runc.
    CriO,
    /// The OCI runtime alone, without an engine.
    None,
}

/// How the OCI runtime looks the command up before it starts the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// runc 1.1 (Go 1.19 `exec.LookPath`): any x bit will do, then one real access check on the file chosen.
    Runc11,
    /// runc 1.2 and later: a real access check on every candidate; a directory is EISDIR.
    Runc12,
    /// crun before 1.21: looks up as root first; an empty PATH element is `/`.
    Crun18,
    /// crun 1.21 and later: looks up as root first; an empty PATH element is the working directory.
    Crun121,
}

impl Lookup {
    /// Whether it is crun's, which first looks as root and then again as the user.
    pub fn is_crun(self) -> bool {
        matches!(self, Lookup::Crun18 | Lookup::Crun121)
    }
}

/// A runtime as far as starting a container goes.
#[derive(Debug, PartialEq, Eq)]
pub struct Runtime {
    /// Name and version measured, such as `docker-29`.
    pub name: &'static str,
    /// The engine.
    pub engine: Engine,
    /// How the command is looked up.
    pub lookup: Lookup,
    /// Exit code when execve(2) itself fails: 1, and 255 with runc 1.2 and later (Go's `os.Exit(255)` in
    /// libcontainer's `system.Exec` path).
    pub execve_failed: u8,
    /// CAP_DAC_OVERRIDE is effective until execve(2) even for a USER other than root.
    pub dac_override: bool,
    /// The supplementary groups of the user stay although USER names a group.
    pub keeps_groups: bool,
    /// Layers are unpacked by containers/storage or Docker's graph drivers, which refuse what containerd accepts:
    /// a path twice, a parent that is a link leading out of the layer.
    pub strict_layers: bool,
    /// A directory that a layer only has something in is made anew, root's and 0755
    /// ([`View::reset_parents`](crate::rootfs::View::reset_parents)).
    pub resets_parents: bool,
    /// A dangling link as WorkingDir gets its target created.
    pub creates_workdir_link_target: bool,
    /// An `Env` entry without `=` makes the runtime refuse.
    pub refuses_bare_env: bool,
    /// An `Env` entry `PATH` without `=` unsets PATH.
    pub bare_path_unsets: bool,
    /// The capability bounding set, as bits: what a file capability may grant.
    pub bounding: u64,
    /// An empty first word counts as no command.
    pub empty_word_is_no_command: bool,
}

/// The bits of capabilities(7) that Docker and containerd grant by default (moby `oci/caps/defaults.go`): chown,
/// dac_override, fowner, fsetid, kill, setgid, setuid, setpcap, net_bind_service, net_raw, sys_chroot, mknod,
/// audit_write, setfcap.
const DOCKER_CAPABILITIES: u64 = bits(&[0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31]);
/// Podman's: without net_raw, mknod and audit_write (containers/common `pkg/config/default.go`; net_raw measured).
const PODMAN_CAPABILITIES: u64 = bits(&[0, 1, 3, 4, 5, 6, 7, 8, 10, 18, 31]);
/// CRI-O's: also without setfcap and sys_chroot (cri-o `internal/config/capabilities`; source).
const CRIO_CAPABILITIES: u64 = bits(&[0, 1, 3, 4, 5, 6, 7, 8, 10]);

const fn bits(numbers: &[u8]) -> u64 {
    let (mut set, mut i) = (0, 0);
    while i < numbers.len() {
        set |= 1 << numbers[i];
        i += 1;
    }
    set
}

/// What all have in common.
pub(super) const BASE: Runtime = Runtime {
    name: "",
    engine: Engine::None,
    lookup: Lookup::Runc12,
    execve_failed: 255,
    dac_override: false,
    keeps_groups: false,
    strict_layers: false,
    resets_parents: true,
    creates_workdir_link_target: false,
    refuses_bare_env: false,
    bare_path_unsets: true,
    bounding: DOCKER_CAPABILITIES,
    empty_word_is_no_command: false,
};

const DOCKER: Runtime = Runtime {
    name: "docker-29",
    engine: Engine::Docker,
    dac_override: true,
    resets_parents: false,
    creates_workdir_link_target: true,
    empty_word_is_no_command: true,
    ..BASE
};

const PODMAN: Runtime = Runtime {
    name: "podman-5",
    engine: Engine::Podman,
    lookup: Lookup::Crun121,
    execve_failed: 1,
    strict_layers: true,
    bare_path_unsets: false,
    bounding: PODMAN_CAPABILITIES,
    ..BASE
};

const CONTAINERD: Runtime = Runtime {
    name: "containerd-2",
    engine: Engine::Containerd,
    dac_override: true,
    resets_parents: false,
    keeps_groups: true,
    empty_word_is_no_command: true,
    ..BASE
};

/// All of them. The first three are the newest of their kind and decide what reports say of `docker`, `podman` and
/// `kubernetes`.
pub const RUNTIMES: [Runtime; 12] = [
    DOCKER,
    PODMAN,
    CONTAINERD,
    Runtime {
        name: "cri-o-1.35",
        engine: Engine::CriO,
        lookup: Lookup::Runc11,
        execve_failed: 1,
        dac_override: true,
        strict_layers: true,
        creates_workdir_link_target: true,
        bounding: CRIO_CAPABILITIES,
        ..BASE
    },
    Runtime { name: "runc-1.2", refuses_bare_env: true, ..BASE },
    Runtime { name: "crun-1.21", lookup: Lookup::Crun121, execve_failed: 1, bare_path_unsets: false, ..BASE },
    Runtime {
        name: "docker-20.10",
        lookup: Lookup::Runc11,
        execve_failed: 1,
        dac_override: false,
        strict_layers: true,
        resets_parents: true,
        ..DOCKER
    },
    Runtime { name: "podman-4.3", lookup: Lookup::Crun18, empty_word_is_no_command: true, ..PODMAN },
    Runtime { name: "podman-4.3/runc", lookup: Lookup::Runc11, empty_word_is_no_command: true, ..PODMAN },
    Runtime { name: "containerd-1.6", lookup: Lookup::Runc11, execve_failed: 1, ..CONTAINERD },
    Runtime { name: "runc-1.1", lookup: Lookup::Runc11, execve_failed: 1, refuses_bare_env: true, ..BASE },
    Runtime { name: "crun-1.8", lookup: Lookup::Crun18, execve_failed: 1, bare_path_unsets: false, ..BASE },
];

/// How many of [`RUNTIMES`], from the front, are the ones that reports speak of.
pub const CURRENT: usize = 3;
