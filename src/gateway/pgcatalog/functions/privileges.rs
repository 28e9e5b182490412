//! `has_*_privilege`: everybody may read every relation, use every schema and call every function; nothing else.

use datafusion::error::Result;

use super::scalar::{Definition, Value, stable};
use crate::gateway::pgcatalog::catalog::Catalog;
use crate::gateway::pgcatalog::errors::sql_error;
use crate::gateway::pgcatalog::facts;

pub(super) const FUNCTIONS: &[Definition] = &[
    stable("has_table_privilege", (2, 3), "bool", |catalog, arguments| check(catalog, arguments, TABLE, relation)),
    stable("has_any_column_privilege", (2, 3), "bool", |catalog, arguments| {
        check(catalog, arguments, COLUMN, relation)
    }),
    stable("has_column_privilege", (3, 4), "bool", |catalog, arguments| {
        // The column is between the table and the privilege: which one it is changes nothing.
        let mut arguments = arguments.to_vec();
        arguments.remove(arguments.len().saturating_sub(2));
        check(catalog, &arguments, COLUMN, relation)
    }),
    stable("has_schema_privilege", (2, 3), "bool", |catalog, arguments| check(catalog, arguments, SCHEMA, schema)),
    stable("has_database_privilege", (2, 3), "bool", |catalog, arguments| {
        check(catalog, arguments, DATABASE, database)
    }),
    stable("has_function_privilege", (2, 3), "bool", |catalog, arguments| check(catalog, arguments, FUNCTION, any)),
    stable("has_type_privilege", (2, 3), "bool", |catalog, arguments| check(catalog, arguments, USAGE, any)),
    stable("has_language_privilege", (2, 3), "bool", |catalog, arguments| check(catalog, arguments, USAGE, any)),
    stable("has_tablespace_privilege", (2, 3), "bool", |catalog, arguments| check(catalog, arguments, TABLESPACE, any)),
    stable("has_sequence_privilege", (2, 3), "bool", |catalog, arguments| check(catalog, arguments, SEQUENCE, missing)),
    stable("acldefault", (2, 2), "_aclitem", |catalog, arguments| {
        let [kind, owner] = arguments else { return Ok(Value::Null) };
        default_list(kind.as_text(), &role_name(catalog, owner)?)
    }),
    stable("pg_has_role", (2, 3), "bool", |catalog, arguments| {
        let (member, role) = match arguments {
            [role, _] => (catalog.identity.user.clone(), role),
            [member, role, _] => (role_name(catalog, member)?, role),
            _ => return Ok(Value::Null),
        };
        Ok(Value::Bool(role_name(catalog, role)? == member))
    }),
];

/// The access control list of an object that has none of its own: everybody's privileges, and then its owner's.
fn default_list(kind: &str, owner: &str) -> Result<Value> {
    let (world, own) = match kind {
        "c" => ("", ""),
        "r" => ("", "arwdDxt"),
        "s" => ("", "rwU"),
        "d" => ("Tc", "CTc"),
        "f" => ("X", "X"),
        "l" | "T" => ("U", "U"),
        "L" => ("", "rw"),
        "n" => ("", "UC"),
        "t" => ("", "C"),
        "F" | "S" => ("", "U"),
        "p" => ("", "sA"),
        other => return Err(sql_error("XX000", format!("unrecognized objtype abbreviation: {other}"))),
    };
    let plain = owner.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let owner = if plain { owner.to_owned() } else { format!("\"{}\"", owner.replace('"', "\"\"")) };
    let item = |grantee: &str, letters: &str| {
        (!letters.is_empty()).then(|| Value::text(format!("{grantee}={letters}/{owner}")))
    };
    Ok(Value::List(item("", world).into_iter().chain(item(&owner, own)).collect()))
}

/// The privileges a kind of object knows, and whether they are given.
type Privileges = &'static [(&'static str, bool)];

