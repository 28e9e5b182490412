//! The catalog as clients ask for it: the statements psql 15 sends, answered as PostgreSQL 15 answers them about the same relations.
//!
//! `testdata/psql.txt` holds blocks of a command, the statement it sends, and the answer in `COPY` text. Answers are a real server's,
//! except in blocks marked `differs`, where the reason is given: one database, no superuser, nothing stored.

use std::sync::{Arc, Mutex};

use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch, new_empty_array};
use datafusion::arrow::datatypes::{DataType, Field, Int16Type, Int32Type, Schema, TimeUnit};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::catalog::MemTable;
use datafusion::error::Result;
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion::sql::parser::Statement as DfStatement;
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::Parser;

use super::{FunctionDoc, Identity, Settings, errors, plan, rewrite};

#[derive(Default)]
struct TestSettings {
    values: Mutex<Vec<(String, String)>>,
}

impl Settings for TestSettings {
    fn get(&self, name: &str) -> Option<String> {
        let values = self.values.lock().unwrap();
        let set = values.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        set.or_else(|| (name == "search_path").then(|| "\"$user\", public".to_owned()))
    }

    fn set(&self, name: &str, value: &str, _: bool) -> Result<()> {
        self.values.lock().unwrap().push((name.to_owned(), value.to_owned()));
        Ok(())
    }

    fn all(&self) -> Vec<(String, String, String)> {
        vec![("search_path".to_owned(), "\"$user\", public".to_owned(), String::new())]
    }
}

fn relation(comment: &str, columns: &[(&str, DataType, &str)]) -> Arc<MemTable> {
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, data_type, comment)| {
            let field = Field::new(*name, data_type.clone(), true);
            if comment.is_empty() {
                field
            } else {
                field.with_metadata([("comment".to_owned(), (*comment).to_owned())].into())
            }
        })
        .collect();
    let schema = Arc::new(Schema::new_with_metadata(fields, [("comment".to_owned(), comment.to_owned())].into()));
    let columns: Vec<ArrayRef> = schema.fields().iter().map(|field| new_empty_array(field.data_type())).collect();
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns).unwrap();
    Arc::new(MemTable::try_new(schema, vec![vec![batch]]).unwrap())
}

fn context() -> SessionContext {
    let config = SessionConfig::new().with_default_catalog_and_schema("grantd", "public").with_target_partitions(2);
    let ctx = SessionContext::new_with_config(config);
    let text = || DataType::Utf8View;
    let time = DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into()));
    ctx.register_table(
        "grants",
        relation(
            "One row per grant.",
            &[
                ("account", text(), ""),
                ("created_on", time, ""),
                ("role_name", text(), "The grantee."),
                ("privilege", text(), ""),
                ("grant_option", DataType::Boolean, ""),
            ],
        ),
    )
    .unwrap();
    ctx.register_table(
        "effective_privileges",
        relation(
            "Who can do what.",
            &[
                ("account", text(), ""),
                ("user_name", text(), "The user's name."),
                ("privilege", text(), ""),
                ("object", text(), "Full name, as SQL writes it."),
                ("usable", DataType::Boolean, ""),
                ("role_count", DataType::Int64, ""),
            ],
        ),
    )
    .unwrap();
    let identity = Identity {
        user: "grantd".to_owned(),
        database: "grantd".to_owned(),
        backend_pid: 4711,
        settings: Arc::new(TestSettings::default()),
    };
    let pairs = |list: &[(&str, &str)]| list.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    let doc = FunctionDoc {
        name: "who_can".to_owned(),
        arguments: pairs(&[("privilege", "text"), ("object", "text")]),
        returns: pairs(&[("account", "text"), ("user_name", "text"), ("role_count", "int8")]),
        comment: "Users that hold a privilege on an object.".to_owned(),
    };
    super::install(&ctx, &identity, &[doc]).unwrap();
    ctx
}

async fn query(ctx: &SessionContext, sql: &str) -> Result<Vec<RecordBatch>> {
    let mut statements = Parser::parse_sql(&PostgreSqlDialect {}, sql)?;
    let mut statement = statements.remove(0);
    rewrite::statement(&mut statement);
    super::mark_rows(&ctx.state(), &mut statement);
    let plan = ctx.state().statement_to_plan(DfStatement::Statement(Box::new(statement))).await?;
    let plan = plan::finish(&ctx.state(), plan)?;
    ctx.execute_logical_plan(plan).await?.collect().await
}

