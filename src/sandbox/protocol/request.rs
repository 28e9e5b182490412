//! Reading requests: path and route, token, query parameters, bounded (perhaps gzipped) body.

use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONTENT_ENCODING, HOST};
use axum::http::{HeaderMap, Method, Request, StatusCode, Uri};
use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use serde_json::Value;
use std::collections::HashMap;
use std::io::Read;

use super::settings::Settings;

/// What a request is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Route {
    Login,
    Authenticator,
    Renew,
    Session,
    Heartbeat,
    Query,
    AbortByRequest,
    Result(String),
    AbortStatement(String),
    Monitor(String),
    Chunk(String),
    Telemetry,
    AdminStatements,
    AdminFaults,
}

impl Route {
    /// The route of a path, and the methods it takes. Repeated slashes count as one: one driver sends them.
    pub(super) fn of(path: &str) -> Option<(Self, &'static [Method])> {
        const GET: &[Method] = &[Method::GET];
        const POST: &[Method] = &[Method::POST];
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        Some(match *parts.as_slice() {
            ["session", "v1", "login-request"] => (Self::Login, POST),
            ["session", "authenticator-request"] => (Self::Authenticator, POST),
            ["session", "token-request"] => (Self::Renew, POST),
            ["session"] => (Self::Session, POST),
            ["session", "heartbeat"] => (Self::Heartbeat, POST),
            ["queries", "v1", "query-request"] => (Self::Query, POST),
            ["queries", "v1", "abort-request"] => (Self::AbortByRequest, POST),
            ["queries", id, "result"] => (Self::Result(id.to_owned()), GET),
            ["queries", id, "abort-request"] => (Self::AbortStatement(id.to_owned()), POST),
            ["monitoring", "queries", id] => (Self::Monitor(id.to_owned()), GET),
            ["chunk", id] => (Self::Chunk(id.to_owned()), GET),
            ["telemetry", "send"] | ["telemetry", "send", "sessionless"] => (Self::Telemetry, POST),
            ["sandbox", "statements"] => (Self::AdminStatements, &[Method::GET, Method::DELETE]),
            ["sandbox", "faults"] => (Self::AdminFaults, &[Method::GET, Method::POST, Method::DELETE]),
            _ => return None,
        })
    }

    /// The name it is counted under.
    pub(super) fn label(&self) -> &'static str {
        match self {
            Self::Login => "login-request",
            Self::Authenticator => "authenticator-request",
            Self::Renew => "token-request",
            Self::Session => "session",
            Self::Heartbeat => "heartbeat",
            Self::Query => "query-request",
            Self::AbortByRequest | Self::AbortStatement(_) => "abort-request",
            Self::Result(_) => "result",
            Self::Monitor(_) => "monitoring",
            Self::Chunk(_) => "chunk",
            Self::Telemetry => "telemetry",
            Self::AdminStatements | Self::AdminFaults => "sandbox",
        }
    }
}

/// Why a request is not taken: it is none of a driver's.
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) message: String,
}

impl Refusal {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }
}

/// A request that arrived whole.
pub(super) struct Incoming {
    pub(super) route: Route,
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: HashMap<String, String>,
    pub(super) headers: HeaderMap,
    /// The body as JSON; `Null` when it is empty or not JSON.
    pub(super) json: Value,
}

impl Incoming {
    /// Reads a request within the limits, or says why it is refused.
    pub(super) async fn read(request: Request<Body>, settings: &Settings) -> Result<Self, Refusal> {
        let (head, body) = request.into_parts();
        check_size(&head.uri, &head.headers, settings)?;
        let path = head.uri.path().to_owned();
        let (route, methods) =
            Route::of(&path).ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, "no such endpoint"))?;
        if !methods.contains(&head.method) {
            return Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "this endpoint does not take this method"));
        }
        let reading = tokio::time::timeout(settings.body_wait, axum::body::to_bytes(body, settings.body_bytes));
        let body = match reading.await {
            Ok(Ok(body)) => body,
            Ok(Err(_)) => return Err(too_large(settings)),
            Err(_) => return Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, "the request body took too long")),
        };
        let body = unpack(&head.headers, body, settings)?;
        let json = serde_json::from_slice(&body).unwrap_or_default();
        let query = head.uri.query().unwrap_or_default();
        let query = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        Ok(Self { route, method: head.method, path, query, headers: head.headers, json })
    }

    /// The token of the `Authorization: Snowflake Token="..."` header.
    pub(super) fn token(&self) -> Option<&str> {
        let value = self.headers.get(AUTHORIZATION)?.to_str().ok()?;
        value.strip_prefix("Snowflake Token=\"")?.strip_suffix('"')
    }

    /// A query parameter that is not empty.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        self.query.get(name).filter(|value| !value.is_empty()).cloned()
    }

    /// The statement text of a query request.
    pub(super) fn sql(&self) -> Option<&str> {
        if self.route == Route::Query { self.json.get("sqlText")?.as_str() } else { None }
    }

    /// The scheme and authority under which the client reached the server, for the URLs it is told.
    pub(super) fn origin(&self, local: std::net::SocketAddr) -> String {
        let host = self.headers.get(HOST).and_then(|host| host.to_str().ok()).filter(|host| {
            let plain = |c: char| c.is_ascii_alphanumeric() || ".-:[]".contains(c);
            !host.is_empty() && host.chars().all(plain)
        });
        host.map_or_else(|| format!("http://{local}"), |host| format!("http://{host}"))
    }
}

fn check_size(uri: &Uri, headers: &HeaderMap, settings: &Settings) -> Result<(), Refusal> {
    let target = uri.path_and_query().map_or(0, |target| target.as_str().len());
    let fields: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if target + fields > settings.header_bytes {
        let message = format!("request line and headers are over {} bytes", settings.header_bytes);
        return Err(Refusal::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, message));
    }
    Ok(())
}

fn too_large(settings: &Settings) -> Refusal {
    let message = format!("the request body is broken, or over {} bytes", settings.body_bytes);
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, message)
}

fn unpack(headers: &HeaderMap, body: Bytes, settings: &Settings) -> Result<Bytes, Refusal> {
    let Some(encoding) = headers.get(CONTENT_ENCODING).filter(|encoding| *encoding != "identity") else {
        return Ok(body);
    };
    if encoding != "gzip" {
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "request bodies may be gzip or not encoded"));
    }
    if body.is_empty() {
        return Ok(body);
    }
    let limit = settings.body_bytes;
    let mut plain = Vec::new();
    let read = MultiGzDecoder::new(body.as_ref()).take(limit as u64 + 1).read_to_end(&mut plain);
    match read {
        Ok(_) if plain.len() > limit => Err(too_large(settings)),
        Ok(_) => Ok(Bytes::from(plain)),
        Err(_) => Err(Refusal::new(StatusCode::BAD_REQUEST, "the request body is not valid gzip")),
    }
}
