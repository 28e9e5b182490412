//! From an account to a snapshot and back, in canonical order.

use super::{
    Column, ContainerGrantRow, Grants, MembershipRow, NONE, Names, Objects, Postings, Snapshot, Strings, some,
};
use crate::account::{Account, ContainerGrant, Grant, Membership, Micros, ObjectInfo, Ownership, PrincipalInfo};
use crate::model::{Container, ObjectRef, ObjectType, Principal, PrincipalKind, Privilege, Properties, privileges_of};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::OnceLock;

pub(super) fn freeze(account: &Account, taken_at: Micros) -> Snapshot {
    let principals: BTreeMap<&Principal, &PrincipalInfo> = account.principals().collect();
    let principal_ids: HashMap<Principal, u32> = principals.keys().zip(0..).map(|(p, id)| ((*p).clone(), id)).collect();

    let ownerships: HashMap<ObjectRef, Ownership> = account.ownerships().map(|o| (o.object.clone(), o)).collect();
    let grant_rows: Vec<Grant> = account.grants().collect();
    let container_rows: Vec<ContainerGrant> = account.container_grants().collect();
    let infos = all_objects(account, &ownerships, &grant_rows, &container_rows);
    let refs: Vec<&ObjectRef> = infos.keys().collect();
    let object_ids: HashMap<&ObjectRef, u32> = refs.iter().copied().zip(0..).collect();
    let id_of = |object: &ObjectRef| object_ids.get(object).copied().unwrap_or(NONE);

    let mut grantors: BTreeSet<&Principal> = BTreeSet::new();
    let memberships_model: Vec<Membership> = account.memberships().collect();
    grantors.extend(grant_rows.iter().filter_map(|g| g.granted_by.as_ref()));
    grantors.extend(ownerships.values().filter_map(|o| o.granted_by.as_ref()));
    grantors.extend(memberships_model.iter().filter_map(|m| m.granted_by.as_ref()));
    grantors.extend(container_rows.iter().filter_map(|c| c.granted_by.as_ref()));
    let grantor_ids: HashMap<&Principal, u32> = grantors.iter().copied().zip(0..).collect();
    let grantor = |p: &Option<Principal>| p.as_ref().and_then(|p| grantor_ids.get(p).copied()).unwrap_or(NONE);

    let types: BTreeSet<&ObjectType> =
        refs.iter().map(|o| &o.object_type).chain(container_rows.iter().map(|c| &c.object_type)).collect();
    let type_ids: HashMap<&ObjectType, u16> = types.iter().copied().zip(0..).collect();
    let type_of = |t: &ObjectType| type_ids.get(t).copied().unwrap_or(u16::MAX);

    // What ownership implies must have an index too.
    let mut privileges: BTreeSet<Privilege> = BTreeSet::from([Privilege::OWNERSHIP, Privilege::USAGE]);
    privileges.extend(grant_rows.iter().map(|g| g.privilege.clone()));
    privileges.extend(container_rows.iter().map(|c| c.privilege.clone()));
    privileges.extend(types.iter().flat_map(|t| privileges_of(t)).map(|p| Privilege::new(p)));
    let privilege_ids: HashMap<&Privilege, u16> = privileges.iter().zip(0..).collect();
    let privilege = |p: &Privilege| privilege_ids.get(p).copied().unwrap_or(u16::MAX);
    let principal = |p: &Principal| principal_ids.get(p).copied().unwrap_or(NONE);

    let mut name = Strings::new();
    let mut signature = HashMap::new();
    let mut properties = HashMap::new();
    let mut by_name: HashMap<String, Vec<u32>> = HashMap::new();
    for ((object, info), id) in infos.iter().zip(0..) {
        name.push(object.name.as_str());
        by_name.entry(object.name.as_str().to_owned()).or_default().push(id);
        if let Some(s) = &object.signature {
            signature.insert(id, s.clone());
        }
        if !info.properties.is_empty() {
            properties.insert(id, info.properties.clone());
        }
    }
    let mut owner_evidence = HashMap::new();
    let owner: Column<u32> = refs
        .iter()
        .zip(0_u32..)
        .map(|(object, id)| {
            ownerships.get(*object).map_or(NONE, |o| {
                owner_evidence.insert(id, (grantor(&o.granted_by), o.created_on));
                principal(&o.owner)
            })
        })
        .collect();
    let objects = Objects {
        kind: refs.iter().map(|o| type_of(&o.object_type)).collect(),
        database: refs
            .iter()
            .map(|o| o.database.as_ref().map_or(NONE, |d| id_of(&ObjectRef::database(d.clone()))))
            .collect(),
        schema: refs.iter().map(|o| schema_ref(o).map_or(NONE, |s| id_of(&s))).collect(),
        name,
        signature,
        owner,
        owner_evidence,
        listed: infos.values().map(|i| i.listed).collect(),
        created_on: infos.values().map(|i| i.created_on).collect(),
        properties,
    };

    let mut rows: Vec<(u32, u16, u32, u32, bool, Option<Micros>)> = grant_rows
        .iter()
        .map(|g| {
            let by = grantor(&g.granted_by);
            (id_of(&g.object), privilege(&g.privilege), principal(&g.grantee), by, g.grant_option, g.created_on)
        })
        .collect();
    rows.sort_unstable();
    let on_object = Postings::group(refs.len(), rows.iter().zip(0..).map(|(row, i)| (row.0, i)));
    let grants = Grants {
        object: rows.iter().map(|r| r.0).collect(),
        privilege: rows.iter().map(|r| r.1).collect(),
        grantee: rows.iter().map(|r| r.2).collect(),
        granted_by: rows.iter().map(|r| r.3).collect(),
        grant_option: rows.iter().map(|r| r.4).collect(),
        created_on: rows.iter().map(|r| r.5).collect(),
    };
    let mut memberships: Vec<MembershipRow> = memberships_model
        .iter()
        .map(|m| MembershipRow {
            role: principal(&m.role),
            member: principal(&m.member),
            granted_by: grantor(&m.granted_by),
            grant_option: m.grant_option,
            builtin: m.builtin,
            created_on: m.created_on,
        })
        .collect();
    memberships.sort_unstable();
    let mut container_grants: Vec<ContainerGrantRow> = container_rows
        .iter()
        .map(|c| ContainerGrantRow {
            reach: c.reach,
            container: container_ref(&c.container).map_or(NONE, |o| id_of(&o)),
            kind: type_of(&c.object_type),
            privilege: privilege(&c.privilege),
            grantee: principal(&c.grantee),
            grant_option: c.grant_option,
            granted_by: grantor(&c.granted_by),
            created_on: c.created_on,
        })
        .collect();
    container_grants.sort_unstable();

    Snapshot {
        account: account.name().to_owned(),
        taken_at,
        principals: principals.keys().map(|p| (*p).clone()).collect(),
        principal_info: principals.values().map(|i| (*i).clone()).collect(),
        types: types.into_iter().cloned().collect(),
        grantors: grantors.into_iter().cloned().collect(),
        privileges: privileges.into_iter().collect(),
        objects,
        grants,
        memberships,
        container_grants,
        on_object,
        offers: account.offers().to_vec(),
        names: Names { principals: principal_ids, objects: by_name },
        graph: OnceLock::new(),
    }
}

