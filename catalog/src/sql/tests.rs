//! The grammar and its expansion by examples; the laws are in `laws`.

use super::*;
use crate::account::Account;
use crate::model::{Change, Ident, Principal, Privilege};

fn fails(sql: &str) -> String {
    parse_script(sql).unwrap_err().to_string()
}

#[test]
fn an_unknown_statement_is_an_error_with_its_place() {
    assert_eq!(
        fails("USE ROLE A;\n  GRNAT ROLE A TO ROLE B"),
        "line 2, column 3: found GRNAT, expected a statement (GRANT, REVOKE, CREATE, ALTER, DROP, USE, SHOW, SELECT, ...) (did you mean GRANT?)"
    );
    assert!(fails("VACUUM").contains("line 1, column 1"));
    assert!(fails("GRANT SELCT ON TABLE T TO ROLE R").contains("did you mean SELECT?"));
    assert!(fails("GRANT SELECT ON TABEL D.S.T TO ROLE R").contains("did you mean TABLE?"));
    assert!(fails("GRANT SELECT ON ALL TABELS IN SCHEMA S TO ROLE R").contains("did you mean TABLES?"));
    assert!(fails("CREATE TABEL X (A INT)").contains("did you mean TABLE?"));
    assert!(fails("CREATE USER U DEFALT_ROLE = X").contains("did you mean DEFAULT_ROLE?"));
    assert!(fails("GRANT ROLE A TO ROLE B WITH").contains("found WITH"));
    assert!(fails("GRANT ROLE A ROLE B").contains("expected TO"));
    assert!(fails("GRANT SELECT ON TABLE A.B.C.D TO ROLE R").contains("three parts"));
    assert!(fails("CREATE ROLE \"\"").contains("cannot be empty"));
    assert!(fails(&format!("CREATE ROLE {}", "X".repeat(256))).contains("at most 255"));
    assert!(fails("CREATE ROLE A COMMENT 'x").contains("line 1"));
}

#[test]
fn a_forgotten_semicolon_does_not_swallow_the_next_statement() {
    for sql in [
        "CREATE TABLE T (A INT)\nGRANT SELECT ON TABLE T TO ROLE R",
        "CREATE VIEW V AS SELECT 1\nGRANT SELECT ON VIEW V TO ROLE R",
        "CREATE STAGE S\nDROP TABLE T",
        "GRANT ROLE A TO ROLE B\nGRANT ROLE A TO ROLE C",
        "CREATE FUNCTION F() RETURNS INT AS $$ 1 $$\nGRANT ROLE A TO ROLE B",
        "CREATE ROLE A\nCREATE ROLE B",
    ] {
        assert!(fails(sql).contains("line 2, column 1"), "{sql}");
    }
}

#[test]
fn deep_nesting_needs_no_stack() {
    let deep = format!("CREATE VIEW V AS SELECT {}1{}", "(".repeat(400_000), ")".repeat(400_000));
    assert_eq!(parse_script(&deep).unwrap().len(), 1);
    assert!(parse_script(&format!("SELECT {}", "(".repeat(400_000))).is_err());
}

fn demo() -> Account {
    let sql =
        "CREATE ROLE R; CREATE ROLE \"r\"; CREATE USER U; CREATE DATABASE D; CREATE SCHEMA D.S; CREATE SCHEMA D.S2;
        CREATE TABLE D.S.T (A INT); CREATE TABLE T2 (A INT); CREATE VIEW D.S.V AS SELECT 1; CREATE EXTERNAL TABLE D.S.E;
        CREATE FUNCTION D.S.F(A INT, B STRING(10)) RETURNS INT LANGUAGE SQL AS 'a'; CREATE DATABASE ROLE D.DR;
        CREATE MATERIALIZED VIEW D.S.MV AS SELECT 1;";
    let mut account = Account::new("A");
    let changes = parse_changes(&sql.replace("TABLE T2", "TABLE D.S2.T2"), &account).unwrap();
    for change in changes {
        account.apply(&change, None).unwrap();
    }
    account
}

fn rendered(sql: &str) -> Vec<String> {
    parse_changes(sql, &demo()).unwrap().iter().map(|c| render(c).unwrap()).collect()
}

fn refused(sql: &str) -> String {
    parse_changes(sql, &demo()).unwrap_err().to_string()
}

#[test]
fn unquoted_names_fold_and_quoted_ones_do_not() {
    assert_eq!(
        rendered("grant role r to user u; grant role \"r\" to role R"),
        ["GRANT ROLE \"R\" TO USER \"U\"", "GRANT ROLE \"r\" TO ROLE \"R\""]
    );
    assert!(refused("GRANT ROLE \"u\" TO ROLE R").contains("ROLE \"u\" does not exist"));
}

