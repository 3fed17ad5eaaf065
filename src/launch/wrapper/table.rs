//! The programs that start programs: one entry each, and above it how it was established.
//!
//! "Debian 12" says that every spelling in the line was run there under runc 1.1.5, with a program that is
//! there, absent, 0644, a script without `#!`, and for another machine. Others name the source file that was read.

/// What is known of one wrapper.
#[derive(Debug)]
pub struct Wrapper {
    /// The base names of its file, or of the applet.
    pub names: &'static [&'static str],
    /// Its options, until the first word that is none (getopt(3) with a leading `+`).
    pub options: &'static [Opt],
    /// The words after the options that come before the program.
    pub operands: &'static [Operand],
    /// Where the program is found and how it is started.
    pub kind: Kind,
    /// Whether the wrapper stays, as the parent of the program.
    pub forks: bool,
    /// Whether it puts that child into a process group of its own, which the child then leads.
    pub groups: bool,
    /// What it ends with where the program does not start.
    pub codes: Codes,
    /// Whether it looks programs up with execvp(3), which of glibc hands what is ENOEXEC to /bin/sh.
    pub execvp: bool,
    /// What it does without a program.
    pub bare: Bare,
}

/// Where the program is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The words after the operands.
    Words,
    /// The same, or `-c TEXT` for a shell (`flock`).
    WordsOrText,
    /// setpriv(1), whose ids are options of their own.
    Ids,
    /// The value of an option; a `Match` has to be among the options (start-stop-daemon(8)).
    Daemon,
    /// A user's shell: su(1), runuser(1).
    Su,
    /// sudo(8): what sudoers(5) lets it.
    Sudo,
    /// The words; a child's exit code is not passed on (xargs(1)).
    Xargs,
    /// The words, in the background when it leads a process group, as PID 1 does (setsid(1)).
    Session,
    /// A file that is mapped instead of executed (ld.so(8)).
    Loader,
}

/// A set of options that are alike.
#[derive(Clone, Copy, Debug)]
pub struct Opt {
    /// Names, one letter or long, separated by blanks.
    pub names: &'static str,
    /// What comes after.
    pub takes: Takes,
    /// What it changes.
    pub effect: Effect,
}

/// The value of an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// None.
    Nothing,
    /// The rest of the word, or the next.
    Value,
    /// The same, a whole number.
    Integer,
    /// The same, a number of seconds or with one of `smhd` behind it.
    Duration,
    /// The rest of the word, if there is any.
    Optional,
}

/// What an option changes in how the program starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing that matters here.
    None,
    /// No program is started.
    Ends,
    /// The user to become, or `user:group`.
    User,
    /// The group to become.
    Group,
    /// What becomes of supplementary groups.
    Groups,
    /// The wrapper stays as the parent, and waits.
    Forks,
    /// It does not stay.
    Execs,
    /// It ends at once with 0 and leaves the program in the background.
    Leaves,
    /// Text for a shell.
    Text,
    /// A shell.
    Shell,
    /// A login shell, which reads files of its own first.
    Login,
    /// The program; also a `Match`.
    Program,
    /// The program, though another file may be what is looked for.
    ProgramAs,
    /// By what a running program is recognised.
    Match,
    /// It is asked to start something.
    Starts,
    /// At least one such option is needed.
    Needed,
    /// A file that is read for input.
    Input,
    /// The variable LD_LIBRARY_PATH.
    Libraries,
    /// `argv[0]` of the program.
    Called,
    /// Fails without a capability that engines do not grant by default.
    Privileged,
    /// Something that is not followed.
    Unclear,
}

/// A word before the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operand {
    /// Any word.
    Any,
    /// `user[:group]`, names or numbers, as engines read USER.
    UserSpec,
    /// A name of /etc/passwd.
    UserName,
    /// A name of /etc/passwd, or `uid:gid`.
    NameOrIds,
    /// The new root directory.
    Root,
    /// A number of seconds or with one of `smhd` behind it.
    Duration,
    /// A whole number.
    Integer,
    /// A file that is made if its directory is there.
    LockFile,
}

