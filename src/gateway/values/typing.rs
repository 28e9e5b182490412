//! The types of expressions where PostgreSQL has others than the planner: whole numbers of 32 bits, exact sums and averages.

use std::any::Any;
use std::cell::Cell;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Schema, TimeUnit};
use datafusion::catalog::cte_worktable::CteWorkTable;
use datafusion::common::tree_node::{Transformed, TreeNode as _, TreeNodeRecursion};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::datasource::{provider_as_source, source_as_provider};
use datafusion::error::Result;
use datafusion::execution::FunctionRegistry;
use datafusion::functions::core::expr_fn::nullif;
use datafusion::logical_expr::expr::{AggregateFunction, ScalarFunction, WindowFunction};
use datafusion::logical_expr::expr_rewriter::{NamePreserver, coerce_plan_expr_for_schema};
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{
    AggregateUDF, BinaryExpr, Cast, Expr, ExprSchemable as _, LogicalPlan, LogicalPlanBuilder, Operator,
    RecursiveQuery, ScalarUDF, TableScan, Union, Values, WindowFunctionDefinition, binary_expr,
};

use super::super::pgcatalog::functions::{array_output_function, output_function};
use super::super::pgcatalog::types;
use super::super::query::shape::ANY_NUMERIC;
use super::chosen;
use super::retyped::{WIDENED, cast_to, casted, exact_number, product, without_casts};
use super::{
    arrays, bytea, deviations, float_checks, floats, interval_order, intervals, json, outputs, ranges, rows,
    subqueries, timetz, unions,
};

/// Sums of `bigint` are `numeric`.
const SUM: DataType = DataType::Decimal128(38, 0);
/// What an average is taken over; it has four digits more.
const AVERAGED: DataType = DataType::Decimal128(38, 12);
const AVERAGED_SHORT: DataType = DataType::Decimal128(38, 16);

/// Gives expressions PostgreSQL's types before the planner coerces anything:
///
/// - a literal that fits is `integer`, and so is arithmetic of such numbers, which fails when its result does not fit; the days between two dates are `integer`, too;
/// - arithmetic of `bigint` fails when its result does not fit, instead of starting over at the other end;
/// - `sum` of `bigint`, `avg` of whole numbers and deviations of exact ones are `numeric`;
/// - what stands beside a float is one;
/// - text of moments, intervals, floats and arrays is what the wire has; a whole number of one with a fraction is rounded;
/// - a row is NULL when its columns are;
/// - CASE and its relatives keep the names of types that are text underneath.
pub(crate) fn types_of_postgresql(registry: &dyn FunctionRegistry, plan: LogicalPlan) -> Result<LogicalPlan> {
    rewritten(plan, &|expr, inputs| typed(registry, expr, inputs), Pass { columns: true, changed: false })
}

/// A parameter's `numeric` value keeps the digits that it came with.
pub(crate) fn exact_parameters(plan: LogicalPlan) -> Result<LogicalPlan> {
    each_expression(plan, &|expr, schema| {
        Ok(match expr {
            Expr::ScalarFunction(function) if function.name() == "array_has" => arrays::like_elements(function, schema),
            Expr::Cast(cast) if *cast.field.data_type() == ANY_NUMERIC => match cast.expr.as_ref() {
                Expr::Literal(ScalarValue::Decimal128(Some(_), ..), _) => Transformed::yes(*cast.expr),
                _ => Transformed::no(Expr::Cast(cast)),
            },
            other => Transformed::no(other),
        })
    })
}

/// Functions whose `integer` the planner counts in 64 bits.
const INTEGERS: &[&str] = &["array_length", "array_position", "cardinality"];

pub(super) type Rewrite<'a> = &'a dyn Fn(Expr, &DFSchema) -> Result<Transformed<Expr>>;

/// Rewrites the expressions of a plan, which keep their names, and the types of everything that reads them.
pub(super) fn each_expression(plan: LogicalPlan, rewrite: Rewrite<'_>) -> Result<LogicalPlan> {
    rewritten(plan, rewrite, Pass { columns: false, changed: false })
}

/// What a pass over a plan does and finds.
#[derive(Clone, Copy)]
struct Pass {
    /// Whether the columns of UNION and VALUES get common types, which they have when literals have theirs.
    columns: bool,
    /// Whether the plan may read what is changed already.
    changed: bool,
}

