//! No statement of any kind, by no route, reaches a file: none is read, none is written, and the system calls of the
//! process show no other.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use datafusion::sql::sqlparser::ast::Statement;
use datafusion::sql::sqlparser::dialect::{
    AnsiDialect, BigQueryDialect, ClickHouseDialect, DatabricksDialect, Dialect, DuckDbDialect, GenericDialect,
    HiveDialect, MsSqlDialect, MySqlDialect, PostgreSqlDialect, RedshiftSqlDialect, SQLiteDialect, SnowflakeDialect,
};
use datafusion::sql::sqlparser::parser::Parser;
use tokio_postgres::Client;

use crate::support::wire::{column, connect, digest};
use crate::support::{demo, demo_under_strace, utf8};

/// Every kind of statement that the parser knows; a new one does not compile until it is here, and then needs a text.
macro_rules! kinds {
    ($($kind:ident)*) => {
        const KINDS: &[&str] = &[$(stringify!($kind)),*];

        fn kind(statement: &Statement) -> &'static str {
            match statement {
                $(Statement::$kind { .. } => stringify!($kind),)*
            }
        }
    };
}

kinds! {
    Analyze Set Truncate Msck Query Insert Install Load Directory Case If While Raise Call Copy CopyIntoSnowflake Open
    Close Update Delete CreateView CreateTable CreateVirtualTable CreateIndex CreateRole CreateSecret CreateServer
    CreatePolicy CreateConnector CreateOperator CreateOperatorFamily CreateOperatorClass AlterTable AlterSchema
    AlterIndex AlterView AlterFunction AlterType AlterCollation AlterOperator AlterOperatorFamily AlterOperatorClass
    AlterRole AlterPolicy AlterConnector AlterSession AttachDatabase AttachDuckDBDatabase DetachDuckDBDatabase Drop
    DropFunction DropDomain DropProcedure DropSecret DropPolicy DropConnector Declare CreateExtension CreateCollation
    DropExtension DropOperator DropOperatorFamily DropOperatorClass Fetch Flush Discard ShowFunctions ShowVariable
    ShowStatus ShowVariables ShowCreate ShowColumns ShowCatalogs ShowDatabases ShowProcessList ShowSchemas ShowCharset
    ShowObjects ShowTables ShowViews ShowCollation Use StartTransaction Comment Commit Rollback CreateSchema
    CreateDatabase CreateFunction CreateTrigger DropTrigger CreateProcedure CreateMacro CreateStage Assert Grant Deny
    Revoke Deallocate Execute Prepare Kill ExplainTable Explain Savepoint ReleaseSavepoint Merge Cache UNCache
    CreateSequence CreateDomain CreateType Pragma Lock LockTables UnlockTables Unload OptimizeTable LISTEN UNLISTEN
    NOTIFY LoadData RenameTable List Remove RaisError Throw Print WaitFor Return ExportData CreateUser AlterUser Vacuum
    Reset
}

/// The kinds that are answered, where their text is one that grantd takes.
const ANSWERED: &[&str] = &[
    "Query",
    "Explain",
    "Set",
    "Reset",
    "ShowVariable",
    "ShowTables",
    "ShowVariables",
    "Declare",
    "Fetch",
    "Close",
    "Prepare",
    "Execute",
    "Deallocate",
    "Discard",
    "StartTransaction",
    "Commit",
    "Rollback",
    "Savepoint",
    "ReleaseSavepoint",
    "Call",
    "UNLISTEN",
];

/// How what is never answered is refused: not allowed, not supported, read only, no such syntax; and, for SHOW, no such
/// setting.
const REFUSALS: &[&str] = &["42501", "0A000", "25006", "42601", "42704"];

