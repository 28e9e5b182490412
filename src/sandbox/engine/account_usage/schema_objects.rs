//! STAGES, FUNCTIONS, PROCEDURES, `FILE_FORMATS`, SEQUENCES, PIPES, STREAMS, TASKS and SERVICES.

use super::containers::yes_no;
use super::inventory::{ObjectRow, objects};
use super::seen::Seen;
use super::spelling;
use super::table::{Column, batches, no_boolean, no_number, no_text, no_time, number, text, time};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::record_batch::RecordBatch;

type Built = Result<Vec<RecordBatch>, ArrowError>;

const STAGES: &[Column<ObjectRow>] = &[
    number("STAGE_ID", |r| Some(r.id)),
    text("STAGE_NAME", |r| Some(r.name())),
    number("STAGE_SCHEMA_ID", |r| r.schema_id),
    text("STAGE_SCHEMA", ObjectRow::schema),
    number("STAGE_CATALOG_ID", |r| r.database_id),
    text("STAGE_CATALOG", ObjectRow::database),
    no_text("STAGE_URL"),
    no_text("STAGE_REGION"),
    no_text("STAGE_TYPE"),
    text("STAGE_OWNER", ObjectRow::owner),
    text("COMMENT", ObjectRow::comment),
    time("CREATED", |r| r.created),
    time("LAST_ALTERED", ObjectRow::altered),
    time("DELETED", |r| r.deleted),
    text("OWNER_ROLE_TYPE", ObjectRow::owner_type),
    no_number("INSTANCE_ID"),
    no_text("STORAGE_INTEGRATION"),
];

const FUNCTIONS: &[Column<ObjectRow>] = &[
    number("FUNCTION_ID", |r| Some(r.id)),
    text("FUNCTION_NAME", |r| Some(r.name())),
    number("FUNCTION_SCHEMA_ID", |r| r.schema_id),
    text("FUNCTION_SCHEMA", ObjectRow::schema),
    number("FUNCTION_CATALOG_ID", |r| r.database_id),
    text("FUNCTION_CATALOG", ObjectRow::database),
    text("FUNCTION_OWNER", ObjectRow::owner),
    text("ARGUMENT_SIGNATURE", |r| Some(arguments(r))),
    no_text("DATA_TYPE"),
    no_number("CHARACTER_MAXIMUM_LENGTH"),
    no_number("CHARACTER_OCTET_LENGTH"),
    no_number("NUMERIC_PRECISION"),
    no_number("NUMERIC_PRECISION_RADIX"),
    no_number("NUMERIC_SCALE"),
    no_text("FUNCTION_LANGUAGE"),
    no_text("FUNCTION_DEFINITION"),
    no_text("VOLATILITY"),
    no_text("IS_NULL_CALL"),
    time("CREATED", |r| r.created),
    time("LAST_ALTERED", ObjectRow::altered),
    time("DELETED", |r| r.deleted),
    text("COMMENT", ObjectRow::comment),
    no_text("IS_EXTERNAL"),
    no_text("API_INTEGRATION"),
    no_text("CONTEXT_HEADERS"),
    no_number("MAX_BATCH_ROWS"),
    no_text("COMPRESSION"),
    no_text("PACKAGES"),
    no_text("RUNTIME_VERSION"),
    no_text("INSTALLED_PACKAGES"),
    text("OWNER_ROLE_TYPE", ObjectRow::owner_type),
    no_text("IS_MEMOIZABLE"),
    text("IS_DATA_METRIC", |r| Some(yes_no(r.is("DATA_METRIC_FUNCTION")))),
    no_text("SECRETS"),
    no_text("EXTERNAL_ACCESS_INTEGRATIONS"),
];

const PROCEDURES: &[Column<ObjectRow>] = &[
    text("PROCEDURE_CATALOG", ObjectRow::database),
    text("PROCEDURE_SCHEMA", ObjectRow::schema),
    text("PROCEDURE_NAME", |r| Some(r.name())),
    text("PROCEDURE_OWNER", ObjectRow::owner),
    text("ARGUMENT_SIGNATURE", |r| Some(arguments(r))),
    no_text("DATA_TYPE"),
    no_number("CHARACTER_MAXIMUM_LENGTH"),
    no_number("CHARACTER_OCTET_LENGTH"),
    no_number("NUMERIC_PRECISION"),
    no_number("NUMERIC_PRECISION_RADIX"),
    no_number("NUMERIC_SCALE"),
    no_text("PROCEDURE_LANGUAGE"),
    no_text("PROCEDURE_DEFINITION"),
    time("CREATED", |r| r.created),
    time("LAST_ALTERED", ObjectRow::altered),
    text("COMMENT", ObjectRow::comment),
    time("DELETED", |r| r.deleted),
    no_text("RUNTIME_VERSION"),
    no_text("PACKAGES"),
    no_text("INSTALLED_PACKAGES"),
    text("OWNER_ROLE_TYPE", ObjectRow::owner_type),
    number("PROCEDURE_SCHEMA_ID", |r| r.schema_id),
    number("PROCEDURE_CATALOG_ID", |r| r.database_id),
    no_text("SECRETS"),
    no_text("EXTERNAL_ACCESS_INTEGRATIONS"),
];