fn rewritten(plan: LogicalPlan, rewrite: Rewrite<'_>, pass: Pass) -> Result<LogicalPlan> {
    let changed = Cell::new(pass.changed);
    let down = |node: LogicalPlan| match node {
        LogicalPlan::RecursiveQuery(query) => {
            changed.set(true);
            Ok(Transformed::new(recursive(&query, rewrite, pass)?, true, TreeNodeRecursion::Jump))
        }
        other => Ok(Transformed::no(other)),
    };
    let up = |node: LogicalPlan| {
        // A limit counts rows in 64 bits; a recursive query is rewritten as a whole.
        if matches!(node, LogicalPlan::Limit(_) | LogicalPlan::Statement(_) | LogicalPlan::RecursiveQuery(_)) {
            return Ok(Transformed::no(node));
        }
        let node = if pass.columns { unions::in_columns(node)? } else { Transformed::no(node) };
        changed.set(changed.get() || node.transformed);
        let node = ranges::in_order(node.data);
        changed.set(changed.get() || node.transformed);
        let node = interval_order::in_order(node.data);
        changed.set(changed.get() || node.transformed);
        let node = node.data;
        let inputs = merge_schema(&node.inputs());
        let names = NamePreserver::new(&node);
        let mapped = node.map_expressions(|expr| {
            let name = names.save(&expr);
            let replaced = expr.transform_up(|expr| rewrite(expr, &inputs))?;
            Ok(replaced.update_data(|expr| name.restore(expr)))
        })?;
        // Whatever reads from a changed node has other types, too.
        changed.set(changed.get() || mapped.transformed);
        if !changed.get() {
            return Ok(mapped);
        }
        mapped.map_data(|node| match node {
            LogicalPlan::Values(Values { values, .. }) => LogicalPlanBuilder::values(values)?.build(),
            LogicalPlan::Union(union) => Union::try_new_with_loose_types(union.inputs).map(LogicalPlan::Union),
            other => other.recompute_schema(),
        })
    };
    plan.transform_down_up_with_subqueries(down, up).map(|transformed| transformed.data)
}

/// A recursive query has the types of its first term, also where its other term reads it.
fn recursive(query: &RecursiveQuery, rewrite: Rewrite<'_>, pass: Pass) -> Result<LogicalPlan> {
    let first = rewritten(query.static_term.as_ref().clone(), rewrite, Pass { changed: false, ..pass })?;
    let columns = first.schema().fields().iter().map(|field| field.as_ref().clone().with_nullable(true));
    let columns = Arc::new(Schema::new(columns.collect::<Vec<_>>()));
    let source = provider_as_source(Arc::new(CteWorkTable::new(&query.name, columns)));
    let next = query.recursive_term.as_ref().clone().transform_down_with_subqueries(|node| match node {
        LogicalPlan::TableScan(scan) if is_work_table(&scan, &query.name) => {
            LogicalPlanBuilder::scan_with_filters(scan.table_name, Arc::clone(&source), scan.projection, scan.filters)?
                .build()
                .map(Transformed::yes)
        }
        // A query of the same name inside hides this one.
        LogicalPlan::RecursiveQuery(inner) if inner.name == query.name => {
            Ok(Transformed::new(LogicalPlan::RecursiveQuery(inner), false, TreeNodeRecursion::Jump))
        }
        other => Ok(Transformed::no(other)),
    })?;
    let next =
        coerce_plan_expr_for_schema(rewritten(next.data, rewrite, Pass { changed: true, ..pass })?, first.schema())?;
    RecursiveQuery::try_new(query.name.clone(), Arc::new(first), Arc::new(next), query.is_distinct)
        .map(LogicalPlan::RecursiveQuery)
}

fn is_work_table(scan: &TableScan, name: &str) -> bool {
    let Ok(provider) = source_as_provider(&scan.source) else { return false };
    let provider: &dyn Any = provider.as_ref();
    provider.downcast_ref::<CteWorkTable>().is_some_and(|table| table.name() == name)
}

/// Text, or an array of it.
pub(super) fn is_text(kind: &DataType) -> bool {
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::List(element) => is_text(element.data_type()),
        _ => false,
    }
}