/// A cell in `COPY` text.
fn printed(array: &dyn Array, row: usize) -> Option<String> {
    if array.is_null(row) || *array.data_type() == DataType::Null {
        return None;
    }
    Some(match array.data_type() {
        DataType::Boolean => (if array.as_boolean().value(row) { "t" } else { "f" }).to_owned(),
        // An identifier and its name.
        DataType::Struct(_) => return printed(array.as_struct().column(1).as_ref(), row),
        DataType::List(_) => {
            let items = array.as_list::<i32>().value(row);
            let items: Vec<String> = (0..items.len())
                .map(|item| match printed(items.as_ref(), item) {
                    None => "NULL".to_owned(),
                    Some(text) if text.is_empty() || text.contains([',', '{', '}', '"', '\\', ' ']) => {
                        format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
                    }
                    Some(text) => text,
                })
                .collect();
            format!("{{{}}}", items.join(","))
        }
        _ => ArrayFormatter::try_new(array, &FormatOptions::default()).unwrap().value(row).to_string(),
    })
}

fn copy_text(batches: &[RecordBatch]) -> Vec<String> {
    let mut lines = Vec::new();
    for batch in batches {
        for row in 0..batch.num_rows() {
            let cells: Vec<String> = batch
                .columns()
                .iter()
                .map(|column| match printed(column.as_ref(), row) {
                    None => "\\N".to_owned(),
                    Some(text) => text.replace('\\', "\\\\").replace('\n', "\\n").replace('\t', "\\t"),
                })
                .collect();
            lines.push(cells.join("\t"));
        }
    }
    lines
}

async fn answer(ctx: &SessionContext, sql: &str) -> Vec<String> {
    copy_text(&query(ctx, sql).await.unwrap_or_else(|error| panic!("{error}\n{sql}")))
}

async fn scalar(ctx: &SessionContext, sql: &str) -> String {
    answer(ctx, &format!("SELECT {sql}")).await.join("\n")
}

async fn code(ctx: &SessionContext, sql: &str) -> String {
    let error = query(ctx, sql).await.expect_err(sql);
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(one) = source {
        if let Some(sql) = one.downcast_ref::<errors::SqlError>() {
            return sql.sqlstate.to_owned();
        }
        source = one.source();
    }
    format!("no SQLSTATE in {error:?}")
}

#[tokio::test]
async fn psql_commands_are_answered_as_postgresql_answers_them() {
    let ctx = context();
    let mut failures = Vec::new();
    let mut count = 0;
    for block in include_str!("testdata/psql.txt").split("\n@ ").skip(1) {
        let (head, rest) = block.split_once('\n').unwrap();
        let (sql, expected) = rest.split_once("\n--\n").unwrap_or_else(|| panic!("no answer to {head}"));
        let view = scalar(&ctx, "'effective_privileges'::regclass::oid").await;
        let grants = scalar(&ctx, "'grants'::regclass::oid").await;
        let function = scalar(&ctx, "'who_can'::regproc::oid").await;
        let placed =
            |text: &str| text.replace(":view", &view).replace(":grants", &grants).replace(":function", &function);
        let sql = placed(sql);
        let expected = expected.strip_suffix('\n').unwrap_or(expected);
        count += 1;
        match query(&ctx, &sql).await {
            Ok(batches) => {
                let (mut got, mut wanted) = (copy_text(&batches), expected.lines().map(placed).collect::<Vec<_>>());
                if !sql.contains("ORDER BY") {
                    got.sort();
                    wanted.sort();
                }
                if got != wanted {
                    failures.push(format!(
                        "@ {head}\n{sql}\n-- got\n{}\n-- wanted\n{}",
                        got.join("\n"),
                        wanted.join("\n")
                    ));
                }
            }
            Err(error) => failures.push(format!("@ {head}\n{sql}\n-- error\n{error}")),
        }
    }
    assert!(count >= 80, "{count} statements");
    assert!(failures.is_empty(), "{} of {count} differ\n{}", failures.len(), failures.join("\n\n"));
}

