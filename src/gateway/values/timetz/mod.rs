//! `time with time zone`: a time of day and how far its zone is from UTC. Values are kept as bytes whose order is PostgreSQL's: that
//! of the moments in UTC, then that of the zones from east to west.

mod functions;
mod operators;
mod read;

use chrono::{NaiveDate, NaiveTime, Offset as _, TimeDelta, Utc};
use datafusion::arrow::array::timezone::Tz;
use datafusion::arrow::datatypes::DataType;

use super::super::error::SqlError;
use super::zones::{local, offset_at};
pub(super) use functions::{array, functions, values};
pub(crate) use operators::operator;
pub(super) use operators::{cast_away, read_literals};
pub(crate) use read::read;

/// What carries the values; nothing else is carried so.
pub(crate) const KIND: DataType = DataType::FixedSizeBinary(WIDTH);
pub(crate) const WIDTH: i32 = 12;

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;
/// Zones are less than so many seconds away from UTC.
const FURTHEST: i32 = 16 * 3_600;

/// A time of day in a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimeTz {
    /// Microseconds since midnight; a whole day is 24:00.
    pub micros: i64,
    /// Seconds west of UTC.
    pub west: i32,
}

impl TimeTz {
    /// The bytes that are kept.
    pub(crate) fn keep(self) -> [u8; WIDTH as usize] {
        // With the sign turned over, a larger number has larger bytes.
        let utc = (self.utc() ^ i64::MIN).to_be_bytes();
        let west = (self.west ^ i32::MIN).to_be_bytes();
        let mut kept = [0; WIDTH as usize];
        for (place, byte) in kept.iter_mut().zip(utc.into_iter().chain(west)) {
            *place = byte;
        }
        kept
    }

    /// The value of kept bytes.
    pub(crate) fn of(kept: &[u8]) -> Option<Self> {
        let (utc, west) = kept.split_at_checked(8)?;
        let utc = i64::from_be_bytes(utc.try_into().ok()?) ^ i64::MIN;
        let west = i32::from_be_bytes(west.try_into().ok()?) ^ i32::MIN;
        Some(Self { micros: utc.checked_sub(i64::from(west).checked_mul(SECOND)?)?, west })
    }

    /// The value of what `timetz_send` writes; an error for a time or zone that there is not.
    pub(crate) fn receive(raw: &[u8]) -> Result<Option<Self>, SqlError> {
        let Some((micros, west)) = raw.split_at_checked(8) else { return Ok(None) };
        let (Ok(micros), Ok(west)) = (micros.try_into(), west.try_into()) else { return Ok(None) };
        let (micros, west) = (i64::from_be_bytes(micros), i32::from_be_bytes(west));
        if !(0..=DAY).contains(&micros) {
            return Err(SqlError::new("22008", "time out of range"));
        }
        if west.checked_abs().is_none_or(|away| away >= FURTHEST) {
            return Err(SqlError::new("22009", "time zone displacement out of range"));
        }
        Ok(Some(Self { micros, west }))
    }

    /// Microseconds from midnight in UTC; less than none, or more than a day's, for the days beside it.
    pub(super) fn utc(self) -> i64 {
        self.micros.saturating_add(i64::from(self.west).saturating_mul(SECOND))
    }

    /// The same moment of the day elsewhere.
    fn moved(self, west: i32) -> Self {
        let micros = self.utc().saturating_sub(i64::from(west).saturating_mul(SECOND)).rem_euclid(DAY);
        Self { micros, west }
    }

    /// Rounded to so many digits of a second, of which there are at most six.
    fn rounded(self, digits: u32) -> Self {
        let unit = 10_i64.pow(6_u32.saturating_sub(digits));
        let micros = self.micros.saturating_add(unit / 2) / unit * unit;
        Self { micros, ..self }
    }

    /// A moment's time in a zone.
    fn at(moment: i64, zone: Tz) -> Option<Self> {
        let (at, _, east) = local(moment, zone)?;
        Some(Self { micros: at.and_utc().timestamp_micros().rem_euclid(DAY), west: -east })
    }

    /// A time without a zone is one of today in that zone.
    pub(super) fn of_today(micros: i64, zone: Tz) -> Option<Self> {
        let today = Utc::now().with_timezone(&zone).date_naive();
        Some(Self { micros, west: west_on(today, micros, zone)? })
    }

    /// The same moment of the day in a zone, as far from UTC as that is now.
    pub(super) fn in_zone(self, zone: Tz) -> Self {
        let east = Utc::now().with_timezone(&zone).offset().fix().local_minus_utc();
        self.moved(-east)
    }
}

/// Seconds that a zone is west of UTC at a local time. The time is counted in microseconds.
fn west_on(day: NaiveDate, micros: i64, zone: Tz) -> Option<i32> {
    let at = day.and_time(NaiveTime::MIN).checked_add_signed(TimeDelta::microseconds(micros))?;
    offset_at(at, zone).map(i32::wrapping_neg)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As PostgreSQL 15 orders them.
    #[test]
    fn bytes_have_the_order_of_the_values() {
        let hour = 3_600 * SECOND;
        let time = |micros, west| TimeTz { micros, west };
        let ordered = [
            time(0, -15 * 3_600),
            time(4 * hour, -3 * 3_600),
            time(2 * hour, -3_600),
            time(hour, 0),
            time(0, 3_600),
            time(4 * hour, 0),
            time(DAY, 15 * 3_600),
        ];
        for pair in ordered.windows(2) {
            assert!(pair[0].keep() < pair[1].keep(), "{pair:?}");
        }
        for value in ordered {
            assert_eq!(TimeTz::of(&value.keep()), Some(value));
        }
        assert_eq!(TimeTz::of(b"short"), None);
    }

    #[test]
    fn what_is_received_is_a_time_of_a_zone() {
        let sent = |micros: i64, west: i32| [&micros.to_be_bytes()[..], &west.to_be_bytes()[..]].concat();
        assert_eq!(TimeTz::receive(&sent(DAY, -3_600)).unwrap(), Some(TimeTz { micros: DAY, west: -3_600 }));
        assert_eq!(TimeTz::receive(&sent(DAY + 1, 0)).unwrap_err().sqlstate, "22008");
        assert_eq!(TimeTz::receive(&sent(-1, 0)).unwrap_err().sqlstate, "22008");
        assert_eq!(TimeTz::receive(&sent(0, FURTHEST)).unwrap_err().sqlstate, "22009");
        assert_eq!(TimeTz::receive(&sent(0, i32::MIN)).unwrap_err().sqlstate, "22009");
        assert_eq!(TimeTz::receive(&sent(0, 0)[1..]).unwrap(), None);
    }
}
