//! The stop signal: how each engine reads StopSignal, and what it sends.
//!
//! moby's `sys/signal` (`ParseSignal`, `SignalMap`) is what Docker, containerd and Podman's `util` share; CRI-O has its
//! own. What they do with a value that they do not understand is measured.

use std::fmt;

use crate::launch::runtime::{Engine, Runtime};

/// A signal by its number on x86, ARM and most others (signal(7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signal(pub u8);

impl Signal {
    /// SIGINT.
    pub const INT: Signal = Signal(2);
    /// SIGKILL.
    pub const KILL: Signal = Signal(9);
    /// SIGTERM.
    pub const TERM: Signal = Signal(15);
    /// SIGSTOP.
    pub const STOP: Signal = Signal(19);

    /// The signal of that name, without SIG.
    pub fn named(name: &[u8]) -> Option<Self> {
        NAMES.iter().find(|(known, _)| known.as_bytes() == name).map(|(_, number)| Signal(*number))
    }
}

/// Names, the usual one of a number first.
const NAMES: [(&str, u8); 35] = [
    ("ABRT", 6),
    ("ALRM", 14),
    ("BUS", 7),
    ("CHLD", 17),
    ("CLD", 17),
    ("CONT", 18),
    ("FPE", 8),
    ("HUP", 1),
    ("ILL", 4),
    ("INT", 2),
    ("IO", 29),
    ("IOT", 6),
    ("KILL", 9),
    ("PIPE", 13),
    ("POLL", 29),
    ("PROF", 27),
    ("PWR", 30),
    ("QUIT", 3),
    ("SEGV", 11),
    ("STKFLT", 16),
    ("STOP", 19),
    ("SYS", 31),
    ("TERM", 15),
    ("TRAP", 5),
    ("TSTP", 20),
    ("TTIN", 21),
    ("TTOU", 22),
    ("URG", 23),
    ("USR1", 10),
    ("USR2", 12),
    ("VTALRM", 26),
    ("WINCH", 28),
    ("XCPU", 24),
    ("XFSZ", 25),
    ("RTMIN", RTMIN),
];
/// The first and the last that the C library leaves to programs.
const RTMIN: u8 = 34;
const RTMAX: u8 = 64;

/// As people write it: `SIGTERM`, `SIGRTMIN+3`.
impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (NAMES.iter().find(|(_, number)| *number == self.0), self.0) {
            (Some((name, _)), _) => write!(f, "SIG{name}"),
            (None, RTMAX) => f.write_str("SIGRTMAX"),
            (None, number @ 50..RTMAX) => write!(f, "SIGRTMAX-{}", RTMAX - number),
            (None, number @ RTMIN..) => write!(f, "SIGRTMIN+{}", number - RTMIN),
            (None, number) => write!(f, "signal {number}"),
        }
    }
}

/// What StopSignal says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopSignal {
    /// A signal.
    Signal(Signal),
    /// A number that no signal has.
    Number(i64),
    /// Nothing that is understood.
    Unknown,
}

impl StopSignal {
    /// Reads the value; none at all is SIGTERM.
    pub fn parse(text: &str) -> Self {
        if let Ok(number) = text.parse::<i64>() {
            return match u8::try_from(number) {
                Ok(number @ 1..=RTMAX) => StopSignal::Signal(Signal(number)),
                _ => StopSignal::Number(number),
            };
        }
        let upper = text.to_ascii_uppercase();
        let name = upper.strip_prefix("SIG").unwrap_or(&upper);
        match number(name) {
            _ if text.is_empty() => StopSignal::Signal(Signal::TERM),
            Some(number) => StopSignal::Signal(Signal(number)),
            None => StopSignal::Unknown,
        }
    }

    /// What `runtime` does when the container is to stop.
    pub fn delivery(self, runtime: &Runtime) -> Delivery {
        match (self, runtime.engine) {
            (StopSignal::Signal(signal), _) => Delivery::Sent(signal),
            (StopSignal::Number(-64..=-1), Engine::Docker) if runtime.name == "docker-20.10" => Delivery::Nothing,
            // They call runc and crun, which take `-15` as kill(1) does.
            (StopSignal::Number(number @ -64..=-1), Engine::Docker | Engine::Podman) => {
                Delivery::Sent(Signal(number.unsigned_abs() as u8))
            }
            (_, Engine::Docker) => Delivery::Nothing,
            (_, Engine::Podman) => Delivery::Refused,
            (StopSignal::Unknown | StopSignal::Number(0), Engine::CriO) => Delivery::Sent(Signal::TERM),
            (StopSignal::Number(_), Engine::CriO) => Delivery::Nothing,
            (_, Engine::Containerd | Engine::None) => Delivery::Fails,
        }
    }
}

/// What is done to a container that is to stop, before the grace period ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// PID 1 gets the signal.
    Sent(Signal),
    /// Nothing: the grace period passes and SIGKILL comes.
    Nothing,
    /// Such a container is never made.
    Refused,
    /// Stopping it fails, and it goes on.
    Fails,
}

fn number(name: &str) -> Option<u8> {
    let offset = |text: &str, most: u8| text.parse::<u8>().ok().filter(|n| *n <= most && !text.starts_with(['+', '0']));
    let named = NAMES.iter().find(|(known, _)| *known == name).map(|(_, number)| *number);
    named
        .or_else(|| (name == "RTMAX").then_some(RTMAX))
        .or_else(|| Some(RTMIN + offset(name.strip_prefix("RTMIN+")?, 15)?))
        .or_else(|| Some(RTMAX - offset(name.strip_prefix("RTMAX-")?, 14)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::launch::RUNTIMES;

    #[test]
    fn values_that_are_understood() {
        for (text, number) in [
            ("", 15),
            ("SIGTERM", 15),
            ("term", 15),
            ("015", 15),
            ("+15", 15),
            ("SIGRTMIN+3", 37),
            ("rtmax-1", 63),
            ("RTMAX", 64),
            ("SIGIOT", 6),
            ("64", 64),
        ] {
            assert_eq!(StopSignal::parse(text), StopSignal::Signal(Signal(number)), "{text:?}");
        }
        for text in ["0xf", " SIGTERM", "SIGTERM\r", "SIGFOO", "RTMIN+16", "RTMAX-15", "SIGSIGTERM", "RTMIN+03"] {
            assert_eq!(StopSignal::parse(text), StopSignal::Unknown, "{text:?}");
        }
        assert_eq!((StopSignal::parse("0"), StopSignal::parse("65")), (StopSignal::Number(0), StopSignal::Number(65)));
    }

    #[test]
    fn names() {
        let names: Vec<String> = [15, 6, 34, 37, 63, 64, 32].map(|n| Signal(n).to_string()).to_vec();
        assert_eq!(names, ["SIGTERM", "SIGABRT", "SIGRTMIN", "SIGRTMIN+3", "SIGRTMAX-1", "SIGRTMAX", "signal 32"]);
    }

    #[test]
    fn engines_differ_on_what_is_none() {
        let told = |text: &str| {
            let value = StopSignal::parse(text);
            RUNTIMES[..4].iter().map(|runtime| value.delivery(runtime)).collect::<Vec<_>>()
        };
        let term = Delivery::Sent(Signal::TERM);
        assert_eq!(told("SIGFOO"), [Delivery::Nothing, Delivery::Refused, Delivery::Fails, term]);
        assert_eq!(told("65"), [Delivery::Nothing, Delivery::Refused, Delivery::Fails, Delivery::Nothing]);
        assert_eq!(told("-15"), [term, term, Delivery::Fails, Delivery::Nothing]);
    }
}
