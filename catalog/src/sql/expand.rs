//! From statements to changes, for one account.

mod alter;
mod create;

pub(super) use alter::has_property;

use super::ast::{Create, Form, Grantee, Kind, Named, Privileges, Statement, Target, Use, Verb};
use super::error::{ExpandError, Position, Problem, SqlError};
use super::parse_script;
use super::resolve::{Names, Scope, error};
use super::words::all_privileges;
use crate::account::{Account, ApplyError};
use crate::model::{Change, Container, Ident, ObjectRef, ObjectType, Principal, Privilege, Properties, Property};
use std::collections::BTreeSet;

type Expanded = Result<Vec<Change>, ExpandError>;

/// The changes that a script makes to an account, statement after statement.
///
/// Names that are not full are completed by the script's own `USE` (and by `CREATE DATABASE` and `CREATE SCHEMA`,
/// which make what they create current). A REVOKE of what is not granted stays in the list: the platform accepts it.
/// What the model does not hold (columns, bodies, sizes of warehouses' clusters) is not in the changes.
pub fn parse_changes(sql: &str, account: &Account) -> Result<Vec<Change>, SqlError> {
    let mut so_far = account.clone();
    let mut names = Names::default();
    let mut changes = Vec::new();
    for statement in parse_script(sql)? {
        for change in statement.expand(&so_far, &names)? {
            match so_far.apply(&change, None) {
                Ok(()) | Err(ApplyError::NotGranted(_)) => changes.push(change),
                Err(error) => return Err(SqlError::Apply { at: statement.at, error }),
            }
        }
        statement.enter(&so_far, &mut names)?;
    }
    Ok(changes)
}

/// The change as SQL can say it: no grantor, no evidence, one spelling where SQL has several.
///
/// `parse(render(change))` gives exactly this. Beyond [`Change::without_grantor`]: properties that are evidence go
/// (`HAS_PASSWORD`), a created database has a `KIND` (`STANDARD`), a created schema has `MANAGED_ACCESS`, USAGE on
/// a role is its membership, and OWNERSHIP that is granted is transferred.
pub fn canonical(change: &Change) -> Change {
    match change.clone().without_grantor() {
        Change::CreateUser { user, properties } => Change::CreateUser { user, properties: properties.state() },
        Change::CreateRole { role, properties } => Change::CreateRole { role, properties: properties.state() },
        Change::CreateObject { object, properties } => {
            let mut properties = properties.state();
            if object.object_type == ObjectType::DATABASE && properties.get(Property::Kind).is_none() {
                properties.set(Property::Kind, Some("STANDARD".to_owned()));
            }
            if object.object_type == ObjectType::SCHEMA && !properties.is_true(Property::ManagedAccess) {
                properties.set(Property::ManagedAccess, Some("false".to_owned()));
            }
            Change::CreateObject { object, properties }
        }
        Change::AlterObject { object, property: Property::ManagedAccess, value } => Change::AlterObject {
            object,
            property: Property::ManagedAccess,
            value: Some(if value.as_deref() == Some("true") { "true" } else { "false" }.to_owned()),
        },
        Change::GrantPrivilege { privilege, object, grantee, grant_option, granted_by } => {
            match Principal::from_object(&object).filter(|p| p.kind.is_role()) {
                Some(role) if privilege == Privilege::USAGE => {
                    Change::GrantRole { role, to: grantee, grant_option, granted_by }
                }
                _ if privilege == Privilege::OWNERSHIP => {
                    Change::TransferOwnership { object, to: grantee, outbound: None }
                }
                _ => Change::GrantPrivilege { privilege, object, grantee, grant_option, granted_by },
            }
        }
        Change::RevokePrivilege { privilege, object, grantee, grant_option_only, cascade, granted_by } => {
            match Principal::from_object(&object).filter(|p| p.kind.is_role()) {
                Some(role) if privilege == Privilege::USAGE && !grant_option_only => {
                    Change::RevokeRole { role, from: grantee, granted_by }
                }
                _ => Change::RevokePrivilege { privilege, object, grantee, grant_option_only, cascade, granted_by },
            }
        }
        other => other,
    }
}

