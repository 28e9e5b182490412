//! TABLES (tables and views), VIEWS and `SEMANTIC_VIEWS`.

use super::containers::yes_no;
use super::inventory::{ObjectRow, objects};
use super::seen::Seen;
use super::table::{Column, batches, no_number, no_text, number, text, time};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::record_batch::RecordBatch;

/// What TABLES lists; semantic views have a view of their own.
const IN_TABLES: &[&str] = &[
    "DYNAMIC_TABLE",
    "EVENT_TABLE",
    "EXTERNAL_TABLE",
    "HYBRID_TABLE",
    "ICEBERG_TABLE",
    "INTERACTIVE_TABLE",
    "MATERIALIZED_VIEW",
    "ONLINE_FEATURE_TABLE",
    "TABLE",
    "VIEW",
];

const TABLES: &[Column<ObjectRow>] = &[
    number("TABLE_ID", |r| Some(r.id)),
    text("TABLE_NAME", |r| Some(r.name())),
    number("TABLE_SCHEMA_ID", |r| r.schema_id),
    text("TABLE_SCHEMA", ObjectRow::schema),
    number("TABLE_CATALOG_ID", |r| r.database_id),
    text("TABLE_CATALOG", ObjectRow::database),
    text("TABLE_OWNER", ObjectRow::owner),
    text("TABLE_TYPE", |r| Some(table_type(r))),
    text("IS_TRANSIENT", |_| Some("NO".to_owned())),
    no_text("CLUSTERING_KEY"),
    no_number("ROW_COUNT"),
    no_number("BYTES"),
    no_number("RETENTION_TIME"),
    no_text("SELF_REFERENCING_COLUMN_NAME"),
    no_text("REFERENCE_GENERATION"),
    no_text("USER_DEFINED_TYPE_CATALOG"),
    no_text("USER_DEFINED_TYPE_SCHEMA"),
    no_text("USER_DEFINED_TYPE_NAME"),
    no_text("IS_INSERTABLE_INTO"),
    no_text("IS_TYPED"),
    no_text("COMMIT_ACTION"),
    time("CREATED", |r| r.created),
    time("LAST_ALTERED", ObjectRow::altered),
    time("LAST_DDL", ObjectRow::altered),
    no_text("LAST_DDL_BY"),
    time("DELETED", |r| r.deleted),
    text("AUTO_CLUSTERING_ON", |_| Some("NO".to_owned())),
    text("COMMENT", ObjectRow::comment),
    text("OWNER_ROLE_TYPE", ObjectRow::owner_type),
    no_number("INSTANCE_ID"),
    text("IS_ICEBERG", |r| Some(yes_no(r.is("ICEBERG_TABLE")))),
    text("IS_DYNAMIC", |r| Some(yes_no(r.is("DYNAMIC_TABLE")))),
    text("IS_HYBRID", |r| Some(yes_no(r.is("HYBRID_TABLE")))),
    no_number("ARCHIVE_STORAGE_COOL_ROW_COUNT"),
    no_number("ARCHIVE_STORAGE_COOL_BYTES"),
    no_number("ARCHIVE_STORAGE_COLD_ROW_COUNT"),
    no_number("ARCHIVE_STORAGE_COLD_BYTES"),
];

/// Dynamic, Iceberg and hybrid tables are base tables with a flag.
fn table_type(row: &ObjectRow) -> String {
    match row.object.object_type.as_str() {
        "TABLE" | "DYNAMIC_TABLE" | "ICEBERG_TABLE" | "HYBRID_TABLE" => "BASE TABLE".to_owned(),
        other => other.replace('_', " "),
    }
}

const VIEWS: &[Column<ObjectRow>] = &[
    number("TABLE_ID", |r| Some(r.id)),
    text("TABLE_NAME", |r| Some(r.name())),
    number("TABLE_SCHEMA_ID", |r| r.schema_id),
    text("TABLE_SCHEMA", ObjectRow::schema),
    number("TABLE_CATALOG_ID", |r| r.database_id),
    text("TABLE_CATALOG", ObjectRow::database),
    text("TABLE_OWNER", ObjectRow::owner),
    no_text("VIEW_DEFINITION"),
    no_text("CHECK_OPTION"),
    no_text("IS_UPDATABLE"),
    no_text("INSERTABLE_INTO"),
    no_text("IS_SECURE"),
    time("CREATED", |r| r.created),
    time("LAST_ALTERED", ObjectRow::altered),
    time("LAST_DDL", ObjectRow::altered),
    no_text("LAST_DDL_BY"),
    time("DELETED", |r| r.deleted),
    text("COMMENT", ObjectRow::comment),
    no_number("INSTANCE_ID"),
    text("OWNER_ROLE_TYPE", ObjectRow::owner_type),
];

const SEMANTIC_VIEWS: &[Column<ObjectRow>] = &[
    number("SEMANTIC_VIEW_ID", |r| Some(r.id)),
    text("SEMANTIC_VIEW_NAME", |r| Some(r.name())),
    number("SEMANTIC_VIEW_SCHEMA_ID", |r| r.schema_id),
    text("SEMANTIC_VIEW_SCHEMA_NAME", ObjectRow::schema),
    number("SEMANTIC_VIEW_DATABASE_ID", |r| r.database_id),
    text("SEMANTIC_VIEW_DATABASE_NAME", ObjectRow::database),
    text("OWNER", ObjectRow::owner),
    time("CREATED", |r| r.created),
    time("LAST_ALTERED", ObjectRow::altered),
    time("DELETED", |r| r.deleted),
    text("COMMENT", ObjectRow::comment),
    no_number("MAX_STALENESS_SEC"),
];

pub(super) fn tables(seen: &Seen<'_>) -> Result<Vec<RecordBatch>, ArrowError> {
    batches(TABLES, objects(seen, IN_TABLES))
}

pub(super) fn views(seen: &Seen<'_>) -> Result<Vec<RecordBatch>, ArrowError> {
    batches(VIEWS, objects(seen, &["MATERIALIZED_VIEW", "VIEW"]))
}

pub(super) fn semantic_views(seen: &Seen<'_>) -> Result<Vec<RecordBatch>, ArrowError> {
    batches(SEMANTIC_VIEWS, objects(seen, &["SEMANTIC_VIEW"]))
}
