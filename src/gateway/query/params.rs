//! Parameters: how many there are, and which types they have.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, IntervalUnit, TimeUnit};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::LogicalPlan;
use datafusion::scalar::ScalarValue;
use datafusion::sql::sqlparser::ast::{
    self, CastKind, Expr, GroupByExpr, Select, SelectItem, Statement, Value, VisitMut, VisitorMut,
};
use postgres_types::{Kind, Type};

use super::super::error::SqlError;
use super::super::pgcatalog::{
    self, casts,
    rewrite::{OID_ELEMENT, call, take},
};
use super::super::values::{TEXT_ARRAYS, is_text_type, ranges, timetz};
use super::found::{Finder, Found, number};
use super::known_types::type_of_oid;
use super::param_rows;
use super::shape;

/// A parameter's type.
#[derive(Debug, Clone)]
pub(crate) struct ParamType {
    /// PostgreSQL's type.
    pub pg: Type,
    /// What the value becomes.
    pub arrow: DataType,
}

/// The name that stands for a type that does not exist.
const UNDEFINED: &str = "-";

impl ParamType {
    fn text() -> Self {
        Self { pg: Type::TEXT, arrow: DataType::Utf8 }
    }

    /// A type that the client declared, whether it exists or not: a parameter that is not used may have any.
    fn declared(oid: u32) -> Self {
        let undefined = || Type::new(UNDEFINED.to_owned(), oid, Kind::Simple, String::new());
        let pg = type_of_oid(oid).unwrap_or_else(undefined);
        Self { arrow: arrow_type(&pg), pg }
    }

    /// XX000, as PostgreSQL has it, for a type that does not exist: no value can be of it.
    pub(crate) fn exists(&self) -> Result<(), SqlError> {
        if self.pg.name() == UNDEFINED { Err(no_type(self.pg.oid())) } else { Ok(()) }
    }

    /// A NULL of the type.
    pub(crate) fn null(&self) -> Result<ScalarValue, SqlError> {
        ScalarValue::try_from(&self.arrow).map_err(|error| SqlError::from(&error))
    }
}

fn no_type(oid: u32) -> SqlError {
    SqlError::new("XX000", format!("cache lookup failed for type {oid}"))
}

/// Puts a cast around the parameters whose type the client declared, so that the planner knows it.
struct Caster<'a>(&'a BTreeMap<usize, u32>);

impl Caster<'_> {
    /// A parameter that is a column of a result has its declared type there, also where the type is another one underneath.
    fn mark(&self, expr: &mut Expr) {
        let Some(oid) = number(expr).and_then(|number| self.0.get(&number)) else { return };
        let known = i32::try_from(*oid).ok().and_then(pgcatalog::type_by_oid);
        let text = known.map(|known| known.name).filter(|name| is_text_type(name) || TEXT_ARRAYS.contains(name));
        if let Some(cast) = text.or_else(|| known.and_then(|known| pgcatalog::functions::cast_to(known.oid))) {
            *expr = call(cast, vec![take(expr)]);
        }
    }
}

impl VisitorMut for Caster<'_> {
    type Break = ();

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        // Groups are found by how they are written.
        if matches!(&select.group_by, GroupByExpr::Expressions(groups, _) if groups.is_empty()) {
            for item in &mut select.projection {
                if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } = item {
                    self.mark(expr);
                }
            }
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if matches!(expr, Expr::Value(_))
            && let Some(declared) = number(expr).and_then(|number| self.0.get(&number))
            && let Some(ty) = ast_type(*declared)
        {
            let inner = std::mem::replace(expr, Expr::value(Value::Null));
            *expr =
                Expr::Cast { kind: CastKind::Cast, expr: Box::new(inner), data_type: ty, array: false, format: None };
        }
        ControlFlow::Continue(())
    }
}

