//! A map by name that is shared in parts: who changes one name copies only the part that it lies in.

use std::collections::BTreeMap;

use bstr::{BStr, BString, ByteSlice};

use super::shared::Shared;

/// Parts of a map: scripts have some hundred variables, most of which never change.
const PARTS: usize = 32;

type Part<V> = Shared<BTreeMap<BString, V>>;

/// Values by name. The parts that two maps have in common are equal without a look at them, hence `Eq`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parted<V: Eq>(Shared<Vec<Part<V>>>);

impl<V: Eq> Default for Parted<V> {
    fn default() -> Self {
        Parted(vec![Part::default(); PARTS].into())
    }
}

impl<V: Clone + Eq> Parted<V> {
    /// The value of a name.
    pub fn get(&self, name: &[u8]) -> Option<&V> {
        self.0.get(part(name))?.get(name.as_bstr())
    }

    /// The same, to change it: the part is copied if it is there.
    pub fn get_mut(&mut self, name: &[u8]) -> Option<&mut V> {
        self.get(name)?;
        self.part(name)?.get_mut(name.as_bstr())
    }

    /// The value of a name, which is `fresh` if there was none.
    pub fn get_or_insert(&mut self, name: &[u8], fresh: V) -> Option<&mut V> {
        Some(self.part(name)?.entry(name.into()).or_insert(fresh))
    }

    /// Sets a value.
    pub fn insert(&mut self, name: BString, value: V) {
        if let Some(part) = self.part(&name) {
            part.insert(name, value);
        }
    }

    /// Takes a value away.
    pub fn remove(&mut self, name: &[u8]) {
        if self.get(name).is_some()
            && let Some(part) = self.part(name)
        {
            part.remove(name.as_bstr());
        }
    }

    /// All values, in no order that means something.
    pub fn iter(&self) -> impl Iterator<Item = (&BStr, &V)> {
        self.0.iter().flat_map(|part| part.iter()).map(|(name, value)| (name.as_bstr(), value))
    }

    /// The parts in which two maps differ.
    pub fn differing<'a>(
        &'a mut self,
        other: &'a Self,
    ) -> impl Iterator<Item = (&'a mut BTreeMap<BString, V>, &'a BTreeMap<BString, V>)> {
        let pairs = self.0.iter_mut().zip(other.0.iter());
        pairs.filter(|(mine, theirs)| mine != theirs).map(|(mine, theirs)| (&mut **mine, &**theirs))
    }

    fn part(&mut self, name: &[u8]) -> Option<&mut BTreeMap<BString, V>> {
        self.0.get_mut(part(name)).map(|part| &mut **part)
    }
}

/// Where a name lies: FNV-1a, <http://www.isthe.com/chongo/tech/comp/fnv/>.
fn part(name: &[u8]) -> usize {
    let hash = name.iter().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193));
    (hash >> 16) as usize % PARTS
}
