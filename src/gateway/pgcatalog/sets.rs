//! Functions that return sets: in a select list as the values of an array, in FROM as a subquery that spreads one.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    ArrayElemTypeDef, CastKind, DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident,
    ObjectName, ObjectNamePart, Query, Select, SelectItem, SetExpr, TableAlias, TableFactor, TableFunctionArgs,
    TableWithJoins, Value, ValueWithSpan, visit_expressions,
};

use super::facts;
use super::functions::composite_columns;
use super::rewrite::{call, is_reserved_name, is_reserved_value, nothing, parts, select, take};

/// What the planner's own `generate_series` is called inside of a rewritten one; no statement has this name.
pub(super) const SERIES: &str = "\u{1}series";

/// A function that returns a set, as the array that the set is made from: `generate_series` and `generate_subscripts`.
fn array_of_set(function: &str, arguments: Vec<Expr>) -> Option<Expr> {
    match function {
        "generate_series" | "regexp_matches" => Some(call(function, arguments)),
        "regexp_split_to_table" => split_by_pattern(arguments),
        "generate_subscripts" => {
            let mut arguments = arguments.into_iter();
            let (array, dimension) = (arguments.next()?, arguments.next()?);
            let bound = |name| call(name, vec![array.clone(), dimension.clone()]);
            Some(call("generate_series", vec![bound("array_lower"), bound("array_upper")]))
        }
        _ => None,
    }
}

/// A text split by a pattern: what the pattern matches becomes a character that no text has.
pub(super) fn split_by_pattern(arguments: Vec<Expr>) -> Option<Expr> {
    let text = |text: &str| Expr::Value(ValueWithSpan::from(Value::SingleQuotedString(text.to_owned())));
    let mut arguments = arguments.into_iter();
    let (value, pattern) = (arguments.next()?, arguments.next()?);
    if arguments.next().is_some() {
        return None;
    }
    let marked = call("regexp_replace", vec![value, pattern, text("\u{1}"), text("g")]);
    Some(call("string_to_array", vec![marked, text("\u{1}")]))
}

/// The arguments of a call that have no names; `None` when there are others.
pub(super) fn plain_arguments(arguments: &[FunctionArg]) -> Option<Vec<Expr>> {
    let plain = arguments.iter().map(|argument| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr.clone()),
        _ => None,
    });
    plain.collect()
}

/// A function in a select list that returns a set gives a row for each of its values.
pub(super) fn unnest_sets(select: &mut Select) {
    for item in &mut select.projection {
        let (SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }) = item else { continue };
        change_set(expr, &|expr| {
            let Expr::Function(Function { name, args: FunctionArguments::List(list), .. }) = expr else { return };
            let names = parts(name);
            let ([function], Some(arguments)) = (names.as_slice(), plain_arguments(&list.args)) else { return };
            if composite_columns(function).is_some() {
                *expr = call("unnest", vec![call(function, arguments)]);
            } else if let Some(array) = array_of_set(function, arguments) {
                *expr = call("unnest", vec![array]);
            }
        });
    }
}

/// `(SELECT (regexp_matches(text, pattern))[1])`, which has a row at most, as the value that it is; `None` for another query.
pub(super) fn first_match(query: &mut Query) -> Option<Expr> {
    let plain = query.order_by.is_none() && query.limit_clause.is_none() && query.with.is_none();
    let SetExpr::Select(select) = query.body.as_mut() else { return None };
    let plain = plain && select.from.is_empty() && select.selection.is_none() && select.having.is_none();
    let [SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }] = select.projection.as_mut_slice()
    else {
        return None;
    };
    let found = std::cell::Cell::new(false);
    change_set(expr, &|expr| {
        if let Expr::Function(function) = expr
            && parts(&function.name).last().is_some_and(|name| name == "regexp_matches")
            && let FunctionArguments::List(list) = &function.args
            && list.args.len() == 2
            && plain
        {
            function.name = ObjectName(vec![ObjectNamePart::Identifier(Ident::new("regexp_match"))]);
            found.set(true);
        }
    });
    found.get().then(|| Expr::Nested(Box::new(take(expr))))
}

