//! Time zones: `timezone(zone, moment)`, which `AT TIME ZONE` stands for, and moments in the session's zone.

use std::str::FromStr as _;
use std::sync::Arc;

use chrono::{DateTime, NaiveDateTime, Offset as _, TimeDelta, TimeZone as _};
use datafusion::arrow::array::timezone::Tz;
use datafusion::arrow::array::{Array as _, ArrayRef, AsArray as _, TimestampMicrosecondArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{
    DataType, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalUnit, Time64MicrosecondType, TimeUnit,
    TimestampMicrosecondType,
};
use datafusion::common::ScalarValue;
use datafusion::config::ConfigOptions;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::super::pgcatalog::errors::sql_error;
use super::super::settings::{offset_of, time_zone};
use super::timetz::{self, TimeTz};

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
    local.and_utc().timestamp_micros().checked_sub(i64::from(offset_at(local, zone)?).checked_mul(1_000_000)?)
}

/// Seconds that a zone is east of UTC at a local time: of a time that comes twice the later, of one that a clock skips as before.
pub(super) fn offset_at(local: NaiveDateTime, zone: Tz) -> Option<i32> {
    let offset = match zone.offset_from_local_datetime(&local).latest() {
        Some(offset) => offset,
        None => zone.offset_from_utc_datetime(&local.checked_sub_signed(TimeDelta::days(1))?),
    };
    Some(offset.fix().local_minus_utc())
}

/// The zone of AT TIME ZONE. A bare distance is POSIX's there: `-05` is five hours east.
fn zone_at(name: &str) -> Option<Tz> {
    let name = name.trim();
    let turned = match name.split_at_checked(1) {
        Some(("+", rest)) => Some(format!("-{rest}")),
        Some(("-", rest)) => Some(rest.to_owned()),
        _ if name.starts_with(|first: char| first.is_ascii_digit()) => Some(format!("-{name}")),
        _ => None,
    };
    let known = time_zone(turned.as_deref().unwrap_or(name))?;
    Tz::from_str(offset_of(&known).as_deref().unwrap_or(&known)).ok()
}

/// The zone that an interval of hours, minutes and seconds is.
fn zone_of_interval(interval: IntervalMonthDayNano) -> Result<Tz> {
    let seconds = interval.nanoseconds / 1_000_000_000;
    if interval.months != 0 || interval.days != 0 {
        return Err(sql_error("22023", "interval time zone must not include months or days"));
    }
    let (sign, away) = (if seconds < 0 { '-' } else { '+' }, seconds.unsigned_abs());
    let known = Tz::from_str(&format!("{sign}{:02}:{:02}", away / 3_600, away / 60 % 60)).ok();
    known.filter(|_| away % 60 == 0).ok_or_else(|| sql_error("0A000", "a zone of that many seconds is not supported"))
}

pub(super) fn functions() -> Vec<ScalarUDF> {
    vec![ScalarUDF::new_from_impl(TimeZone::new(false))]
}

/// The local time of a moment in the session's zone, or the moment of a local time there.
pub(super) fn in_zone(zone: &str, time: Expr) -> Expr {
    let zone = Expr::Literal(ScalarValue::Utf8(Some(zone.to_owned())), None);
    ScalarUDF::new_from_impl(TimeZone::new(true)).call(vec![zone, time])
}

/// A local time without a zone for a moment, and a moment for a local time.
#[derive(Debug, PartialEq, Eq, Hash)]
struct TimeZone {
    /// Whether the zone is a session's, as that keeps it.
    kept: bool,
    signature: Signature,
}

fn micros(zone: Option<&str>) -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, zone.map(Into::into))
}

impl TimeZone {
    fn new(kept: bool) -> Self {
        Self { kept, signature: Signature::user_defined(Volatility::Immutable) }
    }

    fn named(&self, name: &str) -> Result<Tz> {
        let found = if self.kept { Tz::from_str(name).ok() } else { zone_at(name) };
        found.ok_or_else(|| sql_error("22023", format!("time zone \"{name}\" not recognized")))
    }

