//! The views of `SNOWFLAKE.ACCOUNT_USAGE` over the sandbox's account, as late as they are told to be.
//!
//! Columns, their order and types follow Snowflake's documentation of each view. What the sandbox does not hold (bytes,
//! file patterns, bodies) is NULL. What is gone stays, with the time in `DELETED_ON` or `DELETED`, as far as the
//! platform keeps it. Not in any view, as on the platform: memberships in PUBLIC, future grants, warehouses,
//! integrations, database roles of imported databases.

mod containers;
mod grants;
mod inventory;
mod principals;
mod relations;
mod schema_objects;
mod seen;
mod spelling;
mod table;

pub use seen::Seen;
pub use table::{TYPE_KEY, VARIANT, timestamp_ltz};

use datafusion::arrow::error::ArrowError;
use datafusion::arrow::record_batch::RecordBatch;

type Build = fn(&Seen<'_>) -> Result<Vec<RecordBatch>, ArrowError>;

/// Every view and what fills it.
const VIEWS: &[(&str, Build)] = &[
    ("CREDENTIALS", principals::credentials),
    ("DATABASES", containers::databases),
    ("FILE_FORMATS", schema_objects::file_formats),
    ("FUNCTIONS", schema_objects::functions),
    ("GRANTS_TO_ROLES", grants::to_roles),
    ("GRANTS_TO_SHARES", grants::to_shares),
    ("GRANTS_TO_USERS", grants::to_users),
    ("PIPES", schema_objects::pipes),
    ("PROCEDURES", schema_objects::procedures),
    ("ROLES", principals::roles),
    ("SCHEMATA", containers::schemata),
    ("SEMANTIC_VIEWS", relations::semantic_views),
    ("SEQUENCES", schema_objects::sequences),
    ("SERVICES", schema_objects::services),
    ("SHARES", principals::shares),
    ("STAGES", schema_objects::stages),
    ("STREAMS", schema_objects::streams),
    ("TABLES", relations::tables),
    ("TASKS", schema_objects::tasks),
    ("USERS", principals::users),
    ("VIEWS", relations::views),
];

/// The names of the views, in order.
pub fn views() -> impl Iterator<Item = &'static str> {
    VIEWS.iter().map(|(name, _)| *name)
}

/// The rows of a view; `None` when there is no view of this name.
pub fn batches(view: &str, seen: &Seen<'_>) -> Option<Result<Vec<RecordBatch>, ArrowError>> {
    VIEWS.iter().find(|(name, _)| *name == view).map(|(_, build)| build(seen))
}

#[cfg(test)]
mod tests;