/// What a wrapper does without a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bare {
    /// A usage error.
    Usage,
    /// Something of its own: it prints, or starts a shell.
    Runs,
    /// The same, but with options it is a usage error.
    RunsWithoutOptions,
}

/// Exit codes of a wrapper's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Codes {
    /// ENOENT.
    pub absent: u8,
    /// EACCES.
    pub closed: u8,
    /// Any other error of execve(2).
    pub other: u8,
    /// Words that it does not understand.
    pub usage: u8,
    /// A user that there is not.
    pub user: u8,
    /// EPERM for what it changes before it starts the program.
    pub denied: u8,
    /// A file or directory that it needs is not there.
    pub file: u8,
}

impl Codes {
    const fn of(absent: u8, closed: u8, other: u8) -> Self {
        Codes { absent, closed, other, usage: 1, user: 1, denied: 1, file: 1 }
    }

    const fn all(code: u8) -> Self {
        Codes::of(code, code, code).own(code)
    }

    /// With one code for all errors that are its own.
    const fn own(self, code: u8) -> Self {
        Codes { usage: code, user: code, denied: code, file: code, ..self }
    }

    const fn usage(self, usage: u8) -> Self {
        Codes { usage, ..self }
    }

    const fn denied(self, denied: u8) -> Self {
        Codes { denied, ..self }
    }
}

const fn opt(names: &'static str, takes: Takes, effect: Effect) -> Opt {
    Opt { names, takes, effect }
}

const fn flag(names: &'static str) -> Opt {
    opt(names, Takes::Nothing, Effect::None)
}

const fn value(names: &'static str) -> Opt {
    opt(names, Takes::Value, Effect::None)
}

const fn ends(names: &'static str) -> Opt {
    opt(names, Takes::Nothing, Effect::Ends)
}

const fn unclear(names: &'static str) -> Opt {
    opt(names, Takes::Value, Effect::Unclear)
}

/// 127, 126 and 125, which POSIX asks of `env`, `nice`, `nohup`, `time` and `timeout` alike.
const POSIX: Codes = Codes::of(127, 126, 126).own(125);
/// util-linux `include/c.h`, `errexec`.
const UTIL_LINUX: Codes = Codes::of(127, 126, 126);

/// execs the words, with execvp(3).
const WORDS: Wrapper = Wrapper {
    names: &[],
    options: &[],
    operands: &[],
    kind: Kind::Words,
    forks: false,
    groups: false,
    codes: UTIL_LINUX,
    execvp: true,
    bare: Bare::Usage,
};