    /// The zone of each row that has a time.
    fn zones(&self, zones: &ArrayRef, times: &ArrayRef) -> Result<Vec<Option<Tz>>> {
        let rows = (0..times.len()).map(|row| (!zones.is_null(row) && !times.is_null(row)).then_some(row));
        if let Some(intervals) = zones.as_primitive_opt::<IntervalMonthDayNanoType>() {
            return rows.map(|row| row.map(|row| zone_of_interval(intervals.value(row))).transpose()).collect();
        }
        let names = cast(zones, &DataType::Utf8)?;
        let names = names.as_string::<i32>();
        // It is mostly the same one.
        let mut last: Option<(&str, Tz)> = None;
        let found = rows.map(|row| {
            let Some(name) = row.map(|row| names.value(row)) else { return Ok(None) };
            let zone = match last {
                Some((known, zone)) if known == name => zone,
                _ => self.named(name)?,
            };
            last = Some((name, zone));
            Ok(Some(zone))
        });
        found.collect()
    }
}

/// Times with or without a zone, in others.
fn times_in(zones: Vec<Option<Tz>>, times: &ArrayRef, session: Tz) -> Result<ArrayRef> {
    let times = match times.data_type() {
        DataType::Time64(_) => {
            let times = times.as_primitive::<Time64MicrosecondType>().iter();
            times.map(|time| time.and_then(|micros| TimeTz::of_today(micros, session))).collect()
        }
        _ => timetz::values(times)?,
    };
    timetz::array(
        zones.into_iter().zip(times).map(|(zone, time)| Ok(zone.zip(time).map(|(zone, time)| time.in_zone(zone)))),
    )
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
            Some(DataType::Time64(_)) => timetz::KIND,
            Some(kind) if *kind == timetz::KIND => timetz::KIND,
            _ => micros(None),
        })
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        let [zone, moment] = arguments else {
            return Err(sql_error("42883", "function timezone takes a zone and a time"));
        };
        let zone = match zone {
            DataType::Interval(_) => DataType::Interval(IntervalUnit::MonthDayNano),
            _ => DataType::Utf8,
        };
        let moment = match moment {
            DataType::Time32(_) | DataType::Time64(_) => DataType::Time64(TimeUnit::Microsecond),
            kind if *kind == timetz::KIND => timetz::KIND,
            DataType::Timestamp(_, None) => micros(None),
            _ => micros(Some("+00:00")),
        };
        Ok(vec![zone, moment])
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [zones, moments] = args.args.as_slice() else {
            return Err(DataFusionError::Internal("two arguments".to_owned()));
        };
        let moments = moments.to_array(args.number_rows)?;
        let zones = self.zones(&zones.to_array(args.number_rows)?, &moments)?;
        if !matches!(moments.data_type(), DataType::Timestamp(..)) {
            return times_in(zones, &moments, session_zone(&args)).map(ColumnarValue::Array);
        }
        let zoned = matches!(moments.data_type(), DataType::Timestamp(_, Some(_)));
        let moments = cast(&moments, &micros(zoned.then_some("+00:00")))?;
        let pairs = zones.into_iter().zip(moments.as_primitive::<TimestampMicrosecondType>());
        let found = pairs.map(|(zone, moment)| {
            let (Some(zone), Some(moment)) = (zone, moment) else { return Ok(None) };
            let found = if zoned {
                local(moment, zone).map(|(at, ..)| at.and_utc().timestamp_micros())
            } else {
                DateTime::from_timestamp_micros(moment).and_then(|at| global(at.naive_utc(), None, zone))
            };
            found.map(Some).ok_or_else(|| sql_error("22008", "timestamp out of range"))
        });
        let found = found.collect::<Result<TimestampMicrosecondArray>>()?;
        let found = if zoned { found } else { found.with_timezone("+00:00") };
        Ok(ColumnarValue::Array(Arc::new(found)))
    }
}
