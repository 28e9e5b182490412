//! The spelling rules of the sources, each on rows as the platform prints them.

use super::*;
use crate::sync::table::Place;
use datafusion::arrow::array::{ArrayRef, StringArray};
use grantd_catalog::account::{ContainerGrant, Grant, Reach};
use grantd_catalog::model::{Container, ObjectType, PrincipalKind, Privilege, Property};
use grantd_catalog::snapshot::Snapshot;
use std::sync::Arc;

/// A table from a header line and rows, cells between bars; `-` is NULL.
fn table(kind: SourceKind, text: &str) -> SourceTable {
    let cells = |line: &str| line.split('|').map(|c| c.trim().to_owned()).collect::<Vec<_>>();
    let mut lines = text.lines().map(str::trim).filter(|l| !l.is_empty());
    let names = cells(lines.next().unwrap());
    let rows: Vec<Vec<String>> = lines.map(cells).collect();
    let columns = (0..names.len())
        .map(|i| {
            let values: Vec<Option<&str>> = rows.iter().map(|r| Some(r[i].as_str()).filter(|c| *c != "-")).collect();
            Arc::new(StringArray::from(values)) as ArrayRef
        })
        .collect();
    SourceTable::new(kind, Place::Statement(kind.name().to_owned()), names, vec![columns]).unwrap()
}

const USERS: &str = "NAME | DISABLED | DEFAULT_SECONDARY_ROLE | OWNER
    ALICE | false | ALL | USERADMIN
    USER$ODD | true | - | USERADMIN";
const ROLES: &str = "NAME | ROLE_TYPE | ROLE_DATABASE_NAME | OWNER
    ACCOUNTADMIN | ROLE | - | -
    ANALYST | ROLE | - | USERADMIN
    my \"odd\" Role | ROLE | - | USERADMIN
    READER | DATABASE_ROLE | RAW | SYSADMIN
    READER | DATABASE_ROLE | MART | SYSADMIN
    PUBLIC | ROLE | - | -";
const MEMBERS: &str = "ROLE | GRANTED_TO | GRANTEE_NAME | GRANTED_BY | CREATED_ON | DELETED_ON
    ANALYST | USER | ALICE | SECURITYADMIN | 2026-01-02 03:04:05 | -
    ANALYST | USER | USER$ALICE | USERADMIN | - | -
    ANALYST | USER | BOB | SECURITYADMIN | - | 2026-02-01 00:00:00";
const GRANTS: &str = "PRIVILEGE | GRANTED_ON | NAME | TABLE_CATALOG | TABLE_SCHEMA | GRANTED_TO | GRANTEE_NAME | GRANT_OPTION | GRANTED_BY | DELETED_ON
    USAGE | ROLE | ANALYST | - | - | ROLE | my \"odd\" Role | false | SECURITYADMIN | -
    USAGE | ROLE | SECURITYADMIN | - | - | ACCOUNT ROLE | ACCOUNTADMIN | true |  | -
    USAGE | DATABASE_ROLE | READER | RAW | - | ROLE | ANALYST | false | SYSADMIN | -
    SELECT | TABLE | ORDERS | RAW | S | DATABASE_ROLE | READER | true | SYSADMIN | -
    SELECT | TABLE | V | RAW | S | DATABASE_ROLE | RAW.READER | false | SYSADMIN | -
    OWNERSHIP | TABLE | ORDERS | RAW | S | ACCOUNT ROLE | ANALYST | true | SYSADMIN | -
    USAGE | FUNCTION | F(A NUMBER, B VARCHAR):VARIANT | RAW | S | ACCOUNT ROLE | ANALYST | false | SYSADMIN | -
    USAGE | FUNCTION | G | RAW | S | ACCOUNT ROLE | ANALYST | false | SYSADMIN | -
    CREATE ROLE | ACCOUNT | XY12345 | - | - | ACCOUNT ROLE | ANALYST | false |  | -
    SELECT | TABLE | GONE | RAW | S | ACCOUNT ROLE | ANALYST | false | SYSADMIN | -
    SELECT | TABLE | OLD | RAW | S | ACCOUNT ROLE | ANALYST | false | SYSADMIN | 2026-02-01 00:00:00
    USAGE | WAREHOUSE | WH | - | - | USER | ALICE | false | SYSADMIN | -
    USAGE | DATABASE | RAW | - | - | DATABASE_ROLE | READER | false |  | -
    USAGE | INTEGRATION | I | - | - | DATABASE_ROLE | READER | false | SYSADMIN | -
    USAGE | INTEGRATION | I | - | - | PLANET | MARS | false | SYSADMIN | -";
