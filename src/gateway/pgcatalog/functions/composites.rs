//! Functions that return sets of rows with named columns: `aclexplode`, `pg_options_to_table`, `_pg_expandarray`. Each gives the
//! array of its rows; the rewrite of the syntax tree spreads it.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, ListArray, StructArray};
use datafusion::arrow::buffer::{NullBuffer, OffsetBuffer};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Fields};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::scalar::{Value, plain, values};
use crate::gateway::pgcatalog::catalog::Catalog;
use crate::gateway::pgcatalog::types;

/// A function's name and its columns: name and type, where an empty one is the type of the argument's elements.
type Shape = (&'static str, &'static [(&'static str, &'static str)]);

const SHAPES: [Shape; 3] = [
    ("aclexplode", &[("grantor", "oid"), ("grantee", "oid"), ("privilege_type", "text"), ("is_grantable", "bool")]),
    ("pg_options_to_table", &[("option_name", "text"), ("option_value", "text")]),
    ("_pg_expandarray", &[("x", ""), ("n", "int4")]),
];

/// The columns of a function that returns rows; `None` for other functions.
pub(crate) fn columns(function: &str) -> Option<Vec<&'static str>> {
    let (_, columns) = SHAPES.iter().find(|(name, _)| *name == function)?;
    Some(columns.iter().map(|(name, _)| *name).collect())
}

pub(super) fn functions(catalog: &Arc<Catalog>) -> Vec<ScalarUDF> {
    let new =
        |shape| Composite { shape, catalog: Arc::clone(catalog), signature: Signature::any(1, Volatility::Stable) };
    SHAPES.into_iter().map(|shape| ScalarUDF::new_from_impl(new(shape))).collect()
}

#[derive(Debug)]
struct Composite {
    shape: Shape,
    catalog: Arc<Catalog>,
    signature: Signature,
}

impl PartialEq for Composite {
    fn eq(&self, other: &Self) -> bool {
        self.shape.0 == other.shape.0 && Arc::ptr_eq(&self.catalog, &other.catalog)
    }
}

impl Eq for Composite {}

impl std::hash::Hash for Composite {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.shape.0.hash(state);
    }
}

/// The letter of a privilege in an access control list, and its name.
const PRIVILEGES: [(char, &str); 14] = [
    ('a', "INSERT"),
    ('r', "SELECT"),
    ('w', "UPDATE"),
    ('d', "DELETE"),
    ('D', "TRUNCATE"),
    ('x', "REFERENCES"),
    ('t', "TRIGGER"),
    ('X', "EXECUTE"),
    ('U', "USAGE"),
    ('C', "CREATE"),
    ('c', "CONNECT"),
    ('T', "TEMPORARY"),
    ('s', "SET"),
    ('A', "ALTER SYSTEM"),
];

impl Composite {
    fn fields(&self, argument: &DataType) -> Fields {
        let element = match argument {
            DataType::List(element) => types::name_of(element),
            _ => "text".to_owned(),
        };
        let field = |(name, kind): &(&str, &str)| types::field(name, if kind.is_empty() { &element } else { kind });
        self.shape.1.iter().map(field).collect()
    }

    fn list(&self, argument: &DataType) -> DataType {
        DataType::List(Arc::new(Field::new_list_field(DataType::Struct(self.fields(argument)), true)))
    }

    /// The rows of one element.
    fn rows(&self, number: usize, item: &Value) -> Vec<Vec<Value>> {
        match self.shape.0 {
            "_pg_expandarray" => vec![vec![item.clone(), Value::Int(i64::try_from(number).unwrap_or(i64::MAX))]],
            "pg_options_to_table" => {
                let (name, value) = match item.as_text().split_once('=') {
                    Some((name, value)) => (name, Value::text(value)),
                    None => (item.as_text(), Value::Null),
                };
                vec![vec![Value::text(name), value]]
            }
            // `grantee=privileges/grantor`; a star after a privilege lets it be granted on.
            _ => {
                let oid = |name: &str| {
                    let role = self.catalog.roles.iter().find(|role| role.name == name);
                    Value::Int(role.map_or(0, |role| i64::from(role.oid)))
                };
                let (grantee, rest) = item.as_text().split_once('=').unwrap_or_default();
                let (letters, grantor) = rest.split_once('/').unwrap_or((rest, ""));
                let mut after = letters.chars().skip(1).chain(std::iter::once(' '));
                let granted = letters.chars().map(|letter| (letter, after.next() == Some('*')));
                granted
                    .filter_map(|(letter, on)| {
                        let (_, name) = PRIVILEGES.iter().find(|(known, _)| *known == letter)?;
                        Some(vec![oid(grantor), oid(grantee), Value::text(*name), Value::Bool(on)])
                    })
                    .collect()
            }
        }
    }
}

impl ScalarUDFImpl for Composite {
    fn name(&self) -> &str {
        self.shape.0
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        Ok(self.list(arguments.first().unwrap_or(&DataType::Null)))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let argument = args.arg_fields.first().map_or(&DataType::Null, |field| field.data_type());
        Ok(Field::new(self.shape.0, self.list(argument), true).into())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let argument = args.args.first().ok_or_else(|| DataFusionError::Internal("no argument".to_owned()))?;
        let array = argument.to_array(args.number_rows)?;
        let fields = self.fields(array.data_type());
        let array = datafusion::arrow::compute::cast(&array, &plain(array.data_type()))?;
        let mut found: Vec<Vec<Value>> = Vec::new();
        let mut lengths = Vec::new();
        let mut valid = Vec::new();
        for row in values(array.as_ref())? {
            let before = found.len();
            if let Value::List(items) = &row {
                for (index, item) in items.iter().enumerate() {
                    found.extend(self.rows(index.saturating_add(1), item));
                }
            }
            lengths.push(found.len().saturating_sub(before));
            valid.push(matches!(row, Value::List(_)));
        }
        let columns = fields
            .iter()
            .enumerate()
            .map(|(index, field)| {
                let cells: Vec<_> = found.iter().map(|row| row.get(index).and_then(Value::print)).collect();
                types::array_from_text(field.data_type(), cells.iter().map(Option::as_deref))
            })
            .collect::<Result<Vec<ArrayRef>>>()?;
        let rows = StructArray::try_new(fields.clone(), columns, None)?;
        let element = Arc::new(Field::new_list_field(DataType::Struct(fields), true));
        let list = ListArray::try_new(
            element,
            OffsetBuffer::from_lengths(lengths),
            Arc::new(rows),
            Some(NullBuffer::from(valid)),
        )?;
        Ok(ColumnarValue::Array(Arc::new(list) as Arc<dyn Array>))
    }
}
