//! Rows become Arrow columns, only for the columns that a scan asks for.

use super::definition::ColumnType;
use crate::account::Micros;
use crate::snapshot::Snapshot;
use datafusion::arrow::array::{
    ArrayRef, BooleanBuilder, Int64Builder, ListBuilder, RecordBatch, RecordBatchOptions, StringBuilder,
    StringViewBuilder, TimestampMicrosecondBuilder,
};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::error::DataFusionError;
use std::sync::Arc;

enum Builder {
    Text(StringViewBuilder),
    Bool(BooleanBuilder),
    Int(Int64Builder),
    Time(TimestampMicrosecondBuilder),
    Texts(ListBuilder<StringBuilder>),
}

/// Takes the cells of rows in the order of the relation's columns; columns not asked for are passed over.
pub struct Writer {
    schema: SchemaRef,
    order: Vec<usize>,
    columns: Vec<Option<Builder>>,
    at: usize,
    rows: usize,
    misplaced: bool,
}

impl Writer {
    /// A writer of the projected `schema`; `projection` gives the relation's columns in its order.
    pub(super) fn new(types: &[ColumnType], schema: SchemaRef, projection: &[usize]) -> Self {
        let builder = |ty: &ColumnType| match ty {
            ColumnType::Text => Builder::Text(StringViewBuilder::new()),
            ColumnType::Bool => Builder::Bool(BooleanBuilder::new()),
            ColumnType::Int => Builder::Int(Int64Builder::new()),
            ColumnType::Time => Builder::Time(TimestampMicrosecondBuilder::new().with_timezone("UTC")),
            ColumnType::Texts => Builder::Texts(ListBuilder::new(StringBuilder::new())),
        };
        let columns = types.iter().enumerate().map(|(i, ty)| projection.contains(&i).then(|| builder(ty))).collect();
        Self { schema, order: projection.to_vec(), columns, at: 0, rows: 0, misplaced: false }
    }

    /// Rows written since the last batch.
    pub fn rows(&self) -> usize {
        self.rows
    }

    fn slot(&mut self) -> Option<&mut Builder> {
        let slot = self.columns.get_mut(self.at);
        self.at += 1;
        match slot {
            Some(slot) => slot.as_mut(),
            None => {
                self.misplaced = true;
                None
            }
        }
    }

    /// The next cell: a text.
    pub fn text(&mut self, value: Option<&str>) -> &mut Self {
        match self.slot() {
            Some(Builder::Text(b)) => b.append_option(value),
            Some(_) => self.misplaced = true,
            None => {}
        }
        self
    }

    /// The next cell: a text that is made only when the column is asked for.
    pub fn text_with<S: AsRef<str>>(&mut self, value: impl FnOnce() -> Option<S>) -> &mut Self {
        match self.slot() {
            Some(Builder::Text(b)) => b.append_option(value()),
            Some(_) => self.misplaced = true,
            None => {}
        }
        self
    }

    /// The next cell: a boolean.
    pub fn bool(&mut self, value: Option<bool>) -> &mut Self {
        match self.slot() {
            Some(Builder::Bool(b)) => b.append_option(value),
            Some(_) => self.misplaced = true,
            None => {}
        }
        self
    }

    /// The next cell: an integer.
    pub fn int(&mut self, value: Option<i64>) -> &mut Self {
        match self.slot() {
            Some(Builder::Int(b)) => b.append_option(value),
            Some(_) => self.misplaced = true,
            None => {}
        }
        self
    }

    /// The next cell: a time.
    pub fn time(&mut self, value: Option<Micros>) -> &mut Self {
        match self.slot() {
            Some(Builder::Time(b)) => b.append_option(value),
            Some(_) => self.misplaced = true,
            None => {}
        }
        self
    }

    /// The next cell: a list of texts.
    pub fn texts<'t>(&mut self, value: Option<impl IntoIterator<Item = &'t str>>) -> &mut Self {
        match self.slot() {
            Some(Builder::Texts(b)) => {
                let is_some = value.is_some();
                value.into_iter().flatten().for_each(|text| b.values().append_value(text));
                b.append(is_some);
            }
            Some(_) => self.misplaced = true,
            None => {}
        }
        self
    }

    /// The next five cells: the columns that name an object.
    pub fn object(&mut self, snapshot: &Snapshot, id: u32) -> &mut Self {
        self.text(Some(snapshot.object_type(id).as_str()))
            .text(snapshot.database_of(id).map(|d| snapshot.object_name(d)))
            .text(snapshot.schema_of(id).map(|s| snapshot.object_name(s)))
            .text(Some(snapshot.object_name(id)))
            .text_with(|| Some(snapshot.object(id).shown()))
    }

    /// Ends the row.
    pub fn end(&mut self) {
        self.misplaced |= self.at != self.columns.len();
        self.at = 0;
        self.rows += 1;
    }

    /// The rows so far as a batch; the writer is empty again.
    pub(super) fn finish(&mut self) -> Result<RecordBatch, DataFusionError> {
        if self.misplaced {
            return Err(DataFusionError::Internal("a row does not fit its relation's columns".to_owned()));
        }
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(self.order.len());
        let mut finished: Vec<Option<ArrayRef>> = self
            .columns
            .iter_mut()
            .map(|c| {
                c.as_mut().map(|b| match b {
                    Builder::Text(b) => Arc::new(b.finish()) as ArrayRef,
                    Builder::Bool(b) => Arc::new(b.finish()),
                    Builder::Int(b) => Arc::new(b.finish()),
                    Builder::Time(b) => Arc::new(b.finish()),
                    Builder::Texts(b) => Arc::new(b.finish()),
                })
            })
            .collect();
        for i in &self.order {
            arrays.extend(finished.get_mut(*i).and_then(Option::take));
        }
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        self.rows = 0;
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options)?)
    }
}
