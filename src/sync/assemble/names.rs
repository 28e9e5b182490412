//! The spelling rules: how rows name grantees and objects.

use super::signature;
use grantd_catalog::model::{Ident, IdentError, ObjectRef, ObjectType, Principal, PrincipalKind, Signature, qualified};
use std::collections::{BTreeMap, BTreeSet};

/// Database roles that an inventory lists, to tell `R`, `DB.R` and a role called `A.B` apart.
#[derive(Default)]
pub(super) struct DatabaseRoles(BTreeMap<Ident, BTreeSet<Ident>>);

impl DatabaseRoles {
    pub(super) fn add(&mut self, database: Ident, role: Ident) {
        self.0.entry(role).or_default().insert(database);
    }

    fn has(&self, database: &Ident, role: &Ident) -> bool {
        self.0.get(role).is_some_and(|databases| databases.contains(database))
    }

    /// The role that `name` means, in the database that the rest of the row is about.
    ///
    /// A row has no column for the grantee's database, but a database role holds privileges and roles of its own
    /// database only. Names have been seen with and without the database before them.
    pub(super) fn resolve(&self, name: &str, database: Option<&Ident>) -> Result<Principal, String> {
        let whole = Ident::new(name).map_err(|e| e.to_string())?;
        if let Some(database) = database.filter(|d| self.has(d, &whole)) {
            return Ok(Principal::database_role(database.clone(), whole));
        }
        if let Ok([scope, role]) = <[Ident; 2]>::try_from(qualified(name).unwrap_or_default()) {
            // Without an inventory entry, a leading name of the row's own database still is a qualification.
            if self.has(&scope, &role) || database == Some(&scope) {
                return Ok(Principal::database_role(scope, role));
            }
        }
        if let Some(database) = database {
            return Ok(Principal::database_role(database.clone(), whole));
        }
        match self.0.get(&whole).map(|databases| databases.iter().collect::<Vec<_>>()).as_deref() {
            Some([only]) => Ok(Principal::database_role((*only).clone(), whole)),
            Some(_) => Err("a database role of several databases has this name and the row names none".to_owned()),
            None => Err("a database role without its database".to_owned()),
        }
    }
}

/// Overloads that an inventory lists, for rows that name a function without its arguments.
#[derive(Default)]
pub(super) struct Overloads(BTreeMap<(ObjectType, Ident, Ident, Ident), Vec<Signature>>);

impl Overloads {
    pub(super) fn add(&mut self, object: &ObjectRef) {
        if let (Some(database), Some(schema), Some(signature)) = (&object.database, &object.schema, &object.signature) {
            let key = (object.object_type.clone(), database.clone(), schema.clone(), object.name.clone());
            self.0.entry(key).or_default().push(signature.clone());
        }
    }

    /// The signature, when the name has exactly one.
    fn only(&self, object_type: &ObjectType, database: &Ident, schema: &Ident, name: &Ident) -> Option<&Signature> {
        let key = (object_type.clone(), database.clone(), schema.clone(), name.clone());
        match self.0.get(&key).map(Vec::as_slice) {
            Some([only]) => Some(only),
            _ => None,
        }
    }
}

/// Reads a grantee. `database` is the database that the rest of the row is about.
pub(super) fn grantee(
    kind: &str,
    name: &str,
    database: Option<&Ident>,
    roles: &DatabaseRoles,
    is_user: impl Fn(&Principal) -> bool,
) -> Result<Principal, String> {
    let Some(kind) = PrincipalKind::parse(kind) else {
        return Err(format!("a grantee of the unknown kind {kind}"));
    };
    let whole = || Ident::new(name).map_err(|e| e.to_string());
    match kind {
        PrincipalKind::DatabaseRole => roles.resolve(name, database),
        PrincipalKind::ApplicationRole => match <[Ident; 2]>::try_from(qualified(name).unwrap_or_default()) {
            Ok([application, role]) => Ok(Principal::application_role(application, role)),
            Err(_) => match database {
                Some(application) => Ok(Principal::application_role(application.clone(), whole()?)),
                None => Err("an application role without its application".to_owned()),
            },
        },
        PrincipalKind::InstanceRole => instance_role(name),
        PrincipalKind::User => {
            let user = Principal::user(whole()?);
            // Users have been printed as USER$NAME; a user may also be called that.
            match name.strip_prefix("USER$").map(Ident::new) {
                Some(Ok(stripped)) if !is_user(&user) => Ok(Principal::user(stripped)),
                _ => Ok(user),
            }
        }
        PrincipalKind::Role => Ok(Principal::role(whole()?)),
        PrincipalKind::Application | PrincipalKind::Share => Ok(Principal::other(kind, whole()?)),
    }
}

/// `DB.SCHEMA.INSTANCE!ROLE`.
fn instance_role(name: &str) -> Result<Principal, String> {
    let Some((instance, role)) = name.rsplit_once('!') else {
        return Err("an instance role without its instance".to_owned());
    };
    let scope = qualified(instance).map_err(|e| e.to_string())?;
    Ok(Principal { kind: PrincipalKind::InstanceRole, scope, name: Ident::new(role).map_err(|e| e.to_string())? })
}

