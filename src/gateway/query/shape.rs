//! The columns of a result: names and PostgreSQL types.

use arrow_pg::datatypes::field_into_pg_type;
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::logical_expr::{Expr, LogicalPlan, Operator};
use datafusion::scalar::ScalarValue;
use pgwire::messages::data::{FieldDescription, RowDescription};
use postgres_types::{Kind, Type};

use super::super::error::SqlError;
use super::super::naming;
use super::params::array_of;

/// Field metadata that names the PostgreSQL type of a column (`name`, `int2vector`, `aclitem[]`, ...), for catalog
/// tables whose Arrow type says less. `pg.oid_alias` and `pg.char` of arrow-pg are understood too.
pub const PG_TYPE_KEY: &str = "pg.type";

/// A column of a result.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    /// As the client sees it.
    pub name: String,
    /// As the client sees it.
    pub pg: Type,
}

/// PostgreSQL's type of a field; 0A000 for Arrow types that have none.
pub(crate) fn type_of(field: &Field) -> Result<Type, SqlError> {
    if let Some(found) = field.metadata().get(PG_TYPE_KEY).and_then(|name| named(name)) {
        return Ok(found);
    }
    Ok(match field.data_type() {
        DataType::UInt64 if field.metadata().is_empty() => Type::INT8,
        DataType::Null => Type::TEXT,
        DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) | DataType::Decimal256(..) => {
            Type::NUMERIC
        }
        DataType::Dictionary(_, value) => return type_of(&Field::new("", value.as_ref().clone(), true)),
        DataType::Struct(_) => Type::RECORD,
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            let element = type_of(item)?;
            let Some(array) = array_of(&element) else {
                // A list of lists is an array with more dimensions of the same element.
                return match element.kind() {
                    Kind::Array(_) => Ok(element),
                    _ => Ok(Type::TEXT_ARRAY),
                };
            };
            array
        }
        _ => field_into_pg_type(&std::sync::Arc::new(field.clone())).map_err(|_| {
            SqlError::unsupported(format!(
                "column \"{}\" has a type that PostgreSQL does not have",
                naming::shown(field.name())
            ))
        })?,
    })
}

fn named(name: &str) -> Option<Type> {
    if let Some(element) = name.strip_suffix("[]") {
        return match element {
            "aclitem" => Some(Type::ACLITEM_ARRAY),
            "regtype" => Some(Type::REGTYPE_ARRAY),
            _ => array_of(&named(element)?),
        };
    }
    Some(match name {
        "name" => Type::NAME,
        "oid" => Type::OID,
        "char" => Type::CHAR,
        "text" => Type::TEXT,
        "int2" => Type::INT2,
        "int4" => Type::INT4,
        "int8" => Type::INT8,
        "float4" => Type::FLOAT4,
        "bool" => Type::BOOL,
        "regproc" => Type::REGPROC,
        "regclass" => Type::REGCLASS,
        "regtype" => Type::REGTYPE,
        "regnamespace" => Type::REGNAMESPACE,
        "regrole" => Type::REGROLE,
        "xid" => Type::XID,
        "cid" => Type::CID,
        "tid" => Type::TID,
        "int2vector" => Type::INT2_VECTOR,
        "oidvector" => Type::OID_VECTOR,
        "aclitem" => Type::ACLITEM,
        "pg_node_tree" => Type::PG_NODE_TREE,
        "pg_lsn" => Type::PG_LSN,
        "json" => Type::JSON,
        "jsonb" => Type::JSONB,
        "uuid" => Type::UUID,
        "varchar" => Type::VARCHAR,
        "bpchar" => Type::BPCHAR,
        "inet" => Type::INET,
        "unknown" => Type::UNKNOWN,
        _ => return None,
    })
}

/// Bytes of a value of the type; -1 varies.
fn size_of(pg: &Type) -> i16 {
    match *pg {
        Type::BOOL | Type::CHAR => 1,
        Type::INT2 => 2,
        Type::INT4
        | Type::OID
        | Type::FLOAT4
        | Type::DATE
        | Type::XID
        | Type::CID
        | Type::REGPROC
        | Type::REGCLASS
        | Type::REGTYPE
        | Type::REGNAMESPACE
        | Type::REGROLE => 4,
        Type::TID => 6,
        Type::INT8 | Type::FLOAT8 | Type::TIME | Type::TIMESTAMP | Type::TIMESTAMPTZ | Type::PG_LSN => 8,
        Type::INTERVAL | Type::UUID => 16,
        Type::NAME => 64,
        Type::UNKNOWN => -2,
        _ => -1,
    }
}

