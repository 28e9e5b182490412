//! Each rule of what is in which view, and how it is spelled.

use super::*;
use crate::sandbox::engine::removed::Removed;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use grantd_catalog::account::{
    Account, ContainerGrant, Grant, Membership, Micros, ObjectInfo, Ownership, PrincipalInfo, Reach,
};
use grantd_catalog::model::{
    Container, Ident, ObjectRef, ObjectType, Principal, PrincipalKind, Privilege, Properties, Property,
};

fn id(text: &str) -> Ident {
    Ident::new(text).unwrap()
}

fn role(name: &str) -> Principal {
    Principal::role(id(name))
}

fn table(name: &str) -> ObjectRef {
    ObjectRef::in_schema(ObjectType::TABLE, id("DB"), id("S"), id(name))
}

/// An account with database DB, schema S, table T; roles R and OWNER, database role DB.D, user U, share SH.
fn account() -> Account {
    let mut account = Account::new("ACC");
    let listed = || PrincipalInfo { listed: true, created_on: Some(5), ..PrincipalInfo::default() };
    let share = Principal::other(PrincipalKind::Share, id("SH"));
    let d = Principal::database_role(id("DB"), id("D"));
    for principal in [role("R"), role("OWNER"), d, Principal::user(id("U")), share] {
        account.put_principal(principal, listed());
    }
    let schema = ObjectRef::in_database(ObjectType::SCHEMA, id("DB"), id("S"));
    for object in [ObjectRef::database(id("DB")), schema, table("T")] {
        account.put_object(object, ObjectInfo { listed: true, created_on: Some(7), ..ObjectInfo::default() });
    }
    account
}

fn grant(privilege: &str, object: ObjectRef, grantee: Principal) -> Grant {
    Grant {
        privilege: Privilege::new(privilege),
        object,
        grantee,
        granted_by: Some(role("OWNER")),
        grant_option: false,
        created_on: Some(10),
    }
}

fn member(role: Principal, member: Principal) -> Membership {
    Membership { role, member, granted_by: None, grant_option: false, builtin: true, created_on: None }
}

/// A view that is never late.
fn one(view: &str, account: &Account, removed: &Removed) -> RecordBatch {
    let mut batches = batches(view, &Seen::new(account, removed, Micros::MAX)).unwrap().unwrap();
    assert_eq!(batches.len(), 1);
    batches.remove(0)
}

/// The rows of a view, the given columns joined by `|`, NULL as `-`.
fn rows(view: &str, account: &Account, removed: &Removed, columns: &[&str]) -> Vec<String> {
    cells(&one(view, account, removed), columns)
}

fn cells(batch: &RecordBatch, columns: &[&str]) -> Vec<String> {
    let options = FormatOptions::new().with_null("-");
    let formatters: Vec<ArrayFormatter<'_>> = columns
        .iter()
        .map(|c| ArrayFormatter::try_new(batch.column_by_name(c).unwrap().as_ref(), &options).unwrap())
        .collect();
    let row = |i| formatters.iter().map(|f| f.value(i).to_string()).collect::<Vec<_>>().join("|");
    (0..batch.num_rows()).map(row).collect()
}

const GRANT: &[&str] =
    &["PRIVILEGE", "GRANTED_ON", "NAME", "TABLE_CATALOG", "TABLE_SCHEMA", "GRANTED_TO", "GRANTEE_NAME"];

fn granted(account: &Account) -> Vec<String> {
    rows("GRANTS_TO_ROLES", account, &Removed::default(), GRANT)
}

#[test]
fn every_view_has_its_documented_columns_in_order() {
    let names = |view: &str| -> Vec<String> {
        let batch = one(view, &account(), &Removed::default());
        batch.schema().fields().iter().map(|f| f.name().clone()).collect()
    };
    assert_eq!(
        names("GRANTS_TO_ROLES").join(" "),
        "CREATED_ON MODIFIED_ON PRIVILEGE GRANTED_ON NAME TABLE_CATALOG TABLE_SCHEMA GRANTED_TO GRANTEE_NAME \
         GRANT_OPTION GRANTED_BY DELETED_ON GRANTED_BY_ROLE_TYPE OBJECT_INSTANCE IS_INHERITED INHERITED_FROM \
         INHERITED_FROM_DATABASE INHERITED_FROM_SCHEMA"
    );
    assert_eq!(names("GRANTS_TO_USERS").join(" "), "CREATED_ON DELETED_ON ROLE GRANTED_TO GRANTEE_NAME GRANTED_BY");
    assert_eq!(names("USERS").len(), 36);
    assert_eq!(names("TABLES").len(), 37);
    for view in views() {
        let mut columns = names(view);
        let count = columns.len();
        columns.sort();
        columns.dedup();
        assert_eq!(columns.len(), count, "{view} has a column twice");
    }
    assert!(batches("QUERY_HISTORY", &Seen::new(&account(), &Removed::default(), Micros::MAX)).is_none());
}