const TABLES: &str =
    "TABLE_NAME | TABLE_SCHEMA | TABLE_CATALOG | TABLE_OWNER | TABLE_TYPE | IS_DYNAMIC | IS_ICEBERG | DELETED
    ORDERS | S | RAW | SYSADMIN | BASE TABLE | NO | NO | -
    V | S | RAW | SYSADMIN | VIEW | NO | NO | -
    DT | S | RAW | SYSADMIN | BASE TABLE | YES | NO | -
    IT | S | RAW | SYSADMIN | BASE TABLE | NO | YES | -
    ET | S | RAW | SYSADMIN | EXTERNAL TABLE | - | - | -
    OLD | S | RAW | SYSADMIN | BASE TABLE | NO | NO | 2026-02-01 00:00:00";
const FUNCTIONS: &str = "FUNCTION_NAME | FUNCTION_SCHEMA | FUNCTION_CATALOG | ARGUMENT_SIGNATURE | FUNCTION_OWNER
    F | S | RAW | (A NUMBER, B VARCHAR) | SYSADMIN
    F | S | RAW | () | SYSADMIN
    G | S | RAW | (X DATE) | SYSADMIN";

fn base() -> Vec<SourceTable> {
    vec![
        table(SourceKind::Users, USERS),
        table(SourceKind::Roles, ROLES),
        table(SourceKind::GrantsToUsers, MEMBERS),
        table(SourceKind::GrantsToRoles, GRANTS),
        table(SourceKind::Tables, TABLES),
        table(SourceKind::Functions, FUNCTIONS),
    ]
}

fn id(text: &str) -> Ident {
    Ident::new(text).unwrap()
}

fn object(kind: &str, name: &str) -> ObjectRef {
    ObjectRef::in_schema(ObjectType::new(kind), id("RAW"), id("S"), id(name))
}

fn grants(account: &Account) -> Vec<String> {
    let mut rows: Vec<String> = account
        .grants()
        .map(|g: Grant| {
            format!("{} {} {} -> {}", g.privilege, g.object.object_type, g.object.shown(), g.grantee.shown())
        })
        .collect();
    rows.sort();
    rows
}

fn count(assembled: &Assembled, kind: SourceKind, status: CoverageStatus) -> u64 {
    assembled.coverage.iter().filter(|c| c.source == kind.name() && c.status == status).map(|c| c.rows).sum()
}

#[test]
fn grants_are_bound_to_the_inventory_and_usage_on_roles_is_membership() {
    let assembled = assemble("acme", &base()).unwrap();
    assert_eq!(
        grants(&assembled.account),
        [
            "CREATE ROLE ACCOUNT ACCOUNT -> ANALYST",
            "SELECT TABLE RAW.S.GONE -> ANALYST",
            "SELECT TABLE RAW.S.ORDERS -> RAW.READER",
            "SELECT VIEW RAW.S.V -> RAW.READER",
            "USAGE DATABASE RAW -> RAW.READER",
            "USAGE FUNCTION RAW.S.F(NUMBER, VARCHAR) -> ANALYST",
            "USAGE FUNCTION RAW.S.G(DATE) -> ANALYST",
            "USAGE WAREHOUSE WH -> ALICE",
        ]
    );
    let members: BTreeSet<String> = assembled
        .account
        .memberships()
        .map(|m| format!("{} -> {}{}", m.role.shown(), m.member.shown(), if m.builtin { " builtin" } else { "" }))
        .collect();
    assert_eq!(
        members.into_iter().collect::<Vec<_>>(),
        [
            "ANALYST -> ALICE",
            "ANALYST -> my \"odd\" Role",
            "RAW.READER -> ANALYST",
            "SECURITYADMIN -> ACCOUNTADMIN builtin",
            "SYSADMIN -> ACCOUNTADMIN builtin",
            "USERADMIN -> SECURITYADMIN builtin",
        ]
    );
}

