//! `GRANTS_TO_ROLES`, `GRANTS_TO_USERS` and `GRANTS_TO_SHARES`.
//!
//! Which view a row is in: a privilege or membership of a share in `GRANTS_TO_SHARES`; an account role of a user in
//! `GRANTS_TO_USERS`; everything else, privileges of users included, in `GRANTS_TO_ROLES`.

use super::inventory::is_imported_role;
use super::seen::Seen;
use super::spelling;
use super::table::{Column, batches, boolean, no_number, text, time};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::record_batch::RecordBatch;
use grantd_catalog::account::{Account, Grant, Membership, Micros, Ownership, Reach};
use grantd_catalog::model::{Container, Ident, ObjectRef, ObjectType, Principal, PrincipalKind, Privilege, Property};

/// One grant as the two views of privileges have it.
struct GrantRow {
    privilege: String,
    granted_on: String,
    /// NULL for an inherited grant, which is on a container's objects of a type.
    name: Option<String>,
    database: Option<String>,
    schema: Option<String>,
    grantee: Principal,
    grant_option: bool,
    /// `None` for grants of the system.
    granted_by: Option<Principal>,
    created: Option<Micros>,
    deleted: Option<Micros>,
    /// Where an inherited grant is defined.
    container: Option<Container>,
}

impl GrantRow {
    /// Empty for grants of the system.
    fn granted_by(&self) -> String {
        self.granted_by.as_ref().map(spelling::principal_name).unwrap_or_default()
    }

    fn granted_by_type(&self) -> Option<String> {
        self.granted_by.as_ref().map(|g| g.kind.as_str().to_owned())
    }

    fn modified(&self) -> Option<Micros> {
        self.deleted.or(self.created)
    }
}

const TO_ROLES: &[Column<GrantRow>] = &[
    time("CREATED_ON", |r| r.created),
    time("MODIFIED_ON", GrantRow::modified),
    text("PRIVILEGE", |r| Some(r.privilege.clone())),
    text("GRANTED_ON", |r| Some(r.granted_on.clone())),
    text("NAME", |r| r.name.clone()),
    text("TABLE_CATALOG", |r| r.database.clone()),
    text("TABLE_SCHEMA", |r| r.schema.clone()),
    text("GRANTED_TO", |r| Some(spelling::granted_to(r.grantee.kind).to_owned())),
    text("GRANTEE_NAME", |r| Some(spelling::principal_name(&r.grantee))),
    boolean("GRANT_OPTION", |r| Some(r.grant_option)),
    text("GRANTED_BY", |r| Some(r.granted_by())),
    time("DELETED_ON", |r| r.deleted),
    text("GRANTED_BY_ROLE_TYPE", GrantRow::granted_by_type),
    no_number("OBJECT_INSTANCE"),
    boolean("IS_INHERITED", |r| Some(r.container.is_some())),
    text("INHERITED_FROM", |r| {
        r.container.as_ref().map(|c| {
            match c {
                Container::Account => "ACCOUNT",
                Container::Database(_) => "DATABASE",
                Container::Schema(..) => "SCHEMA",
            }
            .to_owned()
        })
    }),
    text("INHERITED_FROM_DATABASE", |r| r.container.as_ref()?.database().map(stored)),
    text("INHERITED_FROM_SCHEMA", |r| r.container.as_ref()?.schema().map(stored)),
];

const TO_SHARES: &[Column<GrantRow>] = &[
    time("CREATED_ON", |r| r.created),
    time("MODIFIED_ON", GrantRow::modified),
    time("DELETED_ON", |r| r.deleted),
    text("PRIVILEGE", |r| Some(r.privilege.clone())),
    text("GRANTED_ON", |r| Some(r.granted_on.clone())),
    text("OBJECT_NAME", |r| r.name.clone()),
    text("OBJECT_DATABASE", |r| r.database.clone()),
    text("OBJECT_SCHEMA", |r| r.schema.clone()),
    text("SHARE_NAME", |r| Some(spelling::principal_name(&r.grantee))),
    text("GRANTED_BY", |r| Some(r.granted_by())),
    text("GRANTED_BY_ROLE_TYPE", GrantRow::granted_by_type),
];

const TO_USERS: &[Column<(Membership, Option<Micros>)>] = &[
    time("CREATED_ON", |(m, _)| m.created_on),
    time("DELETED_ON", |(_, deleted)| *deleted),
    text("ROLE", |(m, _)| Some(spelling::principal_name(&m.role))),
    text("GRANTED_TO", |(m, _)| Some(spelling::granted_to(m.member.kind).to_owned())),
    text("GRANTEE_NAME", |(m, _)| Some(spelling::principal_name(&m.member))),
    text("GRANTED_BY", |(m, _)| Some(m.granted_by.as_ref().map(spelling::principal_name).unwrap_or_default())),
];

pub(super) fn to_roles(seen: &Seen<'_>) -> Result<Vec<RecordBatch>, ArrowError> {
    batches(TO_ROLES, privileges(seen).filter(|row| row.grantee.kind != PrincipalKind::Share))
}

pub(super) fn to_shares(seen: &Seen<'_>) -> Result<Vec<RecordBatch>, ArrowError> {
    // A dropped share takes its rows with it.
    let is_share =
        |row: &GrantRow| row.grantee.kind == PrincipalKind::Share && seen.account.principal(&row.grantee).is_some();
    batches(TO_SHARES, privileges(seen).filter(is_share))
}

