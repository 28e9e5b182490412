//! Requests with retries: the same requestId, a new `request_guid`, Retry-After, limits on time and size.

use super::advice;
use super::call::CALL;
use super::config::Limits;
use crate::sync::SourceError;
use flate2::read::MultiGzDecoder;
use reqwest::header::RETRY_AFTER;
use reqwest::{Client, Request, Response, StatusCode, Url};
use serde_json::Value;
use std::error::Error as _;
use std::io::Read;
use std::time::{Duration, Instant};

/// Sends requests to the account and to cloud storage.
pub(super) struct Transport {
    client: Client,
    limits: Limits,
}

/// What a request is for; decides what is retried.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Login,
    Renew,
    Query,
    Poll,
    Chunk,
    Close,
}

impl Purpose {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Renew => "renewal",
            Self::Query => "query",
            Self::Poll => "poll",
            Self::Chunk => "chunk",
            Self::Close => "close",
        }
    }

    /// Whether `status` may be gone on the next try. Storage answers 403 for a URL that is not yet valid.
    fn retries(self, status: StatusCode, attempt: u32) -> bool {
        matches!(status.as_u16(), 408 | 429)
            || status.is_server_error()
            || (self == Self::Chunk && status == StatusCode::FORBIDDEN && attempt == 0)
    }
}

impl Transport {
    pub(super) fn new(client: Client, limits: Limits) -> Self {
        Self { client, limits }
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Sends `request` until there is an answer that another try would not change; gives its status and whole body.
    pub(super) async fn send(
        &self,
        purpose: Purpose,
        request: &Request,
        deadline: Instant,
    ) -> Result<(StatusCode, Vec<u8>), SourceError> {
        let mut wait = Duration::from_millis(200);
        let mut attempt = 0;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(SourceError::Deadline(budget(left)));
            }
            let mut next = request.try_clone().ok_or_else(|| SourceError::Malformed {
                host: host(request.url()),
                what: purpose.name(),
                detail: "the request cannot be repeated".to_owned(),
            })?;
            if attempt > 0 && purpose != Purpose::Chunk {
                renumber(next.url_mut(), attempt);
            }
            *next.timeout_mut() = Some(self.limits.request.min(left));
            let _ = CALL.try_with(|call| call.state().requests += 1);
            let (error, asked) = match self.once(purpose, next, attempt).await {
                Ok(done) => return Ok(done),
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Again { error, after }) => (error, after),
            };
            attempt += 1;
            let pause = asked.unwrap_or(wait);
            wait = (wait * 2).min(Duration::from_secs(16));
            if attempt >= self.limits.attempts {
                return Err(error);
            }
            if Instant::now() + pause >= deadline {
                let timed_out = matches!(&error, SourceError::Transport { .. });
                return Err(if timed_out { SourceError::Deadline(budget(left)) } else { error });
            }
            tracing::debug!(what = purpose.name(), attempt, "request failed, trying again: {error}");
            tokio::time::sleep(pause).await;
        }
    }

    async fn once(&self, purpose: Purpose, request: Request, attempt: u32) -> Result<(StatusCode, Vec<u8>), Failure> {
        let host = host(request.url());
        let broken = |e: reqwest::Error| {
            let damaged = e.is_decode() || e.is_body();
            let detail = causes(&e.without_url());
            let advice = if damaged { advice::damaged() } else { advice::transport(&detail) };
            SourceError::Transport { host: host.clone(), what: purpose.name(), detail, advice }
        };
        let response = match self.client.execute(request).await {
            Ok(response) => response,
            Err(e) => return Err(Failure::Again { error: broken(e), after: None }),
        };
        let status = response.status();
        if purpose.retries(status, attempt) {
            let after = retry_after(&response);
            let error = SourceError::Http {
                host: host.clone(),
                what: purpose.name(),
                status: status.as_u16(),
                advice: advice::http(status.as_u16()),
            };
            return Err(Failure::Again { error, after });
        }
        let body = self.body(purpose, response).await.map_err(|e| match e {
            BodyError::Broken(e) => Failure::Again { error: broken(e), after: None },
            BodyError::Other(e) => Failure::Final(e),
            BodyError::Gzip(e) => Failure::Final(SourceError::Malformed {
                host: host.clone(),
                what: purpose.name(),
                detail: format!("damaged gzip data ({e})"),
            }),
        })?;
        Ok((status, body))
    }

    async fn body(&self, purpose: Purpose, mut response: Response) -> Result<Vec<u8>, BodyError> {
        let limit = self.limits.response_bytes;
        let too_large = || BodyError::Other(SourceError::TooLarge { what: purpose.name(), limit });
        let mut body = Vec::new();
        while let Some(part) = response.chunk().await.map_err(BodyError::Broken)? {
            if body.len() + part.len() > limit {
                return Err(too_large());
            }
            body.extend_from_slice(&part);
        }
        // Chunks may be stored compressed without saying so in Content-Encoding.
        if body.starts_with(&[0x1f, 0x8b]) {
            let mut plain = Vec::new();
            let most = limit as u64 + 1;
            MultiGzDecoder::new(body.as_slice()).take(most).read_to_end(&mut plain).map_err(BodyError::Gzip)?;
            if plain.len() > limit {
                return Err(too_large());
            }
            body = plain;
        }
        Ok(body)
    }

    /// Reads a body as the envelope of the protocol: an object with `success`.
    pub(super) fn envelope(purpose: Purpose, url: &Url, status: StatusCode, body: &[u8]) -> Result<Value, SourceError> {
        match serde_json::from_slice::<Value>(body) {
            Ok(value) if value.get("success").is_some_and(Value::is_boolean) => Ok(value),
            // A bare 401 is an expired session (Snowflake's own drivers treat it so).
            _ if status == StatusCode::UNAUTHORIZED && purpose != Purpose::Login => {
                Ok(serde_json::json!({"success": false, "code": "390112", "message": "HTTP status 401", "data": null}))
            }
            _ if !status.is_success() => Err(SourceError::Http {
                host: host(url),
                what: purpose.name(),
                status: status.as_u16(),
                advice: advice::http(status.as_u16()),
            }),
            Ok(_) => Err(malformed(purpose, url, "JSON without the field `success`")),
            Err(e) => {
                let start: String = String::from_utf8_lossy(body.get(..body.len().min(24)).unwrap_or_default())
                    .chars()
                    .filter(|c| !c.is_control())
                    .collect();
                Err(malformed(
                    purpose,
                    url,
                    &format!(
                        "{} bytes that start with {start:?} ({e}); is a proxy or login page in between?",
                        body.len()
                    ),
                ))
            }
        }
    }
}

