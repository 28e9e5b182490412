//! Columns addressed by dense ids, and postings.

/// No row: the id that stands for "none" in a column of ids.
pub const NONE: u32 = u32::MAX;

/// A column with one value per dense id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Column<T>(Vec<T>);

impl<T> Column<T> {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The values in order of id.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.0.iter()
    }

    /// The value of an id that was minted with this column.
    #[expect(clippy::indexing_slicing, reason = "ids are minted with the columns of the same snapshot")]
    pub fn at(&self, id: u32) -> &T {
        &self.0[id as usize]
    }

    /// The value of an id, or `None` for an id of no row.
    pub fn get(&self, id: u32) -> Option<&T> {
        self.0.get(id as usize)
    }

    /// The values as a slice.
    pub fn as_slice(&self) -> &[T] {
        &self.0
    }
}

impl<'a, T> IntoIterator for &'a Column<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<T> From<Vec<T>> for Column<T> {
    fn from(values: Vec<T>) -> Self {
        Self(values)
    }
}

impl<T> FromIterator<T> for Column<T> {
    fn from_iter<I: IntoIterator<Item = T>>(iter: I) -> Self {
        Self(iter.into_iter().collect())
    }
}

/// Texts in one buffer, one per dense id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strings {
    ends: Vec<u64>,
    bytes: String,
}

impl Strings {
    /// No text yet.
    pub fn new() -> Self {
        Self { ends: Vec::new(), bytes: String::new() }
    }

    /// Adds the next text.
    pub fn push(&mut self, text: &str) {
        self.bytes.push_str(text);
        self.ends.push(self.bytes.len() as u64);
    }

    /// The text of an id; empty for an id of no row.
    pub fn get(&self, id: u32) -> &str {
        let id = id as usize;
        let start = id.checked_sub(1).and_then(|i| self.ends.get(i)).copied().unwrap_or(0);
        let end = self.ends.get(id).copied().unwrap_or(start);
        self.bytes.get(start as usize..end as usize).unwrap_or_default()
    }

    /// Number of texts.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
}

impl Default for Strings {
    fn default() -> Self {
        Self::new()
    }
}

/// Postings: for each key a run of ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Postings {
    starts: Vec<u32>,
    items: Vec<u32>,
}

impl Postings {
    /// Groups `(key, item)` pairs by key, keeping the order of pairs within a key. Keys are below `keys`.
    pub fn group(keys: usize, pairs: impl Iterator<Item = (u32, u32)> + Clone) -> Self {
        let mut starts = vec![0_u32; keys + 1];
        let mut count = 0_usize;
        for (key, _) in pairs.clone() {
            if let Some(n) = starts.get_mut(key as usize + 1) {
                *n += 1;
                count += 1;
            }
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let mut next = starts.clone();
        let mut items = vec![0_u32; count];
        for (key, item) in pairs {
            if let Some(at) = next.get_mut(key as usize)
                && let Some(slot) = items.get_mut(*at as usize)
            {
                *slot = item;
                *at += 1;
            }
        }
        Self { starts, items }
    }

    /// Joins one run per key, in order of key.
    pub fn from_runs<R: AsRef<[u32]>>(runs: impl IntoIterator<Item = R>) -> Self {
        let mut starts = vec![0];
        let mut items = Vec::new();
        for run in runs {
            items.extend_from_slice(run.as_ref());
            starts.push(items.len() as u32);
        }
        Self { starts, items }
    }

    /// The run of a key; empty for a key of no row.
    pub fn of(&self, key: u32) -> &[u32] {
        let range = self.range(key);
        self.items.get(range).unwrap_or_default()
    }

    /// Where the run of a key lies among all items.
    pub fn range(&self, key: u32) -> std::ops::Range<usize> {
        let at = |k: usize| self.starts.get(k).copied().unwrap_or(self.items.len() as u32) as usize;
        at(key as usize)..at(key as usize + 1)
    }

    /// Number of keys.
    pub fn keys(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// Number of items of all keys.
    pub fn total(&self) -> usize {
        self.items.len()
    }

    /// The postings of the other direction: for each item (below `keys`) the keys that hold it, in order.
    pub fn transposed(&self, keys: usize) -> Self {
        let pairs = (0..self.keys() as u32).flat_map(|key| self.of(key).iter().map(move |item| (*item, key)));
        Self::group(keys, pairs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postings_group_and_transpose() {
        let p = Postings::group(3, [(2, 7), (0, 1), (2, 5)].into_iter());
        assert_eq!((p.of(0), p.of(1), p.of(2)), (&[1][..], &[][..], &[7, 5][..]));
        let t = Postings::from_runs([vec![1, 2], vec![2]]).transposed(3);
        assert_eq!((t.of(0), t.of(1), t.of(2)), (&[][..], &[0][..], &[0, 1][..]));
    }

    #[test]
    fn strings_are_found_by_id() {
        let mut s = Strings::new();
        for t in ["a", "", "déjà"] {
            s.push(t);
        }
        assert_eq!((s.get(0), s.get(1), s.get(2), s.get(9)), ("a", "", "déjà", ""));
    }
}
