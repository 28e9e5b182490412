//! Intervals: PostgreSQL's input of them, and their arithmetic with numbers and dates.

use std::sync::Arc;

use datafusion::arrow::array::{Array as _, AsArray as _, IntervalMonthDayNanoArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Float64Type, IntervalMonthDayNano, IntervalUnit, TimeUnit};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::planner::RawBinaryExpr;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable as _, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::sql::sqlparser::ast::BinaryOperator;

use super::super::error::SqlError;
use super::super::pgcatalog::errors::sql_error;
use super::shifts::shifted;

const DAY_MICROS: f64 = 86_400_000_000.0;
const INTERVAL: DataType = DataType::Interval(IntervalUnit::MonthDayNano);

/// Months, days and microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Parts {
    months: f64,
    days: f64,
    micros: f64,
}

impl Parts {
    /// A fraction of a month is days of 30, a fraction of a day is time.
    fn settle(self) -> Option<(i32, i32, i64)> {
        let months = self.months.trunc();
        let days = self.days + (self.months - months) * 30.0;
        let whole = days.trunc();
        let micros = (self.micros + (days - whole) * DAY_MICROS).round();
        let fits = |value: f64| value.abs() <= f64::from(i32::MAX);
        (fits(months) && fits(whole) && micros.abs() < 9.2e18).then_some((months as i32, whole as i32, micros as i64))
    }

    fn add(&mut self, amount: f64, unit: &str) -> Option<()> {
        match unit.to_ascii_lowercase().as_str() {
            "us" | "usec" | "usecs" | "microsecond" | "microseconds" => self.micros += amount,
            "ms" | "msec" | "msecs" | "millisecond" | "milliseconds" => self.micros += amount * 1e3,
            "s" | "sec" | "secs" | "second" | "seconds" => self.micros += amount * 1e6,
            "m" | "min" | "mins" | "minute" | "minutes" => self.micros += amount * 6e7,
            "h" | "hr" | "hrs" | "hour" | "hours" => self.micros += amount * 3.6e9,
            "d" | "day" | "days" => self.days += amount,
            "w" | "week" | "weeks" => self.days += amount * 7.0,
            "mon" | "mons" | "month" | "months" => self.months += amount,
            "y" | "yr" | "yrs" | "year" | "years" => self.months += amount * 12.0,
            "dec" | "decade" | "decades" => self.months += amount * 120.0,
            "c" | "century" | "centuries" => self.months += amount * 1_200.0,
            "mil" | "millennium" | "millennia" => self.months += amount * 12_000.0,
            _ => return None,
        }
        Some(())
    }
}

/// `hh:mm[:ss[.f]]` in microseconds.
fn clock(text: &str) -> Option<f64> {
    let (sign, text) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    let mut fields = text.split(':');
    let (hours, minutes, seconds) = (fields.next()?, fields.next()?, fields.next().unwrap_or("0"));
    let number = |text: &str| text.parse::<f64>().ok().filter(|value| *value >= 0.0);
    if fields.next().is_some() {
        return None;
    }
    Some(sign * (number(hours)? * 3.6e9 + number(minutes)? * 6e7 + number(seconds)? * 1e6))
}

/// `P1Y2M3DT4H5M6S`.
fn iso(text: &str) -> Option<Parts> {
    let mut parts = Parts::default();
    let (mut time, mut number) = (false, String::new());
    for character in text.strip_prefix('P')?.chars() {
        match character {
            'T' => time = true,
            '0'..='9' | '.' | '-' | '+' => number.push(character),
            unit => {
                let amount = std::mem::take(&mut number).parse().ok()?;
                let unit = match (unit, time) {
                    ('Y', false) => "years",
                    ('M', false) => "months",
                    ('W', false) => "weeks",
                    ('D', false) => "days",
                    ('H', true) => "hours",
                    ('M', true) => "minutes",
                    ('S', true) => "seconds",
                    _ => return None,
                };
                parts.add(amount, unit)?;
            }
        }
    }
    number.is_empty().then_some(parts)
}

