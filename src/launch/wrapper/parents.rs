//! Programs that stay as parents: what they make of their child's end, and of a stop signal.

use bstr::{BString, ByteSlice};

use super::parse::Call;
use super::table::{Effect, Kind, Wrapper};
use crate::launch::outcome::Outcome;

pub use super::table::Relays;

/// One that stays, with what its options say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relay {
    /// What it makes of its child's end.
    pub passing: Passing,
    /// What it does with a stop signal.
    pub relays: Relays,
    /// Signals that it passes on as others, or not at all where that is 0.
    pub rewrites: Vec<(u8, u8)>,
    /// What it is called.
    pub name: BString,
    /// Its child leads a process group of its own.
    pub leads: bool,
    /// The signals that `relays` holds for; none: all that can be caught. Others do nothing.
    pub heeds: &'static [u8],
    /// The code of its own, where it ends by itself on a stop signal.
    pub ends: u8,
}

/// What a parent makes of its child's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passing {
    /// The same exit code; 128 and the number of a signal.
    Same,
    /// xargs(1), *EXIT STATUS*: 123 for 1 to 125, 124 for 255, 125 for a signal, with which codes from 126 on are not
    /// mixed up.
    Xargs,
    /// sudo(8): sends itself the signal that its child died of, which does nothing to PID 1, and then ends with 0
    /// (measured, sudo 1.9.13).
    Sudo,
    /// script(1) without `--return`: always 0.
    Zero,
    /// npm and its kin.
    Script {
        /// For 127, which some take for a shell that is not there.
        absent: u8,
        /// For a signal.
        signal: u8,
        /// For SIGINT.
        interrupt: u8,
        /// Another script follows where the first ends with 0.
        followed: bool,
    },
}

impl Passing {
    /// The parent's end.
    pub fn pass(self, outcome: Outcome) -> Outcome {
        let Outcome::Exits { code, cause } = outcome else { return outcome };
        if let (0, Passing::Script { followed: true, .. }) = (code, self) {
            return Outcome::Unknown("another script of the package follows, and how it ends is not known".to_owned());
        }
        Outcome::Exits { code: self.code(code), cause }
    }

    /// The parent's exit code where the child's is `code` after `signal`: one of 128 and more is a death by it.
    pub fn ended(self, code: u8, signal: u8) -> u8 {
        if code == 128u8.saturating_add(signal) { self.signalled(signal) } else { self.code(code) }
    }

    fn code(self, code: u8) -> u8 {
        match (self, code) {
            (Passing::Zero, _) => 0,
            (Passing::Xargs, 1..=254) => 123,
            (Passing::Xargs, 255) => 124,
            (Passing::Script { absent, .. }, 127) => absent,
            _ => code,
        }
    }

    /// Its exit code where a signal ended the child.
    pub fn signalled(self, signal: u8) -> u8 {
        match self {
            Passing::Same => 128u8.saturating_add(signal),
            Passing::Xargs => 125,
            Passing::Sudo | Passing::Zero => 0,
            Passing::Script { interrupt, .. } if signal == 2 => interrupt,
            Passing::Script { signal, .. } => signal,
        }
    }
}

/// What `wrapper`, called so, does with a stop signal, and which signals it changes into which.
pub fn relays(wrapper: &Wrapper, call: &Call) -> (Relays, Vec<(u8, u8)>) {
    let to = call.effects.iter().rev().find_map(|(effect, _)| match effect {
        Effect::ToChild => Some(Relays::Child),
        Effect::ToGroup => Some(Relays::Group),
        _ => None,
    });
    let rewrites = call.effects.iter().filter(|(effect, _)| *effect == Effect::Rewrites);
    (to.unwrap_or(wrapper.relays), rewrites.filter_map(|(_, text)| rewrite(text)).collect())
}

/// `15:2` of dumb-init(1); dumb-init.c, `parse_rewrite_signum`.
pub fn rewrite(text: &[u8]) -> Option<(u8, u8)> {
    let (from, to) = text.to_str().ok()?.split_once(':')?;
    let (from, to) = (from.parse().ok()?, to.parse().ok()?);
    ((1..=31).contains(&from) && to <= 31).then_some((from, to))
}