#[tokio::test]
async fn functions_answer_as_postgresql_does() {
    let ctx = context();
    for (sql, wanted) in [
        ("version() ~ '^PostgreSQL 15\\.'", "t"),
        ("current_user", "grantd"),
        ("session_user", "grantd"),
        ("current_database()", "grantd"),
        ("current_schema()", "public"),
        ("current_schema", "public"),
        ("current_schemas(true)", "{pg_catalog,public}"),
        ("pg_backend_pid()", "4711"),
        ("current_setting('server_version_num')::int >= 150000", "t"),
        ("current_setting('no.such', true)", "\\N"),
        ("set_config('a.b', 'c', false)", "c"),
        ("current_setting('a.b')", "c"),
        ("has_table_privilege('grants', 'SELECT')", "t"),
        ("has_table_privilege('grants', 'INSERT')", "f"),
        ("has_table_privilege('grantd', 'grants', 'INSERT, SELECT')", "t"),
        ("has_schema_privilege('public', 'USAGE')", "t"),
        ("has_schema_privilege('public', 'CREATE')", "f"),
        ("has_database_privilege('grantd', 'CONNECT')", "t"),
        ("has_column_privilege('grants', 'account', 'SELECT')", "t"),
        ("obj_description('grants'::regclass, 'pg_class')", "One row per grant."),
        ("obj_description('who_can'::regproc, 'pg_proc')", "Users that hold a privilege on an object."),
        ("col_description('grants'::regclass, 3)", "The grantee."),
        ("col_description('grants'::regclass, 1)", "\\N"),
        ("format_type(1043, 14)", "character varying(10)"),
        ("'pg_class'::regclass", "pg_class"),
        ("'pg_class'::regclass::oid", "1259"),
        ("'public.grants'::regclass::text", "grants"),
        ("to_regclass('nosuch')", "\\N"),
        ("to_regtype('integer')", "integer"),
        ("'int4'::regtype::oid", "23"),
        ("1259::regclass", "pg_class"),
        ("pg_typeof(1.5::float8)", "double precision"),
        ("quote_ident('Select')", "\"Select\""),
        ("quote_literal('it''s')", "'it''s'"),
        ("pg_encoding_to_char(6)", "UTF8"),
        ("pg_is_in_recovery()", "f"),
        ("pg_size_pretty(pg_relation_size('grants'::regclass))", "0 bytes"),
        ("pg_get_function_result('who_can'::regproc)", "TABLE(account text, user_name text, role_count bigint)"),
        ("pg_get_function_arguments('who_can'::regproc)", "privilege text, object text"),
        ("array_to_string(ARRAY[1, 2], ',')", "1,2"),
        (
            "array(select nspname from pg_namespace where nspname like 'pg/_%' escape '/' order by nspname desc)",
            "{pg_toast,pg_catalog}",
        ),
        ("array(select 1 where false)", "{}"),
        ("acldefault('r', 10)", "{grantd=arwdDxt/grantd}"),
        ("acldefault('d', 10)", "{=Tc/grantd,grantd=CTc/grantd}"),
        ("acldefault('c', 10)", "{}"),
        ("case when pg_is_in_recovery() then pg_is_wal_replay_paused() else false end", "f"),
        ("(array['a', 'b', 'c']::text[])[1:2]", "{a,b}"),
        ("'abc' LIKE 'a/%c' ESCAPE '/'", "f"),
        ("'r' = any('{r,v}'::text[])", "t"),
    ] {
        assert_eq!(scalar(&ctx, sql).await, wanted, "{sql}");
    }
}

#[tokio::test]
async fn errors_carry_postgresql_codes() {
    let ctx = context();
    assert_eq!(code(&ctx, "SELECT pg_try_advisory_lock(1)").await, "0A000");
    assert_eq!(code(&ctx, "SELECT pg_advisory_xact_lock(1, 2)").await, "0A000");
    for (sql, wanted) in [
        ("SELECT current_setting('no.such')", "42704"),
        ("SELECT 'nosuch'::regclass", "42P01"),
        ("SELECT 'nosuch'::regtype", "42704"),
        ("SELECT has_table_privilege('grants', 'FLY')", "22023"),
        ("SELECT has_schema_privilege('nosuch', 'USAGE')", "3F000"),
        ("SELECT t.typname, (SELECT p.proname FROM pg_proc p WHERE p.prorettype = t.oid) FROM pg_type t", "21000"),
    ] {
        assert_eq!(code(&ctx, sql).await, wanted, "{sql}");
    }
}

