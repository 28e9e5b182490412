//! From names as written to the account's users, roles and objects.

use super::ast::{Grantee, Name, Named, RoleName, Within};
use super::error::{ExpandError, Position, Problem};
use super::words::{Level, level, nearest};
use crate::account::Account;
use crate::model::{Container, Ident, ObjectRef, ObjectType, Principal, PrincipalKind, Signature};

/// The current database and schema, which complete names that are not full.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// Current database.
    pub database: Option<Ident>,
    /// Current schema.
    pub schema: Option<Ident>,
}

/// What names are looked up in.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// The account.
    pub account: &'a Account,
    /// Current database and schema.
    pub names: &'a Names,
}

/// Argument types that Snowflake stores under another name (data types: synonyms).
const TYPE_SYNONYMS: &[(&str, &str)] = &[
    ("BIGINT", "NUMBER"),
    ("BYTEINT", "NUMBER"),
    ("CHAR", "VARCHAR"),
    ("CHAR VARYING", "VARCHAR"),
    ("CHARACTER", "VARCHAR"),
    ("DATETIME", "TIMESTAMP_NTZ"),
    ("DEC", "NUMBER"),
    ("DECIMAL", "NUMBER"),
    ("DOUBLE", "FLOAT"),
    ("DOUBLE PRECISION", "FLOAT"),
    ("FLOAT4", "FLOAT"),
    ("FLOAT8", "FLOAT"),
    ("INT", "NUMBER"),
    ("INTEGER", "NUMBER"),
    ("NCHAR", "VARCHAR"),
    ("NCHAR VARYING", "VARCHAR"),
    ("NUMERIC", "NUMBER"),
    ("NVARCHAR", "VARCHAR"),
    ("NVARCHAR2", "VARCHAR"),
    ("REAL", "FLOAT"),
    ("SMALLINT", "NUMBER"),
    ("STRING", "VARCHAR"),
    ("TEXT", "VARCHAR"),
    ("TIMESTAMP", "TIMESTAMP_NTZ"),
    ("TIMESTAMP WITH LOCAL TIME ZONE", "TIMESTAMP_LTZ"),
    ("TIMESTAMP WITH TIME ZONE", "TIMESTAMP_TZ"),
    ("TIMESTAMP WITHOUT TIME ZONE", "TIMESTAMP_NTZ"),
    ("TIMESTAMPLTZ", "TIMESTAMP_LTZ"),
    ("TIMESTAMPNTZ", "TIMESTAMP_NTZ"),
    ("TIMESTAMPTZ", "TIMESTAMP_TZ"),
    ("TINYINT", "NUMBER"),
    ("VARBINARY", "BINARY"),
];

/// Argument types as Snowflake stores them: synonyms replaced, lengths and precisions left out.
pub(super) fn stored_signature(signature: &Signature) -> Signature {
    let text = signature.as_str();
    let mut types: Vec<String> = Vec::new();
    let mut depth = 0_usize;
    let mut one = String::new();
    for c in text.chars().chain([',']) {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                types.push(stored_type(one.trim()));
                one.clear();
                continue;
            }
            _ => {}
        }
        one.push(c);
    }
    Signature::new(&types.join(", "))
}

fn stored_type(text: &str) -> String {
    let (head, group) = match text.split_once('(') {
        Some((head, _)) => (head.trim(), true),
        None => (text, false),
    };
    if group && matches!(head, "TABLE" | "VECTOR" | "ARRAY" | "OBJECT" | "MAP") {
        return text.to_owned();
    }
    TYPE_SYNONYMS.iter().find(|(name, _)| *name == head).map_or(head, |(_, stored)| stored).to_owned()
}

pub(super) fn error(at: Position, problem: Problem) -> ExpandError {
    ExpandError { at, problem }
}

impl<'a> Scope<'a> {
    fn current(&self, name: &Name, part: &'static str) -> Result<Ident, ExpandError> {
        let found = if part == "schema" { &self.names.schema } else { &self.names.database };
        let missing = || Problem::NotQualified { name: name.shown(), missing: part };
        found.clone().ok_or_else(|| error(name.at, missing()))
    }

