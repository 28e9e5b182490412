//! What SHOW says over what the views say: SHOW is fresh, the views are up to three hours old.
//!
//! SHOW wins for the existence of users and account roles, which it lists whole for everybody, and for the members of a
//! role whose counters in SHOW ROLES differ. The same rules hold in every kind of run, so that two runs over one state
//! of the platform give one account.

use super::{AssembleError, Assembled, Builder, is_builtin, names};
use crate::sync::kind::SourceKind;
use crate::sync::run::SHOW_LIMIT;
use crate::sync::table::SourceTable;
use grantd_catalog::account::{Account, Membership};
use grantd_catalog::model::{Change, Ident, Principal, PrincipalKind};
use grantd_catalog::snapshot::Snapshot;
use std::collections::{BTreeMap, BTreeSet};

/// The names that a complete SHOW lists; `None` when it is cut, empty or not there.
fn listed(tables: &[&SourceTable], kind: SourceKind) -> Result<Option<BTreeSet<Ident>>, AssembleError> {
    let Some(table) = tables.iter().find(|t| t.kind() == kind) else { return Ok(None) };
    if table.is_empty() || table.len() >= SHOW_LIMIT {
        return Ok(None);
    }
    let name = table.required("NAME")?;
    let mut names = BTreeSet::new();
    for row in table.rows() {
        names.insert(super::principals::ident(&row, name)?);
    }
    Ok(Some(names))
}

/// Users and account roles that are listed and that SHOW has not.
fn gone(account: &Account, tables: &[&SourceTable]) -> Result<Vec<(SourceKind, Principal)>, AssembleError> {
    let mut gone = Vec::new();
    for (show, kind) in [(SourceKind::ShowUsers, PrincipalKind::User), (SourceKind::ShowRoles, PrincipalKind::Role)] {
        let Some(names) = listed(tables, show)? else { continue };
        let missing =
            account.principals().filter(|(p, info)| p.kind == kind && info.listed && !names.contains(&p.name));
        // PUBLIC is in every account; not every server lists it, nor the other roles of the system.
        let missing = missing.filter(|(p, _)| **p != Principal::public() && !is_system(p));
        gone.extend(missing.map(|(p, _)| (show, p.clone())));
    }
    Ok(gone)
}

fn is_system(principal: &Principal) -> bool {
    principal.kind == PrincipalKind::Role && super::SYSTEM_ROLES.contains(&principal.name.as_str())
}

impl Builder {
    /// Takes out users and roles that a view still lists and SHOW does not, with what they have.
    pub(super) fn gone(&mut self, tables: &[&SourceTable]) -> Result<(), AssembleError> {
        for (show, principal) in gone(&self.account, tables)? {
            let what = format!("a {} that the view lists and SHOW does not: it is gone", principal.kind.as_str());
            self.findings.gone(show, &what, || principal.shown());
            // It is listed, so it is there to be dropped.
            let _ = self.account.apply(&Change::DropPrincipal { principal }, None);
        }
        Ok(())
    }
}

/// The account roles whose number of members in SHOW ROLES is not the number of members that are known.
///
/// # Errors
/// A counter cannot be read.
pub fn differing_roles(
    tables: &[&SourceTable],
    memberships: impl Iterator<Item = (Principal, Principal)>,
) -> Result<Vec<Ident>, AssembleError> {
    let Some(table) = tables.iter().find(|t| t.kind() == SourceKind::ShowRoles) else { return Ok(Vec::new()) };
    let [users, roles] = ["ASSIGNED_TO_USERS", "GRANTED_TO_ROLES"].map(|c| table.column(c));
    if users.is_none() || roles.is_none() {
        return Ok(Vec::new());
    }
    // Rows and members: several grantors make several rows of one member, and which of both is counted is not documented.
    let mut known: BTreeMap<Ident, [(i64, BTreeSet<Principal>); 2]> = BTreeMap::new();
    for (role, member) in memberships.filter(|(role, _)| role.kind == PrincipalKind::Role) {
        let [of_users, of_roles] = known.entry(role.name).or_default();
        let (rows, members) = if member.kind == PrincipalKind::User { of_users } else { of_roles };
        *rows += 1;
        members.insert(member);
    }
    let name = table.required("NAME")?;
    let mut differing = Vec::new();
    for row in table.rows() {
        let role = super::principals::ident(&row, name)?;
        if role == Principal::public().name {
            continue;
        }
        let nobody = <[(i64, BTreeSet<Principal>); 2]>::default();
        let [of_users, of_roles] = known.get(&role).unwrap_or(&nobody);
        let fits = |shown: Option<i64>, (rows, members): &(i64, BTreeSet<Principal>)| {
            shown.is_none_or(|shown| shown == *rows || usize::try_from(shown) == Ok(members.len()))
        };
        if !fits(row.integer(users)?, of_users) || !fits(row.integer(roles)?, of_roles) {
            differing.push(role);
        }
    }
    Ok(differing)
}

