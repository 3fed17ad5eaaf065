//! /etc/ld.so.cache, as ldconfig(8) writes it and ld.so reads it (glibc sysdeps/generic/dl-cache.h, elf/dl-cache.c).

use std::cmp::Ordering;

use bstr::{BStr, BString, ByteSlice};
use scroll::{Endian, Pread};

/// `CACHEMAGIC`, of the format before glibc 2.2; the newer one may follow it.
const OLD: &[u8] = b"ld.so-1.7.0\0";
/// `CACHEMAGIC_VERSION_NEW`.
const NEW: &[u8] = b"glibc-ld.so.cache1.1";
/// Length of the newer header.
const HEADER: usize = 48;
/// Length of an entry of either format.
const ENTRY: usize = 24;
const OLD_ENTRY: usize = 12;
/// `DL_CACHE_HWCAP_EXTENSION` in the upper half of `hwcap`, with the ISA level in its low ten bits: the lower half
/// counts the levels in the extension.
const EXTENSION: u32 = 1 << 30;
const EXTENSION_MASK: u32 = !0x3ff;
/// `cache_extension_magic`.
const EXTENSION_MAGIC: u32 = 0xeaa4_2174;
/// `cache_extension_tag_glibc_hwcaps`.
const LEVELS: u32 = 1;
/// More entries than this are not read; a large distribution has some thousands.
const MAX_ENTRIES: usize = 1 << 16;

/// The libraries that ldconfig found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cache {
    entries: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    flags: i32,
    name: BString,
    path: BString,
    variant: Variant,
}

/// For which processors an entry is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Variant {
    /// All.
    Plain,
    /// Those of this `glibc-hwcaps` level.
    Level(BString),
    /// Those with these capabilities, as bits, until glibc 2.36.
    Legacy(u64),
}

impl Cache {
    /// Reads a cache of any format; `None` if it is none, or for a machine of the other byte order.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        if bytes.starts_with(NEW) {
            return Cache::parse_new(bytes);
        }
        let count = bytes.strip_prefix(OLD).and_then(|rest| rest.pread_with::<u32>(0, Endian::Little).ok())?;
        let end = (count as usize).checked_mul(OLD_ENTRY)?.checked_add(16)?;
        // The newer one follows where it is aligned (`ALIGN_CACHE`), which depends on the machine.
        let aligned = |to| bytes.get(end.checked_next_multiple_of(to)?..).filter(|rest| rest.starts_with(NEW));
        let newer = aligned(8).or_else(|| aligned(4));
        newer.map_or_else(|| Cache::parse_old(bytes, count as usize, end), Cache::parse_new)
    }

    fn parse_old(bytes: &[u8], count: usize, strings: usize) -> Option<Self> {
        let entry = |entry: &[u8]| {
            let field = |at: usize| entry.pread_with::<u32>(at, Endian::Little).ok();
            let text = |at: usize| string(bytes, strings.checked_add(field(at)? as usize)?);
            Some(Entry { flags: field(0)? as i32, name: text(4)?, path: text(8)?, variant: Variant::Plain })
        };
        let table = bytes.get(16..strings)?.chunks_exact(OLD_ENTRY).take(count.min(MAX_ENTRIES));
        Some(Cache { entries: table.filter_map(entry).collect() })
    }

    fn parse_new(bytes: &[u8]) -> Option<Self> {
        // cache_file_new.flags: 0 or 1 is not marked, 2 little, 3 big.
        let endian = if bytes.get(28)? & 3 == 3 { Endian::Big } else { byte_order(bytes)? };
        let field = |at: usize| bytes.pread_with::<u32>(at, endian).ok();
        let count = field(20)? as usize;
        let end = count.checked_mul(ENTRY)?.checked_add(HEADER)?;
        let levels = field(32).map(|at| levels(bytes, at as usize, endian)).unwrap_or_default();
        let entry = |entry: &[u8]| {
            let field = |at: usize| entry.pread_with::<u32>(at, endian).ok();
            let text = |at: usize| string(bytes, field(at)? as usize);
            let hwcap = entry.pread_with::<u64>(16, endian).ok()?;
            let (upper, lower) = ((hwcap >> 32) as u32, hwcap as u32);
            let variant = match hwcap {
                0 => Variant::Plain,
                _ if upper & EXTENSION_MASK == EXTENSION => Variant::Level(levels.get(lower as usize)?.clone()),
                _ => Variant::Legacy(hwcap),
            };
            Some(Entry { flags: field(0)? as i32, name: text(4)?, path: text(8)?, variant })
        };
        let table = bytes.get(HEADER..end)?.chunks_exact(ENTRY).take(MAX_ENTRIES);
        Some(Cache { entries: table.filter_map(entry).collect() })
    }

    /// The path for `name`, of the entries whose flags are among `accepted` (`search_cache`): the best level, or else the
    /// first entry that asks for no capability beyond `capabilities`. `rank` gives the place of a level among those that
    /// the processor has.
    pub fn lookup(
        &self,
        name: &BStr,
        accepted: &[i32],
        rank: impl Fn(&[u8]) -> Option<usize>,
        capabilities: u64,
    ) -> Option<&BStr> {
        let mut best: Option<(&Entry, usize)> = None;
        let named = |entry: &&Entry| accepted.contains(&entry.flags) && compare(name, &entry.name) == Ordering::Equal;
        for entry in self.entries.iter().filter(named) {
            match &entry.variant {
                Variant::Legacy(needed) if needed & !capabilities != 0 => {}
                Variant::Level(level) => {
                    let Some(rank) = rank(level) else { continue };
                    if best.is_none_or(|(_, before)| rank < before) {
                        best = Some((entry, rank));
                    }
                }
                Variant::Legacy(_) | Variant::Plain => {
                    return Some(best.map_or(entry, |(level, _)| level).path.as_bstr());
                }
            }
        }
        best.map(|(entry, _)| entry.path.as_bstr())
    }

    /// Whether `name` has entries for certain processors.
    pub fn has_variants(&self, name: &BStr) -> bool {
        self.entries.iter().any(|entry| entry.variant != Variant::Plain && entry.name == name)
    }
}

