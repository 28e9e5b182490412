//! How much planning a query is: PostgreSQL's limits, which the planner does not have, and two of our own. The planner's work grows with the cube of the tables that one SELECT joins, and it takes
//! the text of a WITH query anew wherever that is named, so that thirty short ones can stand for a billion tables.

use std::collections::HashMap;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{Expr, GroupByExpr, Query, Select, TableFactor, Visit, Visitor};

use super::super::error::{SqlError, too_complex};

/// Tables and subqueries of one SELECT. Sixty-four take half a second to plan.
const MAX_TABLES: usize = 64;
/// Tables of a statement, those in WITH queries as often as they are named.
const MAX_ALL_TABLES: usize = 500;

/// PostgreSQL's limits of a select list, of CUBE and of what GROUP BY makes of it.
const MAX_COLUMNS: usize = 1_664;
const MAX_CUBE: usize = 12;
const MAX_GROUPING_SETS: usize = 4_096;

/// 54001 for a query that would take too long to plan.
pub(super) fn check(node: &impl Visit) -> Result<(), SqlError> {
    match node.visit(&mut Size::default()) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

#[derive(Default)]
struct Size {
    /// Tables of each query that is being read, the outermost first.
    queries: Vec<usize>,
    /// Tables and subqueries of each SELECT that is being read.
    selects: Vec<usize>,
    /// The names of WITH queries that are not read yet, by where they are.
    names: HashMap<*const Query, String>,
    /// The tables of WITH queries that are. Of one name, the largest counts.
    with: HashMap<String, usize>,
}

impl Size {
    fn add(&mut self, tables: usize) -> ControlFlow<SqlError> {
        if let Some(all) = self.queries.last_mut() {
            *all = all.saturating_add(tables);
            if *all > MAX_ALL_TABLES {
                return ControlFlow::Break(too_complex(format!(
                    "It names more than {MAX_ALL_TABLES} tables, those of WITH queries as often as they are named."
                )));
            }
        }
        ControlFlow::Continue(())
    }

    fn join(&mut self) -> ControlFlow<SqlError> {
        if let Some(joined) = self.selects.last_mut() {
            *joined += 1;
            if *joined > MAX_TABLES {
                let text = format!("One SELECT has more than {MAX_TABLES} tables and subqueries.");
                return ControlFlow::Break(too_complex(text));
            }
        }
        ControlFlow::Continue(())
    }
}

/// The grouping sets of a SELECT, within PostgreSQL's limits.
fn grouping_sets(select: &Select) -> Result<usize, SqlError> {
    let GroupByExpr::Expressions(keys, _) = &select.group_by else { return Ok(1) };
    keys.iter().try_fold(1usize, |sets, key| {
        let own = match key {
            Expr::Cube(parts) if parts.len() > MAX_CUBE => {
                return Err(SqlError::new("54011", format!("CUBE is limited to {MAX_CUBE} elements")));
            }
            Expr::Cube(parts) => 1 << parts.len(),
            Expr::Rollup(parts) => parts.len() + 1,
            Expr::GroupingSets(sets) => sets.len(),
            _ => 1,
        };
        let sets = sets.saturating_mul(own);
        if sets > MAX_GROUPING_SETS {
            let text = format!("too many grouping sets present (maximum {MAX_GROUPING_SETS})");
            return Err(SqlError::new("54001", text));
        }
        Ok(sets)
    })
}

impl Visitor for Size {
    type Break = SqlError;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<SqlError> {
        self.queries.push(0);
        for cte in query.with.iter().flat_map(|with| &with.cte_tables) {
            self.names.insert(std::ptr::from_ref(cte.query.as_ref()), cte.alias.name.value.to_lowercase());
        }
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<SqlError> {
        let tables = self.queries.pop().unwrap_or_default();
        match self.names.remove(&std::ptr::from_ref(query)) {
            Some(name) => {
                let known = self.with.entry(name).or_default();
                *known = (*known).max(tables);
                ControlFlow::Continue(())
            }
            None => self.add(tables),
        }
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<SqlError> {
        self.selects.push(0);
        if select.projection.len() > MAX_COLUMNS {
            let text = format!("target lists can have at most {MAX_COLUMNS} entries");
            return ControlFlow::Break(SqlError::new("54011", text));
        }
        if let Err(error) = grouping_sets(select) {
            return ControlFlow::Break(error);
        }
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, _: &Select) -> ControlFlow<SqlError> {
        self.selects.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<SqlError> {
        self.join()?;
        let named = match factor {
            TableFactor::Table { name, .. } => match name.0.as_slice() {
                [part] => part.as_ident().and_then(|ident| self.with.get(&ident.value.to_lowercase())),
                _ => None,
            },
            _ => None,
        };
        self.add(named.copied().unwrap_or_default().max(1))
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<SqlError> {
        match expr {
            Expr::Subquery(_) | Expr::Exists { .. } | Expr::InSubquery { .. } => self.join(),
            _ => ControlFlow::Continue(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Command, parse};

    fn code(sql: &str) -> &'static str {
        match parse(sql) {
            Err(error) => error.sqlstate,
            Ok(statements) => match &statements[0].command {
                Command::Refused { error, .. } => error.sqlstate,
                _ => "ok",
            },
        }
    }

    #[test]
    fn a_select_joins_so_many_tables_and_no_more() {
        let joins = |n: usize| format!("select 1 from t t0{}", " join t on true".repeat(n));
        assert_eq!((code(&joins(63)), code(&joins(64))), ("ok", "54001"));
        let commas = |n: usize| format!("select 1 from t{}", ", (select 1) s".repeat(n));
        assert_eq!((code(&commas(63)), code(&commas(64))), ("ok", "54001"));
        let subqueries = |n: usize| format!("select 1{}", ", (select 1 from t)".repeat(n));
        assert_eq!((code(&subqueries(64)), code(&subqueries(65))), ("ok", "54001"));
        // Each SELECT has its own.
        assert_eq!(code(&vec![joins(40); 10].join(" union all ")), "ok");
        assert_eq!(code(&vec![joins(40); 20].join(" union all ")), "54001");
    }

    #[test]
    fn columns_and_grouping_sets_have_postgresqls_limits() {
        let columns = |n: usize| format!("select {}", vec!["1"; n].join(", "));
        assert_eq!((code(&columns(1_664)), code(&columns(1_665))), ("ok", "54011"));
        let list = |n: usize| (0..n).map(|i| format!("c{i}")).collect::<Vec<_>>().join(", ");
        let cube = |n: usize| format!("select 1 from t group by cube ({})", list(n));
        assert_eq!((code(&cube(12)), code(&cube(13)), code(&cube(40))), ("ok", "54011", "54011"));
        let product = |n: usize| format!("select 1 from t group by {}", vec!["rollup (a, b, c)"; n].join(", "));
        assert_eq!((code(&product(6)), code(&product(7))), ("ok", "54001"));
    }

    #[test]
    fn with_queries_count_as_often_as_they_are_named() {
        let doubled = |n: usize| {
            let more: Vec<String> =
                (1..n).map(|i| format!("c{i} as (select 1 from c{} a, C{} b)", i - 1, i - 1)).collect();
            format!("with c0 as (select 1 from t), {} select 1 from c{}", more.join(", "), n - 1)
        };
        assert_eq!((code(&doubled(9)), code(&doubled(30)), code(&doubled(400))), ("ok", "54001", "54001"));
        // A small one of the same name inside does not hide a large one.
        let hidden = "with c as (select 1 from t, t a, t b, t d, t e, t f, t g, t h, t i, t j),
            s as (with c as (select 1) select 1 from c) select 1 from c";
        let many = ", c".repeat(60);
        assert_eq!((code(hidden), code(&format!("{hidden}{many}"))), ("ok", "54001"));
        // One after another, as dbt writes them.
        let chain: Vec<String> = (1..100).map(|i| format!("c{i} as (select * from c{})", i - 1)).collect();
        assert_eq!(code(&format!("with c0 as (select 1 from t), {} select 1 from c99", chain.join(", "))), "ok");
    }
}