/// Finds the parameters of a statement and tells the planner the declared types.
pub(crate) fn prepare(statement: &mut Statement, declared: &BTreeMap<usize, u32>) -> Result<Found, SqlError> {
    let mut finder = Finder::default();
    let _: ControlFlow<()> = VisitMut::visit(statement, &mut finder);
    if let Some(error) = finder.error {
        return Err(error);
    }
    for (number, to) in &finder.casts {
        if let Some(from) = declared.get(number).filter(|from| !casts::allowed(**from, to.oid())) {
            return Err(SqlError::new("42846", casts::refusal(*from, to.oid())));
        }
    }
    let found = finder.found;
    // What a cast says is there, also where it is a relation's type that this database alone has.
    let is_said = |number: &usize, oid: u32| matches!(found.get(number), Some(Some(said)) if said.oid() == oid);
    let undefined = |(number, oid): &(&usize, &u32)| {
        found.contains_key(number) && **oid != 0 && !casts::is_type(**oid) && !is_said(number, **oid)
    };
    if let Some((_, oid)) = declared.iter().find(undefined) {
        return Err(no_type(*oid));
    }
    let is_integer = |number: &usize| found.get(number).is_some_and(|ty| *ty == Some(Type::INT4));
    let bounds = finder.bounds.into_iter().filter(is_integer).map(|number| (number, Type::INT4.oid()));
    let declared = declared
        .iter()
        .filter(|(number, _)| found.get(number).is_some_and(|ty| ty.as_ref() != Some(&Type::INT8)))
        .map(|(number, oid)| (*number, *oid));
    // What is declared comes last, and stays.
    let casts: BTreeMap<usize, u32> = bounds.chain(declared).collect();
    let _: ControlFlow<()> = VisitMut::visit(statement, &mut Caster(&casts));
    Ok(found)
}

/// The parameters of the arguments of a CALL: declared, or text.
pub(crate) fn count(arguments: &[Expr], declared: &BTreeMap<usize, u32>) -> Result<Vec<ParamType>, SqlError> {
    let mut finder = Finder::default();
    for argument in arguments {
        let _: ControlFlow<()> = VisitMut::visit(&mut argument.clone(), &mut finder);
    }
    if let Some(error) = finder.error {
        return Err(error);
    }
    let last = finder.found.keys().next_back().copied().unwrap_or(0);
    Ok((1..=last)
        .map(|number| {
            let pg = declared.get(&number).filter(|oid| **oid != 0).and_then(|oid| type_of_oid(*oid));
            let pg = pg.or_else(|| finder.found.get(&number).cloned().flatten());
            pg.map_or_else(ParamType::text, |pg| ParamType { arrow: arrow_type(&pg), pg })
        })
        .collect())
}

/// The parameters of an empty statement: as the client declared them, whatever that is.
pub(crate) fn of_nothing(declared: &BTreeMap<usize, u32>) -> Vec<ParamType> {
    let last = declared.keys().next_back().copied().unwrap_or(0);
    (1..=last).map(|number| ParamType::declared(declared.get(&number).copied().unwrap_or(0))).collect()
}

/// The parameters of a command that has no expressions: those that the client declared.
pub(crate) fn of_command(declared: &BTreeMap<usize, u32>) -> Result<Vec<ParamType>, SqlError> {
    of_refused(0, declared)
}

/// The parameters of a statement that is refused when it runs: declared, or text.
pub(crate) fn of_refused(params: usize, declared: &BTreeMap<usize, u32>) -> Result<Vec<ParamType>, SqlError> {
    determined(&(1..=params).map(|number| (number, None)).collect(), declared)?;
    let last = params.max(declared.keys().next_back().copied().unwrap_or(0));
    let oid = |number: usize| declared.get(&number).copied().filter(|oid| *oid != 0);
    Ok((1..=last).map(|number| oid(number).map_or_else(ParamType::text, ParamType::declared)).collect())
}

/// 42P18 when nothing says what a parameter is: it is not used, or there is one after it.
pub(crate) fn determined(found: &Found, declared: &BTreeMap<usize, u32>) -> Result<(), SqlError> {
    let last = |numbers: Option<&usize>| numbers.copied().unwrap_or(0);
    let last = last(found.keys().next_back()).max(last(declared.keys().next_back()));
    let unknown = (1..=last).find(|number| {
        let known = declared.get(number).is_some_and(|oid| *oid != 0 && *oid != Type::UNKNOWN.oid());
        !known && !found.contains_key(number)
    });
    match unknown {
        Some(number) => Err(SqlError::new("42P18", format!("could not determine data type of parameter ${number}"))),
        None => Ok(()),
    }
}

