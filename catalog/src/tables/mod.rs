//! The relations a session sees: one provider for all of them, a definition and a row source for each.
//!
//! A relation reads the session's world when it is scanned, so a statement that pinned a world sees it whole and a
//! prepared statement never sees an old one. Definitions carry the comments that `\d+` and the reference show.

mod accounts;
mod definition;
mod effective;
mod filters;
mod findings;
mod grants;
mod objects;
mod operations;
mod principals;
mod provider;
mod role_access;
mod session;
mod views;
#[cfg(test)]
mod views_tests;
mod world;
mod writer;

pub use definition::{ColumnDef, ColumnType, Definition};
pub use filters::Dimension;
pub use provider::{BatchSource, Relation, RelationTable, ScanRequest, once};
pub use session::SessionState;
pub use views::{View, view_providers, views};
pub use world::{
    ACCESS, AccountView, Baseline, ChangeRow, ChangesetRow, CoverageRow, DriftRow, Health, ObjectColumns, SyncRunRow,
    SyncStepRow, World,
};
pub use writer::Writer;

use std::sync::Arc;

/// Rows per batch.
pub const BATCH_ROWS: usize = 8_192;

/// Every relation, in the order of the reference.
pub fn relations() -> Vec<Arc<dyn Relation>> {
    let mut all = accounts::relations();
    all.extend(principals::relations());
    all.extend(grants::relations());
    all.extend(objects::relations());
    all.extend(effective::relations());
    all.extend(role_access::relations());
    all.extend(findings::relations());
    all.extend(operations::relations());
    all
}

/// The provider of every relation, by name, for one session.
pub fn providers(session: &Arc<SessionState>) -> Vec<(&'static str, Arc<RelationTable>)> {
    let table = |r: Arc<dyn Relation>| (r.definition().name, Arc::new(RelationTable::new(r, Arc::clone(session))));
    relations().into_iter().map(table).collect()
}

/// The relation of that name.
fn relation(name: &str) -> Option<Arc<dyn Relation>> {
    relations().into_iter().find(|r| r.definition().name == name)
}
