//! [`SourceTable`]: the rows of one source, columns by name, values read in whatever spelling they came.

use super::kind::SourceKind;
use super::source::Receipt;
use super::value;
use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int64Array, StringArray, TimestampMicrosecondArray,
};
use datafusion::arrow::compute::{cast, filter};
use datafusion::arrow::datatypes::{DataType, Int64Type, TimeUnit, TimestampMicrosecondType};
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// Where the rows of a table were, for messages.
#[derive(Clone, Debug)]
pub enum Place {
    /// A statement, by its name.
    Statement(String),
    /// A file; `lines` has the line of each row where rows have lines (a Parquet file has none).
    File {
        /// The file.
        path: PathBuf,
        /// Line numbers, one per row, from 1.
        lines: Option<Vec<u64>>,
    },
}

/// Why rows cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// Mandatory columns are missing.
    #[error("{kind}: {place} lacks the column{} {}; it has {}", plural(missing.len()), missing.join(", "), list(present))]
    MissingColumns {
        /// The source.
        kind: SourceKind,
        /// File or statement.
        place: String,
        /// The columns that are missing.
        missing: Vec<&'static str>,
        /// The columns that are there.
        present: Vec<String>,
    },
    /// One name for two columns.
    #[error("{kind}: {place} has the column {column} twice")]
    DuplicateColumn {
        /// The source.
        kind: SourceKind,
        /// File or statement.
        place: String,
        /// The column.
        column: String,
    },
    /// Columns of one table differ in length.
    #[error("{kind}: {place} has columns of different length")]
    Ragged {
        /// The source.
        kind: SourceKind,
        /// File or statement.
        place: String,
    },
    /// A value cannot be read.
    #[error("{kind}: {place}, column {column}: {problem}")]
    Cell {
        /// The source.
        kind: SourceKind,
        /// File and line, or statement and row.
        place: String,
        /// The column.
        column: &'static str,
        /// What is wrong with it.
        problem: String,
    },
}

fn plural(n: usize) -> &'static str {
    if n == 1 { "" } else { "s" }
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "no columns".to_owned() } else { names.join(", ") }
}

/// The rows of one view or SHOW.
///
/// Every value is text, boolean, 64-bit integer or a UTC timestamp in microseconds; other Arrow types become text.
#[derive(Clone)]
pub struct SourceTable {
    kind: SourceKind,
    place: Place,
    names: Vec<String>,
    by_name: HashMap<String, usize>,
    batches: Vec<Batch>,
    rows: usize,
    receipt: Receipt,
}

#[derive(Clone)]
struct Batch {
    columns: Vec<Cells>,
    rows: usize,
}

#[derive(Clone)]
enum Cells {
    Text(StringArray),
    Boolean(BooleanArray),
    Integer(Int64Array),
    Timestamp(TimestampMicrosecondArray),
}

/// A column of a table, found once and then used for every row.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    name: &'static str,
    index: usize,
}

impl SourceTable {
    /// Builds a table from column names (any case) and batches of columns in that order.
    ///
    /// # Errors
    /// A mandatory column is missing, a name that grantd reads is there twice, or columns differ in length.
    pub fn new(
        kind: SourceKind,
        place: Place,
        names: Vec<String>,
        batches: Vec<Vec<ArrayRef>>,
    ) -> Result<Self, TableError> {
        let spec = kind.spec();
        let names: Vec<String> = names.into_iter().map(|n| n.trim().to_ascii_uppercase()).collect();
        let mut by_name = HashMap::with_capacity(names.len());
        for (index, name) in names.iter().enumerate() {
            if by_name.insert(name.clone(), index).is_some() && spec.columns().any(|c| c == name) {
                return Err(TableError::DuplicateColumn { kind, place: place.to_string(), column: name.clone() });
            }
        }
        let missing: Vec<&'static str> = spec.mandatory.iter().copied().filter(|c| !by_name.contains_key(*c)).collect();
        if !missing.is_empty() {
            return Err(TableError::MissingColumns { kind, place: place.to_string(), missing, present: names });
        }
        let ragged = || TableError::Ragged { kind, place: place.to_string() };
        let mut ready = Vec::with_capacity(batches.len());
        let mut total = 0;
        for columns in batches {
            let rows = columns.first().map_or(0, Array::len);
            if columns.len() != names.len() || columns.iter().any(|c| c.len() != rows) {
                return Err(ragged());
            }
            let columns = columns.iter().map(Cells::of).collect::<Option<Vec<_>>>().ok_or_else(ragged)?;
            total += rows;
            ready.push(Batch { columns, rows });
        }
        Ok(Self { kind, place, names, by_name, batches: ready, rows: total, receipt: Receipt::default() })
    }

