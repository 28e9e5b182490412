//! Brakes on guessing: few wrong passwords per minute from one place, for one user and for all.
//!
//! A place's tries for a user go through a narrow gate, a few at a time, so that what is tried at the same moment cannot
//! get past the count; a pool that opens many connections only waits its turn.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::gateway::peer::Place;

/// Wrong passwords in a row that one place may send for one user; one more per six seconds.
const PER_USER: f64 = 10.0;
/// The same for all users together; one more per second.
const PER_PLACE: f64 = 60.0;
/// In this time an empty bucket is full again.
const REFILL: Duration = Duration::from_mins(1);
/// Places that are remembered. Beyond it those that are nearly full are forgotten.
const REMEMBERED: usize = 100_000;
/// Tries of one place for one user at the same time.
const AT_A_TIME: usize = 4;

struct Bucket {
    /// Below zero by what was tried at the same time: the rate holds over time.
    left: f64,
    at: Instant,
}

impl Bucket {
    fn refill(&mut self, most: f64, now: Instant) {
        let share = now.saturating_duration_since(self.at).as_secs_f64() / REFILL.as_secs_f64();
        self.left = (self.left + most * share).min(most);
        self.at = now;
    }
}

/// Who tries, and for which user; `None` is for all.
type Key = (Place, Option<String>);

/// The failures of the last minute, and who is trying now.
#[derive(Default)]
pub(crate) struct Brakes {
    buckets: Mutex<HashMap<Key, Bucket>>,
    gates: Mutex<HashMap<(Place, String), Arc<Semaphore>>>,
}

/// A turn to try; the next one has it when this is dropped.
pub(crate) struct Turn<'a> {
    brakes: &'a Brakes,
    key: (Place, String),
    permit: Option<OwnedSemaphorePermit>,
}

fn keys(place: Place, user: &str) -> [(Key, f64); 2] {
    [((place, Some(user.to_owned())), PER_USER), ((place, None), PER_PLACE)]
}

impl Brakes {
    /// Waits for a turn of the place and the user.
    pub(crate) async fn turn(&self, place: Place, user: &str) -> Turn<'_> {
        let key = (place, user.to_owned());
        let gate = {
            let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(gates.entry(key.clone()).or_insert_with(|| Arc::new(Semaphore::new(AT_A_TIME))))
        };
        // From here on the gate is taken away with the last turn, also of one who stops waiting.
        let mut turn = Turn { brakes: self, key, permit: None };
        // Nobody closes a gate.
        turn.permit = gate.acquire_owned().await.ok();
        turn
    }

    /// Whether a further try is let in; otherwise how long to wait.
    pub(crate) fn admit(&self, place: Place, user: &str, now: Instant) -> Result<(), Duration> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let mut wait = Duration::ZERO;
        for (key, most) in keys(place, user) {
            let Some(bucket) = buckets.get_mut(&key) else { continue };
            bucket.refill(most, now);
            if bucket.left < 1.0 {
                wait = wait.max(REFILL.mul_f64((1.0 - bucket.left) / most));
            }
        }
        if wait.is_zero() { Ok(()) } else { Err(wait) }
    }

    /// A wrong password.
    pub(crate) fn failed(&self, place: Place, user: &str, now: Instant) {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= REMEMBERED {
            buckets.retain(|(_, user), bucket| {
                let most = if user.is_some() { PER_USER } else { PER_PLACE };
                bucket.refill(most, now);
                bucket.left < most * 0.9
            });
        }
        for (key, most) in keys(place, user) {
            let bucket = buckets.entry(key).or_insert(Bucket { left: most, at: now });
            bucket.refill(most, now);
            bucket.left = (bucket.left - 1.0).max(-most);
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut gates = self.brakes.gates.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.permit.take());
        // The table's own, and nobody who waits or tries.
        if gates.get(&self.key).is_some_and(|gate| Arc::strong_count(gate) == 1) {
            gates.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(address: &str) -> Place {
        address.parse::<std::net::IpAddr>().unwrap().into()
    }

    fn tries(brakes: &Brakes, address: &str, user: &str, now: Instant) -> usize {
        let place = place(address);
        (0..1_000)
            .take_while(|_| brakes.admit(place, user, now).is_ok())
            .map(|_| brakes.failed(place, user, now))
            .count()
    }

    #[test]
    fn ten_tries_a_minute_for_a_user_and_sixty_for_a_place() {
        let (brakes, now) = (Brakes::default(), Instant::now());
        assert_eq!(tries(&brakes, "10.0.0.1", "a", now), 10);
        assert_eq!(tries(&brakes, "10.0.0.1", "a", now + Duration::from_secs(30)), 5);
        assert_eq!(brakes.admit(place("10.0.0.2"), "a", now), Ok(()), "the user himself is not locked out");
        let users: usize = (0..20).map(|i| tries(&brakes, "10.0.0.3", &format!("u{i}"), now)).sum();
        assert_eq!(users, 60);
        let wait = brakes.admit(place("10.0.0.3"), "new", now).unwrap_err();
        assert!(wait <= Duration::from_secs(1), "{wait:?}");
    }

    #[test]
    fn one_person_has_many_ipv6_addresses() {
        let (brakes, now) = (Brakes::default(), Instant::now());
        assert_eq!(tries(&brakes, "2001:db8::1", "a", now) + tries(&brakes, "2001:db8::2", "a", now), 10);
        assert_eq!(tries(&brakes, "2001:db8:0:1::1", "a", now), 10);
        assert_eq!(tries(&brakes, "::ffff:10.0.0.1", "a", now) + tries(&brakes, "10.0.0.1", "a", now), 10);
    }

    #[test]
    fn what_is_tried_beyond_the_count_is_paid_back() {
        let (brakes, now) = (Brakes::default(), Instant::now());
        (0..13).for_each(|_| brakes.failed(place("10.0.0.1"), "a", now));
        assert_eq!(tries(&brakes, "10.0.0.1", "a", now + Duration::from_mins(1)), 7);
    }

    #[tokio::test]
    async fn few_try_at_the_same_time_and_gates_do_not_stay() {
        let brakes = Brakes::default();
        let soon = Duration::from_millis(20);
        let mut turns = Vec::new();
        for _ in 0..AT_A_TIME {
            turns.push(brakes.turn(place("10.0.0.1"), "a").await);
        }
        assert!(tokio::time::timeout(soon, brakes.turn(place("10.0.0.1"), "a")).await.is_err());
        drop(brakes.turn(place("10.0.0.1"), "b").await);
        drop(turns.pop());
        turns.push(brakes.turn(place("10.0.0.1"), "a").await);
        drop(turns);
        assert!(brakes.gates.lock().unwrap().is_empty());
    }
}
