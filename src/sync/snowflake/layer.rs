//! The layer between `snowflake-api` and the network.
//!
//! The crate has one host, one way to log in, no polling, no cancellation and no count of rows; every request it
//! makes comes here instead, and gets an answer that it can digest. It stands as long as the crate lacks these.

use super::advice;
use super::answer::{Inline, PARTS_HOST, Reading, json_chunk};
use super::call::{CALL, Call, Part};
use super::session::{Session, authorize, post, succeeded, text};
use super::transport::{Purpose, host, malformed};
use crate::sync::SourceError;
use async_trait::async_trait;
use axum::http;
use futures::stream::{self, StreamExt, TryStreamExt};
use reqwest::header::HeaderMap;
use reqwest::{Body, Method, Request, Response};
use reqwest_middleware::{Middleware, Next};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// The account that the crate is given: its requests carry this host and go where the configuration says.
pub(super) const CRATE_ACCOUNT: &str = "grantd-layer";
const CRATE_HOST: &str = "grantd-layer.snowflakecomputing.com";

/// Codes that say: the session token is no longer good.
const SESSION_CODES: &[&str] = &["390104", "390110", "390111", "390112", "390113", "390114", "390115"];
/// Codes that say: the statement still runs.
const RUNNING_CODES: &[&str] = &["333333", "333334"];
/// Renewals for one statement; a server that refuses every token must not be asked forever.
const MOST_RENEWALS: u32 = 3;

/// The layer of one connection.
pub(super) struct Layer {
    session: Arc<Session>,
    statements: Semaphore,
    downloads: Semaphore,
}

impl Layer {
    pub(super) fn new(session: Arc<Session>) -> Self {
        let limits = session.config().limits;
        Self {
            statements: Semaphore::new(limits.statements.max(1)),
            downloads: Semaphore::new(limits.downloads.max(1)),
            session,
        }
    }

    async fn route(&self, request: Request) -> Result<Body, SourceError> {
        let target = request.url().clone();
        let body = request.body().and_then(Body::as_bytes).unwrap_or_default();
        match (target.host_str(), target.path()) {
            (Some(PARTS_HOST), path) => self.part(path).await.map(Body::from),
            (Some(CRATE_HOST), "/session/v1/login-request") => {
                Ok(Body::from(self.session.login(body).await?.to_string()))
            }
            (Some(CRATE_HOST), "/queries/v1/query-request") => {
                let call = call()?;
                let id = target.query_pairs().find(|(k, _)| k == "requestId").map(|(_, v)| v.into_owned());
                Ok(Body::from(self.query(&call, &id.unwrap_or_default(), body).await?.to_string()))
            }
            _ => Err(malformed(Purpose::Query, self.session.base(), "snowflake-api made a request of an unknown kind")),
        }
    }

    /// Runs one statement to its end and gives the envelope for the crate.
    async fn query(&self, call: &Arc<Call>, request_id: &str, envelope: &[u8]) -> Result<Value, SourceError> {
        let permit = self.statements.acquire();
        let _permit = tokio::time::timeout_at(call.deadline.into(), permit)
            .await
            .map_err(|_| SourceError::Deadline(call.budget))?
            .map_err(|_| SourceError::SessionLost("the client was closed".to_owned()))?;
        let base = self.session.base();
        let mut body: Value = serde_json::from_slice(envelope)
            .map_err(|_| malformed(Purpose::Query, base, "the query envelope of snowflake-api has another form"))?;
        if let Some(fields) = body.as_object_mut() {
            fields.insert("parameters".into(), Value::Object(call.parameters.clone()));
            fields.insert("querySubmissionTime".into(), json!(chrono::Utc::now().timestamp_millis()));
        }
        let mut url = self.session.url("/queries/v1/query-request")?;
        url.query_pairs_mut()
            .append_pair("requestId", request_id)
            .append_pair("request_guid", &uuid::Uuid::new_v4().to_string());
        let mut guard = AbortGuard {
            session: Arc::clone(&self.session),
            request_id: request_id.to_owned(),
            sql: text(&body, "sqlText").to_owned(),
            armed: true,
        };
        let request = post(url, &body, Some(&self.session.token()));
        let work = self.until_final(call, request);
        let answer = match tokio::time::timeout_at(call.deadline.into(), work).await {
            Ok(answer) => answer,
            Err(_) => Err(SourceError::Deadline(call.budget)),
        };
        // After anything but a final answer the statement may still run: the guard cancels it.
        if matches!(&answer, Ok(_) | Err(SourceError::SessionLost(_) | SourceError::Login { .. })) {
            guard.armed = false;
        }
        let answer = answer?;
        if !succeeded(&answer) {
            let data = answer.get("data").cloned().unwrap_or_default();
            return Err(advice::statement(
                self.session.config(),
                text(&answer, "code"),
                text(&data, "sqlState"),
                text(&answer, "message"),
                text(&data, "queryId"),
            ));
        }
        self.finish(call, Reading::of(answer, base)?).await
    }

