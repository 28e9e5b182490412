//! PostgreSQL's spelling of values turned into calls of the functions here, on the syntax tree.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    AccessExpr, ArrayElemTypeDef, BinaryOperator, CastKind, CharacterLength, DataType, DuplicateTreatment,
    ExactNumberInfo, Expr, FunctionArg, FunctionArgExpr, FunctionArgumentClause, FunctionArguments, Ident, Interval,
    ObjectName, ObjectNamePart, OrderByExpr, OrderByOptions, Spanned as _, Statement, Subscript, TimezoneInfo,
    TypedString, UnaryOperator, Value, ValueWithSpan, VisitMut, VisitorMut,
};

use super::super::error::{SqlError, position_of};
use super::super::pgcatalog::rewrite::{call, take};
use super::literals::{self, string as literal};
use super::ranges::{self, RANGE_TYPES};
use super::{TEXT_ARRAYS, TEXT_TYPES, aggregates, interval_functions, intervals, patterns, precision, row_comparisons};

/// Rewrites a statement in place: `extract`, interval literals, casts to types that are text underneath, and the moments of a
/// session without a time zone. `sql` is its text, for the places of errors.
pub(crate) fn statement(statement: &mut Statement, sql: &str) -> Result<(), SqlError> {
    match VisitMut::visit(statement, &mut Rewriter { sql }) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

struct Rewriter<'a> {
    sql: &'a str,
}

/// `2026-01-02 03:04` with its seconds, which the planner wants; `None` for a text that is written otherwise.
pub(super) fn with_seconds(text: &str) -> Option<String> {
    let at = text.find(':')?;
    let (start, rest) = text.split_at_checked(at.checked_add(3)?)?;
    let minutes = start.get(at..)?.strip_prefix(':')?;
    let is_minutes = minutes.len() == 2 && minutes.bytes().all(|byte| byte.is_ascii_digit());
    let ends = !rest.starts_with(|c: char| c == ':' || c == '.' || c.is_ascii_digit());
    // A zone has a colon, too: it comes after that of the time.
    (is_minutes && ends && start.len() >= "2026-01-02 03:04".len()).then(|| format!("{start}:00{rest}"))
}

fn interval(text: &str, unit: &str) -> Result<Expr, SqlError> {
    let words = intervals::words(text, unit)?;
    Ok(Expr::Interval(Interval {
        value: Box::new(Expr::value(Value::SingleQuotedString(words))),
        leading_field: None,
        leading_precision: None,
        last_field: None,
        fractional_seconds_precision: None,
    }))
}

fn cast_to(value: Expr, data_type: DataType) -> Expr {
    Expr::Cast { kind: CastKind::DoubleColon, expr: Box::new(value), data_type, array: false, format: None }
}

fn folded(name: &ObjectName) -> Option<String> {
    let idents: Vec<_> = name.0.iter().filter_map(ObjectNamePart::as_ident).collect();
    let fold = |ident: &Ident| {
        if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_lowercase() }
    };
    match idents.as_slice() {
        [name] => Some(fold(name)),
        [schema, name] if fold(schema) == "pg_catalog" => Some(fold(name)),
        _ => None,
    }
}

/// The type of a cast that is text underneath, and its length.
fn text_type(data_type: &DataType) -> Option<(&'static str, Option<u64>)> {
    let length = |length: &Option<CharacterLength>| match length {
        Some(CharacterLength::IntegerLength { length, .. }) => Some(*length),
        _ => None,
    };
    let (name, length) = match data_type {
        DataType::Varchar(n) | DataType::CharacterVarying(n) | DataType::CharVarying(n) => ("varchar", length(n)),
        // `character` alone is one character.
        DataType::Char(n) | DataType::Character(n) => ("bpchar", Some(length(n).unwrap_or(1))),
        DataType::JSON => ("json", None),
        DataType::JSONB => ("jsonb", None),
        DataType::Uuid => ("uuid", None),
        DataType::Custom(name, modifiers) if modifiers.is_empty() => {
            let name = folded(name)?;
            // `"char"` is PostgreSQL's type of one byte.
            (TEXT_TYPES.into_iter().chain(RANGE_TYPES).find(|known| *known == name)?, None)
        }
        _ => return None,
    };
    Some((name, length))
}