impl Statement {
    /// The changes that this statement makes to an account. Bulk forms are spread over the objects that exist, `ALL`
    /// over the privileges that the type offers.
    pub fn expand(&self, account: &Account, session: &Names) -> Expanded {
        let scope = Scope { account, names: session };
        let at = self.at;
        match &self.kind {
            Kind::GrantPrivileges { privileges, target, to, grant_option, form } => {
                grant(scope, at, privileges, target, to, *grant_option, *form)
            }
            Kind::RevokePrivileges { privileges, target, from, grant_option_for, cascade, form } => {
                revoke(scope, at, privileges, target, from, (*grant_option_for, *cascade), *form)
            }
            Kind::GrantOwnership { target, to, outbound } => {
                let to = scope.grantee(to)?;
                let transfer = |object| Change::TransferOwnership { object, to: to.clone(), outbound: *outbound };
                match target {
                    Target::Account => Err(error(at, Problem::NotAllowed("the account has no owner".to_owned()))),
                    Target::Object(named) => {
                        let (object, mut changes) = object_or_public(scope, named)?;
                        changes.push(transfer(object));
                        Ok(changes)
                    }
                    Target::All(object_type, within) => {
                        let container = scope.container(within)?;
                        Ok(bulk(account, object_type, &container).into_iter().map(transfer).collect())
                    }
                    Target::Future(object_type, within) => Ok(vec![Change::GrantFuture {
                        privilege: Privilege::OWNERSHIP,
                        object_type: object_type.clone(),
                        container: scope.container(within)?,
                        grantee: to,
                        grant_option: false,
                    }]),
                }
            }
            Kind::GrantRole { role, to, grant_option } => Ok(vec![Change::GrantRole {
                role: scope.role(role)?,
                to: scope.grantee(to)?,
                grant_option: *grant_option,
                granted_by: None,
            }]),
            Kind::RevokeRole { role, from } => {
                Ok(vec![Change::RevokeRole { role: scope.role(role)?, from: scope.grantee(from)?, granted_by: None }])
            }
            Kind::Create(create) => create::create(scope, create),
            Kind::Alter { object, if_exists, action } => alter::alter(scope, at, object, *if_exists, action),
            Kind::Drop { object, if_exists } => drop(scope, object, *if_exists),
            Kind::Undrop(_) => {
                Err(not_a_change(at, "UNDROP brings back what is not known here; nothing can say its grants"))
            }
            Kind::Use(_) | Kind::Other(Verb::Session) => Ok(Vec::new()),
            Kind::Other(_) => Err(not_a_change(
                at,
                "this statement changes no access control; changes are GRANT, REVOKE, CREATE, ALTER and DROP",
            )),
        }
    }

    /// Moves the current database and schema as this statement does when it has been run.
    pub fn enter(&self, account: &Account, names: &mut Names) -> Result<(), ExpandError> {
        let scope = Scope { account, names };
        let (database, schema) = match &self.kind {
            Kind::Use(Use::Database(name)) => (container_of(scope, ObjectType::DATABASE, name)?, None),
            Kind::Use(Use::Schema(name)) => {
                let container = container_of(scope, ObjectType::SCHEMA, name)?;
                let schema = container.schema().cloned();
                (container, schema)
            }
            Kind::Create(Create { object, .. }) if object.object_type == ObjectType::DATABASE => {
                (Container::Database(scope.full(object)?.name), Ident::unquoted("PUBLIC").ok())
            }
            Kind::Create(Create { object, .. }) if object.object_type == ObjectType::SCHEMA => {
                let full = scope.full(object)?;
                let Some(database) = full.database else { return Ok(()) };
                (Container::Schema(database, full.name.clone()), Some(full.name))
            }
            _ => return Ok(()),
        };
        names.database = database.database().cloned();
        names.schema = schema;
        Ok(())
    }
}