    /// The full name of an object, whether it exists or not.
    pub fn full(&self, named: &Named) -> Result<ObjectRef, ExpandError> {
        let Named { object_type, name, signature } = named;
        let count = name.parts.len();
        let wanted = level(object_type).unwrap_or(match count {
            1 => Level::Account,
            2 => Level::Database,
            _ => Level::Schema,
        });
        let mut parts = name.parts.iter().cloned();
        let mut next = || parts.next();
        let too_many = || {
            let what = format!("{} is no name of a {}: too many parts", name.shown(), object_type.sql());
            error(name.at, Problem::Name(what))
        };
        let (database, schema, last) = match (wanted, count) {
            (Level::Account, 1) => (None, None, next()),
            (Level::Database, 1) => (Some(self.current(name, "database")?), None, next()),
            (Level::Database, 2) => (next(), None, next()),
            (Level::Schema, 1) => (Some(self.current(name, "database")?), Some(self.current(name, "schema")?), next()),
            (Level::Schema, 2) => (Some(self.current(name, "database")?), next(), next()),
            (Level::Schema, 3) => (next(), next(), next()),
            _ => return Err(too_many()),
        };
        let last = last.ok_or_else(too_many)?;
        Ok(ObjectRef { database, schema, object_type: object_type.clone(), name: last, signature: signature.clone() })
    }

    /// The object as the account knows it: its own type where the statement says a more general one.
    pub fn object(&self, named: &Named) -> Result<ObjectRef, ExpandError> {
        let full = self.full(named)?;
        if Principal::from_object(&full).is_some_and(|p| self.account.principal(&p).is_some()) {
            return Ok(full);
        }
        if let Some(found) = self.find(&full) {
            return if stands_for(&full.object_type, &found.object_type) {
                Ok(found.clone())
            } else {
                let (found, wanted) = (found.object_type.sql(), full.object_type.sql());
                Err(error(named.name.at, Problem::WrongType { name: full.shown(), found, wanted }))
            };
        }
        Err(self.unknown_object(&full, named.name.at))
    }

