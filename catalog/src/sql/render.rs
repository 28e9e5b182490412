//! From a change to one Snowflake statement, every name quoted.

use super::expand::has_property;
use super::words::{Level, level, near_plural, near_privilege, near_type};
use crate::model::{
    Change, Container, Ident, ObjectRef, ObjectType, OutboundGrants, Principal, PrincipalKind, Privilege, Properties,
    Property, Signature, ValueKind,
};
use std::fmt::Write as _;

/// A change that SQL cannot say, or that comes from names which are not what they should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// A privilege's name is not made of words.
    #[error("{0:?} is not the name of a privilege")]
    Privilege(String),
    /// A type's name is not made of words, or not one that CREATE, ALTER and DROP know.
    #[error("{0:?} is not an object type that SQL knows here")]
    Type(String),
    /// Argument types hold more than types.
    #[error("({0}) is not a list of argument types")]
    Signature(String),
    /// The name of an object does not have the parts that its type needs.
    #[error("{0} is not the full name of a {1}")]
    Name(String, String),
    /// A property that things of this type do not have, or a value it cannot take.
    #[error("{0}")]
    Property(String),
    /// There is no statement for it.
    #[error("{0}")]
    Unsayable(String),
}

type Rendered<T = String> = Result<T, RenderError>;

/// A text as a string literal.
pub fn text_literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

/// One statement for one change, without `;`. What it cannot say is left out: grantors, evidence, and for objects
/// everything but name and comment: columns, bodies and data are not known, so a table reads `CREATE TABLE "D"."S"."T" ()`.
pub fn render(change: &Change) -> Rendered {
    match change {
        Change::CreateUser { user, properties } => {
            Ok(format!("CREATE {}{}", principal(user)?, settings(properties, &ObjectType::USER)?))
        }
        Change::CreateRole { role, properties } => match role.kind {
            PrincipalKind::Application => {
                Err(RenderError::Unsayable(format!("the package of the application {} is not known", role.quoted())))
            }
            _ => Ok(format!("CREATE {}{}", principal(role)?, settings(properties, &role.kind.object_type())?)),
        },
        Change::CreateObject { object, properties } => create(object, properties),
        Change::AlterPrincipal { principal: who, property, value } => {
            let what = principal(who)?;
            alter(&what, &who.kind.object_type(), *property, value.as_deref())
        }
        Change::AlterObject { object, property, value } => {
            let what = ddl_object(object)?;
            if *property == Property::ManagedAccess && object.object_type == ObjectType::SCHEMA {
                let word = if value.as_deref() == Some("true") { "ENABLE" } else { "DISABLE" };
                return Ok(format!("ALTER {what} {word} MANAGED ACCESS"));
            }
            alter(&what, &object.object_type, *property, value.as_deref())
        }
        Change::DropPrincipal { principal: who } => Ok(format!("DROP {}", principal(who)?)),
        Change::DropObject { object } => Ok(format!("DROP {}", ddl_object(object)?)),
        Change::GrantPrivilege { privilege, object, grantee, grant_option, .. } => {
            if let Some(role) = role_of(privilege, object) {
                return grant_role(&role, grantee, *grant_option);
            }
            if *privilege == Privilege::OWNERSHIP {
                return transfer(object, grantee, None);
            }
            let option = with_option(*grant_option);
            let (privilege, on) = (privilege_words(privilege)?, on_object(object, privilege)?);
            Ok(format!("GRANT {privilege} ON {on} TO {}{option}", principal(grantee)?))
        }
        Change::RevokePrivilege { privilege, object, grantee, grant_option_only, cascade, .. } => {
            if let Some(role) = role_of(privilege, object).filter(|_| !grant_option_only) {
                return revoke_role(&role, grantee);
            }
            if *privilege == Privilege::OWNERSHIP {
                let text = format!("OWNERSHIP of {} cannot be revoked, only transferred", object.shown());
                return Err(RenderError::Unsayable(text));
            }
            let only = if *grant_option_only { "GRANT OPTION FOR " } else { "" };
            let cascade = if *cascade { " CASCADE" } else { "" };
            let (privilege, on) = (privilege_words(privilege)?, on_object(object, privilege)?);
            Ok(format!("REVOKE {only}{privilege} ON {on} FROM {}{cascade}", principal(grantee)?))
        }
        Change::TransferOwnership { object, to, outbound } => transfer(object, to, *outbound),
        Change::GrantRole { role, to, grant_option, .. } => grant_role(role, to, *grant_option),
        Change::RevokeRole { role, from, .. } => revoke_role(role, from),
        Change::GrantFuture { privilege, object_type, container, grantee, grant_option } => {
            let option = if *privilege == Privilege::OWNERSHIP { "" } else { with_option(*grant_option) };
            let on = container_target("FUTURE", object_type, container)?;
            Ok(format!("GRANT {} ON {on} TO {}{option}", privilege_words(privilege)?, principal(grantee)?))
        }
        Change::RevokeFuture { privilege, object_type, container, grantee } => {
            let on = container_target("FUTURE", object_type, container)?;
            Ok(format!("REVOKE {} ON {on} FROM {}", privilege_words(privilege)?, principal(grantee)?))
        }
        Change::GrantInherited { privilege, object_type, container, grantee } => {
            let on = container_target("ALL", object_type, container)?;
            Ok(format!("GRANT INHERITED {} ON {on} TO {}", privilege_words(privilege)?, principal(grantee)?))
        }
        Change::RevokeInherited { privilege, object_type, container, grantee } => {
            let on = container_target("ALL", object_type, container)?;
            Ok(format!("REVOKE INHERITED {} ON {on} FROM {}", privilege_words(privilege)?, principal(grantee)?))
        }
    }
}

