//! sqlx: connections, pools and what it asks the catalog by itself.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use futures_util::future::join_all;
use futures_util::{StreamExt, TryStreamExt};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use sqlx::encode::IsNull;
use sqlx::postgres::types::{Oid, PgInterval, PgRange};
use sqlx::postgres::{
    PgAdvisoryLock, PgArgumentBuffer, PgArguments, PgConnectOptions, PgConnection, PgDatabaseError, PgListener, PgPool,
    PgPoolCopyExt, PgPoolOptions, PgRow, PgTypeInfo,
};
use sqlx::query::Query;
use sqlx::{
    AssertSqlSafe, Column, ConnectOptions, Connection, Decode, Either, Encode, Error, Executor, Postgres, Row,
    SqlSafeStr, Statement, Type, TypeInfo, ValueRef, query,
};
use uuid::Uuid;

use crate::report::{Failure, Outcome, hex, step, text, version};
use crate::statements::{DESCRIBED, LONG, PLAIN};

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match &error {
            Error::Database(told) => {
                let outcome = told.code().map_or_else(|| "database".to_owned(), Into::into);
                Self { outcome, class: Some(format!("{:?}", told.kind())), message: told.message().to_owned() }
            }
            _ => {
                let class = format!("{error:?}").split(['(', ' ', '{']).next().unwrap_or_default().to_owned();
                Self { outcome: "client".to_owned(), class: Some(class), message: error.to_string() }
            }
        }
    }
}

/// A value of a type that is only known by name.
struct Named<const TYPE: usize>(&'static str);

const NAMES: [&str; 3] = ["information_schema.sql_identifier", "regclass", "no_such_type"];

impl<const TYPE: usize> Type<Postgres> for Named<TYPE> {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_name(NAMES[TYPE])
    }
}

impl<const TYPE: usize> Encode<'_, Postgres> for Named<TYPE> {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, sqlx::error::BoxDynError> {
        buffer.extend_from_slice(self.0.as_bytes());
        Ok(IsNull::No)
    }
}

/// The value of a column, with the type that a program would read it as.
fn cell(row: &PgRow, index: usize) -> Result<Value, Error> {
    fn get<'a, T: Decode<'a, Postgres> + Type<Postgres>>(
        row: &'a PgRow,
        index: usize,
        show: impl Fn(T) -> Value,
    ) -> Result<Value, Error> {
        Ok(row.try_get::<Option<T>, _>(index)?.map_or(Value::Null, show))
    }
    let items = |found: Vec<Option<String>>| json!(found);
    match row.column(index).type_info().name() {
        "BOOL" => get(row, index, |value: bool| value.into()),
        "INT2" => get(row, index, |value: i16| value.into()),
        "INT4" => get(row, index, |value: i32| value.into()),
        "INT8" => get(row, index, |value: i64| value.into()),
        "\"CHAR\"" => get(row, index, |value: i8| value.into()),
        "OID" => get(
            row,
            index,
            |value: Oid| if value.0 < 16_384 { value.0.into() } else { "an oid of this database".into() },
        ),
        "FLOAT4" => get(row, index, |value: f32| text("f32", value)),
        "FLOAT8" => get(row, index, |value: f64| text("f64", value)),
        "NUMERIC" => get(row, index, |value: Decimal| text("decimal", value)),
        "TEXT" | "VARCHAR" | "CHAR" | "NAME" => get(row, index, |value: String| value.into()),
        "BYTEA" => get(row, index, |value: Vec<u8>| text("bytes", hex(&value))),
        "DATE" => get(row, index, |value: NaiveDate| text("date", value)),
        "TIME" => get(row, index, |value: NaiveTime| text("time", value)),
        "TIMESTAMP" => get(row, index, |value: NaiveDateTime| text("timestamp", value)),
        "TIMESTAMPTZ" => get(row, index, |value: DateTime<Utc>| text("timestamptz", value)),
        "INTERVAL" => get(row, index, |value: PgInterval| text("interval", format!("{value:?}"))),
        "JSON" | "JSONB" => get(row, index, |value: Value| json!({ "json": value })),
        "UUID" => get(row, index, |value: Uuid| text("uuid", value)),
        "BOOL[]" => get(row, index, |value: Vec<Option<bool>>| json!(value)),
        "INT2[]" => get(row, index, |value: Vec<Option<i16>>| json!(value)),
        "INT4[]" => get(row, index, |value: Vec<Option<i32>>| json!(value)),
        "INT8[]" => get(row, index, |value: Vec<Option<i64>>| json!(value)),
        "TEXT[]" | "VARCHAR[]" | "NAME[]" => get(row, index, items),
        "INT4RANGE" => get(row, index, |value: PgRange<i32>| text("range", value)),
        _ => {
            let raw = row.try_get_raw(index)?;
            if raw.is_null() { Ok(Value::Null) } else { Ok(text("raw", hex(raw.as_bytes().map_err(Error::Decode)?))) }
        }
    }
}

