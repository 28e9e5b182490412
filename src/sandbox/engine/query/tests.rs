//! Queries as clients write them.

use super::*;
use crate::sandbox::protocol::engine::SnowflakeType;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use grantd_catalog::account::{ObjectInfo, PrincipalInfo};
use grantd_catalog::model::{Ident, ObjectType, Principal, Properties, Property};

fn id(text: &str) -> Ident {
    Ident::new(text).unwrap()
}

fn account() -> Account {
    let mut account = Account::new("ACC");
    let user = |name: &str, role: Option<&str>| {
        let mut properties = Properties::default();
        properties.set(Property::DefaultRole, role.map(str::to_owned));
        (Principal::user(id(name)), PrincipalInfo { properties, listed: true, created_on: Some(1_000_000) })
    };
    for (principal, info) in [user("ALICE", Some("R")), user("bob", None)] {
        account.put_principal(principal, info);
    }
    let table = ObjectRef::in_schema(ObjectType::TABLE, id("DB"), id("S"), id("T"));
    account.put_object(table, ObjectInfo { listed: true, ..ObjectInfo::default() });
    account
}

async fn run_as(names: SessionNames, sql: &str) -> Result<Answer, Failure> {
    let may_read = |object: &ObjectRef| -> Result<(), Failure> {
        if object.name.as_str() == "ROLES" { Err(Failure::new("003001", "42501", "no")) } else { Ok(()) }
    };
    let context = QueryContext {
        account: &account(),
        removed: &Removed::default(),
        user: "ALICE",
        names: &names,
        roles: &SessionRoles {
            available: vec!["PUBLIC".to_owned(), "R".to_owned()],
            active: vec!["PUBLIC".to_owned(), "R".to_owned()],
            secondary: true,
        },
        now: 86_400_000_000,
        horizon: &|_| Micros::MAX,
        may_read: &may_read,
    };
    select(context, sql).await
}

async fn run(sql: &str) -> Result<Answer, Failure> {
    run_as(SessionNames { role: Some("R".to_owned()), ..SessionNames::default() }, sql).await
}

fn cells(answer: &Answer) -> Vec<String> {
    let options = FormatOptions::new().with_null("-");
    let mut rows = Vec::new();
    for batch in &answer.batches {
        assert_eq!(batch.num_columns(), answer.columns.len());
        let formatters: Vec<_> =
            batch.columns().iter().map(|c| ArrayFormatter::try_new(c.as_ref(), &options).unwrap()).collect();
        for row in 0..batch.num_rows() {
            rows.push(formatters.iter().map(|f| f.value(row).to_string()).collect::<Vec<_>>().join("|"));
        }
    }
    rows
}

async fn ok(sql: &str) -> Vec<String> {
    match run(sql).await {
        Ok(answer) => cells(&answer),
        Err(failure) => panic!("{sql}: {failure}"),
    }
}

async fn names(sql: &str) -> Vec<String> {
    run(sql).await.unwrap().columns.into_iter().map(|c| c.name).collect()
}

async fn refused(sql: &str) -> (String, String, String) {
    let failure = run(sql).await.unwrap_err();
    (failure.code, failure.sqlstate, failure.message)
}

#[tokio::test]
async fn unquoted_names_fold_to_upper_case_and_quoted_names_are_exact() {
    assert_eq!(ok("select name from snowflake.account_usage.users order by name").await, ["ALICE", "bob"]);
    assert_eq!(ok("SELECT u.\"NAME\" FROM Snowflake.Account_Usage.Users u WHERE u.name = 'bob'").await, ["bob"]);
    let (code, _, message) = refused("SELECT \"name\" FROM SNOWFLAKE.ACCOUNT_USAGE.USERS").await;
    assert_eq!(code, "000904");
    assert_eq!(message, "SQL compilation error: error line 1 at position 7\ninvalid identifier 'name'");
    let (code, state, message) = refused("SELECT 1 FROM SNOWFLAKE.ACCOUNT_USAGE.\"users\"").await;
    assert_eq!((code.as_str(), state.as_str()), ("002003", "02000"));
    assert_eq!(
        message,
        "SQL compilation error:\nObject 'SNOWFLAKE.ACCOUNT_USAGE.\"users\"' does not exist or not authorized."
    );
}

