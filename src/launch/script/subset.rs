//! What is followed of zsh, ksh93, mksh and yash: the part of their language that means the same to all of them, as
//! measured. What is not in it ends in [`End::Unknown`](super::End::Unknown).
//!
//! Left out are, among others, patterns (zsh fails where nothing matches), words that would be split (zsh does not),
//! braces, arithmetic, arrays, `$'…'`, the last member of a pipeline that is no program (zsh and ksh93 run it themselves),
//! and errors of built-in commands.

use bstr::{BStr, ByteSlice};

use super::engine::Engine;
use super::expand::Atom;
use super::simple::Call;
use super::state::State;
use super::value::Field;
use crate::format::shell::{
    Arm, ArmEnd, Assignment, Command, Kind, Operation, Parameter, Part, Redirect, Redirection, Simple, Word, is_name,
};
use crate::launch::shell::Shell;

/// What is wrong, in words; `None`: it is followed.
type Outside = Option<&'static str>;

/// Commands that one of the shells runs itself, has an alias for, or takes for a reserved word.
const THEIRS: &str = "! - . : [ [[ ]] alias array autoload bg bind bindkey break builtin bye case cat cd chdir command \
    compadd comparguments compcall compctl compdescribe compfiles compgroups complete compquote compset comptags \
    comptry compvalues continue coproc declare dirs disable disown do domainname done echo echotc echoti elif else \
    emulate enable end enum esac eval exec exit export false fc fg fi float for foreach function functions getln getopts \
    global hash help hist history if in integer jobs kill let limit local log login logout mknod nameref nocorrect noglob nohup \
    popd print printf private pushd pushln pwd r read readonly realpath redirect rehash rename repeat return run-help \
    sched select set setopt shift sleep source stop suspend test then time times trap true ttyctl type typeset ulimit umask \
    unalias unfunction unhash unlimit unset unsetopt until vared wait whence where which which-command while zcompile \
    zformat zle zmodload zparseopts zregexparse zstyle { }";
/// Of these, the ones that are programs to all shells but one.
const OF_ONE: [(Shell, &str); 2] = [(Shell::Ksh, "sleep"), (Shell::Mksh, "cat domainname mknod realpath rename")];
/// What `trap` may name.
const SIGNALS: &str = "EXIT HUP INT QUIT USR1 USR2 PIPE ALRM TERM CHLD CONT WINCH 0 1 2 3 15";
/// Variables with a meaning of their own to one of the shells, or that it sets itself.
const SPECIAL: &str = "ARGC BASHPID CDPATH COLUMNS CPUTYPE DIRSTACK EGID ENV EPOCHREALTIME EUID FCEDIT FIGNORE FPATH FUNCNEST \
    GID HISTCHARS HISTCMD HISTFILE HISTSIZE HOST IFS JOBMAX KEYBOARD_HACK KEYTIMEOUT KSHEGID KSHGID KSHUID KSH_VERSION \
    LINENO LINES LISTMAX LOGNAME MACHTYPE MAIL MAILCHECK MAILPATH MANPATH MODULE_PATH NULLCMD OLDPWD OPTARG OPTIND OSTYPE \
    PATHSEP PGRP PIPESTATUS POSIXLY_CORRECT PPID PROMPT PROMPT2 PROMPT3 PROMPT4 PS1 PS2 PS3 PS4 PSVAR RANDOM READNULLCMD \
    SAVEHIST SECONDS SHELL SHLVL SPROMPT TIMEFMT TMOUT TMPPREFIX TRY_BLOCK_ERROR TRY_BLOCK_INTERRUPT TTY TTYIDLE UID \
    USERNAME USER_ID VENDOR WATCH WORDCHARS YASH_LOADPATH YASH_VERSION ZDOTDIR ZSH_ARGZERO ZSH_EVAL_CONTEXT \
    ZSH_EXECUTION_STRING ZSH_NAME ZSH_PATCHLEVEL ZSH_SUBSHELL ZSH_VERSION _ aliases argv builtins cdpath commands \
    dirstack fignore fpath funcstack functions functrace galiases histchars history historywords jobdirs jobstates \
    jobtexts keymaps mailpath manpath module_path modules nameddirs options parameters patchars path pipestatus prompt \
    psvar reswords saliases signals status termcap terminfo userdirs usergroups watch widgets zsh_eval_context \
    zsh_scheduled_events";