fn container_of(scope: Scope<'_>, object_type: ObjectType, name: &super::ast::Name) -> Result<Container, ExpandError> {
    let found = scope.object(&Named { object_type, name: name.clone(), signature: None })?;
    Ok(match found.database {
        Some(database) => Container::Schema(database, found.name),
        None => Container::Database(found.name),
    })
}

fn not_a_change(at: Position, text: &str) -> ExpandError {
    error(at, Problem::NotAChange(text.to_owned()))
}

/// The object, and where it is the schema PUBLIC of a database that exists the change that makes it known: CREATE
/// DATABASE creates it on the platform.
fn object_or_public(scope: Scope<'_>, named: &Named) -> Result<(ObjectRef, Vec<Change>), ExpandError> {
    let error = match scope.object(named) {
        Ok(object) => return Ok((object, Vec::new())),
        Err(error) => error,
    };
    let full = scope.full(named)?;
    match public_schema(scope.account, &full) {
        Some(change) => Ok((full, vec![change])),
        None => Err(error),
    }
}

fn public_schema(account: &Account, full: &ObjectRef) -> Option<Change> {
    let database = full.database.clone()?;
    let known = account.object(&ObjectRef::database(database)).is_some();
    let public = full.object_type == ObjectType::SCHEMA && full.name.as_str() == "PUBLIC";
    let properties = Properties::default().with(Property::ManagedAccess, "false");
    (known && public).then(|| Change::CreateObject { object: full.clone(), properties })
}

/// The objects of exactly this type in a container, in order.
fn bulk(account: &Account, object_type: &ObjectType, container: &Container) -> Vec<ObjectRef> {
    let hybrid = *object_type == ObjectType::TABLE;
    let wanted = |o: &ObjectRef| {
        (o.object_type == *object_type || (hybrid && o.object_type.as_str() == "HYBRID_TABLE"))
            && !(o.object_type == ObjectType::SCHEMA && o.name.as_str() == "INFORMATION_SCHEMA")
    };
    let found: BTreeSet<&ObjectRef> =
        account.objects_in(container).filter(|(o, info)| info.listed && wanted(o)).map(|(o, _)| o).collect();
    found.into_iter().cloned().collect()
}

fn spread(privileges: &Privileges, object_type: &ObjectType) -> Vec<Privilege> {
    match privileges {
        Privileges::All => all_privileges(object_type),
        Privileges::List(list) => {
            let mut seen = BTreeSet::new();
            list.iter().filter(|p| seen.insert(*p)).cloned().collect()
        }
    }
}

fn caller_error(at: Position) -> ExpandError {
    not_a_change(at, "caller grants cap what executables may do and give no access; changes do not hold them")
}

fn grant(
    scope: Scope<'_>,
    at: Position,
    privileges: &Privileges,
    target: &Target,
    to: &Grantee,
    grant_option: bool,
    form: Form,
) -> Expanded {
    if form.caller {
        return Err(caller_error(at));
    }
    let grantee = scope.grantee(to)?;
    let one = |privilege, object: &ObjectRef| {
        canonical(&Change::GrantPrivilege {
            privilege,
            object: object.clone(),
            grantee: grantee.clone(),
            grant_option,
            granted_by: None,
        })
    };
    match target {
        Target::Account => {
            let account = ObjectRef::account();
            Ok(spread(privileges, &ObjectType::ACCOUNT).into_iter().map(|p| one(p, &account)).collect())
        }
        Target::Object(named) => {
            let (object, mut changes) = object_or_public(scope, named)?;
            changes.extend(spread(privileges, &object.object_type).into_iter().map(|p| one(p, &object)));
            Ok(changes)
        }
        Target::All(object_type, within) => {
            let container = scope.container(within)?;
            if form.inherited {
                let inherited = |privilege| Change::GrantInherited {
                    privilege,
                    object_type: object_type.clone(),
                    container: container.clone(),
                    grantee: grantee.clone(),
                };
                return Ok(spread(privileges, object_type).into_iter().map(inherited).collect());
            }
            let objects = bulk(scope.account, object_type, &container);
            let each =
                |o: &ObjectRef| spread(privileges, &o.object_type).into_iter().map(|p| one(p, o)).collect::<Vec<_>>();
            Ok(objects.iter().flat_map(each).collect())
        }
        Target::Future(object_type, within) => {
            let container = scope.container(within)?;
            let future = |privilege| Change::GrantFuture {
                privilege,
                object_type: object_type.clone(),
                container: container.clone(),
                grantee: grantee.clone(),
                grant_option,
            };
            Ok(spread(privileges, object_type).into_iter().map(future).collect())
        }
    }
}

