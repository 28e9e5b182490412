//! JSON: an array of objects, one per line.

use std::collections::HashSet;
use std::io::{self, Write};

use serde_json::Value;

use super::array::{self, Item};
use super::{Column, Kind};

/// A result that is being printed.
pub(super) struct Json {
    /// The names as JSON strings, and the kinds.
    columns: Vec<(String, Kind)>,
    is_first: bool,
}

impl Json {
    pub(super) fn begin(out: &mut dyn Write, columns: Vec<Column>) -> io::Result<Json> {
        out.write_all(b"[")?;
        let names = distinct(columns.iter().map(|column| column.name.as_str()));
        let columns = names.into_iter().zip(columns);
        let columns = columns.map(|(name, column)| (Value::String(name).to_string(), column.kind)).collect();
        Ok(Json { columns, is_first: true })
    }

    pub(super) fn columns(&self) -> usize {
        self.columns.len()
    }

    pub(super) fn row(&mut self, out: &mut dyn Write, cells: &[Option<&str>]) -> io::Result<()> {
        out.write_all(if self.is_first { b"\n{" } else { b",\n{" })?;
        self.is_first = false;
        let mut separator = "";
        for ((name, kind), cell) in self.columns.iter().zip(cells) {
            let value = cell.map_or(Value::Null, |text| value(text, kind));
            write!(out, "{separator}{name}:{value}")?;
            separator = ",";
        }
        out.write_all(b"}")
    }

    pub(super) fn end(self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(if self.is_first { b"]\n" } else { b"\n]\n" })
    }
}

/// What JSON cannot say (`NaN`, `Infinity`, a text that is not of its kind) stays text.
fn value(text: &str, kind: &Kind) -> Value {
    let text_value = || Value::String(text.to_owned());
    match kind {
        Kind::Text => text_value(),
        Kind::Number => serde_json::from_str(text).ok().filter(Value::is_number).unwrap_or_else(text_value),
        Kind::Bool => match text {
            "t" | "true" => Value::Bool(true),
            "f" | "false" => Value::Bool(false),
            _ => text_value(),
        },
        Kind::Json => serde_json::from_str(text).unwrap_or_else(|_| text_value()),
        Kind::List(element) => array::parse(text).map_or_else(text_value, |items| list(&items, element)),
    }
}

fn list(items: &[Item], element: &Kind) -> Value {
    let items = items.iter().map(|item| match item {
        Item::Null => Value::Null,
        Item::Text(text) => value(text, element),
        Item::List(items) => list(items, element),
    });
    Value::Array(items.collect())
}

/// An object has each name once: the second `count` becomes `count_2`, or the next that is free.
fn distinct<'a>(names: impl Iterator<Item = &'a str> + Clone) -> Vec<String> {
    let given: HashSet<&str> = names.clone().collect();
    let mut used = HashSet::new();
    names
        .map(|name| {
            let numbered = (2_u64..).map(|n| format!("{name}_{n}")).filter(|other| !given.contains(other.as_str()));
            let mut candidates = std::iter::once(name.to_owned()).chain(numbered);
            let free = candidates.find(|candidate| !used.contains(candidate)).unwrap_or_default();
            used.insert(free.clone());
            free
        })
        .collect()
}