    /// The same table with the receipt of the statement that read it.
    pub fn with_receipt(mut self, receipt: Receipt) -> Self {
        self.receipt = receipt;
        self
    }

    /// What its rows are.
    pub fn kind(&self) -> SourceKind {
        self.kind
    }

    /// Where its rows were.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// How the statement ran.
    pub fn receipt(&self) -> &Receipt {
        &self.receipt
    }

    /// Names of its columns, upper case, in the order of the source.
    pub fn columns(&self) -> &[String] {
        &self.names
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// A column, if the table has it.
    pub fn column(&self, name: &'static str) -> Option<Column> {
        self.by_name.get(name).map(|&index| Column { name, index })
    }

    /// A mandatory column.
    ///
    /// # Errors
    /// The table does not have it.
    pub fn required(&self, name: &'static str) -> Result<Column, TableError> {
        self.column(name).ok_or_else(|| TableError::MissingColumns {
            kind: self.kind,
            place: self.place.to_string(),
            missing: vec![name],
            present: self.names.clone(),
        })
    }

    /// The rows of several views that were read together, as a table per view with that view's own columns.
    ///
    /// # Errors
    /// A row names none of these views.
    pub fn split(&self, kinds: &[SourceKind]) -> Result<Vec<SourceTable>, TableError> {
        let source = self.required("SOURCE")?;
        let mut tables = Vec::with_capacity(kinds.len());
        let mut found = 0;
        for &kind in kinds {
            let spec = kind.spec();
            let own = |name: &str| match name {
                "NAME" => spec.mandatory.first().copied(),
                "SCHEMA_NAME" => spec.mandatory.get(1).copied(),
                "DATABASE_NAME" => spec.mandatory.get(2).copied(),
                "OWNER" => spec.optional.iter().find(|c| c.ends_with("OWNER")).copied(),
                name => spec.columns().find(|c| *c == name),
            };
            let wanted: Vec<(usize, &str)> =
                self.names.iter().enumerate().filter_map(|(i, name)| Some((i, own(name)?))).collect();
            let mut batches = Vec::with_capacity(self.batches.len());
            for batch in &self.batches {
                let Some(Cells::Text(sources)) = batch.columns.get(source.index) else { continue };
                let mask: BooleanArray = sources.iter().map(|s| Some(s == Some(spec.name))).collect();
                let columns = wanted.iter().filter_map(|(i, _)| batch.columns.get(*i));
                let columns: Option<Vec<ArrayRef>> = columns.map(|c| filter(&c.array(), &mask).ok()).collect();
                batches.push(columns.ok_or_else(|| TableError::Ragged { kind, place: self.place.to_string() })?);
            }
            let names = wanted.into_iter().map(|(_, name)| name.to_owned()).collect();
            let table = Self::new(kind, Place::Statement(spec.name.to_owned()), names, batches)?;
            found += table.len();
            tables.push(table.with_receipt(self.receipt.clone()));
        }
        if found == self.rows {
            return Ok(tables);
        }
        let known = |row: &Row<'_>| row.text(source).is_some_and(|s| kinds.iter().any(|k| k.name() == s));
        match self.rows().find(|row| !known(row)) {
            Some(row) => Err(row.problem(source, "it is none of the views that were asked")),
            None => Err(TableError::Ragged { kind: self.kind, place: self.place.to_string() }),
        }
    }

    /// Its rows, in order.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.batches
            .iter()
            .flat_map(move |batch| (0..batch.rows).map(move |index| (batch, index)))
            .enumerate()
            .map(move |(number, (batch, index))| Row { table: self, batch, index, number })
    }
}