fn with_option(grant_option: bool) -> &'static str {
    if grant_option { " WITH GRANT OPTION" } else { "" }
}

fn role_of(privilege: &Privilege, object: &ObjectRef) -> Option<Principal> {
    Principal::from_object(object).filter(|p| p.kind.is_role() && *privilege == Privilege::USAGE)
}

fn grant_role(role: &Principal, to: &Principal, grant_option: bool) -> Rendered {
    Ok(format!("GRANT {} TO {}{}", role_words(role)?, principal(to)?, with_option(grant_option)))
}

fn revoke_role(role: &Principal, from: &Principal) -> Rendered {
    Ok(format!("REVOKE {} FROM {}", role_words(role)?, principal(from)?))
}

fn role_words(role: &Principal) -> Rendered {
    if !matches!(role.kind, PrincipalKind::Role | PrincipalKind::DatabaseRole | PrincipalKind::ApplicationRole) {
        let text = format!("{} is no role that a statement can grant: its class is not known", role.shown());
        return Err(RenderError::Unsayable(text));
    }
    principal(role)
}

/// Type and full name of a user, role or other grantee.
fn principal(who: &Principal) -> Rendered {
    let parts = match who.kind {
        PrincipalKind::InstanceRole => {
            return Err(RenderError::Unsayable(format!("{}: the class of an instance role is not known", who.shown())));
        }
        PrincipalKind::DatabaseRole | PrincipalKind::ApplicationRole => 1,
        _ => 0,
    };
    if who.scope.len() != parts {
        return Err(RenderError::Name(who.quoted(), who.kind.object_type().sql()));
    }
    Ok(who.grantee_sql())
}

fn transfer(object: &ObjectRef, to: &Principal, outbound: Option<OutboundGrants>) -> Rendered {
    let outbound = match outbound {
        None => "",
        Some(OutboundGrants::Copy) => " COPY CURRENT GRANTS",
        Some(OutboundGrants::Revoke) => " REVOKE CURRENT GRANTS",
    };
    if object.object_type == ObjectType::ACCOUNT {
        return Err(RenderError::Unsayable("the account has no owner".to_owned()));
    }
    let on = on_object(object, &Privilege::OWNERSHIP)?;
    Ok(format!("GRANT OWNERSHIP ON {on} TO {}{outbound}", principal(to)?))
}

