//! Exports as CSV: RFC 4180, a header line, commas, double quotes.

use super::{ImportError, TextColumns};
use crate::sync::kind::SourceKind;
use crate::sync::table::SourceTable;
use std::io::Read;
use std::path::Path;

/// Reads a CSV export.
pub(super) fn read(kind: SourceKind, path: &Path, input: impl Read) -> Result<SourceTable, ImportError> {
    let broken = |line: Option<u64>, problem: String| ImportError::Broken { path: path.to_owned(), line, problem };
    let failed = |e: csv::Error| {
        let line = e.position().map(csv::Position::line);
        match e.into_kind() {
            csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                broken(line, format!("{len} values where the header has {expected_len} columns"))
            }
            csv::ErrorKind::Utf8 { .. } => broken(line, "the text is not UTF-8".to_owned()),
            csv::ErrorKind::Io(e) => broken(line, e.to_string()),
            other => broken(line, format!("{other:?}")),
        }
    };
    let mut reader = csv::ReaderBuilder::new().from_reader(input);
    let header = reader.headers().map_err(failed)?.clone();
    if header.iter().all(str::is_empty) {
        return Err(broken(None, "the file is empty; its first line must name the columns".to_owned()));
    }
    // A byte order mark comes before the first name when a spreadsheet wrote the file.
    let names: Vec<String> =
        header.iter().map(|n| n.trim_start_matches('\u{feff}').trim().to_ascii_uppercase()).collect();
    // CSV cannot tell NULL from empty text; only in a mandatory column is empty text a value.
    let keeps_empty: Vec<bool> = names.iter().map(|n| kind.spec().mandatory.contains(&n.as_str())).collect();
    let mut columns = TextColumns::new(names.len());
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record).map_err(failed)? {
        let line = record.position().map_or(0, csv::Position::line);
        let values = record.iter().zip(&keeps_empty).map(|(v, keep)| (*keep || !v.is_empty()).then_some(v));
        columns.push(line, values).map_err(|column| {
            broken(Some(line), format!("the value of {} is too long", names.get(column).map_or("a column", |n| n)))
        })?;
    }
    columns.finish(kind, path, names)
}
