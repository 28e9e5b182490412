//! Deviations and variances of exact numbers, which PostgreSQL computes exactly (`numeric_stddev_internal`), where the planner
//! computes them in floating point.

use std::any::Any;
use std::mem::size_of_val;
use std::sync::{Arc, LazyLock};

use datafusion::arrow::array::{ArrayRef, AsArray as _};
use datafusion::arrow::datatypes::{
    DataType, Decimal128Type, Decimal256Type, Field, FieldRef, Int32Type, Int64Type, i256,
};
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, Signature, Volatility};

use super::digits::{self, Number, overflow, power_of_ten, whole_root};
use super::numerics::{DEVIATION, VARIANCE, VARIANCE_SHORT, fitting, is_open};

/// What squares are added up in.
const SUMS: DataType = DataType::Decimal256(76, 0);
/// Whole numbers of 32 bits.
pub(super) const SHORT: DataType = DataType::Decimal128(10, 0);
/// Whole numbers of 64 bits.
pub(super) const LONG: DataType = DataType::Decimal128(20, 0);

/// The aggregate of exact numbers that has the planner's `name`.
pub(super) fn exact(name: &str) -> Option<Arc<AggregateUDF>> {
    static KNOWN: LazyLock<[Arc<AggregateUDF>; 4]> =
        LazyLock::new(|| ["stddev", "stddev_pop", "var", "var_pop"].map(|name| deviation(name, name, false)));
    KNOWN.iter().find(|known| known.name() == name).map(Arc::clone)
}

/// The aggregate that gives what [`exact`] computes as text, with PostgreSQL's digits; `None` of any other aggregate.
pub(super) fn printed(aggregate: &AggregateUDF) -> Option<Arc<AggregateUDF>> {
    let any: &dyn Any = aggregate.inner().as_ref();
    let of = any.downcast_ref::<Deviation>().filter(|of| !of.is_text)?;
    let text = match of.name {
        "stddev" => "stddev_text",
        "stddev_pop" => "stddev_pop_text",
        "var" => "var_text",
        _ => "var_pop_text",
    };
    Some(deviation(of.name, text, true))
}

/// The aggregate that computes as `of` says.
fn deviation(of: &str, name: &'static str, is_text: bool) -> Arc<AggregateUDF> {
    Arc::new(AggregateUDF::new_from_impl(Deviation {
        name,
        is_root: of.starts_with("stddev"),
        of_all: of.ends_with("_pop"),
        is_text,
        signature: Signature::any(1, Volatility::Immutable),
    }))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Deviation {
    name: &'static str,
    /// The root of the variance.
    is_root: bool,
    /// Of a whole population, not of a sample.
    of_all: bool,
    /// Shown, not computed with.
    is_text: bool,
    signature: Signature,
}

impl AggregateUDFImpl for Deviation {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        Ok(match arguments {
            _ if self.is_text => DataType::Utf8,
            _ if self.is_root => DEVIATION,
            [argument] if *argument == SHORT => VARIANCE_SHORT,
            _ => VARIANCE,
        })
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        if args.is_distinct {
            return Err(DataFusionError::NotImplemented(format!("{}(DISTINCT) beside another aggregate", self.name)));
        }
        let (scale, is_open) = match args.expr_fields.first().map(|field| field.data_type()) {
            Some(kind @ DataType::Decimal128(_, scale)) => (*scale, is_open(kind)),
            _ => return Err(DataFusionError::Internal("a deviation of what is not exact".to_owned())),
        };
        Ok(Box::new(Sums {
            is_root: self.is_root,
            of_all: self.of_all,
            scale,
            is_open,
            shown: 0,
            result: args.return_type().clone(),
            count: 0,
            sum: i256::ZERO,
            squares: i256::ZERO,
        }))
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let field = |name: &str, kind| Arc::new(Field::new(format!("{}[{name}]", args.name), kind, true));
        Ok(vec![
            field("count", DataType::Int64),
            field("sum", SUMS),
            field("squares", SUMS),
            field("shown", DataType::Int32),
        ])
    }
}

/// What was seen so far.
#[derive(Debug)]
struct Sums {
    is_root: bool,
    of_all: bool,
    /// Digits after the point of the arguments.
    scale: i8,
    /// Whether the arguments have their own numbers of digits, of which `shown` is the greatest.
    is_open: bool,
    shown: i32,
    result: DataType,
    count: i64,
    sum: i256,
    squares: i256,
}

impl Sums {
    fn add(&mut self, count: i64, sum: i256, squares: i256) -> Result<()> {
        self.count = self.count.checked_add(count).ok_or_else(overflow)?;
        self.sum = self.sum.checked_add(sum).ok_or_else(overflow)?;
        self.squares = self.squares.checked_add(squares).ok_or_else(overflow)?;
        Ok(())
    }

