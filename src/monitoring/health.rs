//! Whether the daemon can answer: the store is open, and every configured account has a snapshot.

use std::time::Duration;

use serde::Serialize;

use super::Monitor;
use super::accounts;
use crate::daemon::rfc3339;

/// How long the store may take to answer. A commit holds it for less.
const PATIENCE: Duration = Duration::from_secs(3);

/// The body of `/readyz`.
#[derive(Debug, Serialize)]
pub(super) struct Readiness {
    /// Whether everything below is.
    pub(super) ready: bool,
    /// Why not, in words; empty when it is.
    why: Vec<String>,
    accounts: Vec<AccountReadiness>,
}

#[derive(Debug, Serialize)]
struct AccountReadiness {
    account: String,
    ready: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    snapshot: Option<i64>,
    /// The moment of the platform that is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    as_of: Option<String>,
    /// Failed runs since the last that succeeded.
    failures: u64,
    /// Since when there is nothing to show: the first run that failed, or the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    missing_since: Option<String>,
}

/// Looks at everything.
pub(super) async fn readiness(monitor: &Monitor) -> Readiness {
    let mut why = Vec::new();
    if monitor.stopping.is_cancelled() {
        why.push("the daemon is ending".to_owned());
    }
    match tokio::time::timeout(PATIENCE, monitor.daemon.check_store()).await {
        Ok(Ok(())) => {}
        // The reason may name files: it is for the log.
        Ok(Err(error)) => {
            tracing::error!(%error, "the store cannot be read");
            why.push("the store cannot be read; the log says why".to_owned());
        }
        Err(_) => why.push(format!("the store has not answered for {} s", PATIENCE.as_secs())),
    }
    let world = monitor.daemon.world();
    let figures = accounts::figures(&world, monitor.daemon.connected(), &monitor.daemon.sync_counts());
    let accounts = figures.into_iter().map(|(account, figures)| {
        let missing_since = figures.snapshot.is_none().then(|| {
            let first = world.sync_runs.iter().filter(|run| run.account == account).map(|run| run.started_at).min();
            let started = monitor.started.duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap_or_default();
            rfc3339(first.unwrap_or_else(|| i64::try_from(started.as_micros()).unwrap_or(i64::MAX)))
        });
        if let Some(since) = &missing_since {
            let failed = match figures.failures {
                0 => "its first sync has not ended".to_owned(),
                1 => "1 run failed; the relation sync_runs says why".to_owned(),
                runs => format!("{runs} runs failed; the relation sync_runs says why"),
            };
            why.push(format!("account {account:?} has had no snapshot since {since}: {failed}"));
        }
        AccountReadiness {
            ready: figures.snapshot.is_some(),
            snapshot: figures.snapshot.as_ref().map(|snapshot| snapshot.id),
            as_of: figures.snapshot.as_ref().map(|snapshot| rfc3339(snapshot.as_of)),
            failures: figures.failures,
            missing_since,
            account,
        }
    });
    let accounts = accounts.collect();
    Readiness { ready: why.is_empty(), why, accounts }
}
