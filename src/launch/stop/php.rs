//! PHP programs on the command line: *PCNTL Functions* of the manual.

use bstr::{BStr, BString, ByteSlice};

use super::Signal;
use super::language::{Statements, has_word, mentions};
use super::script::{Says, Source, first_file};

/// The web server `-S` is a known module; anything else is a script.
pub fn source(arguments: &[BString]) -> Option<Source> {
    match arguments.iter().any(|word| *word == "-S") {
        true => Some(Source::Module("php -S".into())),
        false => first_file(arguments),
    }
}

/// What a text says. PHP handles the signal by setting the default and sending it again (Zend/zend_signal.c), which PID 1
/// does not get, so that sleeping goes on but a read fails (measured with 8.2). What is included may set a handler.
pub fn says(text: &BStr, signal: Signal) -> Says {
    let (name, mut unclear) = (signal.to_string(), None);
    for statement in Statements::of(text, &[b"#", b"//", b"*"]) {
        let sets = has_word(statement, &["pcntl_signal"]);
        match sets && mentions(statement, &name) {
            true if ["SIG_IGN", "SIG_DFL"].iter().any(|word| mentions(statement, word)) => return Says::Ignores,
            true => return Says::Handles,
            false if has_word(statement, &["pcntl_exec"]) => return Says::Replaced,
            false => {}
        }
        let open =
            ["pcntl_signal", "require", "require_once", "include", "include_once", "eval", "addSignal", "onSignal"];
        let waits = ["socket", "stream_", "fgets", "fread", "STDIN", "readline"];
        if let Some(word) = waits.into_iter().find(|word| statement.contains_str(word)) {
            unclear = Some(format!("PHP's own handler interrupts `{word}`, and what then happens is not visible"));
        }
        if let Some(word) = open.into_iter().find(|word| has_word(statement, &[word])) {
            unclear = Some(format!("the program says `{word}`, and may handle signals"));
        }
    }
    unclear.map_or(Says::Nothing(Vec::new()), Says::Unclear)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::launch::stop::script::told;

    #[test]
    fn handlers() {
        for (text, expected) in [
            ("<?php while(true){ sleep(1); }", "nothing "),
            ("<?php pcntl_async_signals(true); pcntl_signal(SIGTERM,function(){exit(3);});", "handles"),
            ("<?php pcntl_signal(SIGTERM, SIG_IGN); sleep(9);", "ignores"),
            ("<?php pcntl_signal($signal, $handler);", "unclear"),
            ("<?php require __DIR__.'/vendor/autoload.php';", "unclear"),
            ("<?php while ($c = stream_socket_accept($s, -1)) { fclose($c); }", "unclear"),
            ("<?php pcntl_exec('/bin/x');", "replaced"),
        ] {
            assert_eq!(told(says(text.into(), Signal::TERM)), expected, "{text}");
        }
    }
}
