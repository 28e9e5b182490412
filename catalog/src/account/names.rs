//! Interned names: a name becomes a small number once, rows hold numbers.

use std::collections::HashMap;
use std::hash::Hash;

/// Values that are only ever added.
#[derive(Clone, Debug)]
pub(super) struct Interner<T> {
    ids: HashMap<T, u32>,
    values: Vec<T>,
}

impl<T: Clone + Eq + Hash> Interner<T> {
    pub(super) fn new() -> Self {
        Self { ids: HashMap::new(), values: Vec::new() }
    }

    pub(super) fn id(&mut self, value: &T) -> u32 {
        if let Some(id) = self.ids.get(value) {
            return *id;
        }
        let id = self.values.len() as u32;
        self.ids.insert(value.clone(), id);
        self.values.push(value.clone());
        id
    }

    pub(super) fn find(&self, value: &T) -> Option<u32> {
        self.ids.get(value).copied()
    }

    pub(super) fn get(&self, id: u32) -> Option<&T> {
        self.values.get(id as usize)
    }
}

/// Named entries that can go: looked up by key, shown by name. A removed entry's number is not used again.
#[derive(Clone, Debug)]
pub(super) struct Names<T, I> {
    ids: HashMap<T, u32>,
    entries: Vec<Option<(T, I)>>,
}

impl<T: Eq + Hash, I> Names<T, I> {
    pub(super) fn new() -> Self {
        Self { ids: HashMap::new(), entries: Vec::new() }
    }

    pub(super) fn put(&mut self, key: T, name: T, info: I) -> u32 {
        if let Some(id) = self.ids.get(&key).copied() {
            if let Some(entry) = self.entries.get_mut(id as usize) {
                *entry = Some((name, info));
            }
            return id;
        }
        let id = self.entries.len() as u32;
        self.ids.insert(key, id);
        self.entries.push(Some((name, info)));
        id
    }

    pub(super) fn find(&self, key: &T) -> Option<(u32, &T, &I)> {
        let id = *self.ids.get(key)?;
        self.entries.get(id as usize)?.as_ref().map(|(name, info)| (id, name, info))
    }

    pub(super) fn find_mut(&mut self, key: &T) -> Option<&mut I> {
        let id = *self.ids.get(key)?;
        self.entries.get_mut(id as usize)?.as_mut().map(|(_, info)| info)
    }

    pub(super) fn remove(&mut self, key: &T) -> Option<u32> {
        let id = self.ids.remove(key)?;
        if let Some(entry) = self.entries.get_mut(id as usize) {
            *entry = None;
        }
        Some(id)
    }

    pub(super) fn name(&self, id: u32) -> Option<&T> {
        self.entries.get(id as usize)?.as_ref().map(|(name, _)| name)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &T, &I)> {
        self.entries
            .iter()
            .enumerate()
            .filter_map(|(id, entry)| entry.as_ref().map(|(name, info)| (id as u32, name, info)))
    }
}