impl Cells {
    fn of(array: &ArrayRef) -> Option<Self> {
        Some(match array.data_type() {
            DataType::Utf8 => Self::Text(array.as_string::<i32>().clone()),
            DataType::Boolean => Self::Boolean(array.as_boolean().clone()),
            DataType::Int64 => Self::Integer(array.as_primitive::<Int64Type>().clone()),
            DataType::Timestamp(unit, zone) => {
                // A zone-less timestamp is UTC: statements run with TIMEZONE = UTC.
                let micros = match (unit, zone) {
                    (TimeUnit::Microsecond, _) => array.clone(),
                    _ => cast(array, &DataType::Timestamp(TimeUnit::Microsecond, zone.clone())).ok()?,
                };
                Self::Timestamp(micros.as_primitive::<TimestampMicrosecondType>().clone())
            }
            DataType::Int8
            | DataType::Int16
            | DataType::Int32
            | DataType::UInt8
            | DataType::UInt16
            | DataType::UInt32 => {
                Self::Integer(cast(array, &DataType::Int64).ok()?.as_primitive::<Int64Type>().clone())
            }
            _ => Self::Text(cast(array, &DataType::Utf8).ok()?.as_string::<i32>().clone()),
        })
    }

    fn array(&self) -> ArrayRef {
        match self {
            Self::Text(a) => Arc::new(a.clone()),
            Self::Boolean(a) => Arc::new(a.clone()),
            Self::Integer(a) => Arc::new(a.clone()),
            Self::Timestamp(a) => Arc::new(a.clone()),
        }
    }

    fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Text(a) => a.is_null(row),
            Self::Boolean(a) => a.is_null(row),
            Self::Integer(a) => a.is_null(row),
            Self::Timestamp(a) => a.is_null(row),
        }
    }
}

/// One row of a [`SourceTable`].
#[derive(Clone, Copy)]
pub struct Row<'t> {
    table: &'t SourceTable,
    batch: &'t Batch,
    index: usize,
    number: usize,
}

