//! Snowflake's driver protocol over HTTP/1.1 on loopback.

pub mod engine;
