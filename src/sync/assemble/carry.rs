//! Grants of the last snapshot that still count, for runs that read only what changed.
//!
//! A row is carried over unless its object or grantee is gone or was made anew, or a row with `DELETED_ON` ends it. That
//! is right as long as whatever is new is also young: something old under a new name (renamed, undropped, swapped) brings
//! grants that did not change, and then the grants have to be read in full.

use super::grants::Ended;
use super::{AssembleError, Builder};
use crate::sync::kind::SourceKind;
use crate::sync::table::SourceTable;
use grantd_catalog::account::{Account, Grant, Membership, Micros, Ownership, Reach};
use grantd_catalog::model::{ObjectRef, Principal, PrincipalKind, Privilege};
use grantd_catalog::snapshot::Snapshot;
use std::collections::HashMap;
use std::sync::Arc;

/// Times of one thing in several sources differ by their precision: SHOW has milliseconds, the views have microseconds.
const SAME_TIME: Micros = 1_000;

/// What is taken from the last snapshot instead of being read.
#[derive(Clone, Debug)]
pub struct Carry {
    /// The last snapshot.
    pub snapshot: Arc<Snapshot>,
    /// The grants among the tables are those that changed from then on; `None` when they are all there.
    pub grants_since: Option<Micros>,
    /// Whether future grants are taken from the snapshot. Those among the tables are put over them.
    pub future_grants: bool,
}

/// Which principals and objects of the snapshot, by id, are still the same thing.
struct Same {
    principals: Vec<bool>,
    objects: Vec<bool>,
}

impl Same {
    fn of(before: &Snapshot, now: &Account) -> Self {
        let principals: Vec<bool> = before
            .principals()
            .iter()
            .zip(0..)
            .map(|(principal, id)| {
                let old = before.principal_info(id);
                !old.listed
                    || now.principal(principal).is_some_and(|new| new.listed && same(old.created_on, new.created_on))
            })
            .collect();
        let own: Vec<bool> = (0..before.object_count())
            .map(|id| {
                let object = before.object(id);
                if let Some(principal) = Principal::from_object(&object) {
                    let id = before.principal_id(&principal);
                    return id.is_none_or(|id| at(&principals, id));
                }
                let created = before.object_created_on(id);
                !before.object_listed(id)
                    || now.object(&object).is_some_and(|(_, new)| new.listed && same(created, new.created_on))
            })
            .collect();
        let objects = (0..before.object_count())
            .map(|id| {
                let around = [before.database_of(id), before.schema_of(id)];
                at(&own, id) && around.into_iter().flatten().all(|container| at(&own, container))
            })
            .collect();
        Self { principals, objects }
    }

    fn principal(&self, id: u32) -> bool {
        at(&self.principals, id)
    }

    fn object(&self, id: u32) -> bool {
        at(&self.objects, id)
    }
}

fn at(flags: &[bool], id: u32) -> bool {
    flags.get(id as usize).copied().unwrap_or(true)
}

/// Whether two times of creation can be of the same thing.
fn same(old: Option<Micros>, new: Option<Micros>) -> bool {
    match (old, new) {
        (Some(old), Some(new)) => old.abs_diff(new) < SAME_TIME.unsigned_abs(),
        _ => true,
    }
}

impl Builder {
    /// Puts what is carried over. The answer says why it cannot be trusted, if so.
    pub(super) fn carry(&mut self, carry: &Carry, tables: &[&SourceTable]) -> Result<Option<String>, AssembleError> {
        let before = carry.snapshot.as_ref();
        let still = Same::of(before, &self.account);
        let mut doubt = None;
        if let Some(since) = carry.grants_since {
            doubt = old_newcomer(before, &still, &self.account, since);
            let mut ended: HashMap<Ended, Micros> = HashMap::new();
            for table in tables.iter().filter(|t| t.kind() == SourceKind::GrantsToRoles) {
                for (what, at) in self.ends(table)? {
                    let last = ended.entry(what).or_insert(at);
                    *last = at.max(*last);
                }
            }
            // A row that was granted after the end is another row.
            let is_over = |key: &Ended, created: Option<Micros>| {
                ended.get(key).is_some_and(|end| created.is_none_or(|created| created <= *end))
            };
            self.carry_objects(before, &still, &is_over);
            self.carry_memberships(before, &still, &is_over);
            self.carry_container_grants(before, &still, Reach::Inherited, &is_over);
        }
        if carry.future_grants {
            self.carry_container_grants(before, &still, Reach::Future, &|_, _| false);
        }
        Ok(doubt)
    }

