//! The columns of a result: names and PostgreSQL types.

use arrow_pg::datatypes::field_into_pg_type;
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::execution::SessionState;
use datafusion::logical_expr::{Distinct, Expr, LogicalPlan};
use pgwire::messages::data::{FieldDescription, RowDescription};
use postgres_types::{Kind, Type};

use super::super::error::SqlError;
use super::super::naming;
use super::super::pgcatalog;
use super::super::pgcatalog::row_types::RowType;
use super::super::pgcatalog::types::{TYPMOD_KEY, lower_of};
use super::super::values::{rows, timetz};
use super::known_types::type_of_oid;
use super::params::array_of;

/// Field metadata that names the PostgreSQL type of a column (`name`, `int2vector`, `aclitem[]`, ...), for catalog
/// tables whose Arrow type says less. `pg.oid_alias` and `pg.char` of arrow-pg are understood too.
pub const PG_TYPE_KEY: &str = "pg.type";

/// What the planner makes of `numeric` without digits: the digits it adds are not shown.
pub(crate) const ANY_NUMERIC: DataType = DataType::Decimal128(38, 10);

/// A column of a result.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    /// As the client sees it.
    pub name: String,
    /// As the client sees it.
    pub pg: Type,
    /// The type's modifier (a length, digits), -1 without one.
    pub typmod: i32,
    /// The number of an array's first element.
    pub lower: i32,
    /// The relation and the number of the column that this is unchanged, 0 and 0 for anything else.
    pub origin: (i32, i16),
}