/// 42P02 when a statement has more parameters than there are values.
pub(crate) fn bound(found: &Found, values: usize, sql: &str) -> Result<(), SqlError> {
    let Some(number) = found.keys().copied().find(|number| *number > values) else { return Ok(()) };
    let name = format!("${number}");
    let place = sql.match_indices(&name).find_map(|(at, _)| {
        let after = sql.get(at.checked_add(name.len())?..)?.chars().next();
        let whole = !after.is_some_and(|c| c.is_ascii_digit());
        whole.then(|| sql.get(..at).map(|head| head.chars().count() + 1)).flatten()
    });
    Err(SqlError::new("42P02", format!("there is no parameter {name}")).or_position(|| place))
}

/// The types of all parameters: what the client declared, else what the text says, else what the planner found or what the elements
/// of `lists` are compared with, else text.
pub(crate) fn resolve(
    found: &Found,
    declared: &BTreeMap<usize, u32>,
    lists: &BTreeMap<usize, Type>,
    plan: &LogicalPlan,
) -> Result<Vec<ParamType>, DataFusionError> {
    let last = found.keys().next_back().copied().unwrap_or(0).max(declared.keys().next_back().copied().unwrap_or(0));
    if last == 0 {
        return Ok(Vec::new());
    }
    let inferred = plan.get_parameter_fields()?;
    let mut types = Vec::new();
    for number in 1..=last {
        if let Some(oid) = declared.get(&number).filter(|oid| **oid != 0)
            && !found.contains_key(&number)
        {
            types.push(ParamType::declared(*oid));
            continue;
        }
        let from_oid = declared.get(&number).filter(|oid| **oid != 0).and_then(|oid| type_of_oid(*oid));
        let planner = || inferred.get(&format!("${number}")).cloned().flatten();
        let said = || found.get(&number).cloned().flatten();
        types.push(match (from_oid, planner()) {
            (Some(pg), _) => ParamType { arrow: arrow_type(&pg), pg },
            (None, Some(field)) if *field.data_type() != DataType::Null => match said() {
                // A list of which only `ANY($1)` tells takes the planner's element type.
                Some(pg) if pg != Type::TEXT_ARRAY => ParamType { arrow: arrow_type(&pg), pg },
                _ => planner_type(&field),
            },
            (None, _) => {
                let said = match said() {
                    Some(Type::TEXT_ARRAY) => lists.get(&number).cloned().or(Some(Type::TEXT_ARRAY)),
                    other => other,
                };
                said.map_or_else(ParamType::text, |pg| ParamType { arrow: arrow_type(&pg), pg })
            }
        });
    }
    Ok(types)
}

/// What a parameter is that is compared with a value of the field.
pub(super) fn planner_type(field: &Field) -> ParamType {
    // A type that the field is marked with, where a value of it is what the planner compares with.
    let is_compared = |pg: &Type| {
        matches!(*pg, Type::OID | Type::NAME | Type::CHAR | Type::VARCHAR | Type::BPCHAR | Type::UUID)
            || ranges::is_range(pg)
    };
    let marked = shape::type_of(field).ok().filter(is_compared);
    let plain = || shape::type_of(&Field::new("", field.data_type().clone(), true)).unwrap_or(Type::TEXT);
    let pg = marked.unwrap_or_else(plain);
    ParamType { arrow: arrow_type(&pg), pg }
}

fn list(item: DataType) -> DataType {
    DataType::List(Arc::new(Field::new("item", item, true)))
}

/// What a value of a PostgreSQL type becomes. Types without an own form are text.
pub(crate) fn arrow_type(pg: &Type) -> DataType {
    match *pg {
        Type::BOOL => DataType::Boolean,
        Type::INT2 => DataType::Int16,
        Type::INT4 => DataType::Int32,
        Type::INT8 | Type::OID | Type::XID => DataType::Int64,
        Type::FLOAT4 => DataType::Float32,
        Type::FLOAT8 => DataType::Float64,
        Type::NUMERIC => DataType::Decimal128(38, 10),
        Type::BYTEA => DataType::Binary,
        Type::DATE => DataType::Date32,
        Type::TIME => DataType::Time64(TimeUnit::Microsecond),
        Type::TIMETZ => timetz::KIND,
        Type::TIMESTAMP => DataType::Timestamp(TimeUnit::Microsecond, None),
        Type::TIMESTAMPTZ => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        Type::INTERVAL => DataType::Interval(IntervalUnit::MonthDayNano),
        _ => match pg.kind() {
            Kind::Array(inner) if *pg != Type::OID_VECTOR && *pg != Type::INT2_VECTOR => list(arrow_type(inner)),
            Kind::Domain(base) => arrow_type(base),
            Kind::Composite(columns) => param_rows::carrier(columns),
            _ => DataType::Utf8,
        },
    }
}

