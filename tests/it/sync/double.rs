//! A small Snowflake-speaking server. What it answers to a statement is what the test put there.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use datafusion::arrow::array::{ArrayRef, RecordBatch};
use datafusion::arrow::ipc::writer::StreamWriter;
use serde_json::{Value, json};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// One answer to a statement.
#[derive(Clone)]
pub(super) enum Answer {
    /// A result: the fields of `data`.
    Data(Value),
    /// A refusal: code and message.
    Refused(&'static str, &'static str),
    /// Still running; the result is at this address.
    Running(String),
    /// Any status and body.
    Raw(u16, Vec<(&'static str, &'static str)>, String),
    /// The answer after some time.
    After(Duration, Box<Answer>),
}

/// One request that arrived.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) path: String,
    pub(super) query: HashMap<String, String>,
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
}

#[derive(Default)]
pub(super) struct Inner {
    /// Answers by statement, used up in order; the last one stays.
    pub(super) answers: HashMap<String, VecDeque<Answer>>,
    /// Answers to polls, by query id.
    pub(super) polls: HashMap<String, VecDeque<Answer>>,
    pub(super) chunks: HashMap<String, (u16, Vec<u8>)>,
    pub(super) seen: Vec<Seen>,
    /// The login answer instead of success.
    pub(super) login: Option<Answer>,
    pub(super) renewal: Option<Answer>,
    pub(super) role: String,
    session: u32,
    expired: bool,
    bare_401: bool,
}

#[derive(Clone, Default)]
pub(super) struct Double {
    inner: Arc<Mutex<Inner>>,
    pub(super) base: String,
}

