//! Parameters as arguments of table functions: `who_can($1, $2)`.
//!
//! A table function is applied to its arguments when a statement is planned, which is before the planner puts values in.
//! So they are written into the statement, as literals. To describe a statement any text will do: a function's columns do
//! not depend on its arguments.

use std::ops::ControlFlow;

use datafusion::scalar::ScalarValue;
use datafusion::sql::sqlparser::ast::{Expr, Statement, TableFactor, Value, VisitMut, VisitorMut};

/// Writes the values of parameters, or texts in their place, into the arguments of table functions.
pub(super) fn write(statement: &mut Statement, values: Option<&[ScalarValue]>) {
    let _: ControlFlow<()> = VisitMut::visit(statement, &mut Functions(values));
}

struct Functions<'a>(Option<&'a [ScalarValue]>);

impl VisitorMut for Functions<'_> {
    type Break = ();

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        let mut writer = Writer(self.0);
        match factor {
            TableFactor::Table { args: Some(arguments), .. } => VisitMut::visit(arguments, &mut writer),
            TableFactor::Function { args, .. } => VisitMut::visit(args, &mut writer),
            _ => ControlFlow::Continue(()),
        }
    }
}

struct Writer<'a>(Option<&'a [ScalarValue]>);

impl VisitorMut for Writer<'_> {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::Value(value) = expr
            && let Value::Placeholder(name) = &value.value
            && let Some(number) = name.strip_prefix('$').and_then(|digits| digits.parse::<usize>().ok())
        {
            let text = match self.0 {
                None => Some(String::new()),
                // A parameter without a value is refused elsewhere.
                Some(values) => number.checked_sub(1).and_then(|at| values.get(at)).and_then(text),
            };
            *expr = Expr::value(text.map_or(Value::Null, Value::SingleQuotedString));
        }
        ControlFlow::Continue(())
    }
}

/// A value as a text; `None` for NULL.
fn text(value: &ScalarValue) -> Option<String> {
    match value {
        ScalarValue::Utf8(text) | ScalarValue::Utf8View(text) | ScalarValue::LargeUtf8(text) => text.clone(),
        other if other.is_null() => None,
        other => Some(other.to_string()),
    }
}