/// Text that one of the shells reads otherwise, wherever it stands.
const ODD: [&str; 18] =
    ["@(", "+(", "!(", "?(", "*(", "&!", "&|", "|&", "$'", "$\"", "((", ";&", ";|", "<<<", "&>", "<>", ">|", "\r"];

fn is_one_of(list: &str, word: &[u8]) -> bool {
    list.split_ascii_whitespace().any(|w| w.as_bytes() == word)
}

/// Characters that no shell gives a meaning to.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_./:@%+,-=".contains(&byte)
}

/// Whether the shell runs it itself, or reads it as something else than a command.
pub fn is_theirs(shell: Shell, name: &[u8]) -> bool {
    let other = OF_ONE.iter().any(|(one, names)| *one != shell && is_one_of(names, name));
    is_one_of(THEIRS, name) && !other
}

/// A whole text.
pub fn text(shell: Shell, text: &[u8]) -> Outside {
    if !text.is_ascii() {
        return Some("text that is not ASCII is not followed in this shell");
    }
    if shell == Shell::Ksh && has_misread_case(text) {
        return Some("a `case` in a command substitution may not be read in this shell");
    }
    let odd = ODD.iter().any(|odd| text.contains_str(odd)) || has_odd_expansion(text) || has_odd_brace(text);
    odd.then_some("this shell may read the text otherwise than others")
}

/// Right behind `then`, `else` or `elif` in a command substitution, ksh93 takes no `case` for one, as measured: the `)` of
/// its first pattern closes the substitution.
fn has_misread_case(text: &[u8]) -> bool {
    let Some((_, behind)) = text.split_once_str("$(") else { return false };
    behind.lines().any(|line| {
        let words: Vec<_> = line.split(|b| b.is_ascii_whitespace()).filter(|w| !w.is_empty()).collect();
        words.windows(2).any(|two| matches!(two, [b"then" | b"else" | b"elif", b"case"]))
    })
}

/// `${name:0:1}` and what else one of the shells refuses when it reads it, run or not.
fn has_odd_expansion(text: &[u8]) -> bool {
    text.find_iter("${").any(|at| {
        let rest = text.get(at + 2..).unwrap_or_default();
        let rest = rest.strip_prefix(b"#").filter(|r| !r.starts_with(b"}")).unwrap_or(rest);
        let name = rest.iter().take_while(|b| is_name(**b)).count().max(1);
        match rest.get(name..).unwrap_or_default() {
            [b'}' | b'-' | b'+' | b'=' | b'?' | b'%' | b'#', ..] => false,
            [b':', operator, ..] => !b"-+=?".contains(operator),
            _ => true,
        }
    })
}

/// A brace that closes in zsh, and is a word like any other elsewhere: `echo }`.
fn has_odd_brace(text: &[u8]) -> bool {
    text.find_iter("}").any(|at| {
        let head = text.get(..at).unwrap_or_default();
        let before = head.trim_end_with(|c| c == ' ' || c == '\t');
        before.len() < head.len() && !before.last().is_none_or(|b| b";\n&})".contains(b))
    })
}

