//! `CALL EXPLAIN_GRANTABLE_PRIVILEGES()`: what can be granted on which type, as this sandbox takes it.

use super::show::one_text;
use crate::sandbox::protocol::engine::{Answer, Failure, StatementKind};
use grantd_catalog::model::{ObjectType, shipped_privileges};
use serde_json::{Map, Value, json};

/// The answer to a CALL: one row with one JSON text.
///
/// # Errors
/// Another procedure, or arguments, which would choose among the types.
pub(super) fn call(text: &str) -> Result<Answer, Failure> {
    let words: String = text.trim().trim_end_matches(';').split_whitespace().collect::<Vec<_>>().join(" ");
    let call = words.replace(' ', "").to_ascii_uppercase();
    if call != "CALLEXPLAIN_GRANTABLE_PRIVILEGES()" {
        return Err(Failure::unsupported("CALL of anything but EXPLAIN_GRANTABLE_PRIVILEGES()"));
    }
    one_text("EXPLAIN_GRANTABLE_PRIVILEGES", &catalogue().to_string(), StatementKind::Call)
}

/// Every type with its privileges and the ways to grant each.
fn catalogue() -> Value {
    let mut types: Vec<(&str, Map<String, Value>)> = Vec::new();
    for (object_type, privilege, _) in shipped_privileges() {
        if types.last().is_none_or(|(last, _)| *last != object_type) {
            types.push((object_type, Map::new()));
        }
        if let Some((_, privileges)) = types.last_mut() {
            privileges.insert(privilege.to_owned(), json!(grant_types(object_type, privilege)));
        }
    }
    let rows = types.into_iter().map(|(name, privileges)| {
        let object_type = ObjectType::new(name);
        json!({
            "parent": parent(&object_type),
            "singular": object_type.sql(),
            "plural": object_type.plural_sql(),
            "privileges": privileges,
        })
    });
    Value::Array(rows.collect())
}

fn parent(object_type: &ObjectType) -> Option<&'static str> {
    match object_type.as_str() {
        "ACCOUNT" => None,
        "SCHEMA" | "DATABASE_ROLE" => Some("DATABASE"),
        _ if object_type.is_account_level() => Some("ACCOUNT"),
        _ => Some("SCHEMA"),
    }
}

/// Bulk, future and inherited grants are for what lies in a database; ownership is never inherited.
fn grant_types(object_type: &str, privilege: &str) -> &'static [&'static str] {
    let object_type = ObjectType::new(object_type);
    match (object_type.is_account_level(), privilege) {
        (true, _) => &["INDIVIDUAL"],
        (false, "OWNERSHIP") => &["ALL", "FUTURE", "INDIVIDUAL"],
        (false, _) => &["ALL", "FUTURE", "INDIVIDUAL", "INHERITED"],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_has_every_type_once_with_its_ways_to_grant() {
        let types = catalogue();
        let types = types.as_array().unwrap();
        let find = |name: &str| types.iter().find(|t| t["singular"] == name).unwrap();
        assert_eq!(find("SEMANTIC VIEW")["privileges"]["SELECT"], json!(["ALL", "FUTURE", "INDIVIDUAL", "INHERITED"]));
        assert_eq!(find("WAREHOUSE")["privileges"]["USAGE"], json!(["INDIVIDUAL"]));
        assert!(find("SEMANTIC VIEW")["privileges"].get("INSERT").is_none());
        assert_eq!((&find("TABLE")["parent"], &find("TABLE")["plural"]), (&json!("SCHEMA"), &json!("TABLES")));
        let mut names: Vec<&str> = types.iter().map(|t| t["singular"].as_str().unwrap()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), types.len());
    }

    #[test]
    fn other_procedures_are_refused() {
        assert!(call("CALL EXPLAIN_GRANTABLE_PRIVILEGES();").is_ok());
        assert!(call("CALL MY_PROCEDURE()").is_err());
        assert!(call("CALL EXPLAIN_GRANTABLE_PRIVILEGES(object_type => 'TABLE')").is_err());
    }
}
