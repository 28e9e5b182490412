//! tokio-postgres.

use std::error::Error as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use futures_util::future::{join, join_all, poll_fn};
use futures_util::{SinkExt, TryStreamExt};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use tokio_postgres::binary_copy::BinaryCopyOutStream;
use tokio_postgres::types::{FromSql, Kind, Oid, ToSql, Type};
use tokio_postgres::{AsyncMessage, Client, Column, Error, IsolationLevel, NoTls, Row, SimpleQueryMessage, Statement};
use uuid::Uuid;

use crate::report::{Answer, Failure, Outcome, hex, step, text, version};
use crate::statements::{DESCRIBED, LONG, PLAIN};

type Parameter<'a> = &'a (dyn ToSql + Sync);

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error.as_db_error() {
            Some(told) => {
                Self { outcome: told.code().code().to_owned(), class: None, message: told.message().to_owned() }
            }
            None => {
                let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
                Self {
                    outcome: "client".to_owned(),
                    class: Some(error.to_string()),
                    message: format!("{error}{cause}"),
                }
            }
        }
    }
}

/// Bytes of a type that has no Rust type here.
struct Raw(Vec<u8>);

impl<'a> FromSql<'a> for Raw {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(raw.to_vec()))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// The value of a column, with the type that a program would read it as.
fn cell(row: &Row, index: usize) -> Result<Value, Error> {
    fn get<'a, T: FromSql<'a>>(row: &'a Row, index: usize, show: impl Fn(T) -> Value) -> Result<Value, Error> {
        Ok(row.try_get::<_, Option<T>>(index)?.map_or(Value::Null, show))
    }
    fn list<'a, T: FromSql<'a>>(row: &'a Row, index: usize, show: impl Fn(T) -> Value) -> Result<Value, Error> {
        get(row, index, |items: Vec<Option<T>>| items.into_iter().map(|item| item.map_or(Value::Null, &show)).collect())
    }
    match *row.columns()[index].type_() {
        Type::BOOL => get(row, index, |value: bool| value.into()),
        Type::INT2 => get(row, index, |value: i16| value.into()),
        Type::INT4 => get(row, index, |value: i32| value.into()),
        Type::INT8 => get(row, index, |value: i64| value.into()),
        Type::CHAR => get(row, index, |value: i8| value.into()),
        Type::OID => {
            get(row, index, |value: Oid| if value < 16_384 { value.into() } else { "an oid of this database".into() })
        }
        Type::FLOAT4 => get(row, index, |value: f32| text("f32", value)),
        Type::FLOAT8 => get(row, index, |value: f64| text("f64", value)),
        Type::NUMERIC => get(row, index, |value: Decimal| text("decimal", value)),
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME => get(row, index, |value: String| value.into()),
        Type::BYTEA => get(row, index, |value: Vec<u8>| text("bytes", hex(&value))),
        Type::DATE => get(row, index, |value: NaiveDate| text("date", value)),
        Type::TIME => get(row, index, |value: NaiveTime| text("time", value)),
        Type::TIMESTAMP => get(row, index, |value: NaiveDateTime| text("timestamp", value)),
        Type::TIMESTAMPTZ => get(row, index, |value: DateTime<Utc>| text("timestamptz", value)),
        Type::JSON | Type::JSONB => get(row, index, |value: Value| json!({ "json": value })),
        Type::UUID => get(row, index, |value: Uuid| text("uuid", value)),
        Type::BOOL_ARRAY => list(row, index, |value: bool| value.into()),
        Type::INT2_ARRAY => list(row, index, |value: i16| value.into()),
        Type::INT4_ARRAY => list(row, index, |value: i32| value.into()),
        Type::INT8_ARRAY => list(row, index, |value: i64| value.into()),
        Type::FLOAT8_ARRAY => list(row, index, |value: f64| text("f64", value)),
        Type::NUMERIC_ARRAY => list(row, index, |value: Decimal| text("decimal", value)),
        Type::TEXT_ARRAY | Type::VARCHAR_ARRAY | Type::NAME_ARRAY => list(row, index, |value: String| value.into()),
        Type::DATE_ARRAY => list(row, index, |value: NaiveDate| text("date", value)),
        Type::TIMESTAMPTZ_ARRAY => list(row, index, |value: DateTime<Utc>| text("timestamptz", value)),
        Type::UUID_ARRAY => list(row, index, |value: Uuid| text("uuid", value)),
        _ => get(row, index, |value: Raw| text("raw", hex(&value.0))),
    }
}

