//! How the daemon is: `/healthz`, `/readyz` and `/metrics` on a port of their own.
//!
//! The port asks for no login, so nothing here names a user, a role or an object: only accounts, by the names that the
//! configuration gives them, and numbers.

mod accounts;
mod families;
mod health;
mod process;
mod prometheus;
mod server;

use std::sync::Arc;
use std::time::SystemTime;

use tokio_util::sync::CancellationToken;

use crate::daemon::Daemon;
use crate::gateway::stats::Stats;

pub use families::FAMILIES;
pub use prometheus::{Family, Kind};
pub use server::Port;

/// What is watched.
pub struct Monitor {
    daemon: Arc<Daemon>,
    gateway: Arc<Stats>,
    stopping: CancellationToken,
    panics: fn() -> u64,
    started: SystemTime,
}

impl Monitor {
    /// Watches a daemon and its gateway. `stopping` is cancelled when the daemon is told to end; `panics` counts the
    /// panics of the process.
    pub fn new(daemon: Arc<Daemon>, gateway: Arc<Stats>, stopping: CancellationToken, panics: fn() -> u64) -> Self {
        Self { daemon, gateway, stopping, panics, started: SystemTime::now() }
    }
}
