//! One table of a segment: an Arrow IPC stream with ZSTD inside, columns by name.

use super::CodecError;
use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{ArrowPrimitiveType, DataType, Field, Int64Type, Schema, UInt16Type, UInt32Type};
use datafusion::arrow::ipc::CompressionType;
use datafusion::arrow::ipc::reader::StreamReader;
use datafusion::arrow::ipc::writer::{IpcWriteOptions, StreamWriter};
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::sync::Arc;

/// Rows of one batch: what is built at once while a table is written or read.
const BATCH_ROWS: usize = 1 << 18;

/// What the header says of a table.
#[derive(Serialize, Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) rows: usize,
    pub(super) bytes: usize,
    pub(super) checksum: u64,
}

/// Writes a table of `rows` rows; `columns` gives the columns of a range of them.
pub(super) fn write(
    out: &mut Vec<u8>,
    name: &str,
    rows: usize,
    columns: impl Fn(Range<usize>) -> Vec<(&'static str, ArrayRef)>,
) -> Result<Entry, CodecError> {
    let failed = |error: &dyn std::fmt::Display| CodecError::Write(format!("table {name}: {error}"));
    let start = out.len();
    let fields: Vec<Field> =
        columns(0..0).iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
    let schema = Arc::new(Schema::new(fields));
    let options =
        IpcWriteOptions::default().try_with_compression(Some(CompressionType::ZSTD)).map_err(|e| failed(&e))?;
    let mut writer = StreamWriter::try_new_with_options(&mut *out, &schema, options).map_err(|e| failed(&e))?;
    let mut from = 0;
    while from < rows {
        let to = rows.min(from + BATCH_ROWS);
        let arrays = columns(from..to).into_iter().map(|(_, array)| array).collect();
        let batch = RecordBatch::try_new(Arc::clone(&schema), arrays).map_err(|e| failed(&e))?;
        writer.write(&batch).map_err(|e| failed(&e))?;
        from = to;
    }
    writer.finish().map_err(|e| failed(&e))?;
    drop(writer);
    let written = out.get(start..).unwrap_or_default();
    Ok(Entry { name: name.to_owned(), rows, bytes: written.len(), checksum: checksum(written) })
}

/// A table that is read batch by batch.
pub(super) struct Table<'b> {
    name: &'b str,
    rows: usize,
    bytes: &'b [u8],
}

impl<'b> Table<'b> {
    /// Checks the bytes before Arrow sees them: it trusts the lengths in a stream.
    pub(super) fn open(entry: &'b Entry, bytes: &'b [u8]) -> Result<Self, CodecError> {
        if checksum(bytes) != entry.checksum {
            return Err(CodecError::Damaged(format!("table {} does not have its checksum", entry.name)));
        }
        Ok(Self { name: &entry.name, rows: entry.rows, bytes })
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn damaged(&self, what: impl std::fmt::Display) -> CodecError {
        CodecError::Damaged(format!("table {}: {what}", self.name))
    }

    /// Gives every batch to `take`.
    pub(super) fn each(&self, mut take: impl FnMut(&Batch<'_>) -> Result<(), CodecError>) -> Result<(), CodecError> {
        let reader = StreamReader::try_new(self.bytes, None).map_err(|e| self.damaged(e))?;
        let mut found = 0;
        for batch in reader {
            let batch = batch.map_err(|e| self.damaged(e))?;
            found += batch.num_rows();
            take(&Batch { table: self, batch: &batch })?;
        }
        if found == self.rows {
            return Ok(());
        }
        Err(CodecError::CutShort { found, expected: self.rows })
    }
}

/// Some rows of a table.
pub(super) struct Batch<'t> {
    table: &'t Table<'t>,
    batch: &'t RecordBatch,
}

impl Batch<'_> {
    pub(super) fn rows(&self) -> usize {
        self.batch.num_rows()
    }

    fn column(&self, name: &str, wanted: &DataType) -> Result<&ArrayRef, CodecError> {
        let array = self.batch.column_by_name(name).ok_or_else(|| self.table.damaged(format!("no column {name}")))?;
        if array.data_type() != wanted {
            return Err(self.table.damaged(format!("column {name} is {}, not {wanted}", array.data_type())));
        }
        Ok(array)
    }