const TABLE: Privileges = &[
    ("SELECT", true),
    ("INSERT", false),
    ("UPDATE", false),
    ("DELETE", false),
    ("TRUNCATE", false),
    ("REFERENCES", false),
    ("TRIGGER", false),
    ("RULE", false),
];
const COLUMN: Privileges = &[("SELECT", true), ("INSERT", false), ("UPDATE", false), ("REFERENCES", false)];
const SCHEMA: Privileges = &[("USAGE", true), ("CREATE", false)];
const DATABASE: Privileges = &[("CONNECT", true), ("CREATE", false), ("TEMPORARY", false), ("TEMP", false)];
const FUNCTION: Privileges = &[("EXECUTE", true)];
const USAGE: Privileges = &[("USAGE", true)];
const TABLESPACE: Privileges = &[("CREATE", false)];
const SEQUENCE: Privileges = &[("USAGE", false), ("SELECT", false), ("UPDATE", false)];

/// Whether the object an argument means is there; NULL for an oid that is not, an error for a name.
type Exists = fn(&Catalog, &Value) -> Result<Option<bool>>;

fn check(catalog: &Catalog, arguments: &[Value], known: Privileges, exists: Exists) -> Result<Value> {
    let (object, privileges) = match arguments {
        [object, privileges] => (object, privileges),
        [user, object, privileges] => {
            role_name(catalog, user)?;
            (object, privileges)
        }
        _ => return Ok(Value::Null),
    };
    let mut given = false;
    for privilege in privileges.as_text().split(',') {
        let upper = privilege.trim().to_ascii_uppercase();
        // A privilege with the right to pass it on is one nobody has here.
        let (name, grantable) = match upper.strip_suffix(" WITH GRANT OPTION") {
            Some(name) => (name, true),
            None => (upper.as_str(), false),
        };
        let (_, held) = known
            .iter()
            .find(|(known, _)| *known == name)
            .ok_or_else(|| sql_error("22023", format!("unrecognized privilege type: \"{}\"", privilege.trim())))?;
        given |= *held && !grantable;
    }
    Ok(match exists(catalog, object)? {
        Some(true) => Value::Bool(given),
        Some(false) | None => Value::Null,
    })
}

fn role_name(catalog: &Catalog, role: &Value) -> Result<String> {
    let missing = |name: &str| sql_error("42704", format!("role \"{name}\" does not exist"));
    match role {
        Value::Int(oid) => {
            let name = i32::try_from(*oid).ok().and_then(|oid| catalog.role_name(oid));
            // An oid that is nobody's is a role without privileges of its own.
            Ok(name.map_or_else(|| oid.to_string(), str::to_owned))
        }
        Value::Text(name) if name == "public" || catalog.roles.iter().any(|role| role.name == *name) => {
            Ok(name.clone())
        }
        other => Err(missing(other.as_text())),
    }
}

fn relation(catalog: &Catalog, object: &Value) -> Result<Option<bool>> {
    match object {
        Value::Text(name) => match catalog.class_oid(name) {
            Some(_) => Ok(Some(true)),
            None => Err(sql_error("42P01", format!("relation \"{name}\" does not exist"))),
        },
        other => Ok(other.oid().map(|oid| catalog.class_name(oid).is_some())),
    }
}

fn schema(catalog: &Catalog, object: &Value) -> Result<Option<bool>> {
    match object {
        Value::Text(name) => match catalog.namespace_oid(name) {
            Some(_) => Ok(Some(true)),
            None => Err(sql_error("3F000", format!("schema \"{name}\" does not exist"))),
        },
        other => Ok(other
            .oid()
            .map(|oid| crate::gateway::pgcatalog::catalog::namespaces().iter().any(|(known, _)| *known == oid))),
    }
}

fn database(catalog: &Catalog, object: &Value) -> Result<Option<bool>> {
    match object {
        Value::Text(name) if *name == catalog.identity.database => Ok(Some(true)),
        Value::Text(name) => Err(sql_error("3D000", format!("database \"{name}\" does not exist"))),
        other => Ok(other.oid().map(|oid| oid == facts::DATABASE)),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the signature of every check")]
fn any(_: &Catalog, _: &Value) -> Result<Option<bool>> {
    Ok(Some(true))
}

#[expect(clippy::unnecessary_wraps, reason = "the signature of every check")]
fn missing(_: &Catalog, _: &Value) -> Result<Option<bool>> {
    Ok(None)
}
