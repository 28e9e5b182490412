//! Results as Arrow streams in Snowflake's encoding.

use datafusion::arrow::array::{
    Array, ArrayRef, Decimal128Array, Int8Array, Int16Array, Int32Array, Int64Array, StructArray,
};
use datafusion::arrow::datatypes::{Field, Fields, Schema, SchemaRef};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::ipc::writer::StreamWriter;
use datafusion::arrow::record_batch::{RecordBatch, RecordBatchOptions};
use std::sync::Arc;

use super::rowtype::metadata;
use super::values::{Values, rescale};
use crate::sandbox::protocol::engine::{Column, Failure, SnowflakeType};

/// Minutes that stand for offset zero in a `TIMESTAMP_TZ`.
const OFFSET_ZERO: i32 = 1440;
/// Bytes of the end-of-stream marker.
const EOS_BYTES: usize = 8;

/// How wide a result's whole-number column is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Width {
    One,
    Two,
    Four,
    Eight,
    Decimal,
}

impl Width {
    const ALL: [Self; 4] = [Self::One, Self::Two, Self::Four, Self::Eight];

    /// The least width that holds both ends of a range.
    pub(super) fn holding((low, high): (i128, i128)) -> Self {
        let fits = |width: &Self| {
            let half = 1_i128 << (width.bits() - 1);
            -half <= low && high < half
        };
        Self::ALL.into_iter().find(fits).unwrap_or(Self::Decimal)
    }

    /// This width or a wider one, another for each part: the fault of mixed widths.
    pub(super) fn varied(self, part: usize) -> Self {
        let wider: Vec<Self> = Self::ALL.into_iter().filter(|width| *width >= self).collect();
        part.checked_rem(wider.len()).and_then(|at| wider.get(at)).copied().unwrap_or(self)
    }

    fn bits(self) -> u32 {
        match self {
            Self::One => 8,
            Self::Two => 16,
            Self::Four => 32,
            Self::Eight => 64,
            Self::Decimal => 128,
        }
    }
}

/// One part of a result: the columns' values in batches, and the numbers' widths.
pub(super) fn encode(
    columns: &[Column],
    batches: &[RecordBatch],
    widths: &[Width],
) -> Result<Vec<RecordBatch>, Failure> {
    let mut schema: Option<SchemaRef> = None;
    let mut encoded = Vec::with_capacity(batches.len());
    for batch in batches {
        let mut arrays = Vec::with_capacity(columns.len());
        for ((column, array), width) in columns.iter().zip(batch.columns()).zip(widths) {
            let values = Values::read(column, array)?;
            arrays.push(array_of(column, values, *width)?);
        }
        let schema = schema.get_or_insert_with(|| {
            let field = |(column, array): (&Column, &ArrayRef)| {
                Field::new(&column.name, array.data_type().clone(), true).with_metadata(metadata(column))
            };
            Arc::new(Schema::new(columns.iter().zip(&arrays).map(field).collect::<Vec<_>>()))
        });
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let batch = RecordBatch::try_new_with_options(Arc::clone(schema), arrays, &options);
        encoded.push(batch.map_err(Failure::internal)?);
    }
    Ok(encoded)
}

/// How a stream ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Marked,
    /// Without the end-of-stream marker.
    Open,
}

/// The batches as one IPC stream; nothing for no batches.
pub(super) fn stream(batches: &[RecordBatch], end: End) -> Result<Vec<u8>, Failure> {
    let Some(first) = batches.first() else { return Ok(Vec::new()) };
    let write = || -> Result<Vec<u8>, ArrowError> {
        let mut writer = StreamWriter::try_new(Vec::new(), &first.schema())?;
        for batch in batches {
            writer.write(batch)?;
        }
        writer.into_inner()
    };
    let mut bytes = write().map_err(Failure::internal)?;
    if end == End::Open {
        bytes.truncate(bytes.len().saturating_sub(EOS_BYTES));
    }
    Ok(bytes)
}

fn array_of(column: &Column, values: Values, width: Width) -> Result<ArrayRef, Failure> {
    Ok(match values {
        Values::Text(array) => Arc::new(array),
        Values::Boolean(array) => Arc::new(array),
        Values::Real(array) => Arc::new(array),
        Values::Date(array) => Arc::new(array),
        Values::Binary(array) => Arc::new(array),
        Values::Fixed(numbers) => fixed(column, &numbers, width)?,
        Values::Time { units, digits } => match column.data_type {
            SnowflakeType::Time { scale } => time_of_day(column, &units, digits, scale)?,
            SnowflakeType::TimestampLtz { scale } | SnowflakeType::TimestampNtz { scale } => {
                instant(column, &units, digits, scale)?
            }
            SnowflakeType::TimestampTz { scale } => instant_with_offset(column, &units, digits, scale)?,
            _ => return Err(Failure::internal(format!("column {:?} is not a time", column.name))),
        },
    })
}