#[tokio::test]
async fn columns_are_named_by_their_text_in_upper_case() {
    assert_eq!(
        names("select name, count(*), Name as n, lower(name), 1, 1 from snowflake.account_usage.users group by name")
            .await,
        ["NAME", "COUNT(*)", "N", "LOWER(NAME)", "1", "1"]
    );
    let found = names("select current_user(), current_user, 'a', 'a' as \"Mixed\"").await;
    assert_eq!(found, ["CURRENT_USER()", "CURRENT_USER", "'A'", "Mixed"]);
    assert_eq!(ok("select 1, 1, 2").await, ["1|1|2"]);
    assert_eq!(ok("SELECT name, name FROM snowflake.account_usage.users WHERE name = 'bob'").await, ["bob|bob"]);
}

#[tokio::test]
async fn functions_of_the_session_answer_from_it() {
    let found = ok("SELECT CURRENT_USER(), CURRENT_ROLE(), CURRENT_ACCOUNT(), CURRENT_DATABASE(), CURRENT_WAREHOUSE()");
    assert_eq!(found.await, ["ALICE|R|ACC|-|-"]);
    assert_eq!(ok("SELECT CURRENT_TIMESTAMP(), CURRENT_DATE").await, ["1970-01-02T00:00:00Z|1970-01-02"]);
    assert_eq!(ok("SELECT CURRENT_USER").await, ["ALICE"]);
    let columns = run("SELECT CURRENT_TIMESTAMP, CURRENT_VERSION(), 1::NUMBER(10,2)").await.unwrap().columns;
    let types: Vec<SnowflakeType> = columns.into_iter().map(|c| c.data_type).collect();
    let number = SnowflakeType::Fixed { precision: 10, scale: 2 };
    assert_eq!(types, [SnowflakeType::TimestampLtz { scale: 6 }, SnowflakeType::Text, number]);
}

#[tokio::test]
async fn snowflakes_own_words_for_case_work() {
    assert_eq!(ok("SELECT IFF(1 = 1, 'a', 'b'), NVL(NULL, 2), ZEROIFNULL(NULL), GREATEST(1, 3)").await, ["a|2|0|3"]);
    let default = "SELECT COALESCE(default_role, 'none') FROM snowflake.account_usage.users ORDER BY 1";
    assert_eq!(ok(default).await, ["R", "none"]);
    let (code, _, message) = refused("SELECT IFF(1 = 1, 2)").await;
    assert_eq!(code, "000938");
    assert!(message.contains("expected 3, got 2"), "{message}");
    let (code, _, message) = refused("SELECT NO_SUCH(1)").await;
    assert_eq!((code.as_str(), message.as_str()), ("002140", "SQL compilation error:\nUnknown function NO_SUCH"));
}

