//! A relation's name where a value stands, which is its whole row: `SELECT u FROM users u`, `count(u)`, `(u).user_name`. And casts
//! to the types of rows.
//!
//! Whether such a name is a column, which goes before, is known when its query is planned: until then it is an operation of an
//! operator that no client can write, on how the planner finds the name and a dictionary of what is known of the row.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use datafusion::common::{Column, DFSchema, ScalarValue, TableReference};
use datafusion::error::Result;
use datafusion::functions::core::expr_fn::get_field;
use datafusion::logical_expr::Expr as PlanExpr;
use datafusion::logical_expr::planner::RawBinaryExpr;
use datafusion::sql::sqlparser::ast::{
    AccessExpr, ArrayElemTypeDef, BinaryOperator, CastKind, DataType, DictionaryField, Expr, Function, FunctionArg,
    FunctionArgExpr, FunctionArguments, GroupByExpr, Ident, JoinOperator, ObjectName, OrderByKind, Query, Select,
    SelectItem, SetExpr, Statement, TableFactor, TableWithJoins, Value, VisitMut, VisitorMut,
};

use super::catalog::Catalog;
use super::functions;
use super::rewrite::{CteNames, call, folded, parts, take};
use super::row_types::RowsOf;
use crate::gateway::naming::quoted;
use crate::gateway::outputs;
use crate::gateway::values::rows::{AS_ROW, row_of};

/// The operator.
const ROW: &str = "\u{1}row";
/// A key of the dictionary: the relation's name.
const OF: &str = "\u{1}of";
/// The mark of the row's type.
const TYPE: &str = "\u{1}type";
/// There, where a join may leave the relation without a row.
const OUTER: &str = "\u{1}outer";
/// The column of the row that is wanted.
const FIELD: &str = "\u{1}field";

/// Marks the whole rows of a statement, and makes calls of casts to their types. `schema` is that of names without one.
pub(crate) fn mark(catalog: &Catalog, schema: &str, statement: &mut Statement) {
    let mut ctes = CteNames::default();
    let _ = VisitMut::visit(statement, &mut ctes);
    let mut marker = Marker { catalog, schema, ctes: ctes.names, scopes: Vec::new(), hidden: Vec::new() };
    let _ = VisitMut::visit(statement, &mut marker);
}

/// A relation of a FROM.
struct Source {
    /// What it is called there.
    name: String,
    /// What is known of its rows.
    rows: Option<RowsOf>,
    /// What its columns are called there; `None` when that is not known.
    columns: Option<Vec<String>>,
}

/// The relations of a FROM.
#[derive(Default)]
struct Scope {
    sources: Vec<Source>,
    /// Whether a join may leave one without a row.
    is_outer: bool,
}

struct Marker<'a> {
    catalog: &'a Catalog,
    schema: &'a str,
    ctes: HashSet<String>,
    /// Those of the queries around, the innermost last.
    scopes: Vec<Scope>,
    /// Those that a derived table does not see.
    hidden: Vec<Option<Scope>>,
}

fn text(value: &str) -> Expr {
    Expr::value(Value::SingleQuotedString(value.to_owned()))
}

fn entry(key: &str, value: Expr) -> DictionaryField {
    DictionaryField { key: quoted(key.to_owned()), value: Box::new(value) }
}

fn is_mark(op: &BinaryOperator) -> bool {
    matches!(op, BinaryOperator::Custom(name) if name == ROW)
}

/// The name that is marked, and what is known of the row.
fn marked(expr: &mut Expr) -> Option<(&Expr, &mut Vec<DictionaryField>)> {
    match expr {
        Expr::BinaryOp { left, op, right } if is_mark(op) => match right.as_mut() {
            Expr::Dictionary(fields) => Some((left, fields)),
            _ => None,
        },
        _ => None,
    }
}

/// Takes a mark back where the name is that of an output column.
fn unmark(expr: &mut Expr, outputs: &HashSet<String>) {
    if let Some((Expr::Identifier(name), _)) = marked(expr)
        && outputs.contains(&folded(name))
    {
        *expr = Expr::Identifier(name.clone());
    }
}