/// A type: the oids of a database's own types differ between servers.
fn kind(of: &Type) -> Value {
    let fields = match of.kind() {
        Kind::Simple => Value::Null,
        Kind::Enum(labels) => json!({ "enum": labels }),
        Kind::Pseudo => "pseudo".into(),
        Kind::Array(of) => json!({ "array": of.name() }),
        Kind::Range(of) => json!({ "range": of.name() }),
        Kind::Multirange(of) => json!({ "multirange": of.name() }),
        Kind::Domain(of) => json!({ "domain": of.name() }),
        Kind::Composite(fields) => fields.iter().map(|field| json!([field.name(), field.type_().name()])).collect(),
        other => text("kind", format!("{other:?}")),
    };
    json!([of.schema(), of.name(), (of.oid() < 16_384).then(|| of.oid()), fields])
}

fn columns(of: &[Column]) -> Value {
    of.iter()
        .map(|column| {
            let size = column.type_modifier();
            json!([column.name(), column.type_().name(), size, column.table_oid().is_some(), column.column_id()])
        })
        .collect()
}

fn rows(found: &[Row]) -> Result<Value, Error> {
    let whole = |row: &Row| (0..row.len()).map(|index| cell(row, index)).collect::<Result<Vec<Value>, Error>>();
    found.iter().map(|row| Ok(whole(row)?.into())).collect::<Result<Vec<Value>, Error>>().map(Value::from)
}