/// Upper-case words, dots inside them allowed, none that would end the list of privileges.
fn privilege_words(privilege: &Privilege) -> Rendered<&str> {
    let text = privilege.as_str();
    let word = |w: &str| {
        let plain = |part: &str| {
            part.starts_with(|c: char| c.is_ascii_uppercase() || c == '_')
                && part.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || matches!(c, '_' | '$'))
        };
        w.split('.').all(plain) && !matches!(w, "ON" | "TO" | "FROM" | "GRANT" | "REVOKE")
    };
    let mut words = text.split(' ');
    let first = words.clone().next().unwrap_or_default();
    // These start another form of the statement.
    let taken = matches!(first, "ALL" | "INHERITED" | "CALLER" | "ROLE")
        || ["DATABASE ROLE", "APPLICATION ROLE", "SERVICE ROLE"].iter().any(|t| text.starts_with(t));
    let manage = text == "MANAGE GRANTS";
    if !taken && words.all(word) && (manage || near_privilege(text).is_none()) && !text.contains(". ") {
        Ok(text)
    } else {
        Err(RenderError::Privilege(text.to_owned()))
    }
}

/// The words of a type that a statement may name.
fn type_words(object_type: &ObjectType) -> Rendered {
    let sql = object_type.sql();
    let word = |w: &str| {
        w.starts_with(|c: char| c.is_ascii_uppercase())
            && w.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
            && !matches!(w, "TO" | "FROM" | "IN" | "ALL" | "FUTURE")
    };
    let unknown = level(object_type).is_none();
    let slip = unknown && (near_type(&sql).is_some() || sql.split(' ').next().and_then(near_type).is_some());
    let starts_known = unknown && super::words::longest_type(&split(&sql)).is_some();
    if sql.split(' ').all(word) && sql.split(' ').count() <= 5 && !slip && !starts_known {
        Ok(sql)
    } else {
        Err(RenderError::Type(object_type.as_str().to_owned()))
    }
}

fn split(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

/// The full name, with as many parts as the type has.
fn full_name(object: &ObjectRef) -> Rendered {
    let fits = matches!(
        (level(&object.object_type), &object.database, &object.schema),
        (None | Some(Level::Account), None, None)
            | (None | Some(Level::Database), Some(_), None)
            | (None | Some(Level::Schema), Some(_), Some(_))
    );
    if !fits || object.object_type.has_signature() != object.signature.is_some() {
        return Err(RenderError::Name(object.quoted(), object.object_type.sql()));
    }
    if let Some(signature) = &object.signature {
        check_signature(signature)?;
    }
    Ok(object.quoted())
}

/// Argument types are written as they are, so they may hold nothing but types.
fn check_signature(signature: &Signature) -> Rendered<()> {
    let text = signature.as_str();
    let mut depth = 0_i64;
    for c in text.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        let plain =
            c.is_ascii_uppercase() || c.is_ascii_digit() || matches!(c, '_' | ' ' | ',' | '(' | ')' | '.' | '$');
        if depth < 0 || !plain {
            return Err(RenderError::Signature(text.to_owned()));
        }
    }
    let empty_part = !text.is_empty() && text.split(',').any(|p| p.trim().is_empty());
    if depth != 0 || empty_part { Err(RenderError::Signature(text.to_owned())) } else { Ok(()) }
}

/// Type and name in GRANT and REVOKE.
fn on_object(object: &ObjectRef, privilege: &Privilege) -> Rendered {
    if object.object_type == ObjectType::ACCOUNT {
        return Ok("ACCOUNT".to_owned());
    }
    let name = full_name(object)?;
    let words = match (object.object_type.as_str(), privilege.as_str()) {
        ("HYBRID_TABLE", _) => "TABLE".to_owned(),
        ("MATERIALIZED_VIEW", "OWNERSHIP") => "VIEW".to_owned(),
        ("APPLICATION", "IMPORTED PRIVILEGES") => "DATABASE".to_owned(),
        _ => type_words(&object.object_type)?,
    };
    Ok(format!("{words} {name}"))
}

/// Type and name in CREATE, ALTER and DROP, which know only the types of the catalogue.
fn ddl_object(object: &ObjectRef) -> Rendered {
    let is_principal = Principal::from_object(object).is_some();
    if level(&object.object_type).is_none() || is_principal || object.object_type == ObjectType::ACCOUNT {
        return Err(RenderError::Type(object.object_type.as_str().to_owned()));
    }
    Ok(format!("{} {}", type_words(&object.object_type)?, full_name(object)?))
}