#[test]
fn objects_are_named_in_three_columns_as_stored() {
    let mut account = account();
    let odd = ObjectRef::in_schema(ObjectType::VIEW, id("DB"), id("my.s"), id("a \"b\""));
    account.put_grant(grant("SELECT", odd, role("R")));
    let schema = ObjectRef::in_database(ObjectType::SCHEMA, id("DB"), id("S"));
    account.put_grant(grant("USAGE", schema, role("R")));
    account.put_grant(grant("USAGE", ObjectRef::database(id("DB")), role("R")));
    account.put_grant(grant("MANAGE GRANTS", ObjectRef::account(), role("R")));
    let agent = ObjectRef::in_schema(ObjectType::new("AGENT"), id("DB"), id("S"), id("A"));
    account.put_grant(grant("USAGE", agent, role("R")));
    let f = ObjectRef::in_schema(ObjectType::FUNCTION, id("DB"), id("S"), id("F")).with_signature("NUMBER, VARCHAR");
    account.put_grant(grant("USAGE", f, role("R")));
    let mut found = granted(&account);
    found.sort();
    assert_eq!(
        found,
        [
            "MANAGE GRANTS|ACCOUNT|ACC|-|-|ACCOUNT ROLE|R",
            "SELECT|VIEW|a \"b\"|DB|my.s|ACCOUNT ROLE|R",
            "USAGE|CORTEX_AGENT|A|DB|S|ACCOUNT ROLE|R",
            "USAGE|DATABASE|DB|-|-|ACCOUNT ROLE|R",
            "USAGE|FUNCTION|F(ARG1 NUMBER, ARG2 VARCHAR)|DB|S|ACCOUNT ROLE|R",
            "USAGE|SCHEMA|S|DB|-|ACCOUNT ROLE|R",
        ]
    );
}

#[test]
fn database_roles_are_unqualified_and_users_privileges_are_with_the_roles() {
    let mut account = account();
    account.put_grant(grant("SELECT", table("T"), Principal::database_role(id("DB"), id("D"))));
    account.put_grant(grant("SELECT", table("T"), Principal::user(id("U"))));
    let mut found = granted(&account);
    found.sort();
    assert_eq!(found, ["SELECT|TABLE|T|DB|S|DATABASE_ROLE|D", "SELECT|TABLE|T|DB|S|USER|U"]);
    assert_eq!(rows("GRANTS_TO_USERS", &account, &Removed::default(), &["ROLE"]), Vec::<String>::new());
}

#[test]
fn memberships_are_usage_rows_except_account_roles_of_users_and_public() {
    let mut account = account();
    let d = || Principal::database_role(id("DB"), id("D"));
    account.put_membership(&member(role("R"), role("OWNER")));
    account.put_membership(&member(d(), role("R")));
    account.put_membership(&member(d(), Principal::user(id("U"))));
    account.put_membership(&member(role("R"), Principal::user(id("U"))));
    account.put_membership(&member(Principal::public(), Principal::user(id("U"))));
    account.put_membership(&member(Principal::public(), role("R")));
    let mut found = granted(&account);
    found.sort();
    assert_eq!(
        found,
        [
            "USAGE|DATABASE_ROLE|D|DB|-|ACCOUNT ROLE|R",
            "USAGE|DATABASE_ROLE|D|DB|-|USER|U",
            "USAGE|ROLE|R|-|-|ACCOUNT ROLE|OWNER",
        ]
    );
    let columns = ["ROLE", "GRANTED_TO", "GRANTEE_NAME", "GRANTED_BY"];
    assert_eq!(rows("GRANTS_TO_USERS", &account, &Removed::default(), &columns), ["R|USER|U|"]);
}

#[test]
fn grants_of_the_system_have_an_empty_grantor() {
    let mut account = account();
    account.put_membership(&member(role("R"), role("OWNER")));
    account.put_grant(grant("SELECT", table("T"), role("R")));
    let columns = ["PRIVILEGE", "GRANTED_BY", "GRANTED_BY_ROLE_TYPE"];
    let found = rows("GRANTS_TO_ROLES", &account, &Removed::default(), &columns);
    assert_eq!(found, ["SELECT|OWNER|ROLE", "USAGE||-"]);
}

