//! What a login holds against what it needs: pure rules over rows of SHOW GRANTS.
//!
//! The list of needed rights is that of `grantd setup`; whatever else is there is more than needed.

use super::{Finding, Status};
use grantd_catalog::model::Ident;
use std::collections::BTreeMap;

/// A row of SHOW GRANTS TO, and through whom the login has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) privilege: String,
    /// Type of the object, as the platform writes it: `DATABASE_ROLE`.
    pub(super) granted_on: String,
    /// The object, as the platform writes it.
    pub(super) name: String,
    /// The role, or the user, that holds it.
    pub(super) holder: String,
}

impl Held {
    fn is(&self, privilege: &str, granted_on: &str) -> bool {
        self.privilege == privilege && self.granted_on == granted_on
    }

    /// A database role of the database SNOWFLAKE, without the database.
    pub(super) fn platform_role(&self) -> Option<&str> {
        if !self.is("USAGE", "DATABASE_ROLE") {
            return None;
        }
        self.name.strip_prefix("SNOWFLAKE.").or_else(|| self.name.strip_prefix("\"SNOWFLAKE\"."))
    }

    /// An account role that the holder has.
    pub(super) fn account_role(&self) -> Option<Ident> {
        if self.is("USAGE", "ROLE") { unquoted(&self.name) } else { None }
    }
}

/// A name as the platform shows it: in quotes where it needs them, and sometimes without although it does.
fn unquoted(name: &str) -> Option<Ident> {
    match name.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) if inner.replace("\"\"", "").contains('"') => None,
        Some(inner) => Ident::new(inner.replace("\"\"", "\"")).ok(),
        None => Ident::new(name).ok(),
    }
}

/// The role and the warehouse that are meant to be used.
pub(super) struct Expected<'a> {
    pub(super) role: &'a Ident,
    pub(super) warehouse: Option<&'a Ident>,
}

/// What is missing, and what each costs.
pub(super) fn missing(held: &[Held], expected: &Expected) -> Vec<Finding> {
    let role = expected.role.quoted();
    let everything =
        held.iter().any(|h| h.is("USAGE", "DATABASE") && unquoted(&h.name).is_some_and(|n| n.as_str() == "SNOWFLAKE"));
    let platform = |name: &str| everything || held.iter().any(|h| h.platform_role() == Some(name));
    let on_account = |privilege: &str| held.iter().any(|h| h.is(privilege, "ACCOUNT"));
    let mut found = Vec::new();
    let mut need = |has: bool, right: String, without: Status, cost: &str, grant: String| {
        found.push(if has {
            Finding::ok("right", right)
        } else {
            Finding { check: "right", status: without, detail: format!("{right} is missing: {cost}"), fix: Some(grant) }
        });
    };
    let view_roles = [
        ("SECURITY_VIEWER", Status::Fail, "users, roles and grants cannot be read, so there is no sync"),
        ("OBJECT_VIEWER", Status::Warn, "objects are known only where something is granted on them"),
    ];
    for (name, without, cost) in view_roles {
        let grant = format!("GRANT DATABASE ROLE SNOWFLAKE.{name} TO ROLE {role};");
        need(platform(name), format!("database role SNOWFLAKE.{name}"), without, cost, grant);
    }
    let account = [
        ("MONITOR USER", "properties of users are as old as the views, up to two hours"),
        ("MONITOR ROLE", "roles are as old as the views, up to two hours"),
        ("RESOLVE ALL", "SHOW lists no warehouse, integration, database or schema that the role has nothing on"),
    ];
    for (privilege, cost) in account {
        let grant = format!("GRANT {privilege} ON ACCOUNT TO ROLE {role};");
        need(on_account(privilege), format!("{privilege} on the account"), Status::Warn, cost, grant);
    }
    match expected.warehouse {
        Some(warehouse) => {
            let usable = |h: &&Held| h.is("USAGE", "WAREHOUSE") && unquoted(&h.name).as_ref() == Some(warehouse);
            let grant = format!("GRANT USAGE ON WAREHOUSE {} TO ROLE {role};", warehouse.quoted());
            let right = format!("USAGE on warehouse {}", warehouse.shown());
            need(
                held.iter().any(|h| usable(&h)),
                right,
                Status::Fail,
                "no view can be read, so there is no sync",
                grant,
            );
        }
        None => found.push(Finding {
            check: "right",
            status: Status::Warn,
            detail: "no warehouse is configured: the user's default has to be one that the role may use".to_owned(),
            fix: Some("warehouse = \"GRANTD_WH\" in [[account]]".to_owned()),
        }),
    }
    found
}