fn is_row(expr: &Expr, schema: &DFSchema) -> bool {
    matches!(expr.get_type(schema), Ok(DataType::Struct(_)))
}

fn cast(expr: Expr, to: DataType) -> Expr {
    Expr::Cast(Cast::new(Box::new(expr), to))
}

fn typed(registry: &dyn FunctionRegistry, expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let floats = floats::beside_floats(expr, schema);
    if floats.transformed {
        return Ok(floats);
    }
    let read = timetz::read_literals(floats.data, schema);
    if read.transformed {
        return Ok(read);
    }
    let compared = interval_order::compared(read.data, schema)?;
    if compared.transformed {
        return Ok(compared);
    }
    let subquery = subqueries::that_may_be_empty(compared.data);
    if subquery.transformed {
        return Ok(subquery);
    }
    let expr = subquery.data;
    if let Expr::Cast(cast) = &expr
        && let Some(time) = timetz::cast_away(cast, schema)?
    {
        return Ok(Transformed::yes(time));
    }
    Ok(match expr {
        Expr::Literal(ScalarValue::Int64(Some(value)), metadata) => match i32::try_from(value) {
            Ok(value) => Transformed::yes(Expr::Literal(ScalarValue::Int32(Some(value)), metadata)),
            Err(_) => Transformed::no(Expr::Literal(ScalarValue::Int64(Some(value)), metadata)),
        },
        Expr::BinaryExpr(BinaryExpr {
            left,
            op: op @ (Operator::Plus | Operator::Minus | Operator::Multiply),
            right,
        }) => {
            let width = |expr: &Expr| expr.get_type(schema).ok();
            let (via, result) = match (width(&left), width(&right)) {
                (Some(DataType::Int16), Some(DataType::Int16)) => (DataType::Int32, DataType::Int16),
                (Some(DataType::Int32), Some(DataType::Int32 | DataType::Int16))
                | (Some(DataType::Int16), Some(DataType::Int32)) => (DataType::Int64, DataType::Int32),
                (Some(DataType::Int64), Some(DataType::Int64 | DataType::Int32 | DataType::Int16))
                | (Some(DataType::Int32 | DataType::Int16), Some(DataType::Int64)) => {
                    (DataType::Decimal128(19, 0), DataType::Int64)
                }
                (Some(DataType::Date32), Some(DataType::Date32)) if op == Operator::Minus => {
                    return Ok(Transformed::yes(cast(binary_expr(*left, op, *right), DataType::Int32)));
                }
                _ if op == Operator::Multiply => return product(registry, *left, op, *right, schema),
                _ => return Ok(Transformed::no(Expr::BinaryExpr(BinaryExpr { left, op, right }))),
            };
            let computed =
                BinaryExpr { left: Box::new(cast(*left, via.clone())), op, right: Box::new(cast(*right, via)) };
            Transformed::yes(cast(Expr::BinaryExpr(computed), result))
        }
        // A series of such numbers is one of them, too.
        Expr::ScalarFunction(function)
            if function.name() == "generate_series"
                && function.args.iter().all(|bound| {
                    matches!(bound.get_type(schema), Ok(DataType::Int32 | DataType::Int16 | DataType::Null))
                }) =>
        {
            let list = DataType::List(Arc::new(Field::new_list_field(DataType::Int32, true)));
            Transformed::yes(cast(Expr::ScalarFunction(function), list))
        }
        // A series of dates is one of midnights, from which a step may be less than a day.
        Expr::ScalarFunction(mut function)
            if matches!(function.name(), "generate_series" | "range")
                && matches!(function.args.as_slice(), [from, to, step]
                    if [from, to].iter().all(|day| matches!(day.get_type(schema), Ok(DataType::Date32)))
                        && matches!(step.get_type(schema), Ok(DataType::Interval(_)))) =>
        {
            for day in function.args.iter_mut().take(2) {
                *day = cast(std::mem::take(day), DataType::Timestamp(TimeUnit::Microsecond, None));
            }
            Transformed::yes(Expr::ScalarFunction(function))
        }
        // Of floats, the nearest even number where two are as near.
        Expr::ScalarFunction(function)
            if function.name() == "round"
                && matches!(function.args.as_slice(), [float]
                    if matches!(float.get_type(schema), Ok(DataType::Float32 | DataType::Float64))) =>
        {
            Transformed::yes(outputs::rounded().call(function.args))
        }
        Expr::ScalarFunction(function) if matches!(function.name(), "lower" | "upper") => {
            match bound_of(&function, schema) {
                Some(bound) => Transformed::yes(bound.call(function.args)),
                None => Transformed::no(Expr::ScalarFunction(function)),
            }
        }
        Expr::ScalarFunction(function) if function.name().contains("json") => {
            let kinds = function.args.iter().map(|argument| Ok(types::name_of(&argument.to_field(schema)?.1)));
            let kinds = kinds.collect::<Result<Vec<_>>>()?;
            json::knowing(function, &kinds).update_data(Expr::ScalarFunction)
        }
        Expr::ScalarFunction(function) if INTEGERS.contains(&function.name()) => {
            // An empty array has no dimensions, so that there is none to count.
            let counts = function.name() == "array_length";
            let count = Expr::ScalarFunction(function);
            let count = if counts { nullif(count, Expr::Literal(ScalarValue::UInt64(Some(0)), None)) } else { count };
            Transformed::yes(cast(count, DataType::Int32))
        }
        Expr::ScalarFunction(function)
            if function.name() == "character_length"
                && matches!(function.args.as_slice(), [bytes] if bytes.get_type(schema).is_ok_and(|kind| kind.is_binary())) =>
        {
            Transformed::yes(bytea::length().call(function.args))
        }
        // A text becomes an array by being read, not as its one element.
        Expr::Cast(ref cast)
            if matches!(cast.field.data_type(), DataType::List(_))
                && cast.expr.get_type(schema).is_ok_and(|kind| kind.is_string()) =>
        {
            match cast.field.data_type() {
                DataType::List(element) => {
                    let read = arrays::from_text(Arc::clone(element));
                    Transformed::yes(read.call(vec![cast.expr.as_ref().clone()]))
                }
                _ => Transformed::no(expr),
            }
        }
        // An identifier, or an array of them, becomes text by name and not by number.
        Expr::Cast(ref cast) if is_text(cast.field.data_type()) => {
            let kind = cast.expr.to_field(schema).map(|(_, field)| types::name_of(&field)).unwrap_or_default();
            match output_function(&kind).or_else(|| array_output_function(&kind)) {
                Some(output) => {
                    let call = ScalarFunction::new_udf(registry.udf(output)?, vec![cast.expr.as_ref().clone()]);
                    Transformed::yes(Expr::ScalarFunction(call))
                }
                // A range is shown in the zone of the session.
                None if kind.starts_with("tstz") => {
                    let text = outputs::text().call(vec![cast.expr.as_ref().clone()]);
                    Transformed::yes(self::cast(text, cast.field.data_type().clone()))
                }
                None => match own_text(cast.expr.as_ref().clone(), schema) {
                    own if own.transformed && *cast.field.data_type() == DataType::Utf8 => own,
                    own if own.transformed && !cast.field.data_type().is_nested() => {
                        own.update_data(|text| self::cast(text, cast.field.data_type().clone()))
                    }
                    _ => casted(registry, cast, schema)?.map_or_else(|| Transformed::no(expr), Transformed::yes),
                },
            }
        }
        Expr::Cast(mut to)
            if to.field.data_type().is_integer()
                && to.expr.get_type(schema).is_ok_and(|kind| outputs::has_fraction(&kind)) =>
        {
            let value = std::mem::replace(to.expr.as_mut(), Expr::Literal(ScalarValue::Null, None));
            *to.expr = outputs::rounded().call(vec![value]);
            Transformed::yes(Expr::Cast(to))
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::StringConcat, right }) => {
            let is_text = |expr: &Expr| expr.get_type(schema).is_ok_and(|kind| kind.is_string());
            let (left, right) = match (is_text(&left), is_text(&right)) {
                (true, false) => (Transformed::no(*left), own_text(*right, schema)),
                (false, true) => (own_text(*left, schema), Transformed::no(*right)),
                _ => (Transformed::no(*left), Transformed::no(*right)),
            };
            let changed = left.transformed || right.transformed;
            Transformed::new(
                binary_expr(left.data, Operator::StringConcat, right.data),
                changed,
                TreeNodeRecursion::Continue,
            )
        }
        Expr::ScalarFunction(mut function) if matches!(function.name(), "concat" | "concat_ws") => {
            let mut changed = false;
            for argument in &mut function.args {
                let value = std::mem::replace(argument, Expr::Literal(ScalarValue::Null, None));
                let is_bool = value.get_type(schema).is_ok_and(|kind| kind == DataType::Boolean);
                let own =
                    if is_bool { Transformed::yes(outputs::text().call(vec![value])) } else { own_text(value, schema) };
                changed |= own.transformed;
                *argument = own.data;
            }
            Transformed::new(Expr::ScalarFunction(function), changed, TreeNodeRecursion::Continue)
        }
        Expr::Cast(ref cast) => {
            casted(registry, cast, schema)?.map_or_else(|| Transformed::no(expr.clone()), Transformed::yes)
        }
        Expr::BinaryExpr(BinaryExpr { left, op: op @ Operator::Divide, right }) => {
            if let Some(quotient) = float_checks::quotient(&left, &right, schema) {
                return Ok(Transformed::yes(quotient));
            }
            product(registry, *left, op, *right, schema)?
        }
        Expr::IsNull(value) if is_row(&value, schema) => Transformed::yes(rows::null_test(*value, true)),
        Expr::IsNotNull(value) if is_row(&value, schema) => Transformed::yes(rows::null_test(*value, false)),
        Expr::Case(mut case) => {
            let kind = case.expr.as_ref().and_then(|operand| operand.get_type(schema).ok());
            let mut read = false;
            for (when, _) in &mut case.when_then_expr {
                if let (Some(kind), Expr::Literal(ScalarValue::Utf8(Some(text)), metadata)) = (&kind, when.as_ref())
                    && (*kind == DataType::Boolean || kind.is_integer())
                    && let Ok(value) = ScalarValue::try_from_string(text.trim().to_owned(), kind)
                {
                    **when = Expr::Literal(value, metadata.clone());
                    read = true;
                }
            }
            read |= chosen::literal_arrays(&mut case, schema);
            read |= chosen::common_number(&mut case, schema);
            let named = chosen::named_type(Expr::Case(case), schema);
            if read { Transformed::yes(named.data) } else { named }
        }
        Expr::ScalarFunction(ref function)
            if matches!(function.name(), "coalesce" | "nullif" | "greatest" | "least" | "make_array") =>
        {
            chosen::named_type(expr, schema)
        }
        Expr::ScalarFunction(function) if function.name() == "array_element" => element(function, schema),
        Expr::ScalarFunction(function) if function.name() == "array_has" => arrays::like_elements(function, schema),
        Expr::Negative(value) if matches!(value.get_type(schema), Ok(DataType::Interval(_))) => {
            Transformed::yes(intervals::negative(*value))
        }
        Expr::ScalarFunction(mut function) => {
            if float_checks::logarithm(&mut function, schema) {
                return Ok(Transformed::yes(Expr::ScalarFunction(function)));
            }
            exact_number(registry, function, schema)?
        }
        // An array of identifiers or names is one of its own.
        Expr::AggregateFunction(ref call) if call.func.name() == "array_agg" => {
            let element = call.params.args.first();
            let field = element.and_then(|element| element.to_field(schema).ok());
            match field.and_then(|(_, field)| field.metadata().get(types::TYPE_KEY).cloned()) {
                Some(name) => {
                    let shown = expr.schema_name().to_string();
                    Transformed::yes(expr.alias_with_metadata(shown, Some(types::metadata(&format!("_{name}")).into())))
                }
                None => Transformed::no(expr),
            }
        }
        Expr::AggregateFunction(mut aggregate) => {
            let AggregateFunction { func, params } = &mut aggregate;
            let exact = exact(func, &mut params.args, schema) || interval_order::extreme(&mut aggregate, schema);
            let expr = Expr::AggregateFunction(aggregate);
            if exact { Transformed::yes(expr) } else { Transformed::no(expr) }
        }
        Expr::WindowFunction(mut window) => {
            let WindowFunction { fun, params } = window.as_mut();
            let exact = match fun {
                WindowFunctionDefinition::AggregateUDF(func) => exact(func, &mut params.args, schema),
                WindowFunctionDefinition::WindowUDF(_) => false,
            };
            let exact = interval_order::keys_in_order(&mut params.order_by, schema) || exact;
            let expr = Expr::WindowFunction(window);
            if exact { Transformed::yes(expr) } else { Transformed::no(expr) }
        }
        other => Transformed::no(other),
    })
}

