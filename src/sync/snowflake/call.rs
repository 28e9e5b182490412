//! What one statement and the layer share while `snowflake-api` stands between them.

use crate::sync::SourceError;
use reqwest::Url;
use reqwest::header::HeaderMap;
use serde_json::{Map, Value};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

tokio::task_local! {
    /// The call that the current task makes.
    pub(super) static CALL: Arc<Call>;
}

/// One statement on its way.
pub(super) struct Call {
    /// Parameters of the statement.
    pub(super) parameters: Map<String, Value>,
    /// When it must be done.
    pub(super) deadline: Instant,
    /// The time it was given.
    pub(super) budget: Duration,
    state: Mutex<State>,
}

/// What the layer learned about it.
#[derive(Default)]
pub(super) struct State {
    /// The result's description.
    pub(super) answer: Option<Answer>,
    /// The first error: `snowflake-api` wraps errors in types that cannot be named, so it travels here.
    pub(super) error: Option<SourceError>,
    /// Arrow streams that the crate will ask for, in order; taken once.
    pub(super) parts: Vec<Option<Part>>,
    /// Requests sent.
    pub(super) requests: u32,
    /// Polls among them.
    pub(super) polls: u32,
}

/// One Arrow stream of a result.
pub(super) enum Part {
    /// It came with the answer.
    Inline(Vec<u8>),
    /// It lies on cloud storage: address and headers, both secret.
    Remote(Url, HeaderMap),
}

/// The description of a result, as the server sent it.
#[derive(Clone, Debug, Default)]
pub(super) struct Answer {
    /// The platform's id of the query.
    pub(super) query_id: String,
    /// The columns.
    pub(super) columns: Vec<ColumnType>,
    /// Rows that the server promised in total; `None` for statements whose `total` counts something else.
    pub(super) total: Option<u64>,
    /// Rows promised per Arrow stream, in order.
    pub(super) stream_rows: Vec<u64>,
}

/// One column of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ColumnType {
    /// Its name.
    pub(super) name: String,
    /// Its type, lower case: `timestamp_ltz`.
    pub(super) data_type: String,
    /// Digits after the point, of numbers and times.
    pub(super) scale: i32,
}

impl Call {
    pub(super) fn new(parameters: Map<String, Value>, budget: Duration) -> Self {
        Self { parameters, budget, deadline: Instant::now() + budget, state: Mutex::default() }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the first error.
    pub(super) fn fail(&self, error: &SourceError) {
        self.state().error.get_or_insert_with(|| error.clone());
    }
}
