//! Results as a table, JSON or CSV.
//!
//! Cells are PostgreSQL's text form, whether they come over the wire or from a [`RecordBatch`]; the kind of a column
//! says how they are aligned and what they are in JSON.

mod array;
mod batches;
mod csv;
mod json;
mod table;

use std::io::{self, Write};

use clap::ValueEnum;
use datafusion::arrow::record_batch::RecordBatch;

pub use batches::BatchError;

/// How to print a result.
#[expect(clippy::doc_markdown, reason = "shown as help, where backticks are noise")]
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Format {
    /// Aligned columns, as psql prints them
    #[default]
    Table,
    /// An array of objects, one per line; columns of the same name get a number (count, count_2)
    Json,
    /// Comma-separated with a header; NULL is empty, an empty text is ""
    Csv,
}

/// A column of a result.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Column {
    /// Its name, as the query gave it.
    pub name: String,
    /// What its text stands for.
    pub kind: Kind,
}

/// What the text of a cell stands for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Itself.
    Text,
    /// A number; aligned right.
    Number,
    /// `t` or `f`.
    Bool,
    /// JSON.
    Json,
    /// `{a,b}`, an array of these.
    List(Box<Kind>),
}

/// Prints results row by row. A table is printed at its end, when the widths are known; the others at once.
pub struct RowWriter<'w> {
    out: &'w mut dyn Write,
    format: Format,
    current: Option<Current>,
}

enum Current {
    Table(table::Table),
    Json(json::Json),
    Csv { columns: usize },
}

impl<'w> RowWriter<'w> {
    /// Prints to `out`, which the caller flushes.
    pub fn new(format: Format, out: &'w mut dyn Write) -> RowWriter<'w> {
        RowWriter { out, format, current: None }
    }

    /// Starts a result; one that was not ended is ended.
    pub fn begin(&mut self, columns: Vec<Column>) -> io::Result<()> {
        self.end()?;
        self.current = Some(match self.format {
            Format::Table => Current::Table(table::Table::new(columns)),
            Format::Json => Current::Json(json::Json::begin(self.out, columns)?),
            Format::Csv => {
                csv::row(self.out, columns.iter().map(|column| Some(column.name.as_str())))?;
                Current::Csv { columns: columns.len() }
            }
        });
        Ok(())
    }

    /// Prints a row: one cell per column, `None` for NULL.
    pub fn row(&mut self, cells: &[Option<&str>]) -> io::Result<()> {
        let columns = match &self.current {
            Some(Current::Table(table)) => table.columns(),
            Some(Current::Json(json)) => json.columns(),
            Some(Current::Csv { columns }) => *columns,
            None => 0,
        };
        if cells.len() != columns {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("a row has {} values for {columns} columns", cells.len()),
            ));
        }
        match &mut self.current {
            Some(Current::Table(table)) => table.row(cells),
            Some(Current::Json(json)) => json.row(self.out, cells)?,
            Some(Current::Csv { .. }) => csv::row(self.out, cells.iter().copied())?,
            None => {}
        }
        Ok(())
    }

    /// Ends a result; without one, nothing happens.
    pub fn end(&mut self) -> io::Result<()> {
        match self.current.take() {
            Some(Current::Table(table)) => table.print(self.out),
            Some(Current::Json(json)) => json.end(self.out),
            Some(Current::Csv { .. }) | None => Ok(()),
        }
    }
}

/// Prints record batches as one result. The columns come from `schema`, so that an empty result has a header too.
pub fn write_batches(
    format: Format,
    schema: &datafusion::arrow::datatypes::Schema,
    batches: &[RecordBatch],
    out: &mut dyn Write,
) -> Result<(), BatchError> {
    batches::write(format, schema, batches, out)
}

#[cfg(test)]
mod tests;