/// A bound of a range, where a function of texts is called with one.
fn bound_of(function: &ScalarFunction, schema: &DFSchema) -> Option<ScalarUDF> {
    let [argument] = function.args.as_slice() else { return None };
    let field = argument.to_field(schema).ok()?.1;
    ranges::bound(function.name(), &field)
}

/// An element of an array, which has the type that the array's name says.
fn element(mut function: ScalarFunction, schema: &DFSchema) -> Transformed<Expr> {
    // The mark is the array's own, or that of what the planner casts.
    let field = |array: &Expr| array.to_field(schema).ok().map(|(_, field)| field);
    let is_mark = |field: &FieldRef| {
        let name = types::name_of(field);
        types::lower_of(field) == 0 || types::element_of(&name).is_some_and(|name| chosen::needs_mark(&name))
    };
    let array = function.args.first();
    let array = array.and_then(|array| field(array).filter(is_mark).or_else(|| field(without_casts(array))));
    let from_zero = array.as_ref().is_some_and(|array| types::lower_of(array) == 0);
    if from_zero && let Some(index) = function.args.get_mut(1) {
        let one = Expr::Literal(ScalarValue::Int64(Some(1)), None);
        *index = cast(std::mem::take(index), DataType::Int64) + one;
    }
    let array = array.map(|array| types::name_of(&array)).unwrap_or_default();
    let name = if array == "oidvector" { Some("oid".into()) } else { types::element_of(&array) };
    let mark = name.filter(|name| chosen::needs_mark(name)).map(|name| types::metadata(&name));
    let expr = Expr::ScalarFunction(function);
    match mark {
        Some(mark) => {
            let shown = expr.schema_name().to_string();
            Transformed::yes(expr.alias_with_metadata(shown, Some(mark.into())))
        }
        None => Transformed::new(expr, from_zero, TreeNodeRecursion::Continue),
    }
}