fn columns(row: &PgRow) -> Value {
    let whole = |column: &sqlx::postgres::PgColumn| {
        json!([
            column.name(),
            column.type_info().name(),
            column.relation_id().is_some(),
            column.relation_attribute_no()
        ])
    };
    row.columns().iter().map(whole).collect()
}

fn whole(row: &PgRow) -> Result<Value, Error> {
    (0..row.len()).map(|index| cell(row, index)).collect::<Result<Vec<Value>, Error>>().map(Value::from)
}

fn rows(found: &[PgRow]) -> Result<Value, Error> {
    found.iter().map(whole).collect::<Result<Vec<Value>, Error>>().map(Value::from)
}

async fn run(connection: &mut PgConnection, query: Query<'_, Postgres, PgArguments>) -> Outcome {
    let found = query.fetch_all(connection).await?;
    Ok((found.first().map_or(Value::Null, columns), rows(&found)?).into())
}

async fn count(connection: &mut PgConnection, sql: &'static str) -> Result<i64, Error> {
    sqlx::query_scalar(sql).fetch_one(connection).await
}

/// What the macros ask at compile time: types, where a column comes from, and whether it may be NULL.
async fn described(connection: &mut PgConnection, sql: &'static str) -> Outcome {
    let found = connection.describe(sql.into_sql_str()).await?;
    let columns = found.columns.iter().zip(&found.nullable).map(|(column, nullable)| {
        let origin = column.origin();
        let origin = origin.table_column().map(|origin| json!([&*origin.table, &*origin.name]));
        json!([column.name(), column.type_info().name(), origin, nullable])
    });
    let parameters = match &found.parameters {
        Some(Either::Left(types)) => types.iter().map(|of| of.name()).collect(),
        _ => Vec::new(),
    };
    Ok((columns.collect::<Value>(), json!(parameters)).into())
}

async fn prepared(connection: &mut PgConnection, sql: &'static str) -> Outcome {
    let statement = connection.prepare(sql.into_sql_str()).await?;
    let columns: Value =
        statement.columns().iter().map(|column| json!([column.name(), column.type_info().name()])).collect();
    let parameters = match statement.parameters() {
        Some(Either::Left(types)) => types.iter().map(|of| of.name().to_owned()).collect(),
        _ => Vec::new(),
    };
    Ok((columns, json!(parameters)).into())
}

/// Statements by the simple protocol: rows, and how many each one touched.
async fn raw(connection: &mut PgConnection, sql: &'static str) -> Outcome {
    let mut all = Vec::new();
    let mut answers = sqlx::raw_sql(sql).fetch_many(connection);
    while let Some(answer) = answers.try_next().await? {
        all.push(match answer {
            Either::Left(done) => json!({ "done": done.rows_affected() }),
            Either::Right(row) => json!({ "row": row.columns().iter().map(Column::name).collect::<Vec<_>>() }),
        });
    }
    Ok(Value::from(all).into())
}

async fn fields(connection: &mut PgConnection, sql: &'static str) -> Outcome {
    let Err(error) = connection.execute(sql).await else { return Ok(json!("no error").into()) };
    let Some(told) = error.as_database_error().and_then(|error| error.try_downcast_ref::<PgDatabaseError>()) else {
        return Err(error.into());
    };
    let at = told.position().map(|at| format!("{at:?}"));
    Ok(json!([format!("{:?}", told.severity()), told.code(), at, told.table(), told.column(), told.constraint()])
        .into())
}