#[tokio::test]
async fn recovery_is_not_in_progress() {
    assert_eq!(code(&context(), "SELECT pg_is_wal_replay_paused()").await, "55000");
}

#[tokio::test]
async fn every_builtin_relation_is_there_with_its_columns() {
    let ctx = context();
    for relation in super::facts::RELATIONS.iter() {
        let sql = format!("SELECT * FROM {}.{} LIMIT 1", relation.schema, relation.name);
        let batches = query(&ctx, &sql).await.unwrap_or_else(|error| panic!("{error}\n{sql}"));
        if let Some(batch) = batches.first() {
            assert_eq!(batch.num_columns(), relation.columns.len(), "{sql}");
        }
    }
}

#[tokio::test]
async fn published_relations_are_described_alike_everywhere() {
    let ctx = context();
    assert_eq!(
        answer(&ctx, "SELECT table_schema, table_name, table_type FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 2").await,
        ["public\teffective_privileges\tVIEW", "public\tgrants\tVIEW"]
    );
    assert_eq!(
        answer(
            &ctx,
            "SELECT column_name, ordinal_position, is_nullable, data_type, udt_name FROM information_schema.columns \
             WHERE table_name = 'grants' ORDER BY ordinal_position"
        )
        .await,
        [
            "account\t1\tYES\ttext\ttext",
            "created_on\t2\tYES\ttimestamp with time zone\ttimestamptz",
            "role_name\t3\tYES\ttext\ttext",
            "privilege\t4\tYES\ttext\ttext",
            "grant_option\t5\tYES\tboolean\tbool",
        ]
    );
    assert_eq!(
        answer(&ctx, "SELECT schemaname, viewname, viewowner FROM pg_views WHERE schemaname = 'public' ORDER BY 2")
            .await,
        ["public\teffective_privileges\tgrantd", "public\tgrants\tgrantd"]
    );
    assert!(answer(&ctx, "SELECT 1 FROM pg_tables WHERE schemaname = 'public'").await.is_empty());
}

#[tokio::test]
async fn oids_are_the_same_in_another_connection() {
    let sql = "SELECT relname, oid FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1";
    assert_eq!(answer(&context(), sql).await, answer(&context(), sql).await);
}

#[tokio::test]
async fn array_columns_are_arrays() {
    let batches = query(&context(), "SELECT indkey, indclass FROM pg_index").await.unwrap();
    let schema = batches.first().map(RecordBatch::schema);
    if let Some(schema) = schema {
        assert!(matches!(schema.field(0).data_type(), DataType::List(item) if *item.data_type() == DataType::Int16));
    }
    let batches = query(&context(), "SELECT typreceive, oid FROM pg_type WHERE typreceive <> 0 AND typname = 'bool'")
        .await
        .unwrap();
    assert_eq!(copy_text(&batches), ["boolrecv\t16"]);
    assert_eq!(batches[0].column(1).as_primitive::<Int32Type>().value(0), 16);
    let batches = query(
        &context(),
        "SELECT attnum FROM pg_attribute WHERE attrelid = 'pg_class'::regclass AND attname = 'relkind'",
    )
    .await
    .unwrap();
    assert_eq!(batches[0].column(0).as_primitive::<Int16Type>().value(0), 17);
}

#[tokio::test]
async fn every_statement_of_psql_runs_and_has_its_columns() {
    let ctx = context();
    let mut failures = Vec::new();
    let mut count = 0;
    for block in include_str!("testdata/psql_runs.txt").split("\n@ ").skip(1) {
        let (head, rest) = block.split_once('\n').unwrap();
        let (sql, columns) = rest.split_once("\n--\n").unwrap();
        let sql = sql.replace(":view", "1259").replace(":grants", "1259");
        count += 1;
        match query(&ctx, &sql).await {
            Ok(batches) => {
                if let Some(batch) = batches.first()
                    && batch.num_columns().to_string() != columns.trim()
                {
                    failures.push(format!("@ {head}\n{sql}\n-- {} columns", batch.num_columns()));
                }
            }
            Err(error) => failures.push(format!("@ {head}\n{sql}\n-- error\n{error}")),
        }
    }
    assert!(count >= 30, "{count} statements");
    assert!(failures.is_empty(), "{} of {count} fail\n{}", failures.len(), failures.join("\n\n"));
}

