//! Counting what was kept although it is incomplete, or could not be placed: per source and reason, with an example.

use crate::sync::coverage::{CoverageRow, CoverageStatus};
use crate::sync::kind::SourceKind;
use crate::sync::table::Row;
use std::collections::BTreeMap;

/// Findings while an account is assembled.
#[derive(Default)]
pub(super) struct Findings(BTreeMap<(SourceKind, CoverageStatus, String), (u64, String)>);

impl Findings {
    /// A row that cannot be placed.
    pub(super) fn unread(&mut self, kind: SourceKind, row: &Row<'_>, why: &str) {
        self.add(kind, CoverageStatus::Unread, why, || row.place());
    }

    /// A row that names something no inventory lists.
    pub(super) fn lag(&mut self, kind: SourceKind, what: &str, example: impl FnOnce() -> String) {
        self.add(kind, CoverageStatus::Lag, what, example);
    }

    fn add(&mut self, kind: SourceKind, status: CoverageStatus, why: &str, example: impl FnOnce() -> String) {
        match self.0.get_mut(&(kind, status, why.to_owned())) {
            Some((count, _)) => *count += 1,
            None => {
                self.0.insert((kind, status, why.to_owned()), (1, example()));
            }
        }
    }

    /// Something that one source still has and a newer one has not.
    pub(super) fn gone(&mut self, kind: SourceKind, what: &str, example: impl FnOnce() -> String) {
        self.add(kind, CoverageStatus::Lag, what, example);
    }

    pub(super) fn rows(&self) -> Vec<CoverageRow> {
        self.0
            .iter()
            .map(|((kind, status, why), (count, example))| {
                CoverageRow::new(*kind, *status, *count, format!("{why}, such as {example}"))
            })
            .collect()
    }
}