fn arguments(row: &ObjectRow) -> String {
    row.object.signature.as_ref().map_or_else(|| "()".to_owned(), spelling::arguments)
}

const FILE_FORMATS: &[Column<ObjectRow>] = &[
    number("FILE_FORMAT_ID", |r| Some(r.id)),
    text("FILE_FORMAT_NAME", |r| Some(r.name())),
    number("FILE_FORMAT_SCHEMA_ID", |r| r.schema_id),
    text("FILE_FORMAT_SCHEMA", ObjectRow::schema),
    number("FILE_FORMAT_CATALOG_ID", |r| r.database_id),
    text("FILE_FORMAT_CATALOG", ObjectRow::database),
    text("FILE_FORMAT_OWNER", ObjectRow::owner),
    no_text("FILE_FORMAT_TYPE"),
    no_text("RECORD_DELIMITER"),
    no_text("FIELD_DELIMITER"),
    no_number("SKIP_HEADER"),
    no_text("DATE_FORMAT"),
    no_text("TIME_FORMAT"),
    no_text("TIMESTAMP_FORMAT"),
    no_text("BINARY_FORMAT"),
    no_text("ESCAPE"),
    no_text("ESCAPE_UNENCLOSED_FIELD"),
    no_boolean("TRIM_SPACE"),
    no_text("FIELD_OPTIONALLY_ENCLOSED_BY"),
    no_text("NULL_IF"),
    no_text("COMPRESSION"),
    no_text("ERROR_ON_COLUMN_COUNT_MISMATCH"),
    time("CREATED", |r| r.created),
    time("LAST_ALTERED", ObjectRow::altered),
    time("DELETED", |r| r.deleted),
    text("COMMENT", ObjectRow::comment),
    text("OWNER_ROLE_TYPE", ObjectRow::owner_type),
];

const SEQUENCES: &[Column<ObjectRow>] = &[
    number("SEQUENCE_ID", |r| Some(r.id)),
    text("SEQUENCE_NAME", |r| Some(r.name())),
    number("SEQUENCE_SCHEMA_ID", |r| r.schema_id),
    text("SEQUENCE_SCHEMA", ObjectRow::schema),
    number("SEQUENCE_CATALOG_ID", |r| r.database_id),
    text("SEQUENCE_CATALOG", ObjectRow::database),
    text("SEQUENCE_OWNER", ObjectRow::owner),
    no_text("DATA_TYPE"),
    no_number("NUMERIC_PRECISION"),
    no_number("NUMERIC_PRECISION_RADIX"),
    no_number("NUMERIC_SCALE"),
    no_text("START_VALUE"),
    no_text("MINIMUM_VALUE"),
    no_text("MAXIMUM_VALUE"),
    no_text("NEXT_VALUE"),
    no_text("INCREMENT"),
    no_text("CYCLE_OPTION"),
    no_text("ORDERED"),
    time("CREATED", |r| r.created),
    time("LAST_ALTERED", ObjectRow::altered),
    time("DELETED", |r| r.deleted),
    text("COMMENT", ObjectRow::comment),
    text("OWNER_ROLE_TYPE", ObjectRow::owner_type),
];

const PIPES: &[Column<ObjectRow>] = &[
    number("PIPE_ID", |r| Some(r.id)),
    text("PIPE_NAME", |r| Some(r.name())),
    number("PIPE_SCHEMA_ID", |r| r.schema_id),
    text("PIPE_SCHEMA", ObjectRow::schema),
    number("PIPE_CATALOG_ID", |r| r.database_id),
    text("PIPE_CATALOG", ObjectRow::database),
    no_text("IS_AUTOINGEST_ENABLED"),
    no_text("NOTIFICATION_CHANNEL_NAME"),
    text("PIPE_OWNER", ObjectRow::owner),
    no_text("DEFINITION"),
    time("CREATED", |r| r.created),
    time("LAST_ALTERED", ObjectRow::altered),
    text("COMMENT", ObjectRow::comment),
    no_text("PATTERN"),
    time("DELETED", |r| r.deleted),
    text("OWNER_ROLE_TYPE", ObjectRow::owner_type),
];