impl Column {
    /// A column that comes from no relation.
    pub(crate) fn new(name: &str, pg: Type) -> Self {
        Self { name: name.to_owned(), pg, typmod: -1, lower: 1, origin: (0, 0) }
    }
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
        DataType::FixedSizeBinary(timetz::WIDTH) => Type::TIMETZ,
        DataType::Struct(_) => Type::RECORD,
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            let element = type_of(item)?;
            if let (Kind::Composite(_), Some(mark)) = (element.kind(), item.metadata().get(PG_TYPE_KEY)) {
                return Ok(named(&format!("_{mark}")).unwrap_or(Type::RECORD_ARRAY));
            }
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

/// A type by its name in `pg_type`; arrays begin with `_`, or end in `[]` as SQL has them.
pub(crate) fn named(name: &str) -> Option<Type> {
    if let Some(row) = RowType::named(name, std::iter::empty()) {
        return Some(row);
    }
    let array = name.strip_suffix("[]").map(|element| format!("_{element}"));
    type_of_oid(u32::try_from(pgcatalog::type_oid(array.as_deref().unwrap_or(name))?).ok()?)
}

/// Bytes of a value of the type; -1 varies.
fn size_of(pg: &Type) -> i16 {
    let known = i32::try_from(pg.oid()).ok().and_then(pgcatalog::type_by_oid);
    known.and_then(|known| i16::try_from(known.len).ok()).unwrap_or(-1)
}

/// The columns of a schema.
pub(crate) fn of_schema(schema: &Schema) -> Result<Vec<Column>, SqlError> {
    schema
        .fields()
        .iter()
        .map(|field| {
            let typmod = field.metadata().get(TYPMOD_KEY).and_then(|typmod| typmod.parse().ok());
            let column = Column::new(naming::shown(field.name()), type_of(field)?);
            Ok(Column { typmod: typmod.unwrap_or(-1), lower: lower_of(field), ..column })
        })
        .collect()
}

/// The columns of a plan, with where they come from.
pub(crate) fn of_plan(plan: &LogicalPlan, state: &SessionState) -> Result<Vec<Column>, SqlError> {
    let mut columns = of_schema(plan.schema().as_arrow())?;
    for (index, column) in columns.iter_mut().enumerate() {
        if let Some(origin) = origin(plan, index, state) {
            column.origin = origin;
        }
        if column.pg == Type::NUMERIC
            && let Some(digits) = digits(plan, index)
        {
            column.typmod = digits;
        }
    }
    Ok(columns)
}

/// The relation and the number of the column that a column of a plan is.
fn origin(plan: &LogicalPlan, index: usize, state: &SessionState) -> Option<(i32, i16)> {
    let through = |expr: &Expr, input: &LogicalPlan| {
        let of = |column| origin(input, input.schema().maybe_index_of_column(column)?, state);
        match bare(expr) {
            Expr::Column(column) => of(column),
            // A whole row is of its relation, and no column of it.
            Expr::ScalarFunction(function) => {
                let column = rows::of_relation(function)?;
                of(column).map(|(relation, _)| (relation, 0))
            }
            _ => None,
        }
    };
    match plan {
        LogicalPlan::Projection(projection) => through(projection.expr.get(index)?, &projection.input),
        LogicalPlan::Aggregate(aggregate) => through(aggregate.group_expr.get(index)?, &aggregate.input),
        LogicalPlan::Sort(_)
        | LogicalPlan::Limit(_)
        | LogicalPlan::Filter(_)
        | LogicalPlan::SubqueryAlias(_)
        | LogicalPlan::Window(_)
        | LogicalPlan::Distinct(Distinct::All(_)) => {
            let input = *plan.inputs().first()?;
            (index < input.schema().fields().len()).then(|| origin(input, index, state)).flatten()
        }
        LogicalPlan::Distinct(Distinct::On(on)) => through(on.select_expr.get(index)?, &on.input),
        // What is beside a set keeps its place in the relation; the set's own values have none.
        LogicalPlan::Unnest(unnest) => {
            let input = *unnest.dependency_indices.get(index)?;
            let spread = unnest.list_type_columns.iter().any(|(list, _)| *list == input);
            (!spread && !unnest.struct_type_columns.contains(&input))
                .then(|| origin(&unnest.input, input, state))
                .flatten()
        }
        LogicalPlan::Join(join) => {
            let left = join.left.schema().fields().len();
            match index.checked_sub(left) {
                Some(index) => origin(&join.right, index, state),
                None => origin(&join.left, index, state),
            }
        }
        LogicalPlan::TableScan(scan) => {
            let relation = pgcatalog::class_oid(state, scan.table_name.schema(), scan.table_name.table())?;
            let name = scan.projected_schema.field(index).name();
            let number = scan.source.schema().index_of(name).ok()?.checked_add(1)?;
            Some((relation, i16::try_from(number).ok()?))
        }
        _ => None,
    }
}

fn bare(expr: &Expr) -> &Expr {
    match expr {
        Expr::Alias(alias) => bare(&alias.expr),
        other => other,
    }
}

/// The modifier of a column that is a cast to `numeric(p, s)`.
fn digits(plan: &LogicalPlan, index: usize) -> Option<i32> {
    match plan {
        LogicalPlan::Projection(projection) => match bare(projection.expr.get(index)?) {
            // A named field is a cast that the statement does not have.
            Expr::Cast(cast) if cast.field.name().is_empty() => match cast.field.data_type() {
                kind if *kind == ANY_NUMERIC => None,
                DataType::Decimal128(precision, scale) => {
                    Some(((i32::from(*precision) << 16) | (i32::from(*scale) & 0x7ff)).saturating_add(4))
                }
                _ => None,
            },
            Expr::Column(column) => digits(&projection.input, projection.input.schema().maybe_index_of_column(column)?),
            _ => None,
        },
        LogicalPlan::Sort(_) | LogicalPlan::Limit(_) | LogicalPlan::SubqueryAlias(_) => {
            digits(plan.inputs().first()?, index)
        }
        _ => None,
    }
}

/// The `RowDescription` of columns.
pub(crate) fn describe(columns: &[Column], formats: &Formats) -> RowDescription {
    let fields = columns.iter().enumerate().map(|(index, column)| {
        FieldDescription::new(
            column.name.clone(),
            column.origin.0,
            column.origin.1,
            column.pg.oid(),
            size_of(&column.pg),
            column.typmod,
            formats.code(index),
        )
    });
    RowDescription::new(fields.collect())
}

/// The result formats of a Bind.
#[derive(Debug, Clone, Default)]
pub(crate) struct Formats(Vec<i16>);

impl Formats {
    /// None, one for all, or one per column; 0 is text, 1 is binary. As in PostgreSQL, others are wrong when a value is written.
    pub(crate) fn new(formats: Vec<i16>) -> Self {
        Self(formats)
    }

    /// The code of column `index`.
    pub(crate) fn code(&self, index: usize) -> i16 {
        match self.0.as_slice() {
            [] => 0,
            [all] => *all,
            each => each.get(index).copied().unwrap_or(0),
        }
    }

    /// Whether column `index` is binary; 22023 where it is neither that nor text.
    pub(crate) fn binary(&self, index: usize) -> Result<bool, SqlError> {
        match self.code(index) {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(SqlError::new("22023", format!("unsupported format code: {other}"))),
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
