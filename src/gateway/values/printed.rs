//! The columns of a result that are computed exact numbers as texts with PostgreSQL's digits.
//!
//! A decimal column has one number of digits behind the point, PostgreSQL's `numeric` has one per value, which follows from what
//! a value was computed from. So what a statement computes with stays a decimal, and only what is sent is written from its
//! operands, which are carried up to the top of the plan beside it.

use std::sync::Arc;

use datafusion::arrow::array::{AsArray as _, Int32Array};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TreeNode as _};
use datafusion::common::{Column, ScalarValue};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::FunctionRegistry;
use datafusion::functions_aggregate::min_max::max_udaf;
use datafusion::logical_expr::expr::{AggregateFunction, Case, ScalarFunction, WindowFunction};
use datafusion::logical_expr::{
    Aggregate, BinaryExpr, Cast, ColumnarValue, Expr, ExprSchemable as _, LogicalPlan, Operator, Projection,
    ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, SubqueryAlias, Union, Volatility, Window,
    WindowFunctionDefinition, lit,
};

use super::super::pgcatalog::types;
use super::super::query::shape::ANY_NUMERIC;
use super::retyped::{KNOWN, WIDENED};
use super::{deviations, numeric_texts, numerics};

/// The function that makes arrays of elements.
const MAKE_ARRAY: &str = "make_array";
/// How many parts of a statement are looked at for its digits.
const PARTS: usize = 1000;

/// The same plan, with texts for the numbers that need it.
pub(crate) fn with_digits(registry: &dyn FunctionRegistry, plan: LogicalPlan) -> Result<LogicalPlan> {
    texts(&registry.udf(numerics::OUT)?, plan)
}

fn texts(out: &Arc<ScalarUDF>, plan: LogicalPlan) -> Result<LogicalPlan> {
    let is_open = |kind: &DataType| match kind {
        DataType::List(element) => matches!(element.data_type(), DataType::Decimal128(..)),
        kind => matches!(kind, DataType::Decimal128(..)),
    };
    if !plan.schema().fields().iter().any(|field| is_open(field.data_type())) {
        return Ok(plan);
    }
    let mut digits = Digits { out: Arc::clone(out), names: 0, left: PARTS };
    let mut carrying = plan.clone();
    let mut found = false;
    let mut columns = Vec::with_capacity(plan.schema().fields().len());
    for (qualifier, field) in plan.schema().iter() {
        let column = Column::from((qualifier, field));
        let text = if is_open(field.data_type()) { digits.column(&carrying, &column, Wanted::Text)? } else { None };
        columns.push(match text {
            Some((plan, text)) => {
                carrying = plan;
                found = true;
                let is_list = matches!(field.data_type(), DataType::List(_));
                let mark = Some(types::metadata(if is_list { "_numeric" } else { "numeric" }).into());
                text.alias_qualified_with_metadata(column.relation, column.name, mark)
            }
            None => Expr::Column(column),
        });
    }
    if !found {
        return Ok(plan);
    }
    Projection::try_new(columns, Arc::new(carrying)).map(LogicalPlan::Projection)
}

/// What is wanted of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Text,
    /// How many digits there are behind its point.
    Scale,
}

struct Digits {
    /// The function that prints a number by its value alone.
    out: Arc<ScalarUDF>,
    /// How many columns are carried.
    names: usize,
    /// How many parts may still be looked at.
    left: usize,
}

type Input = Arc<LogicalPlan>;

impl Digits {
    fn name(&mut self) -> String {
        self.names = self.names.saturating_add(1);
        // No column has it.
        format!("\u{1}digits {}", self.names)
    }

