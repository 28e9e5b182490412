//! Cancelling: the table of connections by number and secret, and the flag of the statement that runs in each. Who has the
//! secret cancels over a connection of its own; who is logged in, as the same user or as an administrator, by a function.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rand::Rng as _;
use subtle::ConstantTimeEq as _;
use tokio_util::sync::CancellationToken;

use super::activity::Activity;
use super::error::SqlError;
use super::peer::Peer;
use super::pgcatalog;
use super::session::Shutdown;

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

/// Whose a connection is.
#[derive(Debug, Clone)]
pub(crate) struct Owner {
    /// The user's name.
    pub user: String,
    /// Whether he is an administrator.
    pub administrator: bool,
}

impl Owner {
    /// 42501 where the connection of another is not his to signal, as `pg_signal_backend` decides it.
    fn check(&self, other: &Self, ends: bool) -> Result<(), SqlError> {
        if self.administrator || (self.user == other.user && !other.administrator) {
            return Ok(());
        }
        Err(SqlError::new(
            "42501",
            match (other.administrator, ends) {
                (true, false) => "must be a superuser to cancel superuser query",
                (true, true) => "must be a superuser to terminate superuser process",
                (false, false) => {
                    "must be a member of the role whose query is being canceled or member of pg_signal_backend"
                }
                (false, true) => {
                    "must be a member of the role whose process is being terminated or member of pg_signal_backend"
                }
            },
        ))
    }
}

#[derive(Debug)]
struct Entry {
    secret: i32,
    slot: Arc<StatementSlot>,
    owner: Owner,
    shutdown: Shutdown,
    activity: Arc<Activity>,
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
    /// Its end, and the server's.
    pub shutdown: Shutdown,
    /// Whose it is.
    pub owner: Owner,
    /// What it does.
    pub activity: Arc<Activity>,
}

impl Registration {
    /// What its session may do to others.
    pub(crate) fn signals(&self) -> Signals {
        Signals { table: Arc::clone(&self.table), owner: self.owner.clone() }
    }
}

/// `pg_cancel_backend` and `pg_terminate_backend` of a session, and what it sees of the others.
#[derive(Debug, Clone)]
pub(crate) struct Signals {
    table: Arc<CancelTable>,
    owner: Owner,
}

impl Signals {
    /// Ends the statement of connection `pid`, or the connection; whether there is one. 42501 when it is not his to end.
    pub(crate) fn send(&self, pid: i32, ends: bool) -> Result<bool, SqlError> {
        let entries = self.table.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(entry) = entries.get(&pid) else { return Ok(false) };
        self.owner.check(&entry.owner, ends)?;
        if ends {
            entry.shutdown.begun.cancel();
            entry.shutdown.deadline.cancel();
        } else {
            entry.slot.cancel();
        }
        Ok(true)
    }

    /// Every session, by number. What those of others do is told to administrators only.
    pub(crate) fn sessions(&self) -> Vec<pgcatalog::Session> {
        let entries = self.table.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let shown = entries.iter().map(|(pid, entry)| {
            let now = entry.activity.now();
            let address = match now.peer {
                Some(Peer::Tcp(address)) => Some((address.ip().to_canonical().to_string(), i32::from(address.port()))),
                _ => None,
            };
            let told = self.owner.administrator || self.owner.user == entry.owner.user;
            pgcatalog::Session {
                pid: *pid,
                user: entry.owner.user.clone(),
                application: now.application,
                doing: told.then(|| pgcatalog::Doing {
                    address,
                    started: entry.activity.started(),
                    transaction_started: now.transaction_started,
                    statement_started: now.statement_started,
                    since: now.since,
                    state: now.state,
                    statement: now.statement,
                }),
            }
        });
        let mut shown: Vec<_> = shown.collect();
        shown.sort_unstable_by_key(|session| session.pid);
        shown
    }
}

impl CancelTable {
    /// A place for a new connection with a random secret.
    pub(crate) fn register(self: &Arc<Self>, owner: Owner, shutdown: &Shutdown) -> Registration {
        let shutdown = shutdown.child();
        let secret = rand::rng().random::<i32>();
        let slot = Arc::new(StatementSlot::default());
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let pid = loop {
            let pid = self.next.fetch_add(1, Ordering::Relaxed) & i32::MAX;
            if pid != 0 && !entries.contains_key(&pid) {
                break pid;
            }
        };
        let activity = Arc::<Activity>::default();
        let entry = Entry {
            secret,
            slot: Arc::clone(&slot),
            owner: owner.clone(),
            shutdown: shutdown.clone(),
            activity: Arc::clone(&activity),
        };
        entries.insert(pid, entry);
        Registration { table: Arc::clone(self), pid, secret, slot, shutdown, owner, activity }
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

    fn place(table: &Arc<CancelTable>, user: &str, administrator: bool) -> Registration {
        let shutdown = Shutdown { begun: CancellationToken::new(), deadline: CancellationToken::new() };
        table.register(Owner { user: user.to_owned(), administrator }, &shutdown)
    }

    #[test]
    fn users_end_their_own_statements_and_administrators_those_of_all() {
        let table = Arc::new(CancelTable::default());
        let [ann, ben, root] =
            [("ann", false), ("ben", false), ("root", true)].map(|(user, is)| place(&table, user, is));
        let token = ann.slot.begin();
        assert_eq!(ben.signals().send(ann.pid, false).unwrap_err().sqlstate, "42501");
        assert_eq!(ben.signals().send(root.pid, true).unwrap_err().sqlstate, "42501");
        assert!(!token.is_cancelled());
        assert!(place(&table, "ann", false).signals().send(ann.pid, false).unwrap());
        assert!(token.is_cancelled());
        assert!(!ann.shutdown.begun.is_cancelled());
        assert!(root.signals().send(ann.pid, true).unwrap());
        assert!(ann.shutdown.begun.is_cancelled() && ann.shutdown.deadline.is_cancelled());
        assert!(!ben.shutdown.begun.is_cancelled());
        let gone = ann.pid;
        drop(ann);
        assert!(!root.signals().send(gone, true).unwrap());
    }

    #[test]
    fn what_a_session_does_is_told_to_its_user_and_to_administrators() {
        let table = Arc::new(CancelTable::default());
        let [ann, ben, root] =
            [("ann", false), ("ben", false), ("root", true)].map(|(user, is)| place(&table, user, is));
        ann.activity.begins(&Arc::from("SELECT ?"), "psql");
        let told = |to: &Registration, of: i32| {
            let sessions = to.signals().sessions();
            assert_eq!(sessions.len(), 3);
            sessions.into_iter().find(|session| session.pid == of).and_then(|session| session.doing)
        };
        let doing = told(&root, ann.pid).unwrap();
        assert_eq!((doing.state, &*doing.statement), ("active", "SELECT ?"));
        assert!(told(&ann, ann.pid).is_some() && told(&ann, ben.pid).is_none() && told(&ben, ann.pid).is_none());
        ann.activity.waits(b'T', "psql");
        let doing = told(&ann, ann.pid).unwrap();
        assert!(doing.state == "idle in transaction" && doing.transaction_started.is_some());
        ann.activity.waits(b'I', "psql");
        assert_eq!(told(&ann, ann.pid).unwrap().transaction_started, None);
    }

    #[test]
    fn only_the_right_secret_cancels_a_running_statement() {
        let table = Arc::new(CancelTable::default());
        let place = place(&table, "ann", false);
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
        let place = place(&table, "ann", false);
        place.slot.begin();
        place.slot.end();
        table.cancel(place.pid, &place.secret.to_be_bytes());
        assert!(!place.slot.begin().is_cancelled());
    }
}
