//! The `#!` line, as Linux reads it (fs/binfmt_script.c, `load_script`).

use bstr::{BString, ByteSlice};

/// How much of a file the kernel reads to tell what it is (BINPRM_BUF_SIZE, since Linux 5.1).
pub const WINDOW: usize = 256;

/// What the first bytes say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shebang {
    /// No `#!`.
    None,
    /// `#!` and no interpreter: ENOEXEC.
    Empty,
    /// The interpreter's name does not end within [`WINDOW`]: ENOEXEC.
    TooLong,
    /// An interpreter.
    Interpreter {
        /// Its path, with any byte but blanks, NUL and the line end; a CR belongs to it.
        path: BString,
        /// Everything after it, blanks inside included: one argument.
        argument: Option<BString>,
    },
}

/// Reads the first bytes of a file; bytes after [`WINDOW`] do not count.
pub fn parse(head: &[u8]) -> Shebang {
    let mut window = [0; WINDOW];
    window.iter_mut().zip(head).for_each(|(to, from)| *to = *from);
    let Some(text) = window.strip_prefix(b"#!") else { return Shebang::None };
    let line = match text.find_byte(b'\n') {
        Some(end) => text.get(..end).unwrap_or_default(),
        None => match unterminated(text) {
            Ok(line) => line,
            Err(shebang) => return shebang,
        },
    };
    let line = trim(line);
    let end = line.find_byteset(b" \t\0").unwrap_or(line.len());
    let (path, rest) = line.split_at(end);
    if path.is_empty() {
        return Shebang::Empty;
    }
    let rest = if rest.starts_with(b"\0") { &[] } else { rest.trim_start_with(|c| c == ' ' || c == '\t') };
    let argument = rest.split(|b| *b == 0).next().unwrap_or_default();
    let argument = (!argument.is_empty()).then(|| argument.into());
    Shebang::Interpreter { path: path.into(), argument }
}

/// A line that does not end within the window is cut at its last byte, unless that might cut the interpreter's name.
fn unterminated(text: &[u8]) -> Result<&[u8], Shebang> {
    let line = text.get(..text.len().saturating_sub(1)).unwrap_or_default();
    let Some(start) = line.iter().position(|b| !matches!(b, b' ' | b'\t')) else { return Err(Shebang::Empty) };
    match text.get(start..).unwrap_or_default().find_byteset(b" \t\0") {
        Some(_) => Ok(line),
        None => Err(Shebang::TooLong),
    }
}

fn trim(line: &[u8]) -> &[u8] {
    line.trim_with(|c| c == ' ' || c == '\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interpreter(path: &str, argument: Option<&str>) -> Shebang {
        Shebang::Interpreter { path: path.into(), argument: argument.map(Into::into) }
    }

    #[test]
    fn plain_lines() {
        assert_eq!(parse(b"#!/bin/sh\n"), interpreter("/bin/sh", None));
        assert_eq!(parse(b"#! \t/bin/sh\t-e \n"), interpreter("/bin/sh", Some("-e")));
        assert_eq!(parse(b"#!/usr/bin/env python -u\n"), interpreter("/usr/bin/env", Some("python -u")));
        assert_eq!(parse(b"#!/bin/sh"), interpreter("/bin/sh", None));
        assert_eq!(parse(b"#!/bin/sh\r\n"), interpreter("/bin/sh\r", None));
        assert_eq!(parse(b"#!/bin/sh\0x\n"), interpreter("/bin/sh", None));
        assert_eq!(parse(b"#!/bin/sh -e\0x\n"), interpreter("/bin/sh", Some("-e")));
    }

    #[test]
    fn not_a_script() {
        for bytes in [&b""[..], b"#", b" #!/bin/sh\n", b"\n#!/bin/sh\n", b"\xef\xbb\xbf#!/bin/sh\n"] {
            assert_eq!(parse(bytes), Shebang::None);
        }
    }

    #[test]
    fn no_interpreter() {
        for bytes in [&b"#!\n"[..], b"#!   \n", b"#!", b"#! "] {
            assert_eq!(parse(bytes), Shebang::Empty);
        }
    }

    #[test]
    fn the_window_ends_at_256_bytes() {
        let long = |n: usize| [b"#!/".to_vec(), vec![b'a'; n - 3]].concat();
        assert_eq!(parse(&[long(255), b"\n".to_vec()].concat()), interpreter(&format!("/{}", "a".repeat(252)), None));
        assert_eq!(parse(&long(256)), Shebang::TooLong);
        assert_eq!(parse(&long(400)), Shebang::TooLong);
        let padded = [b"#!".to_vec(), vec![b' '; 300], b"/bin/sh\n".to_vec()].concat();
        assert_eq!(parse(&padded), Shebang::Empty);
        let cut = [b"#!/bin/sh ".to_vec(), vec![b'x'; 300]].concat();
        assert_eq!(parse(&cut), interpreter("/bin/sh", Some(&"x".repeat(245))));
    }
}
