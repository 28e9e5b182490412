//! Syncs on their own: every account at its interval, one run at a time, slower after failures.

use super::{Daemon, DaemonError};
use crate::config::Config;
use crate::store::AccountSource;
use crate::sync::source::Silent;
use crate::sync::{RunError, SourceError};
use rand::Rng;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// The first wait after a failure; it doubles with each further one, up to the interval.
const FIRST_RETRY: Duration = Duration::from_mins(1);
/// The wait after a refused login: the platform locks users that fail too often.
const AFTER_REFUSED_LOGIN: Duration = Duration::from_hours(1);

/// The running schedules.
pub struct Schedules(JoinSet<()>);

impl Schedules {
    /// Waits until all have ended; they end when the token they were started with is cancelled.
    pub async fn finished(mut self) {
        while self.0.join_next().await.is_some() {}
    }
}

/// Starts a schedule for every configured account that has an interval.
pub fn start(daemon: &Arc<Daemon>, config: &Config, stop: &CancellationToken) -> Schedules {
    let mut tasks = JoinSet::new();
    for account in &config.accounts {
        if let Some(interval) = account.sync_interval {
            tasks.spawn(schedule(Arc::clone(daemon), account.name.clone(), interval, stop.clone()));
        }
    }
    Schedules(tasks)
}

async fn schedule(daemon: Arc<Daemon>, account: String, interval: Duration, stop: CancellationToken) {
    let mut failures = 0_u32;
    loop {
        let run = daemon.sync(&account, AccountSource::Sync, &Silent);
        let outcome = tokio::select! {
            () = stop.cancelled() => return,
            outcome = run => outcome,
        };
        let wait = match outcome {
            Ok(report) => {
                failures = 0;
                tracing::info!(account, rows = report.rows, snapshot = %report.snapshot, "synced");
                interval
            }
            Err(error) => {
                failures = failures.saturating_add(1);
                tracing::error!(account, %error, failures, "sync failed; the state before stays");
                after_failure(&error, failures, interval)
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(jittered(wait)) => {}
        }
    }
}

fn after_failure(error: &DaemonError, failures: u32, interval: Duration) -> Duration {
    if let DaemonError::Sync { error, .. } = error
        && let RunError::Statement { error, .. } = error.as_ref()
        && matches!(error.as_ref(), SourceError::Login { .. })
    {
        return AFTER_REFUSED_LOGIN.max(interval);
    }
    let doubled = FIRST_RETRY.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1).min(16)));
    doubled.min(interval.max(FIRST_RETRY))
}

/// Up to a tenth longer, so that accounts do not all come at once.
fn jittered(wait: Duration) -> Duration {
    wait.saturating_add(wait.mul_f64(rand::rng().random_range(0.0..0.1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_interval_and_a_refused_login_waits_long() {
        let interval = Duration::from_hours(1);
        let failed = DaemonError::Internal(String::new());
        let waits: Vec<u64> = (1..=8).map(|n| after_failure(&failed, n, interval).as_secs()).collect();
        assert_eq!(waits, [60, 120, 240, 480, 960, 1_920, 3_600, 3_600]);
        let login = SourceError::Login { code: "390144".into(), message: String::new(), advice: String::new() };
        let error = Box::new(RunError::Statement { statement: "USERS".into(), error: Box::new(login) });
        let refused = DaemonError::Sync { account: "a".into(), error };
        assert_eq!(after_failure(&refused, 1, Duration::from_mins(5)), AFTER_REFUSED_LOGIN);
    }
}