#[test]
fn inventory_types_win_and_deleted_rows_are_not_there() {
    let account = assemble("acme", &base()).unwrap().account;
    for (name, kind) in [
        ("ORDERS", "TABLE"),
        ("V", "VIEW"),
        ("DT", "DYNAMIC_TABLE"),
        ("IT", "ICEBERG_TABLE"),
        ("ET", "EXTERNAL_TABLE"),
        ("GONE", "TABLE"),
    ] {
        let (known, info) = account.object(&object("TABLE", name)).unwrap();
        assert_eq!(known.object_type.as_str(), kind, "{name}");
        assert_eq!(info.listed, name != "GONE", "{name}");
    }
    assert!(account.object(&object("TABLE", "OLD")).is_none());
    assert!(account.principal(&Principal::user(id("BOB"))).is_none());
}

#[test]
fn an_ownership_row_beats_the_inventory_and_the_inventory_fills_in() {
    let account = assemble("acme", &base()).unwrap().account;
    assert_eq!(account.owner(&object("TABLE", "ORDERS")).unwrap().shown(), "ANALYST");
    assert_eq!(account.owner(&object("VIEW", "V")).unwrap().shown(), "SYSADMIN");
    assert_eq!(account.owner(&Principal::user(id("ALICE")).as_object()).unwrap().shown(), "USERADMIN");
}

#[test]
fn what_no_inventory_lists_is_kept_and_counted_and_what_cannot_be_placed_is_counted() {
    let assembled = assemble("acme", &base()).unwrap();
    // The table GONE; the role that no inventory lists is none of the four of the system.
    assert_eq!(count(&assembled, SourceKind::GrantsToRoles, CoverageStatus::Lag), 1, "{:?}", assembled.coverage);
    // A database role of several databases without a hint, and a grantee of an unknown kind.
    assert_eq!(count(&assembled, SourceKind::GrantsToRoles, CoverageStatus::Unread), 2, "{:?}", assembled.coverage);
    assert_eq!(count(&assembled, SourceKind::Tables, CoverageStatus::Read), 6);
    let absent = |c: &&CoverageRow| c.status == CoverageStatus::Absent;
    assert!(assembled.coverage.iter().filter(absent).any(|c| c.source == "SHOW_FUTURE_GRANTS"));
    assert!(!assembled.coverage.iter().any(|c| c.source == "VIEWS"), "TABLES has the views");
}

fn frozen(assembled: &Assembled) -> Snapshot {
    Snapshot::freeze(&assembled.account, 0)
}

#[test]
fn a_finding_says_which_database_it_is_about_and_what_it_could_change() {
    let assembled = assemble("acme", &base()).unwrap();
    let affects = |source: &str, status| {
        let row = assembled.coverage.iter().find(|c| c.source == source && c.status == status);
        let row = row.unwrap_or_else(|| panic!("{source}: {:?}", assembled.coverage));
        (row.database.as_ref().map(|d| d.as_str().to_owned()), row.affects(&frozen(&assembled)))
    };
    let raw = Some("RAW".to_owned());
    assert_eq!(affects("GRANTS_TO_ROLES", CoverageStatus::Lag), (raw, Some("effective_privileges")));
    assert_eq!(affects("GRANTS_TO_ROLES", CoverageStatus::Unread), (None, Some("effective_privileges")));
    assert_eq!(affects("SHOW_FUTURE_GRANTS", CoverageStatus::Absent), (None, Some("future_grants")));
    assert_eq!(affects("STAGES", CoverageStatus::Absent), (None, Some("objects")));
    assert_eq!(affects("TABLES", CoverageStatus::Read), (None, None));
}

#[test]
fn a_list_that_an_inherited_grant_needs_changes_access() {
    let mut tables = base();
    tables.retain(|t| t.kind() != SourceKind::GrantsToRoles);
    let inherited = "PRIVILEGE | GRANTED_ON | NAME | TABLE_CATALOG | TABLE_SCHEMA | GRANTED_TO | GRANTEE_NAME | IS_INHERITED | INHERITED_FROM | INHERITED_FROM_DATABASE
        READ | STAGE |  | - | - | ACCOUNT ROLE | ANALYST | true | DATABASE | RAW";
    tables.push(table(SourceKind::GrantsToRoles, inherited));
    let assembled = assemble("acme", &tables).unwrap();
    let row = |source: &str| assembled.coverage.iter().find(|c| c.source == source).unwrap();
    assert_eq!(row("STAGES").affects(&frozen(&assembled)), Some("effective_privileges"));
    assert_eq!(row("PIPES").affects(&frozen(&assembled)), Some("objects"));
}

