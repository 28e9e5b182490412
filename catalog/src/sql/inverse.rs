//! What takes a change back.

use crate::account::{Account, ContainerGrant, Grant, Membership, Reach};
use crate::model::{Change, ObjectRef, ObjectType, OutboundGrants, Principal, PrincipalKind};
use std::collections::BTreeSet;

/// The changes that bring an account back to `before` once `change` was applied to it; empty when it changed nothing.
///
/// Access control comes back, data does not: a dropped table that is created again has its grants and no rows.
pub fn inverse(change: &Change, before: &Account) -> Vec<Change> {
    match change {
        Change::CreateUser { user: principal, .. } | Change::CreateRole { role: principal, .. } => {
            vec![Change::DropPrincipal { principal: principal.clone() }]
        }
        Change::CreateObject { object, .. } => vec![Change::DropObject { object: object.clone() }],
        Change::AlterPrincipal { principal, property, value } => {
            let old = before.principal(principal).and_then(|i| i.properties.get(*property)).map(str::to_owned);
            let back = Change::AlterPrincipal { principal: principal.clone(), property: *property, value: old.clone() };
            if old == *value { Vec::new() } else { vec![back] }
        }
        Change::AlterObject { object, property, value } => {
            let old = before.object(object).and_then(|(_, i)| i.properties.get(*property)).map(str::to_owned);
            let back = Change::AlterObject { object: object.clone(), property: *property, value: old.clone() };
            if old == *value { Vec::new() } else { vec![back] }
        }
        Change::DropPrincipal { principal } => principal_again(principal, before),
        Change::DropObject { object } => object_again(object, before),
        Change::GrantPrivilege { privilege, object, grantee, grant_option, granted_by } => {
            let had = before.grants_on(object).find(|g| {
                g.privilege == *privilege
                    && g.grantee == *grantee
                    && (granted_by.is_none() || g.granted_by == *granted_by)
            });
            let revoke = |grant_option_only| {
                vec![Change::RevokePrivilege {
                    privilege: privilege.clone(),
                    object: object.clone(),
                    grantee: grantee.clone(),
                    grant_option_only,
                    cascade: false,
                    granted_by: granted_by.clone(),
                }]
            };
            match had {
                None => revoke(false),
                Some(row) if *grant_option && !row.grant_option => revoke(true),
                Some(_) => Vec::new(),
            }
        }
        Change::RevokePrivilege { object, .. } => lost_grants(change, object, before),
        Change::TransferOwnership { object, to, .. } => {
            let known = before.object(object).map_or(object, |(found, _)| found);
            let mut back = Vec::new();
            if let Some(owner) = before.owner(known).filter(|o| *o != to) {
                // The grants that the new owner now makes go back with it.
                let outbound = before.grants_on(known).next().map(|_| OutboundGrants::Copy);
                back.push(Change::TransferOwnership { object: known.clone(), to: owner.clone(), outbound });
            }
            back.extend(lost_grants(change, object, before));
            back
        }
        Change::GrantRole { role, to, granted_by, .. } => {
            let same = |m: &Membership| granted_by.is_none() || m.granted_by == *granted_by;
            if before.memberships().any(|m| m.role == *role && m.member == *to && same(&m)) {
                return Vec::new();
            }
            vec![Change::RevokeRole { role: role.clone(), from: to.clone(), granted_by: granted_by.clone() }]
        }
        Change::RevokeRole { role, from, granted_by } => before
            .memberships()
            .filter(|m| m.role == *role && m.member == *from && (granted_by.is_none() || m.granted_by == *granted_by))
            .map(membership_again)
            .collect(),
        Change::GrantFuture { privilege, object_type, container, grantee, .. } => {
            let (privilege, object_type) = (privilege.clone(), object_type.clone());
            let (container, grantee) = (container.clone(), grantee.clone());
            let back = Change::RevokeFuture { privilege, object_type, container, grantee };
            if had_template(&back, before).is_some() { Vec::new() } else { vec![back] }
        }
        Change::GrantInherited { privilege, object_type, container, grantee } => {
            let (privilege, object_type) = (privilege.clone(), object_type.clone());
            let (container, grantee) = (container.clone(), grantee.clone());
            let back = Change::RevokeInherited { privilege, object_type, container, grantee };
            if had_template(&back, before).is_some() { Vec::new() } else { vec![back] }
        }
        Change::RevokeFuture { .. } | Change::RevokeInherited { .. } => {
            had_template(change, before).map(template_again).into_iter().collect()
        }
    }
}

/// The future or inherited grant that a revoke is about, if it was there.
fn had_template(revoke: &Change, before: &Account) -> Option<ContainerGrant> {
    let (reach, privilege, object_type, container, grantee) = match revoke {
        Change::RevokeFuture { privilege, object_type, container, grantee } => {
            (Reach::Future, privilege, object_type, container, grantee)
        }
        Change::RevokeInherited { privilege, object_type, container, grantee } => {
            (Reach::Inherited, privilege, object_type, container, grantee)
        }
        _ => return None,
    };
    before.container_grants().find(|g| {
        g.reach == reach
            && g.privilege == *privilege
            && g.object_type == *object_type
            && g.container == *container
            && g.grantee == *grantee
    })
}

