//! GRANT, REVOKE, CREATE, ALTER and DROP: from a statement to changes, checked by Snowflake's rules and applied.

use super::grantable;
use super::roles::{Active, closure, schema_of};
use super::session::{Session, expand_error};
use super::{Removed, State};
use crate::sandbox::protocol::engine::{Answer, Failure, StatementKind};
use base64::Engine as _;
use grantd_catalog::account::{Account, Grant, Micros, Reach};
use grantd_catalog::model::{
    Change, Container, ObjectRef, ObjectType, OutboundGrants, Principal, PrincipalKind, Privilege, Property,
};
use grantd_catalog::sql::ast::{AlterAction, Setting, Value};
use grantd_catalog::sql::{Kind, Statement};
use std::sync::Arc;

/// Executes one statement: all of its changes, or none.
pub(super) struct Executor<'s> {
    session: &'s Session,
    account: Account,
    removed: Removed,
    now: Micros,
}

impl Executor<'_> {
    /// Runs a statement in a session.
    pub(super) fn run(session: &mut Session, statement: &Statement) -> Result<Answer, Failure> {
        let (account, removed, now) = {
            let mut state = session.engine.state();
            let now = state.tick();
            (Arc::clone(&state.account), Arc::clone(&state.removed), now)
        };
        let changes = statement.expand(&account, &session.names).map_err(|e| expand_error(&e))?;
        let mut executor =
            Executor { session, account: account.as_ref().clone(), removed: removed.as_ref().clone(), now };
        for change in &changes {
            executor.change(change)?;
        }
        let (after, removed) = (executor.account, executor.removed);
        let mut names = session.names.clone();
        statement.enter(&after, &mut names).map_err(|e| expand_error(&e))?;
        {
            let mut state: std::sync::MutexGuard<'_, State> = session.engine.state();
            // Statements of other sessions may have run meanwhile: then this one is run again on what they left.
            if !Arc::ptr_eq(&state.account, &account) {
                drop(state);
                return Self::run(session, statement);
            }
            register_keys(&mut state, statement)?;
            state.account = Arc::new(after);
            state.removed = Arc::new(removed);
        }
        session.names = names;
        Ok(Answer::status(StatementKind::Ddl, &done(statement)))
    }

    fn active(&self) -> Active<'_> {
        self.session.active(&self.account)
    }

    /// Checks and applies one change, and what follows from it.
    fn change(&mut self, change: &Change) -> Result<(), Failure> {
        grantable::check(&self.account, change)?;
        let change = self.authorise(change)?;
        let Some(change) = change else { return Ok(()) };
        self.remember(&change);
        self.account
            .apply(&change, Some(self.now))
            .map_err(|error| Failure::new("002003", "02000", format!("SQL compilation error:\n{error}")))?;
        match &change {
            Change::CreateObject { object, .. } => {
                self.own(object)?;
                self.materialise(object);
            }
            Change::CreateRole { role: p, .. } | Change::CreateUser { user: p, .. } => self.own(&p.as_object())?,
            _ => {}
        }
        Ok(())
    }

    /// The new object belongs to the primary role.
    fn own(&mut self, object: &ObjectRef) -> Result<(), Failure> {
        let to = self.session.role.clone();
        let change = Change::TransferOwnership { object: object.clone(), to, outbound: None };
        self.account.apply(&change, Some(self.now)).map_err(Failure::internal)
    }

    /// Templates become grants on a new object; a schema's templates of that type hide the database's.
    fn materialise(&mut self, object: &ObjectRef) {
        let Some(database) = object.database.clone() else { return };
        let of_type = |g: &grantd_catalog::account::ContainerGrant| {
            g.reach == Reach::Future && g.object_type == object.object_type
        };
        let on_schema = object.schema.clone().map(|s| Container::Schema(database.clone(), s));
        let at_schema: Vec<_> = self
            .account
            .container_grants()
            .filter(|g| of_type(g) && Some(&g.container) == on_schema.as_ref())
            .collect();
        let templates = if at_schema.is_empty() {
            let container = Container::Database(database);
            self.account.container_grants().filter(|g| of_type(g) && g.container == container).collect()
        } else {
            at_schema
        };
        let owner = self.account.owner(object).cloned();
        for template in templates {
            if template.privilege == Privilege::OWNERSHIP {
                let change = Change::TransferOwnership { object: object.clone(), to: template.grantee, outbound: None };
                // The grantee exists: a template goes with its grantee.
                let _ = self.account.apply(&change, Some(self.now));
                continue;
            }
            self.account.put_grant(Grant {
                privilege: template.privilege,
                object: object.clone(),
                grantee: template.grantee,
                granted_by: owner.clone(),
                grant_option: template.grant_option,
                created_on: Some(self.now),
            });
        }
    }

    /// The change as it may be made, with its grantor; `None` when it is allowed and does nothing.
    fn authorise(&self, change: &Change) -> Result<Option<Change>, Failure> {
        let active = self.active();
        match change {
            Change::GrantPrivilege { privilege, object, grantee, grant_option, .. } => {
                let granted_by = active.grantor(privilege, object).ok_or_else(|| denied(object))?;
                if grantee.kind == PrincipalKind::User && privilege.as_str().starts_with("CREATE ") {
                    return Err(not_supported(&format!("{privilege} cannot be granted to a user")));
                }
                Ok(Some(Change::GrantPrivilege {
                    privilege: privilege.clone(),
                    object: object.clone(),
                    grantee: grantee.clone(),
                    grant_option: *grant_option || self.holds_option(privilege, object, grantee, granted_by.as_ref()),
                    granted_by,
                }))
            }
            Change::RevokePrivilege { .. } => self.authorise_revoke(change),
            Change::TransferOwnership { object, to, outbound } => {
                // MANAGE GRANTS on a container moves no ownership.
                if !active.owns(object) && !active.manages_grants(&ObjectRef::account()) {
                    return Err(denied(object));
                }
                let has_grants = self.account.grants_on(object).next().is_some();
                let is_principal = Principal::from_object(object).is_some();
                if has_grants && outbound.is_none() && !is_principal {
                    return Err(Failure::new(
                        "003036",
                        "42501",
                        format!(
                            "SQL execution error: Dependent grant of privilege on {} {} exists. It must be revoked first, or use COPY CURRENT GRANTS or REVOKE CURRENT GRANTS.",
                            object.object_type.sql(),
                            object.shown()
                        ),
                    ));
                }
                let outbound = outbound.filter(|o| *o == OutboundGrants::Copy || has_grants);
                Ok(Some(Change::TransferOwnership { object: object.clone(), to: to.clone(), outbound }))
            }
            Change::GrantRole { role, to, grant_option, .. } => {
                let granted_by = active.role_grantor(role).ok_or_else(|| denied(&role.as_object()))?;
                if closure(&self.account, [role.clone()]).contains(to) && *to != Principal::public() {
                    return Err(Failure::new(
                        "003041",
                        "42710",
                        format!(
                            "SQL execution error: Role {} cannot be granted to {}: it would make a circle.",
                            role.shown(),
                            to.shown()
                        ),
                    ));
                }
                // Everyone has PUBLIC already.
                if *role == Principal::public() {
                    return Ok(None);
                }
                Ok(Some(Change::GrantRole {
                    role: role.clone(),
                    to: to.clone(),
                    grant_option: *grant_option,
                    granted_by,
                }))
            }
            Change::RevokeRole { role, from, .. } => {
                active.role_grantor(role).ok_or_else(|| denied(&role.as_object()))?;
                let held = self.account.memberships().any(|m| m.role == *role && m.member == *from && !m.builtin);
                Ok(held.then(|| change.clone()))
            }
            Change::GrantFuture { container, .. }
            | Change::GrantInherited { container, .. }
            | Change::RevokeFuture { container, .. }
            | Change::RevokeInherited { container, .. } => self.authorise_container(&active, change, container),
            Change::CreateObject { object, .. } => self.may_create(&active, object).map(|()| Some(change.clone())),
            Change::CreateUser { user: p, .. } | Change::CreateRole { role: p, .. } => {
                self.may_create(&active, &p.as_object()).map(|()| Some(change.clone()))
            }
            Change::AlterPrincipal { principal, .. } => self.may_alter(&active, &principal.as_object(), change),
            Change::AlterObject { object, .. } => self.may_alter(&active, object, change),
            Change::DropPrincipal { principal } => {
                if !active.owns(&principal.as_object()) {
                    return Err(denied(&principal.as_object()));
                }
                Ok(Some(change.clone()))
            }
            Change::DropObject { object } => {
                if !active.owns_with_containers(object) {
                    return Err(denied(object));
                }
                Ok(Some(change.clone()))
            }
        }
    }

    fn may_alter(&self, active: &Active<'_>, object: &ObjectRef, change: &Change) -> Result<Option<Change>, Failure> {
        if active.owns(object) || active.has(&active.all, "MODIFY", object) {
            Ok(Some(change.clone()))
        } else {
            Err(denied(object))
        }
    }

    fn authorise_container(
        &self,
        active: &Active<'_>,
        change: &Change,
        container: &Container,
    ) -> Result<Option<Change>, Failure> {
        let object = match container {
            Container::Account => ObjectRef::account(),
            Container::Database(d) => ObjectRef::database(d.clone()),
            Container::Schema(d, s) => ObjectRef::in_database(ObjectType::SCHEMA, d.clone(), s.clone()),
        };
        let managed = self.account.object(&object).is_some_and(|(_, i)| i.properties.is_true(Property::ManagedAccess));
        let allowed = active.manages_grants(&object) || (managed && active.owns(&object));
        if !allowed {
            return Err(denied(&object));
        }
        // A revoke of what is not granted succeeds and does nothing.
        let mut probe = self.account.clone();
        let revoke = matches!(change, Change::RevokeFuture { .. } | Change::RevokeInherited { .. });
        if revoke && probe.apply(change, None).is_err() {
            return Ok(None);
        }
        Ok(Some(change.clone()))
    }

    fn holds_option(
        &self,
        privilege: &Privilege,
        object: &ObjectRef,
        grantee: &Principal,
        granted_by: Option<&Principal>,
    ) -> bool {
        self.account.grants_on(object).any(|g| {
            g.privilege == *privilege && g.grantee == *grantee && g.granted_by.as_ref() == granted_by && g.grant_option
        })
    }

    /// A revoke takes the rows whose grantor is active, all of them with MANAGE GRANTS, never the system's; it succeeds
    /// when there are none. Dependent grants need CASCADE.
    fn authorise_revoke(&self, change: &Change) -> Result<Option<Change>, Failure> {
        let Change::RevokePrivilege { privilege, object, grantee, grant_option_only, cascade, .. } = change else {
            return Ok(Some(change.clone()));
        };
        let active = self.active();
        let manages = active.manages_grants(object);
        if active.grantor(privilege, object).is_none() && !manages {
            return Err(denied(object));
        }
        let rows: Vec<Grant> =
            self.account.grants_on(object).filter(|g| g.privilege == *privilege && g.grantee == *grantee).collect();
        let mine = |g: &Grant| {
            let by = g.granted_by.as_ref();
            by.is_some_and(|by| manages || active.all.contains(by)) && (!grant_option_only || g.grant_option)
        };
        let taken: Vec<&Grant> = rows.iter().filter(|g| mine(g)).collect();
        let Some(first) = taken.first() else { return Ok(None) };
        let all = taken.len() == rows.len();
        let option_remains = rows.iter().any(|g| g.grant_option && !mine(g));
        let dependents =
            self.account.grants_on(object).any(|g| g.privilege == *privilege && g.granted_by.as_ref() == Some(grantee));
        if dependents && !cascade && !option_remains {
            return Err(Failure::new(
                "003036",
                "42501",
                format!(
                    "SQL execution error: Dependent grant of privilege '{privilege}' on {} {} exists. It must be revoked first; use CASCADE to revoke it too.",
                    object.object_type.sql(),
                    object.shown()
                ),
            ));
        }
        Ok(Some(Change::RevokePrivilege {
            privilege: privilege.clone(),
            object: object.clone(),
            grantee: grantee.clone(),
            grant_option_only: *grant_option_only,
            cascade: *cascade,
            granted_by: if all { None } else { first.granted_by.clone() },
        }))
    }

    /// CREATE looks at the primary role alone.
    fn may_create(&self, active: &Active<'_>, object: &ObjectRef) -> Result<(), Failure> {
        let wanted = format!("CREATE {}", object.object_type.sql());
        let container = match (&object.database, schema_of(object)) {
            (_, Some(schema)) => schema,
            (Some(application), None) if object.object_type.as_str() == "APPLICATION_ROLE" => {
                ObjectRef::top(ObjectType::new("APPLICATION"), application.clone())
            }
            (Some(database), None) => ObjectRef::database(database.clone()),
            (None, _) => ObjectRef::account(),
        };
        let container = self.account.object(&container).map_or(container, |(o, _)| o.clone());
        let owns = self.account.owner(&container).is_some_and(|o| active.primary.contains(o));
        let admin = object.database.is_none() && active.primary.iter().any(|p| *p == account_admin());
        if owns || admin || active.has(&active.primary, &wanted, &container) {
            return Ok(());
        }
        Err(denied(&container))
    }

    /// Keeps what a change removes.
    fn remember(&mut self, change: &Change) {
        let now = self.now;
        match change {
            Change::RevokePrivilege { privilege, object, grantee, grant_option_only: false, granted_by, .. } => {
                let rows = self.account.grants_on(object).filter(|g| {
                    g.privilege == *privilege
                        && g.grantee == *grantee
                        && (granted_by.is_none() || g.granted_by == *granted_by)
                });
                let rows: Vec<Grant> = rows.collect();
                self.removed.grants.extend(rows.into_iter().map(|g| (g, now)));
            }
            Change::RevokeRole { role, from, .. } => {
                let rows: Vec<_> =
                    self.account.memberships().filter(|m| m.role == *role && m.member == *from).collect();
                self.removed.memberships.extend(rows.into_iter().map(|m| (m, now)));
            }
            Change::TransferOwnership { object, .. } => {
                let row = self.account.ownerships().find(|o| o.object == *object);
                self.removed.ownerships.extend(row.map(|o| (o, now)));
            }
            Change::DropPrincipal { principal } => self.remember_principal(principal),
            Change::DropObject { object } => {
                let inside = |o: &ObjectRef| {
                    o == object
                        || (object.object_type == ObjectType::DATABASE && o.database.as_ref() == Some(&object.name))
                        || (object.object_type == ObjectType::SCHEMA
                            && o.database == object.database
                            && o.schema.as_ref() == Some(&object.name))
                };
                let gone: Vec<_> = self
                    .account
                    .objects()
                    .filter(|(o, _)| inside(o))
                    .map(|(o, i)| (o.clone(), i.clone(), now))
                    .collect();
                self.removed.objects.extend(gone);
            }
            _ => {}
        }
    }

    /// A dropped role's or user's rows; what it owned goes to the role that drops it.
    fn remember_principal(&mut self, principal: &Principal) {
        let now = self.now;
        if let Some(info) = self.account.principal(principal) {
            self.removed.principals.push((principal.clone(), info.clone(), now));
        }
        let grants: Vec<Grant> = self.account.grants().filter(|g| g.grantee == *principal).collect();
        self.removed.grants.extend(grants.into_iter().map(|g| (g, now)));
        let rows: Vec<_> =
            self.account.memberships().filter(|m| m.role == *principal || m.member == *principal).collect();
        self.removed.memberships.extend(rows.into_iter().map(|m| (m, now)));
        let owned: Vec<_> = self.account.ownerships().filter(|o| o.owner == *principal).collect();
        for row in owned {
            let change = Change::TransferOwnership {
                object: row.object.clone(),
                to: self.session.role.clone(),
                outbound: Some(OutboundGrants::Copy),
            };
            self.removed.ownerships.push((row, now));
            // Object and role exist: both were just read from the account.
            let _ = self.account.apply(&change, Some(now));
        }
    }
}