fn revoke(
    scope: Scope<'_>,
    at: Position,
    privileges: &Privileges,
    target: &Target,
    from: &Grantee,
    (grant_option_only, cascade): (bool, bool),
    form: Form,
) -> Expanded {
    if form.caller {
        return Err(caller_error(at));
    }
    let grantee = scope.grantee(from)?;
    let one = |privilege, object: &ObjectRef| {
        canonical(&Change::RevokePrivilege {
            privilege,
            object: object.clone(),
            grantee: grantee.clone(),
            grant_option_only,
            cascade,
            granted_by: None,
        })
    };
    let ownership = *privileges == Privileges::List(vec![Privilege::OWNERSHIP]);
    if ownership && !matches!(target, Target::Future(..)) {
        let text = "OWNERSHIP cannot be revoked, only transferred (GRANT OWNERSHIP ON ... TO ROLE ...)";
        return Err(error(at, Problem::NotAllowed(text.to_owned())));
    }
    let held = |object: &ObjectRef| -> Vec<Privilege> {
        let rows = scope.account.grants_on(object).filter(|g| g.grantee == grantee);
        let held: BTreeSet<Privilege> = rows.map(|g| g.privilege).collect();
        match privileges {
            Privileges::All => held.into_iter().collect(),
            Privileges::List(list) => list.iter().filter(|p| held.contains(p)).cloned().collect(),
        }
    };
    match target {
        Target::Account | Target::Object(_) => {
            let (object, mut changes) = match target {
                Target::Object(named) => object_or_public(scope, named)?,
                _ => (ObjectRef::account(), Vec::new()),
            };
            let list = match privileges {
                Privileges::All => held(&object),
                Privileges::List(_) => spread(privileges, &object.object_type),
            };
            changes.extend(list.into_iter().map(|p| one(p, &object)));
            Ok(changes)
        }
        Target::All(object_type, within) if !form.inherited => {
            let container = scope.container(within)?;
            let objects = bulk(scope.account, object_type, &container);
            Ok(objects.iter().flat_map(|o| held(o).into_iter().map(|p| one(p, o)).collect::<Vec<_>>()).collect())
        }
        Target::All(object_type, within) | Target::Future(object_type, within) => {
            let container = scope.container(within)?;
            let present = |privilege: &Privilege| {
                scope.account.container_grants().any(|g| {
                    g.container == container
                        && g.object_type == *object_type
                        && g.privilege == *privilege
                        && g.grantee == grantee
                })
            };
            let all = *privileges == Privileges::All;
            let mut list = spread(privileges, object_type);
            list.retain(|p| !all || present(p));
            let gone = |privilege| {
                let (object_type, container, grantee) = (object_type.clone(), container.clone(), grantee.clone());
                if form.inherited {
                    Change::RevokeInherited { privilege, object_type, container, grantee }
                } else {
                    Change::RevokeFuture { privilege, object_type, container, grantee }
                }
            };
            Ok(list.into_iter().map(gone).collect())
        }
    }
}

fn drop(scope: Scope<'_>, named: &Named, if_exists: bool) -> Expanded {
    match scope.object(named) {
        Ok(object) => Ok(vec![match Principal::from_object(&object) {
            Some(principal) => Change::DropPrincipal { principal },
            None => Change::DropObject { object },
        }]),
        Err(ExpandError { problem: Problem::Unknown { .. }, .. }) if if_exists => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}