async fn prepared(client: &Client, statement: &Statement, values: &[Parameter<'_>]) -> Outcome {
    let found = client.query(statement, values).await?;
    Ok((columns(statement.columns()), rows(&found)?).into())
}

async fn run(client: &Client, sql: &str, values: &[Parameter<'_>]) -> Outcome {
    let statement = client.prepare(sql).await?;
    prepared(client, &statement, values).await
}

async fn described(client: &Client, sql: &str) -> Outcome {
    let statement = client.prepare(sql).await?;
    Ok((columns(statement.columns()), statement.params().iter().map(kind).collect::<Value>()).into())
}

/// All that a simple query answers.
async fn simple(client: &Client, sql: &str) -> Outcome {
    let mut all = Vec::new();
    for message in client.simple_query(sql).await? {
        all.push(match message {
            SimpleQueryMessage::Row(row) => {
                let oid = |index: usize, value: &str| {
                    row.columns()[index].name() == "oid" && value.parse::<Oid>().is_ok_and(|oid| oid >= 16_384)
                };
                let cell = |index| {
                    row.get(index).map(|value| if oid(index, value) { "an oid of this database" } else { value })
                };
                json!({ "row": (0..row.len()).map(cell).collect::<Vec<_>>() })
            }
            SimpleQueryMessage::CommandComplete(count) => json!({ "complete": count }),
            SimpleQueryMessage::RowDescription(columns) => {
                json!({ "columns": columns.iter().map(|column| column.name()).collect::<Vec<_>>() })
            }
            other => text("message", format!("{other:?}")),
        });
    }
    Ok(Value::from(all).into())
}

/// Where an error points to, and how bad it is.
async fn fields(client: &Client, sql: &str) -> Outcome {
    let Err(error) = client.query(sql, &[]).await else { return Ok(json!("no error").into()) };
    let Some(told) = error.as_db_error() else { return Err(error.into()) };
    Ok(json!([told.severity(), told.code().code(), told.position().map(|at| format!("{at:?}")), told.hint()]).into())
}

/// A connection, and the notices that it gets.
async fn connect(url: &str) -> Result<(Client, Vec<Option<String>>, Arc<Mutex<Vec<Value>>>), Error> {
    let (client, mut connection) = tokio_postgres::connect(&format!("{url}?application_name=steps"), NoTls).await?;
    let names =
        ["server_encoding", "client_encoding", "TimeZone", "DateStyle", "integer_datetimes", "application_name"];
    let settings = names.iter().map(|name| connection.parameter(name).map(str::to_owned)).collect();
    let notices = Arc::new(Mutex::new(Vec::new()));
    let heard = notices.clone();
    tokio::spawn(async move {
        while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
            if let AsyncMessage::Notice(notice) = message {
                heard.lock().unwrap().push(json!([notice.severity(), notice.code().code(), notice.message()]));
            }
        }
    });
    Ok((client, settings, notices))
}

async fn portals(client: &mut Client) -> Outcome {
    let transaction = client.transaction().await?;
    let statement = transaction.prepare("SELECT n FROM generate_series(1, $1) AS g(n)").await?;
    let first = transaction.bind(&statement, &[&5i32]).await?;
    let other = transaction.bind("SELECT user_name FROM users ORDER BY 1", &[]).await?;
    let mut parts = Vec::new();
    for (portal, limit) in [(&first, 2), (&other, 1), (&first, 2), (&other, 0), (&first, 2), (&first, 2)] {
        parts.push(rows(&transaction.query_portal(portal, limit).await?)?);
    }
    transaction.commit().await?;
    Ok(Value::from(parts).into())
}

async fn savepoints(client: &mut Client) -> Outcome {
    let mut transaction = client.transaction().await?;
    let mut named = transaction.savepoint("a b").await?;
    let inner = named.transaction().await?;
    let failed = inner.query("SELECT 1/0", &[]).await.err().map(|error| Failure::from(error).outcome);
    let broken = inner.query("SELECT 1", &[]).await.err().map(|error| Failure::from(error).outcome);
    inner.rollback().await?;
    let between = rows(&named.query("SELECT 1", &[]).await?)?;
    named.commit().await?;
    let after = rows(&transaction.query("SELECT 2", &[]).await?)?;
    transaction.rollback().await?;
    Ok(json!([failed, broken, between, after]).into())
}

/// A transaction that is dropped is rolled back before the next statement.
async fn dropped(client: &mut Client) -> Outcome {
    let transaction = client.transaction().await?;
    let failed = transaction.query("SELECT 1/0", &[]).await.is_err();
    drop(transaction);
    Ok(json!([failed, rows(&client.query("SELECT 1", &[]).await?)?]).into())
}

async fn isolated(client: &mut Client) -> Outcome {
    let builder =
        client.build_transaction().isolation_level(IsolationLevel::Serializable).read_only(true).deferrable(true);
    let transaction = builder.start().await?;
    let mut shown = Vec::new();
    for setting in ["transaction_isolation", "transaction_read_only", "transaction_deferrable"] {
        shown.push(rows(&transaction.query(&format!("SHOW {setting}"), &[]).await?)?);
    }
    transaction.commit().await?;
    Ok(Value::from(shown).into())
}

async fn cursor(client: &mut Client) -> Outcome {
    let transaction = client.transaction().await?;
    transaction.batch_execute("DECLARE c NO SCROLL CURSOR FOR SELECT n FROM generate_series(1, 5) AS g(n)").await?;
    let mut parts = Vec::new();
    for fetch in ["FETCH 2 FROM c", "FETCH NEXT FROM c", "MOVE 1 IN c", "FETCH ALL FROM c", "FETCH c"] {
        parts.push(rows(&transaction.query(fetch, &[]).await?)?);
    }
    transaction.batch_execute("CLOSE c").await?;
    Ok(Value::from(parts).into())
}

/// Statements on their way at the same time; one of them fails.
async fn pipelined(client: &Client) -> Outcome {
    let numbers = [1i32, 2, 0, 4];
    let divided = async |number: &i32| client.query_typed("SELECT 4 / $1", &[(number, Type::INT4)]).await;
    let found = join_all(numbers.iter().map(divided)).await;
    let shown = found.into_iter().map(|one| match one {
        Ok(found) => rows(&found).map_err(Failure::from),
        Err(error) => Ok(Failure::from(error).outcome.into()),
    });
    Ok(Value::from(shown.collect::<Result<Vec<Value>, Failure>>()?).into())
}

async fn prepared_at_once(client: &Client) -> Outcome {
    let (one, two) = join(
        client.query("SELECT user_name FROM users WHERE user_name = $1", &[&"MAIN"]),
        client.query("SELECT role_type FROM roles WHERE role_name = $1", &[&"PUBLIC"]),
    )
    .await;
    Ok(json!([rows(&one?)?, rows(&two?)?]).into())
}

async fn copied(client: &Client, sql: &str) -> Outcome {
    let blocks: Vec<_> = client.copy_out(sql).await?.try_collect().await?;
    Ok(blocks.iter().map(|block| text("bytes", hex(block))).collect::<Value>().into())
}

async fn copied_rows(client: &Client) -> Outcome {
    let sql = "COPY (SELECT user_name, disabled, created_on, 1::int4 FROM users ORDER BY 1) TO STDOUT (FORMAT binary)";
    let stream =
        BinaryCopyOutStream::new(client.copy_out(sql).await?, &[Type::TEXT, Type::BOOL, Type::TIMESTAMPTZ, Type::INT4]);
    let copied: Vec<_> = stream.try_collect().await?;
    let shown = copied.iter().map(|row| {
        let moment: Option<DateTime<Utc>> = row.try_get(2)?;
        Ok(json!([
            row.try_get::<Option<&str>>(0)?,
            row.try_get::<bool>(1)?,
            moment.map(|at| at.to_string()),
            row.try_get::<i32>(3)?
        ]))
    });
    Ok(Value::from(shown.collect::<Result<Vec<Value>, Error>>()?).into())
}

/// On a connection of its own: the client gives it up after a COPY that is refused.
async fn copied_in(url: &str) -> Outcome {
    let (client, ..) = connect(url).await?;
    let sink = client.copy_in::<_, &[u8]>("COPY users (user_name) FROM STDIN").await?;
    let mut sink = std::pin::pin!(sink);
    sink.send(b"x\n").await?;
    Ok(json!(sink.finish().await?).into())
}

async fn cancelled(client: &Client) -> Outcome {
    let token = client.cancel_token();
    let (found, _) = join(client.query(LONG, &[]), async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        token.cancel_query(NoTls).await
    })
    .await;
    Ok(rows(&found?)?.into())
}