/// The SQL spelling of a declared type, for a cast around the parameter; types that are text need none.
fn ast_type(oid: u32) -> Option<ast::DataType> {
    use ast::{DataType as Sql, ExactNumberInfo, TimezoneInfo};
    let pg = type_of_oid(oid)?;
    Some(match pg {
        Type::BOOL => Sql::Boolean,
        Type::INT2 => Sql::SmallInt(None),
        Type::INT4 => Sql::Int(None),
        Type::INT8 | Type::OID => Sql::BigInt(None),
        Type::FLOAT4 => Sql::Real,
        Type::FLOAT8 => Sql::DoublePrecision,
        Type::NUMERIC => Sql::Numeric(ExactNumberInfo::PrecisionAndScale(38, 10)),
        Type::DATE => Sql::Date,
        Type::TIMESTAMP => Sql::Timestamp(Some(6), TimezoneInfo::None),
        Type::TIMESTAMPTZ => Sql::Timestamp(Some(6), TimezoneInfo::WithTimeZone),
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME => Sql::Text,
        _ => match pg.kind() {
            Kind::Domain(base) => return ast_type(base.oid()),
            _ => return None,
        },
    })
}

/// PostgreSQL's type of a SQL spelling.
pub(crate) fn sql_type(data_type: &ast::DataType) -> Option<Type> {
    use ast::{DataType as Sql, TimezoneInfo};
    Some(match data_type {
        Sql::Boolean | Sql::Bool => Type::BOOL,
        Sql::SmallInt(_) | Sql::Int2(_) => Type::INT2,
        Sql::Int(_) | Sql::Integer(_) | Sql::Int4(_) => Type::INT4,
        Sql::BigInt(_) | Sql::Int8(_) => Type::INT8,
        Sql::Real | Sql::Float4 => Type::FLOAT4,
        Sql::Float(_) | Sql::Double(_) | Sql::DoublePrecision | Sql::Float8 => Type::FLOAT8,
        Sql::Numeric(_) | Sql::Decimal(_) | Sql::Dec(_) => Type::NUMERIC,
        Sql::Text
        | Sql::Varchar(_)
        | Sql::CharacterVarying(_)
        | Sql::CharVarying(_)
        | Sql::Char(_)
        | Sql::Character(_) => Type::TEXT,
        Sql::Bytea => Type::BYTEA,
        Sql::Date => Type::DATE,
        Sql::Timestamp(_, TimezoneInfo::Tz | TimezoneInfo::WithTimeZone) => Type::TIMESTAMPTZ,
        Sql::Timestamp(..) => Type::TIMESTAMP,
        Sql::Time(_, TimezoneInfo::Tz | TimezoneInfo::WithTimeZone) => Type::TIMETZ,
        Sql::Time(..) => Type::TIME,
        Sql::Interval { .. } => Type::INTERVAL,
        Sql::Array(ast::ArrayElemTypeDef::SquareBracket(inner, _)) if **inner == OID_ELEMENT => Type::OID_ARRAY,
        Sql::Array(ast::ArrayElemTypeDef::SquareBracket(inner, _)) => array_of(&sql_type(inner)?)?,
        Sql::Custom(name, _) => {
            let name = name.0.last()?.as_ident()?.value.to_lowercase();
            match name.as_str() {
                "oid" => Type::OID,
                "name" => Type::NAME,
                _ => return None,
            }
        }
        _ => return None,
    })
}

/// The type that a function of casts is called like.
pub(super) fn called_type(name: &str) -> Option<Type> {
    let own = pgcatalog::functions::type_of_cast(name);
    let texts = is_text_type(name) || TEXT_ARRAYS.contains(&name);
    let known =
        own.is_some() || texts || matches!(name, "oid" | "bytea" | "timetz" | "_timetz") || name.starts_with("reg");
    let oid = known.then(|| pgcatalog::type_oid(own.unwrap_or(name))).flatten()?;
    type_of_oid(u32::try_from(oid).ok()?)
}

