//! Names that a person typed: found as SQL would read them, with the nearest names when there is no such thing.

use super::Snapshot;
use crate::model::{Ident, Principal, Signature};

/// One part of a typed name.
#[derive(Debug, PartialEq, Eq)]
struct Part {
    text: String,
    quoted: bool,
}

impl Part {
    fn stored(&self) -> String {
        if self.quoted { self.text.clone() } else { self.text.to_ascii_uppercase() }
    }
}

impl Snapshot {
    /// The objects that a typed name means: unquoted parts are folded to upper case, quoted ones taken as they are.
    /// A function named without argument types means all of that name. Empty when there is none.
    pub fn resolve_objects(&self, text: &str) -> Vec<u32> {
        let exact = self.objects_named(text);
        if !exact.is_empty() {
            return exact;
        }
        let Some((parts, signature)) = typed(text) else { return Vec::new() };
        let names: Vec<String> = parts.iter().map(Part::stored).collect();
        let Some(last) = names.last() else { return Vec::new() };
        let same = |id: &&u32| {
            let object = self.object(**id);
            let found: Vec<&str> = object.parts().map(Ident::as_str).collect();
            found == names && (signature.is_none() || object.signature == signature)
        };
        self.objects_with_name(last).iter().filter(same).copied().collect()
    }

    /// The user that a typed name means: as stored, or folded to upper case.
    pub fn resolve_user(&self, text: &str) -> Option<u32> {
        let find = |name: &str| self.principal_id(&Principal::user(Ident::new(name).ok()?));
        let text = text.trim();
        find(text).or_else(|| match typed(text) {
            Some((parts, None)) => match parts.as_slice() {
                [part] => find(&part.stored()),
                _ => None,
            },
            _ => None,
        })
    }

    /// The full name of the object that is spelled most like `text`, if one is near.
    pub fn nearest_object(&self, text: &str) -> Option<String> {
        let wanted = text.to_ascii_uppercase();
        // Comparing every name of a large account would take seconds for a hint.
        let candidates = (0..self.object_count()).take(200_000).map(|id| self.object(id).shown());
        nearest(&wanted, candidates)
    }

    /// The name of the user that is spelled most like `text`, if one is near.
    pub fn nearest_user(&self, text: &str) -> Option<String> {
        let names = self.graph().users().map(|u| self.principals().at(u).shown());
        nearest(&text.to_ascii_uppercase(), names)
    }
}

/// The candidate with the fewest edits from `wanted`, when that is at most a third of its length.
pub fn nearest(wanted: &str, candidates: impl Iterator<Item = String>) -> Option<String> {
    let limit = (wanted.chars().count() / 3).clamp(1, 8);
    let near = |name: String| {
        let distance = edits(wanted, &name.to_ascii_uppercase(), limit)?;
        Some((distance, name))
    };
    candidates.filter_map(near).min().map(|(_, name)| name)
}

/// Levenshtein distance, or `None` when it is above `limit`.
fn edits(a: &str, b: &str, limit: usize) -> Option<usize> {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > limit {
        return None;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (slot, y) in row.iter_mut().skip(1).zip(&b) {
            let best = (diagonal + usize::from(x != y)).min(*slot + 1).min(left + 1);
            diagonal = *slot;
            *slot = best;
            left = best;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
        if row.iter().all(|n| *n > limit) {
            return None;
        }
    }
    row.last().copied().filter(|n| *n <= limit)
}

/// Splits a typed name into its parts and argument types.
fn typed(text: &str) -> Option<(Vec<Part>, Option<Signature>)> {
    let mut parts = Vec::new();
    let mut chars = text.trim().chars().peekable();
    loop {
        let mut part = Part { text: String::new(), quoted: chars.peek() == Some(&'"') };
        if part.quoted {
            chars.next();
            loop {
                match chars.next()? {
                    '"' if chars.peek() == Some(&'"') => {
                        chars.next();
                        part.text.push('"');
                    }
                    '"' => break,
                    c => part.text.push(c),
                }
            }
        } else {
            while let Some(c) = chars.next_if(|c| !matches!(c, '.' | '(' | '"')) {
                part.text.push(c);
            }
        }
        if part.text.is_empty() {
            return None;
        }
        parts.push(part);
        match chars.next() {
            Some('.') => {}
            Some('(') => {
                let rest: String = chars.collect();
                return Some((parts, Some(Signature::new(rest.strip_suffix(')')?))));
            }
            Some(_) => return None,
            None => return Some((parts, None)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_names_fold_outside_quotes() {
        let names = |t: &str| typed(t).map(|(p, s)| (p.iter().map(Part::stored).collect::<Vec<_>>(), s));
        assert_eq!(names("db.\"my.t\".x"), Some((vec!["DB".into(), "my.t".into(), "X".into()], None)));
        assert_eq!(names("f(number)"), Some((vec!["F".into()], Some(Signature::new("NUMBER")))));
        assert_eq!(names("\"a\"\"b\""), Some((vec!["a\"b".into()], None)));
        for bad in ["", "a.", "\"open", "a\"b\"", "f(x"] {
            assert_eq!(names(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_nearest_name_is_near() {
        let names = || ["RAW_DB.S.T", "OTHER"].map(str::to_owned).into_iter();
        assert_eq!(nearest("RAW_DB.S.X", names()).as_deref(), Some("RAW_DB.S.T"));
        assert_eq!(nearest("COMPLETELY.DIFFERENT", names()), None);
    }
}