async fn streamed(client: &Client) -> Outcome {
    let values: [Parameter; 1] = [&3i32];
    let stream = client.query_raw("SELECT n, n * 2 FROM generate_series(1, $1) AS g(n)", values).await?;
    let mut stream = std::pin::pin!(stream);
    let mut found = Vec::new();
    while let Some(row) = stream.try_next().await? {
        found.push(row);
    }
    Ok(json!([rows(&found)?, stream.rows_affected()]).into())
}

/// What was warned of, after statements that warn.
async fn warned(client: &Client, notices: &Mutex<Vec<Value>>) -> Outcome {
    notices.lock().unwrap().clear();
    for sql in ["BEGIN", "BEGIN", "COMMIT", "COMMIT", "ROLLBACK", "SET LOCAL statement_timeout = 0", "UNLISTEN *"] {
        client.batch_execute(sql).await?;
    }
    Ok(Value::from(std::mem::take(&mut *notices.lock().unwrap())).into())
}

/// Values of every type as parameters, which go and come back in binary.
async fn parameters(client: &Client) {
    let moment = DateTime::from_timestamp(1_709_210_096, 789_000_000).unwrap_or_default();
    let naive = moment.naive_utc();
    let uuid = Uuid::from_u128(0xa0ee_bc99_9c0b_4ef8_bb6d_6bb9_bd38_0a11);
    let document = json!({ "a": [1, null] });
    let list: [(&str, &str, Parameter); 34] = [
        ("bool", "bool", &true),
        ("int2", "int2", &-1i16),
        ("int4", "int4", &-1i32),
        ("int8", "int8", &i64::MIN),
        ("oid", "oid", &1u32),
        ("char", "\"char\"", &65i8),
        ("float4", "float4", &0.1f32),
        ("float8", "float8", &f64::MAX),
        ("not a number", "float8", &f64::NAN),
        ("numeric", "numeric", &Decimal::new(-12_345, 3)),
        ("zero", "numeric", &Decimal::ZERO),
        ("long numeric", "numeric", &Decimal::MAX),
        ("text", "text", &"a'b\\c \u{e4}\u{1f600}"),
        ("empty text", "text", &""),
        ("varchar", "varchar", &"a"),
        ("name", "name", &"a"),
        ("bpchar", "char(3)", &"a"),
        ("bytea", "bytea", &[0u8, 1, 255].as_slice()),
        ("date", "date", &naive.date()),
        ("time", "time", &naive.time()),
        ("timestamp", "timestamp", &naive),
        ("timestamptz", "timestamptz", &moment),
        ("json", "json", &document),
        ("jsonb", "jsonb", &document),
        ("uuid", "uuid", &uuid),
        ("null", "text", &None::<String>),
        ("int4 list", "int4[]", &vec![Some(1i32), None]),
        ("int8 list", "int8[]", &vec![1i64]),
        ("text list", "text[]", &vec![Some("a,\"b"), None]),
        ("empty list", "text[]", &Vec::<String>::new()),
        ("numeric list", "numeric[]", &vec![Decimal::ONE]),
        ("date list", "date[]", &vec![naive.date()]),
        ("timestamptz list", "timestamptz[]", &vec![moment]),
        ("uuid list", "uuid[]", &vec![uuid]),
    ];
    for (name, of, value) in list {
        step(&format!("parameter {name}"), run(client, &format!("SELECT $1::{of}"), &[value])).await;
    }
    for (name, sql, values) in [
        ("text", "SELECT user_name FROM users WHERE user_name = $1", &[&"MAIN" as Parameter] as &[Parameter]),
        ("limit", "SELECT user_name FROM users ORDER BY 1 LIMIT $1 OFFSET $2", &[&1i64, &1i64]),
        ("any", "SELECT user_name FROM users WHERE user_name = ANY($1) ORDER BY 1", &[&vec!["MAIN", "x"]]),
        ("in", "SELECT user_name FROM users WHERE user_name IN ($1, $2)", &[&"MAIN", &"x"]),
        ("boolean", "SELECT user_name FROM users WHERE disabled = $1 ORDER BY 1", &[&false]),
        ("since", "SELECT count(*) FROM users WHERE created_on > $1", &[&DateTime::UNIX_EPOCH]),
        ("like", "SELECT user_name FROM users WHERE user_name LIKE $1 ORDER BY 1", &[&"%A%"]),
        ("nothing", "SELECT user_name FROM users WHERE default_role IS NOT DISTINCT FROM $1", &[&None::<&str>]),
        ("bigint", "SELECT role_name FROM roles WHERE granted_to_users >= $1 ORDER BY 1", &[&2i64]),
        ("of an array", "SELECT count(*) FROM privilege_catalog WHERE $1 = ANY(grant_types)", &[&"FUTURE"]),
        ("of a function", "SELECT user_name FROM who_can($1, $2) WHERE false", &[&"SELECT", &"X.Y.Z"]),
        ("of the wrong type", "SELECT $1::int4", &[&"x"]),
        ("too many", "SELECT 1", &[&1i32]),
    ] {
        step(&format!("with {name}"), run(client, sql, values)).await;
    }
}