#[tokio::test]
async fn shapes_other_clients_send_are_answered_as_postgresql_answers_them() {
    let ctx = context();
    let cases: &[(&str, &[&str])] = &[
        (
            "SELECT t.oid, t.typname, (SELECT e.typname FROM pg_type e WHERE e.oid = t.typelem) AS el FROM pg_type t WHERE t.typname = '_int4'",
            &["1007\t_int4\tint4"],
        ),
        (
            "SELECT typname FROM pg_type WHERE typinput = 'array_in'::regproc AND typname IN ('_int4', '_text', 'int4') ORDER BY 1",
            &["_int4", "_text"],
        ),
        (
            "SELECT a.attname, a.attnum FROM pg_attribute a WHERE a.attnum = ANY(ARRAY[1,2]) AND a.attrelid = 'grants'::regclass ORDER BY 2",
            &["account\t1", "created_on\t2"],
        ),
        ("select conname from pg_constraint where 1 = any(conkey) AND connamespace = 2200", &[]),
        ("select relname from pg_class where relname = ANY('{grants,users}')", &["grants"]),
        (
            "select set_config('bytea_output', 'hex', false) from pg_show_all_settings() where name = 'search_path'",
            &["hex"],
        ),
        (
            "SELECT table_name FROM information_schema.tables WHERE table_schema NOT IN ('pg_catalog', 'information_schema', 'hidden') ORDER BY 1",
            &["effective_privileges", "grants"],
        ),
        ("SELECT oid::regtype FROM pg_type WHERE typname = 'int4'", &["integer"]),
        ("SELECT 'x'::name, 'a'::\"char\", 1::oid", &["x\ta\t1"]),
        (
            "SELECT format('%I.%I', n.nspname, c.relname)::regclass::oid = c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relname = 'grants'",
            &["t"],
        ),
        (
            "SELECT array_agg(a.attname ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = 'grants'::regclass",
            &["{account,created_on,role_name,privilege,grant_option}"],
        ),
        (
            "SELECT attrelid::regclass, attname FROM pg_attribute WHERE attrelid = 'public.grants'::regclass::oid AND attnum > 0 AND NOT attisdropped ORDER BY attnum LIMIT 1",
            &["grants\taccount"],
        ),
        ("SELECT x.i FROM generate_series(1, 3) AS x(i)", &["1", "2", "3"]),
        ("SELECT * FROM current_schema()", &["public"]),
        (
            "SELECT word FROM pg_get_keywords() WHERE catcode = 'R' AND word LIKE 'a%' ORDER BY 1",
            &["all", "analyse", "analyze", "and", "any", "array", "as", "asc", "asymmetric"],
        ),
        ("SELECT conname, tableoid::regclass FROM pg_constraint WHERE false", &[]),
        (
            "SELECT t.typname, a.n, a.m FROM pg_type t, LATERAL (SELECT count(*) AS n, max(c.relname) AS m FROM pg_class c WHERE c.reltype = t.oid AND c.relname = 'x') a WHERE t.typname IN ('int4', 'text') ORDER BY 1",
            &["int4\t0\t\\N", "text\t0\t\\N"],
        ),
        (
            "SELECT (SELECT coalesce(max(c.relname::text), 'none') FROM pg_class c WHERE c.reltype = t.oid AND c.relname = 'x') FROM pg_type t WHERE t.typname = 'int4'",
            &["none"],
        ),
        (
            "SELECT ARRAY['a', 'b'] @> '{a}', ARRAY['a'] && '{b,c}', '{a}' <@ ARRAY['a'], ARRAY['a'] && ARRAY['a', 'z']",
            &["t\tf\tt\tt"],
        ),
        ("SELECT pg_typeof(ntile(2) OVER (ORDER BY typname)) FROM pg_type LIMIT 1", &["integer"]),
        ("SELECT x FROM generate_series(1, 3::int4) AS g(x)", &["1", "2", "3"]),
        ("SELECT name, default_version, comment FROM pg_available_extensions()", &[]),
        (
            "SELECT (SELECT count(1) FROM pg_inherits WHERE inhrelid = c.oid LIMIT 1) AS a, (SELECT count(1) FROM pg_inherits WHERE inhrelid = c.oid LIMIT 0) AS b, (SELECT count(*) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = ANY(ARRAY[1, 2])) AS c FROM pg_class c WHERE c.relname = 'grants'",
            &["0\t\\N\t2"],
        ),
        (
            "SELECT t.typname, (SELECT count(*) FROM pg_class c WHERE c.reltype >= t.oid AND c.oid < 0) + 1 FROM pg_type t WHERE t.typname = 'int4'",
            &["int4\t1"],
        ),
        (
            "SELECT DISTINCT ON (c.oid) c.relname AS name, (SELECT a.attname FROM pg_attribute a JOIN pg_class o ON o.oid = a.attrelid WHERE a.attrelid = c.oid AND a.attnum > 0 ORDER BY a.attnum DESC LIMIT 1) AS last, (SELECT count(1) FROM pg_class d WHERE d.relname = c.relname) > 1 AS isdup FROM pg_class c WHERE c.relname = 'grants' ORDER BY c.oid",
            &["grants\tgrant_option\tf"],
        ),
    ];
    for (sql, wanted) in cases {
        assert_eq!(answer(&ctx, sql).await, *wanted, "{sql}");
    }
}