    /// What is wanted of a column of a plan, and the plan with what that needs. `None` where the type says it.
    fn column(&mut self, plan: &LogicalPlan, column: &Column, wanted: Wanted) -> Result<Option<(LogicalPlan, Expr)>> {
        let Some(index) = plan.schema().maybe_index_of_column(column) else { return Ok(None) };
        match plan {
            LogicalPlan::Projection(projection) => {
                let Some(expr) = projection.expr.get(index) else { return Ok(None) };
                let mut input = Arc::clone(&projection.input);
                let Some(found) = self.of(expr, &mut input, wanted)? else { return Ok(None) };
                let mut columns = projection.expr.clone();
                let found = self.carried(found, &mut columns);
                Ok(Some((LogicalPlan::Projection(Projection::try_new(columns, input)?), found)))
            }
            LogicalPlan::Filter(_) | LogicalPlan::Sort(_) | LogicalPlan::Limit(_) => self.below(plan, column, wanted),
            LogicalPlan::SubqueryAlias(alias) => {
                let inner = Column::from(alias.input.schema().qualified_field(index));
                let Some((input, found)) = self.column(&alias.input, &inner, wanted)? else { return Ok(None) };
                let found = found.transform(|part| {
                    Ok(match part {
                        Expr::Column(column) => {
                            Transformed::yes(Expr::Column(Column::new(Some(alias.alias.clone()), column.name)))
                        }
                        other => Transformed::no(other),
                    })
                })?;
                let plan = SubqueryAlias::try_new(Arc::new(input), alias.alias.clone())?;
                Ok(Some((LogicalPlan::SubqueryAlias(plan), found.data)))
            }
            LogicalPlan::Aggregate(aggregate) => {
                let before = aggregate.schema.fields().len().saturating_sub(aggregate.aggr_expr.len());
                let computed = index.checked_sub(before).and_then(|index| aggregate.aggr_expr.get(index));
                let Some(computed) = computed else { return Ok(None) };
                let mut input = Arc::clone(&aggregate.input);
                let Some((found, more)) = self.aggregated(computed, column, &mut input, wanted)? else {
                    return Ok(None);
                };
                let mut all = aggregate.aggr_expr.clone();
                all.extend(more);
                let plan = Aggregate::try_new(input, aggregate.group_expr.clone(), all)?;
                Ok(Some((LogicalPlan::Aggregate(plan), found)))
            }
            LogicalPlan::Window(window) => {
                let Some(index) = index.checked_sub(window.input.schema().fields().len()) else {
                    return self.below(plan, column, wanted);
                };
                let Some(computed) = window.window_expr.get(index) else { return Ok(None) };
                let Some((found, more)) = self.over_window(computed, wanted) else { return Ok(None) };
                let mut all = window.window_expr.clone();
                all.push(more);
                Ok(Some((LogicalPlan::Window(Window::try_new(all, Arc::clone(&window.input))?), found)))
            }
            LogicalPlan::Union(union) if wanted == Wanted::Text => self.of_union(union, index),
            _ => Ok(None),
        }
    }

    /// The texts of a column of the branches of a UNION ALL, as one more column.
    fn of_union(&mut self, union: &Union, index: usize) -> Result<Option<(LogicalPlan, Expr)>> {
        let name = self.name();
        let mut found = false;
        let mut inputs = Vec::with_capacity(union.inputs.len());
        for input in &union.inputs {
            let mut columns: Vec<Expr> = input.schema().columns().into_iter().map(Expr::Column).collect();
            let kind = input.schema().field(index).data_type().clone();
            if !is_number(&kind) && !kind.is_null() {
                return Ok(None);
            }
            // The planner has yet to give all of them one type.
            found |= kind != *union.schema.field(index).data_type();
            let column = Column::from(input.schema().qualified_field(index));
            let (input, text) = match self.column(input, &column, Wanted::Text)? {
                Some((input, text)) => {
                    found = true;
                    (Arc::new(input), text)
                }
                None => {
                    let by_value = ScalarFunction::new_udf(Arc::clone(&self.out), vec![Expr::Column(column)]);
                    (Arc::clone(input), Expr::ScalarFunction(by_value))
                }
            };
            columns.push(text.alias(name.clone()));
            inputs.push(Arc::new(LogicalPlan::Projection(Projection::try_new(columns, input)?)));
        }
        if !found {
            return Ok(None);
        }
        let plan = LogicalPlan::Union(Union::try_new_with_loose_types(inputs)?);
        Ok(Some((plan, Expr::Column(Column::new_unqualified(name)))))
    }