/// The columns of a schema.
pub(crate) fn of_schema(schema: &Schema) -> Result<Vec<Column>, SqlError> {
    schema
        .fields()
        .iter()
        .map(|field| Ok(Column { name: naming::shown(field.name()).to_owned(), pg: type_of(field)? }))
        .collect()
}

/// The columns of a plan. Whole-number literals and arithmetic on them are `integer`, as in PostgreSQL, though the
/// planner computes them as 64-bit numbers.
pub(crate) fn of_plan(plan: &LogicalPlan) -> Result<Vec<Column>, SqlError> {
    let mut columns = of_schema(plan.schema().as_arrow())?;
    for (index, column) in columns.iter_mut().enumerate() {
        if column.pg == Type::INT8 && small_column(plan, index) {
            column.pg = Type::INT4;
        }
    }
    Ok(columns)
}

fn small_column(plan: &LogicalPlan, index: usize) -> bool {
    match plan {
        LogicalPlan::Projection(projection) => {
            projection.expr.get(index).is_some_and(|expr| small(expr, &projection.input))
        }
        LogicalPlan::Sort(_)
        | LogicalPlan::Limit(_)
        | LogicalPlan::Filter(_)
        | LogicalPlan::SubqueryAlias(_)
        | LogicalPlan::Distinct(_) => plan.inputs().first().is_some_and(|input| small_column(input, index)),
        LogicalPlan::Union(union) => union.inputs.iter().all(|input| small_column(input, index)),
        LogicalPlan::Values(values) => {
            values.values.iter().all(|row| row.get(index).is_some_and(|expr| small(expr, plan)))
        }
        _ => false,
    }
}

fn small(expr: &Expr, input: &LogicalPlan) -> bool {
    match expr {
        Expr::Literal(ScalarValue::Int64(value), _) => value.is_none_or(|value| i32::try_from(value).is_ok()),
        Expr::Alias(alias) => small(&alias.expr, input),
        Expr::Negative(inner) => small(inner, input),
        Expr::BinaryExpr(binary) => {
            matches!(
                binary.op,
                Operator::Plus | Operator::Minus | Operator::Multiply | Operator::Divide | Operator::Modulo
            ) && small(&binary.left, input)
                && small(&binary.right, input)
        }
        Expr::Case(case) => {
            case.when_then_expr.iter().all(|(_, then)| small(then, input))
                && case.else_expr.as_ref().is_none_or(|other| small(other, input))
        }
        Expr::Column(column) => {
            let index = input.schema().maybe_index_of_column(column);
            index.is_some_and(|index| small_column(input, index))
        }
        _ => false,
    }
}

/// The `RowDescription` of columns.
pub(crate) fn describe(columns: &[Column], formats: &Formats) -> RowDescription {
    let fields = columns.iter().enumerate().map(|(index, column)| {
        FieldDescription::new(
            column.name.clone(),
            0,
            0,
            column.pg.oid(),
            size_of(&column.pg),
            -1,
            i16::from(formats.binary(index)),
        )
    });
    RowDescription::new(fields.collect())
}

/// The result formats of a Bind.
#[derive(Debug, Clone, Default)]
pub(crate) struct Formats(Vec<bool>);

impl Formats {
    /// None, one for all, or one per column; `true` is binary.
    pub(crate) fn new(formats: Vec<bool>) -> Self {
        Self(formats)
    }

    /// Whether column `index` is binary.
    pub(crate) fn binary(&self, index: usize) -> bool {
        match self.0.as_slice() {
            [] => false,
            [all] => *all,
            each => each.get(index).copied().unwrap_or(false),
        }
    }

    /// 08P01 when the number of formats fits no result of `columns` columns.
    pub(crate) fn check(&self, columns: usize) -> Result<(), SqlError> {
        if self.0.len() > 1 && self.0.len() != columns {
            return Err(SqlError::new(
                "08P01",
                format!("bind message has {} result formats but query has {columns} columns", self.0.len()),
            ));
        }
        Ok(())
    }
}