/// The names that a select list gives.
fn output_names(select: &Select) -> HashSet<String> {
    let names = select.projection.iter().filter_map(|item| match item {
        SelectItem::ExprWithAlias { alias, .. } => Some(folded(alias)),
        _ => None,
    });
    names.collect()
}

impl Marker<'_> {
    fn scope(&self, from: &[TableWithJoins]) -> Scope {
        let mut scope = Scope::default();
        for item in from {
            self.tables(item, &mut scope);
        }
        scope
    }

    fn tables(&self, item: &TableWithJoins, scope: &mut Scope) {
        self.factor(&item.relation, scope);
        for join in &item.joins {
            let keeps = matches!(
                join.join_operator,
                JoinOperator::Join(_) | JoinOperator::Inner(_) | JoinOperator::CrossJoin(_)
            );
            scope.is_outer |= !keeps;
            self.factor(&join.relation, scope);
        }
    }

    fn factor(&self, factor: &TableFactor, scope: &mut Scope) {
        match factor {
            TableFactor::Table { name, alias, args, .. } => {
                let names = parts(name);
                let hidden = args.is_some() || matches!(names.as_slice(), [only] if self.ctes.contains(only));
                let rows = if hidden { None } else { RowsOf::relation(self.catalog, self.schema, &names) };
                let names_of = |rows: &RowsOf| rows.columns.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
                let mut columns = rows.as_ref().map(names_of);
                let mut called = names.last().cloned().unwrap_or_default();
                if let Some(alias) = alias {
                    called = folded(&alias.name);
                    for (known, new) in columns.iter_mut().flatten().zip(&alias.columns) {
                        *known = folded(&new.name);
                    }
                }
                scope.sources.push(Source { name: called, rows, columns });
            }
            TableFactor::Derived { subquery, alias: Some(alias), .. } => {
                let mut columns = outputs::columns(&subquery.body);
                if !alias.columns.is_empty() {
                    let named = alias.columns.iter().map(|column| folded(&column.name));
                    let others = columns.into_iter().flatten().skip(alias.columns.len());
                    columns = Some(named.chain(others).collect());
                }
                scope.sources.push(Source { name: folded(&alias.name), rows: None, columns });
            }
            TableFactor::NestedJoin { table_with_joins, alias, .. } => match alias {
                Some(alias) => {
                    scope.sources.push(Source { name: folded(&alias.name), rows: None, columns: None });
                }
                None => self.tables(table_with_joins, scope),
            },
            _ => {}
        }
    }

    /// The whole row that a name is; `None` for what is a column, or nothing. `found` is how the planner finds the name.
    fn row(&self, name: &Ident, found: Expr) -> Option<Expr> {
        let wanted = folded(name);
        for (depth, scope) in self.scopes.iter().rev().enumerate() {
            let is_column = |source: &Source| source.columns.iter().flatten().any(|column| *column == wanted);
            if matches!(found, Expr::Identifier(_)) && scope.sources.iter().any(is_column) {
                return None;
            }
            let Some(source) = scope.sources.iter().find(|source| source.name == wanted) else { continue };
            let mut fields = vec![entry(OF, text(&wanted))];
            if scope.is_outer {
                fields.push(entry(OUTER, text("")));
            }
            if let Some(rows) = &source.rows {
                fields.push(entry(TYPE, text(&rows.row.mark())));
            }
            let value =
                |column: &String| Expr::CompoundIdentifier(vec![quoted(wanted.clone()), quoted(column.clone())]);
            match (&source.rows, &source.columns) {
                // A column has the name that the type gives it, whatever it is called here.
                (Some(rows), Some(columns)) => {
                    fields
                        .extend(rows.columns.iter().zip(columns).map(|((name, _), column)| entry(name, value(column))));
                }
                (None, Some(columns)) if depth > 0 => {
                    fields.extend(columns.iter().map(|column| entry(column, value(column))));
                }
                // What the planner calls by that name is all there is.
                _ if depth == 0 => {}
                _ => return None,
            }
            return Some(Expr::BinaryOp {
                left: Box::new(found),
                op: BinaryOperator::Custom(ROW.to_owned()),
                right: Box::new(Expr::Dictionary(fields)),
            });
        }
        None
    }

    /// `u.*` where a value stands.
    fn star(&self, name: &ObjectName) -> Option<Expr> {
        let [name] = name.0.as_slice() else { return None };
        self.row(name.as_ident()?, Expr::value(Value::Null))
    }

    /// A call instead of a cast to the type of a relation's rows, or of arrays of them.
    fn cast(&self, value: &mut Expr, data_type: &DataType) -> Option<Expr> {
        let (name, is_array) = match data_type {
            DataType::Custom(name, modifiers) if modifiers.is_empty() => (name, false),
            DataType::Array(ArrayElemTypeDef::SquareBracket(element, _)) => match element.as_ref() {
                DataType::Custom(name, modifiers) if modifiers.is_empty() => (name, true),
                _ => return None,
            },
            _ => return None,
        };
        let rows = RowsOf::of_type(self.catalog, self.schema, &parts(name))?;
        let mark = rows.row.mark();
        let mark = if is_array { format!("_{mark}") } else { mark };
        let columns = rows.columns.iter().flat_map(|(name, kind)| [text(name), text(kind)]);
        let arguments = [take(value), text(&mark)].into_iter().chain(columns).collect();
        Some(call(AS_ROW, arguments))
    }

    /// `(u).c`, which is a call by now.
    fn field(function: &mut Function) -> Option<Expr> {
        if parts(&function.name) != ["get_field"] {
            return None;
        }
        let FunctionArguments::List(list) = &mut function.args else { return None };
        let [FunctionArg::Unnamed(FunctionArgExpr::Expr(row)), FunctionArg::Unnamed(FunctionArgExpr::Expr(field))] =
            list.args.as_mut_slice()
        else {
            return None;
        };
        let mut row = row;
        while let Expr::Nested(inner) = row {
            row = inner.as_mut();
        }
        let (_, fields) = marked(row)?;
        fields.push(entry(FIELD, take(field)));
        Some(take(row))
    }
}