    /// The object of that full name, by stored argument types too, or an application where DATABASE is said.
    pub fn find(&self, full: &ObjectRef) -> Option<&'a ObjectRef> {
        let account = self.account;
        if let Some((found, _)) = account.object(full) {
            return Some(found);
        }
        if let Some(signature) = &full.signature {
            let stored = ObjectRef { signature: Some(stored_signature(signature)), ..full.clone() };
            return ["FUNCTION", "PROCEDURE", "DATA_METRIC_FUNCTION"]
                .into_iter()
                .filter(|t| {
                    full.object_type.as_str() == *t || (full.object_type == ObjectType::FUNCTION && *t != "PROCEDURE")
                })
                .find_map(|t| account.object(&ObjectRef { object_type: ObjectType::new(t), ..stored.clone() }))
                .map(|(found, _)| found);
        }
        if full.object_type == ObjectType::DATABASE {
            let application = ObjectRef { object_type: ObjectType::new("APPLICATION"), ..full.clone() };
            return account.object(&application).map(|(found, _)| found);
        }
        None
    }

    pub(super) fn unknown_object(&self, full: &ObjectRef, at: Position) -> ExpandError {
        let mut what = format!("{} {}", full.object_type.sql(), full.shown());
        if full.object_type.has_signature() && full.signature.is_none() {
            what.push_str(" without argument types");
        }
        let near_by: Vec<&ObjectRef> = if let Some(kind) = PrincipalKind::parse(full.object_type.as_str()) {
            let wanted = Principal::from_object(full);
            let suggestion = wanted.and_then(|p| self.near_principal(kind, &p));
            return error(at, Problem::Unknown { what, suggestion });
        } else {
            let same = |o: &&ObjectRef| {
                o.object_type.namespace() == full.object_type.namespace()
                    && o.schema.is_some() == full.schema.is_some()
                    && o.database.is_some() == full.database.is_some()
            };
            self.account.objects().map(|(o, _)| o).filter(same).collect()
        };
        let shown: Vec<String> = near_by.iter().map(|o| o.shown()).collect();
        let text = full.shown();
        let overload = full.object_type.has_signature().then(|| {
            let named = |o: &&&ObjectRef| o.database == full.database && o.schema == full.schema && o.name == full.name;
            near_by.iter().find(named).map(|o| o.shown())
        });
        let suggestion = overload
            .flatten()
            .or_else(|| nearest(&text, shown.iter().map(String::as_str)).map(str::to_owned))
            .or_else(|| {
                let upper = text.to_uppercase();
                shown.iter().find(|s| s.replace('"', "").to_uppercase() == upper.replace('"', "")).cloned()
            });
        error(at, Problem::Unknown { what, suggestion })
    }

    fn near_principal(&self, kind: PrincipalKind, wanted: &Principal) -> Option<String> {
        let shown: Vec<String> =
            self.account.principals().filter(|(p, _)| p.kind == kind).map(|(p, _)| shown(p)).collect();
        let text = shown_of(wanted);
        let folded = |s: &String| s.replace('"', "").eq_ignore_ascii_case(&text.replace('"', ""));
        nearest(&text, shown.iter().map(String::as_str)).map(str::to_owned).or_else(|| {
            let mut found = shown.iter().filter(|s| folded(s));
            found.next().cloned()
        })
    }

    /// The full name of a principal, whether it exists or not.
    pub fn principal_name(&self, kind: PrincipalKind, name: &Name) -> Result<Principal, ExpandError> {
        let named = Named { object_type: kind.object_type(), name: name.clone(), signature: None };
        let full = self.full(&named)?;
        Principal::from_object(&full).ok_or_else(|| self.unknown_object(&full, name.at))
    }

    /// A principal that exists.
    pub fn principal(&self, kind: PrincipalKind, name: &Name) -> Result<Principal, ExpandError> {
        let principal = self.principal_name(kind, name)?;
        if self.account.principal(&principal).is_some() {
            return Ok(principal);
        }
        Err(self.unknown_object(&principal.as_object(), name.at))
    }

    /// A grantee that exists; without a kind a role, or else a user.
    pub fn grantee(&self, grantee: &Grantee) -> Result<Principal, ExpandError> {
        match grantee.kind {
            Some(kind) => self.principal(kind, &grantee.name),
            None if grantee.name.parts.len() > 1 => self.principal(PrincipalKind::DatabaseRole, &grantee.name),
            None => self
                .principal(PrincipalKind::Role, &grantee.name)
                .or_else(|e| self.principal(PrincipalKind::User, &grantee.name).map_err(|_| e)),
        }
    }

    /// A role that is granted.
    pub fn role(&self, role: &RoleName) -> Result<Principal, ExpandError> {
        match role {
            RoleName::Role(kind, name) => self.principal(*kind, name),
            RoleName::Instance(name, role) => {
                let [database, schema, instance] = name.parts.as_slice() else {
                    let what = format!("{} is not the full name of an instance", name.shown());
                    return Err(error(name.at, Problem::Name(what)));
                };
                let scope = vec![database.clone(), schema.clone(), instance.clone()];
                let principal = Principal { kind: PrincipalKind::InstanceRole, scope, name: role.clone() };
                if self.account.principal(&principal).is_some() {
                    return Ok(principal);
                }
                let what = format!("INSTANCE ROLE {}", principal.shown());
                Err(error(name.at, Problem::Unknown { what, suggestion: None }))
            }
            RoleName::Service(name, role) => {
                let what = format!("service roles are not kept: {}!{}", name.shown(), role.shown());
                Err(error(name.at, Problem::NotAChange(what)))
            }
        }
    }

    /// A database or schema that exists, or the account.
    pub fn container(&self, within: &Within) -> Result<Container, ExpandError> {
        let (object_type, name) = match within {
            Within::Account => return Ok(Container::Account),
            Within::Database(name) => (ObjectType::DATABASE, name),
            Within::Schema(name) => (ObjectType::SCHEMA, name),
        };
        let found = self.object(&Named { object_type, name: name.clone(), signature: None })?;
        Ok(match found.database {
            Some(database) => Container::Schema(database, found.name),
            None => Container::Database(found.name),
        })
    }
}

fn shown(principal: &Principal) -> String {
    shown_of(principal)
}

/// The name as SQL would write it, also for users and account roles.
fn shown_of(principal: &Principal) -> String {
    principal.as_object().shown()
}

/// Whether a statement that says `said` may mean an object of type `found`.
///
/// TABLE stands for every kind of table and VIEW for a materialized view too; any other type is only itself.
pub(super) fn stands_for(said: &ObjectType, found: &ObjectType) -> bool {
    if said == found {
        return true;
    }
    match said.as_str() {
        "TABLE" => found.is_relation() && found.as_str().ends_with("_TABLE"),
        "VIEW" => found.as_str() == "MATERIALIZED_VIEW",
        "DATABASE" => matches!(found.as_str(), "APPLICATION" | "APPLICATION_PACKAGE"),
        "FUNCTION" => found.as_str() == "DATA_METRIC_FUNCTION",
        _ => false,
    }
}
