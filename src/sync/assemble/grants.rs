//! Memberships, grants, ownership, inherited and future grants from their rows.

use super::inventory::outer;
use super::{AssembleError, Builder, is_builtin, names};
use crate::sync::kind::SourceKind;
use crate::sync::table::{Column, Row, SourceTable};
use grantd_catalog::account::{ContainerGrant, Grant, Membership, Micros, ObjectInfo, Reach};
use grantd_catalog::model::{Container, Ident, ObjectRef, ObjectType, Principal, PrincipalKind, Privilege, qualified};

/// A grant row as its source has it.
struct Raw {
    privilege: Privilege,
    object_type: ObjectType,
    name: String,
    database: Option<Ident>,
    schema: Option<Ident>,
    grantee: Principal,
    granted_by: Option<Principal>,
    grant_option: bool,
    created_on: Option<Micros>,
}

/// What a row gives.
enum Granted {
    Role(Membership),
    Privilege(Grant),
}

impl Granted {
    fn key(self) -> Ended {
        match self {
            Self::Role(m) => Ended::Role(m.role, m.member, m.granted_by),
            Self::Privilege(g) => Ended::privilege(g.privilege, g.object, g.grantee, g.granted_by),
        }
    }
}

/// What makes a row the row that it is.
#[derive(PartialEq, Eq, Hash)]
pub(super) enum Ended {
    /// Role, member, grantor.
    Role(Principal, Principal, Option<Principal>),
    /// Privilege, object, grantee, grantor.
    Privilege(Privilege, ObjectRef, Principal, Option<Principal>),
    /// Container, type, privilege, grantee.
    Inherited(Container, ObjectType, Privilege, Principal),
}

impl Ended {
    /// Relations are one whatever kind of relation a row says.
    pub(super) fn privilege(
        privilege: Privilege,
        mut object: ObjectRef,
        grantee: Principal,
        granted_by: Option<Principal>,
    ) -> Self {
        if object.object_type.is_relation() {
            object.object_type = ObjectType::TABLE;
        }
        Self::Privilege(privilege, object, grantee, granted_by)
    }
}

/// The columns of the two views of grants.
struct Columns {
    privilege: Column,
    granted_on: Column,
    name: Column,
    grantee_kind: Option<Column>,
    grantee: Column,
    database: Option<Column>,
    schema: Option<Column>,
    grant_option: Option<Column>,
    granted_by: Option<Column>,
    granted_by_kind: Option<Column>,
    created: Option<Column>,
    deleted: Option<Column>,
    inherited: Option<Column>,
    from: Option<Column>,
    from_database: Option<Column>,
    from_schema: Option<Column>,
}

impl Columns {
    fn of(table: &SourceTable) -> Result<Self, AssembleError> {
        let shares = table.kind() == SourceKind::GrantsToShares;
        let pick = |role: &'static str, share: &'static str| if shares { share } else { role };
        Ok(Self {
            privilege: table.required("PRIVILEGE")?,
            granted_on: table.required("GRANTED_ON")?,
            name: table.required(pick("NAME", "OBJECT_NAME"))?,
            grantee_kind: if shares { None } else { Some(table.required("GRANTED_TO")?) },
            grantee: table.required(pick("GRANTEE_NAME", "SHARE_NAME"))?,
            database: table.column(pick("TABLE_CATALOG", "OBJECT_DATABASE")),
            schema: table.column(pick("TABLE_SCHEMA", "OBJECT_SCHEMA")),
            grant_option: table.column("GRANT_OPTION"),
            granted_by: table.column("GRANTED_BY"),
            granted_by_kind: table.column("GRANTED_BY_ROLE_TYPE"),
            created: table.column("CREATED_ON"),
            deleted: table.column("DELETED_ON"),
            inherited: table.column("IS_INHERITED"),
            from: table.column("INHERITED_FROM"),
            from_database: table.column("INHERITED_FROM_DATABASE"),
            from_schema: table.column("INHERITED_FROM_SCHEMA"),
        })
    }
}

impl Builder {
    pub(super) fn grants(&mut self, table: &SourceTable) -> Result<(), AssembleError> {
        match table.kind() {
            SourceKind::GrantsToRoles | SourceKind::GrantsToShares => self.grant_rows(table),
            SourceKind::GrantsToUsers => self.role_rows(table),
            SourceKind::ShowFutureGrants => self.future_rows(table),
            _ => Ok(()),
        }
    }

