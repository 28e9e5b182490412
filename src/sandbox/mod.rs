//! A small Snowflake for demos and tests, over HTTP.
//!
//! [`protocol`] speaks what Snowflake's drivers speak: logins, sessions, statements, results. What the statements
//! mean is behind the trait [`protocol::engine::Engine`], and [`engine`] is the account that answers them.

pub mod demo;
pub mod engine;
pub mod protocol;
pub mod story;
