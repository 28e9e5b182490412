//! Whole rows as values: how one is made of a relation's columns or read from its text, and whether it is NULL.

use std::any::Any;
use std::sync::Arc;

use datafusion::arrow::array::{
    Array as _, ArrayRef, AsArray as _, BooleanArray, ListArray, StructArray, new_null_array,
};
use datafusion::arrow::buffer::{NullBuffer, OffsetBuffer};
use datafusion::arrow::compute::{CastOptions, cast_with_options};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Fields};
use datafusion::common::{Column, ScalarValue};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use postgres_types::Type;

use super::super::error::SqlError;
use super::super::pgcatalog::functions::{array_output_function, output_function};
use super::super::pgcatalog::row_types::RowType;
use super::super::pgcatalog::types;
use super::super::query::param_values::from_text;
use super::super::query::params::long_name;
use super::super::query::shape;
use super::zones::session_zone;

/// The function that makes rows of a relation's type: of a value, the type's mark, and the names and types of its columns.
pub(crate) const AS_ROW: &str = "as_row";

pub(super) fn functions() -> Vec<ScalarUDF> {
    vec![ScalarUDF::new_from_impl(AsRow { signature: Signature::variadic_any(Volatility::Stable) })]
}

/// A column of the relation whose whole row a call is; `None` of other calls, and of rows of no relation.
pub(crate) fn of_relation(function: &ScalarFunction) -> Option<&Column> {
    let any: &dyn Any = function.func.inner().as_ref();
    any.downcast_ref::<RowOf>()?.mark.as_ref()?;
    function.args.iter().find_map(|value| match value {
        Expr::Column(column) => Some(column),
        _ => None,
    })
}

/// The row that columns make: their names, the marks that their values have not, and their values. Without a `mark` it is a
/// record. Where a join may leave a relation without a row (`is_outer`), one in which all is NULL is none.
pub(crate) fn row_of(mark: Option<&str>, is_outer: bool, columns: Vec<(String, Option<String>, Expr)>) -> Expr {
    let (names, values) = columns.into_iter().map(|(name, mark, value)| ((name, mark), value)).unzip();
    let signature = Signature::variadic_any(Volatility::Immutable);
    let row = RowOf { columns: names, mark: mark.map(str::to_owned), is_outer, signature };
    ScalarUDF::new_from_impl(row).call(values)
}

/// `IS NULL` of a row, which is whether all of its columns are, or `IS NOT NULL`: whether none is.
pub(super) fn null_test(row: Expr, wants_null: bool) -> Expr {
    let signature = Signature::any(1, Volatility::Immutable);
    ScalarUDF::new_from_impl(NullTest { wants_null, signature }).call(vec![row])
}

