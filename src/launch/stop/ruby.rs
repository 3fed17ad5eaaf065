//! Ruby programs: *Signal* and *SignalException* of the core reference.

use bstr::{BStr, ByteSlice};

use super::Signal;
use super::language::{Statements, has_word, mentions};
use super::script::Says;

/// What a text says: a `trap` for the signal, or something that may keep the exception from ending the program. What it
/// requires may set a handler too, after which it mostly ends all the same: see `exception` of the languages.
pub fn says(text: &BStr, signal: Signal) -> Says {
    let name = signal.to_string().replacen("SIG", "", 1);
    let mut unclear = None;
    for statement in Statements::of(text, &[b"#"]) {
        if has_word(statement, &["exec"]) {
            return Says::Replaced;
        }
        let swallows = statement.contains_str("rescue")
            && ["Exception", "SignalException", "Object"].iter().any(|class| mentions(statement, class));
        match has_word(statement, &["trap"]) && mentions_signal(statement, &name) {
            true if ["IGNORE", "SIG_IGN", "nil", "SYSTEM_DEFAULT"].iter().any(|word| mentions(statement, word)) => {
                return Says::Ignores;
            }
            true => return Says::Handles,
            false if swallows => return Says::Opaque("the program rescues what the signal raises".to_owned()),
            false => {}
        }
        let words = ["trap", "Signal", "rescue", "at_exit", "require", "load", "exit", "eval"];
        if let Some(word) = words.iter().find(|word| statement.contains_str(word)) {
            unclear = Some(format!("the program says `{word}`, and may handle signals"));
        }
    }
    unclear.map_or(Says::Nothing(Vec::new()), Says::Unclear)
}

fn mentions_signal(statement: &[u8], name: &str) -> bool {
    mentions(statement, name) || mentions(statement, &format!("SIG{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::launch::stop::script::told;

    #[test]
    fn handlers() {
        for (text, expected) in [
            ("sleep", "nothing "),
            ("# trap\nsleep", "nothing "),
            ("trap(\"TERM\"){ s.shutdown }", "handles"),
            ("Signal.trap('SIGTERM') do\n stop\nend", "handles"),
            ("Signal.trap(\"TERM\",\"IGNORE\")\nsleep", "ignores"),
            ("trap(:INT) { }\nsleep", "unclear"),
            ("require 'webrick'", "unclear"),
            ("begin\nserve\nrescue Exception => e\nretry\nend", "opaque"),
            ("exec 'redis-server'", "replaced"),
        ] {
            assert_eq!(told(says(text.into(), Signal::TERM)), expected, "{text}");
        }
    }
}
