//! What an entry of an image's history says: the instruction, as far as builders write it.
//!
//! Seen of the builders themselves (Docker 20.10 with either builder, buildah 1.28, podman 4.3; of kaniko and newer BuildKits
//! their sources):
//!
//! | instruction | classic builder | BuildKit | buildah, podman | kaniko |
//! |---|---|---|---|---|
//! | `RUN a  b` | `/bin/sh -c a  b` | `RUN /bin/sh -c a  b # buildkit` | `/bin/sh -c a  b` | as written |
//! | with `ARG A` | `\|1 A=x /bin/sh -c …` | `RUN \|2 A=x B= /bin/sh -c … # buildkit` | `\|1 A=x /bin/sh -c …` | as written |
//! | `RUN ["a", "b"]` | `a b` | `RUN a b # buildkit` | `/bin/sh -c ["a", "b"]` | as written |
//! | `COPY a b /x/` | `/bin/sh -c #(nop) COPY multi:… in /x/ ` | `COPY a b /x/ # buildkit` | as the classic builder | as written |
//! | `WORKDIR b` | `/bin/sh -c #(nop) WORKDIR /a/b` | `WORKDIR /a/b` | `/bin/sh -c #(nop) WORKDIR b` | as written |
//! | `CMD a  b` | `… #(nop)  CMD ["/bin/sh" "-c" "a  b"]` | `CMD ["/bin/sh" "-c" "a  b"]` | `… #(nop) CMD a  b` | none |
//! | `ONBUILD x` | `… #(nop)  ONBUILD x` | none | `… #(nop) ONBUILD x` | none |
//! | RUN that changes nothing | an empty layer | a layer | a layer | none |
//! | WORKDIR that is there | an empty layer | an empty layer | an empty layer always | none |
//!
//! A trigger of ONBUILD is written as the instruction that it is; buildah carries none out in images of OCI's format. Where
//! all goes into one layer, buildah lets the last instruction have it, whatever that is; Docker adds an entry `merge … to …`, or
//! `create new from …`, which has no `created_by`.

use bstr::ByteSlice;

use crate::dockerfile::{Arguments, Instruction, Keyword};
use crate::image::History;

/// What an entry says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said<'h> {
    /// The instruction.
    pub keyword: Keyword,
    /// What follows it, as the builder writes it.
    text: &'h str,
    /// The builder writes down only what made a layer.
    pub is_sparse: bool,
}

impl<'h> Said<'h> {
    /// What `entry` says; `None` if it names no instruction.
    pub fn of(entry: &'h History) -> Option<Self> {
        let text = entry.created_by.trim();
        if text.is_empty() {
            return None;
        }
        let is_sparse = entry.author == "kaniko";
        if let Some((shell, rest)) = text.split_once("#(nop)")
            && shell.split_whitespace().count() <= 4
            && let Some((keyword, text)) = named(rest, false)
        {
            return Some(Said { keyword, text, is_sparse });
        }
        let text = text.strip_suffix("# buildkit").map_or(text, str::trim_end);
        let (keyword, text) = named(text, is_sparse).unwrap_or((Keyword::Run, text));
        Some(Said { keyword, text, is_sparse })
    }

    /// Whether this may be what the builder wrote of `instruction`, which stands in `file`.
    pub fn is_of(&self, instruction: &Instruction, file: &[u8]) -> bool {
        if instruction.keyword != Some(self.keyword) {
            return false;
        }
        match self.keyword {
            // arguments are written in ways of their own, and nothing hangs on them
            Keyword::Arg | Keyword::Expose | Keyword::Label | Keyword::Maintainer | Keyword::Onbuild => true,
            Keyword::From => false,
            Keyword::Run => self.is_run(instruction, file),
            Keyword::Copy | Keyword::Add => self.is_copy(instruction),
            Keyword::Workdir => self.is_workdir(instruction),
            Keyword::Healthcheck => self.is_healthcheck(instruction),
            Keyword::Cmd | Keyword::Entrypoint | Keyword::Shell => self.ends_with(&written(instruction)),
            Keyword::Env | Keyword::StopSignal | Keyword::User | Keyword::Volume => {
                let own = written(instruction);
                own.contains('$') || self.ends_with(&own)
            }
        }
    }