/// A value as its own text, where the planner would write another one.
fn own_text(value: Expr, schema: &DFSchema) -> Transformed<Expr> {
    match value.get_type(schema) {
        Ok(kind) if outputs::has_own_text(&kind) => Transformed::yes(outputs::text().call(vec![value])),
        _ => Transformed::no(value),
    }
}

/// Makes the argument of a sum, an average or a deviation a `numeric`; whether it did.
fn exact(aggregate: &mut Arc<AggregateUDF>, arguments: &mut [Expr], schema: &DFSchema) -> bool {
    let [argument] = arguments else { return false };
    let Ok(kind) = argument.get_type(schema) else { return false };
    if let Some(exact) = deviations::exact(aggregate.name()) {
        match kind {
            DataType::Decimal128(..) if *aggregate == exact => return false,
            DataType::Decimal128(..) => {}
            DataType::Int16 | DataType::Int32 => *argument = cast(std::mem::take(argument), deviations::SHORT),
            kind if kind.is_integer() => *argument = cast(std::mem::take(argument), deviations::LONG),
            _ => return false,
        }
        *aggregate = exact;
        return true;
    }
    let to = match (aggregate.name(), &kind) {
        ("sum", DataType::Int64 | DataType::UInt64) => SUM,
        ("avg", DataType::Int16 | DataType::Int32) => AVERAGED_SHORT,
        ("avg", kind) if kind.is_integer() => AVERAGED,
        // What is left of the point has to have room.
        ("avg", DataType::Decimal128(digits, scale)) => match (i32::from(*digits) - i32::from(*scale), *scale) {
            (..=18, ..=15) => AVERAGED_SHORT,
            (_, ..=11) => AVERAGED,
            _ => return false,
        },
        _ => return false,
    };
    *argument = cast_to(std::mem::take(argument), WIDENED, to, schema);
    true
}
