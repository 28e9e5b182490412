//! Exports as Parquet.

use super::ImportError;
use crate::sync::kind::SourceKind;
use crate::sync::table::{Place, SourceTable};
use datafusion::parquet::arrow::ProjectionMask;
use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::fs::File;
use std::path::Path;

/// Reads a Parquet export; only the columns that grantd uses.
pub(super) fn read(kind: SourceKind, path: &Path) -> Result<SourceTable, ImportError> {
    let broken = |problem: String| ImportError::Broken { path: path.to_owned(), line: None, problem };
    let file = File::open(path).map_err(|error| ImportError::Io { path: path.to_owned(), error })?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| broken(e.to_string()))?;
    let spec = kind.spec();
    let used: Vec<usize> = builder
        .schema()
        .fields()
        .iter()
        .enumerate()
        .filter(|(_, f)| spec.columns().any(|c| f.name().trim().eq_ignore_ascii_case(c)))
        .map(|(i, _)| i)
        .collect();
    let mask = ProjectionMask::roots(builder.parquet_schema(), used);
    let reader = builder.with_projection(mask).build().map_err(|e| broken(e.to_string()))?;
    let names = datafusion::arrow::array::RecordBatchReader::schema(&reader)
        .fields()
        .iter()
        .map(|f| f.name().clone())
        .collect();
    let mut batches = Vec::new();
    for batch in reader {
        batches.push(batch.map_err(|e| broken(e.to_string()))?.columns().to_vec());
    }
    Ok(SourceTable::new(kind, Place::File { path: path.to_owned(), lines: None }, names, batches)?)
}