/// What the login has beyond its needs: one finding per holder, privilege and type, with the number and an example.
pub(super) fn surplus(held: &[Held], expected: &Expected) -> Vec<Finding> {
    let mut groups: BTreeMap<(Status, &str, &str, &str), Vec<&Held>> = BTreeMap::new();
    for h in held {
        if let Some(status) = beyond(h, expected) {
            groups.entry((status, &h.holder, &h.privilege, &h.granted_on)).or_default().push(h);
        }
    }
    let mut found: Vec<Finding> = Vec::new();
    for ((status, holder, privilege, granted_on), rows) in groups {
        let example = rows.first().map(|h| h.name.as_str()).unwrap_or_default();
        let number = if rows.len() == 1 { String::new() } else { format!(" and {} others", rows.len() - 1) };
        let through = match holder {
            "PUBLIC" => " through PUBLIC, as everybody has it".to_owned(),
            own if own == expected.role.as_str() => String::new(),
            other => format!(" through {other}"),
        };
        let what = match status {
            Status::Fail => "it can change something",
            _ => why_harmless(privilege, granted_on, example),
        };
        found.push(Finding {
            check: "surplus",
            status,
            detail: format!("{privilege} on {granted_on} {example}{number}{through}: {what}"),
            fix: revoke(holder, privilege, granted_on, example, expected),
        });
    }
    found.sort_by_key(|f| std::cmp::Reverse(f.status));
    found
}

fn why_harmless(privilege: &str, granted_on: &str, example: &str) -> &'static str {
    if granted_on == "DATABASE_ROLE" && example.contains("GOVERNANCE_VIEWER") {
        "it reads the text and bind values of queries, which can hold data; wanted only for who used what"
    } else if granted_on == "DATABASE" && example.trim_matches('"') == "SNOWFLAKE" {
        "imported privileges give every view of the platform, the text of queries among them"
    } else if privilege == "SELECT" || privilege == "READ" {
        "it reads data, which grantd does not need"
    } else {
        "grantd does not need it"
    }
}

/// Whether a row is more than is needed, and how bad that is.
fn beyond(h: &Held, expected: &Expected) -> Option<Status> {
    let needed = match (h.privilege.as_str(), h.granted_on.as_str()) {
        ("MONITOR USER" | "MONITOR ROLE" | "RESOLVE ALL", "ACCOUNT") => true,
        ("USAGE", "WAREHOUSE") => expected.warehouse.is_none_or(|w| unquoted(&h.name).as_ref() == Some(w)),
        ("USAGE", "ROLE") => unquoted(&h.name).as_ref() == Some(expected.role),
        ("USAGE", "DATABASE_ROLE") => matches!(h.platform_role(), Some("SECURITY_VIEWER" | "OBJECT_VIEWER")),
        _ => false,
    };
    if needed {
        return None;
    }
    // What PUBLIC can read belongs to everybody; what it can change is a finding of its own.
    let reads = reads_only(&h.privilege);
    match (reads, h.holder == "PUBLIC") {
        (true, true) => None,
        (true, false) => Some(Status::Warn),
        (false, _) => Some(Status::Fail),
    }
}

/// Privileges that change nothing by themselves.
fn reads_only(privilege: &str) -> bool {
    matches!(privilege, "USAGE" | "SELECT" | "READ" | "REFERENCES" | "REFERENCE_USAGE" | "RESOLVE ALL" | "VIEW LINEAGE")
        || privilege.starts_with("MONITOR")
        || privilege.starts_with("AUDIT")
}