/// An interval from its text: months, days, microseconds. `unit` is that of a number without one.
pub(crate) fn parse(text: &str, unit: &str) -> Option<(i32, i32, i64)> {
    let text = text.trim();
    if text.starts_with('P') {
        return iso(text)?.settle();
    }
    let mut parts = Parts::default();
    let mut words: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        // `1day` is `1 day`.
        let split = word.find(|c: char| c.is_ascii_alphabetic()).filter(|at| *at > 0 && !word.contains(':'));
        match split.and_then(|at| word.split_at_checked(at)) {
            Some((number, unit)) => words.extend([number.to_owned(), unit.to_owned()]),
            None => words.push(word.to_owned()),
        }
    }
    if words.first().is_some_and(|word| word == "@") {
        words.remove(0);
    }
    let ago = words.last().is_some_and(|word| word.eq_ignore_ascii_case("ago"));
    if ago {
        words.pop();
    }
    if words.is_empty() {
        return None;
    }
    let mut rest = words.iter().map(String::as_str).peekable();
    while let Some(word) = rest.next() {
        if word.contains(':') {
            parts.micros += clock(word)?;
            continue;
        }
        // Years and months, as SQL has them.
        if let Some((years, months)) =
            word.get(1..).and_then(|_| word.rsplit_once('-')).filter(|(years, _)| !years.is_empty())
        {
            let years: i32 = years.parse().ok()?;
            let months: i32 = months.parse().ok().filter(|months| (0..12).contains(months))?;
            let sign = if word.starts_with('-') { -1 } else { 1 };
            parts.months += f64::from(years) * 12.0 + f64::from(sign * months);
            continue;
        }
        let amount: f64 = word.parse().ok()?;
        match rest.peek() {
            // A number before a time of day is days; a last one without a unit has the type's, or seconds.
            Some(next) if next.contains(':') => parts.days += amount,
            Some(next) => {
                parts.add(amount, next)?;
                rest.next();
            }
            None => parts.add(amount, unit)?,
        }
    }
    if ago {
        parts = Parts { months: -parts.months, days: -parts.days, micros: -parts.micros };
    }
    parts.settle()
}

/// An interval in words that the planner reads.
pub(crate) fn words(text: &str, unit: &str) -> std::result::Result<String, SqlError> {
    let (months, days, micros) = parse(text, unit)
        .ok_or_else(|| SqlError::new("22007", format!("invalid input syntax for type interval: \"{text}\"")))?;
    Ok(format!("{months} months {days} days {micros} microseconds"))
}

/// Arithmetic of intervals that the planner lacks or does otherwise: `interval * number`, `interval / number`, and a moment with an
/// interval, where a date is a timestamp. `None` to leave it.
pub(crate) fn operator(expr: &RawBinaryExpr, schema: &DFSchema) -> Option<Expr> {
    let (left, right) = (expr.left.get_type(schema).ok()?, expr.right.get_type(schema).ok()?);
    let interval = |kind: &DataType| matches!(kind, DataType::Interval(_) | DataType::Duration(_));
    let scale = |name, interval: &Expr, number: &Expr| {
        let function = if name == "interval_mul" {
            Scale { divide: false, ..Scale::new() }
        } else {
            Scale { divide: true, ..Scale::new() }
        };
        ScalarUDF::new_from_impl(function).call(vec![interval.clone(), number.clone()])
    };
    let date = |kind: &DataType| matches!(kind, DataType::Date32 | DataType::Date64);
    let stamp = |kind: &DataType| matches!(kind, DataType::Timestamp(..));
    let moment = |date: &Expr| {
        let kind = DataType::Timestamp(TimeUnit::Microsecond, None);
        date.clone().cast_to(&kind, schema).ok()
    };
    Some(match expr.op {
        BinaryOperator::Multiply if interval(&left) && right.is_numeric() => {
            scale("interval_mul", &expr.left, &expr.right)
        }
        BinaryOperator::Multiply if left.is_numeric() && interval(&right) => {
            scale("interval_mul", &expr.right, &expr.left)
        }
        BinaryOperator::Divide if interval(&left) && right.is_numeric() => {
            scale("interval_div", &expr.left, &expr.right)
        }
        BinaryOperator::Plus if date(&left) && interval(&right) => {
            shifted(moment(&expr.left)?, expr.right.clone(), false)
        }
        BinaryOperator::Plus if interval(&left) && date(&right) => {
            shifted(moment(&expr.right)?, expr.left.clone(), false)
        }
        BinaryOperator::Minus if date(&left) && interval(&right) => {
            shifted(moment(&expr.left)?, expr.right.clone(), true)
        }
        BinaryOperator::Plus if stamp(&left) && interval(&right) => {
            shifted(expr.left.clone(), expr.right.clone(), false)
        }
        BinaryOperator::Plus if interval(&left) && stamp(&right) => {
            shifted(expr.right.clone(), expr.left.clone(), false)
        }
        BinaryOperator::Minus if stamp(&left) && interval(&right) => {
            shifted(expr.left.clone(), expr.right.clone(), true)
        }
        _ => return None,
    })
}