/// The wrappers, other than `env`, which has a parser of its own.
pub const WRAPPERS: &[Wrapper] = &[
    // Init programs: they stay, and pass on the exit code of their child.
    // Debian 12, tini 0.19; src/tini.c spawn_process; docker-init is tini.
    Wrapper {
        names: &[
            "tini",
            "tini-static",
            "tini-amd64",
            "tini-arm64",
            "tini-static-amd64",
            "tini-static-arm64",
            "docker-init",
        ],
        options: &[flag("s v w g l"), value("p"), opt("e", Takes::Value, Effect::None), ends("h version")],
        forks: true,
        groups: true,
        codes: Codes::of(127, 126, 1),
        ..WORDS
    },
    // Debian 12, dumb-init 1.2.5.
    Wrapper {
        names: &["dumb-init"],
        options: &[flag("c single-child v verbose"), value("r rewrite"), ends("h help V version")],
        forks: true,
        groups: true,
        codes: Codes::of(2, 2, 2),
        ..WORDS
    },
    // Debian 12, catatonit 0.1.7.
    Wrapper {
        names: &["catatonit"],
        options: &[flag("g L"), ends("P h V help version")],
        forks: true,
        codes: Codes::of(1, 1, 1),
        ..WORDS
    },
    // Another user, same process.
    // Debian 12, gosu 1.14 (Go: exec.LookPath, syscall.Exec).
    Wrapper {
        names: &["gosu", "gosu-amd64", "gosu-arm64"],
        options: &[ends("h help v version")],
        operands: &[Operand::UserSpec],
        codes: Codes::of(1, 1, 1),
        execvp: false,
        ..WORDS
    },
    // Su-exec 0.2, su-exec.c: err(1, …) throughout.
    Wrapper {
        names: &["su-exec", "su-exec-static"],
        operands: &[Operand::UserSpec],
        codes: Codes::of(1, 1, 1),
        bare: Bare::Runs,
        ..WORDS
    },
    // Debian 12, util-linux 2.38.
    Wrapper { names: &["setpriv"], options: SETPRIV, kind: Kind::Ids, codes: UTIL_LINUX.denied(127), ..WORDS },
    // Debian 12, s6 2.11.
    Wrapper {
        names: &["s6-setuidgid"],
        operands: &[Operand::NameOrIds],
        codes: Codes::of(127, 126, 126).usage(100).denied(111),
        execvp: false,
        ..WORDS
    },
    // Debian 12, runit 2.1.2.
    Wrapper {
        names: &["chpst"],
        options: &[
            opt("u", Takes::Value, Effect::User),
            value("U b m d o p f c r t l L"),
            opt("n", Takes::Integer, Effect::None),
            flag("v P 0 1 2"),
            ends("V"),
            unclear("e /"),
        ],
        codes: Codes::all(111).usage(100),
        execvp: false,
        ..WORDS
    },
    // Debian 12, daemontools 0.76.
    Wrapper {
        names: &["setuidgid"],
        operands: &[Operand::UserName],
        codes: Codes::all(111).usage(100),
        execvp: false,
        ..WORDS
    },
    // Debian 12, daemontools 0.76.
    Wrapper {
        names: &["softlimit"],
        options: &[value("m d s l a o p f c r t")],
        codes: Codes::all(111).usage(100),
        execvp: false,
        ..WORDS
    },
    // Debian 12, s6 2.11; sets variables only.
    Wrapper {
        names: &["s6-envuidgid"],
        operands: &[Operand::NameOrIds],
        codes: Codes::of(127, 126, 126).usage(100),
        execvp: false,
        ..WORDS
    },
    // Debian 12, s6 2.11.
    Wrapper {
        names: &["s6-softlimit"],
        options: &[flag("h H"), value("a c d f l m o p r s t")],
        codes: Codes::of(127, 126, 126).usage(100),
        execvp: false,
        ..WORDS
    },
    // Debian 12, daemontools 0.76; sets variables only.
    Wrapper {
        names: &["envuidgid"],
        operands: &[Operand::UserName],
        codes: Codes::all(111).usage(100),
        execvp: false,
        ..WORDS
    },
    // A login's surroundings: they stay, for PAM.
    // Debian 12, util-linux 2.38.
    Wrapper { names: &["su"], options: SU, kind: Kind::Su, forks: true, execvp: false, bare: Bare::Runs, ..WORDS },
    // Debian 12, util-linux 2.38.
    Wrapper {
        names: &["runuser"],
        options: RUNUSER,
        kind: Kind::Su,
        forks: true,
        codes: Codes::of(1, 1, 1),
        bare: Bare::Runs,
        ..WORDS
    },
    // Debian 12, sudo 1.9.13.
    Wrapper { names: &["sudo"], options: SUDO, kind: Kind::Sudo, forks: true, codes: Codes::of(1, 1, 1), ..WORDS },
    // coreutils.
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
            flag("foreground preserve-status v verbose"),
            opt("k kill-after", Takes::Duration, Effect::None),
            value("s signal"),
            ends("help version"),
        ],
        operands: &[Operand::Duration],
        forks: true,
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
    // util-linux.
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
    Wrapper { names: &["prlimit"], options: PRLIMIT, bare: Bare::Runs, ..WORDS },
    // The rest.
    // Debian 12, GNU time 1.9.
    Wrapper {
        names: &["time"],
        options: &[
            flag("p portability a append v verbose q quiet"),
            value("f format o output"),
            ends("V version h help"),
        ],
        forks: true,
        codes: POSIX,
        ..WORDS
    },
    // Debian 12, findutils 4.9.
    Wrapper { names: &["xargs"], options: XARGS, kind: Kind::Xargs, forks: true, bare: Bare::Runs, ..WORDS },
    // Debian 12, dpkg 1.21.
    Wrapper {
        names: &["start-stop-daemon"],
        options: START_STOP_DAEMON,
        kind: Kind::Daemon,
        codes: Codes::all(2).usage(3),
        execvp: false,
        ..WORDS
    },
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
    flag("m p preserve-environment f fast P pty T no-pty"),
    value("w whitelist-environment"),
    unclear("g group G supp-group"),
    ends("h help V version"),
];

