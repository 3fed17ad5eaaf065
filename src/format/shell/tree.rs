//! The syntax tree of a shell script, small and with byte spans (POSIX XCU 2.9 and 2.10, and what bash adds).

use std::sync::Arc;

use bstr::BString;

/// Where something stands in the script.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// Byte after the last.
    pub end: usize,
    /// Line of the first byte, counted from 1.
    pub line: usize,
}

/// A whole script.
#[derive(Clone, Debug, Default)]
pub struct Script {
    /// Its commands.
    pub body: List,
    /// The text ends in a newline, which busybox ash -c can tell.
    pub newline_at_end: bool,
}

/// Commands one after another.
pub type List = Vec<Statement>;

/// A command of a list.
#[derive(Clone, Debug)]
pub struct Statement {
    /// The command.
    pub command: Command,
    /// `&` follows.
    pub background: bool,
}

/// A command with its redirections.
#[derive(Clone, Debug)]
pub struct Command {
    /// Which.
    pub kind: Kind,
    /// From left to right.
    pub redirections: Vec<Redirection>,
    /// Where.
    pub span: Span,
}

/// The forms of a command.
#[derive(Clone, Debug)]
pub enum Kind {
    /// Assignments and words.
    Simple(Simple),
    /// `a && b`
    And(Box<Command>, Box<Command>),
    /// `a || b`
    Or(Box<Command>, Box<Command>),
    /// `! a`
    Not(Box<Command>),
    /// `a | b | c`
    Pipeline(Vec<Command>),
    /// `{ a; }`
    Group(List),
    /// `( a )`
    Subshell(List),
    /// `if a; then b; elif c; then d; else e; fi`
    If {
        /// Conditions and what they guard.
        arms: Vec<(List, List)>,
        /// After `else`.
        otherwise: List,
    },
    /// `while a; do b; done`
    Loop {
        /// `until` instead.
        until: bool,
        /// The condition.
        condition: List,
        /// The body.
        body: List,
    },
    /// `for name in words; do a; done`
    For {
        /// The variable.
        name: BString,
        /// `None`: the positional parameters.
        words: Option<Vec<Word>>,
        /// The body.
        body: List,
    },
    /// `for ((a; b; c)); do d; done`
    Count {
        /// The three expressions.
        control: [Word; 3],
        /// The body.
        body: List,
    },
    /// `case word in pattern) a ;; esac`
    Case {
        /// What is matched.
        word: Word,
        /// The arms.
        arms: Vec<Arm>,
    },
    /// `name() a`
    Function {
        /// Its name.
        name: BString,
        /// Its body.
        body: Arc<Command>,
    },
    /// `[[ a ]]`
    Test(Box<Condition>),
    /// `(( a ))`
    Arithmetic(Word),
    /// `time a`
    Time(Option<Box<Command>>),
    /// A form that is named and not looked into.
    Other(&'static str),
}

/// A simple command (XCU 2.9.1).
#[derive(Clone, Debug, Default)]
pub struct Simple {
    /// Assignments before the first word.
    pub assignments: Vec<Assignment>,
    /// The name and its arguments.
    pub words: Vec<Word>,
}

/// `name=value`
#[derive(Clone, Debug)]
pub struct Assignment {
    /// The variable.
    pub name: BString,
    /// `name[subscript]=`
    pub subscript: Option<Word>,
    /// `+=`
    pub append: bool,
    /// The value; an array is one [`Part::Array`].
    pub value: Word,
}

/// An arm of `case`.
#[derive(Clone, Debug)]
pub struct Arm {
    /// Its patterns.
    pub patterns: Vec<Word>,
    /// Its commands.
    pub body: List,
    /// What ends it.
    pub end: ArmEnd,
}

/// What follows when an arm of `case` was run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArmEnd {
    /// `;;`
    Leave,
    /// `;&`
    Enter,
    /// `;;&`
    Match,
}

