//! What waits to be written, and whether it can be.

use super::throttle::Throttle;
use crate::gateway::SqlError;
use crate::store::audit::{AuditError, Event, Head, Key};
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, oneshot};

/// How long the writer waits for more before it writes.
const LINGER: Duration = Duration::from_millis(20);

/// Why nothing can be written, as clients are told. The server's log says more.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    sqlstate: &'static str,
    message: String,
    hint: &'static str,
    pub(super) since: i64,
}

impl Failure {
    pub(super) fn of(error: &AuditError, since: i64) -> Failure {
        let (sqlstate, message, hint) = match error {
            _ if error.is_full() => (
                "53100",
                "the query log cannot be written: no space left on its disk".to_owned(),
                "Make room on the disk of the data directory; the log goes on by itself.",
            ),
            AuditError::Io { source, .. } => (
                "58030",
                format!("the query log cannot be written: {}", source.kind()),
                "The server's log says which file it is; the log goes on by itself when it can be written.",
            ),
            AuditError::Broken(_) | AuditError::Newer { .. } | AuditError::None { .. } => (
                "58030",
                "the query log is not whole, and is not written on".to_owned(),
                "Whoever runs the server finds the place with grantd audit verify.",
            ),
            AuditError::Store(_) => (
                "58030",
                "the query log cannot be written: the store does not keep its head".to_owned(),
                "The server's log says why; the log goes on by itself when it can be written.",
            ),
        };
        Failure { sqlstate, message, hint, since }
    }

    pub(super) fn error(&self) -> SqlError {
        let detail = "What changes something, and new logins, are refused without a log; questions are answered while \
                      there is room to keep their records.";
        SqlError::new(self.sqlstate, self.message.clone()).with_detail(detail).with_hint(self.hint)
    }

    pub(super) fn reason(&self) -> &str {
        &self.message
    }
}

/// Who waits for a record to be on the disk.
pub(super) type Waiter = oneshot::Sender<Result<(), Failure>>;

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<(Event, Option<Waiter>)>,
    /// Taken by the writer and not on the disk yet.
    in_hand: usize,
    /// Statements and logins refused since the log failed.
    refused: u64,
    failure: Option<Failure>,
    throttle: Throttle,
    head: Option<Head>,
    /// Records that were taken, and of those the ones that are on the disk.
    taken: u64,
    written: u64,
    hurry: bool,
    stopping: bool,
    stopped: bool,
}

/// The queue between the sessions and the writer.
#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    /// For the writer.
    more: Condvar,
    /// For readers of the log.
    done: Condvar,
    /// For sessions that wait for room.
    room: Notify,
    key: OnceLock<Key>,
    capacity: usize,
    data_dir: PathBuf,
}

/// What the writer has to do.
pub(super) struct Group {
    pub(super) events: Vec<Event>,
    pub(super) waiters: Vec<Waiter>,
    /// After this there is nothing more.
    pub(super) last: bool,
}

impl Queue {
    pub(super) fn new(capacity: usize, data_dir: PathBuf) -> Queue {
        Queue {
            state: Mutex::default(),
            more: Condvar::new(),
            done: Condvar::new(),
            room: Notify::new(),
            key: OnceLock::new(),
            capacity,
            data_dir,
        }
    }

