//! What the sessions do now, for `pg_stat_activity`.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::Utc;

use super::peer::Peer;

/// What a session does: its own account of it, which others read.
#[derive(Debug)]
pub(crate) struct Activity {
    /// When it began, in microseconds since 1970-01-01 UTC, like all moments here.
    started: i64,
    now: Mutex<Now>,
}

/// The part that changes.
#[derive(Debug, Clone)]
pub(crate) struct Now {
    /// Where the client is, as soon as it is known.
    pub peer: Option<Peer>,
    /// Its `application_name`.
    pub application: String,
    /// `active`, `idle`, `idle in transaction`, `idle in transaction (aborted)`.
    pub state: &'static str,
    /// Since when.
    pub since: i64,
    /// Its last statement, without its literals, which may be secrets.
    pub statement: Arc<str>,
    /// When that began.
    pub statement_started: Option<i64>,
    /// When its transaction began.
    pub transaction_started: Option<i64>,
}

impl Default for Activity {
    fn default() -> Self {
        let started = Utc::now().timestamp_micros();
        let now = Now {
            peer: None,
            application: String::new(),
            state: "active",
            since: started,
            statement: Arc::from(""),
            statement_started: None,
            transaction_started: None,
        };
        Self { started, now: Mutex::new(now) }
    }
}

impl Activity {
    fn change(&self, change: impl FnOnce(&mut Now, i64)) {
        change(&mut self.now.lock().unwrap_or_else(PoisonError::into_inner), Utc::now().timestamp_micros());
    }

    /// When the session began.
    pub(crate) fn started(&self) -> i64 {
        self.started
    }

    /// What it does.
    pub(crate) fn now(&self) -> Now {
        self.now.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Where the client is.
    pub(crate) fn comes_from(&self, peer: Peer) {
        self.change(|now, _| now.peer = Some(peer));
    }

    /// A statement begins.
    pub(crate) fn begins(&self, statement: &Arc<str>, application: &str) {
        self.change(|now, at| {
            now.state = "active";
            now.since = at;
            now.statement = Arc::clone(statement);
            now.statement_started = Some(at);
            now.transaction_started.get_or_insert(at);
            application.clone_into(&mut now.application);
        });
    }

    /// It waits for the client; `status` is that of `ReadyForQuery`.
    pub(crate) fn waits(&self, status: u8, application: &str) {
        self.change(|now, at| {
            now.state = match status {
                b'T' => "idle in transaction",
                b'E' => "idle in transaction (aborted)",
                _ => "idle",
            };
            now.since = at;
            if status == b'I' {
                now.transaction_started = None;
            }
            application.clone_into(&mut now.application);
        });
    }
}
