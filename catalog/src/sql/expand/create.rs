//! CREATE: what appears, and what OR REPLACE removes before.

use super::alter::property;
use super::{Expanded, not_a_change, public_schema};
use crate::model::{Change, ObjectRef, ObjectType, Principal, PrincipalKind, Properties, Property};
use crate::sql::ast::Create;
use crate::sql::error::{ExpandError, Problem};
use crate::sql::resolve::{Scope, error, stored_signature};

pub(super) fn create(scope: Scope<'_>, create: &Create) -> Expanded {
    let named = &create.object;
    let mut object = scope.full(named)?;
    object.signature = object.signature.as_ref().map(stored_signature);
    let properties = create_properties(create)?;
    let at = named.name.at;
    let mut changes = Vec::new();
    if let Some(database) = &object.database {
        let owner = ObjectRef::database(database.clone());
        let application = ObjectRef { object_type: ObjectType::new("APPLICATION"), ..owner.clone() };
        if scope.find(&owner).is_none()
            && scope.account.principal(&Principal::other(PrincipalKind::Application, database.clone())).is_none()
            && scope.account.object(&application).is_none()
        {
            return Err(scope.unknown_object(&owner, at));
        }
        if let Some(schema) = &object.schema {
            let schema = ObjectRef::in_database(ObjectType::SCHEMA, database.clone(), schema.clone());
            if scope.account.object(&schema).is_none() {
                let known = public_schema(scope.account, &schema);
                changes.push(known.ok_or_else(|| scope.unknown_object(&schema, at))?);
            }
        }
    }
    let principal = Principal::from_object(&object);
    let existing = match &principal {
        Some(principal) => scope.account.principal(principal).map(|_| object.clone()),
        None => scope.account.object(&object).map(|(found, _)| found.clone()),
    };
    if let Some(found) = existing {
        if found.object_type != object.object_type {
            let (wanted, found) = (object.object_type.sql(), found.object_type.sql());
            return Err(error(at, Problem::WrongType { name: object.shown(), found, wanted }));
        }
        if create.if_not_exists {
            return Ok(Vec::new());
        }
        if !create.or_replace {
            let what = format!("{} {}", object.object_type.sql(), object.shown());
            return Err(error(at, Problem::Exists(what)));
        }
        if create.copy_grants {
            let properties = properties.iter().map(|(property, value)| (property, value.to_owned()));
            let alter =
                |(property, value)| Change::AlterObject { object: object.clone(), property, value: Some(value) };
            changes.extend(properties.map(alter));
            return Ok(changes);
        }
        changes.push(match &principal {
            Some(principal) => Change::DropPrincipal { principal: principal.clone() },
            None => Change::DropObject { object: object.clone() },
        });
    }
    if create.copy_of.as_ref().is_some_and(|(word, _)| word == "CLONE")
        && matches!(object.object_type.as_str(), "DATABASE" | "SCHEMA")
    {
        return Err(not_a_change(
            at,
            "a clone of a database or schema copies its objects and their grants; changes do not say that",
        ));
    }
    changes.push(match principal {
        Some(user) if user.kind == PrincipalKind::User => Change::CreateUser { user, properties },
        Some(role) => Change::CreateRole { role, properties },
        None => Change::CreateObject { object, properties },
    });
    Ok(changes)
}

fn create_properties(create: &Create) -> Result<Properties, ExpandError> {
    let object_type = &create.object.object_type;
    let mut properties = Properties::default();
    if *object_type == ObjectType::DATABASE {
        let kind = if create.from_share { "IMPORTED DATABASE" } else { "STANDARD" };
        properties.set(Property::Kind, Some(kind.to_owned()));
    }
    if *object_type == ObjectType::SCHEMA {
        properties.set(Property::ManagedAccess, Some(create.managed_access.to_string()));
    }
    for setting in &create.settings {
        if let Some((property, value)) = property(setting, object_type)? {
            properties.set(property, Some(value));
        }
    }
    Ok(properties)
}
