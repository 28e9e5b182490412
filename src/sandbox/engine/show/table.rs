//! The rows of a SHOW.

use crate::sandbox::protocol::engine::{Answer, Column, Failure, SnowflakeType, StatementKind};
use datafusion::arrow::array::{
    ArrayRef, RecordBatch, RecordBatchOptions, Scalar, StringArray, TimestampMicrosecondArray,
};
use datafusion::arrow::compute::ilike;
use datafusion::arrow::datatypes::{Field, Schema};
use grantd_catalog::account::Micros;
use std::sync::Arc;

/// One value.
#[derive(Clone, Debug)]
pub(super) enum Cell {
    /// Nothing.
    Null,
    /// A text.
    Text(String),
    /// A time.
    Time(Option<Micros>),
}

impl Cell {
    pub(super) fn text(text: impl AsRef<str>) -> Self {
        Self::Text(text.as_ref().to_owned())
    }

    /// A text, or NULL.
    pub(super) fn option(text: Option<impl AsRef<str>>) -> Self {
        text.map_or(Self::Null, Self::text)
    }

    /// `true` or `false`, as SHOW spells booleans.
    pub(super) fn bool(value: bool) -> Self {
        Self::text(if value { "true" } else { "false" })
    }

    /// `Y` or `N`, as SHOW spells the others.
    pub(super) fn yes(value: bool) -> Self {
        Self::text(if value { "Y" } else { "N" })
    }
}

/// A result: columns in order, rows.
pub(super) struct Table {
    columns: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    pub(super) fn new(columns: &[&'static str]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// As [`Table::new`], where some columns are those of other commands too.
    pub(super) fn beginning(first: &[&'static str], others: &[&'static str]) -> Self {
        Self::new(&[first, others].concat())
    }

    /// Adds a row, one cell per column.
    pub(super) fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    fn name_of(&self, row: &[Cell]) -> String {
        let at = self.columns.iter().position(|c| matches!(*c, "name" | "key")).unwrap_or(0);
        match row.get(at) {
            Some(Cell::Text(text)) => text.clone(),
            _ => String::new(),
        }
    }

    /// How many rows there are.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Keeps the rows whose name passes.
    pub(super) fn keep_names(&mut self, passes: impl Fn(&str) -> bool) {
        let mut rows = std::mem::take(&mut self.rows);
        rows.retain(|row| passes(&self.name_of(row)));
        self.rows = rows;
    }

    /// Keeps the rows whose name is like a pattern, in any case.
    pub(super) fn keep_like(&mut self, pattern: &str) -> Result<(), Failure> {
        let names: StringArray = self.rows.iter().map(|row| Some(self.name_of(row))).collect();
        let pattern = Scalar::new(StringArray::from(vec![pattern]));
        let like = ilike(&names, &pattern).map_err(Failure::internal)?;
        let mut like = like.iter();
        self.rows.retain(|_| like.next().flatten().unwrap_or(false));
        Ok(())
    }

    /// Leaves out the rows up to the first whose name starts with `from`, that one included.
    pub(super) fn skip_past(&mut self, from: &str) {
        let at = self.rows.iter().position(|row| self.name_of(row).starts_with(from));
        if let Some(at) = at {
            self.rows.drain(..=at);
        } else {
            let names: Vec<bool> = self.rows.iter().map(|row| self.name_of(row).as_str() > from).collect();
            let mut names = names.into_iter();
            self.rows.retain(|_| names.next().unwrap_or(false));
        }
    }

    pub(super) fn truncate(&mut self, most: usize) {
        self.rows.truncate(most);
    }

    /// The result as an answer.
    pub(super) fn answer(self, kind: StatementKind) -> Result<Answer, Failure> {
        let is_time = |name: &str| matches!(name, "created_on" | "resumed_on" | "updated_on" | "last_success_login");
        let columns: Vec<Column> = self
            .columns
            .iter()
            .map(|name| {
                if is_time(name) {
                    Column::new(*name, SnowflakeType::TimestampLtz { scale: 3 })
                } else {
                    Column::text(*name)
                }
            })
            .collect();
        let arrays: Vec<ArrayRef> = self
            .columns
            .iter()
            .enumerate()
            .map(|(i, name)| {
                let cells = || self.rows.iter().map(move |row| row.get(i));
                if is_time(name) {
                    // SHOW gives milliseconds.
                    let times = cells().map(|c| match c {
                        Some(Cell::Time(at)) => at.map(|at| at / 1_000 * 1_000),
                        _ => None,
                    });
                    Arc::new(times.collect::<TimestampMicrosecondArray>().with_timezone("UTC")) as ArrayRef
                } else {
                    let texts = cells().map(|c| match c {
                        Some(Cell::Text(text)) => Some(text.as_str()),
                        _ => None,
                    });
                    Arc::new(texts.collect::<StringArray>())
                }
            })
            .collect();
        let fields: Vec<Field> = self
            .columns
            .iter()
            .zip(&arrays)
            .map(|(name, array)| Field::new(*name, array.data_type().clone(), true))
            .collect();
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows.len()));
        let batch = RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)
            .map_err(Failure::internal)?;
        Ok(Answer { kind, columns, batches: vec![batch] })
    }
}