    fn grant_rows(&mut self, table: &SourceTable) -> Result<(), AssembleError> {
        let columns = Columns::of(table)?;
        let kind = table.kind();
        for row in table.rows() {
            if row.timestamp(columns.deleted)?.is_some() {
                continue;
            }
            let from = row.filled(columns.from);
            let inherited = from.is_some() || row.boolean(columns.inherited)? == Some(true);
            let placed = self.raw(&row, &columns)?.and_then(|raw| {
                if inherited {
                    container(&row, from.as_deref(), &columns).map(|container| self.inherited(&raw, container))
                } else {
                    self.granted(kind, raw)
                }
            });
            if let Err(why) = placed {
                self.findings.unread(kind, &row, &why);
            }
        }
        Ok(())
    }

    /// Reads a row; the inner error is for rows that cannot be placed.
    fn raw(&self, row: &Row<'_>, columns: &Columns) -> Result<Result<Raw, String>, AssembleError> {
        let privilege = Privilege::new(&row.must(columns.privilege)?);
        let object_type = ObjectType::new(&row.must(columns.granted_on)?);
        let name = row.text(columns.name).unwrap_or_default().into_owned();
        let database = outer(row, columns.database)?;
        let schema = outer(row, columns.schema)?;
        let grantee_name = row.must(columns.grantee)?;
        let grantee_kind = match columns.grantee_kind {
            Some(column) => row.must(column)?,
            None => PrincipalKind::Share.as_str().into(),
        };
        let grant_option = row.boolean(columns.grant_option)?.unwrap_or(false);
        let created_on = row.timestamp(columns.created)?;
        // The database that the row is about: a database role's grants are all in its own.
        let about = database.clone().or_else(|| {
            let own = object_type == ObjectType::DATABASE;
            own.then(|| Ident::new(&name).ok()).flatten()
        });
        let is_user = |p: &Principal| self.account.principal(p).is_some();
        let grantee = match names::grantee(&grantee_kind, &grantee_name, about.as_ref(), &self.database_roles, is_user)
        {
            Ok(grantee) => grantee,
            Err(why) => return Ok(Err(why)),
        };
        let granted_by = match row.filled(columns.granted_by) {
            None => None,
            Some(name) => {
                let kind = row.filled(columns.granted_by_kind).unwrap_or_else(|| "ROLE".into());
                match names::grantee(&kind, &name, about.as_ref(), &self.database_roles, is_user) {
                    Ok(grantor) => Some(grantor),
                    Err(why) => return Ok(Err(format!("a grantor that cannot be read ({why})"))),
                }
            }
        };
        Ok(Ok(Raw { privilege, object_type, name, database, schema, grantee, granted_by, grant_option, created_on }))
    }

    fn inherited(&mut self, raw: &Raw, container: Container) {
        self.account.put_container_grant(ContainerGrant {
            reach: Reach::Inherited,
            container,
            object_type: raw.object_type.clone(),
            privilege: raw.privilege.clone(),
            grantee: raw.grantee.clone(),
            grant_option: raw.grant_option,
            granted_by: raw.granted_by.clone(),
            created_on: raw.created_on,
        });
    }

    fn granted(&mut self, kind: SourceKind, raw: Raw) -> Result<(), String> {
        match self.resolve(raw)? {
            Granted::Role(membership) => self.member(kind, membership),
            Granted::Privilege(grant) => self.privilege(kind, grant),
        }
        Ok(())
    }

