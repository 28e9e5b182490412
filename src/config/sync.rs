//! The keys of `[[account]]` that say how it is synced.

use std::time::Duration;

/// The latency of `ACCOUNT_USAGE.GRANTS_TO_ROLES` (Snowflake's documentation): an overlap shorter than that loses rows.
pub(super) const LEAST_OVERLAP: Duration = Duration::from_hours(2);

/// What the syncs of an account may take, and when a part is due again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SyncConfig {
    /// Between two checks for changes with SHOW commands; `None` for no checks (`"0"`).
    pub check_interval: Option<Duration>,
    /// After this time a sync reads everything again.
    pub full_interval: Duration,
    /// After this time a sync reads all future grants again.
    pub future_grants_interval: Duration,
    /// How far back from the last reading an incremental sync reads again; two hours at least.
    pub incremental_overlap: Duration,
    /// Time for one sync.
    pub run_timeout: Duration,
    /// Roles that a sync looks at a second time when their members differ.
    pub repair_limit: u32,
    /// Most statements of a sync.
    pub max_statements: Option<u32>,
    /// Most seconds of a warehouse that a sync is estimated to take.
    pub max_warehouse_seconds: Option<u32>,
    /// Largest share of the users that may go at once, in percent; 100 for no limit.
    pub max_loss_users: u8,
    /// The same of the roles.
    pub max_loss_roles: u8,
    /// The same of the grants.
    pub max_loss_grants: u8,
    /// The same of the objects.
    pub max_loss_objects: u8,
}

impl Default for SyncConfig {
    fn default() -> Self {
        Self {
            check_interval: Some(Duration::from_mins(5)),
            full_interval: Duration::from_hours(24),
            future_grants_interval: Duration::from_hours(6),
            incremental_overlap: Duration::from_hours(6),
            run_timeout: Duration::from_hours(1),
            repair_limit: 25,
            max_statements: None,
            max_warehouse_seconds: None,
            max_loss_users: 20,
            max_loss_roles: 20,
            max_loss_grants: 50,
            max_loss_objects: 50,
        }
    }
}
