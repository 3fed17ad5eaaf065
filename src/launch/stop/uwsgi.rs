//! uWSGI: what SIGTERM means hangs on its options (manual, *Signals for controlling uWSGI*; core/uwsgi.c).

use bstr::{BStr, BString, ByteSlice};

use super::Pid1;

/// The endings of files that options are read from.
const FILES: [&str; 4] = [".ini", ".yaml", ".yml", ".xml"];

/// With a master and without `die-on-term`, SIGTERM makes it reload.
pub fn reloads(pid1: &Pid1<'_>) -> bool {
    options(pid1).is_some_and(|says| says(&["master"], "-M") && !says(&["die-on-term"], ""))
}

/// Without a master the one process ends by itself.
pub fn is_alone(pid1: &Pid1<'_>) -> bool {
    options(pid1).is_some_and(|says| !says(&["master", "emperor", "processes", "workers"], "-M") && !says(&[], "-p"))
}

/// With `die-on-term` SIGTERM ends it.
pub fn dies(pid1: &Pid1<'_>) -> bool {
    options(pid1).is_some_and(|says| says(&["die-on-term"], ""))
}

/// Whether an option is given, by its long names or a short one; `None` if a file of options cannot be read.
fn options(pid1: &Pid1<'_>) -> Option<impl Fn(&[&str], &str) -> bool> {
    let words = pid1.arguments().to_vec();
    let mut texts = Vec::new();
    for word in &words {
        let path = word.rsplit_str("=").next().unwrap_or_default();
        if FILES.iter().any(|ending| path.ends_with_str(ending)) {
            texts.push(pid1.text(path)?);
        }
    }
    Some(move |long: &[&str], short: &str| {
        let given = words.iter().any(|word| *word == short || long.iter().any(|name| is_option(word, name)));
        given || texts.iter().any(|text| long.iter().any(|name| is_set(text, name)))
    })
}

fn is_option(word: &BString, name: &str) -> bool {
    let given = word.strip_prefix(b"--").and_then(|word| word.split_str("=").next());
    given.is_some_and(|given| given == name.as_bytes())
}

/// A line `name = true` of a file; other notations have other separators.
fn is_set(text: &BString, name: &str) -> bool {
    text.lines().map(|line| line.trim_ascii()).any(|line| {
        let line = line.strip_prefix(b"<").unwrap_or(line);
        let value = line.strip_prefix(name.as_bytes()).map(|rest| BStr::new(rest.trim_ascii()));
        let is_value = |value: &BStr| value.is_empty() || b"=:>/".iter().any(|sign| value.starts_with(&[*sign]));
        let is_off = |value: &BStr| ["false", "0"].iter().any(|off| value.ends_with_str(off));
        value.is_some_and(|value| is_value(value) && !is_off(value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_files() {
        for (line, is) in [
            ("master = true", true),
            ("master=1", true),
            ("  master: true", true),
            ("<master/>", true),
            ("master = false", false),
            ("# master = true", false),
            ("master-fifo = /x", false),
        ] {
            assert_eq!(is_set(&line.into(), "master"), is, "{line}");
        }
        assert!(is_option(&"--master".into(), "master") && !is_option(&"--master-fifo".into(), "master"));
    }
}
