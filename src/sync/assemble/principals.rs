//! Users and roles from their inventories.

use super::{AssembleError, Builder, unplaceable};
use crate::sync::kind::SourceKind;
use crate::sync::table::{Column, Row, SourceTable, TableError};
use crate::sync::value;
use grantd_catalog::account::PrincipalInfo;
use grantd_catalog::model::{Ident, Principal, PrincipalKind, Properties, Property, ValueKind};

/// A user's properties and the columns that hold them: in the view, in SHOW.
const USER: &[(Property, &str, &str)] = &[
    (Property::LoginName, "LOGIN_NAME", "LOGIN_NAME"),
    (Property::DisplayName, "DISPLAY_NAME", "DISPLAY_NAME"),
    (Property::Email, "EMAIL", "EMAIL"),
    (Property::Disabled, "DISABLED", "DISABLED"),
    (Property::DefaultRole, "DEFAULT_ROLE", "DEFAULT_ROLE"),
    (Property::DefaultWarehouse, "DEFAULT_WAREHOUSE", "DEFAULT_WAREHOUSE"),
    (Property::DefaultNamespace, "DEFAULT_NAMESPACE", "DEFAULT_NAMESPACE"),
    (Property::DefaultSecondaryRoles, "DEFAULT_SECONDARY_ROLE", "DEFAULT_SECONDARY_ROLES"),
    (Property::Comment, "COMMENT", "COMMENT"),
    (Property::Type, "TYPE", "TYPE"),
    (Property::HasPassword, "HAS_PASSWORD", "HAS_PASSWORD"),
    (Property::HasMfa, "HAS_MFA", "HAS_MFA"),
    (Property::HasRsaPublicKey, "HAS_RSA_PUBLIC_KEY", "HAS_RSA_PUBLIC_KEY"),
    (Property::LastSuccessLogin, "LAST_SUCCESS_LOGIN", "LAST_SUCCESS_LOGIN"),
    (Property::ExpiresAt, "EXPIRES_AT", "EXPIRES_AT_TIME"),
];

impl Builder {
    pub(super) fn principals(&mut self, table: &SourceTable) -> Result<(), AssembleError> {
        match table.kind() {
            SourceKind::Users | SourceKind::ShowUsers => self.users(table),
            SourceKind::Roles | SourceKind::ShowRoles => self.roles(table),
            _ => Ok(()),
        }
    }

    fn users(&mut self, table: &SourceTable) -> Result<(), AssembleError> {
        let show = table.kind() == SourceKind::ShowUsers;
        let name = table.required("NAME")?;
        let (owner, created) = (table.column("OWNER"), table.column("CREATED_ON"));
        let deleted = table.kind().spec().deleted.and_then(|d| table.column(d));
        let columns: Vec<(Property, Column)> = USER
            .iter()
            .filter_map(|(property, view, shown)| Some((*property, table.column(if show { shown } else { view })?)))
            .collect();
        for row in table.rows() {
            if row.timestamp(deleted)?.is_some() {
                continue;
            }
            let user = Principal::user(ident(&row, name)?);
            let created_on = row.timestamp(created)?;
            let old = self.account.principal(&user);
            // SHOW USERS gives everyone the names, and the rest to those who may see it.
            let visible = !show || columns.iter().any(|(p, c)| *p == Property::Disabled && row.text(*c).is_some());
            let mut properties = old.map(|info| info.properties.clone()).unwrap_or_default();
            if visible {
                for (property, column) in &columns {
                    properties.set(*property, property_value(&row, *property, *column)?);
                }
            }
            let info =
                PrincipalInfo { properties, created_on: created_on.or(old.and_then(|i| i.created_on)), listed: true };
            self.account.put_principal(user.clone(), info);
            if let Some(owner) = row.filled(owner).and_then(|o| Ident::new(&*o).ok()) {
                self.owners.push((user.as_object(), Principal::role(owner)));
            }
        }
        Ok(())
    }

