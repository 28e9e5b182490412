//! `json_agg(x)` and its relatives are made of the list that `array_agg(x)` collects, so that they are accounted, ordered, filtered
//! and made distinct as that is.

use datafusion::sql::sqlparser::ast::{Expr, Function, FunctionArguments, Ident, ObjectName, ObjectNamePart};

use super::super::pgcatalog::rewrite::call;
use super::json;

/// The call of an aggregate called `name` as one of a function over `array_agg`; `None` for any other call.
pub(super) fn over_lists(function: &Function, name: &str) -> Option<Expr> {
    let of_lists = json::of_lists(name)?;
    let FunctionArguments::List(list) = &function.args else { return None };
    let wanted = if name.ends_with("_object_agg") { 2 } else { 1 };
    if list.args.len() != wanted {
        return None;
    }
    let collected = list.args.iter().map(|argument| {
        let mut list = list.clone();
        list.args = vec![argument.clone()];
        let name = ObjectName(vec![ObjectNamePart::Identifier(Ident::new("array_agg"))]);
        Expr::Function(Function { name, args: FunctionArguments::List(list), ..function.clone() })
    });
    Some(call(of_lists, collected.collect()))
}

#[cfg(test)]
mod tests {
    use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
    use datafusion::sql::sqlparser::parser::Parser;

    #[test]
    fn aggregates_are_made_of_lists() {
        for (sql, wanted) in [
            (
                "SELECT JSONB_AGG(x ORDER BY y DESC) FILTER (WHERE z)",
                "SELECT jsonb_of_list(array_agg(x ORDER BY y DESC) FILTER (WHERE z))",
            ),
            ("SELECT pg_catalog.json_agg(DISTINCT x)", "SELECT json_of_list(array_agg(DISTINCT x ORDER BY x))"),
            ("SELECT json_object_agg(k, v)", "SELECT json_of_pairs(array_agg(k), array_agg(v))"),
            ("SELECT json_agg(x, y)", "SELECT json_agg(x, y)"),
        ] {
            let mut statement = Parser::parse_sql(&PostgreSqlDialect {}, sql).unwrap().remove(0);
            super::super::rewrite::statement(&mut statement, sql).unwrap();
            assert_eq!(statement.to_string(), wanted);
        }
    }
}