/// Values of every type as parameters, which go and come back in binary.
async fn parameters(connection: &mut PgConnection) {
    let moment = DateTime::from_timestamp(1_709_210_096, 789_000_000).unwrap_or_default();
    let naive = moment.naive_utc();
    let uuid = Uuid::from_u128(0xa0ee_bc99_9c0b_4ef8_bb6d_6bb9_bd38_0a11);
    let document = json!({ "a": [1, null] });
    let interval = PgInterval { months: -1, days: 2, microseconds: 3_000_000 };
    // Statements are kept by their text, whatever the types of the parameters: each has its own.
    let any = |name: &str| query(AssertSqlSafe(format!("SELECT $1 AS \"{name}\"")));
    for (name, query) in [
        ("bool", any("bool").bind(true)),
        ("int2", any("int2").bind(-1i16)),
        ("int4", any("int4").bind(-1i32)),
        ("int8", any("int8").bind(i64::MIN)),
        ("oid", any("oid").bind(Oid(1))),
        ("char", any("char").bind(65i8)),
        ("float4", any("float4").bind(0.1f32)),
        ("float8", any("float8").bind(f64::MAX)),
        ("numeric", any("numeric").bind(Decimal::new(-12_345, 3))),
        ("long numeric", any("long numeric").bind(Decimal::MAX)),
        ("text", any("text").bind("a'b\\c \u{e4}\u{1f600}")),
        ("bytea", any("bytea").bind(vec![0u8, 1, 255])),
        ("date", any("date").bind(naive.date())),
        ("time", any("time").bind(naive.time())),
        ("timestamp", any("timestamp").bind(naive)),
        ("timestamptz", any("timestamptz").bind(moment)),
        ("interval", any("interval").bind(interval)),
        ("jsonb", any("jsonb").bind(document.clone())),
        ("json", query("SELECT $1::json").bind(document)),
        ("uuid", any("uuid").bind(uuid)),
        ("null", any("null").bind(None::<String>)),
        ("null number", any("null number").bind(None::<i32>)),
        ("bool list", any("bool list").bind(vec![true, false])),
        ("int4 list", any("int4 list").bind(vec![Some(1i32), None])),
        ("int8 list", any("int8 list").bind(vec![1i64])),
        ("text list", any("text list").bind(vec![Some("a,\"b"), None])),
        ("empty list", any("empty list").bind(Vec::<String>::new())),
        ("numeric list", any("numeric list").bind(vec![Decimal::ONE])),
        ("bytea list", any("bytea list").bind(vec![vec![1u8]])),
        ("date list", any("date list").bind(vec![naive.date()])),
        ("timestamptz list", any("timestamptz list").bind(vec![moment])),
        ("uuid list", any("uuid list").bind(vec![uuid])),
        ("range", any("range").bind(PgRange::from(1i32..5))),
        ("named type", any("named type").bind(Named::<0>("a"))),
        ("named type of the catalog", any("named type of the catalog").bind(Named::<1>("\0\0\u{4}\u{6b}"))),
        ("type that is not there", any("type that is not there").bind(Named::<2>("a"))),
    ] {
        step(&format!("parameter {name}"), run(connection, query)).await;
    }
    for (name, query) in [
        ("text", query("SELECT user_name FROM users WHERE user_name = $1").bind("MAIN")),
        ("limit", query("SELECT user_name FROM users ORDER BY 1 LIMIT $1 OFFSET $2").bind(1i64).bind(1i32)),
        ("any", query("SELECT user_name FROM users WHERE user_name = ANY($1) ORDER BY 1").bind(vec!["MAIN", "x"])),
        (
            "unnest",
            query("SELECT a, b FROM unnest($1::int4[], $2::text[]) AS t(a, b)").bind(vec![1, 2]).bind(vec!["x", "y"]),
        ),
        ("boolean", query("SELECT user_name FROM users WHERE disabled = $1 ORDER BY 1").bind(false)),
        ("since", query("SELECT count(*) FROM users WHERE created_on > $1").bind(DateTime::<Utc>::UNIX_EPOCH)),
        (
            "nothing",
            query("SELECT user_name FROM users WHERE default_role IS NOT DISTINCT FROM $1").bind(None::<String>),
        ),
        ("bigint", query("SELECT role_name FROM roles WHERE granted_to_users >= $1 ORDER BY 1").bind(2i64)),
        ("a small number", query("SELECT role_name FROM roles WHERE granted_to_users > $1 ORDER BY 1").bind(1i16)),
        ("a series", query("SELECT n FROM generate_series(1, $1) AS g(n)").bind(3i32)),
        ("a function", query("SELECT user_name FROM who_can($1, $2) WHERE false").bind("SELECT").bind("X.Y.Z")),
        ("another type than before", query("SELECT user_name FROM users WHERE user_name = $1").bind(1i32)),
        (
            "another size than before",
            query("SELECT role_name FROM roles WHERE granted_to_users >= $1 ORDER BY 1").bind(2i16),
        ),
        ("too few", query("SELECT $1::int4, $2::int4").bind(1i32)),
    ] {
        step(&format!("with {name}"), run(connection, query)).await;
    }
}

