//! SHOW GRANTS in all its forms, SHOW FUTURE GRANTS, SHOW INHERITED GRANTS.

use super::super::refusals::{expand_error, missing};
use super::super::roles::{granted_to, schema_of};
use super::View;
use super::table::{Cell, Table};
use crate::sandbox::protocol::engine::Failure;
use grantd_catalog::account::{ContainerGrant, Grant, Membership, Ownership, Reach};
use grantd_catalog::model::{Container, ObjectRef, Principal, PrincipalKind, Privilege, Property};
use grantd_catalog::sql::ast::{Target, Within};

const INHERITED: [&str; 4] = ["is_inherited", "inherited_from", "inherited_from_database", "inherited_from_schema"];
const TO: [&str; 8] =
    ["created_on", "privilege", "granted_on", "name", "granted_to", "grantee_name", "grant_option", "granted_by"];

/// The internal name that `GRANTED_ON` has for some types.
fn granted_on(object: &str) -> &str {
    match object {
        "AGENT" => "CORTEX_AGENT",
        "EXTERNAL_VOLUME" => "VOLUME",
        "MCP_SERVER" => "CORTEX_AGENT_SERVER",
        "MODEL" => "MODULE",
        "MODEL_MONITOR" => "QUALITY_MONITOR",
        other => other,
    }
}

/// The name of a grantee: since `2026_06` database roles without their database.
fn grantee_name(grantee: &Principal) -> String {
    grantee.name.as_str().to_owned()
}

/// The name of an object: dotted, parts quoted when needed.
fn object_name(view: &View<'_>, object: &ObjectRef) -> String {
    if *object == ObjectRef::account() { view.account.name().to_owned() } else { object.shown() }
}

fn direct(grant: &Grant, name: String) -> Vec<Cell> {
    vec![
        Cell::Time(grant.created_on),
        Cell::text(grant.privilege.as_str()),
        Cell::text(granted_on(grant.object.object_type.as_str())),
        Cell::Text(name),
        Cell::text(grant.grantee.kind.as_str()),
        Cell::Text(grantee_name(&grant.grantee)),
        Cell::bool(grant.grant_option),
        Cell::option(Some(grant.granted_by.as_ref().map(|g| g.name.as_str().to_owned()).unwrap_or_default())),
    ]
}

fn not_inherited() -> [Cell; 4] {
    [Cell::bool(false), Cell::Null, Cell::Null, Cell::Null]
}

/// A live container grant as a row without a name.
fn inherited(grant: &ContainerGrant) -> (Vec<Cell>, [Cell; 4]) {
    let from = match grant.container {
        Container::Account => "ACCOUNT",
        Container::Database(_) => "DATABASE",
        Container::Schema(..) => "SCHEMA",
    };
    let row = vec![
        Cell::Time(grant.created_on),
        Cell::text(grant.privilege.as_str()),
        Cell::text(granted_on(grant.object_type.as_str())),
        Cell::text(""),
        Cell::text(grant.grantee.kind.as_str()),
        Cell::Text(grantee_name(&grant.grantee)),
        Cell::bool(false),
        Cell::option(Some(grant.granted_by.as_ref().map(|g| g.name.as_str().to_owned()).unwrap_or_default())),
    ];
    let marks = [
        Cell::bool(true),
        Cell::text(from),
        Cell::option(grant.container.database()),
        Cell::option(grant.container.schema()),
    ];
    (row, marks)
}

/// A membership as USAGE on the role; those of users are told by SHOW GRANTS OF ROLE.
fn usage(membership: Membership) -> Option<Grant> {
    (membership.member.kind != PrincipalKind::User).then(|| Grant {
        privilege: Privilege::USAGE,
        object: membership.role.as_object(),
        grantee: membership.member,
        granted_by: membership.granted_by,
        grant_option: membership.grant_option,
        created_on: membership.created_on,
    })
}

