//! What is known of a file beside its contents, in 28 bytes that can be read where they lie.

/// An entry of a directory, together with the inode that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// Where its name is: see [`super::push_name`].
    pub name: u32,
    /// File type, with what belongs to it.
    pub data: Data,
    /// Permission bits, set-id and sticky bits.
    pub mode: u16,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// The layer that made it, or last changed it.
    pub layer: Option<u16>,
    /// Which entry of that layer.
    pub ordinal: u32,
    /// One bit more, for whoever makes the tree.
    pub implied: bool,
}

/// File type, with what belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Data {
    /// A regular file.
    Regular {
        /// Length in bytes.
        size: u64,
        /// Something was kept of it, and is found elsewhere.
        kept: bool,
    },
    /// A directory: the numbers of what it names.
    Directory {
        /// The first.
        first: u32,
        /// How many.
        count: u32,
    },
    /// A symbolic link: where its target is.
    Symlink {
        /// First byte.
        at: u32,
        /// How many.
        len: u32,
    },
    /// A device or a FIFO.
    Special,
    /// Another name for the file of that number.
    Link(u32),
}

/// The bytes of a record.
pub(super) const LEN: usize = 28;

/// Stands for no layer.
const NONE: u16 = u16::MAX;
const MODE: u16 = 0o7777;
const IMPLIED: u16 = 1 << 15;
const TYPE: u32 = 12;

impl Record {
    pub(super) fn read(bytes: &[u8; LEN]) -> Option<Self> {
        let word =
            |i: usize| bytes.get(4 * i..).and_then(<[u8]>::first_chunk).map_or(0, |word| u32::from_le_bytes(*word));
        let (low, high, last) = (word(1), word(2), word(6));
        let (layer, bits) = (last as u16, (last >> 16) as u16);
        let size = u64::from(low) | u64::from(high) << 32;
        let data = match bits >> TYPE & 7 {
            0 => Data::Regular { size, kept: false },
            1 => Data::Regular { size, kept: true },
            2 => Data::Directory { first: low, count: high },
            3 => Data::Symlink { at: low, len: high },
            4 => Data::Special,
            5 => Data::Link(low),
            _ => return None,
        };
        Some(Record {
            name: word(0),
            data,
            mode: bits & MODE,
            uid: word(3),
            gid: word(4),
            layer: (layer != NONE).then_some(layer),
            ordinal: word(5),
            implied: bits & IMPLIED != 0,
        })
    }

    fn written(&self) -> [u8; LEN] {
        let (tag, low, high) = match self.data {
            Data::Regular { size, kept } => (u16::from(kept), size as u32, (size >> 32) as u32),
            Data::Directory { first, count } => (2, first, count),
            Data::Symlink { at, len } => (3, at, len),
            Data::Special => (4, 0, 0),
            Data::Link(to) => (5, to, 0),
        };
        let bits = self.mode & MODE | tag << TYPE | if self.implied { IMPLIED } else { 0 };
        let last = u32::from(self.layer.unwrap_or(NONE)) | u32::from(bits) << 16;
        let mut bytes = [0; LEN];
        let words = [self.name, low, high, self.uid, self.gid, self.ordinal, last];
        bytes.chunks_exact_mut(4).zip(words).for_each(|(into, word)| into.copy_from_slice(&word.to_le_bytes()));
        bytes
    }
}

/// Records, by number.
#[derive(Clone, Debug, Default)]
pub struct Records(Vec<u8>);

