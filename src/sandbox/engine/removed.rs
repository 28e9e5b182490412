//! What was in the account and is gone, with the time it went.

use grantd_catalog::account::{Grant, Membership, Micros, ObjectInfo, Ownership, PrincipalInfo};
use grantd_catalog::model::{ObjectRef, Principal};

/// Rows that left the account, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Removed {
    /// Grants that were revoked.
    pub grants: Vec<(Grant, Micros)>,
    /// Memberships that ended.
    pub memberships: Vec<(Membership, Micros)>,
    /// Users and roles that were dropped.
    pub principals: Vec<(Principal, PrincipalInfo, Micros)>,
    /// Objects that were dropped.
    pub objects: Vec<(ObjectRef, ObjectInfo, Micros)>,
    /// Owners that are no more.
    pub ownerships: Vec<(Ownership, Micros)>,
}