/// Applies `change` where a set may stand in an expression of a select list: `f(x)`, `(f(x)).column`, `f(x)::type`.
fn change_set(expr: &mut Expr, change: &dyn Fn(&mut Expr)) {
    match expr {
        Expr::Nested(inner)
        | Expr::Cast { expr: inner, .. }
        | Expr::CompoundFieldAccess { root: inner, access_chain: _ } => change_set(inner, change),
        Expr::Function(function) if parts(&function.name) == ["get_field"] => {
            if let FunctionArguments::List(list) = &mut function.args
                && let Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(inner))) = list.args.first_mut()
            {
                change_set(inner, change);
            }
        }
        other => change(other),
    }
}

/// `FROM f(x) a` of a function that returns rows: `FROM (SELECT row.one, row.two FROM (SELECT unnest(f(x)) AS row)) a`.
fn select_rows(
    function: &str,
    arguments: Vec<Expr>,
    columns: &[&str],
    alias: Option<TableAlias>,
    lateral: bool,
) -> TableFactor {
    let row = Ident::with_quote('"', "\u{1}row");
    let array = call("unnest", vec![call(function, arguments)]);
    let rows = select(SelectItem::ExprWithAlias { expr: array, alias: row.clone() }, Vec::new());
    let rows = TableFactor::Derived {
        lateral: false,
        subquery: Box::new(rows),
        alias: Some(TableAlias { explicit: true, name: Ident::with_quote('"', SERIES), columns: Vec::new(), at: None }),
        sample: None,
    };
    let mut query =
        select(SelectItem::UnnamedExpr(nothing()), vec![TableWithJoins { relation: rows, joins: Vec::new() }]);
    let field = |name: &str| Expr::Value(ValueWithSpan::from(Value::SingleQuotedString(name.to_owned())));
    if let SetExpr::Select(select) = query.body.as_mut() {
        let item = |name: &&str| SelectItem::ExprWithAlias {
            expr: call("get_field", vec![Expr::Identifier(row.clone()), field(name)]),
            alias: Ident::new(*name),
        };
        select.projection = columns.iter().map(item).collect();
    }
    let alias = alias.unwrap_or_else(|| TableAlias {
        explicit: true,
        name: Ident::new(function),
        columns: Vec::new(),
        at: None,
    });
    TableFactor::Derived { lateral, subquery: Box::new(query), alias: Some(alias), sample: None }
}

