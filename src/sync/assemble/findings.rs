//! Counting what was kept although it is incomplete, or could not be placed: per source and reason, with an example.

use crate::sync::coverage::{CoverageRow, CoverageStatus};
use crate::sync::kind::SourceKind;
use crate::sync::table::Row;
use grantd_catalog::model::Ident;
use std::collections::BTreeMap;

/// Source, status, database if it is about one, and why.
type Key = (SourceKind, CoverageStatus, Option<Ident>, String);

/// Findings while an account is assembled.
#[derive(Default)]
pub(super) struct Findings(BTreeMap<Key, (u64, String)>);

impl Findings {
    /// A row that cannot be placed.
    pub(super) fn unread(&mut self, kind: SourceKind, row: &Row<'_>, why: &str) {
        self.add((kind, CoverageStatus::Unread, None, why.to_owned()), || row.place());
    }

    /// A row that names something no inventory lists, in a database or outside of any.
    pub(super) fn lag(
        &mut self,
        kind: SourceKind,
        what: String,
        database: Option<Ident>,
        example: impl FnOnce() -> String,
    ) {
        self.add((kind, CoverageStatus::Lag, database, what), example);
    }

    fn add(&mut self, key: Key, example: impl FnOnce() -> String) {
        self.0.entry(key).or_insert_with(|| (0, example())).0 += 1;
    }

    /// Something that one source still has and a newer one has not.
    pub(super) fn gone(&mut self, kind: SourceKind, what: &str, example: impl FnOnce() -> String) {
        self.add((kind, CoverageStatus::Lag, None, what.to_owned()), example);
    }

    pub(super) fn rows(&self) -> Vec<CoverageRow> {
        self.0
            .iter()
            .map(|((kind, status, database, why), (count, example))| {
                let row = CoverageRow::new(*kind, *status, *count, format!("{why}, such as {example}"));
                row.of_database(database.clone())
            })
            .collect()
    }
}