/// A text or more for every kind; `@` is the path of a file that must stay unread.
const TEXTS: &[&str] = &[
    "analyze users",
    "analyze table users compute statistics",
    "set data_directory = '@'",
    "set local_preload_libraries = '@'",
    "truncate table users",
    "msck repair table users",
    "insert into users select * from \"@\"",
    "insert into users values ('@')",
    "install spatial",
    "load '@'",
    "load spatial",
    "insert overwrite local directory '@' select 1",
    "case 1 when 1 then select 1; end case",
    "if true then select 1; end if",
    "while 1 = 1 begin select 1; end",
    "while 1 = 1 print 'x'",
    "raise using message = 'x'",
    "call nothing('@')",
    "copy users from '@'",
    "copy users to '@.out'",
    "copy (select 1) to '@.out'",
    "copy (select 1) to '@.out' with (format csv)",
    "copy users from program 'cat @'",
    "copy (select 1) to program 'tee @.out'",
    "copy users from stdin",
    "copy into users from @stage",
    "copy into 's3://bucket/x' from users",
    "open c",
    "close c",
    "update users set account = '@'",
    "delete from users",
    "create view v as select * from \"@\"",
    "create or replace view v as select 1",
    "create materialized view v as select 1",
    "create table t (a int)",
    "create table t as select * from \"@\"",
    "create temporary table t (a int)",
    "create external table t (a int) stored as textfile location '@'",
    "create virtual table t using fts5(a)",
    "create index i on users (account)",
    "create role r",
    "create secret s (type s3, provider x)",
    "create server s foreign data wrapper file_fdw",
    "create policy p on users",
    "create connector c type 'mysql' url '@'",
    "create operator + (function = f, leftarg = int, rightarg = int)",
    "create operator family f using btree",
    "create operator class c for type int using btree as storage int",
    "alter table users add column a int",
    "alter table users rename to x",
    "alter schema s rename to t",
    "alter index i rename to j",
    "alter view v as select 1",
    "alter function f(int) rename to g",
    "alter type t rename to u",
    "alter collation c rename to d",
    "alter operator + (int, int) owner to x",
    "alter operator family f using btree rename to g",
    "alter operator class c using btree rename to d",
    "alter role r with superuser",
    "alter policy p on users rename to q",
    "alter connector c set url '@'",
    "alter session set a = 1",
    "attach database '@' as c",
    "attach '@' as c",
    "detach c",
    "drop table users",
    "drop view users",
    "drop schema public cascade",
    "drop function f",
    "drop domain d",
    "drop procedure p",
    "drop secret s",
    "drop policy p on users",
    "drop connector c",
    "declare c cursor for select * from \"@\"",
    "create extension file_fdw",
    "create collation c (locale = 'C')",
    "drop extension e",
    "drop operator + (int, int)",
    "drop operator family f using btree",
    "drop operator class c using btree",
    "fetch 1 from c",
    "flush tables",
    "discard all",
    "show functions",
    "show data_directory",
    "show status",
    "show variables",
    "show create table users",
    "show columns from users",
    "show catalogs",
    "show databases",
    "show processlist",
    "show schemas",
    "show charset",
    "show objects",
    "show tables",
    "show views",
    "show collation",
    "use x",
    "start transaction",
    "comment on table users is '@'",
    "commit",
    "rollback",
    "create schema s",
    "create database d location '@'",
    "create function f() returns int as '@', 'f' language c",
    "create function f() returns int language sql return 1",
    "create trigger t before insert on users for each row execute function f()",
    "drop trigger t on users",
    "create procedure p as begin select 1; end",
    "create macro m(a) as a",
    "create stage s url = 'file://@'",
    "assert 1 = 1",
    "grant select on users to x",
    "deny select on users to x",
    "revoke select on users from x",
    "deallocate nothing",
    "execute nothing",
    "prepare p as select * from \"@\"",
    "kill query 1",
    "describe users",
    "explain select 1",
    "explain analyze insert into users values ('@')",
    "savepoint s",
    "release savepoint s",
    "merge into users u using roles r on true when matched then delete",
    "cache table users",
    "uncache table users",
    "create sequence s",
    "create domain d as int",
    "create type t as (a int)",
    "pragma database_list",
    "lock table users",
    "lock tables users read",
    "unlock tables",
    "unload (select 1) to '@'",
    "optimize table users",
    "listen x",
    "unlisten x",
    "notify x",
    "load data local inpath '@' into table users",
    "rename table users to x",
    "list @stage",
    "remove @stage",
    "raiserror('x', 16, 1)",
    "throw 51000, 'x', 1",
    "print 'x'",
    "waitfor delay '00:00:01'",
    "return 1",
    "export data options(uri = '@') as select 1",
    "create user u",
    "alter user u set password = 'x'",
    "vacuum users",
    "reset all",
    "select * from '@'",
    "select * from \"@\"",
    "select * from 'file://@'",
    "select * from \"file://@\"",
    "select * from public.\"@\"",
    "table \"@\"",
    "select * from read_csv('@')",
    "select * from read_csv_auto('@')",
    "select * from read_json('@')",
    "select * from read_parquet('@')",
    "select * from parquet_scan('@')",
    "select * from parquet_metadata('@')",
    "select * from glob('@*')",
    "select * from pg_read_file('@') as f",
    "select pg_read_file('@')",
    "select pg_read_binary_file('@')",
    "select pg_stat_file('@')",
    "select pg_ls_dir('/')",
    "select lo_import('@')",
    "select lo_export(1, '@.out')",
    "select load_file('@')",
    "select load_extension('@')",
    "select query_to_xml('copy users to ''@''', true, true, '')",
    "select * from dblink('x', 'select 1') as t(a int)",
    "select 1 into outfile '@.out'",
    "select * into t from users",
    "select * from users for update",
    "with x as (insert into users values ('@') returning *) select * from x",
];