#[tokio::test]
async fn statements_of_a_sync_run_as_they_are_sent() {
    for sql in [
        "SELECT NAME, CREATED_ON, LOGIN_NAME, DISPLAY_NAME, EMAIL, DISABLED, DEFAULT_ROLE, DEFAULT_WAREHOUSE, \
         DEFAULT_NAMESPACE, DEFAULT_SECONDARY_ROLE, COMMENT, OWNER, HAS_PASSWORD, HAS_RSA_PUBLIC_KEY, \
         LAST_SUCCESS_LOGIN, EXPIRES_AT, HAS_MFA, TYPE FROM SNOWFLAKE.ACCOUNT_USAGE.USERS WHERE DELETED_ON IS NULL",
        "SELECT PRIVILEGE, GRANTED_ON, NAME, GRANTED_TO, GRANTEE_NAME, CREATED_ON, TABLE_CATALOG, TABLE_SCHEMA, \
         GRANT_OPTION, GRANTED_BY, GRANTED_BY_ROLE_TYPE, OBJECT_INSTANCE, IS_INHERITED, INHERITED_FROM, \
         INHERITED_FROM_DATABASE, INHERITED_FROM_SCHEMA FROM SNOWFLAKE.ACCOUNT_USAGE.GRANTS_TO_ROLES \
         WHERE DELETED_ON IS NULL",
        "SELECT ROLE, GRANTEE_NAME, CREATED_ON, GRANTED_TO, GRANTED_BY FROM SNOWFLAKE.ACCOUNT_USAGE.GRANTS_TO_USERS \
         WHERE DELETED_ON IS NULL",
        "SELECT PRIVILEGE, GRANTED_ON, OBJECT_NAME, SHARE_NAME, CREATED_ON, OBJECT_DATABASE, OBJECT_SCHEMA, \
         GRANTED_BY, GRANTED_BY_ROLE_TYPE FROM SNOWFLAKE.ACCOUNT_USAGE.GRANTS_TO_SHARES WHERE DELETED_ON IS NULL",
        "SELECT DATABASE_NAME, DATABASE_OWNER, COMMENT, CREATED, TYPE, OWNER_ROLE_TYPE \
         FROM SNOWFLAKE.ACCOUNT_USAGE.DATABASES WHERE DELETED IS NULL",
        "SELECT SCHEMA_NAME, CATALOG_NAME, SCHEMA_OWNER, IS_MANAGED_ACCESS, COMMENT, CREATED, OWNER_ROLE_TYPE \
         FROM SNOWFLAKE.ACCOUNT_USAGE.SCHEMATA WHERE DELETED IS NULL",
        "SELECT TABLE_NAME, TABLE_SCHEMA, TABLE_CATALOG, TABLE_OWNER, TABLE_TYPE, COMMENT, CREATED, IS_ICEBERG, \
         IS_DYNAMIC, IS_HYBRID, OWNER_ROLE_TYPE FROM SNOWFLAKE.ACCOUNT_USAGE.TABLES WHERE DELETED IS NULL",
        "SELECT STREAM_NAME, STREAM_SCHEMA, STREAM_CATALOG, OWNER, COMMENT, CREATED \
         FROM SNOWFLAKE.ACCOUNT_USAGE.STREAMS WHERE DELETED IS NULL",
        "SELECT TASK_NAME, TASK_SCHEMA, TASK_DATABASE, TASK_OWNER, COMMENT, CREATED \
         FROM SNOWFLAKE.ACCOUNT_USAGE.TASKS WHERE DELETED IS NULL",
        "SELECT SEMANTIC_VIEW_NAME, SEMANTIC_VIEW_SCHEMA_NAME, SEMANTIC_VIEW_DATABASE_NAME, OWNER, COMMENT, CREATED \
         FROM SNOWFLAKE.ACCOUNT_USAGE.SEMANTIC_VIEWS WHERE DELETED IS NULL",
    ] {
        ok(sql).await;
    }
    for (view, prefix) in [
        ("STAGES", "STAGE"),
        ("FUNCTIONS", "FUNCTION"),
        ("PROCEDURES", "PROCEDURE"),
        ("FILE_FORMATS", "FILE_FORMAT"),
        ("SEQUENCES", "SEQUENCE"),
        ("PIPES", "PIPE"),
    ] {
        let p = prefix;
        ok(&format!(
            "SELECT {p}_NAME, {p}_SCHEMA, {p}_CATALOG, {p}_OWNER, COMMENT, CREATED, OWNER_ROLE_TYPE \
             FROM SNOWFLAKE.ACCOUNT_USAGE.{view} WHERE DELETED IS NULL"
        ))
        .await;
    }
    ok("SELECT ARGUMENT_SIGNATURE FROM SNOWFLAKE.ACCOUNT_USAGE.FUNCTIONS").await;
    ok("SELECT ARGUMENT_SIGNATURE FROM SNOWFLAKE.ACCOUNT_USAGE.PROCEDURES").await;
}

#[tokio::test]
async fn a_window_of_changes_can_be_asked_for() {
    let sql = "SELECT COUNT(*) FROM SNOWFLAKE.ACCOUNT_USAGE.USERS WHERE \
               GREATEST(CREATED_ON, COALESCE(DELETED_ON, CREATED_ON)) >= '1970-01-01'::TIMESTAMP - INTERVAL '6 hours'";
    assert_eq!(ok(sql).await, ["2"]);
    assert_eq!(ok("WITH u AS (SELECT * FROM snowflake.account_usage.users) SELECT COUNT(*) FROM u").await, ["2"]);
}

