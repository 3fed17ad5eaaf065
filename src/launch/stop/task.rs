//! Programs that do a piece of work and end: builds, tests, shells that somebody types into. A container that is there for
//! them is not stopped, it ends.

use bstr::{BString, ByteSlice};

use super::base;

/// Programs whose every call is a piece of work.
const TASKS: [&str; 44] = [
    "ansible-playbook",
    "ant",
    "awk",
    "bats",
    "cat",
    "cmake",
    "composer",
    "cp",
    "createdb",
    "ctest",
    "curl",
    "echo",
    "find",
    "git",
    "grep",
    "head",
    "helm",
    "kubectl",
    "ls",
    "make",
    "meson",
    "mkdir",
    "mv",
    "mvn",
    "ninja",
    "pacstrap",
    "pip",
    "pre-commit",
    "printf",
    "ps",
    "psql",
    "pytest",
    "rspec",
    "rsync",
    "sbt",
    "sed",
    "sort",
    "tar",
    "terraform",
    "tmux",
    "tox",
    "unzip",
    "wget",
    "zip",
];

/// Programs of which the first word that is no option tells.
const VERBS: [(&str, &[&str]); 11] = [
    ("bundle", &["install", "update"]),
    ("cargo", &["bench", "build", "check", "clippy", "doc", "fmt", "test"]),
    ("dotnet", &["build", "pack", "publish", "restore", "test"]),
    ("go", &["build", "fmt", "generate", "get", "install", "list", "mod", "test", "vet"]),
    ("gradle", &["assemble", "build", "check", "clean", "jar", "test"]),
    ("kcadm.sh", &["add-roles", "config", "create", "delete", "get", "update"]),
    ("mkdocs", &["build"]),
    ("npm", &["ci", "install", "test"]),
    ("pnpm", &["install", "test"]),
    ("rake", &["db:migrate", "spec", "test"]),
    ("yarn", &["install", "test"]),
];

/// Daemons that leave the foreground unless they are told not to, each with the options that do (their manual pages).
const DAEMONS: [(&str, &[&str]); 14] = [
    ("atd", &["-d", "-f"]),
    ("cron", &["-f"]),
    ("crond", &["-d", "-f", "-n"]),
    ("dnsmasq", &["--keep-in-foreground", "--no-daemon", "-d", "-k"]),
    ("dropbear", &["-F"]),
    ("murmurd", &["-fg", "-version"]),
    ("named", &["-f", "-g"]),
    ("ntpd", &["--nofork", "-d", "-n"]),
    ("proftpd", &["--nodaemon", "-n"]),
    ("rsyslogd", &["-n"]),
    ("smbd", &["--foreground", "--interactive", "-F", "-FS", "-i"]),
    ("snmpd", &["-f"]),
    ("squid", &["--foreground", "-N", "-NYC", "-NYCd"]),
    ("sshd", &["-D", "-De", "-d", "-eD"]),
];

/// Verbs of scripts in `package.json` that name a piece of work by custom.
const SCRIPTS: [&str; 4] = ["build", "lint", "test", "tests"];

/// Parts of a program's name that say what it is there for, by custom: `build.sh`, `run-tests`, `make_certs.sh`.
const PARTS: [&str; 12] =
    ["backup", "bench", "build", "convert", "create", "dist", "generate", "lint", "make", "migrate", "test", "tests"];

/// Shells, where nobody gives them a script.
const SHELLS: [&str; 9] = ["ash", "bash", "dash", "fish", "ksh", "mksh", "sh", "yash", "zsh"];

/// Whether these words are such a program.
pub fn is_one(argv: &[BString]) -> bool {
    let Some((name, words)) = argv.split_first() else { return false };
    let name = base(name).to_str().unwrap_or_default();
    let mut operands = words.iter().filter(|word| !word.starts_with(b"-")).filter_map(|word| word.to_str().ok());
    let (first, second) = (operands.next(), operands.next());
    if SHELLS.contains(&name) {
        return first.is_none();
    }
    let daemon = DAEMONS.iter().find(|(known, _)| *known == name);
    if let Some((_, options)) = daemon {
        return !words.iter().any(|word| options.iter().any(|option| word == option));
    }
    let by_verb = VERBS.iter().find(|(known, _)| *known == name);
    let is_script = first == Some("run") && second.is_some_and(|script| SCRIPTS.contains(&script));
    let is_asked =
        matches!(first, Some("help" | "version")) || words.iter().any(|w| *w == "--help" || *w == "--version");
    let mut parts = name.split(['-', '_', '.']);
    TASKS.contains(&name)
        || is_asked
        || parts.any(|part| PARTS.contains(&part) || part.starts_with("create") || part.starts_with("make"))
        || by_verb.is_some_and(|(_, verbs)| first.is_some_and(|verb| verbs.contains(&verb)) || is_script)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_work() {
        let is = |line: &str| is_one(&line.split(' ').map(BString::from).collect::<Vec<_>>());
        for line in [
            "make -j 4 all",
            "/usr/bin/tar cf - .",
            "mvn test",
            "go test ./...",
            "npm run test",
            "npm test",
            "bash",
            "zsh -l",
            "/bin/sh -i",
        ] {
            assert!(is(line), "{line}");
        }
        for line in [
            "node server.js",
            "npm start",
            "npm run serve",
            "go run main.go",
            "cargo run",
            "bash run.sh",
            "sh -c app",
            "gradle bootRun",
            "mkdocs serve",
        ] {
            assert!(!is(line), "{line}");
        }
    }
}