    /// Finds the object or role that a row is about.
    fn resolve(&self, raw: Raw) -> Result<Granted, String> {
        if raw.name.is_empty() && raw.object_type != ObjectType::ACCOUNT {
            return Err(format!("a grant on a {} without a name", raw.object_type));
        }
        let object = match raw.object_type.as_str() {
            "INSTANCE_ROLE" => {
                let nobody = names::DatabaseRoles::default();
                names::grantee("INSTANCE_ROLE", &raw.name, None, &nobody, |_| false)?.as_object()
            }
            "DATABASE_ROLE" => self.database_roles.resolve(&raw.name, raw.database.as_ref())?.as_object(),
            _ => {
                let (database, schema) = (raw.database.as_ref(), raw.schema.as_ref());
                names::object(&raw.object_type, &raw.name, database, schema, &self.functions)
                    .map_err(|e| format!("an object whose name cannot be read ({e})"))?
            }
        };
        // USAGE on a role is a membership, never a privilege.
        if raw.privilege == Privilege::USAGE && object.object_type.is_role() {
            let role = Principal::from_object(&object).ok_or("a role that cannot be read")?;
            return Ok(Granted::Role(Membership {
                role,
                member: raw.grantee,
                granted_by: raw.granted_by,
                grant_option: raw.grant_option,
                builtin: false,
                created_on: raw.created_on,
            }));
        }
        Ok(Granted::Privilege(Grant {
            privilege: raw.privilege,
            object,
            grantee: raw.grantee,
            granted_by: raw.granted_by,
            grant_option: raw.grant_option,
            created_on: raw.created_on,
        }))
    }

    pub(super) fn privilege(&mut self, kind: SourceKind, grant: Grant) {
        self.notice(kind, &grant.object);
        self.notice_principal(kind, &grant.grantee);
        self.account.put_grant(grant);
    }

    /// The rows that say that something ended, for a table that has them.
    pub(super) fn ends(&self, table: &SourceTable) -> Result<Vec<(Ended, Micros)>, AssembleError> {
        let columns = Columns::of(table)?;
        let mut ends = Vec::new();
        for row in table.rows() {
            let Some(at) = row.timestamp(columns.deleted)? else { continue };
            // What cannot be placed was not placed while it was live either.
            let Ok(raw) = self.raw(&row, &columns)? else { continue };
            let from = row.filled(columns.from);
            if from.is_some() || row.boolean(columns.inherited)? == Some(true) {
                if let Ok(container) = container(&row, from.as_deref(), &columns) {
                    ends.push((Ended::Inherited(container, raw.object_type, raw.privilege, raw.grantee), at));
                }
            } else if let Ok(granted) = self.resolve(raw) {
                ends.push((granted.key(), at));
            }
        }
        Ok(ends)
    }

    pub(super) fn member(&mut self, kind: SourceKind, mut membership: Membership) {
        // PUBLIC is in everything already; a grant of it changes nothing.
        if membership.role == Principal::public() {
            return;
        }
        self.notice_principal(kind, &membership.role);
        self.notice_principal(kind, &membership.member);
        membership.builtin = membership.granted_by.is_none() && is_builtin(&membership.role, &membership.member);
        self.account.put_membership(&membership);
    }

    /// Counts an object that no inventory lists; a type that says more than TABLE is kept.
    pub(super) fn notice(&mut self, kind: SourceKind, object: &ObjectRef) {
        match self.account.object(object) {
            Some((_, info)) if info.listed => {}
            Some((known, _)) if known.object_type == ObjectType::TABLE && object.object_type != ObjectType::TABLE => {
                self.account.put_object(object.clone(), ObjectInfo::default());
            }
            Some(_) => {}
            None => {
                let as_principal = Principal::from_object(object).and_then(|p| self.account.principal(&p));
                let inventoried = match Principal::from_object(object) {
                    Some(_) => true,
                    None => self.inventoried.contains(object.object_type.namespace()),
                };
                if inventoried && as_principal.is_none_or(|info| !info.listed) {
                    let what = format!("a {} that grants name and no inventory lists", object.object_type);
                    let is_database = object.object_type == ObjectType::DATABASE;
                    let database = if is_database { Some(object.name.clone()) } else { object.database.clone() };
                    // What a share exposes is in no inventory: a gap of its own.
                    if database.as_ref().is_some_and(|d| self.account.is_import(d)) {
                        return;
                    }
                    self.findings.lag(kind, what, database, || object.shown());
                }
            }
        }
    }

    pub(super) fn notice_principal(&mut self, kind: SourceKind, principal: &Principal) {
        let listed_elsewhere =
            matches!(principal.kind, PrincipalKind::Share | PrincipalKind::Application | PrincipalKind::InstanceRole);
        if !listed_elsewhere && self.account.principal(principal).is_none() {
            let what = format!("a {} that grants name and no inventory lists", principal.kind.as_str());
            self.findings.lag(kind, what, None, || principal.shown());
        }
    }

