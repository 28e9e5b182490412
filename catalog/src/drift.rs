//! Drift: the differences between an accepted and the newest state, in words and with what reverts them.

use crate::account::{Account, imports};
use crate::model::{Change, Ident, ObjectRef, OutboundGrants, Principal, Properties, ValueKind};
use crate::snapshot::{DiffBy, Snapshot, diff_by};
use crate::sql::{inverse, render};
use crate::tables::{AccountView, DriftRow, ObjectColumns};
use std::collections::BTreeSet;

/// The rows of `drift`, for the changes from the accepted to the newest state.
pub fn rows(account: &str, before: &Snapshot, after: &Snapshot, changes: Vec<Change>) -> Vec<DriftRow> {
    let accepted = before.thaw();
    let created: BTreeSet<ObjectRef> = changes.iter().filter_map(created).collect();
    // The first owner of something new is part of its creation.
    let first_owner = |c: &Change| matches!(c, Change::TransferOwnership { object, .. } if created.contains(object));
    changes
        .into_iter()
        .filter(|c| !first_owner(c))
        .map(|change| row(account, &accepted, before, after, change))
        .collect()
}

fn created(change: &Change) -> Option<ObjectRef> {
    match change {
        Change::CreateUser { user: p, .. } | Change::CreateRole { role: p, .. } => Some(p.as_object()),
        Change::CreateObject { object, .. } => Some(object.clone()),
        _ => None,
    }
}

fn row(account: &str, accepted: &Account, before: &Snapshot, after: &Snapshot, change: Change) -> DriftRow {
    let about = ObjectColumns::of(&change);
    let (previous_state, current_state) = states(&change, before, after);
    let imported = |database: &Ident| is_import(before, database) || is_import(after, database);
    let reverts = inverse(&change, accepted).into_iter().map(executable);
    let statements: Vec<String> =
        reverts.map(|c| imports::as_a_whole(c, imported)).filter_map(|c| render(&c).ok()).collect();
    DriftRow {
        drift_id: format!("dr_{:016x}", name_of(account, &change)),
        object: about.object,
        grantee: about.grantee,
        previous_state,
        current_state,
        detected_at: after.taken_at(),
        revert_sql: statements.iter().map(|s| format!("{s};")).collect::<Vec<_>>().join("\n"),
        change,
    }
}

/// The script that brings an account back to its accepted state, in the order to run it; empty without a baseline.
pub fn revert_script(view: &AccountView) -> Vec<String> {
    let Some(baseline) = &view.baseline else { return Vec::new() };
    let changes = diff_by(&view.snapshot, &baseline.snapshot, DiffBy::Access);
    let imported = |d: &Ident| is_import(&view.snapshot, d) || is_import(&baseline.snapshot, d);
    let mut script: Vec<String> = Vec::new();
    for change in changes {
        let Ok(statement) = render(&imports::as_a_whole(executable(change), imported)) else { continue };
        let statement = format!("{statement};");
        // The rows that a share gives to one role come and go by one statement.
        if !(statement.contains(" IMPORTED PRIVILEGES ON DATABASE ") && script.contains(&statement)) {
            script.push(statement);
        }
    }
    script
}

fn is_import(s: &Snapshot, database: &Ident) -> bool {
    s.object_id(&ObjectRef::database(database.clone())).is_some_and(|id| s.import_of(id).is_some())
}

/// A transfer of ownership keeps the other grants: without a word on them the platform refuses it.
fn executable(change: Change) -> Change {
    match change {
        Change::TransferOwnership { object, to, outbound: None } if Principal::from_object(&object).is_none() => {
            Change::TransferOwnership { object, to, outbound: Some(OutboundGrants::Copy) }
        }
        other => other,
    }
}