#[tokio::test]
async fn relations_of_the_account_are_empty_and_checked() {
    assert_eq!(ok("SELECT COUNT(*) FROM db.s.t").await, ["0"]);
    assert_eq!(ok("SELECT 1 FROM DB.S.T LIMIT 1").await, Vec::<String>::new());
    assert_eq!(names("SELECT * FROM DB.S.T").await, ["VALUE"]);
    assert_eq!(names("SELECT id, amount FROM DB.S.T WHERE id > 3").await, ["ID", "AMOUNT"]);
    let (code, state, _) = refused("SELECT * FROM SNOWFLAKE.ACCOUNT_USAGE.ROLES").await;
    assert_eq!((code.as_str(), state.as_str()), ("003001", "42501"));
    assert_eq!(refused("SELECT * FROM DB.S.NONE").await.0, "002003");
    assert_eq!(refused("SELECT * FROM T").await.0, "090105");
    let here =
        SessionNames { database: Some("DB".to_owned()), schema: Some("S".to_owned()), ..SessionNames::default() };
    assert_eq!(cells(&run_as(here, "SELECT COUNT(*) FROM t JOIN s.t b ON t.id = b.id").await.unwrap()), ["0"]);
}

#[tokio::test]
async fn no_files_no_functions_as_tables_no_statements() {
    for sql in [
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM DB.S.\"/etc/passwd\"",
        "SELECT * FROM @stage/file.csv",
        "SELECT * FROM TABLE(RESULT_SCAN('x'))",
        "SELECT * FROM generate_series(1, 10)",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * INTO x FROM SNOWFLAKE.ACCOUNT_USAGE.USERS",
        "COPY (SELECT 1) TO '/etc/x'",
        "CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '/etc/passwd'",
        "SELECT 1; SELECT 2",
        "INSERT INTO DB.S.T VALUES (1)",
        "SELECT * FROM information_schema.tables",
    ] {
        assert!(run(sql).await.is_err(), "{sql}");
    }
}

#[tokio::test]
async fn syntax_errors_say_where() {
    let (code, state, message) = refused("SELECT NAME FORM WHERE").await;
    assert_eq!((code.as_str(), state.as_str()), ("001003", "42000"));
    assert!(message.starts_with("SQL compilation error:\nsyntax error line 1 at position "), "{message}");
    let (code, _, message) = refused("SELECT 'open").await;
    assert_eq!(code, "001003", "{message}");
    let (_, _, message) = refused("SELECT 1,\n  2 +").await;
    assert_eq!(message, "SQL compilation error:\nsyntax error line 2 at position 5 unexpected '<EOF>'.");
    let (_, _, message) = refused("SELECT 1\n  )").await;
    assert_eq!(message, "SQL compilation error:\nsyntax error line 2 at position 2 unexpected ')'.");
    assert_eq!(refused("").await.0, "000900");
    let deep = format!("SELECT {}1{}", "(".repeat(5000), ")".repeat(5000));
    assert_eq!(refused(&deep).await.0, "001003");
}

#[tokio::test]
async fn a_session_knows_its_roles_its_path_and_its_account() {
    let names = SessionNames {
        role: Some("R".to_owned()),
        database: Some("D".to_owned()),
        schema: Some("S".to_owned()),
        ..SessionNames::default()
    };
    let sql = "SELECT current_available_roles(), current_secondary_roles(), current_schemas(), is_role_in_session('R'), \
               is_role_in_session('OTHER')";
    let rows = cells(&run_as(names, sql).await.unwrap());
    assert_eq!(rows, [r#"["PUBLIC","R"]|{"roles":"PUBLIC","value":"ALL"}|["D.S","D.PUBLIC"]|true|false"#]);
    assert_eq!(ok("SELECT current_schemas()").await, ["[]"]);
    let data = ok("SELECT SYSTEM$BOOTSTRAP_DATA_REQUEST('ACCOUNT')").await.concat();
    assert!(data.contains(r#""serviceLevelName":"ENTERPRISE""#), "{data}");
    assert_eq!(ok("SELECT is_role_in_session(current_role())").await, ["true"]);
    for sql in ["SELECT is_role_in_session()", "SELECT is_role_in_session(name) FROM snowflake.account_usage.users"] {
        assert!(run(sql).await.is_err(), "{sql}");
    }
}

#[tokio::test]
async fn no_object_has_tags() {
    let sql = "SELECT tag_database, tag_name, tag_value FROM TABLE(SNOWFLAKE.INFORMATION_SCHEMA.TAG_REFERENCES('ALICE', \
               'USER')) WHERE level = domain";
    assert_eq!(ok(sql).await, [""; 0]);
    assert!(run("SELECT 1 FROM TABLE(SNOWFLAKE.INFORMATION_SCHEMA.OTHER('ALICE'))").await.is_err());
}