impl Engine<'_> {
    /// Whether a command is outside of what is followed; its commands and expanded words are looked at later.
    pub fn outside(&self, command: &Command, state: &State) -> Outside {
        if !self.shell.in_part() {
            let Kind::Simple(simple) = &command.kind else { return None };
            let appends = self.shell != Shell::Bash && simple.assignments.iter().any(|a| a.append);
            return appends.then_some("`+=` makes no assignment in this shell");
        }
        let redirections = || self.redirections(&command.redirections, state);
        self.form(command, state).or_else(redirections)
    }

    fn form(&self, command: &Command, state: &State) -> Outside {
        match &command.kind {
            Kind::Simple(simple) => self.simple_form(simple, command, state),
            // ksh93 replaces itself in these if there are several commands, and not for one.
            Kind::Group(_) if self.shell == Shell::Ksh && !command.redirections.is_empty() => {
                Some("braces that are redirected are not followed in this shell")
            }
            // zsh: its status ends no function and no `eval` that it is the last command of, either (measured with 5.9).
            Kind::Not(_) if self.shell == Shell::Zsh && state.options.errexit => {
                Some("`!` under `set -e` is not followed in this shell")
            }
            Kind::And(..) | Kind::Or(..) | Kind::Not(_) | Kind::Group(_) | Kind::Subshell(_) | Kind::If { .. } => None,
            Kind::Loop { .. } => None,
            Kind::Pipeline(commands) => self.pipeline_form(commands, state),
            Kind::For { name, words, .. } => {
                variable(name).or_else(|| words.iter().flatten().find_map(|word| self.word(word, state)))
            }
            Kind::Case { word, arms } => {
                self.word(word, state).or_else(|| arms.iter().find_map(|arm| self.arm_form(arm, state)))
            }
            Kind::Function { name, .. } => {
                let keyword = self.source.get(command.span.start..).is_some_and(|t| t.starts_with(b"function"));
                (keyword || is_one_of(THEIRS, name)).then_some("such a function is not followed in this shell")
            }
            _ => Some("this form of command is not followed in this shell"),
        }
    }

    fn simple_form(&self, simple: &Simple, command: &Command, state: &State) -> Outside {
        if simple.words.is_empty() && !command.redirections.is_empty() {
            return Some("a redirection without a command is not followed in this shell");
        }
        // Which status `$?` then has depends on the shell.
        let has =
            |wanted: fn(&Part) -> bool| simple.words.iter().any(|word| word.parts.iter().any(|p| holds(p, wanted)));
        if has(|p| matches!(p, Part::Command(_))) && has(|p| matches!(p, Part::Parameter(q) if q.name == "?")) {
            return Some("`$?` beside a command substitution is not followed in this shell");
        }
        let assignment = |a: &Assignment| {
            let odd = a.append || a.subscript.is_some();
            let odd = odd.then_some("such an assignment is not followed in this shell");
            odd.or_else(|| variable(&a.name)).or_else(|| self.word(&a.value, state))
        };
        let words = || simple.words.iter().find_map(|word| self.word(word, state));
        simple.assignments.iter().find_map(assignment).or_else(words)
    }

    /// The last member is zsh or ksh93 itself, unless it is a program.
    fn pipeline_form(&self, commands: &[Command], state: &State) -> Outside {
        let program = |command: &Command| match &command.kind {
            Kind::Simple(simple) => match simple.words.first().map(|w| w.parts.as_slice()) {
                Some([Part::Plain(name)]) => {
                    !is_theirs(self.shell, name) && !state.functions.contains_key(name) && simple.assignments.is_empty()
                }
                _ => false,
            },
            _ => false,
        };
        let forks = matches!(self.shell, Shell::Mksh | Shell::Yash);
        let last = forks || commands.last().is_some_and(program);
        (!last).then_some("the last member of a pipeline is not followed in this shell, unless it is a program")
    }

    fn arm_form(&self, arm: &Arm, state: &State) -> Outside {
        if arm.end != ArmEnd::Leave {
            return Some("such an end of an arm of `case` is not followed in this shell");
        }
        arm.patterns.iter().find_map(|word| self.parts(&word.parts, b"*?", state))
    }

    fn redirections(&self, redirections: &[Redirection], state: &State) -> Outside {
        let output =
            |r: &Redirection| !matches!(r.operator, Redirect::Read | Redirect::DuplicateInput | Redirect::Here);
        let fd = |r: &Redirection| r.fd.unwrap_or(u32::from(output(r)));
        // zsh sends to, and reads from, all of them (MULTIOS)
        let twice = |i: usize, r: &Redirection| redirections.iter().skip(i + 1).any(|other| fd(other) == fd(r));
        if redirections.iter().enumerate().any(|(i, r)| twice(i, r) || fd(r) > 9 || r.variable) {
            return Some("such redirections are not followed in this shell");
        }
        redirections.iter().find_map(|r| self.redirection(r, state))
    }

    fn redirection(&self, redirection: &Redirection, state: &State) -> Outside {
        let target = &redirection.target;
        match redirection.operator {
            Redirect::Write | Redirect::Append | Redirect::Read => self.word(target, state),
            Redirect::Here => self.quoted_parts(&target.parts, state),
            Redirect::DuplicateOutput | Redirect::DuplicateInput => match target.parts.as_slice() {
                [Part::Plain(text)] if text == "-" || text.len() == 1 && text.iter().all(u8::is_ascii_digit) => None,
                _ => Some("such a redirection is not followed in this shell"),
            },
            _ => Some("such a redirection is not followed in this shell"),
        }
    }

    fn word(&self, word: &Word, state: &State) -> Outside {
        match word.parts.first() {
            Some(Part::Plain(text)) if text.starts_with(b"=") => {
                Some("`=` at the start of a word is not followed in this shell")
            }
            _ => self.parts(&word.parts, b"", state),
        }
    }

    /// Parts outside of quotes, where the characters in `also` may stand.
    fn parts(&self, parts: &[Part], also: &[u8], state: &State) -> Outside {
        let mut before = None;
        parts.iter().find_map(|part| {
            let outside = match part {
                Part::Plain(text) if !text.iter().all(|b| is_plain(*b) || also.contains(b)) => {
                    Some("a character that may have a meaning is not followed in this shell")
                }
                Part::Plain(text) => after(before, text),
                Part::Double(inner) => self.quoted_parts(inner, state),
                Part::Quoted(_) => None,
                other => self.expansion(other, false, state),
            };
            before = Some(part);
            outside
        })
    }

    fn quoted_parts(&self, parts: &[Part], state: &State) -> Outside {
        let mut before = None;
        parts.iter().find_map(|part| {
            let outside = match part {
                Part::Plain(text) if text.contains(&b'$') => Some("`$` within quotes is not followed in this shell"),
                Part::Plain(text) | Part::Quoted(text) => after(before, text),
                Part::Double(_) => Some("quotes within quotes are not followed in this shell"),
                other => self.expansion(other, true, state),
            };
            before = Some(part);
            outside
        })
    }

    fn expansion(&self, part: &Part, quoted: bool, state: &State) -> Outside {
        match part {
            Part::Command(_) => None,
            Part::Parameter(parameter) => self.parameter_form(parameter, quoted, state),
            _ => Some("this form of expansion is not followed in this shell"),
        }
    }

    fn parameter_form(&self, parameter: &Parameter, quoted: bool, state: &State) -> Outside {
        let name = parameter.name.as_slice();
        let plain = match name {
            b"@" | b"*" => matches!(parameter.operation, Operation::Value),
            b"#" | b"?" | b"$" | b"!" => true,
            b"0" => state.calls == 0,
            [b'1'..=b'9'] => true,
            name => {
                name.first().is_some_and(|b| !b.is_ascii_digit())
                    && name.iter().all(|b| is_name(*b))
                    && !is_one_of(SPECIAL, name)
            }
        };
        if !plain || parameter.indirect || parameter.subscript.is_some() {
            return Some("a parameter with a meaning of its own is not followed in this shell");
        }
        match &parameter.operation {
            Operation::Value => None,
            Operation::Unset { operator: b'-' | b'+', word, .. } if quoted => self.quoted_parts(&word.parts, state),
            Operation::Unset { operator: b'-' | b'+', word, .. } => self.parts(&word.parts, b"", state),
            _ => Some("this form of expansion is not followed in this shell"),
        }
    }

    /// Whether what an expansion comes to would be split, or taken for a pattern, by one shell and not by another.
    pub fn is_split(&self, atoms: &[Atom]) -> bool {
        let plain = |atom: &Atom| match atom {
            Atom::Text { value, quoted: false, .. } => {
                value.known().is_some_and(|text| text.iter().all(|b| is_plain(*b)) && !text.starts_with(b"="))
            }
            Atom::Text { .. } | Atom::Break | Atom::None => true,
            Atom::Soft => true,
            Atom::Any(_) => false,
        };
        self.shell.in_part() && !atoms.iter().all(plain)
    }

    /// Whether a call, its words expanded, is outside of what is followed.
    pub fn call_outside(&self, call: &Call<'_>, state: &State) -> Outside {
        let (name, operands) = call.argv.split_first().filter(|_| self.shell.in_part())?;
        let name = name.known()?;
        if name.is_empty() || name.starts_with(b"=") {
            return Some("an empty command is not followed in this shell");
        }
        if state.functions.contains_key(name) {
            let odd = !call.assigned.is_empty() || call.plain;
            return odd.then_some("assignments before a function are not followed in this shell");
        }
        if !is_theirs(self.shell, name) {
            return None;
        }
        if name != "exec" && (!call.assigned.is_empty() || call.plain) {
            return Some("such a built-in command is not followed in this shell");
        }
        let operands: Option<Vec<&BStr>> = operands.iter().map(Field::known).collect();
        let followed = match operands {
            Some(operands) => self.is_followed(name, &operands, state),
            None => {
                matches!(name.as_bytes(), b"exec" | b":" | b"true" | b"false")
                    || name == "echo" && state.output.is_none()
            }
        };
        (!followed).then_some("this built-in command is not followed in this shell")
    }

    fn is_followed(&self, name: &BStr, operands: &[&BStr], state: &State) -> bool {
        let first = operands.first().copied();
        let proper = |name: &[u8]| variable(name).is_none() && name.first().is_some_and(|b| !b.is_ascii_digit());
        match name.as_bytes() {
            b":" | b"true" | b"false" => true,
            b"echo" => {
                let plain = !operands.iter().any(|w| w.contains(&b'\\')) && !first.is_some_and(|w| w.starts_with(b"-"));
                state.output.is_none() || plain
            }
            b"pwd" | b"wait" => operands.is_empty(),
            b"exec" => match first {
                None => true,
                Some(word) => {
                    let own = is_theirs(self.shell, word) || state.functions.contains_key(word);
                    !own && !word.starts_with(b"-") && !word.is_empty()
                }
            },
            b"command" => match operands {
                [b, name] if *b == "-v" => state.output.is_none() && !name.starts_with(b"-"),
                [name, ..] => {
                    let function = state.functions.contains_key(*name);
                    !name.starts_with(b"-") && !is_theirs(self.shell, name) && !function && !name.is_empty()
                }
                [] => false,
            },
            b"cd" => matches!(operands, [path] if path.starts_with(b"/")),
            b"export" | b"readonly" => {
                operands.iter().all(|word| proper(word.split(|b| *b == b'=').next().unwrap_or(word)))
            }
            b"unset" => operands.iter().all(|word| proper(word)),
            b"set" => is_set_followed(operands),
            b"shift" => count(operands).is_some_and(|n| n <= state.arguments.len()) && all_one(&state.arguments),
            b"break" | b"continue" => count(operands).is_some_and(|n| n > 0 && n <= state.loops),
            b"exit" | b"return" => {
                operands.is_empty() || operands.len() == 1 && count(operands).is_some_and(|n| n < 256)
            }
            b"trap" => is_trap_followed(operands) && state.calls == 0,
            b"." => matches!(operands, [path] if path.starts_with(b"/") && self.is_there(path, state)),
            b"eval" => true,
            b"test" => is_test_followed(operands),
            b"[" => operands.split_last().is_some_and(|(last, rest)| *last == "]" && is_test_followed(rest)),
            b"umask" => matches!(operands, [mask] if mask.len() <= 4 && mask.iter().all(|b| (b'0'..b'8').contains(b))),
            _ => false,
        }
    }

    fn is_there(&self, path: &BStr, state: &State) -> bool {
        state.files.test(b'f', path, self.world.test(b'f', path)) == super::Truth::Yes
    }
}

