//! The words of the grammar: object types and where their objects live, privileges on the account, near misses.

use crate::model::{ObjectType, Privilege, privileges_of};

/// Where objects of a type live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// In the account: names have one part.
    Account,
    /// In a database: two parts.
    Database,
    /// In a schema: three parts.
    Schema,
}

use Level::{Account as A, Database as D, Schema as S};

/// Every object type of the catalogue, as GRANT spells it.
const TYPES: &[(&str, Level)] = &[
    ("AGENT", S),
    ("AGGREGATION POLICY", S),
    ("ALERT", S),
    ("APPLICATION", A),
    ("APPLICATION PACKAGE", A),
    ("APPLICATION ROLE", D),
    ("APPLICATION SERVICE", S),
    ("ARTIFACT REPOSITORY", S),
    ("AUTHENTICATION POLICY", S),
    ("BACKUP POLICY", S),
    ("BACKUP SET", S),
    ("COMPUTE POOL", A),
    ("CONNECTION", A),
    ("CONTACT", S),
    ("CORTEX EXTENSION", S),
    ("CORTEX SEARCH SERVICE", S),
    ("DATA EXCHANGE", A),
    ("DATA METRIC FUNCTION", S),
    ("DATA MOVEMENT POLICY", S),
    ("DATA MOVEMENT RULE", S),
    ("DATABASE", A),
    ("DATABASE ROLE", D),
    ("DATASET", S),
    ("DBT PROJECT", S),
    ("DYNAMIC TABLE", S),
    ("EVENT TABLE", S),
    ("EXPERIMENT", S),
    ("EXTERNAL TABLE", S),
    ("EXTERNAL VOLUME", A),
    ("FAILOVER GROUP", A),
    ("FEATURE POLICY", S),
    ("FILE FORMAT", S),
    ("FUNCTION", S),
    ("GATEWAY", S),
    ("GIT REPOSITORY", S),
    ("HYBRID TABLE", S),
    ("ICEBERG TABLE", S),
    ("IMAGE REPOSITORY", S),
    ("INTEGRATION", A),
    ("INTERACTIVE TABLE", S),
    ("JOIN POLICY", S),
    ("LISTING", A),
    ("MASKING POLICY", S),
    ("MATERIALIZED VIEW", S),
    ("MCP SERVER", S),
    ("MODEL", S),
    ("MODEL MONITOR", S),
    ("NETWORK POLICY", A),
    ("NETWORK RULE", S),
    ("NOTEBOOK", S),
    ("ONLINE FEATURE TABLE", S),
    ("ORGANIZATION PROFILE", A),
    ("PACKAGES POLICY", S),
    ("PASSWORD POLICY", S),
    ("PIPE", S),
    ("PRIVACY POLICY", S),
    ("PROCEDURE", S),
    ("PROJECTION POLICY", S),
    ("PROVISIONED THROUGHPUT", A),
    ("REPLICATION GROUP", A),
    ("RESOURCE MONITOR", A),
    ("RESTRICTED SESSION SCOPE", S),
    ("ROLE", A),
    ("ROW ACCESS POLICY", S),
    ("SCHEMA", D),
    ("SECRET", S),
    ("SEMANTIC VIEW", S),
    ("SEQUENCE", S),
    ("SERVICE", S),
    ("SESSION POLICY", S),
    ("SHARE", A),
    ("SNAPSHOT", S),
    ("SNAPSHOT POLICY", S),
    ("SNAPSHOT SET", S),
    ("STAGE", S),
    ("STORAGE LIFECYCLE POLICY", S),
    ("STREAM", S),
    ("STREAMLIT", S),
    ("TABLE", S),
    ("TAG", S),
    ("TASK", S),
    ("TYPE", S),
    ("USER", A),
    ("VIEW", S),
    ("WAREHOUSE", A),
    ("WORKSPACE", S),
];

/// Words before a type that make it a kind of the same type: `SECURE VIEW` is a view.
pub(super) const MODIFIERS: &[&str] =
    &["GLOBAL", "LOCAL", "RECURSIVE", "SECURE", "TEMP", "TEMPORARY", "TRANSIENT", "VOLATILE"];

/// Spellings in DDL of types that grants know by one word.
pub(super) const SPELLINGS: &[(&str, &str)] = &[
    ("AGGREGATE FUNCTION", "FUNCTION"),
    ("API INTEGRATION", "INTEGRATION"),
    ("CATALOG INTEGRATION", "INTEGRATION"),
    ("EXTERNAL ACCESS INTEGRATION", "INTEGRATION"),
    ("EXTERNAL FUNCTION", "FUNCTION"),
    ("NOTIFICATION INTEGRATION", "INTEGRATION"),
    ("SECURITY INTEGRATION", "INTEGRATION"),
    ("STORAGE INTEGRATION", "INTEGRATION"),
];