fn account_admin() -> Principal {
    let mut role = Principal::public();
    if let Ok(name) = grantd_catalog::model::Ident::new("ACCOUNTADMIN") {
        role.name = name;
    }
    role
}

fn denied(object: &ObjectRef) -> Failure {
    Failure::new(
        "003001",
        "42501",
        format!(
            "SQL access control error:\nInsufficient privileges to operate on {} '{}'.",
            object.object_type.sql().to_ascii_lowercase(),
            object.shown()
        ),
    )
}

fn not_supported(text: &str) -> Failure {
    Failure::new("000002", "0A000", format!("SQL compilation error:\n{text}"))
}

/// The status line of a statement that worked.
fn done(statement: &Statement) -> String {
    let title = |t: &ObjectType| {
        let lower = t.sql().to_ascii_lowercase();
        let mut chars = lower.chars();
        chars.next().map(|c| c.to_ascii_uppercase().to_string() + chars.as_str()).unwrap_or_default()
    };
    match &statement.kind {
        Kind::Create(create) => {
            format!("{} {} successfully created.", title(&create.object.object_type), create.object.name.shown())
        }
        Kind::Drop { object, .. } => format!("{} successfully dropped.", object.name.shown()),
        _ => "Statement executed successfully.".to_owned(),
    }
}