/// Every object that has a row: those known, and the containers that their names mention.
///
/// A user or role is a securable with a row only while something is granted on it or owns it.
fn all_objects(
    account: &Account,
    ownerships: &HashMap<ObjectRef, Ownership>,
    grants: &[Grant],
    container_grants: &[ContainerGrant],
) -> BTreeMap<ObjectRef, ObjectInfo> {
    let granted_on: BTreeSet<&ObjectRef> =
        grants.iter().map(|g| &g.object).filter(|o| Principal::from_object(o).is_some()).collect();
    let mut all: BTreeMap<ObjectRef, ObjectInfo> = account
        .objects()
        .filter(|(o, _)| Principal::from_object(o).is_none() || ownerships.contains_key(*o) || granted_on.contains(o))
        .map(|(o, info)| (o.clone(), info.clone()))
        .collect();
    let mut containers: BTreeSet<ObjectRef> = BTreeSet::new();
    for object in all.keys() {
        containers.extend(object.database.clone().map(ObjectRef::database));
        containers.extend(schema_ref(object));
    }
    for row in container_grants {
        containers.extend(row.container.database().cloned().map(ObjectRef::database));
        containers.extend(container_ref(&row.container));
    }
    for (principal, _) in account.principals().filter(|(p, _)| p.kind == PrincipalKind::DatabaseRole) {
        containers.extend(principal.scope.first().cloned().map(ObjectRef::database));
    }
    for container in containers {
        all.entry(container).or_default();
    }
    all
}

fn schema_ref(object: &ObjectRef) -> Option<ObjectRef> {
    let (database, schema) = object.database.clone().zip(object.schema.clone())?;
    Some(ObjectRef::in_database(ObjectType::SCHEMA, database, schema))
}

fn container_ref(container: &Container) -> Option<ObjectRef> {
    match container {
        Container::Account => None,
        Container::Database(d) => Some(ObjectRef::database(d.clone())),
        Container::Schema(d, s) => Some(ObjectRef::in_database(ObjectType::SCHEMA, d.clone(), s.clone())),
    }
}

