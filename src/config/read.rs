//! Small files of a project, read within bounds.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use crate::error::{Error, Result};

/// What a file begins with that is UTF-16.
const UTF_16: [&[u8]; 2] = [b"\xff\xfe", b"\xfe\xff"];

/// The text of the file `path`, called `name`, without a byte order mark; at most `max` bytes are read.
///
/// # Errors
/// It cannot be read, is longer, or is no UTF-8.
pub(super) fn text(path: &Path, name: &str, max: u64) -> Result<String> {
    let wrong = |problem: String| Error::new(format!("`{name}`"), problem);
    let mut bytes = Vec::new();
    // Another's FIFO would keep it waiting; `/dev/fd/63` of a shell's `<(…)` is one, too, and named by the user.
    let read = File::open(path).and_then(|file| file.take(max + 1).read_to_end(&mut bytes));
    read.map_err(|error| match error.kind() {
        ErrorKind::IsADirectory => wrong("it is a directory".to_owned()),
        _ => wrong(error.to_string()),
    })?;
    if bytes.len() as u64 > max {
        return Err(wrong(format!("it is longer than {} KiB", max >> 10)));
    }
    if UTF_16.iter().any(|mark| bytes.starts_with(mark)) {
        return Err(wrong("it is UTF-16".to_owned()).help("save it as UTF-8"));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let line = error.as_bytes().iter().take(error.utf8_error().valid_up_to()).filter(|b| **b == b'\n').count() + 1;
        wrong(format!("line {line} is not UTF-8")).help("save it as UTF-8")
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_short_texts_are_taken() {
        let scratch = tempfile::tempdir().unwrap();
        let of = |bytes: &[u8]| {
            let path = scratch.path().join("x");
            std::fs::write(&path, bytes).unwrap();
            text(&path, "x", 2048).map_err(|error| error.to_string())
        };
        assert_eq!(of(b"a = 1\n").as_deref(), Ok("a = 1\n"));
        assert_eq!(of(b"\xef\xbb\xbfa").as_deref(), Ok("a"));
        assert_eq!(of(&[b'#'; 2048]).map(|text| text.len()), Ok(2048));
        for (bytes, says) in [
            (&[b'#'; 2049][..], "it is longer than 2 KiB"),
            (b"\xff\xfea\0", "it is UTF-16"),
            (b"a = 1\n# \xe9\n", "line 2 is not UTF-8"),
        ] {
            assert!(of(bytes).is_err_and(|error| error.contains(says)), "{says}");
        }
        let name = |path: &Path| text(path, "x", 9).map_err(|error| error.to_string());
        assert!(name(scratch.path()).is_err_and(|error| error.contains("it is a directory")));
        assert!(name(&scratch.path().join("absent")).is_err_and(|error| error.contains("No such file")));
        assert!(name(Path::new("/dev/zero")).is_err_and(|error| error.contains("longer")));
    }
}