#[test]
fn owners_are_rows_and_may_grant_except_under_managed_access() {
    let mut account = account();
    let own = |object: ObjectRef| Ownership { object, owner: role("OWNER"), granted_by: None, created_on: Some(1) };
    account.put_ownership(&own(table("T")));
    let columns = ["PRIVILEGE", "NAME", "GRANTEE_NAME", "GRANT_OPTION"];
    let found = |a: &Account| rows("GRANTS_TO_ROLES", a, &Removed::default(), &columns);
    assert_eq!(found(&account), ["OWNERSHIP|T|OWNER|true"]);
    let schema = ObjectRef::in_database(ObjectType::SCHEMA, id("DB"), id("S"));
    let properties = Properties::default().with(Property::ManagedAccess, "true");
    account.put_object(schema, ObjectInfo { properties, listed: true, created_on: None });
    assert_eq!(found(&account), ["OWNERSHIP|T|OWNER|false"]);
    assert_eq!(rows("TABLES", &account, &Removed::default(), &["TABLE_OWNER"]), ["OWNER"]);
}

#[test]
fn inherited_grants_have_no_name_and_future_grants_no_row() {
    let mut account = account();
    let grant = |reach, container| ContainerGrant {
        reach,
        container,
        object_type: ObjectType::TABLE,
        privilege: Privilege::SELECT,
        grantee: role("R"),
        grant_option: false,
        granted_by: None,
        created_on: None,
    };
    account.put_container_grant(grant(Reach::Future, Container::Database(id("DB"))));
    account.put_container_grant(grant(Reach::Inherited, Container::Schema(id("DB"), id("S"))));
    account.put_container_grant(grant(Reach::Inherited, Container::Account));
    let columns =
        ["NAME", "GRANTED_ON", "IS_INHERITED", "INHERITED_FROM", "INHERITED_FROM_DATABASE", "INHERITED_FROM_SCHEMA"];
    let found = rows("GRANTS_TO_ROLES", &account, &Removed::default(), &columns);
    assert_eq!(found, ["-|TABLE|true|ACCOUNT|-|-", "-|TABLE|true|SCHEMA|DB|S"]);
}

#[test]
fn grants_to_shares_are_a_view_of_their_own() {
    let mut account = account();
    let share = Principal::other(PrincipalKind::Share, id("SH"));
    account.put_grant(grant("USAGE", ObjectRef::database(id("DB")), share.clone()));
    account.put_grant(grant("SELECT", table("T"), share));
    assert_eq!(granted(&account), Vec::<String>::new());
    let columns = ["PRIVILEGE", "GRANTED_ON", "OBJECT_NAME", "OBJECT_DATABASE", "OBJECT_SCHEMA", "SHARE_NAME"];
    let mut found = rows("GRANTS_TO_SHARES", &account, &Removed::default(), &columns);
    found.sort();
    assert_eq!(found, ["SELECT|TABLE|T|DB|S|SH", "USAGE|DATABASE|DB|-|-|SH"]);
    assert_eq!(rows("SHARES", &account, &Removed::default(), &["NAME", "DATABASE_NAME"]), ["SH|DB"]);
}

#[test]
fn what_is_gone_stays_with_its_time_but_grants_on_dropped_objects_go() {
    let account = account();
    let removed = Removed {
        grants: vec![(grant("SELECT", table("T"), role("R")), 20), (grant("SELECT", table("DROPPED"), role("R")), 21)],
        memberships: vec![(member(role("R"), Principal::user(id("U"))), 22)],
        principals: vec![(role("OLD"), PrincipalInfo::default(), 23)],
        objects: vec![(table("DROPPED"), ObjectInfo::default(), 24)],
        ownerships: vec![],
    };
    let live =
        |view, column: &str, deleted: &str| -> Vec<String> { rows(view, &account, &removed, &[column, deleted]) };
    let at = |micros| format!("1970-01-01T00:00:00.0000{micros}Z");
    assert_eq!(live("GRANTS_TO_ROLES", "NAME", "DELETED_ON"), [format!("T|{}", at(20))]);
    assert_eq!(live("GRANTS_TO_USERS", "ROLE", "DELETED_ON"), [format!("R|{}", at(22))]);
    let roles = live("ROLES", "NAME", "DELETED_ON");
    assert_eq!(roles.last().unwrap(), &format!("OLD|{}", at(23)));
    assert_eq!(live("TABLES", "TABLE_NAME", "DELETED"), ["T|-".to_owned(), format!("DROPPED|{}", at(24))]);
}

#[test]
fn database_roles_of_imported_databases_are_left_out() {
    let mut account = account();
    account.put_membership(&member(Principal::database_role(id("DB"), id("D")), role("R")));
    let properties = Properties::default().with(Property::Kind, "IMPORTED DATABASE");
    account.put_object(ObjectRef::database(id("DB")), ObjectInfo { properties, listed: true, created_on: None });
    assert_eq!(granted(&account), Vec::<String>::new());
    assert!(!rows("ROLES", &account, &Removed::default(), &["NAME"]).contains(&"D".to_owned()));
    assert_eq!(rows("DATABASES", &account, &Removed::default(), &["TYPE"]), ["IMPORTED DATABASE"]);
}

