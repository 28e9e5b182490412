//! How an account is synced: what its runs may take and when a part is due again.

use crate::config::SyncConfig;
use crate::sync::{Budget, ShrinkGuard};
use std::time::Duration;

/// What the runs of one account are told.
#[derive(Clone, Debug)]
pub struct SyncSettings {
    /// Between two checks; `None` for no checks.
    pub check_interval: Option<Duration>,
    /// After this time a run reads everything.
    pub full_interval: Duration,
    /// After this time a run reads all future grants.
    pub future_grants_interval: Duration,
    /// How far back an incremental run reads again: more than the views' latency.
    pub overlap: Duration,
    /// Time for one run.
    pub run_timeout: Duration,
    /// Roles that a run looks at a second time.
    pub repair_limit: usize,
    /// What a run may send and cost.
    pub budget: Budget,
    /// What may go from one snapshot to the next.
    pub shrink: ShrinkGuard,
}

impl From<&SyncConfig> for SyncSettings {
    fn from(config: &SyncConfig) -> Self {
        Self {
            check_interval: config.check_interval,
            full_interval: config.full_interval,
            future_grants_interval: config.future_grants_interval,
            overlap: config.incremental_overlap,
            run_timeout: config.run_timeout,
            repair_limit: config.repair_limit as usize,
            budget: Budget { statements: config.max_statements, warehouse_seconds: config.max_warehouse_seconds },
            shrink: ShrinkGuard {
                users: config.max_loss_users,
                roles: config.max_loss_roles,
                grants: config.max_loss_grants,
                objects: config.max_loss_objects,
            },
        }
    }
}

impl Default for SyncSettings {
    fn default() -> Self {
        Self::from(&SyncConfig::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_of_the_configuration_are_those_of_the_guard() {
        let settings = SyncSettings::default();
        assert_eq!(settings.shrink, ShrinkGuard::default());
        assert_eq!(settings.repair_limit, crate::sync::run::REPAIR_LIMIT);
        assert!(settings.overlap >= Duration::from_hours(2), "the latency of GRANTS_TO_ROLES");
    }
}
