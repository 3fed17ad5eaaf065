//! Instructions of a Dockerfile, with the bytes that they stand in.

use std::ops::Range;

use bstr::BString;

/// What an instruction is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the Dockerfile reference documents them")]
pub enum Keyword {
    Add,
    Arg,
    Cmd,
    Copy,
    Entrypoint,
    Env,
    Expose,
    From,
    Healthcheck,
    Label,
    Maintainer,
    Onbuild,
    Run,
    Shell,
    StopSignal,
    User,
    Volume,
    Workdir,
}

impl Keyword {
    const ALL: [(&str, Keyword); 18] = [
        ("ADD", Keyword::Add),
        ("ARG", Keyword::Arg),
        ("CMD", Keyword::Cmd),
        ("COPY", Keyword::Copy),
        ("ENTRYPOINT", Keyword::Entrypoint),
        ("ENV", Keyword::Env),
        ("EXPOSE", Keyword::Expose),
        ("FROM", Keyword::From),
        ("HEALTHCHECK", Keyword::Healthcheck),
        ("LABEL", Keyword::Label),
        ("MAINTAINER", Keyword::Maintainer),
        ("ONBUILD", Keyword::Onbuild),
        ("RUN", Keyword::Run),
        ("SHELL", Keyword::Shell),
        ("STOPSIGNAL", Keyword::StopSignal),
        ("USER", Keyword::User),
        ("VOLUME", Keyword::Volume),
        ("WORKDIR", Keyword::Workdir),
    ];

    /// By its name, in any case.
    pub fn parse(name: &str) -> Option<Self> {
        let name = name.to_lowercase();
        Keyword::ALL.iter().find(|(known, _)| known.eq_ignore_ascii_case(&name)).map(|(_, keyword)| *keyword)
    }

    /// In capitals.
    pub fn as_str(self) -> &'static str {
        Keyword::ALL.iter().find(|(_, keyword)| *keyword == self).map_or("", |(name, _)| name)
    }

    /// The names of all.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Keyword::ALL.iter().map(|(name, _)| *name)
    }
}

/// A piece of text, and the bytes of the file that it stands in. These hold more than the text where lines are continued
/// within it, or where it is quoted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// The text.
    pub text: BString,
    /// Its bytes in the file.
    pub span: Range<usize>,
}

/// `name=value`, or `name value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The name.
    pub name: Word,
    /// The value, with its quotes.
    pub value: Word,
    /// No `=` separates them.
    pub is_legacy: bool,
}

/// What stands behind keyword and flags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arguments {
    /// Nothing.
    None,
    /// A JSON array of strings: exec form.
    Json(Vec<Word>),
    /// A text: shell form, or a single value.
    Text(Word),
    /// Words that blanks separate.
    Words(Vec<Word>),
    /// Names and values, of ENV and LABEL.
    Pairs(Vec<Pair>),
    /// The instruction of ONBUILD.
    Trigger(Box<Instruction>),
}

/// A here-document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heredoc {
    /// Its delimiter, without quotes.
    pub name: BString,
    /// Variables in it are expanded.
    pub expand: bool,
    /// Tabs at the start of lines are removed (`<<-`).
    pub chomp: bool,
    /// Its lines in the file, with line ends, without the delimiter.
    pub body: Range<usize>,
}

/// Why the file, or an instruction of it, cannot be built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong, one sentence.
    pub message: String,
    /// The bytes in question.
    pub span: Range<usize>,
    /// BuildKit refuses the file as a whole, before it looks at what instructions mean.
    pub is_syntax: bool,
}

/// An instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// Its keyword as written.
    pub name: Word,
    /// What that means; `None` if there is no such instruction.
    pub keyword: Option<Keyword>,
    /// `--name=value`, quotes removed.
    pub flags: Vec<Word>,
    /// The word before the command of HEALTHCHECK: `CMD` or `NONE`.
    pub verb: Option<Word>,
    /// The rest.
    pub arguments: Arguments,
    /// Its here-documents.
    pub heredocs: Vec<Heredoc>,
    /// From the first byte of its keyword to the last of its last line, here-documents aside.
    pub span: Range<usize>,
    /// Its first and its last physical line, counted from 1; here-documents belong to it.
    pub lines: (usize, usize),
    /// What is wrong with it.
    pub fault: Option<Fault>,
}

/// The form of a command (Dockerfile reference, *Shell and exec form*).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A JSON array of strings.
    Exec,
    /// A text for the shell.
    Shell,
}

impl Instruction {
    /// Whether it is that instruction.
    pub fn is(&self, keyword: Keyword) -> bool {
        self.keyword == Some(keyword)
    }

    /// Exec form or shell form, of instructions that have them.
    pub fn form(&self) -> Form {
        if matches!(self.arguments, Arguments::Json(_)) { Form::Exec } else { Form::Shell }
    }

    /// Its arguments as a list.
    pub fn words(&self) -> &[Word] {
        match &self.arguments {
            Arguments::Json(words) | Arguments::Words(words) => words,
            Arguments::Text(word) => std::slice::from_ref(word),
            Arguments::None | Arguments::Pairs(_) | Arguments::Trigger(_) => &[],
        }
    }

    /// The value of the flag `--name=`.
    pub fn flag(&self, name: &str) -> Option<&[u8]> {
        let value = |flag: &Word| -> Option<Range<usize>> {
            let rest = flag.text.strip_prefix(b"--")?.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
            Some(flag.text.len() - rest.len()..flag.text.len())
        };
        self.flags.iter().find_map(|flag| flag.text.get(value(flag)?))
    }

    /// Whether the flag is there, with or without a value.
    pub fn has_flag(&self, name: &str) -> bool {
        let is_it = |flag: &Word| {
            let rest = flag.text.strip_prefix(b"--").and_then(|flag| flag.strip_prefix(name.as_bytes()));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"="))
        };
        self.flags.iter().any(is_it)
    }
}
