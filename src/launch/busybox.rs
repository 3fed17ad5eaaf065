//! A busybox by its bytes: which applets it was built with, and whether its shell takes them before files of the same name.

use bstr::{BString, ByteSlice};

use crate::rootfs::{Ino, View};

/// More than any busybox is long.
const MOST: usize = 16 << 20;

/// The applets of one busybox.
#[derive(Clone, Debug)]
pub struct Applets {
    names: Vec<BString>,
    /// Its shell runs them without looking for a file (FEATURE_PREFER_APPLETS or FEATURE_SH_STANDALONE): Debian's does,
    /// Alpine's and that of the image `busybox` do not.
    pub preferred: bool,
}

impl Applets {
    /// The names of all stand in the file in their order, each with its NUL (`applet_names` of
    /// include/applet_tables.h), `[` and `[[` first. What prefers applets executes itself by the path that is kept in
    /// `bb_busybox_exec_path` (libbb/messages.c), which is in no other build.
    ///
    /// # Errors
    /// The file cannot be read again, or has no such names.
    pub fn of(view: &View<'_>, ino: Ino) -> Result<Self, String> {
        let bytes = view.read(ino, 0, MOST).map_err(|e| e.to_string())?;
        let Some(start) = bytes.find(b"[\0[[\0") else { return Err("it has no names of applets".to_owned()) };
        let names = bytes.get(start..).unwrap_or_default().split(|b| *b == 0);
        let names = names.take_while(|n| !n.is_empty()).map(BString::from).collect();
        Ok(Applets { names, preferred: bytes.contains_str("/proc/self/exe") })
    }

    /// Whether it has that one.
    pub fn has(&self, name: &[u8]) -> bool {
        self.names.iter().any(|known| known == name)
    }
}
