//! The text form of a time with a zone: `04:05:06.789+02`, `04:05 PM`, `040506Z`, `2026-07-01 04:05 Europe/Berlin`.

use std::str::FromStr as _;

use chrono::{NaiveDate, Utc};
use datafusion::arrow::array::timezone::Tz;

use super::super::super::error::SqlError;
use super::super::super::settings::time_zone;
use super::{DAY, SECOND, TimeTz, west_on};

/// Why a text is none.
#[derive(Debug, PartialEq)]
enum Wrong {
    Form,
    Field,
    Zone,
    Abbreviation(String),
}

/// A value from its text. `zone` is the session's, which a text without a zone is in.
pub(crate) fn read(text: &str, zone: Option<Tz>) -> Result<TimeTz, SqlError> {
    parse(text, zone).map_err(|wrong| match wrong {
        Wrong::Form => SqlError::new("22007", format!("invalid input syntax for type time with time zone: \"{text}\"")),
        Wrong::Field => SqlError::new("22008", format!("date/time field value out of range: \"{text}\"")),
        Wrong::Zone => SqlError::new("22009", format!("time zone displacement out of range: \"{text}\"")),
        Wrong::Abbreviation(name) => {
            SqlError::unsupported(format!("the time zone abbreviation \"{name}\" is not supported in a time"))
                .with_hint("Write the distance from UTC, as in 04:05:06-08.")
        }
    })
}

fn parse(text: &str, session: Option<Tz>) -> Result<TimeTz, Wrong> {
    let session = session.or_else(|| Tz::from_str("UTC").ok()).ok_or(Wrong::Form)?;
    let text = text.trim();
    match text.to_ascii_lowercase().as_str() {
        "allballs" => return Ok(TimeTz { micros: 0, west: 0 }),
        "now" => return TimeTz::at(Utc::now().timestamp_micros(), session).ok_or(Wrong::Field),
        _ => {}
    }
    let dated = text.split_once(char::is_whitespace).and_then(|(day, rest)| {
        let day = NaiveDate::parse_from_str(day, "%Y-%m-%d").ok()?;
        Some((day, rest.trim_start()))
    });
    let (day, text) = dated.map_or((None, text), |(day, rest)| (Some(day), rest));
    let text = text.strip_prefix(['T', 't']).unwrap_or(text);
    let end = text.find(|c: char| !c.is_ascii_digit() && !matches!(c, ':' | '.')).unwrap_or(text.len());
    let (clock, rest) = text.split_at_checked(end).ok_or(Wrong::Form)?;
    let (afternoon, rest) = half_of_day(rest.trim_start());
    let micros = micros(clock, afternoon)?;
    let rest = rest.trim();
    let west = if rest.is_empty() {
        let day = day.unwrap_or_else(|| Utc::now().with_timezone(&session).date_naive());
        west_on(day, micros, session).ok_or(Wrong::Field)?
    } else if let Some(east) = rest.strip_prefix('+') {
        -away(east)?
    } else if let Some(west) = rest.strip_prefix('-') {
        away(west)?
    } else if matches!(rest.to_ascii_lowercase().as_str(), "z" | "zulu" | "utc" | "uct" | "ut" | "gmt") {
        0
    } else {
        let known = time_zone(rest).and_then(|name| Tz::from_str(&name).ok());
        match (known, day) {
            // A zone with a name is somewhere on a certain day only.
            (Some(zone), Some(day)) => west_on(day, micros, zone).ok_or(Wrong::Field)?,
            _ if rest.len() <= 5 && rest.bytes().all(|byte| byte.is_ascii_alphabetic()) => {
                return Err(Wrong::Abbreviation(rest.to_owned()));
            }
            _ => return Err(Wrong::Form),
        }
    };
    Ok(TimeTz { micros, west })
}

/// `AM` or `PM` at the start of a text, and what is behind it.
fn half_of_day(text: &str) -> (Option<bool>, &str) {
    let Some((word, rest)) = text.split_at_checked(2) else { return (None, text) };
    let ends = !rest.starts_with(|c: char| c.is_ascii_alphanumeric());
    match word.to_ascii_lowercase().as_str() {
        "am" if ends => (Some(false), rest),
        "pm" if ends => (Some(true), rest),
        _ => (None, text),
    }
}

fn number(text: &str) -> Result<i64, Wrong> {
    let is_number = !text.is_empty() && text.len() <= 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number).ok_or(Wrong::Form)
}

