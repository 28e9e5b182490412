//! How `ACCOUNT_USAGE` spells types, grantees and names.

use grantd_catalog::model::{ObjectRef, ObjectType, Principal, PrincipalKind, Signature};

/// `GRANTED_ON`: internal names where Snowflake has them.
pub(super) fn granted_on(object_type: &ObjectType) -> &str {
    match object_type.as_str() {
        "AGENT" => "CORTEX_AGENT",
        "DATA_METRIC_FUNCTION" => "FUNCTION",
        "EXTERNAL_VOLUME" => "VOLUME",
        "HYBRID_TABLE" => "TABLE",
        "MCP_SERVER" => "CORTEX_AGENT_SERVER",
        "MODEL" => "MODULE",
        "MODEL_MONITOR" => "QUALITY_MONITOR",
        other => other,
    }
}

/// `GRANTED_TO`: account roles have a space, everything else underscores.
pub(super) fn granted_to(kind: PrincipalKind) -> &'static str {
    match kind {
        PrincipalKind::Role => "ACCOUNT ROLE",
        other => other.as_str(),
    }
}

/// A grantee, grantor or owner by name: database roles without their database, which no column has.
pub(super) fn principal_name(principal: &Principal) -> String {
    match principal.kind {
        PrincipalKind::DatabaseRole => principal.name.as_str().to_owned(),
        _ => principal.shown(),
    }
}

/// The own name of an object, as stored; functions and procedures with their arguments.
pub(super) fn object_name(object: &ObjectRef) -> String {
    match &object.signature {
        Some(signature) => format!("{}{}", object.name.as_str(), arguments(signature)),
        None => object.name.as_str().to_owned(),
    }
}

/// Arguments with names, as the platform prints them: `(ARG1 NUMBER, ARG2 VARCHAR)`. The sandbox keeps types only.
pub(super) fn arguments(signature: &Signature) -> String {
    let mut types: Vec<String> = vec![String::new()];
    let mut depth = 0_usize;
    for c in signature.as_str().chars() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                types.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(last) = types.last_mut() {
            last.push(c);
        }
    }
    let types = types.iter().map(|t| t.trim()).filter(|t| !t.is_empty());
    let named: Vec<String> = types.enumerate().map(|(i, t)| format!("ARG{} {t}", i + 1)).collect();
    format!("({})", named.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use grantd_catalog::model::Ident;

    fn id(text: &str) -> Ident {
        Ident::new(text).unwrap()
    }

    #[test]
    fn types_have_their_internal_names() {
        for (sql, want) in [
            ("AGENT", "CORTEX_AGENT"),
            ("MCP SERVER", "CORTEX_AGENT_SERVER"),
            ("EXTERNAL VOLUME", "VOLUME"),
            ("MODEL", "MODULE"),
            ("MODEL MONITOR", "QUALITY_MONITOR"),
            ("DATA METRIC FUNCTION", "FUNCTION"),
            ("HYBRID TABLE", "TABLE"),
            ("EXTERNAL TABLE", "EXTERNAL_TABLE"),
            ("CORTEX SEARCH SERVICE", "CORTEX_SEARCH_SERVICE"),
        ] {
            assert_eq!(granted_on(&ObjectType::new(sql)), want);
        }
    }

    #[test]
    fn only_account_roles_are_spelled_with_a_space() {
        assert_eq!(granted_to(PrincipalKind::Role), "ACCOUNT ROLE");
        assert_eq!(granted_to(PrincipalKind::DatabaseRole), "DATABASE_ROLE");
        assert_eq!(granted_to(PrincipalKind::ApplicationRole), "APPLICATION_ROLE");
        assert_eq!(granted_to(PrincipalKind::User), "USER");
    }

    #[test]
    fn database_roles_lose_their_database_and_names_stay_as_stored() {
        assert_eq!(principal_name(&Principal::database_role(id("DB"), id("my R"))), "my R");
        assert_eq!(principal_name(&Principal::role(id("odd \"Role\""))), "odd \"Role\"");
        assert_eq!(principal_name(&Principal::application_role(id("APP"), id("VIEWER"))), "APP.VIEWER");
    }

    #[test]
    fn functions_are_named_with_their_header() {
        let f = ObjectRef::in_schema(ObjectType::FUNCTION, id("D"), id("S"), id("F"));
        assert_eq!(
            object_name(&f.clone().with_signature("NUMBER, TABLE(DATE, NUMBER)")),
            "F(ARG1 NUMBER, ARG2 TABLE(DATE, NUMBER))"
        );
        assert_eq!(object_name(&f.with_signature("")), "F()");
    }
}
