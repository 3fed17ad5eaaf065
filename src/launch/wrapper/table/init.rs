//! Programs made to be the first of a container: they stay, pass signals on, and end with the exit code of their child.

use super::{Codes, Effect, Relays, Takes, WORDS, Wrapper, ends, flag, opt};

/// See the module.
pub const INITS: &[Wrapper] = &[
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
        options: &[
            flag("s v w"),
            opt("g", Takes::Nothing, Effect::ToGroup),
            opt("p", Takes::Signal, Effect::None),
            opt("e", Takes::Code, Effect::None),
            ends("h l version"),
        ],
        forks: true,
        groups: true,
        codes: Codes::of(127, 126, 1),
        relays: Relays::Child,
        ..WORDS
    },
    // Debian 12, dumb-init 1.2.5.
    Wrapper {
        names: &["dumb-init"],
        options: &[
            flag("v verbose"),
            opt("c single-child", Takes::Nothing, Effect::ToChild),
            opt("r rewrite", Takes::Rewrite, Effect::Rewrites),
            ends("h help V version"),
        ],
        forks: true,
        groups: true,
        codes: Codes::of(2, 2, 2),
        relays: Relays::Group,
        ..WORDS
    },
    // Debian 12, catatonit 0.1.7.
    Wrapper {
        names: &["catatonit"],
        options: &[opt("g", Takes::Nothing, Effect::ToGroup), ends("L P h V help version")],
        forks: true,
        groups: true,
        codes: Codes::of(1, 1, 1),
        relays: Relays::Child,
        ..WORDS
    },
];
