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

/// An entry as it was: its key, its number, and what it held, if it was there.
type Before<T, I> = (T, u32, Option<(T, I)>);

/// Named entries that can go: looked up by key, shown by name. A removed entry's number is not used again.
///
/// While an attempt runs, every entry's content before it is kept.
#[derive(Clone, Debug)]
pub(super) struct Names<T, I> {
    ids: HashMap<T, u32>,
    entries: Vec<Option<(T, I)>>,
    before: Option<Vec<Before<T, I>>>,
}

impl<T: Clone + Eq + Hash, I: Clone> Names<T, I> {
    pub(super) fn new() -> Self {
        Self { ids: HashMap::new(), entries: Vec::new(), before: None }
    }

    pub(super) fn put(&mut self, key: T, name: T, info: I) -> u32 {
        if let Some(id) = self.ids.get(&key).copied() {
            self.note(&key, id);
            if let Some(entry) = self.entries.get_mut(id as usize) {
                *entry = Some((name, info));
            }
            return id;
        }
        let id = self.entries.len() as u32;
        if let Some(before) = &mut self.before {
            before.push((key.clone(), id, None));
        }
        self.ids.insert(key, id);
        self.entries.push(Some((name, info)));
        id
    }

    pub(super) fn find(&self, key: &T) -> Option<(u32, &T, &I)> {
        let id = *self.ids.get(key)?;
        self.entry(id).map(|(name, info)| (id, name, info))
    }

    pub(super) fn find_mut(&mut self, key: &T) -> Option<&mut I> {
        let id = *self.ids.get(key)?;
        self.note(key, id);
        self.entries.get_mut(id as usize)?.as_mut().map(|(_, info)| info)
    }

    pub(super) fn remove(&mut self, key: &T) -> Option<u32> {
        let id = *self.ids.get(key)?;
        self.note(key, id);
        self.ids.remove(key);
        if let Some(entry) = self.entries.get_mut(id as usize) {
            *entry = None;
        }
        Some(id)
    }

    /// Gives an entry another key and name; its number and content stay. Nothing when there is no such entry.
    pub(super) fn rename(&mut self, key: &T, new_key: T, name: T) {
        let Some(id) = self.ids.get(key).copied() else { return };
        self.note(key, id);
        if let Some(before) = &mut self.before {
            before.push((new_key.clone(), id, None));
        }
        self.ids.remove(key);
        self.ids.insert(new_key, id);
        if let Some(Some(entry)) = self.entries.get_mut(id as usize) {
            entry.0 = name;
        }
    }

    /// The name and content of a number.
    pub(super) fn entry(&self, id: u32) -> Option<(&T, &I)> {
        self.entries.get(id as usize)?.as_ref().map(|(name, info)| (name, info))
    }

    pub(super) fn name(&self, id: u32) -> Option<&T> {
        self.entry(id).map(|(name, _)| name)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &T, &I)> {
        self.entries
            .iter()
            .enumerate()
            .filter_map(|(id, entry)| entry.as_ref().map(|(name, info)| (id as u32, name, info)))
    }

    fn note(&mut self, key: &T, id: u32) {
        if let Some(before) = &mut self.before {
            let entry = self.entries.get(id as usize).cloned().flatten();
            before.push((key.clone(), id, entry));
        }
    }

    /// Whether an attempt runs.
    pub(super) fn is_open(&self) -> bool {
        self.before.is_some()
    }

    pub(super) fn begin(&mut self) {
        self.before = Some(Vec::new());
    }

    pub(super) fn commit(&mut self) {
        self.before = None;
    }

    pub(super) fn roll_back(&mut self) {
        for (key, id, old) in self.before.take().into_iter().flatten().rev() {
            if old.is_some() {
                self.ids.insert(key, id);
            } else {
                self.ids.remove(&key);
            }
            if let Some(entry) = self.entries.get_mut(id as usize) {
                *entry = old;
            }
        }
    }
}