pub(super) fn thaw(snapshot: &Snapshot) -> Account {
    let mut account = Account::new(snapshot.account.clone());
    account.put_offers(snapshot.offers.iter().cloned());
    for (principal, info) in snapshot.principals.iter().zip(snapshot.principal_info.iter()) {
        account.put_principal(principal.clone(), info.clone());
    }
    let refs: Vec<ObjectRef> = (0..snapshot.object_count()).map(|id| snapshot.object(id)).collect();
    for (object, id) in refs.iter().zip(0..) {
        account.put_object(
            object.clone(),
            ObjectInfo {
                properties: snapshot.object_properties(id).cloned().unwrap_or_default(),
                created_on: snapshot.object_created_on(id),
                listed: snapshot.object_listed(id),
            },
        );
        if let Some(owner) = snapshot.owner_of(id) {
            let (granted_by, created_on) = snapshot.owner_evidence(id).unwrap_or_default();
            account.put_ownership(&Ownership {
                object: object.clone(),
                owner: snapshot.principals.at(owner).clone(),
                granted_by: granted_by.cloned(),
                created_on,
            });
        }
        for row in snapshot.grants_on(id) {
            let grants = &snapshot.grants;
            account.put_grant(Grant {
                privilege: snapshot.privileges.at(u32::from(grants.privilege(row))).clone(),
                object: object.clone(),
                grantee: snapshot.principals.at(grants.grantee(row)).clone(),
                granted_by: snapshot.grantor(grants.granted_by(row)).cloned(),
                grant_option: grants.grant_option(row),
                created_on: grants.created_on(row),
            });
        }
    }
    for row in &snapshot.memberships {
        account.put_membership(&Membership {
            role: snapshot.principals.at(row.role).clone(),
            member: snapshot.principals.at(row.member).clone(),
            granted_by: snapshot.grantor(row.granted_by).cloned(),
            grant_option: row.grant_option,
            builtin: row.builtin,
            created_on: row.created_on,
        });
    }
    for row in &snapshot.container_grants {
        account.put_container_grant(snapshot.container_grant(row));
    }
    account
}

/// The first part of the state in which two snapshots differ.
pub(super) fn state_difference(a: &Snapshot, b: &Snapshot) -> Option<&'static str> {
    let state = |p: Option<&Properties>| p.map(Properties::state).unwrap_or_default();
    let by = |s: &Snapshot, grantor: u32| s.grantor(grantor).cloned();
    if a.principals != b.principals {
        return Some("principals");
    }
    let infos = a.principal_info.iter().zip(&b.principal_info);
    if infos.into_iter().any(|(x, y)| x.properties.state() != y.properties.state()) {
        return Some("properties of principals");
    }
    if a.object_count() != b.object_count() || (0..a.object_count()).any(|id| a.object(id) != b.object(id)) {
        return Some("objects");
    }
    for id in 0..a.object_count() {
        if state(a.object_properties(id)) != state(b.object_properties(id)) {
            return Some("properties of objects");
        }
        if a.owner_of(id) != b.owner_of(id) {
            return Some("owners");
        }
    }
    let grant = |s: &Snapshot, row: u32| {
        let g = &s.grants;
        let privilege = s.privileges.at(u32::from(g.privilege(row))).clone();
        (g.object(row), privilege, g.grantee(row), by(s, g.granted_by(row)), g.grant_option(row))
    };
    let rows = 0..a.grants.len() as u32;
    if a.grants.len() != b.grants.len() || rows.into_iter().any(|row| grant(a, row) != grant(b, row)) {
        return Some("grants");
    }
    let member = |s: &Snapshot, m: &MembershipRow| (m.role, m.member, m.grant_option, by(s, m.granted_by));
    let mut members = a.memberships.iter().zip(&b.memberships);
    if a.memberships.len() != b.memberships.len() || members.any(|(x, y)| member(a, x) != member(b, y)) {
        return Some("memberships");
    }
    let plain = |s: &Snapshot, row: &ContainerGrantRow| {
        let grant = s.container_grant(row);
        ContainerGrant { granted_by: None, created_on: None, ..grant }
    };
    let mut templates = a.container_grants.iter().zip(&b.container_grants);
    if a.container_grants.len() != b.container_grants.len() || templates.any(|(x, y)| plain(a, x) != plain(b, y)) {
        return Some("future and inherited grants");
    }
    None
}

impl Snapshot {
    /// The owner's principal, for tests and explanations.
    pub fn owner(&self, object: u32) -> Option<&Principal> {
        some(*self.objects.owner.at(object)).map(|id| self.principals.at(id))
    }
}