/// The interval as long in the other direction.
pub(super) fn negative(interval: Expr) -> Expr {
    let minus = Expr::Literal(ScalarValue::Float64(Some(-1.0)), None);
    ScalarUDF::new_from_impl(Scale::new()).call(vec![interval, minus])
}

pub(super) fn functions() -> Vec<ScalarUDF> {
    [false, true].into_iter().map(|divide| ScalarUDF::new_from_impl(Scale { divide, ..Scale::new() })).collect()
}

/// `interval_mul` and `interval_div`.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Scale {
    divide: bool,
    signature: Signature,
}

impl Scale {
    fn new() -> Self {
        Self { divide: false, signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Scale {
    fn name(&self) -> &'static str {
        if self.divide { "interval_div" } else { "interval_mul" }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(INTERVAL)
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        match arguments {
            // The difference of two moments is an interval, too.
            [interval @ (DataType::Interval(_) | DataType::Duration(_)), _] => {
                Ok(vec![interval.clone(), DataType::Float64])
            }
            _ => Err(sql_error("42883", format!("function {} takes an interval and a number", self.name()))),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [interval, number] = args.args.as_slice() else {
            return Err(DataFusionError::Internal("two arguments".to_owned()));
        };
        let intervals = interval.to_array(args.number_rows)?;
        let number = cast(&number.to_array(args.number_rows)?, &DataType::Float64)?;
        let scaled = number.as_primitive::<Float64Type>().iter().enumerate().map(|(row, number)| {
            let Some(number) = number.filter(|_| intervals.is_valid(row)) else { return Ok(None) };
            let parts = super::super::encode::interval(intervals.as_ref(), row);
            let parts = parts.map_err(|error| DataFusionError::External(Box::new(error)))?;
            let Some((months, days, micros)) = parts else { return Ok(None) };
            if self.divide && number == 0.0 {
                return Err(sql_error("22012", "division by zero"));
            }
            let factor = if self.divide { 1.0 / number } else { number };
            let parts = Parts {
                months: f64::from(months) * factor,
                days: f64::from(days) * factor,
                micros: micros as f64 * factor,
            };
            let scaled = parts.settle().and_then(|(months, days, micros)| {
                Some(IntervalMonthDayNano::new(months, days, micros.checked_mul(1_000)?))
            });
            scaled.map(Some).ok_or_else(|| sql_error("22008", "interval out of range"))
        });
        Ok(ColumnarValue::Array(Arc::new(scaled.collect::<Result<IntervalMonthDayNanoArray>>()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn intervals_are_read_as_postgresql_reads_them() {
        let hour = 3_600_000_000_i64;
        for (text, wanted) in [
            ("1 day 02:03:04", Some((0, 1, 2 * hour + 3 * 60_000_000 + 4_000_000))),
            ("1 02:00", Some((0, 1, 2 * hour))),
            ("15 MINUTES", Some((0, 0, 900_000_000))),
            ("1 year 2 mons", Some((14, 0, 0))),
            ("1.5 days", Some((0, 1, 12 * hour))),
            ("2 weeks ago", Some((0, -14, 0))),
            ("-1h", Some((0, 0, -hour))),
            ("P1DT2H", Some((0, 1, 2 * hour))),
            ("10", Some((0, 0, 10_000_000))),
            ("1.5 months", Some((1, 15, 0))),
            ("1-2", Some((14, 0, 0))),
            ("-1-2 3 4:00", Some((-14, 3, 4 * hour))),
            ("", None),
            ("soon", None),
            ("1 parsec", None),
        ] {
            assert_eq!(parse(text, "seconds"), wanted, "{text}");
        }
    }
}
