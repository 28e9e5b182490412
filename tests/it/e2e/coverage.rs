//! What could not be seen, as those who ask about access come to know of it, through the wire by both protocols.

use crate::support::wire::{BOTH, ask, connect};
use crate::support::{grantd, outcome, serve, utf8};
use std::path::Path;

/// An account by its exports: the four needed files, the databases, one of them made from a share, and their schemas.
fn exports(dir: &Path) {
    std::fs::create_dir(dir).unwrap();
    for (name, text) in [
        ("USERS", "NAME\nALICE\nBOB\n"),
        ("ROLES", "NAME,ROLE_TYPE\nANALYST,ROLE\n"),
        ("GRANTS_TO_USERS", "ROLE,GRANTEE_NAME\nANALYST,ALICE\n"),
        (
            "GRANTS_TO_ROLES",
            "PRIVILEGE,GRANTED_ON,NAME,TABLE_CATALOG,TABLE_SCHEMA,GRANTED_TO,GRANTEE_NAME,IS_INHERITED,INHERITED_FROM,\
             INHERITED_FROM_DATABASE,INHERITED_FROM_SCHEMA\n\
             USAGE,DATABASE,OWN,,,ROLE,ANALYST,,,,\nUSAGE,SCHEMA,S,OWN,,ROLE,ANALYST,,,,\n\
             SELECT,TABLE,T,OWN,S,ROLE,ANALYST,,,,\nUSAGE,DATABASE,SHARED,,,ROLE,ANALYST,,,,\n\
             USAGE,SCHEMA,S,SHARED,,ROLE,ANALYST,,,,\nSELECT,VIEW,V,SHARED,S,ROLE,ANALYST,,,,\n",
        ),
        ("DATABASES", "DATABASE_NAME,TYPE\nOWN,STANDARD\nSHARED,IMPORTED DATABASE\n"),
        ("SCHEMATA", "SCHEMA_NAME,CATALOG_NAME\nS,OWN\nS,SHARED\n"),
        (
            "TABLES",
            "TABLE_NAME,TABLE_SCHEMA,TABLE_CATALOG,TABLE_TYPE,IS_ICEBERG,IS_DYNAMIC,IS_HYBRID,OWNER_ROLE_TYPE\n\
             T,S,OWN,BASE TABLE,NO,NO,NO,\n",
        ),
        ("SHOW_USERS", "name,default_secondary_roles\nALICE,\"[\"\"ALL\"\"]\"\nBOB,\"[\"\"ALL\"\"]\"\n"),
    ] {
        std::fs::write(dir.join(format!("{name}.csv")), text).unwrap();
    }
}

#[tokio::test]
async fn answers_about_access_say_when_coverage_could_change_them() {
    let folder = tempfile::tempdir().unwrap();
    let (dir, state, config) =
        (folder.path().join("exports"), folder.path().join("state"), folder.path().join("grantd.toml"));
    exports(&dir);
    let args = ["import", "--account", "acme", "--data-dir", utf8(&state), utf8(&dir)];
    let (code, out, err) = outcome(&grantd(&args).output().unwrap());
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    std::fs::write(&config, "[server]\nlisten = \"127.0.0.1:0\"\ndata_dir = \"state\"\n").unwrap();
    let running = serve(&config);
    let client = connect(&running.url).await;
    let shared = "may be incomplete, see coverage: ROLES (imported), TABLES (imported)";
    let cases: &[(&str, &[&[&str]])] = &[
        (
            "SELECT source, object, object_database, reason FROM coverage WHERE affects = 'effective_privileges' ORDER BY source",
            &[&["ROLES", "SHARED", "SHARED", "imported"], &["TABLES", "SHARED", "SHARED", "imported"]],
        ),
        // The join that the reference gives: only answers about the share are in doubt.
        (
            "SELECT DISTINCT p.object, c.source FROM effective_privileges p JOIN coverage c ON c.account = p.account
               AND c.affects = 'effective_privileges'
               AND (c.object_database IS NULL OR c.object_database = p.object_database)
             WHERE p.user_name = 'ALICE' ORDER BY 1, 2",
            &[&["SHARED.S", "ROLES"], &["SHARED.S", "TABLES"], &["SHARED.S.V", "ROLES"], &["SHARED.S.V", "TABLES"]],
        ),
        ("SELECT user_name, usable, caveat FROM who_can('SELECT', 'OWN.S.T')", &[&["ALICE", "t", "NULL"]]),
        ("SELECT user_name, usable, caveat FROM who_can('SELECT', 'SHARED.S.V')", &[&["ALICE", "t", shared]]),
        // Nobody is known to have it, which is not the same as nobody.
        ("SELECT user_name, usable, caveat FROM who_can('REFERENCES', 'SHARED.S.V')", &[&["NULL", "NULL", shared]]),
        ("SELECT user_name FROM who_can('INSERT', 'OWN.S.T')", &[]),
        (
            "SELECT kind, holder, has FROM explain_access('ALICE', 'SELECT', 'SHARED.S.V') WHERE kind = 'caveat'",
            &[&["caveat", "ALICE", shared]],
        ),
        ("SELECT kind FROM explain_access('ALICE', 'SELECT', 'OWN.S.T') WHERE kind = 'caveat'", &[]),
        // A row from a share goes with the whole.
        (
            "SELECT sql FROM minimal_revoke('ALICE', 'SELECT', 'SHARED.S.V')",
            &[&["REVOKE ROLE \"ANALYST\" FROM USER \"ALICE\""]],
        ),
        (
            "SELECT DISTINCT cut_sql FROM explain_access('ALICE', 'SELECT', 'SHARED.S.V') WHERE kind = 'grant'",
            &[&["REVOKE IMPORTED PRIVILEGES ON DATABASE \"SHARED\" FROM ROLE \"ANALYST\""]],
        ),
        (
            "SELECT kind, has, cut_sql FROM explain_access('BOB', 'SELECT', 'SHARED.S.V') WHERE kind <> 'caveat'",
            &[&["missing", "ROLE ANALYST", "GRANT ROLE \"ANALYST\" TO USER \"BOB\""]],
        ),
    ];
    for protocol in BOTH {
        for (sql, wanted) in cases {
            let found = ask(&client, protocol, sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
            assert_eq!(found, *wanted, "{protocol:?}: {sql}");
        }
    }
}
