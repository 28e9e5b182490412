//! One fault rule: which requests it meets, how often, and what it does to them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use thiserror::Error;

/// A fault and the requests it is for.
#[derive(Debug, Clone, PartialEq)]
pub struct FaultRule {
    /// Part of the statement text or of the request's path (exact case). Empty meets every request of its place.
    pub pattern: String,
    /// How many requests it strikes; then it is forgotten.
    pub times: u64,
    /// How many matching requests pass unharmed before it strikes.
    pub skip: u64,
    /// What it does.
    pub kind: FaultKind,
}

/// The place of a request: a fault strikes only where it has a meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Place {
    Login,
    Renewal,
    Statement,
    /// Another request with a session token.
    Session,
    /// No session token: chunks, telemetry.
    Open,
}

/// What a fault does. In JSON: `{"kind": "http_status", "status": 503, ...}`.
///
/// Where `executed` is a field, it says whether the request is carried out before its answer is spoilt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum FaultKind {
    /// Another HTTP status with an HTML body (XML for chunks), and `Retry-After` in seconds if given.
    HttpStatus {
        /// 100 to 599.
        status: u16,
        /// Seconds of `Retry-After`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after: Option<u32>,
        /// Carried out first?
        #[serde(default)]
        executed: bool,
    },
    /// The connection closes without an answer.
    CloseBefore {
        /// Carried out first?
        #[serde(default)]
        executed: bool,
    },
    /// The connection closes within the answer's headers.
    CloseInHeaders {
        /// Carried out first?
        #[serde(default = "yes")]
        executed: bool,
    },
    /// The connection closes in the middle of the answer's body.
    CloseInBody,
    /// HTTP 200 with an HTML page: a captive proxy.
    #[serde(rename = "html_200")]
    Html200 {
        /// Carried out first?
        #[serde(default)]
        executed: bool,
    },
    /// The answer's JSON ends in its middle (the HTTP body is complete).
    MalformedJson,
    /// JSON nested this deep.
    DeepJson {
        /// Levels.
        #[serde(default = "hundred_thousand")]
        depth: usize,
    },
    /// A valid JSON answer of this size.
    HugeJson {
        /// Bytes, about.
        #[serde(default = "three_hundred_megabytes")]
        bytes: u64,
    },
    /// The answer's body comes at this speed.
    SlowBody {
        /// Bytes per second, at least 1.
        #[serde(default = "one")]
        bytes_per_second: u64,
    },
    /// The request waits this long before anything else.
    Latency {
        /// Milliseconds.
        milliseconds: u64,
    },
    /// The session token is expired from this request on, until it is renewed: 390112 in the body.
    SessionExpired,
    /// The same, but told as HTTP 401 without a body.
    Unauthorized,
    /// The renewal is refused and the session is gone.
    RenewRefused,
    /// The request is refused with this error.
    Failure {
        /// Snowflake's error number, for example `000603`.
        code: String,
        /// SQLSTATE.
        #[serde(default)]
        sqlstate: String,
        /// Message.
        message: String,
    },
    /// The answer is "in progress" and so are this many polls, though the statement may be done.
    InProgress {
        /// Polls of the result URL.
        polls: u64,
    },
    /// An "in progress" answer whose result URL leads elsewhere.
    ResultUrlElsewhere {
        /// The URL told.
        url: String,
    },
    /// The server's clock is this far ahead (negative: behind) when it checks the login's token.
    ClockSkew {
        /// Seconds.
        seconds: i64,
    },
    /// The answer of a login or statement names this role as the current one.
    WrongRole {
        /// The role told.
        role: String,
    },
    /// A result is cut in an inline part and chunks of these sizes.
    Split {
        /// Rows in the answer itself.
        inline_rows: usize,
        /// Rows of each chunk, at least 1.
        chunk_rows: usize,
    },
    /// This chunk of the result answers with this status and an XML page, every time.
    ChunkStatus {
        /// Which chunk, from 0.
        #[serde(default)]
        chunk: usize,
        /// The status.
        #[serde(default = "forbidden")]
        status: u16,
    },
    /// The chunk's data ends in the middle of a message (Arrow) or row (JSON); its gzip is whole.
    ChunkCutMidMessage {
        /// Which chunk, from 0.
        #[serde(default)]
        chunk: usize,
    },
    /// The chunk's data ends after half of its rows, at a message boundary, without end-of-stream marker.
    ChunkCutAtBoundary {
        /// Which chunk, from 0.
        #[serde(default)]
        chunk: usize,
    },
    /// All rows, but no end-of-stream marker.
    ChunkMissingEos {
        /// Which chunk, from 0.
        #[serde(default)]
        chunk: usize,
    },
    /// The chunk's gzip data is damaged.
    ChunkWrongGzip {
        /// Which chunk, from 0.
        #[serde(default)]
        chunk: usize,
    },
    /// The chunk is told to have more or fewer rows than it has.
    ChunkRowCount {
        /// Which chunk, from 0.
        #[serde(default)]
        chunk: usize,
        /// What is added to the true count.
        by: i64,
    },
    /// `total` and `returned` are off.
    TotalOff {
        /// What is added to the true count.
        by: i64,
    },
    /// The inline part is empty though `total` counts it.
    EmptyInline,
    /// Whole numbers come in another width in each part of the result.
    MixedIntegerWidths,
    /// The first column has a type no client knows.
    UnknownColumnType {
        /// The type's name.
        #[serde(default = "vector")]
        name: String,
    },
    /// The result ends in silence after so many rows, with a matching `total`, as SHOW does.
    ShowCut {
        /// Rows.
        #[serde(default = "ten_thousand")]
        rows: usize,
    },
    /// Every column has the first one's name.
    DuplicateColumnNames,
    /// One more row, NULL in every column.
    NullRow,
}

