//! Words that shells have for themselves (POSIX XCU 2.4 and 2.15, bash(1) *RESERVED WORDS* and *SHELL BUILTIN COMMANDS*).

/// Nobody has a program of these names.
const OWN: [&str; 40] = [
    "!", ".", "[[", "]]", "builtin", "break", "case", "continue", "declare", "disown", "do", "done", "elif", "else",
    "esac", "eval", "exec", "exit", "export", "fi", "for", "function", "if", "let", "local", "mapfile", "readonly",
    "return", "set", "shift", "shopt", "source", "then", "trap", "typeset", "unset", "until", "while", "{", "}",
];

/// POSIX (XCU 1.7) wants these as programs too: Fedora's and Red Hat's bash brings them, others do not.
pub const REGULAR: [&str; 15] = [
    "alias", "bg", "cd", "command", "fc", "fg", "getopts", "hash", "jobs", "read", "type", "ulimit", "umask",
    "unalias", "wait",
];

/// What stands before the command of a health check in a configuration (image-spec, config.md), and in no Dockerfile.
const HEALTH: [&str; 2] = ["CMD", "CMD-SHELL"];

/// Whether `name` is a word of shells, and a program only where POSIX is followed to the letter.
pub fn is_own_word(name: &[u8]) -> bool {
    OWN.iter().chain(&REGULAR).chain(&HEALTH).any(|word| word.as_bytes() == name)
        || name.starts_with(b"[") && name != b"["
}