#[test]
fn bulk_grants_are_spread_over_the_objects_of_exactly_that_type() {
    assert_eq!(
        rendered("GRANT SELECT ON ALL TABLES IN DATABASE D TO ROLE R"),
        [
            "GRANT SELECT ON TABLE \"D\".\"S\".\"T\" TO ROLE \"R\"",
            "GRANT SELECT ON TABLE \"D\".\"S2\".\"T2\" TO ROLE \"R\""
        ]
    );
    assert_eq!(rendered("GRANT SELECT ON ALL EXTERNAL TABLES IN SCHEMA D.S TO ROLE R").len(), 1);
    assert_eq!(rendered("GRANT SELECT ON ALL STAGES IN SCHEMA D.S TO ROLE R").len(), 0);
}

#[test]
fn all_privileges_are_those_that_the_type_offers() {
    assert_eq!(
        rendered("GRANT ALL PRIVILEGES ON VIEW D.S.V TO ROLE R"),
        [
            "GRANT REFERENCES ON VIEW \"D\".\"S\".\"V\" TO ROLE \"R\"",
            "GRANT SELECT ON VIEW \"D\".\"S\".\"V\" TO ROLE \"R\""
        ]
    );
    let revoked = rendered("GRANT SELECT ON VIEW D.S.V TO ROLE R; REVOKE ALL ON VIEW D.S.V FROM ROLE R");
    assert_eq!(revoked.len(), 2);
}

#[test]
fn table_names_any_kind_of_table_and_view_any_kind_of_plain_view() {
    assert_eq!(
        rendered("GRANT SELECT ON TABLE D.S.E TO R"),
        ["GRANT SELECT ON EXTERNAL TABLE \"D\".\"S\".\"E\" TO ROLE \"R\""]
    );
    assert_eq!(rendered("GRANT SELECT ON VIEW D.S.MV TO R").len(), 1);
    assert!(refused("GRANT SELECT ON TABLE D.S.V TO ROLE R").contains("is of type VIEW, not TABLE"));
    assert!(refused("GRANT SELECT ON VIEW D.S.T TO ROLE R").contains("is of type TABLE, not VIEW"));
}

#[test]
fn names_are_completed_by_use_and_by_create() {
    assert_eq!(rendered("USE DATABASE D; USE SCHEMA S; GRANT SELECT ON TABLE T TO ROLE R").len(), 1);
    assert_eq!(rendered("USE SCHEMA D.S; CREATE TABLE N (A INT)"), ["CREATE TABLE \"D\".\"S\".\"N\" ()"]);
    assert_eq!(rendered("CREATE SCHEMA D.S3; CREATE STAGE X").len(), 2);
    assert!(refused("GRANT SELECT ON TABLE T TO ROLE R").contains("no current database"));
    // CREATE DATABASE makes PUBLIC: it is said where it is first needed.
    assert_eq!(
        rendered("CREATE DATABASE N; CREATE TABLE T (A INT)"),
        [
            "CREATE DATABASE \"N\"",
            "CREATE SCHEMA IF NOT EXISTS \"N\".\"PUBLIC\"",
            "CREATE TABLE \"N\".\"PUBLIC\".\"T\" ()"
        ]
    );
}

#[test]
fn what_does_not_exist_is_named_with_the_nearest_that_does() {
    assert_eq!(
        refused("USE ROLE R;\nGRANT SELECT ON TABLE D.S.TT TO ROLE R"),
        "line 2, column 23: TABLE D.S.TT does not exist (did you mean D.S.T?)"
    );
    assert!(refused("GRANT USAGE ON FUNCTION D.S.F(DATE) TO ROLE R").contains("did you mean D.S.F(NUMBER, VARCHAR)?"));
    assert!(refused("GRANT ROLE NOBODY TO ROLE R").contains("ROLE NOBODY does not exist"));
    assert!(refused("CREATE TABLE D.NO.T (A INT)").contains("SCHEMA D.NO does not exist"));
    assert!(refused("CREATE ROLE R").contains("ROLE R already exists"));
}

#[test]
fn functions_are_named_by_their_stored_argument_types() {
    assert_eq!(
        rendered("GRANT USAGE ON FUNCTION D.S.F(int, text) TO ROLE R"),
        ["GRANT USAGE ON FUNCTION \"D\".\"S\".\"F\"(NUMBER, VARCHAR) TO ROLE \"R\""]
    );
    for (written, stored) in [
        ("a int default 1, b number(38, 0) not null", "NUMBER, NUMBER"),
        ("a double precision, char varying(10)", "FLOAT, VARCHAR"),
        ("timestamp with time zone, t timestamp without time zone", "TIMESTAMP_TZ, TIMESTAMP_NTZ"),
        ("a out number, \"b c\" in varchar", "NUMBER, VARCHAR"),
        ("v vector(float, 3), a array(number not null)", "VECTOR(FLOAT, 3), ARRAY(NUMBER NOT NULL)"),
    ] {
        let sql = format!("CREATE FUNCTION D.S.G({written}) RETURNS INT AS 'a'");
        let changes = parse_changes(&sql, &demo()).unwrap();
        let [Change::CreateObject { object, .. }] = changes.as_slice() else { panic!("{changes:?}") };
        assert_eq!(object.signature.as_ref().unwrap().as_str(), stored);
    }
    for wrong in ["a number varchar", "in schema s number", "number(1) varchar", "a,", "timestamp with zone"] {
        assert!(parse_script(&format!("DROP FUNCTION D.S.F({wrong})")).is_err(), "{wrong}");
    }
}