const STREAMS: &[Column<ObjectRow>] = &[
    number("STREAM_ID", |r| Some(r.id)),
    text("STREAM_NAME", |r| Some(r.name())),
    number("STREAM_SCHEMA_ID", |r| r.schema_id),
    text("STREAM_SCHEMA", ObjectRow::schema),
    number("STREAM_CATALOG_ID", |r| r.database_id),
    text("STREAM_CATALOG", ObjectRow::database),
    text("OWNER", ObjectRow::owner),
    text("COMMENT", ObjectRow::comment),
    time("CREATED", |r| r.created),
    time("LAST_ALTERED", ObjectRow::altered),
    time("DELETED", |r| r.deleted),
    text("OWNER_ROLE_TYPE", ObjectRow::owner_type),
];

const TASKS: &[Column<ObjectRow>] = &[
    number("TASK_ID", |r| Some(r.id)),
    text("TASK_NAME", |r| Some(r.name())),
    number("TASK_SCHEMA_ID", |r| r.schema_id),
    text("TASK_SCHEMA", ObjectRow::schema),
    number("TASK_DATABASE_ID", |r| r.database_id),
    text("TASK_DATABASE", ObjectRow::database),
    text("TASK_OWNER", ObjectRow::owner),
    text("COMMENT", ObjectRow::comment),
    time("CREATED", |r| r.created),
    time("LAST_ALTERED", ObjectRow::altered),
    time("DELETED", |r| r.deleted),
    text("OWNER_ROLE_TYPE", ObjectRow::owner_type),
];

const SERVICES: &[Column<ObjectRow>] = &[
    number("SERVICE_ID", |r| Some(r.id)),
    text("SERVICE_NAME", |r| Some(r.name())),
    number("SERVICE_CATALOG_ID", |r| r.database_id),
    text("SERVICE_CATALOG", ObjectRow::database),
    number("SERVICE_SCHEMA_ID", |r| r.schema_id),
    text("SERVICE_SCHEMA", ObjectRow::schema),
    text("SERVICE_OWNER", ObjectRow::owner),
    text("SERVICE_OWNER_ROLE_TYPE", ObjectRow::owner_type),
    no_number("COMPUTE_POOL_ID"),
    no_text("COMPUTE_POOL_NAME"),
    no_text("DNS_NAME"),
    no_number("MIN_READY_INSTANCES"),
    no_number("MIN_INSTANCES"),
    no_number("MAX_INSTANCES"),
    no_boolean("AUTO_RESUME"),
    no_text("QUERY_WAREHOUSE"),
    time("CREATED", |r| r.created),
    time("LAST_ALTERED", ObjectRow::altered),
    no_time("LAST_RESUMED"),
    time("DELETED", |r| r.deleted),
    text("COMMENT", ObjectRow::comment),
    no_boolean("IS_JOB"),
];

pub(super) fn stages(seen: &Seen<'_>) -> Built {
    batches(STAGES, objects(seen, &["STAGE"]))
}

pub(super) fn functions(seen: &Seen<'_>) -> Built {
    batches(FUNCTIONS, objects(seen, &["DATA_METRIC_FUNCTION", "FUNCTION"]))
}

pub(super) fn procedures(seen: &Seen<'_>) -> Built {
    batches(PROCEDURES, objects(seen, &["PROCEDURE"]))
}

pub(super) fn file_formats(seen: &Seen<'_>) -> Built {
    batches(FILE_FORMATS, objects(seen, &["FILE_FORMAT"]))
}

pub(super) fn sequences(seen: &Seen<'_>) -> Built {
    batches(SEQUENCES, objects(seen, &["SEQUENCE"]))
}

pub(super) fn pipes(seen: &Seen<'_>) -> Built {
    batches(PIPES, objects(seen, &["PIPE"]))
}

pub(super) fn streams(seen: &Seen<'_>) -> Built {
    batches(STREAMS, objects(seen, &["STREAM"]))
}

pub(super) fn tasks(seen: &Seen<'_>) -> Built {
    batches(TASKS, objects(seen, &["TASK"]))
}

pub(super) fn services(seen: &Seen<'_>) -> Built {
    batches(SERVICES, objects(seen, &["SERVICE"]))
}
