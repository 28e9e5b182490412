//! What the text of a statement says about its parameters.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{self, BinaryOperator, Expr, LimitClause, Query, Value, VisitorMut};
use postgres_types::Type;

use super::super::error::SqlError;
use super::super::pgcatalog::{self, sets::is_small};
use super::super::values::ranges;
use super::super::values::rows::{self, AS_ROW};
use super::params::{called_type, sql_type};

/// Most parameters of a statement, as the wire counts them.
const MAX_PARAMS: usize = 65_535;

/// Types whose values functions take as they are carried.
const PLAIN: &[Type] = &[
    Type::BOOL,
    Type::INT4,
    Type::INT8,
    Type::FLOAT8,
    Type::TEXT,
    Type::DATE,
    Type::TIMESTAMP,
    Type::TIMESTAMPTZ,
    Type::INTERVAL,
];

/// What the text of a statement says about its parameters: the type by number (from 1), `None` where it says nothing.
pub(crate) type Found = BTreeMap<usize, Option<Type>>;

/// The number of `$n`.
pub(super) fn number(expr: &Expr) -> Option<usize> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::Placeholder(text) => text.strip_prefix('$')?.parse().ok(),
            _ => None,
        },
        Expr::Nested(inner) => number(inner),
        _ => None,
    }
}

/// The type of rows that a call makes of its first argument.
fn row_type(function: &str, arguments: &[ast::FunctionArg]) -> Option<Type> {
    let text = |argument: &'_ ast::FunctionArg| match argument {
        ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(Expr::Value(value))) => match &value.value {
            Value::SingleQuotedString(text) => Some(text.clone()),
            _ => None,
        },
        _ => None,
    };
    let (_, named) = arguments.split_first().filter(|_| function == AS_ROW)?;
    let named = named.iter().map(text).collect::<Option<Vec<_>>>()?;
    rows::named_type(&named.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Collects it.
#[derive(Default)]
pub(super) struct Finder {
    /// The types by number.
    pub found: Found,
    /// Bounds of a series whose other bounds are `integer`.
    pub bounds: BTreeSet<usize>,
    /// Casts of parameters.
    pub casts: Vec<(usize, Type)>,
    /// What is wrong with one of them.
    pub error: Option<SqlError>,
}

impl Finder {
    fn learn(&mut self, number: usize, ty: Option<Type>) {
        let entry = self.found.entry(number).or_default();
        if entry.is_none() {
            *entry = ty;
        }
    }
}

impl Finder {
    /// A bound of a series is what its other bounds are: here, literals that are `integer`.
    fn series(&mut self, function: &ast::Function) {
        let ast::FunctionArguments::List(list) = &function.args else { return };
        let mut bounds = Vec::new();
        for argument in &list.args {
            match argument {
                ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(expr)) => match number(expr) {
                    Some(number) => bounds.push(number),
                    None if is_small(expr) => {}
                    None => return,
                },
                _ => return,
            }
        }
        for number in bounds {
            self.learn(number, Some(Type::INT4));
            self.bounds.insert(number);
        }
    }

    /// A value that may be chosen is what the others are: here, literals that are `integer`.
    fn chosen(&mut self, values: &[&Expr]) {
        let (params, others): (Vec<&Expr>, Vec<&Expr>) = values.iter().partition(|value| number(value).is_some());
        if others.is_empty() || !others.into_iter().all(is_small) {
            return;
        }
        for number in params.into_iter().filter_map(number) {
            self.learn(number, Some(Type::INT4));
        }
    }

    /// An argument is what all functions of the name take there, where a value of that type is carried as one.
    fn arguments(&mut self, name: &str, list: &[ast::FunctionArg]) {
        for (index, argument) in list.iter().enumerate() {
            if let ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(expr)) = argument
                && let Some(number) = number(expr)
                && let Ok(oid) = u32::try_from(pgcatalog::argument_type(name, list.len(), index))
                && let Some(ty) = Type::from_oid(oid).filter(|ty| PLAIN.contains(ty))
            {
                self.learn(number, Some(ty));
            }
        }
    }

    /// A parameter that is a condition is a boolean.
    fn condition(&mut self, expr: &Expr) {
        if let Some(number) = number(expr) {
            self.learn(number, Some(Type::BOOL));
        }
    }
}

impl VisitorMut for Finder {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        let counts: Vec<usize> = match &query.limit_clause {
            Some(LimitClause::LimitOffset { limit, offset, .. }) => {
                let offset = offset.as_ref().map(|offset| &offset.value);
                limit.iter().chain(offset).filter_map(number).collect()
            }
            Some(LimitClause::OffsetCommaLimit { offset, limit }) => {
                [offset, limit].into_iter().filter_map(number).collect()
            }
            None => Vec::new(),
        };
        for number in counts {
            self.learn(number, Some(Type::INT8));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match expr {
            Expr::Cast { expr: inner, data_type, .. } => {
                if let Some(number) = number(inner) {
                    let ty = sql_type(data_type);
                    self.casts.extend(ty.clone().map(|ty| (number, ty)));
                    self.learn(number, ty);
                }
            }
            Expr::UnaryOp { op: ast::UnaryOperator::Not, expr: condition } => self.condition(condition),
            Expr::BinaryOp { left, op: BinaryOperator::And | BinaryOperator::Or, right } => {
                self.condition(left);
                self.condition(right);
            }
            Expr::Case { operand, conditions, else_result, .. } => {
                if operand.is_none() {
                    conditions.iter().for_each(|when| self.condition(&when.condition));
                }
                let results = conditions.iter().map(|when| &when.result).chain(else_result.as_deref());
                self.chosen(&results.collect::<Vec<_>>());
            }
            // `substring` takes patterns there, too.
            Expr::Substring { substring_from, substring_for, shorthand: true, .. } => {
                for number in [substring_from, substring_for].into_iter().flatten().filter_map(|expr| number(expr)) {
                    self.learn(number, Some(Type::INT4));
                }
            }
            // A cast to a type that is a function here.
            Expr::Function(function) => {
                let name = function.name.0.last().and_then(|part| part.as_ident());
                if name.is_some_and(|name| name.value == "generate_series") {
                    self.series(function);
                }
                if let (Some(name), ast::FunctionArguments::List(list)) = (name, &function.args)
                    && let Some(ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(inner))) = list.args.first()
                    && let Some(number) = number(inner)
                    && let Some(ty) = called_type(&name.value).or_else(|| row_type(&name.value, &list.args))
                    // A range is made of bounds, too.
                    && (list.args.len() == 1 || !ranges::is_range(&ty))
                {
                    self.casts.push((number, ty.clone()));
                    self.learn(number, Some(ty));
                }
                if let (Some(name), ast::FunctionArguments::List(list)) = (name, &function.args) {
                    self.arguments(&name.value, &list.args);
                }
            }
            Expr::AnyOp { right, .. } | Expr::AllOp { right, .. } => {
                if let Some(number) = number(right) {
                    self.learn(number, Some(Type::TEXT_ARRAY));
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::Value(value) = expr
            && let Value::Placeholder(text) = &value.value
        {
            let number = text.strip_prefix('$').and_then(|digits| digits.parse::<usize>().ok());
            let Some(number) = number.filter(|number| (1..=MAX_PARAMS).contains(number)) else {
                self.error = Some(SqlError::new("42P02", format!("there is no parameter {text}")));
                return ControlFlow::Break(());
            };
            self.learn(number, None);
        }
        ControlFlow::Continue(())
    }
}
