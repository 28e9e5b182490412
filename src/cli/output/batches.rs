//! Record batches in PostgreSQL's text form.

use std::io::{self, Write};

use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::datatypes::{DataType, Schema};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};

use super::{Column, Format, Kind, RowWriter, array};

const OPTIONS: FormatOptions<'static> = FormatOptions::new()
    .with_display_error(false)
    .with_timestamp_format(Some("%Y-%m-%d %H:%M:%S%.f"))
    .with_timestamp_tz_format(Some("%Y-%m-%d %H:%M:%S%.f%:::z"));

/// Why batches could not be printed.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// A value has no text form.
    #[error("a value cannot be printed: {0}")]
    Value(#[from] ArrowError),
    /// The output refused.
    #[error(transparent)]
    Output(#[from] io::Error),
}

pub(super) fn write(
    format: Format,
    schema: &Schema,
    batches: &[RecordBatch],
    out: &mut dyn Write,
) -> Result<(), BatchError> {
    let mut writer = RowWriter::new(format, out);
    let columns = schema.fields().iter();
    writer
        .begin(columns.map(|field| Column { name: field.name().clone(), kind: kind(field.data_type()) }).collect())?;
    for batch in batches {
        let columns: Vec<TextColumn<'_>> = batch.columns().iter().map(TextColumn::new).collect::<Result<_, _>>()?;
        for row in 0..batch.num_rows() {
            let cells: Vec<Option<String>> = columns.iter().map(|column| column.cell(row)).collect::<Result<_, _>>()?;
            let cells: Vec<Option<&str>> = cells.iter().map(Option::as_deref).collect();
            writer.row(&cells)?;
        }
    }
    writer.end()?;
    Ok(())
}

fn kind(data_type: &DataType) -> Kind {
    match data_type {
        DataType::Boolean => Kind::Bool,
        data_type if data_type.is_numeric() => Kind::Number,
        DataType::List(element) | DataType::LargeList(element) => Kind::List(Box::new(kind(element.data_type()))),
        DataType::Dictionary(_, value) => kind(value),
        _ => Kind::Text,
    }
}

/// A column that can be read as text, row by row.
enum TextColumn<'a> {
    Bool(&'a ArrayRef),
    List(&'a ArrayRef),
    Other(&'a ArrayRef, ArrayFormatter<'a>),
}

impl<'a> TextColumn<'a> {
    fn new(array: &'a ArrayRef) -> Result<Self, ArrowError> {
        Ok(match array.data_type() {
            DataType::Boolean => TextColumn::Bool(array),
            DataType::List(_) | DataType::LargeList(_) => TextColumn::List(array),
            _ => TextColumn::Other(array, ArrayFormatter::try_new(array.as_ref(), &OPTIONS)?),
        })
    }

    fn cell(&self, row: usize) -> Result<Option<String>, ArrowError> {
        let (TextColumn::Bool(array) | TextColumn::List(array) | TextColumn::Other(array, _)) = self;
        // A dictionary's null may be in its values.
        if array.is_null(row) || array.logical_nulls().is_some_and(|nulls| nulls.is_null(row)) {
            return Ok(None);
        }
        Ok(Some(match self {
            TextColumn::Bool(array) => if array.as_boolean().value(row) { "t" } else { "f" }.to_owned(),
            TextColumn::List(array) => list(&element(array, row))?,
            TextColumn::Other(_, formatter) => formatter.value(row).try_to_string()?,
        }))
    }
}

/// The elements of one list.
fn element(array: &ArrayRef, row: usize) -> ArrayRef {
    match array.as_list_opt::<i32>() {
        Some(list) => list.value(row),
        None => array.as_list::<i64>().value(row),
    }
}

fn list(elements: &ArrayRef) -> Result<String, ArrowError> {
    let column = TextColumn::new(elements)?;
    let mut text = String::from("{");
    for row in 0..elements.len() {
        if row > 0 {
            text.push(',');
        }
        match column.cell(row)? {
            None => text.push_str("NULL"),
            // An inner list is an array already.
            Some(inner) if matches!(column, TextColumn::List(_)) => text.push_str(&inner),
            Some(value) => array::push_quoted(&mut text, &value),
        }
    }
    text.push('}');
    Ok(text)
}