    /// The same of a plan that passes its input's columns on.
    fn below(&mut self, plan: &LogicalPlan, column: &Column, wanted: Wanted) -> Result<Option<(LogicalPlan, Expr)>> {
        let inputs = plan.inputs();
        let [input] = inputs.as_slice() else { return Ok(None) };
        let Some((input, found)) = self.column(input, column, wanted)? else { return Ok(None) };
        Ok(Some((plan.with_new_exprs(plan.expressions(), vec![input])?, found)))
    }

    /// What a projection computes for the plan above it, of which as little as possible is computed there.
    fn carried(&mut self, found: Expr, columns: &mut Vec<Expr>) -> Expr {
        let mut carry = |expr: Expr| {
            let name = self.name();
            columns.push(expr.alias(name.clone()));
            Expr::Column(Column::new_unqualified(name))
        };
        match found {
            Expr::Literal(..) => found,
            Expr::ScalarFunction(mut function) => {
                for argument in function.args.iter_mut().filter(|argument| !matches!(argument, Expr::Literal(..))) {
                    *argument = carry(std::mem::take(argument));
                }
                Expr::ScalarFunction(function)
            }
            other => carry(other),
        }
    }

    /// What is wanted of an aggregate, and the aggregates that this needs.
    fn aggregated(
        &mut self,
        computed: &Expr,
        column: &Column,
        input: &mut Input,
        wanted: Wanted,
    ) -> Result<Option<(Expr, Vec<Expr>)>> {
        let AggregateFunction { func, params } = match computed {
            Expr::Alias(alias) => return self.aggregated(&alias.expr, column, input, wanted),
            Expr::AggregateFunction(call) => call,
            _ => return Ok(None),
        };
        if wanted == Wanted::Text
            && !params.distinct
            && let Some(func) = deviations::printed(func)
        {
            let name = self.name();
            let call = Expr::AggregateFunction(AggregateFunction { func, params: params.clone() });
            return Ok(Some((Expr::Column(Column::new_unqualified(name.clone())), vec![call.alias(name)])));
        }
        let ("sum" | "min" | "max", [value]) = (func.name(), params.args.as_slice()) else { return Ok(None) };
        if !is_plain(value) {
            return Ok(None);
        }
        let kind = computed.get_type(input.schema())?;
        let (scale, more) = match self.scale(value, input)? {
            Some(known @ Expr::Literal(..)) => (known, Vec::new()),
            Some(scale) if func.name() == "sum" && !params.distinct => {
                let name = self.name();
                let mut params = params.clone();
                params.args = vec![scale];
                let call = Expr::AggregateFunction(AggregateFunction { func: max_udaf(), params });
                (Expr::Column(Column::new_unqualified(name.clone())), vec![call.alias(name)])
            }
            _ => return Ok(None),
        };
        let found = match wanted {
            Wanted::Scale => Some(scale),
            Wanted::Text => shown(Expr::Column(column.clone()), &kind, scale),
        };
        Ok(found.map(|found| (found, more)))
    }

    /// The text of a deviation over a window.
    fn over_window(&mut self, computed: &Expr, wanted: Wanted) -> Option<(Expr, Expr)> {
        let window = match computed {
            Expr::Alias(alias) => return self.over_window(&alias.expr, wanted),
            Expr::WindowFunction(window) if wanted == Wanted::Text && !window.params.distinct => window,
            _ => return None,
        };
        let WindowFunctionDefinition::AggregateUDF(func) = &window.fun else { return None };
        let fun = WindowFunctionDefinition::AggregateUDF(deviations::printed(func)?);
        let name = self.name();
        let call = Expr::WindowFunction(Box::new(WindowFunction { fun, params: window.params.clone() }));
        Some((Expr::Column(Column::new_unqualified(name.clone())), call.alias(name)))
    }

    /// What is wanted of an expression over `input`, which may get more columns.
    fn of(&mut self, expr: &Expr, input: &mut Input, wanted: Wanted) -> Result<Option<Expr>> {
        match (expr, wanted) {
            (Expr::Alias(alias), _) => self.of(&alias.expr, input, wanted),
            (Expr::ScalarSubquery(subquery), Wanted::Text) if subquery.outer_ref_columns.is_empty() => {
                let mut subquery = subquery.clone();
                let kind = |plan: &LogicalPlan| plan.schema().fields().first().map(|field| field.data_type().clone());
                let before = kind(&subquery.subquery);
                subquery.subquery = Arc::new(texts(&self.out, subquery.subquery.as_ref().clone())?);
                Ok((kind(&subquery.subquery) != before).then_some(Expr::ScalarSubquery(subquery)))
            }
            _ if !is_plain(expr) => Ok(None),
            (_, Wanted::Text) => self.text(expr, input),
            (_, Wanted::Scale) => self.scale(expr, input),
        }
    }