/// The digits of a second of `time with time zone`.
fn timetz(data_type: &DataType) -> Option<Option<u64>> {
    match data_type {
        DataType::Time(digits, TimezoneInfo::Tz | TimezoneInfo::WithTimeZone) => Some(*digits),
        _ => None,
    }
}

/// A cast with the modifier that the type has.
fn cast_call(name: &str, value: Expr, modifier: Option<u64>) -> Expr {
    let number = |number: u64| Expr::value(Value::Number(number.to_string(), false));
    call(name, std::iter::once(value).chain(modifier.map(number)).collect())
}

/// The array type whose elements are text underneath, and their length.
fn text_array(element: &DataType) -> Option<(&'static str, Option<u64>)> {
    let (name, length) = text_type(element)?;
    let array = TEXT_ARRAYS.iter().copied().find(|array| array.strip_prefix('_') == Some(name))?;
    Some((array, length))
}

/// Whether the texts of arrays of the element type are read here; those of identifiers name what the catalog knows.
fn is_plain(element: &DataType) -> bool {
    match element {
        DataType::Regclass => false,
        DataType::Custom(name, _) => folded(name).is_some_and(|name| name != "oid" && !name.starts_with("reg")),
        _ => true,
    }
}

/// A function's arguments without names.
pub(crate) fn arguments_mut(arguments: &mut FunctionArguments) -> impl Iterator<Item = &mut Expr> {
    let list = match arguments {
        FunctionArguments::List(list) => list.args.as_mut_slice(),
        _ => &mut [],
    };
    list.iter_mut().filter_map(|argument| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
        _ => None,
    })
}

/// What a function is called here that has another name in PostgreSQL, or does another thing under that name.
fn renamed(name: &str) -> Option<&'static str> {
    Some(match name {
        "array_remove" => "array_remove_all",
        "array_replace" => "array_replace_all",
        "every" => "bool_and",
        "ceiling" => "ceil",
        _ => return None,
    })
}

/// PostgreSQL sorts what it makes distinct, and so the values that an aggregate collects.
fn order_distinct(arguments: &mut FunctionArguments) {
    let FunctionArguments::List(list) = arguments else { return };
    let is_ordered = list.clauses.iter().any(|clause| matches!(clause, FunctionArgumentClause::OrderBy(_)));
    let [FunctionArg::Unnamed(FunctionArgExpr::Expr(first)), ..] = list.args.as_slice() else { return };
    if list.duplicate_treatment == Some(DuplicateTreatment::Distinct) && !is_ordered {
        let key = OrderByExpr {
            expr: first.clone(),
            options: OrderByOptions { asc: None, nulls_first: None },
            with_fill: None,
        };
        list.clauses.push(FunctionArgumentClause::OrderBy(vec![key]));
    }
}

/// `make_interval(days => 10)`: the arguments in their order, those that are not named are 0.
fn name_fields(arguments: &mut FunctionArguments) {
    let FunctionArguments::List(list) = arguments else { return };
    if !list.args.iter().any(|argument| matches!(argument, FunctionArg::Named { .. })) {
        return;
    }
    let mut fields = vec![Expr::value(Value::Number("0".to_owned(), false)); interval_functions::FIELDS.len()];
    for (index, argument) in list.args.iter().enumerate() {
        let (place, expr) = match argument {
            FunctionArg::Named { name, arg: FunctionArgExpr::Expr(expr), .. } => {
                (interval_functions::FIELDS.iter().position(|field| *field == name.value.to_lowercase()), expr)
            }
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => (Some(index), expr),
            _ => return,
        };
        // Another name is left for the planner to refuse.
        let Some(field) = place.and_then(|place| fields.get_mut(place)) else { return };
        *field = expr.clone();
    }
    list.args = fields.into_iter().map(|field| FunctionArg::Unnamed(FunctionArgExpr::Expr(field))).collect();
}