/// Types that the client has to look up.
async fn looked_up(client: &Client) {
    for sql in [
        "SELECT $1::information_schema.sql_identifier",
        "SELECT $1::information_schema.cardinal_number, $2::information_schema.yes_or_no",
        "SELECT $1::information_schema.sql_identifier[]",
        "SELECT n FROM pg_namespace n",
        "SELECT $1::pg_namespace",
        "SELECT $1::pg_namespace[]",
        "SELECT $1::int4range, $2::int4multirange, $3::regclass, $4::aclitem[], $5::record",
        "SELECT relacl, reloptions, relfrozenxid FROM pg_class",
        "SELECT u FROM users u",
    ] {
        step(&format!("type of {sql}"), described(client, sql)).await;
    }
    client.clear_type_cache();
    step("type after the cache", described(client, "SELECT $1::information_schema.sql_identifier")).await;
}

pub async fn steps(url: &str) {
    version("tokio-postgres");
    let (mut client, settings, notices) = match connect(url).await {
        Ok(connected) => connected,
        Err(error) => return step("connect", async { Err(error.into()) }).await,
    };
    step("connect", async { Ok(json!(settings).into()) }).await;
    for (name, sql) in PLAIN {
        step(name, run(&client, sql, &[])).await;
    }
    for (name, sql) in PLAIN {
        step(&format!("simple {name}"), simple(&client, sql)).await;
    }
    for sql in DESCRIBED {
        step(&format!("describe {sql}"), described(&client, sql)).await;
    }
    parameters(&client).await;
    looked_up(&client).await;
    for sql in ["SELEC 1", "SELECT 1 FROM no_such", "SELECT no_such FROM users", "SELECT 1/0", "SELECT no_such(1)"] {
        step(&format!("fields of {sql}"), fields(&client, sql)).await;
    }
    step("prepared often", async {
        let statement = client.prepare("SELECT user_name FROM users WHERE user_name = $1").await?;
        let mut all = Vec::new();
        for name in ["MAIN", "x", "MAIN"] {
            all.push(rows(&client.query(&statement, &[&name]).await?)?);
        }
        let listed = "SELECT statement FROM pg_prepared_statements WHERE statement LIKE 'SELECT user_name%'";
        all.push(rows(&client.query(listed, &[]).await?)?);
        drop(statement);
        // It is closed in front of the next one.
        all.push(rows(&client.query(listed, &[]).await?)?);
        Ok(Value::from(all).into())
    })
    .await;
    step("typed", async {
        let sql = "SELECT $1, user_name FROM users WHERE user_name = $2";
        let found = client.query_typed(sql, &[(&1i64, Type::INT8), (&"MAIN", Type::VARCHAR)]).await?;
        Ok((columns(found[0].columns()), rows(&found)?).into())
    })
    .await;
    step("prepared with types", async {
        let statement = client.prepare_typed("SELECT $1, $2", &[Type::INT8, Type::DATE]).await?;
        prepared(&client, &statement, &[&1i64, &NaiveDate::from_ymd_opt(2024, 2, 29)]).await
    })
    .await;
    step("one", async { Ok(json!(client.query_one("SELECT 1", &[]).await?.try_get::<_, i32>(0)?).into()) }).await;
    step("one of none", async {
        let none = client.query_opt("SELECT 1 WHERE false", &[]).await?;
        Ok(json!(none.is_none()).into())
    })
    .await;
    step("execute", async { Ok(json!(client.execute("SELECT user_name FROM users", &[]).await?).into()) }).await;
    step("streamed", streamed(&client)).await;
    step("pipelined", pipelined(&client)).await;
    step("prepared at once", prepared_at_once(&client)).await;
    step(
        "several",
        simple(&client, "SELECT 1 AS a; SELECT 'x' AS b; SET application_name = 'x'; ; SHOW application_name"),
    )
    .await;
    step("several, one fails", simple(&client, "SELECT 1 AS a; SELECT 1/0; SELECT 2")).await;
    step("batch", async { Ok(json!(client.batch_execute("SELECT 1; BEGIN; SELECT 2; COMMIT").await?).into()) }).await;
    step("portals", portals(&mut client)).await;
    step("cursor", cursor(&mut client)).await;
    step("savepoints", savepoints(&mut client)).await;
    step("dropped", dropped(&mut client)).await;
    step("isolated", isolated(&mut client)).await;
    step("copy text", copied(&client, "COPY (SELECT user_name, disabled FROM users ORDER BY 1) TO STDOUT")).await;
    step("copy csv", copied(&client, "COPY (SELECT 1 AS a, 'b,\"c' AS d) TO STDOUT (FORMAT csv, HEADER)")).await;
    step("copy rows", copied_rows(&client)).await;
    step("copy of nothing", copied(&client, "COPY (SELECT * FROM no_such_table) TO STDOUT")).await;
    step("copy in", copied_in(url)).await;
    step("warned", warned(&client, &notices)).await;
    step("cancelled", cancelled(&client)).await;
    step("after it", run(&client, "SELECT 1", &[])).await;
    step("check", async { Ok(json!(client.check_connection().await?).into()) }).await;
    step("discard all", simple(&client, "DISCARD ALL")).await;
    step("no such database", async {
        let elsewhere = format!("{}no_such_database", &url[..=url.rfind('/').unwrap_or_default()]);
        connect(&elsewhere).await?;
        Ok(Answer::from(json!("connected")))
    })
    .await;
}
