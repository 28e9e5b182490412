//! System columns of the built-in tables: readable by name, not part of `*`. A table's number and the transactions of its rows,
//! which are the same for all of them, are written in their place.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, Ident, JoinOperator, OrderByKind, Query, Select, SelectItem, SetExpr, TableFactor, Value, ValueWithSpan,
    visit_expressions_mut,
};

use super::facts::{self, SystemRelation};
use super::functions::TRANSACTION;
use super::rewrite::{call, folded, parts, take};

/// A number as a literal.
fn number(value: i32) -> Expr {
    Expr::Value(ValueWithSpan::from(Value::Number(value.to_string(), false)))
}

/// The built-in tables of a SELECT's FROM.
struct Tables {
    /// By the name that columns are qualified with.
    named: HashMap<String, &'static SystemRelation>,
    /// The one that a column without a table's name is of.
    only: Option<String>,
    /// Whether a join may leave a table without a row.
    is_outer: bool,
}

impl Tables {
    fn of(select: &Select) -> Self {
        let mut tables = Self { named: HashMap::new(), only: None, is_outer: false };
        let mut has_others = false;
        for from in &select.from {
            for join in &from.joins {
                let plain = matches!(
                    join.join_operator,
                    JoinOperator::Join(_) | JoinOperator::Inner(_) | JoinOperator::CrossJoin(_)
                );
                tables.is_outer |= !plain;
            }
            for factor in std::iter::once(&from.relation).chain(from.joins.iter().map(|join| &join.relation)) {
                let TableFactor::Table { name, alias, args: None, .. } = factor else {
                    has_others = true;
                    continue;
                };
                if let [schema, relation] = parts(name).as_slice()
                    && let Some(known) = facts::relation(schema, relation)
                    // A view has no system columns.
                    && known.kind == "r"
                {
                    let name = alias.as_ref().map_or_else(|| relation.clone(), |alias| folded(&alias.name));
                    tables.named.insert(name, known);
                }
            }
        }
        if tables.named.len() == 1 && !has_others {
            tables.only = tables.named.keys().next().cloned();
        }
        tables
    }

    /// The value of a system column; `None` for another expression.
    fn value(&self, expr: &Expr) -> Option<Expr> {
        let (table, column) = match expr {
            Expr::Identifier(column) => (self.only.clone()?, folded(column)),
            Expr::CompoundIdentifier(names) => match names.as_slice() {
                [table, column] => (folded(table), folded(column)),
                _ => return None,
            },
            _ => return None,
        };
        let relation = self.named.get(&table)?;
        let (function, value) = match column.as_str() {
            "tableoid" => ("oid", relation.oid),
            "xmin" => ("xid", TRANSACTION),
            "xmax" => ("xid", 0),
            "cmin" | "cmax" => ("cid", 0),
            _ => return None,
        };
        let mut arguments = vec![number(value)];
        // Where there is no row, the column beside makes it NULL.
        if self.is_outer
            && let Some(column) = relation.columns.iter().find(|column| column.not_null)
        {
            let names = [table.as_str(), column.name].map(|name| Ident::with_quote('"', name));
            arguments.push(Expr::CompoundIdentifier(names.to_vec()));
        }
        Some(call(function, arguments))
    }

    fn replace(&self, expr: &mut Expr) {
        if let Some(value) = self.value(expr) {
            *expr = value;
        }
    }
}

/// Writes the system columns of a SELECT as values.
pub(super) fn in_select(select: &mut Select) {
    let tables = Tables::of(select);
    if tables.named.is_empty() {
        return;
    }
    // An output column that is a bare name keeps it.
    for item in &mut select.projection {
        if let SelectItem::UnnamedExpr(expr) = item
            && let Some(value) = tables.value(expr)
        {
            let name = match expr {
                Expr::Identifier(name) => folded(name),
                Expr::CompoundIdentifier(names) => names.last().map(folded).unwrap_or_default(),
                _ => continue,
            };
            *item = SelectItem::ExprWithAlias { alias: Ident::new(name), expr: value };
        }
    }
    let _ = visit_expressions_mut(select, |expr| {
        tables.replace(expr);
        ControlFlow::<()>::Continue(())
    });
}

/// The same in ORDER BY, where the name of an output column goes before.
pub(super) fn in_order(query: &mut Query) {
    let (SetExpr::Select(select), Some(order)) = (query.body.as_ref(), &mut query.order_by) else { return };
    let OrderByKind::Expressions(keys) = &mut order.kind else { return };
    let tables = Tables::of(select);
    if tables.named.is_empty() {
        return;
    }
    let outputs: HashSet<String> = select
        .projection
        .iter()
        .filter_map(|item| match item {
            SelectItem::ExprWithAlias { alias, .. } => Some(folded(alias)),
            _ => None,
        })
        .collect();
    for key in keys {
        if matches!(&key.expr, Expr::Identifier(name) if outputs.contains(&folded(name))) {
            continue;
        }
        let mut expr = take(&mut key.expr);
        let _ = visit_expressions_mut(&mut expr, |part| {
            tables.replace(part);
            ControlFlow::<()>::Continue(())
        });
        key.expr = expr;
    }
}
