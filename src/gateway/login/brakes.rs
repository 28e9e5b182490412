//! Brakes on guessing: few wrong passwords per minute from one place, for one user and for all.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Wrong passwords in a row that one place may send for one user; one more per six seconds.
const PER_USER: f64 = 10.0;
/// The same for all users together; one more per second.
const PER_PLACE: f64 = 60.0;
/// In this time an empty bucket is full again.
const REFILL: Duration = Duration::from_mins(1);
/// Places that are remembered. Beyond it those that are nearly full are forgotten.
const REMEMBERED: usize = 100_000;

struct Bucket {
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
type Key = (IpAddr, Option<String>);

/// The failures of the last minute.
#[derive(Default)]
pub(crate) struct Brakes(Mutex<HashMap<Key, Bucket>>);

/// A network that one person has: an IPv4 address, the first 64 bits of an IPv6 address.
fn place(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        v4 @ IpAddr::V4(_) => v4,
    }
}

fn keys(address: IpAddr, user: &str) -> [(Key, f64); 2] {
    let place = place(address);
    [((place, Some(user.to_owned())), PER_USER), ((place, None), PER_PLACE)]
}

impl Brakes {
    /// Whether a further try is let in; otherwise how long to wait.
    pub(crate) fn admit(&self, address: IpAddr, user: &str, now: Instant) -> Result<(), Duration> {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut wait = Duration::ZERO;
        for (key, most) in keys(address, user) {
            let Some(bucket) = buckets.get_mut(&key) else { continue };
            bucket.refill(most, now);
            if bucket.left < 1.0 {
                wait = wait.max(REFILL.mul_f64((1.0 - bucket.left) / most));
            }
        }
        if wait.is_zero() { Ok(()) } else { Err(wait) }
    }

    /// A wrong password.
    pub(crate) fn failed(&self, address: IpAddr, user: &str, now: Instant) {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= REMEMBERED {
            buckets.retain(|(_, user), bucket| {
                let most = if user.is_some() { PER_USER } else { PER_PLACE };
                bucket.refill(most, now);
                bucket.left < most * 0.9
            });
        }
        for (key, most) in keys(address, user) {
            let bucket = buckets.entry(key).or_insert(Bucket { left: most, at: now });
            bucket.refill(most, now);
            bucket.left = (bucket.left - 1.0).max(0.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tries(brakes: &Brakes, address: &str, user: &str, now: Instant) -> usize {
        let address = address.parse().unwrap();
        (0..1_000)
            .take_while(|_| brakes.admit(address, user, now).is_ok())
            .map(|_| brakes.failed(address, user, now))
            .count()
    }

    #[test]
    fn ten_tries_a_minute_for_a_user_and_sixty_for_a_place() {
        let (brakes, now) = (Brakes::default(), Instant::now());
        assert_eq!(tries(&brakes, "10.0.0.1", "a", now), 10);
        assert_eq!(tries(&brakes, "10.0.0.1", "a", now + Duration::from_secs(30)), 5);
        assert_eq!(brakes.admit("10.0.0.2".parse().unwrap(), "a", now), Ok(()), "the user himself is not locked out");
        let users: usize = (0..20).map(|i| tries(&brakes, "10.0.0.3", &format!("u{i}"), now)).sum();
        assert_eq!(users, 60);
        let wait = brakes.admit("10.0.0.3".parse().unwrap(), "new", now).unwrap_err();
        assert!(wait <= Duration::from_secs(1), "{wait:?}");
    }

    #[test]
    fn one_person_has_many_ipv6_addresses() {
        let (brakes, now) = (Brakes::default(), Instant::now());
        assert_eq!(tries(&brakes, "2001:db8::1", "a", now) + tries(&brakes, "2001:db8::2", "a", now), 10);
        assert_eq!(tries(&brakes, "2001:db8:0:1::1", "a", now), 10);
        assert_eq!(tries(&brakes, "::ffff:10.0.0.1", "a", now) + tries(&brakes, "10.0.0.1", "a", now), 10);
    }
}