/// `[[ ]]`: conditional expressions of bash(1).
#[derive(Clone, Debug)]
pub enum Condition {
    /// `! a`
    Not(Box<Condition>),
    /// `a && b`
    And(Box<Condition>, Box<Condition>),
    /// `a || b`
    Or(Box<Condition>, Box<Condition>),
    /// `-f word`: the operator and its operand.
    Unary(BString, Word),
    /// `a == b`: the operator between its operands.
    Binary(BString, Word, Word),
    /// A word that is not empty.
    Word(Word),
}

/// A redirection.
#[derive(Clone, Debug)]
pub struct Redirection {
    /// The file descriptor; `None`: the operator's own.
    pub fd: Option<u32>,
    /// `{name}>`: the descriptor is put into a variable.
    pub variable: bool,
    /// What it does.
    pub operator: Redirect,
    /// The file, descriptor or text.
    pub target: Word,
}

/// The operators of redirection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redirect {
    /// `>` or `>|`
    Write,
    /// `>>`
    Append,
    /// `<`
    Read,
    /// `<>`
    Both,
    /// `>&`
    DuplicateOutput,
    /// `<&`
    DuplicateInput,
    /// `&>` or `&>>`
    WriteAll,
    /// `<<`: the target is the text.
    Here,
    /// `<<<`
    HereString,
}

/// A word (XCU 2.10.2), the text of a here-document, a pattern or an arithmetic expression.
#[derive(Clone, Debug, Default)]
pub struct Word {
    /// Its parts.
    pub parts: Vec<Part>,
    /// Where.
    pub span: Span,
}

/// A part of a word.
#[derive(Clone, Debug)]
pub enum Part {
    /// Characters without quotes: patterns, tildes and braces count.
    Plain(BString),
    /// Quoted characters.
    Quoted(BString),
    /// `"…"`; what is plain inside is quoted.
    Double(Vec<Part>),
    /// `$name`, `${name…}`
    Parameter(Box<Parameter>),
    /// `$(…)` or backquotes, and whether the shell can read what is inside.
    Command(Arc<Result<Script, super::Fault>>),
    /// `$((…))`
    Arithmetic(Vec<Part>),
    /// What opens and does not close.
    Unclosed,
    /// `<(…)` or `>(…)`
    Process,
    /// `(a b c)` after `name=`; `None` if elements have subscripts.
    Array(Option<Vec<Word>>),
}

/// A parameter expansion (XCU 2.6.2).
#[derive(Clone, Debug)]
pub struct Parameter {
    /// The parameter: a name, digits or one special character.
    pub name: BString,
    /// `${name[…]}`
    pub subscript: Option<Word>,
    /// `${!name}`
    pub indirect: bool,
    /// What is made of it.
    pub operation: Operation,
    /// Where.
    pub span: Span,
}

/// What a parameter expansion makes of the parameter.
#[derive(Clone, Debug)]
pub enum Operation {
    /// Its value.
    Value,
    /// `${#name}`
    Length,
    /// `${name-word}` and its kind.
    Unset {
        /// `-`, `=`, `?` or `+`.
        operator: u8,
        /// With `:`: empty is as unset.
        colon: bool,
        /// The word.
        word: Word,
    },
    /// `${name#pattern}`, `${name%pattern}`
    Trim {
        /// `%` instead of `#`.
        suffix: bool,
        /// Twice the character.
        longest: bool,
        /// The pattern.
        pattern: Word,
    },
    /// `${name/pattern/word}`
    Replace {
        /// `//`
        all: bool,
        /// `/#` or `/%`
        anchor: Option<u8>,
        /// The pattern.
        pattern: Word,
        /// What replaces it.
        with: Word,
    },
    /// `${name:offset:length}`
    Slice {
        /// Arithmetic.
        offset: Word,
        /// Arithmetic.
        length: Option<Word>,
    },
    /// `${name^}`, `^^`, `,`, `,,`
    Case {
        /// `^`
        upper: bool,
        /// Twice the character.
        all: bool,
        /// A pattern follows.
        pattern: bool,
    },
    /// `${!prefix*}`, `${!array[@]}`, `${name@Q}`: known to bash, and not looked into.
    Other,
    /// No shell takes it: it fails when it is expanded.
    Bad,
}
