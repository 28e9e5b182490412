//! From a parsed query to a checked logical plan.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::common::config::Dialect;
use datafusion::common::tree_node::{Transformed, TreeNode as _};
use datafusion::common::{Column, JoinType, ParamValues};
use datafusion::error::DataFusionError;
use datafusion::execution::context::SQLOptions;
use datafusion::execution::{FunctionRegistry as _, SessionState};
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::expr::{Exists, InSubquery};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{Expr, ExprSchemable as _, LogicalPlan, LogicalPlanBuilder, Subquery, lit, when};
use datafusion::prelude::SessionContext;
use datafusion::scalar::ScalarValue;
use datafusion::sql::parser::Statement as DfStatement;
use datafusion::sql::sqlparser::ast;

use super::super::error::{SqlError, from_datafusion};
use super::super::pgcatalog;
use super::super::values::{averages, moments, printed, typing};
use super::arguments;
use super::bounds;
use super::distinct;
use super::joins;
use super::lists;
use super::memory::{Governor, Share};
use super::missing;
use super::not_in;
use super::params::{self, ParamType};

/// What planning needs of the session, taken when the statement begins.
#[derive(Clone)]
pub(crate) struct Scene {
    /// The connection's context, reading the pinned snapshot.
    pub context: SessionContext,
    /// The session's zone.
    pub time_zone: String,
    /// The schema of names without one.
    pub schema: &'static str,
    /// The text, for error positions.
    pub sql: Arc<str>,
    /// What gives the statement its memory.
    pub governor: Arc<Governor>,
}

/// A plan with the state it was made in.
pub(crate) struct Planned {
    /// The state: settings, functions, start time.
    pub state: SessionState,
    /// The plan, checked to read only.
    pub plan: LogicalPlan,
    /// The types of `$1`, `$2`, ...
    pub params: Vec<ParamType>,
    /// The memory of its run.
    pub share: Arc<Share>,
}

impl Scene {
    fn state(&self) -> SessionState {
        let mut state = self.context.state();
        state.mark_start_execution();
        let options = state.config_mut().options_mut();
        options.sql_parser.dialect = Dialect::PostgreSQL;
        options.sql_parser.collect_spans = true;
        options.sql_parser.parse_float_as_decimal = true;
        options.execution.time_zone = Some(self.time_zone.clone());
        self.schema.clone_into(&mut options.catalog.default_schema);
        // `now()` and its relatives are made with the zone.
        let options = std::sync::Arc::clone(state.config().options());
        let zoned: Vec<_> =
            state.scalar_functions().values().filter_map(|udf| udf.inner().with_updated_config(&options)).collect();
        for udf in zoned {
            // Registering a function over itself does not fail.
            let _ = state.register_udf(Arc::new(udf));
        }
        state
    }

    fn error(&self, error: &DataFusionError) -> SqlError {
        from_datafusion(error, &self.sql)
    }

    /// Plans `query`. `types` are the parameter types that the client or PREPARE declared. With `values`, parameters
    /// are replaced by them; without, by typed NULLs, which gives the same columns.
    pub(crate) async fn plan(
        &self,
        query: Box<ast::Query>,
        types: &BTreeMap<usize, u32>,
        values: Option<Vec<ScalarValue>>,
    ) -> Result<Planned, SqlError> {
        let share = self.governor.admit()?;
        let mut state = self.state();
        let mut statement = ast::Statement::Query(query);
        pgcatalog::mark_rows(&state, &mut statement);
        let found = params::prepare(&mut statement, types)?;
        if let Some(values) = &values {
            params::bound(&found, values.len(), &self.sql)?;
        }
        arguments::write(&mut statement, values.as_deref());
        missing::register(&mut state, &statement);
        if let Some(merging) = joins::merging(&mut statement) {
            state.register_relation_planner(Arc::new(merging)).map_err(|error| self.error(&error))?;
        }
        let wanted = DfStatement::Statement(Box::new(statement));
        let plan = state.statement_to_plan(wanted).await.map_err(|error| self.error(&error));
        // As in PostgreSQL, a name or a type that is wrong goes before a parameter without a type.
        if values.is_none() && !matches!(&plan, Err(error) if error.sqlstate.starts_with("42")) {
            params::determined(&found, types)?;
        }
        let plan = plan?;
        let only_reads = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
        only_reads.verify_plan(&plan).map_err(|_| super::super::front_door::read_only("this statement"))?;
        let zone = state.config_options().execution.time_zone.as_deref();
        let plan = moments::in_zone(zone, plan).map_err(|error| self.error(&error))?;
        let plan = typing::types_of_postgresql(&state, plan).map_err(|error| self.error(&error))?;
        let plan = averages::as_quotients(plan).map_err(|error| self.error(&error))?;
        let lists = lists::elements(&plan).map_err(|error| self.error(&error))?;
        // EXISTS as a value may look outside in conditions that only `finish` can make joins of.
        let plan = exists_as_values(plan).and_then(not_in::as_not_exists).map_err(|error| self.error(&error))?;
        let plan = pgcatalog::plan::finish(&state, plan).map_err(|error| self.error(&error))?;
        let plan = in_as_marks(plan).map_err(|error| self.error(&error))?;
        let params = params::resolve(&found, types, &lists, &plan).map_err(|error| self.error(&error))?;
        let plan = if params.is_empty() {
            plan
        } else {
            let values = match values {
                Some(values) => values,
                None => params.iter().map(ParamType::null).collect::<Result<_, _>>()?,
            };
            plan.with_param_values(ParamValues::from(values))
                .and_then(typing::exact_parameters)
                .map_err(|error| self.error(&error))?
        };
        let plan = printed::with_digits(&state, plan).map_err(|error| self.error(&error))?;
        let plan = distinct::by_keys(plan).map_err(|error| self.error(&error))?;
        if spreads_set(&plan) {
            state.config_mut().options_mut().optimizer.enable_round_robin_repartition = false;
        }
        let plan = bounds::bounded(plan, &share).map_err(|error| self.error(&error))?;
        Ok(Planned { state, plan, params, share })
    }
}

