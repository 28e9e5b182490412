//! What has to be done on the plan of a statement: subqueries that look outside, and identifiers printed by name.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::catalog::cte_worktable::CteWorkTable;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, JoinType, NullEquality, Result, metadata::FieldMetadata};
use datafusion::datasource::provider_as_source;
use datafusion::execution::registry::FunctionRegistry;
use datafusion::functions::expr_fn::{coalesce, r#struct};
use datafusion::functions_window::expr_fn::row_number;
use datafusion::logical_expr::expr::{ScalarFunction, Sort as SortExpr};
use datafusion::logical_expr::{
    Aggregate, Cast, Distinct, DistinctOn, Expr, ExprFunctionExt as _, Join, Limit, LogicalPlan, LogicalPlanBuilder,
    RecursiveQuery, Subquery, TableSource, lit,
};

use super::counts::{by_equalities, counts, keeps_one_row, known_without_rows, null_without_rows};
use super::functions::{SINGLE_VALUE, array_output_function, output_function};
use super::types;

/// Finishes the plan of a statement, before it is optimised:
///
/// - a scalar subquery that refers to the query around it becomes a join, whatever its shape and conditions;
/// - columns of the result that are `regclass`, `regproc`, ... become pairs of their numbers, which are sent in binary, and
///   their names, which are sent as text; they are still marked with their type.
///
/// # Errors
/// When a plan cannot be rebuilt, which the statement's author cannot cause.
pub fn finish(registry: &dyn FunctionRegistry, plan: LogicalPlan) -> Result<LogicalPlan> {
    let plan = decorrelate(registry, plan)?;
    present(registry, plan)
}

fn present(registry: &dyn FunctionRegistry, plan: LogicalPlan) -> Result<LogicalPlan> {
    let output = |field: &datafusion::arrow::datatypes::Field| {
        let pg_type = types::name_of(field);
        let output = match field.data_type() {
            DataType::Int32 => output_function(&pg_type),
            DataType::List(_) => array_output_function(&pg_type),
            _ => None,
        };
        output.map(|output| (pg_type, output))
    };
    let relational = !matches!(
        plan,
        LogicalPlan::Explain(_)
            | LogicalPlan::Analyze(_)
            | LogicalPlan::Ddl(_)
            | LogicalPlan::Dml(_)
            | LogicalPlan::Statement(_)
    );
    if !relational || !plan.schema().fields().iter().any(|field| output(field).is_some()) {
        return Ok(plan);
    }
    let columns = plan
        .schema()
        .iter()
        .map(|(qualifier, field)| {
            let column = Expr::Column(Column::new(qualifier.cloned(), field.name()));
            let Some((pg_type, output)) = output(field) else { return Ok(column) };
            let printed = ScalarFunction::new_udf(registry.udf(output)?, vec![column.clone()]);
            let both = r#struct(vec![column, Expr::ScalarFunction(printed)]);
            let mut metadata = HashMap::from([(types::TYPE_KEY.to_owned(), pg_type)]);
            metadata.extend(
                field.metadata().get_key_value(types::LOWER_KEY).map(|(key, lower)| (key.clone(), lower.clone())),
            );
            Ok(both.alias_qualified_with_metadata(
                qualifier.cloned(),
                field.name(),
                Some(FieldMetadata::from(metadata)),
            ))
        })
        .collect::<Result<Vec<_>>>()?;
    LogicalPlanBuilder::from(plan).project(columns)?.build()
}

/// Joins correlated scalar subqueries in, outermost first: then the rows around an inner one no longer depend on anything outside.
fn decorrelate(registry: &dyn FunctionRegistry, plan: LogicalPlan) -> Result<LogicalPlan> {
    let mut counter = 0_usize;
    let plan = plan.transform_down_with_subqueries(|node| {
        let input = match &node {
            LogicalPlan::Projection(projection) => Arc::clone(&projection.input),
            LogicalPlan::Filter(filter) => Arc::clone(&filter.input),
            LogicalPlan::Aggregate(aggregate) => Arc::clone(&aggregate.input),
            LogicalPlan::Distinct(Distinct::On(on)) => {
                return Ok(below_distinct(on, &mut counter)?.map_or_else(|| Transformed::no(node), Transformed::yes));
            }
            LogicalPlan::Join(join) => {
                let plan = lateral(join, counter)?;
                counter = counter.saturating_add(1);
                return Ok(plan.map_or_else(|| Transformed::no(node), Transformed::yes));
            }
            _ => return Ok(Transformed::no(node)),
        };
        let mut joined = input.as_ref().clone();
        let mut changed = false;
        let mut replace = |expr: Expr| -> Result<Expr> {
            let rewritten = expr.transform_up(|inner| {
                let Expr::ScalarSubquery(subquery) = &inner else { return Ok(Transformed::no(inner)) };
                match join_in(registry, &joined, &input, subquery, counter)? {
                    Some((plan, value)) => {
                        joined = plan;
                        counter = counter.saturating_add(1);
                        changed = true;
                        Ok(Transformed::yes(value))
                    }
                    None => Ok(Transformed::no(inner)),
                }
            })?;
            Ok(rewritten.data)
        };
        // An output column keeps its name, and its table when it is a plain column.
        let mut replace_all = |list: &[Expr]| -> Result<Vec<Expr>> {
            list.iter()
                .map(|expr| {
                    let name = expr.schema_name().to_string();
                    let new = replace(expr.clone())?;
                    Ok(if new == *expr || matches!(expr, Expr::Alias(_)) { new } else { new.alias(name) })
                })
                .collect()
        };
        match node {
            LogicalPlan::Aggregate(aggregate) => {
                let (groups, values) = (replace_all(&aggregate.group_expr)?, replace_all(&aggregate.aggr_expr)?);
                if !changed {
                    return Ok(Transformed::no(LogicalPlan::Aggregate(aggregate)));
                }
                Ok(Transformed::yes(LogicalPlanBuilder::from(joined).aggregate(groups, values)?.build()?))
            }
            LogicalPlan::Projection(projection) => {
                let expressions = replace_all(&projection.expr)?;
                if !changed {
                    return Ok(Transformed::no(LogicalPlan::Projection(projection)));
                }
                Ok(Transformed::yes(LogicalPlanBuilder::from(joined).project(expressions)?.build()?))
            }
            LogicalPlan::Filter(filter) => {
                let predicate = replace(filter.predicate.clone())?;
                if !changed {
                    return Ok(Transformed::no(LogicalPlan::Filter(filter)));
                }
                let columns = input.schema().columns().into_iter().map(Expr::Column);
                Ok(Transformed::yes(LogicalPlanBuilder::from(joined).filter(predicate)?.project(columns)?.build()?))
            }
            other => Ok(Transformed::no(other)),
        }
    })?;
    Ok(plan.data)
}

/// Subqueries in the select list of a DISTINCT ON, moved to a projection below it, where they can be joined in.
fn below_distinct(on: &DistinctOn, counter: &mut usize) -> Result<Option<LogicalPlan>> {
    let mut below: Vec<Expr> = on.input.schema().columns().into_iter().map(Expr::Column).collect();
    let own = below.len();
    let mut above = Vec::with_capacity(on.select_expr.len());
    for expr in &on.select_expr {
        let replaced = expr.clone().transform_down(|part| {
            if !matches!(part, Expr::ScalarSubquery(_) | Expr::Exists(_) | Expr::InSubquery(_)) {
                return Ok(Transformed::no(part));
            }
            let name = format!("__below_{counter}");
            *counter = counter.saturating_add(1);
            below.push(part.alias(&name));
            Ok(Transformed::new(Expr::Column(Column::new_unqualified(name)), true, TreeNodeRecursion::Jump))
        })?;
        let named = !replaced.transformed || matches!(expr, Expr::Alias(_));
        above.push(if named { replaced.data } else { replaced.data.alias(expr.schema_name().to_string()) });
    }
    if below.len() == own {
        return Ok(None);
    }
    let input = LogicalPlanBuilder::from(on.input.as_ref().clone()).project(below)?.build()?;
    let on = DistinctOn::try_new(on.on_expr.clone(), above, on.sort_expr.clone(), Arc::new(input))?;
    Ok(Some(LogicalPlan::Distinct(Distinct::On(on))))
}

/// A lateral subquery on the right of a join, joined as one that is evaluated once per combination of the columns it uses.
fn lateral(join: &Join, number: usize) -> Result<Option<LogicalPlan>> {
    let (subquery, alias) = match join.right.as_ref() {
        LogicalPlan::Subquery(subquery) => (subquery, None),
        LogicalPlan::SubqueryAlias(alias) => match alias.input.as_ref() {
            LogicalPlan::Subquery(subquery) => (subquery, Some(alias.alias.clone())),
            _ => return Ok(None),
        },
        _ => return Ok(None),
    };
    let plan = subquery.subquery.as_ref();
    let used = outer_columns(plan, &join.left)?;
    if used.is_empty() || !matches!(join.join_type, JoinType::Inner | JoinType::Left) {
        return Ok(None);
    }
    let domain: Domain = used
        .iter()
        .enumerate()
        .map(|(index, column)| (column.clone(), Column::new_unqualified(format!("__lateral_{number}_{index}"))))
        .collect();
    let combinations = LogicalPlanBuilder::from(join.left.as_ref().clone())
        .project(domain.iter().map(|(from, to)| Expr::Column(from.clone()).alias(&to.name)))?
        .distinct()?
        .build()?;
    let Some((mut right, mut carried)) = attach(plan, &combinations, &domain)? else { return Ok(None) };
    if let Some(alias) = alias {
        right = LogicalPlanBuilder::from(right).alias(alias.clone())?.build()?;
        carried = carried.into_iter().map(|(from, to)| (from, Column::new(Some(alias.clone()), to.name))).collect();
    }
    let wanted: Vec<Expr> = join.schema.columns().into_iter().map(Expr::Column).collect();
    let (left, keys): (Vec<Column>, Vec<Column>) = carried.into_iter().unzip();
    let joined = LogicalPlanBuilder::from(join.left.as_ref().clone())
        .join_detailed(right, join.join_type, (left, keys), join.filter.clone(), NullEquality::NullEqualsNull)?
        .project(wanted)?
        .build()?;
    Ok(Some(joined))
}

/// The columns of the outer query, and what they are called in the plan under construction.
pub(super) type Domain = Vec<(Column, Column)>;

/// Joins one correlated subquery to `joined`, which holds the outer query's rows (`outer`) and subqueries joined before. Returns the
/// plan and the expression of the subquery's value; `None` when the subquery is not correlated or is left to the planner.
///
/// The subquery is evaluated once per distinct combination of the outer columns it uses: those combinations are joined into its
/// FROM, carried through its projections and groupings, and matched to the outer rows again (the general unnesting of Neumann and
/// Kemper). No condition needs to be an equality, and the subquery may use outer columns anywhere.
fn join_in(
    registry: &dyn FunctionRegistry,
    joined: &LogicalPlan,
    outer: &LogicalPlan,
    subquery: &Subquery,
    number: usize,
) -> Result<Option<(LogicalPlan, Expr)>> {
    let plan = subquery.subquery.as_ref();
    let used = outer_columns(plan, outer)?;
    if used.is_empty() || plan.schema().fields().len() != 1 {
        return Ok(None);
    }
    let aggregated = match top_aggregate(plan) {
        Some(aggregate) if !aggregate.group_expr.is_empty() => false,
        // The value of a count without rows is 0, which a join cannot tell: where the conditions allow it, the planner does.
        Some(aggregate)
            if !aggregate.aggr_expr.iter().all(null_without_rows)
                && (by_equalities(plan)? || !aggregate.aggr_expr.iter().all(known_without_rows)) =>
        {
            return Ok(None);
        }
        Some(_) => true,
        None => false,
    };
    let domain: Domain = used
        .iter()
        .enumerate()
        .map(|(index, column)| (column.clone(), Column::new_unqualified(format!("__outer_{number}_{index}"))))
        .collect();
    let combinations = LogicalPlanBuilder::from(outer.clone())
        .project(domain.iter().map(|(from, to)| Expr::Column(from.clone()).alias(&to.name)))?
        .distinct()?
        .build()?;
    let Some((mut plan, mut carried)) = attach(plan, &combinations, &domain)? else { return Ok(None) };
    let value_name = format!("__value_{number}");
    // The first column is the value; the carried ones follow it.
    let Some(value) = plan.schema().columns().into_iter().find(|column| !carried.iter().any(|(_, to)| to == column))
    else {
        return Ok(None);
    };
    let mut value = Expr::Column(value);
    if !aggregated {
        let single = registry.udaf(SINGLE_VALUE)?.call(vec![value]);
        let groups: Vec<Expr> = carried.iter().map(|(_, to)| Expr::Column(to.clone())).collect();
        let name = single.schema_name().to_string();
        plan = LogicalPlanBuilder::from(plan).aggregate(groups, vec![single])?.build()?;
        value = Expr::Column(Column::new_unqualified(name));
    }
    let mut columns = vec![value.alias(&value_name)];
    for (index, (_, to)) in carried.iter_mut().enumerate() {
        let name = format!("__match_{number}_{index}");
        columns.push(Expr::Column(to.clone()).alias(&name));
        *to = Column::new_unqualified(name);
    }
    let plan = LogicalPlanBuilder::from(plan).project(columns)?.build()?;
    let (left, right): (Vec<Column>, Vec<Column>) = carried.into_iter().unzip();
    let joined = LogicalPlanBuilder::from(joined.clone())
        .join_detailed(plan, JoinType::Left, (left, right), None, NullEquality::NullEqualsNull)?
        .build()?;
    Ok(Some((joined, Expr::Column(Column::new_unqualified(value_name)))))
}

/// The outer columns a plan uses that are columns of `outer`.
fn outer_columns(plan: &LogicalPlan, outer: &LogicalPlan) -> Result<Vec<Column>> {
    let mut found: Vec<Column> = Vec::new();
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            expr.apply(|part| {
                if let Expr::OuterReferenceColumn(_, column) = part
                    && outer.schema().has_column(column)
                    && !found.contains(column)
                {
                    found.push(column.clone());
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    Ok(found)
}

pub(super) fn top_aggregate(plan: &LogicalPlan) -> Option<&Aggregate> {
    match plan {
        LogicalPlan::Aggregate(aggregate) => Some(aggregate),
        LogicalPlan::Projection(projection) => top_aggregate(&projection.input),
        LogicalPlan::SubqueryAlias(alias) => top_aggregate(&alias.input),
        LogicalPlan::Sort(sort) => top_aggregate(&sort.input),
        LogicalPlan::Limit(limit) => top_aggregate(&limit.input),
        _ => None,
    }
}

/// An expression with outer columns replaced by what carries them now; subqueries in it refer to the carrier as theirs to look out to.
fn replace_outer(expr: &Expr, domain: &Domain) -> Result<Expr> {
    let carrier = |column: &Column| domain.iter().find(|(from, _)| from == column).map(|(_, to)| to.clone());
    let redirect = |part: Expr| {
        if let Expr::OuterReferenceColumn(field, column) = &part
            && let Some(to) = carrier(column)
        {
            return Ok(Transformed::yes(Expr::OuterReferenceColumn(Arc::clone(field), to)));
        }
        Ok(Transformed::no(part))
    };
    let inside = |subquery: &Subquery| -> Result<Subquery> {
        let plan = subquery.subquery.as_ref().clone();
        let plan =
            plan.transform_down_with_subqueries(|node| node.map_expressions(|expr| expr.transform_up(redirect)))?;
        let outer = subquery.outer_ref_columns.iter().map(|expr| Ok(expr.clone().transform_up(redirect)?.data));
        Ok(Subquery {
            subquery: Arc::new(plan.data),
            outer_ref_columns: outer.collect::<Result<Vec<_>>>()?,
            spans: subquery.spans.clone(),
        })
    };
    let replaced = expr.clone().transform_up(|part| {
        Ok(match part {
            Expr::OuterReferenceColumn(field, column) => match carrier(&column) {
                Some(to) => Transformed::yes(Expr::Column(to)),
                None => Transformed::no(Expr::OuterReferenceColumn(field, column)),
            },
            Expr::ScalarSubquery(subquery) => Transformed::yes(Expr::ScalarSubquery(inside(&subquery)?)),
            Expr::Exists(mut exists) => {
                exists.subquery = inside(&exists.subquery)?;
                Transformed::yes(Expr::Exists(exists))
            }
            Expr::InSubquery(mut within) => {
                within.subquery = inside(&within.subquery)?;
                Transformed::yes(Expr::InSubquery(within))
            }
            other => Transformed::no(other),
        })
    })?;
    Ok(replaced.data)
}

/// Joins the combinations of outer columns into the FROM of a plan and carries them to its top. Returns the plan and where the outer
/// columns are in it; `None` for a plan this cannot be done to.
fn attach(plan: &LogicalPlan, combinations: &LogicalPlan, domain: &Domain) -> Result<Option<(LogicalPlan, Domain)>> {
    let outer = domain;
    if !uses(plan, domain)? {
        let plan = match plan {
            LogicalPlan::EmptyRelation(empty) if empty.produce_one_row => combinations.clone(),
            other => LogicalPlanBuilder::from(other.clone()).cross_join(combinations.clone())?.build()?,
        };
        return Ok(Some((plan, domain.clone())));
    }
    let carried_columns = |domain: &Domain| domain.iter().map(|(_, to)| Expr::Column(to.clone())).collect::<Vec<_>>();
    Ok(Some(match plan {
        LogicalPlan::Projection(projection) => {
            let Some((input, domain)) = attach(&projection.input, combinations, domain)? else { return Ok(None) };
            let mut columns = Vec::new();
            for expr in &projection.expr {
                let replaced = replace_outer(expr, &domain)?;
                let name = expr.schema_name().to_string();
                columns.push(if replaced == *expr || matches!(expr, Expr::Alias(_)) {
                    replaced
                } else {
                    replaced.alias(name)
                });
            }
            columns.extend(carried_columns(&domain));
            (LogicalPlanBuilder::from(input).project(columns)?.build()?, domain)
        }
        LogicalPlan::Filter(filter) => {
            let Some((input, domain)) = attach(&filter.input, combinations, domain)? else { return Ok(None) };
            let predicate = replace_outer(&filter.predicate, &domain)?;
            (LogicalPlanBuilder::from(input).filter(predicate)?.build()?, domain)
        }
        LogicalPlan::Aggregate(aggregate) => {
            let Some((input, domain)) = attach(&aggregate.input, combinations, domain)? else { return Ok(None) };
            let rebuild = |list: &[Expr]| -> Result<Vec<Expr>> {
                list.iter()
                    .map(|expr| {
                        let replaced = replace_outer(expr, &domain)?;
                        let name = expr.schema_name().to_string();
                        Ok(if replaced == *expr { replaced } else { replaced.alias(name) })
                    })
                    .collect()
            };
            let mut groups = rebuild(&aggregate.group_expr)?;
            groups.extend(carried_columns(&domain));
            let values = rebuild(&aggregate.aggr_expr)?;
            let plan = LogicalPlanBuilder::from(input).aggregate(groups, values)?.build()?;
            if aggregate.group_expr.is_empty() {
                return every_combination(aggregate, plan, combinations, outer, &domain).map(Some);
            }
            (plan, domain)
        }
        LogicalPlan::Sort(sort) if sort.fetch.is_none() => {
            // The order of a subquery that is a value, or is aggregated with an order of its own, changes nothing.
            return attach(&sort.input, combinations, domain);
        }
        LogicalPlan::Distinct(Distinct::All(input)) => {
            let Some((input, domain)) = attach(input, combinations, domain)? else { return Ok(None) };
            (LogicalPlanBuilder::from(input).distinct()?.build()?, domain)
        }
        LogicalPlan::SubqueryAlias(alias) => {
            let Some((input, domain)) = attach(&alias.input, combinations, domain)? else { return Ok(None) };
            let plan = LogicalPlanBuilder::from(input).alias(alias.alias.clone())?.build()?;
            let domain =
                domain.into_iter().map(|(from, to)| (from, Column::new(Some(alias.alias.clone()), to.name))).collect();
            (plan, domain)
        }
        LogicalPlan::Limit(limit) if keeps_one_row(limit)? => return attach(&limit.input, combinations, domain),
        LogicalPlan::Limit(limit) => return first_of_each(limit, combinations, domain),
        LogicalPlan::Subquery(subquery) => return attach(&subquery.subquery, combinations, domain),
        LogicalPlan::RecursiveQuery(query) if !uses(&query.recursive_term, domain)? => {
            let Some((start, carried)) = attach(&query.static_term, combinations, domain)? else { return Ok(None) };
            // The combinations travel with the rows from one round to the next.
            let own = query.static_term.schema().columns().into_iter().map(Expr::Column);
            let start = LogicalPlanBuilder::from(start).project(own.chain(carried_columns(&carried)))?.build()?;
            let table = CteWorkTable::new(&query.name, Arc::new(start.schema().as_arrow().clone()));
            let source = provider_as_source(Arc::new(table));
            let Some((next, found)) = carry(&query.recursive_term, &query.name, &source, &carried)? else {
                return Ok(None);
            };
            let own = query.recursive_term.schema().columns().into_iter().map(Expr::Column);
            let next = LogicalPlanBuilder::from(next).project(own.chain(carried_columns(&found)))?.build()?;
            let plan = RecursiveQuery::try_new(query.name.clone(), Arc::new(start), Arc::new(next), query.is_distinct)?;
            (LogicalPlan::RecursiveQuery(plan), carried)
        }
        LogicalPlan::Unnest(unnest) => {
            let Some((input, domain)) = attach(&unnest.input, combinations, domain)? else { return Ok(None) };
            let plan = LogicalPlanBuilder::from(input)
                .unnest_columns_with_options(unnest.exec_columns.clone(), unnest.options.clone())?
                .build()?;
            (plan, domain)
        }
        LogicalPlan::Join(join) if join.join_type == JoinType::Inner => {
            let (in_left, in_right) = (uses(&join.left, domain)?, uses(&join.right, domain)?);
            let (left, right, domain) = match (in_left, in_right) {
                (_, false) => {
                    let Some((left, domain)) = attach(&join.left, combinations, domain)? else { return Ok(None) };
                    (left, join.right.as_ref().clone(), domain)
                }
                (false, true) => {
                    let Some((right, domain)) = attach(&join.right, combinations, domain)? else { return Ok(None) };
                    (join.left.as_ref().clone(), right, domain)
                }
                (true, true) => return Ok(None),
            };
            let mut conditions = join.on.iter().map(|(a, b)| a.clone().eq(b.clone())).collect::<Vec<_>>();
            conditions.extend(join.filter.clone());
            let conditions = conditions.iter().map(|expr| replace_outer(expr, &domain)).collect::<Result<Vec<_>>>()?;
            (LogicalPlanBuilder::from(left).join_on(right, JoinType::Inner, conditions)?.build()?, domain)
        }
        _ => return Ok(None),
    }))
}

/// An aggregate without groups has a row also where it has no rows to aggregate: a combination that was in none gets one, in which
/// counts are 0 and the rest is NULL.
fn every_combination(
    aggregate: &Aggregate,
    grouped: LogicalPlan,
    combinations: &LogicalPlan,
    outer: &Domain,
    carried: &Domain,
) -> Result<(LogicalPlan, Domain)> {
    let values: Vec<Column> = grouped.schema().columns().into_iter().skip(carried.len()).collect();
    let found = |(_, to): &(Column, Column)| Column::new_unqualified(format!("__found{}", to.name));
    let keys: Vec<Column> = outer.iter().map(found).collect();
    let named = carried.iter().zip(&keys).map(|((_, to), key)| Expr::Column(to.clone()).alias(&key.name));
    let grouped =
        LogicalPlanBuilder::from(grouped).project(values.iter().cloned().map(Expr::Column).chain(named))?.build()?;
    let own: Vec<Column> = outer.iter().map(|(_, to)| to.clone()).collect();
    let values = values.into_iter().zip(&aggregate.aggr_expr).map(|(column, expr)| {
        if !counts(expr) {
            return Expr::Column(column);
        }
        let name = column.name.clone();
        coalesce(vec![Expr::Column(column), lit(0_i64)]).alias(name)
    });
    let columns: Vec<Expr> = values.chain(own.iter().cloned().map(Expr::Column)).collect();
    let plan = LogicalPlanBuilder::from(combinations.clone())
        .join_detailed(grouped, JoinType::Left, (own, keys), None, NullEquality::NullEqualsNull)?
        .project(columns)?
        .build()?;
    Ok((plan, outer.clone()))
}

/// A number of rows, which may be a parameter; NULL is none given.
fn number_of_rows(expr: &Expr) -> Expr {
    Expr::Cast(Cast::new(Box::new(expr.clone()), DataType::Int64))
}

/// ORDER BY and LIMIT of a subquery count for each combination of outer columns by itself: rows are numbered within them.
fn first_of_each(limit: &Limit, combinations: &LogicalPlan, domain: &Domain) -> Result<Option<(LogicalPlan, Domain)>> {
    // A column that only orders is taken off above the sort.
    let (projection, sort) = match limit.input.as_ref() {
        LogicalPlan::Sort(sort) => (None, Some(sort)),
        LogicalPlan::Projection(projection) => match projection.input.as_ref() {
            LogicalPlan::Sort(sort) => (Some(projection), Some(sort)),
            _ => (None, None),
        },
        _ => (None, None),
    };
    let input = sort.map_or(&limit.input, |sort| &sort.input);
    let Some((plan, domain)) = attach(input, combinations, domain)? else { return Ok(None) };
    let carried: Vec<Expr> = domain.iter().map(|(_, to)| Expr::Column(to.clone())).collect();
    let order = sort.into_iter().flat_map(|sort| &sort.expr).map(|key| {
        let expr = replace_outer(&key.expr, &domain)?;
        Ok(SortExpr { expr, ..key.clone() })
    });
    let order = order.collect::<Result<Vec<_>>>()?;
    let numbering = row_number().partition_by(carried.clone());
    // The frame of an order without keys has nothing to range over.
    let numbering = if order.is_empty() { numbering.build()? } else { numbering.order_by(order).build()? };
    let number = Expr::Column(Column::new_unqualified(numbering.schema_name().to_string()));
    let number = number_of_rows(&number);
    let skip = limit.skip.as_deref().map(number_of_rows).map(|skip| coalesce(vec![skip, lit(0_i64)]));
    let after = |number: Expr| match &skip {
        Some(skip) => number - skip.clone(),
        None => number,
    };
    let mut wanted = after(number.clone()).gt(lit(0_i64));
    if let Some(fetch) = &limit.fetch {
        let fetch = number_of_rows(fetch);
        wanted = wanted.and(after(number).lt_eq(fetch.clone()).or(fetch.is_null()));
    }
    let plan = LogicalPlanBuilder::from(plan).window(vec![numbering])?.filter(wanted)?;
    let own = match projection {
        Some(projection) => {
            projection.expr.iter().map(|expr| replace_outer(expr, &domain)).collect::<Result<Vec<_>>>()?
        }
        None => input.schema().columns().into_iter().map(Expr::Column).collect(),
    };
    Ok(Some((plan.project(own.into_iter().chain(carried))?.build()?, domain)))
}

/// Carries columns that a recursive query's own table now has from its scan to the top of a plan. Returns the plan and where they
/// are in it; `None` for a plan without such a scan, or one this cannot be done to.
fn carry(
    plan: &LogicalPlan,
    name: &str,
    source: &Arc<dyn TableSource>,
    columns: &Domain,
) -> Result<Option<(LogicalPlan, Domain)>> {
    let exprs = |domain: &Domain| domain.iter().map(|(_, to)| Expr::Column(to.clone())).collect::<Vec<_>>();
    Ok(Some(match plan {
        LogicalPlan::TableScan(scan) if scan.table_name.table() == name => {
            let table = scan.table_name.clone();
            let plan = LogicalPlanBuilder::scan(table.clone(), Arc::clone(source), None)?.build()?;
            let found =
                columns.iter().map(|(from, to)| (from.clone(), Column::new(Some(table.clone()), to.name.clone())));
            (plan, found.collect())
        }
        LogicalPlan::Projection(projection) => {
            let Some((input, found)) = carry(&projection.input, name, source, columns)? else { return Ok(None) };
            let list = projection.expr.iter().cloned().chain(exprs(&found));
            (LogicalPlanBuilder::from(input).project(list)?.build()?, found)
        }
        LogicalPlan::Filter(filter) => {
            let Some((input, found)) = carry(&filter.input, name, source, columns)? else { return Ok(None) };
            (LogicalPlanBuilder::from(input).filter(filter.predicate.clone())?.build()?, found)
        }
        LogicalPlan::SubqueryAlias(alias) => {
            let Some((input, found)) = carry(&alias.input, name, source, columns)? else { return Ok(None) };
            let plan = LogicalPlanBuilder::from(input).alias(alias.alias.clone())?.build()?;
            let renamed = |(from, to): (Column, Column)| (from, Column::new(Some(alias.alias.clone()), to.name));
            (plan, found.into_iter().map(renamed).collect())
        }
        LogicalPlan::Join(join) if join.join_type == JoinType::Inner => {
            let mut conditions = join.on.iter().map(|(a, b)| a.clone().eq(b.clone())).collect::<Vec<_>>();
            conditions.extend(join.filter.clone());
            let (left, right, found) = match carry(&join.left, name, source, columns)? {
                Some((left, found)) => (left, join.right.as_ref().clone(), found),
                None => match carry(&join.right, name, source, columns)? {
                    Some((right, found)) => (join.left.as_ref().clone(), right, found),
                    None => return Ok(None),
                },
            };
            (LogicalPlanBuilder::from(left).join_on(right, JoinType::Inner, conditions)?.build()?, found)
        }
        _ => return Ok(None),
    }))
}

/// Whether a plan uses any of the outer columns.
fn uses(plan: &LogicalPlan, domain: &Domain) -> Result<bool> {
    let mut found = false;
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            expr.apply(|part| {
                if let Expr::OuterReferenceColumn(_, column) = part {
                    found |= domain.iter().any(|(from, _)| from == column);
                }
                Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
            })
        })
    })?;
    Ok(found)
}