    /// Sends the statement, renews the session when it must, polls while it runs; gives the final answer.
    async fn until_final(&self, call: &Call, mut request: Request) -> Result<Value, SourceError> {
        let base = self.session.base();
        let mut token = self.session.token();
        let mut renewals = 0;
        let mut pause = Duration::from_millis(50);
        let mut purpose = Purpose::Query;
        loop {
            let asked = Instant::now();
            let answer = self.session.exchange(purpose, &request, call.deadline).await?;
            let code = text(&answer, "code");
            if SESSION_CODES.contains(&code) {
                renewals += 1;
                if renewals > MOST_RENEWALS {
                    return Err(SourceError::SessionLost(code.to_owned()));
                }
                token = self.session.renew(&token).await?;
                authorize(&mut request, &token);
            } else if RUNNING_CODES.contains(&code) {
                call.state().polls += 1;
                let path = answer.get("data").map(|d| text(d, "getResultUrl")).unwrap_or_default();
                if path.is_empty() {
                    return Err(malformed(purpose, base, "a running statement without the address of its result"));
                }
                let url = base.join(path).map_err(|e| malformed(purpose, base, &format!("result address: {e}")))?;
                // The token must not go to another server.
                if url.origin() != base.origin() {
                    return Err(malformed(purpose, base, &format!("the result is said to be on {}", host(&url))));
                }
                request = poll(url, &token);
                purpose = Purpose::Poll;
                // The server holds each poll for up to 45 s; one that answers at once must not be asked in a loop.
                if asked.elapsed() < Duration::from_secs(1) {
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_secs(5));
                }
            } else {
                return Ok(answer);
            }
        }
    }

    /// Fetches what JSON chunks there are, notes the Arrow parts, and makes the envelope for the crate.
    async fn finish(&self, call: &Arc<Call>, mut reading: Reading) -> Result<Value, SourceError> {
        let inline = std::mem::replace(&mut reading.inline, Inline::Json(Vec::new()));
        let rows = match inline {
            Inline::Json(mut rows) => {
                let fetched: Vec<Vec<Value>> = stream::iter(reading.chunks.clone())
                    .map(|chunk| {
                        let headers = &reading.chunk_headers;
                        async move {
                            let body = self.download(&chunk.url, headers, call.deadline).await?;
                            json_chunk(&body, chunk.rows, &chunk.url)
                        }
                    })
                    .buffered(self.session.config().limits.downloads.max(1))
                    .try_collect()
                    .await?;
                rows.extend(fetched.into_iter().flatten());
                Some(rows)
            }
            Inline::Arrow(bytes) if bytes.is_empty() && reading.chunks.is_empty() => Some(Vec::new()),
            Inline::Arrow(bytes) => {
                let mut parts = Vec::with_capacity(reading.chunks.len() + 1);
                if !bytes.is_empty() {
                    parts.push(Some(Part::Inline(bytes)));
                }
                let headers = &reading.chunk_headers;
                parts.extend(reading.chunks.iter().map(|c| Some(Part::Remote(c.url.clone(), headers.clone()))));
                call.state().parts = parts;
                None
            }
        };
        let envelope = reading.for_crate(rows);
        call.state().answer = Some(reading.answer);
        Ok(envelope)
    }

    /// One Arrow stream for the crate: from memory or from storage.
    async fn part(&self, path: &str) -> Result<Vec<u8>, SourceError> {
        let call = call()?;
        let part = path.trim_start_matches('/').parse::<usize>().ok().and_then(|index| {
            // Each part is asked for once: it can be moved out.
            call.state().parts.get_mut(index).and_then(Option::take)
        });
        match part {
            Some(Part::Inline(bytes)) => Ok(bytes),
            Some(Part::Remote(url, headers)) => self.download(&url, &headers, call.deadline).await,
            None => Err(malformed(Purpose::Chunk, self.session.base(), "snowflake-api asked for an unknown part")),
        }
    }

    /// Downloads a chunk. Its address carries its own credentials: the session token stays here.
    async fn download(
        &self,
        url: &reqwest::Url,
        headers: &HeaderMap,
        deadline: Instant,
    ) -> Result<Vec<u8>, SourceError> {
        let _permit =
            self.downloads.acquire().await.map_err(|_| SourceError::SessionLost("the client was closed".to_owned()))?;
        if url.scheme() != "https" && self.session.base().scheme() == "https" {
            return Err(malformed(Purpose::Chunk, url, "a part of the result is offered without encryption"));
        }
        let mut request = Request::new(Method::GET, url.clone());
        *request.headers_mut() = headers.clone();
        let (status, body) = self.session.transport().send(Purpose::Chunk, &request, deadline).await?;
        if !status.is_success() {
            return Err(SourceError::Http {
                host: host(url),
                what: Purpose::Chunk.name(),
                status: status.as_u16(),
                advice: "The address of this part of the result is no longer valid; the next run gets a new one"
                    .to_owned(),
            });
        }
        Ok(body)
    }
}

