//! Statements that run or have run, and their answers, kept for polling, for repeats and for other cursors.

use bytes::Bytes;
use rsa::sha2::{Digest, Sha256};
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::engine::Failure;
use super::sessions::{Session, lock};

/// How a statement ended.
#[derive(Debug, Clone)]
pub(super) enum Ended {
    Success,
    Failed(Failure),
    Aborted,
}

/// A statement's end and the answer every request about it gets.
#[derive(Debug, Clone)]
pub(super) struct Outcome {
    pub(super) ended: Ended,
    pub(super) body: Bytes,
}

/// A statement.
pub(super) struct Statement {
    pub(super) id: String,
    pub(super) login_name: String,
    /// `333334` when the client did not want to wait, else `333333`.
    pub(super) progress_code: &'static str,
    /// Cancelled to abort it.
    pub(super) cancel: CancellationToken,
    session_id: u64,
    request_id: Option<String>,
    text: [u8; 32],
    /// "In progress" answers still to be given, whatever the statement's state (a fault).
    pretended: AtomicU64,
    outcome: watch::Sender<Option<Arc<Outcome>>>,
}

impl Statement {
    pub(super) fn finish(&self, outcome: Outcome) {
        self.outcome.send_replace(Some(Arc::new(outcome)));
    }

    /// The outcome, if the statement has ended.
    pub(super) fn outcome(&self) -> Option<Arc<Outcome>> {
        self.outcome.borrow().clone()
    }

    /// The outcome, waiting for it no longer than this. `None` while it runs (or a fault says so).
    pub(super) async fn wait(&self, longest: Duration) -> Option<Arc<Outcome>> {
        let count_down = |left: u64| left.checked_sub(1);
        if self.pretended.fetch_update(Ordering::SeqCst, Ordering::SeqCst, count_down).is_ok() {
            return None;
        }
        let mut changes = self.outcome.subscribe();
        let ended = tokio::time::timeout(longest, changes.wait_for(Option::is_some)).await;
        ended.ok().and_then(Result::ok).and_then(|outcome| outcome.clone())
    }
}

/// What a new statement is.
pub(super) struct NewStatement<'a> {
    pub(super) session: &'a Session,
    pub(super) request_id: Option<String>,
    pub(super) sql: &'a str,
    pub(super) asynchronous: bool,
    pub(super) pretended: u64,
}

#[derive(Default)]
struct Known {
    by_id: HashMap<String, Arc<Statement>>,
    by_request: HashMap<(u64, String), Arc<Statement>>,
    order: VecDeque<Arc<Statement>>,
}

/// The statements that are remembered.
#[derive(Default)]
pub(super) struct Statements(Mutex<Known>);

impl Statements {
    /// The statement of this request: a new one (`true`), or the one that the same request already started.
    pub(super) fn start(&self, new: &NewStatement<'_>, keep: usize) -> (Arc<Statement>, bool) {
        let text: [u8; 32] = Sha256::digest(new.sql.as_bytes()).into();
        let mut known = lock(&self.0);
        let request = new.request_id.clone().map(|id| (new.session.id, id));
        if let Some(known) = request.as_ref().and_then(|key| known.by_request.get(key)).filter(|s| s.text == text) {
            return (Arc::clone(known), false);
        }
        let statement = Arc::new(Statement {
            id: query_id(),
            login_name: new.session.login.login_name.to_uppercase(),
            progress_code: if new.asynchronous { "333334" } else { "333333" },
            cancel: new.session.closed.child_token(),
            session_id: new.session.id,
            request_id: new.request_id.clone(),
            text,
            pretended: AtomicU64::new(new.pretended),
            outcome: watch::Sender::new(None),
        });
        known.by_id.insert(statement.id.clone(), Arc::clone(&statement));
        if let Some(key) = request {
            known.by_request.insert(key, Arc::clone(&statement));
        }
        known.order.push_back(Arc::clone(&statement));
        while known.order.len() > keep.max(1) {
            // The oldest that has ended; while all run, none is forgotten.
            let Some(at) = known.order.iter().position(|s| s.outcome().is_some()) else { break };
            let Some(old) = known.order.remove(at) else { break };
            known.by_id.remove(&old.id);
            if let Some(request) = old.request_id.clone() {
                known.by_request.remove(&(old.session_id, request));
            }
        }
        (statement, true)
    }

    /// The statement with this query id, for the user who ran it.
    pub(super) fn get(&self, id: &str, session: &Session) -> Option<Arc<Statement>> {
        let found = lock(&self.0).by_id.get(id).cloned();
        found.filter(|statement| statement.login_name == session.login.login_name.to_uppercase())
    }

    /// The statement a request of this session started.
    pub(super) fn by_request(&self, request_id: &str, session: &Session) -> Option<Arc<Statement>> {
        lock(&self.0).by_request.get(&(session.id, request_id.to_owned())).cloned()
    }
}

fn query_id() -> String {
    // Snowflake's ids are UUIDs that start with a time; the first two digits are all that clients ever show.
    let id = Uuid::new_v4().to_string();
    format!("01{}", id.get(2..).unwrap_or_default())
}
