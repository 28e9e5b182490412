//! Casts that leave the type of what they cast behind, and exact numbers that stay exact.

use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::Result;
use datafusion::execution::FunctionRegistry;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{BinaryExpr, Cast, Expr, ExprSchemable as _, Operator};

use super::super::pgcatalog::types;
use super::super::query::shape::ANY_NUMERIC;
use super::numerics;

/// The name of a cast to the digits that a number has in PostgreSQL, too.
pub(super) const KNOWN: &str = "numeric";
/// The name of a cast that is for the planner alone: the number's own digits are PostgreSQL's.
pub(super) const WIDENED: &str = "widened";

/// A cast that is told apart from those of the statement by the name of its field, which is not shown.
pub(super) fn cast_to(expr: Expr, name: &str, kind: DataType, schema: &DFSchema) -> Expr {
    let nullable = expr.nullable(schema).unwrap_or(true);
    let field = Field::new(name, kind, nullable);
    Expr::Cast(Cast::new_from_field(Box::new(expr), field.into()))
}

/// What is cast.
pub(super) fn without_casts(expr: &Expr) -> &Expr {
    match expr {
        Expr::Cast(cast) => without_casts(&cast.expr),
        Expr::Alias(alias) => without_casts(&alias.expr),
        other => other,
    }
}

/// A cast in another form, where the planner's would keep the mark of what it casts or print a number with all of its digits.
pub(super) fn casted(registry: &dyn FunctionRegistry, cast: &Cast, schema: &DFSchema) -> Result<Option<Expr>> {
    let Ok((_, source)) = cast.expr.to_field(schema) else { return Ok(None) };
    let kind = cast.field.data_type();
    if matches!(kind, DataType::Utf8 | DataType::Utf8View) && numerics::is_open(source.data_type()) {
        let printed = ScalarFunction::new_udf(registry.udf(numerics::OUT)?, vec![cast.expr.as_ref().clone()]);
        return Ok(Some(Expr::ScalarFunction(printed)));
    }
    let keeps = source.metadata().contains_key(types::TYPE_KEY) && cast.field.metadata().is_empty();
    if !keeps || !cast.field.name().is_empty() {
        return Ok(None);
    }
    let name = types::name_of(&Field::new("", kind.clone(), true));
    let mut field = Field::new(name, kind.clone(), source.is_nullable());
    if matches!(kind, DataType::List(_)) && types::lower_of(&source) == 0 {
        field.metadata_mut().insert(types::LOWER_KEY.to_owned(), "0".to_owned());
    }
    Ok(Some(Expr::Cast(Cast::new_from_field(cast.expr.clone(), field.into()))))
}

/// A product or quotient of exact numbers.
pub(super) fn product(
    registry: &dyn FunctionRegistry,
    left: Expr,
    op: Operator,
    right: Expr,
    schema: &DFSchema,
) -> Result<Transformed<Expr>> {
    let scale = |expr: &Expr| match expr.get_type(schema) {
        Ok(DataType::Decimal128(_, scale)) => Some((true, scale)),
        Ok(kind) if kind.is_integer() => Some((false, 0)),
        _ => None,
    };
    let plain = |left, right| Expr::BinaryExpr(BinaryExpr { left: Box::new(left), op, right: Box::new(right) });
    let (Some((left_exact, of_left)), Some((right_exact, of_right))) = (scale(&left), scale(&right)) else {
        return Ok(Transformed::no(plain(left, right)));
    };
    if !left_exact && !right_exact {
        return Ok(Transformed::no(plain(left, right)));
    }
    if op == Operator::Divide {
        let call = ScalarFunction::new_udf(registry.udf(numerics::DIVIDE)?, vec![left, right]);
        return Ok(Transformed::yes(Expr::ScalarFunction(call)));
    }
    // The digits of both have to leave room for the number itself.
    if of_left.saturating_add(of_right) <= 24 {
        return Ok(Transformed::no(plain(left, right)));
    }
    let short = |expr, scale| if scale > 10 { cast_to(expr, WIDENED, ANY_NUMERIC, schema) } else { expr };
    Ok(Transformed::yes(plain(short(left, of_left), short(right, of_right))))
}

