//! What was meant as a JSON array and is not one.

use crate::finding::Finding;
use crate::launch::Cause;
use crate::rule::{Explanation, Rule, Subject, json_array, quote, shell_words};

/// See `rules/broken-exec-form.md`.
pub const RULE: Rule =
    Rule { name: "broken-exec-form", document: include_str!("../../rules/broken-exec-form.md"), check };

fn check(subject: &Subject<'_>) -> Vec<Finding> {
    subject.explain(RULE.name, |trouble| {
        let Cause::BrokenExecForm { text } = trouble.cause else { return Explanation::default() };
        let who = trouble.instruction();
        let message =
            format!("{who} {} is not valid JSON ({}), so a shell runs the brackets", quote(text), fault(text));
        let words = words(text);
        let health = if who == "HEALTHCHECK" { " CMD" } else { "" };
        Explanation::new(
            message,
            "write it as a JSON array: double quotes, a comma between the words, none after the last",
        )
        .why("a builder takes what is not a JSON array of strings as shell form")
        .fix("as JSON", format!("{who}{health} {}", json_array(&words)))
    })
}

/// What JSON has against it.
fn fault(text: &str) -> &'static str {
    let inner = text.trim().trim_start_matches('[').trim_end_matches(']').trim_end();
    match () {
        () if text.contains(['“', '”', '„', '‘', '’']) => "typographic quotes",
        () if text.contains('\'') => "single quotes",
        () if !text.contains('"') => "no quotes",
        () if !text.trim_end().ends_with(']') => "no closing bracket at the end",
        () if inner.ends_with(',') => "a comma after the last word",
        () if text.contains('\\') => "a backslash that is no JSON escape",
        () => "a comma or a quote is missing",
    }
}

/// The words that were meant.
fn words(text: &str) -> Vec<String> {
    let plain = text.trim().trim_start_matches('[').trim_end_matches(']');
    let plain: String = plain
        .chars()
        .map(|c| {
            if "“”„".contains(c) {
                '"'
            } else if "‘’".contains(c) {
                '\''
            } else {
                c
            }
        })
        .collect();
    if plain.contains(['"', '\'']) {
        let commas = plain.replace("\",", "\" ").replace("',", "' ").replace(",\"", " \"").replace(",'", " '");
        return shell_words(&commas);
    }
    plain.split([',', ' ']).filter(|w| !w.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_words_that_were_meant() {
        for text in
            ["['a', 'b c']", "[\"a\", \"b c\",]", "[“a”, “b c”]", "['a','b c']", "[\"a\" \"b c\"]", "[\"a\", \"b c\""]
        {
            assert_eq!(super::words(text), ["a", "b c"], "{text}");
        }
        assert_eq!(super::words("[a, b]"), ["a", "b"]);
    }
}