impl<'t> Row<'t> {
    fn cells(&self, column: Column) -> Option<&'t Cells> {
        self.batch.columns.get(column.index).filter(|cells| !cells.is_null(self.index))
    }

    /// The place of this row, for messages: `users.csv: line 7`.
    pub fn place(&self) -> String {
        match &self.table.place {
            Place::Statement(name) => format!("{name}: row {}", self.number + 1),
            Place::File { path, lines } => match lines.as_ref().and_then(|l| l.get(self.number)) {
                Some(line) => format!("{}: line {line}", path.display()),
                None => format!("{}: row {}", path.display(), self.number + 1),
            },
        }
    }

    /// An error about a value of this row.
    pub fn problem(&self, column: Column, problem: impl fmt::Display) -> TableError {
        TableError::Cell {
            kind: self.table.kind,
            place: self.place(),
            column: column.name,
            problem: problem.to_string(),
        }
    }

    /// The value as text; `None` for NULL.
    pub fn text(&self, column: Column) -> Option<Cow<'t, str>> {
        Some(match self.cells(column)? {
            Cells::Text(a) => Cow::Borrowed(a.value(self.index)),
            Cells::Boolean(a) => Cow::Borrowed(if a.value(self.index) { "true" } else { "false" }),
            Cells::Integer(a) => Cow::Owned(a.value(self.index).to_string()),
            Cells::Timestamp(a) => Cow::Owned(value::rfc3339(a.value(self.index))),
        })
    }

    /// The value as text; `None` for NULL, for empty text and for a column that is not there.
    pub fn filled(&self, column: Option<Column>) -> Option<Cow<'t, str>> {
        self.text(column?).filter(|t| !t.is_empty())
    }

    /// The value as text that must be there.
    ///
    /// # Errors
    /// It is NULL or empty.
    pub fn must(&self, column: Column) -> Result<Cow<'t, str>, TableError> {
        self.filled(Some(column)).ok_or_else(|| self.problem(column, "the value is missing"))
    }

    /// The value as a truth value, in any of the platform's spellings; `None` for NULL and empty text.
    ///
    /// # Errors
    /// It is no truth value.
    pub fn boolean(&self, column: Option<Column>) -> Result<Option<bool>, TableError> {
        let Some(column) = column else { return Ok(None) };
        match self.cells(column) {
            None => Ok(None),
            Some(Cells::Boolean(a)) => Ok(Some(a.value(self.index))),
            Some(Cells::Integer(a)) if matches!(a.value(self.index), 0 | 1) => Ok(Some(a.value(self.index) == 1)),
            Some(_) => {
                let text = self.text(column).unwrap_or_default();
                if text.is_empty() {
                    return Ok(None);
                }
                value::boolean(&text)
                    .map(Some)
                    .ok_or_else(|| self.problem(column, format!("{:?} is neither true nor false", value::short(&text))))
            }
        }
    }

    /// The value as microseconds since 1970 UTC; `None` for NULL and empty text.
    ///
    /// # Errors
    /// It is no timestamp.
    pub fn timestamp(&self, column: Option<Column>) -> Result<Option<i64>, TableError> {
        let Some(column) = column else { return Ok(None) };
        match self.cells(column) {
            None => Ok(None),
            Some(Cells::Timestamp(a)) => Ok(Some(a.value(self.index))),
            Some(_) => {
                let text = self.text(column).unwrap_or_default();
                if text.is_empty() {
                    return Ok(None);
                }
                value::timestamp(&text)
                    .map(Some)
                    .ok_or_else(|| self.problem(column, format!("{:?} is no timestamp", value::short(&text))))
            }
        }
    }

    /// The value as an integer; `None` for NULL and empty text.
    ///
    /// # Errors
    /// It is no integer.
    pub fn integer(&self, column: Option<Column>) -> Result<Option<i64>, TableError> {
        let Some(column) = column else { return Ok(None) };
        match self.cells(column) {
            None => Ok(None),
            Some(Cells::Integer(a)) => Ok(Some(a.value(self.index))),
            Some(_) => {
                let text = self.text(column).unwrap_or_default();
                if text.is_empty() {
                    return Ok(None);
                }
                let parsed = text.trim().parse().ok();
                parsed.map(Some).ok_or_else(|| self.problem(column, format!("{:?} is no integer", value::short(&text))))
            }
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Statement(name) => f.write_str(name),
            Self::File { path, .. } => write!(f, "{}", path.display()),
        }
    }
}

