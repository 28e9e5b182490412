//! What the gateway counts: connections, logins, statements, rows, bytes, panics. Counting is an atomic addition, or for
//! a statement one short lock; nothing of a client (names, texts, addresses) is kept. `/metrics` shows it.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use datafusion::execution::memory_pool::MemoryPool;

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub fn increment(&self) {
        self.add(1);
    }

    /// So many more.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// The number now.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How many of something there are now. Whoever is counted holds a [`Present`].
#[derive(Debug, Default)]
pub struct Gauge(Arc<AtomicU64>);

impl Gauge {
    /// One more, as long as the value lives.
    pub fn hold(&self) -> Present {
        self.0.fetch_add(1, Ordering::Relaxed);
        Present(Arc::clone(&self.0))
    }

    /// The number now.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// One that is counted by a [`Gauge`].
#[derive(Debug)]
pub struct Present(Arc<AtomicU64>);

impl Drop for Present {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The values of a label: a closed list, so that every series exists from the start and no client makes new ones.
pub trait Label: Copy + 'static {
    /// All values, in the order of their numbers.
    const ALL: &'static [Self];
    /// The value's place in `ALL`.
    fn index(self) -> usize;
    /// The word in `/metrics`.
    fn word(self) -> &'static str;
}

macro_rules! label {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $value:ident = $word:literal,)* }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$doc])* $value,)* }

        impl Label for $name {
            const ALL: &'static [Self] = &[$(Self::$value,)*];
            fn index(self) -> usize {
                self as usize
            }
            fn word(self) -> &'static str {
                match self { $(Self::$value => $word,)* }
            }
        }
    };
}

label! {
    /// Why a connection that was accepted got no session.
    Refusal {
        /// Too many connections were starting.
        TooManyStarting = "too_many_starting",
        /// All places were taken.
        TooMany = "too_many",
        /// What was left is for administrators.
        Reserved = "reserved",
        /// Too many came from one address.
        TooManyFromAddress = "too_many_from_address",
        /// It did not get through its startup in time, or went away in it.
        Unfinished = "unfinished",
        /// The handshake of TLS failed, or there was none where one is required.
        Tls = "tls",
        /// A proxy did not say whom it speaks for.
        Proxy = "proxy",
        /// The startup packet was broken, or asked for what there is not.
        Startup = "startup",
        /// The login failed.
        Login = "login",
        /// The session could not be opened.
        Session = "session",
    }
}

label! {
    /// How a login ended.
    LoginOutcome {
        /// Somebody got in.
        Accepted = "accepted",
        /// The secret was wrong, or there is no such user.
        Refused = "refused",
        /// Too many had failed before.
        Braked = "braked",
        /// The client broke the protocol of the login.
        Malformed = "malformed",
        /// It took too long, or the client went away.
        Unfinished = "unfinished",
        /// The users could not be read.
        Unavailable = "unavailable",
    }
}

/// A counter for each value of a label.
#[derive(Debug)]
pub struct Tally<L> {
    counters: Box<[Counter]>,
    label: PhantomData<fn(L)>,
}

impl<L: Label> Default for Tally<L> {
    fn default() -> Self {
        Self { counters: L::ALL.iter().map(|_| Counter::default()).collect(), label: PhantomData }
    }
}

impl<L: Label> Tally<L> {
    /// One more of this kind.
    pub fn increment(&self, value: L) {
        if let Some(counter) = self.counters.get(value.index()) {
            counter.increment();
        }
    }

    /// How many of this kind.
    pub fn get(&self, value: L) -> u64 {
        self.counters.get(value.index()).map_or(0, Counter::get)
    }

    /// Every kind and how many.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, u64)> {
        L::ALL.iter().map(|value| (value.word(), self.get(*value)))
    }
}

/// Upper bounds of the buckets of statements' durations, in seconds; the last bucket has none.
pub const DURATION_BOUNDS: [f64; 9] = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10.0, 60.0, 600.0];

/// How long things took.
#[derive(Debug, Default)]
pub struct Durations {
    buckets: [Counter; DURATION_BOUNDS.len() + 1],
    micros: Counter,
}

