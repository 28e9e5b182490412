//! The PostgreSQL wire: listener, session, statements, results.
//!
//! A connection is served by one task on the daemon's runtime, which only moves bytes; statements are parsed, planned
//! and executed on the gateway's own threads. The way of a statement: bytes -> [`frame`] -> `front_door` (tokens, kind,
//! allow-list) -> [`rewrite`] -> `query` (plan, rows) -> `encode` -> bytes.

mod activity;
mod alike;
pub mod backend;
mod cancel;
mod conn;
mod der;
mod encode;
pub mod error;
mod extended;
pub mod frame;
mod front_door;
pub mod fuzzing;
mod kept;
mod listener;
pub mod login;
mod multisets;
mod naming;
mod outcome;
mod outputs;
mod peer;
pub mod pgcatalog;
mod precedence;
mod query;
pub mod recorder;
mod recording;
pub mod rewrite;
mod scroll;
mod session;
pub mod settings;
mod socket;
mod startup;
pub mod stats;
pub mod tls;
mod transaction;
mod using;
mod utility;
mod values;

pub use backend::{Backend, BackendSession, CallOutcome, Startup};
pub use error::SqlError;
pub use listener::{Access, Gateway, GatewayError};
pub use login::Methods;
pub use peer::Peer;
pub use query::shape::PG_TYPE_KEY;
pub use recorder::{Entry, Recorder, Route, Snapshots, StatementText};
pub use settings::SharedSettings;