    /// The same of a column of `input`.
    fn traced(&mut self, column: &Column, input: &mut Input, wanted: Wanted) -> Result<Option<Expr>> {
        Ok(self.column(input, column, wanted)?.map(|(plan, found)| {
            *input = Arc::new(plan);
            found
        }))
    }

    /// Whether one more part may be looked at.
    fn goes_on(&mut self) -> bool {
        let left = self.left.checked_sub(1);
        self.left = left.unwrap_or(0);
        left.is_some()
    }

    /// The text of a number; `None` where its type and value say it.
    fn text(&mut self, expr: &Expr, input: &mut Input) -> Result<Option<Expr>> {
        if !self.goes_on() {
            return Ok(None);
        }
        match expr {
            Expr::Alias(alias) => self.text(&alias.expr, input),
            Expr::Column(column) => self.traced(column, input, Wanted::Text),
            Expr::ScalarFunction(function) if numerics::is_computing(&function.func) => {
                let scales = function.args.iter().map(|argument| self.scale_of(argument, input));
                let scales = scales.collect::<Result<Vec<_>>>()?;
                Ok(numerics::printed(&function.func, function.args.clone(), scales))
            }
            Expr::Cast(cast) if is_read(cast, input) => Ok(Some(numeric_texts::read_from(cast.expr.as_ref().clone()))),
            Expr::Cast(cast) if is_array(cast) => self.text(&cast.expr, input),
            Expr::ScalarFunction(function) if function.name() == MAKE_ARRAY => self.elements(function, input),
            Expr::Case(case) if results(case).any(is_computing) => self
                .of_results(case, &mut |digits, result| match unwidened(result) {
                    Expr::Literal(value, _) if value.is_null() => Ok(lit(ScalarValue::Utf8(None))),
                    inner => match digits.text(inner, input)? {
                        Some(text) => Ok(text),
                        None => Ok(numerics::with_digits(result.clone(), digits.scale_of(inner, input)?)),
                    },
                })
                .map(Some),
            other => {
                let kind = other.get_type(input.schema())?;
                Ok(self.scale(other, input)?.and_then(|scale| shown(other.clone(), &kind, scale)))
            }
        }
    }

    /// An array of the texts of numbers, each with its digits.
    fn elements(&mut self, function: &ScalarFunction, input: &mut Input) -> Result<Option<Expr>> {
        let mut texts = Vec::with_capacity(function.args.len());
        for element in &function.args {
            let inner = unwidened(element);
            let kind = element.get_type(input.schema())?;
            if !is_number(&kind) && !kind.is_null() {
                return Ok(None);
            }
            texts.push(match self.text(inner, input)? {
                Some(text) => text,
                None => numerics::with_digits(element.clone(), self.scale_of(inner, input)?),
            });
        }
        let array = ScalarFunction::new_udf(Arc::clone(&function.func), texts);
        Ok((!function.args.is_empty()).then_some(Expr::ScalarFunction(array)))
    }

    /// How many digits a number has behind its point, in any case.
    fn scale_of(&mut self, expr: &Expr, input: &mut Input) -> Result<Expr> {
        match self.scale(expr, input)? {
            Some(scale) => Ok(scale),
            None => {
                let text = ScalarFunction::new_udf(Arc::clone(&self.out), vec![expr.clone()]);
                Ok(scale_of_text(Expr::ScalarFunction(text)))
            }
        }
    }

