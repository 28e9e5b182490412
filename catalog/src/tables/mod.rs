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
mod query_log;
mod role_access;
mod session;
mod views;
#[cfg(test)]
mod views_tests;
mod world;
mod writer;

pub use definition::{ColumnDef, ColumnType, Definition};
pub use filters::Dimension;
pub use provider::{BatchSource, Comparison, Relation, RelationTable, ScanRequest, once};
pub use query_log::{QueryLog, QueryLogRow, QueryLogRows, QueryLogView};
pub use session::SessionState;
pub use views::{View, view_providers, views};
pub use world::{
    ACCESS, AccountView, Baseline, ChangeRow, ChangesetRow, CoverageRow, DriftRow, Health, ObjectColumns, SyncRunRow,
    SyncStepRow, World,
};
pub use writer::Writer;

use provider::Shape;
use std::sync::{Arc, LazyLock};

/// Rows per batch.
pub const BATCH_ROWS: usize = 2_048;

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
    all.extend(query_log::relations());
    all
}

/// The provider of every relation, by name, for one session.
pub fn providers(session: &Arc<SessionState>) -> Vec<(&'static str, Arc<RelationTable>)> {
    // Thousands of sessions share what is the same in all of them.
    static SHAPES: LazyLock<Vec<Arc<Shape>>> =
        LazyLock::new(|| relations().into_iter().map(|relation| Arc::new(relation.into())).collect());
    let table = |shape: &Arc<Shape>| {
        (shape.definition.name, Arc::new(RelationTable::of(Arc::clone(shape), Arc::clone(session))))
    };
    SHAPES.iter().map(table).collect()
}

/// The relation of that name.
fn relation(name: &str) -> Option<Arc<dyn Relation>> {
    relations().into_iter().find(|r| r.definition().name == name)
}