    fn ends_with(&self, own: &str) -> bool {
        let (said, own) = (words(self.text), words(own));
        if own.is_empty() { said.is_empty() || said.last().is_some_and(|w| *w == "-c") } else { said.ends_with(&own) }
    }

    /// Of a here-document BuildKit writes the text (a pipe's name if it has a `#!` line), others the word that announces it.
    fn is_run(&self, instruction: &Instruction, file: &[u8]) -> bool {
        let Some(here) = instruction.heredocs.first() else { return self.ends_with(&written(instruction)) };
        let body = file.get(here.body.clone()).unwrap_or_default().to_str_lossy();
        self.text.contains("<<") || self.text.contains("/dev/pipes/") || self.ends_with(&body)
    }

    /// The builders that write a digest for the sources write it before ` in `.
    fn is_copy(&self, instruction: &Instruction) -> bool {
        let own = instruction.words();
        let Some((to, sources)) = own.split_last() else { return false };
        let hashed = ["file:", "multi:", "dir:"].iter().any(|kind| self.text.contains(kind));
        let to = to.text.to_str_lossy();
        match self.text.rsplit_once(" in ") {
            Some((_, said)) if hashed => to.contains('$') || words(said) == words(&to),
            _ if !instruction.heredocs.is_empty() => to.contains('$') || self.ends_with(&to),
            _ => {
                let all: Vec<_> = sources.iter().map(|word| word.text.to_str_lossy()).chain([to]).collect();
                self.ends_with(&all.join(" ")) || all.iter().any(|word| word.contains('$')) && self.has(&all)
            }
        }
    }

    /// Whether it has all of these words but those with variables.
    fn has(&self, own: &[std::borrow::Cow<'_, str>]) -> bool {
        let said: Vec<&str> = self.text.split_whitespace().collect();
        own.iter().filter(|word| !word.contains('$')).all(|word| said.contains(&word.as_ref()))
    }

    /// Some builders write the whole path.
    fn is_workdir(&self, instruction: &Instruction) -> bool {
        let own = written(instruction);
        let last = |path: &str| path.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned();
        let own_last = last(own.trim().trim_matches(['"', '\'']));
        own.contains('$')
            || matches!(own_last.as_str(), "." | "..")
            || last(self.text.trim_matches(['"', '\''])) == own_last
    }

    fn is_healthcheck(&self, instruction: &Instruction) -> bool {
        let own = written(instruction);
        let (said, own) = (words(self.text), words(&own));
        let is_none = instruction.verb.as_ref().is_some_and(|verb| verb.text.eq_ignore_ascii_case(b"none"));
        if is_none {
            return said.iter().any(|word| word.eq_ignore_ascii_case("none"));
        }
        !own.is_empty() && said.windows(own.len()).any(|part| part == own)
    }
}

/// A keyword and what follows it, in capitals unless it is as people write it.
fn named(text: &str, in_any_case: bool) -> Option<(Keyword, &str)> {
    let text = text.trim();
    let (name, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let keyword = Keyword::parse(name).filter(|keyword| in_any_case || keyword.as_str() == name)?;
    Some((keyword, rest.trim()))
}

/// The arguments of an instruction in one line.
fn written(instruction: &Instruction) -> String {
    match &instruction.arguments {
        Arguments::Pairs(pairs) => {
            let pair = |pair: &crate::dockerfile::Pair| format!("{}={}", pair.name.text, pair.value.text);
            pairs.iter().map(pair).collect::<Vec<_>>().join(" ")
        }
        _ => instruction.words().iter().map(|word| word.text.to_str_lossy()).collect::<Vec<_>>().join(" "),
    }
}

/// The words of a text, whatever quotes, brackets and blanks a builder puts around them: Go's `%q`, JSON, or none.
fn words(text: &str) -> Vec<String> {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '"' | '\'' => {}
            '[' | ']' | ',' | '=' | '{' | '}' => plain.push(' '),
            '\\' => {
                while characters.next_if_eq(&'\\').is_some() {}
                // `\t` is a tab for one builder, and two characters for another
                if characters.next_if(|next| matches!(next, 't' | 'n' | 'r')).is_some() {
                    plain.push(' ');
                }
            }
            c => plain.push(c),
        }
    }
    plain.split_whitespace().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests;
