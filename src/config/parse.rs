//! From the text of `imagelint.toml` to what it says; what is wrong is named with its line and column.

use std::collections::BTreeMap;
use std::ops::Range;

use bstr::ByteSlice;
use toml::Spanned;
use toml::value::Datetime;

use super::date::Date;
use super::file::{self, File, Level};
use super::pattern::Pattern;
use super::settings::{Config, Ignore, Levels, Section};
use crate::error::{Error, Result};
use crate::finding::Position;
use crate::near::question;

/// Parses the text of the file that messages call `name`.
///
/// # Errors
/// The first thing that is wrong.
pub(super) fn parse(text: &str, name: &str) -> Result<Config> {
    let document = Document { text, name };
    let file: File = toml::from_str(text).map_err(|error| document.syntax(&error))?;
    Ok(Config {
        name: name.to_owned(),
        fail_on: file.fail_on,
        levels: document.levels(&file.rules)?,
        ignores: file.ignore.iter().map(|ignore| document.ignore(ignore)).collect::<Result<_>>()?,
        sections: file.image.iter().map(|section| document.section(section)).collect::<Result<_>>()?,
    })
}

struct Document<'a> {
    text: &'a str,
    name: &'a str,
}

impl Document<'_> {
    fn at(&self, span: &Range<usize>) -> Position {
        Position::of(self.text.as_bytes().as_bstr(), span.start)
    }

    fn error(&self, span: Range<usize>, problem: impl std::fmt::Display) -> Error {
        let Position { line, column } = self.at(&span);
        Error::new(format!("{}:{line}:{column}", self.name), problem)
    }

    /// What the parser says, in words of the file rather than of Rust.
    fn syntax(&self, error: &toml::de::Error) -> Error {
        let span = error.span().unwrap_or_default();
        let message = error.message();
        let mut quoted = message.split('`').skip(1).step_by(2);
        let first = quoted.next().unwrap_or_default();
        let known: Vec<&str> = quoted.collect();
        let list = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let question = question(first, known.iter().copied()).map(|question| question + " ").unwrap_or_default();
        if message.starts_with("unknown field") {
            let error = self.error(span, format!("there is no key `{first}` here"));
            error.help(format!("{question}the keys here are {list}"))
        } else if message.starts_with("unknown variant") {
            let error = self.error(span, format!("`{first}` is no value of this key"));
            error.help(format!("{question}its values are {list}"))
        } else if message.starts_with("missing field") {
            self.error(span, format!("there is no `{first}`, which is required")).help(required(first))
        } else if message.contains("a TOML datetime") || message == "expected field with custom name" {
            self.error(span, "this is no date").help("write it without quotes: 2026-12-31")
        } else if message == "wanted string or table" {
            self.error(span, "this must be a string").help("write it in quotes")
        } else if message == "invalid type: map, expected a sequence" {
            self.error(span, "there may be several of these").help("write it in double brackets: [[ignore]], [[image]]")
        } else {
            self.error(span, message.replace("a sequence", "an array").replace("a map", "a table"))
        }
    }

    fn rule(&self, name: &Spanned<String>) -> Result<&'static str> {
        let unknown = |help| self.error(name.span(), format!("there is no rule `{}`", name.as_ref())).help(help);
        super::rule(name.as_ref()).map_err(unknown)
    }

    fn levels(&self, written: &BTreeMap<Spanned<String>, Level>) -> Result<Levels> {
        written.iter().map(|(name, level)| Ok((self.rule(name)?, *level))).collect()
    }

    fn pattern(&self, written: &Spanned<String>) -> Result<Pattern> {
        Pattern::new(written.as_ref()).map_err(|problem| self.error(written.span(), problem))
    }

    fn ignore(&self, written: &file::Ignore) -> Result<Ignore> {
        let file::Ignore { rule, path, image, reason, until } = written;
        if reason.as_ref().trim().is_empty() {
            return Err(self.error(reason.span(), "the reason is empty").help(required("reason")));
        }
        Ok(Ignore {
            rule: self.rule(rule)?,
            path: path.as_ref().map(|path| self.pattern(path)).transpose()?,
            image: image.as_ref().map(|image| self.pattern(image)).transpose()?,
            reason: reason.as_ref().trim().to_owned(),
            until: until.as_ref().map(|until| self.date(until)).transpose()?,
            at: self.at(&rule.span()),
        })
    }

    fn date(&self, written: &Spanned<Datetime>) -> Result<Date> {
        match written.as_ref() {
            Datetime { date: Some(date), time: None, offset: None } => Ok((*date).into()),
            _ => {
                let error = self.error(written.span(), "this must be a date without a time");
                Err(error.help("it applies until the end of that day, UTC: 2026-12-31"))
            }
        }
    }

    fn section(&self, written: &file::Section) -> Result<Section> {
        let file::Section { name, fail_on, rules } = written;
        Ok(Section { name: self.pattern(name)?, fail_on: *fail_on, levels: self.levels(rules)? })
    }
}

