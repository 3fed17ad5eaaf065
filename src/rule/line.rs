//! A line of a script as a place.

use bstr::{BString, ByteSlice};

use super::trouble::is_text;
use super::{Subject, at};
use crate::finding::Place;
use crate::rootfs::View;

/// More of a script than this is not looked at for a line of it.
const MOST: usize = 1 << 16;

impl Subject<'_> {
    /// The line `number` of the script `path`, counted from 1, without the blanks around it; the last that has any, if it has
    /// fewer lines. `None` if that is not to be seen.
    pub fn line_of(&self, path: &BString, number: usize) -> Option<Place> {
        let ino = at(self, path)?;
        let view = View::new(self.image, self.rootfs);
        let head = view.read(ino, 0, MOST).ok().filter(|head| is_text(head))?;
        let mut span = 0..0;
        let mut start = 0;
        for line in head.lines_with_terminator().take(number) {
            let blanks = line.len() - line.trim_start_with(char::is_whitespace).len();
            if blanks < line.len() {
                span = start + blanks..start + line.trim_end_with(char::is_whitespace).len();
            }
            start += line.len();
        }
        let layer = view.inode(ino).layer.map(usize::from);
        (!span.is_empty()).then(|| Place::File { path: path.clone(), layer, head: head.into(), span: Some(span) })
    }
}
