//! Cancelling: the table of connections by number and secret, and the flag of the statement that runs in each.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rand::Rng as _;
use subtle::ConstantTimeEq as _;
use tokio_util::sync::CancellationToken;

/// The statement that a connection runs now, if any. A cancel that finds none does nothing, as in PostgreSQL.
#[derive(Debug, Default)]
pub(crate) struct StatementSlot(Mutex<Option<CancellationToken>>);

impl StatementSlot {
    /// A new statement begins.
    pub(crate) fn begin(&self) -> CancellationToken {
        let token = CancellationToken::new();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(token.clone());
        token
    }

    /// The statement is over.
    pub(crate) fn end(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn cancel(&self) {
        if let Some(token) = self.0.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            token.cancel();
        }
    }
}

#[derive(Debug)]
struct Entry {
    secret: i32,
    slot: Arc<StatementSlot>,
}

/// Every open connection, by the number in its `BackendKeyData`.
#[derive(Debug, Default)]
pub(crate) struct CancelTable {
    next: AtomicI32,
    entries: Mutex<HashMap<i32, Entry>>,
}

/// A connection's place in the table; dropping it removes the place.
#[derive(Debug)]
pub(crate) struct Registration {
    table: Arc<CancelTable>,
    /// The connection's number.
    pub pid: i32,
    /// Its secret.
    pub secret: i32,
    /// Its statement.
    pub slot: Arc<StatementSlot>,
}

impl CancelTable {
    /// A place for a new connection with a random secret.
    pub(crate) fn register(self: &Arc<Self>) -> Registration {
        let secret = rand::rng().random::<i32>();
        let slot = Arc::new(StatementSlot::default());
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let pid = loop {
            let pid = self.next.fetch_add(1, Ordering::Relaxed) & i32::MAX;
            if pid != 0 && !entries.contains_key(&pid) {
                break pid;
            }
        };
        entries.insert(pid, Entry { secret, slot: Arc::clone(&slot) });
        Registration { table: Arc::clone(self), pid, secret, slot }
    }

    /// Cancels the statement of connection `pid` when the secret is right, which is the answer; silent otherwise.
    pub(crate) fn cancel(&self, pid: i32, secret: &[u8]) -> bool {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = entries.get(&pid)
            // In a time that does not tell how much of it was right.
            && bool::from(entry.secret.to_be_bytes().ct_eq(secret))
        {
            entry.slot.cancel();
            return true;
        }
        false
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.table.entries.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.pid);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_secret_cancels_a_running_statement() {
        let table = Arc::new(CancelTable::default());
        let place = table.register();
        let token = place.slot.begin();
        table.cancel(place.pid, &(place.secret ^ 1).to_be_bytes());
        table.cancel(place.pid, &[]);
        table.cancel(place.pid ^ 0x0fff, &place.secret.to_be_bytes());
        assert!(!token.is_cancelled());
        table.cancel(place.pid, &place.secret.to_be_bytes());
        assert!(token.is_cancelled());
    }

    #[test]
    fn a_cancel_between_statements_does_not_hit_the_next_one() {
        let table = Arc::new(CancelTable::default());
        let place = table.register();
        place.slot.begin();
        place.slot.end();
        table.cancel(place.pid, &place.secret.to_be_bytes());
        assert!(!place.slot.begin().is_cancelled());
    }
}