impl VisitorMut for Marker<'_> {
    type Break = ();

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        self.scopes.push(self.scope(&select.from));
        for item in &mut select.projection {
            // An output column that is a bare name keeps it.
            if let SelectItem::UnnamedExpr(Expr::Identifier(name)) = item
                && self.row(name, Expr::Identifier(name.clone())).is_some()
            {
                let (alias, expr) = (quoted(folded(name)), Expr::Identifier(name.clone()));
                *item = SelectItem::ExprWithAlias { expr, alias };
            }
        }
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        self.scopes.pop();
        let outputs = output_names(select);
        if let GroupByExpr::Expressions(groups, _) = &mut select.group_by {
            groups.iter_mut().for_each(|group| unmark(group, &outputs));
        }
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        let SetExpr::Select(select) = query.body.as_ref() else { return ControlFlow::Continue(()) };
        let Some(OrderByKind::Expressions(keys)) = query.order_by.as_mut().map(|order| &mut order.kind) else {
            return ControlFlow::Continue(());
        };
        let outputs = output_names(select);
        self.scopes.push(self.scope(&select.from));
        for key in keys {
            let is_output = matches!(&key.expr, Expr::Identifier(name) if outputs.contains(&folded(name)));
            if !is_output {
                let _ = VisitMut::visit(&mut key.expr, self);
            }
            unmark(&mut key.expr, &outputs);
        }
        self.scopes.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        let is_apart = matches!(factor, TableFactor::Derived { lateral: false, .. });
        let hidden = if is_apart { self.scopes.pop() } else { None };
        self.hidden.push(hidden);
        ControlFlow::Continue(())
    }

    fn post_visit_table_factor(&mut self, _: &mut TableFactor) -> ControlFlow<()> {
        self.scopes.extend(self.hidden.pop().flatten());
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let made = match expr {
            Expr::Identifier(name) => self.row(name, Expr::Identifier(name.clone())),
            Expr::QualifiedWildcard(name, _) => self.star(name),
            // `u.list[1]`: no row stands for the parts of a qualified name.
            Expr::CompoundFieldAccess { root, access_chain } => {
                let fields = access_chain.iter_mut().filter_map(|part| match part {
                    AccessExpr::Dot(field) => Some(field),
                    AccessExpr::Subscript(_) => None,
                });
                for part in fields.chain([root.as_mut()]) {
                    if let Some((Expr::Identifier(name), _)) = marked(part) {
                        *part = Expr::Identifier(name.clone());
                    }
                }
                None
            }
            Expr::Cast { kind: CastKind::Cast | CastKind::DoubleColon, expr: value, data_type, .. } => {
                self.cast(value, data_type)
            }
            Expr::Function(function) => {
                if let FunctionArguments::List(list) = &mut function.args {
                    for argument in &mut list.args {
                        if let FunctionArg::Unnamed(FunctionArgExpr::QualifiedWildcard(name)) = argument
                            && let Some(row) = self.star(name)
                        {
                            *argument = FunctionArg::Unnamed(FunctionArgExpr::Expr(row));
                        }
                    }
                }
                Self::field(function)
            }
            _ => None,
        };
        if let Some(made) = made {
            *expr = made;
        }
        ControlFlow::Continue(())
    }
}

