//! The fewest revokes that end an access: a minimum edge cut between the user and what it needs.
//!
//! Access takes three things: the privilege, reach into the schema and reach into the database. Cutting any one of them
//! ends it, so the smallest of three cuts is the answer; of several that small, the one that takes access from the
//! fewest other users. A membership or a grant costs one revoke, whoever granted it;
//! what no REVOKE takes away (ownership, a database role's own database, memberships that the platform makes, PUBLIC
//! being everyone's) cannot be cut.

mod network;

use super::effective::{Scan, Wanted};
use super::explain::Need;
use super::impact::others_losing;
use super::{Lens, Source, Way};
use crate::account::{ApplyError, Reach};
use crate::model::{Change, Principal, PrincipalKind};
use crate::snapshot::Snapshot;
use network::Network;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Revokes that end an access.
#[derive(Clone, Debug)]
pub struct Cut {
    /// Which of the three needs they end.
    pub need: Need,
    /// The revokes; each is needed.
    pub changes: Vec<Change>,
    /// The snapshot with all of them applied.
    pub after: Arc<Snapshot>,
}

/// Why there is no cut.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CutError {
    /// There is nothing to end.
    #[error("the user has no usable access of this kind, so there is nothing to revoke")]
    NoAccess,
    /// Some path has nothing on it that can be revoked.
    #[error(
        "no set of revokes ends this access: a role of the user owns the object or its container, or has it from the \
         platform itself; transfer the ownership or drop the role"
    )]
    NotRevocable,
    /// A revoke does not apply.
    #[error("a revoke of the answer does not apply to the account: {0}")]
    Inapplicable(#[from] ApplyError),
    /// The revokes were applied and the access is still there.
    #[error("the revokes found do not end the access when they are applied; please report this account's structure")]
    NotEnded,
}

/// One statement that takes something away.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Revoke {
    Membership {
        role: u32,
        member: u32,
    },
    Grant {
        privilege: u16,
        object: u32,
        grantee: u32,
    },
    /// By index of the container grant.
    Inherited(u32),
}

/// The fewest revokes that end a user's privilege (by index) on an object under a lens, applied and checked.
pub fn minimal_cut(s: &Arc<Snapshot>, lens: Lens, user: u32, privilege: u16, object: u32) -> Result<Cut, CutError> {
    if !usable(s, lens, user, privilege, object) {
        return Err(CutError::NoAccess);
    }
    let needs = [
        Some((Need::Privilege, object)),
        s.schema_of(object).map(|schema| (Need::Schema, schema)),
        s.database_of(object).map(|database| (Need::Database, database)),
    ];
    let mut cuts: Vec<(Need, Vec<Revoke>)> = needs
        .into_iter()
        .flatten()
        .filter_map(|(need, target)| {
            let ends = ends(s, need, target, privilege);
            Some((need, Network::new(s, lens, user, &ends).minimum_cut()?))
        })
        .collect();
    let fewest = cuts.iter().map(|(_, revokes)| revokes.len()).min().ok_or(CutError::NotRevocable)?;
    cuts.retain(|(_, revokes)| revokes.len() == fewest);
    let mut cuts = cuts.into_iter().map(|(need, revokes)| applied(s, need, revokes)).collect::<Result<Vec<_>, _>>()?;
    if cuts.iter().any(|cut| cuts.first().is_some_and(|first| first.changes != cut.changes)) {
        // Cuts of one size: the one that takes access from the fewest others, then the plainest need.
        let user = s.principals().at(user);
        cuts.sort_by_cached_key(|cut| (others_losing(s, &cut.after, lens, user), cut.need));
    }
    let cut = cuts.into_iter().next().ok_or(CutError::NotRevocable)?;
    let after = &cut.after;
    let still = || {
        let user = after.principal_id(s.principals().at(user))?;
        let privilege = after.privilege_id(s.privileges().at(u32::from(privilege)).as_str())?;
        let object = after.object_id(&s.object(object))?;
        Some(usable(after, lens, user, privilege, object))
    };
    if still().unwrap_or(false) {
        return Err(CutError::NotEnded);
    }
    Ok(cut)
}