fn too_wide<E>(column: &Column) -> impl Fn(E) -> Failure {
    let name = column.name.clone();
    move |_| Failure::new("100046", "22003", format!("Number out of representable range in column {name:?}"))
}

fn fixed(column: &Column, numbers: &Decimal128Array, width: Width) -> Result<ArrayRef, Failure> {
    macro_rules! narrowed {
        ($array:ty, $native:ty) => {{
            let narrow = |number: Option<i128>| number.map(<$native>::try_from).transpose();
            let array: Result<$array, _> = numbers.iter().map(narrow).collect();
            Arc::new(array.map_err(too_wide(column))?)
        }};
    }
    Ok(match width {
        Width::One => narrowed!(Int8Array, i8),
        Width::Two => narrowed!(Int16Array, i16),
        Width::Four => narrowed!(Int32Array, i32),
        Width::Eight => narrowed!(Int64Array, i64),
        Width::Decimal => Arc::new(numbers.clone()),
    })
}

fn time_of_day(column: &Column, units: &Int64Array, digits: u32, scale: u8) -> Result<ArrayRef, Failure> {
    let scaled = units.iter().map(|unit| unit.map(|unit| rescale(unit, digits, u32::from(scale))));
    if scale <= 4 {
        let array: Result<Int32Array, _> = scaled.map(|unit| unit.map(i32::try_from).transpose()).collect();
        return Ok(Arc::new(array.map_err(too_wide(column))?));
    }
    let array: Result<Int64Array, _> = scaled.map(|unit| unit.map(i64::try_from).transpose()).collect();
    Ok(Arc::new(array.map_err(too_wide(column))?))
}

/// Whole seconds and nanoseconds of an instant; NULL rows hold zeros below the struct's own validity.
fn seconds_and_fraction(units: &Int64Array, digits: u32, scale: u8) -> (Int64Array, Int32Array) {
    let parts = |unit: Option<i64>| {
        let cut = rescale(unit.unwrap_or(0), digits, u32::from(scale));
        let nanos = cut * 10_i128.pow(9_u32.saturating_sub(u32::from(scale)));
        // The seconds of an i64 of any unit fit an i64, a remainder below 10^9 an i32.
        (nanos.div_euclid(1_000_000_000) as i64, nanos.rem_euclid(1_000_000_000) as i32)
    };
    let (epoch, fraction): (Vec<i64>, Vec<i32>) = units.iter().map(parts).unzip();
    (Int64Array::from(epoch), Int32Array::from(fraction))
}

fn scaled_epoch(column: &Column, units: &Int64Array, digits: u32, scale: u8) -> Result<Int64Array, Failure> {
    let epoch: Result<Int64Array, _> = units
        .iter()
        .map(|unit| unit.map(|unit| i64::try_from(rescale(unit, digits, u32::from(scale)))).transpose())
        .collect();
    epoch.map_err(too_wide(column))
}

fn structured(units: &Int64Array, children: Vec<(&str, ArrayRef)>) -> Result<ArrayRef, Failure> {
    let field = |(name, array): &(&str, ArrayRef)| Field::new(*name, array.data_type().clone(), false);
    let fields: Fields = children.iter().map(field).collect();
    let arrays = children.into_iter().map(|(_, array)| array).collect();
    let array = StructArray::try_new(fields, arrays, units.nulls().cloned()).map_err(Failure::internal)?;
    Ok(Arc::new(array))
}

fn instant(column: &Column, units: &Int64Array, digits: u32, scale: u8) -> Result<ArrayRef, Failure> {
    if scale <= 7 {
        return Ok(Arc::new(scaled_epoch(column, units, digits, scale)?));
    }
    let (epoch, fraction) = seconds_and_fraction(units, digits, scale);
    structured(units, vec![("epoch", Arc::new(epoch)), ("fraction", Arc::new(fraction))])
}

fn instant_with_offset(column: &Column, units: &Int64Array, digits: u32, scale: u8) -> Result<ArrayRef, Failure> {
    let timezone: ArrayRef = Arc::new(Int32Array::from(vec![OFFSET_ZERO; units.len()]));
    if scale <= 3 {
        let epoch = scaled_epoch(column, units, digits, scale)?;
        let zeroed: Int64Array = epoch.iter().map(|value| Some(value.unwrap_or(0))).collect();
        return structured(units, vec![("epoch", Arc::new(zeroed)), ("timezone", timezone)]);
    }
    let (epoch, fraction) = seconds_and_fraction(units, digits, scale);
    structured(units, vec![("epoch", Arc::new(epoch)), ("fraction", Arc::new(fraction)), ("timezone", timezone)])
}