/// Privileges on the account: what `ALL` means `ON ACCOUNT`.
const GLOBAL: &[&str] = &[
    "APPLY AGGREGATION POLICY",
    "APPLY AUTHENTICATION POLICY",
    "APPLY BACKUP POLICY",
    "APPLY BACKUP RETENTION LOCK",
    "APPLY CONTACT",
    "APPLY DATA MOVEMENT POLICY",
    "APPLY FEATURE POLICY",
    "APPLY JOIN POLICY",
    "APPLY LEGAL HOLD",
    "APPLY MASKING POLICY",
    "APPLY PACKAGES POLICY",
    "APPLY PASSWORD POLICY",
    "APPLY PRIVACY POLICY",
    "APPLY PROJECTION POLICY",
    "APPLY ROW ACCESS POLICY",
    "APPLY SESSION POLICY",
    "APPLY STORAGE LIFECYCLE POLICY",
    "APPLY TAG",
    "ATTACH POLICY",
    "AUDIT",
    "BIND SERVICE ENDPOINT",
    "CANCEL QUERY",
    "CREATE ACCOUNT",
    "CREATE AGENT",
    "CREATE API INTEGRATION",
    "CREATE APPLICATION",
    "CREATE APPLICATION PACKAGE",
    "CREATE COMPUTE POOL",
    "CREATE DATA CONNECTIVITY PROXY",
    "CREATE DATABASE",
    "CREATE EXTERNAL ACCESS INTEGRATION",
    "CREATE EXTERNAL VOLUME",
    "CREATE FAILOVER GROUP",
    "CREATE FEATURE POLICY",
    "CREATE GATEWAY",
    "CREATE INTEGRATION",
    "CREATE LISTING",
    "CREATE NETWORK POLICY",
    "CREATE NOTIFICATION INTEGRATION",
    "CREATE ORGANIZATION LISTING",
    "CREATE ORGANIZATION PROFILE",
    "CREATE ORGANIZATION USER",
    "CREATE ORGANIZATION USER GROUP",
    "CREATE PREVIEW APPLICATION",
    "CREATE PROVISIONED THROUGHPUT",
    "CREATE REPLICATION GROUP",
    "CREATE ROLE",
    "CREATE SECURITY INTEGRATION",
    "CREATE SHARE",
    "CREATE STORAGE INTEGRATION",
    "CREATE USER",
    "CREATE WAREHOUSE",
    "EXECUTE ALERT",
    "EXECUTE AUTO CLASSIFICATION",
    "EXECUTE DATA METRIC FUNCTION",
    "EXECUTE MANAGED ALERT",
    "EXECUTE MANAGED TASK",
    "EXECUTE TASK",
    "IMPORT ORGANIZATION LISTING",
    "IMPORT ORGANIZATION USER GROUPS",
    "IMPORT SHARE",
    "MANAGE ACCOUNT SUPPORT CASES",
    "MANAGE ACCOUNTS",
    "MANAGE APPLICATION SPECIFICATIONS",
    "MANAGE CALLER GRANTS",
    "MANAGE CORTEX EXTENSION SECURITY SCAN",
    "MANAGE EVENT SHARING",
    "MANAGE GRANTS",
    "MANAGE LISTING AUTO FULFILLMENT",
    "MANAGE ORGANIZATION SUPPORT CASES",
    "MANAGE SERVICE CALLER ACCESS",
    "MANAGE SHARE TARGET",
    "MANAGE USER SUPPORT CASES",
    "MANAGE VISIBILITY",
    "MANAGE WAREHOUSES",
    "MODIFY LOG EVENT LEVEL",
    "MODIFY LOG LEVEL",
    "MODIFY METRIC LEVEL",
    "MODIFY SESSION LOG EVENT LEVEL",
    "MODIFY SESSION LOG LEVEL",
    "MODIFY SESSION METRIC LEVEL",
    "MODIFY SESSION TRACE LEVEL",
    "MODIFY TRACE LEVEL",
    "MONITOR",
    "MONITOR CORTEX EXTENSIONS",
    "MONITOR EXECUTION",
    "MONITOR ROLE",
    "MONITOR SECURITY",
    "MONITOR USAGE",
    "MONITOR USER",
    "OVERRIDE SHARE RESTRICTIONS",
    "PURCHASE DATA EXCHANGE LISTING",
    "READ SESSION",
    "REPLICATE",
    "RESOLVE ALL",
    "USE AI FUNCTIONS",
    "VIEW LINEAGE",
];

/// Privileges that no type's `ALL` gives but that a statement may name.
const OTHER: &[&str] =
    &["EMBED", "EVOLVE SCHEMA", "IMPORTED PRIVILEGES", "OWNERSHIP", "REBUILD", "REFERENCE_USAGE", "INSTANTIATE"];

/// Where objects of a known type live.
pub(super) fn level(object_type: &ObjectType) -> Option<Level> {
    let sql = object_type.sql();
    TYPES.iter().find(|(name, _)| *name == sql).map(|(_, level)| *level)
}