fn call() -> Result<Arc<Call>, SourceError> {
    CALL.try_with(Arc::clone).map_err(|_| SourceError::Config("a request outside of a statement".to_owned()))
}

fn poll(url: reqwest::Url, token: &str) -> Request {
    let mut request = Request::new(Method::GET, url);
    request
        .headers_mut()
        .insert(reqwest::header::ACCEPT, reqwest::header::HeaderValue::from_static("application/snowflake"));
    authorize(&mut request, token);
    request
}

/// Cancels a statement whose fate is not known: at a deadline, an error, or when the caller went away.
struct AbortGuard {
    session: Arc<Session>,
    request_id: String,
    sql: String,
    armed: bool,
}

impl Drop for AbortGuard {
    fn drop(&mut self) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        if !self.armed {
            return;
        }
        let session = Arc::clone(&self.session);
        let body = json!({"sqlText": self.sql, "requestId": self.request_id});
        runtime.spawn(async move {
            let Ok(mut url) = session.url("/queries/v1/abort-request") else { return };
            url.query_pairs_mut().append_pair("requestId", &uuid::Uuid::new_v4().to_string());
            let mut request = post(url, &body, Some(&session.token()));
            *request.timeout_mut() = Some(Duration::from_secs(10));
            if let Err(e) = session.transport().client().execute(request).await {
                tracing::debug!("a statement could not be cancelled: {}", e.without_url());
            }
        });
    }
}

#[async_trait]
impl Middleware for Layer {
    async fn handle(
        &self,
        request: Request,
        _: &mut http::Extensions,
        _: Next<'_>,
    ) -> reqwest_middleware::Result<Response> {
        match self.route(request).await {
            Ok(body) => Ok(Response::from(http::Response::new(body))),
            Err(error) => {
                let _ = CALL.try_with(|call| call.fail(&error));
                Err(reqwest_middleware::Error::middleware(error))
            }
        }
    }
}
