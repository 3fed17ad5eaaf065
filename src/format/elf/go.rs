//! What Go's linker leaves in a program: the note with the build id (cmd/link/internal/ld/elf.go, `.note.go.buildid`),
//! and the version of Go at the start of the data (debug/buildinfo, *Magic*).

use bstr::ByteSlice;
use serde::{Deserialize, Serialize};

/// Bytes of the head of the build information: 32, then the version if it stands there itself.
pub const BUILD_INFO: usize = 96;

/// `n_namesz` 4, `n_descsz`, `n_type` 4, and the name.
const NAME: &[u8] = b"Go\0\0";
const MAGIC: &[u8] = b"\xff Go buildinf:";
/// Behind the magic: the flag that says that strings follow in place, as since Go 1.18.
const IN_PLACE: u8 = 2;

/// The Go that a program was built with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Go {
    /// Its minor version, the 22 of 1.22, if that is told.
    pub minor: Option<u32>,
}

impl Go {
    /// Whether the notes (PT_NOTE) of a program are by Go's linker.
    pub fn is_named(notes: &[u8]) -> bool {
        notes.windows(NAME.len()).any(|name| name == NAME)
    }

    /// Of the first bytes of the data of a program that Go built.
    pub fn of(data: &[u8]) -> Self {
        Go { minor: minor(data) }
    }
}

fn minor(data: &[u8]) -> Option<u32> {
    let info = data.get(data.find(MAGIC)?..)?;
    let (flags, length) = (*info.get(15)?, usize::from(*info.get(32)?));
    let version = info.get(33..)?.get(..length)?.strip_prefix(b"go1.").filter(|_| flags & IN_PLACE != 0)?;
    let digits: Vec<u8> = version.iter().copied().take_while(u8::is_ascii_digit).take(4).collect();
    digits.to_str().ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(version: &str) -> Vec<u8> {
        let mut data = [MAGIC, &[8, 2], &[0; 16], &[version.len() as u8], version.as_bytes()].concat();
        data.resize(BUILD_INFO, 0);
        data
    }

    #[test]
    fn versions() {
        for (version, minor) in [("go1.19.13", 19), ("go1.27", 27), ("go1.22rc1", 22)] {
            assert_eq!(Go::of(&info(version)).minor, Some(minor), "{version}");
        }
        for data in [info("devel +abc"), Vec::new(), b"\xff Go buildinf:\x08\x02".to_vec()] {
            assert_eq!(Go::of(&data).minor, None);
        }
        assert!(Go::is_named(b"\x04\0\0\0\x53\0\0\0\x04\0\0\0Go\0\0xyz"));
        assert!(!Go::is_named(b"\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0xyz"));
    }
}
