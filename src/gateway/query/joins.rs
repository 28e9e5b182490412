//! NATURAL JOIN and JOIN ... USING as PostgreSQL has them: their columns are the merged ones, then the rest of the left table, then
//! the rest of the right one, and a merged column has the value of the side that is there. The planner keeps both copies where they
//! stand, and takes the one that comes first for the value. A copy that the statement names with its table stays as it is there.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::common::{Column, DFSchema, JoinType, TableReference};
use datafusion::error::Result;
use datafusion::functions::core::expr_fn::coalesce;
use datafusion::logical_expr::planner::{PlannedRelation, RelationPlanner, RelationPlannerContext, RelationPlanning};
use datafusion::logical_expr::type_coercion::binary::comparison_coercion;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast, lit};
use datafusion::sql::sqlparser::ast::{
    self, FunctionArg, FunctionArgExpr, FunctionArguments, Join, JoinConstraint, JoinOperator, Select, SelectItem,
    SelectItemQualifiedWildcardKind, Statement, TableFactor, TableWithJoins, VisitMut, VisitorMut,
};

use super::super::pgcatalog::{errors::sql_error, rewrite::folded};

/// Puts such joins in parentheses, where [`Merging`] plans them; `None` where there are none.
pub(super) fn merging(statement: &mut Statement) -> Option<Merging> {
    let mut nester = Nester::default();
    let _: ControlFlow<()> = VisitMut::visit(statement, &mut nester);
    nester.found.then_some(Merging { mentioned: nester.mentioned })
}

/// A table, and a column of it or all of them.
type Mention = (String, Option<String>);

#[derive(Default)]
struct Nester {
    found: bool,
    mentioned: BTreeSet<Mention>,
}

/// A join that merges columns, and how.
fn kind_of(operator: &JoinOperator) -> Option<(&JoinConstraint, JoinType)> {
    let (constraint, kind) = match operator {
        JoinOperator::Join(constraint) | JoinOperator::Inner(constraint) => (constraint, JoinType::Inner),
        JoinOperator::Left(constraint) | JoinOperator::LeftOuter(constraint) => (constraint, JoinType::Left),
        JoinOperator::Right(constraint) | JoinOperator::RightOuter(constraint) => (constraint, JoinType::Right),
        JoinOperator::FullOuter(constraint) => (constraint, JoinType::Full),
        _ => return None,
    };
    matches!(constraint, JoinConstraint::Using(_) | JoinConstraint::Natural).then_some((constraint, kind))
}

/// Whether a table can be moved into parentheses: it does not look at the tables before it.
fn stands_alone(factor: &TableFactor) -> bool {
    matches!(
        factor,
        TableFactor::Table { .. } | TableFactor::Derived { lateral: false, .. } | TableFactor::NestedJoin { .. }
    )
}

impl Nester {
    /// Each join that merges columns, with all that is left of it, as a table of its own. Where `all` is not set, joins are left
    /// alone in which the planner finds the right value by itself.
    fn nest(&mut self, from: &mut TableWithJoins, all: bool) {
        let is_hard = |join: &Join| match kind_of(&join.join_operator) {
            Some((JoinConstraint::Natural, _)) => true,
            Some((_, kind)) => matches!(kind, JoinType::Right | JoinType::Full),
            None => false,
        };
        if !all && !from.joins.iter().any(is_hard) {
            return;
        }
        if !stands_alone(&from.relation) || !from.joins.iter().all(|join| stands_alone(&join.relation)) {
            return;
        }
        let mut relation = from.relation.clone();
        let mut joins: Vec<Join> = Vec::new();
        for join in std::mem::take(&mut from.joins) {
            let merges = kind_of(&join.join_operator).is_some();
            if merges && !joins.is_empty() {
                relation = nested(relation, std::mem::take(&mut joins));
            }
            joins.push(join);
            if merges {
                self.found = true;
                relation = nested(relation, std::mem::take(&mut joins));
            }
        }
        *from = TableWithJoins { relation, joins };
    }

    fn mention(&mut self, table: Option<&ast::Ident>, column: Option<&ast::Ident>) {
        self.mentioned.extend(table.map(|table| (folded(table), column.map(folded))));
    }
}

fn nested(relation: TableFactor, joins: Vec<Join>) -> TableFactor {
    TableFactor::NestedJoin { table_with_joins: Box::new(TableWithJoins { relation, joins }), alias: None }
}