#[tokio::test]
async fn literals_take_the_type_of_the_array_beside_them() {
    let ctx = context();
    for (sql, wanted) in [
        ("COALESCE((SELECT array_agg(enumlabel) FROM (SELECT * FROM pg_catalog.pg_enum) labels), '{}')", "{}"),
        (
            "COALESCE((SELECT array_agg((attname, atttypid)) FROM (SELECT * FROM pg_attribute WHERE attrelid = 1) a), '{}')",
            "{}",
        ),
        ("COALESCE((SELECT array_agg(oid) FROM pg_type WHERE oid = 1), '{1,2}')", "{1,2}"),
        ("COALESCE((SELECT array_agg(oid) FROM pg_type WHERE oid = 16), NULL, '{}')", "{16}"),
        ("COALESCE(NULL::text, '{}')", "{}"),
        ("COALESCE('a'::name, '{}')", "a"),
    ] {
        assert_eq!(scalar(&ctx, sql).await, wanted, "{sql}");
    }
    assert_eq!(
        answer(&ctx, "SELECT DISTINCT ON (b) a, b FROM (VALUES (E'x', to_regtype(E'nosuch')::oid), (E'y', to_regtype(E'grants')::oid), (NULL, 26)) v(a, b) WHERE b < 100 ORDER BY b").await,
        ["\\N\t26"]
    );
}

#[tokio::test]
async fn casts_keep_the_type_that_they_name() {
    let ctx = context();
    for (cast, wanted) in [
        ("NULL::oidvector", "oidvector"),
        ("'1 2'::int2vector", "int2vector"),
        ("'7'::xid", "xid"),
        ("NULL::cid", "cid"),
        ("NULL::aclitem[]", "aclitem[]"),
        ("'{a,b}'::name[]", "name[]"),
        ("NULL::information_schema.sql_identifier", "name"),
        ("NULL::information_schema.cardinal_number", "integer"),
        ("NULL::information_schema.yes_or_no", "character varying"),
    ] {
        assert_eq!(scalar(&ctx, &format!("pg_typeof({cast})")).await, wanted, "{cast}");
    }
    assert_eq!(scalar(&ctx, "'1 2'::oidvector").await, "{1,2}");
    assert_eq!(scalar(&ctx, "'{a,b}'::name[]").await, "{a,b}");
    assert_eq!(code(&ctx, "SELECT '1 x'::oidvector").await, "22P02");
    assert_eq!(code(&ctx, "SELECT '-1'::information_schema.cardinal_number").await, "23514");
}