/// Reads a securable: its kind, its own name as stored, and the database and schema around it.
pub(super) fn object(
    object_type: &ObjectType,
    name: &str,
    database: Option<&Ident>,
    schema: Option<&Ident>,
    functions: &Overloads,
) -> Result<ObjectRef, IdentError> {
    if *object_type == ObjectType::ACCOUNT {
        return Ok(ObjectRef::account());
    }
    let own = || Ident::new(name);
    let kind = object_type.clone();
    match (database, schema) {
        _ if object_type.is_account_level() => Ok(ObjectRef::top(kind, own()?)),
        (Some(database), _) if *object_type == ObjectType::SCHEMA || object_type.is_role() => {
            Ok(ObjectRef::in_database(kind, database.clone(), own()?))
        }
        (Some(database), Some(schema)) if object_type.has_signature() => {
            let (text, arguments) = match signature::split(name) {
                Some((text, arguments)) => (text, Some(signature::types(arguments))),
                None => (name, None),
            };
            let own = Ident::new(text)?;
            let signature = arguments.or_else(|| functions.only(object_type, database, schema, &own).cloned());
            let mut object = ObjectRef::in_schema(kind, database.clone(), schema.clone(), own);
            object.signature = signature;
            Ok(object)
        }
        (Some(database), Some(schema)) => Ok(ObjectRef::in_schema(kind, database.clone(), schema.clone(), own()?)),
        (Some(database), None) => Ok(ObjectRef::in_database(kind, database.clone(), own()?)),
        (None, _) => Ok(ObjectRef::top(kind, own()?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> Ident {
        Ident::new(text).unwrap()
    }

    fn roles() -> DatabaseRoles {
        let mut roles = DatabaseRoles::default();
        for (database, role) in [("A", "R"), ("B", "R"), ("A", "ONE"), ("A", "x.y")] {
            roles.add(id(database), id(role));
        }
        roles
    }

    #[test]
    fn database_roles_are_found_with_and_without_their_database() {
        let roles = roles();
        let (a, b) = (id("A"), id("B"));
        for (name, database, want) in [
            ("R", Some(&a), ("A", "R")),
            ("A.R", Some(&a), ("A", "R")),
            ("B.R", Some(&a), ("B", "R")),
            ("x.y", Some(&a), ("A", "x.y")),
            ("NEW", Some(&b), ("B", "NEW")),
            ("B.NEW", Some(&b), ("B", "NEW")),
            ("ONE", None, ("A", "ONE")),
        ] {
            assert_eq!(roles.resolve(name, database), Ok(Principal::database_role(id(want.0), id(want.1))), "{name}");
        }
        assert!(roles.resolve("R", None).unwrap_err().contains("several databases"));
        assert!(roles.resolve("GONE", None).is_err());
    }

    #[test]
    fn user_prefixes_go_unless_the_user_is_called_that() {
        let known = id("USER$REAL");
        let read = |name: &str| grantee("USER", name, None, &roles(), |p| p.name == known).unwrap().name;
        assert_eq!(read("USER$ALICE"), id("ALICE"));
        assert_eq!(read("USER$REAL"), known);
        assert_eq!(read("USER$"), id("USER$"));
        let role = grantee("ACCOUNT ROLE", "my \"odd\" Role", None, &roles(), |_| false).unwrap();
        assert_eq!(role, Principal::role(id("my \"odd\" Role")));
        let instance = grantee("INSTANCE_ROLE", "D.S.\"b!1\"!ADMIN", None, &roles(), |_| false).unwrap();
        assert_eq!(instance.scope, [id("D"), id("S"), id("b!1")]);
        assert!(grantee("PLANET", "X", None, &roles(), |_| false).is_err());
    }

    #[test]
    fn objects_are_placed_by_their_type() {
        let (d, s) = (id("D"), id("S"));
        let place = |kind: &str, name: &str, d: Option<&Ident>, s: Option<&Ident>| {
            object(&ObjectType::new(kind), name, d, s, &Overloads::default()).unwrap()
        };
        assert_eq!(place("ACCOUNT", "XY123", None, None), ObjectRef::account());
        assert_eq!(place("DATABASE", "D", Some(&d), None), ObjectRef::database(d.clone()));
        assert_eq!(place("SCHEMA", "S", Some(&d), Some(&s)).parts().count(), 2);
        assert_eq!(place("TABLE", "a.b", Some(&d), Some(&s)).quoted(), "\"D\".\"S\".\"a.b\"");
        let function = place("FUNCTION", "F(A NUMBER):VARIANT", Some(&d), Some(&s));
        assert_eq!(function.shown(), "D.S.F(NUMBER)");
    }

    #[test]
    fn a_function_without_arguments_takes_its_only_signature() {
        let (d, s) = (id("D"), id("S"));
        let mut functions = Overloads::default();
        let one = ObjectRef::in_schema(ObjectType::FUNCTION, d.clone(), s.clone(), id("F")).with_signature("NUMBER");
        functions.add(&one);
        assert_eq!(object(&ObjectType::FUNCTION, "F", Some(&d), Some(&s), &functions).unwrap(), one);
    }
}