fn yes() -> bool {
    true
}
fn one() -> u64 {
    1
}
fn ten_thousand() -> usize {
    10_000
}
fn hundred_thousand() -> usize {
    100_000
}
fn three_hundred_megabytes() -> u64 {
    300 << 20
}
fn forbidden() -> u16 {
    403
}
fn vector() -> String {
    "vector".to_owned()
}

/// A fault rule that cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FaultError {
    /// The body is not a JSON list of objects.
    #[error("faults are a JSON list of objects: [{{\"match\": \"SHOW\", \"kind\": \"http_status\", \"status\": 503}}]")]
    NotAList,
    /// A rule in the list is wrong.
    #[error("fault {index}: {reason}")]
    Rule {
        /// Its place in the list, from 0.
        index: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// Too many rules wait already.
    #[error("more than {0} faults would wait; DELETE /sandbox/faults forgets them")]
    TooMany(usize),
}

impl FaultRule {
    /// A rule that strikes once.
    pub fn once(pattern: impl Into<String>, kind: FaultKind) -> Self {
        Self { pattern: pattern.into(), times: 1, skip: 0, kind }
    }

    /// Reads a JSON list of rules: `match`, `kind`, the kind's own fields, `times` (1) and `skip` (0).
    pub fn list(json: &Value) -> Result<Vec<Self>, FaultError> {
        let rules = json.as_array().ok_or(FaultError::NotAList)?;
        let read = |(index, rule): (usize, &Value)| {
            let fields = rule.as_object().ok_or(FaultError::NotAList)?.clone();
            Self::read(fields).map_err(|reason| FaultError::Rule { index, reason })
        };
        rules.iter().enumerate().map(read).collect()
    }

