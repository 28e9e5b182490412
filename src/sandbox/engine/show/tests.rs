//! What SHOW lists, and where it ends.

use super::super::SandboxEngine;
use super::super::session::Session;
use crate::sandbox::protocol::engine::Failure;
use datafusion::arrow::array::AsArray as _;
use grantd_catalog::account::{ObjectInfo, PrincipalInfo};
use grantd_catalog::model::{Ident, ObjectRef, ObjectType, Principal};
use grantd_catalog::sql::parse_script;
use std::sync::Arc;

fn engine(sql: &str) -> SandboxEngine {
    let engine = SandboxEngine::new("TEST");
    if let Err(error) = engine.run_script(sql) {
        panic!("{error}");
    }
    engine
}

/// One column of a SHOW that ACCOUNTADMIN runs.
fn column(engine: &SandboxEngine, sql: &str, column: &str) -> Result<Vec<String>, Failure> {
    let parsed = parse_script(sql).unwrap();
    let answer = Session::administrator(engine.clone()).run(&parsed[0], sql)?;
    let of = |batch: &datafusion::arrow::array::RecordBatch| -> Vec<String> {
        let found = batch.column_by_name(column).unwrap_or_else(|| panic!("{sql}: no {column}"));
        found.as_string::<i32>().iter().map(|cell| cell.unwrap_or("-").to_owned()).collect()
    };
    Ok(answer.batches.iter().flat_map(of).collect())
}

#[test]
fn a_show_ends_at_ten_thousand_rows_with_an_error_or_in_silence() {
    let engine = engine("");
    {
        let mut state = engine.state();
        let account = Arc::make_mut(&mut state.account);
        for i in 0..10_001 {
            let name = Ident::new(format!("X{i:05}")).unwrap();
            let info = PrincipalInfo { listed: true, ..PrincipalInfo::default() };
            account.put_principal(Principal::role(name.clone()), info.clone());
            account.put_principal(Principal::user(name.clone()), info);
            let warehouse = ObjectRef::top(ObjectType::WAREHOUSE, name);
            account.put_object(warehouse, ObjectInfo { listed: true, ..ObjectInfo::default() });
        }
    }
    let rows = |sql: &str| column(&engine, sql, "name").map(|names| names.len()).map_err(|failure| failure.code);
    assert_eq!(rows("SHOW USERS"), Err("090153".to_owned()));
    assert_eq!(rows("SHOW ROLES"), Err("090153".to_owned()));
    assert_eq!(rows("SHOW ROLES LIMIT 20000"), Ok(10_000));
    assert_eq!(rows("SHOW ROLES LIKE 'x0000%'"), Ok(10), "the limit is of what would be shown");
    assert_eq!(rows("SHOW WAREHOUSES"), Ok(10_000));
    let page = column(&engine, "SHOW USERS LIMIT 3 FROM 'X0999'", "name").unwrap();
    assert_eq!(page, ["X09991", "X09992", "X09993"], "after the first that starts so");
}

#[test]
fn names_are_matched_in_any_case_by_percent_and_underscore() {
    let engine = engine("CREATE ROLE ABC; CREATE ROLE \"aXc\"; CREATE ROLE ABCD");
    let like = |pattern: &str| column(&engine, &format!("SHOW ROLES LIKE '{pattern}'"), "name").unwrap();
    assert_eq!(like("a_c"), ["ABC", "aXc"]);
    assert_eq!(like("ABC%"), ["ABC", "ABCD"]);
    assert_eq!(like("B"), Vec::<String>::new());
}

#[test]
fn under_managed_access_the_owner_of_the_schema_shows_as_manager_and_owners_cannot_grant() {
    let engine = engine(
        "CREATE DATABASE D; CREATE SCHEMA D.S WITH MANAGED ACCESS; CREATE TABLE D.S.T (X INT); CREATE SCHEMA D.P;
         CREATE TABLE D.P.T (X INT)",
    );
    let shown = |sql: &str, name: &str| column(&engine, sql, name).unwrap();
    assert_eq!(shown("SHOW GRANTS ON SCHEMA D.S", "privilege"), ["MANAGE GRANTS", "OWNERSHIP"]);
    assert_eq!(shown("SHOW GRANTS ON SCHEMA D.P", "privilege"), ["OWNERSHIP"]);
    assert_eq!(shown("SHOW GRANTS ON TABLE D.S.T", "grant_option"), ["false"]);
    assert_eq!(shown("SHOW GRANTS ON TABLE D.P.T", "grant_option"), ["true"]);
}

#[test]
fn the_feature_of_inherited_grants_is_shown_as_the_account_has_it() {
    let engine = engine("");
    let value = || column(&engine, "SHOW PARAMETERS LIKE 'FEATURE_RBAC_INHERITED_GRANTS' IN ACCOUNT", "value").unwrap();
    assert_eq!(value(), ["DISABLED"]);
    engine.run_script("ALTER ACCOUNT SET FEATURE_RBAC_INHERITED_GRANTS = 'ENABLED'").unwrap();
    assert_eq!(value(), ["ENABLED"]);
}
