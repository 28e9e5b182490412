//! `ARRAY(SELECT ...)`: arrays of what queries give.

use datafusion::sql::sqlparser::ast::{
    Distinct, DuplicateTreatment, Expr, Function, FunctionArgumentClause, FunctionArguments, Ident, OrderBy,
    OrderByKind, Query, SelectItem, SetExpr, SetOperator, SetQuantifier, TableAlias, TableAliasColumnDef, TableFactor,
    TableWithJoins,
};

use super::functions::ARRAY_OR_EMPTY;
use super::rewrite::{call, folded, nothing, parts, select, take, ungrouped};
use super::sets::plain_arguments;

/// `ARRAY(SELECT x ...)` as `array_or_empty((SELECT array_agg(x ORDER BY ...) ...))`.
pub(super) fn array_of_query(expr: &mut Expr) {
    let Expr::Function(Function { args: FunctionArguments::Subquery(query), .. }) = expr else { return };
    if let Some(array) = of_unnested(query) {
        *expr = array;
        return;
    }
    let mut query = std::mem::replace(query.as_mut(), select(SelectItem::UnnamedExpr(nothing()), Vec::new()));
    let order = match query.order_by.take().map(|order| order.kind) {
        Some(OrderByKind::Expressions(order)) => order,
        Some(OrderByKind::All(_)) | None => Vec::new(),
    };
    let simple = query.limit_clause.is_none() && query.fetch.is_none();
    let aggregate = |item: Expr, order: Vec<_>, distinct: bool| {
        let mut function = call("array_agg", vec![item]);
        if let Expr::Function(Function { args: FunctionArguments::List(list), .. }) = &mut function {
            if !order.is_empty() {
                list.clauses.push(FunctionArgumentClause::OrderBy(order));
            }
            if distinct {
                list.duplicate_treatment = Some(DuplicateTreatment::Distinct);
            }
        }
        function
    };
    let direct = match query.body.as_mut() {
        SetExpr::Select(select)
            if simple
                && ungrouped(select)
                && !matches!(select.distinct, Some(Distinct::On(_)))
                && select.projection.len() == 1 =>
        {
            match select.projection.first_mut() {
                Some(item @ (SelectItem::UnnamedExpr(_) | SelectItem::ExprWithAlias { .. })) => {
                    let (value, alias) = match item {
                        SelectItem::UnnamedExpr(value) => (take(value), None),
                        SelectItem::ExprWithAlias { expr, alias } => (take(expr), Some(folded(alias))),
                        _ => (nothing(), None),
                    };
                    let order = order
                        .iter()
                        .cloned()
                        .map(|mut key| {
                            // An ordinal or the output's name means the value itself.
                            let named =
                                |expr: &Expr| matches!(expr, Expr::Identifier(name) if Some(folded(name)) == alias);
                            if matches!(key.expr, Expr::Value(_)) || named(&key.expr) {
                                key.expr = value.clone();
                            }
                            key
                        })
                        .collect();
                    let distinct = select.distinct.take().is_some();
                    *item = SelectItem::UnnamedExpr(aggregate(value, order, distinct));
                    true
                }
                _ => false,
            }
        }
        _ => false,
    };
    if !direct {
        // Whatever else the query is, its rows are collected from outside it.
        if !order.is_empty() {
            query.order_by = Some(OrderBy { kind: OrderByKind::Expressions(order), interpolate: None });
        }
        let column = Ident::new("array_item");
        let collected = SelectItem::UnnamedExpr(aggregate(Expr::Identifier(column.clone()), Vec::new(), false));
        let alias = TableAlias {
            explicit: true,
            name: Ident::new("array_items"),
            columns: vec![TableAliasColumnDef { name: column, data_type: None }],
            at: None,
        };
        let rows = TableFactor::Derived { lateral: false, subquery: Box::new(query), alias: Some(alias), sample: None };
        query = select(collected, vec![TableWithJoins { relation: rows, joins: Vec::new() }]);
    }
    *expr = call(ARRAY_OR_EMPTY, vec![Expr::Subquery(Box::new(query))]);
}

/// The array that a query consists of: `SELECT unnest(array)`, and sets of such. The planner has no `unnest` of a column of the
/// query around it.
fn of_unnested(query: &Query) -> Option<Expr> {
    let plain = query.with.is_none() && query.order_by.is_none() && query.limit_clause.is_none();
    if plain && query.fetch.is_none() { of_body(&query.body) } else { None }
}

fn of_body(body: &SetExpr) -> Option<Expr> {
    match body {
        SetExpr::Query(query) => of_unnested(query),
        SetExpr::Select(select) => {
            let [SelectItem::UnnamedExpr(item) | SelectItem::ExprWithAlias { expr: item, .. }] =
                select.projection.as_slice()
            else {
                return None;
            };
            let Expr::Function(Function {
                name, args: FunctionArguments::List(list), over: None, filter: None, ..
            }) = item
            else {
                return None;
            };
            let alone = select.from.is_empty() && select.selection.is_none() && select.distinct.is_none();
            if !alone || !ungrouped(select) || parts(name) != ["unnest"] {
                return None;
            }
            let [array] = <[Expr; 1]>::try_from(plain_arguments(&list.args)?).ok()?;
            Some(call(ARRAY_OR_EMPTY, vec![array]))
        }
        SetExpr::SetOperation { op, set_quantifier, left, right } => {
            let function = match (op, set_quantifier) {
                (SetOperator::Except, SetQuantifier::None | SetQuantifier::Distinct) => "array_except",
                (SetOperator::Intersect, SetQuantifier::None | SetQuantifier::Distinct) => "array_intersect",
                (SetOperator::Union, SetQuantifier::None | SetQuantifier::Distinct) => "array_union",
                (SetOperator::Union, SetQuantifier::All) => "array_cat",
                _ => return None,
            };
            Some(call(function, vec![of_body(left)?, of_body(right)?]))
        }
        _ => None,
    }
}