/// The cache of statements: which are kept, which are closed.
async fn cached(options: &PgConnectOptions) -> Outcome {
    let mut connection = options.clone().statement_cache_capacity(2).connect().await?;
    let mut sizes = Vec::new();
    for sql in ["SELECT 1", "SELECT 2", "SELECT 1", "SELECT 3", "SELECT 4"] {
        query(sql).fetch_all(&mut connection).await?;
        sizes.push(connection.cached_statements_size());
    }
    query("SELECT 5").persistent(false).fetch_all(&mut connection).await?;
    sizes.push(connection.cached_statements_size());
    connection.clear_cached_statements().await?;
    sizes.push(connection.cached_statements_size());
    let left =
        sqlx::raw_sql("SELECT statement FROM pg_prepared_statements ORDER BY 1").fetch_all(&mut connection).await?;
    sizes.push(left.len());
    connection.close().await?;
    Ok(json!(sizes).into())
}

async fn nested(connection: &mut PgConnection) -> Outcome {
    let mut outer = connection.begin().await?;
    let mut inner = outer.begin().await?;
    let failed = query("SELECT 1/0").execute(&mut *inner).await.err().map(|error| Failure::from(error).outcome);
    let broken = query("SELECT 1").execute(&mut *inner).await.err().map(|error| Failure::from(error).outcome);
    inner.rollback().await?;
    let between = count(&mut outer, "SELECT count(*) FROM users").await?;
    let mut inner = outer.begin().await?;
    let within = count(&mut inner, "SELECT count(*) FROM roles").await?;
    inner.commit().await?;
    // What is dropped is rolled back.
    drop(outer.begin().await?);
    let after = count(&mut outer, "SELECT count(*) FROM users").await?;
    outer.commit().await?;
    Ok(json!([failed, broken, between, within, after]).into())
}

async fn begun_with(connection: &mut PgConnection) -> Outcome {
    let mut transaction = connection.begin_with("BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE").await?;
    let isolation = query("SHOW transaction_isolation").fetch_all(&mut *transaction).await?;
    let read_only = query("SHOW transaction_read_only").fetch_all(&mut *transaction).await?;
    transaction.rollback().await?;
    Ok(json!([rows(&isolation)?, rows(&read_only)?]).into())
}

/// A stream that is left before its end, and the next statement.
async fn left_early(connection: &mut PgConnection) -> Outcome {
    let mut first = Vec::new();
    {
        let mut stream = query("SELECT n FROM generate_series(1, 10000) AS g(n) ORDER BY n").fetch(&mut *connection);
        while let Some(row) = stream.try_next().await? {
            first.push(row);
            if first.len() == 3 {
                break;
            }
        }
    }
    let next = query("SELECT 'next'").fetch_all(connection).await?;
    Ok(json!([rows(&first)?, rows(&next)?]).into())
}

async fn optional(connection: &mut PgConnection) -> Outcome {
    let one = query("SELECT user_name FROM users ORDER BY 1").fetch_optional(&mut *connection).await?;
    let none = query("SELECT 1 WHERE false").fetch_optional(&mut *connection).await?;
    Ok(json!([one.as_ref().map(whole).transpose()?, none.is_none()]).into())
}

async fn copied(connection: &mut PgConnection, sql: &str) -> Outcome {
    let blocks: Vec<_> = connection.copy_out_raw(sql).await?.try_collect().await?;
    Ok(blocks.iter().map(|block| text("bytes", hex(block))).collect::<Value>().into())
}

async fn copied_in(connection: &mut PgConnection) -> Outcome {
    let mut sink = connection.copy_in_raw("COPY users (user_name) FROM STDIN").await?;
    sink.send(b"x\n".as_slice()).await?;
    Ok(json!(sink.finish().await?).into())
}

async fn locked(connection: &mut PgConnection) -> Outcome {
    let lock = PgAdvisoryLock::new("steps");
    let guard = lock.acquire(&mut *connection).await?;
    guard.release_now().await?;
    let tried = lock.try_acquire(connection).await?.is_left();
    Ok(json!(tried).into())
}

async fn timed_out(options: &PgConnectOptions) -> Outcome {
    let mut connection = options.clone().options([("statement_timeout", "300ms")]).connect().await?;
    let outcome = run(&mut connection, query(LONG)).await;
    query("SELECT 1").execute(&mut connection).await?;
    outcome
}

/// A future that is dropped leaves its connection busy; a pool closes it and goes on.
async fn given_up(options: &PgConnectOptions) -> Outcome {
    let pool = PgPoolOptions::new().max_connections(1).connect_with(options.clone()).await?;
    let sql = "SELECT count(*) FROM generate_series(1, 30000) a, generate_series(1, 100) b";
    let gone = tokio::time::timeout(Duration::from_millis(10), query(sql).fetch_all(&pool)).await.is_err();
    let next = query("SELECT 1").fetch_all(&pool).await?;
    pool.close().await;
    Ok(json!([gone, rows(&next)?]).into())
}

