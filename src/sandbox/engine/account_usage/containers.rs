//! DATABASES and SCHEMATA.

use super::inventory::{ObjectRow, objects};
use super::seen::Seen;
use super::table::{Column, batches, no_number, no_text, number, text, time};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::record_batch::RecordBatch;
use grantd_catalog::model::Property;

const DATABASES: &[Column<ObjectRow>] = &[
    number("DATABASE_ID", |r| Some(r.id)),
    text("DATABASE_NAME", |r| Some(r.name())),
    text("DATABASE_OWNER", ObjectRow::owner),
    text("IS_TRANSIENT", |_| Some("NO".to_owned())),
    text("COMMENT", ObjectRow::comment),
    time("CREATED", |r| r.created),
    time("LAST_ALTERED", ObjectRow::altered),
    time("DELETED", |r| r.deleted),
    no_number("RETENTION_TIME"),
    no_text("RESOURCE_GROUP"),
    text("TYPE", |r| Some(r.property(Property::Kind).unwrap_or_else(|| "STANDARD".to_owned()))),
    text("OWNER_ROLE_TYPE", ObjectRow::owner_type),
    no_text("OBJECT_VISIBILITY"),
];

const SCHEMATA: &[Column<ObjectRow>] = &[
    number("SCHEMA_ID", |r| Some(r.id)),
    text("SCHEMA_NAME", |r| Some(r.name())),
    number("CATALOG_ID", |r| r.database_id),
    text("CATALOG_NAME", ObjectRow::database),
    text("SCHEMA_OWNER", ObjectRow::owner),
    no_number("RETENTION_TIME"),
    text("IS_TRANSIENT", |_| Some("NO".to_owned())),
    text("IS_MANAGED_ACCESS", |r| Some(yes_no(r.properties.is_true(Property::ManagedAccess)))),
    no_text("DEFAULT_CHARACTER_SET_CATALOG"),
    no_text("DEFAULT_CHARACTER_SET_SCHEMA"),
    no_text("DEFAULT_CHARACTER_SET_NAME"),
    no_text("SQL_PATH"),
    text("COMMENT", ObjectRow::comment),
    time("CREATED", |r| r.created),
    time("LAST_ALTERED", ObjectRow::altered),
    time("DELETED", |r| r.deleted),
    text("SCHEMA_TYPE", |_| Some("STANDARD".to_owned())),
    text("OWNER_ROLE_TYPE", ObjectRow::owner_type),
    no_text("VERSION_NAME"),
    no_number("VERSIONED_SCHEMA_ID"),
    no_text("OBJECT_VISIBILITY"),
];

pub(super) fn yes_no(yes: bool) -> String {
    if yes { "YES" } else { "NO" }.to_owned()
}

pub(super) fn databases(seen: &Seen<'_>) -> Result<Vec<RecordBatch>, ArrowError> {
    batches(DATABASES, objects(seen, &["DATABASE"]))
}

pub(super) fn schemata(seen: &Seen<'_>) -> Result<Vec<RecordBatch>, ArrowError> {
    batches(SCHEMATA, objects(seen, &["SCHEMA"]))
}