/// The routes by which a text reaches the server.
const ROUTES: &[&str] = &[
    "?",
    "DECLARE canary CURSOR WITH HOLD FOR ?",
    "PREPARE canary AS ?; EXECUTE canary",
    "EXPLAIN ANALYZE ?",
    "WITH canary AS (?) SELECT * FROM canary",
    "SELECT 1; ?",
    "COPY (?) TO STDOUT",
    "SELECT * FROM (?) canary",
];

/// The kinds that a text is for some dialect.
fn kinds_of(text: &str) -> BTreeSet<&'static str> {
    let dialects: [&dyn Dialect; 13] = [
        &PostgreSqlDialect {},
        &GenericDialect {},
        &HiveDialect {},
        &DuckDbDialect {},
        &SQLiteDialect {},
        &MySqlDialect {},
        &MsSqlDialect {},
        &SnowflakeDialect {},
        &BigQueryDialect {},
        &ClickHouseDialect {},
        &DatabricksDialect {},
        &RedshiftSqlDialect {},
        &AnsiDialect {},
    ];
    let parsed = dialects.iter().filter_map(|dialect| Parser::parse_sql(*dialect, text).ok());
    parsed.flatten().map(|statement| kind(&statement)).collect()
}

#[test]
fn every_kind_of_statement_has_a_text() {
    let covered: BTreeSet<&str> = TEXTS.iter().flat_map(|text| kinds_of(text)).collect();
    let missing: Vec<_> = KINDS.iter().filter(|kind| !covered.contains(*kind)).collect();
    assert!(missing.is_empty(), "no text is of the kinds {missing:?}");
}

async fn code(client: &Client, sql: &str, extended: bool) -> Option<String> {
    let outcome = if extended {
        match client.prepare(sql).await {
            Ok(statement) => client.query(&statement, &[]).await.map(drop),
            Err(error) => Err(error),
        }
    } else {
        client.simple_query(sql).await.map(drop)
    };
    let error = outcome.err()?;
    let code = error.code().unwrap_or_else(|| panic!("{sql}: {error}")).code().to_owned();
    let message = error.as_db_error().unwrap().message();
    assert!(code != "XX000", "{sql}: {message}");
    Some(code)
}

/// What the process opens by itself: its own program and libraries, the kernel's view of it, time zones, name lookup.
const ALLOWED: &[&str] = &[
    "/proc/",
    "/sys/",
    "/dev/",
    "/lib/",
    "/usr/lib/",
    "/lib64/",
    "/usr/share/zoneinfo",
    "/etc/ld.so.cache",
    "/etc/localtime",
];

/// The files that a log of strace names, outside of `own`: not only what was opened, also what was looked at.
fn opened(log: &str, own: &Path) -> BTreeSet<String> {
    let paths = log.lines().filter_map(|line| line.split('"').nth(1)).map(str::to_owned);
    paths
        .filter(|path| !path.is_empty() && !Path::new(path).starts_with(own))
        .filter(|path| !ALLOWED.iter().any(|allowed| path.starts_with(allowed)))
        .collect()
}

