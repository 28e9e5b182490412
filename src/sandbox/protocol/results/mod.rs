//! A statement's answer as clients read it: JSON or Arrow, the first part inline, the rest in chunks.

mod arrow;
mod chunks;
mod encode;
mod json;
mod parts;
mod pretty;
mod rowtype;
mod values;

pub(super) use chunks::{Chunk, Chunks};

use datafusion::arrow::record_batch::RecordBatch;
use serde_json::{Map, Value, json};

use self::encode::{Encoded, Encoder};
use self::values::Values;
use super::engine::{Answer, Column, Failure, SessionNames};
use super::faults::FaultKind;
use super::settings::Settings;

/// How the rows travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Arrow,
}

/// Everything about a result but its rows.
pub(super) struct Frame<'a> {
    pub(super) query_id: &'a str,
    pub(super) format: Format,
    /// `ROWS_PER_RESULTSET`; `None` for all rows.
    pub(super) most_rows: Option<usize>,
    pub(super) names: SessionNames,
    /// The session parameters told with the result.
    pub(super) parameters: Value,
    /// The scheme and authority of chunk URLs.
    pub(super) origin: &'a str,
    pub(super) faults: &'a [FaultKind],
    pub(super) settings: &'a Settings,
    pub(super) chunks: &'a Chunks,
}

/// The `data` of a finished statement's answer, and how many rows it has. Its chunks are stored.
pub(super) fn build(mut answer: Answer, frame: &Frame<'_>) -> Result<(Value, usize), Failure> {
    let wrong = answer.batches.iter().any(|batch| batch.num_columns() != answer.columns.len());
    if wrong {
        return Err(Failure::internal("the answer's batches do not have its columns"));
    }
    parts::limit(&mut answer, frame);
    for fault in frame.faults {
        match fault {
            FaultKind::NullRow => answer.batches.push(parts::null_row(&answer.columns)?),
            FaultKind::DuplicateColumnNames => {
                let name = answer.columns.first().map(|column| column.name.clone()).unwrap_or_default();
                answer.columns.iter_mut().for_each(|column| column.name.clone_from(&name));
            }
            _ => {}
        }
    }
    let rows: usize = answer.batches.iter().map(RecordBatch::num_rows).sum();
    let sizes = parts::sizes(&answer, rows, frame)?;
    let mut data = head(&answer, rows, frame)?;
    let encoder = Encoder::new(&answer.columns, &answer.batches, frame)?;
    // Each part's rows are let go of when it is encoded: a large result is held once, and then only compressed.
    let mut left = parts::Rows::new(answer.batches);
    let mut chunks = Vec::with_capacity(sizes.len().saturating_sub(1));
    for (number, size) in sizes.iter().enumerate() {
        let batches = left.take(*size);
        if number == 0 {
            data.extend([encoder.inline(&batches)?]);
        } else {
            chunks.push(encoder.chunk(number, &batches)?);
        }
    }
    if !chunks.is_empty() {
        tell_chunks(&mut data, chunks, frame)?;
    }
    Ok((Value::Object(data), rows))
}

fn head(answer: &Answer, rows: usize, frame: &Frame<'_>) -> Result<Map<String, Value>, Failure> {
    let mut rowtype: Vec<Value> = answer.columns.iter().map(rowtype::rowtype).collect();
    let mut total = if answer.kind.is_dml() { affected(answer)? } else { rows as i128 };
    let mut returned = rows as i128;
    let mut role = frame.names.role.clone();
    for fault in frame.faults {
        match fault {
            FaultKind::TotalOff { by } => {
                total += i128::from(*by);
                returned += i128::from(*by);
            }
            FaultKind::UnknownColumnType { name } => {
                if let Some(Value::Object(first)) = rowtype.first_mut() {
                    first.insert("type".to_owned(), name.clone().into());
                }
            }
            FaultKind::WrongRole { role: told } => role = Some(told.clone()),
            _ => {}
        }
    }
    let number = |value: i128| i64::try_from(value).map_err(|_| Failure::internal("a row count is out of range"));
    let names = &frame.names;
    let data = json!({
        "parameters": frame.parameters, "rowtype": rowtype, "total": number(total)?, "returned": number(returned)?,
        "queryId": frame.query_id, "databaseProvider": null, "finalDatabaseName": names.database,
        "finalSchemaName": names.schema, "finalWarehouseName": names.warehouse, "finalRoleName": role,
        "numberOfBinds": 0, "arrayBindSupported": false, "statementTypeId": answer.kind.type_id(), "version": 1,
        "sendResultTime": chrono::Utc::now().timestamp_millis(), "queryContext": {"entries": []},
        "queryResultFormat": match frame.format { Format::Json => "json", Format::Arrow => "arrow" },
    });
    let Value::Object(mut data) = data else { return Err(Failure::internal("the answer's head is no object")) };
    if answer.kind.is_dml() {
        let count = |what: &str| -> Result<Value, Failure> {
            let at = answer.columns.iter().position(|column| column.name.contains(what));
            Ok(number(at.map_or(Ok(0), |at| column_sum(answer, at))?)?.into())
        };
        let stats = json!({
            "numRowsInserted": count("inserted")?, "numRowsUpdated": count("updated")?,
            "numRowsDeleted": count("deleted")?, "numDmlDuplicates": 0
        });
        data.insert("stats".to_owned(), stats);
    }
    Ok(data)
}

/// The rows a DML statement changed: the sum of its counts (an update's "multi-joined" count is none of them).
fn affected(answer: &Answer) -> Result<i128, Failure> {
    let counts = |column: &&(usize, &Column)| {
        ["inserted", "updated", "deleted"].iter().any(|what| column.1.name.ends_with(what))
    };
    let columns: Vec<(usize, &Column)> = answer.columns.iter().enumerate().collect();
    columns.iter().filter(counts).map(|(at, _)| column_sum(answer, *at)).sum()
}

fn column_sum(answer: &Answer, at: usize) -> Result<i128, Failure> {
    let Some(column) = answer.columns.get(at) else { return Ok(0) };
    let mut sum = 0_i128;
    for array in answer.batches.iter().filter_map(|batch| batch.columns().get(at)) {
        match Values::read(column, array)? {
            Values::Fixed(numbers) => sum = numbers.iter().flatten().fold(sum, i128::saturating_add),
            _ => return Err(Failure::internal(format!("column {:?} of a DML answer is no number", column.name))),
        }
    }
    Ok(sum)
}

fn tell_chunks(data: &mut Map<String, Value>, parts: Vec<Encoded>, frame: &Frame<'_>) -> Result<(), Failure> {
    let mut told = Vec::with_capacity(parts.len());
    let mut stored = Vec::with_capacity(parts.len());
    for Encoded { rows, plain, compressed, chunk } in parts {
        told.push((rows, plain, compressed));
        stored.push(chunk);
    }
    let ids = frame.chunks.put(stored, frame.settings)?;
    let told: Vec<Value> = ids
        .iter()
        .zip(told)
        .map(|(id, (rows, plain, compressed))| {
            json!({
                "url": format!("{}/chunk/{id}", frame.origin), "rowCount": rows, "uncompressedSize": plain,
                "compressedSize": compressed
            })
        })
        .collect();
    data.insert("chunks".to_owned(), Value::Array(told));
    data.insert("qrmk".to_owned(), Value::Null);
    data.insert("chunkHeaders".to_owned(), json!({}));
    Ok(())
}