    fn roles(&mut self, table: &SourceTable) -> Result<(), AssembleError> {
        let name = table.required("NAME")?;
        let [kind, scope, comment, owner, owner_kind, created] =
            ["ROLE_TYPE", "ROLE_DATABASE_NAME", "COMMENT", "OWNER", "OWNER_ROLE_TYPE", "CREATED_ON"]
                .map(|c| table.column(c));
        let deleted = table.kind().spec().deleted.and_then(|d| table.column(d));
        for row in table.rows() {
            if row.timestamp(deleted)?.is_some() {
                continue;
            }
            let own = ident(&row, name)?;
            let scope = row.filled(scope).map(|s| Ident::new(&*s)).transpose().map_err(|e| row.problem(name, e))?;
            let kind = match row.filled(kind) {
                Some(text) => {
                    let Some(kind) = PrincipalKind::parse(&text).filter(|k| k.is_role()) else {
                        self.findings.unread(table.kind(), &row, &format!("a role of the unknown type {text}"));
                        continue;
                    };
                    kind
                }
                None => PrincipalKind::Role,
            };
            let role = match (kind, scope) {
                (PrincipalKind::Role, _) => Principal::role(own),
                (PrincipalKind::DatabaseRole, Some(database)) => {
                    self.database_roles.add(database.clone(), own.clone());
                    Principal::database_role(database, own)
                }
                (PrincipalKind::ApplicationRole, Some(application)) => Principal::application_role(application, own),
                // The view gives the instance's number only; grants name it, and list it then.
                (PrincipalKind::InstanceRole, _) => continue,
                _ => {
                    self.findings.unread(table.kind(), &row, "a role without its database or application");
                    continue;
                }
            };
            let mut properties = Properties::default();
            properties.set(Property::Comment, row.filled(comment).map(Into::into));
            let info = PrincipalInfo { properties, created_on: row.timestamp(created)?, listed: true };
            self.account.put_principal(role.clone(), info);
            if let Some(owner) = self.owner(&row, owner, owner_kind, role.scope.first()) {
                self.owners.push((role.as_object(), owner));
            }
        }
        Ok(())
    }

    /// The owner that an inventory row names. Applications own what they made; a share's objects have none.
    pub(super) fn owner(
        &mut self,
        row: &Row<'_>,
        owner: Option<Column>,
        owner_kind: Option<Column>,
        database: Option<&Ident>,
    ) -> Option<Principal> {
        let name = row.filled(owner)?;
        let kind = row.filled(owner_kind).and_then(|k| PrincipalKind::parse(&k)).unwrap_or(PrincipalKind::Role);
        super::names::grantee(kind.as_str(), &name, database, &self.database_roles, |_| true).ok()
    }
}

/// A value of a user as properties keep it.
fn property_value(row: &Row<'_>, property: Property, column: Column) -> Result<Option<String>, TableError> {
    match property {
        Property::DefaultSecondaryRoles => Ok(row.text(column).and_then(|text| secondary_roles(&text))),
        Property::LastSuccessLogin | Property::ExpiresAt => Ok(row.timestamp(Some(column))?.map(value::rfc3339)),
        _ if property.value_kind() == ValueKind::Boolean => {
            Ok(row.boolean(Some(column))?.map(|b| if b { "true" } else { "false" }.to_owned()))
        }
        _ => Ok(row.filled(Some(column)).map(Into::into)),
    }
}

/// `["ALL"]`, `('ALL')`, `ALL` or `[]`, `()`; NULL and empty text say nothing.
fn secondary_roles(text: &str) -> Option<String> {
    let inner = text.trim();
    if inner.is_empty() {
        return None;
    }
    let bare: String = inner.chars().filter(|c| !matches!(c, '[' | ']' | '(' | ')' | '"' | '\'')).collect();
    Some(bare.trim().to_ascii_uppercase())
}

/// A name that must be there.
pub(super) fn ident(row: &Row<'_>, column: Column) -> Result<Ident, TableError> {
    let text = row.must(column)?;
    Ident::new(&*text).map_err(|e| row.problem(column, unplaceable(&e)))
}
