//! CREATE: who may, who owns what is new, what comes with it, which future grants become grants on it.

use super::{Plan, Planned, Planner, Step};
use crate::sandbox::engine::refusals::{denied, dependent, expand_error, forbidden, missing_object};
use crate::sandbox::engine::roles::{account_admin, is_system_role, schema_of};
use crate::sandbox::protocol::engine::Failure;
use base64::Engine as _;
use grantd_catalog::account::{ContainerGrant, Reach};
use grantd_catalog::model::{
    Change, Container, Ident, ObjectRef, ObjectType, OutboundGrants, Principal, Privilege, Properties, Property,
};
use grantd_catalog::sql::ast::{Create, Setting, Value};
use grantd_catalog::sql::{Scope, Statement};

impl Planner<'_> {
    pub(super) fn create(&self, statement: &Statement, create: &Create) -> Planned<Plan> {
        let scope = Scope { account: self.account, names: self.names };
        let full = scope.full(&create.object).map_err(|e| expand_error(&e))?;
        self.need_containers(&full)?;
        let changes = self.expand(statement)?;
        self.may_create(create, &full)?;
        if changes.is_empty() && create.if_not_exists {
            return Ok(Plan {
                steps: Vec::new(),
                message: format!("{} already exists, statement succeeded.", create.object.name.shown()),
            });
        }
        let mut steps = Vec::new();
        if create.or_replace && create.copy_grants && self.account.object(&full).is_some() {
            self.replace_with_grants(&full, changes, &mut steps)?;
        } else {
            for change in changes {
                self.created(create, change, &mut steps)?;
            }
        }
        if full.object_type == ObjectType::STAGE && create.settings.iter().any(|s| s.name == "URL") {
            steps.push(Step::External(full.clone()));
        }
        if full.object_type == ObjectType::USER {
            self.secrets(&Principal::user(full.name.clone()), &create.settings, &mut steps)?;
        }
        let message =
            format!("{} {} successfully created.", title(&create.object.object_type), create.object.name.shown());
        Ok(Plan { steps, message })
    }

    /// A name in a container that the session may not know of, or that is not there, does not resolve.
    pub(super) fn need_containers(&self, object: &ObjectRef) -> Planned<()> {
        let database = object.database.clone().map(ObjectRef::database);
        if let Some(database) = database.filter(|d| self.account.object(d).is_some()) {
            self.need_seen(&database)?;
        }
        match schema_of(object) {
            Some(schema) if self.account.object(&schema).is_none() => Err(missing_object(&schema)),
            Some(schema) => self.need_seen(&schema),
            None => Ok(()),
        }
    }

    /// CREATE looks at the primary role alone.
    fn may_create(&self, create: &Create, object: &ObjectRef) -> Planned<()> {
        let temporary = create.modifiers.iter().any(|m| matches!(m.as_str(), "TEMP" | "TEMPORARY" | "VOLATILE"));
        if temporary && object.object_type == ObjectType::TABLE {
            return Ok(());
        }
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
        let primary = &self.active.primary;
        let owns = self.account.owner(&container).is_some_and(|o| primary.contains(o));
        let admin = object.database.is_none() && primary.contains(&account_admin());
        let has = |privilege: &str| self.active.has(primary, privilege, &container);
        let allowed = owns || admin || has(&wanted);
        if allowed && (!create.from_share || admin || has("IMPORT SHARE")) {
            return Ok(());
        }
        Err(denied(&container))
    }

    /// What one change of a CREATE leads to.
    fn created(&self, create: &Create, change: Change, steps: &mut Vec<Step>) -> Planned<()> {
        let (object, imported) = match &change {
            Change::DropObject { object } => return self.replaced(object, change.clone(), steps),
            Change::DropPrincipal { principal } => {
                return self.replaced(&principal.as_object(), change.clone(), steps);
            }
            // The schema PUBLIC of a database: it comes with the database, and here it was dropped.
            Change::CreateObject { object, .. } if object.object_type != create.object.object_type => {
                return Err(missing_object(object));
            }
            Change::CreateObject { object, properties } => {
                (object.clone(), properties.get(Property::Kind) == Some("IMPORTED DATABASE"))
            }
            Change::CreateRole { role: p, .. } | Change::CreateUser { user: p, .. } => (p.as_object(), false),
            other => return Err(Failure::internal(format!("a CREATE became {}", other.kind()))),
        };
        steps.push(Step::Change(change));
        let external = create.settings.iter().any(|s| s.name == "URL");
        let owner = self.own_and_materialise(&object, external, steps);
        match object.object_type.as_str() {
            "DATABASE" => self.schemas_of(&object, &owner, imported, steps)?,
            "DATABASE_ROLE" => steps.extend(own_database(&object)),
            _ => {}
        }
        Ok(())
    }

    /// What OR REPLACE removes must be the primary role's own, or lie in a container that is.
    fn replaced(&self, object: &ObjectRef, change: Change, steps: &mut Vec<Step>) -> Planned<()> {
        let database = object.database.clone().map(ObjectRef::database);
        let owned = |o: &ObjectRef| self.account.owner(o).is_some_and(|owner| self.active.primary.contains(owner));
        if !owned(object) && ![schema_of(object), database].iter().flatten().any(owned) {
            return Err(denied(object));
        }
        match change {
            Change::DropPrincipal { principal } => self.drop_principal(&principal, steps),
            change => {
                steps.push(Step::Change(change));
                Ok(())
            }
        }
    }

    /// OR REPLACE with COPY GRANTS: a new object with every privilege of the old one but OWNERSHIP, and without the
    /// future grants.
    fn replace_with_grants(&self, full: &ObjectRef, changes: Vec<Change>, steps: &mut Vec<Step>) -> Planned<()> {
        let object = self.account.object(full).map_or_else(|| full.clone(), |(found, _)| found.clone());
        self.replaced(&object, Change::DropObject { object: object.clone() }, steps)?;
        let mut properties = Properties::default();
        for change in changes {
            if let Change::AlterObject { property, value, .. } = change {
                properties.set(property, value);
            }
        }
        steps.push(Step::Change(Change::CreateObject { object: object.clone(), properties }));
        steps.push(owned(&object, self.role));
        steps.extend(
            self.account
                .grants_on(&object)
                .map(|g| granted(g.privilege, &object, g.grantee, g.grant_option, g.granted_by)),
        );
        Ok(())
    }

    /// The new object belongs to the primary role, or to whom a future grant gives it; templates become
    /// grants on it. A schema's templates of that type hide the database's.
    fn own_and_materialise(&self, object: &ObjectRef, external: bool, steps: &mut Vec<Step>) -> Principal {
        let of_type = match object.object_type.as_str() {
            "HYBRID_TABLE" => ObjectType::TABLE,
            _ => object.object_type.clone(),
        };
        let of = |container: Container| -> Vec<ContainerGrant> {
            self.account.container_grants_of(Reach::Future, &container, &of_type).collect()
        };
        let at_schema = match (&object.database, &object.schema) {
            (Some(d), Some(s)) => of(Container::Schema(d.clone(), s.clone())),
            _ => Vec::new(),
        };
        let from_schema = !at_schema.is_empty();
        let templates = match &object.database {
            Some(database) if !from_schema => of(Container::Database(database.clone())),
            _ => at_schema,
        };
        let managed = self.managed_schema(object);
        // A database's future OWNERSHIP does not reach into a managed access schema.
        let own = |t: &&ContainerGrant| t.privilege == Privilege::OWNERSHIP && (from_schema || managed.is_none());
        let owner = templates.iter().find(own).map_or_else(|| self.role.clone(), |t| t.grantee.clone());
        steps.push(owned(object, &owner));
        let granted_by = managed.as_ref().and_then(|schema| self.account.owner(schema)).unwrap_or(&owner);
        for template in templates.into_iter().filter(|t| t.privilege != Privilege::OWNERSHIP) {
            // READ and WRITE are for internal stages, USAGE for external ones.
            let stage = object.object_type == ObjectType::STAGE;
            let other_stage = match template.privilege.as_str() {
                "READ" | "WRITE" => external,
                "USAGE" => !external,
                _ => false,
            };
            if !(stage && other_stage) {
                let ContainerGrant { privilege, grantee, grant_option, .. } = template;
                steps.push(granted(privilege, object, grantee, grant_option, Some(granted_by.clone())));
            }
        }
        owner
    }

    /// The schemas that come with a database: `INFORMATION_SCHEMA`, which nobody owns, and `PUBLIC`.
    fn schemas_of(
        &self,
        database: &ObjectRef,
        owner: &Principal,
        imported: bool,
        steps: &mut Vec<Step>,
    ) -> Planned<()> {
        let schema = |name: &str| {
            let name = Ident::unquoted(name).map_err(Failure::internal)?;
            Ok::<_, Failure>(ObjectRef::in_database(ObjectType::SCHEMA, database.name.clone(), name))
        };
        let create = |object: &ObjectRef| {
            let properties = Properties::default().with(Property::ManagedAccess, "false");
            Step::Change(Change::CreateObject { object: object.clone(), properties })
        };
        steps.push(create(&schema("INFORMATION_SCHEMA")?));
        if !imported {
            let public = schema("PUBLIC")?;
            steps.extend([create(&public), owned(&public, owner)]);
        }
        Ok(())
    }

    /// A role or user goes; what it owns goes to the role that drops it.
    pub(super) fn drop_principal(&self, principal: &Principal, steps: &mut Vec<Step>) -> Planned<()> {
        if is_system_role(principal) {
            return Err(forbidden(format!("Cannot drop the system role {}.", principal.shown())));
        }
        if principal == self.role {
            return Err(dependent(format!("Role {} is the current role and cannot be dropped.", principal.shown())));
        }
        for row in self.account.owned_by(principal) {
            let (object, to) = (row.object, self.role.clone());
            let outbound = Some(OutboundGrants::Copy);
            steps.push(Step::Change(Change::TransferOwnership { object, to, outbound }));
        }
        steps.push(Step::Change(Change::DropPrincipal { principal: principal.clone() }));
        Ok(())
    }

    /// Keys and passwords of CREATE USER and ALTER USER ... SET. Keys are kept beside the account, which holds no
    /// credentials but that there are some.
    pub(super) fn secrets(&self, user: &Principal, settings: &[Setting], steps: &mut Vec<Step>) -> Planned<()> {
        for setting in settings {
            match setting.name.as_str() {
                "PASSWORD" => steps.push(flag(user, Property::HasPassword, true)),
                "RSA_PUBLIC_KEY" | "RSA_PUBLIC_KEY_2" => {
                    let Value::Text(text) = &setting.value else { return Err(bad_key()) };
                    let slot = usize::from(setting.name.ends_with("_2"));
                    steps.push(Step::Key { user: user.clone(), slot, key: Some(public_key(text)?) });
                    steps.push(flag(user, Property::HasRsaPublicKey, true));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// A user has, or has no longer, a credential of a kind.
pub(super) fn flag(user: &Principal, property: Property, on: bool) -> Step {
    let value = on.then(|| "true".to_owned());
    Step::Change(Change::AlterPrincipal { principal: user.clone(), property, value })
}

fn owned(object: &ObjectRef, owner: &Principal) -> Step {
    Step::Change(Change::TransferOwnership { object: object.clone(), to: owner.clone(), outbound: None })
}

fn granted(
    privilege: Privilege,
    object: &ObjectRef,
    grantee: Principal,
    grant_option: bool,
    granted_by: Option<Principal>,
) -> Step {
    Step::Change(Change::GrantPrivilege { privilege, object: object.clone(), grantee, grant_option, granted_by })
}

/// A database role has USAGE on its database, granted by nobody and so never revoked.
fn own_database(role: &ObjectRef) -> Option<Step> {
    let database = ObjectRef::database(role.database.clone()?);
    Some(granted(Privilege::USAGE, &database, Principal::from_object(role)?, false, None))
}

/// The body of a PEM, or the base64 text alone.
fn public_key(text: &str) -> Planned<Vec<u8>> {
    let body: String = text.lines().filter(|l| !l.starts_with("-----")).collect();
    let body: String = body.chars().filter(|c| !c.is_whitespace()).collect();
    let der = base64::engine::general_purpose::STANDARD.decode(body).map_err(|_| bad_key())?;
    if der.is_empty() { Err(bad_key()) } else { Ok(der) }
}

fn bad_key() -> Failure {
    let text = "SQL execution error: New public key rejected by current policy. Reason: 'Invalid public key'.";
    Failure::new("002005", "22023", text)
}

/// The type as status lines spell it: `External table`.
fn title(object_type: &ObjectType) -> String {
    let lower = object_type.sql().to_ascii_lowercase();
    let mut chars = lower.chars();
    chars.next().map(|c| c.to_ascii_uppercase()).into_iter().chain(chars).collect()
}
