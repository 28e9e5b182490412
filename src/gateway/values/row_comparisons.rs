//! Comparisons of rows that are written out, `(a, b) < (c, d)`, as PostgreSQL makes them: column by column, so that a NULL counts
//! as unknown. The planner compares structures, to which a NULL is a value.

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, UnaryOperator,
};

use super::super::pgcatalog::rewrite::folded;

/// The columns of a row that is written out.
fn columns(expr: &Expr) -> Option<Vec<Expr>> {
    match expr {
        Expr::Tuple(columns) => Some(columns.clone()),
        Expr::Nested(inner) => columns_of_nested(inner),
        Expr::Function(function) => {
            let [name] = function.name.0.as_slice() else { return None };
            let is_row = name.as_ident().is_some_and(|name| name.quote_style.is_none() && folded(name) == "row");
            let FunctionArguments::List(list) = &function.args else { return None };
            let plain = list.args.iter().map(|argument| match argument {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr.clone()),
                _ => None,
            });
            if is_row { plain.collect() } else { None }
        }
        _ => None,
    }
}

fn columns_of_nested(inner: &Expr) -> Option<Vec<Expr>> {
    matches!(inner, Expr::Tuple(_) | Expr::Function(_)).then(|| columns(inner)).flatten()
}

fn binary(left: Expr, op: BinaryOperator, right: Expr) -> Expr {
    Expr::BinaryOp { left: Box::new(left), op, right: Box::new(right) }
}

/// Rows with more columns are left to the planner: each one is a level of the tree.
const MOST: usize = 100;

/// Any of many conditions, as a tree that is not deeper than it has to be.
fn any(mut conditions: Vec<Expr>) -> Option<Expr> {
    if conditions.len() < 2 {
        return conditions.pop();
    }
    let rest = conditions.split_off(conditions.len() / 2);
    Some(nested(binary(any(conditions)?, BinaryOperator::Or, any(rest)?)))
}

fn nested(expr: Expr) -> Expr {
    Expr::Nested(Box::new(expr))
}

/// `op` of two rows with as many columns; `None` for operators that are not comparisons.
fn compared(left: &[Expr], op: &BinaryOperator, right: &[Expr]) -> Option<Expr> {
    let pairs = || left.iter().cloned().zip(right.iter().cloned());
    let all = |op: &BinaryOperator, with: BinaryOperator| {
        let each = pairs().map(|(left, right)| binary(left, op.clone(), right));
        each.reduce(|all, one| binary(all, with.clone(), one)).map(nested)
    };
    match op {
        BinaryOperator::Eq => all(op, BinaryOperator::And),
        BinaryOperator::NotEq => all(op, BinaryOperator::Or),
        BinaryOperator::Lt | BinaryOperator::LtEq | BinaryOperator::Gt | BinaryOperator::GtEq => {
            let strict = match op {
                BinaryOperator::Lt | BinaryOperator::LtEq => BinaryOperator::Lt,
                _ => BinaryOperator::Gt,
            };
            // The first columns that differ decide.
            let last = left.len().checked_sub(1)?;
            let mut found: Option<Expr> = None;
            for (index, (one, other)) in pairs().enumerate().collect::<Vec<_>>().into_iter().rev() {
                let op = if index == last { op.clone() } else { strict.clone() };
                let decides = binary(one.clone(), op, other.clone());
                found = Some(match found {
                    None => decides,
                    Some(rest) => {
                        let same = binary(binary(one, BinaryOperator::Eq, other), BinaryOperator::And, rest);
                        nested(binary(decides, BinaryOperator::Or, nested(same)))
                    }
                });
            }
            found
        }
        _ => None,
    }
}

/// The comparison of rows that an expression is, column by column; `None` for anything else.
pub(super) fn by_columns(expr: &Expr) -> Option<Expr> {
    match expr {
        Expr::BinaryOp { left, op, right } => {
            let (left, right) = (columns(left)?, columns(right)?);
            if left.len() == right.len() && left.len() <= MOST { compared(&left, op, &right) } else { None }
        }
        Expr::InList { expr, list, negated } => {
            let left = columns(expr).filter(|left| left.len() <= MOST)?;
            let each = list.iter().map(|row| {
                let row = columns(row).filter(|row| row.len() == left.len())?;
                compared(&left, &BinaryOperator::Eq, &row)
            });
            let each = each.collect::<Option<Vec<_>>>()?;
            let any = any(each)?;
            Some(if *negated { Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(any) } } else { any })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
    use datafusion::sql::sqlparser::parser::Parser;

    #[test]
    fn rows_are_compared_column_by_column() {
        for (sql, wanted) in [
            ("(a, b) = (1, 2)", "(a = 1 AND b = 2)"),
            ("ROW(a, b) <> (1, 2)", "(a <> 1 OR b <> 2)"),
            ("(a, b) <= (1, 2)", "(a < 1 OR (a = 1 AND b <= 2))"),
            ("(a, b) NOT IN ((1, 2), (3, 4))", "NOT ((a = 1 AND b = 2) OR (a = 3 AND b = 4))"),
        ] {
            let expr = Parser::new(&PostgreSqlDialect {}).try_with_sql(sql).unwrap().parse_expr().unwrap();
            assert_eq!(super::by_columns(&expr).unwrap().to_string(), wanted);
        }
        for sql in ["(a, b) = (1, 2, 3)", "a = b", "(a, b) = c", "(a + 1) < (2)"] {
            let expr = Parser::new(&PostgreSqlDialect {}).try_with_sql(sql).unwrap().parse_expr().unwrap();
            assert!(super::by_columns(&expr).is_none(), "{sql}");
        }
    }
}
