//! busybox's applets, where they are not as the programs of that name: usage errors end with 1.

use super::limits::UNSHARE;
use super::{Bare, Codes, Effect, Kind, Operand, Takes, WORDS, Wrapper, ends, flag, opt, unclear, value};

/// See the module.
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
    Wrapper { names: &["chroot"], operands: &[Operand::Root], bare: Bare::Runs, reads_options: false, ..WORDS },
    // Debian 12, busybox 1.35: the applet of a console, which execs where there is none.
    Wrapper { names: &["cttyhack"], bare: Bare::Runs, ..WORDS },
    // Debian 12, busybox 1.35.
    Wrapper {
        names: &["linux32", "linux64"],
        options: &[opt("R", Takes::Nothing, Effect::Unclear)],
        bare: Bare::Runs,
        ..WORDS
    },
    // Busybox util-linux/setarch.c.
    Wrapper {
        names: &["setarch"],
        options: &[opt("R", Takes::Nothing, Effect::Unclear)],
        operands: &[Operand::Machine],
        bare: Bare::Runs,
        ..WORDS
    },
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