/// The strings of the hwcaps extension, by index.
fn levels(bytes: &[u8], at: usize, endian: Endian) -> Vec<BString> {
    let field = |at: usize| bytes.pread_with::<u32>(at, endian).ok();
    if at == 0 || field(at) != Some(EXTENSION_MAGIC) {
        return Vec::new();
    }
    let sections = field(at + 4).unwrap_or_default().min(16) as usize;
    let section = (0..sections).map(|i| at + 8 + 16 * i).find(|at| field(*at) == Some(LEVELS));
    let Some((offset, size)) = section.and_then(|at| Some((field(at + 8)? as usize, field(at + 12)? as usize))) else {
        return Vec::new();
    };
    let table = offset.checked_add(size).and_then(|end| bytes.get(offset..end)).unwrap_or_default();
    let name = |at: &[u8]| string(bytes, at.pread_with::<u32>(0, endian).ok()? as usize);
    table.chunks_exact(4).take(256).map(|at| name(at).unwrap_or_default()).collect()
}

/// The byte order of a cache that does not say: the one in which its count makes sense.
fn byte_order(bytes: &[u8]) -> Option<Endian> {
    let fits = |endian| {
        let count = bytes.pread_with::<u32>(20, endian).ok()? as usize;
        (count <= bytes.len() / ENTRY).then_some(endian)
    };
    fits(Endian::Little).or_else(|| fits(Endian::Big))
}

fn string(bytes: &[u8], at: usize) -> Option<BString> {
    let text = bytes.get(at..)?;
    text.get(..text.find_byte(0)?).map(BString::from)
}

/// `_dl_cache_libcmp`: runs of digits compare as numbers.
fn compare(a: &[u8], b: &[u8]) -> Ordering {
    let (mut a, mut b) = (a, b);
    loop {
        match (a.first(), b.first()) {
            (None, None) => return Ordering::Equal,
            (Some(x), Some(y)) if x.is_ascii_digit() && y.is_ascii_digit() => {
                let (left, right) = (number(&mut a), number(&mut b));
                if left != right {
                    return left.cmp(&right);
                }
            }
            (Some(x), _) if x.is_ascii_digit() => return Ordering::Greater,
            (_, Some(y)) if y.is_ascii_digit() => return Ordering::Less,
            (x, y) if x != y => return x.cmp(&y),
            _ => {
                a = a.get(1..).unwrap_or_default();
                b = b.get(1..).unwrap_or_default();
            }
        }
    }
}