#[test]
fn a_database_made_from_a_share_is_a_gap_and_one_more_when_its_objects_are_not_listed() {
    let mut tables = base();
    tables.push(table(
        SourceKind::Databases,
        "DATABASE_NAME | TYPE\n        RAW | STANDARD\n        SHARED | IMPORTED DATABASE",
    ));
    let assembled = assemble("acme", &tables).unwrap();
    let gaps: Vec<_> = assembled.coverage.iter().filter(|c| c.status == CoverageStatus::Imported).collect();
    assert_eq!(gaps.iter().map(|c| c.source.as_str()).collect::<BTreeSet<_>>(), ["ROLES", "TABLES"].into());
    let of_shared = |c: &&&CoverageRow| c.database.as_ref().is_some_and(|d| d.as_str() == "SHARED");
    assert_eq!(gaps.iter().filter(of_shared).count(), 2);
    assert!(gaps.iter().all(|c| c.affects(&frozen(&assembled)) == Some("effective_privileges")));
    tables.retain(|t| t.kind() != SourceKind::Tables);
    tables.push(table(
        SourceKind::Tables,
        "TABLE_NAME | TABLE_SCHEMA | TABLE_CATALOG | TABLE_TYPE\n        T | S | SHARED | BASE TABLE",
    ));
    let assembled = assemble("acme", &tables).unwrap();
    assert_eq!(assembled.coverage.iter().filter(|c| c.status == CoverageStatus::Imported).count(), 1);
}

