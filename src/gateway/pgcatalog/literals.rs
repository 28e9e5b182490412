//! Literals that take the type of the values beside them, on the syntax tree.

use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, SetExpr, Value, ValueWithSpan,
};

use super::functions::{ARRAY_OR_LITERAL, is_cast_function};
use super::rewrite::{call, parts, take};
use super::sets::plain_arguments;

/// `COALESCE(x, ..., '{}')` as a function that reads the literal as an array where `x` is one; `None` for anything else.
pub(super) fn coalesce(function: &Function) -> Option<Expr> {
    let FunctionArguments::List(list) = &function.args else { return None };
    if parts(&function.name) != ["coalesce"] || list.args.len() < 2 {
        return None;
    }
    let mut arguments = list.args.clone();
    let last = arguments.pop()?;
    let FunctionArg::Unnamed(FunctionArgExpr::Expr(last)) = last else { return None };
    let is_array = match &last {
        Expr::Value(ValueWithSpan {
            value: Value::SingleQuotedString(text) | Value::EscapedStringLiteral(text),
            ..
        }) => text.starts_with('{') && text.ends_with('}'),
        _ => false,
    };
    if !is_array {
        return None;
    }
    let mut values = plain_arguments(&arguments)?;
    let first = if values.len() == 1 { values.pop()? } else { call("coalesce", values) };
    Some(call(ARRAY_OR_LITERAL, vec![first, last]))
}

/// In a column of VALUES that holds identifiers (`'x'::regclass`), numbers and NULL are identifiers, too.
pub(super) fn values(body: &mut SetExpr) {
    let SetExpr::Values(values) = body else { return };
    let width = values.rows.iter().map(|row| row.content.len()).max().unwrap_or(0);
    for column in 0..width {
        let mut cells: Vec<&mut Expr> = values.rows.iter_mut().filter_map(|row| row.content.get_mut(column)).collect();
        let Some(name) = cells.iter().find_map(|cell| identifier(cell)) else { continue };
        for cell in &mut cells {
            if let Expr::Value(ValueWithSpan { value: Value::Number(..) | Value::Null, .. }) = cell {
                let inner = take(cell);
                **cell = call(&name, vec![inner]);
            }
        }
    }
}

/// The identifier type that an expression is a cast to.
fn identifier(expr: &Expr) -> Option<String> {
    let Expr::Function(function) = expr else { return None };
    match parts(&function.name).as_slice() {
        [name] if is_cast_function(name) => Some(name.clone()),
        _ => None,
    }
}