impl Durations {
    /// One more.
    pub fn observe(&self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        let place = DURATION_BOUNDS.iter().position(|bound| seconds <= *bound).unwrap_or(DURATION_BOUNDS.len());
        if let Some(bucket) = self.buckets.get(place) {
            bucket.increment();
        }
        self.micros.add(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX));
    }

    /// How many in each bucket alone, the unbounded one last.
    pub fn buckets(&self) -> [u64; DURATION_BOUNDS.len() + 1] {
        std::array::from_fn(|place| self.buckets.get(place).map_or(0, Counter::get))
    }

    /// All of them together, in seconds.
    pub fn seconds(&self) -> f64 {
        Duration::from_micros(self.micros.get()).as_secs_f64()
    }
}

/// The kind of a statement and the class of its SQLSTATE (`00` when it went well).
pub type StatementKey = (&'static str, &'static str);

/// Everything that one gateway counts.
#[derive(Debug, Default)]
pub struct Stats {
    /// Connections that were accepted.
    pub accepted: Counter,
    /// Connections in their startup now.
    pub starting: Gauge,
    /// Sessions now.
    pub sessions: Gauge,
    /// Connections that got no session.
    pub refused: Tally<Refusal>,
    /// Logins by how they ended.
    pub logins: Tally<LoginOutcome>,
    /// Rows sent.
    pub rows: Counter,
    /// Bytes of frames that sessions received.
    pub bytes_received: Counter,
    /// Bytes that sessions sent.
    pub bytes_sent: Counter,
    /// Panics that ended a connection.
    pub panics: Counter,
    /// Cancel requests whose secret was right.
    pub cancels: Counter,
    /// Cancel requests for nobody, or with a wrong secret.
    pub cancels_ignored: Counter,
    /// How long statements took, until their last row was handed to the system.
    pub durations: Durations,
    /// The memory that statements share, as soon as they are served.
    pub query_memory: OnceLock<Arc<dyn MemoryPool>>,
    statements: Mutex<BTreeMap<StatementKey, u64>>,
}

impl Stats {
    /// A statement ended, well or with this SQLSTATE.
    pub fn statement(&self, kind: &'static str, sqlstate: Option<&'static str>, rows: u64, took: Duration) {
        let class = sqlstate.map_or("00", |code| code.get(..2).unwrap_or("XX"));
        let mut statements = self.statements.lock().unwrap_or_else(PoisonError::into_inner);
        let count = statements.entry((kind, class)).or_default();
        *count = count.saturating_add(1);
        drop(statements);
        self.rows.add(rows);
        self.durations.observe(took);
    }

    /// Statements by kind and class of SQLSTATE.
    pub fn statements(&self) -> Vec<(StatementKey, u64)> {
        let statements = self.statements.lock().unwrap_or_else(PoisonError::into_inner);
        statements.iter().map(|(key, count)| (*key, *count)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gauge_counts_who_is_there() {
        let stats = Stats::default();
        let (first, second) = (stats.sessions.hold(), stats.sessions.hold());
        assert_eq!(stats.sessions.get(), 2);
        drop(first);
        assert_eq!(stats.sessions.get(), 1);
        drop(second);
        assert_eq!(stats.sessions.get(), 0);
    }

    #[test]
    fn every_value_of_a_label_has_a_counter_of_its_own() {
        fn check<L: Label>() {
            let tally = Tally::<L>::default();
            for (times, value) in (1..).zip(L::ALL) {
                (0..times).for_each(|_| tally.increment(*value));
            }
            assert!((1..).zip(L::ALL).all(|(times, value)| tally.get(*value) == times));
            let words: std::collections::BTreeSet<_> = tally.all().map(|(word, _)| word).collect();
            assert_eq!(words.len(), L::ALL.len());
        }
        check::<Refusal>();
        check::<LoginOutcome>();
    }

    #[test]
    fn statements_are_counted_by_kind_and_class() {
        let stats = Stats::default();
        stats.statement("query", None, 3, Duration::from_millis(1));
        stats.statement("query", None, 4, Duration::from_millis(2));
        stats.statement("query", Some("57014"), 0, Duration::from_hours(1));
        assert_eq!(stats.statements(), [(("query", "00"), 2), (("query", "57"), 1)]);
        assert_eq!(stats.rows.get(), 7);
        assert_eq!(stats.durations.buckets(), [1, 1, 0, 0, 0, 0, 0, 0, 0, 1]);
        assert!((stats.durations.seconds() - 3_600.003).abs() < 1e-6);
    }
}