/// The array type of an element type.
pub(crate) fn array_of(element: &Type) -> Option<Type> {
    Some(match *element {
        Type::BOOL => Type::BOOL_ARRAY,
        Type::INT2 => Type::INT2_ARRAY,
        Type::INT4 => Type::INT4_ARRAY,
        Type::INT8 => Type::INT8_ARRAY,
        Type::FLOAT4 => Type::FLOAT4_ARRAY,
        Type::FLOAT8 => Type::FLOAT8_ARRAY,
        Type::NUMERIC => Type::NUMERIC_ARRAY,
        Type::TEXT => Type::TEXT_ARRAY,
        Type::VARCHAR => Type::VARCHAR_ARRAY,
        Type::NAME => Type::NAME_ARRAY,
        Type::CHAR => Type::CHAR_ARRAY,
        Type::OID => Type::OID_ARRAY,
        Type::XID => Type::XID_ARRAY,
        Type::BYTEA => Type::BYTEA_ARRAY,
        Type::DATE => Type::DATE_ARRAY,
        Type::TIME => Type::TIME_ARRAY,
        Type::TIMETZ => Type::TIMETZ_ARRAY,
        Type::TIMESTAMP => Type::TIMESTAMP_ARRAY,
        Type::TIMESTAMPTZ => Type::TIMESTAMPTZ_ARRAY,
        Type::INTERVAL => Type::INTERVAL_ARRAY,
        Type::BPCHAR => Type::BPCHAR_ARRAY,
        Type::JSON => Type::JSON_ARRAY,
        Type::JSONB => Type::JSONB_ARRAY,
        Type::UUID => Type::UUID_ARRAY,
        Type::INET => Type::INET_ARRAY,
        Type::RECORD => Type::RECORD_ARRAY,
        _ => return None,
    })
}

/// PostgreSQL's long name of a type, as its errors say it.
pub(crate) fn long_name(pg: &Type) -> String {
    match *pg {
        Type::BOOL => "boolean",
        Type::INT2 => "smallint",
        Type::INT4 => "integer",
        Type::INT8 => "bigint",
        Type::FLOAT4 => "real",
        Type::FLOAT8 => "double precision",
        Type::TIMESTAMP => "timestamp",
        Type::TIMESTAMPTZ => "timestamp with time zone",
        Type::TIMETZ => "time with time zone",
        _ => return pg.name().to_owned(),
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_what_functions_take() {
        assert_eq!(types("SELECT repeat($1, $2)"), [Some(Type::TEXT), Some(Type::INT4)]);
        assert_eq!(types("SELECT substr($1, $2)"), [None, Some(Type::INT4)]);
        assert_eq!(types("SELECT pg_advisory_lock($1), to_timestamp($2)"), [Some(Type::INT8), Some(Type::FLOAT8)]);
        assert_eq!(types("SELECT length($1), no_such($2)"), [None, None]);
        // Its second argument has a default.
        assert_eq!(types("SELECT pg_terminate_backend($1)"), [Some(Type::INT4)]);
        assert_eq!(types("SELECT CASE WHEN $1 THEN 1 ELSE $2 END"), [Some(Type::BOOL), Some(Type::INT4)]);
        assert_eq!(types("SELECT CASE x WHEN 1 THEN 'a' ELSE $1 END"), [None]);
    }

    fn types(sql: &str) -> Vec<Option<Type>> {
        let dialect = datafusion::sql::sqlparser::dialect::PostgreSqlDialect {};
        let mut statement = datafusion::sql::sqlparser::parser::Parser::parse_sql(&dialect, sql).unwrap().remove(0);
        prepare(&mut statement, &BTreeMap::new()).unwrap().into_values().collect()
    }

    #[test]
    fn a_bound_of_a_series_of_integers_is_one() {
        assert_eq!(types("SELECT generate_series(1, $1)"), [Some(Type::INT4)]);
        assert_eq!(types("SELECT generate_series(1, 5000000000, $1)"), [None]);
        assert_eq!(types("SELECT generate_series(now(), $1)"), [None]);
    }
}