#[tokio::test]
async fn builtin_relations_have_row_types_and_views_have_texts() {
    let ctx = context();
    for (sql, wanted) in [
        ("(SELECT count(*) FROM pg_class WHERE reltype = 0 AND relkind <> 'i')", "0"),
        (
            "(SELECT count(*) FROM pg_class c JOIN pg_type t ON t.oid = c.reltype AND t.typrelid = c.oid AND t.typtype = 'c')",
            "210",
        ),
        (
            "(SELECT count(*) FROM pg_type a JOIN pg_type t ON t.typarray = a.oid AND a.typelem = t.oid WHERE t.typtype = 'c')",
            "210",
        ),
        (
            "(SELECT reltype::regtype FROM pg_class WHERE oid = 'information_schema.tables'::regclass)",
            "information_schema.tables",
        ),
        ("to_regtype('tables')", "\\N"),
        ("'information_schema.tables[]'::regtype", "information_schema.tables[]"),
        ("(SELECT atttypid::regtype FROM pg_attribute WHERE attname = 'stxdexpr')", "pg_statistic[]"),
        ("(SELECT count(*) FROM pg_views WHERE definition IS NULL)", "0"),
        (
            "pg_get_viewdef('information_schema.information_schema_catalog_name'::regclass)",
            " SELECT information_schema_catalog_name.catalog_name\\n   FROM information_schema.information_schema_catalog_name;",
        ),
    ] {
        assert_eq!(scalar(&ctx, sql).await, wanted, "{sql}");
    }
}

#[tokio::test]
async fn system_columns_are_there_by_name_alone() {
    let ctx = context();
    let cases: &[(&str, &[&str])] = &[
        ("SELECT xmin, xmin::text::bigint FROM pg_namespace WHERE nspname = 'public'", &["3\t3"]),
        ("SELECT age(c.xmin), c.xmax FROM pg_class c WHERE c.relname = 'grants' ORDER BY c.xmin", &["0\t0"]),
        (
            "SELECT n.nspname, d.xmin, n.xmin AS x FROM pg_namespace n LEFT JOIN pg_description d ON d.objoid = n.oid \
             AND d.description = 'none' WHERE n.nspname = 'public'",
            &["public\t\\N\t3"],
        ),
        ("SELECT count(xmin) FROM pg_event_trigger", &["0"]),
        ("SELECT tableoid FROM pg_am WHERE amname = 'btree'", &["2601"]),
    ];
    for (sql, wanted) in cases {
        assert_eq!(answer(&ctx, sql).await, *wanted, "{sql}");
    }
    let batches = query(&ctx, "SELECT xmin FROM pg_am").await.unwrap();
    let schema = batches[0].schema();
    assert_eq!((schema.field(0).name().as_str(), super::types::name_of(schema.field(0))), ("xmin", "xid".to_owned()));
    assert!(query(&ctx, "SELECT xmin FROM pg_roles").await.is_err());
}

#[tokio::test]
async fn matches_are_sets_and_a_single_one_is_a_value() {
    let ctx = context();
    let cases: &[(&str, &[&str])] = &[
        ("SELECT (regexp_matches('foobar', '(o)(b)'))[1]", &["o"]),
        ("SELECT regexp_matches('foobarbequebaz', 'b[a-z]', 'g')", &["{ba}", "{be}", "{ba}"]),
        ("SELECT x FROM regexp_matches('foobarbequebaz', 'b[a-z]', 'g') x", &["{ba}", "{be}", "{ba}"]),
        ("SELECT regexp_matches('a', 'b')", &[]),
        (
            "SELECT c.relname, (SELECT (REGEXP_MATCHES(c.relname, '^(gr)'))[1]) FROM pg_class c \
             WHERE c.relname IN ('grants', 'pg_am') ORDER BY 1",
            &["grants\tgr", "pg_am\t\\N"],
        ),
    ];
    for (sql, wanted) in cases {
        assert_eq!(answer(&ctx, sql).await, *wanted, "{sql}");
    }
}