impl VisitorMut for Nester {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut ast::Expr) -> ControlFlow<()> {
        match expr {
            ast::Expr::CompoundIdentifier(parts) => {
                if let [.., table, column] = parts.as_slice() {
                    self.mention(Some(table), Some(column));
                }
            }
            ast::Expr::QualifiedWildcard(name, _) => self.mention(name.0.last().and_then(|part| part.as_ident()), None),
            ast::Expr::Function(function) => {
                if let FunctionArguments::List(list) = &function.args {
                    for argument in &list.args {
                        if let FunctionArg::Unnamed(FunctionArgExpr::QualifiedWildcard(name)) = argument {
                            self.mention(name.0.last().and_then(|part| part.as_ident()), None);
                        }
                    }
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        let mut has_star = false;
        for item in &select.projection {
            match item {
                SelectItem::Wildcard(_) => has_star = true,
                SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) => {
                    self.mention(name.0.last().and_then(|part| part.as_ident()), None);
                }
                _ => {}
            }
        }
        for from in &mut select.from {
            self.nest(from, has_star);
        }
        ControlFlow::Continue(())
    }

    fn post_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        if let TableFactor::NestedJoin { table_with_joins, .. } = factor {
            self.nest(table_with_joins, true);
        }
        ControlFlow::Continue(())
    }
}

/// Plans the joins of a statement that merge columns.
#[derive(Debug)]
pub(super) struct Merging {
    mentioned: BTreeSet<Mention>,
}

impl RelationPlanner for Merging {
    fn plan_relation(
        &self,
        relation: TableFactor,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<RelationPlanning> {
        if let TableFactor::NestedJoin { table_with_joins, alias } = &relation
            && let [join] = table_with_joins.joins.as_slice()
            && let Some((constraint, kind)) = kind_of(&join.join_operator)
            && stands_alone(&table_with_joins.relation)
            && stands_alone(&join.relation)
        {
            let left = context.plan(table_with_joins.relation.clone())?;
            let right = context.plan(join.relation.clone())?;
            let names: Vec<String> = match constraint {
                JoinConstraint::Using(names) => names
                    .iter()
                    .filter_map(|name| name.0.last().and_then(|part| part.as_ident()))
                    .map(|name| context.normalize_ident(name.clone()))
                    .collect(),
                _ => common(left.schema(), right.schema()),
            };
            let plan = self.join(left, right, kind, &names)?;
            return Ok(RelationPlanning::Planned(Box::new(PlannedRelation::new(plan, alias.clone()))));
        }
        Ok(RelationPlanning::Original(Box::new(relation)))
    }
}

/// The names that both have, in the order of the left one.
fn common(left: &DFSchema, right: &DFSchema) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for field in left.fields() {
        if !names.contains(field.name()) && right.fields().iter().any(|other| other.name() == field.name()) {
            names.push(field.name().clone());
        }
    }
    names
}

type Side<'a> = (Option<&'a TableReference>, &'a FieldRef);

/// The column of one side that is merged.
fn only<'a>(schema: &'a DFSchema, name: &str, side: &str) -> Result<Side<'a>> {
    let mut found = schema.iter().filter(|(_, field)| field.name() == name);
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (None, _) => Err(sql_error(
            "42703",
            format!("column \"{name}\" specified in USING clause does not exist in {side} table"),
        )),
        (Some(_), Some(_)) => {
            Err(sql_error("42702", format!("common column name \"{name}\" appears more than once in {side} table")))
        }
    }
}

/// A merged column: the two it is made of.
struct Merged<'a> {
    left: Side<'a>,
    right: Side<'a>,
}

fn column(side: Side<'_>) -> Expr {
    Expr::Column(Column::from(side))
}

impl Merged<'_> {
    fn value(&self, kind: JoinType) -> Expr {
        let name = self.left.1.name();
        let (left, right) = (self.left.1.data_type(), self.right.1.data_type());
        let common: Option<DataType> = if left == right { None } else { comparison_coercion(left, right) };
        let qualifier = if kind == JoinType::Right { self.right.0 } else { self.left.0.or(self.right.0) };
        let value = match kind {
            JoinType::Full => coalesce(vec![column(self.left), column(self.right)]),
            JoinType::Right => column(self.right),
            _ => column(self.left),
        };
        match common {
            Some(common) => cast(value, common).alias_qualified(qualifier.cloned(), name),
            None if kind == JoinType::Full => value.alias_qualified(qualifier.cloned(), name),
            None => value,
        }
    }
}