    fn carry_objects(&mut self, before: &Snapshot, still: &Same, is_over: &impl Fn(&Ended, Option<Micros>) -> bool) {
        for id in (0..before.object_count()).filter(|id| still.object(*id)) {
            let object = before.object(id);
            self.carry_owner(before, still, id, &object, is_over);
            for row in before.grants_on(id) {
                let grants = before.grants();
                let grantee = grants.grantee(row);
                if !still.principal(grantee) {
                    continue;
                }
                let Some(privilege) = before.privileges().get(u32::from(grants.privilege(row))) else { continue };
                let Some(grantee) = before.principals().get(grantee) else { continue };
                let grant = Grant {
                    privilege: privilege.clone(),
                    object: object.clone(),
                    grantee: grantee.clone(),
                    granted_by: before.grantor(grants.granted_by(row)).cloned(),
                    grant_option: grants.grant_option(row),
                    created_on: grants.created_on(row),
                };
                let key = Ended::privilege(
                    grant.privilege.clone(),
                    grant.object.clone(),
                    grant.grantee.clone(),
                    grant.granted_by.clone(),
                );
                if grant.grantee.kind != PrincipalKind::Share && !is_over(&key, grant.created_on) {
                    self.privilege(SourceKind::GrantsToRoles, grant);
                }
            }
        }
    }

    /// Only owners that a row of grants named; the others are in the inventories, which were read.
    fn carry_owner(
        &mut self,
        before: &Snapshot,
        still: &Same,
        id: u32,
        object: &ObjectRef,
        is_over: &impl Fn(&Ended, Option<Micros>) -> bool,
    ) {
        let Some(owner) = before.owner_of(id).filter(|owner| still.principal(*owner)) else { return };
        let Some(owner) = before.principals().get(owner) else { return };
        let (granted_by, created_on) = before.owner_evidence(id).unwrap_or_default();
        if granted_by.is_none() && created_on.is_none() {
            return;
        }
        let ownership =
            Ownership { object: object.clone(), owner: owner.clone(), granted_by: granted_by.cloned(), created_on };
        let key = Ended::privilege(Privilege::OWNERSHIP, object.clone(), owner.clone(), granted_by.cloned());
        if !is_over(&key, created_on) {
            self.notice(SourceKind::GrantsToRoles, object);
            self.notice_principal(SourceKind::GrantsToRoles, owner);
            self.account.put_ownership(&ownership);
        }
    }

    fn carry_memberships(
        &mut self,
        before: &Snapshot,
        still: &Same,
        is_over: &impl Fn(&Ended, Option<Micros>) -> bool,
    ) {
        for row in before.memberships() {
            if !still.principal(row.role) || !still.principal(row.member) {
                continue;
            }
            let names = (before.principals().get(row.role), before.principals().get(row.member));
            let (Some(role), Some(member)) = names else { continue };
            // An account role of a user is a row of GRANTS_TO_USERS, a share's one of GRANTS_TO_SHARES: both were read.
            let elsewhere = match member.kind {
                PrincipalKind::User => role.kind == PrincipalKind::Role,
                kind => kind == PrincipalKind::Share,
            };
            let granted_by = before.grantor(row.granted_by).cloned();
            let key = Ended::Role(role.clone(), member.clone(), granted_by.clone());
            if !elsewhere && !is_over(&key, row.created_on) {
                let membership = Membership {
                    role: role.clone(),
                    member: member.clone(),
                    granted_by,
                    grant_option: row.grant_option,
                    builtin: false,
                    created_on: row.created_on,
                };
                self.member(SourceKind::GrantsToRoles, membership);
            }
        }
    }

    fn carry_container_grants(
        &mut self,
        before: &Snapshot,
        still: &Same,
        reach: Reach,
        is_over: &impl Fn(&Ended, Option<Micros>) -> bool,
    ) {
        for row in before.container_grants().iter().filter(|row| row.reach == reach) {
            // The account has no id, and is never gone.
            if !still.object(row.container) || !still.principal(row.grantee) {
                continue;
            }
            let grant = before.container_grant(row);
            let key = Ended::Inherited(
                grant.container.clone(),
                grant.object_type.clone(),
                grant.privilege.clone(),
                grant.grantee.clone(),
            );
            if !is_over(&key, grant.created_on) {
                self.account.put_container_grant(grant);
            }
        }
    }
}

/// Something that the snapshot does not have and that is older than what was read: its grants may not have changed.
fn old_newcomer(before: &Snapshot, still: &Same, now: &Account, since: Micros) -> Option<String> {
    let young = |created: Option<Micros>| created.is_some_and(|created| created >= since);
    for (principal, _) in now.principals().filter(|(_, info)| info.listed && !young(info.created_on)) {
        let known = before.principal_id(principal);
        if !known.is_some_and(|id| before.principal_info(id).listed && still.principal(id)) {
            return Some(format!("{} is new here, and not young", principal.grantee_sql()));
        }
    }
    for (object, _) in now.objects().filter(|(_, info)| info.listed && !young(info.created_on)) {
        let known = before.object_id(object);
        if !known.is_some_and(|id| before.object_listed(id) && still.object(id)) {
            return Some(format!("{} {} is new here, and not young", object.object_type.sql(), object.shown()));
        }
    }
    None
}
