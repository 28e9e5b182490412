//! The Snowflake client: `snowflake-api` inside one layer that adds what it lacks.
//!
//! `snowflake-api` builds the request envelopes and fetches Arrow chunks. The [`layer`] stands between it and the
//! network and sees to the host, login, renewal, retries, polling, chunk order, row counts and cancellation. What the
//! crate decodes itself is never used: [`decode`] reads the raw bytes by their metadata.

mod advice;
mod answer;
mod call;
mod client;
mod config;
mod decode;
mod ipc;
mod key;
mod layer;
mod session;
mod transport;

pub use client::SnowflakeSource;
pub use config::{Credential, Limits, Secret, SnowflakeConfig};
pub use key::SigningKey;
