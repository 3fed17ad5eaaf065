//! What code a program gets to from its start: by calls and jumps, and by the addresses that it loads, as those of `main`,
//! of handlers and of what threads run. What is reached through tables among the data only is not followed.

use std::collections::BTreeSet;

use super::instructions::Text;

/// Compilers align functions so.
const ALIGNMENT: u64 = 16;

/// Stretches of code, by where they begin.
#[derive(Debug, Default)]
pub struct Reached(Vec<(u64, u64)>);

impl Reached {
    /// Whether an address lies in them.
    pub fn has(&self, address: u64) -> bool {
        let at = self.0.partition_point(|(start, _)| *start <= address).checked_sub(1);
        at.and_then(|at| self.0.get(at)).is_some_and(|(_, end)| address < *end)
    }
}

/// Follows `calls` (what is called, and where from) and pointers from `entry`; functions begin at `starts`. A stretch ends where a function begins; what
/// only looks like the begin of one, in the middle of another, is not aligned.
pub fn from(text: Text<'_>, entry: u64, calls: &[(u64, u64)], starts: &[u64]) -> Reached {
    let mut edges: Vec<(u64, u64)> = calls.iter().map(|(to, at)| (*at, *to)).collect();
    edges.extend(text.addresses(&[0x8d]).filter(|(_, to)| text.has(*to)));
    edges.extend(text.branches());
    edges.extend(text.main(entry).map(|main| (entry, main)));
    edges.sort_unstable();
    let starts: Vec<u64> = starts.iter().copied().filter(|start| start.is_multiple_of(ALIGNMENT)).collect();
    let (mut seen, mut left) = (BTreeSet::new(), vec![entry]);
    while let Some(start) = left.pop() {
        let end = end(&starts, start);
        // Of the same stretch, what lies behind another begin has been looked at.
        let is_covered = seen.range(..=start).next_back().is_some_and(|before| self::end(&starts, *before) == end);
        if is_covered {
            continue;
        }
        let until = seen.range(start..end).next().copied().unwrap_or(end);
        seen.insert(start);
        let from = edges.partition_point(|(at, _)| *at < start);
        let within = edges.iter().skip(from).take_while(|(at, _)| *at < until);
        left.extend(within.map(|(_, to)| *to).filter(|to| !(start..end).contains(to) && !seen.contains(to)));
    }
    join(seen.into_iter().map(|start| (start, end(&starts, start))))
}

/// Where the function ends that the code at `start` belongs to.
fn end(starts: &[u64], start: u64) -> u64 {
    starts.get(starts.partition_point(|other| *other <= start)).copied().unwrap_or(u64::MAX)
}

/// Stretches that overlap become one.
fn join(stretches: impl Iterator<Item = (u64, u64)>) -> Reached {
    let mut joined: Vec<(u64, u64)> = Vec::new();
    for (start, end) in stretches {
        match joined.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => joined.push((start, end)),
        }
    }
    Reached(joined)
}