enum Failure {
    Final(SourceError),
    Again { error: SourceError, after: Option<Duration> },
}

enum BodyError {
    Broken(reqwest::Error),
    Gzip(std::io::Error),
    Other(SourceError),
}

/// An answer that is not what the protocol says.
pub(super) fn malformed(purpose: Purpose, url: &Url, detail: &str) -> SourceError {
    SourceError::Malformed { host: host(url), what: purpose.name(), detail: detail.to_owned() }
}

/// Host and port for messages; the rest of a URL may hold credentials.
pub(super) fn host(url: &Url) -> String {
    let name = url.host_str().unwrap_or("the server");
    match url.port() {
        Some(port) => format!("{name}:{port}"),
        None => name.to_owned(),
    }
}

fn budget(left: Duration) -> Duration {
    CALL.try_with(|call| call.budget).unwrap_or(left)
}

/// A new `request_guid` and the number of the retry; requestId stays, so that the server knows the repeat.
fn renumber(url: &mut Url, attempt: u32) {
    let kept: Vec<(String, String)> =
        url.query_pairs().into_owned().filter(|(k, _)| k != "request_guid" && k != "retryCount").collect();
    url.query_pairs_mut()
        .clear()
        .extend_pairs(kept)
        .append_pair("request_guid", &uuid::Uuid::new_v4().to_string())
        .append_pair("retryCount", &attempt.to_string());
}

fn retry_after(response: &Response) -> Option<Duration> {
    let seconds: u64 = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// The error with all its causes: the outermost alone says "error sending request".
fn causes(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    text
}