/// Revokes as changes, and the snapshot with all of them applied.
fn applied(s: &Snapshot, need: Need, revokes: Vec<Revoke>) -> Result<Cut, CutError> {
    let mut account = s.thaw();
    let mut changes = Vec::new();
    let mut cascaded = false;
    for revoke in revokes {
        let Some(change) = change(s, revoke) else { continue };
        match account.apply(&change, Some(s.taken_at())) {
            // An earlier revoke took this one along.
            Err(ApplyError::NotGranted(_)) if cascaded => continue,
            result => result?,
        }
        cascaded |= matches!(change, Change::RevokePrivilege { cascade: true, .. });
        changes.push(change);
    }
    let after = Arc::new(Snapshot::freeze(&account, s.taken_at()));
    Ok(Cut { need, changes, after })
}

/// Whether a user can use a privilege (by index) on an object under a lens.
pub fn usable(s: &Arc<Snapshot>, lens: Lens, user: u32, privilege: u16, object: u32) -> bool {
    let (users, objects, privileges) = (Some(vec![user]), Some(vec![object]), Some(vec![privilege]));
    let mut scan = Scan::new(Arc::clone(s), Wanted { users, objects, privileges, lens });
    let mut rows = Vec::new();
    while scan.rows(usize::MAX, &mut rows) {}
    rows.iter().any(|row| row.usable)
}

/// Who fulfils a need by itself, each with what takes it away; `None` for what cannot be revoked.
fn ends(s: &Snapshot, need: Need, target: u32, privilege: u16) -> BTreeSet<(u32, Option<Revoke>)> {
    let mut ways = Vec::new();
    s.ways_on(target, &mut ways);
    if need == Need::Privilege {
        ways.retain(|w| w.privilege == privilege);
    }
    let revoke = |way: &Way| match way.kind {
        Source::Ownership => None,
        Source::Inherited => Some(Revoke::Inherited(way.evidence)),
        _ => Some(Revoke::Grant { privilege: way.privilege, object: target, grantee: way.carrier }),
    };
    let mut ends: BTreeSet<_> = ways.iter().map(|way| (way.carrier, revoke(way))).collect();
    if need == Need::Privilege {
        return ends;
    }
    // An inherited grant on what is inside resolves its own container.
    for (row, i) in s.container_grants().iter().zip(0..) {
        if row.reach == Reach::Inherited && row.container == target {
            ends.insert((row.grantee, Some(Revoke::Inherited(i))));
        }
    }
    if need == Need::Database {
        let of_database = |p: &Principal| {
            p.kind == PrincipalKind::DatabaseRole
                && p.scope.first().is_some_and(|d| d.as_str() == s.object_name(target))
        };
        ends.extend(s.principals().iter().zip(0..).filter(|(p, _)| of_database(p)).map(|(_, id)| (id, None)));
    }
    ends
}

/// A revoke as a change; `None` for an index of no inherited grant. Grants that the grantee made with its grant option
/// go too, since SQL refuses otherwise.
fn change(s: &Snapshot, revoke: Revoke) -> Option<Change> {
    let named = |id: u32| s.principals().at(id).clone();
    Some(match revoke {
        Revoke::Membership { role, member } => {
            Change::RevokeRole { role: named(role), from: named(member), granted_by: None }
        }
        Revoke::Grant { privilege, object, grantee } => {
            let grants = s.grants();
            let of_privilege = || s.grants_on(object).filter(|row| grants.privilege(*row) == privilege);
            let grantor = s.principals().at(grantee);
            let depends =
                |row: u32| grants.grantee(row) != grantee && s.grantor(grants.granted_by(row)) == Some(grantor);
            let option = of_privilege().any(|row| grants.grantee(row) == grantee && grants.grant_option(row));
            Change::RevokePrivilege {
                privilege: s.privileges().at(u32::from(privilege)).clone(),
                object: s.object(object),
                grantee: named(grantee),
                grant_option_only: false,
                cascade: option && of_privilege().any(depends),
                granted_by: None,
            }
        }
        Revoke::Inherited(i) => {
            let row = s.container_grant(s.container_grants().get(i as usize)?);
            Change::RevokeInherited {
                privilege: row.privilege,
                object_type: row.object_type,
                container: row.container,
                grantee: row.grantee,
            }
        }
    })
}

#[cfg(test)]
mod tests;