/// Whether a plan reads a set that a function makes. Its rows come in order, which they lose where they are spread over partitions.
fn spreads_set(plan: &LogicalPlan) -> bool {
    let found = plan.exists(|node| {
        Ok(match node {
            LogicalPlan::Unnest(_) => true,
            LogicalPlan::TableScan(scan) => scan.table_name.table().ends_with("()"),
            _ => false,
        })
    });
    found.unwrap_or(false)
}

/// The planner knows EXISTS only as a condition. Where it is a value, it becomes `(SELECT count(*) > 0 FROM ...)`.
fn exists_as_values(plan: LogicalPlan) -> Result<LogicalPlan, DataFusionError> {
    plan.transform_up_with_subqueries(|node| {
        if matches!(node, LogicalPlan::Filter(_) | LogicalPlan::Join(_)) {
            return Ok(Transformed::no(node));
        }
        let names = NamePreserver::new(&node);
        let mapped = node.map_expressions(|expr| {
            let name = names.save(&expr);
            let replaced = expr.transform_up(|expr| match expr {
                Expr::Exists(exists) => Ok(Transformed::yes(exists_value(exists)?)),
                other => Ok(Transformed::no(other)),
            })?;
            Ok(replaced.update_data(|expr| name.restore(expr)))
        })?;
        if mapped.transformed { mapped.map_data(LogicalPlan::recompute_schema) } else { Ok(mapped) }
    })
    .map(|transformed| transformed.data)
}

/// The planner knows IN (SELECT ...) only as a condition, too. In a select list and in ORDER BY it becomes a join that marks the
/// rows which have a partner. What refers to the query around it is left to fail.
fn in_as_marks(plan: LogicalPlan) -> Result<LogicalPlan, DataFusionError> {
    let mut number = 0usize;
    plan.transform_up_with_subqueries(|node| {
        let before = number;
        match &node {
            LogicalPlan::Projection(projection) => {
                let mut input = projection.input.as_ref().clone();
                let mut columns = Vec::with_capacity(projection.expr.len());
                for expr in &projection.expr {
                    let name = expr.schema_name().to_string();
                    let marked = marked(expr, &mut input, &mut number)?;
                    let is_named = !marked.transformed || matches!(marked.data, Expr::Alias(_));
                    columns.push(if is_named { marked.data } else { marked.data.alias(name) });
                }
                if number == before {
                    return Ok(Transformed::no(node));
                }
                LogicalPlanBuilder::from(input).project(columns)?.build().map(Transformed::yes)
            }
            LogicalPlan::Sort(sort) => {
                let mut input = sort.input.as_ref().clone();
                let mut keys = Vec::with_capacity(sort.expr.len());
                for key in &sort.expr {
                    keys.push(key.with_expr(marked(&key.expr, &mut input, &mut number)?.data));
                }
                if number == before {
                    return Ok(Transformed::no(node));
                }
                let columns = sort.input.schema().columns().into_iter().map(Expr::Column);
                let sorted = LogicalPlanBuilder::from(input).sort_with_limit(keys, sort.fetch)?;
                sorted.project(columns)?.build().map(Transformed::yes)
            }
            _ => Ok(Transformed::no(node)),
        }
    })
    .map(|transformed| transformed.data)
}

