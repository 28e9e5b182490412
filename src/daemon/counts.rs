//! Runs since the start, by account and outcome.

use super::{Daemon, DaemonError, blocking};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The runs of one account: syncs, checks and imports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SyncCounts {
    /// They brought what they should.
    pub succeeded: u64,
    /// They failed, or their result could not be kept.
    pub failed: u64,
}

/// The runs of all accounts.
#[derive(Debug, Default)]
pub(super) struct Runs(Mutex<BTreeMap<String, SyncCounts>>);

impl Runs {
    fn note(&self, account: &str, succeeded: bool) {
        let mut runs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = runs.entry(account.to_owned()).or_default();
        let counter = if succeeded { &mut counts.succeeded } else { &mut counts.failed };
        *counter = counter.saturating_add(1);
    }
}

impl Daemon {
    /// Runs since the start, by account.
    pub fn sync_counts(&self) -> BTreeMap<String, SyncCounts> {
        self.runs.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Counts a run of an account that there is; of others nobody keeps a count.
    pub(super) fn count_run<T>(&self, account: &str, result: &Result<T, DaemonError>) {
        if self.connectors.contains_key(account) || self.world().account(account).is_some() {
            self.runs.note(account, result.is_ok());
        }
    }

    /// Whether the store can be read now.
    pub async fn check_store(&self) -> Result<(), DaemonError> {
        let store = Arc::clone(&self.store);
        blocking(move || store.accounts()).await??;
        Ok(())
    }
}
