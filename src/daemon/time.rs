//! The clock.

use chrono::{DateTime, SecondsFormat};
use grantd_catalog::account::Micros;
use std::time::{SystemTime, UNIX_EPOCH};

/// Microseconds since 1970-01-01 00:00 UTC; 0 on a clock that stands before it.
pub fn now() -> Micros {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Micros::try_from(since.as_micros()).unwrap_or(Micros::MAX)
}

/// A moment as people and programs read it: `2026-11-27T20:15:00Z`.
pub fn rfc3339(at: Micros) -> String {
    DateTime::from_timestamp_micros(at).unwrap_or_default().to_rfc3339_opts(SecondsFormat::Secs, true)
}