#[tokio::test]
async fn objects_depend_and_are_identified() {
    let ctx = context();
    let sql = "SELECT deptype, count(*) FROM pg_depend WHERE refobjid = 'grants'::regclass::oid GROUP BY 1 ORDER BY 1";
    assert_eq!(answer(&ctx, sql).await, ["i\t2", "n\t1"]);
    let sql = "SELECT count(*) FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid WHERE d.classid = 'pg_rewrite'::regclass";
    assert_eq!(answer(&ctx, sql).await, ["4"]);
    for (sql, wanted) in [
        ("(pg_identify_object('pg_class'::regclass, 'pg_class'::regclass, 0)).identity", "pg_catalog.pg_class"),
        ("(pg_identify_object('pg_class'::regclass, 'grants'::regclass, 1)).type", "view column"),
        ("(pg_identify_object('pg_class'::regclass, 'grants'::regclass, 1)).identity", "public.grants.account"),
        (
            "(pg_identify_object('pg_proc'::regclass, 'upper(text)'::regprocedure, 0)).identity",
            "pg_catalog.upper(pg_catalog.text)",
        ),
        ("(pg_identify_object('pg_type'::regclass, 'int4'::regtype, 0)).identity", "integer"),
        ("pg_identify_object('pg_namespace'::regclass, 'public'::regnamespace, 0)", "(schema,,public,public)"),
        ("pg_terminate_backend(4711)", "f"),
        ("pg_cancel_backend(1)", "f"),
        ("pg_indexam_has_property(403, 'can_order')", "t"),
        ("pg_indexam_has_property(405, 'can_order')", "f"),
        ("pg_indexam_has_property(403, 'other')", "\\N"),
        ("pg_index_has_property('grants'::regclass, 'clusterable')", "\\N"),
        ("pg_column_is_updatable('grants'::regclass, 1::smallint, true)", "f"),
        ("make_time(13, 0, 0.0)", "13:00:00"),
        (
            "pg_get_functiondef('upper(text)'::regprocedure)",
            "CREATE OR REPLACE FUNCTION pg_catalog.upper(text)\\n RETURNS text\\n LANGUAGE internal\\n \
             IMMUTABLE PARALLEL SAFE STRICT\\nAS $function$upper$function$\\n",
        ),
    ] {
        assert_eq!(scalar(&ctx, sql).await, wanted, "{sql}");
    }
    for (relation, column, wanted) in [("pg_class", "relacl", "1"), ("pg_settings", "enumvals", "0")] {
        let sql = format!(
            "SELECT attndims FROM pg_attribute WHERE attrelid = '{relation}'::regclass AND attname = '{column}'"
        );
        assert_eq!(answer(&ctx, &sql).await, [wanted], "{sql}");
    }
    assert_eq!(answer(&ctx, "SELECT count(*) FROM pg_available_extension_versions()").await, ["0"]);
}

#[tokio::test]
async fn whole_rows_are_values() {
    let ctx = context();
    for (sql, wanted) in [
        ("SELECT count(a) AS x, count(DISTINCT a) AS y, count(a.*) AS z FROM pg_am a", "7\t7\t7"),
        ("SELECT (a).amname, (a).amhandler FROM pg_am a WHERE (a).oid = 2", "heap\theap_tableam_handler"),
        (
            "SELECT pg_typeof(n), pg_typeof(NULL::pg_namespace[]) FROM pg_namespace n LIMIT 1",
            "pg_namespace\tpg_namespace[]",
        ),
        (
            "SELECT pg_typeof(g), pg_typeof(NULL::grants) FROM pg_am LEFT JOIN grants g ON true LIMIT 1",
            "grants\tgrants",
        ),
        ("SELECT count(g) FROM pg_am LEFT JOIN grants g ON true", "0"),
        // A column goes before.
        ("SELECT a FROM (SELECT 1 AS a) a", "1"),
        ("WITH c AS (SELECT n FROM (SELECT 2 AS n) t) SELECT c.n FROM c, pg_am n LIMIT 1", "2"),
        ("SELECT (SELECT (a).amname) FROM pg_am a WHERE a.oid = 2", "heap"),
        ("SELECT ('(1,\"a b\",10,)'::pg_namespace).nspname", "a b"),
    ] {
        assert_eq!(answer(&ctx, sql).await, [wanted], "{sql}");
    }
    for sql in ["SELECT (a).nope FROM pg_am a", "SELECT '(1,2)'::pg_namespace", "SELECT b FROM pg_am a"] {
        assert!(query(&ctx, sql).await.is_err(), "{sql}");
    }
}
