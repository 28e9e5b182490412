//! Syncs on their own: every account at its intervals, one run at a time, slower after failures.
//!
//! Between two syncs an account is checked with SHOW commands, which need no warehouse. Accounts have a task each: one
//! that fails or is slow does not hold up another.

use super::{Daemon, DaemonError, SyncRequest};
use crate::config::Config;
use crate::store::AccountSource;
use crate::sync::source::Silent;
use crate::sync::{RunError, SourceError};
use rand::Rng;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// When an account is synced.
#[derive(Clone, Copy, Debug)]
pub struct Timetable {
    /// Between two syncs.
    pub interval: Duration,
    /// Between two checks, and between a sync and a check; `None` for no checks.
    pub check_interval: Option<Duration>,
    /// The first wait after a failure; it doubles with each further one, up to the interval.
    pub first_retry: Duration,
    /// The wait after a refused login: the platform locks users that fail too often.
    pub after_refused_login: Duration,
}

impl Timetable {
    /// The timetable of an interval between syncs and one between checks.
    pub fn every(interval: Duration, check_interval: Option<Duration>) -> Self {
        Self {
            interval,
            check_interval,
            first_retry: Duration::from_mins(1),
            after_refused_login: Duration::from_hours(1),
        }
    }

    fn after_failure(&self, error: &DaemonError, failures: u32) -> Duration {
        if let DaemonError::Sync { error, .. } = error
            && let RunError::Statement { error, .. } = error.as_ref()
            && matches!(error.as_ref(), SourceError::Login { .. })
        {
            return self.after_refused_login.max(self.interval);
        }
        let doubled = self.first_retry.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1).min(16)));
        doubled.min(self.interval.max(self.first_retry))
    }
}

/// The running schedules.
#[derive(Default)]
pub struct Schedules(JoinSet<()>);

impl Schedules {
    /// Starts the schedule of one account; it ends when the token is cancelled.
    pub fn add(&mut self, daemon: &Arc<Daemon>, account: &str, timetable: Timetable, stop: &CancellationToken) {
        self.0.spawn(schedule(Arc::clone(daemon), account.to_owned(), timetable, stop.clone()));
    }

    /// Waits until all have ended.
    pub async fn finished(mut self) {
        while self.0.join_next().await.is_some() {}
    }
}

/// Starts a schedule for every configured account that has an interval.
pub fn start(daemon: &Arc<Daemon>, config: &Config, stop: &CancellationToken) -> Schedules {
    let mut schedules = Schedules::default();
    for account in &config.accounts {
        if let Some(interval) = account.sync_interval {
            // A check as often as a sync would tell nothing.
            let check = account.sync.check_interval.filter(|check| *check < interval);
            schedules.add(daemon, &account.name, Timetable::every(interval, check), stop);
        }
    }
    schedules
}

async fn schedule(daemon: Arc<Daemon>, account: String, timetable: Timetable, stop: CancellationToken) {
    let mut failures = 0_u32;
    let mut next_sync = Instant::now();
    loop {
        let is_check = Instant::now() < next_sync;
        let request = if is_check { SyncRequest::check() } else { SyncRequest::default() };
        let run = daemon.sync_with(&account, AccountSource::Sync, request, &Silent);
        // A run that is under way when the daemon ends is dropped: nothing of it was written.
        let outcome = tokio::select! {
            () = stop.cancelled() => return,
            outcome = run => outcome,
        };
        let wake = match outcome {
            Ok(report) => {
                failures = 0;
                if report.changed {
                    tracing::info!(account, kind = report.kind, rows = report.rows, snapshot = %report.snapshot, "synced");
                } else {
                    tracing::debug!(account, "checked, nothing new");
                }
                if !is_check {
                    next_sync = soon(jittered(timetable.interval));
                }
                let check = timetable.check_interval.map(|wait| soon(jittered(wait)));
                check.map_or(next_sync, |check| check.min(next_sync))
            }
            Err(error) => {
                failures = failures.saturating_add(1);
                tracing::error!(account, %error, failures, "sync failed; the state before stays");
                let retry = soon(jittered(timetable.after_failure(&error, failures)));
                // What failed is tried again, not put off: a failed check must not delay the sync that is due.
                next_sync = if is_check { next_sync.max(retry) } else { retry };
                retry
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep_until(wake) => {}
        }
    }
}

fn soon(wait: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(wait).unwrap_or(now)
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
        let hourly = Timetable::every(Duration::from_hours(1), None);
        let failed = DaemonError::Internal(String::new());
        let waits: Vec<u64> = (1..=8).map(|n| hourly.after_failure(&failed, n).as_secs()).collect();
        assert_eq!(waits, [60, 120, 240, 480, 960, 1_920, 3_600, 3_600]);
        let login = SourceError::Login { code: "390144".into(), message: String::new(), advice: String::new() };
        let error = Box::new(RunError::Statement { statement: "USERS".into(), error: Box::new(login) });
        let refused = DaemonError::Sync { account: "a".into(), error };
        let often = Timetable::every(Duration::from_mins(5), Some(Duration::from_mins(1)));
        assert_eq!(often.after_failure(&refused, 1), Duration::from_hours(1));
    }

    #[test]
    fn a_wait_is_made_longer_by_a_tenth_at_most() {
        for _ in 0..100 {
            let wait = jittered(Duration::from_secs(100));
            assert!((Duration::from_secs(100)..Duration::from_secs(110)).contains(&wait), "{wait:?}");
        }
    }
}