    /// The same; `None` where only its value says it.
    fn scale(&mut self, expr: &Expr, input: &mut Input) -> Result<Option<Expr>> {
        if !self.goes_on() {
            return Ok(None);
        }
        let kind = |expr: &Expr, input: &Input| expr.get_type(input.schema());
        let by_type = |kind: &DataType| match kind {
            DataType::Decimal128(_, scale) if !numerics::is_open(kind) => Some(lit(i32::from(*scale))),
            kind if kind.is_integer() || kind.is_null() => Some(lit(0_i32)),
            _ => None,
        };
        let found = match expr {
            Expr::Alias(alias) => return self.scale(&alias.expr, input),
            Expr::Literal(ScalarValue::Decimal128(_, _, scale), _) => Some(lit(i32::from(*scale))),
            Expr::Column(column) => self.traced(column, input, Wanted::Scale)?,
            Expr::Negative(inner) => return self.scale(inner, input),
            Expr::Cast(cast) => {
                let to = cast.field.data_type();
                let from = kind(&cast.expr, input)?;
                let keeps = cast.field.name() == WIDENED || (*to == ANY_NUMERIC && cast.field.name().is_empty());
                match to {
                    _ if is_read(cast, input) => {
                        Some(scale_of_text(numeric_texts::read_from(cast.expr.as_ref().clone())))
                    }
                    _ if keeps && is_number(&from) => return self.scale(&cast.expr, input),
                    DataType::Decimal128(_, scale) if cast.field.name() == KNOWN => Some(lit(i32::from(*scale))),
                    _ => None,
                }
            }
            Expr::Case(case) if is_exact(&kind(expr, input)?) => {
                let scales = self.of_results(case, &mut |digits, result| digits.scale_of(result, input))?;
                Some(alike(scales))
            }
            Expr::BinaryExpr(BinaryExpr { left, op, right }) if is_exact(&kind(expr, input)?) => {
                let kinds = [kind(left, input)?, kind(right, input)?];
                if !kinds.iter().all(is_number) {
                    return Ok(by_type(&kind(expr, input)?));
                }
                let add = match op {
                    Operator::Plus | Operator::Minus | Operator::Modulo => false,
                    Operator::Multiply => true,
                    _ => return Ok(by_type(&kind(expr, input)?)),
                };
                let (left, right) = (self.scale_of(left, input)?, self.scale_of(right, input)?);
                Some(joined(left, right, add))
            }
            Expr::ScalarFunction(function) => self.scale_of_call(function, input)?,
            _ => None,
        };
        Ok(found.or_else(|| kind(expr, input).ok().and_then(|kind| by_type(&kind))))
    }

    fn scale_of_call(&mut self, function: &ScalarFunction, input: &mut Input) -> Result<Option<Expr>> {
        if numerics::is_computing(&function.func) {
            let text = self.text(&Expr::ScalarFunction(function.clone()), input)?;
            return Ok(text.map(scale_of_text));
        }
        match (function.name(), function.args.as_slice()) {
            ("abs", [value]) | ("nullif", [value, _]) => self.scale(value, input),
            ("round" | "trunc", [value, digits]) if is_exact(&value.get_type(input.schema())?) => {
                let digits = Expr::Cast(Cast::new(Box::new(digits.clone()), DataType::Int32));
                Ok(Some(joined(digits, lit(0_i32), false)))
            }
            ("coalesce", [values @ .., last]) => {
                let mut choices = Vec::with_capacity(values.len());
                for value in values {
                    let scale = self.scale_of(value, input)?;
                    choices.push((Box::new(value.clone().is_not_null()), Box::new(scale)));
                }
                let last = Box::new(self.scale_of(last, input)?);
                Ok(Some(alike(Expr::Case(Case::new(None, choices, Some(last))))))
            }
            _ => Ok(None),
        }
    }

    /// A CASE with something else for each of its results.
    fn of_results(&mut self, case: &Case, made: &mut dyn FnMut(&mut Self, &Expr) -> Result<Expr>) -> Result<Expr> {
        let mut case = case.clone();
        for (_, then) in &mut case.when_then_expr {
            **then = made(self, then)?;
        }
        if let Some(last) = case.else_expr.as_mut() {
            **last = made(self, last)?;
        }
        Ok(Expr::Case(case))
    }
}