/// A function of exact numbers that has an exact result.
pub(super) fn exact_number(
    registry: &dyn FunctionRegistry,
    mut function: ScalarFunction,
    schema: &DFSchema,
) -> Result<Transformed<Expr>> {
    let kinds: Option<Vec<DataType>> = function.args.iter().map(|argument| argument.get_type(schema).ok()).collect();
    let is_exact = |kind: &DataType| matches!(kind, DataType::Decimal128(..));
    let exact = kinds.as_ref().is_some_and(|kinds| {
        kinds.iter().any(is_exact) && kinds.iter().all(|kind| is_exact(kind) || kind.is_integer())
    });
    // A logarithm of whole numbers with a base is one of exact numbers.
    let based = function.name() == "log"
        && kinds
            .as_ref()
            .is_some_and(|kinds| kinds.len() == 2 && kinds.iter().all(|kind| is_exact(kind) || kind.is_integer()));
    if (exact || based)
        && let Some(name) = numerics::exact_function(function.name())
    {
        function.func = registry.udf(name)?;
        return Ok(Transformed::yes(Expr::ScalarFunction(function)));
    }
    let first = kinds.as_ref().and_then(|kinds| kinds.first()).is_some_and(is_exact);
    let digits = match (function.name(), function.args.as_slice()) {
        ("trunc" | "round" | "ceil" | "floor", [_]) => Some(0),
        ("trunc" | "round", [_, Expr::Literal(ScalarValue::Int32(Some(digits)), _)]) => {
            i8::try_from(*digits).ok().filter(|digits| (0..=18).contains(digits))
        }
        _ => None,
    };
    let expr = Expr::ScalarFunction(function);
    Ok(match digits.filter(|_| first) {
        Some(digits) => Transformed::yes(cast_to(expr, KNOWN, DataType::Decimal128(38, digits), schema)),
        None => Transformed::no(expr),
    })
}

#[cfg(test)]
mod tests {
    use datafusion::common::config::Dialect;
    use datafusion::prelude::{SessionConfig, SessionContext};
    use datafusion::sql::parser::Statement;
    use datafusion::sql::sqlparser::ast;

    use super::super::super::front_door::{Command, parse};
    use super::super::super::query::shape;
    use super::super::typing::types_of_postgresql;

    /// `value:type`, for each column of the only row.
    async fn answered(sql: &str) -> String {
        let mut config = SessionConfig::new();
        config.options_mut().sql_parser.dialect = Dialect::PostgreSQL;
        config.options_mut().sql_parser.parse_float_as_decimal = true;
        let context = SessionContext::new_with_config(config);
        super::super::register(&context);
        let state = context.state();
        let Command::Query(query) = parse(sql).unwrap().remove(0).command else { panic!("{sql}") };
        let statement = Statement::Statement(Box::new(ast::Statement::Query(query)));
        let plan = state.statement_to_plan(statement).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        let plan = types_of_postgresql(&state, plan).unwrap_or_else(|error| panic!("{sql}: {error}"));
        let columns = shape::of_plan(&plan, &state).unwrap();
        assert!(columns.iter().all(|column| column.typmod == -1), "{sql}");
        let batches = context.execute_logical_plan(plan).await.unwrap().collect().await;
        let batches = batches.unwrap_or_else(|error| panic!("{sql}: {error}"));
        let texts = columns.iter().zip(batches[0].columns()).map(|(column, array)| {
            use datafusion::arrow::array::AsArray as _;
            use datafusion::arrow::datatypes::{DataType, Decimal128Type};
            let text = match array.data_type() {
                DataType::Decimal128(precision, scale) => {
                    super::numerics::shown(array.as_primitive::<Decimal128Type>().value(0), *precision, *scale)
                }
                _ => datafusion::arrow::util::display::array_value_to_string(array, 0).unwrap(),
            };
            format!("{text}:{}", column.pg)
        });
        texts.collect::<Vec<_>>().join(" ")
    }

    #[tokio::test]
    async fn types_and_digits_are_postgresqls() {
        for (sql, wanted) in [
            ("'5'::varchar::bigint, '5'::varchar::int, 'a'::name::text", "5:int8 5:int4 a:text"),
            ("case when true then 'a'::text else 'c'::name end, coalesce('a'::name, 'b'::text)", "a:name a:name"),
            ("case when true then 'a'::name else 'c'::text end, nullif('a'::varchar, 'b')", "a:text a:text"),
            ("case when true then 'a'::varchar || 'b' else 'c'::varchar end", "ab:varchar"),
            ("7.0/2, 1/3.0, 7/2", "3.5000000000000000:numeric 0.33333333333333333333:numeric 3:int4"),
            ("ceil(47/7.0), floor(1.5), round(2.5), trunc(2.567)", "7:numeric 1:numeric 3:numeric 2:numeric"),
            (
                "cast(floor(7/2.0) as text), round(2.5, 3), (7/2.0)::text",
                "3:text 2.500:numeric 3.5000000000000000:text",
            ),
            ("log(10, 1000), 2.0^3, sqrt(4)", "3.0000000000000000:numeric 8.0000000000000000:numeric 2.0:float8"),
            ("sign(-2.5), sign(3)", "-1:numeric 1.0:float8"),
            ("sum(case when x > 1 then 1 else 0.0 end) from (values (1), (2)) t(x)", "1.0:numeric"),
            ("avg(x), variance(x::float8) from (values (1), (2)) t(x)", "1.5000000000000000:numeric 0.5:float8"),
            (
                "count(*), avg(n) from (select x / 2.0 as n from (values (1), (2)) t(x) group by x / 2.0) g",
                "2:int8 0.75000000000000000000:numeric",
            ),
        ] {
            assert_eq!(answered(&format!("select {sql}")).await, wanted, "{sql}");
        }
    }
}
