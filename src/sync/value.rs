//! Reading one value from text: truth values, timestamps, lists.

use chrono::{DateTime, NaiveDate, NaiveDateTime};

/// Reads a truth value in any of the platform's spellings.
pub(super) fn boolean(text: &str) -> Option<bool> {
    let text = text.trim();
    if ["true", "1", "y", "yes", "t", "on"].iter().any(|w| w.eq_ignore_ascii_case(text)) {
        Some(true)
    } else if ["false", "0", "n", "no", "f", "off"].iter().any(|w| w.eq_ignore_ascii_case(text)) {
        Some(false)
    } else {
        None
    }
}

/// Reads a timestamp as microseconds since 1970 UTC.
///
/// Understood: RFC 3339, Snowflake's output formats with or without offset (without: UTC), a date alone, and a
/// number since 1970 whose unit follows from its size (seconds to nanoseconds).
pub(super) fn timestamp(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Some(micros) = epoch(text) {
        return Some(micros);
    }
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.timestamp_micros());
    }
    for format in ["%Y-%m-%d %H:%M:%S%.f %z", "%Y-%m-%d %H:%M:%S%.f%z", "%Y-%m-%dT%H:%M:%S%.f%z", "%a, %d %b %Y %T %z"]
    {
        if let Ok(time) = DateTime::parse_from_str(text, format) {
            return Some(time.timestamp_micros());
        }
    }
    let local = text.strip_suffix('Z').or_else(|| text.strip_suffix("UTC")).unwrap_or(text).trim_end();
    for format in ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f"] {
        if let Ok(time) = NaiveDateTime::parse_from_str(local, format) {
            return Some(time.and_utc().timestamp_micros());
        }
    }
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    Some(date.and_hms_opt(0, 0, 0)?.and_utc().timestamp_micros())
}

/// Reads `1767323045`, `1767323045.678901` (seconds) or a whole number of milli-, micro- or nanoseconds.
fn epoch(text: &str) -> Option<i64> {
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    let digits = whole.strip_prefix('-').unwrap_or(whole);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number: i64 = whole.parse().ok()?;
    if fraction.is_some() {
        return seconds(text);
    }
    // A year as a number of seconds has at most 11 digits until the year 5138.
    match digits.len() {
        0..=11 => number.checked_mul(1_000_000),
        12..=14 => number.checked_mul(1_000),
        15..=17 => Some(number),
        _ => Some(number.div_euclid(1_000)),
    }
}

/// Reads seconds with a fraction of any length as microseconds, never through a float.
pub(super) fn seconds(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let negative = whole.starts_with('-');
    let whole: i64 = whole.parse().ok()?;
    if !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let padded: String = fraction.chars().chain(std::iter::repeat('0')).take(6).collect();
    let micros: i64 = padded.parse().ok()?;
    let base = whole.checked_mul(1_000_000)?;
    if negative { base.checked_sub(micros) } else { base.checked_add(micros) }
}

/// Microseconds since 1970 UTC as RFC 3339, as properties keep them.
pub(super) fn rfc3339(micros: i64) -> String {
    match DateTime::from_timestamp_micros(micros) {
        Some(time) => time.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string(),
        None => micros.to_string(),
    }
}

/// A value shortened for a message.
pub(super) fn short(text: &str) -> String {
    const MOST: usize = 60;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_in_every_form_are_the_same_instant() {
        for text in [
            "1767323045",
            "1767323045.000000",
            "1767323045000",
            "1767323045000000",
            "1767323045000000000",
            "2026-01-02T03:04:05Z",
            "2026-01-02T03:04:05.000+00:00",
            "2026-01-02 03:04:05.000 +0000",
            "2026-01-02 03:04:05.000 Z",
            "2026-01-02 03:04:05",
            "2026-01-02 04:04:05+01:00",
            "2026-01-01 19:04:05.000 -0800",
            "Fri, 02 Jan 2026 03:04:05 +0000",
        ] {
            assert_eq!(timestamp(text), Some(1_767_323_045_000_000), "{text}");
        }
        assert_eq!(seconds("1.5"), Some(1_500_000));
        assert_eq!(seconds("-0.000001"), Some(-1));
        assert_eq!(seconds("1.123456789"), Some(1_123_456));
        for text in ["", "soon", "1.5e9", "2026-13-01", "12:00"] {
            assert_eq!(timestamp(text), None, "{text}");
        }
        assert_eq!(timestamp(&rfc3339(1_767_323_045_678_901)), Some(1_767_323_045_678_901));
    }
}