fn container_target(word: &str, object_type: &ObjectType, container: &Container) -> Rendered {
    let sql = type_words(object_type)?;
    let plural = object_type.plural_sql();
    let reads_back = ObjectType::from_plural(&plural).as_ref() == Some(object_type);
    if !reads_back || (level(object_type).is_none() && near_plural(&plural).is_some()) {
        return Err(RenderError::Type(sql));
    }
    let within = match container {
        Container::Account if word == "FUTURE" => {
            return Err(RenderError::Unsayable("future grants are in a database or a schema".to_owned()));
        }
        Container::Account => "ACCOUNT".to_owned(),
        Container::Database(d) => format!("DATABASE {}", d.quoted()),
        Container::Schema(d, s) => format!("SCHEMA {}.{}", d.quoted(), s.quoted()),
    };
    Ok(format!("{word} {plural} IN {within}"))
}

fn create(object: &ObjectRef, properties: &Properties) -> Rendered {
    let what = ddl_object(object)?;
    let mut sql = match object.object_type.as_str() {
        // CREATE DATABASE makes this schema on the platform.
        "SCHEMA" if object.name.as_str() == "PUBLIC" => {
            let words = object.object_type.sql();
            format!("CREATE {words} IF NOT EXISTS {}", object.quoted())
        }
        _ => format!("CREATE {what}"),
    };
    if object.object_type.is_relation() && object.object_type.as_str().ends_with("TABLE") {
        sql.push_str(" ()");
    }
    if properties.is_true(Property::ManagedAccess) && object.object_type == ObjectType::SCHEMA {
        sql.push_str(" WITH MANAGED ACCESS");
    }
    if let Some(kind) = properties.get(Property::Kind).filter(|k| *k != "STANDARD") {
        let text = format!("{} is of kind {kind}: what it is made from is not known", object.shown());
        return Err(RenderError::Unsayable(text));
    }
    sql.push_str(&settings(properties, &object.object_type)?);
    Ok(sql)
}

/// ` NAME = value` for each property that is state, in order.
fn settings(properties: &Properties, object_type: &ObjectType) -> Rendered {
    let mut sql = String::new();
    for (property, value) in properties.iter().filter(|(p, _)| p.is_state()) {
        if matches!(property, Property::ManagedAccess | Property::Kind) && has_property(object_type, property) {
            continue;
        }
        let _ = write!(sql, " {}", setting(property, value, object_type)?);
    }
    Ok(sql)
}

fn setting(property: Property, value: &str, object_type: &ObjectType) -> Rendered {
    let sayable = property.is_state() && !matches!(property, Property::ManagedAccess | Property::Kind);
    if !sayable || !has_property(object_type, property) {
        let text = format!("{property:?} is no property of a {} that SQL can set", object_type.sql());
        return Err(RenderError::Property(text));
    }
    let wrong = || RenderError::Property(format!("{property:?} cannot have the value {value:?}"));
    let sql = match property.value_kind() {
        // A name of its own is said as a name: a string would be folded by the platform.
        ValueKind::Text if matches!(property, Property::DefaultRole | Property::DefaultWarehouse) => {
            Ident::new(value).map_or_else(|_| text_literal(value), |name| name.quoted().to_string())
        }
        ValueKind::Text => text_literal(value),
        ValueKind::Boolean => match value {
            "true" => "TRUE".to_owned(),
            "false" => "FALSE".to_owned(),
            _ => return Err(wrong()),
        },
        ValueKind::List => match value {
            "ALL" => "('ALL')".to_owned(),
            "" => "()".to_owned(),
            _ => return Err(wrong()),
        },
        ValueKind::Word if Ident::is_plain(value) => value.to_owned(),
        ValueKind::Word => return Err(wrong()),
    };
    Ok(format!("{} = {sql}", property.as_str()))
}

fn alter(what: &str, object_type: &ObjectType, property: Property, value: Option<&str>) -> Rendered {
    let Some(value) = value else {
        // The same checks as for a value that the property can have.
        let probe = match property.value_kind() {
            ValueKind::Boolean => "false",
            ValueKind::Word => "PERSON",
            ValueKind::Text | ValueKind::List => "",
        };
        setting(property, probe, object_type)?;
        return Ok(format!("ALTER {what} UNSET {}", property.as_str()));
    };
    Ok(format!("ALTER {what} SET {}", setting(property, value, object_type)?))
}
