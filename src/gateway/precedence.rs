//! `IS DISTINCT FROM` binds tighter than NOT, AND and OR. The parser takes everything to its right as its second operand
//! (`x IS DISTINCT FROM (1 AND y)`); here the tree becomes what was written. Parentheses are nodes of their own, so that
//! what somebody put into them stays as it is.

use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, UnaryOperator};

use super::pgcatalog::rewrite::take;

/// Mends one node whose operands are right already.
pub(super) fn mend(expr: &mut Expr) {
    match expr {
        Expr::IsDistinctFrom(..) | Expr::IsNotDistinctFrom(..) | Expr::UnaryOp { op: UnaryOperator::Not, .. } => {
            rotate(expr, is_and_or);
        }
        Expr::BinaryOp { op: BinaryOperator::And, .. } => rotate(expr, is_or),
        // A sign binds tighter than a power.
        Expr::UnaryOp { op: UnaryOperator::Minus | UnaryOperator::Plus, .. } => rotate(expr, is_power),
        _ => {}
    }
}

fn is_or(expr: &Expr) -> bool {
    matches!(expr, Expr::BinaryOp { op: BinaryOperator::Or, .. })
}

fn is_power(expr: &Expr) -> bool {
    matches!(expr, Expr::BinaryOp { op: BinaryOperator::PGExp, .. })
}

fn is_and_or(expr: &Expr) -> bool {
    is_or(expr) || matches!(expr, Expr::BinaryOp { op: BinaryOperator::And, .. })
}

/// `a op (b looser c)` becomes `(a op b) looser c`.
fn rotate(expr: &mut Expr, is_looser: fn(&Expr) -> bool) {
    let Some(operand) = last_operand(expr).filter(|operand| is_looser(operand)) else { return };
    let mut whole = take(operand);
    let first = leftmost(&mut whole, is_looser);
    *operand = take(first);
    *first = take(expr);
    *expr = whole;
}

fn last_operand(expr: &mut Expr) -> Option<&mut Expr> {
    match expr {
        Expr::IsDistinctFrom(_, right) | Expr::IsNotDistinctFrom(_, right) | Expr::BinaryOp { right, .. } => {
            Some(right)
        }
        Expr::UnaryOp { expr, .. } => Some(expr),
        _ => None,
    }
}

fn leftmost(expr: &mut Expr, is_looser: fn(&Expr) -> bool) -> &mut Expr {
    if !is_looser(expr) {
        return expr;
    }
    match expr {
        Expr::BinaryOp { left, .. } => leftmost(left, is_looser),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::super::front_door::{Command, parse};
    use datafusion::sql::sqlparser::ast::{Expr, SetExpr};

    /// The tree of a condition, with a pair of parentheses around every operator.
    fn tree(condition: &str) -> String {
        fn of(expr: &Expr) -> String {
            match expr {
                Expr::Nested(inner) => of(inner),
                Expr::BinaryOp { left, op, right } => format!("({} {op} {})", of(left), of(right)),
                Expr::UnaryOp { op, expr } => format!("({op} {})", of(expr)),
                Expr::IsDistinctFrom(left, right) => format!("({} <> {})", of(left), of(right)),
                Expr::IsNotDistinctFrom(left, right) => format!("({} == {})", of(left), of(right)),
                other => other.to_string(),
            }
        }
        let statements = parse(&format!("select 1 where {condition}")).unwrap();
        let Command::Query(query) = &statements[0].command else { panic!("{condition}") };
        let SetExpr::Select(select) = query.body.as_ref() else { panic!("{condition}") };
        of(select.selection.as_ref().unwrap())
    }

    #[test]
    fn is_distinct_from_takes_one_operand() {
        for (written, meant) in [
            ("x IS DISTINCT FROM 1 AND y", "((x <> 1) AND y)"),
            ("x IS NOT DISTINCT FROM 1 OR y", "((x == 1) OR y)"),
            ("x IS DISTINCT FROM 1 = z AND y", "((x <> (1 = z)) AND y)"),
            ("x IS DISTINCT FROM 1 AND y OR z", "(((x <> 1) AND y) OR z)"),
            ("x IS DISTINCT FROM 1 OR y AND z", "((x <> 1) OR (y AND z))"),
            ("x IS DISTINCT FROM 1 AND y IS DISTINCT FROM 2 OR z", "(((x <> 1) AND (y <> 2)) OR z)"),
            ("NOT x IS DISTINCT FROM 1 AND y", "((NOT (x <> 1)) AND y)"),
            ("w AND x IS DISTINCT FROM 1 OR y", "((w AND (x <> 1)) OR y)"),
            ("w OR x IS DISTINCT FROM 1 AND y", "(w OR ((x <> 1) AND y))"),
            ("x IS DISTINCT FROM (1 AND y)", "(x <> (1 AND y))"),
            ("NOT (x OR y) AND z", "((NOT (x OR y)) AND z)"),
        ] {
            assert_eq!(tree(written), meant, "{written}");
        }
    }
}
