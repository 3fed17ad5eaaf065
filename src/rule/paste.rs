//! What people paste into a Dockerfile or a shell.
//!
//! Names in an image are another's words: in a fix they are data, never syntax, and where the syntax of a Dockerfile
//! has no way to say so there is no fix.

use super::json_array;
use crate::finding::Fix;

/// A fix, unless its text holds what does not show, or bytes of a name that are not UTF-8 and so are lost.
pub fn fix(title: impl Into<String>, text: impl Into<String>) -> Option<Fix> {
    let (title, text) = (title.into(), text.into());
    (!text.is_empty() && !text.contains(is_unfit)).then_some(Fix { title, text, edits: Vec::new(), is_safe: false })
}

/// Control characters, what has no width or turns the direction of writing, and what stands for lost bytes.
fn is_unfit(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffd}' | '\u{e0000}'..='\u{e007f}')
}

/// Whether shells and builders take `word` as it stands, and programs not for an option.
pub fn is_plain(word: &str) -> bool {
    !word.is_empty() && !word.starts_with('-') && word.chars().all(is_plain_char)
}

/// Whether shells take `word` as it stands, be it an option or not.
pub fn is_literal(word: &str) -> bool {
    !word.is_empty() && word.chars().all(is_plain_char)
}

fn is_plain_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || "._/+:@%=,-".contains(c)
}

/// `text` as one word of a POSIX shell.
pub fn shell_word(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// A file among the operands of a command: a name that begins with a dash is no option.
pub fn operand(file: &str) -> String {
    let end_of_options = if file.starts_with('-') { "-- " } else { "" };
    end_of_options.to_owned() + &shell_word(file)
}

/// `COPY FLAG FROM TO`, as JSON where a path is not plain.
///
/// A builder expands variables, quotes and patterns in both forms (Dockerfile reference, *COPY*), so that a name with
/// such characters cannot be written.
pub fn copy(flag: &str, from: &str, to: &str) -> Option<String> {
    if [from, to].into_iter().all(is_plain) {
        return Some(format!("COPY {flag} {from} {to}"));
    }
    let literal = |path: &str| !path.is_empty() && !path.contains(['$', '\\', '"', '\'', '`', '*', '?', '[', ']']);
    [from, to].into_iter().all(literal).then(|| format!("COPY {flag} {}", json_array(&[from, to])))
}

/// `RUN sed -i 's|^#!.*|#!LINE|'` for the first line of `file`, if `line` says nothing to sed.
pub fn shebang(line: &str, file: &str) -> Option<String> {
    let literal = !line.is_empty() && line.chars().all(|c| is_plain_char(c) || c == ' ');
    literal.then(|| format!("RUN sed -i '1s|^#!.*|#!{line}|' {}", operand(file)))
}

/// Commands that install `package`, for Alpine and for Debian; none if that is no name of a package.
pub fn install(package: &str) -> Vec<Fix> {
    if !is_package(package) {
        return Vec::new();
    }
    let apt = format!("RUN apt-get update && apt-get install -y --no-install-recommends {package}");
    let fixes = [
        fix("install it (Alpine)", format!("RUN apk add --no-cache {package}")),
        fix("install it (Debian, Ubuntu)", apt),
    ];
    fixes.into_iter().flatten().collect()
}

/// Debian policy, *Package*: lower-case letters, digits, `+`, `-` and `.`. A shell is no package called `sh`, and a
/// script is its author's own.
fn is_package(name: &str) -> bool {
    let script = [".sh", ".py", ".js", ".pl", ".rb"].iter().any(|ending| name.ends_with(ending));
    let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    name != "sh" && !script && name.starts_with(letter) && name.chars().all(|c| letter(c) || "+.-".contains(c))
}

/// Words of an exec form as a shell is to read them: what it is to expand or to obey as it stands, the rest quoted.
pub fn shell_text<S: AsRef<str>>(words: &[S], operators: &[&str]) -> String {
    let word = |word: &S| match word.as_ref() {
        word if operators.contains(&word) || is_expanded(word) => word.to_owned(),
        word => shell_word(word),
    };
    words.iter().map(word).collect::<Vec<_>>().join(" ")
}

/// Variables and the tilde of a home directory, without anything that runs a command or separates words.
pub fn is_expanded(word: &str) -> bool {
    let begins = word.starts_with('~') || word.contains('$');
    begins && word.chars().all(|c| c.is_ascii_alphanumeric() || "_${}~/.:-".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_data_for_a_shell() {
        for (text, quoted) in [
            ("/usr/bin/a+b@c%d=e,f:g", "/usr/bin/a+b@c%d=e,f:g"),
            ("a b", "'a b'"),
            ("it's", r"'it'\''s'"),
            ("$(id)", "'$(id)'"),
            ("", "''"),
            ("-rf", "'-rf'"),
            ("é", "'é'"),
        ] {
            assert_eq!(shell_word(text), quoted);
        }
        assert_eq!(operand("-rf"), "-- '-rf'");
        assert_eq!(shell_text(&["a b", "&&", "$X", "$(id)", ";x"], &["&&"]), "'a b' && $X '$(id)' ';x'");
    }

    #[test]
    fn copies_are_json_where_need_be() {
        assert_eq!(copy("--chmod=0755", "run", "/run").as_deref(), Some("COPY --chmod=0755 run /run"));
        assert_eq!(copy("--chmod=0755", "r t", "/r t").as_deref(), Some(r#"COPY --chmod=0755 ["r t", "/r t"]"#));
        assert_eq!(copy("--chmod=0755", "-rf", "/-rf").as_deref(), Some(r#"COPY --chmod=0755 ["-rf", "/-rf"]"#));
        assert_eq!(copy("--chmod=0755", "$HOME", "/x"), None);
    }

    #[test]
    fn packages_have_names_of_packages() {
        for name in ["nginx", "python3", "g++", "libstdc++6"] {
            assert_eq!(install(name).len(), 2, "{name}");
        }
        for name in ["", "sh", "$(id)", "ven v", "-y", "entrypoint.sh", "Server", "a_b"] {
            assert!(install(name).is_empty(), "{name}");
        }
    }

    #[test]
    fn what_does_not_show_is_not_pasted() {
        for text in ["", "RUN a\nb", "RUN a\rb", "RUN \u{202e}x", "RUN a\u{fffd}", "RUN \u{9b}2J"] {
            assert_eq!(fix("x", text), None, "{text:?}");
        }
    }
}