    fn read(mut fields: Map<String, Value>) -> Result<Self, String> {
        let Some(Value::String(pattern)) = fields.remove("match") else {
            return Err("\"match\" must be a text: part of the statement or of the path".to_owned());
        };
        let mut count = |name: &str, default: u64| match fields.remove(name) {
            None => Ok(default),
            Some(value) => value.as_u64().ok_or_else(|| format!("\"{name}\" must be a whole number")),
        };
        let times = count("times", 1)?;
        let skip = count("skip", 0)?;
        if times == 0 {
            return Err("\"times\" must be at least 1".to_owned());
        }
        let names: Vec<String> = fields.keys().cloned().collect();
        let kind: FaultKind = serde_json::from_value(Value::Object(fields)).map_err(|error| error.to_string())?;
        kind.check()?;
        let rule = Self { pattern, times, skip, kind };
        // serde does not see unknown fields of kinds that have none of their own.
        let known = rule.to_json();
        match names.iter().find(|name| known.get(name.as_str()).is_none()) {
            Some(unknown) => Err(format!("this kind has no field \"{unknown}\"")),
            None => Ok(rule),
        }
    }

    pub(super) fn to_json(&self) -> Value {
        // Every kind is an object of plain values, so this cannot fail.
        let mut value = serde_json::to_value(&self.kind).unwrap_or_default();
        if let Value::Object(fields) = &mut value {
            fields.insert("match".to_owned(), self.pattern.clone().into());
            fields.insert("times".to_owned(), self.times.into());
            fields.insert("skip".to_owned(), self.skip.into());
        }
        value
    }
}

impl FaultKind {
    fn check(&self) -> Result<(), String> {
        match self {
            Self::HttpStatus { status, .. } | Self::ChunkStatus { status, .. } if !(200..=599).contains(status) => {
                Err("\"status\" must be between 200 and 599".to_owned())
            }
            Self::SlowBody { bytes_per_second: 0 } => Err("\"bytes_per_second\" must be at least 1".to_owned()),
            Self::Split { chunk_rows: 0, .. } => Err("\"chunk_rows\" must be at least 1".to_owned()),
            Self::DeepJson { depth } if *depth > 50_000_000 => Err("\"depth\" must be at most 50000000".to_owned()),
            _ => Ok(()),
        }
    }

    /// Whether it has a meaning for requests of this place.
    pub(super) fn applies(&self, place: Place) -> bool {
        match self {
            Self::HttpStatus { .. }
            | Self::CloseBefore { .. }
            | Self::CloseInHeaders { .. }
            | Self::CloseInBody
            | Self::Html200 { .. }
            | Self::MalformedJson
            | Self::DeepJson { .. }
            | Self::HugeJson { .. }
            | Self::SlowBody { .. }
            | Self::Latency { .. } => true,
            Self::Failure { .. } => place != Place::Open,
            Self::SessionExpired | Self::Unauthorized => matches!(place, Place::Statement | Place::Session),
            Self::RenewRefused => place == Place::Renewal,
            Self::ClockSkew { .. } => place == Place::Login,
            Self::WrongRole { .. } => matches!(place, Place::Login | Place::Statement),
            Self::InProgress { .. }
            | Self::ResultUrlElsewhere { .. }
            | Self::Split { .. }
            | Self::ChunkStatus { .. }
            | Self::ChunkCutMidMessage { .. }
            | Self::ChunkCutAtBoundary { .. }
            | Self::ChunkMissingEos { .. }
            | Self::ChunkWrongGzip { .. }
            | Self::ChunkRowCount { .. }
            | Self::TotalOff { .. }
            | Self::EmptyInline
            | Self::MixedIntegerWidths
            | Self::UnknownColumnType { .. }
            | Self::ShowCut { .. }
            | Self::DuplicateColumnNames
            | Self::NullRow => place == Place::Statement,
        }
    }

    /// The chunk this fault is about, from 0.
    pub(in super::super) fn chunk(&self) -> Option<usize> {
        match self {
            Self::ChunkStatus { chunk, .. }
            | Self::ChunkCutMidMessage { chunk }
            | Self::ChunkCutAtBoundary { chunk }
            | Self::ChunkMissingEos { chunk }
            | Self::ChunkWrongGzip { chunk }
            | Self::ChunkRowCount { chunk, .. } => Some(*chunk),
            _ => None,
        }
    }
}
