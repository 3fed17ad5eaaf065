//! Programs of coreutils and util-linux that change how another runs.

use super::{Bare, Codes, Effect, Kind, Operand, Opt, POSIX, Relays, Takes, WORDS, Wrapper, ends, flag, opt, value};

/// See the module.
pub const LIMITS: &[Wrapper] = &[
    // Debian 12, coreutils 9.1.
    Wrapper {
        names: &["nice"],
        options: &[opt("n adjustment", Takes::Integer, Effect::None), ends("help version")],
        codes: POSIX,
        bare: Bare::RunsWithoutOptions,
        ..WORDS
    },
    // Debian 12, coreutils 9.1.
    Wrapper { names: &["nohup"], options: &[ends("help version")], codes: POSIX, ..WORDS },
    // Debian 12, coreutils 9.1.
    Wrapper {
        names: &["timeout"],
        options: &[
            flag("preserve-status v verbose"),
            opt("foreground", Takes::Nothing, Effect::ToChild),
            opt("k kill-after", Takes::Duration, Effect::None),
            value("s signal"),
            ends("help version"),
        ],
        operands: &[Operand::Duration],
        forks: true,
        relays: Relays::Group,
        heeds: &[1, 2, 3, 15],
        codes: POSIX,
        ..WORDS
    },
    // Debian 12, coreutils 9.1.
    Wrapper {
        names: &["stdbuf"],
        options: &[opt("i o e input output error", Takes::Value, Effect::Needed), ends("help version")],
        codes: POSIX,
        ..WORDS
    },
    // Debian 12, coreutils 9.1.
    Wrapper {
        names: &["chroot"],
        options: &[
            opt("userspec", Takes::Value, Effect::User),
            value("groups"),
            flag("skip-chdir"),
            ends("help version"),
        ],
        operands: &[Operand::Root],
        codes: POSIX,
        bare: Bare::Runs,
        ..WORDS
    },
    // Debian 12, util-linux 2.38.
    Wrapper {
        names: &["ionice"],
        options: &[
            value("c class"),
            opt("n classdata", Takes::Integer, Effect::None),
            flag("t ignore"),
            opt("p pid P pgid u uid", Takes::Value, Effect::Ends),
            ends("h help V version"),
        ],
        bare: Bare::RunsWithoutOptions,
        ..WORDS
    },
    // Debian 12, util-linux 2.38.
    Wrapper {
        names: &["chrt"],
        options: &[
            opt("o other b batch i idle", Takes::Nothing, Effect::Needed),
            opt("f fifo r rr d deadline", Takes::Nothing, Effect::Privileged),
            flag("R reset-on-fork a all-tasks v verbose"),
            value("T sched-runtime P sched-period D sched-deadline"),
            ends("m max p pid h help V version"),
        ],
        operands: &[Operand::Integer],
        ..WORDS
    },
    // Debian 12, util-linux 2.38.
    Wrapper {
        names: &["taskset"],
        options: &[flag("a all-tasks c cpu-list"), ends("p pid h help V version")],
        operands: &[Operand::Any],
        ..WORDS
    },
    // Debian 12, util-linux 2.38.
    Wrapper {
        names: &["setsid"],
        options: &[
            opt("c ctty", Takes::Nothing, Effect::Unclear),
            opt("f fork", Takes::Nothing, Effect::Leaves),
            opt("w wait", Takes::Nothing, Effect::Forks),
            ends("h help V version"),
        ],
        kind: Kind::Session,
        groups: true,
        ..WORDS
    },
    // Debian 12, util-linux 2.38.
    Wrapper {
        names: &["flock"],
        options: &[
            flag("s shared x e exclusive u unlock n nonblock nb o close v verbose"),
            opt("F no-fork", Takes::Nothing, Effect::Execs),
            opt("w wait timeout", Takes::Duration, Effect::None),
            opt("E conflict-exit-code", Takes::Integer, Effect::None),
            ends("h help V version"),
        ],
        operands: &[Operand::LockFile],
        kind: Kind::WordsOrText,
        forks: true,
        codes: Codes { usage: 64, file: 66, ..Codes::of(69, 69, 69) },
        ..WORDS
    },
    // Debian 12, util-linux 2.38.
    Wrapper { names: &["unshare"], options: UNSHARE, bare: Bare::Runs, ..WORDS },
    // Debian 12, util-linux 2.38.
    Wrapper { names: &["setarch"], options: SETARCH, operands: &[Operand::Machine], bare: Bare::Runs, ..WORDS },
    // Debian 12, util-linux 2.38: links to setarch.
    Wrapper { names: &["linux32", "linux64", "i386", "x86_64"], options: SETARCH, bare: Bare::Runs, ..WORDS },
    // Debian 12, util-linux 2.38.
    Wrapper { names: &["prlimit"], options: PRLIMIT, bare: Bare::Runs, ..WORDS },
];

/// unshare(1), also of busybox.
pub const UNSHARE: &[Opt] = &[
    opt("f fork", Takes::Nothing, Effect::Forks),
    opt("m mount u uts i ipc n net p pid C cgroup T time", Takes::Optional, Effect::Namespaces),
    opt("U user r map-root-user c map-current-user map-auto", Takes::Optional, Effect::Privileged),
    opt("R root w wd S setuid G setgid", Takes::Value, Effect::Privileged),
    opt("map-user map-group map-users map-groups mount-proc mount-binfmt", Takes::Optional, Effect::Privileged),
    opt("propagation setgroups monotonic boottime", Takes::Value, Effect::Privileged),
    opt("kill-child", Takes::Optional, Effect::Forks),
    flag("keep-caps"),
    ends("h help V version"),
];

/// The seccomp profiles of engines allow personality(2) for 32 bits and `--uname-2.6` alone.
const SETARCH: &[Opt] = &[
    flag("v verbose uname-2.6"),
    opt("B 32bit F fdpic-funcptrs I short-inode L addr-compat-layout", Takes::Nothing, Effect::Unclear),
    opt("R addr-no-randomize S whole-seconds T sticky-timeouts", Takes::Nothing, Effect::Unclear),
    opt("X read-implies-exec Z mmap-page-zero 3 3gb 4gb", Takes::Nothing, Effect::Unclear),
    ends("list h help V version"),
];

const PRLIMIT: &[Opt] = &[
    opt("p pid", Takes::Value, Effect::Ends),
    value("o output"),
    flag("noheadings raw verbose"),
    opt("c d e f i l m n q r s t u v x y", Takes::Optional, Effect::None),
    opt("core data nice fsize sigpending memlock rss nofile msgqueue rtprio", Takes::Optional, Effect::None),
    opt("stack cpu nproc as locks rttime", Takes::Optional, Effect::None),
    ends("h help V version"),
];