    fn each(&mut self, values: &[ArrayRef], sign: i64) -> Result<()> {
        let Some(values) = values.first() else { return Ok(()) };
        for value in values.as_primitive::<Decimal128Type>().iter().flatten() {
            let value = i256::from_i128(value);
            let square = value.checked_mul(value).ok_or_else(overflow)?;
            if self.is_open && self.result == DataType::Utf8 {
                self.shown = self.shown.max(Number::trimmed(value, self.scale.into()));
            }
            if sign < 0 {
                self.add(-1, value.wrapping_neg(), square.wrapping_neg())?;
            } else {
                self.add(1, value, square)?;
            }
        }
        Ok(())
    }

    /// The variance as a fraction, whose upper part has twice the digits of the arguments behind its point; `None` of too few
    /// values.
    fn variance(&self) -> Result<Option<(i256, i256)>> {
        let count = i256::from_i128(i128::from(self.count));
        let others = if self.of_all { count } else { count.wrapping_sub(i256::ONE) };
        if others <= i256::ZERO {
            return Ok(None);
        }
        let difference = || count.checked_mul(self.squares)?.checked_sub(self.sum.checked_mul(self.sum)?);
        let below = count.checked_mul(others).ok_or_else(overflow)?;
        Ok(Some((difference().ok_or_else(overflow)?, below)))
    }

    /// The text, as PostgreSQL rounds it.
    fn text(&self) -> Result<Option<String>> {
        let Some((above, below)) = self.variance()? else { return Ok(None) };
        if above <= i256::ZERO {
            return Ok(Some("0".to_owned()));
        }
        let scale = i32::from(self.scale).saturating_mul(2);
        let shown = if self.is_open { self.shown.saturating_mul(2) } else { scale };
        let found = digits::quotient(Number { value: above, scale, shown }, Number::new(below, 0))?;
        let found = if self.is_root { digits::root(found, found.scale)? } else { found };
        found.text().map(Some)
    }

    fn value(&self, scale: i8) -> Result<Option<i128>> {
        let Some((above, below)) = self.variance()? else { return Ok(None) };
        let unit = power_of_ten(u32::from(self.scale.unsigned_abs()).saturating_mul(2))?;
        let below = below.checked_mul(unit).ok_or_else(overflow)?;
        let digits = u32::from(scale.unsigned_abs());
        let found = if self.is_root {
            root_of(above, below, digits)?
        } else {
            // Half up: a variance is not negative.
            let half = below.checked_div(i256::from_i128(2)).ok_or_else(overflow)?;
            let scaled = above.checked_mul(power_of_ten(digits)?).and_then(|scaled| scaled.checked_add(half));
            scaled.and_then(|scaled| scaled.checked_div(below)).ok_or_else(overflow)?
        };
        fitting(found.to_i128()).map(Some)
    }
}

/// The root of a fraction with as many digits after its point as there is room for, at most `digits`; the others are zeros.
fn root_of(above: i256, below: i256, digits: u32) -> Result<i256> {
    for exact in (0..=digits).rev() {
        let scaled = power_of_ten(exact.saturating_mul(2)).ok().and_then(|factor| above.checked_mul(factor));
        if let Some(square) = scaled.and_then(|scaled| scaled.checked_div(below)) {
            return whole_root(square).checked_mul(power_of_ten(digits.saturating_sub(exact))?).ok_or_else(overflow);
        }
    }
    Err(overflow())
}

impl Accumulator for Sums {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.each(values, 1)
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.each(values, -1)
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        if self.result == DataType::Utf8 {
            return Ok(ScalarValue::Utf8(self.text()?));
        }
        let DataType::Decimal128(precision, scale) = self.result else { return Err(overflow()) };
        Ok(ScalarValue::Decimal128(self.value(scale)?, precision, scale))
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let sum = |value| ScalarValue::Decimal256(Some(value), 76, 0);
        let count = ScalarValue::Int64(Some(self.count));
        Ok(vec![count, sum(self.sum), sum(self.squares), ScalarValue::Int32(Some(self.shown))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let [counts, sums, squares, shown] = states else { return Err(overflow()) };
        let counts = counts.as_primitive::<Int64Type>();
        let (sums, squares) = (sums.as_primitive::<Decimal256Type>(), squares.as_primitive::<Decimal256Type>());
        let shown = shown.as_primitive::<Int32Type>();
        for row in 0..counts.len() {
            self.shown = self.shown.max(shown.value(row));
            self.add(counts.value(row), sums.value(row), squares.value(row))?;
        }
        Ok(())
    }
}