/// `RSA_PUBLIC_KEY` of CREATE USER and ALTER USER: kept beside the account, which holds no credentials.
fn register_keys(state: &mut State, statement: &Statement) -> Result<(), Failure> {
    let (object, settings): (_, &[Setting]) = match &statement.kind {
        Kind::Create(create) => (&create.object, &create.settings),
        Kind::Alter { object, action: AlterAction::Set(settings), .. } => (object, settings),
        _ => return Ok(()),
    };
    if object.object_type != ObjectType::USER {
        return Ok(());
    }
    let Some(name) = object.name.parts.last() else { return Ok(()) };
    let user = Principal::user(name.clone());
    for setting in settings.iter().filter(|s| matches!(s.name.as_str(), "RSA_PUBLIC_KEY" | "RSA_PUBLIC_KEY_2")) {
        let Value::Text(text) = &setting.value else { continue };
        let body: String = text.lines().filter(|l| !l.starts_with("-----")).collect::<String>();
        let body: String = body.chars().filter(|c| !c.is_whitespace()).collect();
        let der = base64::engine::general_purpose::STANDARD.decode(body).map_err(|_| {
            Failure::new(
                "002005",
                "22023",
                "SQL execution error: New public key rejected by current policy. Reason: 'Invalid public key'.",
            )
        })?;
        let keys = state.keys.entry(user.clone()).or_default();
        if setting.name == "RSA_PUBLIC_KEY" {
            keys.clear();
        }
        keys.push(der);
    }
    Ok(())
}