#[test]
fn kinds_of_tables_are_types_or_flags() {
    let mut account = account();
    for (kind, name) in [("DYNAMIC TABLE", "DT"), ("EXTERNAL TABLE", "ET"), ("MATERIALIZED VIEW", "MV")] {
        let object = ObjectRef::in_schema(ObjectType::new(kind), id("DB"), id("S"), id(name));
        account.put_object(object, ObjectInfo { listed: true, ..ObjectInfo::default() });
    }
    let mut found = rows("TABLES", &account, &Removed::default(), &["TABLE_NAME", "TABLE_TYPE", "IS_DYNAMIC"]);
    found.sort();
    assert_eq!(found, ["DT|BASE TABLE|YES", "ET|EXTERNAL TABLE|NO", "MV|MATERIALIZED VIEW|NO", "T|BASE TABLE|NO"]);
    assert_eq!(rows("VIEWS", &account, &Removed::default(), &["TABLE_NAME"]), ["MV"]);
}

#[test]
fn users_have_a_login_name_and_their_secondary_roles() {
    let mut account = account();
    let properties = Properties::default()
        .with(Property::DefaultSecondaryRoles, "")
        .with(Property::LoginName, "svc@example.com")
        .with(Property::Disabled, "true")
        .with(Property::ExpiresAt, "1970-01-01T00:00:01Z");
    account.put_principal(Principal::user(id("V")), PrincipalInfo { properties, listed: true, created_on: None });
    let columns = ["NAME", "LOGIN_NAME", "DISABLED", "DEFAULT_SECONDARY_ROLE", "EXPIRES_AT"];
    let found = rows("USERS", &account, &Removed::default(), &columns);
    assert_eq!(found, ["U|U|false|-|-", "V|svc@example.com|true|-|1970-01-01T00:00:01Z"]);
}

#[test]
fn a_late_view_shows_neither_what_is_new_nor_that_something_is_gone() {
    let mut account = account();
    let at = |created_on, grant: Grant| Grant { created_on: Some(created_on), ..grant };
    account.put_grant(at(10, grant("SELECT", table("T"), role("R"))));
    account.put_grant(at(30, grant("INSERT", table("T"), role("R"))));
    account
        .put_principal(role("NEW"), PrincipalInfo { listed: true, created_on: Some(30), ..PrincipalInfo::default() });
    account.put_ownership(&Ownership { object: table("T"), owner: role("R"), granted_by: None, created_on: Some(30) });
    let removed = Removed {
        grants: vec![
            (at(5, grant("UPDATE", table("T"), role("R"))), 15),
            (at(5, grant("DELETE", table("T"), role("R"))), 25),
            (at(28, grant("TRUNCATE", table("T"), role("R"))), 29),
        ],
        memberships: vec![(Membership { created_on: Some(5), ..member(role("R"), Principal::user(id("U"))) }, 25)],
        principals: vec![(role("OLD"), PrincipalInfo::default(), 25)],
        objects: vec![],
        ownerships: vec![(
            Ownership { object: table("T"), owner: role("OWNER"), granted_by: None, created_on: Some(6) },
            30,
        )],
    };
    let seen = |horizon, view: &str, columns: &[&str]| -> Vec<String> {
        let batches = batches(view, &Seen::new(&account, &removed, horizon)).unwrap().unwrap();
        let mut rows: Vec<String> = batches.iter().flat_map(|batch| cells(batch, columns)).collect();
        rows.retain(|row| !row.contains("ACCOUNTADMIN"));
        rows.sort();
        rows
    };
    let gone = |micros: i64| format!("1970-01-01T00:00:00.0000{micros}Z");
    let grants = ["PRIVILEGE", "GRANTEE_NAME", "DELETED_ON"];
    let late = [
        "DELETE|R|-".to_owned(),
        "OWNERSHIP|OWNER|-".to_owned(),
        "SELECT|R|-".to_owned(),
        format!("UPDATE|R|{}", gone(15)),
    ];
    assert_eq!(seen(20, "GRANTS_TO_ROLES", &grants), late);
    assert_eq!(seen(20, "GRANTS_TO_USERS", &["ROLE", "DELETED_ON"]), ["R|-"]);
    assert_eq!(seen(20, "ROLES", &["NAME", "DELETED_ON"]), ["D|-", "OLD|-", "OWNER|-", "PUBLIC|-", "R|-"]);
    assert_eq!(seen(20, "TABLES", &["TABLE_NAME", "TABLE_OWNER"]), ["T|OWNER"]);
    assert_eq!(seen(Micros::MAX, "TABLES", &["TABLE_NAME", "TABLE_OWNER"]), ["T|R"]);
    assert_eq!(seen(Micros::MAX, "GRANTS_TO_ROLES", &grants).len(), 7);
    assert!(seen(Micros::MAX, "ROLES", &["NAME"]).contains(&"NEW".to_owned()));
}
