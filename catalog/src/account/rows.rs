//! Rows by key that can be put back as they were: the tables of an account while changes are tried.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// Rows in the order of their keys. While an attempt runs, every row's value before it is kept.
#[derive(Clone, Debug)]
pub(super) struct Rows<K, V> {
    rows: BTreeMap<K, V>,
    /// Keys and what was there, in the order of the changes; `None` while no attempt runs.
    before: Option<Vec<(K, Option<V>)>>,
}

impl<K: Ord + Clone, V: Clone> Rows<K, V> {
    pub(super) fn new() -> Self {
        Self { rows: BTreeMap::new(), before: None }
    }

    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.rows.get(key)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.rows.iter()
    }

    pub(super) fn range(&self, keys: RangeInclusive<K>) -> impl Iterator<Item = (&K, &V)> {
        self.rows.range(keys)
    }

    pub(super) fn insert(&mut self, key: K, value: V) {
        match &mut self.before {
            None => {
                self.rows.insert(key, value);
            }
            Some(before) => {
                let old = self.rows.insert(key.clone(), value);
                before.push((key, old));
            }
        }
    }

    pub(super) fn remove(&mut self, key: &K) -> Option<V> {
        let old = self.rows.remove(key)?;
        if let Some(before) = &mut self.before {
            before.push((key.clone(), Some(old.clone())));
        }
        Some(old)
    }

    pub(super) fn retain(&mut self, mut keep: impl FnMut(&K) -> bool) {
        let before = &mut self.before;
        self.rows.retain(|key, value| {
            let kept = keep(key);
            if let (false, Some(before)) = (kept, before.as_mut()) {
                before.push((key.clone(), Some(value.clone())));
            }
            kept
        });
    }

    pub(super) fn begin(&mut self) {
        self.before = Some(Vec::new());
    }

    pub(super) fn commit(&mut self) {
        self.before = None;
    }

    pub(super) fn roll_back(&mut self) {
        for (key, old) in self.before.take().into_iter().flatten().rev() {
            match old {
                Some(old) => self.rows.insert(key, old),
                None => self.rows.remove(&key),
            };
        }
    }
}