    /// Nothing in it is left half changed by a panic.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn key(&self) -> Option<&Key> {
        self.key.get()
    }

    pub(super) fn failure(&self) -> Option<Failure> {
        self.state().failure.clone()
    }

    /// Room for a record: waits while the log is only slow.
    pub(super) async fn admit(&self) -> Result<(), Failure> {
        loop {
            // Made before the look, so that it hears of what happens after it.
            let room = self.room.notified();
            {
                let mut state = self.state();
                if state.waiting.len().saturating_add(state.in_hand) < self.capacity {
                    return Ok(());
                }
                if let Some(failure) = state.failure.clone() {
                    state.refused = state.refused.saturating_add(1);
                    return Err(failure);
                }
            }
            room.await;
        }
    }

    pub(super) fn push(&self, event: Event, waiter: Option<Waiter>) {
        let mut state = self.state();
        if state.stopped {
            tracing::warn!(target: "grantd::audit", kind = %event.kind, "this came after the end of the query log");
            return;
        }
        if event.kind == "login" && event.session.is_none() {
            let full = state.failure.is_some() && state.waiting.len().saturating_add(state.in_hand) >= self.capacity;
            if full {
                state.refused = state.refused.saturating_add(1);
                return;
            }
            // Anybody who reaches the port can be turned away.
            let Some(events) = state.throttle.admit(event, Instant::now()) else { return };
            for event in events {
                state.take(event, None);
            }
        } else {
            state.take(event, waiter);
        }
        drop(state);
        self.more.notify_one();
    }

    /// The server stops: what waits is written, then this, then nothing more.
    pub(super) fn stop(&self, event: Event) {
        let mut state = self.state();
        if !state.stopping {
            if let Some(counted) = state.throttle.summary() {
                state.take(counted, None);
            }
            state.take(event, None);
            state.stopping = true;
        }
        drop(state);
        self.more.notify_all();
    }

    /// Waits until what was recorded so far is on the disk, or cannot get there.
    pub(super) fn flushed(&self, most: Duration) {
        let mut state = self.state();
        let wanted = state.taken;
        state.hurry = true;
        self.more.notify_one();
        // Longer than that, the reader sees what there is.
        drop(self.done.wait_timeout_while(state, most, |state| {
            state.written < wanted && state.failure.is_none() && !state.stopped
        }));
    }

    /// Where the log is, and up to where it can be read.
    pub(super) fn readable(&self) -> Option<(PathBuf, Key, Head)> {
        Some((self.data_dir.clone(), self.key()?.clone(), self.state().head?))
    }

    // What follows is the writer's.

    /// The log is open.
    pub(super) fn opened(&self, key: Key, head: Head) {
        // The key of a log does not change while it is written.
        let _ = self.key.set(key);
        self.state().head = Some(head);
    }

    /// Waits for something to write.
    pub(super) fn next(&self) -> Group {
        let mut state = self.state();
        while state.waiting.is_empty() && !state.stopping {
            let due = state.throttle.due(Instant::now());
            match due {
                None => state = self.more.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(due) if due.is_zero() => {
                    if let Some(event) = state.throttle.summary() {
                        state.take(event, None);
                    }
                }
                Some(due) => {
                    state = self.more.wait_timeout(state, due).unwrap_or_else(PoisonError::into_inner).0;
                }
            }
        }
        let nobody_waits = |state: &mut State| {
            !state.stopping && !state.hurry && state.waiting.iter().all(|(_, waiter)| waiter.is_none())
        };
        state = self.more.wait_timeout_while(state, LINGER, nobody_waits).unwrap_or_else(PoisonError::into_inner).0;
        state.group()
    }

    /// What there is to write after a pause, which the server's end cuts short.
    pub(super) fn after(&self, pause: Duration) -> Group {
        let wait = self.more.wait_timeout_while(self.state(), pause, |state| !state.stopping);
        wait.unwrap_or_else(PoisonError::into_inner).0.group()
    }

    /// So many more are on the disk, up to this head.
    pub(super) fn written(&self, count: usize, head: Head) {
        let mut state = self.state();
        state.in_hand = 0;
        state.head = Some(head);
        state.written = state.written.saturating_add(count as u64);
        state.failure = None;
        drop(state);
        self.done.notify_all();
        self.room.notify_waiters();
    }

    /// The disk refused.
    pub(super) fn failed(&self, failure: &Failure) {
        let mut state = self.state();
        state.failure = Some(failure.clone());
        // Who came meanwhile is not to wait either.
        for (_, waiter) in &mut state.waiting {
            if let Some(waiter) = waiter.take() {
                // Who gave up waiting needs no answer.
                let _ = waiter.send(Err(failure.clone()));
            }
        }
        drop(state);
        self.done.notify_all();
        self.room.notify_waiters();
    }

    /// What was refused since the log failed; counted anew from here on.
    pub(super) fn take_refused(&self) -> u64 {
        std::mem::take(&mut self.state().refused)
    }

    /// It could not be told yet.
    pub(super) fn put_back_refused(&self, refused: u64) {
        let mut state = self.state();
        state.refused = state.refused.saturating_add(refused);
    }

    /// Nothing is written any more.
    pub(super) fn ended(&self) {
        let mut state = self.state();
        state.stopped = true;
        state.waiting.clear();
        drop(state);
        self.done.notify_all();
        self.room.notify_waiters();
    }
}

impl State {
    fn group(&mut self) -> Group {
        self.hurry = false;
        let (events, waiters): (Vec<_>, Vec<_>) = self.waiting.drain(..).unzip();
        self.in_hand = self.in_hand.saturating_add(events.len());
        Group { events, waiters: waiters.into_iter().flatten().collect(), last: self.stopping }
    }

    fn take(&mut self, event: Event, waiter: Option<Waiter>) {
        self.taken = self.taken.saturating_add(1);
        self.waiting.push_back((event, waiter));
    }
}