impl Records {
    /// None, with room for so many.
    pub fn with_capacity(records: usize) -> Self {
        Records(Vec::with_capacity(records.saturating_mul(LEN)))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len() / LEN
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The record of that number.
    pub fn get(&self, number: u32) -> Option<Record> {
        get(&self.0, number)
    }

    /// Where the name of that record is, which is asked for most.
    pub fn name(&self, number: u32) -> Option<u32> {
        name(&self.0, number)
    }

    /// Puts another in the place of one that is there.
    pub fn set(&mut self, number: u32, record: &Record) {
        self.set_bytes(number as usize, &record.written());
    }

    /// Appends one; its number.
    pub fn push(&mut self, record: &Record) -> u32 {
        self.0.extend_from_slice(&record.written());
        self.len() as u32 - 1
    }

    /// Brings those that `order` names into its order, and lets go of the others. It is done in place, for the records of
    /// a large image are most of what is in memory.
    pub fn arrange(&mut self, mut order: Vec<u32>) {
        let kept = order.len();
        let mut is_named = vec![false; self.len()];
        order.retain(|number| is_named.get_mut(*number as usize).is_some_and(|named| !std::mem::replace(named, true)));
        order.extend((0_u32..).zip(&is_named).filter(|(_, named)| !**named).map(|(number, _)| number));
        drop(is_named);
        for start in 0..order.len() {
            self.follow(start, &mut order);
        }
        self.0.truncate(kept * LEN);
        self.0.shrink_to_fit();
    }

    /// Moves the records of one cycle of a permutation.
    fn follow(&mut self, start: usize, order: &mut [u32]) {
        let Some(first) = self.bytes(start) else { return };
        let mut to = start;
        while let Some(from) =
            order.get_mut(to).map(|from| std::mem::replace(from, MOVED)).filter(|from| *from != MOVED)
        {
            match self.bytes(from as usize).filter(|_| from as usize != start) {
                Some(bytes) => self.set_bytes(to, &bytes),
                None => return self.set_bytes(to, &first),
            }
            to = from as usize;
        }
    }

    fn bytes(&self, number: usize) -> Option<[u8; LEN]> {
        self.0.get(number * LEN..)?.first_chunk().copied()
    }

    fn set_bytes(&mut self, number: usize, bytes: &[u8; LEN]) {
        if let Some(into) = self.0.get_mut(number * LEN..).and_then(<[u8]>::first_chunk_mut) {
            *into = *bytes;
        }
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

/// What has been moved to its place.
const MOVED: u32 = u32::MAX;

/// Where the name of that record is.
pub(super) fn name(records: &[u8], number: u32) -> Option<u32> {
    records.get(number as usize * LEN..)?.first_chunk().map(|word| u32::from_le_bytes(*word))
}

/// The record of that number, if it is one.
pub(super) fn get(records: &[u8], number: u32) -> Option<Record> {
    Record::read(records.get(number as usize * LEN..)?.first_chunk()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(name: u32, data: Data) -> Record {
        Record { name, data, mode: 0o4755, uid: u32::MAX, gid: 7, layer: Some(3), ordinal: 1 << 31, implied: false }
    }

    #[test]
    fn what_is_written_is_read() {
        let all = [
            Data::Regular { size: u64::MAX - 5, kept: false },
            Data::Regular { size: 1 << 32, kept: true },
            Data::Directory { first: 1, count: u32::MAX },
            Data::Symlink { at: u32::MAX, len: 4095 },
            Data::Special,
            Data::Link(77),
        ];
        let mut records = Records::default();
        for (i, data) in all.into_iter().enumerate() {
            let wanted = Record { implied: i % 2 == 0, layer: (i > 0).then_some(i as u16), ..record(9, data) };
            let number = records.push(&wanted);
            assert_eq!((number as usize, records.get(number)), (i, Some(wanted)));
        }
        assert_eq!((records.len(), records.get(6)), (6, None));
        assert_eq!(Record::read(&[0xff; LEN]), None, "a type that there is not");
    }

    #[test]
    fn they_are_brought_into_any_order() {
        for order in [vec![], vec![0], vec![4, 3, 2, 1, 0], vec![1, 2, 0], vec![0, 4], vec![3, 1], vec![2, 0, 4, 1, 3]]
        {
            let mut records = Records::default();
            for name in 0..5 {
                records.push(&record(name, Data::Special));
            }
            records.arrange(order.clone());
            let names: Vec<u32> = (0..).map_while(|number| records.get(number)).map(|record| record.name).collect();
            assert_eq!(names, order);
        }
    }
}