/// How it was and how it is, in words.
fn states(change: &Change, before: &Snapshot, after: &Snapshot) -> (Option<String>, Option<String>) {
    let option = |with: bool| if with { "granted with grant option" } else { "granted" }.to_owned();
    match change {
        Change::CreateUser { user: p, properties } | Change::CreateRole { role: p, properties } => {
            (None, Some(existing(properties, owner(after, &p.as_object()))))
        }
        Change::CreateObject { object, properties } => (None, Some(existing(properties, owner(after, object)))),
        Change::DropPrincipal { principal: p } => {
            let info = before.principal_id(p).map(|id| before.principal_info(id).properties.state());
            (Some(existing(&info.unwrap_or_default(), owner(before, &p.as_object()))), None)
        }
        Change::DropObject { object } => {
            let id = before.object_id(object);
            let properties = id.and_then(|id| before.object_properties(id)).map(Properties::state);
            (Some(existing(&properties.unwrap_or_default(), owner(before, object))), None)
        }
        Change::AlterPrincipal { principal, property, value } => {
            let old = before.principal_id(principal).and_then(|id| before.principal_info(id).properties.get(*property));
            (Some(setting(*property, old)), Some(setting(*property, value.as_deref())))
        }
        Change::AlterObject { object, property, value } => {
            let id = before.object_id(object);
            let old = id.and_then(|id| before.object_properties(id)).and_then(|p| p.get(*property));
            (Some(setting(*property, old)), Some(setting(*property, value.as_deref())))
        }
        Change::GrantPrivilege { privilege, object, grantee, grant_option, .. } => {
            let had = holds(before, privilege, object, grantee);
            (had.map(option), Some(option(*grant_option)))
        }
        Change::RevokePrivilege { grant_option_only: true, .. } => (Some(option(true)), Some(option(false))),
        Change::RevokePrivilege { privilege, object, grantee, .. } => {
            let had = holds(before, privilege, object, grantee).unwrap_or(false);
            (Some(option(had)), None)
        }
        Change::TransferOwnership { object, to, .. } => {
            let old = owner(before, object).map(|o| format!("owned by {o}"));
            (old, Some(format!("owned by {}", to.shown())))
        }
        Change::GrantRole { grant_option, .. } => (None, Some(option(*grant_option))),
        Change::RevokeRole { .. } => (Some(option(false)), None),
        Change::GrantFuture { privilege, object_type, grant_option, .. } => {
            let text = format!("{privilege} on future {} {}", object_type.plural_sql(), option(*grant_option));
            (None, Some(text))
        }
        Change::RevokeFuture { privilege, object_type, .. } => {
            (Some(format!("{privilege} on future {} granted", object_type.plural_sql())), None)
        }
        Change::GrantInherited { privilege, object_type, .. } => {
            (None, Some(format!("{privilege} on all {} granted, inherited", object_type.plural_sql())))
        }
        Change::RevokeInherited { privilege, object_type, .. } => {
            (Some(format!("{privilege} on all {} granted, inherited", object_type.plural_sql())), None)
        }
    }
}

fn owner(s: &Snapshot, object: &ObjectRef) -> Option<String> {
    s.owner(s.object_id(object)?).map(Principal::shown)
}

/// Whether a grantee holds a privilege on an object, and if so whether with grant option.
fn holds(s: &Snapshot, privilege: &crate::model::Privilege, object: &ObjectRef, grantee: &Principal) -> Option<bool> {
    let (object, grantee) = (s.object_id(object)?, s.principal_id(grantee)?);
    let privilege = s.privilege_id(privilege.as_str())?;
    let grants = s.grants();
    let rows = s.grants_on(object).filter(|r| grants.grantee(*r) == grantee && grants.privilege(*r) == privilege);
    rows.map(|r| grants.grant_option(r)).reduce(|a, b| a || b)
}

fn existing(properties: &Properties, owner: Option<String>) -> String {
    let mut text = "exists".to_owned();
    if let Some(owner) = owner {
        text.push_str(", owned by ");
        text.push_str(&owner);
    }
    for (property, value) in properties.iter() {
        text.push_str(", ");
        text.push_str(&setting(property, Some(value)));
    }
    text
}

fn setting(property: crate::model::Property, value: Option<&str>) -> String {
    match (property.value_kind(), value) {
        (_, None) => format!("{property:?} not set"),
        (ValueKind::Boolean | ValueKind::Word, Some(value)) => format!("{property:?} = {value}"),
        (ValueKind::Text | ValueKind::List, Some(value)) => format!("{property:?} = '{value}'"),
    }
}

/// A number that names a difference, the same on every machine: FNV-1a of the account and what changed.
fn name_of(account: &str, change: &Change) -> u64 {
    let text = format!("{account}\0{:?}", change.clone().without_grantor());
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, b| (hash ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
}