#[test]
fn passwords_are_never_kept() {
    let sql = "CREATE USER N PASSWORD = 'hunter2' RSA_PUBLIC_KEY = 'MIIB' TYPE = SERVICE DEFAULT_SECONDARY_ROLES = ()";
    let statements = parse_script(sql).unwrap();
    assert!(!format!("{statements:?}").contains("hunter2"));
    assert_eq!(rendered(sql), ["CREATE USER \"N\" DEFAULT_SECONDARY_ROLES = () TYPE = SERVICE"]);
}

#[test]
fn memberships_are_never_written_as_privileges_on_a_role() {
    let usage = Change::RevokePrivilege {
        privilege: Privilege::USAGE,
        object: Principal::database_role(Ident::new("D").unwrap(), Ident::new("DR").unwrap()).as_object(),
        grantee: Principal::public(),
        grant_option_only: false,
        cascade: false,
        granted_by: None,
    };
    assert_eq!(render(&usage).unwrap(), "REVOKE DATABASE ROLE \"D\".\"DR\" FROM ROLE \"PUBLIC\"");
}

#[test]
fn every_form_of_the_grammar_is_read() {
    for sql in [
        "GRANT ALL ON ACCOUNT TO ROLE R",
        "GRANT MANAGE GRANTS ON SCHEMA D.S TO DATABASE ROLE D.DR WITH GRANT OPTION",
        "GRANT INHERITED SELECT, INSERT ON ALL TABLES IN ACCOUNT TO USER U",
        "GRANT INHERITED ALL PRIVILEGES ON ALL VIEWS IN DATABASE D TO APPLICATION A",
        "GRANT CALLER SELECT ON TABLE D.S.T TO ROLE R",
        "GRANT INHERITED CALLER USAGE ON ALL SCHEMAS IN DATABASE D TO ROLE R",
        "GRANT ALL INHERITED CALLER PRIVILEGES ON ALL TABLES IN ACCOUNT TO ROLE R",
        "GRANT ALL CALLER PRIVILEGES ON TABLE T TO ROLE R",
        "GRANT IMPORTED PRIVILEGES ON DATABASE SNOWFLAKE TO ROLE R",
        "GRANT OWNERSHIP ON ALL TABLES IN SCHEMA D.S TO ROLE R REVOKE CURRENT GRANTS",
        "GRANT OWNERSHIP ON FUTURE TABLES IN DATABASE D TO DATABASE ROLE D.DR COPY CURRENT GRANTS",
        "GRANT SELECT ON FUTURE MATERIALIZED VIEWS IN DATABASE D TO ROLE R WITH GRANT OPTION",
        "REVOKE GRANT OPTION FOR SELECT ON TABLE T FROM ROLE R CASCADE",
        "REVOKE SELECT ON ALL TABLES IN SCHEMA D.S FROM ROLE R RESTRICT",
        "REVOKE INHERITED SELECT ON ALL TABLES IN SCHEMA D.S FROM ROLE R",
        "REVOKE OWNERSHIP ON FUTURE TABLES IN SCHEMA D.S FROM ROLE R",
        "GRANT APPLICATION ROLE A.R TO APPLICATION ROLE A.S",
        "GRANT DATABASE ROLE D.DR TO SHARE S",
        "GRANT SNOWFLAKE.CORE.BUDGET ROLE D.S.B!ADMIN TO ROLE R",
        "GRANT SERVICE ROLE D.S.SVC!ALL_ENDPOINTS TO ROLE R",
        "REVOKE SERVICE ROLE D.S.SVC!X FROM ROLE R",
        "GRANT CREATE SNOWFLAKE.ML.FORECAST ON SCHEMA D.S TO ROLE R",
        "GRANT USAGE ON SOMETHING NEW D.S.X TO ROLE R",
        "GRANT USAGE ON ROLE R TO ROLE S",
        "CREATE OR REPLACE TRANSIENT TABLE D.S.T (A INT COMMENT 'x', B VARCHAR(10)) CLUSTER BY (A) COPY GRANTS COMMENT = 'y'",
        "CREATE OR REPLACE SECURE VIEW V (A COMMENT 'b') COPY GRANTS COMMENT='c' AS SELECT (1) FROM T",
        "CREATE DYNAMIC TABLE T TARGET_LAG = '1 minute' WAREHOUSE = W AS SELECT 1",
        "CREATE TASK T WAREHOUSE = W SCHEDULE = '5 minute' AS GRANT ROLE A TO ROLE B",
        "CREATE PROCEDURE P(A NUMBER DEFAULT 1, B TABLE(DATE)) RETURNS VARCHAR LANGUAGE SQL EXECUTE AS CALLER AS $$ BEGIN; END $$",
        "CREATE STAGE S URL = 's3://bucket/x' STORAGE_INTEGRATION = I DIRECTORY = (ENABLE = TRUE)",
        "CREATE FILE FORMAT F TYPE = CSV FIELD_DELIMITER = ',' NULL_IF = ('', 'NULL')",
        "CREATE STORAGE INTEGRATION I TYPE = EXTERNAL_STAGE STORAGE_ALLOWED_LOCATIONS = ('s3://b/') ENABLED = TRUE",
        "CREATE SCHEMA D.S WITH MANAGED ACCESS COMMENT = 'x' DATA_RETENTION_TIME_IN_DAYS = 1",
        "CREATE DATABASE D FROM SHARE P.S",
        "CREATE DATABASE ROLE IF NOT EXISTS D.R COMMENT = 'x'",
        "CREATE SEMANTIC VIEW SV TABLES (T AS D.S.T PRIMARY KEY (A)) METRICS (T.M AS COUNT(*)) COMMENT = 'x'",
        "CREATE AGENT A COMMENT = 'x' FROM SPECIFICATION $$ a: b $$",
        "CREATE CORTEX SEARCH SERVICE C ON TXT ATTRIBUTES A, B WAREHOUSE = W TARGET_LAG = '1 day' AS (SELECT 1)",
        "CREATE EXTERNAL TABLE E (C VARCHAR AS (VALUE:c1::VARCHAR)) LOCATION = @S/x FILE_FORMAT = (TYPE = CSV)",
        "CREATE STREAM ST ON TABLE T",
        "CREATE PIPE P AUTO_INGEST = TRUE AS COPY INTO T FROM @S",
        "CREATE SEQUENCE Q START = 1 INCREMENT = -1",
        "CREATE WAREHOUSE W WITH WAREHOUSE_SIZE = XSMALL AUTO_SUSPEND = 60, INITIALLY_SUSPENDED = TRUE",
        "ALTER USER U SET PASSWORD = 'x' DISABLED = TRUE, DEFAULT_ROLE = R",
        "ALTER USER U UNSET EMAIL, COMMENT",
        "ALTER USER IF EXISTS U RENAME TO V",
        "ALTER WAREHOUSE W RESUME",
        "ALTER TABLE T ADD COLUMN B INT",
        "ALTER TABLE T SWAP WITH S",
        "ALTER SCHEMA D.S DISABLE MANAGED ACCESS",
        "ALTER ACCOUNT SET FEATURE_RBAC_INHERITED_GRANTS = 'ENABLED'",
        "ALTER SESSION SET TIMEZONE = 'UTC'",
        "COMMENT IF EXISTS ON TABLE D.S.T IS 'it''s \\n'",
        "DROP TABLE IF EXISTS D..T CASCADE",
        "DROP FUNCTION F(NUMBER, VARCHAR)",
        "UNDROP SCHEMA D.S",
        "USE SECONDARY ROLES NONE",
        "USE D.S",
        "SHOW GRANTS TO ROLE R",
        "SELECT $$;$$, ';' -- ;",
        "(SELECT 1)",
        "BEGIN",
        "EXECUTE IMMEDIATE $$ BEGIN RETURN 1; END $$",
    ] {
        let statements = parse_script(sql).unwrap_or_else(|e| panic!("{sql}\n{e}"));
        assert_eq!(statements.len(), 1, "{sql}");
    }
}

#[test]
fn what_changes_cannot_say_is_refused_not_dropped() {
    for (sql, why) in [
        ("SELECT 1", "changes no access control"),
        ("ALTER ROLE R RENAME TO Q", "rename"),
        ("GRANT CALLER SELECT ON TABLE D.S.T TO ROLE R", "caller grants"),
        ("REVOKE OWNERSHIP ON TABLE D.S.T FROM ROLE R", "only transferred"),
        ("UNDROP TABLE D.S.T", "UNDROP"),
        ("ALTER TABLE D.S.T ADD COLUMN B INT", "changes nothing"),
        ("ALTER USER U SET DISABLED = MAYBE", "TRUE or FALSE"),
        ("ALTER TABLE D.S.T ENABLE MANAGED ACCESS", "property of schemas"),
    ] {
        assert!(refused(sql).contains(why), "{sql}: {}", refused(sql));
    }
}