impl Relay {
    /// What it does with `signal`, and as which signal that reaches its child.
    pub fn on(&self, signal: u8) -> (Relays, u8) {
        let relays = if self.heeds.is_empty() || self.heeds.contains(&signal) { self.relays } else { Relays::Nothing };
        let rewritten = self.rewrites.iter().rev().find(|(from, _)| *from == signal).map(|(_, to)| *to);
        match rewritten {
            Some(0) => (Relays::Nothing, signal),
            _ if relays == Relays::Kills => (relays, 15),
            to => (relays, to.unwrap_or(signal)),
        }
    }

    pub(super) fn of(wrapper: &Wrapper, name: &BString, call: &Call) -> Self {
        let (relays, rewrites) = relays(wrapper, call);
        let passing = match wrapper.kind {
            Kind::Xargs => Passing::Xargs,
            Kind::Sudo => Passing::Sudo,
            Kind::Script if !call.has(Effect::Returns) => Passing::Zero,
            _ => Passing::Same,
        };
        let leads = wrapper.groups && !(wrapper.relays == Relays::Group && relays == Relays::Child);
        let ends = match wrapper.kind {
            Kind::Script => 0,
            _ if call.has(Effect::Terminal) => 1,
            _ => 143,
        };
        Relay { passing, relays, rewrites, name: name.clone(), leads, heeds: wrapper.heeds, ends }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::launch::wrapper::{parse, program};

    fn of(words: &[&str]) -> Relay {
        let words: Vec<BString> = words.iter().map(|word| BString::from(*word)).collect();
        let Some((name, rest)) = words.split_first() else { panic!("no words") };
        let Some(wrapper) = program(name) else { panic!("{name} is not in the table") };
        let Ok(call) = parse::read(wrapper, rest) else { panic!("{words:?}") };
        Relay::of(wrapper, name, &call)
    }

    #[test]
    fn options_say_who_is_told() {
        let relays = |words: &[&str]| of(words).relays;
        assert_eq!(relays(&["tini", "--", "app"]), Relays::Child);
        assert_eq!(relays(&["tini", "-gv", "--", "app"]), Relays::Group);
        assert_eq!(relays(&["dumb-init", "app"]), Relays::Group);
        assert_eq!(relays(&["dumb-init", "--single-child", "app"]), Relays::Child);
        assert_eq!(relays(&["catatonit", "--", "app"]), Relays::Child);
        assert_eq!(relays(&["catatonit", "-g", "--", "app"]), Relays::Group);
        assert_eq!(relays(&["timeout", "9", "app"]), Relays::Group);
        assert_eq!(relays(&["timeout", "--foreground", "9", "app"]), Relays::Child);
        assert_eq!(relays(&["sudo", "app"]), Relays::Child);
        assert_eq!(relays(&["runuser", "-u", "app", "app"]), Relays::Kills);
        for words in [["time", "app"], ["xargs", "app"], ["chronic", "app"]] {
            assert_eq!(relays(&words), Relays::Nothing, "{words:?}");
        }
    }

    #[test]
    fn signals_may_be_changed() {
        assert_eq!(of(&["dumb-init", "-r", "15:2", "--rewrite=1:0", "app"]).rewrites, [(15, 2), (1, 0)]);
        for text in ["15", "99:1", "15:99", "TERM:2", "0:1", ":", "15:2 "] {
            assert_eq!(rewrite(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_child_that_leads_a_group() {
        for (words, leads) in [
            (&["tini", "app"][..], true),
            (&["dumb-init", "app"], true),
            (&["dumb-init", "-c", "app"], false),
            (&["catatonit", "app"], true),
            (&["timeout", "9", "app"], false),
            (&["sudo", "app"], false),
            (&["setsid", "-w", "app"], true),
        ] {
            assert_eq!(of(words).leads, leads, "{words:?}");
        }
    }

    #[test]
    fn a_child_that_a_signal_ends() {
        for (words, code) in [
            (&["tini", "app"][..], 143),
            (&["sudo", "app"], 0),
            (&["script", "-qc", "app"], 0),
            (&["script", "-qec", "app"], 143),
            (&["xargs", "app"], 125),
        ] {
            assert_eq!(of(words).passing.signalled(15), code, "{words:?}");
        }
    }
}