#[tokio::test]
async fn no_statement_reaches_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let canary = folder.path().join("canary.csv");
    std::fs::write(&canary, "a\ncanary-3f1b\n").unwrap();
    let (log, temporary) = (folder.path().join("strace.log"), folder.path().join("own"));
    std::fs::create_dir(&temporary).unwrap();
    let running = demo_under_strace(&log, &temporary);
    let ready = std::fs::read_to_string(&log).unwrap().len();

    let client = connect(&running.url).await;
    let before = digest(&client).await;
    let mut asked = 0;
    for text in TEXTS {
        let kinds = kinds_of(text);
        // The parser does not know TABLE as a query; grantd does.
        let answered = kinds.iter().any(|kind| ANSWERED.contains(kind)) || text.starts_with("table ");
        let text = text.replace("@stage", "#stage").replace('@', utf8(&canary)).replace('#', "@");
        for route in ROUTES {
            let sql = route.replace('?', &text);
            for extended in [false, true] {
                if extended && sql.contains(';') {
                    continue;
                }
                let code = code(&client, &sql, extended).await;
                asked += 1;
                if !answered {
                    let code = code.unwrap_or_else(|| panic!("{sql} was answered"));
                    assert!(REFUSALS.contains(&code.as_str()), "{sql}: {code}");
                } else if text.contains("canary.csv") {
                    // EXPLAIN and PREPARE plan, so that they fail too.
                    assert!(code.is_some(), "{sql} was answered");
                }
                client.simple_query("rollback; close all; deallocate all").await.unwrap();
            }
        }
    }
    assert!(asked > 1_500, "{asked}");
    assert_eq!(digest(&client).await, before);
    drop(client);
    drop(running);
    let end = Instant::now() + Duration::from_secs(30);
    while !std::fs::read_to_string(&log).unwrap().contains("+++ killed by") {
        assert!(Instant::now() < end, "strace does not end");
        std::thread::sleep(Duration::from_millis(50));
    }

    let names: BTreeSet<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 3, "{names:?}");
    assert_eq!(std::fs::read_to_string(&canary).unwrap(), "a\ncanary-3f1b\n");
    let traced = std::fs::read_to_string(&log).unwrap();
    assert!(traced.contains("grantd.db"), "strace saw nothing");
    assert!(!traced.contains("canary.csv"), "the canary was touched");
    // While it served, it opened only what is its own.
    assert_eq!(opened(traced.get(ready..).unwrap(), &temporary), BTreeSet::new());
}

/// What would change a relation.
const CHANGES: &[&str] = &[
    "insert into ? default values",
    "insert into ? select * from ?",
    "update ? set nothing = 1",
    "delete from ?",
    "truncate table ?",
    "truncate ?",
    "merge into ? a using ? b on true when matched then delete",
    "drop table ?",
    "drop view ? cascade",
    "drop table if exists ?",
    "alter table ? add column x int",
    "alter view ? rename to x",
    "create or replace view ? as select 1",
    "create table ? as select 1",
    "create index on ? (x)",
    "copy ? from stdin",
    "grant all on ? to public",
    "comment on table ? is 'x'",
    "lock table ? in access exclusive mode",
    "select * into ? from users",
    "select * from ? for update",
    "with x as (delete from ? returning *) select * from x",
];

#[tokio::test]
async fn no_statement_changes_a_relation() {
    let running = demo();
    let client = connect(&running.url).await;
    let before = digest(&client).await;
    let own =
        "select quote_ident(schemaname) || '.' || quote_ident(viewname) from pg_views where schemaname = 'public'";
    let mut relations = column(&client, own).await;
    assert!(relations.len() > 20, "{relations:?}");
    relations.extend(
        ["pg_catalog.pg_class", "pg_settings", "pg_catalog.pg_authid", "information_schema.tables"].map(str::to_owned),
    );
    for relation in &relations {
        for change in CHANGES {
            let sql = change.replace('?', relation);
            for extended in [false, true] {
                let code = code(&client, &sql, extended).await.unwrap_or_else(|| panic!("{sql} was done"));
                assert!(["25006", "42501"].contains(&code.as_str()), "{sql}: {code}");
            }
        }
    }
    assert_eq!(digest(&client).await, before);
}