impl fmt::Debug for SourceTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}, {} rows)", self.kind, self.place, self.rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(values: &[Option<&str>]) -> ArrayRef {
        Arc::new(StringArray::from(values.to_vec()))
    }

    fn roles(names: Vec<&str>, columns: Vec<ArrayRef>) -> Result<SourceTable, TableError> {
        let names = names.into_iter().map(str::to_owned).collect();
        SourceTable::new(SourceKind::Roles, Place::Statement("ROLES".into()), names, vec![columns])
    }

    #[test]
    fn columns_are_bound_by_name_in_any_case_and_order() {
        let table = roles(vec!["extra", "name"], vec![text(&[Some("x")]), text(&[Some("ANALYST")])]).unwrap();
        let name = table.required("NAME").unwrap();
        assert_eq!(table.rows().next().unwrap().must(name).unwrap(), "ANALYST");
        assert!(table.column("OWNER").is_none());
    }

    #[test]
    fn a_missing_mandatory_column_is_named_with_what_is_there() {
        let error = roles(vec!["owner"], vec![text(&[])]).unwrap_err().to_string();
        assert_eq!(error, "ROLES: ROLES lacks the column NAME; it has OWNER");
        assert!(matches!(
            roles(vec!["NAME", "name"], vec![text(&[]), text(&[])]),
            Err(TableError::DuplicateColumn { .. })
        ));
        assert!(roles(vec!["NAME", "X", "x"], vec![text(&[]), text(&[]), text(&[])]).is_ok());
    }

    #[test]
    fn views_read_together_come_apart_with_their_own_columns() {
        let columns =
            ["SOURCE", "NAME", "SCHEMA_NAME", "DATABASE_NAME", "OWNER", "COMMENT", "CREATED", "OWNER_ROLE_TYPE"];
        let cells = |source: Option<&'static str>, name: &'static str| {
            let row = [source, Some(name), Some("S"), Some("D"), Some("O"), None, None, Some("ROLE")];
            row.map(|v| text(&[v])).to_vec()
        };
        let union = |batches| {
            let names = columns.iter().map(|c| (*c).to_owned()).collect();
            SourceTable::new(SourceKind::SchemaObjects, Place::Statement("X".into()), names, batches).unwrap()
        };
        let kinds = [SourceKind::Stages, SourceKind::Streams];
        let whole = union(vec![cells(Some("STREAMS"), "A"), cells(Some("STAGES"), "B"), cells(Some("STREAMS"), "C")]);
        let tables = whole.split(&kinds).unwrap();
        assert_eq!(tables.iter().map(SourceTable::len).collect::<Vec<_>>(), [1, 2]);
        let (stage, streams) = (tables.first().unwrap(), tables.last().unwrap());
        assert_eq!(stage.rows().next().unwrap().must(stage.required("STAGE_OWNER").unwrap()).unwrap(), "O");
        let names: Vec<_> =
            streams.rows().map(|r| r.must(streams.required("STREAM_NAME").unwrap()).unwrap().into_owned()).collect();
        assert_eq!(names, ["A", "C"]);
        for odd in [Some("TASKS"), None] {
            let error = union(vec![cells(Some("STAGES"), "B"), cells(odd, "C")]).split(&kinds).unwrap_err();
            assert!(error.to_string().contains("row 2, column SOURCE"), "{error}");
        }
    }

    #[test]
    fn truth_and_time_are_read_in_every_spelling() {
        let table = roles(
            vec!["NAME", "DELETED_ON"],
            vec![
                text(&[Some("true"), Some("N"), Some("1"), None, Some(""), Some("maybe")]),
                text(&[
                    Some("2026-01-02 03:04:05.678 -0800"),
                    Some("1767323045.678901"),
                    None,
                    Some(""),
                    Some("2026-01-02"),
                    Some("soon"),
                ]),
            ],
        )
        .unwrap();
        let (name, deleted) = (table.column("NAME"), table.column("DELETED_ON"));
        let booleans: Vec<_> = table.rows().map(|r| r.boolean(name)).collect();
        assert_eq!(booleans[..5], [Ok(Some(true)), Ok(Some(false)), Ok(Some(true)), Ok(None), Ok(None)]);
        assert_eq!(
            booleans[5].clone().unwrap_err().to_string(),
            "ROLES: ROLES: row 6, column NAME: \"maybe\" is neither true nor false"
        );
        let times: Vec<_> = table.rows().map(|r| r.timestamp(deleted)).collect();
        assert_eq!(times[0], Ok(Some(1_767_351_845_678_000)));
        assert_eq!(times[1], Ok(Some(1_767_323_045_678_901)));
        assert_eq!((&times[2], &times[3]), (&Ok(None), &Ok(None)));
        assert_eq!(times[4], Ok(Some(1_767_312_000_000_000)));
        assert!(times[5].is_err());
    }
}