/// Takes a run of digits off the front.
fn number(text: &mut &[u8]) -> u32 {
    let digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
    let (run, rest) = text.split_at(digits);
    *text = rest;
    run.iter().fold(0, |n: u32, b| n.wrapping_mul(10).wrapping_add(u32::from(b - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_compare_as_numbers() {
        assert_eq!(compare(b"libx.so.10", b"libx.so.9"), Ordering::Greater);
        assert_eq!(compare(b"libx.so.01", b"libx.so.1"), Ordering::Equal);
        assert_eq!(compare(b"libx.so", b"libx.so.1"), Ordering::Less);
        assert_eq!(compare(b"a1", b"ab"), Ordering::Greater);
    }

    /// (flags, name, path, hwcap)
    type Row = (i32, &'static str, &'static str, u64);

    /// A cache of the newer format with the levels `x86-64-v2` and `x86-64-v3`.
    fn write(rows: &[Row]) -> Vec<u8> {
        let mut strings = b"x86-64-v2\0x86-64-v3\0".to_vec();
        let base = HEADER + rows.len() * ENTRY;
        let mut table = Vec::new();
        for (flags, name, path, hwcap) in rows {
            let mut put = |text: &str| {
                let at = (base + strings.len()) as u32;
                strings.extend_from_slice(text.as_bytes());
                strings.push(0);
                at
            };
            let (name, path) = (put(name), put(path));
            [*flags as u32, name, path, 0].iter().for_each(|v| table.extend_from_slice(&v.to_le_bytes()));
            table.extend_from_slice(&hwcap.to_le_bytes());
        }
        let extension = (base + strings.len()) as u32;
        let mut bytes = NEW.to_vec();
        for value in [rows.len() as u32, strings.len() as u32, 2, extension, 0, 0, 0] {
            bytes.extend_from_slice(&value.to_le_bytes());
        }
        bytes.extend(table);
        bytes.extend(strings);
        let levels = [base as u32, base as u32 + 10];
        for value in [EXTENSION_MAGIC, 1, LEVELS, 0, extension + 24, 8].iter().chain(&levels) {
            bytes.extend_from_slice(&value.to_le_bytes());
        }
        bytes
    }

    fn lookup<'c>(cache: &'c Cache, name: &str, levels: &[&str]) -> Option<&'c BStr> {
        cache.lookup(name.into(), &[0x303], |level| levels.iter().position(|l| l.as_bytes() == level), 0)
    }

    #[test]
    fn the_best_level_wins_and_other_machines_are_passed_over() {
        let level = |index: u64| u64::from(EXTENSION) << 32 | index;
        let cache = Cache::parse(&write(&[
            (0x303, "libx.so.1", "/v2/libx.so.1", level(0)),
            (0x303, "libx.so.1", "/v3/libx.so.1", level(1)),
            (3, "libx.so.1", "/32/libx.so.1", 0),
            (0x303, "libx.so.1", "/lib/libx.so.1", 0),
            (0x303, "liby.so.1", "/tls/liby.so.1", 1 << 63),
        ]))
        .unwrap();
        assert_eq!(lookup(&cache, "libx.so.1", &[]), Some("/lib/libx.so.1".into()));
        assert_eq!(lookup(&cache, "libx.so.1", &["x86-64-v3", "x86-64-v2"]), Some("/v3/libx.so.1".into()));
        assert_eq!(lookup(&cache, "libx.so.1", &["x86-64-v2"]), Some("/v2/libx.so.1".into()));
        assert_eq!(lookup(&cache, "liby.so.1", &["x86-64-v2"]), None);
        assert_eq!(cache.lookup("liby.so.1".into(), &[0x303], |_| None, 1 << 63), Some("/tls/liby.so.1".into()));
        assert_eq!(cache.lookup("libx.so.1".into(), &[3, 1], |_| None, 0), Some("/32/libx.so.1".into()));
        assert!(cache.has_variants("liby.so.1".into()) && !cache.has_variants("libz.so.1".into()));
    }

    #[test]
    fn an_old_cache_may_hold_a_newer_one() {
        let entry = [3, 0, 8].map(u32::to_le_bytes).concat();
        let old = |rest: &[u8]| [OLD, &1u32.to_le_bytes(), &entry, rest].concat();
        let cache = Cache::parse(&old(b"libx.so\0/x\0")).unwrap();
        assert_eq!(cache.lookup("libx.so".into(), &[3, 1], |_| None, 0), Some("/x".into()));
        let newer = write(&[(3, "liby.so", "/y", 0)]);
        let cache = Cache::parse(&old(&[[0; 4].as_slice(), &newer].concat())).unwrap();
        assert_eq!(cache.lookup("liby.so".into(), &[3, 1], |_| None, 0), Some("/y".into()));
    }

    #[test]
    fn damage_is_survived() {
        let whole = write(&[(0x303, "libx.so.1", "/lib/libx.so.1", 0)]);
        for length in 0..whole.len() {
            Cache::parse(&whole[..length]);
        }
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] = 0xff;
            Cache::parse(&damaged);
        }
        assert_eq!(Cache::parse(b"not a cache"), None);
    }
}