impl Double {
    pub(super) async fn start() -> Self {
        let mut double = Self::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        double.base = format!("http://{}", listener.local_addr().unwrap());
        double.lock().role = "GRANTD_SYNC".into();
        let app = Router::new()
            .route("/session/v1/login-request", post(login))
            .route("/session/token-request", post(renew))
            .route("/session", post(close))
            .route("/queries/v1/query-request", post(query))
            .route("/queries/v1/abort-request", post(abort))
            .route("/queries/{id}/result", get(poll))
            .route("/chunk/{id}", get(chunk))
            .with_state(double.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        double
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    pub(super) fn answer(&self, sql: &str, answers: impl IntoIterator<Item = Answer>) {
        self.lock().answers.insert(sql.to_owned(), answers.into_iter().collect());
    }

    /// From now on the session is unknown until it is renewed.
    pub(super) fn expire(&self, bare_401: bool) {
        let mut inner = self.lock();
        inner.expired = true;
        inner.bare_401 = bare_401;
    }

    pub(super) fn seen(&self, path: &str) -> Vec<Seen> {
        self.lock().seen.iter().filter(|s| s.path == path).cloned().collect()
    }

    /// Stores a chunk and gives its description.
    pub(super) fn chunk(&self, body: Vec<u8>, rows: usize) -> Value {
        self.chunk_with(200, body, rows)
    }

    pub(super) fn chunk_with(&self, status: u16, body: Vec<u8>, rows: usize) -> Value {
        let mut inner = self.lock();
        let id = inner.chunks.len().to_string();
        inner.chunks.insert(id.clone(), (status, body));
        json!({"url": format!("{}/chunk/{id}?signature=secret", self.base), "rowCount": rows, "uncompressedSize": 1})
    }
}

fn note(double: &Double, uri: &Uri, query: HashMap<String, String>, headers: &HeaderMap, body: &Bytes) -> Value {
    let body: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    let seen = Seen { path: uri.path().to_owned(), query, headers: headers.clone(), body: body.clone() };
    double.lock().seen.push(seen);
    body
}

fn reply(success: bool, code: Option<&str>, message: &str, data: Value) -> Response {
    let mut envelope = json!({"success": success, "code": code, "message": message});
    envelope["data"] = data;
    axum::Json(envelope).into_response()
}

async fn give(answer: Answer) -> Response {
    match answer {
        Answer::Data(data) => reply(true, None, "", data),
        Answer::Refused(code, message) => {
            reply(false, Some(code), message, json!({"sqlState": "02000", "queryId": "q-refused"}))
        }
        Answer::Running(url) => reply(true, Some("333333"), "running", json!({"queryId": "q", "getResultUrl": url})),
        Answer::Raw(status, headers, body) => {
            let mut response = body.into_response();
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            for (name, value) in headers {
                response.headers_mut().insert(name, value.parse().unwrap());
            }
            response
        }
        Answer::After(wait, answer) => {
            tokio::time::sleep(wait).await;
            Box::pin(give(*answer)).await
        }
    }
}

type Asked = (State<Double>, Uri, Query<HashMap<String, String>>, HeaderMap, Bytes);

async fn login(asked: Asked) -> Response {
    let (State(double), uri, Query(query), headers, body) = asked;
    note(&double, &uri, query, &headers, &body);
    let refused = double.lock().login.clone();
    if let Some(answer) = refused {
        return give(answer).await;
    }
    let mut inner = double.lock();
    inner.session += 1;
    inner.expired = false;
    let role = inner.role.clone();
    let token = format!("session-{}", inner.session);
    reply(
        true,
        None,
        "",
        json!({
            "token": token, "masterToken": format!("master-{token}"), "sessionId": 1, "serverVersion": "10",
            "validityInSeconds": 3600, "masterValidityInSeconds": 14400, "parameters": [],
            "sessionInfo": {"roleName": role},
        }),
    )
}

async fn renew(asked: Asked) -> Response {
    let (State(double), uri, Query(query), headers, body) = asked;
    note(&double, &uri, query, &headers, &body);
    let refused = double.lock().renewal.clone();
    if let Some(answer) = refused {
        return give(answer).await;
    }
    let mut inner = double.lock();
    inner.session += 1;
    inner.expired = false;
    let token = format!("session-{}", inner.session);
    reply(true, None, "", json!({"sessionToken": token, "masterToken": format!("master-{token}")}))
}

async fn close(asked: Asked) -> Response {
    let (State(double), uri, Query(query), headers, body) = asked;
    note(&double, &uri, query, &headers, &body);
    reply(true, None, "", Value::Null)
}

async fn abort(asked: Asked) -> Response {
    let (State(double), uri, Query(query), headers, body) = asked;
    note(&double, &uri, query, &headers, &body);
    reply(true, None, "", Value::Null)
}

/// Refuses a session token that is not the current one.
fn session_problem(double: &Double, headers: &HeaderMap) -> Option<Response> {
    let inner = double.lock();
    let current = format!("Snowflake Token=\"session-{}\"", inner.session);
    let given = headers.get("authorization").and_then(|v| v.to_str().ok()).unwrap_or_default();
    if !inner.expired && given == current {
        return None;
    }
    Some(if inner.bare_401 {
        StatusCode::UNAUTHORIZED.into_response()
    } else {
        reply(false, Some("390112"), "Your session has expired.", Value::Null)
    })
}

async fn query(asked: Asked) -> Response {
    let (State(double), uri, Query(query), headers, body) = asked;
    let problem = session_problem(&double, &headers);
    let body = note(&double, &uri, query, &headers, &body);
    if let Some(problem) = problem {
        return problem;
    }
    let sql = body["sqlText"].as_str().unwrap_or_default().to_owned();
    let answer = {
        let mut inner = double.lock();
        inner
            .answers
            .get_mut(&sql)
            .and_then(|list| if list.len() > 1 { list.pop_front() } else { list.front().cloned() })
    };
    give(answer.unwrap_or(Answer::Refused("002003", "Object does not exist or not authorized."))).await
}

async fn poll(asked: (State<Double>, Path<String>, Uri, HeaderMap)) -> Response {
    let (State(double), Path(id), uri, headers) = asked;
    note(&double, &uri, HashMap::new(), &headers, &Bytes::new());
    let answer = double.lock().polls.get_mut(&id).and_then(VecDeque::pop_front);
    give(answer.unwrap_or(Answer::Refused("000709", "Statement not found"))).await
}

async fn chunk(asked: (State<Double>, Path<String>, Uri, HeaderMap)) -> Response {
    let (State(double), Path(id), uri, headers) = asked;
    note(&double, &uri, HashMap::new(), &headers, &Bytes::new());
    let (status, body) = double.lock().chunks.get(&id).cloned().unwrap_or((404, Vec::new()));
    let mut response = body.into_response();
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
}

/// An Arrow stream of batches, each a list of columns.
pub(super) fn stream(batches: &[Vec<(&str, ArrayRef)>]) -> Vec<u8> {
    let batches: Vec<RecordBatch> = batches
        .iter()
        .map(|columns| {
            let columns = columns.iter().map(|(n, a)| (*n, a.clone(), true));
            RecordBatch::try_from_iter_with_nullable(columns).unwrap()
        })
        .collect();
    let mut writer = StreamWriter::try_new(Vec::new(), &batches[0].schema()).unwrap();
    for batch in &batches {
        writer.write(batch).unwrap();
    }
    writer.into_inner().unwrap()
}

/// The `data` of an Arrow result.
pub(super) fn arrow(columns: &[(&str, &str)], inline: &[u8], total: usize, chunks: &[Value]) -> Value {
    json!({
        "rowtype": rowtype(columns), "rowsetBase64": STANDARD.encode(inline), "total": total, "returned": total,
        "queryId": "q-arrow", "queryResultFormat": "arrow", "chunks": chunks, "qrmk": "a2V5",
    })
}

/// The `data` of a JSON result.
pub(super) fn rows(columns: &[(&str, &str)], rows: &Value, total: usize, chunks: &[Value]) -> Value {
    json!({
        "rowtype": rowtype(columns), "rowset": rows, "total": total, "returned": total, "queryId": "q-json",
        "queryResultFormat": "json", "chunks": chunks, "chunkHeaders": {"x-test-key": "k"},
    })
}

fn rowtype(columns: &[(&str, &str)]) -> Value {
    columns
        .iter()
        .map(|(name, data_type)| {
            let scale = if data_type.starts_with("timestamp") { json!(6) } else { json!(0) };
            json!({"name": name, "type": data_type, "nullable": true, "scale": scale, "precision": 38})
        })
        .collect()
}