pub(super) fn to_users(seen: &Seen<'_>) -> Result<Vec<RecordBatch>, ArrowError> {
    batches(TO_USERS, memberships(seen).filter(|(m, _)| is_users_role(m)))
}

/// Whether `GRANTS_TO_USERS` has the row: an account role of a user.
fn is_users_role(membership: &Membership) -> bool {
    membership.member.kind == PrincipalKind::User && membership.role.kind == PrincipalKind::Role
}

/// Every membership, ended ones last. PUBLIC is in everyone without a row.
fn memberships<'a>(seen: &'a Seen<'_>) -> impl Iterator<Item = (Membership, Option<Micros>)> + 'a {
    let live = seen.account.memberships().map(|m| (m, None));
    let gone = seen.removed.memberships.iter().map(|(m, at)| (m.clone(), seen.deleted(*at)));
    live.chain(gone).filter(|(m, _)| m.role != Principal::public() && seen.shows(m.created_on))
}

/// Every row that is not in `GRANTS_TO_USERS`: ownerships, privileges, memberships, inherited grants; then what was
/// revoked on objects that are still there.
fn privileges<'a>(seen: &'a Seen<'_>) -> impl Iterator<Item = GrantRow> + 'a {
    let (account, removed) = (seen.account, seen.removed);
    let exists = |object: &ObjectRef| {
        account.object(object).is_some()
            || Principal::from_object(object).is_some_and(|p| account.principal(&p).is_some())
    };
    let owners = account.ownerships().map(|o| ownership(account, &o, None));
    let live = account.grants().map(|g| grant(account, &g, None));
    let inherited = account.container_grants_with(Reach::Inherited).map(|g| GrantRow {
        privilege: g.privilege.as_str().to_owned(),
        granted_on: spelling::granted_on(&g.object_type).to_owned(),
        name: None,
        database: g.container.database().map(stored),
        schema: g.container.schema().map(stored),
        grantee: g.grantee,
        grant_option: g.grant_option,
        granted_by: g.granted_by,
        created: g.created_on,
        deleted: None,
        container: Some(g.container),
    });
    let owned = removed.ownerships.iter().filter(move |(o, _)| exists(&o.object));
    let owned = owned.map(|(o, at)| ownership(account, o, seen.deleted(*at)));
    let revoked = removed.grants.iter().filter(move |(g, _)| exists(&g.object));
    let revoked = revoked.map(|(g, at)| grant(account, g, seen.deleted(*at)));
    let members = memberships(seen)
        .filter(|(m, deleted)| !is_users_role(m) && (deleted.is_none() || account.principal(&m.role).is_some()))
        .filter(|(m, _)| !is_imported_role(account, &m.role));
    let members = members.map(|(m, deleted)| {
        // The only role whose name says where it is.
        let instance_role = (m.role.kind == PrincipalKind::InstanceRole).then(|| m.role.shown());
        let usage = Grant {
            privilege: Privilege::USAGE,
            object: m.role.as_object(),
            grantee: m.member,
            granted_by: m.granted_by,
            grant_option: m.grant_option,
            created_on: m.created_on,
        };
        let row = grant(account, &usage, deleted);
        GrantRow { name: instance_role.or_else(|| row.name.clone()), ..row }
    });
    let all = owners.chain(live).chain(inherited).chain(owned).chain(revoked).chain(members);
    all.filter(|row| seen.shows(row.created) && !is_imported_role(account, &row.grantee))
}

fn grant(account: &Account, grant: &Grant, deleted: Option<Micros>) -> GrantRow {
    let object = &grant.object;
    let is_account = object.object_type == ObjectType::ACCOUNT;
    let name = if is_account { account.name().to_owned() } else { spelling::object_name(object) };
    GrantRow {
        privilege: grant.privilege.as_str().to_owned(),
        granted_on: spelling::granted_on(&object.object_type).to_owned(),
        name: Some(name),
        database: object.database.as_ref().map(stored),
        schema: object.schema.as_ref().map(stored),
        grantee: grant.grantee.clone(),
        grant_option: grant.grant_option,
        granted_by: grant.granted_by.clone(),
        created: grant.created_on,
        deleted,
        container: None,
    }
}

/// An owner may grant, except where the schema keeps that to its owner.
fn ownership(account: &Account, ownership: &Ownership, deleted: Option<Micros>) -> GrantRow {
    let object = &ownership.object;
    let schema = object.database.clone().zip(object.schema.clone());
    let schema = schema.map(|(d, s)| ObjectRef::in_database(ObjectType::SCHEMA, d, s));
    let managed = schema
        .and_then(|s| account.object(&s).map(|(_, info)| info.properties.is_true(Property::ManagedAccess)))
        .unwrap_or(false);
    let row = Grant {
        privilege: Privilege::OWNERSHIP,
        object: object.clone(),
        grantee: ownership.owner.clone(),
        granted_by: ownership.granted_by.clone(),
        grant_option: !managed,
        created_on: ownership.created_on,
    };
    grant(account, &row, deleted)
}

fn stored(name: &Ident) -> String {
    name.as_str().to_owned()
}
