//! The nearest miss, checked by making it: what is proposed makes the access usable, and nothing smaller does.

use super::compare::{engine_lens, on_random_accounts};
use super::{Lens, Oracle};
use grantd_catalog::account::Account;
use grantd_catalog::graph::explain::{Missing, NoGrant, explain, nearest_miss};
use grantd_catalog::model::{Change, ObjectRef, ObjectType, Principal, PrincipalKind, Privilege, privileges_of};
use grantd_catalog::snapshot::Snapshot;
use grantd_catalog::sql::render;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Usable by the oracle, in the account after some changes.
fn usable_after(
    account: &Account,
    changes: &[Change],
    wanted: &(Principal, Privilege, ObjectRef),
    lens: Lens,
) -> Result<bool, String> {
    let mut account = account.clone();
    for change in changes {
        account.apply(change, None).map_err(|e| format!("{change:?} does not apply: {e}"))?;
    }
    let rows = Oracle::new(&account).effective_privileges(lens);
    Ok(rows.iter().any(|r| r.usable && (&r.user, &r.privilege, &r.object) == (&wanted.0, &wanted.1, &wanted.2)))
}

/// Whether Snowflake has such a grant.
fn can_exist(oracle: &Oracle, change: &Change) -> bool {
    match change {
        Change::GrantPrivilege { privilege, object, grantee, .. } => {
            let database =
                if object.object_type == ObjectType::DATABASE { Some(&object.name) } else { object.database.as_ref() };
            let shared = database.is_some_and(|d| oracle.imported.contains(d));
            let offered = privileges_of(&object.object_type).contains(&privilege.as_str())
                || ["MANAGE GRANTS", "EMBED"].contains(&privilege.as_str())
                || oracle
                    .grants
                    .iter()
                    .any(|g| g.privilege == *privilege && g.object.object_type == object.object_type);
            let to = match grantee.kind {
                PrincipalKind::Role => *grantee != Principal::public(),
                PrincipalKind::DatabaseRole => grantee.scope.first() == database,
                PrincipalKind::User => {
                    let on_users = object.object_type.as_str() != "USER" || privilege.as_str() == "MONITOR";
                    let of_schema = privilege.as_str().starts_with("CREATE ") || *privilege == Privilege::OWNERSHIP;
                    on_users && !of_schema && !object.object_type.is_role()
                }
                _ => false,
            };
            let whole = *privilege == Privilege::IMPORTED_PRIVILEGES && grantee.kind == PrincipalKind::Role;
            if shared { whole } else { offered && to }
        }
        Change::TransferOwnership { object, to, .. } => {
            to.kind == PrincipalKind::Role
                || (to.kind == PrincipalKind::DatabaseRole && to.scope.first() == object.database.as_ref())
        }
        Change::GrantRole { role, to, .. } => {
            let mut below = oracle.closure(&[role.clone()].into());
            below.insert(role.clone());
            *role != Principal::public() && !below.contains(to) && (to.kind != PrincipalKind::DatabaseRole)
        }
        Change::AlterPrincipal { .. } => true,
        _ => false,
    }
}

/// Accesses of an account that are not usable: users, privileges and objects, some of each.
fn misses(account: &Account, oracle: &Oracle, lens: Lens) -> Vec<(Principal, Privilege, ObjectRef)> {
    let rows = oracle.effective_privileges(lens);
    let usable = |wanted: &(Principal, Privilege, ObjectRef)| {
        rows.iter().any(|r| r.usable && (&r.user, &r.privilege, &r.object) == (&wanted.0, &wanted.1, &wanted.2))
    };
    let objects: Vec<ObjectRef> = account.objects().filter(|(_, i)| i.listed).map(|(o, _)| o.clone()).collect();
    let mut found = Vec::new();
    for (nth, user) in oracle.users.keys().enumerate() {
        for object in objects.iter().skip(nth % 3).step_by(4) {
            let offered = privileges_of(&object.object_type);
            let one = offered.get(nth % offered.len().max(1)).copied().unwrap_or("OWNERSHIP");
            let wanted = (user.clone(), Privilege::new(one), object.clone());
            if !usable(&wanted) {
                found.push(wanted);
            }
        }
    }
    // And what is granted already, but out of reach.
    let granted = rows.iter().filter(|r| !r.usable).map(|r| (r.user.clone(), r.privilege.clone(), r.object.clone()));
    found.extend(granted.step_by(3));
    // Each costs a run of the oracle for everything that could be granted instead.
    found.truncate(8);
    found
}

static SINGLE: AtomicUsize = AtomicUsize::new(0);
static SEVERAL: AtomicUsize = AtomicUsize::new(0);
static NONE: AtomicUsize = AtomicUsize::new(0);