fn all_one(fields: &[Field]) -> bool {
    fields.iter().all(|f| matches!(f, Field::One(_)))
}

/// A number that may be left out.
fn count(operands: &[&BStr]) -> Option<usize> {
    match operands {
        [] => Some(1),
        [word] if word.iter().all(u8::is_ascii_digit) && word.len() < 6 => word.to_str().ok()?.parse().ok(),
        _ => None,
    }
}

fn is_set_followed(operands: &[&BStr]) -> bool {
    match operands {
        [] => false,
        [word, ..] if *word == "--" => true,
        [word, name, rest @ ..] if *word == "-o" || *word == "+o" => {
            is_one_of("errexit nounset xtrace pipefail", name) && (rest.is_empty() || is_set_followed(rest))
        }
        [word, rest @ ..] => {
            let letters = word.strip_prefix(b"-").or_else(|| word.strip_prefix(b"+")).unwrap_or_default();
            let (letters, named) = letters.strip_suffix(b"o").map_or((letters, false), |l| (l, true));
            let known = letters.iter().all(|l| b"eux".contains(l)) && !letters.is_empty();
            match (known, named, rest) {
                (true, false, rest) => rest.is_empty() || is_set_followed(rest),
                (true, true, [name, rest @ ..]) => {
                    is_one_of("errexit nounset xtrace pipefail", name) && (rest.is_empty() || is_set_followed(rest))
                }
                _ => false,
            }
        }
    }
}