/// An expression whose every IN (SELECT ...) is a mark of a join, which is put around `input`.
fn marked(expr: &Expr, input: &mut LogicalPlan, number: &mut usize) -> Result<Transformed<Expr>, DataFusionError> {
    expr.clone().transform_up(|part| match part {
        Expr::InSubquery(within) if within.subquery.outer_ref_columns.is_empty() => {
            let alias = format!("__in_{number}");
            *number = number.saturating_add(1);
            let unknown = unknown(&within, input)?;
            let right = LogicalPlanBuilder::from(Arc::unwrap_or_clone(within.subquery.subquery));
            let right = right.alias(alias.as_str())?.build()?;
            let Some(column) = right.schema().columns().into_iter().next() else {
                return Err(DataFusionError::Plan("a subquery has no column".to_owned()));
            };
            let condition = Expr::eq(*within.expr, Expr::Column(column));
            let joined = LogicalPlanBuilder::from(input.clone()).join_on(right, JoinType::LeftMark, [condition])?;
            *input = joined.build()?;
            let mark = Expr::Column(Column::new(Some(alias), "mark"));
            let found = match unknown {
                Some(unknown) => {
                    when(mark, lit(true)).when(unknown, lit(ScalarValue::Boolean(None))).otherwise(lit(false))?
                }
                None => mark,
            };
            Ok(Transformed::yes(if within.negated { !found } else { found }))
        }
        other => Ok(Transformed::no(other)),
    })
}

/// When it is not known whether a value that was not found is among those of a subquery: it is NULL itself and there are any, or one
/// of them is NULL. `None` where that cannot be.
fn unknown(within: &InSubquery, input: &LogicalPlan) -> Result<Option<Expr>, DataFusionError> {
    let rows = within.subquery.subquery.as_ref();
    let any = |plan: LogicalPlan| {
        let subquery = Subquery { subquery: Arc::new(plan), ..within.subquery.clone() };
        exists_value(Exists { subquery, negated: false })
    };
    let mut unknown = None;
    if let Some((qualifier, field)) = rows.schema().iter().next().filter(|(_, field)| field.is_nullable()) {
        let is_null = Expr::from((qualifier, field)).is_null();
        unknown = Some(any(LogicalPlanBuilder::from(rows.clone()).filter(is_null)?.build()?)?);
    }
    if within.expr.nullable(input.schema())? {
        let is_null = within.expr.as_ref().clone().is_null().and(any(rows.clone())?);
        unknown = Some(match unknown {
            Some(other) => other.or(is_null),
            None => is_null,
        });
    }
    Ok(unknown)
}

/// The name of the count inside of a rewritten EXISTS.
const FOUND: &str = "\u{1}found";

fn exists_value(exists: Exists) -> Result<Expr, DataFusionError> {
    let Exists { subquery, negated } = exists;
    let mut inner = LogicalPlanBuilder::from(subquery.subquery);
    if subquery.outer_ref_columns.is_empty() {
        inner = inner.limit(0, Some(1))?;
    }
    // A name that no table has.
    let counted = inner.aggregate(Vec::<Expr>::new(), vec![count(lit(1i64)).alias(FOUND)])?;
    let n = Expr::Column(Column::new_unqualified(FOUND));
    let found = if negated { n.eq(lit(0i64)) } else { n.gt(lit(0i64)) };
    let plan = counted.project(vec![found.alias("exists")])?.build()?;
    Ok(Expr::ScalarSubquery(Subquery {
        subquery: Arc::new(plan),
        outer_ref_columns: subquery.outer_ref_columns,
        spans: subquery.spans,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn in_a_subquery_is_a_value_in_order_by() {
        let context = SessionContext::new();
        let sql = "SELECT v FROM (VALUES (1), (2), (3)) t(v) \
                   ORDER BY CASE WHEN v IN (SELECT column1 FROM (VALUES (2))) THEN 0 ELSE 1 END, v";
        let plan = context.state().create_logical_plan(sql).await.unwrap();
        let plan = in_as_marks(plan).unwrap();
        let batches = context.execute_logical_plan(plan).await.unwrap().collect().await.unwrap();
        let text = datafusion::arrow::util::pretty::pretty_format_batches(&batches).unwrap().to_string();
        let values: String = text.chars().filter(char::is_ascii_digit).collect();
        assert_eq!(values, "213");
    }
}