/// The statement that takes it away, where the platform's spelling of the name can be trusted to be one.
fn revoke(holder: &str, privilege: &str, granted_on: &str, name: &str, expected: &Expected) -> Option<String> {
    let from = match holder {
        "PUBLIC" => "\"PUBLIC\"".to_owned(),
        own if own == expected.role.as_str() => expected.role.quoted().to_string(),
        _ => return None,
    };
    match granted_on {
        "ACCOUNT" => Some(format!("REVOKE {privilege} ON ACCOUNT FROM ROLE {from};")),
        "ROLE" => unquoted(name).map(|role| format!("REVOKE ROLE {} FROM ROLE {from};", role.quoted())),
        "WAREHOUSE" | "DATABASE" => {
            unquoted(name).map(|n| format!("REVOKE {privilege} ON {granted_on} {} FROM ROLE {from};", n.quoted()))
        }
        _ => None,
    }
    .filter(|_| privilege != "OWNERSHIP" && privilege.chars().all(|c| c.is_ascii_uppercase() || matches!(c, ' ' | '_')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(rows: &[(&str, &str, &str, &str)]) -> Vec<Held> {
        let row = |(privilege, granted_on, name, holder): &(&str, &str, &str, &str)| Held {
            privilege: (*privilege).to_owned(),
            granted_on: (*granted_on).to_owned(),
            name: (*name).to_owned(),
            holder: (*holder).to_owned(),
        };
        rows.iter().map(row).collect()
    }

    const R: &str = "GRANTD_SYNC";
    const SETUP: [(&str, &str, &str, &str); 6] = [
        ("USAGE", "WAREHOUSE", "GRANTD_WH", R),
        ("USAGE", "DATABASE_ROLE", "SNOWFLAKE.SECURITY_VIEWER", R),
        ("USAGE", "DATABASE_ROLE", "SNOWFLAKE.OBJECT_VIEWER", R),
        ("MONITOR USER", "ACCOUNT", "MYACCOUNT", R),
        ("MONITOR ROLE", "ACCOUNT", "MYACCOUNT", R),
        ("RESOLVE ALL", "ACCOUNT", "MYACCOUNT", R),
    ];

    fn findings(rows: &[(&str, &str, &str, &str)]) -> Vec<Finding> {
        let (role, warehouse) = (Ident::new(R).unwrap(), Ident::new("GRANTD_WH").unwrap());
        let expected = Expected { role: &role, warehouse: Some(&warehouse) };
        let held = held(rows);
        let mut found = missing(&held, &expected);
        found.extend(surplus(&held, &expected));
        found
    }

    #[test]
    fn what_setup_grants_is_enough_and_not_too_much() {
        let found = findings(&SETUP);
        assert_eq!(found.len(), SETUP.len());
        assert!(found.iter().all(|f| f.status == Status::Ok), "{found:?}");
    }

    #[test]
    fn every_missing_right_says_what_it_costs_and_how_to_grant_it() {
        for (at, row) in SETUP.iter().enumerate() {
            let rest: Vec<_> = SETUP.iter().enumerate().filter(|(i, _)| *i != at).map(|(_, r)| *r).collect();
            let found = findings(&rest);
            let wrong: Vec<_> = found.iter().filter(|f| f.status != Status::Ok).collect();
            assert_eq!(wrong.len(), 1, "{row:?}: {found:?}");
            assert!(wrong[0].fix.as_deref().is_some_and(|fix| fix.starts_with("GRANT ")), "{:?}", wrong[0]);
            let fatal = matches!(row.2, "GRANTD_WH" | "SNOWFLAKE.SECURITY_VIEWER");
            assert_eq!(wrong[0].status == Status::Fail, fatal, "{row:?}");
        }
    }

    #[test]
    fn what_can_change_something_fails_whoever_holds_it() {
        for (row, fix) in [
            (("MANAGE GRANTS", "ACCOUNT", "A", R), Some("REVOKE MANAGE GRANTS ON ACCOUNT FROM ROLE \"GRANTD_SYNC\";")),
            (("OWNERSHIP", "TABLE", "DB.S.T", R), None),
            (("INSERT", "TABLE", "DB.S.T", "PUBLIC"), None),
            (
                ("CREATE DATABASE", "ACCOUNT", "A", "PUBLIC"),
                Some("REVOKE CREATE DATABASE ON ACCOUNT FROM ROLE \"PUBLIC\";"),
            ),
        ] {
            let found = findings(&[&SETUP[..], &[row]].concat());
            let last = found.last().unwrap();
            assert_eq!((last.status, last.fix.as_deref()), (Status::Fail, fix), "{row:?}");
        }
    }

    #[test]
    fn what_only_reads_is_a_warning_for_the_role_and_nothing_for_public() {
        let found = findings(
            &[&SETUP[..], &[("SELECT", "TABLE", "DB.S.T", R), ("SELECT", "VIEW", "DB.S.V", "PUBLIC")]].concat(),
        );
        let more: Vec<_> = found.iter().filter(|f| f.check == "surplus").collect();
        assert_eq!(more.len(), 1);
        assert_eq!(more[0].detail, "SELECT on TABLE DB.S.T: it reads data, which grantd does not need");
    }

    #[test]
    fn imported_privileges_stand_for_the_viewer_roles_and_are_too_much() {
        let rows: Vec<_> = SETUP.iter().copied().filter(|r| r.1 != "DATABASE_ROLE").collect();
        let found = findings(&[&rows[..], &[("USAGE", "DATABASE", "SNOWFLAKE", R)]].concat());
        let wrong: Vec<_> = found.iter().filter(|f| f.status != Status::Ok).collect();
        assert!(wrong.len() == 1 && wrong[0].detail.contains("imported privileges"), "{wrong:?}");
    }

    #[test]
    fn names_in_quotes_are_the_same_names() {
        let rows: Vec<_> =
            SETUP.iter().map(|r| if r.1 == "WAREHOUSE" { (r.0, r.1, "\"GRANTD_WH\"", r.3) } else { *r }).collect();
        assert!(findings(&rows).iter().all(|f| f.status == Status::Ok));
    }
}
