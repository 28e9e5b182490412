//! Time zones: `timezone(zone, moment)`, which `AT TIME ZONE` stands for, and moments in the session's zone.

use std::str::FromStr as _;
use std::sync::Arc;

use chrono::{DateTime, NaiveDateTime, Offset as _, TimeZone as _};
use datafusion::arrow::array::timezone::Tz;
use datafusion::arrow::array::{AsArray as _, TimestampMicrosecondArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use datafusion::common::ScalarValue;
use datafusion::config::ConfigOptions;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::super::pgcatalog::errors::sql_error;
use super::super::settings::time_zone;

/// The session's zone.
pub(super) fn session_zone(args: &ScalarFunctionArgs) -> Tz {
    zone_of(&args.config_options)
}

/// The zone of a session with these options.
pub(super) fn zone_of(options: &ConfigOptions) -> Tz {
    let name = options.execution.time_zone.as_deref().unwrap_or("UTC");
    Tz::from_str(name).or_else(|_| Tz::from_str("+00:00")).unwrap_or_else(|_| utc())
}

fn utc() -> Tz {
    // chrono's offset of nothing; arrow reads it always.
    #[expect(clippy::unwrap_used, reason = "a constant that is a zone")]
    Tz::from_str("+00:00").unwrap()
}

/// A moment in a zone: its local time, the zone's abbreviation, seconds east of UTC.
pub(crate) fn local(micros: i64, zone: Tz) -> Option<(NaiveDateTime, String, i32)> {
    let utc = DateTime::from_timestamp_micros(micros)?.naive_utc();
    let offset = zone.offset_from_utc_datetime(&utc);
    let seconds = offset.fix().local_minus_utc();
    let word = if seconds == 0 { "UTC".to_owned() } else { offset.to_string() };
    Some((utc.checked_add_offset(offset.fix())?, word, seconds))
}

/// The microseconds since 1970 of a local time in a zone.
pub(super) fn global(local: NaiveDateTime, offset: Option<i32>, zone: Tz) -> Option<i64> {
    if let Some(seconds) = offset {
        return local.and_utc().timestamp_micros().checked_sub(i64::from(seconds).checked_mul(1_000_000)?);
    }
    Some(zone.from_local_datetime(&local).earliest()?.timestamp_micros())
}

pub(super) fn functions() -> Vec<ScalarUDF> {
    vec![ScalarUDF::new_from_impl(TimeZone { signature: Signature::user_defined(Volatility::Immutable) })]
}

/// The local time of a moment in a zone, or the moment of a local time there.
pub(super) fn in_zone(zone: &str, time: Expr) -> Expr {
    let function = TimeZone { signature: Signature::user_defined(Volatility::Immutable) };
    let zone = Expr::Literal(ScalarValue::Utf8(Some(zone.to_owned())), None);
    ScalarUDF::new_from_impl(function).call(vec![zone, time])
}

/// A local time without a zone for a moment, and a moment for a local time.
#[derive(Debug, PartialEq, Eq, Hash)]
struct TimeZone {
    signature: Signature,
}

fn micros(zone: Option<&str>) -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, zone.map(Into::into))
}

impl ScalarUDFImpl for TimeZone {
    fn name(&self) -> &'static str {
        "timezone"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        Ok(match arguments.last() {
            Some(DataType::Timestamp(_, None)) => micros(Some("+00:00")),
            _ => micros(None),
        })
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        let [_, moment] = arguments else {
            return Err(sql_error("42883", "function timezone takes a zone and a time"));
        };
        let zoned = !matches!(moment, DataType::Timestamp(_, None));
        Ok(vec![DataType::Utf8, micros(zoned.then_some("+00:00"))])
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [zones, moments] = args.args.as_slice() else {
            return Err(DataFusionError::Internal("two arguments".to_owned()));
        };
        let zones = cast(&zones.to_array(args.number_rows)?, &DataType::Utf8)?;
        let moments = moments.to_array(args.number_rows)?;
        let zoned = matches!(moments.data_type(), DataType::Timestamp(_, Some(_)));
        let moments = cast(&moments, &micros(zoned.then_some("+00:00")))?;
        let pairs = zones.as_string::<i32>().iter().zip(moments.as_primitive::<TimestampMicrosecondType>());
        let found = pairs.map(|(zone, moment)| {
            let (Some(zone), Some(moment)) = (zone, moment) else { return Ok(None) };
            let unknown = || sql_error("22023", format!("time zone \"{zone}\" not recognized"));
            let known = time_zone(zone).and_then(|zone| Tz::from_str(&zone).ok()).ok_or_else(unknown)?;
            let found = if zoned {
                local(moment, known).map(|(at, ..)| at.and_utc().timestamp_micros())
            } else {
                DateTime::from_timestamp_micros(moment).and_then(|at| global(at.naive_utc(), None, known))
            };
            found.map(Some).ok_or_else(|| sql_error("22008", "timestamp out of range"))
        });
        let found = found.collect::<Result<TimestampMicrosecondArray>>()?;
        let found = if zoned { found } else { found.with_timezone("+00:00") };
        Ok(ColumnarValue::Array(Arc::new(found)))
    }
}
