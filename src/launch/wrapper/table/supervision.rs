//! The chain-loading programs of daemontools, runit and s6.

use super::{Bare, Codes, Effect, Kind, Operand, Takes, WORDS, Wrapper, ends, flag, opt, unclear, value};

/// See the module.
pub const SUPERVISION: &[Wrapper] = &[
    // Debian 12, runit 2.1.2.
    Wrapper {
        names: &["chpst"],
        options: &[
            opt("u", Takes::Value, Effect::User),
            value("U b m d o p f c r t l L"),
            opt("n", Takes::Integer, Effect::None),
            flag("v P 0 1 2"),
            ends("V"),
            opt("e", Takes::Value, Effect::Variables),
            unclear("/"),
        ],
        codes: Codes::all(111).usage(100),
        execvp: false,
        ..WORDS
    },
    // Debian 12, s6 2.11.
    Wrapper {
        names: &["s6-setuidgid"],
        operands: &[Operand::NameOrIds],
        codes: Codes::of(127, 126, 126).usage(100).denied(111),
        execvp: false,
        ..WORDS
    },
    // Debian 12, s6 2.11; sets variables only.
    Wrapper {
        names: &["s6-envuidgid"],
        options: &[flag("i u g B n"), unclear("D")],
        operands: &[Operand::NameOrIds],
        codes: Codes::of(127, 126, 126).usage(100),
        execvp: false,
        ..WORDS
    },
    // Debian 12, s6 2.11.
    Wrapper {
        names: &["s6-softlimit"],
        options: &[opt("h H", Takes::Nothing, Effect::Unclear), value("a c d f l m o p r s t")],
        bare: Bare::Usage,
        codes: Codes::of(127, 126, 126).usage(100),
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
    // Debian 12, daemontools 0.76; sets variables only.
    Wrapper {
        names: &["envuidgid"],
        operands: &[Operand::UserName],
        codes: Codes::all(111).usage(100),
        execvp: false,
        ..WORDS
    },
    // Debian 12, daemontools 0.76.
    Wrapper { names: &["pgrphack"], codes: Codes::all(111).usage(100), execvp: false, reads_options: false, ..WORDS },
    // Debian 12, daemontools 0.76.
    Wrapper {
        names: &["envdir"],
        operands: &[Operand::Variables],
        codes: Codes::all(111),
        execvp: false,
        reads_options: false,
        ..WORDS
    },
    // Debian 12, daemontools 0.76.
    Wrapper {
        names: &["setlock"],
        options: &[flag("n N"), opt("x", Takes::Nothing, Effect::Quiet), opt("X", Takes::Nothing, Effect::Loud)],
        operands: &[Operand::LockFile],
        codes: Codes::all(111).usage(100),
        execvp: false,
        ..WORDS
    },
    // Debian 12, s6 2.11.
    Wrapper { names: &["s6-fghack"], forks: true, codes: Codes::all(111).usage(100), ..S6 },
    // Debian 12, s6 2.11.
    Wrapper {
        names: &["s6-setsid"],
        options: &[flag("s b f g q"), value("d"), opt("i I", Takes::Nothing, Effect::Unclear)],
        ..S6
    },
    // Debian 12, s6 2.11.
    Wrapper {
        names: &["s6-envdir"],
        options: &[
            flag("i f n L"),
            opt("I", Takes::Nothing, Effect::MaybeVariables),
            opt("c", Takes::Value, Effect::Unclear),
        ],
        operands: &[Operand::Variables],
        codes: Codes { file: 111, ..S6.codes },
        ..S6
    },
    // Debian 12, s6 2.11.
    Wrapper {
        names: &["s6-setlock"],
        options: &[flag("n N w r"), opt("t", Takes::Integer, Effect::None)],
        operands: &[Operand::LockFile],
        codes: Codes { file: 111, ..S6.codes },
        ..S6
    },
    // Debian 12, s6 2.11.
    Wrapper {
        names: &["s6-applyuidgid"],
        options: &[
            opt("u", Takes::Integer, Effect::User),
            opt("g", Takes::Integer, Effect::Group),
            opt("G", Takes::Value, Effect::Groups),
            flag("z"),
            opt("U", Takes::Nothing, Effect::Unclear),
        ],
        kind: Kind::Ids,
        ..S6
    },
];

/// 127, 126 for what does not start, 100 for usage, 111 for errors of the system (skalibs, `strerr`).
const S6: Wrapper = Wrapper { codes: Codes::of(127, 126, 126).usage(100).denied(111), execvp: false, ..WORDS };
