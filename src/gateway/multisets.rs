//! `EXCEPT ALL` and `INTERSECT ALL`, which count equal rows: the planner's keep or drop them all. The n-th row of its kind is numbered
//! n on both sides, and the numbered rows are a set.

use datafusion::sql::sqlparser::ast::{
    Ident, Query, SelectItem, SetExpr, SetOperator, SetQuantifier, Statement, TableFactor,
};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::Parser;

use super::error::SqlError;
use super::outputs::columns;

/// Operations that may stand in each other: each is three queries in each other.
const MOST: usize = 10;

/// Rewrites the operations of a query's body.
pub(super) fn number_rows(body: &mut SetExpr) -> Result<(), SqlError> {
    rewrite(body).map(|_| ())
}

/// How many operations were rewritten.
fn rewrite(body: &mut SetExpr) -> Result<usize, SqlError> {
    let SetExpr::SetOperation { op, set_quantifier, left, right } = body else { return Ok(0) };
    let count = rewrite(left)?.saturating_add(rewrite(right)?);
    if *set_quantifier != SetQuantifier::All || !matches!(op, SetOperator::Except | SetOperator::Intersect) {
        return Ok(count);
    }
    if count >= MOST {
        return Err(SqlError::unsupported(format!(
            "more than {MOST} EXCEPT ALL and INTERSECT ALL of a query are not supported"
        )));
    }
    let op = *op;
    let names = columns(left).filter(|names| columns(right).is_some_and(|others| others.len() == names.len()));
    let names = names.ok_or_else(|| {
        SqlError::unsupported(format!("{op} ALL of columns that are not written out is not supported"))
            .with_hint("Name the columns instead of using *, or leave ALL out.")
    })?;
    let places: Vec<String> = (0..names.len()).map(|place| format!("c{place}")).collect();
    let places = places.join(", ");
    let numbered =
        format!("SELECT {places}, row_number() OVER (PARTITION BY {places}) AS n FROM (SELECT 1) AS side({places})");
    let (mut one, mut other) = (query(&numbered)?, query(&numbered)?);
    put_inside(&mut one, left)?;
    put_inside(&mut other, right)?;
    let mut whole = query(&format!("SELECT {places} FROM (SELECT 1 {op} SELECT 1) AS sides({places}, n)"))?;
    let inner = derived(&mut whole)?;
    if let SetExpr::SetOperation { left, right, .. } = inner.body.as_mut() {
        (*left, *right) = (one.body, other.body);
    }
    if let SetExpr::Select(select) = whole.body.as_mut() {
        for (item, name) in select.projection.iter_mut().zip(names) {
            if let SelectItem::UnnamedExpr(expr) = item {
                *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias: Ident::with_quote('"', name) };
            }
        }
    }
    *body = *whole.body;
    Ok(count.saturating_add(1))
}

/// A query of this module's own.
fn query(sql: &str) -> Result<Query, SqlError> {
    match Parser::parse_sql(&PostgreSqlDialect {}, sql).map(|mut statements| statements.pop()) {
        Ok(Some(Statement::Query(query))) => Ok(*query),
        _ => Err(SqlError::internal()),
    }
}

/// The subquery that a query reads.
fn derived(query: &mut Query) -> Result<&mut Query, SqlError> {
    let SetExpr::Select(select) = query.body.as_mut() else { return Err(SqlError::internal()) };
    match select.from.first_mut().map(|from| &mut from.relation) {
        Some(TableFactor::Derived { subquery, .. }) => Ok(subquery),
        _ => Err(SqlError::internal()),
    }
}

fn put_inside(numbered: &mut Query, side: &mut SetExpr) -> Result<(), SqlError> {
    std::mem::swap(derived(numbered)?.body.as_mut(), side);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_rows_are_numbered() {
        let mut wanted = query("SELECT a, b AS x FROM t EXCEPT ALL SELECT c, d FROM u").unwrap();
        number_rows(&mut wanted.body).unwrap();
        let text = wanted.to_string();
        assert!(text.starts_with("SELECT c0 AS \"a\", c1 AS \"x\" FROM (SELECT c0, c1, row_number() OVER"), "{text}");
        assert!(text.contains(" EXCEPT SELECT c0, c1, row_number()"), "{text}");
        let mut star = query("SELECT * FROM t INTERSECT ALL SELECT a FROM u").unwrap();
        assert_eq!(number_rows(&mut star.body).unwrap_err().sqlstate, "0A000");
    }
}