/// Whether a cast reads a text as `numeric` without a modifier, or texts as an array of such.
fn is_read(cast: &Cast, input: &Input) -> bool {
    let to = match cast.field.data_type() {
        DataType::List(element) => element.data_type(),
        kind => kind,
    };
    let from = cast.expr.get_type(input.schema());
    *to == ANY_NUMERIC && from.is_ok_and(|from| numeric_texts::is_readable(&from))
}

/// Whether a cast is of an array of elements to one of `numeric` without a modifier.
fn is_array(cast: &Cast) -> bool {
    let is_made = matches!(cast.expr.as_ref(), Expr::ScalarFunction(function) if function.name() == MAKE_ARRAY);
    is_made && matches!(cast.field.data_type(), DataType::List(element) if *element.data_type() == ANY_NUMERIC)
}

fn is_exact(kind: &DataType) -> bool {
    matches!(kind, DataType::Decimal128(..) | DataType::Decimal256(..))
}

/// An exact or a whole number.
fn is_number(kind: &DataType) -> bool {
    is_exact(kind) || kind.is_integer()
}

/// Whether an expression may be computed twice.
fn is_plain(expr: &Expr) -> bool {
    let has_query = expr.exists(|part| {
        Ok(matches!(
            part,
            Expr::ScalarSubquery(_) | Expr::Exists(_) | Expr::InSubquery(_) | Expr::OuterReferenceColumn(..)
        ))
    });
    !expr.is_volatile() && !has_query.unwrap_or(true)
}

fn results(case: &Case) -> impl Iterator<Item = &Expr> {
    case.when_then_expr.iter().map(|(_, then)| then.as_ref()).chain(case.else_expr.as_deref())
}

/// What the planner's casts are around.
fn unwidened(expr: &Expr) -> &Expr {
    match expr {
        Expr::Cast(cast) if cast.field.name() == WIDENED => unwidened(&cast.expr),
        other => other,
    }
}

fn is_computing(expr: &Expr) -> bool {
    matches!(unwidened(expr), Expr::ScalarFunction(function) if numerics::is_computing(&function.func))
}

/// The text of a value; `None` where its type says the digits.
fn shown(value: Expr, kind: &DataType, scale: Expr) -> Option<Expr> {
    let DataType::Decimal128(_, of_kind) = kind else { return None };
    let is_said = !numerics::is_open(kind) && scale == lit(i32::from(*of_kind));
    (!is_said).then(|| numerics::with_digits(value, scale))
}

/// The only one of the results of a CASE, if there is only one.
fn alike(scales: Expr) -> Expr {
    let Expr::Case(case) = &scales else { return scales };
    let only = {
        let mut all = results(case);
        all.next().filter(|first| matches!(first, Expr::Literal(..)) && all.all(|other| other == *first)).cloned()
    };
    only.unwrap_or(scales)
}

/// The greater one of two, or their sum.
fn joined(left: Expr, right: Expr, add: bool) -> Expr {
    match (&left, &right) {
        (Expr::Literal(ScalarValue::Int32(Some(left)), _), Expr::Literal(ScalarValue::Int32(Some(right)), _)) => {
            lit(if add { left.saturating_add(*right) } else { *left.max(right) })
        }
        _ if add => left + right,
        _ => {
            let is_greater = Box::new(left.clone().gt(right.clone()));
            Expr::Case(Case::new(None, vec![(is_greater, Box::new(left))], Some(Box::new(right))))
        }
    }
}

/// The digits behind the point of a number's text.
fn scale_of_text(text: Expr) -> Expr {
    ScalarUDF::new_from_impl(Scale { signature: Signature::any(1, Volatility::Immutable) }).call(vec![text])
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Scale {
    signature: Signature,
}

impl ScalarUDFImpl for Scale {
    fn name(&self) -> &'static str {
        "numeric_text_scale"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int32)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [texts] = args.args.as_slice() else { return Err(DataFusionError::Internal("no text".to_owned())) };
        let texts = texts.to_array(args.number_rows)?;
        let scale = |text: &str| text.split_once('.').map_or(0, |(_, digits)| digits.len());
        let scales = texts.as_string::<i32>().iter().map(|text| text.and_then(|text| i32::try_from(scale(text)).ok()));
        Ok(ColumnarValue::Array(Arc::new(scales.collect::<Int32Array>())))
    }
}