    fn numbers<T: ArrowPrimitiveType>(
        &self,
        name: &str,
    ) -> Result<&datafusion::arrow::array::PrimitiveArray<T>, CodecError> {
        self.column(name, &T::DATA_TYPE).map(AsArray::as_primitive::<T>)
    }

    /// Ids that must be there and below `limit`.
    pub(super) fn ids(&self, name: &str, limit: usize, out: &mut Vec<u32>) -> Result<(), CodecError> {
        self.optional_ids(name, limit, None, out)
    }

    /// Ids below `limit`; `none` stands for those that are not there.
    pub(super) fn optional_ids(
        &self,
        name: &str,
        limit: usize,
        none: Option<u32>,
        out: &mut Vec<u32>,
    ) -> Result<(), CodecError> {
        for id in self.numbers::<UInt32Type>(name)? {
            match (id, none) {
                (Some(id), _) if (id as usize) < limit => out.push(id),
                (None, Some(none)) => out.push(none),
                (id, _) => return Err(self.table.damaged(format!("column {name}: {id:?} is below no {limit}"))),
            }
        }
        Ok(())
    }

    /// Small ids that must be there and below `limit`.
    pub(super) fn small_ids(&self, name: &str, limit: usize, out: &mut Vec<u16>) -> Result<(), CodecError> {
        for id in self.numbers::<UInt16Type>(name)? {
            match id {
                Some(id) if usize::from(id) < limit => out.push(id),
                id => return Err(self.table.damaged(format!("column {name}: {id:?} is below no {limit}"))),
            }
        }
        Ok(())
    }

    pub(super) fn times(&self, name: &str, out: &mut Vec<Option<i64>>) -> Result<(), CodecError> {
        out.extend(self.numbers::<Int64Type>(name)?);
        Ok(())
    }

    pub(super) fn flags(&self, name: &str, out: &mut Vec<bool>) -> Result<(), CodecError> {
        let array: &BooleanArray = self.column(name, &DataType::Boolean)?.as_boolean();
        for flag in array {
            out.push(flag.ok_or_else(|| self.table.damaged(format!("column {name} has a NULL")))?);
        }
        Ok(())
    }

    pub(super) fn texts(&self, name: &str) -> Result<&StringArray, CodecError> {
        self.column(name, &DataType::Utf8).map(AsArray::as_string::<i32>)
    }

    /// A text of a row that must be there.
    pub(super) fn text<'a>(&self, array: &'a StringArray, row: usize) -> Result<&'a str, CodecError> {
        if array.is_null(row) { Err(self.table.damaged("a name is missing")) } else { Ok(array.value(row)) }
    }

    /// The texts of the list in a row.
    pub(super) fn list(&self, name: &str, row: usize) -> Result<Vec<String>, CodecError> {
        let missing = || self.table.damaged(format!("column {name} is no list of names"));
        let array = self.batch.column_by_name(name).ok_or_else(missing)?;
        let lists = array.as_list_opt::<i32>().ok_or_else(missing)?;
        let values = lists.value(row);
        let values = values.as_string_opt::<i32>().ok_or_else(missing)?;
        values.iter().map(|value| value.map(str::to_owned).ok_or_else(missing)).collect()
    }

    pub(super) fn damaged(&self, what: impl std::fmt::Display) -> CodecError {
        self.table.damaged(what)
    }
}

/// Tells accidents, not attacks: the store keeps a SHA-256 of the whole file.
fn checksum(bytes: &[u8]) -> u64 {
    // FNV-1a over words of eight bytes; the rest and the length at the end.
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut words = bytes.chunks_exact(8);
    for word in &mut words {
        let word = <[u8; 8]>::try_from(word).map_or(0, u64::from_le_bytes);
        hash = (hash ^ word).wrapping_mul(PRIME).rotate_left(23);
    }
    for byte in words.remainder() {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(PRIME);
    }
    (hash ^ bytes.len() as u64).wrapping_mul(PRIME)
}