impl Merging {
    fn mentions(&self, side: Side<'_>) -> bool {
        let Some(table) = side.0.map(TableReference::table) else { return false };
        self.mentioned.contains(&(table.to_owned(), None))
            || self.mentioned.contains(&(table.to_owned(), Some(side.1.name().clone())))
    }

    fn join(&self, left: LogicalPlan, right: LogicalPlan, kind: JoinType, names: &[String]) -> Result<LogicalPlan> {
        let (left_schema, right_schema) = (left.schema().clone(), right.schema().clone());
        let merged = names
            .iter()
            .map(|name| {
                Ok(Merged { left: only(&left_schema, name, "left")?, right: only(&right_schema, name, "right")? })
            })
            .collect::<Result<Vec<_>>>()?;
        let is_other = |(_, field): &Side<'_>| !names.contains(field.name());
        let needs_copies = merged.iter().any(|merged| match kind {
            JoinType::Full => self.mentions(merged.left) || self.mentions(merged.right),
            JoinType::Right => self.mentions(merged.left),
            _ => self.mentions(merged.right),
        });
        let rest = || left_schema.iter().filter(is_other).chain(right_schema.iter().filter(is_other)).map(column);
        if needs_copies {
            let keys = names.iter().map(Column::from_name).collect::<Vec<_>>();
            let copies = merged.iter().flat_map(|merged| match kind {
                JoinType::Right => [column(merged.right), column(merged.left)],
                _ => [column(merged.left), column(merged.right)],
            });
            let columns = copies.chain(rest()).collect::<Vec<_>>();
            return LogicalPlanBuilder::from(left).join_using(right, kind, keys)?.project(columns)?.build();
        }
        let columns = merged.iter().map(|merged| merged.value(kind)).chain(rest()).collect::<Vec<_>>();
        let conditions: Vec<Expr> = if merged.is_empty() {
            vec![lit(true)]
        } else {
            merged.iter().map(|merged| column(merged.left).eq(column(merged.right))).collect()
        };
        LogicalPlanBuilder::from(left).join_on(right, kind, conditions)?.project(columns)?.build()
    }
}

#[cfg(test)]
mod tests {
    use datafusion::prelude::SessionContext;
    use datafusion::sql::parser::Statement as DfStatement;
    use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
    use datafusion::sql::sqlparser::parser::Parser;

    use super::*;

    const TABLES: &str =
        "WITH b AS (SELECT 3 AS z, 2 AS x), a AS (SELECT 1 AS x, 5 AS y), c AS (SELECT 2 AS x, 6 AS w) ";

    async fn columns(sql: &str) -> Result<Vec<String>> {
        let mut statement = Parser::parse_sql(&PostgreSqlDialect {}, &format!("{TABLES}{sql}")).unwrap().remove(0);
        let mut state = SessionContext::new().state();
        if let Some(merging) = merging(&mut statement) {
            state.register_relation_planner(std::sync::Arc::new(merging))?;
        }
        let plan = state.statement_to_plan(DfStatement::Statement(Box::new(statement))).await?;
        Ok(plan.schema().fields().iter().map(|field| field.name().clone()).collect())
    }

    #[tokio::test]
    async fn merged_columns_come_first_and_once() {
        for (sql, wanted) in [
            ("SELECT * FROM b NATURAL JOIN a", "x z y"),
            ("SELECT * FROM b NATURAL FULL JOIN a", "x z y"),
            ("SELECT * FROM b RIGHT JOIN a USING (x)", "x z y"),
            ("SELECT * FROM b NATURAL JOIN a NATURAL JOIN c", "x z y w"),
            ("SELECT * FROM b FULL JOIN a USING (x) FULL JOIN c USING (x)", "x z y w"),
            ("SELECT t.* FROM (b NATURAL JOIN a) t", "x z y"),
            ("SELECT * FROM b NATURAL JOIN a JOIN c ON c.x = a.y", "x z y x w"),
            ("SELECT *, a.x AS ax FROM b NATURAL JOIN a", "x z y ax"),
            ("SELECT a.*, x AS bx FROM b NATURAL JOIN a", "x y bx"),
        ] {
            assert_eq!(columns(sql).await.unwrap().join(" "), wanted, "{sql}");
        }
        for (sql, wanted) in [
            ("SELECT * FROM b JOIN c ON true NATURAL JOIN a", "\"x\" appears more than once in left table"),
            ("SELECT * FROM b RIGHT JOIN a USING (nope)", "\"nope\" specified in USING clause does not exist in left"),
        ] {
            let error = columns(sql).await.unwrap_err().to_string();
            assert!(error.contains(wanted), "{sql}: {error}");
        }
    }
}