const RUNUSER: &[Opt] = &[
    opt("u user", Takes::Value, Effect::User),
    opt("c command session-command", Takes::Value, Effect::Text),
    opt("s shell", Takes::Value, Effect::Shell),
    opt("l login", Takes::Nothing, Effect::Login),
    flag("m p preserve-environment f fast P pty T no-pty"),
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

const UNSHARE: &[Opt] = &[
    opt("f fork", Takes::Nothing, Effect::Forks),
    opt("m mount u uts i ipc n net p pid C cgroup T time", Takes::Optional, Effect::Privileged),
    opt("U user r map-root-user c map-current-user map-auto", Takes::Optional, Effect::Privileged),
    opt("R root w wd S setuid G setgid", Takes::Value, Effect::Privileged),
    opt("map-user map-group map-users map-groups mount-proc mount-binfmt", Takes::Optional, Effect::Privileged),
    opt("propagation setgroups monotonic boottime", Takes::Value, Effect::Privileged),
    opt("kill-child", Takes::Optional, Effect::Forks),
    flag("keep-caps"),
    ends("h help V version"),
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

const XARGS: &[Opt] = &[
    flag("0 null o open-tty p interactive t verbose x exit show-limits process-slot-var"),
    opt("a arg-file", Takes::Value, Effect::Input),
    value("d delimiter E"),
    opt("e eof l max-lines", Takes::Optional, Effect::None),
    opt("L n max-args P max-procs s max-chars", Takes::Integer, Effect::None),
    opt("I", Takes::Value, Effect::Unclear),
    opt("i replace", Takes::Optional, Effect::Unclear),
    opt("r no-run-if-empty", Takes::Nothing, Effect::Unclear),
    ends("help version"),
];

const START_STOP_DAEMON: &[Opt] = &[
    opt("S start", Takes::Nothing, Effect::Starts),
    ends("K stop T status H help V version"),
    opt("x exec", Takes::Value, Effect::Program),
    opt("a startas", Takes::Value, Effect::ProgramAs),
    opt("p pidfile pid ppid u user n name", Takes::Value, Effect::Match),
    opt("c chuid", Takes::Value, Effect::User),
    opt("b background", Takes::Nothing, Effect::Leaves),
    unclear("r chroot d chdir g group"),
    value("s signal R retry N nicelevel P procsched I iosched k umask O output notify-timeout"),
    flag("o oknodo t test C no-close m make-pidfile remove-pidfile notify-await q quiet v verbose"),
];

/// busybox's applets, where they are not as the programs above: usage errors end with 1.
pub const APPLETS: &[Wrapper] = &[
    // Debian 12, busybox 1.35: the program keeps the process id, its watcher is the child.
    Wrapper {
        names: &["timeout"],
        options: &[value("s"), opt("k", Takes::Duration, Effect::None)],
        operands: &[Operand::Duration],
        ..WORDS
    },
    // Busybox coreutils/nice.c, bb_perror_nomsg and BB_EXECVP_or_die.
    Wrapper { names: &["nice"], options: &[opt("n", Takes::Integer, Effect::None)], bare: Bare::Runs, ..WORDS },
    // Busybox coreutils/nohup.c, BB_EXECVP_or_die.
    Wrapper { names: &["nohup"], ..WORDS },
    // Debian 12, busybox 1.35.
    Wrapper { names: &["setsid"], options: &[flag("c")], kind: Kind::Session, ..WORDS },
    // Debian 12, busybox 1.35: no options at all.
    Wrapper { names: &["chroot"], operands: &[Operand::Root], bare: Bare::Runs, ..WORDS },
    // Debian 12, busybox 1.35.
    Wrapper { names: &["time"], options: &[flag("p v a"), value("f o")], forks: true, ..WORDS },
    // Debian 12, busybox 1.35.
    Wrapper {
        names: &["xargs"],
        options: &[
            flag("0 o p t x"),
            value("a E e"),
            opt("L n P s", Takes::Integer, Effect::None),
            opt("I", Takes::Value, Effect::Unclear),
            opt("i", Takes::Optional, Effect::Unclear),
            opt("r", Takes::Nothing, Effect::Unclear),
        ],
        kind: Kind::Xargs,
        forks: true,
        bare: Bare::Runs,
        ..WORDS
    },
    // Debian 12, busybox 1.35.
    Wrapper { names: &["taskset"], options: &[flag("a c"), ends("p")], operands: &[Operand::Any], ..WORDS },
    // Debian 12, busybox 1.35.
    Wrapper {
        names: &["ionice"],
        options: &[opt("c", Takes::Value, Effect::Needed), value("n"), opt("p", Takes::Value, Effect::Ends), flag("t")],
        bare: Bare::Runs,
        ..WORDS
    },
    // Debian 12, busybox 1.35: the shell keeps the process id.
    Wrapper {
        names: &["su"],
        options: &[
            opt("c", Takes::Value, Effect::Text),
            opt("s", Takes::Value, Effect::Shell),
            opt("l", Takes::Nothing, Effect::Login),
            flag("m p"),
        ],
        kind: Kind::Su,
        bare: Bare::Runs,
        ..WORDS
    },
    // Debian 12, busybox 1.35.
    Wrapper {
        names: &["start-stop-daemon"],
        options: &[
            opt("S start", Takes::Nothing, Effect::Starts),
            ends("K stop"),
            opt("x exec", Takes::Value, Effect::Program),
            opt("a startas", Takes::Value, Effect::ProgramAs),
            opt("p pidfile u user n name", Takes::Value, Effect::Match),
            opt("c chuid", Takes::Value, Effect::User),
            opt("b background", Takes::Nothing, Effect::Leaves),
            unclear("d chdir"),
            value("s signal N nicelevel O output R retry"),
            flag("o oknodo t test m make-pidfile q quiet v verbose"),
        ],
        kind: Kind::Daemon,
        codes: Codes::all(1),
        ..WORDS
    },
    // Debian 12, busybox 1.35.
    Wrapper {
        names: &["setpriv"],
        options: &[flag("nnp no-new-privs"), value("inh-caps ambient-caps"), ends("d dump")],
        ..WORDS
    },
    // Debian 12, busybox 1.35.
    Wrapper { names: &["unshare"], options: UNSHARE, bare: Bare::Runs, ..WORDS },
    // Busybox util-linux/flock.c, spawn_and_wait.
    Wrapper {
        names: &["flock"],
        options: &[flag("s x u n"), unclear("c")],
        operands: &[Operand::LockFile],
        kind: Kind::WordsOrText,
        forks: true,
        ..WORDS
    },
];

/// ld.so(8), called by its name. Debian 12, glibc 2.36.
pub const LOADER: Wrapper = Wrapper {
    names: &[],
    options: &[
        opt("library-path", Takes::Value, Effect::Libraries),
        opt("argv0", Takes::Value, Effect::Called),
        flag("inhibit-cache"),
        unclear("preload audit inhibit-rpath glibc-hwcaps-prepend glibc-hwcaps-mask"),
        ends("list verify list-tunables list-diagnostics help version"),
    ],
    kind: Kind::Loader,
    codes: Codes::of(127, 127, 127),
    execvp: false,
    ..WORDS
};
