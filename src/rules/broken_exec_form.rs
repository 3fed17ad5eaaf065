//! What was meant as a JSON array and is not one.

use bstr::ByteSlice;

use crate::dockerfile::{Build, Form};
use crate::finding::{Blame, Confidence, ExitCodes, Field, Finding, Fix, Place, Severity};
use crate::launch::Cause;
use crate::rule::{Explanation, Rule, Subject, json_array, paste, quote, shell_words};

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
        .fixes(as_json(text, format!("{who}{health} {}", json_array(&words))))
    })
}

/// Shell forms of a Dockerfile that were meant as arrays, whatever a shell makes of them: `[ "app", ]` is a test that succeeds.
pub fn in_build(build: &Build<'_>) -> Vec<Finding> {
    let fields = [Field::Entrypoint, Field::Cmd, Field::Healthcheck];
    fields.into_iter().filter_map(|field| meant(build, field)).collect()
}

fn meant(build: &Build<'_>, field: Field) -> Option<Finding> {
    let instruction = build.parsed.instructions.get(build.plan.instruction_of(field)?)?;
    let word = instruction.words().first().filter(|_| instruction.form() == Form::Shell)?;
    let text = word.text.to_str().ok()?.trim();
    let inner = text.strip_prefix('[')?.trim_start();
    let is_array = inner.starts_with(['"', '\'', '“', '”', '‘', '’']) || text.ends_with(']') && text.contains(',');
    // `[ -f x ] && …` and `[[ … ]]` are what they look like
    let has_more = text.contains("&&") || text.contains("||") || text.contains(';');
    if !is_array || text.starts_with("[[") || has_more && !begins_array(inner) {
        return None;
    }
    let who = instruction.keyword?.as_str();
    let health = if field == Field::Healthcheck { " CMD" } else { "" };
    let fix = format!("{who}{health} {}", json_array(&words(text)));
    Some(Finding {
        rule: RULE.name,
        severity: Severity::Warning,
        confidence: Confidence::Likely,
        message: format!("{who} {} is not valid JSON ({}), so a shell runs the brackets", quote(text), fault(text)),
        help: "write it as a JSON array: double quotes, a comma between the words, none after the last".to_owned(),
        exit_codes: ExitCodes::default(),
        place: Place::Config { field, index: None },
        because: Vec::new(),
        layer: None,
        fixes: as_json(text, fix).into_iter().collect(),
        blame: Blame::default(),
        suppression: None,
    })
}

/// Whether nothing stands behind the closing bracket: what does may be a comment or words, nobody but its author knows.
fn has_end(text: &str) -> bool {
    text.rsplit_once(']').is_none_or(|(_, behind)| behind.trim().is_empty())
}

/// What JSON has against it.
fn fault(text: &str) -> &'static str {
    let inner = text.trim().trim_start_matches('[').trim_end_matches(']').trim_end();
    match () {
        () if !has_end(text) => "something stands behind the closing bracket",
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

/// Whether a quoted word comes first, and a comma behind it.
fn begins_array(inner: &str) -> bool {
    let Some(quote) = inner.chars().next().filter(|c| matches!(c, '"' | '\'')) else { return false };
    let rest = inner.get(1..).and_then(|rest| rest.split_once(quote)).map(|(_, rest)| rest.trim_start());
    rest.is_some_and(|rest| rest.starts_with(','))
}

/// The array; it is what was meant for sure if nothing but quotes of one kind, commas and blanks differ.
fn as_json(text: &str, fix: String) -> Option<Fix> {
    let fix = has_end(text).then(|| paste::fix("as JSON", fix)).flatten()?;
    let array = fix.text.split_once('[').map_or("", |(_, array)| array);
    let bare = |text: &str| text.replace(['"', '\'', '“', '”', ' ', '\t'], "");
    let own = bare(text.trim().trim_start_matches('['));
    let own = own.trim_end_matches(']').trim_end_matches(',');
    let kinds = ['"', '\'', '“', '‘', '’'].iter().filter(|quote| text.contains(**quote)).count();
    let is_same = bare(array).trim_end_matches(']') == own;
    // of quotes within quotes it is not said which are meant
    let is_clear = is_same && kinds <= 1 && !text.contains('\\');
    is_clear.then_some(Fix { is_safe: !text.contains(['‘', '’']), ..fix })
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

    #[test]
    fn what_stands_behind_the_bracket_is_nobodys_to_guess() {
        assert!(super::has_end("[\"a\", \"b\""));
        assert!(super::has_end("[\"a\", ] "));
        assert!(!super::has_end("[\"a\"] # note"));
        assert_eq!(super::fault("[\"a\"] # note"), "something stands behind the closing bracket");
    }
}