fn literal(expr: &PlanExpr) -> Option<&str> {
    match expr {
        PlanExpr::Literal(ScalarValue::Utf8(text) | ScalarValue::Utf8View(text), _) => text.as_deref(),
        _ => None,
    }
}

/// Plans what [`mark`] made; `None` for other operations.
pub(super) fn plan(catalog: &Arc<Catalog>, expr: &RawBinaryExpr, schema: &DFSchema) -> Result<Option<PlanExpr>> {
    let RawBinaryExpr { op, left: found, right } = expr;
    // A dictionary is a call when it is planned.
    let PlanExpr::ScalarFunction(dictionary) = right else { return Ok(None) };
    if !is_mark(op) {
        return Ok(None);
    }
    let entries = dictionary.args.chunks_exact(2).filter_map(|pair| match pair {
        [key, value] => Some((literal(key)?, value)),
        _ => None,
    });
    let (mut of, mut mark, mut is_outer, mut wanted) = ("", None, false, None);
    let mut columns: Vec<(String, PlanExpr)> = Vec::new();
    for (key, value) in entries {
        match key {
            OF => of = literal(value).unwrap_or_default(),
            TYPE => mark = literal(value),
            OUTER => is_outer = true,
            FIELD => wanted = literal(value),
            name => columns.push((name.to_owned(), value.clone())),
        }
    }
    let is_column = match found {
        PlanExpr::Column(Column { relation: None, name, .. }) => schema.has_column_with_unqualified_name(name),
        PlanExpr::Literal(..) => false,
        _ => true,
    };
    if columns.is_empty() {
        let own = schema.iter().filter(|(table, _)| table.is_some_and(|table| table.table() == of));
        columns = own.map(|(table, field)| (field.name().clone(), PlanExpr::from((table, field)))).collect();
    }
    if is_column || columns.is_empty() {
        let found = found.clone();
        return Ok(Some(match wanted {
            Some(field) if is_column => get_field(found, field),
            _ => found,
        }));
    }
    if let Some(field) = wanted {
        let value = columns.into_iter().find(|(name, _)| name == field).map(|(_, value)| value);
        // A column that there is not is refused as any is.
        let missing = || PlanExpr::Column(Column::new(Some(TableReference::bare(of)), field));
        return Ok(Some(value.unwrap_or_else(missing)));
    }
    let columns = columns.into_iter().map(|(name, value)| {
        // A value that is printed by name is one already in its row.
        let (value, printed) = functions::printed(catalog, value, schema)?;
        Ok((crate::gateway::naming::shown(&name).to_owned(), printed, value))
    });
    let columns = columns.collect::<Result<Vec<_>>>()?;
    Ok(Some(row_of(mark, is_outer, columns)))
}