/// The microseconds of `h:m`, `h:m:s.f`, `hhmm` or `hhmmss.f`.
fn micros(clock: &str, afternoon: Option<bool>) -> Result<i64, Wrong> {
    let (whole, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let fields: Vec<&str> = if whole.contains(':') {
        whole.split(':').collect()
    } else {
        let pair = |at: usize| whole.get(at..at.saturating_add(2)).ok_or(Wrong::Form);
        match whole.len() {
            4 => vec![pair(0)?, pair(2)?],
            6 => vec![pair(0)?, pair(2)?, pair(4)?],
            _ => return Err(Wrong::Form),
        }
    };
    let (hour, minute, second) = match fields.as_slice() {
        [hour, minute] if fraction.is_empty() => (number(hour)?, number(minute)?, 0),
        [hour, minute, second] => (number(hour)?, number(minute)?, number(second)?),
        _ => return Err(Wrong::Form),
    };
    let part: f64 = if fraction.is_empty() { 0.0 } else { format!("0.{fraction}").parse().map_err(|_| Wrong::Form)? };
    let hour = match afternoon {
        Some(_) if hour > 12 => return Err(Wrong::Field),
        Some(false) if hour == 12 => 0,
        Some(true) if hour < 12 => hour.saturating_add(12),
        _ => hour,
    };
    if minute > 59 || second > 60 {
        return Err(Wrong::Field);
    }
    let micros = (hour * 3_600 + minute * 60 + second) * SECOND + (part * 1e6).round() as i64;
    if micros > DAY { Err(Wrong::Field) } else { Ok(micros) }
}

/// Seconds from UTC: `3`, `03`, `0330`, `03:30`, `03:30:15`.
fn away(text: &str) -> Result<i32, Wrong> {
    let fields: Vec<&str> = match text.len() {
        _ if text.contains(':') => Some(text.split(':').collect()),
        3 | 4 => text.split_at_checked(text.len().saturating_sub(2)).map(|(hour, minute)| vec![hour, minute]),
        _ => Some(vec![text]),
    }
    .unwrap_or_default();
    let (hour, minute, second) = match fields.as_slice() {
        [hour] => (number(hour)?, 0, 0),
        [hour, minute] => (number(hour)?, number(minute)?, 0),
        [hour, minute, second] => (number(hour)?, number(minute)?, number(second)?),
        _ => return Err(Wrong::Form),
    };
    if hour > 15 || minute > 59 || second > 59 {
        return Err(Wrong::Zone);
    }
    i32::try_from(hour * 3_600 + minute * 60 + second).map_err(|_| Wrong::Zone)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: i64, minute: i64, micros: i64, west: i32) -> Result<TimeTz, Wrong> {
        Ok(TimeTz { micros: (hour * 60 + minute) * 60 * SECOND + micros, west })
    }

    /// As PostgreSQL 15 reads them.
    #[test]
    fn times_with_zones_are_read_as_postgresql_reads_them() {
        for (text, wanted) in [
            ("04:05:06", at(4, 5, 6 * SECOND, 0)),
            ("04:05:06.123456789 -08:00", at(4, 5, 6_123_457, 8 * 3_600)),
            ("24:00:00+00", at(24, 0, 0, 0)),
            ("04:05+15:59:59", at(4, 5, 0, -(15 * 3_600 + 59 * 60 + 59))),
            ("2024-07-01 04:05 America/New_York", at(4, 5, 0, 4 * 3_600)),
            ("2024-01-01 04:05 America/New_York", at(4, 5, 0, 5 * 3_600)),
            ("04:05Z", at(4, 5, 0, 0)),
            ("04:05 PM", at(16, 5, 0, 0)),
            ("12:05 AM+01", at(0, 5, 0, -3_600)),
            ("4:5:6 pm -3", at(16, 5, 6 * SECOND, 3 * 3_600)),
            ("T040506", at(4, 5, 6 * SECOND, 0)),
            ("040506+0230", at(4, 5, 6 * SECOND, -9_000)),
            ("0405", at(4, 5, 0, 0)),
            ("04:05-330", at(4, 5, 0, 12_600)),
            ("04:05:60+00", at(4, 6, 0, 0)),
            ("allballs", at(0, 0, 0, 0)),
            ("24:00:01+00", Err(Wrong::Field)),
            ("25:00:00+00", Err(Wrong::Field)),
            ("04:60:00+00", Err(Wrong::Field)),
            ("13:00 pm", Err(Wrong::Field)),
            ("04:05+16", Err(Wrong::Zone)),
            ("04:05+15:60", Err(Wrong::Zone)),
            ("04:05 America/New_York", Err(Wrong::Form)),
            ("2024-01-02T03:04:05+01", Err(Wrong::Form)),
            ("04:05 +03 x", Err(Wrong::Form)),
            ("1:2:3:4", Err(Wrong::Form)),
            ("123456789", Err(Wrong::Form)),
            ("-04:05", Err(Wrong::Form)),
            ("4 pm", Err(Wrong::Form)),
            ("x", Err(Wrong::Form)),
            ("", Err(Wrong::Form)),
        ] {
            assert_eq!(parse(text, None), wanted, "{text}");
        }
    }

    #[test]
    fn a_time_without_a_zone_is_in_that_of_the_session() {
        let zone = Tz::from_str("America/New_York").ok();
        assert_eq!(parse("2024-07-01 04:05", zone), at(4, 5, 0, 4 * 3_600));
        assert_eq!(parse("2024-01-01 04:05", zone), at(4, 5, 0, 5 * 3_600));
        // The clock is put forward at two, and back at two.
        assert_eq!(parse("2024-03-10 02:30", zone), at(2, 30, 0, 5 * 3_600));
        assert_eq!(parse("2024-11-03 01:30", zone), at(1, 30, 0, 5 * 3_600));
    }
}