/// Whether an expression names a column.
fn has_columns(expr: &Expr) -> bool {
    let found = visit_expressions(expr, |expr| match expr {
        Expr::Identifier(_) | Expr::CompoundIdentifier(_) if !is_reserved_value(expr) => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    found.is_break()
}

/// `FROM unnest(array) [WITH ORDINALITY] a (value, number)`.
pub(super) fn select_set(function: &str, array: Expr, alias: Option<TableAlias>, ordinality: bool) -> TableFactor {
    let lateral = has_columns(&array);
    let alias = alias.unwrap_or_else(|| TableAlias {
        explicit: true,
        name: Ident::new(function),
        columns: Vec::new(),
        at: None,
    });
    let mut names = alias.columns.iter().map(|column| column.name.clone());
    let value = names.next().unwrap_or_else(|| alias.name.clone());
    let number = names.next().unwrap_or_else(|| Ident::new("ordinality"));
    let one = Expr::Value(ValueWithSpan::from(Value::Number("1".to_owned(), false)));
    let numbers = array_of_set("generate_subscripts", vec![array.clone(), one]);
    let mut query = select(SelectItem::ExprWithAlias { expr: call("unnest", vec![array]), alias: value }, Vec::new());
    if let (true, SetExpr::Select(select), Some(numbers)) = (ordinality, query.body.as_mut(), numbers) {
        // Subscripts are integers, ordinal numbers are bigint.
        let bigint = DataType::Array(ArrayElemTypeDef::SquareBracket(Box::new(DataType::BigInt(None)), None));
        let numbers =
            Expr::Cast { kind: CastKind::Cast, expr: Box::new(numbers), data_type: bigint, array: false, format: None };
        select.projection.push(SelectItem::ExprWithAlias { expr: call("unnest", vec![numbers]), alias: number });
    }
    let alias = TableAlias { columns: Vec::new(), ..alias };
    TableFactor::Derived { lateral, subquery: Box::new(query), alias: Some(alias), sample: None }
}

/// Turns a scalar or array function in FROM into the query that selects it: `FROM unnest(x) a` as `FROM (SELECT unnest(x) AS a) a`.
pub(super) fn select_function(factor: &mut TableFactor) {
    let TableFactor::Table { name, alias, args: Some(args), with_ordinality, .. } = factor else { return };
    let names = parts(name);
    let [function] = names.as_slice() else { return };
    let Some(arguments) = plain_arguments(&args.args) else { return };
    if *with_ordinality {
        let array = if function == "unnest" { arguments.into_iter().next() } else { array_of_set(function, arguments) };
        if let Some(array) = array {
            *factor = select_set(function, array, alias.take(), true);
        }
        return;
    }
    // Functions in FROM see what stands before them there.
    let lateral = arguments.iter().any(has_columns);
    if let Some(columns) = composite_columns(function) {
        *factor = select_rows(function, arguments, &columns, alias.take(), lateral);
        return;
    }
    let constant = arguments.iter().all(is_constant);
    let mut from = Vec::new();
    let value = match function.as_str() {
        "unnest" => call("unnest", arguments),
        // The planner's own streams its rows; it calls its column `value`.
        "generate_series" if constant => {
            let value = Expr::Identifier(Ident::new("value"));
            let small = arguments.iter().all(is_small);
            let mut args = args.clone();
            for argument in &mut args.args {
                if let FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) = argument {
                    without_cast(expr);
                }
            }
            from.push(TableWithJoins { relation: series(name.clone(), args), joins: Vec::new() });
            if small { cast_to(value, DataType::Integer(None)) } else { value }
        }
        "generate_series" | "generate_subscripts" | "regexp_matches" | "regexp_split_to_table" => {
            let Some(array) = array_of_set(function, arguments) else { return };
            call("unnest", vec![array])
        }
        // Any other function of PostgreSQL that returns one value.
        name if facts::functions_by_name(name).iter().any(|one| !one.returns_set) || is_reserved_name(name) => {
            call(function, arguments)
        }
        _ => return,
    };
    let column = match alias {
        Some(alias) => alias.columns.first().map_or_else(|| alias.name.clone(), |column| column.name.clone()),
        None => Ident::new(function.clone()),
    };
    let query = select(SelectItem::ExprWithAlias { expr: value, alias: column }, from);
    let alias = alias.take().map_or_else(
        || TableAlias { explicit: true, name: Ident::new(function.clone()), columns: Vec::new(), at: None },
        |alias| TableAlias { columns: Vec::new(), ..alias },
    );
    *factor = TableFactor::Derived { lateral, subquery: Box::new(query), alias: Some(alias), sample: None };
}

/// `generate_series(...)` as the planner's table function, under a name that keeps it from being rewritten again.
fn series(name: ObjectName, args: TableFunctionArgs) -> TableFactor {
    TableFactor::Table {
        name,
        alias: Some(TableAlias { explicit: true, name: Ident::with_quote('"', SERIES), columns: Vec::new(), at: None }),
        args: Some(args),
        with_hints: Vec::new(),
        version: None,
        with_ordinality: false,
        partitions: Vec::new(),
        json_path: None,
        sample: None,
        index_hints: Vec::new(),
    }
}

pub(super) fn cast_to(expr: Expr, data_type: DataType) -> Expr {
    Expr::Cast { kind: CastKind::Cast, expr: Box::new(expr), data_type, array: false, format: None }
}

/// A literal that is an `integer`.
pub(crate) fn is_small(expr: &Expr) -> bool {
    match expr {
        Expr::Value(ValueWithSpan { value: Value::Number(text, _), .. }) => text.parse::<i32>().is_ok(),
        Expr::UnaryOp { expr, .. } | Expr::Nested(expr) => is_small(expr),
        Expr::Cast { expr, data_type: DataType::Integer(_) | DataType::Int(_) | DataType::Int4(_), .. } => {
            is_small(expr)
        }
        _ => false,
    }
}

/// `3::int4` as 3: the planner's own series reads no other width than its own.
fn without_cast(expr: &mut Expr) {
    if let Expr::Cast { expr: inner, .. } = expr
        && is_small(&Expr::Nested(inner.clone()))
    {
        *expr = take(inner);
    }
}

fn is_constant(expr: &Expr) -> bool {
    match expr {
        Expr::Value(value) => !matches!(value.value, Value::Placeholder(_)),
        Expr::UnaryOp { expr, .. } | Expr::Nested(expr) | Expr::Cast { expr, .. } => is_constant(expr),
        _ => false,
    }
}
