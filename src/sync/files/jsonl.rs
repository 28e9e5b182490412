//! Exports as JSON lines: one object per line.

use super::{ImportError, TextColumns};
use crate::sync::kind::SourceKind;
use crate::sync::table::SourceTable;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// Longest line.
const LINE_BYTES: u64 = 128 << 20;

/// Reads an export of JSON lines. Fields may be missing in a row: they are NULL there. A mandatory column must be in
/// the first row.
pub(super) fn read(kind: SourceKind, path: &Path, input: impl Read) -> Result<SourceTable, ImportError> {
    let broken = |line: u64, problem: String| ImportError::Broken { path: path.to_owned(), line: Some(line), problem };
    let spec = kind.spec();
    let mut reader = BufReader::new(input);
    let mut columns: Option<(Vec<&'static str>, TextColumns)> = None;
    let mut text = Vec::new();
    let mut line = 0;
    loop {
        text.clear();
        line += 1;
        let read = reader.by_ref().take(LINE_BYTES).read_until(b'\n', &mut text);
        if read.map_err(|e| broken(line, e.to_string()))? == 0 {
            break;
        }
        if text.len() as u64 >= LINE_BYTES {
            return Err(broken(line, "the line is too long".to_owned()));
        }
        if text.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let object: Map<String, Value> = serde_json::from_slice(text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text))
            .map_err(|e| broken(line, format!("no JSON object ({e})")))?;
        let mut row: Vec<(String, Value)> =
            object.into_iter().map(|(name, value)| (name.trim().to_ascii_uppercase(), value)).collect();
        row.sort_by(|a, b| a.0.cmp(&b.0));
        let find = |name: &str| row.binary_search_by(|(n, _)| n.as_str().cmp(name)).ok().and_then(|i| row.get(i));
        let (names, cells) = columns.get_or_insert_with(|| {
            // All columns that may come later; of the mandatory ones, those that the first row has.
            let names: Vec<&'static str> =
                spec.columns().filter(|c| !spec.mandatory.contains(c) || find(c).is_some()).collect();
            let cells = TextColumns::new(names.len());
            (names, cells)
        });
        let values: Vec<Option<Cow<'_, str>>> = names.iter().map(|n| find(n).and_then(|(_, v)| cell(v))).collect();
        cells.push(line, values.iter().map(|v| v.as_deref())).map_err(|column| {
            broken(line, format!("the value of {} is too long", names.get(column).map_or("a column", |n| n)))
        })?;
    }
    // A file without rows has no column names either: every mandatory one counts as there.
    let (names, cells) = columns.unwrap_or_else(|| {
        let names: Vec<&'static str> = spec.columns().collect();
        let cells = TextColumns::new(names.len());
        (names, cells)
    });
    cells.finish(kind, path, names.into_iter().map(str::to_owned).collect())
}

/// A field as text; lists and objects as JSON.
fn cell(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(Cow::Borrowed(text)),
        other => Some(Cow::Owned(other.to_string())),
    }
}
