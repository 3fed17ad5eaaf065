//! Programs that start another as another user.

use super::{
    Bare, Codes, Effect, Kind, Operand, Opt, Relays, Takes, UTIL_LINUX, WORDS, Wrapper, ends, flag, opt, unclear, value,
};

/// See the module.
pub const USERS: &[Wrapper] = &[
    // Debian 12, gosu 1.14 (Go: exec.LookPath, syscall.Exec).
    Wrapper {
        names: &["gosu", "gosu-amd64", "gosu-arm64"],
        options: &[ends("h help v version")],
        operands: &[Operand::UserSpec],
        codes: Codes::of(1, 1, 1),
        execvp: false,
        ..WORDS
    },
    // Su-exec 0.2, compiled on Debian 12; su-exec.c: err(1, …) throughout.
    Wrapper {
        names: &["su-exec", "su-exec-static"],
        operands: &[Operand::UserSpec],
        codes: Codes::of(1, 1, 1),
        reads_options: false,
        ..WORDS
    },
    // Debian 12, util-linux 2.38.
    Wrapper { names: &["setpriv"], options: SETPRIV, kind: Kind::Ids, codes: UTIL_LINUX.denied(127), ..WORDS },
    // Debian 12, util-linux 2.38.
    Wrapper {
        names: &["su"],
        options: SU,
        kind: Kind::Su,
        forks: true,
        execvp: false,
        bare: Bare::Runs,
        relays: Relays::Kills,
        heeds: &[15],
        ..WORDS
    },
    // Debian 12, util-linux 2.38.
    Wrapper {
        names: &["runuser"],
        options: RUNUSER,
        kind: Kind::Su,
        forks: true,
        relays: Relays::Kills,
        heeds: &[15],
        codes: Codes::of(1, 1, 1),
        bare: Bare::Runs,
        ..WORDS
    },
    // Debian 12, sudo 1.9.13.
    Wrapper {
        names: &["sudo"],
        options: SUDO,
        kind: Kind::Sudo,
        forks: true,
        codes: Codes::of(1, 1, 1),
        relays: Relays::Child,
        ..WORDS
    },
    // Debian 12, shadow 4.13: root is asked for no password.
    Wrapper { names: &["sg"], kind: Kind::Sg, forks: true, execvp: false, reads_options: false, ..WORDS },
];

const SETPRIV: &[Opt] = &[
    opt("reuid euid", Takes::Value, Effect::User),
    opt("regid egid", Takes::Value, Effect::Group),
    opt("clear-groups keep-groups init-groups", Takes::Nothing, Effect::Groups),
    opt("groups", Takes::Value, Effect::Groups),
    flag("no-new-privs nnp"),
    value("ruid rgid inh-caps ambient-caps bounding-set pdeathsig"),
    unclear("securebits selinux-label apparmor-profile"),
    opt("reset-env", Takes::Nothing, Effect::None),
    ends("d dump list-caps h help V version"),
];

const SU: &[Opt] = &[
    opt("c command session-command", Takes::Value, Effect::Text),
    opt("s shell", Takes::Value, Effect::Shell),
    opt("l login", Takes::Nothing, Effect::Login),
    flag("m p preserve-environment f fast T no-pty"),
    opt("P pty", Takes::Nothing, Effect::Terminal),
    value("w whitelist-environment"),
    unclear("g group G supp-group"),
    ends("h help V version"),
];

const RUNUSER: &[Opt] = &[
    opt("u user", Takes::Value, Effect::User),
    opt("c command session-command", Takes::Value, Effect::Text),
    opt("s shell", Takes::Value, Effect::Shell),
    opt("l login", Takes::Nothing, Effect::Login),
    flag("m p preserve-environment f fast T no-pty"),
    opt("P pty", Takes::Nothing, Effect::Terminal),
    value("w whitelist-environment g group G supp-group"),
    ends("h help V version"),
];

const SUDO: &[Opt] = &[
    opt("u user", Takes::Value, Effect::User),
    opt("preserve-env", Takes::Optional, Effect::None),
    flag("A askpass B bell E H set-home k reset-timestamp n non-interactive P preserve-groups S stdin N no-update"),
    value("C close-from g group p prompt r role t type T command-timeout h host"),
    opt("b background", Takes::Nothing, Effect::Leaves),
    opt("i login s shell", Takes::Nothing, Effect::Login),
    unclear("D chdir R chroot"),
    ends("e edit l list v validate V version help K remove-timestamp U other-user"),
];
