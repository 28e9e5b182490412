//! The wall clock, which people and machines set: what is due is asked of it, and it is not believed when it jumps.
//!
//! Waiting is by the monotonic clock alone. But how old a reading is has to survive a restart, and only the wall clock
//! does. A clock that was ahead when an account was read would hide changes from the runs after it, so after a jump, and
//! when what was read lies in the future, everything is read again.

use super::now;
use grantd_catalog::account::Micros;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How far wall clock and monotonic clock may drift apart between two looks. Clocks that are kept by NTP are slewed.
const TOLERANCE: Duration = Duration::from_mins(5);

/// The wall clock, and what it said when each account was read the last time.
pub struct Clock {
    now: Arc<dyn Fn() -> Micros + Send + Sync>,
    last: Mutex<HashMap<String, (Instant, Micros)>>,
}

impl Default for Clock {
    fn default() -> Self {
        Self::new(Arc::new(now))
    }
}

impl Clock {
    /// Another clock than the system's, for tests.
    pub fn new(now: Arc<dyn Fn() -> Micros + Send + Sync>) -> Self {
        Self { now, last: Mutex::default() }
    }

    /// Microseconds since 1970.
    pub(super) fn now(&self) -> Micros {
        (self.now)()
    }

    /// Whether it jumped, forth or back, since this was asked for this account before.
    pub(super) fn jumped(&self, account: &str) -> bool {
        let (monotonic, wall) = (Instant::now(), self.now());
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let before = last.insert(account.to_owned(), (monotonic, wall));
        before.is_some_and(|(then, said)| {
            let passed = Micros::try_from(monotonic.duration_since(then).as_micros()).unwrap_or(Micros::MAX);
            let drift = wall.saturating_sub(said).saturating_sub(passed).unsigned_abs();
            u128::from(drift) > TOLERANCE.as_micros()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicI64, Ordering};

    #[test]
    fn a_jump_is_seen_once_in_either_direction() {
        let ahead = Arc::new(AtomicI64::new(0));
        let offset = Arc::clone(&ahead);
        let clock = Clock::new(Arc::new(move || now() + offset.load(Ordering::SeqCst)));
        assert!(!clock.jumped("a") && !clock.jumped("a"));
        for hours in [1, 0, -1, 0, 24 * 365 * 10, 0] {
            ahead.store(hours * 3_600_000_000, Ordering::SeqCst);
            assert!(clock.jumped("a"), "{hours}");
            assert!(!clock.jumped("a"), "{hours}");
        }
        ahead.store(60_000_000, Ordering::SeqCst);
        assert!(!clock.jumped("a"), "a minute is no jump");
    }
}
