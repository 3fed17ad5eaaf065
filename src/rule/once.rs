//! Whether a command of a script may give its place to a program: `exec` in front of what runs a second time, or of what is no
//! program, takes away what the script did.

use bstr::ByteSlice;

use super::shelled::behind_assignments;
use crate::format::shell::{self, Command, Dialect, Kind, List, Span};

/// Words that are none of a program where a command begins (POSIX XCU 2.4, 2.9.1.4, and what bash adds).
const NO_PROGRAMS: [&str; 18] = [
    "!", "(", ".", "[", "[[", "{", "alias", "builtin", "command", "coproc", "eval", "exec", "exit", "return", "source",
    "time", "wait", "trap",
];

/// Whether `exec` may stand in front of `command`, which is at `span` of the script `text`: it is run once at most, and its
/// first word is that of a program.
pub fn may_be_replaced(text: &[u8], span: &std::ops::Range<usize>) -> bool {
    let Some(command) = text.get(span.clone()).and_then(|command| command.to_str().ok()) else { return false };
    let first = command.get(behind_assignments(command)..).unwrap_or_default();
    let word = first.split(|c: char| c.is_whitespace() || c == ';').next().unwrap_or_default();
    if word.is_empty() || NO_PROGRAMS.contains(&word) || word.starts_with('(') {
        return false;
    }
    let Ok(script) = shell::parse(text, Dialect::Bash) else { return false };
    let is_written = !word.contains(['$', '`']);
    let (mut functions, mut called) = (Vec::new(), Vec::new());
    in_list(&script.body, &mut |command, _| match &command.kind {
        Kind::Function { name, .. } => functions.push(name.clone()),
        Kind::Simple(_) => called.extend(text.get(command.span.start..command.span.end).map(first_word)),
        _ => {}
    });
    // what is read from elsewhere may define functions, and a bare word may be one of them
    let reads_more = |word: &&[u8]| matches!(*word, b"." | b"source" | b"eval" | b"alias");
    let is_open = called.iter().any(reads_more) || mentions(text, b"command_not_found_handle") > 0;
    if is_open && !word.contains('/') {
        return false;
    }
    // a function that nothing calls by its name is called by the words that the script gets
    let is_called = |name: &[u8]| is_written && word.as_bytes() != name || called.contains(&name);
    functions.iter().all(|name| is_called(name))
        && runs_once(text, &script.body, &|at: Span| at.start == span.start, functions.len())
}

/// The first word of a command.
fn first_word(command: &[u8]) -> &[u8] {
    command.split(|byte| byte.is_ascii_whitespace() || *byte == b';').next().unwrap_or_default()
}

/// Whether the simple command that is asked for runs once at most; `depth` functions may call each other.
fn runs_once(text: &[u8], script: &List, is_it: &dyn Fn(Span) -> bool, depth: usize) -> bool {
    let mut found = None;
    in_list(script, &mut |command, above| {
        if matches!(command.kind, Kind::Simple(_)) && is_it(command.span) && found.is_none() {
            found = Some((command.span, above.iter().map(|above| &above.kind).collect::<Vec<_>>()));
        }
    });
    found.is_some_and(|(span, around)| {
        let is_in = |other: &Command| other.span.start <= span.start && span.end <= other.span.end;
        around.into_iter().all(|above| match above {
            Kind::Function { name, .. } => {
                // its definition, and one call
                depth > 0 && mentions(text, name) == 2 && {
                    let calls = |at: Span| text.get(at.start..).is_some_and(|rest| rest.starts_with(name));
                    runs_once(text, script, &calls, depth - 1)
                }
            }
            // what comes after it would not come any more
            Kind::And(left, _) | Kind::Or(left, _) => !is_in(left),
            Kind::If { arms, .. } => !arms.iter().flat_map(|(condition, _)| condition).any(|c| is_in(&c.command)),
            Kind::Loop { .. } | Kind::For { .. } | Kind::Count { .. } | Kind::Pipeline(_) | Kind::Not(_) => false,
            Kind::Time(_) | Kind::Subshell(_) => false,
            _ => true,
        })
    })
}

/// How often a name stands in the text as a word.
fn mentions(text: &[u8], name: &[u8]) -> usize {
    let is_part = |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_alphanumeric() || b"_-./".contains(b));
    let stands_alone =
        |at: &usize| !is_part(at.checked_sub(1).and_then(|at| text.get(at))) && !is_part(text.get(at + name.len()));
    text.find_iter(name).filter(stands_alone).count()
}

/// Each command of a list, and what it stands in.
fn in_list<'s>(list: &'s List, see: &mut dyn FnMut(&'s Command, &[&'s Command])) {
    let mut above = Vec::new();
    list.iter().for_each(|statement| walk(&statement.command, &mut above, see));
}

fn walk<'s>(command: &'s Command, above: &mut Vec<&'s Command>, see: &mut dyn FnMut(&'s Command, &[&'s Command])) {
    see(command, above);
    above.push(command);
    let lists = |lists: Vec<&'s List>| lists.into_iter().flatten().map(|statement| &statement.command);
    let inner: Vec<&Command> = match &command.kind {
        Kind::And(left, right) | Kind::Or(left, right) => vec![left, right],
        Kind::Not(inner) => vec![inner],
        Kind::Time(inner) => inner.iter().map(|inner| &**inner).collect(),
        Kind::Pipeline(all) => all.iter().collect(),
        Kind::Group(list) | Kind::Subshell(list) => lists(vec![list]).collect(),
        Kind::If { arms, otherwise } => {
            let arms = arms.iter().flat_map(|(condition, body)| [condition, body]);
            lists(arms.chain([otherwise]).collect()).collect()
        }
        Kind::Loop { condition, body, .. } => lists(vec![condition, body]).collect(),
        Kind::For { body, .. } | Kind::Count { body, .. } => lists(vec![body]).collect(),
        Kind::Case { arms, .. } => lists(arms.iter().map(|arm| &arm.body).collect()).collect(),
        Kind::Function { body, .. } => vec![body],
        Kind::Simple(_) | Kind::Test(_) | Kind::Arithmetic(_) | Kind::Other(_) => Vec::new(),
    };
    inner.into_iter().for_each(|inner| walk(inner, above, see));
    above.pop();
}