/// The moment that a word stands for where a date or timestamp is read.
fn named_moment(text: &str, data_type: &DataType) -> Option<Expr> {
    let is_date = matches!(data_type, DataType::Date);
    if !is_date && !matches!(data_type, DataType::Timestamp(..)) {
        return None;
    }
    let now = || call("now", Vec::new());
    let today = || cast_to(now(), DataType::Date);
    let day = |op| {
        let one = Box::new(Expr::value(Value::Number("1".to_owned(), false)));
        Expr::Nested(Box::new(Expr::BinaryOp { left: Box::new(today()), op, right: one }))
    };
    Some(match text.trim().to_ascii_lowercase().as_str() {
        "now" => now(),
        "today" => today(),
        "tomorrow" => day(BinaryOperator::Plus),
        "yesterday" => day(BinaryOperator::Minus),
        "epoch" => Expr::value(Value::SingleQuotedString("1970-01-01 00:00:00+00".to_owned())),
        _ => return None,
    })
}

/// A function's one argument.
fn only(arguments: &mut FunctionArguments) -> Option<&mut Expr> {
    let FunctionArguments::List(list) = arguments else { return None };
    match list.args.as_mut_slice() {
        [FunctionArg::Unnamed(FunctionArgExpr::Expr(value))] => Some(value),
        _ => None,
    }
}

/// Whether a function's one argument is a literal without a type.
fn is_of_unknown(arguments: &FunctionArguments) -> bool {
    let FunctionArguments::List(list) = arguments else { return false };
    match list.args.as_slice() {
        [FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(value)))] => {
            matches!(value.value, Value::SingleQuotedString(_) | Value::EscapedStringLiteral(_) | Value::Null)
        }
        _ => false,
    }
}

impl VisitorMut for Rewriter<'_> {
    type Break = SqlError;

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<SqlError> {
        match self.read(expr) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<SqlError> {
        match self.rewrite(expr) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    }
}

