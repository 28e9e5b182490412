//! A statement's answer as clients read it: JSON or Arrow, the first part inline, the rest in chunks.

mod arrow;
mod chunks;
mod json;
mod parts;
mod pretty;
mod rowtype;
mod values;

pub(super) use chunks::{Chunk, Chunks};

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use datafusion::arrow::compute::concat_batches;
use datafusion::arrow::record_batch::RecordBatch;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Map, Value, json};
use std::io::Write as _;

use self::arrow::{End, Width};
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

/// One part of a result, encoded.
struct Part {
    rows: usize,
    bytes: Vec<u8>,
    /// The rows themselves, when the part is JSON.
    json: Vec<Value>,
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
    let split = parts::split(&answer.batches, &sizes);
    let encoded = match frame.format {
        Format::Arrow => arrow_parts(&answer, &split, frame)?,
        Format::Json => json_parts(&answer, &split, frame)?,
    };
    let mut data = head(&answer, rows, frame)?;
    let mut encoded = encoded.into_iter();
    let empty_inline = frame.faults.contains(&FaultKind::EmptyInline);
    let inline = encoded.next().filter(|part| part.rows > 0 && !empty_inline);
    match frame.format {
        Format::Json => {
            data.insert("rowset".to_owned(), Value::Array(inline.map(|part| part.json).unwrap_or_default()));
        }
        Format::Arrow => {
            let text = inline.map(|part| STANDARD.encode(part.bytes)).unwrap_or_default();
            data.insert("rowsetBase64".to_owned(), text.into());
        }
    }
    let chunks: Vec<Part> = encoded.collect();
    if !chunks.is_empty() {
        tell_chunks(&mut data, &chunks, frame)?;
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

fn arrow_parts(answer: &Answer, split: &[Vec<RecordBatch>], frame: &Frame<'_>) -> Result<Vec<Part>, Failure> {
    let mut widths = Vec::with_capacity(answer.columns.len());
    for (at, column) in answer.columns.iter().enumerate() {
        let mut width = Width::One;
        for array in answer.batches.iter().filter_map(|batch| batch.columns().get(at)) {
            let range = Values::read_number(column, array)?.as_ref().and_then(Values::range);
            width = width.max(range.map_or(Width::One, Width::holding));
        }
        widths.push(width);
    }
    let mixed = frame.faults.contains(&FaultKind::MixedIntegerWidths);
    let encode = |(number, batches): (usize, &Vec<RecordBatch>)| {
        let widths: Vec<Width> = widths.iter().map(|w| if mixed { w.varied(number) } else { *w }).collect();
        let batches = arrow::encode(&answer.columns, batches, &widths)?;
        let batches = match batches.first() {
            Some(first) => vec![concat_batches(&first.schema(), &batches).map_err(Failure::internal)?],
            None => batches,
        };
        let rows = batches.iter().map(RecordBatch::num_rows).sum();
        let bytes = arrow_bytes(batches, number, frame)?;
        Ok(Part { rows, bytes, json: Vec::new() })
    };
    split.iter().enumerate().map(encode).collect()
}

/// The faults of a part that is a chunk: part 0 is inline, part 1 is chunk 0.
fn chunk_faults<'a>(frame: &'a Frame<'_>, part: usize) -> impl Iterator<Item = &'a FaultKind> {
    frame.faults.iter().filter(move |fault| fault.chunk().is_some_and(|chunk| chunk.checked_add(1) == Some(part)))
}

fn arrow_bytes(mut batches: Vec<RecordBatch>, part: usize, frame: &Frame<'_>) -> Result<Vec<u8>, Failure> {
    let mut end = End::Marked;
    let mut cut = false;
    for fault in chunk_faults(frame, part) {
        match fault {
            FaultKind::ChunkCutAtBoundary { .. } => {
                batches = batches.iter().map(|batch| batch.slice(0, batch.num_rows() / 2)).collect();
                end = End::Open;
            }
            FaultKind::ChunkMissingEos { .. } => end = End::Open,
            FaultKind::ChunkCutMidMessage { .. } => cut = true,
            _ => {}
        }
    }
    let mut bytes = arrow::stream(&batches, end)?;
    if cut {
        // The last message's body is cut: more than the end marker goes, and less than the message.
        bytes.truncate(bytes.len().saturating_sub(16));
    }
    Ok(bytes)
}

fn json_parts(answer: &Answer, split: &[Vec<RecordBatch>], frame: &Frame<'_>) -> Result<Vec<Part>, Failure> {
    let needs_arrow =
        |fault: &&FaultKind| matches!(fault, FaultKind::MixedIntegerWidths | FaultKind::ChunkMissingEos { .. });
    if let Some(fault) = frame.faults.iter().find(needs_arrow) {
        return Err(Failure::internal(format!("the fault {fault:?} needs an Arrow result, and this one is JSON")));
    }
    let encode = |(number, batches): (usize, &Vec<RecordBatch>)| {
        let json = json::rows(&answer.columns, batches)?;
        let rows = json.len();
        if number == 0 {
            return Ok(Part { rows, bytes: Vec::new(), json });
        }
        let mut bytes = json::chunk(&json);
        for fault in chunk_faults(frame, number) {
            match fault {
                FaultKind::ChunkCutAtBoundary { .. } => {
                    bytes = json::chunk(json.get(..rows / 2).unwrap_or_default());
                }
                FaultKind::ChunkCutMidMessage { .. } => bytes.truncate(bytes.len().saturating_sub(2)),
                _ => {}
            }
        }
        Ok(Part { rows, bytes, json: Vec::new() })
    };
    split.iter().enumerate().map(encode).collect()
}

fn tell_chunks(data: &mut Map<String, Value>, parts: &[Part], frame: &Frame<'_>) -> Result<(), Failure> {
    let mut stored = Vec::with_capacity(parts.len());
    let mut told = Vec::with_capacity(parts.len());
    for (number, part) in parts.iter().enumerate() {
        let mut bytes = gzip(&part.bytes).map_err(Failure::internal)?;
        let compressed = bytes.len();
        let mut refused = None;
        let mut rows = part.rows as i64;
        for fault in chunk_faults(frame, number + 1) {
            match fault {
                FaultKind::ChunkStatus { status, .. } => refused = StatusCode::from_u16(*status).ok(),
                FaultKind::ChunkRowCount { by, .. } => rows = rows.saturating_add(*by),
                // A header no decoder takes, so that no damage goes unseen.
                FaultKind::ChunkWrongGzip { .. } => bytes.iter_mut().take(4).for_each(|byte| *byte ^= 0x55),
                _ => {}
            }
        }
        stored.push(Chunk { bytes: Bytes::from(bytes), refused });
        told.push((rows, part.bytes.len(), compressed));
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

fn gzip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 4), Compression::fast());
    encoder.write_all(bytes)?;
    encoder.finish()
}
