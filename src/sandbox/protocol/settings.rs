//! What can be chosen about the sandbox's server: lifetimes, waits, result sizes, limits.

use std::time::Duration;

/// Lifetimes, waits, result sizes and limits. The defaults are Snowflake's where Snowflake has one.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How long a session token lives before it must be renewed.
    pub session_lifetime: Duration,
    /// How long a master token lives; without a renewal before, the session ends.
    pub master_lifetime: Duration,
    /// How far a client's clock may differ when its token is checked.
    pub clock_skew: Duration,
    /// How long one request waits for its statement before it is answered "in progress".
    pub statement_wait: Duration,
    /// Most rows in the part of a result that travels in the answer itself.
    pub inline_rows: usize,
    /// Most bytes (estimated) in that part.
    pub inline_bytes: usize,
    /// Most rows of a chunk.
    pub chunk_rows: usize,
    /// Most bytes (estimated, before compression) of a chunk.
    pub chunk_bytes: usize,
    /// Most rows a SHOW answers; the rest is dropped in silence, as Snowflake does.
    pub show_rows: usize,
    /// Most bytes of compressed chunks held at once; the oldest go first.
    pub chunk_store_bytes: usize,
    /// How long a chunk can be fetched.
    pub chunk_lifetime: Duration,
    /// Most bytes of a request body, also after decompression.
    pub body_bytes: usize,
    /// How long a request body may take to arrive.
    pub body_wait: Duration,
    /// Most bytes of request line and headers together.
    pub header_bytes: usize,
    /// Most sessions open at once.
    pub sessions: usize,
    /// Most connections open at once; more wait to be accepted.
    pub connections: usize,
    /// Most statements whose answer is kept for `GET /queries/{id}/result`.
    pub statements: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            session_lifetime: Duration::from_hours(1),
            master_lifetime: Duration::from_hours(4),
            clock_skew: Duration::from_mins(1),
            statement_wait: Duration::from_secs(45),
            inline_rows: 1_000,
            inline_bytes: 128 << 10,
            chunk_rows: 20_000,
            chunk_bytes: 4 << 20,
            show_rows: 10_000,
            chunk_store_bytes: 512 << 20,
            chunk_lifetime: Duration::from_hours(6),
            body_bytes: 8 << 20,
            body_wait: Duration::from_secs(30),
            header_bytes: 32 << 10,
            sessions: 256,
            connections: 512,
            statements: 512,
        }
    }
}