fn is_trap_followed(operands: &[&BStr]) -> bool {
    match operands {
        [action, signals @ ..] if !signals.is_empty() => {
            let number = action.iter().all(u8::is_ascii_digit) && !action.is_empty();
            let option = action.starts_with(b"-") && *action != "-";
            !number && !option && signals.iter().all(|s| is_one_of(SIGNALS, s))
        }
        _ => false,
    }
}

fn is_test_followed(operands: &[&BStr]) -> bool {
    const UNARY: &str = "-n -z -e -f -d -x -r -w -s -h -L";
    const NUMBERS: &str = "-eq -ne -lt -le -gt -ge";
    let number = |word: &BStr| {
        !word.is_empty()
            && word.len() < 9
            && word.iter().all(u8::is_ascii_digit)
            && (word.len() == 1 || !word.starts_with(b"0"))
    };
    // What may be an operator in one shell, and an operand in another.
    let operand = |word: &BStr| !matches!(word.as_bytes(), b"!" | b"(" | b")" | b"-a" | b"-o");
    match operands {
        [] => true,
        [word] => operand(word),
        [not, rest @ ..] if *not == "!" && rest.len() < 4 => is_test_followed(rest) && !rest.is_empty(),
        [operator, word] => is_one_of(UNARY, operator) && operand(word),
        [left, operator, right] if *operator == "=" || *operator == "!=" => operand(left) && operand(right),
        [left, operator, right] => is_one_of(NUMBERS, operator) && number(left) && number(right),
        _ => false,
    }
}

