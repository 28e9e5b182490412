//! Who is turned away is not known, and may come as often as he likes: beyond a number a minute, he is counted.

use crate::daemon::now;
use crate::store::audit::Event;
use std::time::{Duration, Instant};

/// Records of refused logins in a minute.
const MOST: u32 = 600;
const MINUTE: Duration = Duration::from_mins(1);

/// Counts the refused logins of a minute.
#[derive(Debug, Default)]
pub(super) struct Throttle {
    since: Option<Instant>,
    recorded: u32,
    more: u64,
    last: Option<Event>,
}

impl Throttle {
    /// What is to be recorded: the event, after the count of a minute that is over; `None` when it is only counted.
    pub(super) fn admit(&mut self, event: Event, at: Instant) -> Option<Vec<Event>> {
        let mut events = Vec::new();
        if self.since.is_none_or(|since| at.duration_since(since) >= MINUTE) {
            events.extend(self.summary());
            self.since = Some(at);
            self.recorded = 0;
        }
        if self.recorded < MOST {
            self.recorded += 1;
            events.push(event);
        } else {
            self.more = self.more.saturating_add(1);
            self.last = Some(event);
        }
        (!events.is_empty()).then_some(events)
    }

    /// How long until what was only counted has to be told.
    pub(super) fn due(&self, at: Instant) -> Option<Duration> {
        self.last.as_ref()?;
        let since = self.since?;
        Some(MINUTE.saturating_sub(at.duration_since(since)))
    }

    /// What was only counted, as one record: the last of them, and how many they were.
    pub(super) fn summary(&mut self) -> Option<Event> {
        let last = self.last.take()?;
        let more = std::mem::take(&mut self.more);
        let detail = format!("the last of {more} refused logins within a minute that have no records of their own");
        Some(Event { started: now(), detail: Some(detail), ..last })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_some_records_and_a_count() {
        let mut throttle = Throttle::default();
        let start = Instant::now();
        let event = || Event { kind: "login".to_owned(), outcome: "28P01".to_owned(), ..Event::default() };
        let recorded = (0..1_000).filter(|_| throttle.admit(event(), start).is_some()).count();
        assert_eq!(recorded, 600);
        assert_eq!(throttle.due(start + Duration::from_secs(50)), Some(Duration::from_secs(10)));
        let after = throttle.admit(event(), start + MINUTE).unwrap();
        assert_eq!(after.len(), 2);
        assert!(after[0].detail.as_ref().unwrap().contains("the last of 400 refused logins"));
        assert!(throttle.due(start).is_none() && throttle.summary().is_none());
    }
}