impl Rewriter<'_> {
    /// An error at the start of a value.
    fn at(&self, value: &Expr, error: SqlError) -> SqlError {
        let start = value.span().start;
        error.or_position(|| position_of(self.sql, start.line, start.column))
    }

    /// Reads the literal of a cast, before what is inside of the cast is visited.
    fn read(&self, expr: &mut Expr) -> Result<(), SqlError> {
        // `uuid '...'` is a cast where the planner does not know the type.
        if let Expr::TypedString(typed) = expr
            && (typed.data_type == DataType::Bytea
                || timetz(&typed.data_type).is_some()
                || text_type(&typed.data_type).is_some())
        {
            *expr = Expr::Cast {
                kind: CastKind::DoubleColon,
                expr: Box::new(Expr::Value(typed.value.clone())),
                data_type: typed.data_type.clone(),
                array: false,
                format: None,
            };
        }
        if let Expr::TypedString(typed) = expr
            && matches!(typed.data_type, DataType::Timestamp(..))
            && let Value::SingleQuotedString(text) = &mut typed.value.value
            && let Some(whole) = with_seconds(text)
        {
            *text = whole;
        }
        let Expr::Cast { kind: CastKind::Cast | CastKind::DoubleColon, expr: value, data_type, .. } = expr else {
            return Ok(());
        };
        let at = |error| self.at(value, error);
        if let DataType::Array(ArrayElemTypeDef::SquareBracket(element, _)) = data_type {
            if let Some(text) = literal(value)
                && is_plain(element)
            {
                **value = literals::array(text, element).map_err(at)?;
            }
        } else if let Some(text) = literals::float(value, data_type).map_err(at)? {
            **value = text;
        }
        Ok(())
    }

    fn rewrite(&self, expr: &mut Expr) -> Result<(), SqlError> {
        // PostgreSQL's moments count microseconds; the planner's nanoseconds reach from 1677 to 2262 only.
        if let Expr::Cast { data_type, .. } | Expr::TypedString(TypedString { data_type, .. }) = expr
            && let Some((name, digits)) = precision::taken(data_type)
        {
            self.rewrite(expr)?;
            *expr = cast_call(name, take(expr), Some(digits));
            return Ok(());
        }
        patterns::planned(expr);
        if let Some(columns) = row_comparisons::by_columns(expr) {
            *expr = columns;
            return Ok(());
        }
        match expr {
            Expr::Value(ValueWithSpan { value: Value::Number(text, _), .. }) => {
                let written = literals::numeric(text).map_err(|error| self.at(expr, error))?;
                if let Some(written) = written {
                    *expr = written;
                }
            }
            Expr::TypedString(TypedString {
                data_type: DataType::Numeric(ExactNumberInfo::None) | DataType::Decimal(ExactNumberInfo::None),
                value,
                ..
            }) => {
                let written = literals::exact(&Expr::Value(value.clone())).map_err(|error| self.at(expr, error))?;
                if let Some(written) = written {
                    *expr = written;
                }
            }
            Expr::Extract { field, expr: value, .. } => {
                let field = Expr::value(Value::SingleQuotedString(field.to_string().trim_matches('\'').to_lowercase()));
                let value = take(value);
                *expr = call("extract", vec![field, value]);
            }
            Expr::Interval(Interval { value, leading_field, .. }) => {
                if let Some(text) = literal(value) {
                    let unit = leading_field.as_ref().map_or_else(|| "seconds".to_owned(), ToString::to_string);
                    *expr = interval(text, &unit).map_err(|error| self.at(value, error))?;
                }
            }
            Expr::Cast { kind: CastKind::Cast | CastKind::DoubleColon, expr: value, data_type, .. } => {
                if let Some(moment) = literal(value).and_then(|text| named_moment(text, data_type)) {
                    **value = moment;
                } else if matches!(data_type, DataType::Interval { .. })
                    && let Some(text) = literal(value)
                {
                    *expr = interval(text, "seconds").map_err(|error| self.at(value, error))?;
                } else if matches!(data_type, DataType::Timestamp(..) | DataType::Datetime(_))
                    && let Some(text) = literal(value).and_then(with_seconds)
                {
                    **value = Expr::value(Value::SingleQuotedString(text));
                } else if let DataType::Float(size) = data_type {
                    // FLOAT alone is FLOAT(53).
                    let is_short = matches!(size, ExactNumberInfo::Precision(bits) if *bits <= 24);
                    *data_type = if is_short { DataType::Real } else { DataType::DoublePrecision };
                } else if matches!(
                    data_type,
                    DataType::Numeric(ExactNumberInfo::None) | DataType::Decimal(ExactNumberInfo::None)
                ) {
                    if let Some(number) = literals::exact(value).map_err(|error| self.at(value, error))? {
                        *expr = number;
                    }
                } else if let Some(digits) = timetz(data_type) {
                    let value = match literal(value) {
                        Some(text) if text.trim().eq_ignore_ascii_case("now") => call("now", Vec::new()),
                        Some(text) => {
                            super::timetz::read(text, None).map_err(|error| self.at(value, error))?;
                            take(value)
                        }
                        None => take(value),
                    };
                    *expr = cast_call("timetz", value, digits);
                } else if *data_type == DataType::Bytea {
                    *expr = match literal(value) {
                        Some(text) => literals::bytes(text).map_err(|error| self.at(value, error))?,
                        None => call("bytea", vec![take(value)]),
                    };
                } else if let DataType::Array(ArrayElemTypeDef::SquareBracket(element, _)) = data_type
                    && timetz(element).is_some()
                {
                    *expr = call("_timetz", vec![take(value)]);
                } else if let DataType::Array(ArrayElemTypeDef::SquareBracket(element, _)) = data_type
                    && let Some((name, length)) = text_array(element)
                {
                    *expr = cast_call(name, take(value), length);
                } else if let Some((name, length)) = text_type(data_type) {
                    let value = take(value);
                    let text = match value {
                        // A value that is text already is not made text again, and a range may be a multirange.
                        value if RANGE_TYPES.contains(&name) => {
                            let checked = literal(&value).map_or(Ok(()), |text| ranges::check(name, text));
                            checked.map_err(|error| self.at(&value, error))?;
                            value
                        }
                        Expr::Value(_) => value,
                        value => cast_to(value, DataType::Text),
                    };
                    *expr = cast_call(name, text, length);
                }
            }
            Expr::AtTimeZone { timestamp, time_zone } => {
                let (moment, zone) = (take(timestamp), take(time_zone));
                *expr = call("timezone", vec![zone, moment]);
            }
            Expr::BinaryOp { left, op, right } => {
                let function = match op {
                    BinaryOperator::PGStartsWith => "starts_with",
                    BinaryOperator::Arrow => "json_field",
                    BinaryOperator::LongArrow => "json_field_text",
                    BinaryOperator::HashArrow => "json_path",
                    BinaryOperator::HashLongArrow => "json_path_text",
                    _ => return Ok(()),
                };
                *expr = call(function, vec![take(left), take(right)]);
            }
            // The planner would turn the sign of the first number of its words only.
            Expr::UnaryOp { op: UnaryOperator::Minus, expr: value } if matches!(value.as_ref(), Expr::Interval(_)) => {
                **value = Expr::Nested(Box::new(take(value)));
            }
            Expr::UnaryOp { op, expr: value } => {
                let (function, kind) = match op {
                    UnaryOperator::PGSquareRoot => ("sqrt", Some(DataType::DoublePrecision)),
                    UnaryOperator::PGCubeRoot => ("cbrt", Some(DataType::DoublePrecision)),
                    UnaryOperator::PGAbs => ("abs", None),
                    _ => return Ok(()),
                };
                let value = take(value);
                *expr = call(
                    function,
                    vec![match kind {
                        Some(kind) => cast_to(value, kind),
                        None => value,
                    }],
                );
            }
            // A slice without a bound reaches to that of the array.
            Expr::CompoundFieldAccess { access_chain, .. } => {
                for access in access_chain {
                    if let AccessExpr::Subscript(Subscript::Slice { lower_bound, upper_bound, .. }) = access {
                        let bound = |number: i32| Expr::value(Value::Number(number.to_string(), false));
                        lower_bound.get_or_insert_with(|| bound(1));
                        upper_bound.get_or_insert_with(|| bound(i32::MAX));
                    }
                }
            }
            // A pattern where a position would stand.
            Expr::Substring { expr: value, substring_from: Some(from), substring_for: None, .. }
                if literal(from).is_some() =>
            {
                let found = call("regexp_match", vec![take(value), take(from)]);
                *expr = call("array_element", vec![found, Expr::value(Value::Number("1".to_owned(), false))]);
            }
            Expr::Function(function) => {
                let name = folded(&function.name);
                if name.as_deref() == Some("pg_typeof") && is_of_unknown(&function.args) {
                    let unknown = Expr::value(Value::SingleQuotedString("unknown".to_owned()));
                    *expr = call("regtype", vec![unknown]);
                    return Ok(());
                }
                if name.as_deref() == Some("make_interval") {
                    name_fields(&mut function.args);
                }
                if name.as_deref() == Some("mod")
                    && let [left, right] = arguments_mut(&mut function.args).collect::<Vec<_>>().as_mut_slice()
                {
                    let nested = |expr: &mut Expr| Box::new(Expr::Nested(Box::new(take(expr))));
                    let (left, right) = (nested(left), nested(right));
                    *expr = Expr::Nested(Box::new(Expr::BinaryOp { left, op: BinaryOperator::Modulo, right }));
                    return Ok(());
                }
                if let Some(name) = name.as_deref().and_then(renamed) {
                    function.name = ObjectName(vec![ObjectNamePart::Identifier(Ident::new(name))]);
                }
                if matches!(name.as_deref(), Some("array_agg" | "string_agg" | "json_agg" | "jsonb_agg")) {
                    order_distinct(&mut function.args);
                }
                if let Some(made) = name.as_deref().and_then(|name| aggregates::over_lists(function, name)) {
                    *expr = made;
                    return Ok(());
                }
                if name.as_deref() == Some("date")
                    && let Some(value) = only(&mut function.args)
                {
                    *expr = cast_to(take(value), DataType::Date);
                    return Ok(());
                }
                let moments = ["current_time", "current_timestamp", "localtime", "localtimestamp"];
                if !name.as_deref().is_some_and(|name| moments.contains(&name)) {
                    return Ok(());
                }
                let digits = only(&mut function.args).map(take);
                let now = call("now", Vec::new());
                let (rounded, value) = match name.as_deref() {
                    Some("current_time") => {
                        *expr = call("timetz", std::iter::once(now).chain(digits).collect());
                        return Ok(());
                    }
                    Some("localtimestamp") => {
                        ("timestamp", cast_to(now, DataType::Timestamp(Some(6), TimezoneInfo::None)))
                    }
                    Some("localtime") => ("time", cast_to(now, DataType::Time(None, TimezoneInfo::None))),
                    _ => ("timestamptz", now),
                };
                *expr = match digits {
                    Some(digits) => call(rounded, vec![value, digits]),
                    None => value,
                };
            }
            _ => {}
        }
        Ok(())
    }
}