/// How many of `words` (upper case) name a known type, at most; and the type.
pub(super) fn longest_type(words: &[String]) -> Option<(usize, ObjectType)> {
    (1..=words.len().min(4)).rev().find_map(|n| {
        let text = words.get(..n)?.join(" ");
        if let Some((_, name)) = SPELLINGS.iter().find(|(spelling, _)| *spelling == text) {
            return Some((n, ObjectType::new(name)));
        }
        let object_type = ObjectType::new(&text);
        level(&object_type).map(|_| (n, object_type))
    })
}

/// How many of `words` (upper case) name the plural of a known type, at most; and the type.
pub(super) fn longest_plural(words: &[String]) -> Option<(usize, ObjectType)> {
    (1..=words.len().min(4)).rev().find_map(|n| {
        let object_type = ObjectType::from_plural(&words.get(..n)?.join(" "))?;
        level(&object_type).map(|_| (n, object_type))
    })
}

/// A known type that `text` probably means, as SQL spells it.
pub(super) fn near_type(text: &str) -> Option<String> {
    nearest(text, TYPES.iter().map(|(name, _)| *name)).map(str::to_owned)
}

/// A known plural that `text` probably means.
pub(super) fn near_plural(text: &str) -> Option<String> {
    let plurals: Vec<String> = TYPES.iter().map(|(name, _)| ObjectType::new(name).plural_sql()).collect();
    nearest(text, plurals.iter().map(String::as_str)).map(str::to_owned)
}

/// A known privilege that `text` probably means, if it is not one itself.
pub(super) fn near_privilege(text: &str) -> Option<String> {
    let known = || {
        let of_types = TYPES.iter().flat_map(|(name, _)| privileges_of(&ObjectType::new(name)).iter().copied());
        of_types.chain(GLOBAL.iter().copied()).chain(OTHER.iter().copied())
    };
    if known().any(|p| p == text) { None } else { nearest(text, known()).map(str::to_owned) }
}

/// The privileges that `ALL` means on a type, OWNERSHIP aside.
pub fn all_privileges(object_type: &ObjectType) -> Vec<Privilege> {
    let names = if *object_type == ObjectType::ACCOUNT { GLOBAL } else { privileges_of(object_type) };
    names.iter().map(|name| Privilege::new(name)).collect()
}

/// The candidate nearest to `text`, if it is near enough to be a slip: one edit in short words, two in longer ones.
pub(super) fn nearest<'a>(text: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let length = text.chars().count();
    let limit = match length {
        0..=2 => return None,
        3..=4 => 1,
        _ => 2,
    };
    let wanted: Vec<char> = text.chars().take(80).collect();
    candidates
        .filter(|c| c.len().abs_diff(text.len()) <= limit * 4)
        .map(|c| (distance(&wanted, c), c))
        .filter(|(d, _)| (1..=limit).contains(d))
        .min()
        .map(|(_, c)| c)
}

/// Edits (insert, delete, replace, swap neighbours) from one text to another; `a` is short.
fn distance(a: &[char], b: &str) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=a.len()).collect();
    let mut last: Option<char> = None;
    for (i, c) in b.chars().take(80).enumerate() {
        let mut next = vec![i + 1];
        for (j, d) in a.iter().enumerate() {
            let at = |r: &[usize], k: usize| r.get(k).copied().unwrap_or(usize::MAX / 2);
            let mut best = (at(&next, j) + 1).min(at(&row, j + 1) + 1).min(at(&row, j) + usize::from(c != *d));
            let swapped = j > 0 && last == Some(*d) && a.get(j - 1) == Some(&c);
            if swapped && c != *d {
                best = best.min(at(&before, j - 1) + 1);
            }
            next.push(best);
        }
        before = std::mem::replace(&mut row, next);
        last = Some(c);
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_told_from_another_word() {
        assert_eq!(near_privilege("SELCET").as_deref(), Some("SELECT"));
        assert_eq!(near_privilege("SELECT"), None);
        assert_eq!(near_privilege("MANAGE FIREWALL_CONFIGURATION"), None);
        assert_eq!(near_type("TABEL").as_deref(), Some("TABLE"));
        assert_eq!(near_plural("TABELS").as_deref(), Some("TABLES"));
        assert_eq!(nearest("AB", ["AC"].into_iter()), None);
    }

    #[test]
    fn the_longest_type_wins() {
        let words = |t: &str| t.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(longest_type(&words("CORTEX SEARCH SERVICE X")).unwrap().0, 3);
        assert_eq!(longest_type(&words("DATABASE ROLE")).unwrap().1, ObjectType::DATABASE_ROLE);
        assert_eq!(longest_type(&words("DATABASE X")).unwrap().1, ObjectType::DATABASE);
        assert_eq!(longest_type(&words("STORAGE INTEGRATION X")).unwrap(), (2, ObjectType::new("INTEGRATION")));
        assert_eq!(longest_plural(&words("MASKING POLICIES IN")).unwrap(), (2, ObjectType::new("MASKING POLICY")));
    }

    #[test]
    fn the_account_offers_its_global_privileges() {
        assert!(all_privileges(&ObjectType::ACCOUNT).contains(&Privilege::MANAGE_GRANTS));
        assert_eq!(all_privileges(&ObjectType::new("TASK")).len(), 3);
    }
}
