//! How many connections there are, and for whom the next place is.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::config::ConnectionLimits;
use crate::gateway::error::SqlError;
use crate::gateway::peer::Place;
use crate::gateway::stats::Refusal;

/// Places of connections that have logged in, which only administrators get.
const RESERVED: u32 = 3;
/// Between two words in the log about connections that were sent away.
const SAID_EVERY: Duration = Duration::from_mins(1);

/// Everybody who is connected.
#[derive(Debug)]
pub(super) struct Admission {
    limits: ConnectionLimits,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    starting: HashMap<u64, (Place, CancellationToken)>,
    starting_by_place: HashMap<Place, BTreeSet<u64>>,
    connected: u32,
    connected_by_place: HashMap<Place, u32>,
    sent_away: u64,
    said: Option<Instant>,
}

/// A place of a connection that has not logged in yet.
#[derive(Debug)]
pub(super) struct Starting {
    admission: Arc<Admission>,
    number: u64,
    place: Place,
    /// Somebody else needs the place.
    pub(super) sent_away: CancellationToken,
}

/// A place of a connection that has logged in.
#[derive(Debug)]
pub(super) struct Connected {
    admission: Arc<Admission>,
    place: Place,
}

impl Admission {
    pub(super) fn new(limits: ConnectionLimits) -> Self {
        Self { limits, state: Mutex::default() }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a newcomer. When all are taken he gets that of the one who has been starting for longest, of those at
    /// the address that has the most of them: whoever floods, floods himself out first.
    pub(super) fn start(self: &Arc<Self>, place: Place) -> Starting {
        let mut state = self.state();
        let at_place = state.starting_by_place.get(&place).map_or(0, BTreeSet::len);
        if at_place >= self.limits.starting_per_address as usize {
            state.send_away(place);
        } else if state.starting.len() >= self.limits.starting as usize {
            let order =
                |(_, numbers): &(&Place, &BTreeSet<u64>)| (std::cmp::Reverse(numbers.len()), numbers.first().copied());
            let fullest = state.starting_by_place.iter().min_by_key(order).map(|(place, _)| *place);
            fullest.into_iter().for_each(|place| state.send_away(place));
        }
        let number = state.next;
        state.next += 1;
        let sent_away = CancellationToken::new();
        state.starting.insert(number, (place, sent_away.clone()));
        state.starting_by_place.entry(place).or_default().insert(number);
        Starting { admission: Arc::clone(self), number, place, sent_away }
    }
}

impl State {
    fn send_away(&mut self, place: Place) {
        let oldest = self.starting_by_place.get(&place).and_then(|numbers| numbers.first().copied());
        let Some(oldest) = oldest else { return };
        if let Some(token) = self.leave(oldest) {
            token.cancel();
        }
        self.sent_away += 1;
        if self.said.is_none_or(|said| said.elapsed() >= SAID_EVERY) {
            self.said = Some(Instant::now());
            let (sent_away, starting) = (self.sent_away, self.starting.len());
            tracing::warn!(target: "grantd::gateway", sent_away, starting, "too many connections are starting; the oldest give way");
        }
    }

    fn leave(&mut self, number: u64) -> Option<CancellationToken> {
        let (place, token) = self.starting.remove(&number)?;
        if let Some(numbers) = self.starting_by_place.get_mut(&place) {
            numbers.remove(&number);
            if numbers.is_empty() {
                self.starting_by_place.remove(&place);
            }
        }
        Some(token)
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        self.admission.state().leave(self.number);
    }
}

impl Starting {
    /// The place of one who has logged in.
    pub(super) fn connect(&self, administrator: bool) -> Result<Connected, (Refusal, SqlError)> {
        let limits = self.admission.limits;
        let mut state = self.admission.state();
        let left = limits.connections.saturating_sub(state.connected);
        if left == 0 {
            let error = SqlError::fatal("53300", "sorry, too many clients already");
            return Err((Refusal::TooMany, error.with_hint("The setting is max_connections in [server].")));
        }
        if !administrator && left <= RESERVED {
            let error = SqlError::fatal("53300", "remaining connection slots are reserved for administrators");
            return Err((Refusal::Reserved, error));
        }
        let at_place = state.connected_by_place.get(&self.place).copied().unwrap_or(0);
        if !administrator && self.place != Place::LOCAL && at_place >= limits.connections_per_address {
            let error = SqlError::fatal("53300", "too many connections from this address")
                .with_hint("The setting is max_connections_per_address in [server].");
            return Err((Refusal::TooManyFromAddress, error));
        }
        state.connected += 1;
        *state.connected_by_place.entry(self.place).or_default() += 1;
        Ok(Connected { admission: Arc::clone(&self.admission), place: self.place })
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        let mut state = self.admission.state();
        state.connected = state.connected.saturating_sub(1);
        if let Some(count) = state.connected_by_place.get_mut(&self.place) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                state.connected_by_place.remove(&self.place);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission(connections: u32, per_address: u32, starting: u32, starting_per_address: u32) -> Arc<Admission> {
        Arc::new(Admission::new(ConnectionLimits {
            connections,
            connections_per_address: per_address,
            starting,
            starting_per_address,
        }))
    }

    fn place(last: u8) -> Place {
        std::net::IpAddr::from([10, 0, 0, last]).into()
    }

    #[test]
    fn who_floods_floods_himself_out() {
        let all = admission(10, 10, 4, 4);
        let good = all.start(place(1));
        let flood: Vec<Starting> = (0..3).map(|_| all.start(place(2))).collect();
        let more = all.start(place(2));
        let away = |s: &Starting| s.sent_away.is_cancelled();
        assert_eq!(flood.iter().map(away).collect::<Vec<_>>(), [true, false, false]);
        assert!(!away(&good) && !away(&more));
        let newcomer = all.start(place(3));
        assert!(away(&flood[1]) && !away(&good) && !away(&newcomer));
        drop((flood, good, more, newcomer));
        let state = all.state();
        assert!(state.starting.is_empty() && state.starting_by_place.is_empty());
    }

    #[test]
    fn from_one_address_only_so_many_start() {
        let all = admission(10, 10, 100, 2);
        let started: Vec<Starting> = (0..5).map(|_| all.start(place(1))).collect();
        let away = started.iter().filter(|s| s.sent_away.is_cancelled()).count();
        assert_eq!((away, started[4].sent_away.is_cancelled()), (3, false));
    }

    #[test]
    fn the_last_places_are_for_administrators_and_an_address_has_its_share() {
        let all = admission(6, 2, 100, 100);
        let connect = |last: u8, administrator| all.start(place(last)).connect(administrator);
        let one = connect(1, false).unwrap();
        let _two = connect(1, false).unwrap();
        let (_, error) = connect(1, false).unwrap_err();
        assert!(error.sqlstate == "53300" && error.message.contains("this address"), "{error:?}");
        let _three = connect(2, false).unwrap();
        assert!(connect(3, false).unwrap_err().1.message.contains("reserved"));
        let _places = [0; 3].map(|_| connect(1, true).unwrap());
        assert!(connect(1, true).unwrap_err().1.message.contains("too many clients"));
        drop(one);
        assert!(connect(4, false).unwrap_err().1.message.contains("reserved"));
        connect(4, true).unwrap();
        let state = all.state();
        assert_eq!((state.connected, state.connected_by_place.len()), (5, 2));
    }
}