async fn pooled(options: &PgConnectOptions) -> Outcome {
    let pool = PgPoolOptions::new()
        .max_connections(2)
        .test_before_acquire(true)
        .after_connect(|connection, _| {
            Box::pin(async move { connection.execute("SET statement_timeout = 60000").await.map(drop) })
        })
        .before_acquire(|connection, _| {
            Box::pin(async move {
                Ok(!sqlx::query_scalar::<_, bool>("SELECT pg_is_in_recovery()").fetch_one(connection).await?)
            })
        })
        .after_release(|connection, _| Box::pin(async move { connection.execute("DISCARD ALL").await.map(|_| true) }))
        .connect_with(options.clone())
        .await?;
    let asked = |number: i32| {
        let pool: PgPool = pool.clone();
        async move {
            query("SELECT $1, current_setting('statement_timeout')")
                .persistent(false)
                .bind(number)
                .fetch_all(&pool)
                .await
        }
    };
    let found = join_all((1..=5).map(asked)).await.into_iter().collect::<Result<Vec<_>, Error>>()?;
    let mut transaction = pool.begin().await?;
    let within = query("SELECT user_name FROM users ORDER BY 1").fetch_all(&mut *transaction).await?;
    transaction.commit().await?;
    let copied: Vec<_> = pool
        .copy_out_raw("COPY (SELECT 1, 'a') TO STDOUT")
        .await?
        .map(|block| block.map(|b| hex(&b)))
        .try_collect()
        .await?;
    pool.close().await;
    let numbers = found.iter().map(|found| Ok(whole(&found[0])?[0].clone())).collect::<Result<Vec<Value>, Error>>()?;
    Ok(json!([numbers, rows(&within)?, copied]).into())
}

async fn listened(url: &str) -> Outcome {
    let mut listener = PgListener::connect(url).await?;
    listener.listen("x").await?;
    listener.listen_all(["y", "z"]).await?;
    listener.unlisten("y").await?;
    listener.unlisten_all().await?;
    Ok(json!("listened").into())
}

pub async fn steps(url: &str) {
    version("sqlx");
    let options: PgConnectOptions = url.parse().expect("a URL");
    let options = options.application_name("steps");
    let mut connection = match options.connect().await {
        Ok(connection) => connection,
        Err(error) => return step("connect", async { Err(error.into()) }).await,
    };
    let release = connection.server_version_num().map(|number| number / 10_000);
    step("connect", async { Ok(json!(release).into()) }).await;
    step("ping", async { Ok(json!(connection.ping().await?).into()) }).await;
    for (name, sql) in PLAIN {
        step(name, run(&mut connection, query(*sql))).await;
    }
    for sql in DESCRIBED {
        step(&format!("describe {sql}"), described(&mut connection, sql)).await;
    }
    for sql in &DESCRIBED[..8] {
        step(&format!("prepare {sql}"), prepared(&mut connection, sql)).await;
    }
    parameters(&mut connection).await;
    for sql in ["SELEC 1", "SELECT 1 FROM no_such", "SELECT no_such FROM users", "SELECT 1/0", "SELECT no_such(1)"] {
        step(&format!("fields of {sql}"), fields(&mut connection, sql)).await;
    }
    step("raw several", raw(&mut connection, "SELECT 1 AS a; SELECT 'x' AS b, 2 AS c; SET application_name = 'x'"))
        .await;
    step("raw, one fails", raw(&mut connection, "SELECT 1 AS a; SELECT 1/0; SELECT 2")).await;
    step("raw nothing", raw(&mut connection, "-- nothing")).await;
    step("optional", optional(&mut connection)).await;
    step("left early", left_early(&mut connection)).await;
    step("cache", cached(&options)).await;
    step("nested", nested(&mut connection)).await;
    step("begun with", begun_with(&mut connection)).await;
    step("copy text", copied(&mut connection, "COPY (SELECT user_name, disabled FROM users ORDER BY 1) TO STDOUT"))
        .await;
    step("copy binary", copied(&mut connection, "COPY (SELECT 1::int8, 'a'::text, NULL) TO STDOUT (FORMAT binary)"))
        .await;
    step("copy in", copied_in(&mut connection)).await;
    step("lock", locked(&mut connection)).await;
    step("timed out", timed_out(&options)).await;
    step("given up", given_up(&options)).await;
    step("pool", pooled(&options)).await;
    step("listener", listened(url)).await;
    step("close", async { Ok(json!(connection.close().await?).into()) }).await;
    step("no such database", async {
        options.clone().database("no_such_database").connect().await?;
        Ok(json!("connected").into())
    })
    .await;
}
