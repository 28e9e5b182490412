//! SHOW of users, roles, containers and objects.

use super::super::refusals::expand_error;
use super::super::session::sees_all_users;
use super::View;
use super::table::{Cell, Table};
use crate::sandbox::protocol::engine::Failure;
use grantd_catalog::account::{ObjectInfo, PrincipalInfo};
use grantd_catalog::model::{Container, ObjectRef, ObjectType, Principal, PrincipalKind, Property};
use grantd_catalog::sql::ast::Within;
use std::collections::BTreeMap;

impl View<'_> {
    /// SHOW of one type.
    pub(super) fn inventory(&self, object_type: &ObjectType, within: Option<&Within>) -> Result<Table, Failure> {
        match object_type.as_str() {
            "USER" => Ok(self.users()),
            "ROLE" => Ok(self.roles()),
            "DATABASE_ROLE" | "APPLICATION_ROLE" => self.scoped_roles(object_type, within),
            "DATABASE" => self.databases(),
            "SCHEMA" => self.schemas(within),
            "WAREHOUSE" => self.warehouses(),
            "INTEGRATION" => self.integrations(),
            "TABLE" => self.tables(within),
            "VIEW" => self.views(within),
            _ => self.objects(object_type, within),
        }
    }

    pub(super) fn container(&self, within: Option<&Within>) -> Result<Container, Failure> {
        match within {
            Some(within) => self.scope.container(within).map_err(|e| expand_error(&e)),
            None => Ok(match (&self.session.names.database, &self.session.names.schema) {
                (Some(d), Some(s)) => Container::Schema(d.clone(), s.clone()),
                (Some(d), None) => Container::Database(d.clone()),
                _ => Container::Account,
            }),
        }
    }

    /// The listed objects that pass, in order of name; only those that the active roles may see.
    pub(super) fn listed(&self, keep: impl Fn(&ObjectRef) -> bool) -> BTreeMap<&ObjectRef, &ObjectInfo> {
        let all = self.sees_everything();
        self.account.objects().filter(|(o, info)| info.listed && keep(o) && (all || self.active.has_any(o))).collect()
    }

    pub(super) fn owner(&self, object: &ObjectRef) -> Cell {
        Cell::option(Some(self.account.owner(object).map(|o| o.name.as_str().to_owned()).unwrap_or_default()))
    }

    pub(super) fn owner_type(&self, object: &ObjectRef) -> Cell {
        Cell::option(Some(self.account.owner(object).map(|o| o.kind.as_str()).unwrap_or_default()))
    }

    fn users(&self) -> Table {
        let mut table = Table::new(&[
            "name",
            "created_on",
            "login_name",
            "display_name",
            "first_name",
            "last_name",
            "email",
            "mins_to_unlock",
            "days_to_expiry",
            "comment",
            "disabled",
            "must_change_password",
            "snowflake_lock",
            "default_warehouse",
            "default_namespace",
            "default_role",
            "default_secondary_roles",
            "ext_authn_duo",
            "ext_authn_uid",
            "mins_to_bypass_mfa",
            "owner",
            "last_success_login",
            "expires_at_time",
            "locked_until_time",
            "has_password",
            "has_rsa_public_key",
            "type",
            "has_mfa",
            "has_pat",
            "has_workload_identity",
        ]);
        let all = sees_all_users(self.active);
        let users: BTreeMap<&Principal, &PrincipalInfo> =
            self.account.principals().filter(|(p, i)| p.kind == PrincipalKind::User && i.listed).collect();
        for (user, info) in users {
            let full = all || self.active.owns(&user.as_object()) || *user == self.session.user;
            // Without a right on the user everything but the name is NULL.
            if !full {
                let mut row = vec![Cell::Null; 30];
                if let Some(name) = row.first_mut() {
                    *name = Cell::text(user.name.as_str());
                }
                table.row(row);
                continue;
            }
            let get = |p| Cell::option(info.properties.get(p));
            let or_name = |p| Cell::text(info.properties.get(p).unwrap_or(user.name.as_str()));
            let secondary = match info.properties.get(Property::DefaultSecondaryRoles) {
                Some("") => "[]",
                _ => "[\"ALL\"]",
            };
            let has_key = self.session.engine.state().keys.contains_key(user);
            table.row(vec![
                Cell::text(user.name.as_str()),
                Cell::Time(info.created_on),
                or_name(Property::LoginName),
                or_name(Property::DisplayName),
                Cell::Null,
                Cell::Null,
                get(Property::Email),
                Cell::Null,
                Cell::Null,
                get(Property::Comment),
                Cell::bool(info.properties.is_true(Property::Disabled)),
                Cell::bool(false),
                Cell::bool(false),
                get(Property::DefaultWarehouse),
                get(Property::DefaultNamespace),
                get(Property::DefaultRole),
                Cell::text(secondary),
                Cell::bool(false),
                Cell::Null,
                Cell::Null,
                self.owner(&user.as_object()),
                Cell::Time(None),
                Cell::Null,
                Cell::Null,
                Cell::bool(info.properties.is_true(Property::HasPassword)),
                Cell::bool(has_key),
                get(Property::Type),
                Cell::bool(info.properties.is_true(Property::HasMfa)),
                Cell::bool(false),
                Cell::bool(false),
            ]);
        }
        table
    }

    fn roles(&self) -> Table {
        let mut table = Table::new(&[
            "created_on",
            "name",
            "is_default",
            "is_current",
            "is_inherited",
            "assigned_to_users",
            "granted_to_roles",
            "granted_roles",
            "owner",
            "comment",
        ]);
        let roles: BTreeMap<&Principal, &PrincipalInfo> =
            self.account.principals().filter(|(p, i)| p.kind == PrincipalKind::Role && i.listed).collect();
        for (role, info) in roles {
            let (users, parents, children) = self.counts(role);
            table.row(vec![
                Cell::Time(info.created_on),
                Cell::text(role.name.as_str()),
                Cell::yes(false),
                Cell::yes(*role == self.session.role),
                Cell::yes(*role != self.session.role && self.active.primary.contains(role)),
                Cell::text(users.to_string()),
                Cell::text(parents.to_string()),
                Cell::text(children.to_string()),
                self.owner(&role.as_object()),
                Cell::option(Some(info.properties.get(Property::Comment).unwrap_or_default())),
            ]);
        }
        table
    }

    fn scoped_roles(&self, object_type: &ObjectType, within: Option<&Within>) -> Result<Table, Failure> {
        let container = self.container(within)?;
        let mut table = Table::new(&[
            "created_on",
            "name",
            "is_default",
            "is_current",
            "is_inherited",
            "granted_to_roles",
            "granted_to_database_roles",
            "granted_database_roles",
            "owner",
            "comment",
            "owner_role_type",
        ]);
        let roles: BTreeMap<&Principal, &PrincipalInfo> = self
            .account
            .principals()
            .filter(|(p, i)| p.kind.as_str() == object_type.as_str() && i.listed)
            .filter(|(p, _)| p.scope.first() == container.database())
            .collect();
        for (role, info) in roles {
            let kinds: Vec<_> = self.account.members_of(role).map(|m| m.member.kind).collect();
            let in_roles = kinds.iter().filter(|k| **k == PrincipalKind::Role).count();
            let in_database_roles = kinds.iter().filter(|k| **k == PrincipalKind::DatabaseRole).count();
            let (_, _, children) = self.counts(role);
            table.row(vec![
                Cell::Time(info.created_on),
                Cell::text(role.name.as_str()),
                Cell::yes(false),
                Cell::yes(false),
                Cell::yes(self.active.primary.contains(role)),
                Cell::text(in_roles.to_string()),
                Cell::text(in_database_roles.to_string()),
                Cell::text(children.to_string()),
                self.owner(&role.as_object()),
                Cell::option(info.properties.get(Property::Comment)),
                self.owner_type(&role.as_object()),
            ]);
        }
        Ok(table)
    }

    fn databases(&self) -> Result<Table, Failure> {
        let mut table = Table::new(&[
            "created_on",
            "name",
            "is_default",
            "is_current",
            "origin",
            "owner",
            "comment",
            "options",
            "retention_time",
            "kind",
            "owner_role_type",
            "object_visibility",
        ]);
        for (object, info) in self.listed(|o| o.object_type == ObjectType::DATABASE) {
            table.row(vec![
                Cell::Time(info.created_on),
                Cell::text(object.name.as_str()),
                Cell::yes(false),
                Cell::yes(self.session.names.database.as_ref() == Some(&object.name)),
                Cell::text(""),
                self.owner(object),
                Cell::option(info.properties.get(Property::Comment)),
                Cell::text(""),
                Cell::text("1"),
                Cell::text(info.properties.get(Property::Kind).unwrap_or("STANDARD")),
                self.owner_type(object),
                Cell::Null,
            ]);
        }
        Ok(table)
    }

    fn schemas(&self, within: Option<&Within>) -> Result<Table, Failure> {
        let container = match within {
            Some(_) => self.container(within)?,
            None => self.session.names.database.clone().map_or(Container::Account, Container::Database),
        };
        let mut table = Table::new(&[
            "created_on",
            "name",
            "is_default",
            "is_current",
            "database_name",
            "owner",
            "comment",
            "options",
            "retention_time",
            "owner_role_type",
            "object_visibility",
            "is_nested",
        ]);
        for (object, info) in self.listed(|o| o.object_type == ObjectType::SCHEMA && container.contains(o)) {
            let managed = info.properties.is_true(Property::ManagedAccess);
            table.row(vec![
                Cell::Time(info.created_on),
                Cell::text(object.name.as_str()),
                Cell::yes(false),
                Cell::yes(self.session.names.schema.as_ref() == Some(&object.name)),
                Cell::option(object.database.as_ref()),
                self.owner(object),
                Cell::option(info.properties.get(Property::Comment)),
                Cell::text(if managed { "MANAGED ACCESS" } else { "" }),
                Cell::text("1"),
                self.owner_type(object),
                Cell::Null,
                Cell::yes(false),
            ]);
        }
        Ok(table)
    }

    fn warehouses(&self) -> Result<Table, Failure> {
        let mut table = Table::new(&[
            "name",
            "state",
            "type",
            "size",
            "is_default",
            "is_current",
            "auto_suspend",
            "auto_resume",
            "created_on",
            "resumed_on",
            "updated_on",
            "owner",
            "comment",
            "resource_monitor",
            "uuid",
            "scaling_policy",
            "owner_role_type",
        ]);
        for (object, info) in self.listed(|o| o.object_type == ObjectType::WAREHOUSE) {
            table.row(vec![
                Cell::text(object.name.as_str()),
                Cell::text("SUSPENDED"),
                Cell::text("STANDARD"),
                Cell::text(info.properties.get(Property::Size).unwrap_or("X-Small")),
                Cell::yes(false),
                Cell::yes(self.session.warehouse.as_ref() == Some(&object.name)),
                Cell::text("600"),
                Cell::bool(true),
                Cell::Time(info.created_on),
                Cell::Time(info.created_on),
                Cell::Time(info.created_on),
                self.owner(object),
                Cell::option(info.properties.get(Property::Comment)),
                Cell::text("null"),
                Cell::Null,
                Cell::text("STANDARD"),
                self.owner_type(object),
            ]);
        }
        Ok(table)
    }

    fn integrations(&self) -> Result<Table, Failure> {
        let mut table = Table::new(&["name", "type", "category", "enabled", "comment", "created_on"]);
        for (object, info) in self.listed(|o| o.object_type.as_str() == "INTEGRATION") {
            table.row(vec![
                Cell::text(object.name.as_str()),
                Cell::text("EXTERNAL_STAGE"),
                Cell::text("STORAGE"),
                Cell::bool(true),
                Cell::option(info.properties.get(Property::Comment)),
                Cell::Time(info.created_on),
            ]);
        }
        Ok(table)
    }

    fn objects(&self, object_type: &ObjectType, within: Option<&Within>) -> Result<Table, Failure> {
        let container = self.container(within)?;
        let mut table = Table::new(&[
            "created_on",
            "name",
            "database_name",
            "schema_name",
            "kind",
            "owner",
            "comment",
            "owner_role_type",
        ]);
        for (object, info) in self.listed(|o| o.object_type == *object_type && container.contains(o)) {
            let name = match &object.signature {
                Some(types) => format!("{}({})", object.name.as_str(), types.as_str()),
                None => object.name.as_str().to_owned(),
            };
            table.row(vec![
                Cell::Time(info.created_on),
                Cell::Text(name),
                Cell::option(object.database.as_ref()),
                Cell::option(object.schema.as_ref()),
                Cell::text(object.object_type.sql()),
                self.owner(object),
                Cell::option(info.properties.get(Property::Comment)),
                self.owner_type(object),
            ]);
        }
        Ok(table)
    }
}