fn template_again(g: ContainerGrant) -> Change {
    let ContainerGrant { privilege, object_type, container, grantee, grant_option, .. } = g;
    match g.reach {
        Reach::Future => Change::GrantFuture { privilege, object_type, container, grantee, grant_option },
        Reach::Inherited => Change::GrantInherited { privilege, object_type, container, grantee },
    }
}

fn grant_again(g: Grant) -> Change {
    let Grant { privilege, object, grantee, granted_by, grant_option, .. } = g;
    Change::GrantPrivilege { privilege, object, grantee, grant_option, granted_by }
}

fn membership_again(m: Membership) -> Change {
    Change::GrantRole { role: m.role, to: m.member, grant_option: m.grant_option, granted_by: m.granted_by }
}

/// The grants on an object that a change takes away or weakens.
fn lost_grants(change: &Change, object: &ObjectRef, before: &Account) -> Vec<Change> {
    let mut after = before.clone();
    if after.apply(change, None).is_err() {
        return Vec::new();
    }
    let key = |g: &Grant| (g.privilege.clone(), g.grantee.clone(), g.granted_by.clone(), g.grant_option);
    let kept: BTreeSet<_> = after.grants_on(object).map(|g| key(&g)).collect();
    // After COPY CURRENT GRANTS the same grants have another grantor; they are not lost.
    let held: BTreeSet<_> = after.grants_on(object).map(|g| (g.privilege, g.grantee, g.grant_option)).collect();
    let copied = matches!(change, Change::TransferOwnership { .. });
    before
        .grants_on(object)
        .filter(|g| !kept.contains(&key(g)))
        .filter(|g| !copied || !held.contains(&(g.privilege.clone(), g.grantee.clone(), g.grant_option)))
        .map(grant_again)
        .collect()
}

fn principal_again(principal: &Principal, before: &Account) -> Vec<Change> {
    let Some(info) = before.principal(principal) else { return Vec::new() };
    let properties = info.properties.clone();
    let mut back = vec![if principal.kind == PrincipalKind::User {
        Change::CreateUser { user: principal.clone(), properties }
    } else {
        Change::CreateRole { role: principal.clone(), properties }
    }];
    let as_object = principal.as_object();
    back.extend(before.memberships().filter(|m| m.role == *principal || m.member == *principal).map(membership_again));
    back.extend(before.grants().filter(|g| g.grantee == *principal || g.object == as_object).map(grant_again));
    back.extend(before.container_grants().filter(|g| g.grantee == *principal).map(template_again));
    let owned = before.ownerships().filter(|o| o.owner == *principal || o.object == as_object);
    back.extend(owned.map(|o| transfer_back(o.object, o.owner, before)));
    back
}

fn transfer_back(object: ObjectRef, to: Principal, before: &Account) -> Change {
    let outbound = before.grants_on(&object).next().map(|_| OutboundGrants::Copy);
    Change::TransferOwnership { object, to, outbound }
}

fn object_again(object: &ObjectRef, before: &Account) -> Vec<Change> {
    let Some((object, _)) = before.object(object) else { return Vec::new() };
    let inside = |o: &ObjectRef| match object.object_type.as_str() {
        "DATABASE" => o.database.as_ref() == Some(&object.name),
        "SCHEMA" => o.database == object.database && o.schema.as_ref() == Some(&object.name),
        _ => false,
    };
    // Containers come before what they hold: a name with fewer parts sorts first.
    let mut objects: Vec<&ObjectRef> = before
        .objects()
        .map(|(o, _)| o)
        .filter(|o| *o == object || inside(o))
        .filter(|o| Principal::from_object(o).is_none())
        .collect();
    objects.sort_by_key(|o| (o.parts().count(), *o));
    let mut back: Vec<Change> = Vec::new();
    for o in &objects {
        let properties = before.object(o).map(|(_, info)| info.properties.clone()).unwrap_or_default();
        back.push(Change::CreateObject { object: (*o).clone(), properties });
    }
    if object.object_type == ObjectType::DATABASE {
        let mine = |p: &Principal| p.kind == PrincipalKind::DatabaseRole && p.scope.first() == Some(&object.name);
        let roles: BTreeSet<&Principal> = before.principals().map(|(p, _)| p).filter(|p| mine(p)).collect();
        for role in roles {
            back.extend(principal_again(role, before));
        }
    }
    for o in &objects {
        back.extend(before.grants_on(o).map(grant_again));
    }
    let templates = before.container_grants().filter(|g| {
        let schema = g.container.schema();
        g.container.database().is_some()
            && match object.object_type.as_str() {
                "DATABASE" => g.container.database() == Some(&object.name),
                "SCHEMA" => g.container.database() == object.database.as_ref() && schema == Some(&object.name),
                _ => false,
            }
    });
    back.extend(templates.map(template_again));
    for o in &objects {
        back.extend(before.owner(o).map(|owner| transfer_back((*o).clone(), owner.clone(), before)));
    }
    let mut seen: Vec<Change> = Vec::new();
    for change in back {
        if !seen.contains(&change) {
            seen.push(change);
        }
    }
    seen
}