/// Whether SHOW commands say anything that the last snapshot does not: the first things that differ, in words.
///
/// # Errors
/// A value cannot be read.
pub fn look(before: &Snapshot, tables: &[&SourceTable]) -> Result<Vec<String>, AssembleError> {
    let mut known = Account::new(before.account());
    for (principal, id) in before.principals().iter().zip(0..) {
        known.put_principal(principal.clone(), before.principal_info(id).clone());
    }
    for id in 0..before.object_count() {
        if before.schema_of(id).is_none() && before.object_listed(id) {
            let info = grantd_catalog::account::ObjectInfo {
                properties: before.object_properties(id).cloned().unwrap_or_default(),
                created_on: before.object_created_on(id),
                listed: true,
            };
            known.put_object(before.object(id), info);
        }
    }
    let mut builder = Builder::onto(known.clone());
    for table in tables {
        builder.principals(table)?;
        builder.inventory(table)?;
    }
    let mut changes = Vec::new();
    for (principal, info) in builder.account.principals().filter(|(_, info)| info.listed) {
        match known.principal(principal).filter(|old| old.listed) {
            None => changes.push(format!("{} is new", principal.grantee_sql())),
            Some(old) if old.properties.state() != info.properties.state() => {
                changes.push(format!("{} was altered", principal.grantee_sql()));
            }
            Some(_) => {}
        }
    }
    for (object, info) in builder.account.objects().filter(|(_, info)| info.listed) {
        match known.object(object).filter(|(_, old)| old.listed) {
            None => changes.push(format!("{} {} is new", object.object_type.sql(), object.shown())),
            Some((_, old)) if old.properties.state() != info.properties.state() => {
                changes.push(format!("{} {} was altered", object.object_type.sql(), object.shown()));
            }
            Some(_) => {}
        }
    }
    changes.extend(gone(&known, tables)?.into_iter().map(|(_, p)| format!("{} is gone", p.grantee_sql())));
    Ok(changes)
}

/// The last snapshot with what SHOW commands say put over it.
///
/// # Errors
/// A value cannot be read.
pub fn overlay(before: &Snapshot, tables: &[&SourceTable]) -> Result<Assembled, AssembleError> {
    let mut builder = Builder::onto(before.thaw());
    for table in tables {
        builder.principals(table)?;
    }
    for table in tables {
        builder.inventory(table)?;
    }
    builder.remaining_owners();
    builder.gone(tables)?;
    let coverage = builder.findings.rows();
    Ok(Assembled { account: builder.account, coverage, doubt: None })
}

impl Assembled {
    /// Replaces the members of account roles by what `SHOW GRANTS OF ROLE` says, one table per role.
    ///
    /// # Errors
    /// A value cannot be read, or a member cannot be told.
    pub fn repair(&mut self, tables: &[(Ident, SourceTable)]) -> Result<(), AssembleError> {
        for (role, table) in tables {
            let role = Principal::role(role.clone());
            let (to, grantee) = (table.required("GRANTED_TO")?, table.required("GRANTEE_NAME")?);
            let (by, created) = (table.column("GRANTED_BY"), table.column("CREATED_ON"));
            let old: Vec<Membership> = self.account.memberships().filter(|m| m.role == role).collect();
            let mut new = Vec::with_capacity(table.len());
            let no_roles = names::DatabaseRoles::default();
            for row in table.rows() {
                let is_user = |p: &Principal| self.account.principal(p).is_some();
                let member = names::grantee(&row.must(to)?, &row.must(grantee)?, None, &no_roles, is_user)
                    .map_err(|why| row.problem(grantee, why))?;
                let granted_by = row.filled(by).map(|name| Ident::new(&*name).map(Principal::role)).transpose();
                let granted_by = granted_by.map_err(|e| row.problem(grantee, e))?;
                let known = old.iter().find(|m| m.member == member && m.granted_by == granted_by);
                let created_on = known.and_then(|m| m.created_on).or(row.timestamp(created)?);
                new.push(Membership {
                    builtin: granted_by.is_none() && is_builtin(&role, &member),
                    grant_option: known.is_some_and(|m| m.grant_option),
                    role: role.clone(),
                    member,
                    granted_by,
                    created_on,
                });
            }
            for membership in old.iter().filter(|m| !new.contains(m)) {
                let change =
                    Change::RevokeRole { role: role.clone(), from: membership.member.clone(), granted_by: None };
                // Two rows of one member go at once: the second time there is nothing left.
                let _ = self.account.apply(&change, None);
            }
            for membership in &new {
                self.account.put_membership(membership);
            }
        }
        Ok(())
    }
}
