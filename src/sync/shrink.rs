//! The shrink guard: a snapshot that lost more than a set share of anything is not believed without being asked.
//!
//! A role that lost a privilege, a view that came back empty, a wrong account: each looks like a mass deletion.

use grantd_catalog::model::PrincipalKind;
use grantd_catalog::snapshot::Snapshot;

/// Losses up to this number are never refused: in a small account every drop is a large share.
const FEW: u64 = 20;

/// What may go from one snapshot to the next, in percent of what was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShrinkGuard {
    /// Of the users.
    pub users: u8,
    /// Of the roles of every kind.
    pub roles: u8,
    /// Of the grants, ownerships and memberships among them.
    pub grants: u8,
    /// Of the objects.
    pub objects: u8,
}

impl Default for ShrinkGuard {
    /// Users and roles come and go one by one; a schema that is dropped takes thousands of objects and grants along.
    fn default() -> Self {
        Self { users: 20, roles: 20, grants: 50, objects: 50 }
    }
}

/// A loss that was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the account would lose {lost} of {before} {what}, more than the {allowed} % that `{key}` allows; nothing was changed. If \
     that is right: grantd sync --force-shrink, or CALL sync(account, true)"
)]
pub struct Shrunk {
    /// `users`, `roles`, `grants` or `objects`.
    pub what: &'static str,
    /// The key of the configuration.
    pub key: &'static str,
    /// How many there were.
    pub before: u64,
    /// How many would go.
    pub lost: u64,
    /// The share that may go, in percent.
    pub allowed: u8,
}

/// How many of each kind a snapshot has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Users.
    pub users: u64,
    /// Roles of every kind.
    pub roles: u64,
    /// Grants, ownerships and memberships.
    pub grants: u64,
    /// Objects.
    pub objects: u64,
}

impl Counts {
    /// Counts a snapshot. What only grants mention is not counted: it comes and goes with the views' latency.
    pub fn of(snapshot: &Snapshot) -> Self {
        let listed = snapshot.principals().iter().zip(0..).filter(|(_, id)| snapshot.principal_info(*id).listed);
        let (mut users, mut roles) = (0, 0);
        for (principal, _) in listed {
            users += u64::from(principal.kind == PrincipalKind::User);
            roles += u64::from(principal.kind.is_role());
        }
        let ids = 0..snapshot.object_count();
        let owned = ids.clone().filter(|id| snapshot.owner_of(*id).is_some()).count();
        Self {
            users,
            roles,
            grants: (snapshot.grants().len() + snapshot.memberships().len() + owned) as u64,
            objects: ids.filter(|id| snapshot.object_listed(*id)).count() as u64,
        }
    }
}

impl ShrinkGuard {
    /// Refuses a state that lost more than may go.
    pub fn check(&self, before: Counts, after: Counts) -> Result<(), Shrunk> {
        for (what, key, allowed, before, after) in [
            ("users", "max_loss_users", self.users, before.users, after.users),
            ("roles", "max_loss_roles", self.roles, before.roles, after.roles),
            ("grants", "max_loss_grants", self.grants, before.grants, after.grants),
            ("objects", "max_loss_objects", self.objects, before.objects, after.objects),
        ] {
            let lost = before.saturating_sub(after);
            if lost > FEW && u128::from(lost) * 100 > u128::from(before) * u128::from(allowed) {
                return Err(Shrunk { what, key, before, lost, allowed });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_is_refused_by_its_share_and_never_when_it_is_few() {
        let guard = ShrinkGuard::default();
        let counts = |users| Counts { users, roles: 100, grants: 1_000, objects: 500 };
        assert_eq!(guard.check(counts(1_000), counts(800)), Ok(()));
        let refused = guard.check(counts(1_000), counts(799)).unwrap_err();
        assert_eq!((refused.what, refused.lost, refused.allowed), ("users", 201, 20));
        assert!(refused.to_string().contains("201 of 1000 users") && refused.to_string().contains("max_loss_users"));
        assert_eq!(guard.check(counts(20), counts(0)), Ok(()));
        assert!(guard.check(counts(21), counts(0)).is_err());
        assert_eq!(guard.check(counts(10), counts(1_000)), Ok(()));
        let all = ShrinkGuard { users: 100, ..guard };
        assert_eq!(all.check(counts(1_000), counts(0)), Ok(()));
    }

    #[test]
    fn each_kind_has_its_own_share() {
        let guard = ShrinkGuard::default();
        let before = Counts { users: 100, roles: 100, grants: 1_000, objects: 1_000 };
        for (after, what) in [
            (Counts { roles: 70, ..before }, "roles"),
            (Counts { grants: 499, ..before }, "grants"),
            (Counts { objects: 499, ..before }, "objects"),
        ] {
            assert_eq!(guard.check(before, after).unwrap_err().what, what);
        }
        assert_eq!(guard.check(before, Counts { grants: 500, objects: 500, roles: 80, users: 80 }), Ok(()));
    }
}
