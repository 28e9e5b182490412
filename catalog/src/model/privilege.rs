//! Privileges and the table of what each object type offers.

use super::ObjectType;
use std::borrow::Cow;
use std::fmt;

/// A privilege by its name: `SELECT`, `CREATE EXTERNAL TABLE`. Any text, since live accounts carry undocumented ones.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Privilege(Cow<'static, str>);

impl Privilege {
    /// Ownership: one holder per object, implies every privilege of the type.
    pub const OWNERSHIP: Self = Self(Cow::Borrowed("OWNERSHIP"));
    /// Reach into a container; on a role, membership.
    pub const USAGE: Self = Self(Cow::Borrowed("USAGE"));
    /// Reading a relation.
    pub const SELECT: Self = Self(Cow::Borrowed("SELECT"));
    /// The right to grant and revoke as if owner.
    pub const MANAGE_GRANTS: Self = Self(Cow::Borrowed("MANAGE GRANTS"));
    /// Access to everything in a database made from a share; stored by the platform as USAGE and a fan-out.
    pub const IMPORTED_PRIVILEGES: Self = Self(Cow::Borrowed("IMPORTED PRIVILEGES"));

    /// Reads a privilege name: upper case, single spaces.
    pub fn new(text: &str) -> Self {
        Self(Cow::Owned(text.split_whitespace().collect::<Vec<_>>().join(" ").to_ascii_uppercase()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Privilege {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Privilege {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What OWNERSHIP implies, per type, OWNERSHIP itself aside: the offline table of `privilege_catalog`. A type not listed has OWNERSHIP only.
const BY_TYPE: &[(&str, &[&str])] = &[
    ("AGENT", &["MODIFY", "MONITOR", "USAGE"]),
    ("AGGREGATION_POLICY", &["APPLY"]),
    ("ALERT", &["MONITOR", "OPERATE"]),
    ("APPLICATION", &["MONITOR"]),
    ("APPLICATION_PACKAGE", &["ATTACH LISTING", "DEVELOP", "INSTALL", "MANAGE RELEASES", "MANAGE VERSIONS"]),
    ("APPLICATION_SERVICE", &["MONITOR", "OPERATE", "USAGE"]),
    ("ARTIFACT_REPOSITORY", &["READ"]),
    ("AUTHENTICATION_POLICY", &["APPLY"]),
    ("BACKUP_POLICY", &["USAGE"]),
    ("BACKUP_SET", &["USAGE"]),
    ("COMPUTE_POOL", &["MODIFY", "MONITOR", "OPERATE", "USAGE"]),
    ("CONNECTION", &["FAILOVER"]),
    ("CONTACT", &["APPLY", "MODIFY"]),
    ("CORTEX_EXTENSION", &["READ", "WRITE"]),
    ("CORTEX_SEARCH_SERVICE", &["MONITOR", "OPERATE", "USAGE"]),
    (
        "DATABASE",
        &[
            "APPLYBUDGET",
            "CREATE DATABASE ROLE",
            "CREATE SCHEMA",
            "EXECUTE AUTO CLASSIFICATION",
            "MODIFY",
            "MONITOR",
            "USAGE",
        ],
    ),
    ("DATASET", &["USAGE"]),
    ("DATA_METRIC_FUNCTION", &["USAGE"]),
    ("DBT_PROJECT", &["MONITOR", "USAGE"]),
    ("DYNAMIC_TABLE", &["MONITOR", "OPERATE", "SELECT"]),
    ("EVENT_TABLE", &["APPLYBUDGET", "DELETE", "INGEST TELEMETRY", "REFERENCES", "SELECT", "TRUNCATE"]),
    ("EXPERIMENT", &["MODIFY", "USAGE"]),
    ("EXTERNAL_TABLE", &["REFERENCES", "SELECT"]),
    ("EXTERNAL_VOLUME", &["USAGE"]),
    ("FAILOVER_GROUP", &["FAILOVER", "MODIFY", "MONITOR", "REPLICATE"]),
    ("FILE_FORMAT", &["USAGE"]),
    ("FUNCTION", &["USAGE"]),
    ("GATEWAY", &["MODIFY", "USAGE"]),
    ("GIT_REPOSITORY", &["READ", "WRITE"]),
    ("HYBRID_TABLE", &["APPLYBUDGET", "DELETE", "INSERT", "REFERENCES", "SELECT", "TRUNCATE", "UPDATE"]),
    ("ICEBERG_TABLE", &["APPLYBUDGET", "DELETE", "INSERT", "REFERENCES", "SELECT", "TRUNCATE", "UPDATE"]),
    ("IMAGE_REPOSITORY", &["READ", "WRITE"]),
    ("INTEGRATION", &["USAGE", "USE_ANY_ROLE"]),
    ("INTERACTIVE_TABLE", &["MONITOR", "REFERENCES", "SELECT"]),
    ("JOIN_POLICY", &["APPLY"]),
    ("LISTING", &["MODIFY", "USAGE"]),
    ("MASKING_POLICY", &["APPLY"]),
    ("MATERIALIZED_VIEW", &["APPLYBUDGET", "REFERENCES", "SELECT"]),
    ("MCP_SERVER", &["MODIFY", "USAGE"]),
    ("MODEL", &["READ", "USAGE"]),
    ("MODEL_MONITOR", &["MONITOR"]),
    ("NETWORK_POLICY", &["USAGE"]),
    ("NOTEBOOK", &["USAGE"]),
    ("ONLINE_FEATURE_TABLE", &["MONITOR", "SELECT"]),
    ("ORGANIZATION_PROFILE", &["MODIFY"]),
    ("PACKAGES_POLICY", &["APPLY", "USAGE"]),
    ("PASSWORD_POLICY", &["APPLY"]),
    ("PIPE", &["APPLYBUDGET", "MONITOR", "OPERATE"]),
    ("PRIVACY_POLICY", &["APPLY"]),
    ("PROCEDURE", &["USAGE"]),
    ("PROJECTION_POLICY", &["APPLY"]),
    ("PROVISIONED_THROUGHPUT", &["MONITOR", "USE"]),
    ("REPLICATION_GROUP", &["MODIFY", "MONITOR", "REPLICATE"]),
    ("RESOURCE_MONITOR", &["MODIFY", "MONITOR"]),
    ("RESTRICTED_SESSION_SCOPE", &["MODIFY", "USAGE"]),
    ("ROW_ACCESS_POLICY", &["APPLY"]),
    (
        "SCHEMA",
        &[
            "ADD SEARCH OPTIMIZATION",
            "APPLYBUDGET",
            "CREATE AGENT",
            "CREATE AGGREGATION POLICY",
            "CREATE ALERT",
            "CREATE APPLICATION SERVICE",
            "CREATE ARTIFACT REPOSITORY",
            "CREATE AUTHENTICATION POLICY",
            "CREATE BACKUP POLICY",
            "CREATE BACKUP SET",
            "CREATE CONTACT",
            "CREATE CORTEX SEARCH SERVICE",
            "CREATE DATA METRIC FUNCTION",
            "CREATE DATA MOVEMENT POLICY",
            "CREATE DATA MOVEMENT RULE",
            "CREATE DATASET",
            "CREATE DBT PROJECT",
            "CREATE DYNAMIC TABLE",
            "CREATE EVENT TABLE",
            "CREATE EXPERIMENT",
            "CREATE EXTERNAL TABLE",
            "CREATE FILE FORMAT",
            "CREATE FUNCTION",
            "CREATE GATEWAY",
            "CREATE GIT REPOSITORY",
            "CREATE HYBRID TABLE",
            "CREATE ICEBERG TABLE",
            "CREATE IMAGE REPOSITORY",
            "CREATE INTERACTIVE TABLE",
            "CREATE JOIN POLICY",
            "CREATE MASKING POLICY",
            "CREATE MATERIALIZED VIEW",
            "CREATE MCP SERVER",
            "CREATE MODEL",
            "CREATE MODEL MONITOR",
            "CREATE NETWORK RULE",
            "CREATE NOTEBOOK",
            "CREATE ONLINE FEATURE TABLE",
            "CREATE PACKAGES POLICY",
            "CREATE PASSWORD POLICY",
            "CREATE PIPE",
            "CREATE PRIVACY POLICY",
            "CREATE PROCEDURE",
            "CREATE PROJECTION POLICY",
            "CREATE RESTRICTED SESSION SCOPE",
            "CREATE ROW ACCESS POLICY",
            "CREATE SECRET",
            "CREATE SEMANTIC VIEW",
            "CREATE SEQUENCE",
            "CREATE SERVICE",
            "CREATE SESSION POLICY",
            "CREATE SNAPSHOT",
            "CREATE SNAPSHOT POLICY",
            "CREATE SNAPSHOT SET",
            "CREATE STAGE",
            "CREATE STORAGE LIFECYCLE POLICY",
            "CREATE STREAM",
            "CREATE STREAMLIT",
            "CREATE TABLE",
            "CREATE TAG",
            "CREATE TASK",
            "CREATE TYPE",
            "CREATE VIEW",
            "CREATE WORKSPACE",
            "EXECUTE AUTO CLASSIFICATION",
            "MODIFY",
            "MONITOR",
            "USAGE",
        ],
    ),
    ("SECRET", &["MODIFY", "READ", "USAGE"]),
    ("SEMANTIC_VIEW", &["MONITOR", "REFERENCES", "SELECT"]),
    ("SEQUENCE", &["USAGE"]),
    ("SERVICE", &["DROP", "MONITOR", "OPERATE"]),
    ("SESSION_POLICY", &["APPLY"]),
    ("SNAPSHOT", &["USAGE"]),
    ("SNAPSHOT_POLICY", &["USAGE"]),
    ("SNAPSHOT_SET", &["USAGE"]),
    ("STAGE", &["READ", "USAGE", "WRITE"]),
    ("STORAGE_LIFECYCLE_POLICY", &["APPLY"]),
    ("STREAM", &["SELECT"]),
    ("STREAMLIT", &["USAGE"]),
    (
        "TABLE",
        &[
            "APPLYBUDGET",
            "DELETE",
            "EVOLVE SCHEMA",
            "INSERT",
            "REFERENCES",
            "SELECT",
            "SELECT ERROR TABLE",
            "TRUNCATE",
            "UPDATE",
        ],
    ),
    ("TAG", &["APPLY", "READ"]),
    ("TASK", &["APPLYBUDGET", "MONITOR", "OPERATE"]),
    ("TYPE", &["USAGE"]),
    ("USER", &["IMPERSONATE", "MODIFY PROGRAMMATIC AUTHENTICATION METHODS", "MONITOR"]),
    ("VIEW", &["REFERENCES", "SELECT"]),
    ("WAREHOUSE", &["APPLYBUDGET", "MANAGE ATTACHED TABLES", "MODIFY", "MONITOR", "OPERATE", "USAGE"]),
    ("WORKSPACE", &["READ", "WRITE"]),
];

/// The privileges that a type offers and OWNERSHIP of it implies, OWNERSHIP itself aside; in order.
///
/// `MANAGE GRANTS` on a database or schema is not among them: owning a container does not give it.
pub fn privileges_of(object_type: &ObjectType) -> &'static [&'static str] {
    BY_TYPE
        .binary_search_by_key(&object_type.as_str(), |(name, _)| name)
        .ok()
        .and_then(|i| BY_TYPE.get(i))
        .map_or(&[], |(_, privileges)| privileges)
}

/// Privileges that a type offers and OWNERSHIP of it does not imply.
const NOT_IMPLIED: &[(&str, &str)] = &[
    ("DATABASE", "IMPORTED PRIVILEGES"),
    ("DATABASE", "MANAGE GRANTS"),
    ("DATABASE", "REFERENCE_USAGE"),
    ("SCHEMA", "MANAGE GRANTS"),
    ("STREAMLIT", "EMBED"),
];

/// Every type of the table with each privilege that it offers, OWNERSHIP first, and whether OWNERSHIP implies it; in
/// order of type.
pub fn shipped_privileges() -> impl Iterator<Item = (&'static str, &'static str, bool)> {
    BY_TYPE.iter().flat_map(|(object_type, implied)| {
        let others = NOT_IMPLIED.iter().filter(move |(t, _)| t == object_type).map(|(_, p)| (*p, false));
        let all = std::iter::once(("OWNERSHIP", true)).chain(implied.iter().map(|p| (*p, true))).chain(others);
        all.map(move |(privilege, implied)| (*object_type, privilege, implied))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_for_the_search() {
        assert!(BY_TYPE.is_sorted_by_key(|(name, _)| *name));
        for (name, privileges) in BY_TYPE {
            assert!(privileges.is_sorted(), "{name}");
        }
    }

    #[test]
    fn the_catalogue_marks_what_ownership_does_not_imply() {
        let rows: Vec<_> = shipped_privileges().collect();
        assert!(rows.contains(&("TABLE", "SELECT", true)) && rows.contains(&("TABLE", "OWNERSHIP", true)));
        assert!(rows.contains(&("STREAMLIT", "EMBED", false)) && rows.contains(&("SCHEMA", "MANAGE GRANTS", false)));
        for (object_type, privilege, implied) in &rows {
            let by_table = privileges_of(&ObjectType::new(object_type)).contains(privilege);
            assert_eq!(*implied, by_table || *privilege == "OWNERSHIP", "{object_type} {privilege}");
        }
        let mut distinct: Vec<_> = rows.iter().map(|(t, p, _)| (*t, *p)).collect();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), rows.len());
    }

    #[test]
    fn ownership_of_a_streamlit_does_not_imply_embed() {
        assert_eq!(privileges_of(&ObjectType::new("STREAMLIT")), ["USAGE"]);
        assert!(privileges_of(&ObjectType::SCHEMA).contains(&"CREATE TABLE"));
        assert!(!privileges_of(&ObjectType::SCHEMA).contains(&"MANAGE GRANTS"));
    }
}