impl View<'_> {
    /// What the row of an owner says: it may grant, except where the schema keeps that to its owner.
    fn owned(&self, ownership: Ownership) -> Grant {
        let schema = schema_of(&ownership.object).and_then(|schema| self.account.object(&schema));
        let managed = schema.is_some_and(|(_, info)| info.properties.is_true(Property::ManagedAccess));
        Grant {
            privilege: Privilege::OWNERSHIP,
            grantee: ownership.owner,
            granted_by: ownership.granted_by,
            object: ownership.object,
            grant_option: !managed,
            created_on: ownership.created_on,
        }
    }

    /// Everything granted on an object: OWNERSHIP as a row, memberships as USAGE on a role. The owner of a managed
    /// access schema shows as one who manages grants in it, too.
    fn rows_on(&self, object: &ObjectRef) -> Vec<Grant> {
        let mut rows: Vec<Grant> = self.account.grants_on(object).collect();
        if let Some(owned) = self.account.ownership(object).map(|o| self.owned(o)) {
            let known = self.account.object(object);
            if known.is_some_and(|(_, info)| info.properties.is_true(Property::ManagedAccess)) {
                rows.push(Grant { privilege: Privilege::MANAGE_GRANTS, ..owned.clone() });
            }
            rows.push(owned);
        }
        if let Some(role) = Principal::from_object(object) {
            rows.extend(self.account.members_of(&role).filter_map(usage));
        }
        rows.sort();
        rows
    }

    /// Everything granted to a role or share.
    fn rows_to(&self, grantee: &Principal) -> Vec<Grant> {
        let mut rows: Vec<Grant> = self.account.grants_to(grantee).collect();
        rows.extend(self.account.owned_by(grantee).map(|o| self.owned(o)));
        rows.extend(self.account.roles_of(grantee).filter_map(usage));
        rows.sort();
        rows
    }

    fn inherited_rows(&self) -> Vec<ContainerGrant> {
        self.account.container_grants_with(Reach::Inherited).collect()
    }

    pub(super) fn grants_on(&self, target: &Target) -> Result<Table, Failure> {
        let object = match target {
            Target::Object(named) => self.scope.object(named).map_err(|e| expand_error(&e))?,
            _ => ObjectRef::account(),
        };
        if !(self.sees_everything() || self.active.sees(&object)) {
            return Err(missing(&object.object_type.sql(), &object.shown()));
        }
        let mut columns = TO.to_vec();
        columns.push("granted_by_role_type");
        columns.extend(INHERITED);
        let mut table = Table::new(&columns);
        for grant in &self.rows_on(&object) {
            let mut row = direct(grant, object_name(self, &grant.object));
            row.push(Cell::option(grant.granted_by.as_ref().map(|g| g.kind.as_str())));
            row.extend(not_inherited());
            table.row(row);
        }
        for grant in self.inherited_rows() {
            if grant.object_type == object.object_type && grant.container.contains(&object) {
                let (mut row, marks) = inherited(&grant);
                row.push(Cell::option(grant.granted_by.as_ref().map(|g| g.kind.as_str())));
                row.extend(marks);
                table.row(row);
            }
        }
        Ok(table)
    }

    pub(super) fn grants_to(&self, grantee: &Principal) -> Result<Table, Failure> {
        if grantee.kind == PrincipalKind::User {
            return Ok(self.grants_to_user(grantee));
        }
        if !self.sees_everything() && !self.active.all.contains(grantee) && !self.active.owns(&grantee.as_object()) {
            return Err(missing("Role", &grantee.shown()));
        }
        let mut columns = TO.to_vec();
        columns.extend(INHERITED);
        let mut table = Table::new(&columns);
        for grant in &self.rows_to(grantee) {
            let mut row = direct(grant, object_name(self, &grant.object));
            row.extend(not_inherited());
            table.row(row);
        }
        for grant in self.inherited_rows().iter().filter(|g| g.grantee == *grantee) {
            let (mut row, marks) = inherited(grant);
            row.extend(marks);
            table.row(row);
        }
        Ok(table)
    }

    /// Roles and privileges of a user; `role` is NULL in rows of privileges.
    fn grants_to_user(&self, user: &Principal) -> Table {
        let mut table = Table::new(&[
            "created_on",
            "privilege",
            "granted_on",
            "name",
            "role",
            "granted_to",
            "grantee_name",
            "grant_option",
            "granted_by",
        ]);
        for m in self.account.roles_of(user) {
            table.row(vec![
                Cell::Time(m.created_on),
                Cell::text("USAGE"),
                Cell::text(m.role.kind.as_str()),
                Cell::text(m.role.as_object().shown()),
                Cell::text(m.role.shown()),
                Cell::text("USER"),
                Cell::Text(grantee_name(user)),
                Cell::bool(m.grant_option),
                Cell::option(m.granted_by.as_ref().map(|g| g.name.as_str().to_owned())),
            ]);
        }
        for grant in self.account.grants_to(user) {
            let mut row = direct(&grant, object_name(self, &grant.object));
            row.insert(4, Cell::Null);
            table.row(row);
        }
        table
    }

    pub(super) fn grants_of(&self, role: &Principal) -> Result<Table, Failure> {
        if self.account.principal(role).is_none() {
            return Err(missing("Role", &role.shown()));
        }
        let mut table = Table::new(&["created_on", "role", "granted_to", "grantee_name", "granted_by"]);
        for m in self.account.members_of(role) {
            table.row(vec![
                Cell::Time(m.created_on),
                Cell::text(role.name.as_str()),
                Cell::text(m.member.kind.as_str()),
                Cell::Text(grantee_name(&m.member)),
                Cell::option(Some(m.granted_by.map(|g| g.name.as_str().to_owned()).unwrap_or_default())),
            ]);
        }
        Ok(table)
    }

    fn future(&self, keep: impl Fn(&ContainerGrant) -> bool) -> Table {
        let mut table =
            Table::new(&["created_on", "privilege", "grant_on", "name", "grant_to", "grantee_name", "grant_option"]);
        for g in self.account.container_grants_with(Reach::Future).filter(|g| keep(g)) {
            let kind = granted_on(g.object_type.as_str());
            let parts = g.container.database().into_iter().chain(g.container.schema());
            let container = parts.map(|p| p.shown().to_string()).collect::<Vec<_>>().join(".");
            table.row(vec![
                Cell::Time(g.created_on),
                Cell::text(g.privilege.as_str()),
                Cell::text(kind),
                Cell::Text(format!("{container}.<{kind}>")),
                Cell::text(g.grantee.kind.as_str()),
                Cell::Text(grantee_name(&g.grantee)),
                Cell::bool(g.grant_option),
            ]);
        }
        table
    }

    /// IN DATABASE lists the templates of the database itself, not those of its schemas.
    pub(super) fn future_grants_in(&self, within: &Within) -> Result<Table, Failure> {
        let container = self.scope.container(within).map_err(|e| expand_error(&e))?;
        Ok(self.future(|g| g.container == container))
    }

    pub(super) fn future_grants_to(&self, grantee: &Principal) -> Table {
        self.future(|g| g.grantee == *grantee)
    }

    pub(super) fn inherited_grants_in(&self, within: &Within) -> Result<Table, Failure> {
        let container = self.scope.container(within).map_err(|e| expand_error(&e))?;
        let mut columns = TO.to_vec();
        columns.extend(INHERITED.get(1..).unwrap_or_default());
        let mut table = Table::new(&columns);
        for grant in self.inherited_rows().iter().filter(|g| g.container == container) {
            let (mut row, [_, from, database, schema]) = inherited(grant);
            row.extend([from, database, schema]);
            table.row(row);
        }
        Ok(table)
    }

    /// Roles that manage grants, and those that resolve or monitor everything, see what they hold nothing on.
    pub(super) fn sees_everything(&self) -> bool {
        let account = ObjectRef::account();
        self.active.manages_grants(&account)
            || ["RESOLVE ALL", "MONITOR ROLE"].iter().any(|p| self.active.has(&self.active.all, p, &account))
    }

    /// How many users and roles a role is granted to, and how many it holds.
    pub(super) fn counts(&self, role: &Principal) -> (usize, usize, usize) {
        let members: Vec<_> = self.account.members_of(role).map(|m| m.member.kind).collect();
        let users = members.iter().filter(|k| **k == PrincipalKind::User).count();
        (users, members.len() - users, granted_to(self.account, role).len())
    }
}