/// A variable that has a meaning of its own.
fn variable(name: &[u8]) -> Outside {
    let odd = is_one_of(SPECIAL, name) || !name.iter().all(|b| is_name(*b)) || name.is_empty();
    odd.then_some("a variable with a meaning of its own is not followed in this shell")
}

/// Whether a part, or one in it, is wanted.
fn holds(part: &Part, wanted: fn(&Part) -> bool) -> bool {
    wanted(part) || matches!(part, Part::Double(inner) if inner.iter().any(|p| holds(p, wanted)))
}

/// Text behind an expansion that zsh takes for a part of it: `$name[1]`, `$name:h`, `$#name`; and digits behind `$1`.
fn after(before: Option<&Part>, text: &[u8]) -> Outside {
    let Some(Part::Parameter(parameter)) = before else { return None };
    let digits = parameter.name.iter().all(u8::is_ascii_digit) && text.first().is_some_and(u8::is_ascii_digit);
    let modifier = text.starts_with(b":") && !text.starts_with(b":/") && text.len() > 1;
    let length = parameter.name == "#" && text.first().is_some_and(|b| is_name(*b) || b"@*?-!$#{".contains(b));
    (digits || modifier || length || text.starts_with(b"["))
        .then_some("what follows an expansion may be a part of it in this shell")
}