fn failed(error: SqlError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

/// Whether a value is NULL; Arrow's column of nothing but NULL does not say so.
fn is_absent(column: &ArrayRef, row: usize) -> bool {
    *column.data_type() == DataType::Null || column.is_null(row)
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct RowOf {
    columns: Vec<(String, Option<String>)>,
    mark: Option<String>,
    is_outer: bool,
    signature: Signature,
}

impl ScalarUDFImpl for RowOf {
    fn name(&self) -> &'static str {
        "row"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Err(DataFusionError::Internal("a row is of the fields that it is made of".to_owned()))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let field = |((name, mark), argument): (&(String, Option<String>), &FieldRef)| {
            let metadata =
                mark.as_ref().or_else(|| argument.metadata().get(types::TYPE_KEY)).map(|mark| types::metadata(mark));
            Field::new(name, argument.data_type().clone(), true).with_metadata(metadata.unwrap_or_default())
        };
        let fields: Fields = self.columns.iter().zip(args.arg_fields).map(field).collect();
        let metadata = self.mark.as_deref().map(types::metadata).unwrap_or_default();
        Ok(Arc::new(Field::new(self.name(), DataType::Struct(fields), true).with_metadata(metadata)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let DataType::Struct(fields) = args.return_type() else {
            return Err(DataFusionError::Internal("a row is no struct".to_owned()));
        };
        let columns = args.args.iter().map(|value| value.to_array(args.number_rows)).collect::<Result<Vec<_>>>()?;
        let is_there = |row: usize| columns.iter().any(|column| !is_absent(column, row));
        let nulls = self.is_outer.then(|| (0..args.number_rows).map(is_there).collect::<NullBuffer>());
        Ok(ColumnarValue::Array(Arc::new(StructArray::try_new(fields.clone(), columns, nulls)?)))
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct NullTest {
    wants_null: bool,
    signature: Signature,
}

impl ScalarUDFImpl for NullTest {
    fn name(&self) -> &'static str {
        if self.wants_null { "row_is_null" } else { "row_is_not_null" }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let value = args.args.first().ok_or_else(|| DataFusionError::Internal("no argument".to_owned()))?;
        let value = value.to_array(args.number_rows)?;
        let columns = value.as_struct_opt().map(StructArray::columns).unwrap_or_default();
        let is = |row: usize| {
            let is_null = value.is_null(row);
            let mut nulls = columns.iter().map(|column| is_null || is_absent(column, row));
            if self.wants_null { nulls.all(|null| null) } else { !is_null && nulls.all(|null| !null) }
        };
        Ok(ColumnarValue::Array(Arc::new((0..value.len()).map(|row| Some(is(row))).collect::<BooleanArray>())))
    }
}

/// The type that the arguments of [`AS_ROW`] after the first name.
pub(crate) fn named_type(arguments: &[&str]) -> Option<Type> {
    let (mark, columns) = arguments.split_first()?;
    let columns = columns.chunks_exact(2).filter_map(|pair| match pair {
        [name, kind] => Some((*name, *kind)),
        _ => None,
    });
    RowType::named(mark, columns)
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct AsRow {
    signature: Signature,
}

/// A column of a row, where what is printed by name is kept as text.
fn column(name: &str, kind: &str) -> Field {
    let field = types::field(name, kind);
    let carrier = match field.data_type() {
        DataType::Int32 if output_function(kind).is_some() => DataType::Utf8,
        DataType::List(_) if array_output_function(kind).is_some() => DataType::new_list(DataType::Utf8, true),
        other => other.clone(),
    };
    field.as_ref().clone().with_data_type(carrier)
}

fn texts<'a>(arguments: impl Iterator<Item = Option<&'a ScalarValue>>) -> Vec<&'a str> {
    let text = |value: Option<&'a ScalarValue>| match value {
        Some(ScalarValue::Utf8(Some(text)) | ScalarValue::Utf8View(Some(text))) => Some(text.as_str()),
        _ => None,
    };
    arguments.filter_map(text).collect()
}

impl ScalarUDFImpl for AsRow {
    fn name(&self) -> &'static str {
        AS_ROW
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Err(DataFusionError::Internal("the type of a row is named by an argument".to_owned()))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let arguments = texts(args.scalar_arguments.iter().skip(1).copied());
        let Some((mark, columns)) = arguments.split_first() else {
            return Err(DataFusionError::Internal("a row of no type".to_owned()));
        };
        let fields = columns.chunks_exact(2).filter_map(|pair| match pair {
            [name, kind] => Some(column(name, kind)),
            _ => None,
        });
        let row = DataType::Struct(fields.collect());
        let Some((kind, is_array)) = RowType::read(mark) else {
            return Err(DataFusionError::Internal(format!("no mark of a row: {mark}")));
        };
        let element = Field::new_list_field(row.clone(), true).with_metadata(types::metadata(&kind.mark()));
        let row = if is_array { DataType::List(Arc::new(element)) } else { row };
        Ok(Arc::new(Field::new(self.name(), row, true).with_metadata(types::metadata(mark))))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let scalars = args.args.iter().skip(1).map(|argument| match argument {
            ColumnarValue::Scalar(value) => Some(value),
            ColumnarValue::Array(_) => None,
        });
        let pg = named_type(&texts(scalars)).ok_or_else(|| DataFusionError::Internal("a row of no type".to_owned()))?;
        let value = args.args.first().ok_or_else(|| DataFusionError::Internal("no argument".to_owned()))?;
        let value = value.to_array(args.number_rows)?;
        let read = |text: &str| from_text(text, &pg, Some(session_zone(&args))).map_err(failed);
        converted(&value, args.return_type(), &pg, &read).map(ColumnarValue::Array)
    }
}

/// Values as rows, or arrays of them, of the type `to`; texts are `read`.
fn converted(
    value: &ArrayRef,
    to: &DataType,
    pg: &Type,
    read: &dyn Fn(&str) -> Result<ScalarValue>,
) -> Result<ArrayRef> {
    let refused = |from: &DataType| {
        let from = shape::type_of(&Field::new("", from.clone(), true)).map_err(failed)?;
        Err(failed(SqlError::new("42846", format!("cannot cast type {} to {}", long_name(&from), shown(pg)))))
    };
    match (value.data_type(), to) {
        (DataType::Null, _) => Ok(new_null_array(to, value.len())),
        (from, _) if from.is_string() => {
            let value = datafusion::arrow::compute::cast(value, &DataType::Utf8)?;
            let read = value.as_string::<i32>().iter().map(|text| text.map(read).transpose());
            let read = read.collect::<Result<Vec<_>>>()?;
            let Some(Some(first)) = read.iter().find(|one| one.is_some()) else {
                return Ok(new_null_array(to, value.len()));
            };
            let null = ScalarValue::try_from(&first.data_type())?;
            let all = ScalarValue::iter_to_array(read.into_iter().map(|one| one.unwrap_or_else(|| null.clone())))?;
            // What is read is no text.
            if all.data_type().is_string() {
                refused(all.data_type())
            } else {
                converted(&all, to, pg, &|_| Ok(null.clone()))
            }
        }
        (DataType::Struct(from), DataType::Struct(fields)) => {
            if from.len() != fields.len() {
                let detail = if from.len() < fields.len() { "few" } else { "many" };
                let error = SqlError::new("42846", format!("cannot cast type record to {}", shown(pg)));
                return Err(failed(error.with_detail(format!("Input has too {detail} columns."))));
            }
            let rows = value.as_struct();
            let columns = rows.columns().iter().zip(fields).map(|(column, field)| exactly(column, field.data_type()));
            let columns = columns.collect::<Result<Vec<_>>>()?;
            Ok(Arc::new(StructArray::try_new(fields.clone(), columns, rows.nulls().cloned())?))
        }
        (DataType::List(_), DataType::List(element)) => {
            let lists = value.as_list::<i32>();
            let of_element = match pg.kind() {
                postgres_types::Kind::Array(one) => one.clone(),
                _ => pg.clone(),
            };
            // A text among the elements is one of a row.
            let read_one = |text: &str| from_text(text, &of_element, None).map_err(failed);
            let items = converted(lists.values(), element.data_type(), &of_element, &read_one)?;
            let offsets = OffsetBuffer::clone(lists.offsets());
            Ok(Arc::new(ListArray::try_new(Arc::clone(element), offsets, items, lists.nulls().cloned())?))
        }
        (from, _) => refused(from),
    }
}

/// A type as errors say it.
fn shown(pg: &Type) -> String {
    match pg.kind() {
        postgres_types::Kind::Array(element) => format!("{}[]", element.name()),
        _ => pg.name().to_owned(),
    }
}

/// A column as one of the type of a row's, where every value has to be one.
fn exactly(column: &ArrayRef, kind: &DataType) -> Result<ArrayRef> {
    if column.data_type() == kind {
        return Ok(Arc::clone(column));
    }
    Ok(cast_with_options(column, kind, &CastOptions { safe: false, ..CastOptions::default() })?)
}