/// Why a key is required.
fn required(key: &str) -> &'static str {
    match key {
        "reason" => "say why it is ignored, for those who come after you: reason = \"…\"",
        "rule" => "name the rule that is ignored: rule = \"…\"",
        _ => "name the images that the section is about: name = \"…\"",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use miette::Diagnostic;

    /// What is said, and what is to be done about it.
    fn wrong(text: &str) -> (String, String) {
        let error = parse(text, "f").map(drop).unwrap_err();
        (error.to_string(), Diagnostic::help(&error).map(|help| help.to_string()).unwrap_or_default())
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place_and_a_way_out() {
        for (text, says, helps) in [
            ("fail_on = 1", "f:1:1: there is no key `fail_on` here", "did you mean `fail-on`?"),
            ("\n  colour = 1", "f:2:3: there is no key `colour` here", "the keys here are `fail-on`, `rules`"),
            ("fail-on = 'eror'", "f:1:11: `eror` is no value of this key", "did you mean `error`?"),
            ("fail-on = 'off'", "f:1:11: `off` is no value", "its values are `note`, `warning`, `error`, `never`"),
            ("fail-on = 3", "f:1:11: this must be a string", "quotes"),
            ("rules.missing-exec = true", "f:1:22: this must be a string", ""),
            ("rules.missing-exec = 'warn'", "`warn` is no value", "did you mean `warning`?"),
            ("[rules]\nmissing_exec = 'off'", "f:2:1: there is no rule `missing_exec`", "did you mean `missing-exec`?"),
            ("[rules]\nno-reaper = 'off'\nno-reaper = 'off'", "f:3:1: duplicate key", ""),
            ("rules = []", "f:1:9: invalid type: sequence, expected a table", ""),
            ("[ignore]\nrule = 'x'", "f:1:1: there may be several of these", "[[ignore]]"),
            ("\n[[ignore]]\nreason = 'x'", "f:2:1: there is no `rule`", "rule = "),
            ("[[ignore]]\nrule = 'no-reaper'", "f:1:1: there is no `reason`, which is required", "say why"),
            ("[[ignore]]\nrule = 'no-reaper'\nreason = ' '", "f:3:10: the reason is empty", "say why"),
            ("[[ignore]]\nrule = 'x'\nreason = 'y'", "f:2:8: there is no rule `x`", "imagelint rules"),
            ("[[ignore]]\nreson = 'y'", "f:2:1: there is no key `reson` here", "did you mean `reason`?"),
            ("[[ignore]]\nrule = 'no-reaper'\nreason = 'y'\npath = ''", "f:4:8: an empty pattern", ""),
            ("[[ignore]]\nrule = 'no-reaper'\nreason = 'y'\nimage = 'a['", "f:4:9: `a[`: unclosed character", ""),
            ("[[ignore]]\nrule = 'no-reaper'\nreason = 'y'\nuntil = '2026-12-31'", "f:4:9: this is no date", "quotes"),
            ("[[ignore]]\nuntil.x = 1", "this is no date", "quotes"),
            ("[[ignore]]\nuntil = 2026-02-30", "f:2:9: invalid date", ""),
            (
                "[[ignore]]\nrule = 'no-reaper'\nreason = 'y'\nuntil = 2026-12-31T00:00:00Z",
                "f:4:9: this must be a date without a time",
                "2026-12-31",
            ),
            ("[[image]]\nfail-on = 'error'", "f:1:1: there is no `name`", "name = "),
            ("[[image]]\nname = 'x'\nplatform = 'y'", "f:3:1: there is no key `platform` here", "`rules`"),
            ("fail-on = 'error'\r\n\r\n[[image]\r\n", "f:3:9: ", ""),
            ("a = 'é' b", "f:1:9: ", ""),
            ("=", "f:1:1: ", ""),
        ] {
            let (said, helped) = wrong(text);
            assert!(said.contains(says) && helped.contains(helps), "{text}\n{said}\n{helped}");
        }
    }

    #[test]
    fn the_whole_of_it() {
        let text = r#"
            fail-on = "never"
            [[ignore]]
            rule = "not-executable"
            path = "/opt/vendor/**"
            image = "registry.example/team/*"
            reason = " the vendor's, never run "
            until = 2026-12-31
        "#;
        let config = parse(text, "f").unwrap();
        let ignore = &config.ignores[0];
        assert_eq!((ignore.rule, ignore.reason.as_str()), ("not-executable", "the vendor's, never run"));
        assert_eq!(ignore.until.map(|date| date.to_string()).as_deref(), Some("2026-12-31"));
        assert!(ignore.path.as_ref().is_some_and(|path| path.matches_path(b"/opt/vendor/x/y")));
        assert!(parse("", "f").is_ok_and(|config| config.ignores.is_empty() && config.fail_on.is_none()));
    }

    /// The longest file, of what may be nested.
    #[test]
    fn hostile_files_end_in_an_error() {
        let max = 256 << 10;
        let times = |what: &str| what.repeat(max / what.len());
        for text in [
            format!("a = {}", times("[")),
            format!("a = {}", times("{a=")),
            format!("{}a = 1", times("a.")),
            format!("[{}a]", times("a.")),
            format!("rules.{} = 'off'", "x".repeat(max)),
            format!("fail-on = '{}'", "x".repeat(max)),
            times("[[ignore]]\n"),
            times("[rules]\n"),
            times("\0"),
            times("\u{feff}"),
            times("'''"),
        ] {
            assert!(parse(&text, "f").is_err());
        }
    }
}
