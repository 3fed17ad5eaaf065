//! The rest.

use super::{Bare, Codes, Effect, Kind, Opt, POSIX, Relays, Takes, WORDS, Wrapper, ends, flag, opt, unclear, value};

/// See the module.
pub const OTHERS: &[Wrapper] = &[
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
    // Debian 12, moreutils 0.67.
    Wrapper {
        names: &["chronic"],
        options: &[flag("e v")],
        kind: Kind::Chronic,
        forks: true,
        codes: Codes::of(2, 255, 1).usage(255),
        ..WORDS
    },
    // Debian 12, util-linux 2.38.
    Wrapper {
        names: &["script"],
        options: SCRIPT,
        kind: Kind::Script,
        codes: Codes::all(1),
        forks: true,
        execvp: false,
        bare: Bare::Runs,
        relays: Relays::Kills,
        heeds: &[2, 3, 15],
        ..WORDS
    },
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

const SCRIPT: &[Opt] = &[
    flag("a append f flush force q quiet"),
    opt("c command", Takes::Value, Effect::Text),
    opt("e return", Takes::Nothing, Effect::Returns),
    opt("t timing", Takes::Optional, Effect::None),
    value("E echo m logging-format o output-limit"),
    opt("I log-in O log-out B log-io T log-timing", Takes::Value, Effect::Unclear),
    ends("h help V version"),
];
