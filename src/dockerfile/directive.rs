//! Parser directives: `# syntax=`, `# escape=` and `# check=` before all else
//! (BuildKit `frontend/dockerfile/parser/directives.go`).

use bstr::ByteSlice;

use super::go::is_space;

/// What has been seen of them.
#[derive(Debug)]
pub struct Directives {
    /// The character that escapes, and that continues lines.
    pub escape: u8,
    /// The frontend that `syntax` names.
    pub syntax: Option<String>,
    seen: Vec<&'static str>,
    done: bool,
}

impl Default for Directives {
    fn default() -> Self {
        Directives { escape: b'\\', syntax: None, seen: Vec::new(), done: false }
    }
}

impl Directives {
    /// Sees the next line; the first one that is no directive ends them.
    ///
    /// # Errors
    /// It is one that may not stand there.
    pub fn see(&mut self, line: &[u8]) -> Result<(), String> {
        if self.done {
            return Ok(());
        }
        let Some((key, value)) = directive(line) else {
            self.done = true;
            return Ok(());
        };
        if self.seen.contains(&key) {
            return Err(format!("only one {key} parser directive can be used"));
        }
        self.seen.push(key);
        match (key, value) {
            ("escape", [escape @ (b'\\' | b'`')]) => self.escape = *escape,
            ("escape", other) => return Err(format!("invalid escape token '{}', it can be ` or \\", other.as_bstr())),
            ("syntax", value) => self.syntax = Some(value.to_str_lossy().into_owned()),
            _ => {}
        }
        Ok(())
    }
}

/// `# KEY = VALUE` of a known key.
fn directive(line: &[u8]) -> Option<(&'static str, &[u8])> {
    let (key, value) = line.strip_prefix(b"#")?.trim_start_with(is_space).split_once_str("=")?;
    let key = key.trim_end_with(is_space_of_expressions).to_ascii_lowercase();
    let key = ["syntax", "escape", "check"].into_iter().find(|known| known.as_bytes() == key)?;
    let value = value.trim_with(is_space_of_expressions);
    (!value.is_empty()).then_some((key, value))
}

/// `\s` of Go's regular expressions.
fn is_space_of_expressions(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\u{c}' | '\r' | ' ')
}
