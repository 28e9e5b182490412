//! Snowflake's driver protocol over HTTP/1.1 on loopback: logins by key pair, sessions, statements, results in JSON and
//! Arrow, chunks; and faults that can be switched on request by request.
//!
//! [`Sandbox`] is the server, [`engine::Engine`] what it asks. `POST /sandbox/faults` and `GET /sandbox/statements` are
//! its own endpoints; [`Controls`] offers the same to Rust.

mod counter;
pub mod engine;
mod envelope;
mod faults;
mod jwt;
pub mod keys;
mod login;
mod query;
mod request;
mod results;
mod server;
mod sessions;
mod settings;
mod statements;
mod wire;

pub use counter::Counts;
pub use faults::{FaultError, FaultKind, FaultRule};
pub use server::{Controls, Sandbox};
pub use settings::Settings;