fn misses_are_near(account: &Account) -> Result<(), String> {
    let snapshot = Snapshot::freeze(account, 0);
    // With the containers that only the names of objects mention: they can be granted on.
    let account = &snapshot.thaw();
    let oracle = Oracle::new(account);
    for lens in Lens::ALL {
        for wanted in misses(account, &oracle, lens) {
            let (user, privilege, object) = &wanted;
            let (user_id, object_id) = (snapshot.principal_id(user).unwrap(), snapshot.object_id(object).unwrap());
            if snapshot.object(object_id) != *object {
                continue;
            }
            let id = snapshot.privilege_id(privilege.as_str());
            let missing = explain(&snapshot, engine_lens(lens), user_id, id, object_id).missing;
            let what = format!("{user:?} has no usable {privilege} on {object:?}, lens {lens:?}");
            match nearest_miss(&snapshot, engine_lens(lens), user_id, privilege, object_id, &missing) {
                Ok(rows) => {
                    check(account, &oracle, &rows, &wanted, lens).map_err(|e| format!("{what}: {e}: {rows:?}"))?;
                    if rows.len() == 1 { &SINGLE } else { &SEVERAL }.fetch_add(1, Ordering::Relaxed);
                }
                Err(why) => {
                    NONE.fetch_add(1, Ordering::Relaxed);
                    let foreign =
                        oracle.imported.iter().any(|d| object.database.as_ref() == Some(d) || object.name == *d);
                    let nobody = why == NoGrant::NoGrantee && a_single_grant(account, &oracle, &wanted, lens).is_none();
                    let stays = matches!(why, NoGrant::NotTransferable(_)) && *privilege == Privilege::OWNERSHIP;
                    if !nobody && !foreign && !stays {
                        return Err(format!("{what}: {why}"));
                    }
                }
            }
        }
    }
    Ok(())
}

/// All rows together make it usable, each can be said and can exist, and of several no single grant would do.
fn check(
    account: &Account,
    oracle: &Oracle,
    rows: &[Missing],
    wanted: &(Principal, Privilege, ObjectRef),
    lens: Lens,
) -> Result<(), String> {
    let changes: Vec<Change> = rows.iter().map(|row| row.change.clone()).collect();
    if let Some(odd) = changes.iter().find(|change| !can_exist(oracle, change) || render(change).is_err()) {
        return Err(format!("{odd:?} cannot exist"));
    }
    if !usable_after(account, &changes, wanted, lens)? {
        return Err("the proposal does not make it usable".to_owned());
    }
    match rows {
        [] => Err("nothing is proposed".to_owned()),
        [_] => Ok(()),
        _ => match a_single_grant(account, oracle, wanted, lens) {
            Some(change) => Err(format!("one would do: {change:?}")),
            None => Ok(()),
        },
    }
}

/// A single grant, to a role of the user or the user itself, or a single role that makes it usable.
fn a_single_grant(
    account: &Account,
    oracle: &Oracle,
    wanted: &(Principal, Privilege, ObjectRef),
    lens: Lens,
) -> Option<Change> {
    const ADMINISTRATORS: [&str; 6] =
        ["ACCOUNTADMIN", "GLOBALORGADMIN", "ORGADMIN", "SECURITYADMIN", "SYSADMIN", "USERADMIN"];
    let (user, privilege, object) = wanted;
    let mut receivers = oracle.activated(user, lens);
    receivers.retain(|r| r.kind == PrincipalKind::Role || r == user);
    if oracle.secondary_roles_count(user, lens) {
        receivers = [user.clone()].into();
    }
    let mut candidates = Vec::new();
    for to in &receivers {
        let listed = |role: &&Principal| account.principal(role).is_some_and(|info| info.listed);
        for role in oracle.roles.iter().filter(listed).filter(|r| r.kind != PrincipalKind::InstanceRole) {
            if role.kind == PrincipalKind::Role && ADMINISTRATORS.contains(&role.name.as_str()) {
                continue;
            }
            candidates.push(Change::GrantRole {
                role: role.clone(),
                to: to.clone(),
                grant_option: false,
                granted_by: None,
            });
        }
        if *privilege != Privilege::OWNERSHIP {
            candidates.push(Change::GrantPrivilege {
                privilege: privilege.clone(),
                object: object.clone(),
                grantee: to.clone(),
                grant_option: false,
                granted_by: None,
            });
        }
    }
    candidates.retain(|change| can_exist(oracle, change));
    candidates.into_iter().find(|change| usable_after(account, std::slice::from_ref(change), wanted, lens).unwrap())
}

#[test]
fn the_nearest_miss_makes_the_access_usable() {
    on_random_accounts(misses_are_near);
    let counts = [&SINGLE, &SEVERAL, &NONE].map(|n| n.load(Ordering::Relaxed));
    assert!(counts[0] > 0 && counts[1] > 0, "one, several, none: {counts:?}");
}