#[test]
fn the_account_says_which_privileges_it_offers_and_damage_leaves_the_shipped_table() {
    let json = r#"[{"parent":"SCHEMA","singular":"EXTERNAL TABLE","plural":"EXTERNAL TABLES",
        "privileges":{"SELECT":["INDIVIDUAL","ALL"],"ODD PRIVILEGE":["FUTURE"]}}]"#;
    let with = |text: &str| {
        let column: datafusion::arrow::array::ArrayRef =
            std::sync::Arc::new(datafusion::arrow::array::StringArray::from(vec![text]));
        let kind = SourceKind::GrantablePrivileges;
        let place = Place::Statement(kind.name().to_owned());
        let mut tables = base();
        tables.push(SourceTable::new(kind, place, vec![kind.name().to_owned()], vec![vec![column]]).unwrap());
        assemble("acme", &tables).unwrap()
    };
    let account = with(json).account;
    let told: Vec<String> =
        account.offers().iter().map(|o| format!("{} {} {:?}", o.object_type, o.privilege, o.grant_types)).collect();
    assert_eq!(told, [r#"EXTERNAL_TABLE ODD PRIVILEGE ["FUTURE"]"#, r#"EXTERNAL_TABLE SELECT ["INDIVIDUAL", "ALL"]"#]);
    let damaged = with("[{]");
    assert!(damaged.account.offers().is_empty());
    assert_eq!(count(&damaged, SourceKind::GrantablePrivileges, CoverageStatus::Unread), 1);
}

#[test]
fn without_tables_types_come_from_the_grants_and_nothing_counts_as_lag() {
    let mut tables = base();
    tables.retain(|t| t.kind() != SourceKind::Tables);
    tables.push(table(
        SourceKind::Views,
        "TABLE_NAME | TABLE_SCHEMA | TABLE_CATALOG | TABLE_OWNER
        V | S | RAW | SYSADMIN",
    ));
    let assembled = assemble("acme", &tables).unwrap();
    assert!(grants(&assembled.account).contains(&"SELECT VIEW RAW.S.V -> RAW.READER".to_owned()));
    assert!(assembled.coverage.iter().any(|c| c.source == "TABLES" && c.status == CoverageStatus::Absent));
}

#[test]
fn public_and_the_system_roles_exist_even_when_nothing_lists_them() {
    let tables = [
        table(SourceKind::Users, "NAME"),
        table(SourceKind::Roles, "NAME"),
        table(SourceKind::GrantsToUsers, "ROLE | GRANTEE_NAME"),
        table(SourceKind::GrantsToRoles, "PRIVILEGE | GRANTED_ON | NAME | GRANTED_TO | GRANTEE_NAME"),
    ];
    let account = assemble("acme", &tables).unwrap().account;
    assert!(account.principal(&Principal::public()).unwrap().listed);
    assert!(account.principals().all(|(_, info)| info.listed));
    assert_eq!(account.memberships().filter(|m| m.builtin).count(), 3);
    let error = assemble("acme", &tables[..3]).unwrap_err().to_string();
    assert!(error.starts_with("GRANTS_TO_ROLES is missing"), "{error}");
}

#[test]
fn inherited_and_future_grants_are_container_grants_and_no_access() {
    let mut tables = base();
    tables.push(table(
        SourceKind::GrantsToRoles,
        "PRIVILEGE | GRANTED_ON | NAME | GRANTED_TO | GRANTEE_NAME | IS_INHERITED | INHERITED_FROM | INHERITED_FROM_DATABASE | INHERITED_FROM_SCHEMA
        SELECT | TABLE |  | ACCOUNT ROLE | ANALYST | true | SCHEMA | RAW | S
        SELECT | VIEW |  | ACCOUNT ROLE | ANALYST | true | ACCOUNT | - | -
        SELECT | VIEW |  | ACCOUNT ROLE | ANALYST | true | - | - | -",
    ));
    tables.push(table(
        SourceKind::ShowFutureGrants,
        "created_on | privilege | grant_on | name | grant_to | grantee_name | grant_option
        - | SELECT | ICEBERG_TABLE | RAW.\"my.schema\".<ICEBERG_TABLE> | ROLE | ANALYST | true
        - | USAGE | SCHEMA | RAW.<SCHEMA> | DATABASE_ROLE | READER | false",
    ));
    let assembled = assemble("acme", &tables).unwrap();
    let rows: Vec<ContainerGrant> = assembled.account.container_grants().collect();
    let of = |reach| rows.iter().filter(move |r| r.reach == reach).collect::<Vec<_>>();
    let future = of(Reach::Future);
    assert_eq!(future.len(), 2);
    assert!(future.iter().any(|r| r.container == Container::Schema(id("RAW"), id("my.schema")) && r.grant_option));
    let reader = Principal::database_role(id("RAW"), id("READER"));
    assert!(future.iter().any(|r| r.container == Container::Database(id("RAW")) && r.grantee == reader));
    let live = of(Reach::Inherited);
    assert_eq!(live.len(), 2);
    assert!(live.iter().any(|r| r.container == Container::Account && r.privilege == Privilege::SELECT));
    assert_eq!(count(&assembled, SourceKind::GrantsToRoles, CoverageStatus::Unread), 3);
    let odd = table(
        SourceKind::ShowFutureGrants,
        "privilege | grant_on | name | grant_to | grantee_name
        SELECT | TABLE | nowhere | ROLE | ANALYST",
    );
    tables.push(odd);
    let error = assemble("acme", &tables).unwrap_err().to_string();
    assert!(error.contains("SHOW_FUTURE_GRANTS: row 1, column NAME"), "{error}");
}

#[test]
fn shows_overlay_the_views_where_they_may_be_seen() {
    let mut tables = base();
    tables.push(table(
        SourceKind::ShowUsers,
        "name | disabled | default_secondary_roles | comment
        ALICE | true | [] | -
        USER$ODD | - | - | -
        NEW | false | [\"ALL\"] | hello",
    ));
    tables.push(table(SourceKind::ShowWarehouses, "name | size | owner\nWH | X-Small | SYSADMIN"));
    tables.push(table(
        SourceKind::ShowSchemas,
        "name | database_name | options | owner
        S | RAW | MANAGED ACCESS | SYSADMIN
        INFORMATION_SCHEMA | RAW | - | -",
    ));
    let account = assemble("acme", &tables).unwrap().account;
    let user = |name: &str| account.principal(&Principal::user(id(name))).unwrap().properties.clone();
    assert_eq!(user("ALICE").get(Property::Disabled), Some("true"));
    assert_eq!(user("ALICE").get(Property::DefaultSecondaryRoles), Some(""));
    assert_eq!(user("USER$ODD").get(Property::Disabled), Some("true"), "SHOW says nothing without the right to see");
    assert_eq!(user("NEW").get(Property::DefaultSecondaryRoles), Some("ALL"));
    let warehouse = ObjectRef::top(ObjectType::WAREHOUSE, id("WH"));
    let (_, info) = account.object(&warehouse).unwrap();
    assert_eq!(info.properties.get(Property::Size), Some("X-Small"));
    assert_eq!(account.owner(&warehouse).unwrap().kind, PrincipalKind::Role);
    let schema = ObjectRef::in_database(ObjectType::SCHEMA, id("RAW"), id("S"));
    assert!(account.object(&schema).unwrap().1.properties.is_true(Property::ManagedAccess));
    assert_eq!(account.objects().filter(|(o, _)| o.name.as_str() == "INFORMATION_SCHEMA").count(), 0);
}

#[test]
fn the_order_of_sources_and_rows_does_not_matter() {
    let mut reversed = base();
    reversed.reverse();
    let (one, two) = (assemble("acme", &base()).unwrap(), assemble("acme", &reversed).unwrap());
    assert_eq!(grants(&one.account), grants(&two.account));
    assert_eq!(one.coverage, two.coverage);
}

/// A snapshot of the tables, as a run made it.
fn before(tables: &[SourceTable]) -> std::sync::Arc<grantd_catalog::snapshot::Snapshot> {
    let account = assemble("acme", tables).unwrap().account;
    std::sync::Arc::new(grantd_catalog::snapshot::Snapshot::freeze(&account, 1))
}

/// 2026-01-02, between what is old and what is new below.
const SINCE: i64 = 1_767_312_000_000_000;

fn small(tables: &str, grants: &str) -> Vec<SourceTable> {
    vec![
        table(SourceKind::Users, "NAME | CREATED_ON\n ALICE | 2026-01-01 00:00:00"),
        table(SourceKind::Roles, "NAME | ROLE_TYPE | CREATED_ON\n ANALYST | ROLE | 2026-01-01 00:00:00"),
        table(SourceKind::GrantsToUsers, "ROLE | GRANTEE_NAME\n ANALYST | ALICE"),
        table(SourceKind::Tables, &format!("TABLE_NAME | TABLE_SCHEMA | TABLE_CATALOG | CREATED\n {tables}")),
        table(
            SourceKind::GrantsToRoles,
            &format!(
                "PRIVILEGE | GRANTED_ON | NAME | TABLE_CATALOG | TABLE_SCHEMA | GRANTED_TO | GRANTEE_NAME | CREATED_ON | DELETED_ON\n {grants}"
            ),
        ),
    ]
}

const OLD: &str = "T | S | D | 2026-01-01 00:00:00";
const SELECT: &str = "SELECT | TABLE | T | D | S | ROLE | ANALYST | 2026-01-01 00:00:00 | -";
const NOTHING: &str = "";

/// The grants after a run that read only changes, and why they cannot be trusted, if so.
fn carried(tables: &str, changes: &str) -> (Vec<String>, Option<String>) {
    let carry = Carry { snapshot: before(&small(OLD, SELECT)), grants_since: Some(SINCE), future_grants: true };
    let assembled = assemble_onto("acme", &small(tables, changes), Some(&carry)).unwrap();
    let grants = assembled.account.grants().map(|g| format!("{} on {}", g.privilege, g.object.shown())).collect();
    (grants, assembled.doubt)
}

#[test]
fn grants_are_carried_over_until_a_row_ends_them() {
    assert_eq!(carried(OLD, NOTHING), (vec!["SELECT on D.S.T".to_owned()], None));
    let ended = "SELECT | TABLE | T | D | S | ROLE | ANALYST | 2026-01-01 00:00:00 | 2026-01-03 00:00:00";
    assert_eq!(carried(OLD, ended).0, [NOTHING; 0]);
    let again = "SELECT | TABLE | T | D | S | ROLE | ANALYST | 2026-01-04 00:00:00 | -";
    assert_eq!(carried(OLD, &format!("{ended}\n{again}")).0, ["SELECT on D.S.T"], "revoked and granted again");
    let another = "SELECT | TABLE | T | D | S | ROLE | OTHER | 2026-01-01 00:00:00 | 2026-01-03 00:00:00";
    assert_eq!(carried(OLD, another).0, ["SELECT on D.S.T"], "another grantee's row");
}

#[test]
fn grants_on_what_is_gone_or_made_anew_are_not_carried_over() {
    assert_eq!(carried("U | S | D | 2026-01-03 00:00:00", NOTHING), (Vec::new(), None));
    assert_eq!(carried("T | S | D | 2026-01-03 00:00:00", NOTHING), (Vec::new(), None), "dropped and made again");
}

#[test]
fn something_old_under_a_new_name_is_a_reason_to_read_all_grants() {
    let (_, doubt) = carried("RENAMED | S | D | 2026-01-01 00:00:00", NOTHING);
    assert_eq!(doubt.as_deref(), Some("TABLE D.S.RENAMED is new here, and not young"));
    // Swapped with a table that is older than what was read.
    assert!(carried("T | S | D | 2025-12-01 00:00:00", NOTHING).1.is_some());
    assert!(carried(&format!("{OLD}\n V | S | D | -"), NOTHING).1.is_some(), "nobody knows how old it is");
}