    fn role_rows(&mut self, table: &SourceTable) -> Result<(), AssembleError> {
        let (role, grantee) = (table.required("ROLE")?, table.required("GRANTEE_NAME")?);
        let [to, by, created, deleted] =
            ["GRANTED_TO", "GRANTED_BY", "CREATED_ON", "DELETED_ON"].map(|c| table.column(c));
        for row in table.rows() {
            if row.timestamp(deleted)?.is_some() {
                continue;
            }
            let to = row.filled(to).unwrap_or_else(|| "USER".into());
            let is_user = |p: &Principal| self.account.principal(p).is_some();
            let member = match names::grantee(&to, &row.must(grantee)?, None, &self.database_roles, is_user) {
                Ok(member) => member,
                Err(why) => {
                    self.findings.unread(table.kind(), &row, &why);
                    continue;
                }
            };
            let named = |text: &str, column| Ident::new(text).map(Principal::role).map_err(|e| row.problem(column, e));
            let granted_by = match (by, row.filled(by)) {
                (Some(column), Some(text)) => Some(named(&text, column)?),
                _ => None,
            };
            let membership = Membership {
                role: named(&row.must(role)?, role)?,
                member,
                granted_by,
                grant_option: false,
                builtin: false,
                created_on: row.timestamp(created)?,
            };
            self.member(table.kind(), membership);
        }
        Ok(())
    }

    fn future_rows(&mut self, table: &SourceTable) -> Result<(), AssembleError> {
        let [privilege, grant_on, name, grant_to, grantee] =
            ["PRIVILEGE", "GRANT_ON", "NAME", "GRANT_TO", "GRANTEE_NAME"].map(|c| table.required(c));
        let (privilege, grant_on, name, grant_to, grantee) = (privilege?, grant_on?, name?, grant_to?, grantee?);
        let (option, created) = (table.column("GRANT_OPTION"), table.column("CREATED_ON"));
        for row in table.rows() {
            let text = row.must(name)?;
            // `DB.<TABLE>` or `DB.SCHEMA.<TABLE>`.
            let mut parts = qualified(&text).map_err(|e| row.problem(name, e))?.into_iter();
            let container = match (parts.next(), parts.next(), parts.next(), parts.next()) {
                (Some(database), Some(_), None, None) => Container::Database(database),
                (Some(database), Some(schema), Some(_), None) => Container::Schema(database, schema),
                _ => {
                    return Err(row
                        .problem(name, format!("{text:?} is neither DB.<TYPE> nor DB.SCHEMA.<TYPE>"))
                        .into());
                }
            };
            let kind = row.must(grant_to)?;
            let database = container.database();
            let is_user = |p: &Principal| self.account.principal(p).is_some();
            let grantee = match names::grantee(&kind, &row.must(grantee)?, database, &self.database_roles, is_user) {
                Ok(grantee) => grantee,
                Err(why) => {
                    self.findings.unread(table.kind(), &row, &why);
                    continue;
                }
            };
            self.notice_principal(table.kind(), &grantee);
            self.account.put_container_grant(ContainerGrant {
                reach: Reach::Future,
                container,
                object_type: ObjectType::new(&row.must(grant_on)?),
                privilege: Privilege::new(&row.must(privilege)?),
                grantee,
                grant_option: row.boolean(option)?.unwrap_or(false),
                granted_by: None,
                created_on: row.timestamp(created)?,
            });
        }
        Ok(())
    }
}

/// Where an inherited grant is defined.
fn container(row: &Row<'_>, from: Option<&str>, columns: &Columns) -> Result<Container, String> {
    let name = |column| outer(row, column).map_err(|e| e.to_string());
    let (database, schema) = (name(columns.from_database)?, name(columns.from_schema)?);
    match (from.unwrap_or_default().trim().to_ascii_uppercase().as_str(), database, schema) {
        ("ACCOUNT", ..) => Ok(Container::Account),
        ("DATABASE", Some(database), _) => Ok(Container::Database(database)),
        ("SCHEMA", Some(database), Some(schema)) => Ok(Container::Schema(database, schema)),
        _ => Err("an inherited grant that does not say where it is inherited from".to_owned()),
    }
}
